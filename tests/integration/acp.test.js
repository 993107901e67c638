// The management API: projects, agents, tokens, sessions, messages, streams; with the built-in gateway and with a remote one.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { RemoteGateway } = require('./lib/acp-remote-gateway.js');
const { openEventStream, waitFor } = require('./lib/client.js');
const { Host } = require('./lib/host.js');

const PORT = 3001;
const AGENT = [process.execPath, path.join(__dirname, 'lib', 'acp-agent.js'), require.resolve('@agentclientprotocol/sdk')];
const config = (options = '') => `listen "127.0.0.1:${PORT}" { family = "acp" }
module "acp" { ${options} }
module "acp-gateway" { agents = {
  { id = "opencode", command = { ${AGENT.map((word) => JSON.stringify(word)).join(', ')} }, requiresAuth = false },
  { id = "claude-code", command = { ${AGENT.map((word) => JSON.stringify(word)).join(', ')} } },
} }`;

let host, folder, remote, builtin, far;
before(async () => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-acp-')));
  remote = await new RemoteGateway().listen(0);
  host = await new Host({ config: config(), ports: [PORT], env: { ENCRYPTION_KEY: 'a key for the test, long enough for anybody' } }).start();
  builtin = (await call('POST', '/api/projects', { name: 'built in' })).project.id;
  far = (await call('POST', '/api/projects', { name: 'far', containerPort: remote.port - 1, defaultAgentId: 'codex' })).project.id;
});
after(async () => {
  await host.stop();
  await remote.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function call(method, target, body, headers) {
  const reply = await host.request(method, target, { port: PORT, body, headers });
  let json = {};
  try { json = reply.json(); } catch { json = { text: reply.text }; }
  return { status: reply.status, ...json };
}
const acp = (project, method, target, body) => call(method, `/api/projects/${project}/acp${target}`, body);
const asked = (url) => remote.requests.filter((request) => request.url === url);
const opened = async (project, body = {}) => {
  const reply = await acp(project, 'POST', '/session', project === builtin ? { workingDirectory: folder, ...body } : { agentId: 'opencode', ...body });
  assert.equal(reply.status, 200, JSON.stringify(reply));
  return reply.data;
};
const shown = async (project, session) => (await acp(project, 'GET', `/session/${session.id}`)).data;
const idle = (project, session) => waitFor('the end of the turn', async () => {
  const now = await shown(project, session);
  return now.status !== 'processing' && now;
}, () => host.stderr.slice(-3000));
const failed = (status, error) => ({ status, success: false, error });

test('health and info are open, with the known shapes', async () => {
  const health = await call('GET', '/health');
  assert.deepEqual([Object.keys(health), health.status], [['status', 'timestamp'], 'ok']);
  const info = await call('GET', '/api/info');
  assert.deepEqual([info.agents.length, info.families, typeof info.version], [5, ['acp', 'acp-gateway'], 'string']);
});

test('projects: create, read, change, delete', async () => {
  const created = await call('POST', '/api/projects', { name: 'x', fqdnUrl: 'http://127.0.0.9:4096/', llmProvider: 'openai' });
  assert.equal(created.status, 201);
  const { id, createdAt, updatedAt, ...rest } = created.project;
  assert.equal(new Date(createdAt).toISOString(), createdAt);
  assert.ok(updatedAt);
  assert.deepEqual(rest, { name: 'x', fqdnUrl: 'http://127.0.0.9:4096/', containerPort: null, llmProvider: 'openai', defaultAgentId: 'opencode', status: 'active' });
  assert.match(id, /^[\w-]{21}$/);
  for (const name of [undefined, '', 'y'.repeat(101), 7]) assert.equal((await call('POST', '/api/projects', { name })).status, 400);
  assert.equal((await call('PATCH', `/api/projects/${id}`, { defaultAgentId: 'gemini-cli', fqdnUrl: null })).project.defaultAgentId, 'gemini-cli');
  const read = (await call('GET', `/api/projects/${id}`)).project;
  assert.deepEqual([read.defaultAgentId, read.fqdnUrl, read.name], ['gemini-cli', null, 'x']);
  assert.ok((await call('GET', '/api/projects')).projects.some((project) => project.id === id));
  assert.deepEqual(await call('DELETE', `/api/projects/${id}`), { status: 200, success: true, message: 'Project deleted' });
  for (const method of ['GET', 'DELETE']) assert.deepEqual(await call(method, `/api/projects/${id}`), { status: 404, error: 'Project not found' });
  assert.deepEqual(await acp(id, 'GET', '/agents'), failed(404, 'Project not found'));
});

test('agents of both kinds of gateway, and the default', async () => {
  const near = (await acp(builtin, 'GET', '/agents')).data;
  assert.deepEqual([near.defaultAgentId, near.agents[0].id, near.agents[0].authenticated], ['opencode', 'opencode', true]);
  const there = (await acp(far, 'GET', '/agents')).data;
  assert.deepEqual([there.defaultAgentId, there.agents.length, there.agents[4].authenticated], ['codex', 5, false]);
  assert.deepEqual((await acp(far, 'GET', '/info')).data, { name: 'ACP Gateway', version: '0.1.0' });
  assert.deepEqual([(await acp(far, 'GET', '/health')).data, (await acp(builtin, 'GET', '/health')).data], [{ healthy: true }, { healthy: true }]);
  assert.equal((await acp(far, 'POST', '/agents/opencode/spawn')).data.status, 'running');
  assert.deepEqual(await acp(far, 'POST', '/agents/nobody/spawn'), failed(500, 'Unknown agent: nobody'));
  assert.equal((await acp(builtin, 'POST', '/agents/nobody/spawn')).status, 500);
  assert.deepEqual((await acp(far, 'POST', '/agents/opencode/stop')).data, { id: 'opencode', status: 'stopped' });
  assert.equal((await acp(builtin, 'GET', '/agents/nobody/status')).data.status, 'stopped');
});

test('a gateway that cannot be reached: 500 with the reason, and what is local still works', async () => {
  const gone = (await call('POST', '/api/projects', { name: 'gone', containerPort: 1 })).project.id;
  const agents = await acp(gone, 'GET', '/agents');
  assert.equal(agents.status, 500);
  assert.match(agents.error, /^Gateway request failed: /);
  assert.deepEqual((await acp(gone, 'GET', '/health')).data, { healthy: false });
  assert.deepEqual((await acp(gone, 'GET', '/agents/codex/auth/status')).data, { authenticated: false, hasStoredToken: false });
  assert.equal((await acp(gone, 'POST', '/session', { agentId: 'opencode' })).status, 500);
  assert.deepEqual((await acp(gone, 'GET', '/session?includeEnded=true')).data.sessions, []);
  assert.deepEqual(await acp(gone, 'GET', '/events'), failed(500, 'Could not create event stream'));
});

test('tokens: encrypted at rest, injected, listed without their value, deleted', async () => {
  const token = 'canary-token-0123456789';
  assert.deepEqual(await acp(far, 'POST', '/agents/qwen-code/auth/callback', {}), failed(400, 'Access token is required'));
  assert.deepEqual(await acp(far, 'POST', '/agents/qwen-code/auth/callback', '{"accessToken":'), failed(500, 'Failed to save auth token'));
  assert.deepEqual(await acp(far, 'POST', '/session', { agentId: 'qwen-code' }),
    { ...failed(401, 'Agent qwen-code requires authentication'), code: 'AUTH_REQUIRED' });
  assert.equal((await acp(far, 'POST', '/agents/qwen-code/auth/start')).data.authUrl, 'https://provider.example/');
  const stored = await acp(far, 'POST', '/agents/qwen-code/auth/callback', { accessToken: token, refreshToken: `${token}-r`, expiresIn: 3600, scopes: ['a'] });
  assert.deepEqual(stored, { status: 200, success: true, data: { authenticated: true } });
  assert.deepEqual(asked('/agents/qwen-code/auth/token')[0].body, { token, expiresIn: 3600 });
  const status = (await acp(far, 'GET', '/agents/qwen-code/auth/status')).data;
  assert.deepEqual([status.authenticated, status.hasStoredToken], [true, true]);
  assert.ok(new Date(status.expiresAt) > Date.now());
  assert.deepEqual((await acp(far, 'POST', '/agents/qwen-code/auth/start')).data, { authenticated: true, message: 'Already authenticated' });
  const { tokens } = (await acp(far, 'GET', '/auth/tokens')).data;
  assert.deepEqual(tokens.map(({ agentId, hasAccessToken, hasRefreshToken }) => [agentId, hasAccessToken, hasRefreshToken]), [['qwen-code', true, true]]);
  await opened(far, { agentId: 'qwen-code' });
  assert.deepEqual(asked('/session').at(-1).body, { agentId: 'qwen-code', workingDirectory: '/workspace', env: { ALIBABA_API_KEY: token, DASHSCOPE_API_KEY: token } });
  await acp(far, 'POST', '/agents/qwen-code/spawn');
  assert.deepEqual(asked('/agents/qwen-code/spawn')[0].body, { env: { ALIBABA_API_KEY: token, DASHSCOPE_API_KEY: token } });
  for (const file of fs.readdirSync(host.state, { recursive: true }).map((name) => path.join(host.state, name)).filter((name) => fs.statSync(name).isFile()))
    assert.ok(!fs.readFileSync(file).includes(token), file);
  assert.ok(!host.stderr.includes(token));
  assert.deepEqual((await acp(far, 'DELETE', '/agents/qwen-code/auth')).data, { authenticated: false });
  assert.equal((await acp(far, 'POST', '/session', { agentId: 'qwen-code' })).status, 401);
  await acp(far, 'POST', '/agents/qwen-code/auth/callback', { accessToken: token, expiresIn: 200 });
  assert.equal((await acp(far, 'GET', '/agents/qwen-code/auth/status')).data.authenticated, false, 'a token that ends within five minutes has ended');
});

for (const kind of ['built-in', 'remote']) {
  const project = () => (kind === 'remote' ? far : builtin);

  test(`${kind}: a prompt is answered at once; messages, tool calls and the end are persisted by its events`, async () => {
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    remote.turn = async (id, prompt, gateway) => {
      gateway.say(id, 'sel');
      gateway.update(id, { sessionUpdate: 'tool_call', toolCallId: 't1', title: 'Edit', kind: 'edit', status: 'pending', rawInput: { path: 'x' } });
      await held;
      gateway.update(id, { sessionUpdate: 'tool_call_update', toolCallId: 't1', status: 'completed', rawOutput: { done: true } });
      gateway.say(id, 'ected ');
      gateway.say(id, 'yes');
      gateway.emit('session_end_turn', id, { sessionId: id, reason: 'end_turn' });
      gateway.emit('session_update', 'somebody-else', { sessionId: 'somebody-else', update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'no' } } });
    };
    const session = await opened(project());
    assert.deepEqual([session.agentId, session.status, Boolean(session.acpSessionId), Object.keys(session)],
      ['opencode', 'active', true, ['id', 'agentId', 'status', 'createdAt', 'acpSessionId']]);
    const reply = await acp(project(), 'POST', `/session/${session.id}/prompt`, { prompt: 'ask Edit' });
    assert.deepEqual(reply, { status: 200, success: true, data: { id: session.id, status: 'processing' } });
    const during = await shown(project(), session);
    assert.deepEqual([during.status, during.messages[0].role, during.messages[0].content], ['processing', 'user', 'ask Edit']);
    if (kind === 'remote') {
      release();
    } else {
      const events = await openEventStream(`/api/projects/${builtin}/acp/events/${session.id}`, { port: host.port(PORT), headers: { 'last-event-id': '1' } });
      const asking = JSON.parse((await events.next(({ event, data }) => event === 'permission_request' && JSON.parse(data).sessionId === session.acpSessionId)).data);
      events.close();
      assert.deepEqual(await acp(builtin, 'POST', `/permission/${asking.data.requestId}`, { granted: 'x' }), failed(400, 'granted (boolean) is required'));
      assert.deepEqual((await acp(builtin, 'POST', `/permission/${asking.data.requestId}`, { granted: true })).data, { id: asking.data.requestId, granted: true });
    }
    const done = await idle(project(), session);
    assert.equal(done.status, 'idle');
    const messages = done.messages.map(({ role, content, toolName }) => [role, content, toolName]);
    if (kind === 'remote') assert.deepEqual(messages, [['user', 'ask Edit', null], ['assistant', 'sel', null], ['tool', 'Edit', 'Edit'], ['assistant', 'ected yes', null]]);
    else assert.deepEqual(messages, [['user', 'ask Edit', null], ['tool', 'Edit', 'Edit'], ['assistant', 'selected yes', null]]);
    assert.equal(done.messages.find(({ role }) => role === 'tool').toolCalls[0].status, 'completed');
    assert.equal(done.messageCount, done.messages.length);
    const { sessions } = (await acp(project(), 'GET', '/session')).data;
    assert.deepEqual([sessions[0].id, sessions[0].messageCount], [session.id, done.messageCount]);
  });

  test(`${kind}: what is wrong is said, a session ends`, async () => {
    const session = await opened(project());
    for (const body of [undefined, {}, { prompt: '' }, { prompt: 3 }])
      assert.deepEqual(await acp(project(), 'POST', `/session/${session.id}/prompt`, body), failed(400, 'Prompt is required'));
    for (const [method, target] of [['GET', ''], ['DELETE', ''], ['POST', '/prompt'], ['POST', '/cancel']])
      assert.deepEqual(await acp(project(), method, `/session/none${target}`), failed(404, 'Session not found'));
    assert.deepEqual(await acp(kind === 'remote' ? builtin : far, 'GET', `/session/${session.id}`), failed(404, 'Session not found'));
    assert.deepEqual(await acp(project(), 'POST', '/session', '{'), failed(500, 'Failed to create session'));
    assert.equal((await acp(project(), 'POST', '/session', { agentId: 'nobody' })).status, kind === 'remote' ? 200 : 500);
    assert.equal((await acp(project(), 'POST', `/session/${session.id}/cancel`)).status, 200);
    assert.deepEqual((await acp(project(), 'DELETE', `/session/${session.id}`)).data, { id: session.id, status: 'ended' });
    assert.deepEqual(await acp(project(), 'POST', `/session/${session.id}/prompt`, { prompt: 'x' }), failed(400, 'Session has ended'));
    assert.ok(!(await acp(project(), 'GET', '/session')).data.sessions.some(({ id }) => id === session.id));
    assert.ok((await acp(project(), 'GET', '/session?includeEnded=true')).data.sessions.some(({ id }) => id === session.id));
  });

  test(`${kind}: the events of a session are streamed to clients`, async () => {
    remote.turn = async (id, prompt, gateway) => {
      gateway.say(id, 'hello');
      gateway.emit('session_end_turn', id, { sessionId: id, reason: 'end_turn' });
    };
    const session = await opened(project());
    const [all, one] = await Promise.all([`events`, `events/${session.id}`].map((name) =>
      openEventStream(`/api/projects/${project()}/acp/${name}`, { port: host.port(PORT) })));
    assert.match(one.headers['content-type'], /^text\/event-stream/);
    assert.equal(one.headers['cache-control'], 'no-cache');
    await acp(project(), 'POST', `/session/${session.id}/prompt`, { text: 'say hello' });
    for (const stream of [all, one]) {
      const { data } = await stream.next(({ event }) => event === 'session_update');
      assert.deepEqual([JSON.parse(data).data.sessionId, JSON.parse(data).data.update.content.text], [session.acpSessionId, 'hello']);
      await stream.next(({ event }) => event === 'session_end_turn');
      stream.close();
    }
    await idle(project(), session);
  });
}

