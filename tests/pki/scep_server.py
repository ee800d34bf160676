#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command beside a SCEP server (RFC 8894), both alone in a network namespace: unshare -n scep_server.py FOLDER COMMAND...
HTTP is on port 8080, and HTTPS on 8443 where the folder has server.pem and server.key.
In the folder: root.pem, ca.pem, ca.key (who issues), ra.pem, ra.key (whom requests are encrypted for, and who signs answers), wrong.pem,
wrong.key (another CA). OpenSSL's CMS opens and verifies every message and makes the answers; who sent what stands in scep.log, a line of
JSON per request, with `error` when it was not as it has to be. The path chooses how it answers, /scep/pending and so on: see LABELS."""
import base64
import http.server
import json
import os
import re
import ssl
import subprocess
import sys
import threading
import urllib.parse

import cms

FOLDER = sys.argv[1]
CAPS = "AES\nPOSTPKIOperation\nRenewal\nSCEPStandard\nSHA-256\n"
PKI = "application/x-pki-message"
BASE = "2.16.840.1.113733.1.9."
TYPE, STATUS, FAIL, SENDER, RECIPIENT, TRANSACTION = (BASE + str(n) for n in range(2, 8))
FAIL_TEXT = "1.3.6.1.5.5.7.24.1"
SUCCESS, FAILURE, PENDING = "0", "2", "3"
transactions = {}  # id -> the request's DER
polls = {}


class Unfit(Exception):
    """The request is not as it has to be."""


def path(name):
    return os.path.join(FOLDER, name)


def openssl(*args, stdin=b""):
    p = subprocess.run(["openssl", *args], cwd=FOLDER, input=stdin, check=False, capture_output=True)
    if p.returncode:
        raise Unfit(f"openssl {args[0]}: {p.stderr.decode(errors='replace').strip()[:300]}")
    return p.stdout


def read(name):
    with open(path(name), "rb") as f:
        return f.read()


def write(name, data):
    with open(path(name), "wb") as f:
        f.write(data)


def bundle(*names):
    """The certificates as a degenerate PKCS#7."""
    write("bundle.pem", b"".join(read(n) for n in names))
    return openssl("crl2pkcs7", "-nocrl", "-certfile", "bundle.pem", "-outform", "DER")


def issue(csr, ca="ca"):
    write("issued.pem", openssl("x509", "-req", "-inform", "DER", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-days", "30",
                                "-copy_extensions", "copyall", stdin=csr))
    return bundle("issued.pem")


def for_another_key(csr):
    subject = openssl("req", "-inform", "DER", "-noout", "-subject", "-nameopt", "compat", stdin=csr).decode().strip()
    return issue(openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "other.key", "-subj",
                         subject.removeprefix("subject=").strip(), "-outform", "DER"))


def with_others(csr):
    issue(csr)
    return bundle("ca.pem", "issued.pem", "ra.pem")


def encrypt(data, recipient="signer.pem", cipher="-aes-128-cbc"):
    return openssl("cms", "-encrypt", "-binary", "-outform", "DER", cipher, recipient, stdin=data)


def flipped(data):
    return data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]


