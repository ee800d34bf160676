/* SPDX-License-Identifier: Apache-2.0 */
/* Adding SAs to the kernel, and to the network card where that is asked for: whole packets, or their crypto.
 * A card that cannot is refused by some kernels and drivers and ignored by others, so the SA is read back.
 * With OFFLOAD_AUTO what the card cannot is the processor's, which is said once for each interface. */
#include "base/log.h"
#include "base/secret.h"
#include "sys/sock.h"
#include "sys/xfrm_impl.h"
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>

uint32_t xfrm_offload_device(struct ip local, char *name)
{
    struct ifaddrs *all;
    uint32_t index = 0;
    if (getifaddrs(&all) < 0)
        return 0;
    for (struct ifaddrs *a = all; a && !index; a = a->ifa_next) {
        struct endpoint e;
        if (!a->ifa_addr || (a->ifa_addr->sa_family != AF_INET && a->ifa_addr->sa_family != AF_INET6))
            continue;
        struct sockaddr_storage ss = {0};
        memcpy(&ss, a->ifa_addr,
               a->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        sockaddr_to(&ss, &e);
        if (!ip_equal(e.ip, local))
            continue;
        index = if_nametoindex(a->ifa_name);
        if (name)
            snprintf(name, IFNAMSIZ, "%s", a->ifa_name);
    }
    freeifaddrs(all);
    return index;
}

/* ---- what is known of a card */

static enum hw_offload *known(struct xfrm *x, uint32_t device)
{
    for (size_t i = 0; i < x->n_devices; i++) {
        if (x->devices[i].device == device)
            return &x->devices[i].works;
    }
    return NULL;
}

static void learn(struct xfrm *x, uint32_t device, const char *name, enum hw_offload works, const char *why)
{
    static const char *const what[] = {
        [OFFLOAD_NO] = "nothing: the processor seals and opens its packets",
        [OFFLOAD_CRYPTO] = "the crypto of ESP, not whole packets",
        [OFFLOAD_PACKET] = "ESP packets as a whole",
    };
    if (known(x, device) || x->n_devices == XFRM_DEVICES)
        return;
    x->devices[x->n_devices].device = device;
    x->devices[x->n_devices++].works = works;
    log_line(GROUP_KNL, LOG_NOTICE, "offload = auto: %s takes %s%s%s%s", name, what[works], *why ? " (" : "",
             why, *why ? ")" : "");
}

enum hw_offload xfrm_offload_of_policy(struct xfrm *x, enum hw_offload wanted, struct ip local,
                                       uint32_t *device)
{
    *device = 0;
    if (wanted != OFFLOAD_PACKET && wanted != OFFLOAD_AUTO)
        return OFFLOAD_NO;
    *device = xfrm_offload_device(local, NULL);
    const enum hw_offload *works = *device ? known(x, *device) : NULL;
    if (wanted == OFFLOAD_PACKET && *device)
        return OFFLOAD_PACKET;
    return works && *works == OFFLOAD_PACKET ? OFFLOAD_PACKET : OFFLOAD_NO;
}

/* ---- adding */

static int add(struct xfrm *x, const struct xfrm_state_spec *s, struct diag *d)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    struct nlmsghdr *h = xfrm_state_message(buf, s, d);
    int error = h ? xfrm_link_ask(&x->link, h, NULL, NULL) : EINVAL;
    secret_wipe(buf, sizeof(buf));
    if (h && error)
        xfrm_explain_sa(d, s->sa, s->is_comp, error, x->link.why);
    return error;
}

/* And sees that it is the card's. why: at least XFRM_WHY bytes. */
static int add_to_card(struct xfrm *x, const struct xfrm_state_spec *s, char *why)
{
    struct diag ignored = {0};
    struct xfrm_seen_state seen;
    struct xfrm_state_id id = xfrm_state_id_of(s->sa, false);
    int error = add(x, s, &ignored);
    snprintf(why, XFRM_WHY, "%s", x->link.why[0] ? x->link.why : strerror(error ? error : EOPNOTSUPP));
    if (error)
        return error;
    if (xfrm_state_get(&x->link, &id, &seen) == 0 && seen.has_offload)
        return 0;
    xfrm_state_del(&x->link, &id);
    return EOPNOTSUPP;
}

static int add_as_asked(struct xfrm *x, struct xfrm_state_spec *s, const char *name, struct diag *d)
{
    char why[XFRM_WHY] = "no interface has the SA's local address";
    int error = s->device ? add_to_card(x, s, why) : ENODEV;
    if (!error)
        return 0;
    diag_set(d, FAIL_GENERIC, "offload = %s: %s cannot take the SA",
             s->offload == OFFLOAD_PACKET ? "packet" : "crypto", name[0] ? name : "no interface");
    diag_got(d, "%s", why);
    diag_try(d, "offload = auto, or no");
    return error;
}

static int add_as_possible(struct xfrm *x, struct xfrm_state_spec *s, const char *name, struct diag *d)
{
    static const enum hw_offload tries[] = {OFFLOAD_PACKET, OFFLOAD_CRYPTO};
    const enum hw_offload *works = known(x, s->device);
    char why[XFRM_WHY] = "";
    for (size_t i = 0; i < ARRAY_LEN(tries) && s->device; i++) {
        s->offload = tries[i];
        if (works && *works != tries[i])
            continue;
        if (add_to_card(x, s, why) != 0)
            continue;
        learn(x, s->device, name, tries[i], "");
        return 0;
    }
    s->offload = OFFLOAD_NO;
    int plain = add(x, s, d);
    if (!plain && s->device)
        learn(x, s->device, name, OFFLOAD_NO, why);
    return plain;
}

int xfrm_offload_add(struct xfrm *x, const struct esp_sa *sa, bool is_comp, const struct xfrm_carry *carry,
                     struct diag *d)
{
    struct xfrm_state_spec s = {.sa = sa, .is_comp = is_comp, .can = &x->can, .carry = carry};
    char name[IFNAMSIZ] = "";
    if (is_comp || sa->kernel.offload == OFFLOAD_NO)
        return add(x, &s, d);
    s.device = xfrm_offload_device(sa->local.ip, name);
    s.offload = sa->kernel.offload;
    return s.offload == OFFLOAD_AUTO ? add_as_possible(x, &s, name, d) : add_as_asked(x, &s, name, d);
}
