# SPDX-License-Identifier: Apache-2.0
"""Ends and returns: delete by either side, liveness, crash and restart of either gateway, both starting at once."""
import threading
import time

from rows import PSK
from scenarios import scenario
from scenarios.steps import (CB, bring_up, capture, configure, dark, demand, must_ping, must_transfer, one_child, ping,
                             short_form, stays, topology, until_reply, up, wait_for)


def _deleted(lab, by, role):
    capture(lab)
    up(lab, role)
    (lab.a if by == "Keyway" else lab.b).terminate(ike="net")
    wait_for("both ends to have no SA", lambda: not lab.a.status() and not lab.b.status(), 5, 0.05)
    verdict = dark(lab)
    # It comes back when asked.
    bring_up(lab, role)
    must_ping(lab.net["ca"], CB)
    return str(verdict)


for _by in ("Keyway", "peer"):
    for _role in ("initiator", "responder"):
        def _run(lab, by=_by, role=_role):
            return _deleted(lab, by, role)
        scenario(f"delete.ike.{_role}.by-{_by.lower()}")(_run)


@scenario("delete.child.by-peer")
def child_deleted_by_peer(lab):
    up(lab)
    lab.b.terminate(child="net")
    wait_for("Keyway to have no child", lambda: not lab.a.children(), 5, 0.05)
    return f"{len(lab.a.established())} IKE SA stays"


@scenario("delete.child.by-keyway")
def child_deleted_by_keyway(lab):
    up(lab)
    lab.a.terminate(child="net")
    wait_for("the peer to have no child", lambda: not lab.b.children(), 5, 0.05)
    return f"{len(lab.b.established())} IKE SA stays"


@scenario("children.second-child")
def second_child(lab):
    """CREATE_CHILD_SA for a further child of the same IKE SA: IPv4 and IPv6 side by side."""
    capture(lab)
    six = [{"connections": {"net": {"children": {"six": {
        "local_ts": topology.NET[6][me], "remote_ts": topology.NET[6][1 - me], "esp_proposals": "aes256gcm16"}}}}}
        for me in (0, 1)]
    up(lab, extra_a=six[0], extra_b=six[1])
    if not any(c["name"] == "six" for c in lab.b.children()):
        lab.b.initiate("net", child="six")
    wait_for("two children", lambda: len(lab.b.children()) == 2 == len(lab.a.children()), 5)
    demand(len(lab.b.established()) == 1, "the second child needs no second IKE SA")
    must_ping(lab.net["ca"], topology.CLIENT[6][1])
    must_ping(lab.net["cb"], topology.CLIENT[6][0])
    must_ping(lab.net["ca"], CB)
    return str(dark(lab))


def _window(lab, role):
    """Keyway announces a window of 8 to a peer that takes one request at a time: its children come one by one."""
    capture(lab)
    nets = [f"10.{n}.0.0/24" for n in range(101, 106)]
    more = [{"connections": {"net": {"children": {f"c{i}": {
        ("local_ts", "remote_ts")[me]: net, ("remote_ts", "local_ts")[me]: topology.NET[4][1],
        "esp_proposals": "aes256gcm16", **({"start_action": "start"} if (role == "initiator") == (me == 0) else {})}
        for i, net in enumerate(nets)}}}} for me in (0, 1)]
    more[0]["connections"]["net"]["window"] = "8"
    up(lab, role, extra_a=more[0], extra_b=more[1])
    for i in range(len(nets)):
        if not any(c["name"] == f"c{i}" for c in lab.b.children()):
            (lab.a if role == "initiator" else lab.b).initiate("net", child=f"c{i}")
    wait_for("six children", lambda: len(lab.b.children()) == 6 == len(lab.a.children()), 10)
    demand(len(lab.b.established()) == 1, "all of them need one IKE SA")
    must_ping(lab.net["ca"], CB)
    return f"6 children in one IKE SA; {dark(lab)}"


