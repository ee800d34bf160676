/* SPDX-License-Identifier: Apache-2.0 */
/* Data planes in pairs: see esp_pair.h. */
#include "support/esp_pair.h"
#include "crypto/cipher.h"

#include <stdio.h>
#include <stdlib.h>

const struct esp_suite esp_suites[] = {
    {"aes128gcm16",      ENCR_AES_GCM_16,        128, INTEG_NONE             },
    {"aes256gcm16",      ENCR_AES_GCM_16,        256, INTEG_NONE             },
    {"chacha20poly1305", ENCR_CHACHA20_POLY1305, 0,   INTEG_NONE             },
    {"aes128-sha256",    ENCR_AES_CBC,           128, INTEG_HMAC_SHA2_256_128},
    {"aes256-sha256",    ENCR_AES_CBC,           256, INTEG_HMAC_SHA2_256_128},
    {"aes256-sha512",    ENCR_AES_CBC,           256, INTEG_HMAC_SHA2_512_256},
    {"aes256-sha384",    ENCR_AES_CBC,           256, INTEG_HMAC_SHA2_384_192},
    {"aes128-sha1",      ENCR_AES_CBC,           128, INTEG_HMAC_SHA1_96     },
    {"aes128-aesxcbc",   ENCR_AES_CBC,           128, INTEG_AES_XCBC_96      },
    {"aes128-aescmac",   ENCR_AES_CBC,           128, INTEG_AES_CMAC_96      },
    {"aes192-md5",       ENCR_AES_CBC,           192, INTEG_HMAC_MD5_96      },
    {"aes128-sha256_96", ENCR_AES_CBC,           128, INTEG_HMAC_SHA2_256_96 },
    {"aes128ctr-sha256", ENCR_AES_CTR,           128, INTEG_HMAC_SHA2_256_128},
    {"aes256ctr-sha256", ENCR_AES_CTR,           256, INTEG_HMAC_SHA2_256_128},
    {"aes192gcm16",      ENCR_AES_GCM_16,        192, INTEG_NONE             },
    {"aes128gcm12",      ENCR_AES_GCM_12,        128, INTEG_NONE             },
    {"aes128gcm8",       ENCR_AES_GCM_8,         128, INTEG_NONE             },
    {"aes128ccm16",      ENCR_AES_CCM_16,        128, INTEG_NONE             },
    {"aes256ccm12",      ENCR_AES_CCM_12,        256, INTEG_NONE             },
    {"aes256ccm8",       ENCR_AES_CCM_8,         256, INTEG_NONE             },
    {"aes128gmac",       ENCR_NULL_AES_GMAC,     128, INTEG_NONE             },
    {"3des-sha1",        ENCR_3DES,              0,   INTEG_HMAC_SHA1_96     },
    {"null-sha256",      ENCR_NULL,              0,   INTEG_HMAC_SHA2_256_128},
};
const size_t esp_suites_count = ARRAY_LEN(esp_suites);
const struct esp_suite *const esp_suite_gcm = &esp_suites[0];
const struct esp_suite *const esp_suite_cbc = &esp_suites[3];

static _Noreturn void die(const char *what, const struct diag *d)
{
    char text[1024];
    fprintf(stderr, "%s: %s\n", what, d ? diag_format(d, text, sizeof(text)) : "");
    abort();
}

static struct ts net(enum esp_side side, uint8_t family)
{
    struct prefix p = {.ip = ip4(10, side == SIDE_A ? 1 : 2, 0, 0), .bits = 16};
    if (family == 6)
        p = (struct prefix){
            .ip = {6, {0x20, 1, 0xd, 0xb8, 0, side == SIDE_A ? 1 : 2}},
              .bits = 48
        };
    return ts_from_prefix(&p);
}

static struct endpoint gateway(enum esp_side side, uint8_t family)
{
    uint8_t host = side == SIDE_A ? 1 : 2;
    struct endpoint e = {.ip = ip4(192, 0, 2, host)};
    if (family == 6)
        e.ip = (struct ip){
            6, {0x20, 1, 0xd, 0xb8, 0xff, [15] = host}
        };
    return e;
}

