// How the official codecs read messages, and how ours did, both in one form: JSON, with bytes as
// `{ $bytes: "0a…" }`.
import * as eio from "engine.io-parser";
import msgpack from "socket.io-msgpack-parser";
import { Decoder } from "socket.io-parser";

const received = (message) =>
  "text" in message ? message.text : Buffer.from(message.binary, "hex");

/** A value as JSON would have it, bytes apart. */
export function plain(value) {
  if (value instanceof ArrayBuffer) return { $bytes: Buffer.from(value).toString("hex") };
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { $bytes: bytes.toString("hex") };
  }
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "number") return Number.isFinite(value) ? value + 0 : null;
  if (value instanceof Date) return value.toJSON();
  if (Array.isArray(value)) return Array.from(value, (element) => plain(element) ?? null);
  if (value === null || typeof value !== "object") return value;
  const object = {};
  for (const [key, member] of Object.entries(value)) {
    const converted = plain(member);
    if (converted !== undefined) object[key.toWellFormed()] = converted;
  }
  return object;
}

/** A packet in the common form. Ids of packets that have none by the protocol do not count. */
function packet({ type, nsp, id, data }) {
  const common = { type, nsp: nsp.toWellFormed() };
  if ((type === 2 || type === 3) && id !== undefined) common.id = id;
  if (data !== undefined) common.data = plain(data);
  // What is left out reads as nothing in it.
  else if (type === 3) common.data = [];
  else if (type === 4) common.data = {};
  return common;
}

/** What the official decoder reads of the messages of a Socket.IO connection. */
export function sockets(codec, messages) {
  const decoder = codec === "text" ? new Decoder() : new msgpack.Decoder();
  const packets = [];
  const raw = [];
  let pending = [];
  decoder.on("decoded", (decoded) => {
    raw.push(decoded);
    packets.push(packet(decoded));
  });
  for (const message of messages) {
    try {
      // The official server hands a text to the MessagePack decoder, too, which fails over it.
      if (codec === "messagepack" && "text" in message) throw new Error("text");
      decoder.add(received(message));
    } catch (error) {
      return { packets, raw: [...raw, ...pending], error: true, why: error.message };
    }
    // A packet whose attachments are due.
    pending = decoder.reconstructor ? [decoder.reconstructor.packet] : [];
  }
  return { packets, raw: [...raw, ...pending], error: false };
}

/** What the official decoder reads of Engine.IO packets, or of payloads. */
export function engine(codec, messages) {
  const packets = [];
  for (const message of messages) {
    const decoded =
      codec === "packet"
        ? [eio.decodePacket(received(message), "nodebuffer")]
        : eio.decodePayload(received(message), "nodebuffer");
    for (const { type, data } of decoded) {
      if (type === "error") return { packets, error: true, why: data };
      packets.push(enginePacket(type, data));
    }
  }
  return { packets, error: false };
}

/** What follows a type that has no data is dropped. */
function enginePacket(type, data) {
  if (type === "ping" || type === "pong") return { type, probe: data === "probe" };
  if (type === "open") return { type, data: data ?? "" };
  if (type !== "message") return { type };
  if (typeof data === "string") return { type, data };
  return data === undefined ? { type, data: "" } : { type, binary: data.toString("hex") };
}

/** What our example tells of a packet, in the common form. */
export function ours(told) {
  if (typeof told.type === "string") return told;
  const { type, nsp, id, data } = told;
  const common = { type, nsp };
  if (id !== null) common.id = id;
  if (data !== null) common.data = plain(restored(JSON.parse(data.json), data.attachments));
  return common;
}

function restored(value, attachments) {
  if (attachments.length === 0 || value === null || typeof value !== "object") return value;
  if (value._placeholder === true) return Buffer.from(attachments[value.num], "hex");
  if (Array.isArray(value)) return value.map((element) => restored(element, attachments));
  const members = Object.entries(value).map(([key, member]) => [key, restored(member, attachments)]);
  return Object.fromEntries(members);
}
