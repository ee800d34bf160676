/* SPDX-License-Identifier: Apache-2.0 */
/* nftables' text: which rules ask for IPsec, and what they are with a device instead. A line is a rule when
 * it stands in a chain and is none of the chain's own. */
#include "sys/secpath.h"
#include "sys/secpath_words.h"
#include <stdio.h>
#include <string.h>

struct place {
    char family[16], table[96], chain[96];
    unsigned depth; /* of braces */
    bool is_chain;
};

/* What a condition on IPsec becomes. */
struct change {
    bool is_out;  /* what leaves; else what came */
    bool is_none; /* it asks that there be none */
    size_t at, n; /* words */
};

static size_t value_of(const struct words *w, size_t at)
{
    static const char *const operators[] = {"!=", "==", "<", ">", "<=", ">=", "in"};
    size_t n = 1;
    for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
        n += at < w->n && n == 1 && word_is(w, at, operators[i]);
    return n;
}

/* `ipsec in|out [spnum N] reqid|spi|ip saddr|ip6 daddr VALUE` */
static bool is_ipsec(const struct words *w, size_t at, struct change *c)
{
    size_t i = at + 2;
    if (!word_is(w, at, "ipsec") || !(word_is(w, at + 1, "in") || word_is(w, at + 1, "out")))
        return false;
    c->is_out = word_is(w, at + 1, "out");
    c->is_none = false;
    if (word_is(w, i, "spnum"))
        i += 2;
    i += word_is(w, i, "ip") || word_is(w, i, "ip6") ? 2 : 1;
    i += value_of(w, i);
    c->at = at;
    c->n = i < w->n ? i - at : w->n - at;
    return true;
}

/* `meta ipsec|secpath exists|missing`, `rt ipsec exists|missing`; `meta` may be left out. */
static bool is_secpath(const struct words *w, size_t at, struct change *c)
{
    bool is_rt = word_is(w, at, "rt") && word_is(w, at + 1, "ipsec");
    bool is_meta = word_is(w, at, "meta") && (word_is(w, at + 1, "ipsec") || word_is(w, at + 1, "secpath"));
    size_t n = 2;
    if (!is_rt && !is_meta)
        return false;
    if (word_is(w, at + n, "!=") || word_is(w, at + n, "=="))
        n++;
    bool is_negated = n == 3 && word_is(w, at + 2, "!=");
    *c = (struct change){.is_out = is_rt, .at = at, .n = n + 1};
    c->is_none = (word_is(w, at + n, "missing") || word_is(w, at + n, "0")) != is_negated;
    if (c->at + c->n > w->n)
        c->n = w->n - c->at;
    return true;
}

/* A rule of iptables whose program is not there: nothing of it can be read here. */
static bool is_compat(const struct words *w, size_t at, struct change *c)
{
    if (!word_is(w, at, "match") || !(word_is(w, at + 1, "policy") || word_is(w, at + 1, "\"policy\"")))
        return false;
    bool has_xt = at && (word_is(w, at - 1, "xt") || word_is(w, at - 1, "#"));
    *c = (struct change){.at = at - has_xt, .n = 2u + has_xt};
    return true;
}

/* Where the rule says which interface, in that direction; SIZE_MAX: it does not. */
static size_t interface_at(const struct words *w, bool is_out)
{
    for (size_t i = 0; i + 1 < w->n; i++) {
        if (word_is(w, i, is_out ? "oifname" : "iifname") || word_is(w, i, is_out ? "oif" : "iif"))
            return i;
    }
    return SIZE_MAX;
}

static bool names_device(const char *word, const char *device)
{
    size_t len = strcspn(device, "*");
    return *word == '"' && strncmp(word + 1, device, len) == 0;
}

static void put_device(struct words *w, const struct change *c, char *device)
{
    static char in[] = "iifname", out[] = "oifname", other[] = "!=";
    char *with[3] = {c->is_out ? out : in};
    size_t n = 1;
    if (c->is_none)
        with[n++] = other;
    with[n++] = device;
    words_put(w, c->at, c->n, with, n);
}

static void where_of(const struct place *p, const char *handle, char *out, size_t cap)
{
    snprintf(out, cap, "%s %s %s%s%s", p->family, p->table, p->chain, *handle ? " handle " : "", handle);
}

/* Also forgets an interface that the rule names beside it: where ESP came from, and not what was in it. */
static void tell(const struct place *p, const char *handle, struct words *w, struct change *c,
                 const struct secpath_question *q, struct secpath_found *out)
{
    char device[40];
    size_t other = interface_at(w, c->is_out);
    bool has_other = other != SIZE_MAX && !word_is(w, other + 1, "!=");
    if (c->is_none && has_other && !names_device(w->v[other + 1], q->device))
        return; /* packets at that interface are no tunnel's */
    struct secpath_rule *r = secpath_add(out, c->is_none ? SECPATH_ALWAYS : SECPATH_NEVER);
    where_of(p, handle, r->where, sizeof(r->where));
    words_join(w, r->rule, sizeof(r->rule));
    snprintf(device, sizeof(device), "\"%.30s\"", q->device);
    put_device(w, c, device);
    if (has_other && other > c->at)
        other += (size_t)(c->is_none ? 3 : 2) - c->n;
    if (has_other)
        words_drop(w, other, 2);
    words_join(w, r->form, sizeof(r->form));
}

