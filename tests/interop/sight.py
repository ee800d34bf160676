# SPDX-License-Identifier: Apache-2.0
"""What a peer says of an SA, in one form: what was asked for, what its status (vici's list-sas) says, and what its kernel
(`ip xfrm state`) holds. Each is a dict of protocol, mode, encr, bits, integ, esn, comp, udp; names as vici has them."""
import re

from net import LabError

INTEG = {"sha1": "HMAC_SHA1_96", "sha256": "HMAC_SHA2_256_128", "sha384": "HMAC_SHA2_384_192", "sha512": "HMAC_SHA2_512_256",
         "md5": "HMAC_MD5_96", "aesxcbc": "AES_XCBC_96", "aescmac": "AES_CMAC_96"}
_AES = re.compile(r"(aes|camellia)(128|192|256)(?:(gcm|ccm)(8|12|16)|(ctr))?$")
# The kernel's name -> (vici's, bits of the key that are a salt)
_AEAD = {"rfc4106(gcm(aes))": ("AES_GCM", 32), "rfc4309(ccm(aes))": ("AES_CCM", 24),
         "rfc7539esp(chacha20,poly1305)": ("CHACHA20_POLY1305", 32)}
_ENC = {"cbc(aes)": ("AES_CBC", 0), "rfc3686(ctr(aes))": ("AES_CTR", 32), "cbc(des3_ede)": ("3DES_CBC", 0),
        "cbc(camellia)": ("CAMELLIA_CBC", 0), "ecb(cipher_null)": ("NULL", 0)}
_AUTH = {"hmac(sha1)": "HMAC_SHA1_", "hmac(sha256)": "HMAC_SHA2_256_", "hmac(sha384)": "HMAC_SHA2_384_",
         "hmac(sha512)": "HMAC_SHA2_512_", "hmac(md5)": "HMAC_MD5_", "xcbc(aes)": "AES_XCBC_", "cmac(aes)": "AES_CMAC_"}
_NO_BITS = ("3DES_CBC", "CHACHA20_POLY1305", "NULL", None)  # keys of one size, which nobody negotiates


def _encryption(word):
    if word == "chacha20poly1305":
        return "CHACHA20_POLY1305", None
    if word in ("3des", "null"):
        return {"3des": "3DES_CBC", "null": "NULL"}[word], None
    m = _AES.match(word)
    if not m:
        return None
    cipher, bits, aead, icv, ctr = m.groups()
    name = f"AES_{aead.upper()}_{icv}" if aead else f"{cipher.upper()}_{'CTR' if ctr else 'CBC'}"
    return name, int(bits)


def asked(proposal, protocol="esp", mode="tunnel", comp=False, udp=False):
    """Of a proposal as swanctl.conf writes it: aes256gcm16-esn."""
    out = {"protocol": protocol, "mode": mode, "encr": None, "bits": None, "integ": None, "esn": False, "comp": comp, "udp": udp}
    for word in proposal.split("-"):
        if word == "esn":
            out["esn"] = True
        elif word in INTEG:
            out["integ"] = INTEG[word]
        elif _encryption(word):
            out["encr"], out["bits"] = _encryption(word)
    if not (out["encr"] or out["integ"]):
        raise LabError(f"what is asked for with {proposal}?")
    return out


def of_status(child):
    """A child-sa of list-sas."""
    encr = child.get("encr-alg")
    return {"protocol": child.get("protocol", "").lower(), "mode": child.get("mode", "").lower().split("_")[0], "encr": encr,
            "bits": None if encr in _NO_BITS else int(child.get("encr-keysize", 0)),
            "integ": child.get("integ-alg"), "esn": child.get("esn") in ("1", "yes"), "comp": "cpi-in" in child,
            "udp": child.get("encap") in ("1", "yes")}


def _algorithm(words, out):
    kind, name, key = words[:3]
    bits = (len(key) - 2) * 4
    if kind == "aead" and name in _AEAD:
        encr, salt = _AEAD[name]
        out["encr"] = f"{encr}_{int(words[3]) // 8}" if encr.startswith("AES") else encr
    elif kind == "enc" and name in _ENC:
        out["encr"], salt = _ENC[name]
    elif kind in ("auth-trunc", "auth") and name in _AUTH:
        out["integ"] = _AUTH[name] + (words[3] if kind == "auth-trunc" else "96")
        return
    else:
        out["encr"] = f"{kind} {name}"
        return
    out["bits"] = None if out["encr"] in _NO_BITS else bits - salt


def states(text):
    """[SA] of `ip xfrm state`, each with src, dst and spi beside what it is."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if line.startswith("src "):
            found.append({"src": words[1], "dst": words[3], "protocol": "", "mode": "", "encr": None, "bits": None, "integ": None,
                          "esn": False, "udp": False})
            continue
        if not words or not found:
            continue
        sa = found[-1]
        if words[0] == "proto":
            sa |= {"protocol": words[1], "spi": int(words[3], 16), "mode": words[words.index("mode") + 1]}
        elif words[0] in ("aead", "enc", "auth-trunc", "auth") and len(words) > 2:
            _algorithm(words, sa)
        elif words[0] == "replay-window" or words[0] == "flag":
            sa["esn"] |= "esn" in words
        elif words[0] == "encap":
            sa["udp"] = True
    return found


def of_kernel(text, spis):
    """What the kernel holds of the pair with these SPIs; both directions have to be alike. With compression it is the
    compression's state that has the mode."""
    all_states = states(text)
    pair = [s for s in all_states if s["protocol"] in ("esp", "ah") and s["spi"] in spis]
    if {s["spi"] for s in pair} != set(spis):
        raise LabError(f"the kernel has no states of {' and '.join(f'{s:08x}' for s in spis)}: {text.strip()[:300] or 'none at all'}")
    comp = [s for s in all_states if s["protocol"] == "comp"]
    views = []
    for s in pair:
        view = {k: s[k] for k in ("protocol", "mode", "encr", "bits", "integ", "esn", "udp")}
        views.append({**view, "comp": bool(comp), "mode": comp[0]["mode"] if comp else s["mode"]})
    if views[0] != views[1]:
        raise LabError(f"the two directions differ in the kernel: {views}")
    return views[0]


def must_agree(who, want, have, leave=()):
    differ = {k: (want[k], have.get(k)) for k in want if k not in leave and have.get(k) != want[k]}
    if differ:
        raise LabError(f"{who}'s SA: " + ", ".join(f"{k} is {h}, asked for {w}" for k, (w, h) in differ.items()))
