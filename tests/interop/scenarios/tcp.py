# SPDX-License-Identifier: Apache-2.0
"""IKE and ESP in TCP (RFC 9329). No peer of Debian's speaks it without a kernel that has espintcp, which no kernel of
Debian's has; so there are two Keyways, a proxy between them that cuts and joins as it likes, and a client and a server
that know nothing but sockets and the RFC."""
import contextlib
import json
import os
import re
import signal
import struct
import time

import pcap
from capture import INNER_PAIRS
from gateways import Keyway
from rows import HERE, PYTHON, merged, ping, sides
from scenarios import scenario
from scenarios.spread import EXTRA, addresses, children, must_carry_all, owners
from scenarios.steps import CA, CB, Flood, capture, demand, must_ping, must_transfer, topology, until_reply, wait_for
from transfer import MARKER

IDS = {"a": "a.tcp.test", "b": "b.tcp.test"}
PSK = {"secrets": {"ike-lab": {"id-a": IDS["a"], "id-b": IDS["b"]}}}
ROUTER_A, ROUTER_B = "192.168.7.1", topology.A4  # the router in the middle, as each end sees it
PROXY, DIRECT, ECHO = 4433, 4500, 7008


def _shut_udp(lab):
    """A firewall in the router: neither UDP nor protocol 50 passes."""
    lab.net["wire"].sh("nft", "add table ip shut; "
                       "add chain ip shut f { type filter hook forward priority 0; }; add chain ip shut i { type filter hook input priority 0; }; "
                       "add rule ip shut f meta l4proto { udp, 50 } counter drop; add rule ip shut i meta l4proto { udp, 50 } drop")


@contextlib.contextmanager
def _two(lab, mode, port=PROXY, through=ROUTER_A, workers=None, more=None, b_settings=None, trees=({}, {})):
    """Two Keyways; B listens for TCP. Gateway A goes through the router's proxy, or straight to B. trees are laid over
    theirs."""
    lab.b.stop()
    b = Keyway(lab.net["gb"], os.path.join(lab.work, "keyway-b"), "gateway B")
    b.settings = {"listen_tcp": "yes", **(workers or {}), **(b_settings or {})}
    lab.a.settings = dict(workers or {})
    extra = {}
    for me in "ab":
        it = {"a": "b", "b": "a"}[me]
        extra["extra_" + me] = {"connections": {"net": {"local": {"id": IDS[me]}, "remote": {"id": IDS[it]}, "dpd_delay": "5s",
                                                        **(more or {})}}, **PSK}
    extra["extra_a"]["connections"]["net"] |= {"tcp": mode, "tcp_port": port}
    extra["extra_b"]["connections"]["net"]["remote_addrs"] = "%any"
    (tree_a, files_a), (tree_b, files_b) = sides(addresses=(topology.NAT_INNER, topology.B4), certs=lab.certs, **extra)
    tree_a["connections"]["net"]["remote_addrs"] = through
    tree_a, tree_b = merged(tree_a, trees[0]), merged(tree_b, trees[1])
    started = []
    try:
        b.load(tree_b, files_b)
        lab.a.load(tree_a, files_a)
        lab.started = started
        yield b
        trouble = b.sanitizer_report()
        demand(not trouble, "sanitizer at B: " + trouble[:300])
    finally:
        for p in started:
            p.stop()
        lab.net["wire"].sh("nft", "delete table ip shut", check=False)
        status = b.stop()
        b.cleanup()
        trouble = b.sanitizer_report()
        if os.path.exists(b.output):
            os.unlink(b.output)
    demand(status == 0 and not trouble, f"gateway B ended with {status} {trouble[:200]}")


def _start(lab, node, name, *argv):
    """A program in a namespace, ended with the scenario; it says when it is ready."""
    log = f"{lab.work}/{name}.log"
    if os.path.exists(log):  # of the scenario before, which was ready, too
        os.unlink(log)
    p = lab.net[node].start([PYTHON, f"{HERE}/{argv[0]}", *map(str, argv[1:])], log)
    lab.started.append(p)
    wait_for(name, lambda: "ready" in p.text() or not p.is_running(), 10)
    demand(p.is_running(), f"{name}: {p.text()[-300:]}")
    return p


