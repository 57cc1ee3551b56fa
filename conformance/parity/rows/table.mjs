// All rows, in the order of the protocol text.
import checks from "./checks.mjs";
import clients from "./clients.mjs";
import closing from "./closing.mjs";
import events from "./events.mjs";
import handshake from "./handshake.mjs";
import headers from "./headers.mjs";
import heartbeat from "./heartbeat.mjs";
import jsonp from "./jsonp.mjs";
import msgpack from "./msgpack.mjs";
import namespaces from "./namespaces.mjs";
import oldClients from "./old_clients.mjs";
import packets from "./packets.mjs";
import polling from "./polling.mjs";
import recovery from "./recovery.mjs";
import revision3 from "./revision3.mjs";
import routing from "./routing.mjs";
import sse from "./sse.mjs";
import upgrade from "./upgrade.mjs";
import websocket from "./websocket.mjs";

export const table = [
  ...routing,
  ...handshake,
  ...checks,
  ...polling,
  ...websocket,
  ...upgrade,
  ...heartbeat,
  ...closing,
  ...headers,
  ...packets,
  ...namespaces,
  ...events,
  ...recovery,
  ...msgpack,
  ...revision3,
  ...jsonp,
  ...oldClients,
  ...sse,
  ...clients,
];

const twice = table.map(({ id }) => id).filter((id, at, all) => all.indexOf(id) !== at);
if (twice.length > 0) throw new Error(`rows with the same id: ${twice.join(", ")}`);
