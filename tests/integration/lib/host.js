// Starts the real `backplane` in a folder of its own, waits until it is ready, and checks how it ends.
// Lives here: the process. Clients (HTTP, SSE) are in client.js.
'use strict';

const assert = require('node:assert');
const { spawn, execFile } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { request, waitFor } = require('./client.js');

const BINARY = process.env.BACKPLANE_BIN;
const MODULES = process.env.BACKPLANE_MODULES;
const SCRIPTS = path.join(process.env.BACKPLANE_SOURCE || path.resolve(__dirname, '../../..'), 'scripts');
const MAIN_PORT = 8700;
const SANITIZER_REPORT = /ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:/;

const folders = new Set();

// Ends what works in a folder of a host: programs that outlive it, and what they have started.
function endLeftovers(folder) {
  for (const pid of fs.readdirSync('/proc').filter((name) => /^[1-9]/.test(name))) {
    try {
      const place = fs.readlinkSync(`/proc/${pid}/cwd`);
      if (Number(pid) !== process.pid && (place === folder || place.startsWith(`${folder}/`))) process.kill(Number(pid), 'SIGKILL');
    } catch { /* it is gone, or another user's */ }
  }
}

process.on('exit', () => {
  for (const folder of folders) {
    endLeftovers(folder);
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

function isFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

// An offset at which the given ports are free. Stays below the kernel's ephemeral range (32768).
async function freeOffset(ports) {
  const fixed = process.env.BACKPLANE_TEST_PORT_OFFSET;
  if (fixed) return Number(fixed);
  for (;;) {
    const offset = 11300 + Math.floor(Math.random() * 11000);
    const free = await Promise.all(ports.map((port) => isFree(port + offset)));
    if (free.every(Boolean)) return offset;
  }
}

class Host {
  // options: config (Lua text after the main listener), ports (compatibility ports the config listens on), env, args,
  // files (the limit of open descriptors).
  constructor(options) {
    this.options = options;
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-test-'));
    folders.add(this.folder);
    this.state = path.join(this.folder, 'state');
    this.configFile = path.join(this.folder, 'backplane.lua');
    this.stdout = '';
    this.stderr = '';
    this.writeConfig(options.config || '');
  }

  writeConfig(text) {
    fs.writeFileSync(this.configFile, `listen "127.0.0.1:${MAIN_PORT}" {} origins { "http://localhost:5173" } policy { scripts = ${JSON.stringify(this.options.scripts || SCRIPTS)} }\n${text}`);
  }

  globalArguments() {
    return ['--config', this.configFile, '--state', this.state, '--modules', MODULES, '--port-offset', String(this.offset)];
  }

  // Where a port of the config really is.
  port(configured = MAIN_PORT) {
    return configured + this.offset;
  }

  async start() {
    this.offset ??= await freeOffset([MAIN_PORT, ...(this.options.ports || [])]);
    this.exited = new Promise((resolve) => {
      const words = [BINARY, 'run', ...this.globalArguments(), ...(this.options.args || [])];
      if (this.options.files) words.unshift('/bin/sh', '-c', `ulimit -n ${this.options.files} && exec "$0" "$@"`);
      this.child = spawn(words[0], words.slice(1), {
        cwd: this.folder,
        env: { ...process.env, ...this.options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const name of ['stdout', 'stderr']) {
        this.child[name].setEncoding('utf8');
        this.child[name].on('data', (text) => { this[name] += text; });
      }
      this.child.on('close', (code, signal) => { this.end = { code, signal }; resolve(this.end); });
    });
    await waitFor('the host to be ready', async () => {
      if (this.end) throw new Error(`the host ended with ${JSON.stringify(this.end)}:\n${this.stderr}`);
      const reply = await this.request('GET', '/ready').catch(() => null);
      return reply && reply.status === 200;
    });
    return this;
  }

  // A request to the main listener, or to options.port (as configured).
  request(method, target, options = {}) {
    return request(method, target, { ...options, port: this.port(options.port) });
  }

  // A request over the control socket.
  control(method, target, options = {}) {
    return request(method, target, { ...options, socketPath: path.join(this.state, 'control.sock') });
  }

  adminToken() {
    return fs.readFileSync(path.join(this.state, 'admin.token'), 'utf8').trim();
  }

  adminHeaders() {
    return { authorization: `Bearer ${this.adminToken()}` };
  }

  // Runs a `backplane` command against this host: { code, stdout, stderr }.
  command(...words) {
    return command([...words, ...this.globalArguments()], { cwd: this.folder, env: { ...process.env, ...this.options.env } });
  }

  // Waits for a line of the log.
  async logged(pattern) {
    await waitFor(`a log line like ${pattern}`, () => pattern.test(this.stderr), () => this.stderr);
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  // Graceful end: it must exit with 0 and no sanitizer may have spoken. Removes the folder.
  async stop() {
    if (!this.end) this.child.kill('SIGTERM');
    const end = await this.exited;
    endLeftovers(this.folder);
    assert.doesNotMatch(this.stderr, SANITIZER_REPORT);
    if (end.signal !== 'SIGKILL') assert.deepStrictEqual(end, { code: 0, signal: null }, this.stderr);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

function startHost(options = {}) {
  return new Host(options).start();
}

function command(words, options = {}) {
  return new Promise((resolve) => {
    execFile(BINARY, words, options, (error, stdout, stderr) => {
      assert.doesNotMatch(stderr, SANITIZER_REPORT);
      resolve({ code: error ? error.code : 0, stdout, stderr });
    });
  });
}

module.exports = { Host, startHost, command, freeOffset };
