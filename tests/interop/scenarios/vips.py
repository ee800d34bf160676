# SPDX-License-Identifier: Apache-2.0
"""Virtual addresses: Keyway has the pool, or asks for one of the peer's."""
import json
import os

import topology
from rows import PSK
from scenarios import scenario
from scenarios.steps import CA, CB, capture, dark, demand, must_ping, ping, wait_for

CA6, CB6 = topology.CLIENT[6]
IKE = "aes256gcm16-prfsha256-x25519"
SERVER_NETS = ("10.1.0.0/24, fd01::/64", "10.2.0.0/24, fd02::/64")  # of Keyway, of the peer


def server(me, pools, nets=None, ids=("server", "client"), more=None):
    """A swanctl tree with the pools, for whoever comes from the other end."""
    connection = {
        "version": 2, "proposals": IKE, "local_addrs": (topology.A4, topology.B4)[me], "pools": ", ".join(pools),
        "local": {"auth": "psk", "id": ids[0]}, "remote": {"auth": "psk"},
        "children": {"net": {"local_ts": nets or SERVER_NETS[me], "esp_proposals": "aes256gcm16"}}, **(more or {})}
    return {"connections": {"net": connection}, "pools": pools, "secrets": {"ike-lab": {"secret": PSK}}}


def client(me, vips="0.0.0.0, ::", nets=None, names=("net",), unique="no"):
    """Connections that ask for addresses, each with an identity of its own."""
    def connection(name):
        return {"version": 2, "proposals": IKE, "local_addrs": (topology.A4, topology.B4)[me], "remote_addrs": (topology.B4, topology.A4)[me],
                "vips": vips, "unique": unique, "local": {"auth": "psk", "id": f"{name}.client"},
                "remote": {"auth": "psk", "id": "server"},
                "children": {name: {"remote_ts": nets or SERVER_NETS[1 - me], "esp_proposals": "aes256gcm16"}}}
    return {"connections": {name: connection(name) for name in names}, "secrets": {"ike-lab": {"secret": PSK}}}


def vips_of(gateway, key, name=None):
    """Of the SA in which the identity that begins so takes part, or of the only one."""
    found = [sa for _, sa in gateway.status() if not name or sa["remote-id"].startswith(name) or sa["local-id"].startswith(name)]
    demand(len(found) == 1, f"{gateway.kind} has {len(found)} SAs of {name or 'its peer'}")
    return found[0].get(key, [])


def pool_of(lab, name="main"):
    code, out, err = lab.a.cli("pools", name, "--json")
    demand(code == 0, f"keyway pools {name}: exit {code}: {err}")
    return json.loads(out)["pools"][0]


def start(gateway, name="net"):
    code, text = gateway.initiate(name, child=name)
    demand(code == 0, f"{gateway.kind} could not bring {name} up (exit {code}): {text.strip()[-600:]}")


def servers(path):
    with open(path) as f:
        return [line.split()[1] for line in f if line.startswith("nameserver")]


def has_address(node, address):
    return f" {address}/" in node.sh("ip", "addr")


MAIN = {"main": {"addrs": "10.3.0.10-10.3.0.20", "dns": "10.1.0.53"}, "six": {"addrs": "fd03::10-fd03::20"}}


