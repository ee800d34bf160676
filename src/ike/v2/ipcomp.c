/* SPDX-License-Identifier: Apache-2.0 */
/* IPComp with a child (RFC 7296 sections 1.3.1 and 3.10.1, RFC 3173 section 4): each end names a CPI that it
 * wants to find in compressed packets; the responder answers only one who asked. Compressed is both ways or
 * not at all. DEFLATE alone is offered and taken. The packets are src/esp's.
 *
 * strongSwan makes no use of it where it sees a NAT, so ESP in UDP is not asked for by a connection that
 * wants to compress; see natd.c. */
#include "crypto/random.h"
#include "ike/v2/create_child.h"

#define DEFLATE         2     /* IPCOMP_DEFLATE */
#define CPI_MIN         256   /* [RFC3173#3.3] the negotiated range */
#define CPI_MAX         61439 /* what is above is for private use */
#define CPI_DEFLATE     2     /* well-known: may be named, too */
#define NOTIFY_DATA_LEN 3     /* CPI, transform ID */

/* A Linux peer keeps what it sends to us by CPI. */
static bool is_used(const struct ike_sa *sa, uint16_t cpi)
{
    const struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        if (c->cpi_in == cpi)
            return true;
    }
    return false;
}

static uint16_t new_cpi(const struct ike_sa *sa)
{
    uint16_t cpi = 0;
    for (int tries = 0; tries < 100 && (!cpi || is_used(sa, cpi)); tries++) {
        uint16_t random;
        crypto_random(&random, sizeof(random));
        cpi = (uint16_t)(CPI_MIN + random % (CPI_MAX - CPI_MIN + 1));
    }
    return cpi;
}

/* The peer's CPI for DEFLATE, or 0. */
static uint16_t find_deflate(const struct ike_message *m)
{
    for (const struct pl_notify *n = NULL; (n = ike_notify_next(m, N_IPCOMP_SUPPORTED, n));) {
        struct rd r = rd_over(n->data);
        uint16_t cpi = rd_u16(&r);
        if (rd_u8(&r) == DEFLATE && rd_done(&r) && (cpi >= CPI_MIN || cpi == CPI_DEFLATE))
            return cpi;
    }
    return 0;
}

void ipcomp_offer(const struct ike_sa *sa, struct exchange *x)
{
    x->cpi_in = x->child_cfg->has_ipcomp ? new_cpi(sa) : 0;
    x->cpi_out = 0;
}

void ipcomp_put(struct build *b, const struct exchange *x)
{
    uint8_t data[NOTIFY_DATA_LEN];
    if (!x->cpi_in)
        return;
    struct wr w = wr_over(data, sizeof(data));
    wr_u16(&w, x->cpi_in);
    wr_u8(&w, DEFLATE);
    build_notify(b, N_IPCOMP_SUPPORTED, PROTO_NONE, span_of(NULL, 0), wr_span_view(&w));
}

void ipcomp_take(struct ike_env *env, const struct ike_sa *sa, struct exchange *x)
{
    if (!x->is_own)
        ipcomp_offer(sa, x);
    if (!x->cpi_in)
        return;
    x->cpi_out = find_deflate(&x->msg);
    if (x->cpi_out)
        return;
    x->cpi_in = 0;
    sa_log(env, sa, LOG_NOTICE, "child %s: the peer does not compress: nothing is compressed",
           x->child_cfg->name);
}
