-- What a new agent may be called: 1 to 64 letters, digits and hyphens, beginning and ending with a letter or a digit. Agents that other
-- tools have made under other names are left alone.

if request.module ~= "agents" or request.action ~= "create" then
  return true
end

local name = request.name
if #name <= 64 and name:find("^[A-Za-z0-9]$") then
  return true
elseif #name <= 64 and name:find("^[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]$") then
  return true
end
return deny("Invalid agent name: 1 to 64 letters, digits and hyphens, beginning and ending with a letter or a digit", "/body/name")
