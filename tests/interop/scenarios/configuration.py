# SPDX-License-Identifier: Apache-2.0
"""A bad configuration is refused whole, with file, line and column; what runs stays as it is. Malformed and replayed
packets change nothing."""
import json
import os
import re

from rows import HERE, PYTHON
from scenarios import scenario
from scenarios.steps import CB, Flood, capture, configure, demand, must_ping, short_form, spis, topology, up

CONFIG = 78
BAD = {
    "unknown-key": (short_form(more=["no_such_key = 1"]), 6, "no_such_key"),
    "unbalanced": (short_form() + "}\n", 6, ""),
    "bad-prefix": (short_form(nets=("10.1.0.0/24", "10.2.0.0/99")), 5, "10.2.0.0/99"),
    "bad-word": (short_form(more=["start = perhaps"]), 6, "perhaps"),
    "unknown-section": (short_form() + "tunel other {\n}\n", 6, "tunel"),
}


def _refused(lab, name):
    text, line, word = BAD[name]
    capture(lab)
    configure(lab, text=short_form())
    lab.a.wait_up()
    must_ping(lab.net["ca"], CB)
    before, flood = spis(lab.a), Flood(lab, count=150)
    lab.a.write(text=text)
    code, out, err = lab.a.cli("reload")
    demand(code == CONFIG, f"keyway reload: exit {code}, expected {CONFIG}: {out} {err}")
    at = re.search(r"keyway\.conf:(\d+):(\d+)", out + err)
    demand(at, f"no file:line:column: {out} {err}")
    demand(int(at[1]) == line, f"line {at[1]}, expected {line}: {out} {err}")
    demand(word in out + err, f"'{word}' is not named: {out} {err}")
    flood.must_lose_nothing()
    demand(spis(lab.a) == before, "the running tunnel was touched")
    code, out, err = lab.a.cli("config", "check")
    demand(code == CONFIG and re.search(r"keyway\.conf:\d+:\d+", out + err), f"keyway config check: exit {code}: {out} {err}")
    return (out + err).strip().splitlines()[0]


for _name in BAD:
    def _run(lab, name=_name):
        return _refused(lab, name)
    scenario(f"config.refused.{_name}", needs_keyway=True)(_run)


@scenario("config.reload-of-the-same-keeps-the-tunnel", needs_keyway=True)
def reload_same(lab):
    capture(lab)
    configure(lab, text=short_form())
    lab.a.wait_up()
    must_ping(lab.net["ca"], CB)
    before, flood = spis(lab.a), Flood(lab, count=150)
    code, out, err = lab.a.cli("reload")
    demand(code == 0, f"keyway reload: exit {code}: {out} {err}")
    text = flood.must_lose_nothing()
    demand(spis(lab.a) == before, "the tunnel was made anew")
    return text


@scenario("config.check-and-show", needs_keyway=True)
def check_and_show(lab):
    lab.a.write(text=short_form())
    code, out, err = lab.a.cli("config", "check")
    demand(code == 0, f"keyway config check: exit {code}: {out} {err}")
    code, out, err = lab.a.cli("config", "show")
    demand(code == 0 and topology.B4 in out and re.search(r"keyway\.conf:\d+", out), f"keyway config show: exit {code}: {out} {err}")
    demand("keyway lab shared secret" not in out, "keyway config show shows the secret")
    return "shown with its lines"


@scenario("cli.exit-codes", needs_keyway=True)
def exit_codes(lab):
    code = lab.a.cli("status")[0]
    demand(code == 3, f"keyway status without a daemon: exit {code}, expected 3")
    up(lab)
    for argv in (("rekey", "net"), ("down", "net"), ("up", "net")):
        code, out, err = lab.a.cli(*argv)
        demand(code == 0, f"keyway {' '.join(argv)}: exit {code}: {out} {err}")
    code = lab.a.cli("up", "no-such-connection")[0]
    demand(code == 4, f"keyway up of an unknown name: exit {code}, expected 4")
    code = lab.a.cli("no-such-command")[0]
    demand(code == 2, f"an unknown command: exit {code}, expected 2")
    code, out, _ = lab.a.cli("status", "--json")
    demand(code == 0 and out.lstrip()[:1] in "[{", f"keyway status --json: exit {code}: {out[:200]}")
    code, out, _ = lab.a.cli("status", "--algorithms", "--json")
    rows = json.loads(out)["algorithms"] if code == 0 else []
    demand(all(r.get("esp", r.get("ike")) for r in rows) and len(rows) > 60, f"keyway status --algorithms: exit {code}: {out[:200]}")
    return f"0, 2, 3, 4; {len(rows)} algorithms and key lengths"


@scenario("packets.malformed-and-replayed-change-nothing", needs_keyway=True)
def bad_packets(lab):
    """From the peer's own address: noise on both ports, cut and bent IKE, and every captured packet once more."""
    capture(lab)
    up(lab)
    Flood(lab, count=100).must_lose_nothing()
    before = (spis(lab.a), [sa["initiator-spi"] for sa in lab.a.established()])
    lab.capture.stop()
    replay = os.path.join(lab.work, "replay.pcap")
    os.rename(lab.capture.path, replay)
    capture(lab)
    flood = Flood(lab, count=300)
    code, out, err = lab.net["gb"].run(PYTHON, HERE + "/noise.py", replay, topology.B4, topology.A4, timeout=30)
    demand(code == 0, f"noise.py: {out} {err}")
    text = flood.must_lose_nothing()
    after = (spis(lab.a), [sa["initiator-spi"] for sa in lab.a.established()])
    demand(before == after, f"the SAs changed: {before} {after}")
    demand(lab.a.is_running(), "keywayd ended")
    with lab.a.vici() as v:
        status = v.request("keyway-status")
    counted = {**{k: int(v) for k, v in status["ike"].items() if k.startswith("dropped")},
               **{"esp " + k: int(v) for k, v in status["dataplane"]["drops"].items()}}
    for kind in ("dropped-malformed", "dropped-replayed", "esp replay", "esp bad ICV"):
        demand(counted.get(kind), f"{kind} was not counted: {counted}")
    leaks = [leak for leak in lab.capture.judge().leaks if "holds" in leak]  # the noise itself is no ESP
    demand(not leaks, f"plaintext: {leaks[:1]}")
    return f"{out.strip()}; counted {', '.join(f'{v} {k}' for k, v in counted.items() if v)}; {text}"


@scenario("config.refused.at-start", needs_keyway=True)
def refused_at_start(lab):
    lab.a.write(text=BAD["unknown-key"][0])
    code, out, err = lab.a.node.run(lab.a.bin + "/keywayd", "--foreground", *lab.a.where, timeout=20)
    demand(code == CONFIG, f"keywayd: exit {code}, expected {CONFIG}: {out} {err}")
    demand(re.search(r"keyway\.conf:6:3", out + err), f"no file:line:column: {out} {err}")
    return (out + err).strip().splitlines()[0]
