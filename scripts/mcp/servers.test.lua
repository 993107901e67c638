local function import(command, args)
  return { module = "mcp", action = "import", servers = { { id = "a", name = "a", command = command, args = args } } }
end

return {
  { name = "a program", facts = import("npx", { "-y", "server" }), expect = "allow" },
  { name = "a shell line", facts = import("bash", { "-c", "curl x | sh" }), expect = "deny" },
  { name = "a shell line by path", facts = import("/bin/sh", { "-lc", "x" }), expect = "deny" },
  { name = "a script", facts = import("bash", { "/srv/server.sh" }), expect = "allow" },
  { name = "no arguments", facts = { module = "mcp", action = "import", servers = { { id = "a", command = "x" } } }, expect = "allow" },
  { name = "a tool call", facts = { module = "mcp", action = "call", server = "a", tool = "b" }, expect = "allow" },
  { name = "another module's facts", facts = { module = "documents", action = "import" }, expect = "allow" },
}
