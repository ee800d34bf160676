# SPDX-License-Identifier: Apache-2.0
"""Policies that pass and drop, beside a tunnel of everything: what goes in the clear, what goes nowhere."""
import os

from scenarios import scenario
from scenarios.barrier import _keyway_traces, remember
from scenarios.steps import CB, bring_up, capture, configure, demand, must_ping, ping
from topology import A4

CLEAR, GONE, OTHER = "10.77.0.1", "10.78.0.1", "10.79.0.1"


def _policy(mode, remote, start="trap"):
    return {"mode": mode, "local_ts": "10.1.0.0/24", "remote_ts": remote, "start_action": start}


def _swanctl(lab, *argv):
    """strongSwan's program, asked of Keyway."""
    env = {"STRONGSWAN_CONF": os.path.join(lab.b.dir, "strongswan.conf")}
    code, out, err = lab.a.node.run("sh", "-c", f"{lab.b.command('swanctl')} {' '.join(argv)} --uri unix://{lab.a.socket}", env=env)
    demand(code == 0, f"swanctl {argv[0]}: exit {code}: {out[-400:]} {err[-400:]}")
    return out


def _leaks(lab, address, count=2):
    """Does client A's ping to it leave gateway A in the clear? The answer comes back through the tunnel."""
    capture(lab)
    must_ping(lab.net["ca"], address, count=count)
    return lab.capture.judge().plaintext


@scenario("shunt.passes-beside-a-tunnel-of-everything", needs_keyway=True)
def passes(lab):
    for address in (CLEAR, OTHER):
        lab.net["gb"].ip("addr", "add", address + "/32", "dev", "lo", check=False)
    remember(lab)
    policies = {"policies": {"children": {"clear": _policy("pass", "10.77.0.0/24")}}}
    everything = {"net": {"children": {"net": {"remote_ts": "0.0.0.0/0"}}}}
    configure(lab, extra_a={"connections": {**everything, **policies}},
              extra_b={"connections": {"net": {"children": {"net": {"local_ts": "0.0.0.0/0"}}}}})
    bring_up(lab)
    demand(_leaks(lab, CLEAR), "what is to pass went into the tunnel")
    demand(not _leaks(lab, OTHER) and not _leaks(lab, CB), "what is not to pass left in the clear")
    listed = _swanctl(lab, "--list-pols", "--pass")
    demand("policies/clear, PASS" in listed and "10.77.0.0/24" in listed, f"swanctl --list-pols says {listed!r}")
    _swanctl(lab, "--uninstall", "--child", "clear")
    demand(not _leaks(lab, CLEAR), "what was taken back still leaves in the clear")
    _swanctl(lab, "--install", "--child", "clear")
    demand(_leaks(lab, CLEAR), "what was set again goes into the tunnel")
    lab.a.stop()
    demand(not _keyway_traces(lab), f"an orderly end left {_keyway_traces(lab)}")
    return f"{CLEAR} in the clear, all else inside; set and taken back"


@scenario("shunt.drops-what-no-tunnel-is-for", needs_keyway=True)
def drops(lab):
    for address in (GONE, OTHER):
        lab.net["gb"].ip("addr", "add", address + "/32", "dev", "lo", check=False)
    policies = {"policies": {"children": {"no-network": {**_policy("drop", "10.78.0.0/24"), "local_ts": "0.0.0.0/0"},
                                          "no-tunnel": _policy("drop", "10.2.0.0/24")}}}
    configure(lab, extra_a={"connections": policies})
    bring_up(lab)
    capture(lab)
    for node in ("ca", "ga"):
        demand(ping(lab.net[node], GONE, count=2, seconds=1)[0], "what is to be dropped is answered")
    demand(not lab.capture.judge().plaintext, "what is to be dropped left")
    must_ping(lab.net["ca"], CB)  # a tunnel comes first
    must_ping(lab.net["ga"], OTHER, source=A4)
    listed = _swanctl(lab, "--list-pols", "--drop")
    demand(listed.count(", DROP") == 2, f"swanctl --list-pols says {listed!r}")
    return f"{GONE} is dropped, the tunnel and {OTHER} are not"
