# SPDX-License-Identifier: Apache-2.0
"""Tunnels that are interfaces: a VTI that its user made, one that Keyway makes by Libreswan's vti-interface, an XFRM
interface by ipsec-interface, against strongSwan on the kernel's IPsec; and a kernel that has no XFRM interfaces."""
import contextlib

import topology
from scenarios import scenario
from scenarios.kernel_plane import NO_UDP, alone, nothing_left, up
from scenarios.personality import ipsec_conf
from scenarios.steps import capture, dark, demand, must_ping, must_transfer, ping, sides, wait_for
from scenarios.stock_kernels import IDS, Interface, transferred

A4, B4 = topology.A4, topology.B4
SIZE = 500_000
MARK = 42


def has(node, device):
    return f"{device}@" in node.ip("-o", "link") or f"{device}:" in node.ip("-o", "link")


def must_carry(lab, device, inner=4, side="ga"):
    """Traffic both ways, and all of it came by the interface."""
    node, (west, east) = lab.net[side], topology.CLIENT[inner]
    before = transferred(node, device)
    must_ping(lab.net["ca"], east)
    must_ping(lab.net["cb"], west)
    must_transfer(lab.net["ca"], east, SIZE)
    counted = [now - then for now, then in zip(transferred(node, device), before)]
    demand(min(counted) > SIZE, f"{device} did not carry the transfer: {counted}")
    return f"{device} received and sent {counted} bytes"


def comes_back_after_a_crash(lab, device):
    """The one that a crash left goes at the next start, which makes another."""
    ga = lab.net["ga"]
    index = ga.ip("-o", "link", "show", device).split(":")[0]
    lab.a.kill()
    demand(has(ga, device), "the interface went by itself: what is this row for?")
    lab.a.start()
    demand(ga.ip("-o", "link", "show", device).split(":")[0] != index, "it is the one that the crash left")
    code, out = lab.a.initiate("net")
    demand(code == 0, f"net did not come up after the crash: {out[-600:]}")
    must_carry(lab, device)


@scenario("interfaces.vti-of-the-user", needs_keyway=True, in_guest=True)
def users_vti(lab):
    """As with strongSwan: the user makes the VTI and its route, and only mark_in and mark_out are Keyway's."""
    alone(lab)
    lab.a.settings["install_routes"] = "no"
    ga, far = lab.net["ga"], topology.NET[4][1]
    ga.ip("link", "add", "vti0", "type", "vti", "local", A4, "remote", B4, "key", str(MARK))
    try:
        ga.ip("link", "set", "vti0", "up")
        ga.ip("route", "add", far, "dev", "vti0")
        marks = {"mark_in": MARK, "mark_out": MARK}
        up(lab, extra_a={"connections": {"net": {"children": {"net": marks}}}})
        told = must_carry(lab, "vti0")
        lab.a.rekey(child="net")
        must_carry(lab, "vti0")
        verdict = dark(lab)
        lab.a.stop()
        demand(has(ga, "vti0"), "the user's interface went with Keyway")
        return f"{told}; {verdict}"
    finally:
        ga.ip("link", "del", "vti0", check=False)


CONF = """# keyway: dialect=libreswan
conn net
    left={a}
    leftsubnet={na}
    right={b}
    rightsubnet={nb}
    authby=secret
    ike=aes256-sha2_256-dh14
    encapsulation=no
    mark=5/0xffffffff
    vti-interface=vti7
    vti-routing=yes
    leftvti=10.77.0.1/24
    auto=add
"""


