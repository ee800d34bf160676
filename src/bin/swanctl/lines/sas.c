/* SPDX-License-Identifier: Apache-2.0 */
/* IKE SAs with their children, as `swanctl --list-sas` and `--monitor-sa` show them. What a message lacks
 * stands there as "(null)": so do the lines that scripts were written against. */
#include "bin/swanctl/lines/lines.h"

#define NONE "(null)"

static void print(FILE *to, struct span section, const char *key)
{
    part_print(to, section, key, NONE, 0);
}

/* ake1 to ake7, as 6.0 shows them */
static void print_additional(FILE *to, struct span section)
{
    char key[] = "ake1", before[] = "/KE1_";
    for (char i = '1'; i <= '7'; i++) {
        key[3] = before[3] = i;
        part_print_if(to, section, before, key, "");
    }
}

/* Of the IKE SA: what lacks in the middle is said. */
static void print_ike_algorithms(FILE *to, struct span ike)
{
    struct span v;
    if (!part_text(ike, "encr-alg", &v))
        return;
    fputs("  ", to);
    print(to, ike, "encr-alg");
    part_print_if(to, ike, "-", "encr-keysize", "");
    if (part_text(ike, "integ-alg", &v)) {
        part_print_if(to, ike, "/", "integ-alg", "");
        part_print_if(to, ike, "-", "integ-keysize", "");
    }
    fputc('/', to);
    print(to, ike, "prf-alg");
    fputc('/', to);
    print(to, ike, "dh-group");
    print_additional(to, ike);
    if (part_is_yes(ike, "ppk"))
        fputs("/PPK", to);
    fputc('\n', to);
}

static void print_ike(FILE *to, struct span name, struct span ike)
{
    struct span v;
    bool is_initiator = part_is_yes(ike, "initiator");
    print_span(to, name);
    fputs(": #", to);
    print(to, ike, "uniqueid");
    fputs(", ", to);
    print(to, ike, "state");
    fputs(", IKEv", to);
    print(to, ike, "version");
    fputs(", ", to);
    print(to, ike, "initiator-spi");
    fputs(is_initiator ? "_i* " : "_i ", to);
    print(to, ike, "responder-spi");
    fputs(is_initiator ? "_r\n" : "_r*\n", to);
    fputs("  local  '", to);
    print(to, ike, "local-id");
    fputs("' @ ", to);
    print(to, ike, "local-host");
    fputc('[', to);
    print(to, ike, "local-port");
    fputc(']', to);
    part_print_list_if(to, ike, " [", "local-vips", "]");
    fputs("\n  remote '", to);
    print(to, ike, "remote-id");
    fputs("' @ ", to);
    print(to, ike, "remote-host");
    fputc('[', to);
    print(to, ike, "remote-port");
    fputc(']', to);
    part_print_if(to, ike, " EAP: '", "remote-eap-id", "'");
    part_print_if(to, ike, " XAuth: '", "remote-xauth-id", "'");
    part_print_list_if(to, ike, " [", "remote-vips", "]");
    fputc('\n', to);
    print_ike_algorithms(to, ike);
    if (part_text(ike, "established", &v)) {
        part_print_if(to, ike, "  established ", "established", "s ago");
        part_print_if(to, ike, ", rekeying in ", "rekey-time", "s");
        part_print_if(to, ike, ", reauth in ", "reauth-time", "s");
        fputc('\n', to);
    }
    part_print_list_if(to, ike, "  queued:  ", "tasks-queued", "\n");
    part_print_list_if(to, ike, "  active:  ", "tasks-active", "\n");
    part_print_list_if(to, ike, "  passive: ", "tasks-passive", "\n");
}

static void print_child_algorithms(FILE *to, struct span child)
{
    struct span v;
    print(to, child, "protocol");
    fputc(':', to);
    if (part_text(child, "encr-alg", &v)) {
        part_print_if(to, child, "", "encr-alg", "");
        part_print_if(to, child, "-", "encr-keysize", "");
    }
    if (part_text(child, "integ-alg", &v)) {
        part_print_if(to, child, "/", "integ-alg", "");
        part_print_if(to, child, "-", "integ-keysize", "");
    }
    part_print_if(to, child, "/", "prf-alg", "");
    part_print_if(to, child, "/", "dh-group", "");
    print_additional(to, child);
    fputs(part_text(child, "esn", &v) ? "/ESN\n" : "\n", to);
}

