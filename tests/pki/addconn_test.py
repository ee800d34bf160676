#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Commands of Libreswan's that read ipsec.conf themselves: ipsec checkconfig, addconn, readwriteconf, algparse. The last beside
Libreswan's own."""
import os
import re
import shlex
import subprocess

import kit
import nss
import peers

GOOD = ("config setup\n\tuniqueids=no\n\tlisten-tcp=yes\nconn first\n\tleft=192.0.2.71\n\tright=192.0.2.72\n\tauthby=secret\n"
        "\tike=aes256-sha2_256;modp2048\n\tauto=start\nconn second\n\tleft=192.0.2.71\n\tright=%any\n\tauthby=secret\n"
        "\tauto=add\n")
# Those that both understand alike ...
ALIKE = ["ike=aes256-sha2_256;modp2048", "ike=aes256-sha1;modp4096", "ike=aes_gcm256-sha2_512+sha2_256;dh19+dh31",
         "ike=chacha20_poly1305;dh31", "ike=aes256+aes128-sha2_512;dh20", "ike=aes_gcm_16_128-sha2_256;modp3072",
         "ike=aes256-sha2_256;modp2048,aes_gcm256-sha2_512;dh21", "ike=aes256-sha256-modp2048", "ike", "esp", "ah",
         "ike=AES256-SHA2_512;DH19", "esp=aes256-sha2_512,aes_gcm256", "esp=aes128-sha1+sha2_256", "esp=null-sha1",
         "esp=aes-128-sha1", "esp=aes_gcm128-null", "esp=aes_ccm256", "esp=aes_gcm_8_128", "esp=aes_gcm_12_256", "esp=aes_ctr256-sha2_256",
         "esp=chacha20_poly1305", "esp=3des-sha1", "esp=aes256-sha2_256_128", "esp=aes256-aes_xcbc", "ah=sha2_256", "ah=sha1",
         "ah=sha2_512+sha2_256", "ah=sha2_384"]
# ... those that neither takes, each with words of its own ...
REFUSED = ["esp=foo", "ike=aes256-foo", "ike=aes256;dh23", "ike=aes333-sha1", "ah=aes256"]
# ... and those that Keyway understands otherwise.
OTHERWISE = {
    "ike=aes": "a cipher without a length is both lengths, and not one that the other end chooses",
    "esp=aes": "likewise",
    "ike=camellia128": "there is no Camellia",
}


class Files(kit.Case):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("etc"))

    def ipsec(self, *args):
        return kit.run([os.path.join(kit.BIN, "ipsec"), *args], self.folder,
                       env={"KEYWAY_ETC": self.path("etc"), "KEYWAY_STATE": self.path("state"), "KEYWAY_RUN": self.path("run")})

    def test_checkconfig_is_silent_where_nothing_is_wrong(self):
        self.write("etc/ipsec.conf", GOOD)
        for command in (["checkconfig"], ["addconn", "--checkconfig"], ["auto", "--checkconfig"]):
            result = self.ipsec(*command)
            self.assertEqual((result.code, result.out, result.err), (0, b"", ""), command)

    def test_checkconfig_tells_the_line_and_exits_as_libreswan_does(self):
        self.write("bad.conf", "conn x\n\tleft=192.0.2.1\n\tfoo=bar\n")
        for command in (["checkconfig", "--config", "bad.conf"], ["addconn", "--config", "bad.conf", "--checkconfig"]):
            result = self.ipsec(*command)
            self.assertEqual(result.code, 1)
            self.assertIn("bad.conf:3", result.err)
        self.assertEqual(self.ipsec("checkconfig", "--config", "none.conf").code, 3)
        self.assertEqual(self.ipsec("checkconfig", "--foo").code, 1)

    def test_configsetup_is_for_shells(self):
        self.write("etc/ipsec.conf", GOOD)
        text = self.good(self.ipsec("addconn", "--configsetup"), "configsetup").text
        script = text + 'echo "$uniqueids $listen_tcp $secretsfile"'
        shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
        self.assertEqual(shown, f"no yes {self.path('etc')}/ipsec.secrets\n")
        self.assertEqual(self.ipsec("addconn", "--configsetup=uniqueids").text, "no\n")
        self.assertNotIn("export", self.ipsec("addconn", "--configsetup", "--noexport").text)

    def test_connections_are_listed_by_what_they_do(self):
        self.write("c.conf", GOOD)
        for what, names in (("all", "first second"), ("add", "second"), ("start", "first"), ("route", "")):
            self.assertEqual(self.ipsec("addconn", "--config", "c.conf", "--list" + what).text.split(), names.split(), what)

    def test_readwriteconf_reads_what_it_wrote(self):
        self.write("c.conf", GOOD)
        once = self.good(self.ipsec("readwriteconf", "--config", "c.conf"), "once").text
        self.write("d.conf", once)
        self.assertEqual(self.ipsec("readwriteconf", "--config", "d.conf").text, once)
        self.assertRegex(once, r"conn first\n\tleft=192.0.2.71\n")
        self.assertIn("uniqueids=no", once)


class Algorithms(kit.Case):
    def setUp(self):
        super().setUp()
        self.real = nss.Database(self, "nss", is_made=False)

    def both(self, *args):
        """Exit codes and lines, ours and Libreswan's."""
        ours = kit.run([os.path.join(kit.BIN, "ipsec"), "algparse", *args], self.folder)
        libraries = self.real.root + "/usr/lib/x86_64-linux-gnu"
        theirs = kit.run([libraries + "/ld-linux-x86-64.so.2", "--library-path", libraries,
                          f"{self.real.root}{peers.LIBRESWAN_DIR}/algparse", *args], self.folder)
        return ours, theirs

    def test_proposals_are_understood_as_libreswan_does(self):
        for word in ALIKE:
            ours, theirs = self.both(word)
            self.assertEqual((ours.code, ours.text), (theirs.code, theirs.text), word)

    def test_what_libreswan_refuses_is_refused(self):
        for word in REFUSED:
            ours, theirs = self.both(word)
            self.assertEqual((ours.code, theirs.code), (1, 1), f"{word}: {ours.text} {theirs.text}")
            self.assertRegex(ours.text, r"\n\tERROR: (IKE|ESP|AH) ")

    def test_differences_are_still_there(self):
        for word, why in OTHERWISE.items():
            ours, theirs = self.both(word)
            self.assertNotEqual(ours.text, theirs.text, f"{word} is alike now: {why}")

    def test_key_exchanges_of_children_are_shown_with_pfs(self):
        for args in (["-pfs", "esp=aes256-sha1;modp2048"], ["-pfs", "esp=aes256"], ["-v1", "ike=aes256-sha1;modp2048"]):
            ours, theirs = self.both(*args)
            self.assertEqual(re.sub("^.*\n", "", ours.text, count=1), re.sub("^.*\n", "", theirs.text, count=1), shlex.join(args))


if __name__ == "__main__":
    kit.main()
