// kill -9 at random under eight writers: nothing acknowledged is lost or doubled, and the next start is ready again.
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const http = require('node:http');
const { Host } = require('./lib/host.js');

const PORT = 8765;
const WRITERS = 8;
const ROUNDS = Number(process.env.BACKPLANE_KILL_ROUNDS || 20);
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "observability" }\nmodule "observability" {}\n`;

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function postOne(agent, port, body) {
  return new Promise((resolve) => {
    const request = http.request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/events', headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, (reply) => {
      reply.resume();
      reply.on('end', () => resolve(reply.statusCode === 200));
      reply.on('error', () => resolve(false));
    });
    request.on('error', () => resolve(false));
    request.end(body);
  });
}

// Posts numbered events until the host is gone; gives the numbers that were acknowledged.
async function write(port, writer, round) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const acknowledged = [];
  for (let n = 0; ; n++) {
    const body = JSON.stringify({ event_type: 'message', session_id: `w${writer}`, session_name: 'w', timestamp: `${round}`.padStart(4, '0') + `${n}`.padStart(8, '0'), reason: `${round}:${n}` });
    if (!(await postOne(agent, port, body))) break;
    acknowledged.push(`${round}:${n}`);
  }
  agent.destroy();
  return acknowledged;
}

async function stored(host, session) {
  const reasons = [];
  for (let after = ''; ;) {
    const page = (await host.request('GET', `/events/${session}?limit=1000${after}`, { port: PORT })).json();
    reasons.push(...page.events.map((event) => event.reason));
    if (page.next === undefined) return reasons;
    after = `&after=${page.next}`;
  }
}

test(`${ROUNDS} rounds of kill -9 under ${WRITERS} writers`, { timeout: 280000 }, async () => {
  const host = new Host({ config: CONFIG, ports: [PORT] });
  const acknowledged = Array.from({ length: WRITERS }, () => []);
  for (let round = 0; round < ROUNDS; round++) {
    await host.start();
    host.end = undefined;
    const writers = Array.from({ length: WRITERS }, (_, w) => write(host.port(PORT), w, round));
    await pause(5 + Math.random() * 495);
    await host.kill();
    (await Promise.all(writers)).forEach((list, w) => acknowledged[w].push(...list));
    host.end = undefined;
  }
  await host.start();
  let total = 0;
  for (let w = 0; w < WRITERS; w++) {
    const rows = await stored(host, `w${w}`);
    const unique = new Set(rows);
    assert.strictEqual(unique.size, rows.length, `writer ${w}: an event is doubled`);
    const lost = acknowledged[w].filter((reason) => !unique.has(reason));
    assert.deepStrictEqual(lost, [], `writer ${w}: acknowledged events are lost`);
    total += acknowledged[w].length;
  }
  assert.ok(total > ROUNDS, `only ${total} events were acknowledged`);
  await host.stop();
});
