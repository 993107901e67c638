# Shared by the scripts: where the project is, saying what is done, and failing with one clear sentence. Source it.

PROJECT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

die() {
  say "$*"
  exit 1
}

# What a command's output says about the machine; nothing where the command itself is to blame.
cause_of() {
  if grep -qE 'No space left on device|ENOSPC|enough free space' "$1"; then
    echo "the disk is full"
  elif grep -qE 'Temporary failure resolving|Could not (resolve|connect)|Cannot initiate the connection|Network is unreachable|EAI_AGAIN|ENOTFOUND|ENETUNREACH' "$1"; then
    echo "the network cannot be reached, and some things are still to be fetched"
  elif grep -qE 'Killed signal terminated program|virtual memory exhausted|Cannot allocate memory' "$1"; then
    echo "the memory is used up"
  fi
}

# quietly NAME COMMAND...: runs it with its output in a file; shows the output only where it fails and the cause is not plain.
quietly() {
  local name=$1 output cause
  shift
  output=$(mktemp) || die "no file can be made in \"${TMPDIR:-/tmp}\""
  if ! "$@" >"$output" 2>&1; then
    cause=$(cause_of "$output")
    [ -n "$cause" ] || tail -n 60 "$output" >&2
    rm -f "$output"
    [ -z "$cause" ] || die "$name failed: $cause"
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
