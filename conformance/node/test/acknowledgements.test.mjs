import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Fixture, TRANSPORTS, caughtUp, next } from "../lib/fixture.mjs";

let fixture;
before(async () => (fixture = await Fixture.start()));
after(() => fixture.stop());

for (const { name, options } of TRANSPORTS) {
  describe(name, () => {
    let socket;
    before(async () => (socket = await fixture.connect("/", options)));
    const ask = (...values) => socket.timeout(3000).emitWithAck(...values);

    test("the server's answer has the arguments it was given", async () => {
      const answer = new Promise((settle) => {
        socket.emit("echo-ack", 1, "två", { three: [3] }, (...values) => settle(values));
      });
      assert.deepEqual(await answer, [1, "två", { three: [3] }]);
    });

    test("an answer may be empty", async () => {
      const answer = new Promise((settle) => {
        socket.emit("echo-ack", (...values) => settle(values));
      });
      assert.deepEqual(await answer, []);
    });

    test("many outstanding questions get each its own answer", async () => {
      const numbers = [...Array(300).keys()];
      assert.deepEqual(await Promise.all(numbers.map((n) => ask("echo-ack", n))), numbers);
    });

    test("a question nobody answers times out", async () => {
      await assert.rejects(socket.timeout(200).emitWithAck("nobody"), /operation has timed out/);
    });

    test("the server asks, the client answers", async () => {
      socket.once("question", (value, answer) => answer({ you: value }));
      const answered = next(socket, "answered");
      socket.emit("ask", "how much?");
      assert.deepEqual(await answered, [{ you: "how much?" }]);
    });

    test("the server's question times out when the client keeps silent", async () => {
      const answered = next(socket, "answered");
      const asked = Date.now();
      socket.emit("ask", "anybody?");
      assert.deepEqual(await answered, ["timed out"]);
      assert.ok(Date.now() - asked >= 900);
    });

    test("an answer that comes too late or twice is ignored", async () => {
      const answers = [];
      socket.on("answered", (value) => answers.push(value));
      socket.once("question", (_, answer) => {
        answer("first");
        // The client sends one answer only; this one is forged with the same id.
        const id = lastAck.id;
        socket.packet({ type: 3, id, data: ["second"] });
        socket.packet({ type: 3, id: 987_654, data: ["never asked"] });
      });
      let lastAck;
      const { packet } = socket;
      socket.packet = (value) => {
        if (value.type === 3) lastAck ??= value;
        packet.call(socket, value);
      };
      const answered = next(socket, "answered");
      socket.emit("ask", 1);
      await answered;
      socket.packet = packet;
      await caughtUp(socket);
      socket.off("answered");
      assert.deepEqual(answers, ["first"]);
    });

    test("a handler's error comes back as data", async () => {
      const error = { message: "failed on purpose", data: { code: 7 } };
      assert.deepEqual(await ask("fail"), { error });
    });

    test("typed arguments", async () => {
      assert.equal(await ask("typed", { name: "Ada", age: 36 }), "hello Ada of 36");
      assert.equal(await ask("typed", { age: 36, name: "Åsa", more: 1 }), "hello Åsa of 36");
    });

    for (const wrong of [{ name: "Ada" }, { name: 1, age: "36" }, "Ada", null, []]) {
      test(`arguments of the wrong type are refused: ${JSON.stringify(wrong)}`, async () => {
        const { error } = await ask("typed", wrong);
        assert.equal(typeof error.message, "string");
        assert.ok(socket.connected);
      });
    }
  });
}
