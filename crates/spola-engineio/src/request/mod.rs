//! What an HTTP request asks for, and whether it may: the checks before any session is touched
//! (Engine.IO v4, §1 and §3).
//!
//! [`verify`] takes the head of a request that belongs to the server's path and says which session to
//! hand it to, or why it is refused. The application's own admission (code 4) comes between a
//! [`Verified::Open`] and the session.

mod query;
mod refusal;
mod verify;

pub use query::{MAX_PARAMETERS, NotANumber, Query, TooManyParameters, event_id};
pub use refusal::{Context, ErrorCode, Refusal, UPGRADE_REFUSAL_STATUS};
pub use verify::{Method, RequestHead, SessionStatus, Verified, verify};
