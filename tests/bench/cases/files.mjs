// Listing a folder of 10,000 files: our GET /api/files against node's readdir with stat behind node:http. Both answers hold the same items.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cpuMicros, machineMicros } from '../lib/proc.mjs';
import { interleave } from '../lib/rounds.mjs';
import { startHost, startNodeFiles } from '../lib/servers.mjs';
import { fixed, median } from '../lib/table.mjs';

const FILES = 10000;
const LISTINGS = 20;

function makeFolder() {
  const folder = path.join(mkdtempSync(path.join(tmpdir(), 'backplane-bench-files-')), 'root');
  mkdirSync(folder);
  for (let i = 0; i < FILES; i++) writeFileSync(path.join(folder, `file-${String(i * 7919 % FILES).padStart(5, '0')}.txt`), 'x'.repeat(i % 100));
  return folder;
}

async function measure(server, url) {
  const own = process.cpuUsage();
  const before = { cpu: cpuMicros(server.pid), machine: machineMicros(), time: process.hrtime.bigint() };
  let items = 0;
  for (let i = 0; i < LISTINGS; i++) {
    const answer = await (await fetch(`http://127.0.0.1:${server.port}${url}`)).json();
    items += answer.items.length;
  }
  const cpu = cpuMicros(server.pid) - before.cpu;
  const { user, system } = process.cpuUsage(own);
  const elapsed = Number(process.hrtime.bigint() - before.time) / 1e3;
  return { cpuPerListing: cpu / LISTINGS, items, foreign: Math.max(0, (machineMicros() - before.machine - cpu - user - system) / (elapsed * 2)) };
}

export async function run({ rounds, build }) {
  const folder = makeFolder();
  const host = await startHost({ build }, ['module "desktop" {}', `module "files" { root = ${JSON.stringify(folder)} }`]);
  const peer = await startNodeFiles(folder);
  try {
    const { kept, dropped } = await interleave([host, peer], rounds, (server) => measure(server, server === host ? '/f/desktop/api/files' : '/list'));
    const ms = (name) => median(kept.map((round) => round.get(name).cpuPerListing)) / 1000;
    const ratio = median(kept.map((round) => round.get(host.name).cpuPerListing / round.get(peer.name).cpuPerListing));
    const isWhole = kept.every((round) => [...round.values()].every((result) => result.items === LISTINGS * FILES));
    const note = `${kept.length} rounds, ${dropped} dropped`;
    return [
      { case: 'files', figure: `${host.name} CPU ms/listing`, value: fixed(ms(host.name)), note },
      { case: 'files', figure: `${peer.name} CPU ms/listing`, value: fixed(ms(peer.name)), note },
      { case: 'files', figure: `CPU x ${peer.name}`, value: fixed(ratio), line: '<= 0.5', ok: ratio <= 0.5 && isWhole, note: isWhole ? '' : 'items are missing' },
    ];
  } finally {
    await host.stop();
    await peer.stop();
    rmSync(path.dirname(folder), { recursive: true, force: true });
  }
}
