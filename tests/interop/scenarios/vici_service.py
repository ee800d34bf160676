# SPDX-License-Identifier: Apache-2.0
"""The vici service of the running daemon: settings alone, its sockets, clients that are slow, rude or many, strongSwan's library."""
import json
import os
import re
import struct
import threading

import peers
from gateways import merged, render
from rows import HERE, PYTHON
from scenarios import scenario
from scenarios.steps import bring_up, configure, demand, sides, spis, topology, wait_for


def _settings(lab, tree):
    with open(lab.a.etc + "/strongswan.conf", "w") as f:
        f.write(render({"charon": tree}) + "\n")


def _shown(lab):
    """What is in force, each line with single blanks."""
    with lab.a.vici() as v:
        text = "".join(v.request("keyway-config-show")["text"])
    return re.sub(" +", " ", text)


@scenario("vici.reload-settings", needs_keyway=True)
def reload_settings(lab):
    """Settings change, connections of the files do not; what clients loaded over them stays."""
    (tree, files), (tree_b, files_b) = sides(certs=lab.certs)
    lab.b.load(tree_b, files_b)
    try:
        _settings(lab, {"retransmit_tries": "3"})
        lab.a.load(tree, files)
        bring_up(lab)
        before = spis(lab.a)
        with lab.a.vici() as v:
            loaded = v.request("load-conn", {"net2": {"remote_addrs": ["10.9.0.77"], "local": {"auth": "psk"},
                                                      "remote": {"auth": "psk"}, "children": {"x": {}}}})
            demand(loaded.get("success") == "yes", f"load-conn: {loaded}")
            for attempt, tries in enumerate(("7", "8")):
                _settings(lab, {"retransmit_tries": tries})
                lab.a.write(merged(tree, {"connections": {"net": {"rekey_time": "1000"}, "more": tree["connections"]["net"]}}), files)
                answer = v.request("reload-settings")
                demand(answer == {"success": "yes"}, f"reload-settings: {answer}")
                shown = _shown(lab)
                demand(f"retransmit_tries {tries} " in shown, f"the setting is not in force: {shown[:600]}")
                demand(v.request("get-conns")["conns"] == ["net", "net2"], f"{attempt}: connections have changed")
            demand("rekey_time 1000s" not in shown and spis(lab.a) == before, "the tunnel has changed")
            _settings(lab, {"retransmit_tries": "many"})
            answer = v.request("reload-settings")
            demand(answer["success"] == "no" and "retransmit_tries" in str(answer), f"bad settings: {answer}")
            demand("retransmit_tries 8 " in _shown(lab), "bad settings are in force")
        code, out, err = lab.a.cli("reload")
        with lab.a.vici() as v:
            demand(code, f"keyway reload took bad settings: {out}{err}")
            _settings(lab, {})
            demand(lab.a.cli("reload")[0] == 0 and "more" in v.request("get-conns")["conns"], "keyway reload reads all")
    finally:
        os.unlink(lab.a.etc + "/strongswan.conf")


# ---- where it listens

@scenario("vici.tcp", needs_keyway=True)
def tcp(lab):
    """strongswan.conf's socket, by TCP and by a path, with several clients at once; beyond loopback a line warns."""
    (tree, files), _ = sides(certs=lab.certs)
    where = {"tcp://127.0.0.1:4502": "tcp://127.0.0.1:4502", "tcp://[::1]:4503": "tcp://[::1]:4503", "tcp://0.0.0.0:4504": "tcp://127.0.0.1:4504",
             "unix://" + lab.a.dir + "/other.vici": "unix://" + lab.a.dir + "/other.vici"}
    try:
        for socket, uri in where.items():
            lab.a.stop()
            lab.fresh_logs()
            _settings(lab, {"plugins": {"vici": {"socket": socket}}})
            lab.a.write(tree, files)
            lab.a.start()
            program, at = lab.b.command("swanctl"), f"--uri {uri}"
            both = f"({program} --list-conns {at}) & ({program} --stats {at}); wait"
            code, out, err = lab.a.node.run("sh", "-c", both, env={"STRONGSWAN_CONF": os.path.join(lab.b.dir, "strongswan.conf")})
            demand(code == 0 and "net: IKEv2" in out and "uptime:" in out, f"{uri}: exit {code}: {out[-300:]} {err[-300:]}")
            demand(lab.a.cli("status")[0] == 0, "the daemon's own socket is gone")
            warned = "it has no authentication" in lab.a.log()
            demand(warned == ("0.0.0.0" in socket), f"{socket}: {'warned' if warned else 'no warning'}")
    finally:
        os.unlink(lab.a.etc + "/strongswan.conf")


# ---- clients that do not read

