# SPDX-License-Identifier: Apache-2.0
"""Messages as a daemon sends them, with every key that swanctl knows, and with each one missing."""


def child(**keys):
    out = {"name": "net", "uniqueid": "2", "reqid": "1", "state": "INSTALLED", "mode": "TUNNEL", "protocol": "ESP",
           "spi-in": "c0000001", "spi-out": "c0000002", "encr-alg": "AES_GCM_16", "encr-keysize": "256", "bytes-in": "0",
           "packets-in": "0", "bytes-out": "0", "packets-out": "0", "rekey-time": "3000", "life-time": "3900",
           "install-time": "12", "local-ts": ["10.1.0.0/24"], "remote-ts": ["10.2.0.0/24"], **keys}
    return {k: v for k, v in out.items() if v is not None}


def ike(*children, **keys):
    out = {"uniqueid": "1", "version": "2", "state": "ESTABLISHED", "local-host": "10.9.0.1", "local-port": "4500",
           "local-id": "a", "remote-host": "10.9.0.2", "remote-port": "4500", "remote-id": "b", "initiator": "yes",
           "initiator-spi": "0123456789abcdef", "responder-spi": "fedcba9876543210", "encr-alg": "AES_CBC",
           "encr-keysize": "128", "integ-alg": "HMAC_SHA2_256_128", "prf-alg": "PRF_HMAC_SHA2_256",
           "dh-group": "CURVE_25519", "established": "12", "rekey-time": "13000", **keys,
           "child-sas": {f"net-{i}": c for i, c in enumerate(children)}}
    return {k: v for k, v in out.items() if v is not None}


IKE_MORE = {"remote-xauth-id": "xa", "remote-eap-id": "eap", "nat-local": "yes", "nat-remote": "yes", "nat-fake": "yes",
            "nat-any": "yes", "if-id-in": "0000002a", "if-id-out": "0000002b", "ppk": "yes", "integ-keysize": "12",
            "reauth-time": "777", "local-vips": ["10.3.0.1", "fd::1"], "remote-vips": ["10.3.0.7"],
            "tasks-queued": ["IKE_REKEY", "CHILD_CREATE"], "tasks-active": ["IKE_DPD"], "tasks-passive": ["IKE_MID"],
            "local-id": b"\x01\xff", "initiator": "no", "encr-keysize": "0", "rekey-time": "0", "state": "CONNECTING",
            "version": "1"}
IKE_ADDITIONAL = {"ake1": "ML_KEM_768", "ake2": "X", "ake7": "MODP_2048"}
CHILD_MORE = {"encap": "yes", "cpi-in": "0001", "cpi-out": "0002", "mark-in": "0000002a", "mark-mask-in": "0000ff00",
              "mark-out": "0000002b", "mark-mask-out": "000000ff", "if-id-in": "00000011", "if-id-out": "00000012",
              "integ-alg": "HMAC_SHA2_256_128", "integ-keysize": "4",
              "dh-group": "MODP_2048", "prf-alg": "PRF", "esn": "1", "bytes-in": "123456789012", "packets-in": "1234567",
              "use-in": "3", "bytes-out": "5", "packets-out": "6", "use-out": "99999", "state": "REKEYED", "mode": "TRANSPORT",
              "local-ts": ["10.1.0.0/24[tcp/http]", "fd01::/64", "10.0.0.1..10.0.0.7"], "remote-ts": []}

PER_CPU = ({"per-cpu-sas": "yes"}, {"per-cpu-sas": "yes", "cpu": "3"}, {"per-cpu-sas": "yes", "cpu": "0"}, {"cpu": "3"},
           {"per-cpu-sas": "no", "cpu": "3"})


def every_sa():
    """Events: an SA with everything, each key for itself, each key missing."""
    full = dict(CHILD_MORE, **{"remote-ts": ["x", "y"]})
    yield {"all": ike(child(**full), child(), child(name="other", uniqueid="77"), **IKE_MORE)}
    for key, value in IKE_MORE.items():
        yield {key: ike(**{key: value})}
    for key in ike():
        yield {"no-" + key: ike(**{key: None})}
    yield {"children": ike(*(child(**{key: value}) for key, value in CHILD_MORE.items()))}
    yield {"lacks": ike(*(child(**{key: None}) for key in child()))}
    yield {"one": ike(child()), "two": ike()}
    yield {"created": ike({"name": "net", "uniqueid": "2", "reqid": "1", "state": "CREATED", "mode": "TUNNEL",
                           "local-ts": ["dynamic"], "remote-ts": ["dynamic"]}), "gone": {"uniqueid": "3"}}


