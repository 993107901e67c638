module "desktop" {
  -- What GET /api/status says.
  environment = env("NODE_ENV", "development"),
}
