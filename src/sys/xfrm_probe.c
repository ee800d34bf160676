/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel can: it is asked for an SA, which is read back and deleted. Attributes that a kernel does
 * not know it ignores without a word, so what did not come back is not there. The SAs are between addresses
 * of the loopback network, and the kernel deletes them by itself if we do not get to it. */
#include "crypto/random.h"
#include "sys/xfrm_impl.h"
#include <errno.h>

#define PROBE_IF_ID   0x4b57u
#define PROBE_MARK    0x10u
#define PROBE_SECONDS 5

static struct esp_sa probe_sa(enum sa_direction dir)
{
    struct esp_sa sa = {
        .plane = PLANE_KERNEL,
        .direction = dir,
        .mode = MODE_TUNNEL,
        .local = {.ip = ip4(127, 75, 87, 1), .port = 4500},
        .remote = {.ip = ip4(127, 75, 87, 2), .port = 4500},
        .encr = ENCR_AES_CBC,
        .key_bits = 128,
        .encr_key_len = 16,
        .integ = INTEG_HMAC_SHA2_256_128,
        .integ_key_len = 32
    };
    crypto_random(&sa.spi, sizeof(sa.spi));
    crypto_random(sa.encr_key, sa.encr_key_len);
    crypto_random(sa.integ_key, sa.integ_key_len);
    sa.spi |= SPI_KERNEL | 0x100;
    return sa;
}

static int try_sa(struct xfrm_link *l, const struct esp_sa *sa, const struct xfrm_can *can,
                  struct xfrm_seen_state *seen, struct diag *d)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    struct xfrm_state_spec s = {.sa = sa, .can = can};
    struct xfrm_state_id id = xfrm_state_id_of(sa, false);
    struct nlmsghdr *h = xfrm_state_message(buf, &s, d);
    if (!h)
        return EINVAL;
    struct xfrm_usersa_info *info = mnl_nlmsg_get_payload(h);
    info->lft.hard_add_expires_seconds = PROBE_SECONDS;
    int error = xfrm_link_ask(l, h, NULL, NULL);
    if (error) {
        xfrm_explain_sa(d, sa, false, error, l->why);
        return error;
    }
    error = xfrm_state_get(l, &id, seen);
    if (error || seen->id.spi != sa->spi) {
        diag_set(d, FAIL_GENERIC, "the kernel takes an ESP SA and does not show it: %s", strerror(error));
        error = error ? error : EIO;
    }
    xfrm_state_del(l, &id);
    return error;
}

static void probe_more(struct xfrm_link *l, struct xfrm_can *can)
{
    struct xfrm_seen_state seen = {0};
    struct diag ignored = {0};
    struct esp_sa sa = probe_sa(SA_OUT);
    struct xfrm_can all = {.if_id = true, .set_mark = true, .direction = true, .mapping_pause = true};
    sa.has_esn = true; /* whose outbound window depends on it */
    sa.kernel.out = (struct kernel_side){
        .set_mark = {PROBE_MARK, PROBE_MARK},
          .if_id = PROBE_IF_ID
    };
    bool has_direction = try_sa(l, &sa, &all, &seen, &ignored) == 0 && seen.direction;
    all.direction = has_direction;
    if (!has_direction && try_sa(l, &sa, &all, &seen, &ignored) != 0)
        return;
    can->direction = has_direction;
    can->if_id = seen.if_id == PROBE_IF_ID;
    can->set_mark = seen.set_mark == PROBE_MARK && seen.set_mark_mask == PROBE_MARK;
    sa = probe_sa(SA_IN);
    sa.has_encap = true;
    can->mapping_pause = try_sa(l, &sa, &all, &seen, &ignored) == 0 && seen.mapping_pause;
}

bool xfrm_probe_link(struct xfrm_link *l, struct xfrm_can *can, struct diag *why)
{
    struct xfrm_seen_state seen;
    struct esp_sa sa = probe_sa(SA_IN);
    if (try_sa(l, &sa, &(struct xfrm_can){0}, &seen, why) != 0)
        return false;
    if (can)
        probe_more(l, can);
    return true;
}

bool xfrm_probe(struct diag *why)
{
    struct xfrm_link l;
    if (!xfrm_link_open(&l, false, why))
        return false;
    bool has_esp = xfrm_probe_link(&l, NULL, why);
    xfrm_link_close(&l);
    return has_esp;
}
