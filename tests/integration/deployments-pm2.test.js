// Deployments under the real PM2, with a PM2_HOME of their own: start, figures, logs, crash, cluster, a daemon that dies, another host.
'use strict';

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { promisify } = require('node:util');
const { test, before, after } = require('node:test');
const { Host } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');

const PORT = 3006;
const URL = '/api/deployments';
const FIRST = 30000 + Math.floor(Math.random() * 250) * 10; // ports given to repositories; above those of the hosts
const PM2 = path.join(path.dirname(require.resolve('pm2/package.json')), 'bin/pm2');
const PROGRAM = `const http = require('node:http');
console.log('listening on', process.env.PORT, '\\u{1f600}');
http.createServer((query, reply) => {
  if (query.url === '/crash') { console.error('it went wrong'); process.exit(3); }
  reply.end(JSON.stringify({ pid: process.pid, env: process.env, argv: process.argv.slice(2) }));
}).listen(process.env.PORT, '127.0.0.1');
`;

let host, home;
const config = () => `listen "127.0.0.1:${PORT}" { family = "desktop" }
module "desktop" {}
module "repositories" { first_port = ${FIRST}, last_port = ${FIRST + 60} }
module "deployments" { node = "${process.execPath}", supervisor = "pm2", pm2 = "${PM2}", pm2_home = "${home}" }
`;

const cli = (...words) => promisify(execFile)(process.execPath, [PM2, ...words], { env: { PATH: process.env.PATH, HOME: host.folder, PM2_HOME: home } });
const daemonPid = () => Number(fs.readFileSync(path.join(home, 'pm2.pid'), 'utf8'));

before(async () => {
  host = new Host({ config: '', ports: [PORT] });
  home = path.join(host.folder, 'pm2');
  host.writeConfig(config());
  await host.start();
});
after(async () => {
  if (!host.end) for (const one of (await call('GET', URL)).deployments) await act(one.id, 'delete');
  if (!host.end) host.child.kill('SIGTERM'); // first the host, which would launch the daemon again
  await host.exited;
  await cli('kill').catch(() => {});
  await host.stop();
});

async function call(method, target, body) {
  const reply = await host.request(method, target, { port: PORT, body });
  return { status: reply.status, ...reply.json() };
}

const isAlive = (pid) => { try { return !/\) Z /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8')); } catch { return false; } };
const act = (id, action) => call('POST', `${URL}/${id}/action`, { action });
const find = async (id) => (await call('GET', URL)).deployments.find((one) => one.id === id);
const processes = async (name) => (await call('GET', '/api/pm2-processes')).processes.filter((one) => one.name === name);

function ask(port, target = '/') {
  return new Promise((resolve) => {
    const query = http.get({ host: '127.0.0.1', port, path: target, agent: false, timeout: 3000 }, (reply) => {
      let text = '';
      reply.on('data', (piece) => { text += piece; });
      reply.on('end', () => resolve(JSON.parse(text)));
    });
    query.on('timeout', () => query.destroy());
    query.on('error', () => resolve(null));
  });
}
const answers = (port) => waitFor(`a program on port ${port}`, () => ask(port));

async function deploy(name, fields, scripts = { start: 'node index.js' }) {
  const folder = path.join(host.folder, name);
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name, scripts }));
  fs.writeFileSync(path.join(folder, 'index.js'), PROGRAM);
  const repo = (await call('POST', '/api/repositories', { name, path: folder, type: 'local' })).repository;
  const made = await call('POST', URL, { repositoryId: repo.id, ...fields });
  assert.equal(made.status, 200, made.error);
  return { ...made.deployment, process: `deploy-${made.deployment.id}-${name}` };
}

const nothing = { status: 200, success: true, processes: [], count: 0 };
const hasDaemon = () => { try { return isAlive(daemonPid()); } catch { return false; } };

