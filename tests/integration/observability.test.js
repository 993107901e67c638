// The observability family as its clients speak it: contract 1.1, over HTTP and WebSocket.
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { after, before, test } = require('node:test');
const WebSocket = require('ws');
const { startHost } = require('./lib/host.js');
const { waitFor } = require('./lib/client.js');

const PORT = 8765;
const SESSION_KEYS = ['session_id', 'session_name', 'status', 'created_at', 'modified_at', 'project_dir', 'agent_name'];
const EVENT_KEYS = ['id', 'session_id', 'event_type', 'timestamp', 'tool_name', 'tool_input', 'tool_output', 'error', 'exit_code', 'reason', 'role', 'content'];
const OPTIONAL_KEYS = ['tool_name', 'tool_input', 'tool_output', 'error', 'exit_code', 'reason', 'role', 'content'];

let host;
before(async () => {
  host = await startHost({ config: `origins { "http://localhost:5173" }\nlisten "127.0.0.1:${PORT}" { family = "observability" }\nmodule "observability" { stop_grace_ms = 700 }\n`, ports: [PORT] });
});
after(() => host.stop());

const call = (method, target, options = {}) => host.request(method, target, { ...options, port: PORT });
const event = (session_id, event_type, more = {}) => ({ event_type, session_id, session_name: `name of ${session_id}`, timestamp: '2026-11-21T07:00:00Z', ...more });

async function post(body) {
  const reply = await call('POST', '/events', { body });
  assert.deepStrictEqual([reply.status, reply.text], [200, '{"ok":true}']);
}

const session = async (id) => (await call('GET', `/sessions/${id}`)).json().session;

function watch(target = '/ws') {
  const socket = new WebSocket(`ws://127.0.0.1:${host.port(PORT)}${target}`);
  const messages = [];
  socket.on('message', (data) => messages.push(JSON.parse(data)));
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => resolve({
      messages,
      next: (match) => waitFor('a message', () => messages.find(match), () => JSON.stringify(messages)),
      close: () => new Promise((closed) => { socket.on('close', closed); socket.close(); }),
    }));
  });
}

test('an event is acknowledged, stored and read back with every key', async () => {
  await post(event('full', 'session_start'));
  await post(event('full', 'pre_tool', { tool_name: 'Bash', tool_input: { command: 'ls' }, exit_code: 3, unknown: 'dropped' }));
  const { events } = (await call('GET', '/events/full')).json();
  assert.deepStrictEqual(events.map((e) => Object.keys(e)), [EVENT_KEYS, EVENT_KEYS]);
  assert.deepStrictEqual(events[1].tool_input, { command: 'ls' });
  assert.strictEqual(events[1].exit_code, 3);
  assert.strictEqual(events[1].reason, null);
  assert.ok(events[1].id > events[0].id);
});

test('a session has all its keys, null where there is no value', async () => {
  await post(event('keys', 'session_start', { timestamp: '2026-11-21T08:00:00Z' }));
  const { sessions } = (await call('GET', '/sessions')).json();
  const mine = sessions.find((s) => s.session_id === 'keys');
  assert.deepStrictEqual(Object.keys(mine), SESSION_KEYS);
  assert.deepStrictEqual([mine.status, mine.created_at, mine.project_dir, mine.agent_name], ['running', '2026-11-21T08:00:00Z', null, null]);
  assert.strictEqual(sessions[0].session_id, 'keys', 'newest created_at first');
});

test('what the original finds false is stored as null, and broadcast as it came', async () => {
  const watcher = await watch();
  await post(event('falsy', 'post_tool', { tool_input: {}, tool_output: '', content: [] }));
  const { data } = await watcher.next((m) => m.type === 'event' && m.data.session_id === 'falsy');
  assert.deepStrictEqual([data.tool_input, data.tool_output, data.content], [{}, '', []]);
  const [stored] = (await call('GET', '/events/falsy')).json().events;
  assert.deepStrictEqual([stored.tool_input, stored.tool_output, stored.content], [null, null, null]);
  await watcher.close();
});

test('unknown types and odd timestamps are stored; events of unknown sessions too', async () => {
  await post(event('odd', 'weird', { timestamp: 'zzz' }));
  assert.strictEqual((await call('GET', '/events/odd')).json().events.length, 1);
  assert.strictEqual((await call('GET', '/sessions/odd')).status, 404);
  assert.deepStrictEqual((await call('GET', '/events/never-seen')).json(), { events: [] });
});

