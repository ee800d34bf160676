#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of what ./dev bench computes: the search on the ladder of rates, medians and ratios, the verdicts on the goals,
the tables, the chart, and that a saved run gives the same report. No network, no root."""
import os
import sys
import tempfile
import unittest
import xml.dom.minidom

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bench_chart  # noqa: E402
import bench_measure as measure  # noqa: E402
import bench_report as report  # noqa: E402
import bench_text  # noqa: E402
from bench_results import Results  # noqa: E402


def path_of(capacity, room=1e9):
    """A path that carries so much and loses the rest, fed by a sender that can offer no more than room."""
    def run(rate):
        sent = min(rate, room)
        received = min(sent, capacity)
        return {"offered": rate, "sent": sent, "received": received, "loss": 1 - received / sent, "behind": 0}
    return run


def lossless(done):
    return max((r["received"] for r in done if measure.is_lossless(r)), default=0)


class Ladder(unittest.TestCase):
    def test_the_highest_rung_without_loss_is_found_from_below_and_from_above(self):
        for first in (10, 58, 100, 120, 300):
            for stride in (1, 2):
                self.assertEqual(lossless(measure.climb(path_of(101), measure.RUNGS.index(first), stride)), 100, (first, stride))

    def test_a_stride_saves_rungs_far_below(self):
        one, two = (len(measure.climb(path_of(101), measure.RUNGS.index(10), stride)) for stride in (1, 2))
        self.assertLess(two, one - 3)

    def test_a_path_that_loses_a_thousandth_is_lossless_and_one_that_loses_more_is_not(self):
        self.assertTrue(measure.is_lossless({"loss": 0.001, "behind": 0}))
        self.assertFalse(measure.is_lossless({"loss": 0.0011, "behind": 0}))

    def test_what_only_waits_in_a_queue_is_not_carried(self):
        self.assertFalse(measure.is_lossless({"loss": 0, "behind": 0.1}))

    def test_it_ends_where_the_sender_can_offer_no_more(self):
        done = measure.climb(path_of(1e9, room=100), measure.RUNGS.index(84))
        self.assertLessEqual(len(done), 6)
        self.assertEqual(lossless(done), 100)

    def test_it_goes_on_past_the_first_loss_while_more_arrives(self):
        def run(rate):  # loses a hundredth from 60 on, but carries up to 300
            received = min(rate, 300) * (0.99 if rate > 60 else 1)
            return {"offered": rate, "sent": rate, "received": received, "loss": 1 - received / rate, "behind": 0}
        done = measure.climb(run, measure.RUNGS.index(40))
        self.assertEqual(lossless(done), 58)
        self.assertAlmostEqual(max(r["received"] for r in done), 297)

    def test_one_bad_moment_does_not_end_it(self):
        good = path_of(101)

        def run(rate):
            r = good(rate)
            return {**r, "received": 30, "loss": 0.5} if rate == 58 else r
        self.assertEqual(lossless(measure.climb(run, measure.RUNGS.index(40))), 100)

    def test_a_path_that_always_loses_does_not_keep_it_for_ever(self):
        done = measure.climb(lambda rate: {"offered": rate, "sent": rate, "received": 1, "loss": 1 - 1 / rate, "behind": 0}, 20)
        self.assertLessEqual(len(done), 12)


def tcp(rate, cpu=(1.0, 1.0)):
    return {"rate": rate, "cpu": list(cpu), "kernel": [0.5, 0.5], "busy": 0.9}


def udp(best, clean):
    return {"best": best, "lossless": clean, "is_sender_bound": False, "cpu": [1.0, 2.0], "kernel": [0.5, 0.5], "busy": 0.9,
            "reordered": 0, "rungs": []}


def full_run():
    r = Results({"rounds": 3, "seconds": 3.0})
    r.meta["is_complete"] = True
    r.versions["keyway"] = {"title": "Keyway", "version": "1", "cipher": "AES-128-GCM", "details": ""}
    for rate in (9000, 8000, 100):  # the median is 8000
        r.add("on", "keyway", "tcp1", tcp(rate, (0.5, 0.9)))
    for key, rate in (("strongswan", 800), ("wg13", 2700), ("plain", 16000)):
        r.add("on", key, "tcp1", tcp(rate, (5.0, 8.0)))
    for key, best, clean in (("keyway", 260, 90), ("strongswan", 100, 100)):
        r.add("on", key, "udp64", udp(best, clean))
    r.add("on", "keyway", "idle", {"ticks": [2, 3]})
    for count, rate, rss in ((1, 7000, [10000, 10000]), (10000, 6300, [50000, 30000])):
        r.add("tunnels", f"t{count}", "memory", {"count": count, "rss": rss, "load": 1.0, "up": 2.0})
        r.add("tunnels", f"t{count}", "busy1", tcp(rate))
    r.add("core", "esp_scale_bench", "text", {"text": "bytes per idle pair   window 32\naes128gcm16  best   1900   2000\n"})
    r.add("core", "esp_bench", "text", {"text": "aes128gcm16        ipsec-mb   1400       318       240  3\n"})
    r.fail("", "openvpn", "", "cannot download openvpn: no network")
    return r


def verdict(results, start):
    return next(row[2:] for row in report.goals(results)[1] if row[0].startswith(start))


class Report(unittest.TestCase):
    def test_goals_are_judged_by_medians_at_their_bound(self):
        r = full_run()
        self.assertEqual(verdict(r, "TCP, 1 stream, AES-128-GCM: of strongSwan's"), ["10.0 x", "met"])
        self.assertEqual(verdict(r, "TCP, 1 stream, AES-128-GCM: of the best other"), ["2.96 x", "**not met**"])
        self.assertEqual(verdict(r, "TCP, 1 stream, AES-128-GCM: CPU per byte of strongSwan's, gateway A"), ["0.10 x", "met"])
        self.assertEqual(verdict(r, "TCP, 1 stream, AES-128-GCM: CPU per byte of strongSwan's, gateway B"), ["0.11 x", "**not met**"])
        self.assertEqual(verdict(r, "UDP 64 B, received"), ["2.60 x", "met"])
        self.assertEqual(verdict(r, "UDP 64 B, lossless"), ["0.90 x", "**not met**"])
        self.assertEqual(verdict(r, "one busy tunnel of 10,000"), ["90.0 %", "met"])
        self.assertEqual(verdict(r, "memory of an idle SA pair"), ["1,900 bytes", "met"])
        self.assertEqual(verdict(r, "idle gateway"), ["3.00", "**not met**"])

    def test_fewer_tunnels_than_the_goal_asks_for_do_not_meet_it(self):
        r = full_run()
        for name in ("memory", "busy1"):
            r.samples[r.key("tunnels", "t100", name)] = r.samples.pop(r.key("tunnels", "t10000", name))
        self.assertEqual(verdict(r, "one busy tunnel of 10,000"), ["90.0 %", "with 100 only"])

    def test_what_was_not_measured_is_not_met(self):
        self.assertEqual(verdict(full_run(), "UDP 1300 B, received"), ["-", "not measured"])
        self.assertTrue(all(row[3] == "not measured" for row in report.goals(Results())[1]))

    def test_a_peer_that_failed_keeps_its_row_and_counts_as_nothing(self):
        head, rows = report.tcp_table(full_run(), "on", "tcp1")
        row = next(row for row in rows if row[0] == "OpenVPN")
        self.assertEqual(row[1], "cannot download openvpn: no network")
        self.assertEqual(len(row), len(head))

    def test_rows_carry_ratios_to_strongswan_and_of_keyway(self):
        row = next(row for row in report.tcp_table(full_run(), "on", "tcp1")[1] if row[0].endswith("(Debian 13)"))
        self.assertEqual(row[1:4], ["2,700", "3.38", "2.96"])

    def test_memory_is_what_each_further_tunnel_costs(self):
        self.assertEqual([round(x, 3) for x in report.memory_per_tunnel(full_run(), 10000)], [4.0, 2.0])

    def test_the_profile_sets_the_gateway_beside_the_core(self):
        row = report.profile_table(full_run())[1][0]
        self.assertEqual(row[1:], ["A", "675", "50 %", "318", "90 %"])

    def test_a_saved_run_gives_the_same_report(self):
        r = full_run()
        r.note("something")
        with tempfile.NamedTemporaryFile(suffix=".json") as f:
            r.write(f.name)
            again = Results.read(f.name)
        self.assertEqual(report.terminal(again), report.terminal(r))
        self.assertEqual(bench_text.document(again), bench_text.document(r))
        self.assertIn("- something", bench_text.document(again))

    def test_tables_are_of_one_width(self):
        for _, head, rows in report.sections(full_run()):
            lines = report.table(head, rows).split("\n")
            self.assertEqual(len({len(line) for line in lines}), 1, lines)

    def test_the_chart_draws_bars_in_proportion(self):
        bars = xml.dom.minidom.parseString(bench_chart.svg(full_run())).getElementsByTagName("rect")
        width = {b.getAttribute("class"): float(b.getAttribute("width")) for b in bars[:4]}
        self.assertAlmostEqual(width["bar keyway"] / width["bar plain"], 0.5)

    def test_a_run_with_nothing_in_it_can_be_reported(self):
        empty = Results({"rounds": 1, "seconds": 1.0})
        self.assertIn("Goals", report.terminal(empty))
        self.assertIn("# Performance", bench_text.document(empty))
        xml.dom.minidom.parseString(bench_chart.svg(empty))


if __name__ == "__main__":
    unittest.main()
