/* SPDX-License-Identifier: Apache-2.0 */
/* sim --long: two gateways live through what their seed brings: rekeys, deletes, commands of both operators
 * at once, crashes and restarts of either, NATs that forget, weather that changes under them. What must never
 * happen is watched all the time: a key or an IV that comes twice, an SA added or deleted twice, a leak, a
 * packet in the clear, a timer that does not move on. Now and then everything calms down; then both tunnels
 * have to be up within ten minutes, the two sides agree about them, traffic passes, and nothing is left that
 * nobody owns. One seed is one life, and repeats it. */
#include "long.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHAPTERS    6  /* from one calm to the next */
#define DEEDS       12 /* in a chapter */
#define CALM_WITHIN (600 * TIME_SECOND)
#define RESTS       3
#define SETTLING    200 /* seconds */
#define ASK_AGAIN   (60 * TIME_SECOND)
#define CONF_MAX    4096
struct life {
    struct sim sim;
    struct sim_rng rng; /* what happens; the network has its own */
    char conf[NODES][CONF_MAX];
    uint64_t deeds;
};

/* What a life may set. Short lifetimes: the engine's own timers collide with what the operators ask for. */
static const char *const ike_settings[] = {"", " rekey_time = 12s\n over_time = 20s\n rand_time = 4s\n",
                                           " rekey_time = 40s\n over_time = 20s\n rand_time = 10s\n",
                                           " reauth_time = 120s\n over_time = 30s\n"};
static const char *const child_settings[] = {
    "", "  rekey_time = 25s\n  life_time = 50s\n  rand_time = 5s\n",
    "  rekey_packets = 200\n  life_packets = 4000\n  rand_packets = 50\n"};
static const char *const uniques[] = {" unique = replace\n", " unique = keep\n"};
static const char *const encaps[] = {"", " encap = yes\n", " encap = auto\n"};
static const char *const starts[] = {"none", "start"};

#define PICK(l, of) (of)[sim_rand_below(&(l)->rng, ARRAY_LEN(of))]

struct side {
    const char *peer, *id, *peer_id, *local, *remote;
};

static size_t write_connection(struct life *l, char *at, size_t cap, const struct side *s, int number,
                               const char *shared)
{
    int n = snprintf(at, cap,
                     "connections { %s {\n version = 2\n keyingtries = 0\n dpd_delay = 10s\n%s%s%s"
                     " local { auth = psk\n id = %s }\n remote { auth = psk\n id = %s }\n"
                     " children { %s {\n  local_ts = 10.%s%d.0.0/24\n  remote_ts = 10.%s%d.0.0/24\n"
                     "  dpd_action = restart\n  start_action = %s\n%s } } } }\n",
                     number ? "two" : "one", s->peer, shared, PICK(l, ike_settings), s->id, s->peer_id,
                     number ? "two" : "one", s->local, number, s->remote, number,
                     s->peer[0] ? PICK(l, starts) : "none", PICK(l, child_settings));
    return (size_t)n;
}

static void write_configuration(struct life *l, size_t which, const struct side *s, const char *shared)
{
    char *conf = l->conf[which];
    size_t len = 0;
    for (int number = 0; number < 2; number++)
        len += write_connection(l, conf + len, CONF_MAX - len, s, number, shared);
    snprintf(conf + len, CONF_MAX - len, "secrets { ike { secret = \"correct horse battery staple\" } }\n");
}

/* Whom a NAT hides cannot be called by the other. */
static void write_configurations(struct life *l, bool is_natted)
{
    char shared[128];
    const struct side a = {" remote_addrs = 198.51.100.2\n", "a.test", "b.test", "1", "2"};
    const struct side b = {is_natted ? "" : " remote_addrs = 192.0.2.1, 192.0.2.0/24\n", "b.test", "a.test",
                           "2", "1"};
    const char *unique = PICK(l, uniques), *encap = PICK(l, encaps);
    snprintf(shared, sizeof(shared), "%s%s", unique, encap);
    write_configuration(l, A, &a, shared);
    write_configuration(l, B, &b, shared);
}

/* ---- deeds */

static const char *const tunnels[] = {"one", "two"};

static struct node *some_node(struct life *l)
{
    return &l->sim.node[sim_rand_below(&l->rng, NODES)];
}

static void command(struct life *l, struct node *n, enum command_kind kind, bool is_child)
{
    const char *tunnel = PICK(l, tunnels);
    if (n->is_dead)
        return;
    node_command(n, kind, tunnel, is_child ? tunnel : NULL);
}

static void initiate(struct life *l)
{
    command(l, some_node(l), COMMAND_INITIATE, false);
}

