/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing from a peer's offer, and checking what a peer chose from ours (RFC 7296 sections 2.7, 3.3.3 to
 * 3.3.6; RFC 9370 section 2.2.2). When nothing fits the reason is a difference per transform type, taken from
 * the pair of proposals that comes closest. */
#include "base/text.h"
#include "model/proposal.h"
#include <stdio.h>

#define N_TYPES TRANSFORM_TYPES /* index 0 is unused */

static bool applies(uint8_t protocol, unsigned type, struct select_options o)
{
    switch (type) {
    case TRANSFORM_ENCR:
        return protocol != PROTO_AH;
    case TRANSFORM_INTEG:
        return true;
    case TRANSFORM_PRF:
        return protocol == PROTO_IKE;
    case TRANSFORM_KE:
        return !o.ignores_ke;
    case TRANSFORM_ESN:
        return protocol != PROTO_IKE;
    default:
        return transform_is_addke(type) && !o.ignores_ke;
    }
}

/* [RFC7296#3.3.6] a transform type that we do not understand makes the proposal unusable. Types that belong
 * to another protocol make it just as meaningless; KE is always known, even where it is not looked at. */
static bool has_foreign_type(const struct proposal *p)
{
    for (size_t i = 0; i < p->count; i++) {
        if (!applies(p->protocol, p->t[i].type, (struct select_options){0}))
            return true;
    }
    return false;
}

static bool has(const struct proposal *p, const struct transform *t)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->t[i].type == t->type && p->t[i].id == t->id && p->t[i].key_bits == t->key_bits)
            return true;
    }
    return false;
}

static bool has_type(const struct proposal *p, unsigned type)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->t[i].type == type)
            return true;
    }
    return false;
}

/* Id 0 of a type means "none": the type may be left out [RFC7296#3.3.6]. */
static bool may_omit(const struct proposal *p, unsigned type)
{
    return !has_type(p, type) || has(p, &(struct transform){.type = (uint8_t)type});
}

static bool is_aead(uint16_t encr)
{
    const struct alg *a = alg_find(TRANSFORM_ENCR, encr);
    return a && a->is_aead;
}

/* The first transform of the type in first's order that second has too. none_too: id 0 counts. */
static const struct transform *common(const struct proposal *first, const struct proposal *second,
                                      unsigned type, bool none_too)
{
    for (size_t i = 0; i < first->count; i++) {
        const struct transform *t = &first->t[i];
        if (t->type == type && (t->id != 0 || none_too) && has(second, t))
            return t;
    }
    return NULL;
}

/* Encryption and integrity are chosen together: an AEAD goes with no INTEG or with NONE, everything else with
 * one of both sides' INTEGs. missing[] tells which of the two failed. */
static bool choose_protection(const struct proposal *first, const struct proposal *second, struct chosen *c,
                              bool missing[N_TYPES])
{
    if (first->protocol == PROTO_AH) {
        const struct transform *i = common(first, second, TRANSFORM_INTEG, false);
        missing[TRANSFORM_INTEG] = !i;
        c->integ = i ? i->id : 0;
        return i != NULL;
    }
    missing[TRANSFORM_ENCR] = true;
    for (size_t i = 0; i < first->count; i++) {
        const struct transform *t = &first->t[i];
        if (t->type != TRANSFORM_ENCR || !has(second, t))
            continue;
        missing[TRANSFORM_ENCR] = false;
        const struct transform *integ = is_aead(t->id) ? NULL : common(first, second, TRANSFORM_INTEG, false);
        bool fits = is_aead(t->id) ? may_omit(first, TRANSFORM_INTEG) && may_omit(second, TRANSFORM_INTEG)
                                   : integ != NULL;
        missing[TRANSFORM_INTEG] = !fits;
        if (!fits)
            continue;
        c->encr = t->id;
        c->key_bits = t->key_bits;
        c->integ = integ ? integ->id : 0;
        return true;
    }
    /* for the explanation: with no cipher in common, does integrity meet at all? */
    if (missing[TRANSFORM_ENCR] && has_type(first, TRANSFORM_INTEG) && has_type(second, TRANSFORM_INTEG))
        missing[TRANSFORM_INTEG] = !common(first, second, TRANSFORM_INTEG, true);
    return false;
}

