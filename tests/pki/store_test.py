#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The key store and Libreswan's commands on it: ipsec initnss, checknss, newhostkey, showhostkey; the daemon that finds its
keys there; beside Libreswan's own showhostkey on NSS's own database with the same keys."""
import base64
import glob
import os
import re
import stat
import subprocess

import kit
import nss

ECDSA = {"secp256r1": "prime256v1", "secp384r1": "secp384r1", "secp521r1": "secp521r1"}
ANNOUNCED = re.compile(r"Generated (RSA|ECDSA|EDDSA) key pair with CKAID ([0-9a-f]{40}) was stored in the NSS database\n"
                       r"The public key can be displayed using: ipsec showhostkey --left --ckaid \2\n")


class Store(kit.Case):
    CONNECTION = ("{0} {{\n remote_addrs = 192.0.2.2\n local {{\n auth = pubkey\n id = @{0}\n {1} = {2}\n }}\n"
                  " remote {{\n auth = pubkey\n id = @peer\n }}\n}}\n")

    def setUp(self):
        super().setUp()
        self.state = self.path("state")
        self.more_environment = {}
        self.store = os.path.join(self.state, "ipsec", "nss")

    def environment(self):
        return {"KEYWAY_STATE": self.state, "KEYWAY_ETC": self.path("etc"), **self.more_environment}

    def ipsec(self, *args, stdin=b""):
        return kit.run([os.path.join(kit.BIN, "ipsec"), *args], self.folder, stdin, self.environment())

    def must(self, *args):
        return self.good(self.ipsec(*args), "ipsec " + " ".join(args)).text

    def new(self, *args):
        """The CKAID of a new key."""
        result = self.good(self.ipsec("newhostkey", *args), f"newhostkey {args}")
        match = ANNOUNCED.fullmatch(result.err)
        self.assertTrue(match, result.err)
        self.assertEqual(result.out, b"")
        return match[2]

    def start(self, connections, *options):
        """The log of a keywayd in a network of its own, up to the line that counts the connections."""
        os.makedirs(self.path("etc/swanctl"), exist_ok=True)
        os.makedirs(self.path("run"), exist_ok=True)
        text = "".join(self.CONNECTION.format(*c) for c in connections)
        self.write("etc/swanctl/swanctl.conf", "connections {\n" + text + "}\n")
        command = ["unshare", "-n", os.path.join(kit.BIN, "keywayd"), "--foreground", "--etc", self.path("etc"), "--run",
                   self.path("run"), "--state", self.state, *options]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **self.environment()}) as daemon:
            lines = []
            for line in daemon.stderr:
                lines.append(line)
                if re.search(r"connections? loaded", line):
                    break
            daemon.terminate()
            daemon.stderr.read()
        return "".join(lines)

    def key_file(self, ckaid, folder=None):
        return os.path.join(folder or self.store, ckaid + ".key.db")


class Making(Store):
    def test_initnss_makes_a_store_once(self):
        self.assertEqual(self.must("initnss"), "Initializing NSS database\n\n")
        again = self.ipsec("initnss")
        self.assertEqual((again.code, again.text),
                         (42, "NSS database already initialised - aborted\n"
                              f"To wipe the old NSS database, issue: rm {self.store}/*.db\n"))

    def test_removing_what_ends_in_db_starts_afresh(self):
        self.must("initnss")
        self.new("--keytype", "ecdsa")
        for path in glob.glob(self.store + "/*db"):
            os.unlink(path)
        self.assertEqual(os.listdir(self.store), [])
        self.must("initnss")
        self.assertEqual(self.must("showhostkey", "--list"), "")

    def test_checknss_makes_a_store_and_leaves_one_that_is_there(self):
        self.must("checknss")
        ckaid = self.new("--keytype", "ecdsa")
        self.assertEqual(self.must("checknss", "--settrusts"), "")
        self.assertIn(ckaid, self.must("showhostkey", "--list"))

    def test_a_folder_that_is_named_has_to_be_there(self):
        for command in ("initnss", "checknss"):
            result = self.ipsec(command, "--nssdir", self.path("none"))
            self.assertEqual(result.code, 1)
            self.assertEqual(result.err, f'ERROR: destination directory "{self.path("none")}" is missing or permission denied\n')
        result = self.ipsec("newhostkey", "--nssdir", self.path("none"))
        self.assertEqual((result.code, result.text), (255, f"No such directory: {self.path('none')}\n"))

    def test_a_new_key_wants_a_store(self):
        os.mkdir(self.path("d"))
        result = self.ipsec("newhostkey", "--nssdir", self.path("d"))
        self.assertEqual(result.code, 255)
        self.assertIn(f"Please run 'ipsec initnss --nssdir {self.path('d')}'\n", result.text)

    def test_state_and_nssdir_say_where_the_store_is(self):
        self.must("initnss", "--state", self.path("other"))
        self.assertTrue(os.path.exists(self.path("other/ipsec/nss/keyway.db")))
        os.mkdir(self.path("d"))
        self.must("initnss", "--nssdir", "sql:" + self.path("d"))
        self.assertTrue(os.path.exists(self.path("d/keyway.db")))
        self.assertFalse(os.path.exists(self.state))


class Keys(Store):
    def test_files_are_for_their_owner_only(self):
        self.must("initnss")
        ckaid = self.new("--keytype", "ecdsa")
        self.assertEqual(stat.S_IMODE(os.stat(self.store).st_mode), 0o700)
        self.assertEqual(sorted(os.listdir(self.store)), sorted(["keyway.db", ckaid + ".key.db"]))
        for name in os.listdir(self.store):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.store, name)).st_mode), 0o600, name)

    def test_the_private_key_is_pkcs8_that_openssl_reads(self):
        self.must("initnss")
        for args in (["--keytype", "ecdsa"], ["--keytype", "eddsa"], ["--keytype", "eddsa", "--curve", "ed448"]):
            ckaid = self.new(*args)
            self.assertIn(b"BEGIN PRIVATE KEY", self.read(self.key_file(ckaid)))
            self.assertEqual(self.openssl("pkey", "-in", self.key_file(ckaid), "-pubout").decode(),
                             self.must("showhostkey", "--pem", "--ckaid", ckaid))

    def test_an_rsa_key_has_some_size_from_3072_to_4096(self):
        self.must("initnss")
        ckaid = self.new("--seeddev", "/dev/urandom", "--hostname", "west", "--quiet")
        text = self.openssl("rsa", "-in", self.key_file(ckaid), "-noout", "-text").decode()
        bits = int(re.search(r"\((\d+) bit", text)[1])
        self.assertTrue(3072 <= bits < 4096 and bits % 16 == 0, bits)

    def test_sizes_and_kinds_that_are_not_served_are_named(self):
        self.must("initnss")
        for args, code, words in (
                (["--bits", "2048"], 1, "requested RSA key size (2048) is too small - use 2192 or more"),
                (["--bits", "2193"], 1, "requested RSA key size (2193) is not a multiple of 16"),
                (["--bits", "16384"], 1, "is too large"),
                (["--bits", "2192x"], 1, "--bits 2192x: it is no number"),
                (["--bits"], 2, "a value is missing after `--bits'"),
                (["--keytype", "dsa"], 2, "unknown key type `dsa'"),
                (["--keytype", "ecdsa", "--curve", "ed25519"], 1, "curve specification is malformed: ed25519"),
                (["--keytype", "ecdsa", "--bits", "256"], 2, "mutually exclusive"),
                (["--curve", "secp256r1"], 2, "mutually exclusive"),
                (["--seeddev", "/dev/null"], 1, "less than 64 bytes"),
                (["--nonsense"], 2, "unknown option `--nonsense'")):
            result = self.ipsec("newhostkey", *args)
            self.assertEqual(result.code, code, args)
            self.assertIn(words, result.err)
        self.assertEqual(os.listdir(self.store), ["keyway.db"])

    def test_a_password_that_is_not_used_is_said(self):
        self.must("initnss")
        result = self.ipsec("newhostkey", "--keytype", "ecdsa", "--password", "x")
        self.assertEqual(result.code, 0)
        self.assertTrue(result.err.startswith("ipsec newhostkey: the key store has no password"), result.err)

    def test_what_others_may_read_is_refused(self):
        self.must("initnss")
        ckaid = self.new("--keytype", "ecdsa")
        os.chmod(self.key_file(ckaid), 0o640)
        result = self.ipsec("checknss")
        self.assertEqual(result.code, 1)
        self.assertIn(self.key_file(ckaid) + ": others than its owner may read or write it", result.err)

    def test_checknss_names_a_key_that_is_gone_or_another(self):
        self.must("initnss")
        one, two = self.new("--keytype", "ecdsa"), self.new("--keytype", "ecdsa")
        os.rename(self.key_file(one), self.key_file(two))
        result = self.ipsec("checknss")
        self.assertEqual(result.code, 1)
        self.assertIn(self.key_file(one) + ": the key's file is gone", result.err)
        self.assertIn(self.key_file(two) + ": it is another key than the index says", result.err)

    def test_a_damaged_index_is_neither_used_nor_replaced(self):
        self.must("initnss")
        ckaid = self.new("--keytype", "ecdsa").encode()
        index = os.path.join(self.store, "keyway.db")
        good = self.read(index)
        other = ckaid[:-1] + (b"0" if ckaid[-1:] != b"0" else b"1")
        for bad, where in ((good.replace(b"store 1", b"store 2"), "is no index"), (b"", "is no index"),
                           (good[:-20], "keyway.db:2"), (good.replace(ckaid, other), "keyway.db:2"),
                           (good + b"later x\n", "keyway.db:3"), (good.replace(b" MF", b" AF"), "keyway.db:2")):
            self.assertNotEqual(bad, good)
            self.write(index, bad)
            for command in (["showhostkey", "--list"], ["checknss"], ["newhostkey", "--keytype", "ecdsa"]):
                result = self.ipsec(*command)
                self.assertEqual(result.code, 1, (bad, command))
                self.assertIn(where, result.err)
            self.assertEqual(self.read(index), bad)


class Showing(Store):
    def test_a_key_is_found_by_its_ids(self):
        self.must("initnss")
        ckaid, other = self.new("--bits", "2192"), self.new("--keytype", "ecdsa")
        line = self.must("showhostkey", "--left", "--ckaid", ckaid)
        rsaid = re.match(r"\t# rsakey (\S{9})\n\tleftrsasigkey=0s\1", line)[1]
        self.assertEqual(self.must("showhostkey", "--left", "--rsaid", rsaid), line)
        self.assertEqual(self.must("showhostkey", "--left", "--ckaid", ckaid.upper()), line)
        self.assertEqual(self.must("showhostkey", "--right", "--ckaid", ckaid), line.replace("left", "right"))
        for args in (["--ckaid", "0" * 40], ["--ckaid", "zz"], ["--ckaid", other + "00"], ["--rsaid", "AwEA"]):
            result = self.ipsec("showhostkey", "--left", *args)
            self.assertEqual((result.code, result.err), (20, "ipsec showhostkey: No keys found\n"), args)

    def test_what_is_typed_wrongly_is_named(self):
        self.must("initnss")
        for args, words in (([], "You must specify an operation"), (["--left"], "You must select a key using --ckaid or --rsaid"),
                            (["--list", "--ckaid", "00"], "You must not select a key"),
                            (["--left", "--pem", "--ckaid", "00"], "You must specify only one operation")):
            result = self.ipsec("showhostkey", *args)
            self.assertEqual(result.code, 1)
            self.assertIn("ipsec showhostkey: " + words, result.err)
        ckaid = self.new("--keytype", "ecdsa")
        record = ["showhostkey", "--ipseckey", "--ckaid", ckaid]
        self.assertEqual(self.ipsec(*record, "--gateway", "foo").code, 5)
        self.assertIn("at most 255", self.ipsec(*record, "--precedence", "256").err)

    def test_an_eddsa_key_is_shown_as_a_pubkey(self):
        self.must("initnss")
        ckaid = self.new("--keytype", "eddsa")
        spki = "".join(self.must("showhostkey", "--pem", "--ckaid", ckaid).splitlines()[1:-1])
        self.assertIn(f"\tleftpubkey={spki}\n", self.must("showhostkey", "--left", "--ckaid", ckaid))
        self.assertRegex(self.must("showhostkey", "--ipseckey", "--ckaid", ckaid), r"IPSECKEY  10 0 4 \. \S{43}=\n")


class Libreswan(Store):
    """The same key in both stores."""

    FORMATS = (["--left"], ["--right"], ["--left", "--pubkey"], ["--ipseckey"], ["--ipseckey", "--pubkey"], ["--pem"],
               ["--ipseckey", "--gateway", "192.0.2.1", "--precedence", "7"], ["--ipseckey", "--gateway", "2001:db8::1"],
               ["--left", "--verbose"])

    def compare(self, real, ckaid):
        for args in self.FORMATS:
            theirs = self.good(real.show(*args, "--ckaid", ckaid), f"Libreswan's showhostkey {args}")
            self.assertEqual(self.must("showhostkey", *args, "--ckaid", ckaid), theirs.text, args)

    def test_a_key_of_ours_is_shown_by_libreswan_as_by_us(self):
        self.must("initnss")
        real = nss.Database(self, "real")
        kinds = [["--bits", "2192"], *(["--keytype", "ecdsa", "--curve", c] for c in ECDSA)]
        for kind in kinds:
            ckaid = self.new(*kind)
            real.take(self.key_file(ckaid))
            self.compare(real, ckaid)
        # NSS lists in an order of its own.
        lines = [sorted(line.split("> ")[1] for line in text.splitlines())
                 for text in (real.show("--list").text, self.must("showhostkey", "--list"))]
        self.assertEqual(lines[0], lines[1])
        self.assertEqual(len(lines[0]), len(kinds))

    def test_mistakes_end_alike(self):
        self.must("initnss")
        self.new("--keytype", "ecdsa")
        real = nss.Database(self, "real")
        for args in ([], ["--left"], ["--list", "--ckaid", "00"], ["--left", "--right", "--ckaid", "00"],
                     ["--left", "--ckaid", "00" * 20], ["--pem", "--rsaid", "AwEAAaaaa"], ["--nonsense"]):
            theirs, ours = real.show(*args), self.ipsec("showhostkey", *args)
            self.assertEqual(ours.code, theirs.code, args)
            if args != ["--nonsense"]:
                self.assertEqual(ours.err.splitlines()[0], theirs.err.splitlines()[0])


class Daemon(Store):
    def public(self, ckaid):
        return re.search(r"pubkey=(\S+)", self.must("showhostkey", "--left", "--pubkey", "--ckaid", ckaid))[1]

    def test_a_connection_finds_its_private_key_in_the_store(self):
        self.must("initnss")
        raw, certified, shared = (self.new("--keytype", "ecdsa") for _ in range(3))
        self.openssl("req", "-x509", "-new", "-key", self.key_file(certified), "-subj", "/CN=east", "-addext",
                     "subjectAltName=DNS:b", "-days", "30", "-out", "b.pem")
        os.chmod(self.key_file(shared), 0o644)
        log = self.start([("a", "pubkeys", "0s" + self.public(raw)), ("b", "certs", self.path("b.pem")),
                          ("c", "pubkeys", "0s" + self.public(shared))])
        self.assertIn("3 connections loaded", log)
        self.assertIn(f"connection a: the private key of a raw public key is in the key store: {self.key_file(raw)}\n", log)
        self.assertIn(f"connection b: the private key of CN=east is in the key store: {self.key_file(certified)}\n", log)
        self.assertIn(f"the key store is passed over: {self.key_file(shared)}: others than its owner may read", log)
        self.assertIn("connection c: no private key for a raw public key of ours", log)


class Importing(Store):
    def container(self):
        """A leaf called east below an authority, password foo."""
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
                     "-subj", "/CN=Test CA", "-days", "30", "-out", "ca.pem")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "east.key",
                     "-subj", "/CN=leaf", "-out", "east.csr")
        self.openssl("x509", "-req", "-in", "east.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30", "-out", "east.pem")
        self.openssl("pkcs12", "-export", "-inkey", "east.key", "-in", "east.pem", "-certfile", "ca.pem", "-name", "east",
                     "-passout", "pass:foo", "-out", "east.p12")
        return "east.p12"

    def test_a_container_gives_its_key_and_its_certificates_to_connections(self):
        self.must("initnss")
        self.write("password", "foo\n")
        self.assertEqual(self.must("import", self.container(), "-w", "password"), "")
        ckaid = re.search(r"ckaid: (\S+)", self.must("showhostkey", "--list"))[1]
        self.assertEqual(self.openssl("pkey", "-in", self.key_file(ckaid)), self.read("east.key"))
        index = self.read(os.path.join(self.store, "keyway.db")).decode().splitlines()
        names = [(line.split()[1], base64.b64decode(line.split()[2]).decode()) for line in index if line.startswith("cert ")]
        self.assertEqual(sorted(names), [(",,", "east"), ("CT,,", "Test CA")])
        log = self.start([("a", "certs", "east")])
        self.assertIn(f"connection a: the private key of CN=leaf is in the key store: {self.key_file(ckaid)}\n", log)
        self.assertEqual(self.must("import", "east.p12", "-w", "password"), "")
        self.assertEqual(self.read(os.path.join(self.store, "keyway.db")).decode().splitlines(), index)

    def test_a_database_of_nss_is_noticed_and_comes_over_by_the_commands_that_are_said(self):
        real = nss.Database(self, "real")
        real.must("pk12util", "-i", self.container(), "-d", "sql:" + real.folder, "-W", "foo")
        result = self.good(self.ipsec("checknss", "--nssdir", real.folder), "checknss")
        export, take = [line.split() for line in result.err.splitlines() if line.startswith("  ")]
        said = {"NICKNAME": "east", "FILE.p12": "out.p12"}
        export, take = ([said.get(word, word) for word in line] for line in (export, take))
        real.must(*export, "-W", "bar")
        self.write("password", "bar")
        self.must(*take[1:], "-w", "password")
        theirs = real.must("certutil", "-K", "-d", "sql:" + real.folder).text
        ours = self.must("showhostkey", "--list", "--nssdir", real.folder)
        self.assertEqual(re.findall(r"[0-9a-f]{40}", ours), re.findall(r"[0-9a-f]{40}", theirs))
        self.assertIn(b"cert ,, " + base64.b64encode(b"east"), self.read(os.path.join(real.folder, "keyway.db")))
        self.must("initnss")
        self.assertEqual(self.ipsec("checknss").err, "")

    def test_a_container_that_does_not_open_leaves_the_store_as_it_was(self):
        result = self.ipsec("import", self.container())
        self.assertEqual(result.code, 1)
        self.assertIn("ERROR: NSS database files are missing, import aborted.\n", result.err)
        self.must("initnss")
        for args, stdin in ((["east.p12"], b"bar\n"), (["east.p12", "-w", "none"], b""), (["ca.pem"], b"foo\n"), ([], b"")):
            self.assertEqual(self.ipsec("import", *args, stdin=stdin).code, 1, args)
        self.assertEqual(os.listdir(self.store), ["keyway.db"])

    def test_a_nickname_that_is_taken_gets_a_number(self):
        self.must("initnss")
        self.write("password", "foo")
        for _ in range(2):
            self.must("import", self.container(), "-w", "password")
        index = self.read(os.path.join(self.store, "keyway.db")).decode().splitlines()
        names = [base64.b64decode(line.split()[2]).decode() for line in index if line.startswith("cert ")]
        self.assertEqual(sorted(names), ["Test CA", "Test CA #2", "east", "east #2"])


class Manual(Store):
    PAGE = os.path.join(kit.ROOT, "man", "ipsec.8")

    def test_the_page_is_up_to_date(self):
        text = self.must("--manual")
        if os.environ.get("KEYWAY_UPDATE"):
            with open(self.PAGE, "w") as f:
                f.write(text)
        with open(self.PAGE) as f:
            self.assertEqual(f.read(), text, "run this test with KEYWAY_UPDATE=1")

    def test_every_command_says_what_it_takes(self):
        for word in re.findall(r"^  ipsec (\S+)", self.must("--help"), re.M):
            self.assertIn("usage:", self.must(word, "--help"))


if __name__ == "__main__":
    kit.main()
