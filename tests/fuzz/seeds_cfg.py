#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the first inputs of corpus/cfg: attributes of configuration payloads. Run it in this folder; what fuzzing found since
stays."""
import os
import struct


def attr(kind, value=b""):
    return struct.pack(">HH", kind, len(value)) + value


SIX = bytes.fromhex("fd030000000000000000000000000002")
SEEDS = {
    "request": attr(1) + attr(8) + attr(3) + attr(10) + attr(25),
    "request_fixed": attr(1, b"\x0a\x03\0\2") + attr(8, SIX + b"\x40"),
    "request_many": attr(1) * 12 + attr(8) * 12,
    "reply": attr(1, b"\x0a\x03\0\1") + attr(2, b"\xff\xff\xff\0") + attr(3, b"\x0a\2\0\x35") + attr(4, b"\x0a\2\0\x36") + attr(6, b"\x0a\2\0\x43"),
    "reply_six": attr(8, SIX + b"\x40") + attr(10, SIX) + attr(15, SIX + b"\x40"),
    "reply_domains": attr(1, b"\x0a\x03\0\1") + attr(3, b"\x0a\2\0\x35") + attr(25, b"corp.example") + attr(26, b"\xaa\x1b\x08\x02abcd"),
    "reply_networks": attr(1, b"\x0a\x03\0\1") + attr(13, b"\x0a\1\0\0\xff\xff\0\0") + attr(28676, (b"\x0a\1\0\0\xff\xff\0\0" + bytes(6)) * 3)
    + attr(28679, b"\x0a\2\0\0\xff\xff\0\0" + bytes(6)),
    "microsoft": attr(1) + attr(3) + attr(4) + attr(23456) + attr(8) + attr(10) + attr(23457),
}
os.makedirs("corpus/cfg", exist_ok=True)
for name, data in SEEDS.items():
    with open(f"corpus/cfg/{name}", "wb") as out:
        out.write(data)
