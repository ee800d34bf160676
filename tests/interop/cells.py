# SPDX-License-Identifier: Apache-2.0
"""The cells of the guest, as data: Keyway with each peer, in each role, on each data plane, by authentication and mode; and
what is asked for in each. cell_run.py runs them, table.py counts them beside the rows of matrix.py.

All identities are names (a.keyway.test, b.keyway.test), so that addresses are free to be anything.
"""
from dataclasses import asdict, dataclass

PEERS = {"strongswan-5.9": "strongSwan 5.9", "strongswan-6.1": "strongSwan 6.1", "libreswan-4.10": "Libreswan 4.10",
         "libreswan-5.2": "Libreswan 5.2"}
ROLES = ("initiator", "responder")  # Keyway's
PLANES = ("user", "kernel")  # Keyway's; the peers' is the kernel's in all of these
AUTHS = ("psk", "cert", "raw")
MODES = ("tunnel", "transport", "beet")
NONE_IN_PEER = "the peer has none"

IKE = "aes256gcm16-prfsha256-x25519"


@dataclass(frozen=True)
class Cell:
    peer: str
    role: str
    plane: str
    auth: str = "psk"
    mode: str = "tunnel"
    word: str = ""  # what it varies
    inner: int = 4
    outer: int = 4
    protocol: str = "esp"
    suite: str = "aes256gcm16"
    comp: bool = False
    udp: bool = False  # ESP in UDP, asked for or because of a NAT
    nat: bool = False  # who begins is behind one
    key: str = "rsa"  # of cert and raw
    rekeys: bool = False  # the child and the IKE SA, by either end, and no packet is lost
    lacks: str = ""  # why there is no such test

    @property
    def name(self):
        return ".".join(w for w in ("cell", self.peer, self.role, self.plane, self.auth, self.mode, self.word) if w)

    @property
    def shape(self):
        return "cells"


def facts(item):
    """Where an item of the lab stands in the table: a dict, or None for what is no cell."""
    if isinstance(item, Cell):
        return {k: v for k, v in asdict(item).items() if k in ("peer", "role", "plane", "auth", "mode", "outer", "lacks")}
    # no cells: scenarios, rows that ask for nothing, and rows with traffic in the clear beside ESP
    if not hasattr(item, "auth") or item.is_short or item.ports:
        return None
    return {"peer": "strongswan-5.9", "role": item.role, "plane": item.dataplane, "auth": "psk" if item.auth == "psk" else "cert",
            "mode": item.mode or "tunnel", "outer": item.outer, "lacks": ""}


def _is_swan(peer):
    return peer.startswith("strongswan")


def _grid():
    for peer in PEERS:
        for plane in PLANES:
            for role in ROLES:
                for auth in AUTHS:
                    for mode in MODES:
                        lacks = NONE_IN_PEER if mode == "beet" and not _is_swan(peer) else ""
                        yield Cell(peer, role, plane, auth, mode, lacks=lacks)


# word -> what differs from the grid's. Each in one role with each peer and plane, and the roles take turns.
VARIANTS = {
    "outer6": {"outer": 6, "inner": 6},
    "6-in-4": {"inner": 6},
    "4-in-6": {"outer": 6},
    "esn": {"suite": "aes256gcm16-esn"},
    "udp": {"udp": True},
    "nat": {"udp": True, "nat": True},
    "ah": {"protocol": "ah", "suite": "sha256"},
    "ipcomp": {"comp": True},
    "rekeys": {"rekeys": True},
    "ecdsa": {"auth": "cert", "key": "ecdsa"},
    "transport-outer6": {"mode": "transport", "outer": 6, "inner": 6},
    "transport-ah": {"mode": "transport", "protocol": "ah", "suite": "sha512"},
    "beet-outer6": {"mode": "beet", "outer": 6, "inner": 6},
}
BOTH_ROLES = ("rekeys",)  # on `kernel`
# Each with one of the peers on `user`, where it is Keyway's own, and with two of them on `kernel`, where its name matters.
CIPHERS = ("aes128gcm16", "aes192gcm16", "aes256gcm8", "aes256gcm12", "aes256ccm16", "aes128ccm8", "chacha20poly1305", "aes128-sha1",
           "aes192-sha384", "aes256-sha256-esn", "aes256-sha512", "aes128ctr-sha256", "aes256ctr-sha512", "3des-sha1",
           "aes128-aesxcbc", "aes128-aescmac", "aes128-md5")
SWAN_ONLY = ("aes128-aescmac", "aes128-md5")


def _variants():
    for p, peer in enumerate(PEERS):
        for q, plane in enumerate(PLANES):
            for i, (word, keys) in enumerate(VARIANTS.items()):
                if not _is_swan(peer) and keys.get("mode") == "beet":
                    continue
                for role in ROLES if word in BOTH_ROLES and plane == "kernel" else (ROLES[(i + p + q) % 2],):
                    yield Cell(peer, role, plane, word=word.split("-", 1)[1] if "mode" in keys else word, **keys)


def _ciphers():
    names = list(PEERS)
    for plane, times in zip(PLANES, (1, 2)):
        for i, suite in enumerate(CIPHERS):
            have = names if suite not in SWAN_ONLY else [n for n in names if _is_swan(n)]
            for n in range(times):
                # the first kind of peer, then the other
                yield Cell(have[(i + n * (len(have) // 2)) % len(have)], ROLES[(i // 2 + n) % 2], plane, word=suite, suite=suite)


def _ordered(cells):
    """Peer by peer, and plane by plane: so daemons stay up."""
    return sorted(cells, key=lambda c: (list(PEERS).index(c.peer), PLANES.index(c.plane)))


CELLS = _ordered([*_grid(), *_variants(), *_ciphers()])
