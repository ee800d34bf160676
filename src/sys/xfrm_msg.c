/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that add SAs and set their counters: see xfrm_msg.h. With IPComp the one record makes two SAs:
 * IPComp's, which has the mode, and around it ESP's or AH's in transport mode [RFC3173#2]. */
#include "sys/xfrm_msg.h"
#include "base/secret.h"
#include "sys/sock.h"
#include "sys/xfrm_alg.h"
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* Newer than the headers of older systems; numbers of the kernel's interface. */
#define SA_DIR_IN          1
#define SA_DIR_OUT         2
#define XFRM_MODE_IPTFS_NR 5

#define LEGACY_WINDOW 32 /* packets that the old form of the replay window has */
#define MAPPING_PAUSE 1  /* seconds in which a peer's new address is told once */

xfrm_address_t xfrm_address(struct ip ip)
{
    xfrm_address_t a = {0};
    memcpy(&a, ip.b, ip_len(ip));
    return a;
}

struct ip xfrm_ip(const xfrm_address_t *a, uint16_t family)
{
    struct ip ip = {.family = family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0};
    memcpy(ip.b, a, ip_len(ip));
    return ip;
}

uint16_t xfrm_family(struct ip ip)
{
    return ip.family == 4 ? AF_INET : ip.family == 6 ? AF_INET6 : AF_UNSPEC;
}

static const struct kernel_side *side_of(const struct esp_sa *sa)
{
    return sa->direction == SA_IN ? &sa->kernel.in : &sa->kernel.out;
}

static struct mark mark_of(const struct esp_sa *sa)
{
    if (sa->direction == SA_IN && !sa->kernel.marks_inbound_sa)
        return (struct mark){0};
    return side_of(sa)->mark;
}

struct xfrm_state_id xfrm_state_id_of(const struct esp_sa *sa, bool is_comp)
{
    return (struct xfrm_state_id){
        .dst = sa->direction == SA_IN ? sa->local.ip : sa->remote.ip,
        .spi = is_comp ? sa->cpi : sa->spi,
        .proto = is_comp     ? IPPROTO_COMP
                 : sa->is_ah ? IPPROTO_AH
                             : IPPROTO_ESP,
        .mark = mark_of(sa),
    };
}

/* ---- small attributes */

void xfrm_put_mark(struct nlmsghdr *h, struct mark mark)
{
    struct xfrm_mark m = {.v = mark.value & mark.mask, .m = mark.mask};
    if (mark.mask)
        mnl_attr_put(h, XFRMA_MARK, sizeof(m), &m);
}

uint8_t xfrm_mode(enum child_mode m)
{
    static const uint8_t numbers[] = {
        [MODE_TUNNEL] = XFRM_MODE_TUNNEL,
        [MODE_TRANSPORT] = XFRM_MODE_TRANSPORT,
        [MODE_BEET] = XFRM_MODE_BEET,
        [MODE_IPTFS] = XFRM_MODE_IPTFS_NR,
    };
    return numbers[m];
}

static uint8_t mode_number(const struct xfrm_state_spec *s)
{
    return s->sa->cpi && !s->is_comp ? XFRM_MODE_TRANSPORT : xfrm_mode(s->sa->mode);
}

/* What comes out of a child's own interface sealed must not be routed into it again. */
static bool leaves_interface(const struct esp_sa *sa)
{
    return sa->direction == SA_OUT && sa->kernel.interface.name[0];
}

static void put_set_mark(struct nlmsghdr *h, const struct esp_sa *sa, bool can)
{
    const struct kernel_side *side = side_of(sa);
    bool is_same = sa->direction == SA_IN ? sa->kernel.is_set_mark_same_in : sa->kernel.is_set_mark_same_out;
    uint32_t value = is_same ? side->mark.value : side->set_mark.value;
    uint32_t mask = is_same && !side->set_mark.mask ? side->mark.mask : side->set_mark.mask;
    if (!mask && can && leaves_interface(sa)) {
        value = SOCK_FWMARK;
        mask = UINT32_MAX;
    }
    if (!mask)
        return;
    mnl_attr_put_u32(h, XFRMA_SET_MARK, value);
    mnl_attr_put_u32(h, XFRMA_SET_MARK_MASK, mask);
}

