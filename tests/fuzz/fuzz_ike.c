/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: an IKE datagram is decoded, dumped, judged by the rules and opened with a fixed key; what
 * stands behind its header is also decoded as if it had come out of an envelope, and is sealed, taken to
 * pieces and put together again, which must give back what went in. */
#include "crypto/alg.h"
#include "ike/msg/dump.h"
#include "ike/msg/protect.h"
#include "ike/msg/rules.h"
#include <stdlib.h>

#define MAX_BYTES 10000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sealer new_sealer(void)
{
    uint8_t key[36];
    struct sealer s;
    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    sealer_init(&s,
                cipher_new(ENCR_AES_GCM_16, 256, INTEG_NONE, span_of(key, sizeof(key)), span_of(NULL, 0)));
    return s;
}

static void judge(const struct ike_message *m)
{
    struct diag d = {0};
    char line[IKE_DUMP_MAX], reason[1024];
    ike_dump(m, line, sizeof(line));
    if (rules_check(m, &d) != DECODE_OK)
        diag_format(&d, reason, sizeof(reason));
    for (const struct ike_payload *p = NULL; (p = ike_next(m, PAYLOAD_CP, p));) {
        struct span at = p->cp.attrs;
        for (struct cp_attr attr; cp_next(&at, &attr);)
            ;
    }
    for (const struct ike_payload *p = NULL; (p = ike_next(m, PAYLOAD_DELETE, p));) {
        for (size_t i = 0; p->del.spi_len == 4 && i < p->del.count; i++)
            delete_spi(&p->del, i);
    }
}

static void as_datagram(struct arena *a, struct sealer *s, struct span bytes)
{
    struct ike_message m;
    struct diag d = {0};
    struct reassembly r = {0};
    if (ike_decode(a, bytes, &m, &d) != DECODE_OK)
        return;
    judge(&m);
    if (m.sk && m.sk->type == PAYLOAD_SK && protect_open(a, s->cipher, &m, &d) == DECODE_OK)
        judge(&m);
    if (m.sk && m.sk->type == PAYLOAD_SKF)
        reassembly_add(&r, a, s->cipher, &m, MAX_BYTES, &d);
    reassembly_reset(&r);
}

/* Decodes the chain as the inside of an empty message: *m holds what came of it. */
static enum decode_status inner(struct arena *a, uint8_t first, struct span chain, struct ike_message *m)
{
    *m = (struct ike_message){.v = arena_calloc(a, IKE_MAX_PAYLOADS, sizeof(*m->v))};
    return m->v ? ike_decode_inner(a, first, chain, m, NULL) : DECODE_MALFORMED;
}

static void seal_and_open(struct arena *a, struct sealer *s, uint8_t first, struct span chain,
                          size_t expected)
{
    const struct ike_header h = {.spi_i = 1, .spi_r = 2, .exchange = EXCHANGE_IKE_AUTH, .message_id = 1};
    struct datagrams out;
    struct reassembly r = {0};
    struct ike_message m = {0};
    if (chain.len == 0 || chain.len > MAX_BYTES || !protect_seal(a, s, &h, first, chain, 300, &out))
        return;
    for (size_t i = 0; i < out.n; i++) {
        if (ike_decode(a, out.v[i], &m, NULL) != DECODE_OK)
            abort();
        bool is_open = m.sk->type == PAYLOAD_SK
                           ? protect_open(a, s->cipher, &m, NULL) == DECODE_OK
                           : reassembly_add(&r, a, s->cipher, &m, MAX_BYTES, NULL) == REASSEMBLY_DONE;
        if (is_open != (i + 1 == out.n))
            abort();
    }
    if (m.n != expected + 1)
        abort();
    judge(&m);
}

static void as_inside(struct arena *a, struct sealer *s, const uint8_t *data, size_t size)
{
    struct ike_message m;
    if (size < IKE_HEADER_LEN)
        return;
    struct span chain = span_of(data + IKE_HEADER_LEN, size - IKE_HEADER_LEN);
    if (inner(a, data[16], chain, &m) == DECODE_OK)
        seal_and_open(a, s, data[16], chain, m.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(8 << 20);
    struct sealer s = new_sealer();
    as_datagram(a, &s, span_of(data, size));
    as_inside(a, &s, data, size);
    sealer_deinit(&s);
    arena_free(a);
    return 0;
}
