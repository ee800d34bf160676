/* SPDX-License-Identifier: Apache-2.0 */
/* From trees of settings to a snapshot: what the builders of the dialects share. Private to conf/. */
#pragma once

#include "conf/settings/settings.h"
#include "pki/crl.h"

struct origin_list {
    struct origin *v;
    size_t n, cap;
};

struct builder {
    const struct conf_source *src;
    struct errors *errs;
    struct settings_tree *tree;
    struct arena *a;       /* the snapshot's */
    struct arena *scratch; /* wiped after loading */
    struct config *config;
    const struct config *around; /* what is built will stand beside it; or NULL */
    const char *dir;             /* of the dialect being read: ETC/swanctl or ETC/keyway */
    const char *dialect;         /* "swanctl.conf", "keyway.conf" */
    struct proposal_list default_ike, default_esp, default_ah;
    struct map names;    /* of the connections so far */
    bool is_tunnel;      /* what is built is the short form */
    bool is_of_settings; /* see struct conf_request */
    size_t cap_pools, cap_connections, cap_secrets, cap_keys, cap_certs, cap_cas, cap_aas, cap_pubkeys,
        cap_signers, cap_acerts, cap_cert_files;
    const char *ipsec_d; /* ETC/ipsec.d, or NULL: not looked into */
    bool has_looked;     /* for private keys there: found_keys */
    struct private_key *found_keys;
    size_t n_found_keys;
    bool has_nicknames;         /* a certificate's name is one of the key store's first: ipsec.conf */
    struct stored_cert *stored; /* of the key store, for their nicknames */
    size_t n_stored;
};

struct schema_row;
/* Puts the value of key (never NULL) into dest. Errors go to b->errs. */
typedef void schema_setter(struct builder *b, const struct schema_row *row, const struct setting *key,
                           void *dest);

