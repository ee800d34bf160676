/* SPDX-License-Identifier: Apache-2.0 */
/* Asking DNS for public keys, against a name server of the test's own with a signed zone, in a network
 * namespace: what is taken, what is refused and in which words, how long it takes, what is cached. */
#include "support/keys.h"
#include "support/netns.h"
#include "support/test.h"
#include "support/testdns.h"
#include "sys/clock.h"
#include "sys/dns_keys.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct done {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned n;
} done = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

static char dir[64], anchor[96], resolv_conf[96];
static struct pkey *moon, *other;
static struct dns_keys *keys;
static uint8_t good[256], wrong[256], second[256];
static struct testdns_record records[16];

static void on_done(void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&done.lock);
    done.n++;
    pthread_cond_broadcast(&done.changed);
    pthread_mutex_unlock(&done.lock);
}

static struct job *wait_job(void)
{
    pthread_mutex_lock(&done.lock);
    while (!done.n)
        pthread_cond_wait(&done.changed, &done.lock);
    done.n--;
    pthread_mutex_unlock(&done.lock);
    struct job *j = dns_keys_next(keys);
    assert_non_null(j);
    return j;
}

/* moon's signature; DNS has to know the key. */
static struct job *verification(const char *name)
{
    struct job *j = mem_new(sizeof(*j));
    j->kind = JOB_VERIFY;
    j->arena = arena_new(1 << 16);
    j->dns_name = arena_strdup(j->arena, name);
    j->auth_method = 14;
    j->message = secret_copy(span_str("what is signed"));
    struct sig_scheme scheme = {.type = PKEY_ED25519, .hash = HASH_IDENTITY};
    assert_true(pkey_sign(moon, scheme, false, span_str("what is signed"), &j->signature_in));
    return j;
}

