// Durable ingest: POST /events with validation, 64 connections. Every 2xx must be a row.
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { interleave, wrk } from '../lib/rounds.mjs';
import { root, startFastApi, startFastify, startHost } from '../lib/servers.mjs';
import { fixed, median } from '../lib/table.mjs';

const script = path.join(root, 'tests/bench/lib/ingest.lua');

/** Rows in the store's event table and in the live log, read beside the running host. */
function countRows(state) {
  const sql = 'SELECT (SELECT count(*) FROM observability_events) || " " || (SELECT count(*) FROM live_log)';
  const done = spawnSync('/usr/bin/python3', ['-c', 'import sqlite3,sys; print(sqlite3.connect("file:"+sys.argv[1]+"?mode=ro",uri=True).execute(sys.argv[2]).fetchone()[0])', path.join(state, 'state.db'), sql.replaceAll('"', "'")], { encoding: 'utf8' });
  return done.stdout.trim().split(' ').map(Number);
}

export async function run({ rounds, seconds, build }) {
  const host = await startHost({ build });
  const ours = { ...host, port: host.events };
  const peers = [await startFastApi(), await startFastify()].filter(Boolean);
  const hello = { ...host, name: 'hello' };
  const servers = [ours, ...peers];
  try {
    const measured = (server) => (server === hello ? wrk(hello, { seconds, url: '/f/hello/hello' }) : wrk(server, { seconds, script, url: '/events' }));
    const { kept, dropped } = await interleave([...servers, hello], rounds, measured);
    const acknowledged = kept.reduce((sum, round) => sum + round.get(ours.name).operations - round.get(ours.name).errors, 0);
    const [events, live] = countRows(host.state);
    const note = `${kept.length} rounds, ${dropped} dropped`;
    const rows = servers.map((s) => ({ case: 'ingest', figure: `${s.name} CPU us/event`, value: fixed(median(kept.map((r) => r.get(s.name).cpuPerOp))), note: `${fixed(median(kept.map((r) => r.get(s.name).throughput)), 0)} events/s` }));
    rows.push({ case: 'ingest', figure: 'rows for what was acknowledged', value: `${events} / ${acknowledged}`, line: 'no fewer', ok: events >= acknowledged && live >= acknowledged, note: `${live} live rows` });
    const own = median(kept.map((round) => round.get(ours.name).cpuPerOp / round.get('hello').cpuPerOp));
    rows.push({ case: 'ingest', figure: 'CPU x own hello', value: fixed(own), line: '<= 4', ok: own <= 4, note });
    const lines = [
      ['FastAPI WAL NORMAL', 'events per CPU x FastAPI WAL NORMAL', 3, (r, peer) => r.get(peer).cpuPerOp / r.get(ours.name).cpuPerOp],
      ['Fastify FULL', 'throughput x Fastify FULL', 5, (r, peer) => r.get(ours.name).throughput / r.get(peer).throughput],
    ];
    for (const [peer, figure, line, ratioOf] of lines) {
      if (!peers.some((p) => p.name === peer)) {
        rows.push({ case: 'ingest', figure, value: 'n/a', note: 'peer absent' });
        continue;
      }
      const ratio = median(kept.map((round) => ratioOf(round, peer)));
      rows.push({ case: 'ingest', figure, value: fixed(ratio), line: `>= ${line}`, ok: ratio >= line, note });
    }
    return rows;
  } finally {
    for (const server of servers) await server.stop();
  }
}
