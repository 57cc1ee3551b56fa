// One Engine.IO 4 session of a browser: long-polling, WebSocket, and the upgrade from one to the other.

const TYPES = ['open', 'close', 'ping', 'pong', 'message', 'upgrade', 'noop'];
const SEPARATOR = '\x1e';
const PROBE_TIMEOUT = 10_000;

/** One Engine.IO session. It ends once, by `close`, or by itself with `hooks.close(reason)`. */
export class Engine {
  #options;
  #hooks;
  #sid = null;
  #patience = 0;
  #outbox = [];
  #webSocket = null;
  #abort = new AbortController();
  #reading = null;
  #writing = null;
  #paused = false;
  #closed = false;
  #heartbeat = 0;

  transport = null;
  maxPayload = Infinity;

  constructor(options, hooks) {
    this.#options = options;
    this.#hooks = hooks;
  }

  async open() {
    for (const transport of this.#options.transports) {
      try {
        await (transport === 'polling' ? this.#openPolling() : this.#openWebSocket());
        return;
      } catch {
        if (this.#closed) return;
      }
    }
    this.fail('transport error');
  }

  send(...packets) {
    this.#outbox.push(...packets);
    this.#flush();
  }

  close() {
    if (this.#closed) return;
    if (this.transport !== 'polling') return this.#finish();
    this.#closed = true;
    const rest = [...this.#outbox.filter((packet) => typeof packet === 'string'), '1'];
    for (const packet of rest) this.#observe('out', 'polling', packet);
    const post = () => this.#fetch({ method: 'POST', body: rest.join(SEPARATOR), keepalive: true });
    const settled = this.#writing ? this.#writing.then(post) : post();
    settled.catch(() => undefined).then(() => this.#finish());
    return undefined;
  }

  fail(reason) {
    if (this.#closed) return;
    this.#finish();
    this.#hooks.close(reason);
  }

  #finish() {
    this.#closed = true;
    clearTimeout(this.#heartbeat);
    this.#abort.abort();
    this.#webSocket?.close();
  }

  #begin(transport, packet) {
    if (typeof packet !== 'string' || packet[0] !== '0') throw new Error('expected an open packet');
    const { sid, upgrades = [], pingInterval, pingTimeout, maxPayload } = JSON.parse(packet.slice(1));
    this.#observe('in', transport, packet);
    this.#sid = sid;
    this.#patience = pingInterval + pingTimeout;
    this.maxPayload = maxPayload ?? Infinity;
    this.#beat();
    this.#switch(transport);
    this.#hooks.open();
    return upgrades;
  }

  #switch(transport) {
    this.transport = transport;
    this.#hooks.transport(transport);
  }

  /** Only pings restart the timer (Engine.IO v4, heartbeat). */
  #beat() {
    clearTimeout(this.#heartbeat);
    this.#heartbeat = setTimeout(() => this.fail('ping timeout'), this.#patience);
  }

  #receive(packet) {
    this.#observe('in', this.transport, packet);
    if (typeof packet !== 'string') return this.#hooks.message(packet);
    switch (packet[0]) {
      case '1':
        return this.transport === 'polling' ? this.fail('transport close') : undefined;
      case '2':
        this.#beat();
        return this.send('3');
      case '4':
        return this.#hooks.message(packet.slice(1));
      case 'b':
        return this.#receiveBase64(packet.slice(1));
      case '0':
      case '3':
      case '5':
      case '6':
        return undefined;
      default:
        return this.fail('parse error');
    }
  }

  #receiveBase64(text) {
    let bytes;
    try {
      bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
    } catch {
      return this.fail('parse error');
    }
    return this.#hooks.message(bytes);
  }

  #flush() {
    if (this.#closed) return;
    if (this.transport === 'websocket') {
      for (const packet of this.#outbox.splice(0)) this.#sendFrame(packet);
    } else if (!this.#paused) {
      if (this.#outbox.length) this.#writing ??= this.#write();
    }
  }

  // Long-polling: at most one GET and one POST in flight.

  async #openPolling() {
    const [first, ...rest] = await this.#get();
    const upgrades = this.#begin('polling', first);
    for (const packet of rest) this.#receive(packet);
    this.#resume();
    if (upgrades.includes('websocket') && this.#options.transports.includes('websocket')) this.#upgrade();
  }

  #resume() {
    if (this.#closed) return;
    this.#paused = false;
    this.#reading ??= this.#read();
    this.#flush();
  }

  async #read() {
    while (!this.#paused && !this.#closed) {
      try {
        for (const packet of await this.#get()) if (!this.#closed) this.#receive(packet);
      } catch {
        this.fail('transport error');
      }
    }
    this.#reading = null;
  }

  async #write() {
    while (this.#outbox.length && !this.#paused && !this.#closed) {
      const packets = this.#takeBatch();
      for (const packet of packets) this.#observe('out', 'polling', packet);
      try {
        const body = (await Promise.all(packets.map(encodeText))).join(SEPARATOR);
        await this.#fetch({ method: 'POST', body, signal: this.#abort.signal });
      } catch {
        this.fail('transport error');
      }
    }
    this.#writing = null;
  }

  #takeBatch() {
    let count = 0;
    let size = -1;
    for (const packet of this.#outbox) {
      size += wireSize(packet, 'polling') + 1;
      if (count && size > this.maxPayload) break;
      count += 1;
    }
    return this.#outbox.splice(0, count);
  }

  async #get() {
    const response = await this.#fetch({ cache: 'no-store', signal: this.#abort.signal });
    return (await response.text()).split(SEPARATOR);
  }

  async #fetch(request) {
    const response = await fetch(this.#address('polling'), request);
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    return response;
  }

  // WebSocket.

  #openWebSocket() {
    return new Promise((resolve, reject) => {
      const webSocket = this.#dial();
      webSocket.onclose = () => reject(new Error('no WebSocket'));
      webSocket.onmessage = ({ data }) => {
        try {
          this.#adopt(webSocket);
          resolve(this.#begin('websocket', data));
        } catch (error) {
          webSocket.onclose = webSocket.onmessage = null;
          webSocket.close();
          reject(error);
        }
      };
    });
  }

  #dial() {
    const webSocket = new WebSocket(this.#address('websocket'));
    webSocket.binaryType = 'arraybuffer';
    this.#webSocket = webSocket;
    return webSocket;
  }

  #adopt(webSocket) {
    webSocket.onmessage = ({ data }) => !this.#closed && this.#receive(data);
    webSocket.onclose = () => this.fail('transport close');
  }

