/* SPDX-License-Identifier: Apache-2.0 */
/* Auth methods and signature schemes: which we know, which we choose, which we accept (RFC 7296 section 3.8,
 * RFC 4754, RFC 7427, RFC 8247 section 3, RFC 8420). See auth.h. */
#include "base/rd.h"
#include "base/text.h"
#include "ike/auth/auth.h"

#define BIT(hash) (UINT32_C(1) << (hash))

static const struct method_row {
    uint8_t method;
    const char *name;
    uint32_t types; /* key types that may stand behind it; 0: no signature */
} methods[] = {
    {AUTH_WIRE_RSA,             "RSA signature",       BIT(PKEY_RSA)      },
    {AUTH_WIRE_PSK,             "pre-shared key",      0                  },
    {AUTH_WIRE_DSS,             "DSS signature",       0                  },
    {AUTH_WIRE_ECDSA_256,       "ECDSA-256 signature", BIT(PKEY_ECDSA)    },
    {AUTH_WIRE_ECDSA_384,       "ECDSA-384 signature", BIT(PKEY_ECDSA)    },
    {AUTH_WIRE_ECDSA_521,       "ECDSA-521 signature", BIT(PKEY_ECDSA)    },
    {AUTH_WIRE_SECURE_PASSWORD, "secure password",     0                  },
    {AUTH_WIRE_NULL,            "NULL authentication", 0                  },
    {AUTH_WIRE_SIGNATURE,       "digital signature",
     BIT(PKEY_RSA) | BIT(PKEY_ECDSA) | BIT(PKEY_ED25519) | BIT(PKEY_ED448)},
};

static const struct method_row *find_method(uint8_t method)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (methods[i].method == method)
            return &methods[i];
    }
    return NULL;
}

const char *auth_wire_method_name(uint8_t method)
{
    const struct method_row *m = find_method(method);
    return m ? m->name : NULL;
}

bool auth_wire_is_signature(uint8_t method)
{
    const struct method_row *m = find_method(method);
    return m && m->types != 0;
}

enum auth_method auth_way_of(uint8_t method)
{
    return method == AUTH_WIRE_PSK ? AUTH_PSK : method == AUTH_WIRE_NULL ? AUTH_NULL : AUTH_PUBKEY;
}

const char *auth_way_name(enum auth_method way)
{
    static const char *const names[] = {
        [AUTH_PSK] = "a pre-shared key", [AUTH_PUBKEY] = "a signature", [AUTH_NULL] = "NULL authentication"};
    return names[way];
}

bool auth_method_fits(uint8_t method, enum pkey_type type)
{
    const struct method_row *m = find_method(method);
    return m && m->types & BIT(type);
}

/* ---- SIGNATURE_HASH_ALGORITHMS ---- */

static const uint16_t known_hashes[] = {HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_IDENTITY};

size_t auth_hashes_encode(uint8_t out[AUTH_HASHES_MAX])
{
    for (size_t i = 0; i < ARRAY_LEN(known_hashes); i++) {
        out[2 * i] = (uint8_t)(known_hashes[i] >> 8);
        out[2 * i + 1] = (uint8_t)known_hashes[i];
    }
    return 2 * ARRAY_LEN(known_hashes);
}

uint32_t auth_hashes_decode(struct span data)
{
    struct rd r = rd_over(data);
    uint32_t set = 0;
    while (rd_left(&r) > 0) {
        uint16_t id = rd_u16(&r);
        for (size_t i = 0; i < ARRAY_LEN(known_hashes); i++) {
            if (known_hashes[i] == id)
                set |= BIT(id);
        }
    }
    return rd_ok(&r) ? set : 0;
}

/* ---- choosing ---- */

