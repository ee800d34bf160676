/* SPDX-License-Identifier: Apache-2.0 */
/* Messages about SAs that the kernel has, by which it finds them: see xfrm_msg.h. */
#include "sys/xfrm_msg.h"
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* Newer than the headers of older systems; a number and a layout of the kernel's interface (Linux 7.2). */
#define XFRM_MSG_MIGRATE_STATE_NR 0x29
struct migrate_state {
    struct xfrm_usersa_id id;
    xfrm_address_t daddr, saddr; /* the new ones, and so on */
    struct xfrm_mark old_mark;
    struct xfrm_selector sel;
    uint32_t reqid, flags;
    uint16_t family, reserved;
};

#define CPI_MAX 0xffff

static struct xfrm_usersa_id wire_id(const struct xfrm_state_id *id)
{
    return (struct xfrm_usersa_id){.daddr = xfrm_address(id->dst),
                                   .spi = htonl(id->spi),
                                   .family = xfrm_family(id->dst),
                                   .proto = id->proto};
}

struct nlmsghdr *xfrm_state_id_message(void *buf, uint16_t type, const struct xfrm_state_id *id)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = type;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (type == XFRM_MSG_DELSA ? NLM_F_ACK : 0));
    struct xfrm_usersa_id *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    *m = wire_id(id);
    xfrm_put_mark(h, id->mark);
    return h;
}

struct nlmsghdr *xfrm_larval_message(void *buf, const struct xfrm_seen_acquire *w)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = XFRM_MSG_ALLOCSPI;
    h->nlmsg_flags = NLM_F_REQUEST;
    struct xfrm_userspi_info *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    bool is_comp = w->id.proto == IPPROTO_COMP;
    m->info.id.daddr = xfrm_address(w->id.dst);
    m->info.id.proto = w->id.proto;
    m->info.saddr = xfrm_address(w->src);
    m->info.family = xfrm_family(w->id.dst);
    m->info.seq = w->seq;
    m->info.reqid = w->reqid;
    m->info.mode = w->mode;
    m->min = is_comp ? 0x100 : 0xc0000000;
    m->max = is_comp ? CPI_MAX : UINT32_MAX;
    xfrm_put_mark(h, w->id.mark);
    if (w->cpu.is_set)
        mnl_attr_put_u32(h, XFRMA_SA_PCPU_NR, w->cpu.number);
    return h;
}

/* What is not said stays as it is: keys, numbers, windows, totals, marks. */
struct nlmsghdr *xfrm_migrate_message(void *buf, const struct xfrm_state_id *from, const struct esp_sa *to,
                                      const struct xfrm_can *can)
{
    const struct xfrm_encap_tmpl none = {0};
    struct xfrm_state_id id = xfrm_state_id_of(to, false);
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = XFRM_MSG_MIGRATE_STATE_NR;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    struct migrate_state *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->id = wire_id(from);
    m->old_mark = (struct xfrm_mark){.v = from->mark.value & from->mark.mask, .m = from->mark.mask};
    m->daddr = xfrm_address(id.dst);
    m->saddr = xfrm_address(to->direction == SA_IN ? to->remote.ip : to->local.ip);
    m->family = xfrm_family(id.dst);
    m->reqid = to->reqid;
    m->sel = xfrm_selector_of_sa(to);
    if (to->has_encap)
        xfrm_put_encap(h, to, can->mapping_pause);
    else
        mnl_attr_put(h, XFRMA_ENCAP, sizeof(none), &none);
    return h;
}
