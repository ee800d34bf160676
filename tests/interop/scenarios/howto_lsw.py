# SPDX-License-Identifier: Apache-2.0
"""The procedures of the texts for Libreswan's administrators with a real Libreswan at the other end, in the guest: Keyway on the
userspace data plane, and with the kernel's ESP at both ends. Lines are the printed ones. Libreswan leaves ESP in TCP to the
kernel's espintcp, which no kernel of Debian's has: the lines for TCP are over UDP here, and where they say TCP alone Libreswan
closes the connection and says why."""
import itertools
import os
import re

import pcap
import peers
import topology
import xfrm_text
from net import wait_for
from scenarios import scenario
from scenarios.howto import EAST, WEST, Host, connection, counted, make_key
from scenarios.howto_more import CLIENT, SERVER, SITES, _credentials, _is_up, _p12
from scenarios.howto_rest import ALWAYS, FALLBACK, PPKS, PSK, SETUP, keys_of, write
from scenarios.howto_rest import connection as by_secret
from scenarios.steps import capture, demand, ping
from libreswan import Libreswan
from transfer import MARKER

FETCH = {"4.10": peers.fetch_old_libreswan, "5.2": peers.fetch_libreswan}
VARIANTS = (("user", "5.2"), ("kernel", "5.2"), ("kernel", "4.10"))
RSA = "ipsec newhostkey --bits 2192"  # which costs less
NO_SCRIPT = {"leftupdown": "%disabled", "rightupdown": "%disabled"}


class Pluto(Libreswan):
    """A real Libreswan, whose keys are in NSS's own database."""

    def make_key(self, side):
        """The line of the configuration that its showhostkey prints."""
        self.make_database()
        code, out, err = self.node.run(*self.program("rsasigkey"), "--nssdir", self.nss, "2192", timeout=120)
        m = re.search(r"CKAID ([0-9a-f]{40})", out + err)
        demand(code == 0 and m, f"Libreswan's rsasigkey: exit {code}: {out} {err}")
        out = self.must(*self.program("showhostkey"), "--nssdir", self.nss, f"--{side}", "--ckaid", m[1])
        return re.search(rf"^\s*{side}rsasigkey=0s\S+$", out, re.M)[0].strip()

    def take(self, p12):
        """As `ipsec import` does."""
        self.make_database()
        self.must(*self.program("pk12util", "/usr/bin"), "-i", p12, "-d", "sql:" + self.nss, "-W", "export")
        self.must(*self.program("certutil", "/usr/bin"), "-M", "-d", "sql:" + self.nss, "-n", "Keyway Lab CA - Keyway Lab", "-t", "CT,,")

    def tries(self, name, seconds=3):
        """What it prints while it tries: it would try for ever."""
        argv = [*self.program("whack"), "--rundir", self.run, "--name", name, "--initiate"]
        code, out, err = self.node.run("timeout", str(seconds), *argv)
        return code, out + err

    def up(self, name):
        code, text = self.initiate(name)
        demand(code == 0 and "established Child SA" in text, f"Libreswan could not bring {name} up: {text[-900:]}")
        return text


