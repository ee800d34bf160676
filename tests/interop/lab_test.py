#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of how the lab counts: what a second try makes good, what its table and its last line say of what passed, failed, was
not run and was left out, and what it takes for an SA that was asked for. No network, no root."""
import contextlib
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import cell_run  # noqa: E402
import cells  # noqa: E402
import guests  # noqa: E402
import peers  # noqa: E402
import sight  # noqa: E402
import table  # noqa: E402
from lab import Report, Work  # noqa: E402
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
        report, real = report_of(), guests.qemu.run_guest
        guests.qemu.run_guest = guest
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                guests.run_qemu(self.ROWS, report, "", ())
        finally:
            guests.qemu.run_guest = real
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


XFRM = """src 10.9.0.2 dst 10.9.0.1
	proto esp spi 0x000000c1 reqid 1 mode tunnel
	replay-window 0 flag af-unspec esn
	aead rfc4106(gcm(aes)) 0x%s 128
	encap type espinudp sport 4500 dport 4500 addr 0.0.0.0
	anti-replay esn context:
src 10.9.0.1 dst 10.9.0.2
	proto esp spi 0x000000c2 reqid 1 mode tunnel
	replay-window 32 flag af-unspec esn
	aead rfc4106(gcm(aes)) 0x%s 128
	encap type espinudp sport 4500 dport 4500 addr 0.0.0.0
