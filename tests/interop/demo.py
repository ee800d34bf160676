#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev demo: a working tunnel between Keyway and a real strongSwan, shown step by step and proven on the wire.
Exits 0 only if every step was true. --rehearse puts strongSwan at both ends (the demo of the demo)."""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import peers  # noqa: E402
import topology  # noqa: E402
from capture import Capture  # noqa: E402
from gateways import Keyway, render  # noqa: E402
from lab import EXPECTED, Lab  # noqa: E402
from net import LabError, end_on_signals  # noqa: E402
from rows import PSK, PYTHON, TRANSFER, must_be_dark, must_transfer, ping, short_form, sides  # noqa: E402
from transfer import PORT  # noqa: E402

PICTURE = r"""
   client A          gateway A                            gateway B          client B
  +----------+     +-----------+    what a thief sees   +------------+     +----------+
  | 10.1.0.2 |-----|  Keyway   |======= E S P ==========| strongSwan |-----| 10.2.0.2 |
  +----------+     +-----------+                        +------------+     +----------+
       10.1.0.0/24       10.9.0.1                       10.9.0.2       10.2.0.0/24
"""
COLOR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOR else text


def heading(text):
    print("\n" + paint("1;36", f"== {text}"), flush=True)


def show(path, text):
    print(paint(2, f"-- {path}"))
    for line in text.rstrip().splitlines():
        print("   " + line)


def passed(text):
    print(paint(32, "  ok  ") + text, flush=True)


def start(lab):
    """Both ends up; the configuration files are printed."""
    peer = {"connections": {"net": {
        "version": 2, "local_addrs": topology.B4, "remote_addrs": topology.A4,
        "local": {"auth": "psk"}, "remote": {"auth": "psk"},
        "children": {"net": {"local_ts": "10.2.0.0/24", "remote_ts": "10.1.0.0/24"}}}},
        "secrets": {"ike-a": {"id": topology.A4, "secret": PSK}}}
    ours = short_form("office")
    heading("the two configuration files")
    show("gateway A: /etc/keyway/keyway.conf", ours)
    show("gateway B: /etc/swanctl/swanctl.conf", render(peer))
    lab.b.start()
    lab.b.load(peer)
    lab.capture = Capture(lab.net[topology.WIRE[0]], topology.WIRE[1], os.path.join(lab.work, "outer.pcap")).ready()
    heading("the tunnel starts by itself")
    if lab.a.kind == "Keyway":
        lab.a.load(text=ours)
    else:
        lab.a.start()
        lab.a.load(*sides()[0])
        lab.a.initiate("net")
    lab.a.wait_up(20)
    passed("a child SA is installed")


def status(lab):
    heading("keyway status")
    time.sleep(1.2)  # counters are gathered once a second
    if lab.a.kind != "Keyway":
        print("   (a rehearsal)")
        return
    code, out, err = lab.a.cli("status")
    print("\n".join("   " + line for line in (out + err).splitlines()))
    if code:
        raise LabError(f"keyway status: exit {code}")


def traffic(lab):
    heading("client A reaches client B")
    code, out = ping(lab.net["ca"], topology.CLIENT[4][1], count=5, interval="0.2")
    print("\n".join("   " + line for line in out.strip().splitlines() if "bytes from" in line or "packets" in line))
    if code:
        raise LabError("the ping was not answered")
    must_transfer(lab.net["ca"], topology.CLIENT[4][1])
    passed(f"{TRANSFER // 1_000_000} MB over TCP each way, SHA-256 equal at both ends")


def proof(lab):
    heading("what was on the wire between the gateways")
    verdict = lab.capture.judge()
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(verdict.kinds.items()))
    print(f"   all packets: {kinds}")
    print(paint("1;32" if not verdict.plaintext else "1;31",
                f"   packets seen: {verdict.esp} ESP, {verdict.plaintext} plaintext"), flush=True)
    must_be_dark(verdict)
    passed("ESP from both gateways, not one packet that a stranger could read")


def throughput(lab):
    heading("throughput, one TCP stream through the tunnel, 3 s")
    code, out, err = lab.net["ca"].run(PYTHON, HERE + "/transfer.py", "rate", topology.CLIENT[4][1], str(PORT), "3")
    if code or not out.strip().isdigit():
        raise LabError(f"no figure: {out} {err}")
    passed(f"{out.strip()} Mbit/s from client A to client B (userspace ESP at both ends)")


def main():
    end_on_signals()
    left = "strongSwan" if "--rehearse" in sys.argv else "Keyway"
    peers.fetch_strongswan()
    print(paint(1, f"Keyway and strongSwan {peers.strongswan_version()}: one tunnel, two networks, no kernel ESP"))
    print(PICTURE)
    lab = None
    try:
        lab = Lab(left)
        if left == "Keyway":
            lab.a = Keyway(lab.net["ga"], os.path.join(lab.work, "a"), "gateway A", peers.REPO + "/build/release/bin")
        for step in (start, traffic, status, proof, throughput):
            step(lab)
    except EXPECTED as e:
        print(paint("1;31", f"  FAIL  {e}"))
        if lab:
            print(f"  logs, configuration and capture: {lab.keep('demo')}")
        return 1
    finally:
        if lab:
            lab.close()
    print("\n" + paint("1;32", "The tunnel works, and all of the above was true."))
    return 0


if __name__ == "__main__":
    sys.exit(main())
