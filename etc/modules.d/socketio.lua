module "socketio" {
  -- How often a client is asked for a sign of life, and how long it may take to give one.
  ping_interval_ms = 25000,
  ping_timeout_ms = 20000,
}
