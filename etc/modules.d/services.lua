module "services" {
  -- The Unix socket of the Docker engine. This user must be allowed to use it, which is as good as being root.
  docker_socket = "/var/run/docker.sock",
}
