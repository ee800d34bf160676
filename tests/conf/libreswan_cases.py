# SPDX-License-Identifier: Apache-2.0
"""Small files in Libreswan's dialect: the grammar, values of one key each, and the corpus. See compare_libreswan.py."""
import glob
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

BASE = {"left": "192.0.2.1", "right": "192.0.2.2", "authby": "secret", "auto": "add"}


def conn(**keys):
    return "conn t\n" + "".join(f" {k}={v}\n" for k, v in keys.items())


PLAIN = conn(**BASE)

# the grammar
TEXTS = {
    "unknown": PLAIN + " foo=bar\n",
    "case": PLAIN + " IkeLifetime=1h\n",
    "dash-end": PLAIN + " left-subnet=10.0.0.0/8\n",
    "underscore": PLAIN + " dpd_delay=10\n ike_lifetime=1h\n",
    "dup": PLAIN + " ikelifetime=1h\n ikelifetime=2h\n",
    "blank-value": PLAIN + " leftid=a b\n",
    "empty": PLAIN + " leftid=\n",
    "empty-updown": PLAIN + " leftupdown=\n",
    "quoted": PLAIN + " leftid=\"@west\"\n",
    "single-quoted": PLAIN + " leftid='@west'\n",
    "unindented": "conn t\nleft=192.0.2.1\nright=192.0.2.2\n",
    "orphan": " left=1.2.3.4\n" + PLAIN,
    "indented-conn": " " + PLAIN,
    "twice": PLAIN + "conn t\n left=192.0.2.1\n right=192.0.2.2\n authby=secret\n auto=add\n",
    "twice-different": PLAIN + "conn t\n left=192.0.2.1\n right=192.0.2.2\n authby=secret\n auto=add\n ikelifetime=1h\n",
    "also-missing": PLAIN + " also=nobody\n",
    "also-self": PLAIN + " also=t\n",
    "also-ring": PLAIN + " also=u\nconn u\n also=t\n",
    "default-twice": "conn %default\n ikelifetime=1h\nconn %default\n ikelifetime=2h\n" + PLAIN,
    "no-right": "conn t\n left=192.0.2.1\n auto=add\n",
    "no-left": "conn t\n right=192.0.2.1\n auto=add\n",
    "empty-file": "",
    "only-setup": "config setup\n",
    "config-other": "config foo\n",
    "ca-section": "ca x\n cacert=x\n",
    "version": "version 2.0\n" + PLAIN,
    "version2": "version 2\n" + PLAIN,
    "garbage": "hello world\n",
    "no-equals": PLAIN + " leftid\n",
    "comment-indented": "conn t\n # x\n left=192.0.2.1\n right=192.0.2.2\n authby=secret\n auto=add\n",
    "comment-value": PLAIN + " leftid=@a # x\n",
    "hash-value": PLAIN + " leftid=@#0a0b\n",
    "comment-glued": PLAIN + " leftid=@a#x\n",
    "multi-line": PLAIN + " leftid=\"@a\n  b\"\n",
    "name-blank": "conn a b\n left=192.0.2.1\n right=192.0.2.2\n authby=secret\n auto=add\n",
    "noname": "conn\n left=192.0.2.1\n right=192.0.2.2\n authby=secret\n auto=add\n",
    "quoted-name": "conn \"t\"\n left=192.0.2.1\n right=192.0.2.2\n authby=secret\n auto=add\n",
    "crlf": "conn t\r\n left=192.0.2.1\r\n right=192.0.2.2\r\n authby=secret\r\n auto=add\r\n",
    "tab": "conn t\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tauthby=secret\n\tauto=add\n",
    "spaces-equals": "conn t\n left = 192.0.2.1\n right = 192.0.2.2\n auto = add\n",
    "include-none": "include /nonexistent/*.conf\n" + PLAIN,
    "include-none2": "include /nonexistent/x.conf\n" + PLAIN,
    "indent-include": PLAIN + " include /nonexistent/*\n",
    "xcomment": PLAIN + " x-foo=bar\n x_bar=1\n",
    "braces": PLAIN + " leftsubnets={10.0.0.0/8 11.0.0.0/8}\n",
    "braces-list": PLAIN + " leftsubnets={10.0.0.0/8,11.0.0.0/8}\n",
    "ah-alone": conn(**BASE, ah="sha2_256"),
    "no-newline": "conn t\n left=192.0.2.1\n right=192.0.2.2\n authby=secret\n auto=add",
}

