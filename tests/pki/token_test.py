#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pki with keys on a token: SoftHSM, named in strongswan.conf for ours and for strongSwan's own pki 5.9.8, whose pkcs11 plugin
serves RSA and ECDSA. What is made is verified by openssl, which knows nothing of the token."""
import glob
import os
import pty
import re
import shutil
import tempfile

import kit

PIN = "648219"
KEYS = {"rsa": ("a1", ["-algorithm", "rsa"]), "ec": ("b2", ["-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]),
        "ed": ("c3", ["-algorithm", "ed25519"])}
CONF = ("libstrongswan {\n  plugins {\n    pkcs11 {\n      modules {\n        soft {\n          path = %s\n        }\n      }\n    }\n  }\n}\n"
        "pki {\n  load = sha2 sha1 random x509 pubkey pkcs1 pkcs8 pem gmp curve25519 pkcs11\n}\n")
# As in kit.py. Without a buffer, since with SoftHSM it crashes when it ends, after all is done.
REAL = kit.REAL.replace('exec "$0', 'exec stdbuf -o0 "$0')


class Token(kit.Case):
    @classmethod
    def setUpClass(cls):
        """A token with a key of each kind, and the certificate of one; nothing writes to it."""
        scratch = tempfile.TemporaryDirectory(prefix="keyway-pki-token-")
        cls.addClassCleanup(scratch.cleanup)
        cls.made = cls.folder = scratch.name
        self = cls()
        root = kit.peers.fetch_softhsm()
        cls.module = root + "/usr/lib/softhsm/libsofthsm2.so"
        os.mkdir(self.path("tokens"))
        self.write("softhsm2.conf", f"directories.tokendir = {cls.folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.write("strongswan.conf", CONF % cls.module)
        cls.env = {"SOFTHSM2_CONF": self.path("softhsm2.conf"), "STRONGSWAN_CONF": self.path("strongswan.conf")}
        libraries = os.path.dirname(glob.glob(root + "/usr/lib/*/libopensc.so.8")[0])

        def tool(program, *args):
            self.good(kit.run([root + "/usr/bin/" + program, "--module", cls.module, *args], cls.folder,
                              env={**cls.env, "LD_LIBRARY_PATH": libraries}), program)
        tool("softhsm2-util", "--init-token", "--free", "--label", "lab", "--so-pin", "12345678", "--pin", PIN)
        for name, (handle, kind) in KEYS.items():
            self.openssl("genpkey", *kind, "-out", name + ".key")
            tool("softhsm2-util", "--import", name + ".key", "--token", "lab", "--label", name, "--id", handle, "--pin", PIN)
        self.openssl("req", "-x509", "-key", "rsa.key", "-subj", "/O=Keyway/CN=Token CA", "-days", "30", "-outform", "DER", "-out", "ca.der")
        tool("pkcs11-tool", "--login", "--pin", PIN, "--write-object", "ca.der", "--type", "cert", "--id", "a1", "--label", "cert")

    def setUp(self):
        super().setUp()
        for name in glob.glob("*.*", root_dir=self.made):
            shutil.copy(os.path.join(self.made, name), self.folder)

    def try_token(self, *args, pin=PIN, env=None):
        """Without a terminal the PIN comes from stdin."""
        result = kit.run(["setsid", "-w", os.path.join(kit.BIN, "pki"), *args], self.folder, (pin + "\n").encode(), {**self.env, **(env or {})})
        self.assertNotIn(PIN, result.err)
        return result

    def token(self, *args, to=None):
        out = self.good(self.try_token(*args), " ".join(args)).out
        if to:
            self.write(to, out)
        return out

    def real(self, *args, to=None):
        command = ["setsid", "-w", "unshare", "-m", "--propagation", "private", "sh", "-c", REAL, kit.peers.fetch_strongswan_pki(), *args]
        result = kit.run(command, self.folder, (PIN + "\n").encode(), self.env)
        self.assertNotEqual(result.out, b"", result.err)
        if to:
            self.write(to, result.out)
        return result.out

    def test_public_halves_are_those_of_the_keys(self):
        for name, (handle, _) in KEYS.items():
            want = self.openssl("pkey", "-in", name + ".key", "-pubout")
            self.assertEqual(self.token("--pub", "--keyid", handle, "--outform", "pem"), want)
            self.assertEqual(self.token("--pub", "--keyid", "0x" + handle.upper(), "--outform", "pem"), want)
        for handle in ("a1", "b2"):
            self.assertEqual(self.token("--pub", "--keyid", handle), self.real("--pub", "--keyid", handle))

    def test_what_is_shown_is_what_strongswan_shows(self):
        for args in (["--keyid", "--keyid", "a1"], ["--keyid", "--keyid", "b2"], ["--print", "--type", "priv", "--keyid", "a1"],
                     ["--print", "--type", "priv", "--keyid", "b2"], ["--print", "--keyid", "a1"]):
            self.assertEqual(self.token(*args).strip(), self.real(*args).strip())

    def test_openssl_verifies_what_the_token_signs(self):
        for name, (handle, _) in KEYS.items():
            for padding in ([], ["--rsa-padding", "pss", "--digest", "sha384"]) if name == "rsa" else ([],):
                by = ["--outform", "pem", *padding]
                self.token("--self", "--keyid", handle, "--dn", "O=Keyway, CN=CA", "--ca", *by, to="ca.pem")
                self.openssl("verify", "-check_ss_sig", "-CAfile", "ca.pem", "ca.pem")
                self.token("--req", "--keyid", handle, "--dn", "CN=moon", "--san", "moon.example", "--password", "x", *by, to="r.pem")
                self.openssl("req", "-in", "r.pem", "-verify", "-noout")
                ca = ["--cacert", "ca.pem", "--cakeyid", handle]
                self.token("--issue", "--type", "pkcs10", "--in", "r.pem", *ca, *by, to="leaf.pem")
                self.openssl("verify", "-CAfile", "ca.pem", "leaf.pem")
                self.token("--signcrl", *ca, "--reason", "key-compromise", "--cert", "leaf.pem", *by, to="ca.crl")
                told = kit.run(["openssl", "crl", "-in", "ca.crl", "-CAfile", "ca.pem", "-noout"], self.folder)
                self.assertIn("verify OK", told.err)
                revoked = kit.run(["openssl", "verify", "-crl_check", "-CRLfile", "ca.crl", "-CAfile", "ca.pem", "leaf.pem"], self.folder)
                self.assertIn("certificate revoked", revoked.err)
                self.token("--acert", "--in", "leaf.pem", "--group", "sales", "--issuercert", "ca.pem", "--issuerkeyid", handle, *by,
                           to="a.pem")
                self.assertIn(b"sales", self.ours("--print", "--type", "ac", "--in", "a.pem"))

    def test_certificates_are_those_that_strongswan_makes(self):
        for handle, kind in (("a1", "rsa"), ("b2", "ecdsa")):
            args = ["--self", "--keyid", handle, "--type", kind, "--dn", "C=CH, O=Keyway, CN=CA", "--ca", "--serial", "05"]
            self.token(*args, to="ours.der")
            self.real(*args, to="theirs.der")
            ours, theirs = (re.sub(rb"(?m)^ +not (before|after).*\n", b"", re.sub(rb"(?m)^.*validity.*\n", b"", self.ours("--print", "--in", n)))
                            for n in ("ours.der", "theirs.der"))
            self.assertEqual(ours, theirs)

    def on_terminal(self, pin, *args):
        """(exit code, what the terminal showed), with a PIN typed at the prompt."""
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(self.env)
            os.chdir(self.folder)
            os.execv(os.path.join(kit.BIN, "pki"), ["pki", *args])
        shown = b""
        while True:
            try:
                data = os.read(fd, 4096)
            except OSError:
                break
            if not data:
                break
            shown += data
            if data.endswith(b"PIN: "):
                os.write(fd, pin.encode() + b"\n")
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()

    def test_the_pin_is_asked_for_on_the_terminal_once(self):
        code, shown = self.on_terminal(PIN, "--pub", "--keyid", "a1", "--outform", "pem")
        self.assertEqual((code, shown.count("Smartcard PIN: "), shown.count(PIN)), (0, 1, 0), shown)
        self.assertIn("BEGIN PUBLIC KEY", shown)
        code, shown = self.on_terminal("999999", "--pub", "--keyid", "a1", "--outform", "pem")
        self.assertEqual((code, shown.count("Smartcard PIN: "), shown.count("999999")), (1, 1, 0), shown)
        self.assertIn("the PIN is wrong", shown)
        code, shown = self.on_terminal(PIN, "--pub", "--keyid", "ffff")  # a wrong one locks tokens
        self.assertEqual((code, shown.count("PIN:")), (1, 0), shown)
        code, shown = self.on_terminal(PIN, "--print", "--keyid", "a1")  # everybody may see a certificate
        self.assertEqual((code, shown.count("PIN")), (0, 0), shown)

    def test_what_is_not_there_is_refused_with_a_reason(self):
        self.refused(self.try_token("--pub", "--keyid", "ffff"), "none of the tokens shows an object with this handle")
        self.refused(self.try_token("--pub", "--keyid", "xyz"), "--keyid xyz is no handle of an object")
        self.refused(self.try_token("--pub", "--keyid", "a1", pin="1"), "the PIN is wrong")
        self.refused(self.try_token("--pub", "--keyid", "a1", "--type", "ecdsa"), "expected ecdsa; got rsa")
        self.refused(self.try_token("--print", "--keyid", "b2"), "no certificate with this handle")
        self.refused(self.try_token("--print", "--type", "crl", "--keyid", "a1"), "no crl is on tokens")
        self.refused(self.try_token("--self", "--keyid", "a1", "--dn", "CN=x", "--digest", "sha1"), "no signatures are made on tokens with sha1")
        self.refused(self.try_token("--signcrl", "--cakeyid", "b2", "--cacert", "ca.der"), "the private key is not that of the certificate")
        self.refused(self.try_token("--ocsp", "--respond", "--keyid", "a1"), "nothing on tokens is served here")
        self.write("none.conf", "")
        self.refused(self.try_token("--pub", "--keyid", "a1", env={"STRONGSWAN_CONF": self.path("none.conf")}), "there is no token")
        self.write("bad.conf", CONF % "/nowhere.so")
        self.refused(self.try_token("--pub", "--keyid", "a1", env={"STRONGSWAN_CONF": self.path("bad.conf")}), "/nowhere.so", "cannot be loaded")


if __name__ == "__main__":
    kit.main()
