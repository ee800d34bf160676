/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are, and the proof of it, for both sides (RFC 7296 sections 2.15, 2.16; RFC 7427; RFC 8420): AUTH by
 * shared secret at once, by signature as a job, made and checked. What AUTH covers byte by byte is
 * src/ike/auth's; which messages carry it is auth.c's, auth_responder.c's and rounds.c's. */
#include "ike/v2/ike_auth.h"
#include "ike/v2/resume.h"
#include "pki/acert.h"
#include "pki/ocsp.h"

struct identity auth_side_id(const struct ike_sa *sa, const struct auth_side *side, struct arena *a)
{
    struct pkey *key;
    struct diag ignored;
    if (side->id.type != ID_ANY)
        return side->id;
    diag_clear(&ignored);
    bool has_cert = side->method == AUTH_PUBKEY && !raw_key_is_ours(sa, side);
    struct cert *c = has_cert ? cert_choose_own(sa, side, &key, &ignored) : NULL;
    if (c)
        return (struct identity){.type = ID_DER_ASN1_DN, .data = cert_subject_der(c)};
    return identity_from_ip(a, sa->local.ip);
}

struct identity auth_local_id(const struct ike_sa *sa, const struct connection *conn, struct arena *a)
{
    return auth_side_id(sa, &conn->local, a);
}

void auth_use_own_id(struct ike_sa *sa)
{
    struct identity id = auth_side_id(sa, auth_ours(sa), sa->arena);
    sa->local_id = identity_dup(sa->arena, &id);
}

struct auth_input auth_input_of(const struct ike_sa *sa, bool is_initiator, struct span id_body)
{
    return (struct auth_input){
        .prf = sa->keys.prf,
        .message = secret_view(is_initiator ? &sa->init_request : &sa->init_response),
        .nonce = nonce_view(is_initiator ? &sa->nr : &sa->ni),
        .sk_p = secret_view(is_initiator ? &sa->keys.sk_pi : &sa->keys.sk_pr),
        .id_body = id_body,
        .int_auth = int_auth_view(&sa->int_auth, sa->keys.prf),
    };
}

static const struct shared_secret *find_secret(const struct ike_sa *sa, struct diag *d)
{
    char mine[ID_TEXT_MAX], theirs[ID_TEXT_MAX];
    const struct shared_secret *s = config_secret_for(sa->config, &sa->local_id, &sa->remote_id);
    if (s)
        return s;
    diag_set(d, FAIL_AUTH, "no shared secret for %s and %s", identity_format(&sa->local_id, mine),
             identity_format(&sa->remote_id, theirs));
    diag_where_of(d, &sa->conn->origins, "psk");
    diag_try(d, "add a secret whose ids are these two");
    return NULL;
}

static bool make_psk(struct ike_sa *sa, struct exchange *x, struct diag *d)
{
    const struct shared_secret *s = find_secret(sa, d);
    size_t len = 0;
    if (!s)
        return false;
    struct auth_input in = auth_input_of(sa, sa->is_initiator, auth_id_body(x->tx, &sa->local_id));
    secret_free(&x->auth_data);
    x->auth_data = secret_new(PRF_MAX_LEN);
    x->auth.method = AUTH_WIRE_PSK;
    if (!auth_psk(&in, secret_view(&s->secret), x->auth_data.ptr, &len)) {
        diag_set(d, FAIL_GENERIC, "AUTH cannot be made");
        return false;
    }
    x->auth_data.len = len;
    return true;
}

bool auth_make(struct ike_env *env, struct ike_sa *sa, struct exchange *x, exchange_resume *resume,
               struct diag *d)
{
    struct pkey *key;
    const struct auth_side *side = auth_ours(sa);
    if (sa->resume)
        return resume_make_auth(env, sa, x, resume, d);
    if (!announce_allows(sa, side, d))
        return false;
    if (side->method != AUTH_PUBKEY) {
        if (!(side->method == AUTH_NULL ? null_auth_make(sa, x, d) : make_psk(sa, x, d)))
            return false;
        resume(env, sa, x, NULL);
        return true;
    }
    if (raw_key_is_ours(sa, side))
        x->raw_key = key = raw_key_choose_own(sa, side, d);
    else
        x->cert = cert_choose_own(sa, side, &key, d);
    if (!x->cert && !x->raw_key)
        return false;
    if (!announce_choose_scheme(sa, side, x->cert, key, &x->auth, d)) {
        d->class = FAIL_AUTH;
        diag_where_of(d, &side->origins, "auth");
        return false;
    }
    struct auth_input in = auth_input_of(sa, sa->is_initiator, auth_id_body(x->tx, &sa->local_id));
    struct secret octets = auth_octets(&in);
    sa_log(env, sa, LOG_DETAIL, "authenticating with %s", sig_scheme_name(x->auth.scheme));
    job_sign(env, sa, x, key, &octets, resume);
    return true;
}

