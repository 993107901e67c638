// Module socketio with the real clients: socket.io-client over each transport and both, engine.io-client; rooms, families, listeners.
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { test, before, after, afterEach } = require('node:test');
const { io } = require('socket.io-client');
const { Socket: EngineSocket } = require('engine.io-client');
const WebSocket = require('ws');
const { startHost } = require('./lib/host.js');
const { pause, waitFor } = require('./lib/client.js');

const DESKTOP = 3006;
const SWARM = 3000;
const SOURCE = path.join(process.env.BACKPLANE_TEST_PLUGINS, 'test_socket_source.so');
const BASE = `listen "127.0.0.1:${DESKTOP}" { family = "desktop" }
listen "127.0.0.1:${SWARM}" { family = "swarm" }
module "desktop" {}
`;
const SOCKETIO = `module "socketio" {
  extra_topics = { ["socket-source.socket"] = FAMILY },
  extra_joins = { { family = "swarm", join = "board:join", leave = "board:leave", room = "board:" } },
  rooms_per_client = 50,
  clients = 60,
  connect_timeout_ms = 2000,
}
`;
const config = (family) => `${BASE}module "socket-source" { path = ${JSON.stringify(SOURCE)} }\n${SOCKETIO.replace('FAMILY', JSON.stringify(family))}`;

let host;
before(async () => { host = await startHost({ config: config('desktop'), ports: [DESKTOP, SWARM] }); });
after(() => host.stop());

const open = new Set();
afterEach(async () => {
  for (const socket of open) socket.close();
  open.clear();
  await waitFor('no clients', async () => (await connections()) === 0);
});

const connections = async () => (await host.request('GET', '/api/status', { port: DESKTOP })).json().data.socketConnections;
const listeners = async () => (await host.request('GET', '/f/swarm/listeners')).json();
const publish = async (event, args, room, family = 'desktop') => {
  const reply = await host.request('POST', '/f/swarm/publish', { body: { family, event, room, args } });
  assert.equal(reply.status, 204);
};

async function connect(port, options = {}, where = '') {
  const socket = io(`http://127.0.0.1:${host.port(port)}${where}`, { forceNew: true, reconnection: false, ...options });
  socket.got = [];
  socket.onAny((event, ...args) => socket.got.push([event, ...args]));
  open.add(socket);
  await waitFor('a connection', () => socket.connected || socket.failed, () => String(socket.failed));
  return socket;
}

const TRANSPORTS = [['polling'], ['websocket'], ['polling', 'websocket']];

for (const transports of TRANSPORTS)
  test(`events arrive over ${transports.join(' and ')}`, async () => {
    const socket = await connect(DESKTOP, { transports });
    if (transports.length === 2) await waitFor('the upgrade', () => socket.io.engine.transport.name === 'websocket');
    assert.equal(await connections(), 1);
    socket.emit('mcp:join', 'abc');
    socket.emit('deployment:join', 7);
    await publish('mcp:abc:log', [{ id: 'abc', data: 'ü€' }], 'mcp:abc').then(() => {});
    await waitFor('the joins to be heard', async () => { await publish('deployment:7:log', [{ n: 1 }], 'deployment:7'); return socket.got.some(([e]) => e === 'deployment:7:log'); });
    await publish('mcp:abc:log', [{ id: 'abc', data: 'ü€' }, 2, null, [1.5]], 'mcp:abc');
    await publish('mcp:other:log', [{}], 'mcp:other');
    await publish('mcp:updated', [{ id: 'abc', status: 'running' }]);
    await waitFor('the broadcast', () => socket.got.some(([e]) => e === 'mcp:updated'));
    assert.deepEqual(socket.got.filter(([e]) => e === 'mcp:abc:log').at(-1), ['mcp:abc:log', { id: 'abc', data: 'ü€' }, 2, null, [1.5]]);
    assert.ok(!socket.got.some(([e]) => e === 'mcp:other:log'));
    socket.emit('mcp:leave', 'abc');
    socket.emit('deployment:leave', '7');
    await waitFor('the leave', async () => {
      const before = socket.got.length;
      await publish('mcp:abc:log', [{}], 'mcp:abc');
      await publish('mark', []);
      await waitFor('the mark', () => socket.got.length > before && socket.got.at(-1)[0] === 'mark');
      return socket.got.length === before + 1;
    });
  });

