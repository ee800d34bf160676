# SPDX-License-Identifier: Apache-2.0
"""Certificates that are told by address and hash (RFC 7296 section 3.6), in both directions and both roles: each gateway
fetches the other's from a web server on its own loopback. And what Keyway says when it cannot be had, is another, or the
server says nothing."""
import contextlib
import hashlib
import os
import re
import subprocess
import time

from certs import NAME
from gateways import merged
from rows import PYTHON
from scenarios import scenario
from scenarios.refusals import CERTIFICATE, _initiate, _must_decide, _respond
from scenarios.steps import CB, bring_up, capture, dark, demand, must_ping, sides, wait_for

PORT = 8090
BASE = f"http://127.0.0.1:{PORT}/certs/"
SILENT = f"import socket, time; s = socket.create_server(('127.0.0.1', {PORT})); print('Serving', flush=True); time.sleep(120)"


def _der(lab, leaf):
    return subprocess.run(["openssl", "x509", "-in", lab.certs.path(leaf + ".pem"), "-outform", "DER"], check=True,
                          capture_output=True).stdout


def _publish(lab, leaf, content=None):
    """A folder of the leaf's certificate under the name that it is told by."""
    root = os.path.join(lab.work, "published")
    os.makedirs(root + "/certs", exist_ok=True)
    der = _der(lab, leaf)
    with open(f"{root}/certs/{hashlib.sha1(der).hexdigest()}", "wb") as f:
        f.write(der if content is None else content)
    return root


def _serve(lab, node, root):
    out = os.path.join(lab.work, f"http-{node}.log")
    if os.path.exists(out):
        os.unlink(out)
    code = ["-c", SILENT] if root is None else ["-m", "http.server", str(PORT), "--bind", "127.0.0.1", "--directory", root]
    server = lab.net[node].start([PYTHON, "-u", *code], out)
    wait_for("the web server", lambda: os.path.exists(out) and "Serving" in open(out).read(), 10, 0.05)
    return server, out


@contextlib.contextmanager
def _peer_that_looks_up(lab):
    """strongSwan with hash_and_url and its HTTP client."""
    lab.b.stop()
    before = lab.b.settings
    if lab.b.kind == "strongSwan":
        lab.b.settings = {**before, "hash_and_url": True, "load": f"{lab.b.CRYPTO} curl {lab.b.backend} socket-default vici updown"}
    try:
        lab.b.start()
        yield
    finally:
        lab.b.stop()
        lab.b.settings = before


def _load(lab, tells_a=True, tells_b=True):
    lab.a.settings = {"hash_and_url": "yes"}
    authority = {"authorities": {"lab": {"cacert": "ca.pem", "cert_uri_base": BASE}}}
    (tree_a, files_a), (tree_b, files_b) = sides(auth="ecdsa", certs=lab.certs)
    lab.b.load(merged(tree_b, authority if tells_b else {}), files_b)
    lab.a.load(merged(tree_a, authority if tells_a else {}), files_a)
    return lab.certs.pair("ecdsa")


def _requests(path):
    with open(path) as f:
        return len(re.findall(r"GET /certs/[0-9a-f]{40} ", f.read()))


def _up(lab, role):
    with _peer_that_looks_up(lab):
        capture(lab)
        leaf_a, leaf_b = lab.certs.pair("ecdsa")
        root = _publish(lab, leaf_a)
        _publish(lab, leaf_b)
        served = [_serve(lab, node, root) for node in ("ga", "gb")]
        _load(lab)
        bring_up(lab, role)
        must_ping(lab.net["ca"], CB)
        text = f"{dark(lab)}"
        counts = [_requests(out) for _, out in served]
        demand(counts == [1, 1], f"certificates were asked for {counts} times")
        lab.a.terminate("net")
        wait_for("both ends to have nothing", lambda: not lab.a.children() and not lab.b.children(), 10)
        bring_up(lab, role)  # Keyway knows it by its hash now
        demand(_requests(served[0][1]) == 1, "the same certificate was fetched again")
        for server, _ in served:
            server.stop()
        return text


@scenario("hash-and-url.initiator", needs_keyway=True)
def initiator(lab):
    return _up(lab, "initiator")


@scenario("hash-and-url.responder", needs_keyway=True)
def responder(lab):
    return _up(lab, "responder")


def _refused(lab, role, content, got, root_of=None):
    """What is there is not what the peer told."""
    with _peer_that_looks_up(lab):
        leaf_a, leaf_b = lab.certs.pair("ecdsa")
        own = _publish(lab, leaf_a)
        server_b, _ = _serve(lab, "gb", own)
        server_a = None
        if content is not None:
            _publish(lab, leaf_b, content(lab))
            server_a, _ = _serve(lab, "ga", own)
        elif root_of == "silent":
            server_a, _ = _serve(lab, "ga", None)
        _load(lab)
        begin = time.monotonic()
        mark = _initiate(lab, CERTIFICATE)[0] if role == "initiator" else _respond(lab)
        took = time.monotonic() - begin
        line = _must_decide(lab, mark, ("was not had from http://127.0.0.1", got))
        demand(took < 12, f"it took {took:.1f} s")
        for server in (server_a, server_b):
            if server:
                server.stop()
        return line[-200:]


@scenario("hash-and-url.another.initiator", needs_keyway=True)
def another_initiator(lab):
    """A good certificate of the peer's, but not the one with that hash."""
    def content(lab):
        return _der(lab, lab.certs.leaf("b-again", "ecdsa", NAME["b"]))
    return _refused(lab, "initiator", content, "with the SHA-1 hash")


@scenario("hash-and-url.nobody-there.responder", needs_keyway=True)
def nobody_responder(lab):
    return _refused(lab, "responder", None, "connect")


@scenario("hash-and-url.silent.initiator", needs_keyway=True)
def silent_initiator(lab):
    return _refused(lab, "initiator", None, "timed out", "silent")
