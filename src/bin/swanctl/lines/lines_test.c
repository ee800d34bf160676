/* SPDX-License-Identifier: Apache-2.0 */
/* What `swanctl` prints of messages that no daemon sends: cut anywhere, of bytes, without what they should
 * have. That it is what strongSwan's program prints of good ones is compared with that one: tests/swanctl. */
#include "bin/swanctl/lines/lines.h"
#include "support/test.h"
#include <stdlib.h>

static void print_cert_lines(FILE *to, struct span message)
{
    struct certs_style style = {0};
    struct certs_state state = {0};
    struct diag d;
    lines_cert(to, message, &style, &state, &d);
}

static void dump_raw(FILE *to, struct span message)
{
    dump_message(to, "x", message, DUMP_RAW);
}

static void dump_pretty(FILE *to, struct span message)
{
    dump_message(to, "x", message, DUMP_PRETTY);
}

static lines_fn *const all[] = {
    lines_sas,        lines_connections, lines_policies, lines_authorities, lines_pools,
    lines_algorithms, lines_counters,    lines_stats,    lines_version,     lines_control_log,
    lines_log,        dump_raw,          dump_pretty,    print_cert_lines,
};

static char *printed(lines_fn *print, struct span message)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    print(f, message);
    fclose(f);
    return text;
}

static void write_sections(struct vici_writer *w)
{
    vici_section(w, "net");
    vici_text(w, "uniqueid", "1");
    vici_list(w, "local_addrs");
    vici_item(w, "10.0.0.1");
    vici_list_end(w);
    vici_section(w, "child-sas");
    vici_section(w, "net-1");
    vici_text(w, "mark-in", "0000002a");
    vici_list(w, "local-ts");
    vici_item(w, "10.1.0.0/24");
    vici_list_end(w);
    vici_section_end(w);
    vici_section_end(w);
    vici_section(w, "children");
    vici_section(w, "leases");
    vici_section(w, "0");
    vici_section_end(w);
    vici_section_end(w);
    vici_section_end(w);
    vici_section_end(w);
    vici_text(w, "type", "X509");
    vici_text(w, "flag", "NONE");
    vici_text(w, "data", "no certificate");
}

static void a_message_that_is_cut_anywhere_is_survived(void **state)
{
    (void)state;
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_RESPONSE, NULL);
    write_sections(&w);
    struct span whole = vici_packet_close(&w);
    for (size_t len = 0; len <= whole.len - 5; len++) {
        uint8_t *copy =
            malloc(len + 1); /* of that length alone, so that the sanitizer sees what is read beyond */
        memcpy(copy, whole.ptr + 5, len);
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            free(printed(all[i], span_of(copy, len)));
        free(copy);
    }
    vici_write_free(&w);
}

static void bytes_become_hex_and_lists_stand_in_brackets(void **state)
{
    (void)state;
    struct span message = hex("03 01 61 0002 ff00 04 01 6c 05 0001 78 05 0000 06 01 01 73 02");
    char *raw = printed(dump_raw, message), *pretty = printed(dump_pretty, message);
    assert_string_equal(raw, "x {a=0xff00 l=[x ] s {}}\n");
    assert_string_equal(pretty, "x {\n  a = 0xff00\n  l = [\n    x\n    \n  ]\n  s {\n  }\n}\n");
    free(raw);
    free(pretty);
}

static void an_sa_without_children_is_one_that_is_no_more(void **state)
{
    (void)state;
    char *gone = printed(lines_sas, hex("01 01 61 03 08 756e697175656964 0001 31 02"));
    char *there = printed(lines_sas, hex("01 01 61 01 09 6368696c642d736173 02 02"));
    assert_string_equal(gone, "");
    assert_non_null(strstr(there, "a: #(null), (null), IKEv(null), (null)_i (null)_r*\n"));
    free(gone);
    free(there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_that_is_cut_anywhere_is_survived),
        cmocka_unit_test(bytes_become_hex_and_lists_stand_in_brackets),
        cmocka_unit_test(an_sa_without_children_is_one_that_is_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
