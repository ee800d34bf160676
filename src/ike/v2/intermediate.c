/* SPDX-License-Identifier: Apache-2.0 */
/* IKE_INTERMEDIATE (RFC 9242) as the carrier of additional key exchanges (RFC 9370 section 2.2.2): after
 * IKE_SA_INIT one exchange for each that was chosen, in the order of their types, each sealed with the keys
 * of the one before it; then IKE_AUTH, whose AUTH covers them all. Both sides know from the choice how many
 * there are: one that is missing, too many or of another method ends the attempt.
 *
 * A responder that has promised a list of ways to authenticate (RFC 9593 section 3.1) puts it into the answer
 * to the last of them, or to the one request without a key exchange that the initiator may make for it. There
 * are no other uses here; additional key exchanges of rekeys are followup.c's. */
#include "crypto/kex.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/ike_init.h"

/* [RFC9242#3.1] the initiator always has a use for it: long lists of ways to authenticate */
void intermediate_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    if (x->is_own || sa->has_intermediate)
        build_notify_empty(b, N_INTERMEDIATE_EXCHANGE_SUPPORTED);
}

bool intermediate_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)env;
    (void)d;
    sa->has_intermediate = ike_notify(m, N_INTERMEDIATE_EXCHANGE_SUPPORTED) != NULL;
    return true;
}

uint16_t intermediate_due(const struct ike_sa *sa, uint8_t *place)
{
    *place = sa->addke_done;
    return chosen_addke(&sa->chosen, place);
}

bool intermediate_is_first(const struct ike_sa *sa)
{
    return (sa->own.kind == X_INTERMEDIATE || sa->own.kind == X_AUTH) && sa->int_auth.rounds == 0 &&
           !sa->rounds.theirs;
}

bool intermediate_sent(struct ike_sa *sa, bool is_response, struct span content)
{
    if (is_response && !sa->int_auth.has_request)
        return true; /* a refusal: nothing comes after it */
    return is_response ? int_auth_response(&sa->int_auth, sa->keys.prf, secret_view(&sa->keys.sk_pr), content)
                       : int_auth_request(&sa->int_auth, sa->keys.prf, secret_view(&sa->keys.sk_pi), content);
}

/* The new keys replace those in use. shared: what the exchange at place gave. */
static bool update_keys(struct ike_sa *sa, uint8_t place, struct span shared)
{
    struct ike_keys next;
    const struct chosen chosen = sa->chosen;
    if (!keymat_ike_update(&sa->keys, &chosen, nonce_view(&sa->ni), nonce_view(&sa->nr), shared, sa->spi_i,
                           sa->spi_r, &next) ||
        !ike_sa_set_keys(sa, &next, &chosen))
        return false;
    sa->addke_done = (uint8_t)(place + 1);
    return true;
}

const struct pl_ke *addke_value(const struct exchange *x, uint16_t method,
                                bool (*is_plausible)(uint16_t group, struct span value))
{
    const struct ike_payload *p = ike_find(&x->msg, PAYLOAD_KE);
    return p && p->ke.group == method && is_plausible(method, p->ke.data) ? &p->ke : NULL;
}

void addke_log(struct ike_env *env, struct ike_sa *sa, const struct chosen *chosen, uint8_t place)
{
    char name[64];
    sa_log(env, sa, LOG_DETAIL, "additional key exchange %s done",
           alg_format((enum transform_type)(TRANSFORM_ADDKE1 + place), chosen->addke[place], 0, name,
                      sizeof(name)));
}

/* ---- initiator ---- */

static void fail(struct ike_env *env, struct ike_sa *sa, const struct diag *d)
{
    sa_log_diag(env, sa, LOG_ERR, d);
    ike_sa_end(env, sa, d);
}

static void request(struct ike_env *env, struct ike_sa *sa, struct build *b)
{
    struct diag d;
    if (send_request(env, sa, EXCHANGE_IKE_INTERMEDIATE, b))
        return;
    diag_clear(&d);
    diag_set(&d, FAIL_GENERIC, "IKE_INTERMEDIATE could not be sent");
    fail(env, sa, &d);
}

static void on_generated(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct build b;
    struct diag d;
    char name[64];
    if (!job->ok) {
        diag_clear(&d);
        diag_set(&d, FAIL_PROPOSAL, "key exchange method %s is not available here",
                 alg_format(TRANSFORM_KE, x->ke, 0, name, sizeof(name)));
        diag_where_of(&d, &sa->conn->origins, "proposals");
        fail(env, sa, &d);
        return;
    }
    chain_begin(env, &b);
    build_ke(&b, x->ke, secret_view(&x->ke_public));
    request(env, sa, &b);
}

/* [RFC9593#3.1] an empty request */
static void ask_for_list(struct ike_env *env, struct ike_sa *sa)
{
    struct build b;
    sa->asked_for_list = true;
    exchange_begin(sa, &sa->own, X_INTERMEDIATE);
    chain_begin(env, &b);
    request(env, sa, &b);
}