for _role in ("initiator", "responder"):
    def _run_window(lab, role=_role):
        return _window(lab, role)
    _run_window.__doc__ = _window.__doc__
    scenario(f"children.window.{_role}")(_run_window)


@scenario("children.two-tunnels-one-peer", needs_keyway=True)
def two_tunnels(lab):
    """Two tunnels between the same gateways, IPv4 in one and IPv6 in the other: both stay up."""
    capture(lab)
    peer = short_form_peer()  # which finds no child of another connection: one connection with two children there
    peer["connections"]["net"]["children"]["six"] = {"local_ts": topology.NET[6][1], "remote_ts": topology.NET[6][0]}
    lab.b.load(peer)
    lab.a.load(text=short_form() + short_form(name="six", nets=topology.NET[6]))
    wait_for("both tunnels", lambda: {c["name"] for c in lab.a.children()} == {"net", "six"}, 15)
    stays("two children at the peer", lambda: len(lab.b.children()) == 2, 2, 15)
    must_ping(lab.net["ca"], topology.CLIENT[6][1])
    must_ping(lab.net["ca"], CB)
    return str(dark(lab))


@scenario("children.two-tunnels-one-peer.first-message-lost", needs_keyway=True)
def two_tunnels_after_a_loss(lab):
    """The IKE_AUTH that says INITIAL_CONTACT comes late: the other tunnel must not stand by then, the peer would end it."""
    bridge = lab.net["wire"]
    bridge.sh("nft", "add table bridge loss; add chain bridge loss forward { type filter hook forward priority 0; }; "
              f"add rule bridge loss forward ip saddr {topology.A4} udp dport 4500 numgen inc mod 1000000 0 counter drop")
    try:
        verdict = two_tunnels(lab)
        lost = bridge.sh("nft", "list", "table", "bridge", "loss")
        demand("counter packets 1 " in lost, f"not one message was lost: {lost}")
    finally:
        bridge.sh("nft", "delete table bridge loss")
    return verdict


@scenario("narrowing.keyway-asks-for-more")
def narrowing_initiator(lab):
    return _narrow(lab, "initiator", extra_a={"connections": {"net": {"children": {"net": {"remote_ts": "10.2.0.0/16"}}}}})


@scenario("narrowing.peer-asks-for-more")
def narrowing_responder(lab):
    return _narrow(lab, "responder", extra_b={"connections": {"net": {"children": {"net": {"remote_ts": "10.0.0.0/8"}}}}})


def _narrow(lab, role, **kw):
    up(lab, role, **kw)
    child = one_child(lab.b)
    demand(child["local-ts"] == ["10.2.0.0/24"] and child["remote-ts"] == ["10.1.0.0/24"],
           f"not narrowed: {child['local-ts']} {child['remote-ts']}")
    return "narrowed to what both have"


@scenario("invalid-ke.initiator")
def invalid_ke_initiator(lab):
    return _invalid_ke(lab, "initiator")


@scenario("invalid-ke.responder")
def invalid_ke_responder(lab):
    return _invalid_ke(lab, "responder")


def _invalid_ke(lab, role):
    """The initiator's first group is not the responder's: one retry with the group that it names."""
    mine, other = ("extra_a", "extra_b") if role == "initiator" else ("extra_b", "extra_a")
    up(lab, role, **{
        mine: {"connections": {"net": {"proposals": "aes256gcm16-prfsha256-x25519-ecp256"}}},
        other: {"connections": {"net": {"proposals": "aes256gcm16-prfsha256-ecp256"}}}})
    demand(lab.b.established()[0]["dh-group"] == "ECP_256", "another group than the one both have")
    return "ECP_256 after INVALID_KE_PAYLOAD"


