# Running test suites and adding up what they say: ctest by its JUnit file, scripts by their exit code. Source it after common.sh.

passed=0
failed=0
skipped=0
skip_reasons=()
failures=()
ctest_under=() # words before ctest's own: what changes the processes it starts

# A skip is a test that exits with 77 and says why on a line "SKIP: reason".
# Prints one line a test: STATUS <tab> NAME <tab> REASON.
read_junit() {
  awk '
    function attribute(name,   found) {
      if (!match($0, " " name "=\"[^\"]*\"")) return ""
      found = substr($0, RSTART, RLENGTH)
      sub(/^[^"]*"/, "", found); sub(/"$/, "", found)
      return found
    }
    # A test that passed may have left something out: it says "skipped: reason" and is counted beside it.
    match($0, /^skipped: .*/) || match($0, />skipped: .*/) { part[++parts] = substr($0, RSTART + 9 + (substr($0, RSTART, 1) == ">")) }
    /<testcase / { name = attribute("name"); status = attribute("status"); reason = ""; parts = 0 }
    match($0, /SKIP: .*/) { if (reason == "") { reason = substr($0, RSTART + 6); sub(/<\/system-out>.*/, "", reason) } }
    /<\/testcase>/ {
      printf "%s\t%s\t%s\n", status, name, reason
      for (i = 1; i <= parts; i++) printf "skip\t%s\t%s\n", name, part[i]
    }
  ' "$1"
}

count_test() {
  local suite=$1 status=$2 name=$3 reason=$4
  case $status in
  run) passed=$((passed + 1)) ;;
  fail)
    failed=$((failed + 1))
    failures+=("$suite: $name")
    ;;
  *)
    skipped=$((skipped + 1))
    skip_reasons+=("$suite: $name: ${reason:-no reason given}")
    ;;
  esac
}

# run_ctest PRESET [ctest options]: runs and counts; a failing test's output is shown.
run_ctest() {
  local preset=$1 report status name reason
  shift
  report=$PROJECT/build/$preset/junit.xml
  rm -f "$report"
  "${ctest_under[@]}" ctest --test-dir "$PROJECT/build/$preset" --output-on-failure --no-tests=ignore --output-junit "$report" "$@" || true
  [ -f "$report" ] || die "ctest left no report for preset \"$preset\""
  while IFS=$'\t' read -r status name reason; do
    count_test "$preset" "$status" "$name" "$reason"
  done < <(read_junit "$report")
}

# run_scripts FILE...: each that exists is one test; 77 is a skip.
run_scripts() {
  local script code
  for script in "$@"; do
    [ -x "$script" ] || continue
    code=0
    "$script" || code=$?
    case $code in
    0) count_test script run "${script#"$PROJECT/"}" "" ;;
    77) count_test script skip "${script#"$PROJECT/"}" "see its output" ;;
    *) count_test script fail "${script#"$PROJECT/"}" "" ;;
    esac
  done
}

# The end: failures, skips with reasons, and the summary line. Returns 1 where something failed, or nothing ran.
print_results() {
  local line
  for line in "${failures[@]}"; do
    echo "failed: $line"
  done
  for line in "${skip_reasons[@]}"; do
    echo "skipped: $line"
  done
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
