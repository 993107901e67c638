// Commands that change something or look at files: module, inspect, backup and restore, logs, doctor, and the start link.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Host, command, startHost } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');

const PORT = 8765;
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "observability" }\ninclude "modules.d/*.lua"\n`;
const event = (session_id) => ({ event_type: 'session_start', session_id, session_name: session_id, timestamp: '2026-01-01T00:00:00Z' });

let host;
before(async () => { host = await startHost({ config: CONFIG, ports: [PORT] }); });
after(() => host.stop());

const isServed = () => host.request('GET', '/sessions', { port: PORT }).then((reply) => reply.status === 200, () => false);
const moduleFile = () => path.join(host.folder, 'modules.d', 'observability.lua');

test('a module is enabled while the host runs, and its port opens', async () => {
  assert.equal(await isServed(), false);
  const enabled = await host.command('module', 'enable', 'observability');
  assert.equal(enabled.code, 0, enabled.stderr + enabled.stdout);
  assert.match(enabled.stdout, /^module "observability" is enabled;/);
  assert.ok(fs.existsSync(moduleFile()));
  await waitFor('the port to open', isServed);
  const info = JSON.parse((await host.command('module', 'info', 'observability', '--json')).stdout);
  assert.equal(info.phase, 'started');
  assert.ok(info.route_count > 5);
});

test('reload puts a changed configuration in force, or says what is wrong with it and changes nothing', async () => {
  const agent = (id) => `module "acp-gateway" { agents = { { id = "${id}", command = { "/bin/true" } } } }\n`;
  const hasAgent = async (id) => (await host.request('GET', '/f/acp-gateway/agents')).text.includes(`"${id}"`);
  host.writeConfig(CONFIG + agent('first'));
  const loaded = await host.command('reload');
  assert.equal(loaded.code, 0, loaded.stderr);
  assert.match(loaded.stdout, /^the configuration is loaded; \d+ sets of rules are in force\n$/);
  await waitFor('the module', () => hasAgent('first'));
  host.writeConfig(`${CONFIG}${agent('second')}modul "documents" {}\n`);
  const refused = await host.command('reload');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /backplane\.lua:\d+: .*modul/);
  assert.ok(await hasAgent('first'));
  host.writeConfig(CONFIG);
  assert.equal((await host.command('reload')).code, 0);
  await waitFor('the module to go', async () => !(await hasAgent('first')));
});

test('an unknown module is refused, and nothing is left of it', async () => {
  const refused = await host.command('module', 'enable', 'no-such-module');
  assert.equal(refused.code, 1);
  assert.match(refused.stdout + refused.stderr, /no-such-module/);
  assert.deepEqual(fs.readdirSync(path.join(host.folder, 'modules.d')), ['observability.lua']);
  assert.equal((await host.command('module', 'enable', '../evil')).code, 2);
});

test('without --config and --modules it is the running host that is changed', async () => {
  for (const verb of ['enable', 'disable']) {
    const done = await command(['module', verb, 'documents', '--state', host.state]);
    assert.equal(done.code, 0, done.stderr + done.stdout);
  }
  assert.deepEqual(fs.readdirSync(path.join(host.folder, 'modules.d')), ['observability.lua']);
});

test('check and doctor look at the running host\'s configuration, too', async () => {
  const check = await command(['check', '--state', host.state, '--json']);
  assert.equal(check.code, 0, check.stderr + check.stdout);
  const doctor = await command(['doctor', '--state', host.state]);
  assert.match(doctor.stdout, new RegExp(`ok +configuration +"${host.configFile}"`));
});

test('a listener of a family nobody brings is told the nearest name', async () => {
  host.writeConfig(`listen "127.0.0.1:${PORT}" { family = "observabilty" }\ninclude "modules.d/*.lua"\n`);
  const check = await host.command('check');
  assert.equal(check.code, 1);
  assert.match(check.stdout, /backplane\.lua:2: .*did you mean "observability"/);
  host.writeConfig(CONFIG);
});

test('a stopped host is said to be stopped, with what to do', async () => {
  const status = await command(['status', '--state', path.join(host.folder, 'elsewhere')]);
  assert.equal(status.code, 1);
  assert.match(status.stderr, /no host is running .*elsewhere"\n +start one with `backplane run`, or name its folder with --state/);
  const version = await command(['--version']);
  assert.match(version.stdout, /^backplane \d+\.\d+\.\d+ \(plugin ABI 1\.\d+\)\n$/);
});

test('a misspelt module or set is told the nearest name', async () => {
  const misspelt = async (...words) => {
    const told = await host.command(...words);
    assert.equal(told.code, 1, words.join(' '));
    return told.stdout + told.stderr;
  };
  for (const verb of ['enable', 'disable', 'info']) assert.match(await misspelt('module', verb, 'observabilty'), /did you mean "observability"\?/, verb);
  assert.match(await misspelt('inspect', path.join(process.env.BACKPLANE_MODULES, 'documnts.so')), /did you mean "documents"\?/);
  assert.match(await misspelt('policy', 'test', 'validaton'), /did you mean "validation"\?/);
  assert.equal((await host.command('module', 'disable', 'documents')).code, 0, 'there is one, and it is off');
  for (const [words, right] of [[['plugin', 'nwe', 'x'], 'new'], [['help', 'lgos'], 'logs'], [['chek'], 'check']]) {
    const told = await command(words);
    assert.deepEqual([told.code, new RegExp(`did you mean "${right}"\\?`).test(told.stderr)], [2, true], words.join(' '));
  }
});

test('a wrong option is found by check, with file, line and the right name', async () => {
  const good = fs.readFileSync(moduleFile());
  fs.writeFileSync(moduleFile(), '\nmodule "observability" { retention_day = 3 }\n');
  const check = await host.command('check');
  assert.equal(check.code, 1);
  assert.match(check.stdout, /observability\.lua:2/);
  assert.match(check.stdout, /retention_days/);
  const asJson = JSON.parse((await host.command('check', '--json')).stdout);
  assert.equal(asJson.ok, false);
  assert.equal(asJson.findings[0].line, 2);
  fs.writeFileSync(moduleFile(), good);
  assert.equal((await host.command('check')).code, 0);
});

test('inspect tells what a plugin is, and refuses what is none', async () => {
  const file = path.join(process.env.BACKPLANE_MODULES, 'observability.so');
  const plugin = JSON.parse((await host.command('inspect', file, '--json')).stdout);
  assert.equal(plugin.id, 'observability');
  assert.ok(plugin.routes.some((route) => route.path === '/events' && route.method === 'POST'));
  const none = await host.command('inspect', host.configFile);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /backplane\.lua.*\n +a plugin is a shared library/);
});

test('the live stream shows what modules publish', async () => {
  const stream = await openEventStream('/api/backplane/live?topics=observability.%2A', { port: host.port() });
  assert.equal(stream.status, 200);
  assert.match(stream.headers['content-type'], /^text\/event-stream/);
  await host.request('POST', '/events', { port: PORT, body: event('watched') });
  const seen = await stream.next((each) => each.data.includes('watched'));
  assert.match(seen.data, /"topic":"observability\.event"/);
  stream.close();
  assert.equal((await host.request('GET', '/api/backplane/live?from=x')).status, 400);
});

test('the link printed at start opens one session, once, and its code is in no log', async () => {
  const code = /#code=([0-9a-f]{64})/.exec(host.stdout)[1];
  const opened = await host.request('POST', '/api/backplane/session', { body: { code } });
  assert.equal(opened.status, 201, opened.text);
  const { token } = opened.json();
  assert.equal((await host.request('GET', '/api/backplane/tokens', { headers: { authorization: `Bearer ${token}` } })).status, 200);
  assert.equal((await host.request('POST', '/api/backplane/session', { body: { code } })).status, 403);
  for (const secret of [code, token]) assert.ok(!host.stderr.includes(secret));
});

test('bodies that are not what a host route takes are told so', async () => {
  const headers = host.adminHeaders();
  const post = async (body) => (await host.request('POST', '/api/backplane/tokens', { headers: { ...headers, 'content-type': 'application/json' }, body })).status;
  assert.deepEqual([await post('{'), await post('[]'), await post('{}'), await post('{"name":7}')], [400, 400, 400, 400]);
  assert.equal(await post('{"name":"x","scopes":["root"]}'), 400);
  assert.equal(await post('{"name":"x","scopes":{}}'), 400);
  assert.equal(await post('{"name":"x","lifetime_s":-1}'), 400);
  const backup = await host.request('POST', '/api/backplane/backup', { headers, body: { path: 'relative.db' } });
  assert.equal(backup.status, 400);
});

test('logs shows the end of the log, by module if asked', async () => {
  const all = await host.command('logs', '-n', '1000');
  assert.equal(all.code, 0, all.stderr);
  assert.match(all.stdout, /host: backplane .* is ready/);
  const some = await host.command('logs', '--module', 'host', '--lines', '1');
  assert.match(some.stdout, /^\S+ \w+ +host: [^\n]*\n$/);
});

test('doctor finds nothing wrong here', async () => {
  const doctor = await host.command('doctor', '--json');
  assert.equal(doctor.code, 0, doctor.stdout);
  fs.chmodSync(path.join(host.state, 'admin.token'), 0o644);
  const complaint = await host.command('doctor');
  assert.equal(complaint.code, 1);
  assert.match(complaint.stdout, /failure +admin\.token/);
  fs.chmodSync(path.join(host.state, 'admin.token'), 0o600);
});

test('a module is disabled; an edited file is kept and taken up again', async () => {
  fs.appendFileSync(moduleFile(), '-- mine\n');
  assert.equal((await host.command('module', 'disable', 'observability')).code, 0);
  assert.ok(!fs.existsSync(moduleFile()));
  await waitFor('the port to close', async () => !(await isServed()));
  assert.equal((await host.command('module', 'enable', 'observability')).code, 0);
  await waitFor('the port to open again', isServed);
  assert.match(fs.readFileSync(moduleFile(), 'utf8'), /-- mine/);
});

test('a backup brings back what it held', async () => {
  const other = new Host({ config: `${CONFIG}module "observability" {}\n`, ports: [PORT] });
  const file = path.join(other.folder, 'copy.db');
  await other.start();
  await other.request('POST', '/events', { port: PORT, body: event('kept') });
  assert.equal((await other.command('backup', file)).code, 0);
  await other.request('POST', '/events', { port: PORT, body: event('later') });
  other.child.kill('SIGTERM');
  await other.exited;
  const restored = await other.command('restore', file);
  assert.equal(restored.code, 0, restored.stderr);
  other.end = undefined;
  await other.start();
  const { sessions } = (await other.request('GET', '/sessions', { port: PORT })).json();
  assert.deepEqual(sessions.map((session) => session.session_id), ['kept']);
  const elsewhere = await command(['restore', file, '--state', path.join(other.folder, 'fresh')]);
  assert.equal(elsewhere.code, 0, elsewhere.stderr);
  await other.stop();
});