void xfrm_put_encap(struct nlmsghdr *h, const struct esp_sa *sa, bool can_pause)
{
    const struct endpoint *src = sa->direction == SA_IN ? &sa->remote : &sa->local;
    const struct endpoint *dst = sa->direction == SA_IN ? &sa->local : &sa->remote;
    struct xfrm_encap_tmpl e = {
        .encap_type = UDP_ENCAP_ESPINUDP, .encap_sport = htons(src->port), .encap_dport = htons(dst->port)};
    if (sa->port)
        e.encap_sport = htons(sa->port);
    if (sa->has_any_port)
        e.encap_sport = 0;
    mnl_attr_put(h, XFRMA_ENCAP, sizeof(e), &e);
    if (sa->direction == SA_IN && can_pause)
        mnl_attr_put_u32(h, XFRMA_MTIMER_THRESH_NR, MAPPING_PAUSE);
}

/* ---- algorithms */

static bool refuse(struct diag *d, const char *what)
{
    diag_set(d, FAIL_GENERIC, "%s", what);
    return false;
}

static bool no_name(struct diag *d, enum transform_type type, uint16_t id)
{
    const struct xfrm_alg *x = xfrm_alg_find(type, id);
    char name[64];
    alg_format(type, id, 0, name, sizeof(name));
    diag_set(d, FAIL_PROPOSAL, "the kernel's IPsec has no %s%s%s", name, x && x->why_not ? ": " : "",
             x && x->why_not ? x->why_not : "");
    return false;
}

static bool put_aead(struct nlmsghdr *h, const struct esp_sa *sa, const struct alg *a, const char *name)
{
    struct {
        struct xfrm_algo_aead head;
        uint8_t key[SA_KEY_MAX];
    } v = {
        .head = {.alg_key_len = sa->encr_key_len * 8u, .alg_icv_len = a->icv * 8u}
    };
    strncpy(v.head.alg_name, name, sizeof(v.head.alg_name) - 1);
    memcpy(v.head.alg_key, sa->encr_key, sa->encr_key_len);
    mnl_attr_put(h, XFRMA_ALG_AEAD, sizeof(v.head) + sa->encr_key_len, &v);
    secret_wipe(&v, sizeof(v));
    return true;
}

static bool put_cipher(struct nlmsghdr *h, const struct esp_sa *sa, const char *name)
{
    struct {
        struct xfrm_algo head;
        uint8_t key[SA_KEY_MAX];
    } v = {.head = {.alg_key_len = sa->encr_key_len * 8u}};
    strncpy(v.head.alg_name, name, sizeof(v.head.alg_name) - 1);
    memcpy(v.head.alg_key, sa->encr_key, sa->encr_key_len);
    mnl_attr_put(h, XFRMA_ALG_CRYPT, sizeof(v.head) + sa->encr_key_len, &v);
    secret_wipe(&v, sizeof(v));
    return true;
}

static bool put_integ(struct nlmsghdr *h, const struct esp_sa *sa, struct diag *d)
{
    const struct alg *a = alg_find(TRANSFORM_INTEG, sa->integ);
    const struct xfrm_alg *x = xfrm_alg_find(TRANSFORM_INTEG, sa->integ);
    struct {
        struct xfrm_algo_auth head;
        uint8_t key[SA_KEY_MAX];
    } v = {.head = {.alg_key_len = sa->integ_key_len * 8u}};
    if (!a || !x || !x->name)
        return no_name(d, TRANSFORM_INTEG, sa->integ);
    v.head.alg_trunc_len = a->icv * 8u;
    strncpy(v.head.alg_name, x->name, sizeof(v.head.alg_name) - 1);
    memcpy(v.head.alg_key, sa->integ_key, sa->integ_key_len);
    mnl_attr_put(h, XFRMA_ALG_AUTH_TRUNC, sizeof(v.head) + sa->integ_key_len, &v);
    secret_wipe(&v, sizeof(v));
    return true;
}

static bool put_deflate(struct nlmsghdr *h)
{
    struct xfrm_algo a = {.alg_name = "deflate"};
    mnl_attr_put(h, XFRMA_ALG_COMP, sizeof(a), &a);
    return true;
}

