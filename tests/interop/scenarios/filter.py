# SPDX-License-Identifier: Apache-2.0
"""Host to host, where what is protected is the peer's own address, beside the kernel's reverse path filter: loose, as
Debian has it, nothing may be lost; strict, Keyway says what is. Two Keyways."""
import contextlib
import os

from gateways import Keyway
from rows import sides
from scenarios import scenario
from scenarios.steps import capture, dark, demand, must_ping, ping, topology

LOOSE, STRICT = 2, 1


@contextlib.contextmanager
def _filter(lab, value):
    nodes = (lab.net["ga"], "w0"), (lab.net["gb"], "w1")
    try:
        for node, device in nodes:
            node.write(f"/proc/sys/net/ipv4/conf/{device}/rp_filter", value)
        yield
    finally:
        for node, device in nodes:
            node.write(f"/proc/sys/net/ipv4/conf/{device}/rp_filter", 0)


@contextlib.contextmanager
def _host_to_host(lab, role, mode):
    """What the attempt gave: (exit code, text)."""
    lab.b.stop()
    other = Keyway(lab.net["gb"], os.path.join(lab.work, "keyway-b"), "gateway B")
    (tree_a, files_a), (tree_b, files_b) = sides(nets=tuple(a + "/32" for a in topology.OUTER[4]),
                                                 extra={"children": {"net": {"mode": mode}}})
    capture(lab)
    try:
        other.load(tree_b, files_b)
        lab.a.load(tree_a, files_a)
        yield (lab.a if role == "initiator" else other).initiate("net", seconds=20)
        demand(not other.sanitizer_report(), f"sanitizer at B: {other.sanitizer_report()[:300]}")
    finally:
        other.stop()
        other.cleanup()


def _loose(lab, role, mode):
    ga, gb = lab.net["ga"], lab.net["gb"]
    with _filter(lab, LOOSE), _host_to_host(lab, role, mode) as (code, text):
        demand(code == 0, f"it does not come up: {text.strip()[-300:]}")
        must_ping(ga, topology.B4)
        must_ping(gb, topology.A4)
        lab.a.terminate("net")
        demand(ping(ga, topology.B4, count=2, seconds=2)[0], "a ping passes without the tunnel")
        lab.a.kill()
        demand(ping(ga, topology.B4, count=2, seconds=2)[0], "a ping passes without the daemon")
        lab.a.cleanup()
        return f"{dark(lab)}"


for _mode in ("transport", "tunnel"):
    for _role in ("initiator", "responder"):
        def _run(lab, role=_role, mode=_mode):
            return _loose(lab, role, mode)
        scenario(f"filter.loose.{_mode}.{_role}", needs_keyway=True)(_run)


@scenario("filter.strict-is-told-of", needs_keyway=True)
def strict(lab):
    lab.a.settings = {"retransmit_timeout": "0.5", "retransmit_tries": "2"}
    with _filter(lab, STRICT), _host_to_host(lab, "initiator", "transport") as (code, _):
        demand(code, "it came up: the warning is wrong")
        lines = [line for line in lab.a.log().splitlines() if "sysctl -w net.ipv4.conf.w0.rp_filter=2" in line]
        demand(len(lines) == 1, f"the filter is named {len(lines)} times: {lab.a.log()[-600:]}")
        return lines[0]
