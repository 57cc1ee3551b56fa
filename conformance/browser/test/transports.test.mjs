// The official client in Chromium, by each transport, and from one to another.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ROOM, TRANSPORTS, arrives, ask, connect, open, ready, say, seen, values } from "../lib/client.mjs";
import { ALERT, Peer } from "../lib/peer.mjs";
import { browser } from "../lib/stage.mjs";

let peer;
let chrome;
let context;
const faults = [];

before(async () => {
  peer = await Peer.start(...ALERT);
  chrome = await browser();
  context = await chrome.newContext();
});

after(async () => {
  await chrome?.close();
  peer?.stop();
});

for (const transport of TRANSPORTS) {
  test(`${transport}: text, binary and answers there and back`, async (t) => {
    const page = await open(t, context, peer.port, faults);
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
  });

  test(`${transport}: two tabs in a room`, async (t) => {
    const ada = await open(t, context, peer.port, faults);
    const bo = await open(t, context, peer.port, faults);
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
    const ada = await open(t, context, peer.port, faults);
    const bo = await open(t, context, peer.port, faults);
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
    const deadline = Date.now() + 15_000;
    let there;
    do there = await ask(bo, "who", ROOM);
    while (there.includes(first) && Date.now() < deadline);
    assert.deepEqual(there, [(await seen(bo)).id]);
    assert.match(await ask(bo, "last-disconnect"), /^(transport (close|error)|ping timeout)$/);
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
}

for (const to of ["websocket", "sse"]) {
  test(`an upgrade from polling to ${to}, under traffic`, async (t) => {
    const page = await open(t, context, peer.port, faults);
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

test("no script failed", () => assert.deepEqual(faults, []));
