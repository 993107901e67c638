// The gateway as its clients see it: agents, sessions, turns, permissions, files, terminals, streams. The agent is a small one on
// the real ACP SDK (lib/acp-agent.js).
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { openEventStream, waitFor } = require('./lib/client.js');
const { Host } = require('./lib/host.js');

const PORT = 4097;
const EXAMPLES = path.join(process.env.BACKPLANE_MODULES, '..', 'examples');
const SDK = require.resolve('@agentclientprotocol/sdk');
const AGENT = path.join(__dirname, 'lib', 'acp-agent.js');
const command = (...words) => `{ ${[process.execPath, AGENT, SDK, ...words].map((word) => JSON.stringify(word)).join(', ')} }`;
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "acp-gateway" }
origins { "http://localhost:3000" }
module "acp-gateway" { permission_timeout_ms = 20000, agents = {
  { id = "opencode", command = ${command()}, requiresAuth = false },
  { id = "strict", name = "Strict", command = ${command('--needs-auth')}, requiresAuth = true, authEnv = "TEST_AGENT_KEY" },
  { id = "absent", command = { "/nonexistent/agent" } },
  { id = "nowhere", command = { "no-such-agent" } },
  { id = "broken", command = { ${JSON.stringify(process.execPath)}, "-e", "throw new Error('no settings')" } },
} }
module "org.example.service-caller" { path = "${EXAMPLES}/org.example.service-caller.so" }
`;

let host, folder;
before(async () => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-acp-')));
  host = await new Host({ config: CONFIG, ports: [PORT] }).start();
});
after(async () => {
  await host.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function call(method, target, body) {
  const reply = await host.request(method, target, { port: PORT, body });
  return { status: reply.status, ...reply.json() };
}
async function open(fields) {
  const reply = await call('POST', '/session', { agentId: 'opencode', workingDirectory: folder, ...fields });
  assert.equal(reply.status, 200, JSON.stringify(reply));
  return reply.data;
}
const stream = (id = '', headers = {}) => openEventStream(`/events${id && '/'}${id}`, { port: host.port(PORT), headers });
const parsed = (events, type) => events.events.filter((event) => event.event === type).map((event) => JSON.parse(event.data));
const texts = (events) => parsed(events, 'session_update').map(({ data: { update } }) => update)
  .filter((update) => update.sessionUpdate === 'agent_message_chunk').map((update) => update.content.text).join('');
const service = async (method, payload) => (await host.request('POST', '/f/service-caller/call', { body: { service: 'acp-gateway/1', method, payload } })).json();

// Runs a turn and returns what the agent said in it.
async function turn(session, prompt) {
  const events = await stream(session.id);
  const reply = await call('POST', `/session/${session.id}/prompt`, { prompt });
  const [end] = await waitFor('the end of the turn', () => { const ends = parsed(events, 'session_end_turn'); return ends.length && ends; });
  const text = texts(events);
  events.close();
  return { ...reply, text, end: end.data };
}

test('health, info and the five known agents', async () => {
  const health = await call('GET', '/health');
  assert.equal(health.status, 'healthy');
  assert.equal(new Date(health.timestamp).toISOString(), health.timestamp);
  const { data: info } = await call('GET', '/info');
  assert.deepEqual(Object.keys(info), ['name', 'version', 'workingDirectory', 'runningAgents', 'activeSessions', 'connectedClients']);
  assert.equal(info.name, 'ACP Gateway');
  const { data: { agents } } = await call('GET', '/agents');
  assert.deepEqual(agents.slice(0, 5).map(({ id }) => id), ['opencode', 'claude-code', 'gemini-cli', 'qwen-code', 'codex']);
  assert.deepEqual(agents.map(({ status }) => status), Array(9).fill('stopped'));
  assert.deepEqual([agents[1].requiresAuth, agents[1].authenticated, agents[0].authenticated], [true, false, true]);
});

test('spawn, status and stop; unknown and broken agents', async () => {
  const spawned = await call('POST', '/agents/opencode/spawn');
  assert.deepEqual([spawned.status, spawned.data.id, spawned.data.status], [200, 'opencode', 'running']);
  const status = (await call('GET', '/agents/opencode/status')).data;
  assert.deepEqual([status.status, status.startedAt, status.sessionCount, status.error], ['running', spawned.data.startedAt, 0, null]);
  assert.deepEqual(await call('POST', '/agents/opencode/stop'), { status: 200, success: true, data: { id: 'opencode', status: 'stopped' } });
  assert.throws(() => process.kill(status.pid, 0), { code: 'ESRCH' });
  const unknown = { id: 'nobody', status: 'stopped', startedAt: null, lastActivity: null, sessionCount: 0, error: null };
  assert.deepEqual((await call('GET', '/agents/nobody/status')).data, unknown);
  assert.deepEqual(await call('POST', '/agents/nobody/spawn'), { status: 404, success: false, error: 'Agent not found' });
  const broken = await call('POST', '/agents/absent/spawn');
  assert.deepEqual([broken.status, broken.success], [500, false]);
  assert.equal((await call('GET', '/agents/absent/status')).data.status, 'error');
  const nowhere = await call('POST', '/agents/nowhere/spawn');
  assert.match(nowhere.error, /there is no program "no-such-agent" in .*; install it, or name it in the option "agents" of the module acp-gateway$/);
  assert.match((await call('POST', '/session', { agentId: 'broken', workingDirectory: folder })).error, /^the agent has ended: Error: no settings$/);
});

test('a session starts its agent; a turn streams updates and ends', async () => {
  const events = await stream();
  const session = await open();
  assert.deepEqual([session.agentId, session.status, session.acpSessionId], ['opencode', 'active', session.id]);
  const result = await turn(session, 'say one two');
  assert.deepEqual([result.status, result.success, result.data.id, result.data.status], [200, true, session.id, 'processing']);
  assert.equal(result.text, 'onetwo');
  assert.deepEqual(result.end, { sessionId: session.id, reason: 'end_turn' });
  await events.next((event) => event.event === 'session_end_turn');
  const update = parsed(events, 'session_update')[0];
  assert.deepEqual(Object.keys(update), ['type', 'sessionId', 'agentId', 'data', 'timestamp']);
  assert.equal(update.data.sessionId, session.id);
  assert.ok(parsed(events, 'agent_status').some(({ data }) => data.agentId === 'opencode' && data.status === 'running'));
  events.close();
});

test('OPTIONS is 204 without a body, on any path, with or without an origin', async () => {
  const origin = 'http://localhost:3000';
  for (const target of ['/session', '/health', '/nothing'])
    for (const headers of [{}, { origin }, { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }]) {
      const reply = await host.request('OPTIONS', target, { port: PORT, headers });
      assert.deepEqual([reply.status, reply.text, reply.headers['content-length'], reply.headers['content-type']], [204, '', undefined, undefined], target);
      assert.equal(reply.headers['access-control-allow-origin'], headers.origin);
      assert.equal('access-control-allow-methods' in reply.headers, 'access-control-request-method' in headers);
    }
  assert.equal((await host.request('OPTIONS', '/session', { port: PORT, headers: { origin: 'http://evil.example' } })).status, 403);
});

test('what is wrong with a request is said', async () => {
  for (const [target, error] of [['/permission/x', 'granted (boolean) is required'], ['/agents/strict/auth/token', 'Token is required'], ['/session/x/prompt', 'Prompt is required']])
    for (const body of ['[]', '5', '{'])
      assert.deepEqual(await call('POST', target, body), { status: 400, success: false, error }, `${target} ${body}`);
  assert.deepEqual(await call('POST', '/session', { agentId: 'x' }), { status: 400, success: false, error: 'Unknown agent: x' });
  for (const workingDirectory of ['relative', `${folder}/absent`, AGENT]) assert.equal((await call('POST', '/session', { workingDirectory })).status, 400);
  assert.equal((await call('POST', '/session', { workingDirectory: host.state })).status, 400);
  assert.deepEqual(await call('POST', '/session/none/prompt', { prompt: 'x' }), { status: 404, success: false, error: 'Session not found' });
  const session = await open();
  for (const body of [undefined, {}, { prompt: '' }, { prompt: 7 }, { prompt: [] }])
    assert.deepEqual(await call('POST', `/session/${session.id}/prompt`, body), { status: 400, success: false, error: 'Prompt is required' });
  assert.deepEqual(await call('POST', '/permission/none', {}), { status: 400, success: false, error: 'granted (boolean) is required' });
  assert.equal((await call('POST', '/permission/none', { granted: true })).status, 404);
});

test('a permission is held for a person, and granted, denied or asked for by option', async () => {
  const session = await open();
  const events = await stream(session.id);
  const answers = [[{ granted: true }, 'selected yes'], [{ granted: false }, 'selected no'], [{ granted: true, optionId: 'always' }, 'selected always']];
  for (const [answer, expected] of answers) {
    const seen = events.events.length;
    const running = turn(session, `ask title ${folder}/a.txt`);
    const asked = JSON.parse((await waitFor('the question', () => events.events.slice(seen).find(({ event }) => event === 'permission_request'))).data).data;
    assert.deepEqual([asked.sessionId, asked.permission, asked.description, asked.path], [session.id, 'edit', 'title', `${folder}/a.txt`]);
    assert.equal((await call('GET', '/permissions')).data.permissions[0].requestId, asked.requestId);
    assert.deepEqual(await call('POST', `/permission/${asked.requestId}`, answer),
      { status: 200, success: true, data: { id: asked.requestId, granted: answer.granted } });
    assert.equal((await running).text, expected);
    assert.equal((await call('POST', `/permission/${asked.requestId}`, answer)).status, 404);
  }
  events.close();
});

test('cancelling a turn answers its open permission with cancelled', async () => {
  const session = await open();
  const events = await stream(session.id);
  const running = turn(session, 'ask');
  await events.next(({ event }) => event === 'permission_request');
  assert.deepEqual(await call('POST', `/session/${session.id}/prompt`, { prompt: 'say x' }),
    { status: 409, success: false, error: 'A turn is in flight: cancel it or wait for its end' });
  assert.deepEqual(await call('POST', `/session/${session.id}/cancel`), { status: 200, success: true, data: { id: session.id, status: 'idle' } });
  const result = await running;
  assert.deepEqual([result.text, result.end.reason], ['cancelled ', 'cancelled']);
  const waiting = turn(session, 'wait');
  await waitFor('the agent to wait', () => texts(events).includes('waiting'));
  await call('POST', `/session/${session.id}/cancel`);
  assert.equal((await waiting).end.reason, 'cancelled');
  events.close();
});

test('a permission whose turn has ended is asked of nobody', async () => {
  const session = await open();
  const events = await stream(session.id);
  assert.equal((await turn(session, 'leave')).end.reason, 'end_turn');
  assert.equal((await turn(session, 'say on')).text, 'on');
  const resolved = events.events.findIndex((event) => event.event === 'permission_resolved');
  const end = events.events.findIndex((event) => event.event === 'session_end_turn');
  assert.ok(resolved >= 0 && resolved < end, JSON.stringify(events.events));
  assert.ok(!events.events.slice(end).some((event) => event.event === 'permission_request'));
  assert.deepEqual((await call('GET', '/permissions')).data.permissions, []);
  events.close();
});

test('files are read and written inside the working directory only', async () => {
  const session = await open();
  const file = path.join(folder, 'deep', 'note.txt');
  assert.equal((await turn(session, `write ${file} some text`)).text, 'written');
  assert.equal(fs.readFileSync(file, 'utf8'), 'some text');
  fs.writeFileSync(file, 'one\ntwo\nthree\n');
  assert.equal((await turn(session, `read ${file}`)).text, 'one\ntwo\nthree\n');
  assert.equal((await turn(session, `read ${file} 2 1`)).text, 'two\n');
  fs.symlinkSync('/etc', path.join(folder, 'link'));
  for (const outside of ['/etc/hostname', `${folder}/../x`, `${folder}x/y`, `${folder}/link/hostname`, 'note.txt', `${folder}/.git/config`]) {
    assert.match((await turn(session, `write ${outside} x`)).text, /^refused/, outside);
    assert.match((await turn(session, `read ${outside}`)).text, /^refused/, outside);
  }
});

test('terminals run commands, and end with what they were asked', async () => {
  const session = await open();
  const env = JSON.parse((await turn(session, 'run printenv GREETING')).text);
  assert.deepEqual(env, { end: { exitCode: 0, signal: null }, output: { output: 'hi\n', truncated: false, exitStatus: { exitCode: 0, signal: null } } });
  assert.deepEqual(JSON.parse((await turn(session, 'run false')).text).end, { exitCode: 1, signal: null });
  assert.match((await turn(session, 'run /nonexistent')).text, /refused|exitCode/);
  assert.deepEqual(JSON.parse((await turn(session, 'kill')).text), { exitCode: null, signal: 'SIGTERM' });
});

test('an agent that crashes fails its turn; the next prompt brings the session back', async () => {
  const session = await open();
  const events = await stream(session.id);
  const reply = await call('POST', `/session/${session.id}/prompt`, { prompt: 'crash' });
  assert.equal(reply.status, 500);
  assert.match(reply.error, /the agent has ended: something went wrong inside/);
  const [end] = await waitFor('the end', () => { const ends = parsed(events, 'session_end_turn'); return ends.length && ends; });
  assert.equal(end.data.reason, 'error');
  assert.equal((await call('GET', '/agents/opencode/status')).data.status, 'error');
  assert.equal((await turn(session, 'remember x')).text, '["loaded"]');
  events.close();
});

test('lines that are no messages, and a line without end, harm nobody', async () => {
  const session = await open();
  assert.equal((await turn(session, 'garbage')).text, 'after garbage');
  assert.equal((await turn(session, 'long')).text, 'after a long line');
  assert.equal((await turn(session, 'half')).text, 'cut \ufffd');
  assert.equal((await turn(session, 'fail')).status, 500);
  assert.equal((await turn(session, 'say on')).text, 'on');
});

test('the transcript is kept, state is shown, a session ends', async () => {
  const session = await open({ title: 'mine' });
  await turn(session, 'think about it');
  await turn(session, 'state');
  const running = turn(session, 'ask x');
  const { requestId } = await waitFor('the question', async () => (await call('GET', '/permissions')).data.permissions[0]);
  await call('POST', `/permission/${requestId}`, { granted: true });
  await running;
  const { messages } = (await call('GET', `/session/${session.id}/messages`)).data;
  assert.deepEqual(messages.map(({ role, content }) => [role, content]), [
    ['user', 'think about it'], ['thought', 'about it'], ['assistant', 'thought'], ['user', 'state'], ['user', 'ask x'], ['tool', 'x'], ['assistant', 'selected yes'],
  ]);
  assert.equal(messages[5].toolCall.status, 'completed');
  const shown = (await call('GET', `/session/${session.id}`)).data;
  assert.deepEqual([shown.title, shown.plan[0].content, shown.availableCommands[0].name, shown.usage.cost.amount], ['A better title', 'first', 'test', 0.5]);
  assert.deepEqual([shown.modes.currentModeId, shown.status], ['ask', 'active']);
  assert.equal((await call('POST', `/session/${session.id}/mode`, { modeId: 'code' })).status, 200);
  await waitFor('the mode', async () => (await call('GET', `/session/${session.id}`)).data.modes.currentModeId === 'code');
  assert.ok((await call('GET', '/sessions')).data.sessions.some(({ id }) => id === session.id));
  assert.ok((await call('GET', '/agents/opencode/sessions')).data.sessions.some(({ sessionId }) => sessionId === session.id));
  assert.deepEqual((await call('DELETE', `/session/${session.id}`)).data, { id: session.id, status: 'ended' });
  assert.equal((await call('DELETE', `/session/${session.id}`)).status, 404);
  assert.equal((await call('GET', `/session/${session.id}`)).data.status, 'ended');
});

test('environment: a session with its own gets an agent of its own, and names that change programs are refused', async () => {
  const [plain, own] = [await open(), await open({ env: { MY_KEY: 'secret-value' } })];
  assert.equal((await turn(own, 'env MY_KEY')).text, 'MY_KEY=secret-value');
  assert.equal((await turn(plain, 'env MY_KEY')).text, 'MY_KEY=');
  const refused = await call('POST', '/session', { workingDirectory: folder, env: { LD_PRELOAD: 'x' } });
  assert.equal(refused.status, 500);
  assert.match(refused.error, /LD_PRELOAD/);
  assert.doesNotMatch(host.stderr, /secret-value/);
});

test('an agent that needs a token says so, gets it, and works', async () => {
  const events = await stream();
  const refused = await call('POST', '/session', { agentId: 'strict', workingDirectory: folder });
  assert.deepEqual([refused.status, refused.code], [401, 'AUTH_REQUIRED']);
  assert.equal((await call('GET', '/agents/strict/status')).data.status, 'auth_required');
  assert.deepEqual((await call('GET', '/agents/strict/auth/status')).data, { authenticated: false });
  assert.deepEqual(await call('POST', '/agents/strict/auth/token', {}), { status: 400, success: false, error: 'Token is required' });
  assert.equal((await call('POST', '/agents/strict/auth/init')).data.authMethods[0].id, 'key');
  await call('POST', '/agents/strict/auth/token', { token: 'k-1', expiresIn: 3600 });
  const status = (await call('GET', '/agents/strict/auth/status')).data;
  assert.equal(status.authenticated, true);
  assert.ok(new Date(status.expiresAt) > new Date());
  await waitFor('the old agent to end', async () => (await call('GET', '/agents/strict/status')).data.status === 'stopped');
  const session = await open({ agentId: 'strict' });
  assert.equal((await turn(session, 'env TEST_AGENT_KEY')).text, 'TEST_AGENT_KEY=k-1');
  await events.next(({ event }) => event === 'auth_required');
  await events.next(({ event }) => event === 'auth_complete');
  events.close();
});

test('a text too large for one event comes in several, and is whole in the transcript', async () => {
  const session = await open();
  const whole = `${'\u00e4'.repeat(1 << 20)}end`;
  assert.ok((await turn(session, 'much')).text === whole);
  const { messages } = (await call('GET', `/session/${session.id}/messages`)).data;
  assert.ok(messages.filter(({ role }) => role === 'assistant').map(({ content }) => content).join('') === whole);
});

test('a turn that is cut short by a kill of the host: its end is told, and what was said is kept, each once', async () => {
  const session = await open();
  await turn(session, 'say before');
  const events = await stream(session.id);
  call('POST', `/session/${session.id}/prompt`, { prompt: 'wait' }).catch(() => {});
  const { id } = await events.next((event) => event.data.includes('waiting'));
  for (let i = 0; i < 2; i++) {
    await host.kill();
    host.end = undefined;
    await host.start();
    const resumed = await stream(session.id, { 'last-event-id': id });
    await resumed.next((event) => event.event === 'session_end_turn');
    assert.equal((await call('GET', `/session/${session.id}`)).data.status, 'idle');
    const { messages } = (await call('GET', `/session/${session.id}/messages`)).data;
    assert.deepEqual(messages.map(({ role, content }) => [role, content]), [['user', 'say before'], ['assistant', 'before'], ['user', 'wait'], ['assistant', 'waiting']]);
    assert.deepEqual(parsed(resumed, 'session_end_turn').map(({ data }) => data), [{ sessionId: session.id, reason: 'error', error: 'the host ended during the turn' }]);
    assert.equal(texts(resumed), '');
    assert.ok(!resumed.events.some((event) => event.event === 'resync')); // nothing is lost: pings need not be read again
    resumed.close();
  }
  assert.equal((await turn(session, 'say after')).text, 'after');
  assert.equal((await call('DELETE', `/session/${session.id}`)).data.status, 'ended');
  await host.kill(); // what has been answered is stored
  host.end = undefined;
  await host.start();
  assert.equal((await call('GET', `/session/${session.id}`)).data.status, 'ended');
});

test('a stream goes on where it was left', async () => {
  const session = await open();
  const first = await stream(session.id);
  await turn(session, 'say a');
  const { id } = await first.next(({ event }) => event === 'session_update');
  first.close();
  await turn(session, 'say b');
  const second = await stream(session.id, { 'last-event-id': id });
  await waitFor('the second turn', () => parsed(second, 'session_end_turn').length === 2);
  assert.equal(texts(second), 'b');
  second.close();
});

test('other modules use the service', async () => {
  assert.ok((await service('agents', {})).answer.some(({ id }) => id === 'codex'));
  const { answer: session } = await service('session.new', { agentId: 'opencode', workingDirectory: folder, title: 't', parent: 'swarm.task:1' });
  assert.deepEqual([session.agentId, session.status], ['opencode', 'active']);
  const { answer } = await service('session.prompt', { id: session.id, prompt: 'say well done' });
  assert.deepEqual(answer, { stopReason: 'end_turn', text: 'welldone', usage: { inputTokens: 12, outputTokens: 34, totalTokens: 46 } });
  assert.equal((await service('session.prompt', { id: session.id, prompt: 'fail' })).error.length > 0, true);
  assert.deepEqual((await service('session.close', { id: session.id })).answer, { id: session.id, status: 'ended' });
  assert.equal((await service('session.prompt', { id: session.id, prompt: 'x' })).status, -3);
  assert.equal((await service('nothing', {})).status, -12);
});