@scenario("interfaces.vti-of-keyway", needs_keyway=True, in_guest=True)
def our_vti(lab):
    """vti-interface, leftvti and mark of Libreswan's ipsec.conf: made, addressed, routed to; made anew after kill -9, and gone
    with the connection."""
    alone(lab)
    capture(lab)
    ga = lab.net["ga"]
    text = CONF.format(a=A4, b=B4, na=topology.NET[4][0], nb=topology.NET[4][1])
    with ipsec_conf(lab, {"ipsec.conf": text}):
        demand("10.77.0.1/24" in ga.ip("addr", "show", "dev", "vti7"), ga.ip("addr"))
        code, out = lab.a.initiate("net")
        demand(code == 0, f"net did not come up: {out[-600:]}")
        routes = ga.ip("route", "show", "table", "220")
        demand(f"{topology.NET[4][1]} dev vti7" in routes, f"no route to it: {routes}")
        told = must_carry(lab, "vti7")
        comes_back_after_a_crash(lab, "vti7")
        verdict = dark(lab)
        lab.a.kill()
        code, out, err = lab.a.cleanup()
        demand(code == 0 and not has(ga, "vti7"), f"keywayd --cleanup leaves it: {code} {out} {err}")
        lab.a.start()
        demand(has(ga, "vti7"), "not made again")
    lab.a.load(None)
    wait_for("the interface to go with its connection", lambda: not has(ga, "vti7"), 5, 0.05)
    lab.a.stop()
    nothing_left(lab)
    return f"{told}; {verdict}"


HOSTS = {"tunnel_interface": "vti8", "tunnel_interface_kind": "vti", "mark_in": 8, "mark_out": 9, "local_ts": f"{A4}/32",
         "remote_ts": f"{B4}/32"}


def must_not_pass(lab, when):
    """Nothing reaches the peer, neither in the clear nor at all; the capture tells at the end."""
    for size in (56, 1200):
        code, text = ping(lab.net["ga"], B4, count=2, interval="0.1", seconds=1, size=size)
        demand(code != 0, f"{B4} answers {when}: {text[-200:]}")


@scenario("interfaces.vti-between-hosts", needs_keyway=True, in_guest=True)
def between_hosts(lab):
    """The peer's own address is what is routed to the interface: sealed packets must not be led there again, and nothing leaves
    in the clear before the tunnel, after it, without the daemon, or without the interface. A loose reverse path filter minds
    none of it."""
    alone(lab)
    ga, gb = lab.net["ga"], lab.net["gb"]
    capture(lab)
    (tree_a, files_a), (tree_b, files_b) = sides(extra=NO_UDP)
    tree_a["connections"]["net"]["children"]["net"] |= HOSTS
    tree_b["connections"]["net"]["children"]["net"] |= {"local_ts": f"{B4}/32", "remote_ts": f"{A4}/32"}
    lab.b.load(tree_b, files_b)
    with loose_filter(ga):
        lab.a.load(tree_a, files_a)
        must_not_pass(lab, "before the tunnel")
        code, out = lab.a.initiate("net")
        demand(code == 0, f"net did not come up: {out[-600:]}")
        before = transferred(ga, "vti8")
        must_ping(ga, B4)
        must_ping(gb, A4)
        must_ping(ga, B4, count=50, interval="0.01", size=1200)
        lab.a.rekey(child="net")
        must_ping(ga, B4)
        counted = [now - then for now, then in zip(transferred(ga, "vti8"), before)]
        demand(min(counted) > 50 * 1200, f"vti8 did not carry the transfer: {counted}")
        lab.a.terminate("net")
        must_not_pass(lab, "after the tunnel")
        lab.a.kill()
        must_not_pass(lab, "without the daemon")
        ga.ip("link", "del", "vti8")
        must_not_pass(lab, "without the interface")
        lab.a.start()
        code, out = lab.a.initiate("net")
        demand(code == 0, f"net did not come up again: {out[-600:]}")
        must_ping(ga, B4)
    return f"{counted}; {dark(lab)}"


@contextlib.contextmanager
def loose_filter(node):
    path = "/proc/sys/net/ipv4/conf/w0/rp_filter"
    old = node.sh("cat", path).strip()
    node.write(path, "2")
    try:
        yield
    finally:
        node.write(path, old)


