// The registry of MCP servers: the desktop family's routes, masked environments, real servers started, asked, stopped, deleted, kept.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { io } = require('socket.io-client');
const { Host } = require('./lib/host.js');
const { waitFor, openEventStream } = require('./lib/client.js');
const { serverFile } = require('./lib/mcp/servers.js');

const PORT = 3006;
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "desktop" }
module "desktop" {}
module "socketio" {}
module "mcp" { start_timeout_ms = 20000, idle_ms = 0 }
`;
const EVERYTHING = { id: 'everything', name: 'Everything', command: process.execPath, args: [serverFile('everything'), 'stdio'], description: 'All of it' };

let host;
before(async () => { host = await new Host({ config: CONFIG, ports: [PORT] }).start(); });
after(() => host.stop());

async function call(method, target, body) {
  const reply = await host.request(method, target, { port: PORT, body });
  return { status: reply.status, ...reply.json() };
}
const get = async (id) => (await call('GET', `/api/mcp/${id}`)).server;
const action = (id, word) => call('POST', `/api/mcp/${id}/action`, { action: word });
const execute = (id, tool, parameters) => call('POST', `/api/mcp/${id}/execute`, { tool, parameters });
const refused = (status, error) => ({ status, success: false, error });
const isAlive = (pid) => fs.existsSync(`/proc/${pid}`);

test('a server is registered, listed and found', async () => {
  assert.deepEqual(await call('GET', '/api/mcp'), { status: 200, success: true, servers: [], count: 0 });
  const made = await call('POST', '/api/mcp', { ...EVERYTHING, cwd: '/tmp', env: { API_KEY: 'canary-1' } });
  const { createdAt, updatedAt, ...rest } = made.server;
  assert.equal(made.status, 200);
  assert.deepEqual(rest, { ...EVERYTHING, env: { API_KEY: '********' }, workingDirectory: '/tmp', status: 'stopped', pid: null });
  assert.equal(new Date(createdAt).toISOString(), createdAt);
  assert.equal(updatedAt, createdAt);
  assert.deepEqual((await call('GET', '/api/mcp')).servers, [made.server]);
  assert.deepEqual(await get('everything'), made.server);
});

test('what is missing or wrong is refused with the known sentences', async () => {
  const missing = refused(400, 'Missing required fields: id, name, command, args');
  for (const gap of ['id', 'name', 'command', 'args']) assert.deepEqual(await call('POST', '/api/mcp', { ...EVERYTHING, id: 'x', [gap]: undefined }), missing);
  assert.deepEqual(await call('POST', '/api/mcp', EVERYTHING), refused(400, 'Server with this ID already exists'));
  for (const id of ['.', '..', 'a/b', 'backplane', 'x'.repeat(129)]) assert.match((await call('POST', '/api/mcp', { ...EVERYTHING, id })).error, /^id must be 1 to 128 bytes/);
  assert.deepEqual(await call('POST', '/api/mcp', { ...EVERYTHING, id: 'x', args: 'a b' }), refused(400, 'args must be an array of strings'));
  for (const name of ['LD_PRELOAD', 'NODE_OPTIONS', 'PATH', 'lower']) {
    const reply = await call('POST', '/api/mcp', { ...EVERYTHING, id: 'x', env: { FINE: '1', [name]: '1' } });
    assert.equal(reply.status, 400);
    assert.match(reply.error, new RegExp(`"${name}"`));
  }
  for (const [method, target] of [['GET', ''], ['GET', '/tools'], ['POST', '/action'], ['PATCH', ''], ['DELETE', '']])
    assert.deepEqual(await call(method, `/api/mcp/none${target}`, method === 'GET' ? undefined : { action: 'start' }), refused(404, 'Server not found'));
  assert.deepEqual(await execute('none', 'echo'), refused(404, 'Server not found'));
  assert.deepEqual(await execute('everything', ''), refused(400, 'Tool name is required'));
  assert.equal((await action('everything', 'jump')).status, 400);
  assert.equal((await call('PUT', '/api/mcp/everything', {})).error, 'Endpoint not found');
});

test('start, stop and restart by hand', async () => {
  const started = await action('everything', 'start');
  assert.equal(started.status, 'running');
  assert.ok(isAlive(started.pid));
  assert.deepEqual(await get('everything').then(({ status, pid }) => ({ status, pid })), { status: 'running', pid: started.pid });
  const again = await action('everything', 'restart');
  assert.notEqual(again.pid, started.pid);
  assert.ok(!isAlive(started.pid));
  const stopped = await action('everything', 'stop');
  assert.deepEqual([stopped.status, stopped.pid], ['stopped', null]);
  assert.ok(!isAlive(again.pid));
  assert.equal((await action('everything', 'stop')).success, true);
});

test('a tool is executed by a server that is woken, and its tools are known without it', async () => {
  assert.deepEqual((await execute('everything', 'echo', { message: 'hi' })).result, { content: [{ type: 'text', text: 'Echo: hi' }] });
  assert.deepEqual((await call('POST', '/api/mcp/everything/execute', { toolName: 'echo', parameters: { message: 'old' } })).result.content[0].text, 'Echo: old');
  assert.equal((await execute('everything', 'no-such-tool', {})).result.isError, true);
  assert.equal((await get('everything')).status, 'running');
  await action('everything', 'stop');
  const { tools, count } = await call('GET', '/api/mcp/everything/tools');
  assert.equal(count, tools.length);
  assert.ok(tools.find((tool) => tool.name === 'echo').inputSchema);
  assert.equal((await get('everything')).status, 'stopped');
});

test('values of the environment reach the process, and nothing else', async () => {
  const seen = async () => JSON.parse((await execute('everything', 'get-env', {})).result.content[0].text);
  assert.equal((await seen()).API_KEY, 'canary-1');
  const changed = await call('PATCH', '/api/mcp/everything', { name: 'New', env: { API_KEY: '********', OTHER: 'canary-2' } });
  assert.deepEqual([changed.server.name, changed.server.env], ['New', { API_KEY: '********', OTHER: '********' }]);
  await action('everything', 'restart');
  const { API_KEY, OTHER } = await seen();
  assert.deepEqual({ API_KEY, OTHER }, { API_KEY: 'canary-1', OTHER: 'canary-2' });
  assert.match((await call('PATCH', '/api/mcp/everything', { env: { NEW: '********' } })).error, /"NEW"/);
  assert.deepEqual((await call('PATCH', '/api/mcp/everything', { env: {} })).server.env, {});
  const files = fs.readdirSync(host.state, { recursive: true }).map((name) => path.join(host.state, name)).filter((name) => fs.statSync(name).isFile());
  for (const file of files) assert.ok(!fs.readFileSync(file).includes('canary-'), file);
  assert.ok(!host.stderr.includes('canary-'));
});

test('what it writes is live and kept', async () => {
  const stream = await openEventStream('/api/backplane/live?topics=mcp.*', { port: host.port() });
  await action('everything', 'restart');
  const event = await stream.next((one) => /Starting default/.test(one.data));
  const { data } = JSON.parse(event.data);
  assert.deepEqual([data.id, data.stream], ['everything', 'stderr']);
  await stream.next((one) => /"action":"start"/.test(one.data) && /"status":"running"/.test(one.data));
  stream.close();
  await waitFor('the log in the store', async () => /Starting default/.test((await call('GET', '/api/mcp/everything/logs?lines=1')).logs));
});

test('Socket.IO clients hear what happens to a server and what it writes', async () => {
  const socket = io(`http://127.0.0.1:${host.port(PORT)}`, { forceNew: true, reconnection: false });
  const heard = [];
  socket.onAny((name, payload) => heard.push([name, payload]));
  const next = (name, test = () => true) => waitFor(name, () => heard.find((one) => one[0] === name && test(one[1])));
  await new Promise((resolve, reject) => { socket.on('connect', resolve); socket.on('connect_error', reject); });
  socket.emit('mcp:join', 'passing');
  await call('POST', '/api/mcp', { id: 'passing', name: 'P', command: process.execPath, args: ['-e', 'console.error("hello"); console.log("plain"); setInterval(() => {}, 1000)'] });
  const { pid } = await action('passing', 'start');
  await next('mcp:updated', (one) => one.id === 'passing' && one.action === 'start' && one.status === 'running' && one.pid === pid);
  const [, line] = await next('mcp:passing:log', (one) => one.stream === 'stderr');
  assert.deepEqual([line.id, line.data, new Date(line.timestamp).toISOString()], ['passing', 'hello', line.timestamp]);
  await next('mcp:passing:log', (one) => one.stream === 'stdout' && one.data === 'plain');
  await action('passing', 'stop');
  await next('mcp:updated', (one) => one.id === 'passing' && one.action === 'stop' && one.status === 'stopped' && one.pid === undefined);
  await call('DELETE', '/api/mcp/passing');
  await next('mcp:deleted', (one) => one.id === 'passing');
  socket.close();
});