  #sendFrame(packet) {
    this.#observe('out', 'websocket', packet);
    this.#webSocket.send(packet);
  }

  /** Probes a WebSocket beside the polling (Engine.IO v4, Upgrade). Whatever goes wrong, polling goes on. */
  #upgrade() {
    const webSocket = this.#dial();
    const giveUp = () => {
      clearTimeout(timer);
      webSocket.onopen = webSocket.onmessage = webSocket.onclose = null;
      webSocket.close();
      this.#resume();
    };
    const timer = setTimeout(giveUp, PROBE_TIMEOUT);
    webSocket.onopen = () => this.#sendFrame('2probe');
    webSocket.onclose = giveUp;
    webSocket.onmessage = async ({ data }) => {
      this.#observe('in', 'websocket', data);
      if (data !== '3probe') return giveUp();
      this.#paused = true;
      await Promise.all([this.#reading, this.#writing]);
      // The probe may have failed, or the session ended, while the last requests were in flight.
      if (this.#closed || !this.#paused || webSocket.onclose !== giveUp) return undefined;
      clearTimeout(timer);
      this.#adopt(webSocket);
      this.#sendFrame('5');
      this.#switch('websocket');
      return this.#flush();
    };
  }

  #address(transport) {
    const url = new URL(this.#options.path, this.#options.url);
    if (transport === 'websocket') url.protocol = url.protocol.replace('http', 'ws');
    url.searchParams.set('EIO', '4');
    url.searchParams.set('transport', transport);
    if (transport === 'polling') url.searchParams.set('t', Math.random().toString(36).slice(2, 10));
    if (this.#sid) url.searchParams.set('sid', this.#sid);
    return url;
  }

  #observe(direction, transport, data) {
    this.#hooks.packet({ direction, transport, data, size: wireSize(data, transport) });
  }
}

/** The type of a packet in words, `unknown` if there is none such. */
export function packetType(data) {
  if (typeof data !== 'string' || data[0] === 'b') return 'message';
  return TYPES[data[0]] ?? 'unknown';
}

/** Bytes a packet takes on the wire: as UTF-8, and base64 behind a `b` where polling carries binary. */
export function wireSize(data, transport) {
  if (typeof data === 'string') return new TextEncoder().encode(data).length;
  const bytes = data.size ?? data.byteLength;
  return transport === 'polling' ? 1 + 4 * Math.ceil(bytes / 3) : bytes;
}

async function encodeText(packet) {
  if (typeof packet === 'string') return packet;
  const bytes = new Uint8Array(await new Blob([packet]).arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return `b${btoa(text)}`;
}