test('a bad event names every missing field in the list shape', async () => {
  const reply = await call('POST', '/events', { body: { event_type: 'message', session_name: 5 } });
  assert.strictEqual(reply.status, 422);
  const places = reply.json().detail.map((item) => [item.loc.join('.'), item.type]);
  assert.ok(places.some(([loc, type]) => loc === 'body.session_id' && type === 'missing'));
  assert.ok(places.some(([loc, type]) => loc === 'body.timestamp' && type === 'missing'));
  assert.ok(places.some(([loc]) => loc === 'body.session_name'));
  const broken = await call('POST', '/events', { body: '{"a":1,}', headers: { 'content-type': 'application/json' } });
  assert.strictEqual(broken.status, 422);
  assert.strictEqual(broken.json().detail[0].loc[0], 'body');
});

test('unknown path, wrong method, HEAD and form bodies get the family’s answers', async () => {
  assert.deepStrictEqual([(await call('GET', '/nope')).status, (await call('GET', '/nope')).json()], [404, { detail: 'Not Found' }]);
  const wrong = await call('PUT', '/events', { body: {} });
  assert.deepStrictEqual([wrong.status, wrong.json()], [405, { detail: 'Method Not Allowed' }]);
  assert.strictEqual((await call('HEAD', '/sessions')).status, 405);
  assert.strictEqual((await call('POST', '/events', { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } })).status, 415);
});

test('metadata changes only what is given and is broadcast', async () => {
  await post(event('meta', 'session_start'));
  const before_ = await session('meta');
  const watcher = await watch();
  const reply = await call('PATCH', '/sessions/meta/metadata', { body: { agent_name: 'tester', project_dir: null } });
  assert.strictEqual(reply.status, 200);
  assert.deepStrictEqual(reply.json().ok, true);
  assert.deepStrictEqual([reply.json().session.agent_name, reply.json().session.project_dir, reply.json().session.session_name], ['tester', null, 'name of meta']);
  assert.notStrictEqual(reply.json().session.modified_at, before_.modified_at);
  const told = await watcher.next((m) => m.type === 'session_updated' && m.session.session_id === 'meta');
  assert.deepStrictEqual(told.session, reply.json().session);
  assert.strictEqual((await call('PATCH', '/sessions/meta/metadata', { body: {} })).status, 200);
  const missing = await call('PATCH', '/sessions/none/metadata', { body: {} });
  assert.deepStrictEqual([missing.status, missing.json()], [404, { detail: 'Session not found' }]);
  await watcher.close();
});

test('stop is final for the run, idempotent, and a new start runs again', async () => {
  await post(event('halt', 'session_start'));
  const watcher = await watch();
  const first = await call('POST', '/sessions/halt/stop');
  assert.strictEqual(first.status, 200);
  assert.deepStrictEqual([first.json().success, first.json().ok, first.json().session_id, first.json().status], [true, true, 'halt', 'stopped']);
  await watcher.next((m) => m.type === 'session_updated' && m.session.session_id === 'halt' && m.session.status === 'stopped');
  assert.strictEqual((await call('POST', '/sessions/halt/stop')).json().status, 'stopped');
  await post(event('halt', 'session_stop', { exit_code: 0 }));
  assert.strictEqual((await session('halt')).status, 'stopped');
  await post(event('halt', 'session_start'));
  assert.strictEqual((await session('halt')).status, 'running');
  assert.strictEqual((await call('POST', '/sessions/none/stop')).status, 404);
  await watcher.close();
});

// A process of its own (`how`: what it does on TERM) that is the session's; `leads`: it leads a process group.
async function agent(id, how, leads) {
  const child = spawn(process.execPath, ['-e', `process.on('SIGTERM', () => { ${how} }); setInterval(() => {}, 1000); console.log('ready')`],
    { stdio: ['ignore', 'pipe', 'inherit'], detached: leads });
  const ended = new Promise((resolve) => { child.on('exit', (code, signal) => { child.end = { code, signal }; resolve(child.end); }); });
  await new Promise((resolve) => { child.stdout.once('data', resolve); });
  await post(event(id, 'session_start', { pid: child.pid }));
  return { child, ended };
}

