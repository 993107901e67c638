module "git" {
  -- Folders whose repositories may be used (GIT_ROOTS=/srv/code,/tmp/work); with none given, the user's home, the folder the host was
  -- started in, and the file manager's root.
  roots = env_list("GIT_ROOTS", {}),
  files_root = env("FILE_MANAGER_ROOT", ""),
}