@scenario("vips.server", needs_keyway=True)
def keyway_gives(lab):
    """IPv4, IPv6 and DNS for strongSwan; traffic from the addresses and to them; given back, and given again."""
    capture(lab)
    lab.a.load(server(0, MAIN))
    lab.b.load(client(1))
    start(lab.b)
    four, six = vips_of(lab.b, "local-vips")
    demand((four, six) == ("10.3.0.10", "fd03::10") and vips_of(lab.a, "remote-vips") == [four, six], f"given: {four} {six}")
    must_ping(lab.net["gb"], CA, source=four)
    must_ping(lab.net["gb"], CA6, source=six)
    must_ping(lab.net["ca"], four)
    must_ping(lab.net["ca"], six)
    demand("INTERNAL_IP4_DNS" in lab.b.log(), "the name server did not get there")
    demand(pool_of(lab)["online"] == 1 and pool_of(lab)["leases"][0]["address"] == four, "the lease is not shown")
    code, out, _ = lab.a.cli("status", "net")
    demand(four in out, f"keyway status does not tell the address: {out}")
    lab.b.terminate(ike="net")
    wait_for("the lease to come back", lambda: pool_of(lab)["online"] == 0 and pool_of(lab)["offline"] == 1, 5)
    # What is behind the tunnel is nowhere else when the tunnel is not there.
    code, _ = ping(lab.net["ca"], four, count=2, seconds=3)
    demand(code != 0, "an answer from an address that nobody has")
    start(lab.b)
    demand(vips_of(lab.b, "local-vips") == [four, six], "another address after a return")
    return f"{four} {six}; {dark(lab)}"


@scenario("vips.client", needs_keyway=True)
def keyway_asks(lab):
    """An address of strongSwan's: on the device as long as the tunnel is there, and gone with it, also after kill -9."""
    capture(lab)
    lab.b.load(server(1, {"main": {"addrs": "10.3.0.10-10.3.0.20", "dns": "10.2.0.53"}, "six": {"addrs": "fd03::10/124"}}))
    resolv = os.path.join(lab.a.dir, "resolv.conf")
    with open(resolv, "w") as f:
        f.write("nameserver 192.0.2.53\n")
    lab.a.settings = {"resolv_conf": resolv}
    lab.a.load(client(0))
    start(lab.a)
    demand(servers(resolv) == ["10.2.0.53", "192.0.2.53"], f"name servers: {servers(resolv)}")
    four, six = vips_of(lab.a, "local-vips")
    demand(vips_of(lab.b, "remote-vips") == [four, six], f"given: {four} {six}")
    ga = lab.net["ga"]
    demand(has_address(ga, four) and has_address(ga, six), ga.sh("ip", "addr"))
    must_ping(ga, CB)  # the source address comes with the route
    must_ping(ga, CB, source=four)
    must_ping(ga, CB6, source=six)
    must_ping(lab.net["cb"], four)
    lab.a.terminate(ike="net")
    demand(not has_address(ga, four) and not has_address(ga, six), "the address stays after down")
    demand(servers(resolv) == ["192.0.2.53"], f"name servers after down: {servers(resolv)}")
    start(lab.a)
    demand(vips_of(lab.a, "local-vips") == [four, six], "another address after a return")
    lab.a.kill()
    demand(not has_address(ga, four) and not has_address(ga, six), "the address stays after kill -9")
    lab.a.start()
    demand(servers(resolv) == ["192.0.2.53"], f"name servers after kill -9 and a restart: {servers(resolv)}")
    start(lab.a)
    again = vips_of(lab.a, "local-vips")
    demand(has_address(ga, again[0]), "no address after a restart")
    must_ping(ga, CB, source=again[0])
    return f"{four} {six}, after kill -9 {again[0]}; {dark(lab)}"


@scenario("vips.fixed-request", needs_keyway=True)
def fixed_request(lab):
    """An address that is asked for by name, each way."""
    lab.a.load(server(0, MAIN))
    lab.b.load(client(1, vips="10.3.0.17"))
    start(lab.b)
    demand(vips_of(lab.b, "local-vips") == ["10.3.0.17"], f"given: {vips_of(lab.b, 'local-vips')}")
    must_ping(lab.net["gb"], CA, source="10.3.0.17")
    return "10.3.0.17"


@scenario("vips.two-clients", needs_keyway=True)
def two_clients(lab):
    capture(lab)
    lab.a.load(server(0, MAIN))
    lab.b.load(client(1, vips="0.0.0.0", nets="10.1.0.0/24", names=("one", "two")))
    for name in ("one", "two"):
        start(lab.b, name)
    one, two = (vips_of(lab.b, "local-vips", name)[0] for name in ("one", "two"))
    demand(one != two, f"both have {one}")
    must_ping(lab.net["gb"], CA, source=one)
    must_ping(lab.net["gb"], CA, source=two)
    must_ping(lab.net["ca"], one)
    must_ping(lab.net["ca"], two)
    demand({(x["address"], x["identity"]) for x in pool_of(lab)["leases"]} == {(one, "one.client"), (two, "two.client")}, "leases")
    return f"{one} {two}; {dark(lab)}"


