#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The checks on the tree itself. Usage: tools/check.sh BUILD_DIR (for the imported symbols). One line a check:
# "ok check.NAME" or "FAIL check.NAME" behind what it found; exits 1 when one failed.
set -u
cd "$(dirname "$0")/.."
build=${1:?usage: tools/check.sh BUILD_DIR}
failed=0

run() {
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then
        printf 'ok   check.%s (%s)\n' "$name" "$(tail -n 1 <<<"$out")"
    else
        printf '%s\nFAIL check.%s\n' "$out" "$name"
        failed=1
    fi
}

format() {
    local files
    mapfile -t files < <(git ls-files '*.c' '*.h')
    clang-format --dry-run -Werror "${files[@]}" && echo "format: ${#files[@]} files"
}

licence() {
    local missing
    missing=$(git ls-files '*.c' '*.h' '*.py' '*.sh' '*.cmake' | xargs grep -L 'SPDX-License-Identifier: Apache-2.0')
    [ -z "$missing" ] && echo "licence: every source file has its line" && return
    printf 'no SPDX line: %s\n' $missing
    return 1
}

run layers python3 tools/check_layers.py
run purity python3 tools/check_purity.py "$build"
run map python3 tools/check_map.py
run rfc python3 tools/check_rfc.py
run format format
run licence licence
exit $failed
