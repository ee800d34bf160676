# SPDX-License-Identifier: Apache-2.0
"""Offload to a device, as far as it can be seen without one that has it: no stock kernel of Debian's has netdevsim. What
Debian 13's `ip xfrm` asks of the kernel is captured from an nlmon device, whatever the kernel answers."""
import contextlib
import os

import peers
import xfrm_message
from capture import Capture
from scenarios import scenario
from scenarios.steps import demand, topology

AEAD = ("aead", "rfc4106(gcm(aes))", "0x" + bytes(range(36)).hex(), "128")
DEVICE = "w0"
# What the words of `ip xfrm` become: the bits of struct xfrm_user_offload.
FLAGS = {("crypto", "out"): "", ("crypto", "in"): "inbound", ("packet", "out"): "packet", ("packet", "in"): "inbound packet"}


@contextlib.contextmanager
def messages(lab, node):
    """Requests to the node's kernel while the block runs: a list that holds them behind it."""
    node.ip("link", "add", "nl0", "type", "nlmon")
    node.ip("link", "set", "nl0", "up")
    capture, seen = Capture(node, "nl0", os.path.join(lab.work, "netlink.pcap")).ready(), []
    try:
        yield seen
        capture.stop()
        seen += xfrm_message.requests(capture.path)
    finally:
        capture.process.stop()
        node.ip("link", "del", "nl0", check=False)


def index_of(node, device):
    return int(node.ip("-o", "link", "show", device).split(":")[0])


def add_state(node, outer, *more):
    """As Debian 13's iproute2 asks for it; the kernel may refuse."""
    a, b = topology.OUTER[outer]
    ip = peers.fetch_new_iproute()
    node.run(*ip, "xfrm", "state", "flush")
    node.run(*ip, "xfrm", "state", "add", "src", a, "dst", b, "proto", "esp", "spi", "0x1001", "reqid", "7", "mode", "tunnel",
             *AEAD, *more)


def add_policy(node, outer, *more):
    ip, (a, b), (here, there) = peers.fetch_new_iproute(), topology.OUTER[outer], topology.NET[outer]
    node.run(*ip, "xfrm", "policy", "flush")
    node.run(*ip, "xfrm", "policy", "add", "src", here, "dst", there, "dir", "out", *more,
             "tmpl", "src", a, "dst", b, "proto", "esp", "reqid", "7", "mode", "tunnel")


def must_add(plain, offloaded, attribute):
    """Nothing but the attribute tells one request from the other."""
    found = xfrm_message.differences(plain, offloaded)
    demand(found == [("attributes.offload", None, attribute)], f"offload is not {attribute} alone: {found}")


@scenario("offload.messages", needs_keyway=True, in_guest=True)
def of_iproute(lab):
    """The attribute that offload is, and that nothing else changes with it."""
    node = lab.net["ga"]
    device = index_of(node, DEVICE)
    with messages(lab, node) as seen:
        for outer in (4, 6):
            for direction in ("out", "in"):
                add_state(node, outer, "dir", direction)
                for kind in ("crypto", "packet"):
                    add_state(node, outer, "offload", kind, "dev", DEVICE, "dir", direction)
            add_policy(node, outer)
            add_policy(node, outer, "offload", "packet", "dev", DEVICE)
    for what in ("state", "policy"):
        node.ip("xfrm", what, "flush")
    rest = iter(seen)
    for _outer in (4, 6):
        for direction in ("out", "in"):
            plain = next(rest)
            demand(plain["attributes"].get("direction") == direction, f"not what was asked: {plain}")
            for kind in ("crypto", "packet"):
                must_add(plain, next(rest), {"device": device, "flags": FLAGS[kind, direction]})
        must_add(next(rest), next(rest), {"device": device, "flags": "packet"})
    demand(not list(rest), f"more requests than were made: {len(seen)}")
    return f"{len(seen)} requests of iproute2 {peers.package_version('iproute-13', 'iproute2')}"
