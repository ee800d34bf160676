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

struct ip sys_local_for(const struct connection *c, struct ip remote)
{
    struct ip given = first_address(c->local_addrs, c->n_local_addrs, remote.family);
    return given.family ? given : sys_local_address(remote);
}

void sys_refresh_local(struct connection *c)
{
    if (!c->resolved_remote.family)
        return;
    c->resolved_local = sys_local_for(c, c->resolved_remote);
    for (uint8_t i = 0; i < c->n_further; i++)
        c->further[i].local = sys_local_for(c, c->further[i].remote);
}

/* The first one is where attempts begin. */
static void set_remotes(struct connection *c, const struct ip *v, size_t n)
{
    c->resolved_remote = n ? v[0] : (struct ip){0};
    c->resolved_local = first_address(c->local_addrs, c->n_local_addrs, c->resolved_remote.family);
    c->n_further = 0;
    for (size_t i = 1; i < n && c->n_further < CONNECTION_FURTHER; i++)
        c->further[c->n_further++].remote = v[i];
    sys_refresh_local(c);
}

/* A configured local address decides the family of the peer's. */
uint8_t sys_local_family(const struct connection *c)
{
    return first_address(c->local_addrs, c->n_local_addrs, 0).family;
}

void sys_resolve_config(struct config *c)
{
    for (size_t i = 0; i < c->n_connections; i++) {
        struct connection *conn = (struct connection *)c->connections[i];
        struct ip v[1 + CONNECTION_FURTHER];
        size_t n = 0;
        for (size_t k = 0; k < conn->n_remote_addrs && n < ARRAY_LEN(v); k++) {
            const struct host_spec *h = &conn->remote_addrs[k];
            uint8_t family = sys_local_family(conn);
            if (is_single(h) && (!family || h->from.family == family))
                v[n++] = h->from;
        }
        set_remotes(conn, v, n);
    }
}

/* ---- names */

/* The name of a connection whose peer is known by that alone. */
static const char *peer_name(const struct connection *c)
{
    if (first_address(c->remote_addrs, c->n_remote_addrs, sys_local_family(c)).family)
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
        l->v[l->n++].family = sys_local_family(conn);
    }
    if (l->n)
        return l;
    name_lookup_free(l);
    return NULL;
}

static size_t look_up(const char *name, uint8_t family, struct ip *v, size_t cap)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG}, *all = NULL;
    size_t n = 0;
    hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
    if (getaddrinfo(name, NULL, &hints, &all) != 0)
        return 0;
    for (struct addrinfo *i = all; i && n < cap; i = i->ai_next) {
        struct sockaddr_storage sa = {0};
        struct endpoint e;
        memcpy(&sa, i->ai_addr, i->ai_addrlen);
        sockaddr_to(&sa, &e);
        if (e.ip.family)
            v[n++] = e.ip;
    }
    freeaddrinfo(all);
    return n;
}

size_t sys_addresses_of(const struct gateway *g, uint8_t family, struct ip *v, size_t cap)
{
    if (g->name)
        return look_up(g->name, family, v, cap);
    v[0] = g->ip;
    return g->ip.family && cap > 0;
}

void name_lookup_run(struct name_lookup *l)
{
    for (size_t i = 0; i < l->n; i++)
        l->v[i].n = look_up(l->v[i].name, l->v[i].family, l->v[i].answers, ARRAY_LEN(l->v[i].answers));
}

/* Servers give their answers in turn: the address in use stays the first one. */
static void keep_first(struct ip *v, size_t n, struct ip known)
{
    for (size_t i = 1; i < n; i++) {
        if (!ip_equal(v[i], known))
            continue;
        v[i] = v[0];
        v[0] = known;
        return;
    }
}

void name_lookup_apply(const struct name_lookup *l, const struct config *c)
{
    char text[IP_TEXT_MAX];
    for (size_t i = 0; i < c->n_connections; i++) {
        struct connection *conn = (struct connection *)c->connections[i];
        const char *name = peer_name(conn);
        for (size_t k = 0; name && k < l->n; k++) {
            if (strcmp(l->v[k].name, name) != 0 || l->v[k].family != sys_local_family(conn))
                continue;
            struct ip *answers = l->v[k].answers;
            keep_first(answers, l->v[k].n, conn->resolved_remote);
            if (!l->v[k].n) { /* the last known address stays */
                if (!conn->resolved_remote.family)
                    log_line(GROUP_CFG, LOG_WARN, "%s: %s does not resolve; looked up again later",
                             conn->name, name);
            } else {
                if (!ip_equal(answers[0], conn->resolved_remote))
                    log_line(GROUP_CFG, LOG_NOTICE, "%s: %s is %s", conn->name, name,
                             ip_format(answers[0], text));
                set_remotes(conn, answers, l->v[k].n);
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
