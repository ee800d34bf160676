/* SPDX-License-Identifier: Apache-2.0 */
/* `keyway xfrm` beside what iproute2 and the kernel print of the same (tests/vectors/iproute2): line by line,
 * with the word for hidden keys in the place of keys. */
#include "bin/keyway/lines/xfrm.h"
#include "esp/esp.h"
#include "support/test.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GCM                  "'encr-alg':'AES_GCM_16','encr-keysize':'128','icv-bits':'128'"
#define SHA256               "'integ-alg':'HMAC_SHA2_256_128','icv-bits':'128'"
#define COPIES               "'copy-df':'yes','copy-ecn':'yes','dscp-to-outer':'yes'"
#define ADDED                "'added-at':'1795311473'" /* 2026-11-22 01:37:53 */
#define WAY(dir, src, dst)   "'direction':'" dir "','src':'" src "','dst':'" dst "'"
#define ID(spi, reqid, mode) "'protocol':'esp','spi':'" spi "','reqid':'" reqid "','mode':'" mode "'"
#define STATE(...)           "{'name':'state','body':{" __VA_ARGS__ ",'bytes':'0','packets':'0'," ADDED "}}"
#define ZERO                 "'00000000'"
#define ZERO4                ZERO "," ZERO "," ZERO "," ZERO

static const char states[] = "[" STATE(WAY("out", "192.0.2.1", "192.0.2.2") "," ID("00001001", "2", "tunnel") "," GCM
                                                                                                              "," COPIES
                                                                                                              ",'"
                                                                                                              "newe"
                                                                                                              "st':"
                                                                                                              "'yes"
                                                                                                              "','"
                                                                                                              "seq'"
                                                                                                              ":'"
                                                                                                              "40'") "," STATE(WAY("in", "192.0.2.2", "192.0.2.1") "," ID("00001002", "2", "tunnel") "," GCM "," COPIES ",'seq':'0','replay-window':'384','seen':[" ZERO4 "," ZERO4 "," ZERO4 "]") "," STATE(WAY("in",
                                                                                                                                                                                                                                                                                                                 "192.0.2.2", "192.0.2.1") "," ID("00001003",
                                                                                                                                                                                                                                                                                                                                                  "3", "tunnel") ",'encr-alg':'AES_CBC',"
                                                                                                                                                                                                                                                                                                                                                                 "'encr-keysize':'128'," SHA256
                                                                                                                                                                                                                                                                                                                                                                 "," COPIES
                                                                                                                                                                                                                                                                                                                                                                 ",'esn':'yes','encap':'udp','sport':'"
                                                                                                                                                                                                                                                                                                                                                                 "4501','dport':'4500',"
                                                                                                                                                                                                                                                                                                                                                                 "'seq':'4294967303','replay-window':'"
                                                                                                                                                                                                                                                                                                                                                                 "128','seen':[" ZERO4
                                                                                                                                                                                                                                                                                                                                                                 "],'soft-bytes':'1000','hard-bytes':'"
                                                                                                                                                                                                                                                                                                                                                                 "2000',"
                                                                                                                                                                                                                                                                                                                                                                 "'soft-packets':'10','hard-packets':'"
                                                                                                                                                                                                                                                                                                                                                                 "20','soft-seconds':'3000','hard-"
                                                                                                                                                                                                                                                                                                                                                                 "seconds':'3600'") "," STATE(WAY("in",
                                                                                                                                                                                                                                                                                                                                                                                                  "192."
                                                                                                                                                                                                                                                                                                                                                                                                  "0.2."
                                                                                                                                                                                                                                                                                                                                                                                                  "3",
                                                                                                                                                                                                                                                                                                                                                                                                  "192."
                                                                                                                                                                                                                                                                                                                                                                                                  "0.2."
                                                                                                                                                                                                                                                                                                                                                                                                  "1") "," ID("00001004", "4", "transport") "," GCM
                                                                                                                                                                                                                                                                                                                                                                                                                                            "," COPIES
                                                                                                                                                                                                                                                                                                                                                                                                                                            ",'seq':'0','replay-window':'32','seen':[" ZERO
                                                                                                                                                                                                                                                                                                                                                                                                                                            "],'local-ts':['192.0.2.1/32[tcp/443]'],"
                                                                                                                                                                                                                                                                                                                                                                                                                                            "'remote-ts':['192.0.2.3/32[tcp]']") "," STATE(WAY("in", "192.0.2.4", "192.0.2.1") "," ID("00001005", "5", "beet") ",'encr-alg':'CHACHA20_POLY1305',"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               "'encr-keysize':'256','icv-bits':'128','copy-df':'yes','dscp-to-outer':'yes','seq':'4',"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               "'replay-window':'32','seen':[" ZERO
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               "],'local-ts':['10.1.0.1/32'],'remote-ts':['10.2.0.1/32']") "," STATE(WAY("out",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         "192.0.2.1",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         "192.0.2.5") "," ID("00001006", "6", "tunnel") "," GCM "," COPIES ",'cpi':'1234','seq':'0','newest':'yes'") "," STATE(WAY("out", "192.0.2.1", "192.0.2.6") ",'protocol':'ah','spi':'00001007','reqid':'7','mode':'tunnel'," SHA256 "," COPIES ",'seq':'3'") "," STATE(WAY("out",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "fd01::1",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "fd01::2") "," ID("00001008",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     "8",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     "tunnel") ",'encr-alg':'NULL',"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               "'integ-alg':'HMAC_SHA1_96','icv-bits':'96','dscp-to-inner':'yes','seq':'18'") "]";

