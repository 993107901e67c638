// What modules publish, as real Socket.IO clients hear it: the desktop's and the swarm's events in both spellings, who is in a room and who
// is not, by either transport, from a page of another origin. Programs are real; editors are the stand-in's.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { io } = require('socket.io-client');
const { Host } = require('./lib/host.js');
const { waitFor } = require('./lib/client.js');

const DESKTOP = 3006;
const SWARM = 3000;
const PAGE = 'http://localhost:5173';
const FIRST = 11000 + Math.floor(Math.random() * 25) * 10; // ports given to repositories; below those of the hosts
const json = JSON.stringify;

let host;
let clients;
before(async () => {
  host = new Host({ ports: [DESKTOP, SWARM] });
  host.writeConfig(`listen "127.0.0.1:${DESKTOP}" { family = "desktop" }
listen "127.0.0.1:${SWARM}" { family = "swarm" }
module "desktop" {}
module "socketio" {}
module "mcp" {}
module "flow" {}
module "repositories" { first_port = ${FIRST}, last_port = ${FIRST + 40} }
module "deployments" { node = ${json(process.execPath)} }
module "git" { roots = { ${json(host.folder)} } }
module "vscode" { command = { ${json(process.execPath)}, ${json(path.join(__dirname, 'stand-ins/code-server.js'))} }, ready_timeout_s = 20 }
module "swarm" { project_root = ${json(host.folder)}, worker = { ${json(process.execPath)}, ${json(path.join(__dirname, 'programs/swarm-worker.js'))} }, worker_env = { TRACE = ${json(path.join(host.folder, 'trace'))} } }
`);
  await host.start();
  const page = { extraHeaders: { Origin: PAGE } };
  clients = {
    inside: await connect(DESKTOP, { transports: ['websocket'] }),
    polling: await connect(DESKTOP, { transports: ['polling'], ...page }), // in the rooms too
    outside: await connect(DESKTOP, { transports: ['polling', 'websocket'], ...page }),
    main: await connect(8700, { transports: ['websocket'] }), // in the rooms too
    swarm: await connect(SWARM, { transports: ['websocket'] }),
    stranger: await connect(SWARM, { transports: ['websocket'] }),
  };
});
after(async () => {
  for (const client of Object.values(clients ?? {})) client.socket.close();
  await host.stop();
});

async function connect(port, options) {
  const client = { heard: [], socket: io(`http://127.0.0.1:${host.port(port)}`, { forceNew: true, ...options }) };
  client.socket.onAny((event, ...args) => client.heard.push([event, ...args]));
  await waitFor('a connection', () => client.socket.connected);
  return client;
}

const MEMBERS = ['inside', 'polling', 'main'];
const ALL = [...MEMBERS, 'outside'];
const find = (name, event, test) => clients[name].heard.find(([one, payload]) => one === event && test(payload));
const hear = async (names, event, test) => { for (const name of names) await waitFor(`${event} at ${name}`, () => find(name, event, test)); };
const notHeard = (names, event) => { for (const name of names) assert.ok(!find(name, event, () => true), `${event} at ${name}`); };

async function call(method, target, body, port = DESKTOP) {
  const reply = await host.request(method, target, { port, body });
  assert.ok(reply.status < 300, `${method} ${target}: ${reply.status} ${reply.text}`);
  return reply.json();
}

// Rooms are entered and left without an answer.
const tell = (event, id) => { for (const name of MEMBERS) clients[name].socket.emit(event, id); };

async function repository(name, files) {
  const folder = path.join(host.folder, name);
  fs.mkdirSync(folder);
  for (const [file, content] of Object.entries(files)) fs.writeFileSync(path.join(folder, file), content);
  return (await call('POST', '/api/repositories', { name, path: folder, type: 'local' })).repository;
}

test('servers of the hub', async () => {
  await call('POST', '/api/mcp', { id: 'one', name: 'One', command: process.execPath, args: ['-e', 'console.error("said"); setInterval(() => {}, 1000)'] });
  await call('POST', '/api/mcp/one/action', { action: 'start' });
  await hear(ALL, 'mcp:updated', (e) => e.id === 'one' && e.action === 'start' && e.status === 'running' && e.pid > 0);
  await hear(ALL, 'mcp:one:log', (e) => e.id === 'one' && e.data === 'said' && e.stream === 'stderr' && e.timestamp);
  await call('DELETE', '/api/mcp/one');
  await hear(ALL, 'mcp:deleted', (e) => e.id === 'one');
});

