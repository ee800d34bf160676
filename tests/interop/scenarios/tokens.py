# SPDX-License-Identifier: Apache-2.0
"""Keyway's private key on a token (PKCS#11: SoftHSM), of each kind, with the certificate from a file or from the token; a
wrong PIN, which is said once."""
import glob
import os
import shutil
import subprocess

import peers
from scenarios import scenario
from scenarios.steps import CB, LabError, bring_up, capture, dark, demand, must_ping, sides

PIN = "648219"
HANDLE = "a1b2"


class Token:
    """A fresh SoftHSM token with one private key, and its certificate beside it."""

    def __init__(self, lab, leaf):
        self.root = peers.fetch_softhsm()
        self.dir = os.path.join(lab.work, "token")
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir + "/tokens")
        conf = self.dir + "/softhsm2.conf"
        with open(conf, "w") as f:
            f.write(f"directories.tokendir = {self.dir}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        libraries = os.path.dirname(next(iter(glob.glob(self.root + "/usr/lib/*/libopensc.so.8"))))
        self.env = {"SOFTHSM2_CONF": conf}
        self.tools = {**os.environ, **self.env, "LD_LIBRARY_PATH": libraries}
        self.module = self.root + "/usr/lib/softhsm/libsofthsm2.so"
        util = self.root + "/usr/bin/softhsm2-util"
        self._run(util, "--module", self.module, "--init-token", "--free", "--label", "lab", "--so-pin", "12345678", "--pin", PIN)
        self._run(util, "--module", self.module, "--import", lab.certs.path(leaf + ".key"), "--token", "lab", "--label", "key",
                  "--id", HANDLE, "--pin", PIN)
        der = self.dir + "/cert.der"
        self._run("openssl", "x509", "-in", lab.certs.path(leaf + ".pem"), "-outform", "DER", "-out", der)
        self._run(self.root + "/usr/bin/pkcs11-tool", "--module", self.module, "--login", "--pin", PIN, "--write-object", der,
                  "--type", "cert", "--id", HANDLE, "--label", "cert")

    def _run(self, *argv):
        p = subprocess.run(argv, env=self.tools, capture_output=True, text=True, timeout=60)
        if p.returncode:
            raise LabError(f"{' '.join(argv[:4])}: {(p.stdout + p.stderr)[-500:]}")

    def section(self, pin=PIN):
        return {"token-lab": {"module": self.module, "handle": HANDLE, "pin": pin}}


def _trees(lab, kind, is_cert_there, pin=PIN):
    leaf = lab.certs.pair(kind)[0]
    token = Token(lab, leaf)
    (tree_a, files_a), b = sides(auth=kind, certs=lab.certs)
    files_a = {path: source for path, source in files_a.items() if not path.startswith("private/")}
    tree_a["secrets"] = token.section(pin)
    if is_cert_there:
        files_a = {path: source for path, source in files_a.items() if not path.startswith("x509/")}
        local = tree_a["connections"]["net"]["local"]
        local.pop("certs")
        local["cert-lab"] = {"module": token.module, "handle": HANDLE}
    lab.a.env = {**lab.a.env, **token.env}
    return (tree_a, files_a), b


def _up(lab, kind, role, is_cert_there):
    (tree_a, files_a), b = _trees(lab, kind, is_cert_there)
    capture(lab)
    lab.b.load(*b)
    lab.a.load(tree_a, files_a)
    bring_up(lab, role)
    must_ping(lab.net["ca"], CB)
    demand(PIN not in lab.a.log(), "the PIN is in the log")
    return f"{dark(lab)}"


def _register(kind, role, is_cert_there):
    name = f"token.{kind}.{role}" + (".cert-there" if is_cert_there else "")

    @scenario(name, needs_keyway=True)
    def run(lab):
        return _up(lab, kind, role, is_cert_there)


_register("rsa", "initiator", True)
_register("rsa", "responder", False)
_register("ecdsa", "initiator", False)
_register("ecdsa", "responder", True)
_register("ed25519", "initiator", False)


@scenario("token.wrong-pin", needs_keyway=True)
def wrong_pin(lab):
    (tree_a, files_a), _ = _trees(lab, "ecdsa", False, pin="000000")
    lab.a.write(tree_a, files_a)
    code, out, err = lab.a.cli("config", "check")
    text = out + err
    demand(code != 0 and "the PIN is wrong" in text, f"exit {code}: {text}")
    demand("000000" not in text, f"the PIN is shown: {text}")
    return text.strip().splitlines()[0]
