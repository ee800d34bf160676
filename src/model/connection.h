/* SPDX-License-Identifier: Apache-2.0 */
/* The one connection model behind every configuration dialect: an immutable, reference-counted snapshot. All
 * of it lives in the snapshot's arena; a reload makes a new snapshot and never changes an old one. */
#pragma once

#include "base/arena.h"
#include "base/secret.h"
#include "model/logging.h"
#include "model/origin.h"
#include "model/plane.h"
#include "model/pool.h"
#include "model/proposal.h"
#include "net/identity.h"
#include "net/ts.h"
#include "pki/cert.h"

enum auth_method { AUTH_PSK, AUTH_PUBKEY, AUTH_NULL };
/* A set: TRAP waits for a packet, START does not; a child may have both. close_action takes the same words.
 */
enum start_action { START_NONE, START_START, START_TRAP, START_BOTH };
/* IPTFS: a tunnel whose packets hold several of what is inside, or parts of them [RFC9347]. The last three
 * are of shunts [RFC4301#4.4.1: BYPASS, DISCARD]: packets that go past all tunnels, and packets that go
 * nowhere, silently or with a word to who sent them. */
enum child_mode { MODE_TUNNEL, MODE_TRANSPORT, MODE_BEET, MODE_IPTFS, MODE_PASS, MODE_DROP, MODE_REJECT };
const char *child_mode_name(enum child_mode m); /* "transport" */
/* Whole packets are inside, from and to any addresses. */
bool child_mode_is_tunnel(enum child_mode m);
enum send_cert { SEND_CERT_IFASKED, SEND_CERT_ALWAYS, SEND_CERT_NEVER };
enum fragmentation { FRAG_YES, FRAG_ACCEPT, FRAG_NO };
enum copy_dscp { DSCP_OUT, DSCP_IN, DSCP_YES, DSCP_NO };
enum encap_mode { ENCAP_NO, ENCAP_AUTO, ENCAP_YES };
enum tcp_mode { TCP_NO, TCP_ALWAYS, TCP_FALLBACK };
enum esp_path { ESP_PATH_AUTO, ESP_PATH_PACKET, ESP_PATH_RAW };
/* Whose scripts updown is for: which verbs they hear, and which environment. */
enum updown_style { UPDOWN_STRONGSWAN, UPDOWN_LIBRESWAN };
#define TFC_TO_MTU UINT32_MAX /* child_config.tfc_padding */

enum dpd_action { DPD_CLEAR, DPD_RESTART, DPD_TRAP };
/* What becomes of IKE SAs of one connection between the same two identities. REPLACE: the newer one stays.
 * KEEP: the one that is there and answers stays, and a newer one is refused. NO: only an end that says
 * INITIAL_CONTACT takes the others down, and two that one pair of hosts made at once become one. NEVER: each
 * stands for itself, and INITIAL_CONTACT is neither said nor believed: several hosts share an identity. */
enum unique { UNIQUE_REPLACE, UNIQUE_KEEP, UNIQUE_NO, UNIQUE_NEVER };

/* An IKE SA without a first child [RFC6023]. ALLOW: a peer may make one, we do where there is no child to
 * make; PREFER: we do where the peer takes it; FORCE: no other is made or taken; NEVER: none is taken. */
enum childless { CHILDLESS_ALLOW, CHILDLESS_NEVER, CHILDLESS_PREFER, CHILDLESS_FORCE };

/* Another gateway that clients are sent to [RFC5685#9.2]: one of the two is set, or none. */
struct gateway {
    struct ip ip;
    const char *name;
};
const char *gateway_format(const struct gateway *g, char *buf /* IP_TEXT_MAX */);
enum redirect_when { REDIRECT_INIT, REDIRECT_AUTH }; /* before or after the client has proved who it is */

struct pkey_list {
    struct pkey **v;
    size_t n;
};

