/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec.conf of Libreswan and of strongSwan: the files as flat lists of sections and keys, what each of the
 * two makes of them, and connections in the keys of swanctl.conf. Private to conf/ipsec.
 *
 *   config setup            sections begin in column 1, ...
 *       key = value         ... settings are indented. "..." keeps blanks, {...} is a list
 *   conn NAME
 *       also=OTHER          inherits what it does not say itself, as from conn %default
 *   ca NAME                 strongSwan's
 *   include ipsec.d/ *.conf relative to the including file
 *
 * Names of keys have any case, '-' is '_', and a dash may follow left and right. Files, depth, values and the
 * number of settings are bounded as those of the settings grammar. */
#pragma once

#include "base/log.h"
#include "base/text.h"
#include "conf/schema.h"
#include "conf/value.h"
#include <strings.h>

#define IPSEC_VALUE_MAX 16384

struct ipsec_file {
    const char *path;
    const struct ipsec_file *from; /* that includes it, or NULL */
    struct ipsec_file *next;
    bool is_in_ipsec_d;   /* Libreswan's place for them */
    enum dialect forced;  /* by a line of its own */
    unsigned evidence[3]; /* by dialect: how many things of the one that the other has not */
    const char *why[3];   /* the first of each, and its line */
    int why_line[3];
    enum dialect dialect; /* the verdict */
};

struct ipsec_key {
    struct setting s; /* name: as in the schema's rows, with left or right in front. Comes first */
    struct ipsec_file *file;
    const struct schema_row *row; /* NULL: unknown, or not looked up yet */
    bool has_blanks;              /* in a value without quotes */
    bool is_continued;            /* behind a backslash at the end of a line */
    bool is_bad;                  /* it cannot have that value, which has been told */
    bool is_dropped;              /* another one of the same section counts */
};

enum ipsec_kind { IPSEC_SETUP, IPSEC_CONN, IPSEC_CA };

struct ipsec_section {
    struct setting s; /* name; first: the keys in their order. Comes first */
    enum ipsec_kind kind;
    struct ipsec_file *file;
    struct ipsec_section *next;
    uint64_t visited[2]; /* by which flattening: as it is, with the ends exchanged */
    unsigned ordinal;    /* its place among all */
    bool is_open;        /* being flattened: to notice circles */
};

struct ipsec_ppk {
    const char *name;
    struct identity *owners;
    size_t n_owners;
    struct ipsec_ppk *next;
};

struct ipsec_tree {
    struct builder *b;
    const char *etc;
    struct arena *arena, *names;
    struct ipsec_section *first, *last;
    struct ipsec_file *files, **files_end;
    struct setting orphans; /* settings before any section */
    struct map by_name;     /* of connections and authorities */
    struct map twins;       /* see twins.c */
    struct ipsec_twin *merged;
    size_t n_nodes, n_bytes, n_files;
    bool has_include, has_conn;
    bool reads_folder;   /* ipsec.d, though nothing includes it */
    bool is_bad;         /* errors were found that hide others */
    uint64_t flattened;  /* how often */
    enum dialect forced; /* for all files, by keyway.conf */
    struct ip *own;      /* this machine's addresses */
    size_t n_own;
    const struct setting *uniqueids, *revocation, *managed;
    const struct setting *bad; /* of the last flattening: what cannot be */
    struct ipsec_ppk *ppks;
    bool told_later; /* that some secrets wait for what is not built */
};

/* lines.c: reads a file and what it includes. False only when it does not exist. */
bool ipsec_read(struct ipsec_tree *t, const char *path, bool is_in_ipsec_d);
/* The first section of that kind and name, and the next one of the same, or NULL. */
struct ipsec_section *ipsec_find(const struct ipsec_tree *t, enum ipsec_kind kind, const char *name);
struct ipsec_section *ipsec_find_next(const struct ipsec_tree *t, const struct ipsec_section *s);

/* dialect.c: a verdict for each file, logged. */
void ipsec_judge(struct ipsec_tree *t);
const char *ipsec_dialect_name(enum dialect d);

/* keys.c: what can be said of each key by itself: unknown ones, values that cannot be, doubled ones, those
 * without effect. Names become those of the rows. */
