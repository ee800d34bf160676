# SPDX-License-Identifier: Apache-2.0
"""Additional key exchanges (RFC 9242, RFC 9370) with a strongSwan that has them: Debian testing's, with ML-KEM. In both
roles: by default, several of them, and what IKE_FOLLOWUP_KE carries when the IKE SA or a child is rekeyed. Where Debian
testing offers no such strongSwan they are not run, and say so. The default with a strongSwan that lacks them is here, too.
"""
import contextlib

from gateways import TestingStrongSwan
from scenarios import scenario
from scenarios.steps import Flood, capture, dark, demand, one_child, spis, up, wait_for

HYBRID = "aes256gcm16-prfsha384-x25519-ke1_mlkem768"
SEVERAL = HYBRID + "-ke2_ecp384-ke4_modp3072"
CHILD = "aes256gcm16-x25519-ke1_mlkem768"
DEFAULT = {"connections": {"net": {"proposals": "default"}}}


@contextlib.contextmanager
def newer_peer(lab, plugins="", kernel=False, **settings):
    """Debian testing's strongSwan in the place of the lab's own."""
    old = lab.b
    peer = TestingStrongSwan(old.node, old.dir + "-testing", "gateway B", kernel)
    peer.CRYPTO += plugins
    peer.settings.update(settings)
    old.stop()
    lab.b = peer
    try:
        peer.start()
        yield peer
    finally:
        peer.stop()
        lab.b = old


def methods(gateway):
    """The additional key exchanges of its IKE SA and of its child, as vici tells them."""
    sa = gateway.established()[0]
    child = one_child(gateway)  # strongSwan shows the deleted one, too
    return tuple([w[k] for k in sorted(w) if k.startswith("ake")] for w in (sa, child))


def agree(lab, ike, child):
    for gateway in (lab.a, lab.b):
        demand(methods(gateway) == (ike, child),
               f"{gateway.kind} has additional key exchanges {methods(gateway)}, expected {(ike, child)}")


def _up(lab, role, proposals, chosen, extra_a=None, esp="aes256gcm16"):
    with newer_peer(lab) as peer:
        capture(lab)
        up(lab, role, ike=proposals, esp=esp, extra_a=extra_a)
        agree(lab, chosen, [])
        return f"strongSwan {peer.version}, {', '.join(chosen)}, {dark(lab)}"


def _rekey(lab, role, starter, what):
    with newer_peer(lab) as peer:
        capture(lab)
        up(lab, role, ike=HYBRID, esp=CHILD)
        flood = Flood(lab, goes_on=True)
        begins = lab.a if starter == "keyway" else lab.b
        if what == "child":
            before = spis(lab.b)
            begins.rekey(child="net")
            wait_for("the peer to have a new child SA", lambda: spis(lab.b) and not spis(lab.b) & before, 5, 0.05)
        else:
            before = {sa["initiator-spi"] for sa in lab.b.established()}
            begins.rekey(ike="net")
            wait_for("the peer to have a new IKE SA",
                     lambda: {sa["initiator-spi"] for sa in lab.b.established()} - before, 5, 0.05)
        text = flood.must_lose_nothing()
        wait_for("one IKE SA at each end", lambda: len(lab.b.status()) == 1 == len(lab.a.status()), 5, 0.1)
        one_child(lab.a)
        one_child(lab.b)
        agree(lab, ["ML_KEM_768"], ["ML_KEM_768"] if what == "child" else [])
        return f"strongSwan {peer.version}, {text}, {dark(lab)}"


def _crossing(lab, what):
    """Both ends rekey the same at once, again and again: one of each must stay."""
    with newer_peer(lab) as peer:
        up(lab, "initiator", ike=HYBRID, esp=CHILD)
        flood = Flood(lab, goes_on=True)
        for _ in range(4):
            with contextlib.suppress(Exception):
                lab.b.rekey(**{what: "net"})
            lab.a.rekey(**{what: "net"})
            wait_for("one IKE SA with one child at each end", lambda: all(
                len(g.status()) == 1 == len(g.established()) and len(g.children()) == 1 == len(g.children(None))
                for g in (lab.a, lab.b)), 25, 0.2)
        return f"strongSwan {peer.version}, {flood.must_lose_nothing()}"


for _role in ("initiator", "responder"):
    scenario(f"hybrid.default.{_role}", needs_keyway=True)(
        lambda lab, role=_role: _up(lab, role, HYBRID, ["ML_KEM_768"], DEFAULT))
    scenario(f"hybrid.several.{_role}")(
        lambda lab, role=_role: _up(lab, role, SEVERAL, ["ML_KEM_768", "ECP_384", "MODP_3072"]))
    for _starter in ("keyway", "peer"):
        for _what in ("child", "ike"):
            scenario(f"hybrid.rekey.{_what}.{_role}.by-{_starter}")(
                lambda lab, role=_role, starter=_starter, what=_what: _rekey(lab, role, starter, what))
for _what in ("child", "ike"):
    scenario(f"hybrid.crossing.{_what}")(lambda lab, what=_what: _crossing(lab, what))


def _fallback(lab, role):
    """The same attempt ends without them."""
    up(lab, role, ike="default")
    agree(lab, [], [])
    sa = lab.b.established()[0]
    demand(sa["dh-group"] == "CURVE_25519", f"{sa['dh-group']} was chosen")
    return f"{sa['encr-alg']}_{sa['encr-keysize']}/{sa['prf-alg']}/{sa['dh-group']}"


for _role in ("initiator", "responder"):
    scenario(f"hybrid.fallback.{_role}", needs_keyway=True)(lambda lab, role=_role: _fallback(lab, role))
