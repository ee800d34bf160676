/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the configuration that are one field of the snapshot: each has the effect that its documentation
 * promises, seen in the engine's records. The files become snapshots in conf/'s tests. */
#include "support/engine_pair.h"
#include "support/test.h"

static struct pair p;
static struct testca_cert *ca, *moon, *sun;

static int setup(void **state)
{
    (void)state;
    pair_init(&p);
    ca = moon = sun = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_deinit(&p);
    struct testca_cert *const all[] = {ca, moon, sun};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (all[i])
            testca_free(all[i]);
    }
    return 0;
}

typedef void tweak_fn(struct config *c, struct connection *conn, struct child_config *children);

static void up(const struct pair_spec *a, const struct pair_spec *b)
{
    pair_load(&p, 0, a);
    pair_load(&p, 1, b);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
}

/* Both sides tweaked alike; up with the defaults of everything else. */
static void up_with(tweak_fn *tweak)
{
    struct pair_spec s = {.tweak = tweak};
    up(&s, &s);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_children(&p, 1), 1);
}

static const struct esp_sa *half(int side, enum sa_direction d)
{
    for (size_t i = p.side[side].n_sas; i-- > 0;) {
        if (p.side[side].sas[i].direction == d)
            return &p.side[side].sas[i];
    }
    fail();
    return NULL;
}

static void pass(int side, int64_t us)
{
    const enum sa_direction both[] = {SA_IN, SA_OUT};
    pair_advance(&p, us);
    for (size_t i = 0; i < ARRAY_LEN(both); i++) { /* what the data plane reports after traffic */
        const struct esp_sa *sa = half(side, both[i]);
        struct dataplane_event ev = {.kind = DP_COUNTERS,
                                     .child_id = sa->child_id,
                                     .spi = sa->spi,
                                     .direction = sa->direction,
                                     .bytes = 100,
                                     .packets = 1,
                                     .last_use = p.now.mono};
        pair_input(&p, side, &(struct input){.kind = INPUT_DATAPLANE, .dataplane = ev});
    }
}

/* ---- children ---- */

static void set_child_fields(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    k->reqid = 4711;
    k->priority = 99;
    k->replay_window = 128;
    k->copies_df = false;
    k->copies_ecn = true;
    k->copy_dscp = DSCP_YES;
    k->truncates_sha256 = true;
    k->life.rekey_bytes = 1000000;
    k->life.rand_bytes = 1000;
    k->life.life_bytes = 2000000;
    k->life.rekey_packets = 5000;
    k->life.rand_packets = 100;
    k->life.life_packets = 6000;
    k->life.rekey_time = 600 * TIME_SECOND;
    k->life.rand_time = 100 * TIME_SECOND;
    k->life.life_time = 700 * TIME_SECOND;
}

static void a_childs_fields_reach_its_esp_sas(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = set_child_fields, .esp = {"aes128-sha256"}};
    up(&s, &s);
    const struct esp_sa *e = half(0, SA_OUT);
    assert_int_equal(e->reqid, 4711);
    assert_int_equal(e->replay_window, 128);
    assert_false(e->copies_df);
    assert_true(e->copies_ecn);
    assert_int_equal(e->copy_dscp, DSCP_YES);
    assert_int_equal(e->integ, INTEG_HMAC_SHA2_256_96);
    assert_true(e->soft_bytes > 1000000 - 1001 && e->soft_bytes <= 1000000);
    assert_int_equal(e->hard_bytes, 2000000);
    assert_true(e->soft_packets > 5000 - 101 && e->soft_packets <= 5000);
    assert_int_equal(e->hard_packets, 6000);
    struct ike_view v;
    struct child_view c;
    assert_true(engine_ike_at(p.side[0].e, 0, &v) && engine_child_at(p.side[0].e, v.id, 0, &c));
    int64_t soft = c.rekey_at - c.installed_at;
    assert_true(soft >= 500 * TIME_SECOND && soft <= 600 * TIME_SECOND);
    assert_int_equal(c.expires_at - c.installed_at, 700 * TIME_SECOND);
}

