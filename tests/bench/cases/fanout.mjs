// One posted event to 1000 WebSockets: server CPU per delivery against node ws; then bursts of 8 against our own single rate.
import net from 'node:net';
import { cpuMicros } from '../lib/proc.mjs';
import { startHost, startNodeWs } from '../lib/servers.mjs';
import { openSubscribers } from '../lib/subscribers.mjs';
import { fixed, median } from '../lib/table.mjs';

const SUBSCRIBERS = 1000;
const EVENTS = 200;

const body = JSON.stringify({ event_type: 'message', session_id: 's', session_name: 'n', timestamp: '2026-11-21T07:00:00Z', role: 'assistant', content: [{ type: 'text', text: 'hello' }] });

/** One connection that sends `burst` posts in one segment and waits for all their answers. */
function poster(port) {
  const socket = net.connect(port, '127.0.0.1');
  let waiting = 0;
  let done = null;
  socket.on('data', (data) => {
    waiting -= (data.toString('latin1').match(/HTTP\/1\.1 200/g) ?? []).length;
    if (waiting <= 0) done?.();
  });
  const one = `POST /events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  return {
    post: () =>
      new Promise((resolve) => {
        waiting = 1;
        done = resolve;
        socket.write(one);
      }),
    close: () => socket.destroy(),
  };
}

async function measure(server, port, burst) {
  const subscribers = await openSubscribers({ port, count: SUBSCRIBERS, kind: 'ws', path: '/ws' });
  const posters = Array.from({ length: burst }, () => poster(port));
  try {
    await Promise.all(posters.map((p) => p.post()));
    await subscribers.waitFor(burst * SUBSCRIBERS);
    const before = cpuMicros(server.pid);
    const started = process.hrtime.bigint();
    let delivered = 0;
    for (let sent = 0; sent < EVENTS; sent += burst) {
      await Promise.all(posters.map((p) => p.post()));
      if (burst === 1) delivered += (await subscribers.waitFor(SUBSCRIBERS)).delivered;
    }
    if (burst > 1) delivered = (await subscribers.waitFor(EVENTS * SUBSCRIBERS)).delivered;
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    return { cpuPerDelivery: (cpuMicros(server.pid) - before) / delivered, rate: delivered / seconds, delivered };
  } finally {
    posters.forEach((p) => p.close());
    subscribers.close();
  }
}

export async function run({ rounds, build }) {
  const host = await startHost({ build });
  const peer = await startNodeWs();
  try {
    const single = [];
    const theirs = [];
    const bursts = [];
    for (let round = 0; round < rounds; round++) {
      single.push(await measure(host, host.events, 1));
      if (peer) theirs.push(await measure(peer, peer.port, 1));
      bursts.push(await measure(host, host.events, 8));
    }
    const cpu = (list) => median(list.map((r) => r.cpuPerDelivery));
    const complete = [...single, ...bursts].every((r) => r.delivered === EVENTS * SUBSCRIBERS);
    const coalesced = cpu(single) / cpu(bursts);
    const rows = [
      { case: 'fanout', figure: 'backplane CPU us/delivery', value: fixed(cpu(single)), note: `${fixed(median(single.map((r) => r.rate)), 0)} deliveries/s` },
      { case: 'fanout', figure: 'every frame delivered', value: complete ? 'yes' : 'no', line: 'yes', ok: complete },
      { case: 'fanout', figure: 'bursts of 8: deliveries per CPU x own single', value: fixed(coalesced), line: '>= 4', ok: coalesced >= 4, note: `${fixed(cpu(bursts))} us, ${fixed(median(bursts.map((r) => r.rate)), 0)} deliveries/s` },
    ];
    if (!peer) return [...rows, { case: 'fanout', figure: 'CPU x node ws', value: 'n/a', note: 'peer absent' }];
    const ratio = median(single.map((r, i) => r.cpuPerDelivery / theirs[i].cpuPerDelivery));
    return [...rows, { case: 'fanout', figure: 'CPU x node ws', value: fixed(ratio), line: '<= 0.55', ok: ratio <= 0.55, note: `node ws ${fixed(cpu(theirs))} us` }];
  } finally {
    await host.stop();
    await peer?.stop();
  }
}
