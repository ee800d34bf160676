/* SPDX-License-Identifier: Apache-2.0 */
/* CERT and CERTREQ (RFC 7296 sections 3.6, 3.7; RFC 4945): which certificate is ours, what is sent with it,
 * and what the peer's path is checked against. X.509 only. An OCSP response about the peer's certificate can
 * be asked for, and one about ours is sent when it is at hand (RFC 4806); what comes of that kind is read in
 * cert_news.c. */
#include "ike/v2/ike_auth.h"
#include "pki/acert.h"
#include "pki/crl.h"

#define CHAIN_MAX_CERTS 8
#define EXTRAS_MAX      6000 /* bytes: peers take messages of 10000 (strongSwan's max_packet) */
#define PEER_MAX_CERTS  16
#define PEER_MAX_NEWS   8           /* CRLs, and OCSP responses, for each kind */
#define CERTREQ_MAX     (1000 * 20) /* bytes: hashes of CAs that the peer names; more are not looked at */
#define TRUST_CAP       (16u << 20) /* lists of what is configured, which is no peer's choice */

static struct cert *issuer_in(const struct cert_list *l, const struct cert *of)
{
    for (size_t i = 0; i < l->n; i++) {
        if (cert_is_ca(l->v[i]) && span_equal(cert_subject_der(l->v[i]), cert_issuer_der(of)))
            return l->v[i];
    }
    return NULL;
}

static struct cert *issuer_of(const struct ike_sa *sa, const struct cert *c)
{
    struct cert *ca = cert_is_self_signed(c) ? NULL : issuer_in(&sa->config->cas, c);
    return ca || cert_is_self_signed(c) ? ca : issuer_in(&sa->config->certs, c);
}

/* Does a CA that the peer named stand above it? Only CAs that we have can be seen there. */
static bool is_asked_for(const struct ike_sa *sa, const struct cert *leaf)
{
    const struct cert *ca = issuer_of(sa, leaf);
    for (int i = 0; ca && i < CHAIN_MAX_CERTS; i++, ca = issuer_of(sa, ca)) {
        if (auth_certreq_names(sa->certreq, ca))
            return true;
    }
    return false;
}

bool cert_is_below(const struct cert_below *c, uint8_t place)
{
    const size_t n = auth_certreq_count(c->sa->certreq);
    if (n == 0)
        return true;
    if (place > n || !c->cert) /* nothing stands above a raw key */
        return false;
    const struct cert *ca = issuer_of(c->sa, c->cert);
    size_t size = c->sa->certreq.len / n;
    struct span one = span_of(c->sa->certreq.ptr + (place - 1u) * size, size);
    for (int i = 0; ca && i < CHAIN_MAX_CERTS; i++, ca = issuer_of(c->sa, ca)) {
        if (auth_certreq_names(one, ca))
            return true;
    }
    return false;
}

/* The first that has its key here and the identity; rather one that the peer can verify [RFC9593#3.1], and of
 * those one that it asked for [RFC7296#3.7]. */
static struct cert *first_with_key(const struct ike_sa *sa, const struct auth_side *side,
                                   const struct cert_list *l, const struct identity *id, struct pkey **key)
{
    struct cert *first = NULL;
    int best = -1;
    for (size_t i = 0; i < l->n; i++) {
        struct pkey *k = config_key_for(sa->config, cert_public_key(l->v[i]));
        if (!k || (id && !cert_has_identity(l->v[i], id)))
            continue;
        int score = 2 * announce_suits(sa, side, l->v[i], k) + is_asked_for(sa, l->v[i]);
        if (score > best) {
            first = l->v[i];
            *key = k;
            best = score;
        }
    }
    return first;
}

struct cert *cert_choose_own(const struct ike_sa *sa, const struct auth_side *side, struct pkey **key,
                             struct diag *d)
{
    char text[ID_TEXT_MAX];
    const struct identity *id = side->id.type == ID_ANY ? NULL : &side->id;
    struct cert *c = first_with_key(sa, side, &side->certs, id, key);
    if (!c && !side->certs.n)
        c = first_with_key(sa, side, &sa->config->certs, id, key);
    if (c)
        return c;
    diag_set(d, FAIL_AUTH, "no certificate of ours with a private key%s%s", id ? " for " : "",
             id ? identity_format(id, text) : "");
    if (side->certs.n)
        diag_got(d, "%zu configured, first %s", side->certs.n, cert_subject_text(side->certs.v[0]));
    diag_where_of(d, &side->origins, "certs");
    diag_try(d, "the certificate must name the id (subject or subjectAltName) and its key must be loaded");
    return NULL;
}

