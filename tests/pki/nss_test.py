#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Libreswan's users do with NSS's tools, on Keyway's key store: a password over it, ipsec certutil; line by line
beside NSS's own certutil on its own database."""
import os
import re

import kit
import nss
from store_test import Store

PASSWORD = "MyStrongPasswordHere"
FACT = 'NSS Password from file "{}" for token "{}" with length {} passed to NSS\n'


class Protected(Store):
    """A store with a password, and files that have it."""

    def setUp(self):
        super().setUp()
        self.write("old", PASSWORD + "\n")
        self.write("new", "Another1\n")
        self.write("empty", "\n")

    def nsspassword(self, text):
        os.makedirs(self.path("etc/ipsec.d"), mode=0o700, exist_ok=True)
        os.chmod(self.path("etc/ipsec.d"), 0o700)
        return self.path(self.write("etc/ipsec.d/nsspassword", text))

    def certutil(self, *args):
        return self.ipsec("certutil", *args)

    def key_files(self):
        return sorted(name for name in os.listdir(self.store) if name.endswith(".key.db"))

    def opens(self, name, password):
        """Whether openssl reads the private key in the store with the password alone."""
        result = kit.run(["openssl", "pkey", "-in", os.path.join(self.store, name), "-passin", "pass:" + password, "-pubout"],
                         self.folder)
        return result.code == 0

    def public(self, ckaid):
        return re.search(r"pubkey=(\S+)", self.must("showhostkey", "--left", "--pubkey", "--ckaid", ckaid))[1]