static bool choose_ke(const struct proposal *first, const struct proposal *second, struct chosen *c)
{
    bool is_optional = first->protocol != PROTO_IKE;
    const struct transform *t = common(first, second, TRANSFORM_KE, is_optional);
    if (t) {
        c->ke = t->id;
        return true;
    }
    return is_optional && may_omit(first, TRANSFORM_KE) && may_omit(second, TRANSFORM_KE);
}

struct addke_match { /* of additional key exchanges to methods */
    const struct proposal *first, *second;
    uint16_t ke; /* of the first key exchange: taken */
    uint16_t id[ADDKE_MAX];
    bool seen[ADDKE_MAX];
};

/* The place that has the method; ADDKE_MAX: none has. */
static size_t place_of(const struct addke_match *m, uint16_t id)
{
    size_t at = 0;
    while (at < ADDKE_MAX && m->id[at] != id)
        at++;
    return at;
}

/* A method for the n-th, in first's order. One that another has is taken from it only where moves is set and
 * that one finds something else: a matching with augmenting paths, each place visited once. */
static bool match_one(struct addke_match *m, size_t n, bool moves)
{
    uint8_t type = (uint8_t)(TRANSFORM_ADDKE1 + n);
    if (m->seen[n])
        return false;
    m->seen[n] = true;
    for (size_t i = 0; i < m->first->count; i++) {
        const struct transform *t = &m->first->t[i];
        if (t->type != type)
            continue;
        if (t->id == KE_NONE && may_omit(m->second, type)) {
            m->id[n] = KE_NONE;
            return true;
        }
        if (t->id == KE_NONE || t->id == m->ke || !has(m->second, t))
            continue;
        size_t owner = place_of(m, t->id);
        if (owner == ADDKE_MAX || (moves && match_one(m, owner, true))) {
            m->id[n] = t->id;
            return true;
        }
    }
    return false;
}

/* [RFC9370#2.2.2] each of them by itself, but all methods that are chosen are different. */
static bool choose_addke(const struct proposal *first, const struct proposal *second, struct select_options o,
                         struct chosen *c, bool missing[N_TYPES])
{
    struct addke_match m = {.first = first, .second = second, .ke = c->ke};
    bool ok = true;
    for (size_t n = 0; n < ADDKE_MAX; n++) {
        unsigned type = TRANSFORM_ADDKE1 + (unsigned)n;
        bool is_optional = may_omit(first, type) && may_omit(second, type);
        bool found = false;
        for (int moves = 0; moves < 2 && !found && !o.skips_addke && c->ke; moves++) {
            memset(m.seen, 0, sizeof(m.seen));
            found = match_one(&m, n, moves);
        }
        missing[type] = !found && !is_optional;
        ok &= !missing[type];
    }
    memcpy(c->addke, m.id, sizeof(c->addke));
    return ok;
}

/* One pair of proposals, in first's order of preference. missing[type] for each type without an answer. */
static bool choose(const struct proposal *first, const struct proposal *second, struct select_options o,
                   struct chosen *c, bool missing[N_TYPES])
{
    uint8_t protocol = first->protocol;
    bool ok = choose_protection(first, second, c, missing);
    if (applies(protocol, TRANSFORM_PRF, o)) {
        const struct transform *t = common(first, second, TRANSFORM_PRF, false);
        missing[TRANSFORM_PRF] = !t;
        c->prf = t ? t->id : 0;
        ok &= t != NULL;
    }
    if (applies(protocol, TRANSFORM_KE, o)) {
        missing[TRANSFORM_KE] = !choose_ke(first, second, c);
        ok &= !missing[TRANSFORM_KE];
    }
    if (applies(protocol, TRANSFORM_ADDKE1, o))
        ok &= choose_addke(first, second, o, c, missing);
    if (applies(protocol, TRANSFORM_ESN, o)) {
        const struct transform *t = common(first, second, TRANSFORM_ESN, true);
        missing[TRANSFORM_ESN] = !t;
        c->has_esn = t && t->id != 0;
        ok &= t != NULL;
    }
    return ok;
}

