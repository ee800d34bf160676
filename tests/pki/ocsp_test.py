#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`pki --ocsp` and the printing of requests and responses, beside openssl and the tool of strongSwan 6.0 (5.9.8 has neither)."""
import re

import kit

PLUGINS = "aes sha2 sha1 random x509 pubkey pkcs1 pkcs8 pem openssl gmp curve25519"
INDEX = ("V\t300101000000Z\t\t05\tunknown\t/CN=a\nR\t300101000000Z\t260101000000Z,keyCompromise\t06\tunknown\t/CN=b\n"
         "E\t200101000000Z\t\t07\tunknown\t/CN=c\nR\t300101000000Z\t260101000000Z\t80AA\tunknown\t/CN=d\n"
         "R\t300101000000Z\t260101000000Z,certificateHold\t0A\tunknown\t/CN=e\n")
SERIALS = ("5", "6", "7", "0x80aa", "10", "11")


class Ocsp(kit.Case):
    def setUp(self):
        super().setUp()
        self.write("index.txt", INDEX)
        for name, subject in (("ca", "/O=Keyway/CN=CA"), ("x", "/CN=stranger")):
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
                         f"{name}.pem", "-subj", subject, "-days", "30")
        self.issue("o", ["rsa:2048"], "extendedKeyUsage=OCSPSigning")
        self.issue("leaf", ["ed25519"], "basicConstraints=CA:FALSE")

    def issue(self, name, kind, extension):
        self.openssl("req", "-new", "-newkey", *kind, "-nodes", "-keyout", f"{name}.key", "-out", "r.pem", "-subj", f"/CN={name}")
        self.write("e.cnf", extension + "\n")
        self.openssl("x509", "-req", "-in", "r.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "5", "-days", "30", "-out",
                     f"{name}.pem", "-extfile", "e.cnf")

    def ask(self, *options, issuer="ca.pem"):
        self.openssl("ocsp", "-issuer", issuer, *(word for s in SERIALS for word in ("-serial", s)), *options, "-reqout", "q.der")

    def new(self, *args):
        command, env = self.newer(*args, plugins=PLUGINS)
        return kit.run(command, self.folder, env=env)

    def statuses(self, path):
        """As openssl reads the response, after it has verified signature and nonce."""
        text = self.openssl("ocsp", "-reqin", "q.der", "-respin", path, "-CAfile", "ca.pem", "-verify_other", "ca.pem", "-resp_text")
        return re.findall(r"Cert Status: (\w+)", text.decode())

    WANT = ["good", "revoked", "good", "revoked", "revoked", "unknown"]

    def test_openssl_verifies_what_we_respond(self):
        for signer in (["--key", "ca.key", "--cert", "ca.pem"], ["--key", "ca.key"], ["--key", "o.key", "--cert", "o.pem"],
                       ["--key", "x.key", "--key", "o.key", "--cert", "o.pem", "--rsa-padding", "pss", "--digest", "sha384"]):
            for nonce in ([], ["-no_nonce"]):
                self.ask(*nonce)
                self.ours("--ocsp", "--in", "q.der", "--respond", "--cacert", "ca.pem", "--index", "index.txt", *signer, "--lifetime", "60",
                          to="a.der")
                self.assertEqual(self.statuses("a.der"), self.WANT)

    def test_response_and_words_are_those_of_strongswan(self):
        self.ask()
        for options in (["--key", "ca.key", "--cert", "ca.pem", "--lifetime", "60"], ["--key", "o.key", "--cert", "o.pem"],
                        ["--key", "leaf.key", "--cert", "leaf.pem"]):
            args = ["--ocsp", "--in", "q.der", "--respond", "--cacert", "ca.pem", "--index", "index.txt", *options]
            ours, theirs = self.good(self.try_ours(*args), "ours"), self.good(self.new(*args), "theirs")
            same = [re.sub(r"(Update: +\w+ \d+ )[\d:]+", r"\1", r.err) for r in (ours, theirs)]
            self.assertEqual(same[0], same[1])
            for r, name in ((ours, "ours.der"), (theirs, "theirs.der")):
                self.write(name, r.out)
            if len(ours.out) > 9:
                self.assertEqual(self.statuses("ours.der"), self.statuses("theirs.der"))
            else:
                self.assertEqual(ours.out, theirs.out)

    def test_requests_are_shown_as_strongswan_shows_them(self):
        for options in ([], ["-no_nonce"]):
            self.ask(*options)
            for cas in ([], ["--cacert", "ca.pem"], ["--cacert", "ca.pem", "--index", "index.txt"]):
                ours, theirs = self.try_ours("--ocsp", "--in", "q.der", *cas), self.new("--ocsp", "--in", "q.der", *cas)
                self.assertEqual((ours.code, ours.out, ours.err), (theirs.code, theirs.out, theirs.err))

    def test_what_cannot_be_answered_is_said_in_the_response(self):
        self.ask()
        self.write("bad.der", self.read("q.der")[:-3])
        ca = ["--cacert", "ca.pem", "--index", "index.txt"]
        for query, cas, key, status in (("bad.der", ca, "ca", b"\1"), ("q.der", ["--cacert", "x.pem"], "x", b"\6"),
                                        ("q.der", ca, "leaf", b"\2"), ("q.der", ca, "x", b"\2")):
            r = self.good(self.try_ours("--ocsp", "--in", query, "--respond", *cas, "--key", f"{key}.key", "--cert", f"{key}.pem"), query)
            self.assertEqual(r.out, b"\x30\x03\x0a\x01" + status, r.err)
        self.refused(self.try_ours("--ocsp", "--in", "q.der", "--respond", *ca), "requires a private signer key")
        self.refused(self.try_ours("--ocsp", "--in", "q.der", "--respond", "--key", "ca.key"), "requires a CA certificate")
        self.refused(self.try_ours("--ocsp", "--in", "q.der", "--index", "index.txt"), "no --cacert in front of it")
        self.refused(self.try_ours("--ocsp", "--in", "bad.der"), "malformed OCSP request")
        self.write("index.txt", INDEX + "V\t3001\n")
        self.refused(self.try_ours("--ocsp", "--in", "q.der", *ca), "line 6 of the index", "at index.txt")

    def test_issuers_may_be_named_by_another_hash(self):
        self.openssl("ocsp", "-sha256", "-issuer", "ca.pem", "-serial", "6", "-reqout", "q.der")
        self.ours("--ocsp", "--in", "q.der", "--respond", "--cacert", "ca.pem", "--index", "index.txt", "--key", "ca.key", to="a.der")
        text = self.openssl("ocsp", "-respin", "a.der", "-CAfile", "ca.pem", "-verify_other", "ca.pem", "-resp_text")
        self.assertIn(b"Cert Status: revoked", text)
        self.assertIn(b"Hash Algorithm: sha256", text)

    def test_every_option_of_strongswan_is_known_under_both_names(self):
        ours, real = (dict(re.findall(r"^ +--([\w-]+) +\(-(.)\)", t, re.M))
                      for t in (self.ours("--ocsp", "--help").decode(), self.new("--ocsp", "--help").text))
        self.assertGreater(len(real), 8)
        self.assertEqual({n: ours.get(n) for n in real}, real)

    def test_requests_and_responses_are_printed_as_strongswan_prints_them(self):
        rsp = lambda name, *o: self.openssl("ocsp", "-index", "index.txt", "-CA", "ca.pem", "-reqin", "q.der", "-respout", name, *o)  # noqa: E731
        self.ask("-signer", "o.pem", "-signkey", "o.key")
        self.write("signed.der", self.read("q.der"))
        self.openssl("ocsp", "-sha256", "-issuer", "ca.pem", "-serial", "5", "-reqout", "sha256.der")
        self.ask("-no_nonce")
        for name in ("signed.der", "sha256.der", "q.der"):
            self.same("ocsp-req", name)
        rsp("0.der", "-rsigner", "ca.pem", "-rkey", "ca.key", "-ndays", "3")
        rsp("1.der", "-rsigner", "o.pem", "-rkey", "o.key")
        rsp("2.der", "-rsigner", "ca.pem", "-rkey", "ca.key", "-nmin", "1", "-resp_key_id")
        rsp("3.der", "-rsigner", "o.pem", "-rkey", "o.key", "-CA", "x.pem")
        self.ours("--ocsp", "--in", "q.der", "--respond", "--cacert", "ca.pem", "--key", "ca.key", to="4.der")
        self.write("5.der", b"\x30\x03\x0a\x01\x06")
        for i in range(6):
            self.same("ocsp-rsp", f"{i}.der")

    def same(self, kind, name):
        for left in (1, 0):  # a second may pass between them, but not twice
            theirs = self.good(self.new("--print", "--type", kind, "--in", name), name)
            mine = self.ours("--print", "--type", kind, "--in", name).decode()
            if mine == theirs.text:
                return
            if not left:
                self.assertEqual(mine, theirs.text, name)


if __name__ == "__main__":
    kit.main()
