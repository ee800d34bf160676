/* SPDX-License-Identifier: Apache-2.0 */
/* What options of the pki tool say: names, OIDs, serial numbers, dates. */
#include "bin/pki/pki.h"
#include "crypto/random.h"
#include "net/dn.h"
#include "net/identity.h"
#include <openssl/objects.h>
#include <stdlib.h>
#include <time.h>

enum { SERIAL_MAX = 20 }; /* bytes [RFC5280#4.1.2.2] */

bool pki_dn(const struct pki_run *r, const char *text, struct span *der, struct diag *d)
{
    const char *err = "";
    static const uint8_t empty[] = {0x30, 0x00};
    if (!text[strspn(text, " ")]) {
        *der = span_of(empty, sizeof(empty));
        return true;
    }
    if (dn_parse(r->arena, text, der, &err))
        return true;
    diag_set(d, FAIL_USAGE, "%s is not a distinguished name: %s", text, err);
    return false;
}

static bool is_plain_ascii(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] <= 0x20 || s.ptr[i] >= 0x7f)
            return false;
    }
    return s.len > 0;
}

static bool refuse_name(const char *option, const char *text, struct diag *d)
{
    diag_set(d, FAIL_USAGE, "invalid --%s %s", option, text);
    diag_expected(d,
                  "a host name, an e-mail address, an IP address, uri:... or a distinguished name, in ASCII");
    return false;
}

bool pki_san(const struct pki_run *r, const char *text, struct issue_name *out, struct diag *d)
{
    struct identity id;
    const char *err = "";
    if (!strncasecmp(text, "uri:", 4)) {
        *out = (struct issue_name){.kind = ISSUE_URI, .value = span_str(text + 4)};
        return is_plain_ascii(out->value) || refuse_name("san", text, d);
    }
    if (!identity_parse(r->arena, text, &id, &err))
        return refuse_name("san", text, d);
    out->value = id.data;
    switch (id.type) {
    case ID_IPV4_ADDR:
    case ID_IPV6_ADDR:
        out->kind = ISSUE_IP;
        return true;
    case ID_DER_ASN1_DN:
        out->kind = ISSUE_DIRECTORY;
        return true;
    case ID_FQDN:
    case ID_RFC822_ADDR:
        out->kind = id.type == ID_FQDN ? ISSUE_DNS : ISSUE_EMAIL;
        return is_plain_ascii(id.data) || refuse_name("san", text, d);
    default:
        return refuse_name("san", text, d);
    }
}

