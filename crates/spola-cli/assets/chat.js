// The chat: joining, rooms, people, messages, and what becomes of them when the connection comes and goes.

import { Connection } from './connection.js';
import { Log, element, hueOf, icon, note, received, show, startLog } from './log.js';
import { closePanels, layOut, startPanels } from './panels.js';
import { canShow, pictureIn, prepare } from './picture.js';
import { showPacket, showProbe, showRoundTrip, showSession, showTransport, startWire } from './wire.js';

const PING_INTERVAL = 4_000;
// A ping sent while the transport changes would measure the change.
const SETTLING = 400;
const TYPING_REPEAT = 3_000;
const TYPING_FORGOTTEN = 6_000;
const NICKNAME_RETRY = 1_000;
// A lost connection holds its nickname until the server misses its heartbeat.
const NICKNAME_RETRIES = 60;

const $ = (id) => document.getElementById(id);

const me = { id: null, nickname: '', room: '' };
const logs = new Map();
const rooms = new Set(recall('rooms') ?? []);
const people = new Map();
const typists = new Map();
let joined = false;
let moving = false;
let unseen = 0;
let nicknameRetries = 0;
let settling = 0;
let typingSince = 0;
let typingTimer = 0;

const socket = new Connection(
  { namespace: '/chat', auth: () => ({ nickname: me.nickname, room: me.room }), transport: wantedTransport() },
  { state: onState, transport: onTransport, probe: showProbe, packet: showPacket },
);

// Joining and leaving.

function prepareDoor() {
  $('nickname').value = recall('nickname') ?? '';
  $('room').value = roomInHash() || [...rooms].at(-1) || 'loom';
  $(recall('nickname') ? 'join' : 'nickname').focus({ preventScroll: true });
}

function join(event) {
  event.preventDefault();
  const nickname = $('nickname').value.trim();
  const room = roomName($('room').value);
  if (!nickname) return refuse('Choose a nickname first.', 'nickname');
  if (!room) return refuse('Name a room to join.', 'room');
  Object.assign(me, { nickname, room });
  refuse('');
  $('join').disabled = true;
  $('join').textContent = 'Joining…';
  return socket.open();
}

function refuse(message, field) {
  $('join-error').textContent = message;
  $('join').disabled = false;
  $('join').textContent = 'Join the room';
  for (const name of ['nickname', 'room']) $(name).setAttribute('aria-invalid', String(name === field));
  if (field) $(field).focus();
}

function openDoor(message, field) {
  joined = false;
  $('app').hidden = true;
  $('door').hidden = false;
  $('room').value = me.room;
  document.title = 'Spola chat';
  refuse(message, field);
}

/** The server let us into a room: by `welcome` when connected, by the answer to `move`. */
function enter({ id, nickname, room, people: present, history }) {
  const arrived = !joined;
  joined = true;
  nicknameRetries = 0;
  Object.assign(me, { id, nickname, room });
  $('door').hidden = true;
  $('app').hidden = false;
  rooms.delete(room);
  rooms.add(room);
  remember('rooms', [...rooms].slice(-12));
  remember('nickname', nickname);
  people.clear();
  typists.clear();
  for (const person of [...(present ?? []), { id, nickname }]) people.set(person.id, person);
  const log = logOf(room);
  log.merge(history, nickname);
  show(log);
  showRoom();
  sendWaiting(log);
  if (arrived) {
    refuse('');
    layOut();
    $('message').focus({ preventScroll: true });
  }
}

function showRoom() {
  if (roomInHash() !== me.room) history.replaceState(null, '', `#${encodeURIComponent(me.room)}`);
  $('room-name').textContent = me.room;
  showRooms();
  showPeople();
  showTyping();
  showUnseen(0);
}