test('each listener carries its family, the main one all, and names are per family', async () => {
  const desktop = await connect(DESKTOP, { transports: ['websocket'] });
  const both = await connect(8700, { transports: ['websocket'] });
  const under = await connect(8700, { transports: ['polling'], path: '/f/desktop/socket.io/' });
  const swarm = await connect(SWARM, { transports: ['polling', 'websocket'] });
  assert.equal(await connections(), 3);
  assert.equal(await listeners(), 1);
  swarm.emit('agent:join', 'a'); // no event of swarm: ignored
  desktop.emit('agent:join', 'a');
  await pause(100);
  await publish('only:desktop', [1], 'agent:a');
  await publish('all:desktop', [2]);
  for (const socket of [desktop, both, under]) await waitFor('the event', () => socket.got.some(([e]) => e === 'all:desktop'));
  assert.ok(desktop.got.some(([e]) => e === 'only:desktop'));
  assert.ok(!both.got.some(([e]) => e === 'only:desktop'));
  assert.deepEqual(swarm.got, []);
});

test('nobody listens to the topics while there is no client', async () => {
  assert.equal(await listeners(), 0);
  const socket = await connect(DESKTOP, { transports: ['websocket'] });
  assert.equal(await listeners(), 1);
  socket.close();
  await waitFor('nobody to listen', async () => (await listeners()) === 0);
});

test('default intervals are those of the original', async () => {
  const engine = new EngineSocket(`http://127.0.0.1:${host.port(DESKTOP)}`, { path: '/socket.io/', transports: ['polling', 'websocket'] });
  open.add(engine);
  const data = await new Promise((resolve) => { engine.on('handshake', resolve); });
  assert.deepEqual([data.pingInterval, data.pingTimeout, data.maxPayload, data.upgrades], [25000, 20000, 1000000, ['websocket']]);
  await waitFor('the upgrade', () => engine.transport.name === 'websocket');
  engine.close();
});

test('an unknown namespace is refused, and the client told', async () => {
  const socket = io(`http://127.0.0.1:${host.port(DESKTOP)}/nowhere`, { forceNew: true, reconnection: false, transports: ['websocket'] });
  open.add(socket);
  const error = await new Promise((resolve) => { socket.on('connect_error', resolve); });
  assert.equal(error.message, 'Invalid namespace');
});

test('rooms of one client are bounded, and odd ids are ignored', async () => {
  const socket = await connect(DESKTOP, { transports: ['websocket'] });
  for (const id of [null, {}, [], true, '', 'x'.repeat(300), 1.5, undefined]) socket.emit('agent:join', id);
  socket.emit('agent:join');
  for (let i = 0; i < 2000; i++) socket.emit('agent:join', `r${i}`);
  await waitFor('the joins', async () => { await publish('in', [49], 'agent:r49'); return socket.got.length > 0; });
  await publish('in', [1999], 'agent:r1999');
  await publish('mark', []);
  await waitFor('the mark', () => socket.got.some(([e]) => e === 'mark'));
  assert.ok(!socket.got.some(([, n]) => n === 1999));
  socket.emit('agent:leave', 'r0');
  socket.emit('agent:join', 'late');
  await waitFor('a free place', async () => { await publish('late', [], 'agent:late'); return socket.got.some(([e]) => e === 'late'); });
});

test('fifty clients in one room hear each event once', async () => {
  const count = 50;
  const sockets = await Promise.all(Array.from({ length: count }, (_, i) => connect(DESKTOP, { transports: i % 10 ? ['websocket'] : ['polling'] })));
  for (const socket of sockets) socket.emit('service:join', 'db');
  await waitFor('all to be in', async () => { await publish('ready', [], 'service:db'); return sockets.every((s) => s.got.length > 0); });
  for (let i = 0; i < 20; i++) await publish('tick', [i], 'service:db');
  await waitFor('all ticks', () => sockets.every((s) => s.got.filter(([e]) => e === 'tick').length >= 20));
  for (const socket of sockets) assert.deepEqual(socket.got.filter(([e]) => e === 'tick').map(([, n]) => n), Array.from({ length: 20 }, (_, i) => i));
});