test('a program that is no MCP server runs all the same, and its end is seen', async () => {
  await call('POST', '/api/mcp', { id: 'sleeper', name: 'S', command: 'sleep', args: ['600'] });
  const { pid } = await action('sleeper', 'start');
  process.kill(pid, 'SIGKILL');
  await waitFor('its end', async () => (await get('sleeper')).status === 'stopped');
  assert.equal((await get('sleeper')).pid, null);
  await call('POST', '/api/mcp', { id: 'absent', name: 'A', command: '/no/such/program', args: [] });
  const failed = await action('absent', 'start');
  assert.deepEqual([failed.status, failed.success], [500, false]);
  assert.match(failed.error, /no\/such\/program|not found|No such/);
});

test('an mcpServers file is imported', async () => {
  const reply = await call('POST', '/api/mcp/import', { mcpServers: {
    memory: { command: process.execPath, args: [serverFile('memory')], env: { MEMORY_FILE_PATH: path.join(host.folder, 'mem.jsonl') } },
    everything: { command: 'x' },
    wrong: { args: [] },
  } });
  assert.deepEqual([reply.imported.map(({ id }) => id), reply.skipped, reply.failed.map(({ id }) => id)], [['memory'], ['everything'], ['wrong']]);
  const made = await execute('memory', 'create_entities', { entities: [{ name: 'n', entityType: 't', observations: ['o'] }] });
  assert.ok(!made.result.isError, JSON.stringify(made));
  assert.match(fs.readFileSync(path.join(host.folder, 'mem.jsonl'), 'utf8'), /"n"/);
  assert.equal((await call('POST', '/api/mcp/import', { mcpServers: { evil: { command: 'bash', args: ['-c', 'id'] } } })).status, 403);
});

