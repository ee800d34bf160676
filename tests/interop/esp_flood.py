# SPDX-License-Identifier: Apache-2.0
"""esp_flood.py DESTINATION SOURCE SPI SECONDS: forged ESP in UDP for this SPI as fast as one thread can send it, many
datagrams in one call, until it is asked to end or time is up. Prints how many."""
import random
import signal
import socket
import struct
import sys
import time

UDP_SEGMENT = 103
SIZE, COUNT = 1200, 40


def burst(spi, rng):
    """Datagrams with sequence numbers ahead of any window: each must be opened to be refused."""
    return b"".join(struct.pack("!II", spi, rng.randrange(1 << 20, 1 << 31)) + rng.randbytes(SIZE - 8) for _ in range(COUNT))


def main(destination, source, spi, seconds):
    rng, spi, sent = random.Random(3), int(spi, 16), 0
    bursts = [burst(spi, rng) for _ in range(16)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((source, 0))
        s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SIZE)
        s.connect((destination, 4500))
        end, asked = time.monotonic() + float(seconds), []
        signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
        while time.monotonic() < end and not asked:
            for one in bursts:
                try:
                    s.send(one)
                    sent += COUNT
                except OSError:
                    pass
    print(f"{sent} forged datagrams")


if __name__ == "__main__":
    main(*sys.argv[1:])