/* An error at a value, or at a section when it is one. "key: what". */
struct diag *build_error(struct builder *b, const struct setting *s, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* expected, got the value, and a hint when two settings seem to share a line */
void build_expected(struct diag *d, const struct setting *key, const char *expected);
/* How many characters of a value may be shown: not those of a secret that ran into it from the next setting.
 */
int build_shown(const char *value);
struct origin origin_of_setting(const struct setting *key);
void origin_copy(struct builder *b, struct origin_list *l, const struct origin *o);
void origin_add(struct builder *b, struct origin_list *l, const char *prefix, const struct setting *key);

/* put.c: sets a dotted path below a section, '*' being name. What is on the way is placed where section is;
 * from is what the user wrote, NULL: a default. */
void build_put(struct builder *b, struct setting *to, const struct setting *section, const char *name,
               const char *path, const struct setting *from, const char *value);
/* ipsec/: ipsec.conf and ipsec.secrets, in both dialects */
struct ipsec_tree;
/* Reads ipsec.conf; its config setup. Then, with the same builder and tree, what else is in it. */
struct ipsec_tree *build_ipsec_settings(struct builder *b, const struct conf_request *req);
void build_ipsec(struct ipsec_tree *t, const struct conf_request *req);

/* swanctl.c: everything that swanctl.conf may hold; the tree's references are resolved */
void build_swanctl(struct builder *b, const struct setting *root);
void build_secret(struct builder *b, const struct setting *section); /* ike1 { ... } */
/* keyway.c: the global section; then the same, and the tunnels */
void build_keyway_settings(struct builder *b, const struct setting *root);
void build_keyway(struct builder *b, struct setting *root);
/* strongswan.c: the charon section; and what to do about lines that are no configuration */
void build_strongswan(struct builder *b, const struct setting *root);
void strongswan_explain_strays(const struct settings_tree *t);
/* connection.c: one connection; NULL when its name is taken */
struct connection *build_connection(struct builder *b, const struct setting *section);
/* Checks what has to be known as a whole, computes the hash, and adds it. */
void build_add_connection(struct builder *b, struct connection *c, const struct setting *section);
/* kernel.c: marks and ids of a child: what the connection says for all of them, what shunts cannot have */
void build_finish_kernel(struct builder *b, const struct connection *conn, struct child_config *c,
                         const struct setting *section);
/* hash.c */
uint64_t child_config_hash(const struct child_config *c);
/* Fills hash and ike_hash; the children have theirs. */
void connection_hash(struct connection *c);

/* pool.c */
void build_pools(struct builder *b, const struct setting *section);
void build_pool(struct builder *b, const struct setting *section);
/* Does the first word of the list name addresses, and not a pool? */
bool build_is_pool_range(struct builder *b, const char *text);
/* When all are there: sorts them, and finds what connections name. */
void build_finish_pools(struct builder *b);

/* credentials.c */
void build_add_secret(struct builder *b, const struct setting *key, struct secret *taken,
                      const struct identity *owners, size_t n_owners);
/* ppk.c: a section of secrets; one PPK given as text or "pad:/PATH"; do the connections' PPKs exist? */
void build_ppk(struct builder *b, const struct setting *section);
void build_add_ppk(struct builder *b, const struct setting *key, const char *text, const struct identity *id);
void build_check_ppks(struct builder *b);
/* null_auth.c: a connection with a side that does not prove who it is: what that implies and excludes. */
void build_null_auth(struct builder *b, struct connection *c);
/* auth.c: an identity that only a certificate can show is the peer's own where it shows none. */
void build_settle_id(struct auth_side *side);
/* authority.c */
void build_authorities(struct builder *b, const struct setting *section);
void build_add_crl(struct builder *b, struct crl *taken);
/* Remembers where a certificate, or a private key that was added, came from. */
void build_note_cert(struct builder *b, struct cert *c, const char *path);
void build_note_key(struct builder *b, const struct pkey *k, const char *path);
/* Takes the certificate. */
void build_add_ca(struct builder *b, struct cert *c);
void build_add_cert(struct builder *b, struct cert *c);
void build_add_signer(struct builder *b, struct cert *c); /* of OCSP responses */
/* Certificates of a list of files or blobs, looked for in dir/FOLDER; both forms go to out as references. */
void build_cert_take(struct builder *b, struct cert_list *l, struct cert *c); /* at its end */
void build_cert_list(struct builder *b, const struct setting *key, const char *const *folders,
                     struct cert_list *out);
/* The key as the snapshot has it, borrowed, or NULL after an error. */
struct pkey *build_private_key(struct builder *b, const struct setting *key, const char *passphrase);
void build_add_aa(struct builder *b, struct cert *c);
struct acert;
void build_add_acert(struct builder *b, struct acert *taken);
void build_add_pubkey(struct builder *b, struct pkey *k);
/* Takes the key. One that is there already (named, and found in its folder) stays as it was found first. */
void build_add_key(struct builder *b, struct pkey *k, struct origin origin);
void build_pubkey_add(struct builder *b, struct pkey_list *l, struct pkey *k); /* takes it */
/* Raw public keys of a list of files or blobs, looked for in dir/pubkey; added to out as references. */
void build_pubkey_list(struct builder *b, const struct setting *key, struct pkey_list *out);
/* private.c: files of settings that hold a secret and that others can read are errors. */
void build_check_private(struct builder *b, const struct setting *root);
/* token.c: secrets.token<suffix>; a certificate section with a handle in it. */
void build_token(struct builder *b, const struct setting *section);
void build_token_cert(struct builder *b, const struct setting *section, struct auth_side *side);
/* folders.c: the well-known folders of the dialect; those of ipsec.d; a private key in ipsec.d/private, or in
 * the key store, for a certificate or key that a connection names (what says which): true when one is loaded
 * now.
 */
void build_folders(struct builder *b, const struct setting *secrets);
void build_ipsec_d(struct builder *b);
bool build_found_key(struct builder *b, const struct pkey *public_key, const char *connection,
                     const char *what);
void build_drop_found(struct builder *b);
/* The certificates of the key store: authorities that are trusted, and others. */
void build_key_store(struct builder *b);
/* named_cert.c: a certificate as leftcert of ipsec.conf names it: a nickname of the key store; else a file in
 * the key store's folder; else one in ETC/ipsec.d/certs; else a path. A reference, or NULL after an error at
 * the setting. */
struct cert *build_named_cert(struct builder *b, const struct setting *key, const char *name);
/* The certificate of the key store with that nickname, as DER. */
bool build_stored_cert(const struct builder *b, const char *nickname, struct span *der);
/* The file of that name, absolute or in one of the folders (NULL-terminated) below dir. */
bool build_read(struct builder *b, const char *name, const char *const *folders, bool is_private,
                struct span *out, const char **path, struct diag *d);
/* One file; is_private: as conf_source.read_private. */
bool build_read_file(struct builder *b, const char *path, bool is_private, struct span *out, struct diag *d);

/* Gives a connection's section, for each of the classes that the value names between bars, a child that is as
 * the one of that name in all but its class. */
void build_add_classes(struct builder *b, struct setting *connection, const char *child,
                       const struct setting *classes);
/* Can the traffic classes of a connection's children be told apart? (class.c) */
void build_check_classes(struct builder *b, const struct connection *c, const struct setting *section);

/* Does a list of addresses name one that can be called? */
bool build_has_peer(struct builder *b, const char *text);

/* Setters of the schema's rows that are more than one number (values.c, auth.c). */
schema_setter set_listen_tcp;
schema_setter set_mark, set_set_mark, set_if_id, set_default_if_id, set_policy_device, set_interface_name,
    set_interface_address;
schema_setter set_hosts, set_proposals, set_dscp, set_ts, set_esp_proposals, set_updown, set_interfaces_use,
    set_interfaces_ignore, set_tfc_padding, set_ah_proposals, set_redirect, set_class;
schema_setter set_daemon_attr, set_vip_device, set_key_store, set_ipsec_secrets;
schema_setter set_source;
schema_setter set_vici_socket, set_resolv_conf, set_vips, set_pool_names, set_pool_addrs,
    set_pool_attr;                                                                /* pool.c */
schema_setter set_authority_cert, set_crl_uris, set_ocsp_uris, set_cert_uri_base; /* authority.c */
schema_setter set_auth, set_id, set_certs, set_cacerts, set_ca_id, set_cert_policy, set_groups, set_cert_file,
    set_cacert_file, set_ppk_id, set_pubkeys, set_nothing;
schema_setter set_dns_anchors, set_dns_resolv_conf; /* values.c */
