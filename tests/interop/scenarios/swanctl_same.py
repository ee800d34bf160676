# SPDX-License-Identifier: Apache-2.0
"""Keyway's swanctl and strongSwan's, 5.9.8 and 6.0.1, asked of the same running Keyway: the same bytes on stdout and stderr, and
the same exit code, with no option, --raw and --pretty. Where the two versions differ ours is as 6.0.1: a row says so (old=False).

tests/swanctl compares what is printed of every key that a daemon may say; here the daemon is real, and has everything up."""
import glob
import os
import re
import time

import peers
import topology
from certs import NAME
from gateways import render
from rows import PSK
from scenarios import scenario
from scenarios.ppk import KEY
from scenarios.steps import CB, LabError, demand, must_ping, wait_for

STYLES = ((), ("--raw",), ("--pretty",))
IKE, ESP = "aes256gcm16-prfsha256-x25519", "aes256gcm16"
A, B = topology.A4, topology.B4

# What moves between two calls, and nothing else: seconds that pass.
MOVES = [(re.compile(p, re.M), s) for p, s in (
    (r"\b(established|installed) +\d+s ago", r"\1 Ns ago"),
    (r"\b(rekeying|reauth|expires) in \d+s", r"\1 in Ns"),
    (r"packets, +\d+s ago", "packets, Ns ago"),
    (r"\b((?:established|rekey-time|reauth-time|life-time|install-time|use-in|use-out|ticket-time)(?:=| = ))\d+", r"\1N"),
    (r"^uptime: .*, since", "uptime: N, since"),
    (r"(running(?:=| = ))\d+ \w+", r"\1N"),
    (r"(mallinfo(?: | =) ?\{).*?\}", r"\1}"), (r"^mallinfo: .*$", "mallinfo"),
)]
# What one more attempt, or one more SA, has anew: its numbers.
NUMBERS = [(re.compile(p), s) for p, s in ((r"\b[0-9a-f]{16}\b", "SPI"), (r"\b[0-9a-f]{8}\b", "spi"), (r"#\d+", "#N"),
                                           (r"\[\d+\]", "[N]"), (r"\{\d+\}", "{N}"), (r"uniqueid(=| = )\d+", r"uniqueid\1N"))]
NAMES = [(re.compile(p, re.M), s) for p, s in ((r"^(strongSwan|Keyway) [0-9][0-9.]* swanctl$", "BANNER"),
                                               (r"^loaded plugins: .*\nusage:$", "usage:"), (r"^/\S*/swanctl: ", "swanctl: "))]


class Programs:
    """The three, asked of one daemon."""

    def __init__(self, lab):
        self.lab = lab
        self.conf = os.path.join(lab.work, "swanctl-strongswan.conf")
        with open(self.conf, "w") as f:
            f.write("swanctl {\n  load = random nonce x509 pubkey pkcs1 pkcs7 dnskey sshkey pem openssl pkcs8\n}\n")
        self.env = {"STRONGSWAN_CONF": self.conf, "SWANCTL_DIR": lab.a.etc + "/swanctl", "TZ": "Europe/Zurich"}
        old, new = peers.STRONGSWAN, peers.fetch_new_swanctl()
        loader = next(iter(glob.glob(new + "/usr/lib/*/ld-linux*.so.*")))
        self.shell = {
            "ours": f"exec {lab.a.bin}/swanctl",
            "6.0.1": f"mount --bind {new}/usr/lib/ipsec {peers.PLUGIN_DIR} && exec {loader} --library-path "
                     f"{os.path.dirname(loader)}:{peers.PLUGIN_DIR} {new}/usr/sbin/swanctl",
            "5.9.8": f"mount --bind {old}/usr/lib/ipsec {peers.PLUGIN_DIR} && exec {old}/usr/sbin/swanctl"}

    def ask(self, who, *argv, uri=None):
        """(code, stdout, stderr), without what moves."""
        argv = [*argv, *(["--uri", uri or "unix://" + self.lab.a.socket] if argv[-1] != "--uri" else [])]
        result = self.lab.a.node.run("sh", "-c", self.shell[who] + ' "$@"', "sh", *argv, env=self.env)
        demand("Sanitizer" not in result[2], f"swanctl {' '.join(argv)}: {result[2][:600]}")
        for pattern, instead in MOVES + NAMES:
            result = (result[0], pattern.sub(instead, result[1]), pattern.sub(instead, result[2]))
        return result

    def same(self, *argv, old=True, numbers=False, uri=None, styles=STYLES):
        """All three; returns what ours said with no option. numbers: each has done something anew."""
        first = None
        for style in styles:
            said = {who: self.ask(who, *argv, *style, uri=uri) for who in (("ours", "6.0.1", "5.9.8") if old else ("ours", "6.0.1"))}
            first = first or said["ours"]
            for pattern, instead in NUMBERS if numbers else ():
                said = {who: (c, pattern.sub(instead, o), pattern.sub(instead, e)) for who, (c, o, e) in said.items()}
            for who, theirs in said.items():
                demand(theirs == said["ours"], f"swanctl {' '.join((*argv, *style))}: {difference(theirs, said['ours'], who)}")
        return first


