// Hello JSON, keep-alive, 64 connections: the full host with a plugin against nginx, node:http for context.
import { interleave, wrk } from '../lib/rounds.mjs';
import { startHost, startNginx, startNodeHttp } from '../lib/servers.mjs';
import { fixed, median } from '../lib/table.mjs';

export async function run({ rounds, seconds, build }) {
  const host = await startHost({ build });
  const peers = [await startNginx(), await startNodeHttp()].filter(Boolean);
  const servers = [host, ...peers];
  try {
    const { kept, dropped } = await interleave(servers, rounds, (server) => wrk(server, { seconds, url: server === host ? '/f/hello/hello' : '/' }));
    const cpu = (name) => median(kept.map((round) => round.get(name).cpuPerOp));
    const errors = kept.reduce((sum, round) => sum + [...round.values()].reduce((s, r) => s + r.errors, 0), 0);
    const rows = servers.map((s) => ({ case: 'hello', figure: `${s.name} CPU us/request`, value: fixed(cpu(s.name)), note: `${kept.length} rounds, ${dropped} dropped` }));
    for (const [name, line] of [['nginx', 1.1], ['node:http', undefined]]) {
      if (!peers.some((p) => p.name === name)) {
        rows.push({ case: 'hello', figure: `CPU x ${name}`, value: 'n/a', note: 'peer absent' });
        continue;
      }
      const ratio = median(kept.map((round) => round.get(host.name).cpuPerOp / round.get(name).cpuPerOp));
      rows.push({ case: 'hello', figure: `CPU x ${name}`, value: fixed(ratio), line: line && `<= ${line}`, ok: line && ratio <= line && errors === 0, note: errors ? `${errors} answers not 2xx` : '' });
    }
    return rows;
  } finally {
    for (const server of servers) await server.stop();
  }
}
