// Connections that break, and browsers that are offline for a while.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Cutter } from "../../node/lib/cutter.mjs";
import { ROOM, TRANSPORTS, arrives, ask, connect, open, say, seen, values } from "../lib/client.mjs";
import { ALERT, Peer } from "../lib/peer.mjs";
import { browser } from "../lib/stage.mjs";

// The client gives up a stream that breaks, and the server does soon after.
const IMPATIENT = { transportOptions: { sse: { resumeTimeout: 100 } } };

let forgetful;
let remembering;
let patient;
let chrome;
let context;
const faults = [];

before(async () => {
  forgetful = await Peer.start(...ALERT);
  remembering = await Peer.start(...ALERT, "--recovery-ms", 60_000);
  patient = await Peer.start();
  chrome = await browser();
  context = await chrome.newContext();
});

after(async () => {
  await chrome?.close();
  for (const peer of [forgetful, remembering, patient]) peer?.stop();
});

/** A way to `port` that can be cut. */
async function breakable(t, port) {
  const cutter = await Cutter.start(port, () => Infinity);
  t.after(() => cutter.stop());
  return cutter;
}

/**
 * Ada, by `transport`, and Bo in a room; and what parts Ada's browser from the server: until the server knows, and
 * until she is there again.
 */
async function parted(t, port, transport) {
  const cutter = await breakable(t, port);
  const away = await chrome.newContext();
  t.after(() => away.close());
  const ada = await open(t, away, cutter.port, faults);
  const bo = await open(t, context, port, faults);
  const tries = { reconnection: true, reconnectionDelay: 100, reconnectionDelayMax: 300 };
  await connect(ada, [transport], { ...tries, ...IMPATIENT });
  await connect(bo, ["websocket"]);
  for (const page of [ada, bo]) await ask(page, "join", ROOM);
  await say(bo, "before");
  await arrives(ada, "said", "before");
  // Time for the next poll to reach the server.
  await ada.waitForTimeout(200);
  const goOffline = async () => {
    await away.setOffline(true);
    cutter.offline();
    await ada.waitForFunction(() => !window.state.socket.connected);
    const alone = [(await seen(bo)).id];
    const deadline = Date.now() + 15_000;
    let there;
    do there = await ask(bo, "who", ROOM);
    while (there.length > 1 && Date.now() < deadline);
    assert.deepEqual(there, alone, "the server knows");
  };
  const goOnline = async () => {
    cutter.online();
    await away.setOffline(false);
    await ada.waitForFunction(() => window.state.ids.length > 1, undefined, { timeout: 15_000 });
  };
  return { ada, bo, goOffline, goOnline };
}

for (const transport of TRANSPORTS) {
  test(`${transport}: offline and online again is another socket`, async (t) => {
    const { ada, bo, goOffline, goOnline } = await parted(t, forgetful.port, transport);
    await goOffline();
    await say(bo, "meanwhile");
    await goOnline();
    assert.equal(await ask(ada, "join", ROOM), "ok");
    await say(bo, "after");
    await arrives(ada, "said", "after");
    const state = await seen(ada);
    assert.deepEqual(state.recovered, [false, false]);
    assert.equal(new Set(state.ids).size, 2);
    assert.deepEqual(values(state, "said"), ["before", "after"]);
    assert.equal(state.transport, transport);
  });

  test(`${transport}: offline and online again with recovery`, async (t) => {
    const { ada, bo, goOffline, goOnline } = await parted(t, remembering.port, transport);
    await goOffline();
    const missed = Array.from({ length: 20 }, (_, n) => n);
    for (const n of missed) await say(bo, n);
    await bo.evaluate((room) => {
      window.state.socket.emit("to", [room], [window.state.socket.id], "bytes", new Uint8Array([1, 2, 255]));
    }, ROOM);
    await goOnline();
    assert.deepEqual((await seen(ada)).recovered, [false, true]);
    await say(bo, "after");
    await arrives(ada, "said", "after");
    const state = await seen(ada);
    assert.deepEqual(state.ids, [state.id, state.id]);
    assert.deepEqual(values(state, "said"), ["before", ...missed, "after"]);
    const bytes = () =>
      window.state.events.filter(([name]) => name === "bytes").map(([, data]) => [...new Uint8Array(data)]);
    assert.deepEqual(await ada.evaluate(bytes), [[1, 2, 255]]);
    assert.equal(state.transport, transport);
    assert.deepEqual(await ask(bo, "who", ROOM), [state.id, (await seen(bo)).id].sort());
  });
}

test("a stream that drops is resumed, and nobody hears of it", async (t) => {
  const cutter = await breakable(t, patient.port);
  const ada = await open(t, context, cutter.port, faults);
  const bo = await open(t, context, patient.port, faults);
  await connect(ada, ["sse"]);
  await connect(bo, ["websocket"]);
  for (const page of [ada, bo]) await ask(page, "join", ROOM);
  await say(bo, "before");
  cutter.offline();
  await ada.waitForTimeout(300);
  await say(bo, "meanwhile");
  cutter.online();
  await say(bo, "after");
  await arrives(ada, "said", "after");
  const state = await seen(ada);
  assert.deepEqual(values(state, "said"), ["before", "meanwhile", "after"]);
  assert.equal(state.ids.length, 1);
  assert.deepEqual(state.troubles, []);
});

test("a page that streams says goodbye when it is left, if told to", async (t) => {
  const ada = await open(t, context, patient.port, faults);
  const bo = await open(t, context, patient.port, faults);
  await connect(ada, ["sse"], { closeOnBeforeunload: true });
  await connect(bo, ["websocket"]);
  await ask(ada, "join", "farewell");
  assert.equal((await ask(bo, "who", "farewell")).length, 1);
  // Requests that a test looks into end with their page.
  await ada.unrouteAll();
  await ada.close({ runBeforeUnload: true });
  const deadline = Date.now() + 3000;
  let there;
  do there = await ask(bo, "who", "farewell");
  while (there.length > 0 && Date.now() < deadline);
  assert.deepEqual(there, []);
});

test("no packet is lost or doubled on streams that break", async (t) => {
  const cutter = await breakable(t, patient.port);
  const page = await open(t, context, cutter.port, faults);
  await connect(page, ["sse"]);
  const breaking = setInterval(() => cutter.cutAll(), 150);
  await page.evaluate(async () => {
    for (let n = 1; n <= 400; n += 1) {
      window.state.socket.emit("echo", n);
      if (n % 5 === 0) await new Promise((settle) => setTimeout(settle, 40));
    }
  });
  clearInterval(breaking);
  await arrives(page, "echo", 400);
  const state = await seen(page);
  assert.deepEqual(state.troubles, []);
  assert.deepEqual(values(state, "echo"), Array.from({ length: 400 }, (_, i) => i + 1));
  assert.ok(cutter.cuts > 10, `${cutter.cuts} cuts`);
});

test("no script failed", () => assert.deepEqual(faults, []));
