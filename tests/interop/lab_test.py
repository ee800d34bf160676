#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of how the lab counts: what a second try makes good, and what it does not. No network, no root."""
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import lab  # noqa: E402
import peers  # noqa: E402
from lab import Report  # noqa: E402
from net import LabError  # noqa: E402
from scenarios import Scenario  # noqa: E402

COUNT = os.path.join(HERE, "..", "..", "tools", "dev.d", "count.py")


def report_of(**rows):
    report = Report()
    with contextlib.redirect_stdout(io.StringIO()):
        for name, (result, text) in rows.items():
            report.add(name, result, 1.0, text)
    return report


class SecondTry(unittest.TestCase):
    def settled(self, first, **second):
        first.settle(report_of(**second))
        return {r["name"]: r["result"] for r in first.results}

    def test_a_row_that_passes_then_is_counted_and_keeps_what_it_failed_with(self):
        first = report_of(one=("ok", ""), two=("FAIL", "waited 5 s"))
        self.assertEqual(self.settled(first, two=("ok", "fine")), {"one": "ok", "two": "ok"})
        self.assertEqual(first.results[1]["first"], "waited 5 s")

    def test_a_row_that_fails_again_or_does_not_run_stays_failed(self):
        for second in ({"two": ("FAIL", "again")}, {"two": ("not run", "no peer")}, {"two": ("lacks", "")}, {}):
            first = report_of(two=("FAIL", "waited 5 s"))
            self.assertEqual(self.settled(first, **second), {"two": "FAIL"})

    def test_a_row_that_passed_is_left_alone(self):
        first = report_of(one=("ok", "good"))
        self.settled(first, one=("FAIL", "bad"))
        self.assertEqual(first.results[0]["text"], "good")

    def test_the_last_lines_name_it(self):
        first = report_of(two=("FAIL", "waited 5 s"))
        first.settle(report_of(two=("ok", "")))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.assertEqual(first.finish(None), 0)
        self.assertIn("second try: two passed; first: waited 5 s", out.getvalue())
        self.assertIn("1 passed (1 of them at the second try), 0 failed", out.getvalue())

    def test_and_so_do_those_of_the_whole_run(self):
        with tempfile.TemporaryDirectory() as folder:
            first = report_of(two=("FAIL", "waited 5 s"))
            first.settle(report_of(two=("ok", "")))
            with contextlib.redirect_stdout(io.StringIO()):
                first.finish(os.path.join(folder, "lab.json"))
            with open(os.path.join(folder, "soak.json"), "w") as f:
                json.dump({"results": [{"name": "all", "result": "ok", "text": ""}]}, f)
            run = subprocess.run([sys.executable, COUNT, folder], capture_output=True, text=True)
            self.assertIn("passed at the second try: lab two: waited 5 s", run.stdout)
            self.assertEqual(run.returncode, 1)  # the other parts left nothing


class StockKernels(unittest.TestCase):
    ROWS = [Scenario(f"row{i}.{kernel}", None, kernel=kernel) for i in (1, 2) for kernel in ("13", "testing")]

    def results_of(self, guest):
        report, real = report_of(), lab.qemu.run_guest
        lab.qemu.run_guest = guest
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                lab.run_qemu(self.ROWS, report, ())
        finally:
            lab.qemu.run_guest = real
        return {r["name"]: r["result"] for r in report.results}

    def test_rows_of_a_kernel_that_cannot_be_had_are_not_run_each_by_name(self):
        def guest(report, logs, kernel, *_):
            if kernel == "testing":
                raise peers.NotToBeHad("no mirror")
            for i in (1, 2):
                report.add(f"row{i}.13", result="ok", seconds=1)
        self.assertEqual(self.results_of(guest), {"row1.13": "ok", "row2.13": "ok",
                                                  "row1.testing": "not run", "row2.testing": "not run"})

    def test_rows_that_a_guest_did_not_come_to_failed(self):
        def guest(report, logs, kernel, *_):
            report.add(f"row1.{kernel}", result="ok", seconds=1)
            if kernel == "13":
                raise LabError("the guest ended early")
        self.assertEqual(self.results_of(guest), {"row1.13": "ok", "row2.13": "FAIL",
                                                  "row1.testing": "ok", "row2.testing": "FAIL"})


if __name__ == "__main__":
    unittest.main()
