// The examples of services, jobs, secrets and ports, loaded together: each route once, what a restart keeps, and the commands.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Host } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');

const EXAMPLES = path.join(path.dirname(process.env.BACKPLANE_MODULES), 'examples');
const NAMES = ['service-caller', 'service-greeter', 'job-count', 'secret-keeper', 'port-lease'];
const CONFIG = NAMES.map((name) => `module "org.example.${name}" { path = "${EXAMPLES}/org.example.${name}.so" }\n`).join('');
const SECRET = 'correct-horse-battery-staple';

let host;
before(async () => { host = await new Host({ config: CONFIG }).start(); });
after(() => host.stop());

const post = (target, body) => host.request('POST', target, { body });

async function killAndStart() {
  await host.kill();
  host.end = undefined;
  await host.start();
}

test('all are started', async () => {
  const { modules } = (await host.request('GET', '/api/backplane/modules')).json();
  assert.deepEqual(modules.map((module) => [module.id, module.phase]).sort(), NAMES.map((name) => [`org.example.${name}`, 'started']).sort());
});

test('a service is called by its name', async () => {
  const greet = (service, method, payload) => post('/call', { service, method, payload }).then((reply) => reply.json());
  assert.deepEqual(await greet('org.example.greeter/1', 'greet', { name: 'Ada' }), { status: 0, answer: { greeting: 'hello Ada' } });
  assert.deepEqual(await greet('org.example.greeter/1', 'greet', {}), { status: -1, error: '"name" is missing or no text' });
  assert.equal((await greet('org.example.greeter/1', 'sing', {})).status, -12);
  assert.equal((await greet('org.example.nobody/1', 'greet', {})).status, -3);
});

test('a service whose plugin is switched off is not found', async () => {
  host.writeConfig(CONFIG.replace(/module "org.example.service-greeter".*\n/, ''));
  await host.control('POST', '/api/backplane/reload', { headers: host.adminHeaders() });
  await waitFor('the service to be gone', async () => (await post('/call', { service: 'org.example.greeter/1', method: 'greet', payload: {} })).json().status === -3);
  host.writeConfig(CONFIG);
  await host.control('POST', '/api/backplane/reload', { headers: host.adminHeaders() });
  await waitFor('the service to be back',
    async () => (await post('/call', { service: 'org.example.greeter/1', method: 'greet', payload: { name: 'x' } })).json().status === 0);
});

const job = async (id) => (await host.request('GET', `/jobs/${id}`)).json();

test('a job is counted to its end, and the live log tells of it', async () => {
  const stream = await openEventStream('/api/backplane/live?topics=bp.job,bp.job.*', { port: host.port() });
  const begun = await post('/count', { to: 300 });
  assert.equal(begun.status, 202);
  const id = begun.json().job;
  const shown = await job(id);
  assert.deepEqual([shown.id, shown.module, shown.kind, shown.status, shown.can_cancel, shown.progress.total ?? 300],
    [id, 'org.example.job-count', 'example.count', 'running', true, 300]);
  assert.match(shown.principal, /^uid:/);
  await waitFor('the job to be done', async () => (await job(id)).status === 'done');
  const done = await job(id);
  assert.deepEqual([done.result, done.error, done.progress.done], [300, null, 300]);
  assert.ok(done.finished_at >= done.opened_at);
  await stream.next((event) => event.data.includes('"status":"done"'));
  const told = stream.events.map((event) => JSON.parse(event.data));
  const states = told.filter((event) => event.topic === 'bp.job').map((event) => event.data.status);
  assert.deepEqual(states, ['running', 'done']);
  const progress = told.filter((event) => event.topic === 'bp.job.progress');
  assert.ok(progress.length >= 1 && progress.length < 100, `${progress.length} events of progress`);
  assert.equal(progress[0].data.id, id);
  stream.close();
});

test('a job is cancelled, by a client and by the command', async () => {
  const { job: first } = (await post('/count', { to: 1000000 })).json();
  assert.equal((await post(`/jobs/${first}/cancel`)).status, 202);
  await waitFor('the job to be cancelled', async () => (await job(first)).status === 'cancelled');
  assert.equal((await post(`/jobs/${first}/cancel`)).status, 409);
  const { job: second } = (await post('/count', { to: 1000000 })).json();
  const command = await host.command('jobs', second, '--cancel');
  assert.equal(command.code, 0, command.stderr);
  await waitFor('the job to be cancelled', async () => (await job(second)).status === 'cancelled');
  const list = await host.command('jobs');
  assert.match(list.stdout, new RegExp(`${second}.*cancelled`));
});

