// Small clients for tests: one HTTP request, an event-stream reader, and waiting for a condition.
'use strict';

const http = require('node:http');

// Time limits, where the build under test is many times slower.
const slower = (limit) => (/tsan/.test(process.env.BACKPLANE_BIN) ? 3 * limit : limit);

// options: headers, body (string, Buffer, or a value sent as JSON), port or socketPath. Resolves to { status, headers, text, json() }.
function request(method, target, options = {}) {
  const headers = { ...options.headers };
  let body = options.body;
  if (body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)) {
    body = JSON.stringify(body);
    headers['content-type'] ??= 'application/json';
  }
  if (body !== undefined) headers['content-length'] = Buffer.byteLength(body);
  const where = options.socketPath ? { socketPath: options.socketPath } : { host: '127.0.0.1', port: options.port };
  return new Promise((resolve, reject) => {
    const call = http.request({ ...where, method, path: target, headers, agent: false, timeout: slower(20000) }, (reply) => {
      const pieces = [];
      reply.on('data', (piece) => pieces.push(piece));
      reply.on('error', reject);
      reply.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8');
        resolve({ status: reply.statusCode, headers: reply.headers, text, json: () => JSON.parse(text) });
      });
    });
    call.on('timeout', () => call.destroy(new Error(`${method} ${target} timed out`)));
    call.on('error', reject);
    call.end(body);
  });
}

// Opens an event stream. events: [{ event, data, id }] as they came; next(test) waits for one; close() leaves.
function openEventStream(target, options = {}) {
  return new Promise((resolve, reject) => {
    const call = http.request({ host: '127.0.0.1', port: options.port, path: target, headers: options.headers, agent: false }, (reply) => {
      const stream = { status: reply.statusCode, headers: reply.headers, events: [], isClosed: false, close: () => call.destroy() };
      let text = '';
      reply.setEncoding('utf8');
      reply.on('data', (piece) => {
        text += piece;
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const parsed = parseEvent(text.slice(0, end));
          text = text.slice(end + 2);
          if (parsed) stream.events.push(parsed);
        }
      });
      reply.on('close', () => { stream.isClosed = true; });
      reply.on('error', () => {});
      stream.next = (test = () => true) => waitFor('an event of the stream', () => stream.events.find(test));
      resolve(stream);
    });
    call.on('error', reject);
    call.end();
  });
}

function parseEvent(block) {
  const event = { event: 'message', data: [], id: undefined };
  for (const line of block.split('\n')) {
    const match = /^(event|data|id): ?(.*)$/.exec(line);
    if (match && match[1] === 'data') event.data.push(match[2]);
    else if (match) event[match[1]] = match[2];
  }
  return event.data.length ? { ...event, data: event.data.join('\n') } : null;
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// Polls until `test` gives something true, and returns it. The limit only ends a hung test; nothing is measured by it.
async function waitFor(what, test, explain = () => '') {
  for (let tries = 0; tries < slower(1500); tries++) {
    const found = await test();
    if (found) return found;
    await pause(20);
  }
  throw new Error(`waited in vain for ${what}\n${explain()}`);
}

module.exports = { request, openEventStream, waitFor, pause, slower };
