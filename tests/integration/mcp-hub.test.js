// The aggregated MCP server at /mcp, with the official SDK's client and real servers: everything a client may do, two sessions at once,
// servers woken and stopped, names, groups, search, the stdio bridge.
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Host } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');
const { connect, post, open, events, INITIALIZE } = require('./lib/mcp/client.js');
const { serverFile, fixtureFile } = require('./lib/mcp/servers.js');

const PORT = 3006;
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "desktop" }
module "desktop" {}
module "mcp" {
  start_timeout_ms = 20000, idle_ms = 1500, search_from = 30,
  groups = { small = { servers = { "fixture" }, allow = { "who_am_i", "fixture/test_sampling", "big" }, rename = { big = "large" }, defaults = { big = { bytes = 3 } } } },
}
`;

let host, port, url;
const clients = [];
const call = async (client, name, args = {}, options = {}) => (await client.callTool({ name, arguments: args }, undefined, options)).content[0].text;

async function client(options = {}, target = '/mcp') {
  const one = await connect(`http://127.0.0.1:${port}${target}`, options);
  clients.push(one);
  return one;
}

async function register(entry) {
  const reply = await host.request('POST', '/api/mcp', { port: PORT, body: { name: entry.id, command: process.execPath, ...entry } });
  assert.equal(reply.status, 200, reply.text);
}

function freePort() {
  const server = net.createServer();
  return new Promise((resolve) => { server.listen(0, '127.0.0.1', () => { const { port: free } = server.address(); server.close(() => resolve(free)); }); });
}

before(async () => {
  host = await new Host({ config: CONFIG, ports: [PORT] }).start();
  port = host.port(PORT);
  fs.mkdirSync(path.join(host.folder, 'files'));
  fs.writeFileSync(path.join(host.folder, 'files', 'a.txt'), 'content of a');
  await register({ id: 'fixture', args: [fixtureFile(host.folder)] });
  await register({ id: 'files', args: [serverFile('filesystem'), path.join(host.folder, 'files')] });
  await register({ id: 'memory', args: [serverFile('memory')], env: { MEMORY_FILE_PATH: path.join(host.folder, 'memory.jsonl') } });
});
after(async () => {
  await Promise.all(clients.map((one) => one.close().catch(() => {})));
  await host.stop();
});

test('tools, resources, templates, prompts and completions of all servers', async () => {
  const one = await client();
  assert.deepEqual(one.getServerVersion().name, 'backplane');
  const names = (await one.listTools()).tools.map((tool) => tool.name);
  for (const name of ['test_simple_text', 'read_text_file', 'create_entities', 'list_mcp_servers']) assert.ok(names.includes(name), name);
  assert.equal(new Set(names).size, names.length);
  assert.equal(await call(one, 'test_simple_text'), 'This is a simple text response for testing.');
  assert.equal(await call(one, 'read_text_file', { path: path.join(host.folder, 'files', 'a.txt') }), 'content of a');
  assert.ok((await one.listResources()).resources.some(({ uri }) => uri === 'test://static-text'));
  assert.match((await one.readResource({ uri: 'test://template/7/data' })).contents[0].text, /Data for ID: 7/);
  assert.ok((await one.listResourceTemplates()).resourceTemplates.length >= 1);
  assert.ok((await one.listPrompts()).prompts.some(({ name }) => name === 'test_simple_prompt'));
  assert.match((await one.getPrompt({ name: 'test_prompt_with_arguments', arguments: { arg1: 'x', arg2: 'y' } })).messages[0].content.text, /arg1='x', arg2='y'/);
  assert.deepEqual((await one.complete({ ref: { type: 'ref/prompt', name: 'test_simple_prompt' }, argument: { name: 'a', value: 'par' } })).completion.values, ['paris', 'park', 'party']);
  await assert.rejects(call(one, 'no_such_tool'), /no_such_tool/);
  await assert.rejects(one.readResource({ uri: 'nobody://x' }), /not found/i);
  await one.ping();
});

