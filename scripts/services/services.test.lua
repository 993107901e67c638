local function install(more)
  local facts = { module = "services", action = "install", service_id = "mysql" }
  for name, value in pairs(more) do facts[name] = value end
  return facts
end

return {
  { name = "plain", facts = install {}, expect = "allow" },
  { name = "with a port", facts = install { port = 13306 }, expect = "allow" },
  { name = "root's port", facts = install { port = 80 }, expect = "deny" },
  { name = "root's port as text", facts = install { port = "443" }, expect = "deny" },
  { name = "no port at all", facts = install { port = "x" }, expect = "allow" },
  { name = "variables", facts = install { env = { "MYSQL_DATABASE", "TZ" } }, expect = "allow" },
  { name = "a loader's", facts = install { env = { "TZ", "LD_PRELOAD" } }, expect = "deny" },
  { name = "a start", facts = { module = "services", action = "start", service_id = "mysql", env = { "PATH" } }, expect = "allow" },
}
