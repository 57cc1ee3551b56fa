import assert from "node:assert/strict";
import { test } from "node:test";
import { TRANSPORTS, next, withFixture } from "../lib/fixture.mjs";

const CROWD = 200;

test(`${CROWD} clients at once all hear a broadcast`, () =>
  withFixture({}, async (fixture) => {
    const sockets = await Promise.all(
      [...Array(CROWD).keys()].map((at) =>
        fixture.connect("/", { ...TRANSPORTS[at % TRANSPORTS.length].options }),
      ),
    );
    assert.equal(new Set(sockets.map((socket) => socket.id)).size, CROWD);
    const joined = sockets.map((socket) => socket.timeout(5000).emitWithAck("join", "crowd"));
    assert.deepEqual(await Promise.all(joined), Array(CROWD).fill("ok"));
    const value = { text: "hear ye 📣", at: [1, 2, 3] };
    for (let round = 0; round < 5; round += 1) {
      const heard = Promise.all(sockets.map((socket) => next(socket, "news", 10_000)));
      sockets[round].emit("to", ["crowd"], [], "news", { ...value, round });
      assert.deepEqual(await heard, Array(CROWD).fill([{ ...value, round }]));
    }
    const others = Promise.all(sockets.slice(1).map((socket) => next(socket, "news", 10_000)));
    sockets[0].emit("broadcast", value);
    assert.deepEqual(await others, Array(CROWD - 1).fill([value]));
  }));

test("clients that come and go leave nothing behind", () =>
  withFixture({}, async (fixture) => {
    const observer = await fixture.connect("/", { transports: ["websocket"] });
    for (let round = 0; round < 5; round += 1) {
      const guests = await Promise.all(
        [...Array(30).keys()].map((at) =>
          fixture.connect("/", { ...TRANSPORTS[at % TRANSPORTS.length].options }),
        ),
      );
      const ask = (socket, ...values) => socket.timeout(5000).emitWithAck(...values);
      await Promise.all(guests.map((guest) => ask(guest, "join", "hall")));
      assert.equal((await ask(observer, "who", "hall")).length, guests.length);
      for (const guest of guests) guest.disconnect();
      const deadline = Date.now() + 5000;
      while ((await ask(observer, "who", "hall")).length > 0) {
        assert.ok(Date.now() < deadline, "the hall is not empty");
      }
    }
  }));
