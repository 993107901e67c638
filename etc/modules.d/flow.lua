module "flow" {
  -- The agent of module acp-gateway that answers users' messages; without it they are only stored.
  -- agent = "claude-code",
}
