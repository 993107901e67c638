// Memory: the host alone, and what one WebSocket, one SSE subscriber and one idle connection add.
import net from 'node:net';
import { memory } from '../lib/proc.mjs';
import { startHost } from '../lib/servers.mjs';
import { openSubscribers } from '../lib/subscribers.mjs';
import { fixed } from '../lib/table.mjs';

const IDLE = 10000;
const SUBSCRIBERS = 1000;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const connect = (port) =>
  new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
  });

/** One answered request, so that the connection is a real idle keep-alive connection. */
const ask = (socket, port) =>
  new Promise((resolve) => {
    socket.once('data', resolve);
    socket.write(`GET /health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  });

async function growth(host, open) {
  const before = memory(host.pid).rss;
  const close = await open();
  await sleep(500);
  const bytes = memory(host.pid).rss - before;
  await close();
  await sleep(500);
  return bytes;
}

async function idleConnections(host) {
  const sockets = [];
  for (let i = 0; i < IDLE; i += 100) {
    const batch = await Promise.all(Array.from({ length: 100 }, () => connect(host.port)));
    await Promise.all(batch.map((socket) => ask(socket, host.port)));
    sockets.push(...batch);
  }
  const probe = await connect(host.port);
  await ask(probe, host.port); // others are served
  probe.destroy();
  return async () => sockets.forEach((socket) => socket.destroy());
}

async function subscribers(host, kind, path, port) {
  const opened = await openSubscribers({ port, count: SUBSCRIBERS, kind, path });
  return async () => opened.close();
}

export async function run({ build }) {
  const rows = [];
  const row = (figure, bytes, limit, unit = 1024) => rows.push({ case: 'memory', figure, value: fixed(bytes / unit), line: `<= ${limit}`, ok: bytes / unit <= limit });
  const fresh = await startHost({ build }, ['module "observability" {}']);
  await sleep(500);
  row('private memory, MB', memory(fresh.pid).private, 4, 1024 * 1024);
  await fresh.stop();
  for (const [figure, open, limit, count] of [
    ['KB a WebSocket', (h) => subscribers(h, 'ws', '/ws', h.events), 2.5, SUBSCRIBERS],
    ['KB an SSE subscriber', (h) => subscribers(h, 'sse', '/api/backplane/live?topics=observability.*', h.port), 1, SUBSCRIBERS],
    ['KB an idle connection', (h) => idleConnections(h), 1.2, IDLE],
  ]) {
    const host = await startHost({ build });
    try {
      row(figure, (await growth(host, () => open(host))) / count, limit);
    } finally {
      await host.stop();
    }
  }
  return rows;
}