def _proxy(lab, *more):
    return _start(lab, "wire", "proxy", "tcp_proxy.py", PROXY, topology.B4, DIRECT, int.from_bytes(os.urandom(4), "big"), *more)


def _must_be_tcp_only(lab):
    """The wire between the proxy and gateway B showed TCP of port 4500, and none of the clients' bytes."""
    lab.capture.stop()
    count, other, leaks, forbidden = 0, set(), 0, pcap.secrets_of(INNER_PAIRS, [MARKER])
    for _, frame in pcap.packets(lab.capture.path):
        kind, ip = pcap.classify(frame)
        leaks += any(f in frame for f in forbidden)
        if ip.proto == 6 and DIRECT in struct.unpack(">HH", ip.payload[:4]):
            count += 1
        elif kind not in ("arp", "nd", "icmp-error"):
            other.add(kind)
    demand(not leaks, f"{leaks} packets hold bytes of the clients")
    demand(count > 1000 and not other, f"{count} packets of TCP, and {other}")
    return f"{count} packets of TCP on the wire"


def _told(proxy):
    proxy.stop()
    found = [line for line in proxy.text().splitlines() if line.startswith("{")]
    demand(found, "the proxy did not say what it did: " + proxy.text()[-300:])
    return json.loads(found[-1])


def _up(lab, seconds=30):
    start = time.monotonic()
    code, text = lab.a.initiate("net", seconds=seconds)
    demand(code == 0, f"no tunnel: {text[-500:]}")
    return time.monotonic() - start


def _must_be_in_tcp(*gateways):
    for g in gateways:
        sas = g.established()
        demand(len(sas) == 1 and sas[0].get("tcp") == "yes", f"{g.name} is not in TCP: {sas}")
        demand(all(c.get("tcp") == "yes" for c in g.children()) and g.children(), f"{g.name}: a child is not in TCP")


def _must_echo(lab, count):
    code, out, err = lab.net["ca"].run(PYTHON, HERE + "/echo.py", "check", CB, str(ECHO), str(count), timeout=120)
    demand(code == 0, f"datagrams: {(out + err).strip()[-300:]}")
    return out.strip()


def _drops(gateway):
    code, out, err = gateway.cli("status", "--json")
    demand(code == 0, f"keyway status: {err}")
    return json.loads(out)["daemon"]["dataplane"]["drops"]


def _carries(mode, workers):
    def run(lab):
        capture(lab)
        with _two(lab, mode, workers={"dataplane_workers": workers}) as b:
            _shut_udp(lab)
            proxy = _proxy(lab)
            _start(lab, "cb", "echo", "echo.py", "serve", ECHO)
            took = _up(lab)
            _must_be_in_tcp(lab.a, b)
            must_ping(lab.net["ca"], CB)
            must_ping(lab.net["cb"], CA)
            must_transfer(lab.net["ca"], CB)
            echoed = _must_echo(lab, 3000)
            flood = Flood(lab, count=200)
            lab.a.rekey(child="net")
            time.sleep(0.5)
            b.rekey(ike="net")
            text = flood.must_lose_nothing()
            must_transfer(lab.net["cb"], CA)
            _must_be_in_tcp(lab.a, b)
            drops = [_drops(g) for g in (lab.a, b)]
            demand(not any(d.get(k) for d in drops for k in ("bad_ICV", "unknown_SPI", "replay", "selectors")), f"drops: {drops}")
            told = _told(proxy)
            demand(told["connections"] == 1, f"{told['connections']} connections for one tunnel")
            demand(told["pieces_out"] > 2000 and told["pieces_out"] != told["pieces_in"], f"the proxy cut and joined nothing: {told}")
            seen = _must_be_tcp_only(lab)
            if mode == "fallback":
                demand(5 < took < 20, f"fell back after {took:.1f} s")
            return f"up in {took:.1f} s; {text} over two rekeys; {echoed}; {told['bytes']} bytes in {told['pieces_in']} pieces became {told['pieces_out']}; {seen}"
    return run


