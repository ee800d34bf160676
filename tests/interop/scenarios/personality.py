# SPDX-License-Identifier: Apache-2.0
"""The command `ipsec` as users of Libreswan and strongSwan type it, against the running daemon: result lines and exit
codes, in the words of the dialect that the connection came from or that was asked for."""
import contextlib
import os
import re

from gateways import merged
from rows import PSK
from scenarios import scenario
from scenarios.steps import CB, capture, configure, dark, demand, must_ping, sides, topology, wait_for

LIBRESWAN, STRONGSWAN = ("--dialect", "libreswan"), ("--dialect", "strongswan")


def ipsec(lab, *argv, code=0):
    """Its stdout; its exit code must be that."""
    got, out, err = lab.a.node.run(lab.a.bin + "/ipsec", *argv, *lab.a.where, timeout=60)
    demand(got == code, f"ipsec {' '.join(argv)}: exit {got}, not {code}: {out[-600:]} {err[-400:]}")
    return out


def must_match(text, *patterns):
    """Each pattern is a whole line; they come in this order."""
    at = 0
    for p in patterns:
        m = re.compile(f"^{p}$", re.M).search(text, at)
        demand(m, f"no line {p!r} (in this order) in:\n{text}")
        at = m.end()
    return text


def must_not_match(text, pattern):
    demand(not re.search(pattern, text, re.M), f"{pattern!r} in:\n{text}")


@scenario("ipsec.libreswan.up", needs_keyway=True)
def libreswan_up(lab):
    capture(lab)
    configure(lab)
    out = ipsec(lab, "auto", "--up", "net", *LIBRESWAN)
    must_match(out, r'181 "net" #(\d+): initiating IKEv2 connection',
               r'003 "net" #\d+: initiator established IKE SA; authenticated peer using authby=secret and \S+ \S+', r'004 "net" #\d+: initiator established Child SA using #\d+; '
               r'IPsec tunnel \[10\.1\.0\.0/24===10\.2\.0\.0/24\] \{ESP\S*=>0x[0-9a-f]{8} <0x[0-9a-f]{8} xfrm=\S+( NATD=\S+)? DPD=passive\}')
    must_ping(lab.net["ca"], CB)
    child = lab.a.children()[0]
    line = (r'#%s: "net", type=ESP, add_time=1\d{9}, inBytes=[1-9]\d*, outBytes=[1-9]\d*, maxBytes=2\^63B, '
            r"id='\S+'" % child["uniqueid"])
    wait_for("the daemon to have counted", lambda: re.search("^006 " + line + "$", ipsec(lab, "trafficstatus"), re.M), 5)
    must_match(ipsec(lab, "whack", "--trafficstatus", "--no-prefix"), line)
    must_match(ipsec(lab, "trafficstatus", "net"), "006 " + line)
    must_match(ipsec(lab, "whack", "--name", "nothing", "--trafficstatus"),
               '021 no such connection or aliased connection named "nothing"')
    status = ipsec(lab, "status", *LIBRESWAN)
    must_match(status, "000 using kernel interface: user", "000 interface lo UDP 127.0.0.1:500", "000 Connection list:", "000  ",
               r'000 "net": 10.1.0.0/24===\S+\.\.\.\S+===10.2.0.0/24; erouted; eroute owner: #\d+',
               "000 Total IPsec connections: loaded 1, active 1",
               "000 State Information: DDoS cookies not required, Accepting new IKE connections",
               r"000 IKE SAs: total\(1\), half-open\(0\), open\(0\), authenticated\(1\), anonymous\(0\)",
               r"000 IPsec SAs: total\(1\), authenticated\(1\), anonymous\(0\)",
               r'000 #\d+: "net":\d+ STATE_V2_ESTABLISHED_IKE_SA \(established IKE SA\);.*',
               r'000 #\d+: "net":\d+ STATE_V2_ESTABLISHED_CHILD_SA \(established Child SA\);.* IKE SA #\d+; idle;',
               r'000 #\d+: "net" esp\.\S+ esp\.\S+ tun\.0@\S+ tun\.0@\S+ Traffic: ESPin=\d+B ESPout=\d+B ESPmax=2\^63B ')
    out = ipsec(lab, "auto", "--down", "net", *LIBRESWAN)
    must_match(out, '002 "net": terminating SAs using this connection',
               r'005 "net" #\d+: ESP traffic information: in=\d+B out=\d+B')
    demand(not lab.a.children(), "something is still up")
    ipsec(lab, "auto", "--down", "net", *LIBRESWAN)
    return f"{dark(lab)}"


