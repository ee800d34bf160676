/* SPDX-License-Identifier: Apache-2.0 */
/* ike=, esp= and ah= into the text of our own proposals.
 *
 * strongSwan's are ours already; without a '!' at their end its defaults stand behind them. Libreswan's:
 * proposals by commas, kinds of algorithms by '-', alternatives by '+', key exchange methods behind '-' or
 * ';': "aes256-sha2_512+sha2_256;dh19, aes_gcm256". What a proposal leaves out is of the defaults; with
 * pfs=yes the methods of ike= are those of ESP, too. A key length may be a word of its own ("aes-128-sha1").
 */
#include "conf/ipsec/ipsec.h"
#include <stdio.h>

#define PROPOSAL_BUF 2048

static const char default_ke[] = "ecp256-ecp384-ecp521-x25519-modp4096-modp3072-modp2048-modp8192";

/* ---- names */

static const struct {
    const char *base, *suffix;
    bool is_aead;
} ciphers[] = {
    {"null_auth_aes_gmac", "gmac",  true },
    {"aes_gcm_16",         "gcm16", true },
    {"aes_gcm_12",         "gcm12", true },
    {"aes_gcm_8",          "gcm8",  true },
    {"aes_gcm_c",          "gcm16", true },
    {"aes_gcm_b",          "gcm12", true },
    {"aes_gcm_a",          "gcm8",  true },
    {"aes_gcm",            "gcm16", true },
    {"aesgcm",             "gcm16", true },
    {"aes_ccm_16",         "ccm16", true },
    {"aes_ccm_12",         "ccm12", true },
    {"aes_ccm_8",          "ccm8",  true },
    {"aes_ccm_c",          "ccm16", true },
    {"aes_ccm_b",          "ccm12", true },
    {"aes_ccm_a",          "ccm8",  true },
    {"aes_ccm",            "ccm16", true },
    {"aesccm",             "ccm16", true },
    {"aes_gmac",           "gmac",  true },
    {"aes_ctr",            "ctr",   false},
    {"aesctr",             "ctr",   false},
    {"aes_cbc",            "",      false},
    {"aes",                "",      false},
};

static const struct {
    const char *name, *word;
} hashes[] =
    {
        {"sha1",              "sha1"   },
        {"sha",               "sha1"   },
        {"hmac_sha1",         "sha1"   },
        {"sha1_96",           "sha1"   },
        {"sha2",              "sha256" },
        {"sha256",            "sha256" },
        {"sha2_256",          "sha256" },
        {"sha2_256_128",      "sha256" },
        {"hmac_sha2_256",     "sha256" },
        {"hmac_sha2_256_128", "sha256" },
        {"sha384",            "sha384" },
        {"sha2_384",          "sha384" },
        {"sha2_384_192",      "sha384" },
        {"hmac_sha2_384",     "sha384" },
        {"sha512",            "sha512" },
        {"sha2_512",          "sha512" },
        {"sha2_512_256",      "sha512" },
        {"hmac_sha2_512",     "sha512" },
        {"md5",               "md5"    },
        {"hmac_md5",          "md5"    },
        {"aes_xcbc",          "aesxcbc"},
        {"aes_xcbc_96",       "aesxcbc"},
        {"aes_cmac",          "aescmac"},
        {"aes_cmac_96",       "aescmac"},
        {"null",              ""       },
        {"none",              ""       },
},
  methods[] =
      {
          {"dh2", "modp1024"},
          {"dh5", "modp1536"},
          {"dh14", "modp2048"},
          {"dh15", "modp3072"},
          {"dh16", "modp4096"},
          {"dh17", "modp6144"},
          {"dh18", "modp8192"},
          {"dh19", "ecp256"},
          {"dh20", "ecp384"},
          {"dh21", "ecp521"},
          {"dh31", "x25519"},
          {"dh28", "ecp256bp"},
          {"ecp_256", "ecp256"},
          {"ecp_384", "ecp384"},
          {"ecp_521", "ecp521"},
          {"dh0", "none"},
          {"null", "none"},
          {"none", "none"},
          {"ml_kem_512", "mlkem512"},
          {"ml_kem_768", "mlkem768"},
          {"ml_kem_1024", "mlkem1024"},
},
  absent[] = {
      {"camellia", NULL}, {"serpent", NULL}, {"twofish", NULL}, {"cast", NULL},
      {"blowfish", NULL}, {"dh22", NULL},    {"dh23", NULL},    {"dh24", NULL},
};