/* Our certificate, and what goes with it? */
static bool is_sent(const struct ike_sa *sa, const struct exchange *x)
{
    enum send_cert when = sa->conn->send_cert;
    return x->cert && (when == SEND_CERT_ALWAYS || (when == SEND_CERT_IFASKED && sa->has_certreq));
}

void cert_put_own(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    if (!is_sent(sa, x))
        return;
    struct cert *at = x->cert;
    for (int i = 0; at && i <= CHAIN_MAX_CERTS; i++) {
        struct cert *ca = issuer_of(sa, at);
        if (!cert_url_put(b, sa, at, ca))
            build_cert(b, CERT_X509_SIGNATURE, cert_der(at));
        at = ca && !cert_is_self_signed(ca) ? ca : NULL;
    }
}

void cert_put_attributes(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    const struct config *c = sa->config;
    size_t room = EXTRAS_MAX;
    for (size_t i = 0; i < c->n_acerts && is_sent(sa, x); i++) {
        const struct acert *a = c->acerts[i];
        bool is_current = acert_not_before(a) <= env->now.wall && env->now.wall <= acert_not_after(a);
        if (!is_current || !acert_is_for(a, x->cert))
            continue;
        if (acert_der(a).len > room) {
            sa_log(env, sa, LOG_NOTICE,
                   "an attribute certificate of ours is not sent: more than %d bytes of them", EXTRAS_MAX);
            continue;
        }
        build_cert(b, CERT_ATTRIBUTE, acert_der(a));
        room -= acert_der(a).len;
    }
}

bool cert_wants_response(const struct ike_sa *sa, const struct exchange *x)
{
    return is_sent(sa, x) && sa->has_ocsp_request && sa->conn->ocsp & OCSP_TELL;
}

void cert_put_response(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    if (!x->response.len || !cert_wants_response(sa, x))
        return;
    if (x->response.len <= EXTRAS_MAX)
        build_cert(b, CERT_OCSP_CONTENT, x->response);
    else
        sa_log(env, sa, LOG_NOTICE, "the OCSP response about our certificate is not sent: it has %zu bytes",
               x->response.len);
}

static bool asks(const struct connection *c, bool for_ocsp)
{
    bool wants = false;
    for (size_t i = 0; i < connection_rounds(c, false); i++) {
        const struct auth_side *side = connection_round(c, false, i);
        wants |= side->method == AUTH_PUBKEY && !raw_key_is_only(side);
    }
    return wants && c->sends_certreq && (!for_ocsp || c->ocsp & OCSP_ASK);
}

/* The responder asks before it knows which connection the peer means. */
static bool may_ask(struct ike_env *env, const struct ike_sa *sa, bool for_ocsp)
{
    bool needs = false;
    if (sa->is_initiator)
        return asks(sa->conn, for_ocsp);
    struct connection_set set = config_peer_kinds(sa->config, env->out->arena, sa->local.ip, sa->remote.ip);
    for (size_t i = 0; i < set.n && !needs; i++)
        needs = asks(set.v[i], for_ocsp);
    return needs;
}

bool cert_requests(struct ike_env *env, const struct ike_sa *sa)
{
    return !sa->resume && may_ask(env, sa, false); /* [RFC5723#4.3.3] */
}

static struct span authorities(struct ike_env *env, const struct ike_sa *sa)
{
    const struct cert_list *cas = &sa->config->cas;
    if (sa->is_initiator && sa->conn->remote.cacerts.n && !sa->conn->more_remote.n)
        cas = &sa->conn->remote.cacerts;
    return auth_certreq_encode(env->out->arena, cas);
}

struct span cert_authorities(struct ike_env *env, const struct ike_sa *sa)
{
    return cert_requests(env, sa) ? authorities(env, sa) : span_of(NULL, 0);
}

void cert_put_request(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)x;
    if (!cert_requests(env, sa))
        return;
    build_certreq(b, CERT_X509_SIGNATURE, authorities(env, sa));
    if (may_ask(env, sa, true)) /* [RFC4806#3.2] empty: any responder that the CA's OCSP is signed by */
        build_certreq(b, CERT_OCSP_CONTENT, span_of(NULL, 0));
}