test('sampling, elicitation, roots, progress and messages reach the session that caused them, and no other', async () => {
  const answering = (name) => ({
    capabilities: { sampling: {}, elicitation: {}, roots: { listChanged: true } },
    answers: {
      'sampling/createMessage': async (request) => ({ role: 'assistant', model: 'm', content: { type: 'text', text: `${name}:${request.params.messages[0].content.text}` } }),
      'elicitation/create': async () => ({ action: 'accept', content: { username: name, email: `${name}@x` } }),
      'roots/list': async () => ({ roots: [{ uri: `file:///tmp/${name}`, name }] }),
    },
  });
  const [a, b] = await Promise.all([client(answering('a')), client(answering('b'))]);
  const work = async (one, name) => {
    for (let i = 0; i < 5; i++) {
      const seen = [];
      const [sampled, elicited, roots, token] = await Promise.all([
        call(one, 'test_sampling', { prompt: `${name}${i}` }), call(one, 'test_elicitation', { message: 'who' }), call(one, 'roots'),
        call(one, 'test_tool_with_progress', {}, { onprogress: (progress) => seen.push(progress.progress) }),
      ]);
      assert.equal(sampled, `LLM response: ${name}:${name}${i}`);
      assert.match(elicited, new RegExp(`"username":"${name}"`));
      assert.deepEqual(JSON.parse(roots).map((root) => root.name), [name]);
      assert.deepEqual(seen, [0, 50, 100]);
      assert.match(token, /^\d+$/);
      await call(one, 'test_tool_with_logging');
    }
    return call(one, 'who_am_i');
  };
  const [pidA, pidB] = await Promise.all([work(a, 'a'), work(b, 'b')]);
  assert.notEqual(pidA, pidB);
  for (const one of [a, b]) assert.equal(one.notes.filter((note) => note.method === 'notifications/message').length, 15);
  const plain = await client();
  assert.match((await plain.callTool({ name: 'test_sampling', arguments: { prompt: 'x' } })).content[0].text, /cannot|not support/i);
});

test('clients without abilities share one process; messages go to who has a call there', async () => {
  const [a, b] = await Promise.all([client(), client()]);
  assert.equal(await call(a, 'who_am_i'), await call(b, 'who_am_i'));
  await call(a, 'test_tool_with_logging');
  assert.equal(a.notes.filter((note) => note.method === 'notifications/message').length, 3);
  assert.equal(b.notes.length, 0);
  await b.setLoggingLevel('error');
  await call(b, 'test_tool_with_logging');
  assert.equal(b.notes.filter((note) => note.method === 'notifications/message').length, 0);
});

test('what a shared process logs while several sessions have calls there reaches each of them', async () => {
  const [a, b, idle] = await Promise.all([client(), client(), client()]);
  const controller = new AbortController();
  const waiting = a.callTool({ name: 'wait', arguments: {} }, undefined, { signal: controller.signal }).catch(() => {});
  await call(a, 'who_am_i');
  await call(b, 'test_tool_with_logging');
  const messages = (one) => one.notes.filter((note) => note.method === 'notifications/message').length;
  await waitFor('the messages', () => messages(a) === 3);
  assert.deepEqual([messages(b), messages(idle)], [3, 0]);
  controller.abort();
  await waiting;
});

test('a cancelled call is cancelled in the server', async () => {
  const one = await client({ capabilities: { roots: {} }, answers: { 'roots/list': async () => ({ roots: [] }) } });
  const controller = new AbortController();
  const waiting = one.callTool({ name: 'wait', arguments: {} }, undefined, { signal: controller.signal });
  const refused = assert.rejects(waiting);
  await call(one, 'who_am_i');
  controller.abort();
  await refused;
  await waitFor('the server to hear of it', async () => /cancelled/.test((await host.request('GET', '/api/mcp/fixture/logs', { port: PORT })).json().logs));
});

test('a resource is watched by who subscribed', async () => {
  const [a, b] = await Promise.all([client(), client()]);
  await a.subscribeResource({ uri: 'test://watched-resource' });
  await call(b, 'touch');
  const updates = (one) => one.notes.filter((note) => note.method === 'notifications/resources/updated');
  await waitFor('the update', () => updates(a).length === 1);
  assert.equal(updates(a)[0].params.uri, 'test://watched-resource');
  assert.equal(updates(b).length, 0);
  await a.unsubscribeResource({ uri: 'test://watched-resource' });
  await call(b, 'touch');
  await call(a, 'who_am_i');
  assert.equal(updates(a).length, 1);
});

