import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Fixture, TRANSPORTS, caughtUp, connected } from "../lib/fixture.mjs";

let fixture;
before(async () => (fixture = await Fixture.start()));
after(() => fixture.stop());

const ask = (socket, ...values) => socket.timeout(3000).emitWithAck(...values);

/** Whom an event of `sender` reached, by index, once everybody has caught up. */
async function reached(sockets, sender, rooms, except) {
  const value = Math.random();
  const heard = [];
  sockets.forEach((socket, at) => {
    socket.on("told", (told) => {
      if (told === value) heard.push(at);
    });
  });
  sockets[sender].emit("to", rooms, except, "told", value);
  await caughtUp(sockets[sender]);
  await Promise.all(sockets.map(caughtUp));
  for (const socket of sockets) socket.off("told");
  return heard.sort();
}

for (const { name, options } of TRANSPORTS) {
  describe(name, () => {
    const room = (suffix) => `${name} ${suffix} 🧶`;
    let sockets;
    before(async () => {
      sockets = await Promise.all([0, 1, 2, 3].map(() => fixture.connect("/", options)));
      const joins = [[0, "a"], [1, "a"], [1, "b"], [2, "b"], [3, "c"]];
      for (const [at, suffix] of joins) {
        assert.equal(await ask(sockets[at], "join", room(suffix)), "ok");
      }
    });

    const cases = [
      ["one room, sender in it", 0, ["a"], [], [0, 1]],
      ["one room, sender outside", 3, ["a"], [], [0, 1]],
      ["two rooms, each member once", 3, ["a", "b"], [], [0, 1, 2]],
      ["rooms but for another", 3, ["a", "b"], ["b"], [0]],
      ["all but a room", 0, [], ["a"], [2, 3]],
      ["an unknown room", 0, ["nowhere"], [], []],
      ["a room but for an unknown one", 0, ["a"], ["nowhere"], [0, 1]],
      ["a room but for itself", 0, ["a"], ["a"], []],
    ];
    for (const [title, sender, rooms, except, expected] of cases) {
      test(title, async () => {
        // With no room the whole server is meant; other tests' clients hear it, we look at ours.
        const seen = await reached(sockets, sender, rooms.map(room), except.map(room));
        assert.deepEqual(seen, expected);
      });
    }

    test("a socket's own room is its id", async () => {
      assert.deepEqual(await reached(sockets, 0, [sockets[2].id], []), [2]);
      assert.deepEqual(await reached(sockets, 0, [room("a")], [sockets[1].id]), [0]);
    });

    test("members can be asked for, joining twice counts once", async () => {
      await ask(sockets[0], "join", room("a"));
      const members = [sockets[0].id, sockets[1].id].sort();
      assert.deepEqual(await ask(sockets[3], "who", room("a")), members);
      assert.deepEqual(await ask(sockets[3], "who", room("nowhere")), []);
    });

    test("who leaves hears no more, and may come back", async () => {
      assert.equal(await ask(sockets[1], "leave", room("b")), "ok");
      assert.deepEqual(await reached(sockets, 0, [room("b")], []), [2]);
      assert.equal(await ask(sockets[1], "join", room("b")), "ok");
      assert.deepEqual(await reached(sockets, 0, [room("b")], []), [1, 2]);
    });

    test("leaving a room one is not in does no harm", async () => {
      assert.equal(await ask(sockets[3], "leave", room("a")), "ok");
    });

    test("rooms end with the connection", async () => {
      const guest = await fixture.connect("/", options);
      await ask(guest, "join", room("d"));
      assert.deepEqual(await ask(sockets[0], "who", room("d")), [guest.id]);
      guest.disconnect();
      for (let tries = 0; (await ask(sockets[0], "who", room("d"))).length > 0; tries += 1) {
        assert.ok(tries < 500, "still in the room");
      }
      guest.connect();
      await connected(guest);
      assert.deepEqual(await ask(sockets[0], "who", room("d")), []);
    });
  });
}
