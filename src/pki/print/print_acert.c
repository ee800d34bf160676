/* SPDX-License-Identifier: Apache-2.0 */
/* Attribute certificates in the layout of `pki --print`: see src/pki/acert.h. */
#include "pki/acert.h"
#include "pki/print/print_impl.h"

static void print_serial(struct text *t, const char *label, struct span serial)
{
    if (serial.len > 1 && serial.ptr[0] == 0)
        serial = span_of(serial.ptr + 1, serial.len - 1);
    text_str(t, label);
    print_colons(t, serial);
    text_str(t, "\n");
}

static void print_named(struct text *t, const char *label, struct span dn)
{
    text_printf(t, "%s\"", label);
    print_dn(t, dn);
    text_str(t, "\"\n");
}

static void print_groups(struct text *t, const struct acert *a)
{
    for (size_t i = 0; i < acert_group_count(a); i++) {
        struct acert_group g = acert_group_at(a, i);
        text_str(t, i ? "             " : "  groups:    ");
        if (g.kind == ACERT_GROUP_OID)
            print_oid_bytes(t, g.value);
        else
            print_raw(t, g.value);
        text_str(t, "\n");
    }
}

bool print_attribute_cert(struct text *out, struct span data, const struct print_env *env, struct diag *d)
{
    struct acert *a = acert_load(data, d);
    if (!a)
        return false;
    if (acert_holder_name(a).len)
        print_named(out, "  subject:  ", acert_holder_name(a));
    print_named(out, "  issuer:   ", acert_issuer_der(a));
    print_validity(out, &print_validity_cert, acert_not_before(a), acert_not_after(a), env);
    print_serial(out, "  serial:    ", acert_serial(a));
    if (acert_holder_issuer(a).len)
        print_named(out, "  hissuer:  ", acert_holder_issuer(a));
    if (acert_holder_serial(a).len)
        print_serial(out, "  hserial:   ", acert_holder_serial(a));
    print_groups(out, a);
    if (acert_authority_key_id(a).len) {
        text_str(out, "  authkey:  ");
        print_colons(out, acert_authority_key_id(a));
        text_str(out, "\n");
    }
    acert_unref(a);
    return print_finish(out, d);
}