test('lists are answered without any process, a call wakes one, an idle one stops, never one with a call', async () => {
  const status = async () => (await host.request('GET', '/api/mcp/fixture', { port: PORT })).json().server.status;
  const one = await client({ capabilities: {} });
  const pid = Number(await call(one, 'who_am_i'));
  const controller = new AbortController();
  const waiting = one.callTool({ name: 'wait', arguments: {} }, undefined, { signal: controller.signal }).catch(() => {});
  await new Promise((resolve) => { setTimeout(resolve, 4000); });
  assert.ok(fs.existsSync(`/proc/${pid}`));
  controller.abort();
  await waiting;
  await waitFor('the idle stop', async () => await status() === 'stopped');
  assert.ok((await one.listTools()).tools.length > 20);
  assert.equal(await status(), 'stopped');
  assert.notEqual(Number(await call(one, 'who_am_i')), pid);
  assert.equal(await status(), 'running');
});

test('a tool that comes while a server runs is told and listed', async () => {
  const one = await client({ capabilities: { roots: {} }, answers: { 'roots/list': async () => ({ roots: [] }) } });
  assert.ok(!(await one.listTools()).tools.some(({ name }) => name === 'grown'));
  await call(one, 'grow');
  await waitFor('the notification', () => one.notes.some((note) => note.method === 'notifications/tools/list_changed'));
  assert.ok((await one.listTools()).tools.some(({ name }) => name === 'grown'));
  assert.equal(await call(one, 'grown'), 'grown');
});

test('clients are told when a server is registered or deleted', async () => {
  const one = await client();
  const told = () => one.notes.filter((note) => note.method === 'notifications/tools/list_changed').length;
  const isListed = async () => (await one.listTools()).tools.some(({ name }) => name === 'late__read_graph');
  await one.ping();
  const before = told();
  await register({ id: 'late', args: [serverFile('memory')], env: { MEMORY_FILE_PATH: path.join(host.folder, 'late.jsonl') } });
  await waitFor('the notification', () => told() > before);
  assert.ok(await isListed());
  const between = told();
  assert.equal((await host.request('DELETE', '/api/mcp/late', { port: PORT })).status, 200);
  await waitFor('the notification', () => told() > between);
  assert.ok(!await isListed());
});

test('a session that nobody reads is told once that lists have changed, not as often as they do', async () => {
  const id = await open(port);
  const change = async () => {
    await register({ id: 'passing', args: [serverFile('memory')] });
    assert.equal((await host.request('DELETE', '/api/mcp/passing', { port: PORT })).status, 200);
  };
  for (let i = 0; i < 20; i++) await change();
  const stream = await openEventStream('/mcp', { port, headers: { accept: 'text/event-stream', 'mcp-session-id': id } });
  const told = () => stream.events.filter(({ data }) => data.includes('notifications/tools/list_changed')).length;
  await waitFor('the notification', () => told() > 0);
  const before = told();
  await change(); // told after all that had waited
  await waitFor('the next', () => told() > before);
  assert.ok(told() < 20, `${told()} notifications`);
  stream.close();
});

test('one server, a group with its own names and defaults, and search', async () => {
  const memory = await client({}, '/mcp/server/memory');
  assert.ok((await memory.listTools()).tools.every(({ name }) => !name.startsWith('test_')));
  const small = await client({}, '/mcp/group/small');
  assert.deepEqual((await small.listTools()).tools.map(({ name }) => name).sort(), ['large', 'test_sampling', 'who_am_i']);
  assert.equal(await call(small, 'large'), 'xxx');
  assert.equal(await call(small, 'large', { bytes: 5 }), 'xxxxx');
  await assert.rejects(call(small, 'test_simple_text'));
  assert.equal((await post(port, {}, {}, '/mcp/group/none')).status, 400);
  assert.equal(await open(port, '/mcp/group/none'), undefined);
  const all = await client();
  assert.ok((await all.listTools()).tools.some(({ name }) => name === 'search_tools'));
  const found = async (one, query, limit) => JSON.parse(await call(one, 'search_tools', { query, limit })).map(({ name }) => name);
  assert.ok((await found(all, 'knowledge graph')).includes('create_entities'));
  assert.ok((await found(all, 'mcp server')).includes('get_mcp_server'), 'tools of the built-in server are found too');
  assert.equal((await found(all, 'mcp*', 1)).length, 1);
});