test('the registry and what it knows are there after a kill -9; nothing runs', async () => {
  await action('everything', 'start');
  const { pid } = await get('everything');
  const before = (await call('GET', '/api/mcp')).servers.map((server) => ({ ...server, status: 'stopped', pid: null }));
  await host.kill();
  host.end = undefined;
  await host.start();
  const servers = await waitFor('the registry', async () => { const all = (await call('GET', '/api/mcp')).servers; return all.length ? all : null; });
  assert.deepEqual(servers, before);
  await waitFor('the old process to be gone', () => !isAlive(pid));
  assert.ok((await call('GET', '/api/mcp/everything/tools')).count > 5);
  assert.equal((await get('everything')).status, 'stopped');
  assert.equal((await execute('everything', 'echo', { message: 'again' })).result.content[0].text, 'Echo: again');
});

test('a deleted server ends and is gone', async () => {
  const { pid } = await get('everything');
  const reply = await host.request('DELETE', '/api/mcp/everything', { port: PORT });
  assert.deepEqual([reply.status, reply.headers['content-type'], reply.json()], [200, 'application/json; charset=utf-8', { success: true, message: 'Server deleted' }]);
  await waitFor('its process to end', () => !isAlive(pid));
  assert.deepEqual(await call('GET', '/api/mcp/everything'), refused(404, 'Server not found'));
  assert.equal((await call('POST', '/api/mcp', EVERYTHING)).success, true);
});
