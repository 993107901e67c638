module "swarm" {
  -- Workers run here, by default as PYTHON_PATH workers/worker.py where that script is there.
  python = env("PYTHON_PATH", "python3"),
  socket_url = "http://localhost:" .. real_port(env_number("SWARM_PORT", 3000)),
  e2b_api_key = env("E2B_API_KEY", ""),
  dedalus_api_key = env("DEDALUS_API_KEY", ""),
  -- With a key, prompts are decomposed by a model; without, by scripts/swarm/decompose.lua.
  anthropic_api_key = env("ANTHROPIC_API_KEY", ""),
  anthropic_base_url = env("ANTHROPIC_BASE_URL", "https://api.anthropic.com"),
  -- worker = { "node", "workers/worker.js" },
  -- worker_env = { NAME = "value" },
  -- acp_agent = "claude-code",
}
