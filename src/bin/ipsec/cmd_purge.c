/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec purgeocsp`, `purgecrls`, `purgecerts`, `fetchcrls`: what was fetched is forgotten, and fetched anew
 * when it is wanted; `purgeike`: IKE SAs without a child are ended; `down-srcip`: the IKE SAs of clients, by
 * their virtual addresses. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"
#include "net/ip.h"

static int flush(struct control *c, const char *type)
{
    struct diag d;
    const char *const pairs[] = {"type", type, NULL};
    return control_tell(c, "flush-certs", pairs, &d) ? 0 : control_fail(c, NULL, &d);
}

static int purge_ocsp(struct control *c, const char *name)
{
    (void)name;
    return flush(c, "OCSP_RESPONSE");
}

static int purge_crls(struct control *c, const char *name)
{
    (void)name;
    return flush(c, "X509_CRL");
}

/* Certificates of peers are not kept, but for what was fetched about them. */
static int purge_certs(struct control *c, const char *name)
{
    (void)name;
    return flush(c, NULL);
}

/* Ends those IKE SAs that are chosen. */
typedef bool choose_fn(json_t *sa, const void *ctx);

static int end_ikes(struct control *c, choose_fn *chooses, const void *ctx)
{
    struct answers a;
    struct diag d;
    size_t i;
    json_t *row;
    bool ok = control_answers(c, ASK_SAS, &a, &d);
    json_array_foreach(a.sas, i, row)
    {
        json_t *sa = member_object(row, "body");
        const char *const pairs[] = {"ike-id", member(sa, "uniqueid"), NULL};
        if (chooses(sa, ctx) && !control_tell(c, "terminate", pairs, &d))
            ok = ok && d.class == FAIL_NOT_FOUND; /* it went by itself */
    }
    answers_free(&a);
    return ok ? 0 : control_fail(c, NULL, &d);
}

static bool is_childless(json_t *sa, const void *ctx)
{
    (void)ctx;
    return !strcmp(member(sa, "state"), "ESTABLISHED") && !json_object_size(member_object(sa, "child-sas"));
}

static int purge_ikes(struct control *c, const char *name)
{
    (void)name;
    return end_ikes(c, is_childless, NULL);
}

static bool has_address(json_t *sa, const void *ctx)
{
    const struct ip *range = ctx;
    struct ip ip;
    size_t i;
    json_t *vip;
    json_array_foreach(json_object_get(sa, "remote-vips"), i, vip)
    {
        if (ip_parse(json_string_value(vip), &ip) && ip.family == range[0].family &&
            ip_cmp(range[0], ip) <= 0 && ip_cmp(ip, range[1]) <= 0)
            return true;
    }
    return false;
}

/* Its operands belong together: it is run once for each, and answers at the first. */
static int down_srcip(struct control *c, const char *name)
{
    const struct ipsec_run *r = c->run;
    struct ip range[2];
    if (name != r->operand[0])
        return 0;
    const char *last = r->operand[r->n_operands > 1];
    if (!ip_parse(name, &range[0]) || !ip_parse(last, &range[1]) || range[0].family != range[1].family ||
        ip_cmp(range[0], range[1]) > 0) {
        fprintf(stderr, "ipsec down-srcip: %s to %s is no range of addresses\n", name, last);
        return FAIL_USAGE;
    }
    return end_ikes(c, has_address, range);
}

#define PURGE(word, text, function, libreswan)                                                               \
    const struct ipsec_command ipsec_cmd_##word = {.name = #word,                                            \
                                                   .as_stroke = #word,                                       \
                                                   .as_auto = libreswan,                                     \
                                                   .as_whack = libreswan,                                    \
                                                   .doc = text,                                              \
                                                   .act = function}

PURGE(purgeocsp, "forget OCSP responses; they are fetched again when they are wanted", purge_ocsp,
      "purgeocsp");
PURGE(purgecrls, "forget CRLs that were fetched", purge_crls, NULL);
PURGE(purgecerts, "forget all that was fetched about certificates", purge_certs, NULL);
PURGE(purgeike, "end IKE SAs that have no child", purge_ikes, NULL);

const struct ipsec_command ipsec_cmd_fetchcrls = {
    .name = "fetchcrls",
    .also = "crls",
    .as_auto = "fetchcrls",
    .as_whack = "fetchcrls",
    .family = DIALECT_LIBRESWAN,
    .doc = "forget CRLs that were fetched, so that they are fetched anew",
    .act = purge_crls,
};

const struct ipsec_command ipsec_cmd_down_srcip = {
    .name = "down-srcip",
    .as_stroke = "down-srcip",
    .operands = "START [END]",
    .names = NAMES_NEEDED,
    .family = DIALECT_STRONGSWAN,
    .doc = "end the IKE SAs of clients that have these virtual addresses",
    .act = down_srcip,
};
