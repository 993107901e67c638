-- Lengths of what events and sessions are called. What tools take and give is not looked at: its size is limited by the body.
-- Change a number, run `backplane policy reload`, and it counts.

if request.module ~= "observability" then
  return true
end

local function too_long(name, limit)
  local text = request[name]
  if text and #text > limit then
    local place = request.action == "event" and "/body/" or name == "session_id" and request.action ~= "create_session" and "/path/" or "/body/"
    return deny(name .. " is longer than " .. limit .. " bytes", place .. name)
  end
end

return too_long("session_id", 256)
  or too_long("session_name", 1024)
  or too_long("event_type", 128)
  or too_long("timestamp", 128)
  or too_long("tool_name", 256)
  or too_long("role", 128)
  or too_long("agent_name", 256)
  or too_long("project_dir", 4096)
  or true
