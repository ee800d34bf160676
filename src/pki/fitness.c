/* SPDX-License-Identifier: Apache-2.0 */
/* The demands of clients on certificates: see fitness.h. A refusal is known from the client's documentation
 * or from what it did; what is only believed, or holds for some versions or ways of setting up, is a risk. */
#include "pki/fitness.h"
#include "base/text.h"
#include "pki/asn1.h"
#include "pki/cert_impl.h"

enum { APPLE_DAYS_MAX = 825, RSA_BITS_GOOD = 2048 };

static bool has_usage(const struct cert *c, const char *oid)
{
    for (int i = 0; i < sk_ASN1_OBJECT_num(c->ekus); i++) {
        char text[64];
        OBJ_obj2txt(text, sizeof(text), sk_ASN1_OBJECT_value(c->ekus, i), 1);
        if (!strcmp(text, oid))
            return true;
    }
    return false;
}

#define SERVER_AUTH      "1.3.6.1.5.5.7.3.1"
#define CLIENT_AUTH      "1.3.6.1.5.5.7.3.2"
#define IPSEC_IKE        "1.3.6.1.5.5.7.3.17"
#define IKE_INTERMEDIATE "1.3.6.1.5.5.8.2.2"
#define ANY_USAGE        "2.5.29.37.0"

static size_t count_names(const struct cert *c, int type)
{
    size_t n = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(c->names); i++)
        n += sk_GENERAL_NAME_value(c->names, i)->type == type;
    return n;
}

static const char *curve_of(const struct cert *c, char name[64])
{
    name[0] = '\0';
    if (pkey_type(c->key) == PKEY_ECDSA)
        EVP_PKEY_get_group_name(X509_get0_pubkey(c->x509), name, 64, NULL);
    return name;
}

static bool is_brainpool(const struct cert *c)
{
    char name[64];
    return !strncmp(curve_of(c, name), "brainpool", 9);
}

static bool is_edwards(const struct cert *c)
{
    return pkey_type(c->key) == PKEY_ED25519 || pkey_type(c->key) == PKEY_ED448;
}

static bool is_expired(const struct cert *c, int64_t now)
{
    return now > c->not_after;
}

static bool is_early(const struct cert *c, int64_t now)
{
    return now < c->not_before;
}

static bool has_unknown_critical(const struct cert *c, int64_t now)
{
    (void)now;
    return c->unknown_critical[0] != '\0';
}

static bool has_no_name(const struct cert *c, int64_t now)
{
    (void)now;
    return X509_NAME_entry_count(X509_get_subject_name(c->x509)) == 0 && sk_GENERAL_NAME_num(c->names) <= 0;
}

static bool may_not_sign(const struct cert *c, int64_t now)
{
    (void)now;
    return c->has_key_usage && !(c->key_usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION));
}

static bool is_of_a_ca(const struct cert *c, int64_t now)
{
    (void)now;
    return c->is_ca;
}

static bool has_weak_digest(const struct cert *c, int64_t now)
{
    (void)now;
    return asn1_digest_is_weak(c->digest_nid);
}

static bool has_short_rsa(const struct cert *c, int64_t now)
{
    (void)now;
    return pkey_type(c->key) == PKEY_RSA && pkey_bits(c->key) < RSA_BITS_GOOD;
}

static bool lacks_server_auth(const struct cert *c, int64_t now)
{
    (void)now;
    return !has_usage(c, SERVER_AUTH);
}

static bool lacks_client_auth(const struct cert *c, int64_t now)
{
    (void)now;
    return c->has_ext_key_usage && !has_usage(c, CLIENT_AUTH) && !has_usage(c, ANY_USAGE);
}

static bool lacks_any_ipsec_usage(const struct cert *c, int64_t now)
{
    (void)now;
    return c->has_ext_key_usage && !has_usage(c, SERVER_AUTH) && !has_usage(c, CLIENT_AUTH) &&
           !has_usage(c, IPSEC_IKE) && !has_usage(c, IKE_INTERMEDIATE) && !has_usage(c, ANY_USAGE);
}

static bool lacks_ike_intermediate(const struct cert *c, int64_t now)
{
    (void)now;
    return !has_usage(c, IKE_INTERMEDIATE);
}

static bool lacks_host_name(const struct cert *c, int64_t now)
{
    (void)now;
    return !count_names(c, GEN_DNS) && !count_names(c, GEN_IPADD);
}

/* An address of the subjectAltName that is not there as a dNSName, too. */
static bool lacks_address_as_name(const struct cert *c, int64_t now)
{
    (void)now;
    for (int i = 0; i < sk_GENERAL_NAME_num(c->names); i++) {
        const GENERAL_NAME *address = sk_GENERAL_NAME_value(c->names, i);
        char text[256];
        bool is_found = address->type != GEN_IPADD;
        general_name_text(address, text, sizeof(text));
        for (int k = 0; k < sk_GENERAL_NAME_num(c->names) && !is_found; k++) {
            const GENERAL_NAME *name = sk_GENERAL_NAME_value(c->names, k);
            is_found = name->type == GEN_DNS && span_equal(general_name_bytes(name), span_str(text));
        }
        if (!is_found)
            return true;
    }
    return false;
}

