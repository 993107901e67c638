local function create(...)
  return { module = "deployments", action = "create", repository_id = 1, env = { ... } }
end

return {
  { name = "no variables", facts = { module = "deployments", action = "create", repository_id = 1 }, expect = "allow" },
  { name = "ordinary ones", facts = create("API_KEY", "NODE_ENV", "LDAP_URL", "GITHUB_TOKEN"), expect = "allow" },
  { name = "a loader's", facts = create("API_KEY", "LD_PRELOAD"), expect = "deny" },
  { name = "an interpreter's", facts = create("NODE_OPTIONS"), expect = "deny" },
  { name = "a shell's", facts = create("BASH_ENV"), expect = "deny" },
  { name = "the path", facts = create("PATH"), expect = "deny" },
  { name = "any preload", facts = create("MY_PRELOAD"), expect = "deny" },
  { name = "what a start would run", facts = { module = "deployments", action = "run", id = 1, argv = { "node", "index.js" }, env = { "PORT" } }, expect = "allow" },
}
