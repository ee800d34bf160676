/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of states and policies, in answers, dumps and events: see xfrm_msg.h. */
#include "sys/xfrm_msg.h"
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* ---- attributes */

static bool get(const struct nlattr *a, void *out, size_t len)
{
    if (mnl_attr_get_payload_len(a) < len)
        return false;
    memcpy(out, mnl_attr_get_payload(a), len);
    return true;
}

static struct mark get_mark(const struct nlattr *a)
{
    struct xfrm_mark m = {0};
    get(a, &m, sizeof(m));
    return (struct mark){.value = m.v, .mask = m.m};
}

static struct cpu get_cpu(const struct nlattr *a)
{
    struct cpu cpu = {0};
    cpu.is_set = get(a, &cpu.number, sizeof(cpu.number));
    return cpu;
}

static void get_long_replay(const struct nlattr *a, struct xfrm_carry *out)
{
    struct xfrm_replay_state_esn v;
    if (!get(a, &v, sizeof(v)))
        return;
    out->oseq = (uint64_t)v.oseq_hi << 32 | v.oseq;
    out->seq = (uint64_t)v.seq_hi << 32 | v.seq;
    size_t words = (mnl_attr_get_payload_len(a) - sizeof(v)) / sizeof(*out->bitmap);
    if (v.bmp_len > words || v.bmp_len > ARRAY_LEN(out->bitmap))
        return;
    out->n_words = v.bmp_len;
    memcpy(out->bitmap, (const uint8_t *)mnl_attr_get_payload(a) + sizeof(v),
           v.bmp_len * sizeof(*out->bitmap));
}

static void get_replay(const struct nlattr *a, struct xfrm_carry *out)
{
    struct xfrm_replay_state v;
    if (out->n_words || !get(a, &v, sizeof(v)))
        return;
    out->oseq = v.oseq;
    out->seq = v.seq;
    out->bitmap[0] = v.bitmap;
}

/* ---- states */

static void read_info(const struct xfrm_usersa_info *i, struct xfrm_seen_state *out)
{
    out->id.dst = xfrm_ip(&i->id.daddr, i->family);
    out->id.spi = ntohl(i->id.spi);
    out->id.proto = i->id.proto;
    out->src = xfrm_ip(&i->saddr, i->family);
    out->reqid = i->reqid;
    out->seq = i->seq;
    out->mode = i->mode;
    out->flags = i->flags;
    out->sel = i->sel;
    out->limits = i->lft;
    out->used = out->carry.used = i->curlft;
}

static void read_state_attribute(const struct nlattr *a, struct xfrm_seen_state *out)
{
    struct xfrm_usersa_info info;
    switch (mnl_attr_get_type(a)) {
    case XFRMA_SA: /* of a deleted one */
        if (get(a, &info, sizeof(info)))
            read_info(&info, out);
        break;
    case XFRMA_MARK:
        out->id.mark = get_mark(a);
        break;
    case XFRMA_REPLAY_VAL:
        get_replay(a, &out->carry);
        break;
    case XFRMA_REPLAY_ESN_VAL:
        get_long_replay(a, &out->carry);
        break;
    case XFRMA_IF_ID:
        get(a, &out->if_id, sizeof(out->if_id));
        break;
    case XFRMA_SET_MARK:
        get(a, &out->set_mark, sizeof(out->set_mark));
        break;
    case XFRMA_SET_MARK_MASK:
        get(a, &out->set_mark_mask, sizeof(out->set_mark_mask));
        break;
    case XFRMA_MTIMER_THRESH_NR:
        get(a, &out->mapping_pause, sizeof(out->mapping_pause));
        break;
    case XFRMA_SA_DIR_NR:
        get(a, &out->direction, sizeof(out->direction));
        break;
    case XFRMA_SA_PCPU_NR:
        out->cpu = get_cpu(a);
        break;
    case XFRMA_OFFLOAD_DEV:
        out->has_offload = true;
        break;
    default:
        out->has_iptfs |= xfrm_iptfs_has(mnl_attr_get_type(a));
        break;
    }
}

