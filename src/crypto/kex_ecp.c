/* SPDX-License-Identifier: Apache-2.0 */
/* ECDH over prime curves: NIST (RFC 5903) and brainpool (RFC 6954). A public value is x | y, each as long as
 * the prime; the shared secret is x alone. All these curves have cofactor 1, so that a point on the curve is
 * in the group [RFC6989#2.3]. */
#include "crypto/evp.h"
#include "crypto/kex_group.h"
#include "crypto/random.h"
#include <openssl/ec.h>
#include <pthread.h>

/* Curves are made once: OpenSSL then keeps its precomputed tables with them. */
static const EC_GROUP *curve_of(int nid)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct {
        int nid;
        EC_GROUP *curve;
    } curves[8];
    EC_GROUP *found = NULL;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < ARRAY_LEN(curves) && !found; i++) {
        if (!curves[i].nid) {
            curves[i].nid = nid;
            curves[i].curve = EC_GROUP_new_by_curve_name(nid);
        }
        if (curves[i].nid == nid)
            found = curves[i].curve;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

/* Everything one operation needs; each curve operation below fails only if memory is gone. */
struct ecp {
    const EC_GROUP *curve;
    BN_CTX *ctx;
    EC_POINT *point;
    BIGNUM *scalar, *x, *y;
};

static bool ecp_init(struct ecp *e, const struct kex_group *g)
{
    e->curve = curve_of(g->nid);
    if (!e->curve)
        return false;
    e->ctx = BN_CTX_secure_new();
    e->point = EC_POINT_new(e->curve);
    e->scalar = BN_secure_new();
    e->x = BN_secure_new();
    e->y = BN_secure_new();
    if (!e->ctx || !e->point || !e->scalar || !e->x || !e->y)
        evp_panic("elliptic curve");
    BN_set_flags(e->scalar, BN_FLG_CONSTTIME);
    return true;
}

static void ecp_deinit(struct ecp *e)
{
    BN_clear_free(e->scalar);
    BN_clear_free(e->x);
    BN_clear_free(e->y);
    EC_POINT_clear_free(e->point);
    BN_CTX_free(e->ctx);
}

/* A scalar in 1 .. order - 1, by drawing until one is: at most one draw in two is thrown away. */
static void draw_scalar(struct ecp *e, const struct kex_group *g, uint8_t *private_key)
{
    const BIGNUM *order = EC_GROUP_get0_order(e->curve);
    unsigned spare = (unsigned)(8 * g->private_len - BN_num_bits(order));
    do {
        crypto_random(private_key, g->private_len);
        private_key[0] &= (uint8_t)(0xff >> spare);
        if (!BN_bin2bn(private_key, g->private_len, e->scalar))
            evp_panic("big number");
    } while (BN_is_zero(e->scalar) || BN_cmp(e->scalar, order) >= 0);
}

static bool generate(const struct kex_group *g, uint8_t *private_key, uint8_t *public_key)
{
    struct ecp e;
    int len = g->shared_len;
    if (!ecp_init(&e, g))
        return false;
    draw_scalar(&e, g, private_key);
    if (!EC_POINT_mul(e.curve, e.point, e.scalar, NULL, NULL, e.ctx) ||
        !EC_POINT_get_affine_coordinates(e.curve, e.point, e.x, e.y, e.ctx) ||
        BN_bn2binpad(e.x, public_key, len) < 0 || BN_bn2binpad(e.y, public_key + len, len) < 0)
        evp_panic("elliptic curve");
    ecp_deinit(&e);
    return true;
}

/* x and y below the prime and on the curve. The point at infinity has no such form. */
static bool point_parse(struct ecp *e, const uint8_t *peer, int len)
{
    if (!BN_bin2bn(peer, len, e->x) || !BN_bin2bn(peer + len, len, e->y))
        evp_panic("big number");
    const BIGNUM *prime = EC_GROUP_get0_field(e->curve);
    return BN_cmp(e->x, prime) < 0 && BN_cmp(e->y, prime) < 0 &&
           EC_POINT_set_affine_coordinates(e->curve, e->point, e->x, e->y, e->ctx);
}

static bool derive(const struct kex_group *g, const uint8_t *private_key, const uint8_t *peer,
                   uint8_t *shared)
{
    struct ecp e;
    if (!ecp_init(&e, g))
        return false;
    bool done = false;
    if (!BN_bin2bn(private_key, g->private_len, e.scalar))
        evp_panic("big number");
    if (point_parse(&e, peer, g->shared_len) &&
        EC_POINT_mul(e.curve, e.point, NULL, e.point, e.scalar, e.ctx) &&
        EC_POINT_get_affine_coordinates(e.curve, e.point, e.x, NULL, e.ctx))
        done = BN_bn2binpad(e.x, shared, g->shared_len) >= 0;
    ecp_deinit(&e);
    return done;
}

const struct kex_family kex_ecp = {.generate = generate, .derive = derive};
