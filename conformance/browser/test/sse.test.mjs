// The official client in Chromium, with Server-Sent Events from the script that the server hands out.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { DESK, browser, outFile } from "../lib/stage.mjs";
import { Cutter } from "../../node/lib/cutter.mjs";

const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../../target", import.meta.url));
const program = process.env.SPOLA_CONFORMANCE_SERVER ?? `${target}/debug/examples/conformance`;
const bundle = new URL("../node_modules/socket.io-client/dist/", import.meta.url);

const PAGE = `<!doctype html><meta charset=utf-8><title>SSE</title><h1>Server-Sent Events</h1><ol id=log></ol>
<script type=module>
  import { io, XHR } from "/vendor/socket.io.esm.min.js";
  import { SSE } from "/socket.io/spola-sse.js";
  window.start = (transports, query = {}) => {
    const known = { XHR, SSE };
    const socket = io({ forceNew: true, reconnection: false, query,
      transports: transports.map((name) => known[name]) });
    const say = (text) => document.getElementById("log").append(
      Object.assign(document.createElement("li"), { textContent: text }));
    const state = { socket, echoes: [], seen: [], upgrades: [] };
    socket.on("connect", () => say("connected by " + socket.io.engine.transport.name));
    socket.on("disconnect", (reason) => { state.seen.push(reason); say(reason); });
    socket.on("connect_error", (error) => { state.seen.push(error.message); say(error.message); });
    socket.on("echo", (n) => { state.echoes.push(n); if (n % 50 === 0) say("echo " + n); });
    socket.io.engine.on("upgrade", (to) => { state.upgrades.push(to.name); say("upgraded to " + to.name); });
    window.state = state;
  };
</script>`;

let server;
let chrome;
let context;
let port;
const faults = [];

before(async () => {
  server = spawn(program, ["--port", "0"], { stdio: ["pipe", "pipe", "inherit"] });
  port = await new Promise((settle, reject) => {
    server.on("error", reject);
    createInterface({ input: server.stdout }).on("line", (line) => {
      const match = /:(\d+)$/.exec(line);
      if (match) settle(Number(match[1]));
    });
  });
  chrome = await browser();
  context = await chrome.newContext({ viewport: DESK });
});

after(async () => {
  await chrome?.close();
  server?.kill("SIGKILL");
});

/** A page of the server's origin, as it is seen through `through`. */
async function open(through = port) {
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(error.message));
  await page.route("**/page.html", (route) => route.fulfill({ contentType: "text/html", body: PAGE }));
  await page.route("**/vendor/*", (route) => {
    const name = new URL(route.request().url()).pathname.split("/").pop();
    const body = readFileSync(new URL(name, bundle));
    return route.fulfill({ contentType: "application/javascript", body });
  });
  await page.goto(`http://127.0.0.1:${through}/page.html`);
  await page.waitForFunction(() => window.start !== undefined);
  return page;
}

test("a session by a stream from its first request on", async () => {
  const page = await open();
  await page.evaluate(() => window.start(["SSE"]));
  const seen = await page.evaluate(async () => {
    const { socket } = window.state;
    const texts = ["", "å €\u{1f9f5}", "a\nb\r\nc\rd", "\x1e"];
    const echoes = [];
    for (const text of texts) echoes.push(await socket.timeout(3000).emitWithAck("echo-ack", text));
    const bytes = new Uint8Array(70_000).map((_, i) => i % 251);
    const back = new Promise((settle) => socket.once("binary-back", settle));
    const length = (await socket.timeout(3000).emitWithAck("binary", bytes)).length;
    const data = new Uint8Array(await back);
    return {
      same: JSON.stringify(texts) === JSON.stringify(echoes),
      binary: length === 70_000 && data.length === 70_000 && data.every((byte, i) => byte === i % 251),
      transport: socket.io.engine.transport.name,
    };
  });
  assert.deepEqual(seen, { same: true, binary: true, transport: "sse" });
  await page.screenshot({ path: outFile("sse.png") });
  await page.close();
});

test("an upgrade from polling", async () => {
  const page = await open();
  await page.evaluate(() => window.start(["XHR", "SSE"], { sse: 1 }));
  await page.waitForFunction(() => window.state.upgrades.length > 0);
  assert.deepEqual(await page.evaluate(() => window.state.upgrades), ["sse"]);
  const echo = () => window.state.socket.timeout(3000).emitWithAck("echo-ack", 7);
  assert.equal(await page.evaluate(echo), 7);
  await page.close();
});

test("no packet is lost or doubled on connections that break", async () => {
  const cutter = await Cutter.start(port, () => Infinity);
  const page = await open(cutter.port);
  await page.evaluate(() => window.start(["SSE"]));
  await page.waitForFunction(() => window.state.socket.connected);
  const breaking = setInterval(() => cutter.cutAll(), 150);
  await page.evaluate(async () => {
    for (let n = 1; n <= 400; n += 1) {
      window.state.socket.emit("echo", n);
      if (n % 5 === 0) await new Promise((settle) => setTimeout(settle, 40));
    }
  });
  clearInterval(breaking);
  await page.waitForFunction(
    () => window.state.echoes.length >= 400 || window.state.seen.length > 0,
    undefined,
    { timeout: 15_000 },
  );
  const { echoes, seen } = await page.evaluate(() => {
    const { echoes, seen } = window.state;
    return { echoes, seen };
  });
  assert.deepEqual(seen, []);
  assert.deepEqual(echoes, Array.from({ length: 400 }, (_, i) => i + 1));
  assert.ok(cutter.cuts > 10, `${cutter.cuts} cuts`);
  await page.screenshot({ path: outFile("sse-broken.png") });
  await page.close();
  await cutter.stop();
});

test("no script failed", () => assert.deepEqual(faults, []));
