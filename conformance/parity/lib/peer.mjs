// One row's dealings with a server. All that it opened ends with the row.
import { sleep } from "../../lib/waiting.mjs";
import { exchange } from "./http.mjs";
import { EventStream, Streaming } from "./stream.mjs";
import { Wire } from "./websocket.mjs";

const ENGINE = "/socket.io/?";
const POLLING = "EIO=4&transport=polling";
const WEBSOCKET = "EIO=4&transport=websocket";
const SSE = "EIO=4&transport=sse";

/** The ids that a server makes up, by the shape they must have. */
export const masked = (text) => text.replace(/"(sid|pid)":"[A-Za-z0-9_-]{20}"/g, '"$1":"<id>"');

/** The JSON after the digits of a packet. */
export const json = (packet) => JSON.parse(packet.slice(packet.search(/[[{"]/)));

export class Peer {
  #open = new Set();

  constructor(server) {
    this.server = server;
  }

  /** Which server this is, for the few rows that must know what they look at. */
  get name() {
    return this.server.name;
  }

  /** A request to the engine, on its way. */
  exchange(method, query, options) {
    return this.exchangeAt(method, `${ENGINE}${query}`, options);
  }

  exchangeAt(method, target, options) {
    const sent = exchange(this.server.port, method, target, options);
    this.#open.add(sent);
    return sent;
  }

  get(query, options) {
    return this.exchange("GET", query, options).response();
  }

  post(query, body, options) {
    return this.exchange("POST", query, { body, ...options }).response();
  }

  /** A request for any target. */
  at(method, target, options) {
    return this.exchangeAt(method, target, options).response();
  }

  /** A WebSocket that has asked to be opened. */
  upgrade(query, options) {
    const wire = new Wire(this.server.port, `${ENGINE}${query}`, options);
    this.#open.add(wire);
    return wire;
  }

  upgradeAt(target, options) {
    const wire = new Wire(this.server.port, target, options);
    this.#open.add(wire);
    return wire;
  }

  /** A session by polling, its open packet read. */
  async polling(query = "", options = {}) {
    const open = await this.get(query.includes("EIO=") ? query : `${POLLING}${query}`, options);
    return new Polling(this, open, query);
  }

  /** A session by WebSocket, its open packet read. */
  async wire(query = "", options = {}) {
    const wire = this.upgrade(query.includes("EIO=") ? query : `${WEBSOCKET}${query}`, options);
    wire.open = await wire.next();
    wire.engine = json(wire.open).sid;
    return wire;
  }

  /** An event stream that was asked for. */
  stream(query, headers) {
    const stream = new EventStream(this.server.port, `${ENGINE}${query}`, headers);
    this.#open.add(stream);
    return stream;
  }

  /** A session by an event stream, its open packet read. */
  async streaming(query = "") {
    const session = new Streaming(this, SSE, this.stream(`${SSE}${query}`));
    session.head = await session.stream.response();
    session.open = await session.next();
    session.engine = json(session.open).sid;
    session.query = `${SSE}&sid=${session.engine}`;
    return session;
  }

  /** An event stream that a polling session may move to, not probed yet. */
  async streamOf({ engine }) {
    const query = `${SSE}&sid=${engine}`;
    const session = new Streaming(this, query, this.stream(query));
    await session.stream.response();
    return session;
  }

  /** A session with the root namespace joined by this packet. */
  async joined(transport = "websocket", { connect = "40", query = "", ...options } = {}) {
    const open = { polling: this.polling, websocket: this.wire, sse: this.streaming }[transport];
    const session = await open.call(this, query, options);
    await session.send(connect);
    session.reply = await session.next();
    session.id = json(session.reply).sid;
    return session;
  }

  /** A session that began by polling and has asked for a WebSocket, not probed yet. */
  async upgrading(session) {
    const wire = this.upgrade(`${WEBSOCKET}&sid=${session.engine}`);
    await wire.response();
    return wire;
  }

  /** Tells why a socket left, as the server's application saw it. */
  async reason(id, limit) {
    return (await this.server.logged({ at: "disconnect", id }, limit)).reason;
  }

  logged(wanted, limit) {
    return this.server.logged(wanted, limit);
  }

  order(what) {
    return this.server.order(what);
  }

  /** Keeps something with a `close` or `abort` until the row ends. */
  keep(what) {
    this.#open.add(what);
    return what;
  }

  end() {
    for (const one of this.#open) (one.abort ?? one.close).call(one);
    this.#open.clear();
  }
}

/** A session by polling. Packets come one by one, whatever payload they were in. */
export class Polling {
  #kept = [];

  constructor(peer, open, query) {
    this.peer = peer;
    this.open = open;
    const first = open.text.match(/"sid":"([^"]*)"/);
    this.engine = first?.[1];
    const base = query.includes("EIO=") ? query : `${POLLING}${query}`;
    this.query = `${base}&sid=${this.engine}`;
  }

  /** A GET that is under way. */
  polls(options) {
    return this.peer.exchange("GET", this.query, options);
  }

  get(options) {
    return this.polls(options).response();
  }

  post(body, options) {
    return this.peer.post(this.query, body, options);
  }

  /** Posts these packets in one payload; binary as base64. */
  send(...packets) {
    const text = (packet) =>
      typeof packet === "string" ? packet : `b${packet.toString("base64")}`;
    return this.post(packets.map(text).join("\x1e"));
  }

  /** The next packet, or what a refused GET says. */
  async next(limit = 5000) {
    if (this.#kept.length === 0) {
      const answer = await this.polls().response(limit);
      if (answer.status !== 200) return answer.brief ?? answer;
      this.#kept.push(...answer.text.split("\x1e"));
    }
    return this.#kept.shift();
  }

  async take(count) {
    const all = [];
    while (all.length < count) all.push(await this.next());
    return all;
  }

  async until(last) {
    const all = [];
    for (;;) {
      const what = await this.next();
      all.push(what);
      if (what === last || what === "no answer" || /^[45]\d\d( \{|$)/.test(what)) return all;
    }
  }

  /** What the server thinks of the session, asked by a packet that does no harm. */
  async state() {
    const { status, text } = await this.post("3");
    return status === 200 ? "alive" : `${status} ${text}`;
  }
}

/**
 * What came of the packets sent before: everything up to the answer to one more event, which is
 * written `alive`, or to the end of the session.
 */
export async function outcome(session) {
  const sentinel = "43987654[]";
  await session.send('42987654["ack"]');
  const all = await session.until(sentinel);
  return all.map((what) => (what === sentinel ? "alive" : what));
}

/** A machine that has much to do is late by as much. What is too early is an error on any. */
const PATIENCE = 5;

/** `promise` with how long it took, as one of two words. */
export async function timed(promise, atLeast, atMost) {
  const since = performance.now();
  const value = await promise;
  const took = Math.round(performance.now() - since);
  const fits = took >= atLeast && took <= atMost * PATIENCE;
  return [value, fits ? "in time" : `after ${took} ms, not ${atLeast} to ${atMost}`];
}

export { sleep };