def difference(theirs, ours, who):
    for what, a, b in zip(("exit code", "stdout", "stderr"), theirs, ours):
        if a == b:
            continue
        if what == "exit code":
            return f"exit code of {who} {a}, of ours {b}; stderr {theirs[2][:200]!r} {ours[2][:200]!r}"
        a, b = a.splitlines(), b.splitlines()
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        return f"{what}, line {at + 1}: {who}: {' | '.join(a[at:at + 2])[:300]!r}; ours: {' | '.join(b[at:at + 2])[:300]!r}"
    return ""


def _net(me, name, auth, nets, **more):
    """A connection of one side; nets: {child: (network behind A, behind B)}"""
    it = 1 - me
    local, remote = auth[me], auth[it]
    return {"version": 2, "local_addrs": (A, B)[me], "remote_addrs": (A, B)[it], "proposals": IKE,
            "local": local, "remote": {k: v for k, v in remote.items() if k in ("auth", "id")},
            "children": {child: {"local_ts": n[me], "remote_ts": n[it], "esp_proposals": ESP} for child, n in nets.items()}, **more}


def _tree(lab, me):
    certs = [{"auth": "pubkey", "id": NAME[x], "certs": f"{x}-ecdsa.pem"} for x in "ab"]
    psk = [[{"auth": "psk", "id": f"{name}-{x}"} for x in "ab"] for name in ("two", "ppk", "bare")]
    nets, conns = topology.NET[4], {}
    conns["net"] = _net(me, "net", certs, {"net": nets, "six": topology.NET[6], "later": ("10.1.7.0/24[tcp/80]", "10.2.7.0/24[tcp]")})
    conns["two"] = _net(me, "two", psk[0], {"cbc": ("10.1.2.0/24[udp/53]", "10.2.2.0/24"), "host": ("10.1.5.0/24", "10.2.5.0/24")}, dpd_delay="3600s",
                        proposals="aes128-sha256-modp2048", reauth_time="20000s", rekey_time="0s")
    conns["two"]["children"]["cbc"] |= {"esp_proposals": "aes128-sha256-modp2048", "rekey_time": "50m", "life_time": "1h"}
    conns["two"]["children"]["host"] |= {"esp_proposals": "aes256-sha384"}
    conns["ppk"] = _net(me, "ppk", psk[1], {"ppk": ("10.1.3.0/24", "10.2.3.0/24")}, ppk_id="vault", ppk_required="yes")
    conns["bare"] = _net(me, "bare", psk[2], {"kid": ("10.1.4.0/24", "10.2.4.0/24")}, childless="force")
    tree = {"connections": conns, "secrets": {
        "ike-lab": {"secret": PSK}, "ppk-lab": {"secret": KEY, "id": "vault"}}}
    road = {"version": 2, "proposals": IKE, "local_addrs": (A, B)[me],
            "local": {"auth": "psk", "id": ("server", "road.client")[me]}, "remote": {"auth": "psk", **({"id": "server"} if me else {})},
            "children": {"road": {("remote_ts" if me else "local_ts"): nets[0], "esp_proposals": ESP}}}
    conns["road"] = {**road, "remote_addrs": A, "vips": "0.0.0.0, ::"} if me else {**road, "pools": "main, six"}
    if me == 0:
        conns["net"]["children"]["trap"] = {"local_ts": "10.1.8.0/24", "remote_ts": "10.2.8.0/24", "start_action": "trap"}
        conns["off"] = {"remote_addrs": "10.9.0.99, 10.9.0.98", "unique": "replace", "rekey_time": "0s", "dpd_delay": "30s",
                        "local": {"auth": "pubkey", "certs": "a-ecdsa.pem"}, "remote": {
                            "auth": "pubkey", "cacerts": "ca.pem", "revocation": "ifuri", "cert_policy": "1.2.3.4"},
                        "children": {"x": {"mode": "transport", "rekey_time": "0s", "rekey_bytes": "1G", "rekey_packets": "1000000", "dpd_action": "restart"}}}
        tree["pools"] = {"main": {"addrs": "10.3.0.10-10.3.0.20", "dns": "10.1.0.53"}, "six": {"addrs": "fd03::10-fd03::20"},
                         "empty": {"addrs": "10.4.0.0/16"}}
        tree["authorities"] = {"lab": {"cacert": "ca.pem", "crl_uris": "http://10.9.0.99/a.crl, http://10.9.0.99/b.crl",
                                       "ocsp_uris": "http://10.9.0.99/ocsp"}}
    return tree


