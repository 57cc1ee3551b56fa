// Connection state recovery: clients whose connection breaks, what happens meanwhile, and their return.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import parser from "socket.io-msgpack-parser";
import { SSE } from "../../../crates/spola-server/client/spola-sse.js";
import { Cutter } from "../lib/cutter.mjs";
import { Fixture, TRANSPORTS, caughtUp, connected, next, settled, sleep } from "../lib/fixture.mjs";

// The official server has no such transport, and ends at `.mjs`.
const official = process.env.SPOLA_CONFORMANCE_SERVER?.endsWith(".mjs");
const WAYS = official
  ? TRANSPORTS
  : [...TRANSPORTS, { name: "sse", options: { transports: [SSE] } }];

// A connection over polling or an event stream is missed no sooner than its heartbeat.
const HEARTBEAT = { pingInterval: 300, pingTimeout: 300 };
const EAGER = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 100 };

/** A server that remembers, a client behind a cable that can be cut, and one that sees to the rest. */
class Scene {
  #cut = false;
  /** What the client got, without offsets and what it asked for itself. */
  got = [];

  static async set(options, settings) {
    const scene = new Scene();
    scene.fixture = await Fixture.start({ ...HEARTBEAT, recovery: 60_000, ...settings });
    scene.cable = await Cutter.start(scene.fixture.port, () => (scene.#cut ? 0 : Infinity));
    const { parser } = options;
    scene.other = await scene.fixture.connect("/", { transports: ["websocket"], parser });
    const url = `http://127.0.0.1:${scene.cable.port}`;
    scene.socket = io(url, { forceNew: true, ...EAGER, ...options });
    scene.socket.onAny((name, ...values) => {
      if (name === "auth") return;
      assert.equal(typeof values.pop(), "string", "an offset");
      scene.got.push([name, ...values]);
    });
    await connected(scene.socket);
    if (options.transports.every((transport) => transport !== SSE)) {
      await settled(scene.socket, options);
    }
    return scene;
  }

  /** Breaks the connection, and waits until the server has noticed if it is to. */
  async cut({ noticed = true } = {}) {
    this.#cut = true;
    this.cable.cutAll();
    if (noticed) await this.#gone(this.socket.id);
  }

  async #gone(id) {
    for (let tries = 0; tries < 250; tries += 1) {
      if ((await this.other.timeout(2000).emitWithAck("who", id)).length === 0) return;
      await sleep(20);
    }
    assert.fail("the server does not notice");
  }

  async mend() {
    const back = next(this.socket, "connect");
    this.#cut = false;
    await back;
    await caughtUp(this.socket);
  }

  /** Has the server emit an event to rooms, or to all. */
  async tell(rooms, event, value) {
    this.other.emit("to", rooms, [], event, value);
    await caughtUp(this.other);
  }

  async end() {
    this.socket.io.reconnection(false);
    this.socket.disconnect();
    await this.cable.stop();
    await this.fixture.stop();
  }
}

async function on(options, settings, body) {
  const scene = await Scene.set(options, settings);
  try {
    await body(scene);
  } finally {
    await scene.end();
  }
}

for (const { name, options } of WAYS) {
  describe(name, () => {
    for (const format of ["default", "MessagePack"]) {
      const of = format === "default" ? options : { ...options, parser };
      const settings = { msgpack: format !== "default" };

      test(`what was missed comes in order and once: ${format} format`, () =>
        on(of, settings, async (scene) => {
          const { socket, got } = scene;
          const tell = (...what) => scene.tell(...what);
          const { id } = socket;
          await socket.timeout(2000).emitWithAck("join", "blue");
          await socket.timeout(2000).emitWithAck("keep", { name: "Ada", n: 1 });
          await tell([], "to all", 1);
          await caughtUp(socket);
          for (const round of [1, 2]) {
            await scene.cut();
            await tell([], "to all", `round ${round}`);
            await tell(["blue"], "to a room", { bytes: Buffer.from([1, 2, 255]) });
            await tell(["red"], "to another room", 2);
            scene.other.emit("whisper", "volatile");
            for (let n = 0; n < 20; n += 1) await tell([id], "to it alone", n);
            await tell(["blue", id], "to both", null);
            await scene.mend();
            assert.equal(socket.recovered, true);
            assert.equal(socket.id, id);
          }
          await tell(["blue"], "afterwards", 3);
          await caughtUp(socket);
          const rounds = [1, 2].flatMap((round) => [
            ["to all", `round ${round}`],
            ["to a room", { bytes: Buffer.from([1, 2, 255]) }],
            ...[...Array(20).keys()].map((n) => ["to it alone", n]),
            ["to both", null],
          ]);
          assert.deepEqual(got, [["to all", 1], ...rounds, ["afterwards", 3]]);
          const kept = await socket.timeout(2000).emitWithAck("kept");
          assert.deepEqual(kept, { name: "Ada", n: 1 });
          assert.deepEqual(await socket.timeout(2000).emitWithAck("who", "blue"), [id]);
        }));
    }

    test("what was on its way when the connection broke is not lost", () =>
      on(options, {}, async (scene) => {
        const { socket, got } = scene;
        const { id } = socket;
        for (let n = 0; n < 10; n += 1) await scene.tell([], "before", n);
        const cut = scene.cut({ noticed: false });
        for (let n = 0; n < 10; n += 1) await scene.tell([], "while it broke", n);
        await cut;
        // Who is back before the server knows that it was gone is a new client, here and there.
        await sleep(1000);
        await scene.mend();
        assert.deepEqual([socket.recovered, socket.id], [true, id]);
        const ten = [...Array(10).keys()];
        const all = [...ten.map((n) => ["before", n]), ...ten.map((n) => ["while it broke", n])];
        assert.deepEqual(got, all);
      }));

    test("who comes too late is a new client", () =>
      on(options, { recovery: 200 }, async (scene) => {
        const { socket, got } = scene;
        const { id } = socket;
        await scene.cut();
        await scene.tell([], "missed", 1);
        await sleep(400);
        await scene.mend();
        assert.equal(socket.recovered, false);
        assert.notEqual(socket.id, id);
        assert.deepEqual(got, []);
      }));
  });
}

describe("ends that are meant", () => {
  let fixture;
  before(async () => (fixture = await Fixture.start({ recovery: 60_000 })));
  after(() => fixture.stop());

  test("a client that left is a new one", async () => {
    const socket = await fixture.connect("/", { transports: ["websocket"] });
    const { id } = socket;
    socket.disconnect();
    await connected(socket.connect());
    assert.equal(socket.recovered, false);
    assert.notEqual(socket.id, id);
  });

  test("so is one that the server sent off", async () => {
    const socket = await fixture.connect("/", { transports: ["websocket"] });
    const { id } = socket;
    const gone = next(socket, "disconnect");
    socket.emit("kick");
    assert.deepEqual((await gone)[0], "io server disconnect");
    await connected(socket.connect());
    assert.notEqual(socket.id, id);
  });

  test("one that merely closed its transport is not", async () => {
    const socket = await fixture.connect("/", { transports: ["websocket"] });
    await caughtUp(socket);
    const { id } = socket;
    const gone = next(socket, "disconnect");
    socket.io.engine.close();
    await gone;
    await sleep(50);
    await connected(socket.connect());
    assert.deepEqual([socket.recovered, socket.id], [true, id]);
  });

  test("each namespace is restored by itself", async () => {
    const socket = await fixture.connect("/", { transports: ["websocket"] });
    const chat = socket.io.socket("/room-chat");
    await connected(chat);
    const echo = next(chat, "echo");
    chat.emit("echo", 1);
    await echo;
    const [root, other] = [socket.id, chat.id];
    const gone = next(chat, "disconnect");
    socket.io.engine.close();
    await gone;
    await sleep(50);
    socket.connect();
    await Promise.all([connected(socket), connected(chat.connect())]);
    assert.deepEqual([socket.id, chat.id, chat.recovered], [root, other, true]);
  });
});
