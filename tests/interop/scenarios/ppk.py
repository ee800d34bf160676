# SPDX-License-Identifier: Apache-2.0
"""Postquantum preshared keys (RFC 8784) against strongSwan, begun by either side: used when both have one, done without
when one lacks it and none requires it, and refused otherwise."""
import os
import re

from gateways import Keyway
from scenarios import scenario
from scenarios.steps import CB, bring_up, configure, demand, must_ping, sides, wait_for

KEY = "0x8e2b1f6d4c0a79e35b7fd1284c96ea03f57d20b8416ce93a7df5082b94c61ea7"
OTHER = "0x1111111111111111111111111111111111111111111111111111111111111111"
ROLES = ("initiator", "responder")


def _side(name=None, key=KEY, required=False, given=True):
    """What a side adds to its configuration: the PPK that it begins with, and the one that it has."""
    tree = {"connections": {"net": {"ppk_required": "yes" if required else "no"}}}
    if name:
        tree["connections"]["net"]["ppk_id"] = name
        if given:
            tree["secrets"] = {"ppk-lab": {"secret": key, "id": name}}
    return tree


def _used(gateway):
    return wait_for(f"{gateway.kind} to say whether a PPK is used", gateway.established, 5)[0].get("ppk") == "yes"


def _must_be_up(lab, role, used):
    bring_up(lab, role)
    must_ping(lab.net["ca"], CB)
    for g in (lab.a, lab.b):
        demand(_used(g) == used, f"{g.kind} says ppk = {_used(g)}, expected {used}")


def _must_fail(lab, role, words):
    """words: what one of Keyway's lines says, whoever decided."""
    mark = lab.a.log_mark()
    starter = lab.a if role == "initiator" else lab.b
    code, text = starter.initiate("net", seconds=40)
    demand(code, f"the tunnel came up: {text[-300:]}")
    demand(not lab.a.children() and not lab.b.children(), "and yet there is a child")
    return wait_for(f"a line of Keyway's with {words}",
                    lambda: [x for x in lab.a.log_since(mark).splitlines() if all(re.search(w, x) for w in words)], 5)[0]


def _each(role):
    @scenario(f"ppk.required-{role}", needs_keyway=True)
    def required(lab):
        configure(lab, extra_a=_side("vault", required=True), extra_b=_side("vault", required=True))
        _must_be_up(lab, role, True)
        for g in (lab.a, lab.b):  # the keys of rekeys come from SK_d
            g.rekey(child="net")
        wait_for("one child again", lambda: len(lab.a.children()) == 1, 10)
        must_ping(lab.net["ca"], CB)
        lab.a.rekey(ike="net")
        wait_for("the new IKE SA", lambda: len(lab.a.status()) == 1 and len(lab.a.established()) == 1 and _used(lab.a), 10)
        must_ping(lab.net["ca"], CB)
        return "up with the PPK, through rekeys of both kinds"

    @scenario(f"ppk.optional-{role}", needs_keyway=True)
    def optional(lab):
        configure(lab, extra_a=_side("vault"), extra_b=_side("vault"))
        _must_be_up(lab, role, True)
        return "up with the PPK"

    @scenario(f"ppk.optional-and-lacking-{role}", needs_keyway=True)
    def lacking(lab):
        configure(lab, extra_a=_side("vault"))
        _must_be_up(lab, role, False)
        lab.reset()
        configure(lab, extra_b=_side("vault"))
        _must_be_up(lab, role, False)
        lab.reset()
        theirs = _side("cellar", OTHER)
        if role == "initiator":  # as responder with a ppk_id strongSwan takes no other one, nor NO_PPK_AUTH
            del theirs["connections"]["net"]["ppk_id"]
        configure(lab, extra_a=_side("vault"), extra_b=theirs)
        _must_be_up(lab, role, False)
        demand("NO_PPK" in lab.b.log(), "there was no NO_PPK_AUTH")
        return "up without, when one has none, and when they know no name in common"

    @scenario(f"ppk.wrong-{role}", needs_keyway=True)
    def wrong(lab):
        configure(lab, extra_a=_side("vault"), extra_b=_side("vault", OTHER))
        if role == "initiator":
            _must_fail(lab, role, ["got AUTHENTICATION_FAILED", "PPK vault"])
        else:
            _must_fail(lab, role, ["does not have our shared secret", "the same PPK vault on both sides"])
        return "refused"

    @scenario(f"ppk.required-and-lacking-{role}", needs_keyway=True)
    def required_lacking(lab):
        configure(lab, extra_a=_side("vault", required=True))
        if role == "initiator":
            line = _must_fail(lab, role, ["the peer uses no PPK, and connection net requires one", r"swanctl\.conf:\d+"])
        else:
            line = _must_fail(lab, role, ["the peer uses no PPK, and connection net requires it", r"swanctl\.conf:\d+"])
        lab.reset()
        configure(lab, extra_a=_side("vault", required=True), extra_b=_side("cellar", OTHER))
        words = "got AUTHENTICATION_FAILED" if role == "initiator" else "a PPK that is not here"
        _must_fail(lab, role, [words, "PPK vault"])
        return f"refused: {line[-90:]}"


for each in ROLES:
    _each(each)


def _pad(path, content):
    with open(path, "wb", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
        f.write(content)
    return path


def _used_pieces(path):
    with open(path, "rb") as f:
        pad = f.read()
    return [i for i in range(len(pad) // 32) if not any(pad[32 * i:32 * i + 32])]


@scenario("ppk.pad-between-two-keyways", needs_keyway=True)
def pad(lab):
    """strongSwan has no pads. One end takes pieces from the start, the other from the end; one of them is killed."""
    content = bytes(1 + (i * 31 + i // 32) % 255 for i in range(32 * 64))
    paths = [_pad(f"{lab.work}/{end}.pad", content) for end in "ab"]
    lab.b.stop()
    b = Keyway(lab.net["gb"], os.path.join(lab.work, "keyway-b"), "gateway B")
    extras = [{"connections": {"net": {"ppk_id": "vault", "ppk_required": "yes"}},
               "secrets": {"ppk-lab": {"pad": path, "pad_from": end, "id": "vault"}}} for path, end in zip(paths, ("start", "end"))]
    try:
        (tree_a, files_a), (tree_b, files_b) = sides(certs=lab.certs, extra_a=extras[0], extra_b=extras[1])
        b.load(tree_b, files_b)
        lab.a.load(tree_a, files_a)
        for round_, starter in enumerate((lab.a, b, lab.a)):
            code, text = starter.initiate("net")
            demand(code == 0, f"{starter.name} could not bring the tunnel up: {text.strip()[-600:]}")
            must_ping(lab.net["ca"], CB)
            demand(_used(lab.a) and _used(b), "no PPK is used")
            want = ([0], [0, 63], [0, 1, 63])[round_]
            for path in paths:
                demand(_used_pieces(path) == want, f"pieces {_used_pieces(path)} of {path} were used, expected {want}")
            lab.a.kill()
            lab.a.start()
            b.kill()
            b.start()
        _pad(paths[0], bytes(32 * 64))
        code, text = lab.a.initiate("net")
        demand(code and "the pad is used up" in text, f"exit {code}: {text.strip()[-400:]}")
        demand(_used_pieces(paths[1]) == [0, 1, 63], "a piece was lost at the responder")
        return "three tunnels, each with a piece of its own, through kills of both ends; none with an empty pad"
    finally:
        b.stop(5)
        b.cleanup()
