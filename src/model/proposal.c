/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals as text: parsing "aes256gcm16-prfsha256-x25519", the defaults, and how proposals and choices are
 * printed (RFC 7296 section 3.3; RFC 9370 section 2.2.1; algorithm choice after RFC 8221 and RFC 8247).
 * Choosing is in proposal_select.c; the wire format is ike/msg's. */
#include "model/proposal.h"
#include "base/text.h"
#include <stdio.h>

/* The order in which a proposal keeps and prints its types: as in the text form. */
static const uint8_t type_order[] = {TRANSFORM_ENCR,
                                     TRANSFORM_INTEG,
                                     TRANSFORM_PRF,
                                     TRANSFORM_KE,
                                     TRANSFORM_ESN,
                                     TRANSFORM_ADDKE1,
                                     7,
                                     8,
                                     9,
                                     10,
                                     11,
                                     TRANSFORM_ADDKE7};

const char *proposal_protocol_name(uint8_t protocol)
{
    return protocol == PROTO_IKE ? "IKE" : protocol == PROTO_AH ? "AH" : "ESP";
}

static bool add(struct proposal *p, uint8_t type, uint16_t id, uint16_t key_bits)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->t[i].type == type && p->t[i].id == id && p->t[i].key_bits == key_bits)
            return true;
    }
    if (p->count == PROPOSAL_MAX_TRANSFORMS)
        return false;
    p->t[p->count++] = (struct transform){.type = type, .id = id, .key_bits = key_bits};
    return true;
}

static size_t count_of(const struct proposal *p, uint8_t type)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        n += p->t[i].type == type;
    return n;
}

static void remove_type(struct proposal *p, uint8_t type)
{
    uint8_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (p->t[i].type != type)
            p->t[kept++] = p->t[i];
    }
    p->count = kept;
}

void proposal_strip_addke(struct proposal *p)
{
    for (uint8_t type = TRANSFORM_ADDKE1; type <= TRANSFORM_ADDKE7; type++)
        remove_type(p, type);
}

void proposal_strip_ke(struct proposal *p)
{
    remove_type(p, TRANSFORM_KE);
    proposal_strip_addke(p);
}

static void sort_by_type(struct proposal *p)
{
    const struct proposal from = *p;
    p->count = 0;
    for (size_t o = 0; o < ARRAY_LEN(type_order); o++) {
        for (size_t i = 0; i < from.count; i++) {
            if (from.t[i].type == type_order[o])
                p->t[p->count++] = from.t[i];
        }
    }
}

static bool unknown_word(const char *text, const char *word, size_t len, const char *expected, struct diag *d)
{
    diag_set(d, FAIL_CONFIG, "unknown algorithm '%.*s' in proposal '%s'", (int)len, word, text);
    diag_expected(d, "%s", expected);
    diag_got(d, "'%.*s'", (int)len, word);
    return false;
}

static bool too_many(struct diag *d)
{
    diag_set(d, FAIL_CONFIG, "too many algorithms in one proposal");
    diag_expected(d, "at most %d", PROPOSAL_MAX_TRANSFORMS);
    return false;
}

/* "ke1_mlkem768" */
static bool is_additional_ke(const char *word, size_t len)
{
    return len > 4 && strncasecmp(word, "ke", 2) == 0 && word[2] >= '1' && word[2] <= '7' && word[3] == '_';
}

static bool parse_additional(struct proposal *p, const char *text, const char *word, size_t len,
                             struct diag *d)
{
    const struct alg_keyword *k = alg_by_keyword(word + 4, len - 4);
    if (!k || k->type != TRANSFORM_KE)
        return unknown_word(text, word, len, "a key exchange method after the '_', or none", d);
    return add(p, (uint8_t)(TRANSFORM_ADDKE1 + (word[2] - '1')), k->id, 0) || too_many(d);
}

static bool parse_word(struct proposal *p, const char *text, const char *word, size_t len, struct diag *d)
{
    if (is_additional_ke(word, len))
        return parse_additional(p, text, word, len, d);
    const struct alg_keyword *k = alg_by_keyword(word, len);
    if (!k)
        return unknown_word(text, word, len,
                            "words such as aes256gcm16, aes256-sha256, prfsha256, x25519, ecp256, modp2048",
                            d);
    if (k->type == TRANSFORM_PRF && p->protocol != PROTO_IKE)
        return true; /* accepted and without meaning: a child has no PRF of its own */
    bool is_no_ke = k->type == TRANSFORM_KE && k->id == KE_NONE; /* "may be left out": children only */
    bool fits = p->protocol == PROTO_IKE  ? k->type != TRANSFORM_ESN && !is_no_ke
                : p->protocol == PROTO_AH ? k->type != TRANSFORM_ENCR
                                          : true;
    if (!fits) {
        diag_set(d, FAIL_CONFIG, "'%.*s' does not belong into %s proposal '%s'", (int)len, word,
                 p->protocol == PROTO_ESP  ? "an ESP"
                 : p->protocol == PROTO_AH ? "an AH"
                                           : "an IKE",
                 text);
        return false;
    }
    return add(p, (uint8_t)k->type, k->id, k->key_bits) || too_many(d);
}

