# SPDX-License-Identifier: Apache-2.0
"""The text on swanctl.conf as it prints it, with the kernel's IPsec at both ends and strongSwan at the other: what it says that
`ip xfrm state` and `ip xfrm policy` show, statement by statement, beside swanctl's own lists."""
import os
import re

import xfrm_text
from gateways import merged
from scenarios import scenario
from scenarios.kernel_plane import alone
from scenarios.steps import capture, dark, demand, must_ping, wait_for

A, B = "203.0.113.10", "198.51.100.20"
NETS, HOSTS = ("10.10.0.0/24", "10.20.0.0/24"), ("10.10.0.1", "10.20.0.1")
TREE = {"connections": {"site-a-to-b": {
    "version": 2, "local_addrs": A, "remote_addrs": B,
    "local": {"auth": "pubkey", "certs": "my-cert.pem", "id": "CN=site-a"},
    "remote": {"auth": "pubkey", "id": "CN=site-b"},
    "children": {"net": {"local_ts": NETS[0], "remote_ts": NETS[1], "esp_proposals": "aes256gcm16-prfsha384-modp3072",
                         "start_action": "trap"}},
    "proposals": "aes256-sha384-modp3072"}}}
# What it names as the cause of a second tunnel that does not come: selectors that overlap.
SECOND = {"local_ts": NETS[0], "remote_ts": "10.20.0.0/16", "esp_proposals": "aes256gcm16-prfsha384-modp3072"}


def mirrored(tree):
    """The other end's, which waits."""
    c = tree["connections"]["site-a-to-b"]
    children = {n: {**k, "local_ts": k["remote_ts"], "remote_ts": k["local_ts"], "start_action": "none"} for n, k in c["children"].items()}
    local, remote = {**c["local"], "id": "CN=site-b"}, {**c["remote"], "id": "CN=site-a"}
    return {"connections": {"site-a-to-b": {**c, "local_addrs": B, "remote_addrs": A, "local": local, "remote": remote, "children": children}}}


def credentials(lab, name):
    lab.certs.leaf(name, "rsa", name, subject=f"/CN={name}")
    return {"x509/my-cert.pem": lab.certs.path(name + ".pem"), "private/my-key.pem": lab.certs.path(name + ".key"),
            "x509ca/ca.pem": lab.certs.path("ca.pem")}


def swanctl(lab, *argv):
    code, out, err = lab.a.node.run(lab.a.bin + "/swanctl", *argv, "--uri", "unix://" + lab.a.socket,
                                    env={"SWANCTL_DIR": os.path.join(lab.a.etc, "swanctl")})
    demand(code == 0, f"swanctl {' '.join(argv)}: exit {code}: {out[-600:]} {err[-400:]}")
    return out


def selectors(node):
    """{(source, destination)} of what leaves."""
    return {(p["src"], p["dst"]) for p in xfrm_text.policies(node.ip("xfrm", "policy", "list", "nosock")) if p["dir"] == "out"}


def states(node):
    return {s["spi"][2:]: s for s in xfrm_text.states(node.ip("xfrm", "state")) if s["spi"] != "0x00000000"}


@scenario("howto.ip-xfrm.swanctl", needs_keyway=True, in_guest=True)
def ip_xfrm(lab):
    alone(lab)
    ga, gb = lab.net["ga"], lab.net["gb"]
    places = ((ga, "w0", A + "/32"), (gb, "w1", B + "/32"), (ga, "a1", HOSTS[0] + "/24"), (gb, "b1", HOSTS[1] + "/24"))
    for node, device, address in places:
        node.ip("addr", "replace", address, "dev", device)
    try:
        capture(lab)
        lab.b.load(mirrored(TREE), credentials(lab, "site-b"))
        lab.a.load(TREE, credentials(lab, "site-a"))
        return f"{statements(lab, ga, gb)}; {dark(lab)}"
    finally:
        for node, device, address in places:
            node.ip("addr", "del", address, "dev", device, check=False)


def statements(lab, ga, gb):
    # "Selectors: which subnets go into IPsec. Compare against swanctl": so it is while the trap waits for a packet, too
    conns = swanctl(lab, "--list-conns")
    listed = set(zip(re.findall(r"local:\s+(\S+/\d+)", conns), re.findall(r"remote:\s+(\S+/\d+)", conns)))
    demand(listed == {NETS} == selectors(ga), f"ip xfrm policy: {selectors(ga)}; swanctl: {listed}")
    # "autostart on first packet"
    must_ping(ga, HOSTS[1], count=1, source=HOSTS[0])
    must_ping(gb, HOSTS[0], source=HOSTS[1])
    demand(selectors(ga) == {NETS}, f"ip xfrm policy: {selectors(ga)}")
    # "ESP SAs at the kernel level: SPI, src/dst and the keys themselves (without values)"
    sas, found = swanctl(lab, "--list-sas"), states(ga)
    told = {way: re.findall(rf"^\s+{way}\s+([0-9a-f]{{8}})", sas, re.M) for way in ("in", "out")}
    demand(set(told["in"] + told["out"]) == set(found) == set(states(gb)) and len(found) == 2, f"ip xfrm state: {set(found)}; swanctl: {told}")
    for spi, s in found.items():
        ends = (B, A) if spi in told["in"] else (A, B)
        demand((s["src"], s["dst"], s["protocol"], s["aead"], s["aead_icv"]) == (*ends, "esp", "rfc4106(gcm(aes))", "128"), f"ip xfrm state: {s}")
    hidden = ga.ip("xfrm", "state", "list", "nokeys")
    keys = re.findall(r"0x[0-9a-f]{40,}", ga.ip("xfrm", "state"))
    demand(len(keys) == 2 and not any(k in hidden for k in keys) and set(xfrm_spis(hidden)) == set(found), f"without values: {hidden}")
    # "One tunnel comes up, a second one between the same hosts does not": here it does, and both are seen
    tree = merged(TREE, {"connections": {"site-a-to-b": {"children": {"wide": SECOND}}}})
    lab.b.load(mirrored(tree), credentials(lab, "site-b"))
    lab.a.load(tree, credentials(lab, "site-a"))
    lab.b.terminate_now()
    wait_for("the first one to go", lambda: not states(ga), 10, 0.05)
    for child in ("net", "wide"):
        swanctl(lab, "--initiate", "--child", child)
    demand(len(states(ga)) == 4 and selectors(ga) == {NETS, (NETS[0], SECOND["remote_ts"])}, f"{states(ga)} {selectors(ga)}")
    must_ping(ga, HOSTS[1], source=HOSTS[0])
    return f"{len(states(ga))} SAs, {len(selectors(ga))} pairs of networks"


def xfrm_spis(text):
    return re.findall(r"spi 0x([0-9a-f]{8})", text)