def _files(lab, me):
    leaf = lab.certs.pair("ecdsa")[me]
    lab.certs.leaf("a-rsa", "rsa", NAME["a"])
    files = lab.certs.files(leaf, extra=("a-rsa",) if me == 0 else ())
    if me == 0:
        crl, key = os.path.join(lab.work, "same.crl"), os.path.join(lab.work, "same.pub")
        sh = lab.net["ga"].sh
        with open(key, "w") as f:
            f.write(sh("openssl", "x509", "-in", lab.certs.path("a-rsa.pem"), "-noout", "-pubkey"))
        folder = os.path.join(lab.work, "same.ca")
        os.makedirs(folder, exist_ok=True)
        for name, text in (("index.txt", "R\t290101000000Z\t240101000000Z,superseded\t77\tunknown\t/CN=gone\n"), ("crlnumber", "05\n"),
                           ("cnf", f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index.txt\ncrlnumber={folder}/crlnumber\ndefault_md=sha256\n"
                                   "crl_extensions=x\n[x]\nauthorityKeyIdentifier=keyid\n")):
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)
        sh("openssl", "ca", "-gencrl", "-config", folder + "/cnf", "-cert", lab.certs.path("ca.pem"), "-keyfile", lab.certs.path("ca.key"),
           "-crldays", "400", "-crlhours", "7", "-out", crl)
        files |= {"x509crl/lab.crl": crl, "pubkey/a-rsa.pub": key}
    return files


def with_networks(run):
    """strongSwan's routes want an address of the peer's in each network."""
    def wrapped(lab):
        for n in (2, 3, 4, 5, 7):
            lab.net["gb"].ip("addr", "add", f"10.2.{n}.1/24", "dev", "b1")
        try:
            return run(lab)
        finally:
            for n in (2, 3, 4, 5, 7):
                lab.net["gb"].ip("addr", "del", f"10.2.{n}.1/24", "dev", "b1", check=False)
    return wrapped


