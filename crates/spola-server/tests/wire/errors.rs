//! Requests that are refused (§3 of the wire text).

use crate::harness::recorder;

#[test]
fn unknown_sessions_are_refused() {
    let (world, _) = recorder();
    let mut client = world.plain("GET /socket.io/?EIO=4&transport=polling&sid=nope");
    assert_eq!(
        client.response().brief(),
        (400, r#"{"code":1,"message":"Session ID unknown"}"#)
    );
}
