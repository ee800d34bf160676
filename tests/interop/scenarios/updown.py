# SPDX-License-Identifier: Apache-2.0
"""Updown scripts: the same script at both ends, which writes down its verb and its environment, is told the same by Keyway
and by the real daemon."""
import contextlib
import os
import re

from libreswan import NAME, Libreswan, sections
from rows import PSK, sides
from scenarios import scenario
from scenarios.steps import CB, bring_up, capture, dark, demand, must_ping, ping, topology, wait_for

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


# ---- strongSwan's style

SS_DIFFER = {"PLUTO_REQID": both(r"\d+"), "PLUTO_UNIQUEID": both(r"\d+")}


def as_seen_there(env):
    """One end's port is the other one's peer's."""
    swapped = {"PLUTO_MY_PORT": "PLUTO_PEER_PORT", "PLUTO_PEER_PORT": "PLUTO_MY_PORT"} if env["PLUTO_MY_PROTOCOL"] in ("6", "17") else {}
    return {swapped.get(k, k): v for k, v in env.items()}


def must_agree_on_calls(mine, theirs):
    """Calls of one event, in whatever order: the pairs of selectors tell them apart."""
    theirs = [(verb, as_seen_there(env)) for verb, env in theirs]

    def key(env):
        return tuple(env.get("PLUTO_" + k, "") for k in ("VERB", "MY_CLIENT", "PEER_CLIENT", "MY_PORT", "PEER_PORT", "MY_PROTOCOL"))
    mine = {key(env): env for _, env in mine}
    theirs = {key({k: mirrored(v) for k, v in env.items()}): env for _, env in theirs}
    demand(sorted(mine) == sorted(theirs), f"called for {sorted(mine)} here, for {sorted(theirs)} there")
    for k, env in mine.items():
        must_agree(env, theirs[k], SS_DIFFER)
    return len(mine)


@contextlib.contextmanager
def two_of_strongswan(lab, child_a, child_b, extra=None):
    """Both ends with one swanctl.conf each, mirrored, and the same script."""
    here, there = Script(lab, "here"), Script(lab, "there")
    capture(lab)
    (tree_a, files_a), (tree_b, files_b) = sides(certs=lab.certs)
    for tree, script, child in ((tree_a, here, child_a), (tree_b, there, child_b)):
        conn = tree["connections"]["net"]
        conn.update(extra or {})
        conn["children"]["net"].update(child, updown=script.path + " an argument")
    lab.b.load(tree_b, files_b)
    lab.a.load(tree_a, files_a)
    yield here, there


def ups_and_downs(lab, here, there, n):
    """Begun by each end in turn, ended by the other one."""
    total = 0
    for starter, ender in ((lab.a, lab.b), (lab.b, lab.a)):
        code, text = starter.initiate("net")
        demand(code == 0, f"{starter.kind} could not bring it up: {text[-500:]}")
        for script in (here, there):
            wait_for("the script to hear of all pairs", lambda s=script: len(s.verbs()) == total + n, 10)
        lab.a.rekey(child="net")
        ender.terminate("net")
        for script in (here, there):
            wait_for("the script to hear of the end", lambda s=script: len(s.verbs()) == total + 2 * n, 10)
        must_agree_on_calls(here.calls()[total:], there.calls()[total:])
        total += 2 * n
    demand(len(here.calls()) == total, f"{len(here.calls())} calls, not {total}")
    return total


def nets(is_a, ports_a="", ports_b="", families=(4, 6)):
    pair = [topology.NET[f] for f in families]
    a, b = ",".join(p[0] + ports_a for p in pair), ",".join(p[1] + ports_b for p in pair)
    return {"local_ts": a, "remote_ts": b} if is_a else {"local_ts": b, "remote_ts": a}


@scenario("updown.strongswan.environment", needs_keyway=True)
def strongswan_environment(lab):
    """Networks of both families; then ports, ESP in UDP and hostaccess; then a type of ICMP."""
    shapes = [
        (nets(True), nets(False), {}, 2),
        ({**nets(True, "[tcp/443]", "[tcp]", (4,)), "hostaccess": "yes"},
         {**nets(False, "[tcp/443]", "[tcp]", (4,)), "hostaccess": "yes"}, {"encap": "yes"}, 1),
        (nets(True, "[icmp/2048]", "[icmp/2048]", (4,)), nets(False, "[icmp/2048]", "[icmp/2048]", (4,)), {}, 1),
    ]
    n = 0
    for child_a, child_b, extra, pairs in shapes:
        with two_of_strongswan(lab, child_a, child_b, extra) as (here, there):
            n += ups_and_downs(lab, here, there, pairs)
        lab.reset()
    return f"{n} calls alike"


