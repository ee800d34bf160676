# SPDX-License-Identifier: Apache-2.0
"""Keyway's `ipsec` beside Libreswan's own programs on the other end of the same tunnel, 4.10 and 5.2: the lines that both
print and how they exit. Both have one file, in which the two ends are exchanged, so that what the one prints with
the addresses exchanged is what the other one prints. What differs all the same stands in DIFFERENCES, with its reason."""
import contextlib
import os
import re

import peers
from libreswan import Libreswan, sections
from rows import PSK
from scenarios import scenario
from scenarios.steps import CA, CB, demand, must_ping, topology, wait_for

FETCH = {"4": peers.fetch_old_libreswan, "5": peers.fetch_libreswan}
SECRET = f'{topology.A4} {topology.B4} : PSK "{PSK}"\n'
BASE = {"left": topology.B4, "leftsubnet": topology.NET[4][1], "right": topology.A4, "rightsubnet": topology.NET[4][0],
        "ikev2": "insist", "authby": "secret", "auto": "ignore"}
NET = {"ike": "aes_gcm256-sha2_256-dh31", "esp": "aes_gcm256;dh31"}
# Loaded and looked at, and never brought up.
MORE = {
    "many": {"mobike": "yes", "pfs": "no", "esn": "yes", "ikelifetime": "2h", "salifetime": "1h",
             "dpddelay": "30", "replay-window": "64", "tfc": "500", "priority": "7", "rekeymargin": "5m", "rekeyfuzz": "50%",
             "encapsulation": "yes", "leftid": "@west", "rightid": "user@east.example", "sha2-truncbug": "yes"},
    "host": {"type": "transport", "leftsubnet": None, "rightsubnet": None, "fragmentation": "no", "esn": "no",
             "leftprotoport": "17/1701", "rightprotoport": "17/%any", "enable-tcp": "fallback"},
    "again": {"reauth": "yes", "compress": "yes", "decap-dscp": "yes", "nopmtudisc": "yes", "ipsec-max-bytes": "1GiB", "leftid": "@#0a0b"},
    "ah": {"phase2": "ah", "ah": "sha2_256;modp2048"},
    "nets": {"leftsubnet": None, "leftsubnets": "{%s}" % topology.NET[4][1].replace("/24", "/25")},
    "nobody": {"authby": "null", "dpddelay": "60", "leftid": "%null", "rightid": "%null", "leftsubnet": None, "rightsubnet": None},
    "never": {"rekey": "no"},
    "marked": {"mark": "42/0xff", "nic-offload": "no"},
    "both-marks": {"mark-in": "43", "mark-out": "44/0xffff"},
    "hex": {"mark": "0x2c/0xff0000ff"},
    "offload": {"nic-offload": "auto"},
    "inbound": {"mark-in": "7"},
    "vti": {"mark": "5/0xffffffff", "vti-interface": "vti7", "leftvti": "10.77.0.1/24"},
    "vti-alone": {"mark": "6/0xffffffff", "vti-interface": "vti8", "vti-routing": "no", "vti-shared": "yes"},
    "vti-routed": {"mark": "7/0xffffffff", "vti-interface": "vti9", "vti-routing": "yes", "vti-shared": "no"},
    "own-mark": {"mark": "-1/0xffffffff"},
    "client": {"leftsubnet": "0.0.0.0/0", "leftmodecfgclient": "yes", "rightsubnet": "0.0.0.0/0"},
}
# part of a line, as a pattern, that is left out of the comparison, and why
DIFFERENCES = (
    (r"retransmit-interval: \d+ms", "retransmission is Keyway's"),
    (r"retransmit-timeout: ?\d+s", "likewise"),
    (r"initial-contact:\w+", "Keyway says it wherever uniqueids wants it"),
    (r"my_updown=[^;]*", "Libreswan's is switched off: the lab has the routes"),
    (r"conn serial: \$\d+", "Libreswan counts what was ever loaded"),
    (r"interface: \w+", "the two gateways' interfaces"),
    (r"REKEY in \d+s; REPLACE in \d+s", "each chooses its own moment"),
    (r"#\d+", "numbers of SAs"),
    (r"(0x|esp\.)[0-9a-f]+", "SPIs"),
    (r"vti-shared:\w+", "Keyway shares an interface wherever several connections name it"),
    (r"reqid=\d+", "reqids"),
    (r"add_time=\d+", "times"),
    (r"aged [\d.]+s", "times"),
    (r"\d+B\b", "bytes that are not yet counted"),
)


NEW, OLD = ("both-marks", "inbound"), ("offload",)  # 4.10 loads no connection with mark-in, 5.2 knows no nic-offload=auto


def conns(version="5"):
    return {n: {k: v for k, v in {**BASE, **m}.items() if v is not None} for n, m in {"net": NET, **MORE}.items()
            if n not in (NEW if version == "4" else OLD)}


