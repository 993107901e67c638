// Modules that are enabled while the host runs, with migrations that take long: everything else goes on, and a second change or a stop
// need not wait for their end.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { test } = require('node:test');
const { startHost } = require('./lib/host.js');
const { waitFor } = require('./lib/client.js');

const plugin = (kind) => `module "${kind}-tables" { path = "${process.env.BACKPLANE_TEST_PLUGINS}/test_${kind}_tables.so" }\n`;
const SLOW = plugin('slow');
const ENDLESS = plugin('endless');
const OTHER = 'module "documents"\n';

function reload(host, config) {
  host.writeConfig(config);
  return host.control('POST', '/api/backplane/reload', { headers: host.adminHeaders() });
}

async function phase(host, id) {
  const reply = await host.request('GET', `/api/backplane/modules/${id}`);
  return reply.status === 200 ? reply.json().phase : null;
}

const isWaiting = (host, id) => waitFor('the tables to be in the making', async () => (await phase(host, id)) === 'loaded', () => host.stderr);

test('requests are answered while the tables of a new module are made', async () => {
  const host = await startHost({ config: OTHER });
  let isOver = false;
  const answer = reload(host, OTHER + SLOW).finally(() => { isOver = true; });
  let meanwhile = 0;
  while (!isOver) {
    assert.equal((await host.request('GET', '/f/documents/documents')).status, 200);
    if ((await phase(host, 'slow-tables')) === 'loaded') meanwhile += 1;
  }
  assert.equal((await answer).status, 200, (await answer).text);
  assert.deepEqual((await answer).json(), { ok: true, failed: [] });
  assert.ok(meanwhile > 0, 'nothing was answered while the tables were made');
  assert.deepEqual((await host.request('GET', '/f/slow-tables/rows')).json(), { rows: 100000 });
  await host.stop();
});

test('a change during a start follows it, and gives up what it takes away', async () => {
  const host = await startHost({ config: OTHER });
  const first = reload(host, OTHER + ENDLESS);
  await isWaiting(host, 'endless-tables');
  const second = await reload(host, OTHER + 'module "observability"\n');
  assert.equal(second.status, 200, second.text);
  assert.equal((await first).status, 200);
  assert.equal(await phase(host, 'endless-tables'), null);
  assert.equal(await phase(host, 'observability'), 'started');
  assert.match(host.stderr, /endless-tables.*given up half-way/);
  assert.equal((await reload(host, OTHER)).status, 200);
  assert.equal(await phase(host, 'observability'), null);
  await host.stop();
});

test('two changes in a row are both made, the second after the first', async () => {
  const host = await startHost({ config: OTHER });
  const first = reload(host, OTHER + SLOW);
  await isWaiting(host, 'slow-tables');
  const second = await reload(host, SLOW);
  assert.equal(second.status, 200, second.text);
  assert.equal((await first).status, 200);
  assert.deepEqual([await phase(host, 'slow-tables'), await phase(host, 'documents')], ['started', null]);
  await host.stop();
});

test('a stop does not wait for a migration', async () => {
  const host = await startHost({ config: OTHER });
  const answer = reload(host, OTHER + ENDLESS);
  await isWaiting(host, 'endless-tables');
  host.child.kill('SIGTERM');
  assert.equal((await answer).status, 503);
  await host.exited;
  assert.doesNotMatch(host.stderr, /without waiting/);
  host.end = await host.exited;
  await host.stop();
});

test('what does not start is named, in the answer and by the command; all else stays', async () => {
  const host = await startHost({ config: `${OTHER}include "modules.d/*.lua"\n` });
  fs.mkdirSync(`${host.folder}/modules.d`);
  fs.writeFileSync(`${host.folder}/modules.d/broken-tables.lua.disabled`, plugin('broken'));
  const enabled = await host.command('module', 'enable', 'broken-tables');
  assert.equal(enabled.code, 1);
  assert.match(enabled.stderr, /"broken-tables" is enabled but does not run: store: migration "1" failed: UNIQUE constraint/);
  const answer = await host.control('POST', '/api/backplane/reload', { headers: host.adminHeaders() });
  assert.deepEqual(answer.json().failed.map((module) => module.id), ['broken-tables']);
  assert.equal((await host.request('GET', '/f/documents/documents')).status, 200);
  const again = await host.command('reload');
  assert.equal(again.code, 1);
  assert.match(again.stderr, /module "broken-tables" does not run: store: migration "1" failed/);
  assert.equal((await host.command('module', 'disable', 'broken-tables')).code, 0);
  assert.equal((await host.command('reload')).code, 0);
  await host.stop();
});
