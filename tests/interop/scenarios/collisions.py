# SPDX-License-Identifier: Apache-2.0
"""Both ends begin before either has its answer (RFC 7296 sections 2.8.1, 2.8.2, 2.25): rekeyings and deletes that meet.
The wire drops IKE until both have asked, then its responses alone, so that the requests cross."""
import re
import threading

from scenarios import scenario
from scenarios.steps import (CB, Flood, capture, dark, demand, must_ping, must_transfer, one_child, spis,
                             stays, topology, up, wait_for)

NODE = topology.WIRE[0]


class Mute:
    """Drops IKE on port 4500, by the non-ESP marker; then its responses, by their flag. Counts each end's requests."""

    IKE, REQUEST, RESPONSE = "@th,64,32 0", "@th,248,8 & 0x20 == 0", "@th,248,8 & 0x20 == 0x20"
    ENDS = (topology.A4, topology.B4)

    def __init__(self, lab):
        self.node = lab.net[NODE]

    def requests(self, verdict):
        rules = [f"ip saddr {end} udp dport 4500 {self.IKE} {self.REQUEST} counter {verdict}" for end in self.ENDS]
        rules.append(f"udp dport 4500 {self.IKE} {self.RESPONSE} drop")
        self.node.sh("nft", "flush chain bridge mute forward; " + "; ".join(f"add rule bridge mute forward {r}" for r in rules))

    def has_seen_both(self):
        counts = re.findall(r"counter packets (\d+)", self.node.sh("nft", "list", "table", "bridge", "mute"))
        return len(counts) == 2 and "0" not in counts

    def __enter__(self):
        self.node.sh("nft", "add table bridge mute; add chain bridge mute forward { type filter hook forward priority 0; }")
        self.requests("drop")
        return self

    def __exit__(self, *_):
        self.node.sh("nft", "delete", "table", "bridge", "mute", check=False)


def both(lab, at_a, at_b):
    """Runs both. Either may be refused: the other end's request is what comes through."""
    done = []

    def quietly(function):
        try:
            function()
        except Exception as e:  # pylint: disable=broad-except
            done.append(str(e))
    threads = [threading.Thread(target=quietly, args=(f,)) for f in (at_a, at_b)]
    with Mute(lab) as mute:
        for t in threads:
            t.start()
        wait_for("both ends to ask", mute.has_seen_both, 10)
        mute.requests("accept")
        # whose IKE SA was deleted by the other's request asks no more
        wait_for("the requests to cross", lambda: mute.has_seen_both() or not all(g.status() for g in (lab.a, lab.b)), 10)
    for t in threads:
        t.join(20)
    return done


def settle(lab, old_children=(), old_ike=(), seconds=40):
    def is_settled():
        a, b = lab.a.children(), lab.b.children()
        sas = lab.a.established(), lab.b.established()
        # the peer may wait for the Delete of an IKE SA whose making we never heard of
        return (len(a) == len(b) == 1 and len(lab.a.status()) == 1 and len(sas[0]) == len(sas[1]) == 1 and
                a[0]["spi-in"] == b[0]["spi-out"] and a[0]["spi-out"] == b[0]["spi-in"] and
                sas[0][0]["initiator-spi"] == sas[1][0]["initiator-spi"] and not spis(lab.b) & set(old_children) and
                sas[1][0]["initiator-spi"] not in old_ike)
    stays("the same one IKE SA and child at both ends, new ones", is_settled, 1.5, seconds)


def begin(lab):
    lab.a.settings = {"retransmit_timeout": "1", "retransmit_base": "1.3", "retransmit_tries": "8"}
    capture(lab)
    up(lab)
    return spis(lab.b), {sa["initiator-spi"] for sa in lab.b.established()}


def must_have_met(lab):
    demand("collision" in lab.b.log(), "the peer saw no collision: nothing is proven")


@scenario("collide.child-rekeys", needs_keyway=True)
def child_rekeys(lab):
    children, _ = begin(lab)
    flood = Flood(lab, count=500)
    both(lab, lambda: lab.a.rekey(child="net"), lambda: lab.b.rekey(child="net"))
    settle(lab, old_children=children)
    must_have_met(lab)
    text = flood.must_lose_nothing()
    must_transfer(lab.net["ca"], CB, 1_000_000)
    return f"{text}; {dark(lab)}"


@scenario("collide.ike-rekeys", needs_keyway=True)
def ike_rekeys(lab):
    _, ike = begin(lab)
    flood = Flood(lab, count=500)
    both(lab, lambda: lab.a.rekey(ike="net"), lambda: lab.b.rekey(ike="net"))
    settle(lab, old_ike=ike, seconds=80)  # for 30 s Keyway waits for the Delete of an SA that the peer may not know
    must_have_met(lab)
    text = flood.must_lose_nothing()
    old = spis(lab.b)
    lab.a.rekey(child="net")
    settle(lab, old_children=old)
    return f"{text}; {dark(lab)}"


def _mixed(lab, at_a, at_b):
    begin(lab)
    flood = Flood(lab, count=500)
    both(lab, at_a, at_b)
    settle(lab)
    text = flood.must_lose_nothing()
    must_ping(lab.net["cb"], topology.CLIENT[4][0])
    return f"{text}; {dark(lab)}"


@scenario("collide.child-rekey.peers-ike-rekey", needs_keyway=True)
def child_and_ike(lab):
    return _mixed(lab, lambda: lab.a.rekey(child="net"), lambda: lab.b.rekey(ike="net"))


@scenario("collide.ike-rekey.peers-child-rekey", needs_keyway=True)
def ike_and_child(lab):
    return _mixed(lab, lambda: lab.a.rekey(ike="net"), lambda: lab.b.rekey(child="net"))


def _deleted(lab, at_a, at_b, ike_goes):
    begin(lab)
    both(lab, at_a, at_b)
    if ike_goes:
        wait_for("both ends to have no SA", lambda: not lab.a.status() and not lab.b.status(), 40, 0.1)
    else:
        wait_for("both ends to have no child", lambda: not lab.a.children(None) and not lab.b.children(None), 40, 0.1)
    ours, theirs = len(lab.a.status()), len(lab.b.status())
    demand(ours == theirs, f"IKE SAs: {ours} at Keyway, {theirs} at the peer")
    code, text = lab.a.initiate("net")
    demand(code == 0, f"it does not come up again: {text[-300:]}")
    must_ping(lab.net["ca"], CB)
    return "gone at both ends, and up again"


for _name, _a, _b, _ike in (
        ("child-rekey.peers-child-delete", ("rekey", "child"), ("terminate", "child"), False),
        ("child-delete.peers-child-rekey", ("terminate", "child"), ("rekey", "child"), False),
        ("child-delete.peers-child-delete", ("terminate", "child"), ("terminate", "child"), False),
        ("ike-rekey.peers-ike-delete", ("rekey", "ike"), ("terminate", "ike"), True),
        ("ike-delete.peers-ike-rekey", ("terminate", "ike"), ("rekey", "ike"), True),
        ("ike-delete.peers-ike-delete", ("terminate", "ike"), ("terminate", "ike"), True),
        ("ike-rekey.peers-child-delete", ("rekey", "ike"), ("terminate", "child"), False)):
    def _run(lab, a=_a, b=_b, ike=_ike):
        return _deleted(lab, lambda: getattr(lab.a, a[0])(**{a[1]: "net"}), lambda: getattr(lab.b, b[0])(**{b[1]: "net"}), ike)
    scenario(f"collide.{_name}", needs_keyway=True)(_run)
