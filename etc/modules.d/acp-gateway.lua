module "acp-gateway" {
  -- Agents that are known by name: opencode, claude-code, gemini-cli, qwen-code, codex. A program outside /usr/bin and
  -- /usr/local/bin, or another agent, is named here:
  -- agents = { { id = "mine", name = "Mine", command = { "/home/me/bin/mine", "--acp" }, requiresAuth = false } },
}
