/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-3 and SHAKE against libcrypto's at every length around the ends of blocks, in one piece and in many. */
#include "crypto/keccak.h"
#include "support/test.h"
#include <openssl/evp.h>

static const struct {
    const char *name; /* libcrypto's */
    size_t rate, len; /* len: 0 for SHAKE */
    uint8_t suffix;
} functions[] = {
    {"SHA3-256", SHA3_256_RATE, 32, SHA3_SUFFIX },
    {"SHA3-512", SHA3_512_RATE, 64, SHA3_SUFFIX },
    {"SHAKE128", SHAKE128_RATE, 0,  SHAKE_SUFFIX},
    {"SHAKE256", SHAKE256_RATE, 0,  SHAKE_SUFFIX},
};

#define LONG 600

static void libcrypto(size_t f, struct span in, uint8_t *out, size_t len)
{
    EVP_MD *md = EVP_MD_fetch(NULL, functions[f].name, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_true(md && ctx && EVP_DigestInit_ex2(ctx, md, NULL) && EVP_DigestUpdate(ctx, in.ptr, in.len));
    assert_true(functions[f].len ? EVP_DigestFinal_ex(ctx, out, NULL) : EVP_DigestFinalXOF(ctx, out, len));
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
}

static void nothing_hashes_to_what_fips_202_says(void **state)
{
    (void)state;
    uint8_t out[64];
    keccak_digest(SHA3_256_RATE, SHA3_SUFFIX, NULL, 0, out, 32);
    assert_span_equal(span_of(out, 32),
                      hex("a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"));
}

static void every_length_gives_what_libcrypto_gives(void **state)
{
    (void)state;
    uint8_t in[LONG], ours[LONG], theirs[LONG];
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * 7 + (i >> 8));
    for (size_t f = 0; f < ARRAY_LEN(functions); f++) {
        for (size_t len = 0; len < 300; len++) {
            const struct span parts[] = {span_of(in, len / 3), span_of(in + len / 3, len - len / 3)};
            size_t out = functions[f].len ? functions[f].len : len + 1;
            keccak_digest(functions[f].rate, functions[f].suffix, parts, 2, ours, out);
            libcrypto(f, span_of(in, len), theirs, out);
            assert_memory_equal(ours, theirs, out);
        }
    }
}

static void output_goes_on_where_it_stopped(void **state)
{
    (void)state;
    uint8_t whole[LONG], pieces[LONG];
    for (size_t step = 1; step < 200; step++) {
        struct keccak k;
        libcrypto(2, span_str("keyway"), whole, sizeof(whole));
        keccak_init(&k, SHAKE128_RATE);
        keccak_absorb(&k, span_str("key"));
        keccak_absorb(&k, span_str("way"));
        keccak_finish(&k, SHAKE_SUFFIX);
        for (size_t at = 0; at < sizeof(pieces); at += step)
            keccak_squeeze(&k, pieces + at, at + step <= sizeof(pieces) ? step : sizeof(pieces) - at);
        assert_memory_equal(whole, pieces, sizeof(whole));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_hashes_to_what_fips_202_says),
        cmocka_unit_test(every_length_gives_what_libcrypto_gives),
        cmocka_unit_test(output_goes_on_where_it_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
