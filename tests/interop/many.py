#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many tunnels between two Keyways: an IKE SA and a child for each, with identities, a secret and a pair of /32s of
its own. What other tests need is addresses(), config(), route_clients(), wait_up() and check().

    many.py [N]    brings up N tunnels (default 10000), pings through the first, the middle and
                                          the last one, and prints times, memory and how long `keyway status` takes

Measured with build/release; KEYWAY_BIN names another build."""
import argparse
import ipaddress
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import topology  # noqa: E402
from gateways import Keyway  # noqa: E402
from net import LabError, Net, end_on_signals, wait_for  # noqa: E402
from rows import ping  # noqa: E402

FIRST = (int(ipaddress.ip_address("10.64.0.0")), int(ipaddress.ip_address("10.128.0.0")))
NETS = ("10.64.0.0/10", "10.128.0.0/10")  # what lies behind client A and client B
TICKS = os.sysconf("SC_CLK_TCK")

# The gateways wire to wire, without the bridge of the lab.
DIRECT = {**topology.PLAIN,
          "nodes": {n: a for n, a in topology.PLAIN["nodes"].items() if n != "wire"},
          "links": topology.PLAIN["links"][:2] + [(("ga", "w0", [topology.A4 + "/24", topology.A6 + "/64"]),
                                                   ("gb", "w1", [topology.B4 + "/24", topology.B6 + "/64"]))]}


def addresses(i):
    """The two hosts that tunnel i connects: one at client A, one at client B."""
    return tuple(str(ipaddress.ip_address(first + i)) for first in FIRST)


def config(side, n, starts=None, more=(), settings=None):
    """keyway.conf of gateway A (side 0, which starts the tunnels) or B (side 1): tunnels t0 to t<n-1>. more: further
    lines for every tunnel; settings: of the global section."""
    starts = side == 0 if starts is None else starts
    lines = ["keyway {", *(f"  {k} = {v}" for k, v in (settings or {}).items()), "}"]
    for i in range(n):
        inner = addresses(i)
        lines += [f"tunnel t{i} {{", f"  peer = {topology.OUTER[4][1 - side]}", f"  address = {topology.OUTER[4][side]}",
                  f"  id = {'ab'[side]}{i}.many.test", f"  peer_id = {'ba'[side]}{i}.many.test",
                  f"  psk = secret of tunnel {i}", f"  local = {inner[side]}/32", f"  remote = {inner[1 - side]}/32",
                  f"  start = {'yes' if starts else 'no'}", *(f"  {line}" for line in more), "}"]
    return "\n".join(lines) + "\n"


def route_clients(net):
    """Each client answers for every address behind its gateway."""
    for client, gateway, inside, via in (("ca", "ga", NETS[0], topology.CLIENT[4][0]),
                                         ("cb", "gb", NETS[1], topology.CLIENT[4][1])):
        net[client].ip("route", "add", "local", inside, "dev", "lo")
        net[gateway].ip("route", "add", inside, "via", via)


def unroute_clients(net):
    for client, gateway, inside in (("ca", "ga", NETS[0]), ("cb", "gb", NETS[1])):
        net[client].ip("route", "del", "local", inside, "dev", "lo", check=False)
        net[gateway].ip("route", "del", inside, check=False)


def count(gateway):
    """(IKE SAs, child SAs) that are up."""
    with gateway.vici() as v:
        ike = v.request("keyway-status")["ike"]
    return int(ike["ike-sas"]), int(ike["child-sas"])


def wait_up(gateways, n, seconds):
    """Until each has n IKE SAs and n children. Returns how long that took."""
    start = time.monotonic()
    for g in gateways:
        wait_for(f"{g.name} to have {n} tunnels", lambda g=g: g.is_running() and count(g) == (n, n), seconds, 0.2)
    return time.monotonic() - start


def check(net, i):
    """Traffic through tunnel i, both ways."""
    a, b = addresses(i)
    code, out = ping(net["ca"], b, count=2, interval="0.02", source=a)
    if code:
        raise LabError(f"no answer through tunnel {i} ({a} to {b}): {out.strip()[-300:]}")


def memory(gateway):
    """Resident bytes."""
    with open(f"/proc/{gateway.process.pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu(gateway):
    with open(f"/proc/{gateway.process.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def timed(function, *args):
    start = time.monotonic()
    value = function(*args)
    return time.monotonic() - start, value


def measure(net, gateways, n, seconds):
    a, b = gateways
    loads, before = [], []
    for side, g in ((1, b), (0, a)):
        g.write(text=config(side, 0))
        g.start()
        before.append(memory(g))
        g.stop()
        g.write(text=config(side, n))
        check_time, (code, out, err) = timed(g.cli, "config", "check")
        if code:
            raise LabError(f"keyway config check: {out} {err}")
        loads.append(check_time)
    for g in (b, a):
        start_time, _ = timed(g.start)
        print(f"{g.name}: {n} tunnels read in {loads.pop(0):.2f} s; control socket open after {start_time:.2f} s", flush=True)
    took = wait_up(gateways, n, seconds)
    print(f"all {n} up {took:.1f} s later: {n / took:.0f} in a second")
    for g, empty in zip((b, a), before):
        print(f"{g.name}: {cpu(g):.1f} s of CPU ({1000 * cpu(g) / n:.2f} ms for each), {memory(g) / 1e6:.0f} MB, "
              f"{(memory(g) - empty) / n / 1024:.1f} KiB for each")
    for i in sorted({0, n // 2, n - 1}):
        check(net, i)
    print("traffic passes through the first, the middle and the last")
    for g in gateways:
        status_time, (code, out, err) = timed(g.cli, "status")
        if code or out.count("\n") < n:
            raise LabError(f"keyway status: exit {code}: {(out + err)[:300]}")
        one_time, _ = timed(g.cli, "status", f"t{n - 1}")
        print(f"{g.name}: keyway status takes {status_time:.2f} s, of one tunnel {one_time:.2f} s")
    idle = [cpu(g) for g in gateways]
    time.sleep(10)
    print(f"idle for 10 s: {', '.join(f'{g.name} {cpu(g) - was:.2f} s of CPU' for g, was in zip(gateways, idle))}")
    reload_time, (code, out, err) = timed(a.cli, "reload")
    print(f"keyway reload takes {reload_time:.2f} s (exit {code})")
    stop_time, status = timed(a.stop, 60)
    print(f"{a.name} stopped in {stop_time:.2f} s (exit {status})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", nargs="?", type=int, default=10000)
    parser.add_argument("--seconds", type=float, default=300, help="to wait for all of them")
    parser.add_argument("--keep", action="store_true", help="keep the folder with configuration and logs")
    args = parser.parse_args()
    end_on_signals()
    net, bindir = Net(DIRECT, "many"), os.environ.get("KEYWAY_BIN", os.path.join(HERE, "../../build/release/bin"))
    work = tempfile.mkdtemp(prefix="kwmany")
    gateways = [Keyway(net[n], os.path.join(work, n), f"gateway {n[1].upper()}", bindir) for n in ("ga", "gb")]
    try:
        route_clients(net)
        measure(net, gateways, args.n, args.seconds)
    finally:
        for g in gateways:
            g.kill()
        net.close()
        if args.keep:
            print(work)
        else:
            shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
