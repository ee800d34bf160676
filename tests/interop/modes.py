# SPDX-License-Identifier: Apache-2.0
"""Rows of the matrix in transport and BEET mode: the two gateways talk to each other, TCP, UDP and ping, from either
end, before and after rekeys by both; the wire shows ESP alone, or, where the selectors name a protocol, everything
else in the clear."""
import os

import datagrams
import inside
import kin
import topology
from capture import Capture
from net import LabError, wait_for
from pcap import judge
from rows import HERE, PYTHON, must_be_asked_for, must_be_dark, must_transfer, sides, suite_of
from transfer import MARKER, PORT

SIZE = 500_000
ECHO = PORT + 1


def serve(lab, node):
    """What answers TCP and UDP on a gateway, once for each lab."""
    started = lab.__dict__.setdefault("mode_servers", set())
    if node.name in started:
        return
    for program, port in (("transfer.py", PORT), ("datagrams.py", ECHO)):
        out = os.path.join(lab.work, f"{node.name}-{program}.log")
        p = node.start([PYTHON, f"{HERE}/{program}", "serve", str(port)], out)
        wait_for(f"{program} on {node.name}", lambda p=p: "ready" in p.text(), 10)
    started.add(node.name)


def must_ping(node, target, pattern=MARKER):
    code, out, err = node.run("ping", "-n", "-c", "3", "-i", "0.05", "-W", "2", "-w", "8", "-p", pattern.hex(), target,
                              timeout=15)
    if code:
        raise LabError(f"no answer to ping from {node.name} to {target}: {(out + err).strip()[-300:]}")


def traffic(lab, hosts, row):
    a, b = lab.net["ga"], lab.net["gb"]
    for node, target in ((a, hosts[1]), (b, hosts[0])):
        if row.ports != "udp":
            must_transfer(node, target, SIZE)
        if row.ports != "tcp":
            inside.talk(node, target, datagrams.echo, ECHO, 40)
            inside.talk(node, target, datagrams.echo, ECHO, 10, 4000)  # which leaves in fragments
        # what is not in the selectors goes on in the clear, without the marker
        must_ping(node, target, b"\xa5" if row.ports else MARKER)


IDS = ("a.nat.test", "b.nat.test")


def hide(router, shown):
    """One address for another, without a state: the guest's kernel has no NAT in nftables."""
    router.sh("tc", "qdisc", "del", "dev", "wa", "clsact", check=False)  # of a former row, with its filters
    for line in ("qdisc add dev wa clsact",
                 f"filter replace dev wa ingress prio 1 protocol ip matchall action nat ingress {shown}/32 {topology.NAT_INNER}",
                 f"filter replace dev wa egress prio 1 protocol ip matchall action nat egress {topology.NAT_INNER}/32 {shown}"):
        router.sh("tc", *line.split())


def behind_a_nat(row, lab):
    """Addresses as each end has them, and what is laid over each tree."""
    hidden = 0 if row.shape == "nat" else 1
    addresses, extra = list(topology.OUTER[4]), []
    addresses[hidden] = topology.NAT_INNER
    hide(lab.net["wire"], topology.OUTER[4][hidden])
    for me in (0, 1):
        side = {"local": {"id": IDS[me]}, "remote": {"id": IDS[1 - me]}}
        side["remote_addrs"] = "%any" if me != hidden else topology.OUTER[4][1 - me]
        extra.append({"connections": {"net": side}, "secrets": {"ike-lab": {"id-a": IDS[0], "id-b": IDS[1]}}})
    return {"addresses": addresses, "extra_a": extra[0], "extra_b": extra[1]}


def selectors(row, hosts):
    own, other = hosts if row.mode == "beet" else ("dynamic", "dynamic")
    # a server at either end
    of = {"": ("", ""), "tcp": ("[tcp]", "[tcp]"), "udp": ("[udp]", "[udp]")}[row.ports]
    return own + of[0], other + of[1]


