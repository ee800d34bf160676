# SPDX-License-Identifier: Apache-2.0
"""OCSP responses in IKE (RFC 4806) with a strongSwan that has them, 6.1 of Debian testing: Keyway sends one about its own
certificate, which it fetched before; strongSwan sends one, and Keyway needs no responder of its own."""
from scenarios import scenario
from scenarios.hybrid import newer_peer
from scenarios.refusals import CERTIFICATE, _initiate, _must_decide, _respond
from scenarios.revocation import OCSP_POINT, OCSP_PORT, Authority
from scenarios.steps import CB, bring_up, demand, must_ping, sides, wait_for

PLUGINS = " constraints revocation curl"


def _load(lab, authority, ocsp_a, ocsp_b, policy_a="relaxed", policy_b="relaxed"):
    """authority: of a's certificate or of b's."""
    connection = {"ocsp": ocsp_a, "remote": {"revocation": policy_a}}
    (tree_a, files_a), (tree_b, files_b) = sides(auth="ecdsa", certs=lab.certs, extra_a={"connections": {"net": connection}},
                                                 extra_b={"connections": {"net": {"ocsp": ocsp_b, "remote": {"revocation": policy_b}}}})
    files = {f"x509/{authority.name}.pem": authority.cert, f"private/{authority.name}.pem": authority.key}
    if authority.side == "a":
        tree_a["connections"]["net"]["local"]["certs"] = f"{authority.name}.pem"
        files_a = {**{k: v for k, v in files_a.items() if "x509ca" in k}, **files}
    else:
        tree_b["connections"]["net"]["local"]["certs"] = f"{authority.name}.pem"
        files_b = {**{k: v for k, v in files_b.items() if "x509ca" in k}, **files}
    lab.b.load(tree_b, files_b)
    lab.a.load(tree_a, files_a)


def _sent(lab, role):
    """The response is there before the peer comes, and the responder is gone by then."""
    authority = Authority(lab, "a-staple", OCSP_POINT, "a")
    authority.serve_ocsp()
    with newer_peer(lab, PLUGINS) as peer:
        mark = lab.a.log_mark()
        _load(lab, authority, "reply", "request", policy_b="strict")
        wait_for("the response about our certificate", lambda: "about our certificate" in lab.a.log_since(mark), 10)
        authority.responder.stop()
        mark = len(peer.log())
        bring_up(lab, role)
        must_ping(lab.net["ca"], CB)
        lines = [line for line in peer.log()[mark:].splitlines() if "ocsp" in line.lower()]
        demand(any("received OCSP" in line for line in lines), f"strongSwan's log: {lines}")
        lab.a.terminate("net")
        with peer.vici() as v:
            v.request("flush-certs", {})
        _load(lab, authority, "never", "request", policy_b="strict")
        code = lab.a.initiate("net", seconds=20)[0] if role == "initiator" else peer.initiate("net", seconds=12)[0]
        demand(code and not lab.a.children(), "strongSwan is strict, and takes us without a response")
        return f"strongSwan {peer.version}: {[line for line in lines if 'received OCSP' in line][0]}"


@scenario("staple.sent.initiator", needs_keyway=True)
def sent_initiator(lab):
    return _sent(lab, "initiator")


@scenario("staple.sent.responder", needs_keyway=True)
def sent_responder(lab):
    return _sent(lab, "responder")


def _received(lab, role):
    """strongSwan asks its responder, and Keyway, which is strict and has none, takes what it sends; then it is not sent."""
    authority = Authority(lab, "b-staple", OCSP_POINT)
    authority.serve_ocsp("gb")
    with newer_peer(lab, PLUGINS) as peer:
        _load(lab, authority, "request", "reply", policy_a="strict")
        bring_up(lab, role)
        must_ping(lab.net["ca"], CB)
        sent = [line for line in peer.log().splitlines() if "ocsp" in line.lower() and "sending" in line]
        lab.a.terminate("net")
        _load(lab, authority, "never", "reply", policy_a="strict")
        lab.a.stop()  # which had it in memory
        lab.a.start()
        mark = _initiate(lab, CERTIFICATE)[0] if role == "initiator" else _respond(lab)
        _must_decide(lab, mark, ("not known whether", f"nothing from http://127.0.0.1:{OCSP_PORT}"))
        return f"strongSwan {peer.version}: {sent[:2]}"


@scenario("staple.received.initiator", needs_keyway=True)
def received_initiator(lab):
    return _received(lab, "initiator")


@scenario("staple.received.responder", needs_keyway=True)
def received_responder(lab):
    return _received(lab, "responder")


@scenario("staple.not-asked", needs_keyway=True)
def not_asked(lab):
    """strongSwan 5.9.8 does not know it: it does not ask, and nothing is sent."""
    authority = Authority(lab, "a-staple", OCSP_POINT, "a")
    authority.serve_ocsp()
    mark = lab.a.log_mark()
    _load(lab, authority, "both", None)
    wait_for("the response about our certificate", lambda: "about our certificate" in lab.a.log_since(mark), 10)
    mark = len(lab.b.log())
    bring_up(lab, "initiator")
    must_ping(lab.net["ca"], CB)
    lines = [line for line in lab.b.log()[mark:].splitlines() if "ocsp" in line.lower()]
    demand(not lines, f"strongSwan's log: {lines}")
    return "nothing was sent"
