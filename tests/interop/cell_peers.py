# SPDX-License-Identifier: Apache-2.0
"""The peers of the cells, one at a time in gateway B's place, with their kernel's ESP. Each keeps running from cell to cell:
load() gives it one connection, unload() takes it away with all that it has. Keyway is told in the same way: by vici."""
import base64
import os
import subprocess

import peers
from certs import NAME
from gateways import StrongSwan, TestingStrongSwan
from libreswan import Libreswan, sections
from net import LabError
from rows import PSK

CONNECTION, CHILD = "net", "net"


class Credentials:
    """What all cells share, made once: certificates and keys of both ends, as each dialect wants them."""

    def __init__(self, certs):
        self.certs = certs
        self.leaf = {"rsa": dict(zip("ab", certs.pair("rsa")))}
        # NSS has one name for all that have one subject
        self.leaf["ecdsa"] = {s: certs.leaf(f"{s}-cell-ecdsa", "ecdsa", "ec." + NAME[s], san=",DNS:" + NAME[s]) for s in "ab"}

    def read(self, name):
        with open(self.certs.path(name), "rb") as f:
            return f.read()

    def public(self, side):
        """SubjectPublicKeyInfo."""
        return _openssl("pkey", "-in", self.certs.path(self.leaf["rsa"][side] + ".key"), "-pubout", "-outform", "DER")

    def rfc3110(self, side):
        """As Libreswan's leftrsasigkey is written."""
        out = _openssl("rsa", "-in", self.certs.path(self.leaf["rsa"][side] + ".key"), "-noout", "-modulus").decode()
        modulus = bytes.fromhex(out.strip().split("=")[1])
        return "0s" + base64.b64encode(b"\x03\x01\x00\x01" + modulus).decode()

    def p12(self, kind, side):
        leaf = self.leaf[kind][side]
        path = self.certs.path(leaf + ".p12")
        _openssl("pkcs12", "-export", "-inkey", self.certs.path(leaf + ".key"), "-in", self.certs.path(leaf + ".pem"), "-certfile",
                 self.certs.path("ca.pem"), "-name", leaf, "-passout", "pass:lab", "-out", path)
        return path


def _openssl(*argv):
    return subprocess.run(["openssl", *argv], check=True, capture_output=True).stdout


def _demand(answer, what):
    if answer.get("success") != "yes":
        raise LabError(f"{what}: {answer.get('errmsg') or answer}")


def give_credentials(gateway, credentials, side):
    """Certificates, keys and the PSK, by vici; once for each start."""
    with gateway.vici() as v:
        _demand(v.request("load-cert", {"type": "X509", "flag": "CA", "data": credentials.read("ca.pem")}), "load-cert")
        for kind, leaf in credentials.leaf.items():
            _demand(v.request("load-key", {"type": "any", "data": credentials.read(leaf[side] + ".key")}), f"load-key {kind}")
        _demand(v.request("load-shared", {"id": "lab", "type": "ike", "data": PSK, "owners": list(NAME.values())}), "load-shared")


def connection(cell, side, places, credentials):
    """A connection as load-conn takes it. places: see Places of cell_run.py."""
    other = "b" if side == "a" else "a"
    # The only padding that Libreswan verifies beside PKCS #1's of SHA-1; it may choose the hash.
    is_pss = cell.auth != "psk" and cell.key == "rsa"
    plain = "psk" if cell.auth == "psk" else "pubkey"
    local = {"auth": "ike:rsa/pss-sha256" if is_pss else plain, "id": NAME[side]}
    remote = {"auth": "ike:rsa/pss-sha256-sha384-sha512" if is_pss else plain, "id": NAME[other]}
    if cell.auth == "cert":
        local["certs"] = [credentials.read(credentials.leaf[cell.key][side] + ".pem")]
    if cell.auth == "raw":
        local["pubkeys"], remote["pubkeys"] = [credentials.public(side)], [credentials.public(other)]
    child = {"local_ts": [places.ts(side)], "remote_ts": [places.ts(other)], "mode": cell.mode,
             cell.protocol + "_proposals": [cell.suite]}
    if cell.comp:
        child["ipcomp"] = "yes"
    out = {"version": "2", "local_addrs": [places.own[side]], "remote_addrs": [places.seen[other]], "proposals": ["aes256gcm16-prfsha256-x25519"],
           "mobike": "no", "send_cert": "always", "local-1": local, "remote-1": remote, "children": {CHILD: child}}
    if not cell.nat:
        out["encap"] = "yes" if cell.udp and side == "a" else "no"
    return {CONNECTION: out}


class SwanPeer:
    """A charon, told by vici."""

    def __init__(self, gateway):
        self.gateway, self.credentials = gateway, None

    @property
    def version(self):
        with self.gateway.vici() as v:
            return v.request("version").get("version", "?")

    def start(self, credentials):
        self.credentials = credentials
        self.gateway.start()
        give_credentials(self.gateway, credentials, "b")

    def load(self, cell, places):
        with self.gateway.vici() as v:
            _demand(v.request("load-conn", connection(cell, "b", places, self.credentials)), f"{self.gateway.kind}: load-conn")

    def unload(self):
        self.gateway.terminate_now()
        with self.gateway.vici() as v:
            v.request("unload-conn", {"name": CONNECTION})

    def initiate(self):
        return self.gateway.initiate(CONNECTION, CHILD, 10)

    def rekey(self, kind):
        self.gateway.rekey(**({"ike": CONNECTION} if kind == "ike" else {"child": CHILD}))

    def is_idle(self):
        return not self.gateway.status()

    def child(self):
        """Its status of the SA, as list-sas has it."""
        return next(iter(self.gateway.children()), None)

    def counted(self):
        return [(int(c["bytes-in"]), int(c["bytes-out"])) for c in self.gateway.children()]


