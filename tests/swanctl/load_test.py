#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The commands of our swanctl that load, beside strongSwan's 6.0.1 and 5.9.8: of the same swanctl.conf and folders they send the
same requests in the same order, with the same contents, print the same and end with the same code.

Not compared: the lines by which theirs say which of their parsers could not read a key, and the subjects of certificates out
of PKCS#12. Deliberately other than both, each with a test of its own:
  - a swanctl.conf that cannot be read, or a --file that is not there, changes nothing and is an error; theirs take it for an
    empty one, unload everything, and exit with 0
  - a key that was loaded again is not unloaded in --raw; theirs lose it, and the same is printed"""
import os
import pty
import re
import select
import subprocess
import time
import unittest

import kit
import play
from play import Answer

FOLDERS = "x509 x509ca x509ocsp x509aa x509ac x509crl pubkey private rsa ecdsa bliss pkcs8 pkcs12".split()
REFUSED = {"success": "no", "errmsg": "bad thing"}
PARSERS = re.compile(r"^(building CRED_.*|  invalid passphrase|  file coded in unknown format.*|  MAC verification .*|  C=CH, .*)\n", re.M)


def daemon(keys=(), shared=(), pools=(), authorities=(), conns=(), **more):
    """What it has."""
    return {"get-keys": {"keys": keys}, "get-shared": {"keys": shared}, "get-pools": {p: {"base": "1.2.3.4"} for p in pools},
            "get-authorities": {"authorities": authorities}, "get-conns": {"conns": conns},
            "load-key": {"success": "yes", "id": "aabb"}, "load-token": {"success": "yes", "id": "ccdd"}, **more}


def without_parsers(result):
    return kit.Result(result.code, result.out.encode("latin1"), PARSERS.sub("", result.err).encode("latin1"))


class Load(kit.Case):
    maxDiff = 4000

    def setUp(self):
        super().setUp()
        self.player = play.Player(self.path("vici"))
        self.addCleanup(self.player.close)
        for f in FOLDERS:
            os.makedirs(self.path("sw/" + f))

    def conf(self, text):
        self.write("sw/swanctl.conf", text)

    def asked(self):
        return [(name, body) for kind, name, body in self.player.requests if kind == 0]

    def each(self, command, *argv, script=None, programs=None, env=None):
        """The requests, which are the same for all."""
        results, asked = [], []
        uri = "unix://" + self.path("vici")
        for program in programs or (self.ours, self.new, self.old):
            self.player.begin(script or daemon())
            results.append(without_parsers(program.run(command, *argv, "--uri", uri, env={"SWANCTL_DIR": self.path("sw"), **(env or {})})))
            asked.append(self.asked())
        results += results[-1:] * (3 - len(results))
        self.said = self.alike(*results, " ".join((command, *argv)))
        for other in asked[1:]:
            self.assertEqual(asked[0], other, self.said)
        return asked[0]

    def openssl(self, *argv):
        subprocess.run(["openssl", *argv], cwd=self.folder, capture_output=True, check=True)

    def make_keys(self):
        self.openssl("genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "r.pem")
        self.openssl("genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "a.pem")
        self.openssl("genpkey", "-algorithm", "ed25519", "-out", "e.pem")
        for name, argv in {"r1.pem": ["rsa", "-traditional", "-in", "r.pem"], "r8.der": ["pkcs8", "-topk8", "-nocrypt", "-outform", "der",
                           "-in", "r.pem"], "renc1.pem": ["rsa", "-traditional", "-aes256", "-passout", "pass:foo", "-in", "r.pem"],
                           "renc8.pem": ["pkcs8", "-topk8", "-passout", "pass:foo", "-in", "r.pem"],
                           "renc8.der": ["pkcs8", "-topk8", "-passout", "pass:foo", "-outform", "der", "-in", "r.pem"],
                           "a1.pem": ["ec", "-in", "a.pem"], "aenc8.pem": ["pkcs8", "-topk8", "-passout", "pass:foo", "-in", "a.pem"],
                           "aenc1.pem": ["ec", "-aes128", "-passout", "pass:foo", "-in", "a.pem"]}.items():
            self.openssl(*argv, "-out", name)

    def put(self, folder, *names):
        for name in names:
            self.write(f"sw/{folder}/{name}", self.read(name) if os.path.exists(self.path(name)) else name)

    def test_connections(self):
        self.put("x509", "a.der", "b.der")
        self.put("x509ca", "ca.der")
        self.put("pubkey", "a.pub")
        self.conf(f"""
