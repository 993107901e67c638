// A worker of the swarm, as a project would write one in Node: JSON lines both ways, ends when its stdin does.
// What it does depends on words in the task's description.
'use strict';

const fs = require('node:fs');
const readline = require('node:readline');

const { SESSION_ID, AGENT_ID, TASK_ID, TASK_DESCRIPTION, SOCKET_URL, TRACE } = process.env;
const say = (message) => process.stdout.write(JSON.stringify(message) + '\n');
const trace = (what) => TRACE && fs.appendFileSync(TRACE, JSON.stringify({ what, session: SESSION_ID, agent: AGENT_ID, pid: process.pid, url: SOCKET_URL, keys: Object.keys(process.env).sort(), e2b: process.env.E2B_API_KEY }) + '\n');

async function work(id, description) {
  const isFirst = TRACE && !(fs.existsSync(TRACE) && fs.readFileSync(TRACE, 'utf8').includes(`"start ${description}","session":"${SESSION_ID}"`));
  trace(`start ${description}`);
  if (/flood/i.test(description)) for (let i = 0; i < 5000; i++) say({ type: 'log', action: `step ${i}` });
  if (/garbage/i.test(description)) {
    process.stdout.write('not json\n{"type":\n[]\n5\nnull\n{"type":5}\n{"type":"nothing"}\n\n\xff\xfe\n' + 'x'.repeat(2000000) + '\n');
    process.stderr.write(`my key is ${process.env.E2B_API_KEY}\n` + 'something on stderr\n'.repeat(100));
    say({ type: 'complete' });
    say({ type: 'complete', todoId: 'unknown' });
    say({ type: 'complete', todoId: { a: 1 } });
    say({ type: 'log' });
  }
  if (/sandbox/i.test(description)) say({ type: 'sandbox_ready', sandboxId: 'sb-1', streamUrl: 'https://stream.example/1' });
  if (/wait/i.test(description) || (isFirst && /hang/i.test(description))) await new Promise(() => setInterval(() => {}, 1000));
  if (/die/i.test(description)) process.exit(3);
  say({ type: 'log', action: `doing ${description}`, reasoning: 'because' });
  say({ type: 'complete', todoId: id, result: /object/i.test(description) ? { ok: true, nothing: null } : /half/i.test(description) ? 'cut \ud83d' : `did ${description}` });
  if (/twice/i.test(description)) say({ type: 'complete', todoId: id, result: 'again' });
  if (/leave/i.test(description)) process.exit(0);
}

(async () => {
  await work(TASK_ID, TASK_DESCRIPTION);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const task = JSON.parse(line);
    await work(task.taskId, task.description);
  }
  trace('end of stdin');
})();
