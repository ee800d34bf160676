/* SPDX-License-Identifier: Apache-2.0 */
/* Writing messages: see build.h. Each payload is filled into its struct and written by the same table that
 * reads it. */
#include "ike/msg/build.h"
#include "ike/msg/format.h"

#define NEXT_PAYLOAD_AT 16 /* in the IKE header */
#define LENGTH_AT       24

void build_begin(struct build *b, void *buf, size_t cap, const struct ike_header *header)
{
    *b = (struct build){.w = wr_over(buf, cap), .next_at = SIZE_MAX};
    if (!header)
        return;
    struct ike_header h = *header;
    h.next_payload = PAYLOAD_NONE;
    ike_header_write(&b->w, &h);
    b->has_header = true;
    b->next_at = NEXT_PAYLOAD_AT;
}

bool build_end(struct build *b, struct span *out)
{
    if (b->w.len > UINT16_MAX)
        b->w.failed = true;
    if (b->has_header)
        wr_patch_u32(&b->w, LENGTH_AT, (uint32_t)b->w.len);
    *out = wr_span_view(&b->w);
    return wr_ok(&b->w);
}

static void open_payload(struct build *b, uint8_t type, bool is_critical)
{
    if (b->next_at != SIZE_MAX)
        wr_patch_u8(&b->w, b->next_at, type);
    if (b->first == PAYLOAD_NONE)
        b->first = type;
    b->next_at = b->w.len;
    wr_u8(&b->w, PAYLOAD_NONE);
    wr_u8(&b->w, is_critical ? 0x80 : 0);
    b->length_at = wr_block16_open(&b->w);
}

static void close_payload(struct build *b)
{
    wr_block16_close(&b->w, b->length_at, PAYLOAD_HEADER_LEN);
}

static void payload(struct build *b, const struct ike_payload *p)
{
    open_payload(b, p->type, false);
    payload_write(p, &b->w);
    close_payload(b);
}

void build_sa(struct build *b, const struct proposal *v, size_t n)
{
    payload(b, &(struct ike_payload){.type = PAYLOAD_SA, .sa = {{v, n}}});
}

void build_ke(struct build *b, uint16_t group, struct span public_value)
{
    payload(b, &(struct ike_payload){
                   .type = PAYLOAD_KE, .ke = {group, public_value}
    });
}

void build_id(struct build *b, uint8_t type, const struct identity *id)
{
    if (id->type == ID_ANY)
        b->w.failed = true;
    payload(b, &(struct ike_payload){.type = type, .id = {.id = *id}});
}

void build_cert(struct build *b, uint8_t encoding, struct span data)
{
    payload(b, &(struct ike_payload){
                   .type = PAYLOAD_CERT, .cert = {encoding, data}
    });
}

void build_certreq(struct build *b, uint8_t encoding, struct span authorities)
{
    payload(b, &(struct ike_payload){
                   .type = PAYLOAD_CERTREQ, .cert = {encoding, authorities}
    });
}

void build_auth(struct build *b, uint8_t method, struct span data)
{
    payload(b, &(struct ike_payload){
                   .type = PAYLOAD_AUTH, .auth = {method, data}
    });
}

void build_nonce(struct build *b, struct span nonce)
{
    payload(b, &(struct ike_payload){.type = PAYLOAD_NONCE, .nonce = {nonce}});
}

void build_notify(struct build *b, uint16_t type, uint8_t protocol, struct span spi, struct span data)
{
    payload(b, &(struct ike_payload){
                   .type = PAYLOAD_NOTIFY, .notify = {protocol, type, spi, data}
    });
}

void build_notify_empty(struct build *b, uint16_t type)
{
    build_notify(b, type, PROTO_NONE, (struct span){0}, (struct span){0});
}

void build_delete_ike(struct build *b)
{
    payload(b, &(struct ike_payload){.type = PAYLOAD_DELETE, .del = {.protocol = PROTO_IKE}});
}

void build_delete_child(struct build *b, uint8_t protocol, const uint32_t *spis, size_t n)
{
    open_payload(b, PAYLOAD_DELETE, false);
    if (n > UINT16_MAX)
        b->w.failed = true;
    wr_u8(&b->w, protocol);
    wr_u8(&b->w, 4);
    wr_u16(&b->w, (uint16_t)n);
    for (size_t i = 0; i < n; i++)
        wr_u32(&b->w, spis[i]);
    close_payload(b);
}

void build_vendor(struct build *b, struct span data)
{
    payload(b, &(struct ike_payload){.type = PAYLOAD_VENDOR, .vendor = {data}});
}

void build_ts(struct build *b, uint8_t type, const struct ts *v, size_t n)
{
    payload(b, &(struct ike_payload){
                   .type = type, .ts = {v, n}
    });
}

void build_cp(struct build *b, uint8_t cfg_type, const struct cp_attr *v, size_t n)
{
    open_payload(b, PAYLOAD_CP, false);
    wr_u8(&b->w, cfg_type);
    wr_zero(&b->w, 3);
    for (size_t i = 0; i < n; i++) {
        wr_u16(&b->w, v[i].type);
        size_t mark = wr_block16_open(&b->w);
        wr_span(&b->w, v[i].value);
        wr_block16_close(&b->w, mark, 0);
    }
    close_payload(b);
}

void build_eap(struct build *b, struct span data)
{
    payload(b, &(struct ike_payload){.type = PAYLOAD_EAP, .eap = {data}});
}

void build_raw(struct build *b, uint8_t type, bool is_critical, struct span body)
{
    open_payload(b, type, is_critical);
    wr_span(&b->w, body);
    close_payload(b);
}
