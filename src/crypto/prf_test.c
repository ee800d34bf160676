/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes, PRFs, prf+ and integrity against the vectors of their RFCs and of NIST. The vectors are at the end.
 */
#include "crypto/alg.h"
#include "crypto/hash.h"
#include "crypto/mac.h"
#include "crypto/prf.h"
#include "support/test.h"

static const struct mac_vector {
    const char *source;
    uint16_t id; /* PRF or INTEG */
    const char *key, *data, *out;
} prf_vectors[], integ_vectors[];
static const size_t prf_vector_count, integ_vector_count;

static void prfs_give_what_the_rfcs_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < prf_vector_count; i++) {
        const struct mac_vector *v = &prf_vectors[i];
        struct span key = hex(v->key), data = hex(v->data), expected = hex(v->out);
        uint8_t out[PRF_MAX_LEN];
        assert_int_equal(prf_len(v->id), expected.len);
        assert_true(prf_compute(v->id, key, &data, 1, out));
        if (memcmp(out, expected.ptr, expected.len) != 0)
            fail_msg("%s", v->source);
    }
}

static void integrity_transforms_give_what_the_rfcs_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < integ_vector_count; i++) {
        const struct mac_vector *v = &integ_vectors[i];
        struct span data = hex(v->data), expected = hex(v->out);
        uint8_t out[PRF_MAX_LEN];
        assert_int_equal(alg_find(TRANSFORM_INTEG, v->id)->icv, expected.len);
        assert_true(integ_compute(v->id, hex(v->key), &data, 1, out));
        if (memcmp(out, expected.ptr, expected.len) != 0)
            fail_msg("%s", v->source);
    }
}

/* RFC 3566 section 4.6, case 7. */
static void xcbc_takes_a_thousand_zeros(void **state)
{
    (void)state;
    static const uint8_t zeros[1000];
    struct span data = span_of(zeros, sizeof(zeros));
    uint8_t out[16];
    struct span key = hex("000102030405060708090a0b0c0d0e0f");
    assert_true(prf_compute(PRF_AES128_XCBC, key, &data, 1, out));
    assert_span_equal(span_of(out, 16), hex("f0dafee895db30253761103b5d84528f"));
}

/* However a message is cut into parts, a MAC is that of the whole; and a kept MAC starts over each time. */
static void parts_do_not_change_a_mac(void **state)
{
    (void)state;
    uint8_t text[100];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 7);
    for (enum mac_id id = MAC_HMAC_MD5; id <= MAC_AES_CMAC; id++) {
        struct mac *m = mac_new(id, span_of("0123456789abcdef", 16));
        assert_non_null(m);
        for (size_t len = 0; len <= sizeof(text); len++) {
            struct span whole = span_of(text, len);
            uint8_t expected[MAC_MAX_LEN], got[MAC_MAX_LEN];
            mac_run(m, &whole, 1, expected);
            for (size_t cut = 0; cut <= len; cut += 1 + len / 9) {
                struct span parts[] = {span_of(text, cut / 2), span_of(text + cut / 2, cut - cut / 2),
                                       span_of(NULL, 0), span_of(text + cut, len - cut)};
                mac_run(m, parts, ARRAY_LEN(parts), got);
                assert_memory_equal(got, expected, mac_len(id));
            }
        }
        mac_free(m);
    }
}

