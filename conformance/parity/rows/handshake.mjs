// §2: opening a session.
import { rows } from "../lib/table.mjs";
import { masked, outcome } from "../lib/peer.mjs";

const opening = (upgrades, more = {}) =>
  `0${JSON.stringify({
    sid: "<id>",
    upgrades,
    pingInterval: 25000,
    pingTimeout: 20000,
    maxPayload: 1000000,
    ...more,
  })}`;

const byPolling = async (peer) => masked((await peer.polling()).open.text);
const byWebSocket = async (peer) => masked((await peer.wire()).open);

export default rows("2", [
  {
    id: "polling",
    name: "the open packet, its headers, and nothing else in the body",
    async run(peer) {
      const { seen } = await peer.get("EIO=4&transport=polling");
      return { ...seen, body: masked(seen.body) };
    },
    expect: {
      status: 200,
      headers: {
        "content-type": "text/plain; charset=UTF-8",
        "content-length": "118",
        "cache-control": "no-store",
      },
      body: opening(["websocket"]),
    },
  },
  { id: "websocket", name: "the open packet", run: byWebSocket, expect: opening([]) },
  {
    id: "websocket frame",
    name: "the frame of the open packet",
    async run(peer) {
      const wire = await peer.wire();
      return wire.frames[0].subarray(0, 4).toString("hex");
    },
    expect: "816b307b",
  },
  {
    id: "options",
    name: "the open packet tells the options",
    options: { pingInterval: 12345, pingTimeout: 6789, maxHttpBufferSize: 1234 },
    run: byPolling,
    expect: opening(["websocket"], { pingInterval: 12345, pingTimeout: 6789, maxPayload: 1234 }),
  },
  {
    id: "upgrades not allowed",
    name: "no upgrade is offered",
    options: { allowUpgrades: false },
    run: byPolling,
    expect: opening([]),
  },
  {
    id: "polling alone",
    name: "only enabled transports are offered",
    options: { transports: ["polling"] },
    async run(peer) {
      const refused = await peer.upgrade("EIO=4&transport=websocket").response();
      return [await byPolling(peer), refused.brief];
    },
    expect: [opening([]), '400 {"code":0,"message":"Transport unknown"}'],
  },
  {
    id: "websocket alone",
    name: "only enabled transports are served",
    options: { transports: ["websocket"] },
    async run(peer) {
      const refused = await peer.get("EIO=4&transport=polling");
      return [await byWebSocket(peer), refused.brief];
    },
    expect: [opening([]), '400 {"code":0,"message":"Transport unknown"}'],
  },
  {
    id: "ids",
    name: "ids do not repeat",
    async run(peer) {
      const opened = await Promise.all(Array.from({ length: 40 }, () => peer.polling()));
      return new Set(opened.map(({ engine }) => engine)).size;
    },
    expect: 40,
  },
  {
    id: "own ids",
    name: "the application may make up the ids",
    options: { generateId: "own-session-id-" },
    async run(peer) {
      const { open, engine } = await peer.polling();
      const session = await peer.polling();
      await session.send("40");
      return [/^own-session-id-\d{5}$/.test(engine), open.status, masked(await session.next())];
    },
    expect: [true, 200, '40{"sid":"<id>"}'],
  },
  {
    id: "initial packet polling",
    name: "an initial packet is in the same payload",
    options: { initialPacket: "hello" },
    run: byPolling,
    expect: `${opening(["websocket"])}\x1e4hello`,
  },
  {
    id: "initial packet websocket",
    name: "an initial packet is the next frame",
    options: { initialPacket: "hello" },
    async run(peer) {
      const wire = await peer.wire();
      return [masked(wire.open), await wire.next()];
    },
    expect: [opening([]), "4hello"],
  },
  {
    id: "nothing before CONNECT",
    name: "nothing is joined implicitly",
    async run(peer) {
      const wire = await peer.wire();
      const early = await wire.during(100);
      wire.send("40");
      return [early, masked(await wire.next()), await outcome(wire)];
    },
    expect: [[], '40{"sid":"<id>"}', ["alive"]],
  },
  ...["polling", "websocket"].map((transport) => ({
    id: `secret id ${transport}`,
    name: "the id of the session is not the public one, nor one of another namespace",
    async run(peer) {
      const session = await peer.joined(transport);
      await session.send("40/chat,");
      const chat = JSON.parse((await session.next()).slice("40/chat,".length)).sid;
      return new Set([session.engine, session.id, chat]).size;
    },
    expect: 3,
  })),
]);
