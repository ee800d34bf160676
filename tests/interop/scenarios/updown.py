# SPDX-License-Identifier: Apache-2.0
"""Updown scripts: the same script at both ends, which writes down its verb and its environment, is told the same by Keyway
and by the real daemon."""
import contextlib
import os
import re

from libreswan import NAME, Libreswan, sections
from rows import PSK
from scenarios import scenario
from scenarios.steps import capture, dark, demand, must_ping, topology, wait_for
from scenarios.steps import CB

SWAP = {topology.A4: topology.B4, "10.1.0.": "10.2.0.", "w0": "w1", "fd01:": "fd02:"}
SWAP.update({b: a for a, b in SWAP.items()})


def mirrored(text):
    """What one end calls ours the other calls the peer's."""
    return re.sub("|".join(re.escape(k) + r"(?!\d)" if k[-1] != "." else re.escape(k) for k in SWAP), lambda m: SWAP[m[0]], text)


class Script:
    """A script in the lab's folder, and what it was told."""

    def __init__(self, lab, name, more=""):
        self.told = os.path.join(lab.work, name + ".told")
        self.path = os.path.join(lab.work, name + ".sh")
        if os.path.exists(self.told):
            os.unlink(self.told)
        with open(self.path, "w") as f:
            f.write(f'#!/bin/sh\n{{ echo "== $PLUTO_VERB $*"; env; echo "=="; }} >> {self.told}.$$\n'
                    f'cat {self.told}.$$ >> {self.told}; rm {self.told}.$$\necho "said by $PLUTO_VERB"\n{more}\n')
        os.chmod(self.path, 0o755)

    def calls(self):
        """[(verb and arguments, {name: value})], in order."""
        try:
            with open(self.told) as f:
                text = f.read()
        except FileNotFoundError:
            return []
        found = re.findall(r"^== (.+)\n((?s:.*?))^==$", text, re.M)
        return [(verb, dict(line.split("=", 1) for line in env.splitlines() if "=" in line)) for verb, env in found]

    def verbs(self):
        return [verb.split()[0] for verb, _ in self.calls()]

    def wait(self, want, seconds=10):
        """Until exactly these verbs were said."""
        wait_for(f"the script to hear {want}", lambda: len(self.verbs()) >= len(want), seconds)
        demand(self.verbs() == want, f"the script heard {self.verbs()}, not {want}")


def pluto(env):
    return {k: v for k, v in env.items() if re.match("PLUTO_|SPI_|VTI_|XAUTH_|CONNMARK_|NFLOG|CAT$|INTERFACE_IP", k)}


def must_agree(mine, theirs, differ):
    """The environments of the two ends, name by name; differ: {name: function of both values, or None}."""
    want = {k: mirrored(v) for k, v in pluto(theirs).items()}
    got = pluto(mine)
    for name in sorted(set(want) | set(got)):
        if name in differ:
            judge = differ[name]
            demand(judge is None or judge(got.get(name), want.get(name)), f"{name}: {got.get(name)!r} here, {want.get(name)!r} there")
            continue
        demand(got.get(name) == want.get(name), f"{name}: {got.get(name)!r} here, {want.get(name)!r} there")


def both(pattern):
    return lambda mine, theirs: all(v and re.fullmatch(pattern, v) for v in (mine, theirs))


LSW_DIFFER = {
    "PLUTO_SA_REQID": both(r"\d+"),
    "PLUTO_ADDTIME": both(r"\d+"),
    "PLUTO_VIRT_INTERFACE": lambda mine, theirs: mine == "kw0" and theirs == "NULL",
    "PLUTO_INBYTES": both(r"\d+"), "PLUTO_OUTBYTES": both(r"\d+"),
    "SPI_IN": both("0x[0-9a-f]+"), "SPI_OUT": both("0x[0-9a-f]+"),
    # who was told to bring it up, and who has a trap, is different at the ends
    "PLUTO_CONN_POLICY": lambda mine, theirs: re.sub(r"\+(UP|ROUTE)\b", "", mine) == re.sub(r"\+(UP|ROUTE)\b", "", theirs),
}


def lsw_conn(is_a, script, more=None):
    left, right = (topology.A4, topology.B4) if is_a else (topology.B4, topology.A4)
    nets = topology.NET[4] if is_a else topology.NET[4][::-1]
    return {"left": left, "leftsubnet": nets[0], "right": right, "rightsubnet": nets[1], "keyexchange": "ikev2",
            "authby": "secret", "ike": "aes_gcm256-sha2_256-dh31", "esp": "aes_gcm256;dh31",
            "leftupdown": f'"{script.path} an argument"', "auto": "add" if is_a else "ignore", **(more or {})}


