# SPDX-License-Identifier: Apache-2.0
"""Keyway's swanctl and strongSwan's, 5.9.8 and 6.0.1, asked of the same running Keyway: the same bytes on stdout and stderr, and
the same exit code, with no option, --raw and --pretty. Where the two versions differ ours is as 6.0.1: OLD_DIFFERS says where. Which
row compares which command: ROWS, both in swanctl_programs.py.

tests/swanctl compares what is printed of every key that a daemon may say; here the daemon is real, and has everything up."""
import os
import re
import time

import topology
from certs import NAME
from gateways import render
from rows import PSK
from scenarios.ppk import KEY
from scenarios.redirect import SECOND, second_address
from scenarios.steps import CB, LabError, demand, must_ping, wait_for
from scenarios.swanctl_programs import STYLES, Programs, row

IKE, ESP = "aes256gcm16-prfsha256-x25519", "aes256gcm16"
A, B = topology.A4, topology.B4


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
    def wrapped(lab, p):
        for n in (2, 3, 4, 5, 7):
            lab.net["gb"].ip("addr", "add", f"10.2.{n}.1/24", "dev", "b1")
        try:
            return run(lab, p)
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
    try:
        _is_alone(lab)
    except LabError as e:
        raise LabError(str(e) + ': ' + Programs(lab).ask('ours', '--list-sas')[1].replace(chr(10), ' | ')) from None


def _is_alone(lab):
    def is_so():
        states = [sa["state"] for _, sa in lab.a.status()] + [c["state"] for c in lab.a.children(None)]
        return states == ["ESTABLISHED"] * 5 + ["INSTALLED"] * 6
    wait_for("the rekeyed SAs to be alone", is_so, 15, 0.1)


@row("lists")
@with_networks
def lists(lab, p):
    """Everything that is listed."""
    _up(lab)
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
    p.same("--version")
    p.same("--version", "--daemon")
    for options in (("--all",), ("--name", "net"), ("--name", "nothing")):
        p.same("--counters", *options, styles=STYLES[:2])
    return f"{len(lab.a.status())} SAs with {len(lab.a.children())} children, and everything around them"


@row("acts")
@with_networks
def acts(lab, p):
    """What changes something, done by each program in turn; and what is refused."""
    _up(lab)
    for argv in (("--initiate", "--child", "nothing"), ("--initiate",), ("--terminate", "--ike", "nothing"), ("--terminate",),
                 ("--terminate", "--ike-id", "4711"), ("--rekey", "--child", "nothing"), ("--rekey",), ("--redirect", "--ike", "net"),
                 ("--redirect", "--gateway", "10.9.0.9"), ("--redirect", "--gateway", "a b", "--ike", "net"), ("--install", "--child", "nothing"),
                 ("--install",), ("--uninstall", "--child", "nothing"), ("--uninstall",)):
        demand(p.same(*argv)[0] in (0, 1), f"{argv} exits oddly")
    for argv in (("--flush-certs",), ("--flush-certs", "--type", "x509_crl"),
                 ("--reload-settings",), ("--counters", "--reset"), ("--counters", "--reset", "--all")):
        p.same(*argv)
    def is_gone():
        wait_for("the tunnel to go", lambda: not any(c["name"] == "later" for c in lab.a.children(None)), 10, 0.1)
    later = ("--ike", "net", "--child", "later")
    p.ask("ours", "--install", *later)
    p.turns(("--uninstall", *later, lambda: None), ("--initiate", *later, "--loglevel", "0", lambda: None),
            ("--terminate", "--child", "later", "--loglevel", "-1", is_gone), ("--install", *later, lambda: None))
    p.turns(("--rekey", "--child", "net", lambda: _is_alone(lab)), ("--rekey", "--ike", "two", lambda: _is_alone(lab)))
    must_ping(lab.net["ca"], CB)
    return "refused, done and undone alike"