/* Best first. A hash as strong as the key comes first; the unbounded rows behind are for peers without it. */
static const struct choice_row {
    struct sig_scheme scheme;
    unsigned min_bits, max_bits; /* of our key */
    uint8_t method;
    uint8_t oid[11]; /* classic ECDSA: the curve, as it stands in the public key (length first) */
} choices[] = {
    {{PKEY_ED25519, HASH_IDENTITY, false}, 0,    UINT32_MAX, AUTH_WIRE_SIGNATURE, {0}                                                             },
    {{PKEY_ED448, HASH_IDENTITY, false},   0,    UINT32_MAX, AUTH_WIRE_SIGNATURE, {0}                                                             },
    {{PKEY_ECDSA, HASH_SHA512, false},     500,  UINT32_MAX, AUTH_WIRE_SIGNATURE, {0}                                                             },
    {{PKEY_ECDSA, HASH_SHA384, false},     380,  499,        AUTH_WIRE_SIGNATURE, {0}                                                             },
    {{PKEY_ECDSA, HASH_SHA256, false},     0,    UINT32_MAX, AUTH_WIRE_SIGNATURE, {0}                                                             },
    {{PKEY_ECDSA, HASH_SHA384, false},     0,    UINT32_MAX, AUTH_WIRE_SIGNATURE, {0}                                                             },
    {{PKEY_ECDSA, HASH_SHA512, false},     0,    UINT32_MAX, AUTH_WIRE_SIGNATURE, {0}                                                             },
    {{PKEY_RSA, HASH_SHA512, true},        7000, UINT32_MAX, AUTH_WIRE_SIGNATURE, {0}                                                             },
    {{PKEY_RSA, HASH_SHA256, true},        0,    UINT32_MAX, AUTH_WIRE_SIGNATURE, {0}                                                             },
    {{PKEY_RSA, HASH_SHA384, true},        0,    UINT32_MAX, AUTH_WIRE_SIGNATURE, {0}                                                             },
    {{PKEY_RSA, HASH_SHA512, true},        0,    UINT32_MAX, AUTH_WIRE_SIGNATURE, {0}                                                             },
    {{PKEY_RSA, HASH_SHA256, false},       0,    UINT32_MAX, AUTH_WIRE_SIGNATURE, {0}                                                             },
    {{PKEY_RSA, HASH_SHA384, false},       0,    UINT32_MAX, AUTH_WIRE_SIGNATURE, {0}                                                             },
    {{PKEY_RSA, HASH_SHA512, false},       0,    UINT32_MAX, AUTH_WIRE_SIGNATURE, {0}                                                             },
 /* Peers without RFC 7427. Method 1 has no way to say its hash: SHA-1 is what all of them understand. */
    {{PKEY_ECDSA, HASH_SHA256, false},
     256,                                        256,
     AUTH_WIRE_ECDSA_256,                                                         {10, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}},
    {{PKEY_ECDSA, HASH_SHA384, false},
     384,                                        384,
     AUTH_WIRE_ECDSA_384,                                                         {7, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}                   },
    {{PKEY_ECDSA, HASH_SHA512, false},
     521,                                        521,
     AUTH_WIRE_ECDSA_521,                                                         {7, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}                   },
    {{PKEY_RSA, HASH_SHA1, false},         0,    UINT32_MAX, AUTH_WIRE_RSA,       {0}                                                             },
};

static bool same_scheme(struct sig_scheme a, struct sig_scheme b)
{
    return a.type == b.type && a.hash == b.hash && a.is_pss == b.is_pss;
}

static bool is_listed(struct sig_scheme s, const struct sig_scheme *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (same_scheme(s, list[i]))
            return true;
    }
    return n == 0;
}

static bool is_on_curve(const struct pkey *k, const uint8_t *oid)
{
    struct span spki = pkey_spki(k);
    return oid[0] == 0 || memmem(spki.ptr, spki.len, oid + 1, oid[0]) != NULL;
}

