-- What git may be asked to do: one table a subcommand in scripts/git/commands/, read by scripts/git/lib/decide.lua.
-- Widen or narrow a table there, run `backplane policy test git` and `backplane policy reload`. What is below this, the hardened
-- runner (modules/git/README.md), is not the policy's to change.

if request.module ~= "git" or request.args == nil then
  return true -- not a command, or a request so malformed that its handler refuses it
end

local names = {
  "add", "branch", "checkout", "clone", "commit", "config", "diff", "fetch", "log", "merge", "pull", "push", "rebase", "remote", "reset",
  "rev-parse", "show", "stash", "status", "tag",
}

-- What the module runs for its own routes (worktrees, checkpoints) is made of checked values there.
if request.action ~= "command" and request.is_plumbing then
  return true
end

local fault = import "git/lib/commands"(names, request)
if fault then
  return deny(fault)
end
return true
