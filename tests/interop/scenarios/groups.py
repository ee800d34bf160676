# SPDX-License-Identifier: Apache-2.0
"""Groups by attribute certificate (RFC 5755), which strongSwan's pki makes: strongSwan shows its own to Keyway, in both roles, and
Keyway its own to strongSwan. Debian's strongSwan cannot judge one (it is built without its acert plugin): that it
reads ours is all that it can be asked."""
import os
import re

import peers
from certs import NAME
from scenarios import scenario
from scenarios.refusals import CERTIFICATE, _initiate, _must_decide, _respond
from scenarios.steps import CB, bring_up, demand, must_ping, sides, wait_for


def _authority(lab):
    """Over attributes: a certificate of its own."""
    path = lab.certs.path
    if not os.path.exists(path("aa.pem")):
        lab.certs.pair("ecdsa")
        lab.certs.leaf("aa", "ecdsa", "aa.keyway.test")
    return path("aa.pem")


def _membership(lab, side, group, days="30"):
    """An attribute certificate that puts a side's certificate into a group; strongSwan's pki says so."""
    _authority(lab)
    path, out = lab.certs.path, os.path.join(lab.work, f"{side}-{group.replace(' ', '-')}{days}.ac")
    root, conf = peers.fetch_strongswan_pki(), os.path.join(lab.work, "pki.conf")
    open(conf, "w").close()
    dates = ["--not-before", "01.01.20 00:00:00", "--not-after", "01.02.20 00:00:00"] if days == "ended" else ["--lifetime", str(int(days) * 24)]
    words = ["--acert", "--in", path(f"{side}-ecdsa.pem"), "--issuercert", path("aa.pem"), "--issuerkey", path("aa.key"),
             "--group", f"'{group}'", *(f"'{d}'" for d in dates), "--outform", "pem"]
    code, text, err = lab.net["gb"].run("sh", "-c", f"mount --bind {root}/usr/lib/ipsec {peers.PLUGIN_DIR} && "
                                        f"exec {root}/usr/bin/pki {' '.join(words)}", env={"STRONGSWAN_CONF": conf})
    demand(code == 0 and "ATTRIBUTE CERTIFICATE" in text, f"pki --acert: {text[-300:]} {err[-300:]}")
    with open(out, "w") as f:
        f.write(text)
    return out


def _load(lab, groups=None, files_of_a=None, files_of_b=None, extra=None):
    demands = {"connections": {"net": {"remote": {"groups": groups}}}} if groups else None
    (tree_a, files_a), (tree_b, files_b) = sides(auth="ecdsa", certs=lab.certs, extra_a=demands or extra)
    if extra and demands:
        tree_a["connections"].update(extra["connections"])
    lab.b.load(tree_b, {**files_b, **(files_of_b or {})})
    lab.a.load(tree_a, {**files_a, "x509aa/aa.pem": _authority(lab), **(files_of_a or {})})


def _shown(lab, role):
    """strongSwan sends it with its certificate."""
    _load(lab, "finance, sales", None, {"x509ac/b.ac": _membership(lab, "b", "sales")})
    mark = lab.a.log_mark()
    bring_up(lab, role)
    must_ping(lab.net["ca"], CB)
    said = re.search(r"\S+ is in group 'sales', says an attribute certificate of .*", lab.a.log_since(mark))
    demand(said, "Keyway does not say which group it is")
    return said[0]


@scenario("groups.shown.initiator", needs_keyway=True)
def shown_initiator(lab):
    return _shown(lab, "initiator")


@scenario("groups.shown.responder", needs_keyway=True)
def shown_responder(lab):
    return _shown(lab, "responder")


def _attempt(lab, role):
    return _initiate(lab, CERTIFICATE)[0] if role == "initiator" else _respond(lab)


def _refused(lab, role):
    """Another group, then none, then one that has ended and lies at Keyway's."""
    who = f"CN={NAME['b']} is not shown to be in a group"
    _load(lab, "sales", None, {"x509ac/b.ac": _membership(lab, "b", "finance")})
    lines = [_must_decide(lab, _attempt(lab, role), (who, "with the groups 'finance'"))]
    _load(lab, "sales")
    lines.append(_must_decide(lab, _attempt(lab, role), (who, "none for it among 0")))
    _load(lab, "sales", {"x509ac/b.ac": _membership(lab, "b", "sales", "ended")})
    lines.append(_must_decide(lab, _attempt(lab, role), (who, "for 2020-01-01 00:00:00 UTC to 2020-02-01 00:00:00 UTC")))
    return f"{len(lines)} refusals; {lines[0]}"


@scenario("groups.refused.initiator", needs_keyway=True)
def refused_initiator(lab):
    return _refused(lab, "initiator")


@scenario("groups.refused.responder", needs_keyway=True)
def refused_responder(lab):
    return _refused(lab, "responder")


def _sent(lab, role):
    """Keyway sends its own, which strongSwan reads; the tunnel is up."""
    _load(lab, None, {"x509ac/a.ac": _membership(lab, "a", "sales"), "x509ac/b.ac": _membership(lab, "b", "sales")})
    mark = len(lab.b.log())
    bring_up(lab, role)
    must_ping(lab.net["ca"], CB)
    lines = [line for line in lab.b.log()[mark:].splitlines() if "attribute certificate" in line]
    demand(len(lines) == 1 and "aa.keyway.test" in lines[0], f"strongSwan's log: {lines}")
    return lines[0]


@scenario("groups.sent.initiator", needs_keyway=True)
def sent_initiator(lab):
    return _sent(lab, "initiator")


@scenario("groups.sent.responder", needs_keyway=True)
def sent_responder(lab):
    return _sent(lab, "responder")


@scenario("groups.two-connections.responder", needs_keyway=True)
def two_connections(lab):
    """A peer comes to the connection of its group, although another one stands before it."""
    other = sides(auth="ecdsa", certs=lab.certs, extra_a={"connections": {"net": {"remote": {"groups": "board"}}}})[0][0]
    _load(lab, "sales", None, {"x509ac/b.ac": _membership(lab, "b", "board")}, {"connections": {"board": other["connections"]["net"]}})
    mark = lab.a.log_mark()
    bring_up(lab, "responder")
    must_ping(lab.net["ca"], CB)
    said = wait_for("the other connection", lambda: re.search(r"connection board may take the peer instead of net", lab.a.log_since(mark)), 5)
    names = [name for name, _ in lab.a.status()]
    demand(names == ["board"], f"up: {names}")
    return said[0]
