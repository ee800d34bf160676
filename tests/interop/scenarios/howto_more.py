# SPDX-License-Identifier: Apache-2.0
"""More procedures of the texts for Libreswan's administrators: site to site, remote access with certificates and an
address pool. Files and commands are the printed ones."""
import os
import re
import subprocess

import pcap
from net import wait_for
from scenarios import scenario
from scenarios.howto import Host, Hosts, connection, make_key
from scenarios.steps import capture, demand, ping
from transfer import MARKER

SITES = """conn mysubnet
     also=mytunnel
     leftsubnet=192.0.1.0/24
     rightsubnet=192.0.2.0/24
     auto=start

conn mysubnet6
     also=mytunnel
     leftsubnet=2001:db8:0:1::/64
     rightsubnet=2001:db8:0:2::/64
     auto=start

# the following part of the configuration file is the same for both host-to-host and site-to-site connections:

"""
SERVER = """conn roadwarriors
    ikev2=insist
    # Support (roaming) MOBIKE clients (RFC 4555)
    mobike=yes
    fragmentation=yes
    left=1.2.3.4
    # if access to the LAN is given, enable this, otherwise use 0.0.0.0/0
    # leftsubnet=10.10.0.0/16
    leftsubnet=0.0.0.0/0
    leftcert=gw.example.com
    leftid=%fromcert
    leftxauthserver=yes
    leftmodecfgserver=yes
    right=%any
    # trust our own Certificate Agency
    rightca=%same
    # pick an IP address pool to assign to remote users
    # 100.64.0.0/16 prevents RFC1918 clashes when remote users are behind NAT
    rightaddresspool=100.64.13.100-100.64.13.254
    # if you want remote clients to use some local DNS zones and servers
    modecfgdns="1.2.3.4, 5.6.7.8"
    modecfgdomains="internal.company.com, corp"
    rightxauthclient=yes
    rightmodecfgclient=yes
    authby=rsasig
    # optionally, run the client X.509 ID through pam to allow/deny client
    # pam-authorize=yes
    # load connection, don't initiate
    auto=add
    # kill vanished roadwarriors
    dpddelay=1m
    dpdtimeout=5m
    dpdaction=clear
"""
CLIENT = """conn to-vpn-server
    ikev2=insist
    # pick up our dynamic IP
    left=%defaultroute
    leftsubnet=0.0.0.0/0
    leftcert=myname.example.com
    leftid=%fromcert
    leftmodecfgclient=yes
    # right can also be a DNS hostname
    right=1.2.3.4
    # if access to the remote LAN is required, enable this, otherwise use 0.0.0.0/0
    # rightsubnet=10.10.0.0/16
    rightsubnet=0.0.0.0/0
    fragmentation=yes
    # trust our own Certificate Agency
    rightca=%same
    authby=rsasig
    # allow narrowing to the server's suggested assigned IP and remote subnet
    narrowing=yes
    # Support (roaming) MOBIKE clients (RFC 4555)
    mobike=yes
    # Initiate connection
    auto=start
"""


def _judge(lab, least=6):
    lab.capture.stop()
    verdict = pcap.judge(lab.capture.path, [], [MARKER])
    demand(verdict.esp >= least, f"no ESP on the wire: {dict(verdict.kinds)}")
    demand(not verdict.plaintext, f"plaintext on the wire: {verdict.leaks[:2]}")
    return f"{verdict}"


def _is_up(host, name):
    return re.search(rf'^006 #\d+: "{name}"', host.type("ipsec trafficstatus"), re.M)


@scenario("howto.site-to-site", needs_keyway=True)
def site_to_site(lab):
    """Two networks behind each end, one of IPv6, through one IKE SA."""
    with Hosts(lab) as (west, east):
        for host, device, v4, v6 in ((west, "a1", "192.0.1.254/24", "2001:db8:0:1::1/64"), (east, "b1", "192.0.2.254/24", "2001:db8:0:2::1/64")):
            host.node.ip("addr", "replace", v4, "dev", device)
            host.node.ip("addr", "replace", v6, "dev", device, "nodad")
            host.type("ipsec initnss")
        text = connection(make_key(west, "left", "ipsec newhostkey --bits 2192"), make_key(east, "right", "ipsec newhostkey --bits 2192"))
        capture(lab)
        for host in (west, east):
            host.write("etc/ipsec.d/my_host-to-host.conf", text)
            host.type("cp /etc/ipsec.d/my_host-to-host.conf /etc/ipsec.d/my_site-to-site.conf && rm /etc/ipsec.d/my_host-to-host.conf")
            host.write("etc/ipsec.d/my_site-to-site.conf", SITES + text)
            host.type("systemctl restart ipsec")
        for name in ("mysubnet", "mysubnet6"):
            wait_for(f"{name} to come by itself", lambda n=name: _is_up(west, n) and _is_up(east, n), 20, 0.2)
        for target, source in (("192.0.2.254", "192.0.1.254"), ("2001:db8:0:2::1", "2001:db8:0:1::1")):
            code, out = ping(west.node, target, count=3, seconds=5, source=source)
            demand(code == 0, f"no ping to {target}: {out[-300:]} {west.journal()[-500:]}")
        return _judge(lab)


def _p12(lab, name, folder, san=""):
    """The certificate and its key as PKCS#12, with that friendly name. The gateway's has to have its address: for
    Libreswan's client, too, which knows it by nothing else."""
    lab.certs.leaf(name, "rsa", name, san=san)
    p12 = os.path.join(folder, name + ".p12")
    subprocess.run(["openssl", "pkcs12", "-export", "-inkey", lab.certs.path(name + ".key"), "-in", lab.certs.path(name + ".pem"),
                    "-certfile", lab.certs.path("ca.pem"), "-name", name, "-passout", "pass:export", "-out", p12], check=True)
    return p12


def _credentials(lab, host, name, san=""):
    _p12(lab, name, host.dir + "/etc", san)
    host.type(f"ipsec initnss; echo export > /etc/password; ipsec import /etc/{name}.p12 -w /etc/password")


@scenario("howto.remote-access", needs_keyway=True)
def remote_access(lab):
    """A client that gets an address, name servers and all networks by a gateway with a certificate."""
    lab.b.stop()
    client, server = Host(lab, "ga", "client", "1.2.3.9"), Host(lab, "gb", "server", "1.2.3.4")
    try:
        _credentials(lab, server, "gw.example.com", ",IP:1.2.3.4")
        _credentials(lab, client, "myname.example.com")
        server.write("etc/ipsec.d/roadwarriors.conf", SERVER)
        client.write("etc/ipsec.d/to-vpn-server.conf", CLIENT)
        server.type("systemctl restart ipsec")
        capture(lab)
        client.type("systemctl restart ipsec")
        wait_for("the client to come by itself", lambda: _is_up(client, "to-vpn-server"), 20, 0.2)
        code, out = ping(client.node, "10.2.0.1", count=3, seconds=5)
        demand(code == 0, f"no ping: {out[-300:]} {client.journal()[-500:]}")
        line = wait_for("trafficstatus to count the pings", lambda: re.search(
            r"^006 #\d+: \"roadwarriors\"\[1\] 1\.2\.3\.9, type=ESP, add_time=\d+, inBytes=252, outBytes=252, maxBytes=2\^63B, "
            r"id='O=Keyway Lab, CN=myname\.example\.com', lease=100\.64\.13\.100/32$", server.type("ipsec trafficstatus"), re.M), 5)
        return f"{_judge(lab)}, {line[0]}"
    finally:
        for host in (client, server):
            host.clear()
