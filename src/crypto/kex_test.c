/* SPDX-License-Identifier: Apache-2.0 */
/* Key exchange methods against the vectors of their RFCs, against bad peers, and from a seeded source. The
 * elliptic curves' bad points are in wycheproof_test.c. */
#include "crypto/alg.h"
#include "crypto/hash.h"
#include "crypto/kex.h"
#include "crypto/random.h"
#include "support/test.h"
#include <openssl/bn.h>

static const struct vector {
    const char *source;
    uint16_t group;
    const char *private_i, *public_i, *private_r, *public_r, *shared;
} vectors[];
static const size_t vector_count;

/* crypto_random() that yields one given private key. */
static void give(void *ctx, void *out, size_t len)
{
    const struct span *key = ctx;
    assert_int_equal(len, key->len);
    memcpy(out, key->ptr, len);
}

static void generate_from(uint16_t group, struct span private_key, struct span expected)
{
    struct secret key;
    uint8_t public_key[KEX_PUBLIC_MAX];
    size_t len;
    crypto_random_set_source(give, &private_key);
    assert_true(kex_generate(group, &key, public_key, &len));
    crypto_random_set_source(NULL, NULL);
    assert_span_equal(span_of(public_key, len), expected);
    secret_free(&key);
}

static void curves_give_what_the_rfcs_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < vector_count; i++) {
        const struct vector *v = &vectors[i];
        struct secret shared;
        generate_from(v->group, hex(v->private_i), hex(v->public_i));
        generate_from(v->group, hex(v->private_r), hex(v->public_r));
        assert_true(kex_derive(v->group, hex(v->private_i), hex(v->public_r), &shared));
        assert_span_equal(secret_view(&shared), hex(v->shared));
        secret_free(&shared);
        assert_true(kex_derive(v->group, hex(v->private_r), hex(v->public_i), &shared));
        assert_span_equal(secret_view(&shared), hex(v->shared));
        secret_free(&shared);
    }
}

static struct span sha256(struct span in)
{
    static uint8_t out[32];
    hash_digest(HASH_SHA256, &in, 1, out);
    return span_of(out, sizeof(out));
}

static const struct modp_vector {
    uint16_t group;
    size_t exponent; /* bytes */
    const char *prime, *public_a, *shared;
    BIGNUM *(*get_prime)(BIGNUM *);
} modp_vectors[] = {
    {KE_MODP_768,  30, "b52ba6a3026520a6c49d37e4587601801bee500123b3259b6bf03e7cecc3e63d",
     "c18f79afa0f18912ef6966e51388ab3f23a3fedc7564dc3611d4f10b1b901693", "6c1d5c3bf537a91892fda84fb2dda87c083a98dea950420c1c4d39e084164229", BN_get_rfc2409_prime_768 },
    {KE_MODP_1024, 30, "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0",
     "eebb829c717a5e1cb0acd1b124d238b47584fc79b8f7019ed08b91d195a8f909", "2bb450524d0ac813b0af509b01fc312c5d66cbeda89c913b342a6d0e5b401395", BN_get_rfc2409_prime_1024},
    {KE_MODP_1536, 30, "64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b",
     "5b09757d6b4c4caeed3892c3a1674bbfa804d86925296469254d4821e27e822f", "c9a697a051246896c0d00196385b6f05c7ebc5dfacca6f802bb18864dd137be3", BN_get_rfc3526_prime_1536},
    {KE_MODP_2048, 40, "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e",
     "9bab044c37a68f6dcc7137865f9a8ed4e653d3de2a497a0b83f0f1c1030aadc4", "3bf524cc532d5b32193be833ec851493a76786b27475d979db6391ceb2d49ea3", BN_get_rfc3526_prime_2048},
    {KE_MODP_3072, 53, "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c",
     "35e2fa074528a97e42e1c700c656a6303b0e845aa8bb63921409b018676a3503", "67a59c7e5cb92c6d23bf0bf32763a0c735a4c17e014f5592df77b81c332e2b9f", BN_get_rfc3526_prime_3072},
    {KE_MODP_4096, 60, "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33",
     "e02986179598223dbfe8e9d751b0f29d9dc5283cb92ac42cba9f28c4f5b7a32b", "64a6a482a824ac325c0c70891cdb1744dbe06df465c43d0a7a1d0fbdc48a8b44", BN_get_rfc3526_prime_4096},
    {KE_MODP_6144, 68, "d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd",
     "e4c0f0432413eb981f5406619990b8790b65c36325b8f89fb21e8b84941bdc7d", "69fbd72ee32bc4373a49138c1ee21fb99f0675c76df6e0c6921b26c974a4ec4d", BN_get_rfc3526_prime_6144},
    {KE_MODP_8192, 78, "39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf",
     "ea1d7f5bb85def297910da5fe33808c0be0e7fe076b583026c7e7d043d6da54c", "a2c4249526279fe6ae68213dd05fcc6b624ecead9bb8c93f26430b1e612e6646", BN_get_rfc3526_prime_8192},
};

