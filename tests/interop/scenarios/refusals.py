# SPDX-License-Identifier: Apache-2.0
"""Tunnels that must not come up, and what both ends say about it: `keyway up` exits with the class of the failure;
when Keyway decides, one line of its log says what, expected, got, the configuration line and what to try; when the
peer decides, Keyway says what it sent, the notify it received and its likely causes, and invents no expectation."""
import re

import topology
from certs import NAME
from rows import PSK
from scenarios import scenario
from scenarios.steps import demand, sides, wait_for

AUTH, PROPOSAL, UNREACHABLE, SELECTORS, CERTIFICATE = 5, 6, 7, 8, 9
TOLD = re.compile(r"expected .*got .*(swanctl|keyway)\.conf:\d+.*try", re.S)


def _net(**connection):
    return {"connections": {"net": connection}}


def _child(**child):
    return _net(children={"net": child})


def _load(lab, extra_a=None, extra_b=None, **kw):
    (tree_a, files_a), (tree_b, files_b) = sides(certs=lab.certs, extra_a=extra_a, extra_b=extra_b, **kw)
    lab.b.load(tree_b, files_b)
    lab.a.load(tree_a, files_a)


def _lines(lab, mark, word):
    return [line for line in lab.a.log_since(mark).splitlines() if re.search(word, line, re.I)]


def _must_decide(lab, mark, words):
    """One line with all five parts."""
    def found():
        return [line for line in lab.a.log_since(mark).splitlines()
                if TOLD.search(line) and all(re.search(w, line, re.I) for w in words)]
    line = wait_for(f"a line with expected, got, file:line, try and {words}", found, 5, 0.1)[0]
    return line


def _must_report(lab, mark, notify):
    """The peer decided: the notify by name, and nothing about what the peer expected."""
    lines = wait_for(f"a line that names {notify}", lambda: _lines(lab, mark, notify), 5, 0.1)
    demand(not any(re.search(r"peer expect", line) for line in lines), f"an invented expectation: {lines}")
    return lines[0]


def _initiate(lab, expected):
    mark = lab.a.log_mark()
    code, text = lab.a.initiate("net", seconds=60)
    demand(code == expected, f"keyway up: exit {code}, expected {expected}: {text.strip()[-600:]}")
    demand(re.search(r"got .*", text), f"keyway up does not end with the reason: {text.strip()[-300:]}")
    demand(not lab.a.children(), "and yet there is a child")
    return mark, text


def _respond(lab):
    """The peer initiates and fails."""
    mark = lab.a.log_mark()
    code, text = lab.b.initiate("net", seconds=8)
    demand(code, "the tunnel came up")
    demand(not lab.a.children(), "and yet there is a child")
    return mark


WRONG_PSK = {"secrets": {"ike-lab": {"secret": "another secret altogether"}}}


@scenario("refuse.wrong-psk.peer-decides", needs_keyway=True)
def wrong_psk_peer(lab):
    _load(lab, extra_b=WRONG_PSK)
    mark, _ = _initiate(lab, AUTH)
    return _must_report(lab, mark, "AUTHENTICATION_FAILED|AUTH_FAILED")


@scenario("refuse.wrong-psk.keyway-decides", needs_keyway=True)
def wrong_psk_keyway(lab):
    _load(lab, extra_b=WRONG_PSK)
    line = _must_decide(lab, _respond(lab), ())
    demand(PSK not in lab.a.log() and "another secret" not in lab.a.log(), "a secret is in the log")
    return line


@scenario("refuse.wrong-id.peer-decides", needs_keyway=True)
def wrong_id_peer(lab):
    _load(lab, extra_b=_net(remote={"id": "someone.else.test"}))
    mark, _ = _initiate(lab, AUTH)
    return _must_report(lab, mark, "AUTHENTICATION_FAILED|AUTH_FAILED")


@scenario("refuse.wrong-id.keyway-decides-as-initiator", needs_keyway=True)
def wrong_id_keyway(lab):
    """A pattern: the peer is not told what Keyway expects, so that it is Keyway that finds out."""
    (tree_a, files_a), (tree_b, files_b) = sides(auth="ecdsa", certs=lab.certs,
                                                 extra_a=_net(remote={"id": "*.else.test"}))
    lab.b.load(tree_b, files_b)
    lab.a.load(tree_a, files_a)
    mark, _ = _initiate(lab, AUTH)
    return _must_decide(lab, mark, (r"\*\.else\.test", NAME["b"]))


@scenario("refuse.wrong-id.asked-of-the-peer", needs_keyway=True)
def wrong_id_asked(lab):
    """Keyway asks for an identity that the peer does not have: the peer decides, Keyway says what it asked for."""
    _load(lab, extra_a={**_net(remote={"id": "someone.else.test"}),
                        "secrets": {"ike-lab": {"id-c": "someone.else.test"}}})
    mark, _ = _initiate(lab, AUTH)
    line = _must_report(lab, mark, "AUTHENTICATION_FAILED|AUTH_FAILED")
    demand(_lines(lab, mark, "someone.else.test"), f"the identity that we asked for is not named: {line}")
    return line


@scenario("refuse.wrong-id.keyway-decides", needs_keyway=True)
def wrong_id_keyway_responder(lab):
    _load(lab, extra_a=_net(remote={"id": "someone.else.test"}))
    return _must_decide(lab, _respond(lab), ("someone.else.test", topology.B4.replace(".", r"\.")))


