# SPDX-License-Identifier: Apache-2.0
"""The peer's raw public key asked of DNS (RFC 4025) and proved by DNSSEC: NSD with zones of the lab's own, signed by ldns, on
the loopback of Keyway's namespace. The peer has its keys in files: Debian builds strongSwan without what asks DNS.

Zones: keyway.test is signed, and its key is the trust anchor; plain.keyway.test below it is not signed; and one for the
reverse names of the gateways' addresses."""
import base64
import contextlib
import glob
import os
import re
import subprocess
import time

import peers
from certs import NAME
from gateways import merged
from scenarios import scenario
from scenarios.raw_keys import _rfc3110, _spki, _trees
from scenarios.refusals import AUTH, CERTIFICATE, _initiate, _must_decide, _respond
from scenarios.steps import CB, bring_up, capture, dark, demand, must_ping, topology, wait_for

ZONE, PLAIN, REVERSE = "keyway.test", "plain.keyway.test", "0.9.10.in-addr.arpa"
SOA = "@ 300 IN SOA ns hostmaster 1 3600 600 86400 5\n@ 300 IN NS ns\nns 300 IN A 127.0.0.1\n"


def _record(lab, leaf, kind, algorithm=None):
    """The RDATA of an IPSECKEY record without a gateway."""
    if kind == "rsa":
        return f"10 0 2 . {_rfc3110(lab, leaf)[2:]}"
    der = subprocess.run(["openssl", "pkey", "-in", lab.certs.path(leaf + ".key"), "-pubout", "-outform", "DER"], check=True,
                         capture_output=True).stdout
    number, key = {"ecdsa": (3, der[-64:]), "ed25519": (4, der[-32:])}[kind]
    if algorithm == "spki":  # as Libreswan has it
        number, key = 4, der
    return f"10 0 {number} . {base64.b64encode(key).decode()}"


class NameServer:
    def __init__(self, lab):
        self.lab, self.root, self.process = lab, peers.fetch_name_server(), None
        self.dir = os.path.join(lab.work, "dns")
        os.makedirs(self.dir, exist_ok=True)
        library = os.path.dirname(next(iter(glob.glob(self.root + "/usr/lib/*/libldns.so.3"))))
        self.env = {"LD_LIBRARY_PATH": library}
        self.zones, self.anchors = {}, os.path.join(self.dir, "anchors")
        self.resolv_conf = os.path.join(self.dir, "resolv.conf")
        with open(self.resolv_conf, "w") as f:
            f.write("nameserver 127.0.0.1\n")
        open(self.anchors, "w").close()

    def _ldns(self, tool, *argv):
        p = subprocess.run([f"{self.root}/usr/bin/{tool}", *argv], cwd=self.dir, env={**os.environ, **self.env},
                           capture_output=True, text=True)
        demand(p.returncode == 0, f"{tool} {argv}: {(p.stdout + p.stderr)[-500:]}")
        return p.stdout.strip()

    def add(self, zone, records, signs=True, dates=()):
        path = os.path.join(self.dir, zone + "zone")
        with open(path, "w") as f:
            f.write(f"$ORIGIN {zone}.\n{SOA}" + "".join(line + "\n" for line in records))
        self.zones[zone] = path
        if not signs:
            return
        key = self._ldns("ldns-keygen", "-a", "ED25519", "-r", "/dev/urandom", zone)
        self._ldns("ldns-signzone", *dates, "-o", zone, "-f", path + ".signed", path, key)
        self.zones[zone] = path + ".signed"
        with open(f"{self.dir}/{key}.key") as f, open(self.anchors, "a") as to:
            to.write(f.read())

    def change(self, zone, old, new):
        """After it was signed."""
        with open(self.zones[zone]) as f:
            text = f.read()
        demand(old in text, f"{old} is not in the zone")
        with open(self.zones[zone], "w") as f:
            f.write(text.replace(old, new))

    def start(self):
        config, log = os.path.join(self.dir, "nsd.conf"), os.path.join(self.dir, "nsd.log")
        lines = ["server:", "  ip-address: 127.0.0.1", "  port: 53", "  server-count: 1", '  username: ""', '  chroot: ""',
                 '  database: ""', f'  zonesdir: "{self.dir}"', f'  pidfile: "{self.dir}/pid"', f'  xfrdfile: "{self.dir}/xfrd"',
                 f'  zonelistfile: "{self.dir}/list"', f'  xfrdir: "{self.dir}"', "  verbosity: 2",
                 "remote-control:", "  control-enable: no"]
        for zone, path in self.zones.items():
            lines += ["zone:", f"  name: {zone}", f'  zonefile: "{path}"']
        with open(config, "w") as f:
            f.write("\n".join(lines) + "\n")
        self.process = self.lab.net["ga"].start([self.root + "/usr/sbin/nsd", "-d", "-c", config], log, self.env)

        def is_there():
            demand(self.process.is_running(), f"nsd ended: {self.process.text()[-500:]}")
            return "nsd started" in self.process.text()
        wait_for("the name server", is_there, 10, 0.05)
        return self

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None


