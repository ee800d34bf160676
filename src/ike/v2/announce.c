/* SPDX-License-Identifier: Apache-2.0 */
/* Announcing ways to authenticate (RFC 9593): the responder in its IKE_SA_INIT response, what any connection
 * of those addresses takes; the initiator in IKE_AUTH, what its connection takes. Certificates, schemes and
 * refusals go by what the peer announced.
 *
 * A responder whose list would make IKE_SA_INIT too long for one packet says there that it has one, and keeps
 * it for IKE_INTERMEDIATE where both speak that, else it says nothing (section 3.1). An initiator that has to
 * choose how to sign begins that exchange for the list alone, where additional key exchanges do not bring it.
 *
 * Where connections differ in the signatures that they take, what one takes is linked to its CAs by their
 * places in our CERTREQ (section 3.2.2). */
#include "ike/auth/announce.h"
#include "base/text.h"
#include "ike/v2/ike_auth.h"

#define LIST_MAX 16384
#define AROUND   (40 + 8 + 100) /* IPv6, UDP, and what comes behind the list in an IKE_SA_INIT response */

/* ---- ours ---- */

struct wish { /* what one or more connections take */
    struct arena *a;
    unsigned ways;
    struct announce_kind *v;
    const struct auth_side **of; /* whose */
    size_t n, cap;
};

/* has_one_ca: its CAs are those of all connections that are meant. */
static void add(struct wish *w, const struct connection *conn, bool has_one_ca)
{
    for (size_t i = 0; i < connection_rounds(conn, false); i++) {
        const struct auth_side *side = connection_round(conn, false, i);
        w->ways |= 1u << side->method;
        if (side->method != AUTH_PUBKEY || w->n == w->cap)
            continue;
        w->of[w->n] = has_one_ca ? side : NULL;
        w->v[w->n++] = (struct announce_kind){.schemes = side->schemes, .n = side->n_schemes};
    }
}

static struct wish wish_for(struct arena *a, size_t connections)
{
    struct wish w = {.a = a, .cap = connections * AUTH_ROUNDS_MAX};
    w.v = arena_calloc(a, w.cap, sizeof(*w.v));
    w.of = arena_calloc(a, w.cap, sizeof(*w.of));
    if (!w.v || !w.of)
        w.cap = 0;
    return w;
}

/* Else a CA says nothing that the list does not say anyway. */
static bool differ(const struct wish *w)
{
    for (size_t i = 1; i < w->n; i++) {
        if (w->v[i].n != w->v[0].n || (w->v[i].n && memcmp(w->v[i].schemes, w->v[0].schemes,
                                                           w->v[i].n * sizeof(*w->v[i].schemes)) != 0))
            return true;
    }
    return false;
}

/* The peer's certificate stands below one of the side's CAs, if it is one of those that are accepted by
 * themselves, or a raw key, not: then it is left open. */
static void link_kind(const struct wish *w, size_t i, struct span authorities)
{
    const struct auth_side *side = w->of[i];
    if (!side || !side->cacerts.n || side->certs.n || side->pubkeys.n || side->asks_dns)
        return;
    uint8_t *cas = arena_alloc(w->a, side->cacerts.n);
    for (size_t k = 0; cas && k < side->cacerts.n; k++) {
        size_t place = auth_certreq_place(authorities, side->cacerts.v[k]);
        if (place == 0 || place > UINT8_MAX)
            return;
        cas[k] = (uint8_t)place;
    }
    w->v[i].cas = cas;
    w->v[i].n_cas = cas ? side->cacerts.n : 0;
}

/* [RFC9593#3.2.2] */
static void link_all(struct ike_env *env, const struct ike_sa *sa, const struct wish *w)
{
    if (!differ(w))
        return;
    struct span authorities = cert_authorities(env, sa);
    for (size_t i = 0; i < w->n; i++)
        link_kind(w, i, authorities);
}

static struct span ours(struct ike_env *env, const struct ike_sa *sa, bool is_own)
{
    uint8_t *bytes = arena_alloc(env->out->arena, LIST_MAX);
    struct wr w = wr_over(bytes, bytes ? LIST_MAX : 0);
    struct connection_set set = {.n = 0};
    if (!is_own)
        set = config_peer_kinds(sa->config, env->out->arena, sa->local.ip, sa->remote.ip);
    struct wish wish = wish_for(env->out->arena, set.n + is_own);
    if (is_own)
        add(&wish, sa->conn, true);
    for (size_t i = 0; i < set.n; i++)
        add(&wish, set.v[i], config_kind_has_one_ca(sa->config, set.v[i]));
    link_all(env, sa, &wish);
    announce_encode(&w, wish.ways, wish.v, wish.n);
    return wr_ok(&w) ? wr_span_view(&w) : span_of(NULL, 0);
}

