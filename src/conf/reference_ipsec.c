/* SPDX-License-Identifier: Apache-2.0 */
/* man/ipsec.conf.5 from the schema: how the dialects are told apart, then every key of every section. */
#include "conf/reference.h"
#include "conf/schema.h"

static const char *const intro[] = {
    ".TH IPSEC.CONF 5 \"\" \"Keyway\" \"Keyway Manual\"\n",
    ".\\\" Made from the schema of the configuration: change src/conf/schema_ipsec.c, not this page.\n",
    ".SH NAME\nipsec.conf \\- connections of Keyway in Libreswan's and strongSwan's words\n",
    ".SH SYNOPSIS\n.I /etc/ipsec.conf\n.br\n.I /etc/ipsec.d/*.conf\n.br\n.I /etc/ipsec.secrets\n.br\n",
    ".I /etc/ipsec.d/*.secrets\n",
    ".SH DESCRIPTION\nKeyway reads the files that a gateway with Libreswan or with strongSwan has. The files "
    "of ipsec.d\n",
    "count where ipsec.conf or ipsec.secrets includes them, and also where there is no ipsec.conf, or one\n",
    "with neither an include nor a conn.\n.PP\n.nf\n",
    "config setup\n    uniqueids=yes\n\nconn %default\n    authby=secret\n\nconn office\n    "
    "left=%defaultroute\n",
    "    leftsubnet=10.10.0.0/24\n    right=198.51.100.20\n    rightsubnet=10.20.0.0/24\n    "
    "auto=start\n.fi\n.PP\n",
    "Sections begin in column 1, settings are indented. The case of keys, and whether they are written with "
    "-\n",
    "or _, does not matter. What a section does not say is taken from those that it names with also=, then\n",
    "from those named %default.\n",
    ".SH DIALECTS\nThe two have most keys in common, and different defaults; some words mean different "
    "things. Whose\n",
    "a file is is found out by what it has that the other one has not. A file without any such thing\n",
    "goes with the one that includes it. The log says what decided. A line\n.PP\n.nf\n",
    "# keyway: dialect=libreswan\n.fi\n.PP\n(or strongswan) in a file settles it, as does ipsec_dialect "
    "in\n.BR keyway.conf (5)\n",
    "for all files. Below, keys that only one of them has are marked; Keyway takes them in either.\n.PP\n",
    "In Libreswan's dialect an unknown key is an error, and nothing is loaded. In strongSwan's it is a\n",
    "warning. A value that cannot be, and a part of IKE that Keyway has not got, cost the connection that\n",
    "asks for it: it is left out, and the others are loaded. A key without effect is told of when it is\n",
    "loaded.\n.B keyway config check\nprints all of this, and\n.B keyway config show\nwhat each connection "
    "became.\n",
    ".PP\nIn strongSwan's dialect, connections that differ in nothing but what belongs to their networks\n"
    "(subnets, ESP, lifetime) are one with several children, as they are in strongSwan: one IKE SA serves\n"
    "them. A reload that changes one of them takes down the IKE SA of all. A pool of rightsourceip is shared "
    "by\n"
    "those that say the same.\n",
};

static const char *dialects_of(const struct schema_row *r)
{
    return r->dialects == DIALECT_LIBRESWAN    ? " (Libreswan)"
           : r->dialects == DIALECT_STRONGSWAN ? " (strongSwan)"
                                               : "";
}

static void put_name(const struct conf_sink *sink, const struct schema_row *r, const char *name, size_t len)
{
    char text[80];
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < sizeof(text); i++)
        text[n++] = name[i] == '_' ? '-' : name[i];
    text[n] = 0;
    if (r->scope == SCOPE_IPSEC_END)
        roff_text(sink, "left");
    roff_text(sink, text);
    if (r->scope == SCOPE_IPSEC_END) {
        roff_put(sink, ", ");
        roff_text(sink, "right");
        roff_text(sink, text);
    }
}

