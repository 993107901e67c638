// The agent manager over HTTP and on disk: the contract's rows, files shared with the command-line tools, two corpora, running.
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Host } = require('./lib/host.js');
const { openEventStream, waitFor, pause } = require('./lib/client.js');
const { eachRow, exchange, rows, statuses } = require('./lib/corpus.js');

const PORT = 8767;
const OBSERVABILITY = 8765;
const DESKTOP = 3006;

// What runs as an agent: waits with a child of its own, fails, or says what it was given and what its token opens.
const RUNNER = `
const [, , word, ...rest] = process.argv;
const http = require('node:http');
const ask = (method, path) => new Promise((resolve) => {
  const headers = { authorization: 'Bearer ' + process.env.BACKPLANE_TOKEN, 'x-forwarded-for': '1.2.3.4' };
  http.request({ host: '127.0.0.1', port: Number(require('fs').readFileSync('port', 'utf8')), method, path, headers, agent: false }, (reply) => {
    reply.resume();
    resolve(reply.statusCode);
  }).end();
});
async function main() {
  if (word === 'fail') process.exit(3);
  if (word === 'wait') {
    require('child_process').spawn('sleep', ['300']);
    setInterval(() => {}, 1000);
    return;
  }
  const answers = [await ask('GET', '/agents'), await ask('DELETE', '/agents/nobody')];
  console.log(JSON.stringify({ argv: [word, ...rest], env: process.env, cwd: process.cwd(), answers }));
}
main();
`;

let host;
let project;
before(async () => {
  project = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-agents-'));
  host = new Host({ config: config(), ports: [PORT, OBSERVABILITY, DESKTOP] });
  fs.writeFileSync(path.join(project, 'runner.js'), RUNNER);
  await host.start();
  fs.writeFileSync(path.join(project, 'port'), String(host.port(PORT)));
});
after(async () => {
  await host.stop();
  fs.rmSync(project, { recursive: true, force: true });
});

function config() {
  return `listen "127.0.0.1:${PORT}" { family = "agents" }
listen "127.0.0.1:${DESKTOP}" { family = "desktop" }
module "desktop" {}
module "system" {}
listen "127.0.0.1:${OBSERVABILITY}" { family = "observability" }
module "observability" {}
module "agents" { project_dir = ${JSON.stringify(project)}, known_mcp_servers = { known = { command = "known-server", args = { "-x" } } },
  run_command = { ${JSON.stringify(process.execPath)}, ${JSON.stringify(path.join(project, 'runner.js'))}, "{prompt}", "{system_prompt}", "{mcp_config}", "x-{name}-x" }, run_env = { EXTRA = "yes" } }
`;
}

const folder = (...parts) => path.join(project, '.agent-orchestrator/agents', ...parts);
const readJson = (...parts) => JSON.parse(fs.readFileSync(folder(...parts), 'utf8'));
async function call(method, target, body, headers) {
  const reply = await host.request(method, target, { port: PORT, body, headers });
  return { status: reply.status, body: reply.text ? reply.json() : null, headers: reply.headers };
}
const create = (fields) => call('POST', '/agents', { name: 'one', description: 'd', system_prompt: 'p', ...fields });
const missing = (reply) => reply.body.detail.map((item) => item.loc.join('.')).sort();

function writeAgent(name, { agent, prompt, mcp, ...files } = {}) {
  fs.mkdirSync(folder(name), { recursive: true });
  fs.writeFileSync(folder(name, 'agent.json'), JSON.stringify(agent ?? { name, description: `by hand ${name}` }, null, 2));
  if (prompt !== undefined) fs.writeFileSync(folder(name, 'agent.system-prompt.md'), prompt);
  if (mcp) fs.writeFileSync(folder(name, 'agent.mcp.json'), JSON.stringify(mcp, null, 2));
  for (const [file, text] of Object.entries(files)) fs.writeFileSync(folder(name, file), text);
}

