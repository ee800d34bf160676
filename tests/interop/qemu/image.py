# SPDX-License-Identifier: Apache-2.0
"""What the QEMU guest boots from: QEMU itself, Debian's stock kernels, and the first file system in memory that mounts
the host's root. All of it is unpacked into the build folder's cache; nothing is installed."""
import glob
import lzma
import os
import re
import shutil
import subprocess

import peers

HERE = os.path.dirname(os.path.abspath(__file__))
RELEASES = {"13": "trixie", "testing": "forky"}  # the kernels that rows can name
FIRST_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")  # what is built in is not looked for
DIRECTORY, FILE, PROGRAM = 0o40755, 0o100644, 0o100755


def fetch_qemu():
    """(argv that begins with the program, environment to start it with)."""
    installed = shutil.which("qemu-system-x86_64")
    if installed:
        return [installed], dict(os.environ)
    folder = os.path.join(peers.CACHE, "qemu")
    try:
        if not os.path.exists(folder + "/.complete"):
            peers.fetch("qemu", _missing("qemu-system-x86"))
    except (peers.LabError, OSError, subprocess.SubprocessError) as e:
        raise peers.NotToBeHad(f"QEMU cannot be had: {e}") from None
    share, libraries = folder + "/usr/share", "lib/x86_64-linux-gnu"
    argv = [folder + "/usr/bin/qemu-system-x86_64", "-L", share + "/qemu", "-L", share + "/seabios"]
    return argv, {**os.environ, "LD_LIBRARY_PATH": f"{folder}/usr/{libraries}:{folder}/{libraries}"}


def _missing(package):
    """It, and what it depends on and this machine has not."""
    def ask():
        p = subprocess.run(["apt-get", "install", "-s", "--no-install-recommends", package], capture_output=True, text=True)
        return re.findall(r"^Inst (\S+) \(", p.stdout, re.M)
    with peers.one_apt():
        found = ask()
        if not found:
            subprocess.run(["apt-get", "update", "-qq"], capture_output=True, timeout=300)
            found = ask()
    if package not in found:
        raise peers.LabError(f"apt offers no {package}")
    return sorted(found, key=lambda name: name != package)


class Kernel:
    """One of RELEASES: `image` and `modules`, the folder that its modprobe wants, and `version`, as uname says it."""

    def __init__(self, word):
        release, name = RELEASES[word], "linux-" + word
        folder = os.path.join(peers.CACHE, name)
        try:
            if not os.path.exists(folder + "/.complete"):
                peers.fetch(name, _kernel_packages(release), release)
            self.modules = glob.glob(folder + "/usr/lib/modules/*")[0]
            self.version = os.path.basename(self.modules)
            self.image = next(iter(glob.glob(self.modules + "/vmlinuz") + glob.glob(folder + "/boot/vmlinuz*")))
            if not os.path.exists(self.modules + "/modules.dep.bin"):
                subprocess.run(["depmod", "-b", folder + "/usr", self.version], check=True)
        except (peers.LabError, OSError, subprocess.SubprocessError, IndexError, StopIteration) as e:
            raise peers.NotToBeHad(f"the kernel of Debian's {release} cannot be had: {e}") from None

    def first_modules(self):
        """[contents], in an order in which they load."""
        needs = {}
        with open(self.modules + "/modules.dep") as f:
            for path, _, others in (line.partition(":") for line in f):
                needs[os.path.basename(path).split(".")[0].replace("-", "_")] = [path, *others.split()]
        order = []
        for name in FIRST_MODULES:
            order += [path for path in reversed(needs.get(name, ())) if path not in order]
        return [_plain(os.path.join(self.modules, path)) for path in order]


def _plain(path):
    with open(path, "rb") as f:
        data = f.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def _kernel_packages(release):
    """What linux-image-amd64 leads to now. Since Linux 7 the kernel, its modules and its configuration are packages of
    their own."""
    env = {**os.environ, "APT_CONFIG": peers.private_apt(release)}
    with peers.one_apt():
        subprocess.run(["apt-get", "update", "-qq"], env=env, capture_output=True, timeout=300)

    def depends(package):
        p = subprocess.run(["apt-cache", "show", "--no-all-versions", package], env=env, capture_output=True, text=True)
        return re.findall(r"linux-(?:image|binary|modules|base)-\d\S*", "".join(re.findall(r"^Depends:.*", p.stdout, re.M)))
    image = [p for p in depends("linux-image-amd64") if p.startswith("linux-image")]
    if not image:
        raise peers.LabError("apt names no linux-image-amd64")
    return list(dict.fromkeys([*image, *depends(image[0])]))


def first_files(kernel):
    """The archive that the kernel unpacks first: busybox, the modules that reach the host's files, and first.sh."""
    entries = [(name, DIRECTORY, b"") for name in ("bin", "proc", "dev", "lower", "upper", "root", "modules")]
    entries += [("bin/busybox", PROGRAM, _plain("/bin/busybox")), ("init", PROGRAM, _plain(HERE + "/first.sh"))]
    entries += [(f"modules/{i:02}.ko", FILE, data) for i, data in enumerate(kernel.first_modules())]
    return archive(entries)


def archive(entries):
    """[(name, mode, contents)] as cpio's format "newc"."""
    out = bytearray()
    for i, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        path = name.encode() + b"\0"
        fields = (i, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        for part in (b"070701" + b"".join(b"%08X" % n for n in fields) + path, data):
            out += part + bytes(-len(part) % 4)
    return bytes(out)
