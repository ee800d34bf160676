# SPDX-License-Identifier: Apache-2.0
"""Several children with the same selectors (RFC 4301 section 4.1): those that one end makes again, and traffic classes,
whose packets leave through an SA of their own. The outer header has the inner DSCP, so that the wire shows which SPI
carries what."""
from collections import Counter
import time

import pcap
from net import LabError
from scenarios import scenario
from scenarios.steps import (CB, Flood, bring_up, capture, configure, dark, demand, must_ping, short_form, stays, topology,
                             up, wait_for)

NETS = topology.NET[4]
CS0, AF41, EF, CS6 = 0, 34, 46, 48


def like_net(me, **keys):
    """A child with the selectors of "net"."""
    return {"local_ts": NETS[me], "remote_ts": NETS[1 - me], "esp_proposals": "aes256gcm16", **keys}


def children(**named):
    return {"connections": {"net": {"children": named}}}


def has(lab, count):
    def do_agree():
        a, b = lab.a.children(), lab.b.children()
        return len(a) == count == len(b) and {c["spi-in"] for c in a} == {c["spi-out"] for c in b}
    wait_for(f"{count} children at both ends, the same ones", do_agree, 15, 0.1)


def spi_of(gateway, name):
    found = [c for c in gateway.children() if c["name"] == name]
    demand(len(found) == 1, f"{gateway.kind} has {len(found)} children {name}")
    return found[0]["spi-out"]


def sent_by(lab, dscp, count=4):
    """The SPIs that pings of this DSCP leave Keyway by, as the wire shows them."""
    begin = time.time()
    must_ping(lab.net["ca"], CB, tos=dscp << 2, count=count)
    end = time.time()
    lab.capture.drain()
    seen = Counter()
    for when, frame in pcap.packets(lab.capture.path):
        kind, ip = pcap.classify(frame)
        if begin <= when <= end + 0.05 and kind in ("esp", "esp-udp") and str(ip.src) == topology.A4 and frame[15] >> 2 == dscp:
            seen[ip.payload[:4].hex()] += 1
    if not seen:  # fewer than were sent there may be: several leave as one, which the link cuts
        raise LabError(f"no packet of DSCP {dscp} on the wire")
    return set(seen)


def must_be_sorted(lab, voice):
    """voice: the SPI for EF and CS6."""
    rest = spi_of(lab.a, "net")
    for dscp, spi in ((EF, voice), (CS0, rest), (AF41, rest), (CS6, voice), (EF, voice)):
        seen = sent_by(lab, dscp)
        demand(seen == {spi}, f"DSCP {dscp} leaves by {seen}, not by {spi}")
    return f"EF and CS6 by {voice}, the rest by {rest}"


# ---- made several times by one end

WIDER = ("10.1.0.0/16", "10.0.0.0/12")  # strongSwan makes no child twice itself: Keyway narrows these to what it has


def made_again(lab, number):
    code, text = lab.b.initiate("net", f"wide{number}")
    demand(code == 0, f"the peer could not make another child: {text[-300:]}")


WIDE = {"extra_b": children(**{f"wide{i}": {**like_net(1), "remote_ts": ts} for i, ts in enumerate(WIDER)})}


@scenario("alike.made-by-peer", needs_keyway=True)
def made_by_peer(lab):
    """The peer makes the child three times. All carry; each is rekeyed, by either end, and deleted on its own."""
    capture(lab)
    up(lab, role="responder", **WIDE)
    for i in range(len(WIDER)):
        made_again(lab, i)
        has(lab, 2 + i)
    demand(len({(str(c["local-ts"]), str(c["remote-ts"])) for c in lab.a.children()}) == 1, "other selectors")
    flood = Flood(lab, goes_on=True)
    for gateway in (lab.a, lab.b):
        before = {c["spi-in"] for c in lab.a.children()}
        with gateway.vici() as v:
            for c in gateway.children():
                v.request("rekey", {"child-id": c["uniqueid"]})
        wait_for(f"all three to be rekeyed by {gateway.kind}",
                 lambda was=before: not was & {c["spi-in"] for c in lab.a.children(None)}, 20, 0.1)
        has(lab, 3)
    text = flood.must_lose_nothing()
    for gateway, left in ((lab.b, 2), (lab.a, 1)):
        with gateway.vici() as v:
            v.request("terminate", {"child-id": gateway.children()[0]["uniqueid"]})
        has(lab, left)
        must_ping(lab.net["ca"], CB)
    return f"{text} over six rekeys; {dark(lab)}"


