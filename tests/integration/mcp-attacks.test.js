// Servers and clients of the hub that misbehave: nothing they do stops it, blocks another, or reaches another.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { test, before, after } = require('node:test');
const { Host } = require('./lib/host.js');
const { request, openEventStream, slower, waitFor } = require('./lib/client.js');
const { connect, post, open, events, ACCEPT, INITIALIZE } = require('./lib/mcp/client.js');
const { fixtureFile, serverFile } = require('./lib/mcp/servers.js');

const PORT = 3006;
const CALL = `call_timeout_ms = ${slower(4000)}`;
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "desktop" } module "desktop" {}
module "mcp" { start_timeout_ms = 10000, list_wait_ms = 6000, ${CALL}, message_limit_bytes = 1048576, sessions_max = 8 }`;

let host, port;
const call = async (client, name, args = {}) => (await client.callTool({ name, arguments: args })).content[0].text;
const connected = (target = '/mcp/server/fixture', options = {}) => connect(`http://127.0.0.1:${port}${target}`, options);
const register = async (entry) => assert.equal((await host.request('POST', '/api/mcp', { port: PORT, body: { name: entry.id, args: [], ...entry } })).status, 200);

before(async () => {
  host = await new Host({ config: CONFIG, ports: [PORT] }).start();
  port = host.port(PORT);
  await register({ id: 'fixture', command: process.execPath, args: [fixtureFile(host.folder)] });
});
after(() => host.stop());

test('a server that floods, writes garbage and lines over the limit goes on being served', async () => {
  const client = await connected('/mcp/server/fixture', { capabilities: { roots: {} } });
  assert.equal(await call(client, 'garbage'), 'survived');
  assert.equal(await call(client, 'line', { bytes: 3 << 20 }), 'survived');
  assert.equal(await call(client, 'flood', { count: 3000 }), 'flooded');
  assert.equal((await call(client, 'big', { bytes: 900000 })).length, 900000);
  await assert.rejects(call(client, 'big', { bytes: 2 << 20 }), /in time/);
  await assert.rejects(call(client, 'wide', { members: 2000 }), /beyond the limits/);
  assert.equal(await call(client, 'big', { bytes: 10 }), 'xxxxxxxxxx');
  await client.close();
});

test('a server that ends in the middle of a call fails that call, and is woken by the next', async () => {
  const client = await connected();
  await assert.rejects(call(client, 'die'), /exit code 3/);
  assert.match(await call(client, 'who_am_i'), /^\d+$/);
  await client.close();
});

test('a server that never answers, is no server, or is absent hurts no other', async () => {
  await register({ id: 'silent', command: 'sleep', args: ['600'] });
  await register({ id: 'absent', command: '/no/such/program' });
  await register({ id: 'echo', command: 'cat' });
  await register({ id: 'memory', command: process.execPath, args: [serverFile('memory')], env: { MEMORY_FILE_PATH: `${host.folder}/m.jsonl` } });
  const client = await connected('/mcp');
  const names = (await client.listTools()).tools.map(({ name }) => name);
  assert.ok(names.includes('who_am_i') && names.includes('read_graph'));
  assert.match(await call(client, 'who_am_i'), /^\d+$/);
  for (const id of ['silent', 'absent', 'echo']) {
    const reply = await host.request('POST', `/api/mcp/${id}/execute`, { port: PORT, body: { tool: 'x' } });
    assert.equal(reply.status, 500, reply.text);
    assert.equal(reply.json().success, false);
  }
  await assert.rejects(call(client, 'wait'), /in time/);
  await client.close();
});

test('what is no message of the protocol is refused', async () => {
  const id = await open(port);
  const headers = { 'mcp-session-id': id };
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
  assert.equal((await post(port, ping, headers)).status, 200);
  const cases = [
    [400, ping, {}], [404, ping, { 'mcp-session-id': 'f'.repeat(32) }], [404, ping, { 'mcp-session-id': `${id}0` }],
    [406, ping, { ...headers, accept: 'application/json' }], [415, ping, { ...headers, 'content-type': 'text/plain' }],
    [400, ping, { ...headers, 'mcp-protocol-version': '2099-01-01' }], [400, [ping], headers], [400, [], headers], [400, '{', headers], [400, '7', headers],
    [400, { ...ping, jsonrpc: '1.0' }, headers], [400, { ...ping, id: null }, headers], [400, { ...ping, id: {} }, headers], [400, { jsonrpc: '2.0', id: 1 }, headers],
    [400, { ...ping, params: [1] }, headers], [400, '['.repeat(5000) + ']'.repeat(5000), headers], [202, { jsonrpc: '2.0', id: 99, result: {} }, headers],
    [202, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'none' } }, headers], [403, ping, { ...headers, origin: 'http://evil.example' }],
  ];
  for (const [status, body, more] of cases) assert.equal((await post(port, body, more)).status, status, JSON.stringify([body, more]).slice(0, 200));
  assert.equal((await post(port, { ...ping, method: 'no/such' }, headers)).json().error.code, -32601);
  assert.equal((await post(port, { ...ping, method: 'tools/call', params: {} }, headers)).json().error.code, -32602);
  assert.equal((await request('GET', '/mcp', { port, headers: { ...headers, accept: 'application/json' } })).status, 406);
  assert.equal((await request('PUT', '/mcp', { port, headers, body: {} })).status, 404);
  await request('DELETE', '/mcp', { port, headers });
});

