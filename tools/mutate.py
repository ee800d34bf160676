#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks Keyway on purpose and looks who notices. Each patch of tests/mutants/ is applied to a copy of the tree, the copy is
built, and the tests that the patch's head names are run until one fails. Usage: mutate.py [PART-OF-NAME]

A patch begins with two lines:
    # what: the AUTH payload of the peer is not checked
    # tests: unit.ike.auth|sim.part0        (a regular expression for ctest -R)
All named tests pass on the unchanged copy first: a test that fails anyway catches nothing."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "mutants"
TREE, BUILD = WORK / "tree", WORK / "build"
ENV = dict(os.environ, KEYWAY_SIM_SEEDS="5")


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, env=ENV, **more)


def copy_tree():
    TREE.mkdir(parents=True, exist_ok=True)
    names = run("git", "-C", str(ROOT), "ls-files", "-z").stdout.split("\0")
    wanted = {name for name in names if name and (ROOT / name).is_file()}
    for old in TREE.rglob("*"):
        if old.is_file() and str(old.relative_to(TREE)) not in wanted:
            old.unlink()
    for name in wanted:
        to = TREE / name
        if not to.exists() or to.read_bytes() != (ROOT / name).read_bytes():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to)
            os.utime(to)


def build():
    if not (BUILD / "build.ninja").exists():
        made = run("cmake", "-S", str(TREE), "-B", str(BUILD), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
                   "-DKEYWAY_SANITIZE=ON", "-DKEYWAY_TESTS=ON")
        if made.returncode:
            sys.exit(made.stdout + made.stderr)
    return run("ninja", "-C", str(BUILD))


def failing_tests(pattern):
    """Names of the tests that failed, and how many ran."""
    out = run("ctest", "--test-dir", str(BUILD), "-R", f"^({pattern})$", "-j2", "--stop-on-failure", "--timeout", "300").stdout
    failed = re.findall(r"Test\s+#\d+: (\S+) \.*\**(?:Failed|Exception|\*\*\*Failed|\*\*\*Timeout)", out)
    failed += re.findall(r"^\s*\d+ - (\S+) \((?:Failed|Timeout|SEGFAULT|Subprocess aborted|ILLEGAL)", out, re.M)
    ran = re.search(r"tests passed, \d+ tests? failed out of (\d+)", out)
    return sorted(set(failed)), int(ran.group(1)) if ran else 0


def heads(patch):
    text = patch.read_text()
    what, tests = re.search(r"^# what: (.+)$", text, re.M), re.search(r"^# tests: (\S+)$", text, re.M)
    if not what or not tests:
        sys.exit(f"{patch}: no '# what:' and '# tests:' lines at its head")
    return what.group(1), tests.group(1)


def patch_tree(patch, *more):
    return run("patch", "-p1", "-s", "-i", str(patch), *more, cwd=TREE)


def try_mutant(patch, pattern):
    """What to print, and whether it was caught."""
    applied = patch_tree(patch)
    if applied.returncode:
        return f"the patch does not apply: {applied.stdout.strip()}", False
    try:
        built = build()
        if built.returncode:
            return "the mutant does not build:\n" + built.stdout[-1500:], False
        failed, ran = failing_tests(pattern)
        if not ran:
            return f"no test is called {pattern}", False
        return (f"caught by {' '.join(failed)}", True) if failed else (f"ESCAPED {ran} tests", False)
    finally:
        patch_tree(patch, "-R")


def main():
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    patches = [p for p in sorted((ROOT / "tests" / "mutants").glob("*.patch")) if only in p.name]
    if not patches:
        sys.exit("no such mutant")
    copy_tree()
    print(f"building the unchanged copy in {BUILD.relative_to(ROOT)}", flush=True)
    built = build()
    if built.returncode:
        sys.exit(built.stdout[-3000:])
    named = "|".join(sorted({heads(p)[1] for p in patches}))
    failed, ran = failing_tests(named)
    if failed or not ran:
        sys.exit(f"unchanged, of {ran} tests these fail: {' '.join(failed)}")
    print(f"unchanged: {ran} tests pass", flush=True)
    caught = 0
    for patch in patches:
        what, pattern = heads(patch)
        start = time.monotonic()
        said, ok = try_mutant(patch, pattern)
        caught += ok
        print(f"{'ok  ' if ok else 'FAIL'} {patch.stem} ({what}): {said} [{time.monotonic() - start:.0f} s]", flush=True)
    print(f"mutants: {len(patches)}, caught: {caught}")
    print(f"{caught} passed, {len(patches) - caught} failed")
    return 0 if caught == len(patches) else 1


if __name__ == "__main__":
    sys.exit(main())
