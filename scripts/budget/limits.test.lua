local function usage(changes)
  local facts = {
    module = "observability", action = "usage", session_id = "s1", node_id = "swarm.task:1", node_module = "swarm", node_kind = "task",
    agent_id = "a1", input_tokens = 1000, output_tokens = 200, cost_usd = 0.5, agent_input_tokens = 1000, agent_output_tokens = 200,
    agent_cost_usd = 0.5, approved_input_tokens = 0, approved_output_tokens = 0, approved_cost_usd = 0,
  }
  for name, value in pairs(changes or {}) do
    facts[name] = value
  end
  return facts
end

return {
  { name = "little is used", facts = usage(), expect = "allow" },
  { name = "tokens are not limited", facts = usage { input_tokens = 900000000, output_tokens = 900000000 }, expect = "allow" },
  { name = "up to the warning", facts = usage { cost_usd = 25 }, expect = "allow" },
  { name = "above the warning", facts = usage { cost_usd = 25.01 }, expect = "rewrite" },
  { name = "warned already", facts = usage { cost_usd = 30, warned = "cost_usd above 25" }, expect = "allow" },
  { name = "what the warning was put in", facts = usage { cost_usd = 30, warning = "cost_usd above 25" }, expect = "allow" },
  { name = "up to the limit", facts = usage { cost_usd = 1000, warned = "cost_usd above 25" }, expect = "allow" },
  { name = "above the limit", facts = usage { cost_usd = 1000.01 }, expect = "deny" },
  { name = "another module's facts", facts = { module = "documents", action = "usage" }, expect = "allow" },
  { name = "another action", facts = { module = "observability", action = "event" }, expect = "allow" },
}