bool cert_take_request(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)env;
    (void)d;
    uint8_t names[CERTREQ_MAX];
    struct wr w = wr_over(names, sizeof(names));
    for (const struct ike_payload *p = NULL; (p = ike_next(m, PAYLOAD_CERTREQ, p));) {
        bool is_x509 = p->cert.encoding == CERT_X509_SIGNATURE;
        sa->has_certreq |= is_x509;
        sa->has_ocsp_request |=
            p->cert.encoding == CERT_OCSP_CONTENT; /* whichever responders it names [RFC4806#3.2] */
        if (is_x509 && auth_certreq_count(p->cert.data) &&
            p->cert.data.len <= sizeof(names) - wr_span_view(&w).len)
            wr_span(&w, p->cert.data);
    }
    sa->certreq = arena_dup(sa->arena, wr_span_view(&w));
    return true;
}

static void append(struct arena *a, struct cert_list *to, const struct cert_list *from)
{
    struct cert **v = arena_calloc(a, to->n + from->n, sizeof(*v));
    if (!v)
        return;
    for (size_t i = 0; i < to->n; i++)
        v[i] = to->v[i];
    for (size_t i = 0; i < from->n; i++)
        v[to->n + i] = cert_ref(from->v[i]);
    *to = (struct cert_list){.v = v, .n = to->n + from->n};
}

/* NULL: there is none in it, or it is to be fetched. */
static struct cert *cert_in(const struct ike_sa *sa, const struct ike_payload *p, struct job *j,
                            bool is_first)
{
    struct diag ignored;
    diag_clear(&ignored);
    if (p->cert.encoding == CERT_X509_SIGNATURE)
        return cert_load(p->cert.data, &ignored);
    if (!cert_url_is_one(sa, p))
        return NULL;
    struct cert *c = cert_url_known(sa, p);
    if (!c)
        cert_url_take(j, p, is_first);
    return c;
}

/* The first CERT is the end entity's [RFC7296#3.6], the others help. */
static void take_certs(const struct ike_sa *sa, const struct ike_message *m, struct job *j)
{
    struct cert *got[PEER_MAX_CERTS];
    size_t n = 0;
    for (const struct ike_payload *p = NULL; n < PEER_MAX_CERTS && (p = ike_next(m, PAYLOAD_CERT, p));) {
        bool is_first = !j->trust.leaf && !j->n_places;
        struct cert *c = cert_in(sa, p, j, is_first);
        if (!c)
            continue;
        if (is_first)
            j->trust.leaf = c;
        else
            got[n++] = c;
    }
    append(j->arena, &j->trust.intermediates, &(struct cert_list){.v = got, .n = n});
    for (size_t i = 0; i < n; i++)
        cert_unref(got[i]);
}

static struct cert *known_cert(const struct cert_list *l, const struct identity *id)
{
    for (size_t i = 0; i < l->n; i++) {
        if (cert_has_identity(l->v[i], id))
            return cert_ref(l->v[i]);
    }
    return NULL;
}

static bool is_pinned(const struct cert_list *l, const struct cert *c)
{
    for (size_t i = 0; i < l->n; i++) {
        if (span_equal(cert_der(l->v[i]), cert_der(c)))
            return true;
    }
    return false;
}

static const char *const *copy_texts(struct arena *a, const char *const *v, size_t n)
{
    const char **copy = arena_calloc(a, n, sizeof(*copy));
    for (size_t i = 0; copy && i < n; i++)
        copy[i] = arena_strdup(a, v[i]);
    return copy;
}

/* Copies: a reload may drop the snapshot while the job runs. */
static const struct identity *copy_id(struct arena *a, const struct identity *from)
{
    struct identity *id = from ? arena_alloc(a, sizeof(*id)) : NULL;
    if (id)
        *id = identity_dup(a, from);
    return id;
}

static void take_demands(struct job *j, const struct auth_side *remote)
{
    j->trust.policies = copy_texts(j->arena, remote->cert_policy, remote->n_cert_policy);
    j->trust.n_policies = remote->n_cert_policy;
    j->trust.groups = copy_texts(j->arena, remote->groups, remote->n_groups);
    j->trust.n_groups = remote->n_groups;
    j->trust.ca_id = copy_id(j->arena, remote->ca_id);
    j->trust.cert_id = copy_id(j->arena, remote->cert_id);
}

