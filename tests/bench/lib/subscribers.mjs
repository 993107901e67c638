// Many subscribers in one small C program (clients/subscribers.c) pinned to cpu 1, so that the client is not what is measured.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './servers.mjs';

export async function openSubscribers({ port, count, kind, path: target, build }) {
  const binary = path.join(build || path.join(root, 'build/release'), 'tests/bench/bench_subscribers');
  const child = spawn('taskset', ['-c', '1', binary, String(port), String(count), kind, target], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => (await lines.next()).value;
  if ((await answer()) !== 'ready') throw new Error('bench: not all subscribers could be opened');
  return {
    /** Waits until `total` frames have come since the last call, at most 30 s; gives {delivered, complete}. */
    async waitFor(total) {
      child.stdin.write(`${total}\n`);
      const delivered = Number(await answer());
      return { delivered, complete: delivered >= total };
    },
    close: () => child.kill('SIGKILL'),
  };
}
