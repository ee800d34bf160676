/* SPDX-License-Identifier: Apache-2.0 */
/* See state.h. */
#include "sys/state.h"
#include "crypto/random.h"
#include "sys/paths.h"
#include "sys/private_file.h"
#include <stdio.h>
#include <sys/stat.h>

static const char advice[] = "remove it: a new one is made when the daemon starts";

static const char *folder_of(const char *state, char buf[PATH_TEXT_MAX])
{
    snprintf(buf, PATH_TEXT_MAX, "%s/keyway", state);
    return buf;
}

static const char *folder_make(const char *state, char buf[PATH_TEXT_MAX])
{
    mkdir(state, 0755); /* whether they are there shows in the next step */
    mkdir(folder_of(state, buf), 0700);
    return buf;
}

bool state_read(const char *state, const char *leaf, size_t max, struct secret *out, struct diag *d)
{
    char folder[PATH_TEXT_MAX];
    return private_read(folder_of(state, folder), leaf, max, advice, out, d);
}

bool state_write(const char *state, const char *leaf, struct span bytes, struct diag *d)
{
    char folder[PATH_TEXT_MAX];
    return private_write(folder_make(state, folder), leaf, bytes, d);
}

static bool make_secret(const char *state, size_t len, struct diag *d)
{
    char folder[PATH_TEXT_MAX];
    struct secret fresh = secret_new(len);
    crypto_random(fresh.ptr, len);
    bool ok = private_write_once(folder_make(state, folder), "secret", secret_view(&fresh), d);
    secret_free(&fresh);
    return ok;
}

bool state_secret(const char *state, size_t len, struct secret *out, struct diag *d)
{
    char folder[PATH_TEXT_MAX];
    bool ok = state_read(state, "secret", len, out, d);
    if (!ok && !diag_failed(d))
        ok = make_secret(state, len, d) && state_read(state, "secret", len, out, d);
    if (!ok || out->len == len)
        return ok;
    secret_free(out);
    diag_set(d, FAIL_GENERIC, "%s/secret: it is damaged", folder_of(state, folder));
    diag_try(d, "%s", advice);
    return false;
}
