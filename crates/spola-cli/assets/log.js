// The conversation of each room: its entries, and how they are shown.

const MAX_ENTRIES = 400;
const RUN_GAP = 5 * 60_000;
const NEAR_END = 80;
const HUES = 12;
const LINK = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;
const STATES = { waiting: 'waiting for the connection', sent: 'sent', delivered: 'delivered', failed: 'not delivered' };

const $ = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const hues = new Map();

let shown = null;
let retry = () => undefined;

/** One room's entries, oldest first. */
export class Log {
  entries = [];
  keys = new Set();

  add(entry) {
    if (entry.key) {
      if (this.keys.has(entry.key)) return false;
      this.keys.add(entry.key);
    }
    this.entries.push(entry);
    while (this.entries.length > MAX_ENTRIES) this.#dropOldest();
    if (this === shown) append(entry, this.entries.at(-2));
    return true;
  }

  /** Takes a room's history in, beside what is known already; `nickname` tells which messages are one's own. */
  merge(history, nickname) {
    for (const message of history ?? []) {
      const entry = received('message', message, message.from?.nickname === nickname);
      if (this.keys.has(entry.key)) continue;
      const unconfirmed = entry.own && this.entries.find((other) => other.state === 'unconfirmed' && other.text === entry.text);
      if (unconfirmed) this.settle(unconfirmed, message);
      else this.add(entry);
    }
  }

  /** The server has the entry: `id` and `at` are the server's. */
  settle(entry, { id, at }) {
    entry.key = keyOf(id, at);
    entry.at = at ?? entry.at;
    entry.error = undefined;
    this.keys.add(entry.key);
    this.mark(entry, 'delivered');
  }

  mark(entry, state, error) {
    entry.state = state;
    entry.error = error;
    if (entry.element) entry.element.querySelector('.meta').replaceWith(meta(entry));
  }

  #dropOldest() {
    const [oldest] = this.entries.splice(0, 1);
    this.keys.delete(oldest.key);
    if (oldest.url) URL.revokeObjectURL(oldest.url);
    if (this === shown) oldest.element?.remove();
    oldest.element = null;
  }
}

export function startLog(onRetry) {
  retry = onRetry;
  $('scroll').addEventListener('scroll', () => isNearEnd() && ($('latest').hidden = true), { passive: true });
  $('latest').addEventListener('click', scrollToEnd);
  new ResizeObserver(() => $('latest').hidden && scrollToEnd()).observe($('scroll'));
  $('viewer').addEventListener('click', ({ target }) => target === $('viewer') && $('viewer').close());
}

export function show(log) {
  if (shown === log) return;
  for (const entry of shown?.entries ?? []) entry.element = null;
  shown = log;
  $('scroll').setAttribute('aria-busy', 'true');
  const items = log.entries.map((entry, index) => render(entry, log.entries[index - 1]));
  $('messages').replaceChildren(...items);
  $('empty').hidden = items.length > 0;
  scrollToEnd();
  setTimeout(() => $('scroll').setAttribute('aria-busy', 'false'));
}

export function received(kind, { id, at, from, text, name, url }, own = false) {
  return { kind, key: keyOf(id, at), at, from, text, name, url, own, state: own ? 'delivered' : undefined };
}

export const note = (text) => ({ kind: 'note', at: Date.now(), text });

/** The dye of somebody's yarn, one of twelve hues: the nickname's own, or the next that nobody has yet. */
export function hueOf(nickname) {
  if (!hues.has(nickname)) {
    let slot = 0;
    for (const character of nickname) slot = (slot * 31 + character.codePointAt(0)) % HUES;
    const taken = new Set(hues.values());
    for (let tried = 0; tried < HUES && taken.has(slot); tried += 1) slot = (slot + 5) % HUES;
    hues.set(nickname, slot);
  }
  return (hues.get(nickname) * 360) / HUES + 12;
}

// A restarted server may count its ids anew; with the time they differ.
const keyOf = (id, at) => `${id}@${at}`;

function append(entry, previous) {
  const follow = entry.own || isNearEnd();
  $('messages').append(render(entry, previous));
  $('empty').hidden = true;
  if (follow) scrollToEnd();
  else if (entry.kind !== 'note') $('latest').hidden = false;
}

function isNearEnd() {
  const { scrollHeight, scrollTop, clientHeight } = $('scroll');
  return scrollHeight - scrollTop - clientHeight < NEAR_END;
}

function scrollToEnd() {
  $('scroll').scrollTop = $('scroll').scrollHeight;
  $('latest').hidden = true;
}

function render(entry, previous) {
  const item = element('li', entry.kind);
  entry.element = item;
  if (entry.kind === 'note') {
    item.append(element('span', 'words', entry.text));
    return item;
  }
  const runs = previous?.from?.nickname === entry.from.nickname && entry.at - previous.at < RUN_GAP;
  item.classList.toggle('run', runs);
  item.classList.toggle('own', entry.own);
  item.style.setProperty('--hue', hueOf(entry.from.nickname));
  const body = element('div', 'body');
  const author = element('span', 'author', entry.own ? 'You' : entry.from.nickname);
  body.append(author, entry.kind === 'picture' ? picture(entry) : words(entry.text), meta(entry));
  item.append(body);
  return item;
}

function words(text) {
  const paragraph = element('p', 'words');
  let end = 0;
  for (const match of String(text).matchAll(LINK)) {
    const link = element('a', '', match[0]);
    Object.assign(link, { href: match[0], target: '_blank', rel: 'noopener noreferrer nofollow' });
    paragraph.append(text.slice(end, match.index), link);
    end = match.index + match[0].length;
  }
  paragraph.append(String(text).slice(end));
  return paragraph;
}

function picture(entry) {
  if (!entry.url) return element('p', 'words', `${entry.name}: not a picture this page shows`);
  const button = element('button', 'frame-button');
  button.type = 'button';
  const image = element('img');
  image.alt = entry.name;
  image.addEventListener('load', () => $('latest').hidden && scrollToEnd());
  image.src = entry.url;
  button.append(image);
  button.addEventListener('click', () => view(entry));
  return button;
}

function view({ url, name }) {
  const image = $('viewer').querySelector('img');
  image.src = url;
  image.alt = name;
  $('viewer').showModal();
}

function meta(entry) {
  const line = element('span', 'meta');
  const time = element('time', '', clock.format(entry.at));
  time.dateTime = new Date(entry.at).toISOString();
  line.append(time);
  if (!entry.own) return line;
  const state = entry.state === 'unconfirmed' ? 'waiting' : entry.state;
  line.dataset.state = state;
  line.append(tick(state));
  if (state === 'failed') {
    const again = element('button', 'again', 'Send again');
    again.type = 'button';
    again.addEventListener('click', () => retry(entry));
    line.prepend(element('span', 'why', entry.error ?? 'Not delivered'), again);
  }
  return line;
}

function tick(state) {
  const holder = element('span', 'tick');
  holder.setAttribute('role', 'img');
  holder.setAttribute('aria-label', STATES[state]);
  holder.title = STATES[state];
  holder.append(icon(`i-${state}`));
  return holder;
}

export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#${name}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.append(use);
  return svg;
}

export function element(tag, className = '', text = '') {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
