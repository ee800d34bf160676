/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of convert/ share: pages that grow, and a snapshot's objects as fields: one for each key of
 * the schema, with its value as text. */
#pragma once

#include "conf/convert/convert.h"
#include "conf/schema.h"

/* ---- page.c: text that grows, wiped when it is freed */

struct page {
    char *buf;
    size_t len, cap;
};
void page_put(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void page_free(struct page *p);
const char *page_text(const struct page *p);

/* ---- fields.c */

#define FIELDS_MAX 96

struct field {
    const struct schema_row *row;
    const char *key;
    const char *value; /* NULL: nothing */
    const struct origin *origin;
};

struct fields {
    struct arena *a;
    const struct config *config;
    bool is_comparing; /* values by which two snapshots compare, not those that are written */
    struct field v[FIELDS_MAX];
    size_t n;
};

void fields_of_connection(struct fields *f, const struct connection *c);
void fields_of_side(struct fields *f, const struct connection *c, const struct auth_side *s, bool is_local);
void fields_of_child(struct fields *f, const struct child_config *c);
void fields_of_settings(struct fields *f, const struct settings *s);
/* NULL: no such field, or nothing in it. */
const char *field_value(const struct fields *f, const char *key);
/* Is there a way from what the row sets back to text? */
bool field_is_known(const struct schema_row *r);
bool field_same(const struct field *x, const struct fields *f, const char *key);

/* ---- values.c: in a's memory */

const char *text_of_identity(struct arena *a, const struct identity *id);
const char *text_of_time(struct arena *a, int64_t usec);
const char *text_of_auth(struct arena *a, const struct auth_side *s);
const char *text_of_proposals(struct arena *a, const struct proposal_list *l);
const char *text_of_hosts(struct arena *a, const struct host_spec *v, size_t n);
const char *text_of_ranges(struct arena *a, const struct ip_range *v, size_t n);
const char *text_of_ts(struct arena *a, const struct ts *v, size_t n);
const char *text_of_list(struct arena *a, const char *const *v, size_t n);
const char *text_of_key(struct arena *a, const struct pkey *k);
/* A secret as the settings grammar (or, for ipsec.secrets, its own) takes it. */
const char *text_of_secret(struct arena *a, const struct secret *s, bool is_ipsec);
/* The file of a certificate, or NULL: it came in place. */
const char *path_of_cert(const struct config *c, const struct cert *cert);
/* Quoted, where the grammar wants it. */
const char *quoted(struct arena *a, const char *value);
/* A name that sections can have. */
const char *section_name(struct arena *a, const char *name);

/* ---- the writers */

struct writer {
    const struct config *config;
    const struct convert_request *request;
    struct arena *a;
    enum convert_form to;
    struct page main, secrets;
    const struct connection *plain;        /* one of that form with nothing set */
    const struct connection *plain_tunnel; /* keyway: of the short form */
    const struct settings *plain_settings;
    struct conversion *out;
    const struct convert_note *notes; /* of the round before: comments */
    size_t n_notes;
    const char **long_why; /* keyway: by connection: why it is no tunnel, or NULL */
};

/* The comments that belong to a subject. */
void write_notes(struct writer *w, struct page *p, const char *subject, const char *indent);
void write_settings_form(struct writer *w); /* swanctl.conf, and keyway.conf's long form */
void write_sections(struct writer *w, const struct connection *c, const char *indent);
void write_tunnel(struct writer *w, const struct connection *c); /* tunnel.c */
/* May its secret stand in a tunnel? */
bool tunnel_takes_secret(const struct config *config, const struct connection *c);
const struct shared_secret *tunnel_secret(const struct config *config, const struct connection *c);
void write_secrets_section(struct writer *w);
void write_ipsec_form(struct writer *w);
void write_ipsec_secrets(struct writer *w);
void write_charon(struct writer *w); /* strongswan.conf */

/* ipsec_conn.c and beside: one conn */
struct conn_writer {
    struct writer *w;
    struct page *p;
    const struct connection *c;
    const struct child_config *child, *plain_child;
    struct fields conn, local, remote, kid;                    /* what it is */
    struct fields plain, plain_local, plain_remote, plain_kid; /* what the form makes of nothing */
    bool is_libreswan;
};
/* As ipsec.conf and ipsec.secrets call it: names with an @. */
const char *ppk_name(struct arena *a, const struct identity *id);
const char *ipsec_id_text(struct arena *a, const struct identity *id);
void conn_key(struct conn_writer *x, const char *key, const char *value);
void conn_times(struct conn_writer *x);
void conn_iptfs(struct conn_writer *x); /* iptfs.c */
void conn_proposals(struct conn_writer *x);
void conn_auth(struct conn_writer *x);
