# SPDX-License-Identifier: Apache-2.0
"""When tunnels come and go by themselves: traps, close_action, dpd_action, inactivity, and which of two IKE SAs with
one peer stays."""
import time

from scenarios import scenario
from scenarios.steps import (CB, Flood, bring_up, capture, configure, dark, demand, must_ping, one_child, short_form,
                             stays, topology, until_reply, up, wait_for)

FEW = 6  # packets that come before the tunnel can: the queue of a trap takes 8


def child(**keys):
    """For extra_a, extra_b: keys of the one child."""
    return {"connections": {"net": {"children": {"net": keys}}}}


def no_sa(gateway):
    return not gateway.status()


def is_waiting(lab):
    code, out, err = lab.a.cli("status")
    demand(code == 0, f"keyway status: exit {code}: {err}")
    return "waiting" in out and "net for a packet" in out


# ---- traps

def first_packets(lab):
    """They start the tunnel, and all of them arrive."""
    return Flood(lab, count=FEW, interval="0.01").must_lose_nothing()


@scenario("trap.first-packets", needs_keyway=True)
def trap_first_packets(lab):
    capture(lab)
    configure(lab, extra_a=child(start_action="trap"))
    demand(is_waiting(lab) and no_sa(lab.a), "the trap is not set, or something came up without a packet")
    text = first_packets(lab)
    one_child(lab.a)
    one_child(lab.b)
    lab.a.terminate(ike="net")
    wait_for("both ends to have no SA", lambda: no_sa(lab.a) and no_sa(lab.b), 5, 0.05)
    again = first_packets(lab)
    return f"{text}; after a delete {again}; {dark(lab)}"


@scenario("trap.first-packets.short-form", needs_keyway=True)
def trap_short_form(lab):
    configure(lab, text=short_form(more=["start = trap"]))
    time.sleep(1)
    demand(is_waiting(lab) and no_sa(lab.a), "the trap is not set, or something came up without a packet")
    return first_packets(lab)


@scenario("trap.peer-closes", needs_keyway=True)
def trap_peer_closes(lab):
    """Whatever the peer closes, the next packets bring back."""
    configure(lab, extra_a=child(start_action="trap"))
    first_packets(lab)
    lab.b.terminate(child="net")
    wait_for("Keyway to have no child", lambda: not lab.a.children(), 5, 0.05)
    one = first_packets(lab)
    lab.b.terminate(ike="net")
    wait_for("Keyway to have no SA", lambda: no_sa(lab.a), 5, 0.05)
    return f"after the child {one}, after the IKE SA {first_packets(lab)}"


@scenario("trap.peer-is-down", needs_keyway=True)
def trap_peer_is_down(lab):
    """An attempt that fails leaves the trap."""
    lab.a.settings = {"retransmit_timeout": "0.5", "retransmit_tries": "2"}
    configure(lab, extra_a=child(start_action="trap"))
    lab.b.stop()
    sent, received = Flood(lab, count=3, patience=2).finish()
    demand(received == 0, f"{received} answers from nowhere")
    wait_for("the attempt to end", lambda: no_sa(lab.a), 20, 0.1)
    demand(is_waiting(lab), "the trap is gone")
    lab.b.start()
    configure(lab, extra_a=child(start_action="trap"))
    return f"traffic {until_reply(lab, 20):.1f} s after the peer came"


@scenario("trap.of-both", needs_keyway=True)
def trap_of_both(lab):
    """Either end may begin; one child remains."""
    trap = child(start_action="trap")
    configure(lab, extra_a=trap, extra_b=trap)
    text = first_packets(lab)
    stays("one child at each end", lambda: len(lab.a.children()) == 1 == len(lab.b.children()), 2, 20)
    return text


@scenario("trap.by-command", needs_keyway=True)
def trap_by_command(lab):
    """keyway trap and untrap; vici's install, uninstall and list-policies."""
    configure(lab)

    def run(*argv, want=0):
        code, out, err = lab.a.cli(*argv)
        demand(code == want, f"keyway {' '.join(argv)}: exit {code}, expected {want}: {out} {err}")
        return out + err
    run("trap", "net")
    demand(is_waiting(lab), "not waiting after keyway trap")
    run("untrap", "net")
    demand(not is_waiting(lab), "still waiting after keyway untrap")
    demand("no trap" in run("untrap", "net", want=4), "not said that there is none")
    with lab.a.vici() as v:
        answer = v.request("install", {"child": "net", "ike": "net"})
        demand(answer.get("success") == "yes", f"install: {answer}")
        policies = list(v.stream("list-policies", "list-policy", {"trap": "yes"}))
        demand(policies and policies[0]["net/net"]["local-ts"] == ["10.1.0.0/24"], f"list-policies: {policies}")
        answer = v.request("install", {"child": "nobody"})
        demand(answer.get("success") == "no" and "not found" in answer["errmsg"], f"install of nothing: {answer}")
    text = first_packets(lab)
    with lab.a.vici() as v:
        demand(v.request("uninstall", {"child": "net"}).get("success") == "yes", "uninstall failed")
        demand(v.request("uninstall", {"child": "net"}).get("success") == "no", "uninstalled twice")
    must_ping(lab.net["ca"], CB)
    return text


# ---- what the peer closes, and a peer that is dead

def _closed_by_peer(lab, action, what, check):
    up(lab, extra_a=child(close_action=action))
    before = lab.b.children()[0]["spi-in"]
    lab.b.terminate(**{what: "net"})
    wait_for("the peer's old child to be gone", lambda: before not in {c["spi-in"] for c in lab.b.children()}, 5, 0.05)
    return check(lab)


