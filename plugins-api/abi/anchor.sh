#!/usr/bin/env bash
# anchor.sh INCLUDE_DIR: writes the source of the anchor library: one exported function for each public struct, table and
# function type of backplane/*.h, so that the debug information of the library holds them all and none can be forgotten.
set -euo pipefail
headers=("$1"/backplane/*.h)

echo '/* Written by anchor.sh. */'
echo '#include <backplane/backplane.h>'
for header in "${headers[@]}"; do
  echo "#include <backplane/$(basename "$header")>"
done
# Structs end with "} bp_name;".
sed -nE 's/^\} (bp_[a-z0-9_]+);.*/\1/p' "${headers[@]}" | LC_ALL=C sort -u | while read -r type; do
  printf 'BP_EXPORT uint64_t anchor_%s(const %s *a);\nuint64_t anchor_%s(const %s *a) { return sizeof(*a); }\n' "$type" "$type" "$type" "$type"
done
# Functions are "typedef RESULT (*bp_name_fn)(".
sed -nE 's/^typedef .*\(\*(bp_[a-z0-9_]+_fn)\).*/\1/p' "${headers[@]}" | LC_ALL=C sort -u | while read -r type; do
  printf 'BP_EXPORT int anchor_%s(%s f);\nint anchor_%s(%s f) { return f != 0; }\n' "$type" "$type" "$type" "$type"
done
