-- Example: nobody changes a repository through the host. Copy it into scripts/git/ with its test to put it in force.

local READS = { status = true, log = true, diff = true, show = true, ["rev-parse"] = true }

if request.module ~= "git" or request.args == nil then
  return true
elseif request.action == "command" and READS[request.subcommand] then
  return true
end
return deny("This host is read-only for git")
