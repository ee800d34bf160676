# SPDX-License-Identifier: Apache-2.0
"""Gateways that move while their tunnel carries pings: another address, another interface, another family, another NAT."""
import contextlib
import os
import time

from gateways import Keyway
from scenarios import scenario
from scenarios.steps import CA, CB, PSK_OF, Flood, bring_up, capture, configure, demand, must_ping, topology, wait_for

NEXT = {"a": "10.9.0.11", "b": "10.9.0.12"}
HOME = {"a": topology.A4, "b": topology.B4}
IDS = {"a": "a.roam.test", "b": "b.roam.test"}
WITH, WITHOUT = {"mobike": "yes"}, {"mobike": "no"}
INTERVAL = 0.01


def other(side):
    return {"a": "b", "b": "a"}[side]


def begin(lab, starter, mobike=WITH, addresses=None, more=None):
    """A tunnel between gateways that know each other by name. Who does not start takes its peer from anywhere."""
    extra = {}
    for me in "ab":
        side = {"local_addrs": "%any", "local": {"id": IDS[me]}, "remote": {"id": IDS[other(me)]}, "dpd_delay": "2s", **mobike}
        if me != starter:
            side["remote_addrs"] = "%any"
        extra["extra_" + me] = {"connections": {"net": {**side, **(more or {})}}, **PSK_OF(IDS)}
    capture(lab)
    configure(lab, addresses=addresses, **extra)
    bring_up(lab, "initiator" if starter == "a" else "responder")
    must_ping(lab.net["ca"], CB)
    must_ping(lab.net["cb"], CA)
    return spi_of(lab.a)


def spi_of(gateway):
    sas = gateway.established()
    demand(len(sas) == 1, f"{gateway.kind} has {len(sas)} IKE SAs")
    return sas[0]["initiator-spi"]


def hosts(gateway):
    sas = gateway.established()
    return {(sa["local-host"], sa["remote-host"]) for sa in sas}


def gateway(lab, side):
    return lab.a if side == "a" else lab.b


def readdress(lab, side, new, old=None):
    """The gateway's only IPv4 address on the wire becomes another one, with the way out."""
    node, device = {"a": ("ga", "w0"), "b": ("gb", "w1")}[side]
    lab.net[node].batch([f"addr del {old or HOME[side]}/24 dev {device}", f"addr add {new}/24 dev {device}",
                         f"route replace default via {HOME[other(side)]}"])


def seconds_lost(flood, most):
    sent, received = flood.finish()
    lost = (sent - received) * INTERVAL
    demand(sent == flood.count, f"{sent} of {flood.count} pings were sent")
    demand(lost <= most, f"{lost:.2f} s of pings lost, at most {most} are allowed")
    return f"{lost:.2f} s of pings lost"


def encrypted(lab):
    """Nothing in the clear. What a kernel says of the old address quotes what was sent there, which is encrypted."""
    verdict = lab.capture.judge()
    demand(not verdict.leaks, f"plaintext on the wire: {verdict.leaks[:1]}")
    demand(len(verdict.esp_from) >= 2, f"ESP was seen from {sorted(verdict.esp_from)} only")
    return verdict


@contextlib.contextmanager
def put_back(lab, node, device, addresses, routes=()):
    """Whatever a gateway's interface goes through: the next scenario finds it as it was."""
    try:
        yield
    finally:
        it = lab.net[node]
        it.ip("link", "set", device, "up")
        it.ip("addr", "flush", "dev", device, "scope", "global")
        for a in addresses:
            it.ip("addr", "add", a, "dev", device, *(["nodad"] if ":" in a else []))
        for to, via in routes:
            it.ip("route", "replace", to, "via", via)


def home(lab, side):
    me = "ab".index(side)
    node, device = {"a": ("ga", "w0"), "b": ("gb", "w1")}[side]
    addresses = [topology.OUTER[4][me] + "/24", topology.OUTER[6][me] + "/64"]
    routes = [("default", topology.OUTER[4][1 - me]), ("::/0", topology.OUTER[6][1 - me])]
    return put_back(lab, node, device, addresses, routes)


def must_be_the_same(lab, before):
    demand(spi_of(lab.a) == before, "it is another IKE SA")


def have_moved(lab, mover):
    """Both ends agree about addresses of which none is the old one. strongSwan asks all paths at once and goes on where
    the first answer comes from: that may be IPv6."""
    here, there = hosts(lab.a), {(remote, local) for local, remote in hosts(lab.b)}
    return here and here == there and HOME[mover] not in {ip for pair in here for ip in pair}


