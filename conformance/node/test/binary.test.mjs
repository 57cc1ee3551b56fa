import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Fixture, TRANSPORTS, next, settled } from "../lib/fixture.mjs";

// A message may have 1 000 000 bytes; over polling it travels as base64, a third longer.
const LARGEST = { polling: 700_000, websocket: 900_000, upgrade: 900_000 };

function pattern(length) {
  const data = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) data[at] = (at * 31 + (at >> 8)) & 0xff;
  return data;
}

let fixture;
before(async () => (fixture = await Fixture.start()));
after(() => fixture.stop());

for (const { name, options } of TRANSPORTS) {
  describe(name, () => {
    let socket;
    before(async () => {
      socket = await fixture.connect("/", options);
      await settled(socket, options);
    });

    for (const length of [1, 125, 126, 65_535, 65_536, LARGEST[name]]) {
      test(`${length} bytes both ways`, async () => {
        const data = pattern(length);
        const back = next(socket, "binary-back");
        const answer = await socket.timeout(5000).emitWithAck("binary", data);
        assert.deepEqual(answer, { length, first: data[0], last: data[length - 1] });
        const [echo] = await back;
        assert.ok(Buffer.isBuffer(echo));
        assert.ok(echo.equals(data));
      });
    }

    test("no bytes at all", async () => {
      const echo = next(socket, "echo");
      socket.emit("echo", Buffer.alloc(0));
      const [back] = await echo;
      assert.equal(back.length, 0);
    });

    test("several attachments, nested and among other values", async () => {
      const values = [
        { picture: pattern(10), name: "ä", more: [pattern(300), { deep: pattern(1) }] },
        "text",
        pattern(70_000),
        null,
      ];
      const echo = next(socket, "echo");
      socket.emit("echo", ...values);
      assert.deepEqual(await echo, values);
    });

    test("typed arrays and array buffers are attachments too", async () => {
      const bytes = new Uint8Array([1, 2, 3, 255]);
      const answer = await socket.timeout(2000).emitWithAck("echo-ack", bytes, bytes.buffer);
      assert.deepEqual(answer, Buffer.from([1, 2, 3, 255]));
    });

    test("binary in acknowledgements, both ways", async () => {
      const data = pattern(5000);
      assert.deepEqual(await socket.timeout(2000).emitWithAck("echo-ack", data), data);
      socket.once("question", (value, answer) => answer({ data, value }));
      const answered = next(socket, "answered");
      socket.emit("ask", "for bytes");
      assert.deepEqual(await answered, [{ data, value: "for bytes" }]);
    });

    test("text and binary stay in order", async () => {
      const seen = [];
      const collect = (value) => seen.push(Buffer.isBuffer(value) ? value.length : value);
      socket.on("echo", collect);
      for (let value = 1; value <= 50; value += 1) {
        socket.emit("echo", `${value}`);
        socket.emit("echo", pattern(value * 20));
      }
      await socket.timeout(5000).emitWithAck("echo-ack");
      socket.off("echo", collect);
      const expected = [...Array(50).keys()].flatMap((at) => [`${at + 1}`, (at + 1) * 20]);
      assert.deepEqual(seen, expected);
    });
  });
}

for (const { name, options } of TRANSPORTS) {
  test(`${name}: a message over the limit costs the session, not the server`, async () => {
    const socket = await fixture.connect("/", options);
    await settled(socket, options);
    const gone = next(socket, "disconnect");
    socket.emit("binary", pattern(1_100_000), () => assert.fail("it was too large"));
    const [reason] = await gone;
    assert.ok(["transport close", "transport error"].includes(reason), reason);
    const other = await fixture.connect("/", options);
    assert.equal(await other.timeout(2000).emitWithAck("echo-ack", "alive"), "alive");
  });
}
