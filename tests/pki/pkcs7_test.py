#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`pki --pkcs7` and `--pkcs12` with openssl and strongSwan's own tool at the other end, in both directions."""
import subprocess

import kit

MESSAGE = b"attack at dawn\r\n\0\xff and no line end"


class Messages(kit.Case):
    def setUp(self):
        super().setUp()
        self.write("msg", MESSAGE)
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/O=Keyway/CN=CA",
                     "-days", "30")
        self.openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "r.pem", "-subj", "/O=Keyway/CN=moon")
        self.openssl("x509", "-req", "-in", "r.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7", "-days", "30",
                     "-out", "c.pem")
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "x.key", "-out", "x.pem", "-subj", "/CN=stranger",
                     "-days", "30")

    def test_what_we_sign_openssl_and_strongswan_verify(self):
        self.ours("--pkcs7", "--sign", "--in", "msg", "--key", "k.pem", "--cert", "c.pem", to="s.p7")
        self.assertEqual(self.openssl("cms", "-verify", "-binary", "-inform", "der", "-in", "s.p7", "-CAfile", "ca.pem", "-purpose", "any"),
                         MESSAGE)
        self.assertEqual(self.real("--pkcs7", "--verify", "--in", "s.p7", "--cert", "ca.pem"), MESSAGE)
        result = self.try_ours("--pkcs7", "--verify", "--in", "s.p7", "--cert", "ca.pem")
        self.assertEqual((result.code, result.out), (0, MESSAGE), result.err)
        self.assertIn("signed by 'O=Keyway, CN=moon' at ", result.err)

    def test_what_others_sign_we_verify(self):
        self.real_signed()
        self.openssl("cms", "-sign", "-binary", "-nodetach", "-in", "msg", "-signer", "c.pem", "-inkey", "k.pem", "-outform", "der", "-out",
                     "o.p7")
        self.openssl("smime", "-sign", "-binary", "-nodetach", "-in", "msg", "-signer", "c.pem", "-inkey", "k.pem", "-outform", "pem",
                     "-out", "p.p7")
        self.openssl("cms", "-sign", "-binary", "-nodetach", "-in", "msg", "-signer", "c.pem", "-inkey", "k.pem", "-outform", "der",
                     "-keyopt", "rsa_padding_mode:pss", "-md", "sha512", "-out", "pss.p7")
        for name in ("real.p7", "o.p7", "p.p7", "pss.p7"):
            self.assertEqual(self.ours("--pkcs7", "--verify", "--in", name, "--cert", "ca.pem"), MESSAGE, name)
            self.assertEqual(self.ours("--pkcs7", "--verify", "--in", name, "--cert", "c.pem"), MESSAGE, name)
            self.refused(self.try_ours("--pkcs7", "--verify", "--in", name, "--cert", "x.pem"), "is not trusted", "no trusted signature")

    def real_signed(self):  # its exit code is 1 when all went well
        result = self.try_real("--pkcs7", "--sign", "--in", "msg", "--key", "k.pem", "--cert", "c.pem")
        self.assertTrue(result.out.startswith(b"\x30\x82"), result.err)
        self.write("real.p7", result.out)

    def test_a_changed_byte_is_noticed(self):
        signed = self.ours("--pkcs7", "--sign", "--in", "msg", "--key", "k.pem", "--cert", "c.pem")
        at = signed.index(b"dawn")
        for bad in (signed[:at] + b"dusk" + signed[at + 4:], signed[:-1] + bytes([signed[-1] ^ 1])):
            self.write("bad.p7", bad)
            self.refused(self.try_ours("--pkcs7", "--verify", "--in", "bad.p7", "--cert", "ca.pem"), "no signature that is valid")

    def test_an_expired_signer_is_not_trusted(self):
        self.real("--issue", "--cacert", "ca.pem", "--cakey", "ca.key", "--type", "pkcs10", "--in", "r.pem", "--not-before",
                  "01.01.20 00:00:00", "--not-after", "01.01.21 00:00:00", "--outform", "pem", to="old.pem")
        self.openssl("cms", "-sign", "-binary", "-nodetach", "-in", "msg", "-signer", "old.pem", "-inkey", "k.pem", "-outform", "der", "-out",
                     "old.p7")
        self.refused(self.try_ours("--pkcs7", "--verify", "--in", "old.p7", "--cert", "ca.pem"), "is not trusted", "2021-01-01")

    def test_keys_of_other_kinds_sign(self):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "e.key", "-out",
                     "e.pem", "-subj", "/CN=e", "-days", "30")
        self.ours("--pkcs7", "--sign", "--in", "msg", "--key", "e.key", "--cert", "e.pem", to="e.p7")
        self.assertEqual(self.openssl("cms", "-verify", "-binary", "-inform", "der", "-in", "e.p7", "-CAfile", "e.pem", "-purpose", "any"),
                         MESSAGE)
        self.assertEqual(self.ours("--pkcs7", "--verify", "--in", "e.p7", "--cert", "e.pem"), MESSAGE)
        self.refused(self.try_ours("--pkcs7", "--sign", "--in", "msg", "--key", "k.pem", "--cert", "e.pem"), "not the certificate's")

    def test_what_we_encrypt_the_others_open(self):
        self.ours("--pkcs7", "--encrypt", "--in", "msg", "--cert", "c.pem", "--cert", "x.pem", to="e.p7")
        self.assertNotIn(b"dawn", self.read("e.p7"))
        self.assertEqual(self.openssl("cms", "-decrypt", "-binary", "-inform", "der", "-in", "e.p7", "-inkey", "k.pem", "-recip", "c.pem"),
                         MESSAGE)
        self.assertEqual(self.real("--pkcs7", "--decrypt", "--in", "e.p7", "--key", "k.pem", "--cert", "c.pem"), MESSAGE)
        for key, cert in (("k.pem", ["--cert", "c.pem"]), ("k.pem", []), ("x.key", ["--cert", "x.pem"])):
            self.assertEqual(self.ours("--pkcs7", "--decrypt", "--in", "e.p7", "--key", key, *cert), MESSAGE)
        self.refused(self.try_ours("--pkcs7", "--decrypt", "--in", "e.p7", "--key", "ca.key", "--cert", "ca.pem"), "decrypting failed")

    def test_what_the_others_encrypt_we_open(self):
        for cipher in ("-aes128", "-aes256", "-des3"):
            self.openssl("cms", "-encrypt", "-binary", "-in", "msg", cipher, "-outform", "der", "-out", "e.p7", "c.pem")
            self.assertEqual(self.ours("--pkcs7", "--decrypt", "--in", "e.p7", "--key", "k.pem", "--cert", "c.pem"), MESSAGE)
        self.write("real.p7", self.try_real("--pkcs7", "--encrypt", "--in", "msg", "--cert", "c.pem").out)
        self.assertEqual(self.ours("--pkcs7", "--decrypt", "--key", "k.pem", stdin=self.read("real.p7")), MESSAGE)

    def test_what_is_inside_is_shown_as_the_real_one_shows_it(self):
        self.real_signed()
        self.write("e.p7", self.try_real("--pkcs7", "--encrypt", "--in", "msg", "--cert", "c.pem").out)
        self.openssl("crl2pkcs7", "-nocrl", "-certfile", "ca.pem", "-certfile", "x.pem", "-out", "many.p7")
        for name, word in (("real.p7", "PKCS7_SIGNED_DATA\n"), ("e.p7", "PKCS7_ENVELOPED_DATA\n"), ("many.p7", "PKCS7_SIGNED_DATA\n")):
            ours, theirs = (run("--pkcs7", "--show", "--in", name) for run in (self.try_ours, self.try_real))
            self.assertEqual((ours.code, ours.out), (0, theirs.out), name)
            self.assertIn(word, ours.err)
            self.assertIn(word, theirs.err)
        self.assertEqual(self.ours("--pkcs7", "--show", "--in", "many.p7").count(b"BEGIN CERTIFICATE"), 2)

    def test_what_makes_no_sense_is_refused(self):
        self.write("empty", b"")
        for args, word in ((["--in", "msg"], "expected one of --sign"), (["--sign", "--show", "--in", "msg"], "expected one of"),
                           (["--sign", "--in", "msg", "--key", "k.pem"], "requiring a certificate"),
                           (["--sign", "--in", "msg", "--cert", "c.pem"], "requiring a private key"),
                           (["--encrypt", "--in", "msg"], "requiring a certificate"),
                           (["--verify", "--in", "msg", "--cert", "ca.pem"], "no PKCS#7"),
                           (["--show", "--in", "empty"], "no PKCS#7"), (["--show", "--in", "k.pem"], "no PEM block"),
                           (["--decrypt", "--in", "msg", "--key", "k.pem"], "no PKCS#7")):
            self.refused(self.try_ours("--pkcs7", *args), word)
        self.ours("--pkcs7", "--encrypt", "--in", "msg", "--cert", "c.pem", to="e.p7")
        self.refused(self.try_ours("--pkcs7", "--verify", "--in", "e.p7", "--cert", "ca.pem"), "expected signed-data")