@row("redirect")
def redirect(lab, p):
    """A client is sent to another address of the gateway, and goes there; then it begins anew, for the next program."""
    tree = _tree(lab, 0)
    tree["connections"]["road"] |= {"local_addrs": "%any", "mobike": "no"}
    lab.b.load(_tree(lab, 1), _files(lab, 1))
    lab.a.load(tree, _files(lab, 0))
    for argv in (("--ike", "net"), ("--gateway", "10.9.0.9"), ("--gateway", "a b", "--ike", "road"), ("--gateway", "10.9.0.9", "--ike", "road")):
        p.same("--redirect", *argv)
    to = SECOND["a"][4]
    def at(address):
        sas = [sa for _, sa in lab.a.status()]
        return len(sas) == 1 and sas[0]["local-host"] == address and len(lab.a.children()) == 1
    def come():
        demand(lab.b.initiate("road", child="road")[0] == 0, "the client did not come")
        wait_for("the client", lambda: at(A), 10, 0.05)
    def went():
        wait_for(f"the client to be at {to}", lambda: at(to), 15, 0.05)
        lab.b.terminate(ike="road")
        wait_for("the client to go", lambda: not lab.a.status(), 10, 0.05)
        come()
    with second_address(lab, "a"):
        come()
        p.turns(("--redirect", "--ike", "road", "--gateway", to, went))
    return f"sent to {to} by each, and refused alike"


