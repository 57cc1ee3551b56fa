// The application of the parity suite, on the official server. Its twin on Spola is
// crates/spola-tokio/examples/parity.rs: same arguments, same lines, same events.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Server } from "socket.io";
import msgpack from "socket.io-msgpack-parser";

const { values } = parseArgs({ options: { options: { type: "string", default: "{}" } } });
const given = JSON.parse(values.options);

const tell = (entry) => process.stdout.write(`${JSON.stringify(entry)}\n`);
const settings = (({ hooks, engineMiddleware, generateId, initialPacket, ...rest }) => rest)(given);

if (settings.parser === "msgpack") settings.parser = msgpack;
if (settings.cors?.origin?.pattern) settings.cors.origin = new RegExp(settings.cors.origin.pattern);
if (given.initialPacket !== undefined) settings.initialPacket = given.initialPacket;
if (given.allowRequest) {
  // Whoever says `refuse` in the query is refused, with what it says, if it says something.
  settings.allowRequest = (request, answer) => {
    const query = new URL(request.url, "http://localhost").searchParams;
    answer(query.get("refuse") || null, !query.has("refuse"));
  };
}

// Whatever does not belong to Socket.IO.
const http = createServer((request, response) => {
  response.writeHead(404).end();
});
const io = new Server(http, settings);

if (given.generateId) {
  let count = 0;
  io.engine.generateId = () => `${given.generateId}${String(count++).padStart(5, "0")}`;
}
if (given.engineMiddleware) {
  io.engine.use((request, response, next) => {
    if (request.url.includes("stop=1")) next(new Error("stopped"));
    else if (request.url.includes("answer=1")) response.writeHead(418).end("teapot");
    else {
      response.setHeader("x-middleware", "seen");
      next();
    }
  });
}
if (given.hooks) {
  io.engine.on("initial_headers", (headers) => (headers["x-initial"] = "1"));
  io.engine.on("headers", (headers) => (headers["x-every"] = "1"));
}
io.engine.on("connection_error", ({ req, code, message, context }) => {
  tell({ at: "connection_error", target: req?.url, code, message, context });
});

function remembers(socket) {
  const nsp = socket.nsp.name;
  const { id, recovered } = socket;
  tell({ at: "connection", nsp, id, recovered, rooms: [...socket.rooms].sort() });
  socket.on("error", () => tell({ at: "error", nsp, id }));
  socket.on("disconnecting", (reason) => {
    tell({ at: "disconnecting", nsp, id, reason, rooms: [...socket.rooms].sort() });
  });
  socket.on("disconnect", (reason) => {
    tell({ at: "disconnect", nsp, id, reason, rooms: [...socket.rooms].sort() });
  });
}

/** Events that nobody listens to are seen all the same. */
function fallback(socket) {
  socket.onAny((name, ...args) => {
    if (typeof name !== "string" && typeof name !== "number") return;
    if (socket.listeners(name).length > 0) return;
    const last = args.at(-1);
    if (typeof last === "function") last("acked", name, ...args.slice(0, -1));
    else socket.emit("seen", name, ...args);
  });
}

function selection(nsp, rooms, except) {
  let all = io.of(nsp);
  for (const room of rooms) all = all.to(room);
  for (const room of except) all = all.except(room);
  return all;
}

function events(socket) {
  const nsp = socket.nsp.name;
  socket.on("echo", (...args) => socket.emit("echo", ...args));
  socket.on("ack", (...args) => args.pop()(...args));
  socket.on("ack-twice", (answer) => {
    answer(1);
    answer(2);
  });
  socket.on("ack-late", (delay, answer) => setTimeout(() => answer("late"), delay));
  socket.on("later", (delay, ...args) => setTimeout(() => socket.emit(...args), delay));
  socket.on("burst", (count) => {
    for (let number = 0; number < count; number += 1) socket.emit("n", number);
  });
  socket.on("ask", (limit, ...args) => {
    socket.timeout(limit).emit("question", ...args, (error, ...answers) => {
      socket.emit("answered", ...(error ? ["timed out"] : answers));
    });
  });
  socket.on("ask-all", (limit, rooms, ...args) => {
    selection(nsp, rooms, []).timeout(limit).emit("question", ...args, (error, answers) => {
      socket.emit("answers", error ? "timed out" : "all", answers);
    });
  });
  socket.on("join", (room, answer) => {
    socket.join(room);
    answer();
  });
  socket.on("leave", (room, answer) => {
    socket.leave(room);
    answer();
  });
  socket.on("rooms", (answer) => answer([...socket.rooms].filter((r) => r !== socket.id).sort()));
  socket.on("to", (rooms, except, ...args) => selection(nsp, rooms, except).emit(...args));
  socket.on("others", (rooms, ...args) => socket.broadcast.to(rooms).emit(...args));
  socket.on("volatile", () => {
    socket.volatile.emit("v", 1);
    socket.volatile.emit("v", 2);
    socket.emit("n");
    socket.volatile.emit("v", 3);
  });
  socket.on("volatile-later", (delay, ...args) => {
    setTimeout(() => socket.volatile.emit(...args), delay);
  });
  socket.on("big", (size, compress) => socket.compress(compress).emit("big", "x".repeat(size)));
  socket.on("kick", () => socket.disconnect());
  socket.on("kick-session", () => socket.disconnect(true));
  socket.on("reserved", (name, answer) => {
    try {
      socket.emit(name);
      answer("sent");
    } catch {
      answer("refused");
    }
  });
  socket.on("values", () => {
    const date = new Date(0);
    socket.emit("values", undefined, NaN, -0, date, { a: undefined, b: new Map() }, "\u2028€");
  });
  socket.on("handshake", (answer) => {
    const { auth, query, url, xdomain, secure, address, issued, time, headers } = socket.handshake;
    const recent = Math.abs(Date.now() - issued) < 60_000;
    const { t, ...rest } = query;
    const custom = headers["x-custom"] ?? null;
    answer({ auth, query: rest, url, xdomain, secure, address, recent, timed: !!time, custom });
  });
}

