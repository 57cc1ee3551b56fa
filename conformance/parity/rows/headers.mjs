// §12: CORS, cookie, header hooks, compression, the browser bundle.
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { rows } from "../lib/table.mjs";

const POLLING = "EIO=4&transport=polling";
const WEBSOCKET = "EIO=4&transport=websocket";
const ORIGIN = "https://page.example";

/** The headers of an answer that CORS is about. */
const cors = (response) => {
  const { status, headers } = response.seen;
  const about = Object.entries(headers).filter(([name]) => /^(access-control-|vary)/.test(name));
  return { status, ...Object.fromEntries(about.sort()) };
};

const granted = (id, origin, sent, expect) => ({
  id: `origin ${id}`,
  name: `origin: ${JSON.stringify(origin)} and a request from ${sent ?? "nowhere"}`,
  options: { cors: { origin } },
  async run(peer) {
    const headers = sent ? { Origin: sent } : {};
    return cors(await peer.get(POLLING, { headers }));
  },
  expect: { status: 200, ...expect },
});

const allow = (origin, vary = true) => ({
  "access-control-allow-origin": origin,
  ...(vary ? { vary: "Origin" } : {}),
});

const METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE";

const preflight = (id, options, sent, expect) => ({
  id: `preflight ${id}`,
  name: "an OPTIONS request",
  options: { cors: options },
  async run(peer) {
    const headers = { Origin: ORIGIN, "Access-Control-Request-Method": "POST", ...sent };
    const answer = await peer.exchange("OPTIONS", POLLING, { headers }).response();
    return { ...cors(answer), body: answer.text };
  },
  expect: { status: 204, body: "", ...expect },
});

const UNPACK = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync };

/** How the answer to the GET of a large event was packed. */
const packed = (id, { size = 2000, compress = true, accept, options = {} }, expect) => ({
  id: `compression ${id}`,
  name: "how a poll response is compressed",
  options,
  async run(peer) {
    const session = await peer.joined("polling");
    await session.send(`42["big",${size},${compress}]`);
    const headers = accept === undefined ? {} : { "Accept-Encoding": accept };
    const answer = await session.get({ headers });
    const coding = answer.header("content-encoding") ?? "none";
    const body = coding === "none" ? answer.body : UNPACK[coding](answer.body);
    const whole = `42["big","${"x".repeat(size)}"]` === body.toString();
    return [answer.status, coding, whole, answer.header("content-type")];
  },
  expect: [200, expect, true, "text/plain; charset=UTF-8"],
});

const FILES = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];