@scenario("vips.exhausted.server", needs_keyway=True)
def exhausted_server(lab):
    """The second of two clients of a pool with one address: refused, and told why; it gets it when it is free."""
    lab.a.load(server(0, {"main": {"addrs": "10.3.0.10/32"}}))
    lab.b.load(client(1, vips="0.0.0.0", nets="10.1.0.0/24", names=("one", "two")))
    start(lab.b, "one")
    code, _ = lab.b.initiate("two", child="two", seconds=10)
    demand(code != 0, "two clients have one address")
    line = next((x for x in lab.a.log().splitlines() if "has no address left" in x), "")
    demand("pool main has no address left for two.client: 1 of 1 in use" in line and "try: " in line, f"logged: {line}")
    demand("INTERNAL_ADDRESS_FAILURE" in lab.b.log(), "the peer was not told")
    for _, sa in lab.b.status():
        with lab.b.vici() as v:
            v.request("terminate", {"ike-id": sa["uniqueid"]})
    start(lab.b, "two")
    demand(vips_of(lab.b, "local-vips", "two") == ["10.3.0.10"], "the free address is not given")
    return line[line.index("pool main"):][:90]


@scenario("vips.exhausted.client", needs_keyway=True)
def exhausted_client(lab):
    """The same with strongSwan's pool: keyway up says so."""
    lab.b.load(server(1, {"main": {"addrs": "10.3.0.10/32"}}))
    lab.a.load(client(0, vips="0.0.0.0", nets="10.2.0.0/24", names=("one", "two")))
    start(lab.a, "one")
    code, text = lab.a.initiate("two", child="two", seconds=10)
    demand(code == 1 and "INTERNAL_ADDRESS_FAILURE" in text and "pool" in text, f"exit {code}: {text}")
    must_ping(lab.net["ga"], CB, source="10.3.0.10")
    return "refused, and the first goes on"


@scenario("vips.short-form", needs_keyway=True)
def short_form_server(lab):
    """A road warrior's gateway in five lines, and then a road warrior in four, each with strongSwan at the other end."""
    capture(lab)
    lab.a.load(text=f"tunnel warriors {{\n  id = server\n  psk = {PSK}\n  local = 10.1.0.0/24\n"
                    f"  proposals = {IKE}\n  pool = 10.3.0.0/24\n  dns = 10.1.0.53\n}}\n")
    lab.b.load(client(1, vips="0.0.0.0", nets="10.1.0.0/24"))
    start(lab.b)
    first = vips_of(lab.b, "local-vips")[0]
    must_ping(lab.net["gb"], CA, source=first)
    lab.b.terminate(ike="net")
    lab.b.load(server(1, {"main": {"addrs": "10.4.0.0/24"}}, nets="10.2.0.0/24"))
    lab.a.load(text=f"tunnel home {{\n  peer = {topology.B4}\n  peer_id = server\n  id = me\n  psk = {PSK}\n  vip = yes\n}}\n")
    lab.a.wait_up()
    second = vips_of(lab.a, "local-vips")[0]
    must_ping(lab.net["ga"], CB)
    must_ping(lab.net["cb"], second)
    # The peer has narrowed what was offered; the rest goes as before.
    table = lab.net["ga"].sh("ip", "route", "show", "table", "220")
    demand("10.2.0.0/24 dev kw" in table and "unreachable" not in table and "default" not in table, table)
    return f"{first} given, {second} got; {dark(lab)}"


