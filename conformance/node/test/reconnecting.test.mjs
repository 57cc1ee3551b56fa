import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Fixture, TRANSPORTS, connected, next, settled } from "../lib/fixture.mjs";

const EAGER = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 };

for (const { name, options } of TRANSPORTS) {
  describe(name, () => {
    /** A client through the end of one server and the start of the next on the same port. */
    async function throughRestart(end, body) {
      const first = await Fixture.start();
      let second;
      try {
        const socket = first.client("/", { ...options, ...EAGER });
        await connected(socket);
        await settled(socket, options);
        const gone = next(socket, "disconnect");
        end(first);
        const [reason] = await gone;
        await first.ended;
        const back = next(socket, "connect");
        second = await Fixture.start({ port: first.port });
        await body(socket, back, reason);
      } finally {
        await first.stop();
        await second?.stop();
      }
    }

    test("clients come back after the server was killed", () =>
      throughRestart(
        (fixture) => fixture.signal("SIGKILL"),
        async (socket, back, reason) => {
          assert.ok(["transport close", "transport error"].includes(reason), reason);
          socket.emit("echo", "said while nobody listened");
          const echo = next(socket, "echo");
          await back;
          assert.deepEqual(await echo, ["said while nobody listened"]);
        },
      ));

    test("clients come back after a graceful shutdown", () =>
      throughRestart(
        (fixture) => fixture.quit(),
        async (socket, back, reason) => {
          assert.equal(reason, "transport close");
          await back;
          await settled(socket, options);
          assert.equal(await socket.timeout(2000).emitWithAck("echo-ack", 1), 1);
        },
      ));
  });
}
