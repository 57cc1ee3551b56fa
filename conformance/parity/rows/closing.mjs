// §§9 and 19: who closes, what is on the wire, and the reasons word for word.
import { rows } from "../lib/table.mjs";
import { outcome, sleep, timed } from "../lib/peer.mjs";

const GONE = '400 {"code":1,"message":"Session ID unknown"}';

/** Has the server close the whole session of this socket. */
const closes = (peer, session) =>
  peer.order({ do: "disconnect", nsp: "/", rooms: [session.id], close: true });

/** The reasons told before and after rooms are left, with the rooms at that time. */
async function farewell(peer, id, nsp = "/") {
  const after = await peer.logged({ at: "disconnect", id });
  const before = await peer.logged({ at: "disconnecting", id });
  const named = ({ reason, rooms }) => [reason, rooms.map((room) => (room === id ? "own" : room)).sort()];
  return { nsp: after.nsp === nsp, disconnecting: named(before), disconnect: named(after) };
}

const left = (reason, rooms = ["own"]) => ({
  nsp: true,
  disconnecting: [reason, rooms],
  disconnect: [reason, []],
});

export default rows("9", [
  {
    id: "server, GET pending",
    name: "the server closes a session whose GET waits",
    async run(peer) {
      const session = await peer.joined("polling");
      const waiting = session.get();
      await sleep(150);
      await closes(peer, session);
      const first = (await waiting).brief;
      return [first, (await session.get()).brief, await peer.reason(session.id)];
    },
    expect: ["200 41", "200 6\x1e1", "server namespace disconnect"],
  },
  {
    id: "server, no GET",
    name: "the server closes a session that has a packet waiting",
    async run(peer) {
      const session = await peer.joined("polling");
      await closes(peer, session);
      const seen = [(await session.get()).brief, (await session.get()).brief];
      return [...seen, await session.state()];
    },
    expect: ["200 41", "200 6\x1e1", GONE],
  },
  {
    id: "server, nothing joined",
    name: "the server closes a session that has no namespace, by its timeout, no GET pending",
    options: { connectTimeout: 200 },
    async run(peer) {
      const session = await peer.polling();
      await sleep(500);
      return [(await session.get()).brief, await session.state()];
    },
    expect: ["200 6\x1e1", GONE],
  },
  {
    id: "server, nothing joined, GET pending",
    name: "the server closes a session that has no namespace, by its timeout, a GET pending",
    options: { connectTimeout: 200 },
    async run(peer) {
      const session = await peer.polling();
      return [(await session.get()).brief, await session.state()];
    },
    expect: ["200 1", GONE],
  },
  {
    id: "server, forced",
    name: "a closing session that nobody polls is gone after 30 s",
    options: { connectTimeout: 200 },
    slow: true,
    limit: 45_000,
    async run(peer) {
      const session = await peer.polling();
      await sleep(31_500);
      return (await session.get()).brief;
    },
    expect: GONE,
  },
  {
    id: "closing ignores input",
    name: "a closing session takes no more packets",
    options: { connectTimeout: 200 },
    async run(peer) {
      const session = await peer.polling();
      await sleep(500);
      const { status } = await session.post("40");
      return [status, (await session.get()).brief];
    },
    expect: [200, "200 6\x1e1"],
  },
  {
    id: "server, WebSocket",
    name: "the server closes a WebSocket after what was sent before",
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["burst",2]', '42["kick-session"]');
      return [await wire.rest(), await farewell(peer, wire.id)];
    },
    expect: [['42["n",0]', '42["n",1]', "41", "Close", "end"], left("server namespace disconnect")],
  },
  {
    id: "server, WebSocket, several namespaces",
    name: "each namespace is told before the session closes",
    async run(peer) {
      const wire = await peer.joined();
      wire.send("40/chat,");
      await wire.take(2);
      wire.send('42["kick-session"]');
      return wire.rest();
    },
    expect: ["41", "41/chat,", "Close", "end"],
  },
  {
    id: "server ends a namespace",
    name: "the server ends one namespace; the session stays",
    async run(peer) {
      const wire = await peer.joined();
      wire.send("40/chat,");
      await wire.take(2);
      wire.send('42/chat,["kick"]');
      return [await outcome(wire), await farewell(peer, wire.id, "/").catch(() => "there")];
    },
    expect: [["41/chat,", "alive"], "there"],
  },
  {
    id: "client, polling",
    name: "a client closes by POST",
    async run(peer) {
      const session = await peer.joined("polling");
      await session.send('421["join","a"]');
      await session.next();
      await session.post("1");
      return farewell(peer, session.id);
    },
    expect: left("transport close", ["a", "own"].sort()),
  },
  {
    id: "client, WebSocket",
    name: "a client closes its WebSocket",
    async run(peer) {
      const wire = await peer.joined();
      const seen = await wire.close();
      return [seen, await farewell(peer, wire.id)];
    },
    expect: [["Close", "end"], left("transport close")],
  },
  {
    id: "client leaves",
    name: "a client leaves a namespace: nothing is answered, the session stays, it may come back",
    async run(peer) {
      const wire = await peer.joined();
      wire.send("41");
      const first = await farewell(peer, wire.id);
      const quiet = await wire.during(50);
      wire.send("40");
      const again = (await wire.next()).startsWith('40{"sid"');
      return [first, quiet, again, await outcome(wire)];
    },
    expect: [left("client namespace disconnect"), [], true, ["alive"]],
  },
  {
    id: "every namespace is told",
    name: "all sockets of a session that ends are told the reason",
    async run(peer) {
      const wire = await peer.joined();
      wire.send("40/chat,");
      const chat = JSON.parse((await wire.next()).slice("40/chat,".length)).sid;
      wire.abort();
      return [await peer.reason(wire.id), await peer.reason(chat)];
    },
    expect: ["transport close", "transport close"],
  },
  {
    id: "bad Socket.IO packet",
    name: "a bad Socket.IO packet: a forced close",
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["a"');
      return [await wire.rest(), await farewell(peer, wire.id)];
    },
    expect: [["Close", "end"], left("forced close")],
  },
  {
    id: "bad Socket.IO packet is told",
    name: "each socket of the client is told of a bad packet",
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["a"');
      await peer.reason(wire.id);
      return peer.server.log.some(({ at, id }) => at === "error" && id === wire.id);
    },
    expect: true,
  },
  {
    id: "violation",
    name: "a violation of the protocol",
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42/chat,["a"]');
      return [await wire.rest(), await farewell(peer, wire.id)];
    },
    expect: [["Close", "end"], left("forced close")],
  },
  {
    id: "violation, GET pending",
    name: "a violation while a GET waits closes at once",
    async run(peer) {
      const session = await peer.joined("polling");
      const waiting = session.get();
      await sleep(150);
      await session.send('42/chat,["a"]');
      return [(await waiting).brief, await farewell(peer, session.id)];
    },
    expect: ["200 1", left("forced close")],
  },
  {
    id: "disconnectSockets",
    name: "the server ends the namespace for a selection",
    async run(peer) {
      const wire = await peer.joined();
      await peer.order({ do: "disconnect", nsp: "/", rooms: [wire.id], close: false });
      return [await wire.next(), await wire.during(50), await farewell(peer, wire.id)];
    },
    expect: ["41", [], left("server namespace disconnect")],
  },
  {
    id: "shutdown",
    name: "the server shuts down: no DISCONNECT, every transport",
    alone: true,
    async run(peer) {
      const wire = await peer.joined();
      const session = await peer.joined("polling");
      const idle = await peer.joined("polling");
      const waiting = session.get();
      await sleep(150);
      await peer.order({ do: "close" });
      return [
        await wire.rest(),
        (await waiting).brief,
        await farewell(peer, wire.id),
        await farewell(peer, session.id),
        await farewell(peer, idle.id),
      ];
    },
    expect: [
      ["Close", "end"],
      "200 1",
      left("server shutting down"),
      left("server shutting down"),
      left("server shutting down"),
    ],
  },
  {
    id: "connectTimeout",
    name: "a session that joins nothing is closed, failed attempts notwithstanding",
    options: { connectTimeout: 300 },
    async run(peer) {
      const wire = await peer.wire();
      wire.send("40/nope,");
      const [seen, took] = await timed(wire.rest(), 200, 800);
      return [seen, took];
    },
    expect: [['44/nope,{"message":"Invalid namespace"}', "Close", "end"], "in time"],
  },
  {
    id: "connectTimeout met",
    name: "the timer is gone once a namespace was joined, and does not come back",
    options: { connectTimeout: 300 },
    async run(peer) {
      const wire = await peer.joined();
      wire.send("41");
      const quiet = await wire.during(600);
      wire.send("40");
      return [quiet, (await wire.next()).slice(0, 8)];
    },
    expect: [[], '40{"sid"'],
  },
]);