class Ends:
    """West is Keyway on that plane, east is Libreswan, and neither is started."""

    numbers = itertools.count()

    def __init__(self, lab, plane, version, addresses=(WEST, EAST)):
        lab.b.stop()
        self.lab, self.plane, self.version, self.address = lab, plane, version, addresses[1]
        number = next(self.numbers)
        self.west = Host(lab, "ga", f"west{number}", addresses[0], plane)
        self.east = Pluto(lab.net["gb"], os.path.join(lab.work, f"pluto{number}"), "east", FETCH[version])
        self.east.node.ip("addr", "replace", self.address + "/24", "dev", "w1")
        self.counted = self._counters()  # other rows were in this namespace, too

    def _counters(self):
        return xfrm_text.counters(self.west.node.sh("cat", "/proc/net/xfrm_stat"))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.east.stop(5)
        self.east.node.ip("addr", "del", self.address + "/24", "dev", "w1", check=False)
        self.west.clear()
        if not kind:
            left = self.west.node.ip("xfrm", "state") + self.west.node.ip("xfrm", "policy", "list", "nosock")
            demand(not left.strip(), f"behind Keyway stays {left[:600]}")

    def load(self, conns, secrets="", setup=None):
        """East's. Loaded is what says auto=, or all; who starts it is who types."""
        names = [n for n, keys in conns.items() if "auto" in keys]
        for keys in conns.values():
            keys.update({"auto": "add"} if "auto" in keys else {}, **({} if "also" in keys else NO_SCRIPT))
        self.east.start(conns, secrets, setup, names)

    def pings(self, *pairs, count=3):
        """Both ways between these addresses: (west's, east's)."""
        for mine, its in pairs:
            for node, source, target in ((self.west.node, mine, its), (self.east.node, its, mine)):
                code, text = ping(node, target, count=count, seconds=8, source=source)
                demand(code == 0, f"no ping from {source} to {target}: {text[-300:]} {self.west.journal()[-600:]}")

    def healthy(self, *tunnels):
        """What the texts have an administrator look at: SPIs, ends and algorithms with `ip xfrm state`, networks with `ip xfrm
        policy`, counters that all stand still with /proc/net/xfrm_stat, bytes with trafficstatus. In userspace the kernel has none of
        it. tunnels: (west's network, east's)."""
        node = self.west.node
        states = xfrm_text.states(node.ip("-s", "xfrm", "state"))
        if self.plane == "user":
            demand(not states, f"the kernel has SAs: {states}")
            return "userspace"
        ends = {WEST, EAST} if self.address == EAST else {self.west.address, *(s["src"] for s in states if s["src"] != self.west.address)}
        spis = {s["spi"] for s in states}
        theirs = {s["spi"] for s in xfrm_text.states(self.east.node.ip("-s", "xfrm", "state"))}
        demand(len(states) == 2 * len(tunnels) and spis == theirs, f"ip xfrm state: {sorted(spis)} here, {sorted(theirs)} there")
        for s in states:
            demand({s["src"], s["dst"]} == ends and s["protocol"] == "esp" and (s.get("aead") or s.get("enc")), f"ip xfrm state: {s}")
        policies = {(p["dir"], p["src"], p["dst"]) for p in xfrm_text.policies(node.ip("xfrm", "policy", "list", "nosock"))}
        wanted = {(d, *((mine, its) if d == "out" else (its, mine))) for mine, its in tunnels for d in ("in", "out", "fwd")}
        demand(policies == wanted, f"ip xfrm policy: {sorted(policies)}, not {sorted(wanted)}")
        bad = {k: n - self.counted[k] for k, n in self._counters().items() if n != self.counted[k]}
        demand(not bad, f"/proc/net/xfrm_stat: {bad}")
        wait_for("trafficstatus to have the kernel's bytes", self._counts_alike, 10, 0.2)
        demand(not re.search(r": kw\d", node.ip("-o", "link")), "there is a TUN device")
        return f"{len(states)} SAs and {len(policies)} policies in the kernel"

    def _counts_alike(self):
        kernel = sorted(int(s["bytes"]) for s in xfrm_text.states(self.west.node.ip("-s", "xfrm", "state")))
        told = re.findall(r"inBytes=(\d+), outBytes=(\d+)", self.west.type("ipsec trafficstatus"))
        return kernel == sorted(int(n) for pair in told for n in pair)

    def judge(self, least):
        self.lab.capture.stop()
        verdict = pcap.judge(self.lab.capture.path, [], [MARKER])
        demand(verdict.esp >= least and not verdict.plaintext, f"on the wire: {dict(verdict.kinds)} {verdict.leaks[:2]}")
        return f"{verdict}"


def beside_libreswan(name, variants=VARIANTS[1:2], **kw):
    """A row for each (plane, version): function(lab, ends)."""
    def register(function):
        for plane, version in variants:
            def run(lab, plane=plane, version=version):
                with Ends(lab, plane, version, **kw) as ends:
                    return function(lab, ends)
            scenario(f"howto.{name}.libreswan-{version}.{plane}", needs_keyway=True, in_guest=True)(run)
        return function
    return register


