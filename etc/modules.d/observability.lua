module "observability" {
  -- Events older than this are deleted; 0 keeps them for ever.
  retention_days = 0,
}