static bool put_algorithms(struct nlmsghdr *h, const struct xfrm_state_spec *s, struct diag *d)
{
    const struct esp_sa *sa = s->sa;
    if (s->is_comp)
        return put_deflate(h);
    if (sa->is_ah)
        return put_integ(h, sa, d);
    const struct alg *a = alg_find(TRANSFORM_ENCR, sa->encr);
    const struct xfrm_alg *x = xfrm_alg_find(TRANSFORM_ENCR, sa->encr);
    if (!a || !x || !x->name)
        return no_name(d, TRANSFORM_ENCR, sa->encr);
    if (a->is_aead)
        return put_aead(h, sa, a, x->name);
    return put_cipher(h, sa, x->name) && put_integ(h, sa, d);
}

/* ---- sequence numbers */

/* A sender has no window; where the kernel cannot be told that an SA sends, it wants one of ESN all the same.
 * ESN without a window is nothing that the kernel has: the widest one disturbs least. */
static uint32_t window_of(const struct esp_sa *sa, const struct xfrm_can *can)
{
    if (sa->direction == SA_OUT)
        return sa->has_esn && !can->direction ? 1 : 0;
    if (sa->has_esn && !sa->replay_window)
        return XFRM_WINDOW_MAX;
    return sa->replay_window < XFRM_WINDOW_MAX ? sa->replay_window : XFRM_WINDOW_MAX;
}

static bool has_long_form(const struct esp_sa *sa, const struct xfrm_can *can)
{
    return sa->has_esn || window_of(sa, can) > LEGACY_WINDOW;
}

static void put_long_replay(struct nlmsghdr *h, const struct esp_sa *sa, uint32_t window, uint64_t oseq,
                            const struct xfrm_carry *carry)
{
    struct {
        struct xfrm_replay_state_esn head;
        uint32_t bitmap[XFRM_WINDOW_MAX / 32];
    } v = {
        .head = {.bmp_len = (window + 31) / 32, .replay_window = window}
    };
    v.head.oseq = (uint32_t)oseq;
    v.head.oseq_hi = sa->has_esn ? (uint32_t)(oseq >> 32) : 0;
    if (carry && sa->direction == SA_IN) {
        v.head.seq = (uint32_t)carry->seq;
        v.head.seq_hi = sa->has_esn ? (uint32_t)(carry->seq >> 32) : 0;
        if (carry->n_words == v.head.bmp_len)
            memcpy(v.head.bmp, carry->bitmap, carry->n_words * sizeof(*carry->bitmap));
    }
    mnl_attr_put(h, XFRMA_REPLAY_ESN_VAL, sizeof(v.head) + v.head.bmp_len * sizeof(*v.bitmap), &v);
}

static uint64_t add_numbers(const struct esp_sa *sa, uint64_t from, uint64_t n)
{
    uint64_t last = sa->has_esn ? UINT64_MAX : UINT32_MAX;
    return n < last - from ? from + n
                           : last; /* one that comes to its end is found there by the next packet */
}

static void put_replay(struct nlmsghdr *h, const struct xfrm_state_spec *s)
{
    const struct esp_sa *sa = s->sa;
    uint32_t window = window_of(sa, s->can);
    uint64_t oseq = sa->direction == SA_OUT ? add_numbers(sa, s->carry ? s->carry->oseq : 0, sa->skip) : 0;
    if (has_long_form(sa, s->can)) {
        put_long_replay(h, sa, window, oseq, s->carry);
        return;
    }
    struct xfrm_replay_state v = {.oseq = (uint32_t)oseq};
    if (s->carry && sa->direction == SA_IN) {
        v.seq = (uint32_t)s->carry->seq;
        v.bitmap = s->carry->bitmap[0];
    }
    if (v.oseq || v.seq)
        mnl_attr_put(h, XFRMA_REPLAY_VAL, sizeof(v), &v);
}

/* ---- the whole */

static uint64_t limit(uint64_t n)
{
    return n ? n : XFRM_INF;
}

static void fill_limits(struct xfrm_lifetime_cfg *l, const struct esp_sa *sa, bool is_comp)
{
    *l = (struct xfrm_lifetime_cfg){.soft_byte_limit = limit(is_comp ? 0 : sa->soft_bytes),
                                    .hard_byte_limit = limit(is_comp ? 0 : sa->hard_bytes),
                                    .soft_packet_limit = limit(is_comp ? 0 : sa->soft_packets),
                                    .hard_packet_limit = limit(is_comp ? 0 : sa->hard_packets)};
}

