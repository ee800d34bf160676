/* SPDX-License-Identifier: Apache-2.0 */
/* The small parts of a printed credential: hex with colons, names (RFC 5280 section 4.1.2.4, without RFC
 * 4514's escapes: it is strongSwan's layout), times and how far away they are, PEM. */
#include "pki/print/print_impl.h"
#include <arpa/inet.h>
#include <limits.h>
#include <openssl/pem.h>
#include <string.h>
#include <time.h>

enum { ROOM_LEAST = 8192, ROOM_FACTOR = 24, OID_TEXT_MAX = 256 };

const struct print_validity print_validity_cert = {"validity: ", "not before", "not after "};
const struct print_validity print_validity_update = {"update:   ", "this on", "next on"};

/* The attribute types that have a name; OIDs as OBJ_obj2txt() writes them. */
static const struct {
    const char *oid, *name;
} attributes[] = {
    {"2.5.4.3",                    "CN"                    },
    {"2.5.4.6",                    "C"                     },
    {"2.5.4.10",                   "O"                     },
    {"2.5.4.11",                   "OU"                    },
    {"2.5.4.7",                    "L"                     },
    {"2.5.4.8",                    "ST"                    },
    {"1.2.840.113549.1.9.1",       "E"                     },
    {"0.9.2342.19200300.100.1.25", "DC"                    },
    {"0.9.2342.19200300.100.1.1",  "UID"                   },
    {"2.5.4.4",                    "SN"                    },
    {"2.5.4.5",                    "serialNumber"          },
    {"2.5.4.9",                    "STREET"                },
    {"2.5.4.12",                   "T"                     },
    {"2.5.4.13",                   "D"                     },
    {"2.5.4.16",                   "postalAddress"         },
    {"2.5.4.17",                   "postalCode"            },
    {"2.5.4.36",                   "userCertificate"       },
    {"2.5.4.41",                   "N"                     },
    {"2.5.4.42",                   "G"                     },
    {"2.5.4.43",                   "I"                     },
    {"2.5.4.45",                   "ID"                    },
    {"2.5.4.46",                   "dnQualifier"           },
    {"2.5.4.54",                   "dmdName"               },
    {"2.5.4.65",                   "pseudonym"             },
    {"2.5.4.72",                   "role"                  },
    {"1.2.840.113549.1.9.2",       "unstructuredName"      },
    {"1.2.840.113549.1.9.3",       "contentType"           },
    {"1.2.840.113549.1.9.7",       "challengePassword"     },
    {"1.2.840.113549.1.9.8",       "unstructuredAddress"   },
    {"2.16.840.1.113730.3.1.3",    "employeeNumber"        },
    {"0.2.262.1.10.7.20",          "ND"                    },
    {"2.23.133.2.1",               "tcg-at-tpmManufacturer"},
    {"2.23.133.2.2",               "tcg-at-tpmModel"       },
    {"2.23.133.2.3",               "tcg-at-tpmVersion"     },
};

size_t print_room(size_t len)
{
    return ROOM_LEAST + (len < SIZE_MAX / 2 / ROOM_FACTOR ? len * ROOM_FACTOR : 0);
}

bool print_finish(const struct text *t, struct diag *d)
{
    if (t->len + 1 < t->cap)
        return true;
    diag_set(d, FAIL_GENERIC, "the text about it is longer than %zu bytes", t->cap);
    return false;
}

bool print_refuse(const char *what, const char *form, size_t len, struct diag *d)
{
    diag_set(d, FAIL_CERTIFICATE, "no %s that can be read", what);
    diag_expected(d, "one as %s", form);
    diag_got(d, "%zu bytes that are none", len);
    return false;
}

void print_colons(struct text *t, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        text_printf(t, i ? ":%02x" : "%02x", bytes.ptr[i]);
}

void print_integer(struct text *t, const ASN1_INTEGER *i)
{
    uint8_t *der = NULL;
    int len = i ? i2d_ASN1_INTEGER(i, &der) : 0;
    int head = len > 2 && der[1] < 0x80 ? 2 : len > 2 ? 2 + (der[1] & 0x7f) : len;
    struct span s = span_of(len > head ? der + head : NULL, len > head ? (size_t)(len - head) : 0);
    if (s.len > 1 && s.ptr[0] == 0)
        s = span_of(s.ptr + 1, s.len - 1);
    print_colons(t, s);
    OPENSSL_free(der);
}

void print_raw(struct text *t, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        text_printf(t, "%c", bytes.ptr[i] >= 0x20 && bytes.ptr[i] < 0x7f ? bytes.ptr[i] : '?');
}

void print_oid(struct text *t, const ASN1_OBJECT *oid)
{
    char buf[OID_TEXT_MAX];
    int len = OBJ_obj2txt(buf, sizeof(buf), oid, 1);
    text_str(t, len > 0 && len < (int)sizeof(buf) ? buf : "?");
}

void print_oid_bytes(struct text *t, struct span content)
{
    ASN1_OBJECT *oid = content.len <= INT_MAX ? ASN1_OBJECT_create(NID_undef, (uint8_t *)content.ptr,
                                                                   (int)content.len, NULL, NULL)
                                              : NULL;
    if (oid)
        print_oid(t, oid);
    ASN1_OBJECT_free(oid);
}

static void print_attribute(struct text *t, const ASN1_OBJECT *type)
{
    char buf[OID_TEXT_MAX] = "";
    OBJ_obj2txt(buf, sizeof(buf), type, 1);
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        if (!strcmp(attributes[i].oid, buf)) {
            text_str(t, attributes[i].name);
            return;
        }
    }
    print_colons(t, span_of(OBJ_get0_data(type), OBJ_length(type)));
}

