// POST /api/git and /api/git-config as clients know them: forms of the command, answers, refusals, and everyday work on real repositories.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { startGitHost, makeRepository, sh, PORT } = require('./lib/git.js');
const { waitFor } = require('./lib/client.js');
const { startHost } = require('./lib/host.js');

let host;
before(async () => { host = await startGitHost(); });
after(() => host.stop());

const fresh = (name) => makeRepository(path.join(host.root, name, 'repo'));

async function good(repo, command) {
  const reply = await host.git(repo, command);
  assert.strictEqual(reply.status, 200, `${command}: ${reply.text}`);
  return reply.json();
}

async function refused(repo, command, status, error) {
  const reply = await host.git(repo, command);
  assert.strictEqual(reply.status, status, `${command}: ${reply.text}`);
  assert.strictEqual(reply.json().success, false);
  assert.match(reply.json().error, error);
  return reply.json();
}

test('"git status" and "status -s" are the same command', async () => {
  fs.writeFileSync(path.join(host.plain, 'new file'), 'x');
  const long = await good(host.plain, 'git status -s');
  for (const blanks of ['  status -s ', 'git\tstatus -s', '\t git  status -s']) assert.strictEqual((await good(host.plain, blanks)).command, /git/.test(blanks) ? blanks.trim() : 'git status -s');
  assert.deepStrictEqual(long, { success: true, stdout: '?? "new file"\n', stderr: '', command: 'git status -s' });
  assert.deepStrictEqual(await good(host.plain, 'status -s'), long);
  assert.deepStrictEqual(await good(host.plain, ['status', '-s']), long);
  fs.rmSync(path.join(host.plain, 'new file'));
});

test('what is missing or malformed', async () => {
  for (const body of [{}, { repoPath: host.plain }, { command: 'status' }, { repoPath: '', command: 'status' }, { repoPath: host.plain, command: '' },
    { repoPath: 7, command: 'status' }, { repoPath: host.plain, command: ['status'] }]) {
    const reply = await host.api('POST', '/api/git', body);
    assert.strictEqual(reply.status, 400, JSON.stringify(body));
    assert.deepStrictEqual(reply.json(), { success: false, error: 'repoPath and command are required' });
  }
  assert.strictEqual((await host.api('POST', '/api/git', '{"repoPath": "a')).status, 400);
});

test('commands and paths that are not allowed', async () => {
  assert.strictEqual((await refused(host.plain, 'gc', 403, /./)).error, "Git command 'gc' is not allowed");
  assert.strictEqual((await refused(host.plain, 'git bisect run x', 403, /./)).error, "Git command 'bisect' is not allowed");
  for (const repo of ['relative/path', '.', `${host.root}/../root/plain`, `${host.plain}/..`, '/etc', '/', host.top, `${host.root}x`, 'file:///etc', '~/x', `${host.plain}/.git`,
    `${host.plain}/.GIT/hooks`, `${host.root}/new/.git./x`])
    assert.strictEqual((await refused(repo, 'status', 403, /./)).error, 'Invalid repository path');
  await waitFor('the log to say which paths are allowed', () => /git: a repository path was refused; those below these folders \(option "roots"\)/.test(host.stderr));
  for (const command of ['status; id', 'status && id', 'status | cat', 'status > x', 'log `id`', 'log $(id)', 'status\nid', 'status & id'])
    await refused(host.plain, command, 403, /not allowed/);
  await refused(host.plain, "commit -m 'open", 403, /quote/);
  await refused(host.plain, 'log --output=/tmp/x', 403, /^Option '--output=\/tmp\/x' is not allowed for git log$/);
  fs.symlinkSync('/etc', path.join(host.root, 'link'));
  await refused(path.join(host.root, 'link'), 'status', 403, /^Invalid repository path$/);
});

test('failures of git are 500 with what it said', async () => {
  const told = await refused(host.plain, 'checkout nowhere', 500, /pathspec 'nowhere' did not match/);
  assert.deepStrictEqual(Object.keys(told), ['success', 'error', 'stdout', 'stderr', 'command']);
  assert.match(told.stderr, /nowhere/);
  fs.mkdirSync(path.join(host.root, 'empty'), { recursive: true });
  await refused(path.join(host.root, 'empty'), 'status', 500, /not a git repository/);
  await refused(path.join(host.root, 'absent'), 'status', 500, /does not exist/);
});

