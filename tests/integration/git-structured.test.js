// The routes of /api/git/… that answer with data instead of text: views, changes, jobs, work trees, checkpoints; and SSH keys.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { waitFor } = require('./lib/client.js');
const { startGitHost, makeRepository, sh } = require('./lib/git.js');

let host;
before(async () => { host = await startGitHost(); });
after(() => host.stop());

const fresh = (name) => makeRepository(path.join(host.root, name, 'repo'));

async function get(route, repoPath, query = {}) {
  const reply = await host.api('GET', `/api/git/${route}?${new URLSearchParams({ repoPath, ...query })}`);
  assert.strictEqual(reply.status, 200, reply.text);
  return reply.json();
}

async function send(method, route, body, status = 200) {
  const reply = await host.api(method, `/api/${route}`, body);
  assert.strictEqual(reply.status, status, reply.text);
  return reply.json();
}

test('status names the branch and every kind of file', async () => {
  const repo = fresh('status');
  sh(repo, 'for n in m d r c; do echo $n > $n; done; git add .; git commit -qm all; git clone -q --bare . ../up.git; git remote add origin "$PWD/../up.git"; git fetch -q; git branch -qu origin/main; git commit -q --allow-empty -m ahead');
  sh(repo, 'echo 2 >> m; rm d; git mv r "to here"; echo n > "nëw \\"q\\""; echo s > s; git add s');
  const told = await get('status', repo);
  assert.deepStrictEqual({ ...told.branch, oid: '' }, { name: 'main', oid: '', detached: false, upstream: 'origin/main', ahead: 1, behind: 0 });
  assert.strictEqual(told.clean, false);
  assert.deepStrictEqual(told.files.map((f) => [f.path, f.kind, f.index, f.workTree, f.staged, f.oldPath]).sort(), [
    ['d', 'deleted', '.', 'D', false, undefined],
    ['m', 'modified', '.', 'M', false, undefined],
    ['nëw "q"', 'untracked', '.', '.', false, undefined],
    ['s', 'added', 'A', '.', true, undefined],
    ['to here', 'renamed', 'R', '.', true, 'r'],
  ]);
  sh(repo, 'git stash -qu; git checkout -q --detach');
  assert.deepStrictEqual([(await get('status', repo)).clean, (await get('status', repo)).branch.detached], [true, true]);
});

test('branches and the log, page by page', async () => {
  const repo = fresh('log');
  sh(repo, 'for i in 1 2 3 4; do git commit -q --allow-empty -m "c$i" -m "body $i"; done; git branch side HEAD~2; git tag v1');
  const { branches } = await get('branches', repo);
  assert.deepStrictEqual(branches.map((b) => [b.name, b.current, b.remote, b.subject]), [['main', true, false, 'c4'], ['side', false, false, 'c2']]);
  const page = await get('log', repo, { limit: 2, skip: 1 });
  assert.deepStrictEqual(page.commits.map((c) => [c.subject, c.body, c.authorName, c.parents.length]), [['c3', 'body 3', 'Ann', 1], ['c2', 'body 2', 'Ann', 1]]);
  assert.strictEqual(page.more, true);
  const last = await get('log', repo, { ref: 'side', limit: 10 });
  assert.deepStrictEqual([last.commits.map((c) => c.subject), last.more], [['c2', 'c1', 'first'], false]);
  assert.deepStrictEqual((await get('log', repo, { path: 'f' })).commits.map((c) => c.subject), ['first']);
  const empty = path.join(host.root, 'log-empty');
  fs.mkdirSync(empty);
  sh(empty, 'git init -q -b main .');
  assert.deepStrictEqual(await get('log', empty), { success: true, commits: [], more: false });
  for (const query of [{ ref: '--output=x' }, { ref: 'a b' }, { path: '../x' }, { path: '/etc/passwd' }])
    assert.strictEqual((await host.api('GET', `/api/git/log?${new URLSearchParams({ repoPath: repo, ...query })}`)).status, 400);
  assert.strictEqual((await host.api('GET', '/api/git/log')).status, 400);
  assert.strictEqual((await host.api('GET', '/api/git/log?repoPath=/etc')).status, 403);
});

