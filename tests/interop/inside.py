# SPDX-License-Identifier: Apache-2.0
"""Sockets that live in the lab's namespaces but belong to this process: traffic and captures without a program started for
each, which costs a tenth of a second inside a guest."""
import ctypes
import mmap
import os
import random
import socket
import struct
import threading
import time

from net import LabError, wait_for
from transfer import MARKER, block

CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION, TPACKET_V2, TP_STATUS_USER, ETH_P_ALL = 263, 5, 6, 10, 1, 1, 3
BLOCK, BLOCKS, SLOT = 1 << 16, 256, 2048  # a ring of 8192 frames: more than a cell makes
IP_MTU_DISCOVER = 10
SIZES = (40, 200, 576, 1000, 1200)  # of datagrams, with one of HUGE, which leaves in fragments
HUGE = 4000
STREAM = 200_000  # bytes of TCP each way

_libc = ctypes.CDLL(None, use_errno=True)


def in_namespace(node, function):
    """Runs function() in a thread that has entered the node's network namespace; what it opens stays there."""
    out = {}

    def run():
        try:
            with open("/run/netns/" + node.ns, "rb") as f:
                if _libc.setns(f.fileno(), CLONE_NEWNET):
                    raise LabError(f"cannot enter {node.ns}: {os.strerror(ctypes.get_errno())}")
            out["value"] = function()
        except Exception as e:  # it is the caller's
            out["error"] = e
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if "error" in out:
        raise out["error"]
    return out["value"]


def talk(node, target, client, *args):
    """Runs a client, of transfer.py or datagrams.py, in the node's namespace. Raises with what it says is wrong."""
    try:
        wrong = in_namespace(node, lambda: client(target, *args))
    except (OSError, EOFError) as e:
        wrong = f"{type(e).__name__}: {e}"
    if wrong:
        raise LabError(f"{client.__module__} from {node.name} to {target}: {wrong}")


