// Echoes every message: `node echo.mjs PORT [deflate [LEVEL]]`. Prints its address once it listens.

import { WebSocketServer } from 'ws';

const [port, mode, level] = process.argv.slice(2);
const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(port),
  // Context takeover as the client offers it; no threshold, as in the other servers.
  perMessageDeflate: mode === 'deflate' && {
    threshold: 0,
    ...(level && { zlibDeflateOptions: { level: Number(level) } }),
  },
});

server.on('listening', () => {
  console.log(`listening on 127.0.0.1:${server.address().port}`);
});

server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  // The load notices what is missing.
  socket.on('error', () => {});
});
