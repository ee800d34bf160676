/* SPDX-License-Identifier: Apache-2.0 */
/* See linkpath.h. */
#include "sys/linkpath.h"
#include "sys/firewall.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REVIEW_EVERY TIME_SECOND
#define QUIET_FOR    (10 * TIME_SECOND) /* without a firewall, before packet sockets are used again */
#define OWN_RECENT   4

struct linkpath {
    enum esp_path wanted;
    unsigned n;
    int raw4, raw6; /* -1: no such family */
    struct linkfilter filter;
    struct linkring **rings[2]; /* for IPv4 and IPv6; NULL: none */
    struct linksend **senders;
    struct firewall *firewall;
    atomic_bool is_on;
    int64_t review_at, quiet_since;
    struct ip own[OWN_RECENT]; /* told to the filter already */
    size_t n_own;
};

/* ---- switching */

/* A family at a time. Where both see a packet during the change, ESP's replay window drops one of them. */
static bool switch_family(struct linkpath *l, uint8_t family, bool on)
{
    int raw = family == 4 ? l->raw4 : l->raw6;
    struct linkring **rings = l->rings[family == 6];
    bool ok = true;
    if (!rings)
        return true;
    if (!on)
        sock_leave_kernels(&(struct sock){.fd = raw, .family = family});
    for (unsigned i = 0; i < l->n; i++) {
        int fd = linkring_fd(rings[i]);
        ok = (on ? linkfilter_attach(&l->filter, fd, family, true) : linkfilter_detach(fd)) && ok;
    }
    return on ? ok && linkfilter_attach(&l->filter, raw, family, false) : ok;
}

static bool switch_to(struct linkpath *l, bool on)
{
    bool ok = switch_family(l, 4, on) && switch_family(l, 6, on);
    if (on && !ok) {
        switch_family(l, 4, false);
        switch_family(l, 6, false);
    }
    atomic_store(&l->is_on, on && ok);
    return ok;
}

/* ---- opening */

static bool open_rings(struct linkpath *l, uint8_t family, struct diag *d)
{
    struct linkring **rings = calloc(l->n, sizeof(struct linkring *));
    if (!rings)
        abort();
    l->rings[family == 6] = rings;
    return linkring_open(rings, l->n, family, d);
}

static bool open_senders(struct linkpath *l, struct diag *d)
{
    l->senders = calloc(l->n, sizeof(struct linksend *));
    if (!l->senders)
        abort();
    for (unsigned i = 0; i < l->n; i++) {
        if (!(l->senders[i] = linksend_open(d)))
            return false;
    }
    return true;
}

static bool open_all(struct linkpath *l, struct diag *d)
{
    return linkfilter_open(&l->filter, d) && (l->raw4 < 0 || open_rings(l, 4, d)) &&
           (l->raw6 < 0 || open_rings(l, 6, d)) && open_senders(l, d);
}

static void close_all(struct linkpath *l)
{
    for (size_t f = 0; f < ARRAY_LEN(l->rings); f++) {
        for (unsigned i = 0; i < l->n && l->rings[f]; i++)
            linkring_close(l->rings[f][i]);
        free(l->rings[f]);
        l->rings[f] = NULL;
    }
    for (unsigned i = 0; i < l->n && l->senders; i++)
        linksend_close(l->senders[i]);
    free(l->senders);
    l->senders = NULL;
    linkfilter_close(&l->filter);
}

static bool is_open(const struct linkpath *l)
{
    return l->senders;
}

struct linkpath *linkpath_open(enum esp_path wanted, unsigned n_workers, const struct sock *esp4,
                               const struct sock *esp6, int64_t now, char text[LINKPATH_TEXT])
{
    struct linkpath *l = calloc(1, sizeof(*l));
    struct diag d = {0};
    char why[96] = "";
    if (!l)
        abort();
    *l = (struct linkpath){.wanted = wanted, .n = n_workers, .raw4 = esp4->fd, .raw6 = esp6->fd};
    l->filter.own = l->filter.notes = -1;
    for (int i = 0; i < 2; i++)
        l->filter.ring[i] = l->filter.raw[i] = -1;
    if (wanted == ESP_PATH_RAW) {
        snprintf(text, LINKPATH_TEXT, "protocol 50 through raw sockets (esp_path = raw)");
        return l;
    }
    if (!open_all(l, &d)) {
        close_all(l);
        snprintf(text, LINKPATH_TEXT, "protocol 50 through raw sockets: %.120s", d.what);
        return l;
    }
    l->firewall = firewall_open();
    l->review_at = now + REVIEW_EVERY;
    if (wanted == ESP_PATH_AUTO && firewall_is_there(l->firewall, why, sizeof(why)))
        snprintf(text, LINKPATH_TEXT, "protocol 50 through raw sockets, because of %s", why);
    else if (switch_to(l, true))
        snprintf(text, LINKPATH_TEXT, "protocol 50 through packet sockets");
    else
        snprintf(text, LINKPATH_TEXT, "protocol 50 through raw sockets: a filter is refused");
    return l;
}

void linkpath_close(struct linkpath *l)
{
    if (!l)
        return;
    close_all(l);
    firewall_close(l->firewall);
    free(l);
}

/* ---- in operation */

bool linkpath_review(struct linkpath *l, int64_t now, char text[LINKPATH_TEXT])
{
    char why[96] = "";
    if (!is_open(l) || l->wanted != ESP_PATH_AUTO || now < l->review_at)
        return false;
    l->review_at = now + REVIEW_EVERY;
    bool has_firewall = firewall_is_there(l->firewall, why, sizeof(why));
    if (has_firewall)
        l->quiet_since = now;
    if (has_firewall == !linkpath_is_on(l) || (!has_firewall && now - l->quiet_since < QUIET_FOR))
        return false;
    if (!switch_to(l, !has_firewall))
        return false;
    if (has_firewall)
        snprintf(text, LINKPATH_TEXT, "protocol 50 through raw sockets from now on, because of %s", why);
    else
        snprintf(text, LINKPATH_TEXT, "protocol 50 through packet sockets from now on");
    return true;
}

void linkpath_add_own(struct linkpath *l, struct ip ip)
{
    if (!is_open(l) || ip_is_unspecified(ip))
        return;
    for (size_t i = 0; i < l->n_own && i < OWN_RECENT; i++) {
        if (ip_equal(l->own[i], ip))
            return;
    }
    linkfilter_add_own(&l->filter, ip); /* too many: the raw socket's */
    l->own[l->n_own++ % OWN_RECENT] = ip;
}

struct linkring *linkpath_ring(const struct linkpath *l, unsigned worker, uint8_t family)
{
    struct linkring **rings = l->rings[family == 6];
    return rings ? rings[worker] : NULL;
}

struct linksend *linkpath_sender(const struct linkpath *l, unsigned worker)
{
    return l->senders ? l->senders[worker] : NULL;
}

bool linkpath_is_on(const struct linkpath *l)
{
    return atomic_load_explicit(&l->is_on, memory_order_relaxed);
}
