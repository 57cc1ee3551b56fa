// §17: joining and leaving namespaces.
import { rows } from "../lib/table.mjs";
import { json, masked, outcome, sleep } from "../lib/peer.mjs";

const CLOSED = ["Close", "end"];

/** What comes of these packets on a session that joined nothing. */
const joining = (id, packets, expect, options = {}) => ({
  id,
  name: `what comes of ${packets.join(" and ")}`,
  options,
  async run(peer) {
    const wire = await peer.wire();
    wire.send(...packets.map((packet) => `4${packet}`));
    const seen = await wire.take(expect.length);
    wire.send("40");
    return [...seen, await wire.next()].map(masked);
  },
  expect: [...expect, '40{"sid":"<id>"}'],
});

/** A violation: after these packets and the answers to them, one that closes the session. */
const violation = (id, packet, before = [], told = []) =>
  ["websocket", "polling"].map((transport) => ({
    id: `violation ${id} ${transport}`,
    name: "a packet out of place closes the session",
    async run(peer) {
      const session = await peer.joined(transport);
      if (before.length > 0) await session.send(...before.map((one) => `4${one}`));
      const answers = told.length > 0 ? await session.take(told.length) : [];
      await sleep(50);
      await session.send(`4${packet}`);
      const end = transport === "websocket" ? await session.rest() : [await session.next()];
      return [answers.map(masked), end, await peer.reason(session.id)];
    },
    expect:
      transport === "websocket"
        ? [told, CLOSED, "forced close"]
        : [told, ["6"], "forced server close"],
  }));

