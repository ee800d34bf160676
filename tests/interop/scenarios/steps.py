# SPDX-License-Identifier: Apache-2.0
"""Steps that scenarios share."""
import itertools
import os
import re
import subprocess
import time

import topology
from capture import Capture
from net import LabError, wait_for
from rows import HERE, PYTHON, must_be_dark, must_ping, must_transfer, ping, short_form, sides

CA, CB = topology.CLIENT[4]


def demand(condition, text):
    if not condition:
        raise LabError(text)


def capture(lab):
    """Starts a capture of the wire; lab.reset() ends it."""
    node, device = topology.WIRE
    lab.capture = Capture(lab.net[node], device, os.path.join(lab.work, "outer.pcap"))
    return lab.capture.ready()


def configure(lab, text=None, **kw):
    """Loads both ends: the peer first, so that Keyway's first packet finds it ready. text: Keyway's keyway.conf
    instead of the swanctl form."""
    (tree_a, files_a), (tree_b, files_b) = sides(certs=lab.certs, **kw)
    lab.b.load(tree_b, files_b)
    if lab.a.kind == "Keyway":
        lab.a.load(None if text else tree_a, files_a, text)
    else:
        if not lab.a.is_running():
            lab.a.start()
        lab.a.load(tree_a, files_a)


def up(lab, role="initiator", name="net", **kw):
    """A working tunnel, brought up by the side that plays this role."""
    configure(lab, name=name, **kw)
    bring_up(lab, role, name)
    must_ping(lab.net["ca"], CB)


def bring_up(lab, role="initiator", name="net"):
    starter = lab.a if role == "initiator" else lab.b
    code, text = starter.initiate(name)
    demand(code == 0, f"{starter.kind} could not bring the tunnel up (exit {code}): {text.strip()[-600:]}")


def dark(lab):
    verdict = lab.capture.judge()
    must_be_dark(verdict)
    return verdict


class Flood:
    """Bounded pings from client A to client B while something happens; none may be lost. goes_on: at least so many, and
    more until finish()."""

    numbers = itertools.count()

    def __init__(self, lab, count=400, interval="0.01", node="ca", target=CB, goes_on=False, patience=10):
        self.count, self.goes_on = count, goes_on
        argv = [PYTHON, HERE + "/flood.py", target, str(count), interval, str(patience), *(["until-told"] if goes_on else [])]
        out = os.path.join(lab.work, f"flood-{next(self.numbers)}.log")
        self.process = lab.net[node].start(argv, out, stdin=subprocess.PIPE)
        self.wait("begun")

    def wait(self, word):
        def is_said():
            demand(self.process.is_running() or word in self.process.text(), f"the pings ended: {self.process.text()[-300:]}")
            return word in self.process.text()
        wait_for(f"the pings to say '{word}'", is_said, 30)

    def finish(self):
        """(sent, received)"""
        self.process.popen.stdin.close()
        self.process.wait(90)
        self.text = out = self.process.text()
        m = re.search(r"(\d+) packets transmitted, (\d+) received", out)
        demand(m, f"ping gave no count: {out[-300:]}")
        sent, received = int(m[1]), int(m[2])
        demand(sent == self.count or (self.goes_on and sent > self.count), f"{sent} pings were sent, not {self.count}")
        return sent, received

    def must_lose_nothing(self):
        sent, received = self.finish()
        demand(received == sent, f"{sent - received} of {sent} pings lost: {self.text.strip()[-200:]}")
        return f"{received} of {sent} pings"


def PSK_OF(ids):
    """The secret of two gateways that are known by name."""
    return {"secrets": {"ike-lab": {"id-a": ids["a"], "id-b": ids["b"]}}}


def one_child(gateway):
    children = gateway.children()
    demand(len(children) == 1, f"{gateway.kind} has {len(children)} children installed, expected one")
    return children[0]


def spis(gateway):
    return {c["spi-in"] for c in gateway.children()}


def stays(what, predicate, seconds, most):
    """Waits until predicate() has been true for seconds without a break, for at most `most` seconds in all."""
    since = None

    def has_stayed():
        nonlocal since
        now = time.monotonic()
        since = (since or now) if predicate() else None
        return since and now - since >= seconds
    wait_for(f"{what}, {seconds} s long", has_stayed, most, 0.1)


def until_reply(lab, seconds, node="ca", target=CB):
    """Pings until one is answered; how many seconds that took."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if ping(lab.net[node], target, count=1, seconds=1)[0] == 0:
            return time.monotonic() - start
        time.sleep(0.2)
    raise LabError(f"no traffic {seconds} s after")


__all__ = ["CA", "CB", "PSK_OF", "Flood", "LabError", "bring_up", "capture", "configure", "dark", "demand", "must_ping",
           "must_transfer", "one_child", "ping", "short_form", "sides", "spis", "stays", "topology", "until_reply", "up", "wait_for"]
