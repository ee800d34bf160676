/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot's values on their way to the reader, as text or as JSON: blocks, and fields with the line that
 * set them. What is not printable is made so. */
#pragma once

#include "base/text.h"
#include "conf/show.h"

struct show_out {
    const struct conf_sink *sink;
    bool json, has_item[16];
    unsigned depth;
    char text[2048]; /* of the value being built */
    struct text t;
};

/* As it is. */
void show_put(struct show_out *o, const char *s);
/* Before each member of a JSON object or array; name NULL: of an array. Text: nothing. */
void show_item(struct show_out *o, const char *name);
/* An object ('{') or array ('['); title is how text calls it, NULL for nothing. */
void show_open_block(struct show_out *o, const char *name, const char *title, const char *bracket);
void show_close_block(struct show_out *o, const char *bracket, bool had_title);
/* o->t is empty: the value is built there. */
void show_begin_value(struct show_out *o);
/* Between the parts of a list that is built in o->t: nothing before the first. */
const char *show_separator(const struct show_out *o);
/* The value that was built in o->t. at NULL: the default. */
void show_field_from(struct show_out *o, const char *key, const struct origin *at);
void show_field(struct show_out *o, const struct origins *origins, const char *key);
/* Values of their own, with where the key was set. */
void show_time_field(struct show_out *o, const struct origins *origins, const char *key, int64_t usec);
void show_number_field(struct show_out *o, const struct origins *origins, const char *key, uint64_t v);
void show_word_field(struct show_out *o, const struct origins *origins, const char *key, const char *word);
void show_bool_field(struct show_out *o, const struct origins *origins, const char *key, bool v);
void show_hosts_field(struct show_out *o, const struct origins *origins, const char *key,
                      const struct host_spec *v, size_t n);
void show_proposals_field(struct show_out *o, const struct origins *origins, const char *key,
                          const struct proposal_list *l);
void show_ts_field(struct show_out *o, const struct origins *origins, const char *key, const struct ts *v,
                   size_t n);
void show_certs_field(struct show_out *o, const struct origins *origins, const char *key,
                      const struct cert_list *l);
void show_pubkeys_field(struct show_out *o, const struct origins *origins, const char *key,
                        const struct pkey_list *l);
