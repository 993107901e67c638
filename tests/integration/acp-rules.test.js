// What rules and time decide over agents: permissions answered by a rule or by nobody, budgets, idle sessions; and a remote gateway's
// event stream that breaks.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { RemoteGateway } = require('./lib/acp-remote-gateway.js');
const { openEventStream, waitFor } = require('./lib/client.js');
const { Host } = require('./lib/host.js');

const PORTS = [4097, 3001];
const AGENT = [process.execPath, path.join(__dirname, 'lib', 'acp-agent.js'), require.resolve('@agentclientprotocol/sdk')];
const CONFIG = `listen "127.0.0.1:4097" { family = "acp-gateway" } listen "127.0.0.1:3001" { family = "acp" }
module "observability" {} module "acp" {}
module "acp-gateway" { permission_timeout_ms = 1000, session_idle_ms = 3000, agents = {
  { id = "opencode", command = { ${AGENT.map((word) => JSON.stringify(word)).join(', ')} }, requiresAuth = false } } }`;
const RULES = {
  acp: `if request.action ~= "permission" or request.decision == "allow" then return true end
if request.title == "forbidden" then return deny("not that") end
if request.title == "fine" then
  local facts = {}
  for name, value in pairs(request) do facts[name] = value end
  facts.decision = "allow"
  return rewrite(facts)
end
return true`,
  budget: `if request.module == "observability" and not request.warning and request.cost_usd > 0.1 then return deny("too dear") end
return true`,
};

let host, folder, scripts;
before(async () => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-acp-')));
  scripts = path.join(folder, 'rules');
  for (const [set, rule] of Object.entries(RULES)) {
    fs.mkdirSync(path.join(scripts, set), { recursive: true });
    fs.writeFileSync(path.join(scripts, set, 'test.lua'), rule);
  }
  host = await new Host({ config: CONFIG, ports: PORTS, scripts }).start();
});
after(async () => {
  await host.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function call(method, target, body, port = 4097) {
  const reply = await host.request(method, target, { port, body });
  return { status: reply.status, ...reply.json() };
}
const open = async () => (await call('POST', '/session', { agentId: 'opencode', workingDirectory: folder })).data;
const follow = async (session) => {
  const stream = await openEventStream(`/events/${session.id}`, { port: host.port(4097) });
  const data = (type) => stream.events.filter(({ event }) => event === type).map((event) => JSON.parse(event.data).data);
  return { data, close: () => stream.close() };
};
const said = (events) => events.data('session_update').filter(({ update }) => update.sessionUpdate === 'agent_message_chunk').map(({ update }) => update.content.text).join('');

test('a permission is denied or granted by a rule without asking a person, and denied when nobody answers', async () => {
  const session = await open();
  for (const [title, expected, decision, asked] of [
    ['forbidden', 'selected no', 'denied by a rule', 0], ['fine', 'selected yes', 'allowed by a rule', 0], ['whatever', 'selected no', 'timeout', 1],
  ]) {
    const events = await follow(session);
    assert.equal((await call('POST', `/session/${session.id}/prompt`, { prompt: `ask ${title}` })).data.stopReason, 'end_turn');
    await waitFor('the end of the turn', () => events.data('session_end_turn').length);
    assert.deepEqual([said(events), events.data('permission_resolved').map((one) => one.decision), events.data('permission_request').length], [expected, [decision], asked]);
    events.close();
  }
  assert.deepEqual((await call('GET', '/permissions')).data.permissions, []);
});

test('a turn is cancelled when the budget of its session is used up', async () => {
  const session = await open();
  const events = await follow(session);
  const running = call('POST', `/session/${session.id}/prompt`, { prompt: 'spend' });
  const end = await waitFor('the turn to be cancelled', () => events.data('session_end_turn').find(({ reason }) => reason === 'cancelled'), () => host.stderr.slice(-2000));
  assert.equal(end.sessionId, session.id);
  assert.equal((await running).data.stopReason, 'cancelled');
  assert.match(events.data('error')[0].error, /budget/);
  events.close();
});

test('a session that nobody uses is ended; one with a turn in flight is not', async () => {
  const busy = await open(), idle = await open();
  const running = call('POST', `/session/${busy.id}/prompt`, { prompt: 'wait' });
  await waitFor('the idle session to end', async () => (await call('GET', `/session/${idle.id}`)).data.status === 'ended');
  assert.equal((await call('GET', `/session/${busy.id}`)).data.status, 'processing');
  assert.equal((await call('POST', `/session/${idle.id}/prompt`, { prompt: 'say x' })).status, 404);
  await call('POST', `/session/${busy.id}/cancel`);
  assert.equal((await running).data.stopReason, 'cancelled');
});

test('the event stream of a remote gateway is opened again where it broke, and goes on with the last id', async () => {
  const remote = await new RemoteGateway().listen(0);
  const project = (await call('POST', '/api/projects', { name: 'far', fqdnUrl: null, containerPort: remote.port - 1 }, 3001)).project.id;
  const base = `/api/projects/${project}/acp/session`;
  const session = (await call('POST', base, { agentId: 'opencode' }, 3001)).data;
  const streams = () => remote.requests.filter(({ url }) => url === `/events/${session.acpSessionId}`);
  let release;
  remote.turn = () => new Promise((resolve) => { release = resolve; });
  await call('POST', `${base}/${session.id}/prompt`, { prompt: 'hello' }, 3001);
  await waitFor('the prompt', () => release && remote.streams.size);
  remote.say(session.acpSessionId, 'before ');
  await new Promise((resolve) => { setTimeout(resolve, 200); });
  for (const { reply } of remote.streams) reply.destroy();
  await waitFor('the stream to come back', () => streams().length >= 2 && remote.streams.size);
  assert.equal(streams().at(-1).headers['last-event-id'], String(remote.counter));
  remote.say(session.acpSessionId, 'after');
  remote.emit('session_end_turn', session.acpSessionId, { sessionId: session.acpSessionId, reason: 'end_turn' });
  release();
  const shown = await waitFor('the end of the turn', async () => {
    const { data } = await call('GET', `${base}/${session.id}`, undefined, 3001);
    return data.status === 'idle' && data.messages.length > 1 && data;
  });
  assert.deepEqual(shown.messages.map(({ role, content }) => [role, content]), [['user', 'hello'], ['assistant', 'before after']]);
  await call('DELETE', `${base}/${session.id}`, undefined, 3001);
  await remote.close();
});
