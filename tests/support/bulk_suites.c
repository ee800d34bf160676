/* SPDX-License-Identifier: Apache-2.0 */
/* Combinations of ESP ciphers: see bulk_suites.h. */
#include "support/bulk_suites.h"
#include "crypto/random.h"
#include "crypto/sym.h"
#include <stdio.h>

bool suite_at(size_t index, struct suite *s)
{
    size_t seen = 0;
    for (size_t e = 0; alg_at(e); e++) {
        const struct alg *encr = alg_at(e);
        for (size_t b = 0; encr->type == TRANSFORM_ENCR && (b == 0 || encr->key_bits[b]); b++) {
            for (size_t i = 0; alg_at(i); i++) {
                const struct alg *integ = alg_at(i);
                if (integ->type != TRANSFORM_INTEG || encr->is_aead != (integ->id == INTEG_NONE) ||
                    seen++ != index)
                    continue;
                *s = (struct suite){.encr = encr, .integ = integ, .key_bits = encr->key_bits[b]};
                s->encr_len = sym_key_len(encr, s->key_bits);
                crypto_random(s->encr_key, sizeof(s->encr_key));
                crypto_random(s->integ_key, sizeof(s->integ_key));
                return true;
            }
        }
    }
    return false;
}

struct bulk_key *suite_key(const struct suite *s, bool is_seal, const char *engine)
{
    return bulk_key_new(s->encr->id, s->key_bits, s->integ->id, span_of(s->encr_key, s->encr_len),
                        span_of(s->integ_key, s->integ->key_len), is_seal, engine);
}

const char *suite_name(const struct suite *s)
{
    static char name[128];
    snprintf(name, sizeof(name), "%s_%u/%s", s->encr->name, s->key_bits, s->integ->name);
    return name;
}

size_t suite_packet_len(const struct bulk_key *k, size_t payload)
{
    size_t block = bulk_block(k), text = (payload + 2 + block - 1) / block * block;
    return 8 + bulk_iv_len(k) + text + bulk_icv_len(k);
}
