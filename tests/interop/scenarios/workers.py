# SPDX-License-Identifier: Apache-2.0
"""The data plane's threads: children spread over several, packets that one thread hands to another, and IKE beside a
flood of ESP."""
import json
import threading
import time

from rows import HERE, PYTHON
from scenarios import scenario
from scenarios.steps import CB, demand, must_ping, must_transfer, one_child, spis, topology, up, wait_for

EXTRA = 5  # children beside the first, each between two networks of its own


def _networks():
    return [(f"10.1.{20 + i}", f"10.2.{20 + i}") for i in range(EXTRA)]


def _children(me):
    return {"connections": {"net": {"children": {
        f"to-{i}": {"local_ts": nets[me] + ".0/24", "remote_ts": nets[1 - me] + ".0/24",
                    "esp_proposals": ("aes128gcm16", "aes256-sha256", "chacha20poly1305")[i % 3]}
        for i, nets in enumerate(_networks())}}}}


def _addresses(net, verb):
    for a, b in _networks():
        for node, device, address in (("ca", "a0", a + ".2"), ("ga", "a1", a + ".1"), ("gb", "b1", b + ".1"), ("cb", "b0", b + ".2")):
            net[node].ip("addr", verb, address + "/24", "dev", device, check=False)
        net["ca"].ip("route", verb, b + ".0/24", "via", "10.1.0.1", "src", a + ".2", check=False)


def plane(lab):
    code, out, err = lab.a.cli("status", "--json")
    demand(code == 0, f"keyway status: {err}")
    return json.loads(out)["daemon"]["dataplane"]


def _spread(lab, encap):
    lab.a.settings = {"dataplane_workers": "4"}
    _addresses(lab.net, "add")
    try:
        up(lab, extra={"encap": encap}, extra_a=_children(0), extra_b=_children(1))
        for i in range(EXTRA):
            if not any(c["name"] == f"to-{i}" for c in lab.a.children()):
                lab.a.initiate("net", child=f"to-{i}")
        wait_for("all children", lambda: len(lab.a.children()) == EXTRA + 1, 10)
        owners = {int(c["spi-in"], 16) % 64 % 4 for c in lab.a.children()}
        demand(len(owners) >= 3, f"the children are with workers {sorted(owners)} only")
        for a in [CB] + [b + ".2" for _, b in _networks()]:
            must_ping(lab.net["ca"], a)
        failures = []

        def transfer(a):
            try:
                must_transfer(lab.net["ca"], a)
            except Exception as e:  # pylint: disable=broad-except
                failures.append(str(e))
        threads = [threading.Thread(target=transfer, args=(a,)) for a in [CB] + [b + ".2" for _, b in _networks()]]
        for t in threads:
            t.start()
        for _ in range(2):  # while packets flow
            lab.a.rekey(child="to-0")
            time.sleep(0.3)
        for t in threads:
            t.join()
        demand(not failures, "; ".join(failures))
        drops = plane(lab)["drops"]
        # Retransmitted TCP hides a lost packet; the counters do not.
        demand(not any(drops.get(k) for k in ("unknown_SPI", "inbound_worker_busy", "outbound_worker_busy", "no_SA", "selectors", "bad_ICV")), f"drops: {drops}")
        return f"{EXTRA + 1} children with workers {sorted(owners)}, drops {drops}"
    finally:
        _addresses(lab.net, "del")


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