static void tell_device(const struct place *p, const char *handle, struct words *w, size_t at, bool is_out,
                        struct secpath_found *out)
{
    static char meta[] = "meta", rt[] = "rt", ipsec[] = "ipsec", exists[] = "exists", missing[] = "missing";
    bool is_negated = word_is(w, at + 1, "!=");
    char *const with[] = {is_out ? rt : meta, ipsec, is_negated ? missing : exists};
    struct secpath_rule *r = secpath_add(out, SECPATH_DEVICE);
    where_of(p, handle, r->where, sizeof(r->where));
    words_join(w, r->rule, sizeof(r->rule));
    words_put(w, at, is_negated ? 3 : 2, with, 3);
    words_join(w, r->form, sizeof(r->form));
}

static bool is_ours(const struct words *w)
{
    for (size_t i = 0; i + 1 < w->n; i++) {
        if (word_is(w, i, "comment") && strncmp(w->v[i + 1], "\"keyway", 7) == 0)
            return true;
    }
    return false;
}

static void look_at_devices(const struct place *p, const char *handle, struct words *w,
                            const struct secpath_question *q, struct secpath_found *out)
{
    for (int is_out = 0; is_out < 2; is_out++) {
        size_t at = interface_at(w, is_out);
        if (at == SIZE_MAX || at + 1 >= w->n)
            continue;
        size_t value = at + 1 + word_is(w, at + 1, "!=");
        if (value < w->n && names_device(w->v[value], q->device)) {
            tell_device(p, handle, w, at, is_out, out);
            return;
        }
    }
}

static void look_at_rule(const struct place *p, struct words *w, const struct secpath_question *q,
                         struct secpath_found *out)
{
    struct change c;
    char handle[24] = "";
    out->n_read++;
    if (w->n > 3 && word_is(w, w->n - 3, "#") && word_is(w, w->n - 2, "handle")) {
        snprintf(handle, sizeof(handle), "%.20s", w->v[w->n - 1]);
        w->n -= 3;
    }
    if (is_ours(w))
        return;
    for (size_t i = 0; i < w->n && q->has_user; i++) {
        if (is_ipsec(w, i, &c) || is_secpath(w, i, &c) || is_compat(w, i, &c)) {
            tell(p, handle, w, &c, q, out);
            return;
        }
    }
    if (q->has_kernel)
        look_at_devices(p, handle, w, q, out);
}

static bool is_iptables(const struct place *p, const struct secpath_found *found)
{
    char name[128];
    snprintf(name, sizeof(name), "%s %s", p->family, p->table);
    for (size_t i = 0; i < found->n_iptables; i++) {
        if (strcmp(found->iptables[i], name) == 0)
            return true;
    }
    return false;
}

/* A line that opens a block: table, chain; others' lines are no rules. */
static void open_block(struct place *p, const struct words *w)
{
    if (p->depth == 0 && word_is(w, 0, "table") && w->n > 2) {
        snprintf(p->family, sizeof(p->family), "%s", w->v[1]);
        snprintf(p->table, sizeof(p->table), "%s", w->v[2]);
    }
    if (p->depth == 1 && word_is(w, 0, "chain") && w->n > 1)
        snprintf(p->chain, sizeof(p->chain), "%s", w->v[1]);
    p->is_chain = p->depth == 1 && word_is(w, 0, "chain");
    p->depth++;
}

void secpath_in_nft(const char *text, const struct secpath_question *q, struct secpath_found *out)
{
    static struct words w;
    struct place p = {0};
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t len = strcspn(line, "\n"), blank = strspn(line, " \t");
        const char *end = strstr(line, " # handle ");
        size_t bare = end && end < line + len ? (size_t)(end - line) : len;
        if (blank >= len)
            continue;
        bool opens = line[bare - 1] == '{', closes = len == blank + 1 && line[blank] == '}';
        if (closes) {
            p.depth -= p.depth > 0;
            p.is_chain = false;
            continue;
        }
        if (!words_cut(&w, opens ? line : line, opens ? bare - 1 : len) || !w.n)
            continue;
        if (opens)
            open_block(&p, &w);
        else if (p.depth == 2 && p.is_chain && !word_is(&w, 0, "type") && !is_iptables(&p, out))
            look_at_rule(&p, &w, q, out);
    }
}
