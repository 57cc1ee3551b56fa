// §3: checks of requests, errors, upgrade requests.
import { rows } from "../lib/table.mjs";
import { masked, outcome } from "../lib/peer.mjs";

const POLLING = "EIO=4&transport=polling";
const WEBSOCKET = "EIO=4&transport=websocket";

const MESSAGES = [
  "Transport unknown",
  "Session ID unknown",
  "Bad handshake method",
  "Bad request",
  "Forbidden",
  "Unsupported protocol version",
];

const refusal = (code, message = MESSAGES[code]) => ({
  status: code === 4 ? 403 : 400,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ code, message }),
});

/** A refusal as it came; whether its body has a length or comes in chunks is the server's choice. */
function refusing(response) {
  const { seen } = response;
  delete seen.headers["content-length"];
  return seen;
}

/** The refusal of an upgrade request: no 101, plain text. */
const plain = (message) => ({
  status: 400,
  headers: { "content-type": "text/html", "content-length": `${message.length}` },
  body: message,
});

/** What the application is told of the refusal of this target. */
const told = async (peer, mark) => {
  const entry = await peer.server.logged({ at: "connection_error", target: mark });
  return [entry.code, entry.message, entry.context];
};

const refused = (id, method, query, code, options = {}) => ({
  id: `${id}`,
  name: `${method} ${query} is refused with code ${code}`,
  options,
  run: async (peer) => refusing(await peer.exchange(method, query).response()),
  expect: refusal(code),
});

