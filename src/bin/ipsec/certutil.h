/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec certutil`: what its files share. */
#pragma once

#include "bin/ipsec/commands.h"

enum { CERTUTIL_BAD = 255 }; /* how NSS's own ends for whatever reason */

#define CERTUTIL_BAD_PASSWORD "SEC_ERROR_BAD_PASSWORD: The security password entered is incorrect."

/* "certutil: ..." on stderr. Returns CERTUTIL_BAD. */
int certutil_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int certutil_fail_diag(const struct diag *d);
/* For private keys; the password of -f comes first. 0, or the exit code. */
int certutil_unlock(const struct ipsec_run *r, struct keystore *s);

/* Each is a command on the open store, and returns the exit code. */
typedef int certutil_fn(const struct ipsec_run *r, struct keystore *s);
certutil_fn certutil_list, certutil_keys;                                    /* certutil_list.c */
certutil_fn certutil_add, certutil_delete, certutil_modify, certutil_forget; /* certutil_edit.c */
certutil_fn certutil_password;                                               /* certutil_password.c */
/* Makes a store, or changes the password of the one that is there. */
int certutil_new(const struct ipsec_run *r);
