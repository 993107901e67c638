// The corpora http-raw and json-bodies against the real host with a small echo module.
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { startHost } = require('./lib/host.js');
const { eachRow, exchange, expand, ownRows, rawBytes, rows, statuses } = require('./lib/corpus.js');

const PORT = 8767;
const PLUGIN = path.join(process.env.BACKPLANE_TEST_PLUGINS, 'test_echo.so');

// Raw rows are cut by short deadlines, which whole bodies must not meet on a busy machine: they get a host with the usual ones.
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "echo" }\nmodule "echo" { path = ${JSON.stringify(PLUGIN)} }\n`;
let host, patient;
before(async () => {
  host = await startHost({ config: `limits { header_deadline_ms = 2000, body_idle_ms = 2000, keep_alive_ms = 2500 }\n${CONFIG}`, ports: [PORT] });
  patient = await startHost({ config: CONFIG, ports: [PORT] });
});
after(() => Promise.all([host.stop(), patient.stop()]));

function check(row, { data, closed }) {
  const seen = statuses(data);
  const first = seen[0];
  const kinds = row.expect.split('|');
  const fits = kinds.some((kind) => (kind === 'ok' ? first !== undefined && first < 500 : kind === 'close' ? closed || first === undefined : kind === '4xx' ? (first >= 400 && first < 500) || first === 501 || first === 505 : Number(kind) === first));
  assert.ok(fits, `${row.id} (${row.why}): expected ${row.expect}, got ${seen} closed=${closed} ${data.toString('latin1').slice(0, 200)}`);
  if (row.after === 'close') assert.ok(closed, `${row.id} (${row.why}): the connection must close`);
  if (row.after === 'keep') assert.ok(!closed, `${row.id} (${row.why}): the connection must stay open`);
  if (row.responses) assert.strictEqual(seen.length, row.responses, row.id);
  else assert.ok(seen.length <= 1, `${row.id} (${row.why}): a second answer: ${seen}`);
  assert.doesNotMatch(data.toString('latin1'), /\r\nX-Injected/i, row.id);
}

async function play(row) {
  const bytes = rawBytes(row, host.port(PORT), host.adminToken());
  const isDone = (data) => row.after !== 'close' && statuses(data).length >= (row.responses || 1);
  check(row, await exchange(host.port(PORT), bytes, { piecewise: Boolean(row.chunks), quiet: row.after === 'keep' ? 200 : 4000, isDone }));
}

const raw = rows('http-raw.jsonl');
test('every row of http-raw', { skip: raw ? false : 'no attack corpus beside the tree' }, async () => {
  await eachRow(raw, play);
  assert.strictEqual((await host.request('GET', '/health')).status, 200);
});

test('every row of our own http-raw', async () => {
  await eachRow(ownRows('http-raw.jsonl'), play);
  assert.strictEqual((await host.request('GET', '/health')).status, 200);
});

async function post(row) {
  const body = row.body_b64 === undefined ? Buffer.from(expand(row.text)) : Buffer.from(row.body_b64, 'base64');
  const reply = await patient.request('POST', '/agents', { port: PORT, body, headers: { 'content-type': 'application/json' } });
  if (row.expect === 'accept') assert.strictEqual(reply.status, 200, `${row.id} (${row.why}): ${reply.text.slice(0, 200)}`);
  else assert.ok([400, 413, 422].includes(reply.status), `${row.id} (${row.why}): ${reply.status} ${reply.text.slice(0, 200)}`);
}

const bodies = rows('json-bodies.jsonl');
test('every row of json-bodies', { skip: bodies ? false : 'no attack corpus beside the tree' }, async () => {
  await eachRow(bodies, post);
  assert.strictEqual((await patient.request('GET', '/health')).status, 200);
});

test('every row of our own json-bodies', async () => {
  await eachRow(ownRows('json-bodies.jsonl'), post);
  assert.strictEqual((await patient.request('GET', '/health')).status, 200);
});
