#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench --soak: is everything right under load? Two Keyway gateways and between them a relay of our own
(tests/soak/relay.c) that loses, repeats and reorders; TCP and UDP flows of random sizes, IPv4 and IPv6, both ways, of
which every byte is compared; new keys every few seconds, because of time, packets and bytes; ESP in UDP and as
protocol 50, AES-GCM and AES-CBC with HMAC-SHA-256, with and without extended sequence numbers, in turns.

    soak.py [--bytes N] [--quick] [--seed N] [--part NAME]... [--rates L,R,O,RL,OL] [--summary FILE]

Rates are in packets per million: lost, repeated, reordered inside the replay window, repeated beyond it, reordered
beyond it. What a failed part leaves (captures, logs, the relay's books) is in build/soak-logs/PART/.
"""
import argparse
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import soak_judge  # noqa: E402
import topology  # noqa: E402
from gateways import Keyway  # noqa: E402
from net import LabError, Net, end_on_signals, wait_for  # noqa: E402
from rows import must_ping, sides  # noqa: E402

REPO = os.path.dirname(os.path.dirname(HERE))
LOGS = os.path.join(REPO, "build", "soak-logs")
PORT = 7100
OFFLOADS = ("rx", "tx", "sg", "tso", "gso", "gro", "tx-udp-segmentation")
OUTER = (("ga", "w0"), ("wire", "wa"), ("wire", "wb"), ("gb", "w1"))

# The relay instead of the bridge. The empty bridge keeps the relay's namespace silent.
RELAYED = {**topology.PLAIN,
           "nodes": {**topology.PLAIN["nodes"], "wire": {"bridge": ()}}}


@dataclass(frozen=True)
class Part:
    name: str
    esp: str
    iv: int
    has_esn: bool
    is_udp: bool
    outer: int
    reason: str  # why children are rekeyed
    rekeys: int  # at least


GCM, CBC = ("aes128gcm16", 8), ("aes256-sha256", 16)


def part(suite, esn, is_udp, outer, reason):
    name = f"{'gcm' if suite is GCM else 'cbc'}-{esn}-{'udp' if is_udp else 'esp'}{outer}-{reason}"
    return Part(name, f"{suite[0]}-{esn}", suite[1], esn == "esn", is_udp, outer, reason, 1 if reason == "time" else 3)


PARTS = [
    part(GCM, "esn", True, 4, "time"), part(CBC, "noesn", False, 6, "packets"),
    part(GCM, "noesn", False, 4, "bytes"), part(CBC, "esn", True, 6, "packets"),
    part(GCM, "esn", False, 6, "packets"), part(CBC, "noesn", True, 4, "bytes"),
    part(GCM, "noesn", True, 6, "packets"), part(CBC, "esn", False, 4, "time"),
]
QUICK = PARTS[:4]


def size(text):
    units = {"k": 10**3, "M": 10**6, "G": 10**9}
    return int(float(text[:-1]) * units[text[-1]]) if text[-1] in units else int(text)


class Soak:
    """Namespaces, links and gateways of one part."""

    def __init__(self, args, part_, volume, work):
        self.args, self.part, self.volume, self.work = args, part_, volume, work
        self.net = Net(RELAYED, "soak")
        for node, device in OUTER:
            self.net[node].sh("ethtool", "-K", device, *[w for o in OFFLOADS for w in (o, "off")], check=False)
        self.must_have_no_offloads()
        self.gateways = [Keyway(self.net[g], os.path.join(work, g), f"gateway {g[1].upper()}", args.bin)
                         for g in ("ga", "gb")]
        for g in self.gateways:
            g.settings = {"retransmit_timeout": "0.5", "retransmit_base": "1.5", "retransmit_tries": "9"}
        self.pcaps = [os.path.join(work, x + ".pcap") for x in "ab"]
        self.relay = self.server = self.client = None
        self.links = self.link_drops()

    def must_have_no_offloads(self):
        for node, device in OUTER:
            text = self.net[node].sh("ethtool", "-k", device)
            for long in ("tcp-segmentation-offload", "generic-segmentation-offload", "generic-receive-offload",
                         "tx-checksumming", "tx-udp-segmentation"):
                if f"{long}: on" in text:
                    raise LabError(f"{device}: {long} stays on")

    def path(self, leaf):
        return os.path.join(self.work, leaf)

    def limits(self):
        """Far from the hard ones: a packet dropped there would be missing in the books."""
        child = {"rekey_time": "0", "life_time": "0", "replay_window": self.args.window}
        packets = max(3000, int(self.volume / 1100 / 8))
        if self.part.reason == "time":
            child |= {"rekey_time": "1s" if self.volume < 10**9 else "4s", "life_time": "1h", "rand_time": "0s"}
        elif self.part.reason == "packets":
            child |= {"rekey_packets": packets, "rand_packets": packets // 4, "life_packets": packets * 1000}
        else:
            child |= {"rekey_bytes": packets * 1100, "rand_bytes": packets * 300, "life_bytes": packets * 10**6}
        return child

    def configure(self):
        nets = tuple(f"{a},{b}" for a, b in zip(topology.NET[4], topology.NET[6]))
        extra = {"encap": self.part.is_udp, "dpd_delay": "5s", "over_time": "1h", "rand_time": "1s",
                 "rekey_time": "2s" if self.volume < 10**9 else "9s", "children": {"net": self.limits()}}
        loaded = sides(outer=self.part.outer, ike="aes128gcm16-prfsha256-x25519", esp=self.part.esp, nets=nets, extra=extra)
        for g, (tree, files) in zip(self.gateways, loaded):
            g.load(tree, files)

    def start(self):
        a = self.args
        self.relay = self.net["wire"].start(
            ["nice", "-n", "-10", a.tools + "/soak_relay", "-s", str(a.seed), "-r", a.rates, "-i", a.ike_rates,
             "-w", str(a.window), "-d", str(a.distance), "-l", str(a.late), "-a", self.pcaps[0], "-b", self.pcaps[1], "wa", "wb"],
            self.path("relay.json"))
        wait_for("the relay", lambda: self.running(self.relay) and "ready" in self.relay.text(), 10)
        self.configure()
        code, text = self.gateways[0].initiate("net")
        if code:
            raise LabError(f"no tunnel: {text[-500:]}")
        for family in (4, 6):
            must_ping(self.net["ca"], topology.CLIENT[family][1], seconds=20)
        tool, seed = a.tools + "/soak_traffic", ["-s", str(a.seed)]
        self.server = self.net["cb"].start([tool, *seed, "serve", str(PORT)], self.path("server.json"))
        wait_for("the receiver", lambda: "ready" in self.server.text(), 10)
        self.client = self.net["ca"].start(
            [tool, *seed, "-b", str(self.volume), "-t", str(a.tcp), "-u", str(a.udp), "-r", str(a.udp_rate),
             "run", str(PORT), topology.CLIENT[4][1], topology.CLIENT[6][1]], self.path("client.json"))

    def running(self, process):
        if not process.is_running():
            raise LabError(f"{process.argv[4:8]} ended: {process.text()[-800:]}")
        return True

    def wait(self, progress):
        """Until both ends are done. They stop by themselves when nothing moves."""
        last, ended = time.monotonic(), None
        while self.client.is_running() or self.server.is_running():
            for g in (*self.gateways,):
                if not g.is_running():
                    raise LabError(f"{g.name} ended: {g.log()[-800:]}")
            self.running(self.relay)
            if self.client.popen.poll() or self.server.popen.poll():  # unhappy: the other has a little time
                ended = ended or time.monotonic()
                if time.monotonic() - ended > 5:
                    break
            time.sleep(0.05)
            if time.monotonic() - last > progress:
                last = time.monotonic()
                self.print_progress()
        self.quiet()

    def print_progress(self):
        c = last_json(self.client.text())
        if c:
            done = c["tcp_sent"] + c["tcp_received"]
            print(f"     {self.part.name}: {done / 1e9:.2f} of {self.volume / 1e9:.2f} GB", flush=True)

    def quiet(self):
        """Nothing of the clients may follow; then the gateways' counters must come to rest."""
        for node, device in (("ca", "a0"), ("cb", "b0")):
            self.net[node].ip("link", "set", device, "down")
        seen = []

        def at_rest():
            time.sleep(0.25)  # the relay holds nothing longer than half a second
            seen.append([(g["packets_in"], g["packets_out"]) for g in map(self.plane, self.gateways)])
            return len(seen) > 3 and seen[-1] == seen[-2] == seen[-3]
        wait_for("the gateways' counters to come to rest", at_rest, 20)

    @staticmethod
    def plane(gateway):
        with gateway.vici() as v:
            status = v.request("keyway-status")
        d = status["dataplane"]
        return {"packets_in": int(d["packets-in"]), "packets_out": int(d["packets-out"]), "drops": d["drops"],
                "rekeyed_child": int(status["ike"]["rekeyed-child"]), "rekeyed_ike": int(status["ike"]["rekeyed-ike"])}

    def counters(self, i):
        g = self.gateways[i]
        out = self.plane(g)
        out["sas_out"] = {c["spi-out"]: int(c["packets-out"]) for c in g.children(None)
                          if int(c.get("spi-out", "0"), 16)}
        out["kernel_drops"] = self.kernel_drops(("ga", "gb")[i]) + self.link_drops()[i] - self.links[i]
        return out

    def link_drops(self):
        """Frames that the kernel lost between relay and gateway."""
        found = []
        for node, device in (("ga", "w0"), ("gb", "w1")):
            s = json.loads(self.net[node].sh("ip", "-j", "-s", "link", "show", device))[0]["stats64"]["rx"]
            found.append(s["dropped"] + s["errors"] + s["over_errors"])
        return found

    def kernel_drops(self, node):
        """Packets that the sockets of a gateway had no room for."""
        total = 0
        for leaf in ("udp", "udp6", "raw", "raw6"):
            rows = self.net[node].sh("cat", f"/proc/net/{leaf}").splitlines()[1:]
            total += sum(int(row.split()[-1]) for row in rows)
        return total

    def finish(self):
        """Counters first, then the books: the relay gives up what it still holds only at its end."""
        gateways = [self.counters(i) for i in (0, 1)]
        with open(f"/proc/{self.relay.pid}/stat") as f:
            self.relay_seconds = sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")
        status = self.relay.stop(seconds=20)
        books = last_json(self.relay.text())
        if status or not books or not books["last"]:
            raise LabError(f"the relay ended with {status}: {self.relay.text()[-600:]}")
        return gateways, books["directions"]

    def check(self):
        p = subprocess.run([self.args.tools + "/soak_check", str(self.part.iv), *self.pcaps], capture_output=True, text=True)
        with open(self.path("check.json"), "w") as f:
            f.write(p.stdout + p.stderr)
        if p.returncode:
            raise LabError(f"soak_check: {p.stderr[-500:]}")
        return json.loads(p.stdout)

    def close(self):
        for g in self.gateways:
            g.stop()
        self.net.close()


def last_json(text):
    lines = [line for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
    found = [json.loads(line) for line in lines[-1:]]
    return found[0] if found and "ready" not in found[0] else None


def must_end_well(soak):
    for g in soak.gateways:
        status, trouble = g.stop(), g.sanitizer_report()
        if trouble or status:
            raise LabError(f"{g.name} ended with {status}: {trouble[:600]}")


def run_part(args, p, volume, known):
    """[(ok, property, text)], and how often the IKE SA was rekeyed."""
    work = tempfile.mkdtemp(prefix="kwsoak")
    atexit.register(shutil.rmtree, work, ignore_errors=True)
    start, soak, ike_rekeys = time.monotonic(), None, 0
    try:
        soak = Soak(args, p, volume, work)
        soak.start()
        began = time.monotonic()
        soak.wait(args.progress)
        took = time.monotonic() - began
        ends = [last_json(x.text()) for x in (soak.client, soak.server)]
        if not all(e and e["last"] for e in ends):
            raise LabError(f"the traffic ended: {soak.client.text()[-700:]} {soak.server.text()[-700:]}")
        gateways, relay = soak.finish()
        with open(soak.path("gateways.json"), "w") as f:
            json.dump(gateways, f, indent=1)
        least = p.rekeys if volume >= 10**9 else 1  # a lost message may cost a second, which is half of a short part
        verdict = soak_judge.judge(p, ends, soak.check(), relay, gateways, known, args.reorder, least)
        must_end_well(soak)
        lines, ike_rekeys = verdict.lines, verdict.ike_rekeys
        verdict.print(p.name)
        bits = 8 * sum(e["tcp_received"] + e["udp_bytes"] for e in ends)
        frames = sum(d["frames"] for d in relay)
        print(f"     {p.name}: {bits / took / 1e6:.0f} Mbit/s of payload for {took:.1f} s, {soak.relay_seconds * 1e9 / frames:.0f} ns of "
              f"the relay for a frame; {time.monotonic() - start:.1f} s in all")
    except (LabError, OSError, EOFError, KeyError, subprocess.SubprocessError) as e:
        lines = [(False, "run", f"{type(e).__name__}: {e}")]
        print(f"FAIL {p.name}.run: {lines[0][2]}", flush=True)
    finally:
        if soak:
            soak.close()
    if not all(ok for ok, _, _ in lines):
        target = os.path.join(LOGS, p.name)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(work, target, ignore=lambda d, names: [x for x in names if not (
            os.path.isdir(os.path.join(d, x)) or os.path.isfile(os.path.join(d, x)))])
        print(f"     {p.name}: what it left is in {target}; again with --seed {args.seed} --part {p.name}", flush=True)
    shutil.rmtree(work, ignore_errors=True)
    return lines, ike_rekeys


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bytes", type=size, help="of TCP payload in all parts together (20G; with --quick 200M)")
    parser.add_argument("--quick", action="store_true", help="four parts, and 200 MB")
    parser.add_argument("--seed", type=lambda t: int(t, 0), help="of the relay and of the traffic (random)")
    parser.add_argument("--part", action="append", help="only parts whose name holds this")
    parser.add_argument("--rates", help="of ESP packets, per million (500,1000,1000,50,50; with --quick four times that)")
    parser.add_argument("--ike-rates", default="20000,20000,20000,0,0", help="of IKE messages, per million")
    parser.add_argument("--window", type=int, default=1024, help="replay window, in packets")
    parser.add_argument("--distance", type=int, default=256, help="packets by which others overtake one inside the window, at most")
    parser.add_argument("--late", type=int, default=2048, help="the same beyond the window, at least")
    parser.add_argument("--tcp", type=int, default=8, help="streams at the same time")
    parser.add_argument("--udp", type=int, default=4, help="UDP flows, each both ways")
    parser.add_argument("--udp-rate", type=int, default=2000, help="bytes per millisecond of each")
    parser.add_argument("--reorder", type=int, default=0, help="by how much a gateway may send numbers out of order")
    parser.add_argument("--bin", default=REPO + "/build/release/bin", help="folder of keywayd and keyway")
    parser.add_argument("--tools", default=REPO + "/build/release/bin", help="folder of soak_relay and its like")
    parser.add_argument("--progress", type=float, default=10, help="seconds between lines of progress")
    parser.add_argument("--summary", help="write the results as JSON, as the lab does")
    args = parser.parse_args()
    args.bytes = args.bytes or (200 * 10**6 if args.quick else 20 * 10**9)
    args.rates = args.rates or ("2000,4000,4000,200,200" if args.quick else "500,1000,1000,50,50")
    args.seed = int.from_bytes(os.urandom(4), "big") if args.seed is None else args.seed
    return args


def main():
    args = arguments()
    end_on_signals()
    parts = [p for p in (QUICK if args.quick else PARTS) if not args.part or any(x in p.name for x in args.part)]
    if not parts:
        sys.exit("soak: no such part")
    print(f"soak: {args.bytes / 1e9:g} GB in {len(parts)} parts, seed {args.seed}, rates {args.rates} of a million", flush=True)
    start, known, results, ike = time.monotonic(), set(), [], 0
    for p in parts:
        began = time.monotonic()
        lines, rekeys = run_part(args, p, args.bytes // len(parts), known)
        ike += rekeys
        if p is parts[-1]:  # one part may be over too soon
            lines.append((ike > 0, "ike-rekeys-of-all", f"the IKE SAs of {len(parts)} parts were rekeyed {ike} times"))
            print(f"{'ok  ' if ike else 'FAIL'} {p.name}.{lines[-1][1]}: {lines[-1][2]}")
        results += [{"name": f"{p.name}.{name}", "result": "ok" if ok else "FAIL", "text": text,
                     "seconds": round(time.monotonic() - began, 2)} for ok, name, text in lines]
    failed = sum(r["result"] != "ok" for r in results)
    passed = len(results) - failed
    print("soak: that no two SAs share a key cannot be seen from outside; the simulator holds it (tests/sim/node_records.c)")
    print(f"soak: {time.monotonic() - start:.0f} s, seed {args.seed}")
    print(f"{passed} passed, {failed} failed")
    if args.summary:
        with open(args.summary, "w") as f:
            json.dump({"passed": passed, "failed": failed, "results": results}, f, indent=1)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
