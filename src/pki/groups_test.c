/* SPDX-License-Identifier: Apache-2.0 */
/* Groups by attribute certificate: who is in one, who is not, and what is said about it. */
#include "pki/acert.h"
#include "pki/issue/issue.h"
#include "support/test.h"
#include "support/testca.h"

#define NOW TESTCA_NOW
#define DAY 86400

/* The cast: ca issued leaf and other; AA is trusted for attributes, false_aa has its name and another key,
 * stranger is nobody's, old_aa has AA's key and has ended. */
static struct testca_cert *made[7];
static struct cert *cast[7];
enum { NOBODY, CA, LEAF, OTHER, AA, FALSE_AA, OLD_AA };

struct row {
    const char *name;
    const char *groups[3]; /* of the attribute certificate */
    int signer, holder;
    int64_t from, to; /* 0: a day before, a day after */
    const char *digest;
    int trusted;           /* instead of AA */
    const char *wanted[3]; /* instead of "sales" */
    const char *group, *got;
};

/* clang-format off */
static const struct row rows[] = {
    {"the one group", {"sales"}, .group = "sales"},
    {"one of several", {"finance", "sales"}, .group = "sales"},
    {"the first of the connection's that holds", {"b", "a"}, .wanted = {"x", "a", "b"}, .group = "a"},
    {"a group with spaces", {"x y"}, .wanted = {"x y"}, .group = "x y"},
    {"in its first second", {"sales"}, .from = NOW, .group = "sales"},
    {"in its last second", {"sales"}, .to = NOW, .group = "sales"},
    {"another group", {"finance"}, .got = "an attribute certificate of CN=aa until 2026-06-02 00:00:00 UTC with the groups 'finance'"},
    {"a group in other case", {"Sales"}, .got = "'Sales'"},
    {"a group that begins so", {"salesman"}, .got = "'salesman'"},
    {"no attribute certificate", .signer = NOBODY, .got = "none for it among 0"},
    {"for another certificate", {"sales"}, .holder = OTHER, .got = "none for it among 1"},
    {"ended", {"sales"}, .from = 1, .to = NOW - 1, .got = "an attribute certificate of CN=aa for 1970-01-01 00:00:01 UTC to 2026-05-31 23:59:59 UTC"},
    {"not begun", {"sales"}, .from = NOW + 1, .got = "for 2026-06-01 00:00:01 UTC"},
    {"of somebody who is no authority", {"sales"}, .signer = OTHER, .got = "an attribute certificate of CN=other, who is no authority over attributes here"},
    {"of the CA, which is none either", {"sales"}, .signer = CA, .got = "of CN=ca, who is no authority over attributes here"},
    {"of another with the authority's name", {"sales"}, .signer = FALSE_AA, .got = "was not signed with the key of CN=aa"},
    {"with a weak hash", {"sales"}, .digest = "sha1", .got = "weak hash"},
    {"of an authority whose own certificate ended", {"sales"}, .trusted = OLD_AA, .got = "CN=aa, whose own certificate is for 2025-"},
    {"with no authority at all", {"sales"}, .trusted = CA, .got = "of CN=aa, who is no authority over attributes here"},
};
/* clang-format on */

static void add(int who, const char *subject, int issuer, int key_of, int64_t to)
{
    struct diag d = {0};
    struct testca_spec spec = {.subject = subject,
                               .is_ca = issuer == NOBODY && who == CA,
                               .key_of = made[key_of],
                               .key_usage = who == AA || who >= FALSE_AA ? "digitalSignature" : NULL};
    spec.not_before = to ? TESTCA_NOW - 365 * DAY : 0;
    spec.not_after = to;
    made[who] = testca_issue(&spec, made[issuer]);
    cast[who] = cert_load(testca_der(made[who]), &d);
    assert_non_null(cast[who]);
}

static int setup(void **state)
{
    (void)state;
    add(CA, "CN=ca", NOBODY, NOBODY, 0);
    add(LEAF, "CN=leaf", CA, NOBODY, 0);
    add(OTHER, "CN=other", CA, NOBODY, 0);
    add(AA, "CN=aa", NOBODY, NOBODY, 0);
    add(FALSE_AA, "CN=aa", NOBODY, NOBODY, 0);
    add(OLD_AA, "CN=aa", NOBODY, AA, NOW - 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 1; i < ARRAY_LEN(made); i++) {
        cert_unref(cast[i]);
        testca_free(made[i]);
    }
    return 0;
}

