/* SPDX-License-Identifier: Apache-2.0 */
/* Announcements of ways to authenticate: see announce.h. */
#include "ike/auth/announce.h"
#include "base/rd.h"
#include "base/text.h"

enum { LEN_BARE = 2, LEN_WITH_CA = 3, LINKS = 256 };

static bool is_among(struct sig_scheme s, const struct sig_scheme *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (v[i].type == s.type && v[i].hash == s.hash && v[i].is_pss == s.is_pss)
            return true;
    }
    return n == 0;
}

/* ---- the list [RFC9593#3.2] */

static void put_bare(struct wr *w, uint8_t method)
{
    wr_u8(w, LEN_BARE);
    wr_u8(w, method);
}

static void put_with_ca(struct wr *w, uint8_t method, uint8_t link)
{
    wr_u8(w, LEN_WITH_CA);
    wr_u8(w, method);
    wr_u8(w, link);
}

static void put_scheme(struct wr *w, struct sig_scheme s, uint8_t link)
{
    size_t at = w->len;
    put_with_ca(w, AUTH_WIRE_SIGNATURE, link);
    if (sig_scheme_encode(s, w))
        wr_patch_u8(w, at, (uint8_t)(w->len - at));
}

/* [RFC9593#3.2.2] The CAs below which the scheme may be used, as a set; 0 in it: whatever CA, and no other.
 */
static void links_of(struct sig_scheme s, const struct announce_kind *v, size_t n, bool links[LINKS])
{
    memset(links, 0, LINKS * sizeof(*links));
    for (size_t i = 0; i < n && !links[0]; i++) {
        if (!is_among(s, v[i].schemes, v[i].n))
            continue;
        links[0] = v[i].n_cas == 0;
        for (size_t k = 0; k < v[i].n_cas; k++)
            links[v[i].cas[k]] = true;
    }
    if (links[0])
        memset(links + 1, 0, (LINKS - 1) * sizeof(*links));
}