export default rows("17", [
  joining("root", [], []),
  joining("unknown", ["0/unknown,"], ['44/unknown,{"message":"Invalid namespace"}']),
  joining("unknown without a comma", ["0/unknown"], ['44/unknown,{"message":"Invalid namespace"}']),
  joining("query", ["0/chat?token=1,"], ['44/chat?token=1,{"message":"Invalid namespace"}']),
  joining("case", ["0/CHAT,"], ['44/CHAT,{"message":"Invalid namespace"}']),
  joining("no normalisation", ["0/%63hat,"], ['44/%63hat,{"message":"Invalid namespace"}']),
  joining("proto", ["0/__proto__,"], ['44/__proto__,{"message":"Invalid namespace"}']),
  joining("chat", ["0/chat,"], ['40/chat,{"sid":"<id>"}', '42/chat,["welcome",{}]']),
  joining("auth", ['0/chat,{"token":"x","n":[1]}'], [
    '40/chat,{"sid":"<id>"}',
    '42/chat,["welcome",{"token":"x","n":[1]}]',
  ]),
  joining("id is ignored", ["0/chat,7"], ['40/chat,{"sid":"<id>"}', '42/chat,["welcome",{}]']),
  joining("id is ignored with auth", ['0/chat,7{"a":1}'], [
    '40/chat,{"sid":"<id>"}',
    '42/chat,["welcome",{"a":1}]',
  ]),
  joining("refused", ["0/admin,"], ['44/admin,{"message":"not authorized","data":{"code":"E1"}}']),
  joining("refused without data", ['0/admin,{"token":"plain"}'], ['44/admin,{"message":"no data"}']),
  joining("refused, then let in", ["0/admin,", '0/admin,{"token":"letmein"}'], [
    '44/admin,{"message":"not authorized","data":{"code":"E1"}}',
    '40/admin,{"sid":"<id>"}',
  ]),
  joining("chain", ["0/chain,"], ['40/chain,{"sid":"<id>"}', '42/chain,["marks",["first","second"]]']),
  joining("chain stopped first", ['0/chain,{"stop":1}'], ['44/chain,{"message":"first"}']),
  joining("chain stopped second", ['0/chain,{"stop":2}'], ['44/chain,{"message":"second"}']),
  joining("dynamic", ["0/dynamic-12,"], [
    '40/dynamic-12,{"sid":"<id>"}',
    '42/dynamic-12,["welcome","/dynamic-12"]',
  ]),
  joining("dynamic, no match", ["0/dynamic-x,"], ['44/dynamic-x,{"message":"Invalid namespace"}']),
  joining("dynamic refused by its parent's middleware", ['0/dynamic-13,{"stop":true}'], [
    '44/dynamic-13,{"message":"stopped"}',
  ]),
  {
    id: "dynamic by a function",
    name: "a function that takes its time says yes or no",
    async run(peer) {
      const wire = await peer.wire();
      wire.send('40/asked/a,{"pass":true}');
      const yes = await wire.take(2);
      wire.send('40/asked/b,{"pass":false}');
      return [...yes, await wire.next()].map(masked);
    },
    expect: [
      '40/asked/a,{"sid":"<id>"}',
      '42/asked/a,["welcome","/asked/a"]',
      '44/asked/b,{"message":"Invalid namespace"}',
    ],
  },
  {
    id: "dynamic children are apart",
    name: "a broadcast to one child reaches no other",
    async run(peer) {
      const wire = await peer.wire();
      wire.send("40/dynamic-1001,", "40/dynamic-1002,");
      await wire.take(4);
      await peer.order({ do: "emit", nsp: "/dynamic-1001", rooms: [], except: [], args: ["news"] });
      return [await wire.next(), await wire.during(50)];
    },
    expect: ['42/dynamic-1001,["news"]', []],
  },
  ...[
    [true, false],
    [false, true],
  ].map(([cleans, expect]) => ({
    id: `cleanupEmptyChildNamespaces ${cleans}`,
    name: "what becomes of a dynamic namespace that everybody left",
    options: { cleanupEmptyChildNamespaces: cleans },
    async run(peer) {
      const wire = await peer.joined();
      wire.send("40/dynamic-77,");
      await wire.take(2);
      const there = (await peer.order({ do: "namespaces" })).result.includes("/dynamic-77");
      wire.send("41/dynamic-77,");
      await outcome(wire);
      const later = (await peer.order({ do: "namespaces" })).result.includes("/dynamic-77");
      wire.send("40/dynamic-77,");
      return [there, later, masked(await wire.next())];
    },
    expect: [true, expect, '40/dynamic-77,{"sid":"<id>"}'],
  })),
  {
    id: "order on success",
    name: "the reply comes first, then what the connect handler emits; the own room is joined",
    async run(peer) {
      const wire = await peer.joined("websocket", { connect: '40{"greet":true}' });
      const hello = await wire.next();
      const { rooms } = await peer.logged({ at: "connection", id: wire.id });
      await peer.order({ do: "emit", nsp: "/", rooms: [wire.id], except: [], args: ["own"] });
      return [hello, rooms.length === 1 && rooms[0] === wire.id, await wire.next()];
    },
    expect: ['42["hello"]', true, '42["own"]'],
  },
  {
    id: "order on success, slow middleware",
    name: "a namespace whose middleware takes its time does not hold up another",
    async run(peer) {
      const wire = await peer.wire();
      wire.send('40/admin,{"token":"letmein","delay":150}', "40");
      return (await wire.take(2)).map(masked);
    },
    expect: ['40{"sid":"<id>"}', '40/admin,{"sid":"<id>"}'],
  },
  {
    id: "session closes in middleware",
    name: "if the session closed while middleware ran, nothing happens",
    async run(peer) {
      const wire = await peer.joined();
      const before = peer.server.log.filter(({ nsp }) => nsp === "/admin").length;
      wire.send('40/admin,{"token":"letmein","delay":200}');
      await sleep(50);
      wire.abort();
      await sleep(300);
      return [
        await peer.reason(wire.id),
        peer.server.log.filter(({ nsp }) => nsp === "/admin").length - before,
      ];
    },
    alone: true,
    expect: ["transport close", 0],
  },
  {
    id: "leave and come back",
    name: "a namespace may be joined again, with a new id",
    async run(peer) {
      const wire = await peer.joined();
      wire.send("41");
      await sleep(50);
      wire.send("40");
      const again = json(await wire.next()).sid;
      return [again !== wire.id, await peer.reason(wire.id), await outcome(wire)];
    },
    expect: [true, "client namespace disconnect", ["alive"]],
  },
  {
    id: "last one left",
    name: "the session stays open after the last namespace",
    async run(peer) {
      const wire = await peer.joined();
      wire.send("41");
      const quiet = await wire.during(200);
      wire.send("40/chat,");
      return [quiet, masked(await wire.next())];
    },
    expect: [[], '40/chat,{"sid":"<id>"}'],
  },
  ...violation("twice", "0"),
  ...violation("twice elsewhere", "0/chat,", ["0/chat,"], [
    '40/chat,{"sid":"<id>"}',
    '42/chat,["welcome",{}]',
  ]),
  ...violation("connect error", '4{"message":"x"}'),
  ...violation("connect error as a text", '4"x"'),
  ...violation("event elsewhere", '2/chat,["a"]'),
  ...violation("event in an unknown namespace", '2/unknown,["a"]'),
  ...violation("ack elsewhere", "3/chat,1[]"),
  ...violation("disconnect elsewhere", "1/chat,"),
  ...violation("event after a refusal", '2/admin,["a"]', ["0/admin,"], [
    '44/admin,{"message":"not authorized","data":{"code":"E1"}}',
  ]),
  ...violation("event during middleware", '2/admin,["a"]', ['0/admin,{"token":"letmein","delay":400}']),
  {
    id: "violation event after leaving",
    name: "an event for a namespace that the client left closes the session",
    async run(peer) {
      const wire = await peer.joined();
      wire.send("40/chat,");
      await wire.take(2);
      wire.send("41/chat,");
      await outcome(wire);
      wire.send('42/chat,["a"]');
      return [await wire.rest(), await peer.reason(wire.id)];
    },
    expect: [CLOSED, "forced close"],
  },
  {
    id: "violation before joining",
    name: "an event before any CONNECT closes the session",
    async run(peer) {
      const wire = await peer.wire();
      wire.send('42["a"]');
      return wire.rest();
    },
    expect: CLOSED,
  },
  {
    id: "in flight when the server ended the namespace",
    name: "packets in flight for a namespace that the server has just ended",
    async run(peer) {
      const wire = await peer.joined();
      wire.send("40/chat,");
      await wire.take(2);
      wire.send('42/chat,["kick"]');
      const ended = await wire.next();
      wire.send('42/chat,["a"]');
      return [ended, ...(await outcome(wire))];
    },
    expect: ["41/chat,", ...CLOSED],
  },
  {
    id: "CONNECT twice during middleware",
    name: "a second CONNECT while the first is still in middleware",
    async run(peer) {
      const wire = await peer.joined();
      const packet = '40/admin,{"token":"letmein","delay":150}';
      wire.send(packet, packet);
      await sleep(400);
      return (await outcome(wire)).map(masked);
    },
    expect: ['40/admin,{"sid":"<id>"}', '40/admin,{"sid":"<id>"}', "alive"],
  },
  {
    id: "handshake",
    name: "what the application knows of the handshake",
    async run(peer) {
      const headers = { Origin: "https://page.example", "X-Custom": "yes" };
      const wire = await peer.joined("websocket", { headers, query: "&a=b%20c", connect: '40{"k":1}' });
      wire.send('421["handshake"]');
      const [{ address, ...rest }] = json(await wire.next());
      return { ...rest, address: /^(::ffff:)?127\.0\.0\.1$/.test(address) };
    },
    expect: {
      auth: { k: 1 },
      query: { EIO: "4", transport: "websocket", a: "b c" },
      url: "/socket.io/?EIO=4&transport=websocket&a=b%20c",
      xdomain: true,
      secure: false,
      recent: true,
      timed: true,
      custom: "yes",
      address: true,
    },
  },
  {
    id: "polling",
    name: "joining and refusals by polling",
    async run(peer) {
      const session = await peer.polling();
      await session.send("40/nope,", "40/admin,", "40/chat,");
      const seen = await session.take(4);
      await session.send("40");
      return [...seen.sort(), await session.next()].map(masked);
    },
    expect: [
      '40/chat,{"sid":"<id>"}',
      '42/chat,["welcome",{}]',
      '44/admin,{"message":"not authorized","data":{"code":"E1"}}',
      '44/nope,{"message":"Invalid namespace"}',
      '40{"sid":"<id>"}',
    ],
  },
]);
