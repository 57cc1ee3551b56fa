// §11: Engine.IO revision 3. §22: Socket.IO for its clients.
import { rows } from "../lib/table.mjs";
import { masked, sleep, timed } from "../lib/peer.mjs";
import { hex, shown } from "../lib/websocket.mjs";

const OPTIONS = { allowEIO3: true };
const POLLING = "EIO=3&transport=polling";
const WEBSOCKET = "EIO=3&transport=websocket";
const HOLE = '{"_placeholder":true,"num":0}';
const EVENT = `451-["echo",${HOLE}]`;

const HANDSHAKE =
  '0{"sid":"<id>","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}';

/** Packets as a text payload: the length of each in UTF-16 units. */
const payload = (...packets) => packets.map((packet) => `${packet.length}:${packet}`).join("");

/** A session by polling with the root joined: nothing has to be asked for. */
async function polling(peer, query = "") {
  const opened = await peer.get(`${POLLING}${query}`);
  const sid = /"sid\\*":\\*"([A-Za-z0-9_-]{20})/.exec(opened.text)[1];
  const own = `${POLLING}${query}&sid=${sid}`;
  const session = {
    opened,
    sid,
    get: () => peer.get(own),
    polls: () => peer.exchange("GET", own),
    post: (body, options) => peer.post(own, body, options),
    send: (...packets) => peer.post(own, payload(...packets)),
    async state() {
      const { status } = await peer.post(own, "1:2");
      return status === 200 ? "alive" : `${status}`;
    },
  };
  return session;
}

/** The same, with the CONNECT of the root taken. */
async function joined(peer, query) {
  const session = await polling(peer, query);
  session.first = await session.get();
  return session;
}

async function wire(peer, query = "") {
  const one = peer.upgrade(`${WEBSOCKET}${query}`);
  one.open = await one.next();
  one.root = await one.next();
  one.sid = JSON.parse(one.open.slice(1)).sid;
  return one;
}

/** What comes of the bytes of a POST. */
const posted = (id, name, body, expect, type) => ({
  id,
  name,
  options: OPTIONS,
  async run(peer) {
    const session = await joined(peer);
    const headers = type ? { "Content-Type": type } : {};
    const answer = await session.post(body, { headers });
    const state = await session.state();
    const reason = state === "alive" ? state : await peer.reason(session.sid);
    return [answer.brief, reason];
  },
  expect,
});

const binary = (text) => Buffer.from(text.replaceAll(" ", ""), "hex");

/** A packet of the binary payload: text. */
const binaryText = (text) => {
  const data = Buffer.from(text);
  const digits = [...String(data.length)].map(Number);
  return Buffer.concat([Buffer.from([0, ...digits, 255]), data]);
};

