# SPDX-License-Identifier: Apache-2.0
"""Adds up what the parts of ./dev test left in a folder: ctest.xml, check.txt, lab.json, sim.xml, soak.json. Names what failed and what
was not run; ends with the one line "N passed, N failed, N not run"; exit 0 only when all ran and passed. What the run was told
to leave out is named and counted apart. The lab's matrix is printed before.

A part that left nothing counts as failed: silence is not success. A test whose output has a line of its own
"N passed, N failed" (the simulator counts scenarios) counts as that many instead of one.
"""
import json
import os
import re
import sys
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "interop"))

import table  # noqa: E402

SEEDS = re.compile(r"^sim: (\d+) scenarios, (\d+) seeds each", re.M)
OWN_COUNT = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)

SKIPPED = re.compile(r"^\[  SKIPPED \] (.+)$", re.M)  # cmocka


class Count:
    def __init__(self):
        self.passed, self.failed, self.not_run, self.second, self.left_out = 0, [], [], [], []
        self.of_lab = []
        self.scenarios = {}  # by how many seeds each ran under

    def ctest(self, path):
        try:
            cases = xml.parse(path).getroot().findall("testcase")
        except (OSError, xml.ParseError) as e:
            return self.failed.append(f"ctest: left no result: {e}")
        if not cases:
            self.failed.append("ctest: there were no tests")
        for case in cases:
            name, status = case.get("name"), case.get("status")
            text = case.findtext("system-out") or ""
            skips = {s for s in SKIPPED.findall(text) if "test(s)" not in s}
            self.not_run += [f"{name}: {s}: it skips itself" for s in sorted(skips)]
            own = OWN_COUNT.findall(text)
            for scenarios, seeds in SEEDS.findall(text):
                self.scenarios[seeds] = self.scenarios.get(seeds, 0) + int(scenarios)
            if own:
                good, bad = map(int, own[-1])
                self.passed += good
                bad_lines = [line for line in text.splitlines() if re.match(r"FAIL \S+: ", line)]
                self.failed += [f"{name}: {line[5:]}" for line in bad_lines[:bad]]
                self.failed += [f"{name}: one more of its own count"] * (bad - len(bad_lines))
                if status == "run" or bad:
                    continue
            elif status == "run":
                self.passed += 1
                continue
            skipped = case.find("skipped")
            if skipped is not None or status in ("notrun", "disabled"):
                self.not_run.append(f"{name}: {(skipped is not None and skipped.get('message')) or status}")
            else:
                failure = case.find("failure")
                self.failed.append(f"{name}: {(failure is not None and failure.get('message')) or status}")

    def check(self, path):
        try:
            lines = open(path, errors="replace").read().splitlines()
        except OSError as e:
            return self.failed.append(f"checks: left no result: {e}")
        ok = [line for line in lines if line.startswith("ok ")]
        bad = [line for line in lines if line.startswith("FAIL ")]
        self.passed += len(ok)
        self.failed += [line[5:].strip() for line in bad]
        if lines[-1] != "exit 0" and not bad:
            self.failed.append(f"checks: {lines[-1]}")
        if lines[-1] == "exit 0" and not ok:
            self.passed += 1

    def soak(self, path):
        self.lab(path, "soak")

    def lab(self, path, what="lab"):
        try:
            results = json.load(open(path))["results"]
        except (OSError, ValueError, KeyError) as e:
            return self.failed.append(f"{what}: left no result: {e}")
        if not results:
            self.failed.append(f"{what}: there were no rows")
        self.of_lab += results if what == "lab" else []
        for r in results:
            if r["result"] == "ok":
                self.passed += 1
                if "first" in r:
                    self.second.append(f"{what} {r['name']}: {r['first']}")
            elif r["result"] == "FAIL":
                self.failed.append(f"{what} {r['name']}: {r['text']}")
            elif r["result"] == "not run":
                self.not_run.append(f"{what} {r['name']}: {r['text']}")
            elif r["result"] == "left out":
                self.left_out.append(f"{what} {r['name']}: {r['text']}")
            else:
                print(f"the peer lacks: {what} {r['name']}: {r['text']}")


def main(folder):
    count = Count()
    for part, add, leaf in (("tests", count.ctest, "ctest.xml"),
                            ("simulation", count.ctest, "sim.xml"), ("checks", count.check, "check.txt"),
                            ("lab", count.lab, "lab.json"), ("soak", count.soak, "soak.json")):
        before = (count.passed, len(count.failed), len(count.not_run))
        add(os.path.join(folder, leaf))
        after = (count.passed, len(count.failed), len(count.not_run))
        print(f"{part}: " + ", ".join(f"{b - a} {word}" for a, b, word in
                                      zip(before, after, ("passed", "failed", "not run"))))
    for seeds, scenarios in sorted(count.scenarios.items()):
        print(f"simulator: {scenarios} scenarios under {seeds} seeds each")
    if any(r.get("cell") for r in count.of_lab):
        table.show_results(count.of_lab)
    for line in count.second:
        print(f"passed at the second try: {line[:400]}")
    for line in count.failed:
        print(f"failed: {line[:400]}")
    for line in count.not_run:
        print(f"not run: {line[:400]}")
    for line in count.left_out:
        print(f"left out: {line[:400]}")
    more = f", {len(count.left_out)} left out" if count.left_out else ""
    print(f"{count.passed} passed, {len(count.failed)} failed, {len(count.not_run)} not run{more}")
    return 1 if count.failed or count.not_run or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
