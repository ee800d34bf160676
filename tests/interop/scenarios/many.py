# SPDX-License-Identifier: Apache-2.0
"""Several hundred tunnels from one gateway to one other: more than a responder takes for honest at once."""
import many
from scenarios import scenario
from scenarios.steps import demand
from gateways import Keyway

N = 300


@scenario("many.tunnels-between-two-gateways", needs_keyway=True)
def many_tunnels(lab):
    """Keyway at both ends; the peer of the other rows is stopped meanwhile."""
    lab.b.stop()
    other = Keyway(lab.net["gb"], lab.work + "/b-keyway", "gateway B")
    lab.a.settings = {"retransmit_timeout": "20"}  # what is said again was refused, and not only late on a busy machine
    many.route_clients(lab.net)
    try:
        other.load(text=many.config(1, N))
        lab.a.load(text=many.config(0, N))
        took = many.wait_up((lab.a, other), N, 120)
        for i in (0, N - 1):
            many.check(lab.net, i)
        # the fourth half-open IKE SA of an address and those after it are asked for a cookie (cookie_threshold_ip)
        repeated = [line for line in lab.a.log().splitlines() if "again" in line and "asks for a cookie" not in line]
        demand(not repeated, f"{len(repeated)} repetitions, first: {repeated[:1]}")
        code, out, err = lab.a.cli("status")
        demand(code == 0 and out.count("up") >= N, f"keyway status: exit {code}: {err[:200]}")
        demand(other.stop() == 0 and not other.sanitizer_report(), f"gateway B: {other.sanitizer_report()[:300]}")
    finally:
        other.kill()
        many.unroute_clients(lab.net)
        lab.b.start()
    return f"{N} tunnels up after {took:.1f} s, nothing sent twice but for cookies"
