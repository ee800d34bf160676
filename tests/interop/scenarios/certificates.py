# SPDX-License-Identifier: Apache-2.0
"""A certificate chain that no single datagram holds; a certificate at one end, a secret at the other."""
import pcap
from certs import NAME
from rows import PSK
from scenarios import scenario
from scenarios.steps import CB, bring_up, capture, dark, demand, must_ping, must_transfer, sides, up

SKF = 53  # RFC 7383: the encrypted fragment payload


def _fragments(path):
    """How many IKE fragments each address sent."""
    count = {}
    for _, frame in pcap.packets(path):
        kind, ip = pcap.classify(frame)
        if kind in ("ike", "ike-natt"):
            header = ip.payload[4:] if kind == "ike-natt" else ip.payload
            if len(header) > 16 and header[16] == SKF:
                count[str(ip.src)] = count.get(str(ip.src), 0) + 1
    return count


def _chain(lab, role):
    certs = lab.certs
    for side in "ab":  # each its own: nobody sends what the other's certificate request says it has
        certs.intermediate(f"{side}-inter1", padding=1800)
        certs.intermediate(f"{side}-inter2", issuer=f"{side}-inter1", padding=1800)
        certs.leaf(f"{side}-chain", "rsa", NAME[side], issuer=f"{side}-inter2", padding=600)
    (tree_a, _), (tree_b, _) = sides(auth="rsa", certs=certs)
    for side, tree in (("a", tree_a), ("b", tree_b)):
        tree["connections"]["net"]["local"]["certs"] = f"{side}-chain.pem"
    capture(lab)
    lab.b.load(tree_b, certs.files("b-chain", extra=("b-inter1", "b-inter2")))
    if lab.a.kind != "Keyway":
        lab.a.start()
    lab.a.load(tree_a, certs.files("a-chain", extra=("a-inter1", "a-inter2")))
    bring_up(lab, role)
    must_ping(lab.net["ca"], CB)
    must_transfer(lab.net["ca"], CB, 1_000_000)
    verdict = dark(lab)
    fragments = _fragments(lab.capture.path)
    demand(len(fragments) == 2 and all(n >= 3 for n in fragments.values()), f"IKE fragments seen: {fragments}")
    demand(not verdict.kinds["fragment"], f"{verdict.kinds['fragment']} IP fragments on the wire")
    return f"IKE fragments {fragments}, {verdict}"


@scenario("chain.fragmented.initiator")
def chain_initiator(lab):
    return _chain(lab, "initiator")


@scenario("chain.fragmented.responder")
def chain_responder(lab):
    return _chain(lab, "responder")


def _mixed(lab, role, has_secret):
    """One end proves itself with a secret, the other with a certificate."""
    secrets = {"ike-lab": {"id-a": NAME["a"], "id-b": NAME["b"], "secret": PSK}}
    trees = []
    for side in "ab":
        way = {"local" if side == has_secret else "remote": {"auth": "psk"}}
        trees.append({"connections": {"net": way}, "secrets": secrets})
    capture(lab)
    up(lab, role, auth="rsa", extra_a=trees[0], extra_b=trees[1])
    return f"{dark(lab)}"


@scenario("mixed.keyway-has-the-secret.initiator")
def mixed_secret_initiator(lab):
    return _mixed(lab, "initiator", "a")


@scenario("mixed.keyway-has-the-secret.responder")
def mixed_secret_responder(lab):
    return _mixed(lab, "responder", "a")


@scenario("mixed.keyway-has-the-certificate.initiator")
def mixed_certificate_initiator(lab):
    return _mixed(lab, "initiator", "b")


@scenario("mixed.keyway-has-the-certificate.responder")
def mixed_certificate_responder(lab):
    return _mixed(lab, "responder", "b")
