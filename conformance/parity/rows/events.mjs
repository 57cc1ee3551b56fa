// §18: events, acknowledgements, broadcasts, volatile messages, listeners.
import { rows } from "../lib/table.mjs";
import { json, outcome, sleep } from "../lib/peer.mjs";

const HOLE = '{"_placeholder":true,"num":0}';

/** Runs on each transport. */
const onEach = (row) =>
  ["polling", "websocket"].map((transport) => ({
    ...row,
    id: `${row.id} ${transport}`,
    run: (peer) => row.run(peer, transport),
  }));

/** Three sockets: the first in rooms a and b, the second in a, the third in none. */
async function crowd(peer, rooms, transport = "websocket") {
  const [a, b] = rooms;
  const all = await Promise.all([1, 2, 3].map(() => peer.joined(transport)));
  await all[0].send(`421["join","${a}"]`, `422["join","${b}"]`);
  await all[0].take(2);
  await all[1].send(`421["join","${a}"]`);
  await all[1].take(1);
  return all;
}

/** What each of them got up to now. */
const each = (all) => Promise.all(all.map((one) => outcome(one)));

let rooms = 0;
/** Names of rooms that no other row uses. */
const fresh = () => [`a${(rooms += 1)}`, `b${rooms}`];

const selecting = (id, name, order, expect) =>
  onEach({
    id,
    name,
    async run(peer, transport) {
      const [a, b] = fresh();
      const all = await crowd(peer, [a, b], transport);
      await order(peer, all, a, b);
      await sleep(40);
      return (await each(all)).map((got) => got.slice(0, -1));
    },
    expect,
  });

const news = ['42["news",1]'];
const emit = (peer, rooms, except = [], how = "emit") =>
  peer.order({ do: how, nsp: "/", rooms, except, args: ["news", 1] });

