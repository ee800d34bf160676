# SPDX-License-Identifier: Apache-2.0
"""The kernel's data plane where it is more than a tunnel: alone, beside ours, after a crash, when others meddle with the
kernel. All in the guest, with strongSwan on the kernel's IPsec too."""
import time

import topology
from scenarios import scenario
from scenarios.steps import CA, CB, Flood, capture, dark, demand, must_ping, must_transfer, ping, sides, wait_for
from scenarios.vips import client, has_address, server, start, vips_of

A4, B4 = topology.A4, topology.B4
NO_UDP = {"encap": "no"}


def alone(lab):
    """Keyway with the kernel's data plane and no other."""
    lab.a.settings = {"dataplane": "kernel"}
    lab.a.dataplane = None


def states(lab, side="ga"):
    """[(source, destination, spi, reqid)] of the kernel's ESP SAs."""
    found, lines = [], lab.net[side].sh("ip", "xfrm", "state").splitlines()
    for head, line in zip(lines, lines[1:]):
        words, more = head.split(), line.split()
        if words[:1] == ["src"] and more[:2] == ["proto", "esp"]:
            found.append((words[1], words[3], more[more.index("spi") + 1], more[more.index("reqid") + 1]))
    return found


def policies(lab, side="ga"):
    """[(source, destination, direction)] but for those of sockets."""
    found, lines = [], lab.net[side].sh("ip", "xfrm", "policy").splitlines()
    for head, line in zip(lines, lines[1:]):
        words, more = head.split(), line.split()
        if words[:1] == ["src"] and more[:1] == ["dir"]:
            found.append((words[1], words[3], more[1]))
    return found


def nothing_left(lab):
    demand(not states(lab), f"SAs stay in the kernel: {states(lab)}")
    demand(not policies(lab), f"policies stay in the kernel: {policies(lab)}")
    routes = lab.net["ga"].sh("ip", "route", "show", "table", "220", check=False)
    demand(not routes.strip(), f"routes stay: {routes}")


def up(lab, extra=None, **kw):
    capture(lab)
    (tree_a, files_a), (tree_b, files_b) = sides(extra={**NO_UDP, **(extra or {})}, **kw)
    lab.b.load(tree_b, files_b)
    lab.a.load(tree_a, files_a)
    code, text = lab.a.initiate("net")
    demand(code == 0, f"Keyway could not bring the tunnel up (exit {code}): {text[-600:]}")


def is_back(lab):
    return ping(lab.net["ca"], CB, count=1, seconds=1)[0] == 0


@scenario("kernelplane.alone", needs_keyway=True, in_guest=True)
def kernel_alone(lab):
    """dataplane = kernel: no TUN device, nothing asked of /dev/net/tun, and nothing left behind."""
    alone(lab)
    up(lab, extra_a={"connections": {"net": {"message_id_sync": "yes"}}})
    links = lab.net["ga"].sh("ip", "-o", "link")
    demand("kw0" not in links, f"there is a TUN device: {links}")
    must_ping(lab.net["ca"], CB)
    must_transfer(lab.net["ca"], CB, 2_000_000)
    demand(len(states(lab)) == 2 and len(policies(lab)) == 3, f"{states(lab)} {policies(lab)}")
    code, out, _ = lab.a.cli("status", "--json")
    demand(code == 0 and '"kind": "kernel"' in out, out[:600])
    verdict = dark(lab)
    lab.a.stop()
    nothing_left(lab)
    return f"no TUN device; {verdict}"


@scenario("kernelplane.virtual-address", needs_keyway=True, in_guest=True)
def virtual_address(lab):
    """On the interface of the tunnel's own end; gone with the tunnel; what a crash leaves the next start removes."""
    alone(lab)
    capture(lab)
    lab.b.load(server(1, {"main": {"addrs": "10.3.0.10-10.3.0.20"}, "six": {"addrs": "fd03::10/124"}}))
    lab.a.load(client(0))
    start(lab.a)
    four, six = vips_of(lab.a, "local-vips")
    ga = lab.net["ga"]
    for address in (four, six):
        demand(f" {address}/" in ga.sh("ip", "addr", "show", "dev", "w0"), ga.sh("ip", "addr"))
    must_ping(ga, CB)
    must_ping(lab.net["cb"], four)
    lab.a.terminate(ike="net")
    demand(not has_address(ga, four) and not has_address(ga, six), "the address stays after down")
    start(lab.a)
    lab.a.kill()
    demand(has_address(ga, four), "the address went by itself: what is this row for?")
    lab.a.start()
    demand(not has_address(ga, four) and not has_address(ga, six), "the next start does not remove the address")
    start(lab.a)
    must_ping(ga, CB)
    return f"{four} {six}; {dark(lab)}"


