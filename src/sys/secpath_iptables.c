/* SPDX-License-Identifier: Apache-2.0 */
/* iptables-save's text: rules with -m policy, and what they are with a device instead. */
#include "sys/secpath.h"
#include "sys/secpath_words.h"
#include <stdio.h>
#include <string.h>

struct match { /* -m policy with its options */
    size_t at, n;
    bool is_out, is_none;
};

static bool is_option(const char *word)
{
    static const char *const options[] = {"--dir",   "--pol",  "--reqid",      "--spi",
                                          "--proto", "--mode", "--tunnel-src", "--tunnel-dst"};
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        if (strcmp(word, options[i]) == 0)
            return true;
    }
    return false;
}

static bool find_match(const struct words *w, struct match *m)
{
    size_t i = 0;
    while (i < w->n && !(word_is(w, i, "-m") && word_is(w, i + 1, "policy")))
        i++;
    *m = (struct match){.at = i};
    if (i >= w->n)
        return false;
    for (i += 2; i < w->n;) {
        size_t no = word_is(w, i, "!");
        if (word_is(w, i + no, "--strict") || word_is(w, i + no, "--next")) {
            i += no + 1;
            continue;
        }
        if (i + no + 1 >= w->n || !is_option(w->v[i + no]))
            break;
        m->is_out |= word_is(w, i + no, "--dir") && word_is(w, i + no + 1, "out");
        m->is_none |= word_is(w, i + no, "--pol") && word_is(w, i + no + 1, "none");
        i += no + 2;
    }
    m->n = i - m->at;
    return true;
}

static size_t interface_at(const struct words *w, bool is_out)
{
    for (size_t i = 0; i + 1 < w->n; i++) {
        if (word_is(w, i, is_out ? "-o" : "-i"))
            return i;
    }
    return SIZE_MAX;
}

/* iptables' pattern ends with + where nftables' has *. */
static void pattern_of(const char *device, char out[40])
{
    snprintf(out, 40, "%.30s", device);
    char *star = strchr(out, '*');
    if (star)
        *star = '+';
}

static void tell(const char *where, struct words *w, struct match *m, const struct secpath_question *q,
                 struct secpath_found *out)
{
    static char in[] = "-i", leaves[] = "-o", no[] = "!";
    char device[40], *with[3];
    size_t n = 0, other = interface_at(w, m->is_out);
    bool is_negated = other != SIZE_MAX && other > 0 && word_is(w, other - 1, "!");
    bool has_other = other != SIZE_MAX && !is_negated;
    if (m->is_none && has_other && strncmp(w->v[other + 1], q->device, strcspn(q->device, "*")) != 0)
        return; /* packets at that interface are no tunnel's */
    struct secpath_rule *r = secpath_add(out, m->is_none ? SECPATH_ALWAYS : SECPATH_NEVER);
    snprintf(r->where, sizeof(r->where), "%s %s", where, w->v[1]);
    words_join(w, r->rule, sizeof(r->rule));
    pattern_of(q->device, device);
    if (m->is_none)
        with[n++] = no;
    with[n++] = m->is_out ? leaves : in;
    with[n++] = device;
    words_put(w, m->at, m->n, with, n);
    if (has_other)
        words_drop(w, other > m->at ? other + n - m->n : other, 2);
    words_join(w, r->form, sizeof(r->form));
}

static void tell_device(const char *where, struct words *w, const struct secpath_question *q,
                        struct secpath_found *out)
{
    static char m[] = "-m", policy[] = "policy", dir[] = "--dir", in[] = "in", leaves[] = "out",
                pol[] = "--pol", ipsec[] = "ipsec", none[] = "none";
    for (int is_out = 0; is_out < 2; is_out++) {
        size_t at = interface_at(w, is_out);
        if (at == SIZE_MAX || strncmp(w->v[at + 1], q->device, strcspn(q->device, "*")) != 0)
            continue;
        bool is_negated = at && word_is(w, at - 1, "!");
        char *const with[] = {m, policy, dir, is_out ? leaves : in, pol, is_negated ? none : ipsec};
        struct secpath_rule *r = secpath_add(out, SECPATH_DEVICE);
        snprintf(r->where, sizeof(r->where), "%s %s", where, w->v[1]);
        words_join(w, r->rule, sizeof(r->rule));
        words_put(w, at - is_negated, 2u + is_negated, with, 6);
        words_join(w, r->form, sizeof(r->form));
        return;
    }
}

static bool is_ours(const struct words *w)
{
    for (size_t i = 0; i + 1 < w->n; i++) {
        if (word_is(w, i, "--comment") && strncmp(w->v[i + 1], "\"keyway", 7) == 0)
            return true;
    }
    return false;
}

static void look_at_rule(const char *where, struct words *w, const struct secpath_question *q,
                         struct secpath_found *out)
{
    struct match m;
    out->n_read++;
    if (w->n < 2 || is_ours(w))
        return;
    if (find_match(w, &m)) {
        if (q->has_user)
            tell(where, w, &m, q, out);
        return;
    }
    if (q->has_kernel)
        tell_device(where, w, q, out);
}

static void note_table(struct secpath_found *out, int family, const char *table)
{
    if (out->n_iptables < sizeof(out->iptables) / sizeof(*out->iptables))
        snprintf(out->iptables[out->n_iptables++], sizeof(*out->iptables), "%s %.15s",
                 family == 4 ? "ip" : "ip6", table);
}

void secpath_in_iptables(const char *text, int family, bool is_legacy, const struct secpath_question *q,
                         struct secpath_found *out)
{
    static struct words w;
    char table[32] = "", where[96] = "";
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t len = strcspn(line, "\n");
        if (*line == '*') {
            snprintf(table, sizeof(table), "%.*s", (int)(len - 1 < 31 ? len - 1 : 31), line + 1);
            snprintf(where, sizeof(where), "%s%s %s", family == 4 ? "iptables" : "ip6tables",
                     is_legacy ? "-legacy" : "", table);
            if (!is_legacy)
                note_table(out, family, table);
        }
        if (*line == '-' && words_cut(&w, line, len))
            look_at_rule(where, &w, q, out);
    }
}
