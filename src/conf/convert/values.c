/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a snapshot as text that the loader makes the same values of. */
#include "base/text.h"
#include "base/time.h"
#include "conf/convert/private.h"
#include "conf/value.h"
#include <stdio.h>
#include <strings.h>

/* ---- lists */

static const char *join(struct arena *a, const char *list, const char *word)
{
    return list ? arena_printf(a, "%s, %s", list, word) : word;
}

const char *text_of_list(struct arena *a, const char *const *v, size_t n)
{
    const char *list = NULL;
    for (size_t i = 0; i < n; i++)
        list = join(a, list, v[i]);
    return list;
}

const char *text_of_hosts(struct arena *a, const struct host_spec *v, size_t n)
{
    const char *list = NULL;
    for (size_t i = 0; i < n; i++) {
        char from[IP_TEXT_MAX], to[IP_TEXT_MAX];
        const char *word = v[i].is_any ? "%any" : v[i].fqdn ? v[i].fqdn : NULL;
        if (!word && ip_equal(v[i].from, v[i].to))
            word = arena_strdup(a, ip_format(v[i].from, from));
        else if (!word)
            word = arena_printf(a, "%s-%s", ip_format(v[i].from, from), ip_format(v[i].to, to));
        list = join(a, list, word);
    }
    return list;
}

const char *text_of_ranges(struct arena *a, const struct ip_range *v, size_t n)
{
    const char *list = NULL;
    for (size_t i = 0; i < n; i++) {
        char from[IP_TEXT_MAX], to[IP_TEXT_MAX];
        bool is_one = ip_equal(v[i].from, v[i].to);
        list = join(a, list,
                    arena_printf(a, "%s%s%s", ip_format(v[i].from, from), is_one ? "" : "-",
                                 is_one ? "" : ip_format(v[i].to, to)));
    }
    return list;
}

const char *text_of_ts(struct arena *a, const struct ts *v, size_t n)
{
    const char *list = NULL;
    for (size_t i = 0; i < n; i++) {
        char buf[TS_TEXT_MAX];
        list = join(a, list, arena_strdup(a, ts_format(&v[i], buf)));
    }
    return list;
}

const char *text_of_time(struct arena *a, int64_t usec)
{
    char unit;
    int64_t n = value_in_unit(usec / TIME_SECOND, &unit);
    if (usec == 0)
        return "0";
    if (usec % TIME_SECOND)
        return arena_printf(a, "%.6g", (double)usec / (double)TIME_SECOND);
    return arena_printf(a, "%lld%c", (long long)n, unit);
}

/* ---- identities */

static bool is_read_as(struct arena *a, const char *text, const struct identity *id)
{
    struct identity back;
    const char *why;
    return identity_parse(a, text, &back, &why) && back.type == id->type && span_equal(back.data, id->data);
}

const char *text_of_identity(struct arena *a, const struct identity *id)
{
    char buf[ID_TEXT_MAX], hex[2 * ID_TEXT_MAX] = "";
    struct text t = TEXT_ON(hex);
    const char *plain = arena_strdup(a, identity_format(id, buf));
    static const char *const prefixes[] = {"", "fqdn:", "email:", "keyid:", "asn1dn:"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        const char *text = arena_printf(a, "%s%s", prefixes[i], plain);
        if (is_read_as(a, text, id))
            return text;
    }
    text_hex(&t, id->data);
    return arena_printf(a, "{%d}:#%s", (int)id->type, hex);
}

/* ---- ways to authenticate */

struct hash_word {
    enum hash_id hash;
    const char *word;
};
static const struct hash_word hash_words[] = {
    {HASH_SHA1,     "sha1"    },
    {HASH_SHA256,   "sha256"  },
    {HASH_SHA384,   "sha384"  },
    {HASH_SHA512,   "sha512"  },
    {HASH_IDENTITY, "identity"},
};

