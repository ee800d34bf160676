# SPDX-License-Identifier: Apache-2.0
"""Offload to a device, as far as it can be seen without one that has it: no stock kernel of Debian's has netdevsim. What
Debian 13's `ip xfrm` and Keyway ask of the kernel is captured from an nlmon device, whatever the kernel answers."""
import contextlib
import os

import peers
import xfrm_message
from capture import Capture
from scenarios import scenario
from scenarios.steps import CA, CB, bring_up, capture, configure, dark, demand, must_ping, must_transfer, topology, wait_for
from scenarios.xfrm import GCM, Drive

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


def as_iproute(node, ours, kind, direction):
    """What `ip xfrm` asks for when it is told the same offload and else what a request of ours holds."""
    ip, more = peers.fetch_new_iproute(), ours["attributes"]
    aead = more["aead"]
    node.run(*ip, "xfrm", "state", "add", "src", ours["source"], "dst", ours["destination"], "proto", "esp", "spi", hex(ours["spi"]),
             "reqid", str(ours["reqid"]), "mode", ours["mode"], "replay-window", str(more.get("replay window", {}).get("size", 0)),
             *(["flag", ours["flags"]] if ours["flags"] else []),
             "aead", aead["name"], "0x" + aead["key"], str(aead["bits"][1]),
             "sel", "src", ours["selector"]["source"], "dst", ours["selector"]["destination"],
             "offload", kind, "dev", DEVICE, "dir", direction)


@scenario("offload.as-iproute-asks", needs_keyway=True, in_guest=True)
def of_keyway(lab):
    """Attribute by attribute. Keyway's SAs are driven without IKE: where the device takes none, IKE would not come to the
    outbound one."""
    node, asked = lab.net["ga"], [(outer, words) for outer in (4, 6) for words in FLAGS]
    with messages(lab, node) as ours:
        drive = Drive(node, lab.work)
        for outer, (kind, direction) in asked:
            (a, b), (here, there) = topology.OUTER[outer], topology.NET[outer]
            drive.say(f"sa_add dir={direction} spi=0x5001 reqid=9 child=9 window=64 local={a} remote={b} lts={here} rts={there} {GCM} "
                      f"offload={kind}")
        (a, b), (here, there) = topology.OUTER[4], topology.NET[4]
        drive.say(f"policy_add id=9 reqid=9 local={a} remote={b} lts={here} rts={there} offload=packet")
        drive.end()
    policies = [m for m in ours if "policy" in m["type"]]
    ours = [m for m in ours if "policy" not in m["type"] and "offload" in m["attributes"]]
    demand(len(ours) == len(asked), f"{len(ours)} requests of Keyway's for {len(asked)} SAs")
    with messages(lab, node) as theirs:
        for (_, words), m in zip(asked, ours):
            as_iproute(node, m, *words)
            node.ip("xfrm", "state", "flush")
    demand(len(theirs) == len(asked), f"{len(theirs)} requests of iproute2's for {len(asked)} SAs")
    for (_, (_, direction)), o, t in zip(asked, ours, theirs):
        # A state that is there already is an error to Keyway; a kernel that would ignore its direction is not told it.
        apart = [("asks", "request ack exclusive create", "request ack"), ("attributes.direction", None, direction)]
        found = xfrm_message.differences(o, t)
        demand(found == apart, f"{o['attributes']['offload']}: (ours, iproute2's) are apart in {[d for d in found if d not in apart]}")
    found = {m["direction"]: m["attributes"].get("offload") for m in policies}
    wanted = {"device": index_of(node, DEVICE), "flags": "packet"}
    demand(found == dict.fromkeys(("in", "out", "fwd"), wanted), f"the policies do not ask for {wanted}: {found}")
    return f"{len(ours)} requests for states are as iproute2's, and so is what policies ask for"


def offloading(word):
    return {"connections": {"net": {"children": {"net": {"hw_offload": word}}}}}


@scenario("offload.auto-falls-back", needs_keyway=True, in_guest=True)
def falls_back(lab):
    """Whoever takes what the machine can give gets a tunnel, and one line of the log per interface."""
    capture(lab)
    lab.a.settings = {"dataplane": "kernel"}
    configure(lab, extra={"encap": "no"}, extra_a=offloading("auto"))
    bring_up(lab)
    lab.a.rekey(child="net")
    must_ping(lab.net["ca"], CB)
    must_ping(lab.net["cb"], CA)
    must_transfer(lab.net["ca"], CB, 2_000_000)
    said = [line for line in lab.a.log().splitlines() if f"offload = auto: {DEVICE} takes nothing" in line]
    demand(len(said) == 1, f"the log has {len(said)} lines about it: {said}")
    return f"{said[0].split('notice')[-1].strip()}; {dark(lab)}"


@scenario("offload.refused", needs_keyway=True, in_guest=True)
def refused(lab):
    """Who wants it and nothing else gets the reason, and no tunnel."""
    lab.a.settings = {"dataplane": "kernel"}
    told = []
    for word in ("crypto", "packet"):
        configure(lab, extra={"encap": "no"}, extra_a=offloading(word))
        code, text = lab.a.initiate("net")
        demand(code != 0, f"hw_offload = {word} came up: {text}")
        wait_for(f"the child with hw_offload = {word} to be gone", lambda: not lab.a.children(None), 5)
        why = f"offload = {word}: {DEVICE} cannot take the SA"
        demand(why in text, f"the reason is not told: {text}")
        said = [line for line in text.splitlines() if why in line]
        wait_for("the kernel to have no SA of it", lambda: not lab.net["ga"].ip("xfrm", "state").strip(), 5)
        told.append(said[0].split("  ", 1)[-1].strip())
        lab.a.stop()
        lab.b.terminate_now()
    return " | ".join(told)
