/* SPDX-License-Identifier: Apache-2.0 */
/* See nft.h. All numbers in nftables' attributes are in network byte order. */
#include "sys/nft.h"
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define UDATA_COMMENT 0 /* as nft(8) writes it */
#define REPLY_MAX     (32u << 10)

static struct nlmsghdr *message(void *buf, uint16_t type, uint16_t flags, uint8_t family)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    struct nfgenmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->nfgen_family = family;
    m->version = NFNETLINK_V0;
    return h;
}

/* ---- expressions */

struct expr {
    struct nlmsghdr *h;
    struct nlattr *elem, *data;
};

static struct expr expr_open(struct nlmsghdr *h, const char *name)
{
    struct expr e = {.h = h};
    e.elem = mnl_attr_nest_start(h, NFTA_LIST_ELEM);
    mnl_attr_put_strz(h, NFTA_EXPR_NAME, name);
    e.data = mnl_attr_nest_start(h, NFTA_EXPR_DATA);
    return e;
}

static void expr_close(const struct expr *e)
{
    mnl_attr_nest_end(e->h, e->data);
    mnl_attr_nest_end(e->h, e->elem);
}

static void put_number(struct nlmsghdr *h, uint16_t type, uint32_t n)
{
    mnl_attr_put_u32(h, type, htonl(n));
}

static void put_value(struct nlmsghdr *h, uint16_t type, const void *bytes, size_t len)
{
    struct nlattr *nest = mnl_attr_nest_start(h, type);
    mnl_attr_put(h, NFTA_DATA_VALUE, len, bytes);
    mnl_attr_nest_end(h, nest);
}

static void load_meta(struct nlmsghdr *h, uint32_t key)
{
    struct expr e = expr_open(h, "meta");
    put_number(h, NFTA_META_DREG, NFT_REG_1);
    put_number(h, NFTA_META_KEY, key);
    expr_close(&e);
}

static void load_payload(struct nlmsghdr *h, uint32_t base, uint32_t offset, uint32_t len)
{
    struct expr e = expr_open(h, "payload");
    put_number(h, NFTA_PAYLOAD_DREG, NFT_REG_1);
    put_number(h, NFTA_PAYLOAD_BASE, base);
    put_number(h, NFTA_PAYLOAD_OFFSET, offset);
    put_number(h, NFTA_PAYLOAD_LEN, len);
    expr_close(&e);
}

static void compare(struct nlmsghdr *h, uint32_t op, const void *bytes, size_t len)
{
    struct expr e = expr_open(h, "cmp");
    put_number(h, NFTA_CMP_SREG, NFT_REG_1);
    put_number(h, NFTA_CMP_OP, op);
    put_value(h, NFTA_CMP_DATA, bytes, len);
    expr_close(&e);
}

static void mask(struct nlmsghdr *h, uint8_t bits, size_t len)
{
    uint8_t m[16] = {0}, none[16] = {0};
    for (uint8_t i = 0; i < bits; i++)
        m[i / 8] |= (uint8_t)(0x80 >> i % 8);
    struct expr e = expr_open(h, "bitwise");
    put_number(h, NFTA_BITWISE_SREG, NFT_REG_1);
    put_number(h, NFTA_BITWISE_DREG, NFT_REG_1);
    put_number(h, NFTA_BITWISE_LEN, (uint32_t)len);
    put_value(h, NFTA_BITWISE_MASK, m, len);
    put_value(h, NFTA_BITWISE_XOR, none, len);
    expr_close(&e);
}

/* ---- one rule */

static void match_device(struct nlmsghdr *h, const struct nft_match *m)
{
    load_meta(h, m->is_out ? NFT_META_OIFNAME : NFT_META_IIFNAME);
    compare(h, NFT_CMP_EQ, m->device, IFNAMSIZ);
}

/* `ipsec in reqid N`: the outermost SA, which has the reqid of the others of its child. */
static void match_reqid(struct nlmsghdr *h, const struct nft_match *m)
{
    struct expr e = expr_open(h, "xfrm");
    put_number(h, NFTA_XFRM_DREG, NFT_REG_1);
    put_number(h, NFTA_XFRM_KEY, NFT_XFRM_KEY_REQID);
    mnl_attr_put_u8(h, NFTA_XFRM_DIR, m->is_out ? XFRM_POLICY_OUT : XFRM_POLICY_IN);
    put_number(h, NFTA_XFRM_SPNUM, 0);
    expr_close(&e);
    compare(h, NFT_CMP_EQ, &m->reqid, sizeof(m->reqid)); /* in host order, there too */
}

