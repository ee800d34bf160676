#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does Keyway take the files that Libreswan takes, refuse those that it refuses, and make the same of them? Each small
file of libreswan_cases.py, and each lib-*.conf of tests/conf/ipsec, is given to Debian's addconn --checkconfig and
readwriteconf, of 5.2 and of 4.10, unpacked as for the lab, and to `keyway config show`. Whether a file is taken is as with
5.2; where 4.10 does otherwise than 5.2, that is counted. Every key that either prints is compared with Keyway's model
by libreswan_values.py. Where they differ, DIFFERENCES says why; any other difference fails, and so do more than 20.

  tests/conf/compare_libreswan.py [--keyway build/dev/bin/keyway] [-v]"""
import argparse
import concurrent.futures
import functools
import json
import os
import re
import subprocess
import sys
import tempfile

from libreswan_cases import ROOT, cases
import libreswan_values

sys.path.insert(0, os.path.join(ROOT, "tests", "interop"))
import peers  # noqa: E402

MOST = 20
BLANKS = "5.2 takes the second word for a keyword; Keyway takes the value and warns, since 3.x and users' texts write it so"
STRONGSWANS = "4.10 and 5.2 refuse keys of strongSwan's, which Keyway takes in either dialect"
GONE = "5.2 has no more what 3.x or 4.x had: told of as without effect, so that old files load"
# case: why it is not alike
DIFFERENCES = {
    "blank-value": BLANKS,
    "leftsubnets=10.0.0.0/8 11.0.0.0/8": BLANKS,
    "lib-grammar-string-not-closed.conf": "4.10 and 5.2 let a string end with the line; what is behind it is then read as anything",
    "lib-grammar-continuation.conf": "to 4.10 and 5.2 a backslash at the end of a line is a character; Keyway goes on, and warns",
    "indent-include": "5.2 wants include in column 1",
    "crlf": "5.2 takes the carriage return for a part of the word",
    "lib-names.conf": "to 5.2 '-' and '_' differ, and none stands behind left and right",
    "lib-keys-of-code.conf": "5.2 has no alsoflip, as 4.10 does",
    "lib-keys-of-the-other.conf": STRONGSWANS,
    "esp=aes256gcm16": STRONGSWANS,
    "tfc=%mtu": STRONGSWANS,
    "lib-keys-obsolete.conf": GONE,
    "lib-newer.conf": "5.2 has not yet what came after it",
    "ah-alone": "ah= asks for AH since 5.3 without phase2=ah, which 4.10 and 5.2 want",
    "dns-match-id=yes": "4.10 and 5.2 have a comma at the end of the name, by mistake",
    "ike=aes-sha1-modp1024": "4.10 and 5.2 are built without modp1024",
    "setup keep-alive=20s": "4.10 takes numbers without a unit there, and 0 else",
    "lib-also-in-default.conf": "4.10 follows also= in %default, 5.x does not",
    "lib-howto-4.7-ppk.conf": "5.2 takes also= where it stands; Keyway's own keys win, as 4.10's do, and it warns",
    "lib-doubles.conf": "4.10 takes the first value of config setup, 5.2 the last",
}


class Libreswan:
    """Programs of one version, run from where they are unpacked."""

    def __init__(self, number):
        self.number = number
        self.root, self.version = peers.fetch_libreswan() if number == 5 else peers.fetch_old_libreswan()
        libraries = self.root + "/usr/lib/x86_64-linux-gnu"
        loader = [libraries + "/ld-linux-x86-64.so.2", "--library-path", libraries]
        self.loader = loader if os.path.exists(loader[0]) else []
        self.env = {**os.environ, **({} if self.loader else {"LD_LIBRARY_PATH": libraries})}

    def run(self, program, *args):
        return subprocess.run([*self.loader, f"{self.root}{peers.LIBRESWAN_DIR}/{program}", *args], capture_output=True,
                              text=True, errors="replace", timeout=20, env=self.env)

    def takes(self, path):
        r = self.run("addconn", "--config", path, "--checkconfig")
        return r.returncode == 0, r.stderr + r.stdout

    def printed(self, path):
        """[(section, [(key, value)])], without the sections that it could not load. A value may be missing."""
        sections, r = [], self.run("readwriteconf", "--config", path)
        for line in r.stdout.split("\n"):
            if re.match(r"(conn|config) ", line):
                sections.append((line.split(" ", 1)[1], []))
            # 5.2 goes on in the same line behind a value that it does not write
            pairs = [word.partition("=") for word in line.split("\t")[1:]] if sections else []
            sections[-1:] = [(n, v + [(k, x) for k, _, x in pairs if k[0] != "#"]) for n, v in sections[-1:]]
        return [(name, keys) for name, keys in sections if f"while loading '{name}'" not in r.stderr]

    @functools.lru_cache(None)
    def algparse(self, protocol, words):
        r = self.run("algparse", "-v2", "-pfs=yes", f"{protocol}={words}" if words else protocol)
        return tuple(line.strip() for line in r.stdout.split("\n") if line.startswith("\t"))


def make_credentials(etc):
    """A certificate by the name that the files have, so that nothing else is missing."""
    for folder in ("certs", "private", "cacerts"):
        os.makedirs(f"{etc}/ipsec.d/{folder}")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=moon", "-keyout", f"{etc}/ipsec.d/private/moon.pem", "-out", f"{etc}/ipsec.d/certs/moon.pem"],
                   check=True, capture_output=True)


def write(etc, text):
    """What follows a line "==== /etc/PATH" is another file of the same folder."""
    first, *others = re.split(r"^==== /etc/(\S+)\n", text.replace("include /etc/", f"include {etc}/"), flags=re.M)
    for path, part in [("ipsec.conf", first), *zip(others[::2], others[1::2])]:
        os.makedirs(os.path.dirname(f"{etc}/{path}"), exist_ok=True)
        with open(f"{etc}/{path}", "w", encoding="utf-8", newline="") as f:
            f.write(part)
        os.chmod(f.name, 0o600)


def reason(name):
    """Of a case, or of "case:key"."""
    return DIFFERENCES.get(name) or next((why for case, why in DIFFERENCES.items() if name.startswith(case + ":")), None)


class Comparison:
    def __init__(self, program, credentials):
        self.program, self.credentials = program, credentials
        self.new, self.old = Libreswan(5), Libreswan(4)

    def keyway(self, etc):
        r = subprocess.run([self.program, "config", "show", "--json", "--etc", etc, "--state", etc + "/state", "--load",
                            "keyway,ipsec"], capture_output=True, text=True, timeout=60)
        return r.returncode == 0, r.stdout, r.stderr

    def one(self, case):
        """(alike, differences): [(name, what)] of one file."""
        name, text = case
        with tempfile.TemporaryDirectory() as etc:
            os.makedirs(etc + "/keyway")
            with open(etc + "/keyway/keyway.conf", "w") as f:
                f.write("keyway { ipsec_dialect = libreswan\n }\n")
            os.makedirs(etc + "/ipsec.d")
            for folder in os.listdir(self.credentials + "/ipsec.d"):
                os.symlink(f"{self.credentials}/ipsec.d/{folder}", f"{etc}/ipsec.d/{folder}")
            write(etc, text)
            path = etc + "/ipsec.conf"
            (theirs, said), (ours, shown, log) = self.new.takes(path), self.keyway(etc)
            old = self.old.takes(path)[0]
            if ours != theirs:
                return old != theirs, 0, [(name, f"Libreswan {'takes' if theirs else 'refuses'} it, Keyway "
                                           f"{'takes' if ours else 'refuses'} it\n  {said.strip()[-300:]}\n  {log.strip()[-300:]}")]
            n, found = 0, []
            for libreswan, takes in ((self.new, theirs), (self.old, old)):
                if ours and takes:
                    m, wrong = self.values(name, libreswan, path, json.loads(shown), log)
                    n += m
                    found += wrong
            return old != theirs, n, list(dict(found).items())

    def values(self, name, libreswan, path, tree, log):
        n, found, seen = 0, [], set()
        for section, pairs in libreswan.printed(path):
            printed, node = dict(pairs), tree["connections"].get(section)
            if section in seen and section != "setup":  # a second one of the name
                continue
            seen.add(section)
            if section != "setup" and not node:
                if printed.get("auto", "ignore") != "ignore" and f"connection {section} is left out" not in log:
                    found.append((f"{name}:{section}", "the connection is not there, and nobody is told"))
                continue
            m = self.model(section, node, tree, log) if node else None
            for key, value in pairs:
                if not value:
                    continue
                n += 1
                try:
                    wrong = libreswan_values.check_setup(tree, log, key, value) if section == "setup" else \
                        libreswan_values.check(m, libreswan.number, key, value, printed)
                except libreswan_values.Unknown:
                    wrong = f"there is no row for {key}={value}"
                if wrong:
                    found.append((f"{name}:{key}", f"{libreswan.version} has {key}={value}: {wrong}"))
        return n, found

    def model(self, name, node, tree, log):
        m = libreswan_values.Model(name, node, tree, log)
        m.algparse = self.new.algparse
        return m


def compare(program, is_verbose):
    with tempfile.TemporaryDirectory() as credentials, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        make_credentials(credentials)
        c, files = Comparison(program, credentials), list(cases())
        results = list(pool.map(c.one, files))
    found = [d for _, _, differences in results for d in differences]
    names = {name for name, _ in found}
    bad = [d for d in found if reason(d[0]) is None]
    unused = [case for case in DIFFERENCES if not any(name == case or name.startswith(case + ":") for name in names)]
    for name, what in found if is_verbose else bad:
        print(f"{name}: {what}{'' if reason(name) is None else chr(10) + '  ' + reason(name)}")
    for case in unused:
        print(f"{case}: listed as a difference, and there is none")
    listed = len(DIFFERENCES) - len(unused)
    if listed > MOST:
        print(f"{listed} differences: more than {MOST}")
    print(f"{len(files)} files, {sum(n for _, n, _ in results)} values; Libreswan {c.new.version} and {c.old.version}: {listed} listed "
          f"differences, {len({name for name, _ in bad})} others; {sum(o for o, _, _ in results)} files that 4.10 and 5.2 differ on")
    return not bad and not unused and listed <= MOST


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keyway", default=os.path.join(ROOT, "build/dev/bin/keyway"))
    parser.add_argument("-v", "--verbose", action="store_true", help="print the listed differences, too")
    args = parser.parse_args()
    sys.exit(0 if compare(args.keyway, args.verbose) else 1)
