#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the kernel of this network namespace takes of an SA beyond the basics: adds one state for each thing, reads it back
and deletes it. A kernel that does not know an attribute ignores it without a word. Prints JSON: {thing: "yes", "ignored"
or the error}.

    xfrm_probe.py DEVICE     the one that is asked to take SAs over
"""
import errno
import json
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import xfrm_message as xm  # noqa: E402

ACK, NEW, GET, DELETE, NLMSG_ERROR, NLMSG_DONE = 5, 0x10, 0x12, 0x11, 2, 3
SOL_NETLINK, EXT_ACK, ERROR_TEXT = 270, 11, 1
A, B, SPI, ESP, IPV4, TUNNEL, IPTFS = "192.0.2.1", "192.0.2.2", 0x1001, 50, socket.AF_INET, 1, 5
AEAD = (18, struct.pack("=64sII", b"rfc4106(gcm(aes))", 160, 128) + bytes(range(20)))
OUT = (33, b"\2")


def u32(n):
    return struct.pack("=I", n)


def encapsulation(kind):
    return 4, struct.pack("=H", kind) + struct.pack("!HH", 4500, 4500) + bytes(18)


def things(device):
    """{name: (attributes, mode)}; the last attribute is the one that is asked for."""
    offload = [(28, struct.pack("=iB3x", device, flags)) for flags in (0, 4)]
    return {
        "nothing more": ([AEAD], TUNNEL),
        "if_id": ([AEAD, (31, u32(7))], TUNNEL),
        "set mark": ([AEAD, (29, u32(7))], TUNNEL),
        "direction": ([AEAD, OUT], TUNNEL),
        "keepalives": ([AEAD, OUT, encapsulation(2), (34, u32(20))], TUNNEL),
        "processor": ([AEAD, OUT, (35, u32(0))], TUNNEL),
        "ip-tfs": ([AEAD, OUT, (41, u32(1400))], IPTFS),  # 7.2 without it takes the mode, but none of its attributes
        "esp in tcp": ([AEAD, encapsulation(7)], TUNNEL),
        "offload crypto": ([AEAD, OUT, offload[0]], TUNNEL),
        "offload packet": ([AEAD, OUT, offload[1]], TUNNEL),
    }


def address(text):
    return socket.inet_aton(text) + bytes(12)


def new_state(attributes, mode):
    """struct xfrm_usersa_info of an ESP state, and attributes."""
    info = struct.pack("=40xHBB3x9x", IPV4, 0, 0) + address(B) + struct.pack("!IB3x", SPI, ESP) + address(A)
    info += struct.pack("=4Q", *[xm.INFINITE] * 4) + bytes(32 + 32 + 12) + struct.pack("=IIHBBB7x", 0, 7, IPV4, mode, 0, 0)
    for kind, data in attributes:
        info += struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
    return info


def state_id():
    return address(B) + struct.pack("!I", SPI) + struct.pack("=HBx", IPV4, ESP)


class Kernel:
    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, xm.NETLINK_XFRM)
        self.socket.setsockopt(SOL_NETLINK, EXT_ACK, 1)
        self.socket.settimeout(10)

    def ask(self, kind, body):
        """(what is wrong or "", the state that the kernel answered with or None)"""
        self.socket.send(struct.pack("=IHHII", 16 + len(body), kind, ACK, 1, 0) + body)
        state = None
        while True:
            data = self.socket.recv(65536)
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                if kind == NLMSG_ERROR:
                    return self.error(data[:length]), state
                state = data[16:length] if kind == NEW else state
                data = data[(length + 3) & ~3 :]

    @staticmethod
    def error(message):
        flags = struct.unpack_from("=H", message, 6)[0]
        code, asked = struct.unpack_from("=iI", message, 16)
        at = 36 if flags & 0x100 else 20 + (asked + 3 & ~3)  # the request's header, or all of it
        texts = xm.pieces(message[at:]).get(ERROR_TEXT, b"") if flags & 0x200 else b""
        text = texts.rstrip(b"\0").decode()
        return " ".join(filter(None, (errno.errorcode.get(-code, ""), f"({text})" if text else "")))


def verdict(kernel, attributes, mode):
    wrong, _ = kernel.ask(NEW, new_state(attributes, mode))
    _, state = kernel.ask(GET, state_id())
    if state is None:
        return wrong or "gone"
    kernel.ask(DELETE, state_id())
    reader = xm.Reader(state)
    is_mode = xm.MODES[mode] == xm.state(reader)["mode"]
    is_there = attributes[-1][0] in xm.pieces(reader.rest())
    return "yes" if is_mode and is_there else f"ignored {wrong}".strip()


def main():
    kernel, device = Kernel(), socket.if_nametoindex(sys.argv[1])
    print(json.dumps({name: verdict(kernel, *asked) for name, asked in things(device).items()}))


if __name__ == "__main__":
    main()
