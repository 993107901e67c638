// Starting and stopping: the host's own routes answer, commands find the running host, SIGTERM ends it cleanly.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { startHost } = require('./lib/host.js');

let host;
before(async () => { host = await startHost(); });
after(() => host.stop());

test('health and ready answer', async () => {
  const health = await host.request('GET', '/health');
  assert.equal(health.status, 200);
  assert.equal(health.json().status, 'healthy');
  assert.equal((await host.request('GET', '/ready')).status, 200);
});

test('the start page is plain, and forbids scripts', async () => {
  const page = await host.request('GET', '/');
  assert.equal(page.status, 200);
  assert.match(page.headers['content-type'], /^text\/html/);
  assert.match(page.headers['content-security-policy'], /default-src 'none'/);
  assert.match(page.text, /Backplane/);
});

test('the start page says where to go, one row a port', async () => {
  const listeners = 'listen "127.0.0.1:8765" { family = "observability" }\nlisten "[::1]:8765" { family = "observability" }\n';
  const other = await startHost({ config: `${listeners}module "observability"\n`, ports: [8765] });
  const page = (await other.request('GET', '/')).text;
  const origin = `http://127.0.0.1:${other.port(8765)}`;
  for (const place of ['/docs', '/sessions']) assert.ok(page.includes(`<a href="${origin}${place}">${place}</a>`), page);
  assert.doesNotMatch(page, /\{session_id\}|\[::1\]/);
  const stranger = await other.request('GET', '/', { headers: { 'x-forwarded-for': '192.0.2.1' } });
  assert.deepEqual([stranger.status, stranger.text.includes('/docs'), stranger.text.includes('/sessions')], [200, true, false]);
  await other.stop();
});

test('metrics are in the Prometheus text format', async () => {
  const metrics = await host.request('GET', '/metrics');
  assert.equal(metrics.status, 200);
  assert.match(metrics.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  assert.match(metrics.text, /^# TYPE backplane_[a-z_]+ (counter|gauge|histogram)$/m);
});

test('openapi describes the host\'s own routes', async () => {
  const document = (await host.request('GET', '/openapi.json')).json();
  assert.match(document.openapi, /^3\.1\./);
  assert.ok(document.paths['/api/backplane/modules'].get);
});

test('an unknown path is a problem document', async () => {
  const reply = await host.request('GET', '/no-such-path');
  assert.equal(reply.status, 404);
  assert.match(reply.headers['content-type'], /^application\/problem\+json/);
  assert.equal(reply.json().status, 404);
});

test('admin routes want the admin token, also over the control socket', async () => {
  assert.ok([401, 403].includes((await host.request('GET', '/api/backplane/tokens')).status));
  assert.ok([401, 403].includes((await host.control('GET', '/api/backplane/tokens')).status));
  assert.equal((await host.control('GET', '/api/backplane/tokens', { headers: host.adminHeaders() })).status, 200);
});

test('the state folder and what is in it are private', () => {
  assert.equal(fs.statSync(host.state).mode & 0o777, 0o700);
  for (const name of ['admin.token', 'control.sock']) {
    assert.equal(fs.statSync(path.join(host.state, name)).mode & 0o177, 0, name);
  }
});

test('status, modules and routes are told by the commands', async () => {
  const status = await host.command('status');
  assert.equal(status.code, 0, status.stderr);
  assert.match(status.stdout, /ready/);
  assert.equal(JSON.parse((await host.command('status', '--json')).stdout).ready, true);
  assert.equal((await host.command('modules')).code, 0);
  assert.match((await host.command('routes')).stdout, /GET +\/health/);
});

test('a second host on the same state folder is refused', async () => {
  const second = await host.command('run');
  assert.notEqual(second.code, 0);
  assert.match(second.stderr, /in use by process/);
});

test('a token is made, used, listed and revoked', async () => {
  const made = await host.command('token', 'create', 'editor', '--scope', 'read', '--json');
  assert.equal(made.code, 0, made.stderr);
  const { token, id } = JSON.parse(made.stdout);
  assert.match(token, /^[0-9a-f]{64}$/);
  assert.match((await host.command('token', 'list')).stdout, /editor/);
  assert.equal((await host.command('token', 'revoke', id)).code, 0);
  assert.doesNotMatch((await host.command('token', 'list')).stdout, /editor/);
  assert.ok(!host.stderr.includes(token), 'the token is in the log');
});

test('a backup is made while the host runs', async () => {
  const file = path.join(host.folder, 'copy.db');
  const made = await host.command('backup', file);
  assert.equal(made.code, 0, made.stderr);
  assert.equal(fs.readFileSync(file).subarray(0, 15).toString(), 'SQLite format 3');
  assert.equal((await host.command('restore', file)).code, 1);
});
