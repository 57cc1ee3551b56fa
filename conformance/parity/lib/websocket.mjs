// A WebSocket by hand (RFC 6455): frames go out as told and come back as they were.
import { connect } from "node:net";
import { inflateRawSync, constants } from "node:zlib";
import { within } from "../../lib/waiting.mjs";
import { Response, requestHead, responseBody, responseHead } from "./http.mjs";

/** The mask and the key of the specification's examples. */
export const MASK = Buffer.from("37fa213d", "hex");
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export const hex = (bytes) => bytes.toString("hex").replace(/..(?=.)/g, "$& ");

/** Bytes as they are written in observations. */
export const shown = (bytes) => `<${hex(bytes)}>`;

/** A masked frame of a client. */
export function frame(opcode, payload, { fin = true, rsv1 = false, masked = true } = {}) {
  const data = Buffer.from(payload);
  const first = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode;
  const bit = masked ? 0x80 : 0;
  let head;
  if (data.length < 126) {
    head = Buffer.from([first, bit | data.length]);
  } else if (data.length < 65_536) {
    head = Buffer.from([first, bit | 126, data.length >> 8, data.length & 255]);
  } else {
    head = Buffer.alloc(10);
    head.set([first, bit | 127]);
    head.writeBigUInt64BE(BigInt(data.length), 2);
  }
  if (!masked) return Buffer.concat([head, data]);
  for (let at = 0; at < data.length; at += 1) data[at] ^= MASK[at & 3];
  return Buffer.concat([head, MASK, data]);
}

/** The next frame in `bytes` of a server: `{ fin, rsv1, opcode, payload, bytes }`, or nothing yet. */
function parsed(bytes) {
  if (bytes.length < 2) return undefined;
  let size = bytes[1] & 127;
  let at = 2;
  if (size === 126) {
    if (bytes.length < 4) return undefined;
    [size, at] = [bytes.readUInt16BE(2), 4];
  } else if (size === 127) {
    if (bytes.length < 10) return undefined;
    [size, at] = [Number(bytes.readBigUInt64BE(2)), 10];
  }
  if (bytes.length < at + size) return undefined;
  return {
    fin: (bytes[0] & 0x80) !== 0,
    rsv1: (bytes[0] & 0x40) !== 0,
    opcode: bytes[0] & 15,
    payload: bytes.subarray(at, at + size),
    bytes: bytes.subarray(0, at + size),
  };
}

/**
 * A WebSocket of a client. What comes is a row of texts: a text message as it is, a binary one as
 * `<01 02>`, `Close 1009`, `Ping x`, `Pong x`, and at the end of the stream `end`.
 */
export class Wire {
  #bytes = Buffer.alloc(0);
  #message = [];
  #compressed = false;
  #window = Buffer.alloc(0);
  #arrived = [];
  #wanted = [];
  #over = false;
  #refused;

