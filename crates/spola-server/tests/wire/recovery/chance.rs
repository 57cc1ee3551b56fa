//! Whatever happens in whatever order, each client gets each of its events once.

use std::collections::BTreeSet;

use spola_server::{Broadcast, Socket};

use super::{Memory, Visitor, root, world};
use crate::harness::World;

const CLIENTS: usize = 3;
const ROOMS: [&str; 2] = ["blue", "red"];

/// The generator SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

/// One client, and what it should have got.
struct Player {
    there: Option<Visitor>,
    memory: Memory,
    /// The socket that it had first, which the application keeps.
    first: Socket,
    rooms: BTreeSet<&'static str>,
    due: Vec<String>,
    got: Vec<String>,
}

impl Player {
    fn new(world: &World) -> Self {
        let visitor = Visitor::new(world, "");
        let memory = visitor.memory.clone();
        let mut sockets = world.io().to(memory.sid.clone()).sockets();
        let (rooms, due, got) = (BTreeSet::new(), Vec::new(), Vec::new());
        Self { there: Some(visitor), memory, first: sockets.remove(0), rooms, due, got }
    }

    fn reads(&mut self) {
        if let Some(visitor) = &mut self.there {
            let events = visitor.events();
            self.take(events);
        }
    }

    /// Volatile events may come or not.
    fn take(&mut self, events: Vec<String>) {
        self.got.extend(events.into_iter().filter(|event| !event.contains("volatile")));
    }

    /// Loses the connection, and with it what is on its way; `meanwhile` the server has not noticed.
    fn breaks_off(&mut self, world: &World, meanwhile: impl FnOnce()) {
        if let Some(visitor) = self.there.take() {
            visitor.client.end.reset();
            meanwhile();
            world.runtime.run_until_idle();
            self.memory = visitor.memory;
        }
    }

    fn returns(&mut self, world: &World) {
        if self.there.is_none() {
            let mut visitor = Visitor::back(world, &self.memory);
            assert!(visitor.is(&self.memory));
            let missed = std::mem::take(&mut visitor.missed);
            self.take(missed);
            self.there = Some(visitor);
        }
    }
}

struct Game {
    world: World,
    players: Vec<Player>,
    sent: usize,
}

impl Game {
    fn new(seed: u64) -> Self {
        let world = world();
        world.runtime.shuffle(seed);
        let players = (0..CLIENTS).map(|_| Player::new(&world)).collect();
        Self { world, players, sent: 0 }
    }

    fn step(&mut self, chance: &mut Chance) {
        let at = chance.below(CLIENTS);
        match chance.below(12) {
            0..=4 => self.emit(chance),
            5 => {
                let volatile = root(&self.world).everybody().volatile();
                volatile.emit("volatile", "text").unwrap();
            }
            6 => self.players[at].reads(),
            7 => {
                let world = self.world.clone();
                // What happens before the server notices is missed as well.
                let event = self.next_event();
                let player = &mut self.players[at];
                if player.there.is_some() {
                    player.breaks_off(&world, || {
                        root(&world).emit(&event, ()).unwrap();
                    });
                    self.is_due(&event, |_| true);
                }
            }
            8 | 9 => self.players[at].returns(&self.world),
            10 => self.change_room(at, ROOMS[chance.below(2)]),
            _ => {
                let event = self.next_event();
                self.players[at].first.emit(&event, ()).unwrap();
                let sid = self.players[at].memory.sid.clone();
                self.is_due(&event, |player| player.memory.sid == sid);
            }
        }
    }

    /// Makes a client join a room, or leave it. Events are compared with the rooms of the end (§20.3): so
    /// it reads those before, and then gets one by which it can say so.
    fn change_room(&mut self, at: usize, room: &'static str) {
        let event = self.next_event();
        let player = &mut self.players[at];
        if player.there.is_none() {
            return;
        }
        player.reads();
        let own = self.world.io().to(player.memory.sid.clone());
        if player.rooms.insert(room) {
            own.sockets_join(room).unwrap();
        } else {
            player.rooms.remove(room);
            own.sockets_leave(room);
        }
        let sid = player.memory.sid.clone();
        self.send(&own, &event, |player| player.memory.sid == sid);
        self.players[at].reads();
    }

    /// Sends an event to a selection.
    fn emit(&mut self, chance: &mut Chance) {
        let (room, other) = (ROOMS[chance.below(2)], ROOMS[chance.below(2)]);
        let sid = self.players[chance.below(CLIENTS)].memory.sid.clone();
        let everybody: Broadcast = root(&self.world).everybody();
        let event = self.next_event();
        match chance.below(5) {
            0 => self.send(&everybody, &event, |_| true),
            1 => self.send(&everybody.to(room), &event, |player| player.rooms.contains(room)),
            2 => self.send(&everybody.to(room).to(sid.clone()), &event, |player| {
                player.rooms.contains(room) || player.memory.sid == sid
            }),
            3 => self.send(&everybody.to(room).except(other), &event, |player| {
                player.rooms.contains(room) && !player.rooms.contains(other)
            }),
            _ => {
                self.send(&everybody.except(sid.clone()), &event, |player| player.memory.sid != sid)
            }
        }
    }

    fn send(&mut self, selection: &Broadcast, event: &str, is_for: impl Fn(&Player) -> bool) {
        selection.emit(event, ()).unwrap();
        self.is_due(event, is_for);
    }

    fn is_due(&mut self, event: &str, is_for: impl Fn(&Player) -> bool) {
        for player in self.players.iter_mut().filter(|player| is_for(player)) {
            player.due.push(format!(r#"42["{event}"]"#));
        }
    }

    fn next_event(&mut self) -> String {
        self.sent += 1;
        self.sent.to_string()
    }
}

#[test]
fn each_client_gets_each_of_its_events_once_and_in_order() {
    let mut returns = 0;
    for seed in 0..200 {
        let (mut game, mut chance) = (Game::new(seed), Chance(seed));
        for _ in 0..100 {
            game.step(&mut chance);
        }
        for player in &mut game.players {
            returns += usize::from(player.there.is_none());
            player.returns(&game.world);
            player.reads();
            assert_eq!(player.got, player.due, "with seed {seed}");
        }
    }
    assert!(returns > 100, "clients were away");
}
