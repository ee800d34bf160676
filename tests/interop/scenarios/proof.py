# SPDX-License-Identifier: Apache-2.0
"""The proof from the wire can fail: without a tunnel it sees plaintext."""
from scenarios import scenario
from scenarios.steps import CB, capture, demand, ping


@scenario("proof.sees-plaintext-without-a-tunnel")
def sees_plaintext(lab):
    capture(lab)
    ping(lab.net["ca"], CB, count=3, seconds=2)
    verdict = lab.capture.judge()
    demand(verdict.plaintext >= 6 and not verdict.esp, f"expected plaintext both ways, saw {verdict} {verdict.kinds}")
    return f"{verdict}, as it must be"
