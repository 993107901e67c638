// Engine.IO v4 and Socket.IO v5 on the wire, with plain fetch and ws: what the protocol documents promise, and what a hostile client
// tries. The target is the plugin protocol-suite with its short intervals.
'use strict';

const assert = require('node:assert');
const http = require('node:http');
const path = require('node:path');
const { test, before, after } = require('node:test');
const WebSocket = require('ws');
const { startHost } = require('./lib/host.js');
const { pause, waitFor } = require('./lib/client.js');

const PORT = 3000;
const PLUGIN = path.join(process.env.BACKPLANE_TEST_PLUGINS, 'test_protocol_suite.so');
const config = (options = '') => `listen "127.0.0.1:${PORT}" { family = "protocol-suite" }\nmodule "protocol-suite" { path = ${JSON.stringify(PLUGIN)}${options} }\n`;
const SEPARATOR = '\x1e';

// Where it is not pings that are looked at, a loaded machine may take its time between two steps of a client.
let host, suite, pinging, patient, calm;
before(async () => {
  suite = await startHost({ config: config(), ports: [PORT] });
  pinging = await startHost({ config: config(', ping_timeout_ms = 20000'), ports: [PORT] });
  patient = await startHost({ config: config(', ping_interval_ms = 20000, ping_timeout_ms = 20000, greeting_delay_ms = 1000'), ports: [PORT] });
  calm = await startHost({ config: config(', ping_interval_ms = 20000, ping_timeout_ms = 20000'), ports: [PORT] });
  host = calm;
});
after(() => Promise.all([suite, pinging, patient, calm].map((one) => one.stop())));

function testOn(which, name, run) {
  test(name, async () => {
    host = which();
    try { await run(); } finally { host = calm; }
  });
}
const testSuite = (name, run) => testOn(() => suite, name, run); // the intervals of the suites
const testPings = (name, run) => testOn(() => pinging, name, run); // pings, with time enough to answer

const url = (protocol, query) => `${protocol}://127.0.0.1:${host.port(PORT)}/${query}`;
const at = (name) => (query) => url('http', `${name}/?${query}`);
const engine = at('engine.io');
const socketio = at('socket.io');
const POLLING = 'EIO=4&transport=polling';

async function openPolling(where = engine) {
  const reply = await fetch(where(POLLING));
  const text = await reply.text();
  assert.equal(reply.status, 200);
  assert.equal(text[0], '0');
  const { sid } = JSON.parse(text.slice(1));
  const target = where(`${POLLING}&sid=${sid}`);
  return {
    sid,
    poll: async () => { const r = await fetch(target); return { status: r.status, text: await r.text() }; },
    post: async (body) => { const r = await fetch(target, { method: 'POST', body }); return { status: r.status, text: await r.text() }; },
  };
}

// A WebSocket with everything that came, in order.
function openSocket(name, query = 'EIO=4&transport=websocket', options = {}) {
  const socket = new WebSocket(url('ws', `${name}/?${query}`), options);
  const client = { socket, got: [], code: 0, status: 0, answersPings: false };
  socket.on('message', (data, isBinary) => {
    if (client.answersPings && !isBinary && data.toString() === '2') socket.send('3');
    else client.got.push(isBinary ? data : data.toString());
  });
  socket.on('close', (code) => { client.code = code; });
  socket.on('error', () => {});
  socket.on('unexpected-response', (request, reply) => { client.status = reply.statusCode; request.destroy(); });
  client.next = () => waitFor('a message', () => client.got.length && [client.got.shift()]).then(([message]) => message);
  // The next one that is no ping; pings are answered.
  client.say = async () => {
    for (;;) {
      const message = await client.next();
      if (message !== '2') return message;
      socket.send('3');
    }
  };
  client.closed = () => waitFor('the end of the socket', () => client.code || client.status);
  return client;
}

async function openEngine() {
  const client = openSocket('engine.io');
  assert.equal((await client.next())[0], '0');
  return client;
}

