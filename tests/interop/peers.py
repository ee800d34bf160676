# SPDX-License-Identifier: Apache-2.0
"""Real peers, unpacked from Debian's packages into the build folder and never installed.

apt itself downloads and verifies: what it takes is named by hash in an index that Debian signed. A package of
another release than the machine's comes through an apt with settings, lists and cache of its own in the build folder.
"""
import contextlib
import fcntl
import glob
import os
import subprocess

from net import LabError

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(REPO, "build", "lab-cache")
STRONGSWAN = os.path.join(CACHE, "strongswan")
PLUGIN_DIR = "/usr/lib/ipsec"  # compiled into strongSwan: bound over inside each namespace's private mounts
PACKAGES = ("libstrongswan libstrongswan-standard-plugins libstrongswan-extra-plugins strongswan-libcharon "
            "libcharon-extra-plugins charon-systemd strongswan-swanctl").split()
STARTER_PACKAGES = ("strongswan-starter strongswan-charon libcharon-extauth-plugins libstrongswan "
                    "libstrongswan-standard-plugins libstrongswan-extra-plugins strongswan-libcharon libcharon-extra-plugins "
                    "strongswan-swanctl").split()
PKI_PACKAGES = ("strongswan-pki libstrongswan libstrongswan-standard-plugins libstrongswan-extra-plugins "
                "libcharon-extra-plugins").split()  # the last for libtls
NEW_PKI_PACKAGES = PKI_PACKAGES + "libssl3t64 libc6 libgcc-s1 zlib1g libzstd1 libgmp10 libcap2".split()
NEW_SWANCTL_PACKAGES = ["strongswan-swanctl", *NEW_PKI_PACKAGES[1:], "libsystemd0"]
# The libraries beside the program, as far as a small Debian may lack them.
OPENVPN = "openvpn libcap-ng0 liblz4-1 liblzo2-2 libnl-3-200 libnl-genl-3-200 libpkcs11-helper1".split()
TESTING = "forky"  # whose strongSwan has ML-KEM; with the libraries that it wants
TESTING_PACKAGES = PACKAGES + "libssl3t64 libc6 libgcc-s1 zlib1g libzstd1 libgmp10 libcap2 libsystemd0".split()
LIBRESWAN_DIR = "/usr/libexec/ipsec"  # where pluto looks for its helpers: bound over as well
# What pluto and NSS's certutil want, their C library included.
LIBRESWAN = ("libreswan libnss3-tools libc6 libnss3 libnspr4 libsqlite3-0 libgcc-s1 zlib1g libzstd1 libaudit1 libcap-ng0 "
             "libcrypt1 libcurl3t64-gnutls libevent-core-2.1-7t64 libevent-pthreads-2.1-7t64 libevent-2.1-7t64 libldap2 "
             "libldns3t64 libpam0g libselinux1 libunbound8 libssl3t64 libpcre2-8-0 libnghttp2-14 libnghttp3-9 libidn2-0 "
             "librtmp1 libssh2-1t64 libpsl5t64 libnettle8t64 libhogweed6t64 libgnutls30t64 libgssapi-krb5-2 libkrb5-3 "
             "libk5crypto3 libcom-err2 libkrb5support0 libkeyutils1 libbrotli1 libunistring5 libgmp10 libp11-kit0 libtasn1-6 "
             "libffi8 libsasl2-2 libngtcp2-16 libngtcp2-crypto-gnutls8").split()
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def fetch(name, packages, release=None, say=print, archives=None):
    """Downloads packages and unpacks them into a folder of the cache, once; returns the folder. Who comes while another
    one does it waits. What is there already needs no lock: the guest cannot write."""
    folder = os.path.join(CACHE, name)
    if os.path.exists(os.path.join(folder, ".complete")):
        return folder
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, name + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _fetch(name, packages, release, say, archives)


def _fetch(name, packages, release, say, archives):
    folder = os.path.join(CACHE, name)
    stamp = os.path.join(folder, ".complete")
    if os.path.exists(stamp):
        return folder
    where = f" of Debian's {release}" if release else ""
    say(f"downloading {packages[0]}{where} (unpacked into build/lab-cache, not installed)")
    archives = archives or os.path.join(CACHE, "dl-" + name)
    for d in (folder, archives):
        os.makedirs(d, exist_ok=True)
    try:
        download(packages, archives, private_apt(release) if release else None)
        for deb in sorted(glob.glob(archives + "/*.deb")):
            subprocess.run(["dpkg", "-x", deb, folder], check=True)
    except (OSError, subprocess.SubprocessError) as e:
        raise LabError(f"cannot unpack {packages[0]}{where}: {e}") from None
    open(stamp, "w").close()
    return folder