def _comes_back(lab):
    wait_for("a new child", lambda: lab.a.children() and lab.b.children(), 30, 0.1)
    must_ping(lab.net["ca"], CB)
    return "made again by itself"


def _waits(lab):
    time.sleep(2)
    demand(not lab.a.children() and not lab.b.children(), "it came back without a packet")
    return first_packets(lab)


def _stays_down(lab):
    time.sleep(3)
    demand(not lab.a.children(), "it came back though nothing asked for it")
    return "stays closed"


for _action, _check in (("start", _comes_back), ("trap", _waits), ("none", _stays_down)):
    for _what in ("child", "ike"):
        def _run_close(lab, action=_action, what=_what, check=_check):
            return _closed_by_peer(lab, action, what, check)
        scenario(f"close-action.{_action}.{_what}", needs_keyway=True)(_run_close)


@scenario("close-action.of-peer")
def close_action_of_peer(lab):
    up(lab, extra_b=child(close_action="start"))
    lab.a.terminate(child="net")
    return _comes_back(lab)


def _dead_peer(lab, action, check):
    lab.a.settings = {"retransmit_timeout": "0.5", "retransmit_tries": "3"}
    keys = {**child(dpd_action=action), }
    keys["connections"]["net"]["dpd_delay"] = "1s"
    keys["connections"]["net"]["keyingtries"] = 0
    up(lab, extra_a=keys)
    lab.b.kill()
    wait_for("Keyway to notice", lambda: not lab.a.children(), 40, 0.1)
    lab.b.start()
    configure(lab, extra_a=keys)
    return check(lab)


for _action, _check in (("restart", _comes_back), ("trap", _waits), ("clear", _stays_down)):
    def _run_dead(lab, action=_action, check=_check):
        return _dead_peer(lab, action, check)
    scenario(f"dpd-action.{_action}", needs_keyway=True)(_run_dead)


@scenario("inactivity.keyway", needs_keyway=True)
def inactivity(lab):
    """An idle child goes; one that carries does not."""
    up(lab, extra_a=child(inactivity="3s", start_action="trap"))
    flood = Flood(lab, count=50, interval="0.1")
    text = flood.must_lose_nothing()
    one_child(lab.a)
    wait_for("the idle child to go", lambda: not lab.a.children() and not lab.b.children(), 20, 0.1)
    return f"{text}; idle, it went; {first_packets(lab)}"


# ---- which of two IKE SAs stays

def _unique(lab, keyway, peer):
    """Both ends' setting; the peer has lost its SAs without a word and comes anew. Returns Keyway's number of IKE SAs."""
    configure(lab, extra_a={"connections": {"net": {"unique": keyway}}}, extra_b={"connections": {"net": {"unique": peer}}})
    bring_up(lab, "responder")
    lab.b.kill()
    lab.b.start()
    configure(lab, extra_a={"connections": {"net": {"unique": keyway}}}, extra_b={"connections": {"net": {"unique": peer}}})
    code, text = lab.b.initiate("net")
    return code, text


# What Keyway does with a second IKE SA of the same identities, by its setting and by whether the peer says INITIAL_CONTACT
# (strongSwan does unless its own setting is never).
for _keyway, _peer, _left in (("replace", "no", 1), ("keep", "no", 1), ("no", "no", 1), ("never", "no", 2),
                              ("replace", "never", 1), ("never", "never", 2)):
    def _run_unique(lab, keyway=_keyway, peer=_peer, left=_left):
        code, text = _unique(lab, keyway, peer)
        demand(code == 0, f"refused: {text[-300:]}")
        wait_for(f"{left} IKE SAs at Keyway", lambda: len(lab.a.established()) == left, 30, 0.1)
        must_ping(lab.net["ca"], CB)
        return f"{left} IKE SA{'s' if left > 1 else ''} at Keyway"
    scenario(f"unique.{_keyway}.{'without' if _peer == 'never' else 'with'}-initial-contact", needs_keyway=True)(_run_unique)


@scenario("unique.keep.without-initial-contact", needs_keyway=True)
def unique_keep(lab):
    """The newer one is refused, and the older one is asked whether it lives: it does not, so the next attempt passes."""
    lab.a.settings = {"retransmit_timeout": "0.5", "retransmit_tries": "2"}
    code, text = _unique(lab, "keep", "never")
    demand(code != 0 and "AUTH" in text, f"not refused: {text[-300:]}")
    demand("unique" in lab.a.log(), "the log does not say which setting refuses")
    wait_for("the dead one to go", lambda: no_sa(lab.a), 50, 0.1)
    bring_up(lab, "responder")
    must_ping(lab.net["ca"], CB)
    return "refused, then taken"


# The other way: Keyway is killed and comes again, and the peer decides.
for _keyway, _peer, _left in (("no", "no", 1), ("replace", "replace", 1), ("never", "never", 2), ("never", "replace", 1),
                              ("never", "no", 2)):
    def _run_unique_of_peer(lab, keyway=_keyway, peer=_peer, left=_left):
        keys = {"extra_a": {"connections": {"net": {"unique": keyway}}}, "extra_b": {"connections": {"net": {"unique": peer}}}}
        up(lab, **keys)
        lab.a.kill()
        lab.a.start()
        bring_up(lab, "initiator")
        must_ping(lab.net["ca"], CB)
        # strongSwan gives an IKE SA of the same host ten seconds before it ends it
        wait_for(f"{left} IKE SAs at the peer", lambda: len(lab.b.established()) == left, 30, 0.1)
        return f"{left} IKE SA{'s' if left > 1 else ''} at the peer"
    scenario(f"unique.of-peer.{_keyway}.{_peer}", needs_keyway=True)(_run_unique_of_peer)
