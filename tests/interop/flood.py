# SPDX-License-Identifier: Apache-2.0
"""flood.py ADDRESS COUNT INTERVAL: that many echo requests, then two seconds for the last answers. Prints ping's line.

ping itself waits for twice the longest round trip only, and so calls an answer lost that a busy machine held up."""
import os
import select
import socket
import struct
import sys
import time

from transfer import MARKER

PATIENCE = 2.0


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def request(identifier, sequence):
    body = MARKER * 3
    header = struct.pack("!BBHHH", 8, 0, 0, identifier, sequence)
    return struct.pack("!BBHHH", 8, 0, checksum(header + body), identifier, sequence) + body


def main(address, count, interval):
    count, interval, identifier = int(count), float(interval), os.getpid() & 0xFFFF
    answered, errors, sent, refused = set(), 0, 0, 0
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
        begin = time.monotonic()
        end = None
        while end is None or (time.monotonic() < end and len(answered) < count):
            now = time.monotonic()
            if sent < count and now >= begin + sent * interval:
                try:
                    s.sendto(request(identifier, sent), (address, 0))
                except OSError:
                    refused += 1
                sent += 1
                continue
            if sent == count and end is None:
                end = now + PATIENCE
            due = begin + sent * interval if sent < count else end
            if not select.select([s], [], [], max(0.0, due - now))[0]:
                continue
            packet = s.recv(2048)
            kind, _, _, ident, sequence = struct.unpack_from("!BBHHH", packet, (packet[0] & 15) * 4)
            if kind == 0 and ident == identifier:
                answered.add(sequence)
            elif kind == 3:
                errors += 1
    print(f"{sent} packets transmitted, {len(answered)} received, {errors + refused} errors")


if __name__ == "__main__":
    main(*sys.argv[1:])
