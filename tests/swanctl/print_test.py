#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What our swanctl prints is, byte for byte, what strongSwan's 6.0.1 prints of the same answers, and it ends with the same
code; 5.9.8 does the same but for what is named here (old_differs), where ours is as 6.0.1. SAs for each processor are printed
as 6.1 prints them, which neither of the two does. The daemon is one that says what it is told (play.py), so that every key is
seen, alone and missing.

Not compared (kit.plain): the program's own name and version, and the list of its plugins.
Deliberately other than both, and each with a test of its own:
  - a --uri that is none is an error (EINVAL); theirs say that it failed with "Success", and exit with 0
  - --log and --monitor-sa end with the daemon; theirs wait for a signal
  - --pem writes raw public keys and OCSP responses, too
  - labels of SELinux are printed; theirs print question marks (Keyway's daemon has none)"""
import re
import unittest

import kit
import play
import sas
from play import Answer

STYLES = ([], ["--raw"], ["--pretty"])
MIXED = {"a": "1", "b": {"c": "x y", "d": ["1", "two", "3"], "e": {}}, "f": [], "g": b"\x00\x01bin", "h": "", "i": b"\xc3\xa4",
         "j": "multi\nline", "k": b"abc\x7f", "l": [b"\xff", ""], "m": {"n": {"o": {"p": ["q"]}}}, "r": {}, "tab": "a\tb"}
NO = {"success": "no", "errmsg": "it is not there"}


class Print(kit.Case):
    def setUp(self):
        super().setUp()
        self.player = play.Player(self.path("vici"))
        self.addCleanup(self.player.close)
        self.uri = "unix://" + self.path("vici")

    def each(self, script, *argv, styles=STYLES, **how):
        """With each style; the requests are the same, too."""
        for style in styles:
            asked = []
            results = []
            for program in (self.ours, self.new, self.old):
                self.player.begin(script)
                results.append(program.run(*argv, *style, "--uri", self.uri))
                asked.append([r for r in self.player.requests if r[0] != 4])  # ours unregisters
            self.alike(*results, " ".join((*argv, *style)), **how)
            self.assertEqual(asked[0], asked[1])
            self.assertEqual(asked[0], asked[2])

    def test_a_message_of_everything(self):
        for command in ("--stats", "--list-algs", "--list-pools", "--flush-certs", "--reload-settings", "--rekey", "--counters"):
            self.each({c: MIXED for c in ("stats", "get-algorithms", "get-pools", "flush-certs", "reload-settings", "rekey",
                                          "get-counters")}, command, styles=STYLES[1:])

    def test_sas(self):
        events = [("list-sa", e) for e in sas.every_sa()]
        self.each({"list-sas": Answer({}, events)}, "--list-sas")
        self.each({"list-sas": Answer({}, events[:2])}, "-l", "-n", "-C", "1", "-c", "c", "-I", "2", "-i", "i", styles=STYLES[:1])
        self.each({"list-sas": {}}, "--list-sas")

    def test_additional_key_exchanges_which_the_old_one_does_not_show(self):
        sa = {"net": sas.ike(sas.child(**sas.IKE_ADDITIONAL), **sas.IKE_ADDITIONAL)}
        self.each({"list-sas": Answer({}, [("list-sa", sa)])}, "--list-sas", styles=STYLES[:1], old_differs=True)
        self.each({"list-sas": Answer({}, [("list-sa", sa)])}, "--list-sas", styles=STYLES[1:])

    def test_sas_for_each_processor_as_since_6_1(self):
        newest = kit.Program("6.1", self.folder)
        sa = {"net": sas.ike(*(sas.child(**more) for more in sas.PER_CPU))}
        for style in STYLES:
            results = []
            for program in (self.ours, newest, self.new):
                self.player.begin({"list-sas": Answer({}, [("list-sa", sa)])})
                results.append(kit.plain(program.run("--list-sas", *style, "--uri", self.uri)))
            ours, new, before = results
            self.assertEqual(ours, new, kit.difference(new, ours, "6.1"))
            self.assertEqual("cpu 3" in ours.out, style == [])
            self.assertEqual(before.out, re.sub(", cpu [-0-9]+", "", ours.out))

    def test_connections(self):
        events = [("list-conn", e) for e in sas.every_conn()]
        self.each({"list-conns": Answer({}, events)}, "--list-conns")

    def test_policies(self):
        p = {"child": "net", "ike": "moon", "mode": "TUNNEL", "local-ts": ["10.1.0.0/24"], "remote-ts": ["10.2.0.0/24", "x"]}
        events = [("list-policy", {"moon/net": p, "drop": {**p, "mode": "DROP", "reqid": "3"}}),
                  *(("list-policy", {"no": {k: v for k, v in p.items() if k != key}}) for key in p)]
        self.each({"list-policies": Answer({}, events)}, "--list-pols")
        self.each({}, "--list-pols", "-p", "-c", "x", styles=STYLES[:1])
        self.each({}, "--list-pols", "--drop", "--trap", styles=STYLES[:1])

    def test_authorities_and_pools(self):
        a = {"cacert": "C=CH, CN=ca", "crl_uris": ["http://a", "http://b"], "ocsp_uris": ["http://c", "http://d"],
             "cert_uri_base": "http://e"}
        self.each({"list-authorities": Answer({}, [("list-authority", {"a": a, "b": {**a, "foo": "bar", "crl_uris": []}}),
                                                   ("list-authority", {"c": {}})])}, "--list-authorities", "--name", "x")
        p = {"base": "10.3.0.1", "size": "254", "online": "1", "offline": "2"}
        leases = {"0": {"address": "10.3.0.1", "identity": "a", "status": "online"},
                  "1": {"address": "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "identity": "C=CH, CN=b", "status": "offline"}, "2": {}}
        pools = {"p": p, "q": {**p, "leases": leases}, "long name of a pool that is": {**p, "online": "1234567", "size": "99999999",
                 "base": "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"}}
        self.each({"get-pools": pools}, "--list-pools")
        self.each({"get-pools": pools}, "--list-pools", "-n", "q", "--leases", styles=STYLES[:1])
        for key in p:
            self.each({"get-pools": {"p": {k: v for k, v in p.items() if k != key}}}, "--list-pools", styles=STYLES[:1])

    def test_algorithms_counters_stats_version(self):
        self.each({"get-algorithms": {"encryption": {"AES_CBC": "openssl", "X": ""}, "prf": {}, "k": "v"}}, "--list-algs")
        c = {"ike-rekey-init": "1", "invalid": "22", "a-counter-with-a-name-that-is-long": "3"}
        script = {"get-counters": {"counters": {"": c, "net": c, "none": {}}, "success": "yes"}}
        for argv in ([], ["--name", "x"], ["--all"], ["-n", "x", "-a"], ["--reset"], ["-R", "-a"], ["-R", "-n", "x"]):
            self.each(script, "--counters", *argv, styles=STYLES if not argv else STYLES[:1])
        self.each({"get-counters": NO, "reset-counters": NO}, "--counters")
        self.each({"get-counters": NO, "reset-counters": NO}, "--counters", "-R")
        stats = {"uptime": {"running": "4 minutes", "since": "Nov 21 21:00:00 2026"}, "workers": {"total": "16", "idle": "11", "active": {
            "critical": "4", "high": "0", "medium": "1", "low": "0"}}, "queues": {"critical": "1", "high": "2", "medium": "3",
            "low": "4"}, "scheduled": "3", "ikesas": {"total": "2", "half-open": "1"}, "plugins": ["aes", "des"]}
        self.each({"stats": stats}, "--stats")
        self.each({"stats": {**stats, "mem": {"total": "1", "allocs": "2"}, "mallinfo": {
            "sbrk": "1", "mmap": "2", "used": "3", "free": "4"}}}, "--stats", styles=STYLES[:1])
        self.each({"stats": {}}, "--stats", styles=STYLES[:1])
        version = {"daemon": "keywayd", "version": "0.1", "sysname": "Linux", "release": "6.1", "machine": "x86_64"}
        self.each({"version": version}, "--version", "--daemon")
        self.each({"version": {}}, "--version", "-d", styles=STYLES[:1])

    def test_commands_that_act(self):
        log = [("control-log", m) for m in ({"group": "IKE", "level": "1", "ikesa-name": "net", "msg": "initiating"}, {"msg": "x"},
                                            {"group": "LONGGROUP", "msg": "two\nlines"}, {"group": "A"})]
        for command, options in (("initiate", ["-l", "3", "-t", "4", "-i", "i", "-c", "c"]),
                                 ("terminate", ["-l", "-1", "-t", "0", "-f", "-I", "1", "-C", "2", "-i", "i", "-c", "c"]),
                                 ("rekey", ["-a", "-I", "1", "-C", "2", "-i", "i", "-c", "c"]),
                                 ("redirect", ["-g", "g", "-d", "d", "-p", "p", "-I", "1", "-i", "i"]),
                                 ("install", ["-i", "i", "-c", "c"]), ("uninstall", ["-i", "i", "-c", "c"])):
            events = log if command in ("initiate", "terminate") else ()
            self.each({command: Answer({"success": "yes", "matches": "1"}, events)}, "--" + command, *options)
            self.each({command: Answer(NO, events[:1])}, "--" + command)
            self.each({command: {"success": "no"}}, "--" + command, "--ike", "x", styles=STYLES[:1])
        self.each({}, "--initiate", "--timeout", "x", "--loglevel", "x", styles=STYLES[:1])
        for command in ("flush-certs", "reload-settings"):
            self.each({}, "--" + command)
            self.each({command: NO}, "--" + command)
        self.each({}, "--flush-certs", "--type", "x509_crl", styles=STYLES[:1])

    def test_what_ends_with_a_signal(self):
        log = [("log", m) for m in ({"group": "IKE", "level": "1", "thread": "7", "ikesa-name": "net", "msg": "hello"},
                                    {"group": "ENC", "thread": "15", "msg": "two\nlines"}, {"group": "LIB", "msg": "no thread"},
                                    {}, {"thread": "123", "msg": "no group"})]
        updown = [("ike-updown", {"up": "yes", "net": sas.ike()}), ("child-updown", {"up": "yes", "net": sas.ike(sas.child())}),
                  ("ike-updown", {"net": {k: v for k, v in sas.ike().items() if k != "child-sas"}}),
                  ("child-updown", {"net": sas.ike(sas.child(state="DELETING"))})]
        probes = {"--log": [("log", {"group": "PRB", "msg": "probe"})],
                  "--monitor-sa": [("ike-updown", {"probe": sas.ike(uniqueid="0")})]}
        last = {"--log": [("log", {"group": "END", "msg": "the end"})],
                "--monitor-sa": [("ike-updown", {"the-end": sas.ike(sas.child(**{"remote-ts": ["the end"]}))})]}
        for command, news in (("--log", log), ("--monitor-sa", updown)):
            self.ends_with_the_daemon(command)
            for style in STYLES:
                results = []
                for program in (self.ours, self.new, self.old):
                    said = program.told(self.player, probes[command], news + last[command], b"the end", command, *style, "--uri", self.uri)
                    begin = re.search(r"^(07\[IKE\] hello|log \{\s*group ?= ?IKE|net: #1|ike-updown event \{\s*up ?= ?yes)", said.out, re.M)
                    self.assertTrue(begin, said)
                    results.append(kit.Result(said.code, said.out[begin.start():].encode("latin1"), said.err.encode("latin1")))
                said = self.alike(*results, " ".join((command, *style)))
                self.assertTrue("the end" in said.out and said.err == "disconnecting...\n" and not said.code, said)

    def ends_with_the_daemon(self, command):
        """Ours alone."""
        self.player.begin()
        event = "log" if command == "--log" else "child-updown"
        self.player.news, self.player.news_ends = {event: []}, True
        result = self.ours.run(command, "--uri", self.uri)
        self.player.news, self.player.news_ends = {}, False
        self.assertEqual((result.code, result.err), (104, f"{command[2:]} ended: Connection reset by peer\n"))

    def test_a_daemon_that_knows_nothing_or_hangs_up(self):
        commands = {"stats": "stats", "list-sas": "list-sas", "list-pools": "get-pools", "initiate": "initiate", "rekey": "rekey",
                    "list-certs": "list-certs", "counters": "get-counters", "reload-settings": "reload-settings"}
        for option, command in commands.items():
            self.each({command: Answer(unknown=True)}, "--" + option, styles=STYLES[:1])
            self.each({command: Answer(ends=True)}, "--" + option, styles=STYLES[:1], old_differs=True)  # exits with 0: "Success"
        self.player.unknown_events = ("control-log", "list-sa", "list-policy", "list-conn", "list-cert", "list-authority", "log",
                                      "ike-updown")
        for option in ("initiate", "list-sas", "list-pols", "list-authorities", "list-conns", "list-certs", "log", "monitor-sa"):
            self.each({}, "--" + option, styles=STYLES[:1])


if __name__ == "__main__":
    kit.main()
