//! Nothing is lost, doubled or reordered, whatever happens when (§7, §18.4 of the wire text).

use proptest::collection::vec;
use proptest::prelude::*;

use crate::harness::{Client, Log, Polling, World, millis, recorder};

/// What may happen next. What makes no sense at that moment does nothing.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The server sends so many events.
    Emit(u8),
    /// The client sends one.
    Send,
    /// The client starts a GET.
    Poll,
    /// So many milliseconds pass.
    Wait(u16),
    /// The client opens a WebSocket, then probes it, then moves to it; or gives it up.
    Open,
    Probe,
    Switch,
    GiveUp,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..4_u8).prop_map(Step::Emit),
        3 => Just(Step::Send),
        4 => Just(Step::Poll),
        2 => (1..400_u16).prop_map(Step::Wait),
        1 => (5_000..30_000_u16).prop_map(Step::Wait),
        2 => Just(Step::Open),
        2 => Just(Step::Probe),
        2 => Just(Step::Switch),
        1 => Just(Step::GiveUp),
    ]
}

/// A client that keeps the rules.
struct Peer {
    world: World,
    log: Log,
    session: Polling,
    get: Option<Client>,
    websocket: Option<Client>,
    probed: bool,
    upgraded: bool,
    emitted: u32,
    sent: u32,
    received: Vec<u32>,
    heard: Vec<u32>,
}

impl Peer {
    fn new(seed: u64) -> Self {
        let (world, log) = recorder();
        world.runtime.shuffle(seed);
        let session = world.join_polling();
        log.take();
        Self {
            world,
            log,
            session,
            get: None,
            websocket: None,
            probed: false,
            upgraded: false,
            emitted: 0,
            sent: 0,
            received: Vec::new(),
            heard: Vec::new(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            // What was emitted in one turn is under way while the next step is taken.
            Step::Emit(count) => {
                for _ in 0..count {
                    self.world.io().emit("n", self.emitted).unwrap();
                    self.emitted += 1;
                }
                return;
            }
            Step::Send => self.send(),
            Step::Poll => self.poll(),
            Step::Wait(time) => {
                // In steps, so that pings are answered in time.
                for _ in 0..time.div_ceil(1000) {
                    self.world.advance(millis(u64::from(time.min(1000))));
                    self.collect();
                    self.poll();
                }
            }
            Step::Open if self.websocket.is_none() => {
                self.websocket = Some(self.session.websocket());
            }
            Step::Probe if !self.probed && !self.upgraded => self.probe(),
            Step::Switch if self.probed && !self.upgraded => self.switch(),
            Step::GiveUp if !self.upgraded => {
                self.websocket = None;
                self.probed = false;
                self.world.runtime.run_until_idle();
            }
            Step::Open | Step::Probe | Step::Switch | Step::GiveUp => {}
        }
        self.collect();
    }

    fn send(&mut self) {
        let packet = format!("42[\"m\",{}]", self.sent);
        self.sent += 1;
        match &mut self.websocket {
            Some(websocket) if self.upgraded => websocket.send(&packet),
            _ => self.post(&packet),
        }
    }

    fn poll(&mut self) {
        if !self.upgraded && !self.probed && self.get.is_none() {
            self.get = Some(self.session.get());
        }
    }

    fn post(&self, packet: &str) {
        assert_eq!(self.session.post(packet).response().brief(), (200, "ok"));
    }

    /// Probes; from the answer on there is no new GET.
    fn probe(&mut self) {
        let Some(websocket) = &mut self.websocket else {
            return;
        };
        websocket.send("2probe");
        if websocket.frames() == [crate::harness::Frame::Text("3probe".into())] {
            self.probed = true;
        } else {
            // It had timed out.
            self.websocket = None;
        }
    }

    /// Moves to the WebSocket, once the pending GET has been released.
    fn switch(&mut self) {
        for _ in 0..2 {
            if self.get.is_some() {
                self.world.advance(millis(100));
                self.collect();
            }
        }
        assert!(self.get.is_none() || !self.probed);
        if let Some(websocket) = &mut self.websocket {
            websocket.send("5");
            self.upgraded = true;
        }
    }

    /// Takes what has come, and answers pings.
    fn collect(&mut self) {
        if let Some(response) = self.get.as_mut().and_then(Client::try_response) {
            self.get = None;
            assert_eq!(response.status, 200);
            for packet in response.body.split('\x1e') {
                if self.receive(packet) {
                    self.post("3");
                }
            }
        }
        if self.upgraded {
            let packets = self.websocket.as_mut().map(Client::texts);
            for packet in packets.into_iter().flatten() {
                if self.receive(&packet)
                    && let Some(websocket) = &mut self.websocket
                {
                    websocket.send("3");
                }
            }
        } else if let Some(websocket) = &mut self.websocket
            && !websocket.frames().is_empty()
        {
            // The upgrade timed out: polling goes on.
            self.websocket = None;
            self.probed = false;
        }
        for line in self.log.take() {
            let number = line.strip_prefix("[\"m\",").and_then(|rest| rest.strip_suffix(']'));
            self.heard.push(number.expect(&line).parse().unwrap());
        }
    }

    /// Takes one packet; `true` if it was a ping.
    fn receive(&mut self, packet: &str) -> bool {
        if let Some(number) = packet.strip_prefix("42[\"n\",") {
            self.received.push(number.trim_end_matches(']').parse().unwrap());
        } else {
            assert!(packet == "2" || packet == "6", "{packet}");
        }
        packet == "2"
    }

    /// Fetches the rest.
    fn finish(&mut self) {
        if self.upgraded {
            return self.collect();
        }
        self.take(Step::GiveUp);
        self.take(Step::Emit(1));
        while self.received.len() < self.emitted as usize {
            self.take(Step::Poll);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn messages_arrive_once_and_in_order_through_upgrades(
        steps in vec(step(), 0..60),
        seed in any::<u64>(),
    ) {
        let mut peer = Peer::new(seed);
        for step in steps {
            peer.take(step);
        }
        peer.finish();
        prop_assert!(peer.received.into_iter().eq(0..peer.emitted));
        prop_assert!(peer.heard.into_iter().eq(0..peer.sent));
    }
}
