#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench: Keyway beside what else a user could install, by turns on one machine in one run: plain routing, Keyway,
strongSwan (userspace ESP), OpenVPN, and wireguard-go as Debian 12 and as Debian 13 have it. Every figure is the median
of the rounds. It never fails on a figure; a peer that cannot be had, dies or carries nothing is named in its row.

A full run (no --only, --peers, --quick, fewer rounds or seconds) writes docs/performance.md and docs/performance.svg.
"""
import argparse
import collections
import functools
import glob
import os
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import bench_measure as measure  # noqa: E402
import bench_peers  # noqa: E402
import bench_report  # noqa: E402
from bench_results import Results  # noqa: E402
from bench_tunnels import Tunnels  # noqa: E402
from net import LabError, end_on_signals  # noqa: E402

ROUNDS, SECONDS, TUNNELS = 3, 3.0, 10000
# What a measurement may fail with; anything else is a bug of the bench.
EXPECTED = (LabError, OSError, EOFError, KeyError, subprocess.SubprocessError, StopIteration)
SUITES = ("aes256-sha256", "aes256gcm16", "chacha20poly1305")
IDLE_SECONDS = 10
SAVED = os.path.join(bench_peers.peers.REPO, "build", "bench.json")
RUNGS_OF_A_LADDER = 11  # as it mostly is: for the estimate

Step = collections.namedtuple("Step", "text seconds run")
Measure = collections.namedtuple("Measure", "title run cost show")


def rung_seconds(seconds):
    return max(0.2, seconds / 6)


def ladder(peer, size, seconds, hint):
    return measure.udp(peer, size, rung_seconds(seconds), hint)


def tcp_cost(seconds):
    return seconds + 1


def udp_cost(seconds):
    return RUNGS_OF_A_LADDER * (rung_seconds(seconds) + 0.2)


def show_rate(s):
    return f"{s['rate']:.0f} Mbit/s"


def show_udp(s):
    return f"{s['best']:.0f}k packets/s, {s['lossless']:.0f}k without loss"


def show_ping(s):
    return f"{s['median']:.0f} us"


MEASURES = {  # run(peer, seconds, the sample of the round before)
    "tcp1": Measure("TCP, 1 stream", lambda p, s, h: measure.tcp(p, 1, s), tcp_cost, show_rate),
    "tcp4": Measure("TCP, 4 streams", lambda p, s, h: measure.tcp(p, 4, s), tcp_cost, show_rate),
    "tcp1bbr": Measure("TCP, 1 stream, BBR", lambda p, s, h: measure.tcp(p, 1, s, congestion="bbr"), tcp_cost, show_rate),
    "tcp100": Measure("TCP, 100 streams", lambda p, s, h: measure.tcp(p, 100, s), tcp_cost, show_rate),
    "udp64": Measure("UDP, 64 B", lambda p, s, h: ladder(p, 64, s, h), udp_cost, show_udp),
    "udp1300": Measure("UDP, 1300 B", lambda p, s, h: ladder(p, 1300, s, h), udp_cost, show_udp),
    "ping": Measure("idle ping", lambda p, s, h: measure.ping_idle(p), lambda s: 2.5, show_ping),
    "loaded": Measure("ping under load", lambda p, s, h: measure.ping_loaded(p), lambda s: 3, show_ping),
}
ONLY_WHEN_NAMED = ("tcp100",)
KINDS = bench_peers.ALL + bench_peers.ONLY_WHEN_NAMED
SECTIONS = {"suites": "the other suites", "esp50": "protocol 50", "idle": "idle gateways", "tunnels": "many tunnels",
            "core": "the data plane's core without I/O"}


def words(e):
    """Of what went wrong, on one line."""
    text = " ".join(str(e).split())
    return text if isinstance(e, LabError) else f"{type(e).__name__}: {text}"


def tunnels(count):
    return f"{count:,} tunnel{'s' if count > 1 else ''}"


def rotated(items, n):
    n %= max(len(items), 1)
    return items[n:] + items[:n]


class Bench:
    """The peers of one run, and the plan: a list of steps."""

    def __init__(self, args, work):
        self.args, self.work = args, work
        self.results = Results({"rounds": args.rounds, "seconds": args.seconds, "tunnels": args.tunnels,
                                "peers": args.peers, "only": args.only})
        self.peers, self.tunnels, self.plan = {}, {}, []
        self.is_link_on = True

    # ---- peers

    def set_up(self, kind):
        """Fetches, makes and starts; what cannot be is a row's text."""
        try:
            kind.fetch(say)
            peer = self.peers[kind.key] = kind(self.work)
            peer.start()
        except EXPECTED as e:
            self.lose(kind.key, words(e))
            return "cannot be measured: " + words(e)
        try:
            version, details = peer.version(), peer.details()
        except EXPECTED as e:
            version, details = "?", words(e)
        self.results.versions[kind.key] = {"title": kind.title, "version": version, "cipher": kind.cipher, "details": details}
        return f"{version} {details}".strip()

    def lose(self, key, text):
        self.results.fail("", key, "", text)
        self.results.note(f"{bench_report.NAMES[key]} could not be measured: {text}")
        peer = self.peers.pop(key, None)
        if peer:
            peer.close()

    def close(self):
        for p in [*self.peers.values(), *self.tunnels.values()]:
            p.close()

    def prepare(self, peer, variant, suite="aes128gcm16", encap=True):
        """The peer as this variant wants it, alive."""
        has_offloads = not variant.endswith("off")
        state = (suite, encap, has_offloads)
        if getattr(peer, "state", ("aes128gcm16", True, True)) != state or not peer.is_alive():
            peer.set_offloads(has_offloads)
            peer.start(suite, encap)
            peer.flush()
            peer.state = state

    def take(self, variant, key, name, **how):
        """One sample of one measure; once more with a fresh peer when the first goes wrong."""
        if key not in self.peers:
            return "not measured"
        peer, m = self.peers[key], MEASURES[name]
        for attempt in (0, 1):
            try:
                self.prepare(peer, variant, **how)
                sample = m.run(peer, self.args.seconds, self.results.last(variant, key, name))
                self.results.add(variant, key, name, sample)
                return m.show(sample)
            except EXPECTED as e:
                peer.state = None  # starts afresh
                self.results.note(f"{peer.title}, {variant}, {m.title}, {'second' if attempt else 'first'} try: {words(e)}")
                if attempt:
                    self.results.fail(variant, key, name, words(e))
                    return f"failed: {words(e)}"
        return ""

    # ---- the plan

    def step(self, text, seconds, run, *args, **how):
        self.plan.append(Step(text, seconds, functools.partial(run, *args, **how)))

    def wants(self, name):
        return name in self.args.only if self.args.only else name not in ONLY_WHEN_NAMED

    def turns(self, title, variant, keys, names, **how):
        """Rounds in which each peer has its turn with all measures; who begins changes."""
        for n in range(self.args.rounds):
            for key in rotated(keys, n):
                for name in names:
                    kind = next(k for k in KINDS if k.key == key)
                    self.step(f"{title}, round {n + 1}: {kind.title}, {MEASURES[name].title}",
                              MEASURES[name].cost(self.args.seconds), self.take, variant, key, name, **how)

    def make_plan(self):
        kinds = [k for k in KINDS if k.key in self.args.peers] if self.args.peers else bench_peers.ALL
        keys = [k.key for k in kinds]
        ipsec = [k for k in ("keyway", "strongswan") if k in keys]
        names = [n for n in MEASURES if self.wants(n)]
        needed = keys if names or self.wants("idle") else ipsec if self.wants("suites") or self.wants("esp50") else []
        for kind in [k for k in kinds if k.key in needed]:
            self.step(f"getting and starting {kind.title}", 2, self.set_up, kind)
        if self.wants("idle"):
            for _ in range(self.args.rounds):
                self.step("all gateways idle", IDLE_SECONDS + 1, self.take_idle, self.peers, "on")
        self.turns("offloads on", "on", keys, names)
        self.turns("offloads off", "off", keys, [n for n in names if n not in ("ping", "loaded")])
        self.step("stopping the others", 1, self.retire, [k for k in keys if k not in ipsec])
        for suite in SUITES if self.wants("suites") else ():
            for link in ("on", "off"):
                self.turns(f"{suite}, offloads {link}", f"{suite}/{link}", ipsec, ["tcp1"], suite=suite)
        for link in ("on", "off") if self.wants("esp50") else ():
            self.turns(f"protocol 50, offloads {link}", f"esp50/{link}", ipsec, ["tcp1", "udp1300"], encap=False)
        if self.wants("tunnels") and "keyway" in keys:
            self.plan_tunnels(ipsec)
        if self.wants("core"):
            self.step("the data plane's core without I/O", 15, self.take_core)

    def plan_tunnels(self, ipsec):
        self.step("stopping the others", 1, self.retire, ipsec)
        counts = sorted({1, min(100, self.args.tunnels), self.args.tunnels})
        for count in counts:
            self.step(f"bringing up {tunnels(count)}", 2 + count / 1000, self.set_up_tunnels, count)
        self.step("all tunnels idle", IDLE_SECONDS + 1, self.take_idle, self.tunnels, "tunnels")
        for n in range(self.args.rounds + (2 if self.args.rounds >= ROUNDS else 0)):  # a tenth is to be seen here
            for count in rotated(counts, n):
                self.step(f"{tunnels(count)}, round {n + 1}: one busy", tcp_cost(self.args.seconds), self.take_tunnels, count, 1)
            few = min(100, self.args.tunnels)
            self.step(f"{tunnels(few)}, round {n + 1}: all busy", tcp_cost(self.args.seconds), self.take_tunnels, few, few)

    # ---- steps

    def retire(self, keys):
        for key in keys:
            peer = self.peers.pop(key, None)
            if peer:
                peer.close()
        return ""

    def take_idle(self, peers, variant):
        up = [p for p in peers.values() if p.processes()]
        try:
            found = measure.idle(up, IDLE_SECONDS)
        except EXPECTED as e:
            self.results.note(f"idle gateways: {words(e)}")
            return f"failed: {words(e)}"
        for key, ticks in found.items():
            self.results.add(variant, key, "idle", {"ticks": ticks})
        return ", ".join(f"{key} {'+'.join(map(str, t))}" for key, t in found.items()) + " clock ticks"

    def set_up_tunnels(self, count):
        key = f"t{count}"
        peer = self.tunnels[key] = Tunnels(self.work, count, self.args.tunnel_seconds)
        try:
            peer.start()
            self.results.add("tunnels", key, "memory", {"count": count, "rss": peer.rss(), **peer.took})
            return f"loaded in {peer.took['load']:.1f} s, up in {peer.took['up']:.1f} s"
        except EXPECTED as e:
            self.results.fail("tunnels", key, "busy1", words(e))
            self.results.note(f"{peer.title}: {words(e)}")
            self.tunnels.pop(key).close()
            return f"failed: {words(e)}"

    def take_tunnels(self, count, busy):
        peer, name = self.tunnels.get(f"t{count}"), f"busy{busy}"
        if not peer:
            return "not measured"
        try:
            sample = peer.rate(busy, self.args.seconds)
            self.results.add("tunnels", peer.key, name, sample)
            return show_rate(sample)
        except EXPECTED as e:
            self.results.fail("tunnels", peer.key, name, words(e))
            return f"failed: {words(e)}"

    def take_core(self):
        for path in sorted(glob.glob(bench_peers.BIN + "/*_bench")):
            try:
                p = subprocess.run([path], capture_output=True, text=True, timeout=120)
                text = p.stdout if p.returncode == 0 else f"exit {p.returncode}\n{p.stdout}{p.stderr}"
            except EXPECTED as e:
                text = words(e)
            self.results.add("core", os.path.basename(path), "text", {"text": text})
        return ""

    # ---- the run

    def run(self):
        self.make_plan()
        begun, done, total = time.monotonic(), 0.0, sum(s.seconds for s in self.plan)
        for number, step in enumerate(self.plan, 1):
            factor = (time.monotonic() - begun) / done if done > 20 else 1
            left = (total - done) * factor
            print(f"[{number}/{len(self.plan)}, {left / 60:.0f} min left] {step.text} ... ", end="", file=sys.stderr, flush=True)
            print(self.attempt(step), file=sys.stderr, flush=True)
            done += step.seconds
            self.results.finish(number == len(self.plan), time.monotonic() - begun)
            self.results.write(self.args.json)

    def attempt(self, step):
        """A defect of the bench itself must not cost the figures of the other steps."""
        try:
            return step.run()
        except Exception as e:
            traceback.print_exc()
            self.results.note(f"{step.text}: {type(e).__name__}: {e}")
            return "failed"


