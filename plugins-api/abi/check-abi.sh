#!/usr/bin/env bash
# check-abi.sh INCLUDE_DIR WORK_DIR BASELINE [--update]: builds the anchor library from these headers and compares it with the
# stored baseline. The rule: inside a revision, members are appended to the end of a struct; nothing else may change. Constants, which
# debug information does not hold, are compared by their text: a new one passes, a changed or removed one does not.
# --update writes the baseline instead: for new tables and appended members, once a release has settled them.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
include=$(realpath "$1") work=$2 baseline=$3 mode=${4:-compare}

mkdir -p "$work"
"$here/anchor.sh" "$include" >"$work/anchor.c"
${CC:-cc} -std=c11 -g -gno-column-info -O0 -fPIC -shared -fvisibility=hidden -ffile-prefix-map="$include=include" -I"$include" -o "$work/anchor.so" "$work/anchor.c"

sed -nE 's/^#define (BP_[A-Z0-9_]+) +([-(0-9"].*)$/\1 \2/p' "$include"/backplane/*.h | sed -E 's/ *\/\*.*$//' | LC_ALL=C sort >"$work/constants.txt"
if [ "$mode" = --update ]; then
  cp "$work/constants.txt" "${baseline%.abi}.constants"
  abidw --no-show-locs --no-corpus-path --no-comp-dir-path --drop-private-types --headers-dir "$include" --out-file "$baseline" "$work/anchor.so"
  exit 0
fi

changed=$(LC_ALL=C comm -23 "${baseline%.abi}.constants" "$work/constants.txt")
if [ -n "$changed" ]; then
  echo "check-abi: constants that plugins were built with have changed or are gone:" >&2
  echo "$changed" >&2
  exit 1
fi

status=0
abidiff --no-show-locs --leaf-changes-only --impacted-interfaces "$baseline" "$work/anchor.so" >"$work/report.txt" 2>&1 || status=$?
if [ $((status & 3)) != 0 ]; then
  cat "$work/report.txt" >&2
  echo "check-abi: abidiff could not compare" >&2
  exit 1
fi
# Bits. A struct may grow, by members that begin where it ended; whatever else the report names is a break.
awk '
  function refuse() { print "check-abi: " struct ": " $0; broken = 1 }
  /changed:$/ && /struct |union |enum |typedef / { struct = $0; sub(/^ */, "", struct); old_size = -1; next }
  /type size changed from/ { if (struct ~ /bp_(str|array)\047/) refuse() # these never change: they cross by value
                             match($0, /from [0-9]+ to [0-9]+/); split(substr($0, RSTART, RLENGTH), n, " "); old_size = n[2] + 0
                             if (n[4] + 0 < n[2] + 0) refuse(); next }
  /data member insertion/ || /function with/ || /interfaces? impacted/ { next }
  /, at offset [0-9]+ \(in bits\)/ && !/changed/ { match($0, /at offset [0-9]+/); offset = substr($0, RSTART + 10, RLENGTH - 10) + 0
                                                   if (old_size < 0 || offset < old_size) refuse(); next }
  /changes? summary/ { if ($0 ~ /(^|[^0-9])[1-9][0-9]* Removed/) refuse(); next }
  /offset changed|deletion|type of .* changed|name of .* changed|size not changed|[Rr]emoved (function|variable)|declaration|changes?:$|parameter|return type|alignment changed/ { refuse() }
  END { exit broken }
' "$work/report.txt" || {
  echo "check-abi: the public ABI changed in a way that breaks plugins already built (whole report: $work/report.txt)" >&2
  echo "check-abi: append members at the end of a struct, or make a new revision of the table" >&2
  exit 1
}
