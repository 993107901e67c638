-- What the allow list lets pass and what not, by class. The whole corpus of attacks is run by tests/integration/git-corpus.test.js.

local cases = {}

local function add(expect, ...)
  local args = { ... }
  cases[#cases + 1] = {
    name = table.concat(args, " "):sub(1, 100),
    facts = {
      module = "git", action = "command", principal = "uid:1000", repo = "/srv/r/repo", cwd = "/srv/r", roots = { "/srv/r" },
      subcommand = args[1], args = args,
    },
    expect = expect,
  }
end

local function allow(...)
  add("allow", ...)
end
local function deny(...)
  add("deny", ...)
end

allow("log", "feature", "--not", "main")
deny("clone", "ssh://x.invalid:-1/r", "z")
allow("clone", "ssh://git@x.invalid:2222/r", "z")
allow("clone", "https://[2001:db8::1]:8443/r", "z")

-- Subcommands: byte-exact, and nothing before them.
for _, name in ipairs { "STATUS", "stat", "status ", "../git-status", "bisect", "submodule", "worktree", "init", "gc", "upload-pack", "" } do
  deny(name)
end
deny("-c", "core.pager=touch x", "log")
deny("--work-tree=/", "status")
deny("-C", "/etc", "status")

-- Options: exact names.
allow("status", "-sb")
allow("status", "--porcelain=v2", "-uall", "--", "a b")
deny("status", "-v")
deny("status", "--porc")
deny("status", "-bsz")
deny("log", "--output=/tmp/x")
deny("log", "--output", "/tmp/x")
deny("log", "--format", "--output=/tmp/x")
deny("show", "--outp=/tmp/x")
deny("diff", "--no-index", "a", "b")
deny("diff", "--ext-diff")
deny("log", "-p", "--textconv")
deny("clone", "-qu", "touch x", "https://example.com/r", "z")
deny("fetch", "--upl", "touch x", "origin")
deny("push", "--receive-pack=touch x", "origin")
deny("commit", "-qm", "x")
allow("log", "-10", "--since=2 weeks ago", "--author", "ann")
deny("log", "--author", "--output=x")
deny("log", "--skip", "x")

-- The same letter means something else elsewhere.
allow("push", "-u", "origin", "main")
allow("add", "-u")
deny("clone", "-u", "touch x", "https://example.com/r", "z")
deny("fetch", "-u", "origin", "main:main")

-- Texts are texts.
allow("commit", "-m", "--upload-pack=x; $(id)")
allow("commit", "-m", "two\nlines")
allow("stash", "push", "-m", "-p")
deny("commit", "--author=x\ny <a@b>", "-m", "x")

-- No editor, no signature, no file.
deny("commit")
deny("commit", "-F", "/etc/passwd")
deny("commit", "--fixup=amend:HEAD")
allow("commit", "--fixup=HEAD~1")
deny("tag", "-a", "v1")
deny("tag", "-s", "v1", "-m", "x")
deny("rebase", "-i", "main")
deny("rebase", "-xtouch x", "main")
allow("rebase", "--onto", "main", "a", "b")
deny("merge", "-s", "evil", "x")
allow("merge", "-s", "ort", "-X", "theirs", "x")
deny("add", "--pathspec-from-file=/etc/passwd")

-- Paths and revisions.
deny("add", "/etc/passwd")
allow("add", "/srv/r/repo/f")
deny("add", "/srv/r/repo/../x")
deny("add", "/srv/r/repository/f")
deny("add", "a/../../x")
deny("add", ".GIT/config")
deny("add", "sub/.git. /config")
deny("add", "git~1/config")
deny("add", ":(exclude)x")
allow("add", "gitignore.txt", ".gitignore", "..dots")
allow("checkout", "-")
allow("checkout", "HEAD@{1}", "--", "-f")
deny("checkout", "-b", "a..b")
deny("checkout", "-b", "HEAD")
deny("checkout", "--orphan", "-b")
allow("checkout", "-b", "feature/x", "origin/main")
deny("diff", "/etc/passwd", "/dev/null")
deny("diff", "--", "../a", "../b")
allow("diff", "main...feature", "--stat")
deny("diff", "-O/etc/passwd")
allow("branch", "--format=%(refname:short) %(objectname)")
deny("branch", "--format=%(if)%(then)")
deny("branch", "@{-1}")
deny("log", "--format=%G?")
deny("log", "--pretty=format:%H%+GS")
deny("log", "--pretty=alias")
allow("log", "--pretty=format:%H %an")
allow("stash", "-u")
allow("stash", "pop", "stash@{2}")
deny("stash", "pop", "x")
deny("stash", "push", "-p")
deny("stash", "store", "x")
allow("reset", "--hard", "origin/main")
deny("reset", "-p")
allow("rev-parse", "--abbrev-ref", "HEAD")
deny("rev-parse", "--git-path", "../x")

