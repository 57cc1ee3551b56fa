// §§13, 22, 23: the official clients of three ages, on each transport they know: what their users see.
import { createRequire } from "node:module";
import { NodeXHR, io as modular } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";
import { SSE } from "../../../crates/spola-server/client/spola-sse.js";
import { within } from "../../lib/waiting.mjs";
import { rows } from "../lib/table.mjs";
import { sleep } from "../lib/peer.mjs";

const require = createRequire(import.meta.url);
const CLIENTS = {
  4.8: { io: require("socket.io-client").io, options: {} },
  "4.0": { io: require("socket.io-client-4.0").io, options: {} },
  2.5: { io: require("socket.io-client-2.5"), options: { allowEIO3: true } },
};
const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };

/** A client that ends with the row. */
function client(peer, io, namespace, options) {
  const url = `http://127.0.0.1:${peer.server.port}${namespace}`;
  const socket = io(url, { forceNew: true, reconnection: false, ...options });
  peer.keep({ close: () => socket.close() });
  return socket;
}

const next = (socket, event) =>
  within(5000, event, new Promise((settle) => socket.once(event, (...args) => settle(args))));

/** What an ack brings. */
const ask = (socket, ...args) =>
  within(5000, "an ack", new Promise((settle) => socket.emit(...args, (...answer) => settle(answer))));

const bytes = (value) => [...new Uint8Array(value.buffer ?? value, value.byteOffset ?? 0, value.byteLength)];

/** Connected, and on the last transport of its list. */
async function connected(peer, io, namespace, options) {
  const socket = client(peer, io, namespace, options);
  await next(socket, "connect");
  const { engine } = socket.io;
  if (options.transports.length > 1 && engine.transport.name === "polling") {
    await next(engine, "upgrade");
  }
  return socket;
}

const TALKS = [
  {
    id: "echo",
    name: "values come back as they were",
    async talk({ connect }) {
      const socket = await connect("/");
      const answer = next(socket, "echo");
      socket.emit("echo", 1, "€😀", [true, null], { a: { b: [] } });
      return answer;
    },
    expect: [1, "€😀", [true, null], { a: { b: [] } }],
  },
  {
    id: "ack",
    name: "an ack with several values",
    async talk({ connect }) {
      return ask(await connect("/"), "ack", 1, "two");
    },
    expect: [1, "two"],
  },
  {
    id: "question",
    name: "the client answers a question of the server",
    async talk({ connect }) {
      const socket = await connect("/");
      socket.on("question", (value, answer) => answer(value + 1));
      const answered = next(socket, "answered");
      socket.emit("ask", 2000, 41);
      return answered;
    },
    expect: [42],
  },
  {
    id: "binary",
    name: "binary in an event and in an ack",
    async talk({ connect }) {
      const socket = await connect("/");
      const echoed = next(socket, "echo");
      socket.emit("echo", { data: Buffer.from([1, 2, 3]) });
      const [{ data }] = await echoed;
      const [first, second] = await ask(socket, "ack", Buffer.alloc(0), Buffer.from([255]));
      return [bytes(data), bytes(first), bytes(second)];
    },
    expect: [[1, 2, 3], [], [255]],
  },
  {
    id: "order",
    name: "events arrive in the order in which they were sent",
    async talk({ connect }) {
      const socket = await connect("/");
      const seen = [];
      socket.on("n", (number) => seen.push(number));
      socket.emit("burst", 300);
      await ask(socket, "ack");
      return seen.length === 300 && seen.every((number, at) => number === at);
    },
    expect: true,
  },
  {
    id: "through the upgrade",
    name: "nothing is lost, doubled or out of order from the first packet on",
    async talk({ open }) {
      const socket = open("/");
      const seen = [];
      socket.on("echo", (number) => seen.push(number));
      await next(socket, "connect");
      for (let number = 0; number < 60; number += 1) {
        socket.emit("echo", number);
        await sleep(4);
      }
      await ask(socket, "ack");
      return seen.length === 60 && seen.every((number, at) => number === at);
    },
    expect: true,
  },
  {
    id: "kicked",
    name: "the server ends the namespace",
    async talk({ connect }) {
      const socket = await connect("/");
      const reason = next(socket, "disconnect");
      socket.emit("kick");
      return (await reason)[0];
    },
    expect: "io server disconnect",
  },
  {
    id: "leaves",
    name: "the client leaves; the server is told",
    async talk({ connect, peer }) {
      const socket = await connect("/");
      const { id } = socket;
      socket.disconnect();
      return peer.reason(id);
    },
    expect: "client namespace disconnect",
  },
  {
    id: "rooms",
    name: "two clients and a room",
    async talk({ connect, name }) {
      const [one, two] = [await connect("/"), await connect("/")];
      await ask(one, "join", name);
      const news = next(one, "news");
      two.emit("to", [name], [], "news", 7);
      return news;
    },
    expect: [7],
  },
  {
    id: "binary broadcast",
    name: "a broadcast with binary",
    async talk({ connect, name }) {
      const [one, two] = [await connect("/"), await connect("/")];
      await ask(one, "join", name);
      const news = next(one, "news");
      two.emit("to", [name], [], "news", Buffer.from([9, 8]));
      return bytes((await news)[0]);
    },
    expect: [9, 8],
  },
  {
    id: "large",
    name: "a large event in both directions",
    async talk({ connect }) {
      const [text] = await ask(await connect("/"), "ack", "é".repeat(100_000));
      return text === "é".repeat(100_000);
    },
    expect: true,
  },
];

