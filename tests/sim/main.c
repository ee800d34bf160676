/* SPDX-License-Identifier: Apache-2.0 */
/* sim [--seeds N] [--seed S] [--only PART-OF-NAME] [--verbose] [--list] [--part K/N] [--plane user|kernel]
 * sim --long [--sas N] [--seed S] [--verbose]
 * Runs every scenario under N seeds and prints scenarios, seeds and failures; a failure names the seed that
 * repeats it. --long: random lives instead, until N IKE SAs were made; with --seed that one life: see long.c.
 */
#include "long.h"
#include <stdio.h>
#include <stdlib.h>

static const struct scenario *const tables[] = {
    scenarios_setup,   scenarios_rekey,    scenarios_life,   scenarios_many,     scenarios_encap,
    scenarios_trap,    scenarios_modes,    scenarios_kin,    scenarios_roam,     scenarios_vips,
    scenarios_ppk,     scenarios_collide,  scenarios_tcp,    scenarios_addke,    scenarios_childless,
    scenarios_null,    scenarios_crash,    scenarios_resume, scenarios_redirect, scenarios_rounds,
    scenarios_cluster, scenarios_announce, scenarios_alike,  scenarios_overlap,  scenarios_verdict,
    scenarios_reload,  scenarios_per_cpu};

struct options {
    uint64_t seeds, first_seed, ike_sas;
    const char *only;
    bool is_verbose, lists, is_long, is_one, has_sas;
    unsigned part, parts;
};

#define SETTLING  15 /* seconds */
#define UNDER_WAY (10 * TIME_SECOND)

static const char *unsettled(struct sim *s)
{
    const char *why = node_unsettled(&s->node[A]);
    return why ? why : node_unsettled(&s->node[B]);
}

/* The goal holds, and ten seconds later it still does: what retransmissions used up while the faults raged
 * may fall apart just after they stop, and has to be mended within the scenario's time. */
static bool reaches_the_goal_and_stays(struct sim *s, const struct scenario *sc)
{
    int64_t end = s->now.mono + sc->goal_within;
    while (!s->failure[0] && s->now.mono < end && sim_run_until(s, sc->goal, end - s->now.mono)) {
        sim_run(s, 10 * TIME_SECOND);
        if (sc->goal(s))
            return true;
    }
    return false;
}

/* Faults stop; the goal is to be reached and kept; then traffic stops, and nothing may be left that nobody
 * owns. */
static void to_the_goal(struct sim *s, const struct scenario *sc)
{
    s->net.faults = (struct faults){.delay_min = 5 * TIME_MS, .delay_max = 5 * TIME_MS};
    if (!reaches_the_goal_and_stays(s, sc)) {
        sim_fail(s, "the goal was not reached within %.0f s", (double)sc->goal_within / 1e6);
        return;
    }
    s->has_traffic = false;
    sim_run(s, TIME_SECOND); /* what is in flight arrives */
    /* A deleted child's inbound half hears for a few seconds more; then nothing may be left of it. */
    const char *why = unsettled(s);
    for (int i = 0; why && i < SETTLING && !s->failure[0]; i++) {
        sim_run(s, TIME_SECOND);
        why = unsettled(s);
    }
    if (why)
        sim_fail(s, "%s", why);
    /* A zero-delay network for the last look, so that traffic is seen to pass at once. */
    s->net.faults = (struct faults){0};
    /* Or what a timer has just begun is on its way: an IKE SA beside the one that it renews. */
    if (!s->failure[0] && !sim_run_until(s, sc->goal, UNDER_WAY))
        sim_fail(s, "the goal was reached and lost again");
}

static void check_traffic(struct sim *s, const struct scenario *sc)
{
    uint64_t sent = s->node[A].traffic_sent + s->node[B].traffic_sent;
    uint64_t got = s->node[A].traffic_received + s->node[B].traffic_received;
    if (sc->needs_lossless_traffic && got < sent && !s->failure[0])
        sim_fail(s, "%llu of %llu packets of running traffic were lost", (unsigned long long)(sent - got),
                 (unsigned long long)sent);
    if (sc->needs_lossless_traffic && !sent)
        sim_fail(s, "no traffic ran");
    if (got > sent)
        sim_fail(s, "%llu packets came out of the tunnels for %llu that went in", (unsigned long long)got,
                 (unsigned long long)sent);
}

