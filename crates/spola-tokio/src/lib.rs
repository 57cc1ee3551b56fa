//! The tokio driver: WebSocket over sockets, and the Socket.IO server as a service.
