// Life under load: reloads, a graceful stop, consumers that do not read, many idle sockets. tests/faults/run runs it with larger figures.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const { test } = require('node:test');
const WebSocket = require('ws');
const { startHost } = require('./lib/host.js');
const { pause, waitFor } = require('./lib/client.js');

const PORT = 8765;
const WRITERS = 8;
const RELOADS = Number(process.env.BACKPLANE_RELOADS || 50);
const STOPS = Number(process.env.BACKPLANE_STOPS || 3);
const CONSUMERS = Number(process.env.BACKPLANE_CONSUMERS || 25);
const IDLE = Number(process.env.BACKPLANE_IDLE || 1000);
const SOAK_S = Number(process.env.BACKPLANE_SOAK_S || 4);
// Sanitizers keep freed memory: figures count only without them.
const HAS_FIGURES = !/asan|tsan/.test(process.env.BACKPLANE_BIN);
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "observability" }\nmodule "observability" {}\n`;

const start = () => startHost({ config: CONFIG, ports: [PORT] });
const event = (reason, more = {}) => ({ event_type: 'message', session_id: 's', session_name: 's', timestamp: '2026-01-01T00:00:00Z', reason, ...more });

// One client with one connection that posts and reads until told to stop: { acknowledged, failures }.
async function work(port, name, isOver) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const result = { acknowledged: [], failures: [] };
  const send = (method, path, body) => new Promise((resolve, reject) => {
    const call = http.request({ agent, port, host: '127.0.0.1', method, path, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, (reply) => {
      reply.resume();
      reply.on('end', () => resolve(reply.statusCode));
    });
    call.on('error', reject);
    call.end(body);
  });
  for (let n = 0; !isOver(); n++) {
    const reason = `${name}:${n}`;
    try {
      const status = n % 2 ? await send('GET', '/sessions', '') : await send('POST', '/events', JSON.stringify(event(reason)));
      if (status !== 200) result.failures.push(status);
      else if (n % 2 === 0) result.acknowledged.push(reason);
    } catch (error) {
      result.failures.push(error.code);
      break;
    }
  }
  agent.destroy();
  return result;
}

function openSocket(host, options) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${host.port(PORT)}/ws`, options);
    socket.reasons = new Set();
    socket.on('message', (text) => {
      const message = JSON.parse(text);
      if (message.type === 'event') socket.reasons.add(message.data.reason);
    });
    socket.on('close', (code) => { socket.code = code; });
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

