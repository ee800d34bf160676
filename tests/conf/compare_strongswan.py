#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The files ss-*.conf of tests/conf/ipsec as strongSwan 5.9.8 takes them, with its own starter and charon, beside what
Keyway takes: for each of them `ipsec statusall`, and strongSwan's `swanctl --list-conns --raw` asked of both, line by
line. What may differ is in tables here, with the reason.

Each daemon has mounts, a network and processes of its own (see tests/interop/room.py) and a folder for /etc; nothing
is installed, and nothing leaves the machine.

  tests/conf/compare_strongswan.py [--keyway build/dev/bin] [--keep FOLDER] [-v] [FILE...]
"""
import argparse
import difflib
import fnmatch
import glob
import os
import re
import shutil
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/interop"))

import peers  # noqa: E402
from net import LabError, wait_for  # noqa: E402
from room import Room, make_etc, strongswan_mounts  # noqa: E402
from vici import Vici  # noqa: E402

PLUGINS = ("aesni openssl random nonce sha1 sha2 md5 hmac xcbc cmac kdf pem pkcs1 pkcs8 x509 revocation pubkey constraints "
           "curve25519 ccm ctr gcm chapoly aes mgf1 kernel-netlink socket-default stroke vici updown "
           "eap-identity eap-mschapv2 xauth-generic")
FOLDERS = "cacerts certs aacerts acerts ocspcerts crls private reqs".split()
# The last connection of the file: when it is there, all are.
END = """
conn kw-end
    left=%any
    right=198.51.100.254
    leftid=@kw-end
    rightid=@kw-end
    keyexchange=ikev2
    leftauth=psk
    rightauth=psk
    type=tunnel
    auto=add
