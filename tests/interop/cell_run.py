# SPDX-License-Identifier: Apache-2.0
"""Runs cells in the guest. Daemons stay up from cell to cell: peers one after the other, Keyway once for each data plane. What
a cell demands: the tunnel comes up; UDP and TCP pass both ways; the peer, its kernel and Keyway hold the SA with what was
asked for; Keyway's kernel has it exactly if that is Keyway's data plane; the wire showed ESP or AH from both ends, and
nothing that a stranger could read; and all of it goes away again.
"""
import json
import os
import shutil
import subprocess
import time

import cell_peers
import inside
import peers
import sight
import topology
from cell_peers import CHILD, CONNECTION, Credentials, connection, give_credentials
from certs import Certificates
from gateways import Keyway
from net import LabError, Net, wait_for
from pcap import classify, judge_frames
from transfer import MARKER

EXPECTED = (LabError, OSError, EOFError, KeyError, IndexError, StopIteration, subprocess.SubprocessError)
TROUBLE = 6  # failed cells in a row of one peer and plane: the rest fails without trying


class Places:
    """Addresses and networks of a cell: what each end has, and where the other one sees it."""

    def __init__(self, cell):
        self.mode, self.inner = cell.mode, cell.inner
        self.own = dict(zip("ab", topology.OUTER[cell.outer]))
        self.seen = dict(self.own)
        if cell.nat:
            hidden = "a" if cell.role == "initiator" else "b"
            self.own[hidden], self.seen[hidden] = topology.HIDDEN[hidden], topology.SHOWN[hidden]

    def ts(self, side):
        of = {"tunnel": topology.NET, "beet": topology.INSIDE}.get(self.mode)
        return of[self.inner]["ab".index(side)] if of else "dynamic"

    def ends(self, net):
        if self.mode == "tunnel":
            return inside.Ends(net["ca"], net["cb"], topology.CLIENT[self.inner])
        if self.mode == "beet":
            return inside.Ends(net["ga"], net["gb"], topology.INSIDE[self.inner])
        return inside.Ends(net["ga"], net["gb"], *(tuple(d[s] for s in "ab") for d in (self.own, self.seen)))

    def secret_pairs(self):
        if self.mode == "transport":
            return []
        return [topology.CLIENT[self.inner] if self.mode == "tunnel" else topology.INSIDE[self.inner]]


class Guest:
    """The network, Keyway, the peer of the moment, and where each one's log stood when the cell began."""

    def __init__(self, work, logs):
        self.work, self.logs = work, logs
        self.net = Net(topology.CELLS)
        topology.hide_both(self.net)
        for node, device in (("ga", "w0"), ("gb", "w1")):
            # What passes the tap is one packet each. Of many in one buffer, the kernel takes each away for itself, deciphers it
            # where it lies, and what the tap still holds is no longer what has passed.
            self.net[node].ip("link", "set", device, "gso_max_segs", "1")
        self.tap = inside.Tap(self.net[topology.WIRE[0]], topology.WIRE[1])
        self.credentials = Credentials(Certificates(os.path.join(work, "certs")))
        self.a = self.peer = self.plane = self.peer_name = None
        self.marks, self.frames = (0, 0), []

    def use_peer(self, name):
        if self.peer and self.peer_name == name and self.peer.gateway.is_running():
            return
        self.end_peer()
        self.peer_name, self.peer = name, cell_peers.make(name, self.net["gb"], os.path.join(self.work, name))
        self.peer.start(self.credentials)

    def use_plane(self, plane):
        if self.a and self.plane == plane and self.a.is_running():
            return
        self.end_keyway()
        self.plane, self.a = plane, Keyway(self.net["ga"], os.path.join(self.work, "keyway"), "gateway A")
        self.a.dataplane = plane
        self.a.write()
        self.a.start()
        give_credentials(self.a, self.credentials, "a")

    def end_peer(self):
        if self.peer:
            self.peer.gateway.stop(5)
            self.peer = None

    def end_keyway(self):
        """Raises when it does not end well."""
        a, self.a = self.a, None
        if a:
            status = a.stop()
            if status:
                raise LabError(f"keywayd ended with {status} when asked to stop")

    def kill(self):
        """After a failure: the next cell begins with daemons that know nothing of it."""
        for gateway in (self.a, self.peer and self.peer.gateway):
            if gateway:
                gateway.kill()
        if self.a:
            self.a.cleanup()
        self.a = self.peer = None
        for n in ("ga", "gb"):
            for what in ("state", "policy"):
                self.net[n].ip("xfrm", what, "flush", check=False)

    def xfrm(self, node):
        return self.net[node].ip("xfrm", "state")

    def close(self):
        self.end_peer()
        try:
            self.end_keyway()
        finally:
            self.tap.close()
            self.net.close()

    def keep(self, cell):
        """What a failed cell left, of this cell alone. Returns the folder."""
        folder = os.path.join(self.logs, cell.name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        texts = {"keyway.log": self.a.log_since(self.marks[0]) if self.a else "",
                 "peer.log": self.peer.gateway.log_since(self.marks[1]) if self.peer else ""}
        for n in ("ga", "gb"):
            for name, argv in (("state", ("-s", "xfrm", "state")), ("policy", ("xfrm", "policy")), ("addr", ("addr",)),
                               ("route", ("route", "show", "table", "all"))):
                texts[f"{n}.{name}"] = self.net[n].ip(*argv, check=False)
            texts[n + ".stat"] = self.net[n].sh("cat", "/proc/net/xfrm_stat", check=False)
        places = Places(cell)
        texts["connections.json"] = json.dumps({s: connection(cell, s, places, self.credentials) for s in "ab"}, indent=1,
                                               default=lambda b: b.decode(errors="replace"))
        if os.path.exists(f"{self.peer.gateway.dir}/cell.conf" if self.peer else ""):
            shutil.copy(f"{self.peer.gateway.dir}/cell.conf", folder)
        for name, text in texts.items():
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)
        inside.save(os.path.join(folder, "wire.pcap"), self.frames)
        return f"build/lab-logs/{cell.name}"


