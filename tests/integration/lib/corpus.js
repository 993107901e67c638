// Rows of the attack corpus, and raw sockets to send them with.
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const shared = process.env.BACKPLANE_SHARED || path.join(process.env.BACKPLANE_SOURCE || path.join(__dirname, '../../..'), '../shared');

// The rows of one corpus file, or null where the corpus is not there.
function rows(name) {
  const file = path.join(shared, 'attack-corpus', name);
  if (!fs.existsSync(file)) return null;
  return fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

// Our own rows (tests/corpus/README.md).
function ownRows(name) {
  return fs.readFileSync(path.join(__dirname, '../../corpus', name), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

// `${text*N}` in our own rows stands for N times the text; a # in it becomes the count.
function expand(text) {
  return text.replace(/\$\{([^]*?)\*(\d+)\}/g, (_, piece, times) => Array.from({ length: Number(times) }, (__, n) => piece.replaceAll('#', n)).join(''));
}

// What a row of http-raw or ws-frames (a handshake) puts on the wire, with the port and the token of the host under test.
function rawBytes(row, port, token) {
  const text = row.raw ?? row.handshake ?? Buffer.from(row.raw_b64 ?? row.handshake_b64, 'base64').toString('latin1');
  return Buffer.from(expand(text).replaceAll(':8700', `:${port}`).replaceAll('${TOKEN}', token), 'latin1');
}

// Runs `one` for every row, a few at a time.
async function eachRow(list, one) {
  const waiting = [...list];
  const work = async () => {
    for (let row = waiting.shift(); row; row = waiting.shift()) await one(row);
  };
  await Promise.all(Array.from({ length: 8 }, work));
}

// Sends bytes and collects what comes back. Resolves to { data, closed } when the peer closes, or when nothing more has come for
// `quiet` ms after the first byte, or after `limit` ms in all.
function exchange(port, bytes, { quiet = 300, limit = 15000, piecewise = false, isDone = () => false } = {}) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    let data = Buffer.alloc(0);
    let timer = setTimeout(() => finish(false), limit);
    const finish = (closed) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ data, closed });
    };
    socket.on('connect', () => {
      if (!piecewise) return socket.write(bytes);
      let at = 0;
      const next = () => at < bytes.length && !socket.destroyed && socket.write(bytes.subarray(at, ++at), () => setTimeout(next, 1));
      return next();
    });
    socket.on('data', (piece) => {
      data = Buffer.concat([data, piece]);
      clearTimeout(timer);
      timer = setTimeout(() => finish(false), isDone(data) ? 50 : quiet);
    });
    socket.on('end', () => finish(true));
    socket.on('error', () => finish(true));
    socket.on('close', () => finish(true));
  });
}

// Status codes of the answers in a byte stream, walked by Content-Length.
function statuses(data) {
  const found = [];
  const text = data.toString('latin1');
  for (let at = 0; at < text.length;) {
    const match = /^HTTP\/1\.1 (\d{3})/.exec(text.slice(at, at + 32));
    if (!match) break;
    found.push(Number(match[1]));
    const end = text.indexOf('\r\n\r\n', at);
    if (end < 0) break;
    const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(at, end));
    at = end + 4 + (length ? Number(length[1]) : 0);
  }
  return found;
}

module.exports = { rows, ownRows, expand, rawBytes, eachRow, exchange, statuses };
