// Interleaved rounds: each contender once a round, pinned, with foreign CPU watched.
import { spawnSync } from 'node:child_process';
import { cpuMicros, machineMicros } from './proc.mjs';

/** Share of the machine that others may use in a round that counts; --foreign raises it for a look on a busy machine. */
export const limits = { foreign: 0.15 };

/** Runs wrk on cpu 1 against a server; gives {operations, errors, seconds, cpuPerOp, throughput, foreign}. */
export function wrk(server, { seconds, url, connections = 64, script, port = server.port, args = [] }) {
  const before = { server: cpuMicros(server.pid), machine: machineMicros(), own: process.resourceUsage() };
  const command = ['-c', '1', 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`];
  if (script) command.push('-s', script);
  command.push(`http://127.0.0.1:${port}${url}`, '--', ...args);
  const started = process.hrtime.bigint();
  const done = spawnSync('taskset', command, { encoding: 'utf8' });
  const elapsed = Number(process.hrtime.bigint() - started) / 1e6;
  if (done.status !== 0) throw new Error(`bench: wrk failed: ${done.stderr || done.error}`);
  const server_us = cpuMicros(server.pid) - before.server;
  const machine_us = machineMicros() - before.machine;
  const operations = Number(/(\d+) requests in/.exec(done.stdout)?.[1] ?? 0);
  const throughput = Number(/Requests\/sec:\s+([\d.]+)/.exec(done.stdout)?.[1] ?? 0);
  const bad = Number(/Non-2xx or 3xx responses: (\d+)/.exec(done.stdout)?.[1] ?? 0);
  // wrk has cpu 1 to itself: what is neither the server nor at most that one CPU is foreign.
  const foreign = Math.max(0, (machine_us - server_us - elapsed * 1000) / (elapsed * 2000));
  return { operations, errors: bad, throughput, cpuPerOp: server_us / Math.max(1, operations), foreign };
}

/** Calls `measure(server)` for every server in every round; drops noisy rounds; gives {kept, dropped}. */
export async function interleave(servers, rounds, measure) {
  const kept = [];
  let dropped = 0;
  for (let round = 0; round < rounds; round++) {
    const results = new Map();
    for (const server of servers) results.set(server.name, await measure(server));
    if ([...results.values()].some((result) => (result.foreign ?? 0) > limits.foreign)) dropped++;
    else kept.push(results);
  }
  return { kept, dropped };
}