test('jobs that are none', async () => {
  assert.equal((await host.request('GET', '/jobs/job_none')).status, 404);
  assert.equal((await post('/jobs/job_none/cancel')).status, 404);
  assert.equal((await post('/jobs/job_none')).status, 404);
  assert.equal((await host.request('GET', `/jobs/${'x'.repeat(500)}`)).status, 404);
  assert.equal((await host.request('GET', '/jobs?limit=0')).status, 400);
  assert.equal((await host.request('GET', '/jobs?before=x')).status, 400);
});

test('the list of jobs is paged and filtered', async () => {
  const all = (await host.request('GET', '/jobs')).json().jobs;
  const first = (await host.request('GET', '/jobs?limit=1')).json();
  const second = (await host.request('GET', `/jobs?limit=1&before=${first.next}`)).json();
  assert.deepEqual([first.jobs[0].id, second.jobs[0].id], [all[0].id, all[1].id]);
  const cancelled = (await host.request('GET', '/jobs?status=cancelled&module=org.example.job-count')).json().jobs;
  assert.deepEqual([...new Set(cancelled.map((each) => each.status))], ['cancelled']);
  assert.deepEqual((await host.request('GET', '/jobs?kind=other')).json().jobs, []);
});

test('a job of a host that was killed is lost', async () => {
  const { job: id } = (await post('/count', { to: 1000000 })).json();
  await waitFor('the job to be stored', async () => (await host.request('GET', '/jobs')).json().jobs.some((each) => each.id === id));
  await killAndStart();
  await waitFor('the job to be lost', async () => (await job(id)).status === 'lost');
  assert.equal((await job(id)).error, 'the host was stopped');
});

test('a secret is kept over kill -9, compared, and in no file or log', async () => {
  const compare = (value) => post('/secrets/token/compare', { value }).then((reply) => reply.json());
  assert.equal((await post('/secrets/token/compare', { value: 'x' })).status, 404);
  assert.equal((await host.request('PUT', '/secrets/token', { body: { value: SECRET } })).status, 204);
  assert.deepEqual(await compare(SECRET), { same: true });
  await killAndStart();
  assert.deepEqual(await compare(SECRET), { same: true });
  assert.deepEqual(await compare(`${SECRET}x`), { same: false });
  for (const name of fs.readdirSync(host.state, { recursive: true })) {
    const file = path.join(host.state, name);
    if (fs.statSync(file).isFile()) assert.ok(!fs.readFileSync(file).includes(SECRET), file);
  }
  assert.ok(!host.stderr.includes(SECRET));
  assert.equal(fs.statSync(path.join(host.state, 'secret.key')).mode & 0o777, 0o600);
});

test('the key of the secrets is changed by the command', async () => {
  const before = fs.readFileSync(path.join(host.state, 'secret.key'), 'utf8');
  const rotated = await host.command('secret', 'rotate');
  assert.equal(rotated.code, 0, rotated.stderr);
  assert.match(rotated.stdout, /^1 secrets are stored under key [0-9a-f]{16} now/);
  assert.notEqual(fs.readFileSync(path.join(host.state, 'secret.key'), 'utf8'), before);
  assert.deepEqual((await post('/secrets/token/compare', { value: SECRET })).json(), { same: true });
  await killAndStart();
  assert.deepEqual((await post('/secrets/token/compare', { value: SECRET })).json(), { same: true });
  assert.equal((await post('/api/backplane/secrets/rotate')).status, 403);
});

test('a lost key is said, with what to do', async () => {
  await host.kill();
  host.end = undefined;
  fs.unlinkSync(path.join(host.state, 'secret.key'));
  await host.start();
  const reply = await post('/secrets/token/compare', { value: SECRET });
  assert.equal(reply.status, 403);
  assert.match(reply.json().detail, /stored under key [0-9a-f]{16}, which is not here/);
  assert.match(reply.json().hint, /put the old secret.key back/);
});

test('a port belongs to a name, over kill -9, until it is given back', async () => {
  const lease = (name, query = '') => host.request('PUT', `/ports/${name}${query}`);
  const first = (await lease('web')).json().port;
  assert.ok(first >= 21240 && first <= 21259);
  assert.equal((await lease('web')).json().port, first);
  await killAndStart();
  assert.equal((await lease('web')).json().port, first);
  const refused = await lease('api', `?wanted=${first}`);
  assert.equal(refused.status, 409);
  assert.equal(refused.json().detail, `port ${first} is leased to "web" of module "org.example.port-lease"`);
  const own = await lease('api', `?wanted=${host.port()}`);
  assert.equal(own.status, 409);
  assert.match(own.json().detail, /is a listener of the configuration/);
  assert.equal((await host.request('DELETE', '/ports/web')).json().port, first);
  assert.equal((await host.request('DELETE', '/ports/web')).status, 404);
  assert.equal((await lease('api', `?wanted=${first}`)).json().port, first);
});
