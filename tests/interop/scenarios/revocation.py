# SPDX-License-Identifier: Apache-2.0
"""Certificates of a real peer that are revoked, or not: by a CRL in x509crl/, fetched over HTTP, and by OCSP, with servers on
the loopback of Keyway's namespace."""
import os
import re
import subprocess
import time

from certs import NAME
from rows import PYTHON
from scenarios import scenario
from scenarios.refusals import CERTIFICATE, _initiate, _must_decide, _respond
from scenarios.steps import bring_up, demand, sides, wait_for

PORT, OCSP_PORT = 8088, 8089


class Authority:
    """`openssl ca` over the lab's CA: a leaf for B, or A, that names where to ask, and what has become of it."""

    def __init__(self, lab, name, extensions, side="b"):
        self.lab, self.name, self.side = lab, name, side
        self.dir = os.path.join(lab.work, "authority")
        os.makedirs(self.dir, exist_ok=True)
        lab.certs.pair("ecdsa")  # and the CA with them
        self.index, self.config = os.path.join(self.dir, "index.txt"), os.path.join(self.dir, "cnf")
        open(self.index, "w").close()
        for file in ("serial", "crlnumber"):
            with open(os.path.join(self.dir, file), "w") as f:
                f.write("4001\n")
        with open(self.config, "w") as f:
            f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.index}\nserial={self.dir}/serial\ncrlnumber={self.dir}/crlnumber\n"
                    f"new_certs_dir={self.dir}\ndefault_md=sha256\ndefault_crl_days=7\ndefault_days=30\npolicy=p\nx509_extensions=x\n"
                    f"crl_extensions=c\nunique_subject=no\n[c]\nauthorityKeyIdentifier=keyid\n"
                    f"[p]\norganizationName=optional\ncommonName=supplied\n[x]\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n"
                    f"subjectAltName=DNS:{NAME[side]}\nauthorityKeyIdentifier=keyid\n" + "\n".join(extensions) + "\n")
        self.cert, self.key = (lab.certs.path(f"{name}.{what}") for what in ("pem", "key"))
        csr = os.path.join(self.dir, "csr")
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
                     "-subj", f"/O=Keyway Lab/CN={NAME[side]}", "-out", csr)
        self.ca("-in", csr, "-out", self.cert, "-notext")

    def openssl(self, *argv):
        p = subprocess.run(["openssl", *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        demand(p.returncode == 0, f"openssl {argv}: {p.stderr[-600:]}")

    def ca(self, *argv):
        path = self.lab.certs.path
        self.openssl("ca", "-batch", "-config", self.config, "-cert", path("ca.pem"), "-keyfile", path("ca.key"), *argv)

    def revoke(self, reason="keyCompromise"):
        self.ca("-revoke", self.cert, "-crl_reason", reason)

    def crl(self):
        """A new CRL, as DER."""
        pem, der = os.path.join(self.dir, "crl.pem"), os.path.join(self.dir, "www", "ca.crl")
        os.makedirs(os.path.dirname(der), exist_ok=True)
        self.ca("-gencrl", "-out", pem)
        self.openssl("crl", "-in", pem, "-outform", "DER", "-out", der)
        return der

    def serve_crl(self):
        self.crl()
        out = os.path.join(self.lab.work, "http.log")
        if os.path.exists(out):
            os.unlink(out)
        self.lab.net["ga"].start([PYTHON, "-u", "-m", "http.server", str(PORT), "--bind", "127.0.0.1", "--directory",
                                  os.path.join(self.dir, "www")], out)
        wait_for("the web server", lambda: os.path.exists(out) and "Serving" in open(out).read(), 10, 0.05)
        return out

    def serve_nothing(self, port=PORT):
        """Takes connections and says nothing."""
        out = os.path.join(self.lab.work, "silent.log")
        if os.path.exists(out):
            os.unlink(out)
        code = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); print('Serving', flush=True); time.sleep(120)"
        self.lab.net["ga"].start([PYTHON, "-c", code], out)
        wait_for("the silent server", lambda: os.path.exists(out) and "Serving" in open(out).read(), 10, 0.05)

    def serve_ocsp(self, node="ga"):
        out, path = os.path.join(self.lab.work, "ocsp.log"), self.lab.certs.path
        if os.path.exists(out):
            os.unlink(out)
        self.responder = self.lab.net[node].start(["openssl", "ocsp", "-index", self.index, "-port", str(OCSP_PORT), "-rsigner", path("ca.pem"),
                                  "-rkey", path("ca.key"), "-CA", path("ca.pem"), "-text", "-ndays", "1"], out)
        wait_for("the responder", lambda: os.path.exists(out) and "waiting" in open(out).read().lower(), 10, 0.05)
        return out


def _load(lab, authority, policy, files=(), extra=None):
    tree = {"connections": {"net": {"remote": {"revocation": policy}}}, **(extra or {})}
    other = {"connections": {"net": {"local": {"certs": f"{authority.name}.pem"}}}}
    (tree_a, files_a), (tree_b, files_b) = sides(auth="ecdsa", certs=lab.certs, extra_a=tree, extra_b=other)
    files_b = {k: v for k, v in files_b.items() if "x509ca" in k}
    lab.b.load(tree_b, {**files_b, f"x509/{authority.name}.pem": authority.cert, f"private/{authority.name}.pem": authority.key})
    lab.a.load(tree_a, {**files_a, **dict(files)})


CRL_POINT = [f"crlDistributionPoints=URI:http://127.0.0.1:{PORT}/ca.crl"]
OCSP_POINT = [f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{OCSP_PORT}/"]
REVOKED = (rf"CN={NAME['b']} was revoked at 20", "key compromise, a CRL of")


def _attempt(lab, role):
    if role == "initiator":
        return _initiate(lab, CERTIFICATE)[0]
    return _respond(lab)


def _crl_file(lab, role):
    authority = Authority(lab, "b-file", [])
    authority.revoke()
    _load(lab, authority, "relaxed", {"x509crl/ca.crl": authority.crl()})
    return _must_say(lab, _attempt(lab, role), REVOKED)


def _must_say(lab, mark, words):
    """What, expected, got and what to try; a revoked certificate is no line's fault."""
    def found():
        return [line for line in lab.a.log_since(mark).splitlines() if all(re.search(word, line) for word in words)]
    line = wait_for(f"a line with {words}", found, 5, 0.1)[0]
    demand("expected" in line and "got" in line and "try" in line, line)
    return line


@scenario("revoked.crl-file.initiator", needs_keyway=True)
def crl_file_initiator(lab):
    return _crl_file(lab, "initiator")


@scenario("revoked.crl-file.responder", needs_keyway=True)
def crl_file_responder(lab):
    return _crl_file(lab, "responder")


def _restart(lab):
    lab.a.stop()
    lab.a.start()


def _crl_http(lab, role):
    """Strict: comes up with a CRL that is fetched, does not with one that is not there, and not when it is revoked."""
    authority = Authority(lab, "b-http", CRL_POINT)
    _load(lab, authority, "strict")
    before = _attempt(lab, role)
    _must_decide(lab, before, ("not known whether", "127.0.0.1:8088"))
    asked = authority.serve_crl()
    _restart(lab)  # an address that failed is left alone for a while
    bring_up(lab, role)
    demand(open(asked).read().count("GET /ca.crl") == 1, f"asked for the CRL: {open(asked).read()[-300:]}")
    lab.a.terminate("net")
    authority.revoke()
    authority.crl()
    _restart(lab)
    return _must_say(lab, _attempt(lab, role), REVOKED)


@scenario("revoked.crl-http.initiator", needs_keyway=True)
def crl_http_initiator(lab):
    return _crl_http(lab, "initiator")


@scenario("revoked.crl-http.responder", needs_keyway=True)
def crl_http_responder(lab):
    return _crl_http(lab, "responder")


@scenario("revoked.flush", needs_keyway=True)
def flush(lab):
    """A CRL that came is believed until it ends, or until `keyway flush`."""
    authority = Authority(lab, "b-flush", CRL_POINT)
    _load(lab, authority, "strict")
    asked = authority.serve_crl()
    bring_up(lab)
    authority.revoke()
    authority.crl()
    lab.a.terminate("net")
    bring_up(lab)
    lab.a.terminate("net")
    demand(open(asked).read().count("GET /ca.crl") == 1, f"asked for the CRL: {open(asked).read()[-300:]}")
    code, out, err = lab.a.cli("flush", "crls")
    demand(code == 0 and "1 CRL" in err, f"keyway flush: {code} {out} {err}")
    return _must_say(lab, _attempt(lab, "initiator"), REVOKED)


def _silent(lab, role):
    """The peer repeats its request while Keyway waits for a server that says nothing; then the policy decides."""
    authority = Authority(lab, "b-silent", CRL_POINT)
    authority.serve_nothing()
    _load(lab, authority, "relaxed")
    begin = time.monotonic()
    bring_up(lab, role)
    waited = time.monotonic() - begin
    demand(4 < waited < 12, f"it took {waited:.1f} s")
    demand(len(lab.a.children()) == 1, f"children: {lab.a.children()}")
    return f"up after {waited:.1f} s"


@scenario("revoked.crl-silent.initiator", needs_keyway=True)
def silent_initiator(lab):
    return _silent(lab, "initiator")


@scenario("revoked.crl-silent.responder", needs_keyway=True)
def silent_responder(lab):
    return _silent(lab, "responder")


def _ocsp(lab, role):
    authority = Authority(lab, "b-ocsp", OCSP_POINT)
    authority.serve_ocsp()
    _load(lab, authority, "strict")
    bring_up(lab, role)
    lab.a.terminate("net")
    authority.revoke("superseded")
    authority.responder.stop()
    authority.serve_ocsp()
    _restart(lab)
    return _must_say(lab, _attempt(lab, role), (r"was revoked at 20", "superseded, the OCSP response of"))


@scenario("revoked.ocsp.initiator", needs_keyway=True)
def ocsp_initiator(lab):
    return _ocsp(lab, "initiator")


@scenario("revoked.ocsp.responder", needs_keyway=True)
def ocsp_responder(lab):
    return _ocsp(lab, "responder")
