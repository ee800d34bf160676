#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of corpus/esp: one input for each mode of fuzz_esp.c and each kind of inner packet.
Run in tests/fuzz; the results are committed."""
import hashlib
import hmac
import os
import struct
import zlib

A4, B4 = bytes([10, 1, 0, 5]), bytes([10, 2, 0, 9])
A6 = bytes.fromhex("20010db8000100000000000000000005")
B6 = bytes.fromhex("20010db8000200000000000000000009")
UDP = struct.pack(">HHHH", 7, 1024, 12, 0) + b"data"
SYN = struct.pack(">HHIIBBHHH", 80, 4000, 1, 0, 0x60, 2, 65535, 0, 0) + bytes.fromhex("020405b4")


def ip4(src, dst, proto, body, frag=0, tos=0):
    return struct.pack(">BBHHHBBH", 0x45, tos, 20 + len(body), 1, frag, 64, proto, 0) + src + dst + body


def ip6(src, dst, proto, body, tos=0):
    return struct.pack(">IHBB", 0x60000000 | tos << 20, len(body), proto, 64) + src + dst + body


def icmp_error(kind, quoted):
    return struct.pack(">BBHI", kind, 4, 0, 1400) + quoted


def trailer(inner, next_header):
    pad = -(len(inner) + 2) % 16
    return inner + bytes(range(1, pad + 1)) + bytes([pad, next_header])


def deflated(inner, cpi=0x1234, next_header=4):
    z = zlib.compressobj(9, zlib.DEFLATED, -15)
    return struct.pack(">BBH", next_header, 0, cpi) + z.compress(inner) + z.flush()


def write(name, mode, sa, tos, *packets):
    body = b"".join(struct.pack(">H", len(p)) + p for p in packets)
    with open(os.path.join("corpus", "esp", name), "wb") as f:
        f.write(bytes([mode, sa, tos]) + body)


out4 = [ip4(B4, A4, 17, UDP), ip4(B4, A4, 6, SYN, frag=0x4000, tos=0xB9), ip4(B4, A4, 17, UDP, frag=0x2001),
        ip4(B4, A4, 17, UDP + bytes(1900), frag=0x4000), ip4(A4, B4, 17, UDP)]
out6 = [ip6(B6, A6, 17, UDP), ip6(B6, A6, 6, SYN, tos=3), ip6(B6, A6, 44, bytes([17, 0, 0, 1, 0, 0, 0, 9]) + UDP),
        ip6(B6, A6, 0, bytes([60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0]) + UDP),
        ip6(B6, A6, 17, UDP + bytes(1900))]
stranger = bytes([172, 16, 0, 1])
write("outbound-ipv4", 0, 0, 0, *out4)
write("outbound-ipv6", 0, 0, 0, *out6)
write("outbound-icmp-error", 0, 0, 0, ip4(stranger, A4, 1, icmp_error(3, ip4(A4, B4, 17, UDP))))
write("inbound-forged", 1, 0, 0, struct.pack(">II", 0x1000, 1) + bytes(64), struct.pack(">II", 0x1001, 1) + bytes(80),
      struct.pack(">I", 0x1002), struct.pack(">II", 0x99999, 1) + bytes(64))
for sa in range(4):
    tos = 3 | (4 if sa == 3 else 0)
    write(f"authentic-{sa}", 2, sa, tos, trailer(ip4(A4, B4, 17, UDP, tos=2), 4), trailer(ip6(A6, B6, 6, SYN, tos=2), 41),
          trailer(ip4(A4, B4, 17, UDP, tos=0), 4), trailer(b"", 59), trailer(ip4(B4, A4, 17, UDP), 4),
          trailer(ip4(stranger, B4, 1, icmp_error(3, ip4(B4, A4, 17, UDP))), 4), ip4(A4, B4, 17, UDP) + b"\xff\x04")
text4 = ip4(A4, B4, 17, struct.pack(">HHHH", 7, 1024, 908, 0) + b"compressible " * 69 + b"end")
text6 = ip6(A6, B6, 17, struct.pack(">HHHH", 7, 1024, 908, 0) + b"compressible " * 69 + b"end")
write("authentic-compressed", 2, 4, 2, trailer(deflated(text4), 108), trailer(deflated(text6, next_header=41), 108),
      trailer(deflated(text4, cpi=0x1235), 108), trailer(deflated(text4)[:-3], 108), trailer(deflated(bytes(65535)), 108),
      trailer(deflated(bytes(70000)), 108), trailer(deflated(deflated(text4), next_header=108), 108), trailer(text4, 4))
write("outbound-compressed", 3, 0, 0, ip4(B4, A4, 17, UDP + b"again and " * 90), *out6)
write("outbound-padded", 3, 125, 0, *out4, *out6)


ph = [bytes([17, n, pad, 0]) + body for n, pad, body in ((0, 0, b"\x94\4\0\0"), (0, 4, b"\1\1\1\1"), (1, 0, bytes(12)), (9, 4, bytes(80)),
                                                        (0, 200, bytes(4)), (255, 0, bytes(4)))]
write("authentic-transport", 2, 5, 2, trailer(UDP, 17), trailer(SYN, 6), trailer(ip4(A4, B4, 17, UDP), 4), trailer(b"ab", 17),
      trailer(b"", 59), trailer(b"", 17), trailer(UDP, 94))
write("authentic-beet", 2, 6, 2, trailer(UDP, 17), *(trailer(p + UDP, 94) for p in ph), trailer(b"\x11", 94))
write("authentic-transport6", 2, 7, 2, trailer(UDP, 17), trailer(bytes([17, 0, 1, 4, 0, 0, 0, 0]) + UDP, 60),
      trailer(bytes([17, 0, 0, 1, 0, 0, 0, 9]) + UDP, 44), trailer(bytes([58, 0, 1, 4, 0, 0, 0, 0]) + bytes([128, 0, 1, 1]), 0))


def with_ah(inner, seq, options=b"", hop=b"", key=bytes((i * 11 + 2) & 255 for i in range(20))):
    """An IPv4 packet with these options, or an IPv6 one with these hop-by-hop options, and AH under the SA's key."""
    ah = struct.pack(">BBHII", 4 if inner[0] >> 4 == 4 else 41, 4, 0, 0x1005, seq) + bytes(12)
    if hop:
        ip = struct.pack(">IHBB", 0x60000000, len(hop) + len(ah) + len(inner), 0, 0) + A6 + B6 + hop
    else:
        total = 20 + len(options) + len(ah) + len(inner)
        ip = struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, 0, total, 7, 0, 0, 51, 0) + A4 + B4 + options
    icv = hmac.new(key, ip + ah + inner, hashlib.sha1).digest()[:12]
    return ip + ah[:12] + icv + inner


inner = ip4(A4, B4, 17, UDP)
good = with_ah(inner, 1)
write("ah-ipv4", 4, 0, 2, good, good, with_ah(inner, 2, options=bytes.fromhex("9404000001010100")),
      with_ah(ip6(A6, B6, 17, UDP), 3), with_ah(ip4(B4, A4, 17, UDP), 4), good[:40], good[:20] + b"\0\xff" + good[22:])
write("ah-ipv6", 4, 0, 2, with_ah(inner, 1, hop=bytes.fromhex("3300050200000100")),
      with_ah(inner, 2, hop=bytes.fromhex("3301003e02aabb1e0301020301020000")),
      with_ah(inner, 3, hop=bytes.fromhex("33ff050200000100")))