@scenario("ipsec.libreswan.codes", needs_keyway=True)
def libreswan_codes(lab):
    """What fails, and how the command ends then."""
    configure(lab)
    for words in (("auto", "--up"), ("up",), ("whack", "--initiate", "--name"), ("auto", "--down"), ("auto", "--delete"),
                  ("auto", "--route"), ("connectionstatus",)):
        out = ipsec(lab, *words, "nothing", *LIBRESWAN, code=0 if words[0] == "connectionstatus" else 21)
        if words[0] != "connectionstatus":
            must_match(out, '021 no connection named "nothing"')
    ipsec(lab, "auto", "--add", "nothing", *LIBRESWAN, code=21)
    out = ipsec(lab, "auto", "--delete", "net", *LIBRESWAN, code=33)
    must_match(out, '033 "net": connection net is of swanctl.conf.*')
    demand(ipsec(lab, "status", "net", *LIBRESWAN), "it is gone")
    ipsec(lab, "auto", code=33)
    ipsec(lab, "auto", "--frobnicate", "net", code=33)
    must_match(ipsec(lab, "ready", *LIBRESWAN), "002 listening for IKE messages", "002 forgetting secrets", "002 loading secrets from .*")
    must_match(ipsec(lab, "fipsstatus", "--no-prefix"), "FIPS mode disabled")
    must_match(ipsec(lab, "briefstatus"), r"000 IPsec SAs: total\(0\), authenticated\(0\), anonymous\(0\)")
    must_match(ipsec(lab, "globalstatus"), "current.states.all=0")
    lab.b.stop()
    lab.a.settings = {"retransmit_tries": "1", "retransmit_timeout": "0.2"}
    lab.a.stop()
    lab.a.load(*trees(lab))
    must_match(ipsec(lab, "up", "net", *LIBRESWAN, code=31), r'181 "net" #\d+: initiating.*', r'031 "net": no answer .*')
    lab.a.stop()
    ipsec(lab, "auto", "--up", "net", *LIBRESWAN, code=33)
    ipsec(lab, "trafficstatus", code=33)
    ipsec(lab, "status", *LIBRESWAN, code=33)


@scenario("ipsec.libreswan.refusals", needs_keyway=True)
def libreswan_refusals(lab):
    """The notify's number is in the code."""
    configure(lab, extra_b={"connections": {"net": {"proposals": "aes128-sha256-modp2048"}}},
              extra_a={"connections": {"net": {"proposals": "aes256gcm16-prfsha256-x25519"}}})
    must_match(ipsec(lab, "up", "net", *LIBRESWAN, code=214), r'214 "net": .*')
    configure(lab, extra_b={"connections": {"net": {"children": {"net": {"local_ts": "10.99.0.0/24"}}}}})
    must_match(ipsec(lab, "up", "net", *LIBRESWAN, code=238), r'238 "net": .*')


@scenario("ipsec.strongswan.up", needs_keyway=True)
def strongswan_up(lab):
    configure(lab)
    out = ipsec(lab, "up", "net")  # swanctl.conf is strongSwan's
    must_match(out, "initiating IKE SA .*", "connection 'net' established successfully")
    must_ping(lab.net["ca"], CB)
    sa, child = lab.a.established()[0], lab.a.children()[0]
    brief = ipsec(lab, "status")
    head = r" +net\[%s\]: ESTABLISHED \d+ seconds? ago, \S+\[.*\]\.\.\.\S+\[.*\]" % sa["uniqueid"]
    installed = r" +net\{%s\}:  INSTALLED, TUNNEL, reqid 1, ESP( in UDP)? SPIs: %s_i %s_o" % (
        child["uniqueid"], child["spi-in"], child["spi-out"])
    ts = r" +net\{%s\}:   10\.1\.0\.0/24 === 10\.2\.0\.0/24" % child["uniqueid"]
    must_match(brief, r"Security Associations \(1 up, 0 connecting\):", head, installed, ts)
    must_not_match(brief, "IKE proposal|bytes_i")
    wait_for("the counters to be told", lambda: int(lab.a.children()[0]["bytes-in"]) > 0, 5, 0.1)  # a quarter of a second old
    must_match(ipsec(lab, "statusall"), r"Status of IKE charon daemon \(.*\):", "  uptime: .*, since .*", "Connections:",
               r" +net:  \S+\.\.\.\S+  IKEv2.*", r" +net:   local:  \[.*\] uses pre-shared key authentication",
               r" +net:   remote: \[.*\] uses pre-shared key authentication",
               r" +net:   child:  10\.1\.0\.0/24 === 10\.2\.0\.0/24 TUNNEL.*",
               r"Security Associations \(1 up, 0 connecting\):", head,
               r" +net\[\d+\]: IKEv2 SPIs: %s_i\* %s_r, rekeying in .*" % (sa["initiator-spi"], sa["responder-spi"]),
               r" +net\[\d+\]: IKE proposal: [A-Z0-9_/]+", installed,
               r" +net\{\d+\}:  [A-Z0-9_/]+, \d+ bytes_i \(\d+ pkts?, \d+s ago\), "
               r"\d+ bytes_o \(\d+ pkts?, \d+s ago\), rekeying in .*", ts)
    must_match(ipsec(lab, "down", "net{%s}" % child["uniqueid"]), r"CHILD_SA \{%s\} closed successfully" % child["uniqueid"])
    demand(not lab.a.children() and lab.a.established(), "not the child alone went")
    must_match(ipsec(lab, "down", "net"), r"IKE_SA \[%s\] closed successfully" % sa["uniqueid"])
    must_match(ipsec(lab, "status"), r"Security Associations \(0 up, 0 connecting\):", "  none")
    must_match(ipsec(lab, "status", "other"), "  no match")


