# Shared by the scripts: where the project is, saying what is done, and failing with one clear sentence. Source it.

PROJECT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

die() {
  say "$*"
  exit 1
}

# quietly NAME COMMAND...: runs it with its output in a file; shows the output only where it fails.
quietly() {
  local name=$1 output
  shift
  output=$(mktemp)
  if ! "$@" >"$output" 2>&1; then
    tail -n 60 "$output" >&2
    rm -f "$output"
    die "$name failed; the command was: $*"
  fi
  rm -f "$output"
}

# Modules are refused where others could write them, so nothing is built group-writable. Configures (once; later only where the build files changed) and builds targets of a preset: build_preset PRESET [TARGET...]
build_preset() {
  local preset=$1
  shift
  umask 022
  cd "$PROJECT" || die "cannot enter \"$PROJECT\""
  [ -f "build/$preset/build.ninja" ] || quietly "configuring preset \"$preset\"" cmake --preset "$preset"
  quietly "building preset \"$preset\"" cmake --build --preset "$preset" ${1:+--target "$@"}
}