/* Primes as RFC 2409 sections 6.1 and 6.2 and RFC 3526 print them; the key pairs and secrets were computed
 * from those primes with Python's pow(). Each is given by its SHA-256. The exponents are 80 81 82 .. and a7
 * aa ad .. */
static void modp_groups_have_the_primes_of_the_rfcs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(modp_vectors); i++) {
        const struct modp_vector *v = &modp_vectors[i];
        size_t len = alg_find(TRANSFORM_KE, v->group)->public_len, public_len;
        uint8_t a[128], b[128], buf[KEX_PUBLIC_MAX];
        struct secret key, shared;
        BIGNUM *p = v->get_prime(NULL);
        assert_int_equal(BN_bn2binpad(p, buf, (int)len), len);
        assert_span_equal(sha256(span_of(buf, len)), hex(v->prime));
        BN_free(p);
        for (size_t j = 0; j < v->exponent; j++) {
            a[j] = (uint8_t)(0x80 + j);
            b[j] = (uint8_t)(0xa7 + 3 * j);
        }
        struct span span_a = span_of(a, v->exponent), span_b = span_of(b, v->exponent);
        crypto_random_set_source(give, &span_a);
        assert_true(kex_generate(v->group, &key, buf, &public_len));
        assert_span_equal(sha256(span_of(buf, public_len)), hex(v->public_a));
        secret_free(&key);
        crypto_random_set_source(give, &span_b);
        assert_true(kex_generate(v->group, &key, buf, &public_len));
        secret_free(&key);
        crypto_random_set_source(NULL, NULL);
        assert_true(kex_derive(v->group, span_a, span_of(buf, public_len), &shared));
        assert_int_equal(shared.len, len);
        assert_span_equal(sha256(secret_view(&shared)), hex(v->shared));
        secret_free(&shared);
    }
}

/* [RFC6989#2.1] 0, 1, p - 1, and p and more are no public values; 2 and p - 2 are. */
static void modp_peers_must_lie_between_1_and_p_minus_1(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(modp_vectors); i++) {
        const struct modp_vector *v = &modp_vectors[i];
        size_t len = alg_find(TRANSFORM_KE, v->group)->public_len;
        uint8_t exponent[128] = {0x80, 3}, y[KEX_PUBLIC_MAX];
        struct secret shared = {0};
        BIGNUM *n = v->get_prime(NULL);
        const struct {
            int below_p; /* -1: the small number itself */
            unsigned number;
            bool is_good;
        } peers[] = {
            {-1, 0, false},
            {-1, 1, false},
            {-1, 2, true },
            {0,  0, false},
            {1,  1, false},
            {2,  2, true }
        };
        for (size_t j = 0; j < ARRAY_LEN(peers); j++) {
            memset(y, 0, sizeof(y));
            y[len - 1] = (uint8_t)peers[j].number;
            if (peers[j].below_p >= 0) {
                BIGNUM *m = BN_dup(n);
                BN_sub_word(m, (BN_ULONG)peers[j].below_p);
                BN_bn2binpad(m, y, (int)len);
                BN_free(m);
            }
            bool got = kex_derive(v->group, span_of(exponent, v->exponent), span_of(y, len), &shared);
            assert_int_equal(got, peers[j].is_good);
            secret_free(&shared);
        }
        memset(y, 0xff, len);
        assert_false(kex_derive(v->group, span_of(exponent, v->exponent), span_of(y, len), &shared));
        BN_free(n);
    }
}

