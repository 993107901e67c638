// Peer of the socketio case: node:http takes an event, socket.io sends it to everybody.
const path = require('node:path');
const { Server } = require(path.join(process.env.BENCH_MODULES, 'socket.io'));
const server = require('node:http').createServer((request, response) => {
  let body = '';
  request.on('data', (data) => (body += data));
  request.on('end', () => {
    if (request.method === 'POST') {
      const { event, args } = JSON.parse(body);
      io.emit(event, ...args);
    }
    response.statusCode = request.method === 'POST' ? 204 : 200;
    response.end();
  });
});
const io = new Server(server, { pingInterval: 120000, pingTimeout: 60000, perMessageDeflate: false, cors: { origin: '*' } });
server.listen(Number(process.env.PORT), '127.0.0.1');
