-- Variables that loaders, interpreters and shells obey before the program's own first line are not set for a deployment.
-- The host refuses them for every child; here a client learns it when it asks for them.

local refused = { "ENV", "HOME", "IFS", "JAVA_TOOL_OPTIONS", "NODE_OPTIONS", "NODE_PATH", "PATH", "PROMPT_COMMAND", "RUBYOPT" }
local refused_starts = { "BASH_", "DYLD_", "GIT_", "LD_", "NPM_CONFIG_", "PERL5", "PYTHON", "SSH_" }

local function is_refused(name)
  for _, other in ipairs(refused) do
    if name == other then return true end
  end
  for _, start in ipairs(refused_starts) do
    if name:sub(1, #start) == start then return true end
  end
  return name:sub(-8) == "_PRELOAD"
end

for _, name in ipairs(request.env or {}) do
  if is_refused(name) then
    return deny("environment variable " .. name .. " may not be set: it would change what code the program runs")
  end
end
return true