test('quotes make one argument, and nothing is expanded', async () => {
  const repo = fresh('quotes');
  await good(repo, `commit --allow-empty -m "it's \\"quoted\\" \`id\` \\$HOME $HOME; | && 'x'"`);
  await good(repo, "commit --allow-empty -m 'one'\\''s \"two\" $(id)' --author='Bob B <bob@example.org>'");
  await good(repo, "commit --allow-empty --allow-empty-message -m ''");
  const { stdout } = await good(repo, 'log --format="%an|%s" -3');
  assert.strictEqual(stdout, "Uma User|\nBob B|one's \"two\" $(id)\nUma User|it's \"quoted\" `id` $HOME $HOME; | && 'x'\n");
});

test('the user\'s global name is used, the repository\'s own comes first', async () => {
  const repo = fresh('names');
  await good(repo, ['commit', '--allow-empty', '-m', 'global']);
  await good(repo, ['config', 'user.name', 'Local Name']);
  await good(repo, ['commit', '--allow-empty', '-m', 'local']);
  assert.strictEqual((await good(repo, ['log', '-2', '--format=%an <%ae>'])).stdout, 'Local Name <uma@example.org>\nUma User <uma@example.org>\n');
});

test('everyday work: branches, conflicts, rebase, stash, a folder below', async () => {
  const repo = fresh('everyday');
  fs.mkdirSync(path.join(repo, 'sub'));
  fs.writeFileSync(path.join(repo, 'sub/x'), 'x');
  await good(path.join(repo, 'sub'), 'add x');
  await good(repo, 'commit -m "add sub"');
  await good(repo, 'checkout -b feature HEAD~1');
  fs.writeFileSync(path.join(repo, 'f'), 'feature\n');
  await good(repo, 'commit -am feature');
  await good(repo, 'checkout main');
  fs.writeFileSync(path.join(repo, 'f'), 'main\n');
  await good(repo, 'commit -am main');
  const conflict = await refused(repo, 'merge feature', 500, /./);
  assert.match(conflict.stdout, /CONFLICT/);
  assert.match((await good(repo, 'status --porcelain')).stdout, /^UU f$/m);
  await good(repo, 'merge --abort');
  await refused(repo, 'rebase feature', 500, /./);
  fs.writeFileSync(path.join(repo, 'f'), 'both\n');
  await good(repo, 'add f');
  await good(repo, 'rebase --continue');
  assert.match((await good(repo, 'log --oneline')).stdout, /main\n.*add sub\n.*feature\n.*first\n$/);
  fs.writeFileSync(path.join(repo, 'f'), 'wip\n');
  await good(repo, 'stash push -m "work in progress"');
  assert.match((await good(repo, 'stash list')).stdout, /work in progress/);
  assert.match((await good(repo, 'stash show')).stdout, /1 file changed/);
  await good(repo, 'stash pop');
  assert.strictEqual(fs.readFileSync(path.join(repo, 'f'), 'utf8'), 'wip\n');
});

test('push, fetch and pull with a configured remote by path, and no other', async () => {
  const repo = fresh('remote');
  sh(repo, 'git clone -q --bare . ../remote.git; git remote add origin "$PWD/../remote.git"; git clone -q ../remote.git ../other');
  await good(repo, ['commit', '--allow-empty', '-m', 'pushed']);
  await good(repo, 'push -u origin main');
  await good(path.join(repo, '../other'), 'pull');
  assert.match((await good(path.join(repo, '../other'), 'log --oneline -1')).stdout, /pushed/);
  await good(path.join(repo, '../other'), 'fetch --prune origin');
  await refused(repo, 'push elsewhere main', 403, /no remote of that name/);
  sh(repo, `git remote add out /etc; git remote add ext 'ext::sh -c "touch ${host.top}/pwned"'; git remote add tok https://u:secret@example.invalid/r`);
  for (const name of ['out', 'ext', 'tok']) await refused(repo, `fetch ${name}`, 403, /remote/i);
  assert.ok(!fs.existsSync(path.join(host.top, 'pwned')));
  const shown = await good(repo, 'remote -v');
  assert.doesNotMatch(shown.stdout, /secret/);
  assert.match(shown.stdout, /https:\/\/\*\*\*@example\.invalid/);
});

