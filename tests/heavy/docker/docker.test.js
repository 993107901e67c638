// Module services against a real Docker engine: four services installed, used through their published ports, watched and removed; and
// what is not ours stays as it is.
'use strict';

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { promisify } = require('node:util');
const { test, before, after } = require('node:test');
const { io } = require('socket.io-client');
const { startHost } = require('../../integration/lib/host.js');
const { waitFor } = require('../../integration/lib/client.js');

const PORT = 3006;
const socketPath = process.env.DOCKER_TEST_SOCKET;
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "desktop" }
module "desktop" {}
module "socketio" {}
module "repositories" {}
module "deployments" {}
module "services" { docker_socket = ${JSON.stringify(socketPath)} }
`;

let host;
before(async () => { host = await startHost({ config: CONFIG, ports: [PORT] }); });
after(() => host.stop());

const docker = async (...words) => (await promisify(execFile)('docker', ['-H', `unix://${socketPath}`, ...words])).stdout.trim();
const request = (method, target, body, headers) => host.request(method, target, { port: PORT, body, headers });
const stateFile = () => path.join(host.state, 'modules/services/services.json');
const service = async (id, headers) => (await request('GET', '/api/services', undefined, headers)).json().services.find((s) => s.id === id);
const freePort = () => new Promise((resolve) => {
  const server = net.createServer();
  server.listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); });
});

// Node's client of host.js gives up after 20 s; an installation with a stop may take longer on a loaded machine.
async function change(action, serviceId, more = {}) {
  const reply = await fetch(`http://127.0.0.1:${host.port(PORT)}/api/services/${action}`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ serviceId, ...more }),
  });
  return { status: reply.status, ...(await reply.json()) };
}

// One line in, the first bytes of the answer out.
function ask(port, line) {
  return new Promise((resolve, reject) => {
    const client = net.connect(port, '127.0.0.1', () => client.write(line));
    client.setTimeout(5000, () => { client.destroy(); resolve(''); });
    client.once('data', (data) => { client.destroy(); resolve(data.toString()); });
    client.on('error', reject);
    client.on('close', () => resolve(''));
  });
}

test('redis: installed with a password of its own, used, stopped, started, removed', async () => {
  const port = await freePort();
  const installed = await change('install', 'redis', { port });
  assert.deepEqual([installed.status, installed.message], [200, 'Redis installed and started successfully']);
  const job = (await host.request('GET', `/jobs/${installed.jobId}`)).json();
  assert.equal(job.status, 'done');

  const seen = await service('redis');
  assert.deepEqual([seen.installed, seen.status, seen.port, seen.containerName], [true, 'running', port, 'ai-desktop-redis']);
  assert.deepEqual([seen.defaultCredentials.password, seen.connectionString], ['********', `redis://:********@localhost:${port}`]);
  const full = await service('redis', host.adminHeaders());
  const { password } = full.defaultCredentials;
  assert.match(password, /^[\w-]{24}$/);
  assert.equal(full.connectionString, `redis://:${password}@localhost:${port}`);

  await waitFor('redis', async () => (await ask(port, 'PING\r\n').catch(() => '')).startsWith('-NOAUTH'));
  assert.match(await ask(port, `AUTH ${password}\r\n`), /^\+OK/);
  assert.match(await ask(port, `AUTH ${password}x\r\n`), /^-WRONGPASS/);
  const inspected = JSON.parse(await docker('inspect', 'ai-desktop-redis'))[0];
  assert.ok(!JSON.stringify(inspected).includes(password), 'the password is in no argument and no variable');
  assert.equal(inspected.Config.Labels['ai-desktop-service'], 'true');
  assert.equal(inspected.HostConfig.RestartPolicy.Name, 'unless-stopped');
  assert.deepEqual(inspected.HostConfig.PortBindings['6379/tcp'], [{ HostIp: '127.0.0.1', HostPort: String(port) }]);
  assert.equal(await docker('volume', 'ls', '-q', '--filter', 'label=ai-desktop-service=true'), 'ai-desktop-redis-data');
  assert.ok(!fs.readFileSync(stateFile(), 'utf8').includes(password));
  assert.equal(fs.statSync(stateFile()).mode & 0o777, 0o600);

  const found = (await request('GET', '/api/deployments/services', undefined, host.adminHeaders())).json().services;
  assert.deepEqual(found, [{ id: 'redis', name: 'Redis', containerName: 'ai-desktop-redis', port, type: 'redis', connectionString: `redis://:${password}@localhost:${port}` }]);

  assert.deepEqual([(await change('install', 'redis')).error, (await change('stop', 'redis')).message], ['Redis is already installed', 'Redis stopped']);
  assert.equal((await service('redis')).status, 'stopped');
  assert.equal((await change('stop', 'redis')).status, 200); // once more: nothing to do
  assert.equal((await change('start', 'redis')).message, 'Redis started');
  assert.equal((await change('restart', 'redis')).message, 'Redis restarted');
  await waitFor('redis again', async () => (await ask(port, `AUTH ${password}\r\n`).catch(() => '')).startsWith('+OK'));
  assert.match((await request('GET', '/api/services/redis/logs')).json().logs, /Ready to accept connections/);

  // What was answered is on disk: a host that was killed knows it all again.
  await host.kill();
  host.end = undefined;
  await host.start();
  assert.equal((await service('redis', host.adminHeaders())).defaultCredentials.password, password);
  assert.equal((await change('uninstall', 'redis')).message, 'Redis completely removed');
  assert.equal(await docker('ps', '-aq', '--filter', 'name=ai-desktop'), '');
  assert.equal(await docker('volume', 'ls', '-q'), '');
  assert.deepEqual(JSON.parse(fs.readFileSync(stateFile(), 'utf8')), { services: [] });
  assert.equal((await service('redis')).installed, false);
});

