// The corpora origins (against a listener that requires a token) and ws-frames (against /ws) on the real host.
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const net = require('node:net');
const { after, before, test } = require('node:test');
const { startHost } = require('./lib/host.js');
const { eachRow, exchange, ownRows, rawBytes, rows, statuses } = require('./lib/corpus.js');

const TOKEN_PORT = 8767;
const WS_PORT = 8765;
const PLUGIN = path.join(process.env.BACKPLANE_TEST_PLUGINS, 'test_echo.so');
const GATE_REFUSALS = [400, 401, 403, 415, 421];

let host;
before(async () => {
  host = await startHost({
    config: `origins { "http://localhost:5173" }
limits { header_deadline_ms = 2000, body_idle_ms = 2000 }
listen "127.0.0.1:${TOKEN_PORT}" { family = "echo", auth = "token" }
listen "127.0.0.1:${WS_PORT}" { family = "observability" }
module "echo" { path = ${JSON.stringify(PLUGIN)} }
module "observability" {}
`,
    ports: [TOKEN_PORT, WS_PORT],
  });
});
after(() => host.stop());

// The paths of rows stand for routes that the echo family has not: the echo route takes their place.
function target(row) {
  const [name, query] = row.path.split('?');
  const known = ['/', '/health', '/health/', '/x/../health'].includes(name) ? name : '/api/echo';
  return query === undefined ? known : `${known}?${query}`;
}

function requestText(row) {
  const port = host.port(TOKEN_PORT);
  const lines = [`${row.method} ${target(row)} HTTP/1.1`];
  for (const [name, value] of row.headers) lines.push(`${name}: ${value.replaceAll(':8700', `:${port}`).replaceAll('${TOKEN}', host.adminToken())}`);
  if (row.token === 'ok') lines.push(`Authorization: Bearer ${host.adminToken()}`);
  if (row.token === 'bad') lines.push(`Authorization: Bearer ${'0'.repeat(64)}`);
  if (row.upgrade) lines.push('Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13');
  const body = row.method === 'POST' ? '{}' : '';
  if (row.method === 'POST') {
    if (!row.headers.some(([name]) => name.toLowerCase() === 'content-type')) lines.push('Content-Type: application/json');
    lines.push(`Content-Length: ${body.length}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

async function ask(row) {
  const { data } = await exchange(host.port(TOKEN_PORT), Buffer.from(requestText(row), 'latin1'), { quiet: 150 });
  const [status] = statuses(data);
  const text = data.toString('latin1');
  if (row.expect === 'allow') assert.ok(status && ![401, 403, 421].includes(status), `${row.id} (${row.why}): ${text.slice(0, 200)}`);
  else assert.ok(GATE_REFUSALS.includes(status), `${row.id} (${row.why}): ${text.slice(0, 200)}`);
  const isListed = row.headers.some(([name, value]) => name === 'Origin' && value === 'http://localhost:5173');
  if (row.expect === 'deny' && !isListed) assert.doesNotMatch(text, /access-control-allow-origin/i, row.id);
}

const origins = rows('origins.jsonl');
test('every row of origins', { skip: origins ? false : 'no attack corpus beside the tree' }, () => eachRow(origins, ask));
test('every row of our own gate rows', () => eachRow(ownRows('gate.jsonl'), ask));

// Reads server frames: [{ opcode, payload }].
function frames(data) {
  const found = [];
  for (let at = 0; data.length - at >= 2;) {
    let length = data[at + 1] & 127;
    let head = 2;
    if (length === 126) { length = data.readUInt16BE(at + 2); head = 4; } else if (length === 127) { length = Number(data.readBigUInt64BE(at + 2)); head = 10; }
    if (data.length - at < head + length) break;
    found.push({ opcode: data[at] & 15, payload: data.subarray(at + head, at + head + length) });
    at += head + length;
  }
  return found;
}

function play(bytes) {
  return new Promise((resolve) => {
    const port = host.port(WS_PORT);
    const socket = net.connect(port, '127.0.0.1');
    let data = Buffer.alloc(0);
    let sent = false;
    const timer = setTimeout(() => socket.destroy(), 75000);
    socket.write(`GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`);
    socket.on('data', (piece) => {
      data = Buffer.concat([data, piece]);
      if (sent || data.indexOf('\r\n\r\n') < 0) return;
      sent = true;
      data = data.subarray(data.indexOf('\r\n\r\n') + 4);
      socket.write(bytes);
    });
    socket.on('error', () => {});
    socket.on('close', () => { clearTimeout(timer); resolve(frames(data)); });
  });
}

function checkFrames(row, got) {
  const close = got.find((frame) => frame.opcode === 8);
  const code = close && close.payload.length >= 2 ? close.payload.readUInt16BE(0) : 1005;
  const wanted = [].concat(row.expect.close);
  if (wanted[0] !== 'timeout') assert.ok(wanted.includes(code), `${row.id} (${row.why}): closed with ${code}, expected ${wanted}`);
  if (row.expect.pong !== undefined) {
    const pong = got.find((frame) => frame.opcode === 10);
    assert.strictEqual(pong && pong.payload.toString('base64'), row.expect.pong, row.id);
  }
}

async function checkHandshake(row) {
  const bytes = rawBytes(row, host.port(WS_PORT), host.adminToken());
  const text = (await exchange(host.port(WS_PORT), bytes, { quiet: 150 })).data.toString('latin1');
  const head = text.slice(0, text.indexOf('\r\n\r\n'));
  assert.ok([].concat(row.expect.status).includes(Number(head.slice(9, 12))), `${row.id} (${row.why}): ${head}`);
  if (row.expect.header) assert.ok(head.toLowerCase().includes(row.expect.header.toLowerCase()), `${row.id}: ${head}`);
  if (row.expect.no_header) assert.ok(!head.toLowerCase().includes(row.expect.no_header.toLowerCase()), `${row.id}: ${head}`);
}

function frameBytes(row) {
  if (row.frames_b64 !== undefined) return Buffer.from(row.frames_b64, 'base64');
  return Buffer.concat(row.pieces.map(([piece, times]) => Buffer.concat(Array(times).fill(Buffer.from(piece, 'base64')))));
}

async function playSocket(row) {
  if (row.handshake_b64 ?? row.handshake) await checkHandshake(row);
  else checkFrames(row, await play(frameBytes(row)));
}

const sockets = rows('ws-frames.jsonl');
test('every row of ws-frames', { skip: sockets ? false : 'no attack corpus beside the tree' }, async () => {
  await Promise.all(sockets.map(playSocket));
  assert.strictEqual((await host.request('GET', '/health')).status, 200);
});

test('every row of our own ws-frames', async () => {
  await eachRow(ownRows('ws-frames.jsonl'), playSocket);
  assert.strictEqual((await host.request('GET', '/health')).status, 200);
});