@scenario("liveness.idle-and-well")
def idle_and_well(lab):
    """One end asks the other whether it is there, then the other way round: who is asked has no reason to ask."""
    told = []
    for side, line in (("extra_a", "parsed INFORMATIONAL request"), ("extra_b", "parsed INFORMATIONAL response")):
        lab.reset()
        capture(lab)
        up(lab, **{side: {"connections": {"net": {"dpd_delay": "1s"}}}})
        asked, before = len(lab.b.log()), time.monotonic()
        wait_for("liveness checks", lambda asked=asked, line=line: lab.b.log()[asked:].count(line) >= 3, 30, 0.1)
        told.append(f"{time.monotonic() - before:.1f} s")
        must_ping(lab.net["ca"], CB)
        demand(len(lab.a.established()) == 1 == len(lab.b.established()), "the IKE SA is gone")
        dark(lab)
    return f"asked three times each in {', '.join(told)}"


@scenario("liveness.peer-killed", needs_keyway=True)
def peer_killed(lab):
    capture(lab)
    configure(lab, text=short_form())
    lab.a.wait_up()
    must_ping(lab.net["ca"], CB)
    lab.b.kill()
    start = time.monotonic()
    wait_for("Keyway to notice that its peer is gone", lambda: not lab.a.children(), 60, 0.2)
    took = time.monotonic() - start
    ping(lab.net["ca"], CB, count=5, seconds=2)
    return f"noticed after {took:.0f} s; {dark(lab)}"


@scenario("restart.keyway-killed", needs_keyway=True)
def keyway_killed_and_restarted(lab):
    capture(lab)
    configure(lab, text=short_form())
    lab.a.wait_up()
    must_ping(lab.net["ca"], CB)
    lab.a.kill()
    lab.a.start()
    took = until_reply(lab, 30)
    wait_for("one child at the peer", lambda: len(lab.b.children()) == 1, 10, 0.2)
    return f"traffic {took:.1f} s after the restart, without a command; {dark(lab)}"


@scenario("restart.peer-killed", needs_keyway=True)
def peer_killed_and_restarted(lab):
    capture(lab)
    configure(lab, text=short_form())
    lab.a.wait_up()
    must_ping(lab.net["ca"], CB)
    lab.b.kill()
    time.sleep(1)
    lab.b.start()
    lab.b.load(short_form_peer())
    took = until_reply(lab, 30)
    return f"traffic {took:.1f} s after the restart, without a command; {dark(lab)}"


def short_form_peer(**child):
    """The peer's side of the five-line file."""
    return {"connections": {"net": {
        "version": 2, "local_addrs": topology.B4, "remote_addrs": topology.A4,
        "local": {"auth": "psk"}, "remote": {"auth": "psk"},
        "children": {"net": {"local_ts": topology.NET[4][1], "remote_ts": topology.NET[4][0], **child}}}},
        "secrets": {"ike-lab": {"id-a": topology.A4, "id-b": topology.B4, "secret": PSK}}}


def _both_at_once(lab, unique):
    """Each end starts by itself, at the same moment; one IKE SA and one child remain."""
    capture(lab)
    peer = short_form_peer(start_action="start")
    peer["connections"]["net"]["unique"] = unique
    lab.a.write(text=short_form())
    other = threading.Thread(target=lab.b.load, args=(peer,))
    other.start()
    lab.a.start()
    other.join()
    lab.a.wait_up()
    # On a busy machine the peer may begin its own SA seconds after ours.
    stays("one IKE SA and child at both ends", lambda: all(len(x) == 1 for g in (lab.a, lab.b) for x in (g.status(), g.children())),
          4, 30)
    must_transfer(lab.net["ca"], CB, 1_000_000)
    return f"one IKE SA, one child; {dark(lab)}"


@scenario("start.both-at-once", needs_keyway=True)
def both_at_once(lab):
    return _both_at_once(lab, "no")


@scenario("start.both-at-once.peer-replaces", needs_keyway=True)
def both_at_once_replace(lab):
    return _both_at_once(lab, "replace")


@scenario("start.peer-comes-late", needs_keyway=True)
def peer_comes_late(lab):
    """A tunnel retries for ever, with bounded back-off."""
    lab.b.stop()
    lab.a.load(text=short_form())
    time.sleep(4)
    lab.b.start()
    lab.b.load(short_form_peer())
    return f"traffic {until_reply(lab, 40):.1f} s after the peer came"
