/* SPDX-License-Identifier: Apache-2.0 */
/* See resolve.h. The resolved addresses are the one part of a snapshot that changes under the engine: it
 * reads them when it begins an attempt, and all of that happens in the control thread. */
#include "sys/resolve.h"
#include "base/log.h"
#include "sys/sock.h"
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct ip sys_local_address(struct ip remote)
{
    struct ip found = {0};
    int mark = SOCK_FWMARK; /* the routes that IKE itself will take */
    struct endpoint to = {.ip = remote, .port = 500}, local;
    struct sockaddr_storage sa;
    socklen_t len = sockaddr_from(&to, &sa);
    int fd = socket(remote.family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return found;
    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
    if (connect(fd, (struct sockaddr *)&sa, len) == 0) {
        len = sizeof(sa);
        if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0) {
            sockaddr_to(&sa, &local);
            found = local.ip;
        }
    }
    close(fd);
    return found;
}

static bool is_single(const struct host_spec *h)
{
    return !h->is_any && !h->fqdn && !ip_is_unspecified(h->from) && ip_equal(h->from, h->to);
}

/* The first entry that is one address; family 0 takes either. */
static struct ip first_address(const struct host_spec *v, size_t n, uint8_t family)
{
    for (size_t i = 0; i < n; i++) {
        if (is_single(&v[i]) && (!family || v[i].from.family == family))
            return v[i].from;
    }
    return (struct ip){0};
}

void sys_refresh_local(struct connection *c)
{
    uint8_t family = c->resolved_remote.family;
    if (!family || first_address(c->local_addrs, c->n_local_addrs, family).family)
        return;
    c->resolved_local = sys_local_address(c->resolved_remote);
}

static void set_remote(struct connection *c, struct ip remote)
{
    c->resolved_remote = remote;
    c->resolved_local = first_address(c->local_addrs, c->n_local_addrs, remote.family);
    sys_refresh_local(c);
}

/* A configured local address decides the family of the peer's. */
static uint8_t local_family(const struct connection *c)
{
    return first_address(c->local_addrs, c->n_local_addrs, 0).family;
}

void sys_resolve_config(struct config *c)
{
    for (size_t i = 0; i < c->n_connections; i++) {
        struct connection *conn = (struct connection *)c->connections[i];
        set_remote(conn, first_address(conn->remote_addrs, conn->n_remote_addrs, local_family(conn)));
    }
}

/* ---- names */

/* The name of a connection whose peer is known by that alone. */
static const char *peer_name(const struct connection *c)
{
    if (first_address(c->remote_addrs, c->n_remote_addrs, local_family(c)).family)
        return NULL;
    for (size_t i = 0; i < c->n_remote_addrs; i++) {
        if (c->remote_addrs[i].fqdn)
            return c->remote_addrs[i].fqdn;
    }
    return NULL;
}

struct name_lookup *name_lookup_new(const struct config *c, bool only_unknown)
{
    struct name_lookup *l = calloc(1, sizeof(*l));
    if (!l || !(l->v = calloc(c->n_connections + 1, sizeof(*l->v))))
        abort();
    for (size_t i = 0; i < c->n_connections; i++) {
        const struct connection *conn = c->connections[i];
        const char *name = peer_name(conn);
        if (!name || (only_unknown && conn->resolved_remote.family))
            continue;
        snprintf(l->v[l->n].name, sizeof(l->v[l->n].name), "%s", name);
        l->v[l->n++].family = local_family(conn);
    }
    if (l->n)
        return l;
    name_lookup_free(l);
    return NULL;
}

static struct ip look_up(const char *name, uint8_t family)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG}, *all = NULL;
    struct ip found = {0};
    hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
    if (getaddrinfo(name, NULL, &hints, &all) != 0)
        return found;
    for (struct addrinfo *i = all; i && !found.family; i = i->ai_next) {
        struct sockaddr_storage sa = {0};
        struct endpoint e;
        memcpy(&sa, i->ai_addr, i->ai_addrlen);
        sockaddr_to(&sa, &e);
        found = e.ip;
    }
    freeaddrinfo(all);
    return found;
}

void name_lookup_run(struct name_lookup *l)
{
    for (size_t i = 0; i < l->n; i++)
        l->v[i].answer = look_up(l->v[i].name, l->v[i].family);
}

void name_lookup_apply(const struct name_lookup *l, const struct config *c)
{
    char text[IP_TEXT_MAX];
    for (size_t i = 0; i < c->n_connections; i++) {
        struct connection *conn = (struct connection *)c->connections[i];
        const char *name = peer_name(conn);
        for (size_t k = 0; name && k < l->n; k++) {
            if (strcmp(l->v[k].name, name) != 0 || l->v[k].family != local_family(conn))
                continue;
            struct ip answer = l->v[k].answer;
            if (!answer.family) { /* the last known address stays */
                if (!conn->resolved_remote.family)
                    log_line(LOG_WARN, "%s: %s does not resolve; looked up again later", conn->name, name);
            } else if (!ip_equal(answer, conn->resolved_remote)) {
                log_line(LOG_NOTICE, "%s: %s is %s", conn->name, name, ip_format(answer, text));
                set_remote(conn, answer);
            }
            break;
        }
    }
}

void name_lookup_free(struct name_lookup *l)
{
    if (!l)
        return;
    free(l->v);
    free(l);
}
