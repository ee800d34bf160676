# SPDX-License-Identifier: Apache-2.0
"""flood.py ADDRESS COUNT INTERVAL PATIENCE [until-told]: that many echo requests, then PATIENCE seconds for the last
answers. Prints "begun" with the first request, "answered" with the first answer, and ping's line at the end. With
until-told it goes on until its standard input is closed, a minute at most.

ping itself waits for twice the longest round trip only, and so calls an answer lost that a busy machine held up."""
import os
import select
import socket
import struct
import sys
import time

from transfer import MARKER

SO_RCVBUFFORCE = 33
LONGEST = 60.0
ROOM = 4 << 20  # for answers while this program waits for a processor


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def request(identifier, sequence):
    body = MARKER * 3
    header = struct.pack("!BBHHH", 8, 0, 0, identifier, sequence)
    return struct.pack("!BBHHH", 8, 0, checksum(header + body), identifier, sequence) + body


class Flood:
    """What was sent and what came back."""

    def __init__(self, s, address, identifier):
        self.socket, self.address, self.identifier = s, address, identifier
        self.answered, self.sent, self.errors = set(), 0, 0

    def send(self):
        try:
            self.socket.sendto(request(self.identifier, self.sent & 0xFFFF), (self.address, 0))
        except OSError:
            self.errors += 1
        self.sent += 1
        if self.sent == 1:
            print("begun", flush=True)

    def receive(self):
        packet = self.socket.recv(2048)
        kind, _, _, identifier, sequence = struct.unpack_from("!BBHHH", packet, (packet[0] & 15) * 4)
        if kind == 0 and identifier == self.identifier:
            if not self.answered:
                print("answered", flush=True)
            self.answered.add(sequence)
        elif kind == 3:
            self.errors += 1


def main(address, count, interval, patience, until_told=""):
    count, interval, patience, is_told = int(count), float(interval), float(patience), not until_told
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        flood = Flood(s, address, os.getpid() & 0xFFFF)
        begin, end = time.monotonic(), None
        while end is None or (time.monotonic() < end and len(flood.answered) < flood.sent):
            now = time.monotonic()
            if end is None and now >= begin + flood.sent * interval:
                flood.send()
                if (flood.sent >= count and is_told) or now > begin + LONGEST:
                    end = now + patience
            due = begin + flood.sent * interval if end is None else end
            sources = [s] if is_told else [s, sys.stdin]
            ready = select.select(sources, [], [], max(0.0, due - time.monotonic()))[0]
            if s in ready:
                flood.receive()
            if sys.stdin in ready:
                is_told = True
    print(f"{flood.sent} packets transmitted, {len(flood.answered)} received, {flood.errors} errors")


if __name__ == "__main__":
    main(*sys.argv[1:])
