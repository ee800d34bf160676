#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attribute certificates: those of strongSwan's pki byte for byte for the same holder, key, serial number and dates."""
import kit

DATES = ["--not-before", "01.02.26 03:04:05", "--not-after", "01.02.36 03:04:05"]


class AttributeCertificates(kit.Case):
    def setUp(self):
        super().setUp()
        for name in ("ca", "aa", "leaf"):
            self.ours("--gen", "--type", "ed25519", to=name + ".key")
            self.ours("--pub", "--in", name + ".key", to=name + ".pub")
        self.ours("--self", "--ca", "--in", "ca.key", "--dn", "C=CH, CN=ca", to="ca.crt")
        for name in ("aa", "leaf"):
            self.ours("--issue", "--in", name + ".pub", "--cacert", "ca.crt", "--cakey", "ca.key", "--dn", "C=CH, CN=" + name,
                      to=name + ".crt")

    def both(self, *args):
        ours, real = self.ours("--acert", *args), self.real("--acert", *args)
        if ours != real:
            self.assertEqual(*(self.openssl("asn1parse", "-inform", "der", "-i", stdin=der).decode() for der in (ours, real)))
        self.assertEqual(ours, real)

    GROUPS = {"none": [], "one": ["--group", "sales"], "three": ["--group", "sales", "--group", "fin ance", "-m", "größe"]}

    def test_they_are_strongswans_byte_for_byte(self):
        for name, groups in self.GROUPS.items():
            for issuer in ("ca", "aa"):
                with self.subTest(f"{name} {issuer}"):
                    self.both("--in", "leaf.crt", "--issuercert", issuer + ".crt", "--issuerkey", issuer + ".key", "--serial", "0a0b",
                              *DATES, *groups)
        self.both("--in", "leaf.crt", "--issuercert", "aa.crt", "--issuerkey", "aa.key", "--serial", "01", *DATES, "--outform", "pem")

    def test_strongswans_tool_reads_them(self):
        self.ours("--acert", "--in", "leaf.crt", "--issuercert", "aa.crt", "--issuerkey", "aa.key", "--group", "sales",
                  "--lifetime", "5", to="ac")
        said = self.real("--print", "--type", "ac", "--in", "ac").decode()
        for words in ('subject:  "C=CH, CN=leaf"', 'issuer:   "C=CH, CN=aa"', "groups:    sales"):
            self.assertIn(words, said)
        self.assertRegex(said, r"expires in [45] hours")  # five, less what has passed since

    def test_who_signs_must_have_the_key(self):
        self.refused(self.try_ours("--acert", "--in", "leaf.crt", "--issuercert", "aa.crt", "--issuerkey", "ca.key"), "is not that of")
        self.refused(self.try_ours("--acert", "--in", "leaf.crt", "--issuerkey", "ca.key"), "--issuercert is required")
        self.refused(self.try_ours("--acert", "--in", "leaf.crt", "--issuercert", "aa.crt"), "--issuerkey or --issuerkeyid")
        self.refused(self.try_ours("--acert", "--in", "leaf.key", "--issuercert", "aa.crt", "--issuerkey", "aa.key"), "leaf.key")


if __name__ == "__main__":
    kit.main()
