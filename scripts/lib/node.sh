# Node for the integration tests: packages from the committed lock file, in a cache outside the tree. Source it after common.sh.
#
# The cache folder is named by the lock file's hash, so a changed lock file never meets old packages.

INTEGRATION=$PROJECT/tests/integration

node_cache() {
  local hash
  hash=$(sha256sum "$INTEGRATION/package-lock.json" | cut -c1-16)
  printf '%s/backplane-tests/%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}" "$hash"
}

# The node to run tests with: the one in the cache, so that every machine runs the same; else nothing.
node_binary() {
  local found
  for found in "$(node_cache)"/node_modules/node-linux-*/bin/node; do
    [ -x "$found" ] && "$found" --version >/dev/null 2>&1 && echo "$found" && return 0
  done
  return 1
}

# Fills the cache where it is not complete.
need_node_packages() {
  local cache making
  cache=$(node_cache)
  [ -f "$cache/complete" ] && return 0
  command -v npm >/dev/null 2>&1 || die "npm is missing; see the [test] section of scripts/packages.txt"
  say "fetching the integration tests' npm packages into $cache"
  making=$cache.$$
  mkdir -p "$making" && cp "$INTEGRATION/package.json" "$INTEGRATION/package-lock.json" "$making/"
  (quietly "npm ci" npm ci --prefix "$making" --ignore-scripts --no-audit --no-fund) || {
    rm -rf "$making"
    exit 1
  }
  touch "$making/complete"
  rm -rf "$cache"
  mv -T "$making" "$cache"
}