test('nothing is there at first, and nothing is made by looking', async () => {
  assert.deepEqual((await call('GET', '/health')).body, { status: 'healthy' });
  assert.deepEqual((await call('GET', '/agents')).body, []);
  assert.ok(!fs.existsSync(path.join(project, '.agent-orchestrator')));
  assert.deepEqual((await call('GET', '/agents/none')).body, { detail: 'Agent not found: none' });
  assert.equal((await call('GET', '/agents/none')).status, 404);
  assert.equal((await call('PATCH', '/agents/none', {})).status, 404);
  assert.equal((await call('DELETE', '/agents/none')).status, 404);
  assert.equal((await call('PATCH', '/agents/none/status', { status: 'active' })).status, 404);
  assert.equal((await call('PUT', '/agents/none', {})).status, 405);
  assert.deepEqual((await call('GET', '/nothing')).body, { detail: 'Not Found' });
  assert.equal((await host.request('HEAD', '/agents', { port: PORT })).status, 405);
});

test('a new agent, and its files as the tools read them', async () => {
  const made = await create({ name: 'first-1', description: 'Déjà vu', system_prompt: '# Prompt\n"quoted" ü\n', skills: ['pdf', 'xlsx'], mcp_servers: ['known', 'unknown'] });
  assert.equal(made.status, 201);
  const { created_at: createdAt, updated_at: updatedAt, modified_at: modifiedAt, ...rest } = made.body;
  assert.equal(new Date(createdAt).toISOString(), createdAt);
  assert.equal(new Date(updatedAt).toISOString(), updatedAt);
  assert.deepEqual([modifiedAt, createdAt], [updatedAt, updatedAt]);
  assert.deepEqual(rest, { name: 'first-1', description: 'Déjà vu', system_prompt: '# Prompt\n"quoted" ü\n', mcp_servers: ['known', 'unknown'], skills: ['pdf', 'xlsx'], status: 'active' });
  assert.equal(fs.readFileSync(folder('first-1/agent.json'), 'utf8'),
    '{\n  "name": "first-1",\n  "description": "Déjà vu",\n  "skills": [\n    "pdf",\n    "xlsx"\n  ],\n  "mcp_servers": [\n    "unknown"\n  ]\n}\n');
  assert.equal(fs.readFileSync(folder('first-1/agent.system-prompt.md'), 'utf8'), '# Prompt\n"quoted" ü\n');
  assert.deepEqual(readJson('first-1/agent.mcp.json'), { mcpServers: { known: { command: 'known-server', args: ['-x'] } } });
  const status = readJson('first-1/agent.status.json');
  assert.deepEqual([status.status, status.created_at], ['active', createdAt]);
  assert.deepEqual((await call('GET', '/agents/first-1')).body, made.body);
  assert.deepEqual((await call('GET', '/agents')).body, [made.body]);
  assert.deepEqual((await create({ name: 'first-1' })).body, { detail: 'Agent already exists: first-1' });
  assert.equal((await create({ name: 'first-1' })).status, 409);
  const plain = await create({ name: 'plain' });
  assert.deepEqual([plain.body.mcp_servers, plain.body.skills], [[], []]);
  assert.deepEqual(fs.readdirSync(folder('plain')).sort(), ['agent.json', 'agent.status.json', 'agent.system-prompt.md']);
  assert.equal(fs.readFileSync(folder('plain/agent.json'), 'utf8'), '{\n  "name": "plain",\n  "description": "d"\n}\n');
});

test('what is missing or wrong', async () => {
  const all = await call('POST', '/agents', {});
  assert.equal(all.status, 422);
  assert.deepEqual(missing(all), ['body.description', 'body.name', 'body.system_prompt']);
  assert.deepEqual(missing(await create({ system_prompt: undefined, name: 'x1' })), ['body.system_prompt']);
  for (const fields of [{ description: 5 }, { skills: 'pdf' }, { skills: [1] }, { mcp_servers: 'x' }, { mcp_servers: [1] }, { mcp_servers: [''] }, { mcp_servers: { x: 1 } }, { mcp_servers: { x: { args: [] } } },
    { mcp_servers: { x: { command: 'c', args: 'a' } } }, { mcp_servers: { x: { command: 'c', args: [1] } } }, { mcp_servers: { x: { command: 'c', env: { A: 1 } } } }, { mcp_servers: { x: { command: 'c', env: [] } } }, { name: 7 }]) {
    const reply = await create({ name: 'x1', ...fields });
    assert.equal(reply.status, 422, JSON.stringify(fields));
    assert.ok(Array.isArray(reply.body.detail) && reply.body.detail[0].loc[1] === Object.keys(fields)[0], JSON.stringify(reply.body));
  }
  assert.equal((await call('POST', '/agents', '{"name":')).status, 422);
  assert.equal((await call('PATCH', '/agents/plain/status', {})).status, 422);
  assert.equal((await call('PATCH', '/agents/plain/status', { status: 'paused' })).status, 422);
  assert.equal((await call('PATCH', '/agents/plain', { description: 5 })).status, 422);
  assert.equal((await call('POST', '/agents', 'x', { 'content-type': 'text/plain' })).status, 415);
  assert.ok(!fs.existsSync(folder('x1')));
});

