/* SPDX-License-Identifier: Apache-2.0 */
/* Who serves what: see service.h. */
#include "crypto/service.h"
#include "crypto/bulk.h"
#include "crypto/cipher.h"
#include "crypto/kex.h"
#include "crypto/pkey.h"
#include "crypto/prf.h"

static const char openssl[] = "openssl", lacks[] = "this OpenSSL lacks it";
static const uint8_t zero[64];

const char *service_kind_name(enum service_kind kind)
{
    static const char *const names[SERVICE_KINDS] = {
        [SERVICE_ENCRYPTION] = "encryption",     [SERVICE_INTEGRITY] = "integrity", [SERVICE_PRF] = "prf",
        [SERVICE_KEY_EXCHANGE] = "key-exchange", [SERVICE_SIGNATURE] = "signature",
    };
    return names[kind];
}

/* [RFC7296#3.3.2] IKE's own messages are always encrypted. */
static bool is_for_ike(const struct bulk_row *row)
{
    return row->type == TRANSFORM_INTEG ? row->id != INTEG_HMAC_SHA2_256_96
                                        : row->id != ENCR_NULL && row->id != ENCR_NULL_AES_GMAC;
}

static bool ike_serves(const struct bulk_row *row, const struct alg *a)
{
    size_t encr_len = 0, integ_len = 0;
    bool is_integ = row->type == TRANSFORM_INTEG;
    uint16_t encr = is_integ ? ENCR_AES_CBC : row->id, bits = is_integ ? 128 : row->key_bits;
    uint16_t integ = is_integ ? row->id : a->is_aead ? INTEG_NONE : INTEG_HMAC_SHA2_256_128;
    if (!cipher_key_lens(encr, bits, integ, &encr_len, &integ_len))
        return false;
    struct cipher *c = cipher_new(encr, bits, integ, span_of(zero, encr_len), span_of(zero, integ_len));
    cipher_free(c);
    return c != NULL;
}

static void fill_bulk(const struct bulk_row *row, struct service *s)
{
    const struct alg *a = alg_find(row->type, row->id);
    bool is_integ = row->type == TRANSFORM_INTEG;
    *s = (struct service){.kind = is_integ ? SERVICE_INTEGRITY : SERVICE_ENCRYPTION,
                          .name = a->name,
                          .key_bits = row->key_bits,
                          .is_weak = a->is_weak,
                          .is_esp = true,
                          .is_ike = is_for_ike(row)};
    for (size_t i = 0; bulk_engine_name(i) && !s->esp; i++) {
        const char *why = bulk_engine_lacks(i, row);
        if (!why) {
            s->esp = bulk_engine_name(i);
        } else if (!s->but) {
            s->but = bulk_engine_name(i);
            s->but_lacks = why;
        }
    }
    if (s->is_ike && ike_serves(row, a))
        s->ike = openssl;
}

/* A PRF or a key exchange method. */
static void fill_alg(const struct alg *a, struct service *s)
{
    uint8_t out[64];
    const struct span part = span_of(zero, sizeof(zero));
    bool is_prf = a->type == TRANSFORM_PRF;
    const char *by = !is_prf                                                        ? kex_served_by(a->id)
                     : prf_compute(a->id, span_of(zero, a->key_len), &part, 1, out) ? openssl
                                                                                    : NULL;
    bool is_openssl = by && !strcmp(by, openssl);
    *s = (struct service){.kind = is_prf ? SERVICE_PRF : SERVICE_KEY_EXCHANGE,
                          .name = a->name,
                          .is_weak = a->is_weak,
                          .is_ike = true,
                          .ike = by,
                          .but = by && !is_openssl ? openssl : NULL,
                          .but_lacks = is_openssl ? NULL : lacks};
}

static bool fill_scheme(size_t index, struct service *s)
{
    struct sig_scheme scheme;
    bool is_there;
    if (!sig_scheme_at(index, &scheme, &is_there))
        return false;
    *s = (struct service){.kind = SERVICE_SIGNATURE,
                          .name = sig_scheme_name(scheme),
                          .is_ike = true,
                          .ike = is_there ? openssl : NULL,
                          .but_lacks = is_there ? NULL : lacks};
    return true;
}

bool service_at(size_t index, struct service *out)
{
    size_t n = 0;
    for (; bulk_row_at(n); n++) {
        if (n == index) {
            fill_bulk(bulk_row_at(n), out);
            return true;
        }
    }
    for (size_t i = 0; alg_at(i); i++) {
        const struct alg *a = alg_at(i);
        bool is_listed = a->type == TRANSFORM_PRF || (a->type == TRANSFORM_KE && a->id != KE_NONE);
        if (is_listed && n++ == index) {
            fill_alg(a, out);
            return true;
        }
    }
    return fill_scheme(index - n, out);
}

bool service_library_at(size_t index, struct service_library *out)
{
    if (!bulk_engine_name(index))
        return false;
    *out = (struct service_library){bulk_engine_name(index), bulk_engine_version(index)};
    return true;
}