for _mode, _workers in (("always", "1"), ("always", "4"), ("fallback", "2")):
    scenario(f"tcp.{_mode}-through-a-proxy.{_workers}-worker{'s' if _workers != '1' else ''}", shape="nat", needs_keyway=True)(_carries(_mode, _workers))


@scenario("tcp.several-children-over-one-connection", shape="nat", needs_keyway=True)
def several_children(lab):
    """Six children with four workers at each end share one connection, whose proxy cuts and joins: all carry at once, while
    one of them and the IKE SA are rekeyed and another one comes and goes."""
    capture(lab)
    addresses(lab.net, "add")
    try:
        with _two(lab, "always", workers={"dataplane_workers": "4"}, trees=(children(0), children(1))) as b:
            _shut_udp(lab)
            proxy = _proxy(lab)
            _up(lab)
            for i in range(EXTRA):
                if not any(c["name"] == f"to-{i}" for c in lab.a.children()):
                    lab.a.initiate("net", child=f"to-{i}")
            wait_for("all children", lambda: len(lab.a.children()) == EXTRA + 1 == len(b.children()), 10)
            with_whom = [owners(g, 4) for g in (lab.a, b)]
            demand(all(len(w) >= 3 for w in with_whom), f"the children are with workers {with_whom} only")

            def rekey():
                lab.a.rekey(child="to-0")
                b.rekey(child="to-1")
                lab.a.rekey(ike="net")
            must_carry_all(lab, rekey)
            lab.a.terminate(child="to-4")
            wait_for("one child less", lambda: len(b.children()) == EXTRA, 10)
            must_ping(lab.net["ca"], CB)
            lab.a.initiate("net", child="to-4")
            wait_for("it to be back", lambda: len(b.children()) == EXTRA + 1 == len(lab.a.children()), 10)
            must_carry_all(lab, lambda: None)
            _must_be_in_tcp(lab.a, b)
            drops = [_drops(g) for g in (lab.a, b)]
            demand(not any(d.get(k) for d in drops for k in ("bad_ICV", "replay", "selectors", "no_SA")), f"drops: {drops}")
            told = _told(proxy)
            demand(told["connections"] == 1, f"{told['connections']} connections for one IKE SA")
            return f"{EXTRA + 1} children with workers {with_whom} over one connection of {told['bytes']} bytes; {_must_be_tcp_only(lab)}"
    finally:
        addresses(lab.net, "del")


@scenario("tcp.fallback-not-needed", shape="nat", needs_keyway=True)
def fallback_not_needed(lab):
    with _two(lab, "fallback", port=DIRECT, through=topology.B4) as b:
        took = _up(lab)
        must_ping(lab.net["ca"], CB)
        for g in (lab.a, b):
            demand(g.established()[0].get("tcp") != "yes", f"{g.name} is in TCP though UDP passes")
        return f"over UDP in {took:.1f} s"


@scenario("tcp.udp-dies-under-a-tunnel", shape="nat", needs_keyway=True)
def udp_dies(lab):
    """Liveness notices, the connection is made anew, UDP stays silent, TCP does not."""
    more = {"children": {"net": {"dpd_action": "restart"}}}
    with _two(lab, "fallback", port=DIRECT, through=topology.B4, more=more) as b:
        _up(lab)
        must_ping(lab.net["ca"], CB)
        _shut_udp(lab)
        took = until_reply(lab, 60)
        _must_be_in_tcp(lab.a, b)
        must_transfer(lab.net["ca"], CB)
        return f"traffic again after {took:.0f} s"


NEXT, HOME = "192.168.7.77", topology.NAT_INNER


@contextlib.contextmanager
def _roaming(lab):
    """Two Keyways without a proxy, of which A may be anywhere; gives a function that takes A elsewhere."""
    node = lab.net["ga"]

    def roam(old, new):
        node.ip("addr", "del", f"{old}/24", "dev", "w0")
        node.ip("addr", "add", f"{new}/24", "dev", "w0")
        node.ip("route", "replace", "default", "via", ROUTER_A)
    with _two(lab, "fallback", port=DIRECT, through=topology.B4, more={"local_addrs": "%any", "mobike": "yes"}) as b:
        try:
            yield b, roam
        finally:
            node.ip("addr", "flush", "dev", "w0", "scope", "global")
            roam_home = [("addr", "add", f"{HOME}/24", "dev", "w0"), ("route", "replace", "default", "via", ROUTER_A)]
            for words in roam_home:
                node.ip(*words)


