/* SPDX-License-Identifier: Apache-2.0 */
/* unload-conn, unload-pool, unload-authority, unload-shared, unload-key, clear-creds; and what is loaded:
 * get-keys, get-shared, get-authorities, list-authorities. */
#include "base/text.h"
#include "ctl/commands.h"
#include <stdio.h>

static void unload(struct ctl_request *r, const char *key, const enum conf_item_kind *kinds, size_t n,
                   const char *before, const char *what)
{
    const struct ctl_host *host = &r->ctl->host;
    char name[CTL_NAME_MAX];
    bool was_there = false;
    if (!vici_find_text(r->body, key, name, sizeof(name)) || !name[0]) {
        ctl_reply_error(r->reply, "%smissing %s %s", before, what, key);
        return;
    }
    for (size_t i = 0; i < n; i++)
        was_there |= host->remove(host->ctx, kinds[i], name);
    if (was_there)
        ctl_reply_ok(r->reply);
    else
        ctl_reply_error(r->reply, "%s%s '%.200s' not found", before, what, name);
}

static void unload_one(struct ctl_request *r, const char *key, enum conf_item_kind kind, const char *before,
                       const char *what)
{
    unload(r, key, &kind, 1, before, what);
}

void ctl_cmd_unload_conn(struct ctl_request *r)
{
    unload_one(r, "name", ITEM_CONNECTION, "unload: ", "connection");
}

void ctl_cmd_unload_authority(struct ctl_request *r)
{
    unload_one(r, "name", ITEM_AUTHORITY, "unload: ", "authority");
}

void ctl_cmd_unload_shared(struct ctl_request *r)
{
    unload_one(r, "id", ITEM_SHARED, "", "shared secret");
}

void ctl_cmd_unload_key(struct ctl_request *r)
{
    static const enum conf_item_kind kinds[] = {ITEM_KEY, ITEM_TOKEN};
    unload(r, "id", kinds, ARRAY_LEN(kinds), "", "private key");
}

/* A pool that peers have addresses of stays. */
void ctl_cmd_unload_pool(struct ctl_request *r)
{
    char name[CTL_NAME_MAX];
    struct pool_view v;
    vici_find_text(r->body, "name", name, sizeof(name));
    const struct pools *pools = engine_pools(ctl_engine(r));
    for (size_t i = 0; pools_at(pools, i, &v); i++) {
        if (strcmp(v.name, name) != 0 || !v.online)
            continue;
        ctl_reply_error(r->reply, "pool '%s' has %zu leases online and stays", name, v.online);
        return;
    }
    unload_one(r, "name", ITEM_POOL, "", "pool");
}

void ctl_cmd_clear_creds(struct ctl_request *r)
{
    r->ctl->host.clear_credentials(r->ctl->host.ctx);
    ctl_reply_ok(r->reply);
}

/* ---- what is loaded */

static void write_names(struct ctl_request *r, enum conf_item_kind kind)
{
    const struct overlay *o = r->ctl->host.overlay(r->ctl->host.ctx);
    for (const char *name = overlay_next(o, kind, NULL); name; name = overlay_next(o, kind, name)) {
        if (name[0] != CTL_NAMELESS[0])
            vici_item(r->reply, name);
    }
}

void ctl_cmd_get_keys(struct ctl_request *r)
{
    vici_list(r->reply, "keys");
    write_names(r, ITEM_KEY);
    write_names(r, ITEM_TOKEN);
    vici_list_end(r->reply);
}

void ctl_cmd_get_shared(struct ctl_request *r)
{
    vici_list(r->reply, "keys");
    write_names(r, ITEM_SHARED);
    vici_list_end(r->reply);
}

void ctl_cmd_get_authorities(struct ctl_request *r)
{
    const struct config *c = engine_config(ctl_engine(r));
    vici_list(r->reply, "authorities");
    for (size_t i = 0; c && i < c->n_authorities; i++)
        vici_item(r->reply, c->authorities[i].name);
    vici_list_end(r->reply);
}

static void write_uris(struct vici_writer *w, const char *key, const char *const *v, size_t n)
{
    vici_list(w, key);
    for (size_t i = 0; i < n; i++)
        vici_item(w, v[i]);
    vici_list_end(w);
}

void ctl_cmd_list_authorities(struct ctl_request *r)
{
    const struct config *c = engine_config(ctl_engine(r));
    char name[CTL_NAME_MAX];
    vici_find_text(r->body, "name", name, sizeof(name));
    for (size_t i = 0; c && i < c->n_authorities; i++) {
        const struct authority *a = &c->authorities[i];
        if (name[0] && strcmp(name, a->name) != 0)
            continue;
        struct vici_writer *w = ctl_event_open_to(r->conn, CTL_LIST_AUTHORITY);
        vici_section(w, a->name);
        vici_text(w, "cacert", a->trust.ca ? cert_subject_text(a->trust.ca) : "");
        write_uris(w, "crl_uris", a->trust.crl_uris, a->trust.n_crl_uris);
        write_uris(w, "ocsp_uris", a->trust.ocsp_uris, a->trust.n_ocsp_uris);
        if (a->cert_uri_base)
            vici_text(w, "cert_uri_base", a->cert_uri_base);
        vici_section_end(w);
        ctl_emit_to(r->conn, CTL_LIST_AUTHORITY);
    }
}