static const char policies[] =
    "[{'name':'policy','body':{'id':'9','action':'protect','reqid':'2','priority':'8',"
    "'local-ts':['10.1.0.0/16[tcp]'],'remote-ts':['10.2.0.0/16[tcp/443]']}},"
    "{'name':'policy','body':{'id':'8','action':'protect','trap':'yes','reqid':'77','priority':'9',"
    "'local-ts':['10.1.0.0/16'],'remote-ts':['10.4.0.0/16']}},"
    "{'name':'policy','body':{'id':'7','action':'protect','reqid':'6','priority':'9',"
    "'local-ts':['10.1.0.0/16'],'remote-ts':['10.6.0.0/16']}},"
    "{'name':'policy','body':{'id':'6','action':'protect','reqid':'5','priority':'9',"
    "'local-ts':['10.1.0.1/32'],'remote-ts':['10.2.0.1/32']}},"
    "{'name':'state','body':{'direction':'out','reqid':'2','src':'192.0.2.1','dst':'192.0.2.9',"
    "'protocol':'ah','mode':'tunnel'}},"
    "{'name':'state','body':{'direction':'out','newest':'yes','reqid':'2','src':'192.0.2.1','dst':'192.0.2.2'"
    ","
    "'protocol':'esp','mode':'tunnel'}},"
    "{'name':'state','body':{'direction':'out','newest':'yes','reqid':'6','src':'192.0.2.1','dst':'192.0.2.5'"
    ","
    "'protocol':'esp','mode':'tunnel','cpi':'1234'}},"
    "{'name':'state','body':{'direction':'out','newest':'yes','reqid':'5','src':'192.0.2.1','dst':'192.0.2.4'"
    ","
    "'protocol':'esp','mode':'beet'}}]";

static char *buffer;
static size_t buffer_len;

