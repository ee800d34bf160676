# SPDX-License-Identifier: Apache-2.0
"""The lab's certificates, made once a run: a CA, and for each key type one certificate per gateway; an expired
one, one of a CA that nobody trusts, and a chain long enough to need fragments."""
import os
import subprocess

from net import LabError

KEYS = {
    "rsa": ["rsa", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa4096": ["rsa", "-pkeyopt", "rsa_keygen_bits:4096"],
    "ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ecdsa384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ecdsa521": ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "ed25519": ["ed25519"],
    "ed448": ["ed448"],
}
NAME = {"a": "a.keyway.test", "b": "b.keyway.test"}


def _openssl(*argv):
    p = subprocess.run(["openssl", *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if p.returncode:
        raise LabError(f"openssl {' '.join(argv)}: {p.stderr[-800:]}")


class Certificates:
    def __init__(self, directory):
        self.dir = directory
        os.makedirs(directory, exist_ok=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def _key(self, name, kind):
        _openssl("genpkey", "-algorithm", *KEYS[kind], "-out", self.path(name + ".key"))

    def _extensions(self, name, lines):
        path = self.path(name + ".ext")
        with open(path, "w") as f:
            f.write("[x]\n" + "\n".join(lines) + "\n")
        return ["-extfile", path, "-extensions", "x"]

    def _ca(self, name, subject, kind="ecdsa", issuer=None, padding=0):
        self._key(name, kind)
        csr = self.path(name + ".csr")
        _openssl("req", "-new", "-key", self.path(name + ".key"), "-subj", f"/O=Keyway Lab/CN={subject}", "-out", csr)
        lines = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign",
                 "subjectKeyIdentifier=hash"]
        if padding:
            lines.append("nsComment=" + "x" * padding)
        sign = (["-CA", self.path(issuer + ".pem"), "-CAkey", self.path(issuer + ".key"), "-CAcreateserial"]
                if issuer else ["-signkey", self.path(name + ".key")])
        _openssl("x509", "-req", "-in", csr, *sign, "-days", "3650", "-out", self.path(name + ".pem"),
                 *self._extensions(name, lines))
        return name

    def leaf(self, name, kind, host, issuer="ca", days=365, padding=0, san="", subject=None):
        """A certificate for `host` (DNS name in subject, unless that is another one, and SAN). days < 0: it expired yesterday."""
        if os.path.exists(self.path(name + ".pem")):
            return name
        if issuer == "ca" and not os.path.exists(self.path("ca.pem")):
            self._ca("ca", "Keyway Lab CA")
        self._key(name, kind)
        csr = self.path(name + ".csr")
        _openssl("req", "-new", "-key", self.path(name + ".key"), "-subj", subject or f"/O=Keyway Lab/CN={host}", "-out", csr)
        lines = ["basicConstraints=CA:FALSE", "keyUsage=digitalSignature", f"subjectAltName=DNS:{host}{san}",
                 "extendedKeyUsage=serverAuth,clientAuth", "authorityKeyIdentifier=keyid"]
        if padding:
            lines.append("nsComment=" + "x" * padding)
        if days > 0:
            _openssl("x509", "-req", "-in", csr, "-CA", self.path(issuer + ".pem"), "-CAkey",
                     self.path(issuer + ".key"), "-CAcreateserial", "-days", str(days), "-out",
                     self.path(name + ".pem"), *self._extensions(name, lines))
        else:
            self._expired(name, issuer, csr, lines)
        return name

    def _expired(self, name, issuer, csr, lines):
        """`openssl ca` is the one command of OpenSSL 3.0 that takes an end date."""
        work = self.path(name + ".ca")
        os.makedirs(work, exist_ok=True)
        open(work + "/index.txt", "w").close()
        with open(work + "/serial", "w") as f:
            f.write("77\n")
        with open(work + "/cnf", "w") as f:
            f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={work}/index.txt\nserial={work}/serial\nnew_certs_dir={work}\n"
                    f"default_md=sha256\npolicy=p\nx509_extensions=x\nemail_in_dn=no\nunique_subject=no\n"
                    f"[p]\norganizationName=optional\ncommonName=supplied\n[x]\n" + "\n".join(lines) + "\n")
        _openssl("ca", "-batch", "-notext", "-config", work + "/cnf", "-cert", self.path(issuer + ".pem"), "-keyfile",
                 self.path(issuer + ".key"), "-in", csr, "-out", self.path(name + ".pem"), "-startdate",
                 "20200101000000Z", "-enddate", "20200201000000Z")

    def files(self, leaf, cas=("ca",), extra=()):
        """What goes into a side's swanctl folder: its certificate, key, and the CAs it trusts."""
        out = {f"x509/{leaf}.pem": self.path(leaf + ".pem"), f"private/{leaf}.pem": self.path(leaf + ".key")}
        for ca in cas:
            out[f"x509ca/{ca}.pem"] = self.path(ca + ".pem")
        for cert in extra:
            out[f"x509/{cert}.pem"] = self.path(cert + ".pem")
        return out

    def intermediate(self, name, issuer="ca", padding=0):
        if not os.path.exists(self.path("ca.pem")):
            self._ca("ca", "Keyway Lab CA")
        if not os.path.exists(self.path(name + ".pem")):
            self._ca(name, f"Keyway Lab {name}", issuer=issuer, padding=padding)
        return name

    def stranger(self):
        """A CA that neither side is told to trust."""
        if not os.path.exists(self.path("stranger.pem")):
            self._ca("stranger", "Nobody Knows Me CA")
        return "stranger"

    def pair(self, kind):
        """(leaf of a, leaf of b)"""
        return tuple(self.leaf(f"{side}-{kind}", kind, NAME[side]) for side in "ab")
