//! Socket.IO packets, attachments and typed access to event data.
