# SPDX-License-Identifier: Apache-2.0
"""On stock kernels of Debian 13 and testing, in QEMU: what they offer beyond the User Mode Linux kernel, and peers that
use it."""
import json
import os

import peers
from rows import HERE, PYTHON
from scenarios import scenario
from scenarios.steps import CA, CB, bring_up, capture, configure, dark, demand, must_ping, must_transfer, topology
from scenarios.updown import guard, rules

BOTH = ("13", "testing")
IF_ID = 42
SIZE = 500_000


def transferred(node, device):
    """(received, sent) bytes of an interface."""
    rows = node.ip("-s", "link", "show", "dev", device).splitlines()
    return tuple(int(rows[i + 1].split()[0]) for i, row in enumerate(rows) if row.strip().startswith(("RX:", "TX:")))


class Interface:
    """A gateway's tunnel is an XFRM interface: its SAs and policies have an if_id, and its routing decides what they
    protect."""

    def __init__(self, node, device, far):
        self.node = node
        node.ip("link", "add", "xfrm0", "type", "xfrm", "dev", device, "if_id", str(IF_ID))
        node.ip("link", "set", "xfrm0", "up")
        node.ip("route", "add", far, "dev", "xfrm0")

    def must_carry(self, size):
        states = self.node.ip("xfrm", "state")
        demand(states.count(f"if_id {IF_ID:#x}") == 2, f"{self.node.name} has not two SAs with its if_id: {states[-600:]}")
        counted = transferred(self.node, "xfrm0")
        demand(min(counted) > size, f"the interface of {self.node.name} did not carry the transfer: {counted}")
        return f"xfrm0 of {self.node.name} received and sent {counted} bytes"

    def remove(self):
        self.node.ip("link", "del", "xfrm0", check=False)


# Fewer would be a loss of what rows build upon; more is printed.
OFFERED = ("nothing more", "if_id", "set mark", "direction", "processor")


@scenario("qemu.offers", kernels=BOTH)
def offers(lab):
    """What SAs can have on this kernel, and which kinds of interface there are."""
    node = lab.net["ga"]
    code, out, err = node.run(PYTHON, HERE + "/xfrm_probe.py", "w0")
    demand(code == 0, f"xfrm_probe.py: exit {code}: {err[-600:]}")
    found = json.loads(out)
    lost = [thing for thing in OFFERED if found[thing] != "yes"]
    demand(not lost, f"no {', '.join(lost)}: {found}")
    kinds = {"xfrm": ("dev", "w0", "if_id", "9"), "vti": ("local", topology.A4, "remote", topology.B4, "key", "9")}
    for kind, more in kinds.items():
        node.ip("link", "add", "kind0", "type", kind, *more)
        node.ip("link", "del", "kind0")
    has_sim = node.run("modprobe", "netdevsim")[0] == 0
    return f"{os.uname().release}: {'; '.join(f'{k}: {v}' for k, v in found.items())}; netdevsim: {'yes' if has_sim else 'no'}"


IDS = {"connections": {"net": {"children": {"net": {"if_id_in": IF_ID, "if_id_out": IF_ID}}}}}


OPENS = {"connections": {"net": {"children": {"net": {"firewall": True}}}}}


def must_be_open(lab):
    """For the kernel's SAs of the child, in two firewalls that drop what is forwarded."""
    found = rules(lab)
    demand(len(found) == 4 and sum("ipsec in reqid" in r for r in found) == sum("ipsec out reqid" in r for r in found) == 2,
           f"the firewall's rules are {found}")


def carries(lab, plane, has_interface=False):
    """Keyway against a peer whose tunnel is an XFRM interface, and so may be Keyway's, which has a firewall else; begun by
    either end."""
    node, inside = lab.net["ga"], topology.NET[4]
    capture(lab)
    interfaces = [Interface(lab.net["gb"], "w1", inside[0])]
    try:
        if has_interface:
            interfaces.append(Interface(node, "w0", inside[1]))
        lab.a.settings = {"dataplane": plane}
        if not has_interface:
            guard(lab)
        configure(lab, extra={"encap": "no"}, extra_a=IDS if has_interface else OPENS, extra_b=IDS)
        bring_up(lab, "initiator")
        must_ping(lab.net["ca"], CB)
        lab.a.terminate("net")
        bring_up(lab, "responder")
        must_ping(lab.net["cb"], CA)
        must_transfer(lab.net["ca"], CB, SIZE)
        told = [i.must_carry(SIZE) for i in interfaces]
        if plane == "kernel" and not has_interface:
            must_be_open(lab)
        if plane == "kernel":
            states = new_ip(node, "xfrm", "state")
            demand(states.count("dir in") == states.count("dir out") == 1, f"not an SA of each direction: {states[-900:]}")
        verdict = dark(lab)
        demand(verdict.kinds["esp"] and not verdict.kinds["esp-udp"], f"not protocol 50: {dict(verdict.kinds)}")
        lab.a.stop()
        demand(not rules(lab), f"behind Keyway stayed {rules(lab)}")
        for what in ("state", "policy"):
            left = new_ip(node, "xfrm", what)
            demand(not left.strip(), f"behind Keyway stayed {left[:600]}")
        return f"{'; '.join(told)}; {verdict}"
    finally:
        node.sh("nft", "flush", "ruleset")
        for i in interfaces:
            i.remove()


def new_ip(node, *argv):
    """Debian 13's, which shows what older ones do not know."""
    code, out, err = node.run(*peers.fetch_new_iproute(), *argv)
    demand(code == 0, f"ip {' '.join(argv)}: {err}")
    return out


# These kernels know which direction an SA is for, and Keyway tells them. Nothing stays behind it.
for _name, _kernels, _more in (("user-plane", ("13",), ("user",)), ("kernel-plane", ("testing",), ("kernel",)),
                               ("xfrm-interface", BOTH, ("kernel", True))):
    scenario(f"qemu.{_name}", kernels=_kernels)(lambda lab, more=_more: carries(lab, *more))
