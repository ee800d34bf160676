#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""As much of systemctl as the texts type, for one unit file of packaging/systemd and without systemd: start, stop and
restart UNIT, enable UNIT --now. What runs is the unit's ExecStart, with the program out of KEYWAY_BIN; it counts as
started when it has said READY=1 (Type=notify). The main process's number is in SYSTEMCTL_STATE/UNIT.pid, what it logs
in SYSTEMCTL_STATE/journal."""
import os
import shlex
import signal
import socket
import subprocess
import sys
import time

STATE = os.environ["SYSTEMCTL_STATE"]
READY_SECONDS, STOP_SECONDS = 30, 20


def unit(name):
    """{key: value} of [Service]."""
    service, here = {}, False
    with open(os.path.join(os.environ["SYSTEMCTL_UNITS"], name + ".service")) as f:
        for line in f.read().splitlines():
            here = line == "[Service]" if line.startswith("[") else here
            if here and "=" in line and not line.startswith("#"):
                service.update([line.split("=", 1)])
    return service


def pid_file(name):
    return os.path.join(STATE, name + ".pid")


def main_pid(name):
    try:
        with open(pid_file(name)) as f:
            pid = int(f.read())
        os.kill(pid, 0)
        return pid
    except (FileNotFoundError, ProcessLookupError):
        return None


def start(name):
    if main_pid(name):
        return 0
    service = unit(name)
    argv = shlex.split(service["ExecStart"])
    argv[0] = os.path.join(os.environ["KEYWAY_BIN"], os.path.basename(argv[0]))
    if "RuntimeDirectory" in service:
        os.makedirs("/run/" + service["RuntimeDirectory"], exist_ok=True)
    path = os.path.join(STATE, "notify")
    if os.path.exists(path):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, open(os.path.join(STATE, "journal"), "ab") as journal:
        notify.bind(path)
        notify.settimeout(0.1)
        daemon = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=journal, stderr=journal, start_new_session=True,
                                  env={**os.environ, "NOTIFY_SOCKET": path})
        with open(pid_file(name), "w") as f:
            f.write(str(daemon.pid))
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and daemon.poll() is None:
            try:
                if b"READY=1" in notify.recv(4096):
                    return 0
            except TimeoutError:
                pass
    print(f"Job for {name}.service failed.", file=sys.stderr)
    return 1


def stop(name):
    pid = main_pid(name)
    if not pid:
        return 0
    handle = os.pidfd_open(pid)
    signal.pidfd_send_signal(handle, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
        time.sleep(0.02)
    os.close(handle)
    if os.path.exists(f"/proc/{pid}"):
        os.kill(pid, signal.SIGKILL)
        return 1
    os.unlink(pid_file(name))
    return 0


def main():
    words = [w for w in sys.argv[1:] if not w.startswith("--")]
    verb, name = words[0], words[1].removesuffix(".service")
    if verb == "enable":
        verb = "start" if "--now" in sys.argv else "nothing"
    code = 0
    if verb in ("stop", "restart"):
        code = stop(name)
    if verb in ("start", "restart") and not code:
        code = start(name)
    return code


if __name__ == "__main__":
    sys.exit(main())