def say(text):
    print(text, end=" ", file=sys.stderr, flush=True)


def arguments():
    names = [*MEASURES, *SECTIONS]
    keys = [k.key for k in KINDS]
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of 1 s each, 100 tunnels: a few minutes, rough")
    parser.add_argument("--rounds", type=int, help=f"turns of each peer (default {ROUNDS})")
    parser.add_argument("--seconds", type=float, help=f"of each TCP measurement; six times that of a rate of UDP (default {SECONDS:.0f})")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help="measure only: " + " ".join(names) +
                        f" (by default all but {' '.join(ONLY_WHEN_NAMED)})")
    parser.add_argument("--peers", nargs="+", choices=keys, metavar="NAME", help="measure only: " + " ".join(keys))
    parser.add_argument("--tunnels", type=int, help=f"how many stand for many (default {TUNNELS})")
    parser.add_argument("--tunnel-seconds", type=float, default=180, help="how long they may take to come up (default 180)")
    parser.add_argument("--json", metavar="FILE", default=SAVED, help="where every sample goes, after each step (default build/bench.json)")
    parser.add_argument("--render", metavar="FILE", help="measure nothing: report what --json wrote")
    write = parser.add_mutually_exclusive_group()
    write.add_argument("--write", action="store_true", default=None, help="write docs/performance.* also when it was not a full run")
    write.add_argument("--no-write", dest="write", action="store_false", help="do not write them after a full run either")
    args = parser.parse_args()
    is_full = not (args.quick or args.only or args.peers or args.render) and (args.rounds or ROUNDS) >= ROUNDS \
        and (args.seconds or SECONDS) >= SECONDS and (args.tunnels or TUNNELS) >= TUNNELS
    args.write = is_full if args.write is None else args.write
    args.rounds = args.rounds or (1 if args.quick else ROUNDS)
    args.seconds = args.seconds or (1.0 if args.quick else SECONDS)
    args.tunnels = args.tunnels or (100 if args.quick else TUNNELS)
    return args


def measured(args):
    """The results of a run; of what was done of it when it is interrupted."""
    with tempfile.TemporaryDirectory(prefix="kwbench") as work:
        bench = Bench(args, work)
        try:
            bench.run()
        except SystemExit:
            print("\ninterrupted", file=sys.stderr)
        finally:
            bench.close()
    return bench.results


def main():
    args = arguments()
    end_on_signals()
    results = Results.read(args.render) if args.render else measured(args)
    print(bench_report.terminal(results))
    if args.write and results.meta["is_complete"]:
        for path in bench_report.write(results):
            print(f"wrote {path}")
    return 0 if results.meta["is_complete"] else 130


if __name__ == "__main__":
    sys.exit(main())
