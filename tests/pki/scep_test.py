#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`pki --scepca` and `pki --scep` with the server of scep_server.py, and the tool of strongSwan 6.0 with the same one."""
import glob
import json
import os
import re
import shutil
import sys
import tempfile

import kit

HTTP, HTTPS = "http://127.0.0.1:8080/scep/", "https://localhost:8443/scep/"
SYSTEM_CAS = "/etc/ssl/certs/ca-certificates.crt"
CAS = ["--cacert-enc", "ra.pem", "--cacert-sig", "ca.pem", "--cacert", "root.pem"]
ASK = ["--in", "new.key", "--dn", "O=Keyway, CN=moon", "--san", "moon.example", *CAS]
CHATTER = r"plugin|libgcrypt|building CRED_"  # of strongSwan's plugins


class Scep(kit.Case):
    @classmethod
    def setUpClass(cls):
        """Keys and certificates, which no test changes, are made once: RSA takes its time."""
        scratch = tempfile.TemporaryDirectory(prefix="keyway-pki-scep-")
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = cls.made = scratch.name
        self = cls()
        for name, subject in (("root", "/O=Keyway/CN=Root"), ("wrong", "/O=Keyway/CN=Wrong")):
            self.openssl("req", "-x509", *self.key(name), "-out", f"{name}.pem", "-subj", subject, "-days", "30")
        self.issue("ca", "/O=Keyway/CN=Issuing", "root",
                   "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign,digitalSignature\n")
        self.issue("ra", "/O=Keyway/CN=SCEP RA", "ca", "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\n")
        self.issue("old", "/O=Keyway/CN=moon", "ca", "basicConstraints=CA:FALSE\nsubjectAltName=DNS:moon.example\n")
        self.openssl("genpkey", "-algorithm", "rsa", "-out", "new.key")
        self.openssl("genpkey", "-algorithm", "ed25519", "-out", "ed.key")

    def setUp(self):
        super().setUp()
        shutil.copytree(self.made, self.folder, dirs_exist_ok=True)

    @staticmethod
    def key(name):
        return ["-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key"]

    def issue(self, name, subject, ca, extensions):
        self.openssl("req", "-new", *self.key(name), "-out", "r.pem", "-subj", subject)
        self.write("e.cnf", extensions)
        self.openssl("x509", "-req", "-in", "r.pem", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-days", "20", "-out", f"{name}.pem",
                     "-extfile", "e.cnf")

    def beside(self, *command, env=None):
        """The folder's system.pem, if there is one, stands for the CAs that the system trusts."""
        self.write("scep.log", "")
        trust = f"mount --bind system.pem {SYSTEM_CAS} && " if os.path.exists(self.path("system.pem")) else ""
        result = kit.run(["unshare", "-n", "-m", "--propagation", "private", "sh", "-c", trust + 'exec "$0" "$@"', sys.executable,
                          os.path.join(kit.HERE, "scep_server.py"), self.folder, *command], self.folder, env=env)
        self.assertEqual([line["error"] for line in self.log() if "error" in line], [], result.err)
        self.assertNotIn("Traceback", result.err)
        return result

    def scep(self, *args, command="--scep", label="", url=HTTP):
        return self.beside(os.path.join(kit.BIN, "pki"), command, "--url", url + label, *args)

    def new(self, *args, command="--scep", label="", url=HTTP):
        argv, env = self.newer(command, "--url", url + label, *args)
        return self.beside(*argv, env=env)

    def log(self):
        return [json.loads(line) for line in self.read("scep.log").decode().splitlines()]

    def verified(self, result, name="issued.crt"):
        """What was issued, after openssl has verified it, is for the new key."""
        self.good(result, "enrolling")
        self.write(name, result.out)
        self.openssl("x509", "-in", name, "-out", name + ".pem")
        self.openssl("verify", "-CAfile", "root.pem", "-untrusted", "ca.pem", name + ".pem")
        self.assertEqual(self.openssl("x509", "-in", name, "-noout", "-pubkey"), self.openssl("pkey", "-in", "new.key", "-pubout"))
        return result

    def words(self, err):
        """What was said, without serials and seconds."""
        lines = [line.removeprefix("pki --scep: ") for line in err.splitlines() if not re.match(CHATTER, line)]
        text = re.sub(r"serial: [0-9a-f:]+", "serial:", "\n".join(lines))
        return re.sub(r"(valid from ).* (until ).* \(", r"\1\2(", text)

    def both(self, *args, label=""):
        """Both clients get a certificate, say the same, and the server hears the same of them: that is returned."""
        heard = []
        ours = self.verified(self.scep(*args, label=label))
        heard.append(self.log())
        theirs = self.verified(self.new(*args, label=label))
        heard.append(self.log())
        self.assertEqual(self.words(ours.err), self.words(theirs.err))
        nonces = [line.pop("nonce") for lines in heard for line in lines if "nonce" in line]
        self.assertEqual(len(set(nonces)), len(nonces))
        for line in heard[0] + heard[1]:
            line.pop("kind")
        self.assertEqual(heard[0], heard[1])
        self.assertEqual(heard[0][0]["operation"], "GetCACaps")
        return heard[0][1:]

    def both_refuse(self, *args, label, word):
        """Both say the same, and end with that word."""
        ours, theirs = self.scep(*args, label=label), self.new(*args, label=label)
        self.refused(ours, word)
        self.refused(theirs, word)
        self.assertEqual(self.words(ours.err), self.words(theirs.err))

    def test_both_clients_enrol_and_say_the_same(self):
        line, = self.both(*ASK)
        spki = self.openssl("pkey", "-in", "new.key", "-pubout", "-outform", "DER")
        digest = self.openssl("dgst", "-sha1", "-r", stdin=spki).decode().split()[0].upper()
        self.assertEqual(line, {"method": "POST", "label": "", "operation": "PKIOperation", "digest": "sha256", "type": "19",
                                "signer": "subject=CN=moon,O=Keyway", "cipher": "aes-128-cbc", "transaction": digest, "password": None,
                                "csr": "O = Keyway, CN = moon", "names": ["DNS:moon.example"], "profile": False,
                                "csr_digest": "sha256WithRSAEncryption", "is_renewal": False})
        pem = self.verified(self.scep(*ASK, "--outform", "pem"))
        self.assertTrue(pem.out.startswith(b"-----BEGIN CERTIFICATE-----\n"))

    def test_profile_password_padding_and_digest_reach_the_server(self):
        line, = self.both(*ASK, "--password", "geheim", "--profile", "server", "--digest", "sha512", label="sha512")
        self.assertEqual((line["password"], line["profile"], line["digest"], line["csr_digest"]),
                         ("geheim", True, "sha512", "sha512WithRSAEncryption"))
        line, = self.both(*ASK, "--rsa-padding", "pss")
        self.assertEqual(line["csr_digest"], "rsassaPss")

    def test_both_clients_renew_with_the_old_certificate(self):
        old = ["--cert", "old.pem", "--key", "old.key"]
        line, = self.both(*ASK, *old)
        self.assertEqual((line["type"], line["is_renewal"], line["names"]), ("17", True, ["DNS:moon.example"]))
        line, = self.both("--in", "new.key", *CAS, *old)  # its name is the old one's
        self.assertEqual((line["csr"], line["is_renewal"], line["names"]), ("O = Keyway, CN = moon", True, []))
        self.both_refuse(*ASK, *old, label="norenewal", word="Renewal operation not supported by SCEP server")

    def test_messages_go_by_get_where_the_server_takes_no_post(self):
        line, = self.both(*ASK, label="get")
        self.assertEqual(line["method"], "GET")

    def test_by_https_both_clients_trust_the_cas_of_the_system(self):
        self.assertTrue(os.path.exists(SYSTEM_CAS), "the package ca-certificates is missing")
        self.issue("server", "/CN=localhost", "wrong", "subjectAltName=DNS:localhost\n")
        self.write("system.pem", self.read("wrong.pem"))
        for client in (self.scep, self.new):
            self.verified(client(*ASK, url=HTTPS))
        self.write("system.pem", self.read("root.pem"))
        for client in (self.scep, self.new):
            self.refused(client(*ASK, url=HTTPS))
            self.assertEqual(self.log(), [])

    def test_capabilities_are_read_as_servers_write_them(self):
        for label in ("crlf", "standard", "nodes3"):
            line, = self.both(*ASK, label=label)
            self.assertEqual((line["method"], line["cipher"]), ("POST", "aes-128-cbc"))

    def test_weaker_algorithms_are_used_only_when_the_user_says_so(self):
        for label, args, word in (("old", [], "sha256 digest algorithm not supported by CA"),
                                  ("oldest", ["--digest", "sha1"], "sha1 digest algorithm not supported by CA"),
                                  ("", ["--digest", "sha1"], "sha1 digest algorithm not supported by CA"),
                                  ("", ["--digest", "sha224"], "sha224 digest algorithm not supported by CA"),
                                  ("old", ["--digest", "sha1"], "AES_CBC encryption algorithm not supported by CA"),
                                  ("noaes", [], "AES_CBC encryption algorithm not supported by CA"),
                                  ("nodes3", ["--cipher", "des3"], "3DES_CBC encryption algorithm not supported by CA")):
            with self.subTest(label):
                self.both_refuse(*ASK, *args, label=label, word=word)
                self.assertEqual(len(self.log()), 1)
        line, = self.both(*ASK, "--cipher", "des3", "--digest", "sha1", label="old")
        self.assertEqual((line["cipher"], line["digest"]), ("des-ede3-cbc", "sha1"))
        self.refused(self.scep(*ASK, label="nocaps"), "HTTP 404")

    def test_answers_of_every_good_form_are_taken(self):
        for label in ("aes256", "des3", "casigns"):
            with self.subTest(label):
                self.both(*ASK, label=label)
        self.both("--in", "new.key", "--dn", "CN=moon", "--cacert-enc", "ra.pem", "--cacert-sig", "root.pem", label="flat")
        self.verified(self.scep(*ASK, label="others"))  # strongSwan writes the first that comes

    def test_both_clients_poll_until_the_certificate_is_there(self):
        lines = self.both(*ASK, "--interval", "1", label="pending")
        self.assertEqual([line["type"] for line in lines], ["19", "20", "20"])
        self.assertEqual(len({line["transaction"] for line in lines}), 1)

    def test_polling_ends_when_the_user_says(self):
        """The same lines; how often they come depends on the second in which strongSwan's clock is looked at."""
        args = [*ASK, "--interval", "1", "--maxpolltime", "2"]
        ours = self.scep(*args, label="unhurried")
        self.refused(ours, "maximum poll time reached: 2 seconds")
        self.assertEqual(len(self.log()), 4)
        theirs = self.new(*args, label="unhurried")
        self.assertEqual(*(list(dict.fromkeys(self.words(c.err).splitlines())) for c in (ours, theirs)))

    def test_failures_come_in_words(self):
        for n, word in ((0, "badAlg"), (1, "badMessageCheck"), (2, "badRequest"), (3, "badTime"), (4, "badCertId")):
            self.both_refuse(*ASK, label=f"fail{n}", word="failInfo:     " + word)
        for label in ("failnoinfo", "status9", "nostatus"):
            self.both_refuse(*ASK, label=label, word="reply status is not 'SUCCESS'")
        self.refused(self.scep(*ASK, label="fail9"), "unknown reason 9")
        told = self.scep(*ASK, label="failtext")
        self.refused(told, r"failInfoText: we do not know \x1b[31myou")

    def test_bad_answers_are_refused_with_a_reason(self):
        for label, word in (("wrongsigner", "name the certificates"), ("forged", "signature of the server's answer is wrong"),
                            ("md5", "signed with MD5"), ("sha1", "--digest sha1"), ("wrongnonce", "answers another message"),
                            ("nononce", "answers another message"), ("wrongtransaction", "transaction ID of scep response does not match"),
                            ("notransaction", "transaction ID of scep response does not match"), ("wrongtype", "another type"),
                            ("notype", "another type"), ("wrongkey", "issued a certificate for another key"),
                            ("wrongissuer", "name the certificates"), ("wrongrecipient", "could not decrypt envelopedData"),
                            ("bare", "could not decrypt envelopedData"), ("nothing", "could not decrypt envelopedData"),
                            ("nocerts", "a message with 0 certificates"), ("noise", "certs-only PKCS#7"), ("unsigned", "0 signatures"),
                            ("truncated", "no SCEP message"), ("tail", "no SCEP message"), ("huge", "more than 1048576 bytes"),
                            ("empty", "got 0 bytes"), ("html", "of type text/html"), ("htmlastype", "no SCEP message"),
                            ("denied", "HTTP 403"), ("nosuch", "HTTP 404")):
            with self.subTest(label):
                self.refused(self.scep(*ASK, label=label), word)
                self.assertEqual(len(self.log()), 1 if label == "nosuch" else 2)

    def test_wrong_options_are_refused(self):
        pki = lambda *a: self.try_ours("--scep", *a)  # noqa: E731
        url = ["--url", "http://127.0.0.1:9/"]
        self.refused(pki(*ASK), "--url is required")
        self.refused(pki(*url, "--in", "new.key", *CAS[2:]), "--cacert-enc is required")
        self.refused(pki(*url, "--in", "new.key", *CAS), "--dn is required if --cert is not set")
        self.refused(pki(*url, *ASK, "--cert", "old.pem"), "--key is required if --cert is set")
        self.refused(pki(*url, *ASK, "--cert", "old.pem", "--key", "new.key"), "the private key is not the old certificate's")
        self.refused(pki("--url", "ftp://127.0.0.1/", *ASK), "not the address of a SCEP server")
        self.refused(pki(*url, *[a.replace("new.key", "ed.key") for a in ASK]), "expected rsa")

    def test_ca_certificates_are_stored_as_strongswan_stores_them(self):
        for out in (["--caout", "%s.crt"], ["--caout", "%s"], ["--caout", "%s.ca.crt", "--raout", "%s.ra"],
                    ["--caout", "%s", "--outform", "pem"]):
            args = ["--force", *out]
            ours = self.good(self.scep(*[a.replace("%s", "ours") for a in args], command="--scepca"), "ours")
            theirs = self.good(self.new(*[a.replace("%s", "theirs") for a in args], command="--scepca"), "theirs")
            self.assertEqual(self.words(ours.err.replace("'ours", "'")), self.words(theirs.err.replace("'theirs", "'")))
            names = sorted(glob.glob("ours*", root_dir=self.folder))
            self.assertEqual(len(names), 3, names)
            for name in names:
                self.assertEqual(self.read(name), self.read(name.replace("ours", "theirs")))
                os.unlink(self.path(name))
                os.unlink(self.path(name.replace("ours", "theirs")))

    def test_ca_certificates_go_to_stdout_as_a_bundle(self):
        for label in ("", "single"):
            for args in (["--outform", "pem"], []):
                ours, theirs = (self.good(f(*args, command="--scepca", label=label), "bundle") for f in (self.scep, self.new))
                self.assertEqual(ours.out, theirs.out)
                self.assertEqual(self.words(ours.err), self.words(theirs.err))

    def test_a_file_that_is_there_stays(self):
        self.write("mine.crt", "precious")
        self.refused(self.scep("--caout", "mine.crt", command="--scepca"), "could not write cert file 'mine.crt': File exists")
        self.assertEqual(self.read("mine.crt"), b"precious")

    def test_bad_bundles_are_refused(self):
        for label, word in (("html", "of type text/html"), ("huge", "more than 1048576 bytes"), ("truncated", "certs-only PKCS#7"),
                            ("nocerts", "0 certificates"), ("denied", "HTTP 403"), ("empty", "got 0 bytes"), ("tail", "certs-only PKCS#7")):
            with self.subTest(label):
                self.refused(self.scep(command="--scepca", label=label), word)

    def test_every_option_of_strongswan_is_known_under_both_names(self):
        for command, least in (("--scep", 20), ("--scepca", 8)):
            ours, real = (dict(re.findall(r"^ +--([\w-]+) +\(-(.)\)", t, re.M))
                          for t in (self.ours(command, "--help").decode(), self.new("--help", command=command).text))
            self.assertEqual({n: ours.get(n) for n in real}, real)
            self.assertGreaterEqual(len(real), least)


if __name__ == "__main__":
    kit.main()
