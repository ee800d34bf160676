# SPDX-License-Identifier: Apache-2.0
"""No plaintext whatever happens to Keyway, and routes that do what a selector of everything needs."""
import os

import pcap
from capture import Capture
from scenarios import scenario
from scenarios.steps import (CA, CB, Flood, bring_up, capture, configure, demand, must_ping, must_transfer, ping,
                             short_form, until_reply, up, wait_for)
from topology import A4, CLIENT


def _no_leak(lab):
    verdict = lab.capture.judge()
    demand(verdict.esp, f"no ESP was seen: nothing is proven ({dict(verdict.kinds)})")
    demand(not verdict.plaintext, f"{verdict.plaintext} packets of plaintext: {verdict.leaks[:1]}")
    return verdict


def _keyway_traces(lab):
    """Rules and routes that are Keyway's: what is there beyond what the topology made."""
    node = lab.net["ga"]
    return sorted(set("\n".join(node.sh("ip", f, *what, check=False) for f in ("-4", "-6") for what in
                                (("rule",), ("route", "show", "table", "all"))).splitlines()) - lab.untouched)


def remember(lab):
    lab.untouched = set()
    lab.untouched = set(_keyway_traces(lab))


@scenario("barrier.kill-9-leaves-no-plaintext", needs_keyway=True)
def kill_9(lab):
    remember(lab)
    capture(lab)
    configure(lab, text=short_form())
    lab.a.wait_up()
    must_ping(lab.net["ca"], CB)
    flood = Flood(lab, count=300, patience=2)
    flood.wait("answered")
    lab.a.kill()
    sent, received = flood.finish()
    demand(0 < received < sent, f"{received} of {sent} pings answered: the kill came outside the traffic")
    code, text = ping(lab.net["ca"], CB, count=3, seconds=2)
    demand(code, "pings are answered without a daemon")
    # The kernel limits how often it says so.
    demand(", 0 errors" not in flood.text or "nreachable" in text, f"no unreachable route answers: {flood.text[-200:]} {text[-200:]}")
    left = _keyway_traces(lab)
    demand(left, "the barrier is gone: no rule or route of Keyway stayed")
    verdict = _no_leak(lab)
    code, out, err = lab.a.cleanup()
    demand(code == 0, f"keywayd --cleanup: exit {code}: {out} {err}")
    demand(not _keyway_traces(lab), f"keywayd --cleanup left {_keyway_traces(lab)}")
    return f"{verdict}; {len(left)} traces stayed and were cleaned up"


@scenario("barrier.tunnel-down-leaves-no-plaintext", needs_keyway=True)
def tunnel_down(lab):
    remember(lab)
    capture(lab)
    up(lab)
    lab.a.terminate(ike="net")
    demand(ping(lab.net["ca"], CB, count=3, seconds=2)[0], "pings are answered without a tunnel")
    verdict = _no_leak(lab)
    lab.a.stop()
    demand(not _keyway_traces(lab), f"an orderly end left {_keyway_traces(lab)}")
    return str(verdict)


@scenario("barrier.failed-rekey-leaves-no-plaintext", needs_keyway=True)
def failed_rekey(lab):
    """The peer dies, the rekey gets no answer, the hard lifetime ends the child while traffic wants through."""
    capture(lab)
    child = {"rekey_time": "1s", "life_time": "3s", "rand_time": "0s"}
    up(lab, extra_a={"connections": {"net": {"children": {"net": child}}}})
    lab.b.kill()
    flood = Flood(lab, count=500, patience=2)
    flood.finish()
    demand(not lab.a.children(), "the child outlived its life_time of 3 s")
    return str(_no_leak(lab))


@scenario("barrier.never-up-leaves-no-plaintext", needs_keyway=True)
def never_up(lab):
    """Loaded and not yet up: protected selectors are dark from the first moment."""
    capture(lab)
    lab.b.stop()
    lab.a.load(text=short_form())
    demand(ping(lab.net["ca"], CB, count=3, seconds=2)[0], "pings are answered without a tunnel")
    verdict = lab.capture.judge()
    demand(not verdict.plaintext, f"plaintext: {verdict.leaks[:1]}")
    demand(verdict.kinds["ike"], "Keyway did not even try")
    return f"{verdict}, {verdict.kinds['ike']} IKE"


@scenario("barrier.unrelated-traffic-passes", needs_keyway=True)
def unrelated(lab):
    """What no selector covers goes its way in the clear, as before: from the gateway and from behind it."""
    lab.net["gb"].ip("addr", "add", "10.77.0.1/32", "dev", "lo", check=False)
    lab.net["ca"].ip("addr", "add", "10.88.0.2/32", "dev", "a0", check=False)
    lab.net["ga"].ip("route", "replace", "10.88.0.2", "via", CA)
    lab.net["gb"].ip("route", "replace", "10.88.0.2", "via", A4)
    up(lab)
    must_ping(lab.net["ga"], "10.77.0.1", source=A4)
    must_ping(lab.net["ca"], "10.77.0.1", source="10.88.0.2")
    return "10.77.0.1 answers outside the tunnel"


