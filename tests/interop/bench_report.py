# SPDX-License-Identifier: Apache-2.0
"""The report of ./dev bench: the same tables for the terminal and for docs/performance.md, and the goals with what
became of them. Everything is computed from the samples."""
import os
import re

import bench_chart
import bench_text
import peers

MANY = 10000  # tunnels of the goal
SEGMENT = 1350  # bytes of goodput in a full packet through a tunnel, about
PEERS = ("plain", "keyway", "strongswan", "openvpn", "wg12", "wg13")
OTHERS = PEERS[2:]
NAMES = {"plain": "plain routing", "keyway": "Keyway", "keyway-tcp": "Keyway in TCP", "strongswan": "strongSwan", "openvpn": "OpenVPN",
         "wg12": "wireguard-go (Debian 12)", "wg13": "wireguard-go (Debian 13)"}


def number(value, digits=0):
    return "-" if value is None else f"{value:,.{digits}f}"


def significant(value):
    """Three digits."""
    return "-" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def ratio(a, b):
    return a / b if a is not None and b else None


def times(a, b):
    return significant(ratio(a, b))


def spread(results, *key):
    """The median and, of several rounds, the lowest and highest."""
    found = results.values(*key)
    if not found:
        return "-"
    median = number(results.median(*key))
    return median if len(found) == 1 else f"{median} ({number(min(found))} to {number(max(found))})"


def table(head, rows):
    """Markdown that is also aligned to be read as it is: figures to the right, words to the left."""
    cells = [[str(c) for c in r] for r in (head, *rows)]
    widths = [max(len(r[i]) for r in cells) for i in range(len(head))]
    is_right = [i > 0 and all(re.match(r"[-\d]|$", r[i]) for r in cells[1:]) for i in range(len(head))]

    def line(r):
        return "| " + " | ".join(c.rjust(w) if right else c.ljust(w) for c, w, right in zip(r, widths, is_right)) + " |"

    rule = "|" + "|".join("-" * (w + 1) + (":" if right else "-") for w, right in zip(widths, is_right)) + "|"
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


def present(results, variant, measure):
    """The peers that have a row: measured, or failed."""
    return [p for p in PEERS if results.median(variant, p, measure, FIELD[measure]) is not None or
            (results.error(variant, p, measure) and any(results.last(variant, q, measure) for q in PEERS))]


FIELD = {"tcp1": "rate", "tcp4": "rate", "tcp100": "rate", "tcp1bbr": "rate", "udp64": "best", "udp1300": "best", "ping": "median", "loaded": "median"}


def failed_row(results, variant, p, measure, columns):
    """A row that says why there is no figure, or None when there is one."""
    if results.median(variant, p, measure, FIELD[measure]) is not None:
        return None
    return [NAMES[p], results.error(variant, p, measure)] + [""] * (columns - 2)


def best_other(results, variant, measure, field):
    """(value, key) of the best peer but Keyway and plain routing."""
    found = [(results.median(variant, p, measure, field), p) for p in OTHERS]
    return max([f for f in found if f[0] is not None], default=(None, None))


def tcp_table(results, variant, measure):
    head = ["", "Mbit/s", "x strongSwan", "Keyway is x this", "CPU s/GB, gateway A", "gateway B"]
    rows = []
    base, ours = (results.median(variant, p, measure, "rate") for p in ("strongswan", "keyway"))
    for p in present(results, variant, measure):
        rate = results.median(variant, p, measure, "rate")
        rows.append(failed_row(results, variant, p, measure, len(head)) or [
            NAMES[p], spread(results, variant, p, measure, "rate"), times(rate, base), times(ours, rate),
            *(significant(results.median(variant, p, measure, "cpu", i)) for i in (0, 1))])
    return head, rows


def udp_table(results, variant, measure):
    head = ["", "received, best", "x strongSwan", "Keyway is x this", "lossless", "Keyway is x this", "CPU us/packet, gateway A", "gateway B",
            "out of order"]
    rows = []
    base, ours = (results.median(variant, p, measure, "best") for p in ("strongswan", "keyway"))
    ours_clean = results.median(variant, "keyway", measure, "lossless")
    for p in present(results, variant, measure):
        best, clean = (results.median(variant, p, measure, f) for f in ("best", "lossless"))
        bound = [s.get("is_sender_bound") for s in results.samples.get(results.key(variant, p, measure), [])]
        mark = " *" if bound and sum(map(bool, bound)) * 2 > len(bound) else ""
        rows.append(failed_row(results, variant, p, measure, len(head)) or [
            NAMES[p], spread(results, variant, p, measure, "best"), times(best, base), times(ours, best), number(clean) + mark,
            times(ours_clean, clean), *(significant(results.median(variant, p, measure, "cpu", i)) for i in (0, 1)),
            number(sum(results.values(variant, p, measure, "reordered")))])
    return head, rows