test('no daemon is launched for nothing, and the list is empty', async () => {
  await waitFor('an answer', async () => (await call('GET', '/api/pm2-processes')).status === 200);
  assert.deepEqual(await call('GET', '/api/pm2-processes'), nothing);
  assert.equal(hasDaemon(), false);
  assert.equal(fs.statSync(home).mode & 0o777, 0o700);
});

test('one that was ended on purpose stays away until a deployment is started', async () => {
  const one = await deploy('later');
  assert.equal((await act(one.id, 'start')).status, 200);
  await answers(one.port);
  await act(one.id, 'stop');
  await cli('kill');
  await host.logged(/the PM2 daemon has closed the connection/);
  await waitFor('an empty list', async () => (await call('GET', '/api/pm2-processes')).status === 200);
  host.child.kill('SIGTERM');
  await host.exited;
  host.end = undefined;
  await host.start();
  await waitFor('an empty list', async () => (await call('GET', '/api/pm2-processes')).status === 200);
  assert.deepEqual(await call('GET', '/api/pm2-processes'), nothing);
  assert.equal((await act(one.id, 'stop')).message, 'Deployment stopped');
  assert.equal(hasDaemon(), false);
  const together = await Promise.all([act(one.id, 'start'), act(one.id, 'start')]);
  assert.deepEqual(together.map((reply) => reply.status), [200, 200], together[0].error);
  await answers(one.port);
  assert.equal(hasDaemon(), true);
  assert.equal((await act(one.id, 'delete')).message, 'Deployment deleted');
});

test('start, figures, logs, events, restart, stop, delete', async () => {
  const one = await deploy('life', { customEnvVars: { API_KEY: 'canary-5521' } }, { start: 'node index.js "two words"' });
  const watch = await openEventStream('/api/backplane/live?topics=deployments.socket', { port: host.port() });
  const started = await act(one.id, 'start');
  assert.equal(started.status, 200, started.error);
  assert.equal(started.message, `Deployment started on port ${one.port}`);
  const seen = await answers(one.port);
  assert.deepEqual([seen.pid, seen.argv, seen.env.API_KEY, seen.env.NODE_ENV, seen.env.PORT], [started.deployment.pid, ['two words'], 'canary-5521', 'production', String(one.port)]);
  assert.equal((await act(one.id, 'start')).deployment.pid, seen.pid);

  const [row] = await processes(one.process);
  assert.deepEqual([row.status, row.pid, row.mode, row.instances, row.restarts, typeof row.id], ['online', seen.pid, 'fork', 1, 0, 'string']);
  assert.equal(new Date(row.uptime).toISOString(), row.uptime);
  await waitFor('its memory', async () => (await find(one.id)).memory > 1e6);
  assert.ok(!JSON.stringify([await call('GET', URL), await call('GET', '/api/pm2-processes')]).includes('canary-5521'));
  assert.ok(!host.stderr.includes('canary-5521'));
  await waitFor('its log', async () => (await call('GET', `${URL}/${one.id}/logs`)).logs.includes(`listening on ${one.port} \u{1f600}`));
  await waitFor('its log as an event', () => watch.events.some((event) => event.data.includes('deployment:logs') && event.data.includes('listening on')));
  watch.close();

  const restarted = await act(one.id, 'restart');
  assert.equal(restarted.message, 'Deployment restarted');
  assert.notEqual((await answers(one.port)).pid, seen.pid);
  assert.equal((await act(one.id, 'stop')).message, 'Deployment stopped');
  assert.equal(await ask(one.port), null);
  assert.equal((await processes(one.process))[0].status, 'stopped');
  assert.equal((await act(one.id, 'delete')).message, 'Deployment deleted');
  await waitFor('nothing of it', async () => (await processes(one.process)).length === 0);
});

test('a crash is repaired and noted; what cannot start says why', async () => {
  const one = await deploy('crash');
  await act(one.id, 'start');
  const first = await answers(one.port);
  await ask(one.port, '/crash');
  const second = await waitFor('the next process', async () => { const seen = await ask(one.port); return seen && seen.pid !== first.pid && seen; });
  await waitFor('it to be noted', async () => { const now = await find(one.id); return now.status === 'running' && now.pid === second.pid && now.restarts >= 1; });
  await act(one.id, 'stop');
  const bad = await deploy('bad', {}, { start: 'node missing.js' });
  const reply = await act(bad.id, 'start');
  assert.equal(reply.status, 500);
  assert.match(reply.error, /Cannot find module/);
  assert.equal((await find(bad.id)).status, 'error');
});

