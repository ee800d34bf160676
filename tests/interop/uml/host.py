# SPDX-License-Identifier: Apache-2.0
"""Boots one User Mode Linux guest on this very root file system, so that the peer has a kernel with ESP, and
passes its results on. The guest sees the host's files read-only and has its own network."""
import atexit
import glob
import json
import os
import shutil
import signal
import subprocess
import threading

import peers
from net import LabError

HERE = os.path.dirname(os.path.abspath(__file__))
MARK = "@kwlab "
SILENCE = 300  # seconds from one result to the next: a guest that hangs
PARTS = ("rows", "scenarios", "cells")  # a guest each: see guests.py


def _modules():
    """The guest's modprobe looks where the host's would."""
    found = glob.glob("/usr/lib/uml/modules/*")
    if not shutil.which("linux.uml") or not found:
        raise peers.NotToBeHad("there is no guest: user-mode-linux is not installed")
    version = os.path.basename(found[0])
    link = "/lib/modules/" + version
    os.makedirs("/lib/modules", exist_ok=True)
    if not os.path.exists(link):
        os.symlink(found[0], link)
    if not os.path.exists(found[0] + "/modules.dep.bin"):
        subprocess.run(["depmod", version], check=True)


def _shim():
    """See xstate.c. Returns the environment to start the guest with."""
    source, built = HERE + "/xstate.c", peers.CACHE + "/xstate.so"
    if not os.path.exists(built) or os.path.getmtime(built) < os.path.getmtime(source):
        os.makedirs(peers.CACHE, exist_ok=True)
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", built, source, "-ldl"], check=True)
    return {**os.environ, "LD_PRELOAD": built}


def parameter(key, value):
    """The kernel's command line splits at blanks and hands unknown NAME=VALUE words to init's environment."""
    if any(c.isspace() for c in value):
        raise LabError(f"{key}: a path with blanks cannot reach the guest: {value}")
    return f"{key}={value}"


def _processor(part):
    """Each guest stays on one. Its kernel and its programs are processes that wait for each other at every system call and
    page fault: on two processors that costs a third more."""
    ours = sorted(os.sched_getaffinity(0))
    return ours[PARTS.index(part) % len(ours)]


def run_guest(report, logs, part, left="Keyway", patterns=(), bindir=None, skipped=()):
    """Runs a part; report.add() is called for each as it ends. Returns the names that were reported. skipped:
    names of rows, or of peers of cells."""
    _modules()
    os.makedirs(logs, exist_ok=True)
    argv = ["taskset", "-c", str(_processor(part)), "linux.uml", "mem=768M", "root=/dev/root", "rootfstype=hostfs",
            "rootflags=/", "ro", f"init={HERE}/init.sh", "con=null", "con0=null,fd:1", "quiet", "panic=1",
            parameter("KWLAB_DIR", os.path.dirname(HERE)), parameter("KWLAB_OUT", logs),
            parameter("KWLAB_LEFT", left), parameter("KWLAB_PART", part)]
    if patterns:
        argv.append(parameter("KWLAB_ONLY", ",".join(patterns)))
    if skipped:
        argv.append(parameter("KWLAB_SKIP", ",".join(skipped)))
    if bindir:
        argv.append(parameter("KEYWAY_BIN", bindir))
    guest = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True, env=_shim())
    atexit.register(end, guest)
    return follow(guest, report, os.path.join(logs, f"uml-{part}-console.log"))


def follow(guest, report, console, silence=SILENCE):
    """Passes on what a guest says, and ends it. Returns the names that were reported."""
    watchdog = Watchdog(lambda: end(guest), silence)
    seen, is_done = [], False
    try:
        with open(console, "w") as log:
            for raw in guest.stdout:
                line = raw.decode(errors="replace").rstrip("\r\n")
                log.write(line + "\n")
                log.flush()
                if MARK not in line:
                    continue
                watchdog.calm()
                message = json.loads(line[line.index(MARK) + len(MARK) :])
                if "end" in message:
                    is_done = True
                else:
                    seen.append(message["name"])
                    report.add(**message)
    finally:
        watchdog.end()
        end(guest)
    if not is_done:
        with open(console) as log:
            tail = log.read().splitlines()[-5:]
        raise LabError(f"the guest ended early [{os.path.relpath(console, peers.REPO)}]: {' | '.join(tail)}")
    return seen


class Watchdog:
    """Does what it is told when so many seconds have passed without calm()."""

    def __init__(self, bite, silence):
        self.bite, self.silence, self.timer = bite, silence, None
        self.calm()

    def calm(self):
        self.end()
        self.timer = threading.Timer(self.silence, self.bite)
        self.timer.daemon = True
        self.timer.start()

    def end(self):
        if self.timer:
            self.timer.cancel()


def end(guest):
    """Ends what is left of the guest's family of processes, a session of its own. Its leader is waited for last: until
    then the number of the group is its own."""
    if guest.returncode is not None:
        return
    try:
        os.killpg(guest.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    guest.wait()
