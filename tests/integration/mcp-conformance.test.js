// The official conformance suite against /mcp, with a server on the official SDK behind the hub: what that server can do, the hub passes on.
'use strict';

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { Host } = require('./lib/host.js');
const { fixtureFile } = require('./lib/mcp/servers.js');

const PORT = 3006;
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "desktop" } module "desktop" {} module "mcp" {}`;
const SCENARIOS = 32;

test('every scenario of the suite passes through the hub', async () => {
  const host = await new Host({ config: CONFIG, ports: [PORT] }).start();
  try {
    const entry = { id: 'fixture', name: 'Fixture', command: process.execPath, args: [fixtureFile(host.folder)] };
    assert.equal((await host.request('POST', '/api/mcp', { port: PORT, body: entry })).status, 200);
    const suite = path.join(process.env.NODE_PATH, '@modelcontextprotocol/conformance/dist/index.js');
    const words = [suite, 'server', '--url', `http://127.0.0.1:${host.port(PORT)}/mcp`, '--suite', 'all'];
    const { code, output } = await new Promise((resolve) => {
      execFile(process.execPath, words, { cwd: host.folder, maxBuffer: 1 << 26 }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, output: stdout + stderr }));
    });
    const passed = output.match(/^✓ .*: \d+ passed, 0 failed/gm) || [];
    assert.equal(passed.length, SCENARIOS, output.slice(-4000));
    assert.equal(code, 0, output.slice(-4000));
  } finally {
    await host.stop();
  }
});
