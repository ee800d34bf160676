/* SPDX-License-Identifier: Apache-2.0 */
/* Words for what went wrong. The side that decides knows what it expected; the side that only gets a notify
 * says what it sent, what came back, and what usually causes that - never what the peer may have expected. */
#include "ike/v2/exchanges.h"
#include <stdio.h>

static void vlog(struct ike_env *env, const struct connection *conn, enum log_level level, const char *fmt,
                 va_list ap)
{
    char text[1024];
    vsnprintf(text, sizeof(text), fmt, ap);
    env->host->log(env, conn, level, text);
}

void sa_log(struct ike_env *env, const struct ike_sa *sa, enum log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vlog(env, sa->conn, level, fmt, ap);
    va_end(ap);
}

void conn_log(struct ike_env *env, const struct connection *conn, enum log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vlog(env, conn, level, fmt, ap);
    va_end(ap);
}

void sa_log_diag(struct ike_env *env, const struct ike_sa *sa, enum log_level level, const struct diag *d)
{
    char text[1024];
    env->host->log(env, sa->conn, level, diag_format(d, text, sizeof(text)));
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
    {N_AUTHENTICATION_FAILED, FAIL_AUTH,      "authentication",
     "another secret there, an identity it does not accept, a certificate it does not trust; the peer's log "
     "tells"                                                                                                           },
    {N_NO_PROPOSAL_CHOSEN,    FAIL_PROPOSAL,  "all proposals",
     "algorithms that the peer does not allow, or no connection for these addresses; the peer's log tells"             },
    {N_INVALID_KE_PAYLOAD,    FAIL_PROPOSAL,  "the key exchange method",
     "the peer wants a method that our proposals lack"                                                                 },
    {N_TS_UNACCEPTABLE,       FAIL_SELECTORS, "the traffic selectors",
     "local and remote networks that do not mirror those of the peer"                                                  },
    {N_SINGLE_PAIR_REQUIRED,  FAIL_SELECTORS, "several traffic selectors at once",
     "one child for each pair of networks"                                                                             },
    {N_NO_ADDITIONAL_SAS,     FAIL_GENERIC,   "another child",                     "a limit of the peer"               },
    {N_TEMPORARY_FAILURE,     FAIL_GENERIC,   "this for now",                      "an exchange that crossed this one" },
    {N_INVALID_SYNTAX,        FAIL_GENERIC,   "the message as malformed",          "a fault of one of the two programs"},
    {N_INVALID_MAJOR_VERSION, FAIL_GENERIC,   "IKE version 2",                     "a peer that speaks IKEv1 only"     },
};

void diag_from_notify(struct diag *d, const struct ike_sa *sa, const struct pl_notify *n,
                      enum exchange_kind kind, const struct child_config *cfg)
{
    char name[48], id[ID_TEXT_MAX], local[256], remote[256], text[PROPOSAL_TEXT_MAX];
    const struct refusal *r = NULL;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (refusals[i].notify == n->type)
            r = &refusals[i];
    }
    diag_set(d, r ? r->class : FAIL_GENERIC, "the peer refused %s in %s", r ? r->meaning : "our request",
             exchange_kind_name(kind));
    diag_got(d, "%s", notify_format(n->type, name, sizeof(name)));
    if (n->type == N_AUTHENTICATION_FAILED) {
        diag_expected(d, "our identity %s with %s to be accepted", identity_format(&sa->local_id, id),
                      sa->conn->local.method == AUTH_PSK ? "a pre-shared key" : "a signature");
        diag_where_of(d, &sa->conn->local.origins, "id");
    } else if (n->type == N_TS_UNACCEPTABLE && cfg) {
        struct ts_pair p = ts_configured(sa, cfg);
        diag_expected(d, "what we sent: %s === %s", ts_list_format(p.local, p.n_local, local, sizeof(local)),
                      ts_list_format(p.remote, p.n_remote, remote, sizeof(remote)));
        diag_where_of(d, &cfg->origins, "remote_ts");
    } else if (r && r->class == FAIL_PROPOSAL) {
        const struct proposal_list *l = cfg ? &cfg->proposals : &sa->conn->proposals;
        diag_expected(d, "one of the %zu that we sent, first %s", l->n,
                      l->n ? proposal_format(&l->v[0], text) : "none");
        diag_where_of(d, cfg ? &cfg->origins : &sa->conn->origins, cfg ? "esp_proposals" : "proposals");
    }
    if (r)
        diag_try(d, "likely causes: %s", r->causes);
}