test('changes: only what is given; the status; deleting', async () => {
  const before = (await call('GET', '/agents/first-1')).body;
  const changed = (await call('PATCH', '/agents/first-1', { description: 'new' })).body;
  assert.deepEqual({ ...changed, updated_at: 0, modified_at: 0 }, { ...before, description: 'new', updated_at: 0, modified_at: 0 });
  assert.ok(changed.updated_at >= before.updated_at);
  assert.equal((await call('PATCH', '/agents/first-1', { system_prompt: '', skills: [] })).body.system_prompt, '');
  assert.deepEqual((await call('GET', '/agents/first-1')).body.skills, []);
  assert.ok(!('skills' in readJson('first-1/agent.json')));
  assert.equal((await call('PATCH', '/agents/first-1', {})).status, 200);
  assert.equal((await call('PATCH', '/agents/first-1', { description: null, name: 'first-1' })).body.description, 'new');
  assert.equal((await call('PATCH', '/agents/first-1', { name: 'other' })).status, 400);
  const off = await call('PATCH', '/agents/first-1/status', { status: 'inactive' });
  assert.deepEqual([off.status, off.body.status, off.body.description], [200, 'inactive', 'new']);
  assert.equal(readJson('first-1/agent.status.json').status, 'inactive');
  assert.equal((await call('PATCH', '/agents/first-1', { description: 'still off' })).body.status, 'inactive');
  assert.equal((await call('PATCH', '/agents/first-1/status', { status: 'active' })).body.status, 'active');
  const gone = await call('DELETE', '/agents/first-1');
  assert.deepEqual([gone.status, gone.body], [200, { success: true, message: 'Agent deleted successfully' }]);
  assert.ok(!fs.existsSync(folder('first-1')));
  assert.equal((await call('DELETE', '/agents/first-1')).status, 404);
  assert.deepEqual(fs.readdirSync(folder()), ['plain']);
});

test('configurations of servers survive: by list, by map, taken out and put in again', async () => {
  const secret = { command: 'npx', args: ['-y', 'srv'], env: { TOKEN: 'canary' } };
  writeAgent('tools', { prompt: 'x', mcp: { mcpServers: { a: secret, b: { type: 'http', url: 'http://127.0.0.1:1/' } }, inputs: [1] }, agent: { name: 'tools', description: 't', color: 'red' } });
  assert.deepEqual((await call('GET', '/agents/tools')).body.mcp_servers, ['a', 'b']);
  assert.deepEqual((await call('PATCH', '/agents/tools', { mcp_servers: ['c', 'a', 'a'] })).body.mcp_servers, ['a', 'c']);
  assert.deepEqual(readJson('tools/agent.mcp.json'), { mcpServers: { a: secret }, inputs: [1] });
  assert.deepEqual(readJson('tools/agent.json'), { name: 'tools', description: 't', color: 'red', mcp_servers: ['c'] });
  assert.deepEqual((await call('PATCH', '/agents/tools', { mcp_servers: ['b', 'a'] })).body.mcp_servers, ['b', 'a']);
  assert.deepEqual(readJson('tools/agent.mcp.json').mcpServers, { b: { type: 'http', url: 'http://127.0.0.1:1/' }, a: secret });
  const map = await call('PATCH', '/agents/tools', { mcp_servers: { a: null, d: { type: 'stdio', command: 'dd', args: [] } } });
  assert.deepEqual(map.body.mcp_servers, ['a', 'd']);
  assert.deepEqual(readJson('tools/agent.mcp.json').mcpServers, { a: secret, d: { type: 'stdio', command: 'dd', args: [] } });
  assert.deepEqual((await call('PATCH', '/agents/tools', { description: 'u' })).body.mcp_servers, ['a', 'd']);
  assert.deepEqual((await call('PATCH', '/agents/tools', { mcp_servers: [] })).body.mcp_servers, []);
  assert.deepEqual((await call('PATCH', '/agents/tools', { mcp_servers: ['a'] })).body.mcp_servers, ['a']);
  assert.deepEqual(readJson('tools/agent.mcp.json').mcpServers.a, secret);
  assert.doesNotMatch(JSON.stringify((await call('GET', '/agents')).body) + host.stderr, /canary/);
});

