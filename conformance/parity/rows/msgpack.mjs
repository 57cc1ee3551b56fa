// §21: the MessagePack parser.
import { rows } from "../lib/table.mjs";
import { hex } from "../lib/websocket.mjs";
import msgpack from "socket.io-msgpack-parser";

const OPTIONS = { parser: "msgpack" };
const CONNECT = "83 a4 74 79 70 65 00 a4 64 61 74 61 d4 00 00 a3 6e 73 70 a1 2f";
const bytes = (text) => Buffer.from(text.replaceAll(" ", ""), "hex");
const { Encoder, Decoder } = msgpack;

const packed = (packet) => Buffer.from(new Encoder().encode(packet)[0]);

/** A packet of the server, whatever the order of its keys. */
function read(shown) {
  if (!shown.startsWith("<")) return shown;
  const decoder = new Decoder();
  let packet;
  decoder.on("decoded", (decoded) => (packet = decoded));
  decoder.add(bytes(shown.slice(1, -1)));
  const { type, nsp, data, id } = packet;
  if (data?.sid?.length === 20) data.sid = "<id>";
  return { type, nsp, ...(data === undefined ? {} : { data }), ...(id === undefined ? {} : { id }) };
}

/** A WebSocket session with the root joined by the bytes of the JavaScript client. */
async function joined(peer) {
  const wire = await peer.wire();
  wire.send(bytes(CONNECT));
  wire.reply = await wire.next();
  return wire;
}

const ACK = { type: 2, nsp: "/", data: ["ack"], id: 99 };

/** What comes of these bytes, up to the answer of a last event or the end. */
const fate = (id, message, expect) => ({
  id,
  name: "a packet and what comes of it",
  options: OPTIONS,
  async run(peer) {
    const wire = await joined(peer);
    wire.send(message, packed(ACK));
    const all = await wire.until((what) => what.startsWith("<") && read(what).id === 99);
    return all.map((what) => {
      const packet = read(what);
      return packet.id === 99 ? "alive" : packet;
    });
  },
  expect,
});

const CLOSED = ["Close", "end"];
const seen = (...data) => [{ type: 2, nsp: "/", data: ["seen", ...data] }, "alive"];
const map = (entries) => {
  const parts = [Buffer.from([0x80 + entries.length])];
  for (const [key, value] of entries) {
    parts.push(Buffer.from([0xa0 + key.length]), Buffer.from(key), bytes(value));
  }
  return Buffer.concat(parts);
};

