/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk crypto and the vectors of RFCs and drafts, through each engine that has the algorithm. Where a source
 * gives ciphertext but no ICV (AES-CBC, AES-CTR) the packet gets an HMAC whose value integ_compute() tells.
 */
#include "crypto/alg.h"
#include "crypto/bulk.h"
#include "crypto/prf.h"
#include "support/test.h"

static const struct vector {
    const char *source;
    uint16_t encr, key_bits;
    const char *key;    /* with the salt */
    const char *header; /* SPI and sequence number */
    const char *seq_hi; /* NULL: no ESN */
    const char *iv, *plain, *cipher;
    const char *icv; /* NULL: not given */
} vectors[];
static const size_t vector_count;

static const uint8_t mac_key[32] = "a key for HMAC-SHA2-256-128 ...";

struct packet {
    uint8_t bytes[512];
    size_t len, text_at, text_len;
};

static void put(struct packet *p, struct span s)
{
    memcpy(p->bytes + p->len, s.ptr, s.len);
    p->len += s.len;
}

static struct packet packet_of(const struct vector *v, const char *text)
{
    struct packet p = {.len = 0};
    put(&p, hex(v->header));
    put(&p, hex(v->iv));
    p.text_at = p.len;
    put(&p, hex(text));
    p.text_len = p.len - p.text_at;
    return p;
}

static void icv_expect(const struct vector *v, struct packet *p)
{
    uint8_t icv[16];
    struct span parts[] = {span_of(p->bytes, p->len), v->seq_hi ? hex(v->seq_hi) : span_of(NULL, 0)};
    if (v->icv) {
        put(p, hex(v->icv));
        return;
    }
    assert_true(integ_compute(INTEG_HMAC_SHA2_256_128, span_of(mac_key, 32), parts, 2, icv));
    put(p, span_of(icv, sizeof(icv)));
}

static struct bulk_key *key_of(const struct vector *v, bool is_seal, const char *engine)
{
    bool is_aead = alg_find(TRANSFORM_ENCR, v->encr)->is_aead;
    return bulk_key_new(v->encr, v->key_bits, is_aead ? INTEG_NONE : INTEG_HMAC_SHA2_256_128, hex(v->key),
                        span_of(mac_key, is_aead ? 0 : sizeof(mac_key)), is_seal, engine);
}

static uint32_t seq_hi_of(const struct vector *v)
{
    struct span s = hex(v->seq_hi ? v->seq_hi : "00000000");
    return (uint32_t)s.ptr[0] << 24 | (uint32_t)s.ptr[1] << 16 | (uint32_t)s.ptr[2] << 8 | s.ptr[3];
}

static size_t run(const char *engine)
{
    struct bulk_worker *w = bulk_worker_new();
    size_t served = 0;
    for (size_t i = 0; i < vector_count; i++) {
        const struct vector *v = &vectors[i];
        struct packet sealed = packet_of(v, v->cipher), plain = packet_of(v, v->plain), at = plain;
        struct bulk_key *seal = key_of(v, true, engine), *open = key_of(v, false, engine);
        if (!seal)
            continue;
        served++;
        icv_expect(v, &sealed);
        struct bulk_op op = {.key = seal, .esp = at.bytes, .len = (uint32_t)sealed.len};
        op.has_esn = v->seq_hi != NULL;
        op.seq_hi = seq_hi_of(v);
        bulk_seal(w, &op, 1);
        if (op.status != BULK_OK || memcmp(at.bytes, sealed.bytes, sealed.len) != 0)
            fail_msg("%s: %s seals to something else", engine, v->source);
        op.key = open;
        bulk_open(w, &op, 1);
        if (op.status != BULK_OK || memcmp(at.bytes, plain.bytes, plain.len) != 0)
            fail_msg("%s: %s does not open", engine, v->source);
        bulk_key_free(seal);
        bulk_key_free(open);
    }
    bulk_worker_free(w);
    return served;
}

static void libcrypto_gives_what_the_sources_say(void **state)
{
    (void)state;
    assert_int_equal(run("openssl"), vector_count);
}

