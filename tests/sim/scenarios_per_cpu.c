/* SPDX-License-Identifier: Apache-2.0 */
/* SAs for each processor (RFC 9611), asked for by both ends while messages are lost, and rekeyed and deleted
 * meanwhile. What the kernel does with them is not simulated: the data plane takes the newest. */
#include "conf.h"
#include "sim.h"

#define CONNECTION(peer, own, other, local, remote, extra)                                                   \
    "connections { net {\n version = 2\n keyingtries = 0\n" peer " local { auth = psk\n id = " own " }\n"    \
    " remote { auth = psk\n id = " other " }\n dpd_delay = 10s\n children { net {\n local_ts = " local       \
    "\n remote_ts = " remote "\n per_cpu_sas = yes\n" extra                                                  \
    "} } } }\nsecrets { ike { secret = \"correct horse battery staple\" } }\n"
#define SIDE_A                                                                                               \
    CONNECTION(" remote_addrs = 198.51.100.2\n", "a.test", "b.test", "10.10.0.0/24", "10.20.0.0/24",         \
               " start_action = start\n close_action = start\n dpd_action = restart\n")
#define SIDE_B CONNECTION("", "b.test", "a.test", "10.20.0.0/24", "10.10.0.0/24", "")

enum { CPUS = 4 };

/* Counts those that are there, by processor; of all: on[CPUS]. */
static size_t count(const struct node *n, size_t on[CPUS + 1])
{
    struct ike_view ike;
    struct child_view c;
    size_t all = 0;
    if (!engine_ike_at(n->engine, 0, &ike))
        return 0;
    for (size_t i = 0; engine_child_at(n->engine, ike.id, i, &c); i++) {
        if (c.state != CHILD_INSTALLED)
            continue;
        on[c.cpu.is_set ? c.cpu.number % CPUS : CPUS]++;
        all += c.is_per_cpu;
    }
    return all;
}

/* Each processor that sends without one of its own asks, as long as it has none. */
static bool all_have_one(struct sim *s)
{
    size_t all[NODES];
    bool is_full = true;
    for (int side = A; side <= B; side++) {
        size_t on[CPUS + 1] = {0};
        all[side] = count(&s->node[side], on);
        is_full &= on[CPUS] == 1;
        for (uint32_t i = 0; i < CPUS; i++) {
            is_full &= on[i] > 0;
            if (!on[i])
                node_send_on(&s->node[side], i);
        }
    }
    return is_full && all[A] == all[B] && sim_is_up(s, all[A]);
}

static void begin(struct sim *s)
{
    for (int side = A; side <= B; side++)
        node_give_cpus(&s->node[side], CPUS);
    sim_establish(s, 1);
    s->has_traffic = true;
}

static void each_asks(struct sim *s)
{
    begin(s);
    for (uint32_t i = 0; i < CPUS; i++) {
        node_send_on(&s->node[A], i);
        node_send_on(&s->node[B], CPUS - 1 - i);
        sim_run(s, TIME_SECOND);
    }
    sim_run(s, 30 * TIME_SECOND);
}

static void rekeyed_meanwhile(struct sim *s)
{
    each_asks(s);
    node_command(&s->node[A], COMMAND_REKEY, NULL, "net");
    node_command(&s->node[B], COMMAND_REKEY, NULL, "net");
    sim_run(s, 5 * TIME_SECOND);
    node_send_on(&s->node[A], 1);
    node_command(&s->node[B], COMMAND_REKEY, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
}

static void taken_down_and_up(struct sim *s)
{
    each_asks(s);
    node_command(&s->node[A], COMMAND_TERMINATE, NULL, "net");
    sim_run(s, 20 * TIME_SECOND);
    node_command(&s->node[A], COMMAND_INITIATE, "net", "net");
    sim_run(s, 20 * TIME_SECOND);
    node_command(&s->node[A], COMMAND_INITIATE, "net", "net"); /* should the first have come to nothing */
    sim_run(s, 20 * TIME_SECOND);
}

#define SIDES .conf_a = SIDE_A, .conf_b = SIDE_B, .goal = all_have_one, .goal_within = 300 * TIME_SECOND

const struct scenario scenarios_per_cpu[] = {
    IN_ALL_WEATHERS("per_cpu", .run = each_asks, SIDES),
    IN_ALL_WEATHERS("per_cpu_over_rekeys", .run = rekeyed_meanwhile, SIDES),
    IN_ALL_WEATHERS("per_cpu_down_and_up", .run = taken_down_and_up, SIDES),
    {0},
};