async function moveTo(wanted) {
  const room = roomName(wanted);
  if (!joined || !room || room === me.room || moving) return;
  closePanels();
  stopTyping();
  if (!socket.connected) {
    me.room = room;
    show(logOf(room));
    showRoom();
    return;
  }
  moving = true;
  try {
    const answer = await socket.request('move', { room });
    if (answer?.error) throw new Error(answer.error.message);
    moving = false;
    enter(answer);
  } catch (error) {
    notify(`Could not go to #${room}: ${error.message}`);
  } finally {
    moving = false;
  }
}

function logOf(room) {
  if (!logs.has(room)) logs.set(room, new Log());
  return logs.get(room);
}

// The connection.

function onState(state, detail) {
  const names = { connecting: 'connecting', connected: 'connected', waiting: 'reconnecting', refused: 'offline', closed: 'offline' };
  $('status').textContent = names[state];
  $('status-box').dataset.state = state;
  if (state === 'connected') {
    hideBanner();
    showSession(detail.recovered ? 'recovered' : 'new');
    measureSoon();
  } else if (state === 'refused') onRefused(detail.error);
  else if (state === 'waiting') onWaiting(detail);
  else if (state === 'closed' && detail.reason === 'io server disconnect') banner('The server ended the connection.', 'Reconnect');
}

function onTransport(name) {
  showTransport(name);
  if (name === 'websocket') measureSoon();
}

function onRefused({ message, data }) {
  const field = data?.field;
  if (!joined || field !== 'nickname' || nicknameRetries >= NICKNAME_RETRIES) {
    const words = message || 'refused';
    openDoor(`${words[0].toUpperCase()}${words.slice(1)}.`, field === 'room' ? 'room' : 'nickname');
    return;
  }
  nicknameRetries += 1;
  banner(`The server still holds “${me.nickname}” for the lost connection.`, 'Try now');
  setTimeout(() => joined && socket.open(), NICKNAME_RETRY);
}

function onWaiting({ reason }) {
  if (!joined) $('join-error').textContent = 'The server does not answer. Trying again…';
  banner(`Connection lost (${reason}). Trying again…`, 'Try now');
  people.clear();
  if (me.id) people.set(me.id, { id: me.id, nickname: me.nickname });
  typists.clear();
  showPeople();
  showTyping();
}

function banner(text, action) {
  if (!joined) return;
  if ($('banner-text').textContent !== text) $('banner-text').textContent = text;
  $('banner-retry').textContent = action;
  $('banner').hidden = false;
}

function hideBanner() {
  $('banner').hidden = true;
}

function measureSoon() {
  clearTimeout(settling);
  settling = setTimeout(measure, SETTLING);
}

async function measure() {
  if (!socket.connected || document.hidden) return;
  const start = performance.now();
  try {
    await socket.request('ping');
    showRoundTrip(performance.now() - start);
  } catch {
    // The state says what became of the connection.
  }
}

// Messages and pictures.

function say(event) {
  event?.preventDefault();
  const text = $('message').value.trim();
  if (!text || moving) return;
  $('message').value = '';
  fitComposer();
  stopTyping();
  post({ kind: 'message', text });
}

async function sendPicture(file) {
  if (!file || !joined) return;
  try {
    const { name, type, data } = await prepare(file);
    post({ kind: 'picture', name, url: URL.createObjectURL(data), data, type });
  } catch {
    notify(`“${file.name}” is not a picture this browser can read.`);
  }
}

function post(entry) {
  Object.assign(entry, { own: true, room: me.room, from: { id: me.id, nickname: me.nickname }, at: Date.now(), state: 'waiting' });
  logOf(me.room).add(entry);
  deliver(entry);
}

