/* SPDX-License-Identifier: Apache-2.0 */
/* From a leaf to a trust anchor (RFC 5280 section 6.1, RFC 4158 for the search): depth first over all issuers
 * whose name and key identifier fit and whose key made the signature, at most CERT_PATH_MAX certificates
 * long, with a bound on the signatures tried. The first path that keeps all rules wins; otherwise the verdict
 * tells the failure that came closest. An anchor need not be self-signed. Revocation is asked last
 * (revoke.c), when nothing else speaks against a path: a stranger cannot have things fetched. */
#include "net/dn.h"
#include "pki/cert_impl.h"
#include <openssl/err.h>
#include <stdio.h>

/* A peer chooses the intermediates: this many signatures may be tried for it. */
enum { SIGNATURES_MAX = 64 };

/* How close a failure came: what to tell when several paths failed. */
enum {
    CLOSE_NO_ISSUER = 100,
    CLOSE_BAD_SIGNATURE = 200,
    CLOSE_RULE = 300,
    CLOSE_IDENTITY = 400,
    CLOSE_REVOKED = 500
};

struct search {
    const struct trust_request *req;
    struct trust_verdict *out;
    struct cert_path path;
    unsigned signatures;
    size_t closest;
};

static bool is_same_cert(const struct cert *a, const struct cert *b)
{
    return a == b || span_equal(cert_der(a), cert_der(b));
}

static bool list_has(const struct cert_list *l, const struct cert *c)
{
    for (size_t i = 0; i < l->n; i++) {
        if (is_same_cert(l->v[i], c))
            return true;
    }
    return false;
}

static void note_failure_of(struct search *s, size_t closeness, const struct diag *why, const char *unmet)
{
    closeness += s->path.n;
    if (closeness <= s->closest)
        return;
    s->closest = closeness;
    s->out->why = *why;
    s->out->path_len = s->path.n;
    s->out->unmet = unmet;
}

static void note_failure(struct search *s, size_t closeness, const struct diag *why)
{
    note_failure_of(s, closeness, why, NULL);
}

static bool check_required_ca(const struct search *s, struct diag *why)
{
    const struct cert_list *required = &s->req->required_cas;
    for (size_t i = 1; i < s->path.n; i++) {
        if (list_has(required, s->path.v[i]))
            return true;
    }
    if (!required->n)
        return true;
    diag_set(why, FAIL_CERTIFICATE,
             "certificate %.120s was not issued under a CA that this connection requires",
             s->path.v[0]->subject_text);
    diag_expected(why, "%.300s%s", required->v[0]->subject_text,
                  required->n > 1 ? " or another of the cacerts" : "");
    diag_got(why, "the trusted CA %.300s", s->path.v[s->path.n - 1]->subject_text);
    diag_try(why, "add this CA to cacerts, or have the certificate issued under a required one");
    return false;
}

static bool check_ca_id(const struct search *s, struct diag *why)
{
    char id[ID_TEXT_MAX];
    const struct identity *want = s->req->ca_id;
    for (size_t i = 1; want && i < s->path.n; i++) {
        if (cert_has_identity(s->path.v[i], want))
            return true;
    }
    if (!want)
        return true;
    diag_set(why, FAIL_CERTIFICATE,
             "certificate %.120s was not issued under a CA with the identity that this connection requires",
             s->path.v[0]->subject_text);
    diag_expected(why, "%s (%s) as the subject or a subjectAltName of a CA in the path",
                  identity_format(want, id), identity_type_name(want->type));
    if (s->path.n > 1)
        diag_got(why, "%zu CAs, the first %.300s", s->path.n - 1, s->path.v[1]->subject_text);
    else
        diag_got(why, "a certificate that is trusted by itself, without a CA");
    diag_try(why, "set ca_id to the subject of a CA in the peer's chain, or have the certificate issued "
                  "under the required one");
    return false;
}

/* What the connection asks for beyond the rules that hold for everybody. */
static bool check_demands(struct search *s, struct diag *why, const char **unmet)
{
    *unmet = "cacerts";
    if (!check_required_ca(s, why))
        return false;
    *unmet = "ca_id";
    if (!check_ca_id(s, why))
        return false;
    *unmet = "cert_policy";
    if (!path_policies_check(&s->path, s->req->policies, s->req->n_policies, why))
        return false;
    *unmet = "groups";
    return s->out->group || path_groups_check(s->req, s->out, why);
}

static bool check_identity(const struct search *s, const struct identity *want, struct diag *why)
{
    char id[ID_TEXT_MAX], names[400];
    const struct cert *leaf = s->path.v[0];
    if (!want || cert_has_identity(leaf, want))
        return true;
    diag_set(why, FAIL_AUTH, "certificate %.100s does not carry the identity of the peer",
             leaf->subject_text);
    diag_expected(why, "%s (%s) as its subject or a subjectAltName", identity_format(want, id),
                  identity_type_name(want->type));
    cert_names_text(leaf, names, sizeof(names));
    if (names[0])
        diag_got(why, "%s", names);
    else
        diag_got(why, "no subjectAltName");
    diag_try(why, "use an id that the certificate carries, or issue it with a subjectAltName for that id");
    return false;
}

/* True ends the search: the path is good, or would be, if what is to be fetched says so. */
static bool check_revocation(struct search *s)
{
    struct diag why = {0};
    const char *unmet = NULL;
    bool is_open = false;
    if (!path_revocation_check(&s->path, s->req, s->out, &is_open, &unmet, &why)) {
        note_failure_of(s, CLOSE_REVOKED, &why, unmet);
        return false;
    }
    s->out->is_trusted = !is_open;
    s->out->path_len = s->path.n;
    s->out->unmet = NULL;
    diag_clear(&s->out->why);
    return true;
}