test('hooks do not run, neither here nor on the other side', async () => {
  const repo = fresh('hooks');
  const marker = path.join(host.top, 'hook-ran');
  sh(repo, `git clone -q --bare . ../hooks.git; git remote add origin "$PWD/../hooks.git"
    for h in pre-commit commit-msg post-commit post-checkout pre-push reference-transaction post-index-change pre-rebase post-rewrite
    do printf '#!/bin/sh\\ntouch ${marker}\\n' > .git/hooks/$h; chmod +x .git/hooks/$h; done
    for h in pre-receive update post-receive post-update reference-transaction proc-receive
    do printf '#!/bin/sh\\ntouch ${marker}\\n' > ../hooks.git/hooks/$h; chmod +x ../hooks.git/hooks/$h; done`);
  await good(repo, ['commit', '--allow-empty', '-m', 'x']);
  await good(repo, 'checkout -b b');
  await good(repo, 'push -u origin b');
  await good(repo, 'fetch origin');
  assert.ok(!fs.existsSync(marker));
  sh(repo, 'git --git-dir ../hooks.git config core.hooksPath "$PWD/.git/hooks"');
  await refused(repo, 'push origin b', 403, /hookspath/);
});

test('filters are off until an administrator trusts the repository', async () => {
  const repo = fresh('filters');
  const marker = path.join(host.top, 'filter-ran');
  sh(repo, `git config filter.big.clean 'touch ${marker}; cat'; git config filter.big.smudge cat; git config filter.big.required true; echo '*.bin filter=big' > .gitattributes; echo x > a.bin`);
  await good(repo, 'add .');
  assert.ok(!fs.existsSync(marker));
  assert.strictEqual((await host.api('POST', '/api/git/trusted', { repoPath: repo })).status, 403);
  const trusted = await host.api('POST', '/api/git/trusted', { repoPath: repo }, host.adminHeaders());
  assert.strictEqual(trusted.status, 200, trusted.text);
  assert.deepStrictEqual(trusted.json().trusted, [path.join(repo, '.git')]);
  fs.writeFileSync(path.join(repo, 'b.bin'), 'y');
  await good(repo, 'add .');
  assert.ok(fs.existsSync(marker));
  fs.rmSync(marker);
  sh(repo, 'mv .git ../old.git; cp -a ../old.git .git'); // another inode
  fs.writeFileSync(path.join(repo, 'c.bin'), 'z');
  await good(repo, 'add .');
  assert.ok(!fs.existsSync(marker));
  assert.strictEqual((await host.api('DELETE', '/api/git/trusted', { repoPath: repo }, host.adminHeaders())).json().trusted.length, 0);
});

test('work trees and submodules are followed only where they point back', async () => {
  const repo = fresh('linked');
  sh(repo, 'git worktree add -q ../linked-tree -b side; git init -q ../module; cd ../module; git commit -q --allow-empty -m m; cd ../repo; git -c protocol.file.allow=always submodule add -q ../module sub; git commit -qm sub');
  assert.strictEqual((await good(path.join(repo, '../linked-tree'), 'rev-parse --abbrev-ref HEAD')).stdout, 'side\n');
  await good(path.join(repo, '../linked-tree'), ['commit', '--allow-empty', '-m', 'in the tree']);
  assert.match((await good(path.join(repo, 'sub'), 'log --oneline')).stdout, / m\n$/);
  await good(repo, 'status');
  const thief = path.join(repo, '../thief');
  fs.mkdirSync(thief);
  fs.writeFileSync(path.join(thief, '.git'), `gitdir: ${repo}/.git\n`);
  await refused(thief, 'status', 403, /does not point back/);
  sh(repo, 'git config core.worktree /etc');
  await refused(repo, 'status', 403, /core\.worktree/);
});

test('a repository of another user is refused', { skip: process.getuid() !== 0 && 'only root can make one' }, async () => {
  const repo = fresh('foreign');
  fs.chownSync(path.join(repo, '.git'), 1234, 1234);
  await refused(repo, 'status', 403, /belongs to another user/);
});

test('an interrupted rebase that would run a program is not continued', async () => {
  const repo = fresh('todo');
  const marker = path.join(host.top, 'todo-ran');
  sh(repo, `for i in 1 2; do echo $i > f; git commit -qam $i; done; git checkout -q -b b HEAD~1; echo z > f; git commit -qam z; git rebase main >/dev/null 2>&1 || true; echo y > f; git add f; echo "exec touch ${marker}" >> .git/rebase-merge/git-rebase-todo`);
  await refused(repo, 'rebase --continue', 403, /would run a program/);
  await good(repo, 'rebase --abort');
  assert.ok(!fs.existsSync(marker));
});