static json_t *parse(const char *text)
{
    char *t = strdup(text);
    json_error_t e;
    for (char *p = t; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    json_t *j = json_loads(t, 0, &e);
    if (!j)
        fail_msg("%s at %d: %.60s", e.text, e.position, t + e.position - 20);
    free(t);
    return j;
}

static const char *printed(void (*print)(FILE *, json_t *, bool), const char *rows, bool has_stats)
{
    json_t *j = parse(rows);
    free(buffer);
    FILE *f = open_memstream(&buffer, &buffer_len);
    print(f, j, has_stats);
    fclose(f);
    json_decref(j);
    return buffer;
}

/* Keys become the word for them; an index of the kernel and a policy's times are its own. */
static void mask(char *text)
{
    char *to = text;
    for (const char *at = text; *at;) {
        size_t hex = strncmp(at, "0x", 2) == 0 ? strspn(at + 2, "0123456789abcdef") : 0;
        if (hex >= 32) {
            memcpy(to, XFRM_HIDDEN, strlen(XFRM_HIDDEN));
            to += strlen(XFRM_HIDDEN);
            at += 2 + hex;
        } else if (strncmp(at, "index ", 6) == 0) {
            at += 6 + strspn(at + 6, "0123456789");
        } else {
            *to++ = *at++;
        }
    }
    *to = 0;
}

static char *recorded(const char *name)
{
    char path[128], *text = calloc(1, 65536);
    snprintf(path, sizeof(path), "tests/vectors/iproute2/%s.txt", name);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_true(fread(text, 1, 65535, f) > 0);
    fclose(f);
    mask(text);
    return text;
}

static void compare(const char *ours, const char *name)
{
    char *theirs = recorded(name), *mine = strdup(ours);
    mask(mine);
    char *a = mine, *b = theirs; /* a line at a time: the message says which */
    for (char *line, *other; (line = strsep(&a, "\n")) && (other = strsep(&b, "\n"));)
        assert_string_equal(line, other);
    assert_true(!a && !b);
    free(theirs);
    free(mine);
}

static void states_are_printed_line_by_line_as_ip_xfrm_prints_them(void **state)
{
    (void)state;
    compare(printed(xfrm_print_states, states, false), "state");
}

static void with_statistics_too(void **state)
{
    (void)state;
    compare(printed(xfrm_print_states, states, true), "state-s");
}

static void policies_are_printed_line_by_line_as_ip_xfrm_prints_them(void **state)
{
    (void)state;
    char *theirs = recorded("policy"), *block = strstr(theirs, "src 10.2.0.0/16 dst 10.9.0.0/16");
    *block = 0; /* the kernel's was made for one direction alone */
    assert_string_equal(printed(xfrm_print_policies, policies, false), theirs);
    free(theirs);
}

static void policies_with_statistics_have_the_lines_too(void **state)
{
    (void)state;
    char *theirs = recorded("policy-s"), *block = strstr(theirs, "src 10.2.0.0/16 dst 10.9.0.0/16");
    *block = 0;
    for (char *p = theirs; (p = strstr(p, "  add 2026")); p += 7) /* policies keep no time here */
        memmove(p + 6, "- use -", 7), memmove(p + 13, strchr(p, '\n'), strlen(strchr(p, '\n')) + 1);
    char *mine = strdup(printed(xfrm_print_policies, policies, true));
    mask(mine);
    assert_string_equal(mine, theirs);
    free(mine);
    free(theirs);
}

static void what_is_discarded_says_so(void **state)
{
    (void)state;
    static const char rows[] = "[{'name':'policy','body':{'id':'1','action':'discard','priority':'7',"
                               "'local-ts':['10.2.0.0/16'],'remote-ts':['10.9.0.0/16']}}]";
    char *theirs = recorded("policy"), *block = strstr(theirs, "src 10.2.0.0/16 dst 10.9.0.0/16");
    const char *mine = printed(xfrm_print_policies, rows, false);
    assert_true(strncmp(mine, block, strlen(block)) == 0);
    assert_null(strstr(mine, "tmpl"));
    free(theirs);
}

static void ranges_are_taken_apart_as_for_the_kernel(void **state)
{
    (void)state;
    static const char rows[] =
        "[{'name':'policy','body':{'id':'1','action':'protect','reqid':'1','priority':'0',"
        "'local-ts':['10.0.0.0-10.0.0.2'],'remote-ts':['10.9.0.0/16']}}]";
    const char *text = printed(xfrm_print_policies, rows, false);
    assert_non_null(strstr(text, "src 10.0.0.0/31 dst 10.9.0.0/16 \n\tdir out priority "));
    assert_non_null(strstr(text, "src 10.0.0.2/32 dst 10.9.0.0/16 \n\tdir out priority "));
    assert_non_null(strstr(text, "src 10.9.0.0/16 dst 10.0.0.2/32 \n\tdir in priority "));
}

static void a_short_window_begins_with_the_newest_packet(void **state)
{
    (void)state;
    /* numbers 33, 34 and 36 of 36 in a window of 32: bits 0, 1 and 3 of the round, and the rest of the last
     */
    static const char rows[] = "[" STATE(WAY("in", "1.1.1.1", "2.2.2.2") "," ID(
        "00000100", "1", "tunnel") "," GCM ",'seq':'36','replay-window':'32','seen':['0000000b']") "]";
    assert_non_null(strstr(printed(xfrm_print_states, rows, false),
                           "anti-replay context: seq 0x24, oseq 0x0, bitmap 0x0000000d\n"));
}

static void a_long_window_is_shown_highest_word_first(void **state)
{
    (void)state;
    static const char rows[] = "[" STATE(WAY("in", "1.1.1.1", "2.2.2.2") "," ID(
        "00000100", "1", "tunnel") "," GCM
                                   ",'seq':'40','replay-window':'64','seen':['000000ff','fffffffe']") "]";
    assert_non_null(strstr(printed(xfrm_print_states, rows, false),
                           " seq-hi 0x0, seq 0x28, oseq-hi 0x0, oseq 0x0\n"
                           "\t replay_window 64, bitmap-length 2\n\t 000000ff fffffffe \n"));
}

static void refused_packets_of_an_sa_are_in_its_statistics(void **state)
{
    (void)state;
    static const char rows[] = "[" STATE(WAY("in", "1.1.1.1", "2.2.2.2") "," ID(
        "00000100", "1", "tunnel") "," GCM
                                   ",'seq':'1','replay-window':'0','replayed':'5','wrong-icv':'6'") "]";
    assert_non_null(
        strstr(printed(xfrm_print_states, rows, true), "\t  replay-window 0 replay 5 failed 6\n"));
}

/* ---- counters */

static json_t *drops(void)
{
    json_t *j = json_object();
    char n[16];
    for (int i = 1; i < DROP_REASONS; i++) {
        snprintf(n, sizeof(n), "%d", 1 << (i % 20));
        json_object_set_new(j, esp_drop_name((enum esp_drop)i), json_string(n));
    }
    return j;
}

static const char *stat_text(json_t *of)
{
    free(buffer);
    FILE *f = open_memstream(&buffer, &buffer_len);
    xfrm_print_stat(f, of);
    fclose(f);
    json_decref(of);
    return buffer;
}

static void an_idle_machine_has_the_kernel_s_lines_first(void **state)
{
    (void)state;
    char *theirs = recorded("xfrm_stat");
    const char *mine = stat_text(json_object());
    assert_true(strncmp(mine, theirs, strlen(theirs)) == 0);
    assert_non_null(strstr(mine + strlen(theirs), "KeywayOutTooBig         \t0\n"));
    free(theirs);
}

static void no_reason_is_lost_and_none_is_counted_twice(void **state)
{
    (void)state;
    uint64_t total = 0, sum = 0;
    for (int i = 1; i < DROP_REASONS; i++)
        total += 1u << (i % 20);
    char *text = strdup(stat_text(drops())), *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        assert_int_equal(strcspn(line, "\t"), 24);
        sum += strtoull(strchr(line, '\t') + 1, NULL, 10);
    }
    assert_int_equal(sum, total);
    free(text);
}