enum { ENCR_CBC, ENCR_AEAD, N_ENCR };

struct draft {
    struct ipsec_conn *c;
    const struct setting *s;
    uint8_t protocol;
    char encr[N_ENCR][160], integ[160], prf[160], ke[320], addke[160];
    unsigned n_hashes; /* components of hashes so far */
    bool has_encr, is_bad;
    bool has_no_integ; /* as it says */
    bool is_absent;    /* the word that was taken last is of an algorithm that Keyway has not got */
    bool lacks;        /* all of one component are */
};

static void add(char *list, size_t cap, const char *word)
{
    size_t len = strlen(list);
    snprintf(list + len, cap - len, "%s%s", len ? "-" : "", word);
}
#define ADD(list, word) add(list, sizeof(list), word)

static bool is_length(const char *s)
{
    return strcmp(s, "128") == 0 || strcmp(s, "192") == 0 || strcmp(s, "256") == 0;
}

/* [RFC7296#3.3.2] IKE is encrypted */
static bool suits(const struct draft *d, const char *word)
{
    return d->protocol != PROTO_IKE || (strncmp(word, "null", 4) != 0 && strcmp(word, "aes_gmac") != 0);
}

static void add_cipher(struct draft *d, size_t i, const char *bits)
{
    char word[32];
    static const char *const both[] = {"256", "128"};
    for (size_t k = 0; k < (*bits ? 1 : ARRAY_LEN(both)); k++) {
        snprintf(word, sizeof(word), "aes%s%s", *bits ? bits : both[k], ciphers[i].suffix);
        ADD(d->encr[ciphers[i].is_aead], word);
    }
    d->has_encr = true;
}

static bool take_cipher(struct draft *d, const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(ciphers); i++) {
        size_t len = strlen(ciphers[i].base);
        const char *rest = word + len;
        if (strncmp(word, ciphers[i].base, len) != 0)
            continue;
        rest += *rest == '_';
        if ((*rest && !is_length(rest)) || !suits(d, ciphers[i].base))
            continue;
        add_cipher(d, i, rest);
        return true;
    }
    const struct alg_keyword *k = strcmp(word, "chacha20_poly1305") == 0
                                      ? alg_by_keyword("chacha20poly1305", 16)
                                  : strcmp(word, "3des_cbc") == 0 ? alg_by_keyword("3des", 4)
                                                                  : alg_by_keyword(word, strlen(word));
    if (!k || k->type != TRANSFORM_ENCR || !suits(d, word))
        return false;
    const struct alg *a = alg_find(TRANSFORM_ENCR, k->id);
    ADD(d->encr[a && a->is_aead ? ENCR_AEAD : ENCR_CBC], k->word);
    d->has_encr = true;
    return true;
}

static const char *hash_word(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        if (strcmp(hashes[i].name, word) == 0)
            return hashes[i].word;
    }
    return NULL;
}

static const char *ke_word(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (strcmp(methods[i].name, word) == 0)
            return methods[i].word;
    }
    const struct alg_keyword *k = alg_by_keyword(word, strlen(word));
    return k && k->type == TRANSFORM_KE ? k->word : NULL;
}

/* ---- a component: alternatives between '+' */

enum component {
    COMPONENT_ENCR,
    COMPONENT_HASH,
    COMPONENT_PRF,
    COMPONENT_INTEG,
    COMPONENT_KE,
    COMPONENT_ADDKE
};

static void add_hash(struct draft *d, const char *word, enum component what)
{
    char prf[32];
    snprintf(prf, sizeof(prf), "prf%s", word);
    bool is_integ = what == COMPONENT_INTEG || (what == COMPONENT_HASH && d->n_hashes == 1);
    bool is_prf = what == COMPONENT_PRF || what == COMPONENT_HASH;
    if (what == COMPONENT_HASH && d->n_hashes == 2 && d->prf[0] && !strstr(d->prf, "\001"))
        d->prf[0] = 0; /* the first one was integrity alone */
    d->has_no_integ |= !*word && is_integ;
    if (!*word)
        return;
    if (is_integ)
        ADD(d->integ, word);
    if (is_prf && d->protocol == PROTO_IKE)
        ADD(d->prf, prf);
}

