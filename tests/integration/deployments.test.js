// Deployments under the native supervisor: the original's answers, real Node programs, crashes, restarts of the host, environment, logs.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { io } = require('socket.io-client');
const { Host } = require('./lib/host.js');
const { openEventStream, request, waitFor } = require('./lib/client.js');

const PORT = 3006;
const URL = '/api/deployments';
const FIRST = 22000 + Math.floor(Math.random() * 900) * 10; // ports given to repositories
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "desktop" }
module "desktop" {}
module "socketio" {}
module "repositories" { first_port = ${FIRST}, last_port = ${FIRST + 60} }
module "deployments" { node = "${process.execPath}" }
module "org.example.found-services" { path = "${process.env.BACKPLANE_TEST_PLUGINS}/test_found_services.so", found = {
  { id = "postgresql", name = "PostgreSQL", containerName = "ai-desktop-postgresql", port = 5432, type = "postgresql", connectionString = "postgresql://me:pg-canary@localhost:5432/app" },
  { id = "redis", name = "Redis", containerName = "ai-desktop-redis", port = 6379, type = "redis", connectionString = "redis://localhost:6379" },
} }
`;
const PROGRAM = `const http = require('node:http');
console.log('listening on', process.env.PORT);
http.createServer((query, reply) => {
  if (query.url === '/crash') { console.error('it went wrong'); process.exit(3); }
  console.log('asked for ' + query.url);
  reply.end(JSON.stringify({ pid: process.pid, env: process.env, cwd: process.cwd(), argv: process.argv.slice(2) }));
}).listen(process.env.PORT, '127.0.0.1');
`;

let host;
before(async () => { host = await new Host({ config: CONFIG, ports: [PORT] }).start(); });
after(async () => {
  if (!host.end) for (const one of (await call('GET', URL)).deployments) await act(one.id, 'delete');
  await host.stop();
});

async function call(method, target, body) {
  const reply = await host.request(method, target, { port: PORT, body });
  return { status: reply.status, ...reply.json() };
}

const act = (id, action) => call('POST', `${URL}/${id}/action`, { action });
const refused = (status, error) => ({ status, success: false, error });

// A repository with these files; returns what the registry answered.
async function repository(name, files) {
  const folder = path.join(host.folder, name);
  fs.mkdirSync(folder);
  for (const [file, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o755 });
  }
  return (await call('POST', '/api/repositories', { name, path: folder, type: 'local' })).repository;
}

const nodeApp = (name, scripts = { start: 'node index.js' }, files = {}) => repository(name, { 'package.json': { name, scripts }, 'index.js': PROGRAM, ...files });

async function deploy(fields) {
  const made = await call('POST', URL, fields);
  assert.equal(made.status, 200, made.error);
  return made.deployment;
}

const find = async (id) => (await call('GET', URL)).deployments.find((one) => one.id === id);
const ask = (port, target = '/') => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => socket.end(`GET ${target} HTTP/1.0\r\n\r\n`));
  let text = '';
  socket.on('data', (piece) => { text += piece; });
  socket.setTimeout(3000, () => socket.destroy()); // a connection that went to a process just killed
  socket.on('error', () => resolve(null));
  socket.on('close', () => resolve(text.includes('{') ? JSON.parse(text.slice(text.indexOf('{'))) : null));
});
const answers = (port) => waitFor(`a program on port ${port}`, () => ask(port));

test('what a program says first is told to whoever has only just come to listen', async () => {
  const repo = await repository('words', { 'package.json': { scripts: { start: 'tail -f said.txt' } }, 'said.txt': 'the only line\n' });
  const { id } = await deploy({ repositoryId: repo.id });
  const watch = await openEventStream('/api/backplane/live?topics=deployments.socket', { port: host.port() });
  await act(id, 'start');
  const told = await waitFor('its line', () => watch.events.map((event) => JSON.parse(event.data).data).find((event) => event.event === 'deployment:logs'));
  assert.deepEqual([told.args[0].id, told.args[0].stream, told.args[0].data], [id, 'stdout', 'the only line\n']);
  watch.close();
  assert.equal((await act(id, 'delete')).status, 200);
});

test('what is missing or wrong is refused with the known sentences', async () => {
  const { id } = await nodeApp('refusals');
  for (const body of [{}, { repositoryId: null }, { repoId: 0 }, { repositoryId: '' }])
    assert.deepEqual(await call('POST', URL, body), refused(400, 'Missing required field: repositoryId or repoId'));
  for (const repositoryId of [9999, 'x', String(id), -1, 1.5])
    assert.deepEqual(await call('POST', URL, { repositoryId }), refused(404, 'Repository not found'));
  const wrong = { name: 7, mode: 'threads', port: 70000, instances: 0.5, selectedServices: 'redis', dependsOn: [99], customEnvVars: 'A=1', healthPath: 'x' };
  for (const [field, value] of Object.entries(wrong)) {
    const reply = await call('POST', URL, { repositoryId: id, [field]: value });
    assert.equal(reply.status, 400, field);
    assert.match(reply.error, new RegExp(field));
  }
  for (const name of ['a b', '1A', 'lower', '', 'A=B', 'A\n'])
    assert.equal((await call('POST', URL, { repositoryId: id, customEnvVars: { [name]: 'x' } })).status, 400, name);
  for (const name of ['LD_PRELOAD', 'NODE_OPTIONS', 'PATH', 'GIT_SSH', 'BASH_ENV'])
    assert.equal((await call('POST', URL, { repositoryId: id, customEnvVars: { [name]: 'x' } })).status, 403, name);
  assert.deepEqual(await call('GET', URL), { status: 200, success: true, deployments: [], count: 0 });
});

test('unknown deployments and actions', async () => {
  const made = await deploy({ repositoryId: (await nodeApp('unknown')).id });
  const invalid = refused(400, 'Invalid action. Must be: start, stop, restart, or delete');
  for (const body of [{}, { action: 'pause' }, { action: 7 }]) assert.deepEqual(await call('POST', `${URL}/${made.id}/action`, body), invalid);
  for (const id of [9999, 'abc', '-1']) assert.deepEqual(await act(id, 'start'), refused(404, 'Deployment not found'));
  assert.deepEqual(await call('GET', `${URL}/9999/logs`), refused(404, 'Deployment not found'));
  assert.equal((await call('GET', `${URL}/${made.id}/logs`)).logs, 'No logs available - deployment not running');
});

test('a deployment has every member, and defaults from its repository', async () => {
  const repo = await nodeApp('shop');
  const made = await call('POST', URL, { repositoryId: repo.id });
  assert.equal(made.message, 'Deployment created successfully for shop');
  const { id, createdAt, updatedAt, ...rest } = made.deployment;
  assert.ok(Number.isInteger(id));
  assert.equal(new Date(createdAt).toISOString(), createdAt);
  assert.equal(updatedAt, createdAt);
  assert.deepEqual(rest, { repositoryId: repo.id, name: 'shop', domain: null, port: repo.port, status: 'stopped', mode: 'fork', instances: 1, pid: null,
    memory: 0, cpu: 0, uptime: 0, restarts: 0, healthPath: null, health: null, selectedServices: [], dependsOn: [], customEnvVars: {}, repositoryName: 'shop', repositoryPath: repo.path });
  assert.deepEqual(await find(id), made.deployment);
  const other = await deploy({ repoId: repo.id, repoName: 'other', domain: 'shop.example', port: 4100 });
  assert.deepEqual([other.name, other.domain, other.port], ['other', 'shop.example', 4100]);
});

test('start, figures, logs, restart, stop, delete of a real program', async () => {
  const repo = await nodeApp('life');
  const { id } = await deploy({ repositoryId: repo.id, name: 'my life!' });
  const watch = await openEventStream('/api/backplane/live?topics=deployments.socket', { port: host.port() });
  const started = await act(id, 'start');
  assert.equal(started.message, `Deployment started on port ${repo.port}`);
  assert.deepEqual(started.deployment, { id, status: 'running', pid: started.deployment.pid, port: repo.port });
  const seen = await answers(repo.port);
  assert.equal(seen.pid, started.deployment.pid);
  assert.equal(seen.cwd, repo.path);
  assert.deepEqual([seen.env.PORT, seen.env.NODE_ENV], [String(repo.port), 'production']);
  const again = await act(id, 'start');
  assert.equal(again.deployment.pid, seen.pid, 'a second start changes nothing');

  const shown = await find(id);
  assert.equal(shown.status, 'running');
  assert.ok(shown.memory > 1e6 && shown.cpu >= 0 && shown.uptime >= 0);
  const { processes, count } = await call('GET', '/api/pm2-processes');
  assert.equal(count, processes.length);
  const { uptime, cpu, memory, ...row } = processes.find((one) => one.id === String(id));
  assert.deepEqual(row, { id: String(id), name: `deploy-${id}-my-life-`, status: 'online', restarts: 0, pid: seen.pid, mode: 'fork', instances: 1 });
  assert.equal(new Date(uptime).toISOString(), uptime);
  assert.ok(memory > 1e6 && cpu >= 0);

  await waitFor('the line in the log', async () => (await call('GET', `${URL}/${id}/logs`)).logs.includes('asked for /'));
  assert.match((await call('GET', `${URL}/${id}/logs?lines=1`)).logs, /^[^\n]*\n?$/);

  const restarted = await act(id, 'restart');
  assert.equal(restarted.message, 'Deployment restarted');
  const after = await answers(repo.port);
  assert.notEqual(after.pid, seen.pid);
  assert.deepEqual(await act(id, 'stop'), { status: 200, success: true, message: 'Deployment stopped' });
  assert.equal(await ask(repo.port), null);
  assert.throws(() => process.kill(after.pid, 0));
  assert.deepEqual([(await find(id)).status, (await find(id)).pid], ['stopped', null]);
  assert.equal((await call('GET', `${URL}/${id}/logs`)).logs, 'No logs available - deployment not running');
  assert.equal((await act(id, 'stop')).message, 'Deployment stopped');

  assert.deepEqual(await act(id, 'delete'), { status: 200, success: true, message: 'Deployment deleted' });
  assert.equal(await find(id), undefined);
  assert.deepEqual(await act(id, 'delete'), refused(404, 'Deployment not found'));

  const events = () => watch.events.map((event) => JSON.parse(event.data).data).filter((event) => event.args[0].id === id);
  await waitFor('the event of the deletion', () => events().some((event) => event.event === 'deployment:deleted'));
  const updates = events().filter((event) => event.event === 'deployment:updated');
  for (const action of ['start', 'restart', 'stop']) assert.ok(updates.some((event) => event.args[0].action === action), action);
  const start = updates.find((event) => event.args[0].action === 'start');
  assert.deepEqual([start.family, start.room, start.args[0].status, start.args[0].pid], ['desktop', '', 'running', seen.pid]);
  const line = events().find((event) => event.event === 'deployment:logs');
  assert.deepEqual([line.args[0].stream, line.args[0].data.includes('listening on')], ['stdout', true]);
  assert.equal(new Date(line.args[0].timestamp).toISOString(), line.args[0].timestamp);
  assert.equal(events().find((event) => event.event === `deployment:${id}:log`).room, `deployment:${id}`);
  watch.close();
});

test('Socket.IO clients hear of deployments; their own event of its log only those in its room', async () => {
  const repo = await nodeApp('heard');
  const { id } = await deploy({ repositoryId: repo.id });
  const clients = await Promise.all([true, false].map((joins) => new Promise((resolve) => {
    const client = { events: [], socket: io(`http://127.0.0.1:${host.port(PORT)}`, { forceNew: true }) };
    client.socket.onAny((event, arg) => client.events.push({ event, ...arg }));
    client.socket.on('connect', () => { if (joins) client.socket.emit('deployment:join', id); resolve(client); });
  })));
  const heard = (client, event, test = () => true) => client.events.find((one) => one.event === event && one.id === id && test(one));
  await act(id, 'start');
  const [inside, outside] = clients;
  for (const client of clients) {
    await waitFor('the start', () => heard(client, 'deployment:updated', (one) => one.action === 'start' && one.status === 'running' && one.pid > 0));
    await waitFor('figures', () => heard(client, 'deployment:updated', (one) => one.action === 'metrics' && one.memory > 1e6));
  }
  await ask(repo.port);
  for (const client of clients) await waitFor('the log', () => heard(client, 'deployment:logs', (one) => one.data.includes('asked for /')));
  await waitFor('the log of the room', () => heard(inside, `deployment:${id}:log`, (one) => one.data.includes('asked for /') && one.stream === 'stdout'));
  await act(id, 'delete');
  for (const client of clients) await waitFor('the deletion', () => heard(client, 'deployment:deleted'));
  assert.equal(heard(outside, `deployment:${id}:log`), undefined);
  for (const client of clients) client.socket.close();
});

