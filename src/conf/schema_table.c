/* SPDX-License-Identifier: Apache-2.0 */
/* The rows: see schema.h. A row has a destination (FIELD or a setter) exactly when it takes effect; a refused
 * row says why, and which values are fine because they ask for what happens anyway. */
#include "conf/logging.h"
#include "conf/schema.h"

/* clang-format off */
#define FIELD(type, field) .offset = offsetof(struct type, field), .size = sizeof(((struct type *)0)->field)
#define CONN(field)  FIELD(connection, field)
#define CHILD(field) FIELD(child_config, field)
#define SET(field)   FIELD(settings, field)
#define SIDE(field)  FIELD(auth_side, field)
#define REFUSE(why)  .status = REFUSED, .reason = why

static const char v1[] = "IKEv1 is not built yet", eap[] = "EAP and XAUTH are not built yet";
static const char tokens[] = "authorities are not read from tokens: put the certificate into a file";
static const char peers_only[] = "it makes demands on the peer: put it into the remote section",
                  mediation[] = "mediation is not supported", labels[] = "security labels are not built yet";

static const struct schema_word versions[] = {{"0", 0, NULL}, {"2", 2, NULL}, {"1", 1, v1}, {NULL}};
static const struct schema_word frag_words[] = {{"yes", FRAG_YES, NULL}, {"accept", FRAG_ACCEPT, NULL},
    {"no", FRAG_NO, NULL}, {"force", 0, "it is for IKEv1 only"}, {NULL}};
static const struct schema_word ocsp_words[] = {{"never", 0, NULL}, {"request", OCSP_ASK, NULL}, {"reply", OCSP_TELL, NULL},
    {"both", OCSP_ASK | OCSP_TELL, NULL}, {NULL}};
#define OCSP_DOC "OCSP responses in IKE (RFC 4806). request: the peer is asked to send one about its certificate; reply: it is sent one about " \
    "ours when it asks, which is fetched when the configuration is loaded and again before it ends, from where the certificate or its authority " \
    "says; both; never. One that comes is used in any case"
static const struct schema_word revocation_words[] = {{"relaxed", REVOCATION_RELAXED, NULL}, {"ifuri", REVOCATION_IFURI, NULL},
    {"strict", REVOCATION_STRICT, NULL}, {NULL}};
#define REVOCATION_DOC "what to do when it is not known whether a certificate of the peer's path is revoked, because no current CRL or OCSP " \
    "response is there or can be had: relaxed takes it, strict does not, ifuri does not where the certificate or its authority " \
    "says where to ask. One that is known to be revoked is always refused. CRLs lie in x509crl/ or are fetched (http, https, ldap; file for the " \
    "addresses of authorities), OCSP is asked first; an answer is waited for 12 seconds at most"
static const struct schema_word cert_words[] = {{"ifasked", SEND_CERT_IFASKED, NULL}, {"always", SEND_CERT_ALWAYS, NULL},
    {"never", SEND_CERT_NEVER, NULL}, {NULL}};
static const struct schema_word encap_words[] = {{"auto", ENCAP_AUTO, NULL}, {"no", ENCAP_NO, NULL},
    {"yes", ENCAP_YES, NULL}, {"false", ENCAP_NO, NULL}, {"true", ENCAP_YES, NULL}, {"0", ENCAP_NO, NULL},
    {"1", ENCAP_YES, NULL}, {NULL}};
static const struct schema_word dataplanes[] = {{"auto", DATAPLANE_AUTO, NULL}, {"user", DATAPLANE_USER, NULL},
    {"kernel", DATAPLANE_KERNEL, NULL}, {NULL}};
#define DATAPLANE_DOC "who carries the packets of connections that do not say it themselves. kernel: the kernel's IPsec (XFRM), as other daemons " \
    "do it; user: threads of this daemon and a TUN device; auto: the kernel where it can, and userspace for connections that need what only " \
    "that does (TCP encapsulation, traffic classes). With kernel or user a connection that needs the other is refused, with the reason"
#define KERNEL_ONLY "Only the kernel's data plane does that: see dataplane"
static const struct schema_word offload_words[] = {{"no", OFFLOAD_NO, NULL}, {"crypto", OFFLOAD_CRYPTO, NULL}, {"yes", OFFLOAD_CRYPTO, NULL},
    {"packet", OFFLOAD_PACKET, NULL}, {"auto", OFFLOAD_AUTO, NULL}, {NULL}};
static const struct schema_word interface_words[] = {{"xfrm", INTERFACE_XFRM, NULL}, {"vti", INTERFACE_VTI, NULL}, {NULL}};
#define INTERFACE_DOC "interface that Keyway makes while the connection is loaded, for the packets of the child: what is routed there is " \
    "sealed, what was opened comes out of it. Children may share one. One that is there already is used and left as it is. " KERNEL_ONLY
#define OFFLOAD_DOC "encryption by the network card. crypto: ciphers alone (yes is the same); packet: the policies, too; auto: the most that the card, or else " \
    "nobody but the processor, takes, which is logged. " KERNEL_ONLY
static const struct schema_word per_cpu_words[] = {{"no", PER_CPU_NO, NULL}, {"yes", PER_CPU_YES, NULL},
    {"encap", PER_CPU_ENCAP, NULL}, {NULL}};
#define PER_CPU_DOC "SAs for each processor (RFC 9611), where the peer wants them too: beside the first one, which serves all, each processor that " \
    "sends gets one of its own when it sends. encap: where ESP is in UDP, each of them is sent from a port of its own, by which the peer's " \
    "network card can spread them. The kernel's data plane binds SAs to processors, from Linux 6.13 on. Elsewhere one SA is made, and those " \
    "that the peer makes are taken; with dataplane = kernel the connection is refused there"
#define CONN_DATAPLANE_DOC "who carries its packets: kernel, user, or, with auto, whoever dataplane of the section keyway says"
static const struct schema_word tcp_words[] = {{"no", TCP_NO, NULL}, {"always", TCP_ALWAYS, NULL},
    {"fallback", TCP_FALLBACK, NULL}, {"yes", TCP_ALWAYS, NULL}, {NULL}};
#define TCP_DOC "IKE and ESP in a TCP connection to the peer (RFC 9329), when we begin. fallback: after UDP has stayed " \
    "without an answer for 8 seconds, and with mobike under a living connection, too; always: from the start. Peers that begin may use TCP wherever listen_tcp says so"
#define LISTEN_TCP_DOC "TCP ports on which peers may send IKE and ESP in TCP (RFC 9329): no, yes for port 4500, or up to " \
    "eight ports, separated by commas"
#define ESP_PATH_DOC "how ESP that is not in UDP is sent and received. packet: by packet sockets, which is faster, and " \
    "which netfilter does not see but for its ingress and egress hooks; raw: by raw sockets; auto: packet as long as " \
    "neither nftables nor iptables has a chain at the hooks prerouting, input, output and postrouting, else raw"
#define PAD_DOC "in place of secret: a one-time pad, the same file of random bytes at both ends, readable and writable by its owner only. " \
    "Each new IKE SA (not its rekeys) takes 32 bytes of it, which are overwritten with zeros, and the file synced, before " \
    "they are used; 32 zeros are a piece that was used. 1 MiB is enough for 32768 IKE SAs: head -c 1M /dev/urandom. " \
    "The responder is told the piece's number (PPK_ID_OPAQUE, the PPK's name, a colon, the number in decimal), so that a crash " \
    "or a lost message costs pieces and nothing else. A failed attempt costs a piece. Put it where overwritten blocks are gone: " \
    "not every file system and medium forgets them"
#define PPK_ID_DOC "the postquantum preshared key (RFC 8784) that we begin IKE SAs with, and the only one that is taken " \
    "from the peer; without it a peer may use any of secrets.ppk..., and we begin without"
#define PPK_REQUIRED_DOC "whether an IKE SA may not come up without a PPK. Else both ends go on without when one of them has none, " \
    "which is logged"
#define ENCAP_DOC "ESP in UDP without a NAT, too. yes: asked for by letting the peer see a NAT; no: only behind a real " \
    "NAT, or where the peer asks; auto: as yes where ESP runs in userspace (see dataplane), where it is several times faster than " \
    "protocol 50, and else as no; a peer to which UDP port 4500 does not pass is tried without. strongSwan knows yes and no, " \
    "and no is its default, but for its own userspace ESP, which has no other form"
#define RESUME_DOC "session resumption (RFC 5723): whether an IKE SA that was lost, and not deleted, is made anew with a ticket from " \
    "before, without a key exchange and without certificates or secrets being checked again. The end that begins asks for " \
    "tickets, the other gives and takes them, also after a restart; a ticket is good once, for an hour at most, and as long as " \
    "the connection and its preshared key are unchanged. Tickets are sealed with the file keyway/secret in /var/lib: who gets " \
    "that can read the keys of sessions whose tickets were seen on the wire"
#define MSGID_SYNC_DOC "whether a peer that is a cluster of gateways may say, after one of them took over from another, with " \
    "which message IDs the IKE SA goes on, and how many sequence numbers its children leave out (RFC 6311), so that they need " \
    "not be made anew. For peers that are a hot standby cluster"
#define WINDOW_DOC "how many requests each end may have under way at once, if the peer announces as much (RFC 7296 section 2.3): " \
    "with more than 1 the children of a connection are made in parallel, which pays where there are many of them and " \
    "the peer is far away"
#define CRASH_DOC "quick crash detection (RFC 6290): each end gives the other a token, and shows it when it is asked something " \
    "about an IKE SA that it has not any more, so that the other end need not wait until liveness checks time out. Tokens " \
    "are made of the file keyway/secret in /var/lib, which no other machine may have: take it out of disk images that are copied"
#define HASH_AND_URL_DOC "whether peers may tell the address and the hash of their certificate instead of sending it (hash and URL, RFC 7296 " \
    "section 3.6), which is then fetched before anything about the peer is proved: over http alone, without redirections, " \
    "up to six for a peer, 128 KiB each, within 12 seconds, and used only if the hash is right. " \
    "Anybody who reaches the gateway can make it ask any web server that it can reach, without seeing the answer. Our own certificates are told so " \
    "where cert_uri_base of authorities says where they are and the peer asks for it, whatever this key says"
#define CERT_URI_DOC "where certificates of this authority are that we authenticate with: http://.., to which the SHA-1 hash of the certificate (DER), " \
    "as 40 hex digits, is added. Peers that can fetch (RFC 7296 section 3.6) are told that instead of being sent them"
#define CLASS_DOC "the traffic class of the child: which DSCP values its packets have, by name (ef, af41, cs6, be, ...), as numbers " \
    "from 0 to 63, or as six binary digits, between commas. For several children with the same selectors, so that packets that the network " \
    "reorders by their class are not dropped by one replay window (RFC 4301 section 4.1). Only what is sent is sorted: it is not " \
    "negotiated, and the peer may sort otherwise or not at all. The child without the key carries the rest, and all of a class " \
    "that is not up; where there is no such child, any of the others does. A class with a trap is started by its first packet, " \
    "which does not wait for it where the rest is up"
static const struct schema_word mode_words[] = {{"tunnel", MODE_TUNNEL, NULL}, {"transport", MODE_TRANSPORT, NULL},
    {"beet", MODE_BEET, NULL}, {"iptfs", MODE_IPTFS, NULL}, {"transport_proxy", 0, "mobile IPv6 proxies are not supported"},
    {"pass", MODE_PASS, NULL}, {"drop", MODE_DROP, NULL},
    {"reject", MODE_REJECT, NULL}, {NULL}};
