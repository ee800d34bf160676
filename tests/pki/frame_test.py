#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Command lines of the pki tool: its spellings and its refusals; keys and their ids beside openssl and strongSwan's pki."""
import re

import kit

KINDS = {  # how openssl calls what --gen makes
    "rsa": (["--type", "rsa"], "Private-Key: (2048 bit, 2 primes)"),
    "rsa-1024": (["-t", "rsa", "-s", "1024"], "Private-Key: (1024 bit, 2 primes)"),
    "ecdsa": (["--type", "ecdsa"], "ASN1 OID: secp384r1"),
    "ecdsa-256": (["--type", "ecdsa", "--size", "256"], "ASN1 OID: prime256v1"),
    "ecdsa-521": (["--type", "ecdsa", "--size=521"], "ASN1 OID: secp521r1"),
    "ed25519": (["--type", "ed25519"], "ED25519 Private-Key:"),
    "ed448": (["--type", "ed448"], "ED448 Private-Key:"),
}


class CommandLine(kit.Case):
    def test_every_spelling_runs_the_same_command(self):
        for program, args in (("pki", ["--gen"]), ("pki", ["-g"]), ("pki", ["gen"]), ("ipsec", ["pki", "--gen"]),
                              ("keyway", ["pki", "gen"]), ("keyway", ["pki", "--gen"])):
            result = self.try_ours(*args, "--type", "ed25519", "--outform", "pem", program=program)
            self.good(result, f"{program} {args}")
            self.assertTrue(result.text.startswith("-----BEGIN PRIVATE KEY-----\n"), result.text)

    def test_help_lists_every_command_and_every_option(self):
        overview = self.ours("--help").decode()
        self.assertEqual(self.try_ours().text, overview)
        for name, letter in re.findall(r"--(\w+) +\(-(.)\)", overview):
            if name == "help":
                continue
            usage = self.ours(f"--{name}", "--help").decode()
            self.assertEqual(self.ours(f"-{letter}", "-h").decode(), usage)
            self.assertIn("(-+)  read command line options from file", usage)

    def test_every_option_of_strongswans_tool_is_known_under_both_names(self):
        overview = self.ours("--help").decode()
        for name, letter in re.findall(r"--(\w+) +\(-(.)\)", overview):
            if name in ("help", "ocsp"):  # 5.9.8 has no --ocsp: see ocsp_test.py
                continue
            ours = dict(re.findall(r"^ +--([\w-]+) +\(-(.)\)", self.ours(f"-{letter}", "--help").decode(), re.M))
            theirs = self.try_real(f"--{name}", "--help")
            real = dict(re.findall(r"^ +--([\w-]+) +\(-(.)\)", theirs.text, re.M))
            self.assertGreater(len(real), 3, theirs.err)
            self.assertEqual({n: ours.get(n) for n in real}, real, name)

    def test_options_come_from_a_file_in_its_own_place(self):
        self.write("inner.opt", "--size 256 # not --size 521\n")
        self.write("all.opt", "# a key\n--type 'ecdsa'\n--options inner.opt \"--outform\" pem")
        self.assertIn(b"BEGIN EC PRIVATE KEY", self.ours("--gen", "--options", "all.opt"))
        der = self.ours("--gen", "-+", "all.opt", "--outform", "der")
        self.assertIn(b"prime256v1", self.openssl("ec", "-inform", "der", "-text", "-noout", stdin=der))

    def test_options_files_end(self):
        self.write("loop.opt", "--options loop.opt")
        self.refused(self.try_ours("--gen", "--options", "loop.opt"), "nest deeper")
        self.write("open.opt", "--type \"rsa")
        self.refused(self.try_ours("--gen", "--options", "open.opt"), "open.opt is not closed")
        self.write("many.opt", "--type rsa " * 5000)
        self.refused(self.try_ours("--gen", "--options", "many.opt"), "more than 4095 words in many.opt")
        self.write("large.opt", "#" * 70000)
        self.refused(self.try_ours("--gen", "--options", "large.opt"), "larger than 65536 bytes")

    def test_what_is_wrong_is_said(self):
        for args, word in ((["--foo"], "invalid operation --foo"), (["foo"], "invalid operation foo"),
                           (["--gen", "--foo"], "invalid --gen option --foo"), (["--gen", "-x"], "invalid --gen option -x"),
                           (["--gen", "--type"], "option --type of --gen wants an argument"),
                           (["--gen", "--type", "dsa"], "invalid --type dsa: expected rsa|ecdsa|ed25519|ed448"),
                           (["--gen", "--size", "-1"], "invalid --size -1"), (["--gen", "--size", "2k"], "invalid --size 2k"),
                           (["--gen", "--size", "99999999999999999999"], "invalid --size"),
                           (["--gen", "--size", "512"], "expected 1024 to 8192 bits"),
                           (["--gen", "-t", "ecdsa", "-s", "255"], "expected 256, 384 or 521"),
                           (["--gen", "--shares", "3"], "shares of RSA keys are not made"),
                           (["--gen", "--debug", "5"], "invalid --debug 5"), (["--gen", "rsa"], "unexpected argument rsa"),
                           (["--gen", "--outform", "text"], "invalid --outform text: expected der|pem"),
                           (["--gen", "--options", "nothing.opt"], "cannot open nothing.opt"),
                           (["--pub", "--keyid", "0x8100000g"], "--keyid 0x8100000g is no handle of an object")):
            self.refused(self.try_ours(*args), word)

    def test_a_full_disk_is_noticed(self):
        with open("/dev/full", "wb") as full:
            p = kit.subprocess.run([f"{kit.BIN}/pki", "--gen", "--type", "ed25519"], stdout=full, stderr=-1, check=False)
        self.assertEqual(p.returncode, 1)
        self.assertIn(b"cannot write to stdout", p.stderr)


