#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The SAs and policies of this network namespace's kernel, all of their attributes in words, where no iproute2 of Debian's has words
for them yet: JSON {"states": [...], "policies": [...]}, each as xfrm_message.py has it."""
import json
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import xfrm_message as xm  # noqa: E402

REQUEST, DUMP, DONE, ERROR = 1, 0x300, 3, 2
LISTS = {"states": (0x12, xm.state, b""), "policies": (0x15, xm.policy, bytes(64))}


def dump(kind, read, body):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, xm.NETLINK_XFRM) as s:
        s.settimeout(10)
        s.send(struct.pack("=IHHII", 16 + len(body), kind, REQUEST | DUMP, 1, 0) + body)
        while True:
            data = s.recv(1 << 20)
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                if kind == DONE:
                    return
                if kind == ERROR:
                    raise OSError(-struct.unpack_from("=i", data, 16)[0], "the kernel refuses to list them")
                reader = xm.Reader(data[16:length])
                yield {**read(reader), **xm.attributes(reader.rest())}
                data = data[(length + 3) & ~3 :]


def main():
    print(json.dumps({name: list(dump(*how)) for name, how in LISTS.items()}))


if __name__ == "__main__":
    main()