test('delete stops what runs, and removes its log files', async () => {
  const repo = await nodeApp('gone');
  const { id } = await deploy({ repositoryId: repo.id });
  const { pid } = (await act(id, 'start')).deployment;
  await act(id, 'delete');
  assert.throws(() => process.kill(pid, 0));
  const folder = path.join(host.state, 'modules/deployments/proc');
  await waitFor('no file of it', () => !fs.readdirSync(folder).some((file) => file.startsWith(`deploy-${id}.`)));
});

test('a program that crashes is started again', async () => {
  const repo = await nodeApp('crash');
  const { id } = await deploy({ repositoryId: repo.id });
  await act(id, 'start');
  const first = await answers(repo.port);
  await ask(repo.port, '/crash');
  const second = await waitFor('the next process', async () => { const seen = await ask(repo.port); return seen && seen.pid !== first.pid && seen; });
  await waitFor('it to be noted', async () => { const now = await find(id); return now.status === 'running' && now.pid === second.pid && now.restarts === 1; });
  await waitFor('its last words', async () => (await call('GET', `${URL}/${id}/logs`)).logs.includes('it went wrong'));
  await act(id, 'stop');
  assert.equal(await ask(repo.port), null);
});

test('a program that no longer answers its health path is started again', async () => {
  const sick = "const since = Date.now(); let isSick = false;\nrequire('node:http').createServer((query, reply) => {\n" +
    "  if (query.url === '/sick') isSick = true;\n  if (query.url === '/health' && isSick) reply.statusCode = 500;\n" +
    "  reply.end(JSON.stringify({ pid: process.pid }));\n}).listen(process.env.PORT, '127.0.0.1');\n";
  const repo = await nodeApp('health', { start: 'node sick.js' }, { 'sick.js': sick });
  const { id } = await deploy({ repositoryId: repo.id, healthPath: '/health' });
  await act(id, 'start');
  const first = await answers(repo.port);
  await waitFor('it to be found healthy', async () => (await find(id)).health === 'healthy');
  await ask(repo.port, '/sick');
  await waitFor('another process', async () => { const seen = await ask(repo.port); return seen && seen.pid !== first.pid; });
  await waitFor('it to be found healthy again', async () => (await find(id)).health === 'healthy');
  await act(id, 'delete');
});