def exchanged(text):
    """The addresses and networks of the one end for those of the other."""
    pairs = ((topology.A4, topology.B4), (topology.NET[4][0], topology.NET[4][1]),
             (topology.NET[4][0].replace("/24", "/25"), topology.NET[4][1].replace("/24", "/25")))
    for a, b in pairs:
        text = text.replace(a, "\0").replace(b, a).replace("\0", b)
    return text


def plain(text):
    """Without what differs for a reason."""
    for pattern, _ in DIFFERENCES:
        text = re.sub(pattern, "~", text)
    return [line.rstrip() for line in text.splitlines()]


def _have_counted_alike(lab, p):
    child, told = lab.a.children()[0], re.search(r"inBytes=(\d+), outBytes=(\d+)", p.libreswan("--trafficstatus")[1])
    return told and (child["bytes-out"], child["bytes-in"]) == told.groups()


@contextlib.contextmanager
def both(lab, version, names):
    """Keyway on A, Libreswan on B; the connections of that name are loaded on both."""
    lab.b.stop()
    b = Libreswan(lab.net["gb"], os.path.join(lab.work, "libreswan" + version), "gateway B", FETCH[version])
    chosen = {n: keys for n, keys in conns(version).items() if n in names}
    files = {"ipsec.conf": "# keyway: dialect=libreswan\n" + exchanged(sections(chosen)), "ipsec.secrets": SECRET}
    try:
        b.start({n: {**keys, "leftupdown": "%disabled"} for n, keys in chosen.items()}, SECRET)
        for name, text in files.items():
            with open(os.path.join(lab.a.etc, name), "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
                f.write(text)
        lab.a.load()
        yield Pair(lab, b, version)
    finally:
        b.stop(5)
        for name in files:
            os.unlink(os.path.join(lab.a.etc, name))


class Pair:
    def __init__(self, lab, b, version):
        self.lab, self.b, self.version = lab, b, version

    def keyway(self, *argv):
        words = [] if self.version == "4" else ["--no-prefix"]
        code, out, err = self.lab.a.node.run(self.lab.a.bin + "/ipsec", *argv, *words, *self.lab.a.where, timeout=60)
        return code, exchanged(out + err)

    def libreswan(self, *argv):
        return self.b.whack(*argv)

    def alike(self, ours, theirs, only=None):
        """Both print the same and exit alike; only: a pattern of the lines that are compared."""
        (code, out), (their_code, their_out) = self.keyway(*ours), self.libreswan(*theirs)
        demand(code == their_code, f"ipsec {' '.join(ours)} exits with {code}, Libreswan with {their_code}:\n{out}\n{their_out}")
        self.same(" ".join(ours), out, their_out, only)
        return out

    def same(self, what, out, their_out, only=None):
        have, want = ([line for line in plain(t) if not only or re.search(only, line)] for t in (out, their_out))
        differ = [f"  Keyway     {a}\n  Libreswan  {b}" for a, b in zip(have, want) if a != b]
        differ += [f"  Keyway alone     {line}" for line in have[len(want):]] + [f"  Libreswan alone  {line}" for line in want[len(have):]]
        demand(not differ, f"ipsec {what}:\n" + "\n".join(differ[:5]))


def connections(text):
    """status from its list of connections on."""
    return text[text.index("Connection list:"):]


def keys_of_head(text):
    return re.findall(r"([a-z][\w-]+)=", text[:text.index("Connection list:")])


def _each(version):
    @scenario(f"personality.libreswan.status.{version}", needs_keyway=True, in_guest=True)
    def status(lab):
        """Connections of all kinds, loaded by both and not brought up."""
        lab.a.dataplane = None  # the kernel's: marks are for it
        with both(lab, version, list(conns(version))) as p:
            for name in conns(version):
                code, out = p.keyway("auto", "--add", name)
                demand(code == 0, f"add {name}: {code}: {out}")
            (code, ours), (_, theirs) = p.keyway("status"), p.libreswan("--status")
            demand(code == 0, f"status: exit {code}")
            p.same("status", connections(ours), connections(theirs))
            strange = [k for k in keys_of_head(ours) if k not in keys_of_head(theirs)]
            demand(not strange, f"keys in the head of status that Libreswan has not: {strange}")
            return f"Libreswan {p.b.version}"

    @scenario(f"personality.libreswan.tunnel.{version}", needs_keyway=True, in_guest=True)
    def tunnel(lab):
        """Brought up, looked at, and taken down."""
        with both(lab, version, ["net"]) as p:
            p.keyway("auto", "--add", "net")
            code, ours = p.keyway("auto", "--up", "net")
            demand(code == 0, f"up: {code}: {ours}")
            must_ping(lab.net["ca"], CB)
            must_ping(lab.net["cb"], CA)
            wait_for("both to have counted all of it", lambda: _have_counted_alike(lab, p), 10, 0.2)
            p.alike(["trafficstatus"], ["--trafficstatus"])
            p.alike(["trafficstatus", "net"], ["--trafficstatus", "--name", "net"])
            p.alike(["trafficstatus", "nothing"], ["--trafficstatus", "--name", "nothing"])
            for word in ("briefstatus", "shuntstatus", "fipsstatus", "showstates", "processstatus"):
                p.alike(["whack", "--" + word], ["--" + word])
            if version == "5":
                p.alike(["connectionstatus", "nothing"], ["--connectionstatus", "--name", "nothing"])
                p.alike(["briefconnectionstatus"], ["--briefconnectionstatus"])
                p.alike(["connectionstatus"], ["--connectionstatus"])
            (_, status), (_, their_status) = p.keyway("status"), p.libreswan("--status")
            p.same("status", connections(status), connections(their_status))
            numbers(p)
            code, down = p.keyway("auto", "--down", "net")
            demand(code == 0, f"down: {code}: {down}")
            wait_for("Libreswan to have lost it", lambda: not p.b.traffic(), 5, 0.1)
            again = p.keyway("auto", "--down", "net")
            p.same("down of what is down", again[1], p.libreswan("--name", "net", "--terminate")[1])
            code, theirs = p.libreswan("--name", "net", "--initiate")
            demand(code == 0, f"Libreswan's up: {code}: {theirs}")
            p.same("up", ours, theirs if version == "5" else as_networks(theirs), "initiating IKEv2|initiator established")
            p.same("down", down, p.libreswan("--name", "net", "--terminate")[1])
            return f"Libreswan {p.b.version}"

    @scenario(f"personality.libreswan.codes.{version}", needs_keyway=True, in_guest=True)
    def codes(lab):
        """Names that nobody knows, secrets read anew, and no daemon."""
        with both(lab, version, ["net"]) as p:
            p.keyway("auto", "--add", "net")
            for word, option in (("up", "initiate"), ("down", "terminate"), ("delete", "delete"), ("route", "route"),
                                 ("unroute", "unroute")):
                if version == "5":
                    p.alike(["auto", "--" + word, "nothing"], ["--name", "nothing", "--" + option])
                elif word == "up":  # 4.10 has 25 for routes, and 0 for what there is not to end
                    p.alike(["auto", "--" + word, "nothing"], ["--name", "nothing", "--" + option], "^021")
                else:
                    demand(p.keyway("auto", "--" + word, "nothing")[0] == 21, f"{word} of nothing")
            secrets = "forgetting|loading secrets|listening"
            for word, option in (("rereadsecrets", "rereadsecrets"), ("ready", "listen")):
                (code, ours), (their_code, theirs) = p.keyway(word), p.libreswan("--" + option)
                demand(code == their_code == 0, f"{word}: {code}, {their_code}")
                p.same(word, re.sub(r'from ".*"', "from F", ours), re.sub(r'from ".*"', "from F", theirs), secrets)
            for word in ("route", "unroute"):
                p.alike(["auto", "--" + word, "net"], ["--name", "net", "--" + word])
            p.alike(["auto", "--delete", "net"], ["--name", "net", "--delete"], "^never" if version == "4" else None)
            p.alike(["auto", "--up", "net"], ["--name", "net", "--initiate"], "^(021 )?no connection")
            add, their_add = p.keyway("auto", "--add", "nothing"), adds(p, "nothing")
            demand(add[0] == their_add[0] == 21, f"add of nothing: {add}, {their_add}")
            demand("conn 'nothing': not found" in add[1] and "conn 'nothing': not found" in their_add[1], f"{add}, {their_add}")
            lab.a.stop()
            p.b.stop(5)
            path = r'\(no ".*?"\)'
            for ours, theirs in ((["trafficstatus"], ["--trafficstatus"]), (["auto", "--up", "net"], ["--name", "net", "--initiate"])):
                (code, out), (their_code, their_out) = p.keyway(*ours), p.libreswan(*theirs)
                demand(code == their_code == 33, f"{ours} without a daemon: {code}, {their_code}")
                p.same("without a daemon", re.sub(path, "(no S)", out), re.sub(path, "(no S)", their_out))
            return f"Libreswan {p.b.version}"


def adds(p, name):
    code, out, err = p.b.node.run(*p.b.program("addconn"), "--config", p.b.dir + "/ipsec.conf", "--ctlsocket",
                                  p.b.run + "/pluto.ctl", name)
    return code, out + err


def as_networks(text):
    """4.10 writes ranges where 4.15 and 5.x write networks."""
    return re.sub(r"\[(\d+\.\d+\.\d+)\.0-\1\.255:0-65535 0\] -> \[(\d+\.\d+\.\d+)\.0-\2\.255:0-65535 0\]", r"[\1.0/24===\2.0/24]", text)


def numbers(p):
    """globalstatus: Libreswan has each key that Keyway has, and the same number of what there is now."""
    ours, theirs = (dict(line.split("=") for line in text.splitlines() if "=" in line)
                    for _, text in (p.keyway("globalstatus"), p.libreswan("--globalstatus")))
    strange = [k for k in ours if k not in theirs]
    demand(not strange, f"keys of globalstatus that Libreswan has not: {strange}")
    differ = {k: (ours[k], theirs[k]) for k in ours if k.startswith("current.") and ours[k] != theirs[k]}
    demand(not differ, f"globalstatus: {differ}")


for _version in FETCH:
    _each(_version)
