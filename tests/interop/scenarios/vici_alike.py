# SPDX-License-Identifier: Apache-2.0
"""strongSwan's own swanctl, asked of Keyway and of charon in the same set-up: what it prints is the same but for SPIs, times
and counters. The difference is printed, and is a failure.

Each row: a peer; at gateway A first a charon, then Keyway, loaded by swanctl from the same files; the same commands to both, plain
and --raw; then the texts are compared, line by line, after what is each daemon's own is taken out (OWN, with the reason).
"""
import difflib
import itertools
import os
import re
import shlex

from certs import NAME
from gateways import StrongSwan, merged, render
from rows import PSK, sides
from scenarios import scenario
from scenarios.steps import CB, LabError, demand, must_ping, topology, wait_for

# What is taken out of both texts before they are compared: (why, pattern, what stands there instead).
SPI_TIME_COUNTER = [
    ("SPIs", r"(initiator-spi|responder-spi|spi-in|spi-out|cpi-in|cpi-out)=[0-9a-f]+", r"\1=SPI"),
    ("SPIs", r"[0-9a-f]{16}_i(\*?) [0-9a-f]{16}_r(\*?)", r"SPI_i\1 SPI_r\2"),
    ("SPIs", r"^(    (?:in |out)) [0-9a-f]{8}( \([^)]*\))?,", r"\1 SPI\2,"),
    ("times", r"(established|rekey-time|reauth-time|life-time|install-time)=\d+", r"\1=TIME"),
    ("times", r"(established|installed) \d+s ago", r"\1 TIME ago"),
    ("times", r"\(expires in \d+ days\)", "(expires in N days)"),  # asked a second apart; the date is compared
    ("times", r"(rekeying|reauth|expires) in \d+s", r"\1 in TIME"),
    ("counters", r"(bytes|packets)-(in|out)=\d+", r"\1-\2=N"),
    ("times, only once there was traffic", r" use-(in|out)=\d+", ""),
    ("counters", r" +\d+ bytes, +\d+ packets(, +\d+s ago)?", " N bytes, N packets"),
    ("counters: which INFORMATIONAL exchanges there are is each daemon's own", r"(info-(?:in|out)-(?:req|resp) *[=:]) *\d+", r"\1 N"),
    ("times, counters", r"running=.*? since=.*?\}", "running=TIME since=TIME}"),
    ("times, counters", r"^uptime: .*", "uptime: TIME"),
]
OWN = SPI_TIME_COUNTER + [
    ("how many threads there are, and what they do", r"workers \{total=\d+ idle=\d+ active \{critical=\d+ high=\d+ medium=\d+ low=\d+\}\}",
     "workers {N}"),
    ("the same", r"^worker threads: .*", "worker threads: N"),
    ("timers that run", r"scheduled=\d+", "scheduled=N"),
    ("the same", r"^jobs scheduled: \d+", "jobs scheduled: N"),
    ("what they wait for", r"queues \{critical=\d+ high=\d+ medium=\d+ low=\d+\}", "queues {N}"),
    ("charon consists of plugins, Keyway of modules", r"plugins=\[.*?\]", "plugins=[NAMES]"),
    ("the same", r"^loaded plugins: .*", "loaded plugins: NAMES"),
    ("memory", r"mallinfo \{sbrk=\d+ mmap=\d+ used=\d+ free=\d+\}", "mallinfo {N}"),
    ("the same", r"^mallinfo: sbrk \d+, mmap \d+, used \d+, free \d+", "mallinfo: N"),
    ("name and version of the daemon", r"daemon=\S+ version=\S+", "daemon=NAME version=N"),
    ("the same", r"^strongSwan \S+ charon\S*|^strongSwan \S+ keywayd", "NAME"),
    ("the words of the log are each daemon's own; that there are lines, and their keys, is looked at apart",
     r"^(?:\[[A-Z]{3}\] .*|log \{group=.*)\n", ""),
    ("which algorithms there are, and whose, is each daemon's own", r"^  [A-Z0-9_]+\[[a-z0-9-]*\]\n", ""),
    ("the same", r"\b[A-Z0-9_]{4,}=[a-z0-9-]+ ?", ""),
    ("strongSwan 6 calls the key exchanges so, 5.9.8 dh", r"(^| )dh(:| \{)", r"\1ke\2"),
    ("of strongSwan 6, which calls them so; 5.9.8 has none", r" local_port=\d+ remote_port=\d+", ""),
]
LOG = re.compile(r"log \{group=[A-Z]{3} level=[01]( ikesa-name=\S+ ikesa-uniqueid=\d+)? msg=.*\}")
ASK = [("--list-algs",), ("--list-conns",), ("--list-conns", "--ike", "net"), ("--list-sas",), ("--list-sas", "--ike", "net"),
       ("--list-sas", "--child", "none"), ("--list-pols",), ("--list-pols", "--trap"), ("--list-certs",), ("--list-certs", "--type", "x509"),
       ("--list-certs", "--flag", "ca"), ("--list-pools",), ("--list-pools", "--leases"), ("--list-authorities",), ("--counters",),
       ("--counters", "--all"), ("--counters", "--name", "net"), ("--counters", "--name", "none"), ("--stats",)]


