# SPDX-License-Identifier: Apache-2.0
"""What one row of the matrix is, on both sides, and how it is run and judged."""
import os
import sys

import inside
import kin
import sight
import topology
import transfer
from capture import Capture
from certs import NAME
from gateways import merged
from net import LabError
from transfer import MARKER, PORT

HERE = os.path.dirname(os.path.abspath(__file__))
TRANSFER = 10_000_000
REKEYED = 3_000_000  # of three transfers, so that a capture's ring holds them
IN_GUEST = 1_000_000  # of each: packets cost more there, and wrong ones show in the first hundred
PSK = "keyway lab shared secret"
PYTHON = sys.executable or "/usr/bin/python3"

# auth of a row -> (key type, `auth =` of the local and of the remote section)
AUTH = {
    "psk": (None, "psk"), "rsa": ("rsa", "pubkey"), "ecdsa": ("ecdsa", "pubkey"), "ed25519": ("ed25519", "pubkey"),
    "rsa4096": ("rsa4096", "pubkey"), "ecdsa384": ("ecdsa384", "pubkey"), "ecdsa521": ("ecdsa521", "pubkey"),
    "ed448": ("ed448", "pubkey"), "rsa-pss": ("rsa", "ike:rsa/pss-sha256"),
}


def sides(inner=4, outer=4, auth="psk", ike="aes256gcm16-prfsha256-x25519", esp="aes256gcm16", name="net",
          certs=None, addresses=None, nets=None, extra=None, extra_a=None, extra_b=None):
    """The two configuration trees and the two sets of credential files: ((tree, files), (tree, files)).

    extra is laid over both connections; extra_a and extra_b over one whole tree."""
    addresses = addresses or topology.OUTER[outer]
    nets = nets or topology.NET[inner]
    kind, method = AUTH[auth]
    leaves = certs.pair(kind) if kind else (None, None)
    out = []
    for me in (0, 1):
        it = 1 - me
        local, remote = {"auth": method}, {"auth": method}
        if kind:
            local |= {"id": NAME["ab"[me]], "certs": f"{leaves[me]}.pem"}
            remote |= {"id": NAME["ab"[it]]}
        else:
            local |= {"id": addresses[me]}
            remote |= {"id": addresses[it]}
        connection = {
            "version": 2, "local_addrs": addresses[me], "remote_addrs": addresses[it], "proposals": ike,
            "local": local, "remote": remote,
            "children": {"net": {"local_ts": nets[me], "remote_ts": nets[it], "esp_proposals": esp}},
        }
        tree = {"connections": {name: merged(connection, extra)}}
        if not kind:
            tree["secrets"] = {"ike-lab": {"id-a": addresses[0], "id-b": addresses[1], "secret": PSK}}
        tree = merged(tree, (extra_a, extra_b)[me])
        out.append((tree, certs.files(leaves[me]) if kind else {}))
    return out


def short_form(name="net", peer=topology.B4, nets=topology.NET[4], more=()):
    """The five-line file, as a user writes it."""
    lines = [f"tunnel {name} {{", f"  peer = {peer}", f"  psk = {PSK}", f"  local = {nets[0]}", f"  remote = {nets[1]}"]
    return "\n".join(lines + [f"  {m}" for m in more]) + " }\n"


def ping(node, target, count=3, interval="0.05", seconds=8, source=None, size=56, tos=0):
    """Exit status and text. The packets hold the marker."""
    argv = ["ping", "-n", "-c", str(count), "-i", interval, "-W", "2", "-w", str(seconds), "-s", str(size),
            "-p", MARKER.hex(), *(["-Q", str(tos)] if tos else [])]
    code, out, err = node.run(*argv, *(["-I", source] if source else []), target, timeout=seconds + 5)
    return code, out + err


def must_ping(node, target, **kw):
    code, out = ping(node, target, **kw)
    if code:
        raise LabError(f"no answer to ping from {node.name} to {target}: {out.strip()[-300:]}")


def must_transfer(node, target, size=TRANSFER):
    inside.talk(node, target, transfer.both, PORT, size)


def must_be_dark(verdict):
    """The wire showed ESP from both ends and nothing else that a stranger could read."""
    if len(verdict.esp_from) < 2:
        raise LabError(f"ESP was seen from {sorted(verdict.esp_from) or 'nobody'} only ({dict(verdict.kinds)})")
    if verdict.plaintext:
        raise LabError(f"{verdict.plaintext} packets of plaintext on the wire, first: {verdict.leaks[0]}")


def suite_of(sa):
    """How the peer's status names what was negotiated: (ike, esp)."""
    def words(d, keys):
        return "/".join(d[k] + (f"_{d[s]}" if s in d else "") for k, s in keys if k in d)
    child = next(iter(sa.get("child-sas", {}).values()), {})
    keys = (("encr-alg", "encr-keysize"), ("integ-alg", "integ-keysize"))
    return (words(sa, (*keys, ("prf-alg", "-"), ("dh-group", "-"))), words(child, keys) + ("/ESN" if "esn" in child else ""))


def must_be_asked_for(row, child):
    """The peer's status shows what the row asked for."""
    if row.esp == "default":
        return
    ah = row.extra.get("children", {}).get("net", {}).get("ah_proposals")
    want = sight.asked(ah or row.esp, "ah" if ah else "esp", row.mode or "tunnel", row.lengths == "compressed", row.wire == "esp-udp")
    # userspace ESP of the peer is always in UDP
    sight.must_agree("the peer", want, sight.of_status(child), () if row.wire else ("udp",))