static bool take_word(struct draft *d, const char *word, enum component what, unsigned addke)
{
    char text[64];
    const char *known = NULL;
    for (size_t i = 0; i < ARRAY_LEN(absent); i++) {
        if (strncmp(word, absent[i].name, strlen(absent[i].name)) == 0)
            return d->is_absent = true;
    }
    switch (what) {
    case COMPONENT_ENCR:
        return take_cipher(d, word);
    case COMPONENT_HASH:
    case COMPONENT_PRF:
    case COMPONENT_INTEG:
        known = hash_word(word);
        if (known)
            add_hash(d, known, what);
        return known != NULL;
    case COMPONENT_KE:
        known = ke_word(word);
        if (known && strcmp(known, "none") == 0 && d->protocol == PROTO_IKE)
            return false;
        if (known)
            ADD(d->ke, known);
        return known != NULL;
    case COMPONENT_ADDKE:
        known = ke_word(word);
        snprintf(text, sizeof(text), "ke%u_%s", addke, known ? known : "");
        ADD(d->addke, text);
        return known != NULL;
    }
    return false;
}

static void unknown(struct draft *d, const char *word)
{
    struct diag *e = build_error(d->c->b, d->s, "unknown algorithm '%.60s'", word);
    build_expected(e, d->s, "names such as aes256, aes_gcm256, sha2_512, modp2048, dh19");
    d->is_bad = true;
}

static void take_component(struct draft *d, char *text, enum component what, unsigned addke)
{
    char *save = NULL;
    bool has_one = false;
    if (what == COMPONENT_HASH)
        d->n_hashes++;
    for (char *w = strtok_r(text, "+", &save); w && !d->is_bad; w = strtok_r(NULL, "+", &save)) {
        d->is_absent = false;
        if (!take_word(d, w, what, addke))
            unknown(d, w);
        has_one |= !d->is_absent;
    }
    d->lacks |= !has_one;
}

/* Is the first alternative of it a key exchange? "null" is integrity here. */
static bool is_ke_component(const char *text)
{
    char word[64];
    size_t len = strcspn(text, "+");
    if (len >= sizeof(word))
        return false;
    memcpy(word, text, len);
    word[len] = 0;
    return !hash_word(word) && (ke_word(word) || strncmp(word, "dh", 2) == 0);
}

/* "aes-128-sha1": the number belongs to the word before it. */
static void join_lengths(char *text)
{
    for (char *p = text; (p = strchr(p, '-')); p++) {
        size_t n = strspn(p + 1, "0123456789");
        if (n == 3 && (!p[4] || p[4] == '-' || p[4] == '+'))
            *p = '_';
    }
}

static void take_chain(struct draft *d, char *text)
{
    char *save = NULL;
    bool is_first = true;
    join_lengths(text);
    for (char *w = strtok_r(text, "-", &save); w && !d->is_bad; w = strtok_r(NULL, "-", &save)) {
        enum component what = is_first && d->protocol != PROTO_AH ? COMPONENT_ENCR
                              : is_ke_component(w)                ? COMPONENT_KE
                                                                  : COMPONENT_HASH;
        is_first = false;
        take_component(d, w, what, 0);
    }
}

/* Behind a ';': key exchange methods, or 5.4's "prf=...". */
static void take_part(struct draft *d, char *text)
{
    static const struct {
        const char *name;
        enum component what;
    } names[] = {
        {"encrypt", COMPONENT_ENCR },
        {"prf",     COMPONENT_PRF  },
        {"integ",   COMPONENT_INTEG},
        {"ke",      COMPONENT_KE   },
        {"dh",      COMPONENT_KE   },
    };
    char *equals = strchr(text, '=');
    if (!equals) {
        take_component(d, text, COMPONENT_KE, 0);
        return;
    }
    *equals = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i].name, text) == 0) {
            take_component(d, equals + 1, names[i].what, 0);
            return;
        }
    }
    if (strncmp(text, "addke", 5) == 0 && text[5] >= '1' && text[5] <= '7' && !text[6])
        take_component(d, equals + 1, COMPONENT_ADDKE, (unsigned)(text[5] - '0'));
    else if (strcmp(text, "sn") != 0)
        unknown(d, text);
}

