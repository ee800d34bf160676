# SPDX-License-Identifier: Apache-2.0
"""Requests to the kernel's XFRM over netlink, in words: what a capture of an nlmon device holds, field by field and
attribute by attribute, so that the messages of two programs can be laid beside each other. The structures are those of
<linux/xfrm.h>. It does not write messages, and of the kernel's own it reads what has the form of a request."""
import ipaddress
import struct

import pcap

NETLINK_XFRM = 6
COOKED = 16  # bytes of the capture's own header; its last two are netlink's protocol
TYPES = {0x10: "new state", 0x11: "delete state", 0x12: "get state", 0x13: "new policy", 0x14: "delete policy",
         0x15: "get policy", 0x16: "allocate SPI", 0x19: "update policy", 0x1A: "update state", 0x1C: "flush states",
         0x1D: "flush policies"}
FLAGS = {1: "request", 2: "multi", 4: "ack", 8: "echo", 0x100: "replace", 0x200: "exclusive", 0x400: "create", 0x800: "append"}
DUMP = 0x300  # means something else in a request for data
MODES = {0: "transport", 1: "tunnel", 2: "route optimization", 3: "in trigger", 4: "beet", 5: "iptfs"}
STATE_FLAGS = {1: "noecn", 2: "decap-dscp", 4: "nopmtudisc", 8: "wildrecv", 16: "icmp", 32: "af-unspec", 64: "align4", 128: "esn"}
POLICY_FLAGS = {1: "localok", 2: "icmp"}
OFFLOAD_FLAGS = {1: "ipv6", 2: "inbound", 4: "packet"}
DIRECTIONS = ("in", "out", "fwd", "socket in", "socket out")  # the last two in lists alone
INFINITE = (1 << 64) - 1


def words(value, names):
    """The names of the bits that are set; those without a name as a number."""
    known = [name for bit, name in names.items() if value & bit]
    rest = value & ~sum(names)
    return " ".join(known + ([hex(rest)] if rest else []))


