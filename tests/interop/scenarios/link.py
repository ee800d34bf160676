# SPDX-License-Identifier: Apache-2.0
"""Protocol 50 between two Keyways through packet sockets: that it is so, and what makes it leave them."""
import contextlib
import os
import re
import time

from gateways import Keyway
from scenarios import scenario
from scenarios.steps import CA, CB, capture, demand, must_ping, must_transfer, ping, wait_for
from scenarios.workers import plane
from rows import sides
from topology import A4, B4

PACKET, RAW = "protocol 50 through packet sockets", "protocol 50 through raw sockets"


@contextlib.contextmanager
def _tunnel(lab, outer=4, settings=None):
    """A Keyway in the peer's place, and a tunnel of protocol 50 to it."""
    lab.b.stop()
    b = Keyway(lab.net["gb"], os.path.join(lab.work, "keyway-b"), "gateway B")
    lab.a.settings = settings or {}
    (tree_a, files_a), (tree_b, files_b) = sides(outer=outer, certs=lab.certs, extra={"encap": "no"})
    try:
        b.load(tree_b, files_b)
        lab.a.load(tree_a, files_a)
        code, text = lab.a.initiate("net")
        demand(code == 0, f"no tunnel: {text[-500:]}")
        must_ping(lab.net["ca"], CB)
        yield b
    finally:
        b.stop()
        b.cleanup()
        if os.path.exists(b.output):
            os.unlink(b.output)


def _demand_clean(lab):
    drops = plane(lab)["drops"]
    demand(not any(drops.get(k) for k in ("replay", "bad_ICV", "unknown_SPI", "not_sent")), f"drops: {drops}")
    return drops


def _carries(outer):
    def run(lab):
        capture(lab)
        with _tunnel(lab, outer) as b:
            for g in (lab.a, b):
                demand(PACKET in g.log(), f"{g.name} does not say that packet sockets are used")
            must_transfer(lab.net["ca"], CB)
            must_ping(lab.net["cb"], CA)
            lab.a.rekey(child="net")
            must_transfer(lab.net["ca"], CB)
            drops = _demand_clean(lab)
            verdict = lab.capture.judge()
            demand(verdict.kinds["esp"] and not verdict.kinds["esp-udp"], f"not protocol 50: {dict(verdict.kinds)}")
            demand(not verdict.plaintext, f"plaintext: {verdict.leaks[:1]}")
            return f"{verdict}, drops {drops}"
    return run


for _outer in (4, 6):
    scenario(f"link.carries.outer{_outer}", needs_keyway=True)(_carries(_outer))


@scenario("link.fallback-is-named", needs_keyway=True)
def fallback(lab):
    """Raw sockets because the configuration says so, and because there is a firewall at the start."""
    with _tunnel(lab, settings={"esp_path": "raw"}):
        demand(RAW + " (esp_path = raw)" in lab.a.log(), "the log does not name raw sockets")
        must_transfer(lab.net["ca"], CB)
    lab.a.stop()
    os.unlink(lab.a.output)
    node = lab.net["ga"]
    node.sh("nft", "add table ip fw; add chain ip fw out { type filter hook output priority 0; }")
    try:
        with _tunnel(lab):
            demand(RAW + ", because of a chain of nftables at the hook output" in lab.a.log(), "the firewall is not named")
            must_transfer(lab.net["ca"], CB)
    finally:
        node.sh("nft", "delete table ip fw")
    return "both reasons stand in the log, and the tunnel works"


@scenario("link.firewall-that-comes-later", needs_keyway=True)
def firewall(lab):
    """A rule that drops the peer's ESP holds, though it came when packet sockets were in use; and it sees what is sent."""
    node = lab.net["ga"]
    with _tunnel(lab):
        demand(PACKET in lab.a.log(), "packet sockets are not used")
        node.sh("nft", f"add table ip fw; add chain ip fw in {{ type filter hook input priority 0; }}; "
                       f"add chain ip fw out {{ type filter hook output priority 0; }}; "
                       f"add rule ip fw in ip saddr {B4} meta l4proto esp counter drop; add rule ip fw out meta l4proto esp counter")
        try:
            def says_so():  # it looks while packets flow
                ping(lab.net["ca"], CB, count=1, seconds=1)
                return "raw sockets from now on, because of a chain of nftables" in lab.a.log()
            wait_for("the log to say so", says_so, 15)
            code, text = ping(lab.net["ca"], CB, count=3, seconds=2)
            demand(code, f"ESP passes a rule that drops it: {text[-200:]}")
            counts = [int(c) for c in re.findall(r"counter packets (\d+)", node.sh("nft", "list", "table", "ip", "fw"))]
            demand(len(counts) == 2 and all(c >= 3 for c in counts), f"the firewall saw {counts} packets")
        finally:
            node.sh("nft", "delete table ip fw")
        must_ping(lab.net["ca"], CB)
        return f"in and out {counts} packets seen by the firewall"


@scenario("link.outer-fragments", needs_keyway=True)
def fragments(lab):
    """What does not fit the link and may be fragmented comes in pieces, once, and the first one as well."""
    ends = (("ga", "w0"), ("gb", "w1"))
    with _tunnel(lab) as b:
        demand(PACKET in lab.a.log() and PACKET in b.log(), "packet sockets are not used")
        capture(lab)
        for n, device in ends:
            lab.net[n].ip("link", "set", device, "mtu", "1300")
        try:
            code, out, err = lab.net["ca"].run("ping", "-n", "-c", "5", "-i", "0.05", "-W", "2", "-w", "6", "-M", "dont", "-s", "1372", CB)
            demand(code == 0 and " 5 received" in out, f"fragmented pings: {(out + err)[-300:]}")
            must_transfer(lab.net["ca"], CB)
        finally:
            for n, device in ends:
                lab.net[n].ip("link", "set", device, "mtu", "1500")
        drops = plane(lab)["drops"]
        demand(not any(drops.get(k) for k in ("replay", "bad_ICV", "unknown_SPI")), f"drops: {drops}")
        return f"5 of 5, drops {drops}"


@scenario("link.neighbour-moves", needs_keyway=True)
def neighbour(lab):
    """The peer has another link-layer address from one moment to the next."""
    with _tunnel(lab):
        lab.net["gb"].ip("link", "set", "w1", "address", "02:00:00:00:77:01")
        time.sleep(1.1)  # the kernel believes an address for a second
        must_ping(lab.net["gb"], A4)  # the kernel of gateway A hears of it
        must_ping(lab.net["ca"], CB)
        must_transfer(lab.net["ca"], CB)
        return str(_demand_clean(lab))
