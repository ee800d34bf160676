/* SPDX-License-Identifier: Apache-2.0 */
/* See interfaces.h. */
#include "sys/interfaces.h"
#include "base/log.h"
#include "sys/address.h"
#include "sys/interfaces_impl.h"
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what was there */

struct left {
    const char *owner;
    int index[INTERFACES_MAX];
    size_t n;
};

static int on_link(const struct nlmsghdr *h, void *ctx)
{
    struct left *left = ctx;
    const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
    const struct nlattr *a;
    mnl_attr_for_each(a, h, sizeof(*m))
    {
        if (mnl_attr_get_type(a) == IFLA_IFALIAS && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0 &&
            strcmp(mnl_attr_get_str(a), left->owner) == 0 && left->n < INTERFACES_MAX)
            left->index[left->n++] = m->ifi_index;
    }
    return MNL_CB_OK;
}

static int remove_index(struct interfaces *t, int index)
{
    char buf[MESSAGE_MAX];
    return netlink_ask(&t->nl, interface_del_message(buf, index), NULL, NULL);
}

static int remove_left(struct interfaces *t)
{
    char buf[MESSAGE_MAX];
    int removed = 0;
    struct left *left = calloc(1, sizeof(*left));
    if (!left)
        abort();
    left->owner = t->owner;
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = RTM_GETLINK;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
    netlink_ask(&t->nl, h, on_link, left);
    for (size_t i = 0; i < left->n; i++)
        removed += remove_index(t, left->index[i]) == 0;
    free(left);
    return removed;
}

static bool begin(struct interfaces *t, const char *run)
{
    struct diag d;
    *t = (struct interfaces){0};
    if (!netlink_open(&t->nl, NETLINK_ROUTE, &d))
        return false;
    snprintf(t->owner, sizeof(t->owner), "keyway %.100s", run);
    return true;
}

void interfaces_open(struct interfaces *t, const char *run)
{
    int n = begin(t, run) ? remove_left(t) : 0;
    if (n)
        log_line(GROUP_KNL, LOG_NOTICE, "removed %d interface%s that an earlier run left", n,
                 n > 1 ? "s" : "");
}

int interfaces_cleanup(const char *run)
{
    struct interfaces t;
    int n = begin(&t, run) ? remove_left(&t) : 0;
    if (t.owner[0])
        netlink_close(&t.nl);
    return n;
}

/* ---- making */

static bool is_same(const struct interface_spec *a, const struct interface_spec *b)
{
    return strcmp(a->name, b->name) == 0 && a->kind == b->kind && a->if_id == b->if_id &&
           ip_equal(a->local, b->local) && ip_equal(a->remote, b->remote) && a->ikey == b->ikey &&
           a->okey == b->okey && ip_equal(a->address, b->address) && a->bits == b->bits;
}

static struct made *find(const struct interfaces *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++) {
        if (strcmp(t->v[i].spec.name, name) == 0)
            return &t->v[i];
    }
    return NULL;
}

/* Users delete interfaces, too. */
static bool is_there(const struct made *m)
{
    int index = (int)if_nametoindex(m->spec.name);
    return m->index ? index == m->index : index != 0;
}

static void note(struct interfaces *t, const struct interface_spec *s, int index)
{
    if (t->n == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 8;
        t->v = realloc(t->v, t->cap * sizeof(*t->v));
        if (!t->v)
            abort();
    }
    t->v[t->n++] = (struct made){.spec = *s, .index = index};
}

static void forget(struct interfaces *t, struct made *m)
{
    if (m->index && remove_index(t, m->index) == 0)
        log_line(GROUP_KNL, LOG_NOTICE, "removed the interface %s", m->spec.name);
    *m = t->v[--t->n];
}

static void set_up(struct interfaces *t, const struct interface_spec *s, int index)
{
    char buf[MESSAGE_MAX], ip[IP_TEXT_MAX];
    int err = netlink_ask(&t->nl, interface_up_message(buf, index, t->owner), NULL, NULL);
    if (err)
        log_line(GROUP_KNL, LOG_ERR, "cannot set up the interface %s: %s", s->name, strerror(err));
    if (!s->address.family)
        return;
    err = netlink_ask(&t->nl, address_message(buf, index, s->address, s->bits, true), NULL, NULL);
    if (err)
        log_line(GROUP_KNL, LOG_ERR, "cannot give the interface %s its address %s: %s", s->name,
                 ip_format(s->address, ip), strerror(err));
}

static void use_theirs(struct interfaces *t, const struct interface_spec *s)
{
    if (!if_nametoindex(s->name)) {
        log_line(GROUP_KNL, LOG_ERR, "cannot make the interface %s: another interface has its %s", s->name,
                 s->kind == INTERFACE_VTI ? "addresses and keys" : "if_id");
        return;
    }
    log_line(GROUP_KNL, LOG_NOTICE, "the interface %s is there already: it is used as it is, and will stay",
             s->name);
    note(t, s, 0);
}

/* An errno. */
static int make(struct interfaces *t, const struct interface_spec *s)
{
    char buf[MESSAGE_MAX];
    int err = netlink_ask(&t->nl, interface_message(buf, s), NULL, NULL);
    if (err == EEXIST) {
        use_theirs(t, s);
        return 0;
    }
    int index = err ? 0 : (int)if_nametoindex(s->name);
    if (!index) {
        log_line(GROUP_KNL, LOG_ERR, "cannot make the interface %s: %s", s->name,
                 err == EOPNOTSUPP ? "this kernel has none of that kind" : strerror(err));
        return err;
    }
    set_up(t, s, index);
    note(t, s, index);
    log_line(GROUP_KNL, LOG_NOTICE, "made the interface %s (%s)", s->name, interface_kind_name(s->kind));
    return 0;
}

void interfaces_make(struct interfaces *t, const struct config *c, struct planes *p)
{
    size_t n = 0;
    struct interface_spec *v = t->owner[0] ? interfaces_wanted(c, &n) : NULL;
    p->lacks_xfrmi = p->lacks_vti = false;
    for (size_t i = 0; i < n; i++) {
        struct made *m = find(t, v[i].name);
        if (m && is_same(&m->spec, &v[i]) && is_there(m))
            continue;
        if (m)
            forget(t, m);
        if (make(t, &v[i]) == EOPNOTSUPP)
            *(v[i].kind == INTERFACE_VTI ? &p->lacks_vti : &p->lacks_xfrmi) = true;
    }
    free(v);
}

static bool is_wanted(const struct interface_spec *v, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(v[i].name, name) == 0)
            return true;
    }
    return false;
}

void interfaces_drop(struct interfaces *t, const struct config *c)
{
    size_t n = 0;
    struct interface_spec *v = t->n ? interfaces_wanted(c, &n) : NULL;
    for (size_t i = t->n; i-- > 0;) {
        if (!is_wanted(v, n, t->v[i].spec.name))
            forget(t, &t->v[i]);
    }
    free(v);
}

void interfaces_close(struct interfaces *t)
{
    while (t->n)
        forget(t, &t->v[t->n - 1]);
    free(t->v);
    if (t->owner[0])
        netlink_close(&t->nl);
    *t = (struct interfaces){0};
}
