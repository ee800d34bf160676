# SPDX-License-Identifier: Apache-2.0
"""Raw public keys in place of certificates (RFC 7670): each kind of key, each in another format on Keyway's side, both
roles; and a key that is not the configured one."""
import base64
import os
import subprocess

from certs import NAME
from scenarios import scenario
from scenarios.steps import CB, bring_up, capture, dark, demand, must_ping, sides, topology, wait_for


def _openssl(*argv):
    return subprocess.run(["openssl", *argv], check=True, capture_output=True).stdout


def _spki(lab, leaf):
    path = lab.certs.path(leaf + ".pub")
    with open(path, "wb") as f:
        f.write(_openssl("pkey", "-in", lab.certs.path(leaf + ".key"), "-pubout"))
    return path


def _der(lab, leaf):
    path = lab.certs.path(leaf + ".pub.der")
    with open(path, "wb") as f:
        f.write(_openssl("pkey", "-in", lab.certs.path(leaf + ".key"), "-pubout", "-outform", "DER"))
    return path


def _rfc3110(lab, leaf):
    """0s and base64, as Libreswan's leftrsasigkey is written."""
    text = _openssl("rsa", "-in", lab.certs.path(leaf + ".key"), "-noout", "-modulus").decode()
    modulus = bytes.fromhex(text.strip().split("=")[1])
    return "0s" + base64.b64encode(b"\x03\x01\x00\x01" + modulus).decode()


def _openssh(lab, leaf):
    """An OpenSSH line, written by ssh-keygen from the public key."""
    out = subprocess.run(["ssh-keygen", "-i", "-m", "PKCS8", "-f", _spki(lab, leaf)], check=True, capture_output=True).stdout
    path = lab.certs.path(leaf + ".ssh")
    with open(path, "wb") as f:
        f.write(out)
    return path


# What Keyway is given of both ends: in the configuration, or as a file.
FORMS = {"rsa": _rfc3110, "ecdsa": _openssh, "ed25519": _der}


def _trees(lab, kind, form):
    a, b = lab.certs.pair(kind)
    (tree_a, _), (tree_b, _) = sides(auth="rsa", certs=lab.certs)
    files_a, files_b = {f"private/{a}.pem": lab.certs.path(a + ".key")}, {f"private/{b}.pem": lab.certs.path(b + ".key")}
    for tree, files, made, own, other in ((tree_a, files_a, form, a, b), (tree_b, files_b, _spki, b, a)):
        connection = tree["connections"]["net"]
        for side, leaf in (("local", own), ("remote", other)):
            value = made(lab, leaf)
            if value.startswith("/"):
                files[f"pubkey/{os.path.basename(value)}"] = value
                value = os.path.basename(value)
            host = NAME["a" if leaf == a else "b"]
            connection[side] = {"auth": "pubkey", "id": host, "pubkeys": value}
    return (tree_a, files_a), (tree_b, files_b)


def _load(lab, a, b):
    lab.b.load(*b)
    if lab.a.kind != "Keyway" and not lab.a.is_running():
        lab.a.start()
    lab.a.load(*a)


def _up(lab, kind, role):
    capture(lab)
    _load(lab, *_trees(lab, kind, FORMS[kind] if lab.a.kind == "Keyway" else _spki))
    bring_up(lab, role)
    must_ping(lab.net["ca"], CB)
    return f"{dark(lab)}"


def _register(kind, role):
    @scenario(f"raw-key.{kind}.{role}")
    def run(lab):
        return _up(lab, kind, role)


for _kind in FORMS:
    for _role in ("initiator", "responder"):
        _register(_kind, _role)


@scenario("raw-key.short-form", needs_keyway=True)
def short_form(lab):
    """A tunnel of keyway.conf: our private key, the peer's public one, and the addresses as identities."""
    a, b = lab.certs.pair("ed25519")
    (tree_a, files_a), (tree_b, files_b) = _trees(lab, "ed25519", _spki)
    tree_b["connections"]["net"]["local"]["id"] = topology.B4
    tree_b["connections"]["net"]["remote"]["id"] = topology.A4
    text = "\n".join(["tunnel net {", f"  peer = {topology.B4}", f"  key = {lab.certs.path(a + '.key')}",
                      f"  peer_pubkey = {lab.certs.path(b + '.pub')}", f"  local = {topology.NET[4][0]}",
                      f"  remote = {topology.NET[4][1]}", "  start = no }"]) + "\n"
    capture(lab)
    lab.b.load(tree_b, files_b)
    lab.a.load(None, {}, text)
    bring_up(lab)
    must_ping(lab.net["ca"], CB)
    return f"{dark(lab)}"


def _another(lab, role):
    a, b = _trees(lab, "ecdsa", FORMS["ecdsa"] if lab.a.kind == "Keyway" else _spki)
    stranger = lab.certs.leaf("another-ecdsa", "ecdsa", NAME["b"])
    tree, files = a
    path = _spki(lab, stranger)
    files["pubkey/another.pub"] = path
    tree["connections"]["net"]["remote"]["pubkeys"] = "another.pub"
    _load(lab, a, b)
    starter = lab.a if role == "initiator" else lab.b
    code, text = starter.initiate("net")
    demand(code != 0, f"a tunnel with another key than the configured one: {text}")
    wait_for("both ends to have nothing", lambda: not lab.a.children() and not lab.b.children(), 10)
    if lab.a.kind == "Keyway":
        demand("does not verify" in lab.a.log() or "raw public key" in lab.a.log(), "Keyway does not say why")
    return text.strip().splitlines()[-1]


@scenario("raw-key.another.initiator")
def another_initiator(lab):
    return _another(lab, "initiator")


@scenario("raw-key.another.responder")
def another_responder(lab):
    return _another(lab, "responder")
