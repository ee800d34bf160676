/* SPDX-License-Identifier: Apache-2.0 */
/* UDP ports of single connections (local_port), beside the daemon's own: opened when a configuration that
 * names them is loaded, and kept until the end, because SAs of an older one may go on using them. */
#include "base/log.h"
#include "sys/loop_impl.h"

static const struct udp_watch *find(const struct loop *l, uint8_t family, uint16_t port)
{
    for (size_t i = 0; i < l->n_ports; i++) {
        if (l->ports[i].sock.port == port && l->ports[i].sock.family == family)
            return &l->ports[i];
    }
    return NULL;
}

static void open_port(struct loop *l, uint8_t family, uint16_t port, const struct connection *c)
{
    struct diag d;
    char text[1024];
    struct udp_watch *w = &l->ports[l->n_ports];
    diag_clear(&d);
    if (find(l, family, port) || (family == 6 && l->ike[1].sock.fd < 0))
        return;
    if (l->n_ports == ARRAY_LEN(l->ports)) {
        log_line(GROUP_CFG, LOG_ERR, "%s: local_port %u is not opened: %d ports are open already", c->name,
                 port, LOOP_PORTS_MAX);
        return;
    }
    if (!sock_open_udp(&w->sock, family, port, false, &d)) {
        log_line(GROUP_CFG, LOG_ERR, "%s: local_port: %s", c->name, diag_format(&d, text, sizeof(text)));
        return;
    }
    l->n_ports++;
    loop_kernel_bypass(l, &w->sock);
    loop_watch_socket(l, w);
    log_line(GROUP_CFG, LOG_NOTICE, "%s: IKE uses UDP port %u (IPv%u) too", c->name, port, family);
}

void loop_open_ports(struct loop *l, const struct config *config)
{
    for (size_t i = 0; i < config->n_connections; i++) {
        const struct connection *c = config->connections[i];
        uint16_t port = c->local_port;
        /* 500 means the daemon's port, whatever it is: see connections.c */
        if (port == 0 || port == 500 || port == l->ike[0].sock.port || port == l->port_natt)
            continue;
        open_port(l, 4, port, c);
        open_port(l, 6, port, c);
    }
}

void loop_close_ports(struct loop *l)
{
    for (size_t i = 0; i < l->n_ports; i++)
        sock_close(&l->ports[i].sock);
    l->n_ports = 0;
}

const struct sock *loop_ike_socket(const struct loop *l, uint8_t family, uint16_t port)
{
    const struct udp_watch *w = find(l, family, port);
    return w ? &w->sock : &l->ike[family == 4 ? 0 : 1].sock;
}
