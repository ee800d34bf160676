/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel is told of an SA in IP-TFS mode (RFC 9347; Linux 6.14), and tells of it: for each direction
 * its own, and the kernel refuses the other's. */
#include "sys/xfrm_msg.h"
#include <libmnl/libmnl.h>

/* Newer than the headers of older systems; numbers of the kernel's interface. */
#define XFRMA_IPTFS_DROP_TIME_NR      36
#define XFRMA_IPTFS_REORDER_WINDOW_NR 37
#define XFRMA_IPTFS_DONT_FRAG_NR      38
#define XFRMA_IPTFS_INIT_DELAY_NR     39
#define XFRMA_IPTFS_MAX_QSIZE_NR      40
#define XFRMA_IPTFS_PKT_SIZE_NR       41

void xfrm_iptfs_put(struct nlmsghdr *h, const struct esp_sa *sa)
{
    const struct iptfs_options *o = &sa->kernel.iptfs;
    if (sa->direction == SA_IN) {
        mnl_attr_put_u32(h, XFRMA_IPTFS_DROP_TIME_NR, o->drop_time);
        mnl_attr_put_u16(h, XFRMA_IPTFS_REORDER_WINDOW_NR, o->reorder_window);
        return;
    }
    mnl_attr_put_u32(h, XFRMA_IPTFS_INIT_DELAY_NR, o->init_delay);
    mnl_attr_put_u32(h, XFRMA_IPTFS_MAX_QSIZE_NR, o->max_queue_size);
    mnl_attr_put_u32(h, XFRMA_IPTFS_PKT_SIZE_NR, o->packet_size);
    if (o->sends_whole)
        mnl_attr_put(h, XFRMA_IPTFS_DONT_FRAG_NR, 0, NULL);
}

bool xfrm_iptfs_has(uint16_t attribute)
{
    return attribute >= XFRMA_IPTFS_DROP_TIME_NR && attribute <= XFRMA_IPTFS_PKT_SIZE_NR;
}