/* FIPS 180-4 (examples of NIST: "abc"), RFC 1321 section A.5. */
static void hashes_of_abc(void **state)
{
    (void)state;
    const struct {
        enum hash_id id;
        const char *digest;
    } v[] = {
        {HASH_MD5,    "900150983cd24fb0d6963f7d28e17f72"                                                     },
        {HASH_SHA1,   "a9993e364706816aba3e25717850c26c9cd0d89d"                                             },
        {HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"                     },
        {HASH_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                      "8086072ba1e7cc2358baeca134c825a7"                                },
        {HASH_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    };
    const struct span parts[] = {span_str("a"), span_of(NULL, 0), span_str("bc")};
    uint8_t out[HASH_MAX_LEN];
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        hash_digest(v[i].id, parts, ARRAY_LEN(parts), out);
        assert_span_equal(span_of(out, hash_len(v[i].id)), hex(v[i].digest));
    }
    assert_int_equal(hash_len(HASH_IDENTITY), 0);
}

/* NIST CAVP, "800-135 IKEv2 KDF" (ikev2.zip), HMAC-SHA1, first count of the first group: SKEYSEED, the IKE
 * SA's keys, the child's without and with a new key exchange, and SKEYSEED after a rekey. */
static void ikev2_key_derivation_gives_what_nist_says(void **state)
{
    (void)state;
    struct span ni = hex("3651fef5c9c35e93"), nr = hex("c09a8b90a3f04d59");
    struct span nonces = hex("3651fef5c9c35e93c09a8b90a3f04d59");
    struct span spi_i = hex("8e5c3ae507221684"), spi_r = hex("b1f201bb155c3acd");
    struct span gir = hex("d084a30166a50fb7325c3960874a839449ef9741c2f4f947d0201dd8c1269273"
                          "d79509f37e3ca3eb4fa2fe2a28254e289cd3f34dad4eb4df1a07685a4b8a94fa"
                          "61e2491f7598b3ce65547ff133b3f63d1ac4175eaa695033f3cedb026a6873a3"
                          "6455172a8540b8a5d23a0143bed0390ee49b168269d75fffee9fb62be965993c");
    struct span gir_new = hex("52f00ab174c25d5b7139ae5ff4e8e9eddee5992d2e36adf8a559ffd90dab1442"
                              "e4fbe429d320c0f33552a17d1557fa41ea70e8fb916c4fa27ed52b5f8ebd8461"
                              "afa78f1159159a64055ac5f6319e29c28eae58cbc6847770f32c3fed1d047504"
                              "84f854790f95e9ec01bc5bc461f24966462e359511329305038e94deb6dd42c2");
    uint8_t seed[20], out[132];

    assert_true(prf_compute(PRF_HMAC_SHA1, nonces, &gir, 1, seed));
    assert_span_equal(span_of(seed, 20), hex("cd2e8050137832245f1dbacc6e4f0a92f94d45d6"));

    struct span sa[] = {ni, nr, spi_i, spi_r};
    assert_true(prf_plus(PRF_HMAC_SHA1, span_of(seed, 20), sa, 4, out, sizeof(out)));
    assert_span_equal(span_of(out, sizeof(out)),
                      hex("6f1b12cad3cbe097b35430356d869d54cddb0198ec859174d53ceb92dddedbe2"
                          "436db69f60977c58fa63bbb667f8d36920b109baae8f6c61a9ac49feda018432"
                          "25d080ec5539d5881a25521ffb2a0a91874a9c0a27fcc2d717eb8963a9e3a89c"
                          "7ab264757284c28cf8c3ca40576f4220b052b1fb8e9ad60ba3c80557323331a8"
                          "cbb89f20"));
    struct span sk_d = hex("6f1b12cad3cbe097b35430356d869d54cddb0198");

    assert_true(prf_plus(PRF_HMAC_SHA1, sk_d, sa, 2, out, sizeof(out)));
    assert_span_equal(span_of(out, sizeof(out)),
                      hex("4727dc0ef94eb326ce131cf282fb652faa638ad0ddae3786a11bcc0309876009"
                          "f8c485de011ad962c5b1ca8a41ff8145445749079c5686e26ffebbc342f06981"
                          "f3da745e11ca0976424d1f8caec623d59dc7186deb20a27b411d1dcb70a36544"
                          "0bf7de905088b0692e8addc094e18d1939bdb67e89798ca6b239e2ccb81c2409"
                          "dac0106c"));

    struct span child[] = {gir_new, ni, nr};
    assert_true(prf_plus(PRF_HMAC_SHA1, sk_d, child, 3, out, sizeof(out)));
    assert_span_equal(span_of(out, sizeof(out)),
                      hex("b109c21ad4c0797768c1cec9e63554681e48f224bca7f23c20c4ea7041983451"
                          "e9aa1d5408656c8a975ff1b9d9a12c75ffeb64bdecb30174664cccb4e14f1c37"
                          "7b7f6d1525af77c7092aac3e47f917ebae8297fb5539d2008ce830823a09cc19"
                          "7361d4a289c72745f6ce9fefe812be5bf55b3200fbb82e41a4a40877d3fe106d"
                          "b909707b"));

    assert_true(prf_compute(PRF_HMAC_SHA1, sk_d, child, 3, out));
    assert_span_equal(span_of(out, 20), hex("3b03bce748c96d5e8306918d2ff89b68f0648da3"));
}

/* Computed with Python's hmac and cryptography modules and prf+ written down from RFC 7296 section 2.13: 300
 * bytes from the key 20 21 .. 3f, of which the SHA-256 is given. */
static void prf_plus_with_every_prf(void **state)
{
    (void)state;
    const struct {
        uint16_t prf;
        const char *digest;
    } v[] = {
        {PRF_HMAC_MD5,      "f3f16acdd368c91a563d1acc067e29edab3a35c7598c877b86ec3f6d9e8187eb"},
        {PRF_HMAC_SHA1,     "31256a6379a7abb1d8efacdb6a9a0e56f3dff0b76783399f38d6c4d00e874813"},
        {PRF_HMAC_SHA2_256, "ab5d28f216585931568c1221e171b7b0f152b715685b657715e6b2b2c0953306"},
        {PRF_HMAC_SHA2_384, "d850469c6a73e95711e09c2c8988cb0e0cb4170bb7f83c19730d22538b84fd77"},
        {PRF_HMAC_SHA2_512, "f916da078d714e2c6f56afc335d994852da036c4582af0cfffd16114edea73aa"},
        {PRF_AES128_XCBC,   "2db5a9015918e7d98cb165659bab3d000b3561ceba91b5837b5cfa3106d304b7"},
        {PRF_AES128_CMAC,   "a7b5a65cf3db0f11566ea7787914c8eb044a228cadbe2490fd1ca7291b9e2f3f"},
    };
    uint8_t key[32], out[300], digest[32];
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(0x20 + i);
    struct span whole = span_of(out, sizeof(out));
    const struct span seed[] = {span_str("NiNiNiNiNiNiNiNiNiNiNiNiNiNiNiNi"),
                                span_str("NrNrNrNrNrNrNrNrNrNrNrNrNrNrNrNr"), span_str("SPIiSPIrSPIiSPIr")};
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        assert_true(prf_plus(v[i].prf, span_of(key, sizeof(key)), seed, 3, out, sizeof(out)));
        hash_digest(HASH_SHA256, &whole, 1, digest);
        assert_span_equal(span_of(digest, 32), hex(v[i].digest));
    }
}

