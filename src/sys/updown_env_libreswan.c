/* SPDX-License-Identifier: Apache-2.0 */
/* What an updown command of Libreswan's style is told: the variables of pluto 4.10 to 5.2, as a real one's
 * environment shows them. Two of them are as they are there and not as they are called: SPI_IN is the peer's
 * SPI and SPI_OUT ours. Different in userspace is PLUTO_VIRT_INTERFACE, the tunnel's device, where pluto says
 * NULL: plain packets of the tunnel do come from there. What stands for parts that Keyway has not got
 * (NetworkManager, Cisco, XAUTH) says that there is none. */
#include "sys/updown.h"
#include <stdio.h>

static char *mask_text(const struct prefix *p, char out[IP_TEXT_MAX])
{
    struct ip mask = {.family = p->ip.family};
    for (uint8_t i = 0; i < p->bits && i < 8 * sizeof(mask.b); i++)
        mask.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
    ip_format(mask, out);
    return out;
}

struct env {
    struct arena *a;
    char **v;
    size_t n;
};

#define VAR(e, ...)                                                                                          \
    ((e)->n + 1 < UPDOWN_VARS ? (e)->v[(e)->n++] = arena_printf((e)->a, __VA_ARGS__) : (char *)NULL)

static void put_end(struct env *e, const char *whose, struct ip host, const char *id,
                    const struct prefix *net, uint16_t port, uint8_t proto)
{
    char ip[IP_TEXT_MAX], mask[IP_TEXT_MAX];
    VAR(e, "PLUTO_%s=%s", strcmp(whose, "MY") == 0 ? "ME" : whose, ip_format(host, ip));
    VAR(e, "PLUTO_%s_ID=%s", whose, updown_safe_text(e->a, id));
    ip_format(net->ip, ip);
    VAR(e, "PLUTO_%s_CLIENT=%s/%u", whose, ip, net->bits);
    VAR(e, "PLUTO_%s_CLIENT_NET=%s", whose, ip);
    VAR(e, "PLUTO_%s_CLIENT_MASK=%s", whose, mask_text(net, mask));
    VAR(e, "PLUTO_%s_PORT=%u", whose, port);
    VAR(e, "PLUTO_%s_PROTOCOL=%u", whose, proto);
}

static const char *dns_text(struct arena *a, const struct updown *u)
{
    const char *text = "";
    char ip[IP_TEXT_MAX];
    for (uint8_t i = 0; i < u->n_dns; i++)
        text = arena_printf(a, "%s%s%s", text, i ? " " : "", ip_format(u->dns[i], ip));
    return text;
}

static void put_sa(struct env *e, const struct updown *u)
{
    bool is_there = u->ike_id != 0;
    VAR(e, "PLUTO_SA_REQID=%u", u->reqid);
    VAR(e, "PLUTO_SA_TYPE=%s", !is_there ? "none" : u->is_ah ? "AH" : "ESP");
    VAR(e, "PLUTO_ADDTIME=%lld", (long long)u->added);
    if (is_there) {
        VAR(e, "PLUTO_INBYTES=%llu", (unsigned long long)u->bytes_in);
        VAR(e, "PLUTO_OUTBYTES=%llu", (unsigned long long)u->bytes_out);
    }
    VAR(e, "SPI_IN=0x%x", u->spi_out);
    VAR(e, "SPI_OUT=0x%x", u->spi_in);
}

static void put_constants(struct env *e)
{
    static const char *const v[] = {
        "PLUTO_STACK=xfrm",      "PLUTO_PEER_CA=",        "PLUTO_PEER_BANNER=", "XAUTH_FAILED=0",
        "PLUTO_IS_PEER_CISCO=0", "PLUTO_NM_CONFIGURED=0", "VTI_SHARED=no"};
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        VAR(e, "%s", v[i]);
}

static void put_interface(struct env *e, const struct kernel_interface *k)
{
    bool is_vti = k->name[0] && k->kind == INTERFACE_VTI, is_routed = k->name[0] && k->is_routed;
    VAR(e, "PLUTO_XFRMI_ROUTE=%s", !is_vti && is_routed ? "yes" : "");
    VAR(e, "VTI_IFACE=%s", is_vti ? k->name : "");
    VAR(e, "VTI_ROUTING=%s", is_vti && is_routed ? "yes" : "no");
}

static const char *virtual_interface(const struct updown *u, const struct updown_ways *w)
{
    const struct kernel_interface *k = &u->kernel.interface;
    if (u->plane != PLANE_KERNEL)
        return w->device;
    return k->name[0] ? k->name : "NULL";
}

char **updown_env_libreswan(struct arena *a, const struct updown *u, const struct updown_pair *p,
                            const struct updown_ways *w)
{
    char ip[IP_TEXT_MAX];
    struct env e = {.a = a, .v = arena_calloc(a, UPDOWN_VARS, sizeof(*e.v))};
    VAR(&e, "PATH=" UPDOWN_PATH);
    VAR(&e, "PLUTO_VERB=%s", updown_full_verb(a, u, p));
    VAR(&e, "PLUTO_CONNECTION=%s", updown_safe_text(a, u->child));
    VAR(&e, "PLUTO_CONNECTION_TYPE=%s", child_mode_name(u->mode));
    VAR(&e, "PLUTO_VIRT_INTERFACE=%s", virtual_interface(u, w));
    VAR(&e, "PLUTO_INTERFACE=%s", w->interface);
    VAR(&e, "PLUTO_NEXT_HOP=%s", ip_format(w->next_hop.family ? w->next_hop : u->remote.ip, ip));
    VAR(&e, "PLUTO_CLIENT_FAMILY=ipv%u", p->local.ip.family);
    VAR(&e, "PLUTO_CONN_ADDRFAMILY=ipv%u", u->remote.ip.family);
    if (u->source.family)
        VAR(&e, "PLUTO_MY_SOURCEIP=%s", ip_format(u->source, ip));
    put_end(&e, "MY", u->local.ip, u->local_id, &p->local, p->local_port, p->proto);
    put_end(&e, "PEER", u->remote.ip, u->remote_id, &p->remote, p->remote_port, p->proto);
    put_sa(&e, u);
    VAR(&e, "PLUTO_CONN_POLICY=%s", u->policy);
    VAR(&e, "PLUTO_CONN_KIND=%s", u->has_instances ? "CK_INSTANCE" : "CK_PERMANENT");
    VAR(&e, "PLUTO_PEER_DNS_INFO=%s", dns_text(a, u));
    VAR(&e, "PLUTO_PEER_DOMAIN_INFO=%s", updown_safe_text(a, u->domains));
    VAR(&e, "PLUTO_CFG_SERVER=%u", u->is_server);
    VAR(&e, "PLUTO_CFG_CLIENT=%u", u->is_client);
    put_interface(&e, &u->kernel.interface);
    put_constants(&e);
    return e.v;
}