"""
OTHERS_WORDS = "words of the other dialect are taken"
# What only one of them loads: (file, connection, why).
ONE_SIDED = [
    ("ss-auth", "bad", "an unknown way to authenticate is an error; strongSwan goes on without one: 'any'"),
    ("ss-bad-values", "pool", "a pool that nobody has is an error; strongSwan has no address for the peer when it asks"),
    ("ss-bad-values", "cert", "a certificate that is not there is an error; strongSwan goes on without one"),
    ("ss-auto-of-libreswan", "net", OTHERS_WORDS),
    ("ss-opened", "both", "of a firewall and a command the command counts, with a warning; strongSwan leaves the conn out"),
    ("ss-opened", "peers", "of a firewall and a command the command counts, with a warning; strongSwan leaves the conn out"),
    ("ss-keys-of-the-other", "t", OTHERS_WORDS),
    ("ss-quoted-values", "quotes", "an apostrophe is no quote, and part of no name; strongSwan looks such a name up"),
    ("ss-subnets-bad", "net", "a prefix longer than the address is an error; strongSwan takes it for one address"),
    ("ss-times-bad", "negative", "a negative lifetime is an error; strongSwan takes it for one of centuries"),
]
# Lines that one of them has and the other has not, or another: (file, the line as it is shown, why).
DIFFERENCES = [
    ("*", r"\+  .*: (local|remote)_port=\d+", "list-conns has had the ports since 6.0"),
    ("ss-bad-values", r"[-+]  margin: rekey_time=.*", "a margin above the lifetime becomes a tenth of it; strongSwan's is below zero"),
    ("ss-auth", r"[-+]  names: cacerts=.*|-       names:    ca: .*", "%any is no authority; strongSwan takes the first certificate"),
    ("ss-eap-and-others", r"[-+]  rounds: cacerts=.*|-      rounds:    ca: .*",
     "%any is no authority; strongSwan takes the first certificate"),
    ("ss-auth-constraints", r"[-+]  eddsa: class=.*|[-+]       eddsa: .* uses .*", "strongSwan does not tell what ed25519 is a kind of"),
    ("ss-authby", r"[-+]  (secret|psk): certs=.*|-  +(secret|psk):    cert: .*", "a certificate beside a shared secret is of no use"),
    ("ss-authorities", r"\+  (same|unknown): ca_id=.*", "what the path must have counts although no such authority is here, or its subject is ours"),
    ("ss-pool-cert", r"\+  rw: ca_id=.*", "what the path must have counts although no such authority is here, or its subject is ours"),
    ("ss-client", r"-Routed Connections:|-         six\{1\}: .*", "a trap for any peer's packets begins nothing: there is no peer's address"),
    ("ss-left-forms", r"[-+] .*(any[46]).*", "%any4 is %any; strongSwan 5.9.8 makes any4 of it an identity"),
    ("ss-multi-line-and-escapes", r'[-+] .*CN=a.*', "what needs an escape in a distinguished name is shown with it"),
    ("ss-names-of-any-case", r"[-+]  net: rekey_time=.*", "names of keys may have any case; strongSwan passes over them"),
    ("ss-pools", r"[-+]  2001:db8:5::/120: .*", "the last address of an IPv6 network is one like others"),
    ("ss-keys-of-the-other", r"\+Virtual IP pools.*|\+  10\.3\.0\.0/24: .*|\+Routed Connections:", OTHERS_WORDS),
    ("ss-shunts", r"[-+] +(lan|ssh|nowhere): .*|\+conn nowhere:", "what passes or drops has no settings of IKE, and stands for itself"),
    ("ss-right-is-local", r"-  ranges: id=.*|[-+] +ranges: .*", "a range is nobody's identity"),
]
# Files that starter refuses as a whole. Keyway says what is wrong, too, and loads the rest.
REFUSED = {
    "ss-also-circle", "ss-charondebug", "ss-also-missing", "ss-key-without-value", "ss-section-without-name", "ss-unclosed-quote",
    "ss-unindented-key", "ss-uniqueids-bad",
}
# And one that Keyway takes: a second '=' belongs to the value.
TAKEN = {"ss-equals-signs"}
# Lines that both have to have in this form, each in its place; what they say is their own.
FORMS = [
    r"Status of IKE charon daemon \([^()]+\):",
    r"  uptime: .+, since [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}",
    r"  malloc: sbrk \d+, mmap \d+, used \d+, free \d+",
    r"  worker threads: \d+ of \d+ idle, \d+/\d+/\d+/\d+ working, job queue: \d+/\d+/\d+/\d+, scheduled: \d+",
    r"  loaded plugins: .*",
]


class Case:
    def __init__(self, path):
        self.name = os.path.basename(path)[:-5]
        with open(path, encoding="utf-8") as f:
            parts = re.split(r"^==== (.*)\n", f.read(), flags=re.M)
        self.files = {"/etc/ipsec.conf": parts[0], **dict(zip(parts[1::2], parts[2::2]))}
        self.starts = bool(re.search("auto=(start|up)", "".join(self.files.values())))

    def write(self, etc):
        for folder in FOLDERS:
            os.makedirs(f"{etc}/ipsec.d/{folder}", exist_ok=True)
        credentials = test_credentials()
        for path, what in (("certs/moon.pem", "moon"), ("cacerts/ca.pem", "ca"), ("private/moon.pem", "moon_key")):
            put(f"{etc}/ipsec.d/{path}", credentials[what])
        for path, text in self.files.items():
            put(path.replace("/etc", etc, 1), text)


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
        f.write(text)


def test_credentials():
    """{name: PEM} of the tests in C."""
    with open(ROOT + "/src/conf/test_credentials.h") as f:
        found = re.findall(r"char test_(\w+)\[\] =\n((?:\s+\"[^\"]*\"\n?)+);", f.read())
    return {name: "".join(re.findall(r'"([^"]*)"', text)).replace("\\n", "\n") for name, text in found}


class StrongSwan:
    def __init__(self):
        self.root = peers.fetch_starter()

    def answers(self, case, folder):
        """Once in some hundred times charon does not come up, and starter waits: it gets another chance."""
        try:
            return self.answers_once(case, folder + "/1")
        except NotUp:
            return self.answers_once(case, folder + "/2")

    def answers_once(self, case, folder):
        etc, run = folder + "/etc", folder + "/run"
        make_etc(etc)
        os.makedirs(run)
        case.write(etc)
        os.rename(etc + "/ipsec.conf", etc + "/case.conf")
        put(etc + "/ipsec.conf", "include case.conf\n" + END)
        put(etc + "/strongswan.conf", f"charon {{\n load = {PLUGINS}\n filelog {{\n log {{\n path = /run/charon.log\n flush_line = yes\n"
                                      " default = 1\n cfg = 2\n }\n }\n }\n")
        room = Room(peers.PLUGIN_DIR + "/starter --nofork", [*strongswan_mounts(self.root), (etc, "/etc"), (run, "/run")],
                    folder + "/starter.log")
        try:
            try:
                wait_for("charon to open its sockets", lambda: self._is_open(room, run), 10, 0.02)
            except LabError as e:
                raise NotUp(f"{e}: {room.text()[-600:]}") from None
            swanctl = self.root + "/usr/sbin/swanctl"
            wait_for("starter to have told all", lambda: " {kw-end {" in self._conns(room, swanctl), 10, 0.02)
            return (without_end(self._conns(room, swanctl)),
                    without_end(room.must_run(peers.PLUGIN_DIR + "/stroke", "statusall")))
        finally:
            room.close()

    @staticmethod
    def _is_open(room, run):
        if re.search("unable to start strongSwan -- fatal errors in config|charon refused to be started", room.text()):
            raise Refused
        if not room.is_running():
            raise LabError(f"starter ended: {room.text()[-600:]}")
        return os.path.exists(run + "/charon.vici") and os.path.exists(run + "/charon.ctl")

    @staticmethod
    def _conns(room, swanctl):
        code, out = room.run(swanctl, "--list-conns", "--raw")
        return "" if code else out


class Refused(Exception):
    """By starter, as a whole."""


class NotUp(LabError):
    """charon, within a time that is long for it."""


def without(names, text):
    """What strongSwan says of everything else."""
    return "\n".join(line for line in text.splitlines() if not any(
        line.startswith(f"list-conn event {{{n} ") or re.match(rf" *{re.escape(n)}(:|[{{\[]\d)", line) for n in names))


def without_end(text):
    return "\n".join(line for line in text.splitlines() if not line.startswith(("list-conn event {kw-end", "      kw-end:")))


class Keyway:
    def __init__(self, bindir, strongswan):
        self.bin, self.strongswan = bindir, strongswan

    def answers(self, case, folder):
        return self.ask(case, folder, self._answers)

    def log(self, case, folder):
        return self.ask(case, folder, lambda room, *_: room.text())

    def ask(self, case, folder, what):
        paths = {name: f"{folder}/{name}" for name in ("etc", "run", "state")}
        for path in paths.values():
            os.makedirs(path)
        case.write(paths["etc"])
        put(paths["etc"] + "/keyway/keyway.conf", "keyway { ipsec_dialect = strongswan\n }\n")
        for name in ("resolv.conf", "strongswan.conf"):
            put(f"{folder}/none/{name}", "\n")
        where = [word for name, path in paths.items() for word in ("--" + name, path)]
        room = Room(" ".join([self.bin + "/keywayd", "--foreground", *where]),
                    [*strongswan_mounts(self.strongswan.root), (folder + "/none/resolv.conf", "/etc/resolv.conf")],
                    folder + "/keywayd.log")
        socket = paths["run"] + "/keyway.vici"
        try:
            wait_for("keywayd to open its socket", lambda: self._is_open(room, socket), 15, 0.02)
            return what(room, folder, socket, where)
        finally:
            room.close()

    def _answers(self, room, folder, socket, where):
        waiting = set(re.findall(r"connection (\S+) is left out: .* not built yet", room.text()))
        return (room.must_run(self.strongswan.root + "/usr/sbin/swanctl", "--list-conns", "--raw", "--uri", "unix://" + socket,
                              env={"STRONGSWAN_CONF": folder + "/none/strongswan.conf"}),
                room.must_run(self.bin + "/ipsec", "statusall", "--dialect", "strongswan", *where)), waiting

    @staticmethod
    def _is_open(room, socket):
        if not room.is_running():
            raise LabError(f"keywayd ended: {room.text()[-600:]}")
        try:
            Vici(socket).socket.close()
            return True
        except OSError:
            return False


# ---- comparing

def conn_lines(text):
    """One line for each key of each connection."""
    out = []
    for line in text.splitlines():
        m = re.match(r"list-conn event \{(\S+) \{(.*)\}\}$", line)
        if not m:
            out.append(line)
            continue
        out.append(f"conn {m[1]}:")
        # keys as 5.9.8 and Keyway write them: identities hold blanks, and '=' behind capitals alone
        out += [f"  {m[1]}: {w}" for w in re.split(r" (?=[a-z][\w-]*(?:=|\d* \{))|(?<=\{)", m[2])]
    return out


def status_lines(text, case):
    lines = text.splitlines()
    if case.starts and "Security Associations" in text:  # it goes on meanwhile
        lines = lines[: next(i for i, line in enumerate(lines) if line.startswith("Security Associations"))]
    return [next((form for form in FORMS if re.fullmatch(form, line)), line) for line in lines]


def differences(case, theirs, ours):
    """[(line, reason or None)]"""
    out = []
    for line in difflib.unified_diff(theirs, ours, "strongSwan", "Keyway", n=0, lineterm=""):
        if line.startswith(("---", "+++", "@@")):
            continue
        why = next((why for name, pattern, why in DIFFERENCES
                    if fnmatch.fnmatchcase(case.name, name) and re.fullmatch(pattern, line)), None)
        out.append((line, why))
    return out


class Comparison:
    def __init__(self, cases, bindir, keep):
        self.strongswan = StrongSwan()
        self.keyway = Keyway(bindir, self.strongswan)
        self.cases, self.keep, self.lock = list(cases), keep, threading.Lock()
        self.results = {}

    def one(self, case, folder):
        try:
            theirs = self.strongswan.answers(case, folder + "/strongswan")
        except Refused:
            return self.refused(case, folder)
        if case.name in REFUSED | TAKEN:
            return [("! starter takes it", None)]
        ours, waiting = self.keyway.answers(case, folder + "/keyway")
        for who, texts in (("strongswan", theirs), ("keyway", ours)):
            for what, text in zip(("conns", "statusall"), texts):
                put(f"{folder}/{who}.{what}", text)
        out = []
        for _, name, why in (row for row in ONE_SIDED if row[0] == case.name):
            has = [bool(re.search(rf"^list-conn event \{{{name} \{{| [ {{]{name} \{{mode=", t[0], re.M)) for t in (theirs, ours)]
            out.append((f"! both or neither has {name}", None) if has[0] == has[1] else (f"~ {name}", why))
            waiting.add(name)
        theirs, ours = ([without(waiting, text) for text in texts] for texts in (theirs, ours))
        return (out + differences(case, conn_lines(theirs[0]), conn_lines(ours[0])) +
                differences(case, status_lines(theirs[1], case), status_lines(ours[1], case)))

    def refused(self, case, folder):
        """What Keyway has to say of what starter refuses."""
        try:
            log = self.keyway.log(case, folder + "/keyway")
        except LabError as e:
            log = str(e)
        if case.name not in REFUSED | TAKEN:
            return [("! starter refuses it", None)]
        return [] if bool(re.search(r" (warning|error) ", log)) == (case.name in REFUSED) else [("! not what Keyway says", None)]

    def work(self):
        while True:
            with self.lock:
                if not self.cases:
                    return
                case = self.cases.pop(0)
            folder = f"{self.keep}/{case.name}"
            shutil.rmtree(folder, ignore_errors=True)
            for sub in ("strongswan", "keyway"):
                os.makedirs(f"{folder}/{sub}")
            try:
                self.results[case.name] = self.one(case, folder)
            except (LabError, OSError) as e:
                self.results[case.name] = [(f"! {e}", None)]

    def run(self, side_by_side=2):
        threads = [threading.Thread(target=self.work) for _ in range(side_by_side)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()


def report(results, is_verbose, started):
    used, bad = set(), 0
    for name, lines in sorted(results.items()):
        used |= {why for _, why in lines if why}
        unexplained = [line for line, why in lines if not why]
        bad += bool(unexplained)
        if unexplained:
            print(f"{name}:\n  " + "\n  ".join(unexplained))
        if is_verbose:
            for line, why in lines:
                if why:
                    print(f"{name}: {line}   ({why})")
    unused = [row for row in DIFFERENCES + ONE_SIDED if row[-1] not in used]
    print(f"{len(results)} files, strongSwan {peers.package_version('strongswan-starter', 'strongswan-starter')}: "
          f"{len(results) - bad} as expected, {bad} otherwise; {len({row[-1] for row in DIFFERENCES + ONE_SIDED})} kinds of differences are listed; "
          f"{time.monotonic() - started:.0f} s")
    return bad, unused


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keyway", default=os.environ.get("KEYWAY_BIN", ROOT + "/build/dev/bin"), help="folder of its programs")
    parser.add_argument("--keep", help="a folder that keeps what each of them answered")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the listed differences, too")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    started = time.monotonic()
    paths = args.files or sorted(glob.glob(ROOT + "/tests/conf/ipsec/ss-*.conf"))
    cases = list(map(Case, paths))
    with tempfile.TemporaryDirectory(prefix="kwss") as folder:
        c = Comparison(cases, os.path.abspath(args.keyway), args.keep or folder)
        c.run()
    bad, unused = report(c.results, args.verbose, started)
    if not args.files:
        for why in unused:
            print(f"listed as a difference, and there is none: {why}")
        if len(c.results) < 60:
            print(f"{len(c.results)} files are not the 60 that are promised")
            bad += 1
        bad += len(unused)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
