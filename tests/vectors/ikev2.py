#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints ikev2_vectors.h: IKEv2 key derivation, AUTH and encrypted messages, computed from the text of RFC 7296,
7383, 5282, 5930, 4434, 4615, 9242 and 9370 with Python's hmac and the `cryptography` package. It shares no code with Keyway, so that a mistake
of one shows in the other. Needed only to make new values: python3 ikev2.py > ikev2_vectors.h"""
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.cmac import CMAC


def fill(n, start=0):
    return bytes((start + i) & 0xFF for i in range(n))


def ecb(key, block):
    e = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return e.update(block) + e.finalize()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def xcbc_mac(key, msg):  # RFC 3566
    k1, k2, k3 = (ecb(key, bytes([n]) * 16) for n in (1, 2, 3))
    blocks = [msg[i:i + 16] for i in range(0, len(msg), 16)] or [b""]
    e = bytes(16)
    for b in blocks[:-1]:
        e = ecb(k1, xor(e, b))
    last = blocks[-1]
    if len(last) == 16:
        return ecb(k1, xor(xor(last, e), k2))
    return ecb(k1, xor(xor((last + b"\x80").ljust(16, b"\0"), e), k3))


def cmac(key, msg):
    c = CMAC(algorithms.AES(key))
    c.update(msg)
    return c.finalize()


def prf_xcbc(key, msg):  # RFC 4434
    if len(key) < 16:
        key = key.ljust(16, b"\0")
    elif len(key) > 16:
        key = xcbc_mac(bytes(16), key)
    return xcbc_mac(key, msg)


def prf_cmac(key, msg):  # RFC 4615
    if len(key) != 16:
        key = cmac(bytes(16), key)
    return cmac(key, msg)


def prf_hmac(name):
    return lambda key, msg: hmac.new(key, msg, name).digest()


PRFS = {  # name: function, preferred key length, nonces cut to 64 bits
    "XCBC": (prf_xcbc, 16, True),
    "CMAC": (prf_cmac, 16, True),
    "SHA256": (prf_hmac("sha256"), 32, False),
    "SHA384": (prf_hmac("sha384"), 48, False),
    "SHA512": (prf_hmac("sha512"), 64, False),
}


def prf_plus(prf, key, seed, n):
    out, t, i = b"", b"", 1
    while len(out) < n:
        t = prf(key, t + seed + bytes([i]))
        out += t
        i += 1
    return out[:n]


NI, NR = fill(32, 0x10), fill(40, 0x80)
NI2, NR2 = fill(24, 0x33), fill(32, 0xC1)
GIR, GIR2 = fill(32, 0x40), fill(64, 0x05)
SPII, SPIR = bytes.fromhex("1122334455667788"), bytes.fromhex("99aabbccddeeff01")
SPII2, SPIR2 = bytes.fromhex("0102030405060708"), bytes.fromhex("f1f2f3f4f5f6f7f8")


def ike_keymat(name, skeyseed, ni, nr, spis, integ, encr):
    prf, klen, _ = PRFS[name]
    return prf_plus(prf, skeyseed, ni + nr + spis, 3 * klen + 2 * integ + 2 * encr)


def skeyseed(name):
    prf, _, cut = PRFS[name]
    return prf((NI[:8] + NR[:8]) if cut else NI + NR, GIR)


def show(name, value):
    text = value.hex()
    lines = [text[i:i + 80] for i in range(0, len(text), 80)]
    print(f"#define {name} \\")
    print(" \\\n".join(f'    "{line}"' for line in lines))


def header(spii, spir, nxt, exchange, flags, mid, length):
    return spii + spir + bytes([nxt, 0x20, exchange, flags]) + struct.pack(">II", mid, length)


def payload(nxt, body):
    return bytes([nxt, 0]) + struct.pack(">H", 4 + len(body)) + body


def notify(nxt, ntype, data=b""):
    return payload(nxt, struct.pack(">BBH", 0, 0, ntype) + data)


CHAIN = notify(41, 16396) + notify(43, 16404, b"\x01\x02\x03") + payload(0, b"Keyway test vector")


def sealed(seal, iv, icv, block, plain, first, mid, extra=b"", nxt=46):
    pad = (-(len(plain) + 1)) % block
    plain = plain + bytes(pad) + bytes([pad])
    total = 28 + 4 + len(extra) + len(iv) + len(plain) + icv
    aad = header(SPII, SPIR, nxt, 35, 0x08, mid, total) + bytes([first, 0]) + struct.pack(">H", total - 28) + extra
    return aad + iv + seal(aad, iv, plain)


def aead(make, key, salt, icv):
    return lambda aad, iv, plain: make(key).encrypt(salt + iv, plain, aad)


def etm(mode, key, mkey, digest, icv):
    def seal(aad, iv, plain):
        m = modes.CBC(iv) if mode == "cbc" else modes.CTR(CTR_SALT + iv + struct.pack(">I", 1))
        e = Cipher(algorithms.AES(key), m).encryptor()
        ct = e.update(plain) + e.finalize()
        return ct + hmac.new(mkey, aad + iv + ct, digest).digest()[:icv]
    return seal


CTR_SALT = fill(4, 0xA0)
IV0 = bytes(8)

print("/* SPDX-License-Identifier: Apache-2.0 */")
print("/* Made by ikev2.py beside it, which shares no code with Keyway: do not edit. */")
print("#pragma once\n/* clang-format off */\n")
for n, v in (("NI", NI), ("NR", NR), ("GIR", GIR), ("NI2", NI2), ("NR2", NR2), ("GIR2", GIR2)):
    show("V_" + n, v)
print("/* SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr */")
show("V_IKE_XCBC_CBC128_XCBC", ike_keymat("XCBC", skeyseed("XCBC"), NI, NR, SPII + SPIR, 16, 16))
show("V_IKE_CMAC_CBC128_CMAC", ike_keymat("CMAC", skeyseed("CMAC"), NI, NR, SPII + SPIR, 16, 16))
show("V_IKE_SHA256_CBC256_SHA256", ike_keymat("SHA256", skeyseed("SHA256"), NI, NR, SPII + SPIR, 32, 32))
show("V_IKE_SHA384_GCM256", ike_keymat("SHA384", skeyseed("SHA384"), NI, NR, SPII + SPIR, 0, 36))
show("V_IKE_SHA512_CHACHA", ike_keymat("SHA512", skeyseed("SHA512"), NI, NR, SPII + SPIR, 0, 36))
old = ike_keymat("SHA256", skeyseed("SHA256"), NI, NR, SPII + SPIR, 32, 32)
sk_d = old[:32]
seed2 = PRFS["SHA256"][0](sk_d, GIR2 + NI2 + NR2)
print("/* rekey of V_IKE_SHA256_CBC256_SHA256 to another PRF and AES-CCM-128 with its 3 bytes of salt */")
show("V_REKEY_SHA512_CCM128", ike_keymat("SHA512", seed2, NI2, NR2, SPII2 + SPIR2, 0, 19))
print("/* children of V_IKE_SHA256_CBC256_SHA256: encr_i | integ_i | encr_r | integ_r */")
show("V_CHILD_GCM128", prf_plus(PRFS["SHA256"][0], sk_d, NI2 + NR2, 2 * 20))
show("V_CHILD_KE_CBC256_SHA384", prf_plus(PRFS["SHA256"][0], sk_d, GIR2 + NI2 + NR2, 2 * (32 + 48)))

print("/* AUTH with a shared secret */")
INIT = header(SPII, bytes(8), 40, 34, 0x08, 0, 28 + 4 + 32) + payload(0, NI)
ID = bytes([2, 0, 0, 0]) + b"moon.example"
p = PRFS["SHA256"][0]
sk_pi = old[128 + 32:128 + 64]
octets = INIT + NR + p(sk_pi, ID)
show("V_AUTH_MESSAGE", INIT)
show("V_AUTH_ID_BODY", ID)
show("V_AUTH_SK_PI", sk_pi)
show("V_AUTH_OCTETS", octets)
show("V_AUTH_PSK", p(p(b"a shared secret", b"Key Pad for IKEv2"), octets))

print("/* messages: SPIs 1122334455667788 99aabbccddeeff01, IKE_AUTH request, keys 00 01 02.., MAC keys 80 81.. */")
show("V_CHAIN", CHAIN)
show("V_SK_GCM16_256", sealed(aead(AESGCM, fill(32), fill(4, 32), 16), IV0, 16, 1, CHAIN, 41, 1))
show("V_SK_GCM12_128", sealed(lambda a, i, x: AESGCM(fill(16)).encrypt(fill(4, 16) + i, x, a)[:-4], IV0, 12, 1,
                              CHAIN, 41, 1))
show("V_SK_CCM16_256", sealed(aead(lambda k: AESCCM(k, 16), fill(32), fill(3, 32), 16), IV0, 16, 1, CHAIN, 41, 1))
show("V_SK_CCM8_128", sealed(aead(lambda k: AESCCM(k, 8), fill(16), fill(3, 16), 8), IV0, 8, 1, CHAIN, 41, 1))
show("V_SK_CHACHA", sealed(aead(ChaCha20Poly1305, fill(32), fill(4, 32), 16), IV0, 16, 1, CHAIN, 41, 1))
show("V_SK_CBC256_SHA256", sealed(etm("cbc", fill(32), fill(32, 0x80), "sha256", 16), fill(16, 0x55), 16, 16,
                                  CHAIN, 41, 1))
show("V_SK_CBC128_SHA1", sealed(etm("cbc", fill(16), fill(20, 0x80), "sha1", 12), fill(16, 0x55), 12, 16,
                                CHAIN, 41, 1))
CTR_SALT = fill(4, 16)
show("V_SK_CTR128_SHA512", sealed(etm("ctr", fill(16), fill(64, 0x80), "sha512", 32), IV0, 32, 1, CHAIN, 41, 1))
gcm = aead(AESGCM, fill(32), fill(4, 32), 16)
half = len(CHAIN) // 2
show("V_SKF_GCM16_256_1", sealed(gcm, (0).to_bytes(8, "big"), 16, 1, CHAIN[:half], 41, 1, bytes([0, 1, 0, 2]), 53))
show("V_SKF_GCM16_256_2", sealed(gcm, (1).to_bytes(8, "big"), 16, 1, CHAIN[half:], 0, 1, bytes([0, 2, 0, 2]), 53))

print("/* NAT detection: 192.0.2.17 port 4500, and 2001:db8::1 port 500 without a responder SPI */")
show("V_NATD4", hashlib.sha1(SPII + SPIR + bytes([192, 0, 2, 17]) + struct.pack(">H", 4500)).digest())
show("V_NATD6", hashlib.sha1(SPII + bytes(8) + bytes.fromhex("20010db8") + bytes(11) + b"\x01"
                             + struct.pack(">H", 500)).digest())

print("/* additional key exchanges: V_IKE_SHA256_CBC256_SHA256 after one that gave GIR2, then one that gave GIR */")
add1 = ike_keymat("SHA256", p(sk_d, GIR2 + NI + NR), NI, NR, SPII + SPIR, 32, 32)
add2 = ike_keymat("SHA256", p(add1[:32], GIR + NI + NR), NI, NR, SPII + SPIR, 32, 32)
show("V_ADDKE_1", add1)
show("V_ADDKE_2", add2)
print("/* V_REKEY_SHA512_CCM128 and V_CHILD_KE_CBC256_SHA384, had additional ones given GIR and GIR2 */")
show("V_REKEY_ADDKE", ike_keymat("SHA512", p(sk_d, GIR2 + NI2 + NR2 + GIR + GIR2), NI2, NR2, SPII2 + SPIR2, 0, 19))
show("V_CHILD_ADDKE", prf_plus(p, sk_d, GIR2 + NI2 + NR2 + GIR + GIR2, 2 * (32 + 48)))

print("/* IKE_INTERMEDIATE 1 and 2 as AUTH covers them: requests hold CHAIN, responses a KE payload of GIR2 */")


def content(flags, mid, first, inner):
    return (header(SPII, SPIR, 46, 43, flags, mid, 32 + len(inner)) + bytes([first, 0])
            + struct.pack(">H", 4 + len(inner)) + inner)


KE = payload(0, struct.pack(">HH", 19, 0) + GIR2)
show("V_CONTENT_I1", content(0x08, 1, 41, CHAIN))
show("V_CONTENT_R1", content(0x20, 1, 34, KE))
show("V_CONTENT_I2", content(0x08, 2, 41, CHAIN))
show("V_CONTENT_R2", content(0x20, 2, 34, KE))
i1, r1 = p(old[128 + 32:][:32], content(0x08, 1, 41, CHAIN)), p(old[128 + 64:][:32], content(0x20, 1, 34, KE))
i2 = p(add1[128 + 32:][:32], i1 + content(0x08, 2, 41, CHAIN))
r2 = p(add1[128 + 64:][:32], r1 + content(0x20, 2, 34, KE))
show("V_INTAUTH_1", i1 + r1 + struct.pack(">I", 2))
show("V_INTAUTH_2", i2 + r2 + struct.pack(">I", 3))
show("V_AUTH_PSK_INTAUTH", p(p(b"a shared secret", b"Key Pad for IKEv2"), octets + i2 + r2 + struct.pack(">I", 3)))
