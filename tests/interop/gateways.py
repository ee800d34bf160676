# SPDX-License-Identifier: Apache-2.0
"""The two kinds of gateway with one interface: start, load, initiate, terminate, rekey, status, log, stop, kill.

Both read the same configuration grammar, so one tree of dicts describes a side and render() writes it; only
where the files lie differs.
"""
import copy
import glob
import os
import shutil
import signal

import peers
from net import LabError, wait_for
from vici import Vici

REPO = peers.REPO


def render(tree, depth=0):
    """A settings file from nested dicts."""
    pad, lines = "  " * depth, []
    for key, value in tree.items():
        if isinstance(value, dict):
            lines += [f"{pad}{key} {{", render(value, depth + 1), pad + "}"]
        elif isinstance(value, bool):
            lines.append(f"{pad}{key} = {'yes' if value else 'no'}")
        else:
            text = str(value)
            quote = '"' if any(c in text for c in "#{}\"=") or text != text.strip() else ""
            lines.append(f"{pad}{key} = {quote}{text}{quote}")
    return "\n".join(line for line in lines if line)


def merged(base, extra):
    """base with extra laid over it, section by section; None removes a key."""
    out = copy.deepcopy(base)
    for key, value in (extra or {}).items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merged(out[key], value)
        else:
            out[key] = copy.deepcopy(value)
    return out


class Gateway:
    kind = "?"

    def __init__(self, node, directory, name, env=None):
        self.node, self.dir, self.name, self.env = node, directory, name, env or {}
        self.process = None
        os.makedirs(directory, exist_ok=True)
        self.output = os.path.join(directory, "output.log")

    def is_running(self):
        return bool(self.process and self.process.is_running())

    def stop(self, seconds=10):
        """Politely. Returns the exit status."""
        if not self.process:
            return None
        status = self.process.stop(signal.SIGTERM, seconds)
        self.process = None
        return status

    def kill(self):
        if self.process:
            self.process.stop(signal.SIGKILL)
            self.process = None

    def vici(self, timeout=30):
        return Vici(self.socket, timeout)

    def status(self):
        """[(connection name, ike sa dict)]"""
        with self.vici() as v:
            return v.sas()

    def children(self, state="INSTALLED"):
        return [c for _, sa in self.status() for c in sa.get("child-sas", {}).values()
                if state in (None, c.get("state"))]

    def established(self):
        return [sa for _, sa in self.status() if sa.get("state") == "ESTABLISHED"]

    def wait_up(self, seconds=10):
        wait_for(f"{self.name} to have a child SA", lambda: self.is_running() and self.children(), seconds, 0.05)

    def _write_credentials(self, folder, files):
        for sub in ("x509", "x509ca", "x509crl", "x509aa", "x509ac", "private", "pubkey", "pkcs12"):
            shutil.rmtree(os.path.join(folder, sub), ignore_errors=True)
            os.makedirs(os.path.join(folder, sub))
        for path, source in (files or {}).items():
            shutil.copy(source, os.path.join(folder, path))

    def log_mark(self):
        """A point in the log, for log_since()."""
        return len(self.log())

    def log_since(self, mark):
        return self.log()[mark:]


