# SPDX-License-Identifier: Apache-2.0
"""docs/performance.md around the tables of bench_report.py: what is measured and how, what is fair about it, what
limits. The words live here and are written together with the figures."""
import bench_report
from bench_measure import BEHIND, LOSSLESS, PINGS

METHOD = """
## How it is measured
`./dev bench` makes all of this in one run (`./dev bench --help`): nothing here was copied from another machine or day.
That what is fast is also right under load, `./dev bench --soak` shows.

    client A ---- gateway A ==== outer link ==== gateway B ---- client B

Four network namespaces for each peer, joined by veth links with MTU 1500. Both gateways, the sender and the receiver
share the cores of one machine, so each figure is what all four reach together, and ratios say more than rates.

- **By turns.** All peers are up in networks of their own; one works, the others are idle (what that costs is in the last
  table). Rounds follow each other, and another peer begins each; a figure is the median of the rounds, with the
  lowest and highest beside it.
- **Only through the tunnel.** The gateways of a tunnel have no other route to the far network.
- **The same generator** for all (`tests/bench/traffic`): default TCP sockets, but under CUBIC whatever the machine's default is; the datagrams' receiver has a buffer of 16 MB. Goodput
  and packets are counted where they arrive. TCP is counted after half a second of slow start.
- **BBR**, in a table of its own, sends at the pace that it measured, in smaller trains, and leaves cores idle: the pace is
  then less than what the gateways carry.
- **UDP** goes up a ladder of offered rates a fifth apart, and once without limit. *Best* is the highest rate that arrived
  at any of them while the sender was sending; *lossless* the highest of which at most {loss:.1f} % was lost and at most {behind:.0f} ms
  waited in queues at the end; a star says that the sender could not offer more. The sender paces itself and runs before everything else, as a client with cores of its own would. CPU is counted
  at the lossless rate.
- **CPU** is what the daemon of each gateway used, user and system, from `/proc/PID/stat`: with the kernel's work on its
  own calls, without what the kernel does for the clients.
- **Offloads on** is how veth comes: TSO, GSO and UDP segmentation, GRO off. **Off** means all four off at both ends of the outer
  link, so that every packet between the gateways is single, as on a network that has none of it. The links to the
  clients keep theirs.
- **Ping**: {pings} echoes 10 ms apart; *under load* beside one TCP stream.
- **Configurations** are what each project ships. Keyway and strongSwan read the same file, with AES-128-GCM, ESP in UDP and
  liveness every 10 s; strongSwan's userspace ESP is its `kernel-libipsec` plugin, with its quickest AES-GCM first. OpenVPN
  runs AES-128-GCM without its kernel module, with socket buffers of 1 MB and a longer device queue, which help it.
  wireguard-go has ChaCha20-Poly1305 and no other. Device MTUs are the defaults of Keyway and strongSwan, and 1420 for the others.
- **Many tunnels** are IKE SAs of Keyway's own, one for each pair of addresses, initiated by gateway A; 1, 100 and
  all of them stand in three networks at once and take turns, in two rounds more than the rest. Liveness is off there.
  Memory is the growth of the whole daemon's resident size for each tunnel: IKE SA, configuration, policies and ESP together.
- **Path MTUs** that a client learned are flushed when a peer starts anew, and no payload needs fragments.
"""

LIMITS = """
## What limits
- **The clients.** Sending and receiving is work of the kernel on the same cores. Plain routing, in the first row of each
  table, is the bound that no tunnel on this machine can pass.
- **TCP, and UDP that comes in segments.** Keyway takes super-packets of up to 64 KB from its TUN, cuts and seals them in place,
  and hands whole trains of packets to the socket, so that many packets share the cost of a system call. What is left is
  sealing and opening, a checksum, and a copy into and out of the kernel; the last table above shows how little of it is the
  cipher.
- **Single packets.** Datagrams of a client arrive singly, so one read of the TUN is one packet, and single packets are written
  into the stack. That is work of the kernel for each packet; the cipher is a small part of it.
- **Offloads off.** The kernel cuts each train in software, and every packet passes the link and the receiving stack singly.
- **Protocol 50** has no segmentation offload in the kernel's sockets: each packet is sent and received by itself.
- **More cores.** Both gateways and both clients share what the machine has; where all cores are busy, another worker can
  only take time from somebody else.
"""


def machine(results):
    m, o = results.meta["machine"], results.meta["options"]
    lines = [
        f"{m['cpu']}, {m['cores']} cores, {m['virtual']}, {m['memory']}; flags {m['flags'] or 'none of AES'}",
        f"Linux {m['kernel']}, {m['system']}; {m['openssl']}, libipsec-mb {m['ipsec-mb']}, {(m['compiler'] or ['?'])[0]}",
        f"{results.meta['date']}, Keyway {m['commit']}: {o.get('rounds')} round{'s' if o.get('rounds') != 1 else ''}, {o.get('seconds'):g} s for each TCP figure, "
        f"{results.meta.get('seconds', 0) / 60:.0f} minutes in all; load {results.meta['load']:.1f} before the run, "
        f"{results.meta.get('steal', 0):.1f} % of the time stolen by the host",
    ]
    if not results.meta["is_complete"]:
        lines.append("INTERRUPTED: what was measured until then")
    return "\n".join(lines) + "\n"


def summary(results):
    """The one line that most readers want."""
    ours = results.median("on", "keyway", "tcp1", "rate")
    other, who = bench_report.best_other(results, "on", "tcp1", "rate")
    swan, plain = (results.median("on", p, "tcp1", "rate") for p in ("strongswan", "plain"))
    words = [(swan, "{} times strongSwan"), (other, f"{{}} times the best other peer, {bench_report.NAMES.get(who)}")]
    parts = [text.format(bench_report.times(ours, v)) for v, text in words if ours and v]
    if not ours:
        return ""
    share = f"; {100 * ours / plain:.0f} % of plain routing" if plain else ""
    return f"One TCP stream: **{bench_report.number(ours)} Mbit/s**" + (f", {' and '.join(parts)}" if parts else "") + share + ".\n"


def document(results):
    parts = ["# Performance", "<!-- written by ./dev bench; change tests/interop/bench_text.py instead -->", summary(results),
             "![bars of the tables below](performance.svg)\n", "```", machine(results).rstrip(), "```\n",
             bench_report.table(*bench_report.version_table(results)), "", "## Goals", bench_report.table(*bench_report.goals(results)),
             METHOD.format(loss=100 * LOSSLESS, behind=1000 * BEHIND, pings=PINGS).rstrip(), "", "## Figures"]
    for title, head, rows in bench_report.sections(results):
        parts += [f"### {title}", bench_report.table(head, rows), ""]
    if results.notes:
        parts += ["What went wrong in this run:", *(f"- {n}" for n in results.notes), ""]
    parts += [LIMITS.strip(), ""]
    core = bench_report.core_texts(results)
    if core:
        parts.append("## The data plane's core without I/O")
    for name, text in core:
        parts += [f"`{name}`:", "```", text, "```", ""]
    return "\n".join(parts).rstrip() + "\n"
