# SPDX-License-Identifier: Apache-2.0
"""One parser for what `ip xfrm state|policy`, `keyway xfrm state|policy` and /proc/net/xfrm_stat print. It takes no line
that it does not know, so that two texts that it reads have the same layout."""
import re

HEX = r"0x[0-9a-f]+"
KEY = rf"(?:{HEX}|<hidden>)"
SELECTOR = (r"src (?P<src>\S+/\d+) dst (?P<dst>\S+/\d+) (?:proto (?P<proto>\S+) )?(?:sport (?P<sport>\d+) )?(?:dport (?P<dport>\d+) )?"
            r"(?:type (?P<type>\d+) )?(?:code (?P<code>\d+) )?(?:uid \d+)?")
LIFETIME = [
    r"\tlifetime config:",
    r"\t  limit: soft (?P<soft_bytes>\S+?)\(bytes\), hard (?P<hard_bytes>\S+?)\(bytes\)",
    r"\t  limit: soft (?P<soft_packets>\S+?)\(packets\), hard (?P<hard_packets>\S+?)\(packets\)",
    r"\t  expire add: soft (?P<soft_seconds>\d+)\(sec\), hard (?P<hard_seconds>\d+)\(sec\)",
    r"\t  expire use: soft \d+\(sec\), hard \d+\(sec\)",
    r"\tlifetime current:",
    r"\t  (?P<bytes>\d+)\(bytes\), (?P<packets>\d+)\(packets\)",
    r"\t  add (?P<added>-|[\d-]+ [\d:]+) use (?P<used>-|[\d-]+ [\d:]+)",
]
STATE = [
    rf"\tproto (?P<protocol>esp|ah|comp) spi (?P<spi>{HEX})(?:\(\d+\))? reqid (?P<reqid>\d+)(?:\({HEX}\))? mode (?P<mode>\w+)",
    rf"\treplay-window (?P<replay_window>\d+) (?:seq {HEX} )?(?:flag (?P<flags>[a-z0-9_ -]*?))?(?:extra_flag (?P<extra>\S+))?"
    r"(?: \(0x[01]{8}\))?",
    rf"\tauth-trunc (?P<auth>\S+) {KEY}(?: \((?P<auth_bits>\d+) bits\))? (?P<icv>\d+)",
    rf"\taead (?P<aead>\S+) {KEY}(?: \((?P<aead_bits>\d+) bits\))? (?P<aead_icv>\d+)",
    rf"\tenc (?P<enc>\S+) (?:{KEY})?(?: \((?P<enc_bits>\d+) bits\))?",
    r"\tcomp (?P<comp>\S+) ",
    r"\tencap type (?P<encap>\S+) sport (?P<encap_sport>\d+) dport (?P<encap_dport>\d+) addr \S+",
    rf"\tanti-replay context: seq (?P<seq>{HEX}), oseq (?P<oseq>{HEX}), bitmap (?P<bitmap>{HEX})",
    r"\tanti-replay esn context:",
    rf"\t seq-hi (?P<seq_hi>{HEX}), seq (?P<esn_seq>{HEX}), oseq-hi (?P<oseq_hi>{HEX}), oseq (?P<esn_oseq>{HEX})",
    r"\t replay_window (?P<esn_window>\d+), bitmap-length (?P<bitmap_length>\d+)",
    r"\t (?P<words>(?:[0-9a-f]{8} )+)",
    r"\tsel " + SELECTOR.replace("(?P<src>", "(?P<sel_src>").replace("(?P<dst>", "(?P<sel_dst>"),
    *LIFETIME,
    r"\tstats:",
    r"\t  replay-window \d+ replay (?P<replayed>\d+) failed (?P<failed>\d+)",
    r"\tlastused (?P<last_used>.+)",  # newer ones
    r"\tdir (?P<dir>in|out)",
]
POLICY = [
    r"\tdir (?P<dir>in|out|fwd) (?:action (?P<action>allow|block) )?(?:index \d+ )?priority (?P<priority>\d+) ptype main "
    r"(?:share any flag  \(0x[01]{8}\))?",
    *LIFETIME,
    r"\ttmpl src (?P<tmpl_src>\S+) dst (?P<tmpl_dst>\S+)",
    rf"\t\tproto (?P<tmpl_protocol>\w+)(?: spi {HEX}(?:\(\d+\))?)? reqid (?P<reqid>\d+)(?:\({HEX}\))? mode (?P<mode>\w+)",
    r"\t\tlevel (?P<level>\w+) (?:share any )?",
    r"\t\tenc-mask f+ auth-mask f+ comp-mask f+",
]


def _blocks(text):
    found = []
    for line in text.splitlines():
        if line.startswith("src "):
            found.append([])
        if not found:
            raise ValueError(f"what is before the first block: {line!r}")
        found[-1].append(line)
    return found


def _take(block, first, patterns):
    """A block as one dict; what comes several times is a list."""
    out = {}
    for number, line in enumerate(block):
        for pattern in [first] if number == 0 else patterns:
            match = re.fullmatch(pattern, line)
            if match:
                break
        else:
            raise ValueError(f"a line that neither of them prints: {line!r}")
        for key, value in match.groupdict().items():
            if value is None:
                continue
            if key in ("words", "tmpl_src", "tmpl_dst", "tmpl_protocol"):
                out.setdefault(key, []).append(value)
            else:
                out[key] = value
    return out


def states(text):
    """[{src, dst, protocol, spi, ...}] as texts; seq and oseq as whole numbers, whatever the form of the window."""
    found = []
    for block in _blocks(text):
        state = _take(block, r"src (?P<src>\S+) dst (?P<dst>\S+)", STATE)
        high = {"seq": int(state.get("seq_hi", "0x0"), 16), "oseq": int(state.get("oseq_hi", "0x0"), 16)}
        for key, hi in high.items():
            state[key] = hi << 32 | int(state.get(f"esn_{key}") or state.get(key, "0x0"), 16)
        found.append(state)
    return found


def policies(text):
    return [_take(block, SELECTOR, POLICY) for block in _blocks(text)]


def counters(text):
    """{name: number}, in their order."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"(\w+) *\t(\d+)", line)
        if not match or line.index("\t") != 24:
            raise ValueError(f"no line of xfrm_stat: {line!r}")
        found[match[1]] = int(match[2])
    return found
