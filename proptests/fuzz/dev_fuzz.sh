# ./dev fuzz: `dev` sources this file, and the usage text says what the verb does.

fuzz_dir=$root/build-fuzz
# An input is at most 4 kB, and no target keeps anything, so that a target needs 100 MB, most of it
# the sanitizer's; the largest single piece that a right decoder takes is a few MB. Beyond these
# limits somebody has believed a size that a peer claims.
fuzz_limits="-max_len=4096 -timeout=10 -rss_limit_mb=512 -malloc_limit_mb=16"
# target:planted bug
fuzz_mutants="frame_reader:frame_limit_ignored decompress:ratio_ignored
  snapshot_restore:text_unchecked sync_chunks:cut_before_checks websocket_filter:mask_starts_anew
  client_stream:apply_twice server_stream:drop_removal"

usage_of_fuzz() {
  cat <<'TEXT'
usage: ./dev fuzz [--seconds N] [--jobs N] [target...]
       ./dev fuzz --self-test
       ./dev fuzz --keep [target...]

Builds the fuzz targets (proptests/fuzz/fuzz_<target>.cpp) with clang's libFuzzer and sanitizers in
build-fuzz/ and runs those named, or all, N seconds each (60), as many at a time as there are cores.
Prints a line for each and exits 1 if one found something: the input is then in build-fuzz/found/,
what was said in build-fuzz/log/. Runs go on from what earlier ones found worth keeping, in
build-fuzz/grown/, and from proptests/fuzz/corpus/.

--self-test   builds them with planted bugs in build-fuzz-mutants/: each must be found in 60 s
--keep        adds to proptests/fuzz/corpus/ what was grown and covers more, as few files as will do
TEXT
}

# build_fuzz MUTANTS(ON|OFF) [target...]
build_fuzz() {
  local mutants=$1 target targets=()
  shift
  # shellcheck disable=SC2086  # lists of words
  need_packages $packages_build $packages_fuzz
  configure "$fuzz_dir" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=clang++-14 \
    -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -gline-tables-only" -DECSDB_FUZZ=ON \
    -DECSDB_SANITIZE=address,undefined -DECSDB_MUTANTS="$mutants" -DECSDB_WERROR=ON || exit 1
  for target in "$@"; do targets+=("fuzz-$target"); done
  say "building $*"
  build_in "$fuzz_dir" "${targets[@]}" || exit 1
  mkdir -p "$fuzz_dir/found" "$fuzz_dir/log"
  # Freed memory is watched for a while only: that is what most of the time would go into.
  export ASAN_OPTIONS=quarantine_size_mb=8 UBSAN_OPTIONS=print_stacktrace=1
}

all_fuzz_targets() {
  local path name
  for path in "$root"/proptests/fuzz/fuzz_*.cpp; do
    name=$(basename "$path" .cpp)
    printf '%s\n' "${name#fuzz_}"
  done
}

# fuzz_one SECONDS TARGET: runs it and prints a line; false if something was found.
fuzz_one() {
  local seconds=$1 name=$2 log=$fuzz_dir/log/$2.log status found
  local corpus=$root/proptests/fuzz/corpus/$name
  mkdir -p "$fuzz_dir/grown/$name" "$corpus"
  # shellcheck disable=SC2086  # a list of words
  nice "$fuzz_dir/bin/fuzz-$name" -max_total_time="$seconds" $fuzz_limits -print_final_stats=1 \
    -artifact_prefix="$fuzz_dir/found/$name-" "$fuzz_dir/grown/$name" "$corpus" >"$log" 2>&1
  status=$?
  printf '%-17s %9d runs %6d a second, %5d edges: %s\n' "$name" \
    "$(fuzz_stat number_of_executed_units "$log")" "$(fuzz_stat average_exec_per_sec "$log")" \
    "$(sed -nE 's/.* cov: ([0-9]+) .*/\1/p' "$log" | tail -n 1)" \
    "$([ $status -eq 0 ] && echo passed || echo FAILED)"
  [ $status -ne 0 ] || return 0
  found=$(sed -nE 's/^.*Test unit written to (.*)$/\1/p' "$log" | tail -n 1)
  grep -m 1 -E 'check failed|runtime error|ERROR: ' "$log"
  printf '  log: %s\n' "$log"
  printf '  again with: %s %s %s\n' "$fuzz_dir/bin/fuzz-$name" "$fuzz_limits" "$found"
  return 1
}

