#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the first inputs of corpus/ike: one message of each kind, in the clear (the fuzz target also reads them as the inside of
an envelope), the sealed ones of tests/vectors/ikev2_vectors.h and the recorded ones of
tests/vectors/strongswan_psk.h. Run it in this folder; what fuzzing found since stays."""
import re
import struct

SPIS = bytes.fromhex("112233445566778899aabbccddeeff01")


def message(exchange, flags, mid, payloads):
    body, first = b"", 0
    for i, (kind, data) in enumerate(payloads):
        nxt = payloads[i + 1][0] if i + 1 < len(payloads) else 0
        first = first or kind
        body += bytes([nxt, 0]) + struct.pack(">H", 4 + len(data)) + data
    return SPIS + bytes([first, 0x20, exchange, flags]) + struct.pack(">II", mid, 28 + len(body)) + body


def transform(last, kind, number, bits=0):
    attr = struct.pack(">HH", 0x800E, bits) if bits else b""
    return bytes([0 if last else 3, 0]) + struct.pack(">HBBH", 8 + len(attr), kind, 0, number) + attr


def proposal(last, number, protocol, spi, transforms):
    body = b"".join(transform(i + 1 == len(transforms), *t) for i, t in enumerate(transforms))
    return (bytes([0 if last else 2, 0]) + struct.pack(">H", 8 + len(spi) + len(body))
            + bytes([number, protocol, len(spi), len(transforms)]) + spi + body)


def notify(kind, data=b"", protocol=0, spi=b""):
    return 41, bytes([protocol, len(spi)]) + struct.pack(">H", kind) + spi + data


IKE = proposal(False, 1, 1, b"", [(1, 20, 256), (2, 6), (4, 31)]) + proposal(
    True, 2, 1, b"", [(1, 12, 128), (3, 12), (2, 5), (4, 14), (4, 19)])
ESP = proposal(False, 1, 3, b"\1\2\3\4", [(1, 20, 128), (5, 0), (5, 1)]) + proposal(
    True, 2, 3, b"\1\2\3\4", [(1, 12, 256), (3, 12), (5, 0)])
TS = bytes([2, 0, 0, 0]) + bytes.fromhex("07000010 0000ffff 0a010000 0a01ffff 08110028 01f401f4"
                                         "20010db8000000000000000000000000 20010db8ffffffffffffffffffffffff")
KE = (34, struct.pack(">HH", 31, 0) + bytes(range(32)))
NONCE = (40, bytes(range(32)))
CP = (47, bytes([1, 0, 0, 0]) + bytes.fromhex("00010000 00030004 08080808"))
SEEDS = {
    "init_request": message(34, 0x08, 0, [(33, IKE), KE, NONCE, notify(16388, bytes(20)), notify(16389, bytes(20)),
                                          notify(16430), notify(16431, b"\0\2\0\3\0\4\0\5"), (43, b"vendor")]),
    "init_cookie": message(34, 0x20, 0, [notify(16390, bytes(33))]),
    "init_invalid_ke": message(34, 0x20, 0, [notify(17, b"\0\x13")]),
    "init_response": message(34, 0x20, 0, [(33, proposal(True, 1, 1, b"", [(1, 20, 256), (2, 6), (4, 31)])), KE, NONCE,
                                           (38, b"\4" + bytes(40)), notify(16430)]),
    "auth_request": message(35, 0x08, 1, [(35, b"\2\0\0\0moon.example"), (37, b"\4" + bytes(300)), notify(16384),
                                          (38, b"\4" + bytes(20)), (36, b"\1\0\0\0\xc0\0\2\1"), (39, b"\x0e\0\0\0" + bytes(70)),
                                          CP, (33, ESP), (44, TS), (45, TS), notify(16396)]),
    "auth_failed": message(35, 0x20, 1, [notify(24)]),
    "auth_eap": message(35, 0x20, 1, [(36, b"\x0b\0\0\0key"), (39, b"\2\0\0\0" + bytes(32)), (48, b"\1\1\0\5\1")]),
    "rekey_child": message(36, 0x08, 2, [notify(16393, b"", 3, b"\1\2\3\4"), (33, ESP), NONCE, KE, (44, TS), (45, TS)]),
    "rekey_ike": message(36, 0x00, 3, [(33, proposal(True, 1, 1, bytes(8), [(1, 28), (2, 7), (4, 20)])), NONCE, KE]),
    "intermediate": message(43, 0x08, 1, [(34, struct.pack(">HH", 36, 0) + bytes(range(200)) * 2)]),
    "rekey_with_followup": message(36, 0x20, 3, [(33, proposal(True, 1, 1, bytes(8), [(1, 20, 256), (2, 5), (4, 31), (6, 36)])), NONCE, KE,
                                                 notify(16441, b"link")]),
    "followup_ke": message(44, 0x08, 4, [(34, struct.pack(">HH", 36, 0) + bytes(range(200)) * 2), notify(16441, b"link")]),
    "delete": message(37, 0x00, 4, [(42, b"\3\4\0\2" + bytes(8)), (42, b"\1\0\0\0"), (200, b"unknown")]),
    "redirect_init": message(34, 0x20, 0, [notify(16407, b"\1\4\xc0\0\2\x09" + bytes(range(32)))]),
    "redirect_auth": message(35, 0x20, 1, [(36, b"\1\0\0\0\xc0\0\2\1"), (39, b"\2\0\0\0" + bytes(32)), notify(16407, b"\3\x0fgw9.example.org")]),
    "redirected_from": message(34, 0x08, 0, [(33, IKE), KE, NONCE, notify(16408, b"\2\x10" + bytes(range(16)))]),
    "auth_methods": message(35, 0x08, 1, [(35, b"\2\0\0\0moon.example"), notify(16443, b"\2\2\3\1\1\x0a\x0e\1" + bytes.fromhex("300506032b6570")),
                                          (39, b"\2\0\0\0" + bytes(32)), (33, ESP), (44, TS), (45, TS)]),
    "msgid_sync": message(37, 0x00, 0, [notify(16422, struct.pack(">III", 7, 40, 30)), notify(16423, bytes(8))]),
    "liveness": message(37, 0x28, 5, []),
}
vectors = open("../vectors/ikev2_vectors.h").read()
for name, text in re.findall(r"#define V_(SKF?_\w+) \\\n((?:    \"\w+\"(?: \\)?\n?)+)", vectors):
    SEEDS[name.lower()] = bytes.fromhex("".join(re.findall(r'"(\w+)"', text)))
recorded = open("../vectors/strongswan_psk.h").read()
for name, text in re.findall(r"#define S_(MESSAGE_\d+) \\\n((?:    \"\w+\"(?: \\)?\n?)+)", recorded):
    SEEDS["recorded_" + name.lower()] = bytes.fromhex("".join(re.findall(r'"(\w+)"', text)))
for name, data in SEEDS.items():
    with open(f"corpus/ike/{name}", "wb") as out:
        out.write(data)
