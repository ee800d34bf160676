# SPDX-License-Identifier: Apache-2.0
"""The interop matrix, as data: which row negotiates what with whom.

ROWS is what the peer's userspace ESP can carry; KERNEL_ROWS run inside the User Mode Linux guest against the
kernel's ESP. `needs` names what the peer must have (as its own get-algorithms calls it); a row whose need the peer
lacks is tried all the same, listed with the peer's answer, and counted as lacking, never as passed.
"""
from dataclasses import dataclass, field, replace

from kin import PADDED


@dataclass(frozen=True)
class Row:
    name: str
    role: str = "initiator"  # Keyway's
    auth: str = "psk"
    ike: str = "aes256gcm16-prfsha256-x25519"
    esp: str = "aes256gcm16"
    inner: int = 4
    outer: int = 4
    is_short: bool = False  # Keyway's side is the short form of keyway.conf
    kernel: bool = False  # the peer uses the kernel's ESP
    dataplane: str = "user"  # Keyway's
    wire: str = ""  # what the wire must show: esp (protocol 50) or esp-udp; with Keyway at one end
    shuts_4500: bool = False  # a firewall between them drops UDP port 4500
    lengths: str = ""  # what packets must look like on the wire: compressed or padded
    rekeys: bool = False  # the child is rekeyed by either end, and carries everything again
    is_trapped: bool = False  # a packet brings the tunnel up, not a command
    shape: str = "plain"  # a topology; kernel rows only
    mode: str = ""  # transport or beet: see modes.py
    ports: str = ""  # tcp or udp: all that the selectors name
    needs: tuple = ()
    extra: dict = field(default_factory=dict, hash=False, compare=False)  # laid over both connections


AUTHS = ("psk", "rsa", "ecdsa", "ed25519")
CIPHERS = {
    "aes256gcm16": ("aes256gcm16-prfsha256-x25519", "aes256gcm16"),
    "aes256-sha256": ("aes256-sha256-x25519", "aes256-sha256"),
    "chacha20poly1305": ("chacha20poly1305-prfsha256-x25519", "chacha20poly1305"),
}
ROLES = ("initiator", "responder")


def _grid():
    for role in ROLES:
        for auth in AUTHS:
            for cipher, (ike, esp) in CIPHERS.items():
                for inner in (4, 6):
                    yield Row(f"{role}.{auth}.{cipher}.inner{inner}", role, auth, ike, esp, inner)


def _outer6():
    for role in ROLES:
        for inner in (4, 6):
            yield Row(f"{role}.psk.outer6.inner{inner}", role, inner=inner, outer=6)


# Encryption and integrity of ESP and of IKE at once: one proposal names them for both.
_ESP = {
    "aes128": ("AES_CBC",), "aes192": ("AES_CBC",), "aes256": ("AES_CBC",),
    "aes128ctr": ("AES_CTR",), "aes192ctr": ("AES_CTR",), "aes256ctr": ("AES_CTR",),
    "3des": ("3DES_CBC",),
}
_AEAD = {f"aes{bits}{mode}{icv}": (f"AES_{mode.upper()}_{icv}",)
         for mode in ("gcm", "ccm") for bits in (128, 192, 256) for icv in (8, 12, 16)}
_INTEG = {
    "sha1": "HMAC_SHA1_96", "sha256": "HMAC_SHA2_256_128", "sha384": "HMAC_SHA2_384_192",
    "sha512": "HMAC_SHA2_512_256", "md5": "HMAC_MD5_96", "aesxcbc": "AES_XCBC_96", "aescmac": "AES_CMAC_96",
}
_PRF = {
    "prfsha1": "PRF_HMAC_SHA1", "prfsha256": "PRF_HMAC_SHA2_256", "prfsha384": "PRF_HMAC_SHA2_384",
    "prfsha512": "PRF_HMAC_SHA2_512", "prfmd5": "PRF_HMAC_MD5", "prfaesxcbc": "PRF_AES128_XCBC",
    "prfaescmac": "PRF_AES128_CMAC",
}
_GROUP = {
    **{f"modp{bits}": f"MODP_{bits}" for bits in (768, 1024, 1536, 2048, 3072, 4096, 6144, 8192)},
    "ecp256": "ECP_256", "ecp384": "ECP_384", "ecp521": "ECP_521", "x448": "CURVE_448",
    "ecp224bp": "ECP_224_BP", "ecp256bp": "ECP_256_BP", "ecp384bp": "ECP_384_BP", "ecp512bp": "ECP_512_BP",
}
_AUTH = ("rsa-pss", "rsa4096", "ecdsa384", "ecdsa521", "ed448")


def _others():
    """One row for each algorithm that the grid does not have; the roles alternate."""
    rows = []

    def add(name, needs, **kw):
        rows.append(Row(f"{ROLES[len(rows) % 2]}.{name}", ROLES[len(rows) % 2], needs=needs, **kw))

    for word, names in _ESP.items():
        if word != "aes256":
            add(f"encr-{word}", tuple(("encryption", n) for n in names), ike=f"{word}-sha256-ecp256", esp=f"{word}-sha256")
    for word, names in _AEAD.items():
        if word != "aes256gcm16":
            add(f"aead-{word}", tuple(("aead", n) for n in names), ike=f"{word}-prfsha256-ecp256", esp=word)
    for word, name in _INTEG.items():
        if word != "sha256":
            add(f"integ-{word}", (("integrity", name),), ike=f"aes128-{word}-prfsha256-x25519", esp=f"aes128-{word}")
    for word, name in _PRF.items():
        if word != "prfsha256":
            add(f"{word}", (("prf", name),), ike=f"aes128gcm16-{word}-x25519")
    for word, name in _GROUP.items():
        add(f"group-{word}", (("ke", name),), ike=f"aes128gcm16-prfsha256-{word}")
    for auth in _AUTH:
        add(f"auth-{auth}", (), auth=auth)
    return rows