/* One side's demands or offers in one authentication round. */
struct auth_side {
    enum auth_method method;
    struct identity id; /* ID_ANY: local: certificate's subject or address; remote: any */
    /* remote: the certificate must speak for this identity, and the peer may call itself otherwise, as id is
     * ID_ANY then; or NULL */
    const struct identity *cert_id;
    struct cert_list certs;         /* local: candidates; remote: accepted end entities */
    struct cert_list cacerts;       /* remote: one of these must be in the path */
    struct pkey_list pubkeys;       /* raw public keys [RFC7670]: local: ours; remote: accepted ones */
    bool asks_dns;                  /* remote: DNS has the raw public keys of its identity [RFC4025] */
    const struct identity *ca_id;   /* remote: identity that a CA of the path must have, or NULL */
    const char *const *cert_policy; /* remote: required policy OIDs */
    size_t n_cert_policy;
    const char *const *groups; /* remote: one of them must hold by an attribute certificate [RFC5755] */
    size_t n_groups;
    enum revocation revocation;       /* remote: what when it is not known whether a certificate is revoked */
    const struct sig_scheme *schemes; /* constraints: allowed signature schemes; n 0 = all strong ones */
    size_t n_schemes;
    unsigned min_rsa_bits, min_ecdsa_bits; /* 0: no demand */
    uint16_t round;                        /* as configured: rounds are in the order of these numbers */
    struct origins origins;
};

/* RFC 4806, a set: the peer is asked for a response about its certificate; is told one about ours when it
 * asks. */
enum { OCSP_ASK = 1, OCSP_TELL = 2 };

#define AUTH_ROUNDS_MAX 4 /* of one side */

struct auth_sides {
    struct auth_side *v;
    size_t n;
};

struct lifetime {                             /* 0 = no limit */
    int64_t rekey_time, life_time, rand_time; /* microseconds */
    uint64_t rekey_bytes, life_bytes, rand_bytes;
    uint64_t rekey_packets, life_packets, rand_packets;
};

struct child_config {
    const char *name;
    uint64_t hash; /* over all of it: equal means unchanged by a reload */
    const struct ts *local_ts, *remote_ts;
    size_t n_local_ts, n_remote_ts;
    struct proposal_list proposals;    /* of AH first, then of ESP */
    struct proposal_list ah_proposals; /* those of them that are AH, as configured */
    struct lifetime life;
    enum child_mode mode;
    enum start_action start_action;
    enum start_action close_action; /* when the peer closes the child */
    enum dpd_action dpd_action;
    uint32_t replay_window; /* packets; 0 = off */
    uint32_t reqid;         /* 0: assigned */
    uint32_t priority;
    int64_t inactivity; /* microseconds; 0 = off */
    bool copies_df, copies_ecn;
    enum copy_dscp copy_dscp;
    uint64_t dscp; /* the traffic class that it carries, bit n for DSCP n; 0: what no other child does */
    bool installs_policies;
    bool truncates_sha256; /* sha256_96 */
    bool has_ipcomp;
    enum per_cpu per_cpu;
    uint32_t tfc_padding; /* packets are padded to so many bytes, or as far as the path allows; 0: no */
    const char *updown;   /* command, or NULL */
    enum updown_style updown_style;
    bool has_hostaccess;
    bool opens_firewall; /* accept rules for its traffic in the machine's own firewall, while it is up */
    struct ip
        source; /* an address of ours inside local_ts for what this machine itself sends; family 0: any */
    /* remote_ts asks for all there is, and the peer decides how much of that it gives: nothing else is kept
     * from leaving in the clear. For who has a virtual address. */
    bool peer_decides;
    struct kernel_options kernel; /* with numbers that are to be chosen, see model/plane.h */
    struct origins origins;
};

struct host_spec {      /* one entry of local_addrs or remote_addrs */
    struct ip from, to; /* a range, a prefix, or one address twice */
    const char *fqdn;   /* to be resolved, or NULL */
    bool is_any;
};

#define CONNECTION_FURTHER 7

