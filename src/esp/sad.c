/* SPDX-License-Identifier: Apache-2.0 */
/* The SAD: see sad.h. Everything here but the lookups is the control path and may allocate. */
#include "esp/sad.h"
#include "base/arena.h"
#include "crypto/alg.h"
#include "esp/ah.h"
#include "esp/lifetime.h"
#include "esp/mode.h"

#include <stdlib.h>

#define UDP_HEADER  8
#define SPI_MINIMUM 256 /* [RFC4303#2.1] what is below is reserved */

void sad_init(struct sad *s, uint32_t path_mtu, const char *engine)
{
    *s = (struct sad){.engine = engine};
    map_init(&s->by_spi[SA_IN]);
    map_init(&s->by_spi[SA_OUT]);
    map_init(&s->bundles);
    map_init(&s->selectors);
    iv_pool_init(&s->ivs);
    list_init(&s->pending);
    pmtu_init(&s->pmtu, path_mtu);
}

struct bundle *sad_bundle_ref(struct sad *s, uint32_t reqid)
{
    uint64_t hash = map_hash_u64(reqid);
    struct bundle *b;
    for (struct map_node *n = map_first(&s->bundles, hash); n; n = map_next(n)) {
        b = container_of(n, struct bundle, node);
        if (b->reqid == reqid) {
            b->refs++;
            return b;
        }
    }
    b = mem_new(sizeof(*b));
    b->reqid = reqid;
    b->refs = 1;
    list_init(&b->sas);
    map_insert(&s->bundles, &b->node, hash);
    return b;
}

void sad_bundle_unref(struct sad *s, struct bundle *b)
{
    if (--b->refs)
        return;
    map_remove(&s->bundles, &b->node);
    free(b);
}

struct sa *bundle_newest(const struct bundle *b)
{
    return list_empty(&b->sas) ? NULL : container_of(b->sas.prev, struct sa, sibling);
}

struct sa *sad_find(const struct sad *s, enum sa_direction dir, uint32_t spi, uint64_t child_id)
{
    for (struct map_node *n = map_first(&s->by_spi[dir], map_hash_u64(spi)); n; n = map_next(n)) {
        struct sa *sa = container_of(n, struct sa, by_spi);
        if (sa->spi == spi && (!child_id || sa->child_id == child_id))
            return sa;
    }
    return NULL;
}

struct sa *sad_inbound(struct sad *s, uint32_t spi)
{
    if (!s->last_inbound || s->last_inbound->spi != spi)
        s->last_inbound = sad_find(s, SA_IN, spi, 0);
    return s->last_inbound;
}

uint32_t sa_sealed_len(const struct sa *sa, uint32_t inner, uint32_t *pad)
{
    uint32_t over = (inner + ESP_TRAILER) % sa->block;
    *pad = over ? sa->block - over : 0;
    return ESP_HEADER + sa->iv_len + inner + *pad + ESP_TRAILER + sa->icv_len;
}

uint32_t sa_inner_mtu_for(const struct sa *sa, uint32_t mtu)
{
    uint32_t fixed = (uint32_t)packet_ip_len(sa->remote.ip.family) + (sa->has_encap ? UDP_HEADER : 0) +
                     ESP_HEADER + sa->iv_len + sa->icv_len;
    if (sa->is_ah) {
        fixed = (uint32_t)packet_ip_len(sa->remote.ip.family) + ah_len(sa, sa->remote.ip.family);
        return mtu > fixed ? mtu - fixed + sa->saved : 0;
    }
    uint32_t room = mtu > fixed ? (mtu - fixed) / sa->block * sa->block : 0;
    return room > ESP_TRAILER ? room - ESP_TRAILER + sa->saved : 0;
}

uint32_t sa_inner_mtu(struct sad *s, struct sa *sa, int64_t now)
{
    uint32_t mtu = pmtu_current(&s->pmtu, sa->path, now);
    if (mtu != sa->mtu) {
        sa->inner_mtu = sa_inner_mtu_for(sa, mtu);
        sa->pad_to = sa->tfc < sa->inner_mtu ? sa->tfc : sa->inner_mtu;
        sa->mtu = mtu;
    }
    return sa->inner_mtu;
}

bool sa_allows(const struct sa *sa, const struct packet *p, struct span bytes)
{
    struct selectors s = selector_set_view(sa->selectors);
    bool is_outbound = sa->direction == SA_OUT;
    struct packet quoted;
    if (selectors_match(&s, p, is_outbound))
        return true;
    /* The quoted packet went the other way. */
    return selectors_quoted(p, bytes, &quoted) && selectors_match(&s, &quoted, !is_outbound);
}

