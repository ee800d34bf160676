# SPDX-License-Identifier: Apache-2.0
"""Real peers, unpacked from Debian's packages into the build folder and never installed."""
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


def fetch_strongswan(say=print):
    """Downloads and unpacks once; later runs find it there."""
    stamp = os.path.join(STRONGSWAN, ".complete")
    if not os.path.exists(stamp):
        say("lab: downloading strongSwan's packages (unpacked into build/lab-cache, not installed)")
        archives = os.path.join(CACHE, "dl")
        os.makedirs(archives, exist_ok=True)
        os.makedirs(STRONGSWAN, exist_ok=True)
        get = ["apt-get", "download", "-qq", *PACKAGES]
        if subprocess.run(get, cwd=archives, stderr=subprocess.DEVNULL).returncode:
            subprocess.run(["apt-get", "update", "-qq"], check=False)
            p = subprocess.run(get, cwd=archives, stderr=subprocess.PIPE, text=True)
            if p.returncode:
                raise LabError(f"cannot download strongSwan: {p.stderr.strip()}")
        for deb in sorted(glob.glob(archives + "/*.deb")):
            subprocess.run(["dpkg", "-x", deb, STRONGSWAN], check=True)
        open(stamp, "w").close()
    os.makedirs(PLUGIN_DIR, exist_ok=True)  # the mount point
    return STRONGSWAN


def strongswan_version():
    for deb in glob.glob(CACHE + "/dl/charon-systemd_*.deb"):
        return os.path.basename(deb).split("_")[1]
    return "unknown"
