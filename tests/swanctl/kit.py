# SPDX-License-Identifier: Apache-2.0
"""What the tests of swanctl share: running ours and strongSwan's own, 5.9.8, 6.0.1 and, for what came later, 6.1 (Debian's
packages, unpacked and never installed; they find their libraries in private mounts, so this wants root), and what of their
output is not compared."""
import difflib
import glob
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import tty
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.environ.get("KEYWAY_BIN", os.path.join(ROOT, "build", "dev", "bin"))
sys.path.insert(0, os.path.join(ROOT, "tests", "interop"))

import peers  # noqa: E402

# The plugins that read certificates and keys, in the order that both versions prefer when nothing is said.
OLD_PLUGINS = "aes sha2 sha1 md5 random nonce x509 pubkey pkcs1 pkcs7 pkcs12 rc2 dnskey sshkey pem openssl pkcs8"
NEW_PLUGINS = "random nonce x509 pubkey pkcs1 pkcs7 dnskey sshkey pem openssl pkcs8"
MOUNT = 'mount --bind "$0/usr/lib/ipsec" /usr/lib/ipsec && loader=$1 && shift && '
OLD = MOUNT + 'exec "$0/usr/sbin/swanctl" "$@"'
NEW = (MOUNT + 'exec "$loader" --library-path "$(dirname "$loader"):/usr/lib/ipsec" "$0/usr/sbin/swanctl" "$@"')


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out.decode("latin1"), err.decode("latin1")

    def __eq__(self, other):
        return (self.code, self.out, self.err) == (other.code, other.out, other.err)

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Program:
    """One of them. settings: what its strongswan.conf says."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        plugins = {"5.9.8": OLD_PLUGINS, "6.0.1": NEW_PLUGINS, "6.1": NEW_PLUGINS}.get(name)
        self.conf = os.path.join(folder, f"strongswan-{name}.conf")
        with open(self.conf, "w") as f:
            f.write(f"swanctl {{\n  load = {plugins}\n}}\n" if plugins else "")

    def command(self, *argv):
        if self.name == "ours":
            return [BIN + "/swanctl", *argv]
        root = {"5.9.8": peers.fetch_strongswan, "6.0.1": peers.fetch_new_swanctl,
                "6.1": lambda: peers.fetch_testing_strongswan()[0]}[self.name]()
        loader = next(iter(glob.glob(root + "/usr/lib/*/ld-linux*.so.*")), "-")
        return ["unshare", "-m", "--propagation", "private", "sh", "-c", OLD if self.name == "5.9.8" else NEW, root, loader, *argv]

    def environment(self, env=None):
        return {**os.environ, "LC_ALL": "C", "TZ": "Europe/Zurich", "STRONGSWAN_CONF": self.conf,
                "KEYWAY_RUN": self.folder, **(env or {})}

    def run(self, *argv, stdin=b"", env=None):
        p = subprocess.run(self.command(*argv), cwd=self.folder, input=stdin, capture_output=True, timeout=60,
                           check=False, env=self.environment(env))
        return Result(p.returncode, p.stdout, p.stderr)

    def told(self, player, probe, news, end, *argv):
        """What a program that runs until a signal ends it says of news. Who listens may not hear yet when it has registered: it
        is told a probe until it says something. end: what it says last; then comes SIGTERM."""
        player.begin()
        ours, theirs = pty.openpty()  # a terminal, so that each line comes at once
        tty.setraw(theirs)
        p = subprocess.Popen(self.command(*argv), cwd=self.folder, stdout=theirs, stderr=subprocess.PIPE, env=self.environment())
        out, limit, is_told = b"", time.monotonic() + 30, False
        while end not in out and time.monotonic() < limit:
            if out and not is_told:
                player.tell(news)
                is_told = True
            elif not out:
                player.tell(probe)
            if select.select([ours], [], [], 0.1)[0]:
                out += os.read(ours, 65536)
        time.sleep(0.2)  # it may have printed all before it waits for signals
        p.send_signal(signal.SIGTERM)
        _, err = p.communicate(timeout=20)
        while select.select([ours], [], [], 0)[0]:
            out += os.read(ours, 65536)
        os.close(theirs)
        os.close(ours)
        return Result(p.returncode, out, err)


def plain(result):
    """Without what names the program itself: its banner, its plugins, and how it was called."""
    def of(text):
        text = re.sub(r"^(strongSwan|Keyway) [0-9][0-9.]* swanctl$", "BANNER", text, flags=re.M)
        text = re.sub(r"^loaded plugins: [a-z0-9 -]*\nusage:$", "loaded plugins: PLUGINS\nusage:", text, flags=re.M)
        return re.sub(r"^/\S*/swanctl: ", "swanctl: ", text, flags=re.M)
    return Result(result.code, of(result.out).encode("latin1"), of(result.err).encode("latin1"))


def difference(theirs, ours, name):
    lines = difflib.unified_diff(repr(theirs).splitlines(), repr(ours).splitlines(), name, "ours", lineterm="", n=2)
    return "\n".join(line[:300] for line in lines)


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="keyway-swanctl-")
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name
        self.ours, self.old, self.new = (Program(n, self.folder) for n in ("ours", "5.9.8", "6.0.1"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def alike(self, ours, new, old, what, old_differs=False):
        """Ours is 6.0.1's, byte for byte; and so is 5.9.8's, unless it is known to differ."""
        ours, new, old = plain(ours), plain(new), plain(old)
        if ours != new:
            self.fail(f"{what}: {difference(new, ours, '6.0.1')}")
        if old_differs and old == new:
            self.fail(f"{what}: 5.9.8 does not differ")
        if not old_differs and ours != old:
            self.fail(f"{what}: {difference(old, ours, '5.9.8')}")
        return ours

    def all_alike(self, *argv, old_differs=False, **how):
        results = [p.run(*argv, **how) for p in (self.ours, self.new, self.old)]
        return self.alike(*results, " ".join(argv), old_differs)


def main():
    """Runs the tests of the calling file; the last line counts them as ./dev test reads it."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    bad = result.failures + result.errors + result.skipped  # what was not run is not passed
    sys.stderr.flush()
    names = {getattr(test, "test_case", test).id().removeprefix("__main__.") for test, _ in bad}
    for test, trace in bad:
        print(f"FAIL {test.id().removeprefix('__main__.')}: {trace.strip().splitlines()[-1]}")
    print(f"{result.testsRun - len(names)} passed, {len(names)} failed")
    sys.exit(1 if bad or not result.testsRun else 0)