test('a program that writes without pause does not hold up the host', async () => {
  const storm = "setInterval(() => { for (let i = 0; i < 500; i++) console.log('line ' + i + ' ' + 'x'.repeat(100)); }, 5);\n" + PROGRAM;
  const repo = await nodeApp('storm', { start: 'node storm.js' }, { 'storm.js': storm });
  const { id } = await deploy({ repositoryId: repo.id });
  const watch = await openEventStream('/api/backplane/live?topics=deployments.socket', { port: host.port() });
  assert.equal((await act(id, 'start')).status, 200);
  for (let i = 0; i < 20; i++) assert.equal((await find(id)).status, 'running');
  await waitFor('its lines', async () => (await call('GET', `${URL}/${id}/logs?lines=50`)).logs.split('\n').length >= 50);
  const sent = watch.events.map((event) => JSON.parse(event.data).data).filter((event) => event.event === 'deployment:logs');
  for (const event of sent) assert.ok(event.args[0].data.length <= 32 * 1024);
  watch.close();
  assert.equal((await act(id, 'delete')).status, 200);
});

test('what cannot start says why, and is in error', async () => {
  const failing = [
    ['no-package', { 'index.js': PROGRAM }, /^package\.json not found in repository$/],
    ['bad-package', { 'package.json': '{' }, /^package\.json is not JSON/],
    ['shell', { 'package.json': { scripts: { start: 'tsc && node index.js' } } }, /needs a shell \('&'\)/],
    ['variable', { 'package.json': { scripts: { start: 'DEBUG=1 node index.js' } } }, /customEnvVars/],
    ['no-program', { 'package.json': { scripts: { start: 'there-is-no-such-program' } } }, /there is no program/],
    ['throws', { 'package.json': {}, 'index.js': 'throw new Error("no good")' }, /exited with code 1.*no good/s],
  ];
  for (const [name, files, message] of failing) {
    const { id } = await deploy({ repositoryId: (await repository(name, files)).id });
    const reply = await act(id, 'start');
    assert.equal(reply.status, 500, name);
    assert.match(reply.error, message);
    assert.equal((await find(id)).status, 'error');
    await act(id, 'delete');
  }
});

