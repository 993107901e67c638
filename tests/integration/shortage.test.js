// What runs out or cannot be used: disk space, descriptors, the state folder. And what must not come out: secrets.
'use strict';

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const { Host, startHost } = require('./lib/host.js');
const { pause, waitFor } = require('./lib/client.js');

const PORT = 8765;
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "observability" }\nmodule "observability" {}\n`;
const isRoot = process.getuid() === 0;
const event = (id, more = {}) => ({ event_type: 'message', session_id: id, session_name: id, timestamp: '2026-01-01T00:00:00Z', ...more });

// A folder on a file system of its own, or null where this user may not make one.
function smallDisk(folder, megabytes) {
  fs.mkdirSync(folder, { mode: 0o700 });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'backplane-test', folder], { stdio: 'ignore' });
  } catch {
    return null;
  }
  return folder;
}

test('a full disk: 507 for what writes, reads go on, and all is well when there is room again', { skip: !isRoot && 'only root can mount a small disk' }, async (t) => {
  const host = new Host({ config: CONFIG, ports: [PORT] });
  if (!smallDisk(host.state, 16)) return t.skip('no small disk can be mounted here');
  try {
    await host.start();
    const post = (id, more) => host.request('POST', '/events', { port: PORT, body: event(id, more) });
    assert.equal((await post('before')).status, 200);
    fs.writeFileSync(path.join(host.state, 'filling'), Buffer.alloc(4 << 20));
    let acknowledged = 0;
    let refused = null;
    for (let n = 0; n < 400 && !refused; n++) {
      const reply = await post('filler', { tool_output: 'x'.repeat(60000) });
      if (reply.status === 200) acknowledged++;
      else refused = reply;
    }
    assert.equal(refused && refused.status, 507, refused && refused.text);
    assert.match(refused.text, /"detail":"[^"]*(full|space)/);
    assert.equal((await host.request('GET', '/sessions', { port: PORT })).status, 200);
    assert.equal((await host.request('GET', '/events/before', { port: PORT })).json().events.length, 1);
    fs.rmSync(path.join(host.state, 'filling'));
    await waitFor('writes to work again', async () => (await post('after')).status === 200);
    const total = (await host.request('GET', '/events/filler?limit=1000', { port: PORT })).json().events.length;
    assert.ok(total >= acknowledged, `${acknowledged} were acknowledged, ${total} are there`);
    host.child.kill('SIGTERM');
    assert.deepEqual(await host.exited, { code: 0, signal: null }, host.stderr);
  } finally {
    if (!host.end) await host.kill();
    execFileSync('umount', [host.state]);
    fs.rmSync(host.folder, { recursive: true, force: true });
  }
});

function processorSeconds(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

test('descriptors run out: the host does not spin, and serves again when clients leave', async () => {
  const host = await startHost({ config: CONFIG, ports: [PORT], files: 64 });
  const openNow = () => fs.readdirSync(`/proc/${host.child.pid}/fd`).length;
  const before = openNow();
  const crowd = Array.from({ length: 200 }, () => net.connect(host.port(PORT), '127.0.0.1').on('error', () => {}));
  await pause(500);
  const busy = processorSeconds(host.child.pid);
  await pause(1000);
  assert.ok(processorSeconds(host.child.pid) - busy < 0.3, 'the host spins');
  for (const each of crowd) each.destroy();
  await waitFor('the host to serve again', async () => (await host.request('GET', '/sessions', { port: PORT }).catch(() => ({}))).status === 200);
  await waitFor('every descriptor to be closed', () => openNow() <= before + 2, () => `${before} before, ${openNow()} now`);
  await host.stop();
});

test('a state folder of somebody else is refused, naming both', { skip: !isRoot && 'only root can give a folder away' }, async () => {
  const host = new Host({});
  host.offset = 0;
  fs.mkdirSync(host.state, { mode: 0o700 });
  fs.chownSync(host.state, 65534, 65534);
  const end = await host.command('run');
  assert.equal(end.code, 1);
  assert.match(end.stderr, /belongs to user 65534, not to this user \(0\): choose another folder with --state/);
  fs.rmSync(host.folder, { recursive: true, force: true });
});

test('a state folder that cannot be written is refused, naming it', async () => {
  const host = new Host({});
  host.offset = 0;
  host.state = '/proc/sys/backplane';
  const end = await host.command('run');
  assert.equal(end.code, 1);
  assert.match(end.stderr, /"\/proc\/sys\/backplane"/);
  fs.rmSync(host.folder, { recursive: true, force: true });
});

// Everything under a folder, as one text.
function contents(folder) {
  let text = '';
  for (const name of fs.readdirSync(folder, { recursive: true })) {
    const file = path.join(folder, name);
    if (fs.statSync(file).isFile()) text += fs.readFileSync(file, 'latin1');
  }
  return text;
}

test('a token appears nowhere: not in logs, files, arguments or answers', async () => {
  const host = await startHost({ config: `log { level = "debug" }\n${CONFIG}`, ports: [PORT] });
  const made = JSON.parse((await host.command('token', 'create', 'canary', '--scope', 'read,write', '--json')).stdout);
  const canary = made.token;
  const headers = { authorization: `Bearer ${canary}` };
  const answers = [];
  const ask = async (method, target, options) => answers.push((await host.request(method, target, options)).text);
  await ask('GET', '/sessions', { port: PORT, headers });
  await ask('GET', `/nope?token=${canary}`, { port: PORT, headers });
  await ask('POST', '/events', { port: PORT, headers, body: '{' });
  await ask('GET', '/api/backplane/tokens', { headers: host.adminHeaders() });
  await ask('GET', '/api/backplane/status', { headers });
  await ask('GET', '/metrics', { headers });
  await ask('GET', '/sessions', { port: PORT, headers: { authorization: `Bearer ${canary.slice(0, 63)}x` } });
  const own = host.adminToken();
  assert.ok(!contents(path.join(host.state, 'log')).includes(own), 'the admin token is in the log');
  for (const secret of [canary, own]) {
    assert.ok(!host.stderr.includes(secret), 'in stderr');
    assert.ok(!host.stdout.includes(secret), 'in stdout');
    assert.ok(!answers.join('\n').includes(secret), 'in an answer');
    assert.ok(!fs.readFileSync(`/proc/${host.child.pid}/cmdline`, 'utf8').includes(secret), 'in the arguments');
  }
  assert.ok(!contents(host.state).includes(canary), 'in the state folder');
  await host.stop();
});
