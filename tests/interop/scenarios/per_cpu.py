# SPDX-License-Identifier: Apache-2.0
"""SAs for each processor (RFC 9611), with strongSwan 6.1 at the other end: in QEMU with two processors, where the kernel
binds SAs to them (Linux 6.13, and what Debian 13 has), and in the User Mode Linux guest, whose kernel does not."""
import os
import re
import time

import peers
from scenarios import scenario
from scenarios.hybrid import newer_peer
from scenarios.kernel_plane import states
from scenarios.steps import CA, CB, capture, configure, dark, demand, must_ping, topology, wait_for

CPUS = (0, 1)
SMP = ("testing-smp",)  # Linux 7.2
OLDER = ("13-smp",)
PINGS = 25
STRAY = 2  # packets of others, in a count of one SA


def seen(lab, what):
    """`ip xfrm state` or `policy` of Keyway's end, with all that is to be known of it."""
    code, out, err = lab.net["ga"].run(*peers.fetch_testing_iproute(), "xfrm", what)
    demand(code == 0, f"ip xfrm {what}: {err}")
    return out


def wants(mode="yes", start_action="trap"):
    return {"connections": {"net": {"children": {"net": {"per_cpu_sas": mode, "start_action": start_action}}}}}


def by_cpu(gateway):
    """{CPU, or None for the one that serves all: [children]}, all of which have to be of several."""
    found = {}
    for c in gateway.children():
        demand(c.get("per-cpu-sas") == "yes", f"{gateway.kind} has a child that is not one of several: {c}")
        found.setdefault(int(c["cpu"]) if "cpu" in c else None, []).append(c)
    return found


def ping_from(lab, node, target, cpu, count=PINGS):
    """All of it is done by that processor: what is sent between namespaces is received where it was sent. Returns how many
    were answered."""
    _, out, err = lab.net[node].run("taskset", "-c", str(cpu), "ping", "-n", "-q", "-i", "0.02", "-c", str(count), "-W", "2", target)
    found = re.search(rf"{count} packets transmitted, (\d+) received", out)
    demand(found, f"pings by CPU {cpu} from {node}: {out[-300:]}{err[-200:]}")
    return int(found[1])


def counted(gateway, direction="out"):
    """{SPI: packets}, once the daemon has heard of all of them."""
    last = None
    while True:
        now = {c["spi-" + direction]: int(c["packets-" + direction]) for c in gateway.children()}
        if now == last:
            return now
        last = now
        time.sleep(1.2)  # how often the kernel's counters are looked at


def must_spread(lab, gateway, node, target):
    """What a processor sends goes through SAs of that processor and no other."""
    for cpu in CPUS:
        before = counted(gateway)
        answered = ping_from(lab, node, target, cpu)
        demand(answered == PINGS, f"{PINGS - answered} pings by CPU {cpu} were lost")
        after = counted(gateway)
        moved = {spi: after[spi] - before.get(spi, 0) for spi in after}
        own = {c["spi-out"] for c in by_cpu(gateway)[cpu]}
        mine, others = (sum(n for spi, n in moved.items() if (spi in own) == is_own) for is_own in (True, False))
        demand(mine >= PINGS and others <= STRAY,
               f"{gateway.kind}, CPU {cpu}: of {PINGS} packets {mine} went through its SAs {own}, {others} through others: {moved}")


def must_get_one_each(lab):
    """Each processor that sends gets an SA of its own at both ends, and Keyway loses nothing meanwhile. strongSwan does: its
    kernel holds back what a processor sends while an SA for it is made."""
    before = counted(lab.b, "in")
    for cpu in CPUS:
        ping_from(lab, "ca", CB, cpu)
    came = sum(counted(lab.b, "in").values()) - sum(before.values())
    demand(came == len(CPUS) * PINGS, f"of {len(CPUS) * PINGS} packets {came} came to the peer")
    for gateway in (lab.a, lab.b):
        wait_for(f"{gateway.kind} to have an SA for each processor", lambda g=gateway: set(by_cpu(g)) == {None, *CPUS}, 20, 0.2)
        demand(len(by_cpu(gateway)[None]) == 1, f"{gateway.kind} has several that serve all: {by_cpu(gateway)[None]}")


def must_be_in_kernel(lab):
    """Each SA of a processor says so, outbound; policies ask for others."""
    text = seen(lab, "state")
    for cpu in CPUS:
        count = len(by_cpu(lab.a)[cpu])
        demand(text.count(f"pcpu-num {cpu}") == count, f"not {count} SAs of CPU {cpu}: {text}")
    return text.count("pcpu-num")


def must_be_shown(lab, peer):
    """strongSwan's swanctl and ours say the same of Keyway's SAs, and charon's are told in the same words."""
    conf = os.path.join(peer.dir, "strongswan.conf")

    def children(node, command, socket):
        code, out, err = lab.net[node].run("sh", "-c", f"{command} --list-sas --uri unix://{socket}", env={"STRONGSWAN_CONF": conf})
        demand(code == 0, f"{command}: {err[-300:]}")
        return sorted(re.sub(r"#\d+", "#", line) for line in out.splitlines() if line.startswith("  net: #"))
    theirs, ours = (children("ga", c, lab.a.socket) for c in (peer.command("swanctl"), lab.a.bin + "/swanctl"))
    demand(theirs == ours, f"strongSwan's program shows {theirs}, ours {ours}")
    charons = children("gb", peer.command("swanctl"), peer.socket)
    words = [{re.search(r"reqid \d+(.*), INSTALLED", line)[1] for line in lines} for lines in (ours, charons)]
    demand(words[0] == words[1] == {", cpu -", *(f", cpu {n}" for n in CPUS)}, f"Keyway's are shown as {words[0]}, charon's as {words[1]}")
    return " ".join(sorted(words[0]))


