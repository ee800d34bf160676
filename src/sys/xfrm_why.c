/* SPDX-License-Identifier: Apache-2.0 */
/* What an errno of the kernel's IPsec means for the record that it refused. */
#include "base/text.h"
#include "sys/xfrm_alg.h"
#include "sys/xfrm_impl.h"
#include <errno.h>

static const char *protocol_of(const struct esp_sa *sa, bool is_comp)
{
    return is_comp ? "IPComp" : sa->is_ah ? "AH" : "ESP";
}

static void put_algorithms(struct text *t, struct text *modules, const struct esp_sa *sa, bool is_comp)
{
    const struct xfrm_alg *e = is_comp || sa->is_ah ? NULL : xfrm_alg_find(TRANSFORM_ENCR, sa->encr);
    const struct alg *a = alg_find(TRANSFORM_ENCR, sa->encr);
    const struct xfrm_alg *i =
        is_comp || (e && a && a->is_aead) ? NULL : xfrm_alg_find(TRANSFORM_INTEG, sa->integ);
    char name[64];
    if (is_comp) {
        text_str(t, "DEFLATE (deflate)");
        text_str(modules, "deflate");
    }
    if (e && e->name) {
        text_printf(t, "%s (%s)", alg_format(TRANSFORM_ENCR, sa->encr, sa->key_bits, name, sizeof(name)),
                    e->name);
        text_str(modules, e->modules);
    }
    if (i && i->name) {
        text_printf(t, "%s%s (%s)", e ? " with " : "",
                    alg_format(TRANSFORM_INTEG, sa->integ, 0, name, sizeof(name)), i->name);
        text_printf(modules, "%s%s", e ? ", " : "", i->modules);
    }
}

static const char *module_of(const struct esp_sa *sa, bool is_comp)
{
    bool is4 = sa->local.ip.family == 4;
    if (is_comp)
        return is4 ? "ipcomp" : "ipcomp6";
    if (sa->is_ah)
        return is4 ? "ah4" : "ah6";
    return is4 ? "esp4" : "esp6";
}

static void add_said(struct diag *d, int error, const char *said)
{
    if (said[0])
        diag_got(d, "%s (%s)", said, strerror(error));
    else
        diag_got(d, "%s", strerror(error));
}

void xfrm_explain_sa(struct diag *d, const struct esp_sa *sa, bool is_comp, int error, const char *said)
{
    char algorithms[200] = "", modules[200] = "";
    put_algorithms(&TEXT_ON(algorithms), &TEXT_ON(modules), sa, is_comp);
    const char *protocol = protocol_of(sa, is_comp);
    switch (error) {
    case EPROTONOSUPPORT:
        diag_set(d, FAIL_GENERIC, "the kernel has no %s for IPv%u", protocol, sa->local.ip.family);
        diag_try(d, "module %s, or the userspace data plane", module_of(sa, is_comp));
        break;
    case ENOSYS:
    case ENOENT:
        diag_set(d, FAIL_PROPOSAL, "the kernel has no %s for %s", algorithms, protocol);
        diag_try(d, "modules %s, another proposal, or the userspace data plane", modules);
        break;
    case EEXIST:
        diag_set(d, FAIL_GENERIC, "the kernel has an SA with this %s, address and protocol already: %s 0x%x",
                 is_comp ? "CPI" : "SPI", protocol, is_comp ? sa->cpi : sa->spi);
        diag_try(d, "ip xfrm state: somebody else's IKE daemon?");
        break;
    case EPERM:
        diag_set(d, FAIL_PERMISSION, "the kernel does not let us add SAs");
        diag_try(d, "CAP_NET_ADMIN");
        break;
    default:
        diag_set(d, FAIL_GENERIC, "the kernel refuses %s with %s", protocol, algorithms);
        break;
    }
    add_said(d, error, said);
}

void xfrm_explain_policy(struct diag *d, const struct xfrm_policy_spec *s, int error, const char *said)
{
    static const char *const directions[] = {"in", "out", "fwd"};
    char src[IP_TEXT_MAX], dst[IP_TEXT_MAX];
    struct prefix from = {xfrm_ip(&s->key.sel.saddr, s->key.sel.family), s->key.sel.prefixlen_s};
    struct prefix to = {xfrm_ip(&s->key.sel.daddr, s->key.sel.family), s->key.sel.prefixlen_d};
    const char *dir = directions[s->key.dir % 3];
    prefix_format(&from, src);
    prefix_format(&to, dst);
    if (error == EEXIST) {
        diag_set(d, FAIL_SELECTORS, "the kernel has a policy from %s to %s (%s) that is not Keyway's", src,
                 dst, dir);
        diag_try(d, "ip xfrm policy: somebody else's IKE daemon?");
    } else {
        diag_set(d, FAIL_GENERIC, "the kernel refuses the policy from %s to %s (%s)", src, dst, dir);
    }
    add_said(d, error, said);
}
