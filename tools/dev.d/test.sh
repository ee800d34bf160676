# SPDX-License-Identifier: Apache-2.0
# The whole test run: its parts in order, then one line that counts them all.

# dev_test [--without guest]
dev_test() {
  local start=$SECONDS without=()
  case "$*" in
    "") ;;
    "--without guest") without=(--without guest) ;;
    *) echo "usage: ./dev test [--without guest]" >&2; exit 2 ;;
  esac
  need_root
  need $BUILD_PACKAGES $TEST_PACKAGES $LAB_PACKAGES $BENCH_PACKAGES
  [ ${#without[@]} -gt 0 ] || want_guest
  rm -rf build/results
  mkdir -p build/results
  build_preset dev
  echo "== unit tests, vectors, simulation, fuzz corpora"
  ctest --test-dir build/dev -j "$(nproc)" --output-on-failure --timeout 1800 --test-output-size-passed 200000 \
    --output-junit "$PWD/build/results/ctest.xml" || true
  echo "== simulation of what is shipped, 200 seeds a scenario"
  build_preset release && build_preset release sim
  ctest --test-dir build/release -R '^sim[.]' -j "$(nproc)" --output-on-failure --timeout 3600 \
    --test-output-size-passed 200000 --output-junit "$PWD/build/results/sim.xml" || true
  echo "== checks"
  local code=0
  tools/check.sh build/dev 2>&1 | tee build/results/check.txt || code=$?
  echo "exit $code" >>build/results/check.txt
  echo "== lab"
  /usr/bin/python3 tests/interop/lab.py --again 3 "${without[@]}" --summary build/results/lab.json || true
  echo "== soak, 200 MB"
  build_preset release soak
  /usr/bin/python3 tests/interop/soak.py --quick --summary build/results/soak.json || true
  echo "== all, after $((SECONDS - start)) s"
  exec /usr/bin/python3 tools/dev.d/count.py build/results
}
