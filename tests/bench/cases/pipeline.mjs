// Pipelining, 16 requests in one segment: requests per CPU against nginx.
import path from 'node:path';
import { interleave, wrk } from '../lib/rounds.mjs';
import { root, startHost, startNginx } from '../lib/servers.mjs';
import { fixed, median } from '../lib/table.mjs';

const script = path.join(root, 'tests/bench/lib/pipeline.lua');

export async function run({ rounds, seconds, build }) {
  const host = await startHost({ build });
  const nginx = await startNginx();
  const servers = [host, nginx].filter(Boolean);
  try {
    const { kept, dropped } = await interleave(servers, rounds, (server) => wrk(server, { seconds, script, url: server === host ? '/f/hello/hello' : '/' }));
    const note = `${kept.length} rounds, ${dropped} dropped`;
    const rate = median(kept.map((round) => round.get(host.name).throughput));
    const rows = [{ case: 'pipeline', figure: 'backplane requests/s', value: fixed(rate, 0), note }];
    if (!nginx) return [...rows, { case: 'pipeline', figure: 'requests per CPU x nginx', value: 'n/a', note: 'peer absent' }];
    const ratio = median(kept.map((round) => round.get('nginx').cpuPerOp / round.get(host.name).cpuPerOp));
    rows.push({ case: 'pipeline', figure: 'requests per CPU x nginx', value: fixed(ratio), line: '>= 5', ok: ratio >= 5, note });
    return rows;
  } finally {
    for (const server of servers) await server.stop();
  }
}
