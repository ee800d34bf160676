/* SPDX-License-Identifier: Apache-2.0 */
/* Which interfaces a configuration wants, and their rtnetlink messages, without a socket: see interfaces.h.
 */
#include "base/log.h"
#include "sys/interfaces_impl.h"
#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is wanted */

static struct interface_spec spec_of(const struct connection *c, const struct child_config *child)
{
    const struct kernel_options *k = &child->kernel;
    struct interface_spec s = {
        .kind = k->interface.kind, .address = k->interface.address, .bits = k->interface.bits};
    memcpy(s.name, k->interface.name, sizeof(s.name));
    if (s.kind == INTERFACE_XFRM) {
        s.if_id = k->out.if_id;
        return s;
    }
    s.ikey = k->in.mark.value;
    s.okey = k->out.mark.value;
    s.local = c->resolved_local;
    s.remote = c->resolved_remote;
    return s;
}

/* False when it is another one. */
static bool merge(struct interface_spec *into, const struct interface_spec *s)
{
    if (into->kind != s->kind || into->if_id != s->if_id || into->ikey != s->ikey || into->okey != s->okey)
        return false;
    if (!ip_equal(into->local, s->local))
        into->local = (struct ip){.family = into->local.family};
    if (!ip_equal(into->remote, s->remote))
        into->remote = (struct ip){.family = into->remote.family};
    if (!into->address.family) {
        into->address = s->address;
        into->bits = s->bits;
    }
    return true;
}

static bool is_kernels(const struct config *c, const struct connection *conn)
{
    enum dataplane_choice choice = conn->dataplane ? conn->dataplane : c->settings.dataplane;
    return choice != DATAPLANE_USER;
}

struct interface_spec *interfaces_wanted(const struct config *c, size_t *n)
{
    struct interface_spec *v = NULL;
    size_t cap = 0;
    *n = 0;
    for (size_t i = 0; i < c->n_connections; i++) {
        const struct connection *conn = c->connections[i];
        for (size_t k = 0; is_kernels(c, conn) && k < conn->n_children; k++) {
            struct interface_spec s = spec_of(conn, &conn->children[k]);
            size_t at = 0;
            while (at < *n && strcmp(v[at].name, s.name) != 0)
                at++;
            if (!s.name[0] || at == INTERFACES_MAX)
                continue;
            if (at < *n) {
                if (!merge(&v[at], &s))
                    log_line(GROUP_KNL, LOG_WARN,
                             "connection %s wants the interface %s otherwise than one before it", conn->name,
                             s.name);
                continue;
            }
            if (*n == cap) {
                cap = cap ? 2 * cap : 8;
                v = realloc(v, cap * sizeof(*v));
                if (!v)
                    abort();
            }
            v[(*n)++] = s;
        }
    }
    return v;
}

/* ---- messages */

static struct nlmsghdr *link_header(void *buf, uint16_t type, uint16_t flags, int index, unsigned change)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = type;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->ifi_family = AF_UNSPEC;
    m->ifi_index = index;
    m->ifi_flags = m->ifi_change = change;
    return h;
}

static bool is_ipv6(const struct interface_spec *s)
{
    return s->local.family == 6 || s->remote.family == 6;
}

static void put_vti(struct nlmsghdr *h, const struct interface_spec *s)
{
    const size_t len = is_ipv6(s) ? 16 : 4;
    mnl_attr_put(h, IFLA_VTI_LOCAL, len, s->local.b);
    mnl_attr_put(h, IFLA_VTI_REMOTE, len, s->remote.b);
    mnl_attr_put_u32(h, IFLA_VTI_IKEY, htonl(s->ikey));
    mnl_attr_put_u32(h, IFLA_VTI_OKEY, htonl(s->okey));
}

/* Without IFLA_XFRM_LINK: packets leave as their outer addresses are routed, also after a move. */
struct nlmsghdr *interface_message(void *buf, const struct interface_spec *s)
{
    struct nlmsghdr *h = link_header(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, 0);
    mnl_attr_put_strz(h, IFLA_IFNAME, s->name);
    struct nlattr *info = mnl_attr_nest_start(h, IFLA_LINKINFO);
    mnl_attr_put_strz(h, IFLA_INFO_KIND, s->kind == INTERFACE_XFRM ? "xfrm" : is_ipv6(s) ? "vti6" : "vti");
    struct nlattr *data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
    if (s->kind == INTERFACE_XFRM)
        mnl_attr_put_u32(h, IFLA_XFRM_IF_ID, s->if_id);
    else
        put_vti(h, s);
    mnl_attr_nest_end(h, data);
    mnl_attr_nest_end(h, info);
    return h;
}

struct nlmsghdr *interface_up_message(void *buf, int index, const char *alias)
{
    struct nlmsghdr *h = link_header(buf, RTM_NEWLINK, 0, index, IFF_UP);
    mnl_attr_put_strz(h, IFLA_IFALIAS, alias);
    return h;
}

struct nlmsghdr *interface_del_message(void *buf, int index)
{
    return link_header(buf, RTM_DELLINK, 0, index, 0);
}
