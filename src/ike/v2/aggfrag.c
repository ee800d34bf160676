/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregation and fragmentation (RFC 9347 sections 5.1 and 6.1.4): what ESP carries is several packets, or
 * parts of them. It is asked for and granted by USE_AGGFRAG, whose byte says what its sender demands of the
 * other end. One demand we meet: who takes no parts of packets gets none. Reports on congestion nobody here
 * makes, and what nobody has defined cannot be met: a request with those is answered by a tunnel, and a
 * response is refused, since who sent it means it. The packets are the kernel's. */
#include "ike/v2/create_child.h"

#define TAKES_NO_FRAGMENTS 0x01 /* D */

static bool read_demands(const struct pl_notify *n, uint8_t *out)
{
    struct rd r = rd_over(n->data);
    *out = rd_u8(&r);
    return rd_done(&r);
}

bool aggfrag_fits(const struct ike_message *m)
{
    const struct pl_notify *n = ike_notify(m, N_USE_AGGFRAG);
    uint8_t demands;
    return n && read_demands(n, &demands) && !(demands & ~TAKES_NO_FRAGMENTS);
}

bool aggfrag_is_sound(const struct exchange *x, struct diag *d)
{
    const struct pl_notify *n = ike_notify(&x->msg, N_USE_AGGFRAG);
    uint8_t demands;
    if (!n || aggfrag_fits(&x->msg))
        return true;
    diag_set(d, FAIL_GENERIC, "the peer makes child %s in iptfs mode, with demands that are not met here",
             x->child_cfg->name);
    diag_expected(d, "a byte of flags: 0x00, or 0x01 (it takes no parts of packets)");
    if (read_demands(n, &demands))
        diag_got(d, "0x%02x", demands);
    else
        diag_got(d, "%zu bytes", n->data.len);
    return false;
}

void aggfrag_put(struct build *b, const struct exchange *x)
{
    uint8_t demands = x->child_cfg->kernel.iptfs.accepts_fragments ? 0 : TAKES_NO_FRAGMENTS;
    build_notify(b, N_USE_AGGFRAG, PROTO_NONE, span_of(NULL, 0), span_of(&demands, 1));
}

void aggfrag_take(struct ike_env *env, const struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    uint8_t demands = 0;
    diag_clear(&d);
    x->refuses_fragments = false;
    if (x->mode == MODE_IPTFS)
        x->refuses_fragments = read_demands(ike_notify(&x->msg, N_USE_AGGFRAG), &demands) && demands;
    else if (x->child_cfg->mode == MODE_IPTFS && !aggfrag_is_sound(x, &d))
        sa_log_diag(env, sa, LOG_WARN, &d);
    if (x->refuses_fragments && !x->child_cfg->kernel.iptfs.sends_whole)
        sa_log(env, sa, LOG_NOTICE, "child %s: the peer takes no parts of packets: they are sent as a whole",
               x->child_cfg->name);
}