class Charon(StrongSwan):
    """In Keyway's place."""

    CRYPTO = StrongSwan.CRYPTO + " counters revocation"

    def __init__(self, *argv):
        super().__init__(*argv)
        self.settings["delete_rekeyed_delay"] = "1"  # or one would wait for 5 s for what was replaced


def _script(lab, daemon, commands):
    """Shell text that runs swanctl for each of the commands and prints what it said."""
    mount, program = lab.b.command("swanctl").split(" && exec ")
    lines = [mount]
    for c in commands:
        words = " ".join(shlex.quote(w) for w in c)
        lines += [f"echo '$ swanctl '{shlex.quote(words)}", f"{program} {words} --uri unix://{daemon.socket} 2>&1", 'echo "exit $?"']
    return "\n".join(lines)


def swanctl(lab, daemon, commands):
    env = {"SWANCTL_DIR": lab.a.dir + "/pushed", "STRONGSWAN_CONF": os.path.join(lab.b.dir, "strongswan.conf")}
    code, out, err = lab.a.node.run("sh", "-c", _script(lab, daemon, commands), env=env, timeout=120)
    demand(code == 0, f"swanctl: exit {code}: {err[-400:]}")
    return "\n".join(line for line in out.splitlines() if not line.startswith("opening directory")) + "\n"


def both_ways(commands):
    return [c + how for c in commands for how in ((), ("--raw",))]


def same_but_own(text):
    for _, pattern, instead in OWN:
        text = re.sub(pattern, instead, text, flags=re.M)
    return text


def broken(text):
    """A line of --raw with a line for each key, so that a difference shows where it is."""
    def cut(m):
        out, depth = "", 0
        for part in re.split(r"([{}\[\] ])", m[0]):
            if part in "{[" and part:
                depth += 1
                out += part + "\n" + "  " * depth
            elif part in "}]" and part:
                depth -= 1
                out += "\n" + "  " * depth + part
            else:
                out += "\n" + "  " * depth if part == " " and depth else part
        return out
    return re.sub(r"^\S+ (?:event|reply) \{.*\}$", cut, text, flags=re.M)


def compare(of_charon, of_keyway):
    """Raises with the unified difference of two runs of _script()."""
    for text in (of_charon, of_keyway):
        lines = [line for line in text.splitlines() if line.startswith("log {")]
        demand(all(LOG.fullmatch(line) for line in lines), f"a line of the log has other keys: {lines}")
    a, b = (broken(same_but_own(t)).splitlines() for t in (of_charon, of_keyway))
    diff = list(difflib.unified_diff(a, b, "charon", "Keyway", lineterm="", n=6))
    if diff:
        print("\n".join(diff))
        raise LabError(f"{sum(line[:1] in '+-' for line in diff) - 2} lines differ: " + " | ".join(d for d in diff if d[:1] in "+-")[:1500])
    return f"{len(a)} lines alike"


def settle(daemon):
    """What was replaced is gone."""
    wait_for("rekeyed children to be gone", lambda: all(c["state"] == "INSTALLED" for c in daemon.children(None)), 10, 0.1)


