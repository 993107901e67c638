// Listing PM2's processes: GET /api/pm2-processes, which asks the daemon over its socket, against `pm2 jlist`. One program runs.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { scratch, startHost } from '../lib/servers.mjs';
import { fixed, median } from '../lib/table.mjs';

const REQUESTS = 100;
const CLI_RUNS = 5;

/** PM2 of the integration tests' packages, or undefined. */
function findPm2() {
  const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(process.env.HOME, '.cache'), 'backplane-tests');
  const found = existsSync(cache) ? readdirSync(cache).map((name) => path.join(cache, name, 'node_modules/pm2/bin/pm2')) : [];
  return found.find((file) => existsSync(file));
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
function list(port) {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path: '/api/pm2-processes', agent }, (reply) => {
      let text = '';
      reply.on('data', (piece) => (text += piece));
      reply.on('end', () => resolve({ status: reply.statusCode, ...JSON.parse(text) }));
    });
    request.on('error', reject);
  });
}

async function milliseconds(work) {
  const started = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - started) / 1e6;
}

async function waitFor(port, count) {
  for (let i = 0; i < 200; i++) {
    const reply = await list(port);
    if (reply.status === 200 && reply.count === count) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`bench: PM2 does not list ${count} processes`);
}

export async function run({ rounds, build }) {
  const pm2 = findPm2();
  if (!pm2) return [{ case: 'pm2', figure: 'peer absent', note: 'PM2 is not in the tests\' cache; scripts/test installs it' }];
  const folder = scratch();
  const home = path.join(folder, 'pm2');
  const cli = (...words) => execFileSync(process.execPath, [pm2, ...words], { env: { PATH: process.env.PATH, HOME: folder, PM2_HOME: home } });
  const modules = ['module "desktop" {}', 'module "repositories" {}',
    `module "deployments" { supervisor = "pm2", node = "${process.execPath}", pm2 = "${pm2}", pm2_home = "${home}" }`];
  mkdirSync(home, { mode: 0o700 });
  const host = await startHost({ build }, modules, { shift: 6100 });
  try {
    await waitFor(host.port, 0);
    writeFileSync(path.join(folder, 'program.js'), 'setInterval(() => {}, 1000)');
    cli('start', path.join(folder, 'program.js'), '--name', 'program');
    await waitFor(host.port, 1);
    const ours = [];
    const theirs = [];
    for (let round = 0; round < rounds; round++) {
      const single = [];
      for (let i = 0; i < REQUESTS; i++) single.push(await milliseconds(() => list(host.port)));
      ours.push(median(single));
      const runs = [];
      for (let i = 0; i < CLI_RUNS; i++) runs.push(await milliseconds(() => cli('jlist')));
      theirs.push(median(runs));
    }
    const ratio = median(ours.map((ms, i) => ms / theirs[i]));
    return [
      { case: 'pm2', figure: 'GET /api/pm2-processes, ms', value: fixed(median(ours)), note: `pm2 jlist ${fixed(median(theirs), 0)} ms` },
      { case: 'pm2', figure: 'listing x pm2 jlist', value: fixed(ratio, 3), line: '<= 0.05', ok: ratio <= 0.05 },
    ];
  } finally {
    agent.destroy();
    await host.stop(); // before the daemon, which it would launch again
    cli('kill');
    rmSync(folder, { recursive: true, force: true });
  }
}
