// The policy as an operator and a client meet it: rules changed and reloaded while the host runs, denials, approvals from a second
// connection, rewriting, the audit, and the commands. Rules lie in a folder of the test's own, beside copies of the real ones.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { startHost } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');

const SOURCE = process.env.BACKPLANE_SOURCE || path.resolve(__dirname, '../..');
const EVENTS = 8765;
const DOCUMENTS = 8766;

let host;
let scripts;

const modules = (hold) => `
listen "127.0.0.1:${EVENTS}" { family = "observability" }
listen "127.0.0.1:${DOCUMENTS}" { family = "documents" }
module "observability" {}
module "documents" {}
policy { hold_ms = ${hold} }
`;

before(async () => {
  scripts = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-rules-'));
  fs.cpSync(path.join(SOURCE, 'scripts/validation'), path.join(scripts, 'validation'), { recursive: true });
  host = await startHost({ config: modules(20000), ports: [EVENTS, DOCUMENTS], scripts });
});
after(async () => {
  await host.stop();
  fs.rmSync(scripts, { recursive: true, force: true });
});

const rule = (name) => path.join(scripts, 'validation', name);
const admin = (method, target, body) => host.request(method, `/api/backplane/${target}`, { headers: host.adminHeaders(), body });
const reload = () => admin('POST', 'policy/reload');
const event = (changes = {}) => ({ event_type: 'message', session_id: 's', session_name: 'n', timestamp: 't', ...changes });
const post = (changes) => host.request('POST', '/events', { port: EVENTS, body: event(changes) });
const documents = (method, target, body) => host.request(method, target, { port: DOCUMENTS, body });

async function upload(name = 'a.txt') {
  const form = new FormData();
  form.append('file', new Blob(['x']), name);
  const reply = await fetch(`http://127.0.0.1:${host.port(DOCUMENTS)}/documents`, { method: 'POST', body: form });
  return { status: reply.status, body: await reply.json() };
}

async function inForce(name, text) {
  fs.writeFileSync(rule(name), text);
  const reply = await reload();
  assert.strictEqual(reply.status, 200, reply.text);
}

async function removed(name) {
  fs.rmSync(rule(name));
  assert.strictEqual((await reload()).status, 200);
}

const approvals = async (state) => (await admin('GET', `approvals?state=${state}&limit=1000`)).json().approvals;
const pending = () => waitFor('a pending approval', async () => (await approvals('pending'))[0]);

test('the rules that come with the host are validation errors of the family', async () => {
  const long = await post({ session_id: 'x'.repeat(4097) });
  assert.strictEqual(long.status, 422);
  assert.deepStrictEqual(long.json().detail[0].loc, ['body', 'session_id']);
  assert.strictEqual(long.json().detail[0].type, 'value_error');
  assert.strictEqual((await post({ session_id: 'x'.repeat(4096) })).status, 200);
  const { body } = await upload();
  const tag = await documents('PATCH', `/documents/${body.id}`, { tags: ['ok', 'not ok'] });
  assert.strictEqual(tag.status, 422);
  assert.deepStrictEqual(tag.json().detail, [{ type: 'value_error', loc: ['body', 'tags', 1], msg: 'Tag "not ok" must be letters, digits and hyphens', input: 'not ok' }]);
});

test('an operator changes a rule, reloads, and it counts without a restart', async () => {
  const original = fs.readFileSync(rule('observability.lua'), 'utf8');
  assert.strictEqual((await post({ session_name: 'y'.repeat(40) })).status, 200);
  fs.writeFileSync(rule('observability.lua'), original.replaceAll('session_name_bytes > 4096', 'session_name_bytes > 32').replaceAll('longer than 4096', 'longer than 32'));
  assert.strictEqual((await post({ session_name: 'y'.repeat(40) })).status, 200, 'not before the reload');
  const command = await host.command('policy', 'reload');
  assert.strictEqual(command.code, 0, command.stderr);
  const refused = await post({ session_name: 'y'.repeat(40) });
  assert.deepStrictEqual([refused.status, refused.json().detail[0].msg], [422, 'session_name is longer than 32 bytes']);
  fs.writeFileSync(rule('observability.lua'), original);
  host.child.kill('SIGHUP');
  await waitFor('SIGHUP to load the rules', async () => (await post({ session_name: 'y'.repeat(40) })).status === 200);
});

