# SPDX-License-Identifier: Apache-2.0
"""Gateways of all kinds in a full mesh: A is Keyway by strongSwan's ipsec.conf, B Keyway by Libreswan's, C Keyway loaded by
strongSwan's swanctl over vici, D strongSwan 5.9.8 by its own starter. Each pair has a tunnel, begun by another kind of
command, and traffic through it; then what one end tells of a tunnel is held against what the other end does, field by field.
"""
import os
import re
import shutil

import peers
from gateways import Keyway, StrongSwan, render
from net import LabError, wait_for
from room import make_etc
from rows import PSK
from scenarios import scenario
from scenarios.steps import demand, topology

HOST = {"a": topology.A4, "b": "10.9.0.3", "c": "10.9.0.4", "d": "10.9.0.5"}
NET = {"a": "10.1.0.0/24", "b": "10.3.0.0/24", "c": "10.4.0.0/24", "d": "10.5.0.0/24"}
INSIDE = {k: v.replace(".0/24", ".1") for k, v in NET.items()}
NODE = {"a": "ga", "b": "gc", "c": "gd", "d": "ge"}
SECOND = {"a": "10.1.9.0/24", "d": "10.5.9.0/24"}  # of the second child between A and D


class Starter(StrongSwan):
    """strongSwan as Debian's package starts it: /etc/ipsec.conf, starter, charon, stroke."""

    def __init__(self, node, directory, name):
        super().__init__(node, directory, name)
        self.root = peers.fetch_starter()
        self.etc, self.run = directory + "/etc", directory + "/run"
        self.socket, self.log_path = self.run + "/charon.vici", self.run + "/charon.log"
        for folder in ("cacerts", "certs", "private", "aacerts", "acerts", "crls", "ocspcerts", "reqs"):
            os.makedirs(f"{self.etc}/ipsec.d/{folder}", exist_ok=True)
        os.makedirs(self.run, exist_ok=True)
        make_etc(self.etc)

    def start(self):
        tree = {"charon": {
            "load": f"{self.CRYPTO} {self.backend} socket-default stroke vici updown",
            "plugins": {"kernel-libipsec": {"allow_peer_ts": True}},
            "filelog": {"lab": {"path": "/run/charon.log", "default": 1, "flush_line": True}},
        }}
        with open(self.etc + "/strongswan.conf", "w") as f:
            f.write(render(tree) + "\n")
        self.process = self.node.start(["sh", "-c", self.command("starter", "--nofork", folder="lib/ipsec")], self.output)
        wait_for(f"{self.name} (strongSwan) to open its control socket", self._is_open, 15)

    def stop(self, seconds=10):
        """Starter takes charon with it, which a killed one does not."""
        with open(self.run + "/charon.pid") as f:
            charon = f"/proc/{int(f.read())}"
        status = super().stop(seconds)
        wait_for("charon to end with its starter", lambda: not os.path.exists(charon), 10)
        return status

    def command(self, program, *argv, folder="sbin"):
        binds = ((self.root + "/usr/lib/ipsec", peers.PLUGIN_DIR), (self.etc, "/etc"), (self.run, "/run"))
        return "mount --make-rprivate / && " + " && ".join(f"mount --bind {what} {where}" for what, where in binds) + \
            f" && exec {self.root}/usr/{folder}/{program} {' '.join(argv)}"

    def stroke(self, *argv):
        code, out, err = self.node.run("sh", "-c", self.command("stroke", *argv, folder="lib/ipsec"))
        demand(code == 0, f"stroke {' '.join(argv)}: exit {code}: {out[-300:]} {err[-300:]}")
        return out

    def swanctl(self, *argv):
        return _run(self.node, self.command("swanctl", *argv))


def _run(node, script, env=None):
    code, out, err = node.run("sh", "-c", script, env=env)
    demand(code == 0, f"{script[-80:]}: exit {code}: {out[-400:]} {err[-400:]}")
    return out


def _write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
        f.write(text)


# ---- configurations

def _strongswan_conf(me):
    conns = "".join(f"conn {me}{peer}\n    right={HOST[peer]}\n    rightsubnet={NET[peer]}\n" for peer in HOST if peer != me)
    if me in SECOND:
        other = "d" if me == "a" else "a"
        conns += f"conn {me}{other}2\n    also={me}{other}\n    leftsubnet={SECOND[me]}\n    rightsubnet={SECOND[other]}\n"
    return f"""conn %default
    left={HOST[me]}
    leftsubnet={NET[me]}
    keyexchange=ikev2
    authby=psk
    ike=aes256-sha256-modp2048!
    esp=aes128-sha256!
    auto=add
{conns}"""


