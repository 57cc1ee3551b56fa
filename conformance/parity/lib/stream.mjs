// An event stream by hand (docs/guide/sse.md): packets come down it, POSTs bring them up.
import { connect } from "node:net";
import { within } from "../../lib/waiting.mjs";
import { requestHead, responseHead } from "./http.mjs";

/** A response of events, as they arrive. */
export class EventStream {
  #bytes = Buffer.alloc(0);
  #text = "";
  #events = [];
  #wanted = [];
  #over = false;

  constructor(port, target, headers) {
    this.socket = connect({ port, host: "127.0.0.1" });
    this.socket.on("data", (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#look();
    });
    for (const event of ["end", "close"]) this.socket.on(event, () => this.#end());
    this.socket.on("error", () => {});
    this.socket.write(requestHead("GET", target, headers));
    this.opened = new Promise((settle) => (this.settle = settle));
    /** The comments that came. */
    this.comments = [];
  }

  /** Status and headers, or the brief form of a refusal. */
  response(limit = 5000) {
    return within(limit, "the head of a stream", this.opened);
  }

  /** The next event, as `[number, data]`, or `end`. */
  next(limit = 5000) {
    if (this.#events.length > 0) return Promise.resolve(this.#events.shift());
    if (this.#over) return Promise.resolve("end");
    const coming = new Promise((settle) => this.#wanted.push(settle));
    return within(limit, "an event", coming);
  }

  /** Drops the connection. */
  abort() {
    this.socket.destroy();
  }

  #look() {
    if (!this.head) {
      this.head = responseHead(this.#bytes);
      if (!this.head) return;
      this.#bytes = this.#bytes.subarray(this.head.size);
      this.settle(this.head);
    }
    if (this.head.status !== 200) return;
    for (;;) {
      const end = this.#bytes.indexOf("\r\n");
      if (end < 0) return;
      const size = Number.parseInt(this.#bytes.subarray(0, end).toString(), 16);
      if (this.#bytes.length < end + size + 4) return;
      this.#text += this.#bytes.subarray(end + 2, end + 2 + size).toString();
      this.#bytes = this.#bytes.subarray(end + size + 4);
      this.#read();
      if (size === 0) this.#end();
    }
  }

  #read() {
    const events = this.#text.split("\n\n");
    this.#text = events.pop();
    for (const event of events) {
      if (event.startsWith(":")) this.comments.push(event);
      else this.#give(parsed(event));
    }
  }

  #give(event) {
    const wanted = this.#wanted.shift();
    if (wanted) wanted(event);
    else this.#events.push(event);
  }

  #end() {
    if (this.#over) return;
    this.#over = true;
    this.settle("no answer");
    for (const wanted of this.#wanted.splice(0)) wanted("end");
  }
}

function parsed(event) {
  const lines = event.split("\n").map((line) => line.split(/: (.*)/s));
  const data = lines.filter(([field]) => field === "data").map(([, value]) => value ?? "");
  return [Number(lines.find(([field]) => field === "id")?.[1]), data.join("\n")];
}

/** A session over an event stream. Packets come one by one; their numbers must have no gap. */
export class Streaming {
  posts = 0;
  heard = 0;

  constructor(peer, query, stream) {
    this.peer = peer;
    this.query = query;
    this.stream = stream;
  }

  /** The next packet, or `end`. */
  async next(limit) {
    const event = await this.stream.next(limit);
    if (event === "end") return event;
    const [number, packet] = event;
    if (number !== this.heard + 1) throw new Error(`event ${number} after ${this.heard}`);
    this.heard = number;
    return packet;
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
      if (what === last || what === "end") return all;
    }
  }

  /** Everything up to the end. */
  rest() {
    return this.until("end");
  }

  /** Posts these packets in one payload; binary as base64. */
  send(...packets) {
    this.posts += 1;
    return this.post(this.posts, packets);
  }

  /** A POST of this number. */
  post(number, packets, options) {
    const text = (packet) =>
      typeof packet === "string" ? packet : `b${packet.toString("base64")}`;
    const query = `${this.query}&seq=${number}&ack=${this.heard}`;
    return this.peer.post(query, packets.map(text).join("\x1e"), options);
  }

  /** Drops the stream. */
  drop() {
    this.stream.abort();
  }

  /** Asks for a stream that goes on behind what was heard. */
  resume() {
    const headers = { "Last-Event-ID": this.heard };
    this.stream = this.peer.stream(this.query, headers);
    return this.stream.response();
  }
}
