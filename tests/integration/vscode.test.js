// Editors of repositories with a stand-in for code-server (stand-ins/code-server.js); the real one is in tests/heavy/code-server.
'use strict';

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Host } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');

const PORT = 3006;
const FIRST = 11000 + Math.floor(Math.random() * 25) * 10; // ports given to repositories; below those of the hosts
const STAND_IN = path.join(__dirname, 'stand-ins/code-server.js');
const config = (more = '') => `listen "127.0.0.1:${PORT}" { family = "desktop" }
module "desktop" {}
module "deployments" {}
module "flow" {}
module "git" { roots = { "${host.folder}" } }
module "repositories" { first_port = ${FIRST}, last_port = ${FIRST + 40} }
module "vscode" { command = { "${process.execPath}", "${STAND_IN}" }, ready_timeout_s = 20 ${more} }
`;

let host;
before(async () => {
  host = new Host({ ports: [PORT], env: { PORT: '1', PASSWORD: 'x', VSCODE_PROXY_URI: 'y' } });
  host.writeConfig(config());
  await host.start();
});
after(async () => {
  if (!host.end) for (const one of (await call('GET', '/api/vscode/list')).repositories) await stop(one.id);
  await host.stop();
});

async function call(method, target, body) {
  const reply = await host.request(method, target, { port: PORT, body });
  return { status: reply.status, ...reply.json() };
}

