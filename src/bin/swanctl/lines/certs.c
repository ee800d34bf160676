/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --list-certs`: each credential under the heading of its kind, in the layout of `pki --print`, or
 * as PEM. */
#include "base/text.h"
#include "bin/swanctl/lines/lines.h"
#include <openssl/pem.h>
#include <stdlib.h>
#include <strings.h>

typedef bool print_fn(struct text *out, struct span data, const struct print_env *env, struct diag *d);

static const struct kind {
    const char *type, *flag; /* flag NULL: any */
    const char *heading, *pem;
    print_fn *print;
} kinds[] = {
    {"X509",          "NONE", "X.509 End Entity Certificates",  "CERTIFICATE",           print_cert          },
    {"X509",          "CA",   "X.509 CA Certificates",          "CERTIFICATE",           print_cert          },
    {"X509",          "AA",   "X.509 AA Certificates",          "CERTIFICATE",           print_cert          },
    {"X509",          "OCSP", "X.509 OCSP Signer Certificates", "CERTIFICATE",           print_cert          },
    {"X509_AC",       NULL,   "X.509 Attribute Certificates",   "ATTRIBUTE CERTIFICATE", print_attribute_cert},
    {"X509_CRL",      NULL,   "X.509 CRLs",                     "X509 CRL",              print_crl           },
    {"OCSP_RESPONSE", NULL,   "OCSP Responses",                 "OCSP RESPONSE",         print_ocsp_response },
    {"PUBKEY",        NULL,   "Raw Public Keys",                "PUBLIC KEY",            print_public_spki   },
};

static const struct kind *find_kind(struct span message, struct diag *d)
{
    char type[32], flag[16];
    bool is_flag = false;
    if (!vici_find_text(message, "type", type, sizeof(type)))
        strcpy(type, "ANY");
    if (!vici_find_text(message, "flag", flag, sizeof(flag)))
        strcpy(flag, "ANY");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        bool is_of_flag = !strcasecmp(kinds[i].flag ? kinds[i].flag : "NONE", flag);
        is_flag |= is_of_flag;
        if (is_of_flag && !strcasecmp(kinds[i].type, type))
            return &kinds[i];
    }
    diag_set(d, FAIL_GENERIC, "unsupported certificate %s '%s'", is_flag ? "type" : "flag",
             is_flag ? type : flag);
    return NULL;
}

static bool print_pem(FILE *to, const struct kind *k, struct span data, struct diag *d)
{
    if (PEM_write(to, k->pem, "", data.ptr, (long)data.len) > 0)
        return true;
    diag_set(d, FAIL_GENERIC, "PEM encoding certificate failed");
    return false;
}

/* Raw keys have a name, when somebody gave them one. */
static void print_words(FILE *to, const struct kind *k, struct span message, const char *text,
                        struct certs_state *state)
{
    struct span v;
    if (state->heading != k->heading)
        fprintf(to, "\nList of %s\n", k->heading);
    state->heading = k->heading;
    fputc('\n', to);
    if (!strcmp(k->type, "PUBKEY") && part_text(message, "subject", &v)) {
        fputs("  subject:  \"", to);
        print_span(to, v);
        fputs("\"\n", to);
    }
    fputs(text, to);
}

bool lines_cert(FILE *to, struct span message, const struct certs_style *style, struct certs_state *state,
                struct diag *d)
{
    struct span data;
    if (!vici_find(message, "data", &data) || !data.len) {
        diag_set(d, FAIL_GENERIC, "received incomplete certificate data");
        return false;
    }
    const struct kind *k = find_kind(message, d);
    if (!k)
        return false;
    if (style->is_pem)
        return print_pem(to, k, data, d);
    struct print_env env = style->env;
    env.has_private_key = part_is_yes(message, "has_privkey");
    struct text t = {.buf = malloc(print_room(data.len)), .cap = print_room(data.len)};
    if (!t.buf)
        abort();
    t.buf[0] = '\0';
    bool is_ok = k->print(&t, data, &env, d);
    if (is_ok)
        print_words(to, k, message, t.buf, state);
    free(t.buf);
    return is_ok;
}
