// The configuration: `check` names file, line and the right name; a running host keeps the old one where the new one is bad.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { test, before, after } = require('node:test');
const { startHost } = require('./lib/host.js');

let host;
before(async () => { host = await startHost(); });
after(() => host.stop());

test('check passes on a good configuration', async () => {
  const check = await host.command('check');
  assert.equal(check.code, 0, check.stderr + check.stdout);
});

test('check names file, line and the nearest name', async () => {
  host.writeConfig('\nlisten "127.0.0.1:8765" { famly = "observability" }\n');
  const check = await host.command('check');
  assert.equal(check.code, 1);
  assert.match(check.stdout + check.stderr, /backplane\.lua:3/);
  assert.match(check.stdout + check.stderr, /family/);
  host.writeConfig('');
});

test('check reports a syntax error with its line', async () => {
  host.writeConfig('\n\nmodule "git" {\n');
  const check = await host.command('check');
  assert.equal(check.code, 1);
  assert.match(check.stdout + check.stderr, /backplane\.lua:\d+/);
  host.writeConfig('');
});

test('a configuration cannot reach the operating system', async () => {
  for (const hostile of ['os.execute("true")', 'io.open("/etc/passwd")', 'require("os")', 'while true do end']) {
    host.writeConfig(`${hostile}\n`);
    assert.equal((await host.command('check')).code, 1, hostile);
  }
  host.writeConfig('');
});

test('SIGHUP with a bad configuration keeps the old one and says why', async () => {
  host.writeConfig('nonsense "here" {}\n');
  host.child.kill('SIGHUP');
  await host.logged(/backplane\.lua:2/);
  assert.equal((await host.request('GET', '/ready')).status, 200);
  const reload = await host.control('POST', '/api/backplane/reload', { headers: host.adminHeaders() });
  assert.equal(reload.status, 400);
  assert.match(reload.text, /nonsense/);
  host.writeConfig('');
  assert.equal((await host.control('POST', '/api/backplane/reload', { headers: host.adminHeaders() })).status, 200);
});

test('an empty configuration, as while it is being written, keeps the old one', async () => {
  const full = fs.readFileSync(host.configFile);
  fs.writeFileSync(host.configFile, '');
  const reload = await host.control('POST', '/api/backplane/reload', { headers: host.adminHeaders() });
  assert.equal(reload.status, 400);
  assert.match(reload.text, /is empty or has no listen line/);
  assert.equal((await host.request('GET', '/ready')).status, 200);
  assert.equal((await host.command('check')).code, 1);
  fs.writeFileSync(host.configFile, full);
});

test('an unknown command or option is refused with the nearest name', async () => {
  const unknown = await host.command('statsu');
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /did you mean "status"/);
  const option = await host.command('status', '--jsn');
  assert.equal(option.code, 2);
  assert.match(option.stderr, /did you mean "--json"/);
});
