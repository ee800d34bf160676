#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`swanctl --list-certs` beside strongSwan's 6.0.1 and 5.9.8: certificates of each flag, attribute certificates, revocation
lists, OCSP responses and raw keys, in words, in short, in UTC, as PEM. See print_test.py for what is not compared.

A certificate that cannot be read: theirs say on stderr which of their parsers failed at what, ours says it in a line of its own."""
import subprocess
import unittest

import kit
import play
from play import Answer


class Certs(kit.Case):
    def pki(self, *argv, to):
        p = subprocess.run([kit.BIN + "/pki", *argv], cwd=self.folder, capture_output=True, check=True)
        self.write(to, p.stdout)

    def setUp(self):
        super().setUp()
        self.player = play.Player(self.path("vici"))
        self.addCleanup(self.player.close)
        days = ["--not-before", "01.01.24 00:00:00", "--not-after", "01.07.29 12:00:00"]  # their distance is in days for long
        for name, kind in (("ca", ["ecdsa", "--size", "256"]), ("a", ["ed25519"]), ("r", ["rsa", "--size", "2048"])):
            self.pki("--gen", "--type", *kind, to=name + ".key")
        self.pki("--self", "--type", "priv", "--in", "ca.key", "--dn", "C=CH, O=Lab, CN=ca", "--ca", *days, to="ca.der")
        for name in ("a", "r"):
            self.pki("--pub", "--type", "priv", "--in", name + ".key", to=name + ".pub")
            self.pki("--issue", "--type", "priv", "--in", name + ".key", "--cacert", "ca.der", "--cakey", "ca.key", "--dn",
                     f"C=CH, CN={name}", "--san", name + ".test", "--san", "10.0.0.1", "--flag", "serverAuth", "--flag",
                     "ikeIntermediate", "--crl", "http://x/crl", "--ocsp", "http://y/ocsp", *days, to=name + ".der")
        self.pki("--self", "--type", "priv", "--in", "ca.key", "--dn", "CN=rich", "--ca", "--pathlen", "3", "--san", "a@b.c",
                 "--nc-permitted", "dns:.foo.org", "--nc-excluded", "10.0.0.0/8", "--cert-policy", "1.2.3.4", "--cps-uri",
                 "http://cps", *days, to="rich.der")
        self.pki("--signcrl", "--cacert", "ca.der", "--cakey", "ca.key", "--reason", "superseded", "--cert", "r.der",
                 "--this-update", "01.01.24 00:00:00", "--next-update", "01.07.29 12:00:00", to="crl.der")
        self.pki("--acert", "--in", "a.der", "--issuercert", "ca.der", "--issuerkey", "ca.key", "--group", "foo", "--group", "bar",
                 *days, to="ac.der")

    def event(self, kind, flag, name, **more):
        return ("list-cert", {"type": kind, "flag": flag, **more, "data": self.read(name) if "." in name else name.encode()})

    def each(self, events, *argv, **how):
        self.player.begin({"list-certs": Answer({}, events)})
        return self.all_alike("--list-certs", *argv, "--uri", "unix://" + self.path("vici"), **how)

    def test_all_kinds(self):
        e = self.event
        mine = {"has_privkey": "yes"}
        events = [e("X509", "NONE", "a.der", **mine), e("X509", "NONE", "r.der"), e("X509", "CA", "ca.der"), e("X509", "AA", "ca.der"),
                  e("X509", "OCSP", "a.der"), e("X509", "NONE", "a.der"), e("X509_CRL", "NONE", "crl.der"),
                  e("X509_CRL", "NONE", "crl.der"), e("X509_AC", "NONE", "ac.der"), e("PUBKEY", "NONE", "r.pub", **mine),
                  e("PUBKEY", "NONE", "a.pub", subject="C=CH, CN=x", **{"not-before": "1700000000"}), e("x509", "ca", "ca.der")]
        for argv in ([], ["--short"], ["--utc"], ["-S", "-U"], ["--raw"], ["--pretty"]):
            said = self.each(events, *argv)
        self.assertIn("data = 0x30", said.out)
        self.each(events[:9], "--pem")

    def test_constraints_and_policies(self):
        for argv in ([], ["--short"]):  # 5.9.8 refuses such a certificate with one parser, and misses half of it with the other
            self.each([self.event("X509", "CA", "rich.der")], *argv, old_differs=not argv)

    def test_pem_of_keys_and_ocsp_responses(self):
        self.player.begin({"list-certs": Answer({}, [self.event("PUBKEY", "NONE", "r.pub")])})
        said = self.ours.run("--list-certs", "--pem", "--uri", "unix://" + self.path("vici"))
        key = subprocess.run(["openssl", "pkey", "-pubin", "-inform", "der", "-in", self.path("r.pub")], capture_output=True, check=True)
        self.assertEqual((said.code, said.out), (0, key.stdout.decode()), said)

    def test_what_is_none(self):
        e = self.event
        self.each([e("FOO", "NONE", "a.der"), e("X509", "FOO", "a.der"), e("X509", "NONE", ""), ("list-cert", {"type": "X509"})])
        self.player.begin({"list-certs": Answer({}, [e("X509", "NONE", "junk"), e("PUBKEY", "NONE", "junk"), e("X509", "CA", "ca.der")])})
        said = self.ours.run("--list-certs", "--uri", "unix://" + self.path("vici"))
        self.assertEqual((said.code, said.err.count("\n"), said.out.count("subject:")), (0, 2, 1), said)

    def test_filters(self):
        for argv in (["-s", "C=CH, CN=a", "-f", "any", "-t", "x509_crl"], ["--type", "bogus"]):
            self.player.begin({})
            asked = []
            for program in (self.ours, self.new):
                self.player.begin({})
                program.run("--list-certs", *argv, "--uri", "unix://" + self.path("vici"))
                asked.append([r for r in self.player.requests if r[0] == 0])
            self.assertEqual(*asked)


if __name__ == "__main__":
    kit.main()