test('routes of modules are tools of the built-in server, under the policy and the scope', async () => {
  const one = await client({}, '/mcp/server/backplane');
  const { tools } = await one.listTools();
  const tool = tools.find(({ name }) => name === 'get_mcp_server');
  assert.deepEqual([tool.inputSchema.required, tool.annotations.readOnlyHint], [['id'], true]);
  const result = await one.callTool({ name: 'get_mcp_server', arguments: { id: 'memory' } });
  assert.equal(JSON.parse(result.content[0].text).server.id, 'memory');
  assert.equal((await one.callTool({ name: 'get_mcp_server', arguments: { id: 'none' } })).isError, true);
  assert.equal((await one.callTool({ name: 'get_mcp_server', arguments: {} })).isError, true);
  assert.equal((await one.callTool({ name: 'get_mcp_server', arguments: { id: 'a/b' } })).isError, true);
});

test('a stream that broke is taken up again where it was', async () => {
  const id = await open(port);
  const headers = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' };
  await post(port, { jsonrpc: '2.0', method: 'notifications/initialized' }, headers);
  const whole = await post(port, { jsonrpc: '2.0', id: 'x', method: 'tools/call', params: { name: 'test_tool_with_logging', arguments: {} } }, headers);
  const all = events(whole.text);
  assert.equal(all.length, 4);
  assert.match(whole.text, /^retry: \d+\nid: \d+-0\ndata: \n\n/);
  const replay = await host.request('GET', '/mcp', { port: PORT, headers: { accept: 'text/event-stream', ...headers, 'last-event-id': all[1].id } });
  assert.deepEqual(events(replay.text), all.slice(2));
  assert.equal((await host.request('GET', '/mcp', { port: PORT, headers: { accept: 'text/event-stream', ...headers, 'last-event-id': '999-1' } })).status, 400);
  assert.equal((await host.request('DELETE', '/mcp', { port: PORT, headers })).status, 200);
  assert.equal((await post(port, { jsonrpc: '2.0', id: 1, method: 'ping' }, headers)).status, 404);
});

test('a server reached over HTTP is one like the others', async () => {
  const remotePort = await freePort();
  const child = spawn(process.execPath, [serverFile('everything'), 'streamableHttp'], { env: { ...process.env, PORT: String(remotePort) }, stdio: ['ignore', 'pipe', 'pipe'] });
  const far = `http://127.0.0.1:${remotePort}/mcp`;
  try {
    await waitFor('the remote server', () => fetch(far).then(() => true, () => false));
    const made = await host.request('POST', '/api/mcp', { port: PORT, body: { id: 'far', name: 'Far', type: 'http', url: far, headers: { Authorization: 'Bearer canary-3' } } });
    const { server } = made.json();
    assert.deepEqual([server.type, server.url, server.headers, server.status], ['http', far, { Authorization: '********' }, 'stopped'], made.text);
    const answers = { 'sampling/createMessage': async () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: 'sampled here' } }) };
    const one = await client({ capabilities: { sampling: {} }, answers }, '/mcp/server/far');
    assert.ok((await one.listTools()).tools.some(({ name }) => name === 'echo'));
    assert.equal(await call(one, 'echo', { message: 'far' }), 'Echo: far');
    assert.match(await call(one, 'trigger-sampling-request', { prompt: 'p', maxTokens: 10 }), /sampled here/);
    const seen = [];
    await call(one, 'trigger-long-running-operation', { duration: 1, steps: 2 }, { onprogress: ({ progress }) => seen.push(progress) });
    assert.deepEqual(seen, [1, 2]);
    const executed = await host.request('POST', '/api/mcp/far/execute', { port: PORT, body: { tool: 'echo', parameters: { message: 'x' } } });
    assert.equal(executed.json().result.content[0].text, 'Echo: x');
    assert.equal((await host.request('GET', '/api/mcp/far', { port: PORT })).json().server.status, 'running');
    const stopped = await host.request('POST', '/api/mcp/far/action', { port: PORT, body: { action: 'stop' } });
    assert.equal(stopped.json().status, 'stopped');
    assert.equal(await call(one, 'echo', { message: 'again' }), 'Echo: again');
    child.kill('SIGKILL');
    await new Promise((resolve) => { child.on('exit', resolve); });
    await assert.rejects(call(one, 'echo', { message: 'gone' }), /reached|ended/);
    for (const url of ['ftp://x', 'x']) assert.equal((await host.request('POST', '/api/mcp', { port: PORT, body: { id: 'bad', name: 'B', url } })).status, 400);
  } finally {
    child.kill('SIGKILL');
    await host.request('DELETE', '/api/mcp/far', { port: PORT });
  }
});