export default rows("18", [
  ...onEach({
    id: "ack once",
    name: "an ack function called twice sends one",
    async run(peer, transport) {
      const session = await peer.joined(transport);
      await session.send('427["ack-twice"]');
      return outcome(session);
    },
    expect: ["437[1]", "alive"],
  }),
  ...onEach({
    id: "ack late",
    name: "an ack may come late, after other packets",
    async run(peer, transport) {
      const session = await peer.joined(transport);
      await session.send('421["ack-late",80]', '42["echo"]');
      return session.take(2);
    },
    expect: ['42["echo"]', '431["late"]'],
  }),
  ...onEach({
    id: "ack with binary",
    name: "an ack with binary",
    async run(peer, transport) {
      const session = await peer.joined(transport);
      await session.send(`451-0["ack",${HOLE}]`, Buffer.from([1]));
      return session.take(2).then(([first]) => first);
    },
    expect: `461-0[${HOLE}]`,
  }),
  {
    id: "ask",
    name: "the server asks: an id of its own, and takes the answer",
    alone: true,
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["ask",1000,"how",1]');
      const question = await wire.next();
      wire.send('430["fine",{"a":1}]');
      return [question, await wire.next()];
    },
    expect: ['420["question","how",1]', '42["answered","fine",{"a":1}]'],
  },
  {
    id: "ask counts",
    name: "ids count up for a namespace, over all of its sockets",
    alone: true,
    async run(peer) {
      const [one, two] = [await peer.joined(), await peer.joined()];
      const ids = [];
      for (const wire of [one, two, one]) {
        wire.send('42["ask",1000]');
        ids.push(await wire.next());
      }
      one.send("40/chat,");
      await one.take(2);
      one.send('42/chat,["ask",1000]');
      return [...ids, await one.next()];
    },
    expect: ['420["question"]', '421["question"]', '422["question"]', '42/chat,0["question"]'],
  },
  {
    id: "ask in vain",
    name: "an answer that does not come; one that comes late is ignored",
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["ask",100,"?"]');
      const id = /^42(\d+)/.exec(await wire.next())[1];
      const answered = await wire.next();
      wire.send(`43${id}["late"]`);
      return [answered, await outcome(wire)];
    },
    expect: ['42["answered","timed out"]', ["alive"]],
  },
  {
    id: "ask answered twice",
    name: "a second answer is ignored",
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["ask",1000,"?"]');
      const id = /^42(\d+)/.exec(await wire.next())[1];
      wire.send(`43${id}[1]`, `43${id}[2]`);
      return [await wire.next(), ...(await outcome(wire))];
    },
    expect: ['42["answered",1]', "alive"],
  },
  {
    id: "ask answered by another",
    name: "an answer from another socket is none",
    async run(peer) {
      const [one, two] = [await peer.joined(), await peer.joined()];
      one.send('42["ask",300,"?"]');
      const id = /^42(\d+)/.exec(await one.next())[1];
      two.send(`43${id}["stolen"]`);
      return [await outcome(two), await one.next()];
    },
    expect: [["alive"], '42["answered","timed out"]'],
  },
  {
    id: "ask answered without arguments",
    name: "an answer without arguments",
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["ask",1000,"?"]');
      const id = /^42(\d+)/.exec(await wire.next())[1];
      wire.send(`43${id}`);
      return wire.next();
    },
    expect: '42["answered"]',
  },
  {
    id: "ask answered with binary",
    name: "an answer with binary",
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["ask",1000,"?"]');
      const id = /^42(\d+)/.exec(await wire.next())[1];
      wire.send(`461-${id}[${HOLE}]`, Buffer.from([9]));
      return wire.take(2);
    },
    expect: [`451-["answered",${HOLE}]`, "<09>"],
  },
  {
    id: "reserved",
    name: "a reserved name cannot be emitted",
    async run(peer) {
      const wire = await peer.joined();
      const seen = [];
      for (const name of ["connect", "disconnect", "newListener", "connection"]) {
        wire.send(`421["reserved","${name}"]`);
        seen.push(await wire.next());
      }
      return seen;
    },
    expect: ['431["refused"]', '431["refused"]', '431["refused"]', '42["connection"]'],
  },
  ...selecting("everybody", "all of the namespace", (peer) => emit(peer, []), [news, news, news]).map(
    (row) => ({ ...row, alone: true }),
  ),
  ...selecting("room", "a room", (peer, all, a) => emit(peer, [a]), [news, news, []]),
  ...selecting("union", "several rooms, without doubles", (peer, all, a, b) => emit(peer, [a, b]), [
    news,
    news,
    [],
  ]),
  ...selecting("except", "a room but another", (peer, all, a, b) => emit(peer, [a], [b]), [[], news, []]),
  ...selecting("except one", "a room but a socket", (peer, all, a) => emit(peer, [a], [all[1].id]), [
    news,
    [],
    [],
  ]),
  ...selecting("own room", "a socket's own room", (peer, all) => emit(peer, [all[2].id]), [[], [], news]),
  ...selecting("several own rooms", "several sockets", (peer, all) => emit(peer, [all[0].id, all[2].id]), [
    news,
    [],
    news,
  ]),
  ...selecting("no such room", "a room that is not there", (peer) => emit(peer, ["nowhere"]), [[], [], []]),
  ...selecting("local", "local", (peer, all, a) => emit(peer, [a], [], "local"), [news, news, []]),
  ...selecting(
    "by a socket",
    "a socket's broadcast leaves the socket itself out",
    (peer, all, a) => all[0].send(`42["others",["${a}"],"news",1]`),
    [[], news, []],
  ),
  ...selecting(
    "by a socket to a room it is not in",
    "a socket's broadcast to a room",
    (peer, all, a) => all[2].send(`42["others",["${a}"],"news",1]`),
    [news, news, []],
  ),
  ...selecting(
    "join from outside",
    "sockets are joined to a room from outside",
    async (peer, all, a) => {
      await peer.order({ do: "join", nsp: "/", rooms: [a], names: [`${a}-new`] });
      await emit(peer, [`${a}-new`]);
    },
    [news, news, []],
  ),
  ...selecting(
    "leave from outside",
    "sockets leave a room from outside",
    async (peer, all, a, b) => {
      await peer.order({ do: "leave", nsp: "/", rooms: [b], names: [a] });
      await emit(peer, [a]);
    },
    [[], news, []],
  ),
  {
    id: "fetch",
    name: "the sockets of a selection, with their rooms",
    async run(peer) {
      const [a, b] = fresh();
      const all = await crowd(peer, [a, b]);
      const { result } = await peer.order({ do: "fetch", nsp: "/", rooms: [a] });
      const name = (id) => all.findIndex((one) => one.id === id);
      return result.map(([id, own]) => [name(id), own.map((room) => room[0])]).sort();
    },
    expect: [
      [0, ["a", "b"]],
      [1, ["a"]],
    ],
  },
  {
    id: "leave",
    name: "a room that was left",
    async run(peer) {
      const [a] = fresh();
      const wire = await peer.joined();
      wire.send(`421["join","${a}"]`, '422["rooms"]', `423["leave","${a}"]`, '424["rooms"]');
      const seen = await wire.take(4);
      await emit(peer, [a]);
      return [seen.map((text) => text.replace(a, "a")), await outcome(wire)];
    },
    expect: [["431[]", '432[["a"]]', "433[]", "434[[]]"], ["alive"]],
  },
  {
    id: "binary broadcast",
    name: "a broadcast with binary over both transports",
    async run(peer) {
      const [a] = fresh();
      const wire = await peer.joined();
      const session = await peer.joined("polling");
      for (const one of [wire, session]) {
        await one.send(`421["join","${a}"]`);
        await one.next();
      }
      const other = await peer.joined();
      other.send(`451-["to",["${a}"],[],"news",${HOLE}]`, Buffer.from([1, 2, 3]));
      return [await wire.take(2), await session.take(2)];
    },
    expect: [
      [`451-["news",${HOLE}]`, "<01 02 03>"],
      [`451-["news",${HOLE}]`, "bAQID"],
    ],
  },
  {
    id: "broadcast with acks",
    name: "one id for all; complete when everybody answered",
    async run(peer) {
      const [a, b] = fresh();
      const all = await crowd(peer, [a, b]);
      all[2].send(`42["ask-all",2000,["${a}"],"?"]`);
      const questions = await Promise.all([all[0].next(), all[1].next()]);
      const ids = questions.map((text) => /^42(\d+)/.exec(text)[1]);
      all[0].send(`43${ids[0]}["one"]`);
      await outcome(all[0]);
      all[1].send(`43${ids[1]}["two"]`);
      return [ids[0] === ids[1], await all[2].next()];
    },
    expect: [true, '42["answers","all",["one","two"]]'],
  },
  {
    id: "broadcast with acks, one missing",
    name: "at the timeout it fails with the answers so far",
    async run(peer) {
      const [a, b] = fresh();
      const all = await crowd(peer, [a, b]);
      all[2].send(`42["ask-all",200,["${a}"],"?"]`);
      const id = /^42(\d+)/.exec(await all[0].next())[1];
      all[0].send(`43${id}["one"]`);
      return all[2].next();
    },
    expect: '42["answers","timed out",["one"]]',
  },
  {
    id: "broadcast with acks to nobody",
    name: "nobody is asked",
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["ask-all",200,["nowhere"],"?"]');
      return wire.next();
    },
    expect: '42["answers","all",[]]',
  },
  {
    id: "volatile websocket",
    name: "volatile packets over WebSocket, in one turn",
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["volatile"]');
      return outcome(wire);
    },
    expect: ['42["v",1]', '42["n"]', "alive"],
  },
  {
    id: "volatile polling, no GET",
    name: "over polling a volatile packet is dropped while no GET is pending",
    async run(peer) {
      const session = await peer.joined("polling");
      await session.send('42["volatile"]');
      return outcome(session);
    },
    expect: ['42["n"]', "alive"],
  },
  {
    id: "volatile polling, GET",
    name: "over polling a volatile packet answers the pending GET",
    async run(peer) {
      const session = await peer.joined("polling");
      const waiting = session.get();
      await sleep(50);
      await session.send('42["volatile-later",50,"v"]');
      return (await waiting).text;
    },
    expect: '42["v"]',
  },
  {
    id: "volatile broadcast",
    name: "a volatile broadcast reaches those who can take it",
    async run(peer) {
      const [a] = fresh();
      const wire = await peer.joined();
      const session = await peer.joined("polling");
      for (const one of [wire, session]) {
        await one.send(`421["join","${a}"]`);
        await one.next();
      }
      await peer.order({ do: "volatile", nsp: "/", rooms: [a], args: ["v"] });
      return [await outcome(wire), await outcome(session)];
    },
    expect: [['42["v"]', "alive"], ["alive"]],
  },
  {
    id: "order of listeners",
    name: "catch-all listeners, middleware, listeners in order of registration",
    async run(peer) {
      const wire = await peer.wire();
      wire.send("40/order,");
      await wire.next();
      for (const name of ["one", "one", "x"]) {
        wire.send(`42/order,["${name}"]`);
        await sleep(30);
      }
      wire.send('42/order,2["report"]');
      return json((await wire.next()).slice(10))[0];
    },
    expect: [
      ...["any one", "middleware one", "first one", "second one", "once one"],
      ...["any one", "middleware one", "first one", "second one"],
      ...["any x", "middleware x", "any report", "middleware report"],
    ],
  },
  {
    id: "middleware of a socket",
    name: "an event that middleware of the socket stops: an error is told, nobody listens",
    async run(peer) {
      const wire = await peer.wire();
      wire.send("40/order,");
      const { sid } = json((await wire.next()).slice(9));
      wire.send('42/order,["blocked"]');
      const told = await wire.during(100);
      wire.send('42/order,2["report"]');
      const report = json((await wire.next()).slice(10))[0];
      return [told, report, peer.server.log.some(({ at, id }) => at === "error" && id === sid)];
    },
    expect: [[], ["any blocked", "middleware blocked", "any report", "middleware report"], true],
  },
  {
    id: "outgoing listeners",
    name: "a catch-all listener for what goes out",
    async run(peer) {
      const wire = await peer.wire();
      wire.send("40/order,");
      await wire.next();
      wire.send('42/order,["out"]');
      const out = await wire.next();
      wire.send('42/order,2["report"]');
      const report = await wire.next();
      return [out, json(report.slice(10))[0]];
    },
    expect: ['42/order,["out"]', ["any out", "middleware out", "outgoing out", "any report", "middleware report"]],
  },
  ...onEach({
    id: "order",
    name: "order of emission is order of arrival",
    async run(peer, transport) {
      const session = await peer.joined(transport);
      await session.send('42["burst",200]');
      const seen = await session.take(200);
      return seen.every((text, at) => text === `42["n",${at}]`);
    },
    expect: true,
  }),
]);
