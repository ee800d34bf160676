# SPDX-License-Identifier: Apache-2.0
"""Conns of an ipsec.conf that are children of one IKE SA: what changes in one of them is seen by nothing of the others."""
import os

from gateways import merged
from scenarios import scenario
from scenarios.personality import STRONGSWAN, ipsec, ipsec_conf, must_match
from scenarios.steps import CB, Flood, capture, dark, demand, must_ping, sides, topology, wait_for


def _conn(name, inner):
    left, right = topology.NET[inner]
    return f"""conn {name}
    left={topology.A4}
    leftsubnet={left}
    right={topology.B4}
    rightsubnet={right}
    ike=aes256-sha256-modp2048
    authby=secret
    keyexchange=ikev2
    auto=start
"""


HEAD = "# keyway: dialect=strongswan\n"
FIRST, NET = _conn("first", 6), _conn("net", 4)


def _children(lab):
    return {c["name"].split("-")[0]: (c["spi-in"], c["spi-out"]) for c in lab.a.children()}


@scenario("config.reload-of-one-conn-of-two", needs_keyway=True)
def one_of_two(lab):
    """The first of two changes, goes, and comes back, with `ipsec update` and `ipsec reload`; pings through the other go on
    in the SAs that they began in."""
    capture(lab)
    tree = {"connections": {"net": {"proposals": "aes256-sha256-modp2048", "children": {"first": {
        "local_ts": topology.NET[6][1], "remote_ts": topology.NET[6][0], "esp_proposals": "default"}, "net": {"esp_proposals": "default"}}}}}
    with ipsec_conf(lab, {"ipsec.conf": HEAD + "config setup\n"}):
        own, credentials = sides(certs=lab.certs)[1]
        lab.b.load(merged(own, tree), credentials)

        def write(text):
            with open(os.path.join(lab.a.etc, "ipsec.conf"), "w", encoding="ascii") as f:
                f.write(HEAD + text)

        write(FIRST + NET)
        must_match(ipsec(lab, "reload", *STRONGSWAN), "connection first is new")
        wait_for("both to be up", lambda: set(_children(lab)) == {"first", "net"}, 20)
        must_ping(lab.net["ca"], CB)
        ike, before = lab.a.established(), _children(lab)
        demand(len(ike) == 1, f"{len(ike)} IKE SAs for what is one connection")
        flood = Flood(lab, count=100, goes_on=True)

        def must_be(names, what):
            wait_for(f"{what}: {names}", lambda: set(_children(lab)) == names and
                     {c["name"].split("-")[0] for c in lab.b.children()} == names, 15)
            now = lab.a.established()
            demand([sa["uniqueid"] for sa in now] == [sa["uniqueid"] for sa in ike], f"{what}: the IKE SA is another")
            demand(_children(lab)["net"] == before["net"], f"{what}: the SAs of what did not change are others")

        write(FIRST + "    lifetime=30m\n" + NET)
        must_match(ipsec(lab, "update"), "Updating Keyway IPsec configuration...", "child first of connection first has changed")
        must_be({"first", "net"}, "one changed")
        demand(_children(lab)["first"] != before["first"], "what changed is still the same")
        write(NET)  # the connection is named after the other from now on
        must_match(ipsec(lab, "reload"), "Reloading Keyway IPsec configuration...", "connection first is called net now",
                   "child first of connection net is not configured any more")
        must_be({"net"}, "one gone")
        must_match(ipsec(lab, "status"), r" +net\[%s\]: ESTABLISHED .*" % ike[0]["uniqueid"], r" +net\{\d+\}:  INSTALLED.*")
        write(FIRST + NET)
        code, out, err = lab.a.cli("reload")
        demand(code == 0 and "child first of connection first is new" in err, f"keyway reload: exit {code}: {out} {err}")
        must_be({"first", "net"}, "one back")
        sent, received = flood.finish()
        demand(sent == received, f"{sent - received} of {sent} pings lost")
        ipsec(lab, "down", "first")
    return f"{received} of {sent} pings; {dark(lab)}"
