#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`pki --estca` and `pki --est` with the server of est_server.py, and the tool of strongSwan 6.0 with the same one."""
import glob
import json
import os
import re
import sys

import kit

URL = ["--url", "https://localhost:8443"]
CAS = ["--cacert", "tls.pem", "--cacert", "root.pem", "--cacert", "ca.pem"]
# What strongSwan says of its TLS and its plugins; we say nothing of ours.
TLS = r"plugin|libgcrypt|negotiated|received TLS|sending TLS|checking cert|certificate status|server requested|created signature"


class Est(kit.Case):
    def setUp(self):
        super().setUp()
        for name, subject in (("root", "/O=Keyway/CN=Root"), ("wrong", "/O=Keyway/CN=Wrong"), ("tls", "/O=Keyway/CN=TLS Root")):
            self.openssl("req", "-x509", *self.key(name), "-out", f"{name}.pem", "-subj", subject, "-days", "30")
        self.issue("ca", "/O=Keyway/CN=Issuing", "root", "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n")
        self.issue("server", "/CN=localhost", "tls", "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.issue("old", "/O=Keyway/CN=moon", "ca", "basicConstraints=CA:FALSE\n")
        self.write("chain.pem", self.read("ca.pem") + self.read("root.pem"))
        self.ours("--gen", "--type", "ecdsa", "--size", "256", "--outform", "pem", to="new.key")
        self.ours("--req", "--in", "new.key", "--dn", "O=Keyway, CN=moon", "--san", "moon.example", "--outform", "pem", to="any.csr")

    @staticmethod
    def key(name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key"]

    def issue(self, name, subject, ca, extensions):
        self.openssl("req", "-new", *self.key(name), "-out", "r.pem", "-subj", subject)
        self.write("e.cnf", extensions)
        self.openssl("x509", "-req", "-in", "r.pem", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-days", "20", "-out", f"{name}.pem",
                     "-extfile", "e.cnf")

    def beside(self, *command, env=None):
        self.write("est.log", "")
        return kit.run(["unshare", "-n", sys.executable, os.path.join(kit.HERE, "est_server.py"), self.folder, *command], self.folder,
                       env=env)

    def est(self, *args, command="--est"):
        return self.beside(os.path.join(kit.BIN, "pki"), command, *URL, *args)

    def new(self, *args):
        command, env = self.newer(*args)
        return self.beside(*command, env=env)

    def log(self):
        return [json.loads(line) for line in self.read("est.log").decode().splitlines()]

    def verified(self, result, *, name="issued.crt"):
        """What was issued, after openssl has verified it, is for the new key."""
        self.good(result, "enrolling")
        self.write(name, result.out)
        self.openssl("x509", "-in", name, "-out", name + ".pem")
        self.openssl("verify", "-CAfile", "root.pem", "-untrusted", "ca.pem", name + ".pem")
        self.assertEqual(self.openssl("x509", "-in", name, "-noout", "-pubkey"), self.openssl("pkey", "-in", "new.key", "-pubout"))
        self.assertIn(b"DNS:moon.example", self.openssl("x509", "-in", name, "-noout", "-ext", "subjectAltName"))
        return result

    def words(self, err):
        """What was said, without TLS, the serial, and the seconds."""
        lines = [line for line in err.splitlines() if not re.match(TLS, line)]
        text = re.sub(r"(valid from ).* (until ).* \(", r"\1\2(", re.sub(r"serial: [0-9a-f:]+", "serial:", "\n".join(lines)))
        return re.sub(r'  using certificate "CN=localhost"\n  using trusted ca.*\n  reached.*length of 0\n?', "", text).strip()

    def test_both_clients_enrol_and_say_the_same(self):
        for form in ("any.csr", "any.der"):
            if form == "any.der":
                self.openssl("req", "-in", "any.csr", "-outform", "DER", "-out", form)
            ours = self.verified(self.est("--in", form, *CAS))
            line, = self.log()
            self.assertEqual((line["path"], line["type"], line["encoding"], line["auth"], line["peer"]),
                             ("/.well-known/est/simpleenroll", "application/pkcs10", "base64", None, None))
            theirs = self.verified(self.new("--est", *URL, "--in", form, *CAS))
            self.assertEqual(self.words(ours.err), self.words(theirs.err))

    def test_outform_pem_writes_pem(self):
        result = self.verified(self.est("--in", "any.csr", *CAS, "--outform", "pem"))
        self.assertTrue(result.out.startswith(b"-----BEGIN CERTIFICATE-----\n"))

    def test_both_clients_renew_by_their_certificate(self):
        old = ["--cert", "old.pem", "--key", "old.key"]
        for result in (self.est("--in", "any.csr", *CAS, *old), self.new("--est", *URL, "--in", "any.csr", *CAS, *old)):
            self.verified(result)
            line, = self.log()
            self.assertEqual((line["path"], line["peer"]),
                             ("/.well-known/est/simplereenroll", "organizationName=Keyway, commonName=moon"))
        self.refused(self.est("--in", "any.csr", *CAS, "--cert", "old.pem"), "--cert and --key belong together")
        self.refused(self.est("--in", "any.csr", *CAS, "--cert", "old.pem", "--key", "new.key"), "the private key is not the old certificate's")

    def test_a_password_is_sent_only_where_one_is_given(self):
        auth = ["--in", "any.csr", *CAS, "--label", "auth"]
        self.verified(self.est(*auth, "--userpass", "moon:se:cret"))
        self.verified(self.new("--est", *URL, *auth, "--userpass", "moon:se:cret"))
        self.refused(self.est(*auth), "EST request failed: HTTP 401")
        refused = self.est(*auth, "--userpass", "moon:other")
        self.refused(refused, "EST request failed: HTTP 401")
        self.assertNotIn("other", refused.err)

    def test_both_clients_poll_until_the_certificate_is_there(self):
        args = ["--in", "any.csr", *CAS, "--label", "pending", "--interval"]
        self.verified(self.est(*args, "500"))  # the server's second counts
        args += ["1"]
        ours = self.verified(self.est(*args))
        self.assertEqual(len(self.log()), 3)
        theirs = self.verified(self.new("--est", *URL, *args))
        self.assertEqual(self.words(ours.err), self.words(theirs.err))
        self.verified(self.est("--in", "any.csr", *CAS, "--label", "wordless", "--interval", "1"))
        self.assertEqual(len(self.log()), 2)

    def test_polling_ends_when_the_user_says(self):
        args = ["--in", "any.csr", *CAS, "--label", "unhurried", "--interval", "1", "--maxpolltime", "2"]
        ours = self.est(*args)
        self.refused(ours, "polling every 1 seconds up to 2 seconds", "maximum poll time reached: 2 seconds")
        self.assertEqual(len(self.log()), 3)
        theirs = self.new("--est", *URL, *args)
        # strongSwan's clock is looked at in whole seconds: it may poll once less
        said = [self.words(ours.err).replace("pki --est: ", ""), self.words(theirs.err)]
        self.assertEqual(*(list(dict.fromkeys(text.splitlines())) for text in said))
        self.refused(self.est("--in", "any.csr", *CAS, "--label", "ages", "--maxpolltime", "3"), "maximum poll time reached: 3 seconds")

    def test_bad_answers_are_refused_with_a_reason(self):
        for label, word in (("wrongsigner", "name the certificates of its CA"), ("wrongkey", "issued a certificate for another key"),
                            ("html", "got text/html"), ("htmlastype", "no base64"), ("huge", "more than 1048576 bytes"),
                            ("empty", "got 0 bytes"), ("none", "a message with 0 certificates"), ("truncated", "certs-only PKCS#7"),
                            ("denied", "HTTP 403"), ("redirect", "HTTP 302"), ("nocontent", "HTTP 204"), ("nosuch", "HTTP 404")):
            with self.subTest(label):
                result = self.est("--in", "any.csr", *CAS, "--label", label)
                self.refused(result, word)
                self.assertEqual(len(self.log()), 1, result.err)

    def test_what_comes_beside_the_certificate_is_passed_over(self):
        self.verified(self.est("--in", "any.csr", *CAS, "--label", "two"))

    def test_a_server_that_is_not_trusted_hears_nothing(self):
        for cas in (["--cacert", "root.pem", "--cacert", "ca.pem"], ["--cacert", "wrong.pem"], ["--cacert", "server.pem"]):
            self.refused(self.est("--in", "any.csr", *cas), "EST request failed", "certificate")
            self.assertEqual(self.log(), [])
        self.issue("server", "/CN=other", "tls", "subjectAltName=DNS:other.example\n")
        self.refused(self.est("--in", "any.csr", *CAS), "EST request failed", "localhost")
        self.assertEqual(self.log(), [])

    def test_wrong_options_are_refused(self):
        pki = lambda *a: self.try_ours("--est", *a)  # noqa: E731
        self.refused(pki("--in", "any.csr", *CAS), "--url is required")
        self.refused(pki(*URL, "--in", "any.csr"), "--cacert is required")
        self.refused(pki("--url", "http://localhost", "--in", "any.csr", *CAS), "not the address of an EST server")
        self.refused(pki(*URL, "--in", "any.csr", *CAS, "--label", "a/b"), "not a label")
        self.refused(pki(*URL, "--in", "new.key", *CAS), "CERTIFICATE REQUEST")

    def test_ca_certificates_are_stored_as_strongswan_stores_them(self):
        for cas in (CAS[:2], CAS[:4]):  # the root is known or not
            for out in (["--caout", "%s.crt"], ["--caout", "%s"], ["--caout", "%s", "--outform", "pem"]):
                args = [*cas, "--force", *out]
                ours = self.good(self.est(*[a.replace("%s", "ours") for a in args], command="--estca"), "ours")
                theirs = self.good(self.new("--estca", *URL, *[a.replace("%s", "theirs") for a in args]), "theirs")
                known = '  using trusted certificate "O=Keyway, CN=Root"\n'
                words = [self.words(e).replace(known, "") for e in (ours.err.replace("'ours", "'"), theirs.err.replace("'theirs", "'"))]
                self.assertEqual(words[0], words[1])
                names = sorted(glob.glob("ours*", root_dir=self.folder))
                self.assertEqual(len(names), 2, names)
                for name in names:
                    self.assertEqual(self.read(name), self.read(name.replace("ours", "theirs")))
                    os.unlink(self.path(name))
                    os.unlink(self.path(name.replace("ours", "theirs")))

    def test_ca_certificates_go_to_stdout_as_a_bundle(self):
        args = [*CAS[:2], "--outform", "pem"]
        ours, theirs = self.good(self.est(*args, command="--estca"), "ours"), self.good(self.new("--estca", *URL, *args), "theirs")
        self.assertEqual(ours.out, theirs.out)
        self.assertEqual(ours.out.count(b"BEGIN CERTIFICATE"), 2)
        self.assertEqual(self.good(self.est(*CAS[:2], command="--estca"), "shown").out, b"")

    def test_a_file_that_is_there_stays(self):
        self.write("mine.crt", "precious")
        self.refused(self.est(*CAS, "--caout", "mine.crt", command="--estca"), "could not write cert file 'mine.crt': File exists")
        self.assertEqual(self.read("mine.crt"), b"precious")

    def test_bad_bundles_are_refused(self):
        for label, word in (("html", "got text/html"), ("huge", "more than 1048576 bytes"), ("truncated", "certs-only PKCS#7"),
                            ("none", "0 certificates"), ("denied", "HTTP 403"), ("redirect", "HTTP 302")):
            with self.subTest(label):
                self.refused(self.est(*CAS, "--label", label, command="--estca"), word)

    def test_every_option_of_strongswan_is_known_under_both_names(self):
        for command, least in (("--est", 15), ("--estca", 9)):
            ours, real = (dict(re.findall(r"^ +--([\w-]+) +\(-(.)\)", t, re.M))
                          for t in (self.ours(command, "--help").decode(), self.new(command, "--help").text))
            self.assertEqual({n: ours.get(n) for n in real}, real)
            self.assertGreaterEqual(len(real), least)


if __name__ == "__main__":
    kit.main()