@scenario("alike.made-by-peer.beside-ours", needs_keyway=True)
def made_beside_ours(lab):
    """A child that Keyway made by an exchange of its own stands when the peer makes the same a moment later."""
    up(lab, **WIDE)
    for _ in range(3):  # nonces decided once
        lab.a.terminate(child="net")
        has(lab, 0)
        bring_up(lab)
        has(lab, 1)
        made_again(lab, 0)
        stays("two children at both ends", lambda: len(lab.a.children()) == 2 == len(lab.b.children()), 1, 5)
        must_ping(lab.net["ca"], CB)
    return "two children, three times"


@scenario("alike.made-by-keyway", needs_keyway=True)
def made_by_keyway(lab):
    """Two children of ours are one for the peer, which has it twice."""
    up(lab, extra_a=children(more=like_net(0)))
    has(lab, 2)
    flood = Flood(lab, goes_on=True)
    lab.a.rekey(child="net")
    lab.a.rekey(child="more")
    time.sleep(2)
    has(lab, 2)
    text = flood.must_lose_nothing()
    lab.a.terminate(child="more")
    has(lab, 1)
    must_ping(lab.net["ca"], CB)
    return text


# ---- traffic classes

CLASSES = {"extra_a": children(voice=like_net(0, dscp="ef,cs6")), "extra_b": children(voice={**like_net(1), "remote_ts": WIDER[0]})}


def _classes(lab, role):
    capture(lab)
    up(lab, role, **CLASSES)
    if role == "responder":
        demand(lab.b.initiate("net", "voice")[0] == 0, "the peer could not make the second child")
    has(lab, 2)
    text = must_be_sorted(lab, spi_of(lab.a, "voice"))
    shown = {c["name"]: c.get("dscp") for c in lab.a.children()}
    demand(shown == {"net": None, "voice": "ef,cs6"}, f"status says {shown}")
    code, out, err = lab.a.cli("status", "net")
    demand(code == 0 and "sends DSCP ef,cs6" in out, f"keyway status net: exit {code}: {out} {err}")
    lab.a.terminate(child="voice")
    has(lab, 1)
    demand(sent_by(lab, EF) == {spi_of(lab.a, "net")}, "EF does not leave by the rest when its child is gone")
    return f"{text}; {dark(lab)}"


for _role in ("initiator", "responder"):
    def _run_classes(lab, role=_role):
        return _classes(lab, role)
    scenario(f"classes.{_role}", needs_keyway=True)(_run_classes)


@scenario("classes.rekeyed", needs_keyway=True)
def classes_rekeyed(lab):
    """A class keeps its packets when its SA is replaced, by either end."""
    capture(lab)
    up(lab, **CLASSES)
    has(lab, 2)
    for gateway, name in ((lab.a, "voice"), (lab.a, "net"), (lab.b, None)):
        before = {c["spi-in"] for c in lab.a.children()}
        gateway.rekey(child=name) if name else gateway.rekey(child="net")
        wait_for("a rekeying", lambda was=before: was - {c["spi-in"] for c in lab.a.children()}, 15, 0.1)
        time.sleep(1)
        has(lab, 2)
    return must_be_sorted(lab, spi_of(lab.a, "voice"))


@scenario("classes.trap", needs_keyway=True)
def classes_trap(lab):
    """The first packet of a class starts its child, and the rest's, which carries it meanwhile. None is lost."""
    capture(lab)
    configure(lab, extra_a=children(net={"start_action": "trap"}, voice=like_net(0, dscp="ef,cs6", start_action="trap")),
              extra_b=CLASSES["extra_b"])
    must_ping(lab.net["ca"], CB, tos=EF << 2, count=1, seconds=10)
    has(lab, 2)
    return must_be_sorted(lab, spi_of(lab.a, "voice"))


@scenario("classes.short-form", needs_keyway=True)
def classes_short_form(lab):
    """One line makes the children; the peer has one child, three times."""
    capture(lab)
    configure(lab, text=short_form(more=["classes = ef,cs6 | af41"]))
    has(lab, 3)
    for dscp, name in ((EF, "net-ef"), (CS0, "net"), (AF41, "net-af41"), (CS6, "net-ef")):
        seen = sent_by(lab, dscp)
        demand(seen == {spi_of(lab.a, name)}, f"DSCP {dscp} leaves by {seen}, not by that of {name}")
    return f"three children; {dark(lab)}"
