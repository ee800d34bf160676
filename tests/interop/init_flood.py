# SPDX-License-Identifier: Apache-2.0
"""init_flood.py DESTINATION NETWORK SOURCES COUNT RATE [answers] [junk]: COUNT IKE_SA_INIT requests of which none is
meant, from SOURCES addresses of NETWORK in turn, RATE in a second. Each has an SPI and a nonce of its own and is
acceptable to a gateway that takes AES-GCM, SHA-256 and X25519.

answers: a cookie that is asked for is given, with the same request. junk: to each IKE_SA_INIT that was answered, and
after each request to a gateway that knows nothing of it, IKE_AUTH requests follow whose protected part is noise, whole
and as fragments. NETWORK is local to this namespace (a route of type local). Prints one line of JSON: what was sent
and what came back."""
import ipaddress
import json
import os
import select
import socket
import struct
import sys
import time

PORT = 500
FREEBIND = {4: (socket.IPPROTO_IP, 15), 6: (socket.IPPROTO_IPV6, 78)}
PKTINFO = {4: (socket.IPPROTO_IP, 8), 6: (socket.IPPROTO_IPV6, 50)}
SA_INIT, AUTH = 34, 35
SA, KE, NONCE, NOTIFY, SK, SKF = 33, 34, 40, 41, 46, 53
COOKIE = 16390
BURST = 64  # between two looks at the clock and at what came back
PATIENCE = 1.0  # for what is still on its way at the end


def transform(kind, number, attributes=b"", more=3):
    return struct.pack("!BBHBBH", more, 0, 8 + len(attributes), kind, 0, number) + attributes


def proposal():
    transforms = (transform(1, 20, struct.pack("!HH", 0x800E, 256)) + transform(2, 5) + transform(4, 31, more=0))
    return struct.pack("!BBHBBBB", 0, 0, 8 + len(transforms), 1, 1, 0, 3) + transforms


def payload(following, body):
    return struct.pack("!BBH", following, 0, 4 + len(body)) + body


def message(spi_i, spi_r, first, exchange, number, body):
    return spi_i + spi_r + struct.pack("!BBBBII", first, 0x20, exchange, 0x08, number, 28 + len(body)) + body


class Sender:
    """One socket that speaks for every source address."""

    def __init__(self, destination, network, sources):
        self.to = (destination, PORT)
        self.family = ipaddress.ip_address(destination).version
        first = ipaddress.ip_network(network)
        # IPv6: each in a /64 of its own, as sources of a flood would be
        step = 1 if self.family == 4 else 1 << 64
        self.sources = [self._info(ipaddress.ip_address(int(first[0]) + (i + 1) * step + (self.family == 6))) for i in range(sources)]
        self.socket = socket.socket(socket.AF_INET if self.family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        self.socket.setsockopt(*FREEBIND[self.family], 1)
        self.socket.setsockopt(PKTINFO[self.family][0], 8 if self.family == 4 else 49, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        self.socket.bind(("" if self.family == 4 else "::", PORT))
        self.socket.setblocking(False)
        self.counts = dict.fromkeys(("sent", "refused_here", "junk", "cookies", "returned", "accepted", "other"), 0)
        self.tail = payload(KE, proposal()) + payload(NONCE, struct.pack("!HH", 31, 0) + os.urandom(32))

    def _info(self, ip):
        packed = ip.packed
        data = struct.pack("=I4s4s", 0, packed, bytes(4)) if ip.version == 4 else packed + bytes(4)
        return [(*PKTINFO[ip.version], data)]

    def send(self, data, source, what):
        try:
            self.socket.sendmsg([data], source, 0, self.to)
            self.counts[what] += 1
        except OSError:
            self.counts["refused_here"] += 1

    def request(self, spi, cookie=None):
        body = self.tail + payload(0, spi * 4)  # the SPI makes the nonce: what is answered can be made again
        if not cookie:
            return message(spi, bytes(8), SA, SA_INIT, 0, body)
        return message(spi, bytes(8), NOTIFY, SA_INIT, 0, payload(SA, struct.pack("!BBH", 0, 0, COOKIE) + cookie) + body)

    def junk(self, spi_i, spi_r, source):
        noise = os.urandom(600)
        self.send(message(spi_i, spi_r, SK, AUTH, 1, payload(SA, noise)), source, "junk")
        for i in (1, 2):
            self.send(message(spi_i, spi_r, SKF, AUTH, 1, payload(SA, struct.pack("!HH", i, 3) + noise)), source, "junk")

    def take(self, answers, sends_junk):
        """What is there now."""
        while True:
            try:
                data, extra, _, _ = self.socket.recvmsg(4096, 256)
            except BlockingIOError:
                return
            if len(data) < 36:
                continue
            source = [(*PKTINFO[self.family], self._local(extra))]
            spi, kind = data[:8], struct.unpack_from("!H", data, 34)[0]
            if data[16] == NOTIFY and kind == COOKIE:
                self.counts["cookies"] += 1
                if answers:
                    self.send(self.request(spi, data[36:36 + struct.unpack_from("!H", data, 30)[0] - 8]), source, "returned")
            elif data[16] == SA:
                self.counts["accepted"] += 1
                if sends_junk:
                    self.junk(spi, data[8:16], source)
            else:
                self.counts["other"] += 1

    def _local(self, extra):
        data = extra[0][2]
        return struct.pack("=I4s4s", 0, data[8:12], bytes(4)) if self.family == 4 else data[:16] + bytes(4)


def main(destination, network, sources, count, rate, *options):
    sender = Sender(destination, network, int(sources))
    count, rate = int(count), float(rate)
    answers, sends_junk = "answers" in options, "junk" in options
    print("ready", flush=True)
    begin, i = time.monotonic(), 0
    while i < count:
        if i % BURST == 0:
            sender.take(answers, sends_junk)
            time.sleep(max(0.0, begin + i / rate - time.monotonic()))
        spi, source = os.urandom(8), sender.sources[i % len(sender.sources)]
        sender.send(sender.request(spi), source, "sent")
        if sends_junk:
            sender.junk(spi, os.urandom(8), source)
        i += 1
    took, end = time.monotonic() - begin, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        select.select([sender.socket], [], [], 0.1)
        sender.take(answers, sends_junk)
    print(json.dumps({**sender.counts, "seconds": round(took, 2)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