test('a taken port is named', async () => {
  const repo = await nodeApp('taken');
  const server = net.createServer();
  await new Promise((resolve) => { server.listen(repo.port, '127.0.0.1', resolve); });
  const { id } = await deploy({ repositoryId: repo.id });
  assert.deepEqual(await act(id, 'start'), refused(500, `Port ${repo.port} is already in use`));
  await new Promise((resolve) => { server.close(resolve); });
  assert.equal((await act(id, 'start')).status, 200);
});

test('start scripts: npm, quotes, programs of node_modules', async () => {
  const scripts = [
    ['npm', { start: 'npm run serve', serve: 'node index.js' }],
    ['quoted', { start: 'node index.js "two words" \'$HOME\' a\\ b' }, ['two words', '$HOME', 'a b']],
    ['local', { start: 'my-tool one' }, ['one']],
  ];
  for (const [name, script, argv] of scripts) {
    const files = name === 'local' ? { 'node_modules/.bin/my-tool': `#!${process.execPath}\n${PROGRAM}` } : {};
    if (name === 'npm') script.start = 'npm run serve';
    const repo = await nodeApp(`script-${name}`, name === 'npm' ? { start: 'node index.js # by npm', serve: '' } : script, files);
    const { id } = await deploy({ repositoryId: repo.id });
    assert.equal((await act(id, 'start')).status, 200);
    const seen = await answers(repo.port);
    if (argv) assert.deepEqual(seen.argv, argv);
    await act(id, 'delete');
    assert.equal(await ask(repo.port), null, 'nothing is left of it');
  }
});