/* A whole path lies before us: do its certificates keep the rules? */
static bool accept_path(struct search *s)
{
    struct diag why = {0};
    const char *unmet;
    if (!path_rules_check(&s->path, s->req->now, &why) || !path_constraints_check(&s->path, &why)) {
        note_failure(s, CLOSE_RULE, &why);
        return false;
    }
    if (!check_demands(s, &why, &unmet)) {
        note_failure_of(s, CLOSE_RULE, &why, unmet);
        return false;
    }
    if (!check_identity(s, s->req->peer_id, &why) || !check_identity(s, s->req->cert_id, &why)) {
        note_failure(s, CLOSE_IDENTITY, &why);
        return false;
    }
    return check_revocation(s);
}

/* [RFC4158#3.5.12] a key identifier that is there on both sides and differs rules the issuer out */
static bool may_have_issued(const struct search *s, const struct cert *issuer, const struct cert *c)
{
    if (!span_equal(issuer->subject, c->issuer) && !dn_equal(issuer->subject, c->issuer))
        return false;
    if (c->aki.len && issuer->ski.len && !span_equal(c->aki, issuer->ski))
        return false;
    for (size_t i = 0; i < s->path.n; i++) {
        const struct cert *seen = s->path.v[i];
        /* the same CA again, perhaps cross-signed, can only make a loop */
        if (is_same_cert(seen, issuer) ||
            (span_equal(seen->subject, issuer->subject) && pkey_same(seen->key, issuer->key)))
            return false;
    }
    return true;
}

static bool has_signed(struct search *s, const struct cert *issuer, const struct cert *c)
{
    struct diag why = {0};
    if (++s->signatures > SIGNATURES_MAX)
        return false;
    bool is_ok = X509_verify(c->x509, X509_get0_pubkey(issuer->x509)) == 1;
    ERR_clear_error();
    if (is_ok)
        return true;
    diag_set(&why, FAIL_CERTIFICATE, "the signature of certificate %.120s is wrong", c->subject_text);
    diag_expected(&why, "made by the key of %.300s", issuer->subject_text);
    diag_got(&why, "a signature that this key does not verify");
    diag_try(&why, "compare the CA certificate on both gateways");
    note_failure(s, CLOSE_BAD_SIGNATURE, &why);
    return false;
}

static bool extend(struct search *s);

static bool try_issuers(struct search *s, const struct cert_list *from, size_t *found)
{
    const struct cert *c = s->path.v[s->path.n - 1];
    for (size_t i = 0; i < from->n && s->signatures <= SIGNATURES_MAX; i++) {
        if (!may_have_issued(s, from->v[i], c))
            continue;
        if (!has_signed(s, from->v[i], c))
            continue;
        *found += 1;
        s->path.v[s->path.n++] = from->v[i];
        bool is_done = extend(s);
        s->path.n--;
        if (is_done)
            return true;
    }
    return false;
}

static void explain_missing_issuer(struct search *s)
{
    const struct cert *c = s->path.v[s->path.n - 1];
    struct diag why = {0};
    if (c->is_self_signed) {
        diag_set(&why, FAIL_CERTIFICATE, "certificate %.120s is self-signed and not trusted",
                 c->subject_text);
        diag_expected(&why, "one of the %zu configured CAs at the end of the chain", s->req->anchors.n);
    } else {
        diag_set(&why, FAIL_CERTIFICATE, "no trusted issuer for certificate %.120s", c->subject_text);
        diag_expected(&why, "the CA %.400s", c->issuer_text);
        diag_got(&why, "%zu configured CAs and %zu further certificates, none of them that CA's",
                 s->req->anchors.n, s->req->intermediates.n);
    }
    diag_try(&why, "put the CA certificate into x509ca, or have the peer send its intermediate certificates");
    note_failure(s, CLOSE_NO_ISSUER, &why);
}

static void explain_limit(struct search *s, const char *what, int limit)
{
    struct diag why = {0};
    diag_set(&why, FAIL_CERTIFICATE, "no path to a trusted CA found for certificate %.120s: %s",
             s->path.v[0]->subject_text, what);
    diag_expected(&why, "at most %d", limit);
    note_failure(s, CLOSE_NO_ISSUER, &why);
}

/* The path so far ends in a certificate whose signature over its predecessor holds. */
static bool extend(struct search *s)
{
    const struct cert *last = s->path.v[s->path.n - 1];
    size_t found = 0;
    bool is_anchor = list_has(&s->req->anchors, last);
    if (is_anchor && accept_path(s))
        return true;
    if (s->path.n == CERT_PATH_MAX) {
        if (!is_anchor)
            explain_limit(s, "the chain is too long", CERT_PATH_MAX);
        return false;
    }
    /* An anchor that did not do may still have a better one above it: a cross-signed CA, say. */
    if (try_issuers(s, &s->req->anchors, &found) || try_issuers(s, &s->req->intermediates, &found))
        return true;
    if (s->signatures > SIGNATURES_MAX)
        explain_limit(s, "too many candidates for its issuers", SIGNATURES_MAX);
    else if (!found && !is_anchor)
        explain_missing_issuer(s);
    return false;
}

void trust_evaluate(const struct trust_request *req, struct trust_verdict *out)
{
    struct search s = {
        .req = req,
        .out = out,
        .path = {.v = {req->leaf}, .n = 1, .is_for_anything = req->is_for_anything},
    };
    *out = (struct trust_verdict){0};
    extend(&s);
}
