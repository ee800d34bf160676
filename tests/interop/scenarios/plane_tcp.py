# SPDX-License-Identifier: Apache-2.0
"""ESP in TCP where the kernel has IPsec, but, like every stock kernel of Debian's, none in TCP: under `auto` userspace carries
it, and nothing else; under `kernel` it is refused."""
from scenarios import scenario
from scenarios.steps import CA, CB, demand, must_ping, must_transfer, topology
from scenarios.tcp import DIRECT, _must_be_in_tcp, _two, _up

NEEDS = "it needs TCP encapsulation"


@scenario("plane.tcp.auto", shape="nat", needs_keyway=True, in_guest=True)
def auto(lab):
    with _two(lab, "always", port=DIRECT, through=topology.B4, workers={"dataplane": "auto"}) as b:
        took = _up(lab)
        _must_be_in_tcp(lab.a, b)
        must_ping(lab.net["ca"], CB)
        must_ping(lab.net["cb"], CA)
        must_transfer(lab.net["ca"], CB, 2_000_000)
        said = [line for line in lab.a.log().splitlines() if NEEDS in line]
        demand(len(said) == 1, f"the log has {len(said)} lines about it: {said}")
        for g in ("ga", "gb"):
            states = lab.net[g].ip("xfrm", "state")
            demand(not states.strip(), f"the kernel has SAs in {g}: {states[:300]}")
        return f"up in {took:.1f} s; {said[0].strip()}"


@scenario("plane.tcp.kernel-refuses", shape="nat", needs_keyway=True, in_guest=True)
def refuses(lab):
    with _two(lab, "always", port=DIRECT, through=topology.B4, workers={"dataplane": "kernel"}):
        code, text = lab.a.initiate("net")
        demand(code != 0, f"a tunnel in TCP came up in the kernel: {text}")
        demand("TCP encapsulation" in text and "dataplane" in text, f"the reason is not told: {text}")
        return text.strip().splitlines()[0]
