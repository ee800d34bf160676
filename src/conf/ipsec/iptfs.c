/* SPDX-License-Identifier: Apache-2.0 */
/* IP-TFS (RFC 9347) as Libreswan's files have it: iptfs=yes makes of a tunnel one in that mode, with times in
 * seconds. Keys that mean the same in both are rows that map by themselves. */
#include "conf/ipsec/ipsec.h"
#include <strings.h>

static void put_delay(struct ipsec_conn *c, const char *key, const char *path)
{
    const struct setting *s = ipsec_given(c, key);
    int64_t usec;
    if (s && ipsec_time(s->value, &usec))
        ipsec_put(c, path, s, arena_printf(c->b->scratch, "%lld", (long long)usec));
}

void ipsec_put_iptfs(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_given(c, "iptfs"), *type = ipsec_given(c, "type"),
                         *parts = ipsec_given(c, "iptfs_fragmentation");
    bool yes = false, makes_parts = true;
    put_delay(c, "iptfs_init_delay", "children.*.iptfs_init_delay");
    put_delay(c, "iptfs_drop_time", "children.*.iptfs_drop_time");
    if (parts && ipsec_bool(parts->value, &makes_parts))
        ipsec_put(c, "children.*.iptfs_dont_frag", parts, makes_parts ? "no" : "yes");
    if (!s || !ipsec_bool(s->value, &yes) || !yes)
        return;
    if (type && strcasecmp(type->value, "tunnel") != 0)
        build_expected(build_error(c->b, s, "iptfs=yes is not for type=%s", type->value), s, "type=tunnel");
    else
        ipsec_put(c, "children.*.mode", s, "iptfs");
}