#define MODE_DOC "what of a packet ESP carries: tunnel, all of it; transport, what follows the IP header, between the " \
    "two gateways' own addresses alone; beet, the same between two other addresses; iptfs, several packets, or parts " \
    "of them (RFC 9347), which only the kernel's data plane does, from Linux 6.14 on with CONFIG_XFRM_IPTFS. A peer may decline the latter " \
    "three, which makes a tunnel. Where all of a peer's own address is protected, IPv4's reverse path filter must not be " \
    "strict (net.ipv4.conf.*.rp_filter: 2 or 0), or the kernel drops what that peer sends, which is logged. " \
    "pass, drop and reject are for packets that are to go past all tunnels, or nowhere (reject: whoever sends them is told); nothing is " \
    "negotiated about them, and they are in force from start_action = trap, or a command, on. pass comes before all tunnels, drop and " \
    "reject after them. They are routing rules: what is forwarded and what this machine sends; what is sent to it is not looked at"
static const struct schema_word dpd_words[] = {{"clear", DPD_CLEAR, NULL}, {"restart", DPD_RESTART, NULL},
    {"none", DPD_CLEAR, NULL}, {"start", DPD_RESTART, NULL}, {"trap", DPD_TRAP, NULL}, {"route", DPD_TRAP, NULL}, {NULL}};
static const struct schema_word start_words[] = {{"none", START_NONE, NULL}, {"start", START_START, NULL},
    {"clear", START_NONE, NULL}, {"restart", START_START, NULL}, {"trap", START_TRAP, NULL}, {"route", START_TRAP, NULL},
    {"trap|start", START_BOTH, NULL}, {"start|trap", START_BOTH, NULL}, {NULL}};
static const struct schema_word close_words[] = {{"none", START_NONE, NULL}, {"clear", START_NONE, NULL},
    {"start", START_START, NULL}, {"restart", START_START, NULL}, {"trap", START_TRAP, NULL}, {"route", START_TRAP, NULL}, {NULL}};
static const struct schema_word updown_styles[] = {{"strongswan", UPDOWN_STRONGSWAN, NULL},
                                                  {"libreswan", UPDOWN_LIBRESWAN, NULL}, {NULL}};
static const struct schema_word unique_words[] = {{"no", UNIQUE_NO, NULL}, {"never", UNIQUE_NEVER, NULL},
    {"keep", UNIQUE_KEEP, NULL}, {"replace", UNIQUE_REPLACE, NULL}, {NULL}};
static const struct schema_word childless_words[] = {{"allow", CHILDLESS_ALLOW, NULL}, {"never", CHILDLESS_NEVER, NULL},
    {"prefer", CHILDLESS_PREFER, NULL}, {"force", CHILDLESS_FORCE, NULL}, {NULL}};
static const struct schema_word redirect_words[] = {{"init", REDIRECT_INIT, NULL}, {"auth", REDIRECT_AUTH, NULL}, {NULL}};
#define REDIRECT_DOC "address or name of the gateway that clients are sent to instead of being served here; those that do not " \
    "follow redirects (RFC 5685), and those that come from there, are served. A name is not to be this gateway's own. " \
    "vici's command redirect (swanctl --redirect) sends away who is up"
#define REDIRECT_WHEN_DOC "when clients are sent there. init: at once, where this is the connection that their address and " \
    "proposals lead to; auth: once they have proved who they are"
#define CHILDLESS_DOC "whether the IKE SA is made without its first child, which then follows in an exchange of its own, with its " \
    "own key exchange. allow: a peer may begin so; prefer: so do we where the peer takes it; force: neither side begins in " \
    "another way; never: no peer may"
#define UNIQUE_DOC "what becomes of several IKE SAs with the same two identities. replace: the newer one stays; keep: the " \
    "older one, unless it turns out to be dead; no: both, but one that says INITIAL_CONTACT ends the others, and two that " \
    "a pair of hosts has made at once become one; never: INITIAL_CONTACT is not believed and not said, for hosts that " \
    "share an identity"
#define FIREWALL_DOC "whether the machine's own firewall lets the child's traffic pass while it is up: accept rules for packets " \
    "between its selectors from and to the tunnel's device, at the head of each of nftables' base chains at the hooks forward, input " \
    "and output (iptables as nftables has them, too) that drops by its policy or has the priority filter or a later one. What they accept is not looked at by the rest of that chain. " \
    "They go with the child, and come back when somebody loads the ruleset anew meanwhile. Rules of iptables-legacy are not touched"
#define START_DOC "what happens when the connection is loaded. start: it comes up; trap: it comes up with the first packet " \
    "for it, which waits for it (route is the same); trap|start: both"

static const struct schema_word dscp_words[] = {{"out", DSCP_OUT, NULL}, {"in", DSCP_IN, NULL}, {"yes", DSCP_YES, NULL},
    {"no", DSCP_NO, NULL}, {NULL}};

#define AUTH_DOC "how this side proves itself: psk; pubkey with constraints such as pubkey-sha256, rsa-2048, " \
    "ike:rsa/pss-sha256; or null (RFC 7619): it does not, and is nobody. A peer that is nobody and begins gets its own address or a " \
    "virtual one and no other selectors, does not end other IKE SAs by INITIAL_CONTACT, and there are few of them (null_auth_limit). " \
    "Everybody can be in its place, and where both are nobody in the middle, too; a psk of the other side can then be guessed at by everybody"

#define ROUND_DOC "place of this round of authentication (RFC 4739) among those of its side, where there are several: sections whose " \
    "names begin alike (local-1, local-2), at most 4, in the order of these numbers and then as they stand in the file. Each " \
    "side goes through all of its own, and the peer has to go through all that stand here, neither less nor more. The last identity is what " \
    "virtual addresses and unique go by"

#define PUBKEYS_DOC "raw public keys (RFC 7670) in place of certificates: local: ours, of which the private key is loaded, too; " \
    "remote: one of these is the peer's. Files below pubkey/, or 0x.. and 0s.. of them: PEM or DER of a public key, OpenSSH's, " \
    "RFC 3110's (what Libreswan calls leftrsasigkey), or a DNSKEY or IPSECKEY record. In a remote section also dns: the peer's " \
    "keys are the IPSECKEY records (RFC 4025) of its identity, which has to be a host's name, or an address (whose reverse name is " \
    "asked for), and which has to be set: %any lets everybody in who has a signed name. " \
    "Only answers that DNSSEC proves are taken; they are asked for at each authentication, cached as long as they say, and waited for " \
    "8 seconds at most. See dns_trust_anchors and dns_resolv_conf of the daemon"
#define DNS_KEYS_DOC "whether DNS is asked for the public keys of all peers of which nothing else says how they prove themselves: their " \
    "remote section has an id, and neither pubkeys, certs nor cacerts, and they send no certificate. pubkeys = dns says it of one peer"
#define DNS_ANCHORS_DOC "files with the DS or DNSKEY records, as in a zone, that DNSSEC's proofs begin with, separated by commas: of the " \
    "root, or of zones of one's own that no other zone vouches for"
#define DNS_ANCHORS_DEF "the first that exists of /etc/ipsec.d/dnssec.keys, /usr/share/dns/root.key, /var/lib/unbound/root.key"
#define DNS_RESOLV_DOC "file that names the name servers which are asked for public keys of peers; they have to pass on what DNSSEC needs, but " \
    "need not check it. One that names none: the root's servers are asked"

/* What local and remote sections have in common. */
#define AUTH_ROWS(scope_, id_default) \
    {scope_, "auth", .kind = KIND_TEXT, .def = "pubkey", .set = set_auth, .example = "psk", .doc = AUTH_DOC}, \
    {scope_, "id", .kind = KIND_TEXT, .set = set_id, .computed = id_default, .example = "fqdn:other.example", .doc = ID_DOC}, \
    {scope_, "round", .kind = KIND_NUMBER, .def = "0", .max = UINT16_MAX, SIDE(round), .example = "2", .doc = ROUND_DOC}, \
    {scope_, "eap_id", .kind = KIND_TEXT, REFUSE(eap), .doc = "EAP identity"}, \
    {scope_, "xauth_id", .kind = KIND_TEXT, REFUSE(eap), .doc = "XAUTH user"}, \
    {scope_, "aaa_id", .kind = KIND_TEXT, REFUSE(eap), .doc = "identity expected of the server inside EAP-TLS"}, \
    {scope_, "certs", .kind = KIND_TEXT, .set = set_certs, .example = "0x00", .doc = "certificates: files below x509/, or blobs"}, \
    {scope_, "pubkeys", .kind = KIND_TEXT, .set = set_pubkeys, .example = "0sAAAAC3NzaC1lZDI1NTE5AAAAID3cidexkT4JyvzvqWL94VFJhKgFeIVSCCjjFSNcCvzW", .doc = PUBKEYS_DOC}

#define ID_DOC "identity of this side. remote: with a % in front it is what the peer's certificate has to say, while the peer, " \
    "which is not asked for it, may call itself otherwise"

#define GROUPS_DOC "groups of which the peer must be in one, as an attribute certificate (RFC 5755) for its certificate says: one that it sends, or " \
    "that lies in x509ac/, and that an authority over attributes has issued, whose certificate lies in x509aa/. Ours in x509ac/ are " \
    "sent with our certificate"

#define TOKEN_ROWS(scope_, what_) \
    {scope_, "handle", .kind = KIND_TEXT, .set = set_nothing, .example = "a1b2", .doc = what_ " on a token (PKCS#11): its CKA_ID in hex"}, \
    {scope_, "slot", .kind = KIND_TEXT, .set = set_nothing, .example = "1", .computed = "the token that has it", .doc = "number of the token's slot"}, \
    {scope_, "module", .kind = KIND_TEXT, .set = set_nothing, .example = "opensc", .computed = "all that p11-kit knows", .doc = "PKCS#11 module: its name in p11-kit, or its path"}
#define NO_TOKEN_ROWS(scope_) \
    {scope_, "handle", .kind = KIND_TEXT, REFUSE(tokens), .doc = "object on a token"}, \
    {scope_, "slot", .kind = KIND_NUMBER, REFUSE(tokens), .doc = "slot of a token"}, \
    {scope_, "module", .kind = KIND_TEXT, REFUSE(tokens), .doc = "PKCS#11 module"}

