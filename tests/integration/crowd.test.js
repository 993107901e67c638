// One event to a crowd of clients, with sends through io_uring and one by one: whichever it is, clients see the same.
'use strict';

const assert = require('node:assert');
const net = require('node:net');
const { test } = require('node:test');
const WebSocket = require('ws');
const { startHost } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');

const PORT = 8765;
const CROWD = 80;
const STUCK = 20;

const startWith = (useRing) => startHost({
  config: `live { io_uring = ${useRing} }\nlisten "127.0.0.1:${PORT}" { family = "observability" }\nmodule "observability" {}\n`,
  ports: [PORT],
});

const post = async (host, reason, more) => {
  const body = { event_type: 'message', session_id: 's', session_name: 'n', timestamp: '2026-11-21T07:00:00Z', reason, ...more };
  const reply = await host.request('POST', '/events', { port: PORT, body });
  assert.equal(reply.status, 200, reply.text);
};

// A WebSocket that notes the reasons of the events it gets, in order.
const openSocket = (host) => new Promise((resolve, reject) => {
  const socket = new WebSocket(`ws://127.0.0.1:${host.port(PORT)}/ws`);
  socket.reasons = [];
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (message.type === 'event') socket.reasons.push(message.data.reason);
    if (message.type === 'init') resolve(socket);
  });
  socket.on('close', (code) => { socket.code = code; });
  socket.once('error', reject);
});

// One that takes the handshake and then reads nothing.
const openStuck = (host) => new Promise((resolve) => {
  const socket = net.connect({ port: host.port(PORT), host: '127.0.0.1', highWaterMark: 1024 });
  socket.once('data', () => { socket.pause(); resolve(socket); });
  socket.on('error', () => {});
  socket.write(`GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${host.port(PORT)}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`);
});

// Two posts and a page of what is stored in one segment, on a connection of its own; gives everything that came back until it closed.
const postTwice = (host, reason, { leaves = false } = {}) => new Promise((resolve, reject) => {
  const socket = net.connect(host.port(PORT), '127.0.0.1');
  const bytes = [];
  const body = (part) => JSON.stringify({ event_type: 'message', session_id: 's', session_name: 'n', timestamp: '2026-11-21T07:00:00Z', reason: `${reason}.${part}` });
  const request = (part) => `POST /events HTTP/1.1\r\nHost: 127.0.0.1:${host.port(PORT)}\r\nContent-Type: application/json\r\nContent-Length: ${body(part).length}\r\n\r\n${body(part)}`;
  socket.on('data', (data) => bytes.push(data));
  socket.on('error', leaves ? () => {} : reject);
  socket.on('close', () => resolve(Buffer.concat(bytes).toString()));
  socket.write(`${request(0)}${request(1)}GET /sessions HTTP/1.1\r\nHost: 127.0.0.1:${host.port(PORT)}\r\nConnection: close\r\n\r\n`, () => { if (leaves) socket.destroy(); });
});

const many = (count, open) => Promise.all(Array.from({ length: count }, open));
const statusOf = async (host) => (await host.request('GET', '/api/backplane/status')).json();
const openStream = (host, headers) => openEventStream('/api/backplane/live?topics=observability.*', { port: host.port(), headers });

