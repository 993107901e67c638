#!/usr/bin/env node
// Stands in for code-server: the same arguments, two processes, /healthz with status and lastHeartbeat, and PORT overrides --bind-addr.
// A file "stand-in.json" {delay, exit, health, heartbeat} in the folder it opens makes it slow, short-lived, sick or used.
'use strict';

const { fork } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { parseArgs } = require('node:util');

if (process.argv[2] === '--extension-host') {
  setInterval(() => {}, 1000);
} else {
  const text = { type: 'string' }, flag = { type: 'boolean' };
  const { values, positionals } = parseArgs({ allowPositionals: true, options: {
    'bind-addr': text, auth: text, config: text, 'user-data-dir': text,
    'disable-telemetry': flag, 'disable-update-check': flag, 'ignore-last-opened': flag,
  } });
  const [folder] = positionals;
  const mood = fs.existsSync(path.join(folder, 'stand-in.json')) ? JSON.parse(fs.readFileSync(path.join(folder, 'stand-in.json'))) : {};
  if (mood.exit) { console.error('cannot open the workbench'); process.exit(mood.exit); }
  const child = fork(__filename, ['--extension-host']);
  const [address, port] = values['bind-addr'].split(':');
  const told = { argv: process.argv.slice(2), folder, env: Object.keys(process.env), pid: process.pid, child: child.pid };
  fs.writeFileSync(path.join(values['user-data-dir'], 'seen.json'), JSON.stringify(told));
  const server = http.createServer((query, reply) => {
    if (query.url === '/healthz') {
      reply.statusCode = mood.health || 200;
      reply.end(JSON.stringify({ status: mood.heartbeat === 'now' ? 'alive' : 'expired', lastHeartbeat: 0 }));
    } else {
      reply.end(JSON.stringify(told));
    }
  });
  setTimeout(() => server.listen(Number(process.env.PORT || port), address, () => console.log('[info] HTTP server listening')), mood.delay || 0);
}
