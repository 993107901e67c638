return {
  { name = "a person decides", facts = { module = "acp-gateway", action = "permission", kind = "edit", decision = "ask" }, expect = "allow" },
  { name = "keys are not written", facts = { module = "acp-gateway", action = "permission", kind = "edit", path = "/home/me/.ssh/config" }, expect = "deny" },
  { name = "other facts are not its business", facts = { module = "acp-gateway", action = "request" }, expect = "allow" },
}
