# SPDX-License-Identifier: Apache-2.0
"""What the texts for Libreswan's administrators add to the host-to-host connection: TCP, and with howto_lsw.py postquantum
preshared keys. The lines are the printed ones. ESP in TCP is between two Keyways, since Libreswan leaves it to the kernel's
espintcp, which no kernel of Debian's has."""
import struct

import pcap
from capture import INNER_PAIRS
from net import wait_for
from scenarios import scenario
from scenarios.howto import EAST, TRAFFIC, WEST, Hosts
from scenarios.steps import capture, demand, ping
from transfer import MARKER

PSK = '@west @east : PSK "thepresharedkeyofatleasttwentycharacters"\n'
PPKS = '@west @east : PPKS "user1" "thestringismeanttobearandomstr"\n'
SETUP = "config setup\n    listen-tcp=yes\n"
FALLBACK = ("enable-tcp=fallback", "tcp-remoteport=4500")
ALWAYS = ("enable-tcp=yes", "tcp-remoteport=4500")


def connection(*more):
    """The text's mytunnel, without its raw keys."""
    keys = ("leftid=@west", f"left={WEST}", "rightid=@east", f"right={EAST}", "authby=secret", *more)
    return "conn mytunnel\n" + "".join(f"    {line}\n" for line in keys)


def keys_of(text):
    return dict(line.strip().split("=", 1) for line in text.splitlines()[1:])


def write(host, secrets, *more, setup=""):
    host.write("etc/ipsec.d/my_host-to-host.conf", connection(*more))
    host.write("etc/ipsec.secrets", secrets)
    if setup:
        host.write("etc/ipsec.conf", setup)


def pings_pass(west, east):
    for node, target in ((west.node, EAST), (east.node, WEST)):
        code, text = ping(node, target, count=3, seconds=8)
        demand(code == 0, f"no ping to {target}: {text[-200:]} {west.journal()[-600:]}")


class shut_udp:
    """At a host: neither UDP nor ESP."""

    def __init__(self, host):
        self.node = host.node

    def __enter__(self):
        self.node.sh("nft", "add table inet shut; add chain inet shut i { type filter hook input priority 0; }; "
                     "add rule inet shut i meta l4proto { udp, esp } drop")

    def __exit__(self, *_):
        self.node.sh("nft", "delete table inet shut")


def _tcp(lab, words):
    with Hosts(lab, "-tcp") as (west, east):
        write(west, PSK, *words, setup=SETUP)
        write(east, PSK, setup=SETUP)
        for host in (west, east):
            host.type("systemctl restart ipsec")
            host.type("ipsec auto --add mytunnel")
        with shut_udp(east):
            capture(lab)
            west.type("ipsec auto --up mytunnel")
            pings_pass(west, east)
            for host in (west, east):
                wait_for("trafficstatus to count the pings", lambda h=host: TRAFFIC.search(h.type("ipsec trafficstatus")), 5, 0.2)
            lab.capture.stop()
            held, others, forbidden = 0, set(), pcap.secrets_of(INNER_PAIRS, [MARKER])
            for _, frame in pcap.packets(lab.capture.path):
                kind, ip = pcap.classify(frame)
                demand(not any(f in frame for f in forbidden), "plaintext on the wire")
                if ip.proto == 6 and 4500 in struct.unpack(">HH", ip.payload[:4]):
                    held += 1
                elif kind not in ("arp", "nd", "icmp-error", "ike"):
                    others.add(kind)
            demand(held > 12 and not others, f"{held} packets of TCP on the wire, and {others}")
            return f"{held} packets of TCP, {west.type('keyway status mytunnel').splitlines()[1].strip()}"


@scenario("howto.tcp.always", needs_keyway=True)
def tcp_always(lab):
    """UDP is permanently blocked, and known to be."""
    return _tcp(lab, ALWAYS)


@scenario("howto.tcp.fallback", needs_keyway=True)
def tcp_fallback(lab):
    """The first attempt over UDP fails."""
    return _tcp(lab, FALLBACK)