def established(lab, role, mode="yes"):
    lab.a.settings = {"dataplane": "kernel"}
    capture(lab)
    configure(lab, extra={"encap": "yes" if mode == "encap" else "no"}, extra_a=wants(mode), extra_b=wants(mode))
    starter, target = ("ca", CB) if role == "initiator" else ("cb", CA)
    lab.net[starter].run("ping", "-n", "-q", "-c", "1", "-W", "3", target)  # springs the trap
    wait_for("the tunnel", lambda: lab.a.children() and lab.b.children(), 20, 0.1)
    began = lab.a.established()[0].get("initiator") == "yes"
    demand(began == (role == "initiator"), f"Keyway is {'the' if began else 'not the'} initiator")


def carries(lab, role):
    with newer_peer(lab, kernel=True) as peer:
        established(lab, role)
        must_get_one_each(lab)
        must_spread(lab, lab.a, "ca", CB)
        must_spread(lab, lab.b, "cb", CA)
        bound = must_be_in_kernel(lab)
        shown = must_be_shown(lab, peer)
        replaces(lab)
        lab.a.terminate("net")
        wait_for("no SA", lambda: not lab.b.children(), 10, 0.1)
        verdict = dark(lab)
        lab.a.stop()
        for what in ("state", "policy"):
            left = seen(lab, what)
            demand(not left.strip(), f"behind Keyway stayed {left[:600]}")
        return f"strongSwan {peer.version}; {bound} SAs of processors; swanctl shows {shown}; {verdict}"


def replaces(lab):
    """Rekeyed by either end, they stay with their processors, and none is added."""
    for gateway in (lab.a, lab.b):
        before = {g.kind: {cpu: len(v) for cpu, v in by_cpu(g).items()} for g in (lab.a, lab.b)}
        old = {c["spi-in"] for c in lab.a.children()}
        gateway.rekey(child="net")
        wait_for(f"all of them to be replaced by {gateway.kind}", lambda o=old: not o & {c["spi-in"] for c in lab.a.children()}, 40, 0.3)
        for g in (lab.a, lab.b):
            wait_for(f"{g.kind} to have as many as before",
                     lambda g=g, b=before: {cpu: len(v) for cpu, v in by_cpu(g).items()} == b[g.kind], 20, 0.3)
    must_spread(lab, lab.a, "ca", CB)


@scenario("qemu.per-cpu", kernels=SMP)
def as_initiator(lab):
    """Keyway begins; traps at both ends, and SAs that either end makes for its processors."""
    return carries(lab, "initiator")


@scenario("qemu.per-cpu-responder", kernels=SMP + OLDER)
def as_responder(lab):
    return carries(lab, "responder")


@scenario("qemu.per-cpu-encap", kernels=SMP)
def in_udp(lab):
    """ESP in UDP, each SA of a processor from a port of its own, both ways."""
    with newer_peer(lab, kernel=True) as peer:
        established(lab, "initiator", "encap")
        must_get_one_each(lab)
        must_spread(lab, lab.a, "ca", CB)
        text, verdict = seen(lab, "state"), dark(lab)
        ports = {line.split("sport")[1].split()[0] for line in text.splitlines() if "sport" in line}
        own = ports - {"4500", "0"}
        demand(len(own) == sum(len(v) for cpu, v in by_cpu(lab.a).items() if cpu is not None), f"ports {ports}: {text}")
        must_ping(lab.net["cb"], CA)
        return f"strongSwan {peer.version}; ports {', '.join(sorted(own))}; {verdict}"


@scenario("percpu.refused", needs_keyway=True, in_guest=True)
def refused(lab):
    """A kernel that forgets the processor: by name for who wants the kernel alone, and one SA for who leaves the choice."""
    lab.a.settings, lab.a.dataplane = {"dataplane": "kernel"}, None
    configure(lab, extra={"encap": "no"}, extra_a=wants(start_action="none"))
    code, text = lab.a.initiate("net")
    demand(code == 78 and "per_cpu_sas" in text and "Linux 6.13" in text and "swanctl.conf:" in text, f"exit {code}: {text}")
    lab.a.stop()
    lab.a.settings = {"dataplane": "auto"}
    capture(lab)
    configure(lab, extra={"encap": "no"}, extra_a=wants(start_action="none"))
    code, text = lab.a.initiate("net")
    demand(code == 0, f"exit {code}: {text}")
    must_ping(lab.net["ca"], CB)
    said = [line for line in lab.a.log().splitlines() if "one SA serves all processors, beside" in line]
    demand(len(said) == 1 and "Linux 6.13" in said[0], f"the log has {said}")
    demand(len(states(lab)) == 2, f"{states(lab)}")
    return f"{said[0].split('notice')[-1].strip()}; {dark(lab)}"