void ipsec_check(struct ipsec_tree *t);
enum schema_scope ipsec_scope(enum ipsec_kind kind, const char *name);
/* The row of a key's name; *end_len is the length of left or right in front of it, or 0. */
const struct schema_row *ipsec_row(enum ipsec_kind kind, const char *name, size_t *end_len);
bool ipsec_bool(const char *text, bool *out);
bool ipsec_time(const char *text, int64_t *usec);
bool ipsec_bytes(const char *text, uint64_t *out);
const struct schema_word *ipsec_word(const struct schema_row *r, const char *text);
bool ipsec_accepts(const struct schema_row *r, const char *value);

/* An error that costs one connection, and not the whole load: a line of the log. */
void ipsec_log_error(const struct diag *d);
/* Those that came since there were so many; they are none then. */
void ipsec_log_errors(struct builder *b, size_t n_before);

/* also.c: all that counts for a section, into to: its own keys, those of also=, those of %default. What of it
 * cannot be is in t->bad then. */
void ipsec_flatten(struct ipsec_tree *t, struct ipsec_section *s, struct setting *to);

/* One connection on its way. */
struct ipsec_conn {
    struct ipsec_tree *t;
    struct builder *b;
    struct ipsec_section *section;
    const struct setting *from; /* what counts, flattened */
    struct setting *to;         /* what it becomes */
    const char *name;
    enum dialect dialect;
    const char *local, *remote;     /* "left" and "right", or the reverse */
    const char *out;                /* why it is left out, or NULL */
    const struct setting *out_key;  /* which says so, or NULL */
    const struct setting *pools[8]; /* that are made for it */
    size_t n_pools;
    const char *ke_words; /* the key exchange methods of ike= */
};

/* NULL when it is not given, or cleared. */
const struct setting *ipsec_given(const struct ipsec_conn *c, const char *key);
const struct setting *ipsec_end(const struct ipsec_conn *c, bool is_local, const char *key);
bool ipsec_says(const struct ipsec_conn *c, const char *key, bool def); /* a yes or no */
void ipsec_put(struct ipsec_conn *c, const char *path, const struct setting *from, const char *value);
/* The connection will be left out; the first reason counts. needs: a part that is not built. */
void ipsec_leave_out(struct ipsec_conn *c, const struct setting *key, const char *why);
void ipsec_needs(struct ipsec_conn *c, const struct setting *key, const char *part);
__attribute__((format(printf, 3, 4))) void ipsec_warn(struct ipsec_conn *c, const struct setting *at,
                                                      const char *fmt, ...);

void ipsec_put_ends(struct ipsec_conn *c);      /* ends.c */
bool ipsec_is_any(const char *address);         /* %any and its like */
void ipsec_put_selectors(struct ipsec_conn *c); /* selectors.c: subnets, protocols, virtual addresses */
void ipsec_put_auth(struct ipsec_conn *c);      /* auth.c */
/* What only the built connection shows. */
void ipsec_finish_auth(struct ipsec_conn *c, struct connection *built);
void ipsec_put_proposals(struct ipsec_conn *c);  /* proposals.c */
void ipsec_put_times(struct ipsec_conn *c);      /* times.c */
void ipsec_put_iptfs(struct ipsec_conn *c);      /* iptfs.c */
bool ipsec_is_shunt(const struct ipsec_conn *c); /* shunt.c: all there is to say about one */
void ipsec_put_shunt(struct ipsec_conn *c);
/* conn.c */
void ipsec_build_conns(struct ipsec_tree *t, const struct conf_request *req);
/* twins.c: the connection becomes a child of an earlier one, which is the same but for the children. True: it
 * has, and the snapshot needs it no more. */
bool ipsec_merge(struct ipsec_conn *c, struct connection *built);
void ipsec_finish_merging(struct ipsec_tree *t);
/* setup.c */
void ipsec_build_setup(struct ipsec_tree *t);
/* ca.c */
void ipsec_build_cas(struct ipsec_tree *t);
/* secrets.c: one file and what it includes. False when it does not exist. */
bool ipsec_read_secrets(struct ipsec_tree *t, const char *path);
/* The name of the postquantum preshared key that is for its identities, or NULL. */
const char *ipsec_ppk_for(const struct ipsec_conn *c);
