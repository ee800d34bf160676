# SPDX-License-Identifier: Apache-2.0
"""The measurements of ./dev bench: each takes a peer that is up and returns one sample, a dict of numbers.

Goodput and packets are what the receiver counted; CPU is what each gateway's daemon used meanwhile, by
/proc/PID/stat. A peer that is dead or carries nothing makes a LabError, which becomes the row's text.
"""
import contextlib
import re
import statistics
import time

from bench_peers import BIN, FAR, PORT, TICKS
from net import LabError

LOSSLESS = 0.001  # what a rate may lose and still count as lossless
BEHIND = 0.02  # seconds of traffic that may still be in queues when the sender ends: a queue that grows is no rate
WARM_UP = 0.5  # seconds of TCP that are not counted: slow start
PINGS = 200
# Offered rates in thousands of packets a second: a fifth apart.
RUNGS = (5, 6, 7.2, 8.6, 10, 12, 15, 18, 22, 27, 33, 40, 48, 58, 70, 84, 100, 120, 145, 175, 210, 250, 300, 360, 430, 520, 620,
         750, 900, 1080, 1300)
UNLIMITED = 0


def alive(peer):
    if not peer.is_alive():
        raise LabError("a daemon of it has ended")


class Span:
    """What the gateways and the machine did from here on."""

    def __init__(self, peer):
        self.peer, self.cpu, self.machine = peer, peer.cpu(), busy()

    def per(self, units):
        """Fields of a sample: CPU seconds of each gateway for each of those units, what share of them was the kernel's,
        and what share of all cores was busy."""
        used = [(u1 - u0, s1 - s0) for (u0, s0), (u1, s1) in zip(self.cpu, self.peer.cpu())]
        total, idle = (y - x for x, y in zip(self.machine, busy()))
        return {"cpu": [(u + s) / units for u, s in used], "kernel": [s / (u + s) if u + s else 0 for u, s in used],
                "busy": 1 - idle / max(total, 1)}


