# SPDX-License-Identifier: Apache-2.0
"""A daemon that says what it is told to: it speaks vici on a unix socket, answers each command with a reply and events
that were written before, and keeps every request. So that programs can be asked to print, byte for byte alike, what a
real daemon says once in a lifetime; and that what they send can be compared."""
import os
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "interop"))

import vici  # noqa: E402


class Answer:
    """To one command: events [(name, message)] and then a reply; messages are dicts, or bytes as they are. unknown: the
    daemon says that it has no such command. ends: it hangs up instead of replying."""

    def __init__(self, reply=None, events=(), unknown=False, ends=False):
        self.reply, self.events, self.unknown, self.ends = reply or {}, events, unknown, ends


def _bytes(message):
    return message if isinstance(message, bytes) else vici.encode(message)


class Player:
    """script: {command: Answer or dict (its reply) or a list of those, one after the other}. What is not in it is
    answered with success=yes. unknown_events: those that nobody may register for. news: {event: [(name, message)]}, what
    comes once somebody has registered for that event; then the daemon hangs up where news_ends. tell(): more of that, to
    everybody who has registered for something."""

    def __init__(self, path, script=None, unknown_events=()):
        self.path, self.script, self.unknown_events = path, dict(script or {}), unknown_events
        self.news, self.news_ends = {}, False
        self.listeners = []
        self.requests = []  # (kind, name, message as bytes)
        self.turn = {}
        self.socket = socket.socket(socket.AF_UNIX)
        if os.path.exists(path):
            os.unlink(path)
        self.socket.bind(path)
        self.socket.listen(8)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread; else its next accept() may be of another's socket
        self.thread.join()
        self.socket.close()

    def begin(self, script=None):
        """Anew, with another script."""
        self.requests, self.turn, self.listeners = [], {}, []
        if script is not None:
            self.script = dict(script)

    def tell(self, news):
        for conn in self.listeners:
            for event, message in news:
                try:
                    self._send(conn, vici.EVENT, event, _bytes(message))
                except OSError:
                    pass  # it has gone

    def _accept(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    @staticmethod
    def _exactly(conn, size):
        out = b""
        while len(out) < size:
            part = conn.recv(size - len(out))
            if not part:
                raise EOFError
            out += part
        return out

    def _serve(self, conn):
        with conn:
            try:
                while self._one(conn, self._exactly(conn, struct.unpack("!I", self._exactly(conn, 4))[0])):
                    pass
            except (EOFError, OSError):
                pass

    @staticmethod
    def _send(conn, kind, name=None, message=b""):
        packet = bytes([kind]) + (bytes([len(name)]) + name.encode() if name is not None else b"") + message
        conn.sendall(struct.pack("!I", len(packet)) + packet)

    def _one(self, conn, packet):
        kind, name, body = packet[0], packet[2 : 2 + packet[1]].decode(), packet[2 + packet[1] :]
        self.requests.append((kind, name, body))
        if kind in (vici.EVENT_REGISTER, vici.EVENT_UNREGISTER):
            self._send(conn, vici.EVENT_UNKNOWN if name in self.unknown_events else vici.EVENT_CONFIRM)
            if kind == vici.EVENT_REGISTER:
                self.listeners.append(conn)
            for event, message in self.news.get(name, ()):
                self._send(conn, vici.EVENT, event, _bytes(message))
            return name not in self.news or not self.news_ends
        answer = self._answer(name, body)
        if answer.unknown:
            self._send(conn, vici.CMD_UNKNOWN)
            return True
        for event, message in answer.events:
            self._send(conn, vici.EVENT, event, _bytes(message))
        if answer.ends:
            return False
        self._send(conn, vici.CMD_RESPONSE, None, _bytes(answer.reply))
        return True

    def _answer(self, name, body):
        row = self.script.get(name, {"success": "yes"})
        if callable(row):
            row = row(body)
        if isinstance(row, list):
            at = self.turn[name] = self.turn.get(name, -1) + 1
            row = row[min(at, len(row) - 1)]
        return row if isinstance(row, Answer) else Answer(row)
