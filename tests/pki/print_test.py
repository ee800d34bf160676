#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`pki --print` line by line beside strongSwan's own 5.9.8, over what its tool issues, what openssl issues, and bytes that
neither would write. Where the real one refuses or leaves out what RFC 5280 has, the rows say what ours adds."""
import time

import der
import kit

UPN, IKE = "1.3.6.1.4.1.311.20.2.3", "1.3.6.1.5.5.8.2.2"
AUTH = "1.3.6.1.5.5.7.3."
ATTRIBUTES = ("2.5.4.3 2.5.4.4 2.5.4.5 2.5.4.6 2.5.4.7 2.5.4.8 2.5.4.9 2.5.4.10 2.5.4.11 2.5.4.12 2.5.4.13 2.5.4.15 2.5.4.16 "
              "2.5.4.17 2.5.4.20 2.5.4.36 2.5.4.41 2.5.4.42 2.5.4.43 2.5.4.44 2.5.4.45 2.5.4.46 2.5.4.54 2.5.4.65 2.5.4.72 "
              "2.5.4.97 1.2.840.113549.1.9.1 1.2.840.113549.1.9.2 1.2.840.113549.1.9.3 1.2.840.113549.1.9.7 "
              "1.2.840.113549.1.9.8 0.9.2342.19200300.100.1.1 0.9.2342.19200300.100.1.3 0.9.2342.19200300.100.1.25 "
              "2.16.840.1.113730.3.1.3 0.2.262.1.10.7.20 1.3.6.1.4.1.311.60.2.1.3 2.23.133.2.1 2.23.133.2.2 2.23.133.2.3 "
              "1.2.3 1.3.6.1.4.1.99999999.1").split()

# What strongSwan's tool issues: name, options of --issue.
ISSUED = {
    "plain": [],
    "names": ["--san", "vpn.example.com", "--san", "10.1.2.3", "--san", "fe80::1", "--san", "me@example.com",
              "--san", "C=CH, O=strongSwan"],
    "flags": ["--flag", "serverAuth", "--flag", "clientAuth", "--flag", "ikeIntermediate"],
    "all-flags": ["--flag", "serverAuth", "--flag", "clientAuth", "--flag", "crlSign", "--flag", "ocspSigning",
                  "--flag", "msSmartcardLogon"],
    "ca": ["--ca", "--pathlen", "0"],
    "ca-deep": ["--ca", "--pathlen", "3"],
    "uris": ["--crl", "http://a.b/c.crl", "--crl", "ldap://x/y", "--crlissuer", "C=CH, O=foo, CN=crl", "--crl", "http://z",
             "--ocsp", "http://o.p", "--ocsp", "http://q.r:80/"],
    "policies": ["--cert-policy", "1.2.3.4", "--cps-uri", "http://cps", "--cert-policy", "2.5.29.32.0", "--user-notice", "x",
                 "--cert-policy", "1.3.6.1.4.1.36906.1"],
    "mappings": ["--policy-mapping", "1.2.3:1.2.4", "--policy-mapping", "1.2.5:1.9.9"],
    "policy-constraints": ["--policy-explicit", "3", "--policy-inhibit", "0", "--policy-any", "2"],
    "policy-any": ["--policy-any", "0"],
    "constraints": ["--nc-permitted", "dns:foo.com", "--nc-permitted", ".foo.com", "--nc-excluded", "email:a@b.c",
                    "--nc-excluded", "C=CH, O=x", "--nc-excluded", "1.2.3.4"],
    "addresses": ["--addrblock", "10.0.0.0/8", "--addrblock", "192.168.0.1-192.168.0.9", "--addrblock", "fec0::/10",
                  "--addrblock", "1.2.3.4", "--addrblock", "2001:db8::1-2001:db8::ffff"],
    "all-addresses": ["--addrblock", "0.0.0.0/0", "--addrblock", "::/0"],
    "serial": ["--serial", "00ff"],
    "one-day": ["--lifetime", "1"],
    "past": ["--not-before", "01.01.20 00:00:00", "--not-after", "01.01.21 00:00:00"],
    "future": ["--dateform", "%Y%m%d%H%M%S", "--not-before", "20990101000000", "--not-after", "21990630235959"],
}

EXPLICIT = "  policyConstraints:\n           requireExplicitPolicy: 3\n           inhibitPolicyMapping: 0\n"

# What openssl issues: subject, extensions, and the lines that ours has beyond the real one's.
OPENSSL = {
    "subject": ("/C=CH/O=a, b/OU=\"q\"/CN=x/emailAddress=a@b.c/DC=dc/UID=u", "basicConstraints=CA:FALSE", ""),
    "utf8": ("/CN=\u00e4\u20ac", "basicConstraints=CA:FALSE", ""),
    "empty": ("/", "subjectAltName=critical,DNS:foo", ""),
    "san": ("/CN=x", "subjectAltName=DNS:a.b,DNS:*.c.d,IP:10.0.0.1,IP:fe80::1,email:x@y.z,URI:http://u/v,dirName:dn,RID:1.2.3,"
            f"otherName:1.2.3.4;UTF8:foo,otherName:{UPN};UTF8:upn@foo\n[dn]\nC=CH\nO=Foo", ""),
    "usages": ("/CN=x", "keyUsage=critical,digitalSignature,keyCertSign,cRLSign\n"
               f"extendedKeyUsage=serverAuth,clientAuth,codeSigning,OCSPSigning,{IKE},1.3.6.1.5.5.7.3.17,msSmartcardLogin,"
               "anyExtendedKeyUsage,ipsecEndSystem", ""),
    "ca": ("/CN=x", "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
           "authorityKeyIdentifier=keyid,issuer:always", ""),
    "no-ca": ("/CN=x", "basicConstraints=CA:FALSE,pathlen:3", ""),
    "key-ids": ("/CN=x", "subjectKeyIdentifier=00112233\nauthorityKeyIdentifier=issuer:always", ""),
    "uris": ("/CN=x", "crlDistributionPoints=c1,c2,URI:http://three\nauthorityInfoAccess=OCSP;URI:http://ocsp/1,"
             "caIssuers;URI:http://ca/1,OCSP;URI:http://ocsp2\n[c1]\nfullname=URI:http://one,URI:ldap://one\n"
             "CRLissuer=dirName:dn\n[c2]\nfullname=dirName:dn\n[dn]\nC=CH\nO=Foo", ""),
    "policies": ("/CN=x", "certificatePolicies=1.2.3.4,@p\n[p]\npolicyIdentifier=1.3.5.8\nCPS.1=http://a.b/cps\n"
                 "CPS.2=http://two\nuserNotice.1=@n\n[n]\nexplicitText=UTF8:Hello\norganization=Org\nnoticeNumbers=1,2", ""),
    "mappings": ("/CN=x", "policyMappings=1.2.3:1.2.4,1.2.5:1.3.6.1.4.1.311.21.1\ninhibitAnyPolicy=2", ""),
    "policy-constraints": ("/CN=x", "policyConstraints=requireExplicitPolicy:3,inhibitPolicyMapping:0", EXPLICIT),
    "others": ("/CN=x", "freshestCRL=URI:http://delta\nissuerAltName=DNS:iss\nnsComment=hi\nnsCertType=server\n"
               "tlsfeature=status_request", ""),
    "as-numbers": ("/CN=x", "sbgp-autonomousSysNum=AS:1,AS:2-4", ""),
    "inherited": ("/CN=x", "sbgp-ipAddrBlock=IPv4:inherit,IPv6:inherit", ""),
}


def raw(spki):
    """Bytes that no tool writes: name -> certificate."""
    d = der
    x = lambda *extensions, **parts: d.certificate(spki, *extensions, **parts)  # noqa: E731
    dns = lambda b: d.tlv(0x82, b)  # noqa: E731
    rows = {
        "no-extension": x(),
        "version-1": x(version=b""),
        "same-names": x(issuer=d.name("x")),
        "strange-bytes": x(d.san(dns(b"a\0b\xc3\xa4"), d.tlv(0x87, b"\1\2\3"), d.tlv(0x87, b"\1\2\3\4"), dns(b""))),
        "address-and-mask": x(d.san(d.tlv(0x87, b"\1\2\3\4\xff\0\0\0"))),
        "other-names": x(d.san(d.directory("y"), d.tlv(0x88, b"\x2a\3"), d.other_name("1.2.3", 0x0c, b"foo"),
                               d.other_name(UPN, 0x0c, b"u@x"), d.other_name("1.3.6.1.5.5.7.8.5", 0x0c, b"j@x"),
                               d.uri("http://x"))),
        "only-other-names": x(d.san(d.tlv(0x88, b"\x2a\3"))),
        "all-kinds-of-constraints": x(d.constraints([dns(b"x"), d.uri(".u.x"), d.tlv(0x81, b"mail.x"), d.directory("y")],
                                                    [dns(b"z")])),
        "notice-then-cps": x(d.policies(d.policy("1.2.3", d.notice("Hello"), d.cps("http://b"), d.cps("http://c")),
                                        d.policy("1.2.4"))),
        "key-id-of-no-hash": x(d.extension("2.5.29.35", d.seq(d.tlv(0x80, b"abc"))), d.extension("2.5.29.14", d.tlv(4, b"d"))),
        "issuer-is-own-key-id": x(d.extension("2.5.29.35", d.seq(d.tlv(0x80, b"abc"))),
                                  d.extension("2.5.29.14", d.tlv(4, b"abc"))),
        "path-of-127": x(d.extension("2.5.29.19", d.seq(b"\1\1\xff\2\1\x7f"), True)),
        "crl-sign-alone": x(d.extension("2.5.29.15", b"\3\2\1\2")),
        "usages-twice": x(d.usages(AUTH + "1", AUTH + "9", AUTH + "1")),
        "any-usage": x(d.usages("2.5.29.37.0", AUTH + "17")),
        "point-without-name": x(d.points(d.point([], [d.directory("i")]), d.point([d.uri("http://1")]))),
        "point-of-many": x(d.points(d.point([d.uri("http://1"), d.uri("http://2")], [d.directory("i"), d.directory("j")]))),
        "point-of-kinds": x(d.points(d.point([d.directory("a"), d.uri("http://2")]), d.point([dns(b"dns.x")]))),
        "responder-by-name": x(d.access(dns(b"dns.x"), d.uri("http://o"))),
        "blocks": x(d.addresses(
            d.family(b"\0\1", d.bits(0, b"\x0a"), d.bits(4, b"\xac\x10"), d.bits(0, b""),
                     d.seq(d.bits(0, b"\1\2\3\4"), d.bits(0, b"\1\2\3\5")), d.seq(d.bits(0, b"\x0a"), d.bits(0, b"\x0b"))),
            d.family(b"\0\2", d.bits(3, b"\x20\1\x0d\xb8"), d.seq(d.bits(0, b"\x20"), d.bits(0, b"\x20"))))),
        "blocks-inherited": x(d.addresses(d.family(b"\0\1"), d.family(b"\0\2", d.bits(0, b"")))),
        "everything": x(
            d.extension("2.5.29.54", b"\2\1\3"), d.extension("2.5.29.36", d.seq(d.tlv(0xa0, b"\2\1\1"), d.tlv(0xa1, b"\2\1\1"))),
            d.extension("2.5.29.33", d.seq(d.seq(d.oid("1.2.3"), d.oid("1.2.4")))), d.policies(d.policy("1.2.3")),
            d.extension("2.5.29.35", d.seq(d.tlv(0x80, b"abc"))), d.extension("2.5.29.14", d.tlv(4, b"def")),
            d.constraints([dns(b"x")], [dns(b"y")]), d.addresses(d.family(b"\0\1", d.bits(0, b"\x0a"))),
            d.extension("2.5.29.19", d.seq(b"\1\1\xff\2\1\5"), True), d.access(d.uri("http://o")),
            d.points(d.point([d.uri("http://1")])), d.san(dns(b"san")), d.usages(AUTH + "1")),
        "joined-attributes": x(subject=d.name([("2.5.4.3", 0x0c, b"a"), ("2.5.4.10", 0x0c, b"b")], "c")),
        "spaces": x(subject=d.name([("2.5.4.3", 0x0c, b"")], [("2.5.4.3", 0x0c, b"  c ")])),
        "last-second-of-9999": x(end=(0x18, b"99991231235959Z")),
        "year-1950": x(start=(0x17, b"500101000000Z"), end=(0x17, b"491231235959Z")),
    }
    for at in range(0, len(ATTRIBUTES), 8):
        rows[f"attributes-{at}"] = x(subject=d.name(*([(oid, 0x13, b"v")] for oid in ATTRIBUTES[at:at + 8])))
    for tag in (0x0c, 0x13, 0x14, 0x16, 0x1c, 0x1e, 0x12):
        value = b"\0\0\0a" if tag in (0x1c, 0x1e) else b"a\0b\xe4 \1,\"+\\" if tag != 0x0c else b"a\xc3\xa4\1,\"+\\"
        rows[f"string-{tag:x}"] = x(subject=d.name([("2.5.4.3", tag, value)]))
    for name, serial in (("zero", b"\0"), ("negative", b"\xfb"), ("high", b"\0\x80"), ("long", bytes(range(1, 21))),
                         ("longer-than-127", b"\1" * 130)):
        rows[f"serial-{name}"] = x(serial=serial)
    return rows


def revocation_lists():
    d = der

    def crl(entries=(), extensions=b"", next_update=b"270101000000Z", version=b"\2\1\1"):
        tbs = d.seq(version, d.ECDSA_SHA256, d.name("iss"), d.tlv(0x17, b"260101000000Z"), d.tlv(0x17, next_update),
                    d.seq(*entries) if entries else b"", d.tlv(0xa0, d.seq(extensions)) if extensions else b"")
        return d.seq(tbs, d.ECDSA_SHA256, d.tlv(3, b"\0" + bytes(70)))

    def entry(serial, reason=None, extra=b""):
        extensions = (d.extension("2.5.29.21", d.tlv(10, bytes([reason]))) if reason is not None else b"") + extra
        return d.seq(d.tlv(2, serial), d.tlv(0x17, b"250101000000Z"), d.seq(extensions) if extensions else b"")

    return {
        "version-1": crl([entry(b"\5")], version=b""),
        "empty": crl(),
        "over": crl(next_update=b"260601000000Z"),
        "reasons": crl([entry(bytes([i + 1]), i) for i in range(12)]),
        "numbers": crl([entry(b"\0\x80"), entry(b"\0"), entry(b"\xff")], d.extension("2.5.29.20", d.tlv(2, b"\0\x90")) +
                       d.extension("2.5.29.35", d.seq(d.tlv(0x80, b"abc")))),
        "partial": crl([entry(b"\5")], d.extension("2.5.29.28", d.seq(d.tlv(0xa0, d.tlv(0xa0, d.uri("http://x")))), True)),
        "freshest": crl([], d.extension("2.5.29.46", d.seq(d.point([d.uri("http://x"), d.uri("http://y")],
                                                                   [d.directory("i")])))),
        "delta": crl([entry(b"\5", 8)], d.extension("2.5.29.20", b"\2\1\7") + d.extension("2.5.29.27", b"\2\1\6", True)),
    }


class Print(kit.Case):
    def setUp(self):
        super().setUp()
        self.real("--gen", "--type", "ecdsa", "--size", "256", "--outform", "pem", to="k.pem")
        self.real("--self", "--in", "k.pem", "--type", "ecdsa", "--dn", "C=CH, O=strongSwan, CN=CA", "--ca", "--outform",
                  "pem", to="ca.pem")
        self.real("--pub", "--in", "k.pem", "--type", "ecdsa", to="k.pub")

    def issue(self, to, *options, dn="CN=leaf, O=x"):
        self.real("--issue", "--cacert", "ca.pem", "--cakey", "k.pem", "--type", "pub", "--in", "k.pub", "--dn", dn, *options,
                  to=to)

    def openssl_cert(self, name, subject, extensions):
        self.openssl("req", "-new", "-utf8", "-key", "k.pem", "-subj", subject, "-out", "r.pem")
        self.write("x.cnf", "[x]\n" + extensions + "\n")
        self.openssl("x509", "-req", "-in", "r.pem", "-CA", "ca.pem", "-CAkey", "k.pem", "-set_serial", "0x1234", "-days", "100",
                     "-out", name, "-extfile", "x.cnf", "-extensions", "x")

    def same(self, kind, path, what, added="", real=None, **ours):
        """Both print the same; where they do not, a second may have passed between them, but not twice."""
        for left in (2, 1, 0):
            theirs = (real or self.try_real)("--print", "--type", kind, "--in", path)
            mine = self.try_ours("--print", "--type", kind, "--in", path, **ours)
            self.good(theirs, f"strongSwan's --print of {what}")
            self.good(mine, f"--print of {what}")
            missing = [line for line in theirs.text.splitlines() if line not in mine.text.splitlines()]
            text = mine.text.replace(added, "", 1) if added else mine.text
            if added and added not in mine.text:
                missing.append(added)
            if text == theirs.text and not missing:
                return
            if not left:
                self.assertEqual(text, theirs.text, what)
        self.fail(f"{what}: {missing}")

    def test_certificates_of_strongswans_tool(self):
        for name, options in ISSUED.items():
            self.issue("c.der", *options)
            self.same("x509", "c.der", name)

    def test_self_signed_certificates(self):
        self.same("x509", "ca.pem", "a CA")
        self.real("--self", "--in", "k.pem", "--dn", "CN=s", "--flag", "msSmartcardLogon", "--flag", "clientAuth", "--san", "a",
                  to="s.der")
        self.same("x509", "s.der", "a smart card's")

    def test_certificates_of_openssl(self):
        for name, (subject, extensions, added) in OPENSSL.items():
            self.openssl_cert("c.pem", subject, extensions)
            self.same("x509", "c.pem", name, added)

    def test_certificates_of_no_tool(self):
        spki = self.openssl("pkey", "-in", "k.pem", "-pubout", "-outform", "der")
        for name, data in raw(spki).items():
            self.write("c.der", data)
            self.same("x509", "c.der", name)

    def test_constraints_of_addresses_are_shown_though_the_real_one_refuses_them(self):
        spki = self.openssl("pkey", "-in", "k.pem", "-pubout", "-outform", "der")
        self.write("c.der", der.certificate(spki, der.constraints([
            der.tlv(0x87, b"\1\2\3\4\xff\0\0\0"), der.tlv(0x87, b"\xfe\xc0" + bytes(14) + b"\xff\xff" + bytes(14))])))
        self.same("x509", "c.der", "address constraints",
                  "  permitted nameConstraints:\n           1.2.3.4/8\n           fec0::/16\n")

    def test_keys_of_every_kind(self):
        for kind, size, alg in (("rsa", "1024", None), ("ecdsa", "384", None), ("ecdsa", "521", None), ("ed25519", None, None),
                                ("ed448", None, None)):
            self.real("--gen", "--type", kind, *(["--size", size] if size else []), "--outform", "pem", to="p.pem")
            self.openssl("pkey", "-in", "p.pem", "-pubout", "-out", "p.pub")
            self.same("priv", "p.pem", kind)
            self.same(kind, "p.pem", kind)
            self.same("pub", "p.pub", kind)
            self.openssl("req", "-x509", "-new", "-key", "p.pem", "-subj", "/CN=x", "-out", "c.pem")
            self.same("x509", "c.pem", kind)
        for options in (["RSA-PSS", "-pkeyopt", "rsa_keygen_bits:1024"], ["EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
                        ["EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"],
                        ["EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"]):
            self.openssl("genpkey", "-algorithm", *options, "-out", "p.pem")
            self.openssl("req", "-x509", "-new", "-key", "p.pem", "-subj", "/CN=x", "-out", "c.pem")
            self.same("x509", "c.pem", str(options))

    def test_how_far_dates_are(self):
        for delta in (60, 119, 121, 125, 3599, 3605, 7199, 7201, 86399, 86405, 172799, 172805, 259205):
            for sign in (-1, 1):
                now = int(time.time())
                stamp = [time.strftime("%d.%m.%y %H:%M:%S", time.gmtime(now + d)) for d in (-sign * delta, sign * delta)]
                self.issue("c.der", "--not-before", stamp[0], "--not-after", stamp[1])
                self.same("x509", "c.der", f"{delta} s")

    def test_times_are_the_users(self):
        self.issue("c.der", "--dateform", "%Y%m%d%H%M%S", "--not-before", "20200101003000", "--not-after", "20300701000000")
        for zone in ("CET-1CEST,M3.5.0,M10.5.0/3", "PST8PDT", "UTC"):
            env = {"TZ": zone}
            ours = kit.run([f"{kit.BIN}/pki", "--print", "--in", "c.der"], self.folder, env=env)
            root = kit.peers.fetch_strongswan_pki()
            self.write("strongswan.conf", "")
            theirs = kit.run(["unshare", "-m", "--propagation", "private", "sh", "-c", kit.REAL, root, "--print", "--in", "c.der"],
                             self.folder, env={**env, "STRONGSWAN_CONF": self.path("strongswan.conf")})
            self.assertEqual(ours.text, theirs.text)
            self.assertIn("not before Jan 01 00:30:00 2020" if zone == "UTC" else "not before", ours.text)

    def test_revocation_lists_of_strongswans_tool(self):
        sign = ("--signcrl", "--cacert", "ca.pem", "--cakey", "k.pem")
        reasons = "key-compromise ca-compromise affiliation-changed superseded cessation-of-operation certificate-hold".split()
        self.real(*sign, to="0.crl")
        self.real(*sign, "--serial", "0600", "--lifetime", "400", to="1.crl")
        self.real(*sign, *(word for i, reason in enumerate(reasons) for word in ("--reason", reason, "--serial", f"{i:02x}")),
                  "--date", "1400000000", "--serial", "ff", to="2.crl")
        self.real(*sign, "--crluri", "http://a.b/delta", "--crluri", "ldap://x", to="3.crl")
        self.real(*sign, "--basecrl", "3.crl", "--serial", "09", to="4.crl")
        self.real(*sign, "--lastcrl", "2.crl", "--this-update", "01.01.20 00:00:00", "--next-update", "01.02.20 00:00:00",
                  "--outform", "pem", to="5.crl")
        for i in range(6):
            self.same("crl", f"{i}.crl", f"CRL {i}")

    def test_revocation_lists_of_no_tool(self):
        for name, data in revocation_lists().items():
            self.write("c.crl", data)
            self.same("crl", "c.crl", name)

    def test_attribute_certificates(self):
        self.issue("leaf.der", "--serial", "0080aa")
        make = ("--acert", "--issuerkey", "k.pem", "--issuercert", "ca.pem", "--in", "leaf.der")
        for name, options in (("plain", []), ("groups", ["--group", "sales", "--group", "x y", "--serial", "07"]),
                              ("long", ["--lifetime", "2000"]), ("pem", ["--group", "a", "--outform", "pem"]),
                              ("past", ["--not-before", "01.01.20 00:00:00", "--not-after", "01.02.20 00:00:00"])):
            self.real(*make, *options, to="a.ac")
            self.same("ac", "a.ac", name)

    def test_the_first_of_many_is_printed(self):
        self.issue("b.pem", "--outform", "pem")
        self.write("both.pem", b"some words\n" + self.read("b.pem") + self.read("ca.pem"))
        self.same("x509", "both.pem", "two certificates")
        data = self.read("both.pem")
        self.assertIn(b'subject:  "CN=leaf, O=x"', self.ours("--print", stdin=data))

    def test_what_cannot_be_printed_is_refused(self):
        self.issue("c.der", "--critical", "1.2.3.4")
        self.refused(self.try_ours("--print", "--in", "c.der"), "unsupported critical X.509 extension: 1.2.3.4")
        self.refused(self.try_real("--print", "--in", "c.der"), "1.2.3.4")
        self.refused(self.try_ours("--print", "--in", "k.pem"), "PEM of something else", "try: --type priv")
        self.refused(self.try_ours("--print", "--type", "ecdsa", "--in", "ca.pem"))
        self.refused(self.try_ours("--print", "--type", "foo"), "invalid --type foo")
        self.write("empty", b"")
        self.write("noise", bytes(range(256)) * 20)
        self.write("cut.der", self.openssl("x509", "-in", "ca.pem", "-outform", "der")[:-9])
        for kind in ("x509", "crl", "ac", "pub", "priv", "ocsp-req", "ocsp-rsp"):
            for name in ("empty", "noise", "cut.der", "nowhere"):
                self.refused(self.try_ours("--print", "--type", kind, "--in", name))


if __name__ == "__main__":
    kit.main()