static void both_sides_of_every_group_agree(void **state)
{
    (void)state;
    for (size_t i = 0; alg_at(i); i++) {
        const struct alg *a = alg_at(i);
        struct secret key, shared_i, shared_r;
        uint8_t public_key[KEX_PUBLIC_MAX], answer[KEX_PUBLIC_MAX];
        size_t public_len, answer_len;
        if (a->type != TRANSFORM_KE || a->id == KE_NONE)
            continue;
        assert_true(kex_generate(a->id, &key, public_key, &public_len));
        assert_int_equal(public_len, a->public_len);
        assert_true(kex_answer(a->id, span_of(public_key, public_len), answer, &answer_len, &shared_r));
        assert_true(kex_answer_plausible(a->id, span_of(answer, answer_len)));
        assert_memory_not_equal(public_key, answer, answer_len < public_len ? answer_len : public_len);
        assert_true(kex_derive(a->id, secret_view(&key), span_of(answer, answer_len), &shared_i));
        assert_int_equal(shared_i.len, a->out_len);
        assert_true(secret_equal(secret_view(&shared_i), secret_view(&shared_r)));
        secret_free(&key);
        secret_free(&shared_i);
        secret_free(&shared_r);
    }
}

static void no_answer_is_like_another(void **state)
{
    (void)state;
    for (size_t i = 0; alg_at(i); i++) {
        const struct alg *a = alg_at(i);
        struct secret key, shared[2];
        uint8_t public_key[KEX_PUBLIC_MAX], answer[2][KEX_PUBLIC_MAX];
        size_t public_len, len;
        if (a->type != TRANSFORM_KE || a->id == KE_NONE)
            continue;
        assert_true(kex_generate(a->id, &key, public_key, &public_len));
        for (int n = 0; n < 2; n++)
            assert_true(kex_answer(a->id, span_of(public_key, public_len), answer[n], &len, &shared[n]));
        assert_memory_not_equal(answer[0], answer[1], len);
        assert_false(secret_equal(secret_view(&shared[0]), secret_view(&shared[1])));
        secret_free(&key);
        secret_free(&shared[0]);
        secret_free(&shared[1]);
    }
}

static bool is_kem(uint16_t group)
{
    return group == KE_ML_KEM_512 || group == KE_ML_KEM_768 || group == KE_ML_KEM_1024;
}

static void a_wrong_length_is_refused_by_every_group(void **state)
{
    (void)state;
    static uint8_t zeros[KEX_PUBLIC_MAX + 1];
    for (size_t i = 0; alg_at(i); i++) {
        const struct alg *a = alg_at(i);
        struct secret key, shared;
        uint8_t public_key[KEX_PUBLIC_MAX + 1], answer[KEX_PUBLIC_MAX + 1], other[KEX_PUBLIC_MAX];
        size_t public_len, len, other_len;
        if (a->type != TRANSFORM_KE || a->id == KE_NONE)
            continue;
        assert_true(kex_generate(a->id, &key, public_key, &public_len));
        assert_true(kex_public_plausible(a->id, span_of(public_key, public_len)));
        assert_true(kex_answer(a->id, span_of(public_key, public_len), answer, &len, &shared));
        secret_free(&shared);
        for (size_t d = 0; d < 3; d++) {
            size_t wrong = d == 0 ? 0 : d == 1 ? public_len - 1 : public_len + 1;
            assert_false(kex_public_plausible(a->id, span_of(public_key, wrong)));
            assert_false(kex_answer(a->id, span_of(public_key, wrong), other, &other_len, &shared));
            wrong = d == 0 ? 0 : d == 1 ? len - 1 : len + 1;
            assert_false(kex_answer_plausible(a->id, span_of(answer, wrong)));
            assert_false(kex_derive(a->id, secret_view(&key), span_of(answer, wrong), &shared));
        }
        if (!is_kem(a->id)) /* to a KEM these are an encapsulation key and a ciphertext like others */
            assert_false(kex_derive(a->id, secret_view(&key), span_of(zeros, len), &shared) ||
                         kex_answer(a->id, span_of(zeros, len), other, &other_len, &shared));
        assert_false(kex_derive(a->id, span_of(key.ptr, key.len - 1), span_of(answer, len), &shared));
        secret_free(&key);
    }
}