test('its environment reaches the program alone', async () => {
  const repo = await nodeApp('secret');
  const secret = 'canary-8d1c2b7e';
  const fields = { repositoryId: repo.id, customEnvVars: { API_KEY: secret, COUNT: 7, DEBUG: true, NODE_ENV: 'staging' } };
  const made = await deploy(fields);
  assert.deepEqual(made.customEnvVars, { API_KEY: '********', COUNT: '********', DEBUG: '********', NODE_ENV: '********' });
  await act(made.id, 'start');
  const { env } = await answers(repo.port);
  assert.deepEqual([env.API_KEY, env.COUNT, env.DEBUG, env.NODE_ENV], [secret, '7', 'true', 'staging']);
  for (const target of [URL, '/api/pm2-processes']) assert.ok(!JSON.stringify(await call('GET', target)).includes(secret));
  assert.ok(!host.stderr.includes(secret));
  for (const file of fs.readdirSync(repo.path, { recursive: true })) assert.ok(!fs.readFileSync(path.join(repo.path, file)).includes(secret), file);
  for (const file of fs.readdirSync(host.state)) {
    const full = path.join(host.state, file);
    if (fs.statSync(full).isFile()) assert.ok(!fs.readFileSync(full).includes(secret), file);
  }
  const list = await deploy({ repositoryId: repo.id, customEnvVars: [{ key: 'A', value: '1' }] });
  assert.deepEqual(list.customEnvVars, { A: '********' });
});

test('a cluster shares one port between its processes', async () => {
  const repo = await nodeApp('cluster');
  const { id } = await deploy({ repositoryId: repo.id, mode: 'cluster', instances: 3 });
  assert.equal((await act(id, 'start')).status, 200);
  const seen = new Map();
  await waitFor('three processes', async () => {
    const one = await ask(repo.port);
    if (one) seen.set(one.pid, one.env.NODE_APP_INSTANCE);
    return seen.size === 3;
  });
  assert.deepEqual([...seen.values()].sort(), ['0', '1', '2']);
  const victim = [...seen.keys()][0];
  process.kill(victim, 'SIGKILL');
  await waitFor('another in its place', async () => { const one = await ask(repo.port); return one && !seen.has(one.pid) && one; });
  await act(id, 'stop');
  for (const pid of seen.keys()) assert.throws(() => process.kill(pid, 0));
  const shell = await deploy({ repositoryId: (await nodeApp('npm-cluster', { start: 'npm run x' })).id, instances: 2 });
  assert.equal(shell.mode, 'cluster');
  assert.match((await act(shell.id, 'start')).error, /cluster mode needs a start script of the form "node FILE"/);
});