test('sessions are bounded: the one nobody uses gives way, never one that is read', async () => {
  const kept = await open(port);
  const stream = await openEventStream('/mcp', { port, headers: { accept: ACCEPT, 'mcp-session-id': kept } });
  assert.equal(stream.status, 200);
  for (let i = 0; i < 20; i++) assert.ok(await open(port));
  assert.equal((await post(port, { jsonrpc: '2.0', id: 1, method: 'ping' }, { 'mcp-session-id': kept })).status, 200);
  stream.close();
});

test('calls of one session are bounded, and an id is used once at a time', async () => {
  const id = await open(port, '/mcp/server/fixture');
  const headers = { 'mcp-session-id': id };
  const wait = (number) => post(port, { jsonrpc: '2.0', id: number, method: 'tools/call', params: { name: 'wait', arguments: {} } }, headers, '/mcp/server/fixture');
  const running = Array.from({ length: 70 }, (_, number) => wait(number));
  const replies = await Promise.all(running);
  const messages = replies.map((reply) => (reply.headers['content-type'].startsWith('text/event-stream') ? events(reply.text).at(-1).data : reply.json()).error.message);
  assert.equal(messages.filter((message) => /too many/.test(message)).length, 6);
  assert.equal(messages.filter((message) => /in time/.test(message)).length, 64);
  const first = wait('same');
  const second = await wait('same');
  assert.match(JSON.stringify([(await first).text, second.text]), /still being answered/);
});

// What a sanitizer keeps of freed memory would hide what the hub keeps: this host keeps little of it.
test('what a client does not read costs a bounded amount of memory', async () => {
  const env = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS || ''}:quarantine_size_mb=4` };
  const flooded = await new Host({ config: CONFIG.replace(CALL, 'call_timeout_ms = 120000'), ports: [PORT], env }).start();
  const at = flooded.port(PORT);
  const resident = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${flooded.child.pid}/status`, 'utf8'))[1]);
  const entry = { id: 'fixture', name: 'F', command: process.execPath, args: [fixtureFile(flooded.folder)] };
  assert.equal((await flooded.request('POST', '/api/mcp', { port: PORT, body: entry })).status, 200);
  const client = await connect(`http://127.0.0.1:${at}/mcp/server/fixture`);
  await call(client, 'who_am_i');
  const id = await open(at, '/mcp/server/fixture');
  const before = resident();
  const unread = [];
  for (let i = 0; i < 3; i++) unread.push(await openRaw(at, id, { jsonrpc: '2.0', id: i, method: 'tools/call', params: { name: 'flood', arguments: { count: 10000 } } }));
  const isAnswered = async (number) => (await post(at, { jsonrpc: '2.0', id: number, method: 'ping' }, { 'mcp-session-id': id }, '/mcp/server/fixture')).json().result;
  for (let i = 0; i < 3; i++) await waitFor(`flood ${i} to end`, () => isAnswered(i));
  assert.ok(resident() - before < 24 * 1024, `${resident() - before} KiB`);
  for (const one of unread) one.destroy();
  await client.close();
  await flooded.stop();
});

// Sends a request and reads nothing of its answer for a while.
function openRaw(at, id, message) {
  const http = require('node:http');
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(message);
    const headers = { accept: ACCEPT, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'mcp-session-id': id };
    const call = http.request({ host: '127.0.0.1', port: at, path: '/mcp/server/fixture', method: 'POST', headers, agent: false }, (reply) => {
      reply.pause();
      resolve(call);
    });
    call.on('error', reject);
    call.end(body);
  });
}

test('an initialize without params is answered', async () => {
  assert.equal((await post(port, { ...INITIALIZE, params: {} })).status, 200);
});

test('the host stops in the middle of calls, streams, starts and questions, and says so to who waits', async () => {
  const stopping = await new Host({ config: CONFIG.replace(CALL, 'call_timeout_ms = 60000'), ports: [PORT] }).start();
  const at = stopping.port(PORT);
  const add = (entry) => stopping.request('POST', '/api/mcp', { port: PORT, body: { name: entry.id, args: [], ...entry } });
  await add({ id: 'fixture', command: process.execPath, args: [fixtureFile(stopping.folder)] });
  await add({ id: 'silent', command: 'sleep', args: ['600'] });
  const client = await connect(`http://127.0.0.1:${at}/mcp/server/fixture`, {
    capabilities: { sampling: {} }, answers: { 'sampling/createMessage': () => new Promise(() => {}) },
  });
  await client.callTool({ name: 'who_am_i', arguments: {} });
  const failure = (promise) => promise.then(() => 'an answer', (error) => error.message);
  const calls = [client.callTool({ name: 'test_sampling', arguments: { prompt: 'x' } }), client.callTool({ name: 'wait', arguments: {} })].map(failure);
  const executed = stopping.request('POST', '/api/mcp/fixture/execute', { port: PORT, body: { tool: 'wait' } });
  const started = stopping.request('POST', '/api/mcp/silent/execute', { port: PORT, body: { tool: 'x' } });
  const listed = open(at, '/mcp').then((id) => post(at, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, { 'mcp-session-id': id }));
  await waitFor('the calls to run', async () => {
    const { servers } = (await stopping.request('GET', '/api/mcp', { port: PORT })).json();
    return servers.every(({ status }) => status === 'running');
  });
  await new Promise((resolve) => { setTimeout(resolve, 500); });
  await stopping.stop();
  for (const call of calls) assert.match(await call, /the host is stopping/);
  assert.deepEqual([(await executed).status, (await executed).json()], [500, { success: false, error: 'the host is stopping' }]);
  assert.equal((await started).status, 500);
  assert.ok(Array.isArray((await listed).json().result.tools));
  await client.close().catch(() => {});
});