test('a broken script or a failing test changes nothing and says file and line', async () => {
  await inForce('x.lua', 'if request.event_type == "forbidden" then return deny("no", "/body/event_type") end\nreturn true\n');
  for (const [text, complaint] of [['return true\n\nif then\n', /validation\/x\.lua:3/], ['error("at run time"', /validation\/x\.lua:1/]]) {
    fs.writeFileSync(rule('x.lua'), text);
    const reply = await reload();
    assert.strictEqual(reply.status, 400);
    assert.match(reply.json().detail, complaint);
    const check = await host.command('check');
    assert.strictEqual(check.code, 1);
    assert.match(check.stdout, /validation\/x\.lua:\d/);
    assert.strictEqual((await post({ event_type: 'forbidden' })).status, 422, 'the old rule is still in force');
  }
  fs.writeFileSync(rule('x.lua'), 'return true\n');
  fs.writeFileSync(rule('x.test.lua'), 'return { { name = "forbids", facts = {}, expect = "deny" } }\n');
  assert.match((await reload()).json().detail, /"forbids" expects deny and gets allow/);
  const tested = await host.command('policy', 'test', 'validation');
  assert.strictEqual(tested.code, 1);
  assert.match(tested.stdout, /FAILED\s+validation\/x\.lua: forbids/);
  assert.strictEqual((await post({ event_type: 'forbidden' })).status, 422);
  fs.rmSync(rule('x.test.lua'));
  await removed('x.lua');
  assert.strictEqual((await post({ event_type: 'forbidden' })).status, 200);
  const good = await host.command('policy', 'test');
  assert.deepStrictEqual([good.code, / 0 failed/.test(good.stdout)], [0, true]);
});

test('a request that needs approval waits and goes on when another credential approves it', async () => {
  await inForce('x.lua', 'if request.action == "delete" then return ask("delete " .. request.document_id .. "?") end\nreturn true\n');
  const stream = await openEventStream('/api/backplane/live?topics=bp.approval', { port: host.port() });
  const { body } = await upload();
  const waiting = documents('DELETE', `/documents/${body.id}`);
  const asked = await pending();
  assert.deepStrictEqual([asked.reason, asked.module, asked.operation, asked.principal, asked.facts.document_id],
    [`delete ${body.id}?`, 'documents', 'delete_document', `uid:${process.getuid()}`, body.id]);
  assert.strictEqual((await documents('GET', `/documents/${body.id}`)).status, 200, 'nothing has happened yet, and nobody else waits');
  const withoutToken = await host.request('POST', `/api/backplane/approvals/${asked.id}/approve`);
  assert.strictEqual(withoutToken.status, 403);
  assert.strictEqual((await admin('POST', `approvals/${asked.id}/approve`, { reason: 'fine' })).status, 200);
  const done = await waiting;
  assert.strictEqual(done.status, 200, done.text);
  const row = await waitFor('the approval to be used', async () => (await approvals('used')).find((a) => a.id === asked.id));
  assert.deepStrictEqual([row.decided_by, row.note], ['token:admin', 'fine']);
  const again = await admin('POST', `approvals/${asked.id}/approve`);
  assert.strictEqual(again.status, 409);
  assert.match(again.text, /it is used/);
  await stream.next((e) => JSON.parse(e.data).data.id === asked.id && JSON.parse(e.data).data.state === 'used');
  stream.close();
});