/* The daemon's settings: keyway.conf's global section and strongswan.conf's charon section. */
#define SETTINGS_ROWS(scope_, natt_key) \
    {scope_, "port", .kind = KIND_NUMBER, .def = "500", .max = 65535, SET(port), .example = "1500", .doc = "UDP port of IKE"}, \
    {scope_, natt_key, .kind = KIND_NUMBER, .def = "4500", .max = 65535, SET(port_natt), .example = "14500", .doc = "UDP port of IKE and ESP behind NAT"}, \
    {scope_, "retransmit_timeout", .kind = KIND_SECONDS, .def = "4", SET(retransmit_timeout), .example = "2.5", .doc = "time before the first retransmission"}, \
    {scope_, "retransmit_base", .kind = KIND_REAL, .def = "1.8", SET(retransmit_base), .example = "1.5", .doc = "factor by which the time between retransmissions grows"}, \
    {scope_, "retransmit_tries", .kind = KIND_NUMBER, .def = "5", .max = 100, SET(retransmit_tries), .example = "3", .doc = "retransmissions before giving up"}, \
    {scope_, "retransmit_limit", .kind = KIND_SECONDS, .def = "0", SET(retransmit_limit), .example = "60", .doc = "longest time between retransmissions; 0: none"}, \
    {scope_, "retransmit_jitter", .kind = KIND_NUMBER, .def = "0", .max = 20, SET(retransmit_jitter), .example = "10", .doc = "percentage by which the time is shortened at random"}, \
    {scope_, "half_open_timeout", .kind = KIND_SECONDS, .def = "30", SET(half_open_timeout), .example = "15", .doc = "time that a peer has to authenticate"}, \
    {scope_, "cookie_threshold", .kind = KIND_NUMBER, .def = "30", .max = 1000000, SET(cookie_threshold), .example = "7", .doc = "half-open IKE SAs from which on cookies are asked for"}, \
    {scope_, "cookie_threshold_ip", .kind = KIND_NUMBER, .def = "3", .max = 1000000, SET(cookie_threshold_ip), .example = "9", .doc = "half-open IKE SAs of one address (IPv6: of one /64) from which on it is asked for cookies; 0: never"}, \
    {scope_, "init_limit_job_load", .kind = KIND_NUMBER, .def = "0", .max = 1000000, SET(init_limit_job_load), .example = "100", .doc = "key exchanges and signatures under way from which on peers begin no IKE SA; 0: no limit"}, \
    {scope_, "ikesa_limit", .kind = KIND_NUMBER, .def = "0", .max = 10000000, SET(ikesa_limit), .example = "1000", .doc = "IKE SAs in all from which on peers begin no more; 0: no limit"}, \
    {scope_, "null_auth_limit", .kind = KIND_NUMBER, .def = "1000", .max = 1000000, SET(null_auth_limit), .example = "50", .doc = "IKE SAs at a time that peers began which do not prove who they are (remote.auth = null); 0: no limit"}, \
    {scope_, "null_auth_per_address", .kind = KIND_NUMBER, .def = "5", .max = 1000000, SET(null_auth_per_address), .example = "1", .doc = "how many of them from one address; 0: no limit"}, \
    {scope_, "block_threshold", .kind = KIND_NUMBER, .def = "5", .max = 1000000, SET(block_threshold), .example = "9", .doc = "half-open IKE SAs of one address (IPv6: of one /64) from which on it is ignored"}, \
    {scope_, "init_limit_half_open", .kind = KIND_NUMBER, .def = "500", .max = 1000000, SET(init_limit_half_open), .example = "200", .doc = "half-open IKE SAs in all from which on a new one takes the place of the oldest; 0: no limit, which is strongSwan's default"}, \
    {scope_, "keep_alive", .kind = KIND_SECONDS, .def = "20", SET(keep_alive), .example = "15s", .doc = "time between NAT keepalives; 0: none"}, \
    {scope_, "keep_alive_dpd_margin", .kind = KIND_SECONDS, .def = "0", SET(keep_alive_dpd_margin), .example = "5s", .doc = "how late a NAT keepalive may be, after the machine slept: one that is later asks instead whether the peer is still there; 0: it does not"}, \
    {scope_, "retry_initiate_interval", .kind = KIND_SECONDS, .def = "0", SET(retry_initiate_interval), .example = "30s", .doc = "time between attempts while the peer's name leads to no address, however often keyingtries says; 0: as for other failures"}, \
    {scope_, "delete_rekeyed_delay", .kind = KIND_SECONDS, .def = "5", SET(delete_rekeyed_delay), .example = "9s", .doc = "time for which late packets are taken with the keys of a child that was rekeyed"}, \
    {scope_, "reqid_base", .kind = KIND_NUMBER, .def = "1", .min = 1, .max = 0x3fffffff, SET(reqid_base), .example = "100", .doc = "the first reqid that is assigned; those that are there stay"}, \
    {scope_, "spi_min", .kind = KIND_NUMBER, .def = "0xc0000000", .min = 256, .max = UINT32_MAX, SET(spi_min), .example = "0xc1000000", .doc = "lowest SPI of ours that children get"}, \
    {scope_, "spi_max", .kind = KIND_NUMBER, .def = "0xcfffffff", .min = 256, .max = UINT32_MAX, SET(spi_max), .example = "0xd0000000", .doc = "highest one; 65536 or more above spi_min, or neither counts"}, \
    {scope_, "install_virtual_ip", .kind = KIND_BOOL, .def = "yes", SET(installs_vips), .example = "no", .doc = "whether virtual addresses that we are given are installed; else it is for the updown command to do"}, \
    {scope_, "install_virtual_ip_on", .kind = KIND_TEXT, .set = set_vip_device, .computed = "the tunnel's interface", .example = "lo", .doc = "interface that they are installed on"}, \
    {scope_, "reuse_ikesa", .kind = KIND_BOOL, .def = "yes", SET(reuses_ike_sas), .example = "no", .doc = "whether further children of a connection are made in the IKE SA that is there; with no each that we begin gets its own, which the peer has to put up with (unique = never, if it is Keyway)"}, \
    {scope_, "prefer_configured_proposals", .kind = KIND_BOOL, .def = "yes", SET(prefers_own_proposals), .example = "no", .doc = "whether of what both sides know what stands first here is taken; with no what stands first at the peer"}, \
    {scope_, "signature_authentication", .kind = KIND_BOOL, .def = "yes", SET(announces_hashes), .example = "no", .doc = "whether signatures of RFC 7427 are announced and made; without there are only RSA with SHA-1 and ECDSA on three curves"}, \
    {scope_, "rsa_pss", .kind = KIND_BOOL, .def = "yes", SET(prefers_pss), .example = "no", .doc = "whether our RSA keys sign with PSS padding where the peer and auth leave it open; strongSwan's default is no, and Libreswan's peers want it"}, \
    {scope_, "send_vendor_id", .kind = KIND_BOOL, .def = "no", SET(sends_vendor_id), .example = "yes", .doc = "whether strongSwan's vendor ID is sent; with mode = beet it is in any case, since strongSwan demands it"}, \
    {scope_, "fragment_size", .kind = KIND_NUMBER, .def = "1280", .max = 65535, SET(fragment_size), .example = "1400", .doc = "largest IP packet that an IKE fragment makes"}, \
    {scope_, "max_packet", .kind = KIND_NUMBER, .def = "10000", .max = 65535, SET(max_packet), .example = "20000", .doc = "largest IKE message that is taken"}, \
    {scope_, "replay_window", .kind = KIND_NUMBER, .def = "32", .max = 4096, SET(replay_window), .example = "64", .doc = "replay window of children that set none; a tunnel has its own"}, \
    {scope_, "routing_table", .kind = KIND_NUMBER, .def = "220", .max = INT32_MAX, SET(routing_table), .example = "221", .doc = "table of the routes into tunnels; the one after it is for routes of some protocols and ports to a host"}, \
    {scope_, "routing_table_prio", .kind = KIND_NUMBER, .def = "220", .max = 32765, SET(routing_table_prio), .example = "221", .doc = "priority of the rule that leads there; the two before it are for some protocols and ports"}, \
    {scope_, "cache_crls", .kind = KIND_BOOL, .def = "no", SET(caches_crls), .example = "yes", .doc = "whether CRLs that were fetched are kept on disk, in keyway/crls of the state folder, until they end"}, \
    {scope_, "hash_and_url", .kind = KIND_BOOL, .def = "no", SET(uses_hash_and_url), .example = "yes", .doc = HASH_AND_URL_DOC}, \
    {scope_, "follow_redirects", .kind = KIND_BOOL, .def = "yes", SET(follows_redirects), .example = "no", .doc = "whether a gateway may send us to another one, which has to prove the same identity (RFC 5685); at most five times in five minutes"}, \
    {scope_, "make_before_break", .kind = KIND_BOOL, .def = "yes", SET(makes_before_break), .example = "no", .doc = "whether a new IKE SA and its children stand before those go that are authenticated again (reauth_time); with no there is a gap"}, \
    {scope_, "inactivity_close_ike", .kind = KIND_BOOL, .def = "no", SET(inactivity_close_ike), .example = "yes", .doc = "whether an IKE SA is closed together with its only child when that one's inactivity says so"}, \
    {scope_, "install_routes", .kind = KIND_BOOL, .def = "yes", SET(installs_routes), .example = "no", .doc = "whether routes are installed"}, \
    {scope_, "interfaces_use", .kind = KIND_TEXT, .set = set_interfaces_use, .example = "eth0, eth1", .doc = "interfaces whose addresses are used when a connection moves (MOBIKE); default: all"}, \
    {scope_, "interfaces_ignore", .kind = KIND_TEXT, .set = set_interfaces_ignore, .example = "docker0", .doc = "interfaces whose addresses are not used then; without effect when interfaces_use is set"}

static const struct schema_word esp_path_words[] = {{"auto", ESP_PATH_AUTO, NULL}, {"packet", ESP_PATH_PACKET, NULL},
    {"raw", ESP_PATH_RAW, NULL}, {NULL}};

static const struct schema_word ipsec_dialects[] = {{"auto", DIALECT_UNKNOWN, NULL}, {"libreswan", DIALECT_LIBRESWAN, NULL},
    {"strongswan", DIALECT_STRONGSWAN, NULL}, {NULL}};
#define DIALECT_DOC "whose ipsec.conf it is, which decides on defaults and on words that both have. auto: what is in it " \
    "decides, for each file, and the log says what that was; a line '# keyway: dialect=libreswan' (or strongswan) in a file decides for it"

#define LOG_LEVELS_DOC "what the log shows where strongswan.conf names no place for it: groups with the level up to which their lines are shown, as in a section filelog of strongswan.conf"
#define LOG_ROWS(scope) \
    {scope, "ike_name", .kind = KIND_TEXT, .def = "no", .set = set_logger_bool, .example = "yes", .doc = "whether lines about an IKE SA name its connection and number"}, \
    {scope, "log_level", .kind = KIND_TEXT, .def = "no", .set = set_logger_bool, .example = "yes", .doc = "whether the level stands behind the group"}
#define LOG_LEVEL_ROWS(scope) \
    {scope, "default", .kind = KIND_TEXT, .def = "1", .set = set_logger_default, .example = "2", .doc = "level up to which lines are shown: -1 none, 0 errors, warnings, and SAs that come and go, 1 the steps, 2 details, 3 and 4 what developers read; keys and secrets are shown at no level"}, \
    {scope, "", .has_suffix = true, .kind = KIND_TEXT, .set = set_logger_level, .computed = "default", .example = "3", .doc = "the same of one group: dmn mgr ike chd job cfg knl net asn enc tnc imc imv pts tls app esp lib"}

