#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every path that ARCHITECTURE.md's map and README.md put in backticks exists. Usage: check_map.py [ROOT]"""
import pathlib
import re
import sys

PATH = re.compile(r"`((?:src|tests|tools|docs|man|packaging|cmake)/[A-Za-z0-9_./*-]+|\./dev|\.ci/run)`")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    missing, seen = [], 0
    for page in ("ARCHITECTURE.md", "README.md"):
        for number, line in enumerate((root / page).read_text().splitlines(), 1):
            for path in PATH.findall(line):
                seen += 1
                found = any(root.glob(path)) if "*" in path else (root / path).exists()
                if not found:
                    missing.append(f"{page}:{number}: `{path}` is not there")
    for line in missing:
        print(line)
    print(f"map: {seen} paths, {len(missing)} missing")
    return 1 if missing or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
