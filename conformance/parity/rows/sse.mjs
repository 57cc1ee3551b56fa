// docs/guide/sse.md: event streams, which the official server does not have. It sees the first row alone.
import { rows } from "../lib/table.mjs";
import { json, masked, outcome, sleep } from "../lib/peer.mjs";

const GONE = '400 {"code":1,"message":"Session ID unknown"}';
const HOLE = '{"_placeholder":true,"num":0}';
const SSE = "EIO=4&transport=sse";

const offered = { transports: ["polling", "websocket", "sse"] };

const streams = (list) =>
  list.map((row) => ({ ours: true, ...row, options: { ...offered, ...row.options } }));

/** What ends a session, and the reason told. */
const ending = (id, name, act, expect) => ({
  id,
  name,
  async run(peer) {
    const session = await peer.joined("sse");
    await act(session, peer);
    return [await session.rest(), await peer.reason(session.id)];
  },
  expect,
});

export default rows("sse", [
  {
    id: "off",
    name: "unless it is offered, there is no such transport",
    async run(peer) {
      const listed = json((await peer.polling("&sse=1")).open.text).upgrades;
      return [(await peer.get(SSE)).brief, listed];
    },
    expect: ['400 {"code":0,"message":"Transport unknown"}', ["websocket"]],
  },
  ...streams([
    {
      id: "opening",
      name: "the head, the padding and the open packet",
      async run(peer) {
        const session = await peer.streaming();
        const header = (name) => session.head.headers.find(([key]) => key.toLowerCase() === name)?.[1];
        const names = ["content-type", "cache-control", "x-accel-buffering", "content-length"];
        return [names.map(header), session.stream.comments[0].length, masked(session.open)];
      },
      expect: [
        ["text/event-stream", "no-cache, no-transform", "no", null],
        2049,
        '0{"sid":"<id>","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}',
      ],
    },
    {
      id: "offered to those who ask",
      name: "the upgrades of a polling session",
      async run(peer) {
        const asked = await peer.polling("&sse=1");
        const other = await peer.polling();
        return [asked, other].map((session) => json(session.open.text).upgrades);
      },
      expect: [["websocket", "sse"], ["websocket"]],
    },
    {
      id: "events",
      name: "events and acks, with binary, both ways",
      async run(peer) {
        const session = await peer.joined("sse");
        await session.send('42["echo",1,"€\\n"]', `451-7["ack",${HOLE}]`, Buffer.from([1, 2]));
        return outcome(session);
      },
      expect: ['42["echo",1,"€\\n"]', `461-7[${HOLE}]`, "bAQI=", "alive"],
    },
    {
      id: "polling is refused",
      name: "a session has one transport",
      async run(peer) {
        const session = await peer.joined("sse");
        const polling = session.query.replace("sse", "polling");
        return [(await peer.get(polling)).brief, await outcome(session)];
      },
      expect: ['400 {"code":3,"message":"Bad request"}', ["alive"]],
    },
    {
      id: "resumed",
      name: "a stream that drops is resumed: nothing is lost, nothing comes twice",
      async run(peer) {
        const session = await peer.joined("sse");
        await session.send('42["burst",3]');
        const before = await session.take(2);
        session.drop();
        await session.send('42["burst",2]');
        await sleep(50);
        const { status } = await session.resume();
        return [before, status, await outcome(session)];
      },
      expect: [
        ['42["n",0]', '42["n",1]'],
        200,
        ['42["n",2]', '42["n",0]', '42["n",1]', "alive"],
      ],
    },
    {
      id: "the newest stream counts",
      name: "a second stream ends the first",
      async run(peer) {
        const session = await peer.joined("sse");
        const first = session.stream;
        await session.resume();
        return [await first.next(), await outcome(session)];
      },
      expect: ["end", ["alive"]],
    },
    {
      id: "a POST again",
      name: "a numbered POST is taken in once",
      async run(peer) {
        const session = await peer.joined("sse");
        session.posts += 1;
        const twice = [1, 2].map(() => session.post(session.posts, ['42["echo",1]']));
        const { length } = (await Promise.all(twice)).filter(({ status }) => status === 200);
        return [length > 0, await outcome(session)];
      },
      expect: [true, ['42["echo",1]', "alive"]],
    },
    {
      id: "413",
      name: "a POST of more than the limit",
      options: { maxHttpBufferSize: 1000 },
      async run(peer) {
        const session = await peer.joined("sse");
        const { status } = await session.post(session.posts + 1, ["4".repeat(1001)]);
        return [status, await outcome(session)];
      },
      expect: [413, ["alive"]],
    },
    {
      id: "upgrade",
      name: "from polling to a stream",
      async run(peer) {
        const session = await peer.joined("polling", { query: "&sse=1" });
        const waiting = session.get();
        const stream = await peer.streamOf(session);
        await stream.send("2probe");
        const answered = await stream.next();
        const noop = (await waiting).brief;
        await session.send('42["burst",2]');
        await stream.send("5");
        return [answered, noop, await outcome(stream), (await session.get()).brief];
      },
      expect: [
        "3probe",
        "200 6",
        ['42["n",0]', '42["n",1]', "alive"],
        '400 {"code":3,"message":"Bad request"}',
      ],
    },
    {
      id: "failed upgrade",
      name: "a stream that drops before its time leaves polling alive",
      async run(peer) {
        const session = await peer.joined("polling", { query: "&sse=1" });
        const stream = await peer.streamOf(session);
        await stream.send("2probe");
        await stream.next();
        stream.drop();
        await sleep(50);
        return outcome(session);
      },
      expect: ["alive"],
    },
    {
      id: "heartbeat",
      name: "pings come down the stream, pongs by POSTs",
      options: { pingInterval: 500, pingTimeout: 500 },
      async run(peer) {
        const session = await peer.joined("sse");
        const first = await session.next();
        await session.send("3");
        const second = await session.next();
        return [first, second, await session.rest(), await peer.reason(session.id)];
      },
      expect: ["2", "2", ["1", "end"], "ping timeout"],
    },
    ending("closed by the client", "a POST of 1", (session) => session.send("1"), [
      ["1", "end"],
      "transport close",
    ]),
    ending("bad packet", "a packet that is none", (session) => session.send("9"), [
      ["1", "end"],
      "parse error",
    ]),
    ending("bad Socket.IO packet", "a packet of Socket.IO that is none", (session) => session.send('42["a"'), [
      ["1", "end"],
      "forced close",
    ]),
    ending("violation", "a packet out of place", (session) => session.send('42/chat,["a"]'), [
      ["1", "end"],
      "forced close",
    ]),
    ending("kicked", "the server ends the session", (session) => session.send('42["kick-session"]'), [
      ["41", "1", "end"],
      "server namespace disconnect",
    ]),
    ending("POST out of turn", "a number left out", (session) => session.post(9, ['42["a"]']), [
      ["1", "end"],
      "transport error",
    ]),
    {
      id: "nobody resumes",
      name: "10 s without a stream",
      slow: true,
      async run(peer) {
        const session = await peer.joined("sse");
        session.drop();
        const reason = await peer.reason(session.id, 15_000);
        return [reason, (await peer.get(`${session.query}&lastEventId=2`)).brief];
      },
      expect: ["transport close", GONE],
    },
  ]),
]);