test('a deployment starts after those it depends on', async () => {
  const base = await nodeApp('base');
  const top = await nodeApp('top');
  const below = await deploy({ repositoryId: base.id });
  const above = await deploy({ repositoryId: top.id, dependsOn: [below.id] });
  assert.equal((await act(above.id, 'start')).status, 200);
  assert.equal((await find(below.id)).status, 'running');
  await answers(base.port);
  await act(below.id, 'delete');
  await act(above.id, 'stop');
  const reply = await act(above.id, 'start');
  assert.equal(reply.status, 500);
  assert.match(reply.error, new RegExp(`deployment ${below.id}, which this one needs, could not be started: Deployment not found`));
});

test('services that were found are shown without their passwords, and given to those that select them', async () => {
  const { services } = await call('GET', `${URL}/services`);
  const { connectionString, ...rest } = services[0];
  assert.deepEqual(rest, { id: 'postgresql', name: 'PostgreSQL', containerName: 'ai-desktop-postgresql', port: 5432, type: 'postgresql' });
  assert.equal(connectionString, 'postgresql://me:********@localhost:5432/app');
  assert.equal(services[1].connectionString, 'redis://localhost:6379');
  const full = await host.request('GET', `/f/desktop${URL}/services`, { headers: host.adminHeaders() });
  assert.equal(full.json().services[0].connectionString, 'postgresql://me:pg-canary@localhost:5432/app');
  const repo = await nodeApp('connected');
  const own = { REDIS_URL: 'redis://mine' };
  const { id } = await deploy({ repositoryId: repo.id, selectedServices: ['postgresql', 'ai-desktop-redis'], customEnvVars: own });
  assert.equal((await act(id, 'start')).status, 200);
  const { env } = await answers(repo.port);
  assert.deepEqual([env.DATABASE_URL, env.POSTGRES_URL, env.REDIS_URL],
    ['postgresql://me:pg-canary@localhost:5432/app', 'postgresql://me:pg-canary@localhost:5432/app', 'redis://mine']);
  await act(id, 'delete');
  const missing = await deploy({ repositoryId: repo.id, selectedServices: ['mysql'] });
  assert.deepEqual(await act(missing.id, 'start'), refused(500, 'the selected service "mysql" does not run'));
});

test('actions on one deployment at the same time happen one after the other', async () => {
  const repo = await nodeApp('hurry');
  const { id } = await deploy({ repositoryId: repo.id });
  const replies = await Promise.all(['start', 'start', 'restart', 'stop', 'start', 'restart'].map((action) => act(id, action)));
  for (const reply of replies) assert.equal(reply.status, 200, reply.error);
  const now = await find(id);
  assert.equal(now.status, 'running');
  assert.equal((await answers(repo.port)).pid, now.pid);
  await act(id, 'stop');
});

test('the module taken out of the configuration and put back leaves what runs alone', async () => {
  const repo = await nodeApp('reloaded');
  const { id } = await deploy({ repositoryId: repo.id });
  const { pid } = (await act(id, 'start')).deployment;
  host.writeConfig(CONFIG.replace(/module "deployments".*/, ''));
  host.child.kill('SIGHUP');
  await waitFor('the module to be gone', async () => (await call('GET', URL)).status === 404);
  assert.equal((await answers(repo.port)).pid, pid);
  host.writeConfig(CONFIG);
  host.child.kill('SIGHUP');
  await waitFor('it to be known again', async () => { const now = (await call('GET', URL)).deployments?.find((one) => one.id === id); return now && now.status === 'running' && now.pid === pid; });
  await ask(repo.port, '/crash');
  await waitFor('another process', async () => { const seen = await ask(repo.port); return seen && seen.pid !== pid; });
  await act(id, 'delete');
});