test('what other tools have made is listed; what is no agent is not', async () => {
  writeAgent('Under_Score', { prompt: 'hello' });
  writeAgent('switched-off', { '.disabled': '' });
  writeAgent('liar', { agent: { name: 'somebody-else', description: '' } });
  fs.mkdirSync(folder('empty'));
  fs.writeFileSync(folder('file'), '');
  fs.mkdirSync(folder('broken'));
  fs.writeFileSync(folder('broken/agent.json'), '{');
  fs.symlinkSync(folder('plain'), folder('linked'));
  writeAgent('leaky');
  fs.symlinkSync('/etc/passwd', folder('leaky/agent.system-prompt.md'));
  const names = (await call('GET', '/agents')).body.map((agent) => agent.name);
  assert.deepEqual(names, ['Under_Score', 'plain', 'switched-off', 'tools']);
  const odd = (await call('GET', '/agents/Under_Score')).body;
  assert.deepEqual([odd.system_prompt, odd.status, odd.description], ['hello', 'active', 'by hand Under_Score']);
  assert.equal(new Date(odd.created_at).toISOString(), odd.created_at);
  assert.equal((await call('GET', '/agents/switched-off')).body.status, 'inactive');
  assert.equal((await call('PATCH', '/agents/switched-off/status', { status: 'active' })).body.status, 'active');
  assert.equal((await call('GET', '/agents/switched-off')).body.status, 'active');
  assert.equal((await call('PATCH', '/agents/Under_Score', { description: 'kept' })).body.created_at, odd.created_at);
  for (const name of ['liar', 'empty', 'broken', 'linked', 'file', 'leaky', '..', '.', '%2e%2e', '..%2Fplain', '.hidden']) {
    const reply = await host.request('GET', `/agents/${name}`, { port: PORT });
    assert.equal(reply.status, 404, name);
    assert.doesNotMatch(reply.text, /root:x/);
  }
  for (const name of ['liar', 'empty', 'broken', 'linked', 'leaky', 'file']) fs.rmSync(folder(name), { recursive: true });
});

test('ETag and If-Match', async () => {
  const first = await call('GET', '/agents/plain');
  assert.match(first.headers.etag, /^"[0-9a-f]{16}"$/);
  assert.equal((await host.request('GET', '/agents/plain', { port: PORT, headers: { 'if-none-match': first.headers.etag } })).status, 304);
  const changed = await call('PATCH', '/agents/plain', { description: 'e' }, { 'if-match': first.headers.etag });
  assert.equal(changed.status, 200);
  assert.notEqual(changed.headers.etag, first.headers.etag);
  assert.equal((await call('GET', '/agents/plain')).headers.etag, changed.headers.etag);
  const late = await call('PATCH', '/agents/plain', { description: 'f' }, { 'if-match': first.headers.etag });
  assert.deepEqual([late.status, late.body], [412, { detail: 'Agent has changed meanwhile: plain' }]);
  assert.equal((await call('DELETE', '/agents/plain', undefined, { 'if-match': first.headers.etag })).status, 412);
  assert.equal((await call('PATCH', '/agents/plain', { description: 'g' }, { 'if-match': `"x", ${changed.headers.etag}` })).status, 200);
  assert.equal((await call('PATCH', '/agents/plain', {}, { 'if-match': '*' })).status, 200);
});

test('changes by us and by others are announced, once each', async () => {
  const stream = await openEventStream('/api/backplane/live?topics=agents.*', { port: host.port() });
  const seen = () => stream.events.map((event) => JSON.parse(event.data)).filter(({ key }) => key !== 'plain').map(({ topic, key, data }) => [topic, key, data.description]);
  const until = (count) => waitFor(`${count} events`, () => seen().length >= count, () => JSON.stringify(seen()));
  await create({ name: 'live', description: 'ours' });
  await until(1);
  // Moved into place at once, so that there is one change to see each time.
  fs.mkdirSync(path.join(project, 'made'));
  fs.writeFileSync(path.join(project, 'made/agent.json'), JSON.stringify({ name: 'outside', description: 'by hand outside' }));
  fs.renameSync(path.join(project, 'made'), folder('outside'));
  await until(2);
  fs.writeFileSync(path.join(project, 'prompt'), 'edited by hand');
  fs.renameSync(path.join(project, 'prompt'), folder('outside/agent.system-prompt.md'));
  await until(3);
  assert.equal((await call('GET', '/agents/outside')).body.system_prompt, 'edited by hand');
  await call('PATCH', '/agents/outside', { description: 'by us' });
  await until(4);
  fs.renameSync(folder('outside'), path.join(project, 'gone'));
  await until(5);
  await call('DELETE', '/agents/live');
  await until(6);
  assert.deepEqual(seen(), [['agents.created', 'live', 'ours'], ['agents.created', 'outside', 'by hand outside'], ['agents.updated', 'outside', 'by hand outside'],
    ['agents.updated', 'outside', 'by us'], ['agents.deleted', 'outside', undefined], ['agents.deleted', 'live', undefined]]);
  stream.close();
});

