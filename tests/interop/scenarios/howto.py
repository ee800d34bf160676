# SPDX-License-Identifier: Apache-2.0
"""Procedures as texts for administrators print them, command by command, on hosts of their own: each end has its /etc,
/run/keyway and /var/lib in a mount namespace, so that the commands are the printed ones, without an option more."""
import os
import re
import shlex

import pcap
from gateways import REPO, default_bindir
from net import LabError, wait_for
from rows import PYTHON
from scenarios import scenario
from scenarios.steps import capture, demand, ping
from transfer import MARKER

WEST, EAST = "192.1.2.23", "192.1.2.45"


class Host:
    """One end. type() runs a line as root's shell would."""

    def __init__(self, lab, node, name, address, dataplane=None):
        self.node, self.dir, self.address = lab.net[node], os.path.join(lab.work, name), address
        self.places = {"/etc": "etc", "/run/keyway": "run", "/var/lib": "lib"}
        for folder in (*self.places.values(), "etc/ipsec.d", "lib/ipsec/nss", "sbin", "systemctl"):
            os.makedirs(os.path.join(self.dir, folder), exist_ok=True)
        if dataplane:
            os.makedirs(self.dir + "/etc/keyway", exist_ok=True)
            self.write("etc/keyway/keyway.conf", f"keyway {{\n  dataplane = {dataplane}\n}}\n")
        with open(self.dir + "/sbin/systemctl", "w") as f:
            f.write(f"#!/bin/sh\nexec {PYTHON} {REPO}/tests/interop/systemctl.py \"$@\"\n")
        os.chmod(f.name, 0o755)
        self.env = {"PATH": f"{self.dir}/sbin:{default_bindir()}:{os.environ['PATH']}", "KEYWAY_BIN": default_bindir(),
                    "SYSTEMCTL_STATE": self.dir + "/systemctl", "SYSTEMCTL_UNITS": REPO + "/packaging/systemd",
                    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0"}
        device = next(line.split()[1].split("@")[0].rstrip(":") for line in
                      self.node.sh("ip", "-o", "link").splitlines() if re.search(r": w\d", line))
        self.node.ip("addr", "replace", address + "/24", "dev", device)

    def attempt(self, line):
        """(exit code, stdout, stderr)"""
        os.makedirs("/run/keyway", exist_ok=True)  # the mount point
        mounts = " && ".join(f"mount --bind {shlex.quote(self.dir)}/{d} {place}" for place, d in self.places.items())
        return self.node.run("sh", "-c", f"{mounts} && eval {shlex.quote(line)}", env=self.env, timeout=90)

    def type(self, line):
        """stdout and stderr, which the user sees as one."""
        code, out, err = self.attempt(line)
        demand(code == 0, f"{self.node.name}: {line}: exit {code}: {out[-700:]} {err[-700:]} | {self.journal()[-700:]}")
        return out + err

    def write(self, path, text):
        with open(os.path.join(self.dir, path), "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
            f.write(text)

    def journal(self):
        try:
            with open(self.dir + "/systemctl/journal", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def clear(self):
        """As a machine is before the text begins."""
        code, out, err = self.attempt("systemctl stop ipsec")
        for sign in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:"):
            demand(sign not in self.journal(), f"{sign} in the journal of {self.node.name}")
        demand(code == 0, f"systemctl stop: {out} {err}")
        self.node.ip("addr", "del", self.address + "/24", "dev", "w0" if self.node.name == "ga" else "w1", check=False)


class Hosts:
    """West and east, both Keyway: the lab's peer makes room."""

    def __init__(self, lab, mark=""):
        lab.b.stop()
        self.west, self.east = Host(lab, "ga", "west" + mark, WEST), Host(lab, "gb", "east" + mark, EAST)

    def __enter__(self):
        return self.west, self.east

    def __exit__(self, *_):
        errors = []
        for host in (self.west, self.east):
            try:
                host.clear()
            except LabError as e:
                errors.append(str(e))
        if errors:
            raise LabError("; ".join(errors))


def install(host):
    """What a package's installation leaves, and a key of former times in it."""
    host.type("ipsec initnss")
    host.type("ipsec newhostkey --keytype ecdsa")
    host.type("systemctl enable ipsec --now")
    # if you are re-installing
    host.type("systemctl stop ipsec")
    host.type("rm /var/lib/ipsec/nss/*db")
    host.type("ipsec initnss")
    host.type("systemctl enable ipsec --now")


def make_key(host, side, command):
    """The line of the configuration that showhostkey prints."""
    m = re.search(r"ipsec showhostkey --left --ckaid ([0-9a-f]{40})", host.type(command))
    demand(m, "newhostkey says no command that shows the key")
    out = host.type(f"ipsec showhostkey --{side} --ckaid {m[1]}")
    line = re.search(rf"^\s*{side}rsasigkey=0s\S+$", out, re.M)
    demand(line, f"showhostkey prints no {side}rsasigkey= line: {out[-400:]}")
    return line[0].strip()


def connection(left, right):
    return f"""conn mytunnel
    leftid=@west
    left={WEST}
    {left}
    rightid=@east
    right={EAST}
    {right}
    authby=rsasig
"""


def prepare(lab, west, east, more="", newhostkey="ipsec newhostkey"):
    """Steps 1 to 4 on both ends."""
    for host in (west, east):
        install(host)
    text = connection(make_key(west, "left", newhostkey), make_key(east, "right", newhostkey)) + more
    for host in (west, east):
        host.write("etc/ipsec.d/my_host-to-host.conf", text)
        host.type("systemctl restart ipsec")


TRAFFIC = re.compile(r'^006 #\d+: "mytunnel", type=ESP, add_time=\d+, inBytes=(\d+), outBytes=(\d+), maxBytes=2\^63B, '
                     r"id='@(west|east)'$", re.M)


def counted(host):
    """Whose pings trafficstatus has counted, three each way; or None. Both ends may have begun a tunnel at once."""
    lines = list(TRAFFIC.finditer(host.type("ipsec trafficstatus")))
    is_counted = all(sum(int(m[way]) for m in lines) >= 252 for way in (1, 2))
    return {m[3] for m in lines} if is_counted else None


def works(lab, west, east):
    """Pings, which both ends count, and nobody on the wire can read."""
    code, text = ping(west.node, EAST, count=3, seconds=5)
    demand(code == 0, f"no ping: {text[-200:]} {west.journal()[-600:]}")
    for host, peer in ((west, "east"), (east, "west")):
        ids = wait_for("trafficstatus to count the pings", lambda h=host: counted(h), 10, 0.1)
        demand(ids == {peer}, f"trafficstatus tells of {ids}")
    lab.capture.stop()
    verdict = pcap.judge(lab.capture.path, [], [MARKER])
    demand(verdict.esp >= 6, f"no ESP on the wire: {dict(verdict.kinds)}")
    demand(not verdict.plaintext, f"plaintext on the wire: {verdict.leaks[:2]}")
    return f"{verdict}"


@scenario("howto.host-to-host", needs_keyway=True)
def host_to_host(lab):
    """Raw RSA keys, a file for both ends, added and brought up by hand."""
    with Hosts(lab) as (west, east):
        prepare(lab, west, east)
        capture(lab)
        for host in (west, east):
            out = host.type("ipsec auto --add mytunnel")
            demand('002 "mytunnel": added IKEv2 connection' in out.splitlines(), f"auto --add: {out}")
        out = west.type("ipsec auto --up mytunnel")
        demand(re.search(r'^004 "mytunnel" #\d+: initiator established Child SA using #\d+; IPsec tunnel', out, re.M),
               f"auto --up: {out}")
        return works(lab, west, east)


@scenario("howto.host-to-host.auto-start", needs_keyway=True)
def auto_start(lab):
    """The last step: with auto=start the tunnel comes with the service; and auto --delete takes it away, --add brings it
    back."""
    with Hosts(lab) as (west, east):
        prepare(lab, west, east, "    auto=start\n", "ipsec newhostkey --bits 2192")  # which costs less
        capture(lab)
        wait_for("the tunnel to come by itself", lambda: TRAFFIC.search(west.type("ipsec trafficstatus")), 20, 0.2)
        said = works(lab, west, east)
        out = west.type("ipsec auto --delete mytunnel")
        demand('002 "mytunnel": terminating SAs using this connection' in out, f"auto --delete: {out}")
        code, out, _ = west.attempt("ipsec auto --up mytunnel")
        demand(code == 21 and '021 no connection named "mytunnel"' in out, f"auto --up of what is deleted: {code} {out}")
        west.type("ipsec auto --start mytunnel")
        demand(TRAFFIC.search(west.type("ipsec trafficstatus")), "auto --start did not bring it back")
        return said
