// The root of the desktop family: what the original answered, errors in its shape, and CORS with credentials.
'use strict';

const assert = require('node:assert');
const http = require('node:http');
const { test, before, after } = require('node:test');
const { startHost } = require('./lib/host.js');

const PORT = 3006;
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "desktop" }\nmodule "desktop" { environment = "test" }\nmodule "repositories" {}\n`;
const JSON_TYPE = 'application/json; charset=utf-8';

let host;
before(async () => { host = await startHost({ config: CONFIG, ports: [PORT] }); });
after(() => host.stop());

const get = (target, options) => host.request('GET', target, { port: PORT, ...options });

test('/health tells uptime and memory', async () => {
  const reply = await get('/health');
  const health = reply.json();
  assert.equal(reply.status, 200);
  assert.equal(reply.headers['content-type'], JSON_TYPE);
  assert.equal(health.success, true);
  assert.equal(health.status, 'healthy');
  assert.equal(new Date(health.timestamp).toISOString(), health.timestamp);
  assert.ok(health.uptime >= 0 && health.uptime < 1000);
  assert.deepEqual(Object.keys(health.memory), ['rss', 'heapTotal', 'heapUsed', 'external', 'arrayBuffers']);
  assert.ok(health.memory.rss > 1e6 && health.memory.heapUsed >= 0 && health.memory.heapTotal >= health.memory.heapUsed);
});

test('/api names the endpoints', async () => {
  const index = (await get('/api')).json();
  assert.equal(index.success, true);
  assert.equal(index.message, 'AI Desktop Backend API');
  assert.equal(index.version, '1.0.0');
  assert.equal(index.endpoints.repositories, '/api/repositories');
  assert.deepEqual(Object.keys(index.endpoints), ['health', 'status', 'vscode', 'mcp', 'services', 'flowBuilder', 'deployments', 'repositories',
    'pm2Processes', 'git', 'gitConfig', 'systemStats', 'files']);
});

test('/api/status', async () => {
  const status = (await get('/api/status')).json();
  assert.deepEqual(status, { success: true, data: { status: 'running', version: '1.0.0', environment: 'test', socketConnections: 0 } });
});

test('an unknown path and a wrong method are both 404, in the shape of the family', async () => {
  for (const [method, target] of [['GET', '/'], ['GET', '/api/nothing'], ['POST', '/health'], ['DELETE', '/api'], ['PATCH', '/api/repositories']]) {
    const reply = await host.request(method, target, { port: PORT });
    assert.equal(reply.status, 404, `${method} ${target}`);
    assert.equal(reply.headers['content-type'], JSON_TYPE);
    assert.deepEqual(reply.json(), { success: false, error: 'Endpoint not found' });
  }
});

// Says that a body of so many bytes comes, and sends none of it.
function announce(bytes) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': bytes };
    const call = http.request({ host: '127.0.0.1', port: host.port(PORT), method: 'POST', path: '/api/repositories', headers }, (reply) => {
      let text = '';
      reply.on('data', (piece) => { text += piece; });
      reply.on('end', () => { call.destroy(); resolve({ status: reply.statusCode, json: () => JSON.parse(text) }); });
    });
    call.on('error', reject);
    call.flushHeaders();
  });
}

test('four kinds of bad input are answered in the shape of the family', async () => {
  const headers = { 'content-type': 'application/json' };
  const bad = [
    [400, { headers, body: '{"name":' }],
    [400, { headers, body: '[1,2]' }],
    [415, { headers: { 'content-type': 'text/plain' }, body: 'name=x' }],
  ];
  for (const [status, options] of bad) {
    const reply = await host.request('POST', '/api/repositories', { port: PORT, ...options });
    assert.equal(reply.status, status);
    assert.equal(reply.json().success, false);
    assert.ok(reply.json().error.length > 0);
  }
  const large = await announce(50 * 1024 * 1024 + 1);
  assert.deepEqual([large.status, large.json().success], [413, false]);
});

test('a JSON body of nearly 50 MiB is read', async () => {
  const body = { name: 'x', path: '/x', type: 'other', padding: 'x'.repeat(49 * 1024 * 1024) };
  const reply = await host.request('POST', '/api/repositories', { port: PORT, body });
  assert.deepEqual([reply.status, reply.json().error], [400, 'Type must be "git" or "local"']);
});

test('CORS: a listed origin is echoed with credentials, another is refused', async () => {
  const origin = 'http://localhost:5173';
  const reply = await get('/api/status', { headers: { origin } });
  assert.equal(reply.headers['access-control-allow-origin'], origin);
  assert.equal(reply.headers['access-control-allow-credentials'], 'true');
  assert.match(reply.headers.vary, /origin/i);
  const preflight = await host.request('OPTIONS', '/api/repositories', { port: PORT,
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' } });
  assert.equal(preflight.status, 200);
  assert.equal(preflight.headers['access-control-allow-credentials'], 'true');
  assert.equal((await get('/api/status', { headers: { origin: 'http://evil.example' } })).status, 403);
});

test('on the main listener the family is under its name', async () => {
  assert.equal((await host.request('GET', '/f/desktop/health')).json().status, 'healthy');
  assert.equal((await host.request('GET', '/api/status')).json().success, true);
});
