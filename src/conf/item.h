/* SPDX-License-Identifier: Apache-2.0 */
/* One thing that a client loads into a running daemon: a connection, a pool, a credential. Its keys are those
 * of the section of swanctl.conf that it stands for, and it is built as such a section is, into a snapshot of
 * its own that config_merge() puts beside the others. */
#pragma once

#include "conf/conf.h"

enum conf_item_kind {
    ITEM_CONNECTION,
    ITEM_POOL,
    ITEM_AUTHORITY,
    ITEM_SHARED, /* keys: type (IKE, PPK, EAP, XAUTH, NTLM), data, owners */
    ITEM_TOKEN,  /* handle, slot, module, pin: a private key */
    ITEM_KEY,    /* data: a private key without a passphrase, PEM or DER */
    ITEM_CERT,   /* data; type: X509, X509_AC, X509_CRL, PUBKEY; flag: NONE, CA, AA, OCSP */
};

struct conf_item;

/* name: the section's, or what a credential is called; copied. */
struct conf_item *conf_item_new(enum conf_item_kind kind, struct span name);
void conf_item_free(struct conf_item *t); /* wipes the values */

/* What is in it, in order; values and names are copied. A value of bytes that are no text is a blob, as is
 * what 0x and 0s introduce. False: too much, too deep, or a name that no section can have. */
bool conf_item_open(struct conf_item *t, struct span name);
bool conf_item_close(struct conf_item *t);
/* The same name again: one more item of a list. */
bool conf_item_value(struct conf_item *t, struct span name, struct span value);

/* The part of a snapshot that it is, to stand beside another, whose settings hold defaults and whose keys and
 * certificates count; or NULL, with the errors in d as from conf_load(). Once. Touches what src reads, so it
 * may take its time. */
struct config *conf_item_build(struct conf_item *t, const struct conf_source *src, const char *etc,
                               const struct config *around, struct diag *d, size_t cap, size_t *n_errors);