const start = (repoId) => call('POST', '/api/vscode/start', { repoId });
const stop = (repoId) => call('POST', '/api/vscode/stop', { repoId });
const find = async (id) => (await call('GET', `/api/repositories?id=${id}`)).repository;
const refused = (status, error) => ({ status, success: false, error });
// What is dead and has not been waited for by its foster parent does not count.
const isAlive = (pid) => { try { return !/\) Z /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8')); } catch { return false; } };
const data = (id) => path.join(host.state, `modules/vscode/data/${id}`);
const seen = (id) => JSON.parse(fs.readFileSync(path.join(data(id), 'seen.json')));

// Ends the host and keeps its folder.
async function end() {
  host.child.kill('SIGTERM');
  await host.exited;
  host.end = undefined;
}

async function repository(name, mood) {
  const folder = path.join(host.folder, name);
  fs.mkdirSync(folder);
  if (mood) fs.writeFileSync(path.join(folder, 'stand-in.json'), JSON.stringify(mood));
  return (await call('POST', '/api/repositories', { name, path: folder, type: 'local' })).repository;
}

test('what is missing or unknown is refused with the known sentences', async () => {
  for (const body of [{}, { repoId: null }, { repoId: '' }, { repoId: 0 }]) {
    for (const action of ['start', 'stop']) assert.deepEqual(await call('POST', `/api/vscode/${action}`, body), refused(400, 'Repository ID is required'));
  }
  for (const repoId of [999, '999', 'x', -1, 1.5, {}]) {
    assert.deepEqual(await start(repoId), refused(404, 'Repository not found'));
    assert.deepEqual(await stop(repoId), refused(404, 'Repository not found'));
  }
  assert.deepEqual(await call('GET', '/api/vscode/changes/999'), refused(404, 'Repository not found'));
  for (const body of [{}, { repoId: 1 }, { file: 'x' }, { repoId: 1, file: '' }])
    assert.deepEqual(await call('POST', '/api/vscode/diff', body), refused(400, 'Repository ID and file are required'));
  assert.deepEqual(await call('POST', '/api/vscode/diff', { repoId: 999, file: 'x' }), refused(404, 'Repository not found'));
  const gone = (await call('POST', '/api/repositories', { name: 'gone', path: '/nowhere/at-all', type: 'local' })).repository;
  assert.deepEqual(await start(gone.id), refused(500, 'Repository path does not exist: /nowhere/at-all'));
  assert.deepEqual(await call('GET', '/api/vscode/start'), refused(404, 'Endpoint not found'));
});

test('start, start again, stop: arguments, environment, registry, events', async () => {
  const repo = await repository('edit me');
  const watch = await openEventStream('/api/backplane/live?topics=vscode.socket', { port: host.port() });
  const url = `http://localhost:${repo.port}`;
  const started = await start(repo.id);
  const { message, pid, ...rest } = started;
  assert.deepEqual(rest, { status: 200, success: true, url, port: repo.port, repoId: repo.id });
  assert.equal(message, 'Code-server started');
  const told = seen(repo.id);
  assert.equal(told.pid, pid);
  assert.deepEqual(told.argv, ['--bind-addr', `127.0.0.1:${repo.port}`, '--auth', 'none', '--disable-telemetry', '--disable-update-check',
    '--ignore-last-opened', '--config', '/dev/null', '--user-data-dir', data(repo.id), repo.path]);
  for (const name of ['PORT', 'PASSWORD', 'VSCODE_PROXY_URI']) assert.ok(!told.env.includes(name), name);
  assert.equal(fs.statSync(data(repo.id)).mode & 0o777, 0o700);
  const row = await find(repo.id);
  assert.deepEqual([row.running, row.pid, row.url], [true, pid, url]);
  assert.equal((await call('DELETE', `/api/repositories/${repo.id}`)).error, 'Cannot delete running repository. Stop it first.');
  const again = await start(String(repo.id));
  assert.deepEqual([again.message, again.url, again.port], ['Code-server already running', url, repo.port]);

  assert.deepEqual(await stop(String(repo.id)), { status: 200, success: true, message: 'Code-server stopped' });
  assert.ok(!isAlive(pid) && !isAlive(told.child), 'both processes are gone');
  const after = await find(repo.id);
  assert.deepEqual([after.running, after.pid, after.url], [false, null, null]);
  assert.equal((await stop(repo.id)).message, 'Code-server stopped');
  const events = () => watch.events.map((event) => JSON.parse(event.data).data);
  await waitFor('two events', () => events().length >= 2);
  assert.deepEqual(events(), [
    { family: 'desktop', event: 'vscode:updated', room: '', args: [{ repoId: repo.id, action: 'start', url, port: repo.port }] },
    { family: 'desktop', event: 'vscode:updated', room: '', args: [{ repoId: repo.id, action: 'stop' }] },
  ]);
  watch.close();
});

test('the answer comes when it is ready, and to all who asked', async () => {
  const repo = await repository('slow', { delay: 1500 });
  const replies = await Promise.all([start(repo.id), start(repo.id), start(repo.id)]);
  for (const reply of replies) assert.deepEqual([reply.status, reply.pid], [200, replies[0].pid]);
  await new Promise((resolve, reject) => { const socket = net.connect(repo.port, '127.0.0.1', () => { socket.destroy(); resolve(); }); socket.on('error', reject); });
  const [stopped, restarted] = await Promise.all([stop(repo.id), start(repo.id)]);
  assert.equal(stopped.message, 'Code-server stopped');
  assert.equal(restarted.status, 200);
  await stop(repo.id);
});

test('one that ends before it is ready, and one that is stopped before', async () => {
  const short = await repository('short', { exit: 4 });
  const failed = await start(short.id);
  assert.deepEqual(failed, refused(500, 'code-server ended before it was ready; it said: cannot open the workbench'));
  assert.equal((await find(short.id)).running, false);
  const never = await repository('never', { health: 500 });
  const waiting = start(never.id);
  await waitFor('its process', () => fs.existsSync(path.join(data(never.id), 'seen.json')));
  assert.equal((await stop(never.id)).status, 200);
  assert.match((await waiting).error, /^it was stopped before it was ready/);
  assert.ok(!isAlive(seen(never.id).pid));
});

test('a taken port is named', async () => {
  const repo = await repository('taken');
  const server = net.createServer();
  await new Promise((resolve) => { server.listen(repo.port, '127.0.0.1', resolve); });
  assert.deepEqual(await start(repo.id), refused(500, `Port ${repo.port} is already in use`));
  await new Promise((resolve) => { server.close(resolve); });
  assert.equal((await start(repo.id)).status, 200);
  await stop(repo.id);
});

test('one that dies is noted', async () => {
  const repo = await repository('dies');
  const { pid } = await start(repo.id);
  const { child } = seen(repo.id);
  process.kill(pid, 'SIGKILL');
  await waitFor('the registry to know', async () => !(await find(repo.id)).running);
  await waitFor('its second process to be gone', () => !isAlive(child));
  assert.equal((await start(repo.id)).status, 200);
  await stop(repo.id);
});

test('list and status', async () => {
  const list = await call('GET', '/api/vscode/list');
  assert.deepEqual(Object.keys(list), ['status', 'success', 'repositories']);
  assert.deepEqual(list.repositories, (await call('GET', '/api/repositories')).repositories, 'no counts for what is not under git');
  await call('POST', '/api/deployments', { repositoryId: list.repositories[0].id, name: 'listed' });
  await call('POST', '/api/flow-builder/sessions', { prompt: 'the older one' });
  await call('POST', '/api/flow-builder/sessions', { prompt: 'a picture' });
  const status = (await host.request('GET', '/api/vscode/status', { port: PORT })).json();
  const flows = (await call('GET', '/api/flow-builder/sessions')).sessions;
  assert.deepEqual(flows.map((one) => one.title), ['a picture', 'the older one']);
  const { deployments } = await call('GET', '/api/deployments');
  assert.equal(deployments[0].name, 'listed');
  assert.deepEqual(status, { success: true, repositories: list.repositories, deployments, flows });
});

test('changes and diff of a repository under git, and counts in the list', async () => {
  const folder = path.join(host.folder, 'versioned');
  const git = (...words) => execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...words]);
  fs.mkdirSync(folder);
  for (const name of ['kept', 'changed', 'removed']) fs.writeFileSync(path.join(folder, name), `${name}\n`);
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'first');
  fs.writeFileSync(path.join(folder, 'changed'), 'changed twice\n');
  fs.rmSync(path.join(folder, 'removed'));
  fs.writeFileSync(path.join(folder, 'staged'), 'staged\n');
  git('add', 'staged');
  fs.writeFileSync(path.join(folder, 'new file'), 'new\n');
  const { id } = (await call('POST', '/api/repositories', { name: 'versioned', path: folder, type: 'git' })).repository;
  assert.deepEqual(await call('GET', `/api/vscode/changes/${id}`),
    { status: 200, success: true, changes: { modified: ['changed'], added: ['staged'], deleted: ['removed'], untracked: ['new file'] } });
  const row = (await call('GET', '/api/vscode/list')).repositories.find((one) => one.id === id);
  assert.deepEqual([row.modified, row.added, row.deleted], [1, 2, 1]);
  const diff = async (file) => (await call('POST', '/api/vscode/diff', { repoId: String(id), file })).diff;
  assert.match(await diff('changed'), /^-changed\n\+changed twice$/m);
  assert.match(await diff('new file'), /^\+new$/m);
  assert.equal(await diff('kept'), 'No changes');
  for (const file of ['../../etc/passwd', '--output=/tmp/x', '/etc/passwd']) {
    const reply = await call('POST', '/api/vscode/diff', { repoId: id, file });
    assert.ok(!JSON.stringify(reply).includes('root:'), file);
  }
});

