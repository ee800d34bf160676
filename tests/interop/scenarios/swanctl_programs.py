# SPDX-License-Identifier: Apache-2.0
"""Three programs named swanctl: Keyway's and strongSwan's, 5.9.8 and 6.0.1. What is asked of all of them is compared: stdout,
stderr, exit code. ROWS says which row compares which command: a row that has not done so in every style fails (row()), and
tests/swanctl/options_test.py holds ROWS to the commands that the three list in --help."""
import functools
import glob
import os
import re

import peers
from scenarios import scenario
from scenarios.steps import demand

STYLES = ((), ("--raw",), ("--pretty",))

# What moves between two calls, and nothing else: seconds that pass.
MOVES = [(re.compile(p, re.M), s) for p, s in (
    (r"\b(established|installed) +\d+s ago", r"\1 Ns ago"),
    (r"\b(rekeying|reauth|expires) in \d+s", r"\1 in Ns"),
    (r"packets, +\d+s ago", "packets, Ns ago"),
    (r"\b((?:established|rekey-time|reauth-time|life-time|install-time|use-in|use-out|ticket-time)(?:=| = ))\d+", r"\1N"),
    (r"^uptime: .*, since", "uptime: N, since"),
    (r"(running(?:=| = ))\d+ \w+", r"\1N"),
    (r"(mallinfo(?: | =) ?\{).*?\}", r"\1}"), (r"^mallinfo: .*$", "mallinfo"),
)]
# What one more attempt, or one more SA, has anew: its numbers.
NUMBERS = [(re.compile(p), s) for p, s in ((r"(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])", "SPI"),
                                           (r"(?<![0-9a-f])[0-9a-f]{8}(?![0-9a-f])", "spi"), (r"#\d+", "#N"),
                                           (r"\[\d+\]", "[N]"), (r"\{\d+\}", "{N}"), (r"uniqueid(=| = )\d+", r"uniqueid\1N"))]
NAMES = [(re.compile(p, re.M), s) for p, s in ((r"^(strongSwan|Keyway) [0-9][0-9.]* swanctl$", "BANNER"),
                                               (r"^(strongSwan|Keyway) swanctl [0-9][0-9.]*$", "VERSION"),
                                               (r"^loaded plugins: .*\nusage:$", "usage:"), (r"^/\S*/swanctl: ", "swanctl: "))]

# Every command, by the row that compares it in every style, done; and refused as well, where MAY_BE_REFUSED has it.
ROWS = {
    "lists": "list-sas list-conns list-pols list-certs list-pools list-authorities list-algs stats counters version",
    "acts": "initiate terminate rekey install uninstall flush-certs reload-settings",
    "redirect": "redirect",
    "loads": "load-all load-creds load-conns load-pools load-authorities",
    "events": "log monitor-sa",
    "no-daemon": "help",
}
MAY_BE_REFUSED = "initiate terminate rekey install uninstall redirect load-all load-conns".split()

# What 5.9.8 prints or exits with otherwise than 6.0.1, as which ours is; and the test that shows it, in tests/swanctl. The rows
# of the lab meet none of it: their daemon does not die, their peer has no additional key exchanges, their keys are open, they
# say --debug 0 when they load.
OLD_DIFFERS = {
    "--list-sas: additional key exchanges are not shown": ("print_test", "test_additional_key_exchanges_which_the_old_one_does_not_show"),
    "a daemon that hangs up is a success": ("print_test", "test_a_daemon_that_knows_nothing_or_hangs_up"),
    "--list-certs: constraints and policies are not understood": ("certs_test", "test_constraints_and_policies"),
    "--load-creds: the folder bliss is looked for": ("load_test", "test_what_the_old_one_does_otherwise"),
    "--load-creds: PKCS#12 is asked for again after an empty answer": ("load_test", "test_what_the_old_one_does_otherwise"),
}


