// Server-Sent Events as a transport of the official client, socket.io-client 4.8 or engine.io-client 6.6,
// in browsers and in Node.js 18 or newer:
//
//     const socket = io(url, { transports: [SSE] });
//
// or as an upgrade from polling: `{ transports: [XHR, SSE], query: { sse: 1 } }`. The server is Spola; the
// protocol is described in its guide, docs/guide/sse.md. `transportOptions: { sse: { … } }` may set:
const DEFAULTS = {
  /** Milliseconds for a stream to begin; a proxy that holds it back lets none begin. */
  openTimeout: 10_000,
  /** Milliseconds during which a dropped stream or a failed POST is tried again. The server waits 10 s. */
  resumeTimeout: 10_000,
  /** Milliseconds of silence after which a stream counts as dropped. The server is never silent for 15 s. */
  silenceTimeout: 35_000,
  /** Characters received, 64 more for each packet, after which the server is told that they arrived. */
  acknowledgeAfter: 64 << 10,
};

/** Milliseconds by which a probe is late if WebSocket is to be probed as well. */
const WEBSOCKET_FIRST = 1000;

/** Bytes of packets that share a POST: on a bad connection what is small gets through. */
const BODY = 64 << 10;

const TYPES = ["open", "close", "ping", "pong", "message", "upgrade", "noop"];
const SEPARATOR = "\x1e";
const DROPPED = Symbol("dropped");

const sleep = (milliseconds) => new Promise((settle) => setTimeout(settle, milliseconds));
const backoff = (attempt) => Math.min(2000, 100 * 2 ** attempt) * (0.5 + Math.random());

/** Whether a request with this answer may be sent again: the session had no say in it. */
const isPassing = (status) => status >= 500 || status === 408 || status === 429;

class Emitter {
  #listeners = new Map();

  on(event, listener) {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
    return this;
  }

  once(event, listener) {
    const once = (...values) => {
      this.off(event, once);
      listener(...values);
    };
    once.listener = listener;
    return this.on(event, once);
  }

  off(event, listener) {
    const others = (other) => other !== listener && other.listener !== listener;
    if (event === undefined) this.#listeners.clear();
    else if (listener === undefined) this.#listeners.delete(event);
    else this.#listeners.set(event, (this.#listeners.get(event) ?? []).filter(others));
    return this;
  }

  removeListener(event, listener) {
    return this.off(event, listener);
  }

  removeAllListeners(event) {
    return this.off(event);
  }

  emit(event, ...values) {
    for (const listener of this.#listeners.get(event) ?? []) listener(...values);
    return this;
  }
}

/** The events of a stream, from its text in pieces. */
class EventReader {
  #line = "";
  #skipLineFeed = false;
  #event = { id: "", name: "", data: null };

  *read(text) {
    let from = this.#skipLineFeed && text.startsWith("\n") ? 1 : 0;
    if (text !== "") this.#skipLineFeed = text.endsWith("\r");
    const ends = /\r\n|\r|\n/g;
    ends.lastIndex = from;
    for (let end = ends.exec(text); end; end = ends.exec(text)) {
      const line = this.#line + text.slice(from, end.index);
      this.#line = "";
      from = ends.lastIndex;
      if (line === "") {
        const { id, name, data } = this.#event;
        this.#event = { id, name: "", data: null };
        if (data !== null) yield { id, name, data: data.join("\n") };
      } else {
        this.#field(line);
      }
    }
    this.#line += text.slice(from);
  }

  #field(line) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "id") this.#event.id = value;
    else if (name === "event") this.#event.name = value;
    else if (name === "data") (this.#event.data ??= []).push(value);
  }
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function base64Of(bytes) {
  let text = "";
  for (let from = 0; from < bytes.length; from += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(from, from + 0x8000));
  }
  return btoa(text);
}

function decode(text, binaryType) {
  if (text[0] === "b") {
    const bytes = bytesOf(text.slice(1));
    if (binaryType === "nodebuffer") return { type: "message", data: Buffer.from(bytes.buffer) };
    if (binaryType === "blob") return { type: "message", data: new Blob([bytes]) };
    return { type: "message", data: bytes.buffer };
  }
  const type = TYPES[text[0]];
  if (type === undefined) return { type: "error", data: "parser error" };
  return text.length > 1 ? { type, data: text.slice(1) } : { type };
}

async function encode({ type, data }) {
  if (data === undefined || data === null || typeof data === "string") {
    return `${TYPES.indexOf(type)}${data ?? ""}`;
  }
  if (typeof Blob === "function" && data instanceof Blob) data = await data.arrayBuffer();
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
  return `b${base64Of(bytes)}`;
}

/** The bodies of as few POSTs as hold these packets, none longer than `limit` that could be shorter. */
function* bodies(packets, limit) {
  const utf8 = new TextEncoder();
  let body;
  let length = 0;
  for (const packet of packets) {
    const size = utf8.encode(packet).length;
    if (body !== undefined && length + 1 + size > limit) {
      yield body;
      body = undefined;
    }
    length = body === undefined ? size : length + 1 + size;
    body = body === undefined ? packet : body + SEPARATOR + packet;
  }
  if (body !== undefined) yield body;
}

/** The transport: what engine.io-client expects of one. */
class SSE extends Emitter {
  readyState = "";
  writable = false;
  supportsBinary = true;

