/* SPDX-License-Identifier: Apache-2.0 */
/* Several rounds of authentication (RFC 4739), both roles: where each side stands, what the peer says of its
 * own further rounds, and, for a responder, which connection all of them together mean.
 *
 * Each side has as many rounds as its configuration says; they go through IKE_AUTH exchanges side by side,
 * and a side that is through sends empty messages until the other is, too. A round is an ID payload and an
 * AUTH over it with everything else as in the first (section 2.1). The child, configuration payloads and the
 * like are in the first request and in the last response: the request waits here until then, and nothing of
 * it but who the peer says it is has been looked at. What the configuration demands is neither less nor more
 * than what the peer does.
 *
 * Who the peer is, for virtual addresses and uniqueness, is who it was last. INITIAL_CONTACT stands in the
 * first request (RFC 7296 section 2.4) and speaks of who both will be in the end; nothing comes of it before
 * that. Not here: rounds of EAP, in which a message without AUTH begins a conversation (section 2.2). */
#include "base/text.h"
#include "ike/v2/create_child.h"
#include "ike/v2/features.h"
#include "ike/v2/ike_auth.h"

static size_t count_ours(const struct ike_sa *sa)
{
    return connection_rounds(sa->conn, true);
}

static size_t count_theirs(const struct ike_sa *sa)
{
    return connection_rounds(sa->conn, false);
}

const struct auth_side *auth_ours(const struct ike_sa *sa)
{
    size_t at = sa->rounds.ours, n = count_ours(sa);
    return connection_round(sa->conn, true, at < n ? at : n - 1);
}

const struct auth_side *auth_theirs(const struct ike_sa *sa)
{
    size_t at = sa->rounds.theirs, n = count_theirs(sa);
    return connection_round(sa->conn, false, at < n ? at : n - 1);
}

bool rounds_ours_are_over(const struct ike_sa *sa)
{
    return sa->rounds.ours == count_ours(sa);
}

bool rounds_theirs_are_over(const struct ike_sa *sa)
{
    return sa->rounds.theirs == count_theirs(sa);
}

/* ---- who both will be ---- */

void rounds_foresee(struct ike_sa *sa)
{
    if (!connection_has_rounds(sa->conn))
        return;
    const struct auth_side *mine = connection_round(sa->conn, true, count_ours(sa) - 1),
                           *its = connection_round(sa->conn, false, count_theirs(sa) - 1);
    struct identity id = auth_side_id(sa, mine, sa->arena);
    sa->rounds.last_local = identity_dup(sa->arena, &id);
    sa->rounds.last_remote = its->id.type == ID_ANY ? identity_from_ip(sa->arena, sa->remote.ip)
                                                    : identity_dup(sa->arena, &its->id);
}

const struct identity *rounds_local(const struct ike_sa *sa)
{
    return sa->was_up || sa->rounds.last_local.type == ID_ANY ? &sa->local_id : &sa->rounds.last_local;
}

const struct identity *rounds_remote(const struct ike_sa *sa)
{
    return sa->was_up || sa->rounds.last_remote.type == ID_ANY ? &sa->remote_id : &sa->rounds.last_remote;
}

/* ---- the two notifies ---- */

/* Said where there may be use for it: by a responder, which does not know the connection yet, when it has any
 * with several rounds; by an initiator in answer. */
void rounds_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    if (x->is_own ? sa->rounds.is_spoken : config_has_rounds(sa->config))
        build_notify_empty(b, N_MULTIPLE_AUTH_SUPPORTED);
}

bool rounds_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)env;
    (void)d;
    sa->rounds.is_spoken = ike_notify(m, N_MULTIPLE_AUTH_SUPPORTED) != NULL;
    return true;
}

void rounds_put_more(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    if (x->auth.method && !sa->resume && sa->rounds.ours + 1u < count_ours(sa))
        build_notify_empty(b, N_ANOTHER_AUTH_FOLLOWS);
}

/* ---- what is wrong ---- */

/* d->expected and the place in the configuration: the peer's round, from 0. */
static void expect_round(const struct connection *c, size_t round, struct diag *d)
{
    char id[ID_TEXT_MAX];
    const struct auth_side *s = connection_round(c, false, round);
    diag_expected(d, "round %zu of %zu: identity %s, %s", round + 1, connection_rounds(c, false),
                  s->id.type == ID_ANY ? "%any" : identity_format(&s->id, id), auth_way_name(s->method));
    diag_where_of(d, &s->origins, "id");
    if (!d->where[0])
        diag_where_of(d, &s->origins, "auth");
}

