/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of this network namespace that are others as long as the kernel's IPsec is a data plane. The
 * journal has what they were, for whoever comes after a crash. */
#include "sys/xfrm_impl.h"
#include <stdio.h>

static const char *const paths[XFRM_JOURNAL_KEPT] = {"/proc/sys/net/core/xfrm_acq_expires",
                                                     "/proc/sys/net/core/xfrm_larval_drop"};

/* < 0: cannot be read. */
static int read_setting(const char *path)
{
    int value = -1;
    FILE *f = fopen(path, "re");
    if (!f)
        return -1;
    if (fscanf(f, "%d", &value) != 1)
        value = -1;
    fclose(f);
    return value;
}

static bool write_setting(const char *path, int value)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return false;
    bool is_written = fprintf(f, "%d\n", value) > 0;
    return fclose(f) == 0 && is_written;
}

static const struct xfrm_kept none = {-1, -1};

/* wanted < 0: as the machine has it. */
static void change(struct xfrm *x, size_t i, int wanted)
{
    const struct xfrm_kept left = xfrm_journal_kept(x->journal, i);
    int now = read_setting(paths[i]), old = left.old >= 0 && left.ours == now ? left.old : now;
    x->settings[i] = none;
    if (now < 0)
        return;
    if (wanted < 0 || wanted == old) {
        if (now == old || write_setting(paths[i], old))
            xfrm_journal_keep(x->journal, i, none);
        return;
    }
    const struct xfrm_kept kept = {old, wanted};
    xfrm_journal_keep(x->journal, i, kept);
    if (now == wanted || write_setting(paths[i], wanted))
        x->settings[i] = kept;
    else
        xfrm_journal_keep(x->journal, i, left);
}

void xfrm_settings_begin(struct xfrm *x)
{
    for (size_t i = 0; i < XFRM_JOURNAL_KEPT; i++)
        x->settings[i] = none;
}

void xfrm_settings_change(struct xfrm *x)
{
    change(x, 0, x->o.acquire_seconds ? (int)x->o.acquire_seconds : -1);
    change(x, 1, x->o.holds_packets ? 0 : -1);
}

void xfrm_settings_restore(struct xfrm *x)
{
    for (size_t i = 0; i < XFRM_JOURNAL_KEPT; i++) {
        const struct xfrm_kept *s = &x->settings[i];
        if (s->old >= 0 && read_setting(paths[i]) == s->ours)
            write_setting(paths[i], s->old);
    }
}
