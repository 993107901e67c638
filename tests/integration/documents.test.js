// The documents family as its clients speak it: contract 1.2, over HTTP with real multipart bodies.
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const { after, before, test } = require('node:test');
const { startHost } = require('./lib/host.js');

const PORT = 8766;
const KEYS = ['id', 'filename', 'content_type', 'size_bytes', 'created_at', 'updated_at', 'tags', 'metadata', 'url'];

let host;
before(async () => {
  host = await startHost({ config: `listen "127.0.0.1:${PORT}" { family = "documents" }\nmodule "documents" {}\n`, ports: [PORT] });
});
after(() => host.stop());

const base = () => `http://127.0.0.1:${host.port(PORT)}`;
const call = (method, target, options = {}) => host.request(method, target, { ...options, port: PORT });

async function upload(name, content, fields = {}, type = '') {
  const form = new FormData();
  form.append('file', new Blob([content], { type }), name);
  for (const [key, value] of Object.entries(fields)) form.append(key, value);
  const reply = await fetch(`${base()}/documents`, { method: 'POST', body: form });
  return { status: reply.status, body: await reply.json() };
}

test('an upload is answered with the whole document and can be downloaded byte by byte', async () => {
  const bytes = crypto.randomBytes(300000);
  const { status, body } = await upload('data.bin', bytes, { tags: 'b, a ,,a', metadata: '{"description":"random","n":5}' });
  assert.strictEqual(status, 201);
  assert.deepStrictEqual(Object.keys(body), KEYS);
  assert.match(body.id, /^doc_[0-9a-f]{24}$/);
  assert.deepStrictEqual([body.filename, body.content_type, body.size_bytes, body.tags], ['data.bin', 'application/octet-stream', 300000, ['a', 'b']]);
  assert.deepStrictEqual(body.metadata, { description: 'random', n: '5' });
  assert.match(body.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
  assert.strictEqual(body.url, `http://localhost:8766/documents/${body.id}`);
  const reply = await fetch(`${base()}/documents/${body.id}`);
  assert.ok(bytes.equals(Buffer.from(await reply.arrayBuffer())));
  assert.strictEqual(reply.headers.get('content-disposition'), 'attachment; filename="data.bin"');
  assert.strictEqual(reply.headers.get('content-length'), '300000');
  assert.ok(reply.headers.get('etag') && reply.headers.get('last-modified'));
  assert.deepStrictEqual((await call('GET', `/documents/${body.id}/metadata`)).json(), body);
});

test('types come from the client, else from the name; text is sent with its charset', async () => {
  const cases = [['n.md', '', 'text/markdown'], ['n.yaml', '', 'text/yaml'], ['n.jsonl', '', 'application/jsonl'], ['n.toml', '', 'application/toml'], ['n.log', '', 'text/plain'], ['n.bin', 'text/html', 'text/html']];
  for (const [name, said, stored] of cases) {
    const boundary = 'x';
    const head = said ? `Content-Type: ${said}\r\n` : '';
    const body = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n${head}\r\nhello\r\n--${boundary}--\r\n`;
    const made = await call('POST', '/documents', { body, headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } });
    assert.strictEqual(made.json().content_type, stored);
    const got = await call('GET', `/documents/${made.json().id}`);
    assert.strictEqual(got.headers['content-type'], stored.startsWith('text/') ? `${stored}; charset=utf-8` : stored);
  }
});

test('odd names and empty files are kept', async () => {
  const { body } = await upload('x y ü.txt', '');
  assert.deepStrictEqual([body.filename, body.size_bytes], ['x y ü.txt', 0]);
  const got = await call('GET', `/documents/${body.id}`);
  assert.strictEqual(got.headers['content-disposition'], "attachment; filename*=utf-8''x%20y%20%C3%BC.txt");
  assert.strictEqual(got.text, '');
});

test('bad uploads are refused with the field’s name', async () => {
  const form = new FormData();
  form.append('tags', 'a');
  const missing = await fetch(`${base()}/documents`, { method: 'POST', body: form });
  assert.strictEqual(missing.status, 422);
  assert.deepStrictEqual((await missing.json()).detail[0].loc, ['body', 'file']);
  for (const options of [{ body: { file: 'x' } }, { body: 'x', headers: { 'content-type': '' } }, {}]) {
    const reply = await call('POST', '/documents', options);
    assert.deepStrictEqual([reply.status, reply.json().detail[0].loc], [422, ['body', 'file']], reply.text);
  }
  assert.strictEqual((await call('POST', '/documents', { body: 'x', headers: { 'content-type': 'text/plain' } })).status, 415);
  assert.deepStrictEqual(await upload('a.txt', 'x', { metadata: '{' }), { status: 400, body: { detail: 'Invalid JSON in metadata parameter' } });
});

test('lists filter by name and by all tags, in pages', async () => {
  const one = (await upload('filter-one.txt', '1', { tags: 'red,blue' })).body;
  const two = (await upload('filter-two.txt', '2', { tags: 'red' })).body;
  const list = async (query) => (await call('GET', `/documents?${query}`)).json().map((d) => d.id);
  assert.deepStrictEqual(await list('filename=filter-'), [two.id, one.id]);
  assert.deepStrictEqual(await list('filename=filter-&tags=red,blue'), [one.id]);
  assert.deepStrictEqual(await list('filename=filter-&limit=1&offset=1'), [one.id]);
  assert.strictEqual((await call('GET', '/documents?limit=x')).status, 422);
  assert.deepStrictEqual(await list('filename=filter-&limit=1000000'), [two.id, one.id], 'only what is no number is refused');
  const tags = (await call('GET', '/documents/tags')).json().tags;
  assert.ok(tags.findIndex((t) => t.name === 'red') < tags.findIndex((t) => t.name === 'blue'));
  assert.strictEqual(tags.find((t) => t.name === 'red').count, 2);
});

test('patch changes only what is given, and refuses a bad tag by name', async () => {
  const { body } = await upload('patch.txt', 'x', { tags: 'old', metadata: '{"k":"v"}' });
  const described = (await call('PATCH', `/documents/${body.id}`, { body: { description: 'new words' } })).json();
  assert.deepStrictEqual([described.tags, described.metadata], [['old'], { k: 'v', description: 'new words' }]);
  assert.notStrictEqual(described.updated_at, body.updated_at);
  const tagged = (await call('PATCH', `/documents/${body.id}`, { body: { tags: ['a-1', 'B2'] } })).json();
  assert.deepStrictEqual([tagged.tags, tagged.metadata.description], [['B2', 'a-1'], 'new words']);
  const bad = await call('PATCH', `/documents/${body.id}`, { body: { tags: ['ok', 'not ok'] } });
  assert.strictEqual(bad.status, 422);
  assert.match(bad.text, /not ok/);
  assert.strictEqual((await call('PATCH', '/documents/doc_none', { body: {} })).status, 404);
});

test('search finds words of the text, the tags and the description', async () => {
  const { body } = await upload('searched.md', 'the quick brown zanzibar fox', { tags: 'xylophone' });
  const find = async (words) => (await call('GET', `/documents?q=${encodeURIComponent(words)}`)).json().map((d) => d.id);
  assert.deepStrictEqual(await find('zanzibar quick'), [body.id]);
  assert.deepStrictEqual(await find('xylo*'), [body.id]);
  await call('PATCH', `/documents/${body.id}`, { body: { description: 'quokka' } });
  assert.deepStrictEqual(await find('quokka'), [body.id]);
  await call('DELETE', `/documents/${body.id}`);
  assert.deepStrictEqual(await find('zanzibar'), []);
});

test('ranges and conditions work on the bytes', async () => {
  const { body } = await upload('range.txt', '0123456789');
  const part = await call('GET', `/documents/${body.id}`, { headers: { range: 'bytes=2-4' } });
  assert.deepStrictEqual([part.status, part.text, part.headers['content-range']], [206, '234', 'bytes 2-4/10']);
  const same = await call('GET', `/documents/${body.id}`, { headers: { 'if-none-match': part.headers.etag } });
  assert.strictEqual(same.status, 304);
  assert.strictEqual((await call('GET', `/documents/${body.id}`, { headers: { range: 'bytes=20-' } })).status, 416);
});

test('delete answers once and the document is gone', async () => {
  const { body } = await upload('gone.txt', 'x');
  assert.deepStrictEqual((await call('DELETE', `/documents/${body.id}`)).json(), { success: true, message: `Document ${body.id} deleted successfully`, document_id: body.id });
  for (const target of [`/documents/${body.id}`, `/documents/${body.id}/metadata`])
    assert.deepStrictEqual([(await call('GET', target)).status, (await call('GET', target)).json()], [404, { detail: 'Document not found' }]);
  assert.strictEqual((await call('DELETE', `/documents/${body.id}`)).status, 404);
});

test('ids that are paths find nothing', async () => {
  for (const id of ['..%2f..%2fetc%2fpasswd', '..', '%2e%2e', 'doc_../../x'])
    assert.ok([400, 404].includes((await call('GET', `/documents/${id}`)).status), id);
  for (const [method, rest] of [['GET', ''], ['GET', '/metadata'], ['DELETE', ''], ['PATCH', '']]) {
    const reply = await call(method, `/documents/doc_${'0'.repeat(300)}${rest}`, { body: method === 'PATCH' ? {} : undefined });
    assert.deepStrictEqual([reply.status, reply.text], [404, '{"detail":"Document not found"}'], 'an id of any length is one that is not there');
  }
});

test('health answers as the original', async () => {
  assert.deepStrictEqual((await call('GET', '/health')).json(), { status: 'healthy', service: 'document-sync-server' });
});