/* Marks and interface ids of one direction: "(0x2a/0xff|0x1)", "-" for the mark that is not there. */
static void print_marks(FILE *to, struct span child, const char *mark, const char *mask,
                        const char *interface)
{
    struct span v;
    bool has_mark = part_text(child, mark, &v), has_interface = part_text(child, interface, &v);
    if (!has_mark && !has_interface)
        return;
    fputs(" (", to);
    if (has_mark) {
        part_print_if(to, child, "0x", mark, "");
        part_print_if(to, child, "/0x", mask, "");
    } else {
        fputc('-', to);
    }
    part_print_if(to, child, "|0x", interface, "");
    fputc(')', to);
}

static const struct direction {
    const char *label, *spi, *cpi, *mark, *mask, *interface, *bytes, *packets, *use;
} directions[] = {
    {"    in  ", "spi-in",  "cpi-in",  "mark-in",  "mark-mask-in",  "if-id-in",  "bytes-in",  "packets-in",
     "use-in" },
    {"    out ", "spi-out", "cpi-out", "mark-out", "mark-mask-out", "if-id-out", "bytes-out", "packets-out",
     "use-out"},
};

static void print_direction(FILE *to, struct span child, const struct direction *d)
{
    struct span v;
    fputs(d->label, to);
    print(to, child, d->spi);
    part_print_if(to, child, "/", d->cpi, "");
    print_marks(to, child, d->mark, d->mask, d->interface);
    fputs(", ", to);
    part_print(to, child, d->bytes, NONE, 6);
    fputs(" bytes, ", to);
    part_print(to, child, d->packets, NONE, 5);
    fputs(" packets", to);
    if (part_text(child, d->use, &v)) {
        fputs(", ", to);
        part_print(to, child, d->use, NONE, 5);
        fputs("s ago", to);
    }
    fputc('\n', to);
}

static void print_child(FILE *to, struct span child)
{
    struct span v;
    fputs("  ", to);
    print(to, child, "name");
    fputs(": #", to);
    print(to, child, "uniqueid");
    fputs(", reqid ", to);
    print(to, child, "reqid");
    if (part_text(child, "per-cpu-sas", &v)) {
        fputs(", cpu ", to);
        part_print(to, child, "cpu", "-", 0);
    }
    fputs(", ", to);
    print(to, child, "state");
    fputs(", ", to);
    print(to, child, "mode");
    fputs(part_is_yes(child, "encap") ? "-in-UDP, " : ", ", to);
    print_child_algorithms(to, child);
    fputs("    installed ", to);
    print(to, child, "install-time");
    fputs("s ago", to);
    part_print_if(to, child, ", rekeying in ", "rekey-time", "s");
    part_print_if(to, child, ", expires in ", "life-time", "s");
    fputc('\n', to);
    for (size_t i = 0; i < ARRAY_LEN(directions); i++)
        print_direction(to, child, &directions[i]);
    if (part_text(child, "label", &v))
        part_print_if(to, child, "    label  ", "label", "\n");
    fputs("    local  ", to);
    if (!part_print_list(to, child, "local-ts"))
        fputs(NONE, to);
    fputs("\n    remote ", to);
    if (!part_print_list(to, child, "remote-ts"))
        fputs(NONE, to);
    fputc('\n', to);
}

void lines_sas(FILE *to, struct span message)
{
    struct vici_reader ikes = vici_read(message);
    struct span name, ike, children, child;
    while (part_next_section(&ikes, &name, &ike)) {
        if (!part_section(ike, "child-sas", &children)) /* an SA that is no more */
            continue;
        struct vici_reader r = vici_read(children);
        print_ike(to, name, ike);
        while (part_next_section(&r, &name, &child))
            print_child(to, child);
    }
}
