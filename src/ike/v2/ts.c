/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic selector negotiation (RFC 7296 section 2.9): what is configured, narrowing by the responder, and
 * the initiator's check that it was narrowed and not widened. */
#include "base/text.h"
#include "ike/v2/sa.h"

static uint8_t resolve(const struct ts *v, size_t n, struct ip host, struct ts *out)
{
    uint8_t k = 0;
    for (size_t i = 0; i < n && k < SA_MAX_TS; i++)
        out[k++] = ts_resolve_dynamic(&v[i], host);
    return k;
}

struct ts_pair ts_configured(const struct ike_sa *sa, const struct child_config *cfg)
{
    struct ts_pair p = {0};
    p.n_local = resolve(cfg->local_ts, cfg->n_local_ts, sa->local.ip, p.local);
    p.n_remote = resolve(cfg->remote_ts, cfg->n_remote_ts, sa->remote.ip, p.remote);
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