test('a token that is deleted is forgotten by the gateway of this host too', async () => {
  await acp(builtin, 'POST', '/agents/codex/auth/callback', { accessToken: 'a-token', expiresIn: 3600 });
  const authenticated = async () => (await acp(builtin, 'GET', '/agents')).data.agents.find(({ id }) => id === 'codex').authenticated;
  assert.equal(await authenticated(), true);
  assert.deepEqual((await acp(builtin, 'DELETE', '/agents/codex/auth')).data, { authenticated: false });
  assert.equal(await authenticated(), false);
  assert.deepEqual((await acp(builtin, 'GET', '/agents/codex/auth/status')).data, { authenticated: false, hasStoredToken: false });
  assert.equal((await acp(builtin, 'POST', '/session', { agentId: 'codex' })).status, 401);
});

test('a body that is no object is answered as one without the member that is needed', async () => {
  const { id } = await opened(builtin);
  for (const body of ['{', '[]', '7']) {
    const send = async (target) => (await host.request('POST', `/api/projects/${builtin}/acp${target}`, { port: PORT, body, headers: { 'content-type': 'application/json' } }));
    for (const [target, error] of [[`/session/${id}/prompt`, 'Prompt is required'], ['/permission/p', 'granted (boolean) is required']]) {
      const reply = await send(target);
      assert.deepEqual([reply.status, reply.json()], [400, { success: false, error }]);
    }
  }
});

