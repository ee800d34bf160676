# SPDX-License-Identifier: Apache-2.0
"""CRLs from a directory: OpenLDAP's slapd on the loopback of Keyway's namespace has the CRL of the lab's CA; an entry that is too
large; a server that says nothing, and none."""
import base64
import os
import signal
import subprocess
import tempfile

import peers
from scenarios import scenario
from scenarios.refusals import _must_decide
from scenarios.revocation import REVOKED, Authority, _attempt, _load, _must_say, _restart
from scenarios.steps import bring_up, demand, wait_for

PORT = 3890
BASE = f"ldap://127.0.0.1:{PORT}/cn=ca%2Co=Keyway%20Lab?certificateRevocationList;binary?base"
HUGE = f"ldap://127.0.0.1:{PORT}/cn=huge%2Co=Keyway%20Lab?description?base"


class Directory:
    """slapd, without being installed. Its entries are loaded before it starts."""

    def __init__(self, lab):
        self.lab, self.root = lab, peers.fetch_slapd()
        self.dir = tempfile.mkdtemp(prefix="slapd-", dir=lab.work)  # a lab runs many rows
        os.makedirs(self.dir + "/db")
        self.conf, self.server = self.dir + "/slapd.conf", None
        libraries = [d for d in (f"{self.root}/usr/lib/{a}-linux-gnu" for a in ("x86_64", "aarch64")) if os.path.isdir(d)]
        self.env = {"LD_LIBRARY_PATH": ":".join(libraries)}
        with open(self.conf, "w") as f:
            f.write(f"include {self.root}/etc/ldap/schema/core.schema\nmodulepath {self.root}/usr/lib/ldap\nmoduleload back_mdb.so\n"
                    f"pidfile {self.dir}/pid\ndatabase mdb\nmaxsize 134217728\nsuffix \"o=Keyway Lab\"\ndirectory {self.dir}/db\n")

    def serve(self, crl):
        """The CRL (DER), and an entry with 13 MB in it."""
        if self.server:
            self.server.stop(signal.SIGTERM)
            for file in os.listdir(self.dir + "/db"):
                os.unlink(f"{self.dir}/db/{file}")
        with open(crl, "rb") as f:
            value = base64.b64encode(f.read()).decode()
        with open(self.dir + "/entries", "w") as f:
            f.write("dn: o=Keyway Lab\nobjectClass: organization\no: Keyway Lab\n\n"
                    "dn: cn=ca,o=Keyway Lab\nobjectClass: device\nobjectClass: pkiCA\ncn: ca\n"
                    f"certificateRevocationList;binary:: {value}\n\n"
                    f"dn: cn=huge,o=Keyway Lab\nobjectClass: device\ncn: huge\ndescription: {'x' * 13_000_000}\n")
        slapd = self.root + "/usr/sbin/slapd"
        p = subprocess.run([slapd, "-T", "add", "-q", "-f", self.conf, "-l", self.dir + "/entries"], env={**os.environ, **self.env},
                           capture_output=True, text=True, timeout=60)
        demand(p.returncode == 0, f"slapadd: {p.stderr[-300:]}")
        out = os.path.join(self.dir, "log")
        if os.path.exists(out):
            os.unlink(out)
        self.server = self.lab.net["ga"].start([slapd, "-d", "256", "-f", self.conf, "-h", f"ldap://127.0.0.1:{PORT}"], out, self.env)
        wait_for("slapd", lambda: os.path.exists(out) and "slapd starting" in open(out).read(), 10, 0.05)
        self.log = out

    def searches(self):
        return open(self.log).read().count("SRCH base=")


def _point(url):
    return [f"crlDistributionPoints=URI:{url}"]


def _ldap(lab, role):
    """Strict: up with the CRL that slapd has, and not when the CRL of the next day revokes."""
    authority = Authority(lab, "b-ldap", _point(BASE))
    _load(lab, authority, "strict")
    directory = Directory(lab)
    directory.serve(authority.crl())
    bring_up(lab, role)
    demand(directory.searches() == 1, f"slapd was asked {directory.searches()} times")
    lab.a.terminate("net")
    authority.revoke()
    directory.serve(authority.crl())
    _restart(lab)
    return _must_say(lab, _attempt(lab, role), REVOKED)


@scenario("revoked.crl-ldap.initiator", needs_keyway=True)
def ldap_initiator(lab):
    return _ldap(lab, "initiator")


@scenario("revoked.crl-ldap.responder", needs_keyway=True)
def ldap_responder(lab):
    return _ldap(lab, "responder")


@scenario("revoked.crl-ldap.bounds", needs_keyway=True)
def bounds(lab):
    """No server; one with an entry that is too large; one that says nothing, for 5 seconds and no longer."""
    authority = Authority(lab, "b-ldap-huge", _point(HUGE))
    _load(lab, authority, "strict")
    _must_decide(lab, _attempt(lab, "initiator"), ("not known whether", f"nothing from ldap://127.0.0.1:{PORT}"))
    directory = Directory(lab)
    directory.serve(authority.crl())
    _restart(lab)
    large = _must_decide(lab, _attempt(lab, "initiator"), ("not known whether", "more than 12582912 bytes"))
    directory.server.stop(signal.SIGTERM)
    authority.serve_nothing(PORT)
    _restart(lab)
    _must_decide(lab, _attempt(lab, "initiator"), ("not known whether", "timed out|timeout"))
    return large
