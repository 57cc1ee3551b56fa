//! Sans-IO Socket.IO connections: namespaces, events, acknowledgements.
