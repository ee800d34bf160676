#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What --self, --issue, --req and --signcrl make, byte for byte what strongSwan's pki 5.9.8 makes of the same keys, serial
numbers and dates (where the signature is not random), and read by openssl; and what each of the two makes is taken by the
other."""
import re

import kit

DATES = ["--not-before", "01.02.26 03:04:05", "--not-after", "01.02.36 03:04:05"]
CA_DN = "C=CH, O=Keyway, CN=Keyway Root CA"
UPDATES = ["--this-update", "01.02.26 03:04:05", "--next-update", "01.03.26 03:04:05"]


def tlv(der, at=0):
    """(tag, start of contents, end)"""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        n = length & 0x7f
        length, start = int.from_bytes(der[start:start + n], "big"), start + n
    return der[at], start, start + length


def without_signature(der):
    """The part that is signed and the AlgorithmIdentifier behind it."""
    _, start, _ = tlv(der)
    _, _, end = tlv(der, start)
    return der[start:tlv(der, end)[2]]


class Makers(kit.Case):
    def setUp(self):
        super().setUp()
        for name, kind in (("ca", ["--type", "ed25519"]), ("leaf", ["--type", "ecdsa", "--size", "256"])):
            self.ours("--gen", *kind, "--outform", "pem", to=name + ".key")
        self.ours("--pub", "--in", "leaf.key", to="leaf.pub")
        self.real("--self", "--ca", "--in", "ca.key", "--type", "ed25519", "--dn", CA_DN, *DATES, "--serial", "0102", to="ca.crt")

    def both(self, *args, to=None):
        ours, real = self.ours(*args), self.real(*args)
        if ours != real:
            self.write("ours.der", ours)
            self.write("real.der", real)
            shown = [self.openssl("asn1parse", "-inform", "der", "-in", name, "-i").decode() for name in ("ours.der", "real.der")]
            self.assertEqual(*shown, kit.shlex.join(args))
        self.assertEqual(ours, real, kit.shlex.join(args))
        if to:
            self.write(to, ours)
        return ours

    def issued(self, *args):
        return ("--issue", "--in", "leaf.pub", "--cacert", "ca.crt", "--cakey", "ca.key", "--serial", "0a0b0c", *DATES, *args)

    CERTIFICATES = {
        "plain": ["--dn", "CN=a"],
        "no subject": ["--san", "moon.example"],
        "empty subject": ["--dn", "", "--san", "moon.example"],
        "attributes": ["--dn", "C=CH, ST=Zürich, O=Linux strongSwan, OU=a+b, E=a@b.c, CN=vpn.example.com, serialNumber=12, "
                               "UID=x, SN=q, G=p, T=title, L=loc"],
        "odd characters": ["--dn", "C=CH, O=a@b, OU=under_score, CN=*.example.com"],
        "names": ["--dn", "CN=a", "--san", "vpn.example.com", "--san", "10.0.0.1", "--san", "fe80::1", "--san", "a@b.c",
                  "--san", "C=CH, CN=x", "--san", "*.foo.com", "--san", "@moon"],
        "flags": ["--dn", "CN=a", "--flag", "msSmartcardLogon", "--flag", "ocspSigning", "--flag", "clientAuth", "--flag",
                  "ikeIntermediate", "--flag", "serverAuth"],
        "crlSign": ["--dn", "CN=a", "--flag", "crlSign"],
        "CA": ["--dn", "CN=a", "--ca"],
        "CA with a path": ["--dn", "CN=a", "--ca", "--pathlen", "3"],
        "pathlen without CA": ["--dn", "CN=a", "--pathlen", "3"],
        "CRLs": ["--dn", "CN=a", "--crl", "http://crl/1", "--crlissuer", "C=CH, CN=issuer", "--crl", "ldap://crl/2"],
        "OCSP": ["--dn", "CN=a", "--ocsp", "http://ocsp/1", "--ocsp", "http://ocsp/2"],
        "name constraints": ["--dn", "CN=a", "--ca", "--nc-permitted", "example.com", "--nc-permitted", ".foo.com",
                             "--nc-permitted", "email:foo.com", "--nc-permitted", "a@b.c", "--nc-permitted", "C=CH",
                             "--nc-excluded", "dns:bar"],
        "excluded only": ["--dn", "CN=a", "--ca", "--nc-excluded", "example.com"],
        "policies": ["--dn", "CN=a", "--cert-policy", "1.2.3.4", "--cps-uri", "http://cps", "--user-notice", "hi you",
                     "--cert-policy", "1.2.3.5", "--cert-policy", "2.5.29.32.0", "--user-notice", "any"],
        "policy mappings": ["--dn", "CN=a", "--ca", "--policy-mapping", "1.2.3:2.5.100", "--policy-mapping", "1.2.4:1.3.6.1.4.1.99"],
        "inhibit any": ["--dn", "CN=a", "--ca", "--policy-any", "3"],
        "address blocks": ["--dn", "CN=a", "--addrblock", "10.0.0.0/8", "--addrblock", "11.1.2.4-11.1.2.8", "--addrblock",
                           "12.1.0.0-12.2.255.255", "--addrblock", "fe80::/10", "--addrblock", "fec0::1-fec0::8"],
        "all addresses": ["--dn", "CN=a", "--addrblock", "0.0.0.0/0", "--addrblock", "::/0"],
        "critical": ["--dn", "CN=a", "--critical", "1.2.3.4.5"],
        "serial with its highest bit set": ["--dn", "CN=a", "--serial", "ff:12:01"],
        "long dates": ["--dn", "CN=a", "--not-after", "01.01.60 00:00:00"],
        "much": ["--dn", "CN=a", "--ca", "--pathlen", "0", "--san", "x.y", "--flag", "serverAuth", "--crl", "http://a",
                 "--ocsp", "http://b", "--nc-permitted", "y", "--cert-policy", "1.2.3", "--policy-mapping", "1.2.3:1.2.4",
                 "--policy-any", "1", "--addrblock", "10.0.0.0/24", "--critical", "1.2.3.4.5"],
    }

    def test_certificates_of_a_ca_are_strongswans_byte_for_byte(self):
        for name, args in self.CERTIFICATES.items():
            with self.subTest(name):
                der = self.both(*self.issued(*args))
                self.assertIn(b"Issuer: C = CH, O = Keyway", self.openssl("x509", "-inform", "der", "-text", "-noout", stdin=der))

    def test_self_signed_certificates_are_strongswans_byte_for_byte(self):
        for name, args in self.CERTIFICATES.items():
            if "--crl" in args or "--dn" not in args or name == "empty subject":
                continue
            with self.subTest(name):  # strongSwan's pki forgets some extensions where there are no names
                self.both("--self", "--in", "ca.key", "--type", "ed25519", "--serial", "0a0b0c", *DATES, "--san", "a.b", *args)

    def test_no_extension_of_a_self_signed_certificate_is_forgotten(self):
        for args, text in ((["--ocsp", "http://a"], "OCSP - URI:http://a"), (["--cert-policy", "1.2.3"], "Policy: 1.2.3"),
                           (["--critical", "1.2.3"], "1.2.3: critical"), (["--flag", "crlSign"], "CRL Sign")):
            der = self.ours("--self", "--in", "ca.key", "--dn", "CN=a", *args)
            self.assertIn(text, self.openssl("x509", "-inform", "der", "-text", "-noout", stdin=der).decode())

    def test_pem_is_strongswans_byte_for_byte(self):
        pem = self.both(*self.issued("--dn", "CN=a", "--outform", "pem"))
        self.assertTrue(pem.startswith(b"-----BEGIN CERTIFICATE-----\n"))

    def test_policy_constraints_are_what_the_rfc_says(self):
        """strongSwan's pki encodes their numbers with explicit tags, which nobody else can read."""
        der = self.ours(*self.issued("--dn", "CN=a", "--ca", "--policy-explicit", "2", "--policy-inhibit", "0"))
        text = self.openssl("x509", "-inform", "der", "-text", "-noout", stdin=der).decode()
        self.assertIn("X509v3 Policy Constraints: critical\n                Require Explicit Policy:2, Inhibit Policy Mapping:0", text)

    def test_networks_can_be_name_constraints(self):
        """strongSwan's pki leaves them out."""
        der = self.ours(*self.issued("--dn", "CN=a", "--ca", "--nc-permitted", "10.1.2.3/12", "--nc-excluded", "fe80::/10",
                                     "--nc-permitted", "192.0.2.7"))
        text = re.sub(r"\s+", " ", self.openssl("x509", "-inform", "der", "-text", "-noout", stdin=der).decode())
        self.assertIn("Permitted: IP:10.0.0.0/255.240.0.0 IP:192.0.2.7/255.255.255.255 Excluded: "
                      "IP:FE80:0:0:0:0:0:0:0/FFC0:0:0:0:0:0:0:0", text)

    def test_uris_can_be_names(self):
        der = self.ours(*self.issued("--dn", "CN=a", "--san", "uri:http://moon.example/a"))
        self.assertIn(b"URI:http://moon.example/a", self.openssl("x509", "-inform", "der", "-text", "-noout", stdin=der))

    KEYS = {"rsa": ["--type", "rsa"], "ecdsa256": ["-t", "ecdsa", "-s", "256"], "ecdsa384": ["-t", "ecdsa", "-s", "384"],
            "ecdsa521": ["-t", "ecdsa", "-s", "521"], "ed448": ["-t", "ed448"]}

    def test_every_key_signs_with_every_digest_as_strongswans_does(self):
        for name, kind in self.KEYS.items():
            self.ours("--gen", *kind, to="key")
            digests = [None] if name == "ed448" else [None, "sha1", "sha256", "sha384", "sha512"]
            for digest in digests + (["sha224", "sha3_256", "sha3_384"] if name == "rsa" else []):
                for padding in ("pkcs1", "pss") if name == "rsa" and "sha3_" not in (digest or "") else ("pkcs1",):
                    args = ["--self", "--in", "key", "--dn", "CN=a", "--serial", "01", *DATES, "--rsa-padding", padding,
                            *(["--digest", digest] if digest else [])]
                    with self.subTest(f"{name} {digest} {padding}"):
                        self.assertEqual(without_signature(self.ours(*args)), without_signature(self.real(*args)))
                        self.ours(*args, "--outform", "pem", to="a.crt")
                        # openssl's level 0 takes SHA-1 too
                        self.openssl("verify", "-CAfile", "a.crt", "-check_ss_sig", "-auth_level", "0", "a.crt")

    def test_digests_that_strongswans_has_not_or_names_wrongly(self):
        self.ours("--gen", to="rsa.key")
        for key, digest, name in (("leaf.key", "sha224", "ecdsa-with-SHA224"), ("rsa.key", "sha3_512", "RSA-SHA3-512"),
                                  ("leaf.key", "sha3_256", "ecdsa_with_SHA3-256"), ("ca.key", "sha256", "ED25519")):
            self.ours("--self", "--in", key, "--dn", "CN=a", "--digest", digest, "--outform", "pem", to="a.crt")
            self.assertIn(f"Signature Algorithm: {name}\n", self.openssl("x509", "-in", "a.crt", "-text").decode())
            self.openssl("verify", "-CAfile", "a.crt", "-check_ss_sig", "-partial_chain", "a.crt")

    def test_a_large_rsa_key_takes_a_stronger_digest(self):
        self.openssl("genrsa", "-out", "key", "4096")
        args = ["--self", "--in", "key", "--dn", "CN=a", "--serial", "01", *DATES]
        self.assertIn(b"sha384WithRSAEncryption", self.openssl("x509", "-inform", "der", "-text", stdin=self.both(*args)))

    def test_serial_numbers_are_64_random_bits(self):
        seen = set()
        for _ in range(12):
            out = self.openssl("x509", "-inform", "der", "-noout", "-serial", stdin=self.ours("--self", "--in", "ca.key", "--dn", "CN=a"))
            serial = int(out.decode().removeprefix("serial="), 16)
            self.assertTrue(1 << 55 < serial < 1 << 63)
            seen.add(serial)
        self.assertEqual(len(seen), 12)

    def test_lifetimes_count_days_from_now_or_from_either_end(self):
        def dates(*args):
            der = self.ours("--self", "--in", "ca.key", "--dn", "CN=a", *args)
            text = self.openssl("x509", "-inform", "der", "-noout", "-dates", stdin=der).decode()
            return [kit.seconds(line.partition("=")[2]) for line in text.splitlines()]
        start, end = dates()
        self.assertEqual(end - start, 1095 * 86400)
        self.assertLess(abs(start - kit.time.time()), 60)
        start, end = dates("--lifetime", "10", "--not-after", "2030-01-02 03:04:05", "--dateform", "%Y-%m-%d %T")
        self.assertEqual((start, end), (kit.seconds("Dec 23 03:04:05 2029 GMT"), kit.seconds("Jan  2 03:04:05 2030 GMT")))
        start, end = dates("-l", "10", "-F", "02.01.30 03:04:05")
        self.assertEqual((start, end), (kit.seconds("Jan  2 03:04:05 2030 GMT"), kit.seconds("Jan 12 03:04:05 2030 GMT")))

    REQUESTS = {
        "plain": ["--dn", CA_DN],
        "names": ["--dn", "CN=x", "--san", "a.b", "--san", "10.0.0.1"],
        "profile": ["--dn", "CN=x", "--profile", "dual"],
        "password": ["--dn", "CN=x", "--password", "zürich*"],
    }
    ALL = ["--dn", "CN=x", "--san", "a.b", "--profile", "server", "--password", "foo bar"]

    def test_requests_are_strongswans_byte_for_byte(self):
        for name, args in self.REQUESTS.items():
            with self.subTest(name):
                self.both("--req", "--in", "ca.key", *args, to="r.der")
                self.openssl("req", "-inform", "der", "-in", "r.der", "-verify", "-noout")
                self.both("--req", "--in", "ca.key", "--oldreq", "r.der")

    def test_attributes_of_requests_are_in_order(self):
        """strongSwan's pki writes them unsorted, which is BER."""
        found = [[line.split("prim:")[1].split(":")[1] for line in
                  self.openssl("asn1parse", "-inform", "der", stdin=make("--req", "--in", "ca.key", *self.ALL)).decode().splitlines()
                  if "OBJECT" in line] for make in (self.ours, self.real)]
        self.assertEqual(*map(sorted, found))
        self.assertEqual([name for name in found[0] if "Req" in name or "chall" in name], ["challengePassword", "Extension Request"])

    def test_requests_give_certificates_as_strongswans_do(self):
        for name, args in self.REQUESTS.items():
            for form in ("der", "pem"):
                with self.subTest(f"{name} {form}"):
                    self.ours("--req", "--in", "leaf.key", *args, "--outform", form, to="r")
                    issue = ("--issue", "--in", "r", "--type", "pkcs10", "--cacert", "ca.crt", "--cakey", "ca.key", "--serial", "01",
                             *DATES)
                    self.both(*issue)
                    self.both(*issue, "--dn", "CN=other", "--san", "first.example")
        for profile in ("server", "client", "dual", "ocsp", "unknown"):
            self.real("--req", "--in", "leaf.key", "--dn", "CN=x", "--profile", profile, to="r")
            self.both(*issue)

    def test_a_new_request_takes_what_it_is_told(self):
        self.ours("--req", "--in", "leaf.key", *self.ALL, to="r.der")
        der = self.ours("--req", "--in", "ca.key", "--oldreq", "r.der", "--dn", "CN=new", "--password", "other", "--san", "c.d",
                        "--profile", "client")
        text = self.openssl("req", "-inform", "der", "-text", "-noout", stdin=der).decode()
        for part in ("Subject: CN = new", ":other", "DNS:c.d, DNS:a.b", "..client"):
            self.assertIn(part, text)

    REVOKED = {
        "serials": ["--reason", "key-compromise", "--date", "1700000000", "--serial", "0a0b", "--serial", "0c", "--reason",
                    "superseded", "--serial", "0d"],
        "reasons": [w for n, reason in enumerate(("ca-compromise", "affiliation-changed", "cessation-of-operation",
                                                  "certificate-hold")) for w in ("--reason", reason, "--date", "1600000000",
                                                                                 "--serial", f"0{n + 1}")],
        "certificate": ["--date", "1600000000", "--cert", "leaf.crt"],
        "delta URIs": ["--serial", "01", "--crluri", "http://delta/1", "--crluri", "http://delta/2"],
    }

    def test_revocation_lists_are_strongswans_byte_for_byte(self):
        self.ours(*self.issued("--dn", "CN=a"), to="leaf.crt")
        sign = ("--signcrl", "--cacert", "ca.crt", "--cakey", "ca.key", *UPDATES)
        for name, args in self.REVOKED.items():
            with self.subTest(name):
                # a revocation without a date is dated now, which two programs do not share
                args = [w for a in args for w in (["--date", "1650000000", a] if a == "--serial" else [a])]
                self.both(*sign, *args, to="first.crl")
                self.openssl("crl", "-inform", "der", "-in", "first.crl", "-CAfile", self.pem("ca.crt"), "-noout")
                self.both(*sign, "--lastcrl", "first.crl", "--date", "1650000000", "--serial", "99", to="next.crl")
                self.both(*sign, "--basecrl", "next.crl", "--date", "1650000000", "--serial", "aa", "--crluri", "http://delta/3")

    def test_a_revocation_list_of_nothing_has_no_list(self):
        """[RFC5280#5.1.2.6]; strongSwan's pki writes an empty one."""
        der = self.ours("--signcrl", "--cacert", "ca.crt", "--cakey", "ca.key", *UPDATES, to="none.crl")
        real = self.real("--signcrl", "--cacert", "ca.crt", "--cakey", "ca.key", *UPDATES)
        self.assertEqual(without_signature(der).replace(b"\xa0\x2f", b"\x30\x00\xa0\x2f")[3:], without_signature(real)[3:])
        self.both("--signcrl", "--cacert", "ca.crt", "--cakey", "ca.key", *UPDATES, "--lastcrl", "none.crl", "--date", "1600000000",
                  "--serial", "01")

    def pem(self, name):
        self.openssl("x509", "-inform", "der", "-in", name, "-out", name + ".pem")
        return name + ".pem"

    def test_a_serial_stands_in_a_revocation_list_once(self):
        sign = ("--signcrl", "--cacert", "ca.crt", "--cakey", "ca.key")
        self.ours(*sign, "--reason", "certificate-hold", "--serial", "0a", "--serial", "0b", to="first.crl")
        self.ours(*sign, "--lastcrl", "first.crl", "--reason", "key-compromise", "--serial", "0a", to="next.crl")
        text = self.openssl("crl", "-inform", "der", "-in", "next.crl", "-text", "-noout").decode()
        self.assertEqual(re.findall(r"Serial Number: (\w+)", text), ["0A", "0B"])
        self.assertIn("Key Compromise", text)
        self.assertNotIn("Certificate Hold", text)
        self.assertIn("X509v3 CRL Number: \n                2\n", text)

    def test_who_signs_must_be_allowed_to_and_have_the_key(self):
        self.ours(*self.issued("--dn", "CN=a"), to="leaf.crt")
        self.ours("--issue", "--in", "leaf.pub", "--cacert", "ca.crt", "--cakey", "ca.key", "--dn", "CN=crl", "--flag", "crlSign",
                  to="crlsign.crt")
        for command in (["--issue", "--in", "leaf.pub", "--dn", "CN=b"], ["--signcrl"]):
            self.refused(self.try_ours(*command, "--cacert", "leaf.crt", "--cakey", "leaf.key"), "CN=a is n")
            self.refused(self.try_ours(*command, "--cacert", "ca.crt", "--cakey", "leaf.key"), "the private key is not that of")
            self.refused(self.try_ours(*command, "--cakey", "ca.key"), "--cacert is required")
            self.refused(self.try_ours(*command, "--cacert", "ca.crt"), "--cakey or --cakeyid is required")
        self.ours("--signcrl", "--cacert", "crlsign.crt", "--cakey", "leaf.key")
        self.refused(self.try_ours("--issue", "--in", "leaf.pub", "--cacert", "crlsign.crt", "--cakey", "leaf.key"), "is not of a CA")

    def test_values_that_are_none_are_refused(self):
        for args, word in (
                (["--dn", "foo"], "foo is not a distinguished name"), (["--dn", "CN=a", "--san", "a b"], "invalid --san a b"),
                (["--dn", "CN=a", "--san", "@#0a0b"], "invalid --san"), (["--dn", "CN=a", "--san", "%any"], "invalid --san"),
                (["--dn", "CN=a", "--san", "zürich.ch"], "invalid --san"), (["--dn", "CN=a", "--san", "uri:"], "invalid --san"),
                (["--dn", "CN=a", "--serial", "xyz"], "invalid --serial xyz"), (["--dn", "CN=a", "--serial", ""], "invalid --serial"),
                (["--dn", "CN=a", "--serial", "1" * 41], "invalid --serial"), (["--dn", "CN=a", "--flag", "foo"], "invalid --flag foo"),
                (["--dn", "CN=a", "--cert-policy", "1.x"], "invalid --cert-policy"), (["--dn", "CN=a", "--cert-policy", "3.1"], "invalid"),
                (["--dn", "CN=a", "--cps-uri", "http://a"], "--cps-uri must follow a --cert-policy"),
                (["--dn", "CN=a", "--user-notice", "a"], "--user-notice must follow"),
                (["--dn", "CN=a", "--policy-mapping", "1.2.3"], "invalid --policy-mapping"),
                (["--dn", "CN=a", "--addrblock", "10.0.0.0/33"], "invalid --addrblock"),
                (["--dn", "CN=a", "--addrblock", "10.0.0.9-10.0.0.1"], "invalid --addrblock"),
                (["--dn", "CN=a", "--addrblock", "10.0.0.9-::1"], "invalid --addrblock"),
                (["--dn", "CN=a", "--crlissuer", "CN=x"], "--crlissuer must follow a --crl"),
                (["--dn", "CN=a", "--crl", "http://a b"], "invalid --crl"), (["--dn", "CN=a", "--ocsp", ""], "invalid --ocsp"),
                (["--dn", "CN=a", "--digest", "md5"], "no signatures are made with md5"),
                (["--dn", "CN=a", "--critical", "foo"], "invalid --critical"),
                (["--dn", "CN=a", "--not-before", "tomorrow"], "invalid --not-before tomorrow"),
                (["--dn", "CN=a", "--not-after", "01.01.20 00:00:00", "--not-before", "01.01.21 00:00:00"],
                 "--not-after is before --not-before"),
                (["--dn", "CN=a", "--lifetime", "2147483647"], "beyond the year 9999"),
                (["--dn", "CN=a", "--cakeyid", "1"], "--cakeyid 1 is no handle of an object"),
                (["--dn", "CN=a", "--nc-permitted", "dns:"], "invalid --nc")):
            # an RSA CA, whose digest matters
            with self.subTest(args):
                self.refused(self.try_ours("--issue", "--in", "leaf.pub", "--cacert", "rsa.crt" if "--digest" in args else "ca.crt",
                                           "--cakey", "rsa.key" if "--digest" in args else "ca.key", *args)
                             if "--digest" not in args else self.md5(args), word)
        for args, word in ((["--date", "soon", "--serial", "1"], "invalid --date"), (["--reason", "none"], "invalid --reason"),
                           (["--cert", "leaf.key"], "leaf.key"), (["--lastcrl", "ca.crt"], ""), (["--basecrl", "nowhere"], "nowhere"),
                           (["--crluri", "\x01"], "invalid --crluri")):
            self.refused(self.try_ours("--signcrl", "--cacert", "ca.crt", "--cakey", "ca.key", *args), word)
        self.refused(self.try_ours("--req", "--in", "leaf.key"), "--dn or --oldreq is required")
        self.refused(self.try_ours("--self", "--in", "leaf.key"), "--dn is required")

    def md5(self, args):
        return self.try_ours("--self", "--in", "leaf.key", *args)

    def test_each_takes_what_the_other_made(self):
        """A chain of three, each link made by the other program, verified by all three programs."""
        makers = {"ours": self.ours, "real": self.real}
        for first, second in (("ours", "real"), ("real", "ours")):
            for kind in ("rsa", "ecdsa", "ed25519"):
                for name, make in (("root", makers[first]), ("mid", makers[second]), ("end", makers[first])):
                    make("--gen", "--type", kind, "--outform", "pem", to=name + ".key")
                    make("--pub", "--in", name + ".key", "--outform", "pem", to=name + ".pub")
                make = makers[first]
                make("--self", "--ca", "--in", "root.key", "--dn", "C=CH, CN=root", "--outform", "pem", to="root.crt")
                make = makers[second]
                make("--issue", "--ca", "--pathlen", "0", "--in", "mid.pub", "--cacert", "root.crt", "--cakey", "root.key", "--dn",
                     "C=CH, CN=mid", "--outform", "pem", to="mid.crt")
                make = makers[first]
                make("--req", "--in", "end.key", "--dn", "C=CH, CN=end", "--san", "end.example", "--outform", "pem", to="end.req")
                make = makers[second]
                make("--issue", "--type", "pkcs10", "--in", "end.req", "--cacert", "mid.crt", "--cakey", "mid.key", "--flag", "serverAuth",
                     "--outform", "pem", to="end.crt")
                make("--signcrl", "--cacert", "mid.crt", "--cakey", "mid.key", "--serial", "0a", "--outform", "pem", to="mid.crl")
                make("--signcrl", "--cacert", "root.crt", "--cakey", "root.key", "--outform", "pem", to="root.crl")
                self.openssl("verify", "-CAfile", "root.crt", "-untrusted", "mid.crt", "-purpose", "sslserver", "end.crt")
                self.openssl("verify", "-CAfile", "root.crt", "-untrusted", "mid.crt", "-CRLfile", "mid.crl", "-crl_check", "end.crt")
                said = self.real("--verify", "--in", "end.crt", "--cacert", "root.crt", "--cacert", "mid.crt", "--crl", "mid.crl", "--crl", "root.crl")
                self.assertIn(b"certificate trusted, lifetimes valid, certificate not revoked", said)


if __name__ == "__main__":
    kit.main()
