// What stands around the packets: CORS, cookies, compression.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gunzipSync, inflateSync } from "node:zlib";
import WebSocket from "ws";
import { next, withFixture } from "../lib/fixture.mjs";
import { Polling, http } from "../lib/raw.mjs";

const PAGE = "https://page.example";
const OPEN = "EIO=4&transport=polling";

/** The headers of CORS, without those of the body. */
const cors = ({ headers }) =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => /^(access-control-|vary$)/.test(name)),
  );

const ALLOWED = {
  "access-control-allow-origin": PAGE,
  "access-control-allow-credentials": "true",
  vary: "Origin",
};

describe("CORS", () => {
  test("a preflight request is answered before any check", () =>
    withFixture({ cors: PAGE }, async (fixture) => {
      const headers = { origin: PAGE, "access-control-request-headers": "x-token,content-type" };
      for (const query of [OPEN, "EIO=3&transport=xyz", "sid=nope"]) {
        const response = await http(fixture, query, { method: "OPTIONS", headers });
        assert.equal(response.status, 204);
        assert.equal(response.body, "");
        assert.deepEqual(cors(response), {
          ...ALLOWED,
          "access-control-allow-methods": "GET,HEAD,PUT,PATCH,POST,DELETE",
          "access-control-allow-headers": "x-token,content-type",
          vary: "Origin, Access-Control-Request-Headers",
        });
      }
    }));

  test("responses and refusals carry the headers", () =>
    withFixture({ cors: PAGE }, async (fixture) => {
      const headers = { origin: PAGE };
      const opened = await http(fixture, OPEN, { headers });
      assert.equal(opened.status, 200);
      assert.deepEqual(cors(opened), ALLOWED);
      const refused = await http(fixture, "EIO=4&transport=xyz", { headers });
      assert.equal(refused.status, 400);
      assert.deepEqual(cors(refused), ALLOWED);
      const session = await Polling.open(fixture);
      assert.deepEqual(cors(await session.post("40", { headers })), ALLOWED);
      assert.deepEqual(cors(await session.get({ headers })), ALLOWED);
    }));

  test("other origins are told nothing", () =>
    withFixture({ cors: PAGE }, async (fixture) => {
      const response = await http(fixture, OPEN, { headers: { origin: "https://evil.example" } });
      const { "access-control-allow-origin": _, ...others } = ALLOWED;
      assert.deepEqual(cors(response), others);
    }));

  test("the 101 has them too", () =>
    withFixture({ cors: PAGE }, async (fixture) => {
      const url = `${fixture.url}/socket.io/?EIO=4&transport=websocket`.replace("http", "ws");
      const ws = new WebSocket(url, { origin: PAGE });
      const [response] = await next(ws, "upgrade");
      assert.deepEqual(cors(response), ALLOWED);
      ws.terminate();
    }));
});

test("the cookie comes with the handshake", () =>
  withFixture({ cookie: true }, async (fixture) => {
    const { headers, body } = await http(fixture, OPEN);
    const { sid } = JSON.parse(body.slice(1));
    assert.deepEqual(headers["set-cookie"], [`io=${sid}; Path=/; HttpOnly; SameSite=Lax`]);
    const session = new Polling(fixture, sid);
    assert.equal((await session.post("40")).headers["set-cookie"], undefined);
    assert.equal((await session.get()).headers["set-cookie"], undefined);
  }));

describe("compression of polls", () => {
  const text = "all work and no play ".repeat(1000);
  for (const [accepts, coding] of [
    ["gzip, deflate, br", "gzip"],
    ["deflate", "deflate"],
    ["br", undefined],
    [undefined, undefined],
  ]) {
    test(`for ${accepts}`, () =>
      withFixture({}, async (fixture) => {
        const session = await Polling.joined(fixture);
        await session.post(`42["echo","${text}"]`);
        const headers = accepts ? { "accept-encoding": accepts } : {};
        const response = await raw(fixture, session.query, headers);
        assert.equal(response.headers["content-encoding"], coding);
        const read = { gzip: gunzipSync, deflate: inflateSync }[coding] ?? ((body) => body);
        assert.equal(read(response.body).toString(), `42["echo","${text}"]`);
      }));
  }

  async function raw(fixture, query, headers) {
    const { request } = await import("node:http");
    const [response] = await next(
      request(`${fixture.url}/socket.io/?${query}`, { headers, agent: false }).end(),
      "response",
    );
    const chunks = [];
    for await (const chunk of response) chunks.push(chunk);
    return { headers: response.headers, body: Buffer.concat(chunks) };
  }
});

describe("permessage-deflate", () => {
  const options = { transports: ["websocket"], perMessageDeflate: { threshold: 1024 } };

  test("is used if both ends want it", () =>
    withFixture({ deflate: true }, async (fixture) => {
      const socket = await fixture.connect("/", options);
      const { ws } = socket.io.engine.transport;
      assert.match(ws.extensions, /permessage-deflate/);
      for (const length of [10, 1023, 1024, 500_000]) {
        const values = ["x".repeat(length), Buffer.alloc(length, 7)];
        socket.emit("echo", ...values);
        assert.deepEqual(await next(socket, "echo"), values);
      }
      const { _socket: tcp } = ws;
      assert.ok(tcp.bytesRead < 50_000, `${tcp.bytesRead} bytes for a megabyte`);
    }));

  test("is off otherwise", () =>
    withFixture({}, async (fixture) => {
      const socket = await fixture.connect("/", options);
      assert.equal(socket.io.engine.transport.ws.extensions, "");
    }));
});