test('a credential that may only read lists everything and calls only what reads', async () => {
  const { token } = JSON.parse((await host.command('token', 'create', 'reader', '--scope', 'read', '--json')).stdout);
  const headers = { authorization: `Bearer ${token}` };
  const reply = await post(port, INITIALIZE, headers);
  const ask = (method, params) => post(port, { jsonrpc: '2.0', id: 1, method, params }, { ...headers, 'mcp-session-id': reply.headers['mcp-session-id'] });
  assert.ok((await ask('tools/list')).json().result.tools.some(({ name }) => name === 'who_am_i'));
  assert.match((await ask('tools/call', { name: 'who_am_i' })).json().error.message, /"write"/);
  const read = (await ask('tools/call', { name: 'get_mcp_server', arguments: { id: 'memory' } })).json().result;
  assert.equal(JSON.parse(read.content[0].text).server.id, 'memory');
  assert.ok(!read.isError);
  const other = { 'mcp-session-id': reply.headers['mcp-session-id'] };
  assert.equal((await post(port, { jsonrpc: '2.0', id: 1, method: 'ping' }, other)).status, 404);
});

test('the same at the main port, and older protocols', async () => {
  for (const version of ['2025-06-18', '2025-03-26', '2024-11-05', '1999-01-01']) {
    const reply = await post(host.port(), { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: version, capabilities: {}, clientInfo: { name: 'x', version: '1' } } });
    assert.equal(reply.json().result.protocolVersion, version === '1999-01-01' ? '2025-11-25' : version);
  }
});

test('a page of an allowed origin may read the id of its session', async () => {
  const reply = await post(port, INITIALIZE, { origin: 'http://localhost:5173' });
  assert.deepEqual([reply.status, reply.headers['access-control-allow-origin'], reply.headers['access-control-expose-headers']], [200, 'http://localhost:5173', 'Mcp-Session-Id']);
});

test('backplane mcp bridges a client that speaks stdio', async () => {
  const child = spawn(process.env.BACKPLANE_BIN, ['mcp', '--server', 'fixture', ...host.globalArguments()], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = [];
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (piece) => {
    text += piece;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      lines.push(JSON.parse(text.slice(0, end)));
      text = text.slice(end + 1);
    }
  });
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const answer = (id) => waitFor(`answer ${id}`, () => lines.find((line) => line.id === id && (line.result || line.error)));
  send({ id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: { sampling: {} }, clientInfo: { name: 'x', version: '1' } } });
  assert.equal((await answer(0)).result.serverInfo.name, 'backplane');
  send({ method: 'notifications/initialized' });
  send({ id: 'slow', method: 'tools/call', params: { name: 'wait', arguments: {} } });
  send({ id: 1, method: 'tools/call', params: { name: 'test_sampling', arguments: { prompt: 'p' } } });
  const asked = await waitFor('the question', () => lines.find((line) => line.method === 'sampling/createMessage'));
  send({ id: asked.id, result: { role: 'assistant', model: 'm', content: { type: 'text', text: 'by stdio' } } });
  assert.equal((await answer(1)).result.content[0].text, 'LLM response: by stdio');
  send({ method: 'notifications/cancelled', params: { requestId: 'slow' } });
  child.stdin.end();
  assert.equal(await new Promise((resolve) => { child.on('exit', resolve); }), 0);
});
