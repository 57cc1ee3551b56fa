import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { Cutter } from "../../node/lib/cutter.mjs";
import { OFFICIAL } from "../lib/client.mjs";
import { DESK, PHONE, Program, Tab, browser } from "../lib/stage.mjs";

const ROOM = "loom";
// A server that already runs may be named; then the test that restarts it is left out.
const named = process.env.SPOLA_URL;

let program;
let url;
let chrome;
let context;
let ada;
let bo;

before(async () => {
  program = named ? undefined : await Program.start();
  url = named ?? program.url;
  chrome = await browser();
  context = await chrome.newContext();
  ada = await Tab.open(context, url, DESK);
  bo = await Tab.open(context, url, PHONE);
});

after(async () => {
  await chrome?.close();
  await program?.kill();
});

test("the door, on a desk and on a phone", async () => {
  await ada.screenshot("door-desk");
  await bo.screenshot("door-phone");
});

test("two tabs meet in a room", async () => {
  await ada.join("Ada", ROOM);
  await bo.join("Bo", ROOM);
  await ada.people("Ada", "Bo");
  await bo.people("Ada", "Bo");
});

test("a nickname in use is refused", async () => {
  const thief = await Tab.open(context, url, DESK);
  await thief.part("nickname").fill("Ada");
  await thief.part("room").fill(ROOM);
  await thief.part("join").click();
  await thief.page.getByRole("alert").filter({ hasText: /taken/i }).waitFor();
  await thief.page.close();
});

test("the session moves to WebSocket", async () => {
  for (const tab of [ada, bo]) {
    await tab.text("transport", (text) => /websocket/i.test(text));
  }
});

test("typing shows in the other tab, and ends", async () => {
  await ada.part("message").pressSequentially("Hej");
  await bo.text("typing", (text) => text.includes("Ada"));
  await bo.screenshot("typing-phone");
  await ada.part("message").fill("");
  await bo.text("typing", (text) => !text.includes("Ada"));
});

test("messages arrive in the other tab and are ticked off", async () => {
  await ada.say("Hej Bo, 🧵 <b>vävt</b> & klart");
  await bo.text("messages", (text) => text.includes("Hej Bo, 🧵 <b>vävt</b> & klart"));
  await ada.delivered("Hej Bo");
  await bo.say("Tack, Ada!");
  await ada.text("messages", (text) => text.includes("Tack, Ada!"));
  await bo.delivered("Tack, Ada!");
});

test("a picture arrives as one", async () => {
  const buffer = await ada.page.screenshot();
  await ada.part("picture").setInputFiles({ name: "loom.png", mimeType: "image/png", buffer });
  assert.ok((await bo.picture()) > 100);
  await ada.part("messages").locator('li:has(img) [data-state="delivered"]').waitFor();
});

test("the panel shows the round trip and the frames", async () => {
  await ada.text("round-trip", (text) => /\d/.test(text));
  await ada.text("frames", (text) => text.length > 0);
  assert.ok((await ada.part("frames").locator("li").count()) > 5);
});

test("the room, on a desk and on a phone", async () => {
  await ada.screenshot("room-desk");
  await bo.screenshot("room-phone");
});

const ALONE = [
  ["polling", "polling", "Cy"],
  ["websocket", "WebSocket", "Di"],
  ["sse", "SSE", "Ed"],
];

for (const [transport, shown, nickname] of ALONE) {
  test(`by ${transport} alone it is the same chat`, async () => {
    const other = await Tab.open(context, `${url}?transport=${transport}`, DESK);
    await other.join(nickname, ROOM);
    await other.text("transport", (text) => text === shown);
    await other.text("messages", (text) => text.includes("Tack, Ada!"));
    await other.say(`by ${transport}`);
    await other.delivered(`by ${transport}`);
    await ada.text("messages", (text) => text.includes(`by ${transport}`));
    const buffer = await bo.page.screenshot();
    await other.part("picture").setInputFiles({ name: "bo.png", mimeType: "image/png", buffer });
    await other.part("messages").locator('li:has(img) [data-state="delivered"]').last().waitFor();
    await ada.say(`for ${nickname}`);
    await other.text("messages", (text) => text.includes(`for ${nickname}`));
    await other.text("round-trip", (text) => /\d/.test(text));
    assert.equal(await other.part("transport").textContent(), shown);
    assert.equal(await other.part("session").textContent(), "new");
    await other.screenshot(`room-${transport}-desk`);
    await other.page.setViewportSize(PHONE);
    await other.screenshot(`room-${transport}-phone`);
    await other.page.getByRole("button", { name: /^The wire/ }).click();
    await other.screenshot(`wire-${transport}-phone`);
    assert.deepEqual(other.faults, []);
    assert.deepEqual(other.strangers, []);
    await other.page.close();
    await ada.text("people", (text) => !text.includes(nickname), 15_000);
  });
}