/* ---- what to say when nothing fits ---- */

struct near_miss {
    const struct proposal *ours, *offered;
    bool missing[N_TYPES];
    unsigned n_missing;
};

#define LISTED_MAX 10 /* algorithms named per type and side */

static void list_one(struct text *t, const struct transform *tr, unsigned *n)
{
    char name[64];
    if (tr->type == TRANSFORM_ESN)
        snprintf(name, sizeof(name), "%s", tr->id ? "EXT_SEQ" : "NO_EXT_SEQ");
    else
        alg_format((enum transform_type)tr->type, tr->id, tr->key_bits, name, sizeof(name));
    if (*n < LISTED_MAX)
        text_printf(t, "%s%s", *n ? " or " : "", name);
    if (*n == LISTED_MAX)
        text_str(t, " or ...");
    (*n)++;
}

static bool seen_before(const struct proposal_list *l, size_t upto, const struct proposal *p, size_t k)
{
    for (size_t i = 0; i < upto; i++) {
        if (has(&l->v[i], &p->t[k]))
            return true;
    }
    for (size_t i = 0; i < k; i++) {
        if (memcmp(&p->t[i], &p->t[k], sizeof(p->t[k])) == 0)
            return true;
    }
    return false;
}

static void list_type(struct text *t, const struct proposal_list *l, unsigned type)
{
    unsigned n = 0;
    for (size_t i = 0; i < l->n; i++) {
        for (size_t k = 0; k < l->v[i].count; k++) {
            if (l->v[i].t[k].type == type && !seen_before(l, i, &l->v[i], k))
                list_one(t, &l->v[i].t[k], &n);
        }
    }
    if (n == 0)
        text_str(t, "none");
}

static bool lists_meet(const struct proposal_list *a, const struct proposal_list *b, unsigned type)
{
    for (size_t i = 0; i < a->n; i++) {
        for (size_t k = 0; k < b->n; k++) {
            if (common(&a->v[i], &b->v[k], type, true))
                return true;
        }
    }
    return false;
}

/* All that we would take of the type against all that came; but where those meet, in other combinations, only
 * the closest pair explains the failure. */
static void explain_type(struct text *t, const struct proposal_list *ours,
                         const struct proposal_list *offered, const struct near_miss *m, unsigned type)
{
    const struct proposal_list one = {m->ours, 1}, other = {m->offered, 1};
    bool narrow = lists_meet(ours, offered, type);
    text_printf(t, "%s%s: expected ", t->len ? "; " : "", alg_type_name((enum transform_type)type));
    list_type(t, narrow ? &one : ours, type);
    text_str(t, ", got ");
    list_type(t, narrow ? &other : offered, type);
}

static void explain(struct diag *d, const struct proposal_list *ours, const struct proposal_list *offered,
                    const struct near_miss *m)
{
    static const uint8_t order[] = {TRANSFORM_ENCR,
                                    TRANSFORM_INTEG,
                                    TRANSFORM_PRF,
                                    TRANSFORM_KE,
                                    TRANSFORM_ESN,
                                    TRANSFORM_ADDKE1,
                                    7,
                                    8,
                                    9,
                                    10,
                                    11,
                                    TRANSFORM_ADDKE7};
    char buf[sizeof(d->what) - 48] = "";
    struct text t = TEXT_ON(buf);
    for (size_t i = 0; i < ARRAY_LEN(order) && m->ours; i++) {
        if (m->missing[order[i]])
            explain_type(&t, ours, offered, m, order[i]);
    }
    const char *protocol = proposal_protocol_name(ours->n ? ours->v[0].protocol : PROTO_ESP);
    if (!m->ours) {
        diag_set(d, FAIL_PROPOSAL, "no %s proposal in common: the peer's offer holds none that is usable",
                 protocol);
        return;
    }
    diag_set(d, FAIL_PROPOSAL, "no %s proposal in common: %s", protocol, buf);
    diag_try(d, "add one of the peer's algorithms to %sproposals, or one of ours there",
             m->ours->protocol == PROTO_IKE  ? ""
             : m->ours->protocol == PROTO_AH ? "ah_"
                                             : "esp_");
}

