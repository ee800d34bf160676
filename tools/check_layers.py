#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layer order of includes: a file includes only its own module or modules of lower layers. Exits 1 and names each
include that climbs. Usage: check_layers.py [ROOT]"""
import pathlib
import re
import sys

LAYERS = [
    ["base"],
    ["crypto", "wire", "net"],
    ["pki", "authn", "radius"],
    ["model"],
    ["conf", "eap", "esp", "ppp"],
    ["ike", "l2tp"],
    ["engine"],
    ["sys"],
    ["ctl"],
    ["bin"],
]
# Inside ike/ the same rule again: messages, then what versions share, then the versions, which never meet.
IKE = [["msg"], ["core"], ["auth"], ["v1", "v2"]]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def level(table, name):
    for number, names in enumerate(table):
        if name in names:
            return number
    return None


def climbs(table, own, other):
    return own != other and (level(table, other) is None or level(table, other) >= level(table, own))


def check(root):
    bad, seen = [], 0
    for path in sorted((root / "src").rglob("*.[ch]")):
        parts = path.relative_to(root / "src").parts
        if level(LAYERS, parts[0]) is None:
            bad.append(f"{path}: folder {parts[0]} stands in no layer")
            continue
        is_test = path.name.endswith("_test.c")
        for line, text in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(text)
            if not match:
                continue
            seen += 1
            target = match.group(1).split("/")
            if target[0] in ("support", "vectors") and is_test:
                continue
            if len(target) == 1:
                bad.append(f"{path}:{line}: \"{match.group(1)}\" is not a path from src/")
            elif climbs(LAYERS, parts[0], target[0]):
                bad.append(f"{path}:{line}: {parts[0]} must not include {target[0]}")
            elif parts[0] == target[0] == "ike" and climbs(IKE, parts[1], target[1]):
                bad.append(f"{path}:{line}: ike/{parts[1]} must not include ike/{target[1]}")
    return bad, seen


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    bad, seen = check(root)
    for line in bad:
        print(line)
    print(f"layers: {seen} includes, {len(bad)} climb")
    return 1 if bad or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
