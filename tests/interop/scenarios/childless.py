# SPDX-License-Identifier: Apache-2.0
"""IKE SAs without a first child (RFC 6023) with strongSwan, begun by either side."""
import re

from scenarios import scenario
from scenarios.steps import CB, bring_up, configure, demand, must_ping, one_child

ROLES = ("initiator", "responder")


def _side(how):
    return {"connections": {"net": {"childless": how}}}


def _auth_request(gateway):
    """strongSwan's line about the last IKE_AUTH request that began an IKE SA."""
    lines = re.findall(r"(?:parsed|generating) IKE_AUTH request 1 \[[^\]]*\]", gateway.log())
    demand(lines, "strongSwan shows no IKE_AUTH request")
    return lines[-1]


def _up(lab, role, ours, theirs, childless):
    configure(lab, extra_a=_side(ours), extra_b=_side(theirs))
    bring_up(lab, role)
    must_ping(lab.net["ca"], CB)
    one_child(lab.a)
    line = _auth_request(lab.b)
    demand((" TSi" not in line) == childless, f"childless is not {childless}: {line}")
    return line


def _each(role):
    def pair(ours, theirs):  # as the side that begins has it first
        return (ours, theirs) if role == "initiator" else (theirs, ours)

    @scenario(f"childless.force-{role}", needs_keyway=True)
    def force(lab):
        _up(lab, role, "force", "force", True)
        lab.a.rekey(child="net")
        must_ping(lab.net["ca"], CB)
        lab.a.rekey(ike="net")
        must_ping(lab.net["ca"], CB)
        return "up, and rekeyed, after an IKE_AUTH without a child"

    @scenario(f"childless.prefer-{role}", needs_keyway=True)
    def prefer(lab):
        if role == "initiator":
            _up(lab, role, "prefer", "allow", True)
            lab.reset()
            _up(lab, role, "prefer", "never", False)
            return "without a child where the other side takes it, else with one"
        _up(lab, role, "prefer", "force", True)  # strongSwan 5.9 knows no prefer
        lab.reset()
        _up(lab, role, "prefer", "allow", False)
        return "without a child where the initiator asks so, else with one"

    @scenario(f"childless.never-{role}", needs_keyway=True)
    def never(lab):
        configure(lab, **dict(zip(("extra_a", "extra_b"), map(_side, pair("force", "never")))))
        starter = lab.a if role == "initiator" else lab.b
        code, text = starter.initiate("net", seconds=40)
        demand(code, f"the tunnel came up: {text[-300:]}")
        demand(not lab.a.children() and not lab.b.children(), "and yet there is a child")
        return "refused"


for each in ROLES:
    _each(each)