@contextlib.contextmanager
def two_of_libreswan(lab, more=None, extra_a=""):
    """Keyway with the file that pluto has at the other end; the scripts of both."""
    here, there = Script(lab, "here", extra_a), Script(lab, "there")
    secrets = f'{topology.A4} {topology.B4} : PSK "{PSK}"\n'
    lab.b.stop()
    b = Libreswan(lab.net["gb"], os.path.join(lab.work, "libreswan"), "gateway B")
    capture(lab)
    conf = {"ipsec.conf": "# keyway: dialect=libreswan\n" + sections({NAME: lsw_conn(True, here, more)}), "ipsec.secrets": secrets}
    try:
        b.start({NAME: lsw_conn(False, there, more)}, secrets)
        for name, text in conf.items():
            with open(os.path.join(lab.a.etc, name), "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
                f.write(text)
        lab.a.load()
        yield b, here, there
    finally:
        b.stop(5)
        for name in conf:
            if os.path.exists(os.path.join(lab.a.etc, name)):
                os.unlink(os.path.join(lab.a.etc, name))


def ipsec(lab, *argv):
    code, out, err = lab.a.node.run(lab.a.bin + "/ipsec", *argv, *lab.a.where, timeout=60)
    return code, out + err


BEGIN, END = ["prepare-client", "route-client", "up-client"], ["down-client", "unroute-client"]


def must_agree_on_all(here, there):
    mine, theirs = here.calls(), there.calls()
    for (verb, ours), (_, peers_own) in zip(mine, theirs, strict=True):
        must_agree(ours, peers_own, LSW_DIFFER)
        demand(verb.endswith(" an argument"), f"the script's arguments are {verb}")
    return len(mine)


@scenario("updown.libreswan.environment", needs_keyway=True, in_guest=True)
def libreswan_environment(lab):
    """Up and down by either end; then with a trap at each end."""
    with two_of_libreswan(lab) as (b, here, there):
        code, text = ipsec(lab, "auto", "--up", NAME)
        demand(code == 0, f"not up: {text}")
        for script in (here, there):
            script.wait(BEGIN)
        must_ping(lab.net["ca"], CB)
        mine, theirs = here.calls()[2][1], there.calls()[2][1]
        demand(mine["SPI_IN"] == theirs["SPI_OUT"] and mine["SPI_OUT"] == theirs["SPI_IN"], "the SPIs do not go together")
        lab.a.rekey(child=NAME)
        lab.a.terminate(NAME)
        for script in (here, there):
            script.wait(BEGIN + END)
        b.initiate(NAME)
        for script in (here, there):
            script.wait((BEGIN + END) + BEGIN)
        b.terminate()  # Libreswan brings up again what somebody asked it for and the peer ends
        for script in (here, there):
            script.wait((BEGIN + END) * 2)
        n = must_agree_on_all(here, there)
        trapped(lab, b, here, there)
        n += must_agree_on_all(here, there) - n
        log = lab.a.log()
        demand("net: updown: said by prepare-client" in log, "the script's output is not in the log")
        return f"{n} calls alike; {dark(lab)}"


def trapped(lab, b, here, there):
    ipsec(lab, "auto", "--route", NAME)
    b.whack("--name", NAME, "--route")
    so_far = (BEGIN + END) * 2 + BEGIN[:2]
    for script in (here, there):
        script.wait(so_far)
    ipsec(lab, "auto", "--up", NAME)
    so_far = so_far + ["prepare-client", "up-client"]
    for script in (here, there):
        script.wait(so_far)
    ipsec(lab, "auto", "--down", NAME)
    so_far.append("down-client")
    for script in (here, there):
        script.wait(so_far)
    ipsec(lab, "auto", "--unroute", NAME)
    b.whack("--name", NAME, "--unroute")
    so_far.append("unroute-client")
    for script in (here, there):
        script.wait(so_far)


@scenario("updown.libreswan.fails", needs_keyway=True)
def libreswan_fails(lab):
    """A script that says no: the child does not stay, the command fails, and the script hears of the end."""
    from scenarios.personality import ipsec_conf
    here = Script(lab, "here", 'case $PLUTO_VERB in prepare-*) exit 2;; up-*) [ -e "$0.yes" ] || exit 3;; esac')
    keys = {k: v for k, v in {**lsw_conn(True, here), "ike": "aes256-sha2_256;modp2048", "esp": None, "pfs": "no"}.items() if v}
    with ipsec_conf(lab, {"ipsec.conf": "# keyway: dialect=libreswan\n" + sections({NAME: keys})}):
        code, text = ipsec(lab, "auto", "--up", NAME)
        demand(code != 0 and "ended with status 3" in text, f"exit {code}: {text}")
        here.wait(BEGIN + END)
        demand(not lab.a.children(), "the child is up all the same")
        open(here.path + ".yes", "w").close()
        code, text = ipsec(lab, "auto", "--up", NAME)
        demand(code == 0, f"exit {code}: {text}")
        must_ping(lab.net["ca"], CB)
        return "closed, and up when the script agrees"