static const struct type_word {
    const char *word;
    size_t n;
    struct {
        enum pkey_type type;
        bool is_pss;
    } v[3];
} type_words[] = {
    {"pubkey",  3, {{PKEY_RSA, true}, {PKEY_RSA, false}, {PKEY_ECDSA, false}}},
    {"rsa",     2, {{PKEY_RSA, true}, {PKEY_RSA, false}}                     },
    {"rsa/pss", 1, {{PKEY_RSA, true}}                                        },
    {"ecdsa",   1, {{PKEY_ECDSA, false}}                                     },
    {"ed25519", 2, {{PKEY_ED25519, false}, {PKEY_ED448, false}}              },
    {"ed25519", 1, {{PKEY_ED25519, false}}                                   },
    {"ed448",   1, {{PKEY_ED448, false}}                                     },
};

static bool is_at(const struct auth_side *s, size_t at, const struct type_word *w)
{
    bool is_edwards = w->word[1] == 'd';
    for (size_t i = 0; i < w->n; i++) {
        if (at + i >= s->n_schemes || s->schemes[at + i].type != w->v[i].type ||
            s->schemes[at + i].is_pss != w->v[i].is_pss || s->schemes[at + i].hash != s->schemes[at].hash)
            return false;
    }
    return is_edwards == (s->schemes[at].hash == HASH_IDENTITY);
}

static const char *hash_of(enum hash_id hash)
{
    for (size_t i = 0; i < ARRAY_LEN(hash_words); i++) {
        if (hash_words[i].hash == hash)
            return hash_words[i].word;
    }
    return "?";
}

const char *text_of_auth(struct arena *a, const struct auth_side *s)
{
    const struct type_word *last = NULL;
    const char *text = NULL;
    bool told_rsa = !s->min_rsa_bits, told_ecdsa = !s->min_ecdsa_bits;
    if (s->method != AUTH_PUBKEY)
        return s->method == AUTH_PSK ? "psk" : "null";
    for (size_t at = 0; at < s->n_schemes;) {
        const struct type_word *w = type_words;
        while (w < type_words + ARRAY_LEN(type_words) && !is_at(s, at, w))
            w++;
        if (w == type_words + ARRAY_LEN(type_words))
            return "?";
        if (w != last)
            text = text ? arena_printf(a, "%s-%s", text, w->word) : w->word;
        bool has_rsa = w->v[0].type == PKEY_RSA, has_ecdsa = w->v[w->n - 1].type == PKEY_ECDSA;
        if (has_rsa && !told_rsa)
            text = arena_printf(a, "%s-%u", text, s->min_rsa_bits);
        if (has_ecdsa && !told_ecdsa)
            text = arena_printf(a, "%s-%u", text, s->min_ecdsa_bits);
        told_rsa |= has_rsa;
        told_ecdsa |= has_ecdsa;
        if (s->schemes[at].hash != HASH_IDENTITY || w->n > 1)
            text = arena_printf(a, "%s-%s", text, hash_of(s->schemes[at].hash));
        last = w;
        at += w->n;
    }
    if (text)
        return text;
    text = "pubkey";
    if (s->min_rsa_bits)
        text = arena_printf(a, "%s-%u", text, s->min_rsa_bits);
    return s->min_ecdsa_bits ? arena_printf(a, "%s-%u", text, s->min_ecdsa_bits) : text;
}

/* ---- proposals */

static bool same_proposal(const struct proposal *x, const struct proposal *y)
{
    bool same = x->protocol == y->protocol && x->count == y->count;
    for (size_t i = 0; same && i < x->count; i++)
        same =
            x->t[i].type == y->t[i].type && x->t[i].id == y->t[i].id && x->t[i].key_bits == y->t[i].key_bits;
    return same;
}

static const char *text_of_proposal(struct arena *a, const struct proposal *p)
{
    const char *text = NULL;
    for (size_t i = 0; i < p->count; i++) {
        const struct transform *t = &p->t[i];
        bool is_addke = transform_is_addke(t->type);
        const char *word =
            alg_keyword_of(is_addke ? TRANSFORM_KE : (enum transform_type)t->type, t->id, t->key_bits);
        bool is_only_noesn = t->type == TRANSFORM_ESN && !t->id && i && p->t[i - 1].type != TRANSFORM_ESN;
        if (is_only_noesn) /* as without the word */
            continue;
        word = word ? word : "?";
        if (is_addke)
            word = arena_printf(a, "ke%d_%s", t->type - TRANSFORM_ADDKE1 + 1, word);
        text = text ? arena_printf(a, "%s-%s", text, word) : word;
    }
    return text ? text : "?";
}