test("another transport is chosen, and kept in the address", async () => {
  await bo.page.getByRole("button", { name: /^The wire/ }).click();
  await bo.part("transport-choice").selectOption("sse");
  await bo.text("transport", (text) => text === "SSE");
  assert.equal(new URL(bo.page.url()).searchParams.get("transport"), "sse");
  await bo.part("transport-choice").selectOption("");
  await bo.text("transport", (text) => text === "WebSocket");
  assert.equal(new URL(bo.page.url()).search, "");
  await bo.page.keyboard.press("Escape");
  await ada.people("Ada", "Bo");
});

test("who was offline is recovered, with what was missed", async (t) => {
  const cutter = await Cutter.start(Number(new URL(url).port), () => Infinity);
  t.after(() => cutter.stop());
  const away = await chrome.newContext();
  t.after(() => away.close());
  const fi = await Tab.open(away, `http://127.0.0.1:${cutter.port}/`, DESK);
  await fi.join("Fi", ROOM);
  await ada.say("before the tunnel");
  await fi.text("messages", (text) => text.includes("before the tunnel"));
  const pictures = await fi.part("messages").locator("img").count();
  await away.setOffline(true);
  cutter.offline();
  await fi.text("status", (text) => text !== "connected");
  await ada.text("people", (text) => !text.includes("Fi"));
  await ada.say("in the tunnel");
  // No history tells of a picture.
  const buffer = await bo.page.screenshot();
  await ada.part("picture").setInputFiles({ name: "bo.png", mimeType: "image/png", buffer });
  await ada.part("messages").locator('li:has(img) [data-state="delivered"]').last().waitFor();
  await fi.screenshot("offline-desk");
  cutter.online();
  await away.setOffline(false);
  await fi.connected(20_000);
  assert.equal(await fi.part("session").textContent(), "recovered");
  await ada.people("Ada", "Bo", "Fi");
  await fi.people("Ada", "Bo", "Fi");
  assert.equal((await fi.part("messages").textContent()).split("in the tunnel").length, 2);
  assert.equal(await fi.part("messages").locator("img").count(), pictures + 1);
  await fi.screenshot("recovered-desk");
  assert.deepEqual(fi.faults, []);
  await fi.page.close();
});

test("the client that the server hands out is the official one", async () => {
  for (const name of ["js", "min.js", "esm.min.js", "msgpack.min.js"].map((end) => `socket.io.${end}`)) {
    const response = await fetch(new URL(`/socket.io/${name}`, url));
    assert.equal(response.headers.get("content-type"), "application/javascript; charset=utf-8");
    assert.equal(await response.text(), readFileSync(new URL(name, OFFICIAL), "utf8"), name);
    const headers = { "if-none-match": response.headers.get("etag") };
    assert.equal((await fetch(response.url, { headers })).status, 304);
  }
});

test("who reloads leaves and may join again", async () => {
  await bo.page.reload();
  await ada.text("people", (text) => !text.includes("Bo"));
  await bo.join("Bo", ROOM);
  await ada.people("Ada", "Bo");
  await bo.text("messages", (text) => text.includes("Hej Bo"));
});

test("the chat goes on after the server was killed", { skip: named !== undefined }, async () => {
  const { port } = program;
  await program.kill();
  await ada.text("status", (text) => text !== "connected");
  await ada.screenshot("reconnecting-desk");
  program = await Program.start(port);
  await Promise.all([ada.connected(20_000), bo.connected(20_000)]);
  await ada.people("Ada", "Bo");
  await ada.say("back again");
  await bo.text("messages", (text) => text.includes("back again"));
});

test("who closes the tab is gone", async () => {
  await bo.page.close();
  await ada.text("people", (text) => !text.includes("Bo"));
});

test("no script failed, and nothing was asked of other hosts", () => {
  for (const tab of [ada, bo]) {
    assert.deepEqual(tab.faults, []);
    assert.deepEqual(tab.strangers, []);
  }
});
