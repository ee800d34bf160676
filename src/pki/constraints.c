/* SPDX-License-Identifier: Apache-2.0 */
/* Name constraints (RFC 5280 sections 4.2.1.10 and 6.1.3): dNSName, rfc822Name, directoryName, iPAddress
 * and uniformResourceIdentifier subtrees, for the subject, the email addresses in it, and every
 * subjectAltName below the CA that constrains. A name of another kind that is constrained is refused, as is a
 * subtree with minimum or maximum.
 */
#include "net/dn.h"
#include "pki/cert_impl.h"
#include <strings.h>

/* Names times subtrees that one path may cost. */
enum { WORK_MAX = 1 << 18 };

/* One name under test. */
struct subject_name {
    int kind;                    /* GEN_... */
    struct span bytes;           /* directoryName: DER of the Name */
    const GENERAL_NAME *general; /* NULL for the subject and its emails */
};

struct check {
    const struct cert *ca, *cert;
    struct diag *why;
    unsigned work;
    bool is_ok;
};

static bool same_text(struct span a, struct span b)
{
    return a.len == b.len && (!a.len || strncasecmp((const char *)a.ptr, (const char *)b.ptr, a.len) == 0);
}

static struct span tail_of(struct span s, size_t len)
{
    return span_of(s.ptr + (s.len - len), len);
}

/* "example.org" covers itself and what is below it; ".example.org" only what is below; empty all. */
static bool dns_within(struct span name, struct span base)
{
    if (!base.len)
        return true;
    if (base.ptr[0] == '.')
        return name.len > base.len && same_text(tail_of(name, base.len), base);
    if (name.len == base.len)
        return same_text(name, base);
    return name.len > base.len && name.ptr[name.len - base.len - 1] == '.' &&
           same_text(tail_of(name, base.len), base);
}

static const uint8_t *last_at_sign(struct span s)
{
    while (s.len && s.ptr[s.len - 1] != '@')
        s.len--;
    return s.len ? s.ptr + s.len - 1 : NULL;
}

/* A mailbox, a host, or with a leading dot every host of a domain. */
static bool email_within(struct span name, struct span base)
{
    const uint8_t *at = last_at_sign(name), *base_at = last_at_sign(base);
    if (!base.len)
        return true;
    if (!at)
        return false;
    struct span host = span_of(at + 1, (size_t)(name.ptr + name.len - at - 1));
    if (!base_at)
        return base.ptr[0] == '.' ? dns_within(host, base) : same_text(host, base);
    struct span base_host = span_of(base_at + 1, (size_t)(base.ptr + base.len - base_at - 1));
    return span_equal(span_of(name.ptr, (size_t)(at - name.ptr)),
                      span_of(base.ptr, (size_t)(base_at - base.ptr))) &&
           same_text(host, base_host);
}

/* The host of an address with an authority part (RFC 3986 section 3.2); empty when it has none, or a number
 * for it. */
static struct span uri_host(struct span uri)
{
    const uint8_t *at = uri.len ? memmem(uri.ptr, uri.len, "://", 3) : NULL;
    if (!at)
        return span_of(NULL, 0);
    struct span s = span_of(at + 3, (size_t)(uri.ptr + uri.len - at - 3));
    size_t end = 0;
    while (end < s.len && !memchr("/?#", s.ptr[end], 3))
        end++;
    s.len = end;
    const uint8_t *user = last_at_sign(s);
    if (user)
        s = span_of(user + 1, (size_t)(s.ptr + s.len - user - 1));
    const uint8_t *port = s.len ? memchr(s.ptr, ':', s.len) : NULL;
    bool is_number = true;
    if (port)
        s.len = (size_t)(port - s.ptr);
    for (size_t i = 0; i < s.len; i++)
        is_number &= s.ptr[i] == '.' || (s.ptr[i] >= '0' && s.ptr[i] <= '9');
    return is_number || s.ptr[0] == '[' ? span_of(NULL, 0) : s;
}

/* [RFC5280#4.2.1.10] of its host alone: that host, or with a leading dot those below it */
static bool uri_within(struct span uri, struct span base)
{
    struct span host = uri_host(uri);
    if (!host.len || !base.len)
        return false;
    return base.ptr[0] == '.' ? dns_within(host, base) : same_text(host, base);
}

/* The base is an address and a mask. */
static bool ip_within(struct span name, struct span base)
{
    if (base.len != 2 * name.len)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if ((name.ptr[i] ^ base.ptr[i]) & base.ptr[name.len + i])
            return false;
    }
    return true;
}

static struct span directory_bytes(X509_NAME *n)
{
    const unsigned char *der = NULL;
    size_t len = 0;
    return X509_NAME_get0_der(n, &der, &len) ? span_of(der, len) : span_of(NULL, 0);
}