-- Remotes.
deny("push", "--force", "origin")
deny("push", "origin", "+main")
deny("push", "origin", ":main")
deny("push", "--delete", "origin", "x")
allow("push", "--force-with-lease", "origin", "main")
deny("push", "https://evil.example/x.git", "main")
deny("push", "./")
deny("fetch", "origin", "+refs/*:refs/*")
allow("fetch", "origin", "+refs/heads/*:refs/remotes/origin/*")
deny("remote", "add", "x", "ext::sh -c x")
deny("remote", "add", "x", "/etc")
allow("remote", "add", "x", "/srv/r/other.git")
deny("remote", "show", "origin")
allow("remote", "show", "-n", "origin")
deny("remote", "update")
deny("remote", "add", "-f", "x", "https://example.com/r")

-- Addresses.
for _, url in ipairs { "ext::sh -c x", "fd::17", "git://example.com/r", "http://example.com/r", "file:///etc", "/etc", "../other", "./",
  "https://user:token@example.com/r", "https://token@example.com/r", "ssh://-oProxyCommand=x/r", "-oProxyCommand=x:r", "ssh://git@-x/r",
  "https://example.com/%0ahost=x", "https://example.com/r\n", "https://169.254.169.254/x", "https://[fe80::1]/x", "https://2130706433/x",
  "x::https://example.com/r", "https://", "host:", "/srv/r/../etc" } do
  deny("clone", url, "z")
end
for _, url in ipairs { "https://example.com/r.git", "ssh://git@example.com:2222/a/b", "git@example.com:a/b.git", "/srv/r/other", "host.example:a/b" } do
  allow("clone", url, "z")
end
deny("clone", "https://example.com/r", "../x")
deny("clone", "https://example.com/r", "/tmp/x")
allow("clone", "https://example.com/r", "/srv/r/x")
deny("clone", "https://example.com/r", ".git/x")
deny("clone", "--recurse-submodules", "https://example.com/r")
deny("clone", "--config=core.sshCommand=x", "https://example.com/r")
deny("clone", "--template=/tmp/t", "https://example.com/r")

-- Configuration: a closed list of keys and values.
for _, key in ipairs { "core.fsmonitor", "Core.SshCommand", "core.hooksPath", "alias.x", "filter.x.clean", "include.path", "remote.origin.uploadpack",
  "http.proxy", "credential.helper", "url.x.insteadOf", "core.worktree", "remote.origin.url", "branch.main.remote" } do
  deny("config", key, "x")
end
allow("config", "user.name", "Ann B")
allow("config", "Pull.Rebase", "true")
deny("config", "pull.rebase", "interactive")
deny("config", "--list")
deny("config", "--global", "user.name", "x")
deny("config", "--get", "http.extraheader")
deny("config", "-f", "/tmp/x", "user.name", "x")
deny("config", "user.name", "x\n[core]")
allow("config", "--get", "remote.origin.url")

-- Sizes.
local long, many, longest = { "add" }, { "add" }, ("a"):rep(4096)
for i = 2, 1024 do
  many[i], long[i] = "f", longest
end
add("allow", table.unpack(many))
deny("log", ("-"):rep(4097))
deny("log", "--pickaxe-regex", "-S(a+)+$", "--all")
deny("push", "origin", "HEAD:refs/heads/-x")
deny("commit", "-m", ("x"):rep(4097))

-- What is not for this rule.
cases[#cases + 1] = { name = "another module", facts = { module = "files", action = "delete", args = { "rm" } }, expect = "allow" }
cases[#cases + 1] = { name = "no argv yet", facts = { module = "git", action = "command" }, expect = "allow" }
cases[#cases + 1] = { name = "an empty argv", facts = { module = "git", action = "command", args = {} }, expect = "deny" }
cases[#cases + 1] = {
  name = "1024 arguments of 4 KiB", expect = "allow",
  facts = { module = "git", action = "command", repo = "/srv/r/repo", roots = { "/srv/r" }, args = long },
}

return cases
