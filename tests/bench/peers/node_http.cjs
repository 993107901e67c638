// Peer of the startup case: the smallest node:http server.
require('node:http')
  .createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"message":"hello"}');
  })
  .listen(Number(process.env.PORT), '127.0.0.1');
