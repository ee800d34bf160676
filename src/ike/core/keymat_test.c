/* SPDX-License-Identifier: Apache-2.0 */
/* NIST CAVP (SP 800-135, application-specific KDFs, IKEv2 with SHA-1) and values of tests/vectors/ikev2.py.
 */
#include "base/wr.h"
#include "crypto/prf.h"
#include "ike/core/keymat.h"
#include "support/test.h"
#include "vectors/ikev2_vectors.h"

#define SPI_I UINT64_C(0x1122334455667788)
#define SPI_R UINT64_C(0x99aabbccddeeff01)

static struct span joined(const struct secret *const *v, size_t n)
{
    static uint8_t buf[1024];
    struct wr w = wr_over(buf, sizeof(buf));
    for (size_t i = 0; i < n; i++)
        wr_span(&w, secret_view(v[i]));
    assert_true(wr_ok(&w));
    return wr_span_view(&w);
}

static void assert_ike_keys(const struct ike_keys *k, struct span expected)
{
    const struct secret *const v[] = {&k->sk_d,  &k->sk_ai, &k->sk_ar, &k->sk_ei,
                                      &k->sk_er, &k->sk_pi, &k->sk_pr};
    assert_span_equal(joined(v, ARRAY_LEN(v)), expected);
}

static void assert_child_keys(const struct child_keys *k, struct span expected)
{
    const struct secret *const v[] = {&k->encr_i, &k->integ_i, &k->encr_r, &k->integ_r};
    assert_span_equal(joined(v, ARRAY_LEN(v)), expected);
}

static const struct chosen sha1_cbc128 = {
    .encr = ENCR_AES_CBC, .key_bits = 128, .integ = INTEG_HMAC_SHA1_96, .prf = PRF_HMAC_SHA1};

static void cavp_ikev2_sha1_case_with_256_bit_secret(void **state)
{
    (void)state;
    struct ike_keys k, again;
    struct span ni = hex("32b50d5f4a3763f3"), nr = hex("9206a04b26564cb1");
    assert_true(keymat_ike(&sha1_cbc128, ni, nr,
                           hex("4b2c1f971981a8ad8d0abeafabf38cf75fc8349c148142465ed9c8b516b8be52"),
                           UINT64_C(0x34c9e7c188868785), UINT64_C(0x3ff77d760d2b2199), &k));
    assert_ike_keys(&k, hex("a14293677cc80ff8f9cc0eee30d895da9d8f405666e30ef0dfcb63c634a46002"
                            "a2a63080e514a062768b76606f9fa5e992204fc5a670bde3f10d6b027113936a"
                            "5c55b648a194ae587b0088d52204b702c979fa280870d2ed41efa9c549fd1119"
                            "8af1670b143d384bd275c5f594cf266b05ebadca855e4249520a441a81157435a7a56cc4"));
    /* The case gives SKEYSEED of a rekey, which keymat_ike_rekey() keeps to itself: what follows from it. */
    uint8_t expected[132];
    struct span skeyseed = hex("63e81194946ebd05df7df5ebf5d8750056bf1f1d");
    const struct span seed[] = {ni, nr, hex("34c9e7c1888687853ff77d760d2b2199")};
    assert_true(prf_plus(PRF_HMAC_SHA1, skeyseed, seed, ARRAY_LEN(seed), expected, sizeof(expected)));
    assert_true(keymat_ike_rekey(
        &k, &sha1_cbc128, ni, nr, hex("863f3c9d06efd39d2b907b97f8699e5dd5251ef64a2a176f36ee40c87d4f9330"),
        span_of(NULL, 0), UINT64_C(0x34c9e7c188868785), UINT64_C(0x3ff77d760d2b2199), &again));
    assert_ike_keys(&again, span_of(expected, sizeof(expected)));
    ike_keys_deinit(&k);
    ike_keys_deinit(&again);
}