@scenario("ipsec.strongswan.codes", needs_keyway=True)
def strongswan_codes(lab):
    configure(lab)
    must_match(ipsec(lab, "up", "nothing", code=4), "no config named 'nothing'")
    must_match(ipsec(lab, "up", "nothing", "--exit-compat"), "no config named 'nothing'")
    must_match(ipsec(lab, "route", "net"), "'net' routed")
    must_match(ipsec(lab, "status"), "Routed Connections:", r" +net\{1\}:  ROUTED, TUNNEL, reqid 1", r" +net\{1\}:   10\.1\..*")
    must_match(ipsec(lab, "unroute", "net"), "trap policy 'net' unrouted")
    must_match(ipsec(lab, "unroute", "net", code=4), "configuration 'net' not found")
    must_match(ipsec(lab, "down", "net", code=4), "no IKE_SA named 'net' found")
    must_match(ipsec(lab, "leases"), "no pools found")
    configure(lab, extra_b={"connections": {"net": {"children": {"net": {"local_ts": "10.99.0.0/24"}}}}})
    must_match(ipsec(lab, "up", "net", code=8), "establishing connection 'net' failed")
    ipsec(lab, "up", "net", "--exit-compat")
    lab.a.stop()
    for word, code in (("up", 7), ("reload", 7), ("status", 3), ("statusall", 3)):
        ipsec(lab, word, *(["net"] if word == "up" else []), *STRONGSWAN, code=code)


@scenario("ipsec.start-stop", needs_keyway=True)
def start_stop(lab):
    """One daemon, in the background; stop ends that one."""
    lab.a.write(*trees(lab))
    must_match(ipsec(lab, "setup", "status", code=3), "IPsec stopped")
    m = re.search(r"^keywayd is ready \(pid (\d+)\)", ipsec(lab, "start"), re.M)
    demand(m, "it does not say that it is ready")
    try:
        must_match(ipsec(lab, "start"), rf"keywayd is already running \(pid {m[1]}\): nothing is done")
        must_match(ipsec(lab, "setup", "--status"), rf"IPsec running  - keywayd pid: {m[1]}")
        demand("no match" in ipsec(lab, "status", "other"), "it does not answer")
        again = re.search(r"^keywayd is ready \(pid (\d+)\)", ipsec(lab, "restart"), re.M)
        demand(again and again[1] != m[1], "restart did not start another one")
    finally:
        ipsec(lab, "stop")
    must_match(ipsec(lab, "setup", "status", code=3), "IPsec stopped")
    must_match(ipsec(lab, "stop"), "keywayd is not running: nothing is done")
    with open(lab.a.run + "/keywayd.pid", "w") as f:
        f.write("1\n")  # somebody else's number
    ipsec(lab, "stop")
    ipsec(lab, "status", *STRONGSWAN, code=1)


def trees(lab):
    return sides(certs=lab.certs)[0]


