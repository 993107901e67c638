// The flow builder: the contract's answers and sentences, search and export, an ACP agent that answers, Socket.IO, a kill -9.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { io } = require('socket.io-client');
const { Host } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');

const PORT = 3006;
const BASE = '/api/flow-builder';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const AGENT = [process.execPath, path.join(__dirname, 'lib', 'acp-agent.js'), require.resolve('@agentclientprotocol/sdk')];
const modules = (agent) => `listen "127.0.0.1:${PORT}" { family = "desktop" }
module "desktop" {}
module "observability" {}
module "socketio" {}
module "acp-gateway" { agents = { { id = "test", command = { ${AGENT.map((word) => JSON.stringify(word)).join(', ')} }, requiresAuth = false } } }
module "flow" { agent = "${agent}", working_directory = "${folder}" }
`;
let folder; // not where the configuration lies: that is the host's own
let host;

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-flow-'));
  host = await new Host({ config: modules(''), ports: [PORT] }).start();
});
after(async () => {
  await host.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function call(method, target, body) {
  const reply = await host.request(method, `${BASE}${target}`, { port: PORT, body });
  assert.match(reply.headers['content-type'], /^application\/json; charset=utf-8$/);
  return { status: reply.status, ...reply.json() };
}
const refused = (status, error) => ({ status, success: false, error });
const create = async (prompt = 'a flow') => (await call('POST', '/sessions', { prompt })).session;
const post = (fields) => call('POST', '/messages', { role: 'tool', content: 'words', ...fields });
const messages = async (sessionId) => (await call('GET', `/messages?sessionId=${sessionId}`)).messages;
const tree = async (id) => (await host.request('GET', `/f/observability/sessions/flow:${id}/tree`)).json();
const restart = async () => {
  await host.kill();
  host.end = undefined;
  await host.start();
};

test('sessions: made, listed, read, renamed, archived, deleted', async () => {
  const first = await call('POST', '/sessions', { prompt: 'build a page', title: 'other' });
  const { createdAt, updatedAt, id, ...rest } = first.session;
  assert.deepStrictEqual([first.status, first.success], [200, true]);
  assert.deepStrictEqual(rest, { status: 'idle', prompt: 'build a page', title: 'build a page', output: null, userId: 'default-user' });
  assert.ok(Number.isInteger(id));
  assert.strictEqual(new Date(createdAt).toISOString(), createdAt);
  assert.strictEqual(updatedAt, createdAt);
  const second = (await call('POST', '/sessions', { title: 'only a title', userId: 'ann' })).session;
  assert.deepStrictEqual([second.prompt, second.title, second.userId], ['only a title', 'only a title', 'ann']);
  for (const body of [undefined, {}, { prompt: '' }, { prompt: null, title: '' }, { prompt: 5 }, [], 'null']) assert.deepStrictEqual(await call('POST', '/sessions', body), refused(400, 'Prompt or title is required'));
  assert.deepStrictEqual(await call('GET', '/sessions'), { status: 200, success: true, sessions: [second, first.session], count: 2 });
  assert.deepStrictEqual((await call('GET', '/sessions?limit=1')).sessions, [second]);
  assert.deepStrictEqual((await call('GET', '/sessions?limit=x&userId=default-user')).sessions, [first.session]);
  assert.deepStrictEqual(await call('GET', `/sessions/${id}`), { status: 200, success: true, session: first.session });
  assert.deepStrictEqual(await call('PATCH', `/sessions/${id}`, { title: 'new name' }), { status: 200, success: true, message: 'Session updated' });
  assert.strictEqual((await call('GET', `/sessions/${id}`)).session.title, 'new name');
  assert.strictEqual((await call('PATCH', `/sessions/${id}`, { title: 7 })).status, 400);
  assert.deepStrictEqual(await call('POST', `/sessions/${id}/archive`), { status: 200, success: true, message: 'Session archived' });
  assert.strictEqual((await call('GET', `/sessions/${id}`)).session.status, 'archived');
  for (const absent of ['999999', 'abc', '1.5', '-1', '99999999999999999999']) {
    assert.deepStrictEqual(await call('GET', `/sessions/${absent}`), refused(404, 'Session not found'));
    assert.deepStrictEqual(await call('PATCH', `/sessions/${absent}`, { title: 'x' }), refused(404, 'Session not found'));
    assert.deepStrictEqual(await call('POST', `/sessions/${absent}/archive`), refused(404, 'Session not found'));
    assert.deepStrictEqual(await call('DELETE', `/sessions/${absent}`), { status: 200, success: true, message: 'Session deleted' });
  }
  assert.deepStrictEqual(await call('PUT', `/sessions/${id}`, {}), refused(404, 'Endpoint not found'));
  const kept = (await post({ sessionId: id })).message;
  assert.strictEqual((await call('DELETE', `/sessions/${id}`)).message, 'Session deleted');
  assert.strictEqual((await call('GET', `/sessions/${id}`)).status, 404);
  assert.deepStrictEqual(await call('GET', `/messages/${kept.id}`), refused(404, 'Message not found'));
});

test('large messages are taken, and what does not fit into a listing does not keep it from being answered', async () => {
  const { id } = await create('large');
  const content = 'x'.repeat(11 * 1024 * 1024);
  const made = [];
  for (let i = 0; i < 3; i++) {
    const reply = await post({ sessionId: id, content });
    assert.strictEqual(reply.status, 200, reply.error);
    made.push(reply.message.id);
  }
  const listed = await call('GET', `/messages?sessionId=${id}`);
  assert.deepStrictEqual([listed.status, listed.count, listed.messages.map((one) => one.id)], [200, 2, made.slice(1)]);
  assert.ok(listed.messages.every((one) => one.content === content));
  assert.deepStrictEqual(await post({ sessionId: id, content: 'x'.repeat(16 * 1024 * 1024 + 1) }), refused(400, 'content and toolResults may be 16 MiB long'));
  await call('DELETE', `/sessions/${id}`);
});

test('messages: posted, listed in order, read, searched, exported', async () => {
  const { id } = await create();
  const one = await post({ sessionId: id, role: 'user', content: 'the walrus' });
  const { createdAt, ...rest } = one.message;
  assert.strictEqual(one.status, 200);
  assert.match(rest.id, UUID);
  assert.deepStrictEqual({ ...rest, id: 0 }, { id: 0, sessionId: id, role: 'user', content: 'the walrus', toolResults: [] });
  assert.strictEqual(new Date(createdAt).toISOString(), createdAt);
  const two = await post({ sessionId: String(id), id: 'mine', content: 'ünïcode', toolResults: [{ a: [1, null] }, 'x'] });
  assert.deepStrictEqual([two.message.id, two.message.sessionId, two.message.toolResults], ['mine', id, [{ a: [1, null] }, 'x']]);
  assert.deepStrictEqual(await call('GET', `/messages?sessionId=${id}`), { status: 200, success: true, messages: [one.message, two.message], count: 2 });
  assert.deepStrictEqual(await call('GET', '/messages/mine'), { status: 200, success: true, message: two.message });
  const required = refused(400, 'sessionId, role, and content are required');
  for (const fields of [{ sessionId: undefined }, { sessionId: null }, { sessionId: '' }, { sessionId: 0 }, { role: '' }, { content: '' }, { content: undefined }, { role: 5 }]) assert.deepStrictEqual(await post({ sessionId: id, ...fields }), required);
  assert.deepStrictEqual(await call('POST', '/messages'), required);
  assert.deepStrictEqual(await post({ sessionId: 999999 }), refused(404, 'Session not found'));
  assert.deepStrictEqual(await post({ sessionId: 'abc' }), refused(404, 'Session not found'));
  assert.deepStrictEqual(await post({ sessionId: id, id: 'mine' }), refused(400, 'Message with this ID already exists'));
  assert.deepStrictEqual(await post({ sessionId: id, toolResults: {} }), refused(400, 'toolResults must be an array'));
  assert.deepStrictEqual(await call('GET', '/messages'), refused(400, 'sessionId is required'));
  assert.deepStrictEqual(await call('GET', '/messages?sessionId=999999'), refused(404, 'Session not found'));
  assert.deepStrictEqual((await call('GET', '/messages/search?q=walr*')).messages, [one.message]);
  assert.deepStrictEqual((await call('GET', `/messages/search?q=walrus&sessionId=${id + 1}`)).messages, []);
  const file = await host.request('GET', `${BASE}/sessions/${id}/export`, { port: PORT });
  assert.strictEqual(file.headers['content-disposition'], `attachment; filename="flow-session-${id}.json"`);
  assert.deepStrictEqual([file.json().session.id, file.json().messages], [id, [one.message, two.message]]);
  assert.strictEqual((await call('GET', '/sessions/999999/export')).status, 404);
  assert.strictEqual((await call('GET', `/sessions/${id}`)).session.status, 'idle');
});

test('settings are kept, also over a kill -9', async () => {
  assert.deepStrictEqual(await call('GET', '/settings'), { status: 200, success: true, settings: { model: 'claude-3-sonnet', maxTokens: 4096, temperature: 0.7 } });
  assert.deepStrictEqual((await call('POST', '/settings', { model: 'other', temperature: 1 })).settings, { model: 'other', maxTokens: 4096, temperature: 1 });
  for (const wrong of [{ model: '' }, { model: 1 }, { maxTokens: 0 }, { maxTokens: '5' }, { maxTokens: 1.5 }, { temperature: 3 }, { temperature: 'hot' }]) assert.strictEqual((await call('POST', '/settings', wrong)).status, 400, JSON.stringify(wrong));
  const session = await create('before the kill');
  await post({ sessionId: session.id });
  await restart();
  assert.deepStrictEqual((await call('GET', '/settings')).settings, { model: 'other', maxTokens: 4096, temperature: 1 });
  assert.strictEqual((await messages(session.id)).length, 1);
});

async function connected(sessionId) {
  const socket = io(`http://127.0.0.1:${host.port(PORT)}`, { forceNew: true, reconnection: false, transports: ['websocket'] });
  socket.got = [];
  socket.onAny((...event) => socket.got.push(event));
  await waitFor('a connection', () => socket.connected);
  if (sessionId) socket.emit('agent:join', sessionId);
  return socket;
}

test('a message is told to the room of its session, and to nobody else', async () => {
  const { id } = await create();
  const inside = await connected(id);
  const outside = await connected();
  await waitFor('the room to be joined', async () => { await post({ sessionId: id, content: 'probe' }); return inside.got.length > 0; });
  const { message } = await post({ sessionId: id, content: 'for the room' });
  await waitFor('the message', () => inside.got.some(([, one]) => one.id === message.id));
  assert.deepStrictEqual(inside.got.at(-1), [`agent:${id}:message`, message]);
  assert.deepStrictEqual(outside.got, []);
  inside.close();
  outside.close();
});

test('with an agent, a user\'s message is answered, told, and kept as the output', async () => {
  host.writeConfig(modules('test'));
  await restart();
  const { id } = await create();
  const socket = await connected(id);
  await waitFor('the room to be joined', async () => { await post({ sessionId: id, content: 'probe' }); return socket.got.length > 0; });
  await post({ sessionId: id, role: 'user', content: 'say hello world' });
  await post({ sessionId: id, role: 'user', content: 'remember one' });
  await post({ sessionId: id, role: 'user', content: 'remember two' });
  const answers = await waitFor('three answers', async () => { const found = (await messages(id)).filter((one) => one.role === 'assistant'); return found.length === 3 && found; }, () => host.stderr);
  assert.deepStrictEqual(answers.map((one) => one.content), ['helloworld', '[]', '["one"]']); // one ACP session for all of them
  const session = await waitFor('the session to be idle', async () => { const { session: now } = await call('GET', `/sessions/${id}`); return now.status === 'idle' && now; });
  assert.strictEqual(session.output, '["one"]');
  await waitFor('the answers at the client', () => answers.every((one) => socket.got.some(([name, told]) => name === `agent:${id}:message` && told.id === one.id)));
  await post({ sessionId: id, role: 'assistant', content: 'say no' });
  await post({ sessionId: id, role: 'user', content: 'fail' });
  const failed = await waitFor('the failure', async () => (await messages(id)).find((one) => one.role === 'system'));
  assert.match(failed.content, /^The agent could not answer: /);
  assert.strictEqual((await call('GET', `/sessions/${id}`)).session.output, '["one"]');
  await post({ sessionId: id, role: 'user', content: 'say again' });
  await waitFor('an answer after a failure', async () => (await messages(id)).some((one) => one.content === 'again'));
  const root = await waitFor('the turns on the timeline', async () => { const now = await tree(id); return now.status === 'done' && now; });
  assert.deepStrictEqual([root.id, root.kind, root.module, root.agent_id], [`flow.session:${id}`, 'session', 'flow', 'test']);
  const [opened] = root.children;
  assert.deepStrictEqual([opened.module, opened.kind, opened.children.filter((one) => one.kind === 'turn').length >= 5], ['acp-gateway', 'session', true]);
  socket.close();
});

test('more sessions than have an agent at a time: all are answered', async () => {
  const sessions = await Promise.all(Array.from({ length: 40 }, () => create()));
  await Promise.all(sessions.map(({ id }) => post({ sessionId: id, role: 'user', content: `say ${id}` })));
  for (const { id } of sessions) await waitFor(`the answer in session ${id}`, async () => (await messages(id)).some((one) => one.role === 'assistant' && one.content === String(id)), () => host.stderr);
});

test('a session that is deleted or archived while its agent works', async () => {
  const events = await openEventStream('/f/acp-gateway/events', { port: host.port(8700) });
  const said = () => events.events.filter((event) => event.data.includes('"waiting"')).length;
  const begin = async () => { // a session is running before its agent is there: what counts is that the agent has said something
    const session = await create();
    const before = said();
    await post({ sessionId: session.id, role: 'user', content: 'wait' });
    await waitFor('the agent to work', () => said() > before, () => host.stderr);
    assert.strictEqual((await call('GET', `/sessions/${session.id}`)).session.status, 'running');
    return session;
  };
  const gone = await begin();
  assert.strictEqual((await call('DELETE', `/sessions/${gone.id}`)).message, 'Session deleted');
  const kept = await begin();
  await call('POST', `/sessions/${kept.id}/archive`);
  await waitFor('what the agent had said', async () => (await messages(kept.id)).length === 2);
  assert.strictEqual((await call('GET', `/sessions/${kept.id}`)).session.status, 'archived');
  const early = await create(); // and one whose agent was not there yet
  await post({ sessionId: early.id, role: 'user', content: 'wait' });
  assert.strictEqual((await call('DELETE', `/sessions/${early.id}`)).message, 'Session deleted');
  for (const { id } of [gone, kept]) await waitFor('the ACP session to be closed', async () => (await tree(id)).children?.[0]?.status === 'done');
  const sessions = async () => (await host.request('GET', '/f/acp-gateway/sessions')).json().data.sessions;
  await waitFor('no agent to work any more', async () => !(await sessions()).some(({ status }) => status === 'processing'));
  const killed = await begin();
  events.close();
  await restart();
  await waitFor('nothing to run any more', async () => (await call('GET', `/sessions/${killed.id}`)).session.status === 'idle');
});
