module "monitor" {
  -- The folder with ACTIVE_AGENTS.json, .agent_locks/ and agent_messages.log; empty: where the host was started.
  root = env("CLAUDESWARM_ROOT", ""),
  -- With both, the dashboard asks for them.
  dashboard_username = env("DASHBOARD_USERNAME", ""),
  dashboard_password = env("DASHBOARD_PASSWORD", ""),
}
