# SPDX-License-Identifier: Apache-2.0
"""Several rounds of authentication (RFC 4739): a machine's certificate and then its user's secret, secrets of both
ends twice, and rounds that are wrong or missing. The secrets differ, so that none stands in for another."""
import re

from certs import NAME
from gateways import merged
from scenarios import scenario
from scenarios.refusals import AUTH, _initiate, _must_decide, _respond
from scenarios.steps import CB, bring_up, capture, configure, dark, demand, must_ping, up, wait_for

USER, SECOND = "user@keyway.test", "second.keyway.test"


def _secrets(*pairs):
    """One for each pair of identities: which is meant is clear at both ends, whoever is called first."""
    return {f"ike-{n}": {"id-x": x, "id-y": y, "secret": f"secret number {n}"} for n, (x, y) in enumerate(pairs)}


SECRETS = _secrets((NAME["a"], NAME["b"]), (USER, NAME["a"]), (USER, NAME["b"]), (USER, SECOND), (SECOND, NAME["b"]))


def _trees(first, rounds):
    """The side first proves itself in these rounds, the other one in one. rounds: sections of local."""
    trees = []
    for side in "ab":
        role = "local" if side == first else "remote"
        net = {f"{role}-{i + 2}": dict(r, round=i + 2) for i, r in enumerate(rounds)}
        net[role] = {"round": 1}
        trees.append({"connections": {"net": net}, "secrets": SECRETS})
    return trees


def _user_after_machine(lab, role):
    """The initiator's machine has a certificate, its user a secret."""
    first = "a" if role == "initiator" else "b"
    a, b = _trees(first, [{"auth": "psk", "id": USER}])
    capture(lab)
    up(lab, role, auth="rsa", extra_a=a, extra_b=b)
    if role == "responder":
        ids = {sa["remote-id"] for sa in lab.a.established()}
        demand(ids == {USER}, f"the peer is {ids} and not {USER}")
    return f"{dark(lab)}"


@scenario("rounds.certificate-then-secret.initiator")
def user_after_machine_initiator(lab):
    return _user_after_machine(lab, "initiator")


@scenario("rounds.certificate-then-secret.responder")
def user_after_machine_responder(lab):
    return _user_after_machine(lab, "responder")


def _secrets_everywhere(lab, role, own, its):
    """Keyway proves itself by secrets under these names, one after the other, the peer under those. The sections
    stand in their order, without numbers."""
    trees = []
    for local, remote in ((own, its), (its, own)):
        net = {"local": {"auth": "psk", "id": local[0], "certs": None}, "remote": {"auth": "psk", "id": remote[0]}}
        for prefix, names in (("local", local), ("remote", remote)):
            net |= {f"{prefix}-{i + 2}": {"auth": "psk", "id": name} for i, name in enumerate(names[1:])}
        trees.append({"connections": {"net": net}, "secrets": SECRETS})
    capture(lab)
    up(lab, role, auth="rsa", extra_a=trees[0], extra_b=trees[1])
    return f"{dark(lab)}"


@scenario("rounds.two-secrets.initiator")
def two_secrets_initiator(lab):
    return _secrets_everywhere(lab, "initiator", [NAME["a"], USER], [NAME["b"]])


@scenario("rounds.two-secrets.responder")
def two_secrets_responder(lab):
    return _secrets_everywhere(lab, "responder", [NAME["a"]], [NAME["b"], USER])


@scenario("rounds.two-secrets-at-both-ends.initiator", needs_keyway=True)
def both_twice_initiator(lab):
    """Not with strongSwan 5.9.8 as initiator: where both ends have two, it ends that after the first, with itself as
    responder, too."""
    return _secrets_everywhere(lab, "initiator", [NAME["a"], SECOND], [NAME["b"], USER])


def _responder_twice(lab, role):
    """The responder has a certificate and a secret."""
    first = "b" if role == "initiator" else "a"
    a, b = _trees(first, [{"auth": "psk", "id": USER}])
    capture(lab)
    up(lab, role, auth="rsa", extra_a=a, extra_b=b)
    return f"{dark(lab)}"


@scenario("rounds.responder-twice.initiator")
def responder_twice_initiator(lab):
    return _responder_twice(lab, "initiator")


@scenario("rounds.responder-twice.responder")
def responder_twice_responder(lab):
    return _responder_twice(lab, "responder")


def _with_wrong_secrets(tree):
    return merged(tree, {"secrets": {name: {"secret": "what somebody guessed"} for name in tree["secrets"]}})


@scenario("rounds.wrong-second.keyway-decides", needs_keyway=True)
def wrong_second_keyway(lab):
    a, b = _trees("b", [{"auth": "psk", "id": USER}])
    configure(lab, auth="rsa", extra_a=a, extra_b=_with_wrong_secrets(b))
    mark = _respond(lab)
    return _must_decide(lab, mark, [USER, "secret"])


