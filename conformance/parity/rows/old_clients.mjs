// §22: Socket.IO for clients of Engine.IO 3.
import { rows } from "../lib/table.mjs";
import { masked } from "../lib/peer.mjs";
import { HANDSHAKE, HOLE, OPTIONS, joined, wire } from "../lib/revision3.mjs";
import { hex, shown } from "../lib/websocket.mjs";

const NAMESPACES = [
  ["/admin", '40/admin,{"token":"letmein"}', '44/admin,{"code":"E1"}', "a CONNECT's payload is ignored"],
  ["auth in the query", "40/admin?token=letmein,", "40/admin,", "auth is the query of the namespace"],
  ["refused with data", "40/admin?token=x,", '44/admin,{"code":"E1"}', "the data alone tells why"],
  ["refused without data", "40/admin?token=plain,", '44/admin,"no data"', "the message alone tells why"],
  ["unknown", "40/random,", '44/random,{"message":"Invalid namespace"}', "an unknown namespace"],
  ["normalised", "40/%63hat,", '44/%63hat,{"message":"Invalid namespace"}', "a name is read as a path"],
  ["dots", "40/x/../admin?token=letmein,", "40/admin,", "dots are resolved"],
];

export default rows("22", [
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
    id: "auth of the root",
    name: "the root has no auth: credentials are in the query of the handshake",
    options: OPTIONS,
    async run(peer) {
      const one = await wire(peer, "&token=1");
      one.send('421["handshake"]');
      const [{ auth, query }] = JSON.parse((await one.next()).slice(3));
      return { auth, query };
    },
    expect: { auth: {}, query: { EIO: "3", transport: "websocket", token: "1" } },
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
]);
