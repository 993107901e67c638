// The monitor: files other programs write, seen over HTTP and the event stream; rotation, truncation and garbage; the stored history.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Host } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');

const PORT = 8000;
let host;
let folder;
let root;

const config = (more = '') => `listen "127.0.0.1:${PORT}" { family = "monitor" }
module "monitor" { root = "${root}" ${more} }
`;

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-monitor-')); // not beside the configuration, which the host keeps to itself
  root = path.join(folder, 'swarm');
  host = new Host({ config: config(), ports: [PORT] });
  await host.start();
});
after(async () => {
  await host.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

const get = (target, options) => host.request('GET', target, { port: PORT, ...options });
const json = async (target) => {
  const reply = await get(target);
  assert.strictEqual(reply.status, 200, reply.text);
  return reply.json();
};
const at = (...names) => path.join(root, ...names);

function writeAgents(value) {
  fs.writeFileSync(at('agents.tmp'), typeof value === 'string' ? value : JSON.stringify(value));
  fs.renameSync(at('agents.tmp'), at('ACTIVE_AGENTS.json'));
}
const agent = (n) => ({ id: `agent-${n}`, pane_index: `swarm:0.${n}`, pid: 100 + n, status: 'active', last_seen: '2026-01-01T00:00:00', session_name: 'swarm' });
const lock = (name, value) => fs.writeFileSync(at('.agent_locks', `${name}.lock`), typeof value === 'string' ? value : JSON.stringify(value));
const message = (n, more = {}) => ({ timestamp: `2026-01-01T00:00:${String(n % 60).padStart(2, '0')}`, msg_id: `m${n}`, sender: 'agent-1', recipients: ['agent-2'], msg_type: 'INFO', content: `message ${n}`, delivery_status: { 'agent-2': true }, success_count: 1, failure_count: 0, ...more });
const log = (...lines) => fs.appendFileSync(at('agent_messages.log'), lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)) + '\n').join(''));

