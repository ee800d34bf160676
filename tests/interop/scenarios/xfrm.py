# SPDX-License-Identifier: Apache-2.0
"""The executor of src/sys/xfrm.h against a real kernel: records in, and what `ip xfrm` shows, what traffic does and what
is told come out. Both ends are driven by tests/xfrm/drive.c, which has no IKE: no cell of the matrix."""
import os
import re
import signal
import subprocess

from gateways import REPO
from scenarios import scenario
from scenarios.steps import CA, CB, Flood, demand, ping, topology, wait_for

A4, B4, A6, B6 = topology.A4, topology.B4, topology.A6, topology.B6
NET_A4, NET_B4 = topology.NET[4]
NET_A6, NET_B6 = topology.NET[6]
CA6, CB6 = topology.CLIENT[6]
GCM = "encr=20 bits=128"


def program():
    built = os.environ.get("KEYWAY_BIN", REPO + "/build/release/bin")
    path = os.path.normpath(os.path.join(built, "../tests/xfrm_drive"))
    demand(os.path.exists(path), f"{path} is not built")
    return path


class Drive:
    """One executor, in a gateway's namespace."""

    def __init__(self, node, folder, options="acquire=20 holds=1"):
        self.node, self.journal = node, os.path.join(folder, f"xfrm-{node.name}")
        self.events, self.logs = [], []
        self.start()
        self.say(f"open journal={self.journal} {options}")

    def start(self):
        self.popen = subprocess.Popen(self.node.argv(program()), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        """(done, reason); what is told meanwhile is added to events and logs."""
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()
        while True:
            said = self.popen.stdout.readline()
            demand(said, f"the program ended at: {line}")
            word, _, rest = said.rstrip("\n").partition(" ")
            if word in ("ok", "no"):
                return word == "ok", rest
            if word == "event":
                self.events.append(dict(re.findall(r"(\w+)=(.*?)(?= \w+=|$)", rest)))
            elif word == "log":
                self.logs.append(rest)
            else:
                self.last = said.strip()

    def say(self, line):
        done, reason = self.ask(line)
        demand(done, f"{line}: {reason}")

    def told(self, kind, line="events ms=0"):
        """The events of a kind, old and new, which are forgotten."""
        self.say(line)
        mine = [e for e in self.events if e["kind"] == kind]
        self.events = [e for e in self.events if e["kind"] != kind]
        return mine

    def wait(self, kind, seconds=5):
        found = []
        wait_for(f"{self.node.name} to tell '{kind}'", lambda: found.extend(self.told(kind, "events ms=200")) or found, seconds, 0)
        return found

    def clean(self):
        """No record may have failed."""
        failed = self.told("failed")
        demand(not failed, f"{self.node.name}: {[e['why'] for e in failed]}")

    def end(self):
        self.popen.stdin.close()
        self.popen.wait(10)
        self.popen.stdout.close()

    def states(self):
        """Without those that the kernel makes for IPComp by itself."""
        return [b for b in blocks(self.node.ip("xfrm", "state")) if "proto 4 " not in b and "proto ipip " not in b]

    def policies(self):
        return [b for b in blocks(self.node.ip("xfrm", "policy")) if "socket" not in b]


def blocks(text):
    """Of `ip xfrm`: one string each, blanks as one."""
    return [" ".join(b.split()) for b in re.split(r"^(?=src )", text, flags=re.M) if b.strip()]


class Pair:
    """Executors at both gateways, and records that fit together."""

    def __init__(self, lab):
        lab.b.stop()
        self.lab, self.n = lab, 0
        self.a, self.b = Drive(lab.net["ga"], lab.work), Drive(lab.net["gb"], lab.work)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for d in (self.a, self.b):
            d.end()
            for what in ("state", "policy"):
                d.node.ip("xfrm", what, "flush")

    def sas(self, kind, mode="tunnel", outer=(A4, B4), inner=(NET_A4, NET_B4), out="", inbound="", ports=None):
        """Both directions at both ends."""
        self.n += 1
        n = self.n
        for d, me, it, mine, its, spi_in, spi_out in ((self.a, 0, 1, 0, 1, 0x1000, 0x2000), (self.b, 1, 0, 1, 0, 0x2000, 0x1000)):
            ends = [o + (f",{ports[i]}" if ports else "") for i, o in enumerate(outer)]
            for dir_, spi, extra in (("in", spi_in, inbound), ("out", spi_out, out)):
                cpi = 0x300 + n + (0 if (d is self.a) == (dir_ == "in") else 0x100)  # the receiver's
                kind = re.sub(r"cpi=\w+", f"cpi={cpi}", kind)
                d.say(f"sa_add dir={dir_} spi={spi + n} reqid={n} child={n} mode={mode} local={ends[me]} remote={ends[it]} "
                      f"lts={inner[mine]} rts={inner[its]} {kind} {extra}")
        return n

    def policies(self, n, mode="tunnel", outer=(A4, B4), inner=(NET_A4, NET_B4), more=""):
        for d, me, it in ((self.a, 0, 1), (self.b, 1, 0)):
            d.say(f"policy_add id={n} reqid={n} mode={mode} local={outer[me]} remote={outer[it]} lts={inner[me]} rts={inner[it]} {more}")

    def remove(self, n):
        for d, spi_in, spi_out in ((self.a, 0x1000, 0x2000), (self.b, 0x2000, 0x1000)):
            d.say(f"policy_del id={n}")
            d.say(f"sa_del dir=in spi={spi_in + n} child={n}")
            d.say(f"sa_del dir=out spi={spi_out + n} child={n}")

    def clean(self):
        self.a.clean()
        self.b.clean()

    def must_be_empty(self):
        self.clean()
        for d in (self.a, self.b):
            demand(not d.states() and not d.policies(), f"{d.node.name}: this is left: {d.states()} {d.policies()}")

    def must_carry(self, n, source, target, size=56):
        """A ping goes there and back, and through the SAs."""
        code, text = ping(self.lab.net[source], target, count=1, size=size)
        demand(code == 0, f"no answer to ping from {source} to {target}: {text.strip()[-200:]}; {self.trouble()}")
        for d in (self.a, self.b):
            moved = {e["dir"] for e in d.told("counters", "poll") if int(e["child"]) == n and int(e["packets"])}
            demand(moved == {"in", "out"}, f"{d.node.name}: the counters of {moved or 'no direction'} moved")

    def trouble(self):
        text = "".join(f"{d.node.name}: {d.node.sh('cat', '/proc/net/xfrm_stat')}" for d in (self.a, self.b))
        return " ".join(line.strip() for line in text.splitlines() if not line.rstrip().endswith("\t0"))


def must_say(block, *words):
    for w in words:
        demand(w in block, f"'{w}' is not in: {block}")


def poke(node, target, count=1):
    """Pings that may be lost, and are not waited for."""
    node.run("ping", "-n", "-q", "-c", str(count), "-i", "0.02", "-W", "0.1", target)


def one(found, what):
    demand(len(found) == 1, f"{len(found)} {what}, not one")
    return found[0]


TUNNEL4, TUNNEL6 = (NET_A4, NET_B4), (NET_A6, NET_B6)
HOSTS4, HOSTS6 = (A4 + "/32", B4 + "/32"), (A6 + "/128", B6 + "/128")
HMAC = "ah=1 integ=12"
# mode, outer, inner, who pings whom, the SAs, what `ip xfrm state` says of A's outbound one
MODES = (
    ("tunnel", (A4, B4), TUNNEL4, ("ca", CB), GCM + " window=32", ("proto esp", "mode tunnel", "replay-window 0", "flag af-unspec")),
    ("tunnel", (A4, B4), TUNNEL4, ("ca", CB), GCM + " cpi=1 window=32", ("proto esp", "mode transport")),
    ("tunnel", (A4, B4), TUNNEL4, ("ca", CB), HMAC + " window=64", ("proto ah", "mode tunnel")),
    ("tunnel", (A4, B4), TUNNEL4, ("ca", CB), HMAC + " cpi=1", ("proto ah", "mode transport")),
    ("tunnel", (A4, B4), TUNNEL6, ("ca", CB6), GCM + " window=64", ("mode tunnel", "flag af-unspec")),
    ("tunnel", (A6, B6), TUNNEL4, ("ca", CB), GCM + " window=128 esn=1", ("mode tunnel", "flag af-unspec esn")),
    ("tunnel", (A6, B6), TUNNEL6, ("ca", CB6), GCM + " window=4096 esn=1 cpi=1", ("mode transport", "flag esn")),
    ("tunnel", (A6, B6), TUNNEL6, ("ca", CB6), HMAC + " window=32 esn=1", ("proto ah", "flag af-unspec esn")),
    ("tunnel", (A4, B4), TUNNEL4, ("ca", CB), GCM + " ecn=0 df=0 dscp=3 tfc=900 esn=1",
     ("flag noecn nopmtudisc af-unspec esn", "tfcpad 900")),
    ("tunnel", (A4, B4), TUNNEL4, ("ca", CB), GCM + " set_mark=0x10/0xf0 if_id=0", ("output-mark 0x10/0xf0",)),
    ("transport", (A4, B4), HOSTS4, ("ga", B4), GCM + " window=32", ("mode transport", f"sel src {A4}/32 dst {B4}/32")),
    ("transport", (A4, B4), HOSTS4, ("ga", B4), GCM + " cpi=1", ("mode transport",)),
    ("transport", (A4, B4), HOSTS4, ("ga", B4), HMAC, ("proto ah", "mode transport")),
    ("transport", (A6, B6), HOSTS6, ("ga", B6), GCM + " window=32", ("mode transport",)),
    ("beet", (A4, B4), HOSTS4, ("ga", B4), GCM + " window=32", ("mode beet", f"sel src {A4}/32 dst {B4}/32")),
)


@scenario("xfrm.modes", needs_keyway=True, in_guest=True)
def modes(lab):
    """Each mode, ESP and AH, compressed and not, IPv4 and IPv6, carries pings; nothing is left of it."""
    with Pair(lab) as p:
        for mode, outer, inner, (source, target), words, says in MODES:
            n = p.sas(words, mode, outer, inner)
            p.policies(n, mode, outer, inner, ("ah=1 " if "ah=1" in words else "") + ("comp=1" if "cpi=" in words else ""))
            p.clean()
            mine = one([s for s in p.a.states() if f"spi 0x{0x2000 + n:08x}" in s], "outbound SAs")
            must_say(mine, f"src {outer[0]} dst {outer[1]}", f"reqid {n} ", *says)
            p.must_carry(n, source, target)
            if "cpi=" in words:  # what is small does not shrink, and goes without IPComp
                p.must_carry(n, source, target, 1200)
            p.remove(n)
        p.must_be_empty()
        p.sas(GCM + " cpi=1", "tunnel", (A4, B4), TUNNEL6)
        why = p.a.told("failed")
        demand(len(why) == 2 and "one family" in why[0]["why"], f"IPComp with other inner addresses: {why}")
        demand(not p.a.states(), f"half of it is left: {p.a.states()}")
        return f"{len(MODES)} of modes and protocols"


# IANA numbers; what the kernel calls them, with key and ICV bits where it says them
CIPHERS = (
    ("encr=3 integ=2", "auth-trunc hmac(sha1) 0x", "enc cbc(des3_ede) 0x"),
    ("encr=11 integ=12", "auth-trunc hmac(sha256) 0x", "enc ecb(cipher_null)"),
    ("encr=12 bits=128 integ=1", "auth-trunc hmac(md5) 0x", "enc cbc(aes) 0x"),
    ("encr=12 bits=192 integ=2", "hmac(sha1)", "enc cbc(aes) 0x"),
    ("encr=12 bits=256 integ=12", "hmac(sha256)", " 128 enc cbc(aes) 0x"),
    ("encr=12 bits=256 integ=1024", "hmac(sha256)", " 96 enc cbc(aes) 0x"),
    ("encr=12 bits=128 integ=13", "hmac(sha384)", " 192 enc"),
    ("encr=12 bits=128 integ=14", "hmac(sha512)", " 256 enc"),
    ("encr=12 bits=128 integ=5", "xcbc(aes)", " 96 enc"),
    ("encr=12 bits=128 integ=8", "cmac(aes)", " 96 enc"),
    ("encr=13 bits=256 integ=12", "hmac(sha256)", "enc rfc3686(ctr(aes)) 0x"),
    ("encr=14 bits=128", "aead rfc4309(ccm(aes)) 0x", " 64 "),
    ("encr=15 bits=192", "aead rfc4309(ccm(aes)) 0x", " 96 "),
    ("encr=16 bits=256", "aead rfc4309(ccm(aes)) 0x", " 128 "),
    ("encr=18 bits=128", "aead rfc4106(gcm(aes)) 0x", " 64 "),
    ("encr=19 bits=192", "aead rfc4106(gcm(aes)) 0x", " 96 "),
    ("encr=20 bits=256", "aead rfc4106(gcm(aes)) 0x", " 128 "),
    ("encr=21 bits=256", "aead rfc4543(gcm(aes)) 0x", " 128 "),
    ("encr=28", "aead rfc7539esp(chacha20,poly1305) 0x", " 128 "),
)


@scenario("xfrm.algorithms", needs_keyway=True, in_guest=True)
def algorithms(lab):
    """Every cipher and integrity algorithm there is, by the kernel's own names."""
    lacking = []
    with Pair(lab) as p:
        for words, *says in CIPHERS:
            n = p.sas(words)
            failed = p.a.told("failed") + p.b.told("failed")
            if failed:
                demand(all("the kernel has no " in e["why"] and "module" in e["why"] for e in failed), f"{words}: {failed}")
                lacking.append(words)
                demand(not p.a.states(), f"half of {words} is left: {p.a.states()}")
                continue
            p.policies(n)
            must_say(one([s for s in p.a.states() if f"spi 0x{0x1000 + n:08x}" in s], "inbound SAs"), *says)
            p.must_carry(n, "ca", CB)
            p.remove(n)
        p.must_be_empty()
        demand(len(lacking) <= 2, f"the kernel lacks {lacking}")
        return f"{len(CIPHERS) - len(lacking)} of {len(CIPHERS)}" + (f"; this kernel has no {', '.join(lacking)}" if lacking else "")


def policy(d, *words):
    found = d.policies()
    matching = [b for b in found if all(w in b for w in words)]
    demand(len(matching) == 1, f"{len(matching)} policies with {words}, not one: {found}")
    return matching[0]


@scenario("xfrm.policies", needs_keyway=True, in_guest=True)
def policies(lab):
    """What records become of the kernel's policies: selectors, order, those that several want, shunts."""
    with Pair(lab) as p:
        a = p.a
        ends = f"local={A4} remote={B4}"
        a.say(f"policy_add id=1 reqid=1 {ends} lts={NET_A4} rts={NET_B4}")
        tunnel = f"tmpl src {A4} dst {B4} proto esp reqid 1 mode tunnel"
        wide = policy(a, f"src {NET_A4} dst {NET_B4} dir out", tunnel)
        policy(a, f"src {NET_B4} dst {NET_A4} dir in", f"tmpl src {B4} dst {A4}")
        policy(a, f"src {NET_B4} dst {NET_A4} dir fwd", f"tmpl src {B4} dst {A4}")
        a.say(f"policy_add id=2 reqid=2 {ends} lts=10.1.0.2/32[tcp/80] rts={NET_B4}[tcp/1024-4095]")
        for first in (1024, 2048):  # with masks, which this `ip` does not show
            narrow = policy(a, f"src 10.1.0.2/32 dst {NET_B4} proto tcp sport 80 dport {first} dir out")
            policy(a, f"src {NET_B4} dst 10.1.0.2/32 proto tcp sport {first} dport 80 dir in")
            demand(priority(narrow) < priority(wide), "the narrow policy is not before the wide one")
            must_say(narrow, "flag icmp")
        a.say(f"policy_add id=3 reqid=3 {ends} lts=10.1.0.0-10.1.0.2[icmp/8] rts={NET_B4}[icmp]")
        icmp = [b for b in a.policies() if "proto icmp" in b]
        demand(len(icmp) == 6, f"{len(icmp)} policies for ICMP, not 2 for each direction: {icmp}")
        a.clean()
        for n in (2, 3):
            a.say(f"policy_del id={n}")
        # a trap and its child, then the child's twin: one policy, which lets in what either brings
        a.say(f"policy_add id=4 reqid=4 trap=1 {ends} lts={NET_A4} rts={NET_B4}")
        demand(len(a.policies()) == 3, f"{len(a.policies())} policies for a trap and its child, not 3")
        policy(a, "dir out", "reqid 1 ")
        policy(a, "dir in", "reqid 0 ")
        a.say("policy_del id=1")
        policy(a, "dir out", "reqid 4 ")
        policy(a, "dir in", "reqid 4 ")
        a.say(f"policy_add id=4 reqid=4 trap=1 local={A4} remote=10.9.0.77 lts={NET_A4} rts={NET_B4}")  # the peer has moved
        policy(a, "dir out", f"tmpl src {A4} dst 10.9.0.77")
        demand(len(a.policies()) == 3, "the old policies are still there")
        a.say("policy_del id=4")
        # marks, interfaces, fixed priorities, transport mode, compression
        a.say(f"policy_add id=5 reqid=5 {ends} lts={NET_A4} rts={NET_B4} mark=0x7/0xff device=w0 priority=77 comp=1")
        b = policy(a, "dir in", "mark 0x7/0xff", "dev w0", "priority 77 ")
        must_say(b, "proto comp reqid 5 mode tunnel level use", "proto esp reqid 5 mode transport")
        demand("level use" not in policy(a, "dir out"), "compression outbound must be required")
        a.say("policy_del id=5")
        a.say(f"policy_add id=6 reqid=6 mode=transport {ends} lts={A4} rts={B4}[tcp/22] if_id=9")
        demand(len(a.policies()) == 2, "a policy in transport mode is not in and out alone")
        policy(a, "dir out", "if_id 0x9", "tmpl src 0.0.0.0 dst 0.0.0.0 proto esp reqid 6 mode transport")
        a.say("policy_del id=6")
        a.say(f"policy_add id=7 reqid=7 {ends} lts={NET_A4}[tcp/opaque] rts={NET_B4}")
        demand("OPAQUE" in one(a.told("failed"), "failures")["why"], "OPAQUE ports are not refused")
        a.node.ip("xfrm", "policy", "add", "src", NET_A4, "dst", NET_B4, "dir", "in", "priority", "5")
        a.say(f"policy_add id=8 reqid=8 {ends} lts={NET_B4} rts={NET_A4}")
        foreign = one(a.told("failed"), "failures")
        demand(foreign["policy"] == "8" and "not Keyway's" in foreign["why"], f"of a foreign policy: {foreign}")
        one(a.policies(), "policies left of one that failed: the foreign one alone has to stay,")
        a.node.ip("xfrm", "policy", "delete", "src", NET_A4, "dst", NET_B4, "dir", "in")
        # shunts
        a.say(f"shunt_add id=1 mode=drop from=10.1.0.0/24 to={B4}/32")
        a.say(f"shunt_add id=2 mode=pass from=0.0.0.0/0 to=0.0.0.0/0 last=1")
        a.say(f"shunt_add id=3 mode=drop to={B4}/32 last=1")
        demand(len([b for b in a.policies() if "action block" in b]) == 4, f"shunts: {a.policies()}")
        demand(len(a.policies()) == 7, f"shunts: {a.policies()}")
        a.say(f"send to={B4}")
        a.say("shunt_del id=2")
        demand(not a.ask(f"send to={B4}")[0], "a datagram left though a policy drops it")
        a.say(f"send to={B4} bypass=1")
        for n in (1, 3):
            a.say(f"shunt_del id={n}")
        p.must_be_empty()
        return "selectors, order, one for several, shunts"


def priority(block):
    return int(re.search(r"priority (\d+)", block)[1])


@scenario("xfrm.events", needs_keyway=True, in_guest=True)
def events(lab):
    """Limits, traps, NATs that forget: what the kernel tells."""
    with Pair(lab) as p:
        n = p.sas(GCM, out="soft_packets=3 hard_packets=6")
        p.policies(n)
        poke(lab.net["ca"], CB, 4)
        soft = p.a.wait("soft")
        demand([(e["child"], e["dir"]) for e in soft] == [(str(n), "out")], f"soft limit: {soft}")
        poke(lab.net["ca"], CB, 4)
        hard = p.a.wait("hard")
        demand([(e["child"], e["dir"]) for e in hard] == [(str(n), "out")], f"hard limit: {hard}")
        demand(not [s for s in p.a.states() if f"spi 0x{0x2000 + n:08x}" in s], "the SA outlived its limit")
        poke(lab.net["ca"], CB, 1)  # now a state waits for a new one, until the policy goes
        p.clean()
        p.remove(n)
        p.must_be_empty()
        # a trap asks once, again when it has failed, and not while it is served
        p.a.say(f"policy_add id=9 reqid=90 trap=1 local={A4} remote={B4} lts={NET_A4} rts={NET_B4}")
        for _ in range(2):
            poke(lab.net["ca"], CB, 2)
            asked = one(p.a.wait("acquire"), "acquires")
            demand(asked["policy"] == "9" and "10.1.0.2/32[icmp/8(0)]" in asked["local_ts"] and "10.2.0.2/32[icmp/8(0)]" in asked["remote_ts"], f"asked: {asked}")
            demand([s for s in p.a.states() if "spi 0x00000000" in s], "no state waits")
            p.a.say("trap_failed id=9")
            again = p.a.told("acquire", "events ms=300")  # the kernel looks at what it holds every 100 ms at first
            demand(not again, f"the packets that sprang the trap are still there: {again}")
            p.a.say("poll")
            policy(p.a, "dir out", "reqid 90 ")
            demand(not p.a.states(), f"the waiting state is still there: {p.a.states()}")
        p.a.say("policy_del id=9")
        held(p)
        # the peer's NAT has another port now
        for d in (p.a, p.b):
            d.say("socket family=4 port=4500")
        n = p.sas(GCM + " encap=1 window=32", ports=(4500, 4500))
        p.policies(n)
        must_say(p.a.states()[0], "encap type espinudp sport 4500 dport 4500")
        p.must_carry(n, "ca", CB)
        p.b.say(f"sa_update dir=out spi={0x1000 + n} child={n} local={B4},4600 remote={A4},4500 encap=1")
        poke(lab.net["cb"], CA, 1)
        moved = one(p.a.wait("mapping"), "mappings")
        demand(moved["remote"] == f"{B4}:4600" and moved["child"] == str(n), f"mapping: {moved}")
        p.a.say(f"sa_update dir=in spi={0x1000 + n} child={n} local={A4},4500 remote={B4},4600 encap=1")
        poke(lab.net["cb"], CA, 1)
        demand(not p.a.told("mapping", "events ms=100"), "it is told again after the update")
        p.remove(n)
        p.must_be_empty()
        return "limits, traps, mappings"


def held(p):
    """The first packet waits for the SA, and arrives."""
    n = p.n + 1
    p.policies(n, more="trap=1")
    waiting = subprocess.Popen(p.lab.net["ca"].argv("ping", "-n", "-c", "1", "-W", "4", CB), stdout=subprocess.PIPE, text=True)
    demand(one(p.a.wait("acquire"), "acquires")["policy"] == str(n), "the wrong trap")
    p.sas(GCM)
    text, _ = waiting.communicate(timeout=10)
    demand(waiting.returncode == 0, f"the packet that sprang the trap was lost: {text.strip()[-200:]}; {p.trouble()}")
    p.remove(n)
    p.must_be_empty()
    demand(setting(p.a, "xfrm_larval_drop") == 0 and setting(p.a, "xfrm_acq_expires") == 20, "the machine's settings are not as asked")
    p.a.say("close")
    demand(setting(p.a, "xfrm_larval_drop") == 1 and setting(p.a, "xfrm_acq_expires") == 30, "the machine's settings did not come back")
    p.a.say(f"open journal={p.a.journal}")


def setting(d, name):
    return int(d.node.sh("cat", "/proc/sys/net/core/" + name))


BY_US, BY_KERNEL = "moved by adding it anew", "moved by the kernel itself"
KERNELS_OWN = ((HMAC, BY_KERNEL), (GCM + " window=32 offload=auto", BY_US))
SKIPPED = 1024  # numbers, when another SA takes the place of one that moves, or more than asked for
SKIPS = 20


def moves(lab, way):
    """SAs go to other addresses, into UDP and out of it, and keep their numbers, windows and totals. way: of those that the
    kernel can move itself, if any is."""
    outer, plain = ("10.9.0.11", "10.9.0.12"), (A4, B4)
    with Pair(lab) as p:
        for node, device, address in (("ga", "w0", outer[0]), ("gb", "w1", outer[1])):
            lab.net[node].ip("addr", "add", address + "/24", "dev", device)
        for d in (p.a, p.b):
            for port in (4500, 4600):
                d.say(f"socket family=4 port={port}")
        for words, expected in ((GCM + " esn=1 window=64", way), (GCM + " cpi=1 window=32", BY_US), *(KERNELS_OWN if way == BY_KERNEL else ())):
            n = p.sas(words)
            more = " ".join(w for w in words.split() if w == "ah=1") + (" comp=1" if "cpi=" in words else "")
            p.policies(n, more=more)
            p.must_carry(n, "ca", CB)
            ports = (4500, 4600) if "encr" in words and "cpi" not in words else None
            for there, then in ((outer, ports), (plain, None)):
                move(p, n, there, then, expected, more, "window" in words)
            if "esn" in words:
                skip(p, n)
            p.remove(n)
        p.must_be_empty()
        for node, device, address in (("ga", "w0", outer[0]), ("gb", "w1", outer[1])):
            lab.net[node].ip("addr", "del", address + "/24", "dev", device)
        return f"addresses, ports, encapsulation, numbers: {way}"


def move(p, n, outer, ports, way, more, has_window):
    """Both SAs of both ends to other addresses, with traffic before and after."""
    before, p.a.logs = counts(p.a, 0x2000 + n), []
    for d, me, it, spi_in, spi_out in ((p.a, 0, 1, 0x1000, 0x2000), (p.b, 1, 0, 0x2000, 0x1000)):
        ends = [o + (f",{ports[i]}" if ports else "") for i, o in enumerate(outer)]
        for dir_, spi in (("in", spi_in), ("out", spi_out)):
            d.say(f"sa_update dir={dir_} spi={spi + n} child={n} local={ends[me]} remote={ends[it]} encap={int(bool(ports))}")
    p.policies(n, outer=outer, more=more)
    p.clean()
    demand(len([line for line in p.a.logs if way in line]) == 2, f"not two SAs {way}: {p.a.logs}")
    states = [s for s in p.a.states() if "proto comp" not in s]
    demand(len(states) == 2 and all(f"src {outer[i]} dst {outer[1 - i]}" in " ".join(states) for i in (0, 1)), f"states: {states}")
    demand(all(("encap type espinudp" in s) == bool(ports) for s in states), f"encapsulation: {states}")
    p.must_carry(n, "ca", CB)
    after, there = counts(p.a, 0x2000 + n), counts(p.b, 0x2000 + n)
    left_out = SKIPPED if way == BY_US else 0
    demand(after["oseq"] == before["oseq"] + left_out + 1, f"sequence numbers went from {before} to {after}, not {left_out} and one on")
    demand(after["packets"] == before["packets"] + 1, f"totals went from {before} to {after}")
    demand(there["seq"] == (after["oseq"] if has_window else 0), f"the receiver is at {there}, the sender at {after}")


def skip(p, n):
    """Numbers are left out while pings run: none is lost, so none is used twice."""
    before, flood = counts(p.a, 0x2000 + n), Flood(p.lab, count=50, interval="0.005", goes_on=True)
    for _ in range(SKIPS):
        p.a.say(f"sa_update dir=out spi={0x2000 + n} child={n} local={A4} remote={B4} skip=5000")
    flood.must_lose_nothing()
    sent = counts(p.a, 0x2000 + n)["oseq"] - before["oseq"] - SKIPS * (5000 + SKIPPED)
    demand(50 <= sent < 5000, f"{sent} pings beside what was left out")


@scenario("xfrm.moves", needs_keyway=True, in_guest=True)
def moves_by_us(lab):
    """Before Linux 7.2."""
    return moves(lab, BY_US)


@scenario("qemu.moves", kernels=("testing",))
def moves_by_the_kernel(lab):
    return moves(lab, BY_KERNEL)


def counts(d, spi):
    """Of one SA: sequence numbers and packets."""
    b = one([b for b in blocks(d.node.ip("-s", "xfrm", "state")) if f"spi 0x{spi:08x}" in b], "SAs")
    found = {k: int(v, 16) for k, v in re.findall(r"\b(o?seq(?:-hi)?) 0x(\w+)", b.split("anti-replay")[-1])}
    demand("oseq" in found, f"no numbers in: {b}")
    whole = {k: found.get(k + "-hi", 0) << 32 | found[k] for k in ("seq", "oseq")}
    return {**whole, "packets": int(re.search(r"(\d+)\(packets\)", b.split("lifetime current")[1])[1])}


@scenario("xfrm.repair", needs_keyway=True, in_guest=True)
def repair(lab):
    """Others delete, flush and flood: policies come back, SAs are told as gone."""
    with Pair(lab) as p:
        n = p.sas(GCM)
        p.policies(n)
        a = p.a
        before = a.policies()
        a.node.ip("xfrm", "policy", "flush")
        demand(not a.policies(), "the flush did nothing")
        a.say("events ms=200")
        demand(sorted(a.policies()) == sorted(before), f"after a flush: {a.policies()}")
        a.node.ip("xfrm", "policy", "update", "src", NET_A4, "dst", NET_B4, "dir", "out", "action", "block", "priority", "1")
        a.say("events ms=200")
        demand(sorted(a.policies()) == sorted(before), f"after somebody's own policy: {a.policies()}")
        p.must_carry(n, "ca", CB)
        a.node.ip("xfrm", "state", "delete", "src", A4, "dst", B4, "proto", "esp", "spi", hex(0x2000 + n))
        gone = one(a.wait("hard"), "SAs gone")
        demand((gone["child"], gone["dir"]) == (str(n), "out"), f"gone: {gone}")
        a.say("shrink")
        foreign = "\n".join(f"xfrm state add src 10.7.0.1 dst 10.7.0.2 proto esp spi {i} mode tunnel enc ecb(cipher_null) '' auth hmac(sha1) 0x00"
                            for i in range(0x9000, 0x9010))
        subprocess.run(["ip", "-n", a.node.ns, "-batch", "-"], input=foreign + "\n", text=True, check=True, capture_output=True)
        a.node.ip("xfrm", "state", "deleteall", "src", B4)
        a.node.ip("xfrm", "policy", "flush")
        gone = one(a.wait("hard"), "SAs gone")
        demand((gone["child"], gone["dir"]) == (str(n), "in"), f"gone: {gone}")
        demand(sorted(a.policies()) == sorted(before), f"after lost messages: {a.policies()}")
        demand(any("lost messages" in line for line in a.logs), f"no messages were lost: {a.logs}")
        a.node.ip("xfrm", "state", "flush")
        p.remove(n)
        p.must_be_empty()
        return "flushed, replaced, deleted, lost"


@scenario("xfrm.crash", needs_keyway=True, in_guest=True)
def crash(lab):
    """After kill -9 exactly ours goes: by the next start, or by a cleanup."""
    with Pair(lab) as p:
        a = p.a
        a.node.ip("xfrm", "policy", "add", "src", "10.6.0.0/24", "dst", "10.7.0.0/24", "dir", "out", "action", "block")
        a.node.ip(*"xfrm state add src 10.6.0.1 dst 10.7.0.1 proto esp spi 0x777 reqid 5 mode tunnel auth hmac(sha1) 0x00 enc".split(), "ecb(cipher_null)", "")
        foreign = a.states() + a.policies()
        for ends in ("open", "cleanup"):
            p.b.say("close")
            p.b.say(f"open journal={p.b.journal}")
            n = p.sas(GCM + " cpi=1 window=32")
            p.policies(n, more="comp=1")
            a.say("shunt_add id=1 mode=pass from=10.1.0.9/32 to=10.2.0.9/32")
            p.clean()
            demand(len(a.states()) == 5 and len(a.policies()) == 7, f"{len(a.states())} states, {len(a.policies())} policies")
            # one of ours is somebody else's by then
            a.node.ip("xfrm", "policy", "update", "src", "10.1.0.9/32", "dst", "10.2.0.9/32", "dir", "out", "priority", "4242")
            a.popen.send_signal(signal.SIGKILL)
            a.popen.wait(10)
            a.start()
            a.say(f"{ends} journal={a.journal}")
            if ends == "open":
                demand(len(a.states()) == 5 and len(a.policies()) == 7, "what a crash left went before it was swept")
                a.say("sweep")
            demand(a.last == "removed 9", f"{ends} {a.last}")
            if ends == "cleanup":
                demand(not os.path.exists(a.journal), "the journal is still there")
                a.say(f"open journal={a.journal}")
            stays = policy(a, "priority 4242")
            a.node.ip("xfrm", "policy", "delete", "src", "10.1.0.9/32", "dst", "10.2.0.9/32", "dir", "out")
            left = [b for b in a.states() + a.policies() if b != stays]
            demand(sorted(left) == sorted(foreign), f"left after {ends}: {left}")
        return "open and cleanup"


@scenario("xfrm.offload", needs_keyway=True, in_guest=True)
def offload(lab):
    """A veth takes nothing: auto says so once for the interface, the others fail."""
    with Pair(lab) as p:
        for n, word in ((1, "auto"), (2, "auto"), (3, "crypto"), (4, "packet")):
            p.a.say(f"sa_add dir=out spi={0x3000 + n} reqid={n} child={n} local={A4} remote={B4} lts={NET_A4} rts={NET_B4} {GCM} offload={word}")
        said = [line for line in p.a.logs if "offload = auto: w0 takes nothing" in line]
        one(said, "log lines of the fall-back")
        failed = p.a.told("failed")
        demand([e["child"] for e in failed] == ["3", "4"], f"failed: {failed}")
        demand(all("w0 cannot take the SA" in e["why"] for e in failed), f"failed: {failed}")
        demand(len(p.a.states()) == 2, f"states: {p.a.states()}")
        return said[0]
