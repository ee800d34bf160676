/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP responses about our own certificates, from a responder on loopback: fetched ahead, again before they
 * end, kept while the responder is gone, and none where it does not say that the certificate is good. */
#include "pki/ocsp.h"
#include "support/netns.h"
#include "support/test.h"
#include "support/testca.h"
#include "support/testocsp.h"
#include "support/web.h"
#include "sys/clock.h"
#include "sys/fetch.h"
#include "sys/stapler.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define MS INT64_C(1000)

static struct testca_cert *ca, *leaf, *other;
static struct cert *cert;
static int port;
static atomic_bool is_ending;
static atomic_uint asked;
static atomic_int status, how; /* what the responder says; enum web_how */
static atomic_llong ends;      /* nextUpdate: so many seconds from now */
static struct revoker_store *store;
static struct stapler *stapler;

static struct web_answer serve(void *ctx, const char *path, struct span body)
{
    (void)ctx, (void)path, (void)body;
    int64_t now = clock_now().wall;
    struct testocsp_spec spec = {.issuer = ca,
                                 .cert = leaf,
                                 .status = (char)atomic_load(&status),
                                 .this_update = now - 1,
                                 .next_update = now + atomic_load(&ends)};
    struct span der = testocsp_make(&spec);
    uint8_t *copy = malloc(der.len);
    assert_non_null(copy);
    memcpy(copy, der.ptr, der.len);
    struct web_answer a = {.how = (enum web_how)atomic_load(&how), .body = span_of(copy, der.len)};
    testocsp_free(der);
    atomic_fetch_add(&asked, 1);
    return a;
}

static struct cert *seen(const struct testca_cert *t)
{
    struct diag d = {0};
    struct cert *c = cert_load(testca_der(t), &d);
    assert_non_null(c);
    return c;
}

/* One connection with our certificate. */
static struct config *config(uint8_t ocsp)
{
    struct diag d = {0};
    struct arena *a = arena_new(1 << 20);
    struct config *c = config_new(a);
    struct connection *conn = arena_alloc(a, sizeof(*conn));
    conn->name = "net";
    conn->ocsp = ocsp;
    conn->local.method = AUTH_PUBKEY;
    conn->local.certs = (struct cert_list){arena_calloc(a, 1, sizeof(struct cert *)), 1};
    conn->local.certs.v[0] = cert_ref(cert);
    c->cas = (struct cert_list){arena_calloc(a, 1, sizeof(struct cert *)), 1};
    c->cas.v[0] = seen(ca);
    c->keys = arena_calloc(a, 1, sizeof(*c->keys));
    c->keys[0].key = pkey_load_private(testca_key_der(leaf), span_of(NULL, 0), &d);
    c->n_keys = 1;
    c->connections = arena_calloc(a, 1, sizeof(struct connection *));
    c->connections[0] = conn;
    c->n_connections = 1;
    return c;
}

static void watch(uint8_t ocsp)
{
    struct config *c = config(ocsp);
    stapler_watch(stapler, c);
    config_unref(c);
}

static bool is_there(int64_t wall)
{
    struct ocsp *o = stapler_find(stapler, cert, wall);
    ocsp_unref(o);
    return o != NULL;
}

/* Until something is so, for 10 seconds at most. */
#define UNTIL(condition)                                                                                     \
    for (int64_t waits = clock_now().mono; !(condition); poll(NULL, 0, 5))                                   \
    assert_true(clock_now().mono - waits < 10000 * MS)

static int set_up(void **state)
{
    (void)state;
    atomic_store(&is_ending, false);
    atomic_store(&asked, 0);
    atomic_store(&status, 'g');
    atomic_store(&how, WEB_WELL);
    atomic_store(&ends, 3600);
    store = store_new(NULL, &is_ending);
    stapler = stapler_new(store, &is_ending, (struct stapler_pace){100 * MS, 3600000 * MS});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    atomic_store(&is_ending, true);
    stapler_free(stapler);
    store_free(store);
    return 0;
}