static void cavp_ikev2_sha1_case_with_1024_bit_secret_and_children(void **state)
{
    (void)state;
    const struct chosen esp = {
        .encr = ENCR_AES_CBC, .key_bits = 256, .integ = INTEG_HMAC_SHA2_256_128, .has_esn = true};
    struct ike_keys k;
    struct child_keys child;
    struct span ni = hex("3651fef5c9c35e93"), nr = hex("c09a8b90a3f04d59");
    assert_true(
        keymat_ike(&sha1_cbc128, ni, nr,
                   hex("d084a30166a50fb7325c3960874a839449ef9741c2f4f947d0201dd8c1269273d79509f37e3ca3eb"
                       "4fa2fe2a28254e289cd3f34dad4eb4df1a07685a4b8a94fa61e2491f7598b3ce65547ff133b3f63d"
                       "1ac4175eaa695033f3cedb026a6873a36455172a8540b8a5d23a0143bed0390ee49b168269d75fff"
                       "ee9fb62be965993c"),
                   UINT64_C(0x8e5c3ae507221684), UINT64_C(0xb1f201bb155c3acd), &k));
    assert_ike_keys(&k, hex("6f1b12cad3cbe097b35430356d869d54cddb0198ec859174d53ceb92dddedbe2436db69f60977c58"
                            "fa63bbb667f8d36920b109baae8f6c61a9ac49feda01843225d080ec5539d5881a25521ffb2a0a91"
                            "874a9c0a27fcc2d717eb8963a9e3a89c7ab264757284c28cf8c3ca40576f4220b052b1fb8e9ad60b"
                            "a3c80557323331a8cbb89f20"));
    assert_true(keymat_child(&k, &esp, ni, nr, span_of(NULL, 0), span_of(NULL, 0), &child));
    assert_child_keys(&child,
                      hex("4727dc0ef94eb326ce131cf282fb652faa638ad0ddae3786a11bcc0309876009f8c485de011ad962"
                          "c5b1ca8a41ff8145445749079c5686e26ffebbc342f06981f3da745e11ca0976424d1f8caec623d5"
                          "9dc7186deb20a27b411d1dcb70a365440bf7de905088b0692e8addc094e18d1939bdb67e89798ca6"
                          "b239e2ccb81c2409"));
    child_keys_deinit(&child);
    assert_true(
        keymat_child(&k, &esp, ni, nr,
                     hex("52f00ab174c25d5b7139ae5ff4e8e9eddee5992d2e36adf8a559ffd90dab1442e4fbe429d320c0f3"
                         "3552a17d1557fa41ea70e8fb916c4fa27ed52b5f8ebd8461afa78f1159159a64055ac5f6319e29c2"
                         "8eae58cbc6847770f32c3fed1d04750484f854790f95e9ec01bc5bc461f24966462e359511329305"
                         "038e94deb6dd42c2"),
                     span_of(NULL, 0), &child));
    assert_child_keys(&child,
                      hex("b109c21ad4c0797768c1cec9e63554681e48f224bca7f23c20c4ea7041983451e9aa1d5408656c8a"
                          "975ff1b9d9a12c75ffeb64bdecb30174664cccb4e14f1c377b7f6d1525af77c7092aac3e47f917eb"
                          "ae8297fb5539d2008ce830823a09cc197361d4a289c72745f6ce9fefe812be5bf55b3200fbb82e41"
                          "a4a40877d3fe106d"));
    child_keys_deinit(&child);
    ike_keys_deinit(&k);
}

static void keys_of_every_kind_of_suite_match_an_independent_computation(void **state)
{
    (void)state;
    static const struct {
        struct chosen c;
        const char *expected;
    } cases[] = {
        {{.encr = ENCR_AES_CBC, .key_bits = 128, .integ = INTEG_AES_XCBC_96, .prf = PRF_AES128_XCBC},
         V_IKE_XCBC_CBC128_XCBC                                                                                                  },
        {{.encr = ENCR_AES_CBC, .key_bits = 128, .integ = INTEG_AES_CMAC_96, .prf = PRF_AES128_CMAC},
         V_IKE_CMAC_CBC128_CMAC                                                                                                  },
        {{.encr = ENCR_AES_CBC, .key_bits = 256, .integ = INTEG_HMAC_SHA2_256_128, .prf = PRF_HMAC_SHA2_256},
         V_IKE_SHA256_CBC256_SHA256                                                                                              },
        {{.encr = ENCR_AES_GCM_16, .key_bits = 256, .prf = PRF_HMAC_SHA2_384},                                V_IKE_SHA384_GCM256},
        {{.encr = ENCR_CHACHA20_POLY1305, .prf = PRF_HMAC_SHA2_512},                                          V_IKE_SHA512_CHACHA},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ike_keys k;
        assert_true(keymat_ike(&cases[i].c, hex(V_NI), hex(V_NR), hex(V_GIR), SPI_I, SPI_R, &k));
        assert_ike_keys(&k, hex(cases[i].expected));
        struct cipher *from_i = ike_keys_cipher(&k, &cases[i].c, true);
        struct cipher *from_r = ike_keys_cipher(&k, &cases[i].c, false);
        assert_non_null(from_i);
        assert_non_null(from_r);
        cipher_free(from_i);
        cipher_free(from_r);
        ike_keys_deinit(&k);
    }
}