# values of one key of a connection
VALUES = {
    "auto": ["add", "ondemand", "route", "start", "up", "keep", "ignore", "maybe", ""],
    "ikev2": ["yes", "no", "insist", "never", "permit", "propose", "maybe"],
    "keyexchange": ["ike", "ikev1", "ikev2", "foo"],
    "authby": [
        "secret", "rsasig", "rsa", "ecdsa", "eddsa", "null", "never", "rsa-sha1", "rsa-sha2", "rsa-sha2_256",
        "rsa-sha2_512", "ecdsa-sha2_384", "secret,rsasig", "\"secret rsasig\"", "psk", "pubkey", "foo", "xauthpsk"],
    "type": ["tunnel", "transport", "passthrough", "pass", "drop", "reject", "beet", "transport_proxy"],
    "fragmentation": ["yes", "no", "force", "insist", "never", "accept"],
    "encapsulation": ["yes", "no", "auto", "maybe"],
    "dpdaction": ["hold", "clear", "restart", "restart_by_peer", "none", "trap", "foo"],
    "dpddelay": ["30", "30s", "1m", "1d", "x", "1.5s", "-1", "500ms"],
    "dpdtimeout": ["120"],
    "ikelifetime": ["8h", "3600", "1w", "0", "25h", "100d", "x", "1h30m"],
    "salifetime": ["1h"],
    "keylife": ["1h"],
    "lifetime": ["1h"],
    "ipsec-lifetime": ["1h"],
    "rekeymargin": ["9m"],
    "rekeyfuzz": ["100%", "50", "200%", "x"],
    "rekey": ["yes", "no", "maybe", "1"],
    "reauth": ["yes"],
    "pfs": ["yes", "no", "on", "off", "true", "y"],
    "compress": ["yes"],
    "mobike": ["yes", "no"],
    "esn": ["yes", "no", "either", "maybe"],
    "replay-window": ["0", "128", "64", "-1", "x", "1000000"],
    "keyingtries": ["3", "%forever", "0"],
    "phase2": ["esp", "ah", "foo"],
    "ike": [
        "aes256-sha2", "aes256-sha2_512;modp2048", "aes256-sha2;dh14", "aes_gcm256", "aes_gcm", "aes-sha1-modp1024",
        "aes256-sha256-modp2048!", "foo", "aes-128-sha1", "3des-sha1", "aes256gcm16-prfsha256-ecp256",
        "aes_gcm_16_256-sha2", "null-sha1", "camellia", "chacha20_poly1305", "aes256-sha2+sha1;modp2048+dh19",
        "aes256", "aes256;modp2048", "-sha1", "aes256-", "aes,", "aes256-md5", "aes256-sha2-modp9999", "aes192",
        "aes512", "aes256-sha2;dh22", "aes_ctr256-sha2", "aes256-sha2;curve25519", "aes256-sha2_256-dh31"],
    "esp": [
        "aes256-sha2", "aes_gcm256", "aes_gcm256-null", "aes256-sha1;modp2048", "aes256-sha2_512-modp2048",
        "null-sha1", "aes_gmac", "null_auth_aes_gmac_256", "aes256-sha256!", "foo", "aes", "aes-none", "aes256gcm16",
        "3des-md5", "chacha20_poly1305-none", "aes_ccm", "aes_ccm_a-null", "aes256-sha2,aes128-sha1",
        "null-none", "aes256-sha2;none", "aes256-sha2;dh22"],
    "ah": ["sha2_256", "sha1;modp2048", "foo", "null"],
    "leftid": [
        "@west", "west.example", "user@example", "@[keyid]", "\"C=CH, O=x, CN=y\"", "%fromcert", "%any", "%none",
        "%null", "192.0.2.9", "2001:db8::1", "@@x", "%foo", "\"C=CH,O=x\\, y\"", "nocomma=x"],
    "leftsubnet": [
        "10.0.0.0/8", "10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "10.1.0.0/16,10.2.0.0/16", "2001:db8::/32", "0/0",
        "0.0.0.0/0", "vhost:%no,%priv", "10.0.0.0/8/tcp/22", "%dynamic", "foo"],
    "leftsubnets": ["10.0.0.0/8 11.0.0.0/8", "\"10.0.0.0/8, 11.0.0.0/8\"", "10.0.0.0/8,11.0.0.0/8"],
    "leftprotoport": [
        "17/1701", "udp/l2tp", "17/%any", "tcp", "icmp/2048", "6", "foo", "17/foo", "udp/70000", "tcp/1000-2000"],
    "leftsourceip": ["10.0.0.1", "%config", "10.0.0.0/24"],
    "rightaddresspool": ["10.3.0.1-10.3.0.9", "10.3.0.0/24", "10.3.0.9-10.3.0.1", "foo", "10.3.0.1"],
    "left": [
        "%defaultroute", "%any", "%eth0", "%group", "%opportunistic", "host.example", "2001:db8::1", "192.0.2.300",
        "192.0.2.0/24", "1.1.1.1,2.2.2.2"],
    "leftca": ["\"C=CH, O=x\"", "%same", "foo"],
    "leftauth": ["rsasig", "secret", "null", "eaponly"],
    "leftsendcert": ["always", "yes", "sendifasked", "no", "never", "maybe"],
    "leftrsasigkey": ["%cert", "%dns", "%none", "0sAQPl", "foo", "0x0103"],
    "leftckaid": ["abcd", "xyz"],
    "leftcert": ["nick"],
    "leftupdown": ["/bin/x", "\"ipsec _updown --x\"", "%disabled"],
    "leftxauthserver": ["yes"],
    "leftmodecfgclient": ["yes"],
    "leftikeport": ["1500", "0", "70000"],
    "leftnexthop": ["%defaultroute", "192.0.2.254"],
    "modecfgdns": ["1.2.3.4", "\"1.2.3.4, 5.6.7.8\"", "\"1.2.3.4 5.6.7.8\"", "foo"],
    "modecfgdomains": ["\"a.example, b.example\""],
    "modecfgpull": ["yes"],
    "narrowing": ["yes"],
    "ppk": ["yes", "insist", "no", "permit", "propose", "always", "never", "x"],
    "mark": ["5", "5/0xff", "-1", "foo"],
    "reqid": ["5", "16380", "x"],
    "priority": ["5"],
    "mtu": ["1400"],
    "metric": ["1"],
    "tfc": ["500", "%mtu"],
    "ipsec-interface": ["yes", "5", "no"],
    "vti-interface": ["vti0"],
    "nic-offload": ["yes", "no", "auto", "packet", "crypto"],
    "failureshunt": ["none", "passthrough", "drop", "reject"],
    "negotiationshunt": ["hold", "drop", "passthrough"],
    "enable-tcp": ["yes", "no", "fallback", "x"],
    "tcp-remoteport": ["4500", "0", "70000"],
    "sha2-truncbug": ["yes"],
    "overlapip": ["yes"],
    "connalias": ["x"],
    "hostaddrfamily": ["ipv4", "ipv6", "v4"],
    "sec-label": ["x"],
    "debug": ["all"],
    "xauthby": ["file", "pam", "alwaysok"],
    "initial-contact": ["yes"],
    "intermediate": ["yes"],
    "session-resumption": ["yes"],
    "redirect-to": ["192.0.2.9"],
    "send-redirect": ["yes", "auto"],
    "accept-redirect": ["yes"],
    "decap-dscp": ["yes"],
    "encap-dscp": ["yes"],
    "nopmtudisc": ["yes"],
    "aggressive": ["yes", "no"],
    "cisco-unity": ["yes"],
    "iptfs": ["yes", "no", "x"],
    "iptfs-fragmentation": ["no", "yes"],
    "iptfs-packet-size": ["1300", "1k"],
    "iptfs-max-queue-size": ["100000"],
    "iptfs-init-delay": ["1s", "100ms"],
    "iptfs-drop-time": ["2s", "0.2"],
    "iptfs-reorder-window": ["16"],
    "retransmit-timeout": ["60s"],
    "retransmit-interval": ["500", "500ms"],
    "nat-keepalive": ["yes"],
    "dns-match-id": ["yes"],
    "dns-match-id,": ["yes"],
    "ipsec-max-bytes": ["1GiB", "1000", "1GB"],
    "ipsec-max-packets": ["1000", "1k"],
    "sendca": ["all", "none", "issuer"],
    "leftautheap": ["tls", "none"],
}

