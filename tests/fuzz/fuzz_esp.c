/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane on arbitrary bytes. The first byte of the input says what they are, the second which SA, the
 * third the outer TOS: 0 packets from the protected side   1 ESP as it came from the network   2 authentic
 * ESP with arbitrary plaintext   3 packets from the protected side through an SA that compresses (even) or
 * pads (odd). Inbound SA 0 is AES-GCM, 1 AES-CBC with HMAC-SHA-256, 2 AES-GCM with ESN, 3 behind a NAT and
 * copying everything, 4 compressed, 5 and 7 in transport mode over IPv4 and IPv6, 6 in BEET mode. Mode 4 is
 * whole IP packets with AH as they came from the network, for the SA with the SPI 0x1005. What follows is cut
 * into packets by two-byte lengths. Aborts when a protected packet leaves as it was, or a packet outside the
 * selectors comes in. */
#include "base/rd.h"
#include "crypto/bulk.h"
#include "crypto/random.h"
#include "support/esp_pair.h"

#include <stdlib.h>

#define SAS       8
#define PACKETS   8
#define SPI_OF(i) (0x1000u + (uint32_t)(i) + ((i) >= 5))
#define CPI       0x1234
#define AH_SPI    0x1005
#define DRESSED   99 /* child id of the SA of mode 3 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct esp *e;
static struct bulk_key *keys[SAS];
static struct bulk_worker *worker;
static struct esp_buffer buffers[PACKETS];

/* Transport mode behind a NAT, whose checksums are touched, and BEET. */
static void between_hosts(struct esp_sa *sa, enum child_mode mode, uint8_t family)
{
    struct prefix local = {.ip = ip4(10, 2, 0, 9), .bits = 32}, remote = {.ip = ip4(10, 1, 0, 5), .bits = 32};
    if (family == 6) {
        local = (struct prefix){
            .ip = {6, {0x20, 1, 0xd, 0xb8, 0, 2, [15] = 9}},
              .bits = 128
        };
        remote = (struct prefix){
            .ip = {6, {0x20, 1, 0xd, 0xb8, 0, 1, [15] = 5}},
              .bits = 128
        };
    }
    sa->mode = mode;
    sa->local_ts[0] = ts_from_prefix(&local);
    sa->remote_ts[0] = ts_from_prefix(&remote);
    sa->n_local_ts = sa->n_remote_ts = 1;
    sa->seen_remote = family == 6 ? local.ip : ip4(10, 9, 9, 9);
}

static struct esp_sa inbound_sa(size_t i)
{
    struct esp_sa sa = pair_sa(i == 1 ? esp_suite_cbc : esp_suite_gcm, SIDE_B, SA_IN, 4);
    sa.spi = SPI_OF(i);
    sa.child_id = i + 1;
    sa.has_esn = i == 2;
    sa.has_encap = i == 3;
    if (i == 3)
        sa.copy_dscp = DSCP_YES;
    sa.cpi = i == 4 ? CPI : 0;
    if (i >= 5)
        between_hosts(&sa, i == 6 ? MODE_BEET : MODE_TRANSPORT, i == 7 ? 6 : 4);
    return sa;
}

/* Policies and the outbound SA last; inbound SAs are new for each input, or windows would remember earlier
 * ones. */
static void open_once(void)
{
    struct esp_config c = {.clamps_mss = true};
    crypto_random_seed(1);
    worker = bulk_worker_new();
    e = pair_new(&c, SIDE_B);
    pair_add_sa(e, pair_sa(esp_suite_gcm, SIDE_B, SA_OUT, 4));
    for (size_t i = 0; i < SAS; i++) {
        struct esp_sa sa = inbound_sa(i);
        keys[i] = bulk_key_new(sa.encr, sa.key_bits, sa.integ, span_of(sa.encr_key, sa.encr_key_len),
                               span_of(sa.integ_key, sa.integ_key_len), true, NULL);
    }
}

static struct esp_sa ah_sa(void)
{
    static const struct esp_suite s = {.encr = ENCR_NULL, .integ = INTEG_HMAC_SHA1_96};
    struct esp_sa sa = pair_sa(&s, SIDE_B, SA_IN, 4);
    sa.encr = 0;
    sa.is_ah = true;
    sa.spi = AH_SPI;
    sa.child_id = SAS + 1;
    return sa;
}

static void renew_ah(void)
{
    struct esp_sa sa = ah_sa();
    struct diag d = {0};
    esp_apply(e, &(struct action){.kind = ACTION_SA_DEL, .sa = &sa}, 1, &d);
    pair_add_sa(e, sa);
}