@scenario("updown.strongswan.hosts", needs_keyway=True, in_guest=True)
def strongswan_hosts(lab):
    """For a child of the two hosts strongSwan's userspace ESP would take its own IKE into the tunnel. With compression."""
    with two_of_strongswan(lab, {"local_ts": "dynamic[udp/1701]", "remote_ts": "dynamic[udp]", "mode": "transport", "ipcomp": "yes"},
                           {"local_ts": "dynamic[udp]", "remote_ts": "dynamic[udp/1701]", "mode": "transport", "ipcomp": "yes"}
                           ) as (here, there):
        return f"{ups_and_downs(lab, here, there, 1)} calls alike"


POOL, NAME_SERVER = "10.7.0.0/24", "192.0.2.53"


def client_and_server(lab, client_is_a, script_of):
    (tree_a, files_a), (tree_b, files_b) = sides(certs=lab.certs)
    client, server = (tree_a, tree_b) if client_is_a else (tree_b, tree_a)
    client["connections"]["net"]["vips"] = "0.0.0.0"
    server["connections"]["net"]["pools"] = "lab"
    server["pools"] = {"lab": {"addrs": POOL, "dns": NAME_SERVER}}
    for tree, name, mine in ((client, "client", True), (server, "server", False)):
        child = tree["connections"]["net"]["children"]["net"]
        child["updown"] = script_of[name].path
        child["local_ts" if mine else "remote_ts"] = "dynamic"
    lab.b.load(tree_b, files_b)
    lab.a.load(tree_a, files_a)
    code, text = (lab.a if client_is_a else lab.b).initiate("net")
    demand(code == 0, f"not up: {text[-500:]}")
    for script in script_of.values():
        script.wait(["up-client"])


@scenario("updown.strongswan.virtual-address", needs_keyway=True)
def strongswan_virtual_address(lab):
    """Keyway the client, then the server: each is told what charon in its place is."""
    lab.b.stop()
    lab.b.plugins["updown"] = {"dns_handler": "yes"}
    lab.b.start()
    try:
        scripts = {who: {n: Script(lab, f"{who}-{n}") for n in ("client", "server")} for who in ("a", "b")}
        client_and_server(lab, True, scripts["a"])
        lab.reset()
        client_and_server(lab, False, scripts["b"])
    finally:
        del lab.b.plugins["updown"]
        lab.b.stop()
        lab.b.start()
    for role in ("client", "server"):
        must_agree_on_calls(scripts["a"][role].calls(), scripts["b"][role].calls())
    return "as client and as server"


# ---- the firewall

GUARD = """
table inet guard {
  chain forward { type filter hook forward priority 0; policy drop; }
  chain input { type filter hook input priority 0; policy drop; udp dport { 500, 4500 } accept; ip protocol esp accept; iif lo accept; }
  chain mangle { type filter hook forward priority -150; policy accept; tcp flags syn tcp option maxseg size set rt mtu; }
}
table ip filter {
  chain FORWARD { type filter hook forward priority 0; policy drop; }
}
"""


def rules(lab):
    """Lines of Keyway's rules in the gateway's ruleset."""
    return [line.strip() for line in lab.net["ga"].sh("nft", "list", "ruleset").splitlines() if '"keyway' in line]


def guard(lab, text=GUARD):
    path = os.path.join(lab.work, "guard.nft")
    with open(path, "w") as f:
        f.write("flush ruleset\n" + text)
    lab.net["ga"].sh("nft", "-f", path)


def passes(lab, node="ca", target=CB):
    return ping(lab.net[node], target, count=2, seconds=1)[0] == 0