class Password(Protected):
    def test_keys_of_a_store_with_a_password_are_encrypted_with_it(self):
        self.assertEqual(self.must("initnss", "--password", PASSWORD), "Initializing NSS database\n\n")
        ckaid = self.new("--keytype", "ecdsa", "--password", PASSWORD)
        name = ckaid + ".1.key.db"
        self.assertEqual(self.key_files(), [name])
        self.assertIn(b"BEGIN ENCRYPTED PRIVATE KEY", self.read(os.path.join(self.store, name)))
        self.assertTrue(self.opens(name, PASSWORD))
        self.assertFalse(self.opens(name, "x"))
        self.assertIn(ckaid, self.must("showhostkey", "--list"))
        self.must("checknss", "--password", PASSWORD)
        for command in (["newhostkey", "--keytype", "ecdsa"], ["checknss"], ["showhostkey", "--list"]):
            result = self.ipsec(*command, "--password", "x")
            self.assertEqual(result.code, 1)
            self.assertIn("the password does not open the key store", result.err)
        result = self.ipsec("newhostkey", "--keytype", "ecdsa")
        self.assertEqual(result.code, 1)
        self.assertIn("has a password", result.err)
        self.assertEqual(self.key_files(), [name])

    def test_nsspassword_has_the_password_of_commands(self):
        self.nsspassword(f"Card:1234\nNSS Certificate DB:{PASSWORD}\n")
        self.must("initnss")
        ckaid = self.new("--keytype", "ecdsa")
        self.assertTrue(self.opens(ckaid + ".1.key.db", PASSWORD))
        for text in ("NSS Certificate DB:x\n", f"NSS Certificate DB:{PASSWORD}", f"NSS Certificate DB: {PASSWORD}\n"):
            self.nsspassword(text)
            self.assertEqual(self.ipsec("checknss").code, 1, text)
        for text in (f"NSS FIPS 140-2 Certificate DB:{PASSWORD}\n", f"NSS Certificate DB:x\nNSS Certificate DB:{PASSWORD}\n"):
            self.nsspassword(text)
            self.must("checknss")

    def test_a_nsspassword_that_others_can_read_is_refused_unless_its_folder_is_closed(self):
        self.must("initnss", "--password", PASSWORD)
        os.chmod(self.nsspassword(f"NSS Certificate DB:{PASSWORD}\n"), 0o644)
        self.must("checknss")
        os.chmod(self.path("etc/ipsec.d"), 0o755)
        result = self.ipsec("checknss")
        self.assertEqual(result.code, 1)
        self.assertIn("others can read the private file", result.err)
        os.chmod(self.path("etc/ipsec.d/nsspassword"), 0o600)
        self.must("checknss")

    def test_what_is_typed_opens_the_store(self):
        self.must("initnss", "--password", PASSWORD)
        self.good(self.ipsec("newhostkey", "--keytype", "ecdsa", stdin=PASSWORD.encode() + b"\n"), "newhostkey")
        self.assertEqual(self.ipsec("newhostkey", "--keytype", "ecdsa", stdin=b"x\n").code, 1)
        self.assertEqual(len(self.key_files()), 1)

    def test_the_password_is_set_changed_and_taken_away(self):
        self.must("initnss")
        self.new("--keytype", "ecdsa")
        self.new("--keytype", "eddsa")
        self.assertIn(b"BEGIN PRIVATE KEY", self.read(os.path.join(self.store, self.key_files()[0])))
        for args, password, others in ((["-N", "-@", "old"], PASSWORD, ["x", "Another1"]),
                                       (["-W", "-f", "old", "-@", "new"], "Another1", [PASSWORD]),
                                       (["-N", "-f", "new", "-@", "old"], PASSWORD, ["Another1"])):
            result = self.good(self.certutil(*args), f"certutil {args}")
            self.assertEqual(result.text, "Password changed successfully.\n")
            self.assertEqual(len(self.key_files()), 2)
            for name in self.key_files():
                self.assertTrue(self.opens(name, password), args)
                self.assertFalse(any(self.opens(name, other) for other in others), args)
        before = {name: self.read(os.path.join(self.store, name)) for name in os.listdir(self.store)}
        for args in (["-W", "-f", "new", "-@", "old"], ["-W", "-f", "old", "-@", "none"], ["-W", "-f", "none", "-@", "new"]):
            result = self.certutil(*args)
            self.assertEqual(result.code, 255)
            self.assertIn("certutil: Could not set password for the slot: SEC_ERROR_BAD_PASSWORD: ", result.err)
        self.assertEqual({name: self.read(os.path.join(self.store, name)) for name in os.listdir(self.store)}, before)
        self.good(self.certutil("-W", "-f", "old", "-@", "empty"), "certutil -W")
        self.must("checknss")
        self.assertTrue(self.opens(self.key_files()[0], ""))

    def test_a_change_that_was_stopped_leaves_a_store_that_its_password_opens(self):
        self.must("initnss", "--password", PASSWORD)
        ckaid = self.new("--keytype", "ecdsa", "--password", PASSWORD)
        index = self.read(os.path.join(self.store, "keyway.db"))
        old = self.read(os.path.join(self.store, ckaid + ".1.key.db"))
        self.good(self.certutil("-W", "-f", "old", "-@", "new"), "certutil -W")
        new = self.read(os.path.join(self.store, ckaid + ".2.key.db"))
        # stopped before the index was written
        after = self.read(os.path.join(self.store, "keyway.db"))
        self.write(os.path.join(self.store, "keyway.db"), index)
        self.write(os.path.join(self.store, ckaid + ".1.key.db"), old)
        os.chmod(os.path.join(self.store, ckaid + ".1.key.db"), 0o600)
        self.must("checknss", "--password", PASSWORD)
        # stopped behind it: the next who writes removes what the old password opens
        self.write(os.path.join(self.store, "keyway.db"), after)
        self.write(os.path.join(self.store, ckaid + ".2.key.db"), new)
        self.must("checknss", "--password", "Another1")
        self.new("--keytype", "ecdsa", "--password", "Another1")
        self.assertNotIn(ckaid + ".1.key.db", self.key_files())
        self.assertIn(ckaid + ".2.key.db", self.key_files())

    def test_an_import_wants_the_password_of_the_store_as_well(self):
        self.must("initnss", "--password", PASSWORD)
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "k", "-subj",
                     "/CN=x", "-out", "x.pem")
        self.openssl("pkcs12", "-export", "-inkey", "k", "-in", "x.pem", "-name", "x", "-passout", "file:new", "-out", "x.p12")
        self.assertEqual(self.ipsec("import", "x.p12", "-w", "new").code, 1)
        self.assertEqual(self.key_files(), [])
        self.must("import", "x.p12", "-w", "new", "--password", PASSWORD)
        self.assertTrue(self.opens(self.key_files()[0], PASSWORD))


