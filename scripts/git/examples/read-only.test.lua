local function command(...)
  return { module = "git", action = "command", subcommand = (...), args = { ... }, repo = "/r" }
end

return {
  { name = "reading", facts = command("log", "-5"), expect = "allow" },
  { name = "committing", facts = command("commit", "-m", "x"), expect = "deny" },
  { name = "staging by its own route", facts = { module = "git", action = "stage", subcommand = "add", args = { "add", "f" } }, expect = "deny" },
  { name = "another module", facts = { module = "files", action = "delete" }, expect = "allow" },
}