def _libreswan_conf(me):
    return "".join(f"""conn {me}{peer}
    left={HOST[me]}
    leftsubnet={NET[me]}
    right={HOST[peer]}
    rightsubnet={NET[peer]}
    ikev2=insist
    authby=secret
    ike=aes256-sha2_256;dh14
    esp=aes128-sha2_256
    pfs=no
    auto=add
""" for peer in HOST if peer != me)


def _swanctl_tree(me):
    return {
        "connections": {me + peer: {
            "version": 2, "local_addrs": HOST[me], "remote_addrs": HOST[peer], "proposals": "aes256-sha256-modp2048",
            "local": {"auth": "psk", "id": HOST[me]}, "remote": {"auth": "psk", "id": HOST[peer]},
            "children": {me + peer: {"local_ts": NET[me], "remote_ts": NET[peer], "esp_proposals": "aes128-sha256"}},
        } for peer in HOST if peer != me},
        "secrets": {"ike-all": {"secret": PSK}},
    }


class Mesh:
    def __init__(self, lab):
        self.lab, self.net = lab, lab.net
        work = lab.work + "/mesh"
        shutil.rmtree(work, ignore_errors=True)
        self.a, self.b, self.c = (Keyway(lab.net[NODE[k]], f"{work}/{k}", f"gateway {k.upper()}", lab.a.bin) for k in "abc")
        self.d = Starter(lab.net[NODE["d"]], work + "/d", "gateway D")
        self.all = (self.a, self.b, self.c, self.d)

    def begin(self):
        secrets = f': PSK "{PSK}"\n'
        for gateway, text in ((self.a, _strongswan_conf("a")), (self.b, _libreswan_conf("b")), (self.d, _strongswan_conf("d"))):
            _write(gateway.etc + "/ipsec.conf", text)
            _write(gateway.etc + "/ipsec.secrets", secrets)
        for gateway in self.all:
            gateway.start()
        self.pushed = self.c.dir + "/pushed"
        self.c._write_credentials(self.pushed, {})
        _write(self.pushed + "/swanctl.conf", render(_swanctl_tree("c")) + "\n")
        self.swanctl(self.c, "--load-all", "--noprompt")
        wait_for("starter to have told all", lambda: "da2" in self.d.stroke("statusall"), 10)

    def ipsec(self, gateway, *argv):
        return _run(gateway.node, " ".join([gateway.bin + "/ipsec", *argv, *gateway.where]))

    def swanctl(self, gateway, *argv):
        """strongSwan's, asked of Keyway."""
        env = {"SWANCTL_DIR": getattr(self, "pushed", "/nowhere"), "STRONGSWAN_CONF": os.path.join(self.lab.b.dir, "strongswan.conf")}
        return _run(gateway.node, f"{self.lab.b.command('swanctl')} {' '.join(argv)} --uri unix://{gateway.socket}", env)

    def sas(self, who):
        text = self.d.swanctl("--list-sas", "--raw") if who is self.d else self.swanctl(who, "--list-sas", "--raw")
        return {name: body for line in text.splitlines() if line.startswith("list-sa event") for name, body in parse(line).items()}

    def statusall(self, who):
        return self.d.stroke("statusall") if who is self.d else self.ipsec(who, "statusall", "--dialect", "strongswan")

    def end(self):
        trouble = [g.sanitizer_report() for g in (self.a, self.b, self.c)]
        status = [g.stop(5) for g in (self.a, self.b, self.c)]
        self.d.stop()
        return trouble, status


# ---- what swanctl --raw prints

def parse(line):
    """The event's body as nested dicts, with the keys in their order. The identities here have no blanks."""
    root = {}
    stack = [root]
    for token in re.findall(r"\S+ \{|\{|\}|[\w-]+=\[[^\]]*\]|[\w-]+=[^\s{}]*", line.split(" event ", 1)[1][1:-1]):
        if token.endswith("{"):
            child = stack[-1].setdefault(token[:-2].lstrip("{"), {})
            stack.append(child)
        elif token == "}":
            stack.pop()
        else:
            key, _, value = token.partition("=")
            stack[-1][key] = value
    return root