export default rows("3", [
  refused("transport unknown", "GET", "EIO=4&transport=xyz", 0),
  refused("sid unknown", "GET", `${POLLING}&sid=nope`, 1),
  refused("sid unknown POST", "POST", `${POLLING}&sid=nope`, 1),
  refused("sid unknown of the right length", "GET", `${POLLING}&sid=AAECAwQFBgcICQoLAAAA`, 1),
  refused("sid own key", "GET", `${POLLING}&sid=__proto__`, 1),
  refused("sid constructor", "GET", `${POLLING}&sid=constructor`, 1),
  refused("sid toString websocket", "GET", `${WEBSOCKET}&sid=toString`, 1),
  ...["POST", "PUT", "DELETE", "PATCH", "OPTIONS"].map((method) =>
    refused(`method ${method}`, method, POLLING, 2),
  ),
  {
    id: "method HEAD",
    name: "HEAD without a sid is refused",
    async run(peer) {
      const sent = peer.exchange("HEAD", POLLING);
      return (await new Promise((settle) => sent.socket.once("data", settle))).toString().slice(9, 12);
    },
    expect: "400",
  },
  {
    id: "origin",
    name: "an Origin with characters that no header may have does not come to the engine",
    async run(peer) {
      const headers = { Origin: "https://a\x7fb.example" };
      return (await peer.get(POLLING, { headers })).brief;
    },
    expect: "400",
  },
  refused("method before transport", "POST", WEBSOCKET, 2),
  refused("websocket without upgrade", "GET", WEBSOCKET, 3),
  refused("revision 3", "GET", "EIO=3&transport=polling", 5),
  {
    id: "mismatch",
    name: "a plain request as if by WebSocket for a session that polls",
    async run(peer) {
      const { engine } = await peer.polling();
      return refusing(await peer.get(`${WEBSOCKET}&sid=${engine}`));
    },
    expect: refusal(3),
  },
  {
    id: "mismatch other way",
    name: "a poll for a session that was opened by WebSocket",
    async run(peer) {
      const { engine } = await peer.wire();
      return refusing(await peer.get(`${POLLING}&sid=${engine}`));
    },
    expect: refusal(3),
  },
  {
    id: "revision of a request",
    name: "a request of another revision than its session",
    options: { allowEIO3: true },
    async run(peer) {
      const session = await peer.polling();
      const { brief } = await peer.get(`EIO=3&transport=polling&sid=${session.engine}`);
      return brief;
    },
    expect: '400 {"code":3,"message":"Bad request"}',
  },
  {
    id: "allowRequest",
    name: "a request that the application refuses",
    options: { allowRequest: true },
    run: async (peer) => refusing(await peer.get(`${POLLING}&refuse`)),
    expect: refusal(4),
  },
  {
    id: "allowRequest message",
    name: "a request that the application refuses with a message of its own",
    options: { allowRequest: true },
    run: async (peer) => refusing(await peer.get(`${POLLING}&refuse=go%20away`)),
    expect: refusal(4, "go away"),
  },
  {
    id: "allowRequest upgrade",
    name: "an upgrade that the application refuses is answered 400",
    options: { allowRequest: true },
    run: async (peer) => (await peer.upgrade(`${WEBSOCKET}&refuse`).response()).seen,
    expect: plain("Forbidden"),
  },
  {
    id: "allowRequest upgrade message",
    name: "an upgrade that the application refuses with a message of its own",
    options: { allowRequest: true },
    run: async (peer) => (await peer.upgrade(`${WEBSOCKET}&refuse=go%20away`).response()).seen,
    expect: plain("go away"),
  },
  {
    id: "allowRequest of others",
    name: "only the opening request is asked about",
    options: { allowRequest: true },
    async run(peer) {
      const session = await peer.polling();
      await peer.post(`${session.query}&refuse`, "40");
      return masked((await peer.get(`${session.query}&refuse`)).brief);
    },
    expect: '200 40{"sid":"<id>"}',
  },
  {
    id: "order transport first",
    name: "the transport is looked at before the sid and the method",
    run: async (peer) => (await peer.post("EIO=4&transport=xyz&sid=nope", "")).brief,
    expect: '400 {"code":0,"message":"Transport unknown"}',
  },
  {
    id: "order revision last",
    name: "the application is asked before the revision is looked at",
    options: { allowRequest: true },
    run: async (peer) => (await peer.get("EIO=3&transport=polling&refuse")).brief,
    expect: '403 {"code":4,"message":"Forbidden"}',
  },
  ...[
    ["transport", "EIO=4&transport=xyz&m=1", 0, { transport: "xyz" }],
    ["sid", `${POLLING}&sid=nope&m=2`, 1, { sid: "nope" }],
    ["revision", "EIO=3&transport=polling&m=3", 5, { protocol: 3 }],
    ["handshake", `${WEBSOCKET}&m=4`, 3, { name: "TRANSPORT_HANDSHAKE_ERROR" }],
  ].map(([id, query, code, context]) => ({
    id: `told ${id}`,
    name: "the application is told of a refusal, with its context",
    async run(peer) {
      await peer.get(query);
      return told(peer, `/socket.io/?${query}`);
    },
    expect: [code, MESSAGES[code], context],
  })),
  {
    id: "told method",
    name: "the application is told of a refused method",
    async run(peer) {
      await peer.post(`${POLLING}&m=5`, "");
      return told(peer, `/socket.io/?${POLLING}&m=5`);
    },
    expect: [2, MESSAGES[2], { method: "POST" }],
  },
  {
    id: "told mismatch",
    name: "the application is told of a mismatch of transports",
    async run(peer) {
      const { engine } = await peer.polling();
      await peer.get(`${WEBSOCKET}&sid=${engine}`);
      return told(peer, `/socket.io/?${WEBSOCKET}&sid=${engine}`);
    },
    expect: [
      3,
      MESSAGES[3],
      { name: "TRANSPORT_MISMATCH", transport: "websocket", previousTransport: "polling" },
    ],
  },
  {
    id: "told revision of a request",
    name: "the application is told of a mismatch of revisions",
    options: { allowEIO3: true },
    async run(peer) {
      const { engine } = await peer.polling();
      await peer.get(`EIO=3&transport=polling&sid=${engine}`);
      return told(peer, `/socket.io/?EIO=3&transport=polling&sid=${engine}`);
    },
    expect: [3, MESSAGES[3], { name: "PROTOCOL_MISMATCH", protocol: 3, previousProtocol: 4 }],
  },
  {
    id: "told refusal",
    name: "the application is told of what it refused",
    options: { allowRequest: true },
    async run(peer) {
      await peer.get(`${POLLING}&refuse=no&m=6`);
      return told(peer, `/socket.io/?${POLLING}&refuse=no&m=6`);
    },
    expect: [4, MESSAGES[4], { message: "no" }],
  },
  {
    id: "told upgrade",
    name: "the application is told of a refused upgrade",
    async run(peer) {
      await peer.upgrade(`${WEBSOCKET}&sid=nope&m=7`).response();
      return told(peer, `/socket.io/?${WEBSOCKET}&sid=nope&m=7`);
    },
    expect: [1, MESSAGES[1], { sid: "nope" }],
  },
  {
    id: "middleware",
    name: "HTTP middleware sees a request and may add headers",
    options: { engineMiddleware: true },
    run: async (peer) => (await peer.get(POLLING)).header("x-middleware"),
    expect: "seen",
  },
  {
    id: "middleware fails",
    name: "HTTP middleware may fail",
    options: { engineMiddleware: true },
    async run(peer) {
      const { brief } = await peer.get(`${POLLING}&stop=1`);
      return [brief, await told(peer, `/socket.io/?${POLLING}&stop=1`)];
    },
    expect: [
      '400 {"code":3,"message":"Bad request"}',
      [3, MESSAGES[3], { name: "MIDDLEWARE_FAILURE" }],
    ],
  },
  {
    id: "middleware answers",
    name: "HTTP middleware may answer by itself",
    options: { engineMiddleware: true },
    run: async (peer) => (await peer.get(`${POLLING}&answer=1`)).brief,
    expect: "418 teapot",
  },
  {
    id: "middleware fails upgrade",
    name: "HTTP middleware may fail an upgrade",
    options: { engineMiddleware: true },
    run: async (peer) => (await peer.upgrade(`${WEBSOCKET}&stop=1`).response()).brief,
    expect: "400 Bad request",
  },
  {
    id: "upgrade sid unknown",
    name: "an upgrade of an unknown session gets no 101",
    run: async (peer) => (await peer.upgrade(`${WEBSOCKET}&sid=nope`).response()).seen,
    expect: plain("Session ID unknown"),
  },
  {
    id: "upgrade transport unknown",
    name: "an upgrade to an unknown transport gets no 101",
    run: async (peer) => (await peer.upgrade("EIO=4&transport=xyz").response()).seen,
    expect: plain("Transport unknown"),
  },
  {
    id: "upgrade",
    name: "the 101 of an opening request",
    async run(peer) {
      const { seen } = await peer.upgrade(WEBSOCKET).response();
      return seen;
    },
    expect: {
      status: 101,
      headers: { upgrade: "websocket", "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" },
      body: "",
    },
  },
  {
    id: "upgrade polling",
    name: "an upgrade with transport=polling",
    async run(peer) {
      const wire = peer.upgrade(POLLING);
      const { status } = await wire.response();
      return [status, ...(await wire.rest())];
    },
    expect: [101, "Close", "end"],
  },
  {
    id: "upgrade revision 3",
    name: "an upgrade of revision 3 where it is not allowed",
    async run(peer) {
      const wire = peer.upgrade("EIO=3&transport=websocket");
      const { status } = await wire.response();
      wire.socket.once("error", () => {});
      return status;
    },
    expect: 101,
  },
  {
    id: "upgrade of an upgraded session",
    name: "a further WebSocket of an upgraded session gets 101 and Close; the session lives",
    async run(peer) {
      const session = await peer.joined("polling");
      const wire = await peer.upgrading(session);
      wire.send("2probe", "5");
      const first = [await wire.next(), ...(await outcome(wire))];
      const second = await peer.upgrading(session);
      return [first, await second.rest(), await outcome(wire)];
    },
    expect: [["3probe", "alive"], ["Close", "end"], ["alive"]],
  },
  {
    id: "second upgrade meanwhile",
    name: "a second WebSocket while one is probing gets 101 and Close; the first goes on",
    async run(peer) {
      const session = await peer.joined("polling");
      const wire = await peer.upgrading(session);
      wire.send("2probe");
      const first = await wire.next();
      const second = await peer.upgrading(session);
      const turned = await second.rest();
      wire.send("5");
      return [first, turned, await outcome(wire)];
    },
    expect: ["3probe", ["Close", "end"], ["alive"]],
  },
  {
    id: "take over",
    name: "a second WebSocket with the sid of a session opened by WebSocket",
    async run(peer) {
      const wire = await peer.joined("websocket");
      const thief = peer.upgrade(`${WEBSOCKET}&sid=${wire.engine}`);
      const { status } = await thief.response();
      thief.send("2probe", "5");
      return [status, await thief.until("alive", 1000).catch(() => "open")];
    },
    expect: [101, "open"],
  },
  {
    id: "subprotocol",
    name: "the first subprotocol offered is accepted",
    async run(peer) {
      const headers = { "Sec-WebSocket-Protocol": "foo, bar" };
      const answer = await peer.upgrade(WEBSOCKET, { headers }).response();
      return answer.header("sec-websocket-protocol");
    },
    expect: "foo",
  },
  {
    id: "websocket key missing",
    name: "a WebSocket handshake without a key",
    async run(peer) {
      const headers = { "Sec-WebSocket-Key": undefined };
      return (await peer.upgrade(WEBSOCKET, { headers }).response()).status;
    },
    expect: 400,
  },
  {
    id: "websocket version",
    name: "a WebSocket handshake of another version",
    async run(peer) {
      const headers = { "Sec-WebSocket-Version": "12" };
      const answer = await peer.upgrade(WEBSOCKET, { headers }).response();
      return [answer.status, answer.header("sec-websocket-version")];
    },
    expect: [400, "13, 8"],
  },
]);
