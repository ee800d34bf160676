#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/rfc.md says the truth about where things are: every row has a state, every file it names exists, every test it
names is there. Usage: check_rfc.py [ROOT]

A row is: | RFC | section | what | state | where, or why not | tested by |. The state is yes, part or no; yes and part name a
file and a test, part and no say what is missing. Tests are unit.MODULE.FILE, sim:NAME, lab:NAME (a name that it begins
with), fuzz.NAME, vectors:FILE."""
import pathlib
import re
import subprocess
import sys

PATH = re.compile(r"`((?:src|tests|tools|docs|man)/[A-Za-z0-9_./*-]+)`")
TEST = re.compile(r"`((?:unit\.|sim:|lab:|fuzz\.|vectors:)[^`]+)`")


class Tree:
    def __init__(self, root):
        self.root = root
        self.sim = set(re.findall(r'"([a-z0-9]+_[a-z0-9_]+)"', "\n".join(
            p.read_text() for p in root.glob("tests/sim/scenarios_*.c"))))
        self.lab = self._lab()

    def _lab(self):
        out = subprocess.run([sys.executable, "tests/interop/lab.py", "--list"], cwd=self.root, text=True,
                             capture_output=True, check=True)
        return out.stdout.split()

    def has(self, test):
        kind, name = re.split("[.:]", test, maxsplit=1)
        if kind == "unit":
            module, file = name.split(".", 1)
            return any(self.root.glob(f"src/{module}/**/{file}_test.c"))
        if kind == "sim":
            return name in self.sim
        if kind == "lab":
            return any(row.startswith(name) for row in self.lab)
        if kind == "fuzz":
            return any(self.root.glob(f"tests/fuzz/*{name}*"))
        return (self.root / "tests/vectors" / name).exists()


def faults(tree, cells):
    if len(cells) != 6:
        return [f"{len(cells)} cells instead of 6"]
    rfc, _, what, state, where, tests = cells
    found = []
    if not re.fullmatch(r"(RFC )?\d{3,4}|draft-[a-z0-9-]+", rfc):
        found.append(f"'{rfc}' is not an RFC")
    if state not in ("yes", "part", "no"):
        found.append(f"state '{state}' is not yes, part or no")
    paths, names = PATH.findall(where), TEST.findall(tests)
    if state != "no" and not (paths and names):
        found.append("names no file, or no test")
    if state != "yes" and not re.sub(PATH, "", where).strip(" ,;·"):
        found.append("does not say what is missing")
    if not what:
        found.append("does not say what it is about")
    found += [f"`{p}` is not there" for p in paths if not any(tree.root.glob(p))]
    found += [f"there is no test `{t}`" for t in names if not tree.has(t)]
    return found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    tree, wrong, seen = Tree(root), 0, {"yes": 0, "part": 0, "no": 0}
    for number, line in enumerate((root / "docs/rfc.md").read_text().splitlines(), 1):
        if not line.startswith("|") or re.match(r"\| *(RFC *\||-)", line):
            continue
        cells = [c.strip() for c in line.strip().strip("|").split(" | ")]
        for why in faults(tree, cells):
            print(f"docs/rfc.md:{number}: {why}")
            wrong += 1
        if len(cells) == 6 and cells[3] in seen:
            seen[cells[3]] += 1
    print(f"rfc: {seen['yes']} yes, {seen['part']} part, {seen['no']} no; {wrong} faults")
    return 1 if wrong or not seen["yes"] else 0


if __name__ == "__main__":
    sys.exit(main())