class Daemon(Protected):
    def test_the_daemon_opens_its_keys_with_nsspassword_and_says_so(self):
        self.must("initnss", "--password", PASSWORD)
        ckaid = self.new("--keytype", "ecdsa", "--password", PASSWORD)
        path = self.nsspassword(f"NSS Certificate DB:{PASSWORD}\n")
        log = self.start([("a", "pubkeys", "0s" + self.public(ckaid))])
        self.assertIn(FACT.format(path, "NSS Certificate DB", 20), log)
        self.assertIn("connection a: the private key of a raw public key is in the key store", log)
        self.assertNotIn(PASSWORD, log)
        self.nsspassword(f"NSS FIPS 140-2 Certificate DB:{PASSWORD}\nNSS Certificate DB:x")
        log = self.start([("a", "pubkeys", "0s" + self.public(ckaid))])
        self.assertIn(FACT.format(path, "NSS FIPS 140-2 Certificate DB", 20), log)
        for text, words in ((None, f'{path} has no line "NSS Certificate DB:PASSWORD"'),
                            (f"NSS Certificate DB:{PASSWORD}", f"{path}: its last line has no line feed, and is ignored"),
                            ("NSS Certificate DB:x\n", f'the password in {path} for token "NSS Certificate DB" does not open')):
            os.unlink(path) if text is None else self.nsspassword(text)
            log = self.start([("a", "pubkeys", "0s" + self.public(ckaid))])
            self.assertIn(words, log)
            self.assertNotIn("passed to NSS", log)
            self.assertIn("connection a: no private key for a raw public key of ours", log)

    def test_nssdir_says_where_the_daemon_looks(self):
        os.mkdir(self.path("d"))
        self.must("initnss", "--nssdir", self.path("d"))
        result = self.good(self.ipsec("newhostkey", "--keytype", "ecdsa", "--nssdir", self.path("d")), "newhostkey")
        ckaid = re.search(r"[0-9a-f]{40}", result.err)[0]
        line = self.must("showhostkey", "--left", "--pubkey", "--ckaid", ckaid, "--nssdir", self.path("d"))
        connection = [("a", "pubkeys", "0s" + re.search(r"pubkey=(\S+)", line)[1])]
        self.assertIn(f"is in the key store: {self.path('d')}/{ckaid}.key.db", self.start(connection, "--nssdir", self.path("d")))
        self.assertIn("connection a: no private key", self.start(connection))


class Both(Protected):
    """The same commands to NSS's certutil and to ours; without a password where NSS asks for one on a terminal alone."""

    def setUp(self):
        super().setUp()
        self.real = nss.Database(self, "real")
        self.must("initnss")
        for name, subject in (("ca", "/O=Org/CN=CA"), ("other", "/CN=other"), ("third", "/CN=third")):
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                         name + ".key", "-subj", subject, "-days", "30", "-out", name + ".pem", "-addext",
                         "basicConstraints=CA:" + ("TRUE" if name == "ca" else "FALSE"))
        self.openssl("x509", "-in", "ca.pem", "-outform", "der", "-out", "ca.der")

    def pair(self, *args):
        theirs = self.real.run("certutil", *args, "-d", "sql:" + self.real.folder)
        return theirs, self.certutil(*args)

    def same(self, *args, code=0, err=True):
        """Alike in all that they say; lists come in an order of NSS's own."""
        theirs, ours = self.pair(*args)
        self.assertEqual((theirs.code, ours.code), (code, code), (args, theirs.err, ours.err))
        self.assertEqual(*(sorted(re.sub(rb"^<.\d>", b"<>", line) for line in r.out.splitlines()) for r in (theirs, ours)), args)
        if err:
            self.assertEqual(ours.err, theirs.err, args)
        return ours

    def both_take(self, key):
        """A private key with a certificate, as it comes by PKCS#12."""
        self.openssl("pkcs12", "-export", "-inkey", key + ".key", "-in", key + ".pem", "-name", key, "-passout", "file:new",
                     "-out", key + ".p12")
        self.real.must("pk12util", "-i", self.path(key + ".p12"), "-d", "sql:" + self.real.folder, "-w", self.path("new"))
        self.must("pk12util", "-i", key + ".p12", "-w", "new")