class Programs:
    """The three, asked of one daemon."""

    def __init__(self, lab):
        self.lab = lab
        self.conf = os.path.join(lab.work, "swanctl-strongswan.conf")
        with open(self.conf, "w") as f:
            f.write("swanctl {\n  load = random nonce x509 pubkey pkcs1 pkcs7 dnskey sshkey pem openssl pkcs8\n}\n")
        self.env = {"STRONGSWAN_CONF": self.conf, "SWANCTL_DIR": lab.a.etc + "/swanctl", "TZ": "Europe/Zurich"}
        old, new = peers.STRONGSWAN, peers.fetch_new_swanctl()
        loader = next(iter(glob.glob(new + "/usr/lib/*/ld-linux*.so.*")))
        self.shell = {
            "ours": f"exec {lab.a.bin}/swanctl",
            "6.0.1": f"mount --bind {new}/usr/lib/ipsec {peers.PLUGIN_DIR} && exec {loader} --library-path "
                     f"{os.path.dirname(loader)}:{peers.PLUGIN_DIR} {new}/usr/sbin/swanctl",
            "5.9.8": f"mount --bind {old}/usr/lib/ipsec {peers.PLUGIN_DIR} && exec {old}/usr/sbin/swanctl"}
        self.compared = set()  # (command, style, whether it was done)

    def ask(self, who, *argv, uri=None):
        """(code, stdout, stderr), without what moves."""
        argv = [*argv, *(["--uri", uri or "unix://" + self.lab.a.socket] if argv[-1] != "--uri" else [])]
        result = self.lab.a.node.run("sh", "-c", self.shell[who] + ' "$@"', "sh", *argv, env=self.env)
        demand("Sanitizer" not in result[2], f"swanctl {' '.join(argv)}: {result[2][:600]}")
        for pattern, instead in MOVES + NAMES:
            result = (result[0], pattern.sub(instead, result[1]), pattern.sub(instead, result[2]))
        return result

    def same(self, *argv, numbers=False, uri=None, styles=STYLES, before=None):
        """All three; returns what ours said with no option. numbers: each has done something anew. before: called before each."""
        first = None
        for style in styles:
            said = {}
            for who in self.shell:
                if before:
                    before()
                said[who] = self.ask(who, *argv, *style, uri=uri)
            first = first or said["ours"]
            self.alike(argv, style, said, numbers)
        return first

    def turns(self, *turns):
        """Each program in each style does all of them, one after the other, so that what one does another one undoes. A turn: the
        words, then what is waited for before the next one."""
        for style in STYLES:
            said = [{} for _ in turns]
            for who in self.shell:
                for i, (*argv, settle) in enumerate(turns):
                    said[i][who] = self.ask(who, *argv, *style)
                    settle()
            for (*argv, _), by in zip(turns, said):
                self.alike(argv, style, by, numbers=True)

    def alike(self, argv, style, said, numbers=False):
        for pattern, instead in NUMBERS if numbers else ():
            said = {who: (c, pattern.sub(instead, o), pattern.sub(instead, e)) for who, (c, o, e) in said.items()}
        for who, theirs in said.items():
            demand(theirs == said["ours"], f"swanctl {' '.join((*argv, *style))}: {difference(theirs, said['ours'], who)}")
        code, out, _ = said["ours"]
        is_done = code == 0 and not re.search(r"\bsuccess ?= ?no\b", out)
        self.compared.add((argv[0].removeprefix("--"), style, is_done))

    def keep(self, row):
        """What ROWS promises of a row."""
        for command in ROWS[row].split():
            for style in STYLES:
                for is_done in (True, False)[:1 + (command in MAY_BE_REFUSED)]:
                    demand((command, style, is_done) in self.compared, f"swanctl --{' '.join((command, *style))} that is "
                           f"{'done' if is_done else 'refused'} was not compared")


def row(name):
    """A row swanctl.same-NAME: a function of (lab, Programs), that does what ROWS says of it."""
    def register(function):
        @scenario("swanctl.same-" + name, needs_keyway=True)
        @functools.wraps(function)
        def run(lab):
            p = Programs(lab)
            result = function(lab, p)
            p.keep(name)
            return result
        run.keeps = name
        return run
    return register


def difference(theirs, ours, who):
    for what, a, b in zip(("exit code", "stdout", "stderr"), theirs, ours):
        if a == b:
            continue
        if what == "exit code":
            return f"exit code of {who} {a}, of ours {b}; stderr {theirs[2][:200]!r} {ours[2][:200]!r}"
        a, b = a.splitlines(), b.splitlines()
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        return f"{what}, line {at + 1}: {who}: {' | '.join(a[at:at + 2])[:300]!r}; ours: {' | '.join(b[at:at + 2])[:300]!r}"
    return ""
