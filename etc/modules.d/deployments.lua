module "deployments" {
  -- Whether a program that has ended is started again: "always", "on-failure" or "never".
  restart = "always",
  -- What runs the programs: "native" (the host itself), or "pm2" where PM2 is installed.
  supervisor = "native",
  pm2_home = env("PM2_HOME", ""),
}