def _must_be_the_same(lab, b, spi):
    found = {sa["initiator-spi"] for g in (lab.a, b) for sa in g.established()}
    demand(found == {spi}, f"IKE SAs {found}, not {spi}")


@scenario("tcp.roams-to-where-udp-is-shut-and-back", shape="nat", needs_keyway=True)
def roams(lab):
    """The very IKE SA, with its children, goes from UDP to TCP, on from TCP to TCP, and back to UDP."""
    with _roaming(lab) as (b, roam):
        _up(lab)
        must_ping(lab.net["ca"], CB)
        spi = lab.a.established()[0]["initiator-spi"]
        flood = Flood(lab, count=2500)
        took = []
        for old, new, is_shut in ((HOME, NEXT, True), (NEXT, HOME, True), (HOME, NEXT, False)):
            if is_shut and not took:
                _shut_udp(lab)
            if not is_shut:
                lab.net["wire"].sh("nft", "delete table ip shut")
            roam(old, new)
            start = time.monotonic()
            wait_for("the SA to move", lambda: all(
                len(g.established()) == 1 and (g.established()[0].get("tcp") == "yes") == is_shut for g in (lab.a, b)) and
                new in str(lab.a.established()[0]["local-host"]), 30)
            until_reply(lab, 20)
            took.append(time.monotonic() - start)
            _must_be_the_same(lab, b, spi)
            must_transfer(lab.net["ca"], CB, size=2_000_000)
        sent, received = flood.finish()
        demand(max(took) < 15, f"moved after {took}")
        return f"to TCP after {took[0]:.1f} s, to TCP elsewhere after {took[1]:.1f} s, to UDP after {took[2]:.1f} s; {received} of {sent} pings; one IKE SA"


@scenario("tcp.connections-that-break", shape="nat", needs_keyway=True)
def connections_that_break(lab):
    """The proxy resets its connections every second or so; SAs stay, and every transfer ends well: what is lost with a
    connection is what any network loses."""
    with _two(lab, "always") as b:
        _shut_udp(lab)
        proxy = _proxy(lab, 1.5)
        _up(lab)
        first = lab.a.established()[0]["uniqueid"]
        end = time.monotonic() + 20
        transfers = 0
        while time.monotonic() < end:
            must_transfer(lab.net["ca"], CB, size=2_000_000)
            transfers += 1
        proxy.popen.send_signal(signal.SIGUSR1)
        until_reply(lab, 20)
        wait_for("one IKE SA at each end", lambda: len(lab.a.established()) == 1 and len(b.established()) == 1, 10)
        demand(lab.a.established()[0]["uniqueid"] == first, "the IKE SA was made anew")
        told = _told(proxy)
        demand(told["broken"] > 10, f"the proxy broke too little: {told}")
        return f"{transfers} transfers over {told['connections']} connections, {told['broken'] // 2} of them broken, one IKE SA"


@scenario("tcp.a-killed-responder", shape="nat", needs_keyway=True)
def killed_responder(lab):
    more = {"children": {"net": {"dpd_action": "restart"}}}
    with _two(lab, "always", port=DIRECT, through=topology.B4, more=more) as b:
        _shut_udp(lab)
        _up(lab)
        must_ping(lab.net["ca"], CB)
        b.kill()
        time.sleep(1)
        b.cleanup()
        b.start()
        took = until_reply(lab, 60)
        _must_be_in_tcp(lab.a, b)
        return f"traffic again after {took:.0f} s"