def ping_table(results):
    head = ["", "idle, median", "99 %", "Keyway is x this", "under load, median", "99 %", "Keyway is x this"]
    rows = []
    for p in present(results, "on", "ping") or present(results, "on", "loaded"):
        row = [NAMES[p]]
        for measure in ("ping", "loaded"):
            value, ours = (results.median("on", q, measure, "median") for q in (p, "keyway"))
            row += [number(value), number(results.median("on", p, measure, "p99")), times(ours, value)]
        rows.append(failed_row(results, "on", p, "ping", len(head)) if not results.last("on", p, "loaded") and
                    failed_row(results, "on", p, "ping", len(head)) else row)
    return head, rows


def pair_table(results, variants, measure, field):
    """Keyway beside strongSwan, a row per (variant, name)."""
    head = ["", "Keyway", "strongSwan", "ratio", "CPU of Keyway, A / B", "CPU of strongSwan, A / B"]
    rows = []
    for variant, name in variants:
        ours, theirs = (results.median(variant, p, measure, field) for p in ("keyway", "strongswan"))
        if ours is None and theirs is None and not results.error(variant, "keyway", measure):
            continue
        cpu = [" / ".join(significant(results.median(variant, p, measure, "cpu", i)) for i in (0, 1)) for p in ("keyway", "strongswan")]
        words = [spread(results, variant, p, measure, field) if v is not None else results.error(variant, p, measure) or "-"
                 for p, v in (("keyway", ours), ("strongswan", theirs))]
        rows.append([name, *words, times(ours, theirs), *cpu])
    return head, rows


def tunnel_counts(results):
    found = {key.split("|")[1] for key in [*results.samples, *results.errors] if key.startswith("tunnels|")}
    return sorted(int(k[1:]) for k in found)


def tunnel_rate(results, count):
    return results.median("tunnels", f"t{count}", "busy1", "rate")


def memory_per_tunnel(results, count):
    """KiB of gateway A and of gateway B for each tunnel beyond the first."""
    one, many = (results.last("tunnels", f"t{n}", "memory") for n in (1, count))
    if not one or not many or count < 2:
        return None
    return [(y - x) / (count - 1) for x, y in zip(one["rss"], many["rss"])]


def tunnel_table(results):
    head = ["tunnels", "one busy, Mbit/s", "of one tunnel's", "many busy, Mbit/s", "loaded in, s", "then up in, s", "KiB per tunnel, A / B",
            "idle ticks in 10 s, A / B"]
    rows = []
    one = tunnel_rate(results, 1)
    for count in tunnel_counts(results):
        key, error = f"t{count}", results.error("tunnels", f"t{count}", "busy1")
        rate, memory = results.last("tunnels", key, "memory"), memory_per_tunnel(results, count)
        if error and not rate:
            rows.append([number(count), error] + [""] * (len(head) - 2))
            continue
        share = ratio(tunnel_rate(results, count), one)
        busy = [k.split("|")[2] for k in results.samples if k.startswith(f"tunnels|{key}|busy") and not k.endswith("|busy1")]
        many = f"{spread(results, 'tunnels', key, busy[0], 'rate')}, {busy[0][4:]} busy" if busy else "-"
        rows.append([number(count), spread(results, "tunnels", key, "busy1", "rate"), "-" if share is None else f"{100 * share:.0f} %", many,
                     number(rate["load"], 1), number(rate["up"], 1), " / ".join(number(m, 1) for m in memory) if memory else "-",
                     " / ".join(number(results.median("tunnels", key, "idle", "ticks", i)) for i in (0, 1))])
    return head, rows


def idle_table(results):
    head = ["", "clock ticks in 10 s, gateway A", "gateway B"]
    rows = [[NAMES[p], *(number(results.median("on", p, "idle", "ticks", i), 1) for i in (0, 1))]
            for p in PEERS if results.last("on", p, "idle")]
    return head, rows