def shut_4500(bridge):
    """A firewall on the wire that lets UDP port 500 and protocol 50 pass."""
    bridge.sh("nft", "add table bridge fw; add chain bridge fw forward { type filter hook forward priority 0; }; "
                     "add rule bridge fw forward udp dport 4500 drop")


def demand_failure(starter):
    """The first attempt of a peer that moves to port 4500 because Keyway asked for ESP in UDP. Keyway learns from it."""
    code, text = starter.initiate("net", seconds=30)
    if not code:
        raise LabError(f"a tunnel came up through a firewall that shuts port 4500: {text[-300:]}")


def spring(lab, row, far):
    """The first packet brings the tunnel up. Keyway sends it then; a kernel with a trap may lose it."""
    ours = row.role == "initiator" and lab.a.kind == "Keyway"
    node, target = ("ca", far[1]) if row.role == "initiator" else ("cb", far[0])
    must_ping(lab.net[node], target, count=1 if ours else 10, interval="0.3")
    child = next((c for c in lab.b.children()), {})
    if [len(child.get(k, ())) for k in ("local-ts", "remote-ts")] != [1, 1] or "/32" in str(child):
        raise LabError(f"the child is for {child.get('local-ts')} {child.get('remote-ts')}: not for what is configured")


def run_row(lab, row):
    """Raises LabError when anything that the row demands is not so. Returns what was negotiated."""
    net, a, b = lab.net, lab.a, lab.b
    capture = Capture(net[topology.WIRE[0]], topology.WIRE[1], os.path.join(lab.work, "outer.pcap"))
    lab.capture = capture
    try:
        (tree_a, files_a), (tree_b, files_b) = sides(row.inner, row.outer, row.auth, row.ike, row.esp, certs=lab.certs,
                                                     extra=row.extra)
        if row.is_trapped:
            trap = {"connections": {"net": {"children": {"net": {"start_action": "trap"}}}}}
            tree_a, tree_b = (merged(tree_a, trap), tree_b) if row.role == "initiator" else (tree_a, merged(tree_b, trap))
        b.load(tree_b, files_b)
        a.stop()
        lab.use_dataplane(row.dataplane)
        a.settings = {"retransmit_timeout": "1", "half_open_timeout": "4"} if row.shuts_4500 else {}
        if row.shuts_4500:
            shut_4500(net[topology.WIRE[0]])
        if row.is_short and a.kind == "Keyway":
            a.write(text=short_form(more=["start = no"]))
        elif a.kind == "Keyway":
            a.write(tree_a, files_a)
        capture.ready()
        a.start()
        if a.kind != "Keyway":
            a.load(tree_a, files_a)
        starter = a if row.role == "initiator" else b
        if row.shuts_4500 and row.role == "responder":
            demand_failure(starter)
        far = topology.CLIENT[row.inner]
        if row.is_trapped:
            spring(lab, row, far)
        else:
            code, text = starter.initiate("net")
            if code:
                raise LabError(f"{starter.kind} could not bring the tunnel up (exit {code}): {text.strip()[-800:]}")
        must_ping(net["ca"], far[1])
        must_ping(net["cb"], far[0])
        if row.wire == "ah" and row.inner == 4:  # larger than the link: fragments inside and outside
            must_ping(net["ca"], far[1], size=3000)
        if row.lengths:  # early: tcpdump lags behind a transfer, and loses the last packets when it is stopped
            size = kin.LARGE if row.lengths == "compressed" else kin.SMALL
            pings = kin.Pings(ping, net["ca"], far[1], size)
        amount = IN_GUEST if row.kernel else REKEYED if row.rekeys else TRANSFER
        must_transfer(net["ca"], far[1], amount)
        if row.rekeys:
            for gateway in (a, b):
                kin.rekey_and_wait(gateway)
                must_transfer(net["ca"], far[1], amount)
        children = a.children() + b.children()
        sa = next((s for n, s in b.status() if s.get("state") == "ESTABLISHED"), {})
        counted = [(int(c["bytes-in"]), int(c["bytes-out"])) for c in sa.get("child-sas", {}).values()]
        for child in sa.get("child-sas", {}).values():
            must_be_asked_for(row, child)
        enough = amount * (0.8 if row.lengths == "compressed" else 1)  # the peer counts what it sealed
        if not any(i > enough and o > enough for i, o in counted):
            raise LabError(f"{b.kind}'s counters do not hold the transfer: {counted}")
        verdict = capture.judge(has_ah=row.wire == "ah")
        if row.wire == "ah":
            kin.must_be_ah(verdict)
        else:
            must_be_dark(verdict)
        other = {"esp": "esp-udp", "esp-udp": "esp", "ah": "esp"}.get(row.wire)
        if other and a.kind == "Keyway" and (not verdict.kinds[row.wire] or verdict.kinds[other]):
            raise LabError(f"expected {row.wire} on the wire: {dict(verdict.kinds)}")
        if verdict.kinds["keepalive"]:
            raise LabError(f"{verdict.kinds['keepalive']} keepalives without a NAT")
        if ("esn" in row.esp or "esn" in row.name) and "/ESN" not in suite_of(sa)[1]:
            raise LabError(f"no extended sequence numbers: {suite_of(sa)}")
        shown = ""
        if row.lengths == "compressed":
            shown = kin.must_be_compressed(capture.path, pings, children)
        if row.lengths == "padded":
            shown = kin.must_be_padded(capture.path, pings)
        return f"{suite_of(sa)[0]}  {suite_of(sa)[1]}  {verdict}  {shown}"
    finally:
        try:
            b.terminate(ike="net")
        except (LabError, OSError, EOFError):
            pass
        if row.shuts_4500:
            net[topology.WIRE[0]].sh("nft", "delete", "table", "bridge", "fw", check=False)
        capture.process.stop()
