local function push(...)
  return { module = "git", action = "command", subcommand = "push", args = { "push", ... } }
end

return {
  { name = "a plain push", facts = push("origin", "main"), expect = "allow" },
  { name = "with a lease", facts = push("--force-with-lease", "origin", "main"), expect = "deny" },
  { name = "with a lease on one branch", facts = push("--force-with-lease=main", "origin"), expect = "deny" },
  { name = "a plus", facts = push("origin", "+main"), expect = "deny" },
  { name = "another command", facts = { module = "git", action = "command", subcommand = "log", args = { "log", "-f" } }, expect = "allow" },
}
