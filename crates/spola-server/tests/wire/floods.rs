//! Clients that send more than their share: nobody else notices.

use crate::harness::{Client, World, masked, recorder};

/// The bystander gets an answer, and this is how many polls that took.
fn polls_to_answer(world: &World, bystander: &mut Client) -> usize {
    bystander.end.write(&masked(1, br#"420["echo","still here"]"#));
    let mut polls = 0;
    while bystander.end.waiting() == 0 {
        assert!(world.runtime.step(), "no answer");
        polls += 1;
    }
    polls
}

fn answered(bystander: &mut Client) {
    assert_eq!(bystander.text(), r#"430["still here"]"#);
}

#[test]
fn a_flood_of_events_does_not_hold_up_a_bystander() {
    let (world, _) = recorder();
    let (mut flooder, mut bystander) = (world.join(), world.join());
    flooder.end.write(&masked(1, br#"42["a"]"#).repeat(50_000));
    let polls = polls_to_answer(&world, &mut bystander);
    assert!(polls < 10, "{polls} polls");
    assert!(flooder.end.unread_by_server() > 0);
    answered(&mut bystander);
    // And the flood was all served.
    flooder.send(r#"420["echo",1]"#);
    assert_eq!(flooder.text(), "430[1]");
}

#[test]
fn a_flood_of_tiny_frames_does_not_hold_up_a_bystander() {
    let (world, _) = recorder();
    let (flooder, mut bystander) = (world.join(), world.join());
    // Noops: seven bytes, and no work for the application.
    flooder.end.write(&masked(1, b"6").repeat(100_000));
    let polls = polls_to_answer(&world, &mut bystander);
    assert!(polls < 10, "{polls} polls");
    assert!(flooder.end.unread_by_server() > 0);
    answered(&mut bystander);
}

#[test]
fn a_flood_of_requests_does_not_hold_up_a_bystander() {
    let (world, _) = recorder();
    let (flooder, mut bystander) = (world.connect(), world.join());
    let requests =
        "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3000);
    flooder.end.write(requests.as_bytes());
    let polls = polls_to_answer(&world, &mut bystander);
    assert!(polls < 20, "{polls} polls");
    answered(&mut bystander);
}

#[test]
fn a_payload_of_many_packets_does_not_hold_up_a_bystander() {
    let (world, log) = recorder();
    let (session, mut bystander) = (world.join_polling(), world.join());
    let body = vec![r#"42["a"]"#; 50_000].join("\x1e");
    let mut flooder = world.connect();
    flooder.end.write(session.post_bytes(&body).as_bytes());
    log.take();
    while flooder.end.unread_by_server() > 0 {
        assert!(world.runtime.step());
    }
    polls_to_answer(&world, &mut bystander);
    let handled = log.take().len();
    assert!(handled < 10_000, "{handled} events were handled first");
    answered(&mut bystander);
    assert_eq!(flooder.response().brief(), (200, "ok"));
    assert_eq!(handled + log.take().len(), 50_000);
}