  constructor(port, target, { headers = {}, echoesClose = true } = {}) {
    this.echoesClose = echoesClose;
    /** Bytes of each frame that came. */
    this.frames = [];
    this.socket = connect({ port, host: "127.0.0.1" });
    this.socket.setNoDelay(true);
    this.socket.on("error", () => {});
    this.opened = new Promise((settle) => {
      const head = (chunk) => {
        this.#bytes = Buffer.concat([this.#bytes, chunk]);
        const found = responseHead(this.#bytes);
        if (!found) return;
        if (found.status !== 101) {
          this.#refused = found;
          const body = responseBody(found, this.#bytes.subarray(found.size), false);
          if (body) settle(new Response(found.status, found.headers, body));
          return;
        }
        this.socket.off("data", head);
        settle(new Response(101, found.headers, Buffer.alloc(0)));
        this.#bytes = this.#bytes.subarray(found.size);
        this.#read();
        this.socket.on("data", (more) => {
          this.#bytes = Buffer.concat([this.#bytes, more]);
          this.#read();
        });
      };
      this.socket.on("data", head);
      this.socket.on("close", () => {
        settle(this.#refused ? this.#cutShort() : "no answer");
        this.#over = true;
        this.#arrive("end");
      });
    });
    this.socket.write(
      requestHead("GET", target, {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
        ...headers,
      }),
    );
  }

  /** A refusal that ended with its connection. */
  #cutShort() {
    const { status, headers, size } = this.#refused;
    return new Response(status, headers, this.#bytes.subarray(size));
  }

  /** The answer to the handshake. */
  response(limit = 5000) {
    return within(limit, "the answer to the upgrade request", this.opened);
  }

  #read() {
    for (;;) {
      const next = parsed(this.#bytes);
      if (!next) return;
      this.#bytes = this.#bytes.subarray(next.bytes.length);
      this.frames.push(next.bytes);
      this.#take(next);
    }
  }

  #take({ fin, rsv1, opcode, payload }) {
    if (opcode === CLOSE) {
      const code = payload.length < 2 ? "" : ` ${payload.readUInt16BE(0)}`;
      this.#arrive(`Close${code}`);
      if (this.echoesClose) this.socket.write(frame(CLOSE, payload.subarray(0, 2)));
    } else if (opcode === PING || opcode === PONG) {
      this.#arrive(`${opcode === PING ? "Ping" : "Pong"} ${payload}`);
    } else {
      if (opcode !== 0) this.#message = [];
      if (opcode !== 0) this.#compressed = rsv1;
      if (opcode !== 0) this.#message.opcode = opcode;
      this.#message.push(payload);
      if (fin) this.#whole();
    }
  }

  #whole() {
    let bytes = Buffer.concat(this.#message);
    if (this.#compressed) {
      const tail = Buffer.from([0, 0, 255, 255]);
      // A sender may refer to its earlier messages.
      const options = { finishFlush: constants.Z_SYNC_FLUSH, dictionary: this.#window };
      bytes = inflateRawSync(Buffer.concat([bytes, tail]), options);
      this.#window = Buffer.concat([this.#window, bytes]).subarray(-32_768);
    }
    const text = this.#message.opcode === TEXT ? bytes.toString() : shown(bytes);
    this.#arrive(this.#compressed ? `deflated ${text}` : text);
  }

  #arrive(what) {
    const wanted = this.#wanted.shift();
    if (wanted) wanted(what);
    else this.#arrived.push(what);
  }

  /** Sends each: a text as a text message, bytes as a binary one. */
  send(...messages) {
    for (const message of messages) {
      this.raw(frame(typeof message === "string" ? TEXT : BINARY, message));
    }
    return this;
  }

  /** Sends these bytes of the stream. */
  raw(bytes) {
    if (!this.socket.destroyed) this.socket.write(bytes);
    return this;
  }

  /** The next thing that comes. */
  next(limit = 5000) {
    if (this.#arrived.length > 0) return Promise.resolve(this.#arrived.shift());
    if (this.#over) return Promise.resolve("end");
    let want;
    const coming = new Promise((settle) => this.#wanted.push((want = settle)));
    return within(limit, "something on the WebSocket", coming).catch((error) => {
      this.#wanted = this.#wanted.filter((other) => other !== want);
      throw error;
    });
  }

  /** The next `count` things. */
  async take(count) {
    const all = [];
    while (all.length < count) all.push(await this.next());
    return all;
  }

  /** What comes up to `last` (a text, or a test of one), or to the end. */
  async until(last, limit = 5000) {
    const reached = typeof last === "function" ? last : (what) => what === last;
    const all = [];
    for (;;) {
      const what = await this.next(limit);
      all.push(what);
      if (reached(what) || what === "end") return all;
    }
  }

  /** All that comes until the stream ends. */
  rest(limit = 5000) {
    return this.until("end", limit);
  }

  /** What comes within a while. */
  async during(milliseconds) {
    await new Promise((settle) => setTimeout(settle, milliseconds));
    return this.#arrived.splice(0);
  }

  /** Ends the stream without a Close. */
  abort() {
    this.socket.destroy();
  }

  /** Sends Close and takes what comes until the end. */
  close(code) {
    const payload = code === undefined ? [] : [code >> 8, code & 255];
    this.raw(frame(CLOSE, payload));
    this.echoesClose = false;
    return this.rest();
  }
}