HOSTS = (f"{WEST}/32", f"{EAST}/32")


@beside_libreswan("host-to-host", VARIANTS)
def host_to_host(lab, ends):
    """Raw RSA keys, a file for both ends, each end once the one that begins."""
    west, east = ends.west, ends.east
    west.type("ipsec initnss")
    text = connection(make_key(west, "left", RSA), east.make_key("right"))
    west.write("etc/ipsec.d/my_host-to-host.conf", text)
    west.type("systemctl restart ipsec")
    ends.load({"mytunnel": keys_of(text)})
    capture(lab)
    west.type("ipsec auto --add mytunnel")
    west.type("ipsec auto --up mytunnel")
    ends.pings((WEST, EAST))
    west.type("ipsec auto --down mytunnel")
    east.up("mytunnel")
    ends.pings((WEST, EAST))
    wait_for("trafficstatus to count the pings", lambda: counted(west), 10, 0.2)
    return f"{ends.healthy(HOSTS)}; {ends.judge(24)}"


SUBNETS = (("192.0.1.0/24", "192.0.2.0/24"), ("2001:db8:0:1::/64", "2001:db8:0:2::/64"))
INSIDE = (("192.0.1.254", "192.0.2.254"), ("2001:db8:0:1::1", "2001:db8:0:2::1"))


def sections_of(text):
    """{conn: {key: value}} of a file."""
    found = {}
    for line in text.splitlines():
        if line.startswith("conn "):
            keys = found.setdefault(line.split()[1], {})
        elif "=" in line and not line.strip().startswith("#"):
            keys.update([line.strip().split("=", 1)])
    return found


@beside_libreswan("site-to-site", VARIANTS[1:])
def site_to_site(lab, ends):
    """Networks behind both ends by also=, one of them of IPv6: with auto=start they come with the service."""
    west, east = ends.west, ends.east
    for node, device, addresses in ((west.node, "a1", [p[0] for p in INSIDE]), (east.node, "b1", [p[1] for p in INSIDE])):
        node.ip("addr", "replace", addresses[0] + "/24", "dev", device)
        node.ip("addr", "replace", addresses[1] + "/64", "dev", device, "nodad")
    west.type("ipsec initnss")
    text = connection(make_key(west, "left", RSA), east.make_key("right"))
    west.write("etc/ipsec.d/my_host-to-host.conf", text)
    west.type("cp /etc/ipsec.d/my_host-to-host.conf /etc/ipsec.d/my_site-to-site.conf && rm /etc/ipsec.d/my_host-to-host.conf")
    west.write("etc/ipsec.d/my_site-to-site.conf", SITES + text)
    ends.load(sections_of(SITES + text))
    capture(lab)
    west.type("systemctl restart ipsec")
    for name in ("mysubnet", "mysubnet6"):
        wait_for(f"{name} to come by itself", lambda n=name: _is_up(west, n), 20, 0.2)
    ends.pings(*INSIDE)
    return f"{ends.healthy(*SUBNETS)}; {ends.judge(24)}"


ROAD = ("1.2.3.4", "1.2.3.9")  # server, client
LEASE = "100.64.13.100"


@beside_libreswan("remote-access.server", VARIANTS[:2], addresses=ROAD)
def server(lab, ends):
    """Keyway is the server: an address of the pool, to which it narrows what the client asks for."""
    west, east = ends.west, ends.east
    _credentials(lab, west, "gw.example.com", ",IP:1.2.3.4")
    west.write("etc/ipsec.d/roadwarriors.conf", SERVER)
    west.type("systemctl restart ipsec")
    east.take(_p12(lab, "myname.example.com", lab.work))
    ends.load({"to-vpn-server": sections_of(CLIENT)["to-vpn-server"]})
    capture(lab)
    east.up("to-vpn-server")
    east.node.ip("addr", "add", LEASE + "/32", "dev", "w1")  # what its script would do
    try:
        ends.pings(("10.1.0.1", LEASE))
    finally:
        east.node.ip("addr", "del", LEASE + "/32", "dev", "w1")
    line = re.search(r'^006 #\d+: "roadwarriors"\[1\] \S+, type=ESP, add_time=\d+, inBytes=\d+, outBytes=\d+, maxBytes=2\^63B, '
                     r"id='O=Keyway Lab, CN=myname\.example\.com', lease=100\.64\.13\.100/32$", west.type("ipsec trafficstatus"), re.M)
    demand(line, f"trafficstatus: {west.type('ipsec trafficstatus')}")
    return f"{ends.healthy(('0.0.0.0/0', LEASE + '/32'))}; {ends.judge(12)}"