static void ipsec_mb_gives_what_the_sources_say(void **state)
{
    (void)state;
    size_t served = run("ipsec-mb");
    if (served == 0)
        skip(); /* no such library or processor: bulk_test says which engines serve what */
    assert_int_equal(served, vector_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libcrypto_gives_what_the_sources_say),
        cmocka_unit_test(ipsec_mb_gives_what_the_sources_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

static const struct vector vectors[] = {
    {"RFC 3602 case 1",                  ENCR_AES_CBC,           128, "06a9214036b8a15b512e03d534120006",                         "0000123400000001", NULL,
     "3dafba429d9eb430b422da802c9fac41",                                                                                                                                              "53696e676c6520626c6f636b206d7367",
     "e353779c1079aeb82708942dbe77181a",                                                                                                                                                                                                                                                                                      NULL                              },
    {"RFC 3602 case 2",                  ENCR_AES_CBC,           128, "c286696d887c9aa0611bbb3e2025a45a",                         "0000123400000001", NULL,
     "562e17996d093d28ddb3ba695a2e6f58",                                                                                                                                              "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1",                                                                                                                                                                                                                                                      NULL                              },
    {"RFC 3602 case 3",                  ENCR_AES_CBC,           128, "6c3ea0477630ce21a2ce334aa746c2cd",                         "0000123400000001", NULL,
     "c782dc4c098c66cbd9cd27d825682c81",                                                                                                                                              "5468697320697320612034382d62797465206d65737361676520286578616374"
     "6c7920332041455320626c6f636b7329",                                                                                                                                                                          "d0a02b3836451753d493665d33f0e8862dea54cdb293abc7506939276772f8d5"
     "021c19216bad525c8579695d83ba2684",                                                                                                                                                                                                      NULL                              },
    {"RFC 3602 case 4",                  ENCR_AES_CBC,           128, "56e47a38c5598974bc46903dba290349",                         "0000123400000001", NULL,
     "8ce82eefbea0da3c44699ed7db51b7d9",                                                                                                                                              "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
     "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf",                                                                                                                                          "c30e32ffedc0774e6aff6af0869f71aa0f3af07a9a31a9c684db207eb0ef8e4e"
     "35907aa632c3ffdf868bb7b29d3d46ad83ce9f9a102ee99d49a53e87f4c3da55",                                                                                                                                      NULL                              },
    {"RFC 3602 case 5",                  ENCR_AES_CBC,           128, "90d382b410eeba7ad938c46cec1a82bf",                         "0000432100000001", NULL,
     "e96e8c08ab465763fd098d45dd3ff893",                                                                                                                                              "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f1011121314151617"
     "18191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637"
     "0102030405060708090a0b0c0d0e0e01",                                                                                                                                                                          "f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856"
     "a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874a"
     "a269add047ad2d5913ac19b7cfbad4a6",                                                                                                                                                                                                      NULL                              },
    {"RFC 3602 case 6",                  ENCR_AES_CBC,           128, "90d382b410eeba7ad938c46cec1a82bf",                         "0000432100000008", NULL,
     "69d08df7d203329db093fc4924e5bd80",                                                                                                                                              "0800b5e8a80a0500a69c083d0b660e0077777777777777777777777701020201",
     "f51995881ec4e0c4488987ce742e8109689bb379d2d750c0d915dca346a89f75",                                                                                                                                                                                                                                                      NULL                              },
    {"RFC 3602 case 7",                  ENCR_AES_CBC,           128, "0123456789abcdef0123456789abcdef",                         "0000876500000002", NULL,
     "f4e765244f6407adf13dc1380f673f37",                                                                                                                                              "45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d"
     "02a2040008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"
     "2425262728292a2b2c2d2e2f30313233343536370102030405060708090a0a04",                                                                                                                                          "773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8"
     "e4ecaec78ac53aad7a0f022b859243c647752e94a859352b8a4d4d2decd136e5"
     "c177f132ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d",                                                                                                                                      NULL                              },
    {"RFC 3602 case 8",                  ENCR_AES_CBC,           128, "0123456789abcdef0123456789abcdef",                         "0000876500000005", NULL,
     "85d47224b5f3dd5d2101d4ea8dffab22",                                                                                                                                              "45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083d"
     "a3de0300ffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "ffffffff0102030405060708090a0a04",                                                                                                                                                                          "15b92683819596a8047232cc00f7048fe45318e11f8a0f62ede3c3fc61203bb5"
     "0f980a08c9843fd3a1b06d5c07ff9639b7eb7dfb3512e5de435e7207ed971ef3"
     "d2726d9b5ef6affc6d17a0decbb13892",                                                                                                                                                                                                      NULL                              },
    {"RFC 3686 vector 1",                ENCR_AES_CTR,           128, "ae6852f8121067cc4bf7a5765577f39e00000030",                 "0000123400000001",
     NULL,                                                                                                                                                        "0000000000000000", "53696e676c6520626c6f636b206d7367",                                 "e4095d4fb7a7b3792d6175a3261311b8",                                 NULL                              },
    {"RFC 3686 vector 2",                ENCR_AES_CTR,           128, "7e24067817fae0d743d6ce1f32539163006cb6db",                 "0000123400000001",
     NULL,                                                                                                                                                        "c0543b59da48d90b", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28",                                                                                                                                                                                                                                                      NULL                              },
    {"RFC 3686 vector 3",                ENCR_AES_CTR,           128, "7691be035e5020a8ac6e618529f9a0dc00e0017b",                 "0000123400000001",
     NULL,                                                                                                                                                        "27777f3f4a1786f0",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "20212223",                                                                                                                                                                                                                                          "c1cf48a89f2ffdd9cf4652e9efdb72d74540a42bde6d7836d59a5ceaaef31053"
     "25b2072f",                                                                                                                                                                                                                                                                                              NULL                              },
    {"RFC 3686 vector 4",                ENCR_AES_CTR,           192, "16af5b145fc9f579c175f93e3bfb0eed863d06ccfdb7851500000048",
     "0000123400000001",                                                                                                                              NULL,       "36733c147d6d93cb", "53696e676c6520626c6f636b206d7367",
     "4b55384fe259c9c84e7935a003cbe928",                                                                                                                                                                                                                                                                                      NULL                              },
    {"RFC 3686 vector 5",                ENCR_AES_CTR,           192, "7c5cb2401b3dc33c19e7340819e0f69c678c3db8e6f6a91a0096b03b",
     "0000123400000001",                                                                                                                              NULL,       "020c6eadc2cb500d",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",                                                                                                                                                                                  "453243fc609b23327edfaafa7131cd9f8490701c5ad4a79cfc1fe0ff42f4fb00", NULL                              },
    {"RFC 3686 vector 6",                ENCR_AES_CTR,           192, "02bf391ee8ecb159b959617b0965279bf59b60a786d3e0fe0007bdfd",
     "0000123400000001",                                                                                                                              NULL,       "5cbd60278dcc0912",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "20212223",                                                                                                                                                                                                                                          "96893fc55e5c722f540b7dd1ddf7e758d288bc95c69165884536c811662f2188"
     "abee0935",                                                                                                                                                                                                                                                                                              NULL                              },
    {"RFC 3686 vector 7",                ENCR_AES_CTR,           256,
     "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c104"
     "00000060",                                                                                                                  "0000123400000001", NULL,       "db5672c97aa8f0b2", "53696e676c6520626c6f636b206d7367",
     "145ad01dbf824ec7560863dc71e3e0c0",                                                                                                                                                                                                                                                                                      NULL                              },
    {"RFC 3686 vector 8",                ENCR_AES_CTR,           256,
     "f6d66d6bd52d59bb0796365879eff886c66dd51a5b6a99744b50590c87a23884"
     "00faac24",                                                                                                                  "0000123400000001", NULL,       "c1585ef15a43d875",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",                                                                                                                                                                                  "f05e231b3894612c49ee000b804eb2a9b8306b508f839d6a5530831d9344af1c", NULL                              },
    {"RFC 3686 vector 9",                ENCR_AES_CTR,           256,
     "ff7a617ce69148e4f1726e2f43581de2aa62d9f805532edff1eed687fb54153d"
     "001cc5b7",                                                                                                                  "0000123400000001", NULL,       "51a51d70a1c11148",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "20212223",                                                                                                                                                                                                                                          "eb6c52821d0bbbf7ce7594462aca4faab407df866569fd07f48cc0b583d6071f"
     "1ec0e6b8",                                                                                                                                                                                                                                                                                              NULL                              },
    {"draft-mcgrew-gcm-test-01 case 1",  ENCR_AES_GCM_16,        128, "4c80cdefbb5d10da906ac73c3613a6342e443b68",
     "0000432100000000",                                                                                                                              "87654321", "4956ed7e3b244cfe",
     "45000048699a000080114db7c0a80102c0a801010a9bf15638d3010000010000"
     "00000000045f736970045f756470037369700963796265726369747902646b00"
     "0021000101020201",                                                                                                                                                                                                                                  "fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34"
     "cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce"
     "61bc17d768fd9732",                                                                                                                                                                                                                                                                              "459018148f6cbe722fd04796562dfdb4"},
    {"draft-mcgrew-gcm-test-01 case 2",  ENCR_AES_GCM_16,        128, "feffe9928665731c6d6a8f9467308308cafebabe",
     "0000a5f80000000a",                                                                                                                              NULL,       "facedbaddecaf888",
     "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d00100"
     "0001000000000000037369700963796265726369747902646b00000100010001",                                                                                                                                                                                  "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c"
     "3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd1",                                                                                                                                                                              "83b70d3aa8bc6ee4c309e9d85a41ad4a"},
    {"draft-mcgrew-gcm-test-01 case 3",  ENCR_AES_GCM_16,        256,
     "abbccddef00112233445566778899aababbccddef00112233445566778899aab"
     "11223344",                                                                                                                  "4a2cbfe300000002", NULL,       "0102030405060708",
     "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee000000000"
     "7002400020bf0000020405b40101040201020201",                                                                                                                                                                                                          "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763"
     "748a637985771d347f0545659f14e99def842d8e",                                                                                                                                                                                                                              "b335f4eecfdbf831824b4c4915956c96"},
    {"draft-mcgrew-gcm-test-01 case 4",  ENCR_AES_GCM_16,        128, "0000000000000000000000000000000000000000",
     "0000000000000001",                                                                                                                              NULL,       "0000000000000000",
     "4500003c99c500008001cb7a40679318010101010800075c0200440061626364"
     "65666768696a6b6c6d6e6f707172737475767761626364656667686901020201",                                                                                                                                                                                  "4688daf2f973a392732909c331d56d60f694abaa414b5e7ff5fdcdfff5e9a284"
     "456476492719ffb64de7d9dca1e1d894bc3bd57873ed4d181d19d4d5c8c18af3",                                                                                                                                                                              "f821d496eeb096e98ad2b69e4799c71d"},
    {"draft-mcgrew-gcm-test-01 case 5",  ENCR_AES_GCM_16,        128, "3de09874b388e6491988d0c3607eae1f57690e43",
     "42f67e3f10101010",                                                                                                                              "10101010", "4e280000a2fca1a3",
     "4500003c99c300008001cb7c40679318010101010800085c0200430061626364"
     "65666768696a6b6c6d6e6f707172737475767761626364656667686901020201",                                                                                                                                                                                  "fba2caa4853cf9f0f22cb10d86dd83b0fec75691cf1a04b00d1138ec9c357917"
     "65acbd8701ad79845bf9fe3fba487bc91755e6662b4c8d0d1f5e22739530320a",                                                                                                                                                                              "e0d731cc978ecafaeae88f00e80d6e48"},
    {"draft-mcgrew-gcm-test-01 case 6",  ENCR_AES_GCM_16,        128, "3de09874b388e6491988d0c3607eae1f57690e43",
     "42f67e3f10101010",                                                                                                                              "10101010", "4e280000a2fca1a3",
     "4500001c42a200008001441f406793b6e00000020a00f5ff01020201",                                                                                                                                                                                          "fba2ca845e5df9f0f22c3e6e86dd831e1fc65792cd1af9130e1379ed",         "369f071f35e034be95f112e4e7d05d35"},
    {"draft-mcgrew-gcm-test-01 case 7",  ENCR_AES_GCM_16,        192,
     "feffe9928665731c6d6a8f9467308308feffe9928665731ccafebabe",                                                                  "0000a5f80000000a", NULL,       "facedbaddecaf888",
     "45000028a4ad4000400678800a01038f0a010612802306b8cb712602dd6bb03e"
     "501016d075680001",                                                                                                                                                                                                                                  "a5b1f8066029aea40e598b8122de02420938b3ab33f828e687b8858b5bfbdbd0"
     "315b27452144cc77",                                                                                                                                                                                                                                                                              "95457b9652037f5318027b5b4cd7a636"},
    {"draft-mcgrew-gcm-test-01 case 8",  ENCR_AES_GCM_16,        128, "abbccddef00112233445566778899aabdecaf888",
     "0000010000000001",                                                                                                                              "00000000", "cafedebaceface74",
     "4500004933ba00007f119106c3fb1d10c2b1d326c02831ce0035dd7b800302d5"
     "00004e20001e8c18d75b81dc91baa0476b91b924b280389d92c963bac046ec95"
     "9b6266c04722b14923010101",                                                                                                                                                                                                                          "18a6fd42f72cbf4ab2a2ea901f73d814e3e7f243d95412e1c349c1d2fbec168f"
     "9190feebaf2cb01984e65863965d7472b79da345e0e780191f0d2f0e0f496c22"
     "6f2127b27db35724e7845d68",                                                                                                                                                                                                                                                              "651f57e65f354f75ff17015769623436"},
    {"draft-mcgrew-gcm-test-01 case 9",  ENCR_AES_GCM_16,        256,
     "abbccddef00112233445566778899aababbccddef00112233445566778899aab"
     "73616c74",                                                                                                                  "17405e67dd0db99b", "156f3126", "616e640169766563",
     "45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb712602"
     "50101f646d540001",                                                                                                                                                                                                                                  "f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde98ef67549d524a3018d9a57f"
     "f4d3a31ce673119e",                                                                                                                                                                                                                                                                              "451626c2415771e3b7eebca614c89b35"},
    {"draft-mcgrew-gcm-test-01 case 10", ENCR_AES_GCM_16,        128, "3de09874b388e6491988d0c3607eae1f57690e43",
     "42f67e3f10101010",                                                                                                                              "10101010", "4e280000a2fca1a3",
     "45000049333e00007f119182c3fb1d10c2b1d326c02831ce0035cb458003025b"
     "000001e0001e8c18d65759d52284a0352c71475c8880391c764d6e5ee0496b32"
     "5ae270c03899493915010101",                                                                                                                                                                                                                          "fba2cad12fc1f9f00d3cebf305410db83d7784b607323d220f24b0a97d541828"
     "00cadb0f68d99ef0e0c0c89ae9bea8884e52d65bc1afd0740f742444747b5b39"
     "ab533163aad4550ee5160975",                                                                                                                                                                                                                                                              "cdb608c5769189609763b8e18caa81e2"},
    {"draft-mcgrew-gcm-test-01 case 11", ENCR_AES_GCM_16,        256,
     "abbccddef00112233445566778899aababbccddef00112233445566778899aab"
     "73616c74",                                                                                                                  "17405e67dd0db99b", "156f3126", "616e640169766563",
     "636973636f0172756c657301746865016e6574776501646566696e6501746865"
     "746563686e6f6c6f67696573017468617477696c6c01646566696e65746f6d6f"
     "72726f7701020201",                                                                                                                                                                                                                                  "d4b7ed86a1777f2ea13d6973d324c69e7b43f826fb56831226508bebd2dceb18"
     "d0a6df10e5487df074113e14c641024e3e6773d91a62ee429b043a10e3efe6b0"
     "12a49363412364f8",                                                                                                                                                                                                                                                                              "c0cac587f249e56b11e24f30e44ccc76"},
    {"draft-mcgrew-gcm-test-01 case 12", ENCR_AES_GCM_16,        128, "7d773d00c144c525ac619d18c84a3f47d9664267",
     "335467aeffffffff",                                                                                                                              NULL,       "43457e9182443bc6", "01020201",                                                         "437f866b",
     "cb3f699fe9b0822bac961c4504bef270"                                                                                                                                                                                                                                                                                                                         },
    {"draft-mcgrew-gcm-test-01 case 13", ENCR_AES_GCM_16,        128, "abbccddef00112233445566778899aabdecaf888",
     "0000010000000001",                                                                                                                              "00000000", "cafedebaceface74", "746f016265016f72016e6f7401746f0162650001",
     "29c9fc69a197d038ccdd14e2ddfcaa0543332164",                                                                                                                                                                                                                                                                              "412503524303ed3c6c5f283843af8c3e"},
    {"draft-mcgrew-gcm-test-01 case 14", ENCR_AES_GCM_16,        256,
     "6c6567616c697a656d6172696a75616e61616e64646f69746265666f72656961"
     "7475726e",                                                                                                                  "796b6963ffffffff", "ffffffff", "333021696765746d",
     "45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364"
     "65666768696a6b6c6d6e6f707172737401020201",                                                                                                                                                                                                          "f97ab2aa356d8edce17644ac8c78e25dd24dedbb29ebf1b64a274b39b49c3a86"
     "4cd3d78ca4ae68a32b42458fb57dbe821dcc63b9",                                                                                                                                                                                                                              "d0937ba2945f669368661a329fb4c053"},
    {"RFC 7634 appendix A",              ENCR_CHACHA20_POLY1305, 0,
     "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
     "a0a1a2a3",                                                                                                                  "0102030400000005", NULL,       "1011121314151617",
     "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec10"
     "0007362708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"
     "2425262728292a2b2c2d2e2f303132333435363701020204",                                                                                                                                                                                                  "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c6"
     "14ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3"
     "cbec163fac469b502773f6fb94e664da9165b82829f641e0",                                                                                                                                                                                                              "76aaa8266b7fb0f7b11b369907e1ad43"},
    {"draft-mcgrew-gcm-test-01, GMAC",   ENCR_NULL_AES_GMAC,     128, "4c80cdefbb5d10da906ac73c3613a63422433c64",
     "0000432100000007",                                                                                                                              NULL,       "0000000000000000",
     "45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364"
     "65666768696a6b6c6d6e6f707172737401020201",                                                                                                                                                                                                          "45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364"
     "65666768696a6b6c6d6e6f707172737401020201",                                                                                                                                                                                                                              "f2a9a836e155106aa8dcd618e4099aaa"},
};
static const size_t vector_count = ARRAY_LEN(vectors);
