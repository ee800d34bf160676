# SPDX-License-Identifier: Apache-2.0
"""What must be true after a part of the soak: one line for each property, with its numbers.

The arguments are what independent parties say: both ends of the traffic, the relay's books, the reader of the
captures (tests/soak/check.c), the gateways' own counters, and the kernel's.
"""

# Reasons for drops as Keyway names them (src/esp/esp.c). A sound run has no other of packets that were received.
REPLAY, BAD_ICV = "replay", "bad ICV"
BUSY = "inbound worker busy"  # a worker had no room for what another one received
# On the way out, or behind the SA; and full queues: of sockets the kernel itself tells more, of packet rings only Keyway.
ELSEWHERE = ("no policy", "policy says discard", "no SA", "too big", "sequence numbers exhausted", "outbound worker busy",
             "not sent", "TUN refused", "TUN queue full", "receive queue full")
FRAME_MAX = 1514


class Verdict:
    def __init__(self):
        self.lines, self.ike_rekeys = [], 0

    def holds(self, name, ok, text):
        self.lines.append((bool(ok), name, text))

    def print(self, part):
        for ok, name, text in self.lines:
            print(f"{'ok  ' if ok else 'FAIL'} {part}.{name}: {text}", flush=True)


def n(value):
    return f"{value:,}"


def drops(gateway, name):
    return int(gateway["drops"].get(name, 0))


def judge_payload(v, ends):
    a, b = ends
    tcp = a["tcp_received"] + b["tcp_received"]
    equal = a["tcp_sent"] == b["tcp_received"] and b["tcp_sent"] == a["tcp_received"]
    bad = sum(e["tcp_wrong"] + e["tcp_incomplete"] for e in ends)
    v.holds("payload-tcp", equal and not bad and tcp,
            f"{n(tcp)} bytes in {a['tcp_flows']} streams are those that were sent, {bad} streams are not")
    received, sent = (sum(e[k] for e in ends) for k in ("udp_received", "udp_sent"))
    bad = sum(e["udp_wrong"] for e in ends)
    v.holds("payload-udp", not bad and received * 2 > sent,
            f"{n(received)} of {n(sent)} datagrams came, {bad} of them not as they were sent")
    twice = sum(e["udp_twice"] for e in ends)
    v.holds("delivered-once", not twice, f"{twice} of {n(received)} datagrams were delivered twice")


def judge_capture(v, captures, relay, is_udp):
    lost = sum(d["ring_drops"] for d in relay)
    partial = sum(d["partial_checksums"] for d in relay)
    largest = max(c["largest"] for c in captures)
    frames = [c["frames"] for c in captures]
    v.holds("capture-whole", frames == [d["frames"] for d in relay] and not lost and not partial and largest <= FRAME_MAX,
            f"{n(sum(frames))} frames of at most {largest} bytes, {lost} lost by the relay's rings, "
            f"{partial} with checksums left to do")
    other = sum(c["kinds"]["other"] for c in captures)
    wrong_form = sum(c["in_udp"] if not is_udp else c["kinds"]["esp"] - c["in_udp"] for c in captures)
    sources = [c["sources"] for c in captures]
    v.holds("only-esp", not other and not wrong_form and sources == [1, 1],
            f"{other} frames that are neither ESP nor IKE nor the link's own, {wrong_form} ESP packets not "
            f"{'in UDP' if is_udp else 'of protocol 50'}")


def judge_numbers(v, captures, reorder):
    sas = [s for c in captures for s in c["sas"].values()]
    packets = sum(s["packets"] for s in sas)
    total = {k: sum(s[k] for s in sas) for k in ("iv_twice", "seq_twice", "missing", "behind", "cut")}
    v.holds("iv-once", packets and not total["iv_twice"] and not total["cut"],
            f"{total['iv_twice']} (SPI, IV) pairs were seen twice in {n(packets)} packets of {len(sas)} SAs")
    v.holds("number-once", not total["seq_twice"], f"{total['seq_twice']} (SPI, sequence number) pairs were seen twice")
    started = sum(s["first"] == 1 for s in sas)
    furthest = max((s["furthest"] for s in sas), default=0)
    v.holds("numbers-rise", started == len(sas) and not total["missing"] and furthest <= reorder,
            f"{started} of {len(sas)} SAs begin with 1, {total['missing']} numbers missing, {total['behind']} behind a "
            f"higher one, by {furthest} at most (allowed: {reorder})")