static void rekey(struct life *l)
{
    command(l, some_node(l), COMMAND_REKEY, sim_chance(&l->rng, 60));
}

static void rekey_at_both(struct life *l)
{
    bool is_child = sim_chance(&l->rng, 60);
    command(l, &l->sim.node[A], COMMAND_REKEY, is_child);
    command(l, &l->sim.node[B], COMMAND_REKEY, is_child);
}

static void terminate(struct life *l)
{
    command(l, some_node(l), COMMAND_TERMINATE, sim_chance(&l->rng, 50));
}

static void rekey_here_terminate_there(struct life *l)
{
    bool is_child = sim_chance(&l->rng, 50);
    command(l, &l->sim.node[A], sim_chance(&l->rng, 50) ? COMMAND_REKEY : COMMAND_TERMINATE, is_child);
    command(l, &l->sim.node[B], sim_chance(&l->rng, 50) ? COMMAND_REKEY : COMMAND_TERMINATE, is_child);
}

static void crash(struct life *l)
{
    size_t which = sim_rand_below(&l->rng, NODES);
    struct node *n = &l->sim.node[which];
    node_kill(n);
    sim_run(&l->sim, (int64_t)sim_rand_below(&l->rng, 40) * TIME_SECOND);
    node_restart(n);
    node_load(n, l->conf[which]);
}

/* A has another address, behind a NAT another place. */
static void move_to(struct life *l, uint8_t last)
{
    struct node *n = &l->sim.node[A];
    bool is_natted = l->sim.net.nat.is_on;
    struct ip to = is_natted ? ip4(10, 0, 0, last) : ip4(192, 0, 2, last);
    if (n->is_dead || ip_equal(n->address, to))
        return;
    if (is_natted)
        l->sim.net.nat.inside = to;
    node_readdress(n, to, NULL);
    node_load(n, l->conf[A]); /* the daemon looks its own addresses up again */
}

static void roam(struct life *l)
{
    move_to(l, (uint8_t)(1 + sim_rand_below(&l->rng, 4)));
}

static void lose_mappings(struct life *l)
{
    net_nat_rebind(&l->sim.net);
}

static void change_weather(struct life *l)
{
    static const struct faults fair = {.delay_min = 5 * TIME_MS, .delay_max = 5 * TIME_MS};
    struct faults *f = &l->sim.net.faults;
    *f = fair;
    if (sim_chance(&l->rng, 50))
        f->loss = 20;
    if (sim_chance(&l->rng, 50))
        f->duplication = 30;
    if (sim_chance(&l->rng, 50)) {
        f->reordering = 30;
        f->delay_max = 80 * TIME_MS;
    }
}

static void silence(struct life *l)
{
    l->sim.net.faults.loss = 100;
    sim_run(&l->sim, (int64_t)sim_rand_below(&l->rng, 60) * TIME_SECOND);
    change_weather(l);
}

static void wait(struct life *l)
{
    sim_run(&l->sim, (int64_t)sim_rand_below(&l->rng, 60) * TIME_SECOND);
}

static const struct {
    const char *name;
    unsigned share; /* of all shares */
    void (*run)(struct life *l);
} deeds[] = {
    {"initiate",                    20, initiate                  },
    {"rekey",                       25, rekey                     },
    {"rekey at both",               25, rekey_at_both             },
    {"terminate",                   8,  terminate                 },
    {"rekey here, terminate there", 6,  rekey_here_terminate_there},
    {"crash",                       5,  crash                     },
    {"roam",                        5,  roam                      },
    {"lose NAT mappings",           5,  lose_mappings             },
    {"change weather",              8,  change_weather            },
    {"silence",                     2,  silence                   },
    {"wait",                        6,  wait                      },
};

static void one_deed(struct life *l)
{
    uint64_t all = 0, at;
    size_t i = 0;
    for (size_t k = 0; k < ARRAY_LEN(deeds); k++)
        all += deeds[k].share;
    for (at = sim_rand_below(&l->rng, all); at >= deeds[i].share; i++)
        at -= deeds[i].share;
    if (l->sim.is_verbose)
        printf("%10.3f -- %s\n", (double)l->sim.now.mono / 1e6, deeds[i].name);
    deeds[i].run(l);
    l->deeds++;
    /* often at once, so that things collide; sometimes after everything has run its course */
    sim_run(&l->sim, (int64_t)sim_rand_below(&l->rng, sim_chance(&l->rng, 60) ? 200 : 15000) * TIME_MS);
}

/* ---- calm */

static bool both_are_up(struct sim *s)
{
    return sim_are_up(s, ARRAY_LEN(tunnels));
}

