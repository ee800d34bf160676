# SPDX-License-Identifier: Apache-2.0
"""The rarer words of strongSwan's `ipsec` and `ipsec stroke`: counters, what is forgotten, clients by their addresses."""
import re

from scenarios import scenario
from scenarios.personality import ipsec, must_match
from scenarios.steps import bring_up, configure, demand, wait_for


def _counted(text):
    return {k: int(v) for k, v in re.findall(r"^(ike\w+) +(\d+)$", text, re.M)}


@scenario("ipsec.strongswan.counters", needs_keyway=True)
def counters(lab):
    configure(lab)
    demand(not any(_counted(ipsec(lab, "listcounters")).values()), "something was counted before anything came")
    bring_up(lab)
    one, all_of = _counted(ipsec(lab, "stroke", "listcounters", "net")), _counted(ipsec(lab, "listcounters"))
    demand(len(one) == 21 and one["ikeOutInitReq"] == 1 and one["ikeInAuthRsp"] == 1, f"counted: {one}")
    demand(all_of["ikeOutInitReq"] == 1, f"counted in all: {all_of}")
    must_match(ipsec(lab, "listcounters", "nothing"), "No IKE counters found for 'nothing'")
    ipsec(lab, "resetcounters", "net")
    demand(not _counted(ipsec(lab, "listcounters", "net")).get("ikeOutInitReq"), "it is counted on")
    return f"{sum(all_of.values())} messages counted"


@scenario("ipsec.strongswan.stroke", needs_keyway=True)
def stroke(lab):
    """Each word is the command of its name, and one that is not known is an error."""
    configure(lab, auth="ecdsa")
    must_match(ipsec(lab, "stroke", "up", "net"), "connection 'net' established successfully")
    must_match(ipsec(lab, "stroke", "status"), r"Security Associations \(1 up, 0 connecting\):")
    demand(ipsec(lab, "stroke", "statusall-nb").splitlines()[1:], "statusall says nothing")
    for word in ("purgeocsp", "purgecrls", "purgecerts", "memusage", "listgroups", "rereadall"):
        demand(not ipsec(lab, "stroke", word), f"stroke {word} says something")
    must_match(ipsec(lab, "listplugins"), "List of loaded Plugins:")
    must_match(ipsec(lab, "stroke", "down", "net"), r"IKE_SA \[\d+\] closed successfully")
    ipsec(lab, "stroke", "frobnicate", code=255)
    ipsec(lab, "stroke", "down-nb", "nothing", "--exit-compat")
    lab.a.stop()
    ipsec(lab, "stroke", "status", code=3)
    ipsec(lab, "stroke", "listcounters", code=7)


@scenario("ipsec.strongswan.down-srcip", needs_keyway=True)
def down_srcip(lab):
    """A client goes by its virtual address, others stay; an IKE SA without a child goes with purgeike."""
    pools = {"connections": {"net": {"pools": "rw", "children": {"net": {"remote_ts": "dynamic"}}}},
             "pools": {"rw": {"addrs": "10.3.0.8/29"}}}
    configure(lab, extra_a=pools, extra_b={"connections": {"net": {"vips": "0.0.0.0", "children": {"net": {"local_ts": "dynamic"}}}}})
    bring_up(lab, "responder")
    has = lab.a.established()[0].get("remote-vips")
    demand(has == ["10.3.0.9"] or has == ["10.3.0.8"], f"the client has {has}")
    ipsec(lab, "down-srcip", "10.3.0.1", "10.3.0.7")
    ipsec(lab, "purgeike")
    demand(lab.a.established(), "the client went, though it was not meant")
    ipsec(lab, "down-srcip", "10.3.0.300", code=2)
    ipsec(lab, "down-srcip", "10.3.0.9", "10.3.0.8", code=2)
    ipsec(lab, "stroke", "down-srcip", "10.3.0.8", "10.3.0.15")
    wait_for("the client to be gone", lambda: not lab.a.established(), 10)
    configure(lab, extra_a={"connections": {"net": {"childless": "force"}}}, extra_b={"connections": {"net": {"childless": "allow"}}})
    bring_up(lab)
    lab.a.terminate(child="net")
    wait_for("the child to be gone", lambda: not lab.a.children(), 10)
    demand(lab.a.established(), "the IKE SA is gone as well")
    ipsec(lab, "purgeike")
    wait_for("the IKE SA to be gone", lambda: not lab.a.established(), 10)


@scenario("ipsec.strongswan.listcainfos", needs_keyway=True)
def listcainfos(lab):
    ca = {"authorities": {"ours": {"cacert": "ca.pem", "crl_uris": "http://crl.example/ca.crl",
                                   "ocsp_uris": "http://ocsp.example/, http://ocsp2.example/"}}}
    configure(lab, auth="ecdsa", extra_a=ca)
    must_match(ipsec(lab, "listcainfos"), "List of CA Information Sections:", '  authname:    ".*CN=.*"',
               r"  authkey:      [0-9a-f]{2}(:[0-9a-f]{2}){19}", r"  keyid:        [0-9a-f]{2}(:[0-9a-f]{2}){19}",
               r"  crluris:     'http://crl\.example/ca\.crl'", r"  ocspuris:    'http://ocsp\.example/'",
               r"               'http://ocsp2\.example/'")
