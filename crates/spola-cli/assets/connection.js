// The chat's connection: the official client, as the server hands it out, with what the page shows of it.

import { WebSocket as WS, XHR, io } from '/socket.io/socket.io.esm.min.js';
import { SSE } from '/socket.io/spola-sse.js';

// By the names in the page's address; what the client does by itself has none.
const TRANSPORTS = { websocket: [WS], sse: [SSE], polling: [XHR] };
const ACK_TIMEOUT = 10_000;
const DELAY = 500;
const MAX_DELAY = 5_000;

// The digits of Engine.IO and Socket.IO.
const ENGINE_TYPES = ['open', 'close', 'ping', 'pong', 'message', 'upgrade', 'noop'];
const TYPES = ['CONNECT', 'DISCONNECT', 'EVENT', 'ACK', 'CONNECT_ERROR', 'BINARY_EVENT', 'BINARY_ACK'];

export class Connection {
  #socket;
  #observers;
  #engine = null;

  /**
   * `auth` is a function, asked for each connection. Observers: `state(name, detail)`, which is `connecting`,
   * `connected`, `waiting`, `refused` or `closed`; `transport(name)`; `probe(name)`; and
   * `packet({ direction, transport, data, size, type })`.
   */
  constructor({ namespace, auth, transport }, observers) {
    this.#observers = observers;
    this.#socket = io(namespace, {
      auth: (give) => give(auth()),
      transports: TRANSPORTS[transport],
      autoConnect: false,
      reconnectionDelay: DELAY,
      reconnectionDelayMax: MAX_DELAY,
    });
    const { state } = observers;
    const lost = (reason) => state(this.#socket.active ? 'waiting' : 'closed', { reason });
    this.#socket.on('connect', () => state('connected', { recovered: this.#socket.recovered }));
    this.#socket.on('disconnect', lost);
    this.#socket.on('connect_error', (error) => (this.#socket.active ? lost(error.message) : state('refused', { error })));
    this.#socket.io.on('reconnect_attempt', () => {
      state('connecting');
      // The attempt's engine is made right after this.
      queueMicrotask(() => this.#watch());
    });
  }

  get connected() {
    return this.#socket.connected;
  }

  on(name, listener) {
    this.#socket.on(name, listener);
  }

  /** Connects, at once if it was waiting to try again. */
  open() {
    if (this.connected) return;
    this.#socket.disconnect();
    this.#observers.state('connecting');
    this.#socket.connect();
    this.#watch();
  }

  close() {
    this.#socket.disconnect();
  }

  /** Goes by another transport from the next connection on. */
  prefer(transport) {
    this.#socket.io.opts.transports = TRANSPORTS[transport];
  }

  /** Sends an event, unless it cannot go at once. */
  emit(name, ...args) {
    this.#socket.volatile.emit(name, ...args);
  }

  /** Sends an event and resolves with the answer. */
  async request(name, ...args) {
    if (!this.connected) throw new Error('not connected');
    return this.#socket.timeout(ACK_TIMEOUT).emitWithAck(name, ...args);
  }

  /** Observes the Engine.IO session, of which each connection has a new one. */
  #watch() {
    const { engine } = this.#socket.io;
    if (!engine || engine === this.#engine) return;
    this.#engine = engine;
    const { transport, probe, packet } = this.#observers;
    const observe = (direction) => ({ type, data }) => {
      const { name } = engine.transport;
      packet({ direction, transport: name, type, data, size: wireSize(data, name) });
    };
    engine.on('packet', observe('in'));
    engine.on('packetCreate', observe('out'));
    engine.on('open', () => transport(engine.transport.name));
    engine.on('upgrading', ({ name }) => probe(name));
    engine.on('upgrade', ({ name }) => transport(name));
    engine.on('close', () => transport(null));
  }
}

/** Bytes a packet takes: UTF-8 behind its type, and where all is text, base64 behind a `b` for binary. */
function wireSize(data, transport) {
  if (data === undefined || typeof data === 'string') return 1 + new TextEncoder().encode(data ?? '').length;
  const bytes = data.size ?? data.byteLength;
  return transport === 'websocket' ? bytes : 1 + 4 * Math.ceil(bytes / 3);
}

/** A packet as text, or its bytes. */
export function wireText(type, data) {
  return data === undefined || typeof data === 'string' ? `${ENGINE_TYPES.indexOf(type)}${data ?? ''}` : data;
}

/** What a packet is, in words: the Engine.IO type, and for a message what Socket.IO makes of it. */
export function explain(engine, data) {
  if (engine !== 'message') return { engine };
  if (typeof data !== 'string') return { engine, kind: 'attachment' };
  const [, digit, , , ack, json] = /^([0-6])(?:(\d+)-)?(?:(\/[^,]*)(?:,|$))?(\d+)?(.*)$/s.exec(data) ?? [];
  const kind = TYPES[digit];
  if (kind !== 'EVENT' && kind !== 'BINARY_EVENT') return { engine, kind: kind ?? 'unknown', ack };
  try {
    return { engine, kind, name: String(JSON.parse(json)[0]), ack };
  } catch {
    return { engine, kind: 'unknown' };
  }
}
