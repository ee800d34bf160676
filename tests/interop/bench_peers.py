# SPDX-License-Identifier: Apache-2.0
"""What ./dev bench measures, with one interface: start, stop, the processes of both gateways, what it is.

Each peer has a network of its own (client A - gateway A - gateway B - client B, direct veth links, MTU 1500), so that
all stay up and idle while one of them works. The gateways of a tunnel have no other route to the far network: what
arrives went through the tunnel. Each runs as its makers ship it, apart from what is said here.
"""
import glob
import json
import mmap
import os
import shutil
import subprocess

import peers
import topology
from gateways import Keyway, StrongSwan
from net import LabError, Net, wait_for
from rows import ping, sides

BIN = os.path.join(peers.REPO, "build", "release", "bin")
PORT = 7007
OFFLOADS = ("tso", "gso", "tx-udp-segmentation", "gro")
OUTER_LINK = (("ga", "w0"), ("gb", "w1"))
FAR = topology.CLIENT[4][1]
TICKS = os.sysconf("SC_CLK_TCK")
IKE = "aes128gcm16-prfsha256-x25519"

# Without the bridge of the lab and without its default routes: the gateways are all there is between the clients.
DIRECT = {
    "nodes": {n: a for n, a in topology.PLAIN["nodes"].items() if n != "wire"},
    "links": topology.PLAIN["links"][:2] + [(("ga", "w0", [topology.A4 + "/24"]), ("gb", "w1", [topology.B4 + "/24"]))],
    "routes": [r for r in topology.PLAIN["routes"] if r[0] in ("ca", "cb")],
}


# What the measured suites are made of, with a key size of each as Keyway's table has it.
SERVED = (("AES_GCM_16", 128), ("CHACHA20_POLY1305", 256), ("AES_CBC", 256), ("HMAC_SHA2_256_128", None))


def served(by):
    return ", ".join(f"{name} by {who}" for name, who in by.items())


