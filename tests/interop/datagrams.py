# SPDX-License-Identifier: Apache-2.0
"""UDP in both directions: each datagram comes back as it was.

    datagrams.py serve PORT                        for ever, IPv4 and IPv6
    datagrams.py echo ADDRESS PORT COUNT [SIZE]    COUNT datagrams, of SIZE bytes or of growing sizes; exit 0 only if
                                                   all are back, each within a second (a lost one is sent once more)
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
                        print(f"datagram {i} of {len(data)} bytes did not come back")
                        return 1
            if back != data:
                print(f"datagram {i} came back changed")
                return 1
    print(f"{count} datagrams there and back")
    return 0


def main(argv):
    if argv[0] == "serve":
        serve(int(argv[1]))
    try:
        return echo(argv[1], int(argv[2]), int(argv[3]), *(int(a) for a in argv[4:5]))
    except OSError as e:
        print(f"{type(e).__name__}: {e}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