static bool try_pair(const struct proposal *mine, const struct proposal *theirs, struct select_options o,
                     struct chosen *out, struct near_miss *nearest)
{
    if (mine->protocol != theirs->protocol || has_foreign_type(theirs) ||
        (o.ignores_ah && mine->protocol == PROTO_AH))
        return false;
    struct chosen c = {.protocol = theirs->protocol, .number = theirs->number, .spi_len = theirs->spi_len};
    memcpy(c.spi, theirs->spi, sizeof(c.spi));
    struct near_miss m = {.ours = mine, .offered = theirs};
    bool ok = o.prefers_peer_order ? choose(theirs, mine, o, &c, m.missing)
                                   : choose(mine, theirs, o, &c, m.missing);
    if (ok) {
        *out = c;
        return true;
    }
    for (unsigned i = 0; i < N_TYPES; i++)
        m.n_missing += m.missing[i];
    m.n_missing += m.missing[TRANSFORM_ENCR]; /* what shares a cipher is closer */
    if (!nearest->ours || m.n_missing < nearest->n_missing)
        *nearest = m;
    return false;
}

bool proposal_select(const struct proposal_list *ours, const struct proposal_list *offered,
                     struct select_options o, struct chosen *out, struct diag *d)
{
    const struct proposal_list *outer = o.prefers_peer_order ? offered : ours;
    const struct proposal_list *inner = o.prefers_peer_order ? ours : offered;
    struct near_miss nearest = {0};
    for (size_t i = 0; i < outer->n; i++) {
        for (size_t k = 0; k < inner->n; k++) {
            const struct proposal *mine = o.prefers_peer_order ? &inner->v[k] : &outer->v[i];
            const struct proposal *theirs = o.prefers_peer_order ? &outer->v[i] : &inner->v[k];
            if (try_pair(mine, theirs, o, out, &nearest))
                return true;
        }
    }
    explain(d, ours, offered, &nearest);
    return false;
}

/* ---- the responder's answer ---- */

static bool one_of_each(const struct proposal *choice, struct diag *d)
{
    unsigned count[N_TYPES] = {0};
    for (size_t i = 0; i < choice->count; i++) {
        uint8_t type = choice->t[i].type;
        if (type < N_TYPES && ++count[type] == 1)
            continue;
        diag_set(d, FAIL_PROPOSAL, "the peer's answer is not a choice: more than one %s, or an unknown type",
                 alg_type_name((enum transform_type)type));
        diag_expected(d, "one transform of each type");
        return false;
    }
    return true;
}

/* [RFC7296#3.3] an answer has one transform of each type, and all of them from one proposal of ours, which
 * its number names. What is optional may be answered by NONE or left out. */
bool proposal_accept_choice(const struct proposal_list *offered, const struct proposal *choice,
                            struct chosen *out, struct diag *d)
{
    if (!one_of_each(choice, d))
        return false;
    char text[PROPOSAL_TEXT_MAX];
    struct near_miss unused = {0};
    for (size_t i = 0; i < offered->n; i++) {
        const struct proposal *mine = &offered->v[i];
        if (mine->number && choice->number && mine->number != choice->number)
            continue;
        struct select_options o = {0};
        bool has_stranger = false;
        for (size_t k = 0; k < choice->count; k++)
            has_stranger |= choice->t[k].id != 0 && !has(mine, &choice->t[k]);
        if (!has_stranger && try_pair(mine, choice, o, out, &unused))
            return true;
    }
    diag_set(d, FAIL_PROPOSAL, "the peer chose what was not offered");
    diag_got(d, "%s", proposal_format(choice, text));
    return false;
}