test('without files, even without the folder, everything is empty', async () => {
  assert.deepStrictEqual(await json('/api/agents'), { session_name: null, updated_at: null, agents: [] });
  assert.deepStrictEqual(await json('/api/locks'), { locks: [], count: 0 });
  assert.deepStrictEqual(await json('/api/messages'), { messages: [], count: 0, limit: 50 });
  assert.deepStrictEqual(await json('/api/stats'), { agent_count: 0, lock_count: 0, message_count: 0, message_types: {}, latest_activity: null, session_name: null, updated_at: null });
  const health = await json('/health');
  assert.match(health.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
  assert.deepStrictEqual({ ...health, timestamp: 0 }, { status: 'healthy', timestamp: 0, files: { agents: false, messages: false, locks_dir: false } });
  fs.mkdirSync(at('.agent_locks'), { recursive: true });
});

test('agents are passed through, other keys of the file dropped; what is corrupt is empty', async () => {
  const file = { session_name: 'swarm', updated_at: '2026-01-01T00:00:00', agents: [agent(1), { ...agent(2), extra: [1, 2.5] }], secret: 1 };
  writeAgents(file);
  const { secret, ...seen } = file;
  assert.deepStrictEqual(await json('/api/agents'), seen);
  assert.deepStrictEqual(await json('/api/v1/agents'), seen);
  for (const bad of ['', '{', '[]', '5', 'null', '"x"', '{"agents":', '\u0000', '{"agents":{"a":1}}', '{"agents":"x"}'.repeat(2)]) {
    writeAgents(bad);
    assert.deepStrictEqual(await json('/api/agents'), { session_name: null, updated_at: null, agents: [] }, bad);
    assert.strictEqual((await json('/api/stats')).agent_count, 0);
  }
  writeAgents('{"agents":[5,null,"x",[],{"id":"only"}]}');
  assert.deepStrictEqual((await json('/api/agents')).agents, [{ id: 'only' }]);
  writeAgents(file);
  assert.strictEqual((await json('/api/stats')).agent_count, 2);
});

test('locks: the file and its name; corrupt ones are skipped, stale ones are not', async () => {
  lock('a'.repeat(64), { agent_id: 'agent-1', filepath: 'src/x.c', locked_at: 1.5, reason: 'editing' });
  lock('b', '{"agent_id":');
  lock('c', '[1]');
  lock('d', '');
  fs.writeFileSync(at('.agent_locks', 'note.txt'), '{}');
  fs.symlinkSync('/etc/passwd', at('.agent_locks', 'e.lock'));
  fs.mkdirSync(at('.agent_locks', 'f.lock'));
  assert.deepStrictEqual(await json('/api/locks'), { locks: [{ agent_id: 'agent-1', filepath: 'src/x.c', locked_at: 1.5, reason: 'editing', lock_file: `${'a'.repeat(64)}.lock` }], count: 1 });
});

test('messages: the last lines, of which the bad ones are then dropped', async () => {
  log(...Array.from({ length: 60 }, (_, n) => message(n)));
  assert.strictEqual((await json('/api/messages')).count, 50);
  log('', '5', '{bad', '[]', 'null', message(60, { msg_type: 'ACK' }));
  const last = await json('/api/messages?limit=10');
  assert.deepStrictEqual(last.messages.map((one) => one.msg_id), ['m56', 'm57', 'm58', 'm59', 'm60']);
  assert.deepStrictEqual([last.count, last.limit], [5, 10]);
  assert.deepStrictEqual(last.messages[4], message(60, { msg_type: 'ACK' }));
  for (const [asked, limit] of [['0', 50], ['-3', 50], ['5000', 1000], ['1000', 1000], ['1', 1]]) assert.strictEqual((await json(`/api/messages?limit=${asked}`)).limit, limit);
  for (const bad of ['x', '1.5', '']) {
    const refused = await get(`/api/messages?limit=${bad}`);
    assert.strictEqual(refused.status, 422);
    assert.deepStrictEqual(refused.json().detail[0].loc, ['query', 'limit']);
  }
  log('{"content":"no type","timestamp":7}', '{"msg_type":5}');
  const stats = await json('/api/stats');
  assert.deepStrictEqual(stats.message_types, { INFO: 60, ACK: 1, UNKNOWN: 2 });
  assert.deepStrictEqual([stats.message_count, stats.latest_activity, stats.session_name, stats.lock_count], [63, null, 'swarm', 1]);
});

test('rotation, truncation, overwriting, half a line and a line that never ends', async () => {
  const ids = async () => (await json('/api/messages?limit=1000')).messages.map((one) => one.msg_id);
  await json('/api/messages/history');
  fs.renameSync(at('agent_messages.log'), at('agent_messages.log.old'));
  assert.deepStrictEqual(await ids(), []);
  log(message(100), message(101));
  await json('/api/messages/history');
  assert.deepStrictEqual(await ids(), ['m100', 'm101']);
  fs.writeFileSync(at('agent_messages.log'), '');
  log(message(102));
  assert.deepStrictEqual(await ids(), ['m102']);
  fs.writeFileSync(at('agent_messages.log'), `${JSON.stringify(message(103))}\n${JSON.stringify(message(104))}\n${JSON.stringify(message(105))}\n`);
  assert.deepStrictEqual(await ids(), ['m103', 'm104', 'm105']);
  const text = JSON.stringify(message(106));
  await json('/api/messages/history');
  fs.appendFileSync(at('agent_messages.log'), text.slice(0, 20));
  assert.deepStrictEqual(await ids(), ['m103', 'm104', 'm105']);
  fs.appendFileSync(at('agent_messages.log'), text.slice(20));
  assert.deepStrictEqual(await ids(), ['m103', 'm104', 'm105', 'm106']);
  fs.appendFileSync(at('agent_messages.log'), `\n${'x'.repeat(3 << 20)}`);
  assert.deepStrictEqual(await ids(), ['m103', 'm104', 'm105', 'm106']);
  fs.appendFileSync(at('agent_messages.log'), `${'y'.repeat(100)}\n\u0000\n${JSON.stringify(message(107))}\n`);
  assert.deepStrictEqual(await ids(), ['m103', 'm104', 'm105', 'm106', 'm107']);
  fs.appendFileSync(at('agent_messages.log'), Buffer.from([0xff, 0xfe, 0x0a]));
  log(...Array.from({ length: 1200 }, (_, n) => message(2000 + n)));
  const many = await ids();
  assert.deepStrictEqual([many.length, many[0], many[999]], [1000, 'm2200', 'm3199']);
  assert.strictEqual((await json('/api/stats')).message_count, 1000);
});

test('the history has every message once, over rotations, and finds words', async () => {
  const all = [];
  for (let before = ''; ;) {
    const page = await json(`/api/messages/history?limit=500${before}`);
    all.push(...page.messages.map((one) => one.msg_id));
    if (!page.next) break;
    before = `&before=${page.next}`;
  }
  const known = all.filter(Boolean);
  assert.strictEqual(new Set(known).size, known.length);
  for (const id of ['m0', 'm60', 'm100', 'm101', 'm103', 'm107', 'm2000', 'm3199']) assert.ok(known.includes(id), id);
  assert.strictEqual(known[0], 'm3199');
  log(message(4000, { content: 'the walrus and the carpenter', sender: 'alice' }));
  const found = await json('/api/v1/messages/search?q=walrus%20carp*');
  assert.deepStrictEqual(found.messages.map((one) => one.msg_id), ['m4000']);
  assert.deepStrictEqual(await json('/api/messages/search?q=unicorn'), { messages: [], count: 0 });
  assert.strictEqual((await json('/api/messages/history?sender=alice')).count, 1);
  assert.strictEqual((await get('/api/messages/search')).status, 422);
  await host.kill();
  host.end = undefined;
  log(message(4001), message(4002));
  fs.renameSync(at('agent_messages.log'), at('agent_messages.log.old'));
  log(message(4003));
  await host.start();
  assert.deepStrictEqual((await json('/api/messages/history?limit=4')).messages.map((one) => one.msg_id), ['m4003', 'm4002', 'm4001', 'm4000']);
});

test('the stream: first the state, then what changes, statistics and a heartbeat each second', async () => {
  const stream = await openEventStream('/api/stream', { port: host.port(PORT) });
  assert.strictEqual(stream.status, 200);
  assert.strictEqual(stream.headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.strictEqual(stream.headers['cache-control'], 'no-cache');
  assert.strictEqual(stream.headers['x-accel-buffering'], 'no');
  assert.strictEqual(stream.headers.connection, 'keep-alive');
  const of = (name) => stream.events.filter((one) => one.event === name).map((one) => JSON.parse(one.data));
  await waitFor('three heartbeats', () => of('heartbeat').length >= 3);
  assert.deepStrictEqual(stream.events.slice(0, 6).map((one) => one.event), ['connected', 'agents', 'locks', 'messages', 'stats', 'heartbeat']);
  assert.deepStrictEqual(stream.events.slice(6, 10).map((one) => one.event), ['stats', 'heartbeat', 'stats', 'heartbeat']);
  assert.strictEqual(of('connected')[0].status, 'connected');
  assert.ok(stream.events.every((one) => one.id === undefined && !/": |, "/.test(one.data)));
  assert.deepStrictEqual(of('agents')[0], await json('/api/agents'));
  assert.deepStrictEqual([of('messages')[0].limit, of('messages')[0].messages.at(-1).msg_id], [10, 'm4003']);
  lock('z', { agent_id: 'agent-2', filepath: 'y', locked_at: 2, reason: '' });
  await waitFor('the new lock', () => of('locks').length === 2);
  fs.rmSync(at('.agent_locks', `${'a'.repeat(64)}.lock`)); // the older one: the newest time stays as it was
  await waitFor('the older lock to be gone', () => of('locks').length === 3 && of('locks')[2].count === 1);
  fs.rmSync(at('.agent_locks'), { recursive: true });
  await waitFor('no locks', () => of('locks').at(-1).count === 0);
  fs.mkdirSync(at('.agent_locks'));
  lock('y', { agent_id: 'agent-3' });
  await waitFor('a lock in a new folder', () => of('locks').at(-1).count === 1);
  writeAgents({ session_name: 'second', updated_at: 'u', agents: [] });
  await waitFor('the new agents', () => of('agents').at(-1).session_name === 'second');
  log(message(5000));
  await waitFor('the message', () => of('messages').at(-1).messages.at(-1).msg_id === 'm5000');
  await waitFor('statistics of all that', () => of('stats').at(-1).session_name === 'second' && of('stats').at(-1).lock_count === 1);
  const late = await openEventStream('/api/v1/stream', { port: host.port(PORT) });
  await waitFor('a second client', () => late.events.length >= 8);
  assert.deepStrictEqual(late.events.slice(0, 8).map((one) => one.event), ['connected', 'agents', 'locks', 'messages', 'stats', 'heartbeat', 'stats', 'heartbeat']);
  assert.strictEqual(of('error').length, 0);
  const unchanged = stream.events.filter((one) => one.event === 'stats' || one.event === 'heartbeat').slice(-2);
  const perSecond = unchanged.reduce((sum, one) => sum + `event: ${one.event}\ndata: ${one.data}\n\n`.length + 8, 0);
  assert.ok(perSecond * 3600 < 2 * 1024 * 1024, `${perSecond} bytes a second`);
  stream.close();
  late.close();
});

test('pages, methods, unknown paths, CORS', async () => {
  const page = await get('/');
  assert.strictEqual(page.headers['content-type'], 'text/html; charset=utf-8');
  assert.ok(page.text.includes('Claude Swarm Dashboard') && page.text.includes('Available Endpoints'));
  assert.deepStrictEqual([page.headers['x-content-type-options'], page.headers['x-frame-options'], page.headers['x-xss-protection']], ['nosniff', 'DENY', '1; mode=block']);
  for (const name of ['/docs', '/redoc']) assert.match((await get(name)).headers['content-type'], /^text\/html/);
  const paths = (await json('/openapi.json')).paths;
  for (const name of ['/', '/api/agents', '/api/locks', '/api/messages', '/api/stats', '/api/stream', '/health']) assert.ok(paths[name], name);
  for (const name of ['/nothing', '/static/x.js', '/api/agents/1']) assert.deepStrictEqual([(await get(name)).status, (await get(name)).json()], [404, { detail: 'Not Found' }]);
  for (const method of ['POST', 'PUT', 'DELETE', 'HEAD']) assert.strictEqual((await host.request(method, '/api/agents', { port: PORT })).status, 405);
  assert.deepStrictEqual((await host.request('POST', '/api/agents', { port: PORT })).json(), { detail: 'Method Not Allowed' });
  const cors = await get('/api/agents', { headers: { origin: 'http://localhost:5173' } });
  assert.deepStrictEqual([cors.headers['access-control-allow-origin'], cors.headers['access-control-allow-credentials']], ['http://localhost:5173', 'true']);
  assert.strictEqual((await get('/api/agents', { headers: { origin: 'http://evil.example' } })).status, 403);
});

test('a dashboard of its own, and a password', async () => {
  const pages = path.join(folder, 'static');
  fs.mkdirSync(path.join(pages, 'css'), { recursive: true });
  fs.writeFileSync(path.join(pages, 'index.html'), '<h1>mine</h1>');
  fs.writeFileSync(path.join(pages, 'css/a.css'), 'b {}');
  host.writeConfig(config(`, static_dir = "${pages}", dashboard_username = "ü:ser", dashboard_password = "pa:ss"`));
  const ended = host.exited;
  host.child.kill('SIGTERM');
  await ended;
  host.end = undefined;
  await host.start();
  const basic = (text) => ({ headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` } });
  const nobody = await get('/api/agents');
  assert.deepStrictEqual([nobody.status, nobody.json(), nobody.headers['www-authenticate']], [401, { detail: 'Authentication required' }, 'Basic']);
  for (const wrong of ['x:y', 'ü:ser:pa:s', 'ü:ser:pa:ss2']) {
    const refused = await get('/api/stream', basic(wrong));
    assert.deepStrictEqual([refused.status, refused.json()], [401, { detail: 'Invalid credentials' }]);
  }
  assert.strictEqual((await get('/api/agents', { headers: { authorization: 'Basic !!!' } })).status, 401);
  assert.strictEqual((await get('/api/v1/stats', basic('ü:ser:pa:ss'))).status, 200);
  assert.strictEqual((await get('/health')).status, 200);
  assert.strictEqual((await get('/', basic('ü:ser:pa:ss'))).text, '<h1>mine</h1>');
  const css = await get('/static/css/a.css', basic('ü:ser:pa:ss'));
  assert.deepStrictEqual([css.status, css.text, css.headers['content-type']], [200, 'b {}', 'text/css; charset=utf-8']);
  for (const name of ['..%2findex.html', 'none', 'css', '%2e%2e/x']) assert.strictEqual((await get(`/static/${name}`, basic('ü:ser:pa:ss'))).status, 404, name);
});