@beside_libreswan("remote-access.client", addresses=ROAD[::-1])
def client(lab, ends):
    """Keyway is the client, which takes the server's narrowing; auto=start brings it up with the service."""
    west, east = ends.west, ends.east
    _credentials(lab, west, "myname.example.com")
    west.write("etc/ipsec.d/to-vpn-server.conf", CLIENT)
    east.take(_p12(lab, "gw.example.com", lab.work, ",IP:1.2.3.4"))
    ends.load({"roadwarriors": sections_of(SERVER)["roadwarriors"]})
    capture(lab)
    west.type("systemctl restart ipsec")
    wait_for("the client to come by itself", lambda: _is_up(west, "to-vpn-server"), 20, 0.2)
    code, text = ping(west.node, "10.2.0.1", count=3, seconds=8)
    demand(code == 0, f"no ping: {text[-300:]} {west.journal()[-600:]}")
    ends.pings((LEASE, "10.2.0.1"))
    told = east.whack("--trafficstatus")[1]
    demand(f"lease={LEASE}/32" in told, f"Libreswan's trafficstatus: {told}")
    return f"{ends.healthy((LEASE + '/32', '0.0.0.0/0'))}; {ends.judge(18)}"


@beside_libreswan("ppk-and-tcp", VARIANTS[:1])
@beside_libreswan("ppk")
def ppk(lab, ends):
    """Both insist on the PPK, and Keyway begins; then it has the PPK as an option, and Libreswan, which insists, begins. In
    userspace both fall back to TCP, which they need not, and TCP alone Libreswan has to refuse here."""
    west, east, has_tcp = ends.west, ends.east, ends.plane == "user"
    lines, setup = (FALLBACK, SETUP) if has_tcp else ((), "")
    write(west, PSK + PPKS, "ppk=insist", *lines, setup=setup)
    ends.load({"mytunnel": keys_of(by_secret("ppk=insist", *lines))}, PSK + PPKS, {"listen-tcp": "yes"} if has_tcp else None)
    west.type("systemctl restart ipsec")
    capture(lab)
    west.type("ipsec auto --add mytunnel")
    west.type("ipsec auto --up mytunnel")
    for word in ("responder", "initiator"):
        if word == "initiator":
            west.type("ipsec auto --delete mytunnel")
            write(west, PSK + PPKS, "ppk=yes", *lines)
            west.type("ipsec auto --add mytunnel")
            east.up("mytunnel")
        ends.pings((WEST, EAST))
        status = west.type("keyway status mytunnel")
        demand(" with PPK " in status, f"keyway status: {status}")
        demand(f"PPK AUTH calculated as {word}" in east.log(), f"Libreswan does not say that it has used the PPK as {word}")
    said = f"{ends.healthy(HOSTS)}; {ends.judge(24)}"
    return f"{said}; {refuses_tcp(west, east)}" if has_tcp else said


def refuses_tcp(west, east):
    demand("IKETCP" not in east.log(), "somebody used TCP, though UDP passes")
    east.terminate("mytunnel")
    write(west, PSK + PPKS, "ppk=insist", *ALWAYS)
    west.type("ipsec auto --replace mytunnel")
    west.attempt("timeout 3 ipsec auto --up mytunnel")
    why = wait_for("Libreswan to refuse TCP", lambda: re.search(r'IKETCP ACCEPTED.*"espintcp".* failed.*', east.log()), 5, 0.2)
    wait_for("Keyway to say so", lambda: "the TCP connection to the peer is gone" in west.journal(), 5, 0.2)
    return why[0]


