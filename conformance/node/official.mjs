// The suite's server, by the official implementation: it proves the suite, not us.
// Same arguments, lines and events as crates/spola-tokio/examples/conformance/.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Server } from "socket.io";
import msgpack from "socket.io-msgpack-parser";

const number = (text) => (text === undefined ? undefined : Number(text));
const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    "ping-interval-ms": { type: "string" },
    "ping-timeout-ms": { type: "string" },
    cors: { type: "string" },
    cookie: { type: "boolean", default: false },
    deflate: { type: "boolean", default: false },
    eio3: { type: "boolean", default: false },
    msgpack: { type: "boolean", default: false },
    "recovery-ms": { type: "string" },
  },
});

const http = createServer();
const io = new Server(http, {
  pingInterval: number(values["ping-interval-ms"]) ?? 25_000,
  pingTimeout: number(values["ping-timeout-ms"]) ?? 20_000,
  cors: values.cors && { origin: [values.cors], credentials: true },
  cookie: values.cookie,
  perMessageDeflate: values.deflate,
  allowEIO3: values.eio3,
  ...(values.msgpack && { parser: msgpack }),
  ...(values["recovery-ms"] && {
    connectionStateRecovery: { maxDisconnectionDuration: number(values["recovery-ms"]) },
  }),
});

const departures = [];

function remembersDeparture(socket) {
  socket.on("disconnect", (reason) => departures.push({ id: socket.id, reason }));
}

io.on("connection", (socket) => {
  remembersDeparture(socket);
  socket.emit("auth", socket.handshake.auth);
  socket.on("echo", (...values) => socket.emit("echo", ...values));
  socket.on("echo-ack", (...values) => values.pop()(...values));
  socket.on("ask", (value) => {
    socket.timeout(1000).emit("question", value, (error, answer) => {
      socket.emit("answered", error ? "timed out" : answer);
    });
  });
  socket.on("binary", (data, answer) => {
    answer({ length: data.length, first: data[0], last: data[data.length - 1] });
    socket.emit("binary-back", data);
  });
  socket.on("join", async (room, answer) => {
    await socket.join(room);
    answer("ok");
  });
  socket.on("leave", async (room, answer) => {
    await socket.leave(room);
    answer("ok");
  });
  socket.on("to", (rooms, except, event, value) => {
    io.to(rooms).except(except).emit(event, value);
  });
  socket.on("broadcast", (value) => socket.broadcast.emit("news", value));
  socket.on("whisper", (value) => socket.broadcast.volatile.emit("whispered", value));
  socket.on("keep", (value, answer) => {
    socket.data.kept = value;
    answer("ok");
  });
  socket.on("kept", (answer) => answer(socket.data.kept ?? null));
  socket.on("kick", () => socket.disconnect());
  socket.on("kick-session", () => socket.disconnect(true));
  socket.on("who", (room, answer) => {
    answer([...(io.of("/").adapter.rooms.get(room) ?? [])].sort());
  });
  socket.on("fail", (answer) => {
    answer({ error: { message: "failed on purpose", data: { code: 7 } } });
  });
  socket.on("typed", (person, answer) => {
    const fits = typeof person?.name === "string" && typeof person?.age === "number";
    answer(fits ? `hello ${person.name} of ${person.age}` : { error: { message: "wrong type" } });
  });
  socket.onAny((name) => name === "listeners" && socket.emit("heard", "any"));
  socket.on("listeners", () => socket.emit("heard", "first"));
  socket.on("listeners", (answer) => answer("second"));
  socket.on("listeners", (answer) => answer("third"));
  socket.once("once", (answer) => answer("first"));
  socket.on("handshake", (answer) => {
    const { query, secure, xdomain, address, auth, issued, time } = socket.handshake;
    const date = Math.abs(Date.parse(time) - issued) < 1000;
    answer({ token: query.token ?? null, secure, xdomain, address, auth, date });
  });
  socket.on("cookie", (answer) => answer(socket.handshake.headers.cookie ?? null));
  socket.on("last-disconnect", (answer) => {
    answer(departures.findLast((departure) => departure.id !== socket.id)?.reason ?? null);
  });
});

io.of("/admin")
  .use((socket, next) => {
    if (socket.handshake.auth.token === "letmein") {
      next();
    } else {
      next(Object.assign(new Error("not authorized"), { data: { code: "E_AUTH" } }));
    }
  })
  .on("connection", (socket) => {
    remembersDeparture(socket);
    socket.emit("welcome");
  });

io.of("/room-chat").on("connection", (socket) => {
  remembersDeparture(socket);
  socket.on("echo", (...values) => socket.emit("echo", ...values));
});

const dynamic = io.of(/^\/dynamic-/);
dynamic
  .use((socket, next) => {
    if (socket.handshake.auth.token !== "banned") return next();
    next(Object.assign(new Error("banned"), { data: { from: socket.nsp.name } }));
  })
  .on("connection", (socket) => {
    remembersDeparture(socket);
    socket.emit("where", socket.nsp.name);
    socket.on("say", (value) => socket.nsp.emit("said", value));
    socket.on("tell-all", (value) => dynamic.emit("told", value));
    socket.on("disconnecting", () => socket.nsp.emit("leaving", socket.id));
  });

const quit = () => io.close(() => process.exit(0));
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "quit") quit();
});
process.on("SIGTERM", quit).on("SIGINT", quit);

http.listen(Number(values.port), "127.0.0.1", () => {
  console.log(`listening on 127.0.0.1:${http.address().port}`);
});
