/* SPDX-License-Identifier: Apache-2.0 */
/* get-pools: the pools of virtual addresses, with their leases when asked. A reply is one segment: leases
 * that do not fit are counted and left out. */
#include "ctl/commands.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LEASES_BYTES (400u << 10)

struct place { /* of a pool among those of the configuration */
    size_t index, place;
};

struct listing {
    struct vici_writer *w;
    size_t n, left_out;
};

static bool write_lease(void *ctx, const struct lease_view *v)
{
    struct listing *l = ctx;
    char index[24], ip[IP_TEXT_MAX], id[ID_TEXT_MAX];
    if (l->w->len > LEASES_BYTES) {
        l->left_out++;
        return true;
    }
    snprintf(index, sizeof(index), "%zu", l->n++);
    vici_section(l->w, index);
    vici_text(l->w, "address", ip_format(v->ip, ip));
    vici_text(l->w, "identity", identity_format(&v->owner, id));
    vici_text(l->w, "status", v->is_online ? "online" : "offline");
    vici_section_end(l->w);
    return true;
}

static void write_pool(struct ctl_request *r, size_t index, const struct pool_view *v, bool has_leases)
{
    struct vici_writer *w = r->reply;
    char ip[IP_TEXT_MAX];
    vici_section(w, v->name);
    vici_text(w, "base", v->size ? ip_format(v->base, ip) : "");
    vici_printf(w, "size", "%" PRIu64, v->size);
    vici_printf(w, "online", "%zu", v->online);
    vici_printf(w, "offline", "%zu", v->offline);
    vici_own_flag(w, "unloaded", !v->is_loaded);
    if (has_leases) {
        struct listing l = {.w = w};
        vici_section(w, "leases");
        pools_leases(engine_pools(ctl_engine(r)), index, write_lease, &l);
        vici_section_end(w);
        if (l.left_out && w->is_extended)
            vici_printf(w, "leases-left-out", "%zu", l.left_out);
    }
    vici_section_end(w);
}

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return x->place < y->place ? -1 : x->place > y->place;
}

void ctl_cmd_get_pools(struct ctl_request *r)
{
    const struct pools *pools = engine_pools(ctl_engine(r));
    char name[VICI_NAME_MAX + 1];
    struct span yes;
    struct pool_view v;
    bool is_one = vici_find_text(r->body, "name", name, sizeof(name));
    bool has_leases = vici_find(r->body, "leases", &yes) && vici_is_yes(yes);
    size_t n = 0;
    while (pools_at(pools, n, &v))
        n++;
    struct place *places = calloc(n + 1, sizeof(*places));
    if (!places)
        abort();
    for (size_t i = 0; i < n && pools_at(pools, i, &v); i++)
        places[i] = (struct place){.index = i, .place = v.place};
    qsort(places, n, sizeof(*places), by_place);
    for (size_t i = 0; i < n && pools_at(pools, places[i].index, &v); i++) {
        if (!is_one || strcmp(v.name, name) == 0)
            write_pool(r, places[i].index, &v, has_leases);
    }
    free(places);
}