SETUP = {
    "uniqueids": ["yes", "no", "never", "keep"],
    "plutodebug": ["all", "none", "\"base tmi\"", "foo"],
    "logfile": ["/x"],
    "nssdir": ["/x"],
    "virtual-private": ["%v4:10.0.0.0/8"],
    "virtual_private": ["%v4:10.0.0.0/8"],
    "protostack": ["xfrm", "netkey", "klips", "auto"],
    "nhelpers": ["0", "-1"],
    "ikev1-policy": ["accept", "drop", "reject", "x"],
    "crl-strict": ["yes"],
    "interfaces": ["%defaultroute"],
    "dumpdir": ["/x"],
    "listen": ["1.2.3.4"],
    "listen-tcp": ["yes"],
    "listen-udp": ["no"],
    "keep-alive": ["20", "20s"],
    "ddos-mode": ["auto", "busy", "x"],
    "max-halfopen-ike": ["5"],
    "ocsp-enable": ["yes"],
    "ocsp-method": ["get"],
    "global-redirect": ["yes", "auto"],
    "syslog": ["x"],
    "plutostderrlog": ["/x"],
    "myvendorid": ["x"],
    "shuntlifetime": ["15m"],
    "audit-log": ["yes"],
    "dnssec-enable": ["no"],
    "foo": ["x"],
    "logip": ["no"],
    "statsbin": ["/x"],
    "secretsfile": ["/x"],
    "ipsecdir": ["/x"],
    "curl-timeout": ["5s"],
    "xfrmlifetime": ["30s"],
}


def cases():
    for name, text in TEXTS.items():
        yield name, text
    for key, values in VALUES.items():
        for value in values:
            phase2 = {"phase2": "ah"} if key == "ah" else {}  # 5.3's ah= says that itself
            yield f"{key}={value}", conn(**{**BASE, **phase2, key: value})
    for key, values in SETUP.items():
        for value in values:
            yield f"setup {key}={value}", f"config setup\n {key}={value}\n" + PLAIN
    for path in sorted(glob.glob(os.path.join(ROOT, "tests/conf/ipsec/lib-*.conf"))):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if not text.startswith("==== "):
            yield os.path.basename(path), text
