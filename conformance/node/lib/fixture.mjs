// Starts the server under test and opens clients to it; everything ends with the test.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";
import ioV2 from "socket.io-client-v2";
import { sleep, within } from "../../lib/waiting.mjs";

export { sleep, within };

const here = dirname(fileURLToPath(import.meta.url));

/** The ways a client can be told to travel. Every generic test runs on each. */
export const TRANSPORTS = [
  { name: "polling", options: { transports: ["polling"] } },
  { name: "websocket", options: { transports: ["websocket"] } },
  { name: "upgrade", options: { transports: ["polling", "websocket"] } },
];

function program() {
  const named = process.env.SPOLA_CONFORMANCE_SERVER;
  if (named) return resolve(here, "..", named);
  const target = process.env.CARGO_TARGET_DIR ?? resolve(here, "../../../target");
  return resolve(target, "debug/examples/conformance");
}

/** A running server. */
export class Fixture {
  #process;
  #sockets = new Set();

  /**
   * Starts a server on `port` (0: any), with heartbeat settings in milliseconds. `cors` is an origin
   * that is let in with credentials; `cookie`, `deflate`, `eio3` and `msgpack` switch these on, and
   * `recovery` does for so many milliseconds.
   */
  static async start(options = {}) {
    const { port = 0, pingInterval, pingTimeout, recovery } = options;
    const { cors, cookie, deflate, eio3, msgpack } = options;
    const path = program();
    if (!existsSync(path)) {
      throw new Error(`${path} is missing: cargo build -p spola-tokio --example conformance`);
    }
    const script = path.endsWith(".mjs");
    const words = script ? [path, "--port", port] : ["--port", port];
    if (pingInterval !== undefined) words.push("--ping-interval-ms", pingInterval);
    if (pingTimeout !== undefined) words.push("--ping-timeout-ms", pingTimeout);
    if (recovery !== undefined) words.push("--recovery-ms", recovery);
    if (cors !== undefined) words.push("--cors", cors);
    if (cookie) words.push("--cookie");
    if (eio3) words.push("--eio3");
    if (msgpack) words.push("--msgpack");
    if (deflate) words.push("--deflate");
    const child = spawn(script ? process.execPath : path, words.map(String), {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const fixture = new Fixture();
    fixture.#process = child;
    fixture.ended = new Promise((settle) => {
      child.on("exit", (code, signal) => settle({ code, signal }));
    });
    const ready = new Promise((settle) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const match = /^listening on 127\.0\.0\.1:(\d+)$/.exec(line);
        if (match) settle(Number(match[1]));
      });
    });
    const failed = new Promise((_, reject) => {
      child.on("error", reject);
      child.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    });
    failed.catch(() => {});
    fixture.port = await within(10_000, "the server's first line", Promise.race([ready, failed]));
    fixture.url = `http://127.0.0.1:${fixture.port}`;
    return fixture;
  }

  /** A client that is not connected yet. It does not reconnect unless told. */
  client(namespace = "/", options = {}) {
    return this.#client(io, namespace, options);
  }

  /** The same, as people had it before 2020. */
  oldClient(namespace = "/", options = {}) {
    return this.#client(ioV2, namespace, options);
  }

  #client(io, namespace, options) {
    const socket = io(this.url + namespace, { forceNew: true, reconnection: false, ...options });
    this.#sockets.add(socket);
    return socket;
  }

  /** A connected client. */
  async connect(namespace = "/", options = {}) {
    const socket = this.client(namespace, options);
    await connected(socket);
    return socket;
  }

  /** What the server says of the last departure but the asker's own, once it is `reason`. */
  async departure(observer, reason, limit = 5000) {
    const deadline = Date.now() + limit;
    for (;;) {
      const seen = await observer.timeout(2000).emitWithAck("last-disconnect");
      if (seen === reason || Date.now() > deadline) return seen;
      await sleep(20);
    }
  }

  signal(name) {
    this.#process.kill(name);
  }

  quit() {
    this.#process.stdin.write("quit\n");
  }

  /** Ends the clients, then the server, in whatever state they are. */
  async stop() {
    for (const socket of this.#sockets) {
      socket.io.reconnection(false);
      socket.disconnect();
    }
    this.#sockets.clear();
    this.#process.kill("SIGKILL");
    await this.ended;
  }
}

/** Runs `body` with a server of its own. */
export async function withFixture(options, body) {
  const fixture = await Fixture.start(options);
  try {
    await body(fixture);
  } finally {
    await fixture.stop();
  }
}

/** The arguments of the next `event`. */
export function next(emitter, event, limit = 5000) {
  return within(
    limit,
    event,
    new Promise((settle) => emitter.once(event, (...values) => settle(values))),
  );
}

export function connected(socket, limit = 5000) {
  const outcome = new Promise((settle, reject) => {
    socket.once("connect", settle);
    socket.once("connect_error", reject);
  });
  return within(limit, "connect", outcome);
}

/** A connected socket of another namespace, on the session that `socket` has. */
export async function join(socket, namespace, options) {
  const other = socket.io.socket(namespace, options);
  await connected(other);
  return other;
}

/** Resolves once the session travels by WebSocket. */
export async function upgraded(socket) {
  const { engine } = socket.io;
  if (engine.transport.name !== "websocket") await next(engine, "upgrade");
}

/** Waits until the transport is the last one of `options`, with nothing under way. */
export async function settled(socket, options) {
  if (options.transports.includes("websocket")) await upgraded(socket);
  await caughtUp(socket);
  // Time for the next poll to reach the server, which can answer only a request that is there.
  await sleep(50);
}

/** Resolves when everything the server sent this client before has arrived. */
export async function caughtUp(socket) {
  await socket.timeout(5000).emitWithAck("echo-ack", "caught up?");
}
