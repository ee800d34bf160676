/* SPDX-License-Identifier: Apache-2.0 */
/* The 28 bytes in front of every message: see header.h. */
#include "ike/msg/header.h"

bool ike_header_read(struct rd *r, struct ike_header *out)
{
    struct ike_header h = {.spi_i = rd_u64(r), .spi_r = rd_u64(r), .next_payload = rd_u8(r)};
    uint8_t version = rd_u8(r);
    h.major = version >> 4;
    h.minor = version & 0xf;
    h.exchange = rd_u8(r);
    h.flags = rd_u8(r);
    h.message_id = rd_u32(r);
    h.length = rd_u32(r);
    *out = h;
    return rd_ok(r);
}

void ike_header_write(struct wr *w, const struct ike_header *h)
{
    wr_u64(w, h->spi_i);
    wr_u64(w, h->spi_r);
    wr_u8(w, h->next_payload);
    wr_u8(w, 0x20);
    wr_u8(w, h->exchange);
    wr_u8(w, h->flags);
    wr_u32(w, h->message_id);
    wr_u32(w, h->length);
}

const char *exchange_name(uint8_t exchange)
{
    static const struct {
        uint8_t type;
        const char *name;
    } names[] = {
        {EXCHANGE_IKE_SA_INIT,        "IKE_SA_INIT"       },
        {EXCHANGE_IKE_AUTH,           "IKE_AUTH"          },
        {EXCHANGE_CREATE_CHILD_SA,    "CREATE_CHILD_SA"   },
        {EXCHANGE_INFORMATIONAL,      "INFORMATIONAL"     },
        {EXCHANGE_IKE_SESSION_RESUME, "IKE_SESSION_RESUME"},
        {EXCHANGE_IKE_INTERMEDIATE,   "IKE_INTERMEDIATE"  },
        {EXCHANGE_IKE_FOLLOWUP_KE,    "IKE_FOLLOWUP_KE"   },
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].type == exchange)
            return names[i].name;
    }
    return NULL;
}