test('a diff has files, hunks and lines', async () => {
  const repo = fresh('diff');
  sh(repo, 'seq 1 30 > n; printf "x\\000y" > bin; echo "-- a" > dash; git add .; git commit -qm base; sed -i "s/^5$/five/; s/^25$/twentyfive/" n; printf "z\\000" > bin; printf "++ b" > dash; mv f "f ü"; git add -AN .');
  const { files } = await get('diff', repo);
  const byPath = new Map(files.map((f) => [f.path, f]));
  const n = byPath.get('n');
  assert.deepStrictEqual([n.kind, n.additions, n.deletions, n.hunks.length], ['modified', 2, 2, 2]);
  assert.deepStrictEqual(n.hunks[0].lines.filter((l) => l.kind !== 'context'), [{ kind: 'delete', text: '5' }, { kind: 'add', text: 'five' }]);
  assert.deepStrictEqual([n.hunks[0].oldStart, n.hunks[0].oldLines, n.hunks[0].newStart, n.hunks[0].newLines], [2, 7, 2, 7]);
  assert.strictEqual(byPath.get('bin').binary, true);
  assert.deepStrictEqual(byPath.get('dash').hunks[0].lines, [{ kind: 'delete', text: '-- a' }, { kind: 'add', text: '++ b' }, { kind: 'note', text: ' No newline at end of file' }]);
  assert.ok(byPath.get('f ü'));
  sh(repo, 'git add -A');
  assert.deepStrictEqual((await get('diff', repo)).files, []);
  const staged = await get('diff', repo, { staged: true, path: 'n' });
  assert.deepStrictEqual(staged.files.map((f) => f.path), ['n']);
  const renamed = (await get('diff', repo, { ref: 'HEAD' })).files.find((f) => f.path === 'f ü');
  assert.deepStrictEqual([renamed.kind, renamed.oldPath], ['renamed', 'f']);
  assert.strictEqual((await get('diff', repo, { ref: 'HEAD~1', to: 'HEAD' })).files.length, 3);
});

test('stage, unstage and commit', async () => {
  const repo = fresh('commit');
  fs.writeFileSync(path.join(repo, 'a'), 'a');
  fs.writeFileSync(path.join(repo, '-b'), 'b');
  await send('POST', 'git/stage', { repoPath: repo, paths: ['a', '-b'] });
  await send('POST', 'git/unstage', { repoPath: repo, paths: ['a'] });
  assert.deepStrictEqual((await get('status', repo)).files.map((f) => [f.path, f.staged]), [['-b', true], ['a', false]]);
  const { oid } = await send('POST', 'git/commit', { repoPath: repo, message: '-m looks like an option\n\n$(id)' });
  assert.strictEqual(sh(repo, 'git rev-parse HEAD').trim(), oid);
  assert.strictEqual(sh(repo, 'git log -1 --format=%B').trim(), '-m looks like an option\n\n$(id)');
  await send('POST', 'git/commit', { repoPath: repo, message: 'again', amend: true });
  assert.strictEqual(sh(repo, 'git rev-list --count HEAD').trim(), '2');
  await send('POST', 'git/stage', { repoPath: repo, paths: ['../x'] }, 403);
  await send('POST', 'git/stage', { repoPath: repo, paths: [] }, 400);
  await send('POST', 'git/stage', { repoPath: repo, paths: [7] }, 400);
  await send('POST', 'git/commit', { repoPath: repo }, 400);
  await send('POST', 'git/commit', { message: 'x' }, 400);
  await send('POST', 'git/commit', { repoPath: '/etc', message: 'x' }, 403);
});

async function jobEnds(jobId) {
  return waitFor('the job to end', async () => {
    const job = (await host.request('GET', `/jobs/${jobId}`)).json();
    return ['done', 'failed', 'cancelled', 'lost'].includes(job.status ?? job.state) ? job : null;
  });
}

