/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that add and name policies: see xfrm_msg.h. A protecting policy has a template for each SA that a
 * packet goes through, the innermost first: IPComp's, then ESP's or AH's. */
#include "base/map.h"
#include "base/wr.h"
#include "sys/xfrm_msg.h"
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define ALL_ALGORITHMS (~0u) /* the SAs are found by their reqid */
#define TEMPLATES_MAX  2

/* Outer addresses of a template; in transport mode the packet's own are, and the template says none. */
static void fill_addresses(struct xfrm_user_tmpl *t, const struct xfrm_policy_spec *s)
{
    bool is_out = s->key.dir == XFRM_POLICY_OUT;
    uint8_t family = s->local.family ? s->local.family : s->remote.family;
    if (family)
        t->family = family == 4 ? AF_INET : AF_INET6;
    if (t->mode == XFRM_MODE_TRANSPORT)
        return;
    t->saddr = xfrm_address(is_out ? s->local : s->remote);
    t->id.daddr = xfrm_address(is_out ? s->remote : s->local);
}

static size_t fill_templates(struct xfrm_user_tmpl t[TEMPLATES_MAX], const struct xfrm_policy_spec *s)
{
    size_t n = 0;
    struct xfrm_user_tmpl one = {.reqid = s->reqid,
                                 .family = s->key.sel.family,
                                 .aalgos = ALL_ALGORITHMS,
                                 .ealgos = ALL_ALGORITHMS,
                                 .calgos = ALL_ALGORITHMS,
                                 .mode = xfrm_mode(s->mode)};
    if (s->has_ipcomp) {
        t[n] = one;
        t[n].id.proto = IPPROTO_COMP;
        t[n].optional = s->key.dir != XFRM_POLICY_OUT; /* [RFC3173#2.2] what does not shrink comes as it is */
        fill_addresses(&t[n++], s);
        one.mode = XFRM_MODE_TRANSPORT;
    }
    t[n] = one;
    t[n].id.proto = s->is_ah ? IPPROTO_AH : IPPROTO_ESP;
    if (s->mode != MODE_TRANSPORT)
        fill_addresses(&t[n], s);
    return n + 1;
}

static void put_key(struct nlmsghdr *h, const struct xfrm_policy_key *k)
{
    struct xfrm_userpolicy_type type = {.type = XFRM_POLICY_TYPE_MAIN};
    struct xfrm_mark mark = {.v = k->mark.value & k->mark.mask, .m = k->mark.mask};
    mnl_attr_put(h, XFRMA_POLICY_TYPE, sizeof(type), &type);
    if (k->mark.mask)
        mnl_attr_put(h, XFRMA_MARK, sizeof(mark), &mark);
    if (k->if_id)
        mnl_attr_put_u32(h, XFRMA_IF_ID, k->if_id);
}

static const struct xfrm_lifetime_cfg no_limits = {
    .soft_byte_limit = XFRM_INF,
    .hard_byte_limit = XFRM_INF,
    .soft_packet_limit = XFRM_INF,
    .hard_packet_limit = XFRM_INF,
};

static bool is_narrow(const struct xfrm_selector *s)
{
    return s->proto && s->proto != IPPROTO_ICMP && s->proto != IPPROTO_ICMPV6;
}

struct nlmsghdr *xfrm_policy_message(void *buf, const struct xfrm_policy_spec *s, bool replaces)
{
    struct xfrm_user_tmpl t[TEMPLATES_MAX] = {0};
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = replaces ? XFRM_MSG_UPDPOLICY : XFRM_MSG_NEWPOLICY;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (replaces ? 0 : NLM_F_CREATE | NLM_F_EXCL));
    struct xfrm_userpolicy_info *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->sel = s->key.sel;
    m->lft = no_limits;
    m->priority = s->priority;
    m->dir = s->key.dir;
    m->action = s->action == POLICY_DISCARD ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
    /* [RFC4301#6.2] errors about what it carries go the same way */
    m->flags = s->action == POLICY_PROTECT && is_narrow(&s->key.sel) ? XFRM_POLICY_ICMP : 0;
    if (s->asks_per_cpu)
        m->flags |= XFRM_POLICY_CPU_ACQUIRE_NR;
    if (s->action == POLICY_PROTECT)
        mnl_attr_put(h, XFRMA_TMPL, fill_templates(t, s) * sizeof(*t), t);
    put_key(h, &s->key);
    if (s->offload == OFFLOAD_PACKET) {
        struct xfrm_user_offload o = {.ifindex = (int)s->device, .flags = XFRM_OFFLOAD_PACKET};
        mnl_attr_put(h, XFRMA_OFFLOAD_DEV, sizeof(o), &o);
    }
    return h;
}

struct nlmsghdr *xfrm_policy_key_message(void *buf, uint16_t type, const struct xfrm_policy_key *k)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = type;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (type == XFRM_MSG_DELPOLICY ? NLM_F_ACK : 0));
    struct xfrm_userpolicy_id *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->sel = k->sel;
    m->dir = k->dir;
    put_key(h, k);
    return h;
}

static bool selector_equal(const struct xfrm_selector *a, const struct xfrm_selector *b)
{
    return memcmp(&a->daddr, &b->daddr, sizeof(a->daddr)) == 0 &&
           memcmp(&a->saddr, &b->saddr, sizeof(a->saddr)) == 0 && a->dport == b->dport &&
           a->dport_mask == b->dport_mask && a->sport == b->sport && a->sport_mask == b->sport_mask &&
           a->family == b->family && a->prefixlen_d == b->prefixlen_d && a->prefixlen_s == b->prefixlen_s &&
           a->proto == b->proto && a->ifindex == b->ifindex && a->user == b->user;
}

bool xfrm_policy_key_equal(const struct xfrm_policy_key *a, const struct xfrm_policy_key *b)
{
    return selector_equal(&a->sel, &b->sel) && a->dir == b->dir && a->if_id == b->if_id &&
           a->mark.mask == b->mark.mask && (a->mark.value & a->mark.mask) == (b->mark.value & b->mark.mask);
}

uint64_t xfrm_policy_key_hash(const struct xfrm_policy_key *k)
{
    uint8_t bytes[64];
    struct wr w = wr_over(bytes, sizeof(bytes));
    wr_bytes(&w, &k->sel.saddr, sizeof(k->sel.saddr));
    wr_bytes(&w, &k->sel.daddr, sizeof(k->sel.daddr));
    wr_u16(&w, k->sel.sport);
    wr_u16(&w, k->sel.dport);
    wr_u8(&w, k->sel.prefixlen_s);
    wr_u8(&w, k->sel.prefixlen_d);
    wr_u8(&w, k->sel.proto);
    wr_u8(&w, k->dir);
    wr_u32(&w, k->mark.value & k->mark.mask);
    wr_u32(&w, k->if_id);
    return map_hash(wr_span_view(&w));
}