  #settings;
  /** Whether the session travels by this transport, or is only tried. */
  #isSessions;
  #over = false;
  #stream = new AbortController();
  /** The number of the last event. */
  #last = 0;
  /** What has come since the server was told. */
  #untold = 0;
  /** The number of the last POST. */
  #posts = 0;
  #waiting = 0;
  #posted = Promise.resolve();

  constructor(opts) {
    super();
    this.opts = opts;
    this.query = opts.query;
    this.socket = opts.socket;
    this.#isSessions = !opts.query.sid;
    const given = Object.keys(DEFAULTS).filter((name) => opts[name] !== undefined);
    this.#settings = { ...DEFAULTS, ...Object.fromEntries(given.map((name) => [name, opts[name]])) };
  }

  get name() {
    return "sse";
  }

  open() {
    this.readyState = "opening";
    const upgrades = this.#isSessions ? [] : (this.socket._upgrades ?? []);
    if (upgrades.includes("websocket")) sleep(WEBSOCKET_FIRST).then(() => this.#run());
    else this.#run();
    return this;
  }

  close() {
    if (this.readyState === "opening" || this.readyState === "open") {
      this.#end();
      if (this.#isSessions && this.query.sid) this.#sayGoodbye();
      this.#closed();
    }
    return this;
  }

  send(packets) {
    if (this.readyState === "open") this.#write(packets);
  }

  /** No session upgrades from this transport to another. */
  pause(paused) {
    paused();
  }

  async #run() {
    let droppedAt;
    for (let attempt = 0; !this.#over; attempt += 1) {
      const startedAt = Date.now();
      const { heard, failure } = await this.#read();
      if (this.#over) return;
      if (failure !== DROPPED) return this.#fail("sse stream error", failure);
      if (!this.#isSessions || this.readyState !== "open") {
        return this.#fail("sse stream error", "the stream has dropped");
      }
      if (heard) droppedAt = undefined;
      droppedAt ??= Date.now();
      if (Date.now() - droppedAt > this.#settings.resumeTimeout) {
        return this.#fail("sse stream error", "the stream could not be resumed");
      }
      // At once after a stream that worked.
      if (heard && Date.now() - startedAt > 1000) attempt = 0;
      else await sleep(backoff(attempt));
    }
  }

  /** One stream from its request to its end: whether something came, and how it ended. */
  async #read() {
    const stream = new AbortController();
    this.#stream = stream;
    let timer;
    const wait = (milliseconds) => {
      clearTimeout(timer);
      timer = setTimeout(() => stream.abort(), milliseconds);
    };
    let heard = false;
    try {
      wait(this.#settings.openTimeout);
      const parameters = this.#last > 0 ? { lastEventId: this.#last } : {};
      const headers = { accept: "text/event-stream" };
      const response = await this.#fetch(parameters, { headers, signal: stream.signal });
      const type = response.headers.get("content-type") ?? "";
      if (response.status !== 200 || !type.startsWith("text/event-stream")) {
        return { heard, failure: isPassing(response.status) ? DROPPED : response.status };
      }
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      const events = new EventReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || this.#over) return { heard, failure: DROPPED };
        wait(this.#settings.silenceTimeout);
        // Not before: what comes through may have been held back until now.
        if (!heard && !this.#isSessions) this.#opened();
        heard = true;
        for (const event of events.read(decoder.decode(value, { stream: true }))) {
          this.#take(event);
          if (this.#over) return { heard };
        }
      }
    } catch {
      return { heard, failure: DROPPED };
    } finally {
      clearTimeout(timer);
      stream.abort();
    }
  }

  #take({ id, name, data }) {
    if (Number(id) !== this.#last + 1) {
      return this.#fail("sse stream error", `event ${id} after ${this.#last}`);
    }
    this.#last += 1;
    this.#untold += data.length + 64;
    const text = name === "base64" ? new TextDecoder().decode(bytesOf(data)) : data;
    const packet = decode(text, this.socket.binaryType);
    if (packet.type === "open" && this.readyState === "opening") this.#opened();
    if (packet.type === "close") {
      this.#end();
      return this.#closed({ description: "transport closed by the server" });
    }
    try {
      this.emit("packet", packet);
    } catch (error) {
      // The application's: for all to see, and no reason to drop the stream.
      setTimeout(() => {
        throw error;
      });
    }
    if (this.#untold > this.#settings.acknowledgeAfter && this.#waiting === 0) this.#post("6");
  }

  async #write(packets) {
    this.writable = false;
    if (packets.some(({ type }) => type === "upgrade")) this.#isSessions = true;
    // Packets that are added to the array from now on are for the next turn.
    const texts = await Promise.all([...packets].map(encode));
    for (const body of bodies(texts, Math.min(BODY, this.socket._maxPayload || BODY))) {
      if (!(await this.#post(body))) return;
    }
    this.writable = true;
    this.emit("drain");
  }

  /** Sends a POST behind those before; whether it was taken. */
  #post(body) {
    this.#waiting += 1;
    const taken = this.#posted.then(() => this.#postNow(body)).finally(() => (this.#waiting -= 1));
    this.#posted = taken;
    return taken;
  }

  async #postNow(body) {
    if (this.#over) return false;
    const seq = (this.#posts += 1);
    let failedAt;
    for (let attempt = 0; !this.#over; attempt += 1) {
      let answer;
      try {
        const told = this.#last;
        this.#untold = 0;
        const signal = AbortSignal.timeout(this.#settings.silenceTimeout);
        const response = await this.#fetch({ seq, ack: told }, { ...this.#body(body), signal });
        await response.text();
        if (response.ok) return true;
        answer = response.status;
      } catch (error) {
        answer = error;
      }
      if (this.#over) return false;
      failedAt ??= Date.now();
      const isLate = Date.now() - failedAt > this.#settings.resumeTimeout;
      if (isLate || (typeof answer === "number" && !isPassing(answer))) {
        this.#fail("sse post error", answer);
        return false;
      }
      await sleep(backoff(attempt));
    }
    return false;
  }

  #sayGoodbye() {
    const close = () => {
      const seq = (this.#posts += 1);
      this.#fetch({ seq }, { ...this.#body("1"), keepalive: true }).catch(() => {});
    };
    // At once if possible: the page may be going.
    if (this.#waiting === 0) close();
    else this.#posted.finally(close);
  }

  #body(body) {
    return { method: "POST", body, headers: { "content-type": "text/plain;charset=UTF-8" } };
  }

  async #fetch(parameters, init) {
    const headers = new Headers(this.opts.extraHeaders);
    for (const [name, value] of Object.entries(init.headers)) headers.set(name, value);
    this.socket._cookieJar?.appendCookies(headers);
    const response = await fetch(this.#uri(parameters), {
      ...init,
      headers,
      cache: "no-store",
      credentials: this.opts.withCredentials ? "include" : "same-origin",
    });
    this.socket._cookieJar?.parseCookies(response.headers.getSetCookie());
    return response;
  }

  #uri(parameters) {
    const { secure, hostname, port, path } = this.opts;
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    const isUsual = !port || Number(port) === (secure ? 443 : 80);
    const query = new URLSearchParams({ ...this.query, ...parameters });
    return `${secure ? "https" : "http"}://${host}${isUsual ? "" : `:${port}`}${path}?${query}`;
  }

  #opened() {
    this.readyState = "open";
    this.writable = true;
    this.emit("open");
  }

  /** Ends the stream and whatever is still tried. */
  #end() {
    this.#over = true;
    this.#stream.abort();
  }

  #closed(details) {
    this.readyState = "closed";
    this.emit("close", details);
  }

  #fail(reason, description) {
    const error = Object.assign(new Error(reason), { type: "TransportError", description });
    this.#end();
    this.emit("error", error);
  }
}

export { SSE };