class Keys(kit.Case):
    def test_each_kind_is_what_openssl_reads(self):
        for name, (args, words) in KINDS.items():
            for form in ("der", "pem"):
                key = self.ours("--gen", *args, "--outform", form)
                text = self.openssl("pkey", "-inform", form, "-text", "-noout", "-check", stdin=key).decode()
                self.assertIn(words, text, name)

    def test_safe_primes_are(self):
        key = self.ours("--gen", "--size", "1024", "--safe-primes")
        text = self.openssl("rsa", "-inform", "der", "-text", "-noout", "-check", stdin=key).decode()
        self.assertIn("RSA key ok", text)
        for name in ("prime1", "prime2"):
            prime = int(re.search(name + r":\n((?: +[0-9a-f:]+\n)+)", text)[1].replace(":", "").replace("\n", "").replace(" ", ""), 16)
            self.assertIn(b"is prime", self.openssl("prime", str((prime - 1) // 2)))

    def test_public_keys_and_ids_are_those_of_strongswans_tool_for_its_keys_and_ours(self):
        for name, (args, _) in KINDS.items():
            if name in ("ecdsa", "rsa-1024"):
                continue
            makers = [self.ours, self.real]
            for make in makers:
                make("--gen", *args, "--outform", "pem", to="key.pem")
                kind = name.split("-")[0]
                for form in ("der", "pem"):
                    # of strongSwan's only what --type takes there
                    theirs = self.real("--pub", "--in", "key.pem", "--outform", form)
                    self.assertEqual(self.ours("--pub", "--in", "key.pem", "--type", kind, "--outform", form), theirs)
                    self.assertEqual(self.ours("--pub", "--outform", form, stdin=self.read("key.pem")), theirs)
                for form in ("sshkey",) + (("dnskey",) if kind == "rsa" else ()):
                    text = self.ours("--pub", "--in", "key.pem", "--outform", form)
                    if kind != "ed448":  # which strongSwan's pki has no such form of
                        self.assertEqual(text, self.real("--pub", "--in", "key.pem", "--outform", form))
                    self.assertEqual(self.ours("--pub", "--type", "pub", "--outform", "pem", stdin=b"0s" + text), theirs)
                self.write("pub", theirs)
                for options in ([], ["--id", "spk"], ["--id", "spki", "--format", "hex"], ["--format", "base64"],
                                ["--format", "bin"]):
                    theirs = self.real("--keyid", "--in", "pub", "--type", "pub", *options)
                    self.assertEqual(self.ours("--keyid", "--in", "pub", "--type", "pub", *options), theirs)
                    self.assertEqual(self.ours("--keyid", "--in", "key.pem", *options), theirs)

    def test_keys_have_the_structure_that_strongswans_tool_writes(self):
        for kind in ("rsa", "ecdsa", "ed25519", "ed448"):
            ours = self.openssl("asn1parse", "-inform", "der", stdin=self.ours("--gen", "--type", kind)).decode()
            theirs = self.openssl("asn1parse", "-inform", "der", stdin=self.real("--gen", "--type", kind)).decode()
            shape = [re.sub(r":[0-9A-F]{8,}$|^ *\d+:|hl=\d|l= *\d+", "", line).strip() for line in ours.splitlines()]
            self.assertEqual(shape, [re.sub(r":[0-9A-F]{8,}$|^ *\d+:|hl=\d|l= *\d+", "", line).strip()
                                     for line in theirs.splitlines()], kind)

    def test_other_encodings_of_private_keys_are_read(self):
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "k8.pem")
        want = self.openssl("pkey", "-in", "k8.pem", "-pubout", "-outform", "der")
        self.openssl("pkey", "-in", "k8.pem", "-outform", "der", "-out", "k8.der")
        self.openssl("ec", "-in", "k8.pem", "-outform", "der", "-out", "sec1.der")
        for name in ("k8.pem", "k8.der", "sec1.der"):
            self.assertEqual(self.ours("--pub", "--in", name), want)

    def test_the_subject_of_a_certificate_is_given_as_bytes(self):
        self.openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "k.pem", "-out", "c.pem", "-subj",
                     "/C=CH/O=Keyway/CN=moon", "-days", "10")
        for form in ("config", "hex", "base64", "bin"):
            self.assertEqual(self.ours("--dn", "--in", "c.pem", "--format", form), self.real("--dn", "--in", "c.pem", "--format", form))
        self.assertEqual(self.ours("--pub", "--in", "c.pem", "--type", "x509"), self.openssl("pkey", "-in", "k.pem", "-pubout", "-outform", "der"))

    def test_requests_have_a_public_key(self):
        self.openssl("req", "-new", "-newkey", "ed25519", "-nodes", "-keyout", "k.pem", "-out", "r.pem", "-subj", "/CN=moon")
        self.openssl("req", "-in", "r.pem", "-outform", "der", "-out", "r.der")
        want = self.openssl("pkey", "-in", "k.pem", "-pubout", "-outform", "der")
        for name in ("r.pem", "r.der"):
            self.assertEqual(self.ours("--pub", "--in", name, "--type", "pkcs10"), want)

    def test_a_request_with_a_wrong_signature_is_refused(self):
        self.openssl("req", "-new", "-newkey", "ed25519", "-nodes", "-keyout", "k.pem", "-out", "r.der", "-outform", "der",
                     "-subj", "/CN=moon")
        der = self.read("r.der")
        for at in (len(der) - 1, der.index(b"moon")):
            self.write("bad.der", der[:at] + bytes([der[at] ^ 1]) + der[at + 1:])
            self.refused(self.try_ours("--pub", "--in", "bad.der", "--type", "pkcs10"), "signature")

    def test_input_that_is_none_is_refused(self):
        self.ours("--gen", "--type", "ed25519", "--outform", "pem", to="k.pem")
        self.openssl("pkey", "-in", "k.pem", "-aes256", "-passout", "pass:secret", "-out", "locked.pem")
        self.write("empty", b"")
        self.write("noise", bytes(range(256)) * 20)
        self.write("cut.pem", self.read("k.pem")[:60])
        for kind in ("priv", "pub", "rsa", "ecdsa", "x509", "pkcs10"):
            for name in ("empty", "noise", "cut.pem", "nowhere", "."):
                self.refused(self.try_ours("--pub", "--in", name, "--type", kind))
        self.refused(self.try_ours("--pub", "--in", "k.pem", "--type", "ecdsa"), "expected ecdsa; got ed25519")
        locked = kit.run(["setsid", f"{kit.BIN}/pki", "--pub", "--in", "locked.pem"], self.folder)  # no terminal to ask on
        self.refused(locked, "the private key is encrypted")


if __name__ == "__main__":
    kit.main()
