// What the configuration and the rules say of tool calls: denied, rewritten and asked calls, names with a prefix, a bound on processes.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { test, before, after } = require('node:test');
const { Host } = require('./lib/host.js');
const { waitFor } = require('./lib/client.js');
const { connect } = require('./lib/mcp/client.js');
const { fixtureFile, serverFile } = require('./lib/mcp/servers.js');

const PORT = 3006;
const CONFIG = `listen "127.0.0.1:${PORT}" { family = "desktop" } module "desktop" {}
module "mcp" { start_timeout_ms = 20000, prefix_names = true, processes_max = 2, starts_at_once = 1, call_timeout_ms = 60000 }`;
const RULE = `
if request.action ~= "call" then return true end
if request.tool == "wait" and request.arguments.why == "ask" then return ask("a person must see this") end
if request.tool == "touch" or request.tool == "list_mcp_servers" then return deny("not this one") end
if request.tool == "big" and request.arguments.bytes ~= 3 then
  return rewrite { module = "mcp", action = "call", server = request.server, tool = "big", arguments = { bytes = 3 }, principal = request.principal, session = request.session }
end
return true
`;
const ID = 'odd id é?%';
const PLAIN = Buffer.from(ID).toString('latin1').replace(/[^\w.-]/g, '_'); // as a prefix of names


let host, scripts, url;
const register = async (entry) => assert.equal((await host.request('POST', '/api/mcp', { port: PORT, body: { name: entry.id, command: process.execPath, ...entry } })).status, 200);
const execute = (id, tool, parameters = {}) => host.request('POST', `/api/mcp/${encodeURIComponent(id)}/execute`, { port: PORT, body: { tool, parameters } });
const status = async (id) => (await host.request('GET', `/api/mcp/${encodeURIComponent(id)}`, { port: PORT })).json().server.status;

before(async () => {
  scripts = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-rules-'));
  fs.mkdirSync(path.join(scripts, 'mcp'));
  fs.writeFileSync(path.join(scripts, 'mcp', 'calls.lua'), RULE);
  host = await new Host({ config: CONFIG, ports: [PORT], scripts }).start();
  url = `http://127.0.0.1:${host.port(PORT)}/mcp`;
  await register({ id: 'fixture', args: [fixtureFile(host.folder)] });
  await register({ id: ID, args: [serverFile('everything'), 'stdio'] });
  await register({ id: 'memory', args: [serverFile('memory')], env: { MEMORY_FILE_PATH: path.join(host.folder, 'm.jsonl') } });
});
after(async () => {
  await host.stop();
  fs.rmSync(scripts, { recursive: true, force: true });
});

test('every tool and prompt has its server in front of its name', async () => {
  const client = await connect(url);
  const tools = (await client.listTools()).tools.map(({ name }) => name);
  for (const name of ['fixture__who_am_i', 'memory__read_graph', `${PLAIN}__echo`, 'backplane__get_mcp_server']) assert.ok(tools.includes(name), `${name} in ${tools}`);
  assert.ok(tools.every((name) => name.includes('__')), String(tools));
  assert.ok((await client.listPrompts()).prompts.some(({ name }) => name === 'fixture__test_simple_prompt'));
  assert.match((await client.callTool({ name: 'fixture__who_am_i', arguments: {} })).content[0].text, /^\d+$/);
  assert.match((await client.getPrompt({ name: 'fixture__test_simple_prompt' })).messages[0].content.text, /simple prompt/);
  await assert.rejects(client.callTool({ name: 'who_am_i', arguments: {} }), /Unknown tool/);
  await client.close();
});

test('rules deny a call, in a result that says why, and change its arguments', async () => {
  const client = await connect(url);
  for (const name of ['fixture__touch', 'backplane__list_mcp_servers']) {
    const denied = await client.callTool({ name, arguments: {} });
    assert.deepEqual([denied.isError, denied.content[0].text], [true, 'denied: not this one']);
  }
  assert.equal((await client.callTool({ name: 'fixture__big', arguments: { bytes: 9 } })).content[0].text, 'xxx');
  const refused = await execute('fixture', 'touch');
  assert.deepEqual([refused.status, refused.json()], [403, { success: false, error: 'not this one' }]);
  assert.equal((await execute('fixture', 'big', { bytes: 9 })).json().result.content[0].text, 'xxx');
  await client.close();
});

