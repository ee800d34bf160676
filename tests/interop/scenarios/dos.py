# SPDX-License-Identifier: Apache-2.0
"""Denial of service: IKE SAs that strangers begin and never complete. What is bounded is what they cost Keyway, and
what they cost an honest peer that comes meanwhile. Measured with the release build: a sanitizer's memory means
nothing."""
import json
import os
import time

import peers
from many import memory
from net import wait_for
from rows import HERE, PYTHON, sides
from scenarios import scenario
from scenarios.steps import CB, demand, must_ping, topology

MIB = 1 << 20
GROWTH = 16 * MIB
CONNECTS_IN = 2.0  # seconds
CONNECTS_AMONG_HONEST = 10.0  # where strangers do all that an honest peer does, and only chance tells them apart
SOURCES = 10_000
RELEASE = peers.REPO + "/build/release/bin"
LIMIT = 500  # the default of init_limit_half_open


def _peak(gateway):
    """The most that was ever resident, in bytes."""
    with open(f"/proc/{gateway.process.pid}/status") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmHWM"))


def _stats(lab):
    with lab.a.vici() as v:
        return {k: int(n) for k, n in v.request("keyway-status")["ike"].items()}


class _Flood:
    """Of strangers, from a namespace of their own."""

    def __init__(self, lab, version, count, rate, *options):
        self.node, self.net, self.out = lab.net["gf"], topology.NET_F[version], lab.work + "/flood.log"
        if os.path.exists(self.out):
            os.unlink(self.out)
        self.node.ip(f"-{version}", "route", "replace", "local", self.net, "dev", "lo")
        self.process = self.node.start([PYTHON, HERE + "/init_flood.py", topology.OUTER[version][0], self.net, str(SOURCES),
                                        str(count), str(rate), *options], self.out)
        wait_for("the flood to begin", lambda: "ready" in self.process.text(), 10)

    def is_running(self):
        return self.process.is_running()

    def finish(self):
        demand(self.process.wait(60) == 0, self.process.text()[-300:])
        return json.loads(self.process.text().splitlines()[-1])


def _begin(lab, version=4, **settings):
    """Both ends; Keyway answers anybody, in the release build and as terse as it is in service. Returns its memory."""
    if not os.path.exists(RELEASE + "/keywayd"):
        raise peers.NotToBeHad("build/release is not built")
    lab.a.bin, lab.a.log_level, lab.a.settings = RELEASE, "notice", settings
    (tree_a, files_a), (tree_b, files_b) = sides(outer=version, extra_a={"connections": {"net": {"remote_addrs": "%any"}}})
    lab.b.load(tree_b, files_b)
    lab.a.load(tree_a, files_a)
    return memory(lab.a)


def _end(lab):
    lab.a.bin, lab.a.log_level = type(lab.a)(lab.a.node, lab.a.dir, "").bin, "detail"


def _connect(lab, flood, within, pause=1.0):
    """The peer comes while the flood is there. Returns how long it takes."""
    time.sleep(pause)
    start = time.monotonic()
    code, text = lab.b.initiate("net", seconds=10)
    took = time.monotonic() - start
    demand(flood.is_running(), "the flood ended too early: " + flood.process.text()[-300:])
    demand(code == 0, f"the peer did not connect during the flood ({took:.1f} s): {text[-300:]}")
    demand(took <= within, f"the peer took {took:.2f} s to connect during the flood")
    must_ping(lab.net["cb"], topology.CLIENT[4][0])
    return took


def _grown(lab, before):
    after, peak = memory(lab.a), _peak(lab.a)
    text = f"RSS {before / MIB:.1f} MiB before, {after / MIB:.1f} after, {peak / MIB:.1f} at most"
    demand(peak - before <= GROWTH, f"the flood cost {(peak - before) / MIB:.1f} MiB: {text}")
    return text


def _run(lab, version, count, rate, *options, judge=None, within=CONNECTS_IN, **settings):
    before, flood = _begin(lab, version, **settings), None
    try:
        flood = _Flood(lab, version, count, rate, *options)
        took = _connect(lab, flood, within)
        most = 0
        while flood.is_running():
            most = max(most, _stats(lab)["half-open"])
            time.sleep(0.1)
        sent, stats = flood.finish(), _stats(lab)
        demand(sent["sent"] == count, f"the flood was none: {sent}")
        demand(stats["received"] >= count * 0.5, f"half of the flood did not arrive: {sent} {stats}")
        shown = _grown(lab, before)
        if judge:
            judge(sent, stats, most)
        demand(len(lab.a.log()) < 100_000, f"the flood wrote {len(lab.a.log())} bytes of log")
        return (f"{shown}; connected in {took:.2f} s; {sent['sent']} requests in {sent['seconds']} s, {stats['received']} received, "
                f"{most} half-open at most, {stats['cookies-sent']} cookies, "
                f"{stats['displaced']} displaced, {stats['dropped-blocked']} refused")
    finally:
        if flood:
            flood.process.stop()
        _end(lab)


def _asked(sent, stats, most):
    demand(stats["cookies-sent"] >= stats["received"] * 0.9, f"not all were asked for a cookie: {stats}")
    demand(most <= 40, f"{most} IKE SAs were half-open without a cookie")


@scenario("dos.flood", shape="flood", needs_keyway=True, is_alone=True)
def flood4(lab):
    """Whoever does not answer costs a cookie."""
    return _run(lab, 4, 100_000, 20_000, judge=_asked)


@scenario("dos.flood-ipv6", shape="flood", needs_keyway=True, is_alone=True)
def flood6(lab):
    return _run(lab, 6, 40_000, 10_000, judge=_asked)


def _bounded(sent, stats, most):
    demand(sent["returned"] > 10 * LIMIT and sent["accepted"] > LIMIT, f"the cookies were not answered: {sent}")
    demand(most <= LIMIT, f"{most} half-open IKE SAs, the limit is {LIMIT}")
    demand(stats["auth-failed"] == 0, f"what strangers sent was taken for authentic: {stats}")


@scenario("dos.flood-answers-cookies", shape="flood", needs_keyway=True, is_alone=True)
def flood_answers(lab):
    """Who answers cookies meets the limits."""
    return _run(lab, 4, 40_000, 4000, "answers", judge=_bounded, within=CONNECTS_AMONG_HONEST)


@scenario("dos.flood-of-junk", shape="flood", needs_keyway=True, is_alone=True)
def flood_junk(lab):
    """Who goes on with IKE_AUTH requests and fragments that nobody can open leaves nothing behind."""
    return _run(lab, 4, 20_000, 2000, "answers", "junk", judge=_bounded, within=CONNECTS_AMONG_HONEST)
