// Module services without a Docker engine, and with one that answers oddly: what clients are told. With a real engine: tests/heavy/docker.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { startHost } = require('./lib/host.js');

const PORT = 3006;
const folder = fs.mkdtempSync('/tmp/bp-services-');
const socket = path.join(folder, 'docker.sock');
const stateFile = path.join(folder, 'services.json');
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "desktop" }
module "desktop" {}
module "deployments" {}
module "repositories" {}
module "services" { docker_socket = ${JSON.stringify(socket)}, state_file = ${JSON.stringify(stateFile)} }
`;

let host;
before(async () => {
  fs.writeFileSync(stateFile, JSON.stringify({ services: [{ id: 'redis', port: 16379, environment: { TZ: 'UTC' } }, { id: 'unknown' }, 7] }), { mode: 0o600 });
  host = await startHost({ config: CONFIG, ports: [PORT] });
});
after(async () => {
  await host.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

const call = (method, target, body) => host.request(method, target, { port: PORT, body });
const post = (body, action) => call('POST', action === undefined ? '/api/services' : `/api/services/${action}`, body);

// Answers each path with what `answers` has for it, [status, body]; else 404 in the engine's words.
async function withEngine(answers, run) {
  const asked = [];
  asked.bodies = {};
  const server = http.createServer((request, reply) => {
    const line = `${request.method} ${request.url.split('?')[0]}`;
    asked.bodies[line] = '';
    request.on('data', (piece) => { asked.bodies[line] += piece; });
    asked.push(line);
    const [status, body] = answers[asked.at(-1)] ?? [404, { message: 'No such object' }];
    reply.writeHead(status, { 'content-type': 'application/json' });
    reply.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise((resolve) => { server.listen(socket, resolve); });
  try {
    await run(asked);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => { server.close(resolve); });
  }
}

test('without an engine the catalogue is listed, and what is known of it', async () => {
  const reply = await call('GET', '/api/services');
  const answer = reply.json();
  assert.equal(reply.status, 200);
  assert.deepEqual([answer.success, answer.dockerInstalled, answer.count], [true, false, 4]);
  assert.match(answer.message, /Docker is not available/);
  assert.doesNotMatch(answer.message, /dock\)$/, 'the reason is not cut in the middle of a word');
  assert.deepEqual(answer.services.map((s) => [s.id, s.dockerImage, s.ports[0], s.installed, s.status, s.containerName]), [
    ['mysql', 'mysql:8.0', 3306, false, 'stopped', 'ai-desktop-mysql'],
    ['postgresql', 'postgres:16', 5432, false, 'stopped', 'ai-desktop-postgresql'],
    ['mongodb', 'mongo:7', 27017, false, 'stopped', 'ai-desktop-mongodb'],
    ['redis', 'redis:7-alpine', 6379, false, 'stopped', 'ai-desktop-redis'],
  ]);
  const redis = answer.services[3];
  assert.deepEqual([redis.port, redis.environment.TZ, redis.defaultCredentials.password], [16379, 'UTC', '********']);
  assert.equal(answer.services[1].connectionString, 'postgresql://postgres:********@localhost:5432/postgres');
});

test('changes without an engine say why, and other modules find no services', async () => {
  for (const [action, word] of [['install', 'install'], ['start', 'start'], ['stop', 'stop'], ['restart', 'restart'], ['uninstall', 'uninstall']]) {
    const reply = await post({ serviceId: 'mysql' }, action);
    assert.equal(reply.status, 500);
    assert.match(reply.json().error, new RegExp(`^Failed to ${word} service: Docker is not available at`));
  }
  const found = (await call('GET', '/api/deployments/services')).json();
  assert.deepEqual(found.services, []);
});

test('requests that make no sense are refused with the sentences clients know', async () => {
  const rows = [
    [{}, undefined, 400, 'Action is required'], [undefined, undefined, 400, 'Action is required'], [{ action: 7, serviceId: 'mysql' }, undefined, 400, 'Action is required'],
    [{ action: 'start' }, undefined, 400, 'Service ID is required'], [{}, 'install', 400, 'Service ID is required'], [{ serviceId: 7 }, 'install', 400, 'Service ID is required'],
    [{ serviceId: 'nope' }, 'start', 404, 'Service not found'], [{ serviceId: '../../x' }, 'stop', 404, 'Service not found'],
    [{ action: 'explode', serviceId: 'mysql' }, undefined, 400, 'Invalid action: explode'],
    [{ action: 'explode' }, undefined, 400, 'Invalid action: explode'], [{ serviceId: 'mysql' }, 'explode', 404, 'Endpoint not found'],
    [{ serviceId: 'mysql', port: 0 }, 'install', 400, /^port /], [{ serviceId: 'mysql', port: 65536 }, 'install', 400, /^port /],
    [{ serviceId: 'mysql', port: '33x' }, 'install', 400, /^port /], [{ serviceId: 'mysql', port: {} }, 'install', 400, /^port /],
    [{ serviceId: 'mysql', environment: [] }, 'install', 400, /^environment /], [{ serviceId: 'mysql', environment: { 'A B': 'x' } }, 'install', 400, /^environment /],
    [{ serviceId: 'mysql', environment: { A: 1 } }, 'install', 400, /^environment /], [{ serviceId: 'mysql', volumes: ['/etc:/etc'] }, 'install', 400, /^volumes /],
    [{ serviceId: 'mysql', volumes: ['/a/../b'] }, 'install', 400, /^volumes /], [{ serviceId: 'mysql', volumes: 'x' }, 'install', 400, /^volumes /],
    [{ serviceId: 'mysql', environment: { MYSQL_ROOT_PASSWORD: 'a b' } }, 'install', 400, /^environment: a password/],
    [{ serviceId: 'mysql', port: 80 }, 'install', 403, /root/], [{ serviceId: 'mysql', environment: { LD_PRELOAD: '/x' } }, 'install', 403, /LD_PRELOAD/],
  ];
  for (const [body, action, status, error] of rows) {
    const reply = await post(body, action);
    assert.equal(reply.status, status, JSON.stringify([body, action, reply.text]));
    assert.equal(reply.json().success, false);
    if (error instanceof RegExp) assert.match(reply.json().error, error);
    else assert.equal(reply.json().error, error);
  }
  assert.equal((await call('GET', '/api/services/nope/logs')).status, 404);
});

test('what the engine says when it refuses is passed on, and what is not ours is left alone', async () => {
  const stranger = { Config: { Labels: { 'ai-desktop-service': 'false' } } };
  await withEngine({ 'GET /containers/ai-desktop-mysql/json': [200, stranger] }, async (asked) => {
    for (const action of ['start', 'stop', 'restart', 'uninstall']) assert.match((await post({ serviceId: 'mysql' }, action)).json().error, /not one of ours/);
    assert.match((await post({ serviceId: 'mysql' }, 'install')).json().error, /not ours/);
    assert.ok(asked.every((line) => line.startsWith('GET ')), asked.join());
  });
  await withEngine({}, async () => {
    for (const action of ['start', 'stop', 'restart', 'uninstall']) {
      const reply = await post({ serviceId: 'mysql' }, action);
      assert.deepEqual([reply.status, reply.json().error], [400, 'MySQL is not installed']);
    }
  });
  await withEngine({ 'POST /images/create': [200, '{"status":"Pulling fs layer","id":"a"}\n{"error":"no space left"}\n'] }, async () => {
    const reply = await post({ serviceId: 'mysql' }, 'install');
    assert.deepEqual([reply.status, reply.json().error], [500, 'Failed to install service: no space left']);
  });
  const created = { 'GET /images/mysql:8.0/json': [200, {}], 'POST /volumes/create': [201, {}], 'POST /containers/create': [201, { Id: 'x' }] };
  await withEngine({ ...created, 'POST /containers/ai-desktop-mysql/start': [500, { message: 'port is already allocated' }], 'DELETE /containers/ai-desktop-mysql': [204, ''] }, async (asked) => {
    const reply = await post({ serviceId: 'mysql' }, 'install');
    assert.deepEqual([reply.status, reply.json().error], [500, 'Failed to install service: port is already allocated']);
    assert.ok(asked.includes('DELETE /containers/ai-desktop-mysql'));
    const passwordSent = () => JSON.parse(asked.bodies['POST /containers/create']).Env.find((one) => one.startsWith('MYSQL_ROOT_PASSWORD='));
    const first = passwordSent();
    assert.ok(first.length > 30);
    await post({ serviceId: 'mysql' }, 'install');
    assert.equal(passwordSent(), first, 'the volume that stayed may have been set up with it');
  });
  for (const nonsense of ['', 'no json', '[[[[', '{"Config":7}'])
    await withEngine({ 'GET /containers/ai-desktop-mysql/json': [200, nonsense], 'GET /containers/json': [200, nonsense] }, async () => {
      assert.equal((await post({ serviceId: 'mysql' }, 'start')).status, 500);
      assert.equal((await call('GET', '/api/services')).status, 200);
      assert.deepEqual((await call('GET', '/api/deployments/services')).json().services, []);
    });
});

test('other containers that look like databases are discovered, without passwords', async () => {
  const containers = [
    { Id: 'a'.repeat(64), Names: ['/shop-db'], Image: 'postgis/postgis:16', State: 'running', Labels: {}, Ports: [{ PrivatePort: 5432, PublicPort: 15432, Type: 'tcp' }] },
    { Id: 'b'.repeat(64), Names: ['/cache'], Image: 'valkey:8', State: 'running', Ports: [{ PrivatePort: 1, PublicPort: 2 }, { PrivatePort: 6379, PublicPort: 16379 }] },
    { Id: 'c'.repeat(64), Names: ['/web'], Image: 'nginx', State: 'running', Ports: [{ PrivatePort: 80, PublicPort: 8080 }] },
    { Id: 'd'.repeat(64), Names: ['/hidden'], Image: 'mysql', State: 'running', Ports: [{ PrivatePort: 3306 }] },
    {}, 7,
  ];
  await withEngine({ 'GET /containers/json': [200, containers] }, async () => {
    const { services } = (await call('GET', '/api/deployments/services')).json();
    assert.deepEqual(services.map((s) => [s.id, s.name, s.containerName, s.port, s.type]), [
      ['a'.repeat(12), 'shop-db', 'shop-db', 15432, 'postgresql'], ['b'.repeat(12), 'cache', 'cache', 16379, 'redis'],
    ]);
  });
});