def ike_rekey(lab):
    old = {sa["initiator-spi"] for sa in lab.a.established()}

    def is_new():
        return [sa["state"] for _, sa in lab.a.status()] == ["ESTABLISHED"] and not old & {sa["initiator-spi"] for sa in lab.a.established()}
    lab.a.rekey(ike="net")
    wait_for("a new IKE SA and no old one", is_new, 15)


@scenario("route.remote-selector-of-everything", needs_keyway=True)
def everything(lab):
    """0.0.0.0/0 behind the peer: all of client A's traffic is inside, the peer's own address is not."""
    lab.net["gb"].ip("addr", "add", "10.77.0.1/32", "dev", "lo", check=False)
    capture(lab)
    up(lab, extra_a={"connections": {"net": {"children": {"net": {"remote_ts": "0.0.0.0/0"}}}}},
       extra_b={"connections": {"net": {"children": {"net": {"local_ts": "0.0.0.0/0"}}}}})
    must_ping(lab.net["ca"], "10.77.0.1")
    must_ping(lab.net["cb"], CA)
    ike_rekey(lab)  # the IKE SA still reaches the peer
    must_ping(lab.net["ca"], CB)
    return str(_no_leak(lab))


@scenario("route.remote-selector-of-everything.ipv6", needs_keyway=True)
def everything6(lab):
    """::/0 behind the peer, over IPv6."""
    lab.net["gb"].ip("addr", "add", "fd77::1/128", "dev", "lo", check=False)
    capture(lab)
    configure(lab, inner=6, outer=6,
              extra_a={"connections": {"net": {"children": {"net": {"remote_ts": "::/0"}}}}},
              extra_b={"connections": {"net": {"children": {"net": {"local_ts": "::/0"}}}}})
    bring_up(lab)
    must_ping(lab.net["ca"], "fd77::1")
    ike_rekey(lab)
    must_ping(lab.net["ca"], CLIENT[6][1])
    return str(_no_leak(lab))


@scenario("route.gateway-itself-uses-the-tunnel", needs_keyway=True)
def gateway_itself(lab):
    """Source address inside the local selector, so that the gateway's own packets match."""
    capture(lab)
    up(lab)
    must_ping(lab.net["ga"], CB)
    return str(_no_leak(lab))


@scenario("path.too-big-is-told", needs_keyway=True)
def too_big(lab):
    """A packet that does not fit with DF set is answered with the size that does; one without DF passes."""
    capture(lab)
    up(lab)
    node = lab.net["ca"]
    node.ip("route", "flush", "cache", check=False)
    _, out, err = node.run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", "-w", "4", "-M", "do", "-s", "1472", CB)
    demand("mtu" in (out + err).lower(), f"nobody told client A the path's MTU: {(out + err)[-300:]}")
    node.ip("route", "flush", "cache", check=False)
    code, out, err = node.run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", "-w", "5", "-M", "dont", "-s", "4000", CB)
    demand(code == 0, f"a fragmented ping does not pass: {(out + err)[-300:]}")
    return str(_no_leak(lab))


def _syn_mss(path):
    """The maximum segment sizes that TCP's first packets announce."""
    found = []
    for _, frame in pcap.packets(path):
        ip = pcap.Ip(frame)
        if ip.proto != 6 or len(ip.payload) < 20 or not ip.payload[13] & 2:
            continue
        options, at = ip.payload[20 : (ip.payload[12] >> 4) * 4], 0
        while at + 1 < len(options) and options[at]:
            if options[at] == 2:
                found.append(int.from_bytes(options[at + 2 : at + 4], "big"))
            at += 1 if options[at] == 1 else max(options[at + 1], 2)
    return found


@scenario("path.mss-is-clamped", needs_keyway=True)
def mss_is_clamped(lab):
    """TCP learns at its first packet what fits, IPv4 and IPv6."""
    told = []
    for family, limit in ((4, 1420), (6, 1400)):
        lab.reset()
        up_family(lab, family)
        inside = Capture(lab.net["cb"], "b0", os.path.join(lab.work, "inside.pcap")).ready()
        must_transfer(lab.net["ca"], CLIENT[family][1], 100_000)
        inside.stop()
        sizes = _syn_mss(inside.path)
        demand(sizes and sizes[0] <= limit, f"IPv{family}: the first packet announces {sizes}, more than {limit}")
        told.append(f"IPv{family}: {sizes[0]}")
    return ", ".join(told)


def up_family(lab, family):
    configure(lab, inner=family)
    bring_up(lab)
    must_ping(lab.net["ca"], CLIENT[family][1])


@scenario("restart.keyway-stopped-and-started", needs_keyway=True)
def stopped_and_started(lab):
    capture(lab)
    configure(lab, text=short_form())
    lab.a.wait_up()
    must_ping(lab.net["ca"], CB)
    lab.a.stop()
    lab.a.start()
    took = until_reply(lab, 30)
    return f"traffic {took:.1f} s after; {_no_leak(lab)}"