test('a folder that becomes an agent later, and one that stops being one, are announced too', async () => {
  const stream = await openEventStream('/api/backplane/live?topics=agents.*', { port: host.port() });
  const seen = () => stream.events.map((event) => JSON.parse(event.data)).filter(({ key }) => key === 'slowly').map(({ topic }) => topic).join();
  fs.mkdirSync(folder('slowly'));
  await pause(500); // by then it has been seen without its file
  fs.writeFileSync(folder('slowly/agent.json'), '{"name":');
  await pause(300);
  fs.writeFileSync(folder('slowly/agent.json'), JSON.stringify({ name: 'slowly', description: 'made by hand' }));
  await waitFor('it to be an agent', () => seen() === 'agents.created');
  fs.unlinkSync(folder('slowly/agent.json'));
  await waitFor('it to be none', () => seen() === 'agents.created,agents.deleted');
  fs.rmdirSync(folder('slowly'));
  await create({ name: 'slowly', description: 'by us' });
  await waitFor('it to be one again', () => seen() === 'agents.created,agents.deleted,agents.created');
  await call('DELETE', '/agents/slowly');
  stream.close();
});

test('an agent with a running session is not deleted', async () => {
  await create({ name: 'busy' });
  const post = (target, body) => host.request('POST', target, { port: OBSERVABILITY, body });
  await post('/sessions', { session_id: 's-busy', session_name: 'n', agent_name: 'busy' });
  const refused = await call('DELETE', '/agents/busy');
  assert.deepEqual([refused.status, refused.body], [409, { detail: 'Agent is in use by a running session: busy (session s-busy)' }]);
  assert.equal((await call('GET', '/agents/busy')).status, 200);
  await post('/sessions/s-busy/stop');
  assert.equal((await call('DELETE', '/agents/busy')).status, 200);
});

test('another program holds the lock: changes wait or say so, reading goes on', async () => {
  const holder = spawn('flock', [folder(), 'sleep', '300'], { detached: true });
  await waitFor('the lock to be held', () => fs.readFileSync('/proc/locks', 'utf8').includes(`:${fs.statSync(folder()).ino} `));
  const change = call('PATCH', '/agents/plain', { description: 'after the lock' });
  assert.equal((await call('GET', '/agents/plain')).status, 200);
  process.kill(-holder.pid, 'SIGKILL');
  const { status, body } = await change;
  if (status === 200) assert.equal(body.description, 'after the lock');
  else assert.match(body.detail, /another program holds the lock/); // a slow machine: its patience was over
  assert.equal((await call('PATCH', '/agents/plain', { description: 'after the lock' })).body.description, 'after the lock');
});

test('many at once: each change is whole, and what a killed host left is swept', async () => {
  const left = path.join(project, 'left'); // moved in whole: the host may sweep it at once
  fs.mkdirSync(left);
  fs.writeFileSync(path.join(left, 'agent.json'), 'half');
  fs.renameSync(left, folder('.backplane-new-0000000000000000'));
  const made = await Promise.all(Array.from({ length: 30 }, (_, i) => create({ name: `m${i % 15}`, description: `d${i}` })));
  assert.equal(made.filter((reply) => reply.status === 201).length, 15);
  assert.equal(made.filter((reply) => reply.status === 409).length, 15);
  await Promise.all(Array.from({ length: 30 }, (_, i) => call('PATCH', '/agents/m0', { description: `x${i}`, system_prompt: `x${i}` })));
  const { description, system_prompt: prompt } = (await call('GET', '/agents/m0')).body;
  assert.equal(description, prompt);
  assert.ok(!fs.existsSync(folder('.backplane-new-0000000000000000')));
  await Promise.all(Array.from({ length: 15 }, (_, i) => call('DELETE', `/agents/m${i}`)));
  assert.ok(!fs.readdirSync(folder()).some((name) => /^m\d|^\./.test(name)));
});