export default rows("21", [
  {
    id: "CONNECT",
    name: "the CONNECT of the JavaScript client and its reply",
    options: OPTIONS,
    run: async (peer) => read((await joined(peer)).reply),
    expect: { type: 0, nsp: "/", data: { sid: "<id>" } },
  },
  {
    id: "EVENT",
    name: "an event with binary, from the bytes of the text",
    options: OPTIONS,
    async run(peer) {
      const wire = await joined(peer);
      wire.send(bytes("83 a4 74 79 70 65 02 a4 64 61 74 61 93 a5 68 65 6c 6c 6f 01 c4 02 01 02 a3 6e 73 70 a1 2f"));
      const { type, data } = read(await wire.next());
      return [type, ...data.slice(0, 3), hex(Buffer.from(data[3]))];
    },
    expect: [2, "seen", "hello", 1, "01 02"],
  },
  {
    id: "ACK",
    name: "an ack of the server",
    options: OPTIONS,
    async run(peer) {
      const wire = await joined(peer);
      wire.send(packed({ type: 2, nsp: "/", data: ["ack", "ok"], id: 0 }));
      return read(await wire.next());
    },
    expect: { type: 3, nsp: "/", data: ["ok"], id: 0 },
  },
  {
    id: "ACK from the client",
    name: "an ack of the client",
    options: OPTIONS,
    async run(peer) {
      const wire = await joined(peer);
      wire.send(packed({ type: 2, nsp: "/", data: ["ask", 1000, "?"] }));
      const { id } = read(await wire.next());
      wire.send(packed({ type: 3, nsp: "/", data: ["fine"], id }));
      return read(await wire.next());
    },
    expect: { type: 2, nsp: "/", data: ["answered", "fine"] },
  },
  {
    id: "DISCONNECT",
    name: "the bytes of a DISCONNECT from the client",
    options: OPTIONS,
    async run(peer) {
      const wire = await joined(peer);
      wire.send(bytes("82 a4 74 79 70 65 01 a3 6e 73 70 a1 2f"));
      return (await peer.logged({ at: "disconnect" })).reason;
    },
    alone: true,
    expect: "client namespace disconnect",
  },
  {
    id: "DISCONNECT from the server",
    name: "a DISCONNECT of the server",
    options: OPTIONS,
    async run(peer) {
      const wire = await joined(peer);
      wire.send(packed({ type: 2, nsp: "/", data: ["kick"] }));
      return read(await wire.next());
    },
    expect: { type: 1, nsp: "/" },
  },
  {
    id: "refusal",
    name: "a refusal with data",
    options: OPTIONS,
    async run(peer) {
      const wire = await joined(peer);
      wire.send(packed({ type: 0, nsp: "/admin", data: { token: "x" } }));
      return read(await wire.next());
    },
    expect: { type: 4, nsp: "/admin", data: { message: "not authorized", data: { code: "E1" } } },
  },
  {
    id: "auth",
    name: "the auth of a CONNECT",
    options: OPTIONS,
    async run(peer) {
      const wire = await joined(peer);
      wire.send(packed({ type: 0, nsp: "/chat", data: { token: "x", n: [1] } }));
      return (await wire.take(2)).map(read);
    },
    expect: [
      { type: 0, nsp: "/chat", data: { sid: "<id>" } },
      { type: 2, nsp: "/chat", data: ["welcome", { token: "x", n: [1] }] },
    ],
  },
  {
    id: "polling",
    name: "packets are binary messages by polling",
    options: OPTIONS,
    async run(peer) {
      const session = await peer.polling();
      await session.send(bytes(CONNECT));
      const reply = await session.next();
      const packet = read(`<${hex(Buffer.from(reply.slice(1), "base64"))}>`);
      return [reply[0], packet];
    },
    expect: ["b", { type: 0, nsp: "/", data: { sid: "<id>" } }],
  },
  {
    id: "broadcast",
    name: "a broadcast",
    options: OPTIONS,
    async run(peer) {
      const wire = await joined(peer);
      wire.send(packed({ type: 2, nsp: "/", data: ["join", "m"], id: 1 }));
      await wire.next();
      const args = ["news", { a: [1, 2.5, null, true, "€"] }];
      await peer.order({ do: "emit", nsp: "/", rooms: ["m"], except: [], args });
      return read(await wire.next());
    },
    expect: { type: 2, nsp: "/", data: ["news", { a: [1, 2.5, null, true, "€"] }] },
  },
  fate("unknown keys", packed({ type: 2, nsp: "/", data: ["a"], options: { compress: true } }), seen("a")),
  fate("id first", map([["id", "05"], ["type", "02"], ["nsp", "a1 2f"], ["data", "91 a1 61"]]), [
    { type: 3, nsp: "/", data: ["acked", "a"], id: 5 },
    "alive",
  ]),
  fate("undefined argument", packed({ type: 2, nsp: "/", data: ["a", undefined, 1] }), [
    { type: 2, nsp: "/", data: ["seen", "a", null, 1] },
    "alive",
  ]),
  ...[
    ["ext 8", "c7 02 00 01 02"],
    ["ext 16", "c8 00 02 00 01 02"],
    ["ext 32", "c9 00 00 00 02 00 01 02"],
    ["bin 16", "c5 00 02 01 02"],
  ].map(([id, binary]) => ({
    id: `binary as ${id}`,
    name: "the forms that bytes of JavaScript have",
    options: OPTIONS,
    async run(peer) {
      const wire = await joined(peer);
      wire.send(map([["type", "02"], ["data", `92 a1 61 ${binary}`], ["nsp", "a1 2f"]]));
      const { data } = read(await wire.next());
      return [...data.slice(0, 2), hex(Buffer.from(data[2]))];
    },
    expect: ["seen", "a", "01 02"],
  })),
  fate("number as a name", packed({ type: 2, nsp: "/", data: [1] }), seen(1)),
  fate("type 5", packed({ type: 5, nsp: "/", data: ["a"] }), CLOSED),
  fate("type -1", map([["type", "ff"], ["data", "91 a1 61"], ["nsp", "a1 2f"]]), CLOSED),
  fate("type a text", map([["type", "a1 32"], ["data", "91 a1 61"], ["nsp", "a1 2f"]]), CLOSED),
  fate("no nsp", map([["type", "02"], ["data", "91 a1 61"]]), CLOSED),
  fate("nsp a number", map([["type", "02"], ["data", "91 a1 61"], ["nsp", "01"]]), CLOSED),
  fate("event without data", map([["type", "02"], ["nsp", "a1 2f"]]), CLOSED),
  fate("event of an object", map([["type", "02"], ["data", "80"], ["nsp", "a1 2f"]]), CLOSED),
  fate("ack of a text", map([["type", "03"], ["id", "01"], ["data", "a1 61"], ["nsp", "a1 2f"]]), CLOSED),
  fate("id a text", map([["type", "02"], ["id", "a1 31"], ["data", "91 a1 61"], ["nsp", "a1 2f"]]), CLOSED),
  fate("id a fraction", map([["type", "02"], ["id", "cb 3f f8 00 00 00 00 00 00"], ["data", "91 a1 61"], ["nsp", "a1 2f"]]), CLOSED),
  fate("disconnect with data", map([["type", "01"], ["data", "91 a1 61"], ["nsp", "a1 2f"]]), CLOSED),
  fate("trailing bytes", Buffer.concat([packed({ type: 2, nsp: "/", data: ["a"] }), bytes("00")]), CLOSED),
  fate("truncated", packed({ type: 2, nsp: "/", data: ["abcdef"] }).subarray(0, -4), CLOSED),
  fate("not a map", bytes("01"), CLOSED),
  fate("text message", '42["a"]', CLOSED),
  fate("empty", Buffer.alloc(0), CLOSED),
  fate("data nil", map([["type", "02"], ["data", "c0"], ["nsp", "a1 2f"]]), CLOSED),
  fate("array bomb", map([["type", "02"], ["data", "dd ff ff ff ff"], ["nsp", "a1 2f"]]), CLOSED),
  {
    id: "date",
    name: "a date of the JavaScript client",
    options: OPTIONS,
    async run(peer) {
      const wire = await joined(peer);
      wire.send(packed({ type: 2, nsp: "/", data: ["a", new Date(1000)] }));
      return read(await wire.next()).data.length;
    },
    expect: 3,
  },
  {
    id: "reserved name",
    name: "a reserved name: a local event with the official server",
    options: OPTIONS,
    async run(peer) {
      const wire = await joined(peer);
      wire.send(packed({ type: 2, nsp: "/", data: ["connect"] }), packed(ACK));
      return [read(await wire.next())];
    },
    expect: [{ type: 2, nsp: "/", data: ["seen", "connect"] }],
  },
]);