const char *text_of_proposals(struct arena *a, const struct proposal_list *l)
{
    struct proposal def[PROPOSAL_DEFAULTS_MAX];
    size_t n_def = l->n ? proposal_defaults(l->v[0].protocol, def) : 0, n = l->n;
    bool has_default = n_def && l->n >= n_def;
    const char *list = NULL;
    for (size_t i = 0; has_default && i < n_def; i++)
        has_default = same_proposal(&def[i], &l->v[l->n - n_def + i]);
    if (has_default)
        n -= n_def;
    for (size_t i = 0; i < n; i++)
        list = join(a, list, text_of_proposal(a, &l->v[i]));
    return has_default ? join(a, list, "default") : list;
}

/* ---- keys, certificates, secrets */

const char *text_of_key(struct arena *a, const struct pkey *k)
{
    struct secret der = {0};
    bool is_rsa = pkey_type(k) == PKEY_RSA; /* as Libreswan and strongSwan write them */
    if (!pkey_encode(k, is_rsa ? PKEY_RFC3110 : PKEY_SPKI_DER, &der))
        return NULL;
    size_t cap = der.len * 2 + 8;
    struct text t = {.buf = arena_alloc(a, cap), .cap = cap};
    text_str(&t, "0s");
    text_base64(&t, secret_view(&der));
    secret_free(&der);
    return t.buf;
}

const char *path_of_cert(const struct config *c, const struct cert *cert)
{
    for (size_t i = 0; i < c->n_cert_files; i++) {
        if (span_equal(cert_der(c->cert_files[i].cert), cert_der(cert)))
            return c->cert_files[i].path;
    }
    return NULL;
}

static bool is_plain(struct span s, const char *but)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7e || strchr(but, s.ptr[i]))
            return false;
    }
    return s.len > 0;
}

const char *text_of_secret(struct arena *a, const struct secret *s, bool is_ipsec)
{
    struct span v = secret_view(s);
    bool is_coded = v.len > 1 && v.ptr[0] == '0' && strchr("xXsS", v.ptr[1]);
    size_t cap = v.len * 2 + 8;
    struct text t = {.buf = arena_alloc(a, cap), .cap = cap};
    if (is_plain(v, is_ipsec ? "\"" : "\"\\") && (is_ipsec || !is_coded)) {
        text_printf(&t, "\"%.*s\"", (int)v.len, (const char *)v.ptr);
        return t.buf;
    }
    text_str(&t, "0s");
    text_base64(&t, v);
    return t.buf;
}

const char *quoted(struct arena *a, const char *value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "._:/%@,+*()<>|=!~^$&;?-[]";
    bool is_fine = *value != 0;
    for (const char *p = value; *p && is_fine; p++)
        is_fine = strchr(plain, *p) || (*p == ' ' && p > value && p[-1] == ',' && p[1] && p[1] != ' ');
    if (is_fine)
        return value;
    char *out = arena_alloc(a, 2 * strlen(value) + 3), *to = out;
    *to++ = '"';
    for (const char *p = value; *p; p++) {
        if (*p == '"' || *p == '\\')
            *to++ = '\\';
        *to++ = *p == '\n' ? 'n' : *p;
        if (*p == '\n') {
            to[-1] = '\\';
            *to++ = 'n';
        }
    }
    *to++ = '"';
    *to = 0;
    return out;
}

const char *section_name(struct arena *a, const char *name)
{
    char *out = arena_strdup(a, name);
    for (char *p = out; *p; p++) {
        if (*p <= ' ' || *p >= 127 || strchr("#{}:,=\".", *p))
            *p = '_';
    }
    return out;
}