static bool lacks(struct diag *d, const char *text, const char *what, const char *try)
{
    diag_set(d, FAIL_CONFIG, "proposal '%s' lacks %s", text, what);
    diag_try(d, "%s", try);
    return false;
}

/* RFC 7296 section 3.3.3: which types each protocol must have; section 3.3: AEAD goes without INTEG. */
static bool complete(struct proposal *p, const char *text, struct diag *d)
{
    size_t n_encr = count_of(p, TRANSFORM_ENCR), n_aead = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct alg *a = p->t[i].type == TRANSFORM_ENCR ? alg_find(TRANSFORM_ENCR, p->t[i].id) : NULL;
        n_aead += a && a->is_aead;
    }
    if (p->protocol != PROTO_AH && n_encr == 0)
        return lacks(d, text, "an encryption algorithm", "put one in front: aes256gcm16 or aes256");
    if (n_aead && n_aead != n_encr) {
        diag_set(d, FAIL_CONFIG, "proposal '%s' mixes AEAD and classic encryption", text);
        diag_try(d, "write two proposals, separated by a comma");
        return false;
    }
    if (!n_aead && count_of(p, TRANSFORM_INTEG) == 0)
        return lacks(d, text, "an integrity algorithm", "add sha256, or use an AEAD such as aes256gcm16");
    if (p->protocol == PROTO_IKE && count_of(p, TRANSFORM_PRF) == 0) {
        const struct proposal as_written = *p;
        for (size_t i = 0; i < as_written.count; i++) {
            uint16_t prf = as_written.t[i].type == TRANSFORM_INTEG ? alg_prf_of_integ(as_written.t[i].id) : 0;
            if (prf)
                add(p, TRANSFORM_PRF, prf, 0);
        }
        if (count_of(p, TRANSFORM_PRF) == 0)
            return lacks(d, text, "a pseudo-random function", "add prfsha256");
    }
    if (p->protocol == PROTO_IKE && count_of(p, TRANSFORM_KE) == 0)
        return lacks(d, text, "a key exchange method", "add x25519, ecp256 or modp2048");
    const struct proposal_list alone = {.v = p, .n = 1};
    if (proposal_has_addke(&alone) && proposal_first_ke(&alone) == KE_NONE)
        return lacks(d, text, "the key exchange that comes before an additional one", "add x25519 or ecp256");
    if (n_aead)
        remove_type(p, TRANSFORM_INTEG);
    if (p->protocol != PROTO_IKE && count_of(p, TRANSFORM_ESN) == 0)
        add(p, TRANSFORM_ESN, 0, 0);
    return true;
}

bool proposal_parse(uint8_t protocol, const char *text, struct proposal *out, struct diag *d)
{
    struct proposal p = {.protocol = protocol};
    for (const char *at = text;;) {
        size_t len = strcspn(at, "-");
        if (len == 0) {
            diag_set(d, FAIL_CONFIG, "empty word in proposal '%s'", text);
            diag_expected(d, "algorithm words joined by '-'");
            return false;
        }
        if (!parse_word(&p, text, at, len, d))
            return false;
        if (at[len] == 0)
            break;
        at += len + 1;
    }
    if (!complete(&p, text, d))
        return false;
    sort_by_type(&p);
    *out = p;
    return true;
}

static void add_rows(struct proposal *p, const struct transform *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add(p, rows[i].type, rows[i].id, rows[i].key_bits);
}
#define ADD_ROWS(p, rows) add_rows(p, rows, ARRAY_LEN(rows))

