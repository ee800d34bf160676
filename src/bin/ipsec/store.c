/* SPDX-License-Identifier: Apache-2.0 */
/* The key store as `ipsec` commands make and open it. */
#include "bin/ipsec/ipsec.h"
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* "STATE", "STATE/ipsec" and "STATE/ipsec/nss"; whether they are there shows in the next step. */
static void make_folder(const char *folder)
{
    char path[PATH_TEXT_MAX];
    size_t len = strlen(folder);
    for (size_t i = 1; i <= len; i++) {
        if (folder[i] != '/' && folder[i])
            continue;
        snprintf(path, sizeof(path), "%.*s", (int)i, folder);
        mkdir(path, i == len ? 0700 : 0755);
    }
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && access(path, W_OK) == 0;
}

int ipsec_store_make(const struct ipsec_run *r)
{
    struct diag d;
    if (r->is_default_folder)
        make_folder(r->folder);
    if (!is_folder(r->folder)) {
        fprintf(stderr, "ERROR: destination directory \"%s\" is missing or permission denied\n", r->folder);
        return 1;
    }
    printf("Initializing NSS database\n\n");
    return keystore_init(r->folder, &d) ? 0 : ipsec_fail(r, &d);
}

struct keystore *ipsec_store_open(const struct ipsec_run *r, bool is_writing, int *code)
{
    struct diag d;
    if (ipsec_has(r, "password"))
        ipsec_refuse(r, 0, "the key store has no password: --password is not used");
    struct keystore *s = keystore_open(r->folder, is_writing, &d);
    if (!s)
        *code = ipsec_fail(r, &d);
    return s;
}
