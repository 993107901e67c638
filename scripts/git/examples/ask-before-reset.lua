-- Example: a person decides before work is thrown away.

if request.module ~= "git" or request.args == nil then
  return true
end

local has = {}
for _, word in ipairs(request.args) do
  has[word] = true
end

if request.subcommand == "reset" and has["--hard"] then
  return ask("reset --hard in " .. (request.repo or "?") .. " throws uncommitted work away")
elseif request.subcommand == "stash" and (has.drop or has.clear) then
  return ask("a stash in " .. (request.repo or "?") .. " would be deleted")
end
return true