static bool run_one(const struct scenario *sc, uint64_t seed, bool is_verbose)
{
    struct sim *s = mem_new(sizeof(*s));
    sim_init(s, seed, is_verbose);
    sim_weather(s, sc->weather);
    node_load(&s->node[B], sc->conf_b);
    node_load(&s->node[A], sc->conf_a);
    if (!s->failure[0])
        sc->run(s);
    if (!s->failure[0])
        to_the_goal(s, sc);
    if (!s->failure[0])
        check_traffic(s, sc);
    bool ok = !s->failure[0];
    for (int i = 0; !ok && is_verbose && i < NODES; i++)
        node_dump(&s->node[i]);
    if (!ok)
        printf("FAIL %s seed %llu: %s\n", sc->name, (unsigned long long)seed, s->failure);
    sim_deinit(s);
    free(s);
    return ok;
}

/* Of a scenario that there is in several weathers, those without loss run under fewer seeds. */
#define OF_LOSS 5

static bool is_mild(const struct scenario *sc)
{
    enum weather w = sc->weather;
    return sc->has_siblings && (w == CLEAN || w == DUPLICATION || w == REORDERING || w == NATTED);
}

static uint64_t seeds_of(const struct options *o, const struct scenario *sc)
{
    return is_mild(sc) && o->seeds >= 10 * OF_LOSS ? o->seeds / OF_LOSS : o->seeds;
}

static bool parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--verbose") == 0)
            o->is_verbose = true;
        else if (strcmp(argv[i], "--list") == 0)
            o->lists = true;
        else if (strcmp(argv[i], "--long") == 0)
            o->is_long = true;
        else if (!value)
            return false;
        else if (strcmp(argv[i], "--seeds") == 0)
            o->seeds = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            o->first_seed = strtoull(argv[++i], NULL, 10), o->seeds = 1, o->is_one = true;
        else if (strcmp(argv[i], "--sas") == 0)
            o->ike_sas = strtoull(argv[++i], NULL, 10), o->has_sas = true;
        else if (strcmp(argv[i], "--only") == 0)
            o->only = argv[++i];
        else if (strcmp(argv[i], "--plane") == 0)
            sim_plane = strcmp(argv[++i], "kernel") == 0 ? PLANE_KERNEL : PLANE_USER;
        else if (strcmp(argv[i], "--part") == 0 && sscanf(argv[++i], "%u/%u", &o->part, &o->parts) != 2)
            return false;
    }
    return o->parts > 0;
}

int main(int argc, char **argv)
{
    struct options o = {.seeds = 200, .first_seed = 1, .parts = 1, .ike_sas = 100000};
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: sim [--seeds N] [--seed S] [--only NAME] [--part K/N] [--list] [--verbose] "
                        "[--plane user|kernel]\n"
                        "       sim --long [--sas N] [--seed S] [--verbose]\n");
        return 2;
    }
    sim_make_certificates();
    if (o.is_long)
        return long_run(o.first_seed, o.is_one && !o.has_sas ? 0 : o.ike_sas, o.is_verbose) > 0;
    size_t scenarios = 0, many = 0, failed = 0, index = 0;
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (const struct scenario *sc = tables[t]; sc->name; sc++) {
            if ((o.only && !strstr(sc->name, o.only)) || index++ % o.parts != o.part)
                continue;
            scenarios++;
            if (o.lists) {
                printf("%s: goal within %.0f s\n", sc->name, (double)sc->goal_within / 1e6);
                continue;
            }
            size_t bad = 0;
            uint64_t seeds = seeds_of(&o, sc);
            many += seeds == o.seeds;
            for (uint64_t seed = o.first_seed; seed < o.first_seed + seeds && bad < 5; seed++)
                bad += !run_one(sc, seed, o.is_verbose);
            failed += bad > 0;
            printf("%s %s: %llu seeds, goal within %.0f s\n", bad ? "FAIL" : "ok  ", sc->name,
                   (unsigned long long)seeds, (double)sc->goal_within / 1e6);
            fflush(stdout);
        }
    }
    printf("sim: %zu scenarios, %llu seeds each, first seed %llu\n", many, (unsigned long long)o.seeds,
           (unsigned long long)o.first_seed);
    if (many < scenarios)
        printf("sim: %zu scenarios, %llu seeds each, without loss\n", scenarios - many,
               (unsigned long long)o.seeds / OF_LOSS);
    printf("%zu passed, %zu failed\n", scenarios - failed, failed);
    return failed || !scenarios ? 1 : 0;
}
