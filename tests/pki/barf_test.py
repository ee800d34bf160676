#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ipsec verify, look and barf, and keyway doctor. Above all: whatever barf shows, no secret is in it."""
import base64
import json
import os

import kit

SECRETS = {name: f"hush-{name}-{n}" for n, name in enumerate(
    ("psk", "indented", "commented", "password", "swanctl", "split", "oneline", "tunnel", "quoted", "passphrase", "ppk", "hex",
     "rsa", "broken", "old"), 8472)}


class Machine(kit.Case):
    def setUp(self):
        super().setUp()
        for folder in ("etc/swanctl/private", "etc/keyway/conf.d", "etc/ipsec.d/private", "run", "state"):
            os.makedirs(self.path(folder))

    def secret(self, name, text):
        self.write(name, text)
        os.chmod(self.path(name), 0o600)

    def run_with(self, program, *args):
        return kit.run([os.path.join(kit.BIN, program), *args], self.folder,
                       env={"KEYWAY_ETC": self.path("etc"), "KEYWAY_STATE": self.path("state"), "KEYWAY_RUN": self.path("run"),
                            "NO_COLOR": "1"})

    def fill(self, is_good):
        s = SECRETS
        self.secret("etc/ipsec.conf", f"conn office\n\tleft=192.0.2.71\n\tright=192.0.2.72\n\tauthby=secret\n\tauto=add\n"
                                      f"\t# leftxauthpassword={s['commented']}\n" + ("" if is_good else "\tfoo=bar\n"))
        self.secret("etc/ipsec.secrets",
                    f'@a @b : PSK "{s["psk"]}"\n@c :\n\tPSK "{s["indented"]}"\n# : PSK "{s["old"]}"\n'
                    f': RSA {{\n\tPrivateExponent: {s["rsa"]}\n\t}}\nuser : XAUTH "{s["password"]}"\n: RSA key.pem "{s["broken"]}"\n')
        self.secret("etc/swanctl/swanctl.conf",
                    f'secrets {{\n  ike-1 {{\n    id = moon\n    secret = "{s["swanctl"]}"\n  }}\n  ike-2 {{ secret = "{s["split"]}\n'
                    f'more" \n  }}\n  ike-3 {{ secret = 0x{s["hex"].encode().hex()} \n }}\n'
                    f'  private-x {{ file = none.pem\n secret = {s["passphrase"]}\n }}\n'
                    f'  ppk-x {{ id = vault\n secret = {s["ppk"]}-0123456789012345678901234567890\n }}\n}}\n')
        self.secret("etc/keyway/keyway.conf",
                    f'tunnel office2 {{\n  peer = 192.0.2.73\n  psk = "{s["tunnel"]} {{ # {s["quoted"]}"\n}}\n')
        self.secret("etc/keyway/conf.d/more.conf", f"tunnel t3 {{ psk = {s['oneline']}\n }}\n")

    def test_no_secret_is_in_a_dump(self):
        for is_good in (True, False):
            self.fill(is_good)
            text = self.good(self.run_with("ipsec", "barf"), "barf").text
            for name, value in SECRETS.items():
                for form in (value, value.encode().hex(), base64.b64encode(value.encode()).decode().rstrip("=")):
                    self.assertNotIn(form, text, f"{name}, and the configuration is {'good' if is_good else 'bad'}")
            for there in ("conn office", "@a @b : PSK [censored]", "id = moon", "ipsec verify", "keyway config show", "ip rule"):
                self.assertIn(there, text)

    def test_a_dump_is_bounded(self):
        self.fill(True)
        self.write("etc/strongswan.conf", "# " + "x" * 300000 + "\n")
        text = self.good(self.run_with("ipsec", "barf"), "barf").text
        self.assertLess(len(text), 250000)
        self.assertIn("cut after", text)

    def test_look_shows_what_there_is(self):
        text = self.good(self.run_with("ipsec", "look"), "look").text
        self.assertIn("ip route show table 220", text)
        self.assertIn("ipsec statusall", text)

    def test_verify_has_libreswans_layout(self):
        self.fill(False)
        result = self.run_with("ipsec", "verify")
        self.assertEqual(result.code, 1)
        lines = result.text.split("\n")
        self.assertEqual(lines[0], "Verifying installed system and configuration files")
        self.assertIn(f"{'Configuration loads':50}\t[FAILED]", lines)
        self.assertIn(f"{'Checking that keywayd is running':50}\t[FAILED]", lines)
        self.assertIn("\tTry: keyway config check shows them all", lines)
        self.assertRegex(result.text, r"encountered \d+ errors\n$")

    def test_doctor_says_the_same_for_programs(self):
        self.fill(True)
        os.chmod(self.path("etc/ipsec.secrets"), 0o644)
        result = self.run_with("keyway", "--json", "doctor")
        self.assertEqual(result.code, 1)
        model = json.loads(result.text)
        checks = {c["name"]: c for c in model["checks"]}
        self.assertEqual(model["verdict"], "failed")
        self.assertEqual(checks["secrets"]["verdict"], "failed")
        self.assertIn("chmod 600", checks["secrets"]["try"])
        plain = self.run_with("keyway", "doctor")
        self.assertIn("failed   Files with secrets are their owner's: others can read", plain.text)


if __name__ == "__main__":
    kit.main()
