/* SPDX-License-Identifier: Apache-2.0 */
/* NULL authentication (RFC 7619): peers that are nobody, one way and both ways, through rekeys, logins and
 * crashes. In every seed a peer that is nobody has its own address or a virtual one, which no other one has.
 */
#include "conf.h"
#include "engine/engine.h"
#include "sim.h"

#define HOST_A(extra)                                                                                        \
    "tunnel net {\n  peer = 198.51.100.2\n  auth = null\n  peer_auth = null\n  remote = "                    \
    "10.20.0.0/24\n" extra "}\n"
#define HOST_B "tunnel net {\n  auth = null\n  peer_auth = null\n  local = 10.20.0.0/24\n  start = no\n}\n"

#define CLIENT(name)                                                                                         \
    "tunnel " name " {\n  peer = 198.51.100.2\n  auth = null\n  peer_auth = pubkey\n  peer_id = b.test\n"    \
    "  ca = ca.crt\n  vip = 0.0.0.0\n}\n"
#define CLIENTS CLIENT("one") CLIENT("two") CLIENT("three")
#define SERVER                                                                                               \
    "tunnel net {\n  id = b.test\n  cert = b.crt\n  key = b.key\n  peer_auth = null\n"                       \
    "  local = 10.20.0.0/24\n  pool = 10.30.0.1-10.30.0.8\n  dns = 10.20.0.53\n}\n"

static const char *const names[] = {"one", "two", "three"};

/* B's IKE SAs whose peer is nobody, that have one child, of an address which is no other one's. */
static size_t count_guests(struct sim *s, const struct ip *expected)
{
    struct ike_view v;
    struct child_view c;
    struct ip seen[16];
    size_t n = 0;
    for (size_t i = 0; n < 16 && engine_ike_at(s->node[B].engine, i, &v); i++) {
        if (v.state != IKE_ESTABLISHED || !v.is_peer_unproven || v.remote_id.type != ID_NULL ||
            !engine_child_at(s->node[B].engine, v.id, 0, &c) || c.n_remote_ts != 1)
            continue;
        struct ip ip = c.remote_ts[0].from;
        bool is_good = ip_equal(ip, c.remote_ts[0].to);
        is_good &=
            expected ? ip_equal(ip, *expected) : v.n_remote_vips == 1 && ip_equal(ip, v.remote_vips[0]);
        for (size_t k = 0; k < n; k++)
            is_good &= !ip_equal(seen[k], ip);
        if (is_good)
            seen[n++] = ip;
    }
    return n;
}

static bool are_up(struct sim *s, size_t n)
{
    return !s->node[A].is_dead && !s->node[B].is_dead && node_count_ike(&s->node[A], IKE_ESTABLISHED) == n &&
           node_count_ike(&s->node[B], IKE_ESTABLISHED) == n && node_count_children(&s->node[A]) == n &&
           node_count_children(&s->node[B]) == n;
}

static bool host_is_up(struct sim *s)
{
    struct ip a = ip4(192, 0, 2, 1);
    struct ike_view v;
    return are_up(s, 1) && count_guests(s, &a) == 1 && engine_ike_at(s->node[A].engine, 0, &v) &&
           v.is_peer_unproven;
}

static bool clients_are_up(struct sim *s)
{
    struct ike_view v;
    bool know_server = true;
    for (size_t i = 0; engine_ike_at(s->node[A].engine, i, &v); i++)
        know_server &= v.state != IKE_ESTABLISHED || !v.is_peer_unproven;
    return are_up(s, 3) && count_guests(s, NULL) == 3 && s->node[A].n_addresses == 3 && know_server;
}

static void rekey_by_both(struct sim *s)
{
    sim_establish_until(s, host_is_up);
    for (int i = 0; i < 4; i++) {
        node_command(&s->node[i & 1], COMMAND_REKEY, i & 2 ? "net" : NULL, i & 2 ? NULL : "net");
        sim_run(s, 40 * TIME_SECOND);
    }
}

static void crash(struct sim *s)
{
    sim_establish_until(s, host_is_up);
    for (int i = 0; i < 3; i++) {
        node_kill(&s->node[A]);
        sim_run(s, TIME_SECOND);
        node_restart(&s->node[A]);
        node_load(&s->node[A], HOST_A(""));
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 30 * TIME_SECOND));
    }
}

static void come_and_go(struct sim *s)
{
    static const enum command_kind kinds[] = {COMMAND_INITIATE, COMMAND_TERMINATE, COMMAND_REKEY};
    for (int i = 0; i < 20 && !s->failure[0]; i++) {
        uint64_t dice = sim_rand_below(&s->net.rng, 99);
        node_command(&s->node[A], kinds[dice % 3], names[dice / 3 % 3], NULL);
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 6 * TIME_SECOND));
    }
    for (int i = 0; i < 3 && !s->failure[0]; i++)
        node_command(&s->node[A], COMMAND_INITIATE, names[i], NULL);
}

#define IN_OPEN_WEATHERS(base, ...)                                                                          \
    IN_WEATHER(base, CLEAN, "on_a_clean_network", __VA_ARGS__),                                              \
        IN_WEATHER(base, LOSS, "under_loss", __VA_ARGS__),                                                   \
        IN_WEATHER(base, DUPLICATION, "under_duplication", __VA_ARGS__),                                     \
        IN_WEATHER(base, REORDERING, "under_reordering", __VA_ARGS__)

const struct scenario scenarios_null[] = {
    IN_OPEN_WEATHERS("null_auth_both_ways", .conf_a = HOST_A(""), .conf_b = HOST_B, .run = rekey_by_both,
                     .goal = host_is_up, .goal_within = 300 * TIME_SECOND),
    IN_OPEN_WEATHERS("null_auth_after_crashes", .conf_a = HOST_A(""), .conf_b = HOST_B, .run = crash,
                     .goal = host_is_up, .goal_within = 300 * TIME_SECOND),
    /* a client that is nobody replaces none: what it left behind is waited for as for one on its way, 300 s,
     * and twice where it was heard of in between */
    IN_ALL_WEATHERS("null_auth_of_clients", .conf_a = CLIENTS, .conf_b = SERVER, .run = come_and_go,
                    .goal = clients_are_up, .goal_within = 700 * TIME_SECOND),
    {0},
};