def _up(lab):
    """Everything that can be, is."""
    lab.b.load(_tree(lab, 1), _files(lab, 1))
    lab.a.load(_tree(lab, 0), _files(lab, 0))
    with lab.a.vici() as v:
        for ask in ({"ike": "net", "child": "net"}, {"ike": "two", "child": "cbc"}, {"ike": "two", "child": "host"}, {"ike": "ppk", "child": "ppk"}, {"ike": "net", "child": "six"},
                    {"ike": "bare"}):
            answer = v.request("initiate", {**ask, "timeout": "15000"})
            demand(answer.get("success") == "yes", f"{ask} did not come up: {answer}")
        v.request("terminate", {"child": "kid"})  # an IKE SA without children
    must_ping(lab.net["ca"], CB)
    code, text = lab.b.initiate("road", child="road")
    demand(code == 0, f"the road warrior did not come up: {text[-300:]}")
    lab.a.rekey(child="net")
    lab.a.rekey(ike="two")
    def are_alone():
        states = [sa["state"] for _, sa in lab.a.status()] + [c["state"] for c in lab.a.children(None)]
        return states == ["ESTABLISHED"] * 5 + ["INSTALLED"] * 6
    try:
        wait_for("the rekeyed SAs to be alone", are_alone, 15, 0.1)
    except LabError as e:
        raise LabError(str(e) + ': ' + Programs(lab).ask('ours', '--list-sas')[1].replace(chr(10), ' | ')) from None


@scenario("swanctl.same-lists", needs_keyway=True)
@with_networks
def lists(lab):
    """Everything that is listed."""
    _up(lab)
    p = Programs(lab)
    said = p.same("--list-sas")[1]
    for words in ("/PPK", "HMAC_SHA2_384_192", "[10.3.0.10 fd03::10]", "MODP_2048", "bare: #", "road: #", "[udp/"):
        demand(words in said, f"no {words} in the list of SAs")
    for options in (("--ike", "two"), ("--child", "six"), ("--ike", "nothing"), ("--ike-id", "1"), ("--noblock", "--child-id", "2")):
        p.same("--list-sas", *options, styles=STYLES[:2])
    said = p.same("--list-conns")[1]
    demand(all(f"{name}: IKEv" in said for name in ("net", "two", "ppk", "bare", "road", "off")), "connections are missing")
    demand("10.1.8.0/24" in p.same("--list-pols")[1], "the trap is not listed")
    for options in (("--trap",), ("--drop",), ("--pass",), ("--child", "trap")):
        p.same("--list-pols", *options, styles=STYLES[:1])
    said = p.same("--list-certs")[1]
    for words in ("End Entity Certificates", "CA Certificates", "X.509 CRLs", "Raw Public Keys", ", has private key"):
        demand(words in said, f"no {words} in the list of certificates")
    for options in (("--short",), ("--utc",), ("--type", "x509_crl"), ("--flag", "ca"), ("--subject", f"O=Keyway Lab, CN={NAME['a']}"),
                    ("--type", "x509", "--pem")):
        p.same("--list-certs", *options, styles=STYLES[:1])
    demand("10.3.0.10" in p.same("--list-pools", "--leases")[1], "the lease is not listed")
    p.same("--list-pools")
    p.same("--list-pools", "--name", "six", styles=STYLES[:1])
    demand("lab:" in p.same("--list-authorities")[1], "the authority is not listed")
    p.same("--list-authorities", "--name", "lab", styles=STYLES[:1])
    for command in ("--list-algs", "--stats", "--counters"):
        p.same(command)
    p.same("--version", "--daemon")
    for options in (("--all",), ("--name", "net"), ("--name", "nothing")):
        p.same("--counters", *options, styles=STYLES[:2])
    return f"{len(lab.a.status())} SAs with {len(lab.a.children())} children, and everything around them"