const section11 = [
  {
    id: "handshake",
    name: "the payload of the handshake",
    options: OPTIONS,
    async run(peer) {
      const { seen } = await peer.get(POLLING);
      return { ...seen, body: masked(seen.body) };
    },
    expect: {
      status: 200,
      headers: {
        "content-type": "text/plain; charset=UTF-8",
        "content-length": "122",
        "cache-control": "no-store",
      },
      body: `118:${HANDSHAKE}`,
    },
  },
  {
    id: "text payload",
    name: "lengths count UTF-16 units, in both directions",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer);
      await session.post('14:42["echo","€"]15:42["echo","😀"]');
      return (await session.get()).text;
    },
    expect: '14:42["echo","€"]15:42["echo","😀"]',
  },
  {
    id: "binary payload",
    name: "a payload with binary in it",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer);
      const packet = binary("01 05 ff 04 01 02 03 04");
      await session.post(Buffer.concat([binaryText(EVENT), packet]), {
        headers: { "Content-Type": "application/octet-stream" },
      });
      const answer = await session.get();
      return [answer.header("content-type"), hex(answer.body.subarray(0, 4)), hex(answer.body.subarray(-8))];
    },
    expect: ["application/octet-stream", "00 04 02 ff", "01 05 ff 04 01 02 03 04"],
  },
  {
    id: "binary payload without binary",
    name: "a binary POST without binary; the answer is text",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer);
      await session.post(binaryText('42["echo","€"]'), {
        headers: { "Content-Type": "application/octet-stream" },
      });
      return (await session.get()).text;
    },
    expect: '14:42["echo","€"]',
  },
  {
    id: "base64",
    name: "a client that cannot take binary",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer, "&b64=1");
      await session.send(EVENT, "b4AQIDBA==");
      const answer = await session.get();
      return [answer.header("content-type"), answer.text];
    },
    expect: ["text/plain; charset=UTF-8", payload(EVENT, "b4AQIDBA==")],
  },
  posted("empty", "a payload of no packets", "0:", ["200 ok", "alive"]),
  posted("no digits", "no digits before the colon", ":42[1]", ["200 ok", "parse error"]),
  posted("length too large", "a length beyond the end", "9:42[1]", ["200 ok", "parse error"]),
  posted("trailing", "characters after the last packet", "1:2x", ["200 ok", "parse error"]),
  posted("negative", "a negative length", "-1:2", ["200 ok", "parse error"]),
  posted("unknown type", "an unknown type", "1:9", ["200 ok", "parse error"]),
  posted("hexadecimal length", "a length in hexadecimal", "0x1:2", ["200 ok", "alive"]),
  posted("fraction", "a length with a fraction", "1.0:2", ["200 ok", "alive"]),
  posted("pong", "a pong from a client", "1:3", ["200 ok", "transport error"]),
  posted("close", "a close from a client", "1:1", ["200 ok", "transport close"]),
  posted("binary, no end of length", "a binary payload without ff", binary("00 01"), ["200 ok", "parse error"], "application/octet-stream"),
  posted("binary, digits", "a binary payload with a length of 400 digits", Buffer.alloc(400, 1), ["200 ok", "parse error"], "application/octet-stream"),
  {
    id: "limit",
    name: "the limit of a body",
    options: { ...OPTIONS, maxHttpBufferSize: 200 },
    async run(peer) {
      const session = await joined(peer);
      const answer = await session.post(payload(`42["x","${"x".repeat(250)}"]`));
      return [answer.status, await session.state()];
    },
    expect: [413, "alive"],
  },
  {
    id: "ping",
    name: "a ping is answered at once, its data is not echoed",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer);
      one.send("2", "2hello");
      return one.take(2);
    },
    expect: ["3", "3"],
  },
  {
    id: "ping by polling",
    name: "a ping by POST is answered in a GET",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer);
      await session.send("2");
      return (await session.get()).text;
    },
    expect: "1:3",
  },
  {
    id: "server does not ping",
    name: "the server sends no ping; without one of the client the session ends",
    options: { ...OPTIONS, pingInterval: 200, pingTimeout: 200 },
    async run(peer) {
      const one = await wire(peer);
      const [seen, took] = await timed(one.rest(), 300, 900);
      return [seen, took, await peer.reason(one.sid)];
    },
    expect: [["Close", "end"], "in time", "ping timeout"],
  },
  {
    id: "only pings count",
    name: "other packets are no sign of life",
    options: { ...OPTIONS, pingInterval: 200, pingTimeout: 200 },
    async run(peer) {
      const one = await wire(peer);
      const talking = setInterval(() => one.send("42[1]"), 60);
      const reason = await peer.reason(one.sid, 2000).catch(() => "alive");
      clearInterval(talking);
      return reason;
    },
    expect: "ping timeout",
  },
  {
    id: "pings keep alive",
    name: "pings keep a session alive",
    options: { ...OPTIONS, pingInterval: 200, pingTimeout: 200 },
    async run(peer) {
      const one = await wire(peer);
      for (let beat = 0; beat < 5; beat += 1) {
        await sleep(150);
        one.send("2");
      }
      return one.take(5);
    },
    expect: ["3", "3", "3", "3", "3"],
  },
  {
    id: "websocket binary",
    name: "a binary message has a type byte",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer);
      one.send(EVENT, Buffer.from([4, 1, 2, 3, 4]));
      await one.take(2);
      return hex(one.frames.at(-1));
    },
    expect: "82 05 04 01 02 03 04",
  },
  {
    id: "websocket base64",
    name: "base64 is accepted in text, and sent where binary cannot be taken",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer, "&b64=1");
      one.send(EVENT, "b4AQIDBA==");
      return one.take(2);
    },
    expect: [EVENT, "b4AQIDBA=="],
  },
  {
    id: "websocket unknown type",
    name: "a binary frame of an unknown type",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer);
      one.send(Buffer.from([9, 1]), '42["echo"]');
      return one.next();
    },
    expect: '42["echo"]',
  },
  {
    id: "upgrade",
    name: "from polling to WebSocket",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer);
      const waiting = session.get();
      await sleep(150);
      const one = peer.upgrade(`${WEBSOCKET}&sid=${session.sid}`);
      await one.response();
      one.send("2probe");
      const probed = await one.next();
      const noop = (await waiting).text;
      one.send("5", '42["echo"]');
      return [probed, noop, await one.next()];
    },
    expect: ["3probe", "1:6", '42["echo"]'],
  },
  {
    id: "close on upgrade",
    name: "the waiting GET is closed by the switch",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer);
      const waiting = session.get();
      await sleep(150);
      const one = peer.upgrade(`${WEBSOCKET}&sid=${session.sid}`);
      await one.response();
      one.send("2probe", "5");
      return [(await waiting).text, await one.next()];
    },
    expect: ["1:1", "3probe"],
  },
  {
    id: "revision of a later request",
    name: "a request of revision 4 for a session of revision 3",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer);
      return (await peer.get(`EIO=4&transport=polling&sid=${session.sid}`)).brief;
    },
    expect: '400 {"code":3,"message":"Bad request"}',
  },
  {
    id: "JSONP handshake",
    name: "a payload as a script",
    options: OPTIONS,
    async run(peer) {
      const answer = await peer.get(`${POLLING}&j=0&b64=1`);
      return [answer.header("content-type"), masked(answer.text.replaceAll('\\"', '"'))];
    },
    expect: ["text/plain; charset=UTF-8", `___eio[0]("118:${HANDSHAKE}");`],
  },
  {
    id: "JSONP GET",
    name: "the script of a GET; only digits of j are kept",
    options: OPTIONS,
    async run(peer) {
      const session = await polling(peer, "&b64=1&j=1%3Cx%3E2");
      return (await session.get()).text;
    },
    expect: '___eio[12]("2:40");',
  },
  {
    id: "JSONP line separators",
    name: "what scripts cannot carry is escaped",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer, "&b64=1&j=0");
      const packet = '42["echo","\u2028\u2029"]';
      const body = `d=${encodeURIComponent(payload(packet))}`;
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      await session.post(body, { headers });
      return (await session.get()).text;
    },
    expect: '___eio[0]("15:42[\\"echo\\",\\"\\u2028\\u2029\\"]");',
  },
  {
    id: "JSONP POST",
    name: "the form of a POST, with its escapes",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer, "&b64=1&j=0");
      // 42["echo","a\nb"] with the JSON escape as the client's form escapes it.
      const packet = '42["echo","a\\nb"]';
      const escaped = payload(packet).replaceAll("\\n", "\\\\n");
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      const answer = await session.post(`d=${encodeURIComponent(escaped)}`, { headers });
      return [answer.brief, (await session.get()).text];
    },
    expect: ["200 ok", '___eio[0]("17:42[\\"echo\\",\\"a\\\\nb\\"]");'],
  },
  {
    id: "JSONP POST without d",
    name: "a form without the field is ignored",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer, "&b64=1&j=0");
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      const answer = await session.post("x=1", { headers });
      return [answer.brief, await session.state().then((state) => state)];
    },
    expect: ["200 ok", "alive"],
  },
];