@scenario("ipsec.lists", needs_keyway=True)
def lists(lab):
    """Credentials by kind, each once."""
    configure(lab, auth="ecdsa")
    must_match(ipsec(lab, "listcerts"), "List of X.509 End Entity Certificates", '  subject:  ".*"', "  has private key")
    out = must_match(ipsec(lab, "listcacerts"), "List of X.509 CA Certificates", '  subject:  ".*"')
    must_not_match(out, "has private key")
    demand(out.count("subject:") == out.count("serial:"), "something is listed by half")
    demand(ipsec(lab, "listaacerts") == "" and ipsec(lab, "listcrls") == "", "something of nothing")
    whole = ipsec(lab, "auto", "--listall")
    demand(ipsec(lab, "listcerts") in whole and out in whole, "listall lacks something")
    with lab.a.vici() as v:
        kinds = [(e["type"], e["flag"], e.get("has_privkey")) for e in v.stream("list-certs", "list-cert")]
        cas = v.stream("list-certs", "list-cert", {"type": "X509", "flag": "ca"})
    demand(("X509", "NONE", "yes") in kinds and ("X509", "CA", None) in kinds, f"list-certs: {kinds}")
    demand(cas and all(e["flag"] == "CA" for e in cas), f"by flag: {cas}")


def conn(more):
    """ipsec.conf of gateway A, as far as both dialects write it alike."""
    return f"""conn net
    left={topology.A4}
    leftsubnet={topology.NET[4][0]}
    right={topology.B4}
    rightsubnet={topology.NET[4][1]}
    ike=aes256-sha256-modp2048{more}
"""


@contextlib.contextmanager
def ipsec_conf(lab, files):
    """Gateway A with these files of /etc alone."""
    files["ipsec.secrets"] = f'{topology.A4} {topology.B4} : PSK "{PSK}"\n'
    paths = {os.path.join(lab.a.etc, name): text for name, text in files.items()}
    try:
        for path, text in paths.items():
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
                f.write(text)
        tree, credentials = sides(certs=lab.certs)[1]
        lab.b.load(merged(tree, {"connections": {"net": {"proposals": "aes256-sha256-modp2048"}}}), credentials)
        lab.a.load()
        yield
    finally:
        for path in paths:
            if os.path.exists(path):
                os.unlink(path)


@scenario("ipsec.words-of-the-file.libreswan", needs_keyway=True)
def words_of_libreswan(lab):
    """A connection that waits to be added; nobody says whose words are wanted."""
    capture(lab)
    with ipsec_conf(lab, {"ipsec.d/net.conf": conn("\n    authby=secret")}):
        ipsec(lab, "up", "net", code=21)
        must_match(ipsec(lab, "add", "net"), '002 "net": added IKEv2 connection')
        must_match(ipsec(lab, "up", "net"), r'181 "net" #\d+: initiating .*',
                   r'004 "net" #\d+: initiator established Child SA .*')
        must_ping(lab.net["ca"], CB)
        ipsec(lab, "rereadall")  # forgets nothing
        demand(lab.a.children(), "reading the files anew took down what was added")
        must_match(ipsec(lab, "add", "net"), '002 "net": terminating SAs using this connection',
                   '002 "net": added IKEv2 connection')
        demand(not lab.a.children(), "added anew, it is still up")
        must_match(ipsec(lab, "status"), r'000 "net": 10\.1\.0\.0/24===\S+; unrouted; eroute owner: #0')
        ipsec(lab, "delete", "net")
        ipsec(lab, "delete", "net", code=21)
        must_match(ipsec(lab, "auto", "--start", "net"), '002 "net": added IKEv2 connection', '004 "net" .*')
        return f"{dark(lab)}"


@scenario("ipsec.words-of-the-file.strongswan", needs_keyway=True)
def words_of_strongswan(lab):
    capture(lab)
    text = 'config setup\n    charondebug="ike 1"\n' + conn("!\n    keyexchange=ikev2\n    authby=psk\n    auto=add")
    with ipsec_conf(lab, {"ipsec.conf": text}):
        must_match(ipsec(lab, "up", "net"), "connection 'net' established successfully")
        must_ping(lab.net["ca"], CB)
        must_match(ipsec(lab, "status"), r"Security Associations \(1 up, 0 connecting\):", r" +net\[\d+\]: ESTABLISHED .*",
                   r" +net\{\d+\}:  INSTALLED, TUNNEL, .*")
        must_match(ipsec(lab, "down", "net"), r"IKE_SA \[\d+\] closed successfully")
        return f"{dark(lab)}"
