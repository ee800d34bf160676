# SPDX-License-Identifier: Apache-2.0
"""A TCP transfer in both directions whose SHA-256 is compared at both ends (who begins it runs in the lab: see inside.talk()), and
a throughput meter.

    transfer.py serve PORT               for ever, IPv4 and IPv6
    transfer.py rate ADDRESS PORT SECS   sends for SECS seconds, prints Mbit/s as the receiver counted

The stream is random bytes with MARKER every 256 bytes, so that no packet of it passes a capture unrecognised.
"""
import hashlib
import os
import socket
import struct
import sys
import threading
import time

MARKER = b"KEYWAY-PLAINTEXT"
PORT = 7007
BLOCK = 1 << 20


def block():
    random = os.urandom(BLOCK)
    return b"".join(MARKER + random[i + len(MARKER) : i + 256] for i in range(0, BLOCK, 256))


def send(s, size):
    digest, one, left = hashlib.sha256(), block(), size
    while left:
        part = one[: min(left, BLOCK)]
        s.sendall(part)
        digest.update(part)
        left -= len(part)
    return digest.digest()


def read_exactly(s, size):
    parts = []
    while size:
        part = s.recv(min(size, BLOCK))
        if not part:
            raise EOFError("the stream ended early")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def receive(s, size):
    digest, left = hashlib.sha256(), size
    while left:
        part = s.recv(min(left, BLOCK))
        if not part:
            raise EOFError(f"the stream ended {left} bytes early")
        digest.update(part)
        left -= len(part)
    return digest.digest()


def serve_one(s):
    with s:
        s.settimeout(60)
        mode, size = struct.unpack("!BQ", read_exactly(s, 9))
        if mode == 1:
            s.sendall(receive(s, size))
            s.sendall(send(s, size))
            return
        total = 0
        start = time.monotonic()
        while part := s.recv(BLOCK):
            total += len(part)
        s.sendall(struct.pack("!Qd", total, time.monotonic() - start))


def serve(port):
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::", port))
    listener.listen(16)
    print("ready", flush=True)
    while True:
        s, _ = listener.accept()
        threading.Thread(target=guarded, args=(s,), daemon=True).start()


def guarded(s):
    try:
        serve_one(s)
    except (OSError, EOFError, struct.error) as e:
        print(e, flush=True)


def both(address, port, size):
    """Sends so many bytes, then receives as many. Returns what is wrong, or nothing."""
    with socket.create_connection((address, port), timeout=20) as s:
        s.settimeout(60)
        s.sendall(struct.pack("!BQ", 1, size))
        ours = send(s, size)
        if read_exactly(s, 32) != ours:
            return "what arrived there differs from what was sent"
        ours = receive(s, size)
        if read_exactly(s, 32) != ours:
            return "what arrived here differs from what was sent"
    return ""


def rate(address, port, seconds):
    one = block()
    with socket.create_connection((address, port), timeout=5) as s:
        s.settimeout(20)
        s.sendall(struct.pack("!BQ", 2, 0))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            s.sendall(one[: 1 << 17])
        s.shutdown(socket.SHUT_WR)
        total, took = struct.unpack("!Qd", read_exactly(s, 16))
    print(f"{total * 8 / took / 1e6:.0f}")
    return 0


def main(argv):
    try:
        if argv[0] == "serve":
            serve(int(argv[1]))
        return rate(argv[1], int(argv[2]), float(argv[3]))
    except (OSError, EOFError) as e:
        print(f"{type(e).__name__}: {e}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
