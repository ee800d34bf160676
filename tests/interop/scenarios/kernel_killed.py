# SPDX-License-Identifier: Apache-2.0
"""A peer that is killed and started again, with the kernel's IPsec at both ends, whose SAs and policies outlive it. When the
peer begins anew, Keyway learns of it by INITIAL_CONTACT; else by its liveness checks, once no ESP comes any more either: what
the peer's kernel goes on sending is a sign of life [RFC7296#2.4]."""
import os
import time

from gateways import merged
from libreswan import NAME, Libreswan
from scenarios import scenario
from scenarios.kernel_plane import NO_UDP, alone, is_back, policies, states
from scenarios.lsw import KEYS, SECRET
from scenarios.steps import CA, capture, dark, demand, must_ping, sides, wait_for

SECONDS = {"initiator": 2 + 15 + 4, "responder": 8}  # until there are other SAs; liveness checks take 15


def ours(begins):
    child = {"dpd_action": "restart", **({"start_action": "start"} if begins else {})}
    return {"connections": {"net": {"dpd_delay": "2s", "children": {"net": child}}}}


class Swan:
    """It clears nothing away when it starts: what is left in its kernel stays until it expires."""
    clears = False

    def __init__(self, lab, tree, files, begins):
        self.gateway, self.files = lab.b, files
        self.tree = merged(tree, {"connections": {"net": {"children": {"net": {"start_action": "start"}}}}}) if begins else tree

    def start(self):
        if not self.gateway.is_running():
            self.gateway.start()
        self.gateway.load(self.tree, self.files)

    def count(self):
        return len(self.gateway.status())

    def end(self):
        self.gateway.terminate_now()


class Pluto:
    """It takes away what its kernel has when it starts."""
    clears = True

    def __init__(self, lab, tree, files, begins):
        lab.b.stop()
        self.gateway, self.begins = Libreswan(lab.net["gb"], os.path.join(lab.work, "libreswan"), "gateway B"), begins

    def start(self):
        self.gateway.start({NAME: merged(KEYS, {"authby": "secret", "initial-contact": "yes"})}, SECRET)
        if self.begins:
            self.gateway.whack("--name", NAME, "--initiate", "--asynchronous")

    def count(self):
        return self.gateway.whack("--showstates")[1].count("ESTABLISHED_IKE_SA")

    def end(self):
        self.gateway.stop(5)


def spis(lab, side):
    return {s[2] for s in states(lab, side)}


def killed(lab, kind, role):
    alone(lab)
    capture(lab)
    begins = role == "initiator"
    (tree_a, files_a), (tree_b, files_b) = sides(esp="aes256gcm16-x25519", extra=NO_UDP, extra_a=ours(begins))
    peer = kind(lab, tree_b, files_b, not begins)
    try:
        if not begins:
            lab.a.load(tree_a, files_a)
        peer.start()
        if begins:
            lab.a.load(tree_a, files_a)
        wait_for("the tunnel", lambda: is_back(lab), 15, 0.05)
        before = spis(lab, "ga")
        demand(len(before) == 2 and before == spis(lab, "gb"), f"not two SAs: {before}, {spis(lab, 'gb')}")
        peer.gateway.kill()
        demand(spis(lab, "gb") == before, "the kernel lost its SAs by itself")
        began = time.monotonic()
        peer.start()
        wait_for("other SAs", lambda: len(spis(lab, "ga") - before) == 2, SECONDS[role], 0.1)
        took = time.monotonic() - began
        wait_for("traffic", lambda: is_back(lab), 3, 0.05)
        must_ping(lab.net["cb"], CA)
        wait_for("the SAs from before to be gone", lambda: not before & spis(lab, "ga"), 5, 0.1)
        now, there = spis(lab, "ga"), spis(lab, "gb")
        demand(len(now) == 2 and len(policies(lab)) == 3, f"{now}; {policies(lab)}")
        demand(there - before == now and not (peer.clears and there & before), f"the peer's kernel has {there}, Keyway's {now}")
        demand(len(lab.a.status()) == 1 == peer.count(), f"IKE SAs: {len(lab.a.status())} of Keyway's, {peer.count()} of the peer's")
        return f"other SAs {took:.1f} s after the peer's start; {dark(lab)}"
    finally:
        peer.end()
        for what in ("state", "policy"):
            lab.net["gb"].ip("xfrm", what, "flush")


for _name, _kind in (("strongswan", Swan), ("libreswan", Pluto)):
    for _role in ("initiator", "responder"):
        def _run(lab, kind=_kind, role=_role):
            return killed(lab, kind, role)
        scenario(f"kernelplane.peer-killed.{_name}.{_role}", needs_keyway=True, in_guest=True)(_run)
