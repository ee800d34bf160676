/* SPDX-License-Identifier: Apache-2.0 */
/* A database of NSS's (cert9.db, key4.db) in the key store's folder: what it has is taken over through NSS's
 * own certutil and pk12util, where they are installed. They work on a copy; the database stays as it was. */
#pragma once

#include "sys/keystore.h"

struct nss_taken {
    bool is_there;     /* a database is there, and what it has was not taken over yet */
    bool has_tools;    /* certutil and pk12util are installed */
    bool has_password; /* the database has one, which the store has now, too, when it had none */
    size_t n_keys, n_certs;
    size_t n_left; /* keys that the tools do not give */
};

/* Takes over what is new since the last time. etc: for nsspassword. The store, which is made when there is
 * none, gets the database's password when it has none. True: all is done, or there is nothing to do; the
 * tools are missing, too, is no failure. False with d. Waits for the tools: not in the control loop. */
bool nss_database_take(const char *folder, const char *etc, struct nss_taken *out, struct diag *d);
