# SPDX-License-Identifier: Apache-2.0
"""A small client of the vici protocol: what the lab asks both daemons with, so that neither one's own command
line vouches for itself."""
import socket
import struct

CMD_REQUEST, CMD_RESPONSE, CMD_UNKNOWN, EVENT_REGISTER, EVENT_UNREGISTER, EVENT_CONFIRM, EVENT_UNKNOWN, EVENT = range(8)
SECTION_START, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END = range(1, 7)


def encode(message):
    out = b""
    for key, value in message.items():
        name = key.encode()
        name = bytes([len(name)]) + name
        if isinstance(value, dict):
            out += bytes([SECTION_START]) + name + encode(value) + bytes([SECTION_END])
        elif isinstance(value, (list, tuple)):
            out += bytes([LIST_START]) + name
            for item in value:
                item = item if isinstance(item, bytes) else str(item).encode()
                out += bytes([LIST_ITEM]) + struct.pack("!H", len(item)) + item
            out += bytes([LIST_END])
        else:
            value = value if isinstance(value, bytes) else str(value).encode()
            out += bytes([KEY_VALUE]) + name + struct.pack("!H", len(value)) + value
    return out


def decode(data):
    root, at = {}, 0
    stack, items = [root], None

    def text(width):
        nonlocal at
        size = int.from_bytes(data[at : at + width], "big")
        at += width + size
        return data[at - size : at].decode(errors="replace")

    while at < len(data):
        kind = data[at]
        at += 1
        if kind == SECTION_START:
            child = {}
            stack[-1][text(1)] = child
            stack.append(child)
        elif kind == SECTION_END:
            stack.pop()
        elif kind == KEY_VALUE:
            key = text(1)
            stack[-1][key] = text(2)
        elif kind == LIST_START:
            items = stack[-1].setdefault(text(1), [])
        elif kind == LIST_ITEM:
            items.append(text(2))
    return root


class Vici:
    """One connection. request() for plain commands, stream() for those that answer with events."""

    def __init__(self, path, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self._send(EVENT_REGISTER, "keyway-keys")  # Keyway's own keys; another daemon has none
        self._receive()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _send(self, kind, name, message=None):
        packet = bytes([kind, len(name)]) + name.encode() + encode(message or {})
        self.socket.sendall(struct.pack("!I", len(packet)) + packet)

    def _exactly(self, size):
        out = b""
        while len(out) < size:
            part = self.socket.recv(size - len(out))
            if not part:
                raise EOFError("the daemon closed its control socket")
            out += part
        return out

    def _receive(self):
        packet = self._exactly(struct.unpack("!I", self._exactly(4))[0])
        if packet[0] == EVENT:
            end = 2 + packet[1]
            return EVENT, decode(packet[end:])
        return packet[0], decode(packet[1:])

    def request(self, name, message=None):
        self._send(CMD_REQUEST, name, message)
        while True:
            kind, answer = self._receive()
            if kind == CMD_RESPONSE:
                return answer
            if kind == CMD_UNKNOWN:
                raise KeyError(f"unknown command {name}")

    def stream(self, name, event, message=None):
        self._send(EVENT_REGISTER, event)
        if self._receive()[0] != EVENT_CONFIRM:
            raise KeyError(f"unknown event {event}")
        self._send(CMD_REQUEST, name, message)
        events = []
        while True:
            kind, answer = self._receive()
            if kind == EVENT:
                events.append(answer)
            elif kind == CMD_RESPONSE:
                self._send(EVENT_UNREGISTER, event)
                self._receive()
                return events
            else:
                raise KeyError(f"unknown command {name}")

    def sas(self):
        """[(connection, ike-sa)], each with its child-sas."""
        return [(name, sa) for e in self.stream("list-sas", "list-sa") for name, sa in e.items()]