class Peer:
    """A pair of gateways in a network of its own, with a receiver in client B."""

    key, title, cipher = "?", "?", "-"

    def __init__(self, work):
        self.dir = os.path.join(work, self.key)
        os.makedirs(self.dir, exist_ok=True)
        self.net = Net(self.topology(), self.key)
        self.has_offloads = True
        self.counter_file = os.path.join(self.dir, "counters")
        argv = [BIN + "/traffic", "receive", str(PORT), self.counter_file]
        self.receiver = self.net["cb"].start(argv, self.dir + "/receiver")
        wait_for("the receiver", lambda: "ready" in self.receiver.text(), 10)
        with open(self.counter_file, "rb") as f:
            self.counters = mmap.mmap(f.fileno(), 24, prot=mmap.PROT_READ)

    def topology(self):
        return DIRECT

    @staticmethod
    def fetch(say):
        """Gets what the peer needs onto the machine; LabError when that cannot be."""

    def version(self):
        return "-"

    def details(self):
        """Of a running one: what could make it slower or faster than its name promises."""
        return ""

    def start(self, suite="aes128gcm16", encap=True):
        raise NotImplementedError

    def stop(self):
        """Both daemons; the network stays."""

    def processes(self):
        """Of gateway A and of gateway B; empty without daemons."""
        return []

    def is_alive(self):
        return all(p is not None and p.is_running() for p in self.processes())

    def wait_for_ping(self, seconds=15):
        wait_for(f"a ping through {self.title}", lambda: ping(self.net["ca"], FAR, 1, seconds=1)[0] == 0, seconds, 0.2)

    def cpu(self):
        """Seconds that gateway A's and gateway B's daemon has used: in its own code, and in the kernel on its calls."""
        out = []
        for p in self.processes():
            with open(f"/proc/{p.pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            out.append((int(fields[11]) / TICKS, int(fields[12]) / TICKS))
        return out

    def counted(self, i):
        """0: bytes of TCP, 1: datagrams, 2: datagrams out of order, as the receiver counts them up."""
        return int.from_bytes(self.counters[8 * i : 8 * i + 8], "little")

    def set_offloads(self, on):
        """Of both ends of the outer link. On is how veth comes (its GRO is off); off makes each packet single."""
        for node, device in OUTER_LINK:
            words = [w for o in OFFLOADS if not (on and o == "gro") for w in (o, "on" if on else "off")]
            self.net[node].sh("ethtool", "-K", device, *words)
        self.has_offloads = on

    def flush(self):
        """Path MTUs that a client has learned through another state of this network."""
        for n in ("ca", "ga", "gb", "cb"):
            self.net[n].ip("route", "flush", "cache")

    def close(self):
        try:
            self.stop()
        except (LabError, OSError):
            pass
        self.net.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Plain(Peer):
    key, title = "plain", "plain routing"

    def topology(self):
        return {**DIRECT, "routes": DIRECT["routes"] + [("ga", "default", topology.B4), ("gb", "default", topology.A4)]}

    def start(self, suite=None, encap=True):
        self.wait_for_ping()


class Ipsec(Peer):
    """Keyway or strongSwan at both ends, with the same configuration file."""

    gateways = ()

    def make(self, node, directory, name):
        raise NotImplementedError

    def tree(self, suite, encap):
        extra = {"encap": encap, "dpd_delay": "10s"}
        return sides(ike=IKE, esp=suite, extra=extra)

    def start(self, suite="aes128gcm16", encap=True):
        self.stop()
        trees = self.tree(suite, encap)
        self.gateways = [self.make(self.net[n], os.path.join(self.dir, n), f"gateway {n[1].upper()}") for n in ("ga", "gb")]
        for g in self.gateways:
            g.start()
        for g, (tree, files) in zip(reversed(self.gateways), reversed(trees)):
            g.load(tree, files)
        code, text = self.gateways[0].initiate("net")
        if code:
            raise LabError(f"{self.title} did not come up: {text.strip()[-300:]}")
        self.wait_for_ping()

    def stop(self):
        for g in self.gateways:
            g.stop()
        self.gateways = ()

    def processes(self):
        return [g.process for g in self.gateways]


class KeywayPair(Ipsec):
    key, title, cipher = "keyway", "Keyway", "AES-128-GCM"

    def make(self, node, directory, name):
        g = Keyway(node, directory, name, BIN)
        g.log_level = "notice"
        return g

    def version(self):
        p = subprocess.run(["git", "-C", peers.REPO, "describe", "--always", "--dirty"], capture_output=True, text=True)
        out = subprocess.run([BIN + "/keywayd", "--version"], capture_output=True, text=True).stdout.strip()
        return f"{out.split()[-1] if out else '?'} ({p.stdout.strip() or 'no commit'})"

    def details(self):
        code, out, _ = self.gateways[0].cli("status", "--algorithms", "--json")
        found = {(a["name"], a.get("key_bits")): a.get("esp", "nobody") for a in json.loads(out)["algorithms"]} if code == 0 else {}
        return served({name: found.get((name, bits), "nobody") for name, bits in SERVED})


class KeywayInTcp(KeywayPair):
    key, title = "keyway-tcp", "Keyway in TCP"

    def make(self, node, directory, name):
        g = super().make(node, directory, name)
        g.settings = {"listen_tcp": "yes"}
        return g

    def tree(self, suite, encap):
        trees = super().tree(suite, "auto")
        for tree, _ in trees:
            tree["connections"]["net"]["tcp"] = "always"
        return trees


class StrongSwanPair(Ipsec):
    key, title, cipher = "strongswan", "strongSwan", "AES-128-GCM"

    @staticmethod
    def fetch(say):
        peers.fetch_strongswan(say)

    def make(self, node, directory, name):
        return StrongSwan(node, directory, name)

    def version(self):
        return peers.strongswan_version()

    def details(self):
        found = {name: by for section in self.gateways[0].algorithms().values() for name, by in section.items()}
        return served({name: found.get(name, "nobody") for name, _ in SERVED})


class Foreign(Peer):
    """A peer whose two daemons are plain programs."""

    running = ()

    def launch(self, argv, env=None):
        """argv(side) gives the command line of gateway "a" and "b"."""
        self.stop()
        self.running = [self.net["g" + s].start(argv(s), f"{self.dir}/{s}.log", env) for s in "ab"]

    def processes(self):
        return list(self.running)

    def stop(self):
        for p in self.running:
            p.stop()
        self.running = ()

    def died(self):
        return next((p.text()[-300:] for p in self.running if not p.is_running()), "")


class WireguardGo(Foreign):
    cipher = "ChaCha20-Poly1305"
    release = None

    @classmethod
    def fetch(cls, say):
        peers.fetch(cls.key, ["wireguard-go"], cls.release, say)
        peers.fetch("wireguard-tools", ["wireguard-tools"], None, say)

    def version(self):
        return peers.package_version(self.key, "wireguard-go")

    def wg(self, *argv, stdin=None):
        p = subprocess.run([peers.CACHE + "/wireguard-tools/usr/bin/wg", *argv], input=stdin, capture_output=True, text=True)
        if p.returncode:
            raise LabError(f"wg {argv[0]}: {p.stderr.strip()}")
        return p.stdout.strip()

    def start(self, suite=None, encap=True):
        device = {s: f"{self.key}{s}{os.getpid()}"[-15:] for s in "ab"}  # its socket's name is not per namespace
        self.launch(lambda s: [f"{peers.CACHE}/{self.key}/usr/bin/wireguard-go", "-f", device[s]],
                    {"WG_PROCESS_FOREGROUND": "1", "LOG_LEVEL": "error"})
        keys = {s: self.wg("genkey") for s in "ab"}
        for s, it, nets, far in (("a", "b", topology.NET[4][1], topology.B4), ("b", "a", topology.NET[4][0], topology.A4)):
            control = f"/var/run/wireguard/{device[s]}.sock"
            wait_for(f"{self.title} to open its control socket", lambda: self.died() or os.path.exists(control), 10)
            secret = os.path.join(self.dir, s + ".key")
            with open(secret, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.write(keys[s])
            self.wg("set", device[s], "private-key", secret, "listen-port", "51820", "peer",
                    self.wg("pubkey", stdin=keys[it]), "allowed-ips", nets, "endpoint", far + ":51820")
            node = self.net["g" + s]
            node.ip("link", "set", device[s], "mtu", "1420", "up")
            node.ip("route", "replace", nets, "dev", device[s])
        self.wait_for_ping()


class Wireguard12(WireguardGo):
    key, title = "wg12", "wireguard-go, Debian 12"


class Wireguard13(WireguardGo):
    key, title, release = "wg13", "wireguard-go, Debian 13", "trixie"


class OpenVpn(Foreign):
    key, title, cipher = "openvpn", "OpenVPN", "AES-128-GCM"

    @classmethod
    def fetch(cls, say):
        peers.fetch(cls.key, peers.OPENVPN, None, say)

    def version(self):
        return peers.package_version(self.key, "openvpn")

    def certificates(self):
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        ca = ["-CA", self.dir + "/ca.crt", "-CAkey", self.dir + "/ca.key"]
        for name, signed in (("ca", ["-x509"]), ("a", ["-x509", *ca]), ("b", ["-x509", *ca])):
            p = subprocess.run(["openssl", "req", *curve, *signed, "-keyout", f"{self.dir}/{name}.key", "-out",
                                f"{self.dir}/{name}.crt", "-subj", f"/CN={name}", "-days", "30"], capture_output=True, text=True)
            if p.returncode:
                raise LabError(f"openssl req: {p.stderr.strip()[-300:]}")

    def argv(self, s):
        me, it = topology.OUTER[4] if s == "a" else reversed(topology.OUTER[4])
        inner = ("10.8.0.1", "10.8.0.2")
        return [peers.CACHE + "/openvpn/usr/sbin/openvpn", "--dev-type", "tun", "--dev", "ovpn", "--proto", "udp", "--port", "1194",
                "--data-ciphers", "AES-128-GCM", "--cipher", "AES-128-GCM", "--disable-dco", "--dh", "none", "--verb", "1",
                "--ca", self.dir + "/ca.crt", "--cert", f"{self.dir}/{s}.crt", "--key", f"{self.dir}/{s}.key",
                "--tun-mtu", "1420", "--sndbuf", "1048576", "--rcvbuf", "1048576", "--txqueuelen", "1000",
                "--tls-server" if s == "a" else "--tls-client", "--local", me, "--remote", it,
                "--ifconfig", *(inner if s == "a" else reversed(inner))]

    def start(self, suite=None, encap=True):
        self.certificates()
        folders = glob.glob(peers.CACHE + "/openvpn/lib/*-linux-gnu") + glob.glob(peers.CACHE + "/openvpn/usr/lib/*-linux-gnu")
        self.launch(self.argv, {"LD_LIBRARY_PATH": ":".join(folders)})
        for s, nets in (("a", topology.NET[4][1]), ("b", topology.NET[4][0])):
            node = self.net["g" + s]
            wait_for("OpenVPN to open its device", lambda: self.died() or "state" in node.ip("link", "show", "ovpn", check=False), 15)
            if self.died():
                raise LabError(f"OpenVPN ended: {self.died()}")
            wait_for("OpenVPN to set its address", lambda: "10.8.0." in node.ip("addr", "show", "ovpn", check=False), 15)
            node.ip("route", "replace", nets, "dev", "ovpn")
        self.wait_for_ping()


ALL = [Plain, KeywayPair, StrongSwanPair, OpenVpn, Wireguard12, Wireguard13]
ONLY_WHEN_NAMED = [KeywayInTcp]
