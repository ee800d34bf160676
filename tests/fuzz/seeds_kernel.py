#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of corpus/netlink and corpus/journal. Run in tests/fuzz; the results are committed. Numbers and layouts are
those of linux/xfrm.h and linux/fib_rules.h on a little-endian machine."""
import os
import socket
import struct

A4, B4 = socket.inet_aton("192.0.2.1"), socket.inet_aton("192.0.2.2")
A6, B6 = (socket.inet_pton(socket.AF_INET6, f"2001:db8::{n}") for n in (1, 2))
NEWSA, DELSA, NEWPOLICY, DELPOLICY, ACQUIRE, EXPIRE, MAPPING = 0x10, 0x11, 0x13, 0x14, 0x17, 0x18, 0x26
NEWRULE = 32
ESP, COMP = 50, 108
INFINITE = b"\xff" * 32 + bytes(32)


def address(a):
    return a.ljust(16, b"\0")


def family(a):
    return socket.AF_INET if len(a) == 4 else socket.AF_INET6


def selector(src, dst, proto=0, sport=(0, 0), dport=(0, 0), ifindex=0):
    return address(dst) + address(src) + struct.pack(">HHHH", *dport, *sport) + struct.pack(
        "<HBBB3xiI", family(src), 8 * len(dst), 8 * len(src), proto, ifindex, 0)


def identity(dst, spi, proto=ESP):
    return address(dst) + struct.pack(">IB3x", spi, proto)


def info(src, dst, spi, proto=ESP, seq=0):
    return (selector(src, dst, 17, (53, 0xffff)) + identity(dst, spi, proto) + address(src) + INFINITE + struct.pack("<QQQQ", 1000, 7, 1, 2) +
            bytes(12) + struct.pack("<IIHBBB7x", seq, 42, family(dst), 1, 32, 0x20))


def named(dst, spi, proto=ESP):
    return address(dst) + struct.pack(">I", spi) + struct.pack("<HBx", family(dst), proto)


def policy(src, dst, direction=1):
    return selector(src, dst) + INFINITE + bytes(32) + struct.pack("<IIBBBB4x", 1000, 81, direction, 0, 0, 0)


def policy_named(src, dst, direction=1):
    return selector(src, dst) + struct.pack("<IB3x", 81, direction)


def template(src, dst, proto=ESP):
    return identity(dst, 0, proto) + struct.pack("<Hxx", family(dst)) + address(src) + struct.pack("<IBBBxIII", 42, 1, 0, 0, *[0xffffffff] * 3)


def attribute(kind, body):
    return (struct.pack("<HH", 4 + len(body), kind) + body).ljust(4 + (len(body) + 3) // 4 * 4, b"\0")


def message(kind, body, *attributes, flags=0):
    whole = body + b"".join(attributes)
    return struct.pack("<IHHII", 16 + len(whole), kind, flags, 0, 0) + whole


MARK = attribute(21, struct.pack("<II", 5, 0xff))
IF_ID = attribute(31, struct.pack("<I", 9))
MAIN = attribute(16, b"\0" * 6)
WINDOW = attribute(23, struct.pack("<IIIIII", 2, 7, 9, 0, 1, 64) + b"\x0f" * 8)
OLD_WINDOW = attribute(10, struct.pack("<III", 3, 4, 5))
KEY = attribute(18, b"rfc4106(gcm(aes))".ljust(64, b"\0") + struct.pack("<II", 288, 128) + bytes(range(36)))
OFFLOAD = attribute(28, struct.pack("<iB3x", 3, 2))

NETLINK = {
    "state": message(NEWSA, info(A4, B4, 0x1001), KEY, WINDOW, MARK, IF_ID, OFFLOAD),
    "state-6": message(NEWSA, info(A6, B6, 0xc0000001), KEY, OLD_WINDOW, attribute(33, b"\2"), attribute(32, struct.pack("<I", 1))),
    "state-wide": message(NEWSA, info(A4, B4, 0x1001), attribute(23, struct.pack("<IIIIII", 140, 7, 9, 0, 1, 4480) + b"\x0f" * 560)),
    "state-waits": message(NEWSA, info(A4, B4, 0, seq=3)),
    "state-gone": message(DELSA, named(B4, 0x1001), attribute(20, info(A4, B4, 0x1001)), MARK),
    "expired": message(EXPIRE, info(A4, B4, 0x1001) + b"\1" + bytes(7), MARK),
    "mapping": message(MAPPING, named(B4, 0x1001) + struct.pack("<I", 42) + address(A4) + address(B4) + struct.pack(">HH", 4500, 1024)),
    "policy": message(NEWPOLICY, policy(A4, B4), attribute(5, template(A4, B4, COMP) + template(A4, B4)), MAIN, MARK, IF_ID),
    "policy-gone": message(DELPOLICY, policy_named(A6, B6, 0), attribute(7, policy(A6, B6, 0)), MAIN),
    "acquire": message(ACQUIRE, identity(B4, 0) + address(A4) + selector(A4, B4, 1, (8, 0xffff), (0, 0xffff)) + policy(A4, B4) +
                       struct.pack("<IIII", *[0xffffffff] * 3, 3), attribute(5, template(A4, B4)), MARK, IF_ID, MAIN),
    "rule": message(NEWRULE, struct.pack("<BBBBBBBBI", 2, 32, 0, 0, 0, 0, 0, 1, 0), attribute(6, struct.pack("<I", 219)), attribute(1, B4),
                    attribute(21, b"\xe1"), attribute(22, b"\x11"), attribute(24, struct.pack("<HH", 1701, 1701)), attribute(3, b"kw0\0")),
}
NETLINK["several"] = b"".join(NETLINK[k] for k in ("state", "policy", "acquire", "expired"))


def slot(kind, body, *attributes, tell=42):
    return struct.pack("<II", 0, tell) + message(kind, body, *attributes, flags=5).ljust(120, b"\0")


HEAD, ALL = bytes(128), 3  # both are made right
SLOTS = [slot(DELSA, named(B4, 0x1001), MARK), slot(DELPOLICY, policy_named(A4, B4), MAIN, IF_ID), slot(DELSA, named(B6, 0x1002))]
JOURNAL = {
    "empty": bytes([1]) + HEAD,
    "three": bytes([ALL]) + HEAD + b"".join(SLOTS),
    "holes": bytes([ALL]) + HEAD + bytes(128) + SLOTS[0] + bytes(128) * 3 + SLOTS[1],
    "cut": bytes([ALL]) + HEAD + b"".join(SLOTS)[:300],
    "unchecked": bytes([1]) + HEAD + b"".join(SLOTS),
    "no-head": bytes([2]) + HEAD + b"".join(SLOTS),
    "short": bytes([ALL]) + HEAD + slot(DELSA, named(B4, 0x1001)[:8]) + SLOTS[2],
    "flush": bytes([ALL]) + HEAD + slot(0x1c, bytes(8)) + SLOTS[2],
}

for corpus, seeds in (("netlink", NETLINK), ("journal", JOURNAL)):
    os.makedirs(os.path.join("corpus", corpus), exist_ok=True)
    for name, data in seeds.items():
        with open(os.path.join("corpus", corpus, name), "wb") as f:
            f.write(data)
