// The policy of git as an operator changes it: the examples beside the rules pass their tests and do what they say when put in force, a
// narrowed table counts after a reload, and mutations of allowed commands run nothing.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { rows } = require('./lib/corpus.js');
const { startGitHost, makeRepository, sh } = require('./lib/git.js');

const SOURCE = process.env.BACKPLANE_SOURCE || path.resolve(__dirname, '../..');

let host;
let scripts;
before(async () => {
  scripts = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-git-rules-'));
  fs.cpSync(path.join(SOURCE, 'scripts/git'), path.join(scripts, 'git'), { recursive: true });
  host = await startGitHost({ scripts, modules: 'policy { hold_ms = 300 }' });
});
after(async () => {
  await host.stop();
  fs.rmSync(scripts, { recursive: true, force: true });
});

async function reload() {
  const reply = await host.request('POST', '/api/backplane/policy/reload', { headers: host.adminHeaders() });
  assert.strictEqual(reply.status, 200, reply.text);
}

// Puts an example and its tests in force, which runs them.
async function withExample(name, work) {
  const files = [`${name}.lua`, `${name}.test.lua`];
  for (const file of files) fs.copyFileSync(path.join(scripts, 'git/examples', file), path.join(scripts, 'git', file));
  await reload();
  await work();
  for (const file of files) fs.rmSync(path.join(scripts, 'git', file));
  await reload();
}

async function says(repo, args, status, error) {
  const reply = await host.git(repo, args);
  assert.strictEqual(reply.status, status, `${args}: ${reply.text}`);
  if (error) assert.match(reply.json().error, error);
}

test('each example does what it says', async () => {
  const repo = makeRepository(path.join(host.root, 'examples/repo'));
  await withExample('read-only', async () => {
    await says(repo, ['log'], 200);
    await says(repo, ['commit', '--allow-empty', '-m', 'x'], 403, /read-only/);
    const reply = await host.api('POST', '/api/git/checkpoints', { repoPath: repo });
    assert.strictEqual(reply.status, 403, reply.text);
  });
  await says(repo, ['commit', '--allow-empty', '-m', 'x'], 200);
  await withExample('no-force-push', () => says(repo, ['push', '--force-with-lease'], 403, /forced/));
  await withExample('ask-before-reset', async () => {
    await says(repo, ['reset', '--hard', 'HEAD~1'], 403, /approval/);
    await says(repo, ['reset', 'HEAD'], 200);
  });
  await withExample('worktree-only', async () => {
    const made = await host.request('POST', '/api/backplane/tokens', { headers: host.adminHeaders(), body: { name: 'agent', scopes: ['read', 'write'] } });
    assert.ok(made.status < 300, made.text);
    const token = made.json().token;
    const ask = (repoPath) => host.api('POST', '/api/git', { repoPath, args: ['commit', '--allow-empty', '-m', 'x'] }, { authorization: `Bearer ${token}` });
    const tree = (await host.api('POST', '/api/git/worktrees', { repoPath: repo, session: 'a' })).json();
    assert.strictEqual((await ask(repo)).status, 403);
    assert.strictEqual((await ask(tree.path)).status, 200);
  });
});

test('a table that is widened counts after a reload, and the runner stays', async () => {
  const repo = makeRepository(path.join(host.root, 'widened/repo'));
  const table = path.join(scripts, 'git/commands/diff.lua');
  const text = fs.readFileSync(table, 'utf8');
  const marker = path.join(host.top, 'widened');
  sh(repo, `git config diff.external 'touch ${marker};:'; echo more >> f`);
  await says(repo, ['diff', '--ext-diff'], 403, /--ext-diff/);
  fs.writeFileSync(table, text.replace('--cached --staged', '--cached --staged --ext-diff'));
  const refused = await host.request('POST', '/api/backplane/policy/reload', { headers: host.adminHeaders() });
  assert.match(refused.text, /expects deny and gets allow/); // the tests beside the rule say what it is for
  const tests = path.join(scripts, 'git/allow.test.lua');
  const cases = fs.readFileSync(tests, 'utf8');
  fs.writeFileSync(tests, cases.replace('deny("diff", "--ext-diff")\n', ''));
  await reload();
  await says(repo, ['diff', '--ext-diff'], 200);
  assert.ok(!fs.existsSync(marker));
  fs.writeFileSync(table, text);
  fs.writeFileSync(tests, cases);
  await reload();
});

// ---- Mutations ----

const HOSTILE = ['--output=$M', '--upload-pack=touch $M', '--receive-pack=touch $M', '--exec=touch $M', '-c', 'core.pager=touch $M', '--ext-diff', '--textconv',
  '-O$M', '--no-index', '-F', '/etc/passwd', '--pathspec-from-file=/etc/passwd', '-i', '-x', 'touch $M', '-S', '--show-signature', '-p', '--git-dir=/', '../../x',
  'ext::touch $M', '--config=core.sshCommand=touch $M', '-u', 'touch $M;#', '--format=%G?', '--template=$M', '--', '', '-', '\n', '--help', '--edit', '-e',
  '--recurse-submodules', '--strategy=evil', '-s', '.git/hooks/post-commit', '--stdin', '--remerge-diff', '--separate-git-dir=$M', '@{-1}', ':(attr:x)y'];

function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function mutate(args, pick, marker) {
  const made = [...args];
  for (let i = pick(3); i >= 0; i--) {
    const hostile = HOSTILE[pick(HOSTILE.length)].replace('$M', marker);
    const at = pick(made.length + 1);
    const ways = [
      () => made.splice(at, 0, hostile),
      () => made.splice(at, 1, hostile),
      () => { made[at % made.length] += hostile; },
      () => { made[at % made.length] = (made[at % made.length] ?? '').slice(0, -1); },
      () => made.splice(at, 0, made[pick(made.length)]),
      () => made.reverse(),
    ];
    ways[pick(ways.length)]();
    if (made.length === 0) made.push('status');
  }
  return made;
}

test('mutations of allowed commands run nothing and write nowhere else', { skip: !rows('git-args.jsonl') && 'the corpus is not there' }, async () => {
  const seed = Number(process.env.GIT_SEED || Date.now() % 1e9);
  const pick = random(seed);
  const marker = path.join(host.top, 'mutated');
  const repo = makeRepository(path.join(host.root, 'mutated/repo'));
  sh(repo, `git config diff.external 'touch ${marker};:'; git config core.editor 'touch ${marker};:'; git config diff.e.textconv 'touch ${marker};cat'
    echo '* diff=e' > .git/info/attributes; git clone -q --bare . ../r.git; git remote add origin "$PWD/../r.git"; git branch feature; git tag v1.0; echo more >> f`);
  const allowed = rows('git-args.jsonl').filter((row) => row.expect === 'allow' && row.args[0] !== 'clone');
  const outside = fs.readdirSync(host.top).sort();
  for (let round = 0; round < 40; round++) {
    const all = Array.from({ length: 5 }, () => mutate(allowed[pick(allowed.length)].args, pick, marker));
    const replies = await Promise.all(all.map((args) => host.git(repo, args)));
    replies.forEach((reply, i) => {
      assert.ok([200, 400, 403, 500].includes(reply.status), `seed ${seed}: ${JSON.stringify(all[i])}: ${reply.status}`);
      assert.doesNotMatch(reply.text, /root:x:0/, `seed ${seed}: ${JSON.stringify(all[i])}`);
    });
    assert.deepStrictEqual(fs.readdirSync(host.top).sort(), outside, `seed ${seed}: ${JSON.stringify(all)}`);
  }
});
