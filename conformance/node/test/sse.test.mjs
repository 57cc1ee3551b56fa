import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { io, Fetch, NodeXHR as XHR, NodeWebSocket as WebSocket } from "socket.io-client";
import { SSE } from "../../../crates/spola-server/client/spola-sse.js";
import { Cutter } from "../lib/cutter.mjs";
import { Fixture, connected, next, sleep, within } from "../lib/fixture.mjs";
import { http } from "../lib/raw.mjs";

// The official server has no such transport.
const official = process.env.SPOLA_CONFORMANCE_SERVER?.endsWith("official.mjs");

describe("Server-Sent Events", { skip: official }, () => {
  let fixture;
  before(async () => (fixture = await Fixture.start()));
  after(() => fixture?.stop());

  const transportOf = (socket) => socket.io.engine.transport.name;

  /** A connected client, and what it saw of its connection. */
  async function client(options, port = fixture.port) {
    const socket = io(`http://127.0.0.1:${port}`, { forceNew: true, reconnection: false, ...options });
    const seen = [];
    socket.on("disconnect", (reason, details) => seen.push([reason, details?.description]));
    await connected(socket);
    return { socket, seen };
  }

  test("events and acknowledgements go both ways", async () => {
    const { socket } = await client({ transports: [SSE] });
    assert.equal(transportOf(socket), "sse");
    assert.equal(await socket.timeout(2000).emitWithAck("echo-ack", "hej"), "hej");
    const texts = ["", "å €\u{1f9f5}", "a\nb\r\nc\rd", "\x1e", " lead", "data: x\n\nid: 9"];
    for (const text of texts) {
      assert.equal(await socket.timeout(2000).emitWithAck("echo-ack", text), text);
    }
    const question = next(socket, "question");
    const answered = next(socket, "answered");
    socket.once("question", (value, answer) => answer(value * 2));
    socket.emit("ask", 21);
    await question;
    assert.deepEqual(await answered, [42]);
    socket.disconnect();
  });

  test("binary arrives as it was sent", async () => {
    const { socket } = await client({ transports: [SSE] });
    for (const length of [0, 1, 100_000]) {
      const data = Buffer.from(Array.from({ length }, (_, i) => i % 251));
      const back = next(socket, "binary-back");
      const seen = await socket.timeout(5000).emitWithAck("binary", data);
      assert.equal(seen.length, length);
      const [bytes] = await back;
      assert.ok(Buffer.isBuffer(bytes) && bytes.equals(data));
    }
    socket.disconnect();
  });

  test("what is too much for one POST goes by several", async () => {
    const { socket } = await client({ transports: [SSE] });
    const echoes = [];
    socket.on("echo", (n) => echoes.push(n));
    const text = "x".repeat(400_000);
    for (let n = 0; n < 5; n += 1) socket.emit("echo", n, text);
    await socket.timeout(5000).emitWithAck("echo-ack", 0);
    assert.deepEqual(echoes, [0, 1, 2, 3, 4]);
    socket.disconnect();
  });

  for (const [name, Polling] of [["XMLHttpRequest", XHR], ["fetch", Fetch]]) {
    test(`polling by ${name} upgrades to a stream, with packets under way`, async () => {
      const options = { transports: [Polling, SSE], query: { sse: 1 } };
      const socket = io(fixture.url, { forceNew: true, reconnection: false, ...options });
      const seen = [];
      const echoes = [];
      socket.on("disconnect", (reason) => seen.push(reason));
      socket.on("echo", (n) => echoes.push(n));
      let sent = 0;
      const sending = setInterval(() => socket.emit("echo", (sent += 1)), 1);
      await next(socket.io.engine, "upgrade");
      assert.equal(transportOf(socket), "sse");
      await sleep(100);
      clearInterval(sending);
      await socket.timeout(2000).emitWithAck("echo-ack", 0);
      assert.deepEqual(echoes, Array.from({ length: sent }, (_, i) => i + 1));
      assert.deepEqual(seen, []);
      socket.disconnect();
    });
  }

  test("WebSocket goes first where both are known", async () => {
    const { socket } = await client({ transports: [XHR, WebSocket, SSE], query: { sse: 1 } });
    if (transportOf(socket) === "polling") await next(socket.io.engine, "upgrade");
    assert.equal(transportOf(socket), "websocket");
    await sleep(1300);
    assert.equal(await socket.timeout(2000).emitWithAck("echo-ack", 1), 1);
    assert.equal(transportOf(socket), "websocket");
    socket.disconnect();
  });

  test("clients that do not ask are offered nothing new", async () => {
    const { body } = await http(fixture, "EIO=4&transport=polling");
    assert.deepEqual(JSON.parse(body.slice(1)).upgrades, ["websocket"]);
  });

  test("a client that leaves is gone at once", async () => {
    const observer = await fixture.connect("/", { transports: ["websocket"] });
    const { socket } = await client({ transports: [SSE] });
    socket.disconnect();
    assert.equal(await fixture.departure(observer, "client namespace disconnect"), "client namespace disconnect");
    const other = await client({ transports: [SSE] });
    other.socket.io.engine.close();
    assert.equal(await fixture.departure(observer, "transport close", 2000), "transport close");
  });

  test("heartbeats keep the session up", async () => {
    const quick = await Fixture.start({ pingInterval: 100, pingTimeout: 300 });
    try {
      const { socket, seen } = await client({ transports: [SSE] }, quick.port);
      await sleep(1500);
      assert.deepEqual(seen, []);
      assert.equal(await socket.timeout(2000).emitWithAck("echo-ack", 1), 1);
      socket.disconnect();
    } finally {
      await quick.stop();
    }
  });

  /** Echoes numbers through connections that break, and checks that none is lost or doubled. */
  async function throughCuts(options, allowance, { count, pause }) {
    const cutter = await Cutter.start(fixture.port, allowance);
    const { socket, seen } = await client(options, cutter.port);
    const { id } = socket;
    const echoes = [];
    const answers = [];
    socket.on("echo", (n) => echoes.push(n));
    if (transportOf(socket) !== "sse") await next(socket.io.engine, "upgrade");
    const broken = setInterval(() => cutter.cutAll(), 70);
    for (let n = 0; n < count; n += 1) {
      socket.emit("echo", n, "x".repeat((n * 37) % 500));
      socket.emit("echo-ack", n, (answer) => answers.push(answer));
      if (n % 7 === 0) await sleep(pause);
    }
    clearInterval(broken);
    const expected = Array.from({ length: count }, (_, n) => n);
    const done = async () => {
      while (echoes.length < count || answers.length < count) {
        if (seen.length > 0) return;
        await sleep(20);
      }
    };
    await within(20_000, "all echoes", done());
    assert.deepEqual(seen, []);
    assert.deepEqual(echoes, expected);
    assert.deepEqual(answers, expected);
    assert.equal(socket.id, id, "it is the same session");
    assert.ok(cutter.cuts > 10, `${cutter.cuts} cuts`);
    socket.disconnect();
    await cutter.stop();
  }

  test("no packet is lost or doubled on connections that break at any byte", async () => {
    // The first ones live: an opening that fails is for the client to see.
    let connections = 0;
    const allowance = () => ((connections += 1) <= 4 ? Infinity : 30_000 + Math.random() * 200_000);
    await throughCuts({ transports: [SSE] }, allowance, { count: 600, pause: 20 });
  });

  test("nor after an upgrade", async () => {
    const options = { transports: [XHR, SSE], query: { sse: 1 } };
    await throughCuts(options, () => Infinity, { count: 300, pause: 30 });
  });

  test("a burst larger than what is kept arrives on a stream that holds", async () => {
    const { socket, seen } = await client({ transports: [SSE] });
    const echoes = [];
    socket.on("echo", (n) => echoes.push(n));
    for (let n = 0; n < 300; n += 1) socket.emit("echo", n, "x".repeat(20_000));
    await socket.timeout(20_000).emitWithAck("echo-ack", 0);
    assert.equal(echoes.length, 300);
    assert.deepEqual(seen, []);
    socket.disconnect();
  });

  test("a session that cannot be resumed ends, and the client comes back", async () => {
    const cutter = await Cutter.start(fixture.port, () => Infinity);
    const options = { reconnection: true, reconnectionDelay: 50, transports: [SSE] };
    const { socket, seen } = await client(
      { ...options, transportOptions: { sse: { resumeTimeout: 300 } } },
      cutter.port,
    );
    const { port } = cutter;
    await cutter.stop();
    await next(socket, "disconnect");
    assert.equal(seen[0][0], "transport error");
    const back = next(socket, "connect");
    const second = await Cutter.start(fixture.port, () => Infinity, port);
    await back;
    socket.disconnect();
    await second.stop();
  });

  test("a proxy that holds the stream back fails the opening in time", async () => {
    const hoarder = createServer(() => {}).listen(0, "127.0.0.1");
    await next(hoarder, "listening");
    const socket = io(`http://127.0.0.1:${hoarder.address().port}`, {
      forceNew: true,
      reconnection: false,
      transports: [SSE],
      transportOptions: { sse: { openTimeout: 200 } },
    });
    const [error] = await next(socket, "connect_error", 2000);
    assert.equal(error.message, "sse stream error");
    hoarder.closeAllConnections();
    hoarder.close();
  });

  test("the server hands out the script in two forms", async () => {
    const file = new URL("../../../crates/spola-server/client/spola-sse.js", import.meta.url);
    const module = await (await fetch(`${fixture.url}/socket.io/spola-sse.js`)).text();
    assert.ok(module === readFileSync(file, "utf8"), "as it is in the repository");
    const classic = await (await fetch(`${fixture.url}/socket.io/spola-sse.global.js`)).text();
    const exported = { exports: {} };
    new Function("module", classic)(exported);
    const { socket } = await client({ transports: [exported.exports.SSE] });
    assert.equal(transportOf(socket), "sse");
    socket.disconnect();
  });
});
