//! What holds for every conversation.
