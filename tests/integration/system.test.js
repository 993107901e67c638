// The machine's figures over HTTP, against what Node says of the same machine; the live topic; what the host supervises.
'use strict';

const assert = require('node:assert');
const os = require('node:os');
const { test, before, after } = require('node:test');
const { Host } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');

const PORT = 3006;
const URL = '/api/system-stats';

let host;
before(async () => {
  host = await new Host({
    config: `listen "127.0.0.1:${PORT}" { family = "desktop" }
module "desktop" {}
module "system" { history_every_s = 1 }
`,
    ports: [PORT],
  }).start();
});
after(() => host.stop());

async function get(target) {
  const reply = await host.request('GET', target, { port: PORT });
  return { status: reply.status, ...reply.json() };
}

test('the members existing clients know', async () => {
  const stats = await get(URL);
  assert.equal(stats.status, 200);
  assert.equal(stats.success, true);
  assert.equal(new Date(stats.timestamp).toISOString(), stats.timestamp);
  const { uptime, ...system } = stats.system;
  assert.deepEqual(system, { platform: os.platform(), arch: os.arch(), hostname: os.hostname() });
  assert.ok(Math.abs(uptime.seconds - os.uptime()) < 60);
  assert.match(uptime.formatted, /^\d+d \d+h \d+m$/);
  assert.deepEqual([stats.cpu.cores, stats.cpu.model], [os.cpus().length, os.cpus()[0].model.trim()]);
  assert.ok(stats.cpu.usage >= 0 && stats.cpu.usage <= 100);
  for (const name of ['total', 'used', 'free']) assert.match(stats.memory[name], /^\d+\.\d\d GB$/);
  assert.equal(stats.memory.total, `${(os.totalmem() / 1024 ** 3).toFixed(2)} GB`);
  assert.match(stats.memory.percentage, /^\d+\.\d$/);
  for (const name of ['total', 'used', 'available']) assert.match(stats.disk[name], /^\d+(\.\d)?[KMGTPE]?$/);
  assert.ok(Number.isInteger(stats.disk.percentage) && stats.disk.percentage <= 100);
  assert.equal(stats.loadAverage.length, 3);
  assert.ok(stats.loadAverage.every((load) => typeof load === 'number'));
});

test('what was added: network and pressure', async () => {
  const stats = await get(URL);
  const lo = stats.network.interfaces.find((one) => one.name === 'lo');
  assert.ok(lo.receivedBytes > 0 && lo.receivedBytes === lo.sentBytes);
  assert.ok(stats.network.receivedPerSecond >= 0);
  if (stats.pressure) assert.ok(stats.pressure.cpu.some.avg10 >= 0);
  assert.ok(stats.memory.usedBytes < stats.memory.totalBytes);
});

test('the usage follows the load', async () => {
  await waitFor('a sample of a busy processor', async () => {
    const until = Date.now() + 300;
    while (Date.now() < until);
    return (await get(URL)).cpu.usage > 5;
  });
});

test('many at once are answered', async () => {
  const all = await Promise.all(Array.from({ length: 100 }, () => get(URL)));
  assert.ok(all.every((stats) => stats.status === 200 && stats.success));
});

test('a history, oldest first', async () => {
  const history = await waitFor('three samples', async () => {
    const reply = await get(`${URL}/history`);
    return reply.count >= 3 && reply;
  });
  assert.deepEqual([history.success, history.intervalSeconds, history.samples.length], [true, 1, history.count]);
  const times = history.samples.map((sample) => sample.timestamp);
  assert.deepEqual([...times].sort(), times);
  assert.ok(history.samples.every((sample) => sample.memory > 0 && sample.memory <= 100 && sample.cpu >= 0));
  const [last] = (await get(`${URL}/history?limit=1`)).samples;
  assert.ok(last.timestamp >= times.at(-1));
  assert.equal((await get(`${URL}/history?limit=0`)).status, 400);
});

test('who listens gets a sample a second', async () => {
  const stream = await openEventStream('/api/backplane/live?topics=system.stats', { port: host.port() });
  await waitFor('two samples', () => stream.events.length >= 2);
  const { topic, data } = JSON.parse(stream.events[0].data);
  assert.equal(topic, 'system.stats');
  assert.ok(data.memory > 0 && 'cpu' in data && 'load' in data);
  stream.close();
});

test('unknown paths and methods', async () => {
  assert.deepEqual(await get(`${URL}/none`), { status: 404, success: false, error: 'Endpoint not found' });
  assert.equal((await host.request('POST', URL, { port: PORT, body: {} })).status, 404);
});