const NAMESPACES = [
  ["/admin", '40/admin,{"token":"letmein"}', '44/admin,{"code":"E1"}', "a CONNECT's payload is ignored"],
  ["auth in the query", "40/admin?token=letmein,", "40/admin,", "auth is the query of the namespace"],
  ["refused with data", "40/admin?token=x,", '44/admin,{"code":"E1"}', "the data alone tells why"],
  ["refused without data", "40/admin?token=plain,", '44/admin,"no data"', "the message alone tells why"],
  ["unknown", "40/random,", '44/random,{"message":"Invalid namespace"}', "an unknown namespace"],
  ["normalised", "40/%63hat,", '44/%63hat,{"message":"Invalid namespace"}', "a name is read as a path"],
  ["dots", "40/x/../admin?token=letmein,", "40/admin,", "dots are resolved"],
];

const section22 = [
  {
    id: "implicit root polling",
    name: "the root is joined without being asked for, in the next poll",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer);
      return session.first.text;
    },
    expect: "2:40",
  },
  {
    id: "implicit root websocket",
    name: "the root is joined without being asked for",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer);
      return [masked(one.open), one.root];
    },
    expect: [HANDSHAKE.replace('["websocket"]', "[]"), "40"],
  },
  {
    id: "refused root",
    name: "middleware refuses the implicit root; the session stays open",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer, "&refuse=nope");
      one.send("40/chat,");
      return [one.root, await one.next()];
    },
    expect: ['44"nope"', "40/chat,"],
  },
  {
    id: "CONNECT of the root",
    name: "the root cannot be joined again",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer);
      one.send("40");
      return one.rest();
    },
    expect: ["Close", "end"],
  },
  ...NAMESPACES.map(([id, packet, expect, name]) => ({
    id,
    name,
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer);
      one.send(packet);
      return one.next();
    },
    expect,
  })),
  {
    id: "auth",
    name: "the query is the auth, decoded",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer);
      one.send("40/chat?token=1&x=%20a,");
      return one.take(2);
    },
    expect: ["40/chat,", '42/chat,["welcome",{"token":"1","x":" a"}]'],
  },
  {
    id: "no path",
    name: "a namespace that is no path closes the session",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer);
      one.send("40//");
      return one.rest();
    },
    expect: ["Close", "end"],
  },
  {
    id: "ids",
    name: "the root has the engine's id, a namespace that and its name",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer);
      one.send("40/chat,");
      await one.take(2);
      await peer.logged({ at: "connection", id: one.sid, nsp: "/" });
      await peer.logged({ at: "connection", id: `/chat#${one.sid}`, nsp: "/chat" });
      return "found";
    },
    expect: "found",
  },
  {
    id: "transcript",
    name: "a session of a v2 client",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer);
      one.send("40/admin?token=letmein,");
      const seen = [one.root, await one.next()];
      one.send('42/admin,0["ack"]');
      seen.push(await one.next());
      one.send("2");
      seen.push(await one.next());
      one.send("41/admin,");
      seen.push(await peer.reason(`/admin#${one.sid}`));
      return seen;
    },
    expect: ["40", "40/admin,", "43/admin,0[]", "3", "client namespace disconnect"],
  },
  {
    id: "DISCONNECT of the root",
    name: "a DISCONNECT of the root leaves the root alone",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer);
      one.send("40/chat,");
      await one.take(2);
      one.send("41");
      const reason = await peer.reason(one.sid);
      one.send('42/chat,1["ack"]');
      return [reason, await one.next()];
    },
    expect: ["client namespace disconnect", "43/chat,1[]"],
  },
  {
    id: "binary",
    name: "events and acks with binary",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer);
      one.send(`451-7["ack",${HOLE}]`, Buffer.from([4, 255]));
      return one.take(2);
    },
    expect: [`461-7[${HOLE}]`, shown(Buffer.from([4, 255]))],
  },
  {
    id: "recovery",
    name: "where recovery is on, a client of revision 3 gets no pid, but offsets",
    options: { ...OPTIONS, connectionStateRecovery: {} },
    async run(peer) {
      const one = await wire(peer);
      one.send('42["echo",1]');
      return [one.root, (await one.next()).replace(/"[^"]{5,}"\]$/, '"<offset>"]')];
    },
    expect: ["40", '42["echo",1,"<offset>"]'],
  },
  {
    id: "side by side",
    name: "a broadcast reaches clients of both revisions",
    options: OPTIONS,
    async run(peer) {
      const old = await wire(peer);
      const current = await peer.joined();
      old.send('420["join","both"]');
      current.send('421["join","both"]');
      await Promise.all([old.next(), current.next()]);
      const args = ["news", 1];
      await peer.order({ do: "emit", nsp: "/", rooms: ["both"], except: [], args });
      return [await old.next(), await current.next()];
    },
    expect: ['42["news",1]', '42["news",1]'],
  },
  {
    id: "side by side with binary",
    name: "a broadcast with binary reaches clients of both revisions, over each transport",
    options: OPTIONS,
    async run(peer) {
      const old = await wire(peer);
      const older = await joined(peer);
      const current = await peer.joined();
      old.send('420["join","bin"]');
      await older.send('420["join","bin"]');
      current.send('421["join","bin"]');
      await Promise.all([old.next(), current.next(), older.get()]);
      const other = await peer.joined();
      other.send(`451-["to",["bin"],[],"news",${HOLE}]`, Buffer.from([1, 2]));
      const seen = [await old.take(2), await current.take(2)];
      return [...seen, hex((await older.get()).body.subarray(-6))];
    },
    expect: [
      [`451-["news",${HOLE}]`, "<04 01 02>"],
      [`451-["news",${HOLE}]`, "<01 02>"],
      "01 03 ff 04 01 02",
    ],
  },
];

export default [...rows("11", section11), ...rows("22", section22)];
