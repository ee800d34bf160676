/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines, one of which asks for a group by attribute certificate: sent by the peer or at hand, refused,
 * and which of several connections takes a peer that is in the group of one. */
#include "pki/acert.h"
#include "pki/issue/issue.h"
#include "support/engine_pair.h"
#include "support/test.h"

#define DAY 86400

static struct pair p;
static struct testca_cert *ca, *aa, *certs[2]; /* moon's, sun's */

/* What one side has, and asks for. */
static struct {
    const char *group[2];      /* of the peer, for connection net, for connection more */
    const char *member[2];     /* groups of side 0, of side 1: attribute certificates that this side has */
    int64_t ends;              /* of these; 0: later */
    bool has_more, has_cacert; /* a second connection; the first one asks for another CA */
} has[2];

static struct cert *seen(const struct testca_cert *t)
{
    struct diag d = {0};
    struct cert *c = cert_load(testca_der(t), &d);
    assert_non_null(c);
    return c;
}

static struct acert *membership(int of, const char *group, int64_t ends)
{
    struct diag d = {0};
    struct arena *a = arena_new(1 << 20);
    struct span der;
    struct pkey *key = pkey_load_private(testca_key_der(aa), span_of(NULL, 0), &d);
    struct cert *holder = seen(certs[of]), *issuer = seen(aa);
    struct issue_acert c = {.serial = hex("07"),
                            .holder = holder,
                            .not_before = TESTCA_NOW - DAY,
                            .not_after = ends ? ends : TESTCA_NOW + DAY,
                            .groups = &group,
                            .n_groups = 1};
    assert_true(issue_acert(a, &c, issuer, &(struct issue_signer){.key = key}, &der, &d));
    struct acert *made = acert_load(der, &d);
    assert_non_null(made);
    pkey_unref(key);
    cert_unref(holder);
    cert_unref(issuer);
    arena_free(a);
    return made;
}

static void demand(struct config *c, struct connection *conn, const char *group, int line)
{
    const char **groups = arena_calloc(c->arena, 1, sizeof(*groups));
    struct origin *o = arena_calloc(c->arena, 1, sizeof(*o));
    *groups = group;
    *o = (struct origin){.key = "groups", .file = "test.conf", .line = line};
    conn->remote.groups = groups;
    conn->remote.n_groups = group != NULL;
    conn->remote.origins = (struct origins){o, group != NULL};
}

static struct cert **ref_all(struct arena *a, const struct cert_list *l)
{
    struct cert **v = arena_calloc(a, l->n, sizeof(struct cert *));
    for (size_t i = 0; i < l->n; i++)
        v[i] = cert_ref(l->v[i]);
    return v;
}

static void load(struct config *c, struct connection *conn, struct child_config *children, int side)
{
    (void)children;
    c->aas = (struct cert_list){arena_calloc(c->arena, 1, sizeof(struct cert *)), 1};
    c->aas.v[0] = seen(aa);
    c->acerts = arena_calloc(c->arena, 2, sizeof(struct acert *));
    for (int of = 0; of < 2; of++) {
        if (has[side].member[of])
            c->acerts[c->n_acerts++] = membership(of, has[side].member[of], has[side].ends);
    }
    struct connection *more = arena_alloc(c->arena, sizeof(*more));
    *more = *conn;
    more->name = "more";
    more->local.certs.v = ref_all(c->arena, &conn->local.certs);
    demand(c, conn, has[side].group[0], 11);
    demand(c, more, has[side].group[1], 21);
    if (has[side].has_cacert) {
        conn->remote.cacerts = (struct cert_list){arena_calloc(c->arena, 1, sizeof(struct cert *)), 1};
        conn->remote.cacerts.v[0] = seen(aa);
    }
    c->connections = arena_calloc(c->arena, 2, sizeof(*c->connections));
    c->connections[0] = conn;
    c->connections[1] = more;
    c->n_connections = 2;
    if (!has[side].has_more) {
        cert_unref(more->local.certs.v[0]);
        c->n_connections = 1;
    }
}

static void load_moon(struct config *c, struct connection *conn, struct child_config *children)
{
    load(c, conn, children, 0);
}

static void load_sun(struct config *c, struct connection *conn, struct child_config *children)
{
    load(c, conn, children, 1);
}

static int setup(void **state)
{
    (void)state;
    memset(has, 0, sizeof(has));
    pair_init(&p);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_deinit(&p);
    return 0;
}

static int make_certs(void **state)
{
    (void)state;
    ca = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    aa = testca_issue(&(struct testca_spec){.subject = "CN=aa"}, NULL);
    certs[0] = testca_issue(&(struct testca_spec){.subject = "CN=moon", .san = "DNS:moon.example"}, ca);
    certs[1] = testca_issue(&(struct testca_spec){.subject = "CN=sun", .san = "DNS:sun.example"}, ca);
    return 0;
}

static int free_certs(void **state)
{
    (void)state;
    struct testca_cert *const all[] = {ca, aa, certs[0], certs[1]};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        testca_free(all[i]);
    return 0;
}

