// The official client in Chromium, by each transport.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Cutter } from "../../node/lib/cutter.mjs";
import { Peer, TRANSPORTS, ask, connect, open, ready, seen } from "../lib/peer.mjs";
import { browser, outFile } from "../lib/stage.mjs";

const ROOM = "loom";
// The client gives up a stream that breaks, and the server does soon after.
const IMPATIENT = { transportOptions: { sse: { resumeTimeout: 100 } } };

let peer;
let chrome;
let context;
const faults = [];

before(async () => {
  peer = await Peer.start("--sse-resume-ms", 300);
  chrome = await browser();
  context = await chrome.newContext();
});

after(async () => {
  await chrome?.close();
  peer?.stop();
});

/** A tab for as long as the test `t` lasts. */
async function tab(t, port = peer.port, of = context) {
  const page = await open(of, port, faults);
  t.after(() => page.close());
  return page;
}

/** A way to `port` that can be cut. */
async function breakable(t, port) {
  const cutter = await Cutter.start(port, () => Infinity);
  t.after(() => cutter.stop());
  return cutter;
}

/** The values of the events called `name` that a page got. */
function values({ events }, name) {
  return events.filter(([event]) => event === name).map(([, value]) => value);
}

/** Waits until `page` has got the event `name` with `value`. */
function arrives(page, name, value) {
  const came = ([name, value]) =>
    window.state.events.some(([event, first]) => event === name && JSON.stringify(first) === value);
  return page.waitForFunction(came, [name, JSON.stringify(value)], { timeout: 15_000 });
}

/** Says something in the room, to all but `page` itself. */
async function say(page, value) {
  const { id } = await seen(page);
  await page.evaluate(
    ([room, id, value]) => window.state.socket.emit("to", [room], [id], "said", value),
    [ROOM, id, value],
  );
}

