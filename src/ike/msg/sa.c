/* SPDX-License-Identifier: Apache-2.0 */
/* The SA payload (RFC 7296 section 3.3): proposals of transforms of attributes. Whether a proposal can be
 * chosen is model/proposal's question; here only the form is judged. */
#include "ike/msg/format.h"

#define ATTR_FORMAT_TV  0x8000
#define ATTR_KEY_LENGTH 14
#define MORE_PROPOSALS  2
#define MORE_TRANSFORMS 3
/* An id that is nobody's: kept so that the type is seen, never chosen. */
#define TRANSFORM_NOBODY UINT16_MAX

/* [RFC7296#3.3.6] a transform with an attribute that we do not understand is not one that we can choose. */
static void read_attributes(struct rd *r, struct transform *t)
{
    while (rd_left(r) > 0) {
        uint16_t type = rd_u16(r), value = rd_u16(r);
        if (type == (ATTR_FORMAT_TV | ATTR_KEY_LENGTH) && t->key_bits == 0) {
            t->key_bits = value;
            continue;
        }
        if (!(type & ATTR_FORMAT_TV))
            rd_skip(r, value);
        t->id = TRANSFORM_NOBODY;
    }
}

/* The order in struct proposal: 1 3 2 4 5, additional key exchanges, then what we do not know. */
static int rank(uint8_t type)
{
    static const uint8_t ranks[] = {[TRANSFORM_ENCR] = 1,
                                    [TRANSFORM_INTEG] = 2,
                                    [TRANSFORM_PRF] = 3,
                                    [TRANSFORM_KE] = 4,
                                    [TRANSFORM_ESN] = 5};
    if (transform_is_addke(type))
        return type;
    return type < ARRAY_LEN(ranks) && ranks[type] ? ranks[type] : UINT8_MAX;
}

static void insert(struct proposal *p, struct transform t)
{
    size_t at = p->count;
    if (at == PROPOSAL_MAX_TRANSFORMS)
        return; /* the offer is only the smaller for it */
    for (; at > 0 && rank(p->t[at - 1].type) > rank(t.type); at--)
        p->t[at] = p->t[at - 1];
    p->t[at] = t;
    p->count++;
}

static bool read_transform(struct rd *r, bool is_last, struct proposal *p)
{
    uint8_t more = rd_u8(r);
    rd_skip(r, 1);
    uint16_t len = rd_u16(r);
    if (len < 8 || more != (is_last ? 0 : MORE_TRANSFORMS))
        return false;
    struct rd body = rd_sub(r, len - 4u);
    struct transform t = {.type = rd_u8(&body)};
    rd_skip(&body, 1);
    t.id = rd_u16(&body);
    read_attributes(&body, &t);
    if (!rd_done(&body))
        return false;
    insert(p, t);
    return true;
}

static bool spi_len_fits(const struct proposal *p)
{
    switch (p->protocol) {
    case PROTO_IKE: /* [RFC7296#3.3.1] none in IKE_SA_INIT, 8 when rekeying */
        return p->spi_len == 0 || p->spi_len == 8;
    case PROTO_AH:
    case PROTO_ESP:
        return p->spi_len == 4;
    default:
        return p->spi_len <= sizeof(p->spi);
    }
}

/* One proposal: the cursor is after its length field. */
static bool read_proposal(struct rd *r, struct proposal *p)
{
    p->number = rd_u8(r);
    p->protocol = rd_u8(r);
    p->spi_len = rd_u8(r);
    unsigned transforms = rd_u8(r);
    struct span spi = rd_bytes(r, p->spi_len);
    if (!rd_ok(r) || !spi_len_fits(p))
        return false;
    if (spi.len)
        memcpy(p->spi, spi.ptr, spi.len);
    for (unsigned i = 0; i < transforms; i++) {
        if (!read_transform(r, i + 1 == transforms, p))
            return false;
    }
    return rd_done(r);
}

/* How many proposals the lengths make, 0 when they do not fit: so that no more is allocated than there is. */
static size_t count_proposals(struct span body)
{
    struct rd r = rd_over(body);
    size_t n = 0;
    while (rd_left(&r) > 0) {
        uint8_t more = rd_u8(&r);
        rd_skip(&r, 1);
        uint16_t len = rd_u16(&r);
        if (len < 8)
            return 0;
        rd_skip(&r, len - 4u);
        if (++n > PROPOSAL_MAX || more != (rd_left(&r) ? MORE_PROPOSALS : 0))
            return 0;
    }
    return rd_done(&r) ? n : 0;
}

bool sa_read(struct arena *a, struct ike_payload *p, struct diag *d)
{
    size_t n = count_proposals(p->body);
    struct proposal *v = n ? arena_calloc(a, n, sizeof(*v)) : NULL;
    if (!v) {
        diag_set(d, FAIL_GENERIC, "malformed SA payload: lengths or number of proposals");
        return false;
    }
    struct rd r = rd_over(p->body);
    for (size_t i = 0; i < n; i++) {
        rd_skip(&r, 2);
        struct rd body = rd_sub(&r, rd_u16(&r) - 4u);
        if (!read_proposal(&body, &v[i])) {
            diag_set(d, FAIL_GENERIC, "malformed SA payload: proposal %zu", i + 1);
            return false;
        }
    }
    p->sa.proposals = (struct proposal_list){v, n};
    return true;
}

static void write_transform(struct wr *w, const struct transform *t, bool is_last)
{
    wr_u8(w, is_last ? 0 : MORE_TRANSFORMS);
    wr_u8(w, 0);
    size_t mark = wr_block16_open(w);
    wr_u8(w, t->type);
    wr_u8(w, 0);
    wr_u16(w, t->id);
    if (t->key_bits) {
        wr_u16(w, ATTR_FORMAT_TV | ATTR_KEY_LENGTH);
        wr_u16(w, t->key_bits);
    }
    wr_block16_close(w, mark, 4);
}

static void write_proposal(struct wr *w, const struct proposal *p, size_t place, bool is_last)
{
    wr_u8(w, is_last ? 0 : MORE_PROPOSALS);
    wr_u8(w, 0);
    size_t mark = wr_block16_open(w);
    wr_u8(w, p->number ? p->number : (uint8_t)(place + 1));
    wr_u8(w, p->protocol);
    wr_u8(w, p->spi_len);
    wr_u8(w, p->count);
    wr_bytes(w, p->spi, p->spi_len);
    for (size_t i = 0; i < p->count; i++)
        write_transform(w, &p->t[i], i + 1 == p->count);
    wr_block16_close(w, mark, 4);
}

void sa_write(const struct ike_payload *p, struct wr *w)
{
    const struct proposal_list *l = &p->sa.proposals;
    if (l->n == 0 || l->n > PROPOSAL_MAX)
        w->failed = true;
    for (size_t i = 0; i < l->n && wr_ok(w); i++) {
        if (!spi_len_fits(&l->v[i]) || l->v[i].count > PROPOSAL_MAX_TRANSFORMS)
            w->failed = true;
        write_proposal(w, &l->v[i], i, i + 1 == l->n);
    }
}