test('a gateway that refuses a prompt sets the session to error; the message is stored', async () => {
  const session = await opened(far);
  remote.fails = { path: `/session/${session.acpSessionId}/prompt`, error: 'Session not found', status: 404 };
  assert.deepEqual(await acp(far, 'POST', `/session/${session.id}/prompt`, { prompt: 'x' }), failed(500, 'Session not found'));
  const now = (await acp(far, 'GET', `/session/${session.id}`)).data; // at once: what has been answered is stored
  assert.deepEqual([now.status, now.messageCount], ['error', 1]);
  remote.fails = { path: `/session/${session.acpSessionId}/cancel`, error: 'no' };
  for (let i = 0; i < 20; i++) {
    await acp(far, 'POST', `/session/${session.id}/prompt`, { prompt: 'again' }); // which the gateway takes, and says nothing of
    assert.deepEqual(await acp(far, 'POST', `/session/${session.id}/cancel`), failed(200, 'no'));
    assert.equal((await acp(far, 'GET', `/session/${session.id}`)).data.status, 'idle');
  }
  remote.fails = null;
});

test('the older OpenCode proxy passes everything through, but no credentials', async () => {
  const seen = [];
  const server = http.createServer((request, reply) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(pieces).toString() });
      reply.writeHead(207, { 'content-type': 'text/x-test', 'set-cookie': 'a=b', 'x-opencode-thing': '1' });
      reply.write('one ');
      setTimeout(() => reply.end('two'), 20);
    });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { id } = (await call('POST', '/api/projects', { name: 'p', fqdnUrl: `http://127.0.0.1:${server.address().port}` })).project;
  const reply = await host.request('POST', `/api/projects/${id}/opencode/session/a%2Fb?x=1&y=%20`, { port: PORT, body: { a: 1 }, headers: { cookie: 'c=d', authorization: 'Bearer x' } });
  assert.deepEqual([reply.status, reply.text, reply.headers['content-type'], reply.headers['set-cookie'], reply.headers['x-opencode-thing']], [207, 'one two', 'text/x-test', undefined, '1']);
  assert.deepEqual([seen[0].method, seen[0].url, seen[0].body, seen[0].headers.authorization, seen[0].headers.cookie], ['POST', '/session/a%2Fb?x=1&y=%20', '{"a":1}', undefined, undefined]);
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) assert.equal((await host.request(method, `/api/projects/${id}/opencode/p`, { port: PORT })).status, 207);
  assert.equal((await host.request('GET', '/api/projects/none/opencode/p', { port: PORT })).status, 404);
  server.closeAllConnections();
  server.close();
});

