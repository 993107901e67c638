local function event(changes)
  local facts = {
    module = "observability", action = "event", event_type = "pre_tool", event_type_bytes = 8, session_id = "s1", session_id_bytes = 2,
    session_name = "first", session_name_bytes = 5, timestamp = "2026-01-01T12:00:00Z", timestamp_bytes = 20, tool_name = "Bash",
    tool_name_bytes = 4, role_bytes = 0,
  }
  for name, value in pairs(changes or {}) do
    facts[name] = value
  end
  return facts
end

local function session(action, changes)
  local facts = {
    module = "observability", action = action, session_id = "s1", session_id_bytes = 2, session_name_bytes = 5, project_dir_bytes = 0,
    agent_name_bytes = 0,
  }
  for name, value in pairs(changes or {}) do
    facts[name] = value
  end
  return facts
end

return {
  { name = "an ordinary event", facts = event(), expect = "allow" },
  { name = "any word is an event type, any text a time", facts = event { event_type = "weird", timestamp = "zzz" }, expect = "allow" },
  { name = "empty texts", facts = event { session_id_bytes = 0, session_name_bytes = 0 }, expect = "allow" },
  { name = "a session id of 4096 bytes", facts = event { session_id_bytes = 4096 }, expect = "allow" },
  { name = "a session id of 4097 bytes", facts = event { session_id_bytes = 4097 }, expect = "deny" },
  { name = "a long session name", facts = event { session_name_bytes = 4097 }, expect = "deny" },
  { name = "a long event type", facts = event { event_type_bytes = 4097 }, expect = "deny" },
  { name = "a long time", facts = event { timestamp_bytes = 4097 }, expect = "deny" },
  { name = "a long tool name", facts = event { tool_name_bytes = 4097 }, expect = "deny" },
  { name = "a long role", facts = event { role_bytes = 4097 }, expect = "deny" },
  { name = "a new session", facts = session("create_session"), expect = "allow" },
  { name = "a new session with a long id", facts = session("create_session", { session_id_bytes = 4097 }), expect = "deny" },
  { name = "a long project folder", facts = session("change_session", { project_dir_bytes = 4097 }), expect = "deny" },
  { name = "a long agent name", facts = session("change_session", { agent_name_bytes = 4097 }), expect = "deny" },
  { name = "stopping a session", facts = { module = "observability", action = "stop_session", session_id = "s", session_id_bytes = 1 }, expect = "allow" },
  { name = "deleting a session", facts = { module = "observability", action = "delete_session", session_id = "s", session_id_bytes = 1 }, expect = "allow" },
  { name = "another module's facts", facts = { module = "documents", action = "event", session_id_bytes = 999 }, expect = "allow" },
}