static struct job *ask(const char *name)
{
    dns_keys_give(keys, verification(name));
    return wait_job();
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void configure(const char *file)
{
    const char *const anchors[] = {file};
    struct settings s;
    settings_defaults(&s);
    s.dns_resolv_conf = resolv_conf;
    s.dns_trust_anchors = anchors;
    s.n_dns_trust_anchors = 1;
    dns_keys_configure(keys, &s);
}

/* precedence, no gateway, algorithm 4, the key */
static struct span record_of(const struct pkey *k, uint8_t precedence, uint8_t *to)
{
    struct secret field = {0};
    assert_true(pkey_encode(k, PKEY_IPSECKEY, &field));
    memcpy(to, (uint8_t[]){precedence, 0, 4}, 3);
    memcpy(to + 3, field.ptr, field.len);
    struct span s = span_of(to, 3 + field.len);
    secret_free(&field);
    return s;
}

static int set_up(void **state)
{
    static const uint8_t no_key[] = {10, 0, 0}, rubbish[] = {10, 7, 2, 1, 2, 3};
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/dns-keys-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(anchor, sizeof(anchor), "%s/anchor", dir);
    snprintf(resolv_conf, sizeof(resolv_conf), "%s/resolv.conf", dir);
    write_text(resolv_conf, "nameserver 127.0.0.1\n");
    moon = key_private("ed25519.pem", "");
    other = key_private("ed448.pem", "");
    size_t n = 0;
    records[n++] = (struct testdns_record){"moon", record_of(moon, 10, good), 300};
    records[n++] = (struct testdns_record){"brief", records[0].rdata, 1};
    records[n++] = (struct testdns_record){"mars", record_of(other, 10, wrong), 300};
    records[n++] = (struct testdns_record){"both", record_of(moon, 20, second), 300};
    records[n++] = (struct testdns_record){"both", records[2].rdata, 300};
    records[n++] = (struct testdns_record){"none", span_of(no_key, sizeof(no_key)), 300};
    records[n++] = (struct testdns_record){"rubbish", span_of(rubbish, sizeof(rubbish)), 300};
    records[n++] = (struct testdns_record){"moon.elsewhere.example.", records[0].rdata, 300};
    records[n++] = (struct testdns_record){"moon.test.", records[0].rdata, 300};
    testdns_start(records, n);
    testdns_write_anchor(anchor);
    keys = dns_keys_new(2 * TIME_SECOND, on_done, NULL);
    configure(anchor);
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    dns_keys_free(keys);
    testdns_stop();
    pkey_unref(moon);
    pkey_unref(other);
    done.n = 0;
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static void refused(struct job *j, enum dns_outcome outcome, const char *got)
{
    assert_false(j->ok || j->verdict.is_trusted);
    assert_int_equal(j->n_peer_keys, 0);
    assert_int_equal(j->dns_outcome, outcome);
    assert_non_null(strstr(j->verdict.why.what, "DNS has no public key of the peer's that can be trusted"));
    assert_non_null(strstr(j->verdict.why.expected, j->dns_name));
    if (!strstr(j->verdict.why.got, got))
        fail_msg("%s", j->verdict.why.got);
    job_free(j);
}

static void a_key_that_dnssec_proves_is_taken(void **state)
{
    (void)state;
    struct job *j = ask("moon.keys.example");
    assert_true(j->ok && j->verdict.is_trusted);
    assert_int_equal(j->n_peer_keys, 1);
    assert_true(pkey_same(j->peer_keys[0], moon));
    job_free(j);
    j = ask("MOON.Keys.example."); /* the same, and cached */
    assert_true(j->ok);
    assert_int_equal(testdns_questions(), 1);
    job_free(j);
}

static void an_answer_is_kept_no_longer_than_it_says(void **state)
{
    (void)state;
    job_free(ask("brief.keys.example"));
    job_free(ask("brief.keys.example"));
    const int64_t begin = clock_now().mono;
    const unsigned before = testdns_questions();
    while (testdns_questions() == before && clock_now().mono < begin + 10 * TIME_SECOND) {
        job_free(ask("brief.keys.example"));
        usleep(50000);
    }
    assert_int_equal(testdns_questions(), before + 1);
    assert_in_range(clock_now().mono - begin, 0, 5 * TIME_SECOND);
}

static void of_several_keys_one_has_to_be_the_right_one(void **state)
{
    (void)state;
    struct job *j = ask("both.keys.example");
    assert_true(j->ok);
    assert_int_equal(j->n_peer_keys, 2);
    assert_true(pkey_same(j->peer_keys[0], other)); /* lower precedence first */
    assert_int_equal(j->used_key, 1);
    job_free(j);
    j = ask("mars.keys.example");
    assert_true(j->verdict.is_trusted);
    assert_false(j->ok);
    job_free(j);
}

static void what_is_not_proved_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum testdns_lie lie;
        const char *words;
    } rows[] = {
        {TESTDNS_SPOILED,  "(bogus)"},
        {TESTDNS_EXPIRED,  "(bogus)"},
        {TESTDNS_UNSIGNED, "(bogus)"},
        {TESTDNS_ALTERED,  "(bogus)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char file[128];
        testdns_lie(rows[i].lie);
        refused(ask("moon.keys.example"), DNS_BOGUS, rows[i].words);
        snprintf(file, sizeof(file), "%s/anchor%zu", dir, i); /* another file: nothing is cached any more */
        testdns_write_anchor(file);
        configure(file);
    }
    testdns_lie(TESTDNS_HONEST);
    struct job *j = ask("moon.keys.example");
    assert_true(j->ok);
    job_free(j);
}

static void a_zone_that_no_anchor_leads_to_is_insecure(void **state)
{
    (void)state;
    refused(ask("moon.elsewhere.example"), DNS_INSECURE, "(insecure)");
    refused(ask("moon.test"), DNS_INSECURE, "(insecure)"); /* asked for like any other */
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    refused(ask("none.keys.example"), DNS_UNREADABLE, "records without a key");
    refused(ask("rubbish.keys.example"), DNS_UNREADABLE, "not an IPSECKEY record");
    refused(
        ask("sun.keys.example"), DNS_MISSING,
        "the proof that there is none"); /* it covers all names: RFC 8198 lets no other be asked for now */
}

static void a_server_that_fails_is_said(void **state)
{
    (void)state;
    testdns_lie(TESTDNS_SERVFAIL);
    refused(ask("moon.keys.example"), DNS_NO_ANSWER, "SERVFAIL");
}

static void without_an_anchor_nothing_is_asked(void **state)
{
    char file[128];
    (void)state;
    snprintf(file, sizeof(file), "%s/missing", dir);
    configure(file);
    refused(ask("moon.keys.example"), DNS_NO_ANCHOR, "cannot be read");
    snprintf(file, sizeof(file), "%s/rubbish", dir);
    write_text(file, "this is no anchor\n");
    configure(file);
    refused(ask("moon.keys.example"), DNS_NO_ANCHOR, "holds no DS or DNSKEY records");
    assert_int_equal(testdns_questions(), 0);
    configure(anchor);
    struct job *j = ask("moon.keys.example");
    assert_true(j->ok);
    job_free(j);
}

static void a_silent_server_is_waited_for_so_long_and_by_so_many(void **state)
{
    enum { N = 70, AT_ONCE = 64 };
    (void)state;
    const int64_t begin = clock_now().mono;
    testdns_lie(TESTDNS_SILENT);
    for (int i = 0; i < N; i++) {
        char name[64];
        snprintf(name, sizeof(name), "n%d.keys.example", i);
        dns_keys_give(keys, verification(name));
    }
    for (int i = 0; i < N - AT_ONCE; i++)
        refused(wait_job(), DNS_BUSY, "too many others");
    assert_in_range(clock_now().mono - begin, 0, 2 * TIME_SECOND);
    for (int i = 0; i < AT_ONCE; i++)
        refused(wait_job(), DNS_NO_ANSWER, "no answer");
    assert_in_range(clock_now().mono - begin, 0, 5 * TIME_SECOND);
}

static void the_end_does_not_wait_for_answers(void **state)
{
    (void)state;
    const int64_t begin = clock_now().mono;
    testdns_lie(TESTDNS_SILENT);
    for (int i = 0; i < 10; i++)
        dns_keys_give(keys, verification("moon.keys.example"));
    while (!testdns_questions())
        usleep(1000);
    dns_keys_stop(keys);
    assert_in_range(clock_now().mono - begin, 0, 3 * TIME_SECOND);
    for (int i = 0; i < 10; i++)
        refused(wait_job(), DNS_NO_ANSWER, "the daemon ends");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_key_that_dnssec_proves_is_taken),
        T(an_answer_is_kept_no_longer_than_it_says),
        T(of_several_keys_one_has_to_be_the_right_one),
        T(what_is_not_proved_is_refused),
        T(a_zone_that_no_anchor_leads_to_is_insecure),
        T(what_is_not_there_is_said),
        T(a_server_that_fails_is_said),
        T(without_an_anchor_nothing_is_asked),
        T(a_silent_server_is_waited_for_so_long_and_by_so_many),
        T(the_end_does_not_wait_for_answers),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    netns_run("ip link set lo up");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
