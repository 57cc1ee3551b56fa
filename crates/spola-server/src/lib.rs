//! The Socket.IO server for applications, free of any runtime.
