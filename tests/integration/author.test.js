// A plugin author's way, with nothing but an installation: install to a prefix, start a plugin in an empty folder, build it (with the
// CMake package, and with pkg-config and one line of gcc), run its unit test, enable it, call it, change its rule.
'use strict';

const assert = require('node:assert');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');

const ID = 'org.example.my-notes';
const ROUTE = '/f/org-example-my-notes/notes';
const BUILD = path.dirname(path.dirname(process.env.BACKPLANE_BIN));

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-author-'));
const prefix = path.join(folder, 'prefix');
const plugin = path.join(folder, 'work', ID);
process.env.BACKPLANE_BIN = path.join(prefix, 'bin/backplane');
process.env.BACKPLANE_MODULES = path.join(prefix, 'lib/backplane/modules');
const { startHost, command, freeOffset } = require('./lib/host.js');
const { openEventStream } = require('./lib/client.js');

const environment = { ...process.env, PKG_CONFIG_PATH: path.join(prefix, 'lib/pkgconfig') };
const run = (program, ...words) => execFileSync(program, words, { cwd: plugin, env: environment, encoding: 'utf8' });
const pkgConfig = (...words) => run('pkg-config', ...words).trim().split(/\s+/);

let host;
before(() => {
  execFileSync('cmake', ['--install', BUILD, '--prefix', prefix], { stdio: 'ignore' });
  fs.mkdirSync(path.dirname(plugin));
});
after(async () => {
  if (host) await host.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

test('plugin new writes a plugin, and never over another', async () => {
  const made = await command(['plugin', 'new', ID], { cwd: path.dirname(plugin) });
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, new RegExp(`module enable ${ID.replaceAll('.', '\\.')}`));
  assert.deepEqual(fs.readdirSync(plugin).sort(), ['CMakeLists.txt', 'README.md', `${ID}.c`, 'scripts', `test_${ID}.c`]);
  for (const name of fs.readdirSync(plugin, { recursive: true }).filter((each) => fs.statSync(path.join(plugin, each)).isFile())) {
    assert.doesNotMatch(fs.readFileSync(path.join(plugin, name), 'utf8'), /@(ID|PREFIX|FAMILY)@/, name);
  }
  const again = await command(['plugin', 'new', ID], { cwd: path.dirname(plugin) });
  assert.equal(again.code, 1);
  assert.match(again.stderr, /exists already/);
});

test('an installed host finds the configuration, the modules and the rules that were installed with it', async () => {
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: '' };
  const offset = await freeOffset([8700, 8765, 8766, 8767, 3006, 3000, 3001, 4097, 8000]);
  const words = ['--state', path.join(folder, 'state'), '--port-offset', String(offset)];
  const checked = spawnSync(process.env.BACKPLANE_BIN, ['check', ...words], { env, encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  const doctor = spawnSync(process.env.BACKPLANE_BIN, ['doctor', ...words], { env, encoding: 'utf8' });
  const file = ['/etc/backplane/backplane.lua', path.join(prefix, 'etc/backplane/backplane.lua')].find((each) => fs.existsSync(each));
  assert.ok(doctor.stdout.includes(`"${file}"`), doctor.stdout);
});

test('ids that are none, or the host\'s own, are refused', async () => {
  for (const id of ['../evil', 'Upper', 'a b', 'bp.x', 'x'.repeat(65)]) {
    const refused = await command(['plugin', 'new', id], { cwd: path.dirname(plugin) });
    assert.equal(refused.code, 2, id);
  }
  assert.deepEqual(fs.readdirSync(path.dirname(plugin)), [ID]);
});

test('it builds with the CMake package, and its unit test passes', () => {
  run('cmake', '-G', 'Ninja', '-B', 'build', `-DCMAKE_PREFIX_PATH=${prefix}`);
  run('cmake', '--build', 'build');
  assert.match(run('ctest', '--test-dir', 'build', '--output-on-failure'), /100% tests passed, 0 tests failed out of 1/);
  run('cmake', '--install', 'build');
  assert.ok(fs.existsSync(path.join(prefix, `lib/backplane/modules/${ID}.so`)));
  assert.ok(fs.existsSync(path.join(prefix, `share/backplane/scripts/${ID}/length.lua`)));
});

test('it builds with pkg-config and one line of gcc', async () => {
  run('gcc', '-Wall', '-Wextra', '-Werror', '-o', 'by-hand.so', `${ID}.c`, ...pkgConfig('--cflags', '--libs', 'backplane'));
  const inspected = await command(['inspect', path.join(plugin, 'by-hand.so'), '--json']);
  assert.equal(inspected.code, 0, inspected.stderr);
  assert.equal(JSON.parse(inspected.stdout).id, ID);
  run('gcc', '-o', 'test-by-hand', `${ID}.c`, `test_${ID}.c`, ...pkgConfig('--variable=testhost', 'backplane'));
  run('./test-by-hand');
});

test('it is enabled while the host runs, stores, answers and publishes', async () => {
  host = await startHost({ config: 'include "modules.d/*.lua"\n', scripts: path.join(prefix, 'share/backplane/scripts') });
  const enabled = await host.command('module', 'enable', ID);
  assert.equal(enabled.code, 0, enabled.stderr + enabled.stdout);
  const stream = await openEventStream(`/api/backplane/live?topics=${ID}.*&from=0`, { port: host.port() });
  const added = await host.request('POST', ROUTE, { body: { text: 'hello' } });
  assert.equal(added.status, 201, added.text);
  assert.equal(added.json().text, 'hello');
  const { notes } = (await host.request('GET', ROUTE)).json();
  assert.deepEqual(notes.map((note) => note.text), ['hello']);
  const seen = await stream.next((each) => each.data.includes('hello'));
  assert.match(seen.data, new RegExp(`"topic":"${ID}.added"`));
  stream.close();
  assert.equal((await host.request('POST', ROUTE, { body: { text: '' } })).status, 422);
});

test('its policy rule decides, and a changed rule acts after a reload', async () => {
  const rule = path.join(prefix, `share/backplane/scripts/${ID}/length.lua`);
  const post = (text) => host.request('POST', ROUTE, { body: { text } });
  const long = await post('x'.repeat(501));
  assert.equal(long.status, 403);
  assert.match(long.json().error, /at most 500 bytes/);
  fs.writeFileSync(rule, 'if request.text:find("secret", 1, true) then return deny("no secrets") end\nreturn #request.text <= 500\n');
  fs.rmSync(rule.replace(/lua$/, 'test.lua'));
  const reloaded = await host.request('POST', '/api/backplane/policy/reload', { headers: host.adminHeaders() });
  assert.equal(reloaded.status, 200, reloaded.text);
  const refused = await post('a secret');
  assert.equal(refused.status, 403);
  assert.match(refused.json().error, /no secrets/);
  assert.equal((await post('plain')).status, 201);
});
