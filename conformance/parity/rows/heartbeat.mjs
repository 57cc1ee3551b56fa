// §8.1: the heartbeat of revision 4.
import { rows } from "../lib/table.mjs";
import { sleep, timed } from "../lib/peer.mjs";

const BEAT = { pingInterval: 300, pingTimeout: 200 };

export default rows("8", [
  {
    id: "first ping",
    name: "the first ping comes after the interval",
    options: BEAT,
    async run(peer) {
      const wire = await peer.wire();
      return timed(wire.next(), 250, 600);
    },
    expect: ["2", "in time"],
  },
  {
    id: "next ping",
    name: "the next ping is counted from the pong",
    options: { pingInterval: 300, pingTimeout: 1000 },
    async run(peer) {
      const wire = await peer.wire();
      await wire.next();
      await sleep(120);
      wire.send("3");
      return timed(wire.next(), 250, 600);
    },
    expect: ["2", "in time"],
  },
  {
    id: "no pong",
    name: "a client that does not answer is gone after the timeout",
    options: BEAT,
    async run(peer) {
      const wire = await peer.joined();
      const first = await wire.next();
      const [seen, took] = await timed(wire.rest(), 150, 500);
      return [first, seen, took, await peer.reason(wire.id)];
    },
    expect: ["2", ["Close", "end"], "in time", "ping timeout"],
  },
  {
    id: "no pong by polling",
    name: "by polling a ping is a packet like any other, and so is what follows from no answer",
    options: BEAT,
    async run(peer) {
      const session = await peer.joined("polling");
      const first = await session.next();
      const waiting = session.get();
      const reason = await peer.reason(session.id);
      return [first, reason, (await waiting).brief, (await session.post("3")).brief];
    },
    expect: ["2", "ping timeout", "200 1", '400 {"code":1,"message":"Session ID unknown"}'],
  },
  {
    id: "pong by polling",
    name: "a pong by POST is counted",
    options: BEAT,
    async run(peer) {
      const session = await peer.joined("polling");
      const seen = [];
      for (let beat = 0; beat < 3; beat += 1) {
        seen.push(await session.next());
        await session.post("3");
      }
      return seen;
    },
    expect: ["2", "2", "2"],
  },
  {
    id: "data is no pong",
    name: "other packets do not stand for a pong for ever",
    options: BEAT,
    async run(peer) {
      const wire = await peer.joined();
      const talking = setInterval(() => wire.send('42["nobody"]'), 50);
      const reason = await peer.reason(wire.id, 3000).catch(() => "alive");
      clearInterval(talking);
      return reason;
    },
    expect: "ping timeout",
  },
  {
    id: "data extends once",
    name: "the first other packet after a ping extends the deadline once",
    options: BEAT,
    async run(peer) {
      const wire = await peer.joined();
      await wire.next();
      await sleep(100);
      wire.send("42[1]");
      const [, took] = await timed(wire.until("end"), 150, 500);
      return took;
    },
    expect: "in time",
  },
  {
    id: "control pong is no pong",
    name: "a pong frame of WebSocket is no heartbeat",
    options: BEAT,
    async run(peer) {
      const wire = await peer.joined();
      await wire.next();
      wire.raw(Buffer.from("8a8037fa213d", "hex"));
      return [await wire.rest(), await peer.reason(wire.id)];
    },
    expect: [["Close", "end"], "ping timeout"],
  },
  {
    id: "through an upgrade",
    name: "a ping by polling may be answered over the WebSocket",
    options: { pingInterval: 300, pingTimeout: 600 },
    async run(peer) {
      const session = await peer.joined("polling");
      const ping = await session.next();
      const wire = await peer.upgrading(session);
      wire.send("2probe", "5", "3");
      return [ping, await wire.next(), ...(await timed(wire.next(), 200, 600))];
    },
    expect: ["2", "3probe", "2", "in time"],
  },
  {
    id: "deadline kept through an upgrade",
    name: "a switch to WebSocket while a pong is awaited",
    options: { pingInterval: 300, pingTimeout: 400 },
    async run(peer) {
      const session = await peer.joined("polling");
      await session.next();
      const wire = await peer.upgrading(session);
      wire.send("2probe", "5");
      return peer.reason(session.id, 2000).catch(() => "alive");
    },
    expect: "alive",
  },
]);
