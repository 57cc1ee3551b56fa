//! Real-time for Rust: Socket.IO, Engine.IO and WebSocket.
