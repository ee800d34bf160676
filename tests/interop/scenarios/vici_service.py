# SPDX-License-Identifier: Apache-2.0
"""The vici service of the running daemon: settings alone, counters."""
import os
import re

from gateways import merged, render
from scenarios import scenario
from scenarios.steps import bring_up, demand, sides, spis


def _settings(lab, tree):
    with open(lab.a.etc + "/strongswan.conf", "w") as f:
        f.write(render({"charon": tree}) + "\n")


def _shown(lab):
    """What is in force, each line with single blanks."""
    with lab.a.vici() as v:
        text = "".join(v.request("keyway-config-show")["text"])
    return re.sub(" +", " ", text)


@scenario("vici.reload-settings", needs_keyway=True)
def reload_settings(lab):
    """Settings change, connections of the files do not; what clients loaded over them stays."""
    (tree, files), (tree_b, files_b) = sides(certs=lab.certs)
    lab.b.load(tree_b, files_b)
    try:
        _settings(lab, {"retransmit_tries": "3"})
        lab.a.load(tree, files)
        bring_up(lab)
        before = spis(lab.a)
        with lab.a.vici() as v:
            loaded = v.request("load-conn", {"net2": {"remote_addrs": ["10.9.0.77"], "local": {"auth": "psk"},
                                                      "remote": {"auth": "psk"}, "children": {"x": {}}}})
            demand(loaded.get("success") == "yes", f"load-conn: {loaded}")
            for attempt, tries in enumerate(("7", "8")):
                _settings(lab, {"retransmit_tries": tries})
                lab.a.write(merged(tree, {"connections": {"net": {"rekey_time": "1000"}, "more": tree["connections"]["net"]}}), files)
                answer = v.request("reload-settings")
                demand(answer == {"success": "yes"}, f"reload-settings: {answer}")
                shown = _shown(lab)
                demand(f"retransmit_tries {tries} " in shown, f"the setting is not in force: {shown[:600]}")
                demand(v.request("get-conns")["conns"] == ["net", "net2"], f"{attempt}: connections have changed")
            demand("rekey_time 1000s" not in shown and spis(lab.a) == before, "the tunnel has changed")
            _settings(lab, {"retransmit_tries": "many"})
            answer = v.request("reload-settings")
            demand(answer["success"] == "no" and "retransmit_tries" in str(answer), f"bad settings: {answer}")
            demand("retransmit_tries 8 " in _shown(lab), "bad settings are in force")
        code, out, err = lab.a.cli("reload")
        with lab.a.vici() as v:
            demand(code, f"keyway reload took bad settings: {out}{err}")
            _settings(lab, {})
            demand(lab.a.cli("reload")[0] == 0 and "more" in v.request("get-conns")["conns"], "keyway reload reads all")
    finally:
        os.unlink(lab.a.etc + "/strongswan.conf")
