local function create(name)
  return { module = "agents", action = "create", name = name }
end

return {
  { name = "a word", facts = create("reviewer"), expect = "allow" },
  { name = "one letter", facts = create("a"), expect = "allow" },
  { name = "a digit first", facts = create("1-2-3"), expect = "allow" },
  { name = "two hyphens", facts = create("a--b"), expect = "allow" },
  { name = "64 characters", facts = create(("x"):rep(64)), expect = "allow" },
  { name = "65 characters", facts = create(("x"):rep(65)), expect = "deny" },
  { name = "nothing", facts = create(""), expect = "deny" },
  { name = "a hyphen first", facts = create("-a"), expect = "deny" },
  { name = "a hyphen last", facts = create("a-"), expect = "deny" },
  { name = "an underscore", facts = create("a_b"), expect = "deny" },
  { name = "a line end", facts = create("a\n"), expect = "deny" },
  { name = "a zero byte", facts = create("a\0b"), expect = "deny" },
  { name = "an umlaut", facts = create("ä"), expect = "deny" },
  { name = "a dot", facts = create("a.b"), expect = "deny" },
  { name = "a path", facts = create("../a"), expect = "deny" },
  { name = "deleting anything", facts = { module = "agents", action = "delete", name = "a_b" }, expect = "allow" },
  { name = "another module's facts", facts = { module = "files", action = "create", name = "a_b" }, expect = "allow" },
}
