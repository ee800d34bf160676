/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: key exchanges and signatures run elsewhere, on copies of their inputs; the exchange waits in resume.
 */
#include "ike/v2/ike_auth.h"
#include "ike/v2/overlap.h"

struct job *job_prepare(struct ike_sa *sa, struct exchange *x, enum job_kind kind, exchange_resume *resume)
{
    struct job *j = mem_new(sizeof(*j));
    if (++sa->next_tag == 0)
        sa->next_tag = 1;
    j->kind = kind;
    j->sa_id = sa->id;
    j->generation = sa->generation;
    j->tag = x->job_tag = sa->next_tag;
    x->resume = resume;
    return j;
}

void job_give(struct ike_env *env, struct job *j)
{
    outbox_add(env->out, ACTION_JOB)->job = j;
}

void job_generate(struct ike_env *env, struct ike_sa *sa, struct exchange *x, uint16_t group,
                  exchange_resume *resume)
{
    struct job *j = job_prepare(sa, x, JOB_KE_GENERATE, resume);
    x->ke = group;
    j->group = group;
    job_give(env, j);
}

void job_answer(struct ike_env *env, struct ike_sa *sa, struct exchange *x, uint16_t group,
                struct span peer_public, exchange_resume *resume)
{
    struct job *j = job_prepare(sa, x, JOB_KE_ANSWER, resume);
    x->ke = group;
    j->group = group;
    j->peer_public = secret_copy(peer_public);
    job_give(env, j);
}

void job_derive(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct span peer_public,
                exchange_resume *resume)
{
    struct job *j = job_prepare(sa, x, JOB_KE_DERIVE, resume);
    j->group = x->ke;
    j->private_key = secret_take(&x->ke_private);
    j->peer_public = secret_copy(peer_public);
    job_give(env, j);
}

void job_sign(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct pkey *key,
              struct secret *octets, exchange_resume *resume)
{
    struct job *j = job_prepare(sa, x, JOB_SIGN, resume);
    j->key = pkey_ref(key);
    j->scheme = x->auth.scheme;
    j->is_classic = x->auth.is_classic;
    j->message = secret_take(octets);
    if (x->cert && cert_wants_response(sa, x))
        j->own = cert_ref(x->cert);
    job_give(env, j);
}

void ike_sa_job_done(struct ike_env *env, struct ike_sa *sa, struct job *job)
{
    struct exchange *x = overlap_by_job(sa, job->tag);
    if (job->generation != sa->generation || !x || sa->is_dead)
        return;
    x->job_tag = 0;
    if (sa->state == IKE_DELETING) { /* overtaken by the end of the SA */
        exchange_end(x);
        return;
    }
    if (job->kind == JOB_KE_GENERATE || job->kind == JOB_KE_ANSWER) {
        secret_free(&x->ke_private);
        secret_free(&x->ke_public);
        x->ke_private = secret_take(&job->private_key); /* none with an answer */
        x->ke_public = secret_take(&job->public_key);
    }
    if (job->kind == JOB_KE_DERIVE || job->kind == JOB_KE_ANSWER) {
        secret_free(&x->shared);
        x->shared = secret_take(&job->shared);
    }
    x->resume(env, sa, x, job);
}
