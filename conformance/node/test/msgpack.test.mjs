// The official client with `socket.io-msgpack-parser`, against a server with that format.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import parser from "socket.io-msgpack-parser";
import { Fixture, TRANSPORTS, join, next, settled } from "../lib/fixture.mjs";

const official = process.env.SPOLA_CONFORMANCE_SERVER?.endsWith(".mjs");

let fixture;
before(async () => (fixture = await Fixture.start({ msgpack: true })));
after(() => fixture.stop());

for (const transport of TRANSPORTS) {
  describe(transport.name, () => {
    const options = { ...transport.options, parser };
    let socket;
    before(async () => {
      socket = await fixture.connect("/", options);
      await settled(socket, options);
    });

    test("credentials arrive", async () => {
      const auth = { token: "x", list: [1, null], ü: true };
      const other = fixture.client("/", { ...options, auth });
      assert.deepEqual(await next(other, "auth"), [auth]);
      other.disconnect();
    });

    test("values of all kinds, both ways", async () => {
      const values = [
        null, true, false, 0, -1, 127, 128, -32, -33, 65_536, -32_769, 2 ** 32, 2 ** 53 - 1,
        -(2 ** 40), 1.5, -0.25, 5e-324, "", "ü€😀", "x".repeat(40), "y".repeat(70_000),
        [], [[[1]]], {}, { a: { b: [1, { c: null }] } }, [...Array(20).keys()],
      ];
      const echo = next(socket, "echo");
      socket.emit("echo", ...values);
      assert.deepEqual(await echo, values);
    });

    test("binary in place, as much as there is", async () => {
      const bytes = (n) => Buffer.alloc(n, n & 0xff);
      const values = [bytes(0), { deep: [bytes(1), { er: bytes(300) }] }, bytes(70_000)];
      // More than the default format's ten attachments.
      for (let n = 0; n < 20; n += 1) values.push(bytes(n));
      const answer = await socket.timeout(5000).emitWithAck("echo-ack", values);
      assert.deepEqual(answer, values);
    });

    test("typed arrays and array buffers are bytes", async () => {
      for (const sent of [new Uint8Array([1, 2, 255]), new Uint8Array([1, 2, 255]).buffer]) {
        const told = next(socket, "binary-back");
        const answer = await socket.timeout(5000).emitWithAck("binary", sent);
        if (!official) assert.deepEqual(answer, { length: 3, first: 1, last: 255 });
        const [back] = await told;
        assert.deepEqual(new Uint8Array(back), new Uint8Array([1, 2, 255]));
      }
    });

    test("dates, and what is undefined", { skip: official && "they stay dates there" }, async () => {
      const date = new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789));
      const sent = { date, nothing: undefined, list: [undefined, date] };
      const answer = await socket.timeout(5000).emitWithAck("echo-ack", sent);
      // As the default format has them.
      assert.deepEqual(answer, JSON.parse(JSON.stringify(sent)));
    });

    test("the server asks and is answered", async () => {
      socket.once("question", (value, answer) => answer({ value, bytes: Buffer.from([7]) }));
      const answered = next(socket, "answered");
      socket.emit("ask", "why");
      assert.deepEqual(await answered, [{ value: "why", bytes: Buffer.from([7]) }]);
    });

    test("broadcasts reach others", async () => {
      const other = await fixture.connect("/", options);
      const news = next(other, "news");
      socket.emit("broadcast", { from: Buffer.from([1]) });
      assert.deepEqual(await news, [{ from: Buffer.from([1]) }]);
      other.disconnect();
    });

    test("other namespaces, refusals, goodbyes", async () => {
      const refused = socket.io.socket("/admin");
      const [error] = await next(refused, "connect_error");
      assert.equal(error.message, "not authorized");
      assert.deepEqual(error.data, { code: "E_AUTH" });
      refused.disconnect();
      const [unknown] = await next(socket.io.socket("/unknown"), "connect_error");
      assert.equal(unknown.message, "Invalid namespace");

      const chat = await join(socket, "/room-chat");
      const echo = next(chat, "echo");
      chat.emit("echo", Buffer.from([9]));
      assert.deepEqual(await echo, [Buffer.from([9])]);
      chat.disconnect();

      const kicked = await fixture.connect("/", options);
      const gone = next(kicked, "disconnect");
      kicked.emit("kick");
      assert.equal((await gone)[0], "io server disconnect");
    });
  });
}

test("a client of the default format is sent away", async () => {
  const socket = fixture.client("/", { transports: ["websocket"] });
  const gone = next(socket.io, "close");
  assert.equal((await gone)[0], "transport close");
  assert.equal(socket.connected, false);
});