# How a label differs from what is right. certs: what answers a request; wrap: how it is encrypted; attributes: of the answer, None leaves
# one out; waits: polls that find nothing; signer: who signs, by which digest; body: what becomes of the message.
LABELS = {
    "": {},
    "get": {"caps": "AES\nSHA-256\n", "only": "GET"},
    "nocaps": {"caps": None, "only": "GET"},
    "old": {"caps": "SHA-1\nDES3\nPOSTPKIOperation\n"},
    "oldest": {"caps": "POSTPKIOperation\n"},
    "sha512": {"caps": "POSTPKIOperation\nSHA-512\nAES\nRenewal\n", "digest": b"sha512"},
    "noaes": {"caps": "POSTPKIOperation\nSHA-256\nDES3\n"},
    "standard": {"caps": "SCEPStandard\nRenewal\n"},
    "nodes3": {"caps": "POSTPKIOperation\nSHA-256\nAES\n"},
    "norenewal": {"caps": "POSTPKIOperation\nSHA-256\nAES\n"},
    "crlf": {"caps": CAPS.replace("\n", "\r\n")},
    "aes256": {"wrap": lambda d: encrypt(d, cipher="-aes-256-cbc")},
    "des3": {"wrap": lambda d: encrypt(d, cipher="-des3")},
    "others": {"certs": with_others},
    "casigns": {"signer": "ca"},
    "flat": {"signer": "root", "certs": lambda csr: issue(csr, "root")},
    "pending": {"waits": 2},
    "unhurried": {"waits": 10**9},
    **{f"fail{n}": {"status": FAILURE, "fail": str(n)} for n in (0, 1, 2, 3, 4, 9)},
    "failtext": {"status": FAILURE, "fail": "2", "text": "we do not know \x1b[31myou"},
    "failnoinfo": {"status": FAILURE},
    "status9": {"status": "9"},
    "nostatus": {"status": None},
    "wrongsigner": {"signer": "wrong"},
    "forged": {"body": flipped},
    "md5": {"digest": b"md5"},
    "sha1": {"digest": b"sha1"},
    "wrongnonce": {"nonce": b"\x01" * 16},
    "nononce": {"nonce": None},
    "wrongtransaction": {"transaction": "0" * 40},
    "notransaction": {"transaction": None},
    "wrongtype": {"type": "19"},
    "notype": {"type": None},
    "wrongkey": {"certs": for_another_key},
    "wrongissuer": {"certs": lambda csr: issue(csr, "wrong")},
    "wrongrecipient": {"wrap": lambda d: encrypt(d, "wrong.pem")},
    "bare": {"wrap": lambda d: d},
    "nothing": {"wrap": lambda d: None},
    "nocerts": {"certs": lambda csr: openssl("crl2pkcs7", "-nocrl", "-outform", "DER")},
    "noise": {"certs": lambda csr: b"\x30\x82" + b"noise" * 40},
    "unsigned": {"body": lambda d: bundle("ca.pem")},
    "truncated": {"body": lambda d: d[:len(d) // 2]},
    "tail": {"body": lambda d: d + b"x"},
    "huge": {"body": lambda d: b"0" * (3 << 20)},
    "empty": {"body": lambda d: b""},
    "html": {"body": lambda d: b"<html><body>It works!</body></html>", "kind": "text/html"},
    "htmlastype": {"body": lambda d: b"<html><body>It works!</body></html>"},
    "denied": {"http": 403},
    "single": {},
    "singlera": {},
}


def open_message(der, line):
    """(what was encrypted, the attributes) of a pkiMessage whose signature and envelope hold; they are written down in line."""
    message = cms.Signed(der)
    envelope = message.verify()
    line["digest"] = message.digest
    write("signer.pem", message.signer_pem)
    line["signer"] = openssl("x509", "-in", "signer.pem", "-noout", "-subject", "-nameopt", "RFC2253").decode().strip()
    text = openssl("cms", "-cmsout", "-print", "-inform", "DER", stdin=envelope).decode(errors="replace")
    line["cipher"] = re.search(r"contentEncryptionAlgorithm: *\n? *algorithm: (\S+)", text)[1]
    attributes = {oid: message.attribute(oid) for oid in (TYPE, SENDER, TRANSACTION)}
    if None in attributes.values():
        raise Unfit("an attribute is missing")
    line["type"], line["transaction"] = attributes[TYPE].decode(), attributes[TRANSACTION].decode()
    line["nonce"] = attributes[SENDER].hex()
    if len(attributes[SENDER]) != 16:
        raise Unfit("a nonce of another length")
    return openssl("cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", "ra.key", "-recip", "ra.pem", stdin=envelope), attributes


def check_request(csr, line):
    """PKCSReq and RenewalReq: the request is good, and so is who signed the message."""
    openssl("req", "-inform", "DER", "-verify", "-noout", stdin=csr)
    text = openssl("req", "-inform", "DER", "-noout", "-text", stdin=csr).decode()
    password = re.search(r"challengePassword *: *(.*)", text)
    line["password"] = password[1].strip() if password else None
    line["csr"] = re.search(r"Subject: (.*)", text)[1]
    line["names"] = re.findall(r"(?:DNS|email|IP Address):[^,\s]+", text)
    line["profile"] = "1.3.6.1.4.1.311.20.2" in text
    line["csr_digest"] = re.findall(r"Signature Algorithm: (\S+)", text)[0]
    key = openssl("req", "-inform", "DER", "-noout", "-pubkey", stdin=csr)
    signer_key = openssl("x509", "-in", "signer.pem", "-noout", "-pubkey")
    line["is_renewal"] = key != signer_key
    write("known.pem", read("root.pem") + read("ca.pem"))
    if line["is_renewal"]:
        openssl("verify", "-CAfile", "known.pem", "signer.pem")
        if line["type"] not in ("17", "19"):
            raise Unfit("a renewal of another type")
    else:
        openssl("verify", "-check_ss_sig", "-CAfile", "signer.pem", "signer.pem")
        if line["type"] != "19":
            raise Unfit("a request of another type")


def check_poll(data, csr):
    if data != cms.issuer_and_subject(read("ca.pem"), csr):
        raise Unfit("a poll for another issuer or subject")


def reply(how, attributes, csr, is_waiting):
    """The CertRep."""
    status = PENDING if is_waiting else how.get("status", SUCCESS)
    signer = how.get("signer", "ra")
    envelope = how.get("wrap", encrypt)(how.get("certs", issue)(csr)) if status == SUCCESS else None
    said = [(TYPE, how.get("type", "3")), (STATUS, status), (FAIL, how.get("fail")), (SENDER, os.urandom(16)),
            (RECIPIENT, how.get("nonce", attributes[SENDER])), (TRANSACTION, how.get("transaction", attributes[TRANSACTION].decode()))]
    said = [(oid, value, "utf8" if oid == FAIL_TEXT else None) for oid, value in said + [(FAIL_TEXT, how.get("text"))] if value is not None]
    return cms.sign(envelope, read(signer + ".pem"), read(signer + ".key"), how.get("digest", b"sha256"), said)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, code, kind, data):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_one(self, body):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        label = url.path.removeprefix("/scep").strip("/")
        line = {"method": self.command, "label": label, "operation": query.get("operation", [None])[0],
                "kind": self.headers["Content-Type"]}
        if not url.path.startswith("/scep") or label not in LABELS:
            answer = (404, "text/plain", b"no such thing")
        else:
            try:
                answer = self.operate(line, label, query, body)
            except (Unfit, cms.Error) as e:
                line["error"] = str(e)
                answer = (400, "text/plain", str(e).encode())
        with open(path("scep.log"), "a", encoding="utf-8") as f:
            f.write(json.dumps(line) + "\n")
        self.answer(*answer)

    def operate(self, line, label, query, body):
        how = LABELS[label]
        if line["operation"] == "GetCACaps" and self.command == "GET":
            caps = how.get("caps", CAPS)
            return (404, "text/plain", b"") if caps is None else (200, "text/plain", caps.encode())
        if line["operation"] == "GetCACert" and self.command == "GET":
            if label == "single":
                return 200, "application/x-x509-ca-cert", openssl("x509", "-in", "root.pem", "-outform", "DER")
            names = ["ra.pem"] if label == "singlera" else ["ra.pem", "ca.pem", "root.pem"]
            data = bundle(*names) if label != "nocerts" else LABELS[label]["certs"](b"")
            return how.get("http", 200), how.get("kind", "application/x-x509-ca-ra-cert"), how.get("body", lambda d: d)(data)
        if line["operation"] != "PKIOperation" or self.command != how.get("only", self.command):
            return 405, "text/plain", b"not that"
        if self.command == "GET":
            body = base64.b64decode("".join(query["message"][0].splitlines()), validate=True)
        return self.pki_operation(line, label, how, body)

    def pki_operation(self, line, label, how, body):
        write("message.der", body)
        data, attributes = open_message(body, line)
        key = attributes[TRANSACTION]
        if line["type"] == "20":
            if key not in transactions:
                raise Unfit("a poll for what was not asked")
            check_poll(data, transactions[key])
        else:
            write("request.der", data)
            check_request(data, line)
            transactions[key] = data
        if "http" in how:
            return how["http"], "text/plain", b"not you"
        polls[label] = polls.get(label, 0) + 1
        message = reply(how, attributes, transactions[key], polls[label] <= how.get("waits", 0))
        return 200, how.get("kind", PKI), how.get("body", lambda d: d)(message)

    def do_GET(self):
        self.handle_one(b"")

    def do_POST(self):
        self.handle_one(self.rfile.read(int(self.headers["Content-Length"])))


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that has had enough and closes is no news; anything else is."""
        if not isinstance(sys.exc_info()[1], (ssl.SSLError, ConnectionError)):
            super().handle_error(request, client_address)


def serve(port, tls=None):
    server = Server(("127.0.0.1", port), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    serve(8080)
    if os.path.exists(path("server.pem")):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path("server.pem"), path("server.key"))
        serve(8443, context)
    sys.exit(subprocess.run(sys.argv[2:], cwd=FOLDER, check=False).returncode)
