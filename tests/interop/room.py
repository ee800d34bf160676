# SPDX-License-Identifier: Apache-2.0
"""A room: mounts, a network and processes of its own for one daemon, and for what is asked of it. It takes a tenth of
a second to make one, and all that runs in it goes with it."""
import os
import signal
import subprocess

import peers
from net import LabError, wait_for

OWN = ("192.0.2.1/24", "2001:db8:0:1::1/64")  # of this machine, as a room's daemon sees it
HERE = ("ld.so.cache", "nsswitch.conf", "passwd", "group", "protocols", "services", "ssl/openssl.cnf")


def make_etc(folder):
    """What C libraries want of /etc, in a folder that will be it; no name server."""
    os.makedirs(folder + "/ssl", exist_ok=True)
    for name in HERE:
        if os.path.exists("/etc/" + name):
            with open("/etc/" + name, "rb") as f, open(f"{folder}/{name}", "wb") as to:
                to.write(f.read())
    with open(folder + "/hosts", "w") as f:
        f.write("127.0.0.1 localhost\n")
    open(folder + "/resolv.conf", "w").close()


class Room:
    """mounts: [(what, where)]. The command becomes the first process."""

    def __init__(self, command, mounts, output, env=None):
        lines = ["set -e", "mount --make-rprivate /", *(f"mount --bind {what} {where}" for what, where in mounts),
                 "mount -t proc proc /proc", "ip link set lo up", "ip link add room0 type veth peer name room1",
                 "ip link set room1 up", "ip link set room0 up",
                 *(f"ip addr add {a} dev room0{' nodad' if ':' in a else ''}" for a in OWN),
                 "ip route add default via 192.0.2.254", "ip -6 route add default via 2001:db8:0:1::fe dev room0",
                 f"exec {command}"]
        self.out_path = output
        with open(output, "ab") as out:
            self.outer = subprocess.Popen(
                ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", "\n".join(lines)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, env={**os.environ, **(env or {})})
        self.pid = wait_for("a room's first process", self._child, 5, 0.005)

    def _child(self):
        if self.outer.poll() is not None:
            raise LabError(f"a room ended at once: {self.text()[-1000:]}")
        with open(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children") as f:
            return f.read().strip()

    def is_running(self):
        return self.outer.poll() is None

    def text(self):
        with open(self.out_path, errors="replace") as f:
            return f.read()

    def run(self, *argv, env=None, timeout=20):
        """(exit status, stdout and stderr)"""
        p = subprocess.run(["nsenter", "-t", self.pid, "-m", "-n", "-p", *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout,
                           env={**os.environ, **(env or {})})
        return p.returncode, p.stdout

    def must_run(self, *argv, **kw):
        code, out = self.run(*argv, **kw)
        if code:
            raise LabError(f"{' '.join(argv)}: exit {code}: {out[-1000:]}")
        return out

    def close(self):
        if self.is_running():
            self.outer.send_signal(signal.SIGKILL)
        self.outer.wait()


def strongswan_mounts(root):
    return [(root + "/usr/lib/ipsec", peers.PLUGIN_DIR)]
