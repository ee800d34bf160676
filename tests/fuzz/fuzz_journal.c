/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of the kernel's IPsec as a crash, or somebody, may leave it: a file of slots. The first byte of
 * the input says what is made right before: 1 the head, which is of this boot; 2 each slot's check. Aborts
 * when a message is given that is no deletion of one SA or one policy, when a slot that is in use is given to
 * another, and when the next run reads something else. */
#include "sys/xfrm_journal.h"
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOT    128
#define FURTHER 8 /* that are put beside what is there */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];
static uint8_t head[SLOT];

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void clean_up(void)
{
    unlink(path);
}

static struct xfrm_journal *open_journal(void)
{
    struct diag d = {0};
    struct xfrm_journal *j = xfrm_journal_open(path, &d);
    must(j != NULL);
    return j;
}

/* The head that a file of now has. */
static void begin(void)
{
    snprintf(path, sizeof(path), "/tmp/kw-fuzz-journal-%d", (int)getpid());
    struct xfrm_journal *j = open_journal();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    must(fd >= 0 && read(fd, head, sizeof(head)) == sizeof(head));
    close(fd);
    xfrm_journal_close(j);
    atexit(clean_up);
}

static void mend_check(uint8_t *slot)
{
    uint32_t h = 2166136261u;
    for (size_t i = sizeof(h); i < SLOT; i++)
        h = (h ^ slot[i]) * 16777619u;
    memcpy(slot, &h, sizeof(h));
}

static void write_file(const uint8_t *data, size_t size)
{
    size_t len = size - 1;
    uint8_t *copy = malloc(len + SLOT);
    must(copy != NULL);
    memcpy(copy, data + 1, len);
    if (data[0] & 1) {
        len = len < SLOT ? SLOT : len;
        memcpy(copy, head, SLOT);
    }
    for (size_t at = SLOT; data[0] & 2 && at + SLOT <= len; at += SLOT)
        mend_check(copy + at);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, copy, len) == (ssize_t)len);
    close(fd);
    free(copy);
}

struct seen {
    struct nlmsghdr *first; /* of what is in use, a message to put again */
    uint8_t bytes[SLOT];
    uint64_t sum;
    uint32_t last;
};

static void look(void *ctx, struct nlmsghdr *del, uint32_t tell, uint32_t slot)
{
    struct seen *s = ctx;
    const struct nlattr *a;
    bool is_sa = del->nlmsg_type == XFRM_MSG_DELSA;
    size_t fixed = is_sa ? sizeof(struct xfrm_usersa_id) : sizeof(struct xfrm_userpolicy_id);
    must(is_sa || del->nlmsg_type == XFRM_MSG_DELPOLICY);
    must(mnl_nlmsg_get_payload_len(del) >= fixed);
    must(del->nlmsg_flags == (NLM_F_REQUEST | NLM_F_ACK) && del->nlmsg_len <= SLOT - 8);
    mnl_attr_for_each(a, del, fixed)
    {
        uint16_t type = mnl_attr_get_type(a);
        must(type == XFRMA_MARK || type == XFRMA_IF_ID || type == XFRMA_POLICY_TYPE);
    }
    must(slot > s->last); /* each once */
    s->last = slot;
    memcpy(s->bytes, del, del->nlmsg_len);
    s->first = (struct nlmsghdr *)s->bytes;
    for (size_t i = 0; i < del->nlmsg_len; i++)
        s->sum = s->sum * 31 + s->bytes[i];
    s->sum = s->sum * 31 + tell + slot;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) struct seen before, after;
    uint32_t slots[FURTHER];
    if (!path[0])
        begin();
    if (!size)
        return 0;
    write_file(data, size);
    struct xfrm_journal *j = open_journal();
    before = after = (struct seen){0};
    size_t n = xfrm_journal_each(j, look, &before);
    for (size_t i = 0; before.first && i < FURTHER; i++)
        must((slots[i] = xfrm_journal_put(j, before.first, 7)) != 0);
    struct xfrm_journal *next = open_journal(); /* after another crash */
    must(xfrm_journal_each(next, look, &after) == n + (before.first ? FURTHER : 0));
    xfrm_journal_close(next);
    for (size_t i = 0; before.first && i < FURTHER; i++)
        xfrm_journal_clear(j, &slots[i]);
    after = (struct seen){0};
    must(xfrm_journal_each(j, look, &after) == n && after.sum == before.sum);
    xfrm_journal_close(j);
    return 0;
}
