# SPDX-License-Identifier: Apache-2.0
"""A module that Debian's stock kernel was built without, made from Debian's own source of that very kernel: what compiles it
(headers, compiler, make) is unpacked into a folder of the build folder's cache, and runs there by chroot. Neither the kernel's
own folder of modules nor the machine gets it: a row that wants it loads it in the guest."""
import os
import re
import subprocess

import peers
from qemu import image

# {module: (folder of the source, its files)}
SOURCES = {"xfrm_iptfs": ("net/xfrm", ("xfrm_iptfs.c", "trace_iptfs.h", "xfrm_inout.h"))}
# Beside the headers, which name their compiler; not what they name for other uses.
TOOLS = "make base-files dash coreutils sed grep findutils mawk".split()
USELESS = re.compile(r"pahole|libdwarves|debconf|lib(a|l|t|ub|hwa)san\d|libquadmath|libgprofng|openssl-provider|gconv-modules")
IN_THERE = """mount --bind /dev {folder}/dev && mount -t proc p {folder}/proc && exec chroot {folder} \
make -s -C /usr/src/linux-headers-{version} M=/build/{where} CONFIG_DEBUG_INFO_BTF_MODULES= modules"""


def fetch(name, word="testing"):
    """The path of NAME.ko for one of image.RELEASES' kernels."""
    kernel = image.Kernel(word)
    folder = os.path.join(peers.CACHE, f"linux-{word}-build")
    built = os.path.join(folder, "build", SOURCES[name][0], name + ".ko")
    if os.path.exists(built + ".of") and _read(built + ".of") == kernel.version:
        return built
    try:
        peers.fetch(os.path.basename(folder), _packages(kernel.version, image.RELEASES[word]), image.RELEASES[word])
        _must_be_one_version(word, kernel.version)
        _unpack(folder, kernel.version, *SOURCES[name])
        _make(folder, kernel.version, name)
    except (peers.LabError, OSError, subprocess.SubprocessError) as e:
        raise peers.NotToBeHad(f"the module {name} of Linux {kernel.version} cannot be had: {e}") from None
    with open(built + ".of", "w") as f:
        f.write(kernel.version)
    return built


def path(name, word="testing"):
    """Of what fetch() built."""
    return os.path.join(peers.CACHE, f"linux-{word}-build", "build", SOURCES[name][0], name + ".ko")


def _read(path_):
    with open(path_) as f:
        return f.read()


def _source(version):
    return "linux-source-" + ".".join(version.split(".")[:2])


def _packages(version, release):
    """All that they depend on, as for a machine that has nothing."""
    wanted = [f"linux-headers-{version}", _source(version), *TOOLS]
    env = {**os.environ, "APT_CONFIG": peers.private_apt(release)}
    with peers.one_apt():
        p = subprocess.run(["apt-get", "install", "-s", "--no-install-recommends", *wanted], env=env, capture_output=True, text=True)
    found = [n for n in re.findall(r"^Inst (\S+) \(", p.stdout, re.M) if not USELESS.search(n)]
    if not set(wanted) <= set(found):
        raise peers.LabError(f"apt offers no headers and source of it any more: {p.stderr.strip()[-200:]}")
    return sorted(found, key=lambda n: n != wanted[0])


def _must_be_one_version(word, version):
    kernel = peers.package_version(f"linux-{word}", f"linux-image-{version}")
    source = peers.package_version(f"linux-{word}-build", _source(version))
    if kernel != source:
        raise peers.LabError(f"the kernel is {kernel}, and the source {source}")


def _unpack(folder, version, where, files):
    archive, inside = f"{folder}/usr/src/{_source(version)}.tar.xz", f"{_source(version)}/{where}"
    os.makedirs(f"{folder}/build", exist_ok=True)
    subprocess.run(["tar", "-xf", archive, "-C", f"{folder}/build", "--strip-components=1", *(f"{inside}/{f}" for f in files)],
                   check=True)


def _make(folder, version, name):
    where = SOURCES[name][0]
    awk = folder + "/usr/bin/awk"
    if not os.path.lexists(awk):
        os.symlink("mawk", awk)  # what the package's installation would do
    with open(f"{folder}/build/{where}/Makefile", "w") as f:
        f.write(f"obj-m := {name}.o\nCFLAGS_{name}.o := -I$(src)\n")  # where its trace points look for themselves
    p = subprocess.run(["unshare", "-m", "sh", "-c", IN_THERE.format(folder=folder, version=version, where=where)],
                       capture_output=True, text=True, timeout=300)
    if p.returncode:
        raise peers.LabError(f"it does not compile: {(p.stdout + p.stderr).strip()[-300:]}")
