# SPDX-License-Identifier: Apache-2.0
"""Marks, marks that packets are given, and ids of interfaces, in every form that a value can have: Keyway and strongSwan are told
the same over vici, take or refuse the same, and have SAs and policies with the same in their kernels."""
import re

import topology
from rows import PSK
from scenarios import scenario
from scenarios.kernel_plane import alone
from scenarios.steps import demand

BOTH = ("mark_in", "mark_out")
SET = ("set_mark_in", "set_mark_out")
IDS = ("if_id_in", "if_id_out")
FORMS = ("42", "0x2a/0xff", "0x12ff/0xff00", "0", "0/0", "0/0xff", "5/0", "4294967295", "010", "0100/010", "08", "%unique", "%unique-dir", "%unique/0xff",
         "%unique-dir/0xff", "%same", "%same/0xff", "%UNIQUE", "0xffffffff/0xff", "-1", "4294967296", "x", "5/", "5/x", "/5", "5/1/1", "%", "%uniqueness", "5 ",
         "0x", "1/0x1ffffffff")
MORE = {
    "in-alone": {"mark_in": "6"},
    "out-alone": {"mark_out": "6"},
    "of-sa": {"mark_in": "5", "mark_out": "5", "mark_in_sa": "yes"},
    "same": {"mark_in": "3", "mark_out": "0x104", "set_mark_in": "%same", "set_mark_out": "%same/0xff"},
    "same-of-own": {"mark_in": "%unique", "mark_out": "%unique-dir", "set_mark_in": "%same", "set_mark_out": "%same/0xff"},
    "set-beside": {"mark_in": "3", "mark_out": "3", "set_mark_in": "9/0xf", "set_mark_out": "0"},
    "id-in-alone": {"if_id_in": "7"},
    "id-out-alone": {"if_id_out": "7"},
    "all": {"mark_in": "1", "mark_out": "2", "if_id_in": "3", "if_id_out": "4", "set_mark_in": "5", "set_mark_out": "6"},
}
# These are no numbers of 32 bits: strongSwan takes what is left of them, Keyway refuses them by name.
REFUSED_HERE = ("-1", "4294967296", "5/", "/5", "1/0x1ffffffff")
# The largest number is strongSwan's own sign for %unique and for %same; here it is the number.
SIGNS = {"0xffffffff/0xff": (*BOTH, *SET), "4294967295": SET}


def cases():
    """{name: keys of a child}"""
    found = {}
    for kind, keys in (("mark", BOTH), ("set", SET), ("id", IDS)):
        for n, form in enumerate(FORMS):
            found[f"{kind}{n}"] = dict.fromkeys(keys, form)
    return {**found, **{n.replace("-", ""): k for n, k in MORE.items()}}


def connection(me, children):
    a, b = (topology.A4, topology.B4)[::1 if me == 0 else -1]
    ours, theirs = topology.NET[4][::1 if me == 0 else -1]
    side = "[tcp/{}]"
    return {"version": "2", "local_addrs": [a], "remote_addrs": [b], "proposals": ["aes128gcm16-prfsha256-x25519"],
            "local": {"auth": "psk", "id": a}, "remote": {"auth": "psk", "id": b},
            "children": {name: {"local_ts": [ours + (side.format(port) if me else "")], "remote_ts": [theirs + ("" if me else side.format(port))],
                                "esp_proposals": ["aes128gcm16"], **keys} for port, (name, keys) in children.items()}}


def attributes(block):
    return {what: m[1] for what in ("mark", "output-mark", "if_id") if (m := re.search(rf"\s{what} (\S+)", block))}


def blocks(text):
    return re.findall(r"^src .*\n(?:\s.*\n)*", text, re.M)


def kernel_has(node):
    """({spi: attributes}, {(direction, port): attributes})"""
    states = {re.search(r"spi 0x(\w+)", b)[1]: attributes(b) for b in blocks(node.ip("xfrm", "state"))}
    policies = {}
    for b in blocks(node.ip("xfrm", "policy", "list", "nosock")):
        port = re.search(r"[sd]port (\d+)", b)
        policies[re.search(r"dir (\w+)", b)[1], int(port[1]) if port else 0] = attributes(b)
    return states, policies


def of_child(kernel, child, port, has_own):
    """What its SAs and policies have; numbers of its own by the order in which they come."""
    states, policies = kernel
    found = {"sa in": states[child["spi-in"]], "sa out": states[child["spi-out"]], **{d: policies[d, port] for d in ("in", "out", "fwd")}}
    own = []

    def letter(m):
        own.extend([m[0]] if m[0] not in own else [])
        return f"own {own.index(m[0])}"
    return {d: {k: re.sub(r"^\w+", letter, v) if has_own else v for k, v in a.items()} for d, a in found.items()}


def takes(v, me, keys):
    answer = v.request("load-conn", {"try": connection(me, {1000: ("c", keys)})})
    v.request("unload-conn", {"name": "try"})
    return answer.get("success") == "yes"


def is_expected(keys):
    """Keyway refuses what strongSwan takes."""
    return set(keys.values()) & set(REFUSED_HERE)


@scenario("marks.as-strongswan", needs_keyway=True, in_guest=True)
def marks(lab):
    alone(lab)
    lab.a.load({})
    ends, wrong, accepted = (lab.a, lab.b), [], {}
    with lab.a.vici() as va, lab.b.vici() as vb:
        for n, (name, keys) in enumerate(cases().items()):
            has_taken = [takes(v, me, keys) for me, v in enumerate((va, vb))]
            if all(has_taken):
                accepted[2000 + n] = (name, keys)
            elif any(has_taken) and not (is_expected(keys) and has_taken == [False, True]):
                wrong.append(f"{keys}: taken by {'Keyway' if has_taken[0] else 'strongSwan'} alone")
        for me, v in enumerate((va, vb)):
            v.request("load-shared", {"id": "lab", "type": "ike", "data": PSK, "owners": [topology.A4, topology.B4]})
            answer = v.request("load-conn", {"net": connection(me, accepted)})
            demand(answer.get("success") == "yes", f"all of them: {answer}")
        for name, _ in accepted.values():
            answer = va.request("initiate", {"ike": "net", "child": name, "timeout": "8000"})
            demand(answer.get("success") == "yes", f"{name}: {answer}")
    children = [{c["name"]: c for c in g.children()} for g in ends]
    kernels = [kernel_has(lab.net[n]) for n in ("ga", "gb")]
    for port, (name, keys) in accepted.items():
        has_own = "unique" in str(keys).lower() or "4294967295" in keys.values() and not set(keys) & set(SET)
        ours, theirs = (of_child(k, c[name], port, has_own) for k, c in zip(kernels, children))
        is_sign = any(k in SIGNS.get(form, ()) for k, form in keys.items())
        if (ours != theirs) != is_sign:
            wrong.append(f"{keys}: {ours} here, {theirs} there")
    demand(not wrong, " || ".join(wrong))
    return f"{len(accepted)} of {len(cases())} are taken, and are the same in both kernels"
