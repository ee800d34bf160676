/* SPDX-License-Identifier: Apache-2.0 */
/* See resolve.h. */
#include "sys/resolve.h"
#include "base/log.h"
#include "sys/sock.h"
#include <netdb.h>
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

/* The first address of a name; family 0 takes either. */
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

/* The first entry that is, or resolves to, one address. */
static struct ip first_address(const struct host_spec *v, size_t n, uint8_t family, bool *has_unresolved)
{
    for (size_t i = 0; i < n; i++) {
        struct ip ip = {0};
        if (is_single(&v[i]))
            ip = v[i].from;
        if (v[i].fqdn) {
            ip = look_up(v[i].fqdn, family);
            *has_unresolved |= ip.family == 0;
        }
        if (ip.family && (!family || ip.family == family))
            return ip;
    }
    return (struct ip){0};
}

static bool resolve_connection(struct connection *c)
{
    bool has_unresolved = false, ignored = false;
    /* a configured local address decides the family of the peer's name */
    struct ip local = first_address(c->local_addrs, c->n_local_addrs, 0, &has_unresolved);
    c->resolved_remote = first_address(c->remote_addrs, c->n_remote_addrs, local.family, &has_unresolved);
    uint8_t family = c->resolved_remote.family;
    c->resolved_local = first_address(c->local_addrs, c->n_local_addrs, family, &ignored);
    if (!c->resolved_local.family && family)
        c->resolved_local = sys_local_address(c->resolved_remote);
    if (has_unresolved)
        log_line(LOG_WARN, "%s: a host name does not resolve; looked up again later", c->name);
    return !has_unresolved;
}

size_t sys_resolve_config(struct config *c)
{
    size_t unresolved = 0;
    for (size_t i = 0; i < c->n_connections; i++) {
        /* nobody else holds the snapshot yet: only to its readers is it constant */
        unresolved += !resolve_connection((struct connection *)c->connections[i]);
    }
    return unresolved;
}
