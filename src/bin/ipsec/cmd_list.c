/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec listcerts`, `listcacerts`, ... and `listall`: what credentials are loaded, in the layout of `pki
 * --print` under strongSwan's headings. Libreswan's names for some of them lead here, too. */
#include "base/text.h"
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"
#include "pki/print/print.h"
#include <stdlib.h>
#include <time.h>

struct kind {
    const char *command, *heading, *type, *flag;
    bool (*print)(struct text *out, struct span data, const struct print_env *env, struct diag *d);
};

static bool print_public(struct text *out, struct span data, const struct print_env *env, struct diag *d)
{
    (void)env;
    struct pkey *k = pkey_load_public(data, d);
    if (k)
        print_key(out, k);
    pkey_unref(k);
    return k != NULL;
}

static const struct kind kinds[] = {
    {"listcerts",     "List of X.509 End Entity Certificates",  "X509",     "NONE", print_cert          },
    {"listcacerts",   "List of X.509 CA Certificates",          "X509",     "CA",   print_cert          },
    {"listaacerts",   "List of X.509 AA Certificates",          "X509",     "AA",   print_cert          },
    {"listocspcerts", "List of X.509 OCSP Signer Certificates", "X509",     "OCSP", print_cert          },
    {"listacerts",    "List of X.509 Attribute Certificates",   "X509_AC",  "NONE", print_attribute_cert},
    {"listcrls",      "List of X.509 CRLs",                     "X509_CRL", "NONE", print_crl           },
    {"listpubkeys",   "List of Raw Public Keys",                "PUBKEY",   "NONE", print_public        },
};

static int64_t zone_offset(int64_t when)
{
    struct tm tm;
    time_t t = when;
    return localtime_r(&t, &tm) ? tm.tm_gmtoff : 0;
}

struct listing {
    const struct kind *kind;
    struct print_env env;
    size_t n;
};

/* One event: its text ends with a line whether there is a private key, where there is one. */
static void show(void *ctx, struct span body)
{
    struct listing *l = ctx;
    struct span data, ours;
    struct diag d;
    if (!vici_find(body, "data", &data))
        return;
    if (!l->n++)
        printf("\n%s\n", l->kind->heading);
    struct text t = {.buf = malloc(print_room(data.len)), .cap = print_room(data.len)};
    if (!t.buf)
        abort();
    t.buf[0] = '\0';
    if (l->kind->print(&t, data, &l->env, &d))
        printf("\n%s", t.buf);
    else
        printf("\n  %s\n", d.what);
    if (vici_find(body, "has_privkey", &ours) && vici_is_yes(ours))
        puts("  has private key");
    free(t.buf);
}

static int list(struct control *c, const struct kind *kind)
{
    struct listing l = {
        .kind = kind, .env = {.now = (int64_t)time(NULL), .zone_offset = zone_offset}
    };
    const char *const pairs[] = {"type", kind->type, "flag", kind->flag, NULL};
    struct diag d;
    return control_stream(c, "list-certs", pairs, "list-cert", show, &l, &d) ? 0 : control_fail(c, NULL, &d);
}

static int list_named(struct control *c, const char *name)
{
    (void)name;
    const struct ipsec_command *command = c->run->command;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!strcmp(kinds[i].command, command->name))
            return list(c, &kinds[i]);
    }
    return FAIL_GENERIC;
}

static int list_all(struct control *c, const char *name)
{
    int code = 0;
    (void)name;
    for (size_t i = 0; i < ARRAY_LEN(kinds) && !code; i++)
        code = list(c, &kinds[i]);
    return code;
}

#define LISTING(word, text, in_libreswan)                                                                    \
    const struct ipsec_command ipsec_cmd_##word = {.name = #word,                                            \
                                                   .as_stroke = #word,                                       \
                                                   .as_auto = in_libreswan,                                  \
                                                   .as_whack = in_libreswan,                                 \
                                                   .doc = text,                                              \
                                                   .act = list_named}

LISTING(listcerts, "the certificates that are loaded, but for those of authorities", "listcerts");
LISTING(listcacerts, "the certificates of certification authorities", "listcacerts");
LISTING(listaacerts, "the certificates of attribute authorities", NULL);
LISTING(listocspcerts, "the certificates of OCSP responders", NULL);
LISTING(listacerts, "the attribute certificates", NULL);
LISTING(listcrls, "the certificate revocation lists", "listcrls");
LISTING(listpubkeys, "the raw public keys of peers", "listpubkeys");

const struct ipsec_command ipsec_cmd_listall = {
    .name = "listall",
    .as_stroke = "listall",
    .as_auto = "listall",
    .as_whack = "listall",
    .doc = "all of these",
    .act = list_all,
    .manual = "The layout is that of \\fBpki \\-\\-print\\fR.",
};
