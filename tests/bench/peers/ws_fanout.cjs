// Peer of the fan-out case: node:http takes an event, ws sends it to everybody.
const path = require('node:path');
const { WebSocketServer, WebSocket } = require(path.join(process.env.BENCH_MODULES, 'ws'));
const server = require('node:http').createServer((request, response) => {
  let body = '';
  request.on('data', (data) => (body += data));
  request.on('end', () => {
    if (request.method === 'POST') {
      const text = JSON.stringify({ type: 'event', data: JSON.parse(body) });
      for (const client of wss.clients) if (client.readyState === WebSocket.OPEN) client.send(text);
    }
    response.setHeader('content-type', 'application/json');
    response.end('{"ok":true}');
  });
});
const wss = new WebSocketServer({ server, perMessageDeflate: false });
server.listen(Number(process.env.PORT), '127.0.0.1');
