/* SPDX-License-Identifier: Apache-2.0 */
/* AUTH_LIFETIME (RFC 4478): the responder says within which time the initiator has to authenticate again,
 * which only the initiator can where the responder does not know how to reach it.
 *
 * Responder: reauth_time, in the last IKE_AUTH response. Who has not come back some time after that is
 * closed; a rekeyed IKE SA inherits the limit (section 2). Initiator: begins anew a little earlier (renew.c),
 * on what IKE_AUTH says and on what an INFORMATIONAL request says later; its own reauth_time may be earlier
 * still (section 5). A later message only ever makes it earlier.
 *
 * Not here: telling a changed reauth_time in an INFORMATIONAL request, which section 2 leaves open: a
 * connection that a reload changes is made anew. */
#include "base/rd.h"
#include "base/wr.h"
#include "ike/v2/ike_auth.h"

#define EARLY_MAX (300 * TIME_SECOND)
#define LEAST     (10 * TIME_SECOND) /* between two authentications, whatever the peer says [RFC4478#5] */
#define GRACE     (10 * TIME_SECOND)

/* ---- responder ---- */

void lifetime_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    uint8_t data[4];
    struct wr w = wr_over(data, sizeof(data));
    int64_t seconds = sa->conn->reauth_time / TIME_SECOND;
    (void)env;
    (void)x;
    if (!sa->conn->reauth_time || sa->resume) /* which authenticates nobody anew */
        return;
    wr_u32(&w, (uint32_t)(seconds < 1 ? 1 : time_min(seconds, UINT32_MAX)));
    build_notify(b, N_AUTH_LIFETIME, PROTO_NONE, span_of(NULL, 0), wr_span_view(&w));
}

/* "SHOULD send a DELETE notification soon after the end of the lifetime" [RFC4478#2] */
static int64_t patience(const struct connection *conn)
{
    return conn->over_time > GRACE ? conn->over_time : GRACE;
}

void lifetime_begin(struct ike_sa *sa, int64_t now)
{
    const struct connection *conn = sa->conn;
    if (!conn->reauth_time)
        return;
    if (sa->was_initiator || conn->resolved_remote.family)
        sa->reauth_at = time_min(sa->reauth_at, now + jittered(conn->reauth_time, conn->rand_time));
    else
        sa->auth_ends_at = now + conn->reauth_time + patience(conn);
}

bool lifetime_is_over(const struct ike_env *env, const struct ike_sa *sa, struct diag *d)
{
    char who[ID_TEXT_MAX];
    if (sa->auth_ends_at > env->now.mono)
        return false;
    diag_set(d, FAIL_GENERIC, "the peer %s has not authenticated again, as it was told to",
             identity_format(&sa->remote_id, who));
    diag_expected(d, "a new IKE SA within %lld s (reauth_time)",
                  (long long)(sa->conn->reauth_time / TIME_SECOND));
    diag_got(d, "none, nor in the %lld s after that", (long long)(patience(sa->conn) / TIME_SECOND));
    diag_where_of(d, &sa->conn->origins, "reauth_time");
    diag_try(d, "a peer that does not know AUTH_LIFETIME (RFC 4478) needs a reauth_time of its own, "
                "shorter than ours");
    return true;
}

/* ---- initiator ---- */

static bool read_seconds(struct ike_env *env, struct ike_sa *sa, const struct pl_notify *n, int64_t *seconds)
{
    struct rd r = rd_over(n->data);
    struct diag d;
    *seconds = rd_u32(&r);
    if (rd_done(&r))
        return true;
    diag_clear(&d);
    diag_set(&d, FAIL_GENERIC, "an AUTH_LIFETIME of the peer cannot be read, and is ignored");
    diag_expected(&d, "4 octets: seconds [RFC 4478, section 3]");
    diag_got(&d, "%zu octets", n->data.len);
    diag_try(&d, "a reauth_time here, shorter than the peer's");
    sa_log_diag(env, sa, LOG_WARN, &d);
    return false;
}

static void obey(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, int64_t begun_at)
{
    const struct pl_notify *n = ike_notify(m, N_AUTH_LIFETIME);
    int64_t seconds;
    if (!n || !sa->was_initiator || sa->renewed_by || !read_seconds(env, sa, n, &seconds))
        return;
    int64_t span = seconds * TIME_SECOND, early = time_min(span / 10, EARLY_MAX);
    int64_t at = env->now.mono + jittered(span - early, early);
    if (at < begun_at + LEAST)
        at = begun_at + LEAST;
    sa->reauth_at = time_min(sa->reauth_at, at);
    sa_log(env, sa, LOG_NOTICE, "the peer wants us to authenticate again within %lld s: in %lld s",
           (long long)seconds, (long long)((sa->reauth_at - env->now.mono) / TIME_SECOND));
}

bool lifetime_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)d;
    obey(env, sa, m, env->now.mono);
    return true;
}

void lifetime_hear(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m)
{
    struct ike_sa *at = sa;
    if (sa->state == IKE_REKEYED && sa->replaced_by) /* "applies to the new SA" [RFC4478#2] */
        at = env->host->find(env->ctx, sa->replaced_by);
    if (at && ike_sa_is_up(at))
        obey(env, at, m, at->established_at);
}