def core_ns(results, size):
    """(out, in) nanoseconds per packet of the data plane's core with AES-128-GCM, as esp_bench prints them."""
    for name, text in core_texts(results):
        if name == "esp_bench" and (m := re.search(rf"^aes128gcm16 +\S+ +{size} +(\d+) +(\d+)", text, re.M)):
            return [int(x) for x in m.groups()]
    return [None, None]


def profile_table(results):
    """Where a packet's time goes in each gateway: daemon in all, the kernel on its calls, the core without I/O."""
    head = ["", "gateway", "daemon, ns/packet", "of it the kernel's", "core without I/O, ns", "cores busy"]
    rows = []
    # The CPU of TCP is seconds per gigabyte of goodput; a full packet of it holds SEGMENT bytes.
    for measure, name, scale, size in (("tcp1", "TCP, 1 stream", SEGMENT, 1400), ("udp1300", "UDP 1300 B, lossless", 1e3, 1400),
                                       ("udp64", "UDP 64 B, lossless", 1e3, 64)):
        for i in (0, 1):
            cpu, kernel = (results.median("on", "keyway", measure, f, i) for f in ("cpu", "kernel"))
            if cpu is None:
                continue
            core, machine = core_ns(results, size)[i], results.median("on", "keyway", measure, "busy")
            rows.append([name, "AB"[i], number(cpu * scale), number(100 * kernel) + " %", number(core),
                         "-" if machine is None else number(100 * machine) + " %"])
    return head, rows


def version_table(results):
    rows = [[NAMES[p], v["version"], v["cipher"], v["details"]] for p in PEERS if (v := results.versions.get(p))]
    rows += [[NAMES[p], results.errors[results.key("", p, "")], "", ""] for p in PEERS if results.key("", p, "") in results.errors]
    return ["", "version", "cipher", ""], rows


# ---- goals

def goal(text, value, bound, is_met=None, unit=""):
    """bound: text as it is shown. is_met: None when there is no figure."""
    shown = "-" if value is None else f"{significant(value)}{unit}"
    return [text, bound, shown, "not measured" if value is None else "met" if is_met else "**not met**"]


def at_least(text, value, bound):
    return goal(text, value, f"at least {bound} x", value is not None and value >= bound, " x")


def at_most(text, value, bound, unit=""):
    return goal(text, value, f"at most {bound}{unit}", value is not None and value <= bound, unit)


def against(results, variant, measure, field, index=None):
    """Keyway's figure by strongSwan's."""
    return ratio(*(results.median(variant, p, measure, field, *([index] if index is not None else [])) for p in ("keyway", "strongswan")))


def data_plane_bytes(results):
    """Of an idle SA pair, as the benchmark of the data plane's core counts them."""
    for key, found in results.samples.items():
        if key.startswith("core|") and (m := re.search(r"bytes per idle pair.*?^aes128gcm16\s+best\s+(\d+)", found[-1]["text"], re.S | re.M)):
            return int(m.group(1))
    return None


def worst_ticks(results):
    found = [results.median("on", "keyway", "idle", "ticks", i) for i in (0, 1)]
    return None if None in found else max(found)


