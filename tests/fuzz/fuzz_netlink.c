/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says over netlink: the input is messages one behind the other, of which the heads, which
 * the library believes, are right. Aborts when a name that was read cannot be said again: what an event names
 * is asked for and deleted by that name. */
#include "sys/route.h"
#include "sys/xfrm_msg.h"
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool is_mark_equal(struct mark a, struct mark b)
{
    return a.mask == b.mask && (a.value & a.mask) == (b.value & b.mask);
}

static void look_at_state(const struct nlmsghdr *h)
{
    struct xfrm_seen_state seen, again;
    struct ts local, remote;
    if (!xfrm_state_parse(h, &seen))
        return;
    must(seen.carry.n_words <= ARRAY_LEN(seen.carry.bitmap));
    xfrm_packet_of(&seen.sel, &local, &remote);
    must(xfrm_state_parse(xfrm_state_id_message(buf, XFRM_MSG_DELSA, &seen.id), &again));
    must(ip_equal(again.id.dst, seen.id.dst) && again.id.spi == seen.id.spi &&
         again.id.proto == seen.id.proto);
    must(is_mark_equal(again.id.mark, seen.id.mark));
}

static void say_policy(const struct xfrm_policy_key *k)
{
    struct xfrm_seen_policy again;
    must(xfrm_policy_parse(xfrm_policy_key_message(buf, XFRM_MSG_DELPOLICY, k), &again));
    must(xfrm_policy_key_equal(&again.key, k) && xfrm_policy_key_hash(&again.key) == xfrm_policy_key_hash(k));
    xfrm_priority_of(&k->sel);
}

static void look(const struct nlmsghdr *h)
{
    struct xfrm_seen_policy policy;
    struct xfrm_seen_acquire acquire;
    struct xfrm_seen_mapping mapping;
    struct rule_spec rule;
    look_at_state(h);
    if (xfrm_policy_parse(h, &policy))
        say_policy(&policy.key);
    if (xfrm_acquire_parse(h, &acquire)) {
        say_policy(&acquire.policy);
        must(xfrm_larval_message(buf, &acquire)->nlmsg_len < sizeof(buf));
    }
    xfrm_mapping_parse(h, &mapping);
    if (h->nlmsg_type == RTM_NEWRULE)
        route_rule_parse(h, &rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    while (size >= sizeof(struct nlmsghdr)) {
        struct nlmsghdr head;
        memcpy(&head, data, sizeof(head));
        if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > size)
            head.nlmsg_len = (uint32_t)size;
        char *message = calloc(1, MNL_ALIGN(head.nlmsg_len)); /* the sanitizer sees its end */
        must(message != NULL);
        memcpy(message, data, head.nlmsg_len);
        memcpy(message, &head, sizeof(head));
        look((const struct nlmsghdr *)message);
        free(message);
        data += head.nlmsg_len;
        size -= head.nlmsg_len;
    }
    return 0;
}
