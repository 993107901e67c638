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

# need_packages SECTION...: installs what these sections lack.
need_packages() {
  local section sudo= missing=()
  command -v dpkg-query >/dev/null 2>&1 || die "this script installs Debian packages and this is not Debian; see scripts/packages.txt for what is needed"
  for section in "$@"; do
    mapfile -t -O "${#missing[@]}" missing < <(missing_packages "$section")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    sudo=sudo
    command -v sudo >/dev/null 2>&1 || die "packages are missing and there is no sudo; as root: apt-get install ${missing[*]}"
    # It may ask for a password here, where its question is seen.
    sudo -n true 2>/dev/null || sudo -v || die "packages are missing and sudo refuses; as root: apt-get install ${missing[*]}"
  fi
  say "installing ${missing[*]} (services that come with them are neither started nor enabled)"
  quietly "installing Debian packages" $sudo "$PROJECT/scripts/lib/install-packages" "${missing[@]}"
}
