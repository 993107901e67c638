// From exec to the first answer, with the store already there: against node:http.
import { spawn } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import { root, startHost } from '../lib/servers.mjs';
import { fixed, median } from '../lib/table.mjs';

/** Milliseconds from spawn to the first byte of an answer on `port`. */
function firstAnswer(command, env, port) {
  return new Promise((resolve, reject) => {
    const started = process.hrtime.bigint();
    const child = spawn('taskset', ['-c', '0', ...command], { env: { ...process.env, ...env }, stdio: 'ignore' });
    child.once('error', reject);
    const attempt = () => {
      const socket = net.connect(port, '127.0.0.1', () => socket.write(`GET /health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`));
      socket.once('data', () => {
        const ms = Number(process.hrtime.bigint() - started) / 1e6;
        socket.destroy();
        child.once('exit', () => resolve(ms));
        child.kill('SIGTERM');
      });
      socket.once('error', () => setImmediate(attempt));
    };
    attempt();
  });
}

export async function run({ rounds, build }) {
  const host = await startHost({ build }, ['module "observability" {}']);
  // Keep the folder: stop only the process, so that each start finds a store that exists.
  process.kill(host.pid, 'SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const node = [process.execPath, path.join(root, 'tests/bench/peers/node_http.cjs')];
  const ours = [];
  const theirs = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(await firstAnswer(host.command, {}, 18700));
    theirs.push(await firstAnswer(node, { PORT: '18084' }, 18084));
  }
  await host.stop();
  const ratio = median(ours.map((ms, i) => ms / theirs[i]));
  return [
    { case: 'startup', figure: 'backplane first answer, ms', value: fixed(median(ours), 1), note: `node:http ${fixed(median(theirs), 1)} ms` },
    { case: 'startup', figure: 'first answer x node:http', value: fixed(ratio), line: '<= 0.2', ok: ratio <= 0.2 },
  ];
}