test('npm, and a cluster on one port', async () => {
  const npm = await deploy('npm', {}, { start: 'node index.js # npm' });
  assert.equal((await act(npm.id, 'start')).status, 200);
  await answers(npm.port);
  await act(npm.id, 'stop');
  assert.equal(await ask(npm.port), null, 'nothing is left of it');
  const many = await deploy('many', { instances: 2 });
  assert.equal((await act(many.id, 'start')).status, 200);
  const seen = new Map();
  await waitFor('two processes', async () => { const one = await ask(many.port); if (one) seen.set(one.pid, one.env.NODE_APP_INSTANCE); return seen.size === 2; });
  assert.deepEqual([...seen.values()].sort(), ['0', '1']);
  assert.deepEqual((await processes(many.process)).map((one) => [one.status, one.mode, one.instances]), [['online', 'cluster', 2], ['online', 'cluster', 2]]);
  await act(many.id, 'stop');
  assert.equal(await ask(many.port), null);
});

test('what others run there is listed and left alone', async () => {
  const file = path.join(host.folder, 'other.js');
  fs.writeFileSync(file, 'setInterval(() => {}, 1000)');
  await cli('start', file, '--name', 'other');
  const [other] = await processes('other');
  assert.equal(other.status, 'online');
  const one = await deploy('beside');
  await act(one.id, 'start');
  await act(one.id, 'delete');
  assert.equal((await processes('other'))[0].pid, other.pid);
  await cli('delete', 'other');
});

test('the next host finds what runs', async () => {
  const one = await deploy('kept');
  const { pid } = (await act(one.id, 'start')).deployment;
  await host.kill();
  assert.equal((await answers(one.port)).pid, pid);
  host.end = undefined;
  await host.start();
  await waitFor('it to be taken over', async () => { const now = await find(one.id); return now.status === 'running' && now.pid === pid; });
  await act(one.id, 'stop');
  assert.equal(await ask(one.port), null);
});

test('a daemon that dies is said, launched again, and its deployments with it', async () => {
  const one = await deploy('reborn');
  await act(one.id, 'start');
  const before = await answers(one.port);
  process.kill(daemonPid(), 'SIGKILL');
  await host.logged(/the PM2 daemon has closed the connection/);
  const after = await waitFor('it to run again', async () => { const seen = await ask(one.port); return seen && seen.pid !== before.pid && seen; });
  await waitFor('it to be noted', async () => { const now = await find(one.id); return now.status === 'running' && now.pid === after.pid; });
  assert.equal((await processes(one.process)).length, 1);
});

test('a daemon that dies while programs are being started leaves none behind', async () => {
  for (const isAnyWanted of [true, false]) {
    const kept = await deploy(`kept-${isAnyWanted}`);
    if (isAnyWanted) await act(kept.id, 'start');
    else for (const one of (await call('GET', URL)).deployments) await act(one.id, 'stop');
    const made = [];
    for (let i = 0; i < 4; i++) made.push(await deploy(`cut-${isAnyWanted}-${i}`));
    const starts = made.map((one) => act(one.id, 'start'));
    await waitFor('one of them', async () => (await Promise.all(made.map((one) => ask(one.port)))).some(Boolean));
    process.kill(daemonPid(), 'SIGKILL');
    await Promise.all(starts);
    for (const one of made) await act(one.id, 'stop');
    for (const one of made) await waitFor('its port to be free', async () => (await ask(one.port)) === null);
    const again = await act(made[0].id, 'start');
    assert.equal(again.status, 200, again.error);
    await answers(made[0].port);
    await act(made[0].id, 'stop');
  }
});
