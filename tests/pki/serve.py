#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command beside a web server, both alone in a network namespace: unshare -n serve.py FOLDER COMMAND... GET gives the
folder's files, of type CRL; POST to /ocsp asks `openssl ocsp` with the folder's index.txt, ca.pem and ocsp.pem."""
import http.server
import os
import subprocess
import sys
import threading

FOLDER = sys.argv[1]


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, kind, data):
        self.send_response(200 if data is not None else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def do_GET(self):
        path = os.path.join(FOLDER, os.path.basename(self.path))
        data = open(path, "rb").read() if os.path.isfile(path) else None
        self.answer("application/pkix-crl", data)

    def do_POST(self):
        question = os.path.join(FOLDER, "question.der")
        with open(question, "wb") as f:
            f.write(self.rfile.read(int(self.headers["Content-Length"])))
        subprocess.run(["openssl", "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ocsp.pem", "-rkey", "ocsp.key",
                        "-reqin", "question.der", "-respout", "answer.der", "-ndays", "1"], cwd=FOLDER, check=True, capture_output=True)
        self.answer("application/ocsp-response", open(os.path.join(FOLDER, "answer.der"), "rb").read())


subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.exit(subprocess.run(sys.argv[2:], cwd=FOLDER, check=False).returncode)
