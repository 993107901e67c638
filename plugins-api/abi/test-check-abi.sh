#!/usr/bin/env bash
# test-check-abi.sh INCLUDE_DIR WORK_DIR: proves that check-abi sees what it is for: appended members pass, everything else fails.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
include=$1 work=$2
failures=0

rm -rf "$work"
mkdir -p "$work"
"$here/check-abi.sh" "$include" "$work/base" "$work/base.abi" --update

# try NAME EXPECTED HEADER SED: changes one header and checks.
try() {
  local name=$1 expected=$2 header=$3 edit=$4 got=passes
  mkdir -p "$work/$name"
  cp -r "$include/backplane" "$work/$name/"
  sed -i -E "$edit" "$work/$name/backplane/$header"
  if cmp -s "$include/backplane/$header" "$work/$name/backplane/$header"; then
    echo "test-check-abi: $name: the edit of $header changed nothing" >&2
    failures=1
    return
  fi
  "$here/check-abi.sh" "$work/$name" "$work/$name" "$work/base.abi" >"$work/$name/output.txt" 2>&1 || got=fails
  if [ "$got" != "$expected" ]; then
    echo "test-check-abi: $name $got, but it must be one that ${expected}:" >&2
    cat "$work/$name/output.txt" "$work/$name/report.txt" >&2
    failures=1
  fi
}

try append-function passes log.h 's/^\} bp_log_1;/  void (*flush)(bp_plugin self);\n} bp_log_1;/'
try append-member passes http.h 's/^\} bp_route;/  uint64_t later;\n} bp_route;/'
try append-to-descriptor passes plugin.h 's/^\} bp_plugin_descriptor;/  bp_array later;\n} bp_plugin_descriptor;/'
try new-struct passes log.h 's/^typedef struct bp_log_1 \{/typedef struct bp_log_later {\n  uint32_t size;\n} bp_log_later;\n\n&/'
try append-to-string fails base.h 's/^\} bp_str;/  size_t later;\n} bp_str;/'
try insert-function fails log.h 's/^  void \(\*write\)/  void (*flush)(bp_plugin self);\n&/'
try insert-member fails http.h 's/^  bp_str path; .*/&\n  bp_str alias;/'
try swap-types fails config.h 's/^  int64_t minimum;/  uint64_t minimum;/'
try remove-member fails config.h '/^  int64_t maximum;/d'
try change-parameter fails log.h 's/\(\*enabled\)\(bp_plugin self, uint32_t level\)/(*enabled)(bp_plugin self, uint64_t level)/'
try change-callback fails loop.h 's/^typedef void \(\*bp_post_fn\)\(void \*ctx\);/typedef void (*bp_post_fn)(void *ctx, uint32_t why);/'
try shrink-array fails base.h 's/char hint\[256\]/char hint[128]/'
try new-flag passes http.h 's/^#define BP_ROUTE_READ_ONLY .*/&\n#define BP_ROUTE_LATER 32768u/'
try renumber-flag fails http.h 's/^(#define BP_ROUTE_MCP_TOOL) 16u/\1 32768u/'
try rename-interface fails log.h 's,^(#define BP_LOG_1 )"bp.log/1",\1"bp.log/2",'
exit $failures
