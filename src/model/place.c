/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that a peer did not send but told the address and the hash of (RFC 7296 section 3.6): what
 * comes of it when somebody has fetched them for a verification. Nothing that has another hash is read. See
 * action.h. Not here: fetching (src/sys), and which addresses are asked at all (src/ike/v2/cert_url.c). */
#include "base/text.h"
#include "model/action.h"
#include "pki/bundle.h"
#include "pki/crl.h"

static void add_intermediate(struct job *j, struct cert *c)
{
    struct cert_list *l = &j->trust.intermediates;
    struct cert **v = arena_calloc(j->arena, l->n + 1, sizeof(*v));
    if (!v)
        return;
    if (l->n)
        memcpy(v, l->v, l->n * sizeof(struct cert *));
    v[l->n] = cert_ref(c);
    *l = (struct cert_list){v, l->n + 1};
}

static void add_crl(struct job *j, struct crl *c)
{
    struct trust_request *t = &j->trust;
    struct crl **v = arena_calloc(j->arena, t->n_crls + 1, sizeof(struct crl *));
    if (!v)
        return;
    if (t->n_crls)
        memcpy(v, t->crls, t->n_crls * sizeof(struct crl *));
    v[t->n_crls++] = crl_ref(c);
    t->crls = v;
}

static void add(struct job *j, bool has_leaf, const struct bundle *b)
{
    for (size_t i = 0; i < b->n_certs; i++) {
        if (has_leaf && i == 0 && !j->trust.leaf)
            j->trust.leaf = cert_ref(b->certs[i]);
        else
            add_intermediate(j, b->certs[i]);
    }
    for (size_t i = 0; i < b->n_crls; i++)
        add_crl(j, b->crls[i]);
}

static void fail(struct job *j, struct cert_place *p, const char *why)
{
    const char *copy = arena_strdup(j->arena, why);
    p->failure = copy ? copy : "no memory for it";
}

void job_place_failed(struct job *j, size_t i, const char *why)
{
    fail(j, &j->places[i], why);
}

void job_place_fill(struct job *j, size_t i, struct span bytes)
{
    struct cert_place *p = &j->places[i];
    struct bundle b = {0};
    struct diag d = {0};
    uint8_t hash[CERT_PLACE_HASH];
    char why[160];
    struct text t = TEXT_ON(why);
    hash_digest(HASH_SHA1, &bytes, 1, hash);
    if (memcmp(hash, p->hash, sizeof(hash)) != 0) {
        text_printf(&t, "%zu bytes with the SHA-1 hash ", bytes.len);
        text_hex(&t, span_of(hash, sizeof(hash)));
        fail(j, p, why);
        return;
    }
    if (!p->is_bundle && (b.certs[0] = cert_load(bytes, &d)))
        b.n_certs = 1;
    if (p->is_bundle ? !bundle_load(bytes, &b, &d) : !b.n_certs) {
        text_printf(&t, "%.150s", d.what);
        fail(j, p, why);
        return;
    }
    add(j, p->has_leaf, &b);
    bundle_free(&b);
}

/* The end entity's certificate is where the first of them leads [RFC7296#3.6]. */
void job_place_explain(const struct job *j, struct diag *d)
{
    char hash[2 * CERT_PLACE_HASH + 1];
    struct text t = TEXT_ON(hash);
    const struct cert_place *p = j->n_places ? &j->places[0] : NULL;
    if (!p) {
        diag_set(d, FAIL_CERTIFICATE, "no certificate of the peer");
        return;
    }
    text_hex(&t, span_of(p->hash, sizeof(p->hash)));
    diag_set(d, FAIL_CERTIFICATE, "the peer's certificate was not had from %.400s", p->url);
    diag_expected(d, "%s with the SHA-1 hash %s", p->is_bundle ? "a bundle" : "the certificate", hash);
    diag_got(d, "%s", p->failure ? p->failure : "none for the peer itself");
    diag_try(d,
             "is that what the peer's web server has, and can it be reached from here? Or let the peer send "
             "the certificate itself (hash_and_url = no)");
}
