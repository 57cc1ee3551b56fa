// A Socket.IO server: `node socketio.mjs PORT`. Echoes `echo`; sends `cast` to everybody, and `room` to a
// room that everybody is in. Prints its address once it listens.

import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer();
const io = new Server(http, { maxHttpBufferSize: 4 << 20, serveClient: false });

io.on('connection', (socket) => {
  socket.join('room');
  socket.on('echo', (text) => socket.emit('echo', text));
  socket.on('cast', (text) => io.emit('cast', text));
  socket.on('room', (text) => io.to('room').emit('room', text));
});

http.listen(Number(process.argv[2]), '127.0.0.1', () => {
  console.log(`listening on 127.0.0.1:${http.address().port}`);
});
