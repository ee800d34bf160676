#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the first inputs of corpus/engine: see fuzz_engine.c for their form. Run it in this folder; what fuzzing found since
stays."""
import os
import struct

RAW, RAW_SPI, RAW_HALF, REQUEST, RESPONSE, HALF, COMMAND, DATAPLANE = range(8)
INIT, AUTH, CREATE, INFO = 34, 35, 36, 37
SA, KE, IDI, NONCE, NOTIFY, DELETE, TSI, TSR, AUTHP = 33, 34, 35, 40, 41, 42, 44, 45, 39


def payloads(*items):
    out = b""
    for i, (kind, body) in enumerate(items):
        nxt = items[i + 1][0] if i + 1 < len(items) else 0
        out += bytes([nxt, 0]) + struct.pack(">H", 4 + len(body)) + body
    return bytes([items[0][0] if items else 0]), out


def inner(exchange, *items):
    first, chain = payloads(*items)
    return bytes([exchange]) + first + chain


def message(exchange, flags, mid, *items):
    first, chain = payloads(*items)
    return bytes(range(1, 17)) + first + bytes([0x20, exchange, flags]) + struct.pack(">II", mid, 28 + len(chain)) + chain


def notify(kind, data=b"", proto=0, spi=b""):
    return (NOTIFY, bytes([proto, len(spi)]) + struct.pack(">H", kind) + spi + data)


def transform(last, kind, tid, attr=b""):
    return bytes([0 if last else 3, 0]) + struct.pack(">HBBH", 8 + len(attr), kind, 0, tid) + attr


def proposal(proto, spi, *ts):
    body = b"".join(ts)
    return (SA, bytes([0, 0]) + struct.pack(">HBBBB", 8 + len(spi) + len(body), 1, proto, len(spi), len(ts)) + spi + body)


def selectors(kind, a, b):
    one = bytes([7, 0]) + struct.pack(">HHH", 16, 0, 65535) + bytes(a) + bytes(b)
    return (kind, bytes([1, 0, 0, 0]) + one)


KEY256 = b"\x80\x0e\x01\x00"
ESP = proposal(3, b"\x11\x22\x33\x44", transform(False, 1, 20, KEY256), transform(True, 5, 1))
IKE = proposal(1, b"\xaa" * 8, transform(False, 1, 20, KEY256), transform(False, 2, 5), transform(True, 4, 31))
# What the engine offered, chosen.
IKE_CHOICE = proposal(1, b"", transform(False, 1, 20, KEY256), transform(False, 2, 5), transform(True, 4, 31))
TS = [selectors(TSI, (10, 2, 0, 0), (10, 2, 255, 255)), selectors(TSR, (10, 1, 0, 0), (10, 1, 255, 255))]
BACK = [selectors(TSI, (10, 1, 0, 0), (10, 1, 255, 255)), selectors(TSR, (10, 2, 0, 0), (10, 2, 255, 255))]
N32 = (NONCE, bytes(range(32)))
PUBLIC = (KE, struct.pack(">HH", 31, 0) + b"\x09" + bytes(31))


# What is told and decoded in more than one message.
GATEWAYS = {"ip": [b"\1\4" + bytes((192, 0, 2, 9)), b"\2\x10" + bytes.fromhex("20010db8") + bytes(11) + b"\x09"], "name": [b"\3\x0fgw9.example.org"],
            "bad": [b"\3\x05-rm *", b"\1\4\xc0", b"\7\4" + bytes(4), b"\1\4" + bytes(4)]}
REDIRECT, REDIRECTED_FROM, AUTH_METHODS, MID_SYNC, COUNTER_SYNC = 16407, 16408, 16443, 16422, 16423
METHODS = bytes([2, 2]) + bytes([2, 13]) + bytes([3, 1, 1]) + bytes([3, 14, 0]) + bytes([13, 14, 0]) + bytes.fromhex("300a06082a8648ce3d04")
ED25519 = bytes([10, 14, 1]) + bytes.fromhex("300506032b6570")
BEGUN, OWN_NONCE, ID_ZERO = 0x40, 0x80, 0x40


def sync(nonce, theirs, ours):
    return notify(MID_SYNC, struct.pack(">III", nonce, theirs, ours))


def chunk(mode, body=b"", delay=0):
    return bytes([mode]) + struct.pack(">HH", delay, len(body)) + body


inputs = {
    "liveness": [chunk(REQUEST, inner(INFO)), chunk(REQUEST, inner(INFO), 100)],
    "delete_child": [chunk(REQUEST, inner(INFO, (DELETE, bytes([3, 4, 0, 1]) + b"\x01\x02\x03\x04")))],
    "delete_ike": [chunk(REQUEST, inner(INFO, (DELETE, bytes([1, 0, 0, 0])))), chunk(REQUEST, inner(INFO))],
    "new_child": [chunk(REQUEST, inner(CREATE, ESP, N32, *TS)), chunk(REQUEST, inner(CREATE, ESP, N32, *TS))],
    "rekey_child": [chunk(REQUEST, inner(CREATE, notify(16393, b"", 3, b"\x01\x02\x03\x04"), ESP, N32, *TS))],
    "rekey_ike": [chunk(REQUEST, inner(CREATE, IKE, N32, PUBLIC)), chunk(REQUEST, inner(INFO, (DELETE, bytes([1, 0, 0, 0]))))],
    "collision": [chunk(COMMAND, b"\x02"), chunk(REQUEST, inner(CREATE, IKE, N32, PUBLIC)),
                  chunk(RESPONSE, inner(CREATE, IKE, N32, PUBLIC)), chunk(REQUEST, inner(INFO), 700)],
    "our_child_rekey": [chunk(COMMAND, b"\x82"), chunk(RESPONSE, inner(CREATE, ESP, N32, *BACK)), chunk(RESPONSE, inner(INFO), 300)],
    "our_rekey_refused": [chunk(COMMAND, b"\x82"), chunk(RESPONSE, inner(CREATE, notify(43))), chunk(COMMAND, b"\x02", 500),
                          chunk(RESPONSE, inner(CREATE, notify(17, b"\x00\x13")))],
    "terminate": [chunk(COMMAND, b"\x81"), chunk(RESPONSE, inner(INFO)), chunk(COMMAND, b"\x01"), chunk(RESPONSE, inner(INFO))],
    "expire": [chunk(DATAPLANE, b"\x00"), chunk(DATAPLANE, b"\x01", 100), chunk(DATAPLANE, b"\x02"), chunk(DATAPLANE, b"\x03")],
    "half_open_auth": [chunk(HALF, inner(AUTH, (IDI, bytes([1, 0, 0, 0, 192, 0, 2, 2])), (AUTHP, bytes([2, 0, 0, 0]) + bytes(32)), ESP, *TS))],
    "fragments": [chunk(REQUEST | 0x20, inner(INFO, notify(40000, bytes(600))))],
    "raw_init": [chunk(RAW, message(INIT, 8, 0, IKE, PUBLIC, N32)), chunk(RAW, message(INIT, 0x20, 0, notify(14)))],
    "raw_on_sa": [chunk(RAW_SPI, message(INFO, 0, 0, notify(4))), chunk(RAW_SPI, message(INFO, 0x20, 0, notify(4)), 200),
                  chunk(RAW_HALF, message(AUTH, 8, 1, notify(24))), chunk(RAW_SPI, message(INIT, 0x20, 0, IKE, PUBLIC, N32))],
    **{f"redirect_init_{k}": [chunk(COMMAND, b"\x41"), chunk(COMMAND, b"\x00"),
                              *(chunk(RAW_HALF | BEGUN | OWN_NONCE, message(INIT, 0x20, 0, notify(REDIRECT, g + bytes(32)))) for g in gs),
                              chunk(RAW_HALF | BEGUN, message(INIT, 0x20, 0, notify(REDIRECT, gs[0] + bytes(32))), 100)] for k, gs in GATEWAYS.items()},
    **{f"redirect_live_{k}": [*(chunk(REQUEST, inner(INFO, notify(REDIRECT, g))) for g in gs), chunk(REQUEST, inner(INFO), 900)] for k, gs in GATEWAYS.items()},
    "redirect_with_nonce": [chunk(REQUEST, inner(INFO, notify(REDIRECT, GATEWAYS["ip"][0] + bytes(32))))],
    "redirect_by_us": [chunk(COMMAND, b"\x29"), chunk(RESPONSE, inner(INFO)), chunk(COMMAND, b"\x29", 300)],
    "redirected_from": [chunk(RAW, message(INIT, 8, 0, IKE, PUBLIC, N32, notify(REDIRECTED_FROM, g))) for gs in GATEWAYS.values() for g in gs],
    "auth_methods": [chunk(COMMAND, b"\x41"), chunk(COMMAND, b"\x00"),
                     chunk(RAW_HALF | BEGUN, message(INIT, 0x20, 0, IKE_CHOICE, PUBLIC, N32, notify(AUTH_METHODS, METHODS + ED25519)))],
    "auth_methods_later": [chunk(COMMAND, b"\x41"), chunk(COMMAND, b"\x00"),
                           chunk(RAW_HALF | BEGUN, message(INIT, 0x20, 0, IKE_CHOICE, PUBLIC, N32, notify(AUTH_METHODS)))],
    "auth_methods_malformed": [chunk(COMMAND, b"\x41"), chunk(COMMAND, b"\x00"),
                               chunk(RAW_HALF | BEGUN, message(INIT, 0x20, 0, IKE_CHOICE, PUBLIC, N32, notify(AUTH_METHODS, b"\2\1\1\0\x09\1")))],
    "auth_methods_sealed": [chunk(HALF, inner(AUTH, (IDI, bytes([1, 0, 0, 0, 192, 0, 2, 2])), (AUTHP, bytes([2, 0, 0, 0]) + bytes(32)),
                                              notify(AUTH_METHODS, METHODS), ESP, *TS))],
    "msgid_sync": [chunk(REQUEST | ID_ZERO, inner(INFO, sync(7, 40, 30))), chunk(REQUEST | ID_ZERO, inner(INFO, sync(7, 40, 30))),
                   chunk(REQUEST, inner(INFO)), chunk(REQUEST | ID_ZERO, inner(INFO, sync(8, 20, 50))),
                   chunk(REQUEST | ID_ZERO, inner(INFO, sync(9, 60, 0x7fffffff)))],
    "msgid_sync_beside_ours": [chunk(COMMAND, b"\x82"), chunk(REQUEST | ID_ZERO, inner(INFO, sync(7, 40, 30), notify(COUNTER_SYNC, bytes(8)))),
                               chunk(RESPONSE, inner(CREATE, ESP, N32, *BACK), 600), chunk(COMMAND, b"\x02"),
                               chunk(REQUEST | ID_ZERO, inner(INFO, sync(8, 41, 0))), chunk(RESPONSE, inner(CREATE, IKE, N32, PUBLIC), 600)],
    "msgid_sync_malformed": [chunk(REQUEST | ID_ZERO, inner(INFO, notify(MID_SYNC, bytes(11)))), chunk(REQUEST | ID_ZERO, inner(INFO, sync(1, 0xffffffff, 5))),
                             chunk(REQUEST | ID_ZERO, inner(INFO, sync(1, 9, 9), sync(2, 9, 9))),
                             chunk(REQUEST | ID_ZERO, inner(INFO, sync(1, 9, 9), (DELETE, bytes([1, 0, 0, 0])))),
                             chunk(REQUEST | ID_ZERO | 0x20, inner(INFO, sync(1, 9, 9), notify(40000, bytes(600))))],
    "failed_auth": [chunk(REQUEST, inner(INFO, notify(24)))],
}
os.makedirs("corpus/engine", exist_ok=True)
ONE_ROLE = {"redirect_by_us": 0, "redirected_from": 0} | {n: 1 for n in inputs if n.startswith(("redirect_init", "redirect_live", "redirect_with", "auth_methods"))}
for name, chunks in inputs.items():
    for first in (ONE_ROLE[name],) if name in ONE_ROLE else (0, 1):
        with open(f"corpus/engine/{name}_{'ri'[first]}", "wb") as f:
            f.write(bytes([first]) + b"".join(chunks))