/* Bytes of the fixed part; 0: of no state. */
static size_t state_head(const struct nlmsghdr *h, struct xfrm_seen_state *out)
{
    const void *p = mnl_nlmsg_get_payload(h);
    struct xfrm_user_expire expire;
    struct xfrm_usersa_info info;
    struct xfrm_usersa_id id;
    size_t len = mnl_nlmsg_get_payload_len(h);
    switch (h->nlmsg_type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA:
        if (len < sizeof(info))
            return 0;
        memcpy(&info, p, sizeof(info));
        read_info(&info, out);
        return sizeof(info);
    case XFRM_MSG_EXPIRE:
        if (len < sizeof(expire))
            return 0;
        memcpy(&expire, p, sizeof(expire));
        read_info(&expire.state, out);
        out->is_hard = expire.hard;
        return sizeof(expire);
    case XFRM_MSG_DELSA:
        if (len < sizeof(id))
            return 0;
        memcpy(&id, p, sizeof(id));
        out->id = (struct xfrm_state_id){
            .dst = xfrm_ip(&id.daddr, id.family), .spi = ntohl(id.spi), .proto = id.proto};
        return sizeof(id);
    default:
        return 0;
    }
}

bool xfrm_state_parse(const struct nlmsghdr *h, struct xfrm_seen_state *out)
{
    const struct nlattr *a;
    *out = (struct xfrm_seen_state){0};
    size_t head = state_head(h, out);
    if (!head)
        return false;
    mnl_attr_for_each(a, h, head) read_state_attribute(a, out);
    return true;
}

bool xfrm_mapping_parse(const struct nlmsghdr *h, struct xfrm_seen_mapping *out)
{
    struct xfrm_user_mapping m;
    if (h->nlmsg_type != XFRM_MSG_MAPPING || mnl_nlmsg_get_payload_len(h) < sizeof(m))
        return false;
    memcpy(&m, mnl_nlmsg_get_payload(h), sizeof(m));
    *out = (struct xfrm_seen_mapping){
        .id = {.dst = xfrm_ip(&m.id.daddr, m.id.family), .spi = ntohl(m.id.spi),    .proto = m.id.proto},
        .remote = {.ip = xfrm_ip(&m.new_saddr,                          m.id.family),             .port = ntohs(m.new_sport)}
    };
    return true;
}

/* ---- policies */

static void read_policy(const struct xfrm_userpolicy_info *p, struct xfrm_seen_policy *out)
{
    out->key.sel = p->sel;
    out->key.dir = p->dir;
    out->priority = p->priority;
    out->index = p->index;
    out->action = p->action;
    out->flags = p->flags;
}

static void read_policy_attribute(const struct nlattr *a, struct xfrm_seen_policy *out)
{
    struct xfrm_userpolicy_info info;
    struct xfrm_userpolicy_type type;
    struct xfrm_user_tmpl last;
    size_t len = mnl_attr_get_payload_len(a);
    switch (mnl_attr_get_type(a)) {
    case XFRMA_POLICY: /* of a deleted one */
        if (get(a, &info, sizeof(info)))
            read_policy(&info, out);
        break;
    case XFRMA_POLICY_TYPE:
        if (get(a, &type, sizeof(type)))
            out->is_main = type.type == XFRM_POLICY_TYPE_MAIN;
        break;
    case XFRMA_TMPL:
        if (len < sizeof(last))
            break;
        out->n_templates = (uint8_t)(len / sizeof(last));
        memcpy(&last, (const uint8_t *)mnl_attr_get_payload(a) + (out->n_templates - 1u) * sizeof(last),
               sizeof(last));
        out->reqid = last.reqid;
        break;
    case XFRMA_MARK:
        out->key.mark = get_mark(a);
        break;
    case XFRMA_IF_ID:
        get(a, &out->key.if_id, sizeof(out->key.if_id));
        break;
    default:
        break;
    }
}

