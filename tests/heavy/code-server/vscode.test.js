// The module vscode with the real code-server: ready when answered, serves the workbench, its socket is alive, both processes end,
// it outlives the host, and it is stopped when nobody has used it. `run` beside this installs what is needed.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { test, before, after } = require('node:test');
const WebSocket = require('ws');
const { Host } = require('../../integration/lib/host.js');
const { waitFor } = require('../../integration/lib/client.js');

const PORT = 3006;
const FIRST = 11000 + Math.floor(Math.random() * 25) * 10;
const config = (more = '') => `listen "127.0.0.1:${PORT}" { family = "desktop" }
module "desktop" {}
module "repositories" { first_port = ${FIRST}, last_port = ${FIRST + 40} }
module "vscode" { command = { "${process.execPath}", "${process.env.CODE_SERVER}" } ${more} }
`;

let host, repo;
before(async () => {
  host = await new Host({ config: config(), ports: [PORT] }).start();
  const folder = path.join(host.folder, 'real');
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, 'hello.txt'), 'hello\n');
  repo = (await call('POST', '/api/repositories', { name: 'real', path: folder, type: 'local' })).repository;
});
after(async () => {
  if (!host.end) await call('POST', '/api/vscode/stop', { repoId: repo.id });
  await host.stop();
});

async function call(method, target, body) {
  const reply = await host.request(method, target, { port: PORT, body });
  return { status: reply.status, ...reply.json() };
}

const find = async () => (await call('GET', `/api/repositories?id=${repo.id}`)).repository;
const start = () => call('POST', '/api/vscode/start', { repoId: repo.id });
const stop = () => call('POST', '/api/vscode/stop', { repoId: repo.id });

function get(target) {
  return new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port: repo.port, path: target }, (reply) => {
      let text = '';
      reply.on('data', (piece) => { text += piece; });
      reply.on('end', () => resolve({ status: reply.statusCode, headers: reply.headers, text }));
    }).on('error', reject);
  });
}

// The processes of the session that `pid` leads and that are not dead.
function session(pid) {
  const members = [];
  for (const name of fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const fields = fs.readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').pop().split(' ');
      if (Number(fields[3]) === pid && fields[0] !== 'Z') members.push(Number(name));
    } catch { /* it has ended */ }
  }
  return members;
}

test('the workbench is there when start has answered, and its socket speaks', async () => {
  const started = await start();
  assert.equal(started.status, 200, started.error);
  assert.equal((await get('/healthz')).status, 200);
  const first = await get('/');
  assert.equal(first.status, 302);
  assert.ok(decodeURIComponent(first.headers.location).includes(repo.path));
  const page = await get(`/?folder=${encodeURIComponent(repo.path)}`);
  assert.equal(page.status, 200);
  assert.match(page.text, /workbench/);
  assert.ok(session(started.pid).length >= 2, 'it is more than one process');
  const commit = /"commit":"([0-9a-f]+)"/.exec(page.text.replaceAll('&quot;', '"'));
  const socket = new WebSocket(`ws://127.0.0.1:${repo.port}/${commit ? `stable-${commit[1]}` : ''}?reconnectionToken=11111111-1111-4111-8111-111111111111&reconnection=false&skipWebSocketFrames=false`);
  await new Promise((resolve, reject) => { socket.on('open', resolve); socket.on('error', reject); });
  socket.close();
});

test('it outlives the host and is taken over', async () => {
  const { pid } = await find();
  await host.kill();
  assert.equal((await get('/healthz')).status, 200);
  host.end = undefined;
  await host.start();
  await waitFor('it to be known', async () => (await start()).message === 'Code-server already running');
  assert.equal((await find()).pid, pid);
});

test('stop ends every process of it', async () => {
  const { pid } = await find();
  assert.equal((await stop()).message, 'Code-server stopped');
  assert.deepEqual(session(pid), []);
  await assert.rejects(get('/healthz'));
});

test('without a browser it is stopped after idle_stop_s', async () => {
  host.writeConfig(config(', idle_stop_s = 3'));
  host.child.kill('SIGTERM');
  await host.exited;
  host.end = undefined;
  await host.start();
  assert.equal((await start()).status, 200);
  await waitFor('it to be stopped', async () => !(await find()).running);
});
