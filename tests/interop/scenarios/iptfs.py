# SPDX-License-Identifier: Apache-2.0
"""IP-TFS (RFC 9347) on the kernel's data plane. No stock kernel of Debian's has it: what the rows add to that of testing is its
module, made from Debian's own source of that kernel (qemu/module.py). The peer is strongSwan 6.1, whose negotiation and numbers
are its own; the packets are Linux's on both ends. Libreswan 5.2 can be no such peer: it was built with other numbers of the
kernel's attributes than those that Linux got, finds the kernel without IP-TFS, and takes no connection with iptfs=yes. Where
there is no module, or an older kernel, the connection is refused by name."""
import json

import kin
import peers
from qemu import module
from rows import HERE, PYTHON
from scenarios import lsw, scenario
from scenarios.hybrid import newer_peer
from scenarios.steps import (CA, CB, Flood, bring_up, capture, configure, dark, demand, must_ping, must_transfer, one_child, ping,
                             topology)

SIZE = 300_000
PACKET, LARGE = 600, 1300  # of a packet at most, as Linux counts (it leaves the ICV out), and of a ping that does not fit
WAIT = 200_000  # microseconds in which packets are gathered
FEW = 6  # packets in one: of more than eight Linux 7.2 finds none (XfrmInBufferError)
IPTFS = {"connections": {"net": {"children": {"net": {"mode": "iptfs"}}}}}
ROLES = ("initiator", "responder")


def fetch():
    module.fetch("xfrm_iptfs")
    peers.fetch_testing_strongswan()
    peers.fetch_libreswan()


def child(**keys):
    return {"connections": {"net": {"children": {"net": {"mode": "iptfs", **{"iptfs_" + k: v for k, v in keys.items()}}}}}}


def must_refuse(lab, *parts):
    """The connection is loaded, and neither begun nor given to the peer."""
    configure(lab, extra_a=IPTFS, extra_b={})
    code, text = lab.a.initiate("net")
    demand(code == 78, f"exit {code}: {text}")
    for part in parts:
        demand(part in text, f"not '{part}' in: {text}")
    demand(lab.b.initiate("net", seconds=5)[0] != 0, "the peer got it")
    return text.strip().splitlines()[0]


LACKS = ("connection net needs IP-TFS (mode iptfs), and this kernel has none", "CONFIG_XFRM_IPTFS", "Linux ", "mode = tunnel")


@scenario("iptfs.none-in-this-kernel", needs_keyway=True, in_guest=True)
def none(lab):
    """Linux 6.1 refuses the mode."""
    lab.a.settings = {"dataplane": "kernel"}
    return must_refuse(lab, *LACKS)


@scenario("iptfs.not-in-userspace", needs_keyway=True, in_guest=True)
def not_in_userspace(lab):
    lab.a.settings = {"dataplane": "user"}
    return must_refuse(lab, "connection net needs IP-TFS (mode iptfs), which only the kernel does, and dataplane = user")


@scenario("qemu.iptfs-none", kernels=("13", "testing"))
def stock(lab):
    """Linux 6.12 does not know the mode; 7.2 without the module takes it, and does nothing of it."""
    lab.a.settings = {"dataplane": "kernel"}
    return must_refuse(lab, *LACKS)


def load_module(lab):
    """It stays: nothing takes back what its SAs hold of it. What is about a kernel without stands before."""
    lab.a.settings = {"dataplane": "kernel"}
    if "xfrm_iptfs" not in lab.net["ga"].sh("lsmod"):
        lab.net["ga"].sh("insmod", module.path("xfrm_iptfs"))


def seen(lab, name):
    """The SAs and policies of a gateway's kernel, see xfrm_dump.py."""
    code, out, err = lab.net[name].run(PYTHON, HERE + "/xfrm_dump.py")
    demand(code == 0, f"xfrm_dump.py: exit {code}: {err[-600:]}")
    return json.loads(out)


def state(lab, name, direction):
    found = [s for s in seen(lab, name)["states"] if s["direction"] == direction]
    demand(len(found) == 1, f"{name} has {len(found)} SAs for what goes {direction}")
    return found[0]


def must_be(lab, mode):
    """At both ends, for the kernel and for Keyway's users."""
    for name in ("ga", "gb"):
        found = seen(lab, name)
        modes = [s["mode"] for s in found["states"]] + [t["mode"] for p in found["policies"] for t in p.get("templates", ())]
        demand(len(modes) >= 5 and set(modes) == {mode}, f"SAs and templates of {name} are in the modes {modes}")
    demand(one_child(lab.a)["mode"] == mode.upper(), f"Keyway says {one_child(lab.a)}")
    code, out, err = lab.a.cli("status", "net")
    demand(code == 0 and mode.upper() in out.upper(), f"keyway status: {out} {err}")