/* Sizes of FIPS 203 table 3, and the check of section 7.2; mlkem_test.c has the rest. */
static void a_kems_answer_has_a_length_of_its_own(void **state)
{
    (void)state;
    static const struct {
        uint16_t group;
        size_t key, ciphertext;
    } kems[] = {
        {KE_ML_KEM_512,  800,  768 },
        {KE_ML_KEM_768,  1184, 1088},
        {KE_ML_KEM_1024, 1568, 1568},
    };
    for (size_t i = 0; i < ARRAY_LEN(kems); i++) {
        struct secret key, shared;
        uint8_t public_key[KEX_PUBLIC_MAX], answer[KEX_PUBLIC_MAX];
        size_t len;
        assert_true(is_kem(kems[i].group));
        assert_true(kex_generate(kems[i].group, &key, public_key, &len));
        assert_int_equal(len, kems[i].key);
        assert_true(kex_answer(kems[i].group, span_of(public_key, len), answer, &len, &shared));
        assert_int_equal(len, kems[i].ciphertext);
        assert_int_equal(shared.len, 32);
        secret_free(&shared);
        public_key[0] = 0xff; /* no residue */
        public_key[1] |= 0x0f;
        assert_true(kex_public_plausible(kems[i].group, span_of(public_key, kems[i].key)));
        assert_false(kex_answer(kems[i].group, span_of(public_key, kems[i].key), answer, &len, &shared));
        secret_free(&key);
    }
}

static void unknown_groups_are_refused(void **state)
{
    (void)state;
    struct secret key;
    uint8_t public_key[KEX_PUBLIC_MAX] = {0};
    size_t len;
    const uint16_t unknown[] = {KE_NONE, 3, 4, 22, 23, 24, 25, 26, 33, 34, 38, 65535};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
        assert_false(kex_generate(unknown[i], &key, public_key, &len));
        assert_false(kex_public_plausible(unknown[i], span_of(public_key, 32)));
        assert_false(kex_answer(unknown[i], span_of(public_key, 32), public_key, &len, &key));
        assert_null(kex_served_by(unknown[i]));
    }
}

