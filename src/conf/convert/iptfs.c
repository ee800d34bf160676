/* SPDX-License-Identifier: Apache-2.0 */
/* IP-TFS in an ipsec.conf of Libreswan's: its own keys beside type=tunnel, see conf/ipsec/iptfs.c. */
#include "conf/convert/private.h"

/* Microseconds. */
static const char *time_text(struct arena *a, uint32_t n)
{
    return n % 1000000 ? arena_printf(a, "%uus", n) : arena_printf(a, "%u", n / 1000000);
}

void conn_iptfs(struct conn_writer *x)
{
    const struct iptfs_options *o = &x->child->kernel.iptfs, *plain = &x->plain_child->kernel.iptfs;
    struct arena *a = x->w->a;
    if (!x->is_libreswan)
        return;
    if (x->child->mode == MODE_IPTFS)
        conn_key(x, "iptfs", "yes");
    if (o->sends_whole)
        conn_key(x, "iptfs-fragmentation", "no");
    if (o->init_delay != plain->init_delay)
        conn_key(x, "iptfs-init-delay", time_text(a, o->init_delay));
    if (o->drop_time != plain->drop_time)
        conn_key(x, "iptfs-drop-time", time_text(a, o->drop_time));
}