/* Address and mask [RFC5280#4.2.1.10]. */
static struct span network(const struct pki_run *r, const struct prefix *p)
{
    size_t len = ip_len(p->ip);
    uint8_t *bytes = arena_alloc(r->arena, 2 * len);
    memcpy(bytes, p->ip.b, len);
    for (size_t bit = 0; bit < p->bits; bit++)
        bytes[len + bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    return span_of(bytes, 2 * len);
}

bool pki_constraint(const struct pki_run *r, const char *text, struct issue_name *out, struct diag *d)
{
    struct prefix p;
    bool is_dns = !strncasecmp(text, "dns:", 4), is_email = !strncasecmp(text, "email:", 6);
    if (prefix_parse(text, &p)) {
        *out = (struct issue_name){.kind = ISSUE_IP, .value = network(r, &p)};
        return true;
    }
    if (is_dns || is_email) { /* "email:example.com": all of that host, which is no address */
        out->kind = is_dns ? ISSUE_DNS : ISSUE_EMAIL;
        out->value = span_str(text + (is_dns ? 4 : 6));
        return is_plain_ascii(out->value) || refuse_name("nc", text, d);
    }
    return pki_san(r, text, out, d);
}

bool pki_names(const struct pki_run *r, const char *option, pki_name_fn *parse, struct issue_names *out,
               struct diag *d)
{
    size_t n;
    const char *const *texts = pki_texts(r, option, &n);
    struct issue_name *v = arena_calloc(r->arena, n + 1, sizeof(*v));
    for (size_t i = 0; i < n; i++) {
        if (!parse(r, texts[i], &v[i], d))
            return false;
    }
    *out = (struct issue_names){.v = v, .n = n};
    return true;
}

const char *const *pki_texts(const struct pki_run *r, const char *option, size_t *n)
{
    const char **v = arena_calloc(r->arena, r->n_args + 1, sizeof(*v));
    *n = 0;
    for (size_t i = 0; i < r->n_args; i++) {
        if (pki_is(&r->args[i], option))
            v[(*n)++] = r->args[i].value;
    }
    return v;
}

bool pki_oid(const char *text, const char *option, struct diag *d)
{
    char back[256] = "";
    ASN1_OBJECT *o = OBJ_txt2obj(text, 1);
    bool is_ok = o && OBJ_obj2txt(back, sizeof(back), o, 1) > 0 && !strcmp(back, text);
    ASN1_OBJECT_free(o);
    if (is_ok)
        return true;
    diag_set(d, FAIL_USAGE, "invalid --%s %s", option, text);
    diag_expected(d, "an OID: 1.2.3.4");
    return false;
}

bool pki_uri(const char *text, const char *option, struct diag *d)
{
    if (is_plain_ascii(span_str(text)))
        return true;
    diag_set(d, FAIL_USAGE, "invalid --%s %s", option, text);
    diag_expected(d, "a URI in ASCII");
    return false;
}

bool pki_serial(const struct pki_run *r, const char *text, struct span *out, struct diag *d)
{
    char digits[2 * SERIAL_MAX + 2] = "0";
    size_t n = 1, len;
    uint8_t *bytes = arena_alloc(r->arena, SERIAL_MAX);
    const char *p = !strncasecmp(text, "0x", 2) ? text + 2 : text;
    for (; *p && n < sizeof(digits) - 1; p++) {
        if (*p != ':')
            digits[n++] = *p;
    }
    bool is_odd = n % 2 == 0; /* the 0 in front makes it even */
    struct span hex = span_of(digits + !is_odd, n - !is_odd);
    if (!*p && n > 1 && hex_decode(hex, bytes, SERIAL_MAX, &len)) {
        *out = span_of(bytes, len);
        return true;
    }
    diag_set(d, FAIL_USAGE, "invalid --serial %s", text);
    diag_expected(d, "1 to %d hexadecimal digits", 2 * SERIAL_MAX);
    return false;
}

bool pki_new_serial(const struct pki_run *r, struct span *out, struct diag *d)
{
    const char *text = pki_get(r, "serial");
    if (text)
        return pki_serial(r, text, out, d);
    uint8_t *bytes = arena_alloc(r->arena, 8);
    do {
        crypto_random(bytes, 8);
        bytes[0] &= 0x7f; /* not negative, and no longer for it */
    } while (!bytes[0]);
    *out = span_of(bytes, 8);
    return true;
}

/* What the form does not mention is as now. Local time, as of the machine. */
static bool parse_date(const struct pki_run *r, const char *option, int64_t *out, struct diag *d)
{
    struct tm tm;
    time_t now = (time_t)r->now;
    localtime_r(&now, &tm);
    const char *end = strptime(pki_get(r, option), pki_get(r, "dateform"), &tm);
    tm.tm_isdst = -1;
    if (end && !*end) {
        *out = (int64_t)mktime(&tm);
        return true;
    }
    diag_set(d, FAIL_USAGE, "invalid --%s %s", option, pki_get(r, option));
    diag_expected(d, "a date in the form %s", pki_get(r, "dateform"));
    return false;
}

bool pki_validity(const struct pki_run *r, const char *begin, const char *end, int64_t unit, int64_t *from,
                  int64_t *to, struct diag *d)
{
    int64_t lifetime = pki_number(r, "lifetime", 0) * unit;
    *from = r->now;
    if (pki_has(r, begin) && !parse_date(r, begin, from, d))
        return false;
    *to = *from + lifetime;
    if (pki_has(r, end) && !parse_date(r, end, to, d))
        return false;
    if (pki_has(r, end) && !pki_has(r, begin))
        *from = *to - lifetime;
    if (*to >= *from)
        return true;
    diag_set(d, FAIL_USAGE, "--%s is before --%s", end, begin);
    return false;
}

struct issue_signer pki_signer(const struct pki_run *r, struct pkey *key)
{
    return (struct issue_signer){
        .key = key, .digest = pki_get(r, "digest"), .is_pss = !strcasecmp(pki_get(r, "rsa-padding"), "pss")};
}
