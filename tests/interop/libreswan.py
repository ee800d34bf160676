# SPDX-License-Identifier: Apache-2.0
"""Libreswan as a gateway: Debian 13's pluto, run from where it is unpacked by its own C library, or Debian 12's. It has no userspace
ESP, so it runs in the guest. It reads its configuration when it starts; scripts of its own it runs none, since the
lab's routes are there already."""
import os
import re
import shutil

import peers
from gateways import Gateway
from net import LabError, wait_for

NAME = "net"
WHACK_SECONDS = 30


def sections(connections, setup=None):
    """ipsec.conf from {connection: {key: value}}."""
    lines = ["config setup", *(f"  {k}={v}" for k, v in (setup or {}).items())]
    for name, keys in connections.items():
        lines += [f"conn {name}", *(f"  {k}={v}" for k, v in keys.items())]
    return "\n".join(lines) + "\n"


class Libreswan(Gateway):
    kind = "Libreswan"

    def __init__(self, node, directory, name, fetch=peers.fetch_libreswan):
        super().__init__(node, directory, name)
        self.root, self.version = fetch()
        self.run, self.programs, self.nss = (os.path.join(directory, d) for d in ("run", "programs", "nss"))
        for d in (self.run, self.programs, self.nss):
            os.makedirs(d, exist_ok=True)
        self.log_path = os.path.join(directory, "pluto.log")
        libraries = self.root + "/usr/lib/x86_64-linux-gnu"
        own = libraries + "/ld-linux-x86-64.so.2"
        self.loader = [own if os.path.exists(own) else "/lib64/ld-linux-x86-64.so.2", "--library-path", libraries]
        with open(self.programs + "/addconn", "w") as f:  # pluto looks for it when it starts
            f.write(f"#!/bin/sh\nexec {' '.join(self.program('addconn'))} \"$@\"\n")
        os.chmod(f.name, 0o755)

    def program(self, name, folder=peers.LIBRESWAN_DIR):
        return [*self.loader, f"{self.root}{folder}/{name}"]

    def start(self, connections, secrets, setup=None, names=None):
        """connections, setup: see sections(). secrets: the text of ipsec.secrets. names: of the connections that are loaded, if
        not all are."""
        conf, keys = os.path.join(self.dir, "ipsec.conf"), os.path.join(self.dir, "ipsec.secrets")
        for path, text in ((conf, sections(connections, setup)), (keys, secrets)):
            with open(path, "w") as f:
                f.write(text)
        os.chmod(keys, 0o600)
        if not os.path.exists(self.nss + "/cert9.db"):
            self.make_database()
        pluto = self.program("pluto") + ["--nofork", "--config", conf, "--secretsfile", keys, "--nssdir", self.nss, "--rundir",
                                         self.run, "--ipsecdir", self.dir, "--logfile", self.log_path, "--no-dnssec"]
        self.begun = self.log_mark()
        script = f"mount --bind {self.programs} {peers.LIBRESWAN_DIR} && exec {' '.join(pluto)}"
        self.process = self.node.start(["sh", "-c", script], self.output)
        wait_for(f"{self.name} (pluto) to open its control socket", self._is_open, 20)
        for name in names or connections:
            self.must(*self.program("addconn"), "--config", conf, "--ctlsocket", self.run + "/pluto.ctl", name)

    def make_database(self):
        """Of NSS. One that is there, of a former row in the same folder, certutil -N would ask about for ever."""
        shutil.rmtree(self.nss)
        os.makedirs(self.nss)
        self.must(*self.program("certutil", "/usr/bin"), "-N", "-d", "sql:" + self.nss, "--empty-password")

    def _is_open(self):
        if not self.is_running():
            raise LabError(f"pluto ended: {self.process.text()[-300:]} {self.log()[-700:]}")
        # Its kernel backend comes up after the socket. What a former one of the same folder wrote says nothing.
        return os.path.exists(self.run + "/pluto.ctl") and "listening for IKE messages" in self.log_since(self.begun)

    def must(self, *argv):
        code, out, err = self.node.run(*argv)
        if code:
            raise LabError(f"{os.path.basename(argv[3])}: exit {code}: {(out + err)[-500:]}")
        return out

    def whack(self, *argv, seconds=WHACK_SECONDS):
        code, out, err = self.node.run(*self.program("whack"), "--rundir", self.run, *argv, timeout=seconds)
        return code, out + err

    def initiate(self, connection=NAME, child=None, seconds=WHACK_SECONDS):
        return self.whack("--name", connection, "--initiate", seconds=seconds)

    def terminate(self, ike=NAME, child=None):
        return self.whack("--name", ike, "--terminate")

    def rekey(self, ike=None, child=None):
        code, text = self.whack("--name", ike or child, "--rekey-ike" if ike else "--rekey-child")
        if code:
            raise LabError(f"Libreswan did not rekey: exit {code}: {text[-300:]}")

    def traffic(self):
        """[(bytes in, bytes out)] of its children."""
        code, text = self.whack("--trafficstatus")
        return [(int(i), int(o)) for i, o in re.findall(r"inBytes=(\d+), outBytes=(\d+)", text)]

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""
