/* SPDX-License-Identifier: Apache-2.0 */
/* "Hash and URL" of a certificate in place of the certificate (RFC 7296 section 3.6, encodings 12 and 13):
 * saying that we look them up, telling where ours are, and which of the peer's are to be fetched. Only http
 * is spoken, and only who is asked for them by us may tell any. Fetching is src/sys's, the check of the hash
 * src/model/place.c's. Bundles are taken and not told. */
#include "base/text.h"
#include "ike/v2/ike_auth.h"
#include <strings.h>

#define URL_MAX  1024
#define HTTP     "http://"
#define NOT_HTTP "not asked: it is no address that begins with " HTTP

void cert_url_ask(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)x;
    if (sa->config->settings.uses_hash_and_url && cert_requests(env, sa))
        build_notify_empty(b, N_HTTP_CERT_LOOKUP_SUPPORTED);
}

bool cert_url_asked(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)env;
    (void)d;
    sa->peer_looks_up = ike_notify(m, N_HTTP_CERT_LOOKUP_SUPPORTED) != NULL;
    return true;
}

/* ---- ours */

static const char *base_of(const struct ike_sa *sa, const struct cert *ca)
{
    for (size_t i = 0; ca && i < sa->config->n_authorities; i++) {
        const struct authority *a = &sa->config->authorities[i];
        if (a->cert_uri_base && a->trust.ca && span_equal(cert_der(a->trust.ca), cert_der(ca)))
            return a->cert_uri_base;
    }
    return NULL;
}

bool cert_url_put(struct build *b, const struct ike_sa *sa, const struct cert *c, const struct cert *ca)
{
    uint8_t data[CERT_PLACE_HASH + URL_MAX + 2 * CERT_PLACE_HASH + 1];
    const struct span der = cert_der(c);
    const char *base = sa->peer_looks_up ? base_of(sa, ca) : NULL;
    struct text t = {.buf = (char *)data + CERT_PLACE_HASH, .cap = sizeof(data) - CERT_PLACE_HASH};
    if (!base || strlen(base) > URL_MAX)
        return false;
    hash_digest(HASH_SHA1, &der, 1, data);
    text_str(&t, base);
    text_hex(&t, span_of(data, CERT_PLACE_HASH));
    build_cert(b, CERT_HASH_AND_URL, span_of(data, CERT_PLACE_HASH + t.len));
    return true;
}

/* ---- the peer's */

static bool is_http(struct span url)
{
    const size_t len = strlen(HTTP);
    if (url.len <= len || url.len > URL_MAX || strncasecmp((const char *)url.ptr, HTTP, len) != 0)
        return false;
    for (size_t i = 0; i < url.len; i++) {
        if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f)
            return false;
    }
    return true;
}

static bool has_hash(const struct cert *c, struct span hash)
{
    uint8_t is[CERT_PLACE_HASH];
    const struct span der = cert_der(c);
    hash_digest(HASH_SHA1, &der, 1, is);
    return span_equal(span_of(is, sizeof(is)), hash);
}

static struct cert *known(const struct cert_list *l, struct span hash)
{
    for (size_t i = 0; i < l->n; i++) {
        if (has_hash(l->v[i], hash))
            return cert_ref(l->v[i]);
    }
    return NULL;
}

bool cert_url_is_one(const struct ike_sa *sa, const struct ike_payload *p)
{
    return sa->config->settings.uses_hash_and_url && p->cert.data.len > CERT_PLACE_HASH &&
           (p->cert.encoding == CERT_HASH_AND_URL || p->cert.encoding == CERT_HASH_AND_URL_BUNDLE);
}

/* [RFC7296#3.6] the hash is there so that what is known need not be fetched. */
struct cert *cert_url_known(const struct ike_sa *sa, const struct ike_payload *p)
{
    struct span hash = span_of(p->cert.data.ptr, CERT_PLACE_HASH);
    if (p->cert.encoding != CERT_HASH_AND_URL)
        return NULL;
    struct cert *c = known(&auth_theirs(sa)->certs, hash);
    return c ? c : known(&sa->config->certs, hash);
}

void cert_url_take(struct job *j, const struct ike_payload *p, bool has_leaf)
{
    struct span url = span_of(p->cert.data.ptr + CERT_PLACE_HASH, p->cert.data.len - CERT_PLACE_HASH);
    if (j->n_places == JOB_PLACES_MAX)
        return;
    struct cert_place *to = &j->places[j->n_places++];
    const bool is_ok = is_http(url);
    *to =
        (struct cert_place){.is_bundle = p->cert.encoding == CERT_HASH_AND_URL_BUNDLE, .has_leaf = has_leaf};
    memcpy(to->hash, p->cert.data.ptr, sizeof(to->hash));
    to->url = is_ok ? arena_strndup(j->arena, (const char *)url.ptr, url.len) : "an address that is not used";
    if (!to->url)
        to->url = "";
    if (!is_ok || !to->url[0])
        to->failure = NOT_HTTP;
}
