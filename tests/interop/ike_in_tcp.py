#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TCP encapsulation (RFC 9329) by hand, on sockets: what Keyway sends and takes, judged by bytes that no part of Keyway made.

    ike_in_tcp.py responder ADDRESS PORT   against a Keyway that listens there
    ike_in_tcp.py originator PORT          waits for a Keyway that connects

Prints one line for each thing that was found so; exit 0 only if all were.
"""
import hashlib
import os
import socket
import struct
import sys
import time

PREFIX = b"IKETCP"
IKE_SA_INIT, INITIATOR, RESPONSE = 34, 0x08, 0x20
SA, KE, NONCE, NOTIFY = 33, 34, 40, 41
NATD_SOURCE, NATD_DESTINATION, COOKIE, FRAGMENTATION = 16388, 16389, 16390, 16430


def said(text):
    print("ok  " + text, flush=True)


def demand(condition, text):
    if not condition:
        print("NO  " + text, flush=True)
        sys.exit(1)
    said(text)


def frame(message, is_ike=True):
    body = (bytes(4) if is_ike else b"") + message
    return struct.pack(">H", len(body) + 2) + body


class Stream:
    def __init__(self, s):
        self.s, self.held = s, b""
        s.settimeout(10)

    def read(self, n):
        while len(self.held) < n:
            part = self.s.recv(65536)
            if not part:
                raise EOFError
            self.held += part
        out, self.held = self.held[:n], self.held[n:]
        return out

    def message(self):
        (n,) = struct.unpack(">H", self.read(2))
        return self.read(n - 2)

    def ike(self):
        m = self.message()
        if m[:4] != bytes(4):
            raise ValueError("not an IKE message")
        return m[4:]

    def is_open(self):
        """Of a connection on which nothing is said."""
        self.s.setblocking(False)
        try:
            return self.s.recv(1) != b""
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False

    def is_closed_within(self, seconds):
        self.s.settimeout(seconds)
        try:
            while self.s.recv(65536):
                pass
            return True
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False


def payloads(message):
    """[(type, body)] of a message in the clear."""
    kind, at, out = message[16], 28, []
    while kind:
        following, _, n = struct.unpack(">BBH", message[at : at + 4])
        out.append((kind, message[at + 4 : at + n]))
        kind, at = following, at + n
    return out


def notifies(message):
    out = {}
    for kind, body in payloads(message):
        if kind == NOTIFY:
            proto, spi_len, what = struct.unpack(">BBH", body[:4])
            out.setdefault(what, []).append(body[4 + spi_len :])
    return out


def chain(parts):
    """(first type, bytes) of payloads."""
    out = b""
    for i, (_, body) in enumerate(parts):
        following = parts[i + 1][0] if i + 1 < len(parts) else 0
        out += struct.pack(">BBH", following, 0, len(body) + 4) + body
    return parts[0][0], out


def ip_hash(spi_i, spi_r, address, port):
    return hashlib.sha1(spi_i + spi_r + socket.inet_aton(address) + struct.pack(">H", port)).digest()


def transform(kind, number, is_last, bits=None):
    attribute = struct.pack(">HH", 0x800E, bits) if bits else b""
    return struct.pack(">BBHBBH", 0 if is_last else 3, 0, 8 + len(attribute), kind, 0, number) + attribute


def init_request(spi, local, remote, version=0x20):
    """A sound IKE_SA_INIT request: AES-GCM-16 256, PRF SHA-256, X25519."""
    t = transform(1, 20, False, 256) + transform(2, 5, False) + transform(4, 31, True)
    proposal = struct.pack(">BBHBBBB", 0, 0, 8 + len(t), 1, 1, 0, 3) + t
    def natd(kind, end):
        return NOTIFY, struct.pack(">BBH", 0, 0, kind) + ip_hash(spi, bytes(8), *end)
    first, body = chain([(SA, proposal), (KE, struct.pack(">HH", 31, 0) + os.urandom(32)), (NONCE, os.urandom(32)),
                         natd(NATD_SOURCE, local), natd(NATD_DESTINATION, remote)])
    return spi + bytes(8) + struct.pack(">BBBBII", first, version, IKE_SA_INIT, INITIATOR, 0, 28 + len(body)) + body


def connect(address, port, source=None):
    return Stream(socket.create_connection((address, port), timeout=5, source_address=(source, 0) if source else None))


def connect_unless_reset(address, port):
    """None where the other end's refusal was faster than this end's return from connecting."""
    try:
        return connect(address, port)
    except ConnectionResetError:
        return None


def ends(stream):
    return stream.s.getsockname()[:2], stream.s.getpeername()[:2]


def begin(address, port, cut=None, before=b"", source=None):
    """A connection on which IKE_SA_INIT was answered: (stream, request, response)."""
    c = connect(address, port, source)
    spi = os.urandom(8)
    request = init_request(spi, *ends(c))
    data = PREFIX + before + frame(request)
    if cut:
        c.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(0, len(data), cut):
            c.s.sendall(data[i : i + cut])
            time.sleep(0.001)
    else:
        c.s.sendall(data)
    return c, request, c.ike()


def responder(address, port):
    c, request, response = begin(address, port)
    demand(response[:8] == request[:8] and response[8:16] != bytes(8) and response[18] == IKE_SA_INIT and response[19] == RESPONSE,
           "IKE_SA_INIT is answered in one frame, without a prefix" + ("" if response[8:16] != bytes(8) else f": {notifies(response)}"))
    demand(struct.unpack(">I", response[24:28])[0] == len(response), "the frame ends where the message does")
    here, there = ends(c)
    spis, n = (response[:8], response[8:16]), notifies(response)
    demand(n[NATD_SOURCE] == [ip_hash(*spis, *there)] and n[NATD_DESTINATION] == [ip_hash(*spis, *here)],
           "the NAT detection hashes are those of the connection's addresses and ports")
    demand(COOKIE not in n, "no cookie is asked for")
    c.s.sendall(frame(request))
    demand(c.ike() == response, "a repeated request is answered with the same bytes")
    c.s.sendall(b"\0\3\xff\0\2" + b"\0\5abc" + frame(request))
    demand(c.ike() == response, "keepalives, empty messages and messages too short for an SPI are passed over")
    c.s.sendall(b"\0\0" + frame(request))
    demand(c.is_closed_within(3), "a length of 0 closes the connection")
    c = begin(address, port)[0]
    c.s.sendall(b"\0\1" + frame(request))
    demand(c.is_closed_within(3), "a length of 1 closes the connection")

    c, request, response = begin(address, port, cut=1)
    demand(response[:8] == request[:8], "IKE_SA_INIT that comes byte by byte is answered")
    c, request, response = begin(address, port, before=b"\0\3\xff")
    demand(response[:8] == request[:8], "so is one behind a keepalive")
    c = connect(address, port)
    spi = os.urandom(8)
    c.s.sendall(PREFIX + frame(init_request(spi, *ends(c))) + frame(init_request(os.urandom(8), *ends(c))))
    demand({c.ike()[:8], c.ike()[:8]} >= {spi}, "two messages in one segment are two messages")

    for what, data in (("HTTP", b"GET / HTTP/1.1\r\n\r\n"), ("a message without the prefix", frame(request)), ("a wrong prefix", b"IKETCQ" + frame(request))):
        c = connect(address, port)
        c.s.sendall(data)
        demand(c.is_closed_within(3), f"{what} closes the connection")
    c = connect(address, port)
    c.s.sendall(PREFIX + b"\xff\xff" + bytes(64))
    demand(c.is_closed_within(3), "a stranger's message of 65533 bytes closes the connection")
    c = connect(address, port)
    c.s.sendall(PREFIX + b"".join(frame(os.urandom(40)) for _ in range(30)))
    demand(c.is_closed_within(5), "30 messages that nobody can read close the connection")

    start = time.monotonic()
    c = connect(address, port)
    c.s.sendall(PREFIX[:3])
    demand(c.is_closed_within(9) and time.monotonic() - start > 3, f"half a prefix is waited for, and not for ever ({time.monotonic() - start:.1f} s)")

    many = [m for m in (connect_unless_reset(address, port) for _ in range(40)) if m]
    end = time.monotonic() + 3
    while (alive := sum(m.is_open() for m in many)) > 16 and time.monotonic() < end:
        time.sleep(0.05)
    demand(alive == 16, f"of 40 connections from one address that say nothing {alive} are kept")
    demand(all(m.is_closed_within(9) for m in many), "and those are closed after a while")
    c, request, response = begin(address, port)
    demand(response[:8] == request[:8], "then there is room again")


def originator(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", port))
    listener.listen(4)
    listener.settimeout(30)
    print("ready", flush=True)
    c = Stream(listener.accept()[0])
    demand(c.read(6) == PREFIX, "the stream begins with IKETCP")
    request = c.ike()
    here, there = ends(c)
    demand(request[8:16] == bytes(8) and request[18] == IKE_SA_INIT and request[19] == INITIATOR and request[20:24] == bytes(4),
           "then comes IKE_SA_INIT behind a length and a non-ESP marker")
    demand(struct.unpack(">I", request[24:28])[0] == len(request), "the frame ends where the message does")
    n = notifies(request)
    demand(n[NATD_SOURCE] == [ip_hash(request[:8], bytes(8), *there)] and n[NATD_DESTINATION] == [ip_hash(request[:8], bytes(8), *here)],
           "the NAT detection hashes are those of the connection's addresses and ports")
    c.s.settimeout(6)
    try:
        more = c.s.recv(1)
    except socket.timeout:
        more = None
    demand(more is None and not c.held, "nothing is repeated within 6 s")
    cookie = os.urandom(24)
    body = struct.pack(">BBH", 0, 0, COOKIE) + cookie
    first, body = chain([(NOTIFY, body)])
    c.s.sendall(frame(request[:8] + bytes(8) + struct.pack(">BBBBII", first, 0x20, IKE_SA_INIT, RESPONSE, 0, 28 + len(body)) + body))
    again = c.ike()
    demand(notifies(again).get(COOKIE) == [cookie] and payloads(again)[0][0] == NOTIFY and again[:8] == request[:8],
           "a cookie is brought back on the same connection, without a second prefix")
    c.s.close()
    c = Stream(listener.accept()[0])
    demand(c.read(6) == PREFIX and c.ike() == again, "when the connection breaks, the same request comes on a new one, behind a prefix")
    c.s.sendall(b"\0\1")
    demand(c.is_closed_within(3), "a length of 1 closes the connection")


if __name__ == "__main__":
    if sys.argv[1] == "responder":
        responder(sys.argv[2], int(sys.argv[3]))
    else:
        originator(int(sys.argv[2]))