def must_be_in(mode, lab):
    for gateway in (lab.a, lab.b):
        got = {c["mode"].split("_")[0] for c in gateway.children()}
        if got != {mode.upper()}:
            raise LabError(f"{gateway.kind} is in {got or 'no'} mode, not {mode}")


def rekeys(lab):
    for gateway, other in ((lab.a, lab.b), (lab.b, lab.a)):
        old = {c["spi-in"] for c in gateway.children()}
        gateway.rekey(child="net")
        wait_for(f"{gateway.kind}'s rekey", lambda g=gateway, o=old: (now := {c["spi-in"] for c in g.children()}) and
                 not now & o, 10)
        wait_for("one child", lambda o=other: len(o.children()) == 1, 10)


def extra_of(row):
    child = {"mode": row.mode, **row.extra.get("children", {}).get("net", {})}
    return {**row.extra, "children": {"net": child}}


def run_mode(lab, row):
    a, b, net = lab.a, lab.b, lab.net
    outer = topology.OUTER[row.outer]
    hosts = topology.INSIDE[row.inner] if row.mode == "beet" else outer
    capture = lab.capture = Capture(net[topology.WIRE[0]], topology.WIRE[1], os.path.join(lab.work, "outer.pcap"))
    for name in ("ga", "gb"):
        serve(lab, net[name])
    try:
        nets = selectors(row, hosts)
        more = behind_a_nat(row, lab) if row.shape != "plain" else {}
        (tree_a, files_a), (tree_b, files_b) = sides(row.inner, row.outer, row.auth, row.ike, row.esp, certs=lab.certs,
                                                     nets=nets, extra=extra_of(row), **more)
        b.load(tree_b, files_b)
        a.stop()
        lab.use_dataplane(row.dataplane)
        a.settings = {}
        if a.kind == "Keyway":
            a.write(tree_a, files_a)
        capture.ready()
        a.start()
        if a.kind != "Keyway":
            a.load(tree_a, files_a)
        starter = a if row.role == "initiator" else b
        code, text = starter.initiate("net")
        if code:
            raise LabError(f"{starter.kind} could not bring the child up (exit {code}): {text.strip()[-800:]}")
        must_be_in(row.mode, lab)
        traffic(lab, hosts, row)
        rekeys(lab)
        must_be_in(row.mode, lab)
        traffic(lab, hosts, row)
        sa = next((s for n, s in b.status() if s.get("state") == "ESTABLISHED"), {})
        for child in sa.get("child-sas", {}).values():
            must_be_asked_for(row, child)
        capture.stop()
        inner = [] if row.mode == "transport" else [hosts]
        verdict = judge(capture.path, inner, [MARKER], has_ah=row.wire == "ah")
        if row.wire == "ah":
            kin.must_be_ah(verdict)
        elif row.ports:
            must_be_esp_but_for_ping(verdict)
        else:
            must_be_dark(verdict)
        other = {"esp": "esp-udp", "esp-udp": "esp", "ah": "esp"}.get(row.wire)
        if not verdict.kinds[row.wire] or (a.kind == "Keyway" and verdict.kinds[other]):
            raise LabError(f"expected {row.wire} on the wire: {dict(verdict.kinds)}")
        return f"{suite_of(sa)[1]}  {row.mode}  {verdict}"
    finally:
        try:
            b.terminate(ike="net")
        except (LabError, OSError, EOFError):
            pass
        capture.process.stop()


def must_be_esp_but_for_ping(verdict):
    """Nothing with the marker in it left in the clear, and the pings did."""
    bad = [leak for leak in verdict.leaks if "holds" in leak or not (" proto 1 " in leak or " proto 58 " in leak)]
    if len(verdict.esp_from) < 2 or bad:
        raise LabError(f"ESP from {sorted(verdict.esp_from)}, in the clear: {bad[:1]}")
    if len(verdict.leaks) < 6:
        raise LabError("ping, which the selectors do not name, did not leave in the clear")
