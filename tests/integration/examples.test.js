// The examples for plugin authors, all loaded together and called as their first comments say.
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { test, before, after } = require('node:test');
const WebSocket = require('ws');
const { startHost } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');

const EXAMPLES = path.join(path.dirname(process.env.BACKPLANE_MODULES), 'examples');
const NAMES = ['bell', 'drop-box', 'greeting', 'primes', 'shout', 'sum', 'words', 'ws-echo'];
const OPTIONS = { greeting: 'greeting = "good morning", ' };
const CONFIG = NAMES.map((name) => `module "org.example.${name}" { ${OPTIONS[name] || ''}path = "${EXAMPLES}/org.example.${name}.so" }\n`).join('');

let host;
before(async () => { host = await startHost({ config: CONFIG }); });
after(() => host.stop());

const call = (method, name, target, body, headers) => host.request(method, `/f/${name}${target}`, { body, headers });

test('greeting: an option, a counter and the clock', async () => {
  const reply = (await call('GET', 'greeting', '/greeting')).json();
  assert.equal(reply.greeting, 'good morning');
  assert.ok(reply.time_ms > Date.UTC(2020, 0));
  assert.match((await host.request('GET', '/metrics')).text, /^backplane_org_example_greeting_greetings_total 1$/m);
});

test('sum: a checked body in, an answer out', async () => {
  assert.deepEqual((await call('POST', 'sum', '/sum', { numbers: [1, 2.5] })).json(), { sum: 3.5, count: 2 });
  assert.equal((await call('POST', 'sum', '/sum', { numbers: ['1'] })).status, 422);
});

test('drop-box: a file in, the same file out', async () => {
  const body = '--b\r\nContent-Disposition: form-data; name="file"; filename="x.txt"\r\n\r\nhello\r\n--b--\r\n';
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  const kept = await call('POST', 'drop-box', '/files', body, headers);
  assert.equal(kept.status, 201, kept.text);
  assert.equal(kept.json().bytes, 5);
  assert.equal((await call('POST', 'drop-box', '/files', body, headers)).json().name, kept.json().name);
  const file = await call('GET', 'drop-box', `/files/${kept.json().name}`);
  assert.deepEqual([file.status, file.text], [200, 'hello']);
  assert.equal((await call('GET', 'drop-box', '/files/x')).status, 422);
});

test('ws-echo: every message comes back', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${host.port()}/f/ws-echo/socket`);
  await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
  const back = new Promise((resolve) => { socket.once('message', (data) => resolve(data.toString())); });
  socket.send('hello');
  assert.equal(await back, 'hello');
  socket.close();
});

test('shout: what one says, all hear', async () => {
  const stream = await openEventStream('/f/shout/shouts', { port: host.port() });
  assert.equal((await call('POST', 'shout', '/shout', { text: 'hello' })).status, 202);
  const heard = await stream.next();
  assert.deepEqual(JSON.parse(heard.data), { heard: { text: 'hello' } });
  stream.close();
});

test('words: a row stored, and found by a word of it', async () => {
  const added = await call('POST', 'words', '/words', { text: 'the quick fox' });
  assert.equal(added.status, 201, added.text);
  const found = (await call('GET', 'words', '/words?q=qui*')).json();
  assert.deepEqual(found.map((line) => line.id), [added.json().id]);
  assert.match(found[0].snippet, /quick/);
  assert.deepEqual((await call('GET', 'words', '/words?q=dog')).json(), []);
});

test('primes: counted on a worker; a timer ticks', async () => {
  assert.deepEqual((await call('GET', 'primes', '/primes?below=100')).json(), { count: 25 });
  await waitFor('a tick', async () => (await call('GET', 'primes', '/ticks')).json().ticks > 0);
});

test('bell: a notice is heard in a later tick', async () => {
  assert.equal((await call('POST', 'bell', '/ring')).status, 202);
  await waitFor('the ring to be heard', async () => (await call('GET', 'bell', '/heard')).text === '1 ready');
});