@scenario("swanctl.same-acts", needs_keyway=True)
@with_networks
def acts(lab):
    """What changes something, done by each program in turn; and what is refused."""
    _up(lab)
    p = Programs(lab)
    for argv in (("--initiate", "--child", "nothing"), ("--initiate",), ("--terminate", "--ike", "nothing"), ("--terminate",),
                 ("--terminate", "--ike-id", "4711"), ("--rekey", "--child", "nothing"), ("--rekey",), ("--redirect", "--ike", "net"),
                 ("--redirect", "--gateway", "10.9.0.9"), ("--redirect", "--gateway", "a b", "--ike", "net"), ("--install", "--child", "nothing"),
                 ("--install",), ("--uninstall", "--child", "nothing"), ("--uninstall",)):
        demand(p.same(*argv)[0] in (0, 1), f"{argv} exits oddly")
    for argv in (("--install", "--ike", "net", "--child", "later"), ("--flush-certs",), ("--flush-certs", "--type", "x509_crl"),
                 ("--reload-settings",), ("--counters", "--reset"), ("--counters", "--reset", "--all")):
        p.same(*argv)
    for who in p.shell:  # a tunnel up and down, by each
        result = p.ask(who, "--initiate", "--ike", "net", "--child", "later", "--loglevel", "0")
        demand(result[0] == 0 and result[1].endswith("initiate completed successfully\n"), f"{who}: {result}")
        result = p.ask(who, "--terminate", "--child", "later", "--loglevel", "-1")
        demand(result == (0, "terminate completed successfully\n", ""), f"{who}: {result}")
    for who in p.shell:
        p.ask("ours", "--install", "--ike", "net", "--child", "later")
        result = p.ask(who, "--uninstall", "--ike", "net", "--child", "later")
        demand(result == (0, "uninstall completed successfully\n", ""), f"{who}: {result}")
        before = {c["uniqueid"] for c in lab.a.children() if c["name"] == "net"}
        result = p.ask(who, "--rekey", "--child", "net")
        demand(result == (0, "rekey completed successfully\n", ""), f"{who}: {result}")
        wait_for("the rekeyed child", lambda b=before: [c for c in lab.a.children(None) if c["name"] == "net"] and
                 b.isdisjoint(c["uniqueid"] for c in lab.a.children(None) if c["name"] == "net"), 10)
    must_ping(lab.net["ca"], CB)
    return "refused, done and undone alike"