static void up(void)
{
    for (int side = 0; side < 2; side++) {
        struct pair_spec s = {.cert = certs[side],
                              .ca = ca,
                              .local_id = side ? "sun.example" : "moon.example",
                              .remote_id = side ? "moon.example" : "sun.example",
                              .tweak = side ? load_sun : load_moon};
        pair_load(&p, side, &s);
    }
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
}

static void expect_up(void)
{
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_true(pair_traffic_fits(&p));
}

static void expect_refused(void)
{
    assert_int_not_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(pair_children(&p, 1), 0);
}

static void an_initiator_shows_its_group(void **state)
{
    (void)state;
    has[0].member[0] = "sales";
    has[1].group[0] = "sales";
    up();
    expect_up();
    assert_true(pair_logged(&p, 1,
                            "moon.example is in group 'sales', says an attribute certificate of CN=aa until "
                            "2026-06-02 00:00:00 UTC"));
}

static void a_responder_shows_its_group(void **state)
{
    (void)state;
    has[1].member[1] = "sales";
    has[0].group[0] = "sales";
    up();
    expect_up();
    assert_true(pair_logged(&p, 0, "sun.example is in group 'sales'"));
}

static void one_that_is_at_hand_does_as_well(void **state)
{
    (void)state;
    has[1].group[0] = has[1].member[0] = "sales";
    up();
    expect_up();
}

/* Peers would not take the message. */
static void more_than_a_message_carries_is_not_sent(void **state)
{
    (void)state;
    static char large[7000];
    memset(large, 'x', sizeof(large) - 1);
    has[0].member[0] = large;
    has[1].group[0] = large;
    up();
    expect_refused();
    assert_true(pair_logged(&p, 0, "an attribute certificate of ours is not sent: more than 6000 bytes"));
}

static void somebody_elses_is_not_sent(void **state)
{
    (void)state;
    has[0].member[1] = has[1].group[0] = "sales";
    up();
    expect_refused();
    assert_true(pair_logged(&p, 1, "none for it among 0"));
}

static void another_group_is_refused_at_the_line_that_asks(void **state)
{
    (void)state;
    has[1].member[1] = "finance";
    has[0].group[0] = "sales";
    up();
    expect_refused();
    const struct diag *d = &p.side[0].done;
    assert_int_equal(d->class, FAIL_CERTIFICATE);
    assert_string_equal(d->where, "test.conf:11");
    assert_non_null(strstr(d->what, "CN=sun is not shown to be in a group"));
    assert_non_null(strstr(d->got, "with the groups 'finance'"));
}

static void one_that_has_ended_is_not_sent(void **state)
{
    (void)state;
    has[0].member[0] = has[1].group[0] = "sales";
    has[0].ends = TESTCA_NOW - 1;
    up();
    expect_refused();
    assert_true(pair_logged(&p, 1, "none for it among 0"));
}

static void one_that_has_ended_is_told_of_with_its_dates(void **state)
{
    (void)state;
    has[1].member[0] = has[1].group[0] = "sales";
    has[1].ends = TESTCA_NOW - 1;
    up();
    expect_refused();
    assert_true(pair_logged(&p, 1, "for 2026-05-31 00:00:00 UTC to 2026-05-31 23:59:59 UTC"));
}

static void a_peer_comes_to_the_connection_of_its_group(void **state)
{
    (void)state;
    has[0].member[0] = "finance";
    has[1].has_more = true;
    has[1].group[0] = "sales";
    has[1].group[1] = "finance";
    up();
    expect_up();
    assert_true(pair_logged(&p, 1, "connection more may take the peer instead of net"));
    assert_true(pair_logged(&p, 1, "is in group 'finance'"));
}

static void a_peer_without_a_group_comes_to_the_connection_that_asks_for_none(void **state)
{
    (void)state;
    has[1].has_more = true;
    has[1].group[0] = "sales";
    up();
    expect_up();
    assert_false(pair_logged(&p, 1, "is in group"));
}

static void a_peer_of_another_ca_comes_to_the_connection_that_takes_it(void **state)
{
    (void)state;
    has[1].has_more = has[1].has_cacert = true;
    up();
    expect_up();
    assert_true(pair_logged(&p, 1, "connection more may take the peer instead of net"));
}

static void a_peer_that_no_connection_takes_is_refused(void **state)
{
    (void)state;
    has[0].member[0] = "board";
    has[1].has_more = true;
    has[1].group[0] = "sales";
    has[1].group[1] = "finance";
    up();
    expect_refused();
    assert_true(pair_logged(&p, 1, "puts it into 'finance'"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_initiator_shows_its_group),
        T(a_responder_shows_its_group),
        T(one_that_is_at_hand_does_as_well),
        T(somebody_elses_is_not_sent),
        T(more_than_a_message_carries_is_not_sent),
        T(another_group_is_refused_at_the_line_that_asks),
        T(one_that_has_ended_is_not_sent),
        T(one_that_has_ended_is_told_of_with_its_dates),
        T(a_peer_comes_to_the_connection_of_its_group),
        T(a_peer_without_a_group_comes_to_the_connection_that_asks_for_none),
        T(a_peer_of_another_ca_comes_to_the_connection_that_takes_it),
        T(a_peer_that_no_connection_takes_is_refused),
    };
    return cmocka_run_group_tests(tests, make_certs, free_certs);
}