@scenario("updown.firewall", needs_keyway=True)
def firewall(lab):
    """leftfirewall=yes where two firewalls drop what is forwarded: only the tunnel's packets pass, while it is up; they pass
    again when somebody loads the ruleset anew; and what a daemon that was killed left is taken away."""
    from scenarios.personality import conn, ipsec_conf
    text = "# keyway: dialect=strongswan\n" + conn("!\n    keyexchange=ikev2\n    authby=psk\n    auto=add\n    leftfirewall=%s")
    guard(lab)
    try:
        capture(lab)
        with ipsec_conf(lab, {"ipsec.conf": text % "no"}):
            bring_up(lab)
            demand(not passes(lab), "the firewall lets pass what it should not")
            demand(not rules(lab), f"rules without leftfirewall: {rules(lab)}")
        lab.a.stop()
        with ipsec_conf(lab, {"ipsec.conf": text % "yes"}):
            demand(not rules(lab), "rules without a tunnel")
            bring_up(lab)
            must_ping(lab.net["ca"], CB)
            must_ping(lab.net["cb"], topology.CLIENT[4][0])
            found = rules(lab)
            demand(len(found) == 4 and all('iifname "kw0"' in r or 'oifname "kw0"' in r for r in found) and
                   sum("ip saddr 10.2.0.0/24 ip daddr 10.1.0.0/24" in r for r in found) == 2, f"the rules are {found}")
            demand(not passes(lab, "cb", topology.INSIDE[4][0]), "the gateway itself is reached without lefthostaccess")
            guard(lab)
            wait_for("the rules to come back", lambda: len(rules(lab)) == 4, 5)
            must_ping(lab.net["ca"], CB)
            lab.a.terminate("net")
            demand(not rules(lab), f"rules that are left: {rules(lab)}")
            bring_up(lab)
            demand(len(rules(lab)) == 4, "they are not there the second time")
            lab.a.kill()
            demand(len(rules(lab)) == 4, "a killed daemon has tidied up")
            lab.b.terminate_now()
            lab.a.start()
            demand(not rules(lab), f"left by the one that was killed: {rules(lab)}")
            bring_up(lab)
            lab.a.stop()
            demand(not rules(lab), f"left by one that was stopped: {rules(lab)}")
        with ipsec_conf(lab, {"ipsec.conf": text % "yes\n    lefthostaccess=yes"}):
            bring_up(lab)
            must_ping(lab.net["cb"], topology.INSIDE[4][0])
            demand(len(rules(lab)) == 5, f"the rules are {rules(lab)}")
        return f"{dark(lab)}"
    finally:
        lab.net["ga"].sh("nft", "flush", "ruleset")


@scenario("updown.firewall-by-script", needs_keyway=True)
def firewall_by_script(lab):
    """A script that calls `ipsec _updown iptables` when its own work is done."""
    here = Script(lab, "here", f'exec {lab.a.bin}/ipsec _updown iptables')
    guard(lab)
    try:
        capture(lab)
        (tree_a, files_a), (tree_b, files_b) = sides(certs=lab.certs)
        tree_a["connections"]["net"]["children"]["net"]["updown"] = here.path
        lab.b.load(tree_b, files_b)
        lab.a.load(tree_a, files_a)
        bring_up(lab)
        wait_for("the rules", lambda: len(rules(lab)) == 4, 10)
        must_ping(lab.net["ca"], CB)
        lab.a.terminate("net")
        wait_for("the rules to go", lambda: not rules(lab), 10)
        for env, code in (({}, 1), ({"PLUTO_VERB": "sideways"}, 1), ({"PLUTO_VERB": "route-client"}, 0)):
            got = lab.net["ga"].run(lab.a.bin + "/ipsec", "_updown", env=env)
            demand(got[0] == code, f"ipsec _updown with {env}: {got}")
        return f"{dark(lab)}"
    finally:
        lab.net["ga"].sh("nft", "flush", "ruleset")


@scenario("updown.source-address", needs_keyway=True)
def source_address(lab):
    """Libreswan's leftsourceip: the gateway itself sends from there, be it an address that it has or one that it gets."""
    from scenarios.personality import ipsec_conf
    here = Script(lab, "here")
    capture(lab)
    keys = {**lsw_conn(True, here), "ike": "aes256-sha2_256;modp2048", "pfs": "no"}
    del keys["esp"]
    for source in (topology.INSIDE[4][0], "10.1.0.77"):
        text = "# keyway: dialect=libreswan\n" + sections({NAME: {**keys, "leftsourceip": source}})
        with ipsec_conf(lab, {"ipsec.conf": text}):
            bring_up(lab)
            route = lab.net["ga"].ip("route", "get", CB)
            demand(f"dev kw0 table 220 src {source}" in " ".join(route.split()), f"the route is {route}")
            must_ping(lab.net["ga"], CB)
            is_given = f"{source}/32" in lab.net["ga"].ip("addr", "show", "dev", "kw0")
            demand(is_given == (source != topology.INSIDE[4][0]), f"{source} is{'' if is_given else ' not'} on the device")
            wait_for("the script", lambda: len(here.calls()) > 2, 5)
            demand(here.calls()[-1][1].get("PLUTO_MY_SOURCEIP") == source, "the script hears of another address")
            lab.a.terminate("net")
            demand(f"{source}/32" not in lab.net["ga"].ip("addr", "show", "dev", "kw0"), "the address stays")
        lab.a.stop()
    return f"{dark(lab)}"