test('deployments: both spellings of the log, the second for the room', async () => {
  const repo = await repository('app', { 'package.json': json({ scripts: { start: 'node app.js' } }), 'app.js': 'setInterval(() => console.log("tick"), 100);' });
  const { deployment } = await call('POST', '/api/deployments', { repositoryId: repo.id });
  const { id } = deployment;
  clients.inside.socket.emit('deployment:join', id); // the number
  clients.main.socket.emit('deployment:join', id);
  clients.polling.socket.emit('deployment:join', String(id)); // or its digits
  await call('POST', `/api/deployments/${id}/action`, { action: 'start' });
  await hear(ALL, 'deployment:updated', (e) => e.id === id && e.action === 'start' && e.status === 'running' && e.pid > 0);
  await hear(ALL, 'deployment:logs', (e) => e.id === id && e.data.includes('tick') && e.stream === 'stdout' && e.timestamp);
  await hear(MEMBERS, `deployment:${id}:log`, (e) => e.id === id && e.data.includes('tick'));
  await call('POST', `/api/deployments/${id}/action`, { action: 'delete' });
  await hear(ALL, 'deployment:deleted', (e) => e.id === id);
  notHeard(['outside', 'swarm', 'stranger'], `deployment:${id}:log`);
});

test('editors', async () => {
  const repo = await repository('edited', {});
  await call('POST', '/api/vscode/start', { repoId: repo.id });
  await hear(ALL, 'vscode:updated', (e) => e.repoId === repo.id && e.action === 'start' && e.url && e.port > 0);
  await call('POST', '/api/vscode/stop', { repoId: repo.id });
  await hear(ALL, 'vscode:updated', (e) => e.repoId === repo.id && e.action === 'stop');
});

test('messages of a flow, for the room alone', async () => {
  const [session, other] = [(await call('POST', '/api/flow-builder/sessions', { prompt: 'p' })).session, (await call('POST', '/api/flow-builder/sessions', { prompt: 'q' })).session];
  const post = async (to, content) => (await call('POST', '/api/flow-builder/messages', { sessionId: to.id, role: 'tool', content })).message;
  const event = (of) => `agent:${of.id}:message`;
  for (const one of [session, other]) {
    tell('agent:join', one.id);
    await waitFor('the room', async () => { await post(one, 'early'); return MEMBERS.every((name) => find(name, event(one), () => true)); });
  }
  const message = await post(session, 'ü€');
  await hear(MEMBERS, event(session), (e) => e.id === message.id);
  assert.deepEqual(find('inside', event(session), (e) => e.id === message.id)[1], message);
  tell('agent:leave', String(session.id));
  await waitFor('the room to be left', async () => {
    const late = await post(session, 'late');
    const mark = await post(other, 'mark'); // comes behind it
    await hear(MEMBERS, event(other), (e) => e.id === mark.id);
    return MEMBERS.every((name) => !find(name, event(session), (e) => e.id === late.id));
  });
  for (const one of [session, other]) notHeard(['outside', 'swarm', 'stranger'], event(one));
});

test('sessions of a swarm, for the room alone', async () => {
  const { sessionId } = await call('POST', '/api/sessions', { prompt: '1. wait\n2. wait too', agentCount: 1 }, SWARM);
  clients.swarm.socket.emit('session:join', sessionId);
  clients.main.socket.emit('session:join', sessionId); // the main listener has all families
  clients.stranger.socket.emit('session:join', 'another');
  clients.inside.socket.emit('session:join', sessionId); // no event of the desktop
  await waitFor('a worker', () => fs.existsSync(path.join(host.folder, 'trace')));
  await host.request('DELETE', `/api/sessions/${sessionId}`, { port: SWARM });
  await hear(['swarm', 'main'], 'session:complete', (e) => e.sessionId === sessionId);
  await hear(['swarm', 'main'], 'agent:terminated', (e) => e.agentId);
  notHeard(['inside', 'outside', 'polling', 'stranger'], 'session:complete');
  assert.deepEqual(clients.stranger.heard, []);
});

test('a page that is not listed gets no connection, by either transport', async () => {
  for (const transports of [['polling'], ['websocket']]) {
    const socket = io(`http://127.0.0.1:${host.port(DESKTOP)}`, { forceNew: true, reconnection: false, transports, extraHeaders: { Origin: 'http://evil.example' } });
    await new Promise((resolve, reject) => { socket.on('connect_error', resolve); socket.on('connect', () => reject(new Error('it connected'))); });
    socket.close();
  }
  const target = '/socket.io/?EIO=4&transport=polling';
  const foreign = await host.request('OPTIONS', target, { port: DESKTOP, headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST' } });
  assert.equal(foreign.status, 403);
  const listed = await host.request('OPTIONS', target, { port: DESKTOP, headers: { origin: PAGE, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-mine' } });
  assert.deepEqual([listed.status, listed.headers['access-control-allow-origin'], listed.headers['access-control-allow-credentials'], listed.headers['access-control-allow-headers']], [200, PAGE, 'true', 'x-mine']);
  const refused = await host.request('GET', `${target}&sid=none`, { port: DESKTOP, headers: { origin: PAGE } }); // the page may read why
  assert.deepEqual([refused.status, refused.headers['access-control-allow-origin'], refused.headers['access-control-allow-credentials']], [400, PAGE, 'true']);
});