for (const leads of [false, true]) {
  const kind = leads ? 'group' : 'process';
  test(`stop ends the ${kind} of a session before the session is stopped`, async () => {
    const id = `polite-${kind}`;
    const { child, ended } = await agent(id, 'process.exit(42)', leads);
    const watcher = await watch();
    const reply = await call('POST', `/sessions/${id}/stop`);
    assert.deepStrictEqual([reply.status, reply.json().status, reply.json().message], [200, 'stopped', 'Session stopped successfully']);
    assert.deepStrictEqual(await ended, { code: 42, signal: null });
    await watcher.next((m) => m.type === 'session_updated' && m.session.session_id === id && m.session.status === 'stopped');
    assert.throws(() => process.kill(child.pid, 0));
    await watcher.close();
  });

  test(`a ${kind} that ignores TERM is killed after the grace, and all who ask share one stop`, async () => {
    const id = `stubborn-${kind}`;
    const { ended } = await agent(id, '', leads);
    const watcher = await watch();
    const replies = await Promise.all([1, 2, 3].map(() => call('POST', `/sessions/${id}/stop`)));
    for (const reply of replies)
      assert.deepStrictEqual([reply.status, reply.json().status, reply.json().message], [200, 'stopped', 'Session stopped successfully']);
    assert.deepStrictEqual(await ended, { code: null, signal: 'SIGKILL' });
    const again = await call('POST', `/sessions/${id}/stop`);
    assert.deepStrictEqual([again.status, again.json()], [200, replies[0].json()]);
    await watcher.next((m) => m.type === 'session_updated' && m.session.session_id === id);
    assert.strictEqual(watcher.messages.filter((m) => m.type === 'session_updated' && m.session.session_id === id).length, 1);
    await watcher.close();
  });
}

test('a session whose process has gone, or is not ours to stop, is stopped at once', async () => {
  const { child, ended } = await agent('left', 'process.exit(0)', false);
  child.kill('SIGKILL');
  await ended;
  assert.strictEqual((await call('POST', '/sessions/left/stop')).json().status, 'stopped');
  for (const [id, pid] of [['host', host.child.pid], ['above', process.pid], ['first', 1]]) {
    await post(event(id, 'session_start', { pid }));
    assert.strictEqual((await call('POST', `/sessions/${id}/stop`)).json().status, 'stopped');
  }
  assert.strictEqual((await call('GET', '/sessions')).status, 200, 'the host is still there, and so are we');
});

test('deleting a running session stops its process first', async () => {
  const { ended } = await agent('doomed', 'process.exit(7)', false);
  const watcher = await watch();
  assert.deepStrictEqual((await call('DELETE', '/sessions/doomed')).json().deleted, { session: true, events_count: 1 });
  assert.deepStrictEqual(await ended, { code: 7, signal: null });
  await watcher.next((m) => m.type === 'session_deleted' && m.session_id === 'doomed');
  const told = watcher.messages.filter((m) => (m.session ? m.session.session_id : m.session_id) === 'doomed').map((m) => m.type);
  assert.deepStrictEqual(told, ['session_updated', 'session_deleted']);
  await watcher.close();
});

test('delete removes the session with its events and tells everybody', async () => {
  await post(event('gone', 'session_start'));
  await post(event('gone', 'message', { role: 'user', content: [{ type: 'text', text: 'x' }] }));
  const watcher = await watch();
  const reply = await call('DELETE', '/sessions/gone');
  assert.deepStrictEqual([reply.status, reply.json()], [200, { ok: true, session_id: 'gone', deleted: { session: true, events_count: 2 } }]);
  assert.deepStrictEqual(await watcher.next((m) => m.type === 'session_deleted'), { type: 'session_deleted', session_id: 'gone' });
  assert.deepStrictEqual((await call('GET', '/events/gone')).json(), { events: [] });
  assert.strictEqual((await call('DELETE', '/sessions/gone')).status, 404);
  await watcher.close();
});