class Containers(kit.Case):
    def ask(self, program, *args, answer=b"abc\n"):
        """Without a terminal, where both read the passphrase from stdin."""
        p = program(*args)
        return kit.Result(subprocess.run(["setsid", *p], cwd=self.folder, input=answer, capture_output=True, timeout=60, check=False,
                                         env={**kit.os.environ, "STRONGSWAN_CONF": self.path("strongswan.conf")}))

    def ours_as(self, *args):
        return [f"{kit.BIN}/pki", "--pkcs12", *args]

    def real_as(self, *args):
        self.write("strongswan.conf", "")
        return ["unshare", "-m", "--propagation", "private", "sh", "-c", kit.REAL, kit.peers.fetch_strongswan_pki(), "--pkcs12", *args]

    def container(self, name, kind, *options, password="abc"):
        self.openssl("req", "-x509", "-newkey", *kind, "-nodes", "-keyout", "k.pem", "-out", "c.pem", "-subj", f"/C=CH/CN={name}", "-days", "9")
        self.openssl("pkcs12", "-export", "-inkey", "k.pem", "-in", "c.pem", "-passout", f"pass:{password}", "-out", f"{name}.p12", *options)

    def test_lists_and_exports_are_the_real_ones(self):
        self.openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "o.key", "-out", "o.pem", "-subj", "/CN=other", "-days", "9",
                     "-addext", "basicConstraints=critical,CA:FALSE")
        self.container("rsa", ["rsa:2048"], "-certfile", "o.pem", "-name", "friendly")
        self.container("ec", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        self.container("ed", ["ed25519"])
        for name, entries in (("rsa", 3), ("ec", 2), ("ed", 2)):
            args = ["--in", f"{name}.p12"]
            ours, theirs = (self.ask(p, "--list", *args) for p in (self.ours_as, self.real_as))
            self.good(ours, f"--list of {name}")
            self.assertEqual(ours.text, theirs.text.replace("Private key passphrase: ", ""))
            for i in range(1, entries + 1):
                for form in ("der", "pem"):
                    ours, theirs = (self.ask(p, "--export", str(i), "--outform", form, *args) for p in (self.ours_as, self.real_as))
                    self.assertEqual(ours.out, theirs.out.replace(b"Private key passphrase: ", b""), f"{name} {i} {form}")
                    self.good(ours, f"--export of {name}")

    def test_what_is_wrong_is_said(self):
        self.container("ec", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        for args, answer, word in ((["--list", "--in", "ec.p12"], b"wrong\n", "passphrase"), (["--list", "--in", "c.pem"], b"abc\n", "no PEM block"),
                                   (["--export", "0", "--in", "ec.p12"], b"abc\n", "invalid index 0: expected 1 to 2"),
                                   (["--export", "3", "--in", "ec.p12"], b"abc\n", "invalid index 3"),
                                   (["--in", "ec.p12"], b"abc\n", "expected --list or --export"),
                                   (["--list", "--export", "1", "--in", "ec.p12"], b"", "expected --list or --export")):
            self.refused(self.ask(self.ours_as, *args, answer=answer), word)

    def test_an_empty_passphrase_opens_what_has_one(self):
        self.container("none", ["ed25519"], password="")
        self.assertIn("ED25519 256 bits", self.good(self.ask(self.ours_as, "--list", "--in", "none.p12", answer=b"\n"), "--list").text)


if __name__ == "__main__":
    kit.main()