static void rekeyed_ike_sa_takes_the_old_prf_for_skeyseed_and_the_new_one_for_the_rest(void **state)
{
    (void)state;
    const struct chosen first = {
        .encr = ENCR_AES_CBC, .key_bits = 256, .integ = INTEG_HMAC_SHA2_256_128, .prf = PRF_HMAC_SHA2_256};
    const struct chosen second = {.encr = ENCR_AES_CCM_16, .key_bits = 128, .prf = PRF_HMAC_SHA2_512};
    struct ike_keys old, new;
    assert_true(keymat_ike(&first, hex(V_NI), hex(V_NR), hex(V_GIR), SPI_I, SPI_R, &old));
    assert_true(keymat_ike_rekey(&old, &second, hex(V_NI2), hex(V_NR2), hex(V_GIR2), span_of(NULL, 0),
                                 UINT64_C(0x0102030405060708), UINT64_C(0xf1f2f3f4f5f6f7f8), &new));
    assert_ike_keys(&new, hex(V_REKEY_SHA512_CCM128));
    ike_keys_deinit(&old);
    ike_keys_deinit(&new);
}

static void children_match_an_independent_computation(void **state)
{
    (void)state;
    const struct chosen ike = {
        .encr = ENCR_AES_CBC, .key_bits = 256, .integ = INTEG_HMAC_SHA2_256_128, .prf = PRF_HMAC_SHA2_256};
    const struct chosen gcm = {.encr = ENCR_AES_GCM_16, .key_bits = 128};
    const struct chosen cbc = {.encr = ENCR_AES_CBC, .key_bits = 256, .integ = INTEG_HMAC_SHA2_384_192};
    struct ike_keys k;
    struct child_keys child;
    assert_true(keymat_ike(&ike, hex(V_NI), hex(V_NR), hex(V_GIR), SPI_I, SPI_R, &k));
    assert_true(keymat_child(&k, &gcm, hex(V_NI2), hex(V_NR2), span_of(NULL, 0), span_of(NULL, 0), &child));
    assert_child_keys(&child, hex(V_CHILD_GCM128));
    assert_int_equal(child.integ_i.len, 0);
    child_keys_deinit(&child);
    assert_true(keymat_child(&k, &cbc, hex(V_NI2), hex(V_NR2), hex(V_GIR2), span_of(NULL, 0), &child));
    assert_child_keys(&child, hex(V_CHILD_KE_CBC256_SHA384));
    child_keys_deinit(&child);
    ike_keys_deinit(&k);
}

static void additional_key_exchanges_match_an_independent_computation(void **state)
{
    (void)state;
    const struct chosen ike = {
        .encr = ENCR_AES_CBC, .key_bits = 256, .integ = INTEG_HMAC_SHA2_256_128, .prf = PRF_HMAC_SHA2_256};
    const struct chosen second = {.encr = ENCR_AES_CCM_16, .key_bits = 128, .prf = PRF_HMAC_SHA2_512};
    const struct chosen cbc = {.encr = ENCR_AES_CBC, .key_bits = 256, .integ = INTEG_HMAC_SHA2_384_192};
    struct ike_keys k, once, twice, new;
    struct child_keys child;
    uint8_t both[96];
    struct wr w = wr_over(both, sizeof(both));
    wr_span(&w, hex(V_GIR));
    wr_span(&w, hex(V_GIR2));
    assert_true(wr_ok(&w));
    assert_true(keymat_ike(&ike, hex(V_NI), hex(V_NR), hex(V_GIR), SPI_I, SPI_R, &k));
    assert_true(keymat_ike_update(&k, &ike, hex(V_NI), hex(V_NR), hex(V_GIR2), SPI_I, SPI_R, &once));
    assert_ike_keys(&once, hex(V_ADDKE_1));
    assert_true(keymat_ike_update(&once, &ike, hex(V_NI), hex(V_NR), hex(V_GIR), SPI_I, SPI_R, &twice));
    assert_ike_keys(&twice, hex(V_ADDKE_2));
    assert_true(keymat_ike_rekey(&k, &second, hex(V_NI2), hex(V_NR2), hex(V_GIR2), wr_span_view(&w),
                                 UINT64_C(0x0102030405060708), UINT64_C(0xf1f2f3f4f5f6f7f8), &new));
    assert_ike_keys(&new, hex(V_REKEY_ADDKE));
    assert_true(keymat_child(&k, &cbc, hex(V_NI2), hex(V_NR2), hex(V_GIR2), wr_span_view(&w), &child));
    assert_child_keys(&child, hex(V_CHILD_ADDKE));
    child_keys_deinit(&child);
    ike_keys_deinit(&k);
    ike_keys_deinit(&once);
    ike_keys_deinit(&twice);
    ike_keys_deinit(&new);
}