/** Sends an entry and marks what became of it; it waits while its room cannot be written to. */
async function deliver(entry) {
  const log = logOf(entry.room);
  if (!socket.connected || !me.id || moving || entry.room !== me.room) return log.mark(entry, 'waiting');
  log.mark(entry, 'sent');
  const { text, name, type, data } = entry;
  try {
    const answer = await (entry.kind === 'picture' ? socket.request('picture', { name, type, data }) : socket.request('say', { text }));
    if (answer?.error) return log.mark(entry, 'failed', answer.error.message);
    entry.data = undefined;
    return log.settle(entry, answer);
  } catch (error) {
    // The next welcome's history tells whether the server has it.
    if (!socket.connected) return log.mark(entry, 'unconfirmed');
    return log.mark(entry, 'failed', error.message);
  }
}

function sendWaiting(log) {
  for (const entry of log.entries) {
    if (entry.state === 'waiting') deliver(entry);
    if (entry.state === 'unconfirmed') log.mark(entry, 'failed', 'Lost with the connection');
  }
}

function onMessage(message) {
  logOf(message.room ?? me.room).add(received('message', message));
  onArrival(message.from);
}

function onPicture({ data, ...message }) {
  const fits = data instanceof ArrayBuffer && canShow(message.type);
  const url = fits ? URL.createObjectURL(new Blob([data], { type: message.type })) : undefined;
  logOf(message.room ?? me.room).add(received('picture', { ...message, url }));
  onArrival(message.from);
}

function onArrival(from) {
  setTyping({ ...from, active: false });
  if (document.hidden) showUnseen(unseen + 1);
}

function showUnseen(count) {
  unseen = count;
  document.title = `${count ? `(${count}) ` : ''}#${me.room} · Spola chat`;
}

// People and who is typing.

function onJoined({ id, nickname, room }) {
  if (id === me.id || (room ?? me.room) !== me.room) return;
  people.set(id, { id, nickname });
  logOf(me.room).add(note(`${nickname} joined`));
  showPeople();
}

function onLeft({ id, nickname, room }) {
  if ((room ?? me.room) !== me.room || !people.delete(id)) return;
  logOf(me.room).add(note(`${nickname} left`));
  setTyping({ id, active: false });
  showPeople();
}

function showPeople() {
  const sorted = [...people.values()].sort((a, b) => (b.id === me.id) - (a.id === me.id) || a.nickname.localeCompare(b.nickname));
  $('people').replaceChildren(...sorted.map(({ id, nickname }) => {
    const item = element('li');
    item.style.setProperty('--hue', hueOf(nickname));
    item.append(icon('i-shuttle'), element('span', 'name', nickname));
    if (id === me.id) item.append(element('span', 'you', 'you'));
    return item;
  }));
  $('people-count').textContent = people.size;
  $('room-people').textContent = people.size === 1 ? 'Only you are here' : `${people.size} people here`;
}

function showRooms() {
  const sorted = [...new Set([...rooms, me.room])].sort((a, b) => a.localeCompare(b));
  $('rooms').replaceChildren(...sorted.map((room) => {
    const item = element('li');
    const button = element('button', '', room);
    button.type = 'button';
    button.dataset.room = room;
    if (room === me.room) button.setAttribute('aria-current', 'true');
    item.append(button);
    return item;
  }));
}

function setTyping({ id, nickname, active }) {
  clearTimeout(typists.get(id)?.timer);
  typists.delete(id);
  if (active && id !== me.id) {
    const timer = setTimeout(() => setTyping({ id, active: false }), TYPING_FORGOTTEN);
    typists.set(id, { nickname, timer });
  }
  showTyping();
}

function showTyping() {
  const names = [...typists.values()].map(({ nickname }) => nickname);
  const text = names.length > 2 ? 'Several people are typing' : `${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} typing`;
  $('typing').textContent = names.length ? text : '';
}

function onTyped() {
  fitComposer();
  if (!$('message').value.trim()) return stopTyping();
  clearTimeout(typingTimer);
  typingTimer = setTimeout(stopTyping, TYPING_REPEAT);
  if (typingSince && performance.now() - typingSince < TYPING_REPEAT) return undefined;
  typingSince = performance.now();
  return socket.emit('typing', true);
}

