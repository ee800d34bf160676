# SPDX-License-Identifier: Apache-2.0
"""Rekeying with traffic running: nobody may lose a packet, and the new SA must carry it."""
from scenarios import scenario
from scenarios.steps import Flood, capture, dark, demand, one_child, spis, up, wait_for


def _child(lab, role, starter, **kw):
    capture(lab)
    up(lab, role, **kw)
    before = spis(lab.b)
    flood = Flood(lab, goes_on=True)
    (lab.a if starter == "Keyway" else lab.b).rekey(child="net")
    wait_for("the peer to have a new child SA", lambda: spis(lab.b) and not spis(lab.b) & before, 5, 0.05)
    text = flood.must_lose_nothing()
    one_child(lab.b)
    one_child(lab.a)
    verdict = dark(lab)
    new = next(iter(spis(lab.b)))
    demand(verdict.spis[new] > 10, f"the new SA {new} carried {verdict.spis[new]} packets")
    return f"{text}, {len(verdict.spis)} SPIs, {verdict}"


def _ike(lab, role, starter, **kw):
    capture(lab)
    up(lab, role, **kw)
    before = {sa["initiator-spi"] for sa in lab.b.established()}
    flood = Flood(lab, goes_on=True)
    (lab.a if starter == "Keyway" else lab.b).rekey(ike="net")
    wait_for("the peer to have a new IKE SA", lambda: {sa["initiator-spi"] for sa in lab.b.established()} - before, 5, 0.05)
    text = flood.must_lose_nothing()
    wait_for("one IKE SA at each end", lambda: len(lab.b.status()) == 1 == len(lab.a.status()), 5, 0.1)
    one_child(lab.b)
    one_child(lab.a)
    # The new IKE SA rekeys the child that it inherited.
    old = spis(lab.b)
    (lab.a if starter == "Keyway" else lab.b).rekey(child="net")
    wait_for("the inherited child to be rekeyed", lambda: spis(lab.b) and not spis(lab.b) & old, 5, 0.05)
    return f"{text}, {dark(lab)}"


for _role in ("initiator", "responder"):
    for _starter in ("Keyway", "peer"):
        def _run_child(lab, role=_role, starter=_starter):
            return _child(lab, role, starter)

        def _run_ike(lab, role=_role, starter=_starter):
            return _ike(lab, role, starter)
        scenario(f"rekey.child.{_role}.by-{_starter.lower()}")(_run_child)

        def _run_default(lab, role=_role, starter=_starter):
            """Each end has several PRFs and prefers another one: a rekeying must not change it."""
            return _ike(lab, role, starter, ike="default")
        scenario(f"rekey.ike.{_role}.by-{_starter.lower()}")(_run_ike)
        scenario(f"rekey.ike.default-proposals.{_role}.by-{_starter.lower()}")(_run_default)


@scenario("rekey.child.new-key-exchange.by-keyway")
def child_pfs_keyway(lab):
    return _child(lab, "initiator", "Keyway", esp="aes256gcm16-x25519")


@scenario("rekey.child.new-key-exchange.by-peer")
def child_pfs_peer(lab):
    return _child(lab, "initiator", "peer", esp="aes256gcm16-x25519")


@scenario("rekey.child.on-time")
def child_on_time(lab):
    """Soft lifetime: nobody commands the rekey."""
    capture(lab)
    child = {"connections": {"net": {"children": {"net": {"rekey_time": "3s", "life_time": "20s", "rand_time": "0s"}}}}}
    up(lab, extra_a=child)
    before = spis(lab.b)
    flood = Flood(lab, count=450, goes_on=True)
    wait_for("a rekey 3 s after", lambda: spis(lab.b) and not spis(lab.b) & before, 15, 0.05)
    return f"{flood.must_lose_nothing()}, {dark(lab)}"


def _by_volume(lab, **limit):
    """Soft lifetime by volume, counted by Keyway's data plane."""
    capture(lab)
    up(lab, extra_a={"connections": {"net": {"children": {"net": limit}}}})
    before, flood = spis(lab.b), Flood(lab, count=300)
    wait_for("a rekey by volume", lambda: spis(lab.b) and not spis(lab.b) & before, 15, 0.05)
    return f"{flood.must_lose_nothing()}, {dark(lab)}"


@scenario("rekey.child.on-packets", needs_keyway=True)
def child_on_packets(lab):
    return _by_volume(lab, rekey_packets=100, life_packets=5000, rand_packets=0)


