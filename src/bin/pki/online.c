/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching for `pki --verify --online`: what a verdict says that it lacks is fetched, one address after the
 * other, and then it is judged again. Each address is tried once, all of it for at most half a minute. */
#include "bin/pki/online.h"
#include "pki/crl.h"
#include "pki/ocsp.h"
#include "sys/clock.h"
#include "sys/revoker_store.h"
#include <stdlib.h>

#define PATIENCE INT64_C(30000000) /* microseconds */
enum { TRIED_MAX = 64 };

struct online {
    struct revoker_store *store;
    atomic_bool is_ending;
    struct trust_tried tried[TRIED_MAX];
    size_t n_tried;
    int64_t began;
};

struct online *online_new(void)
{
    struct online *o = mem_new(sizeof(*o));
    fetch_init();
    atomic_init(&o->is_ending, false);
    o->store = store_new(NULL, &o->is_ending);
    o->began = clock_now().mono;
    return o;
}

void online_free(struct online *o)
{
    if (!o)
        return;
    store_free(o->store);
    free(o);
}

static void try_one(struct online *o, const struct pki_run *r, const struct trust_fetch *f)
{
    char why[FETCH_WHY_MAX] = "";
    bool is_there = store_fetch(o->store, f, o->began, o->began + PATIENCE, why);
    o->tried[o->n_tried++] = (struct trust_tried){.url = arena_strdup(r->arena, f->url),
                                                  .failure = is_there ? NULL : arena_strdup(r->arena, why)};
    pki_note(r, 1, "  %s %s: %s", f->kind == FETCH_CRL ? "CRL from" : "OCSP responder", f->url,
             is_there ? "came" : why);
}

/* What the store lent to the job beside the request's own. */
static void give_back(const struct job *j, const struct trust_request *req)
{
    for (size_t i = req->n_crls; i < j->trust.n_crls; i++)
        crl_unref(j->trust.crls[i]);
    for (size_t i = req->n_ocsps; i < j->trust.n_ocsps; i++)
        ocsp_unref(j->trust.ocsps[i]);
}

void online_evaluate(struct online *o, const struct pki_run *r, const struct trust_request *req,
                     struct trust_verdict *out)
{
    for (;;) {
        struct job j = {.arena = r->arena, .trust = *req};
        j.trust.tried = o->tried;
        j.trust.n_tried = o->n_tried;
        j.trust.can_fetch = o->n_tried + TRUST_FETCHES <= TRIED_MAX;
        store_lend(o->store, &j);
        trust_evaluate(&j.trust, out);
        for (size_t i = 0; i < out->n_fetch; i++)
            try_one(o, r, &out->fetch[i]);
        give_back(&j, req);
        if (!out->n_fetch)
            return;
    }
}