static void put(struct build *b, struct span list)
{
    build_notify(b, N_SUPPORTED_AUTH_METHODS, PROTO_NONE, span_of(NULL, 0), list);
}

void announce_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    struct span list = ours(env, sa, x->is_own);
    if (!list.len)
        return;
    if (x->is_own || b->w.len + list.len + AROUND <= sa->config->settings.fragment_size) {
        put(b, list);
        return;
    }
    sa->owes_list = sa->has_intermediate;
    if (sa->owes_list)
        put(b, span_of(NULL, 0));
}

void announce_put_late(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    if (!sa->owes_list)
        return;
    sa->owes_list = false;
    cert_put_request(env, b, sa, x); /* what the list counts is beside it */
    put(b, ours(env, sa, false));
}

/* ---- the peer's ---- */

/* Several are one list. */
static struct span theirs(struct arena *a, const struct ike_message *m)
{
    size_t len = 0;
    for (const struct pl_notify *n = NULL; (n = ike_notify_next(m, N_SUPPORTED_AUTH_METHODS, n));)
        len += n->data.len;
    uint8_t *bytes = arena_alloc(a, len + 1);
    struct wr w = wr_over(bytes, bytes ? len : 0);
    for (const struct pl_notify *n = NULL; (n = ike_notify_next(m, N_SUPPORTED_AUTH_METHODS, n));)
        wr_span(&w, n->data);
    return wr_ok(&w) ? wr_span_view(&w) : span_of(NULL, 0);
}

bool announce_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    char text[256];
    (void)d;
    if (!ike_notify(m, N_SUPPORTED_AUTH_METHODS) || (sa->announced && !sa->announced->is_awaited))
        return true;
    struct announced *a = arena_alloc(sa->arena, sizeof(*a));
    if (!a || !announce_decode(sa->arena, theirs(env->out->arena, m), a)) {
        sa_log(env, sa, LOG_WARN, "the peer's SUPPORTED_AUTH_METHODS is malformed, and not looked at");
        return true;
    }
    sa->announced = a;
    if (!a->is_awaited)
        sa_log(env, sa, LOG_DETAIL, "the peer takes %s", announce_format(a, text, sizeof(text)));
    return true;
}

bool announce_is_worth_asking(const struct ike_sa *sa)
{
    bool signs = false;
    for (size_t i = 0; i < connection_rounds(sa->conn, true); i++)
        signs |= connection_round(sa->conn, true, i)->method == AUTH_PUBKEY;
    return signs && sa->has_intermediate && sa->announced && sa->announced->is_awaited;
}

static bool is_below(const void *ctx, uint8_t link)
{
    return cert_is_below(ctx, link);
}

static struct announce_ask ask_for(const struct ike_sa *sa, const struct auth_side *side,
                                   const struct pkey *key, const struct cert_below *below)
{
    return (struct announce_ask){.peer = sa->announced,
                                 .key = key,
                                 .peer_hashes = sa->peer_hashes,
                                 .own = side,
                                 .prefers_pss = sa->config->settings.prefers_pss,
                                 .is_below = is_below,
                                 .ctx = below};
}

bool announce_suits(const struct ike_sa *sa, const struct auth_side *side, const struct cert *cert,
                    const struct pkey *key)
{
    struct auth_choice ignored;
    struct diag d;
    const struct cert_below below = {.sa = sa, .cert = cert};
    struct announce_ask q = ask_for(sa, side, key, &below);
    diag_clear(&d);
    return announce_choose(&q, &ignored, &d);
}

bool announce_choose_scheme(const struct ike_sa *sa, const struct auth_side *side, const struct cert *cert,
                            const struct pkey *key, struct auth_choice *out, struct diag *d)
{
    const struct cert_below below = {.sa = sa, .cert = cert};
    struct announce_ask q = ask_for(sa, side, key, &below);
    return announce_choose(&q, out, d);
}

bool announce_allows(const struct ike_sa *sa, const struct auth_side *side, struct diag *d)
{
    char taken[256];
    enum auth_method way = side->method;
    if (announce_takes(sa->announced, way))
        return true;
    diag_set(d, FAIL_AUTH, "the peer does not take %s", auth_way_name(way));
    diag_expected(d, "what it announced: %s", announce_format(sa->announced, taken, sizeof(taken)));
    diag_got(d, "%s, as connection %s has it", auth_way_name(way), sa->conn->name);
    diag_where_of(d, &side->origins, "auth");
    return false;
}

void announce_tell(const struct ike_sa *sa, struct text *t)
{
    char taken[256];
    if (sa->announced && !sa->announced->is_awaited)
        text_printf(t, "; it takes %s", announce_format(sa->announced, taken, sizeof(taken)));
}
