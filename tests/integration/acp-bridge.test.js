// `backplane acp`: an editor on the client side of the ACP SDK, whose agent is the bridge to a running host.
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { Readable, Writable } = require('node:stream');
const { test, before, after } = require('node:test');
const acp = require('@agentclientprotocol/sdk');
const { openEventStream, waitFor } = require('./lib/client.js');
const { Host } = require('./lib/host.js');

const PORT = 4097;
const AGENT = [process.execPath, path.join(__dirname, 'lib', 'acp-agent.js'), require.resolve('@agentclientprotocol/sdk')];
const COMMAND = `{ ${AGENT.map((word) => JSON.stringify(word)).join(', ')} }`;
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "acp-gateway" }
module "acp-gateway" { agents = { { id = "opencode", command = ${COMMAND}, requiresAuth = false }, { id = "other", command = ${COMMAND}, requiresAuth = false } } }`;

let host, folder;
before(async () => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-acp-')));
  host = await new Host({ config: CONFIG, ports: [PORT] }).start();
});
after(async () => {
  await host.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

// An editor: what it was told is in `updates`, what it was asked in `asked`; `answer` decides.
function editor(...words) {
  return editorOf(host.globalArguments(), ...words);
}
function editorOf(where, ...words) {
  const child = spawn(process.env.BACKPLANE_BIN, ['acp', ...words, ...where], { stdio: ['pipe', 'pipe', 'pipe'] });
  const self = { child, updates: [], asked: [], stderr: '', answer: () => ({ outcome: { outcome: 'cancelled' } }) };
  child.stderr.on('data', (text) => { self.stderr += text; });
  const { agent } = acp.client({ name: 'test-editor' })
    .onNotification('session/update', ({ params }) => { self.updates.push(params); })
    .onRequest('session/request_permission', ({ params }) => { self.asked.push(params); return self.answer(params); })
    .connect(acp.ndJsonStream(Writable.toWeb(child.stdin), Readable.toWeb(child.stdout)));
  self.ask = (method, params) => agent.request(method, params);
  self.tell = (method, params) => agent.notify(method, params);
  self.text = (kind = 'agent_message_chunk') => self.updates.filter(({ update }) => update.sessionUpdate === kind).map(({ update }) => update.content.text).join('');
  self.close = async () => {
    const ended = new Promise((resolve) => { child.on('close', (code) => resolve(code)); });
    child.stdin.end();
    assert.equal(await ended, 0, self.stderr);
    assert.doesNotMatch(self.stderr, /Sanitizer|runtime error/);
  };
  return self;
}
const start = async (...words) => {
  const one = editor(...words);
  const said = await one.ask('initialize', { protocolVersion: acp.PROTOCOL_VERSION, clientCapabilities: {} });
  assert.deepEqual([said.protocolVersion, said.agentCapabilities.loadSession, said.agentInfo.name], [1, true, 'backplane']);
  return one;
};
const prompt = (one, sessionId, text) => one.ask('session/prompt', { sessionId, prompt: [{ type: 'text', text }] });
async function call(method, target, body) {
  return (await host.request(method, target, { port: PORT, body })).json();
}

test('an editor opens a session and prompts; every update comes before the answer', async () => {
  const one = await start();
  const { sessionId, modes } = await one.ask('session/new', { cwd: folder, mcpServers: [] });
  assert.equal(modes.currentModeId, 'ask');
  for (let i = 0; i < 5; i++) {
    one.updates.length = 0;
    assert.equal((await prompt(one, sessionId, `say ${'a b c d e f g h '.repeat(20)}${i}`)).stopReason, 'end_turn');
    assert.equal(one.text(), `${'abcdefgh'.repeat(20)}${i}`);
    assert.ok(one.updates.every((update) => update.sessionId === sessionId));
  }
  await one.ask('session/set_mode', { sessionId, modeId: 'code' });
  await waitFor('the mode', () => one.updates.some(({ update }) => update.currentModeId === 'code'));
  const { sessions } = await one.ask('session/list', { cwd: folder });
  assert.deepEqual(sessions.map((session) => [session.sessionId, session.cwd]), [[sessionId, folder]]);
  assert.deepEqual((await one.ask('session/list', { cwd: '/' })).sessions, []);
  await one.close();
  assert.notEqual((await call('GET', `/session/${sessionId}`)).data.status, 'ended');
});

test('permissions are put to the editor, and its answer to the agent', async () => {
  const one = await start();
  const { sessionId } = await one.ask('session/new', { cwd: folder, mcpServers: [] });
  for (const [outcome, expected] of [
    [{ outcome: 'selected', optionId: 'yes' }, 'selected yes'], [{ outcome: 'selected', optionId: 'always' }, 'selected always'],
    [{ outcome: 'selected', optionId: 'no' }, 'selected no'], [{ outcome: 'cancelled' }, 'selected no'],
  ]) {
    one.updates.length = 0;
    one.answer = () => ({ outcome });
    await prompt(one, sessionId, 'ask Change');
    assert.equal(one.text(), expected);
    const { sessionId: whose, toolCall, options } = one.asked.at(-1);
    assert.deepEqual([whose, toolCall.title, options.map(({ optionId }) => optionId)], [sessionId, 'Change', ['yes', 'always', 'no']]);
  }
  await one.close();
});

test('a turn is cancelled', async () => {
  const one = await start('--agent', 'other');
  const { sessionId } = await one.ask('session/new', { cwd: folder, mcpServers: [] });
  assert.equal((await call('GET', `/session/${sessionId}`)).data.agentId, 'other');
  const running = prompt(one, sessionId, 'wait');
  await waitFor('the agent to wait', () => one.text() === 'waiting');
  await assert.rejects(prompt(one, sessionId, 'say x'), /in flight/);
  await one.tell('session/cancel', { sessionId });
  assert.equal((await running).stopReason, 'cancelled');
  await assert.rejects(prompt(one, sessionId, 'fail'), /the model said no|Internal error/);
  await one.close();
});

test('a second editor loads a running session: its history, its open question, what happens in it', async () => {
  const { data: { id } } = await call('POST', '/session', { workingDirectory: folder });
  await call('POST', `/session/${id}/prompt`, { prompt: 'say history' });
  await call('POST', `/session/${id}/prompt`, { prompt: 'tool Look' });
  const events = await openEventStream(`/events/${id}`, { port: host.port(PORT) });
  const running = call('POST', `/session/${id}/prompt`, { prompt: 'ask Now' });
  await events.next(({ event }) => event === 'permission_request');
  const one = await start();
  one.answer = () => ({ outcome: { outcome: 'selected', optionId: 'yes' } });
  await one.ask('session/load', { sessionId: id, cwd: folder, mcpServers: [] });
  assert.match(one.text('user_message_chunk'), /^say history.*tool Look/);
  assert.match(one.text(), /^history.*looked/);
  assert.ok(one.updates.some(({ update }) => update.sessionUpdate === 'tool_call' && update.title === 'Look'));
  assert.equal((await running).data.stopReason, 'end_turn');
  await waitFor('what the agent says then', () => /selected yes$/.test(one.text()));
  assert.equal(one.asked.length, 1);
  events.close();
  await one.close();
  const attached = await start('--session', id);
  assert.equal((await attached.ask('session/new', { cwd: folder, mcpServers: [] })).sessionId, id);
  assert.equal((await prompt(attached, id, 'say again')).stopReason, 'end_turn');
  await attached.close();
});

test('what is wrong is said', async () => {
  const one = await start();
  const code = (promise) => promise.then(() => 0, (error) => error.code);
  assert.equal(await code(one.ask('session/load', { sessionId: 'none-of-these', cwd: folder, mcpServers: [] })), -32002);
  assert.equal(await code(one.ask('session/load', { sessionId: '../x?y', cwd: folder, mcpServers: [] })), -32002);
  assert.equal(await code(prompt(one, 'none-of-these', 'x')), -32002);
  assert.equal(await code(one.ask('session/new', { cwd: 'relative', mcpServers: [] })), -32602);
  assert.equal(await code(one.ask('_nothing', {})), -32601);
  await one.close();
  assert.equal((await host.command('acp', '--session', '../x')).code, 2);
});

test('an event that broke off comes again, and one that was whole does not', async () => {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-acp-state-'));
  fs.writeFileSync(path.join(state, 'admin.token'), 'a'.repeat(64), { mode: 0o600 });
  const event = (id, text) => `id: ${id}\nevent: session_update\ndata: ${JSON.stringify({ type: 'session_update', sessionId: 's-1', data: { sessionId: 's-1', update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } } } })}\n`;
  const asked = []; // Last-Event-ID of each stream
  let isOpened = false;
  const streams = [
    async (reply) => {
      await waitFor('the session', () => isOpened);
      reply.write(`: connected\n\n${event(5, 'one ')}\n${event(6, 'two ')}`); // the second without its empty line
      setTimeout(() => reply.destroy(), 100);
    },
    (reply) => { reply.write(`${event(6, 'two ')}\nid: 7\nevent: session_update\n`); setTimeout(() => reply.destroy(), 100); },
    (reply) => reply.write(`${event(7, 'three')}\n`),
  ];
  const fake = http.createServer((request, reply) => {
    if (request.url === '/f/acp-gateway/events') {
      asked.push(request.headers['last-event-id']);
      reply.writeHead(200, { 'content-type': 'text/event-stream' });
      reply.flushHeaders();
      streams[asked.length - 1]?.(reply);
      return;
    }
    reply.writeHead(200, { 'content-type': 'application/json' });
    reply.end(JSON.stringify({ success: true, data: request.method === 'POST' ? { id: 's-1' } : { permissions: [] } }));
  });
  await new Promise((resolve) => { fake.listen(path.join(state, 'control.sock'), resolve); });
  const one = editorOf(['--state', state]);
  await one.ask('initialize', { protocolVersion: acp.PROTOCOL_VERSION, clientCapabilities: {} });
  await one.ask('session/new', { cwd: folder, mcpServers: [] });
  isOpened = true;
  await waitFor('the last event', () => one.text().includes('three'), () => `${JSON.stringify(asked)} ${one.text()} ${one.stderr}`);
  assert.deepEqual(asked, [undefined, '5', '6']);
  assert.equal(one.text(), 'one two three');
  await one.close();
  fake.closeAllConnections();
  await new Promise((resolve) => { fake.close(resolve); });
  fs.rmSync(state, { recursive: true, force: true });
});
