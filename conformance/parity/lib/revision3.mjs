// Sessions of clients that speak Engine.IO 3.

export const OPTIONS = { allowEIO3: true };
export const POLLING = "EIO=3&transport=polling";
export const WEBSOCKET = "EIO=3&transport=websocket";
export const HOLE = '{"_placeholder":true,"num":0}';
export const EVENT = `451-["echo",${HOLE}]`;

export const HANDSHAKE =
  '0{"sid":"<id>","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}';

/** Packets as a text payload: the length of each in UTF-16 units. */
export const payload = (...packets) => packets.map((packet) => `${packet.length}:${packet}`).join("");

/** A session by polling with the root joined: nothing has to be asked for. */
export async function polling(peer, query = "") {
  const opened = await peer.get(`${POLLING}${query}`);
  const sid = /"sid\\*":\\*"([A-Za-z0-9_-]{20})/.exec(opened.text)[1];
  const own = `${POLLING}${query}&sid=${sid}`;
  const session = {
    opened,
    sid,
    get: () => peer.get(own),
    polls: () => peer.exchange("GET", own),
    post: (body, options) => peer.post(own, body, options),
    send: (...packets) => peer.post(own, payload(...packets)),
    async state() {
      const { status } = await peer.post(own, "1:2");
      return status === 200 ? "alive" : `${status}`;
    },
  };
  return session;
}

/** The same, with the CONNECT of the root taken. */
export async function joined(peer, query) {
  const session = await polling(peer, query);
  session.first = await session.get();
  return session;
}

/** A session by WebSocket, its open packet and the CONNECT of the root taken. */
export async function wire(peer, query = "") {
  const one = peer.upgrade(`${WEBSOCKET}${query}`);
  one.open = await one.next();
  one.root = await one.next();
  one.sid = JSON.parse(one.open.slice(1)).sid;
  return one;
}
