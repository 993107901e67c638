module "system" {
  -- 720 samples are kept for charts, one in this many seconds.
  history_every_s = 5,
}
