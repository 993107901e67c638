#!/usr/bin/env bash
# check-exports.sh HOST [PLUGIN…]: the host exports nothing (but what the C library makes an executable carry), and each plugin
# exports its query symbol and nothing else. Plugin authors may run it on their own files: check-exports.sh - my.so
set -euo pipefail
host=$1
shift
failures=0

# report FILE UNEXPECTED
report() {
  [ -z "$2" ] && return
  echo "check-exports: \"$1\" exports: $(echo "$2" | tr '\n' ' ')" >&2
  failures=1
}

if [ "$host" != - ]; then
  # Names with a version are the C library's own, copied in; the rest is what every executable has.
  report "$host" "$(nm -D --defined-only --format=posix "$host" | awk '{ print $1 }' |
    grep -vE '@|^(_IO_stdin_used|_init|_fini|_start|__bss_start|_edata|_end|__data_start|data_start)$' || true)"
fi
for plugin in "$@"; do
  names=$(nm -D --defined-only --format=posix "$plugin" | awk '{ print $1 }')
  report "$plugin" "$(echo "$names" | grep -vxE 'bp_plugin_query_[0-9]+' || true)"
  echo "$names" | grep -qxE 'bp_plugin_query_[0-9]+' || report "$plugin" "no query symbol"
done
exit $failures
