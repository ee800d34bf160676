# SPDX-License-Identifier: Apache-2.0
"""Our own cryptography against a library that is newer than the machine's: Debian 13's OpenSSL 3.5 has ML-KEM.

The unit test's own program is run by Debian 13's loader and C library, which its libcrypto needs; what else the program
is linked with stays the machine's. The whole run is build/dev/tests/test_crypto_mlkem under that loader with any number of
key pairs for each parameter set; here they are 10,002 together, a key pair, an encapsulation and a decapsulation for each.
"""
import glob
import os
import re
import subprocess

import peers
from net import LabError
from scenarios import scenario
from scenarios.steps import demand

EACH = 3334
PROGRAM = os.path.join(peers.REPO, "build", "dev", "tests", "test_crypto_mlkem")


def under_newer_openssl(argv):
    """The command that runs a program of ours with Debian 13's libcrypto."""
    folder = peers.fetch("openssl35", ["libssl3t64", "libc6"], "trixie")
    found = glob.glob(folder + "/usr/lib/*/libcrypto.so.3")
    loaders = glob.glob(folder + "/usr/lib/*/ld-linux*.so.*")
    if not found or not loaders:
        raise LabError(f"no libcrypto or loader in {folder}")
    libraries = os.path.dirname(found[0])
    triplet = os.path.basename(libraries)
    return [loaders[0], "--library-path", f"{libraries}:/lib/{triplet}:/usr/lib/{triplet}", *argv]


@scenario("crypto.ml-kem-is-that-of-openssl-3.5")
def ml_kem(lab):
    p = subprocess.run(under_newer_openssl([PROGRAM, str(EACH)]), cwd=peers.REPO, capture_output=True, text=True, timeout=300)
    demand(p.returncode == 0, f"exit {p.returncode}: {(p.stdout + p.stderr)[-600:]}")
    compared = [int(n) for n in re.findall(r"^ML-KEM-\d+: (\d+) key pairs compared$", p.stdout, re.M)]
    cases = re.findall(r"^ML-KEM-\d+ by openssl: .* decapsulations", p.stdout, re.M)
    demand(compared == [EACH] * 3 and len(cases) == 3, f"something was not compared: {p.stdout[-600:]}")
    return (f"{sum(compared)} random encapsulations give the same bytes as OpenSSL "
            f"{peers.package_version('openssl35', 'libssl3t64')}, and so do Wycheproof's")
