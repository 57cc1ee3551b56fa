//! Sans-IO Engine.IO sessions: polling, WebSocket, upgrade, heartbeat.