const observe = async (method, target, body) => (await host.request(method, target, { port: OBSERVABILITY, body })).json();
const session = async (id) => (await observe('GET', `/sessions/${id}`)).session;
const run = (name, body) => call('POST', `/agents/${name}/run`, body);

test('an agent runs as a session, with a token of its own, and what it says is the result', async () => {
  await create({ name: 'runner', system_prompt: 'be "brief" {prompt}' });
  const stream = await openEventStream('/api/backplane/live?topics=agents.output', { port: host.port() });
  const started = await run('runner', { prompt: 'echo', session_name: 'a run' });
  assert.equal(started.status, 201, JSON.stringify(started.body));
  const { session_id: id, pid } = started.body;
  assert.deepEqual([started.body.agent_name, started.body.session_name, started.body.status, started.body.success], ['runner', 'a run', 'running', true]);
  assert.ok(pid > 1);
  await waitFor('the session to finish', async () => (await session(id)).status === 'finished');
  const { agent_name: agentName, project_dir: dir, session_name: sessionName } = await session(id);
  assert.deepEqual([agentName, dir, sessionName], ['runner', project, 'a run']);
  const { events } = await observe('GET', `/events/${id}`);
  assert.deepEqual(events.map((event) => event.event_type), ['session_start', 'message', 'session_stop']);
  assert.equal(events[2].exit_code, 0);
  const said = (await observe('GET', `/sessions/${id}/result`)).result;
  const { argv, env, cwd, answers } = JSON.parse(said);
  assert.deepEqual(argv, ['echo', 'be "brief" {prompt}', folder('runner/agent.mcp.json'), 'x-runner-x']);
  assert.equal(cwd, project);
  assert.deepEqual([env.AGENT_NAME, env.AGENT_SESSION_ID, env.EXTRA], ['runner', id, 'yes']);
  assert.deepEqual(answers, [200, 404]);
  const line = await stream.next();
  assert.equal(JSON.parse(line.data).key, id);
  stream.close();
  const late = await host.request('GET', '/agents', { port: PORT, headers: { authorization: `Bearer ${env.BACKPLANE_TOKEN}`, 'x-forwarded-for': '1.2.3.4' } });
  assert.equal(late.status, 401, 'the token has ended with the run');
  assert.doesNotMatch(host.stderr, new RegExp(env.BACKPLANE_TOKEN));
});

test('a running agent is not deleted; stopping its session ends it', async () => {
  const { session_id: id, pid } = (await run('runner', { prompt: 'wait', session_id: 'chosen' })).body;
  assert.equal(id, 'chosen');
  assert.equal((await run('runner', { prompt: 'wait', session_id: 'chosen' })).status, 409);
  assert.equal((await call('DELETE', '/agents/runner')).status, 409);
  const supervised = async () => (await host.request('GET', '/api/system-stats/processes', { port: DESKTOP })).json().processes.find((one) => one.pid === pid);
  const { module, name, status, lifetime } = await supervised();
  assert.deepEqual([module, name, status, lifetime], ['agents', 'runner', 'running', 'bound']);
  await waitFor('its child', async () => (await supervised()).children.some((child) => child.command === 'sleep' && child.parent === pid));
  assert.doesNotMatch(JSON.stringify(await supervised()), /BACKPLANE_TOKEN|"300"/);
  assert.equal((await observe('POST', `/sessions/${id}/stop`)).status, 'stopped');
  await waitFor('its process to be gone, also as a zombie', () => !fs.existsSync(`/proc/${pid}`));
  await waitFor('the last event', async () => (await observe('GET', `/events/${id}`)).events.some((event) => event.event_type === 'session_stop'));
  assert.equal((await session(id)).status, 'stopped');
});