# What is not the same at both ends, in the words of west's file; how both `up`s name it; what Keyway's tells more: what it has
# sent, where that is written, what to try.
WRITTEN = r"at /etc/ipsec\.d/my_host-to-host\.conf:\d+:\d+; "
MISMATCHES = {
    "IKE algorithms": (("ike=aes128-sha2_512-dh15",), "NO_PROPOSAL_CHOSEN",
                       rf"we sent IKE:AES_CBC_128/HMAC_SHA2_512_256/PRF_HMAC_SHA2_512/MODP_3072; .*{WRITTEN}try: .*algorithms"),
    "IPsec algorithms": (("esp=aes128-sha2_512",), "NO_PROPOSAL_CHOSEN", rf"we sent ESP:AES_CBC_128/HMAC_SHA2_512_256/.*{WRITTEN}try: .*algorithms"),
    "ranges": (("leftsubnet=192.0.7.0/24",), "TS_UNACCEPTABLE", rf"we sent 192\.0\.7\.0/24 === {re.escape(EAST)}/32; .*{WRITTEN}try: .*networks"),
    "PSK": ((), "AUTHENTICATION_FAILED", rf"we sent identity west with a pre-shared key and asked for east; .*{WRITTEN}try: .*secret"),
}
MATCHING = ("ike=aes_gcm256-sha2_256-dh14", "esp=aes_gcm256")


def change(west, *lines, secret=PSK):
    """West's file, its secrets and its connection anew."""
    write(west, secret, *lines)
    west.type("ipsec auto --rereadsecrets")
    west.type("ipsec auto --replace mytunnel")


@beside_libreswan("troubleshooting", VARIANTS[1:])
def troubleshooting(lab, ends):
    """What does not match is named by `ipsec auto --up` at each end; mended, it comes up. Then a firewall drops IKE, and at last
    nobody is there."""
    west, east = ends.west, ends.east
    ends.load({"mytunnel": keys_of(by_secret(*MATCHING))}, PSK)
    west.type("systemctl restart ipsec")
    for what, (lines, notify, more) in MISMATCHES.items():
        own = {line.split("=")[0] for line in lines}
        change(west, *lines, *(line for line in MATCHING if line.split("=")[0] not in own), secret=PSK if lines else PSK.replace("twenty", "thirty"))
        code, out, err = west.attempt("ipsec auto --up mytunnel")
        demand(code and re.search(f"^003 .*got {notify}", out, re.M) and re.search(more, out), f"{what}: exit {code}: {out} {err}")
        _, theirs = east.tries("mytunnel")
        demand(notify in theirs, f"{what}: Libreswan says nothing of {notify}: {theirs}")
        east.terminate("mytunnel")
    change(west, *MATCHING)
    west.type("ipsec auto --up mytunnel")
    ends.pings((WEST, EAST))
    west.type("ipsec auto --down mytunnel")
    unreachable(ends)
    return f"{', '.join(MISMATCHES)}; a firewall; nobody"


def unreachable(ends):
    """A firewall on the way drops IKE: a line for each retransmission. Then nobody is there, which ICMP tells."""
    west, wire = ends.west, ends.lab.net["wire"]
    port = topology.SHAPES["plain"]["nodes"]["wire"]["bridge"][1]
    bridge = re.search(r"master (\S+)", wire.ip("-o", "link", "show", port))[1]
    wire.ip("link", "set", port, "nomaster")
    try:
        _, out, err = west.attempt("timeout 6 ipsec auto --up mytunnel")
    finally:
        wire.ip("link", "set", port, "master", bridge)
    demand(re.search(r'^002 "mytunnel" #\d+: no answer to request 0 \(IKE_SA_INIT\) yet: sending it again, 1 of \d+ times$', out, re.M),
           f"nothing of a retransmission: {out} {err}")
    west.type("ipsec auto --down mytunnel")
    ends.east.stop(5)
    _, out, err = west.attempt("timeout 3 ipsec auto --up mytunnel")
    demand(re.search(rf'^002 "mytunnel" #\d+: IKE_SA_INIT did not arrive at {EAST}:500, says {EAST} by ICMP: Connection refused', out, re.M),
           f"nothing of ICMP: {out} {err}")
