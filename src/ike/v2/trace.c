/* SPDX-License-Identifier: Apache-2.0 */
/* Lines about messages: see trace.h. */
#include "ike/v2/trace.h"
#include "base/text.h"
#include "ike/msg/dump.h"
#include "ike/v2/create_child.h"

#define LINE 900

static void say(struct ike_env *env, const struct ike_sa *sa, enum log_group group, enum log_level level,
                const char *text)
{
    env->host->log(env, sa ? sa->conn : NULL, sa ? sa->id : 0, group, level, text);
}

/* ---- messages */

static void say_message(struct ike_env *env, const struct ike_sa *sa, const char *verb, const char *dump)
{
    char line[LINE] = "";
    struct text t = TEXT_ON(line);
    text_printf(&t, "%s %s", verb, dump);
    say(env, sa, GROUP_ENC, LOG_NOTICE, line);
}

static void say_sizes(struct ike_env *env, const struct ike_sa *sa, uint8_t first, struct span chain)
{
    char line[LINE] = "payloads by their bytes:";
    struct text t = {.buf = line, .cap = sizeof(line), .len = strlen(line)};
    struct rd r = rd_over(chain);
    for (uint8_t type = first; type && rd_left(&r);) {
        struct ike_chained p;
        if (!ike_chain_next(&r, &type, &p))
            break;
        text_printf(&t, " %s %zu", payload_name(p.type) ? payload_name(p.type) : "?", p.body.len);
    }
    say(env, sa, GROUP_ENC, LOG_DETAIL, line);
}

void trace_written(struct ike_env *env, const struct ike_sa *sa, const struct ike_header *h, uint8_t first,
                   struct span chain)
{
    char dump[IKE_DUMP_MAX] = "";
    if (!log_wants(GROUP_ENC, LOG_NOTICE))
        return;
    say_message(env, sa, "writing", ike_dump_chain(h, first, chain, dump, sizeof(dump)));
    if (log_wants(GROUP_ENC, LOG_DETAIL))
        say_sizes(env, sa, first, chain);
}

void trace_written_whole(struct ike_env *env, const struct ike_sa *sa, struct span message)
{
    struct ike_header h;
    struct rd r = rd_over(message);
    if (ike_header_read(&r, &h))
        trace_written(env, sa, &h, h.next_payload, rd_rest(&r));
}

/* ---- what is public in a payload */

static void put_proposals(struct text *t, const struct pl_sa *sa)
{
    char buf[PROPOSAL_TEXT_MAX];
    for (size_t i = 0; i < sa->proposals.n; i++)
        text_printf(t, "%s%s", i ? ", " : " ", proposal_format(&sa->proposals.v[i], buf));
}

static bool put_content(struct text *t, const struct ike_payload *p)
{
    char buf[ID_TEXT_MAX];
    switch (p->type) {
    case PAYLOAD_SA:
        put_proposals(t, &p->sa);
        return true;
    case PAYLOAD_KE:
        text_printf(t, " method %u", p->ke.group);
        return true;
    case PAYLOAD_IDI:
    case PAYLOAD_IDR:
        text_printf(t, " %s", identity_format(&p->id.id, buf));
        return true;
    case PAYLOAD_TSI:
    case PAYLOAD_TSR:
        text_printf(t, " %s", ts_list_format(p->ts.v, p->ts.n, buf, sizeof(buf)));
        return true;
    case PAYLOAD_NOTIFY:
        text_printf(t, " %s, %zu bytes", notify_format(p->notify.type, buf, sizeof(buf)), p->notify.data.len);
        return true;
    case PAYLOAD_DELETE:
        text_printf(t, " %u SAs of protocol %u", p->del.count, p->del.protocol);
        return true;
    }
    return false;
}

static void say_contents(struct ike_env *env, const struct ike_sa *sa, const struct ike_message *m)
{
    for (size_t i = 0; i < m->n; i++) {
        char line[LINE] = "";
        struct text t = TEXT_ON(line);
        text_printf(&t, "  %s:", payload_name(m->v[i].type) ? payload_name(m->v[i].type) : "?");
        if (put_content(&t, &m->v[i]))
            say(env, sa, GROUP_ENC, LOG_TRACE, line);
    }
}

void trace_read(struct ike_env *env, const struct ike_sa *sa, const struct ike_message *m)
{
    char dump[IKE_DUMP_MAX] = "";
    if (!log_wants(GROUP_ENC, LOG_NOTICE))
        return;
    say_message(env, sa, "reading", ike_dump(m, dump, sizeof(dump)));
    if (log_wants(GROUP_ENC, LOG_TRACE))
        say_contents(env, sa, m);
}

/* ---- datagrams */

static void say_datagram(struct ike_env *env, const struct ike_sa *sa, const char *verb, size_t len,
                         const struct endpoint *from, const struct endpoint *to)
{
    char a[IP_TEXT_MAX], b[IP_TEXT_MAX], line[LINE] = "";
    struct text t = TEXT_ON(line);
    text_printf(&t, "%s %zu bytes from %s to %s", verb, len, endpoint_format(from, a),
                endpoint_format(to, b));
    say(env, sa, GROUP_NET, LOG_NOTICE, line);
}

void trace_sent(struct ike_env *env, const struct ike_sa *sa, const struct endpoint *from,
                const struct endpoint *to, size_t len)
{
    if (log_wants(GROUP_NET, LOG_NOTICE))
        say_datagram(env, sa, "sending", len, from, to);
}

void trace_received(struct ike_env *env, const struct ike_sa *sa, const struct endpoint *at,
                    const struct endpoint *from, size_t len)
{
    if (log_wants(GROUP_NET, LOG_NOTICE))
        say_datagram(env, sa, "received", len, from, at);
}

void trace_chosen(struct ike_env *env, const struct ike_sa *sa, enum log_level level, const struct chosen *c)
{
    char buf[PROPOSAL_TEXT_MAX];
    if (log_wants(GROUP_CFG, level))
        sa_log_in(env, sa, GROUP_CFG, level, "proposal chosen: %s", chosen_format(c, buf));
}
