// The swarm: contract sentences, real workers in Node and Python, workers that die, flood and talk nonsense, the Messages API's
// protocol against a stand-in, abort, and a host that is killed in the middle.
'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { io } = require('socket.io-client');
const { Host } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');

const PORT = 3000;
const PROGRAMS = path.join(__dirname, 'programs');
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const hosts = [];
let folder;
let host;

const config = (options) => `listen "127.0.0.1:${PORT}" { family = "swarm" }
module "swarm" { project_root = "${folder}", ${options} }
`;
const nodeWorker = () => `worker = { "${process.execPath}", "${PROGRAMS}/swarm-worker.js" }, worker_env = { TRACE = "${folder}/trace" }, e2b_api_key = "e2b", socket_url = "http://localhost:" .. real_port(${PORT})`;

async function startHost(options) {
  const made = await new Host({ config: config(options), ports: [PORT], env: { ANTHROPIC_API_KEY: 'not for workers' } }).start();
  hosts.push(made);
  return made;
}

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-swarm-'));
  host = await startHost(nodeWorker());
});
after(async () => {
  await Promise.all(hosts.map((one) => one.stop()));
  fs.rmSync(folder, { recursive: true, force: true });
});

const call = (method, target, body, on = host) => on.request(method, target, { port: PORT, body });
const post = (prompt, agentCount, on) => call('POST', '/api/sessions', { prompt, agentCount }, on);
const session = async (id, on) => (await call('GET', `/api/sessions/${id}`, undefined, on)).json();
const traces = () => (fs.existsSync(`${folder}/trace`) ? fs.readFileSync(`${folder}/trace`, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : []);
const isAlive = (pid) => { try { process.kill(pid, 0); return true; } catch { return false; } };

async function begin(prompt, agentCount, on) {
  const reply = await post(prompt, agentCount, on);
  assert.strictEqual(reply.status, 201, reply.text);
  return reply.json().sessionId;
}

async function events(id, on) {
  const all = [];
  for (let after = 0; ;) {
    const page = (await call('GET', `/api/sessions/${id}/events?limit=1000&after=${after}`, undefined, on)).json();
    all.push(...page.events);
    if (!page.next) return all;
    after = page.next;
  }
}

async function ended(id, on = host) {
  await waitFor(`session ${id} to end`, async () => (await events(id, on)).some((one) => one.event === 'session:complete'), () => on.stderr);
  return { ...(await session(id, on)), events: await events(id, on) };
}
const tree = async (id, on) => (await on.request('GET', `/f/observability/sessions/${id}/tree`)).json();
const below = (node, kind) => node.children.filter((one) => one.kind === kind);
const named = (seen, name) => seen.events.filter((one) => one.event === name);

test('what is wrong is refused with the known sentences, the prompt first', async () => {
  const noPrompt = [400, { error: 'Prompt is required' }];
  const noCount = [400, { error: 'agentCount must be between 1 and 4' }];
  const say = async (body) => { const reply = await call('POST', '/api/sessions', body); return [reply.status, reply.json()]; };
  for (const prompt of [undefined, null, '', '   ', '\n\t\u00a0\u3000\ufeff', 5, true, [], {}]) assert.deepStrictEqual(await say({ prompt, agentCount: 99 }), noPrompt, JSON.stringify(prompt));
  for (const agentCount of [undefined, null, 0, -1, 5, 2.5, 1e300, '2', true, [], {}]) assert.deepStrictEqual(await say({ prompt: 'x', agentCount }), noCount, JSON.stringify(agentCount));
  for (const body of ['[]', '5', 'null', '"x"', '{}']) assert.deepStrictEqual(await say(body), noPrompt, body);
  assert.deepStrictEqual(await say(undefined), noPrompt);
  const broken = await host.request('POST', '/api/sessions', { port: PORT, body: '{"prompt":', headers: { 'content-type': 'application/json' } });
  assert.strictEqual(broken.status, 400);
  assert.strictEqual(typeof broken.json().error, 'string');
  for (const id of ['x', '00000000-0000-4000-8000-000000000000', '%00', 'a%2fb']) {
    const reply = await call('GET', `/api/sessions/${id}`);
    assert.ok(reply.status === 404 || reply.status === 400, reply.text);
    assert.strictEqual(typeof reply.json().error, 'string');
  }
  assert.deepStrictEqual((await call('GET', '/api/sessions/none')).json(), { error: 'Session not found' });
  assert.deepStrictEqual((await call('DELETE', '/api/sessions/none')).json(), { error: 'Session not found' });
  assert.strictEqual((await call('GET', '/api/sessions/none/events')).status, 404);
  assert.deepStrictEqual([(await call('PUT', '/api/sessions')).status, (await call('GET', '/nothing')).status], [405, 404]);
});

test('three agents, three tasks: every event of the contract, in order, terminal ones once', async () => {
  const id = await begin('  1. alpha\n2. beta sandbox\n3. gamma object  ', 3);
  assert.match(id, UUID);
  const seen = await ended(id);
  const { createdAt, todos, agents } = seen;
  assert.deepStrictEqual([seen.id, seen.prompt, seen.agentCount, seen.status], [id, '1. alpha\n2. beta sandbox\n3. gamma object', 3, 'completed']);
  assert.ok(Number.isInteger(createdAt) && Math.abs(createdAt - Date.now()) < 600000);
  assert.deepStrictEqual(todos.map((todo) => [todo.description, todo.status, todo.result]), [['alpha', 'completed', 'did alpha'], ['beta sandbox', 'completed', 'did beta sandbox'], ['gamma object', 'completed', { ok: true, nothing: null }]]);
  assert.strictEqual(agents.length, 3);
  for (const agent of agents) assert.deepStrictEqual([UUID.test(agent.id), agent.sessionId, agent.status, agent.currentTaskId], [true, id, 'terminated', null]);
  assert.deepStrictEqual(todos.map((todo) => todo.assignedTo).sort(), agents.map((agent) => agent.id).sort());
  const sandboxed = agents.filter((agent) => 'sandboxId' in agent);
  assert.deepStrictEqual(sandboxed.map((agent) => [agent.sandboxId, agent.streamUrl]), [['sb-1', 'https://stream.example/1']]);
  assert.deepStrictEqual(named(seen, 'task:created').map((one) => one.data), todos.map((todo) => ({ id: todo.id, description: todo.description, status: 'pending', assignedTo: null })));
  assert.deepStrictEqual(named(seen, 'task:assigned').map((one) => Object.keys(one.data)), Array(3).fill(['todoId', 'agentId']));
  assert.deepStrictEqual(named(seen, 'task:completed').map((one) => one.data.todoId).sort(), todos.map((todo) => todo.id).sort());
  assert.deepStrictEqual(named(seen, 'agent:terminated').map((one) => one.data.agentId).sort(), agents.map((agent) => agent.id).sort());
  assert.deepStrictEqual(named(seen, 'session:complete').map((one) => one.data), [{ sessionId: id }]);
  assert.strictEqual(seen.events.at(-1).event, 'session:complete');
  const first = seen.events.findIndex((one) => one.event === 'agent:thinking' && one.data.action.startsWith('doing'));
  const mine = seen.events.filter((one) => one.data.agentId === seen.events[first].data.agentId).map((one) => one.event);
  assert.deepStrictEqual(mine.filter((name) => name !== 'task:assigned').slice(-4), ['agent:thinking', 'agent:reasoning', 'task:completed', 'agent:terminated']);
  assert.ok(named(seen, 'agent:thinking').some((one) => one.data.action === 'Sandbox ready: sb-1' && Number.isInteger(one.data.timestamp)));
  await waitFor('the workers to end by themselves', () => traces().filter((one) => one.session === id && one.what === 'end of stdin').length === 3);
  const [trace] = traces().filter((one) => one.session === id);
  for (const name of ['SESSION_ID', 'AGENT_ID', 'TASK_ID', 'TASK_DESCRIPTION', 'SOCKET_URL', 'E2B_API_KEY', 'DEDALUS_API_KEY', 'TRACE', 'PATH']) assert.ok(trace.keys.includes(name), name);
  assert.ok(!trace.keys.includes('ANTHROPIC_API_KEY'));
  assert.deepStrictEqual([trace.url, trace.e2b], [`http://localhost:${host.port(PORT)}`, 'e2b']);
});

test('one agent does several tasks over its stdin; more agents than tasks: the others are terminated at once', async () => {
  const one = await ended(await begin('only one thing', 1));
  assert.deepStrictEqual([one.status, one.todos.length, one.agents.length], ['completed', 1, 1]);
  const many = await ended(await begin('alpha and beta and gamma and delta', 4));
  assert.strictEqual(many.status, 'completed');
  assert.strictEqual(named(many, 'agent:terminated').length, 4);
});

test('a worker that floods, talks nonsense, completes twice or leaves: nothing is lost, nothing is told twice', async () => {
  const id = await begin('1. flood\n2. garbage twice\n3. twice leave\n4. half', 4);
  const seen = await ended(id);
  assert.strictEqual(seen.status, 'completed');
  assert.deepStrictEqual(seen.todos.map((todo) => todo.result), ['did flood', 'did garbage twice', 'did twice leave', 'cut \ufffd']);
  for (const name of ['task:completed', 'agent:terminated']) assert.strictEqual(named(seen, name).length, 4, name);
  assert.strictEqual(named(seen, 'session:complete').length, 1);
  const steps = named(seen, 'agent:thinking').map((one) => one.data.action).filter((action) => action.startsWith('step'));
  assert.ok(steps.length >= 4000 && steps.at(-1) === 'step 4999', `${steps.length}`);
  assert.deepStrictEqual(steps, [...steps].sort((a, b) => Number(a.slice(5)) - Number(b.slice(5))));
});

test('a worker killed on the way: its task goes to another one, and the swarm finishes', async () => {
  const id = await begin('1. first wait\n2. second\n3. third', 3);
  const victim = await waitFor('the waiting worker', () => traces().find((one) => one.session === id && one.what === 'start first wait'));
  const before = await session(id);
  const task = before.todos[0];
  assert.deepStrictEqual([task.status, before.agents.find((agent) => agent.id === task.assignedTo).currentTaskId], ['assigned', task.id]);
  process.kill(victim.pid, 'SIGKILL');
  const next = await waitFor('another worker with the task', () => traces().find((one) => one.session === id && one.what === 'start first wait' && one.pid !== victim.pid));
  await waitFor('its end to be told', async () => (await events(id)).some((one) => one.event === 'agent:terminated' && one.data.agentId === victim.agent));
  process.kill(next.pid, 'SIGKILL');
  const last = await waitFor('a third one', () => traces().find((one) => one.session === id && one.what === 'start first wait' && ![victim.pid, next.pid].includes(one.pid)));
  process.kill(last.pid, 'SIGKILL');
  const seen = await ended(id);
  assert.deepStrictEqual([seen.status, seen.todos[0].status, seen.todos[0].assignedTo], ['failed', 'pending', null]);
  assert.deepStrictEqual(seen.todos.slice(1).map((todo) => todo.status), ['completed', 'completed']);
  assert.strictEqual(named(seen, 'session:complete').length, 1);
  assert.strictEqual(named(seen, 'agent:terminated').length, seen.agents.length);
});

test('a worker that always dies: three times, then the session has failed', async () => {
  const seen = await ended(await begin('die', 1));
  assert.strictEqual(seen.status, 'failed');
  assert.strictEqual(named(seen, 'task:assigned').length, 3);
  assert.deepStrictEqual(seen.todos.map((todo) => [todo.status, todo.assignedTo]), [['pending', null]]);
});

test('abort kills the workers; the session has failed and says so once', async () => {
  const id = await begin('1. wait one\n2. wait two', 2);
  const workers = await waitFor('both workers', () => { const found = traces().filter((one) => one.session === id); return found.length === 2 && found; });
  const reply = await call('DELETE', `/api/sessions/${id}`);
  assert.deepStrictEqual([reply.status, reply.json().id, reply.json().status], [200, id, 'failed']);
  await waitFor('the workers to be gone', () => workers.every((one) => !isAlive(one.pid)));
  assert.strictEqual((await call('DELETE', `/api/sessions/${id}`)).status, 200);
  const seen = await ended(id);
  assert.deepStrictEqual(seen.agents.map((agent) => agent.status), ['terminated', 'terminated']);
  assert.deepStrictEqual([named(seen, 'session:complete').length, named(seen, 'agent:terminated').length], [1, 2]);
  const list = (await call('GET', '/api/sessions?status=failed&limit=1')).json();
  assert.deepStrictEqual([list.count, list.sessions[0].id], [1, id]);
});

test('a prompt of any kind and length becomes as many tasks as there are agents', async () => {
  for (const prompt of ['x'.repeat(200000), ' y'.repeat(60000), '. '.repeat(5000), '...', '建立解析器。编写测试。', '- a\n'.repeat(20000), '1. \n2. \n', '"\\\u0001', 'one and two '.repeat(9000), '?!'.repeat(50000), '\n'.repeat(100) + 'z' + '\t'.repeat(50000) + 'z']) {
    const id = await begin(prompt, 4);
    const { todos, prompt: stored } = await session(id);
    assert.deepStrictEqual([todos.length, stored], [4, prompt.trim()], prompt.slice(0, 20));
    assert.ok(todos.every((todo) => todo.description.trim().length > 0));
    await call('DELETE', `/api/sessions/${id}`);
  }
  assert.strictEqual((await post('x'.repeat(300000), 1)).status, 413);
});

test('the live log has every change, after it is stored', async () => {
  const stream = await openEventStream('/api/backplane/live?topics=swarm.*', { port: host.port() });
  const id = await begin('alpha and beta', 2);
  await waitFor('the end', () => stream.events.some((one) => one.data.includes('session:complete') && one.data.includes(id)));
  const names = stream.events.filter((one) => one.event === 'swarm.event' || one.data.includes('"swarm.event"')).map((one) => JSON.parse(one.data)).map((one) => (one.data || one).event);
  assert.deepStrictEqual([...new Set(names)].sort(), ['agent:terminated', 'session:complete', 'task:assigned', 'task:completed', 'task:created']);
  stream.close();
});

test('the host is killed in the middle: it goes on where it was', async () => {
  const id = await begin('1. quick\n2. wait here', 2);
  await waitFor('one to be done and one to wait', async () => (await session(id)).todos.map((todo) => todo.status).join() === 'completed,assigned');
  const worker = await waitFor('its worker to start', () => traces().find((one) => one.session === id && one.what === 'start wait here'));
  const before = await session(id);
  await host.kill();
  host.end = undefined;
  await waitFor('the worker to end with its host', () => !isAlive(worker.pid));
  await host.start();
  const again = await waitFor('a new worker with the task', () => traces().find((one) => one.session === id && one.what === 'start wait here' && one.pid !== worker.pid));
  const after = await session(id);
  assert.deepStrictEqual(after.todos[0], before.todos[0]);
  assert.deepStrictEqual([after.status, after.todos[1].status, after.todos[1].assignedTo], ['running', 'assigned', again.agent]);
  await call('DELETE', `/api/sessions/${id}`);
  assert.strictEqual(named(await ended(id), 'session:complete').length, 1);
});

test('more sessions than have workers at a time: the others wait their turn; aborted and killed hosts included', async () => {
  const stuck = await Promise.all(Array.from({ length: 33 }, () => begin('wait', 1)));
  await waitFor('32 workers', () => traces().filter((one) => stuck.includes(one.session)).length === 32);
  const waiting = stuck.find((id) => !traces().some((one) => one.session === id));
  assert.deepStrictEqual((await session(waiting)).agents.map((agent) => agent.status), ['booting']);
  const late = await begin('plain', 1);
  await host.kill();
  host.end = undefined;
  await host.start();
  await waitFor('32 workers again', () => traces().filter((one) => stuck.includes(one.session)).length === 64);
  for (const id of stuck) assert.strictEqual((await call('DELETE', `/api/sessions/${id}`)).status, 200);
  assert.strictEqual((await ended(late)).status, 'completed');
});

test('the module is taken out and put back, and the host stopped, while workers work', async () => {
  const other = await startHost(nodeWorker());
  const id = await begin('1. wait\n2. plain', 2, other);
  const work = (n) => waitFor(`worker ${n} of the task`, () => traces().filter((one) => one.session === id && one.what === 'start wait')[n - 1]);
  const first = await work(1);
  other.writeConfig(`listen "127.0.0.1:${PORT}" { family = "swarm" }`);
  const reload = async () => { const reply = await other.request('POST', '/api/backplane/reload', { headers: other.adminHeaders() }); assert.strictEqual(reply.status, 200, reply.text); };
  await reload();
  await waitFor('its worker to end with it', () => !isAlive(first.pid));
  other.writeConfig(config(nodeWorker()));
  await reload();
  const second = await work(2);
  other.child.kill('SIGTERM');
  assert.deepStrictEqual(await other.exited, { code: 0, signal: null });
  await waitFor('its worker to end with the host', () => !isAlive(second.pid));
  other.end = undefined;
  await other.start();
  await work(3);
  await waitFor('the other task to be done', async () => (await session(id, other)).todos.map((todo) => todo.status).join() === 'assigned,completed');
  assert.strictEqual((await session(id, other)).status, 'running');
});

test('python workers, by default workers/worker.py of the project', async (t) => {
  if (spawnSync('python3', ['--version']).error) return t.skip('there is no python3');
  fs.mkdirSync(path.join(folder, 'workers'), { recursive: true });
  fs.copyFileSync(path.join(PROGRAMS, 'swarm-worker.py'), path.join(folder, 'workers/worker.py'));
  const other = await startHost('');
  const seen = await ended(await begin('1. one\n2. two\n3. three', 3, other), other);
  assert.deepStrictEqual(seen.todos.map((todo) => todo.result), ['ONE', 'TWO', 'THREE']);
  fs.rmSync(path.join(folder, 'workers'), { recursive: true });
  return undefined;
});

test('without a worker the tasks stay pending, and the log says why', async () => {
  const other = await startHost('} module "observability" {');
  const id = await begin('alpha and beta', 2, other);
  const seen = await session(id, other);
  assert.deepStrictEqual([seen.status, seen.todos.map((todo) => todo.status), seen.agents.map((agent) => agent.status)], ['running', ['pending', 'pending'], ['booting', 'booting']]);
  await other.logged(/no worker is configured/);
  await waitFor('pending tasks on the timeline', async () => below(await tree(id, other), 'task').map((one) => one.status).join() === 'pending,pending');
});

test('Socket.IO clients of a session get its events, and only theirs, once each', async () => {
  const other = await startHost(`${nodeWorker()} }
module "socketio" {`);
  const id = await begin('1. wait\n2. wait too', 2, other);
  const got = [];
  const strange = [];
  const socket = io(`http://127.0.0.1:${other.port(PORT)}`, { forceNew: true, transports: ['websocket'] });
  const stranger = io(`http://127.0.0.1:${other.port(PORT)}`, { forceNew: true });
  socket.onAny((name, data) => got.push([name, data]));
  stranger.onAny((name) => strange.push(name));
  await waitFor('two connections', () => socket.connected && stranger.connected);
  socket.emit('session:join', id);
  stranger.emit('session:join', 'another');
  const workers = await waitFor('both workers', () => { const found = traces().filter((one) => one.session === id); return found.length === 2 && found; });
  process.kill(workers[0].pid, 'SIGKILL');
  await waitFor('the room to be joined and the death to be told', () => got.some(([name]) => name === 'agent:terminated'));
  await call('DELETE', `/api/sessions/${id}`, undefined, other);
  await waitFor('the end', () => got.some(([name]) => name === 'session:complete'));
  const { agents } = await session(id, other);
  assert.deepStrictEqual(got.filter(([name]) => name === 'agent:terminated').map(([, data]) => data.agentId).sort(), agents.map((agent) => agent.id).sort());
  assert.deepStrictEqual(got.filter(([name]) => name === 'session:complete'), [['session:complete', { sessionId: id }]]);
  socket.emit('session:leave', id);
  const next = await begin('plain', 1, other);
  socket.emit('session:join', next);
  await ended(next, other);
  assert.ok(got.every(([, data]) => Object.keys(data).every((key) => ['todoId', 'agentId', 'result', 'action', 'reasoning', 'timestamp', 'sessionId'].includes(key))));
  assert.deepStrictEqual(strange, []);
  socket.close();
  stranger.close();
});

let acp; // one host for the tests that need an ACP agent
function acpHost() {
  const agent = [process.execPath, path.join(__dirname, 'lib', 'acp-agent.js'), require.resolve('@agentclientprotocol/sdk')];
  acp ??= startHost(`acp_agent = "test" } module "observability" {}
module "acp-gateway" { agents = { { id = "test", command = { ${agent.map((word) => JSON.stringify(word)).join(', ')} }, requiresAuth = false } }`);
  return acp;
}

test('tasks done by an ACP agent: its answers are the results, its thoughts are told', async () => {
  const other = await acpHost();
  const seen = await ended(await begin('1. say one\n2. think hard\n3. say three', 3, other), other);
  assert.deepStrictEqual([seen.status, seen.todos.map((todo) => todo.result)], ['completed', ['one', 'thought', 'three']]);
  assert.deepStrictEqual(named(seen, 'agent:reasoning').map((one) => one.data.reasoning), ['hard']);
  assert.deepStrictEqual(named(seen, 'agent:thinking').map((one) => one.data.action).sort(), ['one', 'thought', 'three']);
  assert.deepStrictEqual([named(seen, 'agent:terminated').length, named(seen, 'session:complete').length], [3, 1]);
  const joined = await ended(await begin('say one and say two', 1, other), other);
  assert.deepStrictEqual([joined.status, joined.todos.length], ['completed', 1]);
  const stuck = await begin('wait', 1, other);
  await waitFor('the agent to work', async () => (await events(stuck, other)).some((one) => one.event === 'agent:thinking'));
  await call('DELETE', `/api/sessions/${stuck}`, undefined, other);
  assert.strictEqual((await ended(stuck, other)).status, 'failed');
});

test('the timeline shows a session, its tasks, their ACP turns, tool calls and children as one tree', async () => {
  const other = await acpHost();
  const id = await begin('1. tool Inspect\n2. run sleep 0', 2, other);
  const seen = await ended(id, other);
  assert.strictEqual(seen.status, 'completed');
  const root = await waitFor('the whole tree', async () => {
    const now = await tree(id, other);
    return now.status === 'done' && now.node_count >= 9 && now;
  }, async () => JSON.stringify(await tree(id, other), null, 1));
  assert.deepStrictEqual([root.id, root.kind, root.module, root.title], [`swarm.session:${id}`, 'session', 'swarm', '1. tool Inspect\n2. run sleep 0']);
  const tasks = below(root, 'task');
  assert.deepStrictEqual(tasks.map((task) => [task.task_id, task.agent_id, task.title, task.status]), seen.todos.map((todo) => [todo.id, todo.assignedTo, todo.description, 'done']));
  for (const task of tasks) {
    const [session] = below(task, 'session');
    assert.deepStrictEqual([session.module, session.status, Number.isInteger(session.pid)], ['acp-gateway', 'done', true]);
    assert.deepStrictEqual(below(session, 'turn').map((turn) => [turn.status, turn.usage.input_tokens]), [['done', 12]]);
  }
  const turns = tasks.map((task) => below(below(task, 'session')[0], 'turn')[0]);
  assert.deepStrictEqual(below(turns[0], 'tool').map((tool) => [tool.title, tool.status]), [['Inspect', 'done']]);
  assert.deepStrictEqual(below(turns[1], 'process').map((child) => [child.title, child.status, Number.isInteger(child.pid)]), [['sleep', 'done', true]]);
  assert.strictEqual(root.usage.input_tokens, 24);
});

test('the timeline shows workers as children of the tasks they began with, and tasks nobody has yet', async () => {
  const other = await startHost(`${nodeWorker()} } module "observability" {} module "acp-gateway" {`);
  const id = await begin('1. wait\n2. plain', 2, other);
  const work = () => traces().find((one) => one.session === id && one.what === 'start wait');
  const { pid } = await waitFor('the worker', work);
  await waitFor('the other task to be done, and its worker to have left', async () => {
    const tasks = below(await tree(id, other), 'task');
    return tasks.map((one) => one.status).join() === 'running,done' && below(tasks[1], 'process').every((child) => child.status === 'done');
  });
  const [task] = below(await tree(id, other), 'task');
  assert.deepStrictEqual(below(task, 'process').map((child) => [child.pid, child.status, child.agent_id]), [[pid, 'running', task.agent_id]]);
  await call('DELETE', `/api/sessions/${id}`, undefined, other);
  const root = await waitFor('the end of both workers', async () => {
    const now = await tree(id, other);
    return now.status === 'failed' && below(now, 'task').every((one) => below(one, 'process').every((child) => child.ended_at)) && now;
  });
  assert.deepStrictEqual(below(root, 'task').map((one) => [one.status, below(one, 'process').map((child) => child.status)]), [['cancelled', ['cancelled']], ['done', ['done']]]);
});

test('a worker that says nothing for too long is stopped; what is no message, and its stderr, is in the log, without keys', async () => {
  const other = await startHost(nodeWorker().replace('"e2b"', '"a-secret-key"') + ', worker_idle_timeout_s = 1');
  const seen = await ended(await begin('1. garbage key\n2. hang at first', 2, other), other);
  assert.deepStrictEqual([seen.status, named(seen, 'task:assigned').length], ['completed', 3]);
  await other.logged(/a worker says.*not json/);
  await other.logged(/a worker says.*something on stderr/);
  await other.logged(/a worker said nothing for worker_idle_timeout_s/);
  await other.logged(/what else this worker says is not logged/);
  assert.doesNotMatch(other.stderr, /a-secret-key/);
});

test('without the ACP agent that is configured, tasks fail after three attempts', async () => {
  const other = await startHost('acp_agent = "nobody"');
  const seen = await ended(await begin('alpha', 1, other), other);
  assert.deepStrictEqual([seen.status, named(seen, 'task:assigned').length], ['failed', 3]);
});

// Speaks the Messages API: `answers` are taken one after the other.
async function messagesApi(answers) {
  const asked = [];
  const server = http.createServer((request, reply) => {
    let body = '';
    request.on('data', (piece) => { body += piece; });
    request.on('end', () => {
      asked.push({ method: request.method, url: request.url, headers: request.headers, body: JSON.parse(body) });
      const { status = 200, headers = {}, text, raw, content, stop = 'end_turn', hangs } = answers.shift();
      if (hangs) return;
      reply.writeHead(status, { 'content-type': 'application/json', ...headers });
      reply.end(raw ?? JSON.stringify(status === 200
        ? { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', stop_reason: stop, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 }, content: content ?? [{ type: 'text', text }] }
        : { type: 'error', error: { type: 'api_error', message: 'no' } }));
    });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { asked, answers, url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

test('the Messages API: the request, fences, tool calls, retries, cut off and useless answers', async () => {
  const api = await messagesApi([]);
  const other = await startHost(`${nodeWorker()}, anthropic_api_key = "sk-secret", anthropic_base_url = "${api.url}/"`);
  const todos = (...names) => JSON.stringify({ todos: names.map((description) => ({ description })) });
  const ask = async (...answers) => {
    api.asked.length = 0;
    api.answers.splice(0, Infinity, ...answers);
    const reply = await post('build it', 2, other);
    assert.strictEqual(api.answers.length, 0, 'every answer was asked for');
    return reply.status === 201 ? (await ended(reply.json().sessionId, other)).todos.map((todo) => todo.description) : [reply.status, reply.json()];
  };
  assert.deepStrictEqual(await ask({ text: todos('a', 'b') }), ['a', 'b']);
  const [{ method, url, headers, body }] = api.asked;
  assert.deepStrictEqual([method, url, headers['x-api-key'], typeof headers['anthropic-version'], headers['content-type']], ['POST', '/v1/messages', 'sk-secret', 'string', 'application/json']);
  assert.deepStrictEqual([body.model, body.max_tokens, body.messages], ['claude-sonnet-4-5-20250929', 1024, [{ role: 'user', content: 'build it' }]]);
  assert.match(body.system, /exactly 2 independent tasks/);
  assert.deepStrictEqual(await ask({ text: '```json\n' + todos('f') + '\n```' }), ['f']);
  assert.deepStrictEqual(await ask({ text: 'Here you are:\n```\n' + todos('g', 'h', 'i') + '\n```\nDone.' }), ['g', 'h', 'i']);
  assert.deepStrictEqual(await ask({ content: [{ type: 'text', text: 'I call it.' }, { type: 'tool_use', id: 't', name: 'x', input: { todos: [{ description: 't1' }, { description: 't2' }] } }] }), ['t1', 't2']);
  assert.deepStrictEqual(await ask({ text: todos(...Array.from({ length: 70 }, (_, n) => `n${n}`)) }), Array.from({ length: 64 }, (_, n) => `n${n}`));
  assert.deepStrictEqual(await ask({ status: 529 }, { status: 429, headers: { 'retry-after': '0' } }, { status: 500, raw: '<html>', headers: { 'retry-after': '0' } }, { text: todos('late') }), ['late']);
  assert.deepStrictEqual(await ask({ text: todos('cut', 'off').slice(0, 30), stop: 'max_tokens' }, { text: todos('whole') }), ['whole']);
  assert.ok(api.asked[1].body.max_tokens > 1024);
  assert.deepStrictEqual(await ask({ text: 'no' }, { raw: '{' }, { raw: '5' }, { content: [] }), [500, { error: 'Failed to decompose prompt' }]);
  assert.deepStrictEqual(await ask({ status: 401 }), [500, { error: 'Failed to decompose prompt' }]);
  const failed = (await call('GET', '/api/sessions?status=failed', undefined, other)).json();
  assert.deepStrictEqual([failed.count, failed.sessions[0].todos, failed.sessions[0].agents], [2, [], []]);
  api.close();
  assert.doesNotMatch(other.stderr, /sk-secret/);
});

test('a host that stops while a prompt is being decomposed says so; the session goes on later', async () => {
  const api = await messagesApi([{ hangs: true }]);
  const options = `${nodeWorker()}, anthropic_api_key = "k", anthropic_base_url = "${api.url}"`;
  const other = await startHost(options);
  const waiting = post('build it', 1, other);
  await waitFor('the model to be asked', () => api.asked.length === 1);
  const reload = async (text) => { other.writeConfig(text); assert.strictEqual((await other.request('POST', '/api/backplane/reload', { headers: other.adminHeaders() })).status, 200); };
  await reload(`listen "127.0.0.1:${PORT}" { family = "swarm" }`);
  const reply = await waiting;
  assert.strictEqual(reply.status, 503);
  const [, id] = /session (\S+) goes on/.exec(reply.json().error);
  api.answers.push({ text: '{"todos":[{"description":"late"}]}' });
  await reload(config(options));
  const seen = await ended(id, other);
  assert.deepStrictEqual([seen.status, seen.todos.map((todo) => todo.result)], ['completed', ['did late']]);
  api.close();
});
