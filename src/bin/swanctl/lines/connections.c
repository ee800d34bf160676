/* SPDX-License-Identifier: Apache-2.0 */
/* Connections as `swanctl --list-conns` shows them: addresses, rounds of authentication and children in the
 * order of the message. */
#include "bin/swanctl/lines/lines.h"

static bool is_zero(struct span v)
{
    return span_equal(v, span_str("0"));
}

/* How often something is done; the word for never. */
static void print_interval(FILE *to, struct span section, const char *what, const char *key)
{
    struct span v;
    if (!part_text(section, key, &v) || is_zero(v)) {
        fprintf(to, ", no %s", what);
        return;
    }
    fprintf(to, ", %s every ", what);
    print_span(to, v);
    fputc('s', to);
}

/* An IKEv1 SA is never rekeyed, but authenticated anew at that time. */
static void print_times(FILE *to, struct span conn)
{
    struct span version, v;
    bool is_v1 = part_text(conn, "version", &version) && span_equal(version, span_str("IKEv1"));
    if (is_v1 && (!part_text(conn, "reauth_time", &v) || is_zero(v))) {
        print_interval(to, conn, "reauthentication", "rekey_time");
    } else {
        print_interval(to, conn, "reauthentication", "reauth_time");
        if (!is_v1)
            print_interval(to, conn, "rekeying", "rekey_time");
    }
    if (part_text(conn, "dpd_delay", &v) && !is_zero(v)) {
        fputs(", dpd delay ", to);
        print_span(to, v);
        fputc('s', to);
    }
    fputc('\n', to);
}

static void print_ppk(FILE *to, struct span conn)
{
    struct span id;
    bool has_id = part_text(conn, "ppk_id", &id), is_required = part_is_yes(conn, "ppk_required");
    if (!has_id && !is_required)
        return;
    fputs("  ppk: ", to);
    if (has_id)
        print_span(to, id);
    fputs(has_id ? ", " : "", to);
    fputs(is_required ? "required\n" : "not required\n", to);
}

static void print_round(FILE *to, bool is_local, struct span round)
{
    static const char *const texts[] = {"id", "ca_id", "eap_id", "xauth_id", "aaa_id"};
    static const struct {
        const char *key, *label;
    } lists[] = {
        {"groups",      "groups"     },
        {"cert_policy", "cert policy"},
        {"certs",       "certs"      },
        {"cacerts",     "cacerts"    },
    };
    struct span v;
    char before[32];
    fprintf(to, "  %s ", is_local ? "local" : "remote");
    bool is_eap = part_text(round, "class", &v) && span_equal(v, span_str("EAP"));
    part_print(to, round, is_eap && part_text(round, "eap-type", &v) ? "eap-type" : "class", "unspecified",
               0);
    fputs(" authentication:\n", to);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        snprintf(before, sizeof(before), "    %s: ", texts[i]);
        part_print_if(to, round, before, texts[i], "\n");
    }
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        snprintf(before, sizeof(before), "    %s: ", lists[i].label);
        part_print_list_if(to, round, before, lists[i].key, "\n");
    }
}

/* "rekeying every 3600s or 5 bytes or 7 packets" */
static void print_rekeying(FILE *to, struct span child)
{
    static const struct {
        const char *key, *unit;
    } limits[] = {
        {"rekey_time",    "s"       },
        {"rekey_bytes",   " bytes"  },
        {"rekey_packets", " packets"},
    };
    struct span mode;
    bool is_limited = false,
         is_shunt = part_text(child, "mode", &mode) &&
                    (span_equal(mode, span_str("PASS")) || span_equal(mode, span_str("DROP")));
    for (size_t i = 0; !is_shunt && i < ARRAY_LEN(limits); i++) {
        struct span v;
        bool is_there = part_text(child, limits[i].key, &v);
        if (is_there && is_zero(v))
            continue;
        fputs(is_limited ? " or " : ", rekeying every ", to);
        part_print(to, child, limits[i].key, "(null)", 0);
        fputs(limits[i].unit, to);
        is_limited = true;
    }
    if (!is_limited)
        fputs(", no rekeying", to);
}

static void print_child(FILE *to, struct span name, struct span child, bool has_dpd)
{
    fputs("  ", to);
    print_span(to, name);
    fputs(": ", to);
    part_print(to, child, "mode", "(null)", 0);
    print_rekeying(to, child);
    if (has_dpd) {
        fputs(", dpd action is ", to);
        part_print(to, child, "dpd_action", "(null)", 0);
    }
    fputc('\n', to);
    part_print_if(to, child, "    label:  ", "label", "\n");
    fputs("    local:  ", to);
    if (!part_print_list(to, child, "local-ts"))
        fputs("(null)", to);
    fputs("\n    remote: ", to);
    if (!part_print_list(to, child, "remote-ts"))
        fputs("(null)", to);
    fputc('\n', to);
    part_print_if(to, child, "    interface: ", "interface", "\n");
    part_print_if(to, child, "    priority: ", "priority", "\n");
}

static void print_children(FILE *to, struct span conn, struct span children)
{
    struct vici_reader r = vici_read(children);
    struct span name, child, v;
    bool has_dpd = part_text(conn, "dpd_delay", &v) && !is_zero(v);
    while (part_next_section(&r, &name, &child))
        print_child(to, name, child, has_dpd);
}

static bool begins_with(struct span name, const char *what)
{
    return name.len >= strlen(what) && !memcmp(name.ptr, what, strlen(what));
}

/* What the message has after the first line, in its order. */
static void print_contents(FILE *to, struct span conn)
{
    struct vici_reader r = vici_read(conn);
    struct vici_element e;
    const char *label = NULL;
    while (vici_next(&r, &e)) {
        if (e.kind == VICI_LIST_START)
            label = span_equal(e.name, span_str("local_addrs"))    ? "local: "
                    : span_equal(e.name, span_str("remote_addrs")) ? "remote:"
                                                                   : NULL;
        if (e.kind == VICI_LIST_ITEM && label && is_printable(e.value)) {
            fprintf(to, "  %s ", label);
            print_span(to, e.value);
            fputc('\n', to);
        }
        if (e.kind != VICI_SECTION_START)
            continue;
        struct span body;
        if (!part_take_section(&r, &body))
            return;
        if (span_equal(e.name, span_str("children")))
            print_children(to, conn, body);
        else if (begins_with(e.name, "local") || begins_with(e.name, "remote"))
            print_round(to, begins_with(e.name, "local"), body);
    }
}

void lines_connections(FILE *to, struct span message)
{
    struct vici_reader r = vici_read(message);
    struct span name, conn;
    while (part_next_section(&r, &name, &conn)) {
        print_span(to, name);
        fputs(": ", to);
        part_print(to, conn, "version", "", 0);
        print_times(to, conn);
        print_ppk(to, conn);
        print_contents(to, conn);
    }
}