@row("loads")
@with_networks
def loads(lab, p):
    """Ours loads an empty Keyway; then all three load the same once more: it stays up, with no packet lost."""
    lab.b.load(_tree(lab, 1), _files(lab, 1))
    lab.a.load()
    lab.a._write_credentials(lab.a.etc + "/swanctl", _files(lab, 0))
    pushed = os.path.join(lab.work, "pushed")
    os.makedirs(pushed, exist_ok=True)
    lab.a._write_credentials(pushed, {**_files(lab, 0), "private/a-rsa.pem": lab.certs.path("a-rsa.key")})
    with open(pushed + "/swanctl.conf", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
        f.write(render(_tree(lab, 0)) + "\n")
    p.env["SWANCTL_DIR"] = pushed
    code, out, err = p.ask("ours", "--load-all", "--noprompt")
    demand(code == 0 and "successfully loaded 6 connections, 0 unloaded" in out, f"exit {code}: {out[-300:]} {err[-300:]}")
    demand(p.ask("ours", "--initiate", "--ike", "net", "--child", "net")[0] == 0, "the tunnel did not come up")
    must_ping(lab.net["ca"], CB)
    before = {c["spi-in"] for c in lab.a.children()}
    _credentials(lab, p)
    for command in ("--load-conns", "--load-pools", "--load-authorities"):
        demand(p.same(command)[0] == 0, f"{command} failed")
    demand({c["spi-in"] for c in lab.a.children()} == before, "what did not change was made anew")
    bad, less = (os.path.join(pushed, name) for name in ("bad.conf", "less.conf"))
    with open(bad, "w") as f:
        f.write(f"include {pushed}/swanctl.conf\nconnections {{ bad {{ version = 2\n rekey_time = soon }} }}\n")
    for command in ("--load-conns", "--load-all"):
        code, out, err = p.same(command, *QUIET[:2 + (command == "--load-all")], "--file", bad, before=lambda: p.ask("ours", "--load-creds", *QUIET))
        demand(code == 22, f"exit {code}: {out[-300:]} {err[-300:]}")
    with open(less, "w") as f:
        f.write("connections { off { remote_addrs = 10.9.0.99 } }\n")
    code, out, err = p.same("--load-all", *QUIET, "--file", less, before=lambda: p.ask("ours", "--load-all", *QUIET))
    demand("5 unloaded" in out, f"exit {code}: {out[-300:]} {err[-300:]}")
    wait_for("the tunnel to go", lambda: not lab.a.status(), 10)
    return "loaded by ours, again by all, and unloaded"


QUIET = ("--debug", "0", "--noprompt")  # 5.9.8 misses a folder


def _credentials(lab, p):
    """Beginning with none, with what ours has loaded before, and clearing that first. In --raw and --pretty theirs unload the keys
    that they have loaded again, as they say; ours says so, and keeps them. Secrets and certificates stay with all."""
    def are():
        with lab.a.vici() as v:
            return len(v.request("get-keys")["keys"]), len(v.request("get-shared")["keys"]), len(list(v.stream("list-certs", "list-cert")))
    def none():
        with lab.a.vici() as v:
            v.request("clear-creds")
    def again():
        none()
        demand(p.ask("ours", "--load-creds", *QUIET)[0] == 0, "ours did not load")
    again()
    every = are()
    demand(all(every), f"not all kinds of credentials: {every}")
    for command in ("--load-creds", "--load-all"):
        for begin, clears in ((none, ()), (again, ()), (again, ("--clear",))):
            for style in STYLES:
                said = {}
                for who in p.shell:
                    begin()
                    said[who] = p.ask(who, command, *QUIET, *clears, *style)
                    lost = who != "ours" and style and begin is again and not clears
                    want = (0 if lost else every[0], *every[1:])
                    demand(are() == want, f"{who}, {command} {clears} {style} after {begin.__name__}: keys, secrets, certificates "
                           f"{are()}, not {want}")
                demand(said["ours"][1].count("unload-key reply") == every[0] * bool(begin is again and style and not clears),
                       f"ours did not say how many keys it had: {said['ours'][1][-500:]}")
                p.alike((command, *clears), style, said)
    again()


def _of_second(text):
    """What is told from the first word of the second IKE SA on."""
    records = re.split(r"^(?=[a-z-]+(?: event)? \{|\d\d\[|\w+: #)", text, flags=re.M)
    first = re.compile(r"IKE SA (\d+)\b|uniqueid ?= ?(\d+)\b|^net: #(\d+)\b")  # a child's number comes behind that of its IKE SA
    begins = next((i for i, r in enumerate(records) for m in [first.search(r)] if m and "2" in m.groups()), len(records))
    return "".join(records[begins:])


@row("events")
@with_networks
def events(lab, p):
    """Who listens hears the same: all of them at once, while a tunnel comes, is rekeyed, and goes."""
    lab.b.load(_tree(lab, 1), _files(lab, 1))
    lab.a.load(_tree(lab, 0), _files(lab, 0))
    listening = {}
    for command in ("--monitor-sa", "--log"):
        for style in STYLES:
            for who in p.shell:
                name = " ".join((command, *style))
                out = os.path.join(lab.work, f"same{name.replace(' ', '')}-{who}.log")
                argv = ["sh", "-c", p.shell[who] + ' "$@"', "sh", command, *style, "--uri", "unix://" + lab.a.socket]
                listening.setdefault(name, {})[who] = lab.a.node.start(argv, out, p.env)
    all_of_them = [q for programs in listening.values() for q in programs.values()]
    def connected():
        lines = [line.split() for line in lab.a.node.sh("cat", "/proc/net/unix").splitlines()]
        return sum(words[-1] == lab.a.socket and words[5] == "03" for words in lines)
    wait_for("everybody to listen", lambda: connected() >= len(all_of_them), 30, 0.2)
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
        command, *style = name.split()
        p.alike((command,), tuple(style), {who: (0, text, "") for who, text in said.items()})
    return f"{len(all_of_them)} listeners alike"


@row("no-daemon")
def no_daemon(lab, p):
    """Nobody there, and the command line alone."""
    for uri in ("unix:///nowhere", "tcp://127.0.0.1:1"):
        for argv in (("--stats",), ("--list-sas",), ("--load-all", "--noprompt"), ("--initiate", "--child", "x")):
            demand(p.same(*argv, uri=uri, styles=STYLES[:2])[0] in (2, 111), "exits oddly")
    p.same("--help")
    for argv in (("--bogus",), ("--list-sas", "--bogus"), ("--list-sas", "--uri")):
        p.same(*argv, styles=STYLES[:1])
    return "alike"
