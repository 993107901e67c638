// What the rules cost: POST /events on two hosts, one with the validation rules of the tree, one without any.
import path from 'node:path';
import { interleave, wrk } from '../lib/rounds.mjs';
import { root, startHost } from '../lib/servers.mjs';
import { fixed, median } from '../lib/table.mjs';

const script = path.join(root, 'tests/bench/lib/ingest.lua');

export async function run({ rounds, seconds, build }) {
  const ruled = await startHost({ build });
  const free = await startHost({ build }, undefined, { name: 'backplane without rules', shift: 1000, rules: false });
  try {
    const servers = [ruled, free].map((host) => ({ ...host, port: host.events }));
    const { kept, dropped } = await interleave(servers, rounds, (server) => wrk(server, { seconds, script, url: '/events' }));
    const cost = median(kept.map((round) => round.get(ruled.name).cpuPerOp / round.get(free.name).cpuPerOp));
    const rows = servers.map((s) => ({ case: 'policy', figure: `${s.name} CPU us/event`, value: fixed(median(kept.map((r) => r.get(s.name).cpuPerOp))), note: `${fixed(median(kept.map((r) => r.get(s.name).throughput)), 0)} events/s` }));
    rows.push({ case: 'policy', figure: 'ingest with rules x without', value: fixed(cost, 3), line: '<= 1.05', ok: cost <= 1.05, note: `${kept.length} rounds, ${dropped} dropped` });
    return rows;
  } finally {
    await ruled.stop();
    await free.stop();
  }
}