""" % ("ab" * 36, "cd" * 36)


class WhatAPeerHolds(unittest.TestCase):
    def test_its_kernel_is_read(self):
        have = sight.of_kernel(XFRM, [0xC1, 0xC2])
        sight.must_agree("it", sight.asked("aes256gcm16-esn-x25519", udp=True), have)

    def test_each_thing_that_is_not_as_asked_for_is_told(self):
        have = sight.of_kernel(XFRM, [0xC1, 0xC2])
        for other, word in (({"proposal": "aes128gcm16-esn", "udp": True}, "bits is 256, asked for 128"),
                            ({"proposal": "aes256gcm8-esn", "udp": True}, "encr is AES_GCM_16"),
                            ({"proposal": "aes256gcm16", "udp": True}, "esn is True"), ({"proposal": "aes256gcm16-esn"}, "udp is True"),
                            ({"proposal": "aes256gcm16-esn", "udp": True, "mode": "transport"}, "mode is tunnel")):
            with self.assertRaisesRegex(LabError, word):
                sight.must_agree("it", sight.asked(**other), have)

    def test_states_of_other_spis_are_none(self):
        with self.assertRaisesRegex(LabError, "has no states of"):
            sight.of_kernel(XFRM, [0xC1, 0xC3])

    def test_both_directions_have_to_be_alike(self):
        with self.assertRaisesRegex(LabError, "the two directions differ"):
            sight.of_kernel(XFRM.replace("cd" * 36, "cd" * 20), [0xC1, 0xC2])

    def test_encryption_and_integrity_in_two(self):
        text = XFRM
        for key in ("ab", "cd"):
            text = text.replace(f"aead rfc4106(gcm(aes)) 0x{key * 36} 128", f"auth-trunc hmac(sha256) 0x{key * 32} 128\n\tenc cbc(aes) 0x{key * 16}")
        sight.must_agree("it", sight.asked("aes128-sha256-esn", udp=True), sight.of_kernel(text, [0xC1, 0xC2]))

    def test_every_proposal_of_the_cells_has_names(self):
        for c in cells.CELLS:
            sight.asked(c.suite)


def frame(source, spi=None, flags=0):
    """ESP with an SPI, or IKE, from one of two gateways."""
    body = spi + bytes(60) if spi else struct.pack("!HHHH", 500, 500, 68, 0) + bytes(19) + bytes((flags,)) + bytes(40)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, 50 if spi else 17, 0, bytes((10, 9, 0, source)),
                       bytes((10, 9, 0, 3 - source)))
    return 0.0, bytes(12) + b"\x08\x00" + head + body


class SentEarly(unittest.TestCase):
    OLD, NEW = b"oldo", b"newn"
    ASKS, ANSWERS = frame(1), frame(1, flags=0x20)
    PEER_ASKS, PEER_ANSWERS = frame(2), frame(2, flags=0x20)
    BEGUN = [ASKS, PEER_ANSWERS, *[frame(2, OLD)] * 20]

    def count(self, *more):
        return cell_run.sent_early([*self.BEGUN, *more], "10.9.0.2")

    def test_what_the_peer_sends_before_its_answer_and_behind_it_until_there_is_a_word(self):
        new = frame(2, self.NEW)
        self.assertEqual(self.count(self.ASKS, frame(2, self.OLD), new, self.PEER_ANSWERS, new, new, self.ASKS, *[new] * 5), 3)

    def test_packets_of_the_old_sa_and_of_the_first_one_are_not_excused(self):
        self.assertEqual(self.count(), 0)
        self.assertEqual(self.count(self.ASKS, self.PEER_ANSWERS, *[frame(2, self.OLD)] * 5), 0)

    def test_nor_are_those_behind_an_answer_to_the_peer(self):
        new = frame(2, self.NEW)
        self.assertEqual(self.count(self.ASKS, self.PEER_ANSWERS, self.PEER_ASKS, self.ANSWERS, *[new] * 5, self.ASKS, new), 0)


def passed(n=1, result="ok", **keys):
    cell = {"peer": "libreswan-5.2", "role": "responder", "plane": "kernel", "auth": "psk", "mode": "tunnel", "outer": 4, "lacks": ""}
    return [{"name": f"{keys} {i}", "result": result, "cell": {**cell, **keys}} for i in range(n)]


def text_in(results, line="Libreswan 5.2", role="responder", plane="kernel", column="psk tunnel"):
    built = table.build(results)
    return next(x for x in built["lines"] if (x["peer"], x["role"], x["plane"]) == (line, role, plane))["cells"][column]


class Table(unittest.TestCase):
    def test_a_cell_counts_what_passed(self):
        self.assertEqual(text_in(passed(3)), "3")
        self.assertEqual(text_in(passed(3), role="initiator", column="psk tunnel", plane="user"), "no test")

    def test_one_failure_shows_whatever_else_passed(self):
        self.assertEqual(text_in(passed(3) + passed(1, "FAIL")), "1/4 FAIL")

    def test_what_was_not_run_is_never_counted_as_passed(self):
        self.assertEqual(text_in(passed(2, "not run")), "not run")
        self.assertEqual(text_in(passed(2, "left out")), "left out")
        self.assertEqual(text_in(passed(3) + passed(2, "not run")), "3 (2 not)")
        self.assertEqual(table.build(passed(2, "not run") + passed(1, "FAIL"))["goals"]["cells"], [0, 120])

    def test_what_the_peer_has_not_says_so(self):
        self.assertEqual(text_in([], column="psk beet"), "the peer has none")

    def test_goals_count_their_own_cells(self):
        goals = table.build(passed(2) + passed(1, peer="strongswan-6.1", outer=6) + passed(1, role="initiator", plane="user"))["goals"]
        self.assertEqual({k: v[0] for k, v in goals.items()}, {
            "cells": 4, "Keyway on kernel": 3, "responder to strongSwan": 1, "responder to Libreswan": 2, "with Libreswan 5.2": 3,
            "with strongSwan 6.1": 1, "IPv6 outside": 1})

    def test_too_few_are_told(self):
        self.assertIn("   2 cells (of 120 at least: TOO FEW)", table.render(table.build(passed(2))))
        self.assertNotIn("TOO FEW", table.render(table.build(
            passed(60) + passed(60, peer="strongswan-6.1", outer=6))))

    def test_every_cell_is_a_test_or_has_a_reason(self):
        everything = [{"name": c.name, "result": "ok", "cell": cells.facts(c)} for c in cells.CELLS if not c.lacks]
        built = table.build(everything)
        bad = [(line["peer"], column) for line in built["lines"] for column, text in line["cells"].items() if text == table.NO_TEST]
        self.assertEqual(bad, [])

    def test_no_two_cells_have_one_name(self):
        names = [c.name for c in cells.CELLS]
        self.assertEqual(len(names), len(set(names)))

    def test_rows_with_traffic_in_the_clear_and_those_that_ask_for_nothing_are_no_cells(self):
        work = Work(("matrix", "uml"), None, "Keyway")
        found = work.facts()
        for name in ("initiator.five-line-file", "kernel.responder.transport.only-tcp", "lsw.psk.initiator"):
            self.assertIn(name, [i.name for i in work.all()])
            self.assertNotIn(name, found)
        self.assertEqual(found["kernel.responder.beet.outer6"], {"peer": "strongswan-5.9", "role": "responder", "plane": "user",
                                                                 "auth": "psk", "mode": "beet", "outer": 6, "lacks": ""})

    def test_the_peer_at_both_ends_fills_no_cell(self):
        self.assertEqual(Work(("matrix", "cells"), None, "strongSwan").facts(), {})
        self.assertEqual(guests.cells("strongSwan"), [])


class WithoutGuest(unittest.TestCase):
    def left_out(self):
        work = Work(("matrix", "uml", "cells", "qemu"), None, "Keyway")
        report, gone = Report(work.facts()), work.leave_out()
        with contextlib.redirect_stdout(io.StringIO()):
            for row in gone:
                report.add(row.name, "left out", 0, "--without guest")
        return work, report, gone

    def test_all_that_needs_a_guest_is_left_out_by_name(self):
        work, report, gone = self.left_out()
        names = {r["name"] for r in report.results}
        self.assertTrue({c.name for c in guests.cells("Keyway")} <= names)
        self.assertTrue({i.name for i in guests.rows("Keyway")} <= names)
        self.assertEqual([i.name for i in work.all()], [r.name for r in work.rows])

    def test_and_does_not_count_as_passed_nor_fail_the_run(self):
        _, report, gone = self.left_out()
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.assertEqual(report.finish(None), 0)
        self.assertIn(f"lab: 0 passed (0 of them at the second try), 0 failed, 0 not run, {len(gone)} left out", out.getvalue())

    def test_a_guest_that_cannot_be_had_leaves_each_row_not_run_by_its_name(self):
        report, path, fetches = report_of(), os.environ["PATH"], dict(guests.PEERS)
        os.environ["PATH"] = "/nowhere"
        guests.PEERS.update(dict.fromkeys(guests.PEERS, lambda: None))
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                guests.run_cells(guests.cells("Keyway"), report, "", "Keyway", ())
                guests.run_uml([r for r in guests.rows("Keyway") if not hasattr(r, "run")], report, "", "Keyway", ())
        finally:
            os.environ["PATH"] = path
            guests.PEERS.update(fetches)
        names = [*(c.name for c in guests.cells("Keyway")), *(r.name for r in guests.rows("Keyway") if not hasattr(r, "run"))]
        self.assertEqual({r["name"]: r["result"] for r in report.results}, dict.fromkeys(names, "not run"))

    def test_a_guest_that_cannot_be_had_fails_the_run(self):
        report = report_of(**{"cell.one": ("not run", "user-mode-linux is not installed")})
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(report.finish(None), 1)

    def test_the_count_of_the_whole_run_names_what_was_left_out(self):
        with tempfile.TemporaryDirectory() as folder:
            report = report_of(one=("ok", ""), two=("left out", "--without guest"))
            with contextlib.redirect_stdout(io.StringIO()):
                report.finish(os.path.join(folder, "lab.json"))
            run = subprocess.run([sys.executable, COUNT, folder], capture_output=True, text=True)
            self.assertIn("lab: 1 passed, 0 failed, 0 not run", run.stdout)
            self.assertIn("left out: lab two: --without guest", run.stdout)
            self.assertIn("1 left out", run.stdout.splitlines()[-1])


if __name__ == "__main__":
    unittest.main()