static void rand_time_spreads_rekeyings(void **state)
{
    (void)state;
    int64_t first = 0;
    bool differs = false;
    struct pair_spec s = {.tweak = set_child_fields};
    for (int i = 0; i < 8; i++) {
        struct ike_view v;
        struct child_view c;
        up(&s, &s);
        assert_true(engine_ike_at(p.side[0].e, 0, &v) && engine_child_at(p.side[0].e, v.id, 0, &c));
        differs |= i && c.rekey_at - c.installed_at != first;
        first = c.rekey_at - c.installed_at;
        pair_restart(&p, 0);
        pair_restart(&p, 1);
    }
    assert_true(differs);
}

static uint32_t policy_priority; /* of the last step's policy */
static size_t policies_seen;

static void note_policies(int side)
{
    const struct outbox *o = &p.side[side].out;
    policies_seen = 0;
    for (size_t i = 0; i < o->n; i++) {
        if (o->v[i].kind == ACTION_POLICY_ADD) {
            policy_priority = o->v[i].policy->priority;
            assert_int_equal(o->v[i].policy->reqid, 4711);
            policies_seen++;
        }
    }
}

static void priority_and_reqid_reach_the_policy(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = set_child_fields};
    pair_load(&p, 0, &s);
    pair_load(&p, 1, &s);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    while (!p.side[0].policies)
        assert_true(pair_deliver(&p));
    note_policies(0);
    assert_int_equal(policies_seen, 1);
    assert_int_equal(policy_priority, 99);
}

static void set_no_policies(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    k->installs_policies = false;
}

static void without_policies_there_are_sas_alone(void **state)
{
    (void)state;
    up_with(set_no_policies);
    assert_int_equal(p.side[0].n_sas, 2);
    assert_int_equal(p.side[0].policies, 0);
    assert_int_equal(p.side[0].n_routes, 0); /* neither a route nor a barrier */
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].n_sas, 0);
}

/* ---- updown ---- */

static void set_updown(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    k->updown = "script";
    k->has_hostaccess = true;
}

#define UP   "up script net 192.0.2.1 192.0.2.2 10.2.0.0/16;"
#define DOWN "down script net 192.0.2.1 192.0.2.2 10.2.0.0/16;"

static void updown_hears_of_a_child_once_through_all_rekeyings(void **state)
{
    (void)state;
    up_with(set_updown);
    assert_string_equal(p.side[0].updown, UP);
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    pair_run(&p);
    pair_command(&p, 1, COMMAND_REKEY, NULL, "net");
    pair_advance(&p, 30 * TIME_SECOND);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, 30 * TIME_SECOND);
    assert_int_equal(p.side[0].child_rekeys, 2);
    assert_int_equal(p.side[0].ike_rekeys, 1);
    assert_string_equal(p.side[0].updown, UP);
    pair_command(&p, 1, COMMAND_TERMINATE, "net", NULL);
    pair_advance(&p, 30 * TIME_SECOND);
    assert_string_equal(p.side[0].updown, UP DOWN);
}

static void updown_hears_once_of_rekeyings_that_collide(void **state)
{
    (void)state;
    up_with(set_updown);
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    pair_command(&p, 1, COMMAND_REKEY, NULL, "net");
    pair_advance(&p, 30 * TIME_SECOND);
    assert_string_equal(p.side[0].updown, UP);
    pair_command(&p, 0, COMMAND_TERMINATE, NULL, "net");
    pair_advance(&p, 30 * TIME_SECOND);
    assert_string_equal(p.side[0].updown, UP DOWN);
    assert_int_equal(p.side[1].n_sas, 0);
}

static void updown_hears_down_when_a_dead_peer_or_a_shutdown_ends_the_child(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = set_updown, .dpd_delay = 10 * TIME_SECOND};
    up(&s, &s);
    p.is_cut = true;
    pair_advance(&p, 400 * TIME_SECOND);
    assert_string_equal(p.side[0].updown, UP DOWN);
    p.is_cut = false;
    p.side[0].updown_len = 0;
    pair_restart(&p, 1);
    up(&s, &s);
    pair_input(&p, 0, &(struct input){.kind = INPUT_SHUTDOWN});
    assert_string_equal(p.side[0].updown, UP DOWN); /* at once: the daemon does not wait for long */
}

/* ---- inactivity ---- */

static void set_inactivity(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    k->inactivity = 60 * TIME_SECOND;
}