/* `rt ipsec exists`: where it goes. `meta ipsec exists`: how it came. */
static void match_ipsec(struct nlmsghdr *h, const struct nft_match *m)
{
    static const uint8_t yes = 1;
    if (m->is_out) {
        struct expr e = expr_open(h, "rt");
        put_number(h, NFTA_RT_DREG, NFT_REG_1);
        put_number(h, NFTA_RT_KEY, NFT_RT_XFRM);
        expr_close(&e);
    } else {
        load_meta(h, NFT_META_SECPATH);
    }
    compare(h, NFT_CMP_EQ, &yes, 1);
}

static void match_way(struct nlmsghdr *h, const struct nft_match *m)
{
    static void (*const ways[])(struct nlmsghdr *, const struct nft_match *) = {
        [NFT_BY_DEVICE] = match_device, [NFT_BY_REQID] = match_reqid, [NFT_BY_IPSEC] = match_ipsec};
    ways[m->way](h, m);
}

static void match_prefix(struct nlmsghdr *h, const struct prefix *p, bool is_src)
{
    size_t len = ip_len(p->ip);
    uint32_t offset = len == 4 ? 12 : 8;
    if (!p->bits)
        return;
    load_payload(h, NFT_PAYLOAD_NETWORK_HEADER, is_src ? offset : offset + (uint32_t)len, (uint32_t)len);
    if (p->bits < 8 * len)
        mask(h, p->bits, len);
    compare(h, NFT_CMP_EQ, p->ip.b, len);
}

static void match_ports(struct nlmsghdr *h, uint32_t offset, uint16_t from, uint16_t to)
{
    uint16_t low = htons(from), high = htons(to);
    if (from == 0 && to == UINT16_MAX)
        return;
    load_payload(h, NFT_PAYLOAD_TRANSPORT_HEADER, offset, 2);
    compare(h, from == to ? NFT_CMP_EQ : NFT_CMP_GTE, &low, 2);
    if (from != to)
        compare(h, NFT_CMP_LTE, &high, 2);
}

static bool has_ports(uint8_t proto)
{
    return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP || proto == IPPROTO_DCCP ||
           proto == IPPROTO_UDPLITE;
}

