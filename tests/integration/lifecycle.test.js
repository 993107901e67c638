// The process's life: listeners that follow modules and reloads, sockets from systemd, a state folder that must be private.
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const { Host, startHost } = require('./lib/host.js');
const { request, waitFor } = require('./lib/client.js');

const FAMILY = 'listen "127.0.0.1:8765" { family = "observability" }\n';
const MODULE = 'module "observability"\n';

function answers(host, port) {
  return host.request('GET', '/health', { port }).then(() => true, () => false);
}

test('a compatibility listener is open while a module of its family is', async () => {
  const host = await startHost({ config: FAMILY, ports: [8765] });
  assert.equal(await answers(host, 8765), false);
  host.writeConfig(FAMILY + MODULE);
  host.child.kill('SIGHUP');
  await waitFor('the listener to open', () => answers(host, 8765));
  host.writeConfig(FAMILY);
  host.child.kill('SIGHUP');
  await waitFor('the listener to close', async () => !(await answers(host, 8765)));
  await host.stop();
});

test('changed options reach a module that runs, and leave the others alone', async () => {
  const agent = (id) => `module "acp-gateway" { agents = { { id = "${id}", command = { "/bin/true" } } } }\n`;
  const host = await startHost({ config: MODULE + agent('first') });
  const names = async () => {
    const reply = await host.request('GET', '/f/acp-gateway/agents');
    return reply.status === 200 ? reply.json().data.agents.map((each) => each.id) : [];
  };
  const generation = async (id) => (await host.request('GET', `/api/backplane/modules/${id}`)).json().generation;
  assert.ok((await names()).includes('first'));
  host.writeConfig(MODULE + agent('second'));
  host.child.kill('SIGHUP');
  await waitFor('the new options', async () => (await names()).includes('second'));
  assert.equal((await names()).includes('first'), false);
  assert.deepEqual([await generation('acp-gateway'), await generation('observability')], [2, 1]);
  await host.stop();
});

test('a taken port is one warning that names its holder, and is tried again', async () => {
  const host = new Host({ config: FAMILY + MODULE, ports: [8765] });
  host.offset = 11300 + Math.floor(Math.random() * 11000);
  const holder = net.createServer().listen(host.port(8765), '127.0.0.1');
  holder.unref();
  await new Promise((resolve) => holder.once('listening', resolve));
  await host.start();
  assert.match(host.stderr, new RegExp(`warn .*port ${host.port(8765)}: taken by .*pid ${process.pid}`));
  await new Promise((resolve) => holder.close(resolve));
  host.child.kill('SIGHUP');
  await waitFor('the listener to open', () => answers(host, 8765));
  await host.stop();
});

test('a socket handed over by systemd is used', async () => {
  const host = new Host({});
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  const rules = JSON.stringify(path.join(process.env.BACKPLANE_SOURCE, 'scripts'));
  fs.writeFileSync(host.configFile, `listen "127.0.0.1:${port}"\npolicy { scripts = ${rules} }\n`);
  const words = ['run', '--config', host.configFile, '--state', host.state];
  const child = spawn('/bin/sh', ['-c', 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"', process.env.BACKPLANE_BIN, ...words], {
    stdio: ['ignore', 'pipe', 'pipe', server._handle],
  });
  let log = '';
  child.stderr.on('data', (text) => { log += text; });
  server.close();
  await waitFor('the host to be ready', () => /is ready/.test(log), () => log);
  assert.equal((await request('GET', '/health', { port })).status, 200);
  child.kill('SIGTERM');
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0, log);
  assert.doesNotMatch(log, /warn/);
  fs.rmSync(host.folder, { recursive: true, force: true });
});

test('a state folder that others can read is refused with the fix', async () => {
  const host = new Host({});
  fs.mkdirSync(host.state, { mode: 0o755 });
  fs.chmodSync(host.state, 0o755);
  host.offset = 0;
  const end = await host.command('run');
  assert.equal(end.code, 1);
  assert.match(end.stderr, /is open to other users \(mode 0755\): .*chmod 700/);
  fs.rmSync(host.folder, { recursive: true, force: true });
});

test('the one-time link is printed, and never logged', async () => {
  const host = await startHost();
  await waitFor('the link', () => /#code=[0-9a-f]{64}/.test(host.stdout));
  assert.doesNotMatch(host.stderr, /code=/);
  assert.doesNotMatch(fs.readFileSync(`${host.state}/log/backplane.log`, 'utf8'), /code=/);
  await host.stop();
});