static void expect_end(const struct connection *c, struct diag *d)
{
    size_t n = connection_rounds(c, false);
    diag_expected(d, "%zu round%s of connection %s", n, n > 1 ? "s" : "", c->name);
    diag_got(d, "an announcement of another (ANOTHER_AUTH_FOLLOWS)");
    diag_where_of(d, &connection_round(c, false, n - 1)->origins, "auth");
    diag_try(d, "as many remote sections here as the peer has local ones");
}

void rounds_explain_extra(const struct ike_sa *sa, struct diag *d)
{
    diag_set(d, FAIL_AUTH, "the peer authenticates itself again after its last round");
    diag_expected(d, "%zu rounds of connection %s", count_theirs(sa), sa->conn->name);
}

void rounds_explain_early(const struct ike_sa *sa, struct diag *d)
{
    size_t ours = count_ours(sa), theirs = count_theirs(sa);
    diag_set(d, FAIL_AUTH, "the peer takes the authentication for complete before it is");
    diag_expected(d, "%zu round%s of ours and %zu of the peer's", ours, ours > 1 ? "s" : "", theirs);
    diag_got(d, "a child after %u and %u", sa->rounds.ours, sa->rounds.theirs);
}

bool rounds_are_possible(const struct ike_sa *sa, struct diag *d)
{
    if (sa->rounds.is_spoken || sa->resume || !connection_has_rounds(sa->conn))
        return true;
    diag_set(d, FAIL_AUTH, "the peer does not take several rounds of authentication (RFC 4739)");
    diag_expected(d, "MULTIPLE_AUTH_SUPPORTED, for %zu rounds of ours and %zu of the peer's", count_ours(sa),
                  count_theirs(sa));
    diag_got(d, "an IKE_SA_INIT response without");
    diag_where_of(d, &connection_round(sa->conn, sa->conn->more_local.n > 0, 1)->origins, "auth");
    diag_try(d, "several rounds at the peer, too, or one here");
    return false;
}

bool rounds_proved(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    char who[ID_TEXT_MAX];
    size_t n = count_theirs(sa);
    bool follows = ike_notify(m, N_ANOTHER_AUTH_FOLLOWS) != NULL;
    sa->rounds.theirs++;
    if (n > 1)
        sa_log(env, sa, LOG_NOTICE, "round %u of %zu: the peer is %s", sa->rounds.theirs, n,
               identity_format(&sa->remote_id, who));
    if (follows == !rounds_theirs_are_over(sa))
        return true;
    if (follows) {
        diag_set(d, FAIL_AUTH, "the peer wants to authenticate itself once more");
        expect_end(sa->conn, d);
        return false;
    }
    diag_set(d, FAIL_AUTH, "the peer leaves out a round of authentication");
    expect_round(sa->conn, sa->rounds.theirs, d);
    diag_got(d, "no ANOTHER_AUTH_FOLLOWS in round %u", sa->rounds.theirs);
    diag_try(d, "as many local sections at the peer as there are remote ones here");
    return false;
}

/* ---- responder: the connection ---- */

static const char too_many[] = "it expects no further round of authentication",
                  too_few[] = "it expects a further round of authentication",
                  not_spoken[] =
                      "it has several rounds of authentication, and the peer does not say that it takes them";

const char *rounds_misfit(const struct ike_sa *sa, const struct connection *c, size_t done,
                          const struct ike_message *m)
{
    bool follows = ike_notify(m, N_ANOTHER_AUTH_FOLLOWS) != NULL;
    size_t n = connection_rounds(c, false);
    if (connection_has_rounds(c) && !sa->rounds.is_spoken)
        return not_spoken;
    if (follows && done + 1 >= n)
        return too_many;
    return !follows && done + 1 < n ? too_few : NULL;
}

void rounds_explain(const struct connection *c, size_t done, const struct ike_message *m, struct diag *d)
{
    if (ike_notify(m, N_ANOTHER_AUTH_FOLLOWS)) {
        expect_end(c, d);
        return;
    }
    expect_round(c, done + 1, d);
    diag_got(d, "no ANOTHER_AUTH_FOLLOWS in round %zu", done + 1);
}

