//! The POSTs of a client that reads an event stream.

use spola_engineio::server::{PostMark, RequestId};

use super::{config, opened, opened_with};

#[test]
fn numbered_post_is_taken_in_once() {
    let mut world = opened();
    world.sse_post(1, 1, "4a");
    world.sse_post(2, 1, "4a");
    world.sse_post(3, 2, "4b");
    world.sse_post(4, 1, "9");
    assert_eq!(world.out(), ["post 1: ok", "post 2: ok", "post 3: ok", "post 4: ok"]);
    assert_eq!(world.events(), ["text a", "text b"]);
}

#[test]
fn numbered_post_may_be_given_up_and_repeated() {
    let mut world = opened();
    world.start_sse_post(1, Some(1), None);
    world.session.handle_post_aborted(RequestId(1));
    world.start_sse_post(2, Some(1), None);
    // Its connection is gone, but nobody has noticed yet.
    world.start_sse_post(3, Some(1), None);
    world.end_post(2, "4a");
    world.end_post(3, "4a");
    assert_eq!(world.out(), ["post 2: abort", "post 3: ok"]);
    assert_eq!(world.events(), ["text a"]);
}

#[test]
fn posts_out_of_turn_close_the_session() {
    for seq in [0, 2, u64::MAX] {
        let mut world = opened();
        world.start_sse_post(1, Some(seq), None);
        world.assert_closed("transport error", &["post 1: 400", "sse 0 #2 1", "sse 0 end"]);
    }
}

#[test]
fn overlapping_posts_close_the_session() {
    for (first, second) in [(None, None), (Some(1), None), (None, Some(1)), (Some(1), Some(2))] {
        let mut world = opened();
        world.start_sse_post(1, first, None);
        world.start_sse_post(2, second, None);
        assert_eq!(
            world.out(),
            ["post 1: abort", "post 2: 400", "sse 0 #2 1", "sse 0 end"],
            "{first:?} {second:?}"
        );
        assert_eq!(world.events(), ["closed: transport error"]);
    }
}

#[test]
fn post_without_a_number_must_not_be_given_up() {
    let mut world = opened();
    world.start_sse_post(1, None, None);
    world.session.handle_post_aborted(RequestId(1));
    world.assert_closed("transport error", &["sse 0 #2 1", "sse 0 end"]);
}

#[test]
fn binary_content_type_is_refused() {
    let mut world = opened();
    let octets = Some(&b"application/octet-stream"[..]);
    world.session.handle_stream_post_started(RequestId(1), octets, PostMark::default());
    world.assert_closed("transport error", &["post 1: 400", "sse 0 #2 1", "sse 0 end"]);
}

#[test]
fn body_beyond_the_limit_is_413_and_may_be_mended() {
    let mut config = config();
    config.max_payload = 3;
    let mut world = opened_with(&config);
    world.sse_post(1, 1, "4abc");
    world.sse_post(2, 1, "4ab");
    assert_eq!(world.out(), ["post 1: 413", "post 2: ok"]);
    assert_eq!(world.events(), ["text ab"]);
}
