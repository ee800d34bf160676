#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The certificates of a well-known guide to strongSwan (a CA, a VPN host, a client, and the client's PKCS#12 file): its
commands typed as they stand, in its folder /etc/ipsec.d, with our `ipsec`; what they leave is checked by openssl and by
strongSwan's own pki. /etc is overlaid in private mounts, so this wants root."""
import os
import re

import kit

CA = r"""
cd /etc/ipsec.d/
ipsec pki --gen --type rsa --size 4096 \
	   --outform pem \
	   > private/strongswanKey.pem
chmod 600 private/strongswanKey.pem
ipsec pki --self --ca --lifetime 3650 \
	   --in private/strongswanKey.pem --type rsa \
	   --dn "C=CH, O=strongSwan, CN=strongSwan Root CA" \
	   --outform pem \
    > cacerts/strongswanCert.pem
ipsec pki --print --in cacerts/strongswanCert.pem
"""
HOST = r"""
cd /etc/ipsec.d/
ipsec pki --gen --type rsa --size 2048 \
  	--outform pem \
  	> private/vpnHostKey.pem
chmod 600 private/vpnHostKey.pem
ipsec pki --pub --in private/vpnHostKey.pem --type rsa | \
	 ipsec pki --issue --lifetime 730 \
	  --cacert cacerts/strongswanCert.pem \
	  --cakey private/strongswanKey.pem \
	  --dn "C=CH, O=strongSwan, CN=vpn.example.com" \
	  --san vpn.example.com \
	  --flag serverAuth --flag ikeIntermediate \
	  --outform pem > certs/vpnHostCert.pem
ipsec pki --print --in certs/vpnHostCert.pem
"""
CLIENT = r"""
cd /etc/ipsec.d/
ipsec pki --gen --type rsa --size 2048 \
	  --outform pem \
	  > private/ClientKey.pem
chmod 600 private/ClientKey.pem
ipsec pki --pub --in private/ClientKey.pem --type rsa | \
	 ipsec pki --issue --lifetime 730 \
	  --cacert cacerts/strongswanCert.pem \
	  --cakey private/strongswanKey.pem \
	  --dn "C=CH, O=strongSwan, CN=myself@example.com" \
	  --san myself@example.com \
	  --outform pem > certs/ClientCert.pem
openssl pkcs12 -export -inkey private/ClientKey.pem \
	  -in certs/ClientCert.pem -name "My own VPN client certificate" \
	  -certfile cacerts/strongswanCert.pem \
	  -caname "strongSwan Root CA" \
	  -out Client.p12
"""
# The overlay's upper layer lies on a file system of its own, since another overlay cannot be one.
MOUNTS = """set -e
mkdir layers && mount -t tmpfs layers layers && mkdir layers/upper layers/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=layers/upper,workdir=layers/work /etc
mkdir -p /etc/ipsec.d/private /etc/ipsec.d/cacerts /etc/ipsec.d/certs
scratch=$PWD
"""
COPY = "\ncp -r /etc/ipsec.d/. $scratch/\n"


class Guide(kit.Case):
    def test_the_commands_do_what_the_guide_says(self):
        script = MOUNTS + CA + HOST + CLIENT + COPY
        env = {"PATH": f"{kit.BIN}:{os.environ['PATH']}"}
        # without a terminal openssl reads the export password, twice, from stdin
        said = self.good(kit.run(["setsid", "unshare", "-m", "--propagation", "private", "bash", "-c", script], self.folder,
                                 b"export\nexport\n", env), "the guide")
        self.check_print(said.text)
        self.check_openssl()
        self.check_strongswan()

    def check_print(self, text):
        ca, host = text.split("  subject:")[1:]
        for words in ('"C=CH, O=strongSwan, CN=strongSwan Root CA"', "flags:     CA CRLSign self-signed", "pubkey:    RSA 4096 bits"):
            self.assertIn(words, ca)
        for words in ('"C=CH, O=strongSwan, CN=vpn.example.com"', "altNames:  vpn.example.com", "flags:     serverAuth ikeIntermediate",
                      "pubkey:    RSA 2048 bits"):
            self.assertIn(words, host)
        # the guide printed them a little later
        self.assertRegex(ca, r"expires in 36(49|50) days")
        self.assertRegex(host, r"expires in 7(29|30) days")
        keyid = r"(?:authkeyId|subjkeyId): ([0-9a-f:]+)"
        self.assertEqual(re.search("authkeyId: ([0-9a-f:]+)", host)[1], re.search(keyid, ca)[1])

    def check_openssl(self):
        text = {n: self.openssl("x509", "-in", n, "-noout", "-text").decode() for n in
                ("cacerts/strongswanCert.pem", "certs/vpnHostCert.pem", "certs/ClientCert.pem")}
        ca, host, client = text.values()
        self.assertIn("Public-Key: (4096 bit)", ca)
        self.assertIn("CA:TRUE", ca)
        self.assertIn("DNS:vpn.example.com", host)
        self.assertIn("TLS Web Server Authentication, 1.3.6.1.5.5.8.2.2", host)
        self.assertIn("email:myself@example.com", client)
        self.assertNotIn("Extended Key Usage", client)
        for name in list(text)[1:]:
            self.openssl("verify", "-CAfile", "cacerts/strongswanCert.pem", name)
        for name in ("strongswanKey", "vpnHostKey", "ClientKey"):
            self.assertEqual(os.stat(self.path(f"private/{name}.pem")).st_mode & 0o777, 0o600)
        self.assertIn(b"myself@example.com", self.openssl("pkcs12", "-in", "Client.p12", "-passin", "pass:export", "-nodes"))

    def check_strongswan(self):
        for name in ("vpnHostCert", "ClientCert"):
            said = self.real("--verify", "--in", f"certs/{name}.pem", "--cacert", "cacerts/strongswanCert.pem")
            self.assertEqual(said, b"certificate trusted, lifetimes valid\n")
        self.real("--verify", "--in", "cacerts/strongswanCert.pem")


if __name__ == "__main__":
    kit.main()
