// Entry of the benchmarks: runs the chosen cases and prints one table. See README.md for method and lines.
import { parseArgs } from 'node:util';
import { limits } from './lib/rounds.mjs';
import { printTable } from './lib/table.mjs';

const CASES = ['hello', 'pipeline', 'ingest', 'policy', 'fanout', 'files', 'git', 'memory', 'pm2', 'socketio', 'startup', 'upload'];

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    build: { type: 'string', default: '' },
    foreign: { type: 'string', default: '0.15' },
  },
});

const wanted = options.only ? options.only.split(',') : CASES;
const unknown = wanted.filter((name) => !CASES.includes(name));
if (unknown.length) {
  console.error(`bench: unknown case "${unknown[0]}"; there are ${CASES.join(', ')}`);
  process.exit(2);
}

limits.foreign = Number(options.foreign);
const settings = { rounds: Number(options.rounds), seconds: Number(options.seconds), build: options.build };
const rows = [];
for (const name of wanted) {
  console.error(`bench: ${name} …`);
  const { run } = await import(`./cases/${name}.mjs`);
  rows.push(...(await run(settings)));
}
printTable(rows);
process.exit(rows.some((row) => row.ok === false) ? 1 : 0);
