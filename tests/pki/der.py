# SPDX-License-Identifier: Apache-2.0
"""Certificates byte by byte: what neither openssl nor pki would write. Signatures are left out (zeros), as printing
needs none."""


def tlv(tag, content):
    n = len(content)
    length = bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else bytes([0x82, n >> 8, n & 255])
    return bytes([tag]) + length + content


def seq(*parts):
    return tlv(0x30, b"".join(parts))


def oid(dotted):
    first, second, *rest = (int(x) for x in dotted.split("."))
    out = b""
    for arc in (first * 40 + second, *rest):
        part = [arc & 127]
        while arc := arc >> 7:
            part.insert(0, 128 | (arc & 127))
        out += bytes(part)
    return tlv(6, out)


def name(*rdns):
    """Each RDN: [(type, tag, value), ...], or "text" for a CN."""
    rdns = [[("2.5.4.3", 0x0c, r.encode())] if isinstance(r, str) else r for r in rdns]
    return seq(*(tlv(0x31, b"".join(seq(oid(t), tlv(tag, v)) for t, tag, v in r)) for r in rdns))


def extension(dotted, value, critical=False):
    return seq(oid(dotted), b"\1\1\xff" if critical else b"", tlv(4, value))


def uri(text):
    return tlv(0x86, text.encode())


def directory(text):
    return tlv(0xa4, name(text))


ECDSA_SHA256 = seq(oid("1.2.840.10045.4.3.2"))


def certificate(spki, *extensions, subject=name("x"), issuer=name("iss"), serial=b"\5", version=b"\xa0\3\2\1\2",
                start=(0x17, b"200101000000Z"), end=(0x17, b"300101000000Z")):
    tbs = seq(version, tlv(2, serial), ECDSA_SHA256, issuer, seq(tlv(*start), tlv(*end)), subject, spki,
              tlv(0xa3, seq(*extensions)) if extensions else b"")
    return seq(tbs, ECDSA_SHA256, tlv(3, b"\0" + bytes(70)))


def san(*names):
    return extension("2.5.29.17", seq(*names))


def other_name(dotted, tag, value):
    return tlv(0xa0, oid(dotted) + tlv(0xa0, tlv(tag, value)))


def usages(*oids):
    return extension("2.5.29.37", seq(*(oid(o) for o in oids)))


def point(names=(), issuers=()):
    return seq(tlv(0xa0, tlv(0xa0, b"".join(names))) if names else b"", tlv(0xa2, b"".join(issuers)) if issuers else b"")


def points(*all_points):
    return extension("2.5.29.31", seq(*all_points))


def access(*uris):
    return extension("1.3.6.1.5.5.7.1.1", seq(*(seq(oid("1.3.6.1.5.5.7.48.1"), u) for u in uris)))


def constraints(permitted=(), excluded=()):
    return extension("2.5.29.30", seq(*(tlv(tag, b"".join(seq(n) for n in names))
                                        for tag, names in ((0xa0, permitted), (0xa1, excluded)) if names)))


def policy(dotted, *qualifiers):
    return seq(oid(dotted), seq(*qualifiers) if qualifiers else b"")


def policies(*all_policies):
    return extension("2.5.29.32", seq(*all_policies))


def cps(text):
    return seq(oid("1.3.6.1.5.5.7.2.1"), tlv(0x16, text.encode()))


def notice(text):
    return seq(oid("1.3.6.1.5.5.7.2.2"), seq(tlv(0x0c, text.encode())))


def family(number, *blocks):
    return seq(tlv(4, number), seq(*blocks) if blocks else b"\5\0")


def bits(unused, content):
    return tlv(3, bytes([unused]) + content)


def addresses(*families):
    return extension("1.3.6.1.5.5.7.1.7", seq(*families), critical=True)
