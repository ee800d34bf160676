/* SPDX-License-Identifier: Apache-2.0 */
/* Setters of a local or remote section: the method with its constraints, identities, certificates.
 *
 * Constraints are words joined by '-': a key type (pubkey, rsa, rsa/pss, ecdsa, ed25519, ed448), minimum key
 * sizes and hashes that apply to it: "rsa-2048-sha256-ecdsa-256-sha384". Each hash makes a signature scheme;
 * they bind the AUTH payload. An "ike:" in front says just that and is accepted. */
#include "conf/schema.h"
#include "conf/value.h"
#include <strings.h>

struct type_word {
    const char *word;
    bool has_rsa, has_ecdsa, has_eddsa, only_pss;
};

static const struct type_word type_words[] = {
    {"pubkey",  true,  true,  true,  false},
    {"rsa",     true,  false, false, false},
    {"rsa/pss", true,  false, false, true },
    {"ecdsa",   false, true,  false, false},
    {"ed25519", false, false, true,  false},
    {"ed448",   false, false, true,  false},
};

static const struct {
    const char *word;
    enum hash_id hash;
} hash_words[] = {
    {"sha1",     HASH_SHA1    },
    {"sha256",   HASH_SHA256  },
    {"sha384",   HASH_SHA384  },
    {"sha512",   HASH_SHA512  },
    {"identity", HASH_IDENTITY},
};

#define SCHEMES_MAX 32

struct constraints {
    struct sig_scheme v[SCHEMES_MAX];
    size_t n;
    unsigned min_rsa, min_ecdsa;
};

static void add_scheme(struct constraints *c, enum pkey_type type, enum hash_id hash, bool is_pss)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->v[i].type == type && c->v[i].hash == hash && c->v[i].is_pss == is_pss)
            return;
    }
    if (c->n < SCHEMES_MAX)
        c->v[c->n++] = (struct sig_scheme){.type = type, .hash = hash, .is_pss = is_pss};
}

static void add_hash(struct constraints *c, const struct type_word *t, enum hash_id hash)
{
    bool is_identity = hash == HASH_IDENTITY;
    if (t->has_rsa && !is_identity) {
        add_scheme(c, PKEY_RSA, hash, true);
        if (!t->only_pss)
            add_scheme(c, PKEY_RSA, hash, false);
    }
    if (t->has_ecdsa && !is_identity)
        add_scheme(c, PKEY_ECDSA, hash, false);
    if (t->has_eddsa && is_identity) {
        add_scheme(c, PKEY_ED25519, hash, false);
        add_scheme(c, PKEY_ED448, hash, false);
    }
}

/* A key type that was named without any hash allows all the strong ones. */
static void close_type(struct constraints *c, const struct type_word *t, bool has_hash)
{
    static const enum hash_id strong[] = {HASH_SHA256, HASH_SHA384, HASH_SHA512};
    if (!t || has_hash || strcmp(t->word, "pubkey") == 0)
        return; /* plain "pubkey" is no constraint at all */
    for (size_t i = 0; i < ARRAY_LEN(strong); i++)
        add_hash(c, t, strong[i]);
    if (strcmp(t->word, "ed25519") == 0)
        add_scheme(c, PKEY_ED25519, HASH_IDENTITY, false);
    if (strcmp(t->word, "ed448") == 0)
        add_scheme(c, PKEY_ED448, HASH_IDENTITY, false);
}

static const struct type_word *find_type(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(type_words); i++) {
        if (strcasecmp(type_words[i].word, word) == 0)
            return &type_words[i];
    }
    return NULL;
}

/* A minimum size or a hash; false when it is neither. */
static bool take_word(struct constraints *c, const struct type_word *t, const char *word, bool *has_hash)
{
    uint64_t bits;
    if (value_number(word, &bits) && bits >= 128 && bits <= 16384) {
        if (t->has_rsa && (bits >= 1024 || !t->has_ecdsa))
            c->min_rsa = (unsigned)bits;
        else
            c->min_ecdsa = (unsigned)bits;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(hash_words); i++) {
        if (strcasecmp(hash_words[i].word, word) == 0) {
            add_hash(c, t, hash_words[i].hash);
            *has_hash = true;
            return true;
        }
    }
    return false;
}

static bool parse_constraints(struct builder *b, const struct setting *key, struct constraints *c)
{
    char *words = arena_strdup(b->scratch, key->value), *save = NULL;
    if (strncasecmp(words, "ike:", 4) == 0)
        words += 4;
    const struct type_word *type = NULL;
    bool has_hash = false;
    for (char *w = strtok_r(words, "-", &save); w; w = strtok_r(NULL, "-", &save)) {
        const struct type_word *next = find_type(w);
        if (next) {
            close_type(c, type, has_hash);
            type = next;
            has_hash = false;
        } else if (!type || !take_word(c, type, w, &has_hash)) {
            build_expected(build_error(b, key, "'%.*s' is not a way to authenticate", build_shown(w), w), key,
                           "psk, null, or pubkey, rsa, ecdsa with sizes and hashes such as rsa-2048-sha256");
            return false;
        }
    }
    close_type(c, type, has_hash);
    return type != NULL;
}