void print_name(struct text *t, const X509_NAME *name)
{
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
        text_str(t, i ? ", " : "");
        print_attribute(t, X509_NAME_ENTRY_get_object(e));
        text_str(t, "=");
        print_raw(t, print_octets(X509_NAME_ENTRY_get_data(e)));
    }
}

bool print_dn(struct text *out, struct span der)
{
    const uint8_t *at = der.ptr;
    X509_NAME *name = der.len && der.len <= LONG_MAX ? d2i_X509_NAME(NULL, &at, (long)der.len) : NULL;
    bool is_ok = name && at == der.ptr + der.len;
    if (is_ok)
        print_name(out, name);
    X509_NAME_free(name);
    return is_ok;
}

static unsigned leading_ones(struct span mask)
{
    unsigned n = 0;
    while (n < mask.len * 8 && mask.ptr[n / 8] & (0x80 >> n % 8))
        n++;
    return n;
}

/* An address, or an address with its mask [RFC5280#4.2.1.10]. */
static bool print_address(struct text *t, struct span s, bool is_constraint)
{
    char buf[INET6_ADDRSTRLEN];
    bool has_mask = is_constraint && (s.len == 8 || s.len == 32);
    size_t len = has_mask ? s.len / 2 : s.len;
    if (len != 4 && len != 16)
        return false;
    text_str(t, inet_ntop(len == 4 ? AF_INET : AF_INET6, s.ptr, buf, sizeof(buf)));
    if (has_mask)
        text_printf(t, "/%u", leading_ones(span_of(s.ptr + len, len)));
    return true;
}

bool print_general_name(struct text *t, const GENERAL_NAME *n, bool is_constraint)
{
    switch (n->type) {
    case GEN_DNS:
    case GEN_EMAIL:
    case GEN_URI:
        print_raw(t, print_octets(n->d.ia5));
        return true;
    case GEN_IPADD:
        return print_address(t, print_octets(n->d.iPAddress), is_constraint);
    case GEN_DIRNAME:
        print_name(t, n->d.directoryName);
        return true;
    case GEN_OTHERNAME: /* a user principal name, which smart cards of Windows carry */
        if (OBJ_obj2nid(n->d.otherName->type_id) != NID_ms_upn ||
            n->d.otherName->value->type != V_ASN1_UTF8STRING)
            return false;
        print_raw(t, print_octets(n->d.otherName->value->value.utf8string));
        return true;
    default:
        return false;
    }
}

bool print_read_time(const ASN1_TIME *time, int64_t *out)
{
    struct tm tm;
    if (!time || !ASN1_TIME_to_tm(time, &tm))
        return false;
    *out = timegm(&tm);
    return true;
}

void print_time(struct text *t, int64_t when, const struct print_env *env)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm = {0};
    time_t local = when + (env->zone_offset ? env->zone_offset(when) : 0);
    gmtime_r(&local, &tm);
    text_printf(t, "%s %02d %02d:%02d:%02d %s%04d", months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min,
                tm.tm_sec, env->has_zone_name ? "UTC " : "", tm.tm_year + 1900);
}

void print_span_of_time(struct text *t, int64_t a, int64_t b)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {
        {86400, "day"   },
        {3600,  "hour"  },
        {60,    "minute"},
        {1,     "second"},
    };
    int64_t d = a < b ? b - a : a - b;
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(units) && d <= 2 * units[i].seconds)
        i++;
    int64_t n = d / units[i].seconds;
    text_printf(t, "%lld %s%s", (long long)n, units[i].name, n == 1 ? "" : "s");
}

void print_validity(struct text *t, const struct print_validity *words, int64_t from, int64_t to,
                    const struct print_env *env)
{
    text_printf(t, "  %s %s ", words->label, words->first);
    print_time(t, from, env);
    if (from > env->now) {
        text_str(t, ", not valid yet (valid in ");
        print_span_of_time(t, env->now, from);
        text_str(t, ")\n");
    } else {
        text_str(t, ", ok\n");
    }
    text_printf(t, "             %s ", words->second);
    print_time(t, to, env);
    text_str(t, to < env->now ? ", expired (" : ", ok (expires in ");
    print_span_of_time(t, env->now, to);
    text_str(t, to < env->now ? " ago)\n" : ")\n");
}

/* A PEM block of one of the labels; others are passed by. */
static bool read_pem(struct span data, const char *const *labels, struct span *der, uint8_t **owned)
{
    BIO *bio = BIO_new_mem_buf(data.ptr, (int)data.len);
    char *name = NULL, *header = NULL;
    bool is_found = false;
    long len = 0;
    while (bio && !is_found && PEM_read_bio(bio, &name, &header, owned, &len)) {
        for (size_t i = 0; labels[i] && !is_found; i++)
            is_found = !strcmp(labels[i], name);
        OPENSSL_free(name);
        OPENSSL_free(header);
        if (!is_found)
            OPENSSL_free(*owned);
    }
    BIO_free(bio);
    if (!is_found)
        *owned = NULL;
    *der = span_of(*owned, is_found ? (size_t)len : 0);
    return is_found;
}

bool print_unpem(struct span data, const char *const *labels, const char *what, struct span *der,
                 uint8_t **owned, struct diag *d)
{
    static const char pem[] = "-----BEGIN ";
    *owned = NULL;
    *der = data;
    bool is_pem = data.len && data.ptr[0] != 0x30 && memmem(data.ptr, data.len, pem, sizeof(pem) - 1);
    if (data.len && data.len <= INT_MAX && (!is_pem || read_pem(data, labels, der, owned)))
        return true;
    diag_set(d, FAIL_CERTIFICATE, "no %s that can be read", what);
    diag_expected(d, "one as PEM or DER");
    diag_got(d, is_pem ? "PEM of something else" : "%zu bytes", data.len);
    return false;
}
