// Starting and stopping what is measured: our host, and the peers. Each starter gives {name, port, pid, stop()} or null when
// the peer is not installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, '../../..');
const peers = path.resolve(here, '../peers');
const lock = createHash('sha256').update(readFileSync(path.join(peers, 'package-lock.json'))).digest('hex').slice(0, 16);
const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(process.env.HOME, '.cache'), 'backplane-tests', `bench-${lock}`);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function get(port, url) {
  return new Promise((resolve) => {
    const request = http.get({ host: '127.0.0.1', port, path: url, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    request.on('error', () => resolve(0));
  });
}

async function waitReady(port, url, child, name, log) {
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error(`bench: ${name} ended at start:\n${log()}`);
    if ((await get(port, url)) > 0) return;
    await sleep(50);
  }
  throw new Error(`bench: ${name} did not answer on port ${port}:\n${log()}`);
}

async function start(name, port, url, command, args, options = {}) {
  if ((await get(port, url)) > 0) throw new Error(`bench: port ${port} is in use; stop what answers there`);
  const child = spawn('taskset', ['-c', '0', command, ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let text = '';
  child.stdout.on('data', (data) => (text += data));
  child.stderr.on('data', (data) => (text = (text + data).slice(-8192)));
  await waitReady(port, url, child, name, () => text);
  return {
    name,
    port,
    pid: child.pid,
    async stop() {
      if (child.exitCode === null) {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await Promise.race([gone, sleep(8000)]);
        child.kill('SIGKILL');
      }
      options.cleanup?.();
    },
  };
}

const has = (command) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command]).status === 0;

export function scratch() {
  return mkdtempSync(path.join(tmpdir(), 'backplane-bench-'));
}

const MODULES = ['module "hello" { path = HELLO }', 'module "observability" {}'];

/** Our host in the release build with the given module lines and the tree's rules. Ports: main 18700, observability 18765, plus `shift`;
 *  `rules: false` gives it an empty folder of rules. */
export async function startHost(settings, modules = MODULES, { name = 'backplane', shift = 0, rules = true } = {}) {
  const build = settings.build || path.join(root, 'build/release');
  const binary = path.join(build, 'host/backplane');
  if (!existsSync(binary)) throw new Error(`bench: ${binary} is missing; build the release preset first`);
  const dir = scratch();
  const plugin = (name) => JSON.stringify(path.join(build, `tests/bench/${name}.so`));
  const lines = modules.map((line) => line.replace('HELLO', plugin('bench_hello')).replace('UPLOAD', plugin('bench_upload')).replace('SOURCE', JSON.stringify(path.join(build, 'tests/integration/test_socket_source.so'))));
  const config = [
    `modules_dir ${JSON.stringify(path.join(build, 'modules'))}`,
    `policy { scripts = ${JSON.stringify(rules ? path.join(root, 'scripts') : dir)} }`,
    'listen "127.0.0.1:18700"',
    'listen "127.0.0.1:18765" { family = "observability" }',
    ...lines,
    '',
  ].join('\n');
  writeFileSync(path.join(dir, 'backplane.lua'), config);
  const state = path.join(dir, 'state');
  mkdirSync(state, { mode: 0o700 });
  const args = ['run', '--config', path.join(dir, 'backplane.lua'), '--state', state, '--port-offset', String(shift)];
  const host = await start(name, 18700 + shift, '/health', binary, args, {
    cleanup: () => rmSync(dir, { recursive: true, force: true }),
  });
  return { ...host, events: 18765 + shift, state, command: [binary, ...args] };
}

export async function startNginx() {
  if (!has('nginx') && !existsSync('/usr/sbin/nginx')) return null;
  const dir = scratch();
  return start('nginx', 18081, '/', '/usr/sbin/nginx', ['-p', dir, '-c', path.join(peers, 'nginx.conf'), '-e', 'stderr'], {
    cleanup: () => rmSync(dir, { recursive: true, force: true }),
  });
}

export async function startFastApi() {
  const probe = spawnSync('/usr/bin/python3', ['-c', 'import fastapi, uvicorn']);
  if (probe.status !== 0) return null;
  const dir = scratch();
  return start('FastAPI WAL NORMAL', 18082, '/health', '/usr/bin/python3', ['-m', 'uvicorn', '--app-dir', peers, '--port', '18082', '--log-level', 'warning', 'fastapi_ingest:app'], {
    env: { ...process.env, BENCH_DB: path.join(dir, 'events.db'), PYTHONDONTWRITEBYTECODE: '1' },
    cleanup: () => rmSync(dir, { recursive: true, force: true }),
  });
}

/** npm peers live in a cache outside the tree, installed from peers/package-lock.json. */
function npmPeers() {
  const modules = path.join(cache, 'node_modules');
  if (existsSync(path.join(modules, '.installed'))) return modules;
  mkdirSync(cache, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) spawnSync('cp', [path.join(peers, file), cache]);
  const done = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: cache, encoding: 'utf8' });
  if (done.status !== 0) return null;
  writeFileSync(path.join(modules, '.installed'), '');
  return modules;
}

async function startNode(name, port, script, needs, env = {}) {
  const modules = needs.length ? npmPeers() : '';
  if (modules === null || needs.some((need) => !existsSync(path.join(modules, need)))) return null;
  const dir = scratch();
  return start(name, port, '/health', process.execPath, [path.join(peers, script)], {
    env: { ...process.env, BENCH_MODULES: modules, BENCH_DB: path.join(dir, 'events.db'), PORT: String(port), ...env },
    cleanup: () => rmSync(dir, { recursive: true, force: true }),
  });
}

export const startFastify = () => startNode('Fastify FULL', 18083, 'fastify_ingest.cjs', ['fastify', 'better-sqlite3']);
export const startNodeHttp = () => startNode('node:http', 18084, 'node_http.cjs', []);
export const startNodeFiles = (folder) => startNode('node readdir + stat', 18086, 'node_files.cjs', [], { FOLDER: folder });
export const startNodeWs = () => startNode('node ws', 18085, 'ws_fanout.cjs', ['ws']);
export const startSocketIo = () => startNode('socket.io', 18086, 'socketio_fanout.cjs', ['socket.io']);
export const wsModule = () => {
  const modules = npmPeers();
  return modules && path.join(modules, 'ws');
};
