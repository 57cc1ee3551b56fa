// §§4 and 5: packets, payloads, GET and POST.
import { rows } from "../lib/table.mjs";
import { outcome, sleep } from "../lib/peer.mjs";

const HOLE = '{"_placeholder":true,"num":0}';
const EVENT = `451-["echo",${HOLE}]`;
const GONE = '400 {"code":1,"message":"Session ID unknown"}';

/** Posts a body and tells: the answer, the packets that came of it, how it is with the session. */
async function posted(peer, body, headers = {}) {
  const session = await peer.joined("polling");
  const answer = await session.post(body, { headers });
  const state = await session.state();
  const reason = state === "alive" ? "alive" : await peer.reason(session.id);
  return [answer.brief, reason];
}

const fate = (id, name, body, expect) => ({ id, name, run: (peer) => posted(peer, body), expect });

const collected = (id, name, body, expect) => ({
  id,
  name,
  async run(peer) {
    const session = await peer.joined("polling");
    await session.post(body);
    return outcome(session);
  },
  expect,
});

export default rows("5", [
  {
    id: "GET",
    name: "the answer to a GET; its length counts bytes",
    async run(peer) {
      const session = await peer.joined("polling");
      await session.send('42["echo","€"]');
      return (await session.get()).seen;
    },
    expect: {
      status: 200,
      headers: {
        "content-type": "text/plain; charset=UTF-8",
        "content-length": "16",
        "cache-control": "no-store",
      },
      body: '42["echo","€"]',
    },
  },
  {
    id: "GET waits",
    name: "a GET is held until there is a packet",
    async run(peer) {
      const session = await peer.joined("polling");
      const waiting = session.get();
      const early = await Promise.race([waiting, sleep(200).then(() => "nothing yet")]);
      await session.send('42["echo","late"]');
      return [early, (await waiting).text];
    },
    expect: ["nothing yet", '42["echo","late"]'],
  },
  {
    id: "GET takes all",
    name: "a GET takes everything that waits",
    async run(peer) {
      const session = await peer.joined("polling");
      await session.send('42["burst",3]');
      await session.send('42["echo"]');
      return (await session.get()).text;
    },
    expect: '42["n",0]\x1e42["n",1]\x1e42["n",2]\x1e42["echo"]',
  },
  {
    id: "POST",
    name: "the answer to a POST",
    async run(peer) {
      const session = await peer.joined("polling");
      return (await session.post('42["echo"]')).seen;
    },
    expect: {
      status: 200,
      headers: { "content-type": "text/html", "content-length": "2", "cache-control": "no-store" },
      body: "ok",
    },
  },
  {
    id: "POST meanwhile",
    name: "a POST is answered while a GET waits",
    async run(peer) {
      const session = await peer.joined("polling");
      const waiting = session.get();
      await sleep(150);
      const answer = await session.post('42["echo",1]');
      return [answer.brief, (await waiting).text];
    },
    expect: ["200 ok", '42["echo",1]'],
  },
  ...[
    ["text/plain;charset=UTF-8", ["200 ok", "alive"]],
    ["application/json", ["200 ok", "alive"]],
    ["application/octet-stream; a=b", ["200 ok", "alive"]],
    ["application/octet-stream", ["400", "transport error"]],
  ].map(([type, expect]) => ({
    id: `POST ${type}`,
    name: "the content type of a POST",
    run: (peer) => posted(peer, '42["nobody"]', { "Content-Type": type }),
    expect,
  })),
  collected("order", "packets of one body, in order", '42["echo",1]\x1e42["echo","€"]\x1e42["echo",3]', [
    '42["echo",1]',
    '42["echo","€"]',
    '42["echo",3]',
    "alive",
  ]),
  collected("binary", "binary as base64", `${EVENT}\x1ebAQIDBA==`, [EVENT, "bAQIDBA==", "alive"]),
  collected("binary empty", "empty binary", `${EVENT}\x1eb`, [EVENT, "b", "alive"]),
  collected("base64 without padding", "base64 need not be padded", `${EVENT}\x1ebAQIDBA`, [
    EVENT,
    "bAQIDBA==",
    "alive",
  ]),
  collected("base64 for URLs", "base64 of the URL-safe alphabet", `${EVENT}\x1eb-_8=`, [
    EVENT,
    "b+/8=",
    "alive",
  ]),
  collected("base64 junk", "characters that are not base64", `${EVENT}\x1eb!!`, [EVENT, "b", "alive"]),
  collected("not UTF-8", "bytes that are not UTF-8 are replaced", Buffer.from('42["echo","\xff"]', "latin1"), [
    '42["echo","�"]',
    "alive",
  ]),
  fate("bad empty body", "an empty body", "", ["200 ok", "parse error"]),
  fate("bad separator", "a trailing separator", '42["nobody"]\x1e', ["200 ok", "parse error"]),
  fate("bad type 7", "an unknown packet", "7", ["200 ok", "parse error"]),
  fate("bad type 9", "an unknown packet", "9", ["200 ok", "parse error"]),
  fate("bad letter", "a letter for a type", "x", ["200 ok", "parse error"]),
  fate("bad multi-byte", "a character of several bytes for a type", "€€", ["200 ok", "parse error"]),
  fate("bad after a good one", "a bad packet after a good one", "42[1]\x1e9", ["200 ok", "parse error"]),
  {
    id: "stops at the first bad piece",
    name: "what came before a bad piece ends with the session before it is dispatched; what follows is not read",
    async run(peer) {
      const other = await peer.joined();
      const session = await peer.joined("polling");
      const to = (value) => `42["to",["${other.id}"],[],"told",${value}]`;
      const answer = await session.post(`${to(1)}\x1e9\x1e${to(2)}`);
      return [answer.brief, await outcome(other), await session.state(), await peer.reason(session.id)];
    },
    expect: ["200 ok", ["alive"], GONE, "parse error"],
  },
  fate("ping", "a ping from a client", "2", ["200 ok", "transport error"]),
  fate("ping probe", "a probe over polling", "2probe", ["200 ok", "transport error"]),
  fate("pong", "a pong that nobody asked for", "3", ["200 ok", "alive"]),
  fate("ignored", "open, upgrade and noop from a client", "0\x1e0{}\x1e5\x1e6", ["200 ok", "alive"]),
  fate("close", "a close from a client", "1", ["200 ok", "transport close"]),
  {
    id: "close with a GET",
    name: "a close answers the waiting GET with a noop; what follows it is ignored",
    async run(peer) {
      const session = await peer.joined("polling");
      const waiting = session.get();
      await sleep(150);
      const answer = await session.post('1\x1e42["echo"]');
      return [answer.brief, (await waiting).brief, await session.state(), await peer.reason(session.id)];
    },
    expect: ["200 ok", "200 6", GONE, "transport close"],
  },
  {
    id: "limit",
    name: "a body of the limit passes",
    options: { maxHttpBufferSize: 1000 },
    async run(peer) {
      const session = await peer.joined("polling");
      const text = "x".repeat(1000 - '42["echo",""]'.length);
      const answer = await session.post(`42["echo","${text}"]`);
      return [answer.brief, (await session.next()).length];
    },
    expect: ["200 ok", 1000],
  },
  {
    id: "limit exceeded",
    name: "one byte more is refused and costs no session",
    options: { maxHttpBufferSize: 1000 },
    async run(peer) {
      const session = await peer.joined("polling");
      const text = "x".repeat(1001 - '42["echo",""]'.length);
      const answer = await session.post(`42["echo","${text}"]`);
      return [answer.seen, await session.state(), await outcome(session)];
    },
    expect: [{ status: 413, headers: {}, body: "" }, "alive", ["alive"]],
  },
  {
    id: "limit exceeded in chunks",
    name: "the limit counts bytes as they arrive",
    options: { maxHttpBufferSize: 1000 },
    async run(peer) {
      const session = await peer.joined("polling");
      const sent = peer.exchange("POST", session.query, {
        headers: { "Transfer-Encoding": "chunked" },
      });
      sent.write(`1f4\r\n${"4".repeat(500)}\r\n`);
      await sleep(150);
      sent.write(`1f5\r\n${"4".repeat(501)}\r\n0\r\n\r\n`);
      return [(await sent.response()).status, await session.state()];
    },
    expect: [413, "alive"],
  },
  {
    id: "limit counts bytes",
    name: "the limit counts bytes, not characters",
    options: { maxHttpBufferSize: 1000 },
    async run(peer) {
      const session = await peer.joined("polling");
      const answer = await session.post(`4${"€".repeat(334)}`);
      return [answer.status, await session.state()];
    },
    expect: [413, "alive"],
  },
  {
    id: "POST in pieces",
    name: "a body that comes in pieces, cut within a character",
    async run(peer) {
      const session = await peer.joined("polling");
      const body = Buffer.from('42["echo","€"]');
      const sent = peer.exchange("POST", session.query, {
        headers: { "Content-Length": body.length },
      });
      sent.write(body.subarray(0, 12));
      await sleep(150);
      sent.write(body.subarray(12));
      return [(await sent.response()).brief, await session.next()];
    },
    expect: ["200 ok", '42["echo","€"]'],
  },
  {
    id: "two GETs",
    name: "a second GET ends the session",
    async run(peer) {
      const session = await peer.joined("polling");
      const first = session.get();
      await sleep(150);
      const second = await session.get();
      return [(await first).brief, second.seen, await session.state(), await peer.reason(session.id)];
    },
    expect: ["200 1", { status: 400, headers: {}, body: "" }, GONE, "transport error"],
  },
  {
    id: "two POSTs",
    name: "a second POST ends the session",
    async run(peer) {
      const session = await peer.joined("polling");
      const waiting = session.get();
      const first = peer.exchange("POST", session.query, { headers: { "Content-Length": 10 } });
      first.write("42");
      await sleep(150);
      const second = await session.post('42["echo"]');
      const seen = [(await waiting).brief, (await first.response()).brief ?? "no answer", second.seen];
      return [...seen, await session.state(), await peer.reason(session.id)];
    },
    expect: ["200 1", "no answer", { status: 400, headers: {}, body: "" }, GONE, "transport error"],
  },
  {
    id: "aborted GET",
    name: "a client that hangs up on its GET ends the session",
    async run(peer) {
      const session = await peer.joined("polling");
      const waiting = session.polls();
      await sleep(150);
      waiting.abort();
      return [await peer.reason(session.id), await session.state()];
    },
    expect: ["transport error", GONE],
  },
  {
    id: "aborted POST",
    name: "a client that hangs up on its POST ends the session",
    async run(peer) {
      const session = await peer.joined("polling");
      const sent = peer.exchange("POST", session.query, { headers: { "Content-Length": 100 } });
      sent.write("42");
      await sleep(150);
      sent.abort();
      return [await peer.reason(session.id), await session.state()];
    },
    expect: ["transport error", GONE],
  },
  {
    id: "method HEAD",
    name: "HEAD with a sid is no poll: it takes nothing away",
    async run(peer) {
      const session = await peer.joined("polling");
      await session.send('42["echo"]');
      const sent = peer.exchange("HEAD", session.query);
      const head = await new Promise((settle) => sent.socket.once("data", settle));
      return [head.toString().slice(9, 12), await session.next()];
    },
    expect: ["500", '42["echo"]'],
  },
  ...["PUT", "DELETE", "PATCH", "OPTIONS"].map((method) => ({
    id: `method ${method}`,
    name: "another method with a sid is answered 500 and costs no session",
    async run(peer) {
      const session = await peer.joined("polling");
      const answer = await peer.exchange(method, session.query).response();
      return [answer.seen, await session.state()];
    },
    expect: [{ status: 500, headers: {}, body: "" }, "alive"],
  })),
  {
    id: "after the end",
    name: "any request after the session closed",
    async run(peer) {
      const session = await peer.joined("polling");
      await session.post("1");
      const upgrade = peer.upgrade(`EIO=4&transport=websocket&sid=${session.engine}`);
      return [
        (await session.get()).brief,
        (await session.post("3")).brief,
        (await upgrade.response()).brief,
      ];
    },
    expect: [GONE, GONE, "400 Session ID unknown"],
  },
]);
