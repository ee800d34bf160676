/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals as they stand in messages (RFC 7296 sections 2.7, 3.3): with our SPI, and the one that was
 * chosen. The choice itself is model/proposal.h's. */
#include "ike/v2/sa.h"

void spi_put32(uint8_t out[4], uint32_t spi)
{
    struct wr w = wr_over(out, 4);
    wr_u32(&w, spi);
}

uint32_t spi_get32(const uint8_t *p)
{
    struct rd r = rd_over(span_of(p, 4));
    return rd_u32(&r);
}

void spi_put64(uint8_t out[8], uint64_t spi)
{
    struct wr w = wr_over(out, 8);
    wr_u64(&w, spi);
}

uint64_t spi_get64(const uint8_t *p)
{
    struct rd r = rd_over(span_of(p, 8));
    return rd_u64(&r);
}

static void set_spi(struct proposal *p, struct span spi)
{
    p->spi_len = (uint8_t)(spi.len <= sizeof(p->spi) ? spi.len : 0);
    memcpy(p->spi, spi.ptr ? spi.ptr : p->spi, p->spi_len);
}

struct proposal_list proposal_offer(struct arena *a, const struct proposal_list *from, struct span spi,
                                    bool has_ke)
{
    struct proposal *v = arena_calloc(a, from->n, sizeof(*v));
    for (size_t i = 0; v && i < from->n; i++) {
        v[i] = from->v[i];
        set_spi(&v[i], spi);
        if (!has_ke)
            proposal_strip_ke(&v[i]);
    }
    return (struct proposal_list){.v = v, .n = v ? from->n : 0};
}

/* Without its other PRFs. False: it has not this one. */
static bool keep_prf(struct proposal *p, uint16_t prf)
{
    uint8_t n = 0;
    bool has = false;
    for (uint8_t i = 0; i < p->count; i++) {
        bool is_other = p->t[i].type == TRANSFORM_PRF && p->t[i].id != prf;
        has |= p->t[i].type == TRANSFORM_PRF && !is_other;
        if (!is_other)
            p->t[n++] = p->t[i];
    }
    p->count = n;
    return has;
}

struct proposal_list proposal_with_prf(struct arena *a, const struct proposal_list *from, uint16_t prf)
{
    struct proposal *v = arena_calloc(a, from->n, sizeof(*v));
    size_t n = 0;
    for (size_t i = 0; v && i < from->n; i++) {
        v[n] = from->v[i];
        n += keep_prf(&v[n], prf);
    }
    return n ? (struct proposal_list){.v = v, .n = n} : *from;
}

void proposal_put_choice(struct build *b, const struct chosen *c, struct span spi)
{
    struct proposal p;
    chosen_to_proposal(c, &p);
    p.number = c->number;
    set_spi(&p, spi);
    build_sa(b, &p, 1);
}
