# SPDX-License-Identifier: Apache-2.0
"""What the tests of the pki tool share: running ours, openssl, and strongSwan's own pki 5.9.8 (Debian's package, unpacked
and never installed; it finds its libraries in private mounts, so this wants root), each in a scratch folder."""
import calendar
import glob
import os
import shlex
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.environ.get("KEYWAY_BIN", os.path.join(ROOT, "build", "dev", "bin"))
sys.path.insert(0, os.path.join(ROOT, "tests", "interop"))

import peers  # noqa: E402

REAL = ('mount --bind "$0/usr/lib/ipsec" /usr/lib/ipsec && '
        'export LD_LIBRARY_PATH=/usr/lib/ipsec && exec "$0/usr/bin/pki" "$@"')
# That of Debian 13. Its gcrypt plugin wants a libgcrypt of its own, and the pkcs11 and tpm plugins say more than is asked.
NEW = ('mount --bind "$0/usr/lib/ipsec" /usr/lib/ipsec && loader=$1 && shift && '
       'exec "$loader" --library-path "$(dirname "$loader"):/usr/lib/ipsec" "$0/usr/bin/pki" "$@"')
NEW_PLUGINS = ("aes des sha2 sha1 random x509 revocation constraints pubkey pkcs1 pkcs7 pkcs8 pem openssl gmp curve25519 hmac kdf "
               "drbg curl")


class Result:
    def __init__(self, p):
        self.code, self.out, self.err = p.returncode, p.stdout, p.stderr.decode(errors="replace")

    @property
    def text(self):
        return self.out.decode()


def run(command, folder, stdin=b"", env=None):
    p = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, timeout=300, check=False,
                       env={**os.environ, "LC_ALL": "C", "TZ": "UTC", **(env or {})})
    return Result(p)


def seconds(text):
    """Of openssl's "Jan  2 03:04:05 2030 GMT"."""
    return calendar.timegm(time.strptime(text, "%b %d %H:%M:%S %Y GMT"))


class Case(unittest.TestCase):
    """A test with a scratch folder of its own."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="keyway-pki-")
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return name

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def good(self, result, what):
        self.assertEqual(result.code, 0, f"{what}: exit {result.code}: {result.err}")
        return result

    def try_ours(self, *args, stdin=b"", program="pki"):
        return run([os.path.join(BIN, program), *args], self.folder, stdin)

    def ours(self, *args, stdin=b"", to=None):
        """stdout of our pki, which must succeed; written to a file when one is named."""
        out = self.good(self.try_ours(*args, stdin=stdin), "pki " + shlex.join(args)).out
        if to:
            self.write(to, out)
        return out

    def try_real(self, *args, stdin=b""):
        root = peers.fetch_strongswan_pki()
        self.write("strongswan.conf", "")
        command = ["unshare", "-m", "--propagation", "private", "sh", "-c", REAL, root, *args]
        return run(command, self.folder, stdin, {"STRONGSWAN_CONF": self.path("strongswan.conf")})

    def real(self, *args, stdin=b"", to=None):
        out = self.good(self.try_real(*args, stdin=stdin), "strongSwan's pki " + shlex.join(args)).out
        if to:
            self.write(to, out)
        return out

    def newer(self, *args, plugins=NEW_PLUGINS):
        """Command and environment of strongSwan's pki of Debian 13."""
        root = peers.fetch_new_strongswan_pki()
        self.write("new.conf", f"pki {{\n  load = {plugins}\n}}\n")
        loader = glob.glob(root + "/usr/lib/*/ld-linux*.so.*")[0]
        command = ["unshare", "-m", "--propagation", "private", "sh", "-c", NEW, root, loader, *args]
        return command, {"STRONGSWAN_CONF": self.path("new.conf")}

    def openssl(self, *args, stdin=b""):
        return self.good(run(["openssl", *args], self.folder, stdin), "openssl " + shlex.join(args)).out

    def refused(self, result, *words):
        """It said no as a program does that was told something wrong: exit 1, nothing on stdout, the reason on stderr."""
        self.assertEqual(result.code, 1, result.err)
        self.assertEqual(result.out, b"")
        self.assertNotIn("Sanitizer", result.err)
        for word in words:
            self.assertIn(word, result.err)


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
