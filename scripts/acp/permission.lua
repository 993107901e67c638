-- What an agent asks permission for (request.action "permission"): kind is ACP's (read, edit, delete, move, search, execute, think,
-- fetch, switch_mode, other), with agent, session, working_directory, title, path and command.
--
-- true leaves it to a person, deny(reason) refuses. To allow without asking anybody, rewrite "decision"; rewritten facts are decided
-- once more, and must then pass as they are:
--   if request.decision == "allow" then return true end
--   local facts = {}; for name, value in pairs(request) do facts[name] = value end
--   facts.decision = "allow"; return rewrite(facts)
--
-- The example that is in force: what leaves the session's folder for the keys of the user is never written, whoever is asked.
if request.action ~= "permission" and request.action ~= "tool" then
  return true
end
if request.path and request.path:find("/.ssh/", 1, true) and request.kind ~= "read" then
  return deny("agents do not change SSH keys")
end
return true