@contextlib.contextmanager
def _name_server(lab):
    server = NameServer(lab)
    try:
        yield server
    finally:
        server.stop()


def _load(lab, server, kind, peer_id=None):
    (tree_a, files_a), (tree_b, files_b) = _trees(lab, kind, _spki)
    known = tree_a["connections"]["net"]["remote"]["pubkeys"]
    files_a.pop("pubkey/" + known)
    tree_a["connections"]["net"]["remote"]["pubkeys"] = "dns"
    if peer_id:
        tree_a = merged(tree_a, {"connections": {"net": {"remote": {"id": peer_id}}}})
        tree_b = merged(tree_b, {"connections": {"net": {"local": {"id": peer_id}}}})
    lab.a.settings = {"dns_resolv_conf": server.resolv_conf, "dns_trust_anchors": server.anchors}
    lab.b.load(tree_b, files_b)
    lab.a.load(tree_a, files_a)


def _up(lab, kind, role, record=None):
    with _name_server(lab) as server:
        leaf = lab.certs.pair(kind)[1]
        server.add(ZONE, [f"b 300 IN IPSECKEY {_record(lab, leaf, kind, record)}"])
        server.start()
        capture(lab)
        _load(lab, server, kind)
        bring_up(lab, role)
        must_ping(lab.net["ca"], CB)
        demand("IPSECKEY of b.keyway.test: proved by DNSSEC" in lab.a.log(), "the log does not tell whose key it was")
        return f"{dark(lab)}"


def _register(kind, role, record=None):
    @scenario(f"dns.{record or kind}.{role}", needs_keyway=True)
    def run(lab):
        return _up(lab, kind, role, record)


_register("rsa", "initiator")
_register("ecdsa", "responder")
_register("ed25519", "initiator")
_register("ecdsa", "responder", "spki")


@scenario("dns.reverse.initiator", needs_keyway=True)
def reverse(lab):
    """The peer is known by its address, whose reverse name has the key."""
    with _name_server(lab) as server:
        leaf = lab.certs.pair("ed25519")[1]
        server.add(REVERSE, [f"2 300 IN IPSECKEY {_record(lab, leaf, 'ed25519')}"])
        server.start()
        _load(lab, server, "ed25519", topology.B4)
        bring_up(lab)
        must_ping(lab.net["ca"], CB)


@scenario("dns.by-setting.responder", needs_keyway=True)
def by_setting(lab):
    """Nothing in the connection says how the peer proves itself: dns_keys of the daemon does."""
    with _name_server(lab) as server:
        leaf = lab.certs.pair("ecdsa")[1]
        server.add(ZONE, [f"b 300 IN IPSECKEY {_record(lab, leaf, 'ecdsa')}"])
        server.start()
        (tree_a, files_a), (tree_b, files_b) = _trees(lab, "ecdsa", _spki)
        files_a.pop("pubkey/" + tree_a["connections"]["net"]["remote"].pop("pubkeys"))
        lab.a.settings = {"dns_keys": "yes", "dns_resolv_conf": server.resolv_conf, "dns_trust_anchors": server.anchors}
        lab.b.load(tree_b, files_b)
        lab.a.load(tree_a, files_a)
        bring_up(lab, "responder")
        must_ping(lab.net["ca"], CB)