def round_of(**keys):
    return {"class": "EAP", "id": "a", "groups": [], "cert_policy": [], "certs": [], "cacerts": [], **keys}


ROUND_MORE = {"class": "XAuth", "eap-type": "MSCHAPV2", "eap-vendor": "5", "xauth": "pam", "revocation": "strict", "id": b"\xff",
              "ca_id": "ca", "aaa_id": "aaa", "eap_id": "eap", "xauth_id": "xau", "groups": ["g1", "g2"],
              "cert_policy": ["1.2.3", "1.2.4"], "certs": ["CN=x", "C=CH, CN=y"], "cacerts": ["CN=ca", "CN=ca2"]}


def conn_child(**keys):
    out = {"mode": "TUNNEL", "rekey_time": "3600", "rekey_bytes": "0", "rekey_packets": "0", "dpd_action": "clear",
           "close_action": "none", "local-ts": ["10.1.0.0/24"], "remote-ts": ["10.2.0.0/24", "dynamic"], **keys}
    return {k: v for k, v in out.items() if v is not None}


def conn(children=None, first=None, **keys):
    out = {"local_addrs": ["10.9.0.1"], "remote_addrs": ["10.9.0.2", "10.9.0.3"], "version": "IKEv2", "reauth_time": "0",
           "rekey_time": "14400", "unique": "UNIQUE_NO", **(first or {}), "local-1": round_of(**{"class": "pre-shared key"}),
           "remote-1": round_of(**{"class": "public key"}), "children": {"net": conn_child()} if children is None else children,
           **keys}
    return {k: v for k, v in out.items() if v is not None}


CONN_MORE = {"local_port": "500", "remote_port": "500", "dpd_delay": "30", "dpd_timeout": "150", "ppk_id": "foo",
             "ppk_required": "yes", "local_addrs": [], "remote_addrs": [b"\xff", "ok"], "version": "IKEv1/2",
             "reauth_time": "3600", "rekey_time": "0", "unique": "UNIQUE_REPLACE", "foo": {"class": "x"},
             "localx": {"class": "l"}, "Remote2": {"class": "u"}}
CONN_CHILD_MORE = {"mode": "PASS", "rekey_time": "0", "rekey_bytes": "1000", "rekey_packets": "2000", "dpd_action": "restart",
                   "close_action": "start", "interface": "eth0", "priority": "7", "local-ts": [], "remote-ts": ["a", b"\x01"]}


def every_conn():
    yield {"plain": conn(), "again": conn(children={})}
    for key in conn():
        yield {"no-" + key: conn(**{key: None})}
    for key, value in CONN_MORE.items():
        yield {key: conn(first={key: value})}
    for key, value in ROUND_MORE.items():
        yield {key: conn(**{"local-1": round_of(**{key: value}), "remote-1": {key: value}})}
    yield {"rounds": conn(**{"local-1": ROUND_MORE, "local-2": round_of(), "remote-2": {}})}
    children = {k: conn_child(**{k: v}) for k, v in CONN_CHILD_MORE.items()}
    children.update({"no-" + k: conn_child(**{k: None}) for k in conn_child()})
    children["all"] = conn_child(**{**CONN_CHILD_MORE, "rekey_time": "1"})
    yield {"children": conn(children)}
    yield {"dpd": conn(children, {"dpd_delay": "30", "ppk_id": "x", "ppk_required": "yes"})}
    yield {"no-dpd": conn(None, {"dpd_delay": "0", "ppk_id": ""})}
    for reauth in ("0", "3600"):
        for rekey in ("0", "7200"):
            yield {f"v1-{reauth}-{rekey}": conn(version="IKEv1", reauth_time=reauth, rekey_time=rekey)}
    yield {"empty": {}}
