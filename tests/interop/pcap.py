# SPDX-License-Identifier: Apache-2.0
"""What was on the wire: a reader of pcap files and the judgement over the packets between two gateways.

Only what a tunnel may show is allowed there: ESP, IKE, NAT keepalives, ARP and IPv6 neighbour discovery, ICMP
errors of the gateways. Everything else is plaintext, and so is a packet of any kind that holds the transfer's
marker or an inner header's pair of addresses.
"""
import ipaddress
import struct
from collections import Counter

ETHERTYPE_IPV4, ETHERTYPE_ARP, ETHERTYPE_IPV6 = 0x0800, 0x0806, 0x86DD
PROTO_ICMP, PROTO_UDP, PROTO_ESP, PROTO_AH, PROTO_ICMP6 = 1, 17, 50, 51, 58


def packets(path):
    """Yields (seconds, frame)."""
    with open(path, "rb") as f:
        data = f.read()
    if len(data) < 24:
        return
    magic = struct.unpack("<I", data[:4])[0]
    order = "<" if magic in (0xA1B2C3D4, 0xA1B23C4D) else ">"
    scale = 1e-9 if struct.unpack(order + "I", data[:4])[0] == 0xA1B23C4D else 1e-6
    at = 24
    while at + 16 <= len(data):
        sec, frac, cap, _ = struct.unpack_from(order + "IIII", data, at)
        if at + 16 + cap > len(data):
            return
        yield sec + frac * scale, data[at + 16 : at + 16 + cap]
        at += 16 + cap


class Ip:
    """The parts of one frame that the judgement needs. payload starts behind the IP header."""

    def __init__(self, frame):
        self.kind = struct.unpack_from("!H", frame, 12)[0]
        self.src = self.dst = self.proto = self.sport = self.dport = None
        self.payload = b""
        self.is_fragment = False
        if self.kind == ETHERTYPE_IPV4 and len(frame) >= 34:
            head = (frame[14] & 15) * 4
            self.proto, flags = frame[23], struct.unpack_from("!H", frame, 20)[0]
            self.is_fragment = flags & 0x1FFF != 0
            self.src, self.dst = ipaddress.ip_address(frame[26:30]), ipaddress.ip_address(frame[30:34])
            self.payload = frame[14 + head :]
        elif self.kind == ETHERTYPE_IPV6 and len(frame) >= 54:
            self.proto = frame[20]
            self.src, self.dst = ipaddress.ip_address(frame[22:38]), ipaddress.ip_address(frame[38:54])
            self.payload = frame[54:]
            while self.proto in (0, 43, 60) and len(self.payload) >= 8:  # extension headers
                size = 8 + self.payload[1] * 8
                self.proto, self.payload = self.payload[0], self.payload[size:]
            if self.proto == 44 and len(self.payload) >= 8:
                self.proto = self.payload[0]
                self.is_fragment = struct.unpack_from("!H", self.payload, 2)[0] & 0xFFF8 != 0
                self.payload = self.payload[8:]
        if self.proto == PROTO_UDP and len(self.payload) >= 8 and not self.is_fragment:
            self.sport, self.dport = struct.unpack_from("!HH", self.payload)
            self.payload = self.payload[8:]


def is_of_a_tunnel(quoted, natt_ports):
    """Is the IPv4 packet that an ICMP message quotes ESP, AH or IKE?"""
    kind = classify(bytes(12) + struct.pack("!H", ETHERTYPE_IPV4) + quoted, natt_ports)[0] if len(quoted) >= 28 else "plaintext"
    return kind in ("esp", "ah", "esp-udp", "ike", "ike-natt", "keepalive")


def classify(frame, natt_ports=(4500,)):
    """esp, ah, esp-udp, ike, ike-natt, keepalive, arp, nd, icmp-error, redirect, fragment, or plaintext. redirect: a
    router's kernel forwarded ESP or IKE for an address that was its own a moment ago, and says where that is now."""
    ip = Ip(frame)
    if ip.kind == ETHERTYPE_ARP:
        return "arp", ip
    if ip.proto is None:
        return "plaintext", ip
    if ip.is_fragment:
        return "fragment", ip
    if ip.proto == PROTO_ESP:
        return "esp", ip
    if ip.proto == PROTO_AH:
        return "ah", ip
    if ip.proto == PROTO_ICMP6 and ip.payload[:1] and (130 <= ip.payload[0] <= 136 or ip.payload[0] == 143):
        return "nd", ip
    if ip.proto == PROTO_ICMP6 and ip.payload[:1] and ip.payload[0] in (1, 2, 3):
        return "icmp-error", ip
    if ip.proto == PROTO_ICMP and ip.payload[:1] and ip.payload[0] in (3, 11):
        return "icmp-error", ip
    if ip.proto == PROTO_ICMP and ip.payload[:1] == b"\x05" and is_of_a_tunnel(ip.payload[8:], natt_ports):
        return "redirect", ip
    if ip.proto != PROTO_UDP:
        return "plaintext", ip
    if any(p in natt_ports for p in (ip.sport, ip.dport)):
        if ip.payload == b"\xff":
            return "keepalive", ip
        if ip.payload[:4] == b"\0\0\0\0":
            return "ike-natt", ip
        return ("esp-udp" if len(ip.payload) >= 24 else "plaintext"), ip
    if ip.sport == 500 or ip.dport == 500:
        return "ike", ip
    return "plaintext", ip


def secrets_of(inner_pairs, markers):
    """Byte strings that no packet may hold: both orders of each pair of inner addresses, and the markers."""
    found = list(markers)
    for a, b in inner_pairs:
        a, b = ipaddress.ip_address(a).packed, ipaddress.ip_address(b).packed
        found += [a + b, b + a]
    return found


class Verdict:
    """Counts by kind, ESP packets by direction (source address), and what was plaintext."""

    def __init__(self):
        self.kinds, self.esp_from, self.spis, self.leaks, self.bytes = Counter(), Counter(), Counter(), [], 0
        self.ah_from = Counter()

    @property
    def esp(self):
        return self.kinds["esp"] + self.kinds["esp-udp"]

    @property
    def plaintext(self):
        return len(self.leaks)

    def __str__(self):
        ah = f"{self.kinds['ah']} AH, " if self.kinds["ah"] else ""
        return f"{ah}{self.esp} ESP, {self.plaintext} plaintext"


def judge(path, inner_pairs, markers, natt_ports=(4500,), since=0.0, has_ah=False):
    """Reads a capture from the outer link. has_ah: AH is wanted there, whose content anybody can read."""
    return judge_frames(packets(path), inner_pairs, markers, natt_ports, since, has_ah)


def judge_frames(frames, inner_pairs, markers, natt_ports=(4500,), since=0.0, has_ah=False):
    """The same of (seconds, frame)."""
    v, forbidden = Verdict(), secrets_of(inner_pairs, markers)
    for when, frame in frames:
        if when < since:
            continue
        kind, ip = classify(frame, natt_ports)
        v.kinds[kind] += 1
        v.bytes += len(frame)
        if kind in ("esp", "esp-udp"):
            v.esp_from[str(ip.src)] += 1
            v.spis[ip.payload[:4].hex()] += 1
        if kind == "ah":
            v.ah_from[str(ip.src)] += 1
        if has_ah and kind in ("ah", "fragment"):
            continue
        held = next((f for f in forbidden if f in frame), None)
        if kind in ("plaintext", "ah") or held:
            why = f"holds {held.hex()}" if held else "neither ESP nor IKE"
            v.leaks.append(f"{when:.6f} {ip.src} > {ip.dst} proto {ip.proto} {len(frame)} bytes: {why}")
    return v
