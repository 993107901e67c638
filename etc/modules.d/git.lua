module "git" {
  -- Folders whose repositories may be used; with none given, the user's home and the folder the host was started in.
  roots = env_list("GIT_ROOTS", {}),
}