def busy():
    """Clock ticks of all cores, and those in which one was idle."""
    with open("/proc/stat") as f:
        ticks = [int(x) for x in f.readline().split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def settle(peer, i, seconds=2.0):
    """Waits until nothing more arrives of what is still on its way. Returns the count."""
    end, last = time.monotonic() + seconds, -1
    while (now := peer.counted(i)) != last and time.monotonic() < end:
        last = now
        time.sleep(0.05)
    return now


@contextlib.contextmanager
def streams(peer, count, seconds, path=FAR, congestion="cubic"):
    """TCP streams through the peer, past their slow start; ended with the block."""
    settle(peer, 0)
    sender = peer.net["ca"].start([BIN + "/traffic", "tcp", path, str(PORT), str(count), str(seconds + 60), congestion],
                                  peer.dir + "/sender")
    try:
        time.sleep(WARM_UP)
        if not sender.is_running():
            raise LabError(f"the sender ended: {sender.text()[-200:].strip()}")
        yield
    finally:
        sender.stop()
        peer.net.processes.remove(sender)


def tcp(peer, count, seconds, path=FAR, congestion="cubic"):
    """Mbit/s of goodput, and CPU seconds per gigabyte of each gateway."""
    with streams(peer, count, seconds, path, congestion):
        before, start, span = peer.counted(0), time.monotonic(), Span(peer)
        time.sleep(seconds)
        alive(peer)
        gigabytes, took = (peer.counted(0) - before) / 1e9, time.monotonic() - start
        if gigabytes <= 0:
            raise LabError("nothing arrived")
        return {"rate": gigabytes * 8e3 / took, **span.per(gigabytes)}


def rung(peer, size, rate, seconds):
    """One offered rate (thousands a second, or UNLIMITED); once more when the sender itself was held up."""
    r = offer(peer, size, rate, seconds)
    return offer(peer, size, rate, seconds) if rate != UNLIMITED and r["took"] > 1.5 * seconds else r


def offer(peer, size, rate, seconds):
    """What was sent and received."""
    before, late, span = settle(peer, 1), peer.counted(2), Span(peer)
    code, out, err = peer.net["ca"].run(BIN + "/traffic", "udp", FAR, str(PORT), str(size), str(rate * 1000), str(seconds),
                                        peer.counter_file, timeout=seconds + 30)
    if code:
        raise LabError(f"the sender failed: {err.strip()[-200:]}")
    sent, took, arrived = int(out.split()[0]), float(out.split()[1]), int(out.split()[2])
    received = settle(peer, 1) - before
    alive(peer)
    return {"offered": rate, "took": took, "sent": sent / took / 1e3, "received": arrived / took / 1e3,
            "loss": 1 - received / max(sent, 1), "behind": (received - arrived) / max(sent, 1) * took,
            "reordered": peer.counted(2) - late, **span.per(max(received, 1) / 1e6)}


def is_lossless(r):
    return r["loss"] <= LOSSLESS and r["behind"] <= BEHIND


def is_sender_bound(r):
    return r["offered"] != UNLIMITED and r["sent"] < 0.93 * r["offered"]


def climb(run, first, stride=1):
    """The rungs from number `first` down to one without loss, then up until it is plain that no more comes through:
    `stride` at once until the first loss, and the ones that it passed over then."""
    done = [run(RUNGS[first])]
    i = first
    while not is_lossless(done[-1]) and i > 0 and len(done) < 8:
        i -= 1
        done.append(run(RUNGS[i]))
    misses, i = 0, first
    while i + 1 < len(RUNGS) and misses < 2:
        passed, i = i, min(i + stride, len(RUNGS) - 1)
        best = max(r["received"] for r in done)
        done.append(run(RUNGS[i]))
        if is_lossless(done[-1]) and not is_sender_bound(done[-1]):
            misses = 0
            continue
        if done[-1]["received"] < 1.03 * best:
            misses += 1
        done += [run(rate) for rate in RUNGS[passed + 1 : i]]
        stride = 1
    return done


def udp(peer, size, seconds, hint=None):
    """The ladder of offered rates. hint: the sample of an earlier round, to begin near its result. Rates in
    thousands of packets a second, CPU in microseconds per packet that arrived."""
    top = rung(peer, size, UNLIMITED, seconds)
    if top["received"] <= 0:
        raise LabError("nothing arrived")
    near = hint["lossless"] if hint and hint["lossless"] else 0.6 * top["received"]
    first = max([i for i, r in enumerate(RUNGS) if r <= 0.95 * near] or [0])
    done = climb(lambda rate: rung(peer, size, rate, seconds), first, 1 if hint else 2) + [top]
    best = max(done, key=lambda r: r["received"])
    lossless = max(filter(is_lossless, done), key=lambda r: r["received"], default=None)
    shown = lossless or best
    return {
        "best": best["received"], "lossless": lossless["received"] if lossless else 0,
        "is_sender_bound": not any(not is_lossless(r) and r["sent"] > shown["sent"] for r in done),
        "reordered": sum(r["reordered"] for r in done), "rungs": done, **{f: shown[f] for f in ("cpu", "kernel", "busy")},
    }


def pings(peer, count=PINGS):
    """Median and 99th percentile of round trips, in microseconds."""
    code, out, err = peer.net["ca"].run("ping", "-n", "-c", str(count), "-i", "0.01", "-W", "1", FAR, timeout=count * 0.1 + 20)
    times = sorted(float(t) * 1e3 for t in re.findall(r"time=([\d.]+) ms", out))
    if len(times) < count / 2:
        raise LabError(f"{len(times)} of {count} pings were answered {err.strip()[-100:]}")
    return {"median": statistics.median(times), "p99": times[min(len(times) - 1, int(len(times) * 0.99))], "lost": count - len(times)}


def ping_idle(peer, count=PINGS):
    time.sleep(0.2)
    return pings(peer, count)


def ping_loaded(peer, count=PINGS):
    with streams(peer, 1, count * 0.01):
        return pings(peer, count)


def idle(peers, seconds):
    """Clock ticks that each gateway of each peer uses in that time, all of them idle together: {key: [A, B]}."""
    time.sleep(1)
    before = {p.key: p.cpu() for p in peers}
    time.sleep(seconds)
    for p in peers:
        alive(p)
    return {p.key: [round((sum(y) - sum(x)) * TICKS) for x, y in zip(before[p.key], p.cpu())] for p in peers}