struct connection {
    const char *name;
    const char
        *dialect; /* "keyway.conf", "swanctl.conf", "vici", "ipsec.conf/libreswan", "ipsec.conf/strongswan" */
    int version;  /* 0 = both, 2 */
    const struct host_spec *local_addrs, *remote_addrs;
    size_t n_local_addrs, n_remote_addrs;
    uint16_t local_port, remote_port; /* 500 floats to 4500 */
    const struct ip *vips;            /* virtual addresses to ask for; unspecified ones: any of that family */
    size_t n_vips;
    const char *const *pools; /* names: what peers get virtual addresses from */
    size_t n_pools;
    struct proposal_list proposals;
    struct auth_side local, remote;            /* of the first round of authentication, mostly the only one */
    struct auth_sides more_local, more_remote; /* of further ones, in their order [RFC4739] */
    const struct child_config *children;
    size_t n_children;
    const struct child_config *shunts; /* what is not negotiated: children whose mode is one of shunts */
    size_t n_shunts;
    int64_t rekey_time, over_time, rand_time, reauth_time; /* microseconds; 0 = off */
    int64_t dpd_delay;                                     /* microseconds; 0 = off */
    uint32_t keyingtries;                                  /* 0 = for ever */
    enum unique unique;
    enum childless childless;
    struct gateway redirect; /* where clients are sent */
    enum redirect_when redirect_when;
    bool retries_forever; /* tunnel short form: a failed attempt is tried again with bounded back-off */
    enum encap_mode encap;
    bool does_mobike;
    enum tcp_mode tcp;     /* as initiator: IKE and ESP in TCP (RFC 9329) */
    uint16_t tcp_port;     /* the peer's */
    bool resumes_sessions; /* RFC 5723: asks for tickets, gives them and takes them */
    bool detects_crashes;  /* RFC 6290: gives tokens and believes them */
    uint8_t window; /* RFC 7296 2.3: requests at once, each way, as far as the peer takes part; 1: one */
    bool syncs_message_ids; /* RFC 6311: a peer that is a cluster may move message IDs on after a failover */
    enum fragmentation fragmentation;
    enum send_cert send_cert;
    bool sends_certreq;
    uint8_t ocsp;                  /* RFC 4806: OCSP responses in IKE: a set */
    const struct identity *ppk_id; /* the PPK to use; NULL: none as initiator, any as responder */
    bool ppk_required;
    enum dataplane_choice dataplane; /* who carries its packets; AUTO: as the settings say */
    uint32_t if_id_in, if_id_out;    /* of children that have none of their own: it is in those already */
    uint8_t dscp;                    /* of IKE packets */
    uint64_t ike_hash; /* over all of the above but for name, children and shunts: what IKE SAs are made with.
                          Equal means that a reload leaves them up */
    uint64_t hash;     /* over all of it */
    struct origins origins;
    /* Filled by sys before the snapshot is given to the engine, which uses them as initiator: the first
     * remote address that could be resolved and the local address that the machine's routes choose towards it
     * (family 0: not known, e.g. %any or a name that does not resolve yet). Not part of hash. */
    struct ip resolved_local, resolved_remote;
    struct ip_pair further[CONNECTION_FURTHER]; /* tried in turn when the peer does not answer there */
    uint8_t n_further;
};

struct shared_secret {
    struct identity *owners; /* none: any */
    size_t n_owners;
    struct secret secret;
    struct origin origin;
};

/* A postquantum preshared key (RFC 8784): always the same, or a file whose pieces are used once each. */
struct ppk {
    struct identity *ids; /* by which it is called; none: by any */
    size_t n_ids;
    struct secret secret; /* empty: a pad */
    const char *pad;      /* its file */
    bool is_from_end;     /* pieces for IKE SAs that we begin are taken from the end */
    struct origin origin;
};

struct private_key {
    struct pkey *key;
    const char *file; /* where it is; NULL: in no file of its own */
    struct origin origin;
};

/* Where a certificate was read: its file, or its nickname in the key store. */
struct cert_file {
    struct cert *cert; /* a reference */
    const char *path;
};

#define TCP_PORTS_MAX 8

