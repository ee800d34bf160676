/* SPDX-License-Identifier: Apache-2.0 */
/* See secpath.h. Asking the programs, and words. */
#include "sys/secpath.h"
#include "base/secret.h"
#include "base/text.h"
#include "sys/firewall.h"
#include "sys/secpath_words.h"
#include "sys/tool.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 10 /* seconds */

/* ---- words */

bool words_cut(struct words *w, const char *line, size_t len)
{
    w->n = 0;
    if (len >= sizeof(w->bytes))
        return false;
    memcpy(w->bytes, line, len);
    w->bytes[len] = 0;
    char *at = w->bytes;
    while (*(at += strspn(at, " \t"))) {
        unsigned depth = 0;
        bool is_quoted = false;
        if (w->n == WORDS_MAX)
            return false;
        w->v[w->n++] = at;
        for (; *at && (is_quoted || depth || (*at != ' ' && *at != '\t')); at++) {
            if (*at == '\\' && at[1] && is_quoted)
                at++;
            else if (*at == '"')
                is_quoted = !is_quoted;
            else if (!is_quoted && *at == '{')
                depth++;
            else if (!is_quoted && *at == '}' && depth)
                depth--;
        }
        if (*at)
            *at++ = 0;
    }
    return true;
}

void words_drop(struct words *w, size_t at, size_t n)
{
    words_put(w, at, n, NULL, 0);
}

void words_put(struct words *w, size_t at, size_t n, char *const *with, size_t n_with)
{
    if (at > w->n || n > w->n - at || w->n - n + n_with > WORDS_MAX)
        return;
    memmove(&w->v[at + n_with], &w->v[at + n], (w->n - at - n) * sizeof(*w->v));
    for (size_t i = 0; i < n_with; i++)
        w->v[at + i] = with[i];
    w->n += n_with - n;
}

void words_join(const struct words *w, char *out, size_t cap)
{
    struct text t = {.buf = out, .cap = cap};
    out[0] = 0;
    for (size_t i = 0; i < w->n; i++)
        text_printf(&t, "%s%s", i ? " " : "", w->v[i]);
}

bool word_is(const struct words *w, size_t at, const char *text)
{
    return at < w->n && strcmp(w->v[at], text) == 0;
}

struct secpath_rule *secpath_add(struct secpath_found *out, enum secpath_kind kind)
{
    static struct secpath_rule surplus;
    if (out->n == SECPATH_RULES_MAX)
        out->n_more++;
    struct secpath_rule *r = out->n < SECPATH_RULES_MAX ? &out->v[out->n++] : &surplus;
    *r = (struct secpath_rule){.kind = kind};
    return r;
}

/* ---- asking */

/* NULL when the program is not there or failed; free() it. */
static char *output_of(const char *program, char *const *arguments)
{
    char path[PATH_TEXT_MAX], *argv[8] = {path};
    struct secret out;
    struct diag d = {0};
    size_t n = 1;
    if (!tool_find(program, path))
        return NULL;
    for (; arguments[n - 1] && n < 7; n++)
        argv[n] = arguments[n - 1];
    argv[n] = NULL;
    int code = tool_run(argv, PATIENCE, &out, &d);
    char *text = code == 0 ? strndup((const char *)out.ptr, out.len) : NULL;
    secret_free(&out);
    return text;
}

static const struct {
    const char *program, *other; /* the second where the first is not installed; it may be of either kind */
    int family;
    bool is_legacy;
} savers[] = {
    {"iptables-nft-save",     "iptables-save",  4, false},
    {"ip6tables-nft-save",    "ip6tables-save", 6, false},
    {"iptables-legacy-save",  NULL,             4, true },
    {"ip6tables-legacy-save", NULL,             6, true },
};

/* Asking the old ones loads their modules: only where these have tables. */
static bool has_legacy_tables(int family)
{
    char name[64];
    FILE *f = fopen(family == 4 ? "/proc/thread-self/net/ip_tables_names"
                                : "/proc/thread-self/net/ip6_tables_names",
                    "re");
    bool has = f && fscanf(f, "%63s", name) == 1;
    if (f)
        fclose(f);
    return has;
}

static bool look_at_iptables(const struct secpath_question *q, struct secpath_found *out)
{
    static char *const nothing[] = {NULL};
    bool is_whole = true;
    for (size_t i = 0; i < ARRAY_LEN(savers); i++) {
        if (savers[i].is_legacy && !has_legacy_tables(savers[i].family))
            continue;
        char *text = output_of(savers[i].program, nothing);
        if (!text && savers[i].other)
            text = output_of(savers[i].other, nothing);
        bool is_legacy = savers[i].is_legacy || (text && !strstr(text, "(nf_tables)"));
        if (text)
            secpath_in_iptables(text, savers[i].family, is_legacy, q, out);
        is_whole = is_whole && (text || !savers[i].is_legacy);
        free(text);
    }
    return is_whole;
}

bool secpath_look(const struct secpath_question *q, struct secpath_found *out, struct diag *d)
{
    static char list[] = "list", ruleset[] = "ruleset", handles[] = "-a";
    char *const arguments[] = {handles, list, ruleset, NULL};
    char why[128];
    *out = (struct secpath_found){0};
    bool is_whole = look_at_iptables(q, out);
    char *text = output_of("nft", arguments);
    if (text)
        secpath_in_nft(text, q, out);
    struct firewall *f = firewall_open();
    bool is_there = firewall_is_there(f, why, sizeof(why));
    firewall_close(f);
    bool is_fine = text ? is_whole : is_whole && (!is_there || out->n_iptables);
    free(text);
    if (is_fine)
        return true;
    diag_set(d, FAIL_NOT_FOUND, "there is a firewall (%s), and no program here lists its rules",
             is_there ? why : "iptables");
    diag_try(d, "as root, with the package nftables or iptables");
    return false;
}

const char *secpath_kind_name(enum secpath_kind k)
{
    static const char *const names[] = {"never", "always", "device"};
    return names[k];
}

const char *secpath_why(enum secpath_kind k)
{
    static const char *const texts[] = {
        [SECPATH_NEVER] =
            "packets of the userspace data plane come from a TUN device or go into one, and the "
            "kernel knows of no IPsec at them: this never matches them",
        [SECPATH_ALWAYS] =
            "packets of the userspace data plane come from a TUN device or go into one, and the "
            "kernel knows of no IPsec at them: this matches those of tunnels, too",
        [SECPATH_DEVICE] =
            "packets that the kernel's data plane carries do not pass the tunnels' device: this "
            "never matches them",
    };
    return texts[k];
}