/* ---- writing */

static const char *esn_words(const struct ipsec_conn *c)
{
    const struct setting *s = ipsec_given(c, "esn"), *window = ipsec_given(c, "replay_window");
    if (window && strcmp(window->value, "0") == 0)
        return "-noesn";
    return !s || strcasecmp(s->value, "either") == 0 ? "-esn-noesn"
           : strcasecmp(s->value, "yes") == 0        ? "-esn"
                                                     : "-noesn";
}

static void write_one(struct text *t, const struct draft *d, unsigned kind, const char *ke)
{
    bool is_ike = d->protocol == PROTO_IKE, is_ah = d->protocol == PROTO_AH;
    const char *integ = d->integ[0] ? d->integ : "sha512-sha256";
    text_printf(t, "%s", t->len ? "," : "");
    if (!is_ah)
        text_str(t, d->encr[kind]);
    if (is_ah || kind == ENCR_CBC)
        text_printf(t, "%s%s", is_ah ? "" : "-", integ);
    if (is_ike)
        text_printf(t, "-%s", d->prf[0] ? d->prf : "prfsha512-prfsha256");
    if (*ke)
        text_printf(t, "-%s", ke);
    if (*ke && d->addke[0])
        text_printf(t, "-%s", d->addke);
    if (!is_ike)
        text_str(t, esn_words(d->c));
}

static void remember_ke(struct ipsec_conn *c, const char *ke)
{
    char *save = NULL, *words = arena_strdup(c->b->scratch, ke);
    for (char *w = strtok_r(words, "-", &save); w; w = strtok_r(NULL, "-", &save)) {
        bool is_there = false;
        for (const char *p = c->ke_words; p && *p; p += strspn(p, "-")) {
            size_t n = strcspn(p, "-");
            is_there |= n == strlen(w) && memcmp(p, w, n) == 0;
            p += n;
        }
        if (!is_there)
            c->ke_words = arena_printf(c->b->scratch, "%s%s%s", c->ke_words ? c->ke_words : "",
                                       c->ke_words ? "-" : "", w);
    }
}

/* Which key exchange methods a proposal has that names these. */
static const char *ke_of(const struct draft *d)
{
    bool has_pfs = ipsec_says(d->c, "pfs", true);
    if (d->protocol == PROTO_IKE)
        return d->ke[0] ? d->ke : default_ke;
    if (!has_pfs)
        return "";
    return d->ke[0] ? d->ke : d->c->ke_words ? d->c->ke_words : default_ke;
}

/* Is there nothing where something should be: "aes256-", "aes256;;dh19"? */
static bool has_gap(const char *text)
{
    bool is_mark = true;
    for (; *text; text++) {
        bool was_mark = is_mark;
        is_mark = strchr("-+;", *text) != NULL;
        if (is_mark && was_mark)
            return true;
    }
    return is_mark;
}

static void take_proposal(struct draft *d, char *text)
{
    char *rest = strchr(text, ';'), *save = NULL;
    if (has_gap(text)) {
        build_expected(build_error(d->c->b, d->s, "a proposal has a gap"), d->s,
                       "an algorithm on both sides of each '-', '+' and ';'");
        d->is_bad = true;
        return;
    }
    if (rest)
        *rest++ = 0;
    take_chain(d, text);
    for (char *w = rest ? strtok_r(rest, ";", &save) : NULL; w; w = strtok_r(NULL, ";", &save))
        take_part(d, w);
    if (d->has_no_integ && (d->protocol == PROTO_AH || d->encr[ENCR_CBC][0])) {
        build_expected(build_error(d->c->b, d->s, "a proposal has no integrity"), d->s,
                       "none of it with AES-GCM, AES-CCM or ChaCha20-Poly1305 alone");
        d->is_bad = true;
    }
}

static void translate_one(struct ipsec_conn *c, const struct setting *s, uint8_t protocol, char *text,
                          struct text *out)
{
    struct draft d = {.c = c, .s = s, .protocol = protocol};
    take_proposal(&d, text);
    if (d.is_bad)
        return;
    if (d.lacks || (protocol != PROTO_AH && !d.encr[0][0] && !d.encr[1][0])) {
        ipsec_warn(c, s, "a proposal of %s is left out: its algorithms are not built", s->written);
        return;
    }
    const char *ke = ke_of(&d);
    if (protocol == PROTO_IKE)
        remember_ke(c, ke);
    if (protocol == PROTO_AH)
        write_one(out, &d, ENCR_CBC, ke);
    for (unsigned kind = N_ENCR; kind-- > 0 && protocol != PROTO_AH;) {
        if (d.encr[kind][0])
            write_one(out, &d, kind, ke);
    }
}

