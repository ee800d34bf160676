# SPDX-License-Identifier: Apache-2.0
"""Redirection (RFC 5685) with strongSwan as client and as gateway. The gateway has two addresses on the wire and sends
its client from one to the other: in IKE_SA_INIT, in IKE_AUTH (as gateway strongSwan does neither without a plugin of its
own) and while the tunnel lives."""
import json
import os
import re
import time

from scenarios import scenario
from scenarios.steps import CB, PSK_OF, Flood, bring_up, configure, demand, must_ping, topology, wait_for

IDS = {"a": "a.redirect.test", "b": "b.redirect.test"}
SECOND = {"a": {4: "10.9.0.21", 6: "fd09::21"}, "b": {4: "10.9.0.22", 6: "fd09::22"}}
NAME = "second.gateway.test"


class second_address:
    """Of the gateway on the wire."""

    def __init__(self, lab, side):
        self.node, self.device = {"a": (lab.net["ga"], "w0"), "b": (lab.net["gb"], "w1")}[side]
        self.addresses = [SECOND[side][4] + "/24", SECOND[side][6] + "/64"]

    def __enter__(self):
        for a in self.addresses:
            self.node.ip("addr", "add", a, "dev", self.device, *(["nodad"] if ":" in a else []))

    def __exit__(self, *_):
        for a in self.addresses:
            self.node.ip("addr", "del", a, "dev", self.device)


def begin(lab, gateway, **more):
    """gateway: "a" (Keyway) or "b"."""
    extra = {}
    for me in "ab":
        side = {"local_addrs": "%any", "local": {"id": IDS[me]}, "remote": {"id": IDS["ab"[me == "a"]]}, "mobike": "no"}
        if me == gateway:
            side.update({"remote_addrs": "%any", **more})
        extra["extra_" + me] = {"connections": {"net": side}, **PSK_OF(IDS)}
    configure(lab, **extra)
    if more.get("redirect_when") != "auth":
        bring_up(lab, "responder" if gateway == "a" else "initiator")


def is_at(client, address):
    sas = client.established()
    return len(sas) == 1 and sas[0]["remote-host"] == address and len(client.children()) == 1


GONE = "gone"


def gone_or_at(client, address):
    """GONE, also when it ends while it is asked; else whether it is there."""
    try:
        return GONE if not client.is_running() else is_at(client, address)
    except (EOFError, OSError):
        return None


def must_be_at(lab, gateway, address):
    client = lab.b if gateway == "a" else lab.a
    wait_for(f"{client.kind} to be at {address}", lambda: is_at(client, address), 15, 0.2)
    server = lab.a if gateway == "a" else lab.b
    wait_for(f"{server.kind} to have one child", lambda: len(server.children()) == 1, 15, 0.2)
    must_ping(lab.net["ca"], CB)


def redirect(server, **request):
    with server.vici() as v:
        answer = v.request("redirect", request)
    demand(answer.get("success") == "yes" and answer.get("matches") == "1", f"{server.kind} did not redirect: {answer}")


@scenario("redirect.init-responder", needs_keyway=True)
def init_responder(lab):
    to = SECOND["a"][4]
    with second_address(lab, "a"):
        begin(lab, "a", redirect=to)
        must_be_at(lab, "a", to)
    return f"strongSwan went to {to}"


@scenario("redirect.auth-responder", needs_keyway=True)
def auth_responder(lab):
    """strongSwan 5.9 checks Keyway's AUTH, obeys, and as it begins anew it ends itself (double free, in its own task
    queue): what it did until then is in its log."""
    to = SECOND["a"][4]
    with second_address(lab, "a"):
        begin(lab, "a", redirect=to, redirect_when="auth")
        try:
            lab.b.initiate("net")
        except (EOFError, OSError):
            pass
        wait_for("strongSwan to obey", lambda: re.search(rf"initiating IKE_SA net\[\d+\] to {to}", lab.b.log()), 10, 0.2)
        if wait_for("strongSwan to be there, or to be gone", lambda: gone_or_at(lab.b, to), 15, 0.2) != GONE:
            return f"strongSwan went to {to}"
        lab.b.kill()
    demand(f"redirected to {to}" in lab.b.log(), "strongSwan does not say that it was redirected")
    return f"strongSwan turned to {to}, and crashed"


@scenario("redirect.established-responder", needs_keyway=True)
def established_responder(lab):
    to = SECOND["a"][4]
    with second_address(lab, "a"):
        begin(lab, "a")
        must_be_at(lab, "a", topology.A4)
        redirect(lab.a, **{"peer-id": IDS["b"], "gateway": to})
        must_be_at(lab, "a", to)
    return f"strongSwan went to {to}"