#define DNS_ANCHORS_MAX 8
struct settings {               /* strongswan.conf and keyway.conf's global section; times in microseconds */
    uint16_t port, port_natt;   /* 500, 4500 */
    int64_t retransmit_timeout; /* 4 s */
    double retransmit_base;     /* 1.8 */
    unsigned retransmit_tries;  /* 5 */
    int64_t retransmit_limit;   /* 0 = none */
    unsigned retransmit_jitter; /* percent */
    int64_t half_open_timeout;  /* 30 s */
    unsigned cookie_threshold;  /* 30 half-open SAs */
    unsigned cookie_threshold_ip;    /* 3 of them from one address */
    unsigned block_threshold;        /* 5 half-open SAs per address */
    unsigned null_auth_limit;        /* 1000 IKE SAs that peers began without proving who they are */
    unsigned null_auth_per_address;  /* 5 of them */
    unsigned init_limit_half_open;   /* 500 in all; 0: no limit */
    unsigned init_limit_job_load;    /* 0: none; jobs under way */
    unsigned ikesa_limit;            /* 0: none; IKE SAs in all, from which on peers begin no more */
    int64_t keep_alive;              /* 20 s */
    int64_t keep_alive_dpd_margin;   /* 0: none; a keepalive that is later asks whether the peer lives */
    int64_t retry_initiate_interval; /* 0: as after any failure */
    int64_t delete_rekeyed_delay;    /* 5 s: late packets of a child that was replaced are taken */
    uint32_t reqid_base;             /* 1 */
    uint32_t spi_min, spi_max;       /* 0xc0000000, 0xcfffffff: of children, inbound */
    uint16_t fragment_size;          /* 1280: of the IP packet */
    uint32_t max_packet;             /* 10000 */
    uint32_t replay_window;          /* 32 for swanctl; the short form uses its own */
    struct iptfs_options iptfs;      /* of children that do not say it themselves */
    int routing_table, routing_table_prio; /* 220, 220 */
    bool installs_routes;
    bool installs_vips;            /* virtual addresses that we are given */
    const char *vip_device;        /* the interface that gets them; NULL: the tunnel's */
    const struct pool_attr *attrs; /* that every client which gets an address is told */
    size_t n_attrs;
    bool reuses_ike_sas;        /* a further child does not get an IKE SA of its own */
    bool prefers_own_proposals; /* and not the peer's order */
    bool announces_hashes;      /* signatures of RFC 7427 */
    bool prefers_pss;           /* for our RSA keys */
    bool sends_vendor_id;       /* strongSwan's */
    bool follows_redirects;     /* to other gateways [RFC5685] */
    bool inactivity_close_ike;  /* the IKE SA goes with the only child that is closed for its inactivity */
    bool makes_before_break;    /* reauthentication: the new IKE SA stands before the old one goes */
    const char *interfaces_use, *interfaces_ignore; /* names; NULL: all, none */
    enum dataplane_choice dataplane;                /* of connections that do not say it themselves */
    unsigned dataplane_workers;                     /* 0: one for each processor */
    enum esp_path esp_path;                         /* of ESP that is not in UDP */
    int ipsec_dialect;             /* of ipsec.conf: 0: found out, 1: Libreswan's, 2: strongSwan's */
    bool uses_crls, uses_ocsp;     /* to know what is revoked */
    int64_t revocation_timeout;    /* 5 s for each of them */
    bool heeds_roaming;            /* changes of addresses and routes, as they come */
    uint16_t route_mtu, route_mss; /* of the routes into tunnels; 0: none said */
    const char *ipsec_secrets;     /* its file; NULL: ETC/ipsec.secrets */
    bool caches_crls;              /* CRLs that were fetched are kept over restarts */
    bool asks_dns;               /* for keys of peers of which nothing else says how they prove themselves */
    const char *dns_resolv_conf; /* the file that names the name servers which are asked */
    const char *const *dns_trust_anchors; /* files with DS or DNSKEY records; none: the first known one */
    size_t n_dns_trust_anchors;
    bool uses_hash_and_url;  /* peers may say where their certificate is, and it is fetched there */
    const char *key_store;   /* its folder; NULL: where the daemon was told, or ipsec/nss of its state */
    const char *vici_socket; /* where vici listens beside the daemon's own socket, or NULL */
    const char *resolv_conf; /* a file that gets the name servers of peers, or NULL */
    uint16_t tcp_ports[TCP_PORTS_MAX]; /* that are listened on */
    unsigned n_tcp_ports;
    struct origins origins;
};
void settings_defaults(struct settings *s);

/* A certification authority, and where it says what it has revoked. */
struct authority {
    const char *name;
    struct trust_authority trust; /* ca may be NULL; a reference */
    const char *cert_uri_base;    /* where the certificates that it issued are; NULL: nowhere */
    struct origins origins;
};

struct config {
    struct arena *arena;
    unsigned refs; /* atomic; see config_ref() */
    uint64_t generation;
    const struct connection **connections;
    size_t n_connections;
    size_t
        n_left_out; /* connections of ipsec.conf that are not there, though their auto= says that they are */
    size_t n_ignored; /* sections of ipsec.conf that are not loaded, as their auto= says */
    struct shared_secret *secrets;
    size_t n_secrets;
    struct ppk *ppks;
    size_t n_ppks;
    struct private_key *keys;
    size_t n_keys;
    struct cert_list cas;   /* trust anchors (self-signed or not: what x509ca/ holds) */
    struct cert_list certs; /* end entities and helpers */
    struct cert_list aas;   /* authorities over attribute certificates */
    struct acert **acerts;  /* references: ours, and what is known of peers */
    size_t n_acerts;
    struct cert_file *cert_files; /* of those that came out of files */
    size_t n_cert_files;
    struct pkey_list pubkeys;      /* raw public keys of peers that are called by their key id */
    struct cert_list ocsp_signers; /* responders whose answers are believed */
    struct crl **crls;             /* references */
    size_t n_crls;
    struct logging logging;
    struct authority *authorities;
    size_t n_authorities;
    struct pool_config *pools; /* by name */
    size_t n_pools;
    struct settings settings;
    struct config_index *index; /* made when first looked into; see lookup.c */
    struct config **parts; /* references: what it was merged from, which owns all of the above; else NULL */
    size_t n_parts;
};

