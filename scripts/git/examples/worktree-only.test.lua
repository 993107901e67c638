local function commit(principal, repo)
  return { module = "git", action = "command", principal = principal, repo = repo, subcommand = "commit", args = { "commit", "-m", "x" } }
end

return {
  { name = "an agent in its work tree", facts = commit("token:7", "/r/app.worktrees/agent-1"), expect = "allow" },
  { name = "an agent elsewhere", facts = commit("token:7", "/r/app"), expect = "deny" },
  { name = "an agent reads elsewhere", facts = { module = "git", action = "command", principal = "token:7", repo = "/r/app", subcommand = "log", args = { "log" } }, expect = "allow" },
  { name = "the user elsewhere", facts = commit("uid:1000", "/r/app"), expect = "allow" },
}