/** Our transport within the official client, which the official server does not have. */
const streaming = [
  ["sse", { transports: [SSE] }],
  ["upgrade to sse", { transports: [NodeXHR, SSE], query: { sse: 1 } }],
].flatMap(([transport, options]) =>
  TALKS.map(({ id, name, talk, expect }) => ({
    id: `4.8 ${transport} ${id}`,
    name,
    ours: true,
    options: { transports: ["polling", "websocket", "sse"] },
    run: (peer) =>
      talk({
        peer,
        name: `4.8 ${transport} ${id}`,
        open: (namespace) => client(peer, modular, namespace, options),
        connect: (namespace) => connected(peer, modular, namespace, options),
      }),
    expect,
  })),
);

const general = Object.entries(CLIENTS).flatMap(([version, { io, options }]) =>
  Object.entries(TRANSPORTS).flatMap(([transport, transports]) =>
    TALKS.map(({ id, name, talk, expect }) => ({
      id: `${version} ${transport} ${id}`,
      name,
      options,
      run: (peer) =>
        talk({
          peer,
          name: `${version} ${transport} ${id}`,
          open: (namespace) => client(peer, io, namespace, { transports }),
          connect: (namespace) => connected(peer, io, namespace, { transports }),
        }),
      expect,
    })),
  ),
);

/** Joining with auth, and refusals, as the users of each client see them. */
const admission = Object.entries(CLIENTS).flatMap(([version, { io, options }]) => [
  {
    id: `${version} auth`,
    name: "auth lets the client in",
    options,
    async run(peer) {
      const auth = version === "2.5" ? { query: { token: "letmein" } } : { auth: { token: "letmein" } };
      const socket = client(peer, io, "/admin", { transports: ["websocket"], ...auth });
      await next(socket, "connect");
      return "connected";
    },
    expect: "connected",
  },
  {
    id: `${version} refused`,
    name: "a refusal with data",
    options,
    async run(peer) {
      const socket = client(peer, io, "/admin", { transports: ["websocket"] });
      if (version === "2.5") return (await next(socket, "error"))[0];
      const [error] = await next(socket, "connect_error");
      return [error.message, error.data];
    },
    expect: version === "2.5" ? { code: "E1" } : ["not authorized", { code: "E1" }],
  },
  {
    id: `${version} unknown namespace`,
    name: "a namespace that is not there",
    options,
    async run(peer) {
      const socket = client(peer, io, "/nope", { transports: ["websocket"] });
      if (version === "2.5") return (await next(socket, "error"))[0];
      return (await next(socket, "connect_error"))[0].message;
    },
    expect: version === "2.5" ? { message: "Invalid namespace" } : "Invalid namespace",
  },
]);

const special = [
  {
    id: "2.5 not allowed",
    name: "an old client where it is not allowed",
    async run(peer) {
      const socket = client(peer, CLIENTS["2.5"].io, "/", { transports: ["polling"] });
      await next(socket, "connect_error");
      return "connect_error";
    },
    expect: "connect_error",
  },
  ...["polling", "websocket"].map((transport) => ({
    id: `msgpack ${transport}`,
    name: "the MessagePack parser, values and binary",
    options: { parser: "msgpack" },
    async run(peer) {
      const options = { transports: [transport], parser: msgpack };
      const socket = await connected(peer, CLIENTS["4.8"].io, "/", options);
      const [number, text, data] = await ask(socket, "ack", 1.5, "€", Buffer.from([1, 2]));
      return [number, text, bytes(data)];
    },
    expect: [1.5, "€", [1, 2]],
  })),
  {
    id: "4.8 recovery",
    name: "a lost connection, recovered with what was missed",
    options: { connectionStateRecovery: {} },
    async run(peer) {
      const options = { transports: ["websocket"], reconnection: true, reconnectionDelay: 400 };
      const socket = await connected(peer, CLIENTS["4.8"].io, "/", options);
      const { id } = socket;
      const missed = next(socket, "missed");
      const first = next(socket, "echo");
      socket.emit("echo", "first");
      await first;
      socket.io.engine.close();
      await peer.reason(id);
      await peer.order({ do: "emit", nsp: "/", rooms: [id], except: [], args: ["missed", 7] });
      const [value] = await missed;
      if (!socket.connected) await next(socket, "connect");
      return [value, socket.recovered, socket.id === id];
    },
    expect: [7, true, true],
  },
  {
    id: "4.8 reconnects",
    name: "a lost connection, reconnected with a new id",
    async run(peer) {
      const options = { transports: ["websocket"], reconnection: true, reconnectionDelay: 50 };
      const socket = await connected(peer, CLIENTS["4.8"].io, "/", options);
      const { id } = socket;
      const again = next(socket, "connect");
      socket.io.engine.close();
      await again;
      return [socket.recovered ?? false, socket.id === id];
    },
    expect: [false, false],
  },
];

export default rows("client", [...general, ...streaming, ...admission, ...special]);