static void reasons_are_under_the_names_that_mean_the_same(void **state)
{
    (void)state;
    static const struct {
        enum esp_drop why;
        const char *name;
    } rows[] = {
        {DROP_UNKNOWN_SPI,    "XfrmInNoStates"       },
        {DROP_REPLAY,         "XfrmInStateSeqError"  },
        {DROP_BAD_ICV,        "XfrmInStateProtoError"},
        {DROP_NO_SA,          "XfrmOutNoStates"      },
        {DROP_SEQ_EXHAUSTED,  "XfrmOutStateSeqError" },
        {DROP_POLICY_DISCARD, "XfrmOutPolBlock"      },
        {DROP_TOO_BIG,        "KeywayOutTooBig"      },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *one = json_pack("{s:s}", esp_drop_name(rows[i].why), "7"), *j = xfrm_stat_json(one);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "counters"), rows[i].name)),
                         7);
        json_decref(one);
        json_decref(j);
    }
}

static void json_has_numbers_and_keeps_texts(void **state)
{
    (void)state;
    json_t *rows = parse(states), *j = xfrm_states_json(rows);
    json_t *first = json_array_get(json_object_get(j, "states"), 0);
    assert_int_equal(json_array_size(json_object_get(j, "states")), 8);
    assert_int_equal(json_integer_value(json_object_get(first, "seq")), 40);
    assert_string_equal(json_string_value(json_object_get(first, "spi")), "00001001");
    assert_true(json_is_true(json_object_get(first, "newest")));
    assert_string_equal(json_string_value(json_object_get(first, "encr_alg")), "AES_GCM_16");
    assert_int_equal(json_integer_value(json_object_get(first, "encr_keysize")), 128);
    json_decref(rows);
    json_decref(j);
    rows = parse(policies);
    j = xfrm_policies_json(rows);
    first = json_array_get(json_object_get(j, "policies"), 0);
    assert_int_equal(json_array_size(json_object_get(j, "policies")), 4);
    assert_string_equal(json_string_value(json_object_get(first, "dst")), "192.0.2.2");
    json_decref(rows);
    json_decref(j);
}

static int end(void **state)
{
    (void)state;
    free(buffer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_are_printed_line_by_line_as_ip_xfrm_prints_them),
        cmocka_unit_test(with_statistics_too),
        cmocka_unit_test(policies_are_printed_line_by_line_as_ip_xfrm_prints_them),
        cmocka_unit_test(policies_with_statistics_have_the_lines_too),
        cmocka_unit_test(what_is_discarded_says_so),
        cmocka_unit_test(ranges_are_taken_apart_as_for_the_kernel),
        cmocka_unit_test(a_short_window_begins_with_the_newest_packet),
        cmocka_unit_test(a_long_window_is_shown_highest_word_first),
        cmocka_unit_test(refused_packets_of_an_sa_are_in_its_statistics),
        cmocka_unit_test(an_idle_machine_has_the_kernel_s_lines_first),
        cmocka_unit_test(no_reason_is_lost_and_none_is_counted_twice),
        cmocka_unit_test(reasons_are_under_the_names_that_mean_the_same),
        cmocka_unit_test(json_has_numbers_and_keeps_texts),
    };
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, end);
}