test('a program outlives the host, and is taken over; what is gone is started again', async () => {
  const kept = await nodeApp('kept');
  const lost = await nodeApp('lost');
  const one = await deploy({ repositoryId: kept.id });
  const two = await deploy({ repositoryId: lost.id, customEnvVars: { WORD: 'still here' } });
  const { pid } = (await act(one.id, 'start')).deployment;
  const other = (await act(two.id, 'start')).deployment.pid;
  await answers(lost.port);
  await host.kill();
  process.kill(other, 'SIGKILL');
  assert.equal((await answers(kept.port)).pid, pid, 'it runs without the host');
  host.end = undefined;
  await host.start();
  await waitFor('the taken over one', async () => { const now = await find(one.id); return now.status === 'running' && now.pid === pid; });
  assert.match((await call('GET', `${URL}/${one.id}/logs`)).logs, /listening on/);
  const again = await answers(lost.port);
  assert.notEqual(again.pid, other);
  assert.equal(again.env.WORD, 'still here');
  await waitFor('the other to be noted', async () => { const now = await find(two.id); return now.status === 'running' && now.pid === again.pid; });
  process.kill(pid, 'SIGKILL');
  await waitFor('a new process for the taken over one', async () => { const seen = await ask(kept.port); return seen && seen.pid !== pid; });
  await act(one.id, 'stop');
  await act(two.id, 'stop');
  assert.equal(await ask(kept.port), null);
});

// Takes the port of a deployment whose process is ending, as another program would.
const takePort = (port) => waitFor(`port ${port} to be free`, () => new Promise((resolve) => {
  const server = net.createServer();
  server.once('error', () => resolve(null));
  server.listen(port, '127.0.0.1', () => resolve(server));
}));

test('a port that is taken when the host starts is waited for, and so is a deployment that it is needed for', async () => {
  const base = await nodeApp('waits');
  const upper = await nodeApp('waits-for-it');
  const asked = await nodeApp('asked');
  const made = [await deploy({ repositoryId: base.id })];
  made.push(await deploy({ repositoryId: upper.id, dependsOn: [made[0].id] }), await deploy({ repositoryId: asked.id }));
  const pids = [];
  for (const one of made) pids.push((await act(one.id, 'start')).deployment.pid);
  await host.kill();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  const takers = [await takePort(base.port), await takePort(asked.port)];
  host.end = undefined;
  await host.start();
  await host.logged(new RegExp(`deployment ${made[0].id} could not be started, and is tried again in 2 s: Port ${base.port} is already in use`));
  for (const [one, reason] of [[made[0], `Port ${base.port} is already in use`], [made[1], `deployment ${made[0].id}, which this one needs, could not be started: Port ${base.port} is already in use`]]) {
    const now = await find(one.id);
    assert.deepEqual([now.status, now.pid, now.retry.reason], ['stopped', null, reason]);
    assert.equal(new Date(now.retry.at).toISOString(), now.retry.at);
  }
  assert.deepEqual(await act(made[2].id, 'start'), refused(500, `Port ${asked.port} is already in use`));
  const told = await find(made[2].id);
  assert.deepEqual([told.status, told.retry], ['error', undefined]);
  for (const taker of takers) taker.close();
  for (const one of made.slice(0, 2)) await waitFor(`deployment ${one.id} to run`, async () => { const now = await find(one.id); return now.status === 'running' && now.retry === undefined; });
  assert.equal((await find(made[2].id)).status, 'error');
  for (const one of made) await act(one.id, 'delete');
});

// When a process was started, in ticks of 10 ms since the machine was.
const startedTicks = (pid) => Number(fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[19]);

test('many that are gone are started again a few at a time, first those that somebody waits for', async () => {
  const repo = await nodeApp('many', { start: 'sleep 1000' });
  const made = [];
  for (let i = 0; i < 20; i++) made.push(await deploy({ repositoryId: repo.id, name: `many ${i}` }));
  const pids = (await Promise.all(made.map((one) => act(one.id, 'start')))).map((reply) => reply.deployment.pid);
  await host.kill();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  host.end = undefined;
  await host.start();
  const last = await act(made.at(-1).id, 'stop');
  assert.deepEqual(last, { status: 200, success: true, message: 'Deployment stopped' });
  const rest = made.slice(0, -1).map((one) => one.id);
  const rows = await waitFor('all of them to run', async () => {
    const now = (await call('GET', URL)).deployments.filter((one) => rest.includes(one.id));
    return now.every((one) => one.status === 'running' && !pids.includes(one.pid)) && now;
  });
  const ticks = rows.map((one) => startedTicks(one.pid)).sort((a, b) => a - b);
  for (let i = 8; i < ticks.length; i++) assert.ok(ticks[i] - ticks[i - 8] >= 45, `eight have half a second before the next: ${ticks}`);
  assert.equal((await find(made.at(-1).id)).status, 'stopped');
});
