# SPDX-License-Identifier: Apache-2.0
"""Gateways that move while the kernel's IPsec at both ends carries pings: Keyway's own address, the peer's, a NAT's port (on
stock kernels: the other guest's has no NAT). The SAs stay, their numbers go on, and no packet is seen as a repetition."""
import re

from scenarios import scenario
from scenarios.kernel_plane import alone, policies, states
from scenarios.roam import (HOME, INTERVAL, NEXT, WITH, WITHOUT, begin, encrypted, gateway, have_moved, home, must_be_the_same, other,
                            put_back, readdress, rebind)
from scenarios.steps import CA, CB, Flood, demand, must_ping, topology, wait_for
from scenarios.xfrm import BY_KERNEL, BY_US

MOST = 3  # seconds without answers
PLAIN_ESP = {"encap": "no"}


def numbers(lab, side):
    """{SPI: the last number that the kernel sent with it}; 0: of a packet that waits for an SA."""
    found = {}
    for block in re.split(r"^(?=src )", lab.net[side].ip("-s", "xfrm", "state"), flags=re.M):
        spi, oseq = re.search(r"spi (0x\w+)", block), re.search(r"\boseq 0x(\w+)", block)
        if spi and oseq:
            found[spi[1]] = int(oseq[1], 16)
    return found


def repeated(lab):
    """What both kernels dropped as repetitions."""
    stats = [lab.net[side].sh("cat", "/proc/net/xfrm_stat") for side in ("ga", "gb")]
    return [int(re.search(r"XfrmInStateSeqError\s+(\d+)", text)[1]) for text in stats]


class Numbers:
    """Of Keyway's kernel: the same SAs before and after, with numbers that never go back."""

    def __init__(self, lab):
        self.lab, self.before, self.repeated = lab, numbers(lab, "ga"), repeated(lab)

    def must_go_on(self):
        wait_for("nothing to wait for an SA at the old place", lambda: "0x00000000" not in numbers(self.lab, "ga"), 5, 0.1)
        after = numbers(self.lab, "ga")
        demand(after.keys() == self.before.keys(), f"other SAs: {self.before} became {after}")
        demand(all(after[spi] >= n for spi, n in self.before.items()) and max(after.values()) > max(self.before.values()),
               f"numbers went from {self.before} to {after}")
        demand(repeated(self.lab) == self.repeated, f"repetitions were dropped: {self.repeated} became {repeated(self.lab)}")


def must_say(lab, way):
    said = [line for line in lab.a.log().splitlines() if "SA with SPI" in line and "moved" in line]
    demand(len(said) >= 2 and all(way in line for line in said), f"not {way}: {said}")


def lost(flood, most=MOST):
    sent, received = flood.finish()
    seconds = (sent - received) * INTERVAL
    demand(seconds <= most, f"{seconds:.2f} s of {sent} pings lost, at most {most} are allowed")
    return f"{sent - received} of {sent} pings lost"


def moves(lab, mover, starter, way):
    alone(lab)
    before = begin(lab, starter, more=PLAIN_ESP)
    kept = Numbers(lab)
    with home(lab, mover):
        flood = Flood(lab, count=50, patience=2, goes_on=True)
        flood.wait("answered")
        readdress(lab, mover, NEXT[mover])
        wait_for("both ends to know of it", lambda: have_moved(lab, mover), 15, 0.05)
        text = lost(flood)
        must_ping(lab.net["cb"], CA)
        must_ping(lab.net["ca"], CB)
        must_be_the_same(lab, before)
        kept.must_go_on()
        must_say(lab, way)
        left = re.findall(rf"\b{HOME[mover]}\b", lab.net["ga"].ip("xfrm", "policy"))
        demand(not left, f"policies of the old address: {policies(lab)}")
        return f"{text}; {encrypted(lab)}"


for _mover, _who in (("a", "keyway"), ("b", "peer")):
    for _starter, _role in (("a", "initiator"), ("b", "responder")):
        def _run(lab, mover=_mover, starter=_starter):
            return moves(lab, mover, starter, BY_US)
        scenario(f"kernelplane.roams.{_who}-moves.{_role}", needs_keyway=True, in_guest=True)(_run)

    def _run_there(lab, mover=_mover):
        return moves(lab, mover, mover, BY_KERNEL)
    scenario(f"qemu.roams.{_who}-moves", kernels=("testing",))(_run_there)


def ports(lab):
    """Of the SAs in Keyway's kernel."""
    return set(re.findall(r"espinudp sport (\d+) dport (\d+)", lab.net["ga"].ip("xfrm", "state")))


def rebinds(lab, mobike, way):
    """The peer's NAT has another port for it: with MOBIKE the peer says so, else its packets do."""
    alone(lab)
    topology.masquerade(lab.net)
    begin(lab, "b", mobike, addresses=(topology.A4, topology.NAT_INNER))
    kept, old = Numbers(lab), ports(lab)
    with put_back(lab, "wire", "wa", [HOME["b"] + "/24"]):
        flood = Flood(lab, count=50, patience=2, node="cb", target=CA, goes_on=True)
        flood.wait("answered")
        rebind(lab, "b")
        wait_for("the SAs to have another port", lambda: len(ports(lab)) == 2 and not ports(lab) & old, 20, 0.05)
        text = lost(flood, 7)
        must_ping(lab.net["ca"], CB)
        kept.must_go_on()
        must_say(lab, way)
        return f"{text}; {old} became {ports(lab)}; {encrypted(lab)}"


@scenario("qemu.nat-rebinds.mobike", shape="nat-b", kernels=("13",))
def rebinds_with_mobike(lab):
    return rebinds(lab, WITH, BY_US)


@scenario("qemu.nat-rebinds.without-mobike", shape="nat-b", kernels=("testing",))
def rebinds_without_mobike(lab):
    return rebinds(lab, WITHOUT, BY_KERNEL)
