#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--verify: verdicts and exit codes beside strongSwan's pki."""
import os

import kit

PAST = ["--not-before", "01.01.20 00:00:00", "--lifetime", "1"]
FUTURE = ["--not-before", "01.01.40 00:00:00"]
OLD = ["--this-update", "01.01.20 00:00:00", "--next-update", "02.01.20 00:00:00"]


class Verify(kit.Case):
    def setUp(self):
        super().setUp()
        for name in ("root", "mid", "end", "other"):
            self.ours("--gen", "--type", "ed25519", to=name + ".key")
            self.ours("--pub", "--in", name + ".key", to=name + ".pub")
        for name, more in (("root", ["--ca"]), ("other", ["--ca"]), ("alone", []), ("expired", PAST), ("early", FUTURE)):
            self.ours("--self", "--in", ("root" if name == "root" else "other") + ".key", "--dn", "CN=" + name, *more, to=name + ".crt")
        self.issue("mid", "root", "--ca", "--serial", "0a")
        self.issue("end", "mid", "--serial", "0b")
        self.issue("late", "mid", *PAST, key="end")
        self.issue("soon", "mid", *FUTURE, key="end")
        self.issue("deep", "end", key="other")
        for name, by, more in (("root.crl", "root", []), ("mid.crl", "mid", []), ("stale.crl", "mid", OLD),
                               ("end.crl", "mid", ["--serial", "0b"]), ("rootmid.crl", "root", ["--serial", "0a"]),
                               ("hold.crl", "mid", ["--reason", "certificate-hold", "--cert", "end.crt"])):
            self.ours("--signcrl", "--cacert", by + ".crt", "--cakey", by + ".key", *more, to=name)
        os.mkdir(self.path("cas"))
        for name in ("root.crt", "mid.crt", "end.key"):
            self.write("cas/" + name, self.read(name))

    def issue(self, name, by, *args, key=None):
        """Also by those who may not, which our own tool would refuse to do."""
        self.openssl("req", "-new", "-key", (key or name) + ".key", "-keyform", "der", "-subj", "/CN=" + name, "-out", "r.pem")
        if by == "end":
            self.openssl("x509", "-req", "-in", "r.pem", "-CA", by + ".crt", "-CAkey", by + ".key", "-CAform", "der", "-CAkeyform", "der",
                         "-set_serial", "77", "-outform", "der", "-out", name + ".crt")
            return
        self.ours("--issue", "--type", "pkcs10", "--in", "r.pem", "--cacert", by + ".crt", "--cakey", by + ".key", *args, to=name + ".crt")

    TRUSTED, UNTRUSTED = "certificate trusted, lifetimes valid", "certificate untrusted"
    BOTH = ["root", "mid"]
    ROWS = [  # of whom, CA certificates, CRLs; exit code and verdict, which are strongSwan's as well
        ("root", [], [], 0, TRUSTED),
        ("alone", [], [], 0, TRUSTED),
        ("alone", ["alone"], [], 0, TRUSTED),
        ("alone", ["root"], [], 1, UNTRUSTED),
        ("expired", [], [], 2, "certificate trusted, but no valid lifetime"),
        ("early", [], [], 2, "certificate trusted, but no valid lifetime"),
        ("mid", ["root"], [], 0, TRUSTED),
        ("end", BOTH, [], 0, TRUSTED),
        ("end", ["root"], [], 1, UNTRUSTED),
        ("end", ["mid"], [], 1, UNTRUSTED),
        ("end", ["other"], [], 1, UNTRUSTED),
        ("late", BOTH, [], 1, UNTRUSTED),
        ("soon", BOTH, [], 1, UNTRUSTED),
        ("deep", BOTH + ["end"], [], 1, UNTRUSTED),
        ("end", BOTH, ["mid.crl", "root.crl"], 0, TRUSTED + ", certificate not revoked"),
        ("end", BOTH, ["mid.crl"], 0, TRUSTED + ", no revocation information"),
        ("end", BOTH, ["end.crl"], 3, TRUSTED + ", certificate revoked"),
        ("end", BOTH, ["end.crl", "root.crl"], 3, TRUSTED + ", certificate revoked"),
        ("end", BOTH, ["mid.crl", "rootmid.crl"], 3, TRUSTED + ", certificate revoked"),
        ("end", BOTH, ["hold.crl", "root.crl"], 3, TRUSTED + ", certificate revoked"),
    ]

    def test_verdicts_and_exit_codes_are_strongswans(self):
        for who, cas, crls, code, verdict in self.ROWS:
            args = ["--verify", "--in", who + ".crt"]
            args += [w for c in cas for w in ("--cacert", c + ".crt")] + [w for c in crls for w in ("--crl", c)]
            ours, real = self.try_ours(*args), self.try_real(*args)
            with self.subTest(f"{who} {cas} {crls}"):
                self.assertEqual((ours.code, ours.text), (code, verdict + "\n"), ours.err)
                if crls and code == 3:  # which strongSwan's calls untrusted, or revoked, by where in the path it is
                    self.assertIn(real.code, (1, 3), real.err)
                    continue
                self.assertEqual((real.code, real.text), (code, verdict + "\n"), real.err)

    def test_stale_lists_say_nothing(self):
        ours = self.try_ours("--verify", "--in", "end.crt", "--cacert", "root.crt", "--cacert", "mid.crt", "--crl", "stale.crl", "--crl",
                             "root.crl")
        self.assertEqual((ours.code, ours.text), (0, self.TRUSTED + ", no revocation information\n"))
        self.assertIn("CN=end", ours.err)

    def test_the_reason_is_said(self):
        for who, cas, word in (("end", ["root"], "CN=end"), ("late", self.BOTH, "CN=late"), ("deep", [*self.BOTH, "end"], "CN=")):
            said = self.try_ours("--verify", "--in", who + ".crt", *(w for c in cas for w in ("--cacert", c + ".crt")))
            self.assertIn(word, said.err)

    def test_only_what_is_self_signed_is_trusted_without_a_ca(self):
        """strongSwan's pki trusts any certificate then."""
        said = self.try_ours("--verify", "--in", "end.crt")
        self.assertEqual((said.code, said.text), (1, "certificate untrusted\n"))
        self.assertIn("CN=end is not self-signed", said.err)

    def test_a_forged_self_signature_is_none(self):
        der = self.read("alone.crt")
        said = self.try_ours("--verify", stdin=der[:-1] + bytes([der[-1] ^ 1]))
        self.assertEqual(said.code, 1)
        self.assertNotIn("trusted, lifetimes valid", said.text)

    def test_folders_are_searched(self):
        os.mkdir(self.path("crls"))
        for name in ("mid.crl", "root.crl"):
            self.write("crls/" + name, self.read(name))
        self.write("crls/readme.txt", "none\n")
        args = ("--verify", "--in", "end.crt", "--cacert", "cas", "--crl", "crls")
        for result in (self.try_ours(*args), self.try_real(*args)):
            self.assertEqual((result.code, result.text), (0, self.TRUSTED + ", certificate not revoked\n"), result.err)
        self.assertIn("cas/end.key is passed over", self.try_ours(*args).err)

    def online(self, who, *more):
        """--online, beside a server of this folder."""
        command = [os.path.join(kit.BIN, "pki"), "--verify", "--in", who + ".crt", "--cacert", "root.crt", "--online", *more]
        return kit.run(["unshare", "-n", "/usr/bin/python3", os.path.join(kit.HERE, "serve.py"), self.folder, *command], self.folder)

    def test_lists_are_fetched(self):
        self.issue("leaf", "root", "--crl", "http://127.0.0.1:8080/root.crl", "--serial", "21", key="end")
        self.issue("gone", "root", "--crl", "http://127.0.0.1:8080/gone.crl", "--serial", "22", key="end")
        self.ours("--signcrl", "--cacert", "root.crt", "--cakey", "root.key", "--serial", "22", to="gone.crl")
        self.issue("lost", "root", "--crl", "http://127.0.0.1:8080/nowhere.crl", key="end")
        self.issue("deaf", "root", "--crl", "http://127.0.0.1:9/closed.crl", key="end")
        for who, code, verdict in (("leaf", 0, "certificate not revoked"), ("gone", 3, "certificate revoked"),
                                   ("lost", 0, "no revocation information"), ("deaf", 0, "no revocation information")):
            said = self.online(who)
            self.assertEqual((said.code, said.text), (code, f"{self.TRUSTED}, {verdict}\n"), said.err)

    def test_responders_are_asked(self):
        self.issue("good", "root", "--ocsp", "http://127.0.0.1:8080/ocsp", "--serial", "31", key="end")
        self.issue("bad", "root", "--ocsp", "http://127.0.0.1:8080/ocsp", "--serial", "32", key="end")
        self.ours("--gen", "--type", "rsa", "--outform", "pem", to="ocsp.key")
        self.ours("--pub", "--in", "ocsp.key", to="ocsp.pub")
        self.ours("--issue", "--in", "ocsp.pub", "--cacert", "root.crt", "--cakey", "root.key", "--dn", "CN=ocsp", "--flag", "ocspSigning",
                  "--outform", "pem", to="ocsp.pem")
        self.openssl("x509", "-inform", "der", "-in", "root.crt", "-out", "ca.pem")
        self.write("index.txt", "V\t400101000000Z\t\t31\tunknown\t/CN=good\nR\t400101000000Z\t260101000000Z\t32\tunknown\t/CN=bad\n")
        for who, code, verdict in (("good", 0, "certificate not revoked"), ("bad", 3, "certificate revoked")):
            said = self.online(who)
            self.assertEqual((said.code, said.text), (code, f"{self.TRUSTED}, {verdict}\n"), said.err)

    def test_what_cannot_be_read_is_an_error(self):
        for args in (["--in", "nowhere"], ["--in", "end.key"], ["--in", "end.crt", "--cacert", "nowhere"],
                     ["--in", "end.crt", "--cacert", "end.key"], ["--in", "end.crt", "--cacert", "root.crt", "--crl", "root.crt"]):
            self.refused(self.try_ours("--verify", *args), args[-1])


if __name__ == "__main__":
    kit.main()
