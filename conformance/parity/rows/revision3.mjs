// §§11.1 to 11.5 and 11.7: Engine.IO revision 3.
import { rows } from "../lib/table.mjs";
import { masked, sleep, timed } from "../lib/peer.mjs";
import { EVENT, HANDSHAKE, OPTIONS, POLLING, WEBSOCKET, joined, payload, wire } from "../lib/revision3.mjs";
import { hex } from "../lib/websocket.mjs";

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

export default rows("11", [
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
  posted("binary, truncated", "a binary payload whose last packet is shorter than it says", binary("00 03 ff 32"), ["200 ok", "alive"], "application/octet-stream"),
  posted("binary, unknown kind", "a packet that is neither text nor binary", binary("02 01 ff 32"), ["200 ok", "alive"], "application/octet-stream"),
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
    id: "server closes",
    name: "the server closes a session that polls",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer);
      await session.send('42["kick-session"]');
      return [(await session.get()).text, (await session.get()).text, await session.state()];
    },
    expect: ["2:41", "1:61:1", "400"],
  },
  {
    id: "two GETs",
    name: "a second GET ends the session",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer);
      const first = session.get();
      await sleep(150);
      const second = await session.get();
      return [(await first).text, second.status, await peer.reason(session.sid)];
    },
    expect: ["1:1", 400, "transport error"],
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
]);