static void unknown_algorithms_yield_no_keys(void **state)
{
    (void)state;
    struct ike_keys k;
    struct chosen c = sha1_cbc128;
    c.prf = 999;
    assert_false(keymat_ike(&c, hex(V_NI), hex(V_NR), hex(V_GIR), 1, 2, &k));
    c = sha1_cbc128;
    c.encr = 999;
    assert_false(keymat_ike(&c, hex(V_NI), hex(V_NR), hex(V_GIR), 1, 2, &k));
    assert_null(k.sk_d.ptr);
    ike_keys_deinit(&k);
}

/* [RFC8784#3] where a PRF's output is as long as its key: SK = prf(PPK, SK' | 0x01). */
static void a_ppk_goes_into_three_keys_and_comes_out_again(void **state)
{
    (void)state;
    static const uint16_t prfs[] = {PRF_HMAC_SHA1, PRF_HMAC_SHA2_256, PRF_HMAC_SHA2_384, PRF_HMAC_SHA2_512,
                                    PRF_AES128_CMAC};
    const struct span ppk = span_str("a postquantum preshared key"), one = hex("01");
    for (size_t i = 0; i < ARRAY_LEN(prfs); i++) {
        struct chosen c = sha1_cbc128;
        struct ike_keys k, before, plain;
        c.prf = prfs[i];
        assert_true(
            keymat_ike(&c, hex("0102030405060708"), hex("1112131415161718"), hex("77"), SPI_I, SPI_R, &k));
        assert_true(keymat_ike(&c, hex("0102030405060708"), hex("1112131415161718"), hex("77"), SPI_I, SPI_R,
                               &before));
        assert_true(keymat_mix_ppk(&k, ppk, &plain));
        const struct secret *const mixed[] = {&k.sk_d, &k.sk_pi, &k.sk_pr};
        const struct secret *const was[] = {&before.sk_d, &before.sk_pi, &before.sk_pr};
        const struct secret *const kept[] = {&plain.sk_d, &plain.sk_pi, &plain.sk_pr};
        for (size_t n = 0; n < ARRAY_LEN(mixed); n++) {
            uint8_t expected[PRF_MAX_LEN];
            const struct span parts[] = {secret_view(was[n]), one};
            assert_true(prf_compute(c.prf, ppk, parts, ARRAY_LEN(parts), expected));
            assert_span_equal(secret_view(mixed[n]), span_of(expected, prf_len(c.prf)));
            assert_span_equal(secret_view(kept[n]), secret_view(was[n]));
        }
        assert_span_equal(secret_view(&k.sk_ei), secret_view(&before.sk_ei));
        assert_span_equal(secret_view(&k.sk_ar), secret_view(&before.sk_ar));
        keymat_take_back(&k, &plain);
        assert_span_equal(secret_view(&k.sk_d), secret_view(&before.sk_d));
        assert_span_equal(secret_view(&k.sk_pi), secret_view(&before.sk_pi));
        assert_span_equal(secret_view(&k.sk_pr), secret_view(&before.sk_pr));
        assert_true(!plain.sk_d.len && !plain.sk_pi.len && !plain.sk_pr.len);
        ike_keys_deinit(&k);
        ike_keys_deinit(&before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ppk_goes_into_three_keys_and_comes_out_again),
        cmocka_unit_test(cavp_ikev2_sha1_case_with_256_bit_secret),
        cmocka_unit_test(cavp_ikev2_sha1_case_with_1024_bit_secret_and_children),
        cmocka_unit_test(keys_of_every_kind_of_suite_match_an_independent_computation),
        cmocka_unit_test(rekeyed_ike_sa_takes_the_old_prf_for_skeyseed_and_the_new_one_for_the_rest),
        cmocka_unit_test(children_match_an_independent_computation),
        cmocka_unit_test(additional_key_exchanges_match_an_independent_computation),
        cmocka_unit_test(unknown_algorithms_yield_no_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
