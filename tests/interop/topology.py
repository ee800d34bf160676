# SPDX-License-Identifier: Apache-2.0
"""The networks of the lab, as data.

    client A ---- gateway A ==== wire ==== gateway B ---- client B
    10.1.0.2      10.1.0.1 |10.9.0.1   10.9.0.2| 10.2.0.1     10.2.0.2
    fd01::2       fd01::1  |fd09::1     fd09::2| fd02::1      fd02::2

Gateway A is Keyway, gateway B the peer. The wire is a bridge of its own, where neither end can touch up what the
capture sees; setting it down is how a peer becomes unreachable. In NAT it is a router that hides gateway A.
"""
WIRE = ("wire", "wa")  # where captures run

A4, B4 = "10.9.0.1", "10.9.0.2"
A6, B6 = "fd09::1", "fd09::2"
NET = {4: ("10.1.0.0/24", "10.2.0.0/24"), 6: ("fd01::/64", "fd02::/64")}
CLIENT = {4: ("10.1.0.2", "10.2.0.2"), 6: ("fd01::2", "fd02::2")}
INSIDE = {4: ("10.1.0.1", "10.2.0.1"), 6: ("fd01::1", "fd02::1")}
OUTER = {4: (A4, B4), 6: (A6, B6)}

_inside = [
    (("ca", "a0", ["10.1.0.2/24", "fd01::2/64"]), ("ga", "a1", ["10.1.0.1/24", "fd01::1/64"])),
    (("gb", "b1", ["10.2.0.1/24", "fd02::1/64"]), ("cb", "b0", ["10.2.0.2/24", "fd02::2/64"])),
]
_client_routes = [
    ("ca", "default", "10.1.0.1"), ("ca", "default", "fd01::1"),
    ("cb", "default", "10.2.0.1"), ("cb", "default", "fd02::1"),
]

PLAIN = {
    "nodes": {"ca": {}, "ga": {"router": True}, "wire": {"bridge": ("wa", "wb")}, "gb": {"router": True}, "cb": {}},
    "links": _inside + [(("ga", "w0", [A4 + "/24", A6 + "/64"]), ("wire", "wa", [])),
                        (("wire", "wb", []), ("gb", "w1", [B4 + "/24", B6 + "/64"]))],
    # A gateway that leaks must leak into the capture, not into "no route": each would send everything outside.
    "routes": _client_routes + [("ga", "default", B4), ("gb", "default", A4),
                                ("ga", "default", B6), ("gb", "default", A6)],
}

# A second wire beside the first one, for gateways with two interfaces; its default route is the worse one.
A4_2, B4_2 = "10.8.0.1", "10.8.0.2"
TWO_WIRES = {
    "nodes": {**PLAIN["nodes"], "wire2": {"bridge": ("va", "vb")}},
    "links": PLAIN["links"] + [(("ga", "w2", [A4_2 + "/24"]), ("wire2", "va", [])),
                               (("wire2", "vb", []), ("gb", "w3", [B4_2 + "/24"]))],
    "routes": PLAIN["routes"],
}

# Gateway A at 192.168.7.2 behind a router that is 10.9.0.1 to the world.
NAT_INNER = "192.168.7.2"
NAT = {
    "nodes": {"ca": {}, "ga": {"router": True}, "wire": {"router": True}, "gb": {"router": True}, "cb": {}},
    "links": _inside + [
        (("ga", "w0", [NAT_INNER + "/24"]), ("wire", "wn", ["192.168.7.1/24"])),
        (("wire", "wa", [A4 + "/24"]), ("gb", "w1", [B4 + "/24"])),
    ],
    "routes": _client_routes + [("ga", "default", "192.168.7.1"), ("gb", "default", A4)],
}


def masquerade(net):
    """nftables in the router: everything from gateway A leaves with the router's own address."""
    net["wire"].sh("nft", "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; "
                         "add rule ip nat post oifname wa masquerade random")

# The same with gateway B behind the router, which is 10.9.0.2 to the world.
NAT_B = {
    "nodes": NAT["nodes"],
    "links": _inside + [
        (("ga", "w0", [A4 + "/24"]), ("wire", "wa", [B4 + "/24"])),
        (("wire", "wn", ["192.168.7.1/24"]), ("gb", "w1", [NAT_INNER + "/24"])),
    ],
    "routes": _client_routes + [("ga", "default", B4), ("gb", "default", "192.168.7.1")],
}
# A third gateway behind the same router, with client C: 10.3.0.2 at 10.3.0.1.
C_INNER, NET_C, CLIENT_C = "192.168.8.2", "10.3.0.0/24", "10.3.0.2"


