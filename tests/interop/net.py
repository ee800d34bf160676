# SPDX-License-Identifier: Apache-2.0
"""Networks as data: namespaces, links between them, addresses, routes; and processes that live in them.

Every namespace carries the run's prefix, so that runs do not meet; close() ends the processes that this run
started, by pid, and removes its namespaces. Nothing touches the machine's own network.
"""
import atexit
import os
import signal
import subprocess
import sys
import time

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"
os.environ["PATH"] = PATH

# A processor in software takes several times as long for all that is waited for: see qemu/host.py.
PATIENCE = 3 if "KWLAB_KERNEL" in os.environ else 1


class LabError(Exception):
    """The lab itself, or what it tests, did not do what the test demands."""


def sh(*argv, check=True, timeout=60, **kw):
    """Runs a command to its end; returns its output (both streams)."""
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                       stdin=subprocess.DEVNULL, timeout=timeout, **kw)
    if check and p.returncode:
        raise LabError(f"{' '.join(argv)}: exit {p.returncode}: {p.stdout.strip()[-2000:]}")
    return p.stdout


def wait_for(what, predicate, seconds, step=0.02):
    """Polls until predicate() is true and returns its value; raises with `what` when time is up."""
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"waited {seconds} s for {what}")
        time.sleep(step)


class Process:
    """A started program: its output goes to a file; it is ended by pid and never by name."""

    def __init__(self, argv, out, env=None, stdin=subprocess.DEVNULL):
        self.argv, self.out_path = argv, out
        self.out = open(out, "ab")
        self.popen = subprocess.Popen(argv, stdout=self.out, stderr=subprocess.STDOUT, stdin=stdin,
                                      env={**os.environ, **(env or {})}, start_new_session=True)

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen.poll() is None

    def stop(self, sig=signal.SIGTERM, seconds=5):
        """Asks, waits, then kills. Returns the exit status."""
        if self.is_running():
            self.popen.send_signal(sig)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        status = self.popen.wait()
        self.out.close()
        return status

    def wait(self, seconds):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise LabError(f"{' '.join(self.argv)}: not done after {seconds} s") from None

    def text(self):
        with open(self.out_path, errors="replace") as f:
            return f.read()


class Node:
    """One namespace."""

    def __init__(self, net, name):
        self.net, self.name, self.ns = net, name, f"{net.prefix}{name}"

    def argv(self, *argv):
        return ["ip", "netns", "exec", self.ns, *argv]

    def sh(self, *argv, **kw):
        return sh(*self.argv(*argv), **kw)

    def run(self, *argv, timeout=60, env=None):
        """Like sh() but gives (exit status, stdout, stderr)."""
        p = subprocess.run(self.argv(*argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           errors="replace", stdin=subprocess.DEVNULL, timeout=timeout,
                           env={**os.environ, **(env or {})})
        return p.returncode, p.stdout, p.stderr

    def start(self, argv, out, env=None, stdin=subprocess.DEVNULL):
        p = Process(self.argv(*argv), out, env, stdin)
        self.net.processes.append(p)
        return p

    def ip(self, *argv, check=True):
        return sh("ip", "-n", self.ns, *argv, check=check)

    def batch(self, lines):
        """Lines for ip, all at once: who watches what changes does not see half of it."""
        p = subprocess.run(["ip", "-n", self.ns, "-batch", "-"], input="\n".join(lines) + "\n", text=True, capture_output=True)
        if p.returncode:
            raise LabError(f"ip -batch in {self.name}: {p.stderr}")

    def write(self, path, text):
        self.sh("sh", "-c", f"echo {text} > {path}")


class Net:
    """Nodes and what connects them. topology: {"nodes": {name: {"router": bool, "bridge": (devices)}}, "links": [((node, device,
    [addresses]), (node, device, [addresses]))], "routes": [(node, destination, via)]}."""

    def __init__(self, topology, tag=""):
        self.prefix = f"kwlab{os.getpid()}{tag}-"
        self.processes, self.nodes = [], {}
        self.is_closed = False
        atexit.register(self.close)
        batch = {}
        for name, attributes in topology["nodes"].items():
            node = self.nodes[name] = Node(self, name)
            sh("ip", "netns", "add", node.ns)
            batch[name] = ["link set lo up"]
            if "bridge" in attributes:
                batch[name] += ["link add br0 type bridge mcast_snooping 0", "link set br0 up"]
            self._sysctl(node, attributes)
        for (n0, d0, a0), (n1, d1, a1) in topology["links"]:
            sh("ip", "link", "add", d0, "netns", self.nodes[n0].ns, "type", "veth", "peer", "name", d1,
               "netns", self.nodes[n1].ns)
            for n, d, addresses in ((n0, d0, a0), (n1, d1, a1)):
                for a in addresses:
                    batch[n].append(f"addr add {a} dev {d}" + (" nodad" if ":" in a else ""))
                batch[n].append(f"link set {d} up mtu 1500")
        for name, attributes in topology["nodes"].items():
            batch[name] += [f"link set {d} master br0" for d in attributes.get("bridge", ())]
        for n, dst, via in topology.get("routes", []):
            if dst == "default":
                dst = "::/0" if ":" in via else "0.0.0.0/0"
            batch[n].append(f"route add {dst} via {via}")
        for n, lines in batch.items():
            self.nodes[n].batch(lines)

    @staticmethod
    def _sysctl(node, attributes):
        settings = ["net/ipv4/conf/all/rp_filter 0", "net/ipv4/conf/default/rp_filter 0",
                    "net/ipv6/conf/all/accept_dad 0", "net/ipv6/conf/default/accept_dad 0",
                    "net/ipv6/conf/default/router_solicitations 0", "net/ipv4/ping_group_range '0 65535'"]
        if "bridge" in attributes:
            settings += ["net/ipv6/conf/all/disable_ipv6 1", "net/ipv6/conf/default/disable_ipv6 1"]
        if attributes.get("router"):
            settings += ["net/ipv4/ip_forward 1", "net/ipv6/conf/all/forwarding 1"]
        script = "; ".join(f"echo {s.split(' ', 1)[1].strip(chr(39))} > /proc/sys/{s.split(' ', 1)[0]}"
                           for s in settings)
        node.sh("sh", "-c", script, check=False)

    def __getitem__(self, name):
        return self.nodes[name]

    def close(self):
        if self.is_closed:
            return
        self.is_closed = True
        for p in reversed(self.processes):
            if p.is_running():
                p.stop(seconds=2)
        for node in self.nodes.values():
            subprocess.run(["ip", "netns", "del", node.ns], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end_on_signals():
    """Ctrl-C and TERM end the run through the normal exit path, so that namespaces go away."""
    def handler(number, _frame):
        sys.exit(128 + number)
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, handler)