test('a person’s no is the answer, with the reason', async () => {
  const { body } = await upload();
  const waiting = documents('DELETE', `/documents/${body.id}`);
  const asked = await pending();
  const command = await host.command('approvals', 'deny', asked.id, '--reason', 'keep it');
  assert.strictEqual(command.code, 0, command.stderr);
  const answer = await waiting;
  assert.ok([403, 422].includes(answer.status), answer.text);
  assert.match(answer.text, /keep it/);
  assert.strictEqual((await documents('GET', `/documents/${body.id}`)).status, 200);
});

test('nobody approves their own request', async () => {
  const { body } = await upload();
  const own = host.request('DELETE', `/documents/${body.id}`, { port: DOCUMENTS, headers: host.adminHeaders() });
  const asked = await pending();
  assert.strictEqual(asked.principal, 'token:admin');
  const refused = await admin('POST', `approvals/${asked.id}/approve`);
  assert.strictEqual(refused.status, 403);
  assert.match(refused.text, /own request/);
  const made = (await admin('POST', 'tokens', { name: 'second person', scopes: ['admin'] })).json();
  const other = await host.request('POST', `/api/backplane/approvals/${asked.id}/approve`, { headers: { authorization: `Bearer ${made.token}` } });
  assert.strictEqual(other.status, 200, other.text);
  assert.strictEqual((await own).status, 200);
});

test('undecided it is refused with the id, and passes once after a late yes', async () => {
  host.writeConfig(modules(100));
  assert.strictEqual((await admin('POST', 'reload')).status, 200);
  const { body } = await upload();
  const refused = await documents('DELETE', `/documents/${body.id}`);
  assert.strictEqual(refused.status, 403);
  const asked = await pending();
  assert.ok(refused.json().detail.includes(asked.id));
  assert.strictEqual(refused.headers['backplane-approval'], asked.id);
  const listed = await host.command('approvals', 'list');
  assert.match(listed.stdout, new RegExp(`${asked.id} .*delete_document`));
  assert.strictEqual((await host.command('approvals', 'approve', asked.id)).code, 0);
  const other = (await upload('other.txt')).body;
  assert.strictEqual((await documents('DELETE', `/documents/${other.id}`)).status, 403, 'other facts are another question');
  assert.strictEqual((await documents('DELETE', `/documents/${body.id}`)).status, 200);
  assert.strictEqual((await documents('DELETE', `/documents/${body.id}`)).status, 403, 'once');
  await removed('x.lua');
});

test('what a rule rewrites is what is stored', async () => {
  await inForce('x.lua', `
if request.module ~= "documents" or request.action ~= "patch" or not request.tags then return true end
local tags, changed = {}, false
for i, tag in ipairs(request.tags) do
  tags[i] = tag:lower()
  changed = changed or tags[i] ~= tag
end
if not changed then return true end
return rewrite { module = request.module, action = request.action, document_id = request.document_id, tags = tags }
`);
  const { body } = await upload();
  const reply = await documents('PATCH', `/documents/${body.id}`, { tags: ['Red', 'blue'], description: 'left out by the rule' });
  assert.strictEqual(reply.status, 200, reply.text);
  assert.deepStrictEqual([reply.json().tags, reply.json().metadata], [['blue', 'red'], {}]);
  await removed('x.lua');
});

