#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of corpus/segment and corpus/coalesce. Run in tests/fuzz; the results are committed."""
import os
import struct

A4, B4 = bytes([10, 1, 0, 5]), bytes([10, 2, 0, 9])
A6, B6 = (bytes.fromhex(f"20010db8000{n}0000000000000000000{n}") for n in (1, 2))
STAMPS = bytes.fromhex("0101080a0000000100000002")
TEXT = bytes(range(256)) * 8


def ip4(proto, body, df=True, options=b""):
    head = struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, 2, 20 + len(options) + len(body), 7, df << 14, 64, proto, 0)
    return head + A4 + B4 + options + body


def ip6(proto, body):
    return struct.pack(">IHBB", 0x60200077, len(body), proto, 64) + A6 + B6 + body


def tcp(payload, flags=0x10, options=STAMPS):
    return struct.pack(">HHIIBBHHH", 40000, 443, 0xffffff00, 9, (20 + len(options)) // 4 << 4, flags, 500, 0, 0) + options + payload


def udp(payload):
    return struct.pack(">HHHH", 40000, 443, 8 + len(payload), 0) + payload


def write(corpus, name, data):
    os.makedirs(os.path.join("corpus", corpus), exist_ok=True)
    with open(os.path.join("corpus", corpus, name), "wb") as f:
        f.write(data)


def segment(name, how, size, packet, start=0, offset=0):
    write("segment", name, struct.pack(">BHHH", how, size, start, offset) + packet)


NONE, TCP, UDP, MEND, LEAVE, NEEDS = 0, 1, 2, 4, 8, 16
segment("tcp-ipv4", TCP | MEND | LEAVE, 100, ip4(6, tcp(TEXT[:950], 0x99)))
segment("tcp-ipv4-complete", TCP | MEND, 100, ip4(6, tcp(TEXT[:950], 0x19)))
segment("tcp-ipv6", TCP | MEND | LEAVE, 333, ip6(6, tcp(TEXT[:999], 0x50)))
segment("tcp-ipv4-options", TCP | MEND | LEAVE, 1, ip4(6, tcp(TEXT[:20]), options=bytes.fromhex("94040000")))
segment("udp-ipv4", UDP | MEND | LEAVE, 64, ip4(17, udp(TEXT[:640]), df=False))
segment("udp-ipv6-extension", UDP | MEND | LEAVE, 64, ip6(60, bytes.fromhex("1100010400000000") + udp(TEXT[:100])))
segment("single", NONE | MEND | LEAVE, 0, ip4(6, tcp(TEXT[:40])))
segment("single-gre", NONE | NEEDS, 0, ip4(47, bytes.fromhex("8000080000000000") + TEXT[:40]), start=20, offset=4)
segment("single-odd-place", NONE | NEEDS, 0, ip4(6, tcp(TEXT[:41])), start=33, offset=3)
segment("fragment", TCP | NEEDS, 100, ip4(6, tcp(TEXT[:300]))[:6] + b"\x20" + ip4(6, tcp(TEXT[:300]))[7:])
segment("no-payload", TCP | MEND | LEAVE, 100, ip4(6, tcp(b"")))


def first(packet, how=2):
    return struct.pack(">BH", how, len(packet)) + packet


def more(of, length=65535, at=255, change=0, how=3):
    return struct.pack(">BBHBB", how, of, length, at, change)


for name, ip in (("ipv4", ip4), ("ipv6", ip6)):
    flags_at = (20 if name == "ipv4" else 40) + 13
    stream = first(ip(6, tcp(TEXT[:200]))) + b"".join(more(i) for i in range(4))
    write("coalesce", f"tcp-{name}", b"\3" + stream + more(4, change=8, at=flags_at) + more(5))
    write("coalesce", f"tcp-{name}-short", b"\3" + stream + more(4, length=150) + more(5))
    write("coalesce", f"tcp-{name}-marked", b"\3" + stream + more(4, at=1, change=1) + more(5))
    write("coalesce", f"tcp-{name}-spoilt", b"\3" + stream + more(4, at=100, change=1, how=1) + more(5))
    write("coalesce", f"udp-{name}", b"\3" + first(ip(17, udp(TEXT[:100]))) + b"".join(more(i) for i in range(70)))
    turns = first(ip(6, tcp(TEXT[:100]))) + more(0, at=21, change=1)
    write("coalesce", f"turns-{name}", b"\3" + turns + b"".join(more(i) for i in range(20)))
write("coalesce", "fragments", b"\3" + first(ip4(6, tcp(TEXT[:99]))) + more(0) + more(1, at=6, change=0x20, how=1) + more(1))
write("coalesce", "icmp-between", b"\3" + first(ip4(6, tcp(TEXT[:99]))) + more(0) + more(1, at=9, change=7, how=1) + more(1))
write("coalesce", "no-checksum", b"\3" + first(ip4(17, udp(TEXT[:99])), 6) + more(0, how=7) + more(1, how=7))
write("coalesce", "only-udp", b"\2" + first(ip4(6, tcp(TEXT[:99]))) + more(0) + first(ip4(17, udp(TEXT[:99]))) + more(2))
write("coalesce", "dropped", b"\3" + first(ip4(6, tcp(TEXT[:99]))) + more(0, how=27) + more(1) + more(0))