function residentBytes(host) {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${host.child.pid}/status`, 'utf8'))[1]) * 1024;
}

async function storedReasons(host) {
  const reasons = new Set();
  for (let after = ''; ;) {
    const page = (await host.request('GET', `/events/s?limit=1000${after}`, { port: PORT })).json();
    for (const each of page.events) reasons.add(each.reason);
    if (page.next === undefined) return reasons;
    after = `&after=${page.next}`;
  }
}

test(`${RELOADS} reloads under load: no request fails, a bad configuration keeps the old one`, { timeout: 280000 }, async () => {
  const host = await start();
  let isOver = false;
  const workers = Array.from({ length: WRITERS }, (_, n) => work(host.port(PORT), n, () => isOver));
  for (let n = 0; n < RELOADS; n++) {
    const isBad = n % 10 === 5;
    host.writeConfig(isBad ? `${CONFIG}nonsense {` : `${CONFIG}limits { keep_alive_ms = ${30000 + n} }\n`);
    if (n % 3 === 0) host.child.kill('SIGHUP');
    const reply = await host.control('POST', '/api/backplane/reload', { headers: host.adminHeaders() });
    assert.equal(reply.status, isBad ? 400 : 200, reply.text);
  }
  isOver = true;
  const results = await Promise.all(workers);
  for (const { failures, acknowledged } of results) {
    assert.deepEqual(failures, []);
    assert.ok(acknowledged.length > 0);
  }
  await host.stop();
});

test(`${STOPS} graceful stops under load: sockets get 1001, nothing acknowledged is lost`, { timeout: 280000 }, async () => {
  const host = await start();
  const acknowledged = [];
  for (let n = 0; n < STOPS; n++) {
    let isOver = false;
    const sockets = await Promise.all(Array.from({ length: 20 }, () => openSocket(host)));
    const workers = Array.from({ length: WRITERS }, (_, w) => work(host.port(PORT), `${n}:${w}`, () => isOver));
    await pause(300);
    host.child.kill('SIGTERM');
    const end = await host.exited;
    isOver = true;
    assert.deepEqual(end, { code: 0, signal: null }, host.stderr);
    await waitFor('the sockets to close', () => sockets.every((socket) => socket.code));
    assert.deepEqual(new Set(sockets.map((socket) => socket.code)), new Set([1001]));
    for (const result of await Promise.all(workers)) {
      acknowledged.push(...result.acknowledged);
      for (const failure of result.failures) assert.ok([503, 'ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(failure), `a request got ${failure}`);
    }
    host.end = undefined;
    await host.start();
  }
  const stored = await storedReasons(host);
  assert.deepEqual(acknowledged.filter((reason) => !stored.has(reason)), []);
  assert.ok(acknowledged.length > 0);
  await host.stop();
});

// A socket that takes the handshake and then reads nothing.
function openStuck(host) {
  return new Promise((resolve) => {
    const socket = net.connect({ port: host.port(PORT), host: '127.0.0.1', highWaterMark: 1024 });
    socket.once('data', () => { socket.pause(); resolve(socket); });
    socket.on('error', () => {});
    socket.write(`GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${host.port(PORT)}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`);
  });
}

async function socketsNow(host) {
  return JSON.parse((await host.request('GET', '/api/backplane/status')).text).websockets;
}

test(`${CONSUMERS} consumers that do not read are cut; ${CONSUMERS} others get every event`, { timeout: 280000 }, async () => {
  const host = await start();
  const stuck = await Promise.all(Array.from({ length: CONSUMERS }, () => openStuck(host)));
  const normal = await Promise.all(Array.from({ length: CONSUMERS }, () => openSocket(host)));
  const before = residentBytes(host);
  const filling = 'x'.repeat(60000);
  const sent = [];
  let most = 0;
  for (let n = 0; n < 300; n++) {
    const reply = await host.request('POST', '/events', { port: PORT, body: event(`n${n}`, { tool_output: filling }) });
    assert.equal(reply.status, 200);
    sent.push(`n${n}`);
    most = Math.max(most, residentBytes(host));
  }
  await waitFor('the others to have everything', () => normal.every((socket) => sent.every((reason) => socket.reasons.has(reason))));
  await waitFor('those that do not read to be cut', async () => (await socketsNow(host)) === CONSUMERS);
  if (HAS_FIGURES) assert.ok(most - before < 64 << 20, `memory grew by ${most - before} bytes`);
  for (const socket of normal) assert.equal(socket.code, undefined);
  for (const socket of [...stuck]) socket.destroy();
  for (const socket of normal) socket.terminate();
  await host.stop();
});

test(`${IDLE} idle sockets: others are served, memory stays small, all are gone afterwards`, { timeout: 280000 }, async () => {
  const host = await start();
  const before = residentBytes(host);
  const sockets = [];
  while (sockets.length < IDLE) sockets.push(...(await Promise.all(Array.from({ length: Math.min(100, IDLE - sockets.length) }, () => openStuck(host)))));
  assert.equal(await socketsNow(host), IDLE);
  if (HAS_FIGURES) assert.ok((residentBytes(host) - before) / IDLE < 8192, `${(residentBytes(host) - before) / IDLE} bytes a socket`);
  for (let n = 0; n < 50; n++) assert.equal((await host.request('GET', '/sessions', { port: PORT })).status, 200);
  for (const socket of sockets) socket.destroy();
  await waitFor('the host to notice', async () => (await socketsNow(host)) === 0);
  await host.stop();
});

// A client that pings as fast as it can and reads nothing of the pongs.
test('a flood of pings costs the sender, not the host', { timeout: 120000 }, async () => {
  const host = await start();
  const socket = await openStuck(host);
  const before = residentBytes(host);
  const frame = Buffer.concat([Buffer.from([0x89, 0xfd, 1, 2, 3, 4]), Buffer.alloc(125, 'p')]);
  const burst = Buffer.concat(Array(500).fill(frame));
  let isClosed = false;
  socket.on('close', () => { isClosed = true; });
  for (let n = 0; n < 400 && !isClosed; n++) {
    if (socket.writableLength < 1 << 20) socket.write(burst);
    else await pause(5);
    if (n % 50 === 0) assert.equal((await host.request('GET', '/sessions', { port: PORT })).status, 200);
  }
  if (HAS_FIGURES) assert.ok(residentBytes(host) - before < 16 << 20, `memory grew by ${residentBytes(host) - before} bytes`);
  socket.destroy();
  await host.stop();
});

// Everything at once: posting, reading, paging, deleting, sockets that come and go, connections that say nonsense.
test(`${SOAK_S} s of mixed load: no failure, and memory does not climb`, { timeout: 280000 }, async () => {
  const host = await start();
  const end = Date.now() + SOAK_S * 1000;
  const isOver = () => Date.now() > end;
  const samples = [];
  const visitors = async () => {
    while (!isOver()) {
      const socket = await openSocket(host);
      await pause(20);
      socket.terminate();
    }
  };
  const vandals = async () => {
    while (!isOver()) {
      await new Promise((resolve) => {
        const socket = net.connect(host.port(PORT), '127.0.0.1', () => socket.end('POST /events HTTP/1.1\r\nHost: x y\r\nContent-Length: -1\r\n\r\n{'));
        socket.resume();
        socket.on('error', () => {});
        socket.on('close', resolve);
      });
    }
  };
  const cleaners = async () => {
    for (let n = 0; !isOver(); n++) {
      await host.request('POST', '/sessions', { port: PORT, body: { session_id: `c${n}`, session_name: 'c' } });
      assert.equal((await host.request('DELETE', `/sessions/c${n}`, { port: PORT })).status, 200);
    }
  };
  const watch = async () => {
    for (; !isOver(); await pause(SOAK_S * 20)) samples.push(residentBytes(host));
  };
  const workers = Array.from({ length: WRITERS }, (_, n) => work(host.port(PORT), n, isOver));
  const [results] = await Promise.all([Promise.all(workers), visitors(), vandals(), cleaners(), watch()]);
  for (const { failures } of results) assert.deepEqual(failures, []);
  const mean = (part) => part.reduce((sum, each) => sum + each, 0) / part.length;
  const third = Math.floor(samples.length / 3);
  const growth = mean(samples.slice(-third)) - mean(samples.slice(third, 2 * third));
  if (HAS_FIGURES) assert.ok(growth < 4 << 20, `memory grew by ${growth} bytes from the second third to the last`);
  await host.stop();
});
