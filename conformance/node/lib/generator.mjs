// Inputs for codecs, made of a seed: what the official encoders write, and damaged copies of it.
import * as eio from "engine.io-parser";
import msgpack from "socket.io-msgpack-parser";
import { Encoder } from "socket.io-parser";

const PIECES = [
  "0", "1", "2", "3", "4", "5", "6", "7", "-", "/", ",", "/a,", "51-", "52-", "[", "]", "{", "}", '"', "\\", ":",
  "null", "true", " ", "\n", "é", "€", "😀", "\ud83d", "\\ud83d", "1e5", "1e999", "9007199254740993", '"num":0.5',
  '{"_placeholder":true,"num":0}', '"connect"', "b", "=", "\x1e", "probe", "\0",
];
const CHARACTERS = ["a", "b", "é", "€", "😀", '"', "\\", "\n", "\0", "\x1e", "\ud83d", "\ude00", "7", "/", " "];
const NAMESPACES = ["/", "/", "/", "/admin", "/é", "/a?b=c", "/x/y"];
const NUMBERS = [0, 1, -1, 127, 128, 255, 256, -32, -33, -129, 65_535, 65_536, 2 ** 31, -(2 ** 31) - 1, 2 ** 32];
const MORE_NUMBERS = [2 ** 53 - 1, -(2 ** 53), 1.5, -0.1, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, -0, NaN, Infinity];

export class Generator {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** The next input for a codec. */
  next(codec) {
    const encode = { text: () => this.#text(), messagepack: () => this.#messagepack() };
    const engine = codec === "payload" ? () => [this.#payload()] : () => [this.#enginePacket()];
    let messages = (encode[codec] ?? engine)();
    const damages = this.#below(3) === 0 ? this.#below(4) : 0;
    for (let n = 0; n < damages; n += 1) messages = this.#damaged(messages);
    // A payload is text, whatever the transport.
    if (codec === "payload") messages = messages.filter((message) => typeof message === "string");
    return { codec, messages: messages.map(asMessage) };
  }

  #text() {
    const encoder = new Encoder();
    return this.#times(1 + this.#below(2), () => encoder.encode(this.#packet(false))).flat();
  }

  #messagepack() {
    const encoder = new msgpack.Encoder();
    return this.#times(1 + this.#below(2), () => encoder.encode(this.#packet(true))).flat();
  }

