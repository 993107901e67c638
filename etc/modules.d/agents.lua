module "agents" {
  -- The project whose agents these are: {project}/.agent-orchestrator/agents. Empty: the folder the host was started in.
  project_dir = env("AGENT_MANAGER_PROJECT_DIR", env("AGENT_ORCHESTRATOR_PROJECT_DIR", "")),
  -- The agents' folder itself, if it is elsewhere.
  agents_dir = env("AGENT_ORCHESTRATOR_AGENTS_DIR", ""),
}