// A client of the database, in a container of its own on the network of this machine: it comes in by the published port.
const client = (image, ...words) => docker('run', '--rm', '--network', 'host', image, ...words);

test('postgresql: a client connects with the connection string', async () => {
  const port = await freePort();
  assert.equal((await change('install', 'postgres', { port: String(port), environment: { TZ: 'UTC' } })).status, 200);
  const { connectionString, environment } = await service('postgresql', host.adminHeaders());
  assert.deepEqual(environment, { POSTGRES_USER: 'postgres', POSTGRES_PASSWORD: '********', TZ: 'UTC' });
  await waitFor('an answer', async () => (await client('postgres:16', 'psql', connectionString, '-Atc', 'select 6*7').catch(() => '')) === '42');
  await assert.rejects(client('postgres:16', 'psql', connectionString.replace(/:[^:@]*@/, ':wrong@'), '-Atc', 'select 1'), /password authentication failed/);
  assert.equal((await change('uninstall', 'postgresql')).message, 'PostgreSQL completely removed');
});

test('mysql: a password the client chose', async () => {
  const port = await freePort();
  const MYSQL_ROOT_PASSWORD = 'chosen-by-the-client';
  assert.equal((await change('install', 'mysql', { port, environment: { MYSQL_ROOT_PASSWORD } })).status, 200);
  assert.equal((await service('mysql')).defaultCredentials.password, '********');
  assert.equal((await service('mysql', host.adminHeaders())).connectionString, `mysql://root:${MYSQL_ROOT_PASSWORD}@localhost:${port}/mysql`);
  const words = ['mariadb', '-h', '127.0.0.1', '-P', String(port), '-u', 'root', `-p${MYSQL_ROOT_PASSWORD}`, '-Nse', 'select 6*7'];
  await waitFor('an answer', async () => (await client('mysql:8.0', ...words).catch(() => '')) === '42');
  assert.equal((await change('uninstall', 'mysql')).message, 'MySQL completely removed');
});

test('mongodb: life cycle, variables and logs, with busybox under its name', async () => {
  const port = await freePort();
  const events = [];
  const socket = io(`http://127.0.0.1:${host.port(PORT)}`, { transports: ['websocket'], reconnection: false });
  socket.onAny((event, payload) => events.push([event, payload]));
  await waitFor('the socket', () => socket.connected);
  socket.emit('service:join', 'mongodb');
  assert.equal((await change('install', 'mongodb', { port, environment: { API_TOKEN: 'token-value' }, volumes: ['/data/db', '/extra'] })).status, 200);
  await waitFor('both spellings', () => ['service:updated', 'services:updated'].every((name) => events.some(([e, p]) => e === name && p.action === 'install' && p.status === 'running' && p.serviceId === 'mongodb')));
  await waitFor('its output', () => ['service:logs', 'service:mongodb:log'].every((name) => events.some(([e, p]) => e === name && p.data.includes('tick') && p.stream === 'stdout')));
  const seen = await service('mongodb');
  assert.deepEqual([seen.volumes, seen.environment.API_TOKEN], [['/data/db', '/extra'], '********']);
  const { logs } = (await request('GET', '/api/services/mongodb/logs')).json();
  assert.match(logs, /to stdout/);
  assert.match(logs, /to stderr/);
  assert.match(logs, /MONGO_INITDB_ROOT_USERNAME=root/);
  assert.match(logs, /MONGO_INITDB_ROOT_PASSWORD=\*{24}/);
  assert.equal((await docker('volume', 'ls', '-q')).split('\n').sort().join(), 'ai-desktop-mongodb-data-db,ai-desktop-mongodb-extra');

  await docker('kill', 'ai-desktop-mongodb'); // by another tool
  await waitFor('the change to be told', () => events.some(([e, p]) => e === 'service:updated' && p.action === 'stop' && p.status === 'stopped'));
  socket.close();
  assert.equal((await change('remove', 'mongodb')).message, 'MongoDB completely removed');
  assert.equal(await docker('volume', 'ls', '-q'), '');
});

test('what is not ours is never touched', async () => {
  await docker('volume', 'create', 'ai-desktop-mongodb-kept');
  await docker('run', '-d', '--name', 'ai-desktop-mongodb', 'mongo:7');
  for (const action of ['start', 'stop', 'restart', 'uninstall']) assert.match((await change(action, 'mongodb')).error, /not one of ours/);
  assert.match((await change('install', 'mongodb')).error, /not ours/);
  assert.equal((await service('mongodb')).installed, false);
  assert.equal(await docker('inspect', '-f', '{{.State.Running}}', 'ai-desktop-mongodb'), 'true');
  await docker('rm', '-f', 'ai-desktop-mongodb');
  assert.equal((await change('install', 'mongodb', { port: await freePort() })).status, 200);
  assert.equal((await change('uninstall', 'mongodb')).status, 200);
  assert.equal(await docker('volume', 'ls', '-q'), 'ai-desktop-mongodb-kept');
});

test('an installation that fails leaves nothing behind, and says why', async () => {
  const taken = net.createServer();
  await new Promise((resolve) => { taken.listen(0, '127.0.0.1', resolve); });
  const failed = await change('install', 'mongodb', { port: taken.address().port });
  taken.close();
  assert.equal(failed.status, 500);
  assert.match(failed.error, /^Failed to install service: .*address already in use/);
  assert.equal((await service('mongodb')).installed, false);
  await docker('rmi', '-f', 'mongo:7');
  const missing = await change('install', 'mongodb');
  assert.equal(missing.status, 500);
  assert.match(missing.error, /^Failed to install service: ./);
});
