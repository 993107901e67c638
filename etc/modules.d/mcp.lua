module "mcp" {
  -- A server nobody has called for so long is stopped; 0 never stops one.
  idle_ms = 300000,
  -- Groups are served at /mcp/group/NAME:
  -- groups = { dev = { servers = { "files", "memory" }, allow = { "files/*" }, rename = { ["files/read_file"] = "read" } } },
}
