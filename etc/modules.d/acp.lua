module "acp" {
  -- Set: every request needs Authorization: Bearer with it. Not set: the same user needs none.
  api_token = env("API_TOKEN", ""),
  user_id = env("DEFAULT_USER_ID", "default-user"),
  -- Agents with OAuth: who we are to the provider. Endpoints of claude-code and gemini-cli are known.
  -- oauth = { { agentId = "gemini-cli", clientId = "…", clientSecret = "…" } },
}
