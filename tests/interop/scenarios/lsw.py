# SPDX-License-Identifier: Apache-2.0
"""Libreswan in gateway B's place, with the kernel's ESP: all of it runs in the guest. Its 5.2 has no ML-KEM."""
import contextlib
import itertools
import os

import peers
from gateways import merged
from libreswan import NAME, Libreswan
from rows import PSK
from scenarios import scenario
from scenarios.steps import CA, CB, capture, dark, demand, must_ping, must_transfer, sides, topology, wait_for

ROLES = ("initiator", "responder")
SIZE = 1_000_000
KEYS = {"left": topology.B4, "leftsubnet": topology.NET[4][1], "right": topology.A4, "rightsubnet": topology.NET[4][0],
        "keyexchange": "ikev2", "ike": "aes_gcm256-sha2_256-dh31", "esp": "aes_gcm256;dh31", "leftupdown": "%disabled",
        "auto": "ignore"}
SECRET = f'{topology.A4} {topology.B4} : PSK "{PSK}"\n'


@contextlib.contextmanager
def peer(lab, extra_a=None, keys=None, secrets=SECRET, fetch=peers.fetch_libreswan):
    """Both ends with their configuration, nothing begun."""
    lab.b.stop()
    b = Libreswan(lab.net["gb"], os.path.join(lab.work, f"libreswan-{fetch.__name__}"), "gateway B", fetch)
    capture(lab)
    try:
        b.start({NAME: merged(KEYS, keys or {"authby": "secret"})}, secrets)
        (tree, files), _ = sides(esp="aes256gcm16-x25519", extra_a=extra_a)
        lab.a.load(tree, files)
        yield b
    finally:
        b.stop(5)


def begin(lab, b, role):
    starter = lab.a if role == "initiator" else b
    code, text = starter.initiate(NAME)
    demand(code == 0, f"{starter.kind} could not bring the tunnel up (exit {code}): {text.strip()[-600:]}")


def carry(lab, b, role):
    """Begun by who plays the role, it carries traffic."""
    begin(lab, b, role)
    works(lab, b)


def works(lab, b):
    must_ping(lab.net["ca"], CB)
    must_ping(lab.net["cb"], CA)
    must_transfer(lab.net["ca"], CB, SIZE)
    demand(any(i > SIZE and o > SIZE for i, o in b.traffic()), f"Libreswan's counters do not hold the transfer: {b.traffic()}")


NOBODY = {"auth": "null", "id": None}
NULL_A = {"connections": {"net": {"local": NOBODY, "remote": NOBODY,
                                  "children": {"net": {"local_ts": "dynamic", "remote_ts": "dynamic"}}}}, "secrets": None}
NULL_B = {"authby": "null", "leftid": "%null", "rightid": "%null", "leftsubnet": None, "rightsubnet": None}
RESUMES = {"connections": {"net": {"session_resumption": "yes", "dpd_delay": "2s",
                                   "children": {"net": {"dpd_action": "restart"}}}}}
TICKETS = {"connections": {"net": {"session_resumption": "yes"}}}
PPK_NAME, PPK = "vault", "forty-four characters that nobody can guess!"
PPK_A = {"connections": {"net": {"ppk_id": PPK_NAME, "ppk_required": "yes"}},
         "secrets": {"ppk-lab": {"secret": PPK, "id": PPK_NAME}}}
PPK_SECRET = SECRET + f'{topology.A4} {topology.B4} : PPKS "{PPK_NAME}" "{PPK}"\n'


def one(lab):
    sas = lab.a.established()
    demand(len(sas) == 1, f"Keyway has {len(sas)} IKE SAs")
    return sas[0]


def number(lab, kind):
    """Of Keyway's one IKE SA or its one child; None while there are two."""
    sas = lab.a.established()
    if kind == "ike":
        return sas[0]["initiator-spi"] if len(sas) == 1 else None
    children = lab.a.children()
    return children[0]["spi-in"] if len(children) == 1 else None