export default rows("12", [
  {
    id: "CORS off",
    name: "no CORS header by default",
    run: async (peer) => cors(await peer.get(POLLING, { headers: { Origin: ORIGIN } })),
    expect: { status: 200 },
  },
  {
    id: "CORS false",
    name: "with origin false CORS is off",
    options: { cors: { origin: false } },
    async run(peer) {
      const headers = { Origin: ORIGIN };
      const answer = await peer.exchange("OPTIONS", POLLING, { headers }).response();
      return [cors(await peer.get(POLLING, { headers })), cors(answer), answer.text];
    },
    expect: [{ status: 200 }, { status: 400 }, '{"code":2,"message":"Bad handshake method"}'],
  },
  {
    id: "CORS {}",
    name: "CORS without an origin allows all",
    options: { cors: {} },
    run: async (peer) => cors(await peer.get(POLLING, { headers: { Origin: ORIGIN } })),
    expect: { status: 200, ...allow("*", false) },
  },
  granted("*", "*", ORIGIN, allow("*", false)),
  granted("reflected", true, ORIGIN, allow(ORIGIN)),
  granted("reflected, none", true, undefined, { vary: "Origin" }),
  granted("string", "https://a.example", ORIGIN, allow("https://a.example")),
  granted("list", ["https://a.example", ORIGIN], ORIGIN, allow(ORIGIN)),
  granted("list, other", ["https://a.example"], ORIGIN, { vary: "Origin" }),
  granted("pattern", { pattern: "\\.example$" }, ORIGIN, allow(ORIGIN)),
  granted("pattern, other", { pattern: "\\.test$" }, ORIGIN, { vary: "Origin" }),
  {
    id: "credentials",
    name: "credentials and exposed headers",
    options: { cors: { origin: ORIGIN, credentials: true, exposedHeaders: ["a", "b"] } },
    run: async (peer) => cors(await peer.get(POLLING, { headers: { Origin: ORIGIN } })),
    expect: {
      status: 200,
      "access-control-allow-credentials": "true",
      "access-control-expose-headers": "a,b",
      ...allow(ORIGIN),
    },
  },
  {
    id: "CORS on a POST",
    name: "the answer to a POST carries the headers",
    options: { cors: { origin: ORIGIN, credentials: true } },
    async run(peer) {
      const session = await peer.polling();
      return cors(await session.post("40", { headers: { Origin: ORIGIN } }));
    },
    expect: { status: 200, "access-control-allow-credentials": "true", ...allow(ORIGIN) },
  },
  {
    id: "CORS on an error",
    name: "a refusal carries the headers",
    options: { cors: { origin: ORIGIN } },
    async run(peer) {
      const answer = await peer.get(`${POLLING}&sid=nope`, { headers: { Origin: ORIGIN } });
      return [cors(answer), answer.text];
    },
    expect: [{ status: 400, ...allow(ORIGIN) }, '{"code":1,"message":"Session ID unknown"}'],
  },
  {
    id: "CORS on a 101",
    name: "a 101 carries the headers",
    options: { cors: { origin: ORIGIN } },
    run: async (peer) =>
      cors(await peer.upgrade(WEBSOCKET, { headers: { Origin: ORIGIN } }).response()),
    expect: { status: 101, ...allow(ORIGIN) },
  },
  {
    id: "CORS on a refused upgrade",
    name: "a refused upgrade does not carry the headers",
    options: { cors: { origin: ORIGIN } },
    run: async (peer) =>
      cors(await peer.upgrade(`${WEBSOCKET}&sid=nope`, { headers: { Origin: ORIGIN } }).response()),
    expect: { status: 400 },
  },
  {
    id: "foreign WebSocket",
    name: "a WebSocket from a foreign origin",
    options: { cors: { origin: ORIGIN } },
    async run(peer) {
      const headers = { Origin: "https://evil.example" };
      return (await peer.upgrade(WEBSOCKET, { headers }).response()).status;
    },
    expect: 101,
  },
  {
    id: "foreign poll",
    name: "a poll from a foreign origin",
    options: { cors: { origin: ORIGIN } },
    async run(peer) {
      const headers = { Origin: "https://evil.example" };
      return cors(await peer.get(POLLING, { headers }));
    },
    expect: { status: 200, ...allow(ORIGIN) },
  },
  preflight("plain", { origin: "*" }, {}, {
    "access-control-allow-methods": METHODS,
    "access-control-allow-origin": "*",
    vary: "Access-Control-Request-Headers",
  }),
  preflight("headers", { origin: "*" }, { "Access-Control-Request-Headers": "x-a, x-b" }, {
    "access-control-allow-headers": "x-a, x-b",
    "access-control-allow-methods": METHODS,
    "access-control-allow-origin": "*",
    vary: "Access-Control-Request-Headers",
  }),
  preflight(
    "all set",
    { origin: ORIGIN, methods: ["GET", "POST"], allowedHeaders: ["x-c", "x-d"], maxAge: 60, credentials: true },
    { "Access-Control-Request-Headers": "x-a" },
    {
      "access-control-allow-credentials": "true",
      "access-control-allow-headers": "x-c,x-d",
      "access-control-allow-methods": "GET,POST",
      "access-control-max-age": "60",
      ...allow(ORIGIN),
    },
  ),
  {
    id: "preflight length",
    name: "the length of an answer without a body",
    options: { cors: { origin: "*" } },
    async run(peer) {
      const answer = await peer.exchange("OPTIONS", POLLING, {}).response();
      return answer.header("content-length") ?? "none";
    },
    expect: "0",
  },
  {
    id: "preflight of a session",
    name: "an OPTIONS request is answered whatever its query",
    options: { cors: { origin: "*" } },
    async run(peer) {
      const answer = await peer.exchange("OPTIONS", "transport=xyz&sid=nope", {}).response();
      return answer.status;
    },
    expect: 204,
  },
  {
    id: "cookie",
    name: "the cookie is on the response to a polling handshake alone",
    options: { cookie: true },
    async run(peer) {
      const session = await peer.polling();
      const cookie = session.open.header("set-cookie").replace(session.engine, "<id>");
      const post = await session.post("40");
      const get = await session.get();
      const wire = await peer.wire();
      const upgrade = await wire.response();
      return [cookie, ...[post, get, upgrade].map((one) => one.header("set-cookie") ?? "none")];
    },
    expect: ["io=<id>; Path=/; HttpOnly; SameSite=Lax", "none", "none", "none"],
  },
  {
    id: "cookie off",
    name: "no cookie by default",
    run: async (peer) => (await peer.polling()).open.header("set-cookie") ?? "none",
    expect: "none",
  },
  {
    id: "cookie options",
    name: "a cookie as told",
    options: { cookie: { name: "node", path: "/p", httpOnly: false, sameSite: "strict", secure: true, maxAge: 60 } },
    async run(peer) {
      const session = await peer.polling();
      return session.open.header("set-cookie").replace(session.engine, "<id>");
    },
    expect: "node=<id>; Max-Age=60; Path=/p; Secure; SameSite=Strict",
  },
  {
    id: "cookie for other sites",
    name: "a cookie that pages of other sites send along",
    options: { cookie: { name: "node", path: "/", httpOnly: true, sameSite: "none", secure: true } },
    async run(peer) {
      const session = await peer.polling();
      return session.open.header("set-cookie").replace(session.engine, "<id>");
    },
    expect: "node=<id>; Path=/; HttpOnly; Secure; SameSite=None",
  },
  {
    id: "hooks",
    name: "the application adds headers: to the first response, and to every one",
    options: { hooks: true },
    async run(peer) {
      const session = await peer.polling();
      const post = await session.post("40");
      const upgraded = await (await peer.wire()).response();
      const upgrade = await (await peer.upgrading(session)).response();
      const both = (answer) => [answer.header("x-initial"), answer.header("x-every")];
      return [session.open, post, upgraded, upgrade].map(both).map((pair) => pair.map((one) => one ?? "-"));
    },
    expect: [
      ["1", "1"],
      ["-", "1"],
      ["1", "1"],
      ["-", "1"],
    ],
  },
  ...[
    ["Mozilla/4.0 (compatible; MSIE 7.0)", "-"],
    ["Mozilla/4.0 (compatible;MSIE 7.0)", "0"],
    ["Mozilla/5.0 (Windows NT 6.3; Trident/7.0)", "0"],
    ["Mozilla/5.0", "-"],
  ].map(([agent, expect]) => ({
    id: `XSS ${agent}`,
    name: "a header for old browsers",
    async run(peer) {
      const answer = await peer.get(POLLING, { headers: { "User-Agent": agent } });
      return answer.header("x-xss-protection") ?? "-";
    },
    expect,
  })),
  packed("none asked", {}, "none"),
  packed("gzip", { accept: "gzip" }, "gzip"),
  packed("deflate", { accept: "deflate" }, "deflate"),
  packed("first named", { accept: "deflate, gzip" }, "deflate"),
  packed("quality", { accept: "deflate;q=0.5, gzip" }, "gzip"),
  packed("br alone", { accept: "br" }, "none"),
  packed("identity", { accept: "identity" }, "none"),
  packed("gzip refused", { accept: "gzip;q=0, deflate" }, "deflate"),
  packed("small", { size: 900, accept: "gzip" }, "none"),
  packed("opted out", { compress: false, accept: "gzip" }, "none"),
  packed("off", { accept: "gzip", options: { httpCompression: false } }, "none"),
  packed("threshold", { size: 300, accept: "gzip", options: { httpCompression: { threshold: 100 } } }, "gzip"),
  ...FILES.map((file) => ({
    id: `bundle ${file}`,
    name: "the browser bundle",
    async run(peer) {
      const answer = await peer.at("GET", `/socket.io/${file}`);
      const tag = answer.header("etag");
      const known = { headers: { "If-None-Match": `W/${tag}` } };
      const again = await peer.at("GET", `/socket.io/${file}`, known);
      return {
        status: answer.status,
        type: answer.header("content-type"),
        cache: answer.header("cache-control"),
        tag: /^"\d+\.\d+\.\d+"$/.test(tag),
        large: answer.body.length > 10_000,
        again: again.brief,
      };
    },
    expect: {
      status: 200,
      type: "application/javascript; charset=utf-8",
      cache: "public, max-age=0",
      tag: true,
      large: true,
      again: "304",
    },
  })),
  {
    id: "bundle map",
    name: "the map of a bundle",
    async run(peer) {
      const answer = await peer.at("GET", "/socket.io/socket.io.js.map");
      return [answer.status, answer.header("content-type")];
    },
    expect: [200, "application/json; charset=utf-8"],
  },
  ...["br", "gzip", "deflate"].map((coding) => ({
    id: `bundle ${coding}`,
    name: "a compressed bundle",
    async run(peer) {
      const plain = await peer.at("GET", "/socket.io/socket.io.min.js");
      const headers = { "Accept-Encoding": coding };
      const answer = await peer.at("GET", "/socket.io/socket.io.min.js", { headers });
      const used = answer.header("content-encoding") ?? "none";
      const body = used === "none" ? answer.body : UNPACK[used](answer.body);
      return [used, body.equals(plain.body)];
    },
    expect: [coding, true],
  })),
  {
    id: "bundle unknown",
    name: "another file name falls through to the engine",
    run: async (peer) => (await peer.at("GET", "/socket.io/other.js")).brief,
    expect: '400 {"code":0,"message":"Transport unknown"}',
  },
  ...["socket.io.msgpack.js", "socket.io.esm.js"].map((file) => ({
    id: `bundle ${file}`,
    name: "a name that fits the pattern of the bundles but is not there",
    async run(peer) {
      const answer = await peer.at("GET", `/socket.io/${file}`);
      return answer.status ?? answer;
    },
    expect: "no answer",
  })),
  {
    id: "bundle off",
    name: "serveClient: false",
    options: { serveClient: false },
    run: async (peer) => (await peer.at("GET", "/socket.io/socket.io.js")).brief,
    expect: '400 {"code":0,"message":"Transport unknown"}',
  },
]);