@scenario("rounds.wrong-second.peer-decides", needs_keyway=True)
def wrong_second_peer(lab):
    a, b = _trees("a", [{"auth": "psk", "id": USER}])
    configure(lab, auth="rsa", extra_a=_with_wrong_secrets(a), extra_b=b)
    mark, text = _initiate(lab, AUTH)
    demand(re.search("in round 2 of authentication", lab.a.log_since(mark)), "the log does not name the round")
    return text.strip().splitlines()[-1]


@scenario("rounds.missing-second.keyway-decides", needs_keyway=True)
def missing_second(lab):
    """The peer has nothing but its certificate."""
    a, b = _trees("b", [{"auth": "psk", "id": USER}])
    del b["connections"]["net"]["local-2"]
    configure(lab, auth="rsa", extra_a=a, extra_b=b)
    mark = _respond(lab)
    return _must_decide(lab, mark, [r"round 2 of 2: identity " + USER])


@scenario("rounds.missing-second.at-the-peer", needs_keyway=True)
def missing_second_at_peer(lab):
    """The peer expects one round, and Keyway has two: it takes no part of that for all."""
    a, b = _trees("a", [{"auth": "psk", "id": USER}])
    del b["connections"]["net"]["remote-2"]
    configure(lab, auth="rsa", extra_a=a, extra_b=b)
    _, text = _initiate(lab, AUTH)
    return text.strip().splitlines()[-1]


# ---- INITIAL_CONTACT stands in the first IKE_AUTH, and counts when the last round is over

def _forgetful(lab, first, rounds=({"auth": "psk", "id": USER},)):
    """Whoever has the rounds is killed and started again; the other one makes room only for who says INITIAL_CONTACT."""
    a, b = _trees(first, rounds)
    trees = {"extra_a": a, "extra_b": b}
    judge = trees["extra_b" if first == "a" else "extra_a"]
    judge["connections"]["net"]["unique"] = "no"
    up(lab, "initiator" if first == "a" else "responder", auth="rsa", **trees)
    lost = lab.a if first == "a" else lab.b
    lost.kill()
    lost.start()
    return trees


@scenario("rounds.initial-contact.initiator", needs_keyway=True)
def contact_initiator(lab):
    trees = _forgetful(lab, "a")
    configure(lab, auth="rsa", **trees)
    bring_up(lab, "initiator")
    wait_for("the peer to have one IKE SA", lambda: len(lab.b.established()) == 1, 5, 0.1)
    must_ping(lab.net["ca"], CB)
    demand("N(INIT_CONTACT)" in lab.b.log(), "Keyway did not say INITIAL_CONTACT")
    return "one IKE SA at the peer"


@scenario("rounds.initial-contact.responder", needs_keyway=True)
def contact_responder(lab):
    trees = _forgetful(lab, "b")
    mark = lab.a.log_mark()
    configure(lab, auth="rsa", **trees)
    bring_up(lab, "responder")
    wait_for("Keyway to have one IKE SA", lambda: len(lab.a.established()) == 1, 5, 0.1)
    must_ping(lab.net["ca"], CB)
    log = lab.a.log_since(mark)
    last = log.find(f"round 2 of 2: the peer is {USER}")
    demand(0 < last < log.find("the peer has started anew"), "the old IKE SA did not go when the last round was over")
    return "one IKE SA at Keyway"


@scenario("rounds.initial-contact.wrong-second", needs_keyway=True)
def contact_wrong_second(lab):
    """Who has the machine's certificate alone takes nothing down."""
    trees = _forgetful(lab, "b")
    old = [sa["uniqueid"] for sa in lab.a.established()]
    configure(lab, auth="rsa", extra_a=trees["extra_a"], extra_b=_with_wrong_secrets(trees["extra_b"]))
    mark = lab.a.log_mark()
    code, _ = lab.b.initiate("net")
    demand(code != 0, "it got in")
    demand("N(INIT_CONTACT)" in lab.b.log() and f"{USER} does not have our shared secret" in lab.a.log_since(mark),
           "it was not refused for its second round")
    demand([sa["uniqueid"] for sa in lab.a.established()] == old, "the tunnel that was there is gone")
    return "the tunnel that was there stays"


@scenario("rounds.initial-contact.of-another-user", needs_keyway=True)
def contact_of_another_user(lab):
    """Two users of one machine, to one gateway: who comes second says INITIAL_CONTACT for itself alone."""
    trees = _forgetful(lab, "a")
    other = "other.user@keyway.test"
    for tree in trees.values():
        for section in ("local-2", "remote-2"):
            if section in tree["connections"]["net"]:
                tree["connections"]["net"][section]["id"] = other
        tree["secrets"] = SECRETS | _secrets((other, NAME["a"]), (other, NAME["b"]))
    configure(lab, auth="rsa", **trees)
    bring_up(lab, "initiator")
    users = sorted(sa["remote-id"] for sa in lab.b.established())
    demand(users == [other, USER], f"strongSwan has {users}")
    return "both users stay"
