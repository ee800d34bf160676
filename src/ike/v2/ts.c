/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic selector negotiation (RFC 7296 section 2.9): what is configured, narrowing by the responder, and
 * the initiator's check that it was narrowed and not widened. */
#include "base/text.h"
#include "ike/v2/create_child.h"
#include "ike/v2/ike_auth.h"

static struct ts any_address(const struct ts *t, uint8_t family)
{
    struct ts any = ts_any(family), out = *t;
    out.from = any.from;
    out.to = any.to;
    out.is_dynamic = false;
    return out;
}

/* "dynamic" is the virtual addresses; as long as those are being asked for any address of their families;
 * and the host's own where there is no talk of virtual ones. */
static uint8_t resolve(const struct ts *v, size_t n, struct ip host, const struct vips *vips, uint8_t asked,
                       struct ts *out)
{
    uint8_t k = 0;
    for (size_t i = 0; i < n && k < SA_MAX_TS; i++) {
        bool is_virtual = v[i].is_dynamic && ((vips && vips->n) || asked);
        if (!is_virtual)
            out[k++] = ts_resolve_dynamic(&v[i], host);
        for (uint8_t j = 0; is_virtual && j < vips->n && k < SA_MAX_TS; j++)
            out[k++] = ts_resolve_dynamic(&v[i], vips->v[j]);
        for (uint8_t family = 4; is_virtual && !vips->n && family <= 6 && k < SA_MAX_TS; family += 2) {
            if (asked & VIPS_OF(family))
                out[k++] = any_address(&v[i], family);
        }
    }
    return k;
}

struct ts_pair ts_configured(const struct ike_sa *sa, const struct child_config *cfg)
{
    struct ts_pair p = {0};
    const struct sa_cfg *c = sa->cfg;
    p.n_local = resolve(cfg->local_ts, cfg->n_local_ts, sa->local.ip, c ? &c->local : NULL,
                        c ? c->local_asked : 0, p.local);
    p.n_remote = resolve(cfg->remote_ts, cfg->n_remote_ts, sa->remote.ip, c ? &c->remote : NULL,
                         c ? c->remote_asked : 0, p.remote);
    p.n_remote = null_auth_isolate(sa, p.remote, p.n_remote);
    return p;
}

/* Keeps none that another one holds: an initiator that was woken by a packet names it first, and then what
 * is around it. */
static void add(struct ts *v, uint8_t *n, const struct ts *t)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < *n; i++) {
        if (ts_contains(&v[i], t))
            return;
    }
    for (uint8_t i = 0; i < *n; i++) {
        if (!ts_contains(t, &v[i]))
            v[kept++] = v[i];
    }
    *n = kept;
    if (*n < SA_MAX_TS)
        v[(*n)++] = *t;
}

static uint8_t intersect(const struct ts *ours, uint8_t n_ours, const struct pl_ts *theirs, struct ts *out)
{
    uint8_t n = 0;
    for (size_t j = 0; j < theirs->n; j++) {
        for (uint8_t i = 0; i < n_ours; i++) {
            struct ts both;
            if (ts_intersect(&ours[i], &theirs->v[j], &both))
                add(out, &n, &both);
        }
    }
    return n;
}

bool ts_narrow(const struct ts_pair *configured, const struct pl_ts *local, const struct pl_ts *remote,
               struct ts_pair *out)
{
    memset(out, 0, sizeof(*out));
    out->n_local = intersect(configured->local, configured->n_local, local, out->local);
    out->n_remote = intersect(configured->remote, configured->n_remote, remote, out->remote);
    return out->n_local && out->n_remote;
}

static bool all_inside(const struct ts *ours, uint8_t n_ours, const struct pl_ts *theirs)
{
    for (size_t j = 0; j < theirs->n; j++) {
        bool found = false;
        for (uint8_t i = 0; i < n_ours; i++)
            found |= ts_contains(&ours[i], &theirs->v[j]);
        if (!found)
            return false;
    }
    return theirs->n > 0;
}

bool ts_is_subset(const struct ts_pair *offered, const struct pl_ts *local, const struct pl_ts *remote,
                  struct ts_pair *out)
{
    return all_inside(offered->local, offered->n_local, local) &&
           all_inside(offered->remote, offered->n_remote, remote) && ts_narrow(offered, local, remote, out);
}

const char *ts_list_format(const struct ts *v, size_t n, char *buf, size_t cap)
{
    struct text t = {.buf = buf, .cap = cap};
    char one[TS_TEXT_MAX];
    text_str(&t, n ? "" : "nothing");
    for (size_t i = 0; i < n; i++)
        text_printf(&t, "%s%s", i ? " " : "", ts_format(&v[i], one));
    return buf;
}

bool ts_pair_equal(const struct ts_pair *a, const struct ts_pair *b)
{
    if (a->n_local != b->n_local || a->n_remote != b->n_remote)
        return false;
    for (size_t i = 0; i < a->n_local; i++) {
        if (!ts_equal(&a->local[i], &b->local[i]))
            return false;
    }
    for (size_t i = 0; i < a->n_remote; i++) {
        if (!ts_equal(&a->remote[i], &b->remote[i]))
            return false;
    }
    return true;
}