static bool ts_list_sound(const struct ts *ts, size_t n, const char *side, struct diag *d)
{
    if (n < 1 || n > SA_MAX_TS) {
        diag_set(d, FAIL_SELECTORS, "the SA has %zu %s traffic selectors", n, side);
        diag_expected(d, "1 to %d", SA_MAX_TS);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (ts[i].is_dynamic || (ts[i].from.family != 4 && ts[i].from.family != 6) ||
            ts[i].from.family != ts[i].to.family) {
            diag_set(d, FAIL_SELECTORS, "a %s traffic selector of the SA is unresolved", side);
            return false;
        }
    }
    return true;
}

static bool refuse(struct diag *d, const char *what, const char *expected)
{
    diag_set(d, FAIL_GENERIC, "%s", what);
    diag_expected(d, "%s", expected);
    return false;
}

/* What can be said about a record without touching the SAD. */
static bool record_sound(const struct esp_sa *r, struct diag *d)
{
    const struct alg *encr = alg_find(TRANSFORM_ENCR, r->encr);
    if (r->spi < SPI_MINIMUM)
        return refuse(d, "the SPI is reserved", "256 or more");
    if (r->replay_window > REPLAY_WINDOW_MAX)
        return refuse(d, "the replay window is too large", "at most 4096 packets");
    if (r->encr_key_len > SA_KEY_MAX || r->integ_key_len > SA_KEY_MAX)
        return refuse(d, "a key of the SA is too long", "at most 96 bytes");
    if (r->is_ah && (r->has_encap || ip_is_unspecified(r->local.ip)))
        return refuse(d, "AH covers the outer addresses: they must be known, and it cannot be in UDP",
                      "both outer addresses, and no encapsulation");
    if ((!encr && !r->is_ah) || (!(encr && encr->is_aead) && r->integ == INTEG_NONE))
        return refuse(d, "the SA has no integrity protection",
                      "an AEAD, or a cipher with an integrity algorithm");
    if (r->local.ip.family != r->remote.ip.family || !r->remote.ip.family)
        return refuse(d, "the outer addresses of the SA differ in family or are missing",
                      "both IPv4 or both IPv6");
    return ts_list_sound(r->local_ts, r->n_local_ts, "local", d) &&
           ts_list_sound(r->remote_ts, r->n_remote_ts, "remote", d) && mode_sound(r, d);
}

static void sa_free(struct sad *s, struct sa *sa)
{
    if (s->last_inbound == sa)
        s->last_inbound = NULL;
    list_remove(&sa->pending);
    if (sa->direction == SA_IN) {
        replay_deinit(&sa->replay);
    } else {
        list_remove(&sa->sibling);
        if (sa->bundle)
            sad_bundle_unref(s, sa->bundle);
    }
    if (sa->path)
        pmtu_path_unref(&s->pmtu, sa->path);
    if (sa->selectors)
        selector_set_unref(&s->selectors, sa->selectors);
    bulk_key_free(sa->key);
    free(sa);
}

/* A counter that comes to its end is found there by the next packet. */
static void skip_numbers(struct sa *sa, uint64_t n)
{
    uint64_t last = sa->has_esn ? UINT64_MAX : UINT32_MAX;
    if (sa->direction == SA_OUT)
        sa->seq = n < last - sa->seq ? sa->seq + n : last;
}

static struct sa *sa_from_record(const struct esp_sa *r)
{
    struct sa *sa = mem_new(sizeof(*sa));
    sa->direction = (uint8_t)r->direction;
    sa->spi = r->spi;
    sa->child_id = r->child_id;
    sa->reqid = r->reqid;
    sa->local = r->local;
    sa->remote = r->remote;
    sa->has_encap = r->has_encap;
    sa->is_ah = r->is_ah;
    sa->has_esn = r->has_esn;
    sa->copies_df = r->copies_df;
    sa->copies_ecn = r->copies_ecn;
    sa->copy_dscp = (uint8_t)r->copy_dscp;
    sa->cpi = r->cpi;
    /* [RFC4303#2.7] in other modes nothing would tell the padding from the payload */
    sa->tfc = r->direction == SA_OUT && r->mode == MODE_TUNNEL && !r->is_ah ? r->tfc : 0;
    sa->has_dress = r->direction == SA_OUT && (r->cpi || sa->tfc);
    sa->soft_bytes = r->soft_bytes;
    sa->hard_bytes = r->hard_bytes;
    sa->soft_packets = r->soft_packets;
    sa->hard_packets = r->hard_packets;
    mode_set(sa, r);
    skip_numbers(sa, r->skip);
    return sa;
}