# The two ends of one SA: fields that are alike, those that are the other's, and those that count or are each one's own.
IKE_ALIKE = "version state initiator-spi responder-spi encr-alg encr-keysize integ-alg prf-alg dh-group".split()
IKE_SWAPPED = [("local-host", "remote-host"), ("local-port", "remote-port"), ("local-id", "remote-id")]
CHILD_ALIKE = "state mode protocol encap encr-alg encr-keysize integ-alg".split()
CHILD_SWAPPED = [("spi-in", "spi-out"), ("packets-in", "packets-out"), ("bytes-in", "bytes-out"), ("local-ts", "remote-ts")]
NUMBERS = "uniqueid established rekey-time reauth-time reqid use-in use-out life-time install-time".split()
OWN = {"initiator", "nat-local", "nat-remote", "nat-fake", "nat-any", "reauth-time", "rekey-time", "child-sas", "name"}


def must_mirror(ours, theirs):
    """Two ends' views of one IKE SA and its children: the same keys in the same order, and values that fit."""
    _mirror(ours, theirs, IKE_ALIKE, IKE_SWAPPED, "IKE SA")
    demand(("initiator" in ours) != ("initiator" in theirs), f"both or neither began: {ours} {theirs}")
    mine, other = list(ours["child-sas"].values()), list(theirs["child-sas"].values())
    demand(mine and len(mine) == len(other), f"{len(mine)} children at one end, {len(other)} at the other")
    for child in mine:
        pair = [c for c in other if c["spi-in"] == child["spi-out"]]
        demand(pair, f"the other end has no child {child['spi-out']}")
        _mirror(child, pair[0], CHILD_ALIKE, CHILD_SWAPPED, "child")
    return 1 + len(mine)


def _mirror(ours, theirs, alike, swapped, what):
    keys = [[k for k in end if k not in OWN] for end in (ours, theirs)]
    demand(keys[0] == keys[1], f"{what}: other keys, or in another order: {keys[0]} {keys[1]}")
    fields = {**{k: k for k in alike}, **{x: y for pair in swapped for x, y in (pair, pair[::-1])}}
    for key in keys[0]:
        if key in fields:
            demand(ours[key] == theirs[fields[key]], f"{what}: {key} is {ours[key]}, {theirs[fields[key]]} at the other end")
        else:
            demand(key in NUMBERS and ours[key].isdigit() and theirs[key].isdigit(), f"{what}: {key} is {ours[key]}, {theirs[key]}")


# ---- what ipsec statusall prints

HOSTS = r"(?P<local>[\d.]+)\[(?P<local_id>[^\]]*)\]\.\.\.(?P<remote>[\d.]+)\[(?P<remote_id>[^\]]*)\]"
TIME = r"\d+ (?:second|minute|hour|day)s?"
# Lines of an SA, in their order.
IKE_LINES = [
    rf" *(?P<name>\w+)\[\d+\]: ESTABLISHED {TIME} ago, {HOSTS}",
    r" *\w+\[\d+\]: IKEv2 SPIs: (?P<spi_i>[0-9a-f]{16})_i(?P<is_initiator>\*?) (?P<spi_r>[0-9a-f]{16})_r(?P<is_responder>\*?), "
    rf"(?:rekeying in {TIME}|(?:rekeying in {TIME}, )?pre-shared key reauthentication in {TIME})",
    r" *\w+\[\d+\]: IKE proposal: (?P<proposal>[A-Z0-9_/]+)",
]
COUNT = r"(?P<bytes_{0}>\d+) bytes_{0} \((?P<packets_{0}>\d+) pkts?, \d+s ago\)"
CHILD_LINES = [
    r" *(?P<name>\w+)\{\d+\}:  INSTALLED, (?P<mode>\w+), reqid \d+, (?P<protocol>ESP(?: in UDP)?) SPIs: (?P<spi_in>[0-9a-f]{8})_i "
    r"(?P<spi_out>[0-9a-f]{8})_o",
    rf" *\w+\{{\d+\}}:  (?P<cipher>[A-Z0-9_/]+), {COUNT.format('i')}, {COUNT.format('o')}, rekeying in {TIME}",
    r" *\w+\{\d+\}:   (?P<local_ts>\S+) === (?P<remote_ts>\S+)",
]
STATUS_ALIKE = "spi_i spi_r proposal mode protocol cipher".split()
STATUS_SWAPPED = [("local", "remote"), ("local_id", "remote_id"), ("is_initiator", "is_responder"), ("spi_in", "spi_out"),
                  ("local_ts", "remote_ts"), ("bytes_i", "bytes_o"), ("packets_i", "packets_o")]


