/* SPDX-License-Identifier: Apache-2.0 */
/* man/keyway.conf.5 from the schema: prose for the grammar, then every key of every section. */
#include "conf/reference.h"
#include "base/text.h"
#include "conf/logging.h"
#include "conf/schema.h"
#include "conf/strongswan_options.h"

void roff_put(const struct conf_sink *sink, const char *s)
{
    sink->write(sink->ctx, s);
}

void roff_text(const struct conf_sink *sink, const char *s)
{
    char piece[2] = {0};
    if (*s == '.' || *s == '\'')
        roff_put(sink, "\\&");
    for (; *s; s++) {
        piece[0] = *s;
        roff_put(sink, *s == '\\' ? "\\e" : *s == '-' ? "\\-" : piece);
    }
}

static const char *const intro[] = {
    ".TH KEYWAY.CONF 5 \"\" \"Keyway\" \"Keyway Manual\"\n",
    ".\\\" Made from the schema of the configuration: change src/conf/schema_table.c, not this page.\n",
    ".SH NAME\nkeyway.conf \\- configuration of the Keyway VPN suite\n",
    ".SH SYNOPSIS\n.I /etc/keyway/keyway.conf\n.br\n.I /etc/keyway/conf.d/*.conf\n.br\n",
    ".I /etc/swanctl/swanctl.conf\n.br\n.I /etc/strongswan.conf\n",
    ".SH DESCRIPTION\nA tunnel between two networks is five lines on each gateway:\n.PP\n.nf\n",
    "tunnel office {\n  peer   = 198.51.100.20\n  psk    = \"a long random secret\"\n",
    "  local  = 10.10.0.0/24\n  remote = 10.20.0.0/24\n}\n.fi\n.PP\n",
    "It starts by itself, tries for ever, and checks that its peer is alive. The sections\n.B "
    "connections\nand\n",
    ".B secrets\nare those of swanctl.conf; a tunnel is a short form of them.\n",
    ".SH SYNTAX\n.nf\nname = value\nname =                    # clears it, also an inherited one\n",
    "section { ... }           # again under the same name: merges\n",
    "section : a, b.c { ... }  # inherits what it does not set itself, from the first that has it\n",
    "a.b.key = value           # dots separate sections\n",
    "include conf.d/*.conf     # relative to this file, also inside a section\n.fi\n.PP\n",
    "Each setting stands on a line of its own. A comment begins with #. Double quotes keep blanks, braces "
    "and\n",
    "the comment sign; inside them \\en, \\et, \\e\" and \\e\\e are known. Lists are separated by commas.\n",
    "Times are seconds, or have s, m, h or d behind them; volumes are bytes, or have k, m or g (of 1024).\n",
    ".PP\nA file that holds an unknown key, a value that cannot be, or a key that would have no effect is "
    "refused\n",
    "as a whole, with file, line and column of each; what runs goes on. Of strongswan.conf the keys of "
    "section\n.B charon\nbelow count, in\n.B libstrongswan, charon\nand\n.BR charon-systemd ,\n"
    "the last of which counts most. Its other options are written for another program: those that strongSwan "
    "has, see the list at "
    "the end, are named once in the log; those that it has not either are warned about. Which plugins it "
    "loads is passed over.\n",
};

static void put_default(const struct conf_sink *sink, const struct schema_row *r)
{
    const char *text = r->computed ? r->computed : r->def;
    if (!text)
        return;
    roff_put(sink, " Default: ");
    roff_text(sink, text);
    roff_put(sink, ".");
}

void roff_refused_words(const struct conf_sink *sink, const struct schema_row *r, const char *lead)
{
    bool told = false;
    for (const struct schema_word *w = r->words; w && w->word; w++) {
        if (!w->refused)
            continue;
        roff_put(sink, told ? ", " : lead);
        roff_text(sink, w->word);
        told = true;
    }
    roff_put(sink, told ? ".\n" : "\n");
}

static void put_row(const struct conf_sink *sink, const struct schema_row *r)
{
    roff_put(sink, ".TP\n.B ");
    roff_text(sink, r->key[0] ? r->key : r->scope == SCOPE_POOL ? "<attribute>" : "<group>");
    roff_put(sink, r->has_suffix && r->key[0] ? "<suffix>\n" : "\n");
    roff_text(sink, r->doc);
    roff_put(sink, ".");
    put_default(sink, r);
    if (r->status == REFUSED) {
        roff_put(sink, "\nRefused: ");
        roff_text(sink, r->reason);
        if (r->accepts) {
            roff_put(sink, " (taken: ");
            roff_text(sink, r->accepts);
            roff_put(sink, ")");
        }
        roff_put(sink, ".");
    }
    roff_refused_words(sink, r, "\nRefused values: ");
}

static bool is_row(const char *section, const char *name, size_t len)
{
    char path[256];
    struct text t = TEXT_ON(path);
    text_printf(&t, "%s.%.*s", section, (int)len, name);
    return is_of_loggers(path) || (strncmp(path, "charon.", 7) == 0 && schema_find(SCOPE_CHARON, path + 7));
}

static void put_without_effect(const struct conf_sink *sink, const struct strongswan_options *o)
{
    bool has_begun = false;
    for (const char *at = o->names; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (!is_row(o->section, at, len)) {
            char word[80];
            struct text t = TEXT_ON(word);
            roff_put(sink, has_begun ? "\n" : ".TP\n.B ");
            roff_text(sink, has_begun ? "" : o->section);
            roff_put(sink, has_begun ? "" : "\n");
            text_printf(&t, "%.*s", (int)len, at);
            roff_text(sink, word);
            has_begun = true;
        }
        at += len;
    }
    roff_put(sink, has_begun ? "\n" : "");
}

static void put_strongswan_options(const struct conf_sink *sink)
{
    roff_put(sink, ".SH OPTIONS OF STRONGSWAN.CONF WITHOUT EFFECT\nBelow each section; * is any name, # any "
                   "number, ** all that follows. Besides, load of each plugin.\n");
    for (const struct strongswan_options *o = strongswan_options; o->section; o++)
        put_without_effect(sink, o);
}

void conf_reference_write(const struct conf_sink *sink)
{
    /* what is written most comes first */
    static const enum schema_scope order[] = {
        SCOPE_TUNNEL,    SCOPE_GLOBAL, SCOPE_CONNECTION, SCOPE_LOCAL,  SCOPE_REMOTE,
        SCOPE_CERT,      SCOPE_CACERT, SCOPE_CHILD,      SCOPE_IKE,    SCOPE_PRIVATE,
        SCOPE_PPK,       SCOPE_EAP,    SCOPE_PKCS12,     SCOPE_TOKEN,  SCOPE_POOL,
        SCOPE_AUTHORITY, SCOPE_CHARON, SCOPE_FILELOG,    SCOPE_SYSLOG, SCOPE_JOURNAL,
    };
    for (size_t i = 0; i < ARRAY_LEN(intro); i++)
        roff_put(sink, intro[i]);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        roff_put(sink, ".SH SECTION ");
        roff_text(sink, schema_scope_path(order[i]));
        roff_put(sink, "\n");
        for (size_t k = 0; schema_at(k); k++) {
            if (schema_at(k)->scope == order[i])
                put_row(sink, schema_at(k));
        }
    }
    put_strongswan_options(sink);
    roff_put(sink, ".SH SEE ALSO\n.BR ipsec.conf (5),\n.BR keyway (1),\n.BR keywayd (8)\n");
}