static const char *list_schemes(const struct sig_scheme *v, size_t n, char *buf, size_t cap)
{
    struct text t = {.buf = buf, .cap = cap};
    for (size_t i = 0; i < n; i++)
        text_printf(&t, "%s%s", i ? ", " : "", sig_scheme_name(v[i]));
    return n ? buf : "any scheme but those with SHA-1";
}

static const char *list_hashes(uint32_t set, char *buf, size_t cap)
{
    static const char *const names[] = {[HASH_SHA256] = "SHA2-256",
                                        [HASH_SHA384] = "SHA2-384",
                                        [HASH_SHA512] = "SHA2-512",
                                        [HASH_IDENTITY] = "identity"};
    struct text t = {.buf = buf, .cap = cap};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i] && set & BIT(i))
            text_printf(&t, "%s%s", t.len ? ", " : "", names[i]);
    }
    return t.len ? buf : "no signature hash algorithms announced";
}

/* without_pss: what is left of RFC 7427 then. */
static bool choose(const struct pkey *own, uint32_t peer_hashes, const struct sig_scheme *allowed,
                   size_t n_allowed, bool without_pss, struct auth_choice *out)
{
    unsigned bits = pkey_bits(own);
    for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
        const struct choice_row *c = &choices[i];
        bool is_classic = c->method != AUTH_WIRE_SIGNATURE;
        if (c->scheme.type != pkey_type(own) || bits < c->min_bits || bits > c->max_bits)
            continue;
        if (!is_listed(c->scheme, allowed, n_allowed) || !is_on_curve(own, c->oid))
            continue;
        if (!is_classic && !(peer_hashes & BIT(c->scheme.hash)))
            continue;
        if (without_pss && (is_classic || c->scheme.is_pss))
            continue;
        *out = (struct auth_choice){c->scheme, is_classic, c->method};
        return true;
    }
    return false;
}

bool auth_choose_padded(const struct pkey *own, uint32_t peer_hashes, const struct sig_scheme *allowed,
                        size_t n_allowed, bool prefers_pss, struct auth_choice *out, struct diag *d)
{
    if (!prefers_pss && choose(own, peer_hashes, allowed, n_allowed, true, out))
        return true;
    return auth_choose(own, peer_hashes, allowed, n_allowed, out, d);
}

bool auth_choose(const struct pkey *own, uint32_t peer_hashes, const struct sig_scheme *allowed,
                 size_t n_allowed, struct auth_choice *out, struct diag *d)
{
    unsigned bits = pkey_bits(own);
    if (choose(own, peer_hashes, allowed, n_allowed, false, out))
        return true;
    char buf[256];
    diag_set(d, FAIL_AUTH, "no signature scheme for our %s of %u bits suits both sides", pkey_type_name(own),
             bits);
    diag_expected(d, "%s", list_schemes(allowed, n_allowed, buf, sizeof(buf)));
    diag_got(d, "%s", list_hashes(peer_hashes, buf, sizeof(buf)));
    return false;
}

bool auth_acceptable(const struct auth_side *remote, const struct pkey *key, struct sig_scheme used,
                     struct diag *d)
{
    unsigned bits = pkey_bits(key), min = 0;
    if (pkey_type(key) == PKEY_RSA)
        min = remote->min_rsa_bits;
    if (pkey_type(key) == PKEY_ECDSA)
        min = remote->min_ecdsa_bits;
    if (bits < min) {
        diag_set(d, FAIL_AUTH, "the peer's key is too short");
        diag_expected(d, "at least %u bits", min);
        diag_got(d, "%u bits", bits);
        return false;
    }
    if (is_listed(used, remote->schemes, remote->n_schemes))
        return true;
    char buf[256];
    diag_set(d, FAIL_AUTH, "the peer's signature scheme is not allowed here");
    diag_expected(d, "%s", list_schemes(remote->schemes, remote->n_schemes, buf, sizeof(buf)));
    diag_got(d, "%s", sig_scheme_name(used));
    return false;
}
