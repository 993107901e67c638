module "documents" {
  -- What the url of a document begins with.
  public_url = env("DOCUMENT_SERVER_PUBLIC_URL", "http://localhost:" .. real_port(env_number("DOCUMENT_SERVER_PORT", 8766))),
}