static void renew_sas(void)
{
    for (size_t i = 0; i < SAS; i++) {
        struct esp_sa sa = inbound_sa(i);
        struct diag d = {0};
        esp_apply(e, &(struct action){.kind = ACTION_SA_DEL, .sa = &sa}, 1, &d);
        pair_add_sa(e, sa);
    }
}

/* The newest SA, for one input. */
static void dress(uint8_t kind, bool is_added)
{
    struct esp_sa sa = pair_sa(esp_suite_gcm, SIDE_B, SA_OUT, 4);
    struct diag d = {0};
    sa.child_id = DRESSED;
    sa.spi = SPI_OF(DRESSED);
    sa.cpi = kind % 2 ? 0 : CPI;
    sa.tfc = kind % 2 ? kind * 8u : 0;
    if (is_added)
        pair_add_sa(e, sa);
    else if (!esp_apply(e, &(struct action){.kind = ACTION_SA_DEL, .sa = &sa}, 1, &d))
        abort();
}

/* Plaintext padded to what the cipher needs, sealed under the key of SA i. */
static struct esp_packet sealed(struct esp_buffer *b, size_t i, uint32_t seq, struct span plain)
{
    uint8_t esp[2300];
    struct wr w = wr_over(esp, sizeof(esp));
    wr_u32(&w, SPI_OF(i));
    wr_u32(&w, seq);
    for (size_t k = 0; k < bulk_iv_len(keys[i]); k++)
        wr_u8(&w, (uint8_t)seq);
    wr_zero(&w, (bulk_block(keys[i]) - plain.len % bulk_block(keys[i])) % bulk_block(keys[i]));
    wr_span(&w, plain);
    wr_zero(&w, bulk_icv_len(keys[i]));
    struct bulk_op op = {.key = keys[i], .esp = esp, .len = (uint32_t)w.len, .has_esn = i == 2};
    bulk_seal(worker, &op, 1);
    return inner_raw(b, wr_span_view(&w));
}

static bool is_in(const uint8_t *address, uint8_t family, uint8_t side)
{
    return family == 4 ? address[0] == 10 && address[1] == side : address[0] == 0x20 && address[5] == side;
}

static void check_inbound(const struct esp_packet *p)
{
    struct packet ip;
    if (p->verdict != ESP_FORWARD)
        return;
    if (!packet_parse(span_of(p->data, p->len), &ip) || p->len != ip.len)
        abort();
    if (!ip.is_icmp_error && (!is_in(ip.src.b, ip.family, 1) || !is_in(ip.dst.b, ip.family, 2)))
        abort();
}

static void check_outbound(const struct esp_packet *p, const struct esp_buffer *b)
{
    if (p->verdict == ESP_BYPASS)
        abort(); /* there is no such policy */
    if (p->verdict == ESP_DROP)
        return;
    if (p->data < b->raw || p->data + p->len > b->raw + sizeof(b->raw))
        abort();
    if (p->verdict == ESP_FORWARD && p->data == b->raw + ESP_HEADROOM)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd r = rd_over(span_of(data, size));
    struct esp_packet p[PACKETS];
    struct dataplane_event ev[16];
    uint8_t mode = rd_u8(&r) % 5, kind = rd_u8(&r), sa = kind % SAS, tos = rd_u8(&r);
    bool is_outbound = mode == 0 || mode == 3;
    size_t n = 0;
    if (!e)
        open_once();
    renew_sas();
    renew_ah();
    while (rd_left(&r) > 2 && n < PACKETS) {
        size_t len = rd_u16(&r) % 2048;
        struct span bytes = rd_bytes(&r, len < rd_left(&r) ? len : rd_left(&r));
        p[n] = mode == 2 ? sealed(&buffers[n], sa, (uint32_t)n + 1, bytes) : inner_raw(&buffers[n], bytes);
        p[n].tos = tos;
        p[n].has_encap = tos & 4;
        p[n].is_ah = mode == 4;
        p[n].room = (uint32_t)(sizeof(buffers[n].raw) - ESP_HEADROOM - ESP_TAILROOM) - p[n].len;
        p[n].remote = (struct endpoint){.ip = ip4(192, 0, 2, 1), .port = tos};
        n++;
    }
    if (mode == 3)
        dress(kind, true);
    if (is_outbound)
        esp_outbound(e, p, n, 1);
    else
        esp_inbound(e, p, n, 1);
    for (size_t i = 0; i < n; i++) {
        if (is_outbound)
            check_outbound(&p[i], &buffers[i]);
        else
            check_inbound(&p[i]);
    }
    if (mode == 3)
        dress(kind, false);
    esp_events(e, ev, ARRAY_LEN(ev));
    return 0;
}