for (const useRing of [true, false]) {
  const way = useRing ? 'io_uring' : 'sends one by one';

  test(`${way}: single events and bursts reach everybody, in one order, once`, { timeout: 280000 }, async (t) => {
    const host = await startWith(useRing);
    const sockets = await many(CROWD, () => openSocket(host));
    const streams = await many(10, () => openStream(host));
    const sent = [];
    for (let n = 0; n < 20; n++) { sent.push(`single ${n}`); await post(host, sent.at(-1)); }
    for (let n = 0; n < 10; n++) {
      const burst = Array.from({ length: 8 }, (_, i) => `burst ${n}.${i}`);
      sent.push(...burst);
      await Promise.all(burst.map((reason) => post(host, reason)));
    }
    await waitFor('everybody to have everything', () => sockets.every((socket) => socket.reasons.length >= sent.length));
    assert.deepEqual([...sockets[0].reasons].sort(), [...sent].sort());
    assert.deepEqual(sockets[0].reasons.slice(0, 20), sent.slice(0, 20));
    for (const socket of sockets) assert.deepEqual(socket.reasons, sockets[0].reasons);
    await waitFor('the streams to have as much', () => streams.every((stream) => stream.events.at(-1)?.id === streams[0].events.at(-1).id));
    for (const stream of streams) assert.deepEqual(stream.events, streams[0].events);
    const numbers = streams[0].events.map((each) => Number(each.id));
    assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));

    const { bulk_sends: how } = await statusOf(host);
    t.diagnostic(`bulk_sends: ${how}`);
    if (!useRing) assert.equal(how, 'off');
    else if (how !== 'io_uring') assert.match(host.stderr, /io_uring is not to be had/);

    const again = await openStream(host, { 'Last-Event-ID': streams[0].events[5].id });
    await waitFor('what was missed', () => again.events.at(-1)?.id === streams[0].events.at(-1).id);
    assert.deepEqual(again.events, streams[0].events.slice(6));
    const lost = await openStream(host, { 'Last-Event-ID': String(numbers.at(-1) + 1e9) });
    await lost.next((each) => each.event === 'resync');

    await host.stop();
    await waitFor('the farewells', () => sockets.every((socket) => socket.code));
    assert.deepEqual(new Set(sockets.map((socket) => socket.code)), new Set([1001]));
  });

  test(`${way}: those who do not read are cut, those who leave do no harm`, { timeout: 280000 }, async () => {
    const host = await startWith(useRing);
    const stuck = await many(STUCK, () => openStuck(host));
    const sockets = await many(CROWD, () => openSocket(host));
    const leaving = await many(STUCK, () => openSocket(host));
    const sent = [];
    for (let n = 0; n < 150; n++) {
      sent.push(`n${n}`);
      await post(host, sent.at(-1), { tool_output: 'x'.repeat(60000) });
      if (n % 5 === 0) leaving.pop()?.terminate();
    }
    await waitFor('the others to have everything', () => sockets.every((socket) => socket.reasons.length >= sent.length));
    for (const socket of sockets) assert.deepEqual(socket.reasons, sent);
    await waitFor('those that do not read to be cut', async () => (await statusOf(host)).websockets === CROWD);
    for (const socket of sockets) assert.equal(socket.code, undefined);
    stuck.forEach((socket) => socket.destroy());
    sockets.forEach((socket) => socket.terminate());
    await host.stop();
  });
}

for (const useRing of [true, false]) {
  test(`${useRing ? 'io_uring' : 'sends one by one'}: posts that come together are each answered in their order, whoever leaves`, { timeout: 120000 }, async () => {
    const host = await startWith(useRing);
    const stays = net.connect(host.port(PORT), '127.0.0.1'); // so that the ring is not given back before it is asked about
    const sent = [];
    for (let round = 0; round < 6; round++) {
      const posts = Array.from({ length: CROWD }, (_, n) => ({ reason: `${round}-${n}`, leaves: n % 10 === 9 }));
      const replies = await Promise.all(posts.map((each) => postTwice(host, each.reason, each)));
      posts.forEach((each, i) => {
        if (each.leaves) return;
        sent.push(`${each.reason}.0`, `${each.reason}.1`);
        const statuses = replies[i].match(/HTTP\/1\.1 \d+/g);
        assert.deepEqual(statuses, ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 200'], replies[i]);
        assert.match(replies[i], /^[^{]*\{"ok":true\}HTTP[^{]*\{"ok":true\}HTTP[^{[]*[{[]/);
      });
    }
    const { bulk_sends: how } = await statusOf(host);
    if (!useRing) assert.equal(how, 'off');
    else if (how !== 'io_uring') assert.match(host.stderr, /io_uring is not to be had/);
    const stored = [];
    for (let after = ''; after !== null;) {
      const page = (await host.request('GET', `/sessions/s/events?limit=1000${after}`, { port: PORT })).json();
      stored.push(...page.events.map((event) => event.reason));
      after = page.next === undefined ? null : `&after=${page.next}`;
    }
    const kept = new Set(stored);
    assert.deepEqual(sent.filter((reason) => !kept.has(reason)), []);
    assert.equal(kept.size, stored.length);
    stays.destroy();
    await host.stop();
  });
}

test('a reload turns io_uring off while clients are there', { timeout: 120000 }, async () => {
  const host = await startWith(true);
  const sockets = await many(40, () => openSocket(host));
  await post(host, 'before');
  await waitFor('the first event', () => sockets.every((socket) => socket.reasons.length === 1));
  host.writeConfig(`live { io_uring = false }\nlisten "127.0.0.1:${PORT}" { family = "observability" }\nmodule "observability" {}\n`);
  assert.equal((await host.control('POST', '/api/backplane/reload', { headers: host.adminHeaders() })).status, 200);
  assert.equal((await statusOf(host)).bulk_sends, 'off');
  await post(host, 'after');
  await waitFor('the second event', () => sockets.every((socket) => socket.reasons.length === 2));
  sockets.forEach((socket) => socket.terminate());
  await host.stop();
});