def must_carry(lab):
    must_ping(lab.net["ca"], CB)
    must_ping(lab.net["cb"], CA)
    must_transfer(lab.net["ca"], CB, SIZE)
    must_transfer(lab.net["cb"], CA, SIZE)


def must_fit(lab):
    """Large packets go in parts, of which none is larger than what the ends were told."""
    pings = kin.Pings(ping, lab.net["ca"], CB, LARGE)
    sizes = kin.esp_lengths(lab.capture.path, pings.begin, pings.end)
    demand(len(sizes) == 2 and all(max(v) <= PACKET for v in sizes.values()), f"ESP of {sizes} for pings of {LARGE} bytes")
    return f"{LARGE}>" + "+".join(str(n) for n in sorted(sizes[topology.A4], reverse=True))


def rekeys(lab):
    for gateway in (lab.a, lab.b):
        kin.rekey_and_wait(gateway)
        must_ping(lab.net["ca"], CB)
    must_be(lab, "iptfs")


def _each(role):
    @scenario(f"qemu.iptfs.strongswan.{role}", kernels=("testing",), fetch=fetch)
    def strongswan(lab):
        """Both ends cut to the same size; the child is rekeyed by each."""
        load_module(lab)
        with newer_peer(lab, kernel=True, iptfs={"packet_size": PACKET}) as b:
            capture(lab)
            configure(lab, extra={"encap": "no"}, extra_a=child(packet_size=PACKET), extra_b=IPTFS)
            bring_up(lab, role)
            must_be(lab, "iptfs")
            must_carry(lab)
            cut = must_fit(lab)
            rekeys(lab)
            return f"strongSwan {b.version}; {cut}; {dark(lab)}"


for _role in ROLES:
    _each(_role)


@scenario("qemu.iptfs.numbers", kernels=("testing",), fetch=fetch)
def numbers(lab):
    """What is configured is what the kernel has; a peer that takes no parts of packets gets none, and is told the same. Packets
    that wait for others are sent together."""
    load_module(lab)
    with newer_peer(lab, kernel=True, iptfs={"accept_fragments": "no", "init_delay": WAIT}):
        capture(lab)
        configure(lab, extra={"encap": "no"}, extra_b=IPTFS,
                  extra_a=child(accept_fragments="no", init_delay=WAIT, drop_time=50_000, reorder_window=9, max_queue_size=77_000))
        bring_up(lab)
        ours, theirs = state(lab, "ga", "out"), state(lab, "gb", "out")
        has = {k: ours.get(k) for k in ("no fragments", "initial delay", "queue size", "packet size")}
        demand(has == {"no fragments": True, "initial delay": WAIT, "queue size": 77_000, "packet size": 0}, f"{has}")
        has = {k: state(lab, "ga", "in").get(k) for k in ("drop time", "reorder window")}
        demand(has == {"drop time": 50_000, "reorder window": 9}, f"{has}")
        demand(theirs.get("no fragments"), f"the peer sends parts: {theirs}")
        told = Flood(lab, FEW, "0.001").must_lose_nothing()
        verdict = dark(lab)
        demand(verdict.kinds["esp"] <= FEW, f"{verdict.kinds['esp']} ESP packets for {told} and their answers")
        return f"{told} in {verdict}"


@scenario("qemu.iptfs.declined", kernels=("testing",), fetch=fetch)
def declined(lab):
    """A peer that has no such mode makes a tunnel, and so does Keyway where it is not asked for."""
    load_module(lab)
    for extra_a, extra_b in ((IPTFS, {}), ({}, IPTFS)):
        with newer_peer(lab, kernel=True):
            configure(lab, extra={"encap": "no"}, extra_a=extra_a, extra_b=extra_b)
            bring_up(lab)
            must_ping(lab.net["ca"], CB)
            must_be(lab, "tunnel")
            lab.a.terminate("net")
    with lsw.peer(lab, IPTFS) as b:
        lsw.carry(lab, b, "initiator")
        demand([s["mode"] for s in seen(lab, "ga")["states"]] == ["tunnel"] * 2, "no tunnel with Libreswan")
    return f"tunnels with strongSwan and Libreswan {b.version}"