@scenario("kernelplane.crash", needs_keyway=True, in_guest=True)
def crash(lab):
    """kill -9 and a restart: the tunnel is back within 5 s, and of what was in the kernel before nothing is left, but for what
    is not ours."""
    alone(lab)
    ga = lab.net["ga"]
    ga.sh("ip", "xfrm", "state", "add", "src", "192.0.2.1", "dst", "192.0.2.2", "proto", "esp", "spi", "0x4711", "mode", "tunnel",
          "reqid", "1", "enc", "cbc(aes)", "0x" + "11" * 16, "auth", "hmac(sha256)", "0x" + "22" * 32)
    ga.sh("ip", "xfrm", "policy", "add", "src", "192.0.2.0/25", "dst", "192.0.2.128/25", "dir", "out", "tmpl", "src", "192.0.2.1",
          "dst", "192.0.2.2", "proto", "esp", "mode", "tunnel", "reqid", "1")
    try:
        up(lab, extra_a={"connections": {"net": {"children": {"net": {"start_action": "start"}}}}})
        must_ping(lab.net["ca"], CB)
        before = {spi for *_, spi, _ in states(lab)}
        flood = Flood(lab, goes_on=True)
        lab.a.kill()
        demand(len(states(lab)) == 3, "the kernel lost its SAs by itself")
        began = time.monotonic()
        lab.a.start()
        wait_for("the tunnel to be back", lambda: is_back(lab), 8, 0.05)
        took = time.monotonic() - began
        demand(took < 5, f"the tunnel was back after {took:.1f} s only")
        left = {spi for *_, spi, _ in states(lab)} & before
        demand(left == {"0x00004711"}, f"of the SAs before the crash there are {left}")
        demand(("192.0.2.0/25", "192.0.2.128/25", "out") in policies(lab), "somebody else's policy went")
        flood.finish()
        verdict = dark(lab)
        lab.a.kill()
        code, out, err = lab.a.cleanup()
        demand(code == 0 and "removed" in err, f"keywayd --cleanup: {code} {out} {err}")
        demand([s[2] for s in states(lab)] == ["0x00004711"] and len(policies(lab)) == 1, f"{states(lab)} {policies(lab)}")
        return f"back after {took:.1f} s; {verdict}"
    finally:
        ga.sh("ip", "xfrm", "state", "flush", check=False)
        ga.sh("ip", "xfrm", "policy", "flush", check=False)


@scenario("kernelplane.beside-ours", needs_keyway=True, in_guest=True)
def mixed(lab):
    """Two connections with one peer, both in UDP on the same port, one in the kernel and one in userspace."""
    lab.a.settings, lab.a.dataplane = {}, None
    capture(lab)
    trees = [sides(inner=inner, extra={"encap": "yes"}, name=f"net{inner}") for inner in (4, 6)]
    merged = []
    for me in (0, 1):
        tree, files = trees[0][me]
        tree["connections"] |= trees[1][me][0]["connections"]
        for name, c in tree["connections"].items():
            for side, who in (("local", "ab"[me]), ("remote", "ba"[me])):
                c[side] |= {"id": f"{name}.{who}"}
        tree["secrets"] = {"ike-lab": {"secret": "both have it"}}
        merged.append((tree, files))
    lab.b.load(*merged[1])
    merged[0][0]["connections"]["net4"]["dataplane"] = "kernel"
    merged[0][0]["connections"]["net6"]["dataplane"] = "user"
    lab.a.load(*merged[0])
    for name in ("net4", "net6"):
        code, text = lab.a.initiate(name)
        demand(code == 0, f"{name} did not come up: {text[-500:]}")
    demand(len(states(lab)) == 2, f"in the kernel there are {states(lab)}")
    six = topology.CLIENT[6]
    for _ in range(2):
        must_ping(lab.net["ca"], CB)
        must_ping(lab.net["ca"], six[1])
        must_ping(lab.net["cb"], CA)
        must_ping(lab.net["cb"], six[0])
        must_transfer(lab.net["ca"], CB, 1_000_000)
        must_transfer(lab.net["ca"], six[1], 1_000_000)
        for name in ("net4", "net6"):
            lab.a.rekey(ike=name)
    spis = [int(s[2], 16) for s in states(lab) if s[1] == A4]
    demand(all(s & 64 for s in spis), f"{spis}")
    return str(dark(lab))