@scenario("vici.slow-reader", needs_keyway=True)
def slow_reader(lab):
    """A flood of events: who reads gets all of them, who does not read loses what comes beyond a bound, and goes on then."""
    lab.a.load(sides(certs=lab.certs)[0][0])
    times = 5000  # commands that make a line or more each
    good, slow, busy = lab.a.vici(), lab.a.vici(), lab.a.vici()
    for v in (good, slow):
        v._send(3, "child-updown")
        v._receive()
    heard = []

    def count():
        try:
            while True:
                heard.append(good._receive())
        except (EOFError, OSError):
            return
    reader = threading.Thread(target=count, daemon=True)
    name = "n" * 200
    for v in (good, slow):
        v._send(3, "log")
        v._receive()
    reader.start()
    answer = busy.request("load-conn", {name: {"version": "2", "remote_addrs": ["10.9.0.77"], "local": {"auth": "psk"}, "remote": {"auth": "psk"},
                                               "children": {"x": {}}}})
    demand(answer.get("success") == "yes", f"load-conn: {answer}")
    for _ in range(times):
        busy.request("initiate", {"ike": name, "timeout": "-1"})
        busy.request("terminate", {"ike": name, "force": "yes", "timeout": "-1"})
    demand(busy.request("version")["daemon"] == "keywayd", "another client is not served")
    wait_for("the one that reads to have heard all", lambda: len(heard) >= times, 20)
    told = sum("loses those that come now" in line for line in lab.a.log().splitlines())
    demand(told == 1, f"the loss is told of {told} times")
    got = 0
    slow.socket.settimeout(1)
    try:
        while True:
            slow._receive()
            got += 1
    except TimeoutError:
        pass
    demand(0 < got < len(heard) / 2, f"who did not read has {got} of {len(heard)} events")
    busy.request("initiate", {"ike": name, "timeout": "-1"})
    slow.socket.settimeout(10)
    demand(slow._receive()[0] == 7, "who reads again hears nothing")
    for v in (good, slow, busy):
        v.socket.close()
    return f"{len(heard)} events, {got} for who did not read"


@scenario("vici.clients", needs_keyway=True)
def too_many(lab):
    """At most 64 at once; half a request is bounded; what is too large ends its client alone."""
    lab.a.load(sides(certs=lab.certs)[0][0])
    many = [lab.a.vici() for _ in range(64)]
    try:
        lab.a.vici()
        raise AssertionError("a 65th client is served")
    except (EOFError, OSError):
        pass
    many.pop().socket.close()
    wait_for("room for another one", lambda: _may_come(lab), 5)
    for size, payload in ((512 * 1024 + 1, b""), (0xFFFFFFFF, b""), (4, b"\5abc")):
        rude = many.pop()
        rude.socket.sendall(struct.pack("!I", size) + payload)
        demand(rude.socket.recv(1) == b"", f"a packet of {size} bytes is taken")
    for half in many[1:]:
        half.socket.sendall(struct.pack("!I", 512 * 1024) + b"\0" * 300000)
    demand(many[0].request("version")["daemon"] == "keywayd", "another client is not served")
    for v in many:
        v.socket.close()
    return f"{len(many) - 1} halves of requests"


def _may_come(lab):
    try:
        lab.a.vici().socket.close()
        return True
    except (EOFError, OSError):
        return False


# ---- the binding that Debian has

@scenario("vici.libvici", needs_keyway=True)
def libvici(lab):
    """strongSwan's C library drives Keyway: commands, lists, streams, events, errors."""
    configure(lab)
    program = os.path.join(HERE, "libvici.py")
    mount = lab.b.command("true").split(" && exec ")[0]
    library = os.path.join(peers.PLUGIN_DIR, "libvici.so.0")
    script = f"{mount} && LD_LIBRARY_PATH={peers.PLUGIN_DIR} exec {PYTHON} {program} {library} unix://{lab.a.socket}"
    code, out, err = lab.a.node.run("sh", "-c", script, env={"STRONGSWAN_CONF": os.path.join(lab.b.dir, "strongswan.conf")})
    demand(code == 0, f"libvici.py: exit {code}: {err[-500:]}")
    got = json.loads(out)
    expected = {
        "version": {"daemon": "keywayd", "sysname": "Linux"}, "unknown": None, "loaded": {"success": "yes", "errmsg": None},
        "up": {"success": "yes", "errmsg": None}, "none": {"success": "no", "errmsg": "CHILD_SA config 'none' not found"}, "sas": {},
        "counters": {"success": "yes", "counters.net.ike-init-out-req": "1"}, "down": {"success": "yes", "matches": "1"}}
    for key, value in expected.items():
        demand(got[key] == value, f"{key}: {got[key]} and not {value}")
    events = got["events"]
    demand(["no-such-event", "refused"] in events and any(n == "control-log" and e["group"] == "IKE" for n, e in events), f"events: {events}")
    ups = [e for n, e in events if n == "child-updown"]
    demand([e["up"] for e in ups] == ["yes", None] and ups[0]["net.child-sas.net-1.state"] == "INSTALLED", f"up and down: {ups}")
    listed = [e for n, e in events if n == "list-sa"]
    demand([(e["net.state"], e["net.remote-host"], e["net.child-sas.net-1.name"]) for e in listed] == [("ESTABLISHED", topology.B4, "net")], f"list: {listed}")
    return f"{len(events)} events"