static bool is_valid_for_long(const struct cert *c, int64_t now)
{
    (void)now;
    return c->not_after - c->not_before > APPLE_DAYS_MAX * INT64_C(86400);
}

static bool is_beyond_p384(const struct cert *c, int64_t now)
{
    char name[64];
    (void)now;
    if (pkey_type(c->key) == PKEY_RSA)
        return false;
    curve_of(c, name);
    return strcmp(name, "prime256v1") != 0 && strcmp(name, "secp384r1") != 0;
}

static bool is_ecdsa(const struct cert *c, int64_t now)
{
    (void)now;
    return pkey_type(c->key) == PKEY_ECDSA;
}

static bool is_ed25519(const struct cert *c, int64_t now)
{
    (void)now;
    return pkey_type(c->key) == PKEY_ED25519;
}

static bool is_ed448_or_brainpool(const struct cert *c, int64_t now)
{
    (void)now;
    return pkey_type(c->key) == PKEY_ED448 || is_brainpool(c);
}

static bool is_eddsa_or_brainpool(const struct cert *c, int64_t now)
{
    (void)now;
    return is_edwards(c) || is_brainpool(c);
}

const char *fit_client_name(enum fit_client client)
{
    static const char *const names[FIT_N_CLIENTS] = {"Windows", "iOS and macOS", "Android", "strongSwan",
                                                     "Libreswan"};
    return names[client];
}

bool fit_rule_applies(const struct fit_rule *rule, enum fit_client client, enum fit_role role,
                      const struct cert *c, int64_t now)
{
    return rule->clients >> client & 1 && rule->roles >> role & 1 && rule->is_broken(c, now);
}

enum fit_level fit_verdict(enum fit_client client, enum fit_role role, const struct cert *c, int64_t now)
{
    enum fit_level worst = FIT_NOTE;
    const struct fit_rule *rule;
    for (size_t i = 0; (rule = fit_rule_at(i)); i++) {
        if (rule->level > worst && fit_rule_applies(rule, client, role, c, now))
            worst = rule->level;
    }
    return worst;
}

enum {
    WIN = 1 << FIT_WINDOWS,
    APPLE = 1 << FIT_APPLE,
    DROID = 1 << FIT_ANDROID,
    SSWAN = 1 << FIT_STRONGSWAN,
    LSWAN = 1 << FIT_LIBRESWAN,
    ALL = WIN | APPLE | DROID | SSWAN | LSWAN,
    GW = 1 << FIT_GATEWAY,
    USER = 1 << FIT_USER,
    BOTH = GW | USER,
};