def sent_by(lab, address):
    """Keyway tells who sent the client here, in words and as JSON."""
    code, out, err = lab.a.cli("status", "net", "--json")
    ikes = json.loads(out)["connections"][0]["ike"] if code == 0 else []
    demand([i.get("redirected_from") for i in ikes if i["state"] == "ESTABLISHED"] == [address], f"keyway status: {out} {err}")
    demand(f"redirected by {address}" in lab.a.cli("status", "net")[1], "keyway status does not tell who redirected")


@scenario("redirect.command-responder", needs_keyway=True)
def command_responder(lab):
    """keyway redirect: who is meant, by name, address or identity; there and back."""
    to = SECOND["a"][4]
    with second_address(lab, "a"):
        begin(lab, "a")
        must_be_at(lab, "a", topology.A4)
        for argv, expected in ((("net",), 2), ((to,), 2), (("nobody", to), 4), (("net/net", to), 4), (("net", "gw;true"), 1),
                               (("--peer-ip", "192.0.2.0/24", to), 4), (("--peer-id", "*.other.test", "net", to), 4)):
            code, out, err = lab.a.cli("redirect", *argv)
            demand(code == expected and "keyway: " in err, f"keyway redirect {' '.join(argv)}: exit {code}, not {expected}: {out} {err}")
        must_be_at(lab, "a", topology.A4)
        number = lab.a.established()[0]["uniqueid"]
        took = []
        for old, new, argv in ((topology.A4, to, ("net",)), (to, topology.A4, ("--peer-id", "*.redirect.test")),
                               (topology.A4, to, ("--peer-ip", topology.B4 + "/31", "net"))):
            code, out, err = lab.a.cli("redirect", *argv, new, "--json")
            demand(code == 0 and json.loads(out)["clients"] == 1 and "1 client redirected" in err, f"keyway redirect: {code}: {out} {err}")
            start = time.monotonic()
            must_be_at(lab, "a", new)
            sent_by(lab, old)
            took.append(f"{time.monotonic() - start:.1f} s")
        code, out, err = lab.a.cli("redirect", "--ike-id", number, to)
        demand(code == 4, f"an IKE SA that is gone was redirected: {out} {err}")
    return "strongSwan went there, back and there again after " + ", ".join(took)


@scenario("redirect.swanctl-responder", needs_keyway=True)
def swanctl_responder(lab):
    """strongSwan's own swanctl --redirect, with Keyway's socket."""
    to = SECOND["a"][4]
    with second_address(lab, "a"):
        begin(lab, "a")
        code, out, err = lab.net["ga"].run("sh", "-c", f"{lab.b.command('swanctl')} --redirect --peer-ip {topology.B4} --gateway {to} "
                                           f"--uri unix://{lab.a.socket}",
                                           env={"STRONGSWAN_CONF": os.path.join(lab.b.dir, "strongswan.conf")})
        demand(code == 0, f"swanctl --redirect: exit {code}: {out} {err}")
        must_be_at(lab, "a", to)
    return f"{out.strip()}; strongSwan went to {to}"


@scenario("redirect.established-initiator", needs_keyway=True)
def established_initiator(lab):
    to = SECOND["b"][4]
    with second_address(lab, "b"):
        begin(lab, "b")
        must_be_at(lab, "b", topology.B4)
        flood = Flood(lab)
        redirect(lab.b, ike="net", gateway=to)
        must_be_at(lab, "b", to)
        sent_by(lab, topology.B4)
        lost = flood.must_lose_nothing()
    return f"Keyway went to {to}; {lost}"


@scenario("redirect.other-family-initiator", needs_keyway=True)
def other_family(lab):
    to = SECOND["b"][6]
    with second_address(lab, "b"):
        begin(lab, "b")
        redirect(lab.b, ike="net", gateway=to)
        must_be_at(lab, "b", to)
    return f"Keyway went to {to}"


@scenario("redirect.name-initiator", needs_keyway=True)
def by_name(lab):
    """Names that nobody knows are not followed, and the tunnel stays."""
    with second_address(lab, "b"):
        begin(lab, "b")
        redirect(lab.b, ike="net", gateway=NAME + ".invalid")
        wait_for("Keyway to say that it does not follow", lambda: "the name has no address" in lab.a.log(), 15, 0.2)
        must_be_at(lab, "b", topology.B4)
    return "a name without an address is not followed"


@scenario("redirect.refused-initiator", needs_keyway=True)
def refused(lab):
    """A client that follows nobody is not redirected."""
    with second_address(lab, "b"):
        lab.a.settings = {"follow_redirects": "no"}
        begin(lab, "b")
        with lab.b.vici() as v:
            v.request("redirect", {"ike": "net", "gateway": SECOND["b"][4]})
        must_be_at(lab, "b", topology.B4)
    return "stays where it is"