@scenario("kernelplane.others-meddle", needs_keyway=True, in_guest=True)
def meddling(lab):
    """Somebody flushes the kernel's policies, which are back at once, and its SAs, in whose place new ones come."""
    alone(lab)
    up(lab)
    must_ping(lab.net["ca"], CB)
    ga = lab.net["ga"]
    ga.sh("ip", "xfrm", "policy", "flush")
    wait_for("the policies to be back", lambda: len(policies(lab)) == 3, 5, 0.05)
    must_ping(lab.net["ca"], CB)
    before = {s[2] for s in states(lab)}
    ga.sh("ip", "xfrm", "state", "flush")
    wait_for("other SAs", lambda: len(states(lab)) >= 2 and not {s[2] for s in states(lab)} & before, 15, 0.1)
    wait_for("traffic", lambda: is_back(lab), 10, 0.1)
    return str(dark(lab))


@scenario("kernelplane.nothing-leaks", needs_keyway=True, in_guest=True)
def leaks(lab):
    """Without a tunnel nothing leaves in the clear, neither for the network behind the peer nor for the peer itself; IKE does."""
    alone(lab)
    capture(lab)
    (tree_a, files_a), (tree_b, files_b) = sides(extra=NO_UDP)
    for tree, me in ((tree_a, 0), (tree_b, 1)):
        host = {"local_ts": f"{(A4, B4)[me]}/32", "remote_ts": f"{(B4, A4)[me]}/32", "esp_proposals": "aes256gcm16"}
        tree["connections"]["net"]["children"]["host"] = host
    lab.b.load(tree_b, files_b)
    lab.a.load(tree_a, files_a)
    ga = lab.net["ga"]
    for node, target in ((lab.net["ca"], CB), (ga, B4), (ga, CB)):
        code, text = ping(node, target, count=2, seconds=1)
        demand(code != 0, f"{target} answers without a tunnel: {text}")
    code, text = lab.a.initiate("net")
    demand(code == 0, text[-500:])
    with lab.a.vici() as v:
        answer = v.request("initiate", {"ike": "net", "child": "host", "timeout": "10000"})
        demand(answer.get("success") == "yes", f"host: {answer}")
    must_ping(lab.net["ca"], CB)
    must_ping(ga, B4)
    lab.a.terminate(ike="net")
    for node, target in ((lab.net["ca"], CB), (ga, B4)):
        code, text = ping(node, target, count=2, seconds=1)
        demand(code != 0, f"{target} answers after the tunnel: {text}")
    return str(dark(lab))


@scenario("kernelplane.trap-holds", needs_keyway=True, in_guest=True)
def trap_holds(lab):
    """The very packet that meets a trap is not lost, whoever sends it; so it is again when the tunnel has gone."""
    alone(lab)
    capture(lab)
    (tree_a, files_a), (tree_b, files_b) = sides(extra=NO_UDP)
    tree_a["connections"]["net"]["children"]["net"]["start_action"] = "trap"
    lab.b.load(tree_b, files_b)
    lab.a.load(tree_a, files_a)
    must_ping(lab.net["ca"], CB, count=1)
    lab.a.terminate(ike="net")
    wait_for("the SAs to go", lambda: not states(lab), 5, 0.05)
    must_ping(lab.net["ga"], CB, count=1, source=topology.INSIDE[4][0])
    return str(dark(lab))


@scenario("kernelplane.rekeys-under-traffic", needs_keyway=True, in_guest=True)
def rekeys(lab):
    """Each end rekeys child and IKE SA while pings run both ways: none is lost."""
    alone(lab)
    up(lab)
    flood, back = Flood(lab, goes_on=True), Flood(lab, node="cb", target=CA, goes_on=True)
    spis = set()
    for end in (lab.a, lab.b):
        for what in ({"child": "net"}, {"ike": "net"}):
            known = {s[2] for s in states(lab)}
            end.rekey(**what)
            if "child" in what:
                wait_for("new SAs", lambda k=known: {s[2] for s in states(lab)} - k, 10, 0.05)
            time.sleep(0.3)
        spis |= {s[2] for s in states(lab)}
    lost = [f.must_lose_nothing() for f in (flood, back)]
    return f"{len(spis)} SAs seen; {' and '.join(lost)}; {dark(lab)}"