def read_status(text):
    """[(fields of an IKE SA, [fields of its children])]: each line has to have its form, and none may be left."""
    lines = text[text.index("\nSecurity Associations ("):].splitlines()[2:]
    sas = []
    while lines:
        is_ike = re.match(r" *\w+\[", lines[0])
        fields = {}
        for pattern in IKE_LINES if is_ike else CHILD_LINES:
            m = re.fullmatch(pattern, lines[0]) if lines else None
            demand(m, f"{lines[0] if lines else 'nothing'!r} is not of the form {pattern}")
            fields.update({k: v for k, v in m.groupdict().items() if k not in fields})
            lines.pop(0)
        if is_ike:
            sas.append((fields, []))
        else:
            sas[-1][1].append(fields)
    return sas


def must_fit(ours, theirs):
    pairs = {**{k: k for k in STATUS_ALIKE}, **{x: y for p in STATUS_SWAPPED for x, y in (p, p[::-1])}}
    for key in ours:
        if key in pairs:
            demand(ours[key] == theirs[pairs[key]], f"statusall: {key} is {ours[key]!r}, {theirs[pairs[key]]!r} at the other end")


def connection_lines(text, me, peer):
    """Of one connection, as the other end would write them: from A to D and from D to A they are the same."""
    begin, end = text.index("\nConnections:\n"), text.index("\nSecurity Associations (")
    names = (me + peer, me + peer + "2")
    lines = [line for line in text[begin:end].splitlines() if line.strip().split(":")[0] in names]
    return [re.sub(r"^( *)\w\w(2?):", r"\1xx\2:", line) for line in lines]


def flipped(lines):
    out = []
    for line in lines:
        line = re.sub(r"([\d.]+)\.\.\.([\d.]+)  ", r"\2...\1  ", line)
        line = re.sub(r"(child:  )(\S+) === (\S+)", r"\1\3 === \2", line)
        out.append(line)
    local = [i for i, line in enumerate(out) if "local:  [" in line]
    for i in local:
        one, two = (re.search(r"\[(.*)\]", out[k])[1] for k in (i, i + 1))
        out[i], out[i + 1] = out[i].replace(f"[{one}]", f"[{two}]"), out[i + 1].replace(f"[{two}]", f"[{one}]")
    return out


# ---- rows

def _up(mesh):
    """Each tunnel is begun by another kind of command."""
    done = r"connection '\w+' established successfully"
    demand(re.search(done, mesh.ipsec(mesh.a, "up", "ab")), "ipsec up ab")
    demand(re.search(done, mesh.ipsec(mesh.a, "up", "ad")), "ipsec up ad")
    demand(re.search(r'^004 "bc" #\d+: initiator established Child SA', mesh.ipsec(mesh.b, "auto", "--up", "bc"), re.M), "auto --up bc")
    demand("initiate completed successfully" in mesh.swanctl(mesh.c, "--initiate", "--child", "ca"), "swanctl --initiate ca")
    demand("initiate completed successfully" in mesh.swanctl(mesh.c, "--initiate", "--child", "cd"), "swanctl --initiate cd")
    demand(re.search(done, mesh.d.stroke("up", "db")), "stroke up db")


def _ping(mesh, one, other, count=3):
    code, out, _ = mesh.net[NODE[one]].run("ping", "-n", "-c", str(count), "-i", "0.05", "-W", "2", "-I", INSIDE[one], INSIDE[other])
    demand(code == 0, f"no ping from {one.upper()} to {other.upper()}: {out[-300:]}")


def _settled(mesh):
    """All counters are told: what one end of each tunnel has sent the other has received."""
    ends = [mesh.a, mesh.b, mesh.c, mesh.d]
    children = [{c["spi-in"]: c for g in [g] for sa in mesh.sas(g).values() for c in sa["child-sas"].values()} for g in ends]
    everything = {spi: c for of in children for spi, c in of.items()}
    return all(c["spi-out"] in everything and everything[c["spi-out"]]["packets-in"] == c["packets-out"] for c in everything.values())


TRAFFIC = (r'006 #\d+: "(?P<name>\w+)", type=ESP, add_time=(?P<when>\d{10}), inBytes=(?P<i>\d+), outBytes=(?P<o>\d+), '
           r"maxBytes=2\^63B, id='(?P<id>[^']+)'")


