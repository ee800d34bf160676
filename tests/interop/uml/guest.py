# SPDX-License-Identifier: Apache-2.0
"""Inside a guest, of User Mode Linux or of QEMU: runs its rows and says each result as one line of JSON behind a mark."""
import json
import os
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import cell_run  # noqa: E402
import guests  # noqa: E402
import lab as lab_module  # noqa: E402
import matrix  # noqa: E402

MARK = "@kwlab "


class Console:
    """Stands for the report of the host."""

    def add(self, name, result, seconds, text=""):
        print(MARK + json.dumps({"name": name, "result": result, "seconds": seconds, "text": text}), flush=True)


def main():
    lab_module.LOGS = "/run/host"
    left = os.environ.get("KWLAB_LEFT", "Keyway")
    patterns = [p for p in os.environ.get("KWLAB_ONLY", "").split(",") if p]
    skipped = os.environ.get("KWLAB_SKIP", "").split(",")
    kernel = os.environ.get("KWLAB_KERNEL")  # QEMU's
    part = os.environ.get("KWLAB_PART")  # of User Mode Linux
    if part == "cells":
        cells = [c for c in guests.selected(guests.cells(left), patterns) if c.peer not in skipped]
        cell_run.run_cells(cells, Console(), tempfile.mkdtemp(prefix="kwcells"), lab_module.LOGS)
    else:
        of_guest = guests.qemu_rows(kernel) if kernel else guests.rows(left, part)
        run_rows([r for r in guests.selected(of_guest, patterns) if r.name not in skipped], left)
    print(MARK + json.dumps({"end": True}), flush=True)


def run_rows(rows, left):
    console, start = Console(), time.monotonic()
    for shape in sorted({row.shape for row in rows}):
        lab = lab_module.Lab(left, kernel=True, shape=shape)
        try:
            lab.b.start()
            have = lab.b.algorithms()
            print(f"guest: {shape} ready after {time.monotonic() - start:.1f} s", flush=True)
            for row in rows:
                if row.shape != shape:
                    continue
                if isinstance(row, matrix.Row):
                    if not lab.b.is_running():  # after a scenario
                        lab.b.start()
                    lab_module.run_one(lab, row, console, have)
                else:
                    lab_module.run_scenario(lab, row, console)
        finally:
            lab.close()


if __name__ == "__main__":
    main()
