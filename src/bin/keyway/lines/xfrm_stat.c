/* SPDX-License-Identifier: Apache-2.0 */
/* `keyway xfrm stat`: what became of packets that did not go on, in the layout of /proc/net/xfrm_stat.
 * Reasons of the userspace data plane that mean what a counter of the kernel's means are in it; the others
 * are behind them under names of their own. */
#include "bin/keyway/lines/xfrm_impl.h"
#include "esp/esp.h"
#include <inttypes.h>
#include <string.h>

#define NAME_WIDTH 24

/* In the kernel's order; what is not among the second table counts nothing here. */
static const char *const kernel_names[] = {
    "XfrmInError",
    "XfrmInBufferError",
    "XfrmInHdrError",
    "XfrmInNoStates",
    "XfrmInStateProtoError",
    "XfrmInStateModeError",
    "XfrmInStateSeqError",
    "XfrmInStateExpired",
    "XfrmInStateMismatch",
    "XfrmInStateInvalid",
    "XfrmInTmplMismatch",
    "XfrmInNoPols",
    "XfrmInPolBlock",
    "XfrmInPolError",
    "XfrmOutError",
    "XfrmOutBundleGenError",
    "XfrmOutBundleCheckError",
    "XfrmOutNoStates",
    "XfrmOutStateProtoError",
    "XfrmOutStateModeError",
    "XfrmOutStateSeqError",
    "XfrmOutStateExpired",
    "XfrmOutPolBlock",
    "XfrmOutPolDead",
    "XfrmOutPolError",
    "XfrmFwdHdrError",
    "XfrmOutStateInvalid",
    "XfrmAcquireError",
};

static const char *const names[DROP_REASONS] = {
    [DROP_NO_POLICY] = "KeywayOutNoPolicy",
    [DROP_POLICY_DISCARD] = "XfrmOutPolBlock",
    [DROP_NO_SA] = "XfrmOutNoStates",
    [DROP_NOT_IP] = "KeywayNotIp",
    [DROP_TOO_BIG] = "KeywayOutTooBig",
    [DROP_SEQ_EXHAUSTED] = "XfrmOutStateSeqError",
    [DROP_EXPIRED] = "KeywayStateExpired", /* in either direction */
    [DROP_UNKNOWN_SPI] = "XfrmInNoStates",
    [DROP_REPLAY] = "XfrmInStateSeqError",
    [DROP_BAD_ICV] = "XfrmInStateProtoError",
    [DROP_BAD_PADDING] = "XfrmInStateProtoError",
    [DROP_SHORT] = "XfrmInHdrError",
    [DROP_SELECTOR] = "KeywaySelectors", /* in either direction */
    [DROP_WRONG_ENCAP] = "XfrmInStateMismatch",
    [DROP_ECN] = "KeywayInEcn",
    [DROP_FRAGMENT] = "KeywayOutFragment",
    [DROP_HEADERS] = "KeywayOutHeaders",
    [DROP_TRAP_FULL] = "KeywayTrapFull",
    [DROP_TRAP_FAILED] = "KeywayTrapFailed",
    [DROP_COMPRESSION] = "KeywayInCompression",
    [DROP_QUEUE_FULL] = "KeywayInQueueFull",
    [DROP_BUSY_IN] = "KeywayInBusy",
    [DROP_BUSY_OUT] = "KeywayOutBusy",
    [DROP_NOT_SENT] = "KeywayOutNotSent",
    [DROP_TUN] = "KeywayInTun",
    [DROP_STREAM_FULL] = "KeywayOutStreamFull",
    [DROP_NO_STREAM] = "KeywayOutNoStream",
    [DROP_TUN_QUEUE] = "KeywayOutTunQueue",
};

static bool is_kernels(const char *name)
{
    return strncmp(name, "Xfrm", 4) == 0;
}

static uint64_t count_of(json_t *drops, const char *name)
{
    uint64_t n = 0;
    for (size_t i = 1; i < DROP_REASONS; i++) {
        if (names[i] && strcmp(names[i], name) == 0)
            n += row_number(drops, esp_drop_name((enum esp_drop)i));
    }
    return n;
}

typedef void visit(void *ctx, const char *name, uint64_t count);

static void each(json_t *drops, visit *v, void *ctx)
{
    for (size_t i = 0; i < sizeof(kernel_names) / sizeof(*kernel_names); i++)
        v(ctx, kernel_names[i], count_of(drops, kernel_names[i]));
    for (size_t i = 1; i < DROP_REASONS; i++) {
        if (names[i] && !is_kernels(names[i]))
            v(ctx, names[i], row_number(drops, esp_drop_name((enum esp_drop)i)));
    }
}

static void print_line(void *ctx, const char *name, uint64_t count)
{
    fprintf(ctx, "%-*s\t%" PRIu64 "\n", NAME_WIDTH, name, count);
}

static void add_member(void *ctx, const char *name, uint64_t count)
{
    json_object_set_new(ctx, name, json_integer((json_int_t)count));
}

void xfrm_print_stat(FILE *to, json_t *drops)
{
    each(drops, print_line, to);
}

json_t *xfrm_stat_json(json_t *drops)
{
    json_t *counters = json_object();
    each(drops, add_member, counters);
    return json_pack("{s:o}", "counters", counters);
}