def _moves(lab, mover, starter):
    before = begin(lab, starter)
    with home(lab, mover):
        flood = Flood(lab, count=600, patience=2)
        readdress(lab, mover, NEXT[mover])
        wait_for("both ends to know of it", lambda: have_moved(lab, mover), 15, 0.05)
        text = seconds_lost(flood, 3)
        must_ping(lab.net["cb"], CA)
        must_be_the_same(lab, before)
        return f"{text}; {encrypted(lab)}"


for _mover in "ab":
    for _starter in "ab":
        def _run(lab, mover=_mover, starter=_starter):
            return _moves(lab, mover, starter)
        _who = {"a": "keyway", "b": "peer"}[_mover]
        scenario(f"roam.{_who}-moves.{'initiator' if _starter == 'a' else 'responder'}")(_run)


def _interface(lab, starter):
    before = begin(lab, starter)
    time.sleep(1)  # the lists of addresses
    with home(lab, "a"):
        flood = Flood(lab, count=600, patience=2)
        lab.net["ga"].ip("link", "set", "w0", "down")
        wait_for("the path over the second wire", lambda: all(h[0].startswith("10.8.") for h in hosts(lab.a)), 15, 0.05)
        text = seconds_lost(flood, 5)
        must_ping(lab.net["cb"], CA)
        must_be_the_same(lab, before)
        return f"{text}; {hosts(lab.a)}"


@scenario("roam.second-interface.initiator", shape="two-wires")
def second_interface_initiator(lab):
    return _interface(lab, "a")


@scenario("roam.second-interface.responder", shape="two-wires")
def second_interface_responder(lab):
    return _interface(lab, "b")


def _to_six(lab, starter):
    before = begin(lab, starter)
    time.sleep(1)
    with home(lab, starter):
        flood = Flood(lab, count=600, patience=2)
        node, device = {"a": ("ga", "w0"), "b": ("gb", "w1")}[starter]
        lab.net[node].ip("-4", "addr", "flush", "dev", device)
        wait_for("the tunnel over IPv6", lambda: all(":" in h[0] for h in hosts(lab.a)), 15, 0.05)
        text = seconds_lost(flood, 5)
        must_ping(lab.net["cb"], CA)
        must_be_the_same(lab, before)
        return f"{text}; {encrypted(lab)}"


@scenario("roam.to-ipv6.initiator")
def to_ipv6_initiator(lab):
    return _to_six(lab, "a")


@scenario("roam.to-ipv6.responder")
def to_ipv6_responder(lab):
    return _to_six(lab, "b")


# ---- NATs

def _nat(lab, hidden, mobike, change):
    addresses = {"a": (topology.NAT_INNER, topology.B4), "b": (topology.A4, topology.NAT_INNER)}[hidden]
    topology.masquerade(lab.net)
    begin(lab, hidden, mobike, addresses=addresses)
    shown = gateway(lab, other(hidden))
    where = lambda: {(sa["remote-host"], sa["remote-port"]) for sa in shown.established()}
    old = where()
    with put_back(lab, "wire", "wa", [HOME[hidden] + "/24"]):
        flood = Flood(lab, count=900, patience=2, node="c" + hidden, target={"a": CB, "b": CA}[hidden])
        change(lab, hidden)
        wait_for("the other end to follow", lambda: where() and where() != old, 20, 0.05)
        text = seconds_lost(flood, 7)
        must_ping(lab.net["c" + other(hidden)], {"a": CA, "b": CB}[hidden])
        return f"{text}; {old} became {where()}"


def rebind(lab, hidden):
    """The NAT forgets its mappings: those of an interface that goes down are gone."""
    router, device = lab.net["wire"], "wa"
    router.ip("link", "set", device, "down")
    router.ip("link", "set", device, "up")


def readdress_nat(lab, hidden):
    router, device = lab.net["wire"], "wa"
    home = HOME[hidden]
    router.ip("addr", "add", f"{NEXT[hidden]}/24", "dev", device)
    router.ip("addr", "del", f"{home}/24", "dev", device)
    router.ip("addr", "replace", f"{NEXT[hidden]}/24", "dev", device)