def _with_third(shape):
    return {
        "nodes": {**shape["nodes"], "gc": {"router": True}, "cc": {}},
        "links": shape["links"] + [(("wire", "wc", ["192.168.8.1/24"]), ("gc", "w4", [C_INNER + "/24"])),
                                   (("gc", "c1", ["10.3.0.1/24"]), ("cc", "c0", [CLIENT_C + "/24"]))],
        "routes": shape["routes"] + [("gc", "default", "192.168.8.1"), ("cc", "default", "10.3.0.1")],
    }


# A stranger F on the wire, behind whom are networks that gateway A can answer to; all their addresses are F's own.
F4, F6, NET_F = "10.9.0.3", "fd09::3", {4: "10.128.0.0/16", 6: "fd77::/40"}
FLOOD = {
    "nodes": {**PLAIN["nodes"], "wire": {"bridge": ("wa", "wb", "wf")}, "gf": {}},
    "links": PLAIN["links"] + [(("gf", "f0", [F4 + "/24", F6 + "/64"]), ("wire", "wf", []))],
    "routes": PLAIN["routes"] + [("ga", NET_F[4], F4), ("ga", NET_F[6], F6)],
}

# Four gateways on one wire; B of the pair is there, too. Each of the others has a network with nobody in it.
_OTHERS = (("gc", "10.9.0.3", "10.3.0.1"), ("gd", "10.9.0.4", "10.4.0.1"), ("ge", "10.9.0.5", "10.5.0.1"))
MESH = {
    "nodes": {**PLAIN["nodes"], "wire": {"bridge": ("wa", "wb", *("w" + n for n, *_ in _OTHERS))},
              **{n: {"router": True} for n, *_ in _OTHERS}},
    "links": PLAIN["links"] + [link for n, outer, inner in _OTHERS for link in (
        ((n, "w0", [outer + "/24"]), ("wire", "w" + n, [])), ((n, "lan0", [inner + "/24", inner.replace(".0.1", ".9.1") + "/24"]), (n, "lan1", [])))],
    "routes": PLAIN["routes"] + [(n, "default", B4) for n, *_ in _OTHERS],
}

# For who is behind a NAT now and then, without another network: the gateways have an address more, and the wire changes it
# into the one that the other end sees. Each way only for that address, and without a state.
HIDDEN, SHOWN = {"a": "10.9.0.77", "b": "10.9.0.78"}, {"a": "10.9.0.97", "b": "10.9.0.98"}
CELLS = {
    "nodes": PLAIN["nodes"],
    "links": _inside + [(("ga", "w0", [A4 + "/24", A6 + "/64", HIDDEN["a"] + "/24"]), ("wire", "wa", [])),
                        (("wire", "wb", []), ("gb", "w1", [B4 + "/24", B6 + "/64", HIDDEN["b"] + "/24"]))],
    "routes": PLAIN["routes"],
}


def hide_both(net):
    for side, node, device, port, other in (("a", "ga", "w0", "wa", ("gb", "w1")), ("b", "gb", "w1", "wb", ("ga", "w0"))):
        hidden, shown = HIDDEN[side], SHOWN[side]
        for line in (f"qdisc replace dev {port} clsact",
                     f"filter replace dev {port} ingress prio 1 protocol ip matchall action nat egress {hidden}/32 {shown}",
                     f"filter replace dev {port} egress prio 1 protocol ip matchall action nat ingress {shown}/32 {hidden}"):
            net["wire"].sh("tc", *line.split())
        mac = net[node].sh("cat", f"/sys/class/net/{device}/address").strip()  # nobody answers for what is shown
        net[other[0]].ip("neigh", "replace", shown, "lladdr", mac, "dev", other[1])


SHAPES = {"cells": CELLS, "mesh": MESH, "plain": PLAIN, "flood": FLOOD, "two-wires": TWO_WIRES, "nat-two": _with_third(NAT), "nat-b-two": _with_third(NAT_B), "nat": NAT, "nat-b": NAT_B}