bool auth_is_made(struct exchange *x, struct job *job)
{
    x->response = span_of(NULL, 0);
    if (!job)
        return true;
    if (job->response)
        x->response = arena_dup(x->tx, ocsp_der(job->response));
    secret_free(&x->auth_data);
    x->auth_data = secret_take(&job->signature);
    return job->ok;
}

bool auth_psk_check(const struct ike_sa *sa, const struct pl_id *id, const struct pl_auth *auth,
                    struct diag *d)
{
    char who[ID_TEXT_MAX];
    const struct shared_secret *s = find_secret(sa, d);
    if (!s)
        return false;
    struct auth_input in = auth_input_of(sa, !sa->is_initiator, id->body);
    if (auth_psk_verify(&in, secret_view(&s->secret), auth->data))
        return true;
    diag_set(d, FAIL_AUTH, "the peer %s does not have our shared secret",
             identity_format(&sa->remote_id, who));
    diag_expected(d, "an AUTH made with our secret for these identities");
    diag_got(d, "an AUTH that does not verify");
    if (s->origin.file)
        diag_where(d, s->origin.file, s->origin.line, s->origin.column);
    diag_try(d, "the same secret on both sides");
    return false;
}

bool auth_check_at_once(struct ike_env *env, struct ike_sa *sa, const struct pl_id *id,
                        const struct pl_auth *auth, struct diag *d)
{
    char who[ID_TEXT_MAX];
    if (auth_theirs(sa)->method == AUTH_NULL)
        return null_auth_check(env, sa, id, auth, d);
    if (!auth_psk_check(sa, id, auth, d))
        return false;
    sa_log(env, sa, LOG_NOTICE, "authentication of %s by the preshared key successful",
           identity_format(&sa->remote_id, who));
    return true;
}

bool auth_verify(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct pl_id *id,
                 exchange_resume *resume, struct diag *d)
{
    const struct pl_auth auth = ppk_peer_auth(sa, x);
    struct job *j = job_prepare(sa, x, JOB_VERIFY, resume);
    if (!(dns_key_is_theirs(sa, &x->msg)   ? dns_key_fill(sa, j, d)
          : raw_key_is_theirs(sa, &x->msg) ? raw_key_fill(sa, &x->msg, j, d)
                                           : cert_fill_trust(env, sa, &x->msg, j, d))) {
        x->job_tag = 0;
        job_free(j);
        return false;
    }
    struct auth_input in = auth_input_of(sa, !sa->is_initiator, id->body);
    j->auth_method = auth.method;
    j->message = auth_octets(&in);
    j->signature_in = secret_copy(auth.data);
    job_give(env, j);
    return true;
}

/* The key that the peer proved to have, or should have. */
static const struct pkey *key_of(const struct job *job)
{
    return job->n_peer_keys ? job->peer_keys[job->used_key] : cert_public_key(job->trust.leaf);
}

static void point_at_first(const struct origins *o, const char *const *keys, size_t n, struct diag *d)
{
    for (size_t i = 0; i < n && !d->where[0]; i++)
        diag_where_of(d, o, keys[i]);
}

/* The line that made the demand; where revocation is left at its default, that which lets certificates count;
 * where something was to be asked for first, that which says so. */
