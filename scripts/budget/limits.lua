-- What a session may use: all its agents, tasks and turns together, as the modules that run them report it to the timeline. Decided each
-- time that grows. A member that is absent is not limited: input_tokens, output_tokens, total_tokens, cost_usd (US dollars).

local limits = {
  warn = { cost_usd = 25 }, -- a notice (topic observability.budget), once
  ask = {}, -- a person decides whether it may go on; asked again when as much has been used once more
  deny = { cost_usd = 1000 }, -- the session is stopped
}

if request.module ~= "observability" or request.action ~= "usage" or request.warning then
  return true
end

local used = {
  input_tokens = request.input_tokens,
  output_tokens = request.output_tokens,
  total_tokens = request.input_tokens + request.output_tokens,
  cost_usd = request.cost_usd,
}
local approved = {
  input_tokens = request.approved_input_tokens,
  output_tokens = request.approved_output_tokens,
  total_tokens = request.approved_input_tokens + request.approved_output_tokens,
  cost_usd = request.approved_cost_usd,
}
local units = { "cost_usd", "input_tokens", "output_tokens", "total_tokens" }

-- "cost_usd above 25", or nothing.
local function exceeded(limit, beyond)
  for _, unit in ipairs(units) do
    if limit[unit] and used[unit] - beyond[unit] > limit[unit] then
      return unit .. " above " .. limit[unit] + beyond[unit]
    end
  end
end

local nothing = { cost_usd = 0, input_tokens = 0, output_tokens = 0, total_tokens = 0 }
local denied, asked, warned = exceeded(limits.deny, nothing), exceeded(limits.ask, approved), exceeded(limits.warn, nothing)
if denied then
  return deny("session " .. request.session_id .. " is over its budget: " .. denied)
elseif asked then
  return ask("may session " .. request.session_id .. " go on? " .. asked)
elseif warned and warned ~= request.warned then
  local facts = {}
  for name, value in pairs(request) do
    facts[name] = value
  end
  facts.warning = warned
  return rewrite(facts)
end
return true
