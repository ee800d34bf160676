/* SPDX-License-Identifier: Apache-2.0 */
/* `keyway xfrm policy`: policies as `ip xfrm policy` prints the kernel's. The kernel has one for each
 * direction and each pair of prefixes; here one record is all of them, which is taken apart as for the
 * kernel. Templates name the outer addresses of the SA that serves the policy now; while there is none, none.
 */
#include "bin/keyway/lines/xfrm_impl.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX 4096

struct policy {
    json_t *row, *sa; /* the one that packets go through, or NULL */
    bool has_stats;
    struct xfrm_pair *pairs;
    size_t n_pairs;
};

static const struct {
    const char *name;
    uint8_t dir;
} directions[] = {
    {"out", XFRM_POLICY_OUT},
    {"fwd", XFRM_POLICY_FWD},
    {"in",  XFRM_POLICY_IN },
};

static void print_template(FILE *to, const struct policy *p, const char *src, const char *dst,
                           const char *proto, const char *mode, bool is_optional)
{
    uint64_t reqid = row_number(p->row, "reqid");
    fprintf(to, "\ttmpl src %s dst %s\n", src, dst);
    if (p->has_stats)
        fprintf(to, "\t\tproto %s spi 0x00000000(0) reqid %" PRIu64 "(0x%08" PRIx64 ") mode %s\n", proto,
                reqid, reqid, mode);
    else
        fprintf(to, "\t\tproto %s reqid %" PRIu64 " mode %s\n", proto, reqid, mode);
    if (p->has_stats)
        fprintf(to, "\t\tlevel %s share any \n\t\tenc-mask ffffffff auth-mask ffffffff comp-mask ffffffff\n",
                is_optional ? "use" : "required");
    else if (is_optional)
        fputs("\t\tlevel use \n", to);
}

static void print_templates(FILE *to, const struct policy *p, uint8_t dir, uint8_t family)
{
    const char *none = family == 6 ? "::" : "0.0.0.0";
    const char *local = p->sa ? row_text(p->sa, "src") : none,
               *remote = p->sa ? row_text(p->sa, "dst") : none;
    const char *src = dir == XFRM_POLICY_OUT ? local : remote, *dst = dir == XFRM_POLICY_OUT ? remote : local;
    const char *proto = p->sa ? row_text(p->sa, "protocol") : "esp";
    const char *mode = p->sa ? row_text(p->sa, "mode") : "tunnel";
    bool has_comp = p->sa && *row_text(p->sa, "cpi");
    if (has_comp)
        print_template(to, p, src, dst, "comp", mode, dir != XFRM_POLICY_OUT);
    if (has_comp)
        print_template(to, p, none, none, proto, "transport", false);
    else
        print_template(to, p, src, dst, proto, mode, false);
}

static void print_one(FILE *to, const struct policy *p, const struct xfrm_pair *pair, size_t d)
{
    struct xfrm_selector sel = xfrm_selector_of(pair, directions[d].dir, 0);
    uint64_t priority = row_number(p->row, "priority");
    bool is_block = strcmp(row_text(p->row, "action"), "discard") == 0;
    bool is_protect = strcmp(row_text(p->row, "action"), "protect") == 0;
    print_selector(to, &sel);
    fputs(p->has_stats ? "uid 0\n" : "\n", to);
    fprintf(to, "\tdir %s ", directions[d].name);
    if (is_block || p->has_stats)
        fprintf(to, "action %s ", is_block ? "block" : "allow");
    if (p->has_stats)
        fprintf(to, "index %" PRIu64 " ", 8 * row_number(p->row, "id") + directions[d].dir);
    fprintf(to, "priority %" PRIu64 " ptype main ", priority ? priority : xfrm_priority_of(&sel));
    fputs(p->has_stats ? "share any flag  (0x00000000)\n" : "\n", to);
    if (p->has_stats)
        print_lifetime(to, NULL);
    if (is_protect)
        print_templates(to, p, directions[d].dir, pair->local.ip.family);
}

/* Selectors that the kernel could not have (OPAQUE ports) are as good as they can be written. */
static void take_apart(struct policy *p)
{
    struct ts local[SELECTORS_MAX], remote[SELECTORS_MAX];
    struct diag d;
    size_t nl = row_selectors(p->row, "local-ts", local, SELECTORS_MAX);
    size_t nr = row_selectors(p->row, "remote-ts", remote, SELECTORS_MAX);
    p->n_pairs = xfrm_pairs(local, nl, remote, nr, p->pairs, PAIRS_MAX, &d);
    if (p->n_pairs)
        return;
    for (size_t i = 0; i < nl; i++)
        local[i].port_from = 0, local[i].port_to = 65535;
    for (size_t i = 0; i < nr; i++)
        remote[i].port_from = 0, remote[i].port_to = 65535;
    p->n_pairs = xfrm_pairs(local, nl, remote, nr, p->pairs, PAIRS_MAX, &d);
}

static json_t *sa_of(json_t **states, size_t n, const char *reqid)
{
    for (size_t i = 0; i < n && *reqid; i++) {
        if (row_has(states[i], "newest") && strcmp(row_text(states[i], "reqid"), reqid) == 0)
            return states[i];
    }
    return NULL;
}

void xfrm_print_policies(FILE *to, json_t *rows, bool has_stats)
{
    size_t n, n_states;
    json_t **policies = rows_named(rows, "policy", &n), **states = rows_named(rows, "state", &n_states);
    struct policy p = {.has_stats = has_stats, .pairs = calloc(PAIRS_MAX, sizeof(*p.pairs))};
    if (!p.pairs)
        abort();
    for (size_t i = 0; i < n; i++) {
        p.row = policies[i];
        p.sa = sa_of(states, n_states, row_text(p.row, "reqid"));
        take_apart(&p);
        for (size_t k = 0; k < p.n_pairs; k++) {
            for (size_t d = 0; d < sizeof(directions) / sizeof(*directions); d++)
                print_one(to, &p, &p.pairs[k], d);
        }
    }
    free(p.pairs);
    free(policies);
    free(states);
}

json_t *xfrm_policies_json(json_t *rows)
{
    static const char *const keys[] = {"src", "dst", "protocol", "mode", "cpi"};
    size_t n, n_states;
    json_t **policies = rows_named(rows, "policy", &n), **states = rows_named(rows, "state", &n_states);
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *out = row_json(policies[i]), *sa = sa_of(states, n_states, row_text(policies[i], "reqid"));
        for (size_t k = 0; k < sizeof(keys) / sizeof(*keys) && sa; k++) {
            if (*row_text(sa, keys[k]))
                json_object_set(out, keys[k], json_object_get(sa, keys[k]));
        }
        json_array_append_new(all, out);
    }
    free(policies);
    free(states);
    return json_pack("{s:o}", "policies", all);
}