def of_ipv6(lab, keys, device, address):
    """IPv6 inside IPv6, and the interface has an address of IPv6; with IPv4 inside beside it."""
    ga, both = lab.net["ga"], ",".join
    nets = [both((topology.NET[4][i], topology.NET[6][i])) for i in (0, 1)]
    child = {"tunnel_interface": device, "tunnel_interface_address": address, **keys}
    up(lab, inner=6, outer=6, nets=nets, extra_a={"connections": {"net": {"children": {"net": child}}}})
    shown = ga.ip("-6", "addr", "show", "dev", device)
    demand(address in shown, f"no {address} on {device}: {shown}")
    routes = ga.ip("-6", "route", "show", "table", "220")
    demand(f"{topology.NET[6][1]} dev {device}" in routes, f"no route to it: {routes}")
    told = must_carry(lab, device, 6)
    must_carry(lab, device, 4)
    lab.a.rekey(child="net")
    must_ping(lab.net["ca"], topology.CLIENT[6][1])
    verdict = dark(lab)
    lab.a.stop()
    demand(not has(ga, device), f"{device} stays behind Keyway")
    return f"{told}; {verdict}"


@scenario("interfaces.vti6", needs_keyway=True, in_guest=True)
def vti6(lab):
    """Between addresses of IPv6 a VTI is a vti6."""
    alone(lab)
    return of_ipv6(lab, {"tunnel_interface_kind": "vti", "mark_in": 6, "mark_out": 6}, "vti66", "fd77::1/64")


@scenario("interfaces.vti-with-ipv6-inside", needs_keyway=True, in_guest=True)
def vti_with_ipv6(lab):
    """Between addresses of IPv4, for networks of IPv6, and with an address of IPv6."""
    alone(lab)
    child = {"tunnel_interface": "vti46", "tunnel_interface_kind": "vti", "tunnel_interface_address": "fd77::1/64", "mark_in": 6, "mark_out": 6}
    up(lab, inner=6, extra_a={"connections": {"net": {"children": {"net": child}}}})
    demand("fd77::1/64" in lab.net["ga"].ip("-6", "addr", "show", "dev", "vti46"), "no address of IPv6")
    return f"{must_carry(lab, 'vti46', 6)}; {dark(lab)}"


@scenario("qemu.ipsec-interface-ipv6", kernels=("13",))
def xfrmi_ipv6(lab):
    lab.a.settings = {"dataplane": "kernel"}
    return of_ipv6(lab, {}, "ipsec6", "fd78::1/64")


OURS = {"connections": {"net": {"children": {"net": {"tunnel_interface": "ipsec1", "tunnel_interface_address": "10.78.0.1/24"}}}}}


@scenario("interfaces.none-in-this-kernel", needs_keyway=True, in_guest=True)
def no_xfrmi(lab):
    """User Mode Linux has no XFRM interfaces: the connection that needs one is refused with the reason."""
    alone(lab)
    try:
        up(lab, extra_a=OURS)
    except Exception as e:  # pylint: disable=broad-except
        text = str(e)
    else:
        demand(False, "it came up")
    for part in ("connection net needs the interface ipsec1", "this kernel has no XFRM interfaces", "xfrm_interface", "modprobe"):
        demand(part in text, f"not '{part}' in: {text}")
    return "refused by name"


@scenario("qemu.ipsec-interface", kernels=("13",))
def xfrmi(lab):
    """ipsec1 is made, addressed and routed to by Keyway; its peer is strongSwan with an XFRM interface of its own. After kill -9
    the next start removes it, and a stop leaves nothing."""
    ga = lab.net["ga"]
    lab.a.settings = {"dataplane": "kernel"}
    peers_own = Interface(lab.net["gb"], "w1", topology.NET[4][0])
    try:
        up(lab, extra_a=OURS, extra_b=IDS)
        demand("10.78.0.1/24" in ga.ip("addr", "show", "dev", "ipsec1"), ga.ip("addr"))
        demand(f"{topology.NET[4][1]} dev ipsec1" in ga.ip("route", "show", "table", "220"), "no route to it")
        told = must_carry(lab, "ipsec1")
        comes_back_after_a_crash(lab, "ipsec1")
        verdict = dark(lab)
        lab.a.stop()
        demand(not has(ga, "ipsec1"), "the interface stays behind Keyway")
        return f"{told}; {verdict}"
    finally:
        peers_own.remove()