test('sessions and messages outlive a kill of the host', async () => {
  const session = await opened(builtin);
  await acp(builtin, 'POST', `/session/${session.id}/prompt`, { prompt: 'say before' });
  const earlier = await idle(builtin, session);
  await host.kill();
  host.end = undefined;
  await host.start();
  assert.deepEqual((await shown(builtin, session)).messages, earlier.messages);
  await acp(builtin, 'POST', `/session/${session.id}/prompt`, { prompt: 'say after' });
  const later = await idle(builtin, session);
  assert.deepEqual(later.messages.map(({ content }) => content), ['say before', 'before', 'say after', 'after']);
});

test('a turn that is cut short by a kill of the host: what was said is a message, once, and its end is an error', async () => {
  const session = await opened(builtin);
  const events = await openEventStream(`/api/projects/${builtin}/acp/events/${session.id}`, { port: host.port(PORT) });
  await acp(builtin, 'POST', `/session/${session.id}/prompt`, { prompt: 'wait' });
  await events.next((event) => event.data.includes('waiting'));
  for (let i = 0; i < 2; i++) {
    await host.kill();
    host.end = undefined;
    await host.start();
    const now = await idle(builtin, session);
    assert.deepEqual([now.status, now.messageCount], ['error', 2]);
    assert.deepEqual(now.messages.map(({ role, content }) => [role, content]), [['user', 'wait'], ['assistant', 'waiting']]);
  }
  await acp(builtin, 'POST', `/session/${session.id}/prompt`, { prompt: 'say after' });
  const last = await idle(builtin, session);
  assert.deepEqual([last.status, last.messages.at(-1).content], ['idle', 'after'], host.stderr.slice(-3000));
});