@scenario("swanctl.same-loads", needs_keyway=True)
@with_networks
def loads(lab):
    """Ours loads an empty Keyway; then all three load the same once more: it stays up, with no packet lost."""
    lab.b.load(_tree(lab, 1), _files(lab, 1))
    lab.a.load()
    lab.a._write_credentials(lab.a.etc + "/swanctl", _files(lab, 0))
    p = Programs(lab)
    pushed = os.path.join(lab.work, "pushed")
    os.makedirs(pushed, exist_ok=True)
    lab.a._write_credentials(pushed, _files(lab, 0))
    with open(pushed + "/swanctl.conf", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
        f.write(render(_tree(lab, 0)) + "\n")
    p.env["SWANCTL_DIR"] = pushed
    code, out, err = p.ask("ours", "--load-all", "--noprompt")
    demand(code == 0 and "successfully loaded 6 connections, 0 unloaded" in out, f"exit {code}: {out[-300:]} {err[-300:]}")
    demand(p.ask("ours", "--initiate", "--ike", "net", "--child", "net")[0] == 0, "the tunnel did not come up")
    must_ping(lab.net["ca"], CB)
    before = {c["spi-in"] for c in lab.a.children()}
    for command in ("--load-all", "--load-creds", "--load-conns", "--load-pools", "--load-authorities"):
        has_keys = command in ("--load-all", "--load-creds")  # which theirs unload in --raw, when they loaded them again
        options = ("--noprompt", "--debug", "0") if has_keys else ()
        demand(p.same(command, *options, styles=STYLES[:1] if has_keys else STYLES)[0] == 0, f"{command} failed")
    p.same("--load-creds", "--clear", "--noprompt", "--debug", "0", styles=STYLES[:1])
    demand({c["spi-in"] for c in lab.a.children()} == before, "what did not change was made anew")
    with open(pushed + "/swanctl.conf", "a") as f:
        f.write("connections { bad { version = 2\n rekey_time = soon } }\n")
    demand(p.same("--load-conns")[0] == 22, "a connection that is refused is no failure")
    with open(pushed + "/swanctl.conf", "w") as f:
        f.write("")
    said = p.ask("ours", "--load-conns")
    demand(said[:2] == (0, "no connections found, 6 unloaded\n"), f"{said}")
    wait_for("the tunnel to go", lambda: not lab.a.status(), 10)
    return "loaded by ours, again by all, and unloaded"


def _of_second(text):
    """What is told from the first word of the second IKE SA on."""
    records = re.split(r"^(?=\S+ event \{|\d\d\[|\w+: #)", text, flags=re.M)
    begins = next((i for i, r in enumerate(records) if re.search(r"IKE SA 2\b|uniqueid ?= ?2\b|^net: #2\b", r)), len(records))
    return "".join(records[begins:])


@scenario("swanctl.same-events", needs_keyway=True)
@with_networks
def events(lab):
    """Who listens hears the same: all of them at once, while a tunnel comes, is rekeyed, and goes."""
    lab.b.load(_tree(lab, 1), _files(lab, 1))
    lab.a.load(_tree(lab, 0), _files(lab, 0))
    p, listening = Programs(lab), {}
    for command in ("--monitor-sa", "--log"):
        for style in STYLES:
            for who in p.shell:
                name = " ".join((command, *style))
                out = os.path.join(lab.work, f"same{name.replace(' ', '')}-{who}.log")
                argv = ["sh", "-c", p.shell[who] + ' "$@"', "sh", command, *style, "--uri", "unix://" + lab.a.socket]
                listening.setdefault(name, {})[who] = lab.a.node.start(argv, out, p.env)
    all_of_them = [q for programs in listening.values() for q in programs.values()]
    path = f"/proc/{lab.a.process.pid}/fd"
    wait_for("everybody to listen", lambda: sum(os.readlink(f"{path}/{n}").startswith("socket:") for n in os.listdir(path)
                                                if os.path.islink(f"{path}/{n}")) >= len(all_of_them) + 3, 30, 0.2)
    for _ in range(2):  # while the first one comes and goes, everybody begins to listen
        demand(p.ask("ours", "--initiate", "--ike", "net", "--child", "net")[0] == 0, "the tunnel did not come up")
        demand(p.ask("ours", "--terminate", "--ike", "net")[0] == 0, "the tunnel did not go")
    wait_for("ours to have heard of it", lambda: listening["--monitor-sa"]["ours"].text().count("net: #2") >= 2, 10)
    time.sleep(1)  # theirs say nothing before they end
    for q in all_of_them:
        q.stop()
    for name, programs in listening.items():
        said = {who: q.text() for who, q in programs.items()}
        end = "disconnecting...\n"  # on stderr: anywhere between the lines of a program that keeps them until it ends
        demand(all(text.count(end) == 1 for text in said.values()) and len(said["ours"]) > 300, f"{name}: {said['ours'][-300:]}")
        said = {who: _of_second(text.replace(end, "")) for who, text in said.items()}
        demand(len(said["ours"]) > 200, f"{name}: nothing of the second tunnel: {said['ours']!r}")
        for who, theirs in said.items():
            demand(theirs == said["ours"], f"{name}: {difference((0, theirs, ''), (0, said['ours'], ''), who)}")
    return f"{len(all_of_them)} listeners alike"


@scenario("swanctl.same-no-daemon", needs_keyway=True)
def no_daemon(lab):
    """Nobody there, and the command line alone."""
    p = Programs(lab)
    for uri in ("unix:///nowhere", "tcp://127.0.0.1:1"):
        for argv in (("--stats",), ("--list-sas",), ("--load-all", "--noprompt"), ("--initiate", "--child", "x")):
            demand(p.same(*argv, uri=uri, styles=STYLES[:2])[0] in (2, 111), "exits oddly")
    for argv in (("--bogus",), ("--list-sas", "--bogus"), ("--help",), ("--list-sas", "--uri")):
        p.same(*argv, styles=STYLES[:1])
    return "alike"
