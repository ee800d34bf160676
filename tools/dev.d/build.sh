# SPDX-License-Identifier: Apache-2.0
# Building and the small commands.

# build_preset PRESET [TARGET...]: quiet when it goes well; the compiler's words when it does not.
build_preset() {
  local preset=$1 log=build/$1.log start=$SECONDS
  shift
  mkdir -p build
  if ! { cmake --preset "$preset" && cmake --build "build/$preset" --parallel "$(nproc)" ${1:+--target "$@"}; } >"$log" 2>&1
  then
    grep -E -A12 'error|FAILED|undefined reference' "$log" | head -80 >&2
    echo "./dev: building $preset failed; everything is in $log" >&2
    return 1
  fi
  echo "built $preset in $((SECONDS - start)) s"
}

dev_build() {
  need $BUILD_PACKAGES
  build_preset release
  echo "programs are in build/release/bin:" build/release/bin/*
}

dev_demo() {
  need_root
  need $BUILD_PACKAGES $LAB_PACKAGES
  build_preset release
  exec /usr/bin/python3 tests/interop/demo.py "$@"
}

dev_lab() {
  case " $* " in *" --matrix "*) exec /usr/bin/python3 tests/interop/lab.py "$@" ;; esac
  need_root
  need $BUILD_PACKAGES $TEST_PACKAGES $LAB_PACKAGES
  case " $* " in *" --without guest "* | *" --list "* | *" --help "*) ;; *) want_guest ;; esac
  case " $* " in
    *" --list "* | *" --help "*) ;;
    *) build_preset release && build_preset dev keywayd keyway ipsec swanctl pki test_crypto_mlkem ;;
  esac
  exec /usr/bin/python3 tests/interop/lab.py "$@"
}

# With --soak: not how fast, but whether everything is right under load.
dev_bench() {
  case " $* " in *" --soak "*) dev_soak "$@" ;; esac
  case " $* " in
    *" --help "* | *" -h "* | *" --render "*) exec /usr/bin/python3 tests/interop/bench.py "$@" ;;
  esac
  need_root
  need $BUILD_PACKAGES $LAB_PACKAGES $BENCH_PACKAGES
  build_preset release
  build_preset release benches
  exec /usr/bin/python3 tests/interop/bench.py "$@"
}

dev_soak() {
  local args=() a
  for a in "$@"; do [ "$a" = --soak ] || args+=("$a"); done
  case " $* " in
    *" --help "*) exec /usr/bin/python3 tests/interop/soak.py --help ;;
  esac
  need_root
  need $BUILD_PACKAGES $LAB_PACKAGES $BENCH_PACKAGES
  build_preset release
  build_preset release soak
  exec /usr/bin/python3 tests/interop/soak.py "${args[@]}"
}

dev_fuzz() {
  need $BUILD_PACKAGES $FUZZ_PACKAGES
  build_preset fuzz fuzzers
  local seconds=${1:-60} t name failed=0
  for t in build/fuzz/bin/fuzz_*; do
    name=${t##*/fuzz_}
    mkdir -p "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" build/fuzz/crashes
    if "$t" -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="build/fuzz/crashes/$name-" \
      "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1 </dev/null; then
      printf 'ok   %-12s %s runs, %s new inputs\n' "$name" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log")" \
        "$(sed -n 's/^stat::new_units_added: *//p' "build/fuzz/$name.log")"
    else
      printf 'FAIL %-12s what broke it is in build/fuzz/crashes, the report in build/fuzz/%s.log\n' "$name" "$name"
      grep -E -m3 'ERROR|runtime error|SUMMARY' "build/fuzz/$name.log" || true
      failed=1
    fi
  done
  return $failed
}

dev_fmt() {
  need clang-format
  git ls-files -co --exclude-standard 'src/*.[ch]' 'tests/*.[ch]' | xargs clang-format -i
}

dev_check() {
  need $BUILD_PACKAGES $TEST_PACKAGES
  build_preset dev
  tools/check.sh build/dev
}

dev_mutate() {
  need_root # for the soak's namespaces
  need $BUILD_PACKAGES $TEST_PACKAGES $LAB_PACKAGES $BENCH_PACKAGES
  exec /usr/bin/python3 tools/mutate.py "$@"
}
