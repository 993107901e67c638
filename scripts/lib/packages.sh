# Installing Debian packages from scripts/packages.txt: only what is missing, and no network where nothing is. Source it after common.sh.

# Prints the packages of one section that this machine lacks.
missing_packages() {
  local section=$1 package word command
  awk -v want="[$section]" '/^\[/ { inside = ($0 == want); next } inside && NF && $1 !~ /^#/' "$PROJECT/scripts/packages.txt" |
    while read -r package word command; do
      if [ "$word" = unless ] && command -v "$command" >/dev/null 2>&1; then
        continue
      fi
      dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
    done
}

# Prints how to become root: nothing as root, "sudo" where that works; fails otherwise.
find_root() {
  if [ "$(id -u)" -eq 0 ]; then
    return 0
  fi
  command -v sudo >/dev/null 2>&1 && echo sudo
}

# need_packages SECTION...: installs what these sections lack.
need_packages() {
  local section missing=() become_root
  command -v dpkg-query >/dev/null 2>&1 || die "this script installs Debian packages and this is not Debian; see scripts/packages.txt for what is needed"
  for section in "$@"; do
    mapfile -t -O "${#missing[@]}" missing < <(missing_packages "$section")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  become_root=$(find_root) || die "packages are missing and there is no sudo; as root: apt-get install ${missing[*]}"
  say "installing ${missing[*]}"
  quietly "apt-get update" $become_root apt-get -q update
  quietly "apt-get install" $become_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}"
}