static void a_response_is_there_before_anybody_asks(void **state)
{
    (void)state;
    int64_t now = clock_now().wall;
    assert_false(is_there(now));
    watch(OCSP_TELL);
    UNTIL(is_there(now));
    assert_int_equal(atomic_load(&asked), 1);
    assert_true(is_there(now + 3000));
    assert_false(is_there(now + 7200)); /* it has ended by then */
    struct cert *stranger = seen(other);
    assert_null(stapler_find(stapler, stranger, now));
    cert_unref(stranger);
    watch(OCSP_TELL | OCSP_ASK); /* reloaded: it stays, and is not asked for again */
    assert_true(is_there(now));
    poll(NULL, 0, 50);
    assert_int_equal(atomic_load(&asked), 1);
    stapler_renew(stapler);
    UNTIL(atomic_load(&asked) == 2);
    watch(0);
    assert_false(is_there(now));
}

static void nobody_is_asked_where_nothing_is_sent(void **state)
{
    (void)state;
    watch(OCSP_ASK);
    poll(NULL, 0, 50);
    assert_int_equal(atomic_load(&asked), 0);
}

static void it_is_renewed_when_half_of_its_time_is_over(void **state)
{
    (void)state;
    atomic_store(&ends, 1);
    watch(OCSP_TELL);
    int64_t begin = clock_now().mono;
    UNTIL(atomic_load(&asked) >= 3);
    assert_true(clock_now().mono - begin < 5000 * MS);
    assert_true(is_there(clock_now().wall));
}

static void what_is_at_hand_serves_while_the_responder_is_broken(void **state)
{
    (void)state;
    watch(OCSP_TELL);
    UNTIL(is_there(clock_now().wall));
    atomic_store(&how, WEB_BROKEN);
    stapler_renew(stapler);
    UNTIL(atomic_load(&asked) == 2);
    poll(NULL, 0, 50);
    assert_true(is_there(clock_now().wall));
}

static void what_is_not_good_is_not_at_hand(void **state)
{
    static const struct {
        char status;
        int how, ends;
    } rows[] = {
        {'r', WEB_WELL,      3600 },
        {'u', WEB_WELL,      3600 },
        {'g', WEB_WELL,      -3600},
        {'g', WEB_NOT_FOUND, 3600 },
        {'g', WEB_CUT,       3600 }
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        atomic_store(&status, rows[i].status);
        atomic_store(&how, rows[i].how);
        atomic_store(&ends, rows[i].ends);
        watch(OCSP_TELL);
        UNTIL(atomic_load(&asked) > 0);
        poll(NULL, 0, 50);
        assert_false(is_there(clock_now().wall));
        tear_down(state);
        set_up(state);
    }
}

static void a_responder_that_hangs_does_not_keep_the_end_away(void **state)
{
    (void)state;
    atomic_store(&how, WEB_SILENT);
    watch(OCSP_TELL);
    UNTIL(atomic_load(&asked) == 1);
    int64_t begin = clock_now().mono;
    assert_false(is_there(clock_now().wall)); /* asking does not wait */
    tear_down(state);
    assert_true(clock_now().mono - begin < 4000 * MS);
    set_up(state);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_response_is_there_before_anybody_asks),
        T(nobody_is_asked_where_nothing_is_sent),
        T(it_is_renewed_when_half_of_its_time_is_over),
        T(what_is_at_hand_serves_while_the_responder_is_broken),
        T(what_is_not_good_is_not_at_hand),
        T(a_responder_that_hangs_does_not_keep_the_end_away),
    };
    char access[96];
    if (!netns_enter())
        return NETNS_SKIP;
    netns_run("ip link set lo up");
    fetch_init();
    port = web_start(serve, NULL);
    snprintf(access, sizeof(access), "OCSP;URI:http://127.0.0.1:%d/", port);
    ca = testca_issue(&(struct testca_spec){.subject = "CN=ca", .is_ca = true}, NULL);
    leaf = testca_issue(&(struct testca_spec){.subject = "CN=leaf", .info_access = access}, ca);
    other = testca_issue(&(struct testca_spec){.subject = "CN=other"}, ca);
    cert = seen(leaf);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    web_stop();
    cert_unref(cert);
    testca_free(ca);
    testca_free(leaf);
    testca_free(other);
    return failed;
}
