# SPDX-License-Identifier: Apache-2.0
"""Signed messages of CMS with attributes of one's own, by OpenSSL's libcrypto: what its command line cannot make or show."""
import ctypes
import ctypes.util

crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
NO_SIGNER_CERT_VERIFY, BINARY, PARTIAL, NOSMIMECAP, DETACHED = 0x20, 0x80, 0x4000, 0x200, 0x40
PRINTABLE, OCTETS, UTF8 = 19, 4, 12


class Error(Exception):
    pass


def plain(value):
    return ctypes.c_void_p(value) if isinstance(value, int) else value


def pointer(name, *args):
    f = getattr(crypto, name)
    f.restype = ctypes.c_void_p
    return f(*map(plain, args)) or 0


def number(name, *args):
    f = getattr(crypto, name)
    f.restype = ctypes.c_int
    return f(*map(plain, args))


def must(value, what):
    if not value:
        code = number("ERR_get_error")
        pointer("ERR_clear_error")
        raise Error(f"{what} ({code & 0xffffffff:x})")
    return value


def source(data):
    return pointer("BIO_new_mem_buf", data, len(data))


def sink():
    return pointer("BIO_new", pointer("BIO_s_mem"))


def drain(bio):
    out, buf = b"", ctypes.create_string_buffer(65536)
    while (n := number("BIO_read", bio, buf, len(buf))) > 0:
        out += buf.raw[:n]
    return out


def oid(dotted):
    return pointer("OBJ_txt2obj", dotted.encode(), 1)


def x509(pem):
    return must(pointer("PEM_read_bio_X509", source(pem), 0, 0, 0), "no certificate")


class Signed:
    """A message with one signer, whose certificate comes with it."""

    def __init__(self, der):
        bio = source(der)
        self.cms = must(pointer("d2i_CMS_bio", bio, 0), "no CMS")
        if drain(bio):
            raise Error("something follows the message")
        signers = must(pointer("CMS_get0_SignerInfos", self.cms), "not signed")
        if number("OPENSSL_sk_num", signers) != 1:
            raise Error("not one signer")
        self.info = pointer("OPENSSL_sk_value", signers, 0)

    def verify(self):
        """The content, once the signature holds."""
        out = sink()
        must(number("CMS_verify", self.cms, 0, 0, 0, out, BINARY | NO_SIGNER_CERT_VERIFY) == 1, "the signature is wrong")
        cert, digest = ctypes.c_void_p(), ctypes.c_void_p()
        pointer("CMS_SignerInfo_get0_algs", self.info, 0, ctypes.byref(cert), ctypes.byref(digest), 0)
        pem = sink()
        must(number("PEM_write_bio_X509", pem, cert), "no signer")
        self.signer_pem = drain(pem)
        kind = ctypes.c_void_p()
        pointer("X509_ALGOR_get0", ctypes.byref(kind), 0, 0, digest)
        name = ctypes.create_string_buffer(80)
        number("OBJ_obj2txt", name, len(name), kind, 0)
        self.digest = name.value.decode()
        return drain(out)

    def attribute(self, dotted):
        """The one value of a signed attribute of one of SCEP's types, or None."""
        for kind in (PRINTABLE, OCTETS):
            s = pointer("CMS_signed_get0_data_by_OBJ", self.info, oid(dotted), -3, kind)
            if s:
                return ctypes.string_at(pointer("ASN1_STRING_get0_data", s), number("ASN1_STRING_length", s))
        return None


def sign(content, cert_pem, key_pem, digest, attributes):
    """attributes: (OID, text or bytes, "utf8" or None). content None: a message without any."""
    cert = x509(cert_pem)
    key = must(pointer("PEM_read_bio_PrivateKey", source(key_pem), 0, 0, 0), "no key")
    flags = BINARY | PARTIAL | NOSMIMECAP | (0 if content else DETACHED)
    message = must(pointer("CMS_sign", 0, 0, 0, 0, flags), "no message")
    info = must(pointer("CMS_add1_signer", message, cert, key, pointer("EVP_get_digestbyname", digest), flags), "cannot sign")
    for dotted, value, form in attributes:
        kind = OCTETS if isinstance(value, bytes) else UTF8 if form else PRINTABLE
        raw = value if isinstance(value, bytes) else value.encode()
        must(number("CMS_signed_add1_attr_by_OBJ", info, oid(dotted), kind, raw, len(raw)), "no attribute")
    must(number("CMS_final", message, source(content or b""), 0, flags), "cannot finish")
    out = sink()
    must(number("i2d_CMS_bio", out, message), "cannot encode")
    return drain(out)


def name_der(name):
    buf = ctypes.POINTER(ctypes.c_ubyte)()
    length = number("i2d_X509_NAME", name, ctypes.byref(buf))
    return bytes(buf[:length])


def issuer_and_subject(issuer_pem, request_der):
    """What a poll asks for: an issuer and a subject as a SEQUENCE."""
    request = must(pointer("d2i_X509_REQ_bio", source(request_der), 0), "no request")
    body = name_der(pointer("X509_get_subject_name", x509(issuer_pem))) + name_der(pointer("X509_REQ_get_subject_name", request))
    assert len(body) < 65536
    if len(body) < 128:
        return bytes([0x30, len(body)]) + body
    return bytes([0x30, 0x82, len(body) >> 8, len(body) & 255] if len(body) > 255 else [0x30, 0x81, len(body)]) + body