io.use((socket, next) => {
  const { refuse } = socket.handshake.query;
  next(refuse ? new Error(refuse) : undefined);
});
io.on("connection", (socket) => {
  remembers(socket);
  if (socket.handshake.auth.greet) socket.emit("hello");
  fallback(socket);
  events(socket);
});

// Refuses without the right token, with data or without; may take its time.
io.of("/admin")
  .use((socket, next) => {
    const { token, delay } = socket.handshake.auth;
    const decide = () => {
      if (token === "letmein") next();
      else if (token === "plain") next(new Error("no data"));
      else next(Object.assign(new Error("not authorized"), { data: { code: "E1" } }));
    };
    if (delay) setTimeout(decide, Number(delay));
    else decide();
  })
  .on("connection", (socket) => {
    remembers(socket);
    fallback(socket);
    events(socket);
  });

io.of("/chat").on("connection", (socket) => {
  remembers(socket);
  socket.emit("welcome", socket.handshake.auth);
  fallback(socket);
  events(socket);
});

// Two middleware functions in a row, each leaving its mark.
io.of("/chain")
  .use((socket, next) => {
    socket.data.marks = ["first"];
    next(socket.handshake.auth.stop === 1 ? new Error("first") : undefined);
  })
  .use((socket, next) => {
    socket.data.marks.push("second");
    next(socket.handshake.auth.stop === 2 ? new Error("second") : undefined);
  })
  .on("connection", (socket) => {
    remembers(socket);
    socket.emit("marks", socket.data.marks);
  });

// Who sees an event, in which order.
io.of("/order").on("connection", (socket) => {
  remembers(socket);
  let seen = [];
  socket.use(([name], next) => {
    seen.push(`middleware ${name}`);
    next(name === "blocked" ? new Error("blocked") : undefined);
  });
  socket.onAny((name) => seen.push(`any ${name}`));
  socket.onAnyOutgoing((name) => seen.push(`outgoing ${name}`));
  socket.on("one", () => seen.push("first one"));
  socket.on("one", () => seen.push("second one"));
  socket.once("one", () => seen.push("once one"));
  const removed = () => seen.push("removed");
  socket.on("one", removed);
  socket.off("one", removed);
  socket.on("report", (answer) => {
    answer(seen);
    seen = [];
  });
  socket.on("out", () => socket.emit("out"));
});

// Names by a pattern, and names by a function that takes its time.
const dynamic = (socket) => {
  remembers(socket);
  socket.emit("welcome", socket.nsp.name);
  events(socket);
};
io.of(/^\/dynamic-\d+$/)
  .use((socket, next) => next(socket.handshake.auth.stop ? new Error("stopped") : undefined))
  .on("connection", dynamic);
io.of((name, auth, next) => {
  if (name.startsWith("/asked/")) setTimeout(() => next(null, auth?.pass === true), 20);
  else next(null, false);
}).on("connection", dynamic);

/** What the suite asks of the server's application from outside. */
const ORDERS = {
  emit: ({ nsp, rooms, except, args }) => void selection(nsp, rooms, except).emit(...args),
  volatile: ({ nsp, rooms, args }) => void selection(nsp, rooms, []).volatile.emit(...args),
  local: ({ nsp, rooms, args }) => void selection(nsp, rooms, []).local.emit(...args),
  join: ({ nsp, rooms, names }) => selection(nsp, rooms, []).socketsJoin(names),
  leave: ({ nsp, rooms, names }) => selection(nsp, rooms, []).socketsLeave(names),
  disconnect: ({ nsp, rooms, close }) => selection(nsp, rooms, []).disconnectSockets(close),
  async fetch({ nsp, rooms }) {
    const sockets = await selection(nsp, rooms, []).fetchSockets();
    const own = (socket) => [...socket.rooms].filter((room) => room !== socket.id).sort();
    return sockets.map((socket) => [socket.id, own(socket)]);
  },
  namespaces: () => [...io._nsps.keys()].sort(),
  close: () => void io.close(),
};

createInterface({ input: process.stdin }).on("line", async (line) => {
  const order = JSON.parse(line);
  const result = await ORDERS[order.do](order);
  tell({ at: "done", number: order.number, result });
});

http.listen(0, "127.0.0.1", () => tell({ at: "listening", port: http.address().port }));
