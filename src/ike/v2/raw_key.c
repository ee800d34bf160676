/* SPDX-License-Identifier: Apache-2.0 */
/* Raw public keys in place of certificates (RFC 7670, in RFC 7296's CERT and CERTREQ; section 3.6, encoding
 * 15): which key is ours, what is sent, and which keys of the peer's are accepted. A raw key says nothing
 * about its owner: only those that the configuration binds to the peer count, and a CERT payload but chooses
 * among them. Peers that send none (strongSwan, Libreswan) are checked against all of them. Not here: keys in
 * DNS (dns_key.c). */
#include "ike/v2/ike_auth.h"

bool raw_key_is_side(const struct auth_side *side)
{
    return side->method == AUTH_PUBKEY && (side->pubkeys.n > 0 || side->asks_dns);
}

bool raw_key_is_only(const struct auth_side *side)
{
    return raw_key_is_side(side) && !side->certs.n && !side->cacerts.n;
}

/* Certificates go first, but where the peer asks for raw keys alone. */
bool raw_key_is_ours(const struct ike_sa *sa, const struct auth_side *side)
{
    return raw_key_is_side(side) && (!side->certs.n || (sa->has_raw_request && !sa->has_certreq));
}

struct pkey *raw_key_choose_own(const struct ike_sa *sa, const struct auth_side *side, struct diag *d)
{
    struct pkey *first = NULL;
    for (size_t i = 0; i < side->pubkeys.n; i++) {
        struct pkey *k = config_key_for(sa->config, side->pubkeys.v[i]);
        if (k && announce_suits(sa, side, NULL, k))
            return k;
        first = first ? first : k;
    }
    if (first)
        return first; /* the choice of a scheme says what does not suit */
    diag_set(d, FAIL_AUTH, "no raw public key of ours with a private key");
    diag_got(d, "%zu configured", side->pubkeys.n);
    diag_where_of(d, &side->origins, "pubkeys");
    diag_try(d, "the private key of one of them must be loaded");
    return NULL;
}

void raw_key_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    enum send_cert when = sa->conn->send_cert;
    (void)env;
    if (x->raw_key && (when == SEND_CERT_ALWAYS || (when == SEND_CERT_IFASKED && sa->has_raw_request)))
        build_cert(b, CERT_RAW_PUBLIC_KEY, pkey_spki(x->raw_key));
}

/* [RFC7296#3.7] no authorities stand in it: nobody vouches for a raw key. */
void raw_key_ask(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    bool wants = false;
    (void)x;
    if (sa->resume)
        return;
    struct connection_set set = {.v = &sa->conn, .n = 1};
    if (!sa->is_initiator)
        set = config_peer_kinds(sa->config, env->out->arena, sa->local.ip, sa->remote.ip);
    for (size_t i = 0; i < set.n; i++) {
        for (size_t k = 0; k < connection_rounds(set.v[i], false) && set.v[i]->sends_certreq; k++)
            wants |= raw_key_is_side(connection_round(set.v[i], false, k));
    }
    if (wants)
        build_certreq(b, CERT_RAW_PUBLIC_KEY, span_of(NULL, 0));
}

bool raw_key_asked(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)env;
    (void)d;
    for (const struct ike_payload *p = NULL; (p = ike_next(m, PAYLOAD_CERTREQ, p));)
        sa->has_raw_request |= p->cert.encoding == CERT_RAW_PUBLIC_KEY;
    return true;
}

/* ---- the peer's */

static const struct ike_payload *find_cert(const struct ike_message *m, uint8_t encoding)
{
    for (const struct ike_payload *p = NULL; (p = ike_next(m, PAYLOAD_CERT, p));) {
        if (p->cert.encoding == encoding)
            return p;
    }
    return NULL;
}

/* A peer whose identity is the id of a key that is in the folder of public keys. */
static bool is_named_by(const struct identity *id, const struct pkey *k)
{
    uint8_t keyid[20];
    pkey_keyid(k, keyid);
    return id->type == ID_KEY_ID && span_equal(id->data, span_of(keyid, sizeof(keyid)));
}

static struct pkey_list accepted(const struct ike_sa *sa, const struct auth_side *remote)
{
    if (remote->pubkeys.n || remote->certs.n || remote->cacerts.n || remote->n_groups)
        return remote->pubkeys;
    for (size_t i = 0; i < sa->config->pubkeys.n; i++) {
        if (is_named_by(&sa->remote_id, sa->config->pubkeys.v[i]))
            return (struct pkey_list){.v = &sa->config->pubkeys.v[i], .n = 1};
    }
    return (struct pkey_list){0};
}

bool raw_key_is_theirs(const struct ike_sa *sa, const struct ike_message *m)
{
    const struct auth_side *remote = auth_theirs(sa);
    if (!accepted(sa, remote).n)
        return false;
    return raw_key_is_only(remote) || !find_cert(m, CERT_X509_SIGNATURE);
}

bool raw_key_fill(struct ike_sa *sa, const struct ike_message *m, struct job *j, struct diag *d)
{
    const struct auth_side *remote = auth_theirs(sa);
    struct pkey_list keys = accepted(sa, remote);
    const struct ike_payload *sent = find_cert(m, CERT_RAW_PUBLIC_KEY);
    struct diag why;
    diag_clear(&why);
    struct pkey *shown = sent ? pkey_load_public(sent->cert.data, &why) : NULL;
    for (size_t i = 0; i < keys.n && j->n_peer_keys < JOB_KEYS_MAX; i++) {
        if (!sent || (shown && pkey_same(shown, keys.v[i])))
            j->peer_keys[j->n_peer_keys++] = pkey_ref(keys.v[i]);
    }
    pkey_unref(shown);
    if (j->n_peer_keys)
        return true;
    diag_set(d, FAIL_CERTIFICATE, "the peer's raw public key is not %s",
             keys.n == 1 ? "the configured one" : "among those that are configured");
    diag_got(d, "%s", shown ? "another key" : why.what);
    diag_where_of(d, &remote->origins, "pubkeys");
    return false;
}