def download(packages, folder, config):
    """With the machine's apt, or one with a configuration of its own; the lists are updated when they do not do."""
    env = {**os.environ, **({"APT_CONFIG": config} if config else {})}
    get = ["apt-get", "download", "-qq", *packages]
    with one_apt():
        if subprocess.run(get, cwd=folder, env=env, stderr=subprocess.DEVNULL).returncode == 0:
            return
        subprocess.run(["apt-get", "update", "-qq"], env=env, stderr=subprocess.DEVNULL, check=False, timeout=300)
        p = subprocess.run(get, cwd=folder, env=env, stderr=subprocess.PIPE, text=True, timeout=600)
    if p.returncode:
        raise LabError(f"cannot download {packages[0]}: {p.stderr.strip()[-300:]}")


@contextlib.contextmanager
def one_apt():
    """One at a time: an apt that updates its lists takes them away from another that reads them."""
    with open(os.path.join(CACHE, "apt.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def mirror():
    """The mirror of Debian that this machine's apt uses."""
    p = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True)
    found = [line for line in p.stdout.split() if line.rstrip("/").endswith("/debian")]
    if not found:
        raise LabError(f"this machine's apt knows no mirror of Debian: {p.stderr.strip()[-200:] or 'no such target'}")
    return found[0]


def private_apt(release):
    """Settings for an apt that knows one release and nothing of what is installed. Returns their path."""
    root = os.path.join(CACHE, "apt-" + release)
    for d in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(root, d), exist_ok=True)
    conf = os.path.join(root, "apt.conf")
    files = {
        "sources.list": f"deb [signed-by={KEYRING}] {mirror()} {release} main\n",
        "status": "",
        "apt.conf": "".join(f'{key} "{value}";\n' for key, value in (
            ("Dir::Etc::sourcelist", root + "/sources.list"), ("Dir::Etc::sourceparts", "/dev/null"),
            ("Dir::State::lists", root + "/lists"), ("Dir::State::status", root + "/status"),
            ("Dir::Cache", root + "/cache"), ("Acquire::Languages", "none"), ("APT::Sandbox::User", "root"))),
    }
    for name, text in files.items():
        with open(os.path.join(root, name), "w") as f:
            f.write(text)
    return conf


def package_version(name, package):
    """Of what fetch() unpacked, by the archive's name."""
    for deb in glob.glob(f"{CACHE}/dl-{name}/{package}_*.deb"):
        return os.path.basename(deb).split("_")[1]
    return "unknown"


def fetch_strongswan(say=lambda text: print("lab:", text)):
    fetch("strongswan", PACKAGES, say=say, archives=os.path.join(CACHE, "dl"))
    os.makedirs(PLUGIN_DIR, exist_ok=True)  # the mount point
    return STRONGSWAN


def fetch_starter(say=lambda text: print("lab:", text)):
    """The folder of a strongSwan that reads ipsec.conf: starter, charon, stroke."""
    folder = fetch("strongswan-starter", STARTER_PACKAGES, say=say)
    os.makedirs(PLUGIN_DIR, exist_ok=True)  # the mount point
    return folder


def fetch_strongswan_pki(say=lambda text: print("pki:", text)):
    """The folder of strongSwan's pki tool, 5.9.8: usr/bin/pki and its manual pages."""
    folder = fetch("strongswan-pki", PKI_PACKAGES, say=say)
    os.makedirs(PLUGIN_DIR, exist_ok=True)  # the mount point
    return folder


SOFTHSM_PACKAGES = "softhsm2 softhsm2-common libsofthsm2 opensc opensc-pkcs11".split()


def fetch_softhsm(say=lambda text: print("lab:", text)):
    """The folder of SoftHSM, a token in software, and of OpenSC's pkcs11-tool."""
    return fetch("softhsm", SOFTHSM_PACKAGES, say=say)


SLAPD_PACKAGES = "slapd libldap-2.5-0 libodbc2 libltdl7 libsasl2-2 libwrap0".split()


def fetch_slapd(say=lambda text: print("lab:", text)):
    """The folder of OpenLDAP's slapd."""
    return fetch("slapd", SLAPD_PACKAGES, say=say)


