# SPDX-License-Identifier: Apache-2.0
"""Several children of one IKE SA, each between two networks of its own, so that each may be with another worker."""
import threading

from scenarios.steps import CB, demand, must_ping, must_transfer

EXTRA = 5  # children beside the first


def networks():
    return [(f"10.1.{20 + i}", f"10.2.{20 + i}") for i in range(EXTRA)]


def children(me):
    return {"connections": {"net": {"children": {
        f"to-{i}": {"local_ts": nets[me] + ".0/24", "remote_ts": nets[1 - me] + ".0/24",
                    "esp_proposals": ("aes128gcm16", "aes256-sha256", "chacha20poly1305")[i % 3]}
        for i, nets in enumerate(networks())}}}}


def addresses(net, verb):
    """Adds them, or deletes them: verb is ip's."""
    for a, b in networks():
        for node, device, address in (("ca", "a0", a + ".2"), ("ga", "a1", a + ".1"), ("gb", "b1", b + ".1"), ("cb", "b0", b + ".2")):
            net[node].ip("addr", verb, address + "/24", "dev", device, check=False)
        net["ca"].ip("route", verb, b + ".0/24", "via", "10.1.0.1", "src", a + ".2", check=False)


def owners(gateway, workers):
    """Which workers of the gateway have the children."""
    return sorted({int(c["spi-in"], 16) % 64 % workers for c in gateway.children()})


def must_carry_all(lab, meanwhile):
    """Traffic in each child, and then in all at once while meanwhile() runs."""
    targets = [CB] + [b + ".2" for _, b in networks()]
    for a in targets:
        must_ping(lab.net["ca"], a)
    failures = []

    def transfer(a):
        try:
            must_transfer(lab.net["ca"], a)
        except Exception as e:  # pylint: disable=broad-except
            failures.append(str(e))
    threads = [threading.Thread(target=transfer, args=(a,)) for a in targets]
    for t in threads:
        t.start()
    meanwhile()
    for t in threads:
        t.join()
    demand(not failures, "; ".join(failures))