static bool has_narrow_protocol(const struct esp_sa *sa)
{
    for (size_t i = 0; i < sa->n_local_ts; i++) {
        if (sa->local_ts[i].proto && !ts_is_icmp(&sa->local_ts[i]))
            return true;
    }
    return false;
}

static uint8_t flags_of(const struct xfrm_state_spec *s)
{
    const struct esp_sa *sa = s->sa;
    uint8_t mode = mode_number(s), flags = 0;
    bool is_out = sa->direction == SA_OUT;
    bool is_tunnel = mode == XFRM_MODE_TUNNEL || mode == XFRM_MODE_IPTFS_NR;
    if (is_tunnel)
        flags |= XFRM_STATE_AF_UNSPEC;
    if (is_tunnel && !sa->copies_ecn)
        flags |= XFRM_STATE_NOECN;
    if (is_tunnel && is_out && !sa->copies_df)
        flags |= XFRM_STATE_NOPMTUDISC;
    if (!is_out && (sa->copy_dscp == DSCP_IN || sa->copy_dscp == DSCP_YES))
        flags |= XFRM_STATE_DECAP_DSCP;
    if (!is_out && s->can->icmp &&
        has_narrow_protocol(sa)) /* [RFC4301#6.2] errors about what it carries are taken, too */
        flags |= XFRM_STATE_ICMP;
    if (sa->has_esn && !s->is_comp)
        flags |= XFRM_STATE_ESN;
    struct xfrm_state_id id = xfrm_state_id_of(sa, s->is_comp);
    if (id.proto == IPPROTO_AH &&
        id.dst.family == 4) /* [RFC4302#2.6] the kernel would align the ICV to 64 bits */
        flags |= XFRM_STATE_ALIGN4;
    return flags;
}

static void fill_info(struct xfrm_usersa_info *info, const struct xfrm_state_spec *s)
{
    const struct esp_sa *sa = s->sa;
    struct xfrm_state_id id = xfrm_state_id_of(sa, s->is_comp);
    info->id.daddr = xfrm_address(id.dst);
    info->id.spi = htonl(id.spi);
    info->id.proto = id.proto;
    info->saddr = xfrm_address(sa->direction == SA_IN ? sa->remote.ip : sa->local.ip);
    info->family = xfrm_family(id.dst);
    info->reqid = sa->reqid;
    info->mode = mode_number(s);
    info->flags = flags_of(s);
    if (!s->is_comp && !has_long_form(sa, s->can))
        info->replay_window = (uint8_t)window_of(sa, s->can);
    info->sel = xfrm_selector_of_sa(sa);
    fill_limits(&info->lft, sa, s->is_comp);
}

static bool is_host(const struct ts *ts, uint8_t n)
{
    return n == 1 && ip_equal(ts->from, ts->to);
}

static bool is_possible(const struct xfrm_state_spec *s, struct diag *d)
{
    const struct esp_sa *sa = s->sa;
    if (sa->encr_key_len > SA_KEY_MAX || sa->integ_key_len > SA_KEY_MAX)
        return refuse(d, "a key of the SA is too long");
    if (!sa->local.ip.family || sa->local.ip.family != sa->remote.ip.family)
        return refuse(d, "the outer addresses of the SA differ in family or are missing");
    if (sa->remote.stream)
        return refuse(d, "the kernel carries no ESP in TCP: use the userspace data plane");
    if (sa->mode == MODE_BEET &&
        !(is_host(sa->local_ts, sa->n_local_ts) && is_host(sa->remote_ts, sa->n_remote_ts)))
        return refuse(d, "BEET mode is for one address on either side");
    if (!sa->cpi)
        return true;
    if (sa->mode == MODE_BEET)
        return refuse(d, "the kernel has no IPComp in BEET mode");
    if (sa->mode == MODE_TUNNEL && sa->n_local_ts && sa->local_ts[0].from.family != sa->local.ip.family)
        return refuse(d, "the kernel has IPComp only where inner and outer addresses are of one family");
    return true;
}

