#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`keyway doctor cert` over certificates of strongSwan's pki and of openssl."""
import json

import kit


class Doctor(kit.Case):
    def setUp(self):
        super().setUp()
        self.real("--gen", "--type", "rsa", "--size", "2048", "--outform", "pem", to="ca.key")
        self.real("--self", "--ca", "--in", "ca.key", "--dn", "CN=CA", "--outform", "pem", to="ca.pem")
        self.real("--gen", "--type", "rsa", "--size", "2048", "--outform", "pem", to="k.pem")
        self.real("--pub", "--in", "k.pem", "--type", "rsa", to="k.pub")

    def issue(self, *options, key="k.pub"):
        self.real("--issue", "--cacert", "ca.pem", "--cakey", "ca.key", "--in", key, "--dn", "C=CH, CN=vpn.example.com", *options,
                  to="c.der")

    def doctor(self, *options):
        return self.try_ours("doctor", "cert", "c.der", *options, program="keyway")

    def verdicts(self):
        model = json.loads(self.doctor("--json").text)
        self.assertEqual((model["schema"], model["subject"]), (1, "C=CH, CN=vpn.example.com"))
        return {c["name"]: (c["gateway"]["verdict"], c["user"]["verdict"]) for c in model["clients"]}, model

    def test_the_certificate_of_the_wiki_text_is_for_everybody_but_too_long_for_apple(self):
        self.issue("--san", "vpn.example.com", "--flag", "serverAuth", "--flag", "ikeIntermediate", "--lifetime", "730")
        verdicts, _ = self.verdicts()
        self.assertEqual({name: gateway for name, (gateway, _) in verdicts.items()}, dict.fromkeys(verdicts, "note"))
        self.assertEqual(verdicts["Windows"][1], "refused")
        self.good(self.doctor(), "doctor")
        self.issue("--san", "vpn.example.com", "--flag", "serverAuth", "--lifetime", "3650")
        verdicts, _ = self.verdicts()
        self.assertEqual(verdicts["iOS and macOS"][0], "refused")
        self.assertEqual(verdicts["Windows"][0], "note")

    def test_reasons_and_remedies_are_said(self):
        self.issue()
        result = self.doctor()
        self.assertEqual(result.code, 0, result.err)  # as a user's nobody refuses it
        for line in ("C=CH, CN=vpn.example.com", "CLIENT         AS A GATEWAY'S  AS A USER'S",
                     "Windows        refuses         accepts", "Android        refuses         accepts",
                     "strongSwan     may refuse      accepts",
                     "  as a gateway's: refused: its extendedKeyUsage has no serverAuth: error 13801", "    try: --flag serverAuth",
                     "  as a gateway's: note: OS X 10.7.3 and older want ikeIntermediate in its extendedKeyUsage"):
            self.assertIn(line, result.text.splitlines())
        self.assertNotIn("\033", result.text)
        colored = kit.run([f"{kit.BIN}/keyway", "doctor", "cert", "c.der"], self.folder, env={"CLICOLOR_FORCE": "1"})
        self.assertIn("\033[31mrefuses\033[0m", colored.text)

    def test_what_nobody_accepts_fails(self):
        self.issue("--san", "vpn.example.com", "--flag", "serverAuth", "--flag", "clientAuth", "--not-before", "01.01.20 00:00:00",
                   "--not-after", "01.01.21 00:00:00")
        self.assertEqual(self.doctor().code, 9)
        verdicts, model = self.verdicts()
        self.assertEqual(set(verdicts.values()), {("refused", "refused")})
        finding = model["clients"][3]["user"]["findings"][0]
        self.assertEqual((finding["rule"], finding["level"], finding["try"]), ("expired", "refused", "issue it anew"))

    def test_key_kinds_count(self):
        for kind, args, want in (("ecdsa", ["--size", "256"], {"Windows": "note", "iOS and macOS": "risk", "Libreswan": "note"}),
                                 ("ed25519", [], {"Windows": "refused", "Android": "refused", "strongSwan": "note", "Libreswan": "risk"})):
            self.real("--gen", "--type", kind, *args, "--outform", "pem", to="e.pem")
            self.real("--pub", "--in", "e.pem", "--type", "priv", to="e.pub")
            self.issue("--san", "vpn.example.com", "--flag", "serverAuth", "--lifetime", "700", key="e.pub")
            verdicts, _ = self.verdicts()
            self.assertEqual({name: verdicts[name][0] for name in want}, want)

    def test_what_is_no_certificate_is_refused(self):
        self.write("c.der", b"nothing")
        result = self.doctor()
        self.assertEqual((result.code, result.out), (9, b""))
        self.assertIn("no certificate that can be read", result.err)
        self.assertEqual(self.try_ours("doctor", "cert", "nowhere", program="keyway").code, 4)
        self.assertEqual(self.try_ours("doctor", "certificate", program="keyway").code, 2)
        self.assertEqual(self.try_ours("doctor", "cert", program="keyway").code, 2)
        self.assertEqual(json.loads(self.doctor("--json").text)["schema"], 1)


if __name__ == "__main__":
    kit.main()
