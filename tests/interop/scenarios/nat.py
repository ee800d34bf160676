# SPDX-License-Identifier: Apache-2.0
"""A router between the gateways hides one of them (nftables masquerade with random ports)."""
import pcap
from scenarios import scenario
from scenarios.steps import (CA, CB, Flood, capture, configure, bring_up, dark, demand, must_ping, must_transfer, topology,
                             wait_for)

IDS = {"a": "a.nat.test", "b": "b.nat.test"}
PSK = {"secrets": {"ike-lab": {"id-a": IDS["a"], "id-b": IDS["b"]}}}


def _nat(lab, hidden):
    """hidden: the side behind the router; it initiates."""
    shown = {"a": "b", "b": "a"}[hidden]
    inner, outer = topology.NAT_INNER, topology.B4 if hidden == "a" else topology.A4
    addresses = (inner, outer) if hidden == "a" else (outer, inner)
    extra = {}
    for me in "ab":
        it = {"a": "b", "b": "a"}[me]
        side = {"local": {"id": IDS[me]}, "remote": {"id": IDS[it]}}
        if me == shown:
            side["remote_addrs"] = "%any"
        extra["extra_" + me] = {"connections": {"net": side}, **PSK}
    topology.masquerade(lab.net)
    lab.a.settings = {"keep_alive": "1s"}
    capture(lab)
    configure(lab, addresses=addresses, **extra)
    bring_up(lab, "initiator" if hidden == "a" else "responder")
    must_ping(lab.net["ca"], CB)
    must_ping(lab.net["cb"], CA)
    must_transfer(lab.net["ca"], CB)
    flood = Flood(lab, count=200)
    lab.a.rekey(child="net")
    text = flood.must_lose_nothing()
    if hidden == "a" and lab.a.kind == "Keyway":
        wait_for("a keepalive in the quiet", lambda: any(pcap.classify(frame)[0] == "keepalive" for _, frame in pcap.packets(lab.capture.path)), 20, 0.5)
    verdict = dark(lab)
    demand(hidden != "a" or lab.a.kind != "Keyway" or verdict.kinds["keepalive"], "no keepalive was sent")
    demand(verdict.kinds["esp-udp"] and not verdict.kinds["esp"], f"ESP outside UDP: {dict(verdict.kinds)}")
    return f"{text} over a rekey, {verdict}"


@scenario("nat.keyway-behind", shape="nat")
def keyway_behind(lab):
    return _nat(lab, "a")


@scenario("nat.peer-behind", shape="nat-b")
def peer_behind(lab):
    return _nat(lab, "b")