static void put_signatures(struct wr *w, const struct announce_kind *v, size_t n)
{
    static const struct {
        uint8_t method;
        struct sig_scheme scheme;
    } classics[] = {
        {AUTH_WIRE_ECDSA_256, {PKEY_ECDSA, HASH_SHA256, false}},
        {AUTH_WIRE_ECDSA_384, {PKEY_ECDSA, HASH_SHA384, false}},
        {AUTH_WIRE_ECDSA_521, {PKEY_ECDSA, HASH_SHA512, false}},
        {AUTH_WIRE_RSA,       {PKEY_RSA, HASH_SHA1, false}    },
    };
    bool links[LINKS], is_there;
    struct sig_scheme s;
    for (size_t i = 0; sig_scheme_at(i, &s, &is_there); i++) {
        links_of(s, v, n, links);
        for (unsigned l = 0; is_there && l < LINKS; l++) {
            if (links[l])
                put_scheme(w, s, (uint8_t)l);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(classics); i++) {
        links_of(classics[i].scheme, v, n, links);
        for (unsigned l = 0; l < LINKS; l++) {
            if (links[l])
                put_with_ca(w, classics[i].method, (uint8_t)l);
        }
    }
}

void announce_encode(struct wr *w, unsigned ways, const struct announce_kind *v, size_t n)
{
    if (ways & 1u << AUTH_PUBKEY)
        put_signatures(w, v, n);
    if (ways & 1u << AUTH_PSK)
        put_bare(w, AUTH_WIRE_PSK);
    if (ways & 1u << AUTH_NULL)
        put_bare(w, AUTH_WIRE_NULL);
}

/* False: of no use here. */
static bool read_one(uint8_t method, struct span rest, struct announcement *out)
{
    *out = (struct announcement){.method = method};
    if (!auth_wire_is_signature(method))
        return rest.len == 0 && (method == AUTH_WIRE_PSK || method == AUTH_WIRE_NULL);
    if (rest.len == 0)
        return false;
    out->link = rest.ptr[0];
    out->has_scheme = method == AUTH_WIRE_SIGNATURE;
    if (!out->has_scheme)
        return rest.len == 1;
    return sig_scheme_decode(span_of(rest.ptr + 1, rest.len - 1), &out->scheme);
}

bool announce_decode(struct arena *a, struct span data, struct announced *out)
{
    struct rd r = rd_over(data);
    struct announcement v[ANNOUNCE_MAX];
    uint8_t n = 0;
    while (rd_left(&r) > 0) {
        uint8_t len = rd_u8(&r), method = rd_u8(&r);
        if (len < LEN_BARE)
            return false;
        struct span rest = rd_bytes(&r, len - (size_t)LEN_BARE);
        if (!rd_ok(&r))
            return false;
        if (n < ANNOUNCE_MAX)
            n = (uint8_t)(n + read_one(method, rest, &v[n]));
    }
    struct announcement *kept = arena_calloc(a, n + 1u, sizeof(*kept));
    if (!rd_ok(&r) || !kept)
        return false;
    memcpy(kept, v, n * sizeof(*v));
    *out = (struct announced){.is_awaited = data.len == 0, .n = n, .v = kept};
    return true;
}

const char *announce_format(const struct announced *a, char *buf, size_t cap)
{
    struct text t = {.buf = buf, .cap = cap};
    text_str(&t, a->n ? "" : "nothing that we know");
    for (uint8_t i = 0; i < a->n; i++) {
        const struct announcement *v = &a->v[i];
        text_printf(&t, "%s%s", i ? ", " : "",
                    v->has_scheme ? sig_scheme_name(v->scheme) : auth_wire_method_name(v->method));
        if (v->link)
            text_printf(&t, " (CA %u)", v->link);
    }
    return buf;
}

/* ---- choosing by it */

bool announce_takes(const struct announced *a, enum auth_method way)
{
    bool takes = !a || a->is_awaited;
    for (uint8_t i = 0; !takes && i < a->n; i++)
        takes = auth_way_of(a->v[i].method) == way;
    return takes;
}

static bool is_linked(const struct announce_ask *q, const struct announcement *v)
{
    return v->link == 0 || q->is_below(q->ctx, v->link);
}

static bool takes_classic(const struct announce_ask *q, uint8_t method)
{
    for (uint8_t i = 0; i < q->peer->n; i++) {
        const struct announcement *v = &q->peer->v[i];
        if (!v->has_scheme && v->method == method && is_linked(q, v))
            return true;
    }
    return false;
}

bool announce_choose(const struct announce_ask *q, struct auth_choice *out, struct diag *d)
{
    struct sig_scheme both[ANNOUNCE_MAX];
    char taken[256];
    size_t n = 0;
    const struct auth_side *own = q->own;
    if (!q->peer || q->peer->is_awaited)
        return auth_choose_padded(q->key, q->peer_hashes, own->schemes, own->n_schemes, q->prefers_pss, out,
                                  d);
    for (uint8_t i = 0; i < q->peer->n; i++) {
        const struct announcement *v = &q->peer->v[i];
        if (v->has_scheme && is_linked(q, v) && is_among(v->scheme, own->schemes, own->n_schemes))
            both[n++] = v->scheme;
    }
    if (n && auth_choose_padded(q->key, q->peer_hashes, both, n, q->prefers_pss, out, d) && !out->is_classic)
        return true;
    /* without hashes only the methods before RFC 7427 remain */
    if (auth_choose(q->key, 0, own->schemes, own->n_schemes, out, d) && takes_classic(q, out->method))
        return true;
    diag_clear(d);
    diag_set(d, FAIL_AUTH, "the peer takes no signature of our %s", pkey_type_name(q->key));
    diag_expected(d, "what it announced: %s", announce_format(q->peer, taken, sizeof(taken)));
    diag_got(d, "%s of %u bits", pkey_type_name(q->key), pkey_bits(q->key));
    return false;
}
