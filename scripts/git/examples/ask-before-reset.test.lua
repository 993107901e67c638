local function command(...)
  return { module = "git", action = "command", subcommand = (...), args = { ... }, repo = "/r" }
end

return {
  { name = "a hard reset", facts = command("reset", "--hard", "HEAD~1"), expect = "ask" },
  { name = "a mixed reset", facts = command("reset", "HEAD~1"), expect = "allow" },
  { name = "dropping a stash", facts = command("stash", "drop"), expect = "ask" },
  { name = "a message that says so", facts = command("commit", "-m", "--hard"), expect = "allow" },
}
