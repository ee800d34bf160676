# SPDX-License-Identifier: Apache-2.0
"""Libreswan's own interfaces at the other end, made and routed to by its own script: a VTI, in both its versions, and on a stock
kernel an XFRM interface (ipsec-interface). Keyway has none, or one of its own."""
import peers
from scenarios import scenario
from scenarios.interfaces import OURS, has, must_carry
from scenarios.kernel_plane import alone
from scenarios.lsw import begin, peer
from scenarios.steps import dark, demand, wait_for

VTI = {"authby": "secret", "mark": "5/0xffffffff", "vti-interface": "vti5", "vti-routing": "yes"}
XFRMI = {"authby": "secret", "ipsec-interface": "5"}
OUR_VTI = {"tunnel_interface": "vti6", "tunnel_interface_kind": "vti", "mark_in": 6, "mark_out": 6}


def updown(fetch):
    return {"keyexchange": None, "ikev2": "insist", "leftupdown": fetch()[0] + peers.LIBRESWAN_DIR + "/_updown.xfrm"}


def carries(lab, fetch, keys, extra_a, theirs, ours=None):
    """Begun by either end; the interfaces of both carry all of it."""
    gb = lab.net["gb"]
    with peer(lab, extra_a, {**keys, **updown(fetch)}, fetch=fetch) as b:
        try:
            for role in ("initiator", "responder"):
                begin(lab, b, role)
                told = [must_carry(lab, theirs, side="gb")] + ([must_carry(lab, ours)] if ours else [])
                (lab.a if role == "initiator" else b).terminate("net")
                wait_for("the tunnel to go", lambda: not lab.a.established(), 5, 0.05)
            verdict = dark(lab)
        finally:
            gb.ip("link", "del", theirs, check=False)
        demand(not ours or has(lab.net["ga"], ours), f"{ours} went with the tunnel")
        return f"Libreswan {b.version}: {'; '.join(told)}; {verdict}"


@scenario("lsw.vti.plain", needs_keyway=True, in_guest=True)
def plain(lab):
    return carries(lab, peers.fetch_libreswan, VTI, None, "vti5")


@scenario("lsw.vti.both", needs_keyway=True, in_guest=True)
def both(lab):
    """A VTI at each end, and Libreswan 4.10."""
    alone(lab)
    return carries(lab, peers.fetch_old_libreswan, VTI, {"connections": {"net": {"children": {"net": OUR_VTI}}}}, "vti5", "vti6")


@scenario("qemu.libreswan-interface.plain", kernels=("13",))
def xfrmi_plain(lab):
    lab.a.settings = {"dataplane": "kernel"}
    return carries(lab, peers.fetch_libreswan, XFRMI, None, "ipsec5")


@scenario("qemu.libreswan-interface.both", kernels=("13",))
def xfrmi_both(lab):
    """An XFRM interface at each end."""
    lab.a.settings = {"dataplane": "kernel"}
    return carries(lab, peers.fetch_libreswan, XFRMI, OURS, "ipsec5", "ipsec1")