static bool sa_set_key(struct sad *s, struct sa *sa, const struct esp_sa *r, struct diag *d)
{
    uint16_t id = r->is_ah ? ENCR_NULL : r->encr; /* see ah.h */
    const struct alg *encr = alg_find(TRANSFORM_ENCR, id);
    sa->key = bulk_key_new(id, r->key_bits, r->integ, span_of(r->encr_key, r->encr_key_len),
                           span_of(r->integ_key, r->integ_key_len), r->direction == SA_OUT, s->engine);
    if (!sa->key) {
        char name[64];
        diag_set(d, FAIL_PROPOSAL, "no crypto engine carries %s with %s", r->is_ah ? "AH" : "ESP",
                 r->is_ah ? alg_format(TRANSFORM_INTEG, r->integ, 0, name, sizeof(name))
                          : alg_format(TRANSFORM_ENCR, r->encr, r->key_bits, name, sizeof(name)));
        return false;
    }
    sa->iv_len = (uint8_t)bulk_iv_len(sa->key);
    sa->icv_len = (uint8_t)bulk_icv_len(sa->key);
    sa->block = (uint8_t)bulk_block(sa->key);
    if (r->direction == SA_OUT)
        iv_init(&sa->iv, sa->iv_len, encr->block > 1, &s->ivs);
    else
        replay_init(&sa->replay, r->replay_window, r->has_esn);
    return true;
}

bool sad_add(struct sad *s, const struct esp_sa *r, struct diag *d)
{
    if (!record_sound(r, d))
        return false;
    if (sad_find(s, r->direction, r->spi, r->direction == SA_OUT ? r->child_id : 0)) {
        diag_set(d, FAIL_GENERIC, "an %s SA with SPI %08x exists already",
                 r->direction == SA_IN ? "inbound" : "outbound", r->spi);
        return false;
    }
    struct sa *sa = sa_from_record(r);
    if (!sa_set_key(s, sa, r, d)) {
        sa_free(s, sa);
        return false;
    }
    struct selectors ts = {
        .local = r->local_ts, .remote = r->remote_ts, .n_local = r->n_local_ts, .n_remote = r->n_remote_ts};
    sa->selectors = selector_set_ref(&s->selectors, &ts);
    sa->path = pmtu_path_ref(&s->pmtu, r->remote.ip);
    if (r->direction == SA_OUT) {
        sa->bundle = sad_bundle_ref(s, r->reqid);
        list_append(&sa->bundle->sas, &sa->sibling);
    }
    s->has_tfc |= sa->tfc != 0;
    map_insert(&s->by_spi[r->direction], &sa->by_spi, map_hash_u64(r->spi));
    return true;
}

static struct sa *find_named(struct sad *s, const struct esp_sa *r, struct diag *d)
{
    struct sa *sa = sad_find(s, r->direction, r->spi, r->child_id);
    if (!sa)
        diag_set(d, FAIL_NOT_FOUND, "no %s SA with SPI %08x", r->direction == SA_IN ? "inbound" : "outbound",
                 r->spi);
    return sa;
}

bool sad_update(struct sad *s, const struct esp_sa *r, struct diag *d)
{
    struct sa *sa = find_named(s, r, d);
    if (!sa)
        return false;
    if (r->local.ip.family != r->remote.ip.family || !r->remote.ip.family)
        return refuse(d, "the new outer addresses of the SA differ in family or are missing",
                      "both IPv4 or both IPv6");
    if (sa->is_ah && (r->has_encap || ip_is_unspecified(r->local.ip)))
        return refuse(d, "AH cannot follow to where a NAT is", "both outer addresses, and no encapsulation");
    struct path *path = pmtu_path_ref(&s->pmtu, r->remote.ip);
    pmtu_path_unref(&s->pmtu, sa->path);
    sa->path = path;
    sa->mtu = 0;
    sa->local = r->local;
    sa->remote = r->remote;
    sa->has_encap = r->has_encap;
    skip_numbers(sa, r->skip);
    if (sa->direction == SA_IN)
        lifetime_retract_mapping(sa);
    return true;
}

bool sad_del(struct sad *s, const struct esp_sa *r, struct diag *d)
{
    struct sa *sa = find_named(s, r, d);
    if (!sa)
        return false;
    map_remove(&s->by_spi[r->direction], &sa->by_spi);
    sa_free(s, sa);
    return true;
}

void sad_deinit(struct sad *s)
{
    for (size_t dir = 0; dir < ARRAY_LEN(s->by_spi); dir++) {
        struct map *m = &s->by_spi[dir];
        for (size_t i = 0; i < m->size; i++) {
            for (struct map_node *n = m->buckets[i], *next; n; n = next) {
                next = n->next;
                sa_free(s, container_of(n, struct sa, by_spi));
            }
        }
        map_deinit(m);
    }
    map_deinit(&s->bundles);
    map_deinit(&s->selectors);
    iv_pool_deinit(&s->ivs);
    pmtu_deinit(&s->pmtu);
}