static void put_title(const struct conf_sink *sink, const struct schema_row *r)
{
    roff_put(sink, ".TP\n.B ");
    put_name(sink, r, r->key, strlen(r->key));
    roff_put(sink, r->has_suffix ? "..." : "");
    for (const char *p = r->aliases; p && *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        roff_put(sink, ", ");
        put_name(sink, r, p, n);
        p += n;
    }
    roff_put(sink, "\n");
}

static void put_words(const struct conf_sink *sink, const struct schema_row *r)
{
    for (const struct schema_word *w = r->words; w && w->word; w++) {
        roff_put(sink, w == r->words ? " Values: " : ", ");
        roff_text(sink, w->word);
    }
    roff_put(sink, r->words ? "." : "");
}

static void put_default(const struct conf_sink *sink, const struct schema_row *r)
{
    bool is_one = r->def_libreswan && r->def_strongswan && strcmp(r->def_libreswan, r->def_strongswan) == 0;
    const char *def = r->computed ? r->computed : r->def ? r->def : is_one ? r->def_libreswan : NULL;
    roff_put(sink, def || r->def_libreswan || r->def_strongswan ? " Default: " : "");
    if (def)
        roff_text(sink, def);
    if (!def && r->def_libreswan)
        roff_text(sink, r->def_libreswan);
    if (!def && r->def_libreswan)
        roff_put(sink, " (Libreswan)");
    if (!def && r->def_strongswan)
        roff_put(sink, r->def_libreswan ? ", " : "");
    if (!def && r->def_strongswan)
        roff_text(sink, r->def_strongswan);
    if (!def && r->def_strongswan)
        roff_put(sink, " (strongSwan)");
    roff_put(sink, def || r->def_libreswan || r->def_strongswan ? "." : "");
}

static void put_row(const struct conf_sink *sink, const struct schema_row *r)
{
    put_title(sink, r);
    roff_text(sink, r->doc);
    roff_put(sink, dialects_of(r));
    roff_put(sink, ".");
    if (r->status == EFFECTIVE)
        put_words(sink, r);
    put_default(sink, r);
    if (r->status == IGNORED && r->reason[0]) {
        roff_put(sink, "\nWithout effect: ");
        roff_text(sink, r->reason);
        roff_put(sink, ".");
    }
    if (r->status == UNBUILT) {
        roff_put(sink, "\nA connection with it is left out, since this is not built yet: ");
        roff_text(sink, r->reason);
        roff_put(sink, ".");
    }
    roff_refused_words(sink, r, "\nA connection is left out that has: ");
}

void conf_reference_write_ipsec(const struct conf_sink *sink)
{
    static const enum schema_scope order[] = {SCOPE_IPSEC_CONN, SCOPE_IPSEC_END, SCOPE_IPSEC_SETUP,
                                              SCOPE_IPSEC_CA};
    size_t n;
    const struct schema_row *rows = schema_ipsec_rows(&n);
    for (size_t i = 0; i < ARRAY_LEN(intro); i++)
        roff_put(sink, intro[i]);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        roff_put(sink, ".SH SECTION ");
        roff_text(sink, schema_scope_path(order[i]));
        roff_put(sink, "\n");
        for (size_t k = 0; k < n; k++) {
            if (rows[k].scope == order[i])
                put_row(sink, &rows[k]);
        }
    }
    roff_put(sink,
             ".SH IPSEC.SECRETS\nAn entry begins in column 1 and may go on in indented lines:\n.PP\n.nf\n"
             "@west @east : PSK \"a long random secret\"\n: RSA key.pem \"passphrase\"\n"
             ": P12 container.p12 \"passphrase\"\n: PIN %smartcard:45 1234\n"
             "@west @east : PPKS \"name\" \"a longer random secret\"\ninclude ipsec.d/*.secrets\n.fi\n.PP\n"
             "ECDSA, PKCS8 and P8 are as RSA. A key without an entry is found in ipsec.d/private and in "
             "the key store of\n.BR ipsec (8)\nby its public half. Secrets of EAP, XAUTH and NTLM wait "
             "until these are built.\n");
    roff_put(sink, ".SH SEE ALSO\n.BR keyway.conf (5),\n.BR ipsec (8)\n");
}