static void prf_plus_knows_its_limits(void **state)
{
    (void)state;
    static uint8_t out[255 * 16 + 1];
    struct span key = span_str("0123456789abcdef"), seed = span_str("seed");
    assert_true(prf_plus(PRF_AES128_CMAC, key, &seed, 1, out, 255 * 16));
    assert_false(prf_plus(PRF_AES128_CMAC, key, &seed, 1, out, 255 * 16 + 1));
    assert_false(prf_plus(99, key, &seed, 1, out, 16));
    assert_false(prf_compute(0, key, &seed, 1, out));
    assert_false(prf_compute(3, key, &seed, 1, out));
    assert_int_equal(prf_len(99), 0);
    assert_false(integ_compute(INTEG_NONE, key, &seed, 1, out));
    assert_false(integ_compute(INTEG_AES_XCBC_96, span_of(key.ptr, 15), &seed, 1, out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prfs_give_what_the_rfcs_say),
        cmocka_unit_test(integrity_transforms_give_what_the_rfcs_say),
        cmocka_unit_test(xcbc_takes_a_thousand_zeros),
        cmocka_unit_test(parts_do_not_change_a_mac),
        cmocka_unit_test(hashes_of_abc),
        cmocka_unit_test(ikev2_key_derivation_gives_what_nist_says),
        cmocka_unit_test(prf_plus_with_every_prf),
        cmocka_unit_test(prf_plus_knows_its_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* RFC 2202 (HMAC-MD5, HMAC-SHA-1), RFC 4231 and 4868 (HMAC-SHA-2), RFC 3566 and 4434 (AES-XCBC), RFC 4615
 * (AES-CMAC). RFC 4868's AUTH512-4 is given with the 64 bytes that its output comes from; the text prints 16
 * more in front. */
static const struct mac_vector prf_vectors[] = {
    {"RFC 2202 2, case 1", PRF_HMAC_MD5,      "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",                   "4869205468657265",
     "9294727a3638bb1c13f48ef8158bfc9d"                                                                                                                                                                                           },
    {"RFC 2202 2, case 2", PRF_HMAC_MD5,      "4a656665",
     "7768617420646f2079612077616e7420666f72206e6f7468696e673f",                                                                                                "750c783e6ab0b503eaa86e310a5db738"                                },
    {"RFC 2202 2, case 3", PRF_HMAC_MD5,      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddd",                                                                                                                    "56be34521d144c88dbb8c733f0e8b3f6"                                },
    {"RFC 2202 2, case 4", PRF_HMAC_MD5,      "0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",                                                                                                                    "697eaf0aca3a3aea3a75164746ffaa79"                                },
    {"RFC 2202 2, case 5", PRF_HMAC_MD5,      "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
     "546573742057697468205472756e636174696f6e",                                                                                                                "56461ef2342edc00f9bab995690efd4c"                                },
    {"RFC 2202 2, case 6", PRF_HMAC_MD5,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",                                                            "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
     "65204b6579202d2048617368204b6579204669727374",                                                                    "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"                                },
    {"RFC 2202 2, case 7", PRF_HMAC_MD5,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",                                                            "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
     "65204b657920616e64204c6172676572205468616e204f6e6520426c6f636b2d"
     "53697a652044617461",                                                                                              "6f630fad67cda0ee1fb1f562db3aa53e"                                },
    {"RFC 2202 3, case 1", PRF_HMAC_SHA1,     "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",           "4869205468657265",
     "b617318655057264e28bc0b6fb378c8ef146be00"                                                                                                                                                                                   },
    {"RFC 2202 3, case 2", PRF_HMAC_SHA1,     "4a656665",
     "7768617420646f2079612077616e7420666f72206e6f7468696e673f",                                                                                                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"                        },
    {"RFC 2202 3, case 3", PRF_HMAC_SHA1,     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddd",                                                                                                                    "125d7342b9ac11cd91a39af48aa17b4f63f175d3"                        },
    {"RFC 2202 3, case 4", PRF_HMAC_SHA1,     "0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",                                                                                                                    "4c9007f4026250c6bc8414f9bf50c86c2d7235da"                        },
    {"RFC 2202 3, case 5", PRF_HMAC_SHA1,     "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
     "546573742057697468205472756e636174696f6e",                                                                                                                "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"                        },
    {"RFC 2202 3, case 6", PRF_HMAC_SHA1,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",                                                            "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
     "65204b6579202d2048617368204b6579204669727374",                                                                    "aa4ae5e15272d00e95705637ce8a3b55ed402112"                        },
    {"RFC 2202 3, case 7", PRF_HMAC_SHA1,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",                                                            "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
     "65204b657920616e64204c6172676572205468616e204f6e6520426c6f636b2d"
     "53697a652044617461",                                                                                              "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"                        },
    {"RFC 4231 4.2",       PRF_HMAC_SHA2_256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",           "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"                                                                                                                                                           },
    {"RFC 4231 4.2",       PRF_HMAC_SHA2_384, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",           "4869205468657265",
     "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
     "faea9ea9076ede7f4af152e8b2fa9cb6"                                                                                                                                                                                           },
    {"RFC 4231 4.2",       PRF_HMAC_SHA2_512, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",           "4869205468657265",
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
     "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"                                                                                                                                                           },
    {"RFC 4231 4.3",       PRF_HMAC_SHA2_256, "4a656665",
     "7768617420646f2079612077616e7420666f72206e6f7468696e673f",                                                                                                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"RFC 4231 4.3",       PRF_HMAC_SHA2_384, "4a656665",
     "7768617420646f2079612077616e7420666f72206e6f7468696e673f",                                                                                                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
     "8e2240ca5e69e2c78b3239ecfab21649"                                                                                                                           },
    {"RFC 4231 4.3",       PRF_HMAC_SHA2_512, "4a656665",
     "7768617420646f2079612077616e7420666f72206e6f7468696e673f",                                                                                                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"                                                                                           },
    {"RFC 4231 4.4",       PRF_HMAC_SHA2_256, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddd",                                                                                                                    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"RFC 4231 4.4",       PRF_HMAC_SHA2_384, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddd",                                                                                                                    "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b"
     "2a5ab39dc13814b94e3ab6e101a34f27"                                                                                                                                               },
    {"RFC 4231 4.4",       PRF_HMAC_SHA2_512, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddd",                                                                                                                    "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
     "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"                                                                                                               },
    {"RFC 4231 4.5",       PRF_HMAC_SHA2_256, "0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",                                                                                                                    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"RFC 4231 4.5",       PRF_HMAC_SHA2_384, "0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",                                                                                                                    "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e"
     "6801dd23c4a7d679ccf8a386c674cffb"                                                                                                                                               },
    {"RFC 4231 4.5",       PRF_HMAC_SHA2_512, "0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",                                                                                                                    "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
     "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"                                                                                                               },
    {"RFC 4231 4.7",       PRF_HMAC_SHA2_256,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaa",                                                                                      "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
     "65204b6579202d2048617368204b6579204669727374",                                                                                              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"RFC 4231 4.7",       PRF_HMAC_SHA2_384,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaa",                                                                                      "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
     "65204b6579202d2048617368204b6579204669727374",                                                                                              "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
     "0c2ef6ab4030fe8296248df163f44952"                                                                                                                         },
    {"RFC 4231 4.7",       PRF_HMAC_SHA2_512,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaa",                                                                                      "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
     "65204b6579202d2048617368204b6579204669727374",                                                                                              "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
     "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"                                                                                         },
    {"RFC 4231 4.8",       PRF_HMAC_SHA2_256,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaa",                                                                                      "5468697320697320612074657374207573696e672061206c6172676572207468"
     "616e20626c6f636b2d73697a65206b657920616e642061206c61726765722074"
     "68616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565"
     "647320746f20626520686173686564206265666f7265206265696e6720757365"
     "642062792074686520484d414320616c676f726974686d2e",                                                                                          "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    {"RFC 4231 4.8",       PRF_HMAC_SHA2_384,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaa",                                                                                      "5468697320697320612074657374207573696e672061206c6172676572207468"
     "616e20626c6f636b2d73697a65206b657920616e642061206c61726765722074"
     "68616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565"
     "647320746f20626520686173686564206265666f7265206265696e6720757365"
     "642062792074686520484d414320616c676f726974686d2e",                                                                                          "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5"
     "a678cc31e799176d3860e6110c46523e"                                                                                                                     },
    {"RFC 4231 4.8",       PRF_HMAC_SHA2_512,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaa",                                                                                      "5468697320697320612074657374207573696e672061206c6172676572207468"
     "616e20626c6f636b2d73697a65206b657920616e642061206c61726765722074"
     "68616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565"
     "647320746f20626520686173686564206265666f7265206265696e6720757365"
     "642062792074686520484d414320616c676f726974686d2e",                                                                                          "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
     "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"                                                                                     },
    {"RFC 4868 AUTH256-1", PRF_HMAC_SHA2_256,
     "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",                            "4869205468657265",
     "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7"                                                                                                                                                           },
    {"RFC 4868 AUTH256-2", PRF_HMAC_SHA2_256,
     "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",                            "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "167f928588c5cc2eef8e3093caa0e87c9ff566a14794aa61648d81621a2a40c6"                                                                                                                                                           },
    {"RFC 4868 AUTH256-3", PRF_HMAC_SHA2_256,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",                            "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddd",                                            "cdcb1220d1ecccea91e53aba3092f962e549fe6ce9ed7fdc43191fbde45c30b0"},
    {"RFC 4868 AUTH256-4", PRF_HMAC_SHA2_256,
     "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",                            "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",                                            "372efcf9b40b35c2115b1346903d2ef42fced46f0846e7257bb156d3d7b30d3f"},
    {"RFC 4868 AUTH384-1", PRF_HMAC_SHA2_384,
     "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
     "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",                                                            "4869205468657265",
     "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee9737a959796489bddbc"
     "4c5df61d5b3297b4fb68dab9f1b582c2"                                                                                                                                                                                           },
    {"RFC 4868 AUTH384-2", PRF_HMAC_SHA2_384,
     "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665"
     "4a6566654a6566654a6566654a656665",                                                            "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "2c7353974f1842fd66d53c452ca42122b28c0b594cfb184da86a368e9b8e16f5"
     "349524ca4e82400cbde0686d403371c9"                                                                                                                                                                                           },
    {"RFC 4868 AUTH384-3", PRF_HMAC_SHA2_384,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",                                                            "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddd",                                                                            "809f439be00274321d4a538652164b53554a508184a0c3160353e3428597003d"
     "35914a18770f9443987054944b7c4b4a"                                                                                                       },
    {"RFC 4868 AUTH384-4", PRF_HMAC_SHA2_384,
     "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
     "0a0b0c0d0e0f10111213141516171819",                                                            "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",                                                                            "5b540085c6e6358096532b2493609ed1cb298f774f87bb5c2ebf182c83cc7428"
     "707fb92eab2536a5812258228bc96687"                                                                                                       },
    {"RFC 4868 AUTH512-1", PRF_HMAC_SHA2_512,
     "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
     "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",                            "4869205468657265",
     "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8"
     "ac2878ebd5803f6f0b61dbce5e251ff8789a4722c1be65aea45fd464e89f8f5b"                                                                                                                                                           },
    {"RFC 4868 AUTH512-2", PRF_HMAC_SHA2_512,
     "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665"
     "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",                            "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "cb370917ae8a7ce28cfd1d8f4705d6141c173b2a9362c15df235dfb251b15454"
     "6aa334ae9fb9afc2184932d8695e397bfa0ffb93466cfcceaae38c833b7dba38"                                                                                                                                                           },
    {"RFC 4868 AUTH512-3", PRF_HMAC_SHA2_512,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",                            "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddd",                                            "2ee7acd783624ca9398710f3ee05ae41b9f9b0510c87e49e586cc9bf961733d8"
     "623c7b55cebefccf02d5581acc1c9d5fb1ff68a1de45509fbe4da9a433922655"                                       },
    {"RFC 4868 AUTH512-4", PRF_HMAC_SHA2_512,
     "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
     "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40",                            "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",                                            "5e6688e5a3daec826ca32eaea224eff5e700628947470e13ad01302561bab108"
     "b8c48cbc6b807dcfbd850521a685babc7eae4a2a2e660dc0e86b931d65503fd2"                                       },
    {"RFC 3566 4.6 #1",    PRF_AES128_XCBC,   "000102030405060708090a0b0c0d0e0f",                   "",
     "75f0251d528ac01c4573dfd584d79f29"                                                                                                                                                                                           },
    {"RFC 3566 4.6 #2",    PRF_AES128_XCBC,   "000102030405060708090a0b0c0d0e0f",                   "000102",
     "5b376580ae2f19afe7219ceef172756f"                                                                                                                                                                                           },
    {"RFC 3566 4.6 #3",    PRF_AES128_XCBC,   "000102030405060708090a0b0c0d0e0f",
     "000102030405060708090a0b0c0d0e0f",                                                                                                                        "d2a246fa349b68a79998a4394ff7a263"                                },
    {"RFC 3566 4.6 #4",    PRF_AES128_XCBC,   "000102030405060708090a0b0c0d0e0f",
     "000102030405060708090a0b0c0d0e0f10111213",                                                                                                                "47f51b4564966215b8985c63055ed308"                                },
    {"RFC 3566 4.6 #5",    PRF_AES128_XCBC,   "000102030405060708090a0b0c0d0e0f",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",                                                                                        "f54f0ec8d2b9f3d36807734bd5283fd4"                                },
    {"RFC 3566 4.6 #6",    PRF_AES128_XCBC,   "000102030405060708090a0b0c0d0e0f",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "2021",                                                                                                                                                    "becbb3bccdb518a30677d5481fb6b4d8"                                },
    {"RFC 4434 case 1",    PRF_AES128_XCBC,   "000102030405060708090a0b0c0d0e0f",
     "000102030405060708090a0b0c0d0e0f10111213",                                                                                                                "47f51b4564966215b8985c63055ed308"                                },
    {"RFC 4434 case 2",    PRF_AES128_XCBC,   "00010203040506070809",                               "000102030405060708090a0b0c0d0e0f10111213",
     "0fa087af7d866e7653434e602fdde835"                                                                                                                                                                                           },
    {"RFC 4434 case 3",    PRF_AES128_XCBC,   "000102030405060708090a0b0c0d0e0fedcb",
     "000102030405060708090a0b0c0d0e0f10111213",                                                                                                                "8cd3c93ae598a9803006ffb67c40e9e4"                                },
    {"RFC 4615 case 1",    PRF_AES128_CMAC,   "000102030405060708090a0b0c0d0e0fedcb",
     "000102030405060708090a0b0c0d0e0f10111213",                                                                                                                "84a348a4a45d235babfffc0d2b4da09a"                                },
    {"RFC 4615 case 2",    PRF_AES128_CMAC,   "000102030405060708090a0b0c0d0e0f",
     "000102030405060708090a0b0c0d0e0f10111213",                                                                                                                "980ae87b5f4c9c5214f5b6a8455e4c2d"                                },
    {"RFC 4615 case 3",    PRF_AES128_CMAC,   "00010203040506070809",                               "000102030405060708090a0b0c0d0e0f10111213",
     "290d9e112edb09ee141fcf64c0b72f3d"                                                                                                                                                                                           },
};
static const size_t prf_vector_count = ARRAY_LEN(prf_vectors);

/* RFC 4868, RFC 3566. */
static const struct mac_vector integ_vectors[] = {
    {"RFC 4868 AUTH256-1",           INTEG_HMAC_SHA2_256_128,
     "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",                                  "4869205468657265",
     "198a607eb44bfbc69903a0f1cf2bbdc5"                                                                                                                                                                                                 },
    {"RFC 4868 AUTH256-2",           INTEG_HMAC_SHA2_256_128,
     "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",                                  "7768617420646f2079612077616e7420666f72206e6f7468696e673f", "167f928588c5cc2eef8e3093caa0e87c"                                },
    {"RFC 4868 AUTH256-3",           INTEG_HMAC_SHA2_256_128,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",                                  "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddd",                                                  "cdcb1220d1ecccea91e53aba3092f962"                                },
    {"RFC 4868 AUTH256-4",           INTEG_HMAC_SHA2_256_128,
     "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",                                  "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",                                                  "372efcf9b40b35c2115b1346903d2ef4"                                },
    {"RFC 4868 AUTH384-1",           INTEG_HMAC_SHA2_384_192,
     "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
     "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",                                                                  "4869205468657265",                                         "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee973"                },
    {"RFC 4868 AUTH384-2",           INTEG_HMAC_SHA2_384_192,
     "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665"
     "4a6566654a6566654a6566654a656665",                                                                  "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "2c7353974f1842fd66d53c452ca42122b28c0b594cfb184d"                                                                                                                                                                                 },
    {"RFC 4868 AUTH384-3",           INTEG_HMAC_SHA2_384_192,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",                                                                  "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddd",                                                                                  "809f439be00274321d4a538652164b53554a508184a0c316"                },
    {"RFC 4868 AUTH384-4",           INTEG_HMAC_SHA2_384_192,
     "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
     "0a0b0c0d0e0f10111213141516171819",                                                                  "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",                                                                                  "5b540085c6e6358096532b2493609ed1cb298f774f87bb5c"                },
    {"RFC 4868 AUTH512-1",           INTEG_HMAC_SHA2_512_256,
     "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
     "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",                                  "4869205468657265",                                         "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8"},
    {"RFC 4868 AUTH512-2",           INTEG_HMAC_SHA2_512_256,
     "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665"
     "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",                                  "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "cb370917ae8a7ce28cfd1d8f4705d6141c173b2a9362c15df235dfb251b15454"                                                                                                                                                                 },
    {"RFC 4868 AUTH512-3",           INTEG_HMAC_SHA2_512_256,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",                                  "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddd",                                                  "2ee7acd783624ca9398710f3ee05ae41b9f9b0510c87e49e586cc9bf961733d8"},
    {"RFC 4868 AUTH512-4",           INTEG_HMAC_SHA2_512_256,
     "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
     "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40",                                  "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",                                                  "5e6688e5a3daec826ca32eaea224eff5e700628947470e13ad01302561bab108"},
    {"RFC 3566 4.6 #1",              INTEG_AES_XCBC_96,       "000102030405060708090a0b0c0d0e0f",         "",
     "75f0251d528ac01c4573dfd5"                                                                                                                                                                                                         },
    {"RFC 3566 4.6 #2",              INTEG_AES_XCBC_96,       "000102030405060708090a0b0c0d0e0f",         "000102",
     "5b376580ae2f19afe7219cee"                                                                                                                                                                                                         },
    {"RFC 3566 4.6 #3",              INTEG_AES_XCBC_96,       "000102030405060708090a0b0c0d0e0f",
     "000102030405060708090a0b0c0d0e0f",                                                                                                                              "d2a246fa349b68a79998a439"                                        },
    {"RFC 3566 4.6 #4",              INTEG_AES_XCBC_96,       "000102030405060708090a0b0c0d0e0f",
     "000102030405060708090a0b0c0d0e0f10111213",                                                                                                                      "47f51b4564966215b8985c63"                                        },
    {"RFC 3566 4.6 #5",              INTEG_AES_XCBC_96,       "000102030405060708090a0b0c0d0e0f",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",                                                                                              "f54f0ec8d2b9f3d36807734b"                                        },
    {"RFC 3566 4.6 #6",              INTEG_AES_XCBC_96,       "000102030405060708090a0b0c0d0e0f",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "2021",                                                                                                                                                          "becbb3bccdb518a30677d548"                                        },
    {"RFC 2202 2, case 5",           INTEG_HMAC_MD5_96,       "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
     "546573742057697468205472756e636174696f6e",                                                                                                                      "56461ef2342edc00f9bab995"                                        },
    {"RFC 2202 3, case 5",           INTEG_HMAC_SHA1_96,      "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
     "546573742057697468205472756e636174696f6e",                                                                                                                      "4c1a03424b55e07fe7f27be1"                                        },
    {"RFC 4231 4.2, cut to 96 bits", INTEG_HMAC_SHA2_256_96,  "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
     "4869205468657265",                                                                                                                                              "b0344c61d8db38535ca8afce"                                        },
    {"RFC 4615, cut to 96 bits",     INTEG_AES_CMAC_96,       "000102030405060708090a0b0c0d0e0f",
     "000102030405060708090a0b0c0d0e0f10111213",                                                                                                                      "980ae87b5f4c9c5214f5b6a8"                                        },
};
static const size_t integ_vector_count = ARRAY_LEN(integ_vectors);