def _refused(lab, role, prepare, words, kind="ecdsa", peer_id=None, code=CERTIFICATE):
    """prepare fills and starts the server; then one line says why the peer is refused, and soon."""
    with _name_server(lab) as server:
        prepare(lab, server, lab.certs.pair(kind)[1], kind)
        _load(lab, server, kind, peer_id)
        begin = time.monotonic()
        mark = _initiate(lab, code)[0] if role == "initiator" else _respond(lab)
        took = time.monotonic() - begin
        line = _must_decide(lab, mark, words)
        demand(took < 12, f"it took {took:.1f} s")
        demand(not lab.a.children() and not lab.b.children(), "and yet there is a child")
        return re.sub(r".*expected", "expected", line)[:160]


def _good_zone(lab, server, leaf, kind, dates=()):
    server.add(ZONE, [f"b 300 IN IPSECKEY {_record(lab, leaf, kind)}"], dates=dates)
    server.start()


def _altered(lab, server, leaf, kind):
    """Another key under the signature."""
    other = lab.certs.leaf("another-" + kind, kind, NAME["b"])
    server.add(ZONE, [f"b 300 IN IPSECKEY {_record(lab, leaf, kind)}"])
    server.change(ZONE, _record(lab, leaf, kind).split()[-1], _record(lab, other, kind).split()[-1])
    server.start()


def _expired(lab, server, leaf, kind):
    _good_zone(lab, server, leaf, kind, ("-i", "20240101000000", "-e", "20240201000000"))


def _unsigned(lab, server, leaf, kind):
    server.add(PLAIN, [f"b 300 IN IPSECKEY {_record(lab, leaf, kind)}"], signs=False)
    server.add(ZONE, ["plain 300 IN NS ns.plain", "ns.plain 300 IN A 127.0.0.1"])
    server.start()


def _missing(lab, server, leaf, kind):
    server.add(ZONE, ["b 300 IN A 192.0.2.1"])
    server.start()


def _wrong_key(lab, server, leaf, kind):
    other = lab.certs.leaf("another-" + kind, kind, NAME["b"])
    _good_zone(lab, server, other, kind)


def _dead(lab, server, leaf, kind):
    server.add(ZONE, [])


def _silent(lab, server, leaf, kind):
    """The port takes questions and nobody answers."""
    _dead(lab, server, leaf, kind)
    lab.net["ga"].sh("nft", "add table ip mute; add chain ip mute in { type filter hook input priority 0; }; "
                            "add rule ip mute in udp dport 53 drop; add rule ip mute in tcp dport 53 drop")


@scenario("dns.altered.initiator", needs_keyway=True)
def altered(lab):
    return _refused(lab, "initiator", _altered, ("IPSECKEY records of b.keyway.test", r"\(bogus\)"))


@scenario("dns.expired.responder", needs_keyway=True)
def expired(lab):
    return _refused(lab, "responder", _expired, ("IPSECKEY records of b.keyway.test", r"\(bogus\)"))


@scenario("dns.insecure.initiator", needs_keyway=True)
def insecure(lab):
    return _refused(lab, "initiator", _unsigned, ("IPSECKEY records of b.plain.keyway.test", r"\(insecure\)"),
                    peer_id="b.plain.keyway.test")


@scenario("dns.missing.responder", needs_keyway=True)
def missing(lab):
    return _refused(lab, "responder", _missing, ("IPSECKEY records of b.keyway.test", "proof that there is none"))


@scenario("dns.another-key.initiator", needs_keyway=True)
def another_key(lab):
    return _refused(lab, "initiator", _wrong_key, ("does not verify", "the key that DNS has for b.keyway.test"), code=AUTH)


@scenario("dns.dead.responder", needs_keyway=True)
def dead(lab):
    return _refused(lab, "responder", _dead, ("IPSECKEY records of b.keyway.test", "no answer"))


@scenario("dns.silent.initiator", needs_keyway=True)
def silent(lab):
    try:
        return _refused(lab, "initiator", _silent, ("IPSECKEY records of b.keyway.test", "no answer"))
    finally:
        lab.net["ga"].sh("nft", "delete", "table", "ip", "mute", check=False)
