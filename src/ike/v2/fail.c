/* SPDX-License-Identifier: Apache-2.0 */
/* Words for what went wrong. The side that decides knows what it expected; the side that only gets a notify
 * says what it sent, what came back, and what usually causes that - never what the peer may have expected. */
#include "base/text.h"
#include "ike/v2/create_child.h"
#include "ike/v2/exchanges.h"
#include "ike/v2/ike_auth.h"
#include <stdio.h>

static void vlog(struct ike_env *env, const struct connection *conn, uint64_t ike_id, enum log_group group,
                 enum log_level level, const char *fmt, va_list ap)
{
    char text[1024];
    vsnprintf(text, sizeof(text), fmt, ap);
    env->host->log(env, conn, ike_id, group, level, text);
}

void sa_log_in(struct ike_env *env, const struct ike_sa *sa, enum log_group group, enum log_level level,
               const char *fmt, ...)
{
    if (!log_wants(group, level))
        return;
    va_list ap;
    va_start(ap, fmt);
    vlog(env, sa->conn, sa->id, group, level, fmt, ap);
    va_end(ap);
}

void sa_log(struct ike_env *env, const struct ike_sa *sa, enum log_level level, const char *fmt, ...)
{
    if (!log_wants(GROUP_IKE, level))
        return;
    va_list ap;
    va_start(ap, fmt);
    vlog(env, sa->conn, sa->id, GROUP_IKE, level, fmt, ap);
    va_end(ap);
}

void conn_log(struct ike_env *env, const struct connection *conn, enum log_group group, enum log_level level,
              const char *fmt, ...)
{
    if (!log_wants(group, level))
        return;
    va_list ap;
    va_start(ap, fmt);
    vlog(env, conn, 0, group, level, fmt, ap);
    va_end(ap);
}

void sa_log_diag(struct ike_env *env, const struct ike_sa *sa, enum log_level level, const struct diag *d)
{
    char text[1024];
    if (log_wants(GROUP_IKE, level))
        env->host->log(env, sa->conn, sa->id, GROUP_IKE, level, diag_format(d, text, sizeof(text)));
}

void diag_where_of(struct diag *d, const struct origins *o, const char *key)
{
    const struct origin *at = origin_of(o, key);
    if (at && at->file)
        diag_where(d, at->file, at->line, at->column);
}

struct refusal {
    uint16_t notify;
    enum fail_class class;
    const char *meaning, *causes;
};

static const struct refusal refusals[] = {
    {N_AUTHENTICATION_FAILED,    FAIL_AUTH,      "authentication",
     "another secret there, an identity it does not accept, a certificate it does not trust; the peer's log "
     "tells"                                                                                                              },
    {N_NO_PROPOSAL_CHOSEN,       FAIL_PROPOSAL,  "all proposals",
     "algorithms that the peer does not allow, or no connection for these addresses; the peer's log tells"                },
    {N_INVALID_KE_PAYLOAD,       FAIL_PROPOSAL,  "the key exchange method",
     "the peer wants a method that our proposals lack"                                                                    },
    {N_TS_UNACCEPTABLE,          FAIL_SELECTORS, "the traffic selectors",
     "local and remote networks that do not mirror those of the peer"                                                     },
    {N_SINGLE_PAIR_REQUIRED,     FAIL_SELECTORS, "several traffic selectors at once",
     "one child for each pair of networks"                                                                                },
    {N_INTERNAL_ADDRESS_FAILURE, FAIL_GENERIC,   "a virtual address",
     "its pool has none left, or there is no pool for us"                                                                 },
    {N_FAILED_CP_REQUIRED,       FAIL_GENERIC,   "a child without a virtual address", "vips are missing here"             },
    {N_NO_ADDITIONAL_SAS,        FAIL_GENERIC,   "another child",                     "a limit of the peer"               },
    {N_TEMPORARY_FAILURE,        FAIL_GENERIC,   "this for now",
     "an exchange that crossed this one, or a limit of the peer"                                                          },
    {N_INVALID_SYNTAX,           FAIL_GENERIC,   "the message as malformed",          "a fault of one of the two programs"},
    {N_INVALID_MAJOR_VERSION,    FAIL_GENERIC,   "IKE version 2",                     "a peer that speaks IKEv1 only"     },
};

/* What we had asked for, and the line that says so. */
static void say_sent(struct diag *d, struct text *t, const struct ike_sa *sa, uint16_t notify,
                     enum exchange_kind kind, const struct child_config *cfg)
{
    char a[256], b[256], proposal[PROPOSAL_TEXT_MAX];
    const struct origins *child = cfg ? &cfg->origins : &sa->conn->origins;
    if (notify == N_AUTHENTICATION_FAILED) {
        char id[ID_TEXT_MAX];
        text_printf(t, ": we sent identity %s with %s", identity_format(&sa->local_id, id),
                    auth_way_name(auth_ours(sa)->method));
        if (!sa->rounds.theirs && auth_asks_for_identity(sa->conn))
            text_printf(t, " and asked for %s", identity_format(&sa->conn->remote.id, id));
        if (sa->ppk.is_agreed && sa->conn->ppk_id)
            text_printf(t, ", and PPK %s", identity_format(sa->conn->ppk_id, id));
        announce_tell(sa, t);
        if (connection_has_rounds(sa->conn))
            text_printf(t, ", in round %u of authentication", sa->rounds.ours + 1u);
        diag_where_of(d, &auth_ours(sa)->origins, "id");
    } else if (notify == N_TS_UNACCEPTABLE && cfg) {
        struct ts_pair p = ts_configured(sa, cfg);
        text_printf(t, ": we sent %s === %s", ts_list_format(p.local, p.n_local, a, sizeof(a)),
                    ts_list_format(p.remote, p.n_remote, b, sizeof(b)));
        diag_where_of(d, child, origin_of(child, "remote_ts") ? "remote_ts" : "local_ts");
    } else if (notify == N_NO_PROPOSAL_CHOSEN || notify == N_INVALID_KE_PAYLOAD) {
        bool is_child = cfg && kind != X_INIT;
        const struct proposal_list *l = is_child ? &cfg->proposals : &sa->conn->proposals;
        text_printf(t, ": we sent");
        for (size_t i = 0; i < l->n && i < 2; i++)
            text_printf(t, " %s", proposal_format(&l->v[i], proposal));
        if (l->n > 2)
            text_printf(t, " and %zu more", l->n - 2);
        diag_where_of(d, is_child ? child : &sa->conn->origins,
                      !is_child           ? "proposals"
                      : ah_is_wanted(cfg) ? "ah_proposals"
                                          : "esp_proposals");
    }
}

void diag_from_notify(struct diag *d, const struct ike_sa *sa, const struct pl_notify *n,
                      enum exchange_kind kind, const struct child_config *cfg)
{
    char name[48], ip[IP_TEXT_MAX], what[600];
    struct text t = TEXT_ON(what);
    const struct refusal *r = NULL;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (refusals[i].notify == n->type)
            r = &refusals[i];
    }
    text_printf(&t, "%s refused %s in %s", ip_format(sa->remote.ip, ip), r ? r->meaning : "our request",
                exchange_kind_name(kind));
    diag_set(d, r ? r->class : FAIL_GENERIC, "%s", ""); /* first: it clears the rest */
    say_sent(d, &t, sa, n->type, kind, cfg);
    snprintf(d->what, sizeof(d->what), "%s", what);
    diag_got(d, "%s", notify_format(n->type, name, sizeof(name)));
    if (r)
        diag_try(d, "likely causes: %s", r->causes);
}
