-- Example: callers with a token (agents the host started) change nothing but the work trees of sessions, NAME.worktrees/SESSION.

if request.module ~= "git" or request.args == nil then
  return true
elseif (request.principal or ""):sub(1, 6) ~= "token:" then
  return true
end

local READS = { status = true, log = true, diff = true, show = true, ["rev-parse"] = true }
if READS[request.subcommand] or (request.repo or ""):find("%.worktrees/[%w._-]+") then
  return true
end
return deny("Agents change only the work tree of their session")
