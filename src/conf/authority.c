/* SPDX-License-Identifier: Apache-2.0 */
/* The authorities section of swanctl.conf: a CA's certificate, which is trusted then, and where its CRLs and
 * OCSP responders are; and the CRLs and responders' certificates that lie in x509crl/ and x509ocsp/. */
#include "base/log.h"
#include "conf/build.h"
#include "conf/schema.h"
#include "conf/value.h"

enum { CRLS_MAX = 256, AUTHORITIES_MAX = 256 };

void set_authority_cert(struct builder *b, const struct schema_row *row, const struct setting *key,
                        void *dest)
{
    static const char *const folders[] = {"x509ca", "ca", "cacerts", NULL};
    (void)row;
    struct authority *a = dest;
    struct cert_list l = {0};
    build_cert_list(b, key, folders, &l);
    for (size_t i = 0; i < l.n; i++) {
        if (i == 0 && !a->trust.ca)
            a->trust.ca = cert_ref(l.v[i]);
        build_add_ca(b, l.v[i]);
    }
}

static bool is_uri(const char *s)
{
    const char *colon = strstr(s, "://");
    return colon && colon != s && strspn(s, "abcdefghijklmnopqrstuvwxyz") == (size_t)(colon - s) &&
           strlen(s) <= 1024;
}

static const char *const *read_uris(struct builder *b, const struct setting *key, size_t *n)
{
    const char **v = value_list(b->a, key->value, n);
    for (size_t i = 0; i < *n; i++) {
        if (!is_uri(v[i]))
            build_expected(build_error(b, key, "'%.100s' is no address", v[i]), key,
                           "addresses such as http://ca.example/crl");
    }
    return v;
}

void set_crl_uris(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct authority *a = dest;
    a->trust.crl_uris = read_uris(b, key, &a->trust.n_crl_uris);
}

void set_ocsp_uris(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct authority *a = dest;
    a->trust.ocsp_uris = read_uris(b, key, &a->trust.n_ocsp_uris);
}

/* [RFC7296#3.6] other schemes are not to be used. */
void set_cert_uri_base(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct authority *a = dest;
    if (strncmp(key->value, "http://", 7) != 0 || !is_uri(key->value) || strpbrk(key->value, " \t")) {
        build_expected(build_error(b, key, "'%.100s' is no address that peers can use", key->value), key,
                       "an address such as http://ca.example/certs/");
        return;
    }
    a->cert_uri_base = arena_strdup(b->a, key->value);
}

static void build_authority(struct builder *b, const struct setting *section)
{
    struct config *c = b->config;
    struct origin_list l = {0};
    if (c->n_authorities == AUTHORITIES_MAX) {
        build_error(b, section, "too many authorities: at most %d", AUTHORITIES_MAX);
        return;
    }
    if (!c->authorities)
        c->authorities = arena_calloc(b->a, AUTHORITIES_MAX, sizeof(*c->authorities));
    struct authority *a = &c->authorities[c->n_authorities++];
    a->name = arena_strdup(b->a, section->name);
    schema_apply(b, SCOPE_AUTHORITY, section, a, &l, NULL, NULL);
    a->origins = (struct origins){l.v, l.n};
    if (!a->trust.ca)
        log_line(GROUP_CFG, LOG_WARN,
                 "%s:%d: authority '%s' names no certificate (cacert, file) and is without effect",
                 section->file, section->line, section->name);
}

void build_authorities(struct builder *b, const struct setting *section)
{
    for (const struct setting *s = section ? section->first : NULL; s; s = s->next) {
        if (s->is_section)
            build_authority(b, s);
        else
            diag_expected(errors_add(b->errs, s->file, s->line, s->column,
                                     "'%s' is a key where a section is expected", s->written),
                          "name { ... }");
    }
}

/* Takes the CRL. */
void build_add_crl(struct builder *b, struct crl *crl)
{
    struct config *c = b->config;
    if (c->n_crls == CRLS_MAX) {
        log_line(GROUP_CFG, LOG_WARN, "more than %d CRLs: that of %s is left out", CRLS_MAX,
                 crl_issuer_text(crl));
        crl_unref(crl);
        return;
    }
    if (!c->crls)
        c->crls = arena_calloc(b->a, CRLS_MAX, sizeof(*c->crls));
    c->crls[c->n_crls++] = crl;
}
