// Engine.IO by hand: plain HTTP requests and a WebSocket whose messages wait to be read.
import { request } from "node:http";
import WebSocket from "ws";
import { within } from "./fixture.mjs";

/** One HTTP request below the path of the engine; `{ status, headers, body }`. */
export function http(fixture, query, { method = "GET", body, headers, signal } = {}) {
  const url = `${fixture.url}/socket.io/?${query}`;
  const answer = new Promise((settle, reject) => {
    const sent = request(url, { method, headers, signal, agent: false }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        settle({ status: response.statusCode, headers: response.headers, body: text });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
  return within(10_000, `${method} ${query}`, answer);
}

/** A session by polling, seen from outside. */
export class Polling {
  constructor(fixture, sid) {
    this.fixture = fixture;
    this.sid = sid;
    this.query = `EIO=4&transport=polling&sid=${sid}`;
    this.kept = [];
  }

  static async open(fixture) {
    const { body } = await http(fixture, "EIO=4&transport=polling");
    return new Polling(fixture, JSON.parse(body.slice(1)).sid);
  }

  /** A session with the root namespace joined and its first events read. */
  static async joined(fixture) {
    const session = await Polling.open(fixture);
    await session.post("40");
    await session.until("42[\"auth\",{}]");
    return session;
  }

  get(options) {
    return http(this.fixture, this.query, options);
  }

  post(body, options) {
    return http(this.fixture, this.query, { method: "POST", body, ...options });
  }

  /** Polls until `packet` has come; the packets before it. */
  async until(packet) {
    const before = [];
    for (;;) {
      if (this.kept.length === 0) {
        const { status, body } = await this.get();
        if (status !== 200) throw new Error(`${status} while waiting for ${packet}: ${body}`);
        this.kept.push(...body.split("\x1e"));
      }
      const next = this.kept.shift();
      if (next === packet) return before;
      before.push(next);
    }
  }

  /** Whether the server still knows the session as one that polls. */
  async lives() {
    const { status } = await this.post("3");
    return status === 200;
  }
}

/** A WebSocket to the engine. */
export class Wire {
  #arrived = [];
  #wanted = [];

  constructor(fixture, query) {
    this.ws = new WebSocket(`${fixture.url}/socket.io/?${query}`.replace("http", "ws"));
    this.ws.on("error", () => {});
    this.ws.on("message", (data, isBinary) => {
      const message = isBinary ? data : data.toString();
      const wanted = this.#wanted.shift();
      if (wanted) wanted(message);
      else this.#arrived.push(message);
    });
    this.closed = new Promise((settle) => this.ws.on("close", settle));
    this.opened = new Promise((settle, reject) => {
      this.ws.on("open", settle);
      this.ws.on("unexpected-response", (_, response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => {
          const body = Buffer.concat(chunks).toString();
          reject(Object.assign(new Error(body), { status: response.statusCode }));
        });
      });
    });
    this.opened.catch(() => {});
  }

  /** An open session with the root namespace joined and its first event read. */
  static async joined(fixture) {
    const wire = new Wire(fixture, "EIO=4&transport=websocket");
    await wire.next();
    wire.send("40");
    await wire.until('42["auth",{}]');
    return wire;
  }

  send(...messages) {
    for (const message of messages) this.ws.send(message);
  }

  /** The next message, a string or a buffer. */
  next() {
    if (this.#arrived.length > 0) return Promise.resolve(this.#arrived.shift());
    const message = new Promise((settle) => this.#wanted.push(settle));
    return within(5000, "a message on the WebSocket", message);
  }

  async until(message) {
    const before = [];
    for (;;) {
      const next = await this.next();
      if (next === message) return before;
      before.push(next);
    }
  }

  /** The close code, once the server has closed. */
  end() {
    return within(5000, "the end of the WebSocket", this.closed);
  }
}
