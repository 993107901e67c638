-- What may be registered as an MCP server. To restrict tool calls, add a rule beside this one: its facts have action = "call", and server,
-- tool, arguments, principal and session (modules/mcp/README.md).

local shells = { sh = true, bash = true, dash = true, zsh = true, ksh = true, fish = true }

-- A server is a program and its arguments. A line for a shell in an imported file is how one hides what it really does.
local function is_shell_line(entry)
  if type(entry.command) ~= "string" or type(entry.args) ~= "table" or not shells[string.match(entry.command, "([^/]*)$")] then
    return false
  end
  for _, argument in ipairs(entry.args) do
    if type(argument) == "string" and string.find(argument, "^%-[a-z]*c") then
      return true
    end
  end
  return false
end

if request.module ~= "mcp" or request.action ~= "import" then
  return true
end
for _, entry in ipairs(request.servers) do
  if is_shell_line(entry) then
    return deny("server \"" .. entry.id .. "\" runs a line of shell: register it by itself, with the program as its command")
  end
end
return true
