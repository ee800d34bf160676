# SPDX-License-Identifier: Apache-2.0
"""Boots a stock Debian kernel in QEMU, without KVM, on this very root file system, for rows that want what the User Mode
Linux kernel lacks (XFRM interfaces, newer attributes); and passes the results on as uml/host.py does. The guest sees the
host's files read-only over 9p and has its own network. What a row costs here is several times what it costs there."""
import atexit
import os
import subprocess
import tempfile

import peers
from qemu import image
from uml import host as uml

HERE = os.path.dirname(os.path.abspath(__file__))
SILENCE = 240
FIRST = ["nice", "-n", "5"]  # the rest of the lab measures time; this waits for it
MACHINE = ["-nodefaults", "-no-user-config", "-accel", "tcg", "-cpu", "max", "-m", "1024", "-display", "none", "-no-reboot"]
# A second processor doubles what all of it costs here: each must be told of the other's mappings. Rows that want one
# name the kernel with this behind it, and have a guest of their own.
SMP, PROCESSORS = "-smp", 2


def _share(tag, path, more=""):
    return ["-fsdev", f"local,id={tag},path={path},security_model=none{more}", "-device",
            f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]


def run_guest(report, logs, word, patterns=(), bindir=None, skipped=()):
    """Runs the rows of one kernel, as image.RELEASES names it, perhaps with SMP behind it, but for those that
    are skipped. Returns the names that were reported."""
    program, env = image.fetch_qemu()
    kernel = image.Kernel(word.removesuffix(SMP))
    peers.fetch_new_iproute()
    if word.endswith(SMP):  # the guest can fetch nothing
        peers.fetch_testing_iproute()
        peers.fetch_testing_strongswan()
    os.makedirs(logs, exist_ok=True)
    told = {"KWLAB_DIR": os.path.dirname(HERE), "KWLAB_MODULES": kernel.modules, "KWLAB_KERNEL": word,
            "KWLAB_ONLY": ",".join(patterns or ()), "KWLAB_SKIP": ",".join(skipped), "KEYWAY_BIN": bindir or ""}
    with tempfile.NamedTemporaryFile(prefix="kwqemu") as first:
        first.write(image.first_files(kernel))
        first.flush()
        argv = [*FIRST, *program, *MACHINE, "-smp", str(PROCESSORS if word.endswith(SMP) else 1), "-kernel", kernel.image, "-initrd", first.name, "-append",
                " ".join(["console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on",
                          *(uml.parameter(k, v) for k, v in told.items() if v)]),
                *_share("root", "/", ",readonly=on,multidevs=remap"), *_share("out", logs),
                "-serial", f"file:{logs}/qemu-{word}-kernel.log", "-serial", "stdio"]
        guest = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 start_new_session=True, env=env)
        atexit.register(uml.end, guest)
        return uml.follow(guest, report, os.path.join(logs, f"qemu-{word}-console.log"), SILENCE)
