/* SPDX-License-Identifier: Apache-2.0 */
/* Padding against traffic analysis (RFC 4303 section 2.7; RFC 7296 section 1.3.1). Who takes no padded
 * packets says ESP_TFC_PADDING_NOT_SUPPORTED, and gets none. We take them in tunnel mode, where the IP header
 * tells how long a packet is. The padding itself is src/esp's. */
#include "ike/v2/create_child.h"

void tfc_put(struct build *b, const struct exchange *x)
{
    if (x->mode != MODE_TUNNEL)
        build_notify_empty(b, N_ESP_TFC_PADDING_NOT_SUPPORTED);
}

void tfc_take(struct ike_env *env, const struct ike_sa *sa, struct exchange *x)
{
    x->refuses_tfc = ike_notify(&x->msg, N_ESP_TFC_PADDING_NOT_SUPPORTED) != NULL;
    if (x->refuses_tfc && x->child_cfg->tfc_padding)
        sa_log(env, sa, LOG_WARN,
               "child %s: the peer takes no padding against traffic analysis: packets show their lengths",
               x->child_cfg->name);
}