async function openConnected() {
  const client = openSocket('socket.io');
  await client.next();
  client.socket.send('40');
  assert.match(await client.say(), /^40\{"sid":"[^"]+"\}$/);
  assert.equal(await client.say(), '42["auth",{}]');
  return client;
}

/* ---- Engine.IO: opening ---- */

testSuite('the open packet says what the server does', async () => {
  const reply = await fetch(engine(POLLING));
  const open = JSON.parse((await reply.text()).slice(1));
  assert.match(reply.headers.get('content-type'), /^text\/plain/);
  assert.deepEqual(Object.keys(open).sort(), ['maxPayload', 'pingInterval', 'pingTimeout', 'sid', 'upgrades']);
  assert.deepEqual([open.upgrades, open.pingInterval, open.pingTimeout, open.maxPayload], [['websocket'], 300, 200, 1000000]);
  const client = openSocket('engine.io');
  assert.deepEqual(JSON.parse((await client.next()).slice(1)).upgrades, []);
  client.socket.close();
});

test('what is no handshake is refused with the codes of the protocol', async () => {
  const rows = [
    ['GET', '', 0], ['GET', 'EIO=4', 0], ['GET', 'EIO=4&transport=abc', 0], ['GET', 'transport=polling', 5], ['GET', 'EIO=3&transport=polling', 5],
    ['GET', 'EIO=abc&transport=polling', 5], ['GET', `${POLLING}&sid=`, 1], ['GET', `${POLLING}&sid=unknown`, 1], ['GET', 'EIO=4&transport=websocket', 3],
    ['GET', `${POLLING}&sid=${'x'.repeat(20)}`, 1], ['GET', `${POLLING}&sid=${'%C3%BC'.repeat(10)}`, 1], ['POST', POLLING, 2], ['PUT', POLLING, 2],
    ['DELETE', POLLING, 2], ['PATCH', POLLING, 2], ['POST', `${POLLING}&sid=${'y'.repeat(20)}`, 1],
  ];
  for (const where of [engine, socketio])
    for (const [method, query, code] of rows) {
      const reply = await fetch(where(query), { method });
      assert.equal(reply.status, 400, `${method} ${query}`);
      assert.equal((await reply.json()).code, code, `${method} ${query}`);
    }
  assert.equal((await fetch(engine(POLLING), { method: 'HEAD' })).status, 400);
  for (const query of ['transport=websocket', 'EIO=abc&transport=websocket', 'EIO=4', 'EIO=4&transport=abc', 'EIO=4&transport=websocket&sid=nobody']) {
    const client = openSocket('engine.io', query);
    await client.closed();
    assert.equal(client.status, 400, query);
  }
});

/* ---- Engine.IO: messages ---- */

test('text and binary go both ways over polling', async () => {
  for (const body of ['4hello', ['4one', '4two', '4three'].join(SEPARATOR), ['4hello', 'bAQIDBA=='].join(SEPARATOR), '4', '4ü€😀', 'b', 'bAA==', 'bAAA=']) {
    const session = await openPolling();
    assert.deepEqual(await session.post(body), { status: 200, text: 'ok' });
    assert.deepEqual(await session.poll(), { status: 200, text: body });
  }
});

test('a held poll is answered when there is something to say', async () => {
  const session = await openPolling();
  const poll = session.poll();
  await pause(20);
  await session.post('4late');
  assert.equal((await poll).text, '4late');
});

test('a broken payload ends the session', async () => {
  for (const body of ['abc', '', '4fine\x1e', `4fine${SEPARATOR}7`, 'b!!!', 'bA', `${SEPARATOR}4x`, '2', '9']) {
    const session = await openPolling();
    await session.post(body);
    assert.equal((await session.poll()).status, 400, JSON.stringify(body));
  }
});

test('two polls at once end the session', async () => {
  const session = await openPolling();
  const first = session.poll();
  await pause(30);
  const second = await session.poll();
  assert.deepEqual(await first, { status: 200, text: '1' });
  assert.equal(second.status, 400);
  assert.equal((await session.poll()).status, 400);
});

test('a poll that is broken off ends the session', async () => {
  const session = await openPolling();
  const call = http.get(engine(`${POLLING}&sid=${session.sid}`));
  call.on('error', () => {});
  await pause(50);
  call.destroy();
  await waitFor('the end of the session', async () => (await session.post('4x')).status === 400);
});

test('a payload over maxPayload is refused, and one of that size is not', async () => {
  const session = await openPolling();
  const large = await session.post('4' + 'x'.repeat(1000000));
  assert.equal(large.status, 413);
  const other = await openPolling();
  assert.equal((await other.post('4' + 'x'.repeat(999999))).status, 200);
  const client = await openEngine();
  client.socket.send('4' + 'y'.repeat(1000000));
  await client.closed();
  assert.equal(client.code, 1009);
});

test('text and binary go both ways over a WebSocket, and nonsense ends it', async () => {
  const client = await openEngine();
  client.socket.send('4hello');
  assert.equal(await client.say(), '4hello');
  client.socket.send(Buffer.from([1, 2, 3, 4]));
  assert.deepEqual([...await client.say()], [1, 2, 3, 4]);
  for (const bad of ['abc', '', '2', '8', 'bAAAA']) {
    const other = await openEngine();
    other.socket.send(bad);
    await other.closed();
  }
  client.socket.close();
});

/* ---- Engine.IO: heartbeats and ends ---- */

testPings('the server pings, and a client that answers stays', async () => {
  const client = await openEngine();
  const session = await openPolling();
  for (let i = 0; i < 3; i++) {
    assert.equal(await client.next(), '2');
    client.socket.send('3');
    assert.equal((await session.poll()).text, '2');
    assert.equal((await session.post('3')).status, 200);
  }
  client.socket.send('4still here');
  assert.equal(await client.say(), '4still here');
  client.socket.close();
});

testSuite('a client that does not answer pings is gone', async () => {
  const client = await openEngine();
  await client.closed();
  const session = await openPolling();
  await pause(500);
  assert.equal((await session.poll()).status, 400);
});

test('the close packet ends a session', async () => {
  const session = await openPolling();
  const poll = session.poll();
  await pause(30);
  assert.equal((await session.post('1')).status, 200);
  assert.deepEqual(await poll, { status: 200, text: '6' });
  assert.equal((await session.poll()).status, 400);
  const client = await openEngine();
  client.socket.send('1');
  await client.closed();
});

/* ---- Engine.IO: the change from polling to WebSocket ---- */

test('a session changes over after a probe', async () => {
  const session = await openPolling();
  const client = openSocket('engine.io', `EIO=4&transport=websocket&sid=${session.sid}`);
  await waitFor('the socket', () => client.socket.readyState === WebSocket.OPEN);
  client.socket.send('2probe');
  assert.equal(await client.next(), '3probe');
  assert.deepEqual(await session.poll(), { status: 200, text: '6' });
  client.socket.send('5');
  client.socket.send('4hello');
  assert.equal(await client.say(), '4hello');
  assert.equal((await session.poll()).status, 400);
  assert.equal((await session.post('4x')).status, 400);
  const second = openSocket('engine.io', `EIO=4&transport=websocket&sid=${session.sid}`);
  await second.closed();
  assert.notEqual(second.code, 0);
  client.socket.send('4again');
  assert.equal(await client.say(), '4again');
  client.socket.close();
});

test('a poll held during the probe ends with a noop, and what was said in between is not lost', async () => {
  const session = await openPolling();
  const poll = session.poll();
  const client = openSocket('engine.io', `EIO=4&transport=websocket&sid=${session.sid}`);
  await waitFor('the socket', () => client.socket.readyState === WebSocket.OPEN);
  client.socket.send('2probe');
  assert.equal(await client.next(), '3probe');
  assert.equal((await poll).text, '6');
  await session.post('4between');
  client.socket.send('5');
  assert.equal(await client.say(), '4between');
  client.socket.close();
});

test('a probe that goes wrong leaves the session polling', async () => {
  const session = await openPolling();
  const client = openSocket('engine.io', `EIO=4&transport=websocket&sid=${session.sid}`);
  await waitFor('the socket', () => client.socket.readyState === WebSocket.OPEN);
  client.socket.send('4too early');
  await client.closed();
  await session.post('4alive');
  assert.equal((await session.poll()).text, '4alive');
});

/* ---- Socket.IO: namespaces ---- */

test('a client connects to namespaces with what it says of itself', async () => {
  const client = openSocket('socket.io');
  await client.next();
  client.socket.send('40{"token":"123"}');
  assert.match(await client.say(), /^40\{"sid":/);
  assert.equal(await client.say(), '42["auth",{"token":"123"}]');
  client.socket.send('40/custom,{"token":"abc"}');
  assert.match(await client.say(), /^40\/custom,\{"sid":/);
  assert.equal(await client.say(), '42/custom,["auth",{"token":"abc"}]');
  client.socket.send('40/random');
  assert.equal(await client.say(), '44/random,{"message":"Invalid namespace"}');
  client.socket.send('41/custom,');
  client.socket.send('42["message","to the main one"]');
  assert.equal(await client.say(), '42["message-back","to the main one"]');
  client.socket.send('41');
  client.socket.send('40'); // the session is still there
  assert.match(await client.say(), /^40\{"sid":/);
  client.socket.close();
});

testPings('a client without a namespace is still pinged', async () => {
  const client = await openConnected();
  client.socket.send('41');
  assert.equal(await client.next(), '2');
  client.socket.close();
});

test('who connects to nothing is cut off', async () => {
  const client = openSocket('socket.io');
  client.answersPings = true;
  await client.closed();
});

test('packets before a connection, or that are none, end the session', async () => {
  for (const first of ['4abc', '42["message"]', '41', '43[1]', '4', '40"text"', '40[1]', '40/x{"a":', '45-["x"]', '44{"message":"x"}', '47', '42']) {
    const client = openSocket('socket.io');
    await client.next();
    client.socket.send(first);
    await client.closed();
  }
  const deep = '['.repeat(2000) + ']'.repeat(2000);
  for (const bad of ['4abc', '42{}', '42abc["x"]', '42[]', '42[{}]', '42["connect"]', '42["disconnect"]', '42["x"', '43["no id"]', '42null', `42["x",${deep}]`,
    '42/unknown,["x"]', '41{}', '451-["message",{"_placeholder":true,"num":0}]\u0000', '45x-["a"]', '45-1["a"]', '451["a"]', '4599999-["a"]', '451000-["a"]', '42["x","x"]9']) {
    const client = await openConnected();
    client.answersPings = true; // so that nothing but the packet can be what ends it
    client.socket.send(bad);
    if (bad.startsWith('451-')) client.socket.send('42["text instead of the attachment"]');
    await client.closed();
  }
});

// As the suite's does: it listens for one message, and for the next only after it has dealt with that one. What comes in one piece is lost to it.
testOn(() => patient, 'a client that listens for one message at a time hears all that follows its connection', async () => {
  const next = (socket) => new Promise((resolve) => { socket.addEventListener('message', (event) => resolve(event.data), { once: true }); });
  for (let i = 0; i < 2; i++)
    for (const [nsp, head] of [['', '40{'], ['/custom,', '40/custom,{']]) {
      const socket = new WebSocket(url('ws', 'socket.io/?EIO=4&transport=websocket'));
      await next(socket);
      socket.send(`40${nsp}`);
      assert.equal((await next(socket)).slice(0, head.length), head);
      assert.equal(await next(socket), `42${nsp}["auth",{}]`);
      socket.send(`42${nsp}["message",1]`);
      assert.equal(await next(socket), `42${nsp}["message-back",1]`);
      socket.close();
    }
});

test('what a client says at once after its connection is answered in order', async () => {
  const client = openSocket('socket.io');
  await client.next();
  for (const text of ['40', '42["message","early"]', '40/custom', '41/custom,']) client.socket.send(text);
  assert.match(await client.say(), /^40\{"sid":/);
  assert.equal(await client.say(), '42["auth",{}]');
  assert.equal(await client.say(), '42["message-back","early"]');
  assert.match(await client.say(), /^40\/custom,/);
  client.socket.send('42["message","late"]');
  assert.equal(await client.say(), '42["message-back","late"]');
  client.socket.close();
});

/* ---- Socket.IO: events ---- */

test('events come back, with acknowledgements and attachments', async () => {
  const client = await openConnected();
  client.socket.send('42["message",1,"2",{"3":[true]}]');
  assert.equal(await client.say(), '42["message-back",1,"2",{"3":[true]}]');
  client.socket.send('42456["message-with-ack",1,"2",{"3":[false]}]');
  assert.equal(await client.say(), '43456[1,"2",{"3":[false]}]');
  const two = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';
  for (const [sent, answer] of [[`452-["message",${two}]`, `452-["message-back",${two}]`], [`452-789["message-with-ack",${two}]`, `462-789[${two}]`]]) {
    client.socket.send(sent);
    client.socket.send(Buffer.from([1, 2, 3]));
    client.socket.send(Buffer.from([]));
    assert.equal(await client.say(), answer);
    assert.deepEqual([...await client.say()], [1, 2, 3]);
    assert.deepEqual([...await client.say()], []);
  }
  client.socket.send('42["ask-me"]');
  assert.equal(await client.say(), '420["question",42]');
  client.socket.send('430["the answer"]');
  assert.equal(await client.say(), '42["answered","the answer"]');
  client.socket.send('4377["nobody asked"]');
  client.socket.send('42["leave-me"]');
  assert.equal(await client.say(), '41');
  client.socket.close();
});

test('a placeholder that names no attachment, and a binary message of nothing, end the session', async () => {
  for (const bad of ['451-["message",{"_placeholder":true,"num":1}]', '451-["message",{"_placeholder":true,"num":-1}]', '451-["message",[{"a":{"_placeholder":true,"num":"0"}}]]']) {
    const client = await openConnected();
    client.answersPings = true; // so that nothing but the packet can be what ends it
    client.socket.send(bad);
    client.socket.send(Buffer.from([1]));
    await client.closed();
  }
  const client = await openConnected();
  client.socket.send(Buffer.from([1]));
  await client.closed();
});

test('attachments cannot be hoarded', async () => {
  const client = await openConnected();
  client.socket.send('4564-["message"]');
  for (let i = 0; i < 10; i++) client.socket.send(Buffer.alloc(999000));
  await client.closed();
});

test('Socket.IO over polling alone', async () => {
  const session = await openPolling(socketio);
  await session.post('40');
  const heard = [];
  while (heard.length < 2) heard.push(...(await session.poll()).text.split(SEPARATOR));
  assert.match(heard[0], /^40\{"sid":"[^"]+"\}$/);
  assert.deepEqual(heard.slice(1), ['42["auth",{}]']);
  await session.post(['452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', 'bAQID', 'bBAUG'].join(SEPARATOR));
  assert.deepEqual((await session.poll()).text.split(SEPARATOR), ['452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', 'bAQID', 'bBAUG']);
});

/* ---- What belongs to whom ---- */

test('a session is not found at the other path, nor from a foreign page', async () => {
  const session = await openPolling();
  assert.equal((await fetch(socketio(`${POLLING}&sid=${session.sid}`))).status, 400);
  assert.equal((await fetch(engine(POLLING), { headers: { origin: 'http://evil.example' } })).status, 403);
  const listed = await fetch(engine(POLLING), { headers: { origin: 'http://localhost:5173' } });
  assert.equal(listed.headers.get('access-control-allow-origin'), 'http://localhost:5173');
  const foreign = openSocket('engine.io', 'EIO=4&transport=websocket', { origin: 'http://evil.example' });
  await foreign.closed();
  assert.equal(foreign.status, 403);
});

test('posts that overlap end the session', async () => {
  const session = await openPolling();
  const slow = http.request(engine(`${POLLING}&sid=${session.sid}`), { method: 'POST', headers: { 'content-length': 10 } });
  slow.on('error', () => {});
  slow.on('response', (reply) => reply.resume());
  slow.write('4a');
  await pause(50);
  assert.equal((await session.post('4b')).status, 400);
  slow.end('aaaaaaaa');
  assert.equal((await session.poll()).status, 400);
});

test('a client that asks and does not read is cut', async () => {
  const client = await openEngine();
  client.socket._socket.pause();
  const text = '4' + 'z'.repeat(900000);
  for (let i = 0; i < 40; i++) client.socket.send(text);
  await pause(100);
  const probe = await openEngine(); // others are served
  probe.socket.send('4hi');
  assert.equal(await probe.say(), '4hi');
  probe.socket.close();
  client.socket._socket.resume();
  await client.closed();
});
