/* SPDX-License-Identifier: Apache-2.0 */
/* Announcing ways to authenticate (RFC 9593): the responder in its IKE_SA_INIT response, what any connection
 * of those addresses takes; the initiator in IKE_AUTH, where the responder has announced, what its connection
 * takes. Certificates, schemes and refusals go by what the peer announced. No CA is linked in what we send: a
 * connection has one list of schemes for all of its CAs; what a peer links is heeded.
 *
 * A responder with a long list may keep it for IKE_INTERMEDIATE (section 3.1). Ours is some 400 bytes and
 * goes into IKE_SA_INIT, or is left out where that would become too long for one packet; the peer's is taken
 * there, too, where additional key exchanges bring that exchange about, which is not begun for the list
 * alone. */
#include "ike/auth/announce.h"
#include "base/text.h"
#include "ike/v2/sa.h"

#define LIST_MAX  1024
#define KINDS_MAX 64
#define AROUND    (40 + 8 + 100) /* IPv6, UDP, and what comes behind the list in an IKE_SA_INIT response */

/* ---- ours ---- */

struct wish { /* what one or more connections take */
    unsigned ways;
    struct sig_scheme v[KINDS_MAX];
    size_t n;
    bool takes_all; /* schemes */
};

static void add_scheme(struct wish *w, struct sig_scheme s)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->v[i].type == s.type && w->v[i].hash == s.hash && w->v[i].is_pss == s.is_pss)
            return;
    }
    if (w->n < KINDS_MAX)
        w->v[w->n++] = s;
}

static void add_side(struct wish *w, const struct auth_side *remote)
{
    w->ways |= 1u << remote->method;
    if (remote->method != AUTH_PUBKEY)
        return;
    w->takes_all |= remote->n_schemes == 0;
    for (size_t i = 0; i < remote->n_schemes; i++)
        add_scheme(w, remote->schemes[i]);
}

static void add(struct wish *w, const struct connection *conn)
{
    for (size_t i = 0; i < connection_rounds(conn, false); i++)
        add_side(w, connection_round(conn, false, i));
}

void announce_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    uint8_t list[LIST_MAX];
    struct wr w = wr_over(list, sizeof(list));
    struct wish wish = {.n = 0};
    if (x->is_own && !sa->announced)
        return;
    if (x->is_own)
        add(&wish, sa->conn);
    else {
        struct connection_set set =
            config_peer_kinds(sa->config, env->out->arena, sa->local.ip, sa->remote.ip);
        for (size_t i = 0; i < set.n; i++)
            add(&wish, set.v[i]);
    }
    announce_encode(&w, wish.ways, wish.v, wish.takes_all ? 0 : wish.n);
    bool fits = x->is_own || b->w.len + w.len + AROUND <= sa->config->settings.fragment_size;
    if (wr_ok(&w) && w.len && fits)
        build_notify(b, N_SUPPORTED_AUTH_METHODS, PROTO_NONE, span_of(NULL, 0), wr_span_view(&w));
}

/* ---- the peer's ---- */

bool announce_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    char text[256];
    const struct pl_notify *n = ike_notify(m, N_SUPPORTED_AUTH_METHODS);
    (void)d;
    if (!n || (sa->announced && !sa->announced->is_awaited))
        return true;
    struct announced *a = arena_alloc(sa->arena, sizeof(*a));
    if (!a || !announce_decode(sa->arena, n->data, a)) {
        sa_log(env, sa, LOG_WARN, "the peer's SUPPORTED_AUTH_METHODS is malformed, and not looked at");
        return true;
    }
    sa->announced = a;
    if (!a->is_awaited)
        sa_log(env, sa, LOG_DETAIL, "the peer takes %s", announce_format(a, text, sizeof(text)));
    return true;
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