static void an_idle_child_is_closed(void **state)
{
    (void)state;
    up_with(set_inactivity);
    for (int i = 0; i < 20; i++)
        pass(0, 10 * TIME_SECOND), pass(1, TIME_MS);
    assert_int_equal(pair_children(&p, 0), 1);
    pair_advance(&p, 50 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    pair_advance(&p, 11 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(pair_children(&p, 1), 0);
    assert_int_equal(p.side[0].n_sas, 0);
    assert_int_equal(p.side[0].policies, 0);
    assert_true(pair_logged(&p, 0, "no traffic for 60 s") || pair_logged(&p, 1, "no traffic for 60 s"));
}

static void traffic_in_one_direction_keeps_a_child(void **state)
{
    (void)state;
    up_with(set_inactivity);
    for (int i = 0; i < 20; i++) {
        for (int side = 0; side < 2; side++) {
            const struct esp_sa *sa = half(side, side ? SA_IN : SA_OUT);
            struct dataplane_event ev = {.kind = DP_COUNTERS,
                                         .child_id = sa->child_id,
                                         .spi = sa->spi,
                                         .direction = sa->direction,
                                         .last_use = p.now.mono};
            pair_input(&p, side, &(struct input){.kind = INPUT_DATAPLANE, .dataplane = ev});
        }
        pair_advance(&p, 30 * TIME_SECOND);
    }
    assert_int_equal(pair_children(&p, 0), 1);
}

static void a_rekeying_is_no_traffic(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = set_inactivity, .child_rekey = 40 * TIME_SECOND};
    up(&s, &s);
    pair_advance(&p, 65 * TIME_SECOND);
    assert_true(p.side[0].child_rekeys >= 1);
    assert_int_equal(pair_children(&p, 0), 0);
}

static void a_tunnel_that_was_closed_as_idle_stays_closed(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = set_inactivity, .starts = true, .retries_forever = true};
    pair_load(&p, 0, &s);
    pair_load(&p, 1, &s);
    pair_advance(&p, 20 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    unsigned ups = p.side[0].ups;
    pair_advance(&p, 300 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(pair_children(&p, 1), 0);
    assert_int_equal(p.side[0].ups, ups);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL); /* until it is asked for */
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void set_inactivity_of_both(struct config *c, struct connection *conn, struct child_config *k)
{
    set_inactivity(c, conn, k);
    c->settings.inactivity_close_ike = true;
}

static void an_ike_sa_goes_with_its_idle_child_when_configured(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = set_inactivity_of_both, .starts = true, .retries_forever = true}, t = {0};
    up(&s, &t);
    pair_advance(&p, 59 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    pair_advance(&p, 2 * TIME_SECOND);
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 0);
        assert_int_equal(p.side[side].n_sas, 0);
        assert_int_equal(p.side[side].policies, 0);
    }
    unsigned ups = p.side[0].ike_ups;
    pair_advance(&p, 600 * TIME_SECOND); /* it waits until somebody asks for it */
    assert_int_equal(p.side[0].ike_ups, ups);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void an_ike_sa_with_a_second_child_stays_when_one_is_idle(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = set_inactivity_of_both,
                          .second_local_ts = "10.11.0.0/16",
                          .second_remote_ts = "10.12.0.0/16"},
                     t = {.second_local_ts = "10.12.0.0/16", .second_remote_ts = "10.11.0.0/16"};
    up(&s, &t);
    assert_int_equal(pair_children(&p, 0), 2);
    pair_advance(&p, 70 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_int_equal(pair_ikes(&p, 0), 1);
}

/* ---- connections ---- */

static void set_dscp_and_ports(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)k;
    conn->dscp = 46;
    conn->local_port = 1500;
    conn->remote_port = 2500;
}

static void dscp_and_ports_are_those_of_the_packets(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = set_dscp_and_ports};
    pair_load(&p, 0, &s);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    const struct outbox *o = &p.side[0].out; /* of the step that ended the key exchange's job */
    size_t sent = 0;
    for (size_t i = 0; i < o->n; i++) {
        if (o->v[i].kind != ACTION_SEND)
            continue;
        sent++;
        assert_int_equal(o->v[i].send.dscp, 46);
        assert_int_equal(o->v[i].send.local.port, 1500);
        assert_int_equal(o->v[i].send.remote.port, 2500);
    }
    assert_int_equal(sent, 1);
}

static void set_three_tries(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)conn;
    (void)k;
    conn->keyingtries = 3;
    c->settings.retransmit_tries = 1;
}