NAME_SERVER_PACKAGES = "nsd ldnsutils libldns3 libevent-2.1-7 libfstrm0 libprotobuf-c1 libpcap0.8 libdbus-1-3".split()


def fetch_name_server(say=lambda text: print("lab:", text)):
    """The folder of NSD, an authoritative name server, and of ldns's tools that sign zones."""
    return fetch("nsd", NAME_SERVER_PACKAGES, say=say)


class NotToBeHad(LabError):
    """A peer that nobody offers any more: what wants it is not run."""


def fetch_testing_strongswan():
    """(folder, version) of a strongSwan with ML-KEM."""
    try:
        folder = fetch("strongswan-testing", TESTING_PACKAGES, TESTING)
    except LabError as e:
        raise NotToBeHad(f"Debian's {TESTING} offers no strongSwan with ML-KEM: {e}") from None
    version = package_version("strongswan-testing", "charon-systemd")
    if tuple(int(n) for n in version.split("-")[0].split(".")[:2]) < (6, 1):
        raise NotToBeHad(f"Debian's {TESTING} has strongSwan {version}: no ML-KEM before 6.1")
    return folder, version


def strongswan_version():
    for deb in glob.glob(CACHE + "/dl/charon-systemd_*.deb"):
        return os.path.basename(deb).split("_")[1]
    return "unknown"


def fetch_new_strongswan_pki():
    """The folder of a pki tool that has --ocsp (6.0), with the C library that loads it."""
    try:
        folder = fetch("strongswan-pki-13", NEW_PKI_PACKAGES, "trixie")
        os.makedirs(PLUGIN_DIR, exist_ok=True)  # the mount point
    except (LabError, OSError) as e:
        raise NotToBeHad(f"Debian's trixie offers no strongswan-pki: {e}") from None
    return folder


def fetch_new_swanctl():
    """The folder of a swanctl of strongSwan 6.0, with the C library that loads it."""
    try:
        folder = fetch("strongswan-swanctl-13", NEW_SWANCTL_PACKAGES, "trixie")
        os.makedirs(PLUGIN_DIR, exist_ok=True)  # the mount point
    except (LabError, OSError) as e:
        raise NotToBeHad(f"Debian's trixie offers no strongswan-swanctl: {e}") from None
    return folder


NEW_IPROUTE = "iproute2 libbpf1 libelf1t64 libmnl0 libtirpc3t64 libcap2 libc6 libselinux1 libpcre2-8-0 libzstd1 zlib1g libxtables12".split()


def fetch_new_iproute():
    """argv of Debian 13's `ip`, loaded by its own C library."""
    return _fetch_iproute("iproute-13", "trixie")


def fetch_testing_iproute():
    """argv of Debian testing's, which shows the processor that an SA is bound to."""
    return _fetch_iproute("iproute-testing", TESTING)


def _fetch_iproute(name, release):
    try:
        folder = fetch(name, NEW_IPROUTE, release)
    except (LabError, OSError) as e:
        raise NotToBeHad(f"Debian's {release} offers no iproute2: {e}") from None
    libraries = folder + "/usr/lib/x86_64-linux-gnu"
    return [libraries + "/ld-linux-x86-64.so.2", "--library-path", libraries, folder + "/usr/sbin/ip"]


def fetch_libreswan():
    """(folder, version) of a Libreswan with session resumption: Debian 12's has none."""
    try:
        folder = fetch("libreswan", LIBRESWAN, "trixie")
        os.makedirs(LIBRESWAN_DIR, exist_ok=True)  # the mount point
    except (LabError, OSError) as e:
        raise NotToBeHad(f"Debian's trixie offers no Libreswan: {e}") from None
    return folder, package_version("libreswan", "libreswan")


# The libraries beside the programs, as far as a small Debian 12 may lack them.
OLD_LIBRESWAN = ("libreswan libnss3-tools libldns3 libunbound8 libevent-2.1-7 libevent-core-2.1-7 libevent-pthreads-2.1-7 libnss3 "
                 "libnspr4 libcap-ng0 libhogweed6 libnettle8 libcurl3-nss libldap-2.5-0 libsqlite3-0").split()


def fetch_old_libreswan():
    """(folder, version) of Debian 12's, which the machine's C library loads."""
    folder = fetch("libreswan-12", OLD_LIBRESWAN, "bookworm")
    os.makedirs(LIBRESWAN_DIR, exist_ok=True)  # the mount point
    return folder, package_version("libreswan-12", "libreswan")