struct esp_sa pair_sa(const struct esp_suite *s, enum esp_side side, enum sa_direction dir,
                      uint8_t outer_family)
{
    enum esp_side other = side == SIDE_A ? SIDE_B : SIDE_A;
    bool is_a_to_b = (side == SIDE_A) == (dir == SA_OUT);
    size_t encr_len = 0, integ_len = 0;
    if (!cipher_key_lens(s->encr, s->key_bits, s->integ, &encr_len, &integ_len)) {
        encr_len = s->encr == ENCR_NULL ? 0 : s->key_bits / 8u + 4;
        const struct alg *a = alg_find(TRANSFORM_INTEG, s->integ);
        integ_len = a && s->integ ? a->key_len : 0;
    }
    struct esp_sa r = {
        .direction = dir,
        .child_id = 1,
        .spi = is_a_to_b ? SPI_A_TO_B : SPI_B_TO_A,
        .reqid = PAIR_REQID,
        .mode = MODE_TUNNEL,
        .local = gateway(side, outer_family),
        .remote = gateway(other, outer_family),
        .encr = s->encr,
        .key_bits = s->key_bits,
        .integ = s->integ,
        .encr_key_len = (uint8_t)encr_len,
        .integ_key_len = (uint8_t)integ_len,
        .replay_window = 64,
        .copies_df = true,
        .copies_ecn = true,
        .copy_dscp = DSCP_OUT,
        .local_ts = {net(side,  4), net(side,  6)},
        .remote_ts = {net(other, 4), net(other, 6)},
        .n_local_ts = 2,
        .n_remote_ts = 2
    };
    for (size_t i = 0; i < encr_len; i++)
        r.encr_key[i] = (uint8_t)(i * 7 + (is_a_to_b ? 1 : 101));
    for (size_t i = 0; i < integ_len; i++)
        r.integ_key[i] = (uint8_t)(i * 11 + (is_a_to_b ? 2 : 102));
    return r;
}

struct esp_policy pair_policy(enum esp_side side, uint64_t id)
{
    enum esp_side other = side == SIDE_A ? SIDE_B : SIDE_A;
    return (struct esp_policy){
        .id = id,
        .reqid = PAIR_REQID,
        .priority = 1000,
        .action = POLICY_PROTECT,
        .local_ts = {net(side,  4), net(side,  6)},
        .remote_ts = {net(other, 4), net(other, 6)},
        .n_local_ts = 2,
        .n_remote_ts = 2
    };
}

void pair_add_sa(struct esp *e, struct esp_sa sa)
{
    struct action a = {.kind = ACTION_SA_ADD, .sa = &sa};
    struct diag d = {0};
    if (!esp_apply(e, &a, 1, &d))
        die("SA refused", &d);
}

void pair_add_policy(struct esp *e, struct esp_policy p)
{
    struct action a = {.kind = ACTION_POLICY_ADD, .policy = &p};
    struct diag d = {0};
    if (!esp_apply(e, &a, 1, &d))
        die("policy refused", &d);
}

struct esp *pair_new(const struct esp_config *c, enum esp_side side)
{
    struct esp *e = esp_new(c);
    pair_add_policy(e, pair_policy(side, 1));
    return e;
}

struct esp *pair_side(const struct esp_suite *s, enum esp_side side, uint8_t outer_family, const char *engine)
{
    struct esp_config c = {.path_mtu = 1500, .engine = engine};
    struct esp *e = pair_new(&c, side);
    pair_add_sa(e, pair_sa(s, side, SA_OUT, outer_family));
    pair_add_sa(e, pair_sa(s, side, SA_IN, outer_family));
    return e;
}

struct esp_packet inner_raw(struct esp_buffer *b, struct span bytes)
{
    if (bytes.len > sizeof(b->copy))
        die("packet too long", NULL);
    b->len = (uint32_t)bytes.len;
    memcpy(b->copy, bytes.ptr, bytes.len);
    memcpy(b->raw + ESP_HEADROOM, bytes.ptr, bytes.len);
    return (struct esp_packet){.data = b->raw + ESP_HEADROOM, .len = b->len};
}

struct esp_packet inner_udp(struct esp_buffer *b, const struct inner *in)
{
    uint8_t bytes[sizeof(b->copy)], payload[sizeof(b->copy)];
    enum esp_side to = in->from == SIDE_A ? SIDE_B : SIDE_A;
    struct endpoint src = {.ip = net(in->from, in->family).from, .port = in->sport ? in->sport : 1024};
    struct endpoint dst = {.ip = net(to, in->family).from, .port = in->dport ? in->dport : 7};
    src.ip.b[ip_len(src.ip) - 1] = 5;
    dst.ip.b[ip_len(dst.ip) - 1] = 9;
    uint32_t upper = in->len - (uint32_t)packet_ip_len(in->family);
    struct packet_ip h = {.src = src.ip,
                          .dst = dst.ip,
                          .proto = NH_UDP,
                          .tos = in->tos,
                          .ttl = 64,
                          .has_df = in->has_df,
                          .payload = (uint16_t)upper};
    struct wr w = wr_over(bytes, sizeof(bytes));
    for (uint32_t i = 0; i < upper - 8; i++)
        payload[i] = (uint8_t)i;
    packet_write_ip(&w, &h);
    packet_write_udp(&w, &src, &dst, span_of(payload, upper - 8));
    wr_bytes(&w, payload, upper - 8);
    if (!wr_ok(&w) || w.len != in->len)
        die("inner packet has a bad length", NULL);
    return inner_raw(b, wr_span_view(&w));
}

void pair_carry(struct esp_packet *p)
{
    struct endpoint from = p->local;
    p->local = p->remote;
    p->remote = from;
}
