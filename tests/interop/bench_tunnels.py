# SPDX-License-Identifier: Apache-2.0
"""Many tunnels between two Keyways: real IKE SAs that gateway A initiates, one for each pair of host addresses.

Tunnel i protects 10.16.0.0 + i (client A) and 10.32.0.0 + i (client B), with identities of its own. The clients
answer for all those addresses. Liveness is off (dpd_delay = 0): the figures are what installed tunnels cost.
"""
import ipaddress
import time

import bench_measure as measure
import topology
from bench_peers import IKE, KeywayPair
from net import LabError, wait_for
from rows import PSK, ping

BASE = {"a": ipaddress.ip_address("10.16.0.0"), "b": ipaddress.ip_address("10.32.0.0")}
NETS = {"a": "10.16.0.0/16", "b": "10.32.0.0/16"}
# All peers have one address here, as behind one NAT: what protects against that would hold them up.
FROM_ONE_ADDRESS = {"block_threshold": "0", "cookie_threshold": "0", "init_limit_half_open": "0", "half_open_timeout": "300s"}
FIRST = 1  # the first tunnel's step from BASE: .0.0 is nobody's address


def path(i=0):
    """For the traffic tool: stream k takes tunnel i + k."""
    return f"{BASE['a'] + FIRST + i}-{BASE['b'] + FIRST + i}"


class Tunnels(KeywayPair):
    """count of them. seconds: how long loading and bringing up may each take."""

    def __init__(self, work, count, seconds):
        self.count, self.seconds = count, seconds
        self.key, self.title = f"t{count}", f"Keyway, {count:,} tunnels"
        self.took = {}
        super().__init__(work)
        for client, gateway, s, device, via in (("ca", "ga", "a", "a1", "10.1.0.2"), ("cb", "gb", "b", "b1", "10.2.0.2")):
            self.net[client].ip("route", "add", "local", NETS[s], "dev", "lo")
            self.net[gateway].ip("route", "add", NETS[s], "via", via, "dev", device)

    def tree(self, s):
        it = "b" if s == "a" else "a"
        addresses = {"a": topology.A4, "b": topology.B4}
        connections = {}
        for i in range(self.count):
            child = {"local_ts": f"{BASE[s] + FIRST + i}/32", "remote_ts": f"{BASE[it] + FIRST + i}/32",
                     "esp_proposals": "aes128gcm16"}
            if s == "a":
                child["start_action"] = "start"
            connections[f"t{i}"] = {
                "version": 2, "local_addrs": addresses[s], "remote_addrs": addresses[it], "proposals": IKE, "encap": True,
                "dpd_delay": "0s", "local": {"auth": "psk", "id": f"t{i}.{s}"}, "remote": {"auth": "psk", "id": f"t{i}.{it}"},
                "children": {"net": child}}
        return {"connections": connections, "secrets": {"ike-all": {"secret": PSK}}}

    def up(self):
        """How many IKE SAs both gateways have; 0 while one is too busy to answer or any is still coming up."""
        found = []
        for g in self.gateways:
            try:
                with g.vici(5) as v:
                    ikesas = v.request("stats").get("ikesas", {})
            except OSError:
                return 0
            found.append(0 if int(ikesas.get("half-open", 0)) else int(ikesas.get("total", 0)))
        return min(found)

    def established(self):
        """For the report of a failure: how many lines of gateway A's log say so."""
        return self.gateways[0].log().count(": IKE SA ") if self.gateways else 0

    def start(self, suite=None, encap=True):
        self.stop()
        self.gateways = [self.make(self.net["g" + s], f"{self.dir}/g{s}", f"gateway {s.upper()}") for s in "ab"]
        begun = time.monotonic()
        for g, s in reversed(list(zip(self.gateways, "ab"))):  # the responder first
            g.settings, g.patience = dict(FROM_ONE_ADDRESS), self.seconds
            g.write(self.tree(s))
            begun = time.monotonic()
            g.start()
        self.took["load"] = time.monotonic() - begun
        begun = time.monotonic()
        try:
            wait_for("the tunnels", lambda: not self.is_alive() or self.up() >= self.count, self.seconds, 0.2)
        except LabError:
            raise LabError(f"{self.established():,} of {self.count:,} tunnels were up after {self.seconds:.0f} s") from None
        measure.alive(self)
        self.took["up"] = time.monotonic() - begun
        for i in (0, self.count - 1):
            wait_for(f"a ping through tunnel {i}", lambda: self.ping(i), 10, 0.2)

    def stop(self):
        """At once: taking ten thousand tunnels down in order is not what is measured."""
        for g in self.gateways:
            g.kill()
        self.gateways = ()

    def ping(self, i):
        return ping(self.net["ca"], str(BASE["b"] + FIRST + i), 1, seconds=1, source=str(BASE["a"] + FIRST + i))[0] == 0

    def rss(self):
        """KiB of each gateway's daemon."""
        out = []
        for p in self.processes():
            with open(f"/proc/{p.pid}/status") as f:
                out.append(next(int(line.split()[1]) for line in f if line.startswith("VmRSS:")))
        return out

    def rate(self, busy, seconds):
        """A TCP stream in each of the first `busy` tunnels."""
        return measure.tcp(self, busy, seconds, path())