/* Both are asked for until both are there: a command that was given under loss may have failed. */
static bool comes_to_rest(struct sim *s)
{
    for (int64_t end = s->now.mono + CALM_WITHIN; s->now.mono < end && !s->failure[0];) {
        for (size_t i = 0; i < ARRAY_LEN(tunnels); i++)
            node_command(&s->node[A], COMMAND_INITIATE, tunnels[i], NULL);
        if (!sim_run_until(s, both_are_up, ASK_AGAIN))
            continue;
        sim_run(s, 10 * TIME_SECOND);
        if (both_are_up(s))
            return true;
    }
    return false;
}

static const char *unsettled(struct sim *s)
{
    const char *why = node_unsettled(&s->node[A]);
    return why ? why : node_unsettled(&s->node[B]);
}

/* True: nothing is wrong, but a tunnel has gone again: what was used up under the weather may come to its end
 * after it, like a child that was not rekeyed in time. */
static bool has_to_rest_again(struct sim *s)
{
    const char *why;
    if (!comes_to_rest(s)) {
        sim_fail(s, "the two tunnels did not come up within %.0f s of calm", (double)CALM_WITHIN / 1e6);
        return false;
    }
    s->has_traffic = false;
    why = unsettled(s);
    for (int i = 0; why && i < SETTLING && !s->failure[0]; i++) {
        sim_run(s, TIME_SECOND);
        why = unsettled(s);
        if (why && s->is_verbose)
            printf("%10.3f -- unsettled: %s\n", (double)s->now.mono / 1e6, why);
    }
    if (why)
        sim_fail(s, "%s", why);
    sim_run(s, TIME_SECOND); /* what is in flight arrives; then a network without delay for one look */
    s->net.faults = (struct faults){0};
    return !s->failure[0] && !sim_run_until(s, both_are_up, ASK_AGAIN);
}

static void calm(struct sim *s)
{
    bool had_traffic = s->has_traffic, again = true;
    for (int i = 0; i < RESTS && again; i++) {
        s->net.faults = (struct faults){.delay_min = 5 * TIME_MS, .delay_max = 5 * TIME_MS};
        again = has_to_rest_again(s);
    }
    if (again)
        sim_fail(s, "both tunnels are up, but traffic does not pass");
    s->has_traffic = had_traffic;
}

/* ---- lives */

static bool live(uint64_t seed, bool is_verbose, uint64_t *ike_sas, uint64_t *done)
{
    struct life *l = mem_new(sizeof(*l));
    struct sim *s = &l->sim;
    l->rng.state = seed ^ UINT64_C(0x6c6f6e67);
    sim_init(s, seed, is_verbose);
    bool is_natted = sim_chance(&l->rng, 30);
    write_configurations(l, is_natted);
    sim_weather(s, is_natted ? NATTED : CLEAN);
    change_weather(l);
    s->has_traffic = sim_chance(&l->rng, 50);
    for (int i = NODES; i-- > 0;)
        node_load(&s->node[i], l->conf[i]);
    for (int chapter = 0; chapter < CHAPTERS && !s->failure[0]; chapter++) {
        for (int i = 0; i < DEEDS && !s->failure[0]; i++)
            one_deed(l);
        move_to(l, 1); /* home: where B looks for it */
        calm(s);
        change_weather(l);
    }
    bool ok = !s->failure[0];
    if (!ok) {
        for (int i = 0; is_verbose && i < NODES; i++)
            node_dump(&s->node[i]);
        printf("FAIL long seed %" PRIu64 ": %s\n  again: sim --long --seed %" PRIu64 " --verbose\n", seed,
               s->failure, seed);
    }
    *ike_sas += s->node[A].ikes_made;
    *done += l->deeds;
    sim_deinit(s);
    free(l);
    return ok;
}

size_t long_run(uint64_t first_seed, uint64_t ike_sas, bool is_verbose)
{
    uint64_t made = 0, deeds_done = 0, seed = first_seed;
    size_t failed = 0;
    do {
        failed += !live(seed++, is_verbose, &made, &deeds_done);
        if (seed % 64 == 0 && isatty(STDERR_FILENO))
            fprintf(stderr, "\r%" PRIu64 " IKE SAs in %" PRIu64 " lives\r", made, seed - first_seed);
    } while (made < ike_sas && failed < 5);
    printf("%slong: %" PRIu64 " IKE SAs in %" PRIu64 " lives of %" PRIu64 " deeds, seeds %" PRIu64
           " to %" PRIu64 "\n",
           failed ? "FAIL " : "ok   ", made, seed - first_seed, deeds_done, first_seed, seed - 1);
    return failed;
}
