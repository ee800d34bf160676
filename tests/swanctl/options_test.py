#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The command line of our swanctl beside strongSwan's 6.0.1 and 5.9.8: usages, options and files of them, what is wrong with
them, daemons that are not there; the manual is of the same rows. See print_test.py for what is not compared."""
import os
import subprocess
import unittest

import kit
import play
import scenarios
from scenarios import swanctl_programs

MANUAL = os.path.join(kit.ROOT, "man", "swanctl.8")


class Options(kit.Case):
    def start(self, script=None):
        player = play.Player(self.path("vici"), script)
        self.addCleanup(player.close)
        self.uri = "unix://" + self.path("vici")
        return player

    def test_usages(self):
        self.start()
        overview = self.all_alike("--help").out
        commands = [line.split()[1] for line in overview.splitlines() if line.startswith("  swanctl --")]
        self.assertEqual(len(commands), 26)
        for command in commands:
            if command != "--help":
                said = self.all_alike(command, "--help", "--uri", self.uri)
                self.assertIn(f"swanctl {command} ", said.out)

    def test_each_command_is_compared_with_a_running_daemon(self):
        """The lab's rows swanctl.same-* between them compare every command that the three have, in every style: each row is held to
        its part of ROWS when it ends. And what is listed as different between the two versions is shown here."""
        listed = sorted(command for commands in swanctl_programs.ROWS.values() for command in commands.split())
        for program in (self.ours, self.new, self.old):
            lines = program.run("--help").out.splitlines()
            self.assertEqual(sorted(line.split()[1][2:] for line in lines if line.startswith("  swanctl --")), listed, program.name)
        rows = {s.name: s for s in scenarios.load_all() if s.name.startswith("swanctl.same-")}
        self.assertEqual(sorted(rows), sorted("swanctl.same-" + name for name in swanctl_programs.ROWS))
        for name in swanctl_programs.ROWS:
            self.assertEqual(getattr(rows["swanctl.same-" + name].run, "keeps", None), name)
        for file, test in swanctl_programs.OLD_DIFFERS.values():
            with open(os.path.join(kit.HERE, file + ".py")) as f:
                self.assertIn(f"    def {test}(", f.read())

    def test_which_command_is_meant(self):
        for argv in ((), ("-h",), ("--bogus",), ("bogus",), ("--list",), ("--list-sas=x",), ("-X",), ("--help", "extra"),
                     ("stats", "--help")):
            self.all_alike(*argv)
        self.start()
        for argv in (("--list-s",), ("-l", "-r"), ("--raw", "--list-sas"), ("-l", "extra", "--pretty"), ("--stat", "--raw", "--pretty")):
            self.all_alike(*argv, "--uri", self.uri)

    def test_options_that_are_wrong(self):
        self.start()
        for argv in (("--stats", "--bogus"), ("-l", "-X"), ("--list-sas", "--ike"), ("--stats", "--help", "--bogus"),
                     ("--stats", "--raw=yes"), ("--stats", "--stats"), ("--list-certs", "--s"), ("--load-all", "--file")):
            self.all_alike(*argv)

    def test_options_out_of_files(self):
        player = self.start()
        files = {"plain": '--raw --ike "foo bar"\n# comment\n--child x\n', "odd": "--ike 'a b' --child c\\ d\n\n  \n--ike-id=4 # x\n-n",
                 "open": '--ike "foo\n', "bogus": "--bogus\n", "empty": "", "other": "--options plain --noblock"}
        for name, text in files.items():
            self.write(name, text)
        for argv in (("--options", "plain"), ("-+", "plain", "--ike-id", "7"), ("--options", "odd"), ("--options", "open"),
                     ("--options", "bogus"), ("--options", "empty", "-r"), ("--options", "other"), ("--options", "missing"),
                     ("--ike", "first", "--options", "plain"), ("--options", "plain", "--ike", "last")):
            asked = []
            results = []
            for program in (self.ours, self.new, self.old):
                player.begin({})
                results.append(program.run("--list-sas", *argv, "--uri", self.uri))
                asked.append([r for r in player.requests if r[1] == "list-sas"])
            self.alike(*results, " ".join(argv))
            self.assertEqual(asked[0], asked[1], argv)
            self.assertEqual(asked[0], asked[2], argv)

    def test_daemons_that_are_not_there(self):
        for uri in ("unix:///nowhere", "unix://relative", "unix:///" + "x" * 90, "tcp://127.0.0.1:1", "tcp://[::1]:1", "unix://"):
            self.all_alike("--stats", "--uri", uri)
            self.all_alike("--list-sas", "--raw", "--debug", "0", "--uri", uri)
        for text in ("socket = unix:///elsewhere",):
            for program in (self.ours, self.new, self.old):
                with open(program.conf) as f:
                    conf = f.read()
                with open(program.conf, "w") as f:
                    f.write(f"swanctl {{\n  {text}\n}}\n" + conf)
            self.all_alike("--stats")
        self.start()
        self.all_alike("--stats", "--uri", self.uri)
        no_conf = self.ours.run("--stats", env={"STRONGSWAN_CONF": "/nonexistent"})
        self.assertEqual((no_conf.code, no_conf.out), (64, ""))
        self.assertEqual(no_conf.err, self.old.run("--stats", env={"STRONGSWAN_CONF": "/nonexistent"}).err)

    def test_what_is_no_uri_is_an_error_and_not_a_success(self):
        for uri in ("", "/tmp/x", "unix:/tmp/x", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "tcp://:7", "foo://bar", "tcp://[::1"):
            theirs = self.new.run("--stats", "--uri", uri)
            ours = self.ours.run("--stats", "--uri", uri)
            self.assertEqual((theirs.code, ours.code, ours.out), (0, 22, ""), uri)
            self.assertIn(f"Error: connecting to '{uri}' URI failed: Invalid argument\n", ours.err)

    def test_over_tcp(self):
        import socket
        import threading
        player = self.start()
        server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=lambda: player._serve(server.accept()[0]), daemon=True).start()
        result = self.ours.run("--reload-settings", "--raw", "--uri", f"tcp://localhost:{server.getsockname()[1]}")
        server.close()
        self.assertEqual((result.code, result.out), (0, "reload-settings reply {success=yes}\n"), result)

    def test_the_manual_is_of_the_rows(self):
        text = subprocess.run([kit.BIN + "/swanctl", "--manual"], capture_output=True, check=True, text=True).stdout
        if os.environ.get("KEYWAY_UPDATE"):
            with open(MANUAL, "w") as f:
                f.write(text)
        with open(MANUAL) as f:
            self.assertEqual(f.read(), text, "KEYWAY_UPDATE=1 writes it anew")

    def test_the_completion_completes(self):
        script = subprocess.run([kit.BIN + "/swanctl", "--completion"], capture_output=True, check=True, text=True).stdout
        def complete(*words):
            ask = f"{script}\nCOMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _swanctl; echo ${{COMPREPLY[@]}}"
            return subprocess.run(["bash", "-c", ask], capture_output=True, check=True, text=True).stdout.split()
        self.assertEqual(complete("swanctl", "--list-p"), ["--list-pols", "--list-pools"])
        self.assertEqual(complete("swanctl", "--list-sas", "--i"), ["--ike", "--ike-id"])
        self.assertEqual(complete("swanctl", "-l", "--n"), ["--noblock"])


if __name__ == "__main__":
    kit.main()