for (const transport of TRANSPORTS) {
  test(`${transport}: text, binary and answers there and back`, async (t) => {
    const page = await tab(t);
    await connect(page, [transport]);
    const texts = ["", "å €\u{1f9f5}", "a\nb\r\nc\rd", "\x1e", "x".repeat(100_000)];
    for (const text of texts) assert.equal(await ask(page, "echo-ack", text), text);
    const binary = await page.evaluate(async () => {
      const { socket } = window.state;
      const bytes = new Uint8Array(70_000).map((_, i) => i % 251);
      const back = new Promise((settle) => socket.once("binary-back", settle));
      const length = (await socket.timeout(5000).emitWithAck("binary", bytes)).length;
      const data = new Uint8Array(await back);
      return length === 70_000 && data.length === 70_000 && data.every((byte, i) => byte === i % 251);
    });
    assert.ok(binary, "the bytes come back as they were");
    await page.evaluate(() => window.state.socket.emit("ask", "who goes there"));
    await arrives(page, "answered", "who goes there!");
    const state = await seen(page);
    assert.equal(state.transport, transport);
    assert.deepEqual(state.troubles, []);
    await page.screenshot({ path: outFile(`client-${transport}.png`) });
  });

  test(`${transport}: two tabs in a room`, async (t) => {
    const ada = await tab(t);
    const bo = await tab(t);
    for (const page of [ada, bo]) {
      await connect(page, [transport]);
      await ask(page, "join", ROOM);
    }
    await say(ada, "hej Bo");
    await arrives(bo, "said", "hej Bo");
    await say(bo, "hej Ada");
    await arrives(ada, "said", "hej Ada");
    // What is said comes to the others alone, and once.
    assert.deepEqual(values(await seen(ada), "said"), ["hej Ada"]);
    assert.deepEqual(values(await seen(bo), "said"), ["hej Bo"]);
  });

  test(`${transport}: a reload in the middle of traffic`, async (t) => {
    const ada = await tab(t);
    const bo = await tab(t);
    await connect(bo, ["websocket"]);
    await ask(bo, "join", ROOM);
    const talk = async (life) => {
      await connect(ada, [transport]);
      await ask(ada, "join", ROOM);
      await ada.evaluate(([room, life]) => {
        const { socket } = window.state;
        let n = 0;
        setInterval(() => socket.emit("to", [room], [socket.id], "said", [life, (n += 1)]), 3);
      }, [ROOM, life]);
      await arrives(bo, "said", [life, 20]);
      return (await seen(ada)).id;
    };
    const first = await talk(1);
    await ada.reload();
    await ready(ada);
    // The server hears of it, and the room is left.
    const deadline = Date.now() + 5000;
    let there;
    do there = await ask(bo, "who", ROOM);
    while (there.includes(first) && Date.now() < deadline);
    assert.deepEqual(there, [(await seen(bo)).id]);
    assert.match(await ask(bo, "last-disconnect"), /^transport (close|error)$/);
    const second = await talk(2);
    assert.notEqual(second, first);
    assert.deepEqual(await ask(bo, "who", ROOM), [second, (await seen(bo)).id].sort());
    const said = values(await seen(bo), "said");
    const lives = said.map(([life]) => life);
    assert.deepEqual(lives, [...lives].sort(), "nothing comes from the page that is gone");
    for (const life of [1, 2]) {
      const numbers = said.filter(([of]) => of === life).map(([, n]) => n);
      assert.deepEqual(numbers, numbers.map((_, i) => i + 1), "each comes once, in order");
    }
    assert.deepEqual(values(await seen(ada), "said"), []);
  });

  test(`${transport}: offline and online again`, async (t) => {
    const cutter = await breakable(t, peer.port);
    const away = await chrome.newContext();
    t.after(() => away.close());
    const ada = await tab(t, cutter.port, away);
    const bo = await tab(t);
    const patient = { reconnection: true, reconnectionDelay: 100, reconnectionDelayMax: 300, ...IMPATIENT };
    await connect(ada, [transport], patient);
    await connect(bo, ["websocket"]);
    for (const page of [ada, bo]) await ask(page, "join", ROOM);
    await say(bo, "before");
    await arrives(ada, "said", "before");
    await away.setOffline(true);
    cutter.offline();
    await ada.waitForFunction(() => !window.state.socket.connected);
    await ada.waitForTimeout(700);
    await say(bo, "meanwhile");
    cutter.online();
    await away.setOffline(false);
    await ada.waitForFunction(() => window.state.ids.length > 1, undefined, { timeout: 15_000 });
    assert.equal(await ask(ada, "join", ROOM), "ok");
    await say(bo, "after");
    await arrives(ada, "said", "after");
    const state = await seen(ada);
    assert.deepEqual(state.recovered, [false, false]);
    assert.equal(new Set(state.ids).size, 2);
    assert.deepEqual(values(state, "said"), ["before", "after"]);
    assert.equal(state.transport, transport);
  });
}

for (const to of ["websocket", "sse"]) {
  test(`an upgrade from polling to ${to}, under traffic`, async (t) => {
    const page = await tab(t);
    await connect(page, ["polling", to], { query: { sse: 1 } });
    await page.evaluate(async () => {
      for (let n = 1; n <= 300; n += 1) {
        window.state.socket.emit("echo", n);
        if (n % 3 === 0) await new Promise((settle) => setTimeout(settle, 3));
      }
    });
    await arrives(page, "echo", 300);
    await page.waitForFunction(() => window.state.upgrades.length > 0);
    const state = await seen(page);
    assert.deepEqual(values(state, "echo"), Array.from({ length: 300 }, (_, i) => i + 1));
    assert.deepEqual(state.upgrades, [to]);
    assert.equal(state.transport, to);
    assert.deepEqual(state.troubles, []);
  });
}

test("a stream that drops is resumed, and nobody hears of it", async (t) => {
  const patient = await Peer.start();
  t.after(() => patient.stop());
  const cutter = await breakable(t, patient.port);
  const ada = await tab(t, cutter.port);
  const bo = await tab(t, patient.port);
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

test("no packet is lost or doubled on streams that break", async (t) => {
  const patient = await Peer.start();
  t.after(() => patient.stop());
  const cutter = await breakable(t, patient.port);
  const page = await tab(t, cutter.port);
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
