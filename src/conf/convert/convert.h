/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot back into files: swanctl.conf, ipsec.conf in either dialect, keyway.conf with its short form.
 *
 * What is written is loaded again with the daemon's own loader, and what the two snapshots differ in is told:
 * as a comment where it would stand, and as a note with the line that it comes from. So nothing is lost in
 * silence. convert_absence() knows why a form has no place for a key; what it does not know is a defect.
 *
 * Private keys, certificates and what is on tokens stay where they are: files are named by their paths. */
#pragma once

#include "conf/conf.h"

enum convert_form { FORM_SWANCTL, FORM_STRONGSWAN, FORM_LIBRESWAN, FORM_KEYWAY, FORM_COUNT };
const char *convert_form_name(enum convert_form f); /* "swanctl" */
bool convert_form_of(const char *word, enum convert_form *out);

struct convert_request {
    const struct conf_source *src; /* for credentials, and for strongswan.conf, which stays as it is */
    const char *etc, *settings;    /* as of conf_request */
    enum convert_form to;
};

struct convert_note {
    const char *subject; /* "connection office", or "settings" */
    const char *path;    /* "children.office.close_action" */
    const char *value;   /* what it is ... */
    const char *becomes; /* ... and what it will be; "": nothing */
    const char *why;     /* NULL: not known, a defect */
    struct origin at;    /* file NULL: a default */
};

struct convert_file {
    const char *path; /* below etc: "swanctl/swanctl.conf" */
    const char *text;
    bool is_secret;
};

#define CONVERT_FILES 64

struct conversion {
    struct arena *a;
    struct convert_file files[CONVERT_FILES]; /* the first is the main one */
    size_t n_files;
    struct convert_note *notes;
    size_t n_notes;
};

/* False with the reason: what was written does not load, which is a defect. convert_free() in either case. */
bool convert_config(const struct config *c, const struct convert_request *r, struct conversion *out,
                    struct diag *d);
void convert_free(struct conversion *v);
/* Loads what was written, in the place of the files that are there. NULL with the reason. */
struct config *convert_load(const struct convert_request *r, const struct conversion *v, struct diag *d);
/* Why a form cannot have what a path says ("children.*.inactivity"); NULL: it can. */
const char *convert_absence(enum convert_form f, const char *path);

/* What differs between two snapshots, apart from where it came from. Returns how many calls; fn may be NULL.
 */
struct convert_difference {
    const char *subject, *path, *value, *becomes;
    const struct connection *connection; /* of the first; or NULL */
    struct origin at;
};
size_t convert_compare(const struct config *a, const struct config *b,
                       void (*fn)(void *ctx, const struct convert_difference *d), void *ctx);