void set_auth(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct auth_side *side = dest;
    struct constraints c = {.n = 0};
    if (strcasecmp(key->value, "psk") == 0) {
        side->method = AUTH_PSK;
        return;
    }
    if (strcasecmp(key->value, "null") == 0) {
        side->method = AUTH_NULL;
        return;
    }
    if (strncasecmp(key->value, "eap", 3) == 0 || strncasecmp(key->value, "xauth", 5) == 0) {
        build_expected(build_error(b, key, "EAP and XAUTH are not built yet"), key, "psk or pubkey");
        return;
    }
    side->method = AUTH_PUBKEY;
    if (!parse_constraints(b, key, &c))
        return;
    struct sig_scheme *v = arena_calloc(b->a, c.n, sizeof(*v));
    memcpy(v, c.v, c.n * sizeof(*v));
    side->schemes = v;
    side->n_schemes = c.n;
    side->min_rsa_bits = c.min_rsa;
    side->min_ecdsa_bits = c.min_ecdsa;
}

static bool parse_id_text(struct builder *b, const struct setting *key, const char *text,
                          struct identity *out)
{
    const char *why = "not an identity";
    if (identity_parse(b->a, text, out, &why))
        return true;
    build_expected(build_error(b, key, "%s", why), key,
                   "an address, a name, an email address, \"C=.., CN=..\", %any or %null");
    return false;
}

static bool parse_id(struct builder *b, const struct setting *key, struct identity *out)
{
    return parse_id_text(b, key, key->value, out);
}

/* "%vpn.example": what the peer's certificate is to say, whatever the peer calls itself. */
static bool is_for_cert(const struct schema_row *row, const char *value)
{
    return row->scope == SCOPE_REMOTE && value[0] == '%' && value[1] && strncasecmp(value, "%any", 4) != 0 &&
           strcasecmp(value, "%null") != 0;
}

void set_id(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct auth_side *side = dest;
    if (!is_for_cert(row, key->value)) {
        parse_id(b, key, &side->id);
        return;
    }
    struct identity *id = arena_alloc(b->a, sizeof(*id));
    if (parse_id_text(b, key, key->value + 1, id))
        side->cert_id = id;
}

void build_settle_id(struct auth_side *side)
{
    bool shows_cert = side->method == AUTH_PUBKEY && !side->pubkeys.n && !side->asks_dns;
    if (!side->cert_id || shows_cert)
        return;
    side->id = *side->cert_id; /* nothing else says who it is */
    side->cert_id = NULL;
}

void set_ca_id(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct auth_side *side = dest;
    struct identity *id = arena_alloc(b->a, sizeof(*id));
    if (parse_id(b, key, id) && id->type != ID_ANY)
        side->ca_id = id;
}

void set_groups(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct auth_side *side = dest;
    side->groups = value_list(b->a, key->value, &side->n_groups);
}

static const char *const cert_folders[] = {"x509", "certs", NULL};
static const char *const ca_folders[] = {"x509ca", "ca", "cacerts", NULL};

void set_certs(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct auth_side *side = dest;
    build_cert_list(b, key, cert_folders, &side->certs);
}

void set_pubkeys(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct auth_side *side = dest;
    side->asks_dns = strcmp(key->value, "dns") == 0;
    if (!side->asks_dns)
        build_pubkey_list(b, key, &side->pubkeys);
    else if (row->scope == SCOPE_LOCAL)
        build_expected(build_error(b, key, "our own public key is not asked of DNS"), key,
                       "files below pubkey/, or 0x.. and 0s.. of public keys");
}

void set_cert_file(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    set_certs(b, row, key, dest);
}

void set_cacerts(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct auth_side *side = dest;
    size_t had = side->cacerts.n;
    build_cert_list(b, key, ca_folders, &side->cacerts);
    for (size_t i = had; i < side->cacerts.n; i++)
        build_add_ca(b, cert_ref(side->cacerts.v[i]));
}

void set_cacert_file(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    set_cacerts(b, row, key, dest);
}

void set_cert_policy(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct auth_side *side = dest;
    size_t n = 0;
    const char **v = value_list(b->a, key->value, &n);
    for (size_t i = 0; i < n; i++) {
        if (strspn(v[i], "0123456789.") != strlen(v[i]))
            build_expected(build_error(b, key, "'%.100s' is not a policy", v[i]), key,
                           "object identifiers such as 1.2.3");
    }
    side->cert_policy = v;
    side->n_cert_policy = n;
}