static bool is_known(const struct xfrm_state_spec *s, struct diag *d)
{
    const struct kernel_side *side = side_of(s->sa);
    if (side->if_id && !s->can->if_id)
        return refuse(d, "this kernel knows no interface ids of SAs (if_id; Linux 4.19 has them)");
    if (side->set_mark.mask && !s->can->set_mark)
        return refuse(d, "this kernel's SAs set no marks with a mask (set_mark; Linux 4.19 has it)");
    if (s->sa->cpu.is_set && !s->can->cpu)
        return refuse(d, "this kernel binds no SAs to processors (pcpu; Linux 6.13 does)");
    if (s->sa->mode == MODE_IPTFS && !s->can->iptfs)
        return refuse(d, "this kernel's SAs have no IP-TFS mode (Linux 6.14 has it, with CONFIG_XFRM_IPTFS)");
    return true;
}

static void put_dress(struct nlmsghdr *h, const struct xfrm_state_spec *s)
{
    const struct esp_sa *sa = s->sa;
    bool is_out = sa->direction == SA_OUT;
    if (is_out && sa->tfc && mode_number(s) == XFRM_MODE_TUNNEL && !sa->is_ah && !s->is_comp)
        mnl_attr_put_u32(h, XFRMA_TFCPAD, sa->tfc);
    if (is_out && (sa->copy_dscp == DSCP_IN || sa->copy_dscp == DSCP_NO))
        mnl_attr_put_u32(h, XFRMA_SA_EXTRA_FLAGS, XFRM_SA_XFLAG_DONT_ENCAP_DSCP);
    if (sa->has_encap && !s->is_comp)
        xfrm_put_encap(h, sa, s->can->mapping_pause);
    if (s->can->direction)
        mnl_attr_put_u8(h, XFRMA_SA_DIR_NR, is_out ? SA_DIR_OUT : SA_DIR_IN);
    if (side_of(sa)->if_id)
        mnl_attr_put_u32(h, XFRMA_IF_ID, side_of(sa)->if_id);
    if (sa->cpu.is_set)
        mnl_attr_put_u32(h, XFRMA_SA_PCPU_NR, sa->cpu.number);
    if (sa->mode == MODE_IPTFS)
        xfrm_iptfs_put(h, sa);
    xfrm_put_mark(h, mark_of(sa));
    put_set_mark(h, sa, s->can->set_mark);
}

static void put_offload(struct nlmsghdr *h, const struct xfrm_state_spec *s)
{
    struct xfrm_user_offload o = {.ifindex = (int)s->device};
    if (s->is_comp || (s->offload != OFFLOAD_CRYPTO && s->offload != OFFLOAD_PACKET))
        return;
    o.flags = s->sa->direction == SA_IN ? XFRM_OFFLOAD_INBOUND : 0;
    if (s->offload == OFFLOAD_PACKET)
        o.flags |= XFRM_OFFLOAD_PACKET;
    mnl_attr_put(h, XFRMA_OFFLOAD_DEV, sizeof(o), &o);
}

struct nlmsghdr *xfrm_state_message(void *buf, const struct xfrm_state_spec *s, struct diag *d)
{
    if (!is_possible(s, d) || !is_known(s, d))
        return NULL;
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = XFRM_MSG_NEWSA;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    fill_info(mnl_nlmsg_put_extra_header(h, sizeof(struct xfrm_usersa_info)), s);
    if (!put_algorithms(h, s, d))
        return NULL;
    if (!s->is_comp)
        put_replay(h, s);
    if (s->carry)
        mnl_attr_put(h, XFRMA_LTIME_VAL, sizeof(s->carry->used), &s->carry->used);
    put_dress(h, s);
    put_offload(h, s);
    return h;
}

struct nlmsghdr *xfrm_counters_message(void *buf, const struct esp_sa *sa, const struct xfrm_can *can,
                                       const struct xfrm_carry *carry)
{
    struct xfrm_state_id id = xfrm_state_id_of(sa, false);
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = XFRM_MSG_NEWAE;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_REPLACE;
    struct xfrm_aevent_id *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->sa_id.daddr = xfrm_address(id.dst);
    m->sa_id.spi = htonl(id.spi);
    m->sa_id.family = xfrm_family(id.dst);
    m->sa_id.proto = id.proto;
    m->saddr = xfrm_address(sa->direction == SA_IN ? sa->remote.ip : sa->local.ip);
    m->reqid = sa->reqid;
    m->flags = XFRM_AE_RVAL;
    put_replay(h, &(struct xfrm_state_spec){.sa = sa, .can = can, .carry = carry});
    xfrm_put_mark(h, id.mark);
    return h;
}