test('the socket starts with all sessions, then sends each event in full', async () => {
  await post(event('seen', 'session_start'));
  const watcher = await watch();
  const init = await watcher.next((m) => m.type === 'init');
  assert.strictEqual(watcher.messages[0], init);
  assert.ok(init.sessions.some((s) => s.session_id === 'seen'));
  await post(event('seen', 'message', { role: 'assistant', content: [{ type: 'text', text: 'ü' }] }));
  const { data } = await watcher.next((m) => m.type === 'event' && m.data.event_type === 'message');
  assert.deepStrictEqual(Object.keys(data).sort(), ['event_type', 'session_id', 'session_name', 'timestamp', ...OPTIONAL_KEYS].sort());
  assert.strictEqual(data.content[0].text, 'ü');
  await watcher.close();
});

test('a client that comes back with from= misses nothing and sees nothing twice', async () => {
  const watcher = await watch();
  await post(event('resume', 'message', { reason: 'first' }));
  await watcher.next((m) => m.type === 'event' && m.data.reason === 'first');
  await watcher.close();
  await post(event('resume', 'message', { reason: 'second' }));
  const again = await watch('/ws?from=0');
  await again.next((m) => m.type === 'event' && m.data.reason === 'second');
  const reasons = again.messages.filter((m) => m.type === 'event' && m.data.session_id === 'resume').map((m) => m.data.reason);
  assert.deepStrictEqual(reasons, ['first', 'second']);
  assert.strictEqual(again.messages[0].type, 'init');
  await again.close();
});

test('later routes: create, read, status, result, events by session', async () => {
  const made = await call('POST', '/sessions', { body: { session_id: 'later', session_name: 'n', agent_name: 'a' } });
  assert.deepStrictEqual([made.status, made.json().ok, made.json().session.status], [200, true, 'running']);
  const twice = await call('POST', '/sessions', { body: { session_id: 'later', session_name: 'n' } });
  assert.deepStrictEqual([twice.status, twice.json()], [409, { detail: 'Session already exists' }]);
  assert.deepStrictEqual((await call('GET', '/sessions/later/status')).json(), { status: 'running' });
  assert.deepStrictEqual((await call('GET', '/sessions/unknown/status')).json(), { status: 'not_existent' });
  assert.deepStrictEqual((await call('GET', '/sessions/later/result')).json(), { detail: 'Session not finished' });
  const answer = event('later', 'message', { role: 'assistant', content: [{ type: 'text', text: 'the answer' }] });
  assert.strictEqual((await call('POST', '/sessions/later/events', { body: answer })).status, 200);
  const watcher = await watch();
  assert.strictEqual((await call('POST', '/sessions/later/events', { body: event('later', 'session_stop') })).status, 200);
  await watcher.next((m) => m.type === 'event' && m.data.event_type === 'session_stop');
  assert.deepStrictEqual(watcher.messages.slice(1).map((m) => m.type), ['session_updated', 'event']);
  assert.deepStrictEqual((await call('GET', '/sessions/later/result')).json(), { result: 'the answer' });
  assert.strictEqual((await call('POST', '/sessions/none/events', { body: event('none', 'message') })).status, 404);
  const mismatch = await call('POST', '/sessions/later/events', { body: event('other', 'message') });
  assert.deepStrictEqual([mismatch.status, mismatch.json()], [400, { detail: 'Event session_id must match URL session_id' }]);
  assert.strictEqual((await call('GET', '/sessions/later/events')).json().events.length, 2);
  await watcher.close();
});

test('without paging 100 events come as in the original; with it, all of them once', async () => {
  for (let i = 0; i < 130; i++) await post(event('many', 'message', { reason: String(i), timestamp: `t${String(i).padStart(4, '0')}` }));
  const plain = (await call('GET', '/events/many')).json();
  assert.deepStrictEqual([plain.events.length, plain.events[0].reason, Object.keys(plain)], [100, '0', ['events']]);
  const seen = [];
  for (let after = ''; ;) {
    const page = (await call('GET', `/events/many?limit=40${after}`)).json();
    seen.push(...page.events.map((e) => Number(e.reason)));
    if (page.next === undefined) break;
    after = `&after=${page.next}`;
  }
  assert.deepStrictEqual(seen, Array.from({ length: 130 }, (_, i) => i));
  assert.strictEqual((await call('GET', '/events/many?limit=x')).status, 422);
});

