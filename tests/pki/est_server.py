#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command beside an EST server (RFC 7030), both alone in a network namespace: unshare -n est_server.py FOLDER COMMAND...
In the folder: ca.pem, ca.key (who issues), server.pem, server.key (its TLS), chain.pem (what /cacerts gives, and whose client
certificates are taken), wrong.pem, wrong.key (another CA). Everything is done by `openssl`; who sent what stands in est.log, a line of
JSON per request. The label of the path chooses how it answers: see LABELS."""
import base64
import http.server
import json
import os
import ssl
import subprocess
import sys
import threading

FOLDER = sys.argv[1]
polls = {}


def openssl(*args, stdin=b""):
    return subprocess.run(["openssl", *args], cwd=FOLDER, input=stdin, check=True, capture_output=True).stdout


def bundle(pem_file):
    """The certificates as base64 of a degenerate PKCS#7, in lines, as most servers send it."""
    return base64.encodebytes(openssl("crl2pkcs7", "-nocrl", "-certfile", pem_file, "-outform", "DER"))


def issue(csr, ca="ca"):
    openssl("req", "-inform", "DER", "-verify", "-noout", stdin=csr)  # its own signature
    with open(os.path.join(FOLDER, "issued.pem"), "wb") as f:
        f.write(openssl("x509", "-req", "-inform", "DER", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-days", "30", "-copy_extensions",
                        "copyall", stdin=csr))
    return bundle("issued.pem")


def for_another_key(csr):
    openssl("genpkey", "-algorithm", "ed25519", "-out", "other.key")
    subject = openssl("req", "-inform", "DER", "-noout", "-subject", "-nameopt", "compat", stdin=csr).decode().strip()[len("subject="):]
    return issue(openssl("req", "-new", "-key", "other.key", "-subj", subject.strip(), "-outform", "DER"))


def two(csr):
    issue(csr)
    with open(os.path.join(FOLDER, "both.pem"), "wb") as f:
        f.write(open(os.path.join(FOLDER, "ca.pem"), "rb").read() + open(os.path.join(FOLDER, "issued.pem"), "rb").read())
    return bundle("both.pem")


P7 = "application/pkcs7-mime"
LABELS = {  # label: (polls that find nothing, Retry-After, status, type, what answers a request)
    "": (0, None, 200, P7, issue),
    "pending": (2, "1", 200, P7, issue),
    "unhurried": (10**9, "1", 200, P7, issue),
    "wordless": (1, None, 200, P7, issue),  # 202 without Retry-After
    "ages": (1, "4000000000", 200, P7, issue),
    "auth": (0, None, 200, P7, issue),
    "wrongsigner": (0, None, 200, P7, lambda csr: issue(csr, "wrong")),
    "wrongkey": (0, None, 200, P7, for_another_key),
    "two": (0, None, 200, P7, two),
    "html": (0, None, 200, "text/html", lambda csr: b"<html><body>It works!</body></html>"),
    "htmlastype": (0, None, 200, P7, lambda csr: b"<html><body>It works!</body></html>"),
    "huge": (0, None, 200, P7, lambda csr: b"MIIB" * (1 << 20)),
    "empty": (0, None, 200, P7, lambda csr: b""),
    "none": (0, None, 200, P7, lambda csr: base64.b64encode(openssl("crl2pkcs7", "-nocrl", "-outform", "DER"))),
    "truncated": (0, None, 200, P7, lambda csr: issue(csr)[:400]),
    "denied": (0, None, 403, "text/plain", lambda csr: b"not you"),
    "redirect": (0, None, 302, "text/plain", lambda csr: b""),
    "nocontent": (0, None, 204, P7, lambda csr: b""),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, code, kind, data, **headers):
        self.send_response(code)
        if code != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data if code != 204 else b"")

    def asked(self):
        """(label, operation), written down; the operation is None for a path of no EST server."""
        parts = self.path.split("/")
        is_est = parts[:3] == ["", ".well-known", "est"] and len(parts) in (4, 5)
        label, operation = (parts[3] if len(parts) == 5 else "", parts[-1]) if is_est else ("", None)
        peer = self.connection.getpeercert()
        line = {"method": self.command, "path": self.path, "type": self.headers["Content-Type"],
                "encoding": self.headers["Content-Transfer-Encoding"], "auth": self.headers["Authorization"],
                "peer": ", ".join(f"{k}={v}" for rdn in peer["subject"] for k, v in rdn) if peer else None}
        with open(os.path.join(FOLDER, "est.log"), "a", encoding="utf-8") as f:
            f.write(json.dumps(line) + "\n")
        return label, operation, line

    def unfit(self, label, operation, line):
        """Why the request is not to be answered."""
        if line["type"] != "application/pkcs10":
            return 415
        if label == "auth" and line["auth"] != "Basic " + base64.b64encode(b"moon:se:cret").decode():
            return 401
        if operation == "simplereenroll" and not line["peer"]:
            return 403
        return 0 if operation in ("simpleenroll", "simplereenroll") and label in LABELS else 404

    def do_GET(self):
        label, operation, _ = self.asked()
        if operation != "cacerts" or label not in LABELS:
            return self.answer(404, "text/plain", b"no such thing")
        _, _, status, kind, what = LABELS[label]
        body = bundle("chain.pem") if what is issue else what(openssl("req", "-in", "any.csr", "-outform", "DER"))
        return self.answer(status, kind, body, **({"Location": "/"} if status == 302 else {}))

    def do_POST(self):
        label, operation, line = self.asked()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refusal = self.unfit(label, operation, line)
        if refusal:
            extra = {"WWW_Authenticate": 'Basic realm="est"'} if refusal == 401 else {}
            return self.answer(refusal, "text/plain", b"no", **extra)
        waits, retry, status, kind, what = LABELS[label]
        polls[label] = polls.get(label, 0) + 1
        if polls[label] <= waits:
            return self.answer(202, "text/plain", b"patience", **({"Retry_After": retry} if retry else {}))
        extra = {"Location": "/.well-known/est/simpleenroll"} if status == 302 else {}
        return self.answer(status, kind, what(base64.b64decode(body)), Content_Transfer_Encoding="base64", **extra)


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that closes without the last word of TLS is no news; anything else is."""
        if not isinstance(sys.exc_info()[1], (ssl.SSLError, ConnectionError)):
            super().handle_error(request, client_address)


if __name__ == "__main__":
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(os.path.join(FOLDER, "server.pem"), os.path.join(FOLDER, "server.key"))
    tls.load_verify_locations(os.path.join(FOLDER, "chain.pem"))
    tls.verify_mode = ssl.CERT_OPTIONAL
    server = Server(("127.0.0.1", 8443), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.exit(subprocess.run(sys.argv[2:], cwd=FOLDER, check=False).returncode)