test('what cannot run', async () => {
  assert.equal((await run('none', {})).status, 404);
  await call('PATCH', '/agents/runner/status', { status: 'inactive' });
  assert.deepEqual((await run('runner')).body, { detail: 'Agent is inactive' });
  await call('PATCH', '/agents/runner/status', { status: 'active' });
  const failed = (await run('runner', { prompt: 'fail' })).body;
  await waitFor('the end', async () => (await session(failed.session_id)).status === 'finished');
  const { events } = await observe('GET', `/events/${failed.session_id}`);
  assert.equal(events.find((event) => event.event_type === 'session_stop').exit_code, 3);
  assert.equal((await run('runner', { prompt: 5 })).status, 422);
});

test('a run that a killed host leaves behind is told as ended', async () => {
  const { session_id: id, pid } = (await run('runner', { prompt: 'wait' })).body;
  await host.kill();
  host.end = undefined;
  await host.start();
  await waitFor('the session to finish', async () => (await session(id)).status === 'finished');
  await waitFor('the child to be gone', () => { try { process.kill(pid, 0); return false; } catch { return true; } });
  assert.equal((await call('DELETE', '/agents/runner')).status, 200);
});

// ---- The corpora ----

const names = rows('agent-names.jsonl');
const bodies = rows('json-bodies.jsonl');
const skip = names ? false : 'no attack corpus beside the tree';

test('the README\'s rule: an MCP server is started with npx or uvx', async () => {
  const scripts = path.join(project, 'scripts');
  fs.cpSync(path.join(process.env.BACKPLANE_SOURCE, 'scripts'), scripts, { recursive: true });
  const readme = fs.readFileSync(path.join(process.env.BACKPLANE_SOURCE, 'modules/agents/README.md'), 'utf8');
  const [rule, tests] = [...readme.matchAll(/```lua\n([^]*?)```/g)].map((match) => match[1]);
  fs.mkdirSync(path.join(scripts, 'agents'));
  fs.writeFileSync(path.join(scripts, 'agents/commands.lua'), rule);
  fs.writeFileSync(path.join(scripts, 'agents/commands.test.lua'), tests);
  const other = new Host({ config: config(), ports: [PORT, OBSERVABILITY, DESKTOP], scripts });
  await other.start();
  try {
    const tried = await other.command('policy', 'test', 'agents');
    assert.strictEqual(tried.code, 0, tried.stdout + tried.stderr);
    const make = (name, command) => other.request('POST', '/agents', {
      port: PORT, body: { name, description: 'd', system_prompt: 'p', mcp_servers: { one: { type: 'stdio', command, args: [] } } },
    });
    assert.strictEqual((await make('ruled-fine', 'npx')).status, 201);
    const denied = await make('ruled-out', 'sh');
    assert.deepStrictEqual([denied.status, denied.json().detail], [403, 'an MCP server is started with npx or uvx, not with sh']);
    assert.strictEqual((await other.request('GET', '/agents/ruled-out', { port: PORT })).status, 404);
  } finally {
    await other.stop();
  }
});

test('every name of the corpus', { skip }, async () => {
  for (const row of names.filter((one) => one.kind === 'agent' && typeof one.name === 'string')) {
    const reply = await create({ name: row.name });
    const isNoText = reply.body.detail?.[0]?.type === 'json_invalid'; // half a surrogate pair: the parser has the word before the rule
    assert.equal(reply.status, row.expect === 'valid' ? 201 : isNoText ? 422 : 400, `${row.id} (${row.why}): ${JSON.stringify(reply.body)}`);
    if (row.expect === 'valid') assert.equal((await call('DELETE', `/agents/${row.name}`)).status, 200);
  }
  assert.deepEqual(fs.readdirSync(folder()).filter((name) => name.startsWith('.')), []);
});

test('every body of the corpus', { skip }, async () => {
  await eachRow(bodies.filter((row) => row.body_b64 !== undefined), async (row) => {
    const body = Buffer.from(row.body_b64, 'base64');
    const head = `POST /agents HTTP/1.1\r\nHost: 127.0.0.1:${host.port(PORT)}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    const { data } = await exchange(host.port(PORT), Buffer.concat([Buffer.from(head), body]), { quiet: 5000 });
    const [status] = statuses(data);
    const where = `${row.id} ${row.expect} (${row.why}): ${data.toString('utf8').slice(0, 400)}`;
    if (row.expect === 'accept') assert.ok(status === 201 || status === 409, where);
    else if (/^\d+$/.test(row.expect)) assert.ok(status === Number(row.expect) || (row.expect === '400' && status === 422), where);
    else assert.ok(status >= 200 && status < 500, where);
  });
  assert.equal((await call('GET', '/agents')).status, 200);
});
