/* SPDX-License-Identifier: Apache-2.0 */
/* Reading IPSECKEY records: see ipseckey.h. What is in the key field is pkey_dns.c's. */
#include "crypto/ipseckey.h"
#include "base/rd.h"

enum { LABEL_MAX = 63, NAME_MAX_WIRE = 255 };

/* An uncompressed name [RFC4025#2.5], or empty. */
static struct span read_name(struct rd *r, struct span rest)
{
    size_t at = 0;
    for (;;) {
        uint8_t len = rd_u8(r);
        at += 1u + len;
        if (!rd_ok(r) || len > LABEL_MAX || at > NAME_MAX_WIRE)
            return span_of(NULL, 0);
        if (!len)
            return span_of(rest.ptr, at);
        rd_skip(r, len);
    }
}

bool ipseckey_read(struct span rdata, struct ipseckey *out, struct diag *d)
{
    static const uint8_t sizes[] = {0, 4, 16};
    struct rd r = rd_over(rdata);
    *out = (struct ipseckey){.precedence = rd_u8(&r), .gateway_type = rd_u8(&r), .algorithm = rd_u8(&r)};
    bool is_ok = rd_ok(&r) && out->gateway_type <= 3;
    if (is_ok && out->gateway_type == 3) {
        out->gateway = read_name(&r, span_of(rdata.ptr + 3, rdata.len - 3));
        is_ok = out->gateway.len > 0;
    } else if (is_ok) {
        out->gateway = rd_bytes(&r, sizes[out->gateway_type]);
    }
    out->key = rd_rest(&r);
    if (is_ok && rd_ok(&r))
        return true;
    diag_set(d, FAIL_AUTH, "not an IPSECKEY record");
    diag_got(d, "%zu bytes, gateway type %u", rdata.len, out->gateway_type);
    return false;
}