def bring_up(g, cell):
    who, begin = ("Keyway", lambda: _up(g.a)) if cell.role == "initiator" else (g.peer_name, g.peer.initiate)
    code, text = begin()
    if code:
        raise LabError(f"{who} could not bring it up (exit {code}): {text.strip()[-700:]}")
    wait_for("Keyway's child", g.a.children, 5)


def _up(keyway):
    with keyway.vici(15) as v:
        answer = v.request("initiate", {"ike": CONNECTION, "child": CHILD, "timeout": "10000"})
    return (0 if answer.get("success") == "yes" else 1), str(answer.get("errmsg", ""))


def wants(cell):
    return sight.asked(cell.suite, cell.protocol, cell.mode, cell.comp, cell.udp)


def look(g, cell):
    """The SA in the peer's status, in its kernel, in Keyway's status, and in Keyway's kernel or not there."""
    want = wants(cell)
    children = g.a.children()
    if len(children) != 1:
        raise LabError(f"Keyway has {len(children)} children")
    ours = children[0]
    spis = [int(ours[k], 16) for k in ("spi-in", "spi-out")]
    sight.must_agree("Keyway", want, sight.of_status(ours))
    status = g.peer.child()
    if status:
        sight.must_agree(g.peer_name, want, sight.of_status(status))
    sight.must_agree(f"{g.peer_name}'s kernel", want, sight.of_kernel(g.xfrm("gb"), spis))
    held = g.xfrm("ga")
    if cell.plane == "kernel":
        sight.must_agree("Keyway's kernel", want, sight.of_kernel(held, spis))
    elif "proto" in held:
        raise LabError(f"Keyway is on `user`, and its kernel holds states: {held[:300]}")


def number(g, kind):
    """Of Keyway's one IKE SA or its one child; None while there are two."""
    if kind == "ike":
        sas = g.a.established()
        return sas[0]["initiator-spi"] if len(sas) == 1 else None
    children = [c for _, sa in g.a.status() for c in sa.get("child-sas", {}).values()]
    return children[0]["spi-in"] if len(children) == 1 else None


def is_answer(kind, ip):
    """Has an IKE message the flag of a response [RFC7296#3.1]?"""
    return bool(ip.payload[19 + (4 if kind == "ike-natt" else 0)] & 0x20)


def sent_early(frames, peer):
    """How many packets of SAs that were new passed from the peer between a request of Keyway's and what Keyway said next: who
    answers may send at once [RFC7296#2.8], Libreswan does so before its answer has left, and Keyway's end has no SA for them until
    it has read the answer."""
    known, new, early, has_asked = set(), set(), 0, False
    for _, frame in frames:
        kind, ip = classify(frame)
        is_peers = str(ip.src) == peer
        if kind in ("ike", "ike-natt") and not is_peers:
            known, new, has_asked = known | new, set(), not is_answer(kind, ip)
        if kind in ("esp", "esp-udp") and is_peers:
            spi = ip.payload[:4]
            if spi not in known:
                new.add(spi)
                early += has_asked and bool(known)  # not of the first
    return early