# Of swanctl's words, Libreswan's
_WORDS = {"aesxcbc": "aes_xcbc", "sha256": "sha2_256", "sha384": "sha2_384", "sha512": "sha2_512", "chacha20poly1305": "chacha20_poly1305",
          "aescmac": "aes_cmac"}


def libreswan_suite(suite):
    out = []
    for word in suite.split("-"):
        if word == "esn":
            continue
        for mode in ("gcm", "ccm", "ctr"):
            if mode in word:
                bits, icv = word[3:6], word[6:].replace(mode, "")
                letter = {"8": "_a", "12": "_b", "16": "_c", "": ""}[icv]
                word = f"aes_{mode}{letter}{bits}" if letter in ("_a", "_b") else f"aes_{mode}{bits}"
                break
        out.append(_WORDS.get(word, word))
    return "-".join(out)


class PlutoPeer:
    """A pluto, told by addconn and whack, which both speak to its socket."""

    def __init__(self, gateway):
        self.gateway, self.credentials, self.nicks = gateway, None, {}

    @property
    def version(self):
        return self.gateway.version

    def start(self, credentials):
        g, self.credentials = self.gateway, credentials
        if not os.path.exists(g.nss + "/cert9.db"):
            _run(*g.program("certutil", "/usr/bin"), "-N", "-d", "sql:" + g.nss, "--empty-password")
            for kind in credentials.leaf:
                _run(*g.program("pk12util", "/usr/bin"), "-i", credentials.p12(kind, "b"), "-d", "sql:" + g.nss, "-W", "lab", "-K", "")
            listed = _run(*g.program("certutil", "/usr/bin"), "-L", "-d", "sql:" + g.nss)
            ca = next(line.rsplit(None, 1)[0].strip() for line in listed.splitlines() if "Lab CA" in line)
            _run(*g.program("certutil", "/usr/bin"), "-M", "-d", "sql:" + g.nss, "-n", ca, "-t", "CT,,")
        g.start({}, f'@{NAME["b"]} @{NAME["a"]} : PSK "{PSK}"\n')

    def _keys(self, cell, places):
        keys = {"left": places.own["b"], "leftid": "@" + NAME["b"], "right": places.seen["a"], "rightid": "@" + NAME["a"],
                "ikev2": "insist", "ike": "aes_gcm256-sha2_256-dh31", "phase2": cell.protocol, "type": cell.mode, "pfs": "no",
                ("esp" if cell.protocol == "esp" else "ah"): libreswan_suite(cell.suite), "esn": "yes" if "esn" in cell.suite else "no",
                "compress": "yes" if cell.comp else "no", "leftupdown": "%disabled", "auto": "ignore", "rekey": "no"}
        if cell.mode == "tunnel":
            keys |= {"leftsubnet": places.ts("b"), "rightsubnet": places.ts("a")}
        if not cell.nat:
            keys["encapsulation"] = "yes" if cell.udp else "auto"
        if cell.outer == 6:
            keys["hostaddrfamily"] = "ipv6"
        if cell.auth == "psk":
            keys["authby"] = "secret"
        else:
            keys["authby"] = "ecdsa" if cell.key == "ecdsa" else "rsasig"
        if cell.auth == "cert":
            keys["leftcert"] = self.credentials.leaf[cell.key]["b"]
        if cell.auth == "raw":
            keys |= {"leftrsasigkey": self.credentials.rfc3110("b"), "rightrsasigkey": self.credentials.rfc3110("a")}
        return keys

    def load(self, cell, places):
        g, path = self.gateway, os.path.join(self.gateway.dir, "cell.conf")
        with open(path, "w") as f:
            f.write(sections({CONNECTION: self._keys(cell, places)}))
        _run(*g.program("addconn"), "--config", path, "--ctlsocket", g.run + "/pluto.ctl", CONNECTION)

    def _whack(self, *argv):
        return _run(*self.gateway.program("whack"), "--rundir", self.gateway.run, *argv, check=False)

    def unload(self):
        self._whack("--name", CONNECTION, "--delete")

    def initiate(self):
        argv = [*self.gateway.program("whack"), "--rundir", self.gateway.run, "--name", CONNECTION, "--initiate"]
        try:
            p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
        except subprocess.TimeoutExpired as e:
            return 1, f"not up after 20 s: {(e.stdout or b'')[-600:]}"
        return p.returncode, p.stdout

    def rekey(self, kind):
        """4.10 has another word for the child."""
        word = "ike" if kind == "ike" else "child" if self.version.startswith("5") else "ipsec"
        self._whack("--name", CONNECTION, "--rekey-" + word)

    def is_idle(self):
        return "#" not in self._whack("--briefstatus")

    def child(self):
        return None  # trafficstatus names no algorithms: the kernel does

    def counted(self):
        return self.gateway.traffic()


def _run(*argv, check=True):
    try:
        p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        raise LabError(f"{os.path.basename(argv[3])} did not end within 60 s") from None
    if check and p.returncode:
        raise LabError(f"{os.path.basename(argv[3])}: exit {p.returncode}: {p.stdout.strip()[-400:]}")
    return p.stdout


def make(peer, node, folder):
    """The peer of that name, not yet started."""
    if peer == "strongswan-5.9":
        return SwanPeer(StrongSwan(node, folder, "gateway B", kernel=True))
    if peer == "strongswan-6.1":
        return SwanPeer(TestingStrongSwan(node, folder, "gateway B", kernel=True))
    fetch = peers.fetch_old_libreswan if peer == "libreswan-4.10" else peers.fetch_libreswan
    return PlutoPeer(Libreswan(node, folder, "gateway B", fetch))