/* What the operator has given us to know what is revoked, and where more of it is. */
static void take_revocation(struct job *j, const struct config *c, const struct auth_side *remote)
{
    struct trust_request *t = &j->trust;
    struct crl **crls = arena_calloc(j->arena, c->n_crls, sizeof(*crls));
    struct trust_authority *authorities = arena_calloc(j->arena, c->n_authorities, sizeof(*authorities));
    t->revocation = remote->revocation;
    t->ignores_crls = !c->settings.uses_crls;
    t->ignores_ocsp = !c->settings.uses_ocsp;
    t->crls = crls;
    for (size_t i = 0; crls && i < c->n_crls; i++)
        crls[t->n_crls++] = crl_ref(c->crls[i]);
    t->authorities = authorities;
    for (size_t i = 0; authorities && i < c->n_authorities; i++) {
        const struct trust_authority *from = &c->authorities[i].trust;
        if (!from->ca)
            continue;
        struct trust_authority *to = &authorities[t->n_authorities++];
        *to = *from;
        to->ca = cert_ref(from->ca);
        to->crl_uris = copy_texts(j->arena, from->crl_uris, from->n_crl_uris);
        to->ocsp_uris = copy_texts(j->arena, from->ocsp_uris, from->n_ocsp_uris);
    }
}

bool cert_is_expected(const struct auth_side *remote, const struct cert *leaf, struct diag *d)
{
    if (!remote->certs.n || is_pinned(&remote->certs, leaf))
        return true;
    diag_set(d, FAIL_CERTIFICATE, "the peer's certificate is not the configured one");
    diag_expected(d, "%s", cert_subject_text(remote->certs.v[0]));
    diag_got(d, "%s", cert_subject_text(leaf));
    diag_where_of(d, &remote->origins, "certs");
    return false;
}

/* One that the peer sent, or told where it is; else one that we have. */
static bool find_leaf(const struct ike_sa *sa, const struct ike_message *m, struct trust_request *t,
                      bool comes_later, struct diag *d)
{
    char text[ID_TEXT_MAX];
    const struct auth_side *remote = auth_theirs(sa);
    if (!t->leaf && comes_later)
        return true;
    if (!t->leaf)
        t->leaf = known_cert(&remote->certs, &sa->remote_id);
    if (!t->leaf)
        t->leaf = known_cert(&sa->config->certs, &sa->remote_id);
    if (t->leaf)
        return cert_is_expected(remote, t->leaf, d);
    diag_set(d, FAIL_CERTIFICATE, "no certificate of the peer %s", identity_format(&sa->remote_id, text));
    diag_got(d, "%zu CERT payloads", ike_count(m, PAYLOAD_CERT));
    diag_try(d, "let the peer send its certificate (send_cert = always), or configure it here");
    return false;
}

bool cert_fill_trust(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct job *j,
                     struct diag *d)
{
    const struct auth_side *remote = auth_theirs(sa);
    struct trust_request *t = &j->trust;
    j->arena = arena_new(TRUST_CAP);
    take_certs(sa, m, j);
    if (!find_leaf(sa, m, t, j->n_places > 0, d))
        return false;
    append(j->arena, &t->intermediates, &sa->config->certs);
    append(j->arena, &t->anchors, &sa->config->cas);
    append(j->arena, &t->anchors, &remote->cacerts);
    append(j->arena, &t->anchors, &remote->certs); /* trusted because they are configured */
    append(j->arena, &t->required_cas, &remote->cacerts);
    append(j->arena, &t->ocsp_signers, &sa->config->ocsp_signers);
    append(j->arena, &t->aas, &sa->config->aas);
    take_demands(j, remote);
    take_revocation(j, sa->config, remote);
    cert_take_news(m, j);
    if (remote->n_groups)
        cert_take_attributes(m, sa->config, j);
    t->now = env->now.wall;
    t->peer_id = copy_id(j->arena, &sa->remote_id);
    if (!arena_failed(j->arena))
        return true;
    diag_set(d, FAIL_CERTIFICATE, "too many certificates are configured to check the peer's"); /* not less */
    return false;
}