for _hidden in "ab":
    for _text, _mobike in (("mobike", WITH), ("without-mobike", WITHOUT)):
        for _what, _change in (("rebinds", rebind), ("moves", readdress_nat)):
            def _run(lab, hidden=_hidden, mobike=_mobike, change=_change):
                return _nat(lab, hidden, mobike, change)
            scenario(f"nat.{_what}.{'keyway' if _hidden == 'a' else 'peer'}-behind.{_text}",
                     shape="nat" if _hidden == "a" else "nat-b")(_run)


# ---- beginning

@scenario("roam.second-address-of-the-peer", needs_keyway=True)
def second_address_of_the_peer(lab):
    """Nobody is at the first one."""
    extra = {"extra_" + me: {"connections": {"net": {
        "local_addrs": "%any", "local": {"id": IDS[me]}, "remote": {"id": IDS[other(me)]},
        "remote_addrs": f"10.9.0.99, {topology.B6}, {topology.B4}" if me == "a" else "%any"}}, **PSK_OF(IDS)} for me in "ab"}
    configure(lab, **extra)
    start = time.monotonic()
    bring_up(lab)
    took = time.monotonic() - start
    must_ping(lab.net["ca"], CB)
    demand("trying the peer's next address" in lab.a.log(), "the log does not say so")
    return f"up after {took:.1f} s: {hosts(lab.a)}"


# ---- several clients behind one NAT

def _side(me, it, local_ts, remote_ts, remote="%any"):
    return {"version": 2, "local_addrs": "%any", "remote_addrs": remote, "proposals": "aes256gcm16-prfsha256-x25519",
            "local": {"auth": "psk", "id": me}, "remote": {"auth": "psk", "id": it},
            "children": {"net": {"local_ts": local_ts, "remote_ts": remote_ts, "esp_proposals": "aes256gcm16"}}}


SECRET = {"secrets": {"ike-lab": {"secret": "one for all of them"}}}


def _two(lab, hidden):
    """The lab's hidden gateway and a third one, a Keyway, behind the same router; the shown one has both as peers."""
    topology.masquerade(lab.net)
    shown = other(hidden)
    index = "ab".index
    nets = topology.NET[4]
    ids = {"a": "a.two.test", "b": "b.two.test", "c": "c.two.test"}
    third = Keyway(lab.net["gc"], os.path.join(lab.work, "c"), "gateway C", lab.a.bin if lab.a.kind == "Keyway" else None)
    capture(lab)
    at_shown = {"connections": {
        "net": _side(ids[shown], ids[hidden], nets[index(shown)], nets[index(hidden)]),
        "third": _side(ids[shown], ids["c"], nets[index(shown)], topology.NET_C)}, **SECRET}
    at_hidden = {"connections": {"net": _side(ids[hidden], ids[shown], nets[index(hidden)], nets[index(shown)], HOME[shown])}, **SECRET}
    at_third = {"connections": {"net": _side(ids["c"], ids[shown], topology.NET_C, nets[index(shown)], HOME[shown])}, **SECRET}
    try:
        gateway(lab, shown).load(at_shown)
        gateway(lab, hidden).load(at_hidden)
        third.load(at_third)
        for it in (gateway(lab, hidden), third):
            code, text = it.initiate("net")
            demand(code == 0, f"{it.name}: {text.strip()[-500:]}")
        target = topology.CLIENT[4][index(shown)]
        floods = [Flood(lab, count=200, node=n, target=target) for n in ("c" + hidden, "cc")]
        third.rekey(child="net")
        gateway(lab, hidden).rekey(child="net")
        text = [f.must_lose_nothing() for f in floods]
        must_ping(lab.net["c" + shown], topology.CLIENT_C)
        must_ping(lab.net["c" + shown], topology.CLIENT[4][index(hidden)])
        ports = {(sa["remote-host"], sa["remote-port"]) for sa in gateway(lab, shown).established()}
        demand(len(ports) == 2 and len({h for h, _ in ports}) == 1, f"not two ports of one address: {ports}")
        demand(not third.sanitizer_report(), third.sanitizer_report()[:300])
        return f"{text}; {ports}; {lab.capture.judge()}"
    finally:
        third.stop()


@scenario("nat.two-clients.keyway-in-front", shape="nat-b-two", needs_keyway=True)
def two_clients_keyway_in_front(lab):
    return _two(lab, "b")


@scenario("nat.two-clients.keyway-behind", shape="nat-two", needs_keyway=True)
def two_clients_keyway_behind(lab):
    return _two(lab, "a")