def rekeys(lab, b):
    """The child and the IKE SA, by either end."""
    for kind, gateway in itertools.product(("child", "ike"), (lab.a, b)):
        old = number(lab, kind)
        gateway.rekey(**{kind: NAME})
        wait_for(f"{gateway.kind}'s rekey of the {kind}", lambda k=kind, o=old: number(lab, k) not in (None, o), 15)
        must_ping(lab.net["ca"], CB)
        must_ping(lab.net["cb"], CA)


def _each(role):
    @scenario(f"lsw.psk.{role}", needs_keyway=True, in_guest=True)
    def psk(lab):
        with peer(lab) as b:
            carry(lab, b, role)
            rekeys(lab, b)
            return f"Libreswan {b.version}; {dark(lab)}"

    @scenario(f"lsw.null.{role}", needs_keyway=True, in_guest=True)
    def null(lab):
        """Both are nobody, and so the child is for the gateways themselves."""
        with peer(lab, NULL_A, NULL_B, "") as b:
            begin(lab, b, role)
            must_ping(lab.net["ga"], topology.B4)
            must_ping(lab.net["gb"], topology.A4)
            return f"{dark(lab)}"

    @scenario(f"lsw.ppk.{role}", needs_keyway=True, in_guest=True)
    def ppk(lab):
        with peer(lab, PPK_A, {"authby": "secret", "ppk": "insist"}, PPK_SECRET) as b:
            carry(lab, b, role)
            demand(one(lab).get("ppk") == "yes", "Keyway says that no PPK is used")
            return f"{dark(lab)}"


def wire(lab, word):
    lab.net["wire"].ip("link", "set", "wa", word)


def demand_resumed(lab, mark):
    """Libreswan sends no NAT detection then: ESP goes as protocol 50."""
    demand(one(lab).get("resumed") == "yes", "the session was not resumed: a full exchange took its place")
    demand("protocol 50: the peer says nothing of NATs, and there was none" in lab.a.log_since(mark),
           "the log does not say how ESP goes")


@scenario("lsw.ticket.initiator", needs_keyway=True, in_guest=True)
def ticket_initiator(lab):
    """The wire is down until Keyway has given Libreswan up; it comes back with the ticket that Libreswan gave. Libreswan 5.2
    has AUTH cover the first message alone and refuses RFC 5723's: Keyway presents the ticket once more with the other."""
    with peer(lab, RESUMES, {"authby": "secret", "session-resumption": "yes"}) as b:
        carry(lab, b, "initiator")
        demand(one(lab).get("ticket") == "yes", "no ticket was given")
        mark = lab.a.log_mark()
        wire(lab, "down")
        try:
            wait_for("Keyway to give Libreswan up", lambda: not lab.a.established(), 60, 0.2)
        finally:
            wire(lab, "up")
        lab.a.wait_up(30)
        works(lab, b)
        demand_resumed(lab, mark)
        begun = [line for line in lab.a.log_since(mark).splitlines() if "initiating IKE SA" in line]
        demand(len(begun) == 2 and all("resuming a session" in line for line in begun),
               f"not two attempts with the ticket, but {begun}")
        return f"{dark(lab)}"


@scenario("lsw.ticket.responder", needs_keyway=True, in_guest=True)
def ticket_responder(lab):
    """Libreswan puts its session aside, and nobody hears that it deletes it; it comes back with the ticket that Keyway gave
    it, and an AUTH over its first message alone."""
    with peer(lab, TICKETS, {"authby": "secret", "session-resumption": "yes"}) as b:
        carry(lab, b, "responder")
        mark, old = lab.a.log_mark(), one(lab)["uniqueid"]
        wire(lab, "down")
        try:
            code, text = b.whack("--suspend", "--name", NAME)
            demand(code == 0, f"Libreswan did not suspend: {text}")
        finally:
            wire(lab, "up")
        b.initiate(NAME)
        wait_for("another IKE SA with a child", lambda: [sa["uniqueid"] for sa in lab.a.established()] not in ([], [old]) and
                 len(lab.a.established()) == 1 and lab.a.children(), 20, 0.1)
        works(lab, b)
        demand_resumed(lab, mark)
        refused = [word for word in ("refused", "does not have the keys") if word in lab.a.log_since(mark)]
        demand(not refused, "something was refused on the way")
        return f"{dark(lab)}"


for _role in ROLES:
    _each(_role)
