-- Backplane's configuration: a Lua file without files, commands or surprises.
-- `backplane check` tells what is wrong with it; a running host takes changes on SIGHUP.
--
-- Helpers: env("NAME", default), env_number, env_flag (yes/no), env_list (comma list), real_port(N): N with --port-offset.

-- The main listener serves every family and the host's own routes.
listen "127.0.0.1:8700"
listen "[::1]:8700"

-- A family is also served at the port its clients already know. It opens only while a module of the family is enabled.
local function serve(family, port)
  listen("127.0.0.1:" .. port) { family = family }
  listen("[::1]:" .. port) { family = family }
end

serve("documents", env_number("DOCUMENT_SERVER_PORT", 8766))
serve("observability", 8765)
serve("desktop", env_number("PORT", 3006))
serve("agents", env_number("AGENT_MANAGER_PORT", 8767))
serve("swarm", env_number("SWARM_PORT", 3000))
serve("acp", env_number("ACP_PORT", 3001))
serve("acp-gateway", 4097)
serve("monitor", env_number("UVICORN_PORT", 8000))

-- To be reached from other machines, an address needs both of these words, and clients need a token:
--   listen "192.168.1.10:8700" { public = true, auth = "token" }
-- A Unix socket:
--   listen "unix:/run/user/1000/backplane.sock"

-- Web pages that may call us, besides our own. Exact; there is no wildcard.
origins {
  "http://localhost:5173",
  "http://localhost:3000",
  env("CLIENT_URL", "http://localhost:3005"),
}
origins(env_list("CORS_ORIGINS", {}))
origins(env_list("ALLOWED_ORIGINS", {})) -- what the monitor's clients call it

-- Events of the live log are kept this long, and no more than this many bytes of them.
-- An event to many clients goes out through io_uring where the kernel allows it; `io_uring = false` sends one by one.
live { retention_days = 30, retention_bytes = 2 * 1024 * 1024 * 1024 }

-- log { format = "json", level = "debug" }
-- limits { header_deadline_ms = 10000, body_idle_ms = 30000, keep_alive_ms = 60000 }

local database = env("DATABASE_URL", "")
if database:sub(1, 11) == "postgresql:" or database:sub(1, 9) == "postgres:" then
  warn "DATABASE_URL names a PostgreSQL server: it is not used, everything is stored in SQLite in the state folder"
end

-- The originals listened on every address when told so; we stay on loopback (see above for how to leave it).
for _, name in ipairs { "DOCUMENT_SERVER_HOST", "AGENT_MANAGER_HOST", "UVICORN_HOST" } do
  local host = env(name, "127.0.0.1")
  if host ~= "127.0.0.1" and host ~= "::1" and host ~= "localhost" then
    warn(name .. " is not a loopback address: it is not used, the listeners stay on loopback")
  end
end

-- Rules in Lua: one folder a set, tests beside them (scripts/README.md). `backplane policy test` tries them, `backplane policy
-- reload` puts changed ones in force. A request that needs a person's approval waits for hold_ms.
policy { scripts = "../scripts" } -- hold_ms = 25000, audit_days = 90, audit_rows = 1000000

-- One file for each module that is enabled: `backplane module enable ID` and `disable ID` write and remove them.
include "modules.d/*.lua"