static struct acert *issue(const struct row *r, int signer, int holder)
{
    struct diag d = {0};
    struct arena *a = arena_new(1 << 20);
    struct span der;
    struct pkey *key = pkey_load_private(testca_key_der(made[signer]), span_of(NULL, 0), &d);
    struct issue_acert c = {.serial = hex("07"),
                            .holder = cast[holder],
                            .not_before = r->from ? r->from : NOW - DAY,
                            .not_after = r->to ? r->to : NOW + DAY,
                            .groups = r->groups};
    while (c.n_groups < 3 && r->groups[c.n_groups])
        c.n_groups++;
    if (!issue_acert(a, &c, cast[signer], &(struct issue_signer){.key = key, .digest = r->digest}, &der, &d))
        fail_msg("%s", d.what);
    struct acert *made_one = acert_load(der, &d);
    assert_non_null(made_one);
    pkey_unref(key);
    arena_free(a);
    return made_one;
}

static void judge(const struct row *r, struct trust_verdict *v)
{
    static const char *const sales[] = {"sales"};
    struct acert *one =
        r->groups[0] ? issue(r, r->signer ? r->signer : AA, r->holder ? r->holder : LEAF) : NULL;
    struct trust_request q = {
        .leaf = cast[LEAF],
        .anchors = {&cast[CA],                           1},
        .now = NOW,
        .groups = r->wanted[0] ? r->wanted : sales,
        .n_groups = 1,
        .acerts = &one,
        .n_acerts = one != NULL,
        .aas = {&cast[r->trusted ? r->trusted : AA], 1}
    };
    while (r->wanted[0] && q.n_groups < 3 && r->wanted[q.n_groups])
        q.n_groups++;
    trust_evaluate(&q, v);
    acert_unref(one);
}

static void each_row_gets_its_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct trust_verdict v;
        judge(r, &v);
        if (v.is_trusted != (r->group != NULL) || (r->group && strcmp(v.group, r->group) != 0) ||
            (r->got && !strstr(v.why.got, r->got)))
            fail_msg("%s: %s; got %s", r->name, v.why.what, v.why.got);
        assert_true(v.is_trusted || (strcmp(v.unmet, "groups") == 0 && v.why.try[0] && v.why.expected[0]));
    }
}

static void the_one_that_comes_closest_is_told_of(void **state)
{
    (void)state;
    struct row other = {.groups = {"finance"}}, ended = {.groups = {"sales"}, .from = 1, .to = NOW - 1};
    struct acert *all[] = {issue(&other, OTHER, LEAF), issue(&ended, AA, LEAF), issue(&other, AA, LEAF),
                           issue(&ended, AA, LEAF)};
    const char *const groups[] = {"sales", "board"};
    struct trust_verdict v;
    struct trust_request q = {
        .leaf = cast[LEAF],
        .anchors = {&cast[CA], 1},
        .now = NOW,
        .groups = groups,
        .n_groups = 2,
        .acerts = all,
        .n_acerts = 4,
        .aas = {&cast[AA], 1}
    };
    trust_evaluate(&q, &v);
    assert_false(v.is_trusted);
    assert_string_equal(v.why.what,
                        "certificate CN=leaf is not shown to be in a group that this connection requires");
    assert_string_equal(
        v.why.expected,
        "an attribute certificate of CN=aa that puts it into 'sales' or another of the groups");
    assert_string_equal(
        v.why.got,
        "an attribute certificate of CN=aa until 2026-06-02 00:00:00 UTC with the groups 'finance'");
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        acert_unref(all[i]);
}

static void a_path_that_is_bad_is_told_of_before_its_groups(void **state)
{
    (void)state;
    static const char *const sales[] = {"sales"};
    struct trust_verdict v;
    struct trust_request q = {
        .leaf = cast[LEAF], .anchors = {&cast[AA], 1},
             .now = NOW, .groups = sales, .n_groups = 1
    };
    trust_evaluate(&q, &v);
    assert_non_null(strstr(v.why.what, "no trusted issuer for certificate CN=leaf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_gets_its_verdict),
        cmocka_unit_test(the_one_that_comes_closest_is_told_of),
        cmocka_unit_test(a_path_that_is_bad_is_told_of_before_its_groups),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
