#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Datagrams there and back, every byte compared.

    echo.py serve PORT                 for ever
    echo.py check ADDRESS PORT COUNT   COUNT datagrams of random sizes and bytes, at most 16 under way; exit 0 only if each came
                                       back as it was, once
"""
import os
import random
import select
import socket
import sys
import time

UNDER_WAY, LARGEST, PATIENCE = 16, 1300, 5


def serve(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", port))
    print("ready", flush=True)
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(data, peer)


def check(address, port, count):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((address, port))
    waiting, sent, back, wrong = {}, 0, 0, 0
    heard = time.monotonic()
    while back < count and time.monotonic() - heard < PATIENCE:
        while sent < count and len(waiting) < UNDER_WAY:
            body = sent.to_bytes(4, "big") + os.urandom(random.randrange(LARGEST - 4))
            waiting[body[:4]] = body
            s.send(body)
            sent += 1
        if not select.select([s], [], [], 0.2)[0]:
            continue
        data = s.recv(65536)
        heard = time.monotonic()
        if waiting.pop(data[:4], None) == data:
            back += 1
        else:
            wrong += 1
    print(f"{back} of {count} datagrams back as they were, {wrong} wrong")
    return 0 if back == count and not wrong else 1


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    sys.exit(check(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
