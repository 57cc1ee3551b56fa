// A Socket.IO 5 client for a browser: one namespace, over one Engine.IO session at a time.
//
//     const socket = new Socket({ namespace: '/chat', auth: () => ({ nickname: 'Ada' }) });
//     socket.on('message', (message) => show(message));
//     socket.open();
//     const [answer] = await socket.request('say', { text: 'hello' });
//
// Nothing is kept while the socket is not connected: `emit` returns false, `request` rejects.

import { Engine, packetType, wireSize } from './engine.js';

const TYPES = ['CONNECT', 'DISCONNECT', 'EVENT', 'ACK', 'CONNECT_ERROR', 'BINARY_EVENT', 'BINARY_ACK'];
const [CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK] = TYPES.keys();
const MAX_ATTACHMENTS = 10;

export class Socket {
  #options;
  #observers;
  #engine = null;
  #connected = false;
  #listeners = new Map();
  #acks = new Map();
  #nextAck = 0;
  #partial = null;
  #attempt = 0;
  #timer = 0;

  id = null;

  /**
   * Options, all optional: `url` (origin), `path`, `namespace`, `auth` (a function, asked for each
   * connection), `transports` (in order of preference: polling first upgrades), and in milliseconds
   * `timeout` (to be connected), `ackTimeout`, `delay` and `maxDelay` (between attempts).
   * Observers: `state(name, detail)`, `transport(name)`, `packet({direction, transport, data, size})`.
   */
  constructor(options = {}, observers = {}) {
    this.#options = {
      url: location.origin,
      path: '/socket.io/',
      namespace: '/',
      auth: () => undefined,
      transports: ['polling', 'websocket'],
      timeout: 20_000,
      ackTimeout: 10_000,
      delay: 500,
      maxDelay: 5_000,
      ...options,
    };
    this.#observers = observers;
  }

  get connected() {
    return this.#connected;
  }

  get transport() {
    return this.#engine?.transport ?? null;
  }

  /** Calls `listener` with the arguments of each `name` event; an `ack` function comes last if one is awaited. */
  on(name, listener) {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
  }

  /** Connects, at once if it was waiting to try again. The state becomes `connected`, `refused` or `waiting`. */
  open() {
    if (this.#engine) return;
    clearTimeout(this.#timer);
    guarded(this.#observers.state, 'connecting', { attempt: this.#attempt });
    const engine = new Engine(this.#options, {
      open: () => this.#send({ type: CONNECT, data: this.#options.auth() }),
      message: (message) => this.#receive(message),
      transport: (name) => guarded(this.#observers.transport, name),
      packet: (packet) => guarded(this.#observers.packet, packet),
      close: (reason) => this.#lost(engine, reason),
    });
    this.#engine = engine;
    this.#timer = setTimeout(() => engine.fail('timeout'), this.#options.timeout);
    engine.open();
  }

  /** Leaves the namespace, ends the session, and does not come back until `open` is called. */
  close() {
    if (this.#connected) this.#send({ type: DISCONNECT });
    this.#leave('closed', { reason: 'io client disconnect' });
  }

  /** Uses other transports from the next connection on. */
  prefer(transports) {
    this.#options.transports = transports;
  }

  /** Sends an event; false if the socket is not connected. Blob, ArrayBuffer and views go as attachments. */
  emit(name, ...args) {
    if (this.#connected) this.#send({ type: EVENT, data: [name, ...args] });
    return this.#connected;
  }

  /** Sends an event and resolves with the arguments of its acknowledgement. */
  async request(name, ...args) {
    if (!this.#connected) throw new Error('not connected');
    const id = this.#nextAck++;
    this.#send({ type: EVENT, id, data: [name, ...args] });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id)?.reject(new Error('no answer')), this.#options.ackTimeout);
      this.#acks.set(id, { resolve, reject, timer });
    });
  }

  #settle(id) {
    const waiting = this.#acks.get(id);
    this.#acks.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }

  #send({ type, id = '', data }) {
    const attachments = [];
    const searched = type === EVENT || type === ACK ? detach(data, attachments) : data;
    const json = searched === undefined ? '' : JSON.stringify(searched);
    const { namespace } = this.#options;
    const prefix = attachments.length ? `${type + BINARY_EVENT - EVENT}${attachments.length}-` : `${type}`;
    const packets = [`4${prefix}${namespace === '/' ? '' : `${namespace},`}${id}${json}`, ...attachments];
    if (attachments.length > MAX_ATTACHMENTS) throw new RangeError('too many attachments');
    if (packets.some((packet) => wireSize(packet, this.#engine.transport) > this.#engine.maxPayload)) {
      throw new RangeError('larger than the server accepts');
    }
    this.#engine.send(...packets);
  }

  #receive(message) {
    try {
      const packet = this.#assemble(message);
      if (packet && packet.namespace === this.#options.namespace) this.#dispatch(packet);
    } catch {
      this.#engine?.fail('parse error');
    }
  }

  /** Joins a packet with its attachments; undefined while some are missing. */
  #assemble(message) {
    const binary = typeof message !== 'string';
    if (binary !== Boolean(this.#partial)) throw new PacketError('attachment out of place');
    const partial = binary ? this.#partial : { packet: decodePacket(message), attachments: [] };
    if (binary) partial.attachments.push(message);
    this.#partial = partial.attachments.length < partial.packet.attachments ? partial : null;
    if (this.#partial) return undefined;
    const { packet, attachments } = partial;
    return attachments.length ? { ...packet, data: attach(packet.data, attachments) } : packet;
  }

  #dispatch({ type, id, data }) {
    if (type === CONNECT) return this.#joined(data);
    if (type === CONNECT_ERROR) {
      const error = typeof data === 'string' ? { message: data } : data;
      return this.#leave('refused', { error: error ?? { message: 'refused' } });
    }
    if (!this.#connected) return undefined;
    if (type === DISCONNECT) return this.#leave('closed', { reason: 'io server disconnect' });
    if (type === ACK || type === BINARY_ACK) return this.#settle(id)?.resolve(data ?? []);
    const [name, ...args] = data ?? [];
    const ack = (...answer) => this.#connected && this.#send({ type: ACK, id, data: answer });
    for (const listener of this.#listeners.get(name) ?? []) {
      guarded(listener, ...args, ...(id === undefined ? [] : [ack]));
    }
    return undefined;
  }

  #joined(data) {
    if (this.#connected || typeof data?.sid !== 'string') throw new PacketError('unexpected CONNECT');
    clearTimeout(this.#timer);
    this.#connected = true;
    // Only a joined namespace counts as success: a server that accepts and drops must not be hammered.
    this.#attempt = 0;
    this.id = data.sid;
    guarded(this.#observers.state, 'connected', { id: this.id });
  }

  #leave(state, detail) {
    const engine = this.#engine;
    this.#reset('disconnected');
    this.#attempt = 0;
    engine?.close();
    guarded(this.#observers.state, state, detail);
  }

  #lost(engine, reason) {
    if (engine !== this.#engine) return;
    this.#reset(reason);
    const longest = Math.min(this.#options.maxDelay, this.#options.delay * 2 ** this.#attempt);
    const delay = longest * (0.5 + Math.random() / 2);
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.open(), delay);
    guarded(this.#observers.state, 'waiting', { reason, delay, attempt: this.#attempt });
  }

  #reset(reason) {
    clearTimeout(this.#timer);
    this.#engine = null;
    this.#connected = false;
    this.#partial = null;
    this.id = null;
    for (const id of [...this.#acks.keys()]) this.#settle(id).reject(new Error(reason));
    guarded(this.#observers.transport, null);
  }
}

/** What a packet is, in words: the Engine.IO type, and for a message what Socket.IO makes of it. */
export function explain(data) {
  const engine = packetType(data);
  if (typeof data !== 'string' || data[0] === 'b') return { engine, kind: 'attachment' };
  if (engine !== 'message') return { engine, detail: data.slice(1) };
  try {
    const packet = decodePacket(data.slice(1));
    const event = packet.type === EVENT || packet.type === BINARY_EVENT;
    const name = event && packet.data ? String(packet.data[0]) : undefined;
    return { engine, kind: TYPES[packet.type], name, ack: packet.id, namespace: packet.namespace };
  } catch {
    return { engine, kind: 'unknown' };
  }
}

class PacketError extends Error {}

/** Calls the page's code, whose faults are not the connection's. */
function guarded(call, ...args) {
  try {
    call?.(...args);
  } catch (error) {
    reportError(error);
  }
}

/** Decodes the text of a Socket.IO packet; `attachments` says how many binary messages follow. */
function decodePacket(text) {
  const parts = /^([0-6])(?:(\d+)-)?(?:(\/[^,]*)(?:,|$))?(\d+)?(.*)$/s.exec(text);
  if (!parts) throw new PacketError('unknown packet type');
  const [, digit, count, namespace = '/', id, json] = parts;
  const type = Number(digit);
  const binary = type === BINARY_EVENT || type === BINARY_ACK;
  const attachments = Number(count ?? 0);
  if (binary !== (count !== undefined) || attachments > MAX_ATTACHMENTS) throw new PacketError('illegal attachments');
  let data;
  try {
    data = json === '' ? undefined : JSON.parse(json);
  } catch {
    throw new PacketError('invalid payload');
  }
  if (data !== undefined && !isValid(type, data)) throw new PacketError('invalid payload');
  return { type, namespace, id: id === undefined ? undefined : Number(id), data, attachments };
}

function isValid(type, data) {
  const isObject = typeof data === 'object' && data !== null && !Array.isArray(data);
  if (type === CONNECT) return isObject;
  if (type === CONNECT_ERROR) return isObject || typeof data === 'string';
  if (type === DISCONNECT) return false;
  if (type === ACK || type === BINARY_ACK) return Array.isArray(data);
  return Array.isArray(data) && ['string', 'number'].includes(typeof data[0]);
}

const isBinary = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value) || value instanceof Blob;

/** Copies `value` with its binaries moved to `attachments` and placeholders left behind. */
function detach(value, attachments) {
  if (typeof value !== 'object' || value === null || typeof value.toJSON === 'function') return value;
  if (isBinary(value)) return { _placeholder: true, num: attachments.push(value) - 1 };
  if (Array.isArray(value)) return value.map((item) => detach(item, attachments));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, detach(item, attachments)]));
}

function attach(value, attachments) {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => attach(item, attachments));
  if (value._placeholder === true) {
    if (!Number.isInteger(value.num) || !attachments[value.num]) throw new PacketError('illegal attachments');
    return attachments[value.num];
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, attach(item, attachments)]));
}
