import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Fixture, TRANSPORTS, caughtUp, next } from "../lib/fixture.mjs";

const VALUES = [
  ["null", null],
  ["true", true],
  ["false", false],
  ["zero", 0],
  ["negative", -17],
  ["fraction", 0.1],
  ["exponent", 1.5e300],
  ["tiny", 5e-324],
  ["largest safe integer", Number.MAX_SAFE_INTEGER],
  ["empty string", ""],
  ["quotes and slashes", 'a"b\\c/d'],
  ["control characters", "\u0000\u0001\b\t\n\f\r\u001e\u001f\u007f"],
  ["accents", "façade, ångström"],
  ["emoji", "🧵 👩‍👩‍👧‍👦 🇸🇪"],
  ["line separators", "a\u2028b\u2029c"],
  ["empty array", []],
  ["empty object", {}],
  ["nested", { a: [{ b: [[], {}, null] }], "": { "clé 🔑": [1, "2", false] } }],
  ["deep array", nested(60)],
  ["placeholder-like", { _placeholder: true, num: "0" }],
  ["own __proto__ key", JSON.parse('{"__proto__": {"x": 1}}')],
  ["looks like a packet", '42["echo"]'],
  ["100 000 characters", "öl".repeat(50_000)],
];

const HALVES = [
  ["lone high surrogate", "before \ud83d"],
  ["lone low surrogate", "\udc00 after"],
  ["surrogates in the wrong order", "\udc00\ud83d"],
  ["half an emoji beside a whole one", "🧵\ud83d🧵"],
];

function nested(depth) {
  return depth === 0 ? "bottom" : [nested(depth - 1)];
}

let fixture;
before(async () => (fixture = await Fixture.start()));
after(() => fixture.stop());

for (const { name, options } of TRANSPORTS) {
  describe(name, () => {
    let socket;
    before(async () => (socket = await fixture.connect("/", options)));

    for (const [title, value] of VALUES) {
      test(`event data: ${title}`, async () => {
        const echo = next(socket, "echo");
        socket.emit("echo", value);
        assert.deepEqual(await echo, [value]);
      });
    }

    // A server that keeps text as UTF-8 cannot hold half an emoji: U+FFFD in its place will do.
    for (const [title, value] of HALVES) {
      test(`event data: ${title}`, async () => {
        const echo = next(socket, "echo");
        socket.emit("echo", value);
        const [back] = await echo;
        assert.equal(back.toWellFormed(), value.toWellFormed());
        assert.ok(socket.connected);
      });
    }

    test("no, one and many arguments", async () => {
      for (const values of [[], [1], ["a", { b: 2 }, [3], null], [...Array(100).keys()]]) {
        const echo = next(socket, "echo");
        socket.emit("echo", ...values);
        assert.deepEqual(await echo, values);
      }
    });

    test("undefined arrives as null", async () => {
      const echo = next(socket, "echo");
      socket.emit("echo", undefined, [undefined]);
      assert.deepEqual(await echo, [null, [null]]);
    });

    test("events nobody handles do no harm", async () => {
      for (const event of ["nobody", "", "🧵", "__proto__", "toString"]) {
        socket.emit(event, { some: "data" });
      }
      await caughtUp(socket);
      assert.ok(socket.connected);
    });

    test("events arrive in order", async () => {
      const seen = [];
      const collect = (value) => seen.push(value);
      socket.on("echo", collect);
      for (let value = 0; value < 500; value += 1) socket.emit("echo", value);
      await caughtUp(socket);
      socket.off("echo", collect);
      assert.deepEqual(seen, [...Array(500).keys()]);
    });

    test("everybody else hears a broadcast, the sender does not", async () => {
      const others = await Promise.all([1, 2, 3].map(() => fixture.connect("/", options)));
      let own = 0;
      socket.once("news", () => (own += 1));
      const heard = Promise.all(others.map((other) => next(other, "news")));
      socket.emit("broadcast", { text: "hej 👋" });
      assert.deepEqual(await heard, Array(3).fill([{ text: "hej 👋" }]));
      await caughtUp(socket);
      assert.equal(own, 0);
    });
  });
}