class StrongSwan(Gateway):
    """Debian's charon with its userspace ESP (kernel=False) or the kernel's (kernel=True)."""

    kind = "strongSwan"
    # aesni and openssl first: the order decides which implementation runs.
    CRYPTO = ("aesni openssl random nonce sha1 sha2 md5 hmac xcbc cmac kdf pem pkcs1 pkcs8 x509 pubkey constraints "
              "curve25519 ccm ctr gcm chapoly aes mgf1")

    def __init__(self, node, directory, name, kernel=False, env=None):
        super().__init__(node, directory, name, env)
        self.socket = os.path.join(directory, "vici")
        self.backend = "kernel-netlink" if kernel else "kernel-libipsec kernel-netlink"
        self.log_path = os.path.join(directory, "charon.log")
        self.settings = {"retransmit_timeout": "1.0", "retransmit_tries": "4", "retransmit_base": "1.5"}
        if kernel:
            self.settings["delete_rekeyed_delay"] = "1"  # of 5 s: how long it keeps the inbound SA of a child that was rekeyed
        self.plugins = {}  # options of further ones
        self.swanctl_dir = os.path.join(directory, "swanctl")
        self.loggers = {}  # sections beside filelog.lab, or more in filelog

    def start(self):
        tree = {"charon-systemd": {
            "load": f"{self.CRYPTO} {self.backend} socket-default vici updown",
            **self.settings,
            "plugins": {"kernel-libipsec": {"allow_peer_ts": True}, "vici": {"socket": "unix://" + self.socket},
                        **self.plugins},
            **merged({"filelog": {"lab": {"path": self.log_path, "time_format": "%T", "default": 1, "cfg": 2, "ike": 2,
                                          "flush_line": True}}}, self.loggers),
        }, "swanctl": {"load": self.CRYPTO}}  # all of them would make a guest's kernel load all ciphers that it has
        conf = os.path.join(self.dir, "strongswan.conf")
        with open(conf, "w") as f:
            f.write(render(tree) + "\n")
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        script = self.command("charon-systemd")
        self.process = self.node.start(["sh", "-c", script], self.output, {"STRONGSWAN_CONF": conf, **self.env})
        wait_for(f"{self.name} (strongSwan) to open its control socket", self._is_open, 15)

    def command(self, program):
        """Shell text that becomes one of strongSwan's programs."""
        root = peers.STRONGSWAN
        return f"mount --bind {root}/usr/lib/ipsec {peers.PLUGIN_DIR} && exec {root}/usr/sbin/{program}"

    def _is_open(self):
        if not self.is_running():
            raise LabError(f"strongSwan ended: {self.process.text()[-1000:]}")
        try:
            with self.vici() as v:
                v.request("version")
            return True
        except OSError:
            return False

    def load(self, tree, files=None):
        os.makedirs(self.swanctl_dir, exist_ok=True)
        self._write_credentials(self.swanctl_dir, files)
        with open(os.path.join(self.swanctl_dir, "swanctl.conf"), "w") as f:
            f.write(render(tree) + "\n")
        script = (f"{self.command('swanctl')} "
                  f"--load-all --clear --noprompt --uri unix://{self.socket}")
        env = {"SWANCTL_DIR": self.swanctl_dir, "STRONGSWAN_CONF": os.path.join(self.dir, "strongswan.conf")}
        code, out, err = self.node.run("sh", "-c", script, env=env)
        if code:
            raise LabError(f"strongSwan refused its configuration: {out[-500:]} {err[-500:]}")

    def initiate(self, connection, child="net", seconds=15):
        """Returns (exit code as `keyway up` would give or None, text)."""
        with self.vici(seconds + 5) as v:
            lines = []
            v._send(3, "control-log")
            v._receive()
            v._send(0, "initiate", {"child": child, "ike": connection, "timeout": int(seconds * 1000)})
            while True:
                kind, answer = v._receive()
                if kind == 1:
                    break
                lines.append(answer.get("msg", ""))
        ok = answer.get("success") == "yes"
        return (0 if ok else 1), "\n".join(lines + [answer.get("errmsg", "")])

    def terminate(self, ike=None, child=None):
        with self.vici() as v:
            return v.request("terminate", {k: w for k, w in (("ike", ike), ("child", child)) if w})

    def terminate_now(self):
        """All IKE SAs, without waiting for the other end."""
        with self.vici() as v:
            for _, sa in v.sas():
                v.request("terminate", {"ike-id": sa["uniqueid"], "force": "yes", "timeout": "-1"})

    def rekey(self, ike=None, child=None):
        with self.vici() as v:
            answer = v.request("rekey", {k: w for k, w in (("ike", ike), ("child", child)) if w})
        if answer.get("success") != "yes":
            raise LabError(f"strongSwan did not start the rekey: {answer}")

    def algorithms(self):
        """{"encryption": {...}, "integrity": ..., "prf": ..., "ke": ...}"""
        with self.vici() as v:
            return v.request("get-algorithms")

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""


class TestingStrongSwan(StrongSwan):
    """Debian testing's charon: additional key exchanges and ML-KEM. Its own C library loads it."""

    CRYPTO = "openssl random nonce sha1 sha2 sha3 hmac kdf pem pkcs1 pkcs8 x509 pubkey curve25519"

    def __init__(self, node, directory, name, kernel=False):
        super().__init__(node, directory, name, kernel)
        self.root, self.version = peers.fetch_testing_strongswan()

    def command(self, program):
        loader = next(iter(glob.glob(self.root + "/usr/lib/*/ld-linux*.so.*")))
        machines = next(iter(glob.glob("/usr/lib/*-linux-gnu")), "/usr/lib")  # libcurl, for its plugin
        libraries = f"{os.path.dirname(loader)}:{peers.PLUGIN_DIR}:{machines}"
        return (f"mount --bind {self.root}/usr/lib/ipsec {peers.PLUGIN_DIR} && "
                f"exec {loader} --library-path {libraries} {self.root}/usr/sbin/{program}")


