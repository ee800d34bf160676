# SPDX-License-Identifier: Apache-2.0
"""strongSwan's own swanctl loads Keyway, which reads no file: connections, credentials, pools, authorities, over vici."""
import copy
import os

from gateways import render
from scenarios import scenario
from scenarios.steps import CB, Flood, bring_up, capture, dark, demand, must_ping, sides, spis, wait_for


def _swanctl(lab, *argv):
    """The peer's program, asked of Keyway. Returns what it printed."""
    env = {"SWANCTL_DIR": lab.a.dir + "/pushed", "STRONGSWAN_CONF": os.path.join(lab.b.dir, "strongswan.conf")}
    script = f"{lab.b.command('swanctl')} {' '.join(argv)} --uri unix://{lab.a.socket}"
    code, out, err = lab.a.node.run("sh", "-c", script, env=env)
    demand(code == 0, f"swanctl {argv[0]}: exit {code}: {out[-400:]} {err[-400:]}")
    return out


def _push(lab, tree, files, *how):
    folder = lab.a.dir + "/pushed"
    os.makedirs(folder, exist_ok=True)
    lab.a._write_credentials(folder, files)
    with open(folder + "/swanctl.conf", "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
        f.write(render(tree) + "\n")
    return _swanctl(lab, *(how or ("--load-all", "--noprompt")))


def _begin(lab, auth):
    """Keyway runs, and knows nothing but what swanctl tells it."""
    (tree_a, files_a), (tree_b, files_b) = sides(auth=auth, certs=lab.certs)
    lab.b.load(tree_b, files_b)
    lab.a.load()
    demand(not _swanctl(lab, "--list-conns"), "Keyway knows connections before they are loaded")
    return tree_a, files_a


def _loads(role, auth):
    @scenario(f"vici.swanctl-loads-{auth}.{role}", needs_keyway=True)
    def run(lab):
        capture(lab)
        said = _push(lab, *_begin(lab, auth))
        demand("loaded connection 'net'" in said, f"swanctl said {said[-300:]}")
        bring_up(lab, role)
        must_ping(lab.net["ca"], CB)
        return f"{said.strip().splitlines()[-1]}; {dark(lab)}"
    return run


for r in ("initiator", "responder"):
    for a in ("psk", "ecdsa"):
        _loads(r, a)


@scenario("vici.swanctl-changes-one", needs_keyway=True)
def changes_one(lab):
    """What did not change stays up, with no packet lost; what is gone from the file goes."""
    tree, files = _begin(lab, "psk")
    _push(lab, tree, files)
    bring_up(lab)
    before, flood = spis(lab.a), Flood(lab, 200)
    more = copy.deepcopy(tree)
    more["connections"]["other"] = {**copy.deepcopy(tree["connections"]["net"]), "remote_addrs": "10.9.0.99"}
    said = _push(lab, more, files)
    demand("loaded connection 'other'" in said, f"swanctl said {said[-300:]}")
    lost = flood.must_lose_nothing()
    demand(spis(lab.a) == before, "the tunnel that did not change was made anew")
    demand("other:" in _swanctl(lab, "--list-conns"), "the new connection is not listed")
    said = _push(lab, {**tree, "connections": {"other": more["connections"]["other"]}}, files)
    demand("1 unloaded" in said, f"swanctl said {said[-300:]}")
    wait_for("the tunnel that was unloaded to be gone at both ends", lambda: not lab.a.status() and not lab.b.status(), 10)
    return f"{lost}; unloaded"


@scenario("vici.swanctl-refused", needs_keyway=True)
def refused(lab):
    """One connection is wrong: swanctl says which key, the others are loaded."""
    tree, files = _begin(lab, "psk")
    tree["connections"]["bad"] = {**tree["connections"]["net"], "rekey_time": "soon"}
    env = {"SWANCTL_DIR": lab.a.dir + "/pushed", "STRONGSWAN_CONF": os.path.join(lab.b.dir, "strongswan.conf")}
    _push(lab, tree, files, "--list-conns")
    script = f"{lab.b.command('swanctl')} --load-all --noprompt --uri unix://{lab.a.socket}"
    code, out, err = lab.a.node.run("sh", "-c", script, env=env)
    demand(code != 0 and "rekey_time" in err and "loaded connection 'net'" in out,
           f"exit {code}: {out[-300:]} {err[-300:]}")
    listed = _swanctl(lab, "--list-conns")
    demand("net:" in listed and "bad:" not in listed, f"loaded are: {listed[:300]}")
    return next(line for line in err.splitlines() if "rekey_time" in line)
