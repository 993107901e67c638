// The live log through real connections: the WebSocket corpus against /ws, resuming an event stream over a restart, the end.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { after, before, test } = require('node:test');
const WebSocket = require('ws');
const { startHost } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');

const PORT = 8765;
const CORPUS = path.join(process.env.BACKPLANE_SHARED || path.join(process.env.BACKPLANE_SOURCE, '../shared'), 'attack-corpus/ws-frames.jsonl');

let host;
before(async () => {
  host = await startHost({ config: `listen "127.0.0.1:${PORT}" { family = "observability" }\nmodule "observability" {}\n`, ports: [PORT] });
});
after(() => host.stop());

const event = (session_id) => ({ event_type: 'message', session_id, session_name: 'n', timestamp: '2026-11-21T07:00:00Z' });
const post = (id) => host.request('POST', '/events', { body: event(id), port: PORT });

// A raw connection: `text` is what came so far as latin1, `done` resolves when the server closes.
function rawConnection(bytes) {
  const socket = net.connect(host.port(PORT), '127.0.0.1');
  const raw = { text: '', write: (more) => socket.write(more), destroy: () => socket.destroy() };
  socket.on('data', (data) => { raw.text += data.toString('latin1'); });
  socket.on('error', () => {});
  raw.done = new Promise((resolve) => { socket.on('end', () => { socket.end(); resolve(); }); socket.on('close', resolve); });
  socket.write(bytes);
  return raw;
}

const handshake = () => [
  'GET /ws HTTP/1.1', `Host: 127.0.0.1:${host.port(PORT)}`, 'Upgrade: websocket', 'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13', '', ''].join('\r\n');

async function upgraded() {
  const raw = rawConnection(handshake());
  await waitFor('the first message', () => raw.text.includes('"init"'));
  raw.text = raw.text.slice(raw.text.indexOf('\r\n\r\n') + 4);
  return raw;
}

// The code of the close frame at the end of what came, skipping whole frames before it.
function closeCode(text) {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at + 2 <= bytes.length;) {
    const short = bytes[at + 1];
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    if ((bytes[at] & 15) === 8) return length >= 2 ? bytes.readUInt16BE(at + header) : 1005;
    at += header + length;
  }
  return null;
}

async function runFrames(row) {
  const raw = await upgraded();
  raw.write(Buffer.from(row.frames_b64, 'base64'));
  await raw.done;
  const expected = row.expect.close === 'timeout' ? [1002, 1006, 1008] : [row.expect.close].flat();
  assert.ok(expected.includes(closeCode(raw.text)), `${row.id} (${row.why}): closed with ${closeCode(raw.text)}`);
  if (row.expect.pong) assert.ok(raw.text.includes(Buffer.from(row.expect.pong, 'base64').toString('latin1')), `${row.id}: no pong`);
}

async function runHandshake(row) {
  const text = Buffer.from(row.handshake_b64, 'base64').toString('latin1').replaceAll(':8700', `:${host.port(PORT)}`).replace('${TOKEN}', host.adminToken());
  const raw = rawConnection(Buffer.from(text, 'latin1'));
  await waitFor('an answer', () => raw.text.includes('\r\n\r\n'));
  raw.destroy();
  const head = raw.text.slice(0, raw.text.indexOf('\r\n\r\n'));
  assert.ok([row.expect.status].flat().includes(Number(head.split(' ')[1])), `${row.id} (${row.why}): ${head.split('\r\n')[0]}`);
  if (row.expect.header) assert.ok(head.toLowerCase().includes(row.expect.header.toLowerCase()), `${row.id}: ${head}`);
  if (row.expect.no_header) assert.ok(!head.toLowerCase().includes(row.expect.no_header.toLowerCase()), `${row.id}: ${head}`);
}

test('every row of the WebSocket corpus ends as it should', { skip: !fs.existsSync(CORPUS) && `no corpus at ${CORPUS}`, timeout: 120000 }, async () => {
  const rows = fs.readFileSync(CORPUS, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const slow = rows.filter((row) => row.slow).map(runFrames);
  for (const row of rows.filter((r) => !r.slow)) await (row.frames_b64 ? runFrames(row) : runHandshake(row));
  await Promise.all(slow);
  assert.strictEqual((await post('after-corpus')).status, 200);
});

test('an event stream goes on after a restart where it was, without a gap', async () => {
  const target = '/api/backplane/live?topics=observability.event';
  const first = await openEventStream(target, { port: host.port() });
  assert.match(first.headers['content-type'], /^text\/event-stream/);
  for (let i = 0; i < 5; i++) await post(`before-${i}`);
  const last = await first.next((e) => JSON.parse(e.data).key === 'before-1');
  first.close();
  await host.kill();
  host.end = undefined;
  await host.start();
  const second = await openEventStream(target, { port: host.port(), headers: { 'Last-Event-ID': last.id } });
  for (let i = 0; i < 3; i++) await post(`later-${i}`);
  await second.next((e) => JSON.parse(e.data).key === 'later-2');
  second.close();
  assert.deepStrictEqual(second.events.map((e) => JSON.parse(e.data).key), ['before-2', 'before-3', 'before-4', 'later-0', 'later-1', 'later-2']);
  const numbers = second.events.map((e) => Number(e.id));
  assert.deepStrictEqual(numbers, [...numbers].sort((a, b) => a - b));
});

test('a stop says farewell: 1001 to WebSockets, the end to event streams', async () => {
  const other = await startHost({ config: 'module "observability" {}\n' });
  const socket = new WebSocket(`ws://127.0.0.1:${other.port()}/ws`);
  await new Promise((resolve, reject) => { socket.on('message', resolve); socket.on('error', reject); });
  const code = new Promise((resolve) => { socket.on('close', resolve); });
  const stream = await openEventStream('/api/backplane/live', { port: other.port() });
  await other.stop();
  assert.strictEqual(await code, 1001);
  await waitFor('the end of the stream', () => stream.isClosed);
});