static void a_seed_repeats_keys_and_another_does_not(void **state)
{
    (void)state;
    const uint16_t groups[] = {KE_CURVE25519, KE_ECP_521, KE_MODP_2048, KE_ML_KEM_768};
    uint8_t keys[3][ARRAY_LEN(groups)][KEX_PUBLIC_MAX] = {0},
            answers[3][ARRAY_LEN(groups)][KEX_PUBLIC_MAX] = {0};
    for (size_t n = 0; n < 3; n++) {
        crypto_random_seed(n < 2 ? 42 : 43);
        for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
            struct secret key, shared;
            size_t len;
            assert_true(kex_generate(groups[i], &key, keys[n][i], &len));
            assert_true(kex_answer(groups[i], span_of(keys[n][i], len), answers[n][i], &len, &shared));
            secret_free(&key);
            secret_free(&shared);
        }
    }
    crypto_random_set_source(NULL, NULL);
    assert_memory_equal(keys[0], keys[1], sizeof(keys[0]));
    assert_memory_equal(answers[0], answers[1], sizeof(answers[0]));
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        assert_memory_not_equal(keys[0][i], keys[2][i], KEX_PUBLIC_MAX);
        assert_memory_not_equal(answers[0][i], answers[2][i], KEX_PUBLIC_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_give_what_the_rfcs_say),
        cmocka_unit_test(modp_groups_have_the_primes_of_the_rfcs),
        cmocka_unit_test(modp_peers_must_lie_between_1_and_p_minus_1),
        cmocka_unit_test(both_sides_of_every_group_agree),
        cmocka_unit_test(no_answer_is_like_another),
        cmocka_unit_test(a_wrong_length_is_refused_by_every_group),
        cmocka_unit_test(a_kems_answer_has_a_length_of_its_own),
        cmocka_unit_test(unknown_groups_are_refused),
        cmocka_unit_test(a_seed_repeats_keys_and_another_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

static const struct vector vectors[] = {
    {"RFC 5903 section 8",  KE_ECP_256,    "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
     "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
     "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",                                                                         "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
     "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
     "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",                                                                                                                                                                                                                         "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"    },
    {"RFC 5903 section 8",  KE_ECP_384,
     "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655"
     "e35b538041e649ee3faef896783ab194",                                                                       "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6"
     "de3ac808acb4bdb4c88732aee95f41aa9482ed1fc0eeb9cafc4984625ccfc23f"
     "65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",                                 "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942"
     "e0308312916b8ed2960e4bd55a7448fc",                                                                 "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d"
     "0d1ac43a0336def96fda41d0774a3571dcfbec7aacf3196472169e838430367f"
     "66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",                                                                 "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4"
     "d603135569b9e9d09cf5d4a270f59746"                                                                                                },
    {"RFC 5903 section 8",  KE_ECP_521,
     "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a0"
     "95aa85a30fe1c2952c6771d937ba9777f5957b2639bab072462f68c27a57382d"
     "4a52",                                                                                                   "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbe"
     "e1e3bf42e00b8e380aeae57c2d107564941885942af5a7f4601723c4195d176c"
     "ed3e017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4"
     "a10ad8a788015ac405d7799dc75e7b7d5b6cf2261a6a7f1507438bf01beb6ca3"
     "926f9582",                                                                                                                     "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e"
     "9c677d600b343757a3bdbf2a3163e4c2f869cca7458aa4a4effc311f5cb15168"
     "5eb9",                                                                                                                                                                                 "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a21"
     "9b97c356436adc6e95bb0352f6be64a6c2912d4ef2d0433ced2b6171640012d9"
     "460f015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d985207"
     "7b87220b6536c5c408a1d2aebb8e86d678ae49cb57091f4732296579ab44fcd1"
     "7f0fc56a",                                                                                                                                                                                                                                         "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04"
     "d1427e73ca4baa240a34786859810c06b3c715a3a8cc3151f2bee417996d19f3"
     "ddea"                                                                                                                                                                                                                                                                                                    },
    {"RFC 6932 appendix A", KE_ECP_224BP,  "7c4b7a2c8a4bad1fbb7d79cc0955db7c6a4660ca64cc4778159b495e",
     "b104a67a6f6e85e14ec1825e1539e8ecdbbf584922367dd88c6bdcf246d782e7"
     "fdb5f60cd8404301ac5949c58edb26bc68ba07695b750a94",                                                                                         "63976d4aae6cd0f6dd18defef55d96569d0507c03e74d6486ffa28fb",
     "2a97089a9296147b71b21a4b574e1278245b536f14d8c2b9d07a874e9b900d7c"
     "77a709a797276b8ca1ba61bb95b546fc29f862e44d59d25b",                                                                                                                                                                                                                                         "312dfd98783f9fb77b9704945a73beb6dccbe3b65d0f967dcab574eb"            },
    {"RFC 6932 appendix A", KE_ECP_256BP,  "041eb8b1e2bc681bce8e39963b2e9fc415b05283313dd1a8bcc055f11ae49699",
     "78028496b5ecaab3c8b6c12e45db1e02c9e4d26b4113bc4f015f60c5ccc0d206"
     "a2ae1762a3831c1d20f03f8d1e3c0c39afe6f09b4d44bbe80cd100987b05f92b",                                                                         "06f5240eacdb9837bc96d48274c8aa834b6c87ba9cc3eedd81f99a16b8d804d3",
     "8e07e219ba588916c5b06aa30a2f464c2f2acfc1610a3be2fb240b635341f0db"
     "148ea1d7d1e7e54b9555b6c9ac90629c18b63bee5d7aa6949ebbf47b24fde40d",                                                                                                                                                                                                                         "05e940915549e9f6a4a75693716e37466aba79b4bf2919877a16dd2cc2e23708"    },
    {"RFC 6932 appendix A", KE_ECP_384BP,
     "014ec0755b78594ba47fb0a56f6173045b4331e74ba1a6f47322e70d79d828d9"
     "7e095884ca72b73fdabd5910df0fa76a",                                                                       "45cb26e4384daf6fb776885307b9a38b7ad1b5c692e0c32f0125332778f3b8d3"
     "f50ca358099b30deb5ee69a95c058b4e8173a1c54affa7e781d0e1e1d12c0dc2"
     "b74f4df58e4a4e3af7026c5d32dc530a2cd89c859bb4b4b768497f49ab8cc859",                                 "6b461cb79bd0ea519a87d6828815d8ce7cd9b3caa0b5a8262cbcd550a015c900"
     "95b976f3529957506e1224a861711d54",                                                                 "01bf92a92ee4be8ded1a911125c209b03f99e3161cfcc986dc7711383fc30af9"
     "ce28ca3386d59e2c8d72ce1e7b4666e83289c4a3a4fee035e39bdb885d509d22"
     "4a142ff9fbcc5cfe5ccbb30268ee47487ed8044858d31d848f7a95c635a347ac",                                                                 "04cc4ff3dcccb07af24e0acc529955b36d7c807772b92fcbe48f3afe9a2f370a"
     "1f98d3fa73fd0c0747c632e12f1423ec"                                                                                                },
    {"RFC 6932 appendix A", KE_ECP_512BP,
     "636b6be0482a6c1c41aa7ae7b245e983392db94cecea2660a379cfe159559e35"
     "7581825391175fc195d28bac0cf03a7841a383b95c262b983782874cce6fe333",                                       "0562e68b9af7cbfd5565c6b16883b777ff11c199161ecc427a39d17ec2166499"
     "389571d6a994977c56ad8252658ba8a1b72ae42f4fb7532151afc3ef0971ccda"
     "a7ca2d8191e21776a89860afbc1f582faa308d551c1dc6133af9f9c3cad59998"
     "d70079548140b90b1f311afb378aa81f51b275b2be6b7dee978efc7343ea642e", "0af4e7f6d52edd52907bb8dbab3992a0bb696ec10df11892ff205b66d381ece7"
     "2314e6a6ea079cea06961dba5ae6422ef2e9ee803a1f236fb96a1799b86e5c8b", "5a7954e32663dff11ae24712d87419f26b708ac2b92877d6bfee2bfc43714d89"
     "bbdb6d24d807bbd3aeb7f0c325f862e8bade4f74636b97eaace739e11720d323"
     "96d14621a9283a1bed84de8dd64836b2c0758b11441179dc0c54c0d49a47c038"
     "07d171dd544b72caaef7b7ce01c7753e2cad1a861eca55a71954ee1ba35e04be", "1ee8321a4bbf93b9cf8921ab209850ec9b7066d1984ef08c2bb723236208ac8f"
     "1a483e79461a00e0d5f6921ce9d360502f85c812bedee23ac5b210e5811b191e"},
    {"RFC 8031 appendix A", KE_CURVE25519, "751fb4308655b476b6789b7325f9ea8cddd16a58533ff6d9e60009464a5f9d94",
     "48d5ddd4061257ba166fa3f9bbdb74f1a4e81c089384fa77f790709f0dfbc766",                                                                         "0a54645253290d60ddadd0e030bacd9e5501efdc220755a1e978f1b839a05688",
     "0be7c1f5aad87d7e448662673298a443478b859745179eaf564c79c0ef6eee25",                                                                                                                                                                                                                         "c74950607a12327f3204d94b6825bfb068b7f8319a9e3708ed3d43ce8130c950"    },
    {"RFC 7748 6.1",        KE_CURVE25519, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
     "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",                                                                         "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
     "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",                                                                                                                                                                                                                         "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"    },
    {"RFC 7748 6.2",        KE_CURVE448,
     "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf5"
     "74a9419744897391006382a6f127ab1d9ac2d8c0a598726b",                                                       "9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bb"
     "c836647241d953d40c5b12da88120d53177f80e532c41fa0",                                 "1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d6927c120"
     "bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d",                                                 "3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972"
     "fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609",                                                                 "07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56"
     "fd2464c335543936521c24403085d59a449a5037514a879d"                                                                                },
};
static const size_t vector_count = ARRAY_LEN(vectors);