test('the audit tells who was told what, in pages, and a row can be explained', async () => {
  const { body } = await upload();
  await documents('PATCH', `/documents/${body.id}`, { tags: ['bad tag'] });
  const entries = await waitFor('the row', async () => {
    const found = (await admin('GET', 'audit?set=validation&verdict=deny&limit=1000')).json().entries;
    return found.some((e) => e.facts.document_id === body.id) && found;
  });
  const row = entries.find((e) => e.facts.document_id === body.id);
  assert.deepStrictEqual([row.module, row.operation, row.rule, row.principal, row.facts.tags],
    ['documents', 'patch_document', 'validation/documents.lua', `uid:${process.getuid()}`, ['bad tag']]);
  const explained = await host.command('policy', 'explain', String(row.id));
  assert.strictEqual(explained.code, 0, explained.stderr);
  assert.match(explained.stdout, /validation\/documents\.lua\s+deny/);
  assert.match(explained.stdout, /recorded: deny/);
  const file = path.join(scripts, 'facts.json');
  fs.writeFileSync(file, JSON.stringify({ module: 'documents', action: 'upload', filename: 'a/b' }));
  assert.match((await host.command('policy', 'explain', file, '--set', 'validation')).stdout, /slash/);
  const first = (await admin('GET', 'audit?limit=2')).json();
  assert.strictEqual(first.entries.length, 2);
  const second = (await admin('GET', `audit?limit=2&after=${first.next}`)).json();
  assert.ok(second.entries[0].id > first.entries[1].id);
  assert.ok((await admin('GET', 'audit?verdict=approve&principal=token:admin')).json().entries.length > 0);
  assert.strictEqual((await admin('GET', 'audit/999999999')).status, 404);
  assert.strictEqual((await admin('GET', 'audit?limit=0')).status, 400);
  for (const target of ['audit', 'approvals', 'policy']) assert.strictEqual((await host.request('GET', `/api/backplane/${target}`)).status, 403, target);
});

test('plain events leave no row, but are counted', async () => {
  const counted = async () => (await admin('GET', 'policy')).json().sets.find((s) => s.name === 'validation').decided.allow;
  const rows = async () => (await admin('GET', 'audit?verdict=allow&set=validation&limit=1000')).json().entries.length;
  const [before, rowsBefore] = [await counted(), await rows()];
  for (let i = 0; i < 5; i++) assert.strictEqual((await post()).status, 200);
  assert.deepStrictEqual([await counted(), await rows()], [before + 5, rowsBefore]);
  assert.match((await host.command('policy', 'list')).stdout, /validation\s+\d+/);
});

test('a restart denies what was pending', async () => {
  await inForce('x.lua', 'if request.action == "delete" then return ask("sure?") end\nreturn true\n');
  const { body } = await upload();
  await documents('DELETE', `/documents/${body.id}`);
  const asked = await pending();
  await host.kill();
  host.end = undefined;
  await host.start();
  const ended = await waitFor('the approval to end', async () => {
    const one = (await admin('GET', `approvals/${asked.id}`)).json();
    return one.state !== 'pending' && one;
  });
  assert.deepStrictEqual([ended.state, ended.note], ['denied', 'the host was restarted']);
});

test('a host does not start on broken rules', async () => {
  fs.writeFileSync(rule('x.lua'), 'return true\nend\n');
  const late = startHost({ config: '', scripts });
  await assert.rejects(late, /validation\/x\.lua:2/);
});

test('a start tests the rules that are not as they were when they passed', async () => {
  const own = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-rules-'));
  fs.mkdirSync(path.join(own, 'some'));
  const write = (name, text) => fs.writeFileSync(path.join(own, 'some', name), text);
  write('rule.lua', 'return true\n');
  write('rule.test.lua', 'return { { name = "goes", facts = { module = "m" }, expect = "allow" } }\n');
  const late = await startHost({ config: '', scripts: own });
  const again = async () => {
    late.child.kill('SIGTERM');
    await late.exited;
    late.end = undefined;
    late.stderr = '';
    await late.start();
  };
  assert.match(late.stderr, /1 sets of rules .* which have passed their tests/);
  await again();
  assert.match(late.stderr, /1 sets of rules .* unchanged since they passed their tests/);
  write('rule.lua', 'return 1 == 1\n');
  await again();
  assert.match(late.stderr, /which have passed their tests/);
  write('rule.test.lua', 'return { { name = "goes", facts = { module = "m" }, expect = "deny" } }\n');
  await assert.rejects(again());
  await late.logged(/test "goes" expects deny and gets allow/);
  fs.rmSync(own, { recursive: true, force: true });
});