static bool name_within(const struct subject_name *n, const GENERAL_NAME *base)
{
    switch (n->kind) {
    case GEN_DNS:
        return dns_within(n->bytes, general_name_bytes(base));
    case GEN_EMAIL:
        return email_within(n->bytes, general_name_bytes(base));
    case GEN_URI:
        return uri_within(n->bytes, general_name_bytes(base));
    case GEN_IPADD:
        return ip_within(n->bytes, general_name_bytes(base));
    case GEN_DIRNAME:
        return dn_within(n->bytes, directory_bytes(base->d.directoryName));
    default:
        return false;
    }
}

static bool is_served(int kind)
{
    return kind == GEN_DNS || kind == GEN_EMAIL || kind == GEN_IPADD || kind == GEN_DIRNAME ||
           kind == GEN_URI;
}

static void reject(struct check *k, const struct subject_name *n, const char *what)
{
    char text[ID_TEXT_MAX];
    k->is_ok = false;
    diag_set(k->why, FAIL_CERTIFICATE, "certificate %.120s %s", k->cert->subject_text, what);
    diag_expected(k->why, "only names that the CA %.300s allows (nameConstraints)", k->ca->subject_text);
    if (n->general)
        diag_got(k->why, "%s:%s", general_name_kind(n->general),
                 general_name_text(n->general, text, sizeof(text)));
    else if (n->kind == GEN_DIRNAME)
        diag_got(k->why, "directoryName:%s", k->cert->subject_text);
    else
        diag_got(k->why, "an email address in its subject");
}

/* Is the name within one of the subtrees of its kind? *has_kind: is there any of its kind? */
static bool within_any(struct check *k, const struct subject_name *n, const STACK_OF(GENERAL_SUBTREE) * trees,
                       bool *has_kind)
{
    bool is_within = false;
    *has_kind = false;
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees) && k->is_ok; i++) {
        const GENERAL_SUBTREE *t = sk_GENERAL_SUBTREE_value(trees, i);
        if (++k->work > WORK_MAX)
            reject(k, n, "and its CA have too many names and constraints");
        if (t->base->type != n->kind)
            continue;
        *has_kind = true;
        bool has_bounds = t->maximum || (t->minimum && ASN1_INTEGER_get(t->minimum) != 0);
        /* what has no host to compare must not stand under a constraint [RFC5280#4.2.1.10] */
        bool has_no_host = n->kind == GEN_URI && !uri_host(n->bytes).len;
        if (has_bounds || has_no_host || !is_served(n->kind))
            reject(k, n, "has a name under a constraint that is not supported");
        is_within = is_within || name_within(n, t->base);
    }
    return is_within;
}

static void check_name(struct check *k, const struct subject_name *n)
{
    bool has_kind;
    if (!k->is_ok)
        return;
    bool is_permitted = within_any(k, n, k->ca->constraints->permittedSubtrees, &has_kind);
    if (k->is_ok && has_kind && !is_permitted)
        reject(k, n, "has a name outside of what its CA permits");
    bool is_excluded = k->is_ok && within_any(k, n, k->ca->constraints->excludedSubtrees, &has_kind);
    if (k->is_ok && is_excluded)
        reject(k, n, "has a name that its CA excludes");
}

static void check_subject_email(void *ctx, struct span value)
{
    struct subject_name n = {.kind = GEN_EMAIL, .bytes = value};
    check_name(ctx, &n);
}

static void check_cert(struct check *k)
{
    const struct cert *c = k->cert;
    if (c->subject.len > 2) { /* not the empty SEQUENCE */
        struct subject_name subject = {.kind = GEN_DIRNAME, .bytes = c->subject};
        check_name(k, &subject);
        dn_each(c->subject, "E", check_subject_email, k);
    }
    for (int i = 0; i < sk_GENERAL_NAME_num(c->names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(c->names, i);
        struct subject_name n = {.kind = g->type, .bytes = general_name_bytes(g), .general = g};
        if (g->type == GEN_DIRNAME)
            n.bytes = directory_bytes(g->d.directoryName);
        check_name(k, &n);
    }
}

bool path_constraints_check(const struct cert_path *path, struct diag *why)
{
    struct check k = {.why = why, .is_ok = true};
    for (size_t ca = path->n; ca-- > 1;) {
        k.ca = path->v[ca];
        if (!k.ca->constraints)
            continue;
        for (size_t i = 0; i < ca; i++) {
            k.cert = path->v[i];
            /* [RFC5280#6.1.3] self-issued certificates are exempt, but for the last one of the path */
            bool is_exempt = i > 0 && dn_equal(k.cert->subject, k.cert->issuer);
            if (!is_exempt)
                check_cert(&k);
            if (!k.is_ok)
                return false;
        }
    }
    return true;
}