def goals(results):
    tcp = "TCP, 1 stream, AES-128-GCM"
    other, who = best_other(results, "on", "tcp1", "rate")
    ours = results.median("on", "keyway", "tcp1", "rate")
    rows = [at_least(f"{tcp}: of strongSwan's", against(results, "on", "tcp1", "rate"), 10),
            at_least(f"{tcp}: of the best other peer's" + (f", {NAMES[who]}" if who else ""), ratio(ours, other), 3)]
    for i in (0, 1):
        rows.append(at_most(f"{tcp}: CPU per byte of strongSwan's, gateway {'AB'[i]}", against(results, "on", "tcp1", "cpu", i), 0.1, " x"))
    rows.append(at_least(f"{tcp}, offloads off: of strongSwan's", against(results, "off", "tcp1", "rate"), 5))
    for measure, name in (("udp64", "UDP 64 B"), ("udp1300", "UDP 1300 B")):
        rows.append(at_least(f"{name}, received: of strongSwan's", against(results, "on", measure, "best"), 2.5))
        rows.append(at_least(f"{name}, lossless: of strongSwan's", against(results, "on", measure, "lossless"), 1))
    rows.append(at_least("TCP, 1 stream, AES-256-CBC with HMAC-SHA256: of strongSwan's", against(results, "aes256-sha256/on", "tcp1", "rate"), 4))
    rows.append(at_least("protocol 50, offloads off, TCP, 1 stream: of strongSwan's in UDP", against(results, "esp50/off", "tcp1", "rate"), 4))
    rows.append(at_least("protocol 50, offloads off, UDP 1300 B: of strongSwan's in UDP", against(results, "esp50/off", "udp1300", "best"), 2))
    many = max(tunnel_counts(results), default=0)
    share = ratio(tunnel_rate(results, many), tunnel_rate(results, 1)) if many > 1 else None
    rows.append(goal(f"one busy tunnel of {MANY:,} installed: of its rate alone", None if share is None else 100 * share, "at least 90 %",
                     share is not None and share >= 0.9, " %"))
    if share is not None and many < MANY:
        rows[-1][3] = f"with {many:,} only"
    rows.append(at_most("memory of an idle SA pair in the data plane", data_plane_bytes(results), 2048, " bytes"))
    rows.append(at_most("idle ping: of strongSwan's median", against(results, "on", "ping", "median"), 1.5, " x"))
    rows.append(at_most("idle gateway, one tunnel, liveness on: clock ticks in 10 s", worst_ticks(results), 2))
    return ["goal", "", "measured", ""], rows


# ---- the whole

def variants(link):
    return [(f"{s}/{link}", s) for s in ("aes256-sha256", "aes256gcm16", "chacha20poly1305")]


def sections(results):
    """[(title, head, rows)] of what was measured."""
    link = {"on": "offloads on", "off": "offloads off"}
    out = []
    for measure, name in (("tcp1", "TCP, 1 stream"), ("tcp4", "TCP, 4 streams"), ("tcp1bbr", "TCP, 1 stream, BBR"),
                          ("tcp100", "TCP, 100 streams")):
        out += [(f"{name}, {link[v]}", *tcp_table(results, v, measure)) for v in link]
    for measure, name in (("udp64", "UDP, 64 bytes of payload, thousands of packets a second"),
                          ("udp1300", "UDP, 1300 bytes of payload, thousands of packets a second")):
        out += [(f"{name}, {link[v]}", *udp_table(results, v, measure)) for v in link]
    out.append(("Ping, microseconds", *ping_table(results)))
    out += [(f"Other suites, TCP, 1 stream, Mbit/s, {link[v]}", *pair_table(results, variants(v), "tcp1", "rate")) for v in link]
    esp50 = [(f"esp50/{v}", link[v]) for v in link]
    out.append(("Protocol 50 (Keyway) beside ESP in UDP (strongSwan): TCP, 1 stream, Mbit/s", *pair_table(results, esp50, "tcp1", "rate")))
    out.append(("Protocol 50 (Keyway) beside ESP in UDP (strongSwan): UDP 1300 B, thousands of packets a second",
                *pair_table(results, esp50, "udp1300", "best")))
    out.append(("Many tunnels (Keyway)", *tunnel_table(results)))
    out.append(("Idle, one tunnel, liveness every 10 s", *idle_table(results)))
    out.append(("Where a packet's time goes in Keyway (AES-128-GCM, offloads on)", *profile_table(results)))
    return [s for s in out if s[2]]


def core_texts(results):
    return [(key.split("|")[1], found[-1]["text"].rstrip()) for key, found in results.samples.items() if key.startswith("core|")]


def terminal(results):
    parts = [bench_text.machine(results), table(*version_table(results)), ""]
    for title, head, rows in sections(results):
        parts += [title, table(head, rows), ""]
    for name, text in core_texts(results):
        parts += [name, text, ""]
    parts += ["Goals", table(*goals(results))]
    if results.notes:
        parts += ["", "What went wrong:", *(f"- {n}" for n in results.notes)]
    return "\n".join(parts)


def write(results):
    """docs/performance.md and the chart beside it. Returns their paths."""
    folder = os.path.join(peers.REPO, "docs")
    os.makedirs(folder, exist_ok=True)
    files = {"performance.md": bench_text.document(results), "performance.svg": bench_chart.svg(results)}
    for name, text in files.items():
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
    return ["docs/" + name for name in files]