class Certutil(Both):
    def test_certificates_come_and_go_as_with_nss(self):
        self.same("-L")
        self.same("-A", "-n", "ca", "-t", "CT,,", "-a", "-i", "ca.pem")
        self.same("-A", "-n", "the other", "-t", ",,", "-i", "other.pem")
        self.same("-L")
        for args in (["-L", "-n", "ca", "-a"], ["-L", "-n", "ca", "-r"]):
            theirs, ours = self.pair(*args)
            self.assertEqual(ours.out.replace(b"\r", b""), theirs.out.replace(b"\r", b""))
        self.same("-A", "-n", "again", "-t", "C,C,", "-i", "ca.der")
        self.same("-L")
        self.same("-D", "-n", "the other")
        self.same("-L")

    def test_every_trust_is_written_as_nss_writes_it(self):
        self.same("-A", "-n", "ca", "-t", "CT,,", "-i", "ca.pem")
        words = ["", "CT,C", "CT,C,,", "u,w,u", "x,,", "CT, C,"]
        flags = ["p", "c", "T", "pc", "pC", "pT", "cT", "TC", "TP", "CP", "pcTCP", "pcT", "cTP", "CTP"]
        for word in [*words, *(f"{f},{f},{g}" for f, g in zip(flags, reversed(flags)))]:
            theirs, ours = self.pair("-M", "-n", "ca", "-t", word)
            self.assertEqual((ours.code, ours.err), (theirs.code, theirs.err), word)
            self.assertEqual(*(r.out for r in self.pair("-L")), word)

    def test_keys_are_listed_and_forgotten_as_by_nss(self):
        self.same("-K", code=255)
        self.both_take("other")
        self.same("-K")
        self.same("-L")
        self.same("-K", "-k", "rsa", code=255)
        self.same("-K", "-k", "ec")
        self.same("-D", "-n", "other")
        self.same("-K")
        self.both_take("third")
        self.same("-F", "-n", "third")
        self.same("-L")
        self.same("-K")

    def test_a_key_without_a_name_is_an_orphan(self):
        ckaid = self.new("--keytype", "eddsa")
        self.assertIn(f"<0> ed       {ckaid}   (orphan)\n", self.certutil("-K").text.replace("< 0>", "<0>"))
        self.good(self.certutil("-F", "-k", ckaid), "certutil -F")
        self.assertEqual(self.key_files(), [])

    def test_mistakes_end_alike(self):
        self.same("-A", "-n", "ca", "-t", "CT,,", "-i", "ca.pem")
        for args in (["-L", "-n", "none"], ["-M", "-n", "none", "-t", ",,"], ["-M", "-n", "ca"], ["-M", "-t", ",,"],
                     ["-A", "-t", ",,", "-i", "ca.der"], ["-A", "-n", "x", "-i", "ca.der"], ["-D"], ["-D", "-n", "none"],
                     ["-A", "-n", "x", "-t", ",,", "-i", "ca.key"],
                     ["-A", "-n", "ca", "-t", ",,", "-i", "other.pem"], ["-F"], ["-F", "-k", "00"]):
            self.same(*args, code=255)
        for args, code in ((["-L", "-K"], 255), ([], 1), (["-A", "-n", "x", "-t", ",,", "-i", "none"], 255),
                           (["-A", "-n", "x", "-t", ",,", "-a", "-i", "ca.der"], 255)):
            theirs, ours = self.pair(*args)
            self.assertEqual((ours.code, theirs.code), (code, code), args)
        result = self.ipsec("certutil", "-L", "-d", "x")
        self.assertEqual((result.code, result.out), (2, b""))
        self.assertEqual(result.err, "ERROR: ipsec {certutil|crlutil|pk12util|vfychain} do not accept --nssdir\n")

    def test_a_password_is_set_and_wanted_as_by_nss(self):
        self.both_take("other")
        theirs = self.real.run("certutil", "-W", "-d", "sql:" + self.real.folder, "-f", "empty", "-@", "old")
        ours = self.certutil("-W", "-@", "old")
        self.assertEqual((ours.code, ours.out, ours.err), (theirs.code, theirs.out, theirs.err))
        self.same("-K", "-f", "old")
        self.same("-K", "-f", "new", code=255)
        self.same("-K", "-f", "none", code=255)
        self.same("-W", "-f", "new", "-@", "old", code=255)
        self.same("-W", "-f", "old", "-@", "new")
        self.same("-K", "-f", "new")
        self.same("-M", "-n", "other", "-t", "P,,", "-f", "new")
        self.same("-F", "-n", "other", "-f", "old", code=255)
        self.same("-F", "-n", "other", "-f", "new")
        self.same("-L")

    def test_n_makes_a_store_with_a_password(self):
        for name in os.listdir(self.store):
            os.unlink(os.path.join(self.store, name))
        result = self.certutil("-L")
        self.assertEqual((result.code, result.err),
                         (255, "certutil: function failed: SEC_ERROR_BAD_DATABASE: security library: bad database.\n"))
        self.assertEqual(self.good(self.certutil("-N", "-f", "old"), "certutil -N").err, "")
        self.new("--keytype", "ecdsa", "--password", PASSWORD)
        self.assertTrue(self.opens(self.key_files()[0], PASSWORD))

    def test_what_is_made_elsewhere_is_said(self):
        for letter, words in (("-S", "ipsec pki --gen"), ("-G", "ipsec newhostkey"), ("-R", "ipsec pki --req"), ("-V", "--verify")):
            result = self.certutil(letter, "-n", "x", "-x", "-8", "y")
            self.assertEqual((result.code, result.out), (255, b""))
            self.assertIn(words, result.err)


