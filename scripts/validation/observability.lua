-- How long the names in events and sessions may be, in bytes. What goes into tools and comes out of them is not looked at: its size is
-- limited by the body. Change a number, run `backplane policy reload`, and it counts.

if request.module ~= "observability" then
  return true
end

if request.action == "event" then
  if request.session_id_bytes > 4096 then
    return deny("session_id is longer than 4096 bytes", "/body/session_id")
  elseif request.session_name_bytes > 4096 then
    return deny("session_name is longer than 4096 bytes", "/body/session_name")
  elseif request.event_type_bytes > 4096 then
    return deny("event_type is longer than 4096 bytes", "/body/event_type")
  elseif request.timestamp_bytes > 4096 then
    return deny("timestamp is longer than 4096 bytes", "/body/timestamp")
  elseif request.tool_name_bytes > 4096 then
    return deny("tool_name is longer than 4096 bytes", "/body/tool_name")
  elseif request.role_bytes > 4096 then
    return deny("role is longer than 4096 bytes", "/body/role")
  end
  return true
end

if request.action == "create_session" and request.session_id_bytes > 4096 then
  return deny("session_id is longer than 4096 bytes", "/body/session_id")
elseif request.action == "create_session" or request.action == "change_session" then
  if request.session_name_bytes > 4096 then
    return deny("session_name is longer than 4096 bytes", "/body/session_name")
  elseif request.project_dir_bytes > 4096 then
    return deny("project_dir is longer than 4096 bytes", "/body/project_dir")
  elseif request.agent_name_bytes > 4096 then
    return deny("agent_name is longer than 4096 bytes", "/body/agent_name")
  end
end
return true
