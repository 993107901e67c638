// Git: what a decision of the policy costs, and `git status` through the host (its repository's scan is warm) against the same command
// started by hand. Wall time of one after the other, in turns, because most of it is git itself.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { root, scratch, startHost } from '../lib/servers.mjs';
import { fixed, median } from '../lib/table.mjs';

const BATCH = 20;

function makeRepository(folder) {
  const git = (...words) => execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b', ...words]);
  mkdirSync(folder);
  git('init', '-q', '-b', 'main');
  for (let i = 0; i < 500; i++) {
    const sub = path.join(folder, `d${i % 25}`);
    mkdirSync(sub, { recursive: true });
    writeFileSync(path.join(sub, `f${i}`), `${i}\n`);
  }
  git('add', '.');
  git('commit', '-qm', 'all');
  writeFileSync(path.join(folder, 'd1/f1'), 'changed\n');
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
function ask(port, repoPath) {
  const body = JSON.stringify({ repoPath, args: ['status', '--porcelain'] });
  const started = process.hrtime.bigint();
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method: 'POST', path: '/f/desktop/api/git', agent, headers: { 'content-type': 'application/json', 'content-length': body.length } }, (reply) => {
      let text = '';
      reply.on('data', (piece) => (text += piece));
      reply.on('end', () => (reply.statusCode === 200 && text.includes('d1/f1') ? resolve(Number(process.hrtime.bigint() - started) / 1e3) : reject(new Error(text))));
    });
    request.on('error', reject);
    request.end(body);
  });
}

export async function run({ rounds, build }) {
  const bin = path.join(build || path.join(root, 'build/release'), 'tests/bench');
  const rows = execFileSync(path.join(bin, 'bench_git_policy'), [path.join(root, 'scripts'), '5000'], { encoding: 'utf8' }).trim().split('\n').map((line) => {
    const [name, us] = line.split(' ');
    return { case: 'git', figure: `decision on ${name}, median us`, value: us, line: '< 50', ok: Number(us) < 50 };
  });
  const folder = scratch();
  const repo = path.join(folder, 'repo');
  makeRepository(repo);
  const host = await startHost({ build }, ['module "desktop" {}', `module "git" { roots = { ${JSON.stringify(folder)} } }`]);
  try {
    for (let i = 0; i < BATCH; i++) await ask(host.port, repo);
    const ratios = [];
    const ours = [];
    for (let round = 0; round < rounds; round++) {
      const raw = execFileSync(path.join(bin, 'bench_spawn_git'), [repo, String(BATCH)], { encoding: 'utf8' }).trim().split('\n').map(Number);
      const mine = [];
      for (let i = 0; i < BATCH; i++) mine.push(await ask(host.port, repo));
      ours.push(median(mine));
      ratios.push(median(mine) / median(raw));
    }
    const ratio = median(ratios);
    rows.push({ case: 'git', figure: 'status, warm scan, x posix_spawn', value: fixed(ratio, 3), line: '<= 1.15', ok: ratio <= 1.15, note: `${fixed(median(ours) / 1000, 1)} ms` });
    return rows;
  } finally {
    await host.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
