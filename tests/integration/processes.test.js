// Child processes of a real host: the example plugin, a graceful stop, and kill -9.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { startHost } = require('./lib/host.js');

const EXAMPLES = path.join(path.dirname(process.env.BACKPLANE_MODULES), 'examples');

let host;
before(async () => {
  host = await startHost({ config: `module "org.example.proc-echo" { path = "${EXAMPLES}/org.example.proc-echo.so" }\n` });
});
after(() => host.stop());

const echo = (text) => host.request('POST', '/echo', { body: { text } });

// Zombies whose parent is the host.
function zombies() {
  return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      const [state, parent] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
      return state === 'Z' && Number(parent) === host.child.pid;
    } catch { return false; }
  }).length;
}

test('a route answers with what a program prints', async () => {
  const reply = await echo('hello');
  assert.deepStrictEqual([reply.status, reply.json()], [200, { output: 'hello', exit_code: 0 }]);
});

test('text is one argument, whatever it holds', async () => {
  for (const text of ['$(id) `id` ; rm -rf / # "\'', 'ü 漢字', ' two  spaces '])
    assert.strictEqual((await echo(text)).json().output, text);
  assert.strictEqual((await echo('nul\\u0000')).status, 200);
});

test('many at once are all answered, and refused ones say so', async () => {
  const replies = await Promise.all(Array.from({ length: 150 }, (_, i) => echo(`number ${i}`)));
  const good = replies.filter((reply) => reply.status === 200);
  assert.ok(good.length >= 90, String(good.length));
  for (const reply of replies) assert.ok([200, 413].includes(reply.status), reply.text);
  assert.strictEqual(zombies(), 0);
});
