# SPDX-License-Identifier: Apache-2.0
"""What the daemon logs, where, and in which form: strongswan.conf's loggers beside a real charon's, log rotation, places
that fail, levels at run time, Libreswan's logfile, and what never is in a log."""
import base64
import contextlib
import os
import re
import signal
import time

from gateways import render
from rows import PSK, sides
from scenarios import scenario
from scenarios.personality import ipsec
from scenarios.steps import CB, bring_up, configure, demand, must_ping, wait_for

# time, its fraction, thread, group, level, connection, number, text
LINE = re.compile(r"^(?:([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)(\.\d{3})? )?(\d\d)\[([A-Z]{3})(\d)?\] (?:<(net\|)?(\d+)> )?(\S.*)$")
FORMS = {
    "plain": {},
    "name": {"ike_name": True},
    "level": {"log_level": True, "ike_name": True},
    "time": {"time_format": "%b %e %T", "time_add_ms": True, "log_level": True},
    "seconds": {"time_format": "%b %e %T"},
    "nothing-to-add-to": {"time_add_ms": True},
    "audit": {"default": -1, "ike": 0, "log_level": True},
}


def filelog(folder, forms):
    os.makedirs(folder, exist_ok=True)
    return {"filelog": {n: {"path": f"{folder}/{n}.log", "flush_line": True, **o} for n, o in forms.items()}}


def read(folder, name):
    with open(f"{folder}/{name}.log", errors="replace") as f:
        return f.read()


@contextlib.contextmanager
def strongswan_conf(lab, tree):
    """Keyway with that; its loggers end with the row."""
    path = lab.a.etc + "/strongswan.conf"
    lab.a.stop()
    with open(path, "w") as f:
        f.write(tree if isinstance(tree, str) else render({"charon": tree}) + "\n")
    try:
        yield path
    finally:
        lab.a.stop()
        os.unlink(path)


def shapes(text, whose):
    """What the lines have in front, each kind once. A number without a name is charon's before it knows the peer."""
    found = set()
    for line in text.splitlines():
        m = LINE.match(line)
        demand(m, f"{whose} has a line of no known form: {line!r}")
        named = bool(m[6]) if m[7] else False
        found.add((bool(m[1]), bool(m[2]), bool(m[5]), named))
    return found


def up_and_down(lab):
    configure(lab)
    for role in ("initiator", "responder"):
        bring_up(lab, role)
        must_ping(lab.net["ca"], CB)
        (lab.a if role == "initiator" else lab.b).terminate("net")
        wait_for("the tunnel to be down", lambda: not lab.a.established() and not lab.b.established(), 10)


@scenario("log.forms", needs_keyway=True)
def forms(lab):
    ours, theirs = lab.work + "/log-ours", lab.work + "/log-theirs"
    lab.b.loggers = filelog(theirs, FORMS)
    lab.b.stop()
    try:
        with strongswan_conf(lab, filelog(ours, FORMS)):
            lab.b.start()
            up_and_down(lab)
            lab.a.stop()
            lab.b.stop()
            for name in FORMS:
                a, b = shapes(read(ours, name), f"Keyway's {name}"), shapes(read(theirs, name), f"charon's {name}")
                demand(a == b and a, f"{name}: Keyway's lines are {sorted(a)}, charon's {sorted(b)}")
    finally:
        lab.b.loggers = {}
        lab.b.start()
    groups = {name: {LINE.match(line)[4] for line in read(ours, name).splitlines()} for name in ("plain", "audit")}
    demand(groups["audit"] == {"IKE"} and {"NET", "ENC", "CFG", "IKE", "DMN"} <= groups["plain"], f"groups: {groups}")
    levels = {LINE.match(line)[5] for line in read(ours, "audit").splitlines()}
    demand(levels == {"0"}, f"levels of audit: {levels}")
    for name in (ours, theirs):  # what the texts of both are looked through for
        plain = read(name, "plain")
        for what in (r"\[IKE\] initiating IKE.SA", r"\[ENC\] \w+ IKE_SA_INIT request 0 \[ SA KE No ", r"\[IKE\] .*established",
                     r"\[CFG\] .*proposal.*: IKE:AES_GCM_16_256/PRF_HMAC_SHA2_256/CURVE_25519", r"\[IKE\] deleting IKE.SA",
                     r"\[ENC\] \w+ INFORMATIONAL request \d+ \[ D \]", r"\[NET\] received .* bytes"):
            demand(re.search(what, plain), f"no {what!r} in {name}")


@scenario("log.places", needs_keyway=True)
def places(lab):
    """Rotation; a file that cannot be, and a disk that is full: told, and the tunnel does not mind."""
    d = lab.work + "/log-places"
    tree = filelog(d, {"main": {}, "nowhere/x": {}})
    tree["filelog"]["full"] = {"path": "/dev/full", "flush_line": True}
    with strongswan_conf(lab, tree):
        configure(lab)
        bring_up(lab)
        wait_for("both to be told", lambda: "nowhere/x.log for logging failed" in read(d, "main") and
                 "writing /dev/full for logging failed: No space left on device" in read(d, "main"), 5)
        os.rename(d + "/main.log", d + "/main.1")
        os.makedirs(d + "/nowhere")
        os.kill(lab.a.process.popen.pid, signal.SIGHUP)
        wait_for("a new file", lambda: os.path.exists(d + "/main.log") and "configuration loaded" in read(d, "main"), 10)
        demand(re.match(r"\n?\d\d\[DMN\] \d+ lines could not be written\n", read(d, "nowhere/x")), read(d, "nowhere/x")[:200])
        with open(d + "/main.1") as f:
            demand("established" in f.read(), "the old file lost its lines")
        must_ping(lab.net["ca"], CB)
        lab.a.rekey(child="net")
        wait_for("the rekeying to be in the new file", lambda: "child net rekeyed" in read(d, "main"), 10)


