# SPDX-License-Identifier: Apache-2.0
"""UDP in both directions: each datagram comes back as it was. Who sends them runs in the lab: see inside.talk().

    datagrams.py serve PORT    for ever, IPv4 and IPv6
"""
import os
import socket
import sys

from transfer import MARKER

MOST = 1372  # what ESP in UDP over IPv6 carries whole


def serve(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("::", port))
    print("ready", flush=True)
    while True:
        data, who = s.recvfrom(65536)
        s.sendto(data, who)


def echo(address, port, count, size=0):
    """So many datagrams, of one size or of growing ones, are all back, each within a second (a lost one is sent once more).
    Returns what is wrong, or nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.connect((address, port))
        for i in range(count):
            length = size or 40 + (i * 37) % (MOST - 40)
            data = (i.to_bytes(4, "big") + MARKER + os.urandom(max(0, length - 20)))[:max(length, 20)]
            for attempt in (1, 2):
                s.send(data)
                try:
                    back = s.recv(65536)
                    while back[:4] != data[:4]:
                        back = s.recv(65536)
                    break
                except TimeoutError:
                    if attempt == 2:
                        return f"datagram {i} of {len(data)} bytes did not come back"
            if back != data:
                return f"datagram {i} came back changed"
    return ""


if __name__ == "__main__":
    serve(int(sys.argv[2]))