class Pk12util(Both):
    def both(self, *args):
        theirs = self.real.run("pk12util", *args, "-d", "sql:" + self.real.folder)
        return theirs, self.ipsec("pk12util", *args)

    def alike(self, *args, code=0):
        theirs, ours = self.both(*args)
        self.assertEqual((ours.code, ours.out), (theirs.code, theirs.out), (args, theirs.err, ours.err))
        self.assertEqual(ours.code, code, args)
        return theirs, ours

    def container(self, *more, subject="/O=Mine/CN=leaf"):
        """A leaf below the authority ca, with it and two others that have no friendlyName."""
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "leaf.key", "-subj",
                     subject, "-out", "leaf.csr")
        self.openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30", "-out", "leaf.pem")
        self.openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/C=NL/O=just org", "-out", "org.pem")
        self.write("chain.pem", self.read("ca.pem") + self.read("org.pem"))
        self.openssl("pkcs12", "-export", "-inkey", "leaf.key", "-in", "leaf.pem", "-certfile", "chain.pem", "-passout",
                     "file:new", "-out", "leaf.p12", *more)
        return "leaf.p12"

    def test_what_comes_in_has_the_same_names_and_trust_as_with_nss(self):
        for more, subject in (([], "/O=Mine/CN=leaf"), (["-name", "east"], "/CN=other leaf")):
            self.alike("-i", self.path(self.container(*more, subject=subject)), "-w", self.path("new"))
            self.same("-L")
            self.same("-K")
        self.same("-M", "-n", "CA - Org", "-t", "CT,,")
        self.alike("-i", self.path("leaf.p12"), "-w", self.path("new"))
        self.same("-L")

    def test_each_reads_what_the_other_writes(self):
        self.alike("-i", self.path(self.container("-name", "east")), "-W", "Another1")
        there = self.real.run("pk12util", "-o", self.path("theirs.p12"), "-n", "east", "-W", "x", "-d", "sql:" + self.real.folder)
        here = self.ipsec("pk12util", "-o", "ours.p12", "-n", "east", "-W", "x")
        self.assertEqual((here.code, here.out, here.err), (there.code, there.out, there.err))
        self.assertEqual(os.stat(self.path("ours.p12")).st_mode & 0o777, 0o600)
        shown = [self.openssl("pkcs12", "-in", name, "-passin", "pass:x", "-nodes").decode() for name in ("ours.p12", "theirs.p12")]
        for what in (r"-----BEGIN CERT[^-]*-----[^-]*-", r"friendlyName: .*", r"-----BEGIN PRIV[^-]*-----[^-]*-"):
            ours, theirs = (sorted(re.findall(what, text)) for text in shown)
            self.assertEqual(ours, theirs)
        other = nss.Database(self, "other-database")
        other.must("pk12util", "-i", self.path("ours.p12"), "-W", "x", "-d", "sql:" + other.folder)
        self.assertIn("u,u,u", other.must("certutil", "-L", "-d", "sql:" + other.folder).text)
        for name in os.listdir(self.store):
            os.unlink(os.path.join(self.store, name))
        self.must("initnss", "--password", PASSWORD)
        self.good(self.ipsec("pk12util", "-i", "theirs.p12", "-W", "x", "-K", PASSWORD), "pk12util -i")
        self.assertTrue(self.opens(self.key_files()[0], PASSWORD))
        self.assertEqual(self.ipsec("pk12util", "-o", "x.p12", "-n", "east", "-W", "x").code, 18)
        self.good(self.ipsec("pk12util", "-o", "x.p12", "-n", "east", "-W", "x", "-k", "old"), "pk12util -o")

    def test_a_container_is_listed_with_its_names(self):
        self.container("-name", "east")
        theirs, ours = self.both("-l", self.path("leaf.p12"), "-W", "Another1")
        self.assertEqual((ours.code, theirs.code), (0, 0))
        for line in (r"^Certificate.*:$", r"^Key\(shrouded\):$", r"^    Friendly Name: .*$"):
            self.assertEqual(re.findall(line, ours.text, re.M), re.findall(line, theirs.text, re.M))
        self.assertNotIn("Subject", self.both("-l", self.path("leaf.p12"), "-W", "Another1", "-r")[1].text)

    def test_mistakes_end_alike(self):
        self.both_take("other")
        self.same("-A", "-n", "ca", "-t", ",,", "-i", "ca.pem")
        path = self.path("other.p12")
        for args, code in ((["-i", path, "-W", "bad"], 17), (["-l", path, "-W", "bad"], 17), (["-i", path, "-w", "none"], 1),
                           (["-i", "none", "-W", "x"], 10), (["-i", self.path("ca.pem"), "-W", "x"], 17), ([], 2),
                           (["-o", "x.p12", "-W", "x"], 2), (["-o", self.path("no/x"), "-n", "other", "-W", "x"], 10)):
            theirs, ours = self.both(*args)
            self.assertEqual((ours.code, theirs.code), (code, code), (args, ours.err, theirs.err))
        for args in (["-o", "x", "-n", "none", "-W", "x"], ["-o", "x", "-n", "ca", "-W", "x"]):
            theirs, ours = self.alike(*args, code=24)
            self.assertEqual(ours.err, theirs.err)
        self.assertEqual(self.ipsec("pk12util", "-d", "x", "-i", "y").code, 2)

    def test_other_tools_of_nss_say_what_does_their_work(self):
        for name, words in (("crlutil", "/etc/ipsec.d/crls"), ("modutil", "certutil -W"), ("vfychain", "ipsec pki --verify")):
            result = self.ipsec(name, "-L")
            self.assertEqual((result.code, result.out), (1, b""))
            self.assertIn(words, result.err)