@scenario("rekey.child.on-bytes", needs_keyway=True)
def child_on_bytes(lab):
    return _by_volume(lab, rekey_bytes=10_000, life_bytes=1_000_000, rand_bytes=0)


@scenario("rekey.ike.on-time", needs_keyway=True)
def ike_on_time(lab):
    capture(lab)
    up(lab, extra_a={"connections": {"net": {"rekey_time": "3s", "over_time": "20s", "rand_time": "0s"}}})
    before = {sa["initiator-spi"] for sa in lab.b.established()}
    flood = Flood(lab, count=400, goes_on=True)
    wait_for("an IKE rekey 3 s after", lambda: {sa["initiator-spi"] for sa in lab.b.established()} - before, 15, 0.05)
    return f"{flood.must_lose_nothing()}, {dark(lab)}"


def _reauth(lab, by_keyway, keeps):
    """The IKE SA is authenticated again, with traffic running."""
    capture(lab)
    timed = {"connections": {"net": {"reauth_time": "3s", "rekey_time": "0s", "over_time": "20s", "rand_time": "0s"}}}
    if by_keyway:
        lab.a.settings = {} if keeps else {"make_before_break": "no"}
        up(lab, extra_a=timed)
    else:
        up(lab, "responder", extra_b=timed)
    before = {sa["initiator-spi"] for sa in lab.b.established()}
    flood = Flood(lab, count=350, goes_on=True, patience=10 if keeps else 2)

    def is_new():
        now = {sa["initiator-spi"] for sa in lab.b.established()}
        return now and not now & before and len(lab.a.children()) == 1 == len(lab.b.children())
    wait_for("a new IKE SA with a child, and no old one", is_new, 18, 0.05)
    if keeps:
        return f"{flood.must_lose_nothing()}; {dark(lab)}"
    sent, received = flood.finish()
    demand(received > sent // 2, f"{received} of {sent} pings")
    return f"{received} of {sent} pings; {dark(lab)}"


@scenario("reauth.make-before-break.by-keyway", needs_keyway=True)
def reauth_make(lab):
    return _reauth(lab, True, True)


@scenario("reauth.break-before-make.by-keyway", needs_keyway=True)
def reauth_break(lab):
    return _reauth(lab, True, False)


@scenario("reauth.break-before-make.by-peer", needs_keyway=True)
def reauth_by_peer(lab):
    return _reauth(lab, False, False)


def _lifetime(lab, by_keyway):
    """The responder's reauth_time makes the initiator, which has none, authenticate again."""
    capture(lab)
    timed = {"connections": {"net": {"reauth_time": "20s", "rekey_time": "0s", "over_time": "20s", "rand_time": "0s"}}}
    if by_keyway:  # strongSwan begins its over_time earlier than it is told
        early = {"connections": {"net": {"rekey_time": "0s", "over_time": "5s", "rand_time": "0s"}}}
        up(lab, "responder", extra_a=timed, extra_b=early)
    else:  # with an address that it gave away strongSwan cannot begin anew itself, and so says AUTH_LIFETIME
        timed["connections"]["net"]["pools"] = "main"
        up(lab, extra_a={"connections": {"net": {"vips": "0.0.0.0"}}}, extra_b={**timed, "pools": {"main": {"addrs": "10.3.0.0/24"}}})
        demand("wants us to authenticate again within" in lab.a.log(), "the peer did not say within which time")
    before = {sa["initiator-spi"] for sa in lab.b.established()}
    flood = Flood(lab, count=2200, goes_on=True, patience=2 if by_keyway else 10)

    def is_new():
        now = {sa["initiator-spi"] for sa in lab.b.established()}
        return now and not now & before and len(lab.a.children()) == 1 == len(lab.b.children())
    wait_for("a new IKE SA with a child, and no old one", is_new, 38, 0.1)
    if not by_keyway:
        return f"{flood.must_lose_nothing()}; {dark(lab)}"
    sent, received = flood.finish()
    demand(received > sent // 2, f"{received} of {sent} pings")
    return f"{received} of {sent} pings; {dark(lab)}"


@scenario("lifetime.said-by-keyway", needs_keyway=True)
def lifetime_said(lab):
    return _lifetime(lab, True)


@scenario("lifetime.said-by-peer", needs_keyway=True)
def lifetime_heard(lab):
    return _lifetime(lab, False)
