module "repositories" {
  -- Repositories that ask for no port get the lowest free one of these.
  first_port = 8100,
  last_port = 9999,
}
