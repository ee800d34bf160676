#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks Keyway on purpose and looks who notices. Each patch of tests/mutants/ is applied to a copy of the tree, what its
tests need is built, and they run until one fails. Exit code 0: every mutant was caught. Usage: mutate.py [PART-OF-NAME]

A patch begins with two lines:
    # what: the AUTH payload of the peer is not checked
    # tests: unit.ike.octets sim:wrong_psk_is_refused
A test is unit.MODULE.FILE, fuzz.NAME, pki.NAME and swanctl.NAME (tests/pki, tests/swanctl, which want root), sim:PART-OF-THE-SCENARIO'S-NAME, or soak:PART-OF-THE-PART'S-NAME (which wants root). All of them pass on the unchanged copy first: a test
that fails anyway catches nothing."""
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATCHES = ROOT / "tests" / "mutants"
WORK = ROOT / "build" / "mutants"
TREE, BUILD = WORK / "tree", WORK / "build"
SEEDS = "5"


class Mutant:
    def __init__(self, patch):
        text = patch.read_text()
        self.patch, self.name = patch, patch.stem
        self.files = re.findall(r"^\+\+\+ b/(\S+)", text, re.M)
        head = re.match(r"# what: (.+)\n# tests: (.+)\n", text)
        if not head or not self.files:
            sys.exit(f"{patch}: does not begin with '# what:' and '# tests:', or changes nothing")
        self.what, self.tests = head.group(1), head.group(2).split()

    def apply(self):
        """None, or why not."""
        r = run("git", "-C", ROOT, "apply", "--whitespace=nowarn", f"--directory={TREE.relative_to(ROOT)}", self.patch)
        return None if r.returncode == 0 else f"the patch does not apply: {r.stderr.strip()}"


class Test:
    def __init__(self, name):
        kind, _, rest = name.partition("." if ":" not in name else ":")
        self.name, self.failure = name, None
        self.limit = 300  # seconds; a mutant that hangs is caught, too
        if kind == "unit" and rest.count(".") == 1:
            self.targets = {"test_" + rest.replace(".", "_")}
            self.command = [BUILD / "tests" / "".join(self.targets)]
        elif kind == "fuzz":
            self.targets = {f"replay_{rest}"}
            self.command = [BUILD / "tests" / f"replay_{rest}", TREE / "tests" / "fuzz" / "corpus" / rest]
        elif kind == "pki":
            self.targets = {"pki", "ipsec", "keyway"}
            self.command = ["env", f"KEYWAY_BIN={BUILD}/bin", "/usr/bin/python3", TREE / "tests" / "pki" / f"{rest}_test.py"]
        elif kind == "swanctl":
            self.targets = {"swanctl", "pki"}
            self.command = ["env", f"KEYWAY_BIN={BUILD}/bin", "/usr/bin/python3", TREE / "tests" / "swanctl" / f"{rest}_test.py"]
        elif kind == "sim":
            self.targets = {"sim"}
            self.command = [BUILD / "bin" / "sim", "--seeds", SEEDS, "--only", rest]
        elif kind == "soak":
            self.targets = {"keywayd", "keyway", "soak"}
            self.command = [TREE / "tests/interop/soak.py", "--quick", "--bytes", "40M", "--part", rest, "--bin", BUILD / "bin",
                            "--tools", BUILD / "bin"]
        else:
            sys.exit(f"{name}: no such kind of test")

    def fails(self):
        """None when it passes, else what failed inside it."""
        try:
            r = run(*self.command, cwd=TREE, timeout=self.limit)
        except subprocess.TimeoutExpired:
            return f"{self.name} (hangs)"
        if r.returncode == 0:
            return None
        text = r.stdout + r.stderr
        inside = (re.search(r"^\[  FAILED  \] (\w+)$", text, re.M) or re.search(r"^FAIL (\w+) seed", text, re.M) or
                  re.search(r"^FAIL ([\w.-]+):", text, re.M))
        return f"{self.name}" + (f", {inside.group(1)}" if inside else f" (exit {r.returncode})")


def run(*command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, errors="replace", **more)


def copy_tree():
    """Only what differs is written, so that a second run builds little."""
    TREE.mkdir(parents=True, exist_ok=True)
    listed = run("git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z")
    names = {n for n in listed.stdout.split("\0") if n and (ROOT / n).is_file()}
    if not names:
        sys.exit(f"no files listed: {listed.stderr}")
    for old in [p for p in TREE.rglob("*") if p.is_file() and str(p.relative_to(TREE)) not in names]:
        old.unlink()
    for name in names:
        source, to = ROOT / name, TREE / name
        if not to.exists() or to.read_bytes() != source.read_bytes():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, to)
            to.chmod(source.stat().st_mode)


def build(targets):
    """None, or the end of what the compiler said."""
    if not (BUILD / "build.ninja").exists():
        made = run("cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=", "-DCMAKE_C_FLAGS=-O1 -w",
                   "-DKEYWAY_TESTS=ON")
        if made.returncode:
            sys.exit(made.stdout + made.stderr)
    r = run("ninja", "-C", BUILD, *sorted(targets))
    return None if r.returncode == 0 else "\n".join(r.stdout.splitlines()[-30:])


def try_mutant(m, tests):
    """What to print, and whether it was caught."""
    mine = [tests[t] for t in m.tests]
    broken = [t.failure for t in mine if t.failure]
    if broken:
        return f"its tests fail without it: {', '.join(broken)}", False
    before = {name: (TREE / name).read_bytes() for name in m.files if (TREE / name).exists()}
    why = m.apply()
    if why:
        return why, False
    try:
        said = build(set().union(*(t.targets for t in mine)))
        if said:
            return "the mutant does not build:\n" + said, False
        for t in mine:
            failure = t.fails()
            if failure:
                return f"caught by {failure}", True
        return f"ESCAPED {', '.join(m.tests)}", False
    finally:
        for name, data in before.items():
            (TREE / name).write_bytes(data)


def main():
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    mutants = [Mutant(p) for p in sorted(PATCHES.glob("*.patch")) if only in p.name]
    if not mutants:
        sys.exit("no such mutant")
    tests = {name: Test(name) for m in mutants for name in m.tests}
    copy_tree()
    print(f"mutate: building {len(tests)} tests of the unchanged copy in {BUILD.relative_to(ROOT)}", flush=True)
    said = build(set().union(*(t.targets for t in tests.values())))
    if said:
        sys.exit(said)
    for t in tests.values():
        start = time.monotonic()
        t.failure = t.fails()
        t.limit = 10 + 10 * (time.monotonic() - start)
    good = sum(not t.failure for t in tests.values())
    print(f"mutate: unchanged, {good} of {len(tests)} tests pass", flush=True)
    caught = 0
    for m in mutants:
        start = time.monotonic()
        said, ok = try_mutant(m, tests)
        caught += ok
        print(f"{'ok  ' if ok else 'FAIL'} {m.name} ({m.what}): {said} [{time.monotonic() - start:.0f} s]", flush=True)
    print(f"mutate: {len(mutants)} mutants, {caught} caught")
    print(f"{caught} passed, {len(mutants) - caught} failed")
    return 0 if caught == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