test('a turn of a remote gateway that outlives the host is heard again after its start', async () => {
  const session = await opened(far);
  remote.turn = () => new Promise(() => {});
  await acp(far, 'POST', `/session/${session.id}/prompt`, { prompt: 'take long' });
  await host.kill();
  host.end = undefined;
  await host.start();
  remote.turn = () => {};
  await waitFor('the stream of the session', () => [...remote.streams].some((stream) => stream.session === session.acpSessionId));
  remote.say(session.acpSessionId, 'at last');
  remote.emit('session_end_turn', session.acpSessionId, { sessionId: session.acpSessionId, reason: 'end_turn' });
  const now = await idle(far, session);
  assert.deepEqual([now.status, now.messages.map(({ content }) => content)], ['idle', ['take long', 'at last']]);
});

test('API_TOKEN: without it Authorization is ignored, with it it is required, and the published one is refused', async () => {
  assert.equal((await call('GET', '/api/projects', undefined, { authorization: 'Bearer anything' })).status, 200);
  for (const [token, works] of [['the-token', true], ['dev-token-change-in-production', false]]) {
    const other = await new Host({ config: config(`api_token = "${token}"`), ports: [PORT] }).start();
    const ask = (target, authorization) => other.request('GET', target, { port: PORT, headers: authorization ? { authorization } : {} });
    for (const wrong of [undefined, 'Bearer x', `Bearer ${token}x`, `bearer${token}`, token]) {
      const reply = await ask('/api/projects', wrong);
      assert.deepEqual([reply.status, reply.text, reply.headers['www-authenticate']], [401, 'Unauthorized', 'Bearer realm=""'], String(wrong));
    }
    assert.equal((await ask('/api/projects', `Bearer ${token}`)).status, works ? 200 : 401);
    // Before anything else of the request is looked at: the path, the project, the method, the body and its type.
    for (const [method, target, body, type] of [
      ['GET', '/api/nothing'], ['GET', '/api'], ['GET', '/api/'], ['GET', '/api/projects/none/acp/agents'], ['DELETE', '/api/projects'], ['PATCH', '/api/info/x'],
      ['POST', '/api/projects', '{"name":'], ['POST', '/api/projects', '[]'], ['POST', '/api/projects', 'name=x', 'application/x-www-form-urlencoded'],
      ['POST', '/api/projects/none/acp/session', '{'], ['POST', '/api/projects/none/opencode/x', 'text', 'text/plain'], ['HEAD', '/api/projects'],
    ]) {
      const headers = body === undefined ? {} : { 'content-type': type || 'application/json' };
      const reply = await other.request(method, target, { port: PORT, headers, body });
      assert.deepEqual([reply.status, reply.text, reply.headers['www-authenticate']], [401, method === 'HEAD' ? '' : 'Unauthorized', 'Bearer realm=""'], `${method} ${target}`);
    }
    assert.equal((await ask('/elsewhere')).status, 404);
    assert.deepEqual([(await ask('/health')).status, (await ask('/api/info')).status], [200, 200]);
    await other.stop();
  }
});