test('clone, push and pull are jobs', async () => {
  const source = fresh('jobs');
  const target = path.join(host.root, 'jobs/made/here');
  const clone = await send('POST', 'git/clone', { url: source, repoPath: target });
  const ended = await jobEnds(clone.jobId);
  assert.strictEqual(ended.status ?? ended.state, 'done', JSON.stringify(ended));
  assert.strictEqual(fs.readFileSync(path.join(target, 'f'), 'utf8'), 'a\n');
  await waitFor('the registry', async () => (await host.api('GET', '/api/repositories')).json().repositories.some((r) => r.path === target));
  sh(target, 'git checkout -q -b topic; git commit -q --allow-empty -m topic');
  const push = await jobEnds((await send('POST', 'git/push', { repoPath: target, remote: 'origin', branch: 'topic', setUpstream: true })).jobId);
  assert.strictEqual(push.status ?? push.state, 'done', JSON.stringify(push));
  assert.strictEqual(sh(source, 'git log -1 --format=%s topic').trim(), 'topic');
  const pull = await jobEnds((await send('POST', 'git/pull', { repoPath: target })).jobId);
  assert.strictEqual(pull.status ?? pull.state, 'done', JSON.stringify(pull));
  const failed = await jobEnds((await send('POST', 'git/pull', { repoPath: target, remote: 'absent' })).jobId);
  assert.strictEqual(failed.status ?? failed.state, 'failed');
  await send('POST', 'git/push', { repoPath: target, remote: 'https://evil.example/x' }, 403);
  await send('POST', 'git/clone', { url: 'ext::sh -c x', repoPath: target }, 403);
  await send('POST', 'git/clone', { repoPath: target }, 400);
});

// A server that takes connections and says nothing, as the remote of a repository.
async function silentRemote(repo) {
  const sockets = new Set();
  const server = net.createServer((socket) => { sockets.add(socket); socket.resume(); socket.on('error', () => {}); socket.on('close', () => sockets.delete(socket)); });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  sh(repo, `git remote add origin ssh://git@127.0.0.1:${server.address().port}/r`);
  return { sockets, close: () => server.close() };
}

test('a host that stops takes its jobs with it', async () => {
  const other = await startGitHost();
  const repo = makeRepository(path.join(other.root, 'stops/repo'));
  const { sockets, close } = await silentRemote(repo);
  assert.strictEqual((await other.api('POST', '/api/git/pull', { repoPath: repo, remote: 'origin', branch: 'main' })).status, 200);
  await waitFor('ssh to connect', () => sockets.size > 0);
  await other.stop();
  await waitFor('ssh to be gone', () => sockets.size === 0);
  close();
});

test('a job that hangs is cancelled, and its git with it', async () => {
  const repo = fresh('hangs');
  const { sockets, close } = await silentRemote(repo);
  const { jobId } = await send('POST', 'git/pull', { repoPath: repo, remote: 'origin', branch: 'main' });
  await waitFor('ssh to connect', () => sockets.size > 0);
  const reply = await host.request('POST', `/jobs/${jobId}/cancel`);
  assert.ok(reply.status < 300, reply.text);
  const job = await jobEnds(jobId);
  assert.strictEqual(job.status ?? job.state, 'cancelled');
  await waitFor('ssh to be gone', () => sockets.size === 0);
  await send('POST', 'git', { repoPath: repo, command: 'commit --allow-empty -m "the lock is free"' });
  close();
});

test('a work tree for each session', async () => {
  const repo = fresh('trees');
  const made = await send('POST', 'git/worktrees', { repoPath: repo, session: 'agent-1' });
  assert.deepStrictEqual(made, { success: true, path: `${repo}.worktrees/agent-1`, branch: 'session/agent-1' });
  assert.strictEqual((await send('POST', 'git', { repoPath: made.path, command: 'rev-parse --abbrev-ref HEAD' })).stdout, 'session/agent-1\n');
  fs.writeFileSync(path.join(made.path, 'new'), 'x');
  assert.deepStrictEqual((await get('worktrees', repo)).worktrees.map((t) => [t.path, t.branch, t.session]), [[repo, 'main', undefined], [made.path, 'session/agent-1', 'agent-1']]);
  await send('DELETE', 'git/worktrees', { repoPath: repo, session: 'agent-1' }, 500);
  await send('DELETE', 'git/worktrees', { repoPath: repo, session: 'agent-1', force: true });
  assert.ok(!fs.existsSync(made.path));
  for (const session of ['../x', 'a b', '-x', '', 'x/y', 'x..y']) await send('POST', 'git/worktrees', { repoPath: repo, session }, 400);
  await send('POST', 'git/worktrees', { repoPath: repo, session: 'ok', base: '--orphan' }, 400);
});

