# SPDX-License-Identifier: Apache-2.0
"""On stock kernels of Debian 13 and testing, in QEMU: what they offer beyond the User Mode Linux kernel, and peers that
use it."""
import json
import os

import peers
from rows import HERE, PYTHON
from scenarios import scenario
from scenarios.steps import CA, CB, bring_up, capture, configure, dark, demand, must_ping, must_transfer, topology

BOTH = ("13", "testing")
IF_ID = 42
SIZE = 500_000


def transferred(node, device):
    """(received, sent) bytes of an interface."""
    rows = node.ip("-s", "link", "show", "dev", device).splitlines()
    return tuple(int(rows[i + 1].split()[0]) for i, row in enumerate(rows) if row.strip().startswith(("RX:", "TX:")))


def through_interface(lab):
    """The peer's tunnel is an XFRM interface: its SAs and policies have an if_id, and its routing decides what they
    protect."""
    b = lab.net["gb"]
    b.ip("link", "add", "xfrm0", "type", "xfrm", "dev", "w1", "if_id", str(IF_ID))
    b.ip("link", "set", "xfrm0", "up")
    b.ip("route", "add", topology.NET[4][0], "dev", "xfrm0")


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
    kinds = {"xfrm": ("dev", "w0", "if_id", "9"), "vti": ("local", topology.A4, "remote", topology.B4, "key", "9"), "wireguard": ()}
    for kind, more in kinds.items():
        node.ip("link", "add", "kind0", "type", kind, *more)
        node.ip("link", "del", "kind0")
    has_sim = node.run("modprobe", "netdevsim")[0] == 0
    return f"{os.uname().release}: {'; '.join(f'{k}: {v}' for k, v in found.items())}; netdevsim: {'yes' if has_sim else 'no'}"


def _carries(lab, plane):
    """Keyway against the kernel's ESP of the peer, whose tunnel is an XFRM interface; begun by either end."""
    capture(lab)
    through_interface(lab)
    lab.a.settings = {"dataplane": plane}
    ids = {"if_id_in": IF_ID, "if_id_out": IF_ID}
    configure(lab, extra={"encap": "no"}, extra_b={"connections": {"net": {"children": {"net": ids}}}})
    bring_up(lab, "initiator")
    must_ping(lab.net["ca"], CB)
    lab.a.terminate("net")
    bring_up(lab, "responder")
    must_ping(lab.net["cb"], CA)
    must_transfer(lab.net["ca"], CB, SIZE)
    states = lab.net["gb"].ip("xfrm", "state")
    demand(states.count(f"if_id {IF_ID:#x}") == 2, f"the peer has not two SAs with its if_id: {states[-600:]}")
    counted = transferred(lab.net["gb"], "xfrm0")
    demand(min(counted) > SIZE, f"the interface did not carry the transfer: {counted}")
    verdict = dark(lab)
    demand(verdict.kinds["esp"] and not verdict.kinds["esp-udp"], f"not protocol 50: {dict(verdict.kinds)}")
    return f"the peer's xfrm0 received and sent {counted} bytes; {verdict}"


def new_ip(node, *argv):
    code, out, err = node.run(*peers.fetch_new_iproute(), *argv)
    demand(code == 0, f"ip {' '.join(argv)}: {err}")
    return out


@scenario("qemu.user-plane", kernels=("13",))
def user_plane(lab):
    try:
        return _carries(lab, "user")
    finally:
        lab.net["gb"].ip("link", "del", "xfrm0", check=False)


@scenario("qemu.kernel-plane", kernels=BOTH)
def kernel_plane(lab):
    """The kernel's ESP at both ends. These kernels know which direction an SA is for, and Keyway tells them; it leaves
    nothing behind."""
    node = lab.net["ga"]
    try:
        text = _carries(lab, "kernel")
        states = new_ip(node, "xfrm", "state")
        demand(states.count("dir in") == states.count("dir out") == 1, f"not an SA of each direction: {states[-900:]}")
        lab.a.stop()
        for what in ("state", "policy"):
            left = new_ip(node, "xfrm", what)
            demand(not left.strip(), f"behind it stayed {left[:600]}")
        return text
    finally:
        lab.net["gb"].ip("link", "del", "xfrm0", check=False)