size_t proposal_defaults(uint8_t protocol, struct proposal out[PROPOSAL_DEFAULTS_MAX])
{
    static const struct transform aead[] = {
        {TRANSFORM_ENCR, ENCR_AES_GCM_16,        256},
        {TRANSFORM_ENCR, ENCR_AES_GCM_16,        128},
        {TRANSFORM_ENCR, ENCR_CHACHA20_POLY1305, 0  },
    };
    static const struct transform cbc[] = {
        {TRANSFORM_ENCR, ENCR_AES_CBC, 256},
        {TRANSFORM_ENCR, ENCR_AES_CBC, 128},
    };
    static const struct transform integ[] = {
        {TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_128, 0},
        {TRANSFORM_INTEG, INTEG_HMAC_SHA2_384_192, 0},
        {TRANSFORM_INTEG, INTEG_HMAC_SHA2_512_256, 0},
    };
    static const struct transform aead_prf[] = {
        {TRANSFORM_PRF, PRF_HMAC_SHA2_384, 0},
        {TRANSFORM_PRF, PRF_HMAC_SHA2_256, 0},
    };
    static const struct transform cbc_prf[] = {
        {TRANSFORM_PRF, PRF_HMAC_SHA2_256, 0},
        {TRANSFORM_PRF, PRF_HMAC_SHA2_384, 0},
        {TRANSFORM_PRF, PRF_HMAC_SHA2_512, 0},
    };
    static const struct transform ke[] = {
        {TRANSFORM_KE, KE_CURVE25519, 0},
        {TRANSFORM_KE, KE_ECP_256,    0},
        {TRANSFORM_KE, KE_ECP_384,    0},
        {TRANSFORM_KE, KE_MODP_3072,  0},
        {TRANSFORM_KE, KE_MODP_2048,  0},
    };
    static const struct transform hybrid[] = {
        {TRANSFORM_ADDKE1, KE_ML_KEM_768, 0},
    };
    /* ESN first: peers whose data plane lacks it pick the other [RFC4304] */
    static const struct transform esn[] = {
        {TRANSFORM_ESN, 1, 0},
        {TRANSFORM_ESN, 0, 0},
    };
    size_t n = 0;
    if (protocol != PROTO_AH) {
        out[n] = (struct proposal){.protocol = protocol};
        ADD_ROWS(&out[n++], aead);
    }
    out[n] = (struct proposal){.protocol = protocol};
    if (protocol != PROTO_AH)
        ADD_ROWS(&out[n], cbc);
    ADD_ROWS(&out[n++], integ);
    for (size_t i = 0; i < n && protocol != PROTO_IKE; i++)
        ADD_ROWS(&out[i], esn);
    if (protocol != PROTO_IKE)
        return n;
    ADD_ROWS(&out[0], aead_prf);
    ADD_ROWS(&out[1], cbc_prf);
    ADD_ROWS(&out[0], ke);
    ADD_ROWS(&out[1], ke);
    /* hybrid first; who does not know additional key exchanges passes over that proposal [RFC7296#3.3.6] */
    out[2] = out[1];
    out[1] = out[0];
    ADD_ROWS(&out[0], hybrid);
    return 3;
}

static void format_transform(struct text *t, const struct transform *tr)
{
    char name[64];
    if (tr->type == TRANSFORM_ESN)
        text_str(t, tr->id ? "EXT_SEQ" : "NO_EXT_SEQ");
    else
        text_str(t, alg_format((enum transform_type)tr->type, tr->id, tr->key_bits, name, sizeof(name)));
}

const char *proposal_format(const struct proposal *p, char buf[PROPOSAL_TEXT_MAX])
{
    struct text t = {.buf = buf, .cap = PROPOSAL_TEXT_MAX};
    buf[0] = 0;
    text_printf(&t, "%s:", proposal_protocol_name(p->protocol));
    for (size_t i = 0; i < p->count; i++) {
        if (i)
            text_str(&t, "/");
        format_transform(&t, &p->t[i]);
    }
    return buf;
}

const char *chosen_format(const struct chosen *c, char buf[PROPOSAL_TEXT_MAX])
{
    struct proposal p;
    chosen_to_proposal(c, &p);
    return proposal_format(&p, buf);
}

void chosen_to_proposal(const struct chosen *c, struct proposal *out)
{
    *out = (struct proposal){.protocol = c->protocol, .number = c->number, .spi_len = c->spi_len};
    memcpy(out->spi, c->spi, sizeof(out->spi));
    if (c->encr)
        add(out, TRANSFORM_ENCR, c->encr, c->key_bits);
    if (c->integ)
        add(out, TRANSFORM_INTEG, c->integ, 0);
    if (c->prf)
        add(out, TRANSFORM_PRF, c->prf, 0);
    if (c->ke)
        add(out, TRANSFORM_KE, c->ke, 0);
    if (c->protocol != PROTO_IKE)
        add(out, TRANSFORM_ESN, c->has_esn, 0);
    for (size_t i = 0; i < ADDKE_MAX; i++) {
        if (c->addke[i])
            add(out, (uint8_t)(TRANSFORM_ADDKE1 + i), c->addke[i], 0);
    }
}

uint16_t chosen_addke(const struct chosen *c, uint8_t *at)
{
    while (*at < ADDKE_MAX && c->addke[*at] == KE_NONE)
        (*at)++;
    return *at < ADDKE_MAX ? c->addke[*at] : KE_NONE;
}

uint16_t proposal_first_ke(const struct proposal_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        for (size_t k = 0; k < l->v[i].count; k++) {
            if (l->v[i].t[k].type == TRANSFORM_KE && l->v[i].t[k].id != KE_NONE)
                return l->v[i].t[k].id;
        }
    }
    return KE_NONE;
}

bool proposal_has_ke(const struct proposal_list *l, uint16_t ke)
{
    for (size_t i = 0; i < l->n; i++) {
        for (size_t k = 0; k < l->v[i].count; k++) {
            if (l->v[i].t[k].type == TRANSFORM_KE && l->v[i].t[k].id == ke)
                return true;
        }
    }
    return false;
}

bool proposal_has_addke(const struct proposal_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        for (size_t k = 0; k < l->v[i].count; k++) {
            if (transform_is_addke(l->v[i].t[k].type) && l->v[i].t[k].id != KE_NONE)
                return true;
        }
    }
    return false;
}
