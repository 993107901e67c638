// The registry: the original's answers and sentences, automatic ports, both URL forms, the service for other modules.
'use strict';

const assert = require('node:assert');
const net = require('node:net');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Host } = require('./lib/host.js');

const PORT = 3006;
const URL = '/api/repositories';
const EXAMPLES = path.join(process.env.BACKPLANE_MODULES, '..', 'examples');
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "desktop" }
module "desktop" {}
module "repositories" { first_port = 21210, last_port = 21239 }
module "org.example.service-caller" { path = "${EXAMPLES}/org.example.service-caller.so" }
`;

let host;
before(async () => { host = await new Host({ config: CONFIG, ports: [PORT] }).start(); });
after(() => host.stop());

async function call(method, target, body) {
  const reply = await host.request(method, target, { port: PORT, body });
  return { status: reply.status, ...reply.json() };
}

const create = (fields) => call('POST', URL, { name: 'demo', path: '/srv/demo', type: 'git', ...fields });
const refused = (status, error) => ({ status, success: false, error });

async function service(method, payload) {
  return (await host.request('POST', '/f/service-caller/call', { body: { service: 'repositories/1', method, payload } })).json();
}

test('a new repository has every column and the lowest free port', async () => {
  const first = await create({ branch: 'main' });
  const { id, created_at: createdAt, updated_at: updatedAt, ...rest } = first.repository;
  assert.equal(first.status, 200);
  assert.equal(first.success, true);
  assert.ok(Number.isInteger(id));
  assert.equal(new Date(createdAt).toISOString(), createdAt);
  assert.equal(updatedAt, createdAt);
  assert.deepEqual(rest, { name: 'demo', path: '/srv/demo', type: 'git', port: 21210, url: null, branch: 'main', running: false, pid: null });
  const second = await create({ name: 'two', type: 'local', url: 'https://example.org/x.git' });
  assert.equal(second.repository.port, 21211);
  assert.equal(second.repository.url, 'https://example.org/x.git');
  assert.ok(second.repository.id > id);
  const all = await call('GET', URL);
  assert.deepEqual(all.repositories, [first.repository, second.repository]);
  assert.deepEqual(await call('GET', `${URL}?id=${id}`), { status: 200, success: true, repository: first.repository });
});

test('what is missing or wrong is refused with the known sentences', async () => {
  const missing = refused(400, 'Missing required fields: name, path, type, port');
  for (const fields of [{ name: undefined }, { path: '' }, { type: null }]) assert.deepEqual(await create(fields), missing);
  assert.deepEqual(await call('POST', URL), missing);
  assert.deepEqual(await create({ type: 'svn' }), refused(400, 'Type must be "git" or "local"'));
  assert.deepEqual(await create({ name: 7 }), refused(400, 'name, path, type, url and branch must be strings'));
  for (const port of [-1, 70000, 'x', 1.5]) assert.deepEqual(await create({ port }), refused(400, 'Port must be an integer from 1 to 65535'));
  assert.equal((await call('GET', URL)).repositories.length, 2);
});

test('a port is given once: not that of another repository, of a listener, or of any process', async () => {
  const wanted = await create({ name: 'p', port: 21220 });
  assert.equal(wanted.repository.port, 21220);
  assert.deepEqual(await create({ port: 21220 }), refused(400, 'Port 21220 is already in use'));
  assert.deepEqual(await create({ port: '21220' }), refused(400, 'Port 21220 is already in use'));
  assert.deepEqual(await create({ port: host.port(PORT) }), refused(400, `Port ${host.port(PORT)} is already in use`));
  const server = net.createServer();
  await new Promise((resolve) => { server.listen(21230, '127.0.0.1', resolve); });
  assert.deepEqual(await create({ port: 21230 }), refused(400, 'Port 21230 is already in use'));
  await new Promise((resolve) => { server.close(resolve); });
  const freed = await create({ port: '21230' });
  assert.equal(freed.repository.port, 21230);
  await call('DELETE', `${URL}/${freed.repository.id}`);
});

test('PUT in every form of naming the repository', async () => {
  const { id } = (await create({ name: 'old', url: 'https://a' })).repository;
  assert.equal((await call('PUT', `${URL}/${id}`, { name: 'by path' })).repository.name, 'by path');
  assert.equal((await call('PUT', URL, { id, name: 'by body' })).repository.name, 'by body');
  assert.equal((await call('PUT', URL, { id: String(id), branch: 'dev' })).repository.branch, 'dev');
  const changed = (await call('PUT', `${URL}?id=${id}`, { path: '/srv/new', url: null, port: 1, running: true })).repository;
  assert.deepEqual([changed.name, changed.path, changed.url, changed.branch, changed.running], ['by body', '/srv/new', null, 'dev', false]);
  assert.notEqual(changed.port, 1);
  assert.deepEqual(await call('PUT', URL, { name: 'x' }), refused(400, 'Repository ID is required'));
  assert.deepEqual(await call('PUT', `${URL}/999999`, { name: 'x' }), refused(404, 'Repository not found'));
  assert.deepEqual(await call('PUT', `${URL}/abc`, { name: 'x' }), refused(404, 'Repository not found'));
  assert.deepEqual(await call('PUT', `${URL}/${id}`, { name: '' }), refused(400, 'name and path must not be empty'));
  assert.deepEqual(await call('PUT', `${URL}/${id}`, { url: 3 }), refused(400, 'name, path, url and branch must be strings'));
});

test('DELETE in both forms; the port is free again', async () => {
  const one = (await create({ port: 21235 })).repository;
  assert.deepEqual(await call('DELETE', `${URL}/${one.id}`), { status: 200, success: true, message: 'Repository deleted' });
  assert.deepEqual(await call('DELETE', `${URL}/${one.id}`), refused(404, 'Repository not found'));
  const two = (await create({ port: 21235 })).repository;
  assert.equal(two.port, 21235);
  assert.equal((await call('DELETE', `${URL}?id=${two.id}`)).message, 'Repository deleted');
  assert.deepEqual(await call('DELETE', URL), refused(400, 'Repository ID is required'));
  assert.deepEqual(await call('GET', `${URL}?id=${two.id}`), refused(404, 'Repository not found'));
  assert.deepEqual(await call('GET', `${URL}?id=abc`), refused(404, 'Repository not found'));
});

test('other modules look repositories up, add them once, and say that one runs', async () => {
  const added = await service('add', { name: 'cloned', path: '/srv/cloned', type: 'git', url: 'https://example.org/c.git' });
  assert.equal(added.status, 0);
  const { id, port } = added.answer;
  assert.ok(port >= 21210);
  assert.deepEqual((await service('add', { name: 'again', path: '/srv/cloned', type: 'git' })).answer, added.answer);
  assert.deepEqual((await service('get', { id })).answer, added.answer);
  assert.ok((await service('list', {})).answer.some((repository) => repository.id === id));
  assert.equal((await service('get', { id: 999999 })).status, -3);
  assert.equal((await service('nonsense', {})).status, -12);
  const running = (await service('set_running', { id, running: true, pid: 4711, url: 'http://localhost:1' })).answer;
  assert.deepEqual([running.running, running.pid, running.url], [true, 4711, 'http://localhost:1']);
  assert.deepEqual(await call('DELETE', `${URL}/${id}`), refused(400, 'Cannot delete running repository. Stop it first.'));
  const stopped = (await service('set_running', { id, running: false })).answer;
  assert.deepEqual([stopped.running, stopped.pid, stopped.url], [false, null, null]);
  assert.equal((await call('DELETE', `${URL}/${id}`)).status, 200);
});

test('registered together, they get different ports', async () => {
  const made = await Promise.all(Array.from({ length: 8 }, (_, i) => create({ name: `n${i}` })));
  assert.equal(new Set(made.map((reply) => reply.repository.port)).size, 8);
  for (const reply of made) await call('DELETE', `${URL}/${reply.repository.id}`);
});

test('a full range is said', async () => {
  const made = [];
  let last;
  do {
    last = await create({ name: 'fill' });
    if (last.success) made.push(last.repository.id);
  } while (last.success);
  assert.deepEqual(last, refused(500, 'no port from 21210 to 21239 is free'));
  for (const id of made) await call('DELETE', `${URL}/${id}`);
});

test('repositories and their ports are there after a kill -9', async () => {
  const before = (await call('GET', URL)).repositories;
  await host.kill();
  host.end = undefined;
  await host.start();
  assert.deepEqual((await call('GET', URL)).repositories, before);
  const taken = before[0].port;
  assert.deepEqual(await create({ port: taken }), refused(400, `Port ${taken} is already in use`));
});
