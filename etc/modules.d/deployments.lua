module "deployments" {
  -- Whether a program that has ended is started again: "always", "on-failure" or "never".
  restart = "always",
}
