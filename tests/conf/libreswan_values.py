# SPDX-License-Identifier: Apache-2.0
"""What Libreswan's readwriteconf prints of a connection, and what of it Keyway's model has to say: one row for each key
and value. A key without a row fails. Keys without effect in Keyway have to be told of, or to ask for what it does anyway.

readwriteconf writes some keys without their value (5.2: words and yes or no; 4.10: some words): there is nothing to
compare then. 4.10 writes times in milliseconds, 5.2 in seconds, dpddelay as it stands in the file."""
import re

UNITS = {"": 1, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
ALIASES = {"plutostderrlog": "logfile", "virtual_private": "virtual-private", "sec-label": "policy-label",
           "ikev1-dpdtimeout": "dpdtimeout", "xfrmlifetime": "expire-lifetime", "curl-timeout": "crl-timeout",
           "salifetime": "ipsec-lifetime", "ike_frag": "fragmentation", "dns-match-id,": "dns-match-id"}
METHODS = {"DH19": "ECP_256", "DH20": "ECP_384", "DH21": "ECP_521", "DH31": "CURVE_25519"}
# What Keyway does whether or not it is said, so that it has nothing to tell.
ANYWAY = {
    "nat-keepalive": "yes", "ikepad": "yes no auto", "intermediate": "no", "cisco-unity": "no", "overlapip": "no",
    "aggressive": "no", "narrowing": "yes", "sendca": "all", "leftnexthop": "%defaultroute %direct",
    "rightnexthop": "%defaultroute %direct", "listen-udp": "yes", "metric": "0",
    "protostack": "netkey xfrm auto native", "ocsp-enable": "yes", "global-redirect": "no",
    "leftxauthserver": "no", "leftxauthclient": "no", "rightxauthserver": "no", "rightxauthclient": "no",
    "leftmodecfgserver": "yes no", "rightmodecfgserver": "yes no", "nssdir": "/var/lib/ipsec/nss /etc/ipsec.d",
    "interfaces": "%defaultroute", "plutodebug": "none", "audit-log": "no",
}
# Those that need not be done: it is told that they have no effect.
TOLD = set("""dpdtimeout retransmit-interval retransmit-timeout initial-contact connalias hostaddrfamily clientaddrfamily
    connaddrfamily dns-match-id mtu metric modecfgpull xauthby xauthfail debug accept-redirect failureshunt negotiationshunt
    leftusername rightusername nflog-group remote-peer-type nm-configured share-lease""".split())
TOLD_SETUP = set("""audit-log crl-timeout dnssec-enable dumpdir ipsecdir listen myvendorid
    ocsp-enable secretsfile shuntlifetime statsbin syslog virtual-private expire-lifetime protostack
    nssdir global-redirect listen-udp interfaces""".split())


class Unknown(Exception):
    """There is no row for a key that readwriteconf prints."""


def seconds(value, version, key):
    number, unit = re.fullmatch(r"(-?[\d.]+)\s*(\w*)", value).groups()
    return float(number) * UNITS[unit] / (1000 if version == 4 and not unit else 1)


def plain(node):
    """`keyway config show --json` without where values come from."""
    if isinstance(node, dict):
        return node["value"] if set(node) == {"value", "origin"} else {k: plain(v) for k, v in node.items()}
    return [plain(v) for v in node] if isinstance(node, list) else node


class Model:
    """A connection as Keyway has it, and which of its ends is ours."""

    def __init__(self, name, node, tree, log):
        self.c, self.tree, self.log = plain(node), plain(tree), log
        self.children = list(self.c["children"].values())
        self.local = self._local(node)
        self.cannot_begin = f"connection {name}: it cannot begin by itself" in log

    def _local(self, node):
        for path, ours in (("local_addrs", True), ("remote_addrs", False)):
            place = re.fullmatch(r"(/.*):(\d+)", node.get(path, {}).get("origin", ""))
            if place:
                with open(place[1], encoding="utf-8") as f:
                    word = f.readlines()[int(place[2]) - 1].strip().lower()
                return "left" if word.startswith("left") == ours else "right"
        return "left"

    def side(self, end):
        return self.c["local" if end == self.local else "remote"]

    def name(self, end):
        return "local" if end == self.local else "remote"

    def of_children(self, key):
        return {c.get(key, "") for c in self.children}


def is_told(log, key):
    names = {key, ALIASES.get(key, key)} | {k for k, v in ALIASES.items() if v == key}
    return any(name.replace("_", "-") in log.replace("_", "-") and "without effect" in log for name in names)


def same(what, have, want):
    return None if have == want else f"{what} is {have!r}, expected {want!r}"


# ---- rows: (model, version, value, all that is printed of it) -> None, or what differs


def address(end):
    def row(m, version, value, printed):
        if "/" in value:  # a name to Libreswan, a network of strongSwan's to Keyway
            return None
        want = value.replace(",", ", ") if value[0] != "%" and value != "0.0.0.0" else "%any"
        return same(end, m.c[m.name(end) + "_addrs"] or "%any", want)
    return row


def without_ports(selector):
    return selector.split("[")[0]


def subnet(end):
    def row(m, version, value, printed):
        if value == "<unset-subnet>":  # 4.10's words for what it cannot print
            return None
        has_virtual = m.c["vips"] if end == m.local else m.c["pools"]
        want = "dynamic" if has_virtual else value
        have = {without_ports(t) for ts in m.of_children(m.name(end) + "_ts") for t in ts.split(", ")}
        return same(end + "subnet", have, {want})
    return row


def subnets(end):
    def row(m, version, value, printed):
        want = {without_ports(re.sub(r"^([^/]+/\d+)/.*", r"\1", w)) for w in re.split(r"[\s,]+", value.strip("{}")) if w}
        return same(end + "subnets", {without_ports(t) for t in m.of_children(m.name(end) + "_ts")}, want)
    return row


def protoport(end):
    def row(m, version, value, printed):
        if any(re.search(r"/\d+/", printed.get(key, "")) for key in (end + "subnet", end + "subnets")) or any(
                "], " in ts for ts in m.of_children(m.name(end) + "_ts")):  # the networks have ports of their own
            return None
        protocol, _, port = value.lower().partition("/")
        protocol = {"17": "udp", "6": "tcp", "1": "icmp"}.get(protocol, protocol)
        port = {"l2tp": "1701", "%any": "", "0": "", "2048": "8(0)" if protocol == "icmp" else "2048"}.get(port, port)
        want = f"[{protocol}{'/' if port else ''}{port}]"
        return same(end + "protoport", {re.sub(r"^[^[]*", "", t) for t in m.of_children(m.name(end) + "_ts")}, {want})
    return row


def identity(end):
    def row(m, version, value, printed):
        value = value.strip('"')
        if value in ("%fromcert", "%any", "%none", "%null"):
            stand_in = "%none" in value and printed[end]
            want = {"%null": ("%null", "our address")}.get(value, ("%any", "the certificate's subject", "our address", stand_in))
            return None if m.side(end)["id"] in want else f"{end}id is {m.side(end)['id']!r}, expected {value!r}"
        if value.startswith("@#"):
            octets = bytes.fromhex(value[2:])
            value = octets.decode() if octets.isalnum() else octets.hex(":")
        elif re.fullmatch(r"@\[.*\]", value):
            value = value[2:-1]
        want = value.lstrip("@") if "=" not in value else value
        if m.name(end) == "remote" and m.side(end)["id"] == "%" + want:
            return None  # its certificate has to have it
        fold = (lambda s: re.sub(r"\s*,\s*", ",", s)) if "=" in want else str
        return same(end + "id", fold(m.side(end)["id"]), fold(want))
    return row


def certificate(end):
    def row(m, version, value, printed):
        return None if m.side(end)["certs"] or not m.side(end)["auth"].startswith("pubkey") else f"{end}cert is not there"
    return row


def public_key(end):
    def row(m, version, value, printed):
        have, uses = m.side(end)["pubkeys"], m.side(end)["auth"].startswith("pubkey")
        if value in ("%cert", "%none") or not uses:
            return same(end + "rsasigkey", have, "")
        if value.startswith("%dns"):
            return same(end + "rsasigkey", have, "those that DNS has")
        return None if have else f"{end}rsasigkey is not there"
    return row


def authority(end):
    def row(m, version, value, printed):
        if m.name(end) == "local":  # chooses a certificate of the store
            return None
        if value == "%same":
            return None if m.side(end)["ca_id"] or "without effect" in m.log else "ca=%same is lost"
        return same(end + "ca", m.side(end)["ca_id"], value.strip('"'))
    return row


def source(end):
    """For routes; where no networks are said, it is the network."""
    def row(m, version, value, printed):
        if end + "subnet" in printed and printed[end + "subnet"] != value + "/32" or end + "subnets" in printed:
            return None
        return subnet(end)(m, version, value + ("/128" if ":" in value else "/32"), printed)
    return row


def client(end):
    def row(m, version, value, printed):
        wants = value == "yes" and m.local == end
        return None if bool(m.c["vips"]) == wants or m.local != end else f"{end}modecfgclient={value}: vips={m.c['vips']!r}"
    return row


def updown(end):
    def row(m, version, value, printed):
        value = value.strip('"')
        if m.name(end) == "remote":
            return None
        return None if m.of_children("updown") == {value} or (value.startswith(("%disabled", "ipsec _updown")) and
            m.of_children("updown") <= {"", "%disabled", value}) else f"updown is {m.of_children('updown')}, expected {value!r}"
    return row


def of_connection(field, words=None):
    def row(m, version, value, printed):
        return same(field, m.c[field], (words or {}).get(value, value))
    return row


def of_child(field, words=None):
    def row(m, version, value, printed):
        return same(field, m.of_children(field), {(words or {}).get(value, value)})
    return row


def ike_life(m, version, value, printed):
    want, keys = seconds(value, version, "ikelifetime"), ("rekey_time", "reauth_time", "over_time")
    have = sum(float(m.c[k].rstrip("s")) for k in keys)
    return None if printed.get("rekey") == "no" or m.c["rekey_time"] == m.c["reauth_time"] == "0s" else \
        same("life of the IKE SA", have, want)


def child_life(m, version, value, printed):
    return same("life_time", {float(t.rstrip("s")) for t in m.of_children("life_time")}, {seconds(value, version, "life")})


def margin(m, version, value, printed):
    have, want = float(m.c["over_time"].rstrip("s")), seconds(value, version, "rekeymargin")
    is_short = "is not above rekeymargin" in m.log
    return None if is_short or m.c["rekey_time"] == m.c["reauth_time"] == "0s" else same("over_time", have, want)


def delay(m, version, value, printed):
    return same("dpd_delay", float(m.c["dpd_delay"].rstrip("s")), float(int(seconds(value, version, "dpddelay"))))


def rekeys(m, version, value, printed):
    has = m.c["rekey_time"] != "0s" or m.c["reauth_time"] != "0s"
    return same("whether keys are replaced", has, value == "yes")


def reauth(m, version, value, printed):
    return same("whether it is made anew", m.c["reauth_time"] != "0s", value == "yes")


def starts(m, version, value, printed):
    want = {"add": "none", "keep": "none", "start": "start", "up": "start", "route": "trap", "ondemand": "trap"}.get(value)
    if value == "keep" and not m.cannot_begin and m.of_children("dpd_action") != {"restart"}:
        return "auto=keep does not keep it up"
    return same("start_action", m.of_children("start_action"), {"none" if m.cannot_begin else want})


def families(text):
    words = re.split(r"[\s,+]+", text.lower())
    kinds = {"psk": "psk", "secret": "psk", "null": "null", "auth_null": "null", "eddsa": "eddsa"}
    if set(words) & {"none", "pubkey"}:  # 4.10's word for the default; strongSwan's for all keys
        return {"rsa", "ecdsa", "eddsa"}
    return {kinds.get(w) or ("rsa" if w.startswith("rsa") else "ecdsa" if w.startswith("ecdsa") else w) for w in words}


SHUNTS = ("passthrough", "pass", "drop", "reject")  # nobody is authenticated


def authby(m, version, value, printed):
    if any(end + "auth" in printed for end in ("left", "right")) or printed.get("type") in SHUNTS:
        return None
    for side in ("local", "remote"):
        have, want = m.c[side]["auth"], families(value.strip('"'))
        schemes = {"rsa" if s.startswith("RSA") else "ecdsa" if s.startswith("ECDSA") else "eddsa"
                   for s in re.findall(r"[A-Z][A-Z0-9_]{4,}", have)}
        if have in ("psk", "null"):
            ok = have in want
        else:
            ok = want & {"rsa", "ecdsa", "eddsa"} and schemes <= want
        if not ok:
            return f"{side}.auth is {have!r}, expected {want}"
    return None


def mode(m, version, value, printed):
    if printed.get("iptfs") == "yes" and value == "tunnel":
        value = "iptfs"
    return same("mode", m.of_children("mode"), {{"passthrough": "pass"}.get(value, value)})


def protocols(m, version, value, printed):
    return same("which protocol", {"ah" if "ah_proposals" in c else "esp" for c in m.children}, {value})


def esn(m, version, value, printed):
    want = {"either": {"EXT_SEQ", "NO_EXT_SEQ"}, "yes": {"EXT_SEQ"}, "no": {"NO_EXT_SEQ"}}[value]
    want = {"NO_EXT_SEQ"} if printed.get("replay-window") == "0" else want
    have = {w for c in m.children for w in re.findall(r"(?:NO_)?EXT_SEQ", c.get("ah_proposals", c.get("esp_proposals")))}
    return same("sequence numbers", have, want)


def has_pfs(m):
    return all(re.search(r"MODP_|ECP_|CURVE_", c.get("ah_proposals", c.get("esp_proposals"))) for c in m.children)


def pfs(m, version, value, printed):
    if printed.get("esp", "").endswith(";none"):
        return None
    return same("key exchange with the children's keys", has_pfs(m), value == "yes")


def limit(field):
    def row(m, version, value, printed):
        want = "0" if int(value) >= 1 << 62 else value
        return same(field, m.of_children(field), {want})
    return row


def of_pool(field):
    def row(m, version, value, printed):
        pool = m.tree["pools"].get(m.c["pools"])
        want = [w for w in re.split(r"[\s,]+", value.strip('"')) if w]
        return same(field, re.split(r",\s*", pool[field]), want) if pool else None
    return row


def addresses(end):
    def row(m, version, value, printed):
        if m.name(end) == "local":
            return None
        return None if m.c["pools"] in m.tree["pools"] else f"{end}addresspool={value}: no pool"
    return row


def ppk(m, version, value, printed):
    return None if value == "UNKNOWN" else same("ppk_required", m.c["ppk_required"], "yes" if value in ("insist", "always") else "no")


def version_of(m, version, value, printed):
    return same("version", m.c["version"], "2" if value == "yes" else "1")


def fragments(m, version, value, printed):
    return same("fragmentation", m.c["fragmentation"], {"never": "no", "force": "yes"}.get(value, value))


def nothing(m, version, value, printed):
    return None


# ---- proposals, by what algparse makes of the words


def expanded(text):
    """algparse's lines as sets of (cipher, hash, method)."""
    out = []
    for line in text:
        parts = [p.split("+") for p in line.split("-")]
        has_methods = re.match(r"DH\d|MODP", parts[-1][-1]) or (len(parts) == 3 and parts[-1] == ["NONE"])
        methods = ["" if k == "NONE" else k for k in parts.pop()] if has_methods else [""]
        ciphers = parts.pop(0) if not parts[0][0].startswith(("HMAC", "AES_XCBC", "AES_CMAC")) else [""]
        hashes = parts[-1] if parts else ["NONE"]
        lengths = ("_256", "_128")  # without a length, both
        ciphers = [c + n for c in ciphers for n in (lengths if re.fullmatch(r"(NULL_AUTH_)?AES_[A-Z]+(_\d{1,2})?", c) else ("",))]
        out += [(c, h, METHODS.get(k, k.replace("MODP", "MODP_"))) for c in ciphers for h in hashes for k in methods]
    return out


def modelled(text, is_ike):
    out = []
    for proposal in text.split(", "):
        words = proposal.split(":", 1)[1].split("/")
        methods = [w for w in words if re.match(r"MODP_|ECP_|CURVE_", w)]
        prfs = [w[4:] for w in words if w.startswith("PRF_")]
        ciphers = [w.replace("NULL_AES", "NULL_AUTH_AES") for w in words
                   if re.match(r"AES_(CBC|GCM|CTR|CCM)|CHACHA|3DES|NULL|DES", w)]
        hashes = prfs if is_ike else [w for w in words if re.match(r"HMAC_|AES_XCBC|AES_CMAC", w)]
        out += [(c, h, k) for c in ciphers or [""] for h in hashes or ["NONE"] for k in methods or [""]]
    return out


def redirect_to(m, version, value, printed):
    """Only where redirects are sent."""
    return None if "send-redirect" not in printed else same("redirect", m.c["redirect"], value)


def helpers(tree, log, value):
    return value == "0" or is_told(log, "nhelpers")  # 4.10 has -1, the default, as 0


def proposals(key):
    def row(m, version, value, printed):
        protocol = "ah" if key != "ike" and any("ah_proposals" in c for c in m.children) else key
        if protocol != key:  # esp= and ah= are one key, printed by both names
            return None
        want = expanded(m.algparse(key, value.strip('"')))
        haves = [m.c["proposals"]] if key == "ike" else [c.get(key + "_proposals") for c in m.children]
        if key == "ah" and None in haves:
            return None
        ike = list(dict.fromkeys(k for _, _, k in modelled(m.c["proposals"], True)))
        if key != "ike":
            want = [(c, h, k if has_pfs(m) else "") for c, h, k in want]
            want = [(c, h, i) for c, h, k in want for i in (ike if not k and has_pfs(m) else [k])]
        if "is left out: its algorithms are not built" in m.log:
            return None
        for have in haves:
            made = modelled(have, key == "ike")
            if set(made) != set(want):
                return f"{key}: {sorted(set(made) ^ set(want))[:4]} of one and not of the other"
        return None
    return row


def mark_of(text):
    """(value, mask); -1 and %unique are one of its own."""
    value, _, mask = text.partition("/")
    own = value in ("-1", "%unique")
    return "own" if own else int(value, 0), 0xffffffff if own or not mask else int(mask, 0)


def marks(*fields):
    def row(m, version, value, printed):
        fields_said = [f for f in fields if len(fields) == 1 or f.replace("_", "-") not in printed]
        return next(filter(None, (same(f, {mark_of(v) for v in m.of_children(f)}, {mark_of(value)}) for f in fields_said)), None)
    return row


def microseconds(field):
    def row(m, version, value, printed):
        return same(field, m.of_children(field), {str(round(seconds(value, version, field) * 1e6))})
    return row


def xfrm_interface(m, version, value, printed):
    """Its number is the if_id, whoever makes the interface."""
    want = "" if value in ("no", "0") else "1" if value == "yes" else value
    return same("if_id", m.of_children("if_id_in") | m.of_children("if_id_out"), {want})


def vti_address(end):
    return lambda m, version, value, printed: None if m.name(end) != "local" else same(
        end + "vti", m.of_children("tunnel_interface_address"), {value})


YES = {"yes": "yes", "no": "no"}
ROWS = {
    "auto": starts, "authby": authby, "type": mode, "phase2": protocols, "esn": esn, "pfs": pfs, "ike": proposals("ike"),
    "esp": proposals("esp"), "ah": proposals("ah"), "ikelifetime": ike_life, "ipsec-lifetime": child_life, "rekey": rekeys,
    "reauth": reauth, "rekeymargin": margin, "dpddelay": delay, "ikev2": version_of, "ike_frag": fragments,
    "ipsec-max-bytes": limit("life_bytes"), "ipsec-max-packets": limit("life_packets"), "ppk": ppk,
    "mobike": of_connection("mobike"), "keyingtries": of_connection("keyingtries"), "tcp-remoteport": of_connection("tcp_port"),
    "session-resumption": of_connection("session_resumption"), "redirect-to": redirect_to,
    "compress": of_child("ipcomp"), "replay-window": of_child("replay_window"), "reqid": of_child("reqid"),
    "priority": of_child("priority"), "tfc": of_child("tfc_padding"), "sha2-truncbug": of_child("sha256_96"),
    "iptfs": lambda m, version, value, printed: same("iptfs", m.of_children("mode") == {"iptfs"}, value == "yes"),
    "iptfs-fragmentation": of_child("iptfs_dont_frag", {"yes": "no", "no": "yes"}),
    "iptfs-packet-size": of_child("iptfs_packet_size"), "iptfs-max-queue-size": of_child("iptfs_max_queue_size"),
    "iptfs-reorder-window": of_child("iptfs_reorder_window"), "iptfs-init-delay": microseconds("iptfs_init_delay"),
    "iptfs-drop-time": microseconds("iptfs_drop_time"),
    "ipsec-interface": xfrm_interface, "vti-interface": of_child("tunnel_interface"),
    "vti-routing": lambda m, version, value, printed: None if "vti-interface" not in printed else same(
        "vti-routing", m.of_children("tunnel_interface_routes"), {value}),
    "mark": marks("mark_in", "mark_out"), "mark-in": marks("mark_in"), "mark-out": marks("mark_out"),
    "nic-offload": lambda m, version, value, printed: same(
        "nic-offload", {v or "no" for v in m.of_children("hw_offload")}, {"crypto" if value == "yes" else value}),
    "modecfgdns": of_pool("dns"), "modecfgdomains": of_pool("domains"), "also": nothing, "alsoflip": nothing,
}
END_ROWS = {
    "": address, "subnet": subnet, "subnets": subnets, "protoport": protoport, "id": identity, "cert": certificate,
    "rsasigkey": public_key, "pubkey": public_key, "ca": authority, "sourceip": source, "modecfgclient": client,
    "updown": updown, "vti": vti_address, "addresspool": addresses, "ckaid": lambda end: nothing,
    "ikeport": lambda end: lambda m, version, value, printed: same(end + "ikeport", m.c[m.name(end) + "_port"], value),
}
def log_file(tree):
    """Where logfile= says that the log goes, or None."""
    return next((p for p in tree.get("logging", {}).get("places", []) if p["lines"] == "Libreswan"), None)


def yes(value):
    return str(value).lower() in ("yes", "true")


def log_flag(tree, field, value):
    place = log_file(tree)
    return not place or (place[field] not in ("", "-", False, "no")) == yes(value)


SETUP_ROWS = {
    "logfile": lambda tree, log, v: log_file(tree)["path"] == v,
    "plutostderrlog": lambda tree, log, v: log_file(tree)["path"] == v,
    "logappend": lambda tree, log, v: log_flag(tree, "append", v),
    "logtime": lambda tree, log, v: log_flag(tree, "time_format", v),
    "plutostderrlogtime": lambda tree, log, v: log_flag(tree, "time_format", v),
    "logip": lambda tree, log, v: yes(tree.get("logging", {}).get("hides_addresses", "no")) != yes(v),
    "plutodebug": lambda tree, log, v: v == "none" or "levels" in tree.get("logging", {}),
    "nhelpers": helpers,
    "uniqueids": lambda tree, log, v: all(c["unique"] == {"yes": "replace"}.get(v, v) for c in tree["connections"].values()),
    "keep-alive": lambda tree, log, v: tree["settings"]["keep_alive"] == v + "s",
    "listen-tcp": lambda tree, log, v: (tree["settings"]["listen_tcp"] != "") == (v == "yes"),
    "max-halfopen-ike": lambda tree, log, v: tree["settings"]["init_limit_half_open"] == v,
    "crl-strict": lambda tree, log, v: v == "no" or all(c["remote"]["revocation"] == "strict" for c in tree["connections"].values()),
    "ocsp-strict": lambda tree, log, v: True if v == "no" else all(c["remote"]["revocation"] == "strict" for c in tree["connections"].values()),
}
# Those that have their effect elsewhere than in what `config show` prints.
SETUP_ROWS.update({key: lambda tree, log, v, key=key: not is_told(log, key) for key in (
    "plutodebug", "logfile", "plutostderrlog", "logtime", "logappend", "logip", "nssdir")})


def check_without_effect(key, value, log, told):
    key = ALIASES.get(key, key)
    if value in ANYWAY.get(key, "").split() or key.startswith(("x-", "x_")):
        return None
    if key not in told and key not in ANYWAY:
        raise Unknown(key)
    return None if is_told(log, key) else f"{key}={value} has no effect, and nobody is told"


def check(m, version, key, value, printed):
    """None, or what differs."""
    row = ROWS.get(key) or ROWS.get(ALIASES.get(key))
    end = re.match("left|right", key)
    if not row and end and key[end.end():] in END_ROWS:
        row = END_ROWS[key[end.end():]](end[0])
    return row(m, version, value, printed) if row else check_without_effect(key, value, m.log, TOLD)


def check_setup(tree, log, key, value):
    row = SETUP_ROWS.get(key)
    if not row:
        return check_without_effect(key, value, log, TOLD_SETUP)
    return None if row(plain(tree), log, value) else f"config setup: {key}={value} is not what Keyway has"
