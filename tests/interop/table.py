# SPDX-License-Identifier: Apache-2.0
"""The matrix of a run as a table: a line for each peer, its version, role and data plane of Keyway; a column for each
authentication and mode; in each cell how many tests passed, or why there is none. And how far that is from what the lab is
to show. It is made from the results alone, whichever run they came from."""
import json

from cells import AUTHS, CELLS, MODES, PEERS, PLANES, ROLES, facts

COLUMNS = [(a, m) for a in AUTHS for m in MODES]
KEYS = ("peer", "role", "plane", "auth", "mode")
# what is counted -> (how many are to pass, which cells they are)
GOALS = {
    "cells": (120, lambda c: True),
    "Keyway on kernel": (40, lambda c: c["plane"] == "kernel"),
    "responder to strongSwan": (20, lambda c: c["role"] == "responder" and c["peer"].startswith("strongswan")),
    "responder to Libreswan": (20, lambda c: c["role"] == "responder" and c["peer"].startswith("libreswan")),
    "with Libreswan 5.2": (10, lambda c: c["peer"] == "libreswan-5.2"),
    "with strongSwan 6.1": (10, lambda c: c["peer"] == "strongswan-6.1"),
    "IPv6 outside": (10, lambda c: c["outer"] == 6),
}
NO_TEST = "no test"


def _reasons():
    """Where there can be no test, and why."""
    return {tuple(f[k] for k in KEYS): f["lacks"] for f in map(facts, CELLS) if f["lacks"]}


def text_of(results, reason=None):
    """One cell, of the words of its results: ok, FAIL, not run, left out, lacks."""
    count = {w: results.count(w) for w in ("ok", "FAIL", "not run", "left out", "lacks")}
    if count["FAIL"]:
        return f"{count['FAIL']}/{len(results)} FAIL"
    if count["ok"]:
        missing = len(results) - count["ok"]
        return str(count["ok"]) + (f" ({missing} not)" if missing else "")
    for word in ("not run", "left out", "lacks"):
        if count[word]:
            return word
    return reason or NO_TEST


def build(results):
    """{"lines": [{peer, role, plane, cells: {"psk tunnel": text}}], "goals": {name: [passed, wanted]}}"""
    found, reasons = {}, _reasons()
    cells = [(r["cell"], r["result"]) for r in results if r.get("cell")]
    for c, result in cells:
        found.setdefault(tuple(c[k] for k in KEYS), []).append(result)
    lines = []
    for peer in PEERS:
        for role in ROLES:
            for plane in PLANES:
                row = {f"{a} {m}": text_of(found.get((peer, role, plane, a, m), []), reasons.get((peer, role, plane, a, m)))
                       for a, m in COLUMNS}
                lines.append({"peer": PEERS[peer], "role": role, "plane": plane, "cells": row})
    passed = [c for c, result in cells if result == "ok"]
    return {"lines": lines, "goals": {name: [sum(map(is_one, passed)), wanted] for name, (wanted, is_one) in GOALS.items()}}


def render(built):
    """As lines of text."""
    short = {"the peer has none": "none"}
    heads = [f"{a} {m}".replace("transport", "transp.") for a, m in COLUMNS]
    width = [max(len(h), *(len(short.get(t, t)) for line in built["lines"] for t in [line["cells"][f"{a} {m}"]]))
             for h, (a, m) in zip(heads, COLUMNS)]
    out = ["The matrix: tests that passed. none: the peer has no such thing.",
           f"{'peer':15} {'Keyway is':10} {'on':7}" + "  ".join(h.rjust(w) for h, w in zip(heads, width))]
    for line in built["lines"]:
        texts = [short.get(t, t) for t in line["cells"].values()]
        out.append(f"{line['peer']:15} {line['role']:10} {line['plane']:7}" + "  ".join(t.rjust(w) for t, w in zip(texts, width)))
    out += [f"{passed:4} {name} (of {wanted} at least{'' if passed >= wanted else ': TOO FEW'})"
            for name, (passed, wanted) in built["goals"].items()]
    return "\n".join(out)


def show_results(results, as_json=False):
    built = build(results)
    print(json.dumps(built, indent=1) if as_json else render(built))


def show(path, as_json=False):
    """Of a summary that a former run wrote. Returns the exit code."""
    try:
        with open(path) as f:
            results = json.load(f)["results"]
    except (OSError, ValueError, KeyError) as e:
        print(f"no summary of a run in {path}: {e}")
        return 1
    show_results(results, as_json)
    return 0
