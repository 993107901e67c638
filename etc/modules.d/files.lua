module "files" {
  -- The folder that is served; the home folder, unless told otherwise.
  root = env("FILE_MANAGER_ROOT", ""),
  show_hidden = env_flag("SHOW_HIDDEN_FILES", false),
}