static const struct schema_row rows[] = {
    {SCOPE_CONNECTION, "version", .kind = KIND_WORD, .def = "0", .words = versions, CONN(version), .example = "2", .doc = "IKE version: 2, or 0 for any"},
    {SCOPE_CONNECTION, "local_addrs", .kind = KIND_TEXT, .def = "%any", .set = set_hosts, .example = "192.0.2.1", .doc = "own addresses: IPs, prefixes, ranges, names, %any"},
    {SCOPE_CONNECTION, "remote_addrs", .kind = KIND_TEXT, .def = "%any", .set = set_hosts, .example = "192.0.2.2", .doc = "the peer's addresses, likewise; to initiate, one must be concrete"},
    {SCOPE_CONNECTION, "local_port", .kind = KIND_NUMBER, .def = "500", .max = 65535, CONN(local_port), .example = "600", .doc = "own UDP port"},
    {SCOPE_CONNECTION, "remote_port", .kind = KIND_NUMBER, .def = "500", .max = 65535, CONN(remote_port), .example = "600", .doc = "the peer's UDP port; 500 moves to 4500 behind NAT"},
    {SCOPE_CONNECTION, "proposals", .kind = KIND_TEXT, .def = "default", .set = set_proposals, .example = "aes256-sha256-modp2048", .doc = "IKE proposals, the best first"},
    {SCOPE_CONNECTION, "vips", .kind = KIND_TEXT, .set = set_vips, .example = "10.3.0.7", .doc = "virtual addresses to ask the peer for: 0.0.0.0 and :: for any of IPv4 and IPv6, or addresses that it need not give"},
    {SCOPE_CONNECTION, "aggressive", .kind = KIND_BOOL, REFUSE(v1), .accepts = "no", .doc = "aggressive mode"},
    {SCOPE_CONNECTION, "pull", .kind = KIND_BOOL, REFUSE(v1), .accepts = "yes", .doc = "mode config pull"},
    {SCOPE_CONNECTION, "dscp", .kind = KIND_TEXT, .def = "000000", .set = set_dscp, .example = "101110", .doc = "DSCP of IKE packets: six binary digits"},
    {SCOPE_CONNECTION, "encap", .kind = KIND_WORD, .def = "auto", .words = encap_words, CONN(encap), .example = "yes", .doc = ENCAP_DOC},
    {SCOPE_CONNECTION, "dataplane", .kind = KIND_WORD, .def = "auto", .words = dataplanes, CONN(dataplane), .example = "user", .doc = CONN_DATAPLANE_DOC},
    {SCOPE_CONNECTION, "mobike", .kind = KIND_BOOL, .def = "yes", CONN(does_mobike), .example = "no", .doc = "whether the connection survives a change of addresses (MOBIKE); it then uses UDP port 4500"},
    {SCOPE_CONNECTION, "tcp", .kind = KIND_WORD, .def = "no", .words = tcp_words, CONN(tcp), .example = "fallback", .doc = TCP_DOC},
    {SCOPE_CONNECTION, "tcp_port", .kind = KIND_NUMBER, .def = "4500", .max = 65535, CONN(tcp_port), .example = "443", .doc = "the peer's TCP port"},
    {SCOPE_CONNECTION, "crash_detection", .kind = KIND_BOOL, .def = "yes", CONN(detects_crashes), .example = "no", .doc = CRASH_DOC},
    {SCOPE_CONNECTION, "session_resumption", .kind = KIND_BOOL, .def = "no", CONN(resumes_sessions), .example = "yes", .doc = RESUME_DOC},
    {SCOPE_CONNECTION, "message_id_sync", .kind = KIND_BOOL, .def = "no", CONN(syncs_message_ids), .example = "yes", .doc = MSGID_SYNC_DOC},
    {SCOPE_CONNECTION, "window", .kind = KIND_NUMBER, .def = "1", .min = 1, .max = 16, CONN(window), .example = "8", .doc = WINDOW_DOC},
    {SCOPE_CONNECTION, "dpd_delay", .kind = KIND_TIME, .def = "0", CONN(dpd_delay), .example = "30s", .doc = "silence after which the peer is checked; 0: never"},
    {SCOPE_CONNECTION, "dpd_timeout", .kind = KIND_TIME, REFUSE("it is for IKEv1 only; retransmit_* of the daemon decide"), .accepts = "0", .doc = "IKEv1 liveness timeout"},
    {SCOPE_CONNECTION, "fragmentation", .kind = KIND_WORD, .def = "yes", .words = frag_words, CONN(fragmentation), .example = "no", .doc = "IKE fragmentation"},
    {SCOPE_CONNECTION, "childless", .kind = KIND_WORD, .def = "allow", .words = childless_words, CONN(childless), .example = "prefer", .doc = CHILDLESS_DOC},
    {SCOPE_CONNECTION, "redirect", .kind = KIND_TEXT, .set = set_redirect, .computed = "none", .example = "192.0.2.9", .doc = REDIRECT_DOC},
    {SCOPE_CONNECTION, "redirect_when", .kind = KIND_WORD, .def = "init", .words = redirect_words, CONN(redirect_when), .example = "auth", .doc = REDIRECT_WHEN_DOC},
    {SCOPE_CONNECTION, "send_certreq", .kind = KIND_BOOL, .def = "yes", CONN(sends_certreq), .example = "no", .doc = "whether certificate requests are sent"},
    {SCOPE_CONNECTION, "send_cert", .kind = KIND_WORD, .def = "ifasked", .words = cert_words, CONN(send_cert), .example = "always", .doc = "when the own certificate is sent"},
    {SCOPE_CONNECTION, "ocsp", .kind = KIND_WORD, .def = "never", .words = ocsp_words, CONN(ocsp), .example = "request", .doc = OCSP_DOC},
    {SCOPE_CONNECTION, "ppk_id", .kind = KIND_TEXT, .set = set_ppk_id, .example = "vault", .doc = PPK_ID_DOC},
    {SCOPE_CONNECTION, "ppk_required", .kind = KIND_BOOL, .def = "no", CONN(ppk_required), .example = "yes", .doc = PPK_REQUIRED_DOC},
    {SCOPE_CONNECTION, "keyingtries", .kind = KIND_NUMBER, .def = "1", .max = UINT32_MAX, CONN(keyingtries), .forever = true, .example = "3", .doc = "attempts to initiate; 0 or %forever: for ever"},
    {SCOPE_CONNECTION, "unique", .kind = KIND_WORD, .def = "no", .words = unique_words, CONN(unique), .example = "keep", .doc = UNIQUE_DOC},
    {SCOPE_CONNECTION, "reauth_time", .kind = KIND_TIME, .def = "0", CONN(reauth_time), .example = "3h", .doc = "time after which the IKE SA is made anew; 0: never. A peer that began it is told to do that in time (RFC 4478), and closed when it does not and cannot be reached from here"},
    {SCOPE_CONNECTION, "rekey_time", .kind = KIND_TIME, .computed = "4h; 0 when reauth_time is set", CONN(rekey_time), .example = "2h", .doc = "time after which the IKE SA is rekeyed; 0: never"},
    {SCOPE_CONNECTION, "over_time", .kind = KIND_TIME, .computed = "10 % of the longer of rekey_time and reauth_time", CONN(over_time), .example = "5m", .doc = "time after that at which the IKE SA is closed"},
    {SCOPE_CONNECTION, "rand_time", .kind = KIND_TIME, .computed = "over_time", CONN(rand_time), .example = "3m", .doc = "largest random time by which rekeying is early"},
    {SCOPE_CONNECTION, "pools", .kind = KIND_TEXT, .set = set_pool_names, .example = "main", .doc = "pools of virtual addresses for peers that ask for one: the first that has one gives it"},
    {SCOPE_CONNECTION, "if_id_in", .kind = KIND_TEXT, .computed = "none", .set = set_default_if_id, .example = "7", .doc = "if_id_in of children that have none of their own; with %unique each of them gets its own number"},
    {SCOPE_CONNECTION, "if_id_out", .kind = KIND_TEXT, .computed = "none", .set = set_default_if_id, .example = "7", .doc = "if_id_out of children that have none of their own; with %unique each of them gets its own number"},
    {SCOPE_CONNECTION, "mediation", .kind = KIND_BOOL, REFUSE(mediation), .accepts = "no", .doc = "mediation connection"},
    {SCOPE_CONNECTION, "mediated_by", .kind = KIND_TEXT, REFUSE(mediation), .doc = "mediation connection to use"},
    {SCOPE_CONNECTION, "mediation_peer", .kind = KIND_TEXT, REFUSE(mediation), .doc = "identity at the mediator"},

    AUTH_ROWS(SCOPE_LOCAL, "the address (PSK) or the certificate's subject"),
    AUTH_ROWS(SCOPE_REMOTE, "%any"),
    {SCOPE_LOCAL, "groups", .kind = KIND_TEXT, REFUSE(peers_only), .doc = "groups of which the peer must be in one"},
    {SCOPE_REMOTE, "groups", .kind = KIND_TEXT, .set = set_groups, .example = "sales", .doc = GROUPS_DOC},
    {SCOPE_LOCAL, "revocation", .kind = KIND_TEXT, REFUSE(peers_only), .accepts = "relaxed", .doc = "what to do when it is not known whether a certificate of the peer's path is revoked"},
    {SCOPE_REMOTE, "revocation", .kind = KIND_WORD, .def = "relaxed", .words = revocation_words, SIDE(revocation), .example = "strict", .doc = REVOCATION_DOC},
    {SCOPE_LOCAL, "cacerts", .kind = KIND_TEXT, REFUSE(peers_only), .doc = "certification authorities of which one must be in the peer's path"},
    {SCOPE_REMOTE, "cacerts", .kind = KIND_TEXT, .set = set_cacerts, .example = "0x00", .doc = "certification authorities of which one must be in the peer's path"},
    {SCOPE_LOCAL, "ca_id", .kind = KIND_TEXT, REFUSE(peers_only), .doc = "identity that an authority in the peer's path must have"},
    {SCOPE_REMOTE, "ca_id", .kind = KIND_TEXT, .set = set_ca_id, .example = "C=CH, CN=other", .doc = "identity that an authority in the peer's path must have"},
    {SCOPE_LOCAL, "cert_policy", .kind = KIND_TEXT, REFUSE(peers_only), .doc = "certificate policies that the peer's path must have"},
    {SCOPE_REMOTE, "cert_policy", .kind = KIND_TEXT, .set = set_cert_policy, .example = "1.2.3", .doc = "certificate policies that the peer's path must have"},
    {SCOPE_CERT, "file", .kind = KIND_TEXT, .set = set_cert_file, .example = "x.pem", .doc = "certificate file"},
    TOKEN_ROWS(SCOPE_CERT, "a certificate"),
    {SCOPE_CACERT, "file", .kind = KIND_TEXT, .set = set_cacert_file, .example = "x.pem", .doc = "certificate file"},
    NO_TOKEN_ROWS(SCOPE_CACERT),

    {SCOPE_CHILD, "ah_proposals", .kind = KIND_TEXT, .set = set_ah_proposals, .example = "sha256", .doc = "AH proposals, the best first: integrity without encryption, and not through a NAT; ESP is then offered only by esp_proposals that are written, and encap = auto asks for no ESP in UDP"},
    {SCOPE_CHILD, "esp_proposals", .kind = KIND_TEXT, .def = "default", .set = set_esp_proposals, .example = "aes256-sha256", .doc = "ESP proposals, the best first; a key exchange in them asks for forward secrecy"},
    {SCOPE_CHILD, "sha256_96", .kind = KIND_BOOL, .def = "no", CHILD(truncates_sha256), .example = "yes", .doc = "96-bit truncation of HMAC-SHA-256, for old kernels"},
    {SCOPE_CHILD, "local_ts", .kind = KIND_TEXT, .def = "dynamic", .set = set_ts, .example = "10.1.0.0/16", .doc = "our networks: net/bits[proto/port], ranges, dynamic"},
    {SCOPE_CHILD, "remote_ts", .kind = KIND_TEXT, .def = "dynamic", .set = set_ts, .example = "10.2.0.0/16", .doc = "the peer's networks"},
    {SCOPE_CHILD, "rekey_time", .kind = KIND_TIME, .computed = "1h, or life_time less 10 %", CHILD(life.rekey_time), .example = "30m", .doc = "time after which the child is rekeyed; 0: never"},
    {SCOPE_CHILD, "life_time", .kind = KIND_TIME, .computed = "rekey_time and 10 %", CHILD(life.life_time), .example = "2h", .doc = "time after which the child is closed"},
    {SCOPE_CHILD, "rand_time", .kind = KIND_TIME, .computed = "life_time less rekey_time", CHILD(life.rand_time), .example = "1m", .doc = "largest random time by which rekeying is early"},
    {SCOPE_CHILD, "rekey_bytes", .kind = KIND_BYTES, .computed = "0", CHILD(life.rekey_bytes), .example = "1g", .doc = "volume after which the child is rekeyed"},
    {SCOPE_CHILD, "life_bytes", .kind = KIND_BYTES, .computed = "rekey_bytes and 10 %", CHILD(life.life_bytes), .example = "2g", .doc = "volume after which the child is closed"},
    {SCOPE_CHILD, "rand_bytes", .kind = KIND_BYTES, .computed = "life_bytes less rekey_bytes", CHILD(life.rand_bytes), .example = "10m", .doc = "largest random volume by which rekeying is early"},
    {SCOPE_CHILD, "rekey_packets", .kind = KIND_NUMBER, .computed = "0", CHILD(life.rekey_packets), .example = "1000000", .doc = "packets after which the child is rekeyed"},
    {SCOPE_CHILD, "life_packets", .kind = KIND_NUMBER, .computed = "rekey_packets and 10 %", CHILD(life.life_packets), .example = "2000000", .doc = "packets after which the child is closed"},
    {SCOPE_CHILD, "rand_packets", .kind = KIND_NUMBER, .computed = "life_packets less rekey_packets", CHILD(life.rand_packets), .example = "1000", .doc = "largest random number of packets by which rekeying is early"},
    {SCOPE_CHILD, "updown", .kind = KIND_TEXT, .set = set_updown, .example = "/bin/true", .doc = "command that is run when the child comes and goes"},
    {SCOPE_CHILD, "updown_style", .kind = KIND_WORD, .def = "strongswan", .words = updown_styles, CHILD(updown_style), .example = "libreswan", .doc = "for which suite updown is written: strongswan: up and down; libreswan: prepare, route, up, down and unroute, with that suite's variables, and the child is closed when route or up fails"},
    {SCOPE_CHILD, "hostaccess", .kind = KIND_BOOL, .def = "no", CHILD(has_hostaccess), .example = "yes", .doc = "firewall, and updown, are to let the gateway itself be reached by its addresses inside local_ts"},
    {SCOPE_CHILD, "firewall", .kind = KIND_BOOL, .def = "no", CHILD(opens_firewall), .example = "yes", .doc = FIREWALL_DOC},
    {SCOPE_CHILD, "source", .kind = KIND_TEXT, .set = set_source, .example = "10.1.0.1", .computed = "one inside local_ts", .doc = "our address, inside local_ts, from which this machine itself sends into the tunnel; where it is nobody's yet it is put on the tunnel's device as long as the child is up"},
    {SCOPE_CHILD, "mode", .kind = KIND_WORD, .def = "tunnel", .words = mode_words, CHILD(mode), .example = "transport", .doc = MODE_DOC},
    {SCOPE_CHILD, "policies", .kind = KIND_BOOL, .def = "yes", CHILD(installs_policies), .example = "no", .doc = "whether policies are installed"},
    {SCOPE_CHILD, "policies_fwd_out", .kind = KIND_BOOL, REFUSE("there are no forward policies"), .accepts = "no", .doc = "outbound forward policies"},
    {SCOPE_CHILD, "dpd_action", .kind = KIND_WORD, .def = "clear", .words = dpd_words, CHILD(dpd_action), .example = "restart", .doc = "what happens when the peer is dead: clear, trap or restart"},
    {SCOPE_CHILD, "ipcomp", .kind = KIND_BOOL, .def = "no", CHILD(has_ipcomp), .example = "yes", .doc = "compression with DEFLATE, where the peer wants it too; encap = auto then asks for no ESP in UDP"},
    {SCOPE_CHILD, "inactivity", .kind = KIND_TIME, .def = "0", CHILD(inactivity), .example = "10m", .doc = "idle time after which the child is closed; 0: never"},
    {SCOPE_CHILD, "reqid", .kind = KIND_NUMBER, .def = "0", .max = UINT32_MAX, CHILD(reqid), .example = "42", .doc = "fixed reqid; 0: assigned"},
    {SCOPE_CHILD, "priority", .kind = KIND_NUMBER, .def = "0", .max = UINT32_MAX, CHILD(priority), .example = "42", .doc = "fixed priority of the policies, lower first; 0: by their size, the narrower first, as numbers from 200000 on"},
    {SCOPE_CHILD, "interface", .kind = KIND_TEXT, .set = set_policy_device, .example = "eth0", .doc = "interface of the policies: packets that come by or leave by others are not looked at. " KERNEL_ONLY},
    {SCOPE_CHILD, "mark_in", .kind = KIND_TEXT, .computed = "none", .set = set_mark, .example = "42/0xff", .doc = "mark that inbound packets have to have for the policies, and with mark_in_sa for the SA: a number, or number/mask; %unique, or %unique/mask: a number of its own for each child, %unique-dir: and for each direction of it. 0 is a mark: that of packets without one; 0/0 is none. " KERNEL_ONLY},
    {SCOPE_CHILD, "mark_out", .kind = KIND_TEXT, .computed = "none", .set = set_mark, .example = "%unique", .doc = "mark that outbound packets have to have for policies and SA, likewise. Such a child leaves its networks reachable without it: who marks packets decides what goes into it. " KERNEL_ONLY},
    {SCOPE_CHILD, "mark_in_sa", .kind = KIND_BOOL, .def = "no", CHILD(kernel.marks_inbound_sa), .example = "yes", .doc = "whether mark_in is for the inbound SA, too: ESP has to have the mark already when it arrives"},
    {SCOPE_CHILD, "set_mark_in", .kind = KIND_TEXT, .computed = "none", .set = set_set_mark, .example = "%same/0xff", .doc = "mark that packets get once they are opened: a number, or number/mask; %same: that of mark_in, of which the mask chooses bits. " KERNEL_ONLY},
    {SCOPE_CHILD, "set_mark_out", .kind = KIND_TEXT, .computed = "none", .set = set_set_mark, .example = "7", .doc = "mark that packets get once they are sealed, likewise. " KERNEL_ONLY},
    {SCOPE_CHILD, "if_id_in", .kind = KIND_TEXT, .computed = "that of the connection", .set = set_if_id, .example = "7", .doc = "id of the XFRM interface that inbound packets come out of; %unique: a number of its own for each child, %unique-dir: and for each direction of it. " KERNEL_ONLY},
    {SCOPE_CHILD, "if_id_out", .kind = KIND_TEXT, .computed = "that of the connection", .set = set_if_id, .example = "%unique-dir", .doc = "id of the XFRM interface whose packets are sealed; routes that lead to it are yours: none are installed for such a child. " KERNEL_ONLY},
    {SCOPE_CHILD, "tunnel_interface", .kind = KIND_TEXT, .computed = "none", .set = set_interface_name, .example = "ipsec1", .doc = INTERFACE_DOC},
    {SCOPE_CHILD, "tunnel_interface_kind", .kind = KIND_WORD, .def = "xfrm", .words = interface_words, CHILD(kernel.interface.kind), .example = "vti", .doc = "xfrm: an XFRM interface with the id that if_id_in and if_id_out say, or else the number at the end of its name; vti: a VTI between the two ends with mark_in and mark_out as its keys"},
    {SCOPE_CHILD, "tunnel_interface_address", .kind = KIND_TEXT, .computed = "none", .set = set_interface_address, .example = "192.0.2.1/24", .doc = "address that the interface is given"},
    {SCOPE_CHILD, "tunnel_interface_routes", .kind = KIND_BOOL, .def = "yes", CHILD(kernel.interface.is_routed), .example = "no", .doc = "whether routes to remote_ts lead to the interface; no: what goes there is yours to route"},
    {SCOPE_CHILD, "label", .kind = KIND_TEXT, REFUSE(labels), .doc = "security label"},
    {SCOPE_CHILD, "label_mode", .kind = KIND_TEXT, REFUSE(labels), .accepts = "system", .doc = "how labels are used"},
    {SCOPE_CHILD, "tfc_padding", .kind = KIND_TEXT, .def = "0", .set = set_tfc_padding, .example = "1000", .doc = "shorter packets are padded to so many bytes before they are sealed; mtu: to what the path carries; 0: not at all"},
    {SCOPE_CHILD, "replay_window", .kind = KIND_NUMBER, .computed = "that of the daemon (32); 1024 for a tunnel", .max = 4096, CHILD(replay_window), .example = "128", .doc = "packets; 0: replays are not detected"},
    {SCOPE_CHILD, "per_cpu_sas", .kind = KIND_WORD, .def = "no", .words = per_cpu_words, CHILD(per_cpu), .example = "yes", .doc = PER_CPU_DOC},
    {SCOPE_CHILD, "hw_offload", .kind = KIND_WORD, .def = "no", .words = offload_words, CHILD(kernel.offload), .example = "auto", .doc = OFFLOAD_DOC},
    {SCOPE_CHILD, "iptfs_accept_fragments", .kind = KIND_BOOL, .computed = "that of the daemon (yes)", CHILD(kernel.iptfs.accepts_fragments), .example = "no", .doc = "with mode = iptfs: whether parts of packets are taken; no: the peer is asked to send none"},
    {SCOPE_CHILD, "iptfs_dont_frag", .kind = KIND_BOOL, .computed = "that of the daemon (no)", CHILD(kernel.iptfs.sends_whole), .example = "yes", .doc = "with mode = iptfs: whether packets are sent as a whole; they are anyway to a peer that takes no parts of them"},
    {SCOPE_CHILD, "iptfs_packet_size", .kind = KIND_NUMBER, .computed = "that of the daemon (0)", .max = 65535, CHILD(kernel.iptfs.packet_size), .example = "1300", .doc = "with mode = iptfs: bytes of an IP packet with ESP at most, without its trailer and ICV, which Linux does not count; 0: what the path carries"},
    {SCOPE_CHILD, "iptfs_max_queue_size", .kind = KIND_NUMBER, .computed = "that of the daemon (1048576)", .max = UINT32_MAX, CHILD(kernel.iptfs.max_queue_size), .example = "100000", .doc = "with mode = iptfs: bytes that wait to be sent at most; what comes then is dropped"},
    {SCOPE_CHILD, "iptfs_init_delay", .kind = KIND_NUMBER, .computed = "that of the daemon (0)", .max = UINT32_MAX, CHILD(kernel.iptfs.init_delay), .example = "500", .doc = "with mode = iptfs: microseconds that a packet waits for others to be sent with it, when no other waits"},
    {SCOPE_CHILD, "iptfs_drop_time", .kind = KIND_NUMBER, .computed = "that of the daemon (1000000)", .max = UINT32_MAX, CHILD(kernel.iptfs.drop_time), .example = "200000", .doc = "with mode = iptfs: microseconds after which an ESP packet that has not come counts as lost"},
    {SCOPE_CHILD, "iptfs_reorder_window", .kind = KIND_NUMBER, .computed = "that of the daemon (3)", .max = UINT16_MAX, CHILD(kernel.iptfs.reorder_window), .example = "16", .doc = "with mode = iptfs: ESP packets that may come out of their order"},
    {SCOPE_CHILD, "copy_df", .kind = KIND_BOOL, .def = "yes", CHILD(copies_df), .example = "no", .doc = "whether the outer header gets the inner DF bit"},
    {SCOPE_CHILD, "copy_ecn", .kind = KIND_BOOL, .def = "yes", CHILD(copies_ecn), .example = "no", .doc = "whether ECN is copied"},
    {SCOPE_CHILD, "copy_dscp", .kind = KIND_WORD, .def = "out", .words = dscp_words, CHILD(copy_dscp), .example = "yes", .doc = "in which direction DSCP is copied"},
    {SCOPE_CHILD, "dscp", .kind = KIND_TEXT, .computed = "what no other child carries", .set = set_class, .example = "ef,cs6", .doc = CLASS_DOC},
    {SCOPE_CHILD, "icmp", .kind = KIND_BOOL, REFUSE("ICMP errors from other hosts are not forwarded yet"), .accepts = "no", .doc = "take ICMP errors of hosts outside the selectors"},
    {SCOPE_CHILD, "start_action", .kind = KIND_WORD, .def = "none", .words = start_words, CHILD(start_action), .example = "start", .doc = START_DOC},
    {SCOPE_CHILD, "close_action", .kind = KIND_WORD, .def = "none", .words = close_words, CHILD(close_action), .example = "start", .doc = "what happens when the peer closes the child: none, trap or start"},

    {SCOPE_IKE, "secret", .kind = KIND_TEXT, .example = "0x010203", .doc = "preshared key: text, 0x hex or 0s base64"},
    {SCOPE_IKE, "id", .has_suffix = true, .kind = KIND_TEXT, .example = "moon.example", .doc = "whose key it is; none: anybody's"},
    {SCOPE_PRIVATE, "file", .kind = KIND_TEXT, .example = "x.pem", .doc = "private key file"},
    {SCOPE_PRIVATE, "secret", .kind = KIND_TEXT, .example = "x", .doc = "passphrase of the file"},
    {SCOPE_PPK, "secret", .kind = KIND_TEXT, .example = "0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", .doc = "postquantum preshared key: text, 0x hex or 0s base64; 32 random bytes or more"},
    {SCOPE_PPK, "pad", .kind = KIND_TEXT, .example = "/var/lib/keyway/vault.pad", .doc = PAD_DOC},
    {SCOPE_PPK, "pad_from", .kind = KIND_TEXT, .computed = "start", .example = "end", .doc = "from which end of the pad pieces are taken for IKE SAs that we begin: start at one end of the tunnel and end at the other, so that both never take the same one at the same time"},
    {SCOPE_PPK, "id", .has_suffix = true, .kind = KIND_TEXT, .example = "vault", .doc = "what it is called (PPK_ID), the same at both ends; none: whatever a peer calls it"},
    {SCOPE_EAP, "secret", .kind = KIND_TEXT, REFUSE(eap), .doc = "password"},
    {SCOPE_EAP, "id", .has_suffix = true, .kind = KIND_TEXT, REFUSE(eap), .doc = "user"},
    {SCOPE_PKCS12, "file", .kind = KIND_TEXT, .example = "x.p12", .doc = "container file (PKCS#12) below pkcs12/, whose keys and certificates are loaded; its authorities are trusted"},
    {SCOPE_PKCS12, "secret", .kind = KIND_TEXT, .example = "x", .doc = "its passphrase"},
    TOKEN_ROWS(SCOPE_TOKEN, "a private key"),
    {SCOPE_TOKEN, "pin", .kind = KIND_TEXT, .set = set_nothing, .example = "1234", .doc = "PIN, tried once and on the token alone that has the key"},
    {SCOPE_POOL, "addrs", .kind = KIND_TEXT, .set = set_pool_addrs, .example = "10.3.0.0/24", .doc = "addresses of the pool: ranges and prefixes, of IPv4 and IPv6. Of a prefix its first address, and in IPv4 its last, are not given; one with host bits begins at that address. Without addresses the pool only tells its attributes"},
    {SCOPE_POOL, "exclude", .kind = KIND_TEXT, .set = set_pool_addrs, .example = "10.3.0.1", .doc = "addresses, ranges and prefixes that are not given"},
    {SCOPE_POOL, "dns", .kind = KIND_TEXT, .set = set_pool_attr, .example = "10.3.0.53", .doc = "name servers"},
    {SCOPE_POOL, "domains", .kind = KIND_TEXT, .set = set_pool_attr, .example = "corp.example", .doc = "domains that these name servers are to be asked about (RFC 8598); told to clients that ask for them"},
    {SCOPE_POOL, "nbns", .kind = KIND_TEXT, .set = set_pool_attr, .example = "10.3.0.54", .doc = "NetBIOS name servers"},
    {SCOPE_POOL, "dhcp", .kind = KIND_TEXT, .set = set_pool_attr, .example = "10.3.0.67", .doc = "DHCP servers"},
    {SCOPE_POOL, "netmask", .kind = KIND_TEXT, .set = set_pool_attr, .example = "255.255.255.0", .doc = "netmask of the virtual address"},
    {SCOPE_POOL, "server", .kind = KIND_TEXT, .set = set_pool_attr, .example = "10.3.0.2", .doc = "internal address of the server, an attribute of Microsoft's"},
    {SCOPE_POOL, "subnet", .kind = KIND_TEXT, .set = set_pool_attr, .example = "10.1.0.0/16", .doc = "networks that the gateway protects"},
    {SCOPE_POOL, "p_cscf", .kind = KIND_TEXT, .set = set_pool_attr, .example = "10.3.0.3", .doc = "P-CSCF servers (RFC 7651)"},
    {SCOPE_POOL, "split_include", .kind = KIND_TEXT, .set = set_pool_attr, .example = "10.1.0.0/16", .doc = "networks that clients are to send into the tunnel, an attribute of Cisco's; what they may send is decided by the traffic selectors"},
    {SCOPE_POOL, "split_exclude", .kind = KIND_TEXT, .set = set_pool_attr, .example = "10.2.0.0/16", .doc = "networks that clients are to reach without the tunnel"},
    {SCOPE_POOL, "", .has_suffix = true, .kind = KIND_TEXT, .set = set_pool_attr, .example = "corp.example", .doc = "a number: attributes of that type, as addresses, prefixes, 0x hex or text"},
    {SCOPE_AUTHORITY, "cacert", .kind = KIND_TEXT, .set = set_authority_cert, .example = "x.pem", .doc = "the authority's certificate, a file below x509ca/ or a blob; it is trusted"},
    {SCOPE_AUTHORITY, "file", .kind = KIND_TEXT, .set = set_authority_cert, .example = "x.pem", .doc = "the same, as an absolute path or a file below x509ca/"},
    NO_TOKEN_ROWS(SCOPE_AUTHORITY),
    {SCOPE_AUTHORITY, "crl_uris", .kind = KIND_TEXT, .set = set_crl_uris, .example = "http://ca.example/crl", .doc = "where the authority's CRLs are, beside what certificates say: http, https, ldap, file"},
    {SCOPE_AUTHORITY, "ocsp_uris", .kind = KIND_TEXT, .set = set_ocsp_uris, .example = "http://ocsp.ca.example/", .doc = "where the authority's OCSP responders are, beside what certificates say"},
    {SCOPE_AUTHORITY, "cert_uri_base", .kind = KIND_TEXT, .set = set_cert_uri_base, .example = "http://ca.example/certs/", .doc = CERT_URI_DOC},

    {SCOPE_TUNNEL, "peer", .kind = KIND_TEXT, .maps = "remote_addrs", .example = "192.0.2.2", .doc = "the peer's address or name; without it the tunnel waits for any peer"},
    {SCOPE_TUNNEL, "address", .kind = KIND_TEXT, .maps = "local_addrs", .example = "192.0.2.9", .doc = "our address; without it the routes decide"},
    {SCOPE_TUNNEL, "psk", .kind = KIND_TEXT, .example = "other", .doc = "preshared key: text, 0x hex, 0s base64 or file:PATH"},
    {SCOPE_TUNNEL, "id", .kind = KIND_TEXT, .maps = "local.id", .computed = "our address, or the certificate's subject", .example = "a.example", .doc = "our identity"},
    {SCOPE_TUNNEL, "peer_id", .kind = KIND_TEXT, .maps = "remote.id", .computed = "the peer's address; with certificates any that the authority vouches for", .example = "b.example", .doc = "the peer's identity"},
    {SCOPE_TUNNEL, "cert", .kind = KIND_TEXT, .maps = "local.certs", .example = "x.pem", .doc = "our certificate: a path, or a name in certs/"},
    {SCOPE_TUNNEL, "key", .kind = KIND_TEXT, .example = "/root/x.pem", .doc = "its private key: a path, or a name in private/"},
    {SCOPE_TUNNEL, "passphrase", .kind = KIND_TEXT, .example = "x", .doc = "of the private key"},
    {SCOPE_TUNNEL, "peer_pubkey", .kind = KIND_TEXT, .maps = "remote.pubkeys", .example = "0sAAAAC3NzaC1lZDI1NTE5AAAAID3cidexkT4JyvzvqWL94VFJhKgFeIVSCCjjFSNcCvzW", .doc = "the peer's raw public key, in place of cert and psk: with key, whose public half the peer is given (pki --pub --in KEY). A file below pubkey/, or 0x.. and 0s.., or dns; see remote.pubkeys"},
    {SCOPE_TUNNEL, "revocation", .kind = KIND_TEXT, .maps = "remote.revocation", .computed = "relaxed", .example = "strict", .doc = "what to do when it is not known whether a certificate of the peer's path is revoked: see remote.revocation"},
    {SCOPE_TUNNEL, "groups", .kind = KIND_TEXT, .maps = "remote.groups", .example = "sales", .doc = "groups of which the peer must be in one by an attribute certificate: see remote.groups"},
    {SCOPE_TUNNEL, "ca", .kind = KIND_TEXT, .maps = "remote.cacerts", .example = "x.pem", .doc = "authority that vouches for the peer: a path, or a name in ca/"},
    {SCOPE_TUNNEL, "local", .kind = KIND_TEXT, .maps = "children.*.local_ts", .example = "10.9.0.0/16", .doc = "our networks"},
    {SCOPE_TUNNEL, "remote", .kind = KIND_TEXT, .maps = "children.*.remote_ts", .example = "10.8.0.0/16", .doc = "the peer's networks"},
    {SCOPE_TUNNEL, "mode", .kind = KIND_TEXT, .maps = "children.*.mode", .example = "transport", .doc = "tunnel, transport or beet"},
    {SCOPE_TUNNEL, "vip", .kind = KIND_TEXT, .maps = "vips", .example = "10.3.0.7", .doc = "ask the peer for a virtual address: yes for IPv4 and IPv6, or as vips below. Without remote all traffic is offered to the tunnel, and the peer decides how much of it it takes; with remote nothing of that leaves in the clear"},
    {SCOPE_TUNNEL, "pool", .kind = KIND_TEXT, .example = "10.3.0.0/24", .doc = "virtual addresses for peers that ask: ranges and prefixes, or names of pools"},
    {SCOPE_TUNNEL, "exclude", .kind = KIND_TEXT, .example = "10.3.0.1", .doc = "what of them is not given"},
    {SCOPE_TUNNEL, "dns", .kind = KIND_TEXT, .example = "10.3.0.53", .doc = "name servers that these peers are told"},
    {SCOPE_TUNNEL, "domains", .kind = KIND_TEXT, .example = "corp.example", .doc = "domains that these name servers are to be asked about"},
    {SCOPE_TUNNEL, "start", .kind = KIND_TEXT, .def = "yes", .maps = "children.*.start_action", .example = "trap", .doc = "yes: the tunnel starts by itself and tries for ever; trap: it comes with the first packet for it, which waits for it; trap|start: both; no: the peer begins, or keyway up"},
    {SCOPE_TUNNEL, "auth", .kind = KIND_TEXT, .maps = "local.auth", .computed = "psk or pubkey, by what is given", .example = "pubkey-sha512", .doc = "psk, constraints on our signature, or null: we do not prove who we are, and peer_auth has to be said as well"},
    {SCOPE_TUNNEL, "peer_auth", .kind = KIND_TEXT, .maps = "remote.auth", .computed = "as auth", .example = "pubkey-sha512", .doc = "psk, constraints on the peer's signature, or null: it does not prove who it is (see auth of connections)"},
    {SCOPE_TUNNEL, "proposals", .kind = KIND_TEXT, .maps = "proposals", .example = "aes256-sha256-modp2048", .doc = "IKE proposals"},
    {SCOPE_TUNNEL, "esp_proposals", .kind = KIND_TEXT, .maps = "children.*.esp_proposals", .example = "aes256-sha256", .doc = "ESP proposals"},
    {SCOPE_TUNNEL, "ah_proposals", .kind = KIND_TEXT, .maps = "children.*.ah_proposals", .example = "sha256", .doc = "AH instead of ESP: integrity without encryption"},
    {SCOPE_TUNNEL, "encap", .kind = KIND_TEXT, .maps = "encap", .computed = "auto", .example = "yes", .doc = "ESP in UDP without a NAT, too: auto, yes or no"},
    {SCOPE_TUNNEL, "dataplane", .kind = KIND_TEXT, .maps = "dataplane", .computed = "auto", .example = "user", .doc = "who carries its packets: kernel, user, or auto: as dataplane of the section keyway says"},
    {SCOPE_TUNNEL, "mobike", .kind = KIND_TEXT, .maps = "mobike", .computed = "yes", .example = "no", .doc = "whether the tunnel survives a change of addresses (MOBIKE)"},
    {SCOPE_TUNNEL, "tcp", .kind = KIND_TEXT, .maps = "tcp", .computed = "no", .example = "fallback", .doc = "IKE and ESP in TCP when we begin: no, fallback when UDP is dead, or always"},
    {SCOPE_TUNNEL, "tcp_port", .kind = KIND_TEXT, .maps = "tcp_port", .computed = "4500", .example = "443", .doc = "the peer's TCP port"},
    {SCOPE_TUNNEL, "redirect", .kind = KIND_TEXT, .maps = "redirect", .example = "192.0.2.9", .doc = "address or name of the gateway that clients are sent to"},
    {SCOPE_TUNNEL, "redirect_when", .kind = KIND_TEXT, .maps = "redirect_when", .example = "auth", .doc = "init: at once; auth: once they have proved who they are"},
    {SCOPE_TUNNEL, "fragmentation", .kind = KIND_TEXT, .maps = "fragmentation", .example = "no", .doc = "IKE fragmentation"},
    {SCOPE_TUNNEL, "port", .kind = KIND_TEXT, .maps = "remote_port", .example = "600", .doc = "the peer's UDP port"},
    {SCOPE_TUNNEL, "dscp", .kind = KIND_TEXT, .maps = "dscp", .example = "101110", .doc = "DSCP of IKE packets"},
    {SCOPE_TUNNEL, "ppk", .kind = KIND_TEXT, .example = "file:office.ppk", .doc = "postquantum preshared key (RFC 8784): text, 0x hex, 0s base64 or file:PATH, 32 random bytes or more; or pad:PATH, at the other end pad-end:PATH, a one-time pad (see pad of secrets.ppk)"},
    {SCOPE_TUNNEL, "ppk_id", .kind = KIND_TEXT, .maps = "ppk_id", .example = "office", .doc = "what it is called, the same at both ends"},
    {SCOPE_TUNNEL, "ppk_required", .kind = KIND_TEXT, .maps = "ppk_required", .computed = "yes with ppk", .example = "no", .doc = "whether the tunnel may not come up without it"},
    {SCOPE_TUNNEL, "crash_detection", .kind = KIND_TEXT, .maps = "crash_detection", .computed = "yes", .example = "no", .doc = "whether each end shows the other at once that it has lost the tunnel, after a crash or a restart (RFC 6290)"},
    {SCOPE_TUNNEL, "session_resumption", .kind = KIND_TEXT, .maps = "session_resumption", .computed = "no", .example = "yes", .doc = "whether an IKE SA that was lost is resumed with a ticket, without a key exchange (RFC 5723)"},
    {SCOPE_TUNNEL, "message_id_sync", .kind = KIND_TEXT, .maps = "message_id_sync", .computed = "no", .example = "yes", .doc = "whether the peer is a cluster of gateways that may say how it goes on after one took over from another (RFC 6311)"},
    {SCOPE_TUNNEL, "dpd_delay", .kind = KIND_TEXT, .maps = "dpd_delay", .computed = "10s", .example = "30s", .doc = "silence after which the peer is checked"},
    {SCOPE_TUNNEL, "dpd_action", .kind = KIND_TEXT, .maps = "children.*.dpd_action", .computed = "restart", .example = "clear", .doc = "what happens when the peer is dead"},
    {SCOPE_TUNNEL, "keyingtries", .kind = KIND_TEXT, .maps = "keyingtries", .computed = "for ever, where it starts by itself, with longer and longer breaks; else 1", .example = "3", .doc = "attempts to initiate; 0 or %forever: for ever"},
    {SCOPE_TUNNEL, "unique", .kind = KIND_TEXT, .maps = "unique", .computed = "replace", .example = "keep", .doc = "what becomes of several IKE SAs with the same two identities: replace, keep, no or never"},
    {SCOPE_TUNNEL, "send_cert", .kind = KIND_TEXT, .maps = "send_cert", .computed = "ifasked", .example = "always", .doc = "when the own certificate is sent: ifasked, always or never"},
    {SCOPE_TUNNEL, "ike_rekey", .kind = KIND_TEXT, .maps = "rekey_time", .example = "2h", .doc = "time after which the IKE SA is rekeyed"},
    {SCOPE_TUNNEL, "reauth", .kind = KIND_TEXT, .maps = "reauth_time", .example = "3h", .doc = "time after which the IKE SA is made anew"},
    {SCOPE_TUNNEL, "rekey", .kind = KIND_TEXT, .maps = "children.*.rekey_time", .example = "30m", .doc = "time after which the ESP keys are replaced"},
    {SCOPE_TUNNEL, "lifetime", .kind = KIND_TEXT, .maps = "children.*.life_time", .example = "2h", .doc = "time after which ESP keys are given up"},
    {SCOPE_TUNNEL, "rekey_bytes", .kind = KIND_TEXT, .maps = "children.*.rekey_bytes", .example = "1g", .doc = "volume after which the ESP keys are replaced"},
    {SCOPE_TUNNEL, "life_bytes", .kind = KIND_TEXT, .maps = "children.*.life_bytes", .example = "2g", .doc = "volume after which they are given up"},
    {SCOPE_TUNNEL, "rekey_packets", .kind = KIND_TEXT, .maps = "children.*.rekey_packets", .example = "1000000", .doc = "packets after which the ESP keys are replaced"},
    {SCOPE_TUNNEL, "life_packets", .kind = KIND_TEXT, .maps = "children.*.life_packets", .example = "2000000", .doc = "packets after which they are given up"},
    {SCOPE_TUNNEL, "replay_window", .kind = KIND_TEXT, .maps = "children.*.replay_window", .computed = "1024", .example = "128", .doc = "packets; 0: replays are not detected"},
    {SCOPE_TUNNEL, "inactivity", .kind = KIND_TEXT, .maps = "children.*.inactivity", .example = "10m", .doc = "idle time after which the child is closed"},
    {SCOPE_TUNNEL, "ipcomp", .kind = KIND_TEXT, .maps = "children.*.ipcomp", .example = "yes", .doc = "compression, where the peer wants it too"},
    {SCOPE_TUNNEL, "tfc_padding", .kind = KIND_TEXT, .maps = "children.*.tfc_padding", .example = "mtu", .doc = "bytes to which shorter packets are padded, against traffic analysis; mtu: as far as the path allows"},
    {SCOPE_TUNNEL, "classes", .kind = KIND_TEXT, .example = "ef,cs6 | af41", .doc = "traffic classes, between bars: DSCP values that are sent through an SA of their own, as by dscp of further children (which see)"},
    {SCOPE_TUNNEL, "firewall", .kind = KIND_TEXT, .maps = "children.*.firewall", .computed = "no", .example = "yes", .doc = "whether the machine's own firewall lets the tunnel's traffic pass while it is up: see firewall of children"},
    {SCOPE_TUNNEL, "source", .kind = KIND_TEXT, .maps = "children.*.source", .example = "10.1.0.1", .doc = "our address from which this machine itself sends into the tunnel"},
    {SCOPE_TUNNEL, "updown", .kind = KIND_TEXT, .maps = "children.*.updown", .example = "/bin/true", .doc = "command that is run when the tunnel comes and goes"},

    SETTINGS_ROWS(SCOPE_GLOBAL, "port_natt"),
    {SCOPE_GLOBAL, "dataplane", .kind = KIND_WORD, .def = "auto", .words = dataplanes, SET(dataplane), .example = "user", .doc = DATAPLANE_DOC},
    {SCOPE_GLOBAL, "dataplane_workers", .kind = KIND_NUMBER, .def = "0", .max = 64, SET(dataplane_workers), .example = "2", .doc = "threads that carry packets; 0: one for each processor"},
    {SCOPE_GLOBAL, "vici_socket", .kind = KIND_TEXT, .set = set_vici_socket, .example = "unix:///run/charon.vici", .computed = "none", .doc = "a further socket for vici: unix://PATH, or tcp://ADDRESS:PORT, which has no authentication: whoever reaches it commands the daemon; it is opened when keywayd starts"},
    {SCOPE_GLOBAL, "resolv_conf", .kind = KIND_TEXT, .set = set_resolv_conf, .example = "/etc/resolv.conf", .computed = "none", .doc = "file that gets the name servers which peers tell together with a virtual address, as its first lines, as long as that is here; updown commands hear of them in any case"},
    {SCOPE_GLOBAL, "key_store", .kind = KIND_TEXT, .set = set_key_store, .example = "/srv/nss", .computed = "ipsec/nss of the state folder", .doc = "folder of the key store that ipsec newhostkey and its like fill, to which they have to be told --nssdir, too; --nssdir of keywayd counts more"},
    {SCOPE_GLOBAL, "esp_path", .kind = KIND_WORD, .def = "auto", .words = esp_path_words, SET(esp_path), .example = "raw", .doc = ESP_PATH_DOC},
    {SCOPE_GLOBAL, "ipsec_dialect", .kind = KIND_WORD, .def = "auto", .words = ipsec_dialects, SET(ipsec_dialect), .example = "libreswan", .doc = DIALECT_DOC},
    {SCOPE_GLOBAL, "listen_tcp", .kind = KIND_TEXT, .def = "no", .set = set_listen_tcp, .example = "4500, 443", .doc = LISTEN_TCP_DOC},
    {SCOPE_GLOBAL, "dns_keys", .kind = KIND_BOOL, .def = "no", SET(asks_dns), .example = "yes", .doc = DNS_KEYS_DOC},
    {SCOPE_GLOBAL, "dns_trust_anchors", .kind = KIND_TEXT, .set = set_dns_anchors, .computed = DNS_ANCHORS_DEF, .example = "/etc/keyway/anchors.key", .doc = DNS_ANCHORS_DOC},
    {SCOPE_GLOBAL, "dns_resolv_conf", .kind = KIND_TEXT, .computed = "/etc/resolv.conf", .set = set_dns_resolv_conf, .example = "/etc/keyway/resolv.conf", .doc = DNS_RESOLV_DOC},
    {SCOPE_GLOBAL, "log_levels", .kind = KIND_TEXT, .set = set_log_levels, .computed = "1 of all groups but enc and net, whose is 0", .example = "ike 2, knl 3", .doc = LOG_LEVELS_DOC},
    SETTINGS_ROWS(SCOPE_CHARON, "port_nat_t"),
    {SCOPE_CHARON, "dns1", .kind = KIND_TEXT, .set = set_daemon_attr, .example = "10.3.0.53", .doc = "name server that every client is told which gets a virtual address, beside what the pools say"},
    {SCOPE_CHARON, "dns2", .kind = KIND_TEXT, .set = set_daemon_attr, .example = "10.3.0.53", .doc = "another one"},
    {SCOPE_CHARON, "nbns1", .kind = KIND_TEXT, .set = set_daemon_attr, .example = "10.3.0.54", .doc = "NetBIOS name server, likewise"},
    {SCOPE_CHARON, "nbns2", .kind = KIND_TEXT, .set = set_daemon_attr, .example = "10.3.0.54", .doc = "another one"},
    {SCOPE_CHARON, "plugins.attr.dns", .kind = KIND_TEXT, .set = set_daemon_attr, .example = "10.3.0.53, 10.3.0.54", .doc = "name servers, likewise"},
    {SCOPE_CHARON, "plugins.attr.nbns", .kind = KIND_TEXT, .set = set_daemon_attr, .example = "10.3.0.54", .doc = "NetBIOS name servers, likewise"},
    {SCOPE_CHARON, "plugins.attr.dhcp", .kind = KIND_TEXT, .set = set_daemon_attr, .example = "10.3.0.55", .doc = "DHCP servers, likewise"},
    {SCOPE_CHARON, "plugins.attr.netmask", .kind = KIND_TEXT, .set = set_daemon_attr, .example = "255.255.255.0", .doc = "netmask of virtual addresses, likewise"},
    {SCOPE_CHARON, "plugins.attr.subnet", .kind = KIND_TEXT, .set = set_daemon_attr, .example = "10.1.0.0/16", .doc = "networks that the gateway protects, likewise"},
    {SCOPE_CHARON, "plugins.attr.split-include", .kind = KIND_TEXT, .set = set_daemon_attr, .example = "10.1.0.0/16", .doc = "networks that clients are to send into the tunnel, likewise: an attribute of Cisco's"},
    {SCOPE_CHARON, "plugins.attr.split-exclude", .kind = KIND_TEXT, .set = set_daemon_attr, .example = "10.2.0.0/16", .doc = "networks that they are to reach without it, likewise"},
    {SCOPE_CHARON, "plugins.attr.", .has_suffix = true, .kind = KIND_TEXT, .set = set_daemon_attr, .example = "corp.example", .doc = "with a number: attributes of that type, likewise, as addresses, prefixes, 0x hex or text"},
    {SCOPE_CHARON, "plugins.vici.socket", .kind = KIND_TEXT, .set = set_vici_socket, .example = "tcp://127.0.0.1:4502", .computed = "the daemon's own alone, keyway.vici in its run directory, and that of --vici", .doc = "a further socket for vici: unix://PATH, or tcp://ADDRESS:PORT, which has no authentication: whoever reaches it commands the daemon; it is opened when keywayd starts"},
    {SCOPE_CHARON, "plugins.resolve.file", .kind = KIND_TEXT, .set = set_resolv_conf, .example = "/etc/resolv.conf", .computed = "none, where strongSwan's plugin writes into /etc/resolv.conf or calls resolvconf", .doc = "file that gets the name servers which peers tell together with a virtual address, as its first lines, as long as that is here"},
    {SCOPE_CHARON, "plugins.revocation.enable_crl", .kind = KIND_BOOL, .def = "yes", SET(uses_crls), .example = "no", .doc = "whether CRLs are fetched and heeded, also those that lie here"},
    {SCOPE_CHARON, "plugins.revocation.enable_ocsp", .kind = KIND_BOOL, .def = "yes", SET(uses_ocsp), .example = "no", .doc = "whether OCSP responders are asked, and responses that peers send heeded"},
    {SCOPE_CHARON, "plugins.revocation.timeout", .kind = KIND_SECONDS, .def = "5", SET(revocation_timeout), .example = "3s", .doc = "time that fetching one CRL or response may take, of 12 seconds in all; strongSwan's default is 10"},
    {SCOPE_CHARON, "iptfs.accept_fragments", .kind = KIND_BOOL, .def = "yes", SET(iptfs.accepts_fragments), .example = "no", .doc = "of children in mode iptfs: whether parts of packets are taken; no: the peer is asked to send none"},
    {SCOPE_CHARON, "iptfs.dont_frag", .kind = KIND_BOOL, .def = "no", SET(iptfs.sends_whole), .example = "yes", .doc = "of children in mode iptfs: whether packets are sent as a whole; they are anyway to a peer that takes no parts of them"},
    {SCOPE_CHARON, "iptfs.packet_size", .kind = KIND_NUMBER, .def = "0", .max = 65535, SET(iptfs.packet_size), .example = "1300", .doc = "of children in mode iptfs: bytes of an IP packet with ESP at most, without its trailer and ICV, which Linux does not count; 0: what the path carries"},
    {SCOPE_CHARON, "iptfs.max_queue_size", .kind = KIND_NUMBER, .def = "1048576", .max = UINT32_MAX, SET(iptfs.max_queue_size), .example = "100000", .doc = "of children in mode iptfs: bytes that wait to be sent at most; what comes then is dropped"},
    {SCOPE_CHARON, "iptfs.init_delay", .kind = KIND_NUMBER, .def = "0", .max = UINT32_MAX, SET(iptfs.init_delay), .example = "500", .doc = "of children in mode iptfs: microseconds that a packet waits for others to be sent with it, when no other waits"},
    {SCOPE_CHARON, "iptfs.drop_time", .kind = KIND_NUMBER, .def = "1000000", .max = UINT32_MAX, SET(iptfs.drop_time), .example = "200000", .doc = "of children in mode iptfs: microseconds after which an ESP packet that has not come counts as lost"},
    {SCOPE_CHARON, "iptfs.reorder_window", .kind = KIND_NUMBER, .def = "3", .max = UINT16_MAX, SET(iptfs.reorder_window), .example = "16", .doc = "of children in mode iptfs: ESP packets that may come out of their order"},
    {SCOPE_CHARON, "plugins.kernel-netlink.mtu", .kind = KIND_NUMBER, .def = "0", .max = 65535, SET(route_mtu), .example = "1400", .doc = "MTU of the routes into tunnels; 0: the interface's"},
    {SCOPE_CHARON, "plugins.kernel-netlink.mss", .kind = KIND_NUMBER, .def = "0", .max = 65535, SET(route_mss), .example = "1360", .doc = "TCP's maximum segment size that these routes announce; 0: the kernel's choice. What is forwarded is bounded anyway"},
    {SCOPE_CHARON, "plugins.kernel-netlink.roam_events", .kind = KIND_BOOL, .def = "yes", SET(heeds_roaming), .example = "no", .doc = "whether changes of the machine's addresses and routes are heeded as they come"},
    {SCOPE_CHARON, "plugins.stroke.secrets_file", .kind = KIND_TEXT, .set = set_ipsec_secrets, .computed = "/etc/ipsec.secrets", .example = "/etc/keyway/ipsec.secrets", .doc = "the file ipsec.secrets"},
    {SCOPE_CHARON, "plugins.ipseckey.enable", .kind = KIND_BOOL, .def = "no", SET(asks_dns), .example = "yes", .doc = DNS_KEYS_DOC},
    {SCOPE_CHARON, "plugins.unbound.trust_anchors", .kind = KIND_TEXT, .set = set_dns_anchors, .computed = DNS_ANCHORS_DEF, .example = "/etc/keyway/anchors.key", .doc = DNS_ANCHORS_DOC},
    {SCOPE_CHARON, "plugins.unbound.resolv_conf", .kind = KIND_TEXT, .computed = "/etc/resolv.conf", .set = set_dns_resolv_conf, .example = "/etc/keyway/resolv.conf", .doc = DNS_RESOLV_DOC},

    {SCOPE_FILELOG, "path", .kind = KIND_TEXT, .set = set_logger_text, .computed = "the section's name", .example = "/var/log/charon.log", .doc = "file that log lines go to; stdout and stderr are those. It is opened again on SIGHUP"},
    {SCOPE_FILELOG, "append", .kind = KIND_TEXT, .def = "yes", .set = set_logger_bool, .example = "no", .doc = "whether what an earlier run wrote stays"},
    {SCOPE_FILELOG, "flush_line", .kind = KIND_TEXT, .def = "no", .set = set_logger_bool, .example = "yes", .doc = "whether each line is written at once; no: together with those of the same moment"},
    {SCOPE_FILELOG, "json", .kind = KIND_TEXT, .def = "no", .set = set_logger_bool, .example = "yes", .doc = "whether each line is a JSON object"},
    {SCOPE_FILELOG, "time_format", .kind = KIND_TEXT, .set = set_logger_text, .computed = "no time", .example = "%F %T", .doc = "time in front of each line, as of strftime(3)"},
    {SCOPE_FILELOG, "time_precision", .kind = KIND_TEXT, .set = set_logger_precision, .computed = "whole seconds", .example = "us", .doc = "ms or us, which follow the time after a point"},
    {SCOPE_FILELOG, "time_add_ms", .kind = KIND_TEXT, .def = "no", .set = set_logger_bool, .example = "yes", .doc = "whether milliseconds follow the time: time_precision = ms"},
    LOG_ROWS(SCOPE_FILELOG),
    LOG_LEVEL_ROWS(SCOPE_FILELOG),
    {SCOPE_SYSLOG, "map_level", .kind = KIND_TEXT, .def = "-1", .set = set_logger_map, .example = "5", .doc = "syslog's level of lines of level 0; those of 1 and above have the next ones, to 7. -1: all have 6, informational"},
    LOG_ROWS(SCOPE_SYSLOG),
    LOG_LEVEL_ROWS(SCOPE_SYSLOG),
    LOG_LEVEL_ROWS(SCOPE_JOURNAL),
};
/* clang-format on */

const struct schema_row *schema_rows(enum schema_scope scope, size_t *n)
{
    *n = ARRAY_LEN(rows);
    return scope >= SCOPE_IPSEC_SETUP ? schema_ipsec_rows(n) : rows;
}

const struct schema_row *schema_at(size_t index)
{
    size_t n;
    if (index < ARRAY_LEN(rows))
        return &rows[index];
    const struct schema_row *ipsec = schema_ipsec_rows(&n);
    index -= ARRAY_LEN(rows);
    return index < n ? &ipsec[index] : NULL;
}