@scenario("log.howto", needs_keyway=True)
def howto(lab):
    """A text's file as it stands is refused with what to do about it; done so, it logs."""
    with open(os.path.join(os.path.dirname(__file__), "../../conf/strongswan/loggers-stray.conf")) as f:
        printed = f.read().split("charon-logging.conf\n", 1)[1]
    target = lab.work + "/charon.log"
    printed = printed.replace("/var/log/charon.log", target)
    lab.b.load(*sides(certs=lab.certs)[1])
    with strongswan_conf(lab, printed) as path:
        lab.a.write(*sides(certs=lab.certs)[0])
        code, out, err = lab.a.cli("config", "check")
        demand(code and re.search(r"replace line 1 by 'charon \{'", out + err) and
               re.search(r"replace line 18 by '\}'", out + err), f"exit {code}: {out} {err}")
        with open(path, "w") as f:
            f.write(printed.replace("[REDACTED]", "charon {", 1).replace("[REDACTED]", "}"))
        lab.a.start()
        bring_up(lab)
        lab.a.stop()
        with open(target) as f:
            lines = f.read().splitlines()
        named = [LINE.match(line) for line in lines]
        demand(all(named) and all(m[1] and m[5] for m in named) and any(m[6] for m in named), f"{lines[:5]}")
        demand(re.search(r"^\d\d\[KNL\] ", lab.a.log(), re.M), "nothing of KNL on stderr")


@scenario("log.runtime", needs_keyway=True)
def runtime(lab):
    """Levels are changed while it runs, in the words of both, until the files are read again."""
    d = lab.work + "/log-runtime"
    with strongswan_conf(lab, filelog(d, {"main": {"default": 0}})):
        lab.a.log_level = "notice"
        try:
            configure(lab)
        finally:
            lab.a.log_level = "detail"
        bring_up(lab)

        def heard(what):
            before = len(read(d, "main"))
            lab.a.rekey(child="net")
            wait_for("the rekeying", lambda: "child net rekeyed" in read(d, "main")[before:], 10)
            time.sleep(0.2)  # the old child's deletion is logged too
            return what in read(d, "main")[before:]

        demand(not heard("CREATE_CHILD_SA"), "messages are logged at level 0")
        ipsec(lab, "stroke", "loglevel", "enc", "1")
        follower = lab.a.node.start([lab.a.bin + "/keyway", "log", *lab.a.where], lab.work + "/follow.log")
        demand(heard("writing CREATE_CHILD_SA request"), "loglevel enc 1 shows no message")
        wait_for("keyway log to show it", lambda: heard("CREATE_CHILD_SA") and "ENC1 <net|" in follower.text(), 15)
        follower.stop(signal.SIGTERM)
        ipsec(lab, "stroke", "loglevel", "any", "-1")
        before = read(d, "main")
        lab.a.rekey(child="net")
        wait_for("a quiet rekeying", lambda: len(lab.a.children()) == 1 and len(lab.b.children()) == 1, 10)
        demand(read(d, "main") == before, "a silent daemon spoke")
        code, out, err = lab.a.cli("log", "--level", "all 0, ike 2")
        demand(code == 0 and "IKE 2\n" in out and "ENC 0\n" in out, f"{code} {out} {err}")
        ipsec(lab, "whack", "--debug", "base")
        demand(heard("payloads by their bytes"), "whack --debug base shows no details")
        ipsec(lab, "whack", "--no-debug", "all")
        demand(not heard("CREATE_CHILD_SA"), "whack --no-debug all changes nothing")
        ipsec(lab, "stroke", "loglevel", "enc", "1")
        code, out, err = lab.a.cli("reload")
        demand(code == 0, f"{out} {err}")
        demand(not heard("CREATE_CHILD_SA"), "a reload does not take back the level")
        demand(ipsec(lab, "stroke", "loglevel", "nonsense", "1", code=1) == "", "a group that is none")


@scenario("log.libreswan", needs_keyway=True)
def libreswan(lab):
    """logfile of ipsec.conf, in the form that its readers know, without addresses when it says so."""
    path = lab.work + "/pluto.log"
    lab.a.stop()
    with open(lab.a.etc + "/ipsec.conf", "w") as f:
        f.write(f"# keyway: dialect=libreswan\nconfig setup\n\tlogfile={path}\n\tplutodebug=base\n\tlogip=no\n")
    try:
        configure(lab)
        bring_up(lab)
        lab.a.stop()
    finally:
        os.unlink(lab.a.etc + "/ipsec.conf")
    with open(path) as f:
        text = f.read()
    demand(re.search(r'^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\.\d{6}: "net" #\d+: IKE SA \d+ established between <ip>', text, re.M),
           text[-1500:])
    demand(re.search(r'^\S+ +\d+ \S+: \| "net" #\d+: payloads by their bytes', text, re.M), "no line of debugging with its bar")
    demand(not re.search(r"10\.9\.0\.\d", text), "an address is in the log")


@scenario("log.secrets", needs_keyway=True)
def secrets(lab):
    d = lab.work + "/log-secrets"
    with strongswan_conf(lab, filelog(d, {"all": {"default": 4}, "json": {"default": 4, "json": True}})):
        up_and_down(lab)
        lab.a.stop()
        for name in ("all", "json"):
            text = read(d, name)
            demand("payloads by their bytes" in text and "  TSi: " in text, "it does not say much")
            for form in (PSK, PSK.encode().hex(), PSK.encode().hex().upper(), base64.b64encode(PSK.encode()).decode().rstrip("=")):
                demand(form not in text, "the preshared key is in the log")
