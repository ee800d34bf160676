# SPDX-License-Identifier: Apache-2.0
"""The data plane's threads: children spread over several, packets that one thread hands to another, and IKE beside a
flood of ESP."""
import json
import time

from rows import HERE, PYTHON
from scenarios import scenario
from scenarios.spread import EXTRA, addresses, children, must_carry_all, owners
from scenarios.steps import CB, demand, must_ping, one_child, spis, topology, up, wait_for

def plane(lab):
    code, out, err = lab.a.cli("status", "--json")
    demand(code == 0, f"keyway status: {err}")
    return json.loads(out)["daemon"]["dataplane"]


def _spread(lab, encap):
    lab.a.settings = {"dataplane_workers": "4"}
    addresses(lab.net, "add")
    try:
        up(lab, extra={"encap": encap}, extra_a=children(0), extra_b=children(1))
        for i in range(EXTRA):
            if not any(c["name"] == f"to-{i}" for c in lab.a.children()):
                lab.a.initiate("net", child=f"to-{i}")
        wait_for("all children", lambda: len(lab.a.children()) == EXTRA + 1, 10)
        with_whom = owners(lab.a, 4)
        demand(len(with_whom) >= 3, f"the children are with workers {with_whom} only")

        def rekey():  # while packets flow
            for _ in range(2):
                lab.a.rekey(child="to-0")
                time.sleep(0.3)
        must_carry_all(lab, rekey)
        drops = plane(lab)["drops"]
        # Retransmitted TCP hides a lost packet; the counters do not.
        demand(not any(drops.get(k) for k in ("unknown_SPI", "inbound_worker_busy", "outbound_worker_busy", "no_SA", "selectors", "bad_ICV")), f"drops: {drops}")
        return f"{EXTRA + 1} children with workers {with_whom}, drops {drops}"
    finally:
        addresses(lab.net, "del")


for _encap in ("yes", "no"):
    def _run(lab, encap=_encap):
        return _spread(lab, encap)
    scenario(f"workers.children-spread.{'udp' if _encap == 'yes' else 'raw'}", needs_keyway=True)(_run)


@scenario("workers.ike-beside-a-flood-of-esp", needs_keyway=True)
def flood_of_esp(lab):
    """ESP that overflows its worker's queue takes nothing from IKE: liveness, a rekey and a new child go on."""
    lab.a.settings = {"dataplane_workers": "1"}
    up(lab, extra={"encap": "yes", "dpd_delay": "1s"})
    spi, before = int(one_child(lab.a)["spi-in"], 16), spis(lab.a)
    flood = lab.net["gb"].start([PYTHON, HERE + "/esp_flood.py", topology.A4, topology.B4, f"{spi:08x}", "60"],
                                lab.work + "/flood.log")
    begun = time.monotonic()
    wait_for("the worker's queue to overflow", lambda: plane(lab)["drops"].get("receive_queue_full", 0) > 1000, 30, 0.2)
    start = time.monotonic()
    lab.a.rekey(child="net")
    wait_for("the rekey to be done", lambda: spis(lab.a) and not spis(lab.a) & before and len(lab.a.children()) == 1, 10)
    took = time.monotonic() - start
    def is_enough():  # five liveness checks are due meanwhile
        drops = plane(lab)["drops"]
        return time.monotonic() - begun > 6 and drops.get("bad_ICV", 0) + drops.get("unknown_SPI", 0) > 100000
    wait_for("enough of the flood", is_enough, 40, 0.2)
    demand(flood.is_running(), "the flood ended too early: " + flood.text()[-300:])
    demand(flood.stop() == 0, flood.text()[-300:])
    must_ping(lab.net["ca"], CB)
    demand(len(lab.a.established()) == 1 and len(lab.b.established()) == 1, "the IKE SA did not survive")
    text = lab.a.log()
    drops = plane(lab)["drops"]
    demand("not answered" not in text.lower() and "gives up" not in text.lower(), "liveness failed during the flood")
    return f"rekeyed in {took:.2f} s beside {flood.text().strip()}; drops {drops}"