static const char *translate(struct ipsec_conn *c, const struct setting *s, uint8_t protocol)
{
    size_t n = 0, n_errors = c->b->errs->n;
    const char **words = value_list(c->b->scratch, s->value, &n);
    size_t cap = n * PROPOSAL_BUF + 1;
    struct text t = {.buf = arena_alloc(c->b->scratch, cap), .cap = cap};
    for (size_t i = 0; i < n; i++) {
        char *word = arena_strdup(c->b->scratch, words[i]), *to = word;
        for (char *p = word; *p; p++) {
            if (*p != ' ')
                *to++ = *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p;
        }
        *to = 0;
        translate_one(c, s, protocol, word, &t);
    }
    size_t len = strlen(s->value);
    if (len && (s->value[len - 1] == ',' || s->value[0] == ',' || strstr(s->value, ",,")))
        build_expected(build_error(c->b, s, "an empty proposal"), s, "a proposal on both sides of each ','");
    if (!t.len && c->b->errs->n == n_errors)
        ipsec_needs(c, s, "these algorithms");
    return t.buf;
}

/* ---- the keys */

static void put_libreswan(struct ipsec_conn *c)
{
    static const char *const ciphers_of[] = {"aes256gcm16-aes128gcm16-chacha20poly1305",
                                             "aes256-aes128-sha512-sha256"};
    const struct setting *ike = ipsec_given(c, "ike"), *esp = ipsec_given(c, "esp"),
                         *ah = ipsec_given(c, "ah");
    const struct setting *phase2 = ipsec_given(c, "phase2");
    bool is_ah = ah || (phase2 && strcasecmp(phase2->value, "ah") == 0);
    if (ike && ike->value[0])
        ipsec_put(c, "proposals", ike, translate(c, ike, PROTO_IKE));
    else
        ipsec_put(c, "proposals", NULL,
                  arena_printf(c->b->scratch, "%s-prfsha512-prfsha256-%s,%s-prfsha512-prfsha256-%s",
                               ciphers_of[0], default_ke, ciphers_of[1], default_ke));
    const struct setting *s = is_ah ? (ah ? ah : esp) : esp;
    const char *path = is_ah ? "children.*.ah_proposals" : "children.*.esp_proposals";
    const char *ke = !ipsec_says(c, "pfs", true) ? "" : c->ke_words ? c->ke_words : default_ke;
    const char *dash = *ke ? "-" : "", *esn = esn_words(c);
    if (s && s->value[0])
        ipsec_put(c, path, s, translate(c, s, is_ah ? PROTO_AH : PROTO_ESP));
    else if (is_ah)
        ipsec_put(c, path, phase2, arena_printf(c->b->scratch, "sha512-sha256%s%s%s", dash, ke, esn));
    else
        ipsec_put(c, path, NULL,
                  arena_printf(c->b->scratch, "%s%s%s%s,%s%s%s%s", ciphers_of[0], dash, ke, esn,
                               ciphers_of[1], dash, ke, esn));
}

static void put_strongswan(struct ipsec_conn *c)
{
    static const char *const paths[][2] = {
        {"ike", "proposals"               },
        {"esp", "children.*.esp_proposals"},
        {"ah",  "children.*.ah_proposals" },
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        const struct setting *s = ipsec_given(c, paths[i][0]);
        size_t len = s ? strlen(s->value) : 0;
        bool is_strict = len && s->value[len - 1] == '!';
        if (!s)
            continue;
        ipsec_put(c, paths[i][1], s,
                  is_strict ? arena_strndup(c->b->scratch, s->value, len - 1)
                            : arena_printf(c->b->scratch, "%s, default", s->value));
    }
}

void ipsec_put_proposals(struct ipsec_conn *c)
{
    if (c->dialect == DIALECT_STRONGSWAN)
        put_strongswan(c);
    else
        put_libreswan(c);
}
