module "vscode" {
  -- The program code-server (npm install -g code-server), with arguments before ours if it needs any.
  command = { "code-server" },
  -- An editor without a browser for so many seconds is stopped; 0: never.
  idle_stop_s = 0,
}
