/* SPDX-License-Identifier: Apache-2.0 */
/* Whose ipsec.conf is it? Libreswan's and strongSwan's have one name and different defaults. Each file is
 * judged by what it has that the other one has not: keys, words, places. A file without any such thing goes
 * with the one that includes it, then with all the others, then with what else lies about on the machine. A
 * line "# keyway: dialect=libreswan" (or strongswan) in it, or ipsec_dialect in keyway.conf, settles it. */
#include "conf/ipsec/ipsec.h"

const char *ipsec_dialect_name(enum dialect d)
{
    return d == DIALECT_LIBRESWAN ? "Libreswan's" : d == DIALECT_STRONGSWAN ? "strongSwan's" : "nobody's";
}

static void count(struct ipsec_file *f, enum dialect d, const char *why, int line)
{
    if (f->evidence[d]++ == 0) {
        f->why[d] = why;
        f->why_line[d] = line;
    }
}

/* Values that only one of the two has. A word ends with the value or with a separator. */
static const struct {
    const char *key, *word;
    enum dialect dialect;
} telling_words[] = {
    {"auto",          "ondemand",            DIALECT_LIBRESWAN },
    {"auto",          "up",                  DIALECT_LIBRESWAN },
    {"auto",          "keep",                DIALECT_LIBRESWAN },
    {"keyexchange",   "ikev1",               DIALECT_STRONGSWAN},
    {"authby",        "pubkey",              DIALECT_STRONGSWAN},
    {"authby",        "psk",                 DIALECT_STRONGSWAN},
    {"authby",        "ecdsasig",            DIALECT_STRONGSWAN},
    {"authby",        "xauthpsk",            DIALECT_STRONGSWAN},
    {"authby",        "xauthrsasig",         DIALECT_STRONGSWAN},
    {"authby",        "null",                DIALECT_LIBRESWAN },
    {"authby",        "rsa-sha1",            DIALECT_LIBRESWAN },
    {"authby",        "rsa-sha2",            DIALECT_LIBRESWAN },
    {"authby",        "rsa-sha2_256",        DIALECT_LIBRESWAN },
    {"authby",        "rsa-sha2_384",        DIALECT_LIBRESWAN },
    {"authby",        "rsa-sha2_512",        DIALECT_LIBRESWAN },
    {"auth",          "pubkey",              DIALECT_STRONGSWAN},
    {"auth",          "psk",                 DIALECT_STRONGSWAN},
    {"auth",          "secret",              DIALECT_LIBRESWAN },
    {"auth",          "rsasig",              DIALECT_LIBRESWAN },
    {"auth",          "eaponly",             DIALECT_LIBRESWAN },
    {"id",            "%fromcert",           DIALECT_LIBRESWAN },
    {"fragmentation", "accept",              DIALECT_STRONGSWAN},
    {"fragmentation", "insist",              DIALECT_LIBRESWAN },
    {"uniqueids",     "never",               DIALECT_STRONGSWAN},
    {"uniqueids",     "replace",             DIALECT_STRONGSWAN},
    {"uniqueids",     "keep",                DIALECT_STRONGSWAN},
    {"dpdaction",     "none",                DIALECT_STRONGSWAN},
    {"dpdaction",     "restart_by_peer",     DIALECT_LIBRESWAN },
    {"sourceip",      "%config",             DIALECT_STRONGSWAN},
    {"sourceip",      "%config4",            DIALECT_STRONGSWAN},
    {"sourceip",      "%config6",            DIALECT_STRONGSWAN},
    {"sourceip",      "%dhcp",               DIALECT_STRONGSWAN},
    {"sourceip",      "%radius",             DIALECT_STRONGSWAN},
    {"subnet",        "%dynamic",            DIALECT_STRONGSWAN},
    {"",              "%group",              DIALECT_LIBRESWAN },
    {"",              "%opportunistic",      DIALECT_LIBRESWAN },
    {"",              "%opportunisticgroup", DIALECT_LIBRESWAN },
};

static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = list; *p;) {
        p += strspn(p, " ,\t");
        size_t n = strcspn(p, " ,\t");
        if (n == len && strncasecmp(p, word, n) == 0)
            return true;
        p += n;
    }
    return false;
}

static void weigh_proposals(struct ipsec_file *f, const struct ipsec_key *k)
{
    size_t len = strlen(k->s.value);
    if (len && k->s.value[len - 1] == '!')
        count(f, DIALECT_STRONGSWAN, "a '!' behind proposals", k->s.line);
    else if (strpbrk(k->s.value, ";+"))
        count(f, DIALECT_LIBRESWAN, "';' or '+' in proposals", k->s.line);
    else if (strstr(k->s.value, "aes_") || strstr(k->s.value, "sha2-") || strstr(k->s.value, "sha2,"))
        count(f, DIALECT_LIBRESWAN, "names in proposals", k->s.line);
}

