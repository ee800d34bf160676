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
TS = [selectors(TSI, (10, 2, 0, 0), (10, 2, 255, 255)), selectors(TSR, (10, 1, 0, 0), (10, 1, 255, 255))]
BACK = [selectors(TSI, (10, 1, 0, 0), (10, 1, 255, 255)), selectors(TSR, (10, 2, 0, 0), (10, 2, 255, 255))]
N32 = (NONCE, bytes(range(32)))
PUBLIC = (KE, struct.pack(">HH", 31, 0) + b"\x09" + bytes(31))


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
    "failed_auth": [chunk(REQUEST, inner(INFO, notify(24)))],
}
os.makedirs("corpus/engine", exist_ok=True)
for name, chunks in inputs.items():
    for first in (0, 1):
        with open(f"corpus/engine/{name}_{'ri'[first]}", "wb") as f:
            f.write(bytes([first]) + b"".join(chunks))
