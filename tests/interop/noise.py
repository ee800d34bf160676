# SPDX-License-Identifier: Apache-2.0
"""noise.py PCAP SOURCE DESTINATION: sends from SOURCE what no honest peer sends: noise, cut and bent copies of the
captured IKE and ESP, and the captured packets themselves once more. Bounded; prints how many."""
import random
import socket
import struct
import sys

import pcap

LIMIT = 400


def udp(source, destination, sport, dport, payload):
    """A whole UDP datagram for a raw socket: the daemon of this host owns the ports."""
    length = 8 + len(payload)
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 17, length)
    header = struct.pack("!HHHH", sport, dport, length, 0)
    data = pseudo + header + payload + b"\0" * (length % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!HHHH", sport, dport, length, (~total & 0xFFFF) or 0xFFFF) + payload


def bent(payload, rng):
    """The same with some bytes changed, or cut, or longer."""
    out = bytearray(payload)
    for _ in range(rng.randrange(1, 6)):
        out[rng.randrange(len(out))] = rng.randrange(256)
    choice = rng.randrange(3)
    return bytes(out[: rng.randrange(1, len(out))] if choice == 0 else out + bytes(40) if choice == 1 else out)


def main(path, source, destination):
    rng = random.Random(7)
    seen = []
    for _, frame in pcap.packets(path):
        kind, ip = pcap.classify(frame)
        if kind in ("ike", "ike-natt", "esp-udp") and str(ip.src) == source and len(ip.payload) < 1400:
            seen.append((ip.sport, ip.dport, ip.payload))
    seen = seen[:LIMIT]
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as s:
        s.bind((source, 0))
        batch = [(p, p, rng.randbytes(rng.randrange(0, 600))) for p in (500, 4500) for _ in range(150)]
        batch += [(4500, 4500, b"\0\0\0\0" + rng.randbytes(rng.randrange(0, 200))) for _ in range(100)]
        batch += seen  # replayed as they were
        batch += [(a, b, bent(p, rng)) for a, b, p in seen if p]
        for sport, dport, payload in batch:
            s.sendto(udp(source, destination, sport, dport, payload), (destination, 0))
            sent += 1
    print(f"{sent} bad packets, {len(seen)} of them replayed")


if __name__ == "__main__":
    main(*sys.argv[1:])