# Defaults against the peer's defaults.
SHORT = [Row(f"{role}.five-line-file", role, is_short=True, ike="default", esp="default") for role in ROLES]
ROWS = [*SHORT, *_grid(), *_outer6(), *_others()]


def _kernel():
    plain = {"kernel": True, "wire": "esp", "extra": {"encap": "no"}}
    auto = {"kernel": True, "wire": "esp-udp"}  # Keyway's default; the peer's is no
    for outer in (4, 6):
        for role in ROLES:
            yield Row(f"kernel.{role}.esp.outer{outer}", role, outer=outer, inner=outer, **plain)
            yield Row(f"kernel.{role}.esn.outer{outer}", role, outer=outer, inner=10 - outer, esp="aes256gcm16-esn",
                      **plain)
            yield Row(f"kernel.{role}.encap-auto.outer{outer}", role, outer=outer, inner=outer, **auto)
    for role in ROLES:
        yield Row(f"kernel.{role}.cbc-esn", role, esp="aes256-sha256-esn", **plain)
        yield Row(f"kernel.{role}.trap", role, is_trapped=True, **plain)
        # with MOBIKE the peer goes to port 4500 in any case
        yield Row(f"kernel.{role}.encap-auto.4500-shut", role, kernel=True, wire="esp", shuts_4500=True,
                  extra={"mobike": "no"})


def _child(**keys):
    return {"kernel": True, "extra": {"children": {"net": keys}}}


def _ah(proposal, **keys):
    return _child(ah_proposals=proposal, esp_proposals=None, **keys)


def _kin():
    for role in ROLES:
        for outer in (4, 6):
            yield Row(f"kernel.{role}.ipcomp.outer{outer}", role, outer=outer, inner=outer, wire="esp", lengths="compressed",
                      rekeys=outer == 4, **_child(ipcomp="yes"))
            # Keyway's default is ESP in UDP, the peer's is not
            yield Row(f"kernel.{role}.tfc.outer{outer}", role, outer=outer, inner=10 - outer, wire="esp-udp",
                      lengths="padded", rekeys=outer == 4, **_child(tfc_padding=PADDED))
            # AH cannot be in UDP: auto asks for none
            yield Row(f"kernel.{role}.ah.outer{outer}", role, outer=outer, inner=outer, wire="ah", rekeys=outer == 4, **_ah("sha256"))
            yield Row(f"kernel.{role}.ah-esn.outer{outer}", role, outer=outer, inner=10 - outer, wire="ah", **_ah("sha1-esn"))
    for i, word in enumerate(("sha384", "sha512", "aesxcbc", "aescmac", "md5")):
        for outer in (4, 6):
            role = ROLES[(i + outer // 2) % 2]
            yield Row(f"kernel.{role}.ah-{word}.outer{outer}", role, outer=outer, wire="ah", **_ah(word))
    for role in ROLES:
        for outer in (4, 6):
            yield Row(f"kernel.{role}.ah-transport.outer{outer}", role, mode="transport", outer=outer, inner=outer, wire="ah",
                      **_ah("sha256"))
        yield Row(f"kernel.{role}.ah-ipcomp", role, wire="ah", lengths="compressed", **_ah("sha256", ipcomp="yes"))


def _modes():
    """What userspace ESP of the peer does not have."""
    plain, bare = {"kernel": True, "wire": "esp"}, {"encap": "no"}
    for role in ROLES:
        for mode in ("transport", "beet"):
            for outer in (4, 6):
                yield Row(f"kernel.{role}.{mode}.outer{outer}", role, mode=mode, outer=outer, inner=outer, extra=bare, **plain)
            yield Row(f"kernel.{role}.{mode}.udp", role, mode=mode, kernel=True, wire="esp-udp")
        yield Row(f"kernel.{role}.transport.only-tcp", role, mode="transport", ports="tcp", extra=bare, **plain)
        yield Row(f"kernel.{role}.transport.only-udp", role, mode="transport", ports="udp", esp="aes256-sha256", extra=bare,
                  **plain)
        yield Row(f"kernel.{role}.beet.inner6.outer4", role, mode="beet", inner=6, outer=4, extra=bare, **plain)
        # who calls is behind the router
        yield Row(f"kernel.{role}.transport.nat", role, mode="transport", kernel=True, wire="esp-udp",
                  shape="nat" if role == "initiator" else "nat-b")


def _both_on_the_kernel(rows):
    """What the cells do not: packets that bring the tunnel up, rekeys by either side, lengths on the wire."""
    for row in rows:
        _, role, what = row.name.split(".", 2)
        if what in ("trap", "ipcomp.outer4", "tfc.outer4", "ah.outer4", "transport.outer4", "beet.outer4", "transport.nat"):
            wire = "esp" if what == "tfc.outer4" else row.wire  # only Keyway's own data plane asks for ESP in UDP
            yield replace(row, name=f"kernels.{role}.{what}", dataplane="kernel", wire=wire)


_BESIDE_USER = [*_kernel(), *_kin(), *_modes()]
KERNEL_ROWS = [*_BESIDE_USER, *_both_on_the_kernel(_BESIDE_USER)]