class Tap:
    """Sees every frame of an interface. The kernel copies each as it passes (a frame that is only held is deciphered in the
    peer's kernel where it lies, and looks like plaintext when it is read later) into a ring, which take() empties."""

    def __init__(self, node, device):
        def opened():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            s.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
            s.setsockopt(SOL_PACKET, PACKET_RX_RING, struct.pack("IIII", BLOCK, BLOCKS, SLOT, BLOCK // SLOT * BLOCKS))
            s.bind((device, ETH_P_ALL))
            return s
        self.socket = in_namespace(node, opened)
        self.ring, self.next = mmap.mmap(self.socket.fileno(), BLOCK * BLOCKS), 0

    def take(self):
        """[(seconds, frame)] of what passed since the last call."""
        frames = []
        while True:
            at = self.next * SLOT
            status, size, held, mac, _, sec, nsec = struct.unpack_from("IIIHHII", self.ring, at)
            if not status & TP_STATUS_USER:
                break
            if held < size:
                raise LabError(f"the capture holds {held} bytes of a frame of {size}: it proves nothing")
            frames.append((sec + nsec * 1e-9, self.ring[at + mac : at + mac + held]))
            struct.pack_into("I", self.ring, at, 0)
            self.next = (self.next + 1) % (BLOCK // SLOT * BLOCKS)
        _, dropped = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        if dropped:
            raise LabError(f"the capture dropped {dropped} frames: it proves nothing")
        return frames

    def close(self):
        self.ring.close()
        self.socket.close()


def save(path, frames):
    """As a pcap file, for who looks at what a failed row left."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for when, frame in frames:
            f.write(struct.pack("<IIII", int(when), int(when % 1 * 1e6), len(frame), len(frame)) + frame)


class Ends:
    """Two addresses, each in its namespace, and what they say to each other. targets: where each is reached, if not there."""

    def __init__(self, left, right, addresses, targets=None, patience=5.0):
        self.nodes, self.addresses, self.patience = (left, right), addresses, patience
        self.targets = targets or addresses
        self.family = socket.AF_INET6 if ":" in addresses[0] else socket.AF_INET

    def _socket(self, i, kind):
        def opened():
            s = socket.socket(self.family, kind)
            if kind == socket.SOCK_DGRAM and self.family == socket.AF_INET:
                s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, 0)  # routers may cut it
            s.bind((self.addresses[i], 0))
            s.settimeout(self.patience)
            return s
        return in_namespace(self.nodes[i], opened)

    def _name(self, i):
        return f"{self.nodes[i].name} ({self.addresses[i]})"

    def exchange(self):
        """UDP and TCP both ways, whole and right. Returns the bytes that each way carried at least."""
        return self.datagrams() + self.stream()

    def datagrams(self):
        pair = [self._socket(i, socket.SOCK_DGRAM) for i in (0, 1)]
        try:
            for i in (0, 1):
                for size in (*SIZES, HUGE):
                    self._send(pair, i, size)
            return sum(SIZES) + HUGE
        finally:
            for s in pair:
                s.close()

    def _send(self, pair, i, size):
        """A huge one of IPv6 is lost when the path's MTU has yet to be learned: it has three tries."""
        sent = ((MARKER + random.randbytes(16)) * (size // 32 + 1))[:size]
        tries = 3 if size == HUGE and self.family == socket.AF_INET6 else 1
        pair[1 - i].settimeout(self.patience / 5 if tries > 1 else self.patience)
        for _ in range(tries):
            try:
                pair[i].sendto(sent, (self.targets[1 - i], pair[1 - i].getsockname()[1]))
                if pair[1 - i].recv(65536) != sent:
                    raise LabError(f"a datagram of {size} bytes from {self._name(i)} came changed")
                return
            except TimeoutError:
                continue
        raise LabError(f"a datagram of {size} bytes from {self._name(i)} did not reach {self._name(1 - i)}")

    def stream(self):
        """One connection from the left to the right; each sends while it receives."""
        listener, left = (self._socket(i, socket.SOCK_STREAM) for i in (1, 0))
        data = block()[:STREAM]
        try:
            listener.listen(1)
            try:
                left.connect((self.targets[1], listener.getsockname()[1]))
                right = listener.accept()[0]
            except TimeoutError:
                raise LabError(f"no TCP connection from {self._name(0)} to {self._name(1)}") from None
            right.settimeout(self.patience)
            with right:
                sender = threading.Thread(target=_send, args=(right, data), daemon=True)
                sender.start()
                back = threading.Thread(target=_send, args=(left, data), daemon=True)
                back.start()
                for i, s in ((1, right), (0, left)):
                    if _read(s, len(data)) != data:
                        raise LabError(f"TCP to {self._name(i)} came short or changed")
                sender.join(self.patience)
                back.join(self.patience)
            return len(data)
        finally:
            left.close()
            listener.close()


class Flow:
    """Numbered datagrams both ways, one every few milliseconds, while something else happens. finish() raises when one is
    missing."""

    STEP = 0.005

    def __init__(self, ends):
        self.ends, self.pair = ends, [ends._socket(i, socket.SOCK_DGRAM) for i in (0, 1)]
        self.sent, self.got, self.is_over = 0, (set(), set()), threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        for s in self.pair:
            s.setblocking(False)
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.is_over.set()
        self.thread.join(self.ends.patience)
        for s in self.pair:
            s.close()

    def _run(self):
        while not self.is_over.wait(self.STEP):
            for i in (0, 1):
                to = (self.ends.targets[1 - i], self.pair[1 - i].getsockname()[1])
                self.pair[i].sendto(struct.pack("!I", self.sent) + MARKER, to)
            self.sent += 1
            self._take()

    def _take(self):
        for i in (0, 1):
            while True:
                try:
                    self.got[i].add(struct.unpack("!I", self.pair[i].recv(64)[:4])[0])
                except BlockingIOError:
                    break

    def more(self, n=20):
        """Until so many more were sent each way."""
        until = self.sent + n
        wait_for("datagrams to be sent", lambda: self.sent >= until, self.ends.patience)

    def finish(self, excused=0):
        """Nothing more is sent. Returns how many each way. excused: so many to the left were lost by no fault of it."""
        self.is_over.set()
        self.thread.join(self.ends.patience)
        end = time.monotonic() + self.ends.patience
        while min(map(len, self.got)) < self.sent and time.monotonic() < end:
            self._take()
            time.sleep(0.01)
        lost = [sorted(set(range(self.sent)) - got) for got in self.got]
        if lost[1] or len(lost[0]) > excused:
            raise LabError(f"of {self.sent} datagrams each way {len(lost[1])} to {self.ends._name(1)} and {len(lost[0])} to "
                           f"{self.ends._name(0)} were lost: {lost[1][:8]} {lost[0][:8]}")
        return self.sent


def _send(s, data):
    try:
        s.sendall(data)
    except OSError:
        pass  # the reader says what is missing


def _read(s, size):
    out = b""
    try:
        while len(out) < size:
            part = s.recv(size - len(out))
            if not part:
                break
            out += part
    except OSError:
        pass
    return out
