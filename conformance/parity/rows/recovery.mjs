// §20: connection state recovery.
import { rows } from "../lib/table.mjs";
import { json, masked, sleep } from "../lib/peer.mjs";
import msgpack from "socket.io-msgpack-parser";

const OPTIONS = { connectionStateRecovery: {} };
const HOLE = '{"_placeholder":true,"num":0}';
const OFFSET = /,?"([0-9A-Za-z_.-]{5,64})"\]$/;

/** A packet without the offset at its end, which must be there. */
const bare = (packet) =>
  OFFSET.test(packet) ? packet.replace(OFFSET, ',"<offset>"]') : `no offset: ${packet}`;
const offsetOf = (packet) => OFFSET.exec(packet)?.[1];

/** A session with its ids, that got one event; then it is lost, unless told otherwise. */
async function lost(peer, { event = true, leave = (wire) => wire.abort(), room } = {}) {
  const wire = await peer.joined();
  const { sid, pid } = json(wire.reply);
  if (room) {
    wire.send(`421["join","${room}"]`);
    await wire.next();
  }
  let offset;
  if (event) {
    wire.send('42["echo","first"]');
    offset = offsetOf(await wire.next());
  }
  await leave(wire);
  await peer.reason(sid);
  return { sid, pid, offset };
}

const emit = (peer, rooms, ...args) => peer.order({ do: "emit", nsp: "/", rooms, except: [], args });

/** Comes back with these; what comes up to the reply. */
async function back(peer, auth) {
  const wire = await peer.wire();
  wire.send(`40${JSON.stringify(auth)}`);
  wire.seen = await wire.until((what) => what.startsWith('40{"sid"') || what.startsWith("44"));
  wire.now = json(wire.seen.at(-1));
  return wire;
}

const packed = (packet) => Buffer.from(new msgpack.Encoder().encode(packet)[0]);

/** A packet in MessagePack, as the peer shows binary messages. */
function unpacked(shown) {
  const decoder = new msgpack.Decoder();
  let packet;
  decoder.on("decoded", (decoded) => (packet = decoded));
  decoder.add(Buffer.from(shown.replace(/[<> ]/g, ""), "hex"));
  return packet;
}

/** Whether these are the ids from before. */
const recovered = (before, { now }) => now.sid === before.sid && now.pid === before.pid;

const reasons = [
  ["lost", (wire) => wire.abort(), true],
  ["closed by the client", (wire) => void wire.close(), true],
  ["bad packet", (wire) => wire.send("9"), false],
  ["bad Socket.IO packet", (wire) => wire.send("42["), true],
  ["client left", (wire) => wire.send("41"), false],
  ["server left", (wire) => wire.send('42["kick"]'), false],
  ["server closed", (wire) => wire.send('42["kick-session"]'), false],
];