static bool is_first_request(void *ctx, struct pair_packet *k)
{
    static uint64_t last;
    uint64_t spi;
    memcpy(&spi, k->bytes, 8);
    *(unsigned *)ctx += spi != last;
    last = spi;
    return false;
}

static void keyingtries_counts_attempts(void **state)
{
    (void)state;
    unsigned attempts = 0;
    p.filter = is_first_request;
    p.ctx = &attempts;
    struct pair_spec s = {.tweak = set_three_tries, .starts = true};
    pair_load(&p, 0, &s);
    pair_advance(&p, 3600 * TIME_SECOND);
    assert_int_equal(attempts, 3);
}

static void over_time_ends_an_ike_sa_that_is_not_rekeyed(void **state)
{
    (void)state;
    struct pair_spec s = {.ike_rekey = 1000 * TIME_SECOND, .ike_over = 50 * TIME_SECOND}, b = {0};
    up(&s, &b);
    pair_advance(&p, 990 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 1);
    p.is_cut = true; /* the rekeying is tried, in vain */
    pair_advance(&p, 55 * TIME_SECOND);
    assert_int_equal(p.side[0].n_sas, 2);
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(p.side[0].n_sas, 0);
    assert_int_equal(p.side[0].ike_downs, 1);
}

/* ---- authentication ---- */

static struct testca_cert *leaf(const char *subject, const char *san, enum testca_key key)
{
    return testca_issue(
        &(struct testca_spec){.subject = subject, .san = san, .key = key, .policies = "1.3.6.1.4.1.99.1"},
        ca);
}

static struct pair_spec with_certs(int side, tweak_fn *tweak)
{
    if (!ca) {
        ca = testca_issue(&(struct testca_spec){.subject = "C=CH, O=Keyway, CN=root", .is_ca = true}, NULL);
        moon = leaf("CN=moon", "DNS:moon.example", TESTCA_P256);
        sun = leaf("CN=sun", "DNS:sun.example", TESTCA_RSA2048);
    }
    return (struct pair_spec){.cert = side ? sun : moon,
                              .ca = ca,
                              .local_id = side ? "sun.example" : "moon.example",
                              .remote_id = side ? "moon.example" : "sun.example",
                              .tweak = tweak};
}

static void add_origin(struct config *c, struct auth_side *side, const char *key)
{
    struct origin *v = arena_calloc(c->arena, 2, sizeof(*v));
    v[0] = (struct origin){.key = "id", .file = "test.conf", .line = 5};
    v[1] = (struct origin){.key = key, .file = "test.conf", .line = 21};
    side->origins = (struct origins){.v = v, .n = 2};
}

static void set_ca_id(struct config *c, struct connection *conn, const char *text)
{
    const char *err;
    struct identity *id = arena_alloc(c->arena, sizeof(*id));
    assert_true(identity_parse(c->arena, text, id, &err));
    conn->remote.ca_id = id;
    add_origin(c, &conn->remote, "ca_id");
}

static void set_good_demands(struct config *c, struct connection *conn, struct child_config *k)
{
    static const char *const oids[] = {"1.3.6.1.4.1.99.1"};
    (void)k;
    set_ca_id(c, conn, "C=CH, O=Keyway, CN=root");
    conn->remote.cert_policy = oids;
    conn->remote.n_cert_policy = 1;
}

static void set_other_ca_id(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)k;
    set_ca_id(c, conn, "C=CH, O=Keyway, CN=elsewhere");
}

static void set_other_policy(struct config *c, struct connection *conn, struct child_config *k)
{
    static const char *const oids[] = {"1.3.6.1.4.1.99.2"};
    (void)k;
    conn->remote.cert_policy = oids;
    conn->remote.n_cert_policy = 1;
    add_origin(c, &conn->remote, "cert_policy");
}

static void set_large_keys(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)k;
    conn->remote.min_rsa_bits = 3072;
    add_origin(c, &conn->remote, "auth");
}

static void set_sha512(struct config *c, struct connection *conn, struct child_config *k)
{
    static const struct sig_scheme only = {.type = PKEY_RSA, .hash = HASH_SHA512, .is_pss = true};
    (void)c;
    (void)k;
    conn->local.schemes = &only;
    conn->local.n_schemes = 1;
}