void intermediate_start(struct ike_env *env, struct ike_sa *sa)
{
    uint8_t place;
    uint16_t method = intermediate_due(sa, &place);
    if (method) {
        exchange_begin(sa, &sa->own, X_INTERMEDIATE);
        job_generate(env, sa, &sa->own, method, on_generated);
    } else if (announce_is_worth_asking(sa) && !sa->asked_for_list)
        ask_for_list(env, sa);
    else
        auth_begin(env, sa);
}

static void on_derived(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct diag d;
    uint8_t place;
    diag_clear(&d);
    intermediate_due(sa, &place);
    if (!job->ok)
        diag_set(&d, FAIL_GENERIC, "the peer's value for the additional key exchange is invalid");
    else if (!update_keys(sa, place, secret_view(&x->shared)))
        diag_set(&d, FAIL_GENERIC, "the keys after the additional key exchange could not be made");
    if (diag_failed(&d)) {
        fail(env, sa, &d);
        return;
    }
    addke_log(env, sa, &sa->chosen, place);
    exchange_end(x);
    intermediate_start(env, sa);
}

void intermediate_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    const struct pl_notify *error = ike_error_notify(&x->msg);
    bool has_ke = ike_find(&x->msg, PAYLOAD_KE) != NULL;
    const struct pl_ke *ke = x->ke ? addke_value(x, x->ke, kex_answer_plausible) : NULL;
    if (error)
        diag_from_notify(&d, sa, error, X_INTERMEDIATE, NULL);
    else if (x->ke ? !ke : has_ke)
        diag_set(&d, FAIL_GENERIC,
                 "the IKE_INTERMEDIATE response holds another key exchange than was chosen");
    else if (!int_auth_response(&sa->int_auth, sa->keys.prf, secret_view(&sa->keys.sk_pr), x->content))
        diag_set(&d, FAIL_GENERIC, "the IKE_INTERMEDIATE response is too large");
    if (diag_failed(&d)) {
        fail(env, sa, &d);
        return;
    }
    if (ike_find(&x->msg, PAYLOAD_CERTREQ)) /* the same as before, beside what counts them */
        cert_take_request(env, sa, &x->msg, &d);
    announce_take(env, sa, &x->msg, &d);
    if (ke) {
        job_derive(env, sa, x, ke->data, on_derived);
        return;
    }
    exchange_end(x);
    intermediate_start(env, sa);
}

/* ---- responder ---- */

static void refuse(struct ike_env *env, struct ike_sa *sa, const char *why)
{
    struct diag d;
    diag_clear(&d);
    diag_set(&d, FAIL_GENERIC, "IKE_INTERMEDIATE is refused: %s", why);
    sa_log_diag(env, sa, LOG_WARN, &d);
    send_response_notify(env, sa, EXCHANGE_IKE_INTERMEDIATE, N_INVALID_SYNTAX, span_of(NULL, 0));
    ike_sa_linger(env, sa, &d);
}

static bool is_last(const struct ike_sa *sa, uint8_t place)
{
    uint8_t next = (uint8_t)(place + 1);
    return !chosen_addke(&sa->chosen, &next);
}

static void answer_with_list(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct build b;
    chain_begin(env, &b);
    announce_put_late(env, &b, sa, x);
    if (!send_response(env, sa, EXCHANGE_IKE_INTERMEDIATE, &b))
        ike_sa_end(env, sa, NULL);
}

/* The answer goes out under the keys that the request came with; those after it are for the next request. */
static void on_answered(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct build b;
    uint8_t place;
    if (!job->ok) {
        refuse(env, sa, "the peer's value is invalid");
        return;
    }
    intermediate_due(sa, &place);
    struct secret shared = secret_take(&x->shared);
    chain_begin(env, &b);
    build_ke(&b, x->ke, secret_view(&x->ke_public));
    if (is_last(sa, place) || ike_find(&x->msg, PAYLOAD_IDI))
        announce_put_late(env, &b, sa, x);
    bool ok =
        send_response(env, sa, EXCHANGE_IKE_INTERMEDIATE, &b) && update_keys(sa, place, secret_view(&shared));
    secret_free(&shared);
    if (ok)
        addke_log(env, sa, &sa->chosen, place);
    else
        ike_sa_end(env, sa, NULL);
}

void intermediate_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    uint8_t place;
    uint16_t method = intermediate_due(sa, &place);
    const struct pl_ke *ke = method ? addke_value(x, method, kex_public_plausible) : NULL;
    bool is_for_list = sa->owes_list && !ike_find(&x->msg, PAYLOAD_KE);
    if (!method && !is_for_list)
        refuse(env, sa, "no additional key exchange is left");
    else if (!ke && !is_for_list)
        refuse(env, sa, "it holds another key exchange than was chosen");
    else if (!int_auth_request(&sa->int_auth, sa->keys.prf, secret_view(&sa->keys.sk_pi), x->content))
        refuse(env, sa, "it is too large");
    else if (is_for_list)
        answer_with_list(env, sa, x);
    else
        job_answer(env, sa, x, method, ke->data, on_answered);
}
