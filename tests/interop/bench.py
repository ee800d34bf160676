#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench: one TCP stream through a tunnel, Keyway at both ends and strongSwan (userspace ESP) at both ends, in
turns on the same machine in one run; prints medians, CPU seconds per gigabyte, and the ratio.

    bench.py [--rounds N] [--seconds S] [--esp PROPOSAL]...
"""
import argparse
import os
import statistics
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import peers  # noqa: E402
import topology  # noqa: E402
from gateways import Keyway, StrongSwan  # noqa: E402
from net import LabError, Net, end_on_signals, wait_for  # noqa: E402
from rows import PYTHON, must_ping, sides  # noqa: E402
from transfer import PORT  # noqa: E402

# Without the bridge of the lab: the gateways are the only thing between the clients.
DIRECT = {**topology.PLAIN,
          "nodes": {n: a for n, a in topology.PLAIN["nodes"].items() if n != "wire"},
          "links": topology.PLAIN["links"][:2] + [(("ga", "w0", [topology.A4 + "/24", topology.A6 + "/64"]),
                                                   ("gb", "w1", [topology.B4 + "/24", topology.B6 + "/64"]))]}
TICKS = os.sysconf("SC_CLK_TCK")


def cpu(gateways):
    total = 0
    for g in gateways:
        with open(f"/proc/{g.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


class Pair:
    """Two gateways of one kind in a network of their own."""

    def __init__(self, kind, work):
        self.kind, self.net = kind, Net(DIRECT, kind[0].lower())
        make = {"Keyway": lambda n, d: Keyway(n, d, d, peers.REPO + "/build/release/bin"),
                "strongSwan": lambda n, d: StrongSwan(n, d, d)}[kind]
        self.gateways = [make(self.net[n], os.path.join(work, kind + n)) for n in ("ga", "gb")]
        out = os.path.join(work, kind + ".server")
        server = self.net["cb"].start([PYTHON, HERE + "/transfer.py", "serve", str(PORT)], out)
        wait_for("the receiver", lambda: "ready" in server.text(), 10)
        for g in self.gateways:
            g.start()

    def configure(self, esp):
        ike = "aes128gcm16-prfsha256-x25519"
        loaded = sides(ike=ike, esp=esp, extra={"encap": "yes"})  # strongSwan's userspace ESP has no other form
        for g, (tree, files) in zip(reversed(self.gateways), reversed(loaded)):
            g.load(tree, files)
        code, text = self.gateways[0].initiate("net")
        if code:
            raise LabError(f"{self.kind}: {text}")
        must_ping(self.net["ca"], topology.CLIENT[4][1])

    def measure(self, seconds):
        before = cpu(self.gateways)
        code, out, err = self.net["ca"].run(PYTHON, HERE + "/transfer.py", "rate", topology.CLIENT[4][1], str(PORT),
                                            str(seconds), timeout=seconds + 30)
        if code:
            raise LabError(f"{self.kind}: {out} {err}")
        rate = float(out)
        gigabytes = rate * 1e6 / 8 * seconds / 1e9
        return rate, (cpu(self.gateways) - before) / gigabytes

    def close(self):
        for g in self.gateways:
            g.stop()
        self.net.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--esp", action="append")
    args = parser.parse_args()
    end_on_signals()
    peers.fetch_strongswan()
    with tempfile.TemporaryDirectory(prefix="kwlab") as work:
        pairs = [Pair(kind, work) for kind in ("Keyway", "strongSwan")]
        try:
            print(f"one TCP stream, {args.rounds} x {args.seconds} s in turns, {os.cpu_count()} cores")
            for esp in args.esp or ["aes128gcm16", "aes256gcm16", "chacha20poly1305", "aes256-sha256"]:
                found = {p.kind: [] for p in pairs}
                for p in pairs:
                    p.configure(esp)
                for _ in range(args.rounds):
                    for p in pairs:
                        found[p.kind].append(p.measure(args.seconds))
                line = []
                median = {k: [statistics.median(column) for column in zip(*v)] for k, v in found.items()}
                for kind, (rate, cost) in median.items():
                    line.append(f"{kind} {rate:5.0f} Mbit/s ({cost:4.1f} CPU s/GB)")
                ratio = median["Keyway"][0] / median["strongSwan"][0]
                print(f"{esp:18} {'   '.join(line)}   ratio {ratio:.2f}", flush=True)
        finally:
            for p in pairs:
                p.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
