# SPDX-License-Identifier: Apache-2.0
"""What runs in a guest, and on which: rows of the matrix, scenarios and cells in three User Mode Linux guests, of one processor
each, that run side by side; the rest on stock kernels in QEMU. Where a guest or a peer cannot be had, its rows are not run,
each by its name."""
import fnmatch
import os
import threading

import matrix
import peers
from cells import CELLS
from net import LabError
from qemu import host as qemu
from scenarios import load_all
from uml import host as uml


def selected(items, patterns):
    return [i for i in items if not patterns or any(fnmatch.fnmatch(i.name, p) or p in i.name for p in patterns)]


def rows(left, part=None):
    """What runs beside strongSwan in the guests, or in that of one part."""
    own = {"rows": matrix.KERNEL_ROWS,
           "scenarios": [s for s in load_all() if s.in_guest and (left == "Keyway" or not s.needs_keyway)]}
    return [item for name, items in own.items() if part in (None, name) for item in items]


def cells(left):
    return [c for c in CELLS if not c.lacks] if left == "Keyway" else []


def qemu_rows(kernel=None):
    return [s for s in load_all() if s.kernel and kernel in (None, s.kernel)]


def bindir():
    """The guest's daemon is the release: sanitizers do not fit into its address space. KEYWAY_UML_BIN: another."""
    return os.environ.get("KEYWAY_UML_BIN") or peers.REPO + "/build/release/bin"


class Tally:
    """Passes results on, and knows which came."""

    def __init__(self, report):
        self.report, self.seen = report, set()

    def add(self, name, **kw):
        self.seen.add(name)
        self.report.add(name, **kw)

    def rest(self, items, result, why):
        for i in items:
            if i.name not in self.seen:
                self.report.add(i.name, result, 0, why)


def _line(e):
    return " | ".join(line.strip() for line in str(e).splitlines()[-6:])


def _run(items, report, boot):
    tally = Tally(report)
    try:
        boot(tally)
        tally.rest(items, "FAIL", "the guest did not run it")
    except peers.NotToBeHad as e:
        tally.rest(items, "not run", _line(e))
    except Exception as e:  # whatever it was, none of them is forgotten
        tally.rest(items, "FAIL", _line(e) or type(e).__name__)


def _available(items, report, fetch_of):
    """The guest can fetch nothing. Returns those whose peer is there, and the names of the others."""
    there, missing = [], {}
    for item in items:
        fetch = fetch_of(item)
        if fetch and fetch not in missing:
            try:
                fetch()
                missing[fetch] = None
            except LabError as e:
                missing[fetch] = _line(e)
        if fetch and missing[fetch]:
            report.add(item.name, "not run", 0, missing[fetch])
        else:
            there.append(item)
    return there, [i.name for i in items if i not in there]


def _fetch_of_scenarios():
    peers.fetch_libreswan()
    peers.fetch_new_iproute()


def run_uml(items, report, logs, left, patterns):
    """The rows against a kernel's ESP."""
    names = {part: {i.name for i in rows(left, part)} for part in ("rows", "scenarios")}
    running = [threading.Thread(target=_run_part, daemon=True, args=(part, [i for i in items if i.name in mine], report, logs,
                                                                     left, patterns)) for part, mine in names.items()]
    for guest in running:
        guest.start()
    for guest in running:
        guest.join()


def _run_part(part, items, report, logs, left, patterns):
    items, skipped = _available(items, report, lambda i: _fetch_of_scenarios if part == "scenarios" else None)
    if items:
        _run(items, report, lambda tally: uml.run_guest(tally, logs, part, left, patterns or (), bindir(), skipped))


PEERS = {"strongswan-5.9": peers.fetch_strongswan, "strongswan-6.1": peers.fetch_testing_strongswan,
         "libreswan-4.10": peers.fetch_old_libreswan, "libreswan-5.2": peers.fetch_libreswan}


def run_cells(items, report, logs, left, patterns):
    """Those of cells.py, in a guest of their own."""
    items, _ = _available(items, report, lambda c: PEERS[c.peer])
    wanted = sorted({c.peer for c in items})
    if items:
        _run(items, report, lambda tally: uml.run_guest(tally, logs, "cells", left, patterns or (), bindir(),
                                                        [p for p in PEERS if p not in wanted]))


def run_qemu(items, report, logs, patterns):
    """The rows of stock kernels: a guest for each kernel, one after the other."""
    for word in dict.fromkeys(i.kernel for i in items):
        mine, skipped = _available([i for i in items if i.kernel == word], report, lambda i: i.fetch)
        if mine:
            _run(mine, report, lambda tally, w=word, s=skipped: qemu.run_guest(tally, logs, w, patterns or (), bindir(), s))