export default rows("20", [
  {
    id: "pid",
    name: "the reply carries a secret id",
    options: OPTIONS,
    async run(peer) {
      const wire = await peer.joined();
      const { sid, pid } = json(wire.reply);
      return [masked(wire.reply), new Set([sid, pid, wire.engine]).size];
    },
    expect: ['40{"sid":"<id>","pid":"<id>"}', 3],
  },
  {
    id: "off",
    name: "without recovery there is neither pid nor offset",
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["echo"]');
      return [masked(wire.reply), await wire.next()];
    },
    expect: ['40{"sid":"<id>"}', '42["echo"]'],
  },
  {
    id: "offset",
    name: "an event has an offset at its end, with binary too; one with an ack has none",
    options: OPTIONS,
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["echo",1]');
      const plain = bare(await wire.next());
      wire.send(`451-["echo",${HOLE}]`, Buffer.from([1]));
      const [binary, attachment] = await wire.take(2);
      wire.send('42["ask",500,"?"]');
      const question = (await wire.next()).replace(/^42\d+/, "42<id>");
      return [plain, bare(binary), attachment, question];
    },
    expect: [
      '42["echo",1,"<offset>"]',
      `451-["echo",${HOLE},"<offset>"]`,
      "<01>",
      '42<id>["question","?"]',
    ],
  },
  {
    id: "offsets grow",
    name: "offsets do not repeat",
    options: OPTIONS,
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["burst",20]');
      const offsets = (await wire.take(20)).map(offsetOf);
      return new Set(offsets).size;
    },
    expect: 20,
  },
  {
    id: "volatile",
    name: "a volatile event has no offset",
    options: OPTIONS,
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["volatile-later",10,"v"]');
      return bare(await wire.next());
    },
    expect: 'no offset: 42["v"]',
  },
  {
    id: "recovered",
    name: "missed events come first, then the reply with the same ids",
    options: OPTIONS,
    async run(peer) {
      const before = await lost(peer);
      await emit(peer, [before.sid], "missed", 2);
      await emit(peer, [before.sid], "missed", 3);
      const wire = await back(peer, { pid: before.pid, offset: before.offset });
      await peer.logged({ at: "connection", id: before.sid, recovered: true });
      return [wire.seen.slice(0, -1).map(bare), recovered(before, wire)];
    },
    expect: [['42["missed",2,"<offset>"]', '42["missed",3,"<offset>"]'], true],
  },
  {
    id: "recovered with binary",
    name: "missed events with binary",
    options: OPTIONS,
    async run(peer) {
      const before = await lost(peer);
      const other = await peer.joined();
      other.send(`451-["to",["${before.sid}"],[],"missedb",${HOLE}]`, Buffer.from([1, 2]));
      other.send('421["ack"]');
      await other.next();
      const wire = await back(peer, { pid: before.pid, offset: before.offset });
      return [bare(wire.seen[0]), wire.seen[1], recovered(before, wire)];
    },
    expect: [`451-["missedb",${HOLE},"<offset>"]`, "<01 02>", true],
  },
  {
    id: "rooms",
    name: "rooms are restored, and what was sent to them meanwhile",
    options: OPTIONS,
    async run(peer) {
      const room = "recovery-rooms";
      const before = await lost(peer, { room });
      await emit(peer, [room], "missed", 1);
      await emit(peer, ["elsewhere"], "missed", 2);
      await peer.order({ do: "emit", nsp: "/", rooms: [room], except: [before.sid], args: ["missed", 3] });
      const wire = await back(peer, { pid: before.pid, offset: before.offset });
      await emit(peer, [room], "now");
      return [wire.seen.slice(0, -1).map(bare), bare(await wire.next())];
    },
    expect: [['42["missed",1,"<offset>"]'], '42["now","<offset>"]'],
  },
  {
    id: "elsewhere",
    name: "each namespace is recovered by itself",
    options: OPTIONS,
    async run(peer) {
      const wire = await peer.wire();
      wire.send("40/chat,");
      const [reply, welcome] = await wire.take(2);
      const { sid, pid } = json(reply);
      wire.abort();
      await peer.reason(sid);
      await peer.order({ do: "emit", nsp: "/chat", rooms: [sid], except: [], args: ["missed"] });
      await emit(peer, [sid], "not here");
      const again = await peer.wire();
      again.send(`40/chat,${JSON.stringify({ pid, offset: offsetOf(welcome) })}`);
      const [missed, now] = await again.take(2);
      return [bare(missed), json(now).sid === sid];
    },
    expect: ['42/chat,["missed","<offset>"]', true],
  },
  {
    id: "sent by its socket",
    name: "what a handler sends to the socket while the client is away is missed",
    options: OPTIONS,
    async run(peer) {
      const before = await lost(peer, {
        leave(wire) {
          wire.send('42["later",200,"late",1]');
          setTimeout(() => wire.abort(), 50);
        },
      });
      await sleep(400);
      const wire = await back(peer, { pid: before.pid, offset: before.offset });
      return wire.seen.slice(0, -1).map(bare);
    },
    expect: ['42["late",1,"<offset>"]'],
  },
  {
    id: "sent by its former socket",
    name: "what a handler sends to the socket from before arrives",
    options: OPTIONS,
    async run(peer) {
      const before = await lost(peer, {
        leave(wire) {
          wire.send('42["later",600,"late",1]');
          setTimeout(() => wire.abort(), 50);
        },
      });
      const wire = await back(peer, { pid: before.pid, offset: before.offset });
      return [wire.seen.length, bare(await wire.next())];
    },
    expect: [1, '42["late",1,"<offset>"]'],
  },
  {
    id: "volatile after the others",
    name: "a client whose last event was volatile and ended with a text",
    options: OPTIONS,
    async run(peer) {
      const wire = await peer.joined();
      const { sid, pid } = json(wire.reply);
      await peer.order({ do: "volatile", nsp: "/", rooms: [sid], args: ["v", "some text"] });
      // What the client takes for its offset.
      const offset = JSON.parse((await wire.next()).slice(2)).at(-1);
      wire.abort();
      await peer.reason(sid);
      await emit(peer, [sid], "missed");
      const again = await back(peer, { pid, offset });
      return [recovered({ sid, pid }, again), again.seen.slice(0, -1).map(bare)];
    },
    expect: [false, []],
  },
  {
    id: "MessagePack",
    name: "recovery in MessagePack",
    options: { ...OPTIONS, parser: "msgpack" },
    async run(peer) {
      const wire = await peer.wire();
      wire.send(packed({ type: 0, nsp: "/" }));
      const { sid, pid } = unpacked(await wire.next()).data;
      wire.send(packed({ type: 2, nsp: "/", data: ["echo", Buffer.from([1])] }));
      const [, bytes, offset] = unpacked(await wire.next()).data;
      wire.abort();
      await peer.reason(sid);
      await emit(peer, [sid], "missed", 1);
      const again = await peer.wire();
      again.send(packed({ type: 0, nsp: "/", data: { pid, offset } }));
      const [missed, now] = (await again.take(2)).map(unpacked);
      const shape = missed.data.map((value, at) => (at === 2 ? typeof value : value));
      return [[...bytes], shape, now.data.sid === sid, now.data.pid === pid];
    },
    expect: [[1], ["missed", 1, "string"], true, true],
  },
  {
    id: "nothing missed",
    name: "nothing was missed",
    options: OPTIONS,
    async run(peer) {
      const before = await lost(peer);
      const wire = await back(peer, { pid: before.pid, offset: before.offset });
      return [wire.seen.length, recovered(before, wire)];
    },
    expect: [1, true],
  },
  {
    id: "auth",
    name: "the application's own auth comes along",
    options: OPTIONS,
    async run(peer) {
      const before = await lost(peer);
      const wire = await back(peer, { pid: before.pid, offset: before.offset, token: "x" });
      wire.send('421["handshake"]');
      const [{ auth }] = JSON.parse((await wire.next()).slice(3));
      return [recovered(before, wire), auth.token];
    },
    expect: [true, "x"],
  },
  {
    id: "no offset",
    name: "a client that got no event has no offset",
    options: OPTIONS,
    async run(peer) {
      const before = await lost(peer, { event: false });
      return recovered(before, await back(peer, { pid: before.pid }));
    },
    expect: false,
  },
  {
    id: "unknown offset",
    name: "an offset that nobody gave out",
    options: OPTIONS,
    async run(peer) {
      const before = await lost(peer);
      return recovered(before, await back(peer, { pid: before.pid, offset: "nope" }));
    },
    expect: false,
  },
  {
    id: "unknown pid",
    name: "a pid that nobody gave out",
    options: OPTIONS,
    async run(peer) {
      const before = await lost(peer);
      const wire = await back(peer, { pid: "AAECAwQFBgcICQoLAAAA", offset: before.offset });
      return [masked(wire.seen[0]), recovered(before, wire)];
    },
    expect: ['40{"sid":"<id>","pid":"<id>"}', false],
  },
  ...[
    ["numbers", { pid: 1, offset: 2 }],
    ["objects", { pid: {}, offset: [] }],
    ["pid alone a number", { pid: 7, offset: "x" }],
  ].map(([id, auth]) => ({
    id: `not texts: ${id}`,
    name: "a pid and an offset that are no texts are none",
    options: OPTIONS,
    run: async (peer) => (await back(peer, auth)).seen.map(masked),
    expect: ['40{"sid":"<id>","pid":"<id>"}'],
  })),
  {
    id: "too late",
    name: "a session is not kept for ever",
    options: { connectionStateRecovery: { maxDisconnectionDuration: 200 } },
    async run(peer) {
      const before = await lost(peer);
      await sleep(500);
      return recovered(before, await back(peer, { pid: before.pid, offset: before.offset }));
    },
    expect: false,
  },
  ...reasons.map(([id, leave, expect]) => ({
    id: `kept after: ${id}`,
    name: "after which ends a session is kept",
    options: OPTIONS,
    async run(peer) {
      const before = await lost(peer, { leave });
      return recovered(before, await back(peer, { pid: before.pid, offset: before.offset }));
    },
    expect,
  })),
  {
    id: "middleware skipped",
    name: "a recovered socket does not run middleware",
    options: { connectionStateRecovery: {} },
    async run(peer) {
      const before = await lost(peer);
      const wire = await peer.wire("&refuse=no");
      wire.send(`40${JSON.stringify({ pid: before.pid, offset: before.offset })}`);
      return (await wire.next()).slice(0, 8);
    },
    expect: '40{"sid"',
  },
  {
    id: "middleware run",
    name: "unless told to",
    options: { connectionStateRecovery: { skipMiddlewares: false } },
    async run(peer) {
      const before = await lost(peer);
      const wire = await peer.wire("&refuse=no");
      wire.send(`40${JSON.stringify({ pid: before.pid, offset: before.offset })}`);
      return wire.next();
    },
    expect: '44{"message":"no"}',
  },
  {
    id: "volatile is not kept",
    name: "volatile events are not missed",
    options: OPTIONS,
    async run(peer) {
      const before = await lost(peer);
      await peer.order({ do: "volatile", nsp: "/", rooms: [before.sid], args: ["v"] });
      const wire = await back(peer, { pid: before.pid, offset: before.offset });
      return [wire.seen.length, recovered(before, wire)];
    },
    expect: [1, true],
  },
  {
    id: "polling",
    name: "recovery over polling",
    options: OPTIONS,
    async run(peer) {
      const before = await lost(peer);
      await emit(peer, [before.sid], "missed");
      const session = await peer.polling();
      await session.send(`40${JSON.stringify({ pid: before.pid, offset: before.offset })}`);
      const [missed, reply] = await session.take(2);
      return [bare(missed), json(reply).sid === before.sid];
    },
    expect: ['42["missed","<offset>"]', true],
  },
  {
    id: "twice",
    name: "the same pid restored twice",
    options: OPTIONS,
    async run(peer) {
      const before = await lost(peer);
      const first = await back(peer, { pid: before.pid, offset: before.offset });
      first.abort();
      await sleep(100);
      const second = await back(peer, { pid: before.pid, offset: before.offset });
      return [recovered(before, first), recovered(before, second)];
    },
    expect: [true, true],
  },
]);