class TakingOver(Protected):
    """A database that NSS's own tools have written into the folder of the key store."""

    def setUp(self):
        super().setUp()
        self.must("initnss")
        self.here = nss.Database(self, "state/ipsec/nss", is_made=False)
        self.more_environment = {"PATH": self.here.tools() + ":" + os.environ["PATH"]}

    def nss(self, program, *args):
        return self.here.must(program, *args, "-d", "sql:" + self.store)

    def fill(self):
        """A certificate with its key, an authority that is trusted, a key without a certificate."""
        self.write("noise", os.urandom(64))
        self.nss("certutil", "-S", "-n", "ca", "-s", "CN=CA,O=Org", "-x", "-t", "CT,,", "-k", "ec", "-q", "secp256r1", "-z",
                 self.path("noise"), "-f", self.path("old"))
        self.nss("certutil", "-S", "-n", "the east", "-s", "CN=east", "-c", "ca", "-t", ",,", "-k", "rsa", "-g", "2048", "-z",
                 self.path("noise"), "-f", self.path("old"), "-m", "7")
        self.nss("certutil", "-G", "-k", "ec", "-q", "secp384r1", "-z", self.path("noise"), "-f", self.path("old"))

    def lists(self):
        """Of NSS's tool and of ours, without what counts the lines."""
        for args in (["-L"], ["-K", "-f", self.path("old")]):
            theirs = self.nss("certutil", *args).text
            yield args, *(sorted(re.sub(r"^<.*?>", "", line) for line in text.splitlines())
                          for text in (theirs, self.certutil(*args).text))

    def test_the_password_procedure_of_the_text_runs_as_printed(self):
        """certutil -N, the nsspassword file, a restart."""
        ckaid = self.new("--keytype", "ecdsa")
        self.assertTrue(self.opens(ckaid + ".key.db", ""))
        self.nss("certutil", "-N", "-f", self.path("old"))
        path = self.nsspassword(f"NSS Certificate DB:{PASSWORD}\n")
        log = self.start([("a", "pubkeys", "0s" + self.public(ckaid))])
        self.assertIn(FACT.format(path, "NSS Certificate DB", 20), log)
        self.assertIn("connection a: the private key of a raw public key is in the key store", log)
        self.assertEqual(self.key_files(), [ckaid + ".1.key.db"])
        self.assertTrue(self.opens(ckaid + ".1.key.db", PASSWORD))
        self.assertFalse(self.opens(ckaid + ".1.key.db", ""))

    def test_all_that_a_database_has_comes_over_once(self):
        self.nss("certutil", "-N", "-f", self.path("old"))
        self.fill()
        self.nsspassword(f"NSS Certificate DB:{PASSWORD}\n")
        before = {name: self.read(os.path.join(self.store, name)) for name in ("cert9.db", "key4.db")}
        self.assertIn("3 keys, 2 certificates\n", self.good(self.ipsec("checknss"), "checknss").err)
        for args, theirs, ours in self.lists():
            self.assertEqual(ours, theirs, args)
        for name in self.key_files():
            self.assertTrue(self.opens(name, PASSWORD))
        self.assertEqual({name: self.read(os.path.join(self.store, name)) for name in before}, before)
        self.assertEqual([name for name in os.listdir(self.store) if name.startswith(".")], [])
        self.good(self.certutil("-D", "-n", "the east"), "certutil -D")
        self.assertEqual(self.ipsec("checknss").err, "")
        self.assertNotIn("the east", self.certutil("-L").text)
        self.nss("certutil", "-M", "-n", "ca", "-t", "C,,", "-f", self.path("old"))
        self.must("checknss")
        self.assertRegex(self.certutil("-L").text, r"\nca +Cu,u,u\n")

    def test_a_database_without_a_password_comes_over_when_the_daemon_starts(self):
        self.write("old", "\n")
        self.nss("certutil", "-N", "--empty-password")
        self.fill()
        os.unlink(os.path.join(self.store, "keyway.db"))
        log = self.start([("a", "certs", "the east")])
        self.assertIn(f"taken over from the database of NSS's in {self.store}: keys 3, certificates 2, left 0", log)
        self.assertIn("connection a: the private key of CN=east is in the key store", log)
        self.assertNotIn("taken over", self.start([("a", "certs", "the east")]))

    def test_a_password_that_is_not_known_is_asked_for_by_name(self):
        ckaid = self.new("--keytype", "ecdsa")
        self.nss("certutil", "-N", "-f", self.path("old"))
        for text in (None, "NSS Certificate DB:wrong\n"):
            if text:
                self.nsspassword(text)
            result = self.ipsec("checknss")
            self.assertEqual(result.code, 1)
            self.assertIn("the password of NSS's database is not known", result.err)
            self.assertIn(self.path("etc/ipsec.d/nsspassword"), result.err)
            self.assertIn("the password of NSS's database is not known", self.start([]))
            self.assertEqual(self.key_files(), [ckaid + ".key.db"])
        self.assertEqual([name for name in os.listdir(self.store) if name.startswith(".")], [])

    def test_without_the_tools_the_command_is_said(self):
        self.nss("certutil", "-N", "--empty-password")
        self.more_environment = {"PATH": "/nowhere"}
        result = self.good(self.ipsec("checknss"), "checknss")
        self.assertIn("with NSS's tools installed, 'ipsec checknss' takes it over", result.err)
        self.more_environment = {}
        self.assertIn("is not used; try: ipsec checknss", self.start([]))


if __name__ == "__main__":
    kit.main()
