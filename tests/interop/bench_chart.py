# SPDX-License-Identifier: Apache-2.0
"""docs/performance.svg: plain bars, a panel for each measurement, readable on light and on dark ground."""
from xml.sax.saxutils import escape

import bench_report

PANELS = (("on", "tcp1", "rate", "TCP, one stream (Mbit/s)"), ("off", "tcp1", "rate", "The same, offloads off on the outer link (Mbit/s)"),
          ("on", "udp64", "best", "UDP, 64 bytes (thousands of packets a second)"),
          ("on", "udp1300", "best", "UDP, 1300 bytes (thousands of packets a second)"))
WIDTH, LEFT, RIGHT, BAR, GAP, HEAD = 720, 190, 70, 18, 6, 34
STYLE = """text { font: 13px system-ui, sans-serif; fill: #57606a } .title { font-weight: 600; fill: #24292f }
.bar { fill: #8c959f } .keyway { fill: #0969da } .plain { fill: #d0d7de }
@media (prefers-color-scheme: dark) { text { fill: #9198a1 } .title { fill: #f0f6fc } .bar { fill: #656c76 }
.keyway { fill: #4493f8 } .plain { fill: #3d444d } }"""


def panel(results, variant, measure, field, title, y):
    """Lines of SVG from y on, and where the next one begins."""
    rows = [(p, results.median(variant, p, measure, field)) for p in bench_report.PEERS]
    rows = [(p, v) for p, v in rows if v is not None]
    if not rows:
        return [], y
    top = max(v for _, v in rows)
    out = [f'<text class="title" x="0" y="{y + 16}">{escape(title)}</text>']
    y += HEAD - 8
    for p, value in rows:
        width = max(1, (WIDTH - LEFT - RIGHT) * value / top)
        kind = p if p in ("keyway", "plain") else ""
        out.append(f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(bench_report.NAMES[p])}</text>')
        out.append(f'<rect class="bar {kind}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>')
        out.append(f'<text x="{LEFT + width + 6:.1f}" y="{y + 14}">{bench_report.number(value)}</text>')
        y += BAR + GAP
    return out, y + 18


def svg(results):
    lines, y = [], 4
    for variant, measure, field, title in PANELS:
        more, y = panel(results, variant, measure, field, title, y)
        lines += more
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img" '
                      'aria-label="Throughput of Keyway and its peers">', f"<style>{STYLE}</style>", *lines, "</svg>", ""])