test('redirections of .git, its refs and its objects are refused', async () => {
  for (const [name, script] of Object.entries({
    commondir: 'cp -a .git ../evil; echo ../../evil > .git/commondir',
    refs: 'mkdir ../outside; rm -r .git/refs/heads; ln -s ../../../outside .git/refs/heads',
    config: 'mv .git/config ../config; ln -s ../../config .git/config',
    alternates: 'echo /usr/share > .git/objects/info/alternates',
    'quoted alternates': 'printf \'"/usr/share"\\n\' > .git/objects/info/alternates',
    'linked alternates': 'ln -s /etc/shells .git/objects/info/alternates',
    'alternates of alternates': 'git clone -q --bare . ../lent; (cd ../lent && pwd) | sed "s,$,/objects," > .git/objects/info/alternates; echo /usr/share > ../lent/objects/info/alternates',
    'alternates pipe': 'mkfifo .git/objects/info/alternates',
    'index pipe': 'rm .git/index; mkfifo .git/index',
    'HEAD pipe': 'rm .git/HEAD; mkfifo .git/HEAD',
    include: 'git config include.path ../../more',
    extension: 'git config core.repositoryformatversion 1; git config extensions.evil true',
  })) {
    const repo = fresh(`redirect-${name.replaceAll(' ', '-')}`);
    sh(repo, script);
    await refused(repo, 'status', 403, /./);
  }
});