@scenario("refuse.ike-proposal.peer-decides", needs_keyway=True)
def ike_proposal_peer(lab):
    _load(lab, extra_b=_net(proposals="aes128-sha384-modp3072"))
    mark, _ = _initiate(lab, PROPOSAL)
    return _must_report(lab, mark, "NO_PROPOSAL_CHOSEN|NO_PROP")


@scenario("refuse.ike-proposal.keyway-decides", needs_keyway=True)
def ike_proposal_keyway(lab):
    _load(lab, extra_b=_net(proposals="aes128-sha384-modp3072"))
    return _must_decide(lab, _respond(lab), ("AES_GCM_16", "AES_CBC"))


@scenario("refuse.esp-proposal.peer-decides", needs_keyway=True)
def esp_proposal_peer(lab):
    _load(lab, extra_b=_child(esp_proposals="aes128-sha512"))
    mark, _ = _initiate(lab, PROPOSAL)
    return _must_report(lab, mark, "NO_PROPOSAL_CHOSEN|NO_PROP")


@scenario("refuse.esp-proposal.keyway-decides", needs_keyway=True)
def esp_proposal_keyway(lab):
    _load(lab, extra_b=_child(esp_proposals="aes128-sha512"))
    return _must_decide(lab, _respond(lab), ("AES_GCM_16", "AES_CBC"))


@scenario("refuse.selectors.peer-decides", needs_keyway=True)
def selectors_peer(lab):
    _load(lab, extra_b=_child(local_ts="10.66.0.0/24"))
    mark, _ = _initiate(lab, SELECTORS)
    return _must_report(lab, mark, "TS_UNACCEPTABLE|TS_UNACCEPT")


@scenario("refuse.selectors.keyway-decides", needs_keyway=True)
def selectors_keyway(lab):
    _load(lab, extra_b=_child(remote_ts="10.66.0.0/24"))
    return _must_decide(lab, _respond(lab), (r"10\.66\.0\.0/24", r"10\.1\.0\.0/24"))


def _certificates(lab, leaf_a="a-ecdsa", leaf_b="b-ecdsa"):
    certs = lab.certs
    certs.pair("ecdsa")
    (tree_a, _), (tree_b, _) = sides(auth="ecdsa", certs=certs)
    tree_a["connections"]["net"]["local"]["certs"] = leaf_a + ".pem"
    tree_b["connections"]["net"]["local"]["certs"] = leaf_b + ".pem"
    lab.b.load(tree_b, certs.files(leaf_b))
    lab.a.load(tree_a, certs.files(leaf_a))


def _expired(lab, side):
    return lab.certs.leaf(f"{side}-expired", "ecdsa", NAME[side], days=-1)


def _untrusted(lab, side):
    return lab.certs.leaf(f"{side}-untrusted", "ecdsa", NAME[side], issuer=lab.certs.stranger())


@scenario("refuse.expired-certificate.keyway-decides", needs_keyway=True)
def expired_keyway(lab):
    _certificates(lab, leaf_b=_expired(lab, "b"))
    mark, _ = _initiate(lab, CERTIFICATE)
    return _must_decide(lab, mark, ("expired", "2020-02-01"))


@scenario("refuse.expired-certificate.peer-decides", needs_keyway=True)
def expired_peer(lab):
    _certificates(lab, leaf_a=_expired(lab, "a"))
    mark, _ = _initiate(lab, AUTH)
    return _must_report(lab, mark, "AUTHENTICATION_FAILED|AUTH_FAILED")


@scenario("refuse.expired-certificate.keyway-decides-as-responder", needs_keyway=True)
def expired_keyway_responder(lab):
    _certificates(lab, leaf_b=_expired(lab, "b"))
    mark = _respond(lab)
    return _must_decide(lab, mark, ("expired", "2020-02-01"))


@scenario("refuse.untrusted-certificate.keyway-decides", needs_keyway=True)
def untrusted_keyway(lab):
    _certificates(lab, leaf_b=_untrusted(lab, "b"))
    mark, _ = _initiate(lab, CERTIFICATE)
    return _must_decide(lab, mark, ("trust", "Nobody Knows Me CA"))


@scenario("refuse.untrusted-certificate.peer-decides", needs_keyway=True)
def untrusted_peer(lab):
    _certificates(lab, leaf_a=_untrusted(lab, "a"))
    mark, _ = _initiate(lab, AUTH)
    return _must_report(lab, mark, "AUTHENTICATION_FAILED|AUTH_FAILED")


@scenario("refuse.untrusted-certificate.keyway-decides-as-responder", needs_keyway=True)
def untrusted_keyway_responder(lab):
    _certificates(lab, leaf_b=_untrusted(lab, "b"))
    mark = _respond(lab)
    return _must_decide(lab, mark, ("trust", "Nobody Knows Me CA"))


@scenario("refuse.unreachable", needs_keyway=True)
def unreachable(lab):
    lab.a.settings = {"retransmit_timeout": "0.5", "retransmit_tries": "3"}  # the defaults take minutes
    _load(lab)
    lab.b.stop()
    mark, _ = _initiate(lab, UNREACHABLE)
    return wait_for("a line that names the peer", lambda: _lines(lab, mark, topology.B4.replace(".", r"\.")), 5)[-1]
