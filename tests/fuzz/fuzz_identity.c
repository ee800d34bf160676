/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the input as the text of an identity, and as the wire bytes of one of each type. What parses
 * must format, and a distinguished name must come back from its text unchanged. */
#include "net/dn.h"
#include "net/identity.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_text(struct arena *a, const char *text)
{
    struct identity id, again;
    const char *err = NULL;
    char buf[ID_TEXT_MAX];
    if (!identity_parse(a, text, &id, &err)) {
        if (!err)
            abort(); /* refused without a reason */
        return;
    }
    if (!identity_equal(&id, &id) || identity_match(&id, &id) == 0)
        abort();
    if (strlen(identity_format(&id, buf)) > ID_TEXT_MAX - 16 || id.type != ID_DER_ASN1_DN)
        return; /* cut */
    if (dn_parse(a, buf, &again.data, &err) && !dn_equal(id.data, again.data))
        abort();
}

static void check_wire(struct span bytes)
{
    static const enum id_type types[] = {ID_ANY,       ID_IPV4_ADDR,   ID_FQDN,        ID_RFC822_ADDR,
                                         ID_IPV6_ADDR, ID_DER_ASN1_DN, ID_DER_ASN1_GN, ID_KEY_ID};
    char buf[ID_TEXT_MAX];
    unsigned wildcards;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct identity id = {.type = types[i], .data = bytes};
        identity_format(&id, buf);
        for (const char *c = buf; *c; c++) {
            if ((unsigned char)*c < 0x20 || *c == 0x7f)
                abort(); /* control characters must not reach a log */
        }
        if (!identity_equal(&id, &id))
            abort();
    }
    if (dn_valid(bytes) != dn_equal(bytes, bytes) || (dn_valid(bytes) && !dn_match(bytes, bytes, &wildcards)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena *a = arena_new(1 << 20);
    char *text = arena_strndup(a, (const char *)data, len);
    if (text)
        check_text(a, text);
    check_wire(span_of(data, len));
    arena_free(a);
    return 0;
}