test('checkpoints keep and bring back the work tree, and touch nothing else', async () => {
  const repo = fresh('points');
  sh(repo, 'echo g > g; git add g; git commit -qm g; echo staged > f; git add f; echo wip > f; echo new > untracked');
  const before = sh(repo, 'git status --porcelain; git log --oneline; git ls-files -s');
  const { id, oid } = await send('POST', 'git/checkpoints', { repoPath: repo, label: 'turn 1' });
  assert.strictEqual(sh(repo, 'git status --porcelain; git log --oneline; git ls-files -s'), before);
  assert.deepStrictEqual(fs.readdirSync(path.join(repo, '.git')).filter((n) => n.startsWith('backplane')), []);
  sh(repo, 'echo broken > f; rm untracked g; echo more > h; git add h');
  assert.deepStrictEqual((await get(`checkpoints/${id}/diff`, repo)).files.map((f) => [f.path, f.kind]).sort(), [['f', 'modified'], ['g', 'deleted'], ['h', 'added'], ['untracked', 'deleted']]);
  const restored = await send('POST', `git/checkpoints/${id}/restore`, { repoPath: repo });
  assert.strictEqual(sh(repo, 'cat f g untracked'), 'wip\ng\nnew\n');
  const { checkpoints } = await get('checkpoints', repo);
  assert.deepStrictEqual(checkpoints.map((c) => [c.id, c.label]), [[restored.id, 'before a restore'], [id, 'turn 1']]);
  assert.strictEqual(checkpoints[1].oid, oid);
  await send('POST', `git/checkpoints/${restored.id}/restore`, { repoPath: repo });
  assert.strictEqual(sh(repo, 'cat f h'), 'broken\nmore\n');
  await send('POST', 'git/checkpoints/absent/restore', { repoPath: repo }, 500);
  const empty = path.join(host.root, 'points/empty');
  sh(host.root, `git init -q ${empty}; echo x > ${empty}/x`);
  assert.match((await send('POST', 'git/checkpoints', { repoPath: empty })).oid, /^[0-9a-f]{40}$/);
});

test('SSH keys: made, listed, deleted, and never shown', async () => {
  const folder = path.join(host.home, '.ssh');
  const made = await send('POST', 'git-config/ssh-keys', { name: 'id_test', comment: 'a comment' });
  assert.deepStrictEqual([made.key.name, made.key.type, made.key.comment], ['id_test', 'ssh-ed25519', 'a comment']);
  assert.strictEqual(fs.statSync(path.join(folder, 'id_test')).mode & 0o777, 0o600);
  assert.strictEqual(fs.statSync(folder).mode & 0o777, 0o700);
  fs.writeFileSync(path.join(folder, 'fake.pub'), fs.readFileSync(path.join(folder, 'id_test')));
  const listed = await host.api('GET', '/api/git-config/ssh-keys');
  assert.deepStrictEqual(listed.json().keys, [made.key]);
  assert.doesNotMatch(listed.text, /PRIVATE/);
  await send('POST', 'git-config/ssh-keys', { name: 'id_test' }, 400);
  for (const name of ['../x', 'config', 'known_hosts', '', '-f', 'a/b', 'x.pub']) await send('POST', 'git-config/ssh-keys', { name }, 400);
  await send('POST', 'git-config/ssh-keys', { name: 'id_two', comment: 'a\nb' }, 400);
  await send('DELETE', 'git-config/ssh-keys/config', undefined, 400);
  await send('DELETE', 'git-config/ssh-keys/absent', undefined, 404);
  await send('DELETE', 'git-config/ssh-keys/id_test');
  assert.deepStrictEqual(fs.readdirSync(folder), ['fake.pub']);
  const tried = await send('POST', 'git-config/ssh-test', { host: '127.0.0.1', port: 1 });
  assert.deepStrictEqual([tried.connected, tried.exitCode], [false, 255]);
  for (const name of ['-oProxyCommand=x', 'a b', 'a@b', '']) await send('POST', 'git-config/ssh-test', { host: name }, 400);
});
