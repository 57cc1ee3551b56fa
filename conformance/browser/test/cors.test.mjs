// Pages of other origins: one that the server allows, with credentials, and one that it does not.
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { Site, TRANSPORTS, ask, attempt, connect, ready, seen } from "../lib/client.mjs";
import { Peer } from "../lib/peer.mjs";
import { browser } from "../lib/stage.mjs";

let server;
let friend;
let stranger;
let chrome;
const faults = [];

before(async () => {
  // The sites want the server's address, and the server the friend's: so the friend comes first.
  let url;
  friend = await Site.start(() => url);
  server = await Peer.start("--cors", friend.origin, "--enforce-origin", "--cookie");
  url = `http://127.0.0.1:${server.port}`;
  stranger = await Site.start(() => url);
  chrome = await browser();
});

after(async () => {
  await chrome?.close();
  server?.stop();
  friend?.stop();
  stranger?.stop();
});

/** A page of `site` in a browser without cookies, and the methods of all its requests to the server. */
async function visit(t, site) {
  const context = await chrome.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(error.message));
  const methods = [];
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  network.on("Network.requestWillBeSent", ({ request: { url, method } }) => {
    if (new URL(url).port === `${server.port}`) methods.push(method);
  });
  await page.goto(`${site.origin}/page.html`);
  await ready(page);
  return { page, context, methods };
}

for (const transport of TRANSPORTS) {
  test(`${transport}: an allowed origin, and its cookie`, async (t) => {
    const { page, context, methods } = await visit(t, friend);
    // As with the official server, no cookie comes with a WebSocket: its page has been here before.
    const first = transport === "websocket" ? "polling" : transport;
    await connect(page, [first], { withCredentials: true });
    assert.equal(await ask(page, "cookie"), null, "the first request has none");
    const cookies = await context.cookies(`http://127.0.0.1:${server.port}`);
    assert.deepEqual(cookies.map(({ name, httpOnly }) => [name, httpOnly]), [["io", true]]);
    await page.evaluate(() => window.state.socket.disconnect());
    await connect(page, [transport], { withCredentials: true });
    assert.equal(await ask(page, "cookie"), `io=${cookies[0].value}`);
    assert.equal(await ask(page, "echo-ack", "hej"), "hej");
    assert.equal((await seen(page)).transport, transport);
    assert.ok(!methods.includes("OPTIONS"), "nothing of it needs to be asked for");
  });
}

for (const transport of ["polling", "sse"]) {
  test(`${transport}: an allowed origin asks for a header first`, async (t) => {
    const { page, methods } = await visit(t, friend);
    await connect(page, [transport], { withCredentials: true, extraHeaders: { "x-probe": "1" } });
    assert.equal(await ask(page, "echo-ack", "hej"), "hej");
    assert.ok(methods.includes("OPTIONS"), "a preflight request was sent");
  });

  test(`${transport}: without credentials no cookie is kept`, async (t) => {
    const { page, context } = await visit(t, friend);
    await connect(page, [transport], { withCredentials: false });
    assert.equal(await ask(page, "echo-ack", "hej"), "hej");
    assert.deepEqual(await context.cookies(`http://127.0.0.1:${server.port}`), []);
  });
}

for (const transport of TRANSPORTS) {
  test(`${transport}: another origin is refused, and learns nothing`, async (t) => {
    const { page, context } = await visit(t, stranger);
    await attempt(page, [transport], { withCredentials: true });
    const { troubles, ids } = await seen(page);
    const expected = { polling: "xhr poll error", websocket: "websocket error", sse: "sse stream error" };
    assert.deepEqual(troubles, [expected[transport]]);
    assert.deepEqual(ids, []);
    const read = (url) => fetch(url, { credentials: "include" }).then((r) => r.text(), (e) => e.name);
    const url = `http://127.0.0.1:${server.port}/socket.io/?EIO=4&transport=${transport}`;
    assert.equal(await page.evaluate(read, url), "TypeError");
    assert.deepEqual(await context.cookies(`http://127.0.0.1:${server.port}`), []);
  });
}

test("what the server tells another origin", async () => {
  const answer = await new Promise((settle, reject) => {
    const headers = { origin: stranger.origin };
    const options = { port: server.port, host: "127.0.0.1", path: "/socket.io/?EIO=4&transport=polling", headers };
    request(options, async (response) => {
      const body = (await response.toArray()).join("");
      settle({ status: response.statusCode, headers: response.headers, body });
    }).on("error", reject).end();
  });
  assert.equal(answer.status, 403);
  assert.deepEqual(JSON.parse(answer.body).code, 4);
  assert.equal(answer.headers["set-cookie"], undefined);
  assert.notEqual(answer.headers["access-control-allow-origin"], stranger.origin);
  assert.notEqual(answer.headers["access-control-allow-origin"], "*");
});

test("no script failed", () => assert.deepEqual(faults, []));