/* clang-format off: a row is three lines */
static const struct fit_rule rules[] = {
    {"expired",          ALL,                         BOTH, FIT_REFUSED, is_expired,             "it has expired",                                          "issue it anew"                                      },
    {"not-yet-valid",    ALL,                         BOTH, FIT_REFUSED, is_early,               "it is not valid yet",
     "look at the clock of who issued it"                                                                                                                                                                        },
    {"unknown-critical", ALL,                         BOTH, FIT_REFUSED, has_unknown_critical,
     "it has a critical extension that is not known",                                                                                                       "issue it without"                                   },
    {"no-name",          ALL,                         BOTH, FIT_REFUSED, has_no_name,            "it has neither a subject nor a subjectAltName",
     "--dn and --san"                                                                                                                                                                                            },
    {"key-usage",        WIN | APPLE | DROID | LSWAN, BOTH, FIT_REFUSED, may_not_sign,
     "its keyUsage has no digitalSignature",                                                                                                                "issue it with digitalSignature, or without keyUsage"},
    {"key-usage",        SSWAN,                       BOTH, FIT_RISK,    may_not_sign,
     "its keyUsage has no digitalSignature, which RFC 4945 demands",                                                                                        "issue it with digitalSignature"                     },
    {"ca",               ALL,                         BOTH, FIT_RISK,    is_of_a_ca,             "it is a CA's: whoever has its key can issue others",
     "issue one without --ca for this host"                                                                                                                                                                      },
    {"sha1",             APPLE,                       BOTH, FIT_REFUSED, has_weak_digest,        "it is signed with SHA-1 or MD5",                          "--digest sha256"                                    },
    {"sha1",             WIN | DROID | SSWAN | LSWAN, BOTH, FIT_RISK,    has_weak_digest,
     "it is signed with SHA-1 or MD5, which many refuse",                                                                                                   "--digest sha256"                                    },
    {"short-rsa",        APPLE,                       GW,   FIT_REFUSED, has_short_rsa,          "its RSA key has fewer than 2048 bits",
     "--size 2048"                                                                                                                                                                                               },
    {"short-rsa",        WIN | DROID | SSWAN | LSWAN, BOTH, FIT_RISK,    has_short_rsa,
     "its RSA key has fewer than 2048 bits, which FIPS and many policies refuse",                                                                           "--size 2048"                                        },

    {"server-auth",      WIN,                         GW,   FIT_REFUSED, lacks_server_auth,
     "its extendedKeyUsage has no serverAuth: error 13801",                                                                                                 "--flag serverAuth"                                  },
    {"server-auth",      APPLE,                       GW,   FIT_REFUSED, lacks_server_auth,
     "its extendedKeyUsage has no serverAuth (demanded since iOS 13 and macOS 10.15)",                                                                      "--flag serverAuth"                                  },
    {"client-auth",      WIN,                         USER, FIT_REFUSED, lacks_client_auth,
     "its extendedKeyUsage has no clientAuth: it is not offered, error 13806",                                                                              "--flag clientAuth"                                  },
    {"ipsec-usage",      LSWAN,                       BOTH, FIT_REFUSED, lacks_any_ipsec_usage,
     "its extendedKeyUsage has none of serverAuth, clientAuth, ipsecIKE and ikeIntermediate",                                                               "--flag serverAuth --flag clientAuth"                },
    {"ipsec-usage",      DROID,                       BOTH, FIT_RISK,    lacks_any_ipsec_usage,
     "its extendedKeyUsage has none of serverAuth, clientAuth, ipsecIKE and ikeIntermediate",                                                               "--flag serverAuth --flag clientAuth"                },
    {"ike-intermediate", APPLE,                       GW,   FIT_NOTE,    lacks_ike_intermediate,
     "OS X 10.7.3 and older want ikeIntermediate in its extendedKeyUsage",                                                                                  "--flag ikeIntermediate"                             },

    {"host-name",        APPLE,                       GW,   FIT_REFUSED, lacks_host_name,
     "its subjectAltName has no name or address of a host; the common name does not count",                                                                 "--san vpn.example.com"                              },
    {"host-name",        DROID,                       GW,   FIT_REFUSED, lacks_host_name,
     "its subjectAltName has no name or address of a host: the client wants the one that it connects to",                                                   "--san vpn.example.com"                              },
    {"host-name",        WIN | SSWAN | LSWAN,         GW,   FIT_RISK,    lacks_host_name,
     "its subjectAltName has no name or address of a host: it is found by its subject alone",                                                               "--san vpn.example.com"                              },
    {"address-as-name",  WIN,                         GW,   FIT_RISK,    lacks_address_as_name,
     "an address of its subjectAltName is no dNSName, too: who connects to the address is refused",                                                         "--san 192.0.2.1 --san dns:192.0.2.1"                },
    {"long-life",        APPLE,                       GW,   FIT_REFUSED, is_valid_for_long,      "it is valid for more than 825 days",
     "--lifetime 825"                                                                                                                                                                                            },

    {"key-kind",         WIN,                         BOTH, FIT_REFUSED, is_beyond_p384,         "its key is none of RSA, P-256 and P-384",
     "--type rsa"                                                                                                                                                                                                },
    {"key-kind",         APPLE,                       BOTH, FIT_REFUSED, is_ed448_or_brainpool,  "its key is Ed448, or on a brainpool curve",
     "--type rsa"                                                                                                                                                                                                },
    {"key-kind",         APPLE,                       BOTH, FIT_RISK,    is_ed25519,             "its key is Ed25519, of which no client is known here",
     "--type rsa"                                                                                                                                                                                                },
    {"key-kind",         APPLE,                       GW,   FIT_RISK,    is_ecdsa,
     "its key is ECDSA: a VPN that is set up by hand on iOS refuses it, a profile with CertificateType takes "
     "it",                                                                                                                                                  "--type rsa"                                         },
    {"key-kind",         DROID,                       BOTH, FIT_REFUSED, is_eddsa_or_brainpool,
     "its key is EdDSA, or on a brainpool curve; the built-in client has RSA (the strongSwan app has more)",                                                "--type rsa"                                         },
    {"key-kind",         DROID,                       USER, FIT_RISK,    is_ecdsa,
     "its key is ECDSA, which the settings of the built-in client do not offer",                                                                            "--type rsa"                                         },
    {"key-kind",         LSWAN,                       BOTH, FIT_RISK,    is_ed25519,             "its key is Ed25519, which Libreswan has since version 5",
     "--type rsa, or --type ecdsa"                                                                                                                                                                               },
    {"key-kind",         LSWAN,                       BOTH, FIT_RISK,    is_ed448_or_brainpool,
     "its key is Ed448, or on a brainpool curve, with which no Libreswan is known here",                                                                    "--type rsa, or --type ecdsa"                        },
};
/* clang-format on */

const struct fit_rule *fit_rule_at(size_t index)
{
    return index < ARRAY_LEN(rules) ? &rules[index] : NULL;
}
