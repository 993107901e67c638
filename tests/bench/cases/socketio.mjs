// One event to 1000 Socket.IO clients: server CPU per delivery against socket.io; then what one client costs in memory.
import http from 'node:http';
import { cpuMicros, memory } from '../lib/proc.mjs';
import { startHost, startSocketIo } from '../lib/servers.mjs';
import { openSubscribers } from '../lib/subscribers.mjs';
import { fixed, median } from '../lib/table.mjs';

const CLIENTS = 1000;
const EVENTS = 200;
const TARGET = '/socket.io/?EIO=4&transport=websocket';
const MODULES = ['module "desktop" {}', 'module "socket-source" { path = SOURCE }',
  'module "socketio" { ping_interval_ms = 120000, ping_timeout_ms = 60000, clients = 20000, extra_topics = { ["socket-source.socket"] = "desktop" } }'];

const body = JSON.stringify({ family: 'desktop', event: 'deployment:updated', args: [{ id: 7, action: 'tick', status: 'running', memory: 123456789, cpu: 1.5 }] });
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const post = (port, path) =>
  new Promise((resolve, reject) => {
    const call = http.request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': body.length } }, (reply) => {
      reply.resume();
      reply.on('end', () => (reply.statusCode === 204 ? resolve() : reject(new Error(`bench: publish gave ${reply.statusCode}`))));
    });
    call.on('error', reject);
    call.end(body);
  });

async function measure(server, publish, build) {
  const clients = await openSubscribers({ port: server.port, count: CLIENTS, kind: 'sio', path: TARGET, build });
  try {
    await post(server.port, publish);
    await clients.waitFor(CLIENTS);
    const before = cpuMicros(server.pid);
    let delivered = 0;
    for (let i = 0; i < EVENTS; i++) {
      await post(server.port, publish);
      delivered += (await clients.waitFor(CLIENTS)).delivered;
    }
    return { cpuPerDelivery: (cpuMicros(server.pid) - before) / delivered, delivered };
  } finally {
    clients.close();
  }
}

async function bytesPerClient(host, build) {
  const warm = await openSubscribers({ port: host.port, count: 50, kind: 'sio', path: TARGET, build });
  warm.close();
  await sleep(500);
  const before = memory(host.pid).rss;
  const clients = await openSubscribers({ port: host.port, count: CLIENTS, kind: 'sio', path: TARGET, build });
  await sleep(500);
  const bytes = memory(host.pid).rss - before;
  clients.close();
  return bytes / CLIENTS;
}

export async function run({ rounds, build }) {
  const fresh = await startHost({ build }, MODULES);
  const bytes = await bytesPerClient(fresh, build);
  await fresh.stop();
  const host = await startHost({ build }, MODULES);
  const peer = await startSocketIo();
  try {
    const ours = [];
    const theirs = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(await measure(host, '/f/swarm/publish', build));
      if (peer) theirs.push(await measure(peer, '/publish', build));
    }
    const cpu = (list) => median(list.map((r) => r.cpuPerDelivery));
    const complete = ours.every((r) => r.delivered === EVENTS * CLIENTS);
    const rows = [
      { case: 'socketio', figure: 'KB a client', value: fixed(bytes / 1024), line: '<= 4', ok: bytes <= 4096 },
      { case: 'socketio', figure: 'backplane CPU us/delivery', value: fixed(cpu(ours)) },
      { case: 'socketio', figure: 'every event delivered', value: complete ? 'yes' : 'no', line: 'yes', ok: complete },
    ];
    if (!peer) return [...rows, { case: 'socketio', figure: 'CPU x socket.io', value: 'n/a', note: 'peer absent' }];
    const ratio = median(ours.map((r, i) => r.cpuPerDelivery / theirs[i].cpuPerDelivery));
    return [...rows, { case: 'socketio', figure: 'CPU x socket.io', value: fixed(ratio), line: '<= 0.45', ok: ratio <= 0.45, note: `socket.io ${fixed(cpu(theirs))} us` }];
  } finally {
    await host.stop();
    await peer?.stop();
  }
}