def run_at(lab, daemon, tree, files, act, ask):
    folder = lab.a.dir + "/pushed"
    os.makedirs(folder, exist_ok=True)
    lab.a._write_credentials(folder, files)
    for sub in ("x509ocsp", "rsa", "ecdsa", "bliss", "pkcs8"):
        os.makedirs(os.path.join(folder, sub), exist_ok=True)
    with open(folder + "/swanctl.conf", "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
        f.write(render(tree) + "\n")
    if daemon.kind == "Keyway":
        daemon.load()
    else:
        daemon.start()
    text = swanctl(lab, daemon, [("--load-all", "--noprompt")])
    for step in act:
        if callable(step):
            step(lab, daemon)
        else:
            text += swanctl(lab, daemon, [step])
    settle(daemon)
    text += swanctl(lab, daemon, both_ways(ask))
    return text


def alike(name, shape="plain", **at):
    """A row: make(lab) gives the trees, the files and what is done before the questions, and perhaps after."""
    def register(make):
        @scenario(f"vici.alike.{name}", shape=shape, needs_keyway=True, **at)
        def row(lab):
            (tree, files), (tree_b, files_b), act, after = make(lab)
            reference = Charon(lab.a.node, os.path.join(lab.a.dir, "charon"), "the charon in Keyway's place")
            texts = []
            try:
                for daemon in (reference, lab.a):
                    lab.b.load(tree_b, files_b)
                    texts.append(run_at(lab, daemon, tree, files, act, ASK) + swanctl(lab, daemon, after))
                    if daemon is reference:
                        lab.b.terminate_now()
                        reference.stop()
            finally:
                reference.stop()
            return compare(*texts)
        row.__doc__ = make.__doc__
        return row
    return register


UP = ("--initiate", "--child", "net")
DOWN = both_ways([("--terminate", "--child", "none"), ("--terminate", "--ike", "none"), ("--rekey", "--child", "none"), ("--rekey", "--ike", "none"),
                  ("--redirect", "--ike", "none", "--gateway", "192.0.2.9"), ("--initiate", "--child", "none"), ("--install", "--child", "none"),
                  ("--uninstall", "--child", "none"), ("--flush-certs",), ("--counters", "--reset", "--name", "none"), ("--reload-settings",)])
END = DOWN + [("--terminate", "--child", "net", "--raw"), ("--list-sas",), ("--terminate", "--ike", "net", "--raw"), ("--list-sas", "--raw"),
              ("--counters", "--reset", "--all"), ("--counters", "--all", "--raw")]


def through(lab, _daemon):
    must_ping(lab.net["ca"], CB)


@alike("psk")
def psk(lab):
    """Site to site; both kinds of rekeys."""
    a, b = sides(certs=lab.certs, extra={"encap": "yes"})
    return a, b, [UP, through, ("--rekey", "--child", "net"), ("--rekey", "--ike", "net"), through], END


@alike("certificates")
def certificates(lab):
    """Two rounds, the first with certificates."""
    user, other = {"auth": "psk", "id": "user@keyway.test"}, {"auth": "psk", "id": "b.second"}
    pairs = itertools.product((NAME["a"], user["id"]), (NAME["b"], other["id"]))
    secrets = {"secrets": {f"ike-{n}": {"id-a": x, "id-b": y, "secret": f"secret number {n}"} for n, (x, y) in enumerate(pairs)}}
    a, b = sides(auth="ecdsa", certs=lab.certs, extra={"encap": "yes"},
                 extra_a=merged(secrets, {"connections": {"net": {"local-2": user, "remote-2": other}}}),
                 extra_b=merged(secrets, {"connections": {"net": {"remote-2": user, "local-2": other}}}))
    peer = lab.certs.pair("ecdsa")[1]  # charon keeps, and lists, those that peers send: here both have it
    return (a[0], {**a[1], f"x509/{peer}.pem": lab.certs.path(peer + ".pem")}), b, [UP, through], END


POOLS = {"main": {"addrs": "10.3.0.0/28", "dns": "192.0.2.53, 192.0.2.54"}, "six": {"addrs": "fd03::10-fd03::1f", "dns": "2001:db8::53"},
         "empty": {"addrs": "10.4.0.7-10.4.0.7"}}


def _ask_for_addresses(lab, _daemon):
    code, text = lab.b.initiate("net")
    demand(code == 0, f"the peer could not bring it up: {text[-400:]}")


@alike("vips")
def vips(lab):
    """A pool with DNS servers, from which the peer has an address."""
    common = {"version": 2, "proposals": "aes256gcm16-prfsha256-x25519", "encap": "yes"}
    a = {"connections": {"net": {**common, "local_addrs": topology.A4, "pools": "main, six", "local": {"auth": "psk", "id": "server"},
                                 "remote": {"auth": "psk"}, "children": {"net": {"local_ts": "10.1.0.0/24, fd01::/64", "esp_proposals": "aes256gcm16"}}}},
         "pools": POOLS, "secrets": {"ike-lab": {"secret": PSK}}}
    b = {"connections": {"net": {**common, "local_addrs": topology.B4, "remote_addrs": topology.A4, "vips": "0.0.0.0, ::",
                                 "local": {"auth": "psk", "id": "client"}, "remote": {"auth": "psk", "id": "server"},
                                 "children": {"net": {"remote_ts": "10.1.0.0/24, fd01::/64", "esp_proposals": "aes256gcm16"}}}},
         "secrets": {"ike-lab": {"secret": PSK}}}
    return (a, {}), (b, {}), [_ask_for_addresses], [("--terminate", "--ike", "net", "--raw"), ("--list-pools", "--leases")]


@alike("transport")
def transport(lab):
    """Transport mode, which charon's userspace ESP cannot do: what is loaded, and why it does not come up."""
    more = {"encap": "yes", "children": {"net": {"mode": "transport", "local_ts": "dynamic", "remote_ts": "dynamic[tcp/80]"}}}
    a, b = sides(certs=lab.certs, extra=more)
    return a, b, [], []


@alike("trap")
def trap(lab):
    """Traps, which were loaded and installed by hand; they stay when the child comes up."""
    more = {"start_action": "trap", "dpd_action": "trap", "close_action": "trap"}
    other = {"esp_proposals": "aes256gcm16", "local_ts": "10.1.0.0/24", "remote_ts": "10.77.0.0/24", "close_action": "start", "dpd_action": "restart"}
    shunts = {"local": {"auth": "psk"}, "remote": {"auth": "psk"}, "version": 2, "remote_addrs": "127.0.0.1", "children": {
        "pass": {"mode": "pass", "local_ts": "10.1.0.0/24", "remote_ts": "10.1.0.0/24", "start_action": "trap"},
        "drop": {"mode": "drop", "local_ts": "10.1.0.0/24", "remote_ts": "10.88.0.0/24", "start_action": "trap"}}}
    a, b = sides(certs=lab.certs, extra={"encap": "yes"},
                 extra_a={"connections": {"net": {"children": {"net": more, "other": other}}, "shunts": shunts}})
    return a, b, [("--list-pols", "--raw"), ("--install", "--child", "other", "--ike", "net"), UP], [
        ("--list-pols", "--pass", "--raw"), ("--list-pols", "--drop", "--raw"), ("--list-pols", "--child", "net", "--raw"),
        ("--uninstall", "--child", "other", "--ike", "net"), ("--list-pols", "--raw"), *END]


@alike("nat", shape="nat")
def nat(lab):
    """Behind a NAT."""
    topology.masquerade(lab.net)
    ids = {"a": "a.keyway.test", "b": "b.keyway.test"}
    trees = []
    for me in "ab":
        it = "b" if me == "a" else "a"
        trees.append({"connections": {"net": {
            "version": 2, "proposals": "aes256gcm16-prfsha256-x25519", "remote_addrs": topology.B4 if me == "a" else "%any",
            "local": {"auth": "psk", "id": ids[me]}, "remote": {"auth": "psk", "id": ids[it]},
            "children": {"net": {"local_ts": topology.NET[4][me == "b"], "remote_ts": topology.NET[4][it == "b"],
                                 "esp_proposals": "aes128-sha256-x25519"}}}},
            "secrets": {"ike-x": {"id-a": ids["a"], "id-b": ids["b"], "secret": PSK}}})
    return (trees[0], {}), (trees[1], {}), [UP, through], END


@alike("ports")
def ports(lab):
    """Selectors with protocols, ports and ranges; charon's userspace ESP can have one pair of them up."""
    mine, its = "10.1.0.0/24[tcp], 10.1.0.0/24[udp/53], 10.1.0.4-10.1.0.9[17/1000-2000]", "10.2.0.0/24[tcp/http], 10.2.0.0/24[udp], 10.2.0.5[sctp/9]"
    icmp = {"local_ts": "10.1.0.0/24[icmp/8]", "remote_ts": "10.2.0.0/24[icmp/3], 10.2.0.0/24[icmp/769-770], 10.2.0.0/24[/443], 10.2.0.0/24[udp/opaque]"}
    one = ("10.1.0.0/24[tcp/http]", "10.2.0.0/24[tcp]")
    def ts(me, it):
        return {"connections": {"net": {"children": {"net": {"local_ts": me, "remote_ts": it}, "many": {"local_ts": mine, "remote_ts": its}, "icmp": icmp}}}}
    a, b = sides(certs=lab.certs, extra={"encap": "yes"}, extra_a=ts(*one), extra_b=ts(*one[::-1]))
    return a, b, [UP], END


@alike("unusual")
def unusual(lab):
    """Values that nobody has by default: nothing comes up."""
    a, _ = sides(auth="ecdsa", certs=lab.certs)
    key, leaf = {"auth": "psk"}, a[0]["connections"]["net"]["local"]["certs"]
    a = (merged(a[0], {"connections": {
        "net": {"reauth_time": "2h", "rekey_time": "0", "over_time": "10m", "rand_time": "5m", "dpd_delay": "30s", "unique": "replace",
                "local_addrs": "10.9.0.1, fd09::1", "remote_addrs": "10.9.0.0/24, 10.7.0.1-10.7.0.9",
                "remote": {"revocation": "strict", "cacerts": "ca.pem", "groups": "admin, users", "cert_policy": "1.2.3.4, 2.5.29.32.0"},
                "children": {"net": {"rekey_bytes": "1000000", "rekey_packets": "5000", "rekey_time": "20m", "life_time": "30m", "priority": "7",
                                     "dpd_action": "restart", "close_action": "start"}}},
        "subject": {"remote_addrs": "10.7.0.8", "local": {"auth": "pubkey", "certs": leaf}, "children": {"z": {}}, "version": 2,
                    "remote": {"auth": "pubkey", "revocation": "ifuri", "ca_id": "O=Keyway Lab, CN=Keyway Lab CA"}},
        "relaxed": {"remote_addrs": "10.7.0.9", "local": key, "remote": {"auth": "pubkey", "revocation": "relaxed", "id": "*@keyway.test"},
                    "children": {"z": {}}, "version": 2},
        "ids": {"version": 2, "remote_addrs": "10.7.0.7", "local": {**key, "id": "user@keyway.test"}, "remote": {**key, "id": "%any"}, "unique": "never",
                "children": {"x": {"mode": "transport", "rekey_time": "0"}}},
        "dn": {"version": 2, "remote_addrs": "%any", "local": {**key, "id": "C=CH, O=Keyway, CN=dn"}, "remote": {**key, "id": "@#0102ff"}, "unique": "keep",
               "children": {"y": {"local_ts": "0.0.0.0/0, ::/0", "remote_ts": "dynamic[tcp/80]"}}},
        "none": {"version": 2, "local": key, "remote": key, "ppk_id": "p", "ppk_required": "yes"},
    }, "authorities": {"lab": {"cacert": "ca.pem", "crl_uris": "http://192.0.2.1/a.crl, http://192.0.2.1/b.crl", "ocsp_uris": "http://192.0.2.1/o",
                               "cert_uri_base": "http://192.0.2.1/certs/"}},
        "pools": POOLS}), a[1])
    return a, ({}, {}), [], both_ways([("--list-authorities", "--name", "none"), ("--list-pools", "--name", "main"), ("--list-conns", "--ike", "ids"),
                                       ("--uninstall", "--child", "net"), ("--list-certs", "--type", "any"), ("--list-certs", "--type", "x509_crl"),
                                       ("--list-certs", "--subject", "O=Keyway Lab, CN=a.keyway.test"), ("--list-certs", "--pem", "--type", "x509")])