static void accept_it(struct nlmsghdr *h)
{
    struct expr count = expr_open(h, "counter");
    mnl_attr_put_u64(h, NFTA_COUNTER_BYTES, 0);
    mnl_attr_put_u64(h, NFTA_COUNTER_PACKETS, 0);
    expr_close(&count);
    struct expr e = expr_open(h, "immediate");
    put_number(h, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    struct nlattr *data = mnl_attr_nest_start(h, NFTA_IMMEDIATE_DATA);
    struct nlattr *verdict = mnl_attr_nest_start(h, NFTA_DATA_VERDICT);
    put_number(h, NFTA_VERDICT_CODE, NF_ACCEPT);
    mnl_attr_nest_end(h, verdict);
    mnl_attr_nest_end(h, data);
    expr_close(&e);
}

static void put_comment(struct nlmsghdr *h, const char *comment)
{
    uint8_t data[2 + NFT_COMMENT_MAX];
    size_t len = strnlen(comment, NFT_COMMENT_MAX - 1);
    data[0] = UDATA_COMMENT;
    data[1] = (uint8_t)(len + 1);
    memcpy(data + 2, comment, len);
    data[2 + len] = 0;
    mnl_attr_put(h, NFTA_RULE_USERDATA, len + 3, data);
}

struct nlmsghdr *nft_accept_message(void *buf, const struct nft_chain *c, const struct nft_match *m,
                                    const char *comment)
{
    uint8_t family = m->src.ip.family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
    if (c->family != NFPROTO_INET && c->family != family)
        return NULL;
    struct nlmsghdr *h = message(buf, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_ECHO | NLM_F_ACK, c->family);
    mnl_attr_put_strz(h, NFTA_RULE_TABLE, c->table);
    mnl_attr_put_strz(h, NFTA_RULE_CHAIN, c->name);
    struct nlattr *list = mnl_attr_nest_start(h, NFTA_RULE_EXPRESSIONS);
    if (c->family == NFPROTO_INET) {
        load_meta(h, NFT_META_NFPROTO);
        compare(h, NFT_CMP_EQ, &family, 1);
    }
    match_way(h, m);
    match_prefix(h, &m->src, true);
    match_prefix(h, &m->dst, false);
    if (m->proto) {
        load_meta(h, NFT_META_L4PROTO);
        compare(h, NFT_CMP_EQ, &m->proto, 1);
    }
    if (has_ports(m->proto)) {
        match_ports(h, 0, m->src_from, m->src_to);
        match_ports(h, 2, m->dst_from, m->dst_to);
    }
    accept_it(h);
    mnl_attr_nest_end(h, list);
    put_comment(h, comment);
    return h;
}

struct nlmsghdr *nft_delete_message(void *buf, const struct nft_rule *r)
{
    struct nlmsghdr *h = message(buf, NFT_MSG_DELRULE, NLM_F_ACK, r->family);
    mnl_attr_put_strz(h, NFTA_RULE_TABLE, r->table);
    mnl_attr_put_strz(h, NFTA_RULE_CHAIN, r->chain);
    mnl_attr_put_u64(h, NFTA_RULE_HANDLE, htobe64(r->handle));
    return h;
}

/* ---- lists */

struct listing {
    nft_chain_cb *chain;
    nft_rule_cb *rule;
    const char *prefix;
    void *ctx;
};

static bool take_text(const struct nlattr *a, char out[NFT_NAME_MAX])
{
    if (mnl_attr_validate(a, MNL_TYPE_NUL_STRING) < 0 || mnl_attr_get_payload_len(a) > NFT_NAME_MAX)
        return false;
    snprintf(out, NFT_NAME_MAX, "%s", mnl_attr_get_str(a));
    return true;
}

static uint32_t number_of(const struct nlattr *a)
{
    return mnl_attr_validate(a, MNL_TYPE_U32) < 0 ? UINT32_MAX : ntohl(mnl_attr_get_u32(a));
}

static bool read_hook(const struct nlattr *nest, struct nft_chain *c)
{
    const struct nlattr *a;
    uint32_t hook = UINT32_MAX;
    mnl_attr_for_each_nested(a, nest)
    {
        if (mnl_attr_get_type(a) == NFTA_HOOK_HOOKNUM)
            hook = number_of(a);
        if (mnl_attr_get_type(a) == NFTA_HOOK_PRIORITY)
            c->priority = (int32_t)number_of(a);
    }
    c->hook = hook == NF_INET_FORWARD ? NFT_FORWARD : hook == NF_INET_LOCAL_IN ? NFT_INPUT : NFT_OUTPUT;
    return hook == NF_INET_FORWARD || hook == NF_INET_LOCAL_IN || hook == NF_INET_LOCAL_OUT;
}

static bool is_family(uint8_t f)
{
    return f == NFPROTO_INET || f == NFPROTO_IPV4 || f == NFPROTO_IPV6;
}

static int on_chain(const struct nlmsghdr *h, void *ctx)
{
    const struct listing *l = ctx;
    const struct nfgenmsg *m = mnl_nlmsg_get_payload(h);
    struct nft_chain c = {.family = m->nfgen_family};
    char type[NFT_NAME_MAX] = "";
    bool is_base = false, is_fine = is_family(c.family);
    const struct nlattr *a;
    mnl_attr_for_each(a, h, sizeof(*m))
    {
        switch (mnl_attr_get_type(a)) {
        case NFTA_CHAIN_TABLE:
            is_fine = take_text(a, c.table) && is_fine;
            break;
        case NFTA_CHAIN_NAME:
            is_fine = take_text(a, c.name) && is_fine;
            break;
        case NFTA_CHAIN_TYPE:
            take_text(a, type);
            break;
        case NFTA_CHAIN_HOOK:
            is_base = read_hook(a, &c);
            break;
        case NFTA_CHAIN_POLICY:
            c.drops = number_of(a) == NF_DROP;
            break;
        }
    }
    if (is_base && is_fine && strcmp(type, "filter") == 0)
        l->chain(l->ctx, &c);
    return MNL_CB_OK;
}

static void read_comment(const struct nlattr *a, char out[NFT_COMMENT_MAX])
{
    const uint8_t *p = mnl_attr_get_payload(a);
    size_t len = mnl_attr_get_payload_len(a);
    for (size_t at = 0; at + 2 <= len && at + 2 + p[at + 1] <= len; at += 2u + p[at + 1]) {
        if (p[at] == UDATA_COMMENT)
            snprintf(out, NFT_COMMENT_MAX, "%.*s", (int)p[at + 1], (const char *)p + at + 2);
    }
}

static int on_rule(const struct nlmsghdr *h, void *ctx)
{
    const struct listing *l = ctx;
    const struct nfgenmsg *m = mnl_nlmsg_get_payload(h);
    struct nft_rule r = {.family = m->nfgen_family};
    const struct nlattr *a;
    bool is_fine = true;
    mnl_attr_for_each(a, h, sizeof(*m))
    {
        switch (mnl_attr_get_type(a)) {
        case NFTA_RULE_TABLE:
            is_fine = take_text(a, r.table) && is_fine;
            break;
        case NFTA_RULE_CHAIN:
            is_fine = take_text(a, r.chain) && is_fine;
            break;
        case NFTA_RULE_HANDLE:
            if (mnl_attr_validate(a, MNL_TYPE_U64) >= 0)
                r.handle = be64toh(mnl_attr_get_u64(a));
            break;
        case NFTA_RULE_USERDATA:
            read_comment(a, r.comment);
            break;
        }
    }
    if (is_fine && r.handle && strncmp(r.comment, l->prefix, strlen(l->prefix)) == 0)
        l->rule(l->ctx, &r);
    return MNL_CB_OK;
}

int nft_list_chains(struct netlink *nl, nft_chain_cb *cb, void *ctx)
{
    char buf[256];
    struct listing l = {.chain = cb, .ctx = ctx};
    return netlink_ask(nl, message(buf, NFT_MSG_GETCHAIN, NLM_F_DUMP, NFPROTO_UNSPEC), on_chain, &l);
}

int nft_list_rules(struct netlink *nl, const char *prefix, nft_rule_cb *cb, void *ctx)
{
    char buf[256];
    struct listing l = {.rule = cb, .prefix = prefix, .ctx = ctx};
    return netlink_ask(nl, message(buf, NFT_MSG_GETRULE, NLM_F_DUMP, NFPROTO_UNSPEC), on_rule, &l);
}

/* ---- batches */

static void put_mark(struct nft_batch *b, struct netlink *nl, uint16_t type)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(b->bytes + b->len);
    h->nlmsg_type = type;
    h->nlmsg_flags = NLM_F_REQUEST;
    h->nlmsg_seq = ++nl->seq;
    struct nfgenmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->nfgen_family = NFPROTO_UNSPEC;
    m->version = NFNETLINK_V0;
    m->res_id = htons(NFNL_SUBSYS_NFTABLES);
    b->len += mnl_nlmsg_size(sizeof(*m));
}

