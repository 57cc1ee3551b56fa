//! Without loss for a client that keeps to the rules.

use std::collections::VecDeque;

use proptest::{collection::vec, prelude::*};
use spola_engineio::{packet::WebSocketMessage, server::RequestId};

use crate::World;

/// A client by the rules of §7.2, over links that deliver late, and the counts of both directions.
#[derive(Default)]
struct Client {
    next_id: u64,
    get_pending: bool,
    get_answer: Option<String>,
    post: Option<(RequestId, Vec<usize>)>,
    post_answer: bool,
    upgrade: ClientUpgrade,
    /// Messages of the WebSocket on their way to the client.
    to_client: VecDeque<String>,
    /// Messages of the WebSocket on their way to the server.
    to_server: VecDeque<String>,
    /// What the application of the client wrote, and no transport took.
    buffer: Vec<usize>,
    written: usize,
    received: Vec<usize>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum ClientUpgrade {
    #[default]
    None,
    Probing,
    Pausing,
    Done,
}

impl Client {
    fn id(&mut self) -> RequestId {
        self.next_id += 1;
        RequestId(self.next_id)
    }

    fn may_poll(&self) -> bool {
        matches!(self.upgrade, ClientUpgrade::None | ClientUpgrade::Probing)
    }

    /// One thing that this client may do now, chosen by `choice`.
    fn act(&mut self, world: &mut World, choice: u8) {
        match choice % 10 {
            0 => {
                self.buffer.push(self.written);
                self.written += 1;
                if self.upgrade == ClientUpgrade::Done {
                    self.flush_to_websocket();
                }
            }
            1 if self.may_poll() && !self.get_pending => {
                self.get_pending = true;
                let id = self.id();
                world.session.handle_poll(id);
            }
            2 if self.may_poll() && self.post.is_none() && !self.buffer.is_empty() => {
                let id = self.id();
                world.session.handle_post_started(id, None);
                self.post = Some((id, std::mem::take(&mut self.buffer)));
            }
            3 => self.end_post(world),
            4 if self.upgrade == ClientUpgrade::None => self.start_upgrade(world),
            5 => self.take_get_answer(),
            6 if self.post_answer => {
                self.post_answer = false;
                self.post = None;
            }
            7 => self.take_websocket_message(),
            8 => {
                if let Some(text) = self.to_server.pop_front() {
                    let message = WebSocketMessage::Text(text.into());
                    world.session.handle_websocket_message(world.now, message);
                }
            }
            9 if self.upgrade == ClientUpgrade::Probing => {
                // The probe fails: the client stays on polling and may try again.
                self.upgrade = ClientUpgrade::None;
                self.to_server.clear();
                self.to_client.clear();
                world.ws_closed();
            }
            _ => {}
        }
        if self.upgrade == ClientUpgrade::Pausing && !self.get_pending && self.post.is_none() {
            self.upgrade = ClientUpgrade::Done;
            self.to_server.push_back("5".to_owned());
            self.flush_to_websocket();
        }
        self.collect(world);
    }

    fn start_upgrade(&mut self, world: &mut World) {
        if world.open_websocket().is_ok() {
            self.upgrade = ClientUpgrade::Probing;
            self.to_server.push_back("2probe".to_owned());
        }
    }

    fn end_post(&mut self, world: &mut World) {
        if let Some((id, numbers)) = &mut self.post
            && !numbers.is_empty()
        {
            let packets: Vec<_> = numbers.drain(..).map(|number| format!("4{number}")).collect();
            world.session.handle_post(world.now, *id, packets.join("\x1e").into());
        }
    }

    fn take_get_answer(&mut self) {
        let Some(body) = self.get_answer.take() else {
            return;
        };
        self.get_pending = false;
        for packet in body.split('\x1e') {
            self.take_packet(packet);
        }
    }

    fn take_websocket_message(&mut self) {
        let Some(text) = self.to_client.pop_front() else {
            return;
        };
        if text == "3probe" {
            assert!(self.upgrade == ClientUpgrade::Probing);
            self.upgrade = ClientUpgrade::Pausing;
        } else {
            self.take_packet(&text);
        }
    }

    fn take_packet(&mut self, packet: &str) {
        if let Some(number) = packet.strip_prefix('4') {
            self.received.push(number.parse().expect("a number"));
        } else {
            assert!(matches!(packet, "6"), "{packet}");
        }
    }

    fn flush_to_websocket(&mut self) {
        let packets = self.buffer.drain(..).map(|number| format!("4{number}"));
        self.to_server.extend(packets);
    }

    fn collect(&mut self, world: &mut World) {
        for line in world.out() {
            if let Some(text) = line.strip_prefix("ws ") {
                self.to_client.push_back(text.to_owned());
            } else if line.starts_with("get ") {
                let (_, body) = line.split_once(": ").expect("an answer");
                self.get_answer = Some(body.replace('|', "\x1e"));
            } else {
                assert!(line.ends_with(": ok"), "{line}");
                self.post_answer = true;
            }
        }
    }
}

proptest! {
    #[test]
    fn upgrade_loses_and_reorders_nothing(
        choices in vec((any::<u8>(), prop::bool::weighted(0.3), 0..30_u64), 0..120),
    ) {
        let mut world = World::polling();
        let mut client = Client::default();
        let (mut sent, mut delivered) = (0, Vec::new());
        let round_robin = (0..900_u16).map(|i| {
            // In the end everything on its way arrives; the client starts nothing new but polls.
            ([3, 5, 6, 7, 8, 1, 2][usize::from(i % 7)], false, 10)
        });
        for (choice, send, ms) in choices.into_iter().chain(round_robin) {
            if send {
                prop_assert_eq!(world.send(&sent.to_string()), Ok(()));
                sent += 1;
            }
            world.advance(ms);
            client.act(&mut world, choice);
            delivered.extend(world.events());
        }
        prop_assert_eq!(client.received, (0..sent).collect::<Vec<_>>());
        let delivered: Vec<_> = delivered.into_iter().filter(|line| line != "upgraded").collect();
        let written = (0..client.written).map(|number| format!("text {number}"));
        prop_assert_eq!(delivered, written.collect::<Vec<_>>());
    }
}