static void point_at(const struct ike_sa *sa, const struct job *job, struct diag *d)
{
    const char *unmet = job->verdict.unmet;
    const char *const lines[] = {unmet ? unmet : "id", "cacerts", "auth"};
    const struct origins *theirs = &auth_theirs(sa)->origins, *daemon = &sa->config->settings.origins;
    if (job->dns_name) {
        point_at_first(theirs, (const char *const[]){"pubkeys"}, 1, d);
        point_at_first(daemon, (const char *const[]){"dns_keys", "plugins.ipseckey.enable"}, 2, d);
    } else if (!job->trust.leaf && job->n_places) {
        point_at_first(daemon, (const char *const[]){"hash_and_url"}, 1, d);
    } else {
        point_at_first(theirs, lines, unmet && strcmp(unmet, "revocation") == 0 ? ARRAY_LEN(lines) : 1, d);
    }
}

/* What an operator would ask who reads that the peer was let in. */
static void tell_group(struct ike_env *env, struct ike_sa *sa, const struct job *job)
{
    const struct trust_verdict *v = &job->verdict;
    char who[ID_TEXT_MAX], words[ACERT_WORDS_MAX];
    if (v->group)
        sa_log(env, sa, LOG_NOTICE, "%s is in group '%s', says %s", identity_format(&sa->remote_id, who),
               v->group, acert_words(v->granted_by, words));
}

/* What of the path did not hold, as far as it has a word. */
static void alert_of_path(struct ike_env *env, const struct ike_sa *sa, const struct job *job)
{
    static const struct {
        const char *unmet;
        enum alert what;
    } rows[] = {
        {"revocation",  ALERT_CERT_VALIDATION_FAILED},
        {"cert_policy", ALERT_CERT_POLICY_VIOLATION },
        {"cacerts",     ALERT_CERT_UNTRUSTED_ROOT   },
        {"ca_id",       ALERT_CERT_UNTRUSTED_ROOT   },
        {"groups",      ALERT_AUTHORIZATION_FAILED  },
    };
    const struct trust_verdict *v = &job->verdict;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (v->unmet && strcmp(v->unmet, rows[i].unmet) == 0)
            env->host->alert(env, sa, rows[i].what);
    }
    if (job->trust.leaf && cert_not_after(job->trust.leaf) < env->now.wall)
        env->host->alert(env, sa, ALERT_CERT_EXPIRED);
    else if (!v->unmet && v->why.class == FAIL_CERTIFICATE) /* no path to a CA that is trusted holds */
        env->host->alert(env, sa, ALERT_CERT_NO_ISSUER);
}

bool auth_verdict(struct ike_env *env, struct ike_sa *sa, const struct job *job, struct diag *d)
{
    char who[ID_TEXT_MAX];
    if (!job->verdict.is_trusted) {
        *d = job->verdict.why;
        d->class = FAIL_CERTIFICATE;
        alert_of_path(env, sa, job);
        point_at(sa, job, d);
        return false;
    }
    if (job->n_places && job->trust.leaf && !cert_is_expected(auth_theirs(sa), job->trust.leaf, d))
        return false;
    if (!job->ok) {
        diag_set(d, FAIL_AUTH, "the signature of %s does not verify", identity_format(&sa->remote_id, who));
        if (job->dns_name)
            diag_expected(d, "one made with %s that DNS has for %.255s",
                          job->n_peer_keys > 1 ? "one of the keys" : "the key", job->dns_name);
        else if (job->n_peer_keys)
            diag_expected(d, "one made with %s",
                          job->n_peer_keys > 1 ? "one of the raw keys" : "the raw key");
        else
            diag_expected(d, "one made with the key of %s", cert_subject_text(job->trust.leaf));
        diag_got(d, "%s",
                 auth_wire_method_name(job->auth_method) ? auth_wire_method_name(job->auth_method)
                                                         : "another method");
        diag_try(d, "does the peer's private key belong to its %s?",
                 job->dns_name      ? "IPSECKEY record"
                 : job->n_peer_keys ? "public key here"
                                    : "certificate");
        if (job->dns_name)
            point_at(sa, job, d);
        return false;
    }
    if (!auth_acceptable(auth_theirs(sa), key_of(job), job->used, d)) {
        d->class = FAIL_CERTIFICATE;
        diag_where_of(d, &auth_theirs(sa)->origins, "auth");
        return false;
    }
    sa_log(env, sa, LOG_NOTICE, "authentication of %s with %s successful",
           identity_format(&sa->remote_id, who), sig_scheme_name(job->used));
    tell_group(env, sa, job);
    return true;
}