def rekey_all(g, places):
    """Each kind by each end, under traffic. Returns how many datagrams passed each way, none lost but for those that the peer sent
    too early."""
    with inside.Flow(places.ends(g.net)) as flow:
        flow.more()
        for kind in ("child", "ike"):
            for who, begin in (("Keyway", lambda k: g.a.rekey(**{k: CONNECTION})), (g.peer_name, g.peer.rekey)):
                old = number(g, kind)
                begin(kind)
                wait_for(f"{who}'s rekey of the {kind}", lambda k=kind, o=old: number(g, k) not in (None, o), 15)
                flow.more()
        g.frames += g.tap.take()
        return flow.finish(sent_early(g.frames, places.own["b"]))


def must_be_dark(g, cell, places):
    """ESP or AH, as asked for, from both ends; and nothing else but IKE."""
    verdict = judge_frames(g.frames, places.secret_pairs(), [MARKER], has_ah=cell.protocol == "ah")
    kind = "ah" if cell.protocol == "ah" else "esp-udp" if cell.udp else "esp"
    strange = [k for k in ("ah", "esp", "esp-udp") if k != kind and verdict.kinds[k]]
    sources = verdict.ah_from if kind == "ah" else verdict.esp_from
    if len(sources) < 2 or strange:
        raise LabError(f"{kind} was seen from {sorted(sources) or 'nobody'}: {dict(verdict.kinds)}")
    if verdict.plaintext:
        raise LabError(f"{verdict.plaintext} packets of plaintext on the wire, first: {verdict.leaks[0]}")
    return verdict


def must_be_counted(g, amount):
    counted = g.peer.counted()
    if not any(i >= amount and o >= amount for i, o in counted):
        raise LabError(f"{g.peer_name}'s counters do not hold {amount} bytes each way: {counted}")


def take_away(g):
    """Down and unloaded at both ends, and nothing left in either kernel."""
    with g.a.vici() as v:
        v.request("terminate", {"ike": CONNECTION, "timeout": "5000"})
        v.request("unload-conn", {"name": CONNECTION})
    g.peer.unload()
    wait_for("both ends to have no SA", lambda: not g.a.status() and g.peer.is_idle(), 10)
    wait_for("both kernels to hold no state", lambda: not any("proto" in g.xfrm(n) for n in ("ga", "gb")), 5)


def run_cell(g, cell):
    """Raises when anything is not so. Returns what was seen."""
    places = Places(cell)
    g.tap.take()
    g.frames, g.marks = [], (0, 0)
    g.use_peer(cell.peer)
    g.use_plane(cell.plane)
    g.marks = (g.a.log_mark(), g.peer.gateway.log_mark())
    g.peer.load(cell, places)
    with g.a.vici() as v:
        answer = v.request("load-conn", connection(cell, "a", places, g.credentials))
        if answer.get("success") != "yes":
            raise LabError(f"Keyway did not take the connection: {answer.get('errmsg')}")
    try:
        bring_up(g, cell)
        said = f", {rekey_all(g, places)} datagrams each way through four rekeys" if cell.rekeys else ""
        amount = places.ends(g.net).exchange()
        look(g, cell)
        # compressed, it counts what is left of it
        must_be_counted(g, amount // 2 if cell.comp else amount)
    finally:
        g.frames += g.tap.take()
    verdict = must_be_dark(g, cell, places)
    take_away(g)
    return f"{cell.suite}{' ipcomp' if cell.comp else ''}, {verdict}{said}"


def run_cells(cells, console, work, logs):
    """console.add() is called for each cell as it ends."""
    g, broken, last = Guest(work, logs), 0, None
    try:
        for cell in cells:
            if last != (cell.peer, cell.plane):
                broken, last = 0, (cell.peer, cell.plane)
            broken = run_one(g, cell, console, broken)
    finally:
        try:
            g.close()
        except LabError as e:
            print(f"cells: {e}", flush=True)


def run_one(g, cell, console, broken):
    start = time.monotonic()
    if broken >= TROUBLE:
        console.add(cell.name, "FAIL", 0, f"not tried after {TROUBLE} failures in a row")
        return broken
    try:
        text = run_cell(g, cell)
        console.add(cell.name, "ok", time.monotonic() - start, text)
        return 0
    except peers.NotToBeHad as e:
        console.add(cell.name, "not run", time.monotonic() - start, str(e)[-300:])
        return 0
    except EXPECTED as e:
        line = " | ".join(str(e).strip().splitlines()[-4:]) or type(e).__name__
        console.add(cell.name, "FAIL", time.monotonic() - start, f"{line} [{g.keep(cell)}]")
        g.kill()
        return broken + 1