connections {{
  net {{
    version = 2
    local_addrs = a,b , , c
    remote_addrs =
    proposals = " x , y "
    vips = ,
    pools = "a,b"
    unknown = a, b
    local {{ auth = pubkey
      certs = a.der, {self.path('sw/x509ca/ca.der')}, 0x010203, 0sAQID
      id = "C=CH, CN=x"
      pubkeys = a.pub
      cert1 {{ file = foo.pem }} }}
    remote-x {{ auth = psk
      cacerts = ca.der
      groups = x, y
      cert_policy = 1.2.3, 1.2.4
      cacert-1 {{ handle = 01ff }} }}
    children {{
      kid {{ local_ts = 10.1.0.0/24, 10.2.0.0/24
        remote_ts = dynamic
        esp_proposals = aes128gcm16,default
        ah_proposals = c,d
        updown = /a/b c d
        version = "x\\ny" }}
      empty {{ }} }}
    mobike = no }}
  other : defaults {{ }}
  net {{ version = 1
    dpd_delay = 3
    dpd_delay = }} }}
connections {{ third {{ }} }}
defaults {{ remote_addrs = 1.2.3.4
  children {{ z {{ mode = transport }} }} }}
include more/*.conf
""")
        self.write("sw/more/a.conf", "connections { other { dscp = 000001 } included { } }")
        asked = self.each("--load-conns", script=daemon(conns=["net", "gone", "other"]))
        self.assertEqual([name for name, _ in asked], ["get-conns", *["load-conn"] * 4, "unload-conn"])
        self.each("--load-conns", "--raw", script=daemon(conns=["gone"]))
        self.each("--load-conns", "--pretty")

    def test_connections_that_are_not_loaded(self):
        self.conf("connections { a { local { certs = nofile } } b { } c { } }")
        half = {"load-conn": [{"success": "yes"}, REFUSED], "unload-conn": REFUSED}
        self.each("--load-conns", script=daemon(conns=["a", "b", "x"], **half))
        self.assertEqual(self.said.code, 22)
        self.each("--load-conns", "--raw", script=daemon(conns=["x"], **half))
        self.each("--load-conns", script=daemon(conns=["x"], **{"load-conn": Answer(unknown=True), "unload-conn": Answer(unknown=True)}))
        self.conf("")
        self.each("--load-conns", script=daemon(conns=["x"]))
        self.each("--load-conns", script={"get-conns": Answer(unknown=True)})

    def test_pools_and_authorities(self):
        self.put("x509ca", "ca.der")
        self.conf(f"""pools {{ p {{ addrs = a, b
  dns = 8.8.8.8, 9.9.9.9
  nbns =
  7 = foo
  sub {{ a = 1 }} }} q {{ }} }}
authorities {{ a {{ cacert = ca.der
  crl_uris = http://a,, http://b
  ocsp_uris = x
  cert_uri_base = a,b }} b {{ cacert = {self.path('sw/x509ca/ca.der')} }} c {{ cacert = 0x01 }} d {{ file = /x
  handle = 01 }} }}""")
        self.each("--load-pools", script=daemon(pools=["p", "gone"]))
        self.each("--load-pools", "-P", script=daemon(pools=["p", "gone"]))
        self.each("--load-authorities", script=daemon(authorities=["d", "gone"]))
        self.each("--load-pools", script=daemon(pools=["gone"], **{"load-pool": REFUSED, "unload-pool": REFUSED}))
        self.each("--load-authorities", script=daemon(authorities=["gone"], **{"load-authority": REFUSED, "unload-authority": REFUSED}))

    SECRETS = """secrets { ike-1 { secret = "a b"
  id = "C=CH, CN=x"
  ID2 = q
  idx = p
  identity = u
  xid = no } ike-2 { secret = 0x123 } ike-3 { } ike-4 { secret = } ikefoo { secret = 0sAQL/ } eap { secret = 0x } IKE-9 { secret = u }
  xauth-x { secret = 0sAQ==
  id = dave } ppk { secret = 0xAB } private { file = x } rsa { secret = x } token { } token-2 { handle = x
  slot = 1
  pin = 5
  foo = bar } foo { } ntlm { secret = a
  id = %any } }
secrets { ike-1 { id = late } }"""

    def test_certificates_and_secrets(self):
        self.put("x509", "a.der", "b.der")
        for folder in FOLDERS[1:7]:
            self.put(folder, "in-" + folder)
        self.write("sw/x509/.hidden", "hidden")
        self.write("sw/x509/sub/nothing", "nothing")
        self.write("sw/x509/empty", "")
        os.symlink("a.der", self.path("sw/x509/link"))
        os.symlink("nowhere", self.path("sw/x509/dangling"))
        self.conf(self.SECRETS)
        has = daemon(keys=["k", "ccdd"], shared=["ike-1", "gone"])
        self.each("--load-creds", "--noprompt", script=has)
        self.each("--load-creds", "--noprompt", "--clear", script=has)
        self.each("--load-creds", "--noprompt", "--raw", script=daemon(keys=["k"], shared=["ike-1", "gone"]))
        self.each("--load-creds", "--noprompt", script={**has, **{"load-" + x: REFUSED for x in ("cert", "shared", "token")},
                                                       "unload-key": REFUSED, "unload-shared": REFUSED})
        self.each("--load-creds", "--noprompt", script={**has, **{c: Answer(unknown=True) for c in (
            "get-keys", "get-shared", "load-cert", "load-shared", "load-token", "unload-key")}})

    def test_keys(self):
        self.make_keys()
        plain, locked = ("r.pem", "r1.pem", "r8.der", "a.pem", "a1.pem", "e.pem"), ("renc1.pem", "renc8.pem", "renc8.der", "aenc8.pem",
                                                                                  "aenc1.pem")
        of = {"private": "are", "rsa": "r", "ecdsa": "a", "pkcs8": "are"}  # where theirs expect which
        for folder, letters in of.items():
            self.put(folder, *(k for k in (*plain, *locked) if k[0] in letters), "junk")
        self.conf("")
        self.each("--load-creds", "--noprompt")
        for secret in ("foo", "bar"):
            self.conf("secrets {" + "".join(f"{folder}-{i} {{ file = {name}\n secret = {secret} }}\n" for folder in ("private", "rsa", "pkcs8")
                                            for i, name in enumerate(locked + ("r.pem",))) + "}")
            self.each("--load-creds", "--noprompt", script=daemon(keys=["aabb"]))
        for name in locked:
            for folder, letters in of.items():
                if name[0] in letters:
                    os.unlink(self.path(f"sw/{folder}/{name}"))
        self.each("--load-creds")
        self.each("--load-creds", "--raw")
        self.each("--load-creds", script=daemon(**{"load-key": REFUSED}))

    def test_pkcs12(self):
        self.make_keys()
        self.openssl("req", "-x509", "-key", "r.pem", "-subj", "/C=CH/CN=r", "-out", "r.crt")
        self.openssl("req", "-x509", "-key", "a.pem", "-subj", "/C=CH/CN=a", "-out", "a.crt")
        self.openssl("pkcs12", "-export", "-inkey", "r.pem", "-in", "r.crt", "-certfile", "a.crt", "-passout", "pass:foo", "-out", "r.p12")
        self.put("pkcs12", "r.p12")
        for secret in ("foo", "bar"):
            self.conf("secrets { pkcs12-a { file = r.p12\n secret = %s } }" % secret)
            self.each("--load-creds", "--noprompt")
        self.conf("")
        self.assertEqual(len(self.each("--load-creds", "--noprompt")), 2)

    def test_load_all(self):
        self.put("x509", "a.der")
        self.conf("secrets { ike-1 { secret = x } } pools { p { addrs = 10.0.0.0/8 } } authorities { a { file = x } } "
                  "connections { c { version = 2 } }")
        has = daemon(keys=["k"], shared=["s"], pools=["pp"], authorities=["aa"], conns=["cc"])
        for argv in ([], ["--clear", "--noprompt"], ["--raw"], ["--pretty"]):
            self.assertGreater(len(self.each("--load-all", *argv, script=has)), 12)
        refused = {**has, **{"load-" + x: REFUSED for x in ("cert", "shared", "authority")}}
        self.each("--load-all", script=refused)  # ends with the authorities
        self.assertEqual(self.said.code, 22)
        self.each("--load-all", "--raw", script=refused)
        self.conf("")
        self.each("--load-all", script=has)
        os.unlink(self.path("sw/swanctl.conf"))
        self.each("--load-all")
        self.each("--load-all", "--debug", "0")
        self.write("other.conf", "connections { o { } }")
        self.each("--load-conns", "--file", self.path("other.conf"))
        for f in FOLDERS:
            if f != "bliss" and f != "x509":  # which 5.9.8 alone knows
                os.rmdir(self.path("sw/" + f))
        self.each("--load-creds")

    def test_a_file_that_is_wrong_unloads_nothing(self):
        has = daemon(keys=["k"], shared=["s"], conns=["c"])
        run = {"env": {"SWANCTL_DIR": self.path("sw")}}
        for text, argv, code in (("connections {\n foo \n bar = { x }\n", (), 22), ("", ("--file", "/nonexistent"), 2)):
            self.conf(text)
            for command, asked in (("--load-conns", 2), ("--load-all", 9)):
                for program in (self.ours, self.new):
                    self.player.begin(has)
                    result = program.run(command, *argv, "--uri", "unix://" + self.path("vici"), **run)
                    unloads = sum(name.startswith("unload") for name, _ in self.asked())
                    if program is self.new:
                        self.assertTrue(result.code == 0 and unloads, "theirs has changed")
                    else:
                        self.assertEqual((result.code, self.asked(), result.out), (code, [], ""), result)

    def test_a_key_that_is_loaded_again_stays_in_raw_as_well(self):
        self.make_keys()
        self.put("private", "r.pem", "a.pem")
        self.conf("secrets { token-1 { handle = 01\n pin = 1 } ike-1 { secret = x } }")
        has = daemon(keys=["t1", "gone", "id2", "id1"], shared=["ike-1", "gone"], **{
            "load-key": [{"success": "yes", "id": name} for name in ("id1", "id2")], "load-token": {"success": "yes", "id": "t1"}})
        for argv in (["--raw"], ["--pretty"], ["--raw", "--clear"], ["--pretty", "--clear"], ["--clear"], []):
            results, unloaded = [], []
            for program in (self.ours, self.new, self.old):
                self.player.begin(has)
                results.append(without_parsers(program.run("--load-creds", "--noprompt", *argv, "--uri", "unix://" + self.path("vici"),
                                                           env={"SWANCTL_DIR": self.path("sw")})))
                unloaded.append([body[-4:] for name, body in self.asked() if name == "unload-key"])
            self.alike(*results, str(argv))
            self.assertEqual(unloaded[0], [b"gone"])
            for theirs in unloaded[1:]:
                self.assertEqual(len(theirs), 4 if argv and argv != ["--clear"] else 1, argv)
        self.each("--load-creds", "--noprompt", "--raw", "--clear", script=daemon(keys=["k"], **{"clear-creds": REFUSED}))
        self.each("--load-creds", "--noprompt", "--raw", "--clear", script=daemon(keys=["k"], **{"clear-creds": Answer(unknown=True)}))
        self.assertEqual(self.said.code, 111)

    def test_what_the_old_one_does_otherwise(self):
        """It looks for keys of one more kind, and asks once more for the passphrase of PKCS#12."""
        self.make_keys()
        self.openssl("req", "-x509", "-key", "r.pem", "-subj", "/C=CH/CN=r", "-out", "r.crt")
        self.openssl("pkcs12", "-export", "-inkey", "r.pem", "-in", "r.crt", "-passout", "pass:foo", "-out", "r.p12")
        self.put("pkcs12", "r.p12")
        self.conf("")
        os.rmdir(self.path("sw/bliss"))
        for program, asks, misses in ((self.ours, 1, False), (self.new, 1, False), (self.old, 2, True)):
            self.player.begin(daemon())
            code, lines, _ = self.on_terminal(program, "--load-creds", answers=["", ""])
            text = "\n".join(lines)
            self.assertEqual((code, text.count("Password for pkcs12"), "sw/bliss' failed" in text), (0, asks, misses), (program.name, lines))

    def on_terminal(self, program, *argv, answers):
        """Its output, when it is typed at: an answer whenever it asks."""
        argv = program.command(*argv, "--uri", "unix://" + self.path("vici"))
        env = program.environment({"SWANCTL_DIR": self.path("sw")})
        pid, fd = pty.fork()
        if not pid:
            os.execvpe(argv[0], argv, env)
        out, answers, end = b"", list(answers), time.monotonic() + 30
        while time.monotonic() < end:
            if not select.select([fd], [], [], 0.05)[0]:
                continue
            try:
                part = os.read(fd, 4096)
            except OSError:
                break
            out += part
            if re.search(rb"(Password|PIN) for [^\n]*: $", out) and answers:
                os.write(fd, answers.pop(0).encode() + b"\n")
                out += b"<asked>"
        os.close(fd)  # what has not ended is hung up on
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        lines = out.decode("latin1").replace("\r", "").replace("<asked>", "").splitlines()
        return code, sorted(line for line in lines if line and not PARSERS.match(line + "\n")), answers

    def test_passphrases_that_are_typed(self):
        self.make_keys()
        self.openssl("req", "-x509", "-key", "r.pem", "-subj", "/C=CH/CN=r", "-out", "r.crt")
        self.openssl("pkcs12", "-export", "-inkey", "r.pem", "-in", "r.crt", "-passout", "pass:foo", "-out", "r.p12")
        self.put("private", "renc1.pem")
        self.put("rsa", "renc8.pem")
        self.put("pkcs8", "aenc8.pem")
        self.put("pkcs12", "r.p12")
        self.conf("secrets { token-1 { handle = 01 } private-1 { file = renc1.pem\n secret = wrong } }")
        for answers, others in ((["foo", "foo", "foo", "foo", "1234"], (self.new, self.old)), (["wrong", "foo", "", "", "", ""], (self.new,))):
            seen = []
            for program in (self.ours, *others):
                self.player.begin(daemon())
                seen.append((self.on_terminal(program, "--load-creds", answers=answers), self.asked()))
            for other in seen[1:]:
                self.assertEqual(seen[0], other)


if __name__ == "__main__":
    kit.main()
