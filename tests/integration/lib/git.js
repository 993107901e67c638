// A host with the git module, repositories of a test's own, and how to ask for a command.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { startHost } = require('./host.js');

const PORT = 3006;

// Runs a script with a plain git whose only configuration is a name; ends the test where it fails.
function sh(cwd, script, env = {}) {
  return execFileSync('/bin/sh', ['-ec', script], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH, HOME: cwd, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_AUTHOR_NAME: 'Ann', GIT_AUTHOR_EMAIL: 'ann@example.org', GIT_COMMITTER_NAME: 'Ann', GIT_COMMITTER_EMAIL: 'ann@example.org', ...env,
    },
  });
}

// A repository with one commit of one file, f, on main.
function makeRepository(folder) {
  fs.mkdirSync(folder, { recursive: true });
  sh(folder, 'git init -q -b main .; echo a > f; git add f; git commit -qm first');
  return folder;
}

// options: config (of the module, Lua), modules (more of the configuration), env, scripts. The host has root (a folder below which
// repositories may be used), home, plain (a repository), and git(repo, argsOrCommand).
async function startGitHost(options = {}) {
  const top = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-git-')));
  const root = path.join(top, 'root');
  const home = path.join(top, 'home');
  fs.mkdirSync(root);
  fs.mkdirSync(home);
  fs.writeFileSync(path.join(home, '.gitconfig'), options.gitconfig ?? '[user]\n\tname = Uma User\n\temail = uma@example.org\n');
  const host = await startHost({
    config: `listen "127.0.0.1:${PORT}" { family = "desktop" }\nmodule "desktop" {}\nmodule "repositories" {}\nmodule "git" { roots = { ${JSON.stringify(root)} } ${options.config || ''} }\n${options.modules || ''}`,
    ports: [PORT],
    scripts: options.scripts,
    env: { HOME: home, GIT_CONFIG_GLOBAL: '', XDG_CONFIG_HOME: '', ...options.env },
  });
  const stop = host.stop.bind(host);
  return Object.assign(host, {
    root,
    home,
    top,
    plain: makeRepository(path.join(root, 'plain')),
    api: (method, target, body, headers) => host.request(method, target, { port: PORT, body, headers }),
    git: (repoPath, command) => host.request('POST', '/api/git', { port: PORT, body: Array.isArray(command) ? { repoPath, args: command } : { repoPath, command } }),
    // What the policy says of an argv, without running it.
    async explain(args, repo) {
      const facts = { module: 'git', action: 'command', repo, cwd: path.dirname(repo), roots: [root], args };
      const file = path.join(top, `facts-${Math.random().toString(16).slice(2)}.json`);
      fs.writeFileSync(file, JSON.stringify(facts));
      const told = await host.command('policy', 'explain', file, '--set', 'git', '--json');
      return JSON.parse(told.stdout).result.verdict;
    },
    async stop() {
      await stop();
      fs.rmSync(top, { recursive: true, force: true });
    },
  });
}

module.exports = { startGitHost, makeRepository, sh, PORT };