class Reader:
    """Takes fields from the front of some bytes; missing ones are an error of struct."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from("=" + form, self.data, self.at)
        self.at += struct.calcsize("=" + form)
        return values[0] if len(values) == 1 else values

    def port(self):
        return int.from_bytes(self.take("2s"), "big")

    def address(self, family=None):
        raw = self.take("16s")
        is_six = family == 10 if family else any(raw[4:])
        return str(ipaddress.ip_address(raw if is_six else raw[:4]))

    def rest(self):
        return self.data[self.at :]


def _selector(r):
    family = struct.unpack_from("=H", r.data, r.at + 40)[0]
    destination, source = r.address(family), r.address(family)
    dport, dmask, sport, smask = r.port(), r.port(), r.port(), r.port()
    _, to, from_, proto, device, user = r.take("HBBB3xiI")
    return {"source": f"{source}/{from_}", "destination": f"{destination}/{to}", "protocol": proto, "source port": f"{sport}/{smask:#x}",
            "destination port": f"{dport}/{dmask:#x}", "device": device, "user": user}


def _limits(r):
    names = ("soft bytes", "hard bytes", "soft packets", "hard packets", "soft seconds", "hard seconds", "soft idle", "hard idle")
    return {name: "infinite" if value == INFINITE else value for name, value in zip(names, r.take("8Q"))}


def _id(r, family):
    destination = r.address(family)
    return {"destination": destination, "spi": int.from_bytes(r.take("4s"), "big"), "protocol": r.take("B3x")}


def state(r):
    """struct xfrm_usersa_info, without what only the kernel writes."""
    family = struct.unpack_from("=H", r.data, r.at + 212)[0]
    out = {"selector": _selector(r), **_id(r, family), "source": r.address(family), "limits": _limits(r)}
    r.take("32s12s")
    sequence, reqid, _, mode, window, flags = r.take("IIHBBB7x")
    return {**out, "sequence": sequence, "reqid": reqid, "family": family, "mode": MODES.get(mode, mode), "replay window": window,
            "flags": words(flags, STATE_FLAGS)}


def policy(r):
    """struct xfrm_userpolicy_info."""
    out = {"selector": _selector(r), "limits": _limits(r)}
    r.take("32s")
    priority, index, direction, action, flags, share = r.take("IIBBBB4x")
    return {**out, "priority": priority, "index": index, "direction": DIRECTIONS[direction],
            "action": "block" if action else "allow", "flags": words(flags, POLICY_FLAGS), "share": share}


def template(r):
    family = struct.unpack_from("=H", r.data, r.at + 24)[0]
    out = _id(r, family)
    r.take("4x")
    out |= {"source": r.address(family)}
    reqid, mode, share, optional, auth, encr, comp = r.take("IBBBxIII")
    return {**out, "reqid": reqid, "mode": MODES.get(mode, mode), "share": share, "optional": optional,
            "algorithms": (hex(auth), hex(encr), hex(comp))}


def _algorithm(form):
    def read(r):
        name, *sizes = r.take("64s" + form)
        return {"name": name.split(b"\0")[0].decode(), "bits": sizes, "key": r.rest().hex()}
    return read


def _templates(r):
    out = []
    while r.rest():
        out.append(template(r))
    return out


def _offload(r):
    device, flags = r.take("iB3x")
    return {"device": device, "flags": words(flags, OFFLOAD_FLAGS)}


def _encapsulation(r):
    kind = r.take("H")
    ports = r.port(), r.port()
    r.take("2x")
    return {"kind": kind, "ports": ports, "original address": r.address()}


def _window(r):
    length, oseq, seq, oseq_high, seq_high, size = r.take("6I")
    return {"words": length, "seq": seq_high << 32 | seq, "oseq": oseq_high << 32 | oseq, "size": size}


def number(form):
    return lambda r: r.take(form)


def pair(r):
    return tuple(f"{n:#x}" for n in r.take("II"))


ATTRIBUTES = {
    1: ("authentication", _algorithm("I")), 2: ("encryption", _algorithm("I")), 3: ("compression", _algorithm("I")),
    4: ("encapsulation", _encapsulation), 5: ("templates", _templates), 13: ("source", Reader.address), 14: ("care-of", Reader.address),
    16: ("policy type", number("Bxxx")), 18: ("aead", _algorithm("II")), 20: ("truncated authentication", _algorithm("II")),
    21: ("mark", pair), 22: ("tfc padding", number("I")), 23: ("replay window", _window),
    24: ("extra flags", number("I")), 28: ("offload", _offload), 29: ("set mark", number("I")), 30: ("set mark mask", number("I")),
    31: ("if_id", number("I")), 32: ("timer threshold", number("I")), 33: ("direction", lambda r: {1: "in", 2: "out"}[r.take("B")]),
    34: ("keepalive interval", number("I")), 35: ("processor", number("I")), 36: ("drop time", number("I")),
    37: ("reorder window", number("H")), 38: ("no fragments", lambda r: True), 39: ("initial delay", number("I")),
    40: ("queue size", number("I")), 41: ("packet size", number("I")),
}
BODIES = {"new state": state, "update state": state, "new policy": policy, "update policy": policy}


def pieces(data):
    """{number: contents} of netlink attributes."""
    out, at = {}, 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        out[kind & 0x3FFF] = data[at + 4 : at + length]
        at += max((length + 3) & ~3, 4)
    return out


def attributes(data):
    """In words; what has no words as hexadecimal digits."""
    out = {}
    for kind, content in pieces(data).items():
        name, read = ATTRIBUTES.get(kind, (f"attribute {kind}", lambda r: r.rest().hex()))
        out[name] = read(Reader(content))
    return out


def decode(data):
    """One netlink message; None if it is no request that BODIES knows."""
    length, kind, flags = struct.unpack_from("=IHH", data)
    name = TYPES.get(kind)
    if name not in BODIES or not flags & 1:
        return None
    r = Reader(data[16:length])
    body = BODIES[name](r)
    return {"type": name, "asks": words(flags, FLAGS), **body, "attributes": attributes(r.rest())}


def requests(path):
    """Those of a capture of nlmon's, in order."""
    out = []
    for _, frame in pcap.packets(path):
        if int.from_bytes(frame[14:16], "big") == NETLINK_XFRM:
            message = decode(frame[COOKED:])
            out += [message] if message else []
    return out


def differences(ours, theirs, path=""):
    """[(where, ours, theirs)] of what is not the same; None stands for what is not there."""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return [] if ours == theirs else [(path, ours, theirs)]
    return [d for key in sorted({*ours, *theirs}) for d in differences(ours.get(key), theirs.get(key), f"{path}.{key}".lstrip("."))]
