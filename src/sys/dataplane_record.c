/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/dataplane_record.h"
#include "base/secret.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *keep_name(char *to, size_t cap, const char *name)
{
    if (!name)
        return NULL;
    snprintf(to, cap, "%s", name);
    return to;
}

struct dataplane_record *dataplane_record_new(const struct action *a)
{
    bool has_sa = a->kind == ACTION_SA_ADD || a->kind == ACTION_SA_UPDATE || a->kind == ACTION_SA_DEL;
    bool has_policy = a->kind == ACTION_POLICY_ADD;
    if (!has_sa && !has_policy && a->kind != ACTION_POLICY_DEL && a->kind != ACTION_TRAP_FAILED)
        return NULL;
    struct dataplane_record *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->action = *a;
    if (has_sa) {
        r->sa = *a->sa;
        r->sa.connection = keep_name(r->connection, sizeof(r->connection), a->sa->connection);
        r->sa.child = keep_name(r->child, sizeof(r->child), a->sa->child);
        r->action.sa = &r->sa;
    }
    if (has_policy) {
        r->policy = *a->policy;
        r->action.policy = &r->policy;
    }
    return r;
}

struct dataplane_record *dataplane_record_path_mtu(struct ip peer, uint32_t mtu)
{
    struct dataplane_record *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->kind = RECORD_PATH_MTU;
    r->peer = peer;
    r->mtu = mtu;
    return r;
}

struct dataplane_record *dataplane_record_tables(struct esp_tables *tables, sem_t *is_done)
{
    struct dataplane_record *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->kind = RECORD_TABLES;
    r->tables = tables;
    r->is_done = is_done;
    return r;
}

struct dataplane_record *dataplane_record_stream(enum record_kind kind, uint32_t handle, struct span bytes)
{
    struct dataplane_record *r = calloc(1, sizeof(*r) + bytes.len);
    if (!r)
        abort();
    r->kind = kind;
    r->stream.handle = handle;
    r->len = bytes.len;
    if (bytes.len)
        memcpy(r->bytes, bytes.ptr, bytes.len);
    return r;
}

void dataplane_record_free(struct dataplane_record *r)
{
    if (r->kind == RECORD_STREAM_ADD && r->stream.fd >= 0)
        close(r->stream.fd); /* nobody took it */
    secret_wipe(r, sizeof(*r));
    free(r);
}