void nft_batch_begin(struct nft_batch *b, struct netlink *nl)
{
    b->n = 0;
    b->len = 0;
    memset(b->handles, 0, sizeof(b->handles));
    put_mark(b, nl, NFNL_MSG_BATCH_BEGIN);
    b->first = nl->seq + 1;
}

void *nft_batch_room(struct nft_batch *b)
{
    return b->bytes + b->len;
}

void nft_batch_added(struct nft_batch *b, struct nlmsghdr *h, struct netlink *nl)
{
    h->nlmsg_seq = ++nl->seq;
    b->len += NLMSG_ALIGN(h->nlmsg_len);
    b->n++;
}

static void note_handle(struct nft_batch *b, const struct nlmsghdr *h)
{
    const struct nlattr *a;
    unsigned place = h->nlmsg_seq - b->first;
    if (h->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE) || place >= b->n)
        return;
    mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
    {
        if (mnl_attr_get_type(a) == NFTA_RULE_HANDLE && mnl_attr_validate(a, MNL_TYPE_U64) >= 0)
            b->handles[place] = be64toh(mnl_attr_get_u64(a));
    }
}

/* Reads what is said of the batch. True when there is no more to come. */
static bool read_reply(struct nft_batch *b, const struct nlmsghdr *h, int *err)
{
    note_handle(b, h);
    if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < mnl_nlmsg_size(sizeof(struct nlmsgerr)))
        return false;
    const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
    if (h->nlmsg_seq + 1 < b->first || h->nlmsg_seq - b->first + 1 > b->n)
        return false;
    if (e->error && !*err)
        *err = -e->error;
    bool is_whole = h->nlmsg_seq + 1 == b->first; /* the batch was not even looked at */
    return is_whole || h->nlmsg_seq == b->first + b->n - 1;
}

int nft_batch_send(struct nft_batch *b, struct netlink *nl)
{
    static const struct timeval patience = {.tv_sec = 2};
    char buf[REPLY_MAX];
    int err = 0;
    if (!b->n)
        return 0;
    put_mark(b, nl, NFNL_MSG_BATCH_END);
    setsockopt(mnl_socket_get_fd(nl->socket), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (mnl_socket_sendto(nl->socket, b->bytes, b->len) < 0)
        return errno;
    for (;;) {
        ssize_t n = mnl_socket_recvfrom(nl->socket, buf, sizeof(buf));
        int left = (int)n;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err ? err : errno;
        for (const struct nlmsghdr *h = (const void *)buf; mnl_nlmsg_ok(h, left);
             h = mnl_nlmsg_next(h, &left)) {
            if (read_reply(b, h, &err))
                return err;
        }
    }
}
