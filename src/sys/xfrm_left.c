/* SPDX-License-Identifier: Apache-2.0 */
/* What an earlier run has left in the kernel, by its journal. It stays until the configuration is in force:
 * policies that are wanted again are replaced where they stand, and what is protected never leaves between
 * the end of one run and the barriers of the next. What somebody else has installed since in the place of
 * ours stays his. */
#include "base/arena.h"
#include "sys/xfrm_impl.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct found {
    uint32_t tell;
    bool is_it;
};

static int look(const struct nlmsghdr *h, void *ctx)
{
    struct found *f = ctx;
    struct xfrm_seen_state state;
    struct xfrm_seen_policy policy;
    if (xfrm_state_parse(h, &state))
        f->is_it = state.reqid == f->tell;
    else if (xfrm_policy_parse(h, &policy))
        f->is_it = policy.priority == f->tell;
    return MNL_CB_OK;
}

/* Somebody else may have installed the like since: what does not carry our number is not ours. */
static bool is_there(struct xfrm_link *l, struct nlmsghdr *del, uint32_t tell)
{
    struct found found = {.tell = tell};
    uint16_t type = del->nlmsg_type, flags = del->nlmsg_flags;
    del->nlmsg_type = type == XFRM_MSG_DELSA ? XFRM_MSG_GETSA : XFRM_MSG_GETPOLICY;
    del->nlmsg_flags = NLM_F_REQUEST;
    int error = xfrm_link_ask(l, del, look, &found);
    del->nlmsg_type = type;
    del->nlmsg_flags = flags;
    return error == 0 && found.is_it;
}

static void note(void *ctx, struct nlmsghdr *del, uint32_t tell, uint32_t slot)
{
    struct xfrm *x = ctx;
    struct xfrm_seen_state state;
    struct xfrm_seen_policy policy;
    if (!is_there(&x->link, del, tell)) {
        xfrm_journal_clear(x->journal, &slot);
    } else if (xfrm_policy_parse(del, &policy)) {
        xfrm_policy_adopt(x, &policy.key, tell, slot);
    } else if (xfrm_state_parse(del, &state)) {
        struct xfrm_left *left = mem_new(sizeof(*left));
        left->id = state.id;
        left->slot = slot;
        list_append(&x->left, &left->link);
    }
}

bool xfrm_left_note(struct xfrm *x, struct diag *d)
{
    x->journal = xfrm_journal_open(x->o.journal, d);
    if (x->journal)
        xfrm_journal_each(x->journal, note, x);
    return x->journal != NULL;
}

size_t xfrm_sweep(struct xfrm *x)
{
    struct xfrm_left *left;
    size_t n = xfrm_policy_sweep(x); /* first: without a policy nothing asks for an SA */
    list_each(left, &x->left, link)
    {
        n += xfrm_state_del(&x->link, &left->id) == 0;
        xfrm_journal_clear(x->journal, &left->slot);
        list_remove(&left->link);
        free(left);
    }
    x->has_lost = true; /* what the kernel asked for meanwhile nobody has heard */
    return n;
}

int xfrm_cleanup(const char *journal, struct diag *d)
{
    if (access(journal, F_OK) < 0 && errno == ENOENT)
        return 0;
    struct xfrm *x = xfrm_open_unprobed(&(struct xfrm_options){.journal = journal}, d);
    if (!x)
        return -1;
    size_t n = xfrm_sweep(x);
    xfrm_close(x);
    return (int)n;
}