static void demands_on_the_peers_path_are_met_or_name_the_line(void **state)
{
    static const struct {
        tweak_fn *tweak;
        const char *said;
    } refused[] = {
        {set_other_ca_id,  "CN=elsewhere"    },
        {set_other_policy, "1.3.6.1.4.1.99.2"},
        {set_large_keys,   "3072"            },
    };
    (void)state;
    struct pair_spec b = with_certs(1, NULL), good = with_certs(0, set_good_demands);
    up(&good, &b);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_children(&p, 1), 1);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        pair_restart(&p, 0);
        pair_restart(&p, 1);
        p.side[0].log_len = 0;
        struct pair_spec a = with_certs(0, refused[i].tweak);
        up(&a, &b);
        assert_int_equal(p.side[0].done.class, FAIL_CERTIFICATE);
        assert_int_equal(pair_children(&p, 0), 0);
        assert_true(pair_logged(&p, 0, refused[i].said));
        assert_true(pair_logged(&p, 0, "test.conf:21"));
    }
}

static void our_own_scheme_is_the_one_that_auth_names(void **state)
{
    (void)state;
    struct pair_spec a = with_certs(0, NULL), b = with_certs(1, set_sha512);
    up(&a, &b);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_true(pair_logged(&p, 0, "RSA_EMSA_PSS_SHA2_512"));
}

static void set_no_certreq(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)k;
    conn->sends_certreq = false;
}

static void certificates_are_sent_when_asked_for_or_always(void **state)
{
    (void)state;
    struct pair_spec a = with_certs(0, NULL), b = with_certs(1, set_no_certreq);
    up(&a, &b); /* b does not ask, so a sends none */
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    assert_true(pair_logged(&p, 1, "no certificate of the peer"));
    pair_restart(&p, 0);
    pair_restart(&p, 1);
    a.send_cert = SEND_CERT_ALWAYS;
    up(&a, &b);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
}

static bool measure(void *ctx, struct pair_packet *k)
{
    size_t *largest = ctx;
    *largest = k->len > *largest ? k->len : *largest;
    return true;
}

static enum fragmentation wanted;

static void set_fragmentation(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)k;
    conn->fragmentation = wanted;
    c->settings.fragment_size = 576;
}

static void fragmentation_is_used_only_when_both_sides_allow_it(void **state)
{
    static const struct {
        enum fragmentation a, b;
        bool is_small; /* all messages of a's fit fragment_size */
    } cases[] = {
        {FRAG_YES,    FRAG_YES, true },
        {FRAG_NO,     FRAG_YES, false},
        {FRAG_YES,    FRAG_NO,  false},
        {FRAG_ACCEPT, FRAG_YES, false}, /* takes fragments, sends none */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t largest = 0;
        struct pair_spec a = with_certs(0, set_fragmentation), b = with_certs(1, set_fragmentation);
        wanted = cases[i].a;
        pair_load(&p, 0, &a);
        wanted = cases[i].b;
        pair_load(&p, 1, &b);
        p.filter = measure;
        p.ctx = &largest;
        pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
        pair_run(&p);
        assert_int_equal(p.side[0].done.class, FAIL_NONE);
        if ((largest <= 576 - 28) != cases[i].is_small)
            fail_msg("case %zu: the largest message has %zu bytes", i, largest);
        pair_restart(&p, 0);
        pair_restart(&p, 1);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_childs_fields_reach_its_esp_sas),
        T(rand_time_spreads_rekeyings),
        T(priority_and_reqid_reach_the_policy),
        T(without_policies_there_are_sas_alone),
        T(updown_hears_of_a_child_once_through_all_rekeyings),
        T(updown_hears_once_of_rekeyings_that_collide),
        T(updown_hears_down_when_a_dead_peer_or_a_shutdown_ends_the_child),
        T(an_idle_child_is_closed),
        T(traffic_in_one_direction_keeps_a_child),
        T(a_rekeying_is_no_traffic),
        T(a_tunnel_that_was_closed_as_idle_stays_closed),
        T(an_ike_sa_goes_with_its_idle_child_when_configured),
        T(an_ike_sa_with_a_second_child_stays_when_one_is_idle),
        T(dscp_and_ports_are_those_of_the_packets),
        T(keyingtries_counts_attempts),
        T(over_time_ends_an_ike_sa_that_is_not_rekeyed),
        T(demands_on_the_peers_path_are_met_or_name_the_line),
        T(our_own_scheme_is_the_one_that_auth_names),
        T(certificates_are_sent_when_asked_for_or_always),
        T(fragmentation_is_used_only_when_both_sides_allow_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