@scenario("vips.split-include", needs_keyway=True)
def split_include(lab):
    """The peer lets everything through and names a network: only that is sent into the tunnel."""
    lab.b.load(server(1, {"main": {"addrs": "10.3.0.0/24", "split_include": "10.2.0.0/24"}}, nets="0.0.0.0/0"))
    lab.a.load(text=f"tunnel home {{\n  peer = {topology.B4}\n  peer_id = server\n  id = me\n  psk = {PSK}\n  vip = 0.0.0.0\n}}\n")
    lab.a.wait_up()
    must_ping(lab.net["ga"], CB)
    table = lab.net["ga"].sh("ip", "route", "show", "table", "220")
    demand("10.2.0.0/24 dev kw" in table and "default" not in table and "0.0.0.0" not in table, table)
    child = lab.a.children()[0]
    demand(child["remote-ts"] == ["0.0.0.0/0"], f"selectors: {child['remote-ts']}")
    return "10.2.0.0/24 of 0.0.0.0/0"


@scenario("vips.full-tunnel", needs_keyway=True)
def full_tunnel(lab):
    """remote = 0.0.0.0/0 in so many words: everything goes through, and nothing leaves in the clear when it is down."""
    capture(lab)
    lab.b.load(server(1, {"main": {"addrs": "10.3.0.0/24"}}, nets="0.0.0.0/0"))
    lab.a.load(text=f"tunnel home {{\n  peer = {topology.B4}\n  peer_id = server\n  id = me\n  psk = {PSK}\n  vip = 0.0.0.0\n"
                    "  remote = 0.0.0.0/0\n}\n")
    lab.a.wait_up()
    must_ping(lab.net["ga"], CB)
    lab.b.kill()
    ping(lab.net["ga"], CB, count=3, seconds=3)
    lab.a.terminate(ike="home")
    code, _ = ping(lab.net["ga"], "10.77.0.1", count=2, seconds=2)
    demand(code != 0, "an answer from outside the tunnel")
    return str(dark(lab))


@scenario("vips.rekey", needs_keyway=True)
def rekeyed(lab):
    """New keys for the IKE SA, by either side: the address stays, and so does the lease."""
    lab.a.load(server(0, MAIN))
    lab.b.load(client(1, vips="0.0.0.0"))
    start(lab.b)
    before = vips_of(lab.b, "local-vips")
    for gateway in (lab.a, lab.b):
        ids = {sa["uniqueid"] for _, sa in lab.a.status()}
        gateway.rekey(ike="net")
        wait_for("a new IKE SA and no old one", lambda: len(lab.a.status()) == 1 == len(lab.b.status()) and
                 {sa["uniqueid"] for _, sa in lab.a.status()} != ids, 15)
        demand(vips_of(lab.a, "remote-vips") == before == vips_of(lab.b, "local-vips"), "the address is lost")
        must_ping(lab.net["gb"], CA, source=before[0])
    demand(pool_of(lab)["online"] == 1, f"{pool_of(lab)['online']} leases")
    return f"{before[0]} through two rekeyings"


@scenario("vips.reauthentication", needs_keyway=True)
def reauthenticated(lab):
    """strongSwan authenticates again, the new IKE SA before the old one ends: the address stays."""
    lab.a.load(server(0, MAIN))
    lab.b.load(client(1, vips="0.0.0.0"))
    start(lab.b)
    before = vips_of(lab.b, "local-vips")
    ids = {sa["uniqueid"] for _, sa in lab.b.status()}
    with lab.b.vici() as v:
        answer = v.request("rekey", {"ike": "net", "reauth": "yes"})
    demand(answer.get("success") == "yes", f"{answer}")
    wait_for("a new IKE SA and no old one", lambda: len(lab.a.status()) == 1 == len(lab.b.established()) == len(lab.b.status()) and
             {sa["uniqueid"] for _, sa in lab.b.status()} != ids, 20)
    after = vips_of(lab.b, "local-vips")
    demand(after == before == vips_of(lab.a, "remote-vips"), f"{before} became {after}")
    must_ping(lab.net["gb"], CA, source=after[0])
    return f"{after[0]} again"