def judge_spis(v, captures, known):
    fresh = [(i, spi) for i, c in enumerate(captures) for spi in c["sas"]]
    again = [f"{spi} of gateway {'AB'[i]}" for i, spi in fresh if (i, spi) in known]
    known.update(fresh)
    v.holds("spi-once", not again, f"{len(fresh)} SPIs, of which an earlier part used {', '.join(again) or 'none'}")


def judge_counters(v, captures, gateways):
    """What the gateways say that they sent is what came out of them; and for each SA that is still there."""
    seen = [c["kinds"]["esp"] for c in captures]
    said = [g["packets_out"] for g in gateways]
    v.holds("capture-is-counter", seen == said,
            "; ".join(f"gateway {x}: {n(s)} packets captured, {n(t)} counted" for x, s, t in zip("AB", seen, said)))
    rows = [(spi, c["sas"].get(spi, {"packets": 0})["packets"], count)
            for c, g in zip(captures, gateways) for spi, count in g["sas_out"].items()]
    wrong = [f"{spi}: {s} captured, {t} counted" for spi, s, t in rows if s != t]
    v.holds("sa-is-counter", rows and not wrong, "; ".join(wrong) or f"so it is for each of the {len(rows)} SAs alive at the end")


def judge_window(v, relay, gateways, has_esn):
    """Each direction: a packet that the relay sent on is accepted once, or dropped for a reason that the relay knows.

    With extended sequence numbers a packet from behind the window counts as one of the next 2^32 (RFC 4303 appendix
    A2.2), so that it is its ICV that fails."""
    for name, d, g in (("a-to-b", relay[0], gateways[1]), ("b-to-a", relay[1], gateways[0])):
        replay, bad_icv, busy = (drops(g, x) for x in (REPLAY, BAD_ICV, BUSY))
        others = {k: int(v_) for k, v_ in g["drops"].items() if k not in (REPLAY, BAD_ICV, BUSY, *ELSEWHERE)}
        other, lost = sum(others.values()), max(g["kernel_drops"], drops(g, "receive queue full"))
        rest = d["sent_on"] - g["packets_in"] - replay - bad_icv - other - lost - busy
        v.holds(f"accounted-{name}", rest == 0 and other == 0,
                f"{n(d['sent_on'])} sent on = {n(g['packets_in'])} accepted + {n(replay)} replays + {n(bad_icv)} bad ICVs + "
                f"{others or 'no'} other drops + {n(lost)} of full queues + {n(busy)} of busy workers + {n(rest)} unexplained")
        lost += busy
        short = [d["accepted"] - g["packets_in"], d["seen"] + (0 if has_esn else d["behind"]) - replay,
                 (d["behind"] if has_esn else 0) - bad_icv]
        v.holds(f"accepted-once-{name}", min(short) >= 0 and sum(short) == lost and d["seen"] and d["behind"],
                f"{n(d['unique'])} unique = {n(d['accepted'])} to accept + {d['unique'] - d['accepted']} too late; copies "
                f"to refuse: {n(d['seen'])} inside the window, {n(d['behind'])} behind it (with {n(d['fates']['lost'])} "
                f"lost, {n(d['fates']['reordered'] + d['fates']['reordered_late'])} reordered)")


def judge_rekeys(v, gateways, least, reason):
    child = max(g["rekeyed_child"] for g in gateways)
    ike = max(g["rekeyed_ike"] for g in gateways)
    v.holds("rekeys", child >= least, f"{child} rekeys of the child by {reason}, {ike} of the IKE SA")
    return ike


def judge(part, ends, captures, relay, gateways, known_spis, reorder, least_rekeys):
    v = Verdict()
    judge_payload(v, ends)
    judge_capture(v, captures, relay, part.is_udp)
    judge_counters(v, captures, gateways)
    judge_numbers(v, captures, reorder)
    judge_spis(v, captures, known_spis)
    judge_window(v, relay, gateways, part.has_esn)
    v.ike_rekeys = judge_rekeys(v, gateways, least_rekeys, part.reason)
    return v
