// Pages that speak with the official client, and what tests ask of them.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { DESK } from "./stage.mjs";

/** The official client, as it comes from npm. */
export const OFFICIAL = new URL("../node_modules/socket.io-client/dist/", import.meta.url);

/** The client of Server-Sent Events, as it stands in the repository. */
const SSE = new URL("../../../crates/spola-server/client/spola-sse.js", import.meta.url);

/** Where pages meet. */
export const ROOM = "loom";

/** The transports by which a session can be opened. */
export const TRANSPORTS = ["polling", "websocket", "sse"];

// `start` connects by these transports; `state` is what came of it.
function html(server, sse) {
  return `<!doctype html><meta charset=utf-8><title>Client</title>
<style>body { font: 16px/1.4 system-ui; margin: 2rem } li::marker { color: #888 }</style>
<h1>The official client</h1><ol id=log></ol>
<script type=module>
  import { WebSocket as WS, XHR, io } from "/vendor/socket.io.esm.min.js";
  import { SSE } from "${sse}";
  window.start = (names, options = {}) => {
    const known = { polling: XHR, websocket: WS, sse: SSE };
    const transports = names.map((name) => known[name]);
    const socket = io("${server}", { forceNew: true, reconnection: false, ...options, transports });
    const say = (text) => document.getElementById("log").append(
      Object.assign(document.createElement("li"), { textContent: text }));
    const state = { socket, ids: [], recovered: [], events: [], troubles: [], upgrades: [] };
    socket.on("connect", () => {
      state.ids.push(socket.id);
      state.recovered.push(Boolean(socket.recovered));
      say(\`connected by \${socket.io.engine.transport.name}\`);
    });
    socket.io.on("open", () => socket.io.engine.on("upgrade", ({ name }) => {
      state.upgrades.push(name);
      say(\`upgraded to \${name}\`);
    }));
    for (const event of ["disconnect", "connect_error"]) {
      socket.on(event, (why) => { state.troubles.push(String(why.message ?? why)); say(\`\${event}: \${why}\`); });
    }
    socket.onAny((name, ...values) => state.events.push([name, ...values]));
    socket.on("question", (question, answer) => answer(\`\${question}!\`));
    window.state = state;
  };
</script>`;
}

/** What a site answers at `path`; undefined if it has no such thing. */
function found(path, page) {
  if (path === "/page.html") return { contentType: "text/html", body: page };
  const name = /^\/vendor\/([\w.-]+)$/.exec(path)?.[1];
  const file = name && new URL(name, name === "spola-sse.js" ? SSE : OFFICIAL);
  if (!file || !existsSync(file)) return undefined;
  return { contentType: "application/javascript", body: readFileSync(file) };
}

/**
 * A page of the server's own origin, as it is seen through `port`, with our script from the server, for as long as the
 * test `t` lasts.
 */
export async function open(t, context, port, faults) {
  const page = await context.newPage();
  t.after(() => page.close());
  await page.setViewportSize(DESK);
  page.on("pageerror", (error) => faults.push(error.message));
  const answer = (route) =>
    route.fulfill(found(new URL(route.request().url()).pathname, html("", "/socket.io/spola-sse.js")));
  await page.route("**/page.html", answer);
  await page.route("**/vendor/*", answer);
  await page.goto(`http://127.0.0.1:${port}/page.html`);
  await ready(page);
  return page;
}

/** Waits until a page that was loaded can connect. */
export async function ready(page) {
  await page.waitForFunction(() => window.start !== undefined);
}

/** Connects a page by `names`. */
export async function connect(page, names, options) {
  await attempt(page, names, options);
  const { troubles } = await seen(page);
  if (troubles.length > 0) throw new Error(`not connected by ${names}: ${troubles}`);
}

/** Has a page try to connect by `names`, and waits for the outcome. */
export async function attempt(page, names, options) {
  await page.evaluate(([names, options]) => window.start(names, options), [names, options]);
  await page.waitForFunction(() => window.state.socket.connected || window.state.troubles.length > 0);
}

/** Asks the server, and returns its answer. */
export function ask(page, event, ...values) {
  return page.evaluate(
    ([event, values]) => window.state.socket.timeout(5000).emitWithAck(event, ...values),
    [event, values],
  );
}

/** What a page has seen. */
export function seen(page) {
  return page.evaluate(() => {
    const { socket, ...state } = window.state;
    return { ...state, id: socket.id, transport: socket.io.engine.transport.name };
  });
}

/** The values of the events called `name` that a page got. */
export function values({ events }, name) {
  return events.filter(([event]) => event === name).map(([, value]) => value);
}

/** Waits until `page` has got the event `name` with `value`. */
export function arrives(page, name, value) {
  const came = ([name, value]) =>
    window.state.events.some(([event, first]) => event === name && JSON.stringify(first) === value);
  return page.waitForFunction(came, [name, JSON.stringify(value)], { timeout: 15_000 });
}

/** Says something in the room, to all but `page` itself. */
export async function say(page, value) {
  const { id } = await seen(page);
  await page.evaluate(
    ([room, id, value]) => window.state.socket.emit("to", [room], [id], "said", value),
    [ROOM, id, value],
  );
}

/** Another origin, whose page connects to the server at `server()`. */
export class Site {
  #server;

  static async start(server) {
    const site = new Site();
    site.#server = createServer(({ url }, response) => {
      const answer = found(url, html(server(), "/vendor/spola-sse.js"));
      response.writeHead(answer ? 200 : 404, { "content-type": answer?.contentType ?? "text/plain" });
      response.end(answer?.body);
    });
    await new Promise((settle) => site.#server.listen(0, "127.0.0.1", settle));
    site.origin = `http://127.0.0.1:${site.#server.address().port}`;
    return site;
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
