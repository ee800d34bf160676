# SPDX-License-Identifier: Apache-2.0
"""`keyway xfrm` of the userspace data plane beside `ip xfrm` of the peer's kernel; and where Keyway's own packets are with the
kernel, what is shown in its place."""
import xfrm_text
from rows import PYTHON
from scenarios import scenario
from scenarios.steps import CB, bring_up, capture, configure, dark, demand, must_ping, topology, wait_for

# An ESP packet that no SA is for.
STRAY = ("import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 50); "
         "[s.sendto(bytes.fromhex('7fffff01000000') + bytes([n]) + bytes(64), (sys.argv[1], 0)) for n in range(1, 4)]")


def keyway_xfrm(lab, *argv):
    code, out, err = lab.a.cli(*argv[:-1], "xfrm", argv[-1])
    demand(code == 0, f"keyway xfrm {argv}: exit {code}: {out} {err}")
    return out, err


def the_same(what, mine, theirs, keys):
    for key in keys:
        demand(mine.get(key) == theirs.get(key), f"{what}: {key} is {mine.get(key)} here, {theirs.get(key)} in the peer's kernel")


def compare_states(lab):
    """SPI by SPI. What one end has sent the other has seen."""
    mine = {s["spi"]: s for s in xfrm_text.states(keyway_xfrm(lab, "-s", "state")[0])}
    theirs = {s["spi"]: s for s in xfrm_text.states(lab.net["gb"].ip("-s", "xfrm", "state"))}
    demand(set(mine) == set(theirs) and len(mine) == 2, f"SPIs {sorted(mine)} here, {sorted(theirs)} there")
    for spi, state in mine.items():
        the_same(spi, state, theirs[spi], ("src", "dst", "protocol", "mode", "encap", "encap_sport", "encap_dport", "auth", "auth_bits",
                                           "icv", "aead", "aead_bits", "aead_icv", "enc", "enc_bits", "packets", "bytes"))
        for flag in ("esn", "af-unspec"):
            demand((flag in state["flags"].split()) == (flag in theirs[spi]["flags"].split()), f"{spi}: {flag}: {state['flags']}")
        is_out = state["src"] == topology.A4
        sent, seen = (state["oseq"], theirs[spi]["seq"]) if is_out else (theirs[spi]["oseq"], state["seq"])
        demand(sent == seen > 0, f"{spi}: {sent} were sent, {seen} was seen")
    return mine


def compare_policies(lab):
    """One end's out is the other's in."""
    def shape(policy, mirror):
        ends = [policy["src"], policy["dst"], *policy["tmpl_src"], *policy["tmpl_dst"]]
        return ({"out": "in", "in": "out"}.get(policy["dir"], policy["dir"]) if mirror else policy["dir"], policy["mode"], *ends)
    mine = {shape(p, False) for p in xfrm_text.policies(keyway_xfrm(lab, "policy")[0]) if p["dir"] != "fwd"}
    theirs = {shape(p, True) for p in xfrm_text.policies(lab.net["gb"].ip("xfrm", "policy").split("src 0.0.0.0/0 dst 0.0.0.0/0")[0])
              if p["dir"] != "fwd"}
    demand(mine == theirs and len(mine) == 2, f"policies {sorted(mine)} here, {sorted(theirs)} there")


@scenario("xfrm.tables.user", needs_keyway=True, in_guest=True)
def tables(lab):
    """The same SAs at both ends, read by one parser; then packets that no SA is for, which are counted as the kernel counts."""
    capture(lab)
    configure(lab, esp="aes128-sha256-esn")
    bring_up(lab)
    must_ping(lab.net["ca"], CB, count=5)
    mine = compare_states(lab)
    text = lab.net["gb"].ip("xfrm", "state")
    keys = [w for w in text.split() if w.startswith("0x") and len(w) > 34]
    short = keyway_xfrm(lab, "state")[0]
    demand(keys and not any(k in short for k in keys), "a key is shown")
    demand(len(xfrm_text.states(short)) == 2, f"the short form: {short}")
    compare_policies(lab)
    before = xfrm_text.counters(keyway_xfrm(lab, "stat")[0])
    demand(list(before)[:28] == list(xfrm_text.counters(lab.net["gb"].run("cat", "/proc/net/xfrm_stat")[1]))[:28],
           f"the counters are {list(before)}")
    lab.net["gb"].run(PYTHON, "-c", STRAY, topology.A4)
    wait_for("the packets without an SA to be counted",
             lambda: xfrm_text.counters(keyway_xfrm(lab, "stat")[0])["XfrmInNoStates"] == before["XfrmInNoStates"] + 3, 5)
    return f"{len(mine)} SAs, {dark(lab)}"


@scenario("xfrm.tables.kernel", needs_keyway=True, in_guest=True)
def kernel(lab):
    """With dataplane = kernel: nothing in Keyway's own tables, which is said; what the kernel refused is in the status, with
    what it means."""
    lab.a.settings["dataplane"] = "kernel"
    try:
        capture(lab)
        configure(lab)
        bring_up(lab)
        must_ping(lab.net["ca"], CB)
        out, err = keyway_xfrm(lab, "state")
        demand(not out and "1 child is with the kernel" in err, f"keyway xfrm state: {out!r} {err!r}")
        demand(len(xfrm_text.states(lab.net["ga"].ip("xfrm", "state"))) == 2, "ip xfrm state")
        lab.net["gb"].run(PYTHON, "-c", STRAY, topology.A4)
        want = "XfrmInNoStates           3  an inbound packet named an SPI"
        wait_for("the status to tell of packets without an SA", lambda: want in lab.a.cli("status")[1], 5)
        return f"{dark(lab)}"
    finally:
        del lab.a.settings["dataplane"]
