# SPDX-License-Identifier: Apache-2.0
"""Two Keyways of which one is killed and started again: crash detection (RFC 6290) and session resumption (RFC 5723).
strongSwan has neither."""
import contextlib
import json
import os
import stat
import time

from gateways import Keyway
from scenarios import scenario
from scenarios.steps import CB, capture, dark, demand, must_ping, short_form, topology, until_reply, wait_for

DELAY = 3  # seconds of silence until a liveness check


@contextlib.contextmanager
def _two(lab, *more):
    """A tunnel that A begins, and B, in the peer's place."""
    lab.b.stop()
    b = Keyway(lab.net["gb"], os.path.join(lab.work, "keyway-b"), "gateway B")
    capture(lab)
    try:
        b.load(text=short_form(peer=topology.A4, nets=topology.NET[4][::-1], more=("start = no", *more)))
        lab.a.load(text=short_form(more=(f"dpd_delay = {DELAY}s", *more)))
        lab.a.wait_up()
        must_ping(lab.net["ca"], CB)
        yield b
    finally:
        b.stop(5)
        b.cleanup()


def _restart(b):
    b.kill()
    time.sleep(1)
    b.start()


def _one(gateway):
    sas = gateway.established()
    demand(len(sas) == 1, f"{gateway.name} has {len(sas)} IKE SAs")
    return sas[0]


@scenario("recover.crash-is-proven", needs_keyway=True)
def crash(lab):
    """Liveness checks alone need DELAY and 14 s; the proof comes with the first answer."""
    with _two(lab) as b:
        demand(_one(lab.a).get("crash-detection") == "yes" == _one(b).get("crash-detection"), "no tokens were given")
        secret = os.path.join(b.state, "keyway", "secret")
        demand(stat.S_IMODE(os.stat(secret).st_mode) == 0o600 and os.path.getsize(secret) == 32, "the secret is not as it should be")
        mark = lab.a.log_mark()
        _restart(b)
        took = until_reply(lab, DELAY + 8)
        demand("has lost IKE SA" in lab.a.log_since(mark), "the crash was not proven")
        return f"traffic {took:.1f} s after the restart; {dark(lab)}"


@scenario("recover.crash-of-another-machine", needs_keyway=True)
def crash_without_secret(lab):
    """Who has lost the secret proves nothing; liveness checks find out."""
    with _two(lab) as b:
        mark = lab.a.log_mark()
        b.kill()
        os.unlink(os.path.join(b.state, "keyway", "secret"))
        b.start()
        took = until_reply(lab, DELAY + 25)
        log = lab.a.log_since(mark)
        demand("wrong token" in log and "has lost IKE SA" not in log, "a token of another machine was believed, or none came")
        return f"traffic {took:.1f} s after the restart; {dark(lab)}"


@scenario("recover.crash-detection-off", needs_keyway=True)
def crash_off(lab):
    with _two(lab, "crash_detection = no") as b:
        demand("crash-detection" not in _one(lab.a) and "crash-detection" not in _one(b), "a token was given")
        return "no tokens"


@scenario("recover.session-resumed", needs_keyway=True)
def resumed(lab):
    """Twice: with the ticket of a full exchange, and with that of a resumed session."""
    with _two(lab, "session_resumption = yes") as b:
        times = []
        for _ in range(2):
            demand(_one(lab.a).get("ticket") == "yes", "no ticket was given")
            mark = lab.a.log_mark()
            _restart(b)
            times.append(until_reply(lab, DELAY + 8))
            demand(_one(lab.a).get("resumed") == "yes" == _one(b).get("resumed"),
                   f"the session was not resumed: {lab.a.log_since(mark)[-600:]}")
            wait_for("one IKE SA at each end", lambda: len(lab.a.status()) == 1 == len(b.status()), 5)
        for g, kind in ((lab.a, "held"), (b, "given")):
            ike = json.loads(g.cli("status", "--json")[1])["connections"][0]["ike"][0]
            demand(ike["resumed"] and ike["crash_detection"] and ike.get("ticket") == kind and 0 < ike["ticket_expires_in_seconds"] <= 3600,
                   f"keyway status of {g.name}: {ike}")
            text = g.cli("status", "net")[1]
            demand(all(part in text for part in (f"session ticket {kind}, good for ", "crash detection agreed on", "resumed with")), text)
        return f"traffic {times[0]:.1f} s and {times[1]:.1f} s after the restarts; {dark(lab)}"


@scenario("recover.session-not-resumed-without-the-secret", needs_keyway=True)
def not_resumed(lab):
    with _two(lab, "session_resumption = yes") as b:
        b.kill()
        os.unlink(os.path.join(b.state, "keyway", "secret"))
        b.start()
        took = until_reply(lab, DELAY + 25)
        demand("the ticket of" in b.log(), "the ticket was not refused")
        demand("resumed" not in _one(lab.a), "the session was resumed")
        return f"a full exchange; traffic {took:.1f} s after the restart; {dark(lab)}"


@scenario("recover.deleted-session-is-not-resumed", needs_keyway=True)
def deleted(lab):
    with _two(lab, "session_resumption = yes") as b:
        b.stop()
        b.start()
        until_reply(lab, 20)
        demand("resumed" not in _one(lab.a), "a session that was deleted was resumed")
        return "a full exchange"
