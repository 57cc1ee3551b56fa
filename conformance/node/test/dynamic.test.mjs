import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Fixture, TRANSPORTS, join, next } from "../lib/fixture.mjs";

let fixture;
before(async () => (fixture = await Fixture.start()));
after(() => fixture.stop());

/** A client of a dynamic namespace that has been told where it is. */
async function enter(name, options) {
  const socket = fixture.client(name, options);
  assert.deepEqual(await next(socket, "where"), [name]);
  return socket;
}

for (const { name, options } of TRANSPORTS) {
  describe(name, () => {
    test("a dynamic namespace is there when it is asked for, and comes back", async () => {
      for (let round = 0; round < 2; round += 1) {
        const socket = await enter("/dynamic-one", options);
        const said = next(socket, "said");
        socket.emit("say", round);
        assert.deepEqual(await said, [round]);
        socket.disconnect();
      }
    });

    test("what one child is told the others do not hear, but all hear the parent", async () => {
      const one = await enter("/dynamic-a", options);
      const beside = await enter("/dynamic-a", options);
      const other = await enter("/dynamic-b", options);
      let strays = 0;
      other.on("said", () => (strays += 1));
      const said = Promise.all([next(one, "said"), next(beside, "said")]);
      one.emit("say", { to: "a" });
      assert.deepEqual(await said, [[{ to: "a" }], [{ to: "a" }]]);
      const told = Promise.all([one, beside, other].map((socket) => next(socket, "told")));
      one.emit("tell-all", "everybody");
      assert.deepEqual(await told, [["everybody"], ["everybody"], ["everybody"]]);
      assert.equal(strays, 0);
    });

    test("those who stay hear of one who leaves", async () => {
      const stays = await enter("/dynamic-c", options);
      const leaves = await enter("/dynamic-c", options);
      const { id } = leaves;
      const leaving = next(stays, "leaving");
      leaves.disconnect();
      assert.deepEqual(await leaving, [id]);
    });

    test("a parent's middleware refuses with data, and other names are nobody's", async () => {
      const auth = { token: "banned" };
      const banned = fixture.client("/dynamic-d", { ...options, auth });
      const [error] = await next(banned, "connect_error");
      assert.equal(error.message, "banned");
      assert.deepEqual(error.data, { from: "/dynamic-d" });
      const unknown = fixture.client("/dynamic", options);
      assert.equal((await next(unknown, "connect_error"))[0].message, "Invalid namespace");
    });

    test("several namespaces on one connection, each with its own id and auth", async () => {
      const root = await fixture.connect("/", { ...options, auth: { who: "root" } });
      const names = Array.from({ length: 10 }, (_, at) => `/dynamic-${at}`);
      const sockets = await Promise.all(names.map((name) => join(root, name)));
      assert.equal(new Set([root, ...sockets].map((socket) => socket.id)).size, 11);
      assert.ok(sockets.every((socket) => socket.io === root.io));
      const told = Promise.all(sockets.map((socket) => next(socket, "told")));
      sockets[3].emit("tell-all", 1);
      assert.equal((await told).length, 10);
      const { auth } = await root.timeout(2000).emitWithAck("handshake");
      assert.deepEqual(auth, { who: "root" });
    });

    test("several listeners run in order, and the first answer counts", async () => {
      const socket = await fixture.connect("/", options);
      const heard = [];
      socket.on("heard", (who) => heard.push(who));
      assert.equal(await socket.timeout(2000).emitWithAck("listeners"), "second");
      assert.deepEqual(heard, ["any", "first"]);
      assert.equal(await socket.timeout(2000).emitWithAck("once"), "first");
      await assert.rejects(socket.timeout(200).emitWithAck("once"));
    });

    test("the handshake tells of the request and of the client", async () => {
      const auth = { who: "me" };
      const socket = await fixture.connect("/", { ...options, auth, query: { token: "a b&c" } });
      const { address, ...rest } = await socket.timeout(2000).emitWithAck("handshake");
      assert.match(address, /127\.0\.0\.1$/);
      const expected = { token: "a b&c", secure: false, xdomain: false, auth, date: true };
      assert.deepEqual(rest, expected);
    });
  });
}
