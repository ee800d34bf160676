/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec showhostkey`: the public halves of the keys in the store, as configurations, DNS (RFC 4025) and
 * other programs want them. The index has them: no private key is read. */
#include "base/text.h"
#include "bin/ipsec/commands.h"
#include <arpa/inet.h>
#include <unistd.h>

enum { EXIT_NO_KEY = 20, EXIT_GATEWAY = 5, KEYID_LEN = 9, BASE64_MAX = 4096 };

static const struct ipsec_option options[] = {
    {"list",                                                     NULL, "list the keys"},
    {"dump",                                           NULL, "the same"},
    {"left",                                                     NULL, "the public key as a line of ipsec.conf for the left end"},
    {"right",                                                NULL, "likewise for the right end"},
    {"ipseckey",                                                     NULL, "the public key as an IPSECKEY record of DNS"},
    {"pem", NULL, "the public key as SubjectPublicKeyInfo in PEM"},
    {"ckaid",                                                    "ID", "which key: its CKAID, or the beginning of it"},
    {"rsaid",                              "ID", "which RSA key: the first nine characters of its base64, as --list has them"},
    {"pubkey",                                                 NULL, "with --left, --right, --ipseckey: write SubjectPublicKeyInfo, for any kind of key"},
    {"gateway",             "ADDRESS", "with --ipseckey: the gateway that it names; default: none"},
    {"precedence",                                                      "N", "with --ipseckey; default: 10"},
    {"verbose",           NULL, "say more"},
    {"debug",                                                    NULL, "taken for the sake of scripts"},
    {"version",            NULL, "say which version this is"},
    {0                                                   },
};

/* What differs between kinds of key. */
static const struct kind_row {
    enum pkey_type type;
    const char *name, *comment, *keyword; /* keyword NULL: pubkey alone */
    int dns;                              /* IANA's algorithm number of IPSECKEY */
} kinds[] = {
    {PKEY_RSA,     "RSA",   "rsakey",   "rsasigkey", 2},
    {PKEY_ECDSA,   "ECDSA", "ecdsakey", "ecdsakey",  3},
    {PKEY_ED25519, "EDDSA", "eddsakey", NULL,        4},
    {PKEY_ED448,   "EDDSA", "eddsakey", NULL,        4},
};

enum { DNS_SPKI = 4 }; /* as Libreswan writes SubjectPublicKeyInfo into IPSECKEY */

static const struct kind_row *kind_of(const struct pkey *k)
{
    size_t i = 0;
    while (kinds[i].type != pkey_type(k))
        i++;
    return &kinds[i];
}

static void encode(const struct pkey *k, enum pkey_encoding e, char buf[BASE64_MAX])
{
    struct secret bytes = {0};
    struct text t = {.buf = buf, .cap = BASE64_MAX};
    buf[0] = 0;
    if (pkey_encode(k, e, &bytes))
        text_base64(&t, secret_view(&bytes));
    secret_free(&bytes);
}

/* Of an RSA key the first characters of how it is written, else of the CKAID. */
static void keyid_of(const struct keystore_key *e, char out[KEYID_LEN + 1])
{
    char buf[BASE64_MAX];
    struct text t = TEXT_ON(buf);
    if (pkey_type(e->public_key) == PKEY_RSA)
        encode(e->public_key, PKEY_IPSECKEY, buf);
    else
        text_base64(&t, span_of(e->ckaid, sizeof(e->ckaid)));
    snprintf(out, KEYID_LEN + 1, "%.*s", KEYID_LEN, buf);
}

/* ---- what is shown; each returns the exit code */

static int list(const struct keystore *s)
{
    for (size_t i = 0; i < s->n_keys; i++) {
        char id[KEYID_LEN + 1], hex[2 * KEYSTORE_CKAID_LEN + 1];
        struct text t = TEXT_ON(hex);
        keyid_of(&s->keys[i], id);
        text_hex(&t, span_of(s->keys[i].ckaid, KEYSTORE_CKAID_LEN));
        printf("<%2zu> %s keyid: %s ckaid: %s\n", i + 1, kind_of(s->keys[i].public_key)->name, id, hex);
    }
    return 0;
}

static int show_line(const struct ipsec_run *r, const struct keystore_key *e)
{
    const char *side = ipsec_has(r, "left") ? "left" : "right";
    const struct kind_row *kind = kind_of(e->public_key);
    bool is_spki = ipsec_has(r, "pubkey") || !kind->keyword;
    char text[BASE64_MAX], id[KEYID_LEN + 1];
    encode(e->public_key, is_spki ? PKEY_SPKI_DER : PKEY_IPSECKEY, text);
    keyid_of(e, id);
    if (!ipsec_has(r, "pubkey"))
        printf("\t# %s %s\n", kind->comment, id);
    if (is_spki)
        printf("\t%spubkey=%s\n", side, text);
    else
        printf("\t%s%s=0s%s\n", side, kind->keyword, text);
    return 0;
}

static int show_record(const struct ipsec_run *r, const struct keystore_key *e)
{
    const char *gateway = ipsec_get(r, "gateway");
    bool is_spki = ipsec_has(r, "pubkey");
    char text[BASE64_MAX], host[256] = "";
    uint8_t address[16];
    int gateway_type = 0;
    long precedence;
    if (!ipsec_number(r, "precedence", 10, &precedence))
        return 1;
    if (precedence > UINT8_MAX) /* [RFC4025#2.2] */
        return ipsec_refuse(r, 1, "--precedence %ld: at most 255", precedence);
    if (gateway)
        gateway_type = inet_pton(AF_INET, gateway, address) == 1    ? 1
                       : inet_pton(AF_INET6, gateway, address) == 1 ? 2
                                                                    : -1;
    if (gateway_type < 0)
        return ipsec_refuse(r, EXIT_GATEWAY, "unknown address family for gateway %s", gateway);
    gethostname(host, sizeof(host) - 1);
    encode(e->public_key, is_spki ? PKEY_SPKI_DER : PKEY_IPSECKEY, text);
    printf("%s.    IN    IPSECKEY  %ld %d %d %s %s\n", host, precedence, gateway_type,
           is_spki ? DNS_SPKI : kind_of(e->public_key)->dns, gateway ? gateway : ".", text);
    return 0;
}

static int show_pem(const struct keystore_key *e)
{
    struct secret pem = {0};
    if (!pkey_encode(e->public_key, PKEY_SPKI_PEM, &pem))
        return 1;
    fwrite(pem.ptr, 1, pem.len, stdout);
    secret_free(&pem);
    return 0;
}

/* ---- which key */

static bool begins_with(const uint8_t *ckaid, const char *hex)
{
    uint8_t prefix[KEYSTORE_CKAID_LEN];
    size_t len;
    return hex_decode(span_str(hex), prefix, sizeof(prefix), &len) && len && !memcmp(prefix, ckaid, len);
}

static const struct keystore_key *pick(const struct ipsec_run *r, const struct keystore *s)
{
    const char *ckaid = ipsec_get(r, "ckaid"), *rsaid = ipsec_get(r, "rsaid");
    for (size_t i = 0; i < s->n_keys; i++) {
        const struct keystore_key *e = &s->keys[i];
        char id[KEYID_LEN + 1];
        keyid_of(e, id);
        if (ckaid ? begins_with(e->ckaid, ckaid) : pkey_type(e->public_key) == PKEY_RSA && !strcmp(id, rsaid))
            return e;
    }
    return NULL;
}

static int show(const struct ipsec_run *r, const struct keystore *s)
{
    if (ipsec_has(r, "list") || ipsec_has(r, "dump"))
        return list(s);
    const struct keystore_key *e = pick(r, s);
    if (!e)
        return ipsec_refuse(r, EXIT_NO_KEY, "No keys found");
    if (ipsec_has(r, "verbose"))
        printf("\t# picking by %s=%s\n", ipsec_has(r, "ckaid") ? "ckaid" : "rsaid",
               ipsec_get(r, ipsec_has(r, "ckaid") ? "ckaid" : "rsaid"));
    if (ipsec_has(r, "pem"))
        return show_pem(e);
    return ipsec_has(r, "ipseckey") ? show_record(r, e) : show_line(r, e);
}

/* NULL: it is typed as it should be. */
static const char *mistake(const struct ipsec_run *r)
{
    bool is_list = ipsec_has(r, "list") || ipsec_has(r, "dump");
    bool has_key = ipsec_has(r, "ckaid") || ipsec_has(r, "rsaid");
    int n = is_list + ipsec_has(r, "left") + ipsec_has(r, "right") + ipsec_has(r, "ipseckey") +
            ipsec_has(r, "pem");
    if (!n)
        return "You must specify an operation";
    if (n > 1)
        return "You must specify only one operation";
    if (is_list && has_key)
        return "You must not select a key";
    return is_list || has_key ? NULL : "You must select a key using --ckaid or --rsaid";
}

static int run(struct ipsec_run *r)
{
    int code = 0;
    if (ipsec_has(r, "version")) {
        printf("Keyway %s\n", KEYWAY_VERSION);
        return 0;
    }
    const char *wrong = mistake(r);
    if (wrong) {
        ipsec_refuse(r, 1, "%s", wrong);
        ipsec_usage(r->command, stderr);
        return 1;
    }
    struct keystore *s = ipsec_store_open(r, false, &code);
    if (s)
        code = show(r, s);
    keystore_close(s);
    return code;
}

const struct ipsec_command ipsec_cmd_showhostkey = {
    .name = "showhostkey",
    .doc = "show the public keys of the key store",
    .options = options,
    .run = run,
    .has_store = true,
    .usage_code = 1,
    .manual = "The exit code is 20 when there is no such key. An EdDSA key is written as \\fBleftpubkey\\fR.",
};
