// HTTP/1.1 by hand: what goes out are the bytes given, and what comes back is kept as it came.
import { connect } from "node:net";
import { within } from "../../lib/waiting.mjs";

const HEAD_END = Buffer.from("\r\n\r\n");

/** Headers of the connection, not of the answer: two servers need not agree about them. */
const OF_CONNECTION = new Set(["connection", "date", "keep-alive", "transfer-encoding"]);

/** What a server answered. */
export class Response {
  constructor(status, headers, body) {
    this.status = status;
    /** `[name, value]` in order of arrival. */
    this.headers = headers;
    this.body = body;
  }

  header(name) {
    const found = this.headers.filter(([key]) => key.toLowerCase() === name);
    return found.length === 0 ? undefined : found.map(([, value]) => value).join(" & ");
  }

  get text() {
    return this.body.toString();
  }

  /** Status, headers that mean something, body: what two servers must agree about. */
  get seen() {
    const headers = {};
    for (const [name] of this.headers) {
      const key = name.toLowerCase();
      if (!OF_CONNECTION.has(key)) headers[key] = this.header(key);
    }
    if (this.body.length === 0) delete headers["content-length"];
    return { status: this.status, headers, body: this.text };
  }

  /** The short form: `200 body`. */
  get brief() {
    return `${this.status} ${this.text}`.trim();
  }
}

/** The text of a request's head. */
export function requestHead(method, target, headers = {}) {
  const lines = [`${method} ${target} HTTP/1.1`];
  const all = { Host: "127.0.0.1", ...headers };
  for (const [name, value] of Object.entries(all)) {
    for (const one of [value].flat()) if (one !== undefined) lines.push(`${name}: ${one}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Reads the head of a response off `bytes`: `{ status, headers, size }`, or nothing yet. */
export function responseHead(bytes) {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const [first, ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { status: Number(first.split(" ")[1]), headers, size: end + HEAD_END.length };
}

/** The body of a response whose head was read, or nothing while it is not complete. */
export function responseBody({ headers, status }, bytes, ended) {
  const header = (name) => headers.find(([key]) => key.toLowerCase() === name)?.[1];
  if (status === 204 || status === 304) return Buffer.alloc(0);
  if (header("transfer-encoding") === "chunked") return unchunked(bytes);
  const length = header("content-length");
  if (length === undefined) return ended ? bytes : undefined;
  return bytes.length >= Number(length) ? bytes.subarray(0, Number(length)) : undefined;
}

function unchunked(bytes) {
  const pieces = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const size = Number.parseInt(bytes.subarray(at, end).toString(), 16);
    if (size === 0) return Buffer.concat(pieces);
    const start = end + 2;
    if (bytes.length < start + size + 2) return undefined;
    pieces.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
}

/** One request, on a connection of its own. */
export class Exchange {
  #bytes = Buffer.alloc(0);
  #settle;
  #ended = false;

  constructor(port, name) {
    this.name = name;
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.answer = new Promise((settle) => (this.#settle = settle));
    this.socket.on("data", (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#look();
    });
    for (const event of ["end", "close"]) {
      this.socket.on(event, () => {
        this.#ended = true;
        this.#look();
      });
    }
    this.socket.on("error", () => {});
  }

  write(bytes) {
    this.socket.write(bytes);
    return this;
  }

  /** Ends the connection before the answer. */
  abort() {
    this.socket.destroy();
  }

  /** The response, or the text `no answer` when the connection ended without one. */
  response(limit = 8000) {
    return within(limit, `the answer to ${this.name}`, this.answer);
  }

  #look() {
    const head = responseHead(this.#bytes);
    const body = head && responseBody(head, this.#bytes.subarray(head.size), this.#ended);
    if (body) this.#done(new Response(head.status, head.headers, body));
    else if (this.#ended) this.#done("no answer");
  }

  #done(outcome) {
    this.#settle(outcome);
    this.socket.destroy();
  }
}

/** Sends one request; its [`Exchange`]. */
export function exchange(port, method, target, { headers, body } = {}) {
  const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
  const sent = new Exchange(port, `${method} ${target}`);
  sent.write(requestHead(method, target, { ...length, ...headers }));
  if (body !== undefined) sent.write(body);
  return sent;
}