fuzz_stat() { sed -nE "s/^stat::$1: *([0-9]+)$/\1/p" "$2" | tail -n 1; }

# Does the target find the bug? Prints how long it took.
fuzz_mutant() {
  local name=${1%%:*} mutant=${1##*:} begin=$SECONDS log
  log=$fuzz_dir/log/$name-$mutant.log
  rm -rf "$fuzz_dir/grown"  # each search begins with the corpus alone
  mkdir -p "$fuzz_dir/grown"
  # shellcheck disable=SC2086
  if ECSDB_MUTANT=$mutant nice "$fuzz_dir/bin/fuzz-$name" -max_total_time=60 $fuzz_limits \
    -artifact_prefix="$fuzz_dir/found/$name-$mutant-" "$fuzz_dir/grown" \
    "$root/proptests/fuzz/corpus/$name" >"$log" 2>&1; then
    printf '%-17s %-20s NOT FOUND in 60 s\n' "$name" "$mutant"
    return 1
  fi
  printf '%-17s %-20s found in %d s\n' "$name" "$mutant" $((SECONDS - begin))
}

fuzz_self_test() {
  local pair failed=0
  fuzz_dir=$root/build-fuzz-mutants
  # shellcheck disable=SC2086,SC2046  # lists of words
  build_fuzz ON $(printf '%s\n' $fuzz_mutants | cut -d: -f1)
  for pair in $fuzz_mutants; do fuzz_mutant "$pair" || failed=1; done
  return $failed
}

fuzz_keep() {
  local name corpus merged=$fuzz_dir/merged
  for name in "$@"; do
    corpus=$root/proptests/fuzz/corpus/$name
    rm -rf "$merged"
    mkdir -p "$merged" "$fuzz_dir/grown/$name"
    # By edges alone: how often each was passed would keep ten times as many.
    # shellcheck disable=SC2086
    "$fuzz_dir/bin/fuzz-$name" -merge=1 -use_counters=0 $fuzz_limits "$merged" "$corpus" \
      "$fuzz_dir/grown/$name" >"$fuzz_dir/log/$name-merge.log" 2>&1 || return 1
    rm -rf "$corpus"
    mv "$merged" "$corpus"
    printf '%-17s %5d files, %7d bytes\n' "$name" "$(find "$corpus" -type f | wc -l)" \
      "$(find "$corpus" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }')"
  done
}

verb_fuzz() {
  local seconds=60 jobs name job=fuzz targets=() failed=0
  jobs=$(nproc)
  while [ $# -gt 0 ]; do
    case $1 in
      --seconds | --jobs)
        [[ ${2:-} =~ ^[1-9][0-9]*$ ]] ||
          fail_usage "$1 takes a whole number from 1, not '${2:-}'"
        if [ "$1" = --jobs ]; then jobs=$2; else seconds=$2; fi
        shift
        ;;
      --self-test) job=self-test ;;
      --keep) job=keep ;;
      -*) fail_usage "fuzz has no option $1; see ./dev fuzz --help" ;;
      *)
        [ -f "$root/proptests/fuzz/fuzz_$1.cpp" ] ||
          fail_usage "there is no target '$1'; there are: $(all_fuzz_targets | tr '\n' ' ')"
        targets+=("$1")
        ;;
    esac
    shift
  done
  if [ $job = self-test ]; then
    fuzz_self_test
    return
  fi
  # shellcheck disable=SC2207  # names without blanks
  [ ${#targets[@]} -gt 0 ] || targets=($(all_fuzz_targets))
  build_fuzz OFF "${targets[@]}"
  if [ $job = keep ]; then
    fuzz_keep "${targets[@]}"
    return
  fi
  say "fuzzing, $seconds s each, $jobs at a time"
  for name in "${targets[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || failed=1; done
    fuzz_one "$seconds" "$name" &
  done
  while [ -n "$(jobs -p)" ]; do wait -n || failed=1; done
  return $failed
}
