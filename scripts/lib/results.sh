# Running test suites and adding up what they say: ctest by its JUnit file, scripts by their exit code. Source it after common.sh.

passed=0
failed=0
skipped=0
skip_reasons=()
failures=()
unsteady=()
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

# call_ctest PRESET REPORT [ctest options]
call_ctest() {
  local preset=$1 report=$2
  shift 2
  rm -f "$report"
  "${ctest_under[@]}" ctest --test-dir "$PROJECT/build/$preset" --output-on-failure --no-tests=ignore --output-junit "$report" "$@" || true
  [ -f "$report" ] || die "ctest left no report for preset \"$preset\""
}

# Whether what failed may be run once more: one or two tests, none by a sanitizer's report, and not with --full, where every failure counts.
may_run_again() {
  local count
  count=$(read_junit "$1" | grep -c '^fail' || true)
  [ -z "${BACKPLANE_FULL:-}" ] && [ "$count" -ge 1 ] && [ "$count" -le 2 ] && ! grep -qE 'Sanitizer|runtime error:' "$1"
}

# run_ctest PRESET [ctest options]: runs and counts; a failing test's output is shown. Tests wait for real programs on a machine that may be
# busy: one that fails beside others and passes by itself is counted as passed, and named as unsteady at the end.
run_ctest() {
  local preset=$1 report again status name reason
  shift
  report=$PROJECT/build/$preset/junit.xml
  again=$PROJECT/build/$preset/junit-again.xml
  call_ctest "$preset" "$report" "$@"
  rm -f "$again"
  if may_run_again "$report"; then
    say "running what failed once more, by itself"
    call_ctest "$preset" "$again" --rerun-failed
  fi
  while IFS=$'\t' read -r status name reason; do
    if [ "$status" = fail ] && [ -f "$again" ] && read_junit "$again" | grep -q "^run"$'\t'"$name"$'\t'; then
      unsteady+=("$preset: $name: failed beside other tests, passed by itself; what it said first is above")
      status=run
    fi
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
  for line in "${unsteady[@]}"; do
    echo "unsteady: $line"
  done
  for line in "${skip_reasons[@]}"; do
    echo "skipped: $line"
  done
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
