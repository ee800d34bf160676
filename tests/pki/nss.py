# SPDX-License-Identifier: Apache-2.0
"""Libreswan's own key commands on NSS's own database: Debian's packages, unpacked, run by the C library that came along."""
import os

import peers

from kit import run

PASSWORD = b"correct horse"


class Database:
    """A database of NSS in a folder, without a password; or none yet."""

    def __init__(self, case, name, is_made=True):
        self.root, self.version = peers.fetch_libreswan()
        self.case, self.folder = case, case.path(name)
        os.makedirs(self.folder, exist_ok=True)
        if is_made:
            self.must("certutil", "-N", "-d", "sql:" + self.folder, "--empty-password")

    def run(self, program, *args, stdin=b""):
        where = peers.LIBRESWAN_DIR if program in ("showhostkey", "rsasigkey", "ecdsasigkey") else "/usr/bin"
        libraries = self.root + "/usr/lib/x86_64-linux-gnu"
        command = [libraries + "/ld-linux-x86-64.so.2", "--library-path", libraries, f"{self.root}{where}/{program}", *args]
        return run(command, self.case.folder, stdin)

    def must(self, program, *args, stdin=b""):
        return self.case.good(self.run(program, *args, stdin=stdin), f"{program} {args}")

    def tools(self):
        """A folder with certutil and pk12util, to be put into PATH."""
        libraries = self.root + "/usr/lib/x86_64-linux-gnu"
        folder = self.case.path("tools")
        os.makedirs(folder, exist_ok=True)
        for name in ("certutil", "pk12util"):
            with open(os.path.join(folder, name), "w") as f:
                f.write(f'#!/bin/sh\nexec {libraries}/ld-linux-x86-64.so.2 --library-path {libraries} '
                        f'{self.root}/usr/bin/{name} "$@"\n')
            os.chmod(os.path.join(folder, name), 0o755)
        return folder

    def show(self, *args):
        return self.run("showhostkey", "--nssdir", self.folder, *args)

    def take(self, key):
        """The private key of a PEM file, which NSS takes with a certificate alone."""
        case = self.case
        case.openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=" + os.path.basename(key), "-days", "30",
                     "-out", "taken.crt")
        case.openssl("pkcs12", "-export", "-inkey", key, "-in", "taken.crt", "-name", os.path.basename(key), "-passout",
                     "pass:" + PASSWORD.decode(), "-out", "taken.p12")
        self.must("pk12util", "-i", case.path("taken.p12"), "-d", "sql:" + self.folder, "-W", PASSWORD.decode())
