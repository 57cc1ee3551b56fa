// The panel that lays the wire open: transport, round trip, frames, and the cloth they weave.

import { explain, wireText } from './connection.js';

const MAX_FRAMES = 200;
const MAX_SAMPLES = 40;
const MIN_SAMPLES = 8;
const SHOWN_TEXT = 160;
const MAX_PICKS = 512;
const WARP_THREADS = 8;
const THREAD = 6;
const NAMES = { polling: 'polling', websocket: 'WebSocket', sse: 'SSE' };
// How a packet goes: in, out.
const WAYS = { polling: ['get', 'post'], websocket: ['ws', 'ws'], sse: ['sse', 'post'] };

const $ = (id) => document.getElementById(id);
const scheme = matchMedia('(prefers-color-scheme: dark)');

const samples = [];
const picks = [];
const pings = new Set();
const totals = { in: 0, out: 0 };
const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
let paused = false;
let drawing = false;
let woven = 0;

export function startWire() {
  $('pause').addEventListener('click', togglePause);
  $('clear').addEventListener('click', clear);
  $('hide-pings').addEventListener('change', ({ target }) => $('frames').classList.toggle('no-pings', target.checked));
  scheme.addEventListener('change', drawWeave);
  new ResizeObserver(drawWeave).observe($('weave'));
}

export function showTransport(name) {
  const before = $('transport').dataset.transport;
  $('transport').textContent = name ? NAMES[name] : '–';
  $('transport').dataset.transport = name ?? '';
  $('status-transport').textContent = name ? `by ${NAMES[name]}` : '';
  if (name) addLine(before ? `upgraded to ${name}` : `open over ${name}`);
  if (!name && before) addLine('session ended');
  if (!name) showSession('');
}

export function showProbe(name) {
  addLine(`probing ${name}`);
}

/** Whether the server knew the socket from before: `new`, `recovered`, or empty while there is none. */
export function showSession(state) {
  $('session').textContent = state || '–';
  $('session').dataset.session = state;
  if (state === 'recovered') addLine('recovered, with the same id');
}

export function showRoundTrip(milliseconds) {
  samples.push(milliseconds);
  if (samples.length > MAX_SAMPLES) samples.shift();
  const digits = milliseconds < 10 ? 1 : 0;
  $('round-trip').textContent = `${milliseconds.toFixed(digits)} ms`;
  const top = Math.max(...samples, 1);
  const step = 100 / (Math.max(samples.length, MIN_SAMPLES) - 1);
  const points = samples.map((value, index) => `${(index * step).toFixed(1)},${(22 - (20 * value) / top).toFixed(1)}`);
  $('spark').firstElementChild.setAttribute('points', points.join(' '));
}

export function showPacket({ direction, transport, type, data, size }) {
  totals[direction] += size;
  $(`total-${direction}`).textContent = bytes(totals[direction]);
  const words = explain(type, data);
  const ping = isPing(direction, words);
  weave(direction, words);
  if (paused) return;
  const item = document.createElement('li');
  item.className = `frame ${direction}${ping ? ' ping' : ''}${words.kind === 'attachment' ? ' binary' : ''}`;
  item.append(
    part('span', 'way', direction === 'out' ? '→' : '←', direction === 'out' ? 'sent' : 'received'),
    title(words),
    part('span', 'size', `${WAYS[transport][direction === 'in' ? 0 : 1]} · ${bytes(size)}`),
  );
  const text = shorten(wireText(type, data));
  if (text) item.append(part('code', 'text', text));
  prepend(item);
}

/** The page's own round-trip pings and their acks, which may be hidden. */
function isPing(direction, { kind, name, ack }) {
  if (direction === 'out' && name === 'ping') {
    pings.add(ack);
    return true;
  }
  return direction === 'in' && kind === 'ACK' && pings.delete(ack);
}

function title({ engine, kind, name, ack }) {
  const holder = part('span', 'type', '');
  const words = kind?.toLowerCase().replace('_', ' ') ?? engine;
  if (kind) holder.append(part('span', 'engine', `${engine} › `));
  holder.append(name === undefined ? part('b', '', words) : `${words} `);
  if (name !== undefined) holder.append(part('b', '', name));
  if (ack !== undefined) holder.append(part('span', 'number', ` #${ack}`));
  return holder;
}

function shorten(data) {
  if (data instanceof Blob) return `‹${data.type || 'bytes'}›`;
  if (typeof data === 'string') return data.length > SHOWN_TEXT ? `${data.slice(0, SHOWN_TEXT)}…` : data;
  const buffer = data instanceof ArrayBuffer ? data : data.buffer;
  const head = new Uint8Array(buffer, data.byteOffset ?? 0, Math.min(data.byteLength, 16));
  return [...head].map((byte) => byte.toString(16).padStart(2, '0')).join(' ') + (data.byteLength > 16 ? ' …' : '');
}

function bytes(count) {
  if (count < 1000) return `${count} B`;
  return count < 1_000_000 ? `${numbers.format(count / 1000)} kB` : `${numbers.format(count / 1_000_000)} MB`;
}

function part(tag, className, text, label) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  if (label) {
    element.setAttribute('role', 'img');
    element.setAttribute('aria-label', label);
  }
  return element;
}

function addLine(text) {
  if (!paused) prepend(part('li', 'turn', text));
}

function prepend(item) {
  const list = $('frames');
  list.prepend(item);
  while (list.children.length > MAX_FRAMES) list.lastElementChild.remove();
}

function togglePause() {
  paused = !paused;
  $('pause').setAttribute('aria-pressed', paused);
  $('pause').textContent = paused ? 'Go on' : 'Pause';
}

function clear() {
  $('frames').replaceChildren();
  picks.length = 0;
  totals.in = totals.out = 0;
  $('total-in').textContent = $('total-out').textContent = '0';
  drawWeave();
}

/** Each packet is one pick of the weft; the pattern is a 2/2 twill. */
function weave(direction, { engine, kind }) {
  const pulse = engine === 'ping' || engine === 'pong';
  picks.push(pulse ? 'pulse' : kind === 'attachment' ? 'binary' : direction);
  woven += 1;
  if (picks.length > MAX_PICKS) picks.shift();
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(drawWeave);
}

function drawWeave() {
  drawing = false;
  const canvas = $('weave');
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width) return;
  const ratio = devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(`--${name}`);
  const columns = Math.floor(width / THREAD);
  // The index of a pick never changes, so that the twill's diagonal moves with the cloth.
  const first = Math.max(0, picks.length - columns);
  const row = height / WARP_THREADS;
  for (let warp = 0; warp < WARP_THREADS; warp += 1) {
    context.fillStyle = colour('warp');
    context.fillRect(0, warp * row + row / 2 - 1, width, 2);
  }
  for (let pick = first; pick < picks.length; pick += 1) {
    context.fillStyle = colour(picks[pick]);
    const x = width - (picks.length - pick) * THREAD;
    for (let warp = 0; warp < WARP_THREADS; warp += 1) {
      if ((warp + pick + woven - picks.length) % 4 < 2) context.fillRect(x, warp * row, THREAD - 1, row + 0.5);
      else context.fillRect(x + 1, warp * row, THREAD - 3, row / 2 - 2);
    }
  }
}
