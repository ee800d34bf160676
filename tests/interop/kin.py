# SPDX-License-Identifier: Apache-2.0
"""ESP's kin on the wire: what rows demand of compressed and of padded packets, and of children that were rekeyed."""
import time

import pcap
from net import LabError, wait_for

PADDED = 1000  # tfc_padding of the rows
SMALL, LARGE = 56, 1200  # bytes of data in a ping


def rekey_and_wait(gateway):
    """The child again, begun by the gateway; until there is a pair of other SPIs and no old one."""
    before = {c["spi-in"] for c in gateway.children()}
    gateway.rekey(child="net")

    def is_new():
        now = {c["spi-in"] for c in gateway.children(None)}
        return now and not now & before
    wait_for("the child to be rekeyed", is_new, 15, 0.1)


def esp_lengths(path, begin, end):
    """{source: set of bytes behind the outer headers} of what passed between two moments."""
    found = {}
    for when, frame in pcap.packets(path):
        if not begin <= when <= end:
            continue
        kind, ip = pcap.classify(frame)
        if kind in ("esp", "esp-udp", "ah"):
            found.setdefault(str(ip.src), set()).add(len(ip.payload))
    return found


class Pings:
    """Pings of one size from one end, and when they passed."""

    def __init__(self, ping, node, target, size):
        self.size, self.begin = size, time.time()
        code, out = ping(node, target, size=size)
        if code:
            raise LabError(f"no answer to pings of {size} bytes: {out.strip()[-300:]}")
        time.sleep(0.05)
        self.end = time.time()


def must_be_compressed(path, pings, children):
    """The pings' data is one pattern again and again: both ends make little of it."""
    for c in children:
        if not (c.get("cpi-in") and c.get("cpi-out")):
            raise LabError(f"no CPIs in the status of a child: {c}")
    seen = esp_lengths(path, pings.begin, pings.end)
    if len(seen) < 2 or any(max(v) > pings.size / 2 for v in seen.values()):
        raise LabError(f"pings of {pings.size} bytes are not compressed from both ends: {seen}")
    return " ".join(f"{pings.size}>{max(v)}" for v in seen.values())


def must_be_padded(path, pings):
    """Small pings look like large ones, all alike."""
    seen = esp_lengths(path, pings.begin, pings.end)
    if len(seen) < 2 or any(len(v) > 1 or min(v) < PADDED for v in seen.values()):
        raise LabError(f"pings of {pings.size} bytes are not padded to {PADDED} from both ends: {seen}")
    return " ".join(f"{pings.size}>{min(v)}" for v in seen.values())


def must_be_ah(verdict):
    """AH from both ends, and nothing that is protected in another way or not at all."""
    if len(verdict.ah_from) < 2 or verdict.esp:
        raise LabError(f"AH was seen from {sorted(verdict.ah_from) or 'nobody'} ({dict(verdict.kinds)})")
    if verdict.plaintext:
        raise LabError(f"{verdict.plaintext} packets outside of AH on the wire, first: {verdict.leaks[0]}")
