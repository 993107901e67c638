// The example plugins of bp.fs/1, bp.watch/1 and bp.client/1 in a real host: every route, and servers that misbehave.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { startHost } = require('./lib/host.js');
const { waitFor } = require('./lib/client.js');

const EXAMPLES = path.join(path.dirname(process.env.BACKPLANE_MODULES), 'examples');
const module_ = (name, options) => `module "org.example.${name}" { path = "${EXAMPLES}/org.example.${name}.so", ${options} }\n`;

let host, root, web, webPort;
before(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-files-'));
  fs.mkdirSync(path.join(root, 'sub'));
  fs.writeFileSync(path.join(root, 'a.txt'), '0123456789');
  fs.symlinkSync('/etc/hostname', path.join(root, 'out'));
  await startWeb();
  const config = module_('fs-files', `root = "${root}"`) + module_('watch-changes', `folder = "${root}/sub"`) +
    module_('client-fetch', 'public_only = false');
  host = await startHost({ config });
});
after(async () => {
  web.closeAllConnections();
  web.close();
  await host.stop();
  fs.rmSync(root, { recursive: true });
});

// What the pages of the other server do.
const pages = {
  '/hello': (request, reply) => { reply.setHeader('content-type', 'text/plain'); reply.end('hello'); },
  '/missing': (request, reply) => { reply.statusCode = 404; reply.end('none'); },
  '/huge': (request, reply) => {
    const block = Buffer.alloc(1 << 20, 'x');
    let left = 100;
    const more = () => { while (left > 0) { left--; if (!reply.write(block)) return; } reply.end(); };
    reply.on('drain', more);
    more();
  },
  '/to-file': (request, reply) => { reply.writeHead(302, { location: 'file:///etc/passwd' }); reply.end(); },
  '/to-hello': (request, reply) => { reply.writeHead(302, { location: '/hello' }); reply.end(); },
  '/half': (request, reply) => { reply.writeHead(200, { 'content-length': 100 }); reply.write('half', () => reply.socket.end()); },
  '/gone': (request, reply) => { request.socket.destroy(); },
  '/slow': () => {},
};

async function startWeb() {
  web = http.createServer((request, reply) => pages[request.url](request, reply));
  await new Promise((resolve) => { web.listen(0, '127.0.0.1', resolve); });
  webPort = web.address().port;
}

const fetchUrl = (url) => host.request('GET', `/fetch?url=${encodeURIComponent(url)}`);
const fetchPage = (page) => fetchUrl(`http://127.0.0.1:${webPort}${page}`);
const encoded = encodeURIComponent;

test('a folder is listed', async () => {
  const reply = await host.request('GET', '/files');
  assert.strictEqual(reply.status, 200, reply.text);
  assert.deepStrictEqual(reply.json().entries.map((entry) => [entry.name, entry.kind]), [['sub', 'folder'], ['a.txt', 'file'], ['out', 'link']]);
  assert.strictEqual((await host.request('GET', '/files?path=none')).status, 404);
});

test('a file is sent, whole, in part, and not again when it is known', async () => {
  const whole = await host.request('GET', '/file?path=a.txt');
  assert.deepStrictEqual([whole.status, whole.text], [200, '0123456789']);
  assert.match(whole.headers['content-disposition'], /^attachment/);
  const part = await host.request('GET', '/file?path=a.txt', { headers: { range: 'bytes=2-4' } });
  assert.deepStrictEqual([part.status, part.text], [206, '234']);
  const again = await host.request('GET', '/file?path=a.txt', { headers: { 'if-none-match': whole.headers.etag } });
  assert.strictEqual(again.status, 304);
});

test('nothing outside the folder is sent', async () => {
  for (const bad of ['../x', '/etc/passwd', 'out', 'sub/../../x', '..%2fx', 'a.txt/../../x']) {
    const reply = await host.request('GET', `/file?path=${encoded(bad)}`);
    assert.ok([400, 403, 404].includes(reply.status), `${bad}: ${reply.status} ${reply.text}`);
  }
  assert.strictEqual((await host.request('GET', '/file?path=none')).status, 404);
  assert.strictEqual((await host.request('GET', '/file?path=sub')).status, 404);
});

test('a file is written, but nothing of git', async () => {
  assert.strictEqual((await host.request('POST', '/file', { body: { path: 'new/b.txt', text: 'two' } })).status, 201);
  assert.strictEqual(fs.readFileSync(path.join(root, 'new/b.txt'), 'utf8'), 'two');
  assert.strictEqual((await host.request('POST', '/file', { body: { path: '.git/config', text: 'x' } })).status, 403);
  assert.strictEqual((await host.request('POST', '/file', { body: { path: 'out', text: 'x' } })).status, 403);
});

test('changes in a folder are told', async () => {
  fs.writeFileSync(path.join(root, 'sub/x'), '1');
  const changes = async () => (await host.request('GET', '/changes')).json();
  await waitFor('the new file', async () => (await changes()).changes.find((change) => change.name === 'x' && change.what === 'created'));
  fs.unlinkSync(path.join(root, 'sub/x'));
  await waitFor('its removal', async () => (await changes()).changes.find((change) => change.name === 'x' && change.what === 'removed'));
  assert.strictEqual((await changes()).is_complete, true);
});

test('an answer of another server is handed on', async () => {
  const reply = await fetchPage('/hello');
  assert.deepStrictEqual([reply.status, reply.text, reply.headers['content-type']], [200, 'hello', 'text/plain']);
  assert.strictEqual((await fetchPage('/missing')).status, 404);
  assert.strictEqual((await fetchPage('/to-hello')).text, 'hello');
  assert.strictEqual((await fetchPage('/huge')).text.length, 100 << 20);
});

test('what is no web server, or leads to none, is refused', async () => {
  assert.strictEqual((await fetchPage('/to-file')).status, 403);
  assert.strictEqual((await fetchUrl('file:///etc/passwd')).status, 400);
  assert.strictEqual((await fetchUrl('http://user:x@127.0.0.1/')).status, 400);
  assert.strictEqual((await fetchPage('/gone')).status, 500);
  assert.strictEqual((await fetchPage('/half')).text, 'half');
  const taken = await new Promise((resolve) => { const s = net.createServer(); s.listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => resolve(port)); }); });
  assert.strictEqual((await fetchUrl(`http://127.0.0.1:${taken}/`)).status, 500);
});

test('a slow server does not hold up the stop', async () => {
  const waiting = fetchPage('/slow').catch((error) => error);
  await waitFor('the request', () => new Promise((resolve) => { web.getConnections((error, count) => resolve(count > 0)); }));
  await host.stop();
  const reply = await waiting;
  assert.ok(reply instanceof Error || reply.status === 503, String(reply.status));
  host = await startHost({ config: module_('client-fetch', 'public_only = true') });
});

test('with public_only this machine is not asked', async () => {
  for (const name of ['127.0.0.1', 'localhost', '[::1]', '2130706433'])
    assert.strictEqual((await fetchUrl(`http://${name}:${webPort}/hello`)).status, 403, name);
});

test('the host refuses a root that is its own', async () => {
  const own = await startHost({ config: module_('fs-files', `root = "${EXAMPLES}"`) });
  const reply = await own.request('GET', '/files');
  assert.notStrictEqual(reply.status, 200);
  await own.logged(/never served/);
  await own.stop();
});
