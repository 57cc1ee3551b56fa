import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TRANSPORTS, next, settled, sleep, withFixture } from "../lib/fixture.mjs";

const BEAT = { pingInterval: 300, pingTimeout: 2000 };

for (const { name, options } of TRANSPORTS) {
  describe(name, { concurrency: true }, () => {
    test("a client that answers survives many beats", () =>
      withFixture(BEAT, async (fixture) => {
        const socket = fixture.client("/", options);
        let beats = 0;
        socket.io.on("ping", () => (beats += 1));
        socket.on("disconnect", (reason) => assert.fail(reason));
        await next(socket, "connect");
        assert.equal(socket.io.engine._pingInterval, BEAT.pingInterval);
        assert.equal(socket.io.engine._pingTimeout, BEAT.pingTimeout);
        await sleep(3000);
        assert.ok(beats >= 5 && beats <= 11, `${beats} beats in 3 s`);
        assert.equal(await socket.timeout(2000).emitWithAck("echo-ack", 1), 1);
        socket.off("disconnect");
      }));

    test("a client that keeps silent is given up", () =>
      withFixture(BEAT, async (fixture) => {
        const observer = await fixture.connect("/", { transports: ["websocket"] });
        const socket = await fixture.connect("/", options);
        await settled(socket, options);
        const { engine } = socket.io;
        const send = engine._sendPacket;
        engine._sendPacket = (type, ...rest) => {
          if (type !== "pong") send.call(engine, type, ...rest);
        };
        const gone = next(socket, "disconnect");
        assert.equal(await fixture.departure(observer, "ping timeout"), "ping timeout");
        assert.equal((await gone)[0], "transport close");
      }));

    test("a server that keeps silent is given up", () =>
      withFixture(BEAT, async (fixture) => {
        const socket = await fixture.connect("/", options);
        await settled(socket, options);
        const gone = next(socket, "disconnect");
        fixture.signal("SIGSTOP");
        try {
          assert.equal((await gone)[0], "ping timeout");
        } finally {
          fixture.signal("SIGCONT");
        }
      }));

    test("traffic does not disturb the beat", () =>
      withFixture(BEAT, async (fixture) => {
        const socket = await fixture.connect("/", options);
        socket.on("disconnect", (reason) => assert.fail(reason));
        const end = Date.now() + 1200;
        let rounds = 0;
        while (Date.now() < end) {
          assert.equal(await socket.timeout(2000).emitWithAck("echo-ack", rounds), rounds);
          rounds += 1;
        }
        socket.off("disconnect");
      }));
  });
}