static void weigh_key(enum ipsec_kind kind, struct ipsec_key *k)
{
    size_t end_len = 0;
    struct ipsec_file *f = k->file;
    const struct schema_row *r = ipsec_row(kind, k->s.name, &end_len);
    if (!r)
        return;
    if (r->dialects != DIALECT_BOTH)
        count(f, r->dialects, k->s.written, k->s.line);
    if (kind != IPSEC_CONN)
        return;
    if (strcmp(r->key, "ike") == 0 || strcmp(r->key, "esp") == 0)
        weigh_proposals(f, k);
}

static void weigh_words(enum ipsec_kind kind, struct ipsec_key *k)
{
    size_t end_len = 0;
    const struct schema_row *r = ipsec_row(kind, k->s.name, &end_len);
    for (size_t i = 0; r && i < ARRAY_LEN(telling_words); i++) {
        if (strcmp(telling_words[i].key, r->key) == 0 && has_word(k->s.value, telling_words[i].word)) {
            count(k->file, telling_words[i].dialect, telling_words[i].word, k->s.line);
            return;
        }
    }
}

static void weigh(struct ipsec_tree *t)
{
    for (struct ipsec_section *s = t->first; s; s = s->next) {
        if (s->kind == IPSEC_CA)
            count(s->file, DIALECT_STRONGSWAN, "a ca section", s->s.line);
        for (struct setting *k = s->s.first; k; k = k->next) {
            weigh_key(s->kind, (struct ipsec_key *)k);
            weigh_words(s->kind, (struct ipsec_key *)k);
        }
    }
    for (struct setting *k = t->orphans.first; k; k = k->next) {
        /* Libreswan would not take the file */
        count(((struct ipsec_key *)k)->file, DIALECT_STRONGSWAN, "a setting before any section", k->line);
        weigh_key(IPSEC_SETUP, (struct ipsec_key *)k);
    }
}

static enum dialect heavier(const unsigned evidence[3])
{
    unsigned l = evidence[DIALECT_LIBRESWAN], s = evidence[DIALECT_STRONGSWAN];
    return l > s ? DIALECT_LIBRESWAN : s > l ? DIALECT_STRONGSWAN : DIALECT_UNKNOWN;
}

static bool is_there(struct ipsec_tree *t, const char *what)
{
    const char **paths = NULL;
    const struct conf_source *src = t->b->src;
    return src->glob(src->ctx, t->arena, arena_printf(t->arena, "%s/%s", t->etc, what), &paths) > 0;
}

/* What none of the files says. strongSwan reads no *.conf in ipsec.d, and has a strongswan.conf. */
static enum dialect guess(struct ipsec_tree *t, const char **why)
{
    *why = "ipsec.d/policies is there";
    if (is_there(t, "ipsec.d/policies/*"))
        return DIALECT_LIBRESWAN;
    *why = "strongswan.conf is there";
    if (is_there(t, "strongswan.conf"))
        return DIALECT_STRONGSWAN;
    *why = "nothing else speaks for strongSwan";
    return DIALECT_LIBRESWAN;
}

static void judge_file(struct ipsec_tree *t, struct ipsec_file *f, enum dialect all)
{
    const char *why = NULL;
    f->dialect = f->forced ? f->forced : t->forced ? t->forced : heavier(f->evidence);
    if (f->forced || t->forced) {
        log_line(GROUP_CFG, LOG_NOTICE, "%s: read as %s, as %s says", f->path, ipsec_dialect_name(f->dialect),
                 f->forced ? "a line of it" : "ipsec_dialect");
        return;
    }
    if (f->dialect) {
        log_line(GROUP_CFG, LOG_NOTICE, "%s: read as %s: %s (line %d) decides%s", f->path,
                 ipsec_dialect_name(f->dialect), f->why[f->dialect], f->why_line[f->dialect],
                 f->evidence[DIALECT_BOTH - f->dialect] ? ", though not everything is of it" : "");
        return;
    }
    if (f->from) {
        f->dialect = f->from->dialect;
        why = "that which includes it is";
    } else if (f->is_in_ipsec_d) {
        f->dialect = DIALECT_LIBRESWAN;
        why = "strongSwan reads no such file";
    } else if (all) {
        f->dialect = all;
        why = "the other files are";
    } else {
        f->dialect = guess(t, &why);
    }
    log_line(GROUP_CFG, LOG_NOTICE,
             "%s: read as %s, since %s; a line '# keyway: dialect=libreswan' or 'strongswan' settles it",
             f->path, ipsec_dialect_name(f->dialect), why);
}

void ipsec_judge(struct ipsec_tree *t)
{
    unsigned all[3] = {0};
    weigh(t);
    for (struct ipsec_file *f = t->files; f; f = f->next) {
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            all[i] += f->evidence[i];
    }
    for (struct ipsec_file *f = t->files; f; f = f->next) /* who includes stands before who is included */
        judge_file(t, f, heavier(all));
}
