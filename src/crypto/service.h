/* SPDX-License-Identifier: Apache-2.0 */
/* Which library serves each algorithm on this machine, for people to read: ESP's part is the table of
 * bulk_table.c, IKE's is libcrypto, but for what we have to bring ourselves. What a row says was tried. */
#pragma once

#include "crypto/alg.h"

enum service_kind {
    SERVICE_ENCRYPTION,
    SERVICE_INTEGRITY,
    SERVICE_PRF,
    SERVICE_KEY_EXCHANGE,
    SERVICE_SIGNATURE,
    SERVICE_KINDS
};

struct service {
    enum service_kind kind;
    const char *name;      /* "AES_GCM_16" */
    uint16_t key_bits;     /* encryption; 0: none */
    bool is_weak;          /* off unless a proposal names it */
    bool is_esp, is_ike;   /* can be negotiated there */
    const char *esp;       /* library that serves ESP: "ipsec-mb", "openssl"; NULL: none */
    const char *ike;       /* "openssl", "keyway" (our own) or NULL */
    const char *but;       /* a library that would be preferred and does not serve it, or NULL ... */
    const char *but_lacks; /* ... and why; or why nobody serves it */
};

/* index 0.. until false. Makes keys to find out: not for a busy path. */
bool service_at(size_t index, struct service *out);
const char *service_kind_name(enum service_kind kind); /* "encryption" */

/* The libraries; version NULL: not there. */
struct service_library {
    const char *name, *version;
};
bool service_library_at(size_t index, struct service_library *out);
