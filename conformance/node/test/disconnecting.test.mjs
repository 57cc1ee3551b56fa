import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  TRANSPORTS,
  connected,
  join,
  next,
  settled,
  within,
  withFixture,
} from "../lib/fixture.mjs";

for (const { name, options } of TRANSPORTS) {
  describe(name, () => {
    /** A server of its own, so that its last departure is the one under test. */
    const scene = (body) =>
      withFixture({}, async (fixture) => {
        const observer = await fixture.connect("/", { transports: ["websocket"] });
        const socket = await fixture.connect("/", options);
        await settled(socket, options);
        await body(fixture, observer, socket);
      });

    test("the client leaves a namespace", () =>
      scene(async (fixture, observer, socket) => {
        const gone = next(socket, "disconnect");
        socket.disconnect();
        assert.equal((await gone)[0], "io client disconnect");
        const reason = "client namespace disconnect";
        assert.equal(await fixture.departure(observer, reason), reason);
      }));

    test("the server ends a namespace", () =>
      scene(async (fixture, observer, socket) => {
        const room = await join(socket, "/room-chat");
        const gone = next(socket, "disconnect");
        socket.emit("kick");
        assert.equal((await gone)[0], "io server disconnect");
        const reason = "server namespace disconnect";
        assert.equal(await fixture.departure(observer, reason), reason);
        const echo = next(room, "echo");
        room.emit("echo", "the session goes on");
        assert.deepEqual(await echo, ["the session goes on"]);
        await connected(socket.connect());
      }));

    test("the server ends the session", () =>
      scene(async (fixture, observer, socket) => {
        const room = await join(socket, "/room-chat");
        const both = Promise.all([next(socket, "disconnect"), next(room, "disconnect")]);
        socket.emit("kick-session");
        const reasons = (await both).map(([reason]) => reason);
        assert.deepEqual(reasons, Array(2).fill("io server disconnect"));
        const reason = "server namespace disconnect";
        assert.equal(await fixture.departure(observer, reason), reason);
      }));

    test("the client closes the session", () =>
      scene(async (fixture, observer, socket) => {
        const gone = next(socket, "disconnect");
        socket.io.engine.close();
        assert.equal((await gone)[0], "forced close");
        assert.equal(await fixture.departure(observer, "transport close"), "transport close");
      }));

    test("the server shuts down when told by its input", () =>
      scene(async (fixture, observer, socket) => {
        const both = Promise.all([next(socket, "disconnect"), next(observer, "disconnect")]);
        fixture.quit();
        const reasons = (await both).map(([reason]) => reason);
        assert.deepEqual(reasons, Array(2).fill("transport close"));
        assert.deepEqual(await within(5000, "exit", fixture.ended), { code: 0, signal: null });
      }));

    test("the server shuts down when told by a signal", () =>
      scene(async (fixture, observer, socket) => {
        const both = Promise.all([next(socket, "disconnect"), next(observer, "disconnect")]);
        fixture.signal("SIGTERM");
        const reasons = (await both).map(([reason]) => reason);
        assert.deepEqual(reasons, Array(2).fill("transport close"));
        assert.deepEqual(await within(5000, "exit", fixture.ended), { code: 0, signal: null });
      }));

    test("outstanding questions of a client that leaves settle", () =>
      scene(async (_, observer, socket) => {
        socket.emit("ask", "this answer never comes");
        const pending = socket.timeout(3000).emitWithAck("nobody");
        socket.disconnect();
        await assert.rejects(pending, /socket has been disconnected/);
        assert.equal(await observer.timeout(2000).emitWithAck("echo-ack", 1), 1);
      }));
  });
}

test("a connection cut without a word is a transport close", () =>
  withFixture({}, async (fixture) => {
    const observer = await fixture.connect("/", { transports: ["websocket"] });
    const socket = await fixture.connect("/", { transports: ["websocket"] });
    const gone = next(socket, "disconnect");
    socket.io.engine.transport.ws._socket.destroy();
    assert.equal((await gone)[0], "transport close");
    assert.equal(await fixture.departure(observer, "transport close"), "transport close");
  }));
