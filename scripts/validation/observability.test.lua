local function event(changes)
  local facts = {
    module = "observability", action = "event", event_type = "pre_tool", session_id = "s1", session_name = "first",
    timestamp = "2026-01-01T12:00:00Z", tool_name = "Bash",
  }
  for name, value in pairs(changes or {}) do
    facts[name] = value
  end
  return facts
end

return {
  { name = "an ordinary event", facts = event(), expect = "allow" },
  { name = "any word is an event type, any text a time", facts = event { event_type = "weird", timestamp = "zzz" }, expect = "allow" },
  { name = "empty texts", facts = event { session_id = "", session_name = "" }, expect = "allow" },
  { name = "a session id of 256 bytes", facts = event { session_id = ("x"):rep(256) }, expect = "allow" },
  { name = "a session id of 257 bytes", facts = event { session_id = ("x"):rep(257) }, expect = "deny" },
  { name = "a long session name", facts = event { session_name = ("ü"):rep(513) }, expect = "deny" },
  { name = "a long event type", facts = event { event_type = ("x"):rep(129) }, expect = "deny" },
  { name = "a long time", facts = event { timestamp = ("0"):rep(129) }, expect = "deny" },
  { name = "a long tool name", facts = event { tool_name = ("x"):rep(257) }, expect = "deny" },
  { name = "a long role", facts = event { role = ("x"):rep(129) }, expect = "deny" },
  { name = "a new session", facts = { module = "observability", action = "create_session", session_id = "s", project_dir = "/p" }, expect = "allow" },
  { name = "a long project folder", facts = { module = "observability", action = "change_session", project_dir = ("/x"):rep(2049) }, expect = "deny" },
  { name = "stopping a session", facts = { module = "observability", action = "stop_session", session_id = "s" }, expect = "allow" },
  { name = "another module's facts", facts = { module = "documents", action = "upload", session_id = ("x"):rep(999) }, expect = "allow" },
}