function stopTyping() {
  clearTimeout(typingTimer);
  if (typingSince) socket.emit('typing', false);
  typingSince = 0;
}

// Composer, small things.

function fitComposer() {
  const box = $('message');
  box.style.height = '';
  if (box.value) box.style.height = `${Math.min(box.scrollHeight + 2, 160)}px`;
}

let noticeTimer = 0;
function notify(text) {
  clearTimeout(noticeTimer);
  $('notice').textContent = text;
  $('notice').hidden = false;
  noticeTimer = setTimeout(() => ($('notice').hidden = true), 6_000);
}

function roomInHash() {
  try {
    return roomName(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return '';
  }
}

function roomName(text) {
  return text.trim().replace(/^#+/, '').trim().slice(0, 32);
}

/** The transport that the page's address asks for; none, if the client may choose and upgrade. */
function wantedTransport() {
  const wanted = new URLSearchParams(location.search).get('transport');
  return ['websocket', 'sse', 'polling'].includes(wanted) ? wanted : '';
}

function chooseTransport(wanted) {
  const address = new URL(location.href);
  if (wanted) address.searchParams.set('transport', wanted);
  else address.searchParams.delete('transport');
  history.replaceState(null, '', address);
  socket.prefer(wanted);
  socket.close();
  socket.open();
}

function remember(name, value) {
  try {
    localStorage.setItem(`spola.${name}`, JSON.stringify(value));
  } catch {
    // Storage may be forbidden; then nothing is remembered.
  }
}

function recall(name) {
  try {
    return JSON.parse(localStorage.getItem(`spola.${name}`));
  } catch {
    return null;
  }
}

function listen() {
  $('join-form').addEventListener('submit', join);
  $('leave').addEventListener('click', () => {
    socket.close();
    openDoor('', 'nickname');
  });
  $('composer').addEventListener('submit', say);
  $('message').addEventListener('input', onTyped);
  $('message').addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) say(event);
  });
  $('picture').addEventListener('change', ({ target }) => {
    sendPicture(target.files[0]);
    target.value = '';
  });
  $('rooms').addEventListener('click', ({ target }) => target.dataset.room && moveTo(target.dataset.room));
  $('room-form').addEventListener('submit', (event) => {
    event.preventDefault();
    moveTo($('room-new').value);
    $('room-new').value = '';
  });
  $('banner-retry').addEventListener('click', () => socket.open());
  $('transport-choice').addEventListener('change', ({ target }) => chooseTransport(target.value));
  listenTransfers();
  addEventListener('hashchange', () => moveTo(roomInHash()));
  addEventListener('online', () => joined && socket.open());
  addEventListener('pagehide', () => socket.close());
  addEventListener('pageshow', ({ persisted }) => persisted && joined && socket.open());
  document.addEventListener('visibilitychange', () => !document.hidden && joined && showUnseen(0));
}

function listenTransfers() {
  const over = (event) => {
    if (!joined || ![...(event.dataTransfer?.types ?? [])].includes('Files')) return;
    event.preventDefault();
    $('drop').hidden = event.type !== 'dragover';
  };
  addEventListener('dragover', over);
  addEventListener('dragleave', (event) => !event.relatedTarget && ($('drop').hidden = true));
  addEventListener('drop', (event) => {
    over(event);
    sendPicture(pictureIn(event.dataTransfer));
  });
  addEventListener('paste', (event) => {
    const file = joined && pictureIn(event.clipboardData);
    if (!file) return;
    event.preventDefault();
    sendPicture(file);
  });
}

socket.on('welcome', enter);
socket.on('message', onMessage);
socket.on('picture', onPicture);
socket.on('joined', onJoined);
socket.on('left', onLeft);
socket.on('typing', setTyping);
startLog(deliver);
startWire();
startPanels();
listen();
$('transport-choice').value = wantedTransport();
prepareDoor();
setInterval(measure, PING_INTERVAL);
