# SPDX-License-Identifier: Apache-2.0
"""The samples of a run of ./dev bench, what failed, and on what machine: everything that the report is made of,
and what --json writes and --render reads."""
import datetime
import json
import os
import platform
import re
import statistics
import subprocess

import peers


def output(*argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def package(name):
    return output("dpkg-query", "-W", "-f", "${Version}", name) or "not installed"


def machine():
    with open("/proc/cpuinfo") as f:
        cpu = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", f.read().split("\n\n")[0], re.M))
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1])
    with open("/etc/os-release") as f:
        system = dict(line.rstrip().split("=", 1) for line in f if "=" in line).get("PRETTY_NAME", "?").strip('"')
    flags = [x for x in ("aes", "vaes", "vpclmulqdq", "avx2", "avx512f", "avx512ifma") if x in cpu.get("flags", "").split()]
    return {
        "cpu": f"{cpu.get('model name', platform.machine())} (family {cpu.get('cpu family', '?')}, model {cpu.get('model', '?')})",
        "flags": " ".join(flags), "cores": os.cpu_count(), "memory": f"{memory / 2**20:.1f} GiB",
        "kernel": f"{platform.release()} {'PREEMPT' if 'PREEMPT' in platform.version() else ''}".strip(),
        "virtual": "virtual machine" if "hypervisor" in cpu.get("flags", "").split() else "bare metal",
        "system": system, "openssl": output("openssl", "version"), "ipsec-mb": package("libipsec-mb-dev"),
        "compiler": output("gcc", "--version").splitlines()[:1],
        "commit": output("git", "-C", peers.REPO, "describe", "--always", "--dirty"),
    }


def busy():
    """(clock ticks of all cores, of those stolen by the host)"""
    with open("/proc/stat") as f:
        ticks = [int(x) for x in f.readline().split()[1:9]]
    return sum(ticks), ticks[7]


class Results:
    """Samples by (variant, peer, measure): variant is "on" or "off" (offloads of the outer link), or a suite or section
    with the same behind it, as "aes256-sha256/off"."""

    def __init__(self, options=None):
        self.samples, self.errors, self.versions, self.notes = {}, {}, {}, []
        self.meta = {"machine": machine(), "options": options or {}, "date": f"{datetime.date.today()}",
                     "load": os.getloadavg()[0], "is_complete": False}
        self._busy = busy()

    @staticmethod
    def key(variant, peer, measure):
        return f"{variant}|{peer}|{measure}"

    def add(self, variant, peer, measure, sample):
        self.samples.setdefault(self.key(variant, peer, measure), []).append(sample)

    def fail(self, variant, peer, measure, text):
        """The row's words are short; the notes have all of them."""
        text = " ".join(text.split())
        self.errors[self.key(variant, peer, measure)] = text if len(text) < 60 else text[:56] + " ..."

    def note(self, text):
        """What the reader of the figures should know."""
        self.notes.append(" ".join(text.split())[-300:])

    def last(self, variant, peer, measure):
        found = self.samples.get(self.key(variant, peer, measure))
        return found[-1] if found else None

    def values(self, variant, peer, measure, field, index=None):
        """Of all rounds, in order."""
        found = [s.get(field) for s in self.samples.get(self.key(variant, peer, measure), [])]
        if index is not None:
            found = [v[index] for v in found if v and len(v) > index]
        return [v for v in found if v is not None]

    def median(self, *key):
        """None when there is no sample."""
        found = self.values(*key)
        return statistics.median(found) if found else None

    def error(self, variant, peer, measure):
        return self.errors.get(self.key(variant, peer, measure)) or self.errors.get(self.key("", peer, ""))

    def finish(self, is_complete, seconds):
        total, stolen = (y - x for x, y in zip(self._busy, busy()))
        self.meta |= {"is_complete": is_complete, "seconds": round(seconds), "steal": 100 * stolen / max(total, 1)}

    def write(self, path):
        with open(path, "w") as f:
            json.dump({"meta": self.meta, "versions": self.versions, "notes": self.notes, "samples": self.samples, "errors": self.errors}, f, indent=1)

    @classmethod
    def read(cls, path):
        found = cls()
        with open(path) as f:
            text = json.load(f)
        found.meta, found.versions, found.notes, found.samples, found.errors = (
            text[k] for k in ("meta", "versions", "notes", "samples", "errors"))
        return found