  #packet(binaryAnywhere) {
    const type = this.#pick([0, 1, 2, 2, 2, 2, 3, 3, 4]);
    const packet = { type, nsp: this.#pick(NAMESPACES) };
    const values = () => this.#times(this.#below(4), () => this.#value(3, true));
    if (type === 0 && this.#below(2)) packet.data = this.#object(2, false);
    if (type === 2) packet.data = [this.#below(9) ? this.#string() || "e" : this.#below(99), ...values()];
    if (type === 3) packet.data = values();
    if (type === 4) packet.data = this.#below(3) ? this.#object(2, false) : this.#string();
    if (type === 3 || (type === 2 && this.#below(2))) packet.id = this.#pick([0, 7, 255, 70_000, 2 ** 40]);
    if (binaryAnywhere && this.#below(2)) packet.options = { compress: true };
    if (!binaryAnywhere && count(packet.data) > 10) return this.#packet(false);
    return packet;
  }

  #value(depth, binary) {
    const kind = this.#below(depth > 0 ? 10 : 8);
    if (kind === 0) return this.#pick([null, true, false, undefined]);
    if (kind <= 2) return this.#pick(NUMBERS);
    if (kind === 3) return this.#pick(MORE_NUMBERS);
    if (kind <= 5) return this.#string();
    if (kind === 6) return new Date(this.#pick([0, -1, 1.7e12, 4.1e12, -6.3e13, 8.64e15, 2.6e14]) + this.#below(1e6));
    if (kind === 7) return binary ? this.#bytes() : this.#below(1000);
    if (kind === 8) return this.#times(this.#below(this.#below(9) ? 4 : 20), () => this.#value(depth - 1, binary));
    return this.#object(depth, binary);
  }

  #object(depth, binary) {
    const keys = this.#times(this.#below(this.#below(9) ? 4 : 20), () => `k${this.#string()}`);
    return Object.fromEntries(keys.map((key) => [key, this.#value(depth - 1, binary)]));
  }

  #string() {
    const length = this.#below(5) ? this.#below(8) : this.#below(80);
    return this.#times(length, () => this.#pick(CHARACTERS)).join("");
  }

  #bytes() {
    const bytes = Buffer.from(this.#times(this.#below(5) ? this.#below(6) : this.#below(400), () => this.#below(256)));
    return this.#pick([bytes, new Uint8Array(bytes), new Uint8Array(bytes).buffer]);
  }

  #enginePacket() {
    const type = this.#pick(["open", "close", "ping", "pong", "message", "message", "message", "upgrade", "noop"]);
    const packet = { type };
    if (type === "message") packet.data = this.#below(3) ? this.#string() : Buffer.from(this.#bytes());
    if (type === "open") packet.data = '{"sid":"x"}';
    if (this.#below(2) && (type === "ping" || type === "pong")) packet.data = "probe";
    let encoded;
    eio.encodePacket(packet, this.#below(4) > 0, (result) => (encoded = result));
    return encoded;
  }

  #payload() {
    const packets = this.#times(1 + this.#below(4), () => {
      const packet = this.#enginePacket();
      return typeof packet === "string" ? packet : `b${packet.toString("base64")}`;
    });
    return packets.join("\x1e");
  }

  #damaged(messages) {
    const at = this.#below(messages.length);
    const damaged = [...messages];
    const way = this.#below(8);
    if (way === 0) damaged.splice(at, 1);
    else if (way === 1) damaged.splice(at, 0, this.#below(2) ? this.#pick(PIECES) : Buffer.from(this.#bytes()));
    else if (typeof damaged[at] === "string") damaged[at] = this.#damagedText(damaged[at]);
    else damaged[at] = this.#damagedBytes(Buffer.from(damaged[at]));
    return damaged.length === 0 ? [this.#pick(PIECES)] : damaged;
  }

  #damagedText(text) {
    // The beginning is where most is decided.
    const at = this.#below(2) ? this.#below(6) : this.#below(text.length + 1);
    const cut = this.#below(3);
    const piece = this.#below(4) ? this.#pick(PIECES) : "";
    return text.slice(0, at) + piece + text.slice(at + cut);
  }

  #damagedBytes(bytes) {
    const at = this.#below(bytes.length + 1);
    const way = this.#below(4);
    if (way === 0) return bytes.subarray(0, at);
    const piece = Buffer.from(this.#times(way === 1 ? 1 : this.#below(3), () => this.#byte()));
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + this.#below(3))]);
  }

  #byte() {
    return this.#below(2) ? 0xc0 + this.#below(0x20) : this.#below(256);
  }

  #times(n, make) {
    return Array.from({ length: n }, make);
  }

  #pick(list) {
    return list[this.#below(list.length)];
  }

  /** A number from 0 to `n` - 1 (mulberry32). */
  #below(n) {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return n === 0 ? 0 : ((mixed ^ (mixed >>> 14)) >>> 0) % n;
  }
}

/** A text message has no lone surrogates: UTF-8 cannot carry them. */
function asMessage(message) {
  if (typeof message === "string") return { text: message.toWellFormed() };
  const bytes = ArrayBuffer.isView(message)
    ? Buffer.from(message.buffer, message.byteOffset, message.byteLength)
    : Buffer.from(message);
  return { binary: bytes.toString("hex") };
}

/** How many attachments a value has. */
function count(value) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return 1;
  if (value === null || typeof value !== "object" || value instanceof Date) return 0;
  return Object.values(value).reduce((sum, member) => sum + count(member), 0);
}
