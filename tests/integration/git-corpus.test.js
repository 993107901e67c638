// Both git corpora against the real policy and the real runner: every argv is decided, every allowed one is run in a repository of its
// own, every hostile repository is built and used; no marker may appear.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { rows, ownRows, eachRow } = require('./lib/corpus.js');
const { startGitHost, makeRepository, sh } = require('./lib/git.js');

const args = rows('git-args.jsonl');
const attacks = rows('git-repo-attacks.jsonl');

let host;
before(async () => { host = await startGitHost(); });
after(() => host.stop());

// The repository the rows were written for: main and feature, a tag, two remotes, a stash, and the files they name.
let template;
function everydayRepository({ id: name, args: words }) {
  template ??= makeTemplate();
  const repo = path.join(host.root, name, 'repo');
  fs.cpSync(template, path.dirname(repo), { recursive: true });
  sh(repo, 'git remote set-url origin "$(cd ../repo.git && pwd)"');
  if (words.includes('feature/x')) sh(repo, `git branch -qD feature; git --git-dir ../repo.git branch -qD feature; ${words[0] === 'push' ? 'git branch feature/x' : ''}`);
  if (words.includes('-d') || words.includes('-D')) sh(repo, 'git branch newb');
  if (words[0] === 'commit') sh(repo, 'echo w >> f');
  return repo;
}

function makeTemplate() {
  const repo = makeRepository(path.join(host.root, 'template/repo'));
  sh(repo, `
    echo b >> f; mkdir -p 'dir with space' 'ünï'; echo x > 'dir with space/f'; git add .; git commit -qm second; git tag v1.0
    git branch feature HEAD~1; git checkout -q feature; echo y > g; git add g; git commit -qm third; git checkout -q main
    git clone -q --bare . ../repo.git; git remote add origin "$(cd ../repo.git && pwd)"
    git fetch -q; git branch -q -u origin/main main; git remote add up https://github.com/a/b.git
    echo z >> f; git stash -q; git config user.name Local; echo n > newfile; echo d > ./-dashfile; echo u > 'ünï/çødé.txt'`);
  return path.dirname(repo);
}

test('every row of git-args is decided as expected, and what is allowed runs', { skip: !args && 'the corpus is not there' }, async () => {
  const wrong = [];
  const failed = [];
  await eachRow(args, async (row) => {
    const repo = row.expect === 'allow' ? everydayRepository(row) : host.plain;
    const needsNetwork = row.args[0] === 'clone';
    if (row.expect === 'allow' && needsNetwork) {
      const verdict = await host.explain(row.args, repo);
      if (verdict !== 'allow') wrong.push([row.id, verdict, row.args]);
      return;
    }
    const reply = await host.git(repo, row.args);
    const isDenied = reply.status === 403 || reply.status === 400;
    if (isDenied !== (row.expect === 'deny')) wrong.push([row.id, reply.status, row.args.join(' ').slice(0, 80), reply.text.slice(0, 200)]);
    else if (row.expect === 'allow' && reply.status !== 200) failed.push([row.id, row.args, reply.json().error]);
    if (isDenied) assert.strictEqual(reply.json().success, false);
    assert.doesNotMatch(reply.text, /root:x:0/);
  });
  assert.deepStrictEqual(wrong, []);
  // What real git refuses in this state of the repository as well (see `verified` in the corpus).
  const excused = new Set(['git-443', 'git-470', 'git-492', 'git-541', 'git-550']);
  assert.deepStrictEqual(failed.filter(([id]) => !excused.has(id)), []);
  assert.ok(!fs.existsSync('/tmp/ga-pwned'));
});

// A marker is written into the setup, not passed in the environment: what is run must not need ours to be caught.
async function attack(row) {
  const folder = path.join(host.root, `attack-${row.id}`);
  const marker = path.join(host.root, `marker-${row.id}`);
  const repo = makeRepository(path.join(folder, 'repo'));
  sh(repo, row.setup.replaceAll('$MARKER', marker).replaceAll('$ROOT', folder));
  fs.rmSync(marker, { force: true });
  const reply = await host.git(repo, row.args);
  assert.ok([200, 403, 500].includes(reply.status), `${row.id}: ${reply.status}`);
  if (row.extra === 'victim') assert.deepStrictEqual(fs.readdirSync(path.join(folder, 'victim')), [], row.id);
  return fs.existsSync(marker);
}

test('no row of git-repo-attacks executes anything', { skip: !attacks && 'the corpus is not there' }, async () => {
  const hit = [];
  await eachRow(attacks, async (row) => { if (await attack(row)) hit.push(row.id); });
  assert.deepStrictEqual(hit, []);
});

test('neither does one of our own', async () => {
  const hit = [];
  await eachRow(ownRows('git-repo-attacks.jsonl'), async (row) => { if (await attack(row)) hit.push(row.id); });
  assert.deepStrictEqual(hit, []);
});
