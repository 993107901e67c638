-- What may be installed: no port that only root may listen on, and no variable that changes what code the container runs.

local refused = { "BASH_ENV", "ENV", "IFS", "LD_LIBRARY_PATH", "LD_PRELOAD", "PATH", "PYTHONPATH" }

if request.action ~= "install" then
  return true
end
local port = tonumber(request.port)
if port and port >= 1 and port < 1024 then -- others are no ports: the module says so
  return deny("port " .. tostring(request.port) .. " is one that only root may listen on: use one from 1024")
end
for _, name in ipairs(request.env or {}) do
  for _, other in ipairs(refused) do
    if name == other then
      return deny("environment variable " .. name .. " may not be set: it would change what code the container runs")
    end
  end
end
return true