bool xfrm_policy_parse(const struct nlmsghdr *h, struct xfrm_seen_policy *out)
{
    const struct nlattr *a;
    struct xfrm_userpolicy_info info;
    struct xfrm_userpolicy_id id;
    size_t head, len = mnl_nlmsg_get_payload_len(h);
    *out = (struct xfrm_seen_policy){.is_main = true};
    if ((h->nlmsg_type == XFRM_MSG_NEWPOLICY || h->nlmsg_type == XFRM_MSG_UPDPOLICY) && len >= sizeof(info)) {
        memcpy(&info, mnl_nlmsg_get_payload(h), head = sizeof(info));
        read_policy(&info, out);
    } else if (h->nlmsg_type == XFRM_MSG_DELPOLICY && len >= sizeof(id)) {
        memcpy(&id, mnl_nlmsg_get_payload(h), head = sizeof(id));
        out->key.sel = id.sel;
        out->key.dir = id.dir;
        out->index = id.index;
    } else {
        return false;
    }
    mnl_attr_for_each(a, h, head) read_policy_attribute(a, out);
    return true;
}

/* ---- a packet that needs an SA */

static struct ts ts_of(const xfrm_address_t *a, const struct xfrm_selector *s, uint8_t bits, uint16_t port,
                       uint16_t mask)
{
    struct prefix p = prefix_of(xfrm_ip(a, s->family), bits);
    struct ts ts = ts_from_prefix(&p);
    ts.proto = s->proto;
    if (mask)
        ts.port_from = ts.port_to = ntohs(port);
    return ts;
}

void xfrm_packet_of(const struct xfrm_selector *s, struct ts *local, struct ts *remote)
{
    *local = ts_of(&s->saddr, s, s->prefixlen_s, s->sport, s->sport_mask);
    *remote = ts_of(&s->daddr, s, s->prefixlen_d, s->dport, s->dport_mask);
    if (!ts_is_icmp(local) || !s->sport_mask)
        return;
    uint16_t kind = (uint16_t)(ntohs(s->sport) << 8 | (ntohs(s->dport) & 0xff));
    local->port_from = local->port_to = remote->port_from = remote->port_to = kind;
}

bool xfrm_acquire_parse(const struct nlmsghdr *h, struct xfrm_seen_acquire *out)
{
    const struct nlattr *a;
    struct xfrm_user_acquire m;
    struct xfrm_user_tmpl t;
    if (h->nlmsg_type != XFRM_MSG_ACQUIRE || mnl_nlmsg_get_payload_len(h) < sizeof(m))
        return false;
    memcpy(&m, mnl_nlmsg_get_payload(h), sizeof(m));
    *out = (struct xfrm_seen_acquire){
        .policy = {.sel = m.policy.sel, .dir = m.policy.dir},
          .id = {.proto = m.id.proto                  },
          .seq = m.seq
    };
    uint16_t family = m.sel.family;
    mnl_attr_for_each(a, h, sizeof(m))
    {
        switch (mnl_attr_get_type(a)) {
        case XFRMA_TMPL:
            if (!get(a, &t, sizeof(t)))
                break;
            out->reqid = t.reqid;
            out->mode = t.mode;
            family = t.family;
            break;
        case XFRMA_MARK:
            out->policy.mark = out->id.mark = get_mark(a);
            break;
        case XFRMA_IF_ID:
            get(a, &out->policy.if_id, sizeof(out->policy.if_id));
            break;
        case XFRMA_SA_PCPU_NR:
            out->cpu = get_cpu(a);
            break;
        default:
            break;
        }
    }
    out->id.dst = xfrm_ip(&m.id.daddr, family);
    out->src = xfrm_ip(&m.saddr, family);
    xfrm_packet_of(&m.sel, &out->local, &out->remote);
    return true;
}