class Keyway(Gateway):
    kind = "Keyway"

    def __init__(self, node, directory, name, bindir=None, env=None):
        super().__init__(node, directory, name, env)
        self.bin = bindir or default_bindir()
        self.etc, self.run, self.state = (os.path.join(directory, d) for d in ("etc", "run", "state"))
        self.socket = os.path.join(self.run, "keyway.vici")
        for d in (self.etc + "/keyway", self.etc + "/swanctl", self.run, self.state):
            os.makedirs(d, exist_ok=True)
        self.settings = {}  # keyway.conf's global section
        self.dataplane = None  # its `dataplane`: what runs in a guest says which
        self.log_level = "detail"
        self.patience = 15  # seconds until the control socket is open
        self.where = ["--etc", self.etc, "--run", self.run, "--state", self.state]

    def write(self, tree=None, files=None, text=None):
        """swanctl.conf from a tree, or keyway.conf from text; what is not given is removed."""
        settings = {**({"dataplane": self.dataplane} if self.dataplane else {}), **self.settings}
        if settings:
            text = render({"keyway": settings}) + "\n" + (text or "")
        self._write_credentials(self.etc + "/swanctl", files)
        for path, content in ((self.etc + "/swanctl/swanctl.conf", tree and render(tree) + "\n"),
                              (self.etc + "/keyway/keyway.conf", text)):
            if content:
                with open(path, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:  # it may hold a secret
                    f.write(content)
            elif os.path.exists(path):
                os.unlink(path)

    def start(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.process = self.node.start([self.bin + "/keywayd", "--foreground", "--log", self.log_level, *self.where], self.output,
                                       {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", **self.env})
        wait_for(f"{self.name} (keywayd) to open its control socket", self._is_open, self.patience)

    def _is_open(self):
        if not self.is_running():
            raise LabError(f"keywayd ended with {self.process.popen.returncode}: {self.log()[-1500:]}")
        try:
            self.vici().socket.close()
            return True
        except OSError:
            return False

    def load(self, tree=None, files=None, text=None):
        """Writes; starts the daemon, or tells it to read again."""
        self.write(tree, files, text)
        if not self.is_running():
            return self.start()
        code, out, err = self.cli("reload")
        if code:
            raise LabError(f"keyway reload: exit {code}: {out} {err}")
        return None

    def cli(self, *argv, timeout=40):
        return self.node.run(self.bin + "/keyway", *argv, *self.where, timeout=timeout, env=self.env)

    def initiate(self, connection, child="net", seconds=30):
        code, out, err = self.cli("up", connection, timeout=seconds + 10)
        return code, out + err

    def terminate(self, ike=None, child=None):
        if child:
            with self.vici() as v:
                return v.request("terminate", {"child": child})
        code, out, err = self.cli("down", ike)
        if code:
            raise LabError(f"keyway down: exit {code}: {out} {err}")
        return out

    def rekey(self, ike=None, child=None):
        with self.vici() as v:
            answer = v.request("rekey", {k: w for k, w in (("ike", ike), ("child", child)) if w})
        if answer.get("success") != "yes":
            raise LabError(f"Keyway did not start the rekey: {answer}")

    def cleanup(self):
        return self.node.run(self.bin + "/keywayd", "--cleanup", *self.where)

    def log(self):
        try:
            with open(self.output, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def sanitizer_report(self):
        text = self.log()
        for sign in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:"):
            at = text.find(sign)
            if at >= 0:
                return text[at : at + 2000]
        return ""


def default_bindir():
    """KEYWAY_BIN, or the sanitized build, or the release."""
    for d in (os.environ.get("KEYWAY_BIN"), REPO + "/build/dev/bin", REPO + "/build/release/bin"):
        if d and os.path.exists(d + "/keywayd"):
            return d
    return REPO + "/build/release/bin"


def has_keyway():
    return all(os.path.exists(default_bindir() + "/" + p) for p in ("keywayd", "keyway"))