test('a folder without git has no changes, and says why', async () => {
  const { id } = await repository('plain');
  const reply = await call('GET', `/api/vscode/changes/${id}`);
  assert.equal(reply.status, 200);
  assert.deepEqual(reply.changes, { modified: [], added: [], deleted: [], untracked: [] });
  assert.ok(reply.error.length > 0);
  assert.equal((await call('POST', '/api/vscode/diff', { repoId: id, file: 'x' })).success, false);
});

test('an editor outlives the host; cleanup corrects what is left of one that did not', async () => {
  const kept = await repository('kept');
  const lost = await repository('lost');
  const { pid } = await start(kept.id);
  const other = await start(lost.id);
  await host.kill();
  process.kill(other.pid, 'SIGKILL');
  assert.ok(isAlive(pid));
  host.end = undefined;
  await host.start();
  await waitFor('the lost one to be noted', async () => !(await find(lost.id)).running);
  const row = await find(kept.id);
  assert.deepEqual([row.running, row.pid], [true, pid]);
  assert.equal((await start(kept.id)).message, 'Code-server already running');
  assert.deepEqual(await call('POST', '/api/vscode/cleanup'), { status: 200, success: true, message: 'Cleanup completed', cleaned: 0 });
  await stop(kept.id);
  assert.ok(!isAlive(pid) && !isAlive(seen(kept.id).child));
});

test('without code-server, how to get it; and an editor nobody uses is stopped', async () => {
  const repo = await repository('idle');
  const used = await repository('used', { heartbeat: 'now' });
  host.writeConfig(config(', idle_stop_s = 1'));
  await end();
  await host.start();
  await start(repo.id);
  await start(used.id);
  await waitFor('the unused one to be stopped', async () => !(await find(repo.id)).running);
  assert.equal((await find(used.id)).running, true);
  await stop(used.id);
  host.writeConfig(config().replace(/command = {[^}]*}/, 'command = { "there-is-no-code-server" }'));
  await end();
  await host.start();
  const reply = await start(repo.id);
  assert.equal(reply.status, 500);
  assert.match(reply.error, /^code-server is not installed: .*npm install -g code-server/);
});
