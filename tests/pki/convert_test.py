#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""keyway config convert and keyway config explain, as they are typed. What becomes of each key is test_conf_convert's."""
import json
import os
import re
import stat

import kit

SECRET = "a secret that nobody is shown"
CONF = """conn %default
\tikelifetime=8h
conn office
\tleft=%defaultroute
\tleftid=@moon.example
\tleftsubnet=10.1.0.0/16
\tright=198.51.100.7
\trightid=@sun.example
\tike=aes256gcm16-prfsha384-ecp384!
\tauthby=secret
\tinactivity=10m
\tauto=start
conn asleep
\tright=198.51.100.8
\tauto=ignore
"""


class Convert(kit.Case):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("etc"))
        self.write("etc/ipsec.conf", CONF)
        self.write("etc/ipsec.secrets", f'@moon.example @sun.example : PSK "{SECRET}"\n')
        os.chmod(self.path("etc/ipsec.secrets"), 0o600)

    def keyway(self, *args, etc="etc"):
        return kit.run([os.path.join(kit.BIN, "keyway"), "--etc", self.path(etc), *args], self.folder)

    def show(self, etc):
        """What the files became, without where it came from."""
        model = json.loads(self.good(self.keyway("--json", "config", "show", etc=etc), "show").text)
        connection = model["connections"]["office"]
        return {k: v["value"] for k, v in connection.items() if isinstance(v, dict) and "value" in v and k != "dialect"}

    def test_secrets_are_shown_only_when_asked_for(self):
        for form in ("swanctl", "strongswan", "libreswan", "keyway"):
            plain = self.good(self.keyway("config", "convert", "--to", form), form)
            self.assertNotIn(SECRET, plain.text + plain.err)
            self.assertNotIn(SECRET, self.keyway("--json", "config", "convert", "--to", form).text)
            asked = self.good(self.keyway("config", "convert", "--to", form, "--secrets"), form)
            self.assertIn(SECRET, asked.text)

    def test_secrets_do_not_go_into_a_file_that_others_can_read(self):
        self.write("open", "")
        os.chmod(self.path("open"), 0o644)
        command = f"{kit.BIN}/keyway --etc {self.path('etc')} config convert --to swanctl --secrets > open"
        result = kit.run(["sh", "-c", command], self.folder)
        self.assertEqual(result.code, 77)
        self.assertEqual(self.read("open"), b"")

    def test_files_are_written_that_the_daemon_reads_as_the_same(self):
        for form in ("swanctl", "strongswan", "libreswan"):
            self.good(self.keyway("config", "convert", "--to", form, "--output", self.path(form)), form)
            for folder, _, names in os.walk(self.path(form)):
                for name in names:
                    path = os.path.join(folder, name)
                    with open(path, encoding="utf8") as f:
                        is_secret = SECRET in f.read()
                    self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600 if is_secret else 0o644, path)
            before, after = self.show("etc"), self.show(form)
            if form == "swanctl":
                self.assertEqual(before, after)
            else:
                self.assertEqual(before["remote_addrs"], after["remote_addrs"])
                self.assertEqual(before["proposals"], after["proposals"])

    def test_files_that_are_there_stay(self):
        self.good(self.keyway("config", "convert", "--to", "swanctl", "--output", self.path("new")), "once")
        again = self.keyway("config", "convert", "--to", "swanctl", "--output", self.path("new"))
        self.assertEqual(again.code, 1)
        self.assertIn("--force", again.err)
        self.good(self.keyway("--force", "config", "convert", "--to", "swanctl", "--output", self.path("new")), "forced")

    def test_what_has_no_equivalent_is_told_with_its_line(self):
        result = self.good(self.keyway("config", "convert", "--to", "libreswan"), "convert")
        line = CONF.splitlines().index("\tinactivity=10m") + 1
        where = f"{self.path('etc/ipsec.conf')}:{line}"
        self.assertRegex(result.err, rf"warning: {re.escape(where)}: connection office: no equivalent: \S*inactivity = 10m")
        self.assertRegex(result.text, rf"# no equivalent: \S*inactivity = 10m \({re.escape(where)}\)")
        self.assertIn("auto=ignore", result.err)
        notes = json.loads(self.keyway("--json", "config", "convert", "--to", "libreswan").text)["notes"]
        self.assertTrue(any(n["key"].endswith("inactivity") and n["line"] == line for n in notes), notes)

    def test_a_file_that_is_named_is_read_alone(self):
        self.write("short.conf", "tunnel branch {\n  peer = 192.0.2.9\n  psk = x\n  local = 10.9.0.0/24\n}\n")
        os.chmod(self.path("short.conf"), 0o600)
        result = self.good(self.keyway("config", "convert", "--to", "swanctl", "short.conf"), "convert")
        self.assertIn("branch {", result.text)
        self.assertNotIn("office", result.text)
        self.write("theirs.conf", "conn x\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tauthby=secret\n\tauto=add\n")
        for form, lifetime in (("libreswan", "8h"), ("strongswan", "1h")):
            result = self.good(self.keyway("config", "convert", "--from", form, "--to", "keyway", "theirs.conf"), form)
            self.assertIn(f"life_time = {lifetime}" if form == "libreswan" else "reauth_time = 171m", result.text)
            self.assertIn("in full: a tunnel has its preshared key", result.text)
        self.assertEqual(self.keyway("config", "convert", "--to", "swanctl", "absent.conf").code, 78)

    def test_what_is_typed_wrongly_is_said(self):
        self.assertEqual(self.keyway("config", "convert").code, 2)
        self.assertEqual(self.keyway("config", "convert", "--to", "racoon").code, 2)
        self.assertEqual(self.keyway("config", "convert", "--from", "racoon", "--to", "swanctl").code, 2)


class Explain(kit.Case):
    def keyway(self, *args):
        return kit.run([os.path.join(kit.BIN, "keyway"), *args], self.folder)

    def test_a_key_is_explained_in_each_dialect(self):
        keys = json.loads(self.good(self.keyway("--json", "config", "explain", "left-subnet"), "explain").text)["keys"]
        self.assertEqual([(k["key"], k["dialects"]) for k in keys],
                         [("leftsubnet, rightsubnet", "Libreswan and strongSwan")])
        text = self.good(self.keyway("config", "explain", "ikelifetime"), "explain").text
        self.assertIn("28800 (Libreswan)", text)
        self.assertIn("10800 (strongSwan)", text)

    def test_a_key_without_effect_says_so(self):
        keys = json.loads(self.keyway("--json", "config", "explain", "nflog-group").text)["keys"]
        self.assertFalse(keys[0]["effective"])

    def test_an_unknown_key_has_neighbours(self):
        result = self.keyway("config", "explain", "propsals")
        self.assertEqual(result.code, 4)
        self.assertIn("did you mean 'proposals'", result.err)


if __name__ == "__main__":
    kit.main()