@scenario("tcp.down-closes-the-connection", shape="nat", needs_keyway=True)
def down_closes(lab):
    with _two(lab, "always", port=DIRECT, through=topology.B4) as b:
        _up(lab)

        def established():
            return [n for n in ("ga", "gb") if ":4500" in lab.net[n].sh("ss", "-Htn", "state", "established")]
        demand(established() == ["ga", "gb"], "no connection")
        lab.a.terminate("net")
        wait_for("the connection to be closed", lambda: not established(), 5)
        demand(not b.established() and not lab.a.established(), "an IKE SA is left")
        return "closed by its originator"


@scenario("tcp.framing-by-hand", shape="nat", needs_keyway=True)
def framing_by_hand(lab):
    """Against a client and a server that frame by themselves."""
    with _two(lab, "always", port=4500, through=ROUTER_A, b_settings={"block_threshold": "100"}) as b:
        code, out, err = lab.net["ga"].run(PYTHON, HERE + "/ike_in_tcp.py", "responder", topology.B4, str(DIRECT), timeout=90)
        demand(code == 0, f"{out[-400:]} {err[-300:]}")
        server = _start(lab, "wire", "server", "ike_in_tcp.py", "originator", 4500)
        lab.net["ga"].start([lab.a.bin + "/keyway", "up", "net", *lab.a.where], lab.work + "/up.log")
        demand(server.wait(40) == 0, server.text()[-400:])
        found = re.findall(r"^ok ", out + server.text(), re.M)
        code, _ = ping(lab.net["ca"], CB, count=1, seconds=1)
        demand(code, "something answered without a tunnel")
        demand(b.is_running() and lab.a.is_running(), "a daemon ended")
        return f"{len(found)} things found as RFC 9329 has them"


HOLD = """
import itertools, socket, sys, time
held, fresh, end = [], [], time.time() + 15
for turn in itertools.count():
    for s in fresh[::2]:
        try:
            s.send(b"IKETCP" + bytes([0x20, 0]) + bytes(5000))
        except OSError:
            pass
    fresh = []
    for n in range(100, 140):
        s = socket.socket()
        s.setblocking(False)
        try:
            s.bind(("192.168.7.%d" % n, 0))
            s.connect_ex((sys.argv[1], int(sys.argv[2])))
            fresh.append(s)
        except OSError:
            s.close()
    held = (held + fresh)[-600:]
    time.sleep(0.1)
    if time.time() > end:
        break
    if turn == 15:
        print("ready", flush=True)
"""


@scenario("tcp.strangers-leave-room", shape="nat", needs_keyway=True)
def strangers(lab):
    """Connections that prove nothing, more of them than there are places, from many addresses: they cost little, and a peer
    gets in while they last."""
    addresses = [f"192.168.7.{n}/24" for n in range(100, 140)]
    with _two(lab, "always", port=DIRECT, through=topology.B4) as b:
        before = _rss(b)
        try:
            for a in addresses:
                lab.net["ga"].ip("addr", "add", a, "dev", "w0")
            attacker = lab.net["ga"].start([PYTHON, "-c", HOLD, topology.B4, str(DIRECT)], lab.work + "/attacker.log")
            lab.started.append(attacker)
            wait_for("all places to be taken", lambda: "others want its place" in b.log(), 15)
            took = _up(lab)
            demand(attacker.is_running(), "nobody attacked any more: " + attacker.text()[-300:])
            must_ping(lab.net["ca"], CB)
            grown = _rss(b) - before
            demand(grown < 16 << 10, f"the daemon grew by {grown} KiB")
            attacker.stop()
            _must_be_in_tcp(lab.a, b)
        finally:
            for a in addresses:
                lab.net["ga"].ip("addr", "del", a, "dev", "w0", check=False)
        gone = b.log().count("others want its place")
        return f"{gone} strangers had to go, the daemon grew by {grown} KiB; up in {took:.1f} s beside them"


@scenario("tcp.nobody-listens", shape="nat", needs_keyway=True)
def nobody_listens(lab):
    """What is said where a connection is refused."""
    with _two(lab, "always", port=DIRECT + 1, through=topology.B4):
        code, text = lab.a.initiate("net", seconds=10)
        demand(code != 0 and "Connection refused" in text, f"not told: {text[-400:]}")
        return "the reason is told: connection refused"


def _rss(gateway):
    with open(f"/proc/{gateway.process.pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
