/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec listcainfos`: what is said of authorities; `listplugins`: the libraries that serve algorithms;
 * `listgroups` and `memusage`, which list nothing here as they list nothing in today's strongSwan. */
#include "base/text.h"
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"
#include "pki/cert.h"
#include "pki/print/print.h"
#include <stdlib.h>

/* ---- listcainfos */

struct ca_keys {
    const char *subject;
    char authkey[64], keyid[64];
};

/* "  keyid:     73:0b:.." of what is printed of a key. */
static void take_line(const char *text, const char *label, char *out, size_t cap)
{
    const char *at = strstr(text, label);
    if (!at)
        return;
    at += strlen(label);
    at += strspn(at, " ");
    snprintf(out, cap, "%.*s", (int)strcspn(at, "\n"), at);
}

static void look_at_ca(void *ctx, struct span body)
{
    struct ca_keys *k = ctx;
    struct span data;
    char buf[512] = "";
    struct diag d;
    struct cert *cert = vici_find(body, "data", &data) ? cert_load(data, &d) : NULL;
    if (cert && !strcmp(cert_subject_text(cert), k->subject)) {
        struct text t = TEXT_ON(buf);
        print_key(&t, cert_public_key(cert));
        take_line(buf, "subjkey:", k->authkey, sizeof(k->authkey));
        take_line(buf, "keyid:", k->keyid, sizeof(k->keyid));
    }
    cert_unref(cert);
}

static void put_uris(const char *label, json_t *uris)
{
    size_t i;
    json_t *uri;
    json_array_foreach(uris, i, uri)
    {
        printf("  %-12s '%s'\n", i ? "" : label, json_string_value(uri));
    }
}

static void put_authority(struct control *c, json_t *body)
{
    static const char *const cas[] = {"type", "X509", "flag", "CA", NULL};
    struct ca_keys k = {.subject = member(body, "cacert")};
    struct diag d;
    printf("\n  authname:    \"%s\"\n", k.subject);
    if (control_stream(c, "list-certs", cas, "list-cert", look_at_ca, &k, &d) && k.keyid[0])
        printf("  authkey:      %s\n  keyid:        %s\n", k.authkey, k.keyid);
    put_uris("crluris:", json_object_get(body, "crl_uris"));
    put_uris("ocspuris:", json_object_get(body, "ocsp_uris"));
    if (*member(body, "cert_uri_base"))
        printf("  certuribase: '%s'\n", member(body, "cert_uri_base"));
}

static int list_ca_infos(struct control *c, const char *name)
{
    struct diag d;
    size_t i;
    json_t *row, *all = control_list(c, "list-authorities", "list-authority", NULL, NULL, &d);
    (void)name;
    if (!all)
        return control_fail(c, NULL, &d);
    if (json_array_size(all))
        puts("\nList of CA Information Sections:");
    json_array_foreach(all, i, row)
    {
        put_authority(c, member_object(row, "body"));
    }
    json_decref(all);
    return 0;
}

/* ---- the others */

static int list_plugins(struct control *c, const char *name)
{
    struct diag d;
    size_t i;
    json_t *plugin, *stats = control_ask(c, "stats", &d);
    (void)name;
    if (!stats)
        return control_fail(c, NULL, &d);
    puts("\nList of loaded Plugins:\n");
    json_array_foreach(json_object_get(stats, "plugins"), i, plugin)
    {
        printf("%s:\n", json_string_value(plugin));
    }
    json_decref(stats);
    return 0;
}

static int list_nothing(struct control *c, const char *name)
{
    (void)c;
    (void)name;
    return 0;
}

const struct ipsec_command ipsec_cmd_listcainfos = {
    .name = "listcainfos",
    .as_stroke = "listcainfos",
    .family = DIALECT_STRONGSWAN,
    .doc = "where authorities have their CRLs, OCSP responders and certificates",
    .act = list_ca_infos,
};

const struct ipsec_command ipsec_cmd_listplugins = {
    .name = "listplugins",
    .as_stroke = "listplugins",
    .family = DIALECT_STRONGSWAN,
    .doc = "what strongSwan would call its plugins",
    .act = list_plugins,
};

const struct ipsec_command ipsec_cmd_listgroups = {
    .name = "listgroups",
    .also = "memusage",
    .as_stroke = "listgroups memusage",
    .family = DIALECT_STRONGSWAN,
    .doc = "nothing, as in today's strongSwan: groups are those of attribute certificates (listacerts)",
    .act = list_nothing,
};
