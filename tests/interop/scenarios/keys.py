# SPDX-License-Identifier: Apache-2.0
"""Keys of the configuration whose effect is outside the engine: what a script hears, which port a packet has."""
import os

import topology
from net import wait_for
from rows import must_ping, short_form, sides
from scenarios import scenario
from scenarios.steps import CB, bring_up, configure, demand


def _told(lab):
    path = os.path.join(lab.work, "told")
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [line.split() for line in f.read().splitlines()]


@scenario("keys.updown-and-inactivity", needs_keyway=True)
def updown(lab):
    if os.path.exists(f"{lab.work}/told"):
        os.unlink(f"{lab.work}/told")
    script = f"echo $PLUTO_VERB $PLUTO_PEER $PLUTO_PEER_CLIENT $PLUTO_MY_CLIENT >> {lab.work}/told"
    configure(lab, text=short_form(more=[f'updown = "{script}"', "inactivity = 2s", "start = no"]))
    bring_up(lab)
    must_ping(lab.net["ca"], CB)
    mine, theirs = topology.NET[4]
    want = [["up-client", topology.B4, theirs, mine]]
    wait_for("the script to hear of the child", lambda: _told(lab) == want, 5)
    wait_for("the idle child to be closed", lambda: not lab.a.children() and not lab.b.children(), 10)
    want.append(["down-client", *want[0][1:]])
    wait_for("the script to hear of its end", lambda: len(_told(lab)) > 1, 5)
    demand(_told(lab) == want, f"the script was told {_told(lab)}, expected {want}")
    return "up and down, once each"


@scenario("keys.local-port-and-dscp", needs_keyway=True)
def local_port(lab):
    (tree_a, files_a), (tree_b, files_b) = sides(certs=lab.certs)
    tree_a["connections"]["net"].update({"local_port": 1500, "dscp": "101110"})
    lab.b.load(tree_b, files_b)
    lab.a.load(tree_a, files_a)
    node, device = topology.WIRE
    seen = lab.net[node].start(["tcpdump", "-i", device, "-n", "-v", "--immediate-mode", "-l", "udp port 1500"],
                               os.path.join(lab.work, "ports"))
    wait_for("tcpdump to listen", lambda: "listening on" in seen.text(), 10, 0.01)
    bring_up(lab)
    must_ping(lab.net["ca"], CB)
    wait_for("packets from port 1500", lambda: ".1500 > " in seen.text(), 5)
    seen.stop()
    demand("tos 0xb8" in seen.text(), f"no packet with this DSCP: {seen.text()[:400]}")
    return "from port 1500 with DSCP 46"