/* Would all that came before have been the same with c? */
static bool goes_the_same_way(const struct ike_sa *sa, const struct connection *c)
{
    const struct rounds *r = &sa->rounds;
    if (c == sa->conn)
        return true;
    bool same = match_accepts_chosen(sa, c) && (!c->ppk_required || sa->ppk.is_used) &&
                c->childless == sa->conn->childless && connection_rounds(c, true) >= r->ours &&
                connection_rounds(c, false) > r->theirs &&
                (connection_rounds(c, true) > r->ours) == (count_ours(sa) > r->ours);
    for (size_t i = 0; same && i < r->ours; i++)
        same = match_same_proof(connection_round(c, true, i), connection_round(sa->conn, true, i));
    for (size_t i = 0; same && i < r->theirs; i++)
        same = match_same_demands(connection_round(c, false, i), connection_round(sa->conn, false, i));
    return same;
}

/* 0: it is not what the connection expects in this round. */
static int closeness(const struct ike_sa *sa, const struct connection *c, const struct ike_message *m)
{
    const struct auth_side *s = connection_round(c, false, sa->rounds.theirs);
    const struct identity *who = &ike_find(m, PAYLOAD_IDI)->id.id;
    if (auth_way_of(ike_find(m, PAYLOAD_AUTH)->auth.method) != s->method ||
        rounds_misfit(sa, c, sa->rounds.theirs, m))
        return 0;
    if (s->id.type == ID_ANY)
        return who->type != ID_NULL;
    int match = identity_match(who, &s->id);
    return match ? 1 + match : 0;
}

static void explain_choice(const struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    char got[ID_TEXT_MAX];
    diag_set(d, FAIL_AUTH, "the peer does not fit round %u of connection %s", sa->rounds.theirs + 1u,
             sa->conn->name);
    const char *why = rounds_misfit(sa, sa->conn, sa->rounds.theirs, m);
    if (why) {
        rounds_explain(sa->conn, sa->rounds.theirs, m, d);
        diag_try(d, "%s: give both sides the same rounds", why);
        return;
    }
    expect_round(sa->conn, sa->rounds.theirs, d);
    diag_got(d, "identity %s, %s", identity_format(&ike_find(m, PAYLOAD_IDI)->id.id, got),
             auth_way_name(auth_way_of(ike_find(m, PAYLOAD_AUTH)->auth.method)));
}

const struct connection *rounds_choose(struct ike_env *env, struct ike_sa *sa, const struct exchange *x,
                                       struct diag *d)
{
    const struct connection *best = NULL;
    int best_score = 0, best_fit = 0;
    struct connection_set set =
        config_peers(sa->config, env->out->arena, sa->local.ip, sa->remote.ip, &sa->rounds.first_id);
    for (size_t i = 0; i < set.n; i++) {
        const struct connection *c = set.v[i];
        int score = goes_the_same_way(sa, c) ? closeness(sa, c, &x->msg) : 0;
        if (!score || score < best_score)
            continue;
        int fit = match_child(sa, c, NULL, &sa->rounds.first, false).score;
        if (score > best_score || fit > best_fit || (fit == best_fit && c == sa->conn)) {
            best = c;
            best_score = score;
            best_fit = fit;
        }
    }
    if (!best)
        explain_choice(sa, &x->msg, d);
    return best;
}

/* ---- responder: the first request ---- */

void rounds_skip(struct ike_sa *sa)
{
    sa->rounds.ours = (uint8_t)(count_ours(sa) - 1);
    sa->rounds.theirs = (uint8_t)count_theirs(sa);
}

bool rounds_is_last(const struct ike_sa *sa)
{
    return rounds_theirs_are_over(sa) && sa->rounds.ours + 1u >= count_ours(sa);
}

void rounds_keep(struct ike_sa *sa, struct exchange *x)
{
    struct rounds *r = &sa->rounds;
    if (r->rx)
        return;
    r->first_id = sa->remote_id;
    r->rx = x->rx;
    r->first = x->msg;
    x->rx = NULL;
}

void rounds_recall(struct ike_sa *sa, struct exchange *x)
{
    struct rounds *r = &sa->rounds;
    uint32_t id = x->msg.header.message_id; /* which the response is to */
    if (!r->rx)
        return;
    arena_free(x->rx);
    x->rx = r->rx;
    x->msg = r->first;
    x->msg.header.message_id = id;
    r->rx = NULL;
}
