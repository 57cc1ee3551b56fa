//! A sans-IO WebSocket (RFC 6455): the opening handshake and the connection, of both roles.