// Says that its tools have changed as soon as they were read, and is then asked for them in vain.
const RESTLESS = `let lists = 0;
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  const say = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }));
  if (method === 'initialize') say({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: { listChanged: true } }, serverInfo: { name: 'restless', version: '1' } } });
  else if (method === 'tools/call') say({ id, result: { content: [{ type: 'text', text: String(lists) }] } });
  else if (method === 'tools/list' && ++lists === 1) {
    say({ id, result: { tools: [{ name: 'lists', inputSchema: { type: 'object' } }] } });
    say({ method: 'notifications/tools/list_changed' });
  }
});`;

test('a server whose lists are being read gives way too', async () => {
  const file = path.join(host.folder, 'restless.js');
  fs.writeFileSync(file, RESTLESS);
  await register({ id: 'restless', args: [file] });
  const one = await connect(`${url}/server/fixture`);
  const waiting = one.callTool({ name: 'fixture__wait', arguments: {} }).catch(() => {});
  await waitFor('the call', async () => await status('fixture') === 'running');
  await waitFor('the second reading of the list', async () => (await execute('restless', 'lists')).json().result?.content[0].text === '2');
  const reply = await execute('memory', 'read_graph');
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual([await status('restless'), await status('fixture')], ['stopped', 'running']);
  await one.transport.terminateSession(); // ends the call
  await one.close();
  await waiting;
  assert.equal((await host.request('DELETE', '/api/mcp/restless', { port: PORT })).status, 200);
});

test('no more processes run than may: an idle one gives way, one with a call never does', async () => {
  const one = await connect(`${url}/server/fixture`);
  const waiting = one.callTool({ name: 'fixture__wait', arguments: {} }).catch(() => {});
  await waitFor('the call', async () => await status('fixture') === 'running');
  assert.equal((await execute('memory', 'read_graph')).status, 200);
  assert.equal((await execute(ID, 'echo', { message: 'x' })).json().result.content[0].text, 'Echo: x');
  assert.equal(await status('memory'), 'stopped');
  assert.equal(await status('fixture'), 'running');
  const two = await connect(`${url}/server/fixture`, { capabilities: { roots: {} } });
  const more = two.callTool({ name: 'fixture__wait', arguments: {} }).catch(() => {});
  await waitFor('the other to be stopped', async () => await status(ID) === 'stopped');
  const refused = await execute('memory', 'read_graph');
  assert.deepEqual([refused.status, /processes_max/.test(refused.json().error)], [500, true], refused.text);
  await Promise.all([one.close(), two.close()]);
  await Promise.race([Promise.all([waiting, more]), new Promise((resolve) => { setTimeout(resolve, 1000).unref(); })]);
});

test('the bridge reaches a server whatever its id is', async () => {
  const child = spawn(process.env.BACKPLANE_BIN, ['mcp', '--server', ID, ...host.globalArguments()], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (piece) => { text += piece; });
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } } })}\n`);
  const line = await waitFor('the answer', () => (text.includes('\n') ? JSON.parse(text) : null));
  assert.equal(line.result?.serverInfo.name, 'backplane', text);
  child.stdin.end();
  assert.equal(await new Promise((resolve) => { child.on('exit', resolve); }), 0);
});

test('a call that waits for a person is answered when the host stops', async () => {
  const client = await connect(url);
  const asked = client.callTool({ name: 'fixture__wait', arguments: { why: 'ask' } }).then(() => 'an answer', (error) => error.message);
  await waitFor('the question', async () => (await host.request('GET', '/api/backplane/approvals?state=pending', { headers: host.adminHeaders() })).json().approvals.length > 0);
  host.child.kill('SIGTERM');
  await host.exited;
  assert.match(await asked, /the host is stopping/);
});