/* The arena is taken. refs starts at 1. */
struct config *config_new(struct arena *a);
struct config *config_ref(struct config *c);
void config_unref(
    struct config *c); /* the last one wipes secrets, drops keys and certificates, frees the arena */
enum config_kind { CONFIG_CONNECTIONS, CONFIG_AUTHORITIES, CONFIG_POOLS };
struct config_filter {
    void *ctx;
    bool (*hides)(void *ctx, enum config_kind kind, const char *name);
};
/* One snapshot of several, each of which it holds: the secrets, keys and certificates of all; of connections,
 * pools and authorities with the same name the last, in the place of the first; the settings of the first
 * part, and what the filter (or NULL) does not hide of it. n is not 0. */
struct config *config_merge(struct config *const *parts, size_t n, const struct config_filter *filter);
/* Gives back the keys and certificates of one that is in no snapshot. */
void connection_drop(const struct connection *c);
const struct connection *config_find(const struct config *c, const char *name);
/* Makes the index that look-ups need, where it is not there yet: those that come later find it. */
void config_index(const struct config *c);
/* Is there a child in that mode? */
bool config_uses_mode(const struct config *c, enum child_mode m);
const struct pool_config *config_pool(const struct config *c, const char *name);
/* Have they the same selectors, as configured? */
bool child_config_is_alike(const struct child_config *a, const struct child_config *b);
const struct child_config *connection_child(const struct connection *c, const char *name);
/* The child, or the shunt, that is what old is in another snapshot, by name and hash; NULL: gone, or changed.
 */
const struct child_config *connection_same_child(const struct connection *c, const struct child_config *old);
const struct child_config *connection_same_shunt(const struct connection *c, const struct child_config *old);
const struct child_config *connection_shunt(const struct connection *c, const char *name);
/* False for one that is there for its shunts alone: nobody is talked to, and no peer is it. */
bool connection_has_ike(const struct connection *c);
/* NULL when the key has its default. */
const struct origin *origin_of(const struct origins *o, const char *key);
/* Best shared secret for the pair of identities (an owner list that names both, then one, then none), or
 * NULL. */
const struct shared_secret *config_secret_for(const struct config *c, const struct identity *local,
                                              const struct identity *remote);
/* The PPK that is called so: one that names it, else the first that names nobody; or NULL. The type of an
 * identity does not travel and does not count. */
const struct ppk *config_ppk_for(const struct config *c, struct span id);
/* The private key of a certificate or public key, or NULL. */
struct pkey *config_key_for(const struct config *c, const struct pkey *public_key);

/* One side's rounds of authentication: how many, and each of them from 0. */
size_t connection_rounds(const struct connection *c, bool is_local);
const struct auth_side *connection_round(const struct connection *c, bool is_local, size_t round);
bool connection_has_rounds(const struct connection *c); /* more than one, of either side */
/* Has any connection several rounds? */
bool config_has_rounds(const struct config *c);

/* Does a list of addresses of the configuration hold this one? An empty one, %any and a name hold all. */
bool hosts_hold(const struct host_spec *v, size_t n, struct ip ip);

/* ---- which connections a peer at these addresses may mean: those whose addresses fit closest first (a
 * concrete address beats a range, that beats %any), then in the order of the configuration. Memory from a. */
struct connection_set {
    const struct connection **v;
    size_t n;
};
/* Of each list of IKE proposals and way in which the peer proves itself, with which signatures, the first. */
struct connection_set config_peer_kinds(const struct config *c, struct arena *a, struct ip local,
                                        struct ip remote);
/* One of those: do all connections that it stands for accept the same CAs? */
bool config_kind_has_one_ca(const struct config *c, const struct connection *kind);
/* Those whose remote identity is id, or a pattern that it may fall under. */
struct connection_set config_peers(const struct config *c, struct arena *a, struct ip local, struct ip remote,
                                   const struct identity *id);