def _must_tell_traffic(mesh):
    """Libreswan's line for each child, and in it what vici tells."""
    lines = mesh.ipsec(mesh.b, "trafficstatus").splitlines()
    sas = mesh.sas(mesh.b)
    demand(len(lines) == 3, f"trafficstatus: {lines}")
    for line in lines:
        m = re.fullmatch(TRAFFIC, line)
        demand(m, f"trafficstatus: {line!r}")
        child = next(iter(sas[m["name"]]["child-sas"].values()))
        demand((m["i"], m["o"], m["id"]) == (child["bytes-in"], child["bytes-out"], sas[m["name"]]["remote-id"]),
               f"trafficstatus: {line!r}, and vici: {child}")


@scenario("personality.gateways.mesh", shape="mesh", needs_keyway=True)
def gateways_mesh(lab):
    mesh = Mesh(lab)
    try:
        mesh.begin()
        _up(mesh)
        for one, other in ("ab", "ac", "ad", "bc", "bd", "cd"):
            _ping(mesh, one, other)
            _ping(mesh, other, one)
        wait_for("the counters of both ends to agree", lambda: _settled(mesh), 10, 0.2)
        told = {k: mesh.sas(getattr(mesh, k)) for k in "abcd"}
        n = sum(must_mirror(told[one][one + other], told[other][other + one])
                for one, other in ("ab", "ac", "ad", "bc", "bd", "cd"))
        pages = {k: mesh.statusall(getattr(mesh, k)) for k in "abcd"}
        read = {k: {ike["name"]: (ike, children) for ike, children in read_status(text)} for k, text in pages.items()}
        for one, other in ("ab", "ac", "ad", "bc", "bd", "cd"):
            (ours, mine), (theirs, others) = read[one][one + other], read[other][other + one]
            must_fit(ours, theirs)
            demand(len(mine) == len(others) == 1, f"statusall: {mine} {others}")
            must_fit(mine[0], others[0])
        for text in pages.values():
            demand("Security Associations (3 up, 0 connecting):\n" in text, text[-600:])
        at_a, at_d = connection_lines(pages["a"], "a", "d"), connection_lines(pages["d"], "d", "a")
        demand(at_a and at_a == flipped(at_d), f"Connections: {at_a} {at_d}")
        _must_tell_traffic(mesh)
    finally:
        trouble, status = mesh.end()
    demand(not any(trouble) and not any(status), f"{[t[:300] for t in trouble if t]} {status}")
    return f"{n} SAs told by both ends"


@scenario("personality.gateways.second-child", shape="mesh", needs_keyway=True)
def gateways_second_child(lab):
    """Two connections of strongSwan's ipsec.conf that differ in their networks alone share an IKE SA, whoever begins; and one
    goes without the other."""
    mesh = Mesh(lab)
    try:
        mesh.begin()
        mesh.ipsec(mesh.a, "up", "ad")
        mesh.ipsec(mesh.a, "up", "ad2")
        _must_share(mesh)
        gone = [mesh.ipsec(mesh.a, "down", "ad2{*}")]
        wait_for("the child to go", lambda: len(mesh.d.children()) == 1, 10)
        mesh.d.stroke("up", "da2")
        _must_share(mesh)
        gone += [mesh.d.stroke("down", "'da2{*}'"), mesh.d.stroke("down", "da"), mesh.ipsec(mesh.a, "status")]
        demand(all(re.search(r"^CHILD_SA \{\d+\} closed successfully$", text, re.M) for text in gone[:2]), f"{gone}")
        demand(re.search(r"^IKE_SA \[\d+\] closed successfully$", gone[2], re.M), f"{gone}")
        wait_for("the IKE SA to go", lambda: not mesh.a.status(), 10)
    finally:
        trouble, status = mesh.end()
    demand(not any(trouble) and not any(status), f"{[t[:300] for t in trouble if t]} {status}")


def _must_share(mesh):
    def has_two():
        return len(mesh.a.children()) == 2 and len(mesh.d.children()) == 2
    try:
        wait_for("two children", has_two, 5)
    except LabError as e:
        raise LabError(f"{e}: {mesh.sas(mesh.a)} {mesh.sas(mesh.d)}") from None
    must_mirror(mesh.sas(mesh.a)["ad"], mesh.sas(mesh.d)["da"])
    names = [sorted(c["name"] for c in g.children()) for g in (mesh.a, mesh.d)]
    demand(names == [["ad", "ad2"], ["da", "da2"]], f"{names}")
