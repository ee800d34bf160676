/* SPDX-License-Identifier: Apache-2.0 */
/* Quick crash detection (RFC 6290): QUICK_CRASH_DETECTION carries a token in IKE_AUTH, in the response that
 * replaces an IKE SA, and in an INFORMATIONAL of who began that (sections 4.2 to 4.4). Whoever later asks
 * something in an SA that we do not have gets it in the clear together with INVALID_IKE_SPI (4.5, engine/
 * admit.c), compares it with what it was given, and discards the SA.
 *
 * Tokens are made of a secret of the machine and the two SPIs (5.1): nothing is kept for each SA, an SA that
 * has roamed or sits behind a NAT that rebinds keeps its token, and a daemon that has just started can make
 * those of its life before.
 *
 * A token that is seen in the clear ends the SA, so it may not be seen as long as there is one (9.2): not for
 * an SPI of any SA that is up or in the making, whoever the message claims to be from. A peer's secret must
 * not be known to another machine either: a copied disk image wants its state folder emptied.
 *
 * Not here: tokens with INVALID_SPI in answer to ESP (8.2), for which SPIs of children would have to be
 * stored; several generations of the secret (5.1). */
#include "ike/v2/crash.h"
#include "crypto/alg.h"
#include "crypto/prf.h"
#include "ike/v2/followup.h"

#define TOKEN_MIN         16 /* [RFC6290#5] */
#define TOKEN_MAX         128
#define CHECKS_PER_SECOND 10 /* of unprotected messages, for each SA [RFC6290#8.1] */

bool crash_token(struct span secret, uint64_t spi_i, uint64_t spi_r, uint8_t out[CRASH_TOKEN_LEN])
{
    uint8_t spis[16];
    struct wr w = wr_over(spis, sizeof(spis));
    wr_u64(&w, spi_i);
    wr_u64(&w, spi_r);
    const struct span parts[] = {span_str("keyway crash token"), wr_span_view(&w)};
    return secret.len && prf_compute(PRF_HMAC_SHA2_256, secret, parts, ARRAY_LEN(parts), out);
}

void crash_put_for(struct ike_env *env, struct build *b, const struct ike_sa *sa, uint64_t spi_i,
                   uint64_t spi_r)
{
    uint8_t token[CRASH_TOKEN_LEN];
    if (!sa->conn->detects_crashes || !crash_token(env->secret, spi_i, spi_r, token))
        return;
    build_notify(b, N_QUICK_CRASH_DETECTION, PROTO_IKE, span_of(NULL, 0), span_of(token, sizeof(token)));
    secret_wipe(token, sizeof(token));
}

void crash_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)x;
    crash_put_for(env, b, sa, sa->spi_i, sa->spi_r);
}

struct secret crash_read(const struct ike_sa *sa, const struct ike_message *m)
{
    const struct pl_notify *n = ike_notify(m, N_QUICK_CRASH_DETECTION);
    bool is_good = n && sa->conn->detects_crashes && n->data.len >= TOKEN_MIN && n->data.len <= TOKEN_MAX;
    return is_good ? secret_copy(n->data) : (struct secret){0};
}

void crash_note(struct ike_sa *sa, const struct ike_message *m)
{
    struct secret token = crash_read(sa, m);
    if (!token.len)
        return;
    secret_free(&sa->crash_token);
    sa->crash_token = token;
}

bool crash_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)env;
    (void)d;
    crash_note(sa, m);
    return true;
}

/* ---- the exchange ---- */

void crash_queue(struct ike_env *env, struct ike_sa *sa)
{
    if (sa->conn->detects_crashes && env->secret.len)
        ike_sa_queue(sa, (struct task){.kind = X_CRASH_TOKEN});
}

void crash_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct build b;
    (void)t;
    exchange_begin(sa, &sa->own, X_CRASH_TOKEN);
    chain_begin(env, &b);
    crash_put(env, &b, sa, &sa->own);
    if (!send_request(env, sa, EXCHANGE_INFORMATIONAL, &b))
        exchange_end(&sa->own);
}

void crash_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    (void)sa;
    exchange_end(x);
}

/* ---- in the clear ---- */

static bool may_check(struct ike_sa *sa, int64_t now)
{
    if (now - sa->crash_checked_at >= TIME_SECOND) {
        sa->crash_checked_at = now;
        sa->crash_checks = 0;
    }
    return sa->crash_checks++ < CHECKS_PER_SECOND;
}

/* [RFC6290#4.5] one of several is enough; all are compared. */
static bool has_token(const struct ike_sa *sa, const struct ike_message *m)
{
    bool is_found = false;
    unsigned n = 0;
    for (const struct pl_notify *p = NULL; (p = ike_notify_next(m, N_QUICK_CRASH_DETECTION, p));) {
        if (n++ < CRASH_TOKENS_MAX)
            is_found |= secret_equal(p->data, secret_view(&sa->crash_token));
    }
    return is_found;
}

bool crash_is_proven(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m)
{
    struct diag d;
    char ip[IP_TEXT_MAX];
    if (!sa->crash_token.len || !ike_notify(m, N_INVALID_IKE_SPI) ||
        !ike_notify(m, N_QUICK_CRASH_DETECTION) || !may_check(sa, env->now.mono))
        return false;
    if (!has_token(sa, m)) {
        sa_log(env, sa, LOG_DETAIL, "an unprotected message has a wrong token for IKE SA %llu: ignored",
               (unsigned long long)sa->id);
        return false;
    }
    diag_clear(&d);
    diag_set(&d, FAIL_UNREACHABLE, "the peer at %s has lost IKE SA %llu: it has started anew, or given it up",
             endpoint_format(&sa->remote, ip), (unsigned long long)sa->id);
    diag_got(&d, "its crash detection token");
    sa_log_diag(env, sa, LOG_NOTICE, &d);
    env->stats->crashes_detected++;
    bool was_going = sa->own.kind == X_DELETE_IKE || sa->own.kind == X_AUTH_FAILED;
    if (was_going)
        diag_clear(&d);
    ike_sa_end(env, sa, &d);
    return true;
}

bool crash_is_coming(const struct ike_sa *sa, uint64_t a, uint64_t b)
{
    uint64_t ours = sa->own.new_spi_i, theirs = sa->peer.new_spi_r;
    bool is_here = (ours && (ours == a || ours == b)) || (theirs && (theirs == a || theirs == b));
    return is_here || followup_makes_spi(sa, a) || followup_makes_spi(sa, b);
}