test('a client that does not read is cut, the others are not', async () => {
  const good = await connect(DESKTOP, { transports: ['websocket'] });
  const slow = new WebSocket(`ws://127.0.0.1:${host.port(DESKTOP)}/socket.io/?EIO=4&transport=websocket`);
  await new Promise((resolve) => { slow.once('message', resolve); });
  slow.send('40');
  const target = `http://127.0.0.1:${host.port(DESKTOP)}/socket.io/?EIO=4&transport=polling`; // and one that never polls
  const { sid } = JSON.parse((await (await fetch(target)).text()).slice(1));
  assert.equal((await fetch(`${target}&sid=${sid}`, { method: 'POST', body: '40' })).status, 200);
  await waitFor('all three', async () => (await connections()) === 3);
  slow._socket.pause();
  const text = 'x'.repeat(200000);
  await waitFor('the slow ones to be cut', async () => { await publish('big', [text]); return (await connections()) === 1; });
  const had = good.got.length;
  await publish('after', []);
  await waitFor('the good one', () => good.got.length > had);
  slow.terminate();
});

test('more clients than there may be are told to come later, and leave no trace', async () => {
  const target = `http://127.0.0.1:${host.port(DESKTOP)}/socket.io/?EIO=4&transport=polling`;
  const ask = async (sid, body) => (await fetch(`${target}&sid=${sid}`, { method: 'POST', body })).status;
  const sids = [];
  while (sids.length < 60) { // each connects, so that no time-out makes room meanwhile
    const reply = await fetch(target);
    assert.equal(reply.status, 200);
    const { sid } = JSON.parse((await reply.text()).slice(1));
    if ((await ask(sid, '40')) === 200) sids.push(sid);
  }
  for (let i = 0; i < 10; i++) assert.equal((await fetch(target)).status, 503);
  for (const sid of sids) assert.equal(await ask(sid, '1'), 200);
  for (let i = 0; i < 60; i++) assert.equal((await fetch(target)).status, 200); // these do not connect
  await waitFor('the connect time-out to clear them away', async () => (await fetch(target)).status === 200);
});

test('the module goes and comes while clients are connected', async () => {
  const socket = await connect(DESKTOP, { transports: ['websocket'] });
  const poller = await connect(DESKTOP, { transports: ['polling'] });
  host.writeConfig(`${BASE}module "socket-source" { path = ${JSON.stringify(SOURCE)} }\n`);
  assert.equal((await host.control('POST', '/api/backplane/reload', { headers: host.adminHeaders() })).status, 200);
  await waitFor('the ends', () => !socket.connected && !poller.connected);
  assert.equal((await fetch(`http://127.0.0.1:${host.port(DESKTOP)}/socket.io/?EIO=4&transport=polling`)).status, 404);
  assert.equal(await connections(), 0);
  host.writeConfig(`${BASE}${SOCKETIO.replace('FAMILY', '"desktop"')}`); // without anybody who declares the family swarm
  assert.equal((await host.control('POST', '/api/backplane/reload', { headers: host.adminHeaders() })).status, 200);
  const again = await connect(DESKTOP, { transports: ['polling', 'websocket'] });
  assert.equal((await host.request('GET', '/f/swarm/socket.io/?EIO=4&transport=polling')).status, 404);
  host.writeConfig(config('desktop')); // and with it again, while socketio runs
  assert.equal((await host.control('POST', '/api/backplane/reload', { headers: host.adminHeaders() })).status, 200);
  assert.equal((await host.request('GET', '/f/swarm/socket.io/?EIO=4&transport=polling')).status, 200);
  assert.ok(again.connected);
});

test('a host that stops tells those who poll, and does not wait for their polls', async () => {
  const other = await startHost({ config: config('desktop'), ports: [DESKTOP, SWARM] });
  const target = `http://127.0.0.1:${other.port(DESKTOP)}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(target)).text()).slice(1));
  const socket = io(`http://127.0.0.1:${other.port(DESKTOP)}`, { forceNew: true, reconnection: false, transports: ['websocket'] });
  open.add(socket);
  await waitFor('a connection', () => socket.connected);
  const poll = fetch(`${target}&sid=${sid}`);
  await pause(100);
  const stopped = other.stop();
  const reply = await poll; // a host that waited for it would answer 503 in the end
  assert.deepEqual([reply.status, await reply.text()], [200, '1']);
  await stopped;
  await waitFor('the end of the WebSocket', () => !socket.connected);
});
