/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines whose sides prove themselves in several rounds (RFC 4739): who does how is a plan for each.
 * Include it once, in the test itself; make_certificates and free_certificates belong around all tests. */
#pragma once

#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

struct round {
    enum auth_method method;
    const char *id;
};

struct plan { /* of one side; NULL ids end the lists */
    struct round local[AUTH_ROUNDS_MAX], remote[AUTH_ROUNDS_MAX];
    const char *user_secret;             /* of "user" and whomever; else "that of the user" */
    const char *machine_secret;          /* else "that of the machine" */
    struct round other[AUTH_ROUNDS_MAX]; /* a second connection "other": its remote rounds */
    bool ppk;
    int64_t reauth_time;
};

static struct testca_cert *ca, *moon, *sun;
static struct plan plans[2];
static struct pair_spec plain[2]; /* what a plan does not say */
/* The last word on a side's connections. */
static void (*dress)(int side, struct config *c, struct connection *conn);

#define KEY(who)                                                                                             \
    {                                                                                                        \
        AUTH_PUBKEY, who                                                                                     \
    }
#define SECRET(who)                                                                                          \
    {                                                                                                        \
        AUTH_PSK, who                                                                                        \
    }

__attribute__((unused)) static int make_certificates(void **state)
{
    (void)state;
    ca = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    moon = testca_issue(&(struct testca_spec){.subject = "CN=moon", .san = "DNS:moon"}, ca);
    sun = testca_issue(&(struct testca_spec){.subject = "CN=sun", .san = "DNS:sun"}, ca);
    return 0;
}

__attribute__((unused)) static int free_certificates(void **state)
{
    (void)state;
    testca_free(sun);
    testca_free(moon);
    testca_free(ca);
    return 0;
}

static void fill(struct arena *a, struct auth_side *first, struct auth_sides *more, const struct round *v,
                 bool has_cert)
{
    const char *why;
    struct cert *own = first->certs.n ? first->certs.v[0] : NULL;
    more->v = arena_calloc(a, AUTH_ROUNDS_MAX, sizeof(*more->v));
    for (size_t i = 0; i < AUTH_ROUNDS_MAX && v[i].id; i++) {
        struct auth_side *s = i ? &more->v[more->n++] : first;
        s->method = v[i].method;
        if (strcmp(v[i].id, "%any") == 0)
            s->id.type = ID_ANY;
        else
            assert_true(identity_parse(a, v[i].id, &s->id, &why));
        if (i && has_cert && v[i].method == AUTH_PUBKEY) {
            s->certs.v = arena_calloc(a, 1, sizeof(*s->certs.v));
            s->certs.v[s->certs.n++] = cert_ref(own);
        }
    }
}

static void give_secrets(struct config *c, const struct plan *plan)
{
    const char *why;
    c->secrets = arena_calloc(c->arena, 2, sizeof(*c->secrets));
    c->secrets[0].secret =
        secret_copy(span_str(plan->machine_secret ? plan->machine_secret : "that of the machine"));
    c->secrets[1].secret = secret_copy(span_str(plan->user_secret ? plan->user_secret : "that of the user"));
    c->secrets[1].owners = arena_calloc(c->arena, 1, sizeof(*c->secrets[1].owners));
    assert_true(identity_parse(c->arena, "user", &c->secrets[1].owners[0], &why));
    c->n_secrets = 2;
    c->secrets[1].n_owners = 1;
}

static void give_ppk(struct config *c, struct connection *conn)
{
    const char *why;
    struct identity *id = arena_calloc(c->arena, 1, sizeof(*id));
    assert_true(identity_parse(c->arena, "vault", id, &why));
    c->ppks = arena_calloc(c->arena, 1, sizeof(*c->ppks));
    c->ppks[0] = (struct ppk){.ids = id, .n_ids = 1, .secret = secret_copy(span_str("nobody guesses"))};
    c->n_ppks = 1;
    conn->ppk_id = id;
    conn->ppk_required = true;
}

static void apply(struct config *c, struct connection *conn, struct child_config *children)
{
    int side = conn->local_addrs[0].from.b[3] - 1;
    const struct plan *plan = &plans[side];
    (void)children;
    fill(c->arena, &conn->local, &conn->more_local, plan->local, true);
    fill(c->arena, &conn->remote, &conn->more_remote, plan->remote, false);
    give_secrets(c, plan);
    if (plan->ppk)
        give_ppk(c, conn);
    if (dress)
        dress(side, c, conn);
}

/* The plan's second connection stands first: what is chosen is chosen by what the peer proves. */
__attribute__((unused)) static void load_side(int side, struct testca_cert *cert)
{
    const struct plan *plan = &plans[side];
    struct pair_spec spec = plain[side];
    spec.cert = cert;
    spec.ca = ca;
    spec.tweak = apply;
    spec.ike_reauth = plan->reauth_time;
    spec.ike_over = 60 * TIME_SECOND;
    struct config *c = pair_config(side, &spec);
    if (plan->other[0].id) {
        struct connection *two = arena_alloc(c->arena, sizeof(*two));
        const struct connection **v = arena_calloc(c->arena, 2, sizeof(*v));
        *two = *c->connections[0];
        two->name = "other";
        two->hash = 2;
        two->local.certs = (struct cert_list){0};
        two->more_local.n = two->more_remote.n = 0;
        fill(c->arena, &two->remote, &two->more_remote, plan->other, false);
        v[0] = two;
        v[1] = c->connections[0];
        c->connections = v;
        c->n_connections = 2;
    }
    pair_input(&p, side, &(struct input){.kind = INPUT_CONFIG, .config = c});
}

__attribute__((unused)) static void start(struct plan a, struct plan b)
{
    plans[0] = a;
    plans[1] = b;
    load_side(0, moon);
    load_side(1, sun);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
}

__attribute__((unused)) static void up_with(struct plan a, struct plan b)
{
    start(a, b);
    pair_run(&p);
}

__attribute__((unused)) static void expect_up(void)
{
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 1);
        assert_int_equal(pair_children(&p, side), 1);
    }
    assert_true(pair_traffic_fits(&p));
}

__attribute__((unused)) static void expect_ids(int side, const char *local, const char *remote)
{
    struct ike_view v;
    char text[ID_TEXT_MAX];
    assert_true(engine_ike_at(p.side[side].e, 0, &v));
    assert_string_equal(identity_format(&v.local_id, text), local);
    assert_string_equal(identity_format(&v.remote_id, text), remote);
}

__attribute__((unused)) static void expect_refused(int by, const char *why)
{
    pair_advance(&p, 60 * TIME_SECOND);
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 0);
        assert_int_equal(p.side[side].n_sas, 0);
        assert_int_equal(p.side[side].policies, 0);
    }
    if (!pair_logged(&p, by, why))
        fail_msg("side %d did not say '%s', but:\n%s", by, why, p.side[by].log);
}

static const struct plan machine_and_user =
                             {
                                 .local = {KEY("moon"), SECRET("user")},
                                   .remote = {KEY("sun")          }
},
                         expects_both = {.local = {KEY("sun")}, .remote = {KEY("moon"), SECRET("user")}};
