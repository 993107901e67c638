// The timeline: nodes put by other modules, the tree made of them, and budgets decided by rules.
'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { startHost } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');

const PORT = 8765;
const EXAMPLES = path.join(path.dirname(process.env.BACKPLANE_MODULES), 'examples');
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "observability" }
module "observability" { stop_grace_ms = 700 }
module "org.example.service-caller" { path = "${EXAMPLES}/org.example.service-caller.so" }
`;
// Cheap sessions may do anything; what costs more is warned of, asked for, and stopped.
const RULE = `if request.warning then return true end
if request.cost_usd > 100 then return deny("too dear") end
if request.cost_usd - request.approved_cost_usd > 50 then return ask("go on?") end
if request.cost_usd > 10 and request.warned ~= "dear" then
  local facts = {}
  for name, value in pairs(request) do facts[name] = value end
  facts.warning = "dear"
  return rewrite(facts)
end
return true
`;

let host, scripts, live;
before(async () => {
  scripts = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-rules-'));
  fs.mkdirSync(path.join(scripts, 'budget'));
  fs.writeFileSync(path.join(scripts, 'budget', 'test.lua'), RULE);
  host = await startHost({ config: CONFIG, ports: [PORT], scripts });
  live = await openEventStream('/api/backplane/live?topics=observability.timeline,observability.budget,observability.session_updated', { port: host.port() });
});
after(async () => {
  live.close();
  await host.stop();
  fs.rmSync(scripts, { recursive: true, force: true });
});

const call = async (payload, method = 'put') =>
  (await host.request('POST', '/f/service-caller/call', { body: { service: 'timeline/1', method, payload } })).json();
async function put(node) {
  assert.deepStrictEqual(await call(node), { status: 0, answer: { ok: true } });
}
const tree = (id, query = '') => host.request('GET', `/sessions/${encodeURIComponent(id)}/tree${query}`, { port: PORT });
const treeOf = async (id, query) => (await tree(id, query)).json();
const start = (id) => host.request('POST', '/events', { port: PORT, body: { event_type: 'session_start', session_id: id, session_name: `name of ${id}`, timestamp: '2026-01-01T00:00:00Z' } });
const statusOf = async (id) => (await host.request('GET', `/sessions/${id}`, { port: PORT })).json().session.status;
const told = () => live.events.map((event) => JSON.parse(event.data));
const notices = (id) => told().filter((event) => event.topic === 'observability.budget' && event.key === id).map((event) => event.data);

test('nothing known is 404 in the shape of the family', async () => {
  const reply = await tree('nobody');
  assert.deepStrictEqual([reply.status, reply.json()], [404, { detail: 'Session not found' }]);
});

test('nodes become one tree under the session, with usage summed upward', async () => {
  await start('t1');
  await put({ id: 'n:1', parent: null, session_id: 't1', kind: 'task', title: 'build', module: 'swarm', task_id: 'T', agent_id: 'A', project_id: 'P', input_tokens: 1, cost_usd: 0.25 });
  await put({ id: 'n:2', parent: 'n:1', kind: 'turn', status: 'running', pid: 77, started_ms: 1700000000000, input_tokens: 10, output_tokens: 4, cost_usd: 0.5 });
  await put({ id: 'n:3', parent: 'n:2', session_id: 'elsewhere', kind: 'tool', title: 'Bash', output_tokens: 100 });
  await put({ id: 'n:2', status: 'done', ended_ms: 1700000001500 });
  const root = await treeOf('t1');
  assert.deepStrictEqual(Object.keys(root), ['id', 'kind', 'title', 'status', 'module', 'agent_id', 'task_id', 'project_id', 'pid', 'started_at', 'ended_at', 'usage', 'children', 'node_count', 'truncated']);
  assert.deepStrictEqual([root.id, root.kind, root.title, root.status, root.node_count, root.truncated], ['t1', 'session', 'name of t1', 'running', 3, false]);
  assert.deepStrictEqual(root.usage, { input_tokens: 11, output_tokens: 104, cost_usd: 0.75 });
  const [task] = root.children;
  assert.deepStrictEqual([task.id, task.title, task.status, task.module, task.agent_id, task.task_id, task.project_id, task.started_at], ['n:1', 'build', 'pending', 'swarm', 'A', 'T', 'P', null]);
  assert.deepStrictEqual(task.usage, { input_tokens: 11, output_tokens: 104, cost_usd: 0.75 });
  const [turn] = task.children;
  assert.deepStrictEqual([turn.id, turn.title, turn.status, turn.pid, turn.started_at, turn.ended_at], ['n:2', 'n:2', 'done', 77, '2023-11-14T22:13:20.000Z', '2023-11-14T22:13:21.500Z']);
  assert.deepStrictEqual(turn.usage, { input_tokens: 10, output_tokens: 104, cost_usd: 0.5 });
  assert.deepStrictEqual(turn.children.map((node) => [node.id, node.children]), [['n:3', []]]);
  await waitFor('the change of n:2', () => told().some((event) => event.topic === 'observability.timeline' && event.data.id === 'n:2' && event.data.status === 'done' && event.data.session_id === 't1'));
});

test('without a session of the contract the one node without a parent is the root, and several get one', async () => {
  await put({ id: 'swarm.session:u', session_id: 'u', kind: 'session', title: 'swarm', status: 'running' });
  await put({ id: 'swarm.task:u1', parent: 'swarm.session:u', session_id: 'u', kind: 'task', cost_usd: 1 });
  const one = await treeOf('u');
  assert.deepStrictEqual([one.id, one.title, one.usage.cost_usd, one.children.map((node) => node.id)], ['swarm.session:u', 'swarm', 1, ['swarm.task:u1']]);
  await put({ id: 'other:u', session_id: 'u', kind: 'process', parent: 'never seen' });
  const two = await treeOf('u');
  assert.deepStrictEqual([two.id, two.children.map((node) => node.id)], ['u', ['swarm.session:u', 'other:u']]);
});

test('rings and chains deeper than a parser takes are still one tree of every node', async () => {
  await put({ id: 'ring:a', parent: 'ring:b', session_id: 'ring', kind: 'task', input_tokens: 1 });
  await put({ id: 'ring:b', parent: 'ring:a', session_id: 'ring', kind: 'task', input_tokens: 2 });
  for (let i = 0; i < 80; i++) await put({ id: `deep:${i}`, parent: i ? `deep:${i - 1}` : null, session_id: 'ring', kind: 'task', input_tokens: 1 });
  const root = await treeOf('ring');
  let count = 0, deepest = 0;
  const walk = (node, level) => { count++; deepest = Math.max(deepest, level); node.children.forEach((child) => walk(child, level + 1)); };
  walk(root, 0);
  assert.deepStrictEqual([count, root.node_count, root.usage.input_tokens], [83, 82, 83]);
  assert.ok(deepest <= 31, `nested ${deepest} deep`);
});

test('a limit cuts the tree visibly, not what was used', async () => {
  const cut = await treeOf('ring', '?limit=5');
  assert.deepStrictEqual([cut.truncated, cut.node_count, cut.usage.input_tokens], [true, 82, 83]);
  assert.strictEqual((await tree('ring', '?limit=0')).status, 422);
});

test('what is wrong with a node is said by its name', async () => {
  const wrong = async (node, pattern) => {
    const reply = await call(node);
    assert.strictEqual(reply.status, -1);
    assert.match(reply.error, pattern);
  };
  await wrong({ kind: 'task' }, /"id" is missing/);
  await wrong({ id: 'x', session_id: 's', kind: 'dance' }, /"kind" must be one of session task turn/);
  await wrong({ id: 'x', session_id: 's', kind: 'task', status: 'odd' }, /"status" must be one of pending/);
  await wrong({ id: 'x', session_id: 's', kind: 'task', input_tokens: -1 }, /"input_tokens"/);
  await wrong({ id: 'x', session_id: 's', kind: 'task', cost_usd: '1' }, /"cost_usd"/);
  await wrong({ id: 'x', session_id: 's' }, /needs "kind"/);
  await wrong({ id: 'x', kind: 'task' }, /"session_id" or a known "parent"/);
  await wrong({ id: 'x', parent: 'x', session_id: 's', kind: 'task' }, /not its own "parent"/);
  assert.strictEqual((await call({}, 'take')).status, -12);
});

test('a warning is told once', async () => {
  await start('w');
  await put({ id: 'w:1', session_id: 'w', kind: 'turn', agent_id: 'A', cost_usd: 11 });
  await waitFor('the warning', () => notices('w').length > 0);
  await put({ id: 'w:1', cost_usd: 12 });
  await put({ id: 'w:1', cost_usd: 60 });
  await waitFor('the question', () => notices('w').some((notice) => notice.verdict === 'ask'));
  assert.deepStrictEqual(notices('w').map((notice) => notice.verdict), ['warn', 'ask']);
  const [warning] = notices('w');
  assert.deepStrictEqual([warning.reason, warning.rule, warning.session_id, warning.agent_id, warning.cost_usd], ['dear', 'budget/test.lua', 'w', 'A', 11]);
  assert.strictEqual(await statusOf('w'), 'running');
});

test('what a rule denies is stopped, and told', async () => {
  await start('d');
  await put({ id: 'd:1', session_id: 'd', kind: 'turn', cost_usd: 60 - 15 });
  await put({ id: 'd:2', parent: 'd:1', session_id: 'nested', kind: 'turn', cost_usd: 60 });
  await waitFor('the stop', async () => (await statusOf('d')) === 'stopped');
  await waitFor('the notice', () => notices('d').some((notice) => notice.verdict === 'deny' && notice.reason === 'too dear' && notice.cost_usd === 105));
  await waitFor('the broadcast', () => told().some((event) => event.topic === 'observability.session_updated' && event.data.session_id === 'd' && event.data.status === 'stopped'));
});

async function askedFor(id) {
  await start(id);
  await put({ id: `${id}:1`, session_id: id, kind: 'turn', cost_usd: 60 });
  await waitFor('the question', () => notices(id).some((notice) => notice.verdict === 'ask'));
  return notices(id).find((notice) => notice.verdict === 'ask').approval_id;
}

test('what a person denies is stopped', async () => {
  const approval = await askedFor('a1');
  assert.strictEqual(await statusOf('a1'), 'running');
  assert.strictEqual((await host.command('approvals', 'deny', approval)).code, 0);
  await waitFor('the stop', async () => (await statusOf('a1')) === 'stopped');
  assert.deepStrictEqual(notices('a1').map((notice) => notice.verdict), ['ask', 'deny']);
});

test('what a person approves goes on, and is not asked for again at once', async () => {
  const approval = await askedFor('a2');
  assert.strictEqual((await host.command('approvals', 'approve', approval)).code, 0);
  await waitFor('the approval to be used', async () => /"used"/.test((await host.command('approvals', 'show', approval, '--json')).stdout));
  await put({ id: 'a2:1', cost_usd: 70 });
  await waitFor('the warning after it', () => notices('a2').some((notice) => notice.verdict === 'warn'));
  assert.deepStrictEqual(notices('a2').map((notice) => notice.verdict), ['ask', 'warn']);
  assert.strictEqual(await statusOf('a2'), 'running');
  await put({ id: 'a2:1', cost_usd: 101 });
  await waitFor('the stop', async () => (await statusOf('a2')) === 'stopped');
});

test('a deleted session takes its nodes along', async () => {
  await host.request('DELETE', '/sessions/t1', { port: PORT });
  assert.strictEqual((await tree('t1')).status, 404);
});

test('what was under way when the host was killed has failed after its start; what still runs does not', async () => {
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  await put({ id: 'i:root', session_id: 'interrupted', kind: 'session', title: 'root', status: 'running' });
  const nodes = [['turn', 'turn', 'running'], ['tool', 'tool', 'pending'], ['ended', 'tool', 'done'], ['task', 'task', 'running'], ['dead', 'process', 'running', gone], ['alive', 'process', 'running', process.pid]];
  for (const [id, kind, status, pid] of nodes) await put({ id: `i:${id}`, parent: 'i:root', kind, title: id, status, pid });
  live.close();
  await host.kill();
  host.end = undefined;
  await host.start();
  live = await openEventStream('/api/backplane/live?topics=observability.timeline,observability.budget,observability.session_updated', { port: host.port() });
  const found = () => treeOf('interrupted').then(({ children }) => Object.fromEntries(children.map(({ title, status, ended_at: end }) => [title, [status, Boolean(end)]])));
  await waitFor('the dead process', async () => (await found()).dead[0] === 'failed');
  assert.deepStrictEqual(await found(), { turn: ['failed', true], tool: ['failed', true], ended: ['done', true], task: ['running', false], dead: ['failed', true], alive: ['running', false] });
  await put({ id: 'i:new', parent: 'i:root', kind: 'turn', title: 'new', status: 'running' });
  assert.deepStrictEqual((await found()).new, ['running', false]);
});