test('search finds words in inputs, outputs and content', async () => {
  await post(event('search', 'pre_tool', { tool_name: 'Bash', tool_input: { command: 'grep zanzibar' } }));
  await post(event('search', 'message', { content: [{ type: 'text', text: 'nothing here' }] }));
  const found = (await call('GET', '/events?q=zanzi*')).json().events;
  assert.deepStrictEqual(found.map((e) => e.tool_input.command), ['grep zanzibar']);
  assert.deepStrictEqual((await call('GET', '/events?q=%22unbalanced')).status, 200);
  assert.strictEqual((await call('GET', '/events')).status, 422);
});

test('a large event is stored whole; one over the limit names it', async () => {
  const text = 'x'.repeat(2 * 1024 * 1024);
  await post(event('large', 'post_tool', { tool_output: text }));
  assert.strictEqual((await call('GET', '/events/large')).json().events[0].tool_output.length, text.length);
  const huge = await call('POST', '/events', { body: JSON.stringify(event('huge', 'post_tool', { tool_output: 'x'.repeat(17 * 1024 * 1024) })), headers: { 'content-type': 'application/json' } }).catch((error) => ({ status: error.code }));
  assert.ok([413, 'EPIPE', 'ECONNRESET'].includes(huge.status), String(huge.status));
});

test('the main listener serves the same bare paths and the family prefix', async () => {
  await post(event('main', 'session_start'));
  for (const target of ['/sessions/main', '/f/observability/sessions/main'])
    assert.strictEqual((await host.request('GET', target)).json().session.session_id, 'main');
});

test('docs and openapi are there', async () => {
  const spec = (await call('GET', '/openapi.json')).json();
  assert.match(spec.openapi, /^3\.1/);
  assert.ok(spec.paths['/sessions/{session_id}/stop'].post);
  assert.match((await call('GET', '/docs')).headers['content-type'], /text\/html/);
});

test('CORS headers go to listed origins only', async () => {
  const good = await call('GET', '/sessions', { headers: { origin: 'http://localhost:5173' } });
  assert.strictEqual(good.headers['access-control-allow-origin'], 'http://localhost:5173');
  assert.match(good.headers.vary, /Origin/);
  const bad = await call('GET', '/sessions', { headers: { origin: 'http://evil.example' } });
  assert.deepStrictEqual([bad.status, bad.headers['access-control-allow-origin']], [403, undefined]);
  const preflight = await call('OPTIONS', '/events', { headers: { origin: 'http://localhost:5173', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' } });
  assert.strictEqual(preflight.status, 200);
});

test('a session id may hold a slash, sent as %2F', async () => {
  const id = 'feature/login ü/2';
  const url = `/sessions/${encodeURIComponent(id)}`;
  await post(event(id, 'session_start'));
  assert.strictEqual((await call('GET', url)).json().session.session_id, id);
  assert.strictEqual((await call('POST', `${url}/events`, { body: event(id, 'message') })).status, 200);
  assert.strictEqual((await call('GET', `/events/${encodeURIComponent(id)}`)).json().events.length, 2);
  assert.strictEqual((await call('GET', `/sessions/feature%2flogin%20%C3%BC%2F2/events`)).json().events.length, 2);
  assert.strictEqual((await host.request('GET', `/f/observability${url}`)).json().session.session_id, id);
  assert.strictEqual((await call('PATCH', `${url}/metadata`, { body: { session_name: 'new' } })).json().session.session_name, 'new');
  assert.strictEqual((await call('POST', `${url}/stop`)).json().session_id, id);
  assert.strictEqual((await call('DELETE', url)).json().session_id, id);
  assert.strictEqual((await call('GET', url)).status, 404);
  // It parts no segments, and no fixed part of a path is written with it.
  assert.deepStrictEqual((await call('GET', '/sessions%2Fx')).json(), { detail: 'Not Found' });
  assert.deepStrictEqual((await call('GET', '/sessions/x%2Fstatus')).json(), { detail: 'Session not found' });
});

test('every close code that a client may send is echoed', async () => {
  for (const code of [1000, 1001, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 4999]) {
    const socket = new WebSocket(`ws://127.0.0.1:${host.port(PORT)}/ws`);
    await new Promise((resolve, reject) => { socket.on('open', resolve); socket.on('error', reject); });
    const closed = new Promise((resolve) => { socket.on('close', resolve); });
    socket.close(code, 'bye');
    assert.strictEqual(await closed, code);
  }
});
