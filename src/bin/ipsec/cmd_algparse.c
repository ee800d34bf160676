/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec algparse [-v2] [-pfs] ike=... esp=... ah=...`: proposals as the loader of ipsec.conf understands
 * them, in Libreswan's notation: one line for each proposal, alternatives between '+'. IKEv1 (-v1) and FIPS
 * (-fips) change nothing: there is one grammar. Without a value the defaults are shown. */
#include "base/log.h"
#include "base/text.h"
#include "bin/ipsec/commands.h"
#include "conf/testing.h"
#include "model/connection.h"
#include <stdlib.h>

enum { LINES_MAX = 8192, WORD_MAX = 1024 };

/* ---- names */

static void put_name(struct text *t, const struct transform *tr)
{
    char buf[64];
    const char *name = alg_format((enum transform_type)tr->type, tr->id, tr->key_bits, buf, sizeof(buf));
    static const struct {
        uint16_t id;
        const char *name;
    } prfs[] = {
        {PRF_AES128_XCBC, "AES_XCBC"},
        {PRF_AES128_CMAC, "AES_CMAC"},
    };
    bool is_modp = !strncmp(name, "MODP_", 5), is_null = !strncmp(name, "NULL_AES_GMAC", 13);
    if (tr->type == TRANSFORM_KE && !is_modp && tr->id <= KE_CURVE448) {
        text_printf(t, "DH%u", tr->id);
        return;
    }
    if (tr->type == TRANSFORM_PRF) {
        for (size_t i = 0; i < ARRAY_LEN(prfs); i++)
            name = prfs[i].id == tr->id ? prfs[i].name : name;
        name += !strncmp(name, "PRF_", 4) ? 4 : 0;
    }
    if (is_modp)
        text_printf(t, "MODP%s", name + 5);
    else
        text_printf(t, "%s%s", is_null ? "NULL_AUTH_AES_GMAC" : name, is_null ? name + 13 : "");
}

/* Those of the type between '+'; returns how many. only: -1, or which of them alone. */
static size_t put_type(struct text *t, const struct proposal *p, uint8_t type, int only)
{
    size_t n = 0, shown = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (p->t[i].type != type || (type == TRANSFORM_KE && p->t[i].id == KE_NONE))
            continue;
        if (only < 0 || (size_t)only == n) {
            text_str(t, shown++ ? "+" : "");
            put_name(t, &p->t[i]);
        }
        n++;
    }
    return n;
}

/* only: of the first kind of algorithm; see put_type(). */
static void put_line(struct text *t, const struct proposal *p, int only, bool has_ke)
{
    bool is_ah = p->protocol == PROTO_AH;
    text_str(t, "\t");
    if (!is_ah) {
        put_type(t, p, TRANSFORM_ENCR, only);
        text_str(t, "-");
    }
    size_t n = put_type(t, p, p->protocol == PROTO_IKE ? TRANSFORM_PRF : TRANSFORM_INTEG, is_ah ? only : -1);
    text_str(t, n ? "" : "NONE");
    if (has_ke && proposal_first_ke(&(struct proposal_list){p, 1}) != KE_NONE) {
        text_str(t, "-");
        put_type(t, p, TRANSFORM_KE, -1);
    }
    text_str(t, "\n");
}

/* ---- a proposal by the loader */

static struct config *load(const char *protocol, const char *value, bool has_pfs, struct diag *d)
{
    char text[WORD_MAX + 256];
    size_t n;
    snprintf(
        text, sizeof(text),
        "# keyway: dialect=libreswan\nconn t\n left=192.0.2.1\n right=192.0.2.2\n authby=secret\n auto=add\n"
        " pfs=%s\n%s%s%s%s%s%s\n",
        has_pfs ? "yes" : "no", !strcmp(protocol, "ah") ? " phase2=ah\n" : "", *value ? " " : "",
        *value ? protocol : "", *value ? "=\"" : "", value, *value ? "\"" : "");
    const struct memory_file file = {.path = "/etc/ipsec.conf", .text = text};
    struct memory_source m = {&file, 1};
    const struct conf_source src = memory_source(&m);
    const struct conf_request req = {.etc = "/etc", .load = "ipsec"};
    return conf_load(&src, &req, d, 1, &n);
}

/* What the loader says of the value; what it does not know is called by its word alone. */
static void keep_reason(void *ctx, const struct log_entry *e)
{
    static const char unknown[] = "unknown algorithm '";
    char *reason = ctx;
    const char *what = strstr(e->text, unknown);
    if (what && e->level == LOG_ERR) {
        what += sizeof(unknown) - 1;
        snprintf(reason, 256, "algorithm '%.*s' is not recognized", (int)strcspn(what, "'"), what);
    } else if (!*reason && e->level <= LOG_WARN) {
        snprintf(reason, 256, "%.255s", e->text);
    }
}

static bool names_a_key_exchange(const char *word)
{
    static const char *const signs[] = {";", "modp", "dh", "ecp", "25519", "ml_kem"};
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        if (strcasestr(word, signs[i]))
            return true;
    }
    return false;
}

static bool take_word(struct text *out, const char *protocol, const char *word, bool has_pfs,
                      char reason[256])
{
    struct diag d = {0};
    bool is_ike = !strcmp(protocol, "ike"), has_ke = is_ike || (has_pfs && names_a_key_exchange(word));
    *reason = 0;
    log_set_sink(keep_reason, reason, LOG_WARN);
    struct config *c = load(protocol, word, has_pfs, &d);
    log_set_sink(NULL, NULL, LOG_ERR);
    bool ok = c && c->n_connections == 1;
    if (diag_failed(&d))
        snprintf(reason, 256, "%.255s", d.what);
    const struct proposal_list *l = !ok      ? NULL
                                    : is_ike ? &c->connections[0]->proposals
                                             : &c->connections[0]->children[0].proposals;
    for (size_t i = 0; l && i < l->n; i++) {
        size_t n_encr = 0;
        for (size_t k = 0; k < l->v[i].count; k++)
            n_encr += l->v[i].t[k].type == (l->v[i].protocol == PROTO_AH ? TRANSFORM_INTEG : TRANSFORM_ENCR);
        if (*word || n_encr < 2) {
            put_line(out, &l->v[i], -1, has_ke);
            continue;
        }
        for (size_t k = 0; k < n_encr; k++) /* the defaults, one by one */
            put_line(out, &l->v[i], (int)k, has_ke);
    }
    if (c)
        config_unref(c);
    return ok;
}

/* "aes256-sha2,aes_gcm": each for itself. */
static int take_list(const char *protocol, const char *list, bool has_pfs)
{
    char lines[LINES_MAX] = "", word[WORD_MAX], reason[256];
    struct text t = TEXT_ON(lines);
    do {
        size_t len = strcspn(list, ",");
        if (len >= sizeof(word))
            return 1;
        memcpy(word, list, len);
        word[len] = 0;
        if (!take_word(&t, protocol, word, has_pfs, reason)) {
            printf("\tERROR: %s %s\n",
                   !strcmp(protocol, "ike")   ? "IKE"
                   : !strcmp(protocol, "esp") ? "ESP"
                                              : "AH",
                   *reason ? reason : "algorithms are not there");
            return 1;
        }
        list += len + (list[len] == ',');
    } while (*list);
    fputs(lines, stdout);
    return 0;
}

static int take_argument(const char *arg, bool has_pfs)
{
    static const char *const protocols[] = {"ike", "esp", "ah"};
    int code = 0;
    bool is_taken = false;
    printf("algparse -v2%s '%s'\n", has_pfs ? " -pfs" : "", arg);
    for (size_t i = 0; i < ARRAY_LEN(protocols) && !is_taken; i++) {
        size_t len = strlen(protocols[i]);
        if (strncmp(arg, protocols[i], len) != 0 || (arg[len] && arg[len] != '='))
            continue;
        is_taken = true;
        code = take_list(protocols[i], arg[len] ? arg + len + 1 : "", has_pfs);
    }
    for (size_t i = 0; i < ARRAY_LEN(protocols) && !is_taken; i++)
        code |= take_list(protocols[i], arg, has_pfs);
    return code;
}

static int run_algparse(int argc, char **argv)
{
    static const char *const taken[] = {"-v1", "-v2", "-v", "-d", "-fips", "-fips=yes", "-fips=no"};
    static const char usage[] =
        "usage: ipsec algparse [-v1 | -v2] [-pfs] [-fips] [ike=|esp=|ah=][PROPOSAL,...] ...\n";
    bool has_pfs = false, is_help = argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");
    int code = 0;
    for (int i = 1; i < argc && !is_help; i++) {
        bool is_taken = false;
        for (size_t k = 0; k < ARRAY_LEN(taken); k++)
            is_taken |= !strcmp(argv[i], taken[k]);
        if (!strncmp(argv[i], "-pfs", 4)) {
            has_pfs = strcmp(argv[i], "-pfs=no") != 0;
        } else if (argv[i][0] == '-' && !is_taken) {
            fputs(usage, stderr);
            return 1;
        } else if (!is_taken) {
            code |= take_argument(argv[i], has_pfs);
        }
    }
    if (is_help)
        fputs(usage, stdout);
    return code;
}

const struct ipsec_command ipsec_cmd_algparse = {
    .name = "algparse",
    .doc = "proposals of ipsec.conf, as they are understood: ipsec algparse ike=aes256-sha2;modp2048",
    .run_words = run_algparse,
};
