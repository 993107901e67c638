// Many raw WebSocket or SSE subscribers in one child process pinned to cpu 1; counts frames. Spoken on plain sockets, so that
// the client is not the bottleneck.
import { fork } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('./subscriber_child.mjs', import.meta.url));

export async function openSubscribers({ port, count, kind, path }) {
  const child = fork(script, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  spawnSync('taskset', ['-acp', '1', String(child.pid)]);
  const waiting = [];
  child.on('message', (message) => waiting.shift()?.(message));
  const ask = (message) =>
    new Promise((resolve) => {
      waiting.push(resolve);
      child.send(message);
    });
  const opened = await ask({ open: { port, count, kind, path } });
  if (opened.error) throw new Error(`bench: subscribers: ${opened.error}`);
  return {
    /** Waits until every subscriber has seen `total` frames in all, at most 30 s; gives {delivered, complete}. */
    waitFor: (total) => ask({ waitFor: total }),
    close: () => child.kill('SIGKILL'),
  };
}
