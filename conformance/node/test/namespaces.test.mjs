import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Fixture, TRANSPORTS, connected, join, next } from "../lib/fixture.mjs";

let fixture;
before(async () => (fixture = await Fixture.start()));
after(() => fixture.stop());

for (const { name, options } of TRANSPORTS) {
  describe(name, () => {
    test("namespaces share one session and keep apart what they carry", async () => {
      const root = await fixture.connect("/", options);
      const admin = { auth: { token: "letmein" } };
      const [room, other] = await Promise.all([
        join(root, "/room-chat"),
        join(root, "/admin", admin),
      ]);
      assert.equal(room.io, root.io);
      assert.equal(new Set([root.id, room.id, other.id]).size, 3);
      let strays = 0;
      root.on("echo", () => (strays += 1));
      const echo = next(room, "echo");
      room.emit("echo", "for the room");
      assert.deepEqual(await echo, ["for the room"]);
      await root.timeout(2000).emitWithAck("echo-ack");
      assert.equal(strays, 0);
    });

    test("leaving one namespace leaves the others alone", async () => {
      const root = await fixture.connect("/", options);
      const room = await join(root, "/room-chat");
      room.disconnect();
      assert.equal(await root.timeout(2000).emitWithAck("echo-ack", 1), 1);
      await connected(room.connect());
      const echo = next(room, "echo");
      room.emit("echo", "again");
      assert.deepEqual(await echo, ["again"]);
    });

    test("the root is joined only when asked for", async () => {
      const room = await fixture.connect("/room-chat", options);
      const echo = next(room, "echo");
      room.emit("echo", 1);
      assert.deepEqual(await echo, [1]);
    });

    test("an unknown namespace is refused", async () => {
      for (const namespace of ["/nowhere", "/ROOM-CHAT", "/room-chat/", "/room-chat/more"]) {
        const socket = fixture.client(namespace, options);
        const [error] = await next(socket, "connect_error");
        assert.equal(error.message, "Invalid namespace");
        assert.equal(socket.active, false);
      }
    });

    test("middleware refuses with a message and data", async () => {
      for (const auth of [undefined, {}, { token: "guess" }]) {
        const socket = fixture.client("/admin", { ...options, auth });
        const [error] = await next(socket, "connect_error");
        assert.equal(error.message, "not authorized");
        assert.deepEqual(error.data, { code: "E_AUTH" });
      }
    });

    test("a refused client may try again on the same session", async () => {
      const socket = fixture.client("/admin", { ...options, auth: { token: "guess" } });
      await next(socket, "connect_error");
      socket.auth = { token: "letmein" };
      const welcome = next(socket, "welcome");
      socket.connect();
      assert.deepEqual(await welcome, []);
    });

    test("a refusal leaves the other namespaces alone", async () => {
      const root = await fixture.connect("/", options);
      const admin = root.io.socket("/admin");
      await next(admin, "connect_error");
      assert.equal(await root.timeout(2000).emitWithAck("echo-ack", 1), 1);
    });
  });
}
