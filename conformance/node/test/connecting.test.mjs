import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Fixture, TRANSPORTS, connected, next, upgraded } from "../lib/fixture.mjs";

let fixture;
before(async () => (fixture = await Fixture.start()));
after(() => fixture.stop());

test("polling alone stays on polling", async () => {
  const socket = await fixture.connect("/", { transports: ["polling"] });
  await socket.timeout(2000).emitWithAck("echo-ack", 1);
  assert.equal(socket.io.engine.transport.name, "polling");
});

test("websocket alone never polls", async () => {
  const socket = fixture.client("/", { transports: ["websocket"] });
  socket.io.engine.on("upgrading", () => assert.fail("nothing to upgrade"));
  await connected(socket);
  assert.equal(socket.io.engine.transport.name, "websocket");
});

test("polling upgrades to websocket, and the upgrade is reported", async () => {
  const socket = fixture.client("/", { transports: ["polling", "websocket"] });
  const upgrade = next(socket.io.engine, "upgrade");
  assert.equal(socket.io.engine.transport.name, "polling");
  const [transport] = await upgrade;
  assert.equal(transport.name, "websocket");
  assert.equal(socket.io.engine.transport.name, "websocket");
  assert.deepEqual(await socket.timeout(2000).emitWithAck("echo-ack", "after"), "after");
});

test("upgrade: false stays on polling", async () => {
  const socket = await fixture.connect("/", { upgrade: false });
  await socket.timeout(2000).emitWithAck("echo-ack", 1);
  assert.equal(socket.io.engine.transport.name, "polling");
});

test("nothing is lost or out of order around an upgrade", async () => {
  const socket = await fixture.connect("/", { transports: ["polling", "websocket"] });
  const seen = [];
  socket.on("echo", (value) => seen.push(value));
  const count = 1000;
  for (let value = 0; value < count; value += 1) {
    socket.emit("echo", value);
    if (value % 50 === 0) await new Promise(setImmediate);
  }
  await upgraded(socket);
  await socket.timeout(5000).emitWithAck("echo-ack");
  assert.deepEqual(seen, [...Array(count).keys()]);
});

for (const { name, options } of TRANSPORTS) {
  describe(name, () => {
    test("ids are 20 characters, and the session's is not the socket's", async () => {
      const socket = await fixture.connect("/", options);
      const shape = /^[A-Za-z0-9_-]{20}$/;
      assert.match(socket.id, shape);
      assert.match(socket.io.engine.id, shape);
      assert.notEqual(socket.id, socket.io.engine.id);
    });

    test("auth reaches the server", async () => {
      const auth = { token: "🗝", nested: { list: [1, null, true] } };
      const socket = fixture.client("/", { ...options, auth });
      assert.deepEqual(await next(socket, "auth"), [auth]);
    });

    test("auth may come from a function, and is {} when there is none", async () => {
      const asked = fixture.client("/", { ...options, auth: (give) => give({ n: 1 }) });
      assert.deepEqual(await next(asked, "auth"), [{ n: 1 }]);
      const silent = fixture.client("/", options);
      assert.deepEqual(await next(silent, "auth"), [{}]);
    });

    test("a client leaves and comes back with a new id", async () => {
      const socket = await fixture.connect("/", options);
      const first = socket.id;
      socket.disconnect();
      assert.equal(socket.id, undefined);
      socket.connect();
      await connected(socket);
      assert.notEqual(socket.id, first);
      assert.equal(await socket.timeout(2000).emitWithAck("echo-ack", "back"), "back");
    });
  });
}
