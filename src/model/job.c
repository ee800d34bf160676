/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does with a job: asymmetric crypto and path validation, on the job's own copies. See
 * action.h. */
#include "crypto/kex.h"
#include "model/action.h"
#include "pki/acert.h"
#include "pki/ocsp.h"
#include <stdlib.h>

static void run_ke_generate(struct job *j)
{
    uint8_t public_key[KEX_PUBLIC_MAX];
    size_t len = 0;
    j->ok = kex_generate(j->group, &j->private_key, public_key, &len);
    if (j->ok)
        j->public_key = secret_copy(span_of(public_key, len));
}

static void run_ke_answer(struct job *j)
{
    uint8_t answer[KEX_PUBLIC_MAX];
    size_t len = 0;
    j->ok = kex_answer(j->group, secret_view(&j->peer_public), answer, &len, &j->shared);
    if (j->ok)
        j->public_key = secret_copy(span_of(answer, len));
}

/* The configuration vouches for them. */
static void run_verify_raw(struct job *j)
{
    j->verdict.is_trusted = true;
    for (size_t i = 0; i < j->n_peer_keys && !j->ok; i++) {
        j->ok = pkey_verify(j->peer_keys[i], j->auth_method, secret_view(&j->message),
                            secret_view(&j->signature_in), &j->used);
        j->used_key = j->ok ? i : 0;
    }
}

/* Who has not the key has nothing fetched for it: then the path is judged by what is at hand. */
static void run_verify(struct job *j)
{
    if (j->n_peer_keys) {
        run_verify_raw(j);
        return;
    }
    if (j->dns_name) {
        job_dns_explain(j, &j->verdict.why);
        return;
    }
    if (!j->trust.leaf) {
        job_place_explain(j, &j->verdict.why);
        return;
    }
    trust_evaluate(&j->trust, &j->verdict);
    if (!j->verdict.is_trusted && !j->verdict.n_fetch)
        return;
    j->ok = pkey_verify(cert_public_key(j->trust.leaf), j->auth_method, secret_view(&j->message),
                        secret_view(&j->signature_in), &j->used);
    if (j->ok || !j->verdict.n_fetch)
        return;
    j->trust.can_fetch = false;
    trust_evaluate(&j->trust, &j->verdict);
}

void job_run(struct job *j)
{
    switch (j->kind) {
    case JOB_KE_GENERATE:
        run_ke_generate(j);
        break;
    case JOB_KE_ANSWER:
        run_ke_answer(j);
        break;
    case JOB_KE_DERIVE:
        j->ok = kex_derive(j->group, secret_view(&j->private_key), secret_view(&j->peer_public), &j->shared);
        break;
    case JOB_SIGN:
        j->ok = pkey_sign(j->key, j->scheme, j->is_classic, secret_view(&j->message), &j->signature);
        break;
    case JOB_VERIFY:
        run_verify(j);
        break;
    case JOB_PAD: /* no files here */
        break;
    }
}

static void unref_all(struct cert_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        cert_unref(l->v[i]);
}

void job_free(struct job *j)
{
    if (!j)
        return;
    struct secret *const owned[] = {&j->private_key, &j->peer_public, &j->message,  &j->signature_in,
                                    &j->public_key,  &j->shared,      &j->signature};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        secret_free(owned[i]);
    pkey_unref(j->key);
    cert_unref(j->own);
    ocsp_unref(j->response);
    for (size_t i = 0; i < j->n_peer_keys; i++)
        pkey_unref(j->peer_keys[i]);
    cert_unref(j->trust.leaf);
    unref_all(&j->trust.intermediates);
    unref_all(&j->trust.anchors);
    unref_all(&j->trust.required_cas);
    unref_all(&j->trust.ocsp_signers);
    unref_all(&j->trust.aas);
    for (size_t i = 0; i < j->trust.n_acerts; i++)
        acert_unref(j->trust.acerts[i]);
    for (size_t i = 0; i < j->trust.n_crls; i++)
        crl_unref(j->trust.crls[i]);
    for (size_t i = 0; i < j->trust.n_ocsps; i++)
        ocsp_unref(j->trust.ocsps[i]);
    for (size_t i = 0; i < j->trust.n_authorities; i++)
        cert_unref(j->trust.authorities[i].ca);
    arena_free(j->arena);
    free(j);
}