test('a pipe where git reads a file is refused before git waits for it, and found where git waits already', async () => {
  for (const name of ['.gitattributes', '.gitignore', '.gitmodules', '.mailmap']) {
    const repo = fresh(`pipe-${name}`);
    sh(repo, `mkfifo ${name}`);
    await refused(repo, 'status', 403, new RegExp(`^The repository has a pipe or device where git reads a file: \\${name}$`));
    sh(repo, `rm ${name}; mkfifo ../elsewhere; ln -s ../elsewhere ${name}`);
    await refused(repo, 'status', 403, /pipe or device/);
    sh(repo, `rm ${name}; mkfifo a-pipe`);
    await good(repo, 'status');
  }
  const below = fresh('pipe-below');
  sh(below, 'mkdir -p sub/deep; echo b > sub/deep/b; git add .; git commit -qm sub; mkfifo sub/deep/.gitignore');
  await refused(below, 'status', 403, /pipe or device where git reads a file: .*sub\/deep\/\.gitignore$/);
  const objects = fresh('pipe-object');
  sh(objects, 'object=$(git rev-parse HEAD | sed "s,^..,&/,"); rm -f .git/objects/$object; mkfifo .git/objects/$object');
  await refused(objects, 'log', 403, /pipe or device where git reads a file: .*\.git\/objects\//);
});

test('a clone lands beside the path, and in the registry, once', async () => {
  const source = fresh('source');
  const target = path.join(host.root, 'made/of/parents/copy');
  await good(target, `clone ${source} ${target}`);
  assert.strictEqual(fs.readFileSync(path.join(target, 'f'), 'utf8'), 'a\n');
  await good(path.join(host.root, 'made/second'), ['clone', '--depth', '1', source, 'named']);
  await good(path.join(host.root, 'made/third'), ['clone', source]);
  for (const name of ['named', 'repo']) assert.ok(fs.existsSync(path.join(host.root, 'made', name, '.git')), name);
  await refused(target, `clone ${source} ${target}`, 500, /already exists/);
  const { repositories } = (await host.api('GET', '/api/repositories')).json();
  assert.deepStrictEqual(repositories.map((r) => r.path).sort(), [path.join(host.root, 'made/named'), target, path.join(host.root, 'made/repo')].sort());
  await refused(path.join(host.root, 'x/.git'), `clone ${source}`, 403, /^Invalid repository path$/);
  await refused(path.join(host.root, 'x'), 'clone /etc', 403, /address/);
  await refused(path.join(host.root, 'x'), `clone ${source} ../../outside`, 403, /folder/);
  assert.strictEqual(sh(target, 'git config --get-all core.hooksPath || true'), '');
});

test('output beyond 16 MiB is cut and says so', async () => {
  const repo = fresh('large');
  sh(repo, 'head -c 18000000 /dev/zero | tr "\\0" "x" > big; git add big; git commit -qm big');
  const cut = await good(repo, 'show HEAD:big');
  assert.strictEqual(cut.truncated, true);
  assert.strictEqual(cut.stdout.length, 16 * 1024 * 1024);
});

test('bytes that are no UTF-8 do not break the answer', async () => {
  const repo = fresh('bytes');
  fs.writeFileSync(path.join(repo, 'f'), Buffer.from([0x61, 0xff, 0xc3, 0x28, 0x00, 0xe2, 0x82, 0xac, 0x0a]));
  sh(repo, 'git commit -qam bytes');
  assert.strictEqual((await good(repo, 'show HEAD:f')).stdout, 'a\ufffd\ufffd(\u0000\u20ac\n');
});

test('many commands at once: writers of one repository one after the other', async () => {
  const repo = fresh('many');
  const replies = await Promise.all(Array.from({ length: 24 }, (_, i) => host.git(repo, ['commit', '--allow-empty', '-m', `c${i}`])));
  assert.deepStrictEqual(new Set(replies.map((r) => r.status)), new Set([200]));
  assert.strictEqual(sh(repo, 'git rev-list --count HEAD').trim(), '25');
});

test('git-config reads and writes the real global configuration', async () => {
  const read = async () => (await host.api('GET', '/api/git-config')).json();
  assert.deepStrictEqual(await read(), { success: true, userName: 'Uma User', userEmail: 'uma@example.org' });
  const set = (body) => host.api('POST', '/api/git-config', body);
  for (const body of [{}, { userName: 'x' }, { userEmail: 'x' }, { userName: '', userEmail: 'x' }]) {
    const reply = await set(body);
    assert.strictEqual(reply.status, 400);
    assert.deepStrictEqual(reply.json(), { success: false, error: 'userName and userEmail are required' });
  }
  for (const userName of ['a\nb', '-x', 'x'.repeat(300)]) assert.strictEqual((await set({ userName, userEmail: 'a@b' })).status, 400);
  const odd = 'Zoë "Z" O\'Neil \\ $(id) #x';
  const reply = await set({ userName: odd, userEmail: 'z@example.org' });
  assert.strictEqual(reply.status, 200, reply.text);
  assert.deepStrictEqual(reply.json(), { success: true, userName: odd, userEmail: 'z@example.org', message: 'Git config updated' });
  assert.strictEqual(sh(host.root, `git config --file ${host.home}/.gitconfig user.name`).trim(), odd);
  const repo = fresh('after-config');
  await good(repo, ['commit', '--allow-empty', '-m', 'x']);
  assert.strictEqual((await good(repo, ['log', '-1', '--format=%an'])).stdout.trim(), odd);
});

test('a global identity that somebody else changes counts for the next commit', async () => {
  const repo = fresh('identity');
  const file = path.join(host.home, '.gitconfig');
  const before = fs.readFileSync(file, 'utf8');
  try {
    for (const name of ['Nora New', 'Olga Other']) {
      fs.writeFileSync(file, `[user]\n\tname = ${name}\n\temail = n@example.org\n`);
      await good(repo, ['commit', '--allow-empty', '-m', 'x']);
      assert.strictEqual((await good(repo, ['log', '-1', '--format=%an'])).stdout.trim(), name);
    }
  } finally {
    fs.writeFileSync(file, before);
  }
});

test('without roots of its own the module takes the home folder, where the host was started, and the file manager\'s root', async () => {
  const files = path.join(host.top, 'files');
  const repo = makeRepository(path.join(files, 'repo'));
  const elsewhere = makeRepository(path.join(host.top, 'elsewhere'));
  const config = fs.readFileSync(path.join(process.env.BACKPLANE_SOURCE, 'etc/modules.d/git.lua'), 'utf8');
  const other = await startHost({
    config: `listen "127.0.0.1:${PORT}" { family = "desktop" }\nmodule "desktop" {}\nmodule "repositories" {}\n${config}`,
    ports: [PORT],
    env: { HOME: host.home, FILE_MANAGER_ROOT: files, GIT_ROOTS: '' },
  });
  const status = async (repoPath) => (await other.request('POST', '/api/git', { port: PORT, body: { repoPath, command: 'status' } })).status;
  try {
    assert.deepStrictEqual([await status(repo), await status(elsewhere)], [200, 403]);
  } finally {
    await other.stop();
  }
});
