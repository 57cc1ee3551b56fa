// §7: from polling to WebSocket.
import { rows } from "../lib/table.mjs";
import { outcome, sleep, timed } from "../lib/peer.mjs";
import { hex } from "../lib/websocket.mjs";

const MISMATCH = '400 {"code":3,"message":"Bad request"}';

/** A session that polls, with a WebSocket of it that has been probed. */
async function probed(peer, options) {
  const session = await peer.joined("polling", options);
  const wire = await peer.upgrading(session);
  wire.send("2probe");
  await wire.next();
  return { session, wire };
}

/** What ends the WebSocket and leaves the session polling, free to try again. */
const failedProbe = (id, name, messages, expect) => ({
  id: `failed ${id}`,
  name,
  async run(peer) {
    const session = await peer.joined("polling");
    const wire = await peer.upgrading(session);
    wire.send(...messages);
    const seen = await wire.rest();
    const alive = await outcome(session);
    const again = await peer.upgrading(session);
    again.send("2probe", "5");
    return [seen, alive, await outcome(again)];
  },
  expect: [expect, ["alive"], ["3probe", "alive"]],
});

export default rows("7", [
  {
    id: "probe frame",
    name: "the answer to a probe",
    async run(peer) {
      const session = await peer.polling();
      const wire = await peer.upgrading(session);
      wire.raw(Buffer.from("818637fa213d058a5352559f", "hex"));
      await wire.next();
      return hex(wire.frames[0]);
    },
    expect: "81 06 33 70 72 6f 62 65",
  },
  {
    id: "noop",
    name: "100 ms after the probe the waiting GET is answered by a noop",
    async run(peer) {
      const session = await peer.joined("polling");
      const waiting = session.get();
      const wire = await peer.upgrading(session);
      await sleep(50);
      wire.send("2probe");
      const [answer, took] = await timed(waiting, 80, 400);
      return [await wire.next(), answer.brief, took];
    },
    expect: ["3probe", "200 6", "in time"],
  },
  {
    id: "noop for a later GET",
    name: "a GET that comes after the probe is answered by a noop",
    async run(peer) {
      const { session } = await probed(peer);
      await sleep(250);
      const [answer, took] = await timed(session.get(), 0, 400);
      return [answer.brief, took];
    },
    expect: ["200 6", "in time"],
  },
  {
    id: "no noop before the probe",
    name: "the 101 alone answers no GET",
    async run(peer) {
      const session = await peer.joined("polling");
      const waiting = session.get();
      await peer.upgrading(session);
      const early = await Promise.race([waiting, sleep(300).then(() => "waits")]);
      await session.send('42["echo"]');
      return [early, (await waiting).text];
    },
    expect: ["waits", '42["echo"]'],
  },
  {
    id: "data by polling",
    name: "until 5 data keeps to polling, in both directions",
    async run(peer) {
      const { session, wire } = await probed(peer);
      await session.send('42["echo",1]');
      const down = await session.next();
      return [down, await wire.during(50)];
    },
    expect: ['42["echo",1]', []],
  },
  {
    id: "switch",
    name: "on 5 the waiting GET is answered 1",
    async run(peer) {
      const session = await peer.joined("polling");
      const waiting = session.get();
      await sleep(150);
      const wire = await peer.upgrading(session);
      wire.send("2probe", "5");
      return [(await waiting).brief, await wire.next(), await outcome(wire)];
    },
    expect: ["200 1", "3probe", ["alive"]],
  },
  {
    id: "nothing is lost",
    name: "what was not collected by polling comes over the WebSocket, in order",
    async run(peer) {
      const { session, wire } = await probed(peer);
      await session.send('42["burst",3]');
      wire.send("5", '42["echo","last"]');
      return wire.take(4);
    },
    expect: ['42["n",0]', '42["n",1]', '42["n",2]', '42["echo","last"]'],
  },
  {
    id: "nothing is lost before the probe",
    name: "what waited before the upgrade began is not lost either",
    async run(peer) {
      const session = await peer.joined("polling");
      await session.send('42["burst",2]');
      const wire = await peer.upgrading(session);
      wire.send("2probe");
      const seen = [await wire.next()];
      wire.send("5");
      return [...seen, ...(await wire.take(2))];
    },
    expect: ["3probe", '42["n",0]', '42["n",1]'],
  },
  {
    id: "collected meanwhile",
    name: "a GET during the probe collects what waits",
    async run(peer) {
      const session = await peer.joined("polling");
      await session.send('42["burst",2]');
      const wire = await peer.upgrading(session);
      wire.send("2probe");
      await wire.next();
      const collected = await session.get();
      wire.send("5");
      return [collected.brief, await outcome(wire)];
    },
    expect: ['200 42["n",0]\x1e42["n",1]', ["alive"]],
  },
  {
    id: "binary is kept together",
    name: "attachments stay with their packet through the switch",
    async run(peer) {
      const { session, wire } = await probed(peer);
      const event = '451-["echo",{"_placeholder":true,"num":0}]';
      await session.send(event, Buffer.from([1, 2]));
      wire.send("5", '42["echo"]');
      return wire.take(3);
    },
    expect: ['451-["echo",{"_placeholder":true,"num":0}]', "<01 02>", '42["echo"]'],
  },
  {
    id: "without a probe",
    name: "5 without a probe is accepted",
    async run(peer) {
      const session = await peer.joined("polling");
      const wire = await peer.upgrading(session);
      wire.send("5");
      return [await outcome(wire), (await session.get()).brief];
    },
    expect: [["alive"], MISMATCH],
  },
  {
    id: "afterwards",
    name: "polling is over after the switch",
    async run(peer) {
      const { session, wire } = await probed(peer);
      wire.send("5");
      await outcome(wire);
      return [(await session.get()).brief, (await session.post("3")).brief];
    },
    expect: [MISMATCH, MISMATCH],
  },
  failedProbe("message", "a message on the probing WebSocket", ['42["echo"]'], ["Close", "end"]),
  failedProbe("bare ping", "a ping that is no probe", ["2"], ["Close", "end"]),
  failedProbe("pong", "a pong on the probing WebSocket", ["3"], ["Close", "end"]),
  failedProbe("bad packet", "a parse error", ["9"], ["Close", "end"]),
  failedProbe("empty", "an empty message", [""], ["Close", "end"]),
  failedProbe("binary", "a binary message", [Buffer.from([1])], ["Close", "end"]),
  failedProbe("after the probe", "garbage after the probe", ["2probe", "x"], ["3probe", "Close", "end"]),
  {
    id: "failed by a cut",
    name: "a WebSocket that is lost leaves the session polling",
    async run(peer) {
      const { session, wire } = await probed(peer);
      wire.abort();
      await sleep(50);
      await session.send('42["echo",1]');
      const first = await session.until('42["echo",1]');
      const again = await peer.upgrading(session);
      again.send("2probe", "5");
      return [first.filter((packet) => packet !== "6"), await outcome(again)];
    },
    expect: [['42["echo",1]'], ["3probe", "alive"]],
  },
  {
    id: "failed by a Close",
    name: "a WebSocket that is closed leaves the session polling",
    async run(peer) {
      const { session, wire } = await probed(peer);
      const seen = await wire.close();
      await session.send('42["echo",1]');
      const first = await session.until('42["echo",1]');
      return [seen, first.filter((packet) => packet !== "6"), await session.state()];
    },
    expect: [["Close", "end"], ['42["echo",1]'], "alive"],
  },
  ...[
    ["unprobed", []],
    ["probed", ["2probe"]],
  ].map(([id, messages]) => ({
    id: `timeout ${id}`,
    name: "an upgrade that is not completed in time ends the WebSocket alone",
    options: { upgradeTimeout: 300 },
    async run(peer) {
      const session = await peer.joined("polling");
      const wire = await peer.upgrading(session);
      wire.send(...messages);
      const [seen, took] = await timed(wire.rest(), 200, 900);
      await session.send('42["echo"]');
      const alive = await session.until('42["echo"]');
      return [seen, took, alive.filter((packet) => packet !== "6")];
    },
    expect: [[...(messages.length > 0 ? ["3probe"] : []), "Close", "end"], "in time", ['42["echo"]']],
  })),
  {
    id: "session closes meanwhile",
    name: "a session that closes takes the probing WebSocket along",
    async run(peer) {
      const { session, wire } = await probed(peer);
      await session.post("1");
      return [await wire.rest(), await peer.reason(session.id)];
    },
    expect: [["Close", "end"], "transport close"],
  },
  {
    id: "not allowed",
    name: "where upgrades are not offered",
    options: { allowUpgrades: false },
    async run(peer) {
      const session = await peer.joined("polling");
      const wire = await peer.upgrading(session);
      wire.send("2probe", "5");
      return outcome(wire);
    },
    expect: ["3probe", "alive"],
  },
  {
    id: "with b64",
    name: "an upgraded session of a client that cannot take binary",
    async run(peer) {
      const session = await peer.joined("polling", { query: "&b64=1" });
      const wire = peer.upgrade(`EIO=4&transport=websocket&b64=1&sid=${session.engine}`);
      await wire.response();
      wire.send("2probe", "5", '451-["echo",{"_placeholder":true,"num":0}]', Buffer.from([1]));
      return wire.take(3);
    },
    expect: ["3probe", '451-["echo",{"_placeholder":true,"num":0}]', "bAQ=="],
  },
]);
